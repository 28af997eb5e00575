/* Rules to one machine: which may be empty, a DFA for each, what leads nowhere, left recursion. */
#include "lib/grammar/automaton.h"

#include "lib/base/limits.h"

#include <string.h>

#define NONE UINT32_MAX

struct compiler {
    struct inf_draft *d;
    struct inf_budget *budget;
    bool *nullable;              /* (rules) */
    const struct inf_dfa **dfas; /* (rules); NULL: not used */
    uint32_t *order;             /* (rules): the rules used, root first */
    uint32_t *first;             /* (rules): first state */
    size_t used, state_count, edge_count, call_count, name_bytes;
    struct inf_automaton *m;
    infer_error *err;
};

static infer_status no_memory(struct compiler *c, size_t bytes)
{
    return inf_fail_memory(c->err, "a grammar", bytes);
}

/* ---- Rules that may be empty ------------------------------------------------------------------ */

/* As deep as the expression. */
static bool may_be_empty(struct compiler *c, const struct inf_expr *expr)
{
    bool all = true, any = false;
    if (c->budget->work)
        c->budget->work--;
    switch (expr->kind) {
    case INF_EXPR_EMPTY:
        return true;
    case INF_EXPR_BYTES:
        return expr->count == 0;
    case INF_EXPR_SEQ:
        for (uint32_t i = 0; i < expr->count && all; i++)
            all = may_be_empty(c, expr->as.items[i]);
        return all;
    case INF_EXPR_ALT:
        for (uint32_t i = 0; i < expr->count && !any; i++)
            any = may_be_empty(c, expr->as.items[i]);
        return any;
    case INF_EXPR_REPEAT:
        return expr->as.repeat.min == 0 || may_be_empty(c, expr->as.repeat.item);
    case INF_EXPR_GRAPH:
        return expr->as.graph->may_be_empty;
    case INF_EXPR_CALL:
        return c->nullable[expr->as.rule];
    case INF_EXPR_DFA:
        return expr->as.dfa->states[0].ends;
    case INF_EXPR_NEVER:
    case INF_EXPR_CLASS:
        break;
    }
    return false;
}

static infer_status find_nullable(struct compiler *c)
{
    size_t count = c->d->rule_count;
    bool changed = true;
    for (bool up = true; changed; up = !up) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            size_t r = up ? i : count - 1 - i;
            const struct inf_expr *body = c->d->rules[r].body;
            if (!body || c->nullable[r] || !may_be_empty(c, body))
                continue;
            c->nullable[r] = changed = true;
        }
        if (c->budget->work == 0)
            return inf_fail(c->err, INFER_E_LIMIT, "the grammar takes too much work to compile");
    }
    return INFER_OK;
}

/* ---- A DFA for each rule ---------------------------------------------------------------------- */

static infer_status make_dfas(struct compiler *c, uint32_t root)
{
    infer_status status = INFER_OK;
    c->order[c->used++] = root;
    c->first[root] = 0;
    for (size_t i = 0; i < c->used && !status; i++) {
        uint32_t r = c->order[i];
        const struct inf_dfa *dfa;
        status = inf_dfa_of(c->d, c->d->rules[r].body, c->nullable, c->budget, &c->dfas[r], c->err);
        if (status)
            return status;
        dfa = c->dfas[r];
        c->first[r] = (uint32_t)c->state_count;
        c->state_count += dfa->state_count;
        c->edge_count += dfa->edge_count;
        c->call_count += dfa->call_count;
        c->name_bytes += c->d->rules[r].name.len;
        for (uint32_t k = 0; k < dfa->call_count; k++)
            if (c->first[dfa->calls[k].rule] == NONE) {
                c->first[dfa->calls[k].rule] = 0;
                c->order[c->used++] = dfa->calls[k].rule;
            }
    }
    return status;
}

