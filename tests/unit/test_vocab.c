/* Tokenizers: splitting, NFC, merging, special tokens, and what hostile vocabularies may hold. */
#include "lib/vocab/unicode.h"
#include "tests/unit/vocab_file.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_vocab(void);

/* ---- Splitting and NFC --------------------------------------------------------------------- */

static const char *const splits[][2] = {
#include "vocab_splits.def"
};

static struct inf_bytes bytes_of(const char *text)
{
    return (struct inf_bytes){text, strlen(text)};
}

START_TEST(split_boundaries)
{
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        char text[512], got[1024] = "";
        size_t len = 0, piece, out = 0;
        for (const char *p = splits[i][1]; *p; p++)
            if (*p != '|')
                text[len++] = *p;
        struct inf_split split;
        inf_split_start(&split, inf_split_find(bytes_of(splits[i][0])), text, len);
        while ((piece = inf_split_next(&split))) {
            if (out)
                got[out++] = '|';
            memcpy(got + out, text + split.at - piece, piece);
            out += piece;
        }
        got[out] = 0;
        ck_assert_msg(!strcmp(got, splits[i][1]), "%s: %s, not %s", splits[i][0], got,
                      splits[i][1]);
    }
}
END_TEST

static const char *const all_rules[] = {
#define SPLIT(name, flags, ...) name,
#include "lib/vocab/split.def"
#undef SPLIT
};
#define RULES ((int)(sizeof all_rules / sizeof *all_rules))

/* Whatever the bytes, the pieces cover them; and there are cases for the name. */
START_TEST(split_covers_any_bytes)
{
    const struct inf_split_rule *rule = inf_split_find(bytes_of(all_rules[_i]));
    size_t cases = 0;
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
        cases += !strcmp(splits[i][0], all_rules[_i]);
    ck_assert_msg(cases >= 4, "%s has no cases", all_rules[_i]);
    uint32_t random = 1;
    for (int round = 0; round < 3000; round++) {
        char text[24];
        size_t len = 1 + (random >> 16) % sizeof text;
        for (size_t i = 0; i < len; i++) {
            static const char usual[] = "aZ19 \n\r\t'.sS/_";
            random = random * 1664525 + 1013904223;
            text[i] = random >> 31 ? (char)(random >> 16) : usual[(random >> 16) % 14];
        }
        struct inf_split split;
        inf_split_start(&split, rule, text, len);
        size_t sum = 0, piece;
        while ((piece = inf_split_next(&split)))
            sum += piece;
        ck_assert_uint_eq(sum, len);
    }
}
END_TEST

static const char *const nfc_cases[][2] = {
    {"e\u0301", "\u00e9"},
    {"e\u0323\u0302", "\u1ec7"},
    {"e\u0302\u0323", "\u1ec7"}, /* the marks change places first */
    {"a\u0315\u0300\u05ae\u0300b", "\u00e0\u05ae\u0300\u0315"
                                   "b"},
    {"\u1100\u1161\u11a8", "\uac01"},
    {"\uac00\u11a8", "\uac01"},
    {"\uac01\u11a8", "\uac01\u11a8"},
    {"\u212b \u2126 \u212a", "\u00c5 \u03a9 K"},
    {"\u0958", "\u0915\u093c"}, /* not composed again */
    {"\u0344", "\u0308\u0301"},
    {"\u0301", "\u0301"},
    {"\xff\u0301", "\xff\u0301"}, /* what is not UTF-8 stays, and takes no mark */
    {"plain \u4e2d text", "plain \u4e2d text"},
};

START_TEST(nfc)
{
    for (size_t i = 0; i < sizeof nfc_cases / sizeof *nfc_cases; i++) {
        struct inf_text out = {.a = &inf_allocator_default};
        inf_nfc_append(&out, nfc_cases[i][0], strlen(nfc_cases[i][0]));
        ck_assert(!out.failed);
        inf_text_append(&out, "", 1);
        ck_assert_str_eq(out.ptr, nfc_cases[i][1]);
        inf_text_free(&out);
    }
    ck_assert(inf_nfc_is_plain("\u00e9 \u4e2d", 6));
    ck_assert(!inf_nfc_is_plain("e\u0301", 3));
}
END_TEST

