/*
 * Damage to the container: header, keys, tensor table (rows A and B), and sound files that look odd
 * (V). A row of the table is one edit of a base model, done once for each of its values.
 */
#include "tests/mkbad_rows.h"

#include "formats/type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T "tokenizer.ggml."
#define HEADS "llama.attention.head_count"
#define EPS "llama.attention.layer_norm_rms_epsilon"
#define LAST_NAME "output_norm.weight"

static struct mk_tensor *norm(struct mk_file *f)
{
    return mk_tensor(f, LAST_NAME);
}

/* ---- A: header and metadata ---------------------------------------------------------------- */

static void magic(struct mk_file *f, uint64_t v)
{
    memcpy(f->magic, &v, 4);
}

static void version(struct mk_file *f, uint64_t v)
{
    f->version = (uint32_t)v;
}

static void keys_said(struct mk_file *f, uint64_t v)
{
    f->keys_more = v - f->key_count;
}

static void tensors_said(struct mk_file *f, uint64_t v)
{
    f->tensors_more = v - f->tensor_count;
}

static void keys_more(struct mk_file *f, uint64_t v)
{
    f->keys_more = v;
}

static void tensors_more(struct mk_file *f, uint64_t v)
{
    f->tensors_more = v;
}

static void key_name_said(struct mk_file *f, uint64_t v)
{
    mk_add_key(f, "a.key", MK_U32)->name_len = v;
}

static void string_said(struct mk_file *f, uint64_t v)
{
    struct mk_bytes *value = &mk_add_key(f, "a.string", MK_STRING)->value;
    mk_put_u64(value, v);
    mk_put(value, "text", 4);
}

static void element_said(struct mk_file *f, uint64_t v)
{
    struct mk_bytes strings = {0};
    mk_put_string(&strings, "text", 4);
    mk_put_u64(&strings, v);
    mk_put(&strings, "text", 4);
    mk_set_array(f, "a.array", MK_STRING, 2, strings.ptr, strings.len);
    free(strings.ptr);
}

static void tensor_name_said(struct mk_file *f, uint64_t v)
{
    norm(f)->name_len = v;
}

/* A string that ends `v` bytes behind the file, the last thing in it. */
static void string_over(struct mk_file *f, uint64_t v)
{
    while (f->tensor_count)
        mk_drop_tensor_at(f, 0);
    f->alignment = 1; /* no padding behind */
    struct mk_bytes *value = &mk_add_key(f, "a.string", MK_STRING)->value;
    mk_put_u64(value, 4 + v);
    mk_put(value, "text", 4);
}

static void value_type(struct mk_file *f, uint64_t v)
{
    mk_put_u64(&mk_add_key(f, "a.key", (uint32_t)v)->value, 0);
}

static void item_type(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "a.array", (uint32_t)v, 1, "\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 16);
}

/* Types that do not exist, with values of no bytes: nothing else is wrong. */
static void empty_value_type(struct mk_file *f, uint64_t v)
{
    mk_add_key(f, "a.key", (uint32_t)v);
}

static void empty_item_type(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "a.array", (uint32_t)v, 0, "", 0);
}

static void nested(struct mk_file *f, uint64_t v)
{
    struct mk_bytes inner = {0};
    for (uint64_t i = 1; i < v; i++) {
        mk_put_u32(&inner, MK_ARRAY);
        mk_put_u64(&inner, 1);
    }
    mk_put_u32(&inner, MK_U8);
    mk_put_u64(&inner, 0);
    mk_set_array(f, "a.array", MK_ARRAY, 1, inner.ptr, inner.len);
    free(inner.ptr);
}

static void array_u8_said(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "a.array", MK_U8, v, "0123456789abcdef", 16);
}

static void array_i32_said(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "a.array", MK_I32, v, "0123456789abcdef", 16);
}

static void array_f64_said(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "a.array", MK_F64, v, "0123456789abcdef", 16);
}

static void array_string_said(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "a.array", MK_STRING, v, "\4\0\0\0\0\0\0\0text", 12);
}

static void empty_strings(struct mk_file *f, uint64_t v)
{
    uint8_t *lengths = calloc((size_t)v, 8);
    mk_set_array(f, "a.array", MK_STRING, v, lengths, (size_t)v * 8);
    free(lengths);
}

