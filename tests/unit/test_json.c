/*
 * The JSON reader: what it takes, as a canonical text; what it refuses, with line and column.
 */
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/decimal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_json(void);

static void write_value(struct inf_text *out, const struct inf_json *v)
{
    char number[INF_DOUBLE_TEXT];
    switch (v->kind) {
    case INF_JSON_NULL:
        inf_text_printf(out, "null");
        break;
    case INF_JSON_FALSE:
    case INF_JSON_TRUE:
        inf_text_printf(out, v->kind == INF_JSON_TRUE ? "true" : "false");
        break;
    case INF_JSON_INTEGER:
        inf_text_printf(out, "%lld", (long long)v->as.integer);
        break;
    case INF_JSON_REAL:
        inf_double_print(v->as.real, number);
        inf_text_printf(out, "r%s", number);
        break;
    case INF_JSON_BIG:
    case INF_JSON_STRING:
        inf_text_printf(out, v->kind == INF_JSON_BIG ? "b" : "'");
        inf_text_append(out, v->as.text.ptr, v->as.text.len);
        inf_text_printf(out, v->kind == INF_JSON_BIG ? "" : "'");
        break;
    case INF_JSON_ARRAY:
        inf_text_printf(out, "[");
        for (size_t i = 0; i < v->count; i++) {
            inf_text_printf(out, i ? "," : "");
            write_value(out, &v->as.items[i]);
        }
        inf_text_printf(out, "]");
        break;
    case INF_JSON_OBJECT:
        inf_text_printf(out, "{");
        for (size_t i = 0; i < v->count; i++) {
            inf_text_printf(out, "%s%.*s:", i ? "," : "", (int)v->as.members[i].name.len,
                            v->as.members[i].name.ptr);
            write_value(out, &v->as.members[i].value);
        }
        inf_text_printf(out, "}");
        break;
    }
}

/* Reads from a copy that ends where the text ends. */
static infer_status read_copy(const char *text, size_t len, struct inf_text *out, infer_error *err)
{
    struct inf_arena arena;
    struct inf_json root;
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    inf_arena_init(&arena, &inf_allocator_default);
    infer_status status = inf_json_read(&arena, copy, len, &root, err);
    if (!status)
        write_value(out, &root);
    inf_arena_free(&arena);
    free(copy);
    return status;
}

static const struct {
    const char *text, *want;
} good[] = {
    {"null", "null"},
    {" \t\r\n true ", "true"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"[1, -2,3.0,1e5,1E-2,-0,0,-0.0]", "[1,-2,r3.0,r100000.0,r0.01,0,0,r-0.0]"},
    {"[9223372036854775807,-9223372036854775808]", "[9223372036854775807,-9223372036854775808]"},
    {"[9223372036854775808,-9223372036854775809]", "[b9223372036854775808,b-9223372036854775809]"},
    {"[1e400,-1e400,1e-400,5e-324]", "[rinf,r-inf,r0.0,r5e-324]"},
    {"[0.1,1e16,123456789012345680,1e22,2.5]", "[r0.1,r1e+16,123456789012345680,r1e+22,r2.5]"},
    {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "'a\"\\/\b\f\n\r\t'"},
    {"\"\\u0041\\u00e9\\u65e5\\ud83d\\ude00\"", "'A\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80'"},
    {"\"na\xc3\xafve \xf0\x9f\x98\x80\"", "'na\xc3\xafve \xf0\x9f\x98\x80'"},
    {"{\"b\":1,\"a\":2,\"b\":3,\"c\":4,\"a\":5}", "{b:3,a:5,c:4}"},
    {"{\"\":1,\"\":2}", "{:2}"},
    {"{\"x\":[{\"y\":[[]]}]}", "{x:[{y:[[]]}]}"},
};

START_TEST(takes)
{
    struct inf_text out = {.a = &inf_allocator_default};
    infer_error err = {.text = ""};
    infer_status status = read_copy(good[_i].text, strlen(good[_i].text), &out, &err);
    ck_assert_msg(status == INFER_OK, "%s: %s", good[_i].text, err.text);
    ck_assert_msg(out.len == strlen(good[_i].want) && !memcmp(out.ptr, good[_i].want, out.len),
                  "%s: %.*s", good[_i].text, (int)out.len, out.ptr);
    inf_text_free(&out);
}
END_TEST

