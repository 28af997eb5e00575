/*
 * Stop texts across the borders of feeds. The reference searches the whole text by brute force.
 */
#include "lib/sample/stops.h"

#include "lib/base/limits.h"
#include "tests/count_alloc.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_stops(void);

static struct inf_stops *make(const char *const *texts, size_t count)
{
    struct inf_stops *stops;
    infer_error err;
    ck_assert_msg(inf_stops_new(&inf_allocator_default, texts, count, &stops, &err) == INFER_OK,
                  "%s", err.text);
    return stops;
}

#define MAKE(...)                                                                                  \
    make((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

/* Where the output of the whole text ends: before the match that is complete first, the longest
 * where several end there; *complete is where the match ends, len where there is none. */
static size_t reference(const char *const *texts, size_t count, const char *text, size_t len,
                        size_t *complete)
{
    for (size_t end = 1; end <= len; end++) {
        size_t longest = 0;
        for (size_t i = 0; i < count; i++) {
            size_t size = strlen(texts[i]);
            if (size <= end && size > longest && !memcmp(text + end - size, texts[i], size))
                longest = size;
        }
        *complete = end;
        if (longest)
            return end - longest;
    }
    *complete = SIZE_MAX;
    return len;
}

/* The longest beginning of text[0..len) that ends between characters and is followed by nothing
 * that a stop text may begin with: what may have been released. */
static size_t may_release(const char *const *texts, size_t count, const char *text, size_t len)
{
    size_t held = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t n = strlen(texts[i]) < len ? strlen(texts[i]) : len; n > held; n--)
            if (!memcmp(text + len - n, texts[i], n))
                held = n;
    size_t at = 0;
    while (at < len - held) {
        uint32_t code;
        size_t step = inf_utf8_decode(text + at, len - at, &code);
        if (step == 0) {
            /* A character may still come of it if bytes can be added to make one. */
            char whole[4];
            size_t known = len - at < 4 ? len - at : 4;
            bool hope = false;
            memcpy(whole, text + at, known);
            for (size_t more = 1; known + more <= 4; more++)
                for (unsigned fill = 0; fill < 1u << (6 * more) && !hope; fill++) {
                    for (size_t i = 0; i < more; i++)
                        whole[known + i] = (char)(0x80 | (fill >> 6 * i & 0x3f));
                    hope = inf_utf8_decode(whole, known + more, &code) == known + more;
                }
            if (hope)
                break;
            step = 1;
        }
        if (at + step > len - held)
            break;
        at += step;
    }
    return at;
}

/* Feeds text in pieces that end where `cuts` says (and at its end), and checks every answer. */
static void check_pieces(struct inf_stops *stops, const char *const *texts, size_t count,
                         const char *text, size_t len, const size_t *cuts, size_t cut_count,
                         bool check_each)
{
    size_t complete, want = reference(texts, count, text, len, &complete), shown = 0, at = 0;
    for (size_t i = 0; i <= cut_count; i++) {
        size_t end = i < cut_count ? cuts[i] : len;
        struct inf_bytes out;
        bool found;
        ck_assert_int_eq(inf_stops_feed(stops, text + at, end - at, &out, &found, NULL), INFER_OK);
        ck_assert(shown + out.len <= want && !memcmp(out.ptr, text + shown, out.len));
        shown += out.len;
        at = end;
        ck_assert_int_eq(found, complete <= at);
        if (found)
            ck_assert_uint_eq(shown, want);
        else if (check_each)
            ck_assert_uint_eq(shown, may_release(texts, count, text, at));
    }
    struct inf_bytes rest = inf_stops_flush(stops);
    ck_assert(shown + rest.len == want && !memcmp(rest.ptr, text + shown, rest.len));
    ck_assert(complete == SIZE_MAX || rest.len == 0);
}

/* Every way to cut a short text into pieces. */
static void check_all_cuts(const char *const *texts, size_t count, const char *text, size_t len)
{
    struct inf_stops *stops = make(texts, count);
    ck_assert_uint_le(len, 12);
    for (size_t mask = 0; mask < (size_t)1 << (len ? len - 1 : 0); mask++) {
        size_t cuts[12] = {0}, cut_count = 0;
        for (size_t i = 1; i < len; i++)
            if (mask >> (i - 1) & 1)
                cuts[cut_count++] = i;
        check_pieces(stops, texts, count, text, len, cuts, cut_count, true);
    }
    inf_stops_free(stops);
}

#define CHECK_ALL_CUTS(text, ...)                                                                  \
    check_all_cuts((const char *const[]){__VA_ARGS__},                                             \
                   sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), text, sizeof(text) - 1)

