/* Expressions to DFAs: Thompson's construction, then sets of its states. */
#include "lib/grammar/automaton.h"

#include "lib/base/limits.h"

#include <string.h>

enum edge_kind { EDGE_NOTHING, EDGE_BYTES, EDGE_CALL };

struct nfa_edge {
    uint32_t to, next; /* next: the next edge of the same state; NONE ends */
    uint32_t rule;
    unsigned char kind, low, high;
};

#define NONE UINT32_MAX

struct nfa {
    struct inf_draft *d;
    const bool *nullable;
    struct nfa_edge *edges;
    size_t edge_count, edge_capacity;
    uint32_t *first; /* of each state: its first edge */
    size_t state_count, state_capacity;
    infer_status status;
    infer_error *err;
};

static uint32_t add_state(struct nfa *n)
{
    if (n->status)
        return 0;
    if (n->state_count >= INF_MAX_GRAMMAR_STATES * 4) {
        n->status = inf_fail(n->err, INFER_E_LIMIT,
                             "the grammar is too large: a rule takes more than %u states "
                             "(repetitions count as often as they may stand)",
                             INF_MAX_GRAMMAR_STATES * 4);
        return 0;
    }
    if (!INF_GROW(n->d->a, n->first, n->state_capacity, n->state_count + 1)) {
        n->status = inf_fail_memory(n->err, "a grammar", n->state_count * sizeof *n->first);
        return 0;
    }
    n->first[n->state_count] = NONE;
    return (uint32_t)n->state_count++;
}

static void add_edge(struct nfa *n, uint32_t from, struct nfa_edge edge)
{
    if (n->status)
        return;
    if (!INF_GROW(n->d->a, n->edges, n->edge_capacity, n->edge_count + 1)) {
        n->status = inf_fail_memory(n->err, "a grammar", n->edge_count * sizeof *n->edges);
        return;
    }
    edge.next = n->first[from];
    n->first[from] = (uint32_t)n->edge_count;
    n->edges[n->edge_count++] = edge;
}

static void add_jump(struct nfa *n, uint32_t from, uint32_t to)
{
    add_edge(n, from, (struct nfa_edge){.kind = EDGE_NOTHING, .to = to});
}

static void add_bytes(struct nfa *n, uint32_t from, unsigned low, unsigned high, uint32_t to)
{
    add_edge(
        n, from,
        (struct nfa_edge){
            .kind = EDGE_BYTES, .low = (unsigned char)low, .high = (unsigned char)high, .to = to});
}

/* ---- Characters ---------------------------------------------------------------------------- */

/* The UTF-8 of low ... high, all of one length `len`, from a state to another: where the first bytes
 * differ, the middle ones take any end. At most four levels deep. */
static void add_utf8(struct nfa *n, uint32_t from, uint32_t low, uint32_t high, unsigned len,
                     bool lead, uint32_t to)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    unsigned shift = 6 * (len - 1);
    unsigned mark = !lead ? 0x80 : marks[len];
    uint32_t a = low >> shift, b = high >> shift, rest = (1u << shift) - 1;
    if (n->status)
        return;
    if (len == 1) {
        add_bytes(n, from, mark | a, mark | b, to);
        return;
    }
    if (a == b) {
        uint32_t middle = add_state(n);
        add_bytes(n, from, mark | a, mark | a, middle);
        add_utf8(n, middle, low & rest, high & rest, len - 1, false, to);
        return;
    }
    if ((low & rest) != 0) {
        add_utf8(n, from, low, (a << shift) | rest, len, lead, to);
        low = (a + 1) << shift;
    }
    if ((high & rest) != rest) {
        add_utf8(n, from, b << shift, high, len, lead, to);
        if (b == 0 || (b << shift) <= low)
            return;
        high = (b << shift) - 1;
    }
    if (low > high)
        return;
    uint32_t middle = add_state(n);
    add_bytes(n, from, mark | (low >> shift), mark | (high >> shift), middle);
    add_utf8(n, middle, 0, rest, len - 1, false, to);
}

