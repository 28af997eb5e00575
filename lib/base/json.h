/*
 * Reads JSON (RFC 8259) into a tree: bounded, depth-limited, nothing guessed. Members keep the
 * order in which they stand; of two with one name the last counts, in the place of the first.
 */
#ifndef INF_JSON_H
#define INF_JSON_H

#include "lib/base/base.h"

enum inf_json_kind {
    INF_JSON_NULL,
    INF_JSON_FALSE,
    INF_JSON_TRUE,
    INF_JSON_INTEGER,
    INF_JSON_BIG,  /* a whole number beyond 64 bits: its digits are `text` */
    INF_JSON_REAL, /* has a point or an exponent; may be infinite */
    INF_JSON_STRING,
    INF_JSON_ARRAY,
    INF_JSON_OBJECT
};

struct inf_json {
    enum inf_json_kind kind;
    size_t count; /* of items or members */
    union {
        int64_t integer;
        double real;
        struct inf_bytes text; /* UTF-8, may hold NUL */
        const struct inf_json *items;
        const struct inf_json_member *members;
    } as;
};

struct inf_json_member {
    struct inf_bytes name;
    struct inf_json value;
};

/* The tree lies in the arena, its texts also in text[len): both must outlive it. Errors are
 * INFER_E_FORMAT or INFER_E_LIMIT, with line and column. */
infer_status inf_json_read(struct inf_arena *arena, const char *text, size_t len,
                           struct inf_json *root, infer_error *err);

/* The value of that name, NULL where there is none. */
const struct inf_json *inf_json_get(const struct inf_json *object, const char *name);

#endif
