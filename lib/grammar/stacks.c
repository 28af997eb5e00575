/* Stacks and their sets. */
#include "lib/grammar/stacks.h"

#include "lib/base/limits.h"

#include <string.h>

#define NODES_MAX (1u << 22)

static infer_status no_memory(const struct inf_stacks *s, infer_error *err)
{
    return inf_fail_memory(err, "a grammar's state", s->set_count * s->m->class_count * 4);
}

void inf_stacks_init(struct inf_stacks *s, const infer_allocator *a, const struct inf_automaton *m)
{
    *s = (struct inf_stacks){.a = a, .m = m};
}

void inf_stacks_free(struct inf_stacks *s)
{
    void *all[] = {s->nodes,   s->node_table, s->sets, s->set_table,
                   s->members, s->steps,      s->seen, s->todo};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        inf_release(s->a, all[i]);
    inf_stacks_init(s, s->a, s->m);
}

/* ---- Nodes --------------------------------------------------------------------------------------- */

static uint32_t node_hash(uint32_t state, uint32_t below)
{
    uint64_t x = (uint64_t)below << 32 | state;
    x *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(x >> 32) ^ (uint32_t)(x >> 17);
}

static bool grow_nodes(struct inf_stacks *s)
{
    if (!INF_GROW(s->a, s->nodes, s->node_capacity, s->node_count + 2))
        return false;
    size_t before = s->seen_capacity;
    if (!INF_GROW(s->a, s->seen, s->seen_capacity, s->node_count + 2))
        return false;
    memset(s->seen + before, 0, (s->seen_capacity - before) * sizeof *s->seen);
    if (s->node_count == 0) {
        s->nodes[0] = (struct inf_stack){0, 0, 0};
        s->node_count = 1;
    }
    if (s->node_count * 2 < s->node_table_size)
        return true;
    size_t size = s->node_table_size ? s->node_table_size * 2 : 64;
    uint32_t *table = inf_alloc_zero(s->a, size, sizeof *table);
    if (!table)
        return false;
    for (size_t i = 1; i < s->node_count; i++) {
        size_t at = node_hash(s->nodes[i].state, s->nodes[i].below) & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = (uint32_t)i;
    }
    inf_release(s->a, s->node_table);
    s->node_table = table;
    s->node_table_size = size;
    return true;
}

infer_status inf_stacks_node(struct inf_stacks *s, uint32_t state, uint32_t below, uint32_t *node,
                             infer_error *err)
{
    if (!grow_nodes(s))
        return no_memory(s, err);
    size_t at = node_hash(state, below) & (s->node_table_size - 1);
    for (; s->node_table[at]; at = (at + 1) & (s->node_table_size - 1)) {
        const struct inf_stack *n = &s->nodes[s->node_table[at]];
        if (n->state == state && n->below == below) {
            *node = s->node_table[at];
            return INFER_OK;
        }
    }
    if (s->node_count >= NODES_MAX)
        return inf_fail(err, INFER_E_LIMIT, "the grammar's state is too large: %u stacks",
                        NODES_MAX);
    s->nodes[s->node_count] =
        (struct inf_stack){.state = state, .below = below, .depth = s->nodes[below].depth + 1};
    *node = s->node_table[at] = (uint32_t)s->node_count++;
    return INFER_OK;
}

/* ---- Sets ---------------------------------------------------------------------------------------- */

static infer_status push(struct inf_stacks *s, uint32_t node, infer_error *err)
{
    if (s->seen[node] == s->mark)
        return INFER_OK;
    s->seen[node] = s->mark;
    if (!INF_GROW(s->a, s->todo, s->todo_capacity, s->todo_count + 1))
        return no_memory(s, err);
    s->todo[s->todo_count++] = node;
    return INFER_OK;
}

static infer_status add_member(struct inf_stacks *s, uint32_t node, infer_error *err)
{
    if (!INF_GROW(s->a, s->members, s->member_capacity, s->member_count + 1))
        return no_memory(s, err);
    s->members[s->member_count++] = node;
    return INFER_OK;
}