static void add_class(struct nfa *n, const struct inf_expr *expr, uint32_t from, uint32_t to)
{
    static const struct inf_range lengths[] = {
        {0, 0}, {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xffff}, {0x10000, 0x10ffff}};
    for (uint32_t i = 0; i < expr->count; i++)
        for (unsigned len = 1; len <= 4; len++) {
            struct inf_range r = expr->as.ranges[i], of = lengths[len];
            uint32_t low = r.low > of.low ? r.low : of.low;
            uint32_t high = r.high < of.high ? r.high : of.high;
            if (low <= high)
                add_utf8(n, from, low, high, len, true, to);
        }
}

/* ---- Expressions --------------------------------------------------------------------------- */

static uint32_t build(struct nfa *n, const struct inf_expr *expr, uint32_t from);

static uint32_t build_repeat(struct nfa *n, const struct inf_expr *expr, uint32_t from)
{
    const struct inf_expr *item = expr->as.repeat.item;
    uint32_t min = expr->as.repeat.min, max = expr->as.repeat.max;
    for (uint32_t i = 0; i < min && !n->status; i++) {
        uint32_t start = add_state(n);
        add_jump(n, from, start);
        from = build(n, item, start);
    }
    uint32_t loop = add_state(n);
    if (max == INF_ENDLESS) {
        add_jump(n, from, loop);
        uint32_t end = build(n, item, loop);
        add_jump(n, end, loop);
        return loop;
    }
    for (uint32_t i = min; i < max && !n->status; i++) {
        uint32_t start = add_state(n);
        add_jump(n, from, loop); /* `loop`: the end */
        add_jump(n, from, start);
        from = build(n, item, start);
    }
    add_jump(n, from, loop);
    return loop;
}

static uint32_t build_dfa(struct nfa *n, const struct inf_dfa *dfa, uint32_t from)
{
    uint32_t first = (uint32_t)n->state_count, to;
    for (uint32_t i = 0; i < dfa->state_count; i++)
        add_state(n);
    to = add_state(n);
    add_jump(n, from, first);
    for (uint32_t i = 0; i < dfa->state_count && !n->status; i++) {
        const struct inf_state *s = &dfa->states[i];
        for (uint32_t e = s[0].edge; e < s[1].edge; e++)
            add_bytes(n, first + i, dfa->edges[e].low, dfa->edges[e].high,
                      first + dfa->edges[e].to);
        if (s->ends)
            add_jump(n, first + i, to);
    }
    return to;
}

static uint32_t build_graph(struct nfa *n, const struct inf_graph *g, uint32_t from)
{
    uint32_t first = (uint32_t)n->state_count;
    for (uint32_t i = 0; i < g->state_count && !n->status; i++)
        add_state(n);
    add_jump(n, from, first);
    for (size_t i = 0; i < g->edge_count && !n->status; i++) {
        const struct inf_graph_edge *e = &g->edges[i];
        uint32_t start = first + e->from;
        if (e->expr) {
            start = add_state(n);
            add_jump(n, first + e->from, start);
            start = build(n, e->expr, start);
        }
        add_jump(n, start, first + e->to);
    }
    return first + 1;
}

static uint32_t build_call(struct nfa *n, uint32_t index, uint32_t from)
{
    const struct inf_rule *rule = &n->d->rules[index];
    if (rule->leaf)
        return build(n, rule->body, from);
    uint32_t to = add_state(n);
    add_edge(n, from, (struct nfa_edge){.kind = EDGE_CALL, .rule = index, .to = to});
    if (n->nullable && n->nullable[index])
        add_jump(n, from, to);
    return to;
}

/* Adds what leads from a state through the expression; returns the state behind it. As deep as the
 * expression, which is as deep as its parser allows. */
