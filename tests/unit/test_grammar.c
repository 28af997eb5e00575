/*
 * Grammars: what texts they take, what is refused and how it is said, and that the mask of the tokens is
 * what a slow recogniser (gbnf_reference.c, Earley's) says of every token by itself.
 */
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/grammar/grammar.h"
#include "tests/count_alloc.h"
#include "tests/unit/gbnf_reference.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_grammar(void);

/* ---- A vocabulary: every byte, an end, and some longer tokens ------------------------------------ */

#define END 256
#define CONTROL 257 /* its text would fit, and does not count */
static const char *const longer[] = {"",
                                     "\"",
                                     "{\"",
                                     "\":",
                                     "\": ",
                                     "\",",
                                     "\", \"",
                                     "\"}",
                                     "}",
                                     "}}",
                                     "[[",
                                     "],",
                                     "true",
                                     "tru",
                                     "false",
                                     "null",
                                     "nul",
                                     "12",
                                     "123",
                                     "-1",
                                     "0.5",
                                     "1e5",
                                     "a",
                                     "ab",
                                     "abc",
                                     "aab",
                                     "bb",
                                     " ",
                                     "  ",
                                     "\n",
                                     "\n  ",
                                     "name",
                                     "name\":",
                                     "\"n",
                                     "red",
                                     "blue",
                                     "\"red\"",
                                     "\xc3\xa9",
                                     "\xc3",
                                     "\xa9\"",
                                     "\xe6\x97\xa5",
                                     "\xe6\x97",
                                     "\\n",
                                     "\\u00",
                                     "\\\"",
                                     "x\\",
                                     "1,2",
                                     "1, 2",
                                     "(1",
                                     "+(",
                                     "1+1",
                                     ")*",
                                     "aaaaaaaaaaaaaaaa",
                                     "hello world"};
#define LONGER (sizeof longer / sizeof *longer)
#define TOKENS (258 + LONGER)

static infer_status bytes_of(const void *ud, infer_token id, char *bytes, size_t capacity,
                             size_t *len, infer_error *err)
{
    char byte = (char)id;
    const char *text = id < 256        ? &byte
                       : id == CONTROL ? "a"
                       : id == END     ? "</s>"
                                       : longer[id - 258];
    (void)ud, (void)err;
    *len = id < 256 ? 1 : strlen(text);
    ck_assert(*len <= capacity);
    memcpy(bytes, text, *len);
    return INFER_OK;
}

static bool is_text(const void *ud, infer_token id)
{
    (void)ud;
    return id != END && id != CONTROL;
}

static bool ends(const void *ud, infer_token id)
{
    (void)ud;
    return id == END;
}

static struct inf_token_trie *make_trie(const infer_allocator *a)
{
    struct inf_token_source source = {
        .count = TOKENS, .bytes = bytes_of, .is_text = is_text, .ends = ends};
    struct inf_token_trie *trie = NULL;
    infer_error err;
    ck_assert_int_eq(inf_token_trie_new(a, &source, &trie, &err), INFER_OK);
    return trie;
}

static struct inf_token_trie *trie;

static void set_up(void)
{
    trie = make_trie(&inf_allocator_default);
}

static void tear_down(void)
{
    inf_token_trie_free(trie);
}

static struct inf_grammar *make(infer_grammar_kind kind, const char *text)
{
    struct inf_grammar *g;
    infer_error err = {.text = ""};
    infer_status status =
        inf_grammar_new(&inf_allocator_default, trie, kind, text, strlen(text), &g, &err);
    ck_assert_msg(status == INFER_OK, "%s: %s", text, err.text);
    return g;
}

/* 2: the whole text is in the grammar, 1: it begins one, 0: neither. */
static int takes(struct inf_grammar *g, const char *text)
{
    struct inf_matcher *m;
    infer_error err;
    ck_assert_int_eq(inf_matcher_new(g, &m, &err), INFER_OK);
    int result = inf_matcher_accept_bytes(m, text, strlen(text), &err) ? 0
                 : inf_matcher_can_end(m)                              ? 2
                                                                       : 1;
    inf_matcher_free(m);
    return result;
}