static void many_bytes(struct mk_file *f, uint64_t v)
{
    uint8_t *values = calloc((size_t)v, 1);
    mk_set_array(f, "a.array", MK_U8, v, values, (size_t)v);
    free(values);
}

static void bool_value(struct mk_file *f, uint64_t v)
{
    mk_put(&mk_add_key(f, "a.bool", MK_BOOL)->value, &v, 1);
}

static void bool_item(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "a.bools", MK_BOOL, 3, (uint8_t[]){0, 1, (uint8_t)v}, 3);
}

static const char *const needed_keys[] = {
    "general.architecture",
    "llama.block_count",
    "llama.embedding_length",
    "llama.feed_forward_length",
    HEADS,
    EPS,
    T "model",
    T "tokens",
};
#define NEEDED_KEYS (sizeof needed_keys / sizeof *needed_keys)

static void drop_needed(struct mk_file *f, uint64_t v)
{
    mk_drop_key(f, needed_keys[v]);
}

/* Key v / 13 as type v % 13, with a value that is sound for that type. */
static void retype(struct mk_file *f, uint64_t v)
{
    uint32_t type = (uint32_t)(v % MK_VALUE_TYPES);
    struct mk_key *key = mk_set_key(f, needed_keys[v / MK_VALUE_TYPES], type);
    static const uint8_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == MK_ARRAY) {
        mk_put_u32(&key->value, MK_U32);
        mk_put_u64(&key->value, 1);
        mk_put_u32(&key->value, 1);
    } else if (type == MK_STRING) {
        mk_put_string(&key->value, "1", 1);
    } else {
        mk_put(&key->value, (uint8_t[8]){1}, bytes[type]);
    }
}

static void no_tensor_name(struct mk_file *f, uint64_t v)
{
    (void)v;
    struct mk_tensor *t = norm(f);
    t->name.len = 0;
    t->name_len = 0;
}

static void key_twice(struct mk_file *f, uint64_t v)
{
    mk_put_u32(&mk_add_key(f, "llama.block_count", MK_U32)->value, (uint32_t)v);
}

static void tensor_twice(struct mk_file *f, uint64_t v)
{
    (void)v;
    mk_add_tensor(f, LAST_NAME, INF_TYPE_F32, 1, (uint64_t[]){MK_EMBD});
}

static void empty_key(struct mk_file *f, uint64_t v)
{
    mk_put_u32(&mk_add_key(f, "", MK_U32)->value, (uint32_t)v);
}

static void alignment(struct mk_file *f, uint64_t v)
{
    mk_set_u32(f, "general.alignment", (uint32_t)v);
    if (v >= 4 && v <= 1u << 22 && !(v & (v - 1))) /* laid out so, where that makes sense */
        f->alignment = (uint32_t)v;
}

static void alignment_type(struct mk_file *f, uint64_t v)
{
    struct mk_key *key = mk_set_key(f, "general.alignment", (uint32_t)v);
    if (v == MK_STRING)
        mk_put_string(&key->value, "32", 2);
    else
        mk_put(&key->value, &(uint64_t){32}, v == MK_U64 || v == MK_I64 ? 8 : 4);
}

static const struct {
    const char *text;
    size_t len;
} hostile_texts[] = {
    {"a\0b", 3},
    {"\x1b[2J\x1b]0;x\a", 10},
    {"a\r\nb", 4},
    {"\xe2\x80\xae txt", 7}, /* U+202E */
    {"\xff\xfe\xc3", 3},
    {"%s%n%s%n", 8},
    {"", 0},
    {"\xed\xa0\x80", 3}, /* a surrogate */
};
#define HOSTILE_TEXTS (sizeof hostile_texts / sizeof *hostile_texts)

static void name_text(struct mk_file *f, uint64_t v)
{
    mk_set_text(f, "general.name", hostile_texts[v].text, hostile_texts[v].len);
}

static void arch_text(struct mk_file *f, uint64_t v)
{
    mk_set_text(f, "general.architecture", hostile_texts[v].text, hostile_texts[v].len);
}

static void key_text(struct mk_file *f, uint64_t v)
{
    struct mk_key *key = mk_add_key(f, "kit.", MK_U8);
    mk_put(&key->name, hostile_texts[v].text, hostile_texts[v].len);
    key->name_len = key->name.len;
    mk_put(&key->value, "x", 1);
}

