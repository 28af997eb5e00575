/*
 * How long a grammar's mask takes: grammar_masks MODEL.gguf SCHEMA.json DOCUMENTS.jsonl
 *
 * Each document is tokenised and followed token by token: a mask at each place, in which the next token
 * must be, then the token. The first pass has nothing kept from before; the later ones are new texts under
 * the same grammar. The model's vocabulary is all that is read of it.
 */
#include "lib/base/json.h"
#include "lib/grammar/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSES 3
#define TIMES_MAX (1 << 20)

static infer_error err;

static void must(infer_status status)
{
    if (status) {
        fprintf(stderr, "grammar_masks: %s\n", err.text);
        exit(1);
    }
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *in = fopen(path, "rb");
    char *text = malloc(1 << 24);
    if (!in || !text) {
        fprintf(stderr, "grammar_masks: %s cannot be read\n", path);
        exit(1);
    }
    *len = fread(text, 1, 1 << 24, in);
    fclose(in);
    return text;
}

static infer_status bytes_of(const void *model, infer_token id, char *bytes, size_t capacity,
                             size_t *len, infer_error *e)
{
    return infer_token_bytes(model, id, bytes, capacity, len, e);
}

static bool is_text(const void *model, infer_token id)
{
    infer_kind kind = infer_token_kind(model, id);
    return kind == INFER_KIND_NORMAL || kind == INFER_KIND_USER_DEFINED || kind == INFER_KIND_BYTE;
}

static bool ends(const void *model, infer_token id)
{
    return infer_token_ends(model, id);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, double *times, size_t count)
{
    double sum = 0;
    qsort(times, count, sizeof *times, by_size);
    for (size_t i = 0; i < count; i++)
        sum += times[i];
    printf("%s: %zu masks, median %.2f us, mean %.2f, 90 %% %.2f, 99 %% %.1f, most %.0f\n", name,
           count, times[count / 2], sum / (double)count, times[count * 9 / 10],
           times[count * 99 / 100], times[count - 1]);
}

/* One document; adds the time of each mask. */
static size_t follow(const infer_model *model, struct inf_grammar *g, const char *text, size_t len,
                     double *times)
{
    static infer_token ids[1 << 16];
    struct inf_matcher *m;
    const uint64_t *mask;
    size_t count;
    must(infer_tokenize(model, text, len, INFER_TOKENIZE_PLAIN, ids, 1 << 16, &count, &err));
    must(inf_matcher_new(g, &m, &err));
    for (size_t i = 0; i < count; i++) {
        double start = now_us();
        must(inf_matcher_mask(m, &mask, &err));
        times[i] = now_us() - start;
        must(inf_matcher_accept(m, ids[i], &err));
        if (!(mask[ids[i] / 64] >> ids[i] % 64 & 1)) {
            fprintf(stderr, "grammar_masks: token %d is taken, but not in the mask\n", (int)ids[i]);
            exit(1);
        }
    }
    if (!inf_matcher_can_end(m)) {
        fprintf(stderr, "grammar_masks: a document does not end the grammar\n");
        exit(1);
    }
    inf_matcher_free(m);
    return count;
}

int main(int argc, char **argv)
{
    static double times[TIMES_MAX];
    infer_model *model;
    struct inf_token_trie *trie;
    struct inf_grammar *g;
    infer_model_info info;
    size_t schema_len, text_len;
    if (argc != 4) {
        fprintf(stderr, "usage: grammar_masks MODEL.gguf SCHEMA.json DOCUMENTS.jsonl\n");
        return 2;
    }
    char *schema = read_file(argv[2], &schema_len), *text = read_file(argv[3], &text_len);
    must(infer_model_open(argv[1], NULL, &model, &err));
    infer_model_get_info(model, &info);
    struct inf_token_source source = {
        .count = info.vocab_size, .ud = model, .bytes = bytes_of, .is_text = is_text, .ends = ends};
    infer_token_special(model, INFER_SPECIAL_BOS); /* makes the tokenizer, which is not measured */
    double start = now_us();
    must(inf_token_trie_new(&inf_allocator_default, &source, &trie, &err));
    printf("trie of %u tokens: %.1f ms, %zu bytes\n", info.vocab_size, (now_us() - start) * 1e-3,
           inf_token_trie_bytes(trie));
    start = now_us();
    must(inf_grammar_new(&inf_allocator_default, trie, INFER_GRAMMAR_JSON_SCHEMA, schema,
                         schema_len, &g, &err));
    printf("grammar: %.1f ms\n", (now_us() - start) * 1e-3);
    for (int pass = 0; pass < PASSES; pass++) {
        size_t count = 0;
        for (char *line = text, *end = text + text_len, *next; line < end; line = next + 1) {
            next = memchr(line, '\n', (size_t)(end - line));
            next = next ? next : end;
            if (next > line)
                count += follow(model, g, line, (size_t)(next - line), times + count);
            if (pass == 0) {
                report("first text, nothing kept", times, count);
                break;
            }
        }
        if (pass > 0)
            report("all texts, grammar kept", times, count);
    }
    inf_grammar_free(g);
    inf_token_trie_free(trie);
    infer_model_free(model);
    free(schema);
    free(text);
    return 0;
}