static void check_texts(infer_grammar_kind kind, const char *grammar, const char *const *good,
                        const char *const *bad)
{
    struct inf_grammar *g = make(kind, grammar);
    for (; *good; good++)
        ck_assert_msg(takes(g, *good) == 2, "%s\nrefuses %s", grammar, *good);
    for (; *bad; bad++)
        ck_assert_msg(takes(g, *bad) != 2, "%s\ntakes %s", grammar, *bad);
    inf_grammar_free(g);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- GBNF ---------------------------------------------------------------------------------------- */

static const struct {
    const char *grammar;
    const char *good[7], *bad[7];
} gbnf_cases[] = {
    {"root ::= \"a\"", {"a"}, {"", "b", "aa"}},
    {"root ::= \"\"", {""}, {"a"}},
    {"root ::= \"a\" | \"b\" # one of two\n\n# nothing\n", {"a", "b"}, {"ab", "# one"}},
    {"root ::= x\nx ::= \"a\"? \"b\"* \"c\"+", {"c", "abbcc", "bc"}, {"", "ab", "aac"}},
    {"root ::= \"a\"{2} | \"b\"{1,2} | \"c\"{2,} | \"d\"{,2}",
     {"aa", "bb", "cccc", "", "d"},
     {"a", "bbb", "c", "ddd"}},
    {"root ::= (\"a\" | \"b\"\n | \"c\")\n", {"c"}, {"", "\n"}},
    {"root ::=\n  \"a\" |\n  \"b\"\nx ::= \"c\"", {"a", "b"}, {"c"}},
    {"root ::= (\"a\"*)*", {"", "aaa"}, {"b"}},
    {"root ::= ((\"a\"?)+ (\"b\"*)?)*", {"", "abba"}, {"c"}},
    {"root ::= [a-c] [^a-c] [\\]\\-^] .",
     {"bd]x", "ax]z", "cd-\xe6\x97\xa5", "a\xc3\xa9^."},
     {"aa]z", "ad_z", "ad]"}},
    {"root ::= [a\\x41\\u00e9\\U0001F600-\\U0001F64F]",
     {"a", "A", "\xc3\xa9", "\xf0\x9f\x98\x80"},
     {"\xc3\xa8", "\xf0\x9f\x97\xbf", "\xc3"}},
    {"root ::= \"\\x41\\n\\\"\\\\\\u65e5\"", {"A\n\"\\\xe6\x97\xa5"}, {"A"}},
    {"root ::= \"a\" root \"b\" | \"\"", {"", "ab", "aaabbb"}, {"aab", "abb"}},
    {"root ::= \"a\" root | \"b\"", {"b", "aaaaab"}, {"a", "ba"}},
    {"root ::= e\ne ::= t (\"+\" t)*\nt ::= \"1\" | \"(\" e \")\"",
     {"1", "1+1", "(1+(1))+1"},
     {"(1", "1+", "1)"}},
    {"root ::= o x\no ::= \"a\"?\nx ::= o \"b\" o", {"b", "ab", "aab", "aaba"}, {"aaab", "abaa"}},
    {"root ::= \"a\" (x | \"b\")\nx ::= never\nnever ::= \"x\" never", {"ab"}, {"ax"}},
    {"root-1_x ::= \"b\"\nroot ::= root-1_x", {"b"}, {"a"}},
};

START_TEST(gbnf_texts)
{
    for (size_t i = 0; i < sizeof gbnf_cases / sizeof *gbnf_cases; i++) {
        struct inf_grammar *g = make(INFER_GRAMMAR_GBNF, gbnf_cases[i].grammar);
        struct reference *r = reference_new(gbnf_cases[i].grammar);
        for (int k = 0; k < 6 && gbnf_cases[i].good[k]; k++)
            ck_assert_msg(takes(g, gbnf_cases[i].good[k]) == 2, "%s\nrefuses %s",
                          gbnf_cases[i].grammar, gbnf_cases[i].good[k]);
        for (int k = 0; k < 6 && gbnf_cases[i].bad[k]; k++)
            ck_assert_msg(takes(g, gbnf_cases[i].bad[k]) != 2, "%s\ntakes %s",
                          gbnf_cases[i].grammar, gbnf_cases[i].bad[k]);
        reference_free(r);
        inf_grammar_free(g);
    }
}
END_TEST

static const struct {
    const char *grammar;
    infer_status status;
    const char *says;
} gbnf_errors[] = {
    {"", INFER_E_FORMAT, "no rule named root"},
    {"x ::= \"a\"", INFER_E_FORMAT, "no rule named root"},
    {"root ::= x", INFER_E_FORMAT, "line 1, column 10: there is no rule of this name"},
    {"root ::= \"a\"\nroot ::= \"b\"", INFER_E_FORMAT, "line 2, column 1: there are two rules"},
    {"root = \"a\"", INFER_E_FORMAT, "line 1, column 6"},
    {"root ::= \"a", INFER_E_FORMAT, "column 10: the literal does not end"},
    {"root ::= [a", INFER_E_FORMAT, "the class does not end"},
    {"root ::= [z-a]", INFER_E_FORMAT, "the range ends before it begins"},
    {"root ::= (\"a\"", INFER_E_FORMAT, "the group does not end"},
    {"root ::= \"a\")", INFER_E_FORMAT, "column 13: a group ends"},
    {"root ::= \"\\q\"", INFER_E_FORMAT, "no such escape"},
    {"root ::= \"\\ud800\"", INFER_E_FORMAT, "names no character"},
    {"root ::= \"a\"{5,2}", INFER_E_FORMAT, "a repetition is"},
    {"root ::= \"a\"{18446744073709551616}", INFER_E_FORMAT, "a repetition is"},
    {"root ::= \"a\"{1000000}", INFER_E_FORMAT, "a repetition is"},
    {"root ::= ((\"a\"{99}){99}){99}", INFER_E_LIMIT, "too large"},
    {"root ::= *", INFER_E_FORMAT, "cannot stand here"},
    {"root ::= \"\xff\"", INFER_E_FORMAT, "not UTF-8"},
    {"root ::= <think>", INFER_E_UNSUPPORTED, "tokens"},
    {"root ::= root", INFER_E_FORMAT, "no text"},
    {"root ::= root \"a\" | \"b\"", INFER_E_FORMAT, "rule root is left-recursive"},
    {"root ::= x\nx ::= y \"a\" | \"c\"\ny ::= x \"b\" | \"d\"", INFER_E_FORMAT, "left-recursive"},
    {"root ::= o root \"a\" | \"b\"\no ::= \"x\"?", INFER_E_FORMAT, "left-recursive"},
    {"root ::= \"a\" root", INFER_E_FORMAT, "no text"},
};

static void check_error(infer_grammar_kind kind, const char *text, size_t len, infer_status status,
                        const char *says)
{
    struct inf_grammar *g = (void *)1;
    infer_error err = {.text = ""};
    infer_status got = inf_grammar_new(&inf_allocator_default, trie, kind, text, len, &g, &err);
    ck_assert_msg(got == status && strstr(err.text, says), "%.200s\n%d %s", text, (int)got,
                  err.text);
    ck_assert_ptr_null(g);
}

START_TEST(gbnf_refused)
{
    for (size_t i = 0; i < sizeof gbnf_errors / sizeof *gbnf_errors; i++)
        check_error(INFER_GRAMMAR_GBNF, gbnf_errors[i].grammar, strlen(gbnf_errors[i].grammar),
                    gbnf_errors[i].status, gbnf_errors[i].says);
}
END_TEST

/* Deep, long and wide texts: refused or compiled, but soon and without a deep stack. */
START_TEST(gbnf_large)
{
    struct inf_text text = {.a = &inf_allocator_default};
    inf_text_printf(&text, "root ::= ");
    for (int i = 0; i < 60000; i++)
        inf_text_append(&text, "(", 1);
    check_error(INFER_GRAMMAR_GBNF, text.ptr, text.len, INFER_E_LIMIT, "nested too deep");
    text.len = 0;
    for (int i = 0; i < 5000; i++)
        inf_text_printf(&text, "%s%.0d ::= r%d\n", i ? "r" : "root", i, i + 1);
    inf_text_printf(&text, "r5000 ::= \"a\"");
    text.len = 0;
    inf_text_printf(&text, "root ::= r1\n");
    for (int i = 1; i < 5000; i++)
        inf_text_printf(&text, "r%d ::= r%d\n", i, i + 1);
    inf_text_printf(&text, "r5000 ::= \"a\" | [b-d] {40}\n");
    inf_text_append(&text, "", 1);
    struct inf_grammar *g = make(INFER_GRAMMAR_GBNF, text.ptr);
    ck_assert_int_eq(takes(g, "a"), 2);
    inf_grammar_free(g);
    text.len = 0;
    inf_text_printf(&text, "root ::= [");
    for (int i = 0; i < 100000; i++)
        inf_text_printf(&text, "\\u%04x", 0x100 + i % 50000);
    inf_text_append(&text, "]", 2);
    g = make(INFER_GRAMMAR_GBNF, text.ptr);
    ck_assert_int_eq(takes(g, "\xe6\x97\xa5"), 2);
    inf_grammar_free(g);
    text.len = 0;
    inf_text_printf(&text, "root ::= r0");
    for (int i = 0; i < 100000; i++)
        inf_text_printf(&text, " r%d", i);
    check_error(INFER_GRAMMAR_GBNF, text.ptr, text.len, INFER_E_LIMIT, "too many rules");
    inf_text_free(&text);
}
END_TEST

/* Texts that can be read in ever more ways end with an error, not with the memory. */
START_TEST(ambiguous)
{
    struct inf_grammar *g = make(
        INFER_GRAMMAR_GBNF, "root ::= \"a\" (x | y | \"c\")\nx ::= root \"b\"\ny ::= root \"c\"");
    struct inf_matcher *m;
    infer_error err = {.text = ""};
    infer_status status = INFER_OK;
    ck_assert_int_eq(inf_matcher_new(g, &m, &err), INFER_OK);
    for (int i = 0; i < 40 && !status; i++)
        status = inf_matcher_accept_bytes(m, "a", 1, &err);
    ck_assert_int_eq(status, INFER_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.text, "ambiguous"));
    inf_matcher_free(m);
    g = (inf_grammar_free(g), make(INFER_GRAMMAR_GBNF, "root ::= \"(\" root \")\" | \"a\""));
    ck_assert_int_eq(inf_matcher_new(g, &m, &err), INFER_OK);
    for (int i = 0; i < 20000 && !(status = inf_matcher_accept_bytes(m, "(", 1, &err)); i++)
        ;
    ck_assert_int_eq(status, INFER_E_LIMIT);
    inf_matcher_free(m);
    inf_grammar_free(g);
}
END_TEST

