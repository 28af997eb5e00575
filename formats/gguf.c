/* The GGUF reader. One pass: header, keys, tensor table; then what needs all of them together. */
#include "formats/gguf.h"

#include "formats/half.h"
#include "lib/base/limits.h"
#include "lib/base/sort.h"

#include <math.h>
#include <string.h>

#define HEADER_BYTES 24
/* What the smallest key and tensor take in a file: a name of one byte and a value of one; a name of
 * one byte and no dimensions. */
#define KEY_BYTES_MIN (8 + 1 + 4 + 1)
#define TENSOR_BYTES_MIN (8 + 1 + 4 + 4 + 8)
#define NAME_BYTES_MAX 65535 /* the format's limit for keys */
#define ALIGNMENT_DEFAULT 32
#define NAME_SHOWN 100 /* bytes of a name in an error text */

/* Where reading is, and what is being read, for error texts. */
struct cursor {
    const uint8_t *bytes;
    size_t size, at;
    const char *what; /* "key", "tensor" */
    uint64_t index;
    struct inf_bytes name; /* empty until it is known */
    infer_error *err;
};

static int shown(struct inf_bytes name)
{
    return (int)inf_min_size(name.len, NAME_SHOWN);
}

/* Fails at byte `at` of the key or tensor being read: `key 3 "general.name" at byte 90: ...`. */
#define FAIL(c, status, at, format, ...)                                                           \
    inf_fail((c)->err, status, "%s %llu%s%.*s%s at byte %zu: " format, (c)->what,                  \
             (unsigned long long)(c)->index, (c)->name.len ? " \"" : "", shown((c)->name),         \
             (c)->name.ptr, (c)->name.len ? "\"" : "", (size_t)(at), __VA_ARGS__)

static size_t left(const struct cursor *c)
{
    return c->size - c->at;
}

static infer_status ends(const struct cursor *c, const char *field, uint64_t bytes)
{
    return FAIL(c, INFER_E_FORMAT, c->at, "%s needs %llu bytes, the file has %zu left", field,
                (unsigned long long)bytes, left(c));
}

static infer_status read_u32(struct cursor *c, const char *field, uint32_t *value)
{
    if (left(c) < sizeof *value)
        return ends(c, field, sizeof *value);
    *value = inf_load_u32(c->bytes + c->at);
    c->at += sizeof *value;
    return INFER_OK;
}

static infer_status read_u64(struct cursor *c, const char *field, uint64_t *value)
{
    if (left(c) < sizeof *value)
        return ends(c, field, sizeof *value);
    *value = inf_load_u64(c->bytes + c->at);
    c->at += sizeof *value;
    return INFER_OK;
}

static infer_status read_string(struct cursor *c, const char *field, size_t bytes_max,
                                struct inf_bytes *string)
{
    size_t start = c->at;
    uint64_t bytes = 0;
    infer_status status = read_u64(c, field, &bytes);
    if (status)
        return status;
    if (bytes > left(c))
        return FAIL(c, INFER_E_FORMAT, start, "%s of %llu bytes, the file has %zu left", field,
                    (unsigned long long)bytes, left(c));
    if (bytes > bytes_max)
        return FAIL(c, INFER_E_LIMIT, start, "%s of %llu bytes, at most %zu", field,
                    (unsigned long long)bytes, bytes_max);
    *string = (struct inf_bytes){(const char *)c->bytes + c->at, (size_t)bytes};
    c->at += (size_t)bytes;
    return INFER_OK;
}

static infer_status read_name(struct cursor *c, struct inf_bytes *name)
{
    size_t start = c->at;
    c->name = (struct inf_bytes){"", 0};
    infer_status status = read_string(c, "name", NAME_BYTES_MAX, name);
    if (status)
        return status;
    if (!name->len)
        return FAIL(c, INFER_E_FORMAT, start, "the name is empty (%d bytes)", 0);
    c->name = *name;
    return INFER_OK;
}

