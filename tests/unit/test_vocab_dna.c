/* hybriddna: bases between tags beside byte-level BPE, with all 4096 tokens of bases. The cases are by
 * the rule of the models' own tokenizer, written in Python over a fast tokenizer of this vocabulary. */
#include "lib/base/span.h"
#include "tests/count_alloc.h"
#include "tests/unit/vocab_file.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_vocab_dna(void);

#define KMERS 4096

static const struct {
    const char *text, *ids;
} cases[] = {
    {"", ""},
    {"hello ACG CCCCCC", "264 32 260 32 258"},
    {"<dna>", "269"},
    {"</dna>", "270"},
    {"<dna></dna>", "269 270"},
    {"<dna>ACGTAC</dna>", "269 994 270"},
    {"<dna>ACGTACCCCCCC</dna>CCCCCC", "269 994 3002 270 258"},
    {"<dna>acgtACG", "269 994 3344"},
    {"<dna>ACGTNACCCCCCGG</dna>", "269 271 3002 4112 270"},
    {"hello <dna> ACGTACG\n</dna> hello", "264 32 269 994 3344 270 265"},
    {"a<dna>A</dna>b<dna>GGGGGGT</dna>", "97 269 272 270 98 269 4367 1296 270"},
    {"ACGTAC</dna>CCCCCC", "994 270 258"},
    {"hello</dna> hello<dna>T", "271 270 265 269 1296"},
    {"<dna>ACG<dna>ACG</dna>x</dna>", "269 271 271 270 271 270"},
    {"<dna>ACG<|im_end|>TTTTT</dna><|im_end|>", "269 271 271 271 270 268"},
    {"<|im_end|>ACG<dna>T<|im_end|>", "268 260 269 271 271"},
    {"<dna>\xc3\xa9\xe4\xb8\xad"
     "ACGTAAAAAA",
     "269 271 272"},
    {"<dna>\xe3\x80\x80TTTTTT\x1c\xc2\xa0</dna>", "269 1637 270"},
    {"<dna>ACG TAC", "269 271 2320"},
    {"\xc3\xa9 e\xcc\x81<dna>GAT</dna>'s 12", "195 169 32 195 169 269 3408 270 39 115 32 49 50"},
    {"<oov><dna>NNNNNNN", "60 111 111 118 62 269 271 271"},
    {"<DNA>ACGTAC</DNA>", "60 68 78 65 62 260 84 259 60 47 68 78 65 62"},
    {"< dna>TAGTAG", "60 32 100 110 97 62 84 65 267 65 71"},
    {"<dna>TAGTAGNTAGTA", "269 1507 271"},
    {"<dna>GATTACAGATTACAGATTACAGATTACAGATTACAGATTACAGATTACAGATTACAGATTACAGATTACAGATTACAGATTACA</"
     "dna>CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC",
     "269 3426 1060 2517 833 1436 1587 600 3426 1060 2517 833 1436 1587 600 270 257 257 257 257 "
     "257 257 257 257 257 257 257 257 257 257 257 257 258"},
};
#define CASES (sizeof cases / sizeof *cases)

enum { CONTROL = 268, BEGIN, CLOSE, OOV, FIRST };

/* As the converter writes it: the tags are ordinary tokens, bases are named in the order ATCG. */
static void dna_file(struct file *f)
{
    static const char *const merges[][2] = {
        {"C C", "CC"},       {"CC CC", "CCCC"},     {"CCCC CC", "CCCCCC"}, {"A C", "AC"},
        {"AC G", "ACG"},     {"h e", "he"},         {"he l", "hel"},       {"l o", "lo"},
        {"hel lo", "hello"}, {"Ġ hello", "Ġhello"}, {"Ġ A", "ĠA"},         {"G T", "GT"},
    };
    static char texts[KMERS][9];
    start_file(f, "hybriddna", "qwen2");
    add_alphabet(f);
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        add(f, merges[i][1], INF_TOKEN_NORMAL, 0);
        add_merge(f, merges[i][0]);
    }
    add(f, "<|im_end|>", INF_TOKEN_CONTROL, 0);
    add(f, "<dna>", INF_TOKEN_NORMAL, 0);
    add(f, "</dna>", INF_TOKEN_NORMAL, 0);
    add(f, "<oov>", INF_TOKEN_NORMAL, 0);
    for (unsigned n = 0; n < KMERS; n++) {
        for (unsigned i = 0; i < 6; i++)
            texts[n][i] = "ATCG"[n >> (10 - 2 * i) & 3];
        memcpy(texts[n] + 6, "\ue000", 3);
        add_bytes(f, texts[n], 9, INF_TOKEN_NORMAL, 0);
    }
    add(f, "<unused_0>", INF_TOKEN_NORMAL, 0);
}

static struct file file;

START_TEST(by_the_rule)
{
    dna_file(&file);
    struct inf_vocab *v = open_file(&file);
    for (size_t i = 0; i < CASES; i++) {
        infer_token wanted[256];
        size_t count = 0;
        for (const char *p = cases[i].ids; *p; count++)
            wanted[count] = (infer_token)strtol(p, (char **)&p, 10);
        expect_ids_len(v, cases[i].text, strlen(cases[i].text), 0, wanted, count);
    }
    inf_vocab_free(v);
}
END_TEST