/* ---- Masks --------------------------------------------------------------------------------------- */

static const char *const walked[] = {
    "root ::= \"a\" root \"b\" | \"\"",
    "root ::= e\ne ::= t ([+*] t)*\nt ::= [0-9]+ | \"(\" e \")\"",
    "root ::= v\nv ::= o | l | s | n | \"true\" | \"false\" | \"null\"\n"
    "o ::= \"{\" w (s \":\" w v (\",\" w s \":\" w v)*)? \"}\" w\n"
    "l ::= \"[\" w (v (\",\" w v)*)? \"]\" w\n"
    "s ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f] | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" [0-9a-f]{4}))* "
    "\"\\\"\" w\n"
    "n ::= \"-\"? (\"0\" | [1-9] [0-9]{0,3}) (\".\" [0-9]+)? (\"e\" [+-]? [0-9]+)? w\n"
    "w ::= | \" \" w | \"\\n\" [ ]{0,4}",
    "root ::= (\"a\"* \"b\"?)* \"c\"",
    "root ::= ([^\\n\"]{2,5} \"\\n\")+",
    "root ::= .{0,3} x\nx ::= \"ab\" | \"abc\" x | y \"b\"\ny ::= \"aa\"?",
    "root ::= \"\xe6\x97\xa5\"* [a-c\\n]+ (\"name\" | \"red\")?",
    "root ::= a b\na ::= [a-b]*\nb ::= [b-c]* \"aaaaaaaaaaaaaaaab\"?",
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static bool mask_has(const uint64_t *mask, size_t id)
{
    return mask[id / 64] >> id % 64 & 1;
}

