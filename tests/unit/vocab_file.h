/* Small vocabularies made in code, for the tests of the tokenizers. */
#ifndef TESTS_VOCAB_FILE_H
#define TESTS_VOCAB_FILE_H

#include "lib/vocab/vocab_data.h"

#define TOKENS_MAX 4400

struct file {
    struct inf_bytes tokens[TOKENS_MAX];
    float scores[TOKENS_MAX];
    int32_t types[TOKENS_MAX];
    char own[TOKENS_MAX][8];
    const char *merges[64];
    char warned[512];
    struct inf_vocab_source source;
};

void start_file(struct file *f, const char *model, const char *pre);
infer_token add_bytes(struct file *f, const char *text, size_t len, int type, float score);
infer_token add(struct file *f, const char *text, int type, float score);

void add_merge(struct file *f, const char *merge);

/* GPT-2's alphabet, in the order of the bytes: id is the byte. */
void add_alphabet(struct file *f);

/* A byte-level vocabulary: the alphabet, what the merges make, five more. */
#define BPE_MERGES 18
extern const char *const bpe_merges[BPE_MERGES];
enum { BPE_FIRST = 256, BPE_CONTROL = BPE_FIRST + BPE_MERGES };
void bpe_file(struct file *f, const char *pre);

/* <unk>, <s>, </s> and, where asked for, the bytes. */
#define SPM_BYTES 3 /* the id of <0x00> */
void spm_file(struct file *f, bool bytes);

struct inf_vocab *open_file(struct file *f);
void refuse_file(struct file *f, infer_status wanted, const char *part);

/* Tokenizes and compares with `count` ids. */
void expect_ids_len(const struct inf_vocab *v, const char *text, size_t len, unsigned flags,
                    const infer_token *wanted, size_t count);

#define expect_ids(v, text, flags, ...)                                                            \
    expect_ids_len(v, text, strlen(text), flags, (infer_token[]){__VA_ARGS__},                     \
                   sizeof((infer_token[]){__VA_ARGS__}) / sizeof(infer_token))

#endif