/* Zeroed memory, counted; NULL and *err filled where there is none. */
static void *take(struct inf_gguf *g, size_t count, size_t size, const char *what, infer_error *err)
{
    void *ptr = inf_alloc_zero(&g->a, count, size);
    if (ptr)
        g->heap_bytes += inf_max_size(count * size, 1); /* as inf_alloc does */
    else
        inf_fail_memory(err, what, count * size);
    return ptr;
}

static const struct {
    const char *name;
    uint8_t bytes;
} value_types[] = {
    [INFER_META_U8] = {"u8", 1},         [INFER_META_I8] = {"i8", 1},
    [INFER_META_U16] = {"u16", 2},       [INFER_META_I16] = {"i16", 2},
    [INFER_META_U32] = {"u32", 4},       [INFER_META_I32] = {"i32", 4},
    [INFER_META_F32] = {"f32", 4},       [INFER_META_BOOL] = {"bool", 1},
    [INFER_META_STRING] = {"string", 0}, [INFER_META_ARRAY] = {"array", 0},
    [INFER_META_U64] = {"u64", 8},       [INFER_META_I64] = {"i64", 8},
    [INFER_META_F64] = {"f64", 8},
};
#define VALUE_TYPES (sizeof value_types / sizeof *value_types)

size_t inf_gguf_type_bytes(infer_meta_type type)
{
    return (size_t)type < VALUE_TYPES ? value_types[type].bytes : 0;
}

const char *inf_gguf_type_name(infer_meta_type type)
{
    return (size_t)type < VALUE_TYPES ? value_types[type].name : "?";
}

static infer_status read_type(struct cursor *c, const char *field, infer_meta_type *type)
{
    size_t start = c->at;
    uint32_t id = 0;
    infer_status status = read_u32(c, field, &id);
    if (status)
        return status;
    if (id >= VALUE_TYPES)
        return FAIL(c, INFER_E_FORMAT, start, "%s %u, at most %zu", field, id, VALUE_TYPES - 1);
    *type = (infer_meta_type)id;
    return INFER_OK;
}

static infer_status read_array_head(struct cursor *c, struct inf_gguf_key *key)
{
    infer_status status = read_type(c, "element type", &key->items);
    if (status)
        return status;
    if (key->items == INFER_META_ARRAY)
        return FAIL(c, INFER_E_UNSUPPORTED, c->at - 4, "an array of arrays (type %d) is not read",
                    INFER_META_ARRAY);
    size_t start = c->at;
    status = read_u64(c, "element count", &key->count);
    if (status)
        return status;
    size_t item = inf_gguf_type_bytes(key->items);
    if (key->count > left(c) / (item ? item : sizeof(uint64_t)))
        return FAIL(c, INFER_E_FORMAT, start, "array of %llu %s, the file has %zu bytes left",
                    (unsigned long long)key->count, inf_gguf_type_name(key->items), left(c));
    if (key->count > INF_MAX_ARRAY)
        return FAIL(c, INFER_E_LIMIT, start, "array of %llu elements, at most %u",
                    (unsigned long long)key->count, INF_MAX_ARRAY);
    return INFER_OK;
}

static infer_status read_strings(struct inf_gguf *g, struct cursor *c, struct inf_gguf_key *key)
{
    if (key->type == INFER_META_ARRAY && key->count) {
        key->starts =
            take(g, (size_t)key->count, sizeof *key->starts, "the places of strings", c->err);
        if (!key->starts)
            return INFER_E_MEMORY;
    }
    size_t begin = c->at;
    for (uint64_t i = 0; i < key->count; i++) {
        struct inf_bytes string;
        if (key->starts)
            key->starts[i] = c->at - begin;
        infer_status status = read_string(c, "string", INF_MAX_STRING, &string);
        if (status)
            return status;
    }
    return INFER_OK;
}

