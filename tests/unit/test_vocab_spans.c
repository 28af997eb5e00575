/* Prompts of spans: no special token comes out of content, each out of the template's own text, and
 * ordinary text is what it is without spans. */
#include "lib/base/span.h"
#include "tests/unit/vocab_file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_vocab_spans(void);

#define IDS 256

static struct inf_span content(const char *text)
{
    return (struct inf_span){text, strlen(text), false};
}

static struct inf_span literal(const char *text)
{
    return (struct inf_span){text, strlen(text), true};
}

static size_t encode(const struct inf_vocab *v, const struct inf_span *spans, size_t count,
                     const uint8_t *used, infer_token *ids)
{
    size_t got;
    infer_error err = {0};
    ck_assert_msg(!inf_vocab_encode_spans(v, spans, count, used, ids, IDS, &got, &err), "%s",
                  err.text);
    return got;
}

static void expect_spans_of(const struct inf_vocab *v, const struct inf_span *spans, size_t count,
                            const uint8_t *used, const infer_token *wanted, size_t wanted_count)
{
    infer_token ids[IDS];
    size_t got = encode(v, spans, count, used, ids);
    char line[1024] = "";
    for (size_t i = 0; i < got && i < 64; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " %d", (int)ids[i]);
    ck_assert_msg(got == wanted_count && !memcmp(ids, wanted, got * sizeof *ids), "%s...: not%s",
                  spans[0].ptr, line);
}

#define SPANS(...)                                                                                 \
    (const struct inf_span[]){__VA_ARGS__},                                                        \
        sizeof((struct inf_span[]){__VA_ARGS__}) / sizeof(struct inf_span)
#define IDS_OF(...)                                                                                \
    (const infer_token[]){__VA_ARGS__}, sizeof((infer_token[]){__VA_ARGS__}) / sizeof(infer_token)