/* A long run of marks takes the counting sort; its order is stable. */
START_TEST(nfc_long_run)
{
    struct inf_text in = {.a = &inf_allocator_default}, out = in;
    inf_text_append(&in, "x", 1);
    for (int i = 0; i < 1000; i++) /* class 230, then class 220, which goes before it */
        inf_text_append(&in, i % 2 ? "\u0316" : "\u0307", 2);
    inf_nfc_append(&out, in.ptr, in.len);
    ck_assert_uint_eq(out.len, 2 + 2 * 999 + 1); /* x with dot above is one character */
    ck_assert(!memcmp(out.ptr, "\u1e8b\u0316\u0316", 7));
    ck_assert(!memcmp(out.ptr + out.len - 4, "\u0307\u0307", 4));
    inf_text_free(&in);
    inf_text_free(&out);
}
END_TEST

/* ---- Byte-level BPE ------------------------------------------------------------------------ */

#define M(n) (BPE_FIRST + (n)) /* the token that merge n makes */

START_TEST(bpe_words)
{
    struct file f;
    bpe_file(&f, "gpt-2");
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "hello", 0, M(3));
    expect_ids(v, "hello hello", 0, M(3), M(4));
    expect_ids(v, "aaaaa", 0, M(12));
    expect_ids(v, "aaab", 0, M(5), M(7));
    expect_ids(v, "lo", 0, M(17));
    expect_ids(v, "\n\n", 0, M(14));
    expect_ids(v, "\u00e9", 0, M(11));
    expect_ids(v, "\xff\xc3", 0, 0xff, 0xc3);
    expect_ids(v, "whole", 0, 'w', 'h', 'o', 'l', 'e');
    expect_ids_len(v, "", 0, 0, NULL, 0);
    expect_ids_len(v, "\0", 1, 0, (infer_token[]){0}, 1);
    inf_vocab_free(v);
}
END_TEST

START_TEST(bpe_whole_pieces)
{
    struct file f;
    bpe_file(&f, "llama-bpe");
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "whole", 0, BPE_CONTROL + 3);
    expect_ids(v, "wholes", 0, 'w', 'h', 'o', 'l', 'e', 's');
    inf_vocab_free(v);
}
END_TEST

START_TEST(bpe_specials)
{
    struct file f;
    bpe_file(&f, "gpt-2");
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "<|x|>", 0, BPE_CONTROL);
    expect_ids(v, "<|x|>y<|x|>z", 0, BPE_CONTROL + 1, BPE_CONTROL, 'z');
    expect_ids(v, "<<tag>|", 0, '<', BPE_CONTROL + 2, '|');
    expect_ids(v, "<|x|", 0, '<', '|', 'x', '|');
    expect_ids(v, "<|x|>", INFER_TOKENIZE_PLAIN, '<', '|', 'x', '|', '>');
    expect_ids(v, "<tag>", INFER_TOKENIZE_PLAIN, BPE_CONTROL + 2);
    ck_assert(inf_vocab_kind(v, BPE_CONTROL) == INFER_KIND_CONTROL);
    ck_assert(inf_vocab_kind(v, BPE_CONTROL + 2) != INFER_KIND_CONTROL);
    ck_assert(inf_vocab_kind(v, -1) != INFER_KIND_CONTROL);
    ck_assert(inf_vocab_ends(v, BPE_CONTROL + 4));
    ck_assert(!inf_vocab_ends(v, BPE_CONTROL));
    ck_assert_int_eq(inf_vocab_find(v, "<|x|>", 5), BPE_CONTROL);
    ck_assert_int_eq(inf_vocab_find(v, "\u0120hello", 7), M(4));
    ck_assert_int_eq(inf_vocab_find(v, " hello", 6), -1);
    inf_vocab_free(v);
}
END_TEST

/* Specials in every nesting: found as by looking for each in turn. */
START_TEST(specials_leftmost_longest)
{
    static const char *const texts[] = {"a", "ab", "abc", "abcd", "b", "bcde", "aba", "abab", "ca"};
    enum { COUNT = sizeof texts / sizeof *texts };
    struct file f;
    start_file(&f, "gpt2", "gpt-2");
    add_alphabet(&f);
    for (int i = 0; i < COUNT; i++)
        add(&f, texts[i], i % 3 ? INF_TOKEN_CONTROL : INF_TOKEN_USER, 0);
    struct inf_vocab *v = open_file(&f);
    uint32_t random = 7;
    for (int round = 0; round < 4000; round++) {
        char text[13];
        for (int i = 0; i < 12; i++)
            text[i] =
                "abcde"[(random = random * 1664525 + 1013904223) >> 24 & 3 ? (random >> 16) % 3
                                                                           : random % 5];
        text[12] = 0;
        unsigned flags = round % 2 ? INFER_TOKENIZE_PLAIN : 0;
        infer_token wanted[12];
        size_t count = 0;
        for (size_t at = 0; at < 12;) {
            int best = -1;
            for (int i = 0; i < COUNT; i++)
                if (!strncmp(text + at, texts[i], strlen(texts[i])) && (!flags || i % 3 == 0) &&
                    (best < 0 || strlen(texts[i]) > strlen(texts[best])))
                    best = i;
            wanted[count++] = best < 0 ? text[at] : 256 + best;
            at += best < 0 ? 1 : strlen(texts[best]);
        }
        expect_ids_len(v, text, 12, flags, wanted, count);
    }
    inf_vocab_free(v);
}
END_TEST