/* A token of the mask, longer ones more often; TOKENS where there is none. */
static size_t pick(const uint64_t *mask, uint64_t *seed)
{
    size_t picked = TOKENS, seen = 0;
    for (size_t id = 0; id < TOKENS; id++)
        if (mask_has(mask, id)) {
            size_t weight = id >= END ? 6 : 1;
            seen += weight;
            if (next_random(seed) % seen < weight)
                picked = id;
        }
    return picked;
}

/* Each token by itself, judged by the reference. */
static void check_mask(const uint64_t *mask, const struct reference *r, const char *grammar)
{
    char bytes[64];
    size_t len;
    infer_error err;
    for (size_t id = 0; id < TOKENS; id++) {
        bytes_of(NULL, (infer_token)id, bytes, sizeof bytes, &len, &err);
        bool want = id == END       ? reference_can_end(r)
                    : id == CONTROL ? false
                                    : len && reference_would_take(r, bytes, len);
        if (want != mask_has(mask, id))
            ck_abort_msg("%s\ntoken %zu: the mask says %d", grammar, id, mask_has(mask, id));
    }
}

static void walk(struct inf_grammar *g, struct reference *r, const char *grammar, bool every_mask,
                 uint64_t *seed)
{
    struct inf_matcher *m;
    infer_error err = {.text = ""};
    const uint64_t *mask;
    ck_assert(inf_matcher_new(g, &m, &err) == INFER_OK);
    reference_reset(r);
    for (int step = 0; step < 24; step++) {
        char bytes[64];
        size_t len;
        if (inf_matcher_mask(m, &mask, &err) != INFER_OK)
            ck_abort_msg("%s\n%s", grammar, err.text);
        if (every_mask)
            check_mask(mask, r, grammar);
        size_t id = pick(mask, seed);
        if (id == TOKENS || inf_matcher_accept(m, (infer_token)id, &err) != INFER_OK)
            ck_abort_msg("%s\ntoken %zu: %s", grammar, id, err.text);
        if (id == END) {
            if (!reference_can_end(r))
                ck_abort_msg("%s\nends too soon", grammar);
            break;
        }
        bytes_of(NULL, (infer_token)id, bytes, sizeof bytes, &len, &err);
        if (!reference_take(r, bytes, len) || reference_can_end(r) != inf_matcher_can_end(m))
            ck_abort_msg("%s\ntoken %zu is not so", grammar, id);
    }
    inf_matcher_free(m);
}

START_TEST(walks)
{
    uint64_t seed = 1;
    size_t count = sizeof walked / sizeof *walked;
    for (size_t i = 0; i < count; i++) {
        struct inf_grammar *g = make(INFER_GRAMMAR_GBNF, walked[i]);
        struct reference *r = reference_new(walked[i]);
        for (size_t k = 0; k < 10000 / count; k++)
            walk(g, r, walked[i], k < 12, &seed);
        reference_free(r);
        inf_grammar_free(g);
    }
}
END_TEST