static const struct {
    const char *text, *place;
} bad[] = {
    {"", "line 1, column 1"},
    {"nul", "line 1, column 1"},
    {"[1,]", "line 1, column 4"},
    {"[1 2]", "line 1, column 4"},
    {"{\"a\" 1}", "line 1, column 6"},
    {"{\"a\":1,}", "line 1, column 8"},
    {"{a:1}", "line 1, column 2"},
    {"{1:1}", "line 1, column 2"},
    {"[1]\n x", "line 2, column 2"},
    {"\n\n\"\xc3\xa9\x01\"", "line 3, column 3"},
    {"\"abc", "line 1, column 1"},
    {"\"abc\\", "line 1, column 1"},
    {"\"abc\\\"", "line 1, column 1"},
    {"\"\\x\"", "no such escape"},
    {"\"\\u12g4\"", "four hex digits"},
    {"\"\\u12", "line 1"},
    {"\"\\ud800\"", "surrogate"},
    {"\"\\udc00\"", "surrogate"},
    {"\"\\ud800\\u0041\"", "surrogate"},
    {"\"\\ud800\\ud800\"", "surrogate"},
    {"01", "begins with 0"},
    {"-01", "begins with 0"},
    {"00", "begins with 0"},
    {"-", "a value is needed"},
    {"+1", "a value is needed"},
    {"1.", "behind the point"},
    {".5", "a value is needed"},
    {"1e", "in the exponent"},
    {"1e+", "in the exponent"},
    {"NaN", "a value is needed"},
    {"Infinity", "a value is needed"},
    {"\"\xff\"", "not UTF-8"},
    {"[\"\xed\xa0\x80\"]", "not UTF-8"},
    {"[", "line 1, column 2"},
    {"{\"a\":", "line 1, column 6"},
};

START_TEST(refuses)
{
    struct inf_text out = {.a = &inf_allocator_default};
    infer_error err = {.text = ""};
    infer_status status = read_copy(bad[_i].text, strlen(bad[_i].text), &out, &err);
    ck_assert_msg(status == INFER_E_FORMAT, "%s: %d", bad[_i].text, (int)status);
    ck_assert_msg(strstr(err.text, bad[_i].place) != NULL, "%s: %s", bad[_i].text, err.text);
}
END_TEST

START_TEST(limits)
{
    struct inf_text out = {.a = &inf_allocator_default}, text = {.a = &inf_allocator_default};
    infer_error err = {.text = ""};
    for (size_t depth = INF_MAX_JSON_DEPTH; depth <= INF_MAX_JSON_DEPTH + 1; depth++) {
        text.len = 0;
        for (size_t i = 0; i < depth; i++)
            inf_text_append(&text, "[", 1);
        for (size_t i = 0; i < depth; i++)
            inf_text_append(&text, "]", 1);
        infer_status status = read_copy(text.ptr, text.len, &out, &err);
        ck_assert_int_eq(status, depth > INF_MAX_JSON_DEPTH ? INFER_E_LIMIT : INFER_OK);
    }
    text.len = 0; /* a number that is too long; and a great many names, half of them twice */
    for (size_t i = 0; i <= INF_NUMBER_MAX; i++)
        inf_text_append(&text, "1", 1);
    ck_assert_int_eq(read_copy(text.ptr, text.len, &out, &err), INFER_E_LIMIT);
    text.len = 0;
    inf_text_append(&text, "{", 1);
    for (int i = 0; i < 100000; i++)
        inf_text_printf(&text, "%s\"k%d\":%d", i ? "," : "", i % 50000, i);
    inf_text_append(&text, "}", 1);
    struct inf_arena arena;
    struct inf_json root;
    inf_arena_init(&arena, &inf_allocator_default);
    ck_assert_int_eq(inf_json_read(&arena, text.ptr, text.len, &root, &err), INFER_OK);
    ck_assert_uint_eq(root.count, 50000);
    ck_assert(inf_bytes_equal(root.as.members[7].name, "k7"));
    ck_assert_int_eq(inf_json_get(&root, "k7")->as.integer, 50007);
    ck_assert_ptr_null(inf_json_get(&root, "k50000"));
    inf_arena_free(&arena);
    inf_text_free(&text);
    inf_text_free(&out);
}
END_TEST

/* Numbers print with the fewest digits that read as the same number. */
START_TEST(numbers)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {100, "100.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {123456.7, "123456.7"},
        {-2.5e-10, "-2.5e-10"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {9007199254740993.0, "9007199254740992.0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[INF_DOUBLE_TEXT];
        double back;
        size_t len = inf_double_print(rows[i].value, text);
        ck_assert_str_eq(text, rows[i].want);
        ck_assert(inf_double_read(text, len, &back) && back == rows[i].value);
    }
    double value;
    ck_assert(!inf_double_read("1e", 2, &value) && !inf_double_read(".", 1, &value));
    ck_assert(!inf_double_read("1 ", 2, &value) && !inf_double_read("0x1", 3, &value));
}
END_TEST

Suite *suite_json(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_add_loop_test(tests, takes, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(tests, refuses, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tests, limits);
    tcase_add_test(tests, numbers);
    suite_add_tcase(suite, tests);
    return suite;
}