static void tensor_text(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_add_tensor(f, "kit.", INF_TYPE_F32, 1, (uint64_t[]){8});
    mk_put(&t->name, hostile_texts[v].text, hostile_texts[v].len);
    t->name_len = t->name.len;
}

static void long_key(struct mk_file *f, uint64_t v)
{
    struct mk_key *key = mk_add_key(f, "k", MK_U8);
    while (key->name.len < v)
        mk_put(&key->name, "k", 1);
    key->name_len = v;
    mk_put(&key->value, "x", 1);
}

static void long_tensor_name(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_add_tensor(f, "t", INF_TYPE_F32, 1, (uint64_t[]){8});
    while (t->name.len < v)
        mk_put(&t->name, "t", 1);
    t->name_len = v;
}

static void long_template(struct mk_file *f, uint64_t v)
{
    char *text = malloc((size_t)v);
    memset(text, 'x', (size_t)v);
    mk_set_text(f, "tokenizer.chat_template", text, (size_t)v);
    free(text);
}

/* ---- B: tensor table and data -------------------------------------------------------------- */

static void dims_said(struct mk_file *f, uint64_t v)
{
    norm(f)->dims = (uint32_t)v;
}

static void dim_said(struct mk_file *f, uint64_t v)
{
    norm(f)->shape[0] = v;
}

static void zero_dim(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, "token_embd.weight");
    t->shape[v] = 0;
    t->data.len = 0;
}

static void zero_times_huge(struct mk_file *f, uint64_t v)
{
    norm(f)->dims = 3;
    for (unsigned i = 0; i < 3; i++)
        norm(f)->shape[i] = i == v ? 0 : (uint64_t)1 << 40;
}

static void rows_said(struct mk_file *f, uint64_t v)
{
    mk_tensor(f, "token_embd.weight")->shape[1] = v;
}

static void shape_said(struct mk_file *f, const uint64_t shape[4])
{
    norm(f)->dims = 4;
    memcpy(norm(f)->shape, shape, 4 * sizeof *shape);
}

static void bytes_wrap(struct mk_file *f, uint64_t v)
{
    shape_said(f, (uint64_t[]){1024, 1024, v, 1});
}

static void pad_wraps(struct mk_file *f, uint64_t v)
{
    (void)v;
    shape_said(f, (uint64_t[]){4, 0x3fffffff, 0x40000001, 1});
}

static void four_wrap(struct mk_file *f, uint64_t v)
{
    shape_said(f, (uint64_t[]){65536, 65536, 65536, v});
}

static void sum_wraps(struct mk_file *f, uint64_t v)
{
    for (unsigned i = 0; i < 2; i++) {
        struct mk_tensor *t = mk_add_tensor(f, i ? "b" : "a", INF_TYPE_I8, 1, (uint64_t[]){32});
        t->shape[0] = v;
        t->placed = true;
        t->offset = i ? v : 0;
    }
}

/* Elements of many tensors of an unknown type: no bytes, but their sum passes 2^63. */
static void element_sum_wraps(struct mk_file *f, uint64_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        char name[8] = {'k', (char)('0' + i)};
        struct mk_tensor *t = mk_add_tensor(f, name, INF_TYPE_F32, 1, (uint64_t[]){8});
        t->type = 1000;
        t->shape[0] = v;
    }
}

static void type_said(struct mk_file *f, uint64_t v)
{
    mk_tensor(f, "blk.0.attn_q.weight")->type = (uint32_t)v;
}

static void row_q4_k(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, "blk.0.attn_q.weight");
    t->type = INF_TYPE_Q4_K;
    t->shape[0] = v;
}

static void row_q8_0(struct mk_file *f, uint64_t v)
{
    mk_tensor(f, "blk.0.attn_q.weight")->shape[0] = v;
}

static void offset_said(struct mk_file *f, uint64_t v)
{
    norm(f)->placed = true;
    norm(f)->offset = v;
}

static uint64_t own_offset(const struct mk_file *f, const struct mk_tensor *of)
{
    uint64_t offset = 0;
    for (const struct mk_tensor *t = f->tensors; t != of; t++)
        offset += (t->data.len + f->alignment - 1) / f->alignment * f->alignment;
    return offset;
}

static void offset_more(struct mk_file *f, uint64_t v)
{
    offset_said(f, own_offset(f, norm(f)) + v);
}