static infer_status allocate(struct compiler *c)
{
    const infer_allocator *a = c->d->a;
    struct inf_automaton *m = c->m = inf_alloc_zero(a, 1, sizeof *m);
    if (!m)
        return no_memory(c, sizeof *m);
    m->a = *a;
    m->states = inf_alloc_zero(a, c->state_count + 1, sizeof *m->states);
    m->edges = inf_alloc_zero(a, c->edge_count + 1, sizeof *m->edges);
    m->calls = inf_alloc_zero(a, c->call_count + 1, sizeof *m->calls);
    m->rule_first = inf_alloc_zero(a, c->used, sizeof *m->rule_first);
    m->rule_names = inf_alloc_zero(a, c->used, sizeof *m->rule_names);
    m->texts = inf_alloc_zero(a, c->name_bytes + 1, 1);
    m->state_count = (uint32_t)c->state_count;
    m->rule_count = (uint32_t)c->used;
    if (!m->states || !m->edges || !m->calls || !m->rule_first || !m->rule_names || !m->texts)
        return no_memory(c, c->state_count * sizeof *m->states);
    return INFER_OK;
}

/* Puts the DFAs one behind the other. The start of a rule no longer ends it: where a rule may be
 * empty, its callers pass it by. */
static void join_dfas(struct compiler *c)
{
    struct inf_automaton *m = c->m;
    uint32_t edges = 0, calls = 0, states = 0;
    char *text = m->texts;
    for (size_t i = 0; i < c->used; i++) {
        uint32_t r = c->order[i], base = c->first[r];
        const struct inf_dfa *dfa = c->dfas[r];
        struct inf_bytes name = c->d->rules[r].name;
        if (name.len)
            memcpy(text, name.ptr, name.len);
        m->rule_names[i] = (struct inf_bytes){text, name.len};
        m->rule_first[i] = base;
        text += name.len;
        for (uint32_t s = 0; s < dfa->state_count; s++)
            m->states[states++] = (struct inf_state){.edge = edges + dfa->states[s].edge,
                                                     .call = calls + dfa->states[s].call,
                                                     .ends = s && dfa->states[s].ends};
        for (uint32_t e = 0; e < dfa->edge_count; e++) {
            m->edges[edges] = dfa->edges[e];
            m->edges[edges++].to += base;
        }
        for (uint32_t k = 0; k < dfa->call_count; k++)
            m->calls[calls++] = (struct inf_call){.rule = c->first[dfa->calls[k].rule],
                                                  .to = base + dfa->calls[k].to};
    }
    m->states[states] = (struct inf_state){.edge = edges, .call = calls};
}

/* ---- What leads nowhere ------------------------------------------------------------------------ */

/* Who depends on a state: an edge's or call's own state, and for calls also by the rule's start. */
struct dependents {
    uint32_t *first; /* (states + 1) */
    uint32_t *items; /* calls: index | CALL; edges: the state that it leads from */
    uint32_t *from;  /* (calls): the state that it leads from */
    unsigned char
        *missing;   /* (calls): of its rule and what follows it, how many are not yet alive */
    uint32_t *todo; /* (states) */
};

#define CALL (1u << 31)

static void count_dependents(const struct inf_automaton *m, struct dependents *d, bool fill)
{
    for (uint32_t s = m->state_count; s-- > 0;) {
        for (uint32_t e = m->states[s].edge; e < m->states[s + 1].edge; e++) {
            if (fill)
                d->items[--d->first[m->edges[e].to]] = s;
            else
                d->first[m->edges[e].to]++;
        }
        for (uint32_t c = m->states[s].call; c < m->states[s + 1].call; c++) {
            uint32_t both[2] = {m->calls[c].rule, m->calls[c].to};
            d->from[c] = s;
            d->missing[c] = 2;
            for (int i = 0; i < 2; i++) {
                if (fill)
                    d->items[--d->first[both[i]]] = c | CALL;
                else
                    d->first[both[i]]++;
            }
        }
    }
    if (!fill)
        for (uint32_t s = 1; s <= m->state_count; s++)
            d->first[s] += d->first[s - 1];
}

