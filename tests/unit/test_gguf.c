/* Sound GGUF files: what the reader says of them, the writer's round trip, split files. */
#include "formats/gguf.h"
#include "formats/gguf_split.h"
#include "formats/gguf_write.h"
#include "lib/base/sort.h"
#include "tests/count_alloc.h"
#include "tests/mkfile.h"
#include "tests/walk.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_gguf(void);

static struct count_alloc counted;
static struct mk_bytes bytes; /* of the file that is open */

static void setup(void)
{
    count_alloc_init(&counted);
    bytes = (struct mk_bytes){0};
}

static void teardown(void)
{
    free(bytes.ptr);
    ck_assert_uint_eq(counted.blocks, 0);
}

/* Builds and parses; the file is given up. */
static struct inf_gguf *open_file(struct mk_file *file)
{
    free(bytes.ptr);
    bytes = mk_build(file, NULL);
    mk_free(file);
    struct inf_gguf *gguf;
    infer_error err = {0};
    infer_status status = inf_gguf_parse(&counted.a, bytes.ptr, bytes.len, &gguf, &err);
    ck_assert_msg(!status, "refused: %s", err.text);
    walk_gguf(gguf);
    return gguf;
}

static infer_meta_value value_of(const struct inf_gguf *g, const char *name, uint64_t item)
{
    const struct inf_gguf_key *key = inf_gguf_key(g, name);
    ck_assert_msg(key != NULL, "no key %s", name);
    ck_assert_uint_lt(item, key->count);
    infer_meta_value value;
    inf_gguf_value(key, item, &value);
    return value;
}

