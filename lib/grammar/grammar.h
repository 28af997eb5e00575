/*
 * Grammars: a text (GBNF or a JSON Schema) to a machine over bytes, and from it, at each place of a
 * text, the tokens of a vocabulary that may stand next.
 *
 *     inf_token_trie   the bytes of all tokens; made once for a vocabulary
 *     inf_grammar      immutable but for a cache that it locks itself; shared by threads
 *     inf_matcher      one text that is being made; one thread at a time
 */
#ifndef INF_GRAMMAR_H
#define INF_GRAMMAR_H

#include "lib/base/base.h"

/* ---- The vocabulary: token_trie.c ------------------------------------------------------------ */

struct inf_token_trie;

/* What a trie is made from; used during the call alone. */
struct inf_token_source {
    uint32_t count; /* tokens */
    const void *ud;
    /* As infer_token_bytes. */
    infer_status (*bytes)(const void *ud, infer_token id, char *bytes, size_t capacity, size_t *len,
                          infer_error *err);
    bool (*is_text)(const void *ud, infer_token id); /* its bytes count; else it is never allowed */
    bool (*ends)(const void *ud,
                 infer_token id); /* allowed where the text may end, and there alone */
    bool (*is_special)(const void *ud,
                       infer_token id); /* has a terminal, beside its bytes; NULL: none has */
};

/* A grammar that is no text alone says where a special token must stand as itself by bytes that no text
 * has: 0xff and three of its id. Tokens of text with a byte 0xff are never allowed. */
#define INF_TERMINAL_BYTES 4

static inline void inf_token_terminal(infer_token id, char bytes[INF_TERMINAL_BYTES])
{
    uint32_t code = 0xff000000u | (uint32_t)id;
    for (int i = 0; i < INF_TERMINAL_BYTES; i++)
        bytes[i] = (char)(code >> (24 - 8 * i));
}

infer_status inf_token_trie_new(const infer_allocator *a, const struct inf_token_source *source,
                                struct inf_token_trie **trie, infer_error *err);
void inf_token_trie_free(struct inf_token_trie *trie);
size_t inf_token_trie_bytes(const struct inf_token_trie *trie); /* memory that it holds */

/* ---- Grammars: gbnf.c, schema.c, grammar_object.c ------------------------------------------------ */

struct inf_grammar;

/* The trie must outlive the grammar. INFER_E_FORMAT: with line and column, or the JSON pointer of the
 * schema; INFER_E_UNSUPPORTED: the pointer of what this build does not know; INFER_E_LIMIT. */
infer_status inf_grammar_new(const infer_allocator *a, const struct inf_token_trie *trie,
                             infer_grammar_kind kind, const char *text, size_t len,
                             struct inf_grammar **grammar, infer_error *err);
void inf_grammar_free(struct inf_grammar *grammar);
const uint64_t *inf_grammar_ends(const struct inf_grammar *grammar); /* mask; the trie's */

/* ---- Matching: matcher.c, mask.c ------------------------------------------------------------- */

struct inf_matcher;

/* The grammar must outlive the matcher. */
infer_status inf_matcher_new(struct inf_grammar *grammar, struct inf_matcher **matcher,
                             infer_error *err);
void inf_matcher_free(struct inf_matcher *matcher);

/* The tokens that may stand next, one bit a token: bit id % 64 of word id / 64; borrowed until the next
 * call. INFER_E_UNSUPPORTED where none may: no token of the vocabulary has the bytes that are needed. */
infer_status inf_matcher_mask(struct inf_matcher *matcher, const uint64_t **mask, infer_error *err);

/* A token that becomes part of the text. INFER_E_ARGUMENT where it may not stand there; the matcher is
 * then as before. */
infer_status inf_matcher_accept(struct inf_matcher *matcher, infer_token id, infer_error *err);

/* The same of bytes. */
infer_status inf_matcher_accept_bytes(struct inf_matcher *matcher, const char *bytes, size_t len,
                                      infer_error *err);

/* Whether the text may end here. */
bool inf_matcher_can_end(const struct inf_matcher *matcher);

#endif
