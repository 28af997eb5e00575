/*
 * Where a machine can be. A stack is a node: its top state, and the node of the stack below, where the
 * machine goes on once the rule of that state is done. Node 0 is the empty stack: the end. Equal stacks
 * are one node, and what a text can be read as is a set of nodes; equal sets are one number. So a place
 * in a text is a number, and a step from it by a byte is a look into a table.
 */
#ifndef INF_STACKS_H
#define INF_STACKS_H

#include "lib/grammar/automaton.h"

#define INF_SET_DEAD 0u /* no stack at all */
#define INF_SET_UNKNOWN UINT32_MAX

struct inf_stack {
    uint32_t state, below, depth;
};

struct inf_stack_set {
    uint32_t first, count; /* in `members`: nodes whose state steps by a byte */
    bool ends;             /* the empty stack is in it too */
};

struct inf_stacks {
    const infer_allocator *a;
    const struct inf_automaton *m;
    struct inf_stack *nodes;
    size_t node_count, node_capacity;
    uint32_t *node_table; /* node numbers; 0: free */
    size_t node_table_size;
    struct inf_stack_set *sets;
    size_t set_count, set_capacity;
    uint32_t *set_table; /* set numbers; 0: free */
    size_t set_table_size;
    uint32_t *members;
    size_t member_count, member_capacity;
    uint32_t
        *steps; /* (sets, classes): the set behind a byte, INF_SET_UNKNOWN where not yet known */
    size_t step_capacity;
    uint32_t *seen; /* (node_capacity): marks of the set being made */
    size_t seen_capacity;
    uint32_t mark;
    uint32_t *todo;
    size_t todo_count, todo_capacity;
};

void inf_stacks_init(struct inf_stacks *s, const infer_allocator *a, const struct inf_automaton *m);
void inf_stacks_free(struct inf_stacks *s);

/* The stack of a state on another; the set of one stack and all that it stands for at once (calls
 * made, rules ended); the set of a state's own steps alone. */
infer_status inf_stacks_node(struct inf_stacks *s, uint32_t state, uint32_t below, uint32_t *node,
                             infer_error *err);
infer_status inf_stacks_set(struct inf_stacks *s, uint32_t node, bool and_end, uint32_t *set,
                            infer_error *err);
infer_status inf_stacks_alone(struct inf_stacks *s, uint32_t state, uint32_t *set,
                              infer_error *err);

/* What inf_stacks_step does where the table does not know. */
infer_status inf_stacks_make_step(struct inf_stacks *s, uint32_t set, unsigned char_class,
                                  uint32_t *to, infer_error *err);

/* The set behind a byte of that class. */
static inline infer_status inf_stacks_step(struct inf_stacks *s, uint32_t set, unsigned char_class,
                                           uint32_t *to, infer_error *err)
{
    *to = s->steps[(size_t)set * s->m->class_count + char_class];
    return *to != INF_SET_UNKNOWN ? INFER_OK : inf_stacks_make_step(s, set, char_class, to, err);
}

/* Whether so much is kept that it should be made anew; and that, but for one set. */
bool inf_stacks_full(const struct inf_stacks *s);
infer_status inf_stacks_renew(struct inf_stacks *s, uint32_t *set, infer_error *err);

#endif
