/* search: what it finds, what it never looks at, how long it may take. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/agent/hands_tests.h"

static void finding(struct bench *b)
{
    bench_put(b, "root/a.c", "int main(void)\n{\n    return foo(1);\n}\n");
    bench_put(b, "root/sub/b.c", "int foo(int x);\r\nFOO\r\n");
    bench_put(b, "root/.env", "foo SECRET");
    bench_put(b, "root/.git/config", "foo");
    bench_put(b, "outside/c.c", "foo outside");
    bench_link(b, "../outside", "root/out");
    bench_link(b, "../outside/c.c", "root/c.c");
    bench_put_bytes(b, "root/binary", "\0foo\n", 5);
    struct text result = {0};
    CHECK(bench_call(b, "search", "{\"pattern\":\"foo\"}", &result) &&
              !strcmp(result.data, "a.c:3:     return foo(1);\nsub/b.c:1: int foo(int x);\n"),
          "files alone, in order: %s", hands_text(&result));
    text_free(&result);
    DONE(b, "sub/b.c:2: FOO\n", "search", "{\"pattern\":\"foo\",\"ignore_case\":true}");
    DONE(b, "a.c:3", "search", "{\"pattern\":\"foo(\",\"path\":\"a.c\"}");
    DONE(b, "sub/b.c:1", "search", "{\"pattern\":\"foo\\\\(int\",\"regex\":true,\"path\":\"sub\"}");
    DONE(b, "a.c:1", "search", "{\"pattern\":\"^int \\\\w+\\\\(\",\"regex\":true}");
    DONE(b, "no line holds this text in 2 files (regex: true", "search",
         "{\"pattern\":\"foo|main\"}");
    REFUSED(b, "no such file", "search", "{\"pattern\":\"foo\",\"path\":\"none\"}");
    REFUSED(b, "the pattern is not taken: it is empty", "search", "{\"pattern\":\"\"}");
    REFUSED(b, "a ( is not closed", "search", "{\"pattern\":\"foo(\",\"regex\":true}");
    struct text line = {0};
    for (int i = 0; i < 3000; i++)
        text_format(&line, "foo ");
    bench_put(b, "root/long", line.data);
    text_free(&line);
    DONE(b, "bytes left out)", "search", "{\"pattern\":\"foo\",\"path\":\"long\"}");
    for (int i = 0; i < 700; i++)
        text_format(&line, "foo\n");
    bench_put(b, "root/many", line.data);
    text_free(&line);
    DONE(b, "many:500: foo\n(ended early: there are more lines)", "search",
         "{\"pattern\":\"foo\",\"path\":\"many\"}");
}

/* ---- Patterns ---------------------------------------------------------------------------------- */