static uint32_t build(struct nfa *n, const struct inf_expr *expr, uint32_t from)
{
    uint32_t to;
    if (n->status)
        return from;
    switch (expr->kind) {
    case INF_EXPR_EMPTY:
        return from;
    case INF_EXPR_NEVER:
        return add_state(n);
    case INF_EXPR_BYTES:
        for (uint32_t i = 0; i < expr->count; i++) {
            unsigned byte = (unsigned char)expr->as.bytes[i];
            to = add_state(n);
            add_bytes(n, from, byte, byte, to);
            from = to;
        }
        return from;
    case INF_EXPR_CLASS:
        to = add_state(n);
        add_class(n, expr, from, to);
        return to;
    case INF_EXPR_SEQ:
        for (uint32_t i = 0; i < expr->count; i++)
            from = build(n, expr->as.items[i], from);
        return from;
    case INF_EXPR_ALT:
        to = add_state(n);
        for (uint32_t i = 0; i < expr->count && !n->status; i++) {
            uint32_t start = add_state(n);
            add_jump(n, from, start);
            add_jump(n, build(n, expr->as.items[i], start), to);
        }
        return to;
    case INF_EXPR_REPEAT:
        return build_repeat(n, expr, from);
    case INF_EXPR_GRAPH:
        return build_graph(n, expr->as.graph, from);
    case INF_EXPR_CALL:
        return build_call(n, expr->as.rule, from);
    case INF_EXPR_DFA:
        return build_dfa(n, expr->as.dfa, from);
    }
    return from;
}

/* ---- Sets of states -------------------------------------------------------------------------- */

struct subset {
    uint32_t first, count; /* in `members` */
};

/* The DFA that grows: its states, and what each stands for. */
struct maker {
    const struct nfa *n;
    struct inf_draft *d;
    struct inf_budget *budget;
    uint32_t end; /* of the NFA */
    struct subset *subsets;
    size_t subset_count, subset_capacity;
    uint32_t *members;
    size_t member_count, member_capacity;
    uint32_t *table; /* hash table of subset numbers + 1 */
    size_t table_size;
    uint32_t *seen, mark; /* (NFA states) */
    uint32_t *todo;       /* (NFA states) */
    struct inf_state *states;
    size_t state_count, state_capacity;
    struct inf_edge *edges;
    size_t edge_count, edge_capacity;
    struct inf_call *calls;
    size_t call_count, call_capacity;
    infer_error *err;
};

static infer_status no_memory(struct maker *m)
{
    return inf_fail_memory(m->err, "a grammar", m->member_count * sizeof *m->members);
}

/* Adds to the set being made, members[first ...), a state and all that it jumps to. Kept are those
 * states alone that do something. */
