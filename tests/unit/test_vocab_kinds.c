/* Vocabularies of every kind but byte-level BPE and SentencePiece BPE: cases that others made, what
 * takes long, and damaged ones. */
#include "tests/count_alloc.h"
#include "tests/unit/vocab_file.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_vocab_kinds(void);

static const struct line {
    char op;
    const char *text;
    size_t len;
    int type;
    double score;
    const char *ids;
} lines[] = {
#include "vocab_kinds.def"
};
#define LINES (sizeof lines / sizeof *lines)

static void set_flag(struct file *f, const struct line *line)
{
    struct inf_vocab_source *s = &f->source;
    if (!strcmp(line->text, "add_space_prefix"))
        s->add_space_prefix = line->type;
    else if (!strcmp(line->text, "remove_extra_whitespaces"))
        s->remove_extra_whitespaces = line->type;
    else if (!strcmp(line->text, "lowercase"))
        s->lowercase = line->type;
    else if (!strcmp(line->text, "strip_accents"))
        s->strip_accents = line->type;
    else
        ck_abort_msg("flag %s", line->text);
}

/* The vocabulary number `which`, and its first case; false behind the last. */
static bool read_vocab(struct file *f, int which, size_t *first_case)
{
    size_t i = 0;
    for (int seen = 0; i < LINES; i++)
        if (lines[i].op == 'V' && seen++ == which)
            break;
    if (i == LINES)
        return false;
    start_file(f, lines[i].text, NULL);
    f->source.merge = NULL;
    for (i++; i < LINES && lines[i].op != 'C'; i++) {
        const struct line *line = &lines[i];
        if (line->op == 'T')
            add_bytes(f, line->text, line->len, line->type, (float)line->score);
        else if (line->op == 'M')
            add_merge(f, line->text);
        else if (line->op == 'N')
            f->source.charsmap = (struct inf_bytes){line->text, line->len};
        else
            set_flag(f, line);
        if (line->op == 'T' && line->type == INF_TOKEN_UNKNOWN)
            f->source.unk = f->source.count - 1;
    }
    *first_case = i;
    return true;
}

#define VOCABS 9

START_TEST(cases)
{
    struct file f;
    size_t i;
    ck_assert(read_vocab(&f, _i, &i));
    struct inf_vocab *v = open_file(&f);
    for (; i < LINES && lines[i].op == 'C'; i++) {
        infer_token wanted[256];
        size_t count = 0;
        for (const char *p = lines[i].ids; *p; count++)
            wanted[count] = (infer_token)strtol(p, (char **)&p, 10);
        expect_ids_len(v, lines[i].text, lines[i].len, INFER_TOKENIZE_PLAIN, wanted, count);
    }
    inf_vocab_free(v);
    ck_assert(!read_vocab(&f, VOCABS, &i));
}
END_TEST

/* Pieces of more than 64 bytes take another way: a case many times over is itself that often. */
START_TEST(long_pieces)
{
    struct file f;
    size_t i;
    read_vocab(&f, _i, &i);
    struct inf_vocab *v = open_file(&f);
    for (; i < LINES && lines[i].op == 'C'; i++) {
        char text[4096];
        infer_token one[4096], many[4096];
        size_t len = 0, count, all;
        if (lines[i].len > 40)
            continue;
        for (int n = 0; n < 50; n++) {
            memcpy(text + len, lines[i].text, lines[i].len);
            len += lines[i].len;
        }
        ck_assert(!inf_vocab_tokenize(v, text, len, INFER_TOKENIZE_PLAIN, many, 4096, &all, NULL));
        /* by pieces of any cut the bytes come back; unknown text and normalising aside */
        for (size_t cut = 0; cut < len; cut += 777)
            ck_assert(!inf_vocab_tokenize(v, text + cut, len - cut, INFER_TOKENIZE_PLAIN, one, 4096,
                                          &count, NULL));
        for (size_t n = 0; n < all; n++)
            ck_assert(many[n] >= 0 && (uint32_t)many[n] < f.source.count);
    }
    inf_vocab_free(v);
}
END_TEST

static void *tokenize_long(void *ud)
{
    static const char *const texts[] = {"a",       " ",      "the", "\xff", "\u4e2d",
                                        "e\u0301", "\t",     "ing", "#",    "he",
                                        "ab",      "\u03b6", "\\",  "\n\n", "\xc3"};
    const size_t bytes = 1 << 20;
    char *text = malloc(bytes);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        size_t len = strlen(texts[t]), count;
        for (size_t i = 0; i + len <= bytes; i += len)
            memcpy(text + i, texts[t], len);
        infer_status status = inf_vocab_tokenize(ud, text, bytes / len * len, INFER_TOKENIZE_PLAIN,
                                                 NULL, 0, &count, NULL);
        if (status && status != INFER_E_RANGE)
            return (void *)(uintptr_t)texts[t];
    }
    free(text);
    return NULL;
}