static void spread(struct inf_automaton *m, struct dependents *d)
{
    size_t todo = 0;
    for (uint32_t s = 0; s < m->state_count; s++)
        if (m->states[s].ends) {
            m->states[s].alive = true;
            d->todo[todo++] = s;
        }
    while (todo) {
        uint32_t s = d->todo[--todo];
        for (uint32_t i = d->first[s]; i < d->first[s + 1]; i++) {
            uint32_t from = d->items[i];
            if (from & CALL) {
                from &= ~CALL;
                if (--d->missing[from])
                    continue;
                from = d->from[from];
            }
            if (m->states[from].alive)
                continue;
            m->states[from].alive = true;
            d->todo[todo++] = from;
        }
    }
}

/* Drops edges and calls that cannot come to an end. */
static void drop_dead(struct inf_automaton *m)
{
    uint32_t edges = 0, calls = 0;
    for (uint32_t s = 0; s < m->state_count; s++) {
        uint32_t e = m->states[s].edge, c = m->states[s].call;
        m->states[s].edge = edges;
        m->states[s].call = calls;
        for (; e < m->states[s + 1].edge; e++)
            if (m->states[m->edges[e].to].alive)
                m->edges[edges++] = m->edges[e];
        for (; c < m->states[s + 1].call; c++)
            if (m->states[m->calls[c].to].alive && m->states[m->calls[c].rule].alive)
                m->calls[calls++] = m->calls[c];
    }
    m->states[m->state_count].edge = edges;
    m->states[m->state_count].call = calls;
}

static infer_status trim(struct compiler *c)
{
    const infer_allocator *a = c->d->a;
    struct inf_automaton *m = c->m;
    struct dependents d = {
        .first = inf_alloc_zero(a, c->state_count + 1, sizeof *d.first),
        .items = inf_alloc_zero(a, c->edge_count + 2 * c->call_count + 1, sizeof *d.items),
        .from = inf_alloc_zero(a, c->call_count + 1, sizeof *d.from),
        .missing = inf_alloc_zero(a, c->call_count + 1, 1),
        .todo = inf_alloc_zero(a, c->state_count, sizeof *d.todo),
    };
    bool memory = d.first && d.items && d.from && d.missing && d.todo;
    if (memory) {
        count_dependents(m, &d, false);
        count_dependents(m, &d, true);
        spread(m, &d);
        drop_dead(m);
    }
    void *all[] = {d.first, d.items, d.from, d.missing, d.todo};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        inf_release(a, all[i]);
    if (!memory)
        return no_memory(c, c->state_count * sizeof *d.first);
    if (!m->states[m->root].alive && !m->root_empty)
        return inf_fail(c->err, INFER_E_FORMAT, "the grammar fits no text at all");
    return INFER_OK;
}

/* ---- Left recursion ---------------------------------------------------------------------------- */

struct inf_bytes inf_automaton_rule(const struct inf_automaton *m, uint32_t state)
{
    uint32_t low = 0, high = m->rule_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (m->rule_first[middle] <= state)
            low = middle;
        else
            high = middle;
    }
    return m->rule_names[low];
}

static infer_status left_recursive(struct compiler *c, const uint32_t *path, size_t count,
                                   uint32_t again)
{
    struct inf_text text = {.a = c->d->a};
    size_t i = 0;
    while (path[i] != again)
        i++;
    for (size_t shown = 0; i < count && shown < 8; i++, shown++) {
        struct inf_bytes name = inf_automaton_rule(c->m, path[i]);
        inf_text_printf(&text, "%.*s -> ", (int)inf_min_size(name.len, 40), name.ptr);
    }
    struct inf_bytes name = inf_automaton_rule(c->m, again);
    infer_status status = inf_fail(
        c->err, INFER_E_FORMAT,
        "rule %.*s is left-recursive: it can come to itself before any character (%.*s%s%.*s)",
        (int)inf_min_size(name.len, 40), name.ptr, (int)text.len, text.ptr ? text.ptr : "",
        i < count ? "... -> " : "", (int)inf_min_size(name.len, 40), name.ptr);
    inf_text_free(&text);
    return status;
}

