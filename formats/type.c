/* The table of weight types, and blocks to floats through their integers. */
#include "formats/type.h"
#include "formats/block.h"

#include <string.h>

#define BLOCK(function, bytes)                                                                     \
    _Static_assert(sizeof(struct inf_block_##function) == (bytes), #function " in types.def");
#define NO_BLOCK(function, bytes)
#define TYPE(ENUM, name, id, weights, bytes, form, function)                                       \
    _Static_assert((id) < INF_TYPE_LIMIT && (weights) <= INF_BLOCK_MAX, name);                     \
    CHECK_##form(function, bytes)
#define CHECK_FLOAT NO_BLOCK
#define CHECK_NUMBER NO_BLOCK
#define CHECK_S32 BLOCK
#define CHECK_S16 BLOCK
#define CHECK_S32_MIN BLOCK
#define CHECK_S32_MIN256 BLOCK
#define CHECK_S16_MIN256 BLOCK
#include "formats/types.def"
#undef TYPE

#define FLOATS(function) NULL, inf_##function##_floats
#define INTS(function) inf_##function##_ints, NULL
#define TYPE(ENUM, name, id, weights, bytes, form, function)                                       \
    [id] = {name, id, weights, bytes, INF_FORM_##form, FUNCTIONS_##form(function)},
#define FUNCTIONS_FLOAT FLOATS
#define FUNCTIONS_NUMBER FLOATS
#define FUNCTIONS_S32 INTS
#define FUNCTIONS_S16 INTS
#define FUNCTIONS_S32_MIN INTS
#define FUNCTIONS_S32_MIN256 INTS
#define FUNCTIONS_S16_MIN256 INTS
static const struct inf_type_info infos[INF_TYPE_LIMIT] = {
#include "formats/types.def"
};
#undef TYPE

const struct inf_type_info *inf_type_info(uint32_t id)
{
    return id < INF_TYPE_LIMIT && infos[id].name ? &infos[id] : NULL;
}

const struct inf_type_info *inf_type_find(const char *name)
{
    for (uint32_t id = 0; id < INF_TYPE_LIMIT; id++)
        if (infos[id].name && !strcmp(infos[id].name, name))
            return &infos[id];
    return NULL;
}

uint32_t inf_type_sub(const struct inf_type_info *type)
{
    switch (type->form) {
    case INF_FORM_S16:
    case INF_FORM_S16_MIN256:
        return 16;
    case INF_FORM_S32:
    case INF_FORM_S32_MIN:
    case INF_FORM_S32_MIN256:
        return 32;
    case INF_FORM_FLOAT:
    case INF_FORM_NUMBER:
        break;
    }
    return 1;
}

bool inf_type_row_bytes(const struct inf_type_info *type, uint64_t weights, uint64_t *bytes)
{
    if (weights % type->weights)
        return false;
    return !__builtin_mul_overflow(weights / type->weights, type->bytes, bytes);
}

/* out[i] = scale * q[i] + add; the product is exact, so the sum is the one rounding. */
static inline void put(const int8_t *q, size_t n, float scale, float add, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = scale * (float)q[i] + add;
}

/* Scales alone: adding even a zero would turn -0 into +0, which is cheap to avoid. */
static inline void put_scaled(const int8_t *q, size_t n, float scale, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = scale * (float)q[i];
}

static void put_block(const struct inf_type_info *type, const struct inf_ints *b, float *out)
{
    const size_t n = type->weights;
    switch (type->form) {
    case INF_FORM_S32:
        for (size_t j = 0; j < n / 32; j++)
            put_scaled(b->q + 32 * j, 32, b->scale[j], out + 32 * j);
        break;
    case INF_FORM_S16:
        for (size_t j = 0; j < n / 16; j++)
            put_scaled(b->q + 16 * j, 16, b->scale[j], out + 16 * j);
        break;
    case INF_FORM_S32_MIN:
        for (size_t j = 0; j < n / 32; j++)
            put(b->q + 32 * j, 32, b->scale[j], b->min[j], out + 32 * j);
        break;
    case INF_FORM_S32_MIN256:
        for (size_t j = 0; j < n / 32; j++)
            put(b->q + 32 * j, 32, b->scale[j], -(b->dmin * (float)b->m[j]), out + 32 * j);
        break;
    case INF_FORM_S16_MIN256:
        for (size_t j = 0; j < n / 16; j++)
            put(b->q + 16 * j, 16, b->scale[j], -(b->dmin * (float)b->m[j]), out + 16 * j);
        break;
    case INF_FORM_FLOAT:
    case INF_FORM_NUMBER:
        break;
    }
}

void inf_type_decode(const struct inf_type_info *type, const uint8_t *row, size_t weights,
                     float *out)
{
    if (type->floats) {
        type->floats(row, weights, out);
        return;
    }
    for (size_t i = 0; i < weights; i += type->weights, row += type->bytes) {
        struct inf_ints b;
        type->ints(row, &b);
        put_block(type, &b, out + i);
    }
}