static infer_status read_numbers(struct cursor *c, const struct inf_gguf_key *key)
{
    size_t bytes; /* no wrap for an array: its count was held against the file */
    if (!inf_mul_size((size_t)key->count, inf_gguf_type_bytes(key->items), &bytes) ||
        bytes > left(c))
        return ends(c, "value", inf_gguf_type_bytes(key->items));
    if (key->items == INFER_META_BOOL)
        for (size_t i = 0; i < bytes; i++)
            if (key->data[i] > 1)
                return FAIL(c, INFER_E_FORMAT, c->at + i, "bool %zu is %u, not 0 or 1", i,
                            key->data[i]);
    c->at += bytes;
    return INFER_OK;
}

static infer_status read_key(struct inf_gguf *g, struct cursor *c, struct inf_gguf_key *key)
{
    infer_status status = read_name(c, &key->name);
    if (!status)
        status = read_type(c, "value type", &key->type);
    if (status)
        return status;
    key->items = key->type;
    key->count = 1;
    if (key->type == INFER_META_ARRAY && (status = read_array_head(c, key)))
        return status;
    key->data = c->bytes + c->at;
    return key->items == INFER_META_STRING ? read_strings(g, c, key) : read_numbers(c, key);
}

/* elements, and bytes where the type is known, with every product checked. */
static infer_status measure_tensor(struct cursor *c, size_t start, struct inf_gguf_tensor *t)
{
    uint64_t elements = 1;
    bool empty = false;
    for (uint32_t i = 0; i < t->dims; i++) {
        if (t->shape[i] > INT64_MAX)
            return FAIL(c, INFER_E_FORMAT, start, "dimension %u is %llu, at most %lld", i,
                        (unsigned long long)t->shape[i], (long long)INT64_MAX);
        empty |= !t->shape[i];
        if (t->shape[i] &&
            (__builtin_mul_overflow(elements, t->shape[i], &elements) || elements > INT64_MAX))
            return FAIL(c, INFER_E_FORMAT, start,
                        "%llu x %llu x %llu x %llu elements, at most %lld",
                        (unsigned long long)t->shape[0], (unsigned long long)t->shape[1],
                        (unsigned long long)t->shape[2], (unsigned long long)t->shape[3],
                        (long long)INT64_MAX);
    }
    t->elements = empty ? 0 : elements;
    t->bytes = 0;
    if (!t->type)
        return INFER_OK;
    uint64_t row = 0;
    if (t->shape[0] % t->type->weights)
        return FAIL(c, INFER_E_FORMAT, start, "rows of %llu, blocks of %s hold %u",
                    (unsigned long long)t->shape[0], t->type->name, t->type->weights);
    if (empty)
        return INFER_OK;
    if (__builtin_mul_overflow(t->shape[0] / t->type->weights, (uint64_t)t->type->bytes, &row) ||
        __builtin_mul_overflow(row, elements / t->shape[0], &t->bytes))
        return FAIL(c, INFER_E_FORMAT, start, "%llu elements of %s pass %llu bytes",
                    (unsigned long long)elements, t->type->name, (unsigned long long)UINT64_MAX);
    return INFER_OK;
}

static infer_status read_tensor(struct cursor *c, struct inf_gguf_tensor *t)
{
    size_t start = c->at;
    infer_status status = read_name(c, &t->name);
    if (!status)
        status = read_u32(c, "dimension count", &t->dims);
    if (status)
        return status;
    if (t->dims > INF_MAX_DIMS)
        return FAIL(c, INFER_E_FORMAT, c->at - 4, "%u dimensions, at most %u", t->dims,
                    INF_MAX_DIMS);
    for (uint32_t i = 0; i < INF_MAX_DIMS; i++)
        t->shape[i] = 1;
    for (uint32_t i = 0; i < t->dims; i++)
        if ((status = read_u64(c, "dimension", &t->shape[i])))
            return status;
    if ((status = read_u32(c, "type", &t->type_id)) || (status = read_u64(c, "offset", &t->offset)))
        return status;
    t->type = inf_type_info(t->type_id);
    return measure_tensor(c, start, t);
}

