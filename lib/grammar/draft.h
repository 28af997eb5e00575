/*
 * A grammar while it is made: named rules, each an expression. GBNF and JSON Schema are both written
 * into a draft, which inf_automaton_new turns into one machine over bytes.
 */
#ifndef INF_DRAFT_H
#define INF_DRAFT_H

#include "lib/base/base.h"

struct inf_dfa;

/* Makes room for `count` items in an array and its capacity; false: there is no memory. */
#define INF_GROW(a, items, capacity, count)                                                        \
    __extension__({                                                                                \
        void *grown_ = (items);                                                                    \
        bool fits_ = inf_grow(a, &grown_, &(capacity), count, sizeof *(items));                    \
        (items) = grown_;                                                                          \
        fits_;                                                                                     \
    })

enum inf_expr_kind {
    INF_EXPR_EMPTY,  /* the empty text */
    INF_EXPR_NEVER,  /* no text at all */
    INF_EXPR_BYTES,  /* these bytes */
    INF_EXPR_CLASS,  /* one character of these ranges, in UTF-8 */
    INF_EXPR_SEQ,    /* all, one behind the other */
    INF_EXPR_ALT,    /* one of them */
    INF_EXPR_REPEAT, /* min to max times (INF_ENDLESS: no upper end) */
    INF_EXPR_GRAPH,  /* every way through a graph whose edges are expressions */
    INF_EXPR_CALL,   /* a rule */
    INF_EXPR_DFA     /* a regular language */
};

#define INF_ENDLESS UINT32_MAX

struct inf_range {
    uint32_t low, high; /* code points, both in it */
};

struct inf_expr {
    enum inf_expr_kind kind;
    uint32_t count; /* of bytes, ranges or items */
    union {
        const char *bytes;
        const struct inf_range *ranges; /* in order, apart from each other */
        const struct inf_expr *const *items;
        struct {
            const struct inf_expr *item;
            uint32_t min, max;
        } repeat;
        struct inf_graph *graph;
        uint32_t rule;
        const struct inf_dfa *dfa;
    } as;
};

/* States 0 (the start), 1 (the end) and more. */
struct inf_graph {
    struct inf_draft *d;
    struct inf_graph_edge *edges;
    size_t edge_count, edge_capacity;
    uint32_t state_count;
    bool may_be_empty; /* said by who makes it */
};

struct inf_graph_edge {
    uint32_t from, to;
    const struct inf_expr *expr; /* NULL: nothing needs to stand there */
};

struct inf_rule {
    struct inf_bytes name;
    const struct inf_expr *body; /* NULL: not yet defined */
    bool leaf; /* may be copied into the rules that use it: it is small and uses none */
};

/* Numbers by keys of bytes, for names and the like. */
struct inf_keys {
    struct inf_key *items;
    size_t count, capacity;
    uint32_t *table; /* item numbers + 1 */
    size_t table_size;
};

struct inf_draft {
    const infer_allocator *a;
    struct inf_arena arena; /* of all expressions, names and DFAs */
    struct inf_rule *rules;
    size_t rule_count, rule_capacity;
    struct inf_keys keys; /* of rules, where they are looked for */
    bool failed;          /* out of memory: checked once, at the end */
};

void inf_draft_init(struct inf_draft *d, const infer_allocator *a);
void inf_draft_free(struct inf_draft *d);

/* A new rule without a body; the name is borrowed. */
uint32_t inf_draft_rule(struct inf_draft *d, struct inf_bytes name);

/* The number that a key was given first, `value` where it is new (then *added); the key is borrowed. */
uint32_t inf_draft_key(struct inf_draft *d, struct inf_bytes key, uint32_t value, bool *added);

/* Expressions. NULL (of an expression that failed) gives NULL, and d->failed is then set. */
const struct inf_expr *inf_expr_empty(struct inf_draft *d);
const struct inf_expr *inf_expr_never(struct inf_draft *d);
const struct inf_expr *inf_expr_bytes(struct inf_draft *d, const char *bytes, size_t len);
const struct inf_expr *inf_expr_text(struct inf_draft *d, const char *text);
const struct inf_expr *inf_expr_call(struct inf_draft *d, uint32_t rule);
const struct inf_expr *inf_expr_dfa(struct inf_draft *d, const struct inf_dfa *dfa);
const struct inf_expr *inf_expr_repeat(struct inf_draft *d, const struct inf_expr *item,
                                       uint32_t min, uint32_t max);
/* Copies the ranges, sorts and joins them; surrogates drop out. `negated`: all other characters. */
const struct inf_expr *inf_expr_class(struct inf_draft *d, const struct inf_range *ranges,
                                      size_t count, bool negated);
/* Copies the array. */
const struct inf_expr *inf_expr_list(struct inf_draft *d, enum inf_expr_kind kind,
                                     const struct inf_expr *const *items, size_t count);

#define INF_LIST(d, kind, ...)                                                                     \
    inf_expr_list(d, kind, (const struct inf_expr *const[]){__VA_ARGS__},                          \
                  sizeof((const struct inf_expr *const[]){__VA_ARGS__}) / sizeof(void *))
#define INF_SEQ(d, ...) INF_LIST(d, INF_EXPR_SEQ, __VA_ARGS__)
#define INF_ALT(d, ...) INF_LIST(d, INF_EXPR_ALT, __VA_ARGS__)

/* A graph, in the draft; its states; an edge, where `expr` must not have failed; the whole. */
struct inf_graph *inf_graph_new(struct inf_draft *d);
uint32_t inf_graph_state(struct inf_graph *g);
void inf_graph_edge(struct inf_graph *g, uint32_t from, uint32_t to, const struct inf_expr *expr);
void inf_graph_jump(struct inf_graph *g, uint32_t from, uint32_t to);
const struct inf_expr *inf_expr_graph(struct inf_graph *g);

/* A growing list of expressions, for a parser. */
struct inf_expr_items {
    const struct inf_expr **items;
    size_t count, capacity;
};

void inf_items_add(struct inf_draft *d, struct inf_expr_items *list, const struct inf_expr *expr);
/* The list as an expression; frees it. */
const struct inf_expr *inf_items_take(struct inf_draft *d, struct inf_expr_items *list,
                                      enum inf_expr_kind kind);

#endif