/* One merge after the other over a list: what any faster way must give. */
static size_t merge_simply(const struct file *f, const char *text, size_t len, infer_token *ids)
{
    for (size_t i = 0; i < len; i++)
        ids[i] = (unsigned char)text[i];
    for (size_t n = len;;) {
        size_t best = SIZE_MAX, rank = SIZE_MAX;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t m = 0; m < BPE_MERGES && m < rank; m++) {
                char both[32];
                struct inf_bytes a = f->tokens[ids[i]], b = f->tokens[ids[i + 1]];
                snprintf(both, sizeof both, "%.*s %.*s", (int)a.len, a.ptr, (int)b.len, b.ptr);
                if (!strcmp(both, f->merges[m])) {
                    best = i;
                    rank = m;
                }
            }
        if (best == SIZE_MAX)
            return n;
        ids[best] = M((infer_token)rank);
        memmove(ids + best + 1, ids + best + 2, (n - best - 2) * sizeof *ids);
        n--;
    }
}

/* Around the border of 64 bytes between the two ways of merging, and far beyond it. */
START_TEST(bpe_random_pieces)
{
    struct file f;
    bpe_file(&f, "gpt-2");
    struct inf_vocab *v = open_file(&f);
    uint32_t random = 3;
    for (int round = 0; round < 200; round++) {
        char text[400];
        infer_token ids[400];
        size_t len = round < 100 ? 1 + (size_t)round : 60 + (size_t)round;
        for (size_t i = 0; i < len; i++)
            text[i] = "aaabhellon"[(random = random * 1664525 + 1013904223) % 65521 % 10];
        expect_ids_len(v, text, len, 0, ids, merge_simply(&f, text, len, ids));
    }
    inf_vocab_free(v);
}
END_TEST

START_TEST(bpe_nfc)
{
    struct file f;
    bpe_file(&f, "qwen2");
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "e\u0301", 0, M(11));
    inf_vocab_free(v);
    bpe_file(&f, "llama-bpe");
    v = open_file(&f);
    expect_ids(v, "e\u0301", 0, 'e', 0xcc, 0x81);
    inf_vocab_free(v);
}
END_TEST

START_TEST(bpe_missing_byte)
{
    struct file f;
    bpe_file(&f, "gpt-2");
    f.types['q'] = INF_TOKEN_UNUSED;
    struct inf_vocab *v = open_file(&f);
    infer_token ids[8];
    size_t count;
    infer_error err = {0};
    ck_assert_int_eq(inf_vocab_tokenize(v, "aqa", 3, 0, ids, 8, &count, &err), INFER_E_FORMAT);
    ck_assert_msg(strstr(err.text, "0x71"), "%s", err.text);
    expect_ids(v, "ab", 0, M(7)); /* it still works */
    inf_vocab_free(v);
    f.source.unk = BPE_CONTROL; /* no text may become a control token */
    v = open_file(&f);
    ck_assert_int_eq(inf_vocab_tokenize(v, "aqa", 3, 0, ids, 8, &count, &err), INFER_E_FORMAT);
    inf_vocab_free(v);
    f.types[BPE_CONTROL] = INF_TOKEN_UNKNOWN;
    v = open_file(&f);
    expect_ids(v, "bqa", 0, 'b', BPE_CONTROL, 'a');
    inf_vocab_free(v);
}
END_TEST

/* ---- SentencePiece ------------------------------------------------------------------------- */

#define BYTE(b) (SPM_BYTES + (b))