static infer_status read_header(struct inf_gguf *g, struct cursor *c)
{
    bool magic = c->size >= 4 && !memcmp(c->bytes, "GGUF", 4);
    if (!magic && c->size >= 4 && !memcmp(c->bytes, "FUGG", 4))
        return inf_fail(c->err, INFER_E_UNSUPPORTED,
                        "byte 0: \"FUGG\": the file is big-endian, only little-endian is read");
    if (!magic)
        return inf_fail(c->err, INFER_E_FORMAT, "byte 0: not a GGUF file: \"%.*s\", not \"GGUF\"",
                        (int)inf_min_size(c->size, 4), (const char *)c->bytes);
    if (c->size < HEADER_BYTES)
        return inf_fail(c->err, INFER_E_FORMAT, "the file ends in its header: %zu bytes of %d",
                        c->size, HEADER_BYTES);
    uint32_t version = inf_load_u32(c->bytes + 4);
    uint64_t tensors = inf_load_u64(c->bytes + 8), keys = inf_load_u64(c->bytes + 16);
    c->at = HEADER_BYTES;
    if (version && !(version & 0xffff))
        return inf_fail(
            c->err, INFER_E_UNSUPPORTED,
            "byte 4: version 0x%08x: the file is big-endian, only little-endian is read", version);
    if (version < 2 || version > 3)
        return inf_fail(c->err, INFER_E_UNSUPPORTED,
                        "byte 4: GGUF version %u; versions 2 and 3 are read", version);
    if (tensors > left(c) / TENSOR_BYTES_MIN)
        return inf_fail(c->err, INFER_E_FORMAT, "byte 8: %llu tensors, the file has %zu bytes left",
                        (unsigned long long)tensors, left(c));
    if (keys > left(c) / KEY_BYTES_MIN)
        return inf_fail(c->err, INFER_E_FORMAT, "byte 16: %llu keys, the file has %zu bytes left",
                        (unsigned long long)keys, left(c));
    if (tensors > INF_MAX_TENSORS || keys > INF_MAX_KEYS)
        return inf_fail(
            c->err, INFER_E_LIMIT, "byte 8: %llu tensors and %llu keys, at most %u and %u",
            (unsigned long long)tensors, (unsigned long long)keys, INF_MAX_TENSORS, INF_MAX_KEYS);
    g->version = version;
    g->tensor_count = (size_t)tensors;
    g->key_count = (size_t)keys;
    return INFER_OK;
}

/* order[]: the `count` things of `size` bytes at `items`, each of which begins with its name. No
 * name may be there twice. */
static infer_status sort_names(struct inf_sort_item *order, struct inf_sort_item *scratch,
                               const void *items, size_t size, size_t count, const char *what,
                               infer_error *err)
{
    const char *first = items;
    for (size_t i = 0; i < count; i++)
        order[i].item = first + i * size;
    inf_names_sort(order, scratch, count);
    size_t twice = inf_names_twice(order, count);
    if (!twice)
        return INFER_OK;
    const struct inf_bytes *name = order[twice].item;
    return inf_fail(err, INFER_E_FORMAT, "%s \"%.*s\" is there twice: number %zu and number %zu",
                    what, shown(*name), name->ptr,
                    (size_t)((const char *)order[twice - 1].item - first) / size,
                    (size_t)((const char *)order[twice].item - first) / size);
}

static infer_status index_keys(struct inf_gguf *g, infer_error *err)
{
    g->key_order = take(g, g->key_count, sizeof *g->key_order, "the order of keys", err);
    if (!g->key_order)
        return INFER_E_MEMORY;
    size_t bytes = g->key_count * sizeof *g->key_order;
    struct inf_sort_item *scratch = inf_alloc(&g->a, bytes);
    if (!scratch)
        return inf_fail_memory(err, "sorting keys", bytes);
    infer_status status =
        sort_names(g->key_order, scratch, g->keys, sizeof *g->keys, g->key_count, "key", err);
    inf_release(&g->a, scratch);
    return status;
}