static void check_text(const struct inf_gguf *g, const char *name, uint64_t item, const char *text,
                       size_t len)
{
    infer_meta_value value = value_of(g, name, item);
    ck_assert_int_eq(value.type, INFER_META_STRING);
    ck_assert_uint_eq(value.text_len, len);
    ck_assert_mem_eq(value.text, text, len);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static void add_value(struct mk_file *f, const char *name, uint32_t type, const void *value,
                      size_t len)
{
    mk_put(&mk_add_key(f, name, type)->value, value, len);
}

START_TEST(values_of_every_type)
{
    struct mk_file *f = mk_new();
    add_value(f, "u8", MK_U8, &(uint8_t){255}, 1);
    add_value(f, "i8", MK_I8, &(int8_t){-128}, 1);
    add_value(f, "u16", MK_U16, &(uint16_t){65535}, 2);
    add_value(f, "i16", MK_I16, &(int16_t){-32768}, 2);
    add_value(f, "u32", MK_U32, &(uint32_t){UINT32_MAX}, 4);
    add_value(f, "i32", MK_I32, &(int32_t){INT32_MIN}, 4);
    add_value(f, "u64", MK_U64, &(uint64_t){UINT64_MAX}, 8);
    add_value(f, "i64", MK_I64, &(int64_t){INT64_MIN}, 8);
    add_value(f, "f32", MK_F32, &(float){0.1f}, 4);
    add_value(f, "f64", MK_F64, &(double){0.1}, 8);
    add_value(f, "true", MK_BOOL, "\1", 1);
    add_value(f, "false", MK_BOOL, "", 1);
    mk_set_text(f, "text", "a\0b\xff", 4);
    mk_set_text(f, "empty", "", 0);
    struct inf_gguf *g = open_file(f);
    ck_assert_uint_eq(g->version, 3);
    ck_assert_uint_eq(g->alignment, 32);
    ck_assert_uint_eq(g->key_count, 14);
    ck_assert_uint_eq(g->tensor_count, 0);
    ck_assert_uint_eq(value_of(g, "u8", 0).u, 255);
    ck_assert_int_eq(value_of(g, "i8", 0).i, -128);
    ck_assert_uint_eq(value_of(g, "u16", 0).u, 65535);
    ck_assert_int_eq(value_of(g, "i16", 0).i, -32768);
    ck_assert_uint_eq(value_of(g, "u32", 0).u, UINT32_MAX);
    ck_assert_int_eq(value_of(g, "i32", 0).i, INT32_MIN);
    ck_assert_uint_eq(value_of(g, "u64", 0).u, UINT64_MAX);
    ck_assert_int_eq(value_of(g, "i64", 0).i, INT64_MIN);
    ck_assert(value_of(g, "f32", 0).f == (double)0.1f);
    ck_assert(value_of(g, "f64", 0).f == 0.1);
    ck_assert_uint_eq(value_of(g, "true", 0).u, 1);
    ck_assert_uint_eq(value_of(g, "false", 0).u, 0);
    check_text(g, "text", 0, "a\0b\xff", 4);
    check_text(g, "empty", 0, "", 0);
    ck_assert_ptr_null(inf_gguf_key(g, "none"));
    ck_assert_ptr_null(inf_gguf_key(g, ""));
    ck_assert_ptr_null(inf_gguf_tensor(g, "u8"));
    inf_gguf_free(g);
}
END_TEST

START_TEST(arrays_of_every_type)
{
    static const uint8_t size[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    for (uint64_t count = 0; count < 4; count++) {
        struct mk_file *f = mk_new();
        for (uint32_t type = 0; type < MK_VALUE_TYPES; type++) {
            const char name[] = {(char)('a' + type), 0};
            static const uint8_t ones[64] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
            struct mk_bytes texts = {0};
            for (uint64_t i = 0; i < count; i++)
                mk_put_string(&texts, "abcd", i);
            if (type == MK_STRING)
                mk_set_array(f, name, type, count, texts.ptr, texts.len);
            else if (type != MK_ARRAY)
                mk_set_array(f, name, type, count, ones, (size_t)count * size[type]);
            free(texts.ptr);
        }
        struct inf_gguf *g = open_file(f);
        ck_assert_uint_eq(g->key_count, 12);
        for (size_t i = 0; i < g->key_count; i++) {
            ck_assert_int_eq(g->keys[i].type, INFER_META_ARRAY);
            ck_assert_uint_eq(g->keys[i].count, count);
            ck_assert_int_eq((int)g->keys[i].items, g->keys[i].name.ptr[0] - 'a');
        }
        for (uint64_t i = 0; i < count; i++)
            check_text(g, "i", i, "abcd", (size_t)i);
        if (count)
            ck_assert_uint_eq(value_of(g, "k", 0).u, 1);
        if (count > 1)
            ck_assert_int_eq(value_of(g, "l", 1).i, 1);
        inf_gguf_free(g);
    }
}
END_TEST

START_TEST(tensors_as_they_are)
{
    struct mk_file *f = mk_new();
    mk_add_tensor(f, "f32", 0, 1, (uint64_t[]){5});
    mk_add_tensor(f, "q8_0", 8, 3, (uint64_t[]){64, 3, 2});
    mk_add_tensor(f, "q6_k", 14, 2, (uint64_t[]){512, 2});
    mk_add_tensor(f, "i64", 27, 4, (uint64_t[]){1, 2, 3, 4});
    mk_add_tensor(f, "none", 0, 2, (uint64_t[]){0, 7});
    mk_add_tensor(f, "scalar", 0, 0, NULL);
    mk_put(&f->tensors[5].data, "\0\0\0\0", f->tensors[5].data.len ? 0 : 4);
    mk_add_tensor(f, "unknown", 1000, 2, (uint64_t[]){7, 9});
    struct inf_gguf *g = open_file(f);
    static const struct {
        const char *name;
        uint64_t elements, bytes, offset;
    } expected[] = {
        {"f32", 5, 20, 0},        {"q8_0", 384, 408, 32}, {"q6_k", 1024, 840, 448},
        {"i64", 24, 192, 1312},   {"none", 0, 0, 1504},   {"scalar", 1, 4, 1504},
        {"unknown", 63, 0, 1536},
    };
    ck_assert_uint_eq(g->tensor_count, sizeof expected / sizeof *expected);
    ck_assert_uint_eq(g->data_start % 32, 0);
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct inf_gguf_tensor *t = inf_gguf_tensor(g, expected[i].name);
        ck_assert_ptr_eq(t, &g->tensors[i]);
        ck_assert_uint_eq(t->elements, expected[i].elements);
        ck_assert_uint_eq(t->bytes, expected[i].bytes);
        ck_assert_uint_eq(t->offset, expected[i].offset);
        ck_assert_ptr_eq(t->data, g->bytes + g->data_start + t->offset);
    }
    ck_assert_uint_eq(g->tensors[1].dims, 3);
    ck_assert_uint_eq(g->tensors[1].shape[2], 2);
    ck_assert_uint_eq(g->tensors[1].shape[3], 1);
    ck_assert_str_eq(g->tensors[2].type->name, "q6_k");
    ck_assert_ptr_null(g->tensors[6].type);
    ck_assert_uint_eq(g->tensors[6].type_id, 1000);
    inf_gguf_free(g);
}
END_TEST

START_TEST(every_alignment)
{
    for (uint32_t alignment = 8; alignment <= 1u << 20; alignment *= 2) {
        struct mk_file *f = mk_base_t();
        mk_set_u32(f, "general.alignment", alignment);
        f->alignment = alignment;
        struct inf_gguf *g = open_file(f);
        ck_assert_uint_eq(g->alignment, alignment);
        ck_assert_uint_eq(g->data_start % alignment, 0);
        float weight; /* 0.75 and up, as the base model has it */
        memcpy(&weight, g->tensors[1].data, sizeof weight);
        ck_assert(weight >= 0.75f && weight < 1.25f);
        inf_gguf_free(g);
    }
}
END_TEST

START_TEST(version_2_is_read)
{
    struct mk_file *f = mk_base_t2();
    f->version = 2;
    struct inf_gguf *g = open_file(f);
    ck_assert_uint_eq(g->version, 2);
    ck_assert_uint_eq(g->tensor_count, 22);
    inf_gguf_free(g);
}
END_TEST

START_TEST(integers_by_name)
{
    struct mk_file *f = mk_new();
    add_value(f, "u8", MK_U8, &(uint8_t){7}, 1);
    add_value(f, "i16", MK_I16, &(int16_t){7}, 2);
    add_value(f, "minus", MK_I64, &(int64_t){-1}, 8);
    add_value(f, "max", MK_U64, &(uint64_t){UINT64_MAX}, 8);
    add_value(f, "f32", MK_F32, &(float){7}, 4);
    add_value(f, "bool", MK_BOOL, "\1", 1);
    mk_set_array(f, "array", MK_U32, 1, "\7\0\0\0", 4);
    mk_set_text(f, "text", "7", 1);
    struct inf_gguf *g = open_file(f);
    infer_error err = {0};
    uint64_t n = 99;
    ck_assert_int_eq(inf_gguf_get_uint(g, "none", 0, 10, &n, &err), INFER_OK);
    ck_assert_uint_eq(n, 99);
    static const char *const bad[] = {"minus", "max", "f32", "bool", "array", "text"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(inf_gguf_get_uint(g, bad[i], 0, 10, &n, &err), INFER_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(err.text, bad[i]));
        ck_assert_uint_eq(n, 99);
    }
    ck_assert_int_eq(inf_gguf_get_uint(g, "u8", 7, 7, &n, NULL), INFER_OK);
    ck_assert_uint_eq(n, 7);
    n = 0;
    ck_assert_int_eq(inf_gguf_get_uint(g, "i16", 0, UINT64_MAX, &n, NULL), INFER_OK);
    ck_assert_uint_eq(n, 7);
    ck_assert_int_eq(inf_gguf_get_uint(g, "max", 0, UINT64_MAX, &n, NULL), INFER_OK);
    ck_assert_uint_eq(n, UINT64_MAX);
    ck_assert_int_eq(inf_gguf_get_uint(g, "minus", 0, UINT64_MAX, &n, &err), INFER_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "-1"));
    ck_assert_int_eq(inf_gguf_get_uint(g, "u8", 8, 10, &n, &err), INFER_E_FORMAT);
    ck_assert_int_eq(inf_gguf_get_uint(g, "u8", 0, 6, &n, &err), INFER_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "7, must be 0 to 6"));
    inf_gguf_free(g);
}
END_TEST