START_TEST(spm_merges)
{
    struct file f;
    spm_file(&f, true);
    infer_token blank = add(&f, "\u2581", INF_TOKEN_NORMAL, -10), a = add(&f, "a", 1, -11),
                b = add(&f, "b", 1, -12), ab = add(&f, "ab", 1, -1),
                _a = add(&f,
                         "\u2581"
                         "a",
                         1, -2),
                aa = add(&f, "aa", 1, -3), e = add(&f, "\u00e9", 1, -4),
                user = add(&f, "[u]", INF_TOKEN_USER, -5),
                blanks = add(&f, "  ", INF_TOKEN_USER, -6);
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "ab", 0, blank, ab); /* ab before the blank and a */
    expect_ids(v, "aab", 0, _a, ab);
    expect_ids(v, "a a", 0, _a, _a);
    expect_ids(v, "baaa", 0, blank, b, aa, a); /* the leftmost of equals */
    expect_ids(v, "\u00e9\u00e8", 0, blank, e, BYTE(0xc3), BYTE(0xa8));
    expect_ids(v, "\xc3", 0, blank, BYTE(0xc3));
    expect_ids(v, "a[u]b", 0, _a, user, blank, b); /* each stretch has its own prefix */
    expect_ids(v,
               "a\u2581"
               "a",
               0, _a, _a);
    expect_ids(v, "a  [u]", 0, _a, blanks, user);
    expect_ids(v, "<s>", INFER_TOKENIZE_PLAIN, blank, BYTE('<'), BYTE('s'), BYTE('>'));
    expect_ids(v, "<s>a</s>", INFER_TOKENIZE_ADD_SPECIAL, 1, 1, _a, 2);
    expect_ids_len(v, "", 0, 0, NULL, 0);
    inf_vocab_free(v);

    f.source.add_space_prefix = 0;
    f.source.add_eos = 1;
    v = open_file(&f);
    expect_ids(v, "ab", INFER_TOKENIZE_ADD_SPECIAL, 1, ab, 2);
    inf_vocab_free(v);
}
END_TEST

START_TEST(spm_unknown)
{
    struct file f;
    spm_file(&f, false);
    infer_token blank = add(&f, "\u2581", 1, -1), a = add(&f, "a", 1, -1);
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "axyza\xff", 0, blank, a, 0, a, 0); /* a run is one unknown token */
    inf_vocab_free(v);
    f.source.unk = -1;
    v = open_file(&f);
    size_t count;
    infer_error err;
    ck_assert_int_eq(inf_vocab_tokenize(v, "ax", 2, 0, NULL, 0, &count, &err), INFER_E_FORMAT);
    ck_assert_msg(strstr(err.text, "0x78"), "%s", err.text);
    inf_vocab_free(v);
}
END_TEST

/* Short and long pieces, random scores with ties; compared with a list that is searched whole. */
START_TEST(spm_random_pieces)
{
    static const char *const texts[] = {"a",       "b",   "\u00e9",  " ",  "aa", "ab",
                                        "ba",      "aab", "\u00e9a", " a", "  ", "aaaa",
                                        "b\u00e9", "bb",  "    ",    "bab"};
    enum { COUNT = sizeof texts / sizeof *texts };
    uint32_t random = 5;
    for (int round = 0; round < 150; round++) {
        struct file f;
        spm_file(&f, true);
        f.source.add_space_prefix = 0;
        infer_token first = (infer_token)f.source.count;
        for (int i = 0; i < COUNT; i++)
            add(&f, texts[i], 1, (float)((random = random * 1664525 + 1013904223) % 65521 % 7) - 3);
        struct inf_vocab *v = open_file(&f);
        char text[600];
        size_t starts[301], n = 0, len = 0;
        for (int i = 0; i < round * 2 + 1; i++) {
            const char *symbol = texts[(random = random * 1664525 + 1013904223) % 65521 % 4];
            starts[n++] = len;
            memcpy(text + len, symbol, strlen(symbol));
            len += strlen(symbol);
        }
        starts[n] = len;
        infer_token ids[300], best_id;
        for (;;) {
            size_t best = SIZE_MAX;
            best_id = -1;
            for (size_t i = 0; i + 1 < n; i++)
                for (int t = 0; t < COUNT; t++)
                    if (strlen(texts[t]) == starts[i + 2] - starts[i] &&
                        !memcmp(texts[t], text + starts[i], strlen(texts[t])) &&
                        (best_id < 0 || f.scores[first + t] > f.scores[best_id])) {
                        best = i;
                        best_id = first + t;
                    }
            if (best == SIZE_MAX)
                break;
            memmove(starts + best + 1, starts + best + 2, (n - best - 1) * sizeof *starts);
            n--;
        }
        for (size_t i = 0; i < n; i++)
            for (int t = 0; t < COUNT; t++)
                if (strlen(texts[t]) == starts[i + 1] - starts[i] &&
                    !memcmp(texts[t], text + starts[i], strlen(texts[t])))
                    ids[i] = first + t;
        expect_ids_len(v, text, len, 0, ids, n);
        inf_vocab_free(v);
    }
}
END_TEST

/* ---- The contract of the calls ------------------------------------------------------------- */