/* The last tensor after a gap that the file has. */
static void gap(struct mk_file *f, uint64_t v)
{
    offset_more(f, v);
    struct mk_bytes moved = {0};
    for (uint64_t i = 0; i < v; i++)
        mk_put(&moved, "\0", 1);
    mk_put(&moved, norm(f)->data.ptr, norm(f)->data.len);
    free(norm(f)->data.ptr);
    norm(f)->data = moved;
}

/* The same inside a longer file: that it is not aligned is all that is wrong. */
static void unaligned(struct mk_file *f, uint64_t v)
{
    offset_more(f, v);
    f->tail = 4096;
}

static void same_offset(struct mk_file *f, uint64_t v)
{
    mk_tensor(f, "blk.0.attn_k.weight")->placed = true;
    mk_tensor(f, "blk.0.attn_k.weight")->offset =
        own_offset(f, mk_tensor(f, "blk.0.attn_q.weight")) + v;
}

/* A small tensor inside a large one that does not begin where it does. */
static void inside(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, "blk.0.attn_norm.weight");
    t->placed = true;
    t->offset = v;
}

/* A tensor of no bytes may lie anywhere: v = 0, of a type that nobody knows; 1, of no elements. */
static void empty_inside(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_add_tensor(f, "kit.empty", INF_TYPE_F32, 1, (uint64_t[]){0});
    t->placed = true;
    t->offset = 32;
    if (v == 0) {
        t->type = 1000;
        t->shape[0] = 8;
    }
}

/* And hides no overlap. */
static void empty_and_inside(struct mk_file *f, uint64_t v)
{
    empty_inside(f, v);
    inside(f, 64);
}

static void reversed_order(struct mk_file *f, uint64_t v)
{
    (void)v;
    uint64_t offset = 0;
    struct mk_bytes all = {0};
    for (size_t i = f->tensor_count; i-- > 0;) {
        struct mk_tensor *t = &f->tensors[i];
        t->placed = true;
        t->offset = offset;
        mk_put(&all, t->data.ptr, t->data.len);
        while (all.len % f->alignment)
            mk_put(&all, "\0", 1);
        offset = all.len;
        t->data.len = 0;
    }
    free(f->tensors[0].data.ptr);
    f->tensors[0].data = all;
}

static void shape_transposed(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = &f->tensors[v];
    if (t->dims == 1)
        mk_reshape(t, 2, 32, 2, 0);
    else if (t->shape[0] == t->shape[1])
        mk_reshape(t, 2, 32, 128, 0);
    else
        mk_reshape(t, 2, t->shape[1], t->shape[0], 0);
}

static void shape_more(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = &f->tensors[v];
    mk_reshape(t, t->dims, t->shape[0] + (t->dims == 1), t->shape[1] + 1, 0);
}

static void shape_less(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = &f->tensors[v];
    mk_reshape(t, t->dims, t->shape[0] - (t->dims == 1), t->shape[1] - 1, 0);
}

static void shape_flat(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = &f->tensors[v];
    mk_reshape(t, 1, t->dims == 1 ? 2 * t->shape[0] : t->shape[0] * t->shape[1], 0, 0);
}

static void shape_deep(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = &f->tensors[v];
    mk_reshape(t, 3, 32, t->shape[1], t->shape[0] / 32);
}

static void shape_type(struct mk_file *f, uint64_t v)
{
    f->tensors[v].type = INF_TYPE_I32;
    mk_reshape(&f->tensors[v], f->tensors[v].dims, f->tensors[v].shape[0], f->tensors[v].shape[1],
               0);
}

static void missing(struct mk_file *f, uint64_t v)
{
    mk_drop_tensor_at(f, (size_t)v);
}

static void experts_less(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, "blk.1.ffn_up_exps.weight");
    mk_reshape(t, 3, MK_EMBD, MK_FF, v);
}

static void extra_tensor(struct mk_file *f, uint64_t v)
{
    mk_add_tensor(f, "kit.extra", INF_TYPE_F32, 1, &v);
}

/* In a layer: what other architectures have there, and what none has. */
static void extra_in_layer(struct mk_file *f, uint64_t v)
{
    static const char *const names[] = {"blk.0.attn_q_norm.weight", "blk.0.ffn_gate.bias",
                                        "blk.0.kit_extra.weight", "blk.1.ffn_gate.bias",
                                        "blk.0.attn_q.scale"};
    mk_add_tensor(f, names[v], INF_TYPE_F32, 1, (uint64_t[1]){32});
}

