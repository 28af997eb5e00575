/*
 * Weight types: sizes, names, and a block as numbers. All is made from types.def.
 */
#ifndef INF_TYPE_H
#define INF_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum inf_type {
#define TYPE(ENUM, name, id, weights, bytes, form, function) INF_TYPE_##ENUM = id,
#include "formats/types.def"
#undef TYPE
    INF_TYPE_LIMIT = 64 /* ids are below this */
};

enum inf_form {
    INF_FORM_FLOAT,
    INF_FORM_S32,
    INF_FORM_S16,
    INF_FORM_S32_MIN,
    INF_FORM_S32_MIN256,
    INF_FORM_S16_MIN256,
    INF_FORM_NUMBER
};

#define INF_BLOCK_MAX 256 /* weights of the largest block */

/* A block as integers, exactly. With sub = 16 or 32 by the form, weight i is
 *     scale[i / sub] * q[i]                      S32, S16
 *     scale[i / 32] * q[i] + min[i / 32]         S32_MIN
 *     scale[i / sub] * q[i] - dmin * m[i / sub]  S32_MIN256, S16_MIN256
 * where the products are exact in float and the sum is the only rounding. */
struct inf_ints {
    int8_t q[INF_BLOCK_MAX];
    float scale[INF_BLOCK_MAX / 16];
    float min[INF_BLOCK_MAX / 32]; /* S32_MIN alone */
    float dmin;                    /* the MIN256 forms alone */
    uint8_t m[INF_BLOCK_MAX / 16];
};

struct inf_type_info {
    const char *name;
    uint32_t id;
    uint32_t weights, bytes; /* of a block */
    enum inf_form form;
    void (*ints)(const uint8_t *block, struct inf_ints *out);        /* NULL for FLOAT, NUMBER */
    void (*floats)(const uint8_t *values, size_t count, float *out); /* NULL for the others */
};

/* NULL where the id is unknown or removed. */
const struct inf_type_info *inf_type_info(uint32_t id);
const struct inf_type_info *inf_type_find(const char *name);

/* Weights of a sub-block with one scale: 16 or 32 (1 for FLOAT and NUMBER). */
uint32_t inf_type_sub(const struct inf_type_info *type);

/* Bytes of a row of `weights`; false where that is not whole blocks or overflows. */
bool inf_type_row_bytes(const struct inf_type_info *type, uint64_t weights, uint64_t *bytes);

/* The floats of `weights` weights (whole blocks) at `row`. */
void inf_type_decode(const struct inf_type_info *type, const uint8_t *row, size_t weights,
                     float *out);

#define TYPE(ENUM, name, id, weights, bytes, form, function) TYPE_##form(function)
#define TYPE_FLOAT(function) void inf_##function##_floats(const uint8_t *, size_t, float *);
#define TYPE_NUMBER(function) TYPE_FLOAT(function)
#define TYPE_S32(function) void inf_##function##_ints(const uint8_t *, struct inf_ints *);
#define TYPE_S16(function) TYPE_S32(function)
#define TYPE_S32_MIN(function) TYPE_S32(function)
#define TYPE_S32_MIN256(function) TYPE_S32(function)
#define TYPE_S16_MIN256(function) TYPE_S32(function)
#include "formats/types.def"
#undef TYPE
#undef TYPE_FLOAT
#undef TYPE_NUMBER
#undef TYPE_S32
#undef TYPE_S16
#undef TYPE_S32_MIN
#undef TYPE_S32_MIN256
#undef TYPE_S16_MIN256

#endif
