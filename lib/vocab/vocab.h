/*
 * Tokenizers: text to ids and back. A vocabulary is made once from callbacks that read the file, is
 * immutable afterwards and may be used by any number of threads.
 */
#ifndef INF_VOCAB_H
#define INF_VOCAB_H

#include "lib/base/base.h"

struct inf_vocab;
struct inf_span; /* lib/base/span.h */

/* What a tokenizer is made from. The callbacks are used during inf_vocab_new and, token() alone, by
 * inf_vocab_find; the bytes that token() gives are borrowed for the life of the vocabulary. */
struct inf_vocab_source {
    struct inf_bytes model; /* tokenizer.ggml.model */
    struct inf_bytes pre;   /* tokenizer.ggml.pre; ptr NULL when absent */
    uint32_t count;         /* tokens */
    const void *ud;
    struct inf_bytes (*token)(const void *ud, uint32_t id);
    float (*score)(const void *ud, uint32_t id);  /* NULL: the file has none */
    int32_t (*type)(const void *ud, uint32_t id); /* NULL: the file has none; 1 normal 2 unknown 3
                                                     control 4 user-defined 5 unused 6 byte */
    struct inf_bytes (*merge)(const void *ud, uint32_t index);
    uint32_t merge_count;
    struct inf_bytes charsmap; /* tokenizer.ggml.precompiled_charsmap, borrowed as the texts are */
    /* -1: none; out of range: warned of, and none */
    int64_t bos, eos, eot, eom, unk, sep, pad, cls, mask;
    /* -1: the file does not say */
    int add_bos, add_eos, add_space_prefix, remove_extra_whitespaces, lowercase, strip_accents;
    void (*warn)(void *warn_ud, const char *text);
    void *warn_ud; /* warn may be NULL */
};

/* INFER_E_UNSUPPORTED for an unknown model or pre-tokenizer (the text lists the known ones),
 * INFER_E_FORMAT and INFER_E_LIMIT name the token or merge that breaks a rule. */
infer_status inf_vocab_new(const infer_allocator *a, const struct inf_vocab_source *source,
                           struct inf_vocab **vocab, infer_error *err);
void inf_vocab_free(struct inf_vocab *vocab);

/* As infer_tokenize: text that fails to fit into ids[capacity] is INFER_E_RANGE, *count the need.
 * A byte that the vocabulary has no token for, and no unknown token either, is INFER_E_FORMAT. */
infer_status inf_vocab_tokenize(const struct inf_vocab *v, const char *text, size_t len,
                                unsigned flags, infer_token *ids, size_t capacity, size_t *count,
                                infer_error *err);

/* The ids of a rendered prompt, bos first where the file asks for it and the prompt does not begin
 * with it. The spans are one text: their borders cut nothing but what follows.
 * - A special token counts where it stands wholly inside one literal span.
 * - Elsewhere no control token counts, and of the user-defined ones none that looks like markup
 *   (<...> and [...], but for the elements of HTML), that the file names (as bos and the like), that
 *   stands in a literal span of this prompt, or whose bit is set in used. White space always counts.
 * used: one bit a token id (id & 7 of byte id / 8), from inf_vocab_mark_used; NULL: none. Errors are
 * those of inf_vocab_tokenize. */
infer_status inf_vocab_encode_spans(const struct inf_vocab *v, const struct inf_span *spans,
                                    size_t span_count, const uint8_t *used, infer_token *ids,
                                    size_t capacity, size_t *count, infer_error *err);

/* The same in parts, for prompts that go on from tokens that are there: the text of the spans, U+2581 as
 * blanks where it stands for them, and what may count in it as above. */
struct inf_spanned;
infer_status inf_spanned_new(const struct inf_vocab *v, const struct inf_span *spans, size_t count,
                             const uint8_t *used, struct inf_spanned **spanned, infer_error *err);
void inf_spanned_free(struct inf_spanned *spanned);
struct inf_bytes inf_spanned_text(const struct inf_spanned *spanned);

/* The ids of its bytes from ... to, as a text of its own behind the token `before`; -1: the start of the
 * prompt, with bos as above. */
infer_status inf_spanned_encode(struct inf_spanned *spanned, size_t from, size_t to,
                                infer_token before, infer_token *ids, size_t capacity,
                                size_t *count, infer_error *err);

/* How many of ids[count], which a model made, stand at byte `at`, behind each other; *end is where they
 * end. Special tokens stand only where the spans have them, and what the spans have as a special token
 * that no content may become is spelled by no others. `from`, not above `at`: where the part that is
 * tokenised before them begins. */
size_t inf_spanned_same(struct inf_spanned *spanned, size_t from, size_t at, const infer_token *ids,
                        size_t count, size_t *end);

/* Sets the bits of the special tokens that stand in a text (the source of a template); used has
 * (inf_vocab_count() + 7) / 8 bytes, which the caller has cleared. */
infer_status inf_vocab_mark_used(const struct inf_vocab *v, const char *text, size_t len,
                                 uint8_t *used, infer_error *err);

uint32_t inf_vocab_count(const struct inf_vocab *v); /* tokens */

/* As infer_detokenize. Where blanks get a prefix, one blank at the very start is left out. */
infer_status inf_vocab_detokenize(const struct inf_vocab *v, const infer_token *ids, size_t count,
                                  char *text, size_t capacity, size_t *len, infer_error *err);

/* The bytes of one token; no blank is left out. */
infer_status inf_vocab_token_bytes(const struct inf_vocab *v, infer_token id, char *bytes,
                                   size_t capacity, size_t *len, infer_error *err);

infer_token inf_vocab_special(const struct inf_vocab *v, infer_special which); /* -1: none */

/* Whether a token ends a turn: eos, eot, eom, and control tokens known to mean it by their text. */
bool inf_vocab_ends(const struct inf_vocab *v, infer_token id);

/* INFER_KIND_NONE where there is no such token. */
infer_kind inf_vocab_kind(const struct inf_vocab *v, infer_token id);

/* The lowest id whose stored text (as in the file) is this; -1: none. Looks at every token. */
infer_token inf_vocab_find(const struct inf_vocab *v, const char *text, size_t len);

size_t inf_vocab_bytes(const struct inf_vocab *v); /* memory that it holds */

#endif