/* The stacks that `todo` leads to without a byte, as members behind `first`. */
static infer_status close_over(struct inf_stacks *s, size_t first, bool *ends, infer_error *err)
{
    const struct inf_automaton *m = s->m;
    infer_status status = INFER_OK;
    while (s->todo_count && !status) {
        uint32_t node = s->todo[--s->todo_count], state = s->nodes[node].state;
        uint32_t below = s->nodes[node].below;
        const struct inf_state *q = &m->states[state];
        if (node == 0) {
            *ends = true;
            continue;
        }
        if (q[0].edge < q[1].edge)
            status = add_member(s, node, err);
        if (!status && s->member_count - first > INF_MAX_GRAMMAR_STACKS)
            status = inf_fail(err, INFER_E_LIMIT,
                              "the grammar is too ambiguous: more than %u ways to read the text",
                              INF_MAX_GRAMMAR_STACKS);
        if (!status && q->ends)
            status = push(s, below, err);
        for (uint32_t c = q[0].call; c < q[1].call && !status; c++) {
            uint32_t back = below, start;
            if (!inf_state_is_tail(&m->states[m->calls[c].to]))
                status = inf_stacks_node(s, m->calls[c].to, below, &back, err);
            if (!status)
                status = inf_stacks_node(s, m->calls[c].rule, back, &start, err);
            if (!status)
                status = push(s, start, err);
        }
    }
    return status;
}

static void sort_ids(uint32_t *ids, size_t count)
{
    for (size_t gap = count / 2; gap; gap /= 2)
        for (size_t i = gap; i < count; i++)
            for (size_t j = i; j >= gap && ids[j - gap] > ids[j]; j -= gap) {
                uint32_t held = ids[j];
                ids[j] = ids[j - gap];
                ids[j - gap] = held;
            }
}

static uint64_t set_hash(const struct inf_stacks *s, struct inf_stack_set set)
{
    return inf_hash(s->members + set.first, set.count * sizeof *s->members,
                    INF_HASH_SEED + set.ends);
}

static bool grow_sets(struct inf_stacks *s)
{
    size_t classes = s->m->class_count;
    if (!INF_GROW(s->a, s->sets, s->set_capacity, s->set_count + 2) ||
        !INF_GROW(s->a, s->steps, s->step_capacity, (s->set_count + 2) * classes))
        return false;
    if (s->set_count == 0) {
        s->sets[0] = (struct inf_stack_set){0, 0, false};
        memset(s->steps, 0, classes * sizeof *s->steps); /* dead stays dead */
        s->set_count = 1;
    }
    if (s->set_count * 2 < s->set_table_size)
        return true;
    size_t size = s->set_table_size ? s->set_table_size * 2 : 64;
    uint32_t *table = inf_alloc_zero(s->a, size, sizeof *table);
    if (!table)
        return false;
    for (size_t i = 1; i < s->set_count; i++) {
        size_t at = set_hash(s, s->sets[i]) & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = (uint32_t)i;
    }
    inf_release(s->a, s->set_table);
    s->set_table = table;
    s->set_table_size = size;
    return true;
}

/* The number of the set of the members behind `first`. */
static infer_status intern(struct inf_stacks *s, size_t first, bool ends, uint32_t *number,
                           infer_error *err)
{
    struct inf_stack_set set = {(uint32_t)first, (uint32_t)(s->member_count - first), ends};
    if (set.count == 0 && !ends) {
        *number = INF_SET_DEAD;
        return INFER_OK;
    }
    if (!grow_sets(s))
        return no_memory(s, err);
    sort_ids(s->members + first, set.count);
    size_t at = set_hash(s, set) & (s->set_table_size - 1);
    for (; s->set_table[at]; at = (at + 1) & (s->set_table_size - 1)) {
        struct inf_stack_set other = s->sets[s->set_table[at]];
        if (other.count == set.count && other.ends == ends &&
            memcmp(s->members + other.first, s->members + first, set.count * sizeof *s->members) ==
                0) {
            s->member_count = first;
            *number = s->set_table[at];
            return INFER_OK;
        }
    }
    if (s->set_count * s->m->class_count > 4 * (size_t)INF_MAX_GRAMMAR_STEPS)
        return inf_fail(err, INFER_E_LIMIT, "the grammar's state is too large: %zu sets of stacks",
                        s->set_count);
    s->sets[s->set_count] = set;
    memset(s->steps + s->set_count * s->m->class_count, 0xff, s->m->class_count * sizeof *s->steps);
    *number = s->set_table[at] = (uint32_t)s->set_count++;
    return INFER_OK;
}