/* ---- V: sound, if odd ---------------------------------------------------------------------- */

static void unchanged(struct mk_file *f, uint64_t v)
{
    (void)f;
    (void)v;
}

static void tail(struct mk_file *f, uint64_t v)
{
    f->tail = (size_t)v;
}

/* A key of every type, and an array of every type with `v` elements. */
static void every_type(struct mk_file *f, uint64_t v)
{
    static const uint8_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};
    static const uint8_t zeros[64];
    for (uint32_t type = 0; type < MK_VALUE_TYPES; type++) {
        char name[32];
        if (type == MK_ARRAY)
            continue;
        snprintf(name, sizeof name, "kit.value.%u", type);
        mk_put(&mk_set_key(f, name, type)->value, zeros, bytes[type]);
        snprintf(name, sizeof name, "kit.array.%u", type);
        mk_set_array(f, name, type, v, zeros, (size_t)v * bytes[type]);
    }
}

static void no_tensors(struct mk_file *f, uint64_t v)
{
    (void)v;
    while (f->tensor_count)
        mk_drop_tensor_at(f, 0);
}

/* ---- The table ----------------------------------------------------------------------------- */

#define OK MKBAD_OK
#define REFUSE MKBAD_REFUSE
#define EITHER MKBAD_EITHER
#define LEN(...) (sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
#define EACH(...) (const uint64_t[]){__VA_ARGS__}, LEN(__VA_ARGS__)
#define UP_TO(n) NULL, n /* 0 ... n - 1 */
#define ONCE UP_TO(1)
#define P32 ((uint64_t)1 << 32)
#define P63 ((uint64_t)1 << 63)
#define TENSORS_T 11