START_TEST(every_cut_of_short_texts)
{
    CHECK_ALL_CUTS("one STOP two", "STOP");
    CHECK_ALL_CUTS("STOP", "STOP");
    CHECK_ALL_CUTS("SSTSTOSTOP", "STOP");
    CHECK_ALL_CUTS("STO", "STOP");
    CHECK_ALL_CUTS("aabaabaaab", "aabaaa");
    CHECK_ALL_CUTS("xabcd", "abcd", "bc");    /* bc is complete first */
    CHECK_ALL_CUTS("xabcdyz", "bcd", "abcd"); /* both end there: the longer */
    CHECK_ALL_CUTS("abx", "abc", "b", "bx");
    CHECK_ALL_CUTS("ushers", "he", "she", "his", "hers");
    CHECK_ALL_CUTS("a\0b\0c", "c");
    CHECK_ALL_CUTS("", "a");
    CHECK_ALL_CUTS("abcabcabd", "abcabd", "cab!", "abcabc?");
    CHECK_ALL_CUTS("a\n\nUser:", "\nUser:", "\n\n\n");
}
END_TEST

START_TEST(every_cut_of_characters)
{
    CHECK_ALL_CUTS("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "nothing"); /* 1, 2, 3, 4 bytes */
    CHECK_ALL_CUTS("\xe2\x82\xac\xe2\x82\xad", "\xe2\x82\xad");         /* same beginning */
    CHECK_ALL_CUTS("\xe2\x82\xac\xe2\x82\xac!", "\xe2\x82\xac\xe2\x82\xad");
    CHECK_ALL_CUTS("\xe2\x82\xac\xa4", "\xac\xa4"); /* a stop text that begins inside */
    CHECK_ALL_CUTS("\xe2\x82\xac\xac", "\xac\xa4");
    CHECK_ALL_CUTS("\xe2\x82\x61\xe2\x82", "b"); /* broken, and broken off */
    CHECK_ALL_CUTS("\xe2\x82\xe2\x82\xac", "\xe2\x82\xad");
    CHECK_ALL_CUTS("\x80\xff\xc0\xaf\xf5\x80", "b");         /* never a character */
    CHECK_ALL_CUTS("\xed\xa0\x80\xe0\x80\x80", "b");         /* surrogate, overlong */
    CHECK_ALL_CUTS("\xf4\x90\x80\x80\xf4\x8f\xbf\xbf", "b"); /* above and at U+10FFFF */
    CHECK_ALL_CUTS("\xe2\x82st\xe2\x82stop", "stop");
    check_all_cuts(NULL, 0, "a\xf0\x9f\x98\x80\xe2\x82", 7);
}
END_TEST

/* What the user sees at each moment. */
START_TEST(releases_by_hand)
{
    struct inf_stops *stops = MAKE("</s>", "\n\n");
    struct inf_bytes out;
    bool found;
    const struct {
        const char *in, *out;
        bool found;
    } steps[] = {
        {"Hi <", "Hi ", false},   {"/", "", false},      {"x", "</x", false},
        {"\n", "", false},        {"y\n", "\ny", false}, {"", "", false},
        {"<", "\n", false},       {"\xc3", "<", false},  {"\xa9", "\xc3\xa9", false},
        {"!</s>tail", "!", true}, {"more", "", true},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t len = strlen(steps[i].out);
        ck_assert_int_eq(
            inf_stops_feed(stops, steps[i].in, strlen(steps[i].in), &out, &found, NULL), INFER_OK);
        ck_assert_msg(out.len == len && !memcmp(out.ptr, steps[i].out, len), "step %zu: \"%.*s\"",
                      i, (int)out.len, out.ptr);
        ck_assert_int_eq(found, steps[i].found);
    }
    ck_assert_uint_eq(inf_stops_flush(stops).len, 0);
    /* After flush another text. */
    ck_assert_int_eq(inf_stops_feed(stops, "a</s", 4, &out, &found, NULL), INFER_OK);
    ck_assert(out.len == 1 && !found);
    out = inf_stops_flush(stops);
    ck_assert(out.len == 3 && !memcmp(out.ptr, "</s", 3));
    inf_stops_free(stops);
    inf_stops_free(NULL);
}
END_TEST

static uint32_t random_state = 1;

static size_t below(size_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

START_TEST(random_texts_and_cuts)
{
    size_t with_match = 0;
    for (size_t round = 0; round < 1600; round++) {
        /* Small alphabets: many partial matches; some of bytes of UTF-8 characters. */
        static const char *const alphabets[] = {"ab", "abc", "\xc3\xa4\xb6", "a\xe2\x82\xac"};
        const char *alphabet = alphabets[round % 4];
        char store[8][16], text[200];
        const char *texts[8];
        size_t count = 1 + below(8), len = below(sizeof text), cuts[200], cut_count = 0;
        for (size_t i = 0; i < count; i++) {
            size_t size = 3 + below(9);
            for (size_t j = 0; j < size; j++)
                store[i][j] = alphabet[below(strlen(alphabet))];
            store[i][size] = 0;
            texts[i] = store[i];
        }
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[below(strlen(alphabet))];
        for (size_t i = 1; i < len; i++)
            if (below(3) == 0)
                cuts[cut_count++] = i;
        struct inf_stops *stops = make(texts, count);
        check_pieces(stops, texts, count, text, len, cuts, cut_count, round % 8 < 4);
        inf_stops_free(stops);
        size_t complete;
        reference(texts, count, text, len, &complete);
        with_match += complete != SIZE_MAX;
    }
    ck_assert(with_match > 300 && with_match < 1550);
}
END_TEST

START_TEST(wrong_texts_are_refused)
{
    struct inf_stops *stops = (struct inf_stops *)&stops;
    infer_error err;
    ck_assert_int_eq(
        inf_stops_new(&inf_allocator_default, (const char *const[]){"a", ""}, 2, &stops, &err),
        INFER_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.text, "stop[1]"));
    ck_assert_ptr_null(stops);
    ck_assert_int_eq(
        inf_stops_new(&inf_allocator_default, (const char *const[]){NULL}, 1, &stops, &err),
        INFER_E_ARGUMENT);
    ck_assert_int_eq(inf_stops_new(&inf_allocator_default, NULL, 1, &stops, NULL),
                     INFER_E_ARGUMENT);
    char *large = malloc(INF_MAX_STRING + 1);
    memset(large, 'a', INF_MAX_STRING);
    large[INF_MAX_STRING] = 0;
    ck_assert_int_eq(
        inf_stops_new(&inf_allocator_default, (const char *const[]){large}, 1, &stops, &err),
        INFER_E_LIMIT);
    ck_assert_ptr_null(stops);
    free(large);
}
END_TEST

/* 100 000 stop texts, and a text that nearly matches at each byte: both pass quickly. */
START_TEST(many_stop_texts)
{
    enum { COUNT = 100000, LEN = 24, TEXT = 1000000 };
    char *store = malloc(COUNT * LEN), *text = malloc(TEXT);
    const char **texts = malloc(COUNT * sizeof *texts);
    for (size_t i = 0; i < COUNT; i++) {
        char *stop = store + i * LEN;
        size_t n = i;
        texts[i] = stop;
        memset(stop, 'a', LEN - 1);
        stop[LEN - 1] = 0;
        for (size_t j = 12; j < LEN - 1; j++, n /= 3)
            stop[j] = (char)('a' + n % 3);
        stop[LEN - 2] = 'z';
    }
    struct inf_stops *stops = make(texts, COUNT);
    memset(text, 'a', TEXT);
    struct inf_bytes out;
    bool found;
    size_t shown = 0;
    for (size_t at = 0; at < TEXT; at += 1000) {
        ck_assert_int_eq(inf_stops_feed(stops, text + at, 1000, &out, &found, NULL), INFER_OK);
        ck_assert(!found);
        shown += out.len;
    }
    ck_assert_uint_ge(shown, TEXT - LEN);
    ck_assert_int_eq(inf_stops_feed(stops, texts[777], LEN - 1, &out, &found, NULL), INFER_OK);
    ck_assert(found);
    ck_assert_uint_eq(shown + out.len, TEXT);
    inf_stops_free(stops);
    free(store);
    free(text);
    free(texts);
}
END_TEST

/* A long stop text held back for long, byte by byte: time stays linear. */
START_TEST(long_stop_text)
{
    enum { LEN = 1000000 };
    char *stop = malloc(LEN + 2);
    memset(stop, 'a', LEN);
    memcpy(stop + LEN, "b", 2);
    struct inf_stops *stops = make((const char *const[]){stop}, 1);
    struct inf_bytes out;
    bool found = false;
    for (size_t i = 0; i < 3 * (size_t)LEN; i++) {
        infer_status status = inf_stops_feed(stops, "a", 1, &out, &found, NULL);
        if (status || found || out.len != (i >= LEN))
            ck_abort_msg("%zu bytes come out after %zu", out.len, i + 1);
    }
    ck_assert(!inf_stops_feed(stops, "b", 1, &out, &found, NULL) && found && out.len == 0);
    inf_stops_free(stops);
    free(stop);
}
END_TEST

START_TEST(no_memory_is_a_status)
{
    struct count_alloc count;
    count_alloc_init(&count);
    infer_status status = INFER_E_MEMORY;
    size_t k = 0;
    while (status == INFER_E_MEMORY) {
        struct inf_stops *stops;
        infer_error err = {0};
        count.calls = 0;
        count.fail_at = ++k;
        status = inf_stops_new(&count.a, (const char *const[]){"ab", "ac"}, 2, &stops, &err);
        ck_assert_int_eq(err.status, status);
        inf_stops_free(stops);
        ck_assert_uint_eq(count.blocks, 0);
    }
    ck_assert(status == INFER_OK && k > 4);
}
END_TEST

/* Feeds of a token's length take no memory; a longer one that finds none leaves all as it was. */
START_TEST(long_feeds)
{
    struct count_alloc count;
    count_alloc_init(&count);
    struct inf_stops *stops;
    struct inf_bytes out;
    bool found;
    enum { LONG = 3 * INF_MAX_TOKEN_TEXT };
    char *text = malloc(LONG);
    memset(text, 'x', LONG);
    text[LONG - 1] = 's';
    ck_assert(!inf_stops_new(&count.a, (const char *const[]){"stop"}, 1, &stops, NULL));
    size_t calls = count.calls;
    for (int i = 0; i < 100; i++) {
        const char *piece = i % 2 ? "st" : text + LONG - INF_MAX_TOKEN_TEXT;
        size_t len = i % 2 ? 2 : INF_MAX_TOKEN_TEXT;
        ck_assert(!inf_stops_feed(stops, piece, len, &out, &found, NULL) && !found);
    }
    ck_assert_uint_eq(count.calls, calls);
    count.fail_at = calls + 1; /* "st" is held */
    ck_assert_int_eq(inf_stops_feed(stops, text, LONG, &out, &found, NULL), INFER_E_MEMORY);
    ck_assert(out.len == 0 && !found);
    count.fail_at = 0;
    ck_assert(!inf_stops_feed(stops, text, LONG, &out, &found, NULL) && !found);
    ck_assert(out.len == LONG + 1 && !memcmp(out.ptr, "stxx", 4));
    ck_assert(!inf_stops_feed(stops, "top!", 4, &out, &found, NULL) && found && out.len == 0);
    inf_stops_free(stops);
    ck_assert_uint_eq(count.blocks, 0);
    free(text);
}
END_TEST

Suite *suite_stops(void)
{
    Suite *suite = suite_create("stops");
    TCase *tests = tcase_create("stops");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_cut_of_short_texts);
    tcase_add_test(tests, every_cut_of_characters);
    tcase_add_test(tests, releases_by_hand);
    tcase_add_test(tests, random_texts_and_cuts);
    tcase_add_test(tests, wrong_texts_are_refused);
    tcase_add_test(tests, many_stop_texts);
    tcase_add_test(tests, long_stop_text);
    tcase_add_test(tests, no_memory_is_a_status);
    tcase_add_test(tests, long_feeds);
    suite_add_tcase(suite, tests);
    return suite;
}