/* Begins a set, of nothing yet. */
static bool begin(struct inf_stacks *s)
{
    s->mark++;
    s->todo_count = 0;
    return grow_nodes(s) && grow_sets(s);
}

infer_status inf_stacks_set(struct inf_stacks *s, uint32_t node, bool and_end, uint32_t *set,
                            infer_error *err)
{
    if (!begin(s))
        return no_memory(s, err);
    size_t first = s->member_count;
    bool ends = and_end;
    infer_status status = push(s, node, err);
    if (!status)
        status = close_over(s, first, &ends, err);
    if (!status)
        status = intern(s, first, ends, set, err);
    if (status)
        s->member_count = first;
    return status;
}

infer_status inf_stacks_alone(struct inf_stacks *s, uint32_t state, uint32_t *set, infer_error *err)
{
    uint32_t node;
    if (!begin(s))
        return no_memory(s, err);
    size_t first = s->member_count;
    infer_status status = inf_stacks_node(s, state, 0, &node, err);
    if (!status)
        status = add_member(s, node, err);
    if (!status)
        status = intern(s, first, false, set, err);
    if (status)
        s->member_count = first;
    return status;
}

infer_status inf_stacks_make_step(struct inf_stacks *s, uint32_t set, unsigned char_class,
                                  uint32_t *to, infer_error *err)
{
    const struct inf_automaton *m = s->m;
    struct inf_stack_set from = s->sets[set];
    unsigned byte = m->byte_of[char_class];
    bool ends = false;
    infer_status status = INFER_OK;
    if (!begin(s))
        return no_memory(s, err);
    size_t first = s->member_count;
    for (uint32_t i = 0; i < from.count && !status; i++) {
        struct inf_stack stack = s->nodes[s->members[from.first + i]];
        const struct inf_state *q = &m->states[stack.state];
        for (uint32_t e = q[0].edge; e < q[1].edge && m->edges[e].low <= byte; e++)
            if (byte <= m->edges[e].high) {
                uint32_t node;
                status = inf_stacks_node(s, m->edges[e].to, stack.below, &node, err);
                if (!status)
                    status = push(s, node, err);
                break;
            }
    }
    if (!status)
        status = close_over(s, first, &ends, err);
    if (!status)
        status = intern(s, first, ends, to, err);
    if (status)
        s->member_count = first;
    else
        s->steps[(size_t)set * m->class_count + char_class] = *to;
    return status;
}

/* ---- Beginning anew ------------------------------------------------------------------------------- */

bool inf_stacks_full(const struct inf_stacks *s)
{
    return s->set_count * s->m->class_count > INF_MAX_GRAMMAR_STEPS ||
           s->node_count > NODES_MAX / 4 || s->member_count > NODES_MAX / 4;
}

/* A stack of `from` in `to`: from the bottom up. */
static infer_status copy_node(const struct inf_stacks *from, struct inf_stacks *to, uint32_t node,
                              uint32_t *copy, infer_error *err)
{
    size_t depth = from->nodes[node].depth;
    if (!INF_GROW(to->a, to->todo, to->todo_capacity, depth))
        return no_memory(to, err);
    for (size_t i = depth; i > 0; node = from->nodes[node].below)
        to->todo[--i] = from->nodes[node].state;
    *copy = 0;
    infer_status status = INFER_OK;
    for (size_t i = 0; i < depth && !status; i++)
        status = inf_stacks_node(to, to->todo[i], *copy, copy, err);
    return status;
}

infer_status inf_stacks_renew(struct inf_stacks *s, uint32_t *set, infer_error *err)
{
    struct inf_stacks fresh;
    struct inf_stack_set kept = s->sets[*set];
    uint32_t node, number;
    inf_stacks_init(&fresh, s->a, s->m);
    infer_status status = begin(&fresh) ? INFER_OK : no_memory(s, err);
    for (uint32_t i = 0; i < kept.count && !status; i++) {
        status = copy_node(s, &fresh, s->members[kept.first + i], &node, err);
        if (!status)
            status = add_member(&fresh, node, err);
    }
    if (!status)
        status = intern(&fresh, 0, kept.ends, &number, err);
    if (status) {
        inf_stacks_free(&fresh);
        return status;
    }
    inf_stacks_free(s);
    *s = fresh;
    *set = number;
    return INFER_OK;
}