START_TEST(bytes_come_back)
{
    dna_file(&file);
    struct inf_vocab *v = open_file(&file);
    char text[64];
    size_t len;
    const infer_token ids[] = {265, BEGIN, FIRST, FIRST + 1, OOV, CLOSE, 258};
    static const char wanted[] = " hello<dna>AAAAAAAAAAAT<oov></dna>CCCCCC";
    ck_assert(!inf_vocab_detokenize(v, ids, 7, text, sizeof text, &len, NULL));
    ck_assert_uint_eq(len, sizeof wanted - 1);
    ck_assert_mem_eq(text, wanted, len);
    ck_assert_int_eq(inf_vocab_kind(v, FIRST), INFER_KIND_NORMAL);
    inf_vocab_free(v);
}
END_TEST

/* A vocabulary without the tags is BPE alone; a missing token of bases is <oov>. */
START_TEST(lacking_tokens)
{
    dna_file(&file);
    file.types[FIRST] = INF_TOKEN_CONTROL;
    struct inf_vocab *v = open_file(&file);
    expect_ids(v, "<dna>AAAAAAAAAAAT", 0, BEGIN, OOV, FIRST + 1);
    inf_vocab_free(v);
    file.tokens[OOV] = (struct inf_bytes){"<no>", 4};
    v = open_file(&file);
    ck_assert_ptr_nonnull(strstr(file.warned, "<oov>"));
    expect_ids(v, "CCCCCC<dna>", 0, 258, '<', 'd', 'n', 'a', '>');
    inf_vocab_free(v);
}
END_TEST

/* In a prompt the tags count where the template writes them, not in what a user says; one that goes
 * on behind bases goes on with bases. */
START_TEST(spans)
{
    const struct inf_span prompt[] = {{"<dna>", 5, true},
                                      {"</dna>AAAAAAA", 13, false},
                                      {"</dna>", 6, true},
                                      {"d<dna>", 6, false}};
    const infer_token wanted[] = {BEGIN, OOV, FIRST, FIRST, CLOSE, 'd', '<', 'd', 'n', 'a', '>'};
    infer_token ids[64];
    size_t count;
    dna_file(&file);
    struct inf_vocab *v = open_file(&file);
    ck_assert(!inf_vocab_encode_spans(v, prompt, 4, NULL, ids, 64, &count, NULL));
    ck_assert_uint_eq(count, sizeof wanted / sizeof *wanted);
    ck_assert_mem_eq(ids, wanted, sizeof wanted);
    struct inf_spanned *s;
    ck_assert(!inf_spanned_new(v, prompt, 3, NULL, &s, NULL));
    for (size_t from = 5, i = 0; i < 4; i++, from += i == 3 ? 1 : 6) {
        ck_assert(!inf_spanned_encode(s, from, 24, wanted[i], ids, 64, &count, NULL));
        ck_assert_uint_eq(count, 4 - i);
        ck_assert_mem_eq(ids, wanted + i + 1, count * sizeof *ids);
    }
    inf_spanned_free(s);
    inf_vocab_free(v);
}
END_TEST

START_TEST(no_memory)
{
    dna_file(&file);
    infer_status status = INFER_E_MEMORY;
    for (size_t fail = 1; status == INFER_E_MEMORY; fail++) {
        struct count_alloc count;
        struct inf_vocab *v = NULL;
        infer_token ids[64];
        size_t got;
        count_alloc_init(&count);
        count.fail_at = fail;
        status = inf_vocab_new(&count.a, &file.source, &v, NULL);
        if (!status)
            status = inf_vocab_tokenize(v, "hello<dna>ACG", 13, 0, ids, 64, &got, NULL);
        inf_vocab_free(v);
        ck_assert_uint_eq(count.blocks, 0);
    }
    ck_assert_int_eq(status, INFER_OK);
}
END_TEST

/* A MiB of tags and bases takes linear time. */
START_TEST(long_texts)
{
    static const char *const texts[] = {"<dna>", "</dna>", "<dna>A</dna>", "G", "<dna>\xff", "\t"};
    const size_t bytes = 1 << 20;
    char *text = malloc(bytes);
    infer_token *ids = malloc(bytes * sizeof *ids);
    dna_file(&file);
    struct inf_vocab *v = open_file(&file);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        size_t len = strlen(texts[t]), count;
        for (size_t i = 0; i < bytes; i++)
            text[i] = texts[t][i % len];
        ck_assert(!inf_vocab_tokenize(v, text, bytes, 0, ids, bytes, &count, NULL));
    }
    inf_vocab_free(v);
    free(ids);
    free(text);
}
END_TEST

Suite *suite_vocab_dna(void)
{
    Suite *suite = suite_create("vocab_dna");
    TCase *dna = tcase_create("dna");
    tcase_set_timeout(dna, 60);
    tcase_add_test(dna, by_the_rule);
    tcase_add_test(dna, bytes_come_back);
    tcase_add_test(dna, lacking_tokens);
    tcase_add_test(dna, spans);
    tcase_add_test(dna, no_memory);
    tcase_add_test(dna, long_texts);
    suite_add_tcase(suite, dna);
    return suite;
}