/* What no vocabulary can say is an error that names the place. */
START_TEST(no_token_fits)
{
    static const char rule[] = "root ::= \"ab\" x\nx ::= \"\xc3\xa9\"";
    struct inf_token_source source = {
        .count = 256, .bytes = bytes_of, .is_text = is_text, .ends = ends};
    struct inf_token_trie *small;
    struct inf_grammar *g;
    struct inf_matcher *m;
    const uint64_t *mask;
    infer_error err;
    source.count = 'c'; /* bytes up to b */
    ck_assert_int_eq(inf_token_trie_new(&inf_allocator_default, &source, &small, &err), INFER_OK);
    ck_assert_int_eq(inf_grammar_new(&inf_allocator_default, small, INFER_GRAMMAR_GBNF, rule,
                                     sizeof rule - 1, &g, &err),
                     INFER_OK);
    ck_assert_int_eq(inf_matcher_new(g, &m, &err), INFER_OK);
    ck_assert_int_eq(inf_matcher_accept(m, 'a', &err), INFER_OK);
    ck_assert_int_eq(inf_matcher_accept(m, 'a', &err), INFER_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.text, "token 97 does not fit at byte 1"));
    ck_assert_int_eq(inf_matcher_accept(m, 'b', &err), INFER_OK);
    ck_assert_int_eq(inf_matcher_mask(m, &mask, &err), INFER_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "at byte 2 of the text (rule root)"));
    inf_matcher_free(m);
    inf_grammar_free(g);
    inf_token_trie_free(small);
}
END_TEST

/* ---- JSON Schema --------------------------------------------------------------------------------- */

