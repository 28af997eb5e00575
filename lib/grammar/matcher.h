/* What a grammar keeps for all of its texts. */
#ifndef INF_MATCHER_H
#define INF_MATCHER_H

#include "lib/grammar/grammar.h"
#include "lib/grammar/stacks.h"
#include "lib/grammar/token_trie.h"

#include <pthread.h>

/* What the steps of one state alone allow, whatever the stack below it: the tokens that stay within
 * its rule (and those it calls), or end just where that does; and the nodes of the trie where the rule
 * ends and tokens go on, which the stack below must judge. */
struct inf_frame {
    uint64_t *mask;      /* NULL: the tokens are `tokens` */
    infer_token *tokens; /* (token_count) */
    uint32_t *escapes;   /* (escape_count) */
    uint32_t token_count, escape_count;
};

struct inf_grammar {
    infer_allocator a;
    const struct inf_token_trie *trie;
    struct inf_automaton *m;
    uint32_t *runway;       /* (states): see inf_runway_new */
    infer_token *terminals; /* (terminal_count): special tokens that stand as themselves alone */
    size_t terminal_count;
    /* under the lock */
    pthread_mutex_t lock;
    struct inf_frame **frames; /* (states): NULL: not yet made */
    size_t frame_bytes;
    struct inf_stacks stacks; /* of the walks that make them */
};

/* A grammar of an automaton, which it owns from here on, also where it fails. terminals[count]: special
 * tokens whose bytes never stand for text. */
infer_status inf_grammar_wrap(const infer_allocator *a, const struct inf_token_trie *trie,
                              struct inf_automaton *m, const infer_token *terminals, size_t count,
                              struct inf_grammar **grammar, infer_error *err);

/* Of each state: how many plain characters (see token_trie.h) it takes for certain, whichever they
 * are; UINT32_MAX: any number. NULL: no memory. */
uint32_t *inf_runway_new(const infer_allocator *a, const struct inf_automaton *m);

/* A walk over the trie's nodes first ... end, from a set that stands before them. */
struct inf_walk {
    const struct inf_token_trie *trie;
    struct inf_stacks *stacks;
    uint64_t *mask; /* tokens are added */
    uint32_t *sets; /* (trie depth + 1): the set at each depth */
    uint32_t
        *escapes; /* nodes where the empty stack is reached and there are children; may be NULL */
    size_t escape_count, escape_capacity;
    bool note_escapes;
};

infer_status inf_walk_run(struct inf_walk *w, uint32_t first, uint32_t end, uint32_t set,
                          infer_error *err);

/* The frame of a state: kept in the grammar where there is room (then *own is false), else the
 * caller's to free. */
infer_status inf_frame_get(struct inf_grammar *g, uint32_t state, struct inf_frame **frame,
                           bool *own, infer_error *err);
void inf_frame_free(const infer_allocator *a, struct inf_frame *frame);

#endif