START_TEST(floats_bools_and_texts_by_name)
{
    struct mk_file *f = mk_new();
    add_value(f, "f32", MK_F32, &(float){0.5f}, 4);
    add_value(f, "f64", MK_F64, &(double){-2.5}, 8);
    add_value(f, "nan", MK_F32, &(float){NAN}, 4);
    add_value(f, "inf", MK_F64, &(double){-INFINITY}, 8);
    add_value(f, "u32", MK_U32, &(uint32_t){1}, 4);
    add_value(f, "bool", MK_BOOL, "\1", 1);
    mk_set_text(f, "text", "word", 4);
    struct inf_gguf *g = open_file(f);
    infer_error err = {0};
    double x = 9;
    bool b = false;
    struct inf_bytes text = {"old", 3};
    ck_assert_int_eq(inf_gguf_get_float(g, "none", &x, &err), INFER_OK);
    ck_assert_int_eq(inf_gguf_get_float(g, "nan", &x, &err), INFER_E_FORMAT);
    ck_assert_int_eq(inf_gguf_get_float(g, "inf", &x, &err), INFER_E_FORMAT);
    ck_assert_int_eq(inf_gguf_get_float(g, "u32", &x, &err), INFER_E_FORMAT);
    ck_assert(x == 9);
    ck_assert_int_eq(inf_gguf_get_float(g, "f32", &x, &err), INFER_OK);
    ck_assert(x == 0.5);
    ck_assert_int_eq(inf_gguf_get_float(g, "f64", &x, &err), INFER_OK);
    ck_assert(x == -2.5);
    ck_assert_int_eq(inf_gguf_get_bool(g, "none", &b, &err), INFER_OK);
    ck_assert_int_eq(inf_gguf_get_bool(g, "u32", &b, &err), INFER_E_FORMAT);
    ck_assert(!b);
    ck_assert_int_eq(inf_gguf_get_bool(g, "bool", &b, &err), INFER_OK);
    ck_assert(b);
    ck_assert_int_eq(inf_gguf_get_text(g, "none", &text, &err), INFER_OK);
    ck_assert_int_eq(inf_gguf_get_text(g, "bool", &text, &err), INFER_E_FORMAT);
    ck_assert(inf_bytes_equal(text, "old"));
    ck_assert_int_eq(inf_gguf_get_text(g, "text", &text, &err), INFER_OK);
    ck_assert(inf_bytes_equal(text, "word"));
    inf_gguf_free(g);
}
END_TEST