static const struct {
    const char *schema;
    const char *good[8], *bad[8];
} schema_cases[] = {
    {"true",
     {"1", "null", "{\"a\": [1, \"\\u00e9\"]}", "[]", "\"\xe6\x97\xa5\""},
     {"", "tru", "{a:1}", "01", "\"\n\""}},
    {"{\"type\":\"integer\"}", {"0", "-12", "123456789012345678901"}, {"1.0", "1e3", "-", "00"}},
    {"{\"type\":\"integer\",\"minimum\":-5,\"maximum\":123}",
     {"-5", "0", "-0", "9", "123"},
     {"-6", "-10", "124", "200", "1000"}},
    {"{\"type\":\"integer\",\"exclusiveMinimum\":9,\"exclusiveMaximum\":11}",
     {"10"},
     {"9", "11", "-10", "100"}},
    {"{\"type\":\"number\",\"minimum\":-0.5,\"maximum\":10.25}",
     {"-0.5", "-0.50", "0", "-0.05", "10.25", "10.249", "10"},
     {"-0.51", "10.26", "10.2501", "11", "-1", "1e1"}},
    {"{\"type\":\"number\",\"exclusiveMaximum\":0}",
     {"-0.001", "-1", "-10.5"},
     {"0", "-0", "-0.0", "0.1"}},
    {"{\"type\":\"integer\",\"multipleOf\":3}", {"0", "3", "-12", "111"}, {"1", "-11", "112"}},
    {"{\"type\":\"number\",\"multipleOf\":0.25}",
     {"0.25", "1.5", "7", "1.50", "-2.75", "2.000"},
     {"0.2", "0.251", "1.3"}},
    {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"\xe6\x97\xa5\\n\\u00e9\"", "\"\\ud83d\\ude00x\""},
     {"\"a\"", "\"abcd\"", "\"\\ud83d\\ude00\"", "\"\\ud83dab\""}},
    {"{\"type\":\"string\",\"pattern\":\"^a+b?$\"}",
     {"\"a\"", "\"aaab\""},
     {"\"\"", "\"ba\"", "\"ab\\n\""}},
    {"{\"type\":\"string\",\"pattern\":\"b\\\\d\"}",
     {"\"b1\"", "\"xx\\\"b7\\n\xe6\x97\xa5\""},
     {"\"b\"", "\"1b\""}},
    {"{\"type\":\"string\",\"pattern\":\"^x|y$\"}", {"\"xa\"", "\"ay\""}, {"\"ax\"", "\"ya\""}},
    {"{\"type\":\"string\",\"pattern\":\"^[^a-c\\\"]{2}$\"}",
     {"\"zz\"", "\"\\\\\xc3\xa9\""},
     {"\"az\"", "\"z\\\"\""}},
    {"{\"type\":\"string\",\"pattern\":\"^a\",\"maxLength\":2}",
     {"\"a\"", "\"ab\""},
     {"\"abc\"", "\"b\""}},
    {"{\"type\":\"string\",\"format\":\"date\"}",
     {"\"2024-02-29\"", "\"1999-12-31\""},
     {"\"2023-02-29\"", "\"2024-13-01\"", "\"2024-04-31\""}},
    {"{\"type\":\"string\",\"format\":\"uuid\"}",
     {"\"123e4567-e89b-12d3-a456-426614174000\""},
     {"\"123e4567\""}},
    {"{\"enum\":[1,\"a\\\"b\",null,[1,{\"k\":2.5}]]}",
     {"1", "\"a\\\"b\"", "null", "[1, {\"k\": 2.5}]"},
     {"2", "\"ab\"", "[1]"}},
    {"{\"const\":2.0}", {"2"}, {"2.0", "3"}},
    {"{\"enum\":[1,2,3,\"x\"],\"minimum\":2}", {"2", "3", "\"x\""}, {"1"}},
    {"{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",1,null]}", {"\"a\"", "null"}, {"1"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":"
     "\"boolean\"}},\"required\":[\"b\"],\"additionalProperties\":false}",
     {"{\"b\":true}", "{\"a\":1,\"b\":false}", "{ \"a\": 1, \"b\": false }"},
     {"{}", "{\"a\":1}", "{\"b\":true,\"a\":1}", "{\"b\":true,}", "{\"b\":true,\"c\":1}"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"additionalProperties\":{"
     "\"type\":\"string\"}}",
     {"{}", "{\"a\":1,\"b\":\"x\"}", "{\"ab\":\"\",\"\":\"\"}"},
     {"{\"a\":\"x\"}", "{\"b\":1}", "{\"b\":\"\",\"a\":\"\"}"}},
    {"{\"type\":\"object\",\"required\":[\"z\"]}",
     {"{\"z\":[]}", "{\"z\":1,\"q\":2}"},
     {"{}", "{\"q\":1}"}},
    {"{\"type\":\"object\",\"patternProperties\":{\"^n\":{\"type\":\"integer\"},\"s$\":{"
     "\"maximum\":9}},\"additionalProperties\":false}",
     {"{}", "{\"n\":10,\"ns\":9,\"s\":9}", "{\"s\":\"x\"}"},
     {"{\"n\":\"x\"}", "{\"ns\":10}", "{\"x\":1}", "{\"ns\":\"x\"}"}},
    {"{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[a-c]+$\"},\"maxProperties\":2}",
     {"{}", "{\"a\":1,\"cc\":2}"},
     {"{\"d\":1}", "{\"a\":1,\"b\":2,\"c\":3}"}},
    {"{\"type\":\"object\",\"propertyNames\":{\"enum\":[\"k\",\"l\"]}}",
     {"{}", "{\"k\":1,\"l\":2}"},
     {"{\"d\":1}"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{},\"c\":{}},\"additionalProperties\":"
     "false,\"minProperties\":2}",
     {"{\"a\":1,\"c\":1}", "{\"a\":1,\"b\":1,\"c\":1}"},
     {"{}", "{\"b\":1}"}},
    {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":3}",
     {"[1]", "[1, 2,\n3]"},
     {"[]", "[1,2,3,4]", "[\"a\"]", "[1,]"}},
    {"{\"type\":\"array\",\"prefixItems\":[{\"const\":1},{\"type\":\"string\"}],\"items\":false}",
     {"[]", "[1]", "[1,\"a\"]"},
     {"[2]", "[1,\"a\",1]"}},
    {"{\"type\":\"array\",\"prefixItems\":[{\"const\":1}],\"minItems\":3}",
     {"[1,2,3]", "[1,2,3,4,5]"},
     {"[1,2]", "[2,2,3]"}},
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"maxLength\":1}]}",
     {"12", "\"a\""},
     {"\"ab\"", "null"}},
    {"{\"oneOf\":[{\"type\":\"integer\",\"maximum\":3},{\"type\":\"integer\",\"minimum\":4},{"
     "\"type\":\"null\"}]}",
     {"3", "4", "null"},
     {"\"\""}},
    {"{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"},\"x\":{\"type\":"
     "\"null\"}},\"required\":[\"k\"]},{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"b\"}"
     "},\"required\":[\"k\"]}]}",
     {"{\"k\":\"a\",\"x\":null}", "{\"k\":\"b\",\"x\":1}"},
     {"{\"k\":\"a\",\"x\":1}", "{\"k\":\"c\"}"}},
    {"{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"minimum\":3}},\"required\":[\"a\"]}"
     ",{\"properties\":{\"a\":{\"type\":\"integer\",\"maximum\":5}}}]}",
     {"{\"a\":4}"},
     {"{\"a\":2}", "{\"a\":6}", "{\"a\":\"x\"}", "{}"}},
    {"{\"type\":\"integer\",\"minimum\":2,\"anyOf\":[{\"maximum\":3},{\"minimum\":8}]}",
     {"2", "3", "8"},
     {"1", "5"}},
    {"{\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":"
     "{\"anyOf\":[{\"$ref\":\"#/$defs/"
     "n\"},{\"type\":\"null\"}]}},\"required\":[\"v\",\"next\"],\"additionalProperties\":false}},"
     "\"$ref\":\"#/$defs/n\"}",
     {"{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"},
     {"{\"v\":1}", "{\"v\":1,\"next\":{}}"}},
    {"{\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"$ref\":\"#\"}}",
     {"null", "{\"a\":{\"b\":null}}"},
     {"{\"a\":1}"}},
    {"{\"$ref\":\"#/$defs/a~1b%25\",\"$defs\":{\"a/b%\":{\"type\":\"null\"}}}", {"null"}, {"1"}},
    {"{\"title\":\"t\",\"description\":\"d\",\"default\":1,\"examples\":[2],\"x-any\":3,\"type\":"
     "\"null\"}",
     {"null"},
     {"1"}},
};