static bool holds(const infer_token *ids, size_t count, infer_token id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Tokens of every kind, in both kinds of vocabulary; returns the id of the first. */
static const struct {
    const char *text;
    int type;
    bool in_content; /* content may become it where the template does not use it */
} specials[] = {
    {"<|sys|>", INF_TOKEN_CONTROL, false}, {"<|sys|>+", INF_TOKEN_CONTROL, false},
    {"<tool>", INF_TOKEN_USER, false},     {"[INST]", INF_TOKEN_USER, false},
    {" [/INST] ", INF_TOKEN_USER, false},  {"<h1>", INF_TOKEN_USER, true},
    {"</code>", INF_TOKEN_USER, true},     {"<bbox>", INF_TOKEN_USER, false},
    {"\n\n", INF_TOKEN_USER, true},        {"   ", INF_TOKEN_USER, true},
    {"word", INF_TOKEN_USER, true},        {"odd", INF_TOKEN_UNKNOWN, false},
    {"<>", INF_TOKEN_USER, true},          {"~", INF_TOKEN_CONTROL, false},
};
#define SPECIALS (sizeof specials / sizeof *specials)

static infer_token add_specials(struct file *f)
{
    infer_token first = (infer_token)f->source.count;
    for (size_t i = 0; i < SPECIALS; i++)
        add(f, specials[i].text, specials[i].type, 0);
    return first;
}

static struct inf_vocab *open_kind(struct file *f, int kind, infer_token *first)
{
    if (kind)
        bpe_file(f, kind == 1 ? "gpt-2" : "llama-bpe");
    else
        spm_file(f, true);
    *first = add_specials(f);
    return open_file(f);
}

/* Each special between other text: as literal it always counts, as content only where it may, and
 * never across a border. */
START_TEST(every_special)
{
    static const char *const around[] = {"", "x", "word", "<", " ", "\n", "~", "[INST]"};
    struct file f;
    infer_token first, ids[IDS];
    struct inf_vocab *v = open_kind(&f, _i, &first);
    for (size_t i = 0; i < SPECIALS; i++) {
        infer_token id = first + (infer_token)i;
        const char *text = specials[i].text;
        size_t len = strlen(text);
        for (size_t a = 0; a < sizeof around / sizeof *around; a++) {
            size_t n = encode(v, SPANS(content(around[a]), literal(text), content("z")), NULL, ids);
            ck_assert_msg(holds(ids, n, id), "%s as literal, after '%s'", text, around[a]);
            if (specials[i].in_content)
                continue;
            char joined[64];
            snprintf(joined, sizeof joined, "%s%s%s", around[a], text, around[a]);
            n = encode(v, SPANS(content(joined)), NULL, ids);
            ck_assert_msg(!holds(ids, n, id), "%s out of content '%s'", text, joined);
            for (size_t cut = 1; cut < len; cut++) {
                struct inf_span head = {text, cut, true}, tail = {text + cut, len - cut, false};
                n = encode(v, SPANS(content(around[a]), head, tail), NULL, ids);
                ck_assert_msg(!holds(ids, n, id), "%s cut at %zu", text, cut);
                head.literal = false;
                tail.literal = true;
                n = encode(v, SPANS(head, tail), NULL, ids);
                ck_assert_msg(!holds(ids, n, id), "%s cut at %zu", text, cut);
            }
        }
        if (specials[i].in_content) {
            size_t n = encode(v, SPANS(literal("x"), content(text)), NULL, ids);
            ck_assert_msg(holds(ids, n, id), "%s is ordinary", text);
        }
    }
    inf_vocab_free(v);
}
END_TEST

/* What the template uses counts in its own text alone: known from its source or from this prompt. */
START_TEST(used_by_the_template)
{
    struct file f;
    infer_token first, ids[IDS];
    struct inf_vocab *v = open_kind(&f, _i, &first);
    ck_assert_uint_eq(inf_vocab_count(v), f.source.count);
    uint8_t used[(TOKENS_MAX + 7) / 8] = {0};
    const char *source = "{{ '<h1>' + word }}{{ '\n\n' }}";
    ck_assert_int_eq(inf_vocab_mark_used(v, source, strlen(source), used, NULL), INFER_OK);
    for (size_t i = 0; i < SPECIALS; i++) {
        infer_token id = first + (infer_token)i;
        bool is_used = strstr(source, specials[i].text) && specials[i].text[0] != '\n';
        size_t n = encode(v, SPANS(content(specials[i].text)), used, ids);
        ck_assert_msg(holds(ids, n, id) == (specials[i].in_content && !is_used), "%s",
                      specials[i].text);
        n = encode(v, SPANS(content(specials[i].text), literal(specials[i].text)), used, ids);
        ck_assert_msg(holds(ids, n, id), "%s", specials[i].text);
        n = encode(v, SPANS(content(specials[i].text), literal("<h1></code>word")), NULL, ids);
        bool here = strstr("<h1></code>word", specials[i].text);
        infer_token only[IDS];
        size_t alone = encode(v, SPANS(content(specials[i].text)), NULL, only);
        if (here)
            ck_assert_msg(ids[0] != id, "%s", specials[i].text);
        else
            ck_assert_msg(!memcmp(ids, only, alone * sizeof *ids), "%s", specials[i].text);
    }
    inf_vocab_free(v);
}
END_TEST

/* Ordinary text in spans, cut anywhere, has the ids of the text as a whole. */
START_TEST(borders_cut_nothing)
{
    static const char text[] = "hello hello aaab \u4e2d\u2581x word\n\n   \u00e9e <h1>lo </code>";
    struct file f;
    infer_token first, ids[IDS], whole[IDS];
    struct inf_vocab *v = open_kind(&f, _i, &first);
    size_t len = sizeof text - 1, count;
    ck_assert(!inf_vocab_tokenize(v, text, len, INFER_TOKENIZE_PLAIN | INFER_TOKENIZE_ADD_BOS,
                                  whole, IDS, &count, NULL));
    for (size_t cut = 0; cut <= len; cut++)
        for (int kind = 0; kind < 3; kind++) {
            /* a literal must not hold what the template then uses */
            size_t from = kind && cut < 7 ? cut / 2 : cut;
            struct inf_span spans[] = {{text, from, false},
                                       {text + from, cut - from, kind == 1},
                                       {text + cut, len - cut, false}};
            size_t n = encode(v, spans, 3, NULL, ids);
            ck_assert_msg(n == count && !memcmp(ids, whole, n * sizeof *ids), "cut at %zu", cut);
        }
    inf_vocab_free(v);
}
END_TEST

/* Where a vocabulary makes a user-defined token by merging too, content does not become it. */
START_TEST(no_way_round_by_merging)
{
    struct file f;
    infer_token ids[IDS];
    spm_file(&f, false);
    f.source.add_space_prefix = 0;
    f.source.add_bos = 0;
    infer_token open = add(&f, "<", 1, -1), t = add(&f, "t", 1, -2), close = add(&f, ">", 1, -3),
                ot = add(&f, "<t", 1, -4), tag = add(&f, "<t>", INF_TOKEN_USER, 0);
    struct inf_vocab *v = open_file(&f);
    expect_spans_of(v, SPANS(content("<t>")), NULL, IDS_OF(ot, close));
    expect_spans_of(v, SPANS(literal("<t>")), NULL, IDS_OF(tag));
    expect_spans_of(v, SPANS(literal("<t"), content(">")), NULL, IDS_OF(ot, close));
    expect_spans_of(v, SPANS(content("<"), content("t")), NULL, IDS_OF(ot));
    (void)open, (void)t;
    inf_vocab_free(v);

    bpe_file(&f, "llama-bpe");
    f.types[BPE_FIRST + 3] = INF_TOKEN_USER; /* hello, by merging, whole and by itself */
    v = open_file(&f);
    uint8_t used[TOKENS_MAX / 8] = {0};
    ck_assert_int_eq(inf_vocab_mark_used(v, "hello", 5, used, NULL), INFER_OK);
    size_t n = encode(v, SPANS(content("hello")), used, ids);
    ck_assert(!holds(ids, n, BPE_FIRST + 3));
    expect_spans_of(v, SPANS(literal("hello")), used, IDS_OF(BPE_FIRST + 3));
    inf_vocab_free(v);
}
END_TEST

START_TEST(bos_once)
{
    struct file f;
    spm_file(&f, true);
    f.source.add_space_prefix = 0;
    struct inf_vocab *v = open_file(&f);
    const infer_token a = SPM_BYTES + 'a';
    expect_spans_of(v, SPANS(content("a")), NULL, IDS_OF(1, a));
    expect_spans_of(v, SPANS(literal("<s>"), content("a")), NULL, IDS_OF(1, a));
    expect_spans_of(v, SPANS(content(""), literal("<s>a")), NULL, IDS_OF(1, a));
    expect_spans_of(v, SPANS(literal("a<s>")), NULL, IDS_OF(1, a, 1));
    expect_spans_of(v, SPANS(literal("</s><s>")), NULL, IDS_OF(1, 2, 1));
    infer_token ids[IDS];
    size_t n = encode(v, SPANS(content("<s>")), NULL, ids);
    ck_assert(n == 4 && ids[0] == 1 && !holds(ids + 1, 3, 1));
    ck_assert_uint_eq(encode(v, NULL, 0, NULL, ids), 1);
    inf_vocab_free(v);
    f.source.add_bos = 0;
    v = open_file(&f);
    expect_spans_of(v, SPANS(content("a")), NULL, IDS_OF(a));
    size_t count;
    ck_assert_int_eq(inf_vocab_encode_spans(v, SPANS(content("aa")), NULL, ids, 1, &count, NULL),
                     INFER_E_RANGE);
    ck_assert_uint_eq(count, 2);
    inf_vocab_free(v);
}
END_TEST

/* U+2581 is a blank to SentencePiece; half of one in content makes no literal. */
START_TEST(blanks_across_borders)
{
    struct file f;
    spm_file(&f, true);
    f.source.add_space_prefix = 0;
    f.source.add_bos = 0;
    infer_token tag = add(&f, "< t>", INF_TOKEN_CONTROL, 0), x = add(&f, "x", 1, 0), ids[IDS];
    struct inf_vocab *v = open_file(&f);
    expect_spans_of(v, SPANS(literal("x<\u2581t>"), content("\u2581x")), NULL,
                    IDS_OF(x, tag, SPM_BYTES + ' ', x));
    for (size_t cut = 1; cut < 3; cut++) {
        struct inf_span spans[] = {{"<\u2581t>", 1 + cut, true},
                                   {"\u2581t>" + cut, 5 - cut, false}};
        size_t n = encode(v, spans, 2, NULL, ids);
        ck_assert(n == 4 && !holds(ids, n, tag));
        spans[0].literal = false;
        spans[1].literal = true;
        n = encode(v, spans, 2, NULL, ids);
        ck_assert(n == 4 && !holds(ids, n, tag));
    }
    inf_vocab_free(v);
}
END_TEST

/* ---- Tokens that were made ------------------------------------------------------------------- */

static infer_token letter(const struct inf_vocab *v, char c)
{
    infer_token id = -1;
    size_t count;
    struct inf_span span = {&c, 1, false};
    struct inf_spanned *one;
    ck_assert(!inf_spanned_new(v, &span, 1, NULL, &one, NULL));
    ck_assert(!inf_spanned_encode(one, 0, 1, 'a', &id, 1, &count, NULL) && count == 1);
    inf_spanned_free(one);
    return id;
}

static size_t same(const struct inf_vocab *v, const struct inf_span *spans, size_t count,
                   size_t from, size_t at, const infer_token *ids, size_t id_count, size_t *end)
{
    struct inf_spanned *s;
    ck_assert(!inf_spanned_new(v, spans, count, NULL, &s, NULL));
    size_t got = inf_spanned_same(s, from, at, ids, id_count, end);
    inf_spanned_free(s);
    return got;
}

/* What a model made is kept where the text has its bytes, and its special tokens in its own text. */
START_TEST(made_tokens)
{
    struct file f;
    infer_token first;
    size_t end;
    struct inf_vocab *v = open_kind(&f, _i, &first);
    const infer_token sys = first, tool = first + 2, word = first + 10, line = first + 8,
                      unknown = first + 11;
    const infer_token s = letter(v, 's'), y = letter(v, 'y'), lt = letter(v, '<'),
                      pipe = letter(v, '|'), gt = letter(v, '>'), w = letter(v, 'w'),
                      o = letter(v, 'o'), n = letter(v, '\n');
    const infer_token spelled[] = {lt, pipe, s, y, s, pipe, gt};
    const struct inf_span both[] = {content("sy"), literal("<|sys|>"), content("<|sys|>so")};
#define SAME(from, at, ...) same(v, both, 3, from, at, IDS_OF(__VA_ARGS__), &end)
    ck_assert_uint_eq(SAME(0, 0, s, y, sys), 3);
    ck_assert_uint_eq(end, 9);
    ck_assert_uint_eq(SAME(0, 2, sys, sys), 1); /* the second one is content */
    ck_assert_uint_eq(end, 9);
    ck_assert_uint_eq(same(v, both, 3, 0, 2, spelled, 7, &end), 0); /* the template's own */
    ck_assert_uint_eq(same(v, both, 3, 0, 9, spelled, 7, &end), 7);
    ck_assert_uint_eq(end, 16);
    ck_assert_uint_eq(SAME(9, 16, s, o), 2);
    ck_assert_uint_eq(SAME(9, 16, s, o, s), 2); /* more than there is */
    ck_assert_uint_eq(SAME(9, 16, y), 0);
    ck_assert_uint_eq(end, 16);
    ck_assert_uint_eq(SAME(0, 4, s, y, s), 0);       /* within a special */
    ck_assert_uint_eq(SAME(3, 4, s, y, s, pipe), 4); /* that is cut already */
    ck_assert_uint_eq(SAME(0, 18, s), 0);
    const struct inf_span said[] = {content("word\n\n<tool>odd"), literal("<tool>ab")};
#define SAID(from, at, ...) same(v, said, 2, from, at, IDS_OF(__VA_ARGS__), &end)
    ck_assert_uint_eq(SAID(0, 0, word, line), 2); /* where ordinary text is one token */
    ck_assert_uint_eq(SAID(0, 4, n, n, lt), 3);   /* or was made of several */
    ck_assert_uint_eq(SAID(0, 0, w, o), 2);
    ck_assert_uint_eq(SAID(0, 6, tool), 0);
    ck_assert_uint_eq(SAID(0, 12, unknown), 0);
    ck_assert_uint_eq(SAID(0, 15, tool), 1);
    ck_assert_uint_eq(SAID(0, 15, lt), 0);
    inf_vocab_free(v);
}
END_TEST

/* Behind ordinary text a part gets no blank before it, behind a special token it does. */
START_TEST(parts_of_a_prompt)
{
    struct file f;
    spm_file(&f, true);
    infer_token tag = add(&f, "<t>", INF_TOKEN_CONTROL, 0), x = add(&f, " x", 1, 0), ids[IDS];
    infer_token bare = add(&f, "x", 1, 0);
    struct inf_vocab *v = open_file(&f);
    struct inf_span span = {"xx<t>x", 6, true};
    struct inf_spanned *s;
    size_t n;
    ck_assert(!inf_spanned_new(v, &span, 1, NULL, &s, NULL));
    ck_assert(!inf_spanned_encode(s, 0, 6, -1, ids, IDS, &n, NULL));
    ck_assert(n == 5 && ids[0] == 1 && ids[1] == x && ids[2] == bare && ids[3] == tag &&
              ids[4] == x);
    ck_assert(!inf_spanned_encode(s, 1, 6, x, ids, IDS, &n, NULL));
    ck_assert(n == 3 && ids[0] == bare && ids[1] == tag && ids[2] == x);
    ck_assert(!inf_spanned_encode(s, 5, 6, tag, ids, IDS, &n, NULL));
    ck_assert(n == 1 && ids[0] == x);
    ck_assert(!inf_spanned_encode(s, 3, 4, x, ids, IDS, &n, NULL)); /* half a special */
    ck_assert(n == 1 && ids[0] != tag);
    ck_assert(!inf_spanned_encode(s, 6, 6, x, ids, IDS, &n, NULL) && n == 0);
    inf_spanned_free(s);
    inf_vocab_free(v);
}
END_TEST

Suite *suite_vocab_spans(void)
{
    Suite *suite = suite_create("vocab_spans");
    TCase *spans = tcase_create("spans");
    tcase_add_loop_test(spans, every_special, 0, 3);
    tcase_add_loop_test(spans, used_by_the_template, 0, 3);
    tcase_add_loop_test(spans, borders_cut_nothing, 0, 3);
    tcase_add_test(spans, no_way_round_by_merging);
    tcase_add_test(spans, bos_once);
    tcase_add_test(spans, blanks_across_borders);
    tcase_add_loop_test(spans, made_tokens, 0, 3);
    tcase_add_test(spans, parts_of_a_prompt);
    suite_add_tcase(suite, spans);
    return suite;
}