/* The largest vocabularies in use: parsed without a copy of any text. */
START_TEST(a_large_vocabulary_is_small)
{
    const uint64_t count = 262144;
    struct mk_file *f = mk_new();
    struct mk_bytes texts = {0};
    for (uint64_t i = 0; i < count; i++) {
        char text[24];
        int len = snprintf(text, sizeof text, "token%llu", (unsigned long long)i * 7919);
        mk_put_string(&texts, text, (size_t)len);
    }
    mk_set_array(f, "tokenizer.ggml.tokens", MK_STRING, count, texts.ptr, texts.len);
    free(texts.ptr);
    struct inf_gguf *g = open_file(f);
    check_text(g, "tokenizer.ggml.tokens", 2, "token15838", 10);
    ck_assert_uint_lt(g->heap_bytes, count * sizeof(uint64_t) + 4096);
    inf_gguf_free(g);
}
END_TEST

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

START_TEST(sorting_keeps_the_order_of_equals)
{
    int values[1000];
    struct inf_sort_item items[1000], scratch[1000];
    for (size_t count = 0; count <= 1000; count = count < 20 ? count + 1 : count * 2 - 7) {
        uint32_t state = (uint32_t)count;
        for (size_t i = 0; i < count; i++) {
            state = state * 1664525u + 1013904223u;
            values[i] = (int)(state >> 28);
            items[i] = (struct inf_sort_item){state >> 20 & 3, &values[i]};
        }
        inf_sort(items, scratch, count, _i ? compare_ints : NULL);
        for (size_t i = 1; i < count; i++) {
            const struct inf_sort_item *a = &items[i - 1], *b = &items[i];
            int sign = _i ? compare_ints(a->item, b->item) : 0;
            ck_assert(a->key < b->key ||
                      (a->key == b->key && (sign < 0 || (!sign && a->item < b->item))));
        }
    }
}
END_TEST

START_TEST(names_are_found_and_told_apart)
{
    struct inf_bytes names[] = {{"b", 1}, {"a", 1}, {"bb", 2}, {"a", 1}, {"c\0d", 3}};
    struct inf_sort_item items[5], scratch[5];
    for (size_t i = 0; i < 5; i++)
        items[i].item = &names[i];
    inf_names_sort(items, scratch, 5);
    size_t twice = inf_names_twice(items, 5);
    ck_assert_uint_gt(twice, 0);
    ck_assert_ptr_eq(items[twice - 1].item, &names[1]);
    ck_assert_ptr_eq(items[twice].item, &names[3]);
    ck_assert_ptr_eq(inf_names_find(items, 5, "a"), &names[1]);
    ck_assert_ptr_eq(inf_names_find(items, 5, "b"), &names[0]);
    ck_assert_ptr_eq(inf_names_find(items, 5, "bb"), &names[2]);
    ck_assert_ptr_null(inf_names_find(items, 5, "c"));
    ck_assert_ptr_null(inf_names_find(items, 5, ""));
    ck_assert_ptr_null(inf_names_find(items, 0, "a"));
    names[3].ptr = "d";
    inf_names_sort(items, scratch, 5);
    ck_assert_uint_eq(inf_names_twice(items, 5), 0);
}
END_TEST

/* ---- Writing -------------------------------------------------------------------------------- */

static infer_status collect(void *ud, const void *data, size_t len, infer_error *err)
{
    (void)err;
    mk_put(ud, data, len);
    return INFER_OK;
}

static struct inf_bytes name_of(const char *text)
{
    return (struct inf_bytes){text, strlen(text)};
}