START_TEST(schema_texts)
{
    for (size_t i = 0; i < sizeof schema_cases / sizeof *schema_cases; i++)
        check_texts(INFER_GRAMMAR_JSON_SCHEMA, schema_cases[i].schema, schema_cases[i].good,
                    schema_cases[i].bad);
}
END_TEST

static const struct {
    const char *schema;
    infer_status status;
    const char *says;
} schema_errors[] = {
    {"", INFER_E_FORMAT, "JSON, line 1"},
    {"[]", INFER_E_FORMAT, "#: a schema is an object"},
    {"false", INFER_E_FORMAT, "no text"},
    {"{\"type\":\"strin\"}", INFER_E_FORMAT, "#/type: no such type"},
    {"{\"not\":{}}", INFER_E_UNSUPPORTED, "#/not: this keyword is not supported"},
    {"{\"maxLenght\":3}", INFER_E_UNSUPPORTED, "#/maxLenght"},
    {"{\"properties\":{\"a/b\":{\"items\":{\"if\":true}}}}", INFER_E_UNSUPPORTED,
     "#/properties/a~1b/items/if"},
    {"{\"anyOf\":[true,{\"contains\":{}}]}", INFER_E_UNSUPPORTED, "#/anyOf/1/contains"},
    {"{\"pattern\":\"(?<=x)*\"}", INFER_E_UNSUPPORTED, "#/pattern: at byte 0: look-around"},
    {"{\"pattern\":\"a(^b)\"}", INFER_E_UNSUPPORTED, "ends of the whole"},
    {"{\"pattern\":\"(a)\\\\1\"}", INFER_E_UNSUPPORTED, "escape"},
    {"{\"pattern\":\"*\"}", INFER_E_UNSUPPORTED, "cannot stand here"},
    {"{\"pattern\":\"(a\"}", INFER_E_UNSUPPORTED, "does not end"},
    {"{\"pattern\":\"a)\"}", INFER_E_UNSUPPORTED, "did not begin"},
    {"{\"pattern\":\"(x+x+)+y.{400}z{400}\",\"maxLength\":100000}", INFER_E_LIMIT, ""},
    {"{\"format\":\"idn-email\"}", INFER_E_UNSUPPORTED, "#/format: the formats are"},
    {"{\"$ref\":\"http://x/y\"}", INFER_E_UNSUPPORTED, "#/$ref: a reference must be"},
    {"{\"$ref\":\"#/$defs/a\"}", INFER_E_FORMAT, "nothing at this reference"},
    {"{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", INFER_E_UNSUPPORTED, "#/$schema"},
    {"{\"items\":[{}]}", INFER_E_UNSUPPORTED, "prefixItems"},
    {"{\"uniqueItems\":true}", INFER_E_UNSUPPORTED, "#/uniqueItems"},
    {"{\"minItems\":1000000000}", INFER_E_LIMIT, "minItems"},
    {"{\"minItems\":-1}", INFER_E_FORMAT, "#/minItems: must be a whole number"},
    {"{\"minProperties\":2}", INFER_E_UNSUPPORTED, "minProperties"},
    {"{\"multipleOf\":0.123456789}", INFER_E_UNSUPPORTED, "#/multipleOf"},
    {"{\"multipleOf\":0}", INFER_E_FORMAT, "above 0"},
    {"{\"minimum\":\"3\"}", INFER_E_FORMAT, "#/minimum: must be a number"},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", INFER_E_UNSUPPORTED,
     "#/oneOf: it cannot be shown"},
    {"{\"anyOf\":[]}", INFER_E_FORMAT, "#/anyOf"},
    {"{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}", INFER_E_FORMAT, "refers to itself"},
    {"{\"$ref\":\"#\"}", INFER_E_FORMAT, "refers to itself"},
    {"{\"const\":{\"a\":1},\"properties\":{\"a\":{}}}", INFER_E_UNSUPPORTED, "#/properties"},
    {"{\"type\":\"integer\",\"minimum\":5,\"maximum\":4}", INFER_E_FORMAT, "no text"},
};

START_TEST(schema_refused)
{
    for (size_t i = 0; i < sizeof schema_errors / sizeof *schema_errors; i++)
        check_error(INFER_GRAMMAR_JSON_SCHEMA, schema_errors[i].schema,
                    strlen(schema_errors[i].schema), schema_errors[i].status,
                    schema_errors[i].says);
}
END_TEST