/* A MiB of one thing, on a small stack. */
START_TEST(long_runs)
{
    struct file f;
    size_t i;
    pthread_attr_t attr;
    pthread_t thread;
    void *failed;
    read_vocab(&f, _i, &i);
    if (!strcmp(f.source.model.ptr, "rwkv"))
        f.source.unk = 0;
    struct inf_vocab *v = open_file(&f);
    ck_assert_int_eq(pthread_attr_init(&attr), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, tokenize_long, v), 0);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    pthread_attr_destroy(&attr);
    ck_assert_msg(!failed, "a MiB of '%s'", (const char *)failed);
    inf_vocab_free(v);
}
END_TEST

START_TEST(scores_that_are_no_numbers)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    struct file f;
    size_t i;
    for (int k = 0; k < 3; k++) {
        read_vocab(&f, 0, &i);
        f.scores[20] = odd[k];
        refuse_file(&f, INFER_E_FORMAT, "tokenizer.ggml.scores[20]");
        f.types[20] = INF_TOKEN_UNUSED;
        inf_vocab_free(open_file(&f));
        read_vocab(&f, VOCABS - 1, &i);
        f.scores[270] = odd[k]; /* never made */
        inf_vocab_free(open_file(&f));
    }
    read_vocab(&f, 0, &i);
    for (uint32_t id = 3; id < f.source.count; id++)
        f.scores[id] = id % 2 ? 3e38f : -3e38f;
    struct inf_vocab *v = open_file(&f);
    size_t count;
    ck_assert_int_eq(inf_vocab_tokenize(v, "hello the world", 15, 0, NULL, 0, &count, NULL),
                     INFER_E_RANGE);
    inf_vocab_free(v);
    f.source.score = NULL;
    refuse_file(&f, INFER_E_FORMAT, "tokenizer.ggml.scores is missing; the tokenizer 't5'");
}
END_TEST

START_TEST(damaged_charsmap)
{
    struct file f;
    size_t i, count;
    read_vocab(&f, 0, &i);
    size_t len = f.source.charsmap.len;
    char *map = malloc(len);
    const char *sound = f.source.charsmap.ptr;
    static const char text[] = "\uff21\uff22 e\u0301 \ufb01\u2460 hello\u3000\u200b\u2581";
    for (size_t cut = 0; cut < len; cut++) { /* too short in every way */
        struct inf_vocab *v = NULL;
        memcpy(map, sound, len);
        f.source.charsmap = (struct inf_bytes){map, cut};
        if (!inf_vocab_new(&inf_allocator_default, &f.source, &v, NULL))
            inf_vocab_tokenize(v, text, sizeof text - 1, 0, NULL, 0, &count, NULL);
        inf_vocab_free(v);
    }
    uint32_t random = 9;
    for (int round = 0; round < 4000; round++) {
        struct inf_vocab *v = NULL;
        memcpy(map, sound, len);
        for (int k = 0; k < 1 + round % 7; k++) {
            random = random * 1664525 + 1013904223;
            map[(random >> 8) % len] = (char)(random >> 24);
        }
        f.source.charsmap = (struct inf_bytes){map, len};
        infer_error err = {0};
        if (!inf_vocab_new(&inf_allocator_default, &f.source, &v, &err))
            inf_vocab_tokenize(v, text, sizeof text - 1, 0, NULL, 0, &count, NULL);
        else
            ck_assert_msg(strstr(err.text, "precompiled_charsmap"), "%s", err.text);
        inf_vocab_free(v);
    }
    memcpy(map, sound, len);
    map[len - 1] = 'x';
    refuse_file(&f, INFER_E_FORMAT, "no end");
    memcpy(map, sound, len);
    memset(map, 0xff, 4);
    refuse_file(&f, INFER_E_FORMAT, "4294967295 bytes in");
    uint32_t units;
    memcpy(&units, sound, 4);
    memcpy(map, sound, len);
    memset(map + units, 0xff, 4);
    refuse_file(&f, INFER_E_FORMAT, "names text 2147483647");
    free(map);
}
END_TEST

/* Long tokens, and those that begin alike: no place of a text is looked at for longer than a limit. */
START_TEST(deep_tries)
{
    static const char *const models[] = {"t5", "rwkv", "plamo2", "bert"};
    struct file f;
    char *text = malloc(1 << 20);
    memset(text, 'a', 1 << 20);
    start_file(&f, models[_i], NULL);
    f.source.unk = add(&f, "<unk>", INF_TOKEN_UNKNOWN, 0);
    add(&f, "a", 1, -5);
    for (size_t len = 2; len < 300; len++) /* many ends on the way, and none at the very end */
        add_bytes(&f, text, len, 1, -10);
    text[1 << 19] = 'b';
    add_bytes(&f, text + (1 << 19) - 255, 256, 1, -1);
    struct inf_vocab *v = open_file(&f);
    ck_assert_msg(strstr(f.warned, "never made"), "%s", f.warned);
    size_t count;
    ck_assert_int_eq(
        inf_vocab_tokenize(v, text, 1 << 20, INFER_TOKENIZE_PLAIN, NULL, 0, &count, NULL),
        INFER_E_RANGE);
    inf_vocab_free(v);
    free(text);
}
END_TEST