START_TEST(range)
{
    struct file f;
    bpe_file(&f, "gpt-2");
    struct inf_vocab *v = open_file(&f);
    infer_token ids[4] = {-7, -7, -7, -7};
    size_t count;
    ck_assert_int_eq(inf_vocab_tokenize(v, "abc.", 4, 0, NULL, 0, &count, NULL), INFER_E_RANGE);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(inf_vocab_tokenize(v, "abc.", 4, 0, ids, 2, &count, NULL), INFER_E_RANGE);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(ids[0], -7);
    ck_assert_int_eq(inf_vocab_tokenize(v, "abc.", 4, 0, ids, 3, &count, NULL), INFER_OK);
    ck_assert_int_eq(ids[0], M(7));
    ck_assert_int_eq(ids[3], -7);

    char text[8] = "-------";
    size_t len;
    ck_assert_int_eq(inf_vocab_detokenize(v, ids, 3, NULL, 0, &len, NULL), INFER_E_RANGE);
    ck_assert_uint_eq(len, 4);
    ck_assert_int_eq(inf_vocab_detokenize(v, ids, 3, text, 3, &len, NULL), INFER_E_RANGE);
    ck_assert_int_eq(text[0], '-');
    ck_assert_int_eq(inf_vocab_detokenize(v, ids, 3, text, 4, &len, NULL), INFER_OK);
    ck_assert(!memcmp(text, "abc.-", 5));
    ck_assert_int_eq(inf_vocab_detokenize(v, NULL, 0, NULL, 0, &len, NULL), INFER_OK);
    ck_assert_uint_eq(len, 0);

    infer_error err;
    const infer_token bad[] = {INT32_MIN, -1, (infer_token)f.source.count, INT32_MAX};
    for (int i = 0; i < 4; i++) {
        infer_token pair[] = {'a', bad[i]};
        ck_assert_int_eq(inf_vocab_detokenize(v, pair, 2, text, 8, &len, &err), INFER_E_ARGUMENT);
        ck_assert_msg(strstr(err.text, "index 1"), "%s", err.text);
        ck_assert_int_eq(inf_vocab_token_bytes(v, bad[i], text, 8, &len, &err), INFER_E_ARGUMENT);
    }
    ck_assert_int_eq(inf_vocab_token_bytes(v, M(4), text, 8, &len, NULL), INFER_OK);
    ck_assert(len == 6 && !memcmp(text, " hello", 6));
    ck_assert_int_eq(inf_vocab_token_bytes(v, M(4), text, 5, &len, NULL), INFER_E_RANGE);
    inf_vocab_free(v);
}
END_TEST

START_TEST(detokenize_prefix)
{
    struct file f;
    spm_file(&f, true);
    infer_token _a = add(&f,
                         "\u2581"
                         "a",
                         1, -1),
                blank = add(&f, "\u2581", 1, -1);
    struct inf_vocab *v = open_file(&f);
    struct {
        infer_token ids[3];
        size_t count;
        const char *text;
    } cases[] = {
        {{_a, _a}, 2, "a a"},
        {{blank, _a}, 2, " a"},
        {{blank}, 1, ""},
        {{1, _a}, 2, "<s> a"},
        {{BYTE(0xc3), BYTE(0xa9)}, 2, "\u00e9"},
        {{BYTE(' '), _a}, 2, " a"},
        {{0, BYTE(0xff), _a}, 3, "<unk>\xff a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        size_t len;
        ck_assert_int_eq(
            inf_vocab_detokenize(v, cases[i].ids, cases[i].count, text, 31, &len, NULL), INFER_OK);
        text[len] = 0;
        ck_assert_str_eq(text, cases[i].text);
    }
    inf_vocab_free(v);
}
END_TEST

START_TEST(bos_and_eos)
{
    struct file f;
    bpe_file(&f, "gpt-2");
    f.source.bos = BPE_CONTROL;
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "b", INFER_TOKENIZE_ADD_SPECIAL, 'b'); /* the file does not ask */
    inf_vocab_free(v);
    f.source.pre = bytes_of("llama-bpe"); /* asks without saying so */
    v = open_file(&f);
    expect_ids(v, "b", INFER_TOKENIZE_ADD_SPECIAL, BPE_CONTROL, 'b');
    expect_ids(v, "b", 0, 'b');
    inf_vocab_free(v);
    f.source.add_bos = 0;
    f.source.add_eos = 1; /* but there is none */
    v = open_file(&f);
    size_t count;
    ck_assert_int_eq(
        inf_vocab_tokenize(v, "b", 1, INFER_TOKENIZE_ADD_SPECIAL, NULL, 0, &count, NULL),
        INFER_E_FORMAT);
    expect_ids(v, "b", 0, 'b');
    ck_assert_int_eq(inf_vocab_special(v, INFER_SPECIAL_BOS), BPE_CONTROL);
    ck_assert_int_eq(inf_vocab_special(v, INFER_SPECIAL_EOS), -1);
    inf_vocab_free(v);
}
END_TEST