static void write_keys(struct inf_gguf_writer *w)
{
    inf_gguf_write_uint(w, "u8", INFER_META_U8, 255);
    inf_gguf_write_uint(w, "u64", INFER_META_U64, UINT64_MAX);
    inf_gguf_write_uint(w, "bool", INFER_META_BOOL, 1);
    inf_gguf_write_int(w, "i8", INFER_META_I8, -128);
    inf_gguf_write_int(w, "i64", INFER_META_I64, INT64_MIN);
    inf_gguf_write_int(w, "i16", INFER_META_I16, 32767);
    inf_gguf_write_float(w, "f32", INFER_META_F32, 0.1);
    inf_gguf_write_float(w, "f64", INFER_META_F64, 0.1);
    inf_gguf_write_text(w, "text", (struct inf_bytes){"a\0b", 3});
    inf_gguf_write_array(w, "numbers", INFER_META_I32, 3, (int32_t[]){-1, 0, 1});
    inf_gguf_write_array(w, "nothing", INFER_META_F64, 0, NULL);
    inf_gguf_write_texts(w, "words", 3, (struct inf_bytes[]){{"a", 1}, {"", 0}, {"ccc", 3}});
}

START_TEST(what_is_written_is_read)
{
    static const uint32_t alignments[] = {8, 32, 64, 4096, 1 << 20};
    for (size_t a = 0; a < sizeof alignments / sizeof *alignments; a++) {
        struct inf_gguf_writer w;
        infer_error err = {0};
        struct mk_bytes out = {0};
        uint8_t data[20 + 68 + 1];
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)(i + 1);
        inf_gguf_write_init(&w, &counted.a, alignments[a]);
        write_keys(&w);
        inf_gguf_write_tensor(&w, name_of("one"), inf_type_info(0), 1, (uint64_t[]){5});
        inf_gguf_write_tensor(&w, name_of("none"), inf_type_info(0), 2, (uint64_t[]){5, 0});
        inf_gguf_write_tensor(&w, name_of("two"), inf_type_info(8), 2, (uint64_t[]){32, 2});
        inf_gguf_write_tensor(&w, name_of("three"), inf_type_info(24), 1, (uint64_t[]){1});
        ck_assert_int_eq(inf_gguf_write_begin(&w, collect, &out, &err), INFER_OK);
        for (size_t i = 0, len; i < sizeof data; i += len) { /* pieces across the borders */
            len = inf_min_size(sizeof data - i, 7 + 13 * a);
            ck_assert_int_eq(inf_gguf_write_data(&w, data + i, len, &err), INFER_OK);
        }
        ck_assert_int_eq(inf_gguf_write_end(&w, &err), INFER_OK);
        ck_assert_uint_eq(out.len, inf_gguf_write_size(&w));
        ck_assert_int_eq(inf_gguf_write_data(&w, data, 1, &err), INFER_E_ARGUMENT);
        inf_gguf_write_free(&w);

        struct inf_gguf *g;
        ck_assert_msg(!inf_gguf_parse(&counted.a, out.ptr, out.len, &g, &err), "%s", err.text);
        ck_assert_uint_eq(g->alignment, alignments[a]);
        ck_assert_uint_eq(g->key_count, 12 + (alignments[a] != 32));
        ck_assert_uint_eq(value_of(g, "u64", 0).u, UINT64_MAX);
        ck_assert_int_eq(value_of(g, "i8", 0).i, -128);
        ck_assert_int_eq(value_of(g, "i64", 0).i, INT64_MIN);
        ck_assert_int_eq(value_of(g, "i16", 0).i, 32767);
        ck_assert(value_of(g, "f32", 0).f == (double)0.1f);
        ck_assert(value_of(g, "f64", 0).f == 0.1);
        ck_assert_int_eq(value_of(g, "numbers", 0).i, -1);
        ck_assert_uint_eq(inf_gguf_key(g, "nothing")->count, 0);
        check_text(g, "words", 2, "ccc", 3);
        ck_assert_mem_eq(inf_gguf_tensor(g, "one")->data, data, 20);
        ck_assert_mem_eq(inf_gguf_tensor(g, "two")->data, data + 20, 68);
        ck_assert_mem_eq(inf_gguf_tensor(g, "three")->data, data + 88, 1);
        inf_gguf_free(g);
        free(out.ptr);
    }
}
END_TEST