const struct mkbad_row mkbad_container_rows[] = {
    {"A2", "magic", 1, magic, EACH(0x47475546, 0x6c6d6767, 0x4c4d4747), REFUSE, REFUSE},
    {"A2", "version", 1, version, EACH(0, 1, 4, 0x03000000, 0xffffffff), REFUSE, REFUSE},
    {"A3", "keys", 1, keys_said,
     EACH(1000000000, P32, P63, UINT64_MAX, 0x555555555555556, 0x2e8ba2e8ba2e8bb), REFUSE, REFUSE},
    {"A3", "keys_one", 1, keys_more, EACH(1, UINT64_MAX), REFUSE, REFUSE},
    {"A4", "tensors", 1, tensors_said,
     EACH(1000000000, P32, P63, UINT64_MAX, 0x276276276276277, 0x2e8ba2e8ba2e8bb), REFUSE, REFUSE},
    {"A4", "tensors_one_more", 1, tensors_more, EACH(1), REFUSE, REFUSE},
    {"A4", "tensors_one_less", 1, tensors_more, EACH(UINT64_MAX), OK, REFUSE},
    {"A5", "key_name", 1, key_name_said,
     EACH(1 << 20, P32, 0xffffffffffff, P63, UINT64_MAX - 7, UINT64_MAX), REFUSE, REFUSE},
    {"A5", "string", 1, string_said,
     EACH(1 << 20, P32, 0xffffffffffff, P63, UINT64_MAX - 39, UINT64_MAX), REFUSE, REFUSE},
    {"A5", "element", 1, element_said,
     EACH(1 << 20, P32, 0xffffffffffff, P63, UINT64_MAX - 39, UINT64_MAX), REFUSE, REFUSE},
    {"A5", "tensor_name", 1, tensor_name_said,
     EACH(1 << 20, P32, 0xffffffffffff, P63, UINT64_MAX - 39, UINT64_MAX), REFUSE, REFUSE},
    {"A5", "string_over", 1, string_over, EACH(1, 2, 4096), REFUSE, REFUSE},
    {"A5", "string_to_the_end", 1, string_over, EACH(0), OK, REFUSE},
    {"A6", "value_type", 1, value_type, EACH(13, 14, 255, 0xffffffff), REFUSE, REFUSE},
    {"A6", "item_type", 1, item_type, EACH(13, 255, 0xffffffff), REFUSE, REFUSE},
    {"A6", "empty_value_type", 1, empty_value_type, EACH(13, 0xffffffff), REFUSE, REFUSE},
    {"A6", "empty_item_type", 1, empty_item_type, EACH(MK_ARRAY, 13, 0xffffffff), REFUSE, REFUSE},
    {"A6", "nested", 1, nested, EACH(1, 2, 100000), REFUSE, REFUSE},
    {"A6", "u8", 1, array_u8_said, EACH(1 << 20, (uint64_t)1 << 40, P63, UINT64_MAX), REFUSE,
     REFUSE},
    {"A6", "i32", 1, array_i32_said, EACH(1 << 20, P63 / 2 + 2, UINT64_MAX / 4), REFUSE, REFUSE},
    {"A6", "f64", 1, array_f64_said, EACH(1 << 20, P63 / 4 + 1, UINT64_MAX / 8), REFUSE, REFUSE},
    {"A6", "string", 1, array_string_said, EACH(2, 20000, 1 << 20, P63 / 8, UINT64_MAX), REFUSE,
     REFUSE},
    {"A6", "empty_strings", 1, empty_strings, EACH(1, 1000000), OK, OK},
    {"A6", "empty_strings_over", 1, empty_strings, EACH((4 << 20) + 1), REFUSE, REFUSE},
    {"A6", "bytes_over", 1, many_bytes, EACH((4 << 20) + 1), REFUSE, REFUSE},
    {"A6", "bool", 1, bool_value, EACH(2, 255), REFUSE, REFUSE},
    {"A6", "bool_item", 1, bool_item, EACH(2, 255), REFUSE, REFUSE},
    {"A8", "missing_key", 1, drop_needed, UP_TO(NEEDED_KEYS), OK, REFUSE},
    {"A8", "retyped", 1, retype, UP_TO(NEEDED_KEYS *MK_VALUE_TYPES), OK, EITHER},
    {"A8", "no_tensor_name", 1, no_tensor_name, ONCE, REFUSE, REFUSE},
    {"A9", "key_twice", 1, key_twice, EACH(1, 2), REFUSE, REFUSE},
    {"A9", "tensor_twice", 1, tensor_twice, ONCE, REFUSE, REFUSE},
    {"A9", "empty_key", 1, empty_key, ONCE, REFUSE, REFUSE},
    {"A10", "alignment_bad", 1, alignment,
     EACH(0, 1, 2, 3, 4, 13, 33, 48, 1 << 21, 1 << 22, 0x80000000, 0xffffffff), REFUSE, REFUSE},
    {"A10", "alignment", 1, alignment, EACH(8, 16, 32, 64, 128, 4096, 65536, 1 << 19, 1 << 20), OK,
     OK},
    {"A10", "alignment_type", 1, alignment_type, EACH(MK_I32, MK_U64, MK_I64, MK_F32, MK_STRING),
     REFUSE, REFUSE},
    {"A11", "name", 1, name_text, UP_TO(HOSTILE_TEXTS), OK, OK},
    {"A11", "arch", 1, arch_text, UP_TO(HOSTILE_TEXTS), OK, REFUSE},
    {"A11", "key", 1, key_text, UP_TO(HOSTILE_TEXTS), EITHER, EITHER},
    {"A11", "tensor", 1, tensor_text, UP_TO(HOSTILE_TEXTS), EITHER, EITHER},
    {"A11", "long_key", 1, long_key, EACH(256, 65535, 70000), EITHER, EITHER},
    {"A11", "long_tensor_name", 1, long_tensor_name, EACH(64, 256, 70000), EITHER, EITHER},
    {"A11", "long_template", 2, long_template, EACH(10000000), OK, EITHER},
    {"A11", "string_over", 2, long_template, EACH((16 << 20) + 1), REFUSE, REFUSE},

    {"B1", "dims", 1, dims_said, EACH(5, 8, 255, 0xffffffff), REFUSE, REFUSE},
    {"B1", "no_dims", 1, dims_said, EACH(0), EITHER, REFUSE},
    {"B2", "dim", 1, dim_said, EACH(UINT64_MAX, P63, P63 - 1), REFUSE, REFUSE},
    {"B2", "zero", 1, zero_dim, UP_TO(2), OK, REFUSE},
    {"B2", "zero_times_huge", 1, zero_times_huge, UP_TO(3), REFUSE, REFUSE},
    {"B3", "bytes_wrap", 1, bytes_wrap, EACH(((uint64_t)1 << 42) + 1), REFUSE, REFUSE},
    {"B3", "rows", 1, rows_said,
     EACH(((uint64_t)1 << 42) + 1, P32, P63 / 32 + MK_VOCAB, MK_VOCAB + ((uint64_t)1 << 58)),
     REFUSE, REFUSE},
    {"B3", "row", 1, dim_said, EACH(P63 / 2 + MK_EMBD, P63 / 4, P32), REFUSE, REFUSE},
    {"B3", "four", 1, four_wrap, EACH(65536, 131072, 32768), REFUSE, REFUSE},
    {"B4", "pad_wraps", 1, pad_wraps, ONCE, REFUSE, REFUSE},
    {"B5", "sum_wraps", 1, sum_wraps, EACH(0x7fffffffffffffc0), REFUSE, REFUSE},
    {"B5", "elements", 1, element_sum_wraps, EACH(P63 / 4, P63 / 2, P63 - 1), REFUSE, REFUSE},
    {"B6", "removed", 1, type_said, EACH(4, 5, 31, 32, 33, 36, 37, 38), OK, REFUSE},
    {"B6", "unknown", 1, type_said, EACH(43, 63, 64, 1000, 0x80000000, 0xffffffff), OK, REFUSE},
    {"B7", "q4_k", 1, row_q4_k, EACH(1, 64, 100, 255, 257), REFUSE, REFUSE},
    {"B7", "q8_0", 1, row_q8_0, EACH(1, 31, 33, 48), REFUSE, REFUSE},
    {"B8", "offset", 1, offset_said,
     EACH(UINT64_MAX, UINT64_MAX - 31, UINT64_MAX - 255, P63, (uint64_t)1 << 40), REFUSE, REFUSE},
    {"B8", "offset_more", 1, offset_more, EACH(1, 4, 31, 32, 64, 4096), REFUSE, REFUSE},
    {"B8", "unaligned", 1, unaligned, EACH(1, 4, 8, 16, 31, 33), REFUSE, REFUSE},
    {"B8", "same_offset", 1, same_offset, EACH(0, 32), REFUSE, REFUSE},
    {"B8", "inside", 1, inside, EACH(0, 32, 21504), REFUSE, REFUSE},
    {"B8", "empty_inside", 1, empty_inside, UP_TO(2), OK, EITHER},
    {"B8", "empty_and_inside", 1, empty_and_inside, UP_TO(2), REFUSE, REFUSE},
    {"B8", "gap", 1, gap, EACH(32, 4096), OK, OK},
    {"B8", "reversed", 1, reversed_order, ONCE, OK, OK},
    {"B10", "transposed", 1, shape_transposed, UP_TO(TENSORS_T), OK, REFUSE},
    {"B10", "more", 1, shape_more, UP_TO(TENSORS_T), OK, REFUSE},
    {"B10", "less", 1, shape_less, UP_TO(TENSORS_T), OK, REFUSE},
    {"B10", "flat", 1, shape_flat, UP_TO(TENSORS_T), OK, REFUSE},
    {"B10", "deep", 1, shape_deep, UP_TO(TENSORS_T), OK, REFUSE},
    {"B10", "type", 1, shape_type, UP_TO(TENSORS_T), OK, REFUSE},
    {"B10", "missing", 1, missing, UP_TO(TENSORS_T), OK, REFUSE},
    {"B10", "experts", 2, experts_less, EACH(1, 3, 5), OK, REFUSE},
    {"B10", "extra", 1, extra_tensor, EACH(1, 8), OK, OK},
    {"B10", "extra_beside_apart", MKBAD_MIXTURE_APART, extra_tensor, EACH(1), OK, OK},
    {"B10", "extra_in_layer", 1, extra_in_layer, EACH(0, 1, 4), OK, REFUSE},
    {"B10", "extra_in_layer", 1, extra_in_layer, EACH(2, 3), OK, OK}, /* T has one layer */

    {"V", "base", 1, unchanged, ONCE, OK, OK},
    {"V", "base_experts", 2, unchanged, ONCE, OK, OK},
    {"V", "version", 1, version, EACH(2), OK, OK},
    {"V", "tail", 1, tail, EACH(1, 31, 1000), OK, OK},
    {"V", "every_type", 1, every_type, EACH(0, 1, 8), OK, OK},
    {"V", "no_tensors", 1, no_tensors, ONCE, OK, REFUSE},
};
const size_t mkbad_container_count = sizeof mkbad_container_rows / sizeof *mkbad_container_rows;
