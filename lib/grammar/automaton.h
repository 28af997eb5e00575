/*
 * The machine: a DFA over bytes for each rule, joined by calls. A state steps by a byte, or calls a
 * rule and goes on in another state once that is done; it may end its rule. Nothing in it is a dead
 * end: from each state that can be reached some text leads to the end of the grammar.
 */
#ifndef INF_AUTOMATON_H
#define INF_AUTOMATON_H

#include "lib/grammar/draft.h"

struct inf_edge {
    unsigned char low, high; /* bytes */
    uint32_t to;
};

struct inf_call {
    uint32_t rule; /* of an automaton: the first state of that rule */
    uint32_t to;
};

/* Its edges are edges[edge] up to that of the next state, in the order of their bytes; the calls
 * alike. The last state of an array is a sentinel. */
struct inf_state {
    uint32_t edge, call;
    bool ends;  /* the rule may end here */
    bool alive; /* the end can be reached; of an automaton */
};

/* State 0 is the start, and nothing leads back to it. */
struct inf_dfa {
    struct inf_state *states; /* (state_count + 1) */
    struct inf_edge *edges;
    struct inf_call *calls;
    uint32_t state_count, edge_count, call_count;
};

/* A budget that all of a grammar's making is paid from. */
struct inf_budget {
    uint64_t work;
    uint32_t states;
};

/* The DFA of an expression, in the draft's arena. `nullable` (by rule; NULL where nothing is called)
 * tells which rules may be empty. INFER_E_LIMIT where it is too large. */
infer_status inf_dfa_of(struct inf_draft *d, const struct inf_expr *expr, const bool *nullable,
                        struct inf_budget *budget, const struct inf_dfa **dfa, infer_error *err);

/* What is in both, or (minus) in the first alone; of DFAs without calls. */
infer_status inf_dfa_product(struct inf_draft *d, const struct inf_dfa *a, const struct inf_dfa *b,
                             bool minus, struct inf_budget *budget, const struct inf_dfa **dfa,
                             infer_error *err);

/* Whether a DFA without calls takes the text. */
bool inf_dfa_takes(const struct inf_dfa *dfa, const char *text, size_t len);

struct inf_automaton {
    infer_allocator a;
    struct inf_state *states; /* (state_count + 1) */
    struct inf_edge *edges;
    struct inf_call *calls;
    uint32_t state_count;
    uint32_t root;               /* first state of the root rule */
    bool root_empty;             /* the empty text is in the grammar */
    unsigned char class_of[256]; /* bytes that no state tells apart */
    uint32_t class_count;
    unsigned char byte_of[256]; /* (class_count): one byte of each class */
    /* for errors: which rule a state is of */
    uint32_t *rule_first; /* (rule_count): its first state */
    struct inf_bytes *rule_names;
    uint32_t rule_count;
    char *texts;
};

/* Compiles rule `root` of a draft and what it uses. INFER_E_FORMAT: a rule that is left-recursive, or
 * no text fits. */
infer_status inf_automaton_new(struct inf_draft *d, uint32_t root, struct inf_budget *budget,
                               struct inf_automaton **automaton, infer_error *err);
void inf_automaton_free(struct inf_automaton *automaton);

/* The name of the rule of a state. */
struct inf_bytes inf_automaton_rule(const struct inf_automaton *m, uint32_t state);

/* Whether nothing but the end can follow. */
static inline bool inf_state_is_tail(const struct inf_state *s)
{
    return s->ends && s[0].edge == s[1].edge && s[0].call == s[1].call;
}

#endif