/* Copying every key and tensor of a file gives the same file. */
START_TEST(a_copy_is_the_same_file)
{
    struct mk_file *f = _i ? mk_base_t2() : mk_base_t();
    struct inf_gguf *g = open_file(f);
    struct inf_gguf_writer w;
    infer_error err = {0};
    struct mk_bytes out = {0};
    inf_gguf_write_init(&w, &counted.a, 32);
    for (size_t i = 0; i < g->key_count; i++)
        inf_gguf_write_copy(&w, &g->keys[i]);
    for (size_t i = 0; i < g->tensor_count; i++)
        inf_gguf_write_tensor(&w, g->tensors[i].name, g->tensors[i].type, g->tensors[i].dims,
                              g->tensors[i].shape);
    ck_assert_int_eq(inf_gguf_write_begin(&w, collect, &out, &err), INFER_OK);
    for (size_t i = 0; i < g->tensor_count; i++)
        ck_assert_int_eq(
            inf_gguf_write_data(&w, g->tensors[i].data, (size_t)g->tensors[i].bytes, &err),
            INFER_OK);
    ck_assert_int_eq(inf_gguf_write_end(&w, &err), INFER_OK);
    ck_assert_uint_eq(out.len, bytes.len);
    ck_assert_mem_eq(out.ptr, bytes.ptr, out.len);
    inf_gguf_write_free(&w);
    inf_gguf_free(g);
    free(out.ptr);
}
END_TEST

static void write_bad(struct inf_gguf_writer *w, int which)
{
    switch (which) {
    case 0:
        inf_gguf_write_uint(w, "x", INFER_META_U8, 256);
        break;
    case 1:
        inf_gguf_write_uint(w, "x", INFER_META_I64, (uint64_t)1 << 63);
        break;
    case 2:
        inf_gguf_write_uint(w, "x", INFER_META_BOOL, 2);
        break;
    case 3:
        inf_gguf_write_uint(w, "x", INFER_META_F32, 1);
        break;
    case 4:
        inf_gguf_write_int(w, "x", INFER_META_I16, -32769);
        break;
    case 5:
        inf_gguf_write_int(w, "x", INFER_META_U64, -1);
        break;
    case 6:
        inf_gguf_write_float(w, "x", INFER_META_I32, 1);
        break;
    case 7:
        inf_gguf_write_text(w, "", name_of("x"));
        break;
    case 8:
        inf_gguf_write_array(w, "x", INFER_META_STRING, 1, "x");
        break;
    case 9:
        inf_gguf_write_tensor(w, name_of("x"), inf_type_info(8), 1, (uint64_t[]){33});
        break;
    case 10:
        inf_gguf_write_tensor(w, name_of("x"), inf_type_info(0), 5, (uint64_t[]){1, 1, 1, 1, 1});
        break;
    case 11:
        inf_gguf_write_tensor(w, name_of("x"), NULL, 1, (uint64_t[]){1});
        break;
    case 12:
        inf_gguf_write_tensor(w, name_of(""), inf_type_info(0), 1, (uint64_t[]){1});
        break;
    case 13:
        inf_gguf_write_tensor(w, name_of("x"), inf_type_info(0), 2,
                              (uint64_t[]){(uint64_t)1 << 40, (uint64_t)1 << 40});
        break;
    case 14:
        inf_gguf_write_tensor(w, name_of("x"), inf_type_info(24), 1, (uint64_t[]){UINT64_MAX});
        break;
    case 15:
        inf_gguf_write_array(w, "x", INFER_META_U8, ((size_t)4 << 20) + 1, NULL);
        break;
    default:
        inf_gguf_write_free(w);
        inf_gguf_write_init(w, &counted.a, 48);
    }
}
#define BAD_WRITES 17

START_TEST(what_cannot_be_read_is_not_written)
{
    struct inf_gguf_writer w;
    infer_error err = {0};
    struct mk_bytes out = {0};
    inf_gguf_write_init(&w, &counted.a, 32);
    write_bad(&w, _i);
    write_keys(&w); /* the first failure stays */
    infer_status status = inf_gguf_write_begin(&w, collect, &out, &err);
    ck_assert_int_eq(status, _i == 15 ? INFER_E_LIMIT : INFER_E_ARGUMENT);
    ck_assert(err.text[0]);
    ck_assert_uint_eq(out.len, 0);
    inf_gguf_write_free(&w);
}
END_TEST

static infer_status full(void *ud, const void *data, size_t len, infer_error *err)
{
    (void)data;
    size_t *room = ud;
    if (len > *room)
        return inf_fail(err, INFER_E_IO, "no room: %zu, %zu", len, *room);
    *room -= len;
    return INFER_OK;
}