/* ---- Hostile vocabularies ------------------------------------------------------------------ */

START_TEST(unknown_names)
{
    struct file f;
    bpe_file(&f, "no-such\x1b");
    refuse_file(&f, INFER_E_UNSUPPORTED, "tokenizer.ggml.pre 'no-such\\x1b' is not one of the");
    f.source.model = bytes_of("kit");
    refuse_file(&f, INFER_E_UNSUPPORTED, "llama, gpt2");
    bpe_file(&f, NULL); /* no name at all is GPT-2's, with a warning */
    inf_vocab_free(open_file(&f));
    ck_assert(strstr(f.warned, "pre-tokenizer"));
}
END_TEST

START_TEST(special_ids_out_of_range)
{
    struct file f;
    spm_file(&f, true);
    f.source.bos = f.source.count;
    f.source.eos = UINT32_MAX;
    f.source.unk = -5;
    f.source.pad = INT64_MIN;
    f.source.eot = INT64_MAX;
    struct inf_vocab *v = open_file(&f);
    ck_assert(strstr(f.warned, "no such token"));
    for (int i = INFER_SPECIAL_BOS; i <= INFER_SPECIAL_PAD; i++)
        ck_assert_int_eq(inf_vocab_special(v, (infer_special)i), -1);
    expect_ids(v, "b", INFER_TOKENIZE_ADD_SPECIAL, BYTE(' '), BYTE('b'));
    inf_vocab_free(v);
}
END_TEST

START_TEST(odd_tokens)
{
    struct file f;
    spm_file(&f, true);
    add(&f, "", 1, 0);
    add(&f, "", INF_TOKEN_CONTROL, 0);
    add(&f, "", INF_TOKEN_USER, 0);
    infer_token twice = add(&f, "dd", 1, 5);
    add(&f, "dd", 1, 9);
    infer_token nul = add_bytes(&f, "a\0b", 3, INF_TOKEN_USER, 0);
    infer_token broken = add(&f, "\xe2\x96", 1, 3);
    infer_token high = add(&f, "xy", 1, INFINITY), low = add(&f, "yz", 1, NAN);
    static const char *const bytes[] = {"<0x-1>", "<0xZZ>", "<0x1>", "<0x100>", "<0xaf>", "<0X41>"};
    for (int i = 0; i < 6; i++)
        add(&f, bytes[i], INF_TOKEN_BYTE, 0);
    add(&f, "odd type", 99, 0);
    add(&f, "odd type", -1, 0);
    f.source.add_space_prefix = 0;
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "dd", 0, twice); /* the lowest id */
    expect_ids_len(v, "a\0b", 3, INFER_TOKENIZE_PLAIN, &nul, 1);
    expect_ids(v, "xyz", 0, high, BYTE('z'));
    expect_ids(v, "yz", 0, low);
    expect_ids(v, "A", 0, BYTE('A'));
    expect_ids(v, "\xe2\x96", 0, broken);
    ck_assert_int_eq(inf_vocab_find(v, "", 0), broken - 6);
    ck_assert_int_eq(inf_vocab_find(v, "\xe2\x96", 2), broken);
    char text[16];
    size_t len;
    infer_token id = inf_vocab_find(v, "<0x-1>", 6);
    ck_assert_int_eq(inf_vocab_token_bytes(v, id, text, 16, &len, NULL), INFER_OK);
    ck_assert_uint_eq(len, 6);
    inf_vocab_free(v);
}
END_TEST

START_TEST(long_tokens)
{
    struct file f;
    bpe_file(&f, "gpt-2");
    char *text = malloc(INF_MAX_TOKEN_TEXT + 1);
    memset(text, 'w', INF_MAX_TOKEN_TEXT + 1);
    add_bytes(&f, text, INF_MAX_TOKEN_TEXT, INF_TOKEN_CONTROL, 0);
    add_bytes(&f, text, INF_MAX_TOKEN_TEXT, INF_TOKEN_NORMAL, 0);
    struct inf_vocab *v = open_file(&f);
    ck_assert(strstr(f.warned, "longer than"));
    expect_ids(v, "ww", 0, 'w', 'w');
    inf_vocab_free(v);
    add_bytes(&f, text, INF_MAX_TOKEN_TEXT + 1, INF_TOKEN_NORMAL, 0);
    refuse_file(&f, INFER_E_LIMIT, "65537 bytes");
    free(text);
    f.source.count = 0;
    refuse_file(&f, INFER_E_FORMAT, "0 tokens");
    f.source.count = UINT32_MAX;
    refuse_file(&f, INFER_E_LIMIT, "4294967295 tokens");
}
END_TEST