static infer_status read_alignment(struct inf_gguf *g, infer_error *err)
{
    g->alignment = ALIGNMENT_DEFAULT;
    const struct inf_gguf_key *key = inf_gguf_key(g, "general.alignment");
    if (!key)
        return INFER_OK;
    size_t at = (size_t)(key->data - g->bytes);
    if (key->type != INFER_META_U32)
        return inf_fail(err, INFER_E_FORMAT,
                        "key \"general.alignment\" at byte %zu: a %s, not a u32", at,
                        inf_gguf_type_name(key->type));
    g->alignment = inf_load_u32(key->data);
    if (g->alignment < 8 || g->alignment > INF_MAX_ALIGNMENT || g->alignment & (g->alignment - 1))
        return inf_fail(
            err, INFER_E_FORMAT,
            "key \"general.alignment\" at byte %zu: %llu, not a power of two from 8 to %u", at,
            (unsigned long long)g->alignment, INF_MAX_ALIGNMENT);
    return INFER_OK;
}

/* Where each tensor's data is: aligned and inside the file. */
static infer_status place_tensors(struct inf_gguf *g, size_t table_end, infer_error *err)
{
    size_t start;
    if (!inf_round_up(table_end, (size_t)g->alignment, &start) || start > g->size)
        start = g->size;
    g->data_start = start;
    uint64_t bytes = g->size - start, elements = 0;
    for (size_t i = 0; i < g->tensor_count; i++) {
        struct inf_gguf_tensor *t = &g->tensors[i];
        if (t->offset % g->alignment)
            return inf_fail(err, INFER_E_FORMAT,
                            "tensor \"%.*s\": offset %llu is not a multiple of the alignment %llu",
                            shown(t->name), t->name.ptr, (unsigned long long)t->offset,
                            (unsigned long long)g->alignment);
        if (t->offset > bytes || t->bytes > bytes - t->offset)
            return inf_fail(
                err, INFER_E_FORMAT,
                "tensor \"%.*s\": %llu bytes at offset %llu, the file has %llu bytes of "
                "tensor data (from byte %zu)",
                shown(t->name), t->name.ptr, (unsigned long long)t->bytes,
                (unsigned long long)t->offset, (unsigned long long)bytes, start);
        if (__builtin_add_overflow(elements, t->elements, &elements) || elements > INT64_MAX)
            return inf_fail(
                err, INFER_E_FORMAT,
                "tensor \"%.*s\": with its %llu elements all tensors have more than %lld",
                shown(t->name), t->name.ptr, (unsigned long long)t->elements, (long long)INT64_MAX);
        t->data = g->bytes + start + t->offset;
    }
    return INFER_OK;
}

/* No byte belongs to two tensors. order[], scratch[]: room for the tensors. */
static infer_status check_overlap(const struct inf_gguf *g, struct inf_sort_item *order,
                                  struct inf_sort_item *scratch, infer_error *err)
{
    for (size_t i = 0; i < g->tensor_count; i++)
        order[i] = (struct inf_sort_item){g->tensors[i].offset, &g->tensors[i]};
    inf_sort(order, scratch, g->tensor_count, NULL);
    const struct inf_gguf_tensor *last = NULL; /* the one that reaches farthest */
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct inf_gguf_tensor *t = order[i].item;
        if (!t->bytes)
            continue;
        if (last && t->offset < last->offset + last->bytes)
            return inf_fail(err, INFER_E_FORMAT,
                            "tensor \"%.*s\" at offset %llu lies on tensor \"%.*s\", %llu bytes at "
                            "offset %llu",
                            shown(t->name), t->name.ptr, (unsigned long long)t->offset,
                            shown(last->name), last->name.ptr, (unsigned long long)last->bytes,
                            (unsigned long long)last->offset);
        last = t;
    }
    return INFER_OK;
}