/* Texts of a schema, walked by its masks to their end, are JSON and hold to it. */
START_TEST(schema_walks)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":4},"
        "\"n\":{\"type\":\"integer\",\"minimum\":-1,\"maximum\":123},\"c\":{\"enum\":[\"red\","
        "\"blue\"]},"
        "\"l\":{\"type\":\"array\",\"items\":{\"type\":[\"boolean\",\"null\"]},\"maxItems\":3}},"
        "\"required\":[\"name\",\"n\",\"c\"],\"additionalProperties\":false}";
    struct inf_grammar *g = make(INFER_GRAMMAR_JSON_SCHEMA, schema);
    uint64_t seed = 5;
    int ended = 0;
    for (int k = 0; k < 400; k++) {
        struct inf_matcher *m;
        struct inf_text text = {.a = &inf_allocator_default};
        infer_error err = {.text = ""};
        size_t id = 0;
        ck_assert(inf_matcher_new(g, &m, &err) == INFER_OK);
        for (int step = 0; step < 200 && id != END; step++) {
            const uint64_t *mask;
            char bytes[64];
            size_t len;
            ck_assert_msg(inf_matcher_mask(m, &mask, &err) == INFER_OK, "%s", err.text);
            id = pick(mask, &seed);
            ck_assert_msg(inf_matcher_accept(m, (infer_token)id, &err) == INFER_OK, "%s", err.text);
            bytes_of(NULL, (infer_token)id, bytes, sizeof bytes, &len, &err);
            if (id != END)
                inf_text_append(&text, bytes, len);
        }
        if (id == END) {
            struct inf_arena arena;
            struct inf_json v;
            inf_arena_init(&arena, &inf_allocator_default);
            ck_assert_msg(inf_json_read(&arena, text.ptr, text.len, &v, &err) == INFER_OK,
                          "%.*s: %s", (int)text.len, text.ptr, err.text);
            const struct inf_json *n = inf_json_get(&v, "n"), *c = inf_json_get(&v, "c");
            const struct inf_json *name = inf_json_get(&v, "name"), *l = inf_json_get(&v, "l");
            ck_assert(n->kind == INF_JSON_INTEGER && n->as.integer >= -1 && n->as.integer <= 123);
            ck_assert(inf_bytes_equal(c->as.text, "red") || inf_bytes_equal(c->as.text, "blue"));
            ck_assert(name->kind == INF_JSON_STRING && name->as.text.len <= 16);
            ck_assert(!l || (l->kind == INF_JSON_ARRAY && l->count <= 3));
            inf_arena_free(&arena);
            ended++;
        }
        inf_text_free(&text);
        inf_matcher_free(m);
    }
    ck_assert_int_gt(ended, 100);
    inf_grammar_free(g);
}
END_TEST

/* ---- Memory -------------------------------------------------------------------------------------- */

static infer_status use(const infer_allocator *a, infer_grammar_kind kind, const char *text,
                        infer_error *err)
{
    struct inf_grammar *g;
    struct inf_matcher *m;
    const uint64_t *mask;
    infer_status status = inf_grammar_new(a, trie, kind, text, strlen(text), &g, err);
    if (status)
        return status;
    status = inf_matcher_new(g, &m, err);
    if (!status) {
        uint64_t seed = 3;
        for (int i = 0; i < 12 && !status; i++) {
            status = inf_matcher_mask(m, &mask, err);
            size_t id = status ? 0 : pick(mask, &seed);
            if (!status && id != END)
                status = inf_matcher_accept(m, (infer_token)id, err);
        }
        inf_matcher_free(m);
    }
    inf_grammar_free(g);
    return status;
}

START_TEST(memory_runs_out)
{
    const char *texts[] = {walked[2], schema_cases[20].schema, schema_cases[23].schema,
                           schema_cases[33].schema};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        infer_grammar_kind kind = i ? INFER_GRAMMAR_JSON_SCHEMA : INFER_GRAMMAR_GBNF;
        infer_status status = INFER_E_MEMORY;
        for (size_t k = 1; status; k++) {
            struct count_alloc count;
            infer_error err = {.text = ""};
            count_alloc_init(&count);
            count.fail_at = k;
            status = use(&count.a, kind, texts[i], &err);
            ck_assert_msg(!status || status == INFER_E_MEMORY, "call %zu: %s", k, err.text);
            ck_assert_uint_eq(count.blocks, 0);
            ck_assert_uint_lt(k, 20000);
        }
    }
    struct count_alloc count;
    struct inf_token_trie *t;
    infer_status status = INFER_E_MEMORY;
    for (size_t k = 1; status; k++) {
        struct inf_token_source source = {
            .count = TOKENS, .bytes = bytes_of, .is_text = is_text, .ends = ends};
        count_alloc_init(&count);
        count.fail_at = k;
        status = inf_token_trie_new(&count.a, &source, &t, NULL);
        inf_token_trie_free(t);
        ck_assert_uint_eq(count.blocks, 0);
    }
}
END_TEST

Suite *suite_grammar(void)
{
    Suite *suite = suite_create("grammar");
    TCase *tcase = tcase_create("grammar");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, gbnf_texts);
    tcase_add_test(tcase, gbnf_refused);
    tcase_add_test(tcase, gbnf_large);
    tcase_add_test(tcase, ambiguous);
    tcase_add_test(tcase, walks);
    tcase_add_test(tcase, no_token_fits);
    tcase_add_test(tcase, schema_texts);
    tcase_add_test(tcase, schema_refused);
    tcase_add_test(tcase, schema_walks);
    tcase_add_test(tcase, memory_runs_out);
    suite_add_tcase(suite, tcase);
    return suite;
}
