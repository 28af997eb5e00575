/*
 * The tokens of a vocabulary by their bytes, as tries in preorder: a node's children follow it, and
 * `end` is the node behind all of them. So a walk that may not enter a node goes on at its end.
 *
 * There are several tries, each of a group of tokens. The tokens of the plain groups are whole
 * characters, none of them a quotation mark, a backslash or a control character: inside a JSON string
 * all of a group is allowed at once.
 */
#ifndef INF_TOKEN_TRIE_H
#define INF_TOKEN_TRIE_H

#include "lib/grammar/grammar.h"

struct inf_trie_node {
    uint32_t end;
    uint32_t token; /* its own tokens are tokens[token] up to that of the next node */
    uint32_t byte : 8;
    uint32_t depth : 24; /* 1: a root's child */
};

#define INF_TRIE_GROUPS 4

struct inf_trie_group {
    uint32_t first, end; /* nodes */
    uint32_t chars;      /* of its longest token; 0: not a plain group */
    uint64_t *mask;      /* of its tokens; plain groups alone */
};

struct inf_token_trie {
    infer_allocator a;
    uint32_t count;              /* tokens of the vocabulary */
    size_t words;                /* of a mask */
    struct inf_trie_node *nodes; /* (node_count + 1) */
    uint32_t node_count, depth;  /* depth: of the deepest node */
    infer_token *tokens;         /* those with bytes, in the order of the nodes */
    uint32_t token_count;
    struct inf_trie_group groups[INF_TRIE_GROUPS];
    uint64_t *ends;     /* mask of the tokens that end a text */
    uint64_t *specials; /* mask of those that may stand as themselves: see inf_token_terminal */
    size_t *offset;     /* (count + 1): the bytes of a token are text[offset[id]] up to the next */
    char *text;
    size_t text_bytes;
};

static inline void inf_mask_set(uint64_t *mask, infer_token id)
{
    mask[(uint32_t)id / 64] |= UINT64_C(1) << (uint32_t)id % 64;
}

static inline bool inf_mask_has(const uint64_t *mask, infer_token id)
{
    return mask[(uint32_t)id / 64] >> (uint32_t)id % 64 & 1;
}

#endif