static infer_status index_tensors(struct inf_gguf *g, infer_error *err)
{
    g->tensor_order =
        take(g, g->tensor_count, sizeof *g->tensor_order, "the order of tensors", err);
    if (!g->tensor_order)
        return INFER_E_MEMORY;
    size_t bytes = g->tensor_count * sizeof *g->tensor_order;
    struct inf_sort_item *scratch = inf_alloc(&g->a, bytes);
    if (!scratch)
        return inf_fail_memory(err, "sorting tensors", bytes);
    infer_status status = check_overlap(g, g->tensor_order, scratch, err);
    if (!status)
        status = sort_names(g->tensor_order, scratch, g->tensors, sizeof *g->tensors,
                            g->tensor_count, "tensor", err);
    inf_release(&g->a, scratch);
    return status;
}

static infer_status parse(struct inf_gguf *g, infer_error *err)
{
    struct cursor c = {
        .bytes = g->bytes, .size = g->size, .what = "header", .name = {"", 0}, .err = err};
    infer_status status = read_header(g, &c);
    if (status)
        return status;
    g->keys = take(g, g->key_count, sizeof *g->keys, "keys", err);
    if (!g->keys)
        return INFER_E_MEMORY;
    c.what = "key";
    for (size_t i = 0; i < g->key_count; i++) {
        c.index = i;
        if ((status = read_key(g, &c, &g->keys[i])))
            return status;
    }
    if ((status = index_keys(g, err)) || (status = read_alignment(g, err)))
        return status;
    g->tensors = take(g, g->tensor_count, sizeof *g->tensors, "tensors", err);
    if (!g->tensors)
        return INFER_E_MEMORY;
    c.what = "tensor";
    for (size_t i = 0; i < g->tensor_count; i++) {
        c.index = i;
        if ((status = read_tensor(&c, &g->tensors[i])))
            return status;
    }
    if ((status = place_tensors(g, c.at, err)))
        return status;
    return index_tensors(g, err);
}

infer_status inf_gguf_parse(const infer_allocator *a, const void *bytes, size_t size,
                            struct inf_gguf **gguf, infer_error *err)
{
    *gguf = NULL;
    struct inf_gguf *g = inf_alloc_zero(a, 1, sizeof *g);
    if (!g)
        return inf_fail_memory(err, "a GGUF reader", sizeof *g);
    *g = (struct inf_gguf){.a = *a, .bytes = bytes, .size = size, .heap_bytes = sizeof *g};
    infer_status status = parse(g, err);
    if (status) {
        inf_gguf_free(g);
        return status;
    }
    *gguf = g;
    return INFER_OK;
}

void inf_gguf_free(struct inf_gguf *gguf)
{
    if (!gguf)
        return;
    infer_allocator a = gguf->a;
    for (size_t i = 0; gguf->keys && i < gguf->key_count; i++)
        inf_release(&a, gguf->keys[i].starts);
    inf_release(&a, gguf->keys);
    inf_release(&a, gguf->tensors);
    inf_release(&a, gguf->key_order);
    inf_release(&a, gguf->tensor_order);
    inf_release(&a, gguf);
}

const struct inf_gguf_key *inf_gguf_key(const struct inf_gguf *gguf, const char *name)
{
    return inf_names_find(gguf->key_order, gguf->key_count, name);
}

const struct inf_gguf_tensor *inf_gguf_tensor(const struct inf_gguf *gguf, const char *name)
{
    return inf_names_find(gguf->tensor_order, gguf->tensor_count, name);
}

void inf_gguf_value(const struct inf_gguf_key *key, uint64_t item, infer_meta_value *value)
{
    *value = (infer_meta_value){.type = key->items};
    const uint8_t *at =
        key->data + (key->starts ? key->starts[item] : item * inf_gguf_type_bytes(key->items));
    switch (key->items) {
    case INFER_META_U8:
    case INFER_META_BOOL:
        value->u = *at;
        break;
    case INFER_META_I8:
        value->i = (int8_t)*at;
        break;
    case INFER_META_U16:
        value->u = inf_load_u16(at);
        break;
    case INFER_META_I16:
        value->i = (int16_t)inf_load_u16(at);
        break;
    case INFER_META_U32:
        value->u = inf_load_u32(at);
        break;
    case INFER_META_I32:
        value->i = (int32_t)inf_load_u32(at);
        break;
    case INFER_META_U64:
        value->u = inf_load_u64(at);
        break;
    case INFER_META_I64:
        value->i = (int64_t)inf_load_u64(at);
        break;
    case INFER_META_F32:
        value->f = inf_float_from_bits(inf_load_u32(at));
        break;
    case INFER_META_F64:
        memcpy(&value->f, at, sizeof value->f);
        break;
    case INFER_META_STRING:
        value->text_len = (size_t)inf_load_u64(at);
        value->text = (const char *)at + sizeof(uint64_t);
        break;
    case INFER_META_ARRAY:
        break;
    }
}