START_TEST(failures_of_the_sink_and_of_memory_are_passed_on)
{
    infer_status status = INFER_E_MEMORY;
    for (size_t k = 1; status; k++) {
        struct inf_gguf_writer w;
        infer_error err = {0};
        struct mk_bytes out = {0};
        counted.fail_at = counted.calls + k;
        inf_gguf_write_init(&w, &counted.a, 64);
        write_keys(&w);
        inf_gguf_write_tensor(&w, name_of("one"), inf_type_info(0), 1, (uint64_t[]){5});
        status = inf_gguf_write_begin(&w, collect, &out, &err);
        ck_assert(!status || status == INFER_E_MEMORY);
        ck_assert_int_eq(err.status, status);
        if (!status)
            ck_assert_int_eq(inf_gguf_write_end(&w, &err), INFER_E_ARGUMENT); /* no data yet */
        inf_gguf_write_free(&w);
        free(out.ptr);
    }
    counted.fail_at = 0;
    struct inf_gguf_writer w;
    infer_error err = {0};
    inf_gguf_write_init(&w, &counted.a, 64);
    write_keys(&w);
    inf_gguf_write_tensor(&w, name_of("one"), inf_type_info(0), 1, (uint64_t[]){5});
    size_t size = (size_t)inf_gguf_write_size(&w);
    for (size_t room = 0; room <= size; room++) {
        size_t rest = room;
        w.current = w.written = 0; /* from the start again */
        status = inf_gguf_write_begin(&w, full, &rest, &err);
        if (!status)
            status = inf_gguf_write_data(&w, (float[5]){0}, 20, &err);
        ck_assert_int_eq(status, room < size ? INFER_E_IO : INFER_OK);
    }
    inf_gguf_write_free(&w);
}
END_TEST

/* ---- Split files ---------------------------------------------------------------------------- */

static struct inf_gguf *part(struct mk_bytes *of, const char *tensor, int no, int count,
                             int tensors)
{
    struct mk_file *f = mk_new();
    if (count >= 0) {
        add_value(f, "split.no", MK_U16, &(uint16_t){(uint16_t)no}, 2);
        add_value(f, "split.count", MK_U16, &(uint16_t){(uint16_t)count}, 2);
        add_value(f, "split.tensors.count", MK_I32, &(int32_t){tensors}, 4);
    }
    mk_add_tensor(f, tensor, 0, 1, (uint64_t[]){8});
    *of = mk_build(f, NULL);
    mk_free(f);
    struct inf_gguf *g;
    infer_error err;
    ck_assert_int_eq(inf_gguf_parse(&counted.a, of->ptr, of->len, &g, &err), INFER_OK);
    return g;
}

static void check_split(int no, int count, infer_status wanted)
{
    struct mk_bytes of;
    struct inf_gguf *g = part(&of, "a", no, count, 1);
    struct inf_gguf_split split = {9, 9, 9};
    infer_error err = {0};
    infer_status status = inf_gguf_split_read(g, &split, &err);
    ck_assert_msg(status == wanted, "part %d of %d: %d %s", no, count, status, err.text);
    if (!status) {
        ck_assert_uint_eq(split.no, count < 0 ? 0u : (unsigned)no);
        ck_assert_uint_eq(split.count, count < 0 ? 1u : (unsigned)count);
        ck_assert_uint_eq(split.tensors, 1);
        ck_assert_int_eq(inf_gguf_split_check(g, split.no, split.count, &err), INFER_OK);
        ck_assert_int_eq(inf_gguf_split_check(g, split.no + 1, split.count, &err), INFER_E_FORMAT);
        ck_assert_int_eq(inf_gguf_split_check(g, split.no, split.count + 1, &err), INFER_E_FORMAT);
    }
    inf_gguf_free(g);
    free(of.ptr);
}

START_TEST(what_a_part_says_of_itself)
{
    check_split(0, -1, INFER_OK);
    check_split(0, 1, INFER_OK);
    check_split(2, 3, INFER_OK);
    check_split(1023, 1024, INFER_OK);
    check_split(0, 0, INFER_E_FORMAT);
    check_split(3, 3, INFER_E_FORMAT);
    check_split(65535, 2, INFER_E_FORMAT);
    check_split(0, 1025, INFER_E_FORMAT);
    check_split(0, 65535, INFER_E_FORMAT);
}
END_TEST

