/*
 * Pre-tokenizers: where a text is cut into pieces before byte-level BPE merges inside them. Each is
 * one row of split.def: up to six stages, each of which cuts the pieces of the one before.
 */
#ifndef INF_VOCAB_SPLIT_H
#define INF_VOCAB_SPLIT_H

#include "lib/base/base.h"

#define INF_SPLIT_STAGES 6

enum {
    INF_SPLIT_NFC = 1,   /* the text is normalised first */
    INF_SPLIT_WHOLE = 2, /* a piece that is a token is that token, without merging */
    INF_SPLIT_BOS = 4,   /* bos is added where the file does not say */
    INF_SPLIT_RAW = 8    /* the bytes are not spelt in the byte-level alphabet */
};

/* The end of the piece that starts at s[at], at < end; a stage sees nothing outside [at, end). */
typedef size_t inf_split_stage(const unsigned char *s, size_t at, size_t end);

struct inf_split_rule {
    const char *name;
    unsigned flags;
    inf_split_stage *stages[INF_SPLIT_STAGES]; /* NULL after the last */
};

/* The rule of a name, NULL where there is none. */
const struct inf_split_rule *inf_split_find(struct inf_bytes name);

size_t inf_split_count(void); /* names */

struct inf_split {
    const struct inf_split_rule *rule;
    const unsigned char *text; /* borrowed */
    size_t len, at;
    size_t ends[INF_SPLIT_STAGES];
};

/* Text need not be UTF-8: a broken byte counts as a symbol by itself. */
void inf_split_start(struct inf_split *split, const struct inf_split_rule *rule, const char *text,
                     size_t len);

/* The length of the next piece, 0 at the end. Pieces follow each other and cover the text. */
size_t inf_split_next(struct inf_split *split);

#endif