START_TEST(odd_merges)
{
    static const char *const bad[] = {"",      " ",    "ab",     "a ",    " a",
                                      "a b c", "a  b", "\xff a", "a \x01"};
    struct file f;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bpe_file(&f, "gpt-2");
        f.merges[3] = bad[i];
        refuse_file(&f, INFER_E_FORMAT, "merges[3]");
    }
    bpe_file(&f, "gpt-2");
    f.merges[7] = "qq zz";
    f.merges[8] = "a b"; /* now the only one of this pair */
    f.merges[9] = "a b";
    struct inf_vocab *v = open_file(&f);
    ck_assert(strstr(f.warned, "1 of"));
    expect_ids(v, "ab", 0, M(7));
    inf_vocab_free(v);
    bpe_file(&f, "gpt-2");
    f.source.merge = NULL;
    v = open_file(&f);
    ck_assert(strstr(f.warned, "no merges"));
    expect_ids(v, "ab", 0, 'a', 'b');
    inf_vocab_free(v);
    spm_file(&f, true);
    f.source.score = NULL;
    refuse_file(&f, INFER_E_FORMAT, "scores");
}
END_TEST

START_TEST(no_types)
{
    struct file f;
    spm_file(&f, true);
    f.source.type = NULL;
    f.source.add_space_prefix = 0;
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "<s>a", 0, 1, BYTE('a'));
    ck_assert(inf_vocab_kind(v, 1) == INFER_KIND_CONTROL && inf_vocab_ends(v, 2));
    inf_vocab_free(v);
}
END_TEST

START_TEST(ends_of_turns)
{
    struct file f;
    bpe_file(&f, "gpt-4o");
    infer_token end = add(&f, "<|end|>", INF_TOKEN_CONTROL, 0),
                plain = add(&f, "<|eot_id|>", INF_TOKEN_NORMAL, 0);
    f.source.eos = 'a';
    struct inf_vocab *v = open_file(&f);
    ck_assert(inf_vocab_ends(v, end) && inf_vocab_ends(v, 'a') && !inf_vocab_ends(v, plain));
    inf_vocab_free(v);
    infer_token done = add(&f, "<|return|>", INF_TOKEN_CONTROL, 0);
    v = open_file(&f);
    ck_assert(inf_vocab_ends(v, done) && !inf_vocab_ends(v, end));
    inf_vocab_free(v);
}
END_TEST

/* ---- Memory and stack ---------------------------------------------------------------------- */

struct budget {
    long left, held;
};

static void *budget_alloc(void *ud, size_t bytes, size_t align)
{
    struct budget *budget = ud;
    if (budget->left-- <= 0)
        return NULL;
    budget->held++;
    return inf_allocator_default.alloc(NULL, bytes, align);
}

static void budget_release(void *ud, void *ptr)
{
    ((struct budget *)ud)->held--;
    inf_allocator_default.release(NULL, ptr);
}

/* Fails the k-th allocation for every k, over loading and tokenizing. */
START_TEST(allocation_fails)
{
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text, "e\u0301 <|x|> \u2581 a", 16);
    for (int kind = 0; kind < 2; kind++) {
        struct file f;
        bpe_file(&f, "qwen2");
        if (kind) {
            spm_file(&f, true);
            add(&f, "\u2581", INF_TOKEN_USER, 0);
            add(&f, "aa", 1, 0);
        }
        bool done = false;
        for (long k = 0; !done; k++) {
            ck_assert_int_lt(k, 100);
            struct budget budget = {.left = k};
            infer_allocator a = {.ud = &budget, .alloc = budget_alloc, .release = budget_release};
            struct inf_vocab *v = NULL;
            infer_token ids[300];
            size_t count;
            infer_error err;
            infer_status status = inf_vocab_new(&a, &f.source, &v, &err);
            if (!status)
                status = inf_vocab_tokenize(v, text, sizeof text, 0, ids, 300, &count, &err);
            done = !status;
            ck_assert_msg(done || status == INFER_E_MEMORY, "%ld: %s", k, err.text);
            inf_vocab_free(v);
            ck_assert_int_eq(budget.held, 0);
        }
    }
}
END_TEST

#define LONG_BYTES (1 << 20)