START_TEST(parts_together)
{
    static const struct {
        const char *names[3];
        int said;
        infer_status status;
    } cases[] = {
        {{"a", "b", "c"}, 3, INFER_OK},       {{"a", "b", "c"}, 4, INFER_E_FORMAT},
        {{"a", "b", "c"}, 2, INFER_E_FORMAT}, {{"a", "b", "a"}, 3, INFER_E_FORMAT},
        {{"b", "a", "a"}, 3, INFER_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mk_bytes of[3];
        struct inf_gguf *parts[3];
        infer_error err = {0};
        for (int p = 0; p < 3; p++)
            parts[p] = part(&of[p], cases[i].names[p], p, 3, cases[i].said);
        ck_assert_int_eq(inf_gguf_split_total((const struct inf_gguf *const *)parts, 3, &err),
                         cases[i].status);
        counted.fail_at = counted.calls + 1;
        if (!cases[i].status)
            ck_assert_int_eq(inf_gguf_split_total((const struct inf_gguf *const *)parts, 3, &err),
                             INFER_E_MEMORY);
        counted.fail_at = 0;
        for (int p = 0; p < 3; p++) {
            inf_gguf_free(parts[p]);
            free(of[p].ptr);
        }
    }
}
END_TEST

START_TEST(paths_of_parts)
{
    char out[64];
    infer_error err;
    ck_assert_int_eq(inf_gguf_split_path("m-00001-of-00003.gguf", 2, 3, out, sizeof out, &err),
                     INFER_OK);
    ck_assert_str_eq(out, "m-00003-of-00003.gguf");
    ck_assert_int_eq(
        inf_gguf_split_path("../d/m-00001-of-01024.gguf", 1023, 1024, out, sizeof out, &err),
        INFER_OK);
    ck_assert_str_eq(out, "../d/m-01024-of-01024.gguf");
    static const char *const bad[] = {
        "m.gguf",
        "",
        "m-00002-of-00003.gguf",
        "m-00001-of-00004.gguf",
        "m-1-of-3.gguf",
        "m-00001-of-00003.gguf.part",
        "/m-00001-of-00003",
        "-00001-of-0003.gguf",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(inf_gguf_split_path(bad[i], 1, 3, out, sizeof out, &err), INFER_E_FORMAT);
    const char *first = "m-00001-of-00003.gguf";
    ck_assert_int_eq(inf_gguf_split_path(first, 3, 3, out, sizeof out, &err), INFER_E_LIMIT);
    ck_assert_int_eq(inf_gguf_split_path(first, 0, 0, out, sizeof out, &err), INFER_E_LIMIT);
    ck_assert_int_eq(inf_gguf_split_path(first, 0, 65535, out, sizeof out, &err), INFER_E_LIMIT);
    ck_assert_int_eq(inf_gguf_split_path(first, 1, 3, out, strlen(first) + 1, &err), INFER_OK);
    ck_assert_int_eq(inf_gguf_split_path(first, 1, 3, out, strlen(first), &err), INFER_E_LIMIT);
    ck_assert_int_eq(inf_gguf_split_path(first, 1, 3, out, 0, &err), INFER_E_LIMIT);
}
END_TEST

Suite *suite_gguf(void)
{
    Suite *suite = suite_create("gguf");
    TCase *reading = tcase_create("reading");
    tcase_add_checked_fixture(reading, setup, teardown);
    tcase_set_timeout(reading, 60);
    tcase_add_test(reading, values_of_every_type);
    tcase_add_test(reading, arrays_of_every_type);
    tcase_add_test(reading, tensors_as_they_are);
    tcase_add_test(reading, every_alignment);
    tcase_add_test(reading, version_2_is_read);
    tcase_add_test(reading, integers_by_name);
    tcase_add_test(reading, floats_bools_and_texts_by_name);
    tcase_add_test(reading, a_large_vocabulary_is_small);
    tcase_add_loop_test(reading, sorting_keeps_the_order_of_equals, 0, 2);
    tcase_add_test(reading, names_are_found_and_told_apart);
    suite_add_tcase(suite, reading);
    TCase *writing = tcase_create("writing");
    tcase_add_checked_fixture(writing, setup, teardown);
    tcase_add_test(writing, what_is_written_is_read);
    tcase_add_loop_test(writing, a_copy_is_the_same_file, 0, 2);
    tcase_add_loop_test(writing, what_cannot_be_read_is_not_written, 0, BAD_WRITES);
    tcase_add_test(writing, failures_of_the_sink_and_of_memory_are_passed_on);
    suite_add_tcase(suite, writing);
    TCase *split = tcase_create("split");
    tcase_add_checked_fixture(split, setup, teardown);
    tcase_add_test(split, what_a_part_says_of_itself);
    tcase_add_test(split, parts_together);
    tcase_add_test(split, paths_of_parts);
    suite_add_tcase(suite, split);
    return suite;
}