static infer_status wrong_type(const struct inf_gguf *g, const struct inf_gguf_key *key,
                               const char *wanted, infer_error *err)
{
    return inf_fail(err, INFER_E_FORMAT, "key \"%.*s\" at byte %zu: type %s, not %s",
                    shown(key->name), key->name.ptr, (size_t)(key->data - g->bytes),
                    inf_gguf_type_name(key->type), wanted);
}

infer_status inf_gguf_get_uint(const struct inf_gguf *gguf, const char *name, uint64_t low,
                               uint64_t high, uint64_t *out, infer_error *err)
{
    const struct inf_gguf_key *key = inf_gguf_key(gguf, name);
    if (!key)
        return INFER_OK;
    if (!inf_gguf_type_bytes(key->type) || key->type == INFER_META_BOOL ||
        key->type == INFER_META_F32 || key->type == INFER_META_F64)
        return wrong_type(gguf, key, "an integer", err);
    infer_meta_value value;
    inf_gguf_value(key, 0, &value);
    size_t at = (size_t)(key->data - gguf->bytes);
    if (value.i < 0)
        return inf_fail(err, INFER_E_FORMAT, "key \"%s\" at byte %zu: %lld, must be %llu to %llu",
                        name, at, (long long)value.i, (unsigned long long)low,
                        (unsigned long long)high);
    uint64_t number = value.u | (uint64_t)value.i; /* one of them is 0 */
    if (number < low || number > high)
        return inf_fail(err, INFER_E_FORMAT, "key \"%s\" at byte %zu: %llu, must be %llu to %llu",
                        name, at, (unsigned long long)number, (unsigned long long)low,
                        (unsigned long long)high);
    *out = number;
    return INFER_OK;
}

infer_status inf_gguf_get_float(const struct inf_gguf *gguf, const char *name, double *out,
                                infer_error *err)
{
    const struct inf_gguf_key *key = inf_gguf_key(gguf, name);
    if (!key)
        return INFER_OK;
    if (key->type != INFER_META_F32 && key->type != INFER_META_F64)
        return wrong_type(gguf, key, "a float", err);
    infer_meta_value value;
    inf_gguf_value(key, 0, &value);
    if (!isfinite(value.f))
        return inf_fail(err, INFER_E_FORMAT, "key \"%s\" at byte %zu: %f is not finite", name,
                        (size_t)(key->data - gguf->bytes), value.f);
    *out = value.f;
    return INFER_OK;
}

infer_status inf_gguf_get_bool(const struct inf_gguf *gguf, const char *name, bool *out,
                               infer_error *err)
{
    const struct inf_gguf_key *key = inf_gguf_key(gguf, name);
    if (!key)
        return INFER_OK;
    if (key->type != INFER_META_BOOL)
        return wrong_type(gguf, key, "a bool", err);
    *out = *key->data != 0;
    return INFER_OK;
}

infer_status inf_gguf_get_text(const struct inf_gguf *gguf, const char *name, struct inf_bytes *out,
                               infer_error *err)
{
    const struct inf_gguf_key *key = inf_gguf_key(gguf, name);
    if (!key)
        return INFER_OK;
    if (key->type != INFER_META_STRING)
        return wrong_type(gguf, key, "a string", err);
    infer_meta_value value;
    inf_gguf_value(key, 0, &value);
    *out = (struct inf_bytes){value.text, value.text_len};
    return INFER_OK;
}