static void *tokenize_long(void *ud)
{
    const struct inf_vocab *v = ud;
    static const char *const units[] = {"a",      " ",      "\n",   ".", "7",  "\u4e2d",
                                        "\u00e9", "\u0301", "\xff", "<", "a'", " \n"};
    char *text = malloc(LONG_BYTES);
    for (size_t unit = 0; unit < sizeof units / sizeof *units; unit++) {
        size_t step = strlen(units[unit]), len = LONG_BYTES / step * step, count;
        for (size_t i = 0; i < len; i++)
            text[i] = units[unit][i % step];
        infer_token *ids = malloc(len * 2 * sizeof *ids);
        char *back = malloc(len + 1);
        infer_error err;
        infer_status status = inf_vocab_tokenize(v, text, len, 0, ids, len * 2, &count, &err);
        size_t back_len = 0;
        if (!status)
            status = inf_vocab_detokenize(v, ids, count, back, len + 1, &back_len, &err);
        bool same = !status && back_len == len && !memcmp(back, text, len);
        free(ids);
        free(back);
        if (!same) {
            free(text);
            return (void *)units[unit];
        }
    }
    free(text);
    return NULL;
}

/* A MiB of one thing, with a small stack; quadratic work would run into Check's time limit. */
static void run_long(const struct inf_vocab *v)
{
    pthread_attr_t attr;
    pthread_t thread;
    void *failed;
    ck_assert_int_eq(pthread_attr_init(&attr), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, tokenize_long, (void *)v), 0);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    pthread_attr_destroy(&attr);
    ck_assert_msg(!failed, "a MiB of '%s' fails or comes back changed", (const char *)failed);
}

START_TEST(long_runs_bpe)
{
    struct file f;
    for (int i = 0; i < _i; i++) /* once for each scanner */
        if (!memcmp(inf_split_find(bytes_of(all_rules[i]))->stages,
                    inf_split_find(bytes_of(all_rules[_i]))->stages,
                    sizeof(inf_split_stage *) * INF_SPLIT_STAGES))
            return;
    if (inf_split_find(bytes_of(all_rules[_i]))->flags & INF_SPLIT_RAW)
        return;
    bpe_file(&f, all_rules[_i]);
    struct inf_vocab *v = open_file(&f);
    run_long(v);
    inf_vocab_free(v);
}
END_TEST

START_TEST(long_runs_spm)
{
    struct file f;
    spm_file(&f, true);
    static const char *const texts[] = {"a",      "aa",           "aaaa",
                                        "\u2581", "\u2581\u2581", "\u4e2d\u4e2d"};
    for (int i = 0; i < 6; i++)
        add(&f, texts[i], 1, (float)-i);
    struct inf_vocab *v = open_file(&f);
    run_long(v);
    inf_vocab_free(v);
}
END_TEST

Suite *suite_vocab(void)
{
    Suite *suite = suite_create("vocab");
    TCase *split = tcase_create("split");
    tcase_add_test(split, split_boundaries);
    tcase_add_loop_test(split, split_covers_any_bytes, 0, RULES);
    tcase_add_test(split, nfc);
    tcase_add_test(split, nfc_long_run);
    suite_add_tcase(suite, split);
    TCase *merge = tcase_create("merge");
    tcase_add_test(merge, bpe_words);
    tcase_add_test(merge, bpe_whole_pieces);
    tcase_add_test(merge, bpe_specials);
    tcase_add_test(merge, specials_leftmost_longest);
    tcase_add_test(merge, bpe_random_pieces);
    tcase_add_test(merge, bpe_nfc);
    tcase_add_test(merge, bpe_missing_byte);
    tcase_add_test(merge, spm_merges);
    tcase_add_test(merge, spm_unknown);
    tcase_add_test(merge, spm_random_pieces);
    suite_add_tcase(suite, merge);
    TCase *calls = tcase_create("calls");
    tcase_add_test(calls, range);
    tcase_add_test(calls, detokenize_prefix);
    tcase_add_test(calls, bos_and_eos);
    suite_add_tcase(suite, calls);
    TCase *hostile = tcase_create("hostile");
    tcase_add_test(hostile, unknown_names);
    tcase_add_test(hostile, special_ids_out_of_range);
    tcase_add_test(hostile, odd_tokens);
    tcase_add_test(hostile, long_tokens);
    tcase_add_test(hostile, odd_merges);
    tcase_add_test(hostile, no_types);
    tcase_add_test(hostile, ends_of_turns);
    tcase_add_test(hostile, allocation_fails);
    suite_add_tcase(suite, hostile);
    TCase *runs = tcase_create("long runs");
    tcase_set_timeout(runs, 120);
    tcase_add_loop_test(runs, long_runs_bpe, 0, RULES);
    tcase_add_test(runs, long_runs_spm);
    suite_add_tcase(suite, runs);
    return suite;
}