static void taken(void)
{
    static const struct {
        const char *pattern, *line;
        int matches; /* -1: not taken */
    } cases[] = {
        {"a.c", "abc", 1},
        {"a.c", "ac", 0},
        {"^b", "ab", 0},
        {"b$", "ab", 1},
        {"^$", "", 1},
        {"a|b|c", "xcx", 1},
        {"(ab)+c", "ababc", 1},
        {"(ab)+c", "c", 0},
        {"(ab)*c", "c", 1},
        {"a{2,3}b", "ab", 0},
        {"a{2,3}b", "aab", 1},
        {"^a{2,3}$", "aaaa", 0},
        {"^a{2}$", "aa", 1},
        {"^a{2,}$", "aaaaa", 1},
        {"^a{0}b", "b", 1},
        {"x{0,2}$", "", 1},
        {"\\d+", "a1", 1},
        {"\\D", "11", 0},
        {"\\bfoo\\b", "a foo.", 1},
        {"\\bfoo\\b", "afoo", 0},
        {"\\Boo", "foo", 1},
        {"[^a-c]", "abc", 0},
        {"[]a]", "]", 1},
        {"[a\\]b]", "]", 1},
        {"[a-]", "-", 1},
        {"[\\d_]", "_", 1},
        {"a.*?b", "axxb", 1},
        {"(?:a|b)c", "bc", 1},
        {"\\.", "a", 0},
        {"\\(", "(", 1},
        {"(a*)*b", "aab", 1},
        {"(a|)+$", "x", 1},
        {"()", "", 1},
        {"a(b(c(d)))", "abcd", 1},
        {"é", "café", 1},
        {"|a", "zz", 1},
        {"a**", "", -1},
        {"*a", "", -1},
        {"a{3,2}", "", -1},
        {"a{201}", "", -1},
        {"(", "", -1},
        {")", "", -1},
        {"[a", "", -1},
        {"\\1", "", -1},
        {"(?=a)", "", -1},
        {"[[:alpha:]]", "", -1},
        {"[é]", "", -1},
        {"\\", "", -1},
        {"\\q", "", -1},
        {"a{1,2", "", -1},
        {"a{,2}", "", -1},
        {"(((a{1,99}){1,99}){1,99})", "", -1},
        {"((((){99}){99}){99}){99}", "", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text error = {0};
        struct pattern *p = pattern_new(cases[i].pattern, false, false, &error);
        int got = p ? pattern_matches(p, cases[i].line, strlen(cases[i].line)) : -1;
        CHECK(got == cases[i].matches && !p == !!error.len, "/%s/ in \"%s\": %d", cases[i].pattern,
              cases[i].line, got);
        pattern_free(p);
        text_free(&error);
    }
    char deep[400];
    struct text error = {0};
    memset(deep, '(', 200);
    memset(deep + 200, ')', 199);
    deep[399] = 0;
    CHECK(!pattern_new(deep, false, false, &error) && strstr(error.data, "too deep"), "groups");
    text_free(&error);
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void grow(struct text *t, unsigned *state, int depth)
{
    static const char *const atoms[] = {"a", "b", ".", "[ab]", "[^a]", "a", "b", "c"};
    static const char *const repeats[] = {"*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}"};
    unsigned pieces = 1 + next_random(state) % 3;
    for (unsigned i = 0; i < pieces; i++) {
        if (depth && next_random(state) % 3 == 0) {
            text_format(t, "(");
            grow(t, state, depth - 1);
            if (next_random(state) % 2) {
                text_format(t, "|");
                grow(t, state, depth - 1);
            }
            text_format(t, ")");
        } else {
            text_format(t, "%s", atoms[next_random(state) % 8]);
        }
        if (next_random(state) % 3 == 0)
            text_format(t, "%s", repeats[next_random(state) % 7]);
    }
}

/* Beside libc's own, on what both take. */
static void compared(void)
{
    unsigned state = 7;
    for (int i = 0; i < 4000; i++) {
        struct text pattern = {0}, error = {0};
        regex_t posix;
        text_format(&pattern, i % 4 ? "" : "^");
        grow(&pattern, &state, 3);
        text_format(&pattern, i % 5 ? "" : "$");
        struct pattern *p = pattern_new(pattern.data, false, false, &error);
        bool both = p && !regcomp(&posix, pattern.data, REG_EXTENDED | REG_NOSUB);
        CHECK(both || strstr(error.data, "too"), "/%s/ is taken", pattern.data);
        for (int k = 0; both && k < 30; k++) {
            char line[12];
            unsigned len = next_random(&state) % sizeof line;
            for (unsigned c = 0; c < len; c++)
                line[c] = (char)('a' + next_random(&state) % 3);
            line[len < sizeof line ? len : sizeof line - 1] = 0;
            CHECK(pattern_matches(p, line, strlen(line)) == !regexec(&posix, line, 0, NULL, 0),
                  "/%s/ in \"%s\"", pattern.data, line);
        }
        if (both)
            regfree(&posix);
        pattern_free(p);
        text_free(&pattern);
        text_free(&error);
    }
}

/* Patterns that make others take for ever. */
static void hostile(struct bench *b)
{
    struct text line = {0};
    for (int i = 0; i < 20000; i++)
        text_format(&line, "a");
    bench_put(b, "root/as", line.data);
    text_free(&line);
    static const char *const patterns[] = {"(a*)*b",           "(a|a)*b",
                                           "(a|aa)+$b",        "(.*)(.*)(.*)(.*)[^a]",
                                           "(a?){100}a{100}b", "((a{0,9}){0,9}){0,9}b"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char call[200];
        struct timespec from, to;
        snprintf(call, sizeof call, "{\"pattern\":\"%s\",\"regex\":true,\"path\":\"as\"}",
                 patterns[i]);
        clock_gettime(CLOCK_MONOTONIC, &from);
        DONE(b, "no line matches", "search", call);
        clock_gettime(CLOCK_MONOTONIC, &to);
        CHECK(to.tv_sec - from.tv_sec < 12, "%s took %ld s", patterns[i],
              (long)(to.tv_sec - from.tv_sec));
    }
}

void hands_search(void)
{
    struct bench b;
    bench_open(&b);
    finding(&b);
    hostile(&b);
    bench_close(&b);
    taken();
    compared();
}