START_TEST(word_piece_names)
{
    struct file f;
    start_file(&f, "bert", "bert-bge"); /* as older files: nothing is named */
    add(&f, "[PAD]", INF_TOKEN_CONTROL, 0);
    infer_token unk = add(&f, "[UNK]", INF_TOKEN_NORMAL, 0), cls = add(&f, "[CLS]", 1, 0),
                sep = add(&f, "[SEP]", 1, 0),
                a = add(&f,
                        "\u2581"
                        "a",
                        1, 0),
                b = add(&f, "b", 1, 0);
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "Ab abb x", INFER_TOKENIZE_ADD_SPECIAL, cls, a, b, a, b, b, unk, sep);
    expect_ids(v, "a", INFER_TOKENIZE_ADD_BOS, cls, a);
    char text[16];
    size_t len;
    ck_assert(!inf_vocab_detokenize(v, (infer_token[]){a, b, a}, 3, text, 16, &len, NULL));
    ck_assert(len == 4 && !memcmp(text, "ab a", 4));
    inf_vocab_free(v);
    f.source.add_eos = f.source.add_bos = 0;
    v = open_file(&f);
    expect_ids(v, "a", INFER_TOKENIZE_ADD_SPECIAL, a);
    inf_vocab_free(v);
    f.tokens[unk] = (struct inf_bytes){"[unk]", 5};
    v = open_file(&f);
    infer_error err = {0};
    size_t count;
    ck_assert_int_eq(inf_vocab_tokenize(v, "x", 1, 0, NULL, 0, &count, &err), INFER_E_FORMAT);
    ck_assert_msg(strstr(err.text, "'x'"), "%s", err.text);
    inf_vocab_free(v);
}
END_TEST

START_TEST(no_vocabulary)
{
    struct file f;
    start_file(&f, "none", NULL);
    refuse_file(&f, INFER_E_UNSUPPORTED, "no vocabulary");
    start_file(&f, "rwkv", NULL);
    static const char *const odd[] = {"\\", "\\x", "\\x4", "\\xzz", "a\\", "\\\\", "", "\\x00"};
    for (int i = 0; i < 8; i++)
        add(&f, odd[i], 1, 0);
    struct inf_vocab *v = open_file(&f);
    expect_ids(v, "\\", 0, 0);
    inf_vocab_free(v);
}
END_TEST

/* Every allocation fails once: a status, and nothing is left. */
START_TEST(no_memory)
{
    struct file f;
    size_t i, got;
    read_vocab(&f, _i, &i);
    bool done = false;
    for (size_t fail = 1; !done; fail++) {
        struct count_alloc count;
        count_alloc_init(&count);
        count.fail_at = fail;
        struct inf_vocab *v = NULL;
        infer_token ids[64];
        infer_status status = inf_vocab_new(&count.a, &f.source, &v, NULL);
        if (!status) {
            status =
                inf_vocab_tokenize(v, "hello e\u0301 world \u4e2d x", 20, 0, ids, 64, &got, NULL);
            done = status != INFER_E_MEMORY;
        }
        ck_assert(done || status == INFER_E_MEMORY);
        inf_vocab_free(v);
        ck_assert_uint_eq(count.blocks, 0);
    }
}
END_TEST

Suite *suite_vocab_kinds(void)
{
    Suite *suite = suite_create("vocab_kinds");
    TCase *kinds = tcase_create("kinds");
    tcase_add_loop_test(kinds, cases, 0, VOCABS);
    tcase_add_loop_test(kinds, long_pieces, 0, VOCABS);
    tcase_add_test(kinds, word_piece_names);
    tcase_add_test(kinds, no_vocabulary);
    tcase_add_loop_test(kinds, no_memory, 0, VOCABS);
    suite_add_tcase(suite, kinds);
    TCase *hostile = tcase_create("hostile");
    tcase_set_timeout(hostile, 60);
    tcase_add_test(hostile, scores_that_are_no_numbers);
    tcase_add_test(hostile, damaged_charsmap);
    tcase_add_loop_test(hostile, deep_tries, 0, 4);
    tcase_add_loop_test(hostile, long_runs, 0, VOCABS);
    suite_add_tcase(suite, hostile);
    return suite;
}