/* Depth first from each rule's start over the calls that stand there. */
static infer_status find_left_recursion(struct compiler *c)
{
    const infer_allocator *a = c->d->a;
    const struct inf_automaton *m = c->m;
    enum { NEW, OPEN, DONE };
    unsigned char *colour = inf_alloc_zero(a, c->state_count, 1);
    uint32_t *path = inf_alloc_zero(a, c->used, sizeof *path);
    uint32_t *next = inf_alloc_zero(a, c->used, sizeof *next);
    infer_status status = colour && path && next ? INFER_OK : no_memory(c, c->state_count);
    for (size_t i = 0; i < c->used && !status; i++) {
        size_t depth = 0;
        if (colour[m->rule_first[i]] != NEW)
            continue;
        path[depth] = m->rule_first[i];
        next[depth++] = m->states[m->rule_first[i]].call;
        colour[m->rule_first[i]] = OPEN;
        while (depth && !status) {
            uint32_t s = path[depth - 1];
            if (next[depth - 1] == m->states[s + 1].call) {
                colour[s] = DONE;
                depth--;
                continue;
            }
            uint32_t to = m->calls[next[depth - 1]++].rule;
            if (colour[to] == OPEN) {
                status = left_recursive(c, path, depth, to);
            } else if (colour[to] == NEW) {
                colour[to] = OPEN;
                path[depth] = to;
                next[depth++] = m->states[to].call;
            }
        }
    }
    inf_release(a, colour);
    inf_release(a, path);
    inf_release(a, next);
    return status;
}

/* ---- The whole --------------------------------------------------------------------------------- */

static void find_classes(struct inf_automaton *m)
{
    bool cut[257] = {false};
    for (uint32_t e = 0; e < m->states[m->state_count].edge; e++)
        cut[m->edges[e].low] = cut[m->edges[e].high + 1] = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        if (byte == 0 || cut[byte])
            m->byte_of[m->class_count++] = (unsigned char)byte;
        m->class_of[byte] = (unsigned char)(m->class_count - 1);
    }
}

static infer_status compile(struct compiler *c, uint32_t root)
{
    infer_status status;
    if ((status = find_nullable(c)) || (status = make_dfas(c, root)) || (status = allocate(c)))
        return status;
    c->m->root = c->first[root];
    c->m->root_empty = c->nullable[root];
    join_dfas(c);
    if ((status = trim(c)) || (status = find_left_recursion(c)))
        return status;
    find_classes(c->m);
    return INFER_OK;
}

infer_status inf_automaton_new(struct inf_draft *d, uint32_t root, struct inf_budget *budget,
                               struct inf_automaton **automaton, infer_error *err)
{
    *automaton = NULL;
    if (d->failed)
        return inf_fail_memory(err, "a grammar", d->arena.bytes);
    struct compiler c = {
        .d = d,
        .budget = budget,
        .nullable = inf_alloc_zero(d->a, d->rule_count, sizeof *c.nullable),
        .dfas = inf_alloc_zero(d->a, d->rule_count, sizeof *c.dfas),
        .order = inf_alloc_zero(d->a, d->rule_count, sizeof *c.order),
        .first = inf_alloc_zero(d->a, d->rule_count, sizeof *c.first),
        .err = err,
    };
    bool memory = c.nullable && c.dfas && c.order && c.first;
    for (size_t i = 0; memory && i < d->rule_count; i++)
        c.first[i] = NONE;
    infer_status status = memory ? compile(&c, root) : no_memory(&c, d->rule_count);
    void *all[] = {c.nullable, (void *)c.dfas, c.order, c.first};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        inf_release(d->a, all[i]);
    if (status)
        inf_automaton_free(c.m);
    else
        *automaton = c.m;
    return status;
}

void inf_automaton_free(struct inf_automaton *m)
{
    if (!m)
        return;
    infer_allocator a = m->a;
    void *all[] = {m->states, m->edges, m->calls, m->rule_first, m->rule_names, m->texts, m};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        inf_release(&a, all[i]);
}
