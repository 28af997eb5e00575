/* Tiny models that can chat: special tokens of a conversation in their vocabulary, and a template. */
#ifndef INF_TEST_TALKER_H
#define INF_TEST_TALKER_H

#include "tests/tiny/models.h"

enum {
    TALKER_FIRST = 290,
    TALKER_START = TALKER_FIRST,
    TALKER_END, /* ends a turn: the file's eos */
    TALKER_THINK,
    TALKER_THINK_END,
    TALKER_TOOL, /* user-defined, the others are control tokens */
    TALKER_HEAD,
    TALKER_SPECIALS_END
};

/* "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool>", "<|message|>" */
const char *tiny_talker_special(int id);

/* Puts the special tokens in the place of others in a file of MK_VOCAB tokens, and the template. */
void tiny_make_talker(struct mk_file *file, const char *text);

/* The file of a kind that talks; its vocabulary is byte-level BPE, or SentencePiece's. */
struct mk_bytes tiny_talker(const struct tiny_kind *kind, bool spm, const char *text);

#endif