static infer_status close_over(struct maker *m, uint32_t state)
{
    size_t todo = 0;
    if (m->seen[state] == m->mark)
        return INFER_OK;
    m->seen[state] = m->mark;
    m->todo[todo++] = state;
    while (todo) {
        uint32_t s = m->todo[--todo];
        bool acts = s == m->end;
        for (uint32_t e = m->n->first[s]; e != NONE; e = m->n->edges[e].next) {
            const struct nfa_edge *edge = &m->n->edges[e];
            if (m->budget->work-- == 0) {
                m->budget->work = 0;
                return inf_fail(m->err, INFER_E_LIMIT,
                                "the grammar takes too much work to compile");
            }
            if (edge->kind != EDGE_NOTHING) {
                acts = true;
            } else if (m->seen[edge->to] != m->mark) {
                m->seen[edge->to] = m->mark;
                m->todo[todo++] = edge->to;
            }
        }
        if (!acts)
            continue;
        if (!INF_GROW(m->d->a, m->members, m->member_capacity, m->member_count + 1))
            return no_memory(m);
        m->members[m->member_count++] = s;
    }
    return INFER_OK;
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

static uint64_t hash_of(const struct maker *m, struct subset s)
{
    return inf_hash(m->members + s.first, s.count * sizeof *m->members, INF_HASH_SEED);
}

static infer_status grow_table(struct maker *m)
{
    size_t size = m->table_size ? m->table_size * 2 : 64;
    uint32_t *table = inf_alloc_zero(m->d->a, size, sizeof *table);
    if (!table)
        return no_memory(m);
    for (size_t i = 1; i < m->subset_count; i++) { /* the start is never found again */
        size_t at = hash_of(m, m->subsets[i]) & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = (uint32_t)i + 1;
    }
    inf_release(m->d->a, m->table);
    m->table = table;
    m->table_size = size;
    return INFER_OK;
}

/* The number of the set members[first ...), a new one where it was not there. */
static infer_status intern(struct maker *m, size_t first, uint32_t *number)
{
    struct subset s = {(uint32_t)first, (uint32_t)(m->member_count - first)};
    infer_status status;
    sort_ids(m->members + first, s.count);
    if (m->subset_count * 2 >= m->table_size && (status = grow_table(m)))
        return status;
    size_t at = hash_of(m, s) & (m->table_size - 1);
    for (; m->table[at]; at = (at + 1) & (m->table_size - 1)) {
        struct subset other = m->subsets[m->table[at] - 1];
        if (other.count == s.count && memcmp(m->members + other.first, m->members + first,
                                             s.count * sizeof *m->members) == 0) {
            m->member_count = first;
            *number = m->table[at] - 1;
            return INFER_OK;
        }
    }
    if (m->budget->states-- == 0) {
        m->budget->states = 0;
        return inf_fail(m->err, INFER_E_LIMIT, "the grammar is too large: more than %u states",
                        INF_MAX_GRAMMAR_STATES);
    }
    if (!INF_GROW(m->d->a, m->subsets, m->subset_capacity, m->subset_count + 1))
        return no_memory(m);
    m->subsets[m->subset_count] = s;
    *number = (uint32_t)m->subset_count++;
    if (*number)
        m->table[at] = *number + 1;
    return INFER_OK;
}

static infer_status put_edge(struct maker *m, unsigned low, unsigned high, uint32_t to)
{
    struct inf_edge *last = m->edge_count ? &m->edges[m->edge_count - 1] : NULL;
    if (m->edge_count > m->states[m->state_count - 1].edge && last->to == to &&
        last->high + 1u == low) {
        last->high = (unsigned char)high;
        return INFER_OK;
    }
    if (!INF_GROW(m->d->a, m->edges, m->edge_capacity, m->edge_count + 1))
        return no_memory(m);
    m->edges[m->edge_count++] =
        (struct inf_edge){.low = (unsigned char)low, .high = (unsigned char)high, .to = to};
    return INFER_OK;
}

/* The edges of one DFA state: between two bytes where some edge begins or ends nothing changes. */
static infer_status make_edges(struct maker *m, struct subset s)
{
    bool cut[257] = {false};
    infer_status status = INFER_OK;
    for (uint32_t i = 0; i < s.count; i++)
        for (uint32_t e = m->n->first[m->members[s.first + i]]; e != NONE; e = m->n->edges[e].next)
            if (m->n->edges[e].kind == EDGE_BYTES)
                cut[m->n->edges[e].low] = cut[m->n->edges[e].high + 1] = true;
    for (unsigned low = 0, high; low < 256 && !status; low = high) {
        for (high = low + 1; high < 256 && !cut[high];)
            high++;
        if (low == 0 && !cut[0])
            continue;
        size_t first = m->member_count;
        uint32_t to;
        m->mark++;
        for (uint32_t i = 0; i < s.count && !status; i++)
            for (uint32_t e = m->n->first[m->members[s.first + i]]; e != NONE && !status;
                 e = m->n->edges[e].next) {
                const struct nfa_edge *edge = &m->n->edges[e];
                if (m->budget->work)
                    m->budget->work--;
                if (edge->kind == EDGE_BYTES && edge->low <= low && low <= edge->high)
                    status = close_over(m, edge->to);
            }
        if (!status && m->member_count > first && !(status = intern(m, first, &to)))
            status = put_edge(m, low, high - 1, to);
    }
    return status;
}

/* The calls of one DFA state, one for each rule. */
static infer_status make_calls(struct maker *m, struct subset s)
{
    infer_status status = INFER_OK;
    size_t first_call = m->call_count;
    for (uint32_t i = 0; i < s.count && !status; i++)
        for (uint32_t e = m->n->first[m->members[s.first + i]]; e != NONE && !status;
             e = m->n->edges[e].next) {
            const struct nfa_edge *edge = &m->n->edges[e];
            bool known = edge->kind != EDGE_CALL;
            for (size_t c = first_call; c < m->call_count && !known; c++)
                known = m->calls[c].rule == edge->rule;
            if (known)
                continue;
            if (!INF_GROW(m->d->a, m->calls, m->call_capacity, m->call_count + 1))
                return no_memory(m);
            m->calls[m->call_count++] = (struct inf_call){.rule = edge->rule};
        }
    for (size_t c = first_call; c < m->call_count && !status; c++) {
        size_t first = m->member_count;
        m->mark++;
        for (uint32_t i = 0; i < s.count && !status; i++)
            for (uint32_t e = m->n->first[m->members[s.first + i]]; e != NONE && !status;
                 e = m->n->edges[e].next) {
                const struct nfa_edge *edge = &m->n->edges[e];
                if (m->budget->work)
                    m->budget->work--;
                if (edge->kind == EDGE_CALL && edge->rule == m->calls[c].rule)
                    status = close_over(m, edge->to);
            }
        if (!status)
            status = intern(m, first, &m->calls[c].to);
    }
    return status;
}

static infer_status begin_state(struct maker *m, bool ends)
{
    if (!INF_GROW(m->d->a, m->states, m->state_capacity, m->state_count + 1))
        return no_memory(m);
    m->states[m->state_count++] = (struct inf_state){
        .edge = (uint32_t)m->edge_count, .call = (uint32_t)m->call_count, .ends = ends};
    return INFER_OK;
}

static infer_status make_states(struct maker *m, uint32_t start)
{
    uint32_t number;
    m->mark++;
    infer_status status = close_over(m, start);
    if (!status)
        status = intern(m, 0, &number);
    for (size_t i = 0; i < m->subset_count && !status; i++) {
        struct subset s = m->subsets[i];
        bool ends = false;
        for (uint32_t j = 0; j < s.count; j++)
            ends |= m->members[s.first + j] == m->end;
        status = begin_state(m, ends);
        if (!status)
            status = make_edges(m, s);
        if (!status)
            status = make_calls(m, s);
    }
    return status ? status : begin_state(m, false);
}

static void *keep(struct inf_draft *d, const void *from, size_t count, size_t size)
{
    void *to = inf_arena_take(&d->arena, count, size);
    if (to && count)
        memcpy(to, from, count * size);
    return to;
}

/* What was made, in the draft's arena. */
static infer_status keep_dfa(struct maker *m, const struct inf_dfa **out)
{
    struct inf_dfa *dfa = inf_arena_take(&m->d->arena, 1, sizeof *dfa);
    if (!dfa)
        return no_memory(m);
    *dfa = (struct inf_dfa){
        .states = keep(m->d, m->states, m->state_count, sizeof *m->states),
        .edges = keep(m->d, m->edges, m->edge_count, sizeof *m->edges),
        .calls = keep(m->d, m->calls, m->call_count, sizeof *m->calls),
        .state_count = (uint32_t)m->state_count - 1,
        .edge_count = (uint32_t)m->edge_count,
        .call_count = (uint32_t)m->call_count,
    };
    if (!dfa->states || !dfa->edges || !dfa->calls)
        return no_memory(m);
    *out = dfa;
    return INFER_OK;
}

static void free_maker(struct maker *m)
{
    const infer_allocator *a = m->d->a;
    void *all[] = {m->subsets, m->members, m->table, m->seen,
                   m->todo,    m->states,  m->edges, m->calls};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        inf_release(a, all[i]);
}

infer_status inf_dfa_of(struct inf_draft *d, const struct inf_expr *expr, const bool *nullable,
                        struct inf_budget *budget, const struct inf_dfa **dfa, infer_error *err)
{
    *dfa = NULL;
    if (d->failed || !expr)
        return inf_fail_memory(err, "a grammar", d->arena.bytes);
    struct nfa n = {.d = d, .nullable = nullable, .err = err};
    uint32_t start = add_state(&n), end = build(&n, expr, start);
    struct maker m = {.n = &n, .d = d, .budget = budget, .end = end, .err = err};
    infer_status status = n.status;
    if (!status) {
        m.seen = inf_alloc_zero(d->a, n.state_count, sizeof *m.seen);
        m.todo = inf_alloc_zero(d->a, n.state_count, sizeof *m.todo);
        status = m.seen && m.todo ? make_states(&m, start) : no_memory(&m);
    }
    if (!status)
        status = keep_dfa(&m, dfa);
    free_maker(&m);
    inf_release(d->a, n.edges);
    inf_release(d->a, n.first);
    return status;
}

/* ---- Two languages ------------------------------------------------------------------------- */

static uint32_t step(const struct inf_dfa *dfa, uint32_t state, unsigned byte)
{
    if (state == NONE)
        return NONE;
    const struct inf_state *s = &dfa->states[state];
    for (uint32_t e = s[0].edge; e < s[1].edge && dfa->edges[e].low <= byte; e++)
        if (byte <= dfa->edges[e].high)
            return dfa->edges[e].to;
    return NONE;
}

bool inf_dfa_takes(const struct inf_dfa *dfa, const char *text, size_t len)
{
    uint32_t state = 0;
    for (size_t i = 0; i < len; i++)
        state = step(dfa, state, (unsigned char)text[i]);
    return state != NONE && dfa->states[state].ends;
}

static void cut_at(bool *cut, const struct inf_dfa *dfa, uint32_t state)
{
    if (state == NONE)
        return;
    for (uint32_t e = dfa->states[state].edge; e < dfa->states[state + 1].edge; e++)
        cut[dfa->edges[e].low] = cut[dfa->edges[e].high + 1] = true;
}

/* A set here is a pair of states: its two members keep their order. */
static infer_status pair(struct maker *m, uint32_t a, uint32_t b, uint32_t *number)
{
    size_t first = m->member_count;
    if (!INF_GROW(m->d->a, m->members, m->member_capacity, first + 2))
        return no_memory(m);
    /* `intern` sorts: the second is told apart by its top bit, and stays behind */
    m->members[first] = a;
    m->members[first + 1] = b == NONE ? NONE : b | 1u << 31;
    m->member_count += 2;
    return intern(m, first, number);
}

infer_status inf_dfa_product(struct inf_draft *d, const struct inf_dfa *a, const struct inf_dfa *b,
                             bool minus, struct inf_budget *budget, const struct inf_dfa **dfa,
                             infer_error *err)
{
    struct maker m = {.d = d, .budget = budget, .err = err};
    uint32_t to;
    *dfa = NULL;
    if (d->failed || !a || !b)
        return inf_fail_memory(err, "a grammar", d->arena.bytes);
    infer_status status = pair(&m, 0, 0, &to);
    for (size_t i = 0; i < m.subset_count && !status; i++) {
        bool cut[257] = {false};
        uint32_t x = m.members[m.subsets[i].first], y = m.members[m.subsets[i].first + 1];
        y = y == NONE ? NONE : y & ~(1u << 31);
        bool in_b = y != NONE && b->states[y].ends;
        status = begin_state(&m, a->states[x].ends && in_b != minus);
        cut_at(cut, a, x);
        cut_at(cut, b, y);
        for (unsigned low = 0, high; low < 256 && !status; low = high) {
            for (high = low + 1; high < 256 && !cut[high];)
                high++;
            uint32_t next = step(a, x, low), other = step(b, y, low);
            if (next == NONE || (other == NONE && !minus))
                continue;
            if (!(status = pair(&m, next, other, &to)))
                status = put_edge(&m, low, high - 1, to);
        }
    }
    if (!status)
        status = begin_state(&m, false);
    if (!status)
        status = keep_dfa(&m, dfa);
    free_maker(&m);
    return status;
}
