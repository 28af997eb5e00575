/* Expressions of a draft. */
#include "lib/grammar/draft.h"

#include <string.h>

void inf_draft_init(struct inf_draft *d, const infer_allocator *a)
{
    *d = (struct inf_draft){.a = a};
    inf_arena_init(&d->arena, a);
}

void inf_draft_free(struct inf_draft *d)
{
    inf_arena_free(&d->arena);
    inf_release(d->a, d->rules);
    inf_release(d->a, d->keys.items);
    inf_release(d->a, d->keys.table);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

struct inf_key {
    struct inf_bytes key;
    uint64_t hash;
    uint32_t value;
};

static void put(struct inf_keys *k, size_t item)
{
    size_t at = k->items[item].hash & (k->table_size - 1);
    while (k->table[at])
        at = (at + 1) & (k->table_size - 1);
    k->table[at] = (uint32_t)item + 1;
}

static bool reserve_key(struct inf_draft *d)
{
    struct inf_keys *k = &d->keys;
    if (!INF_GROW(d->a, k->items, k->capacity, k->count + 1))
        return false;
    if (k->count * 2 < k->table_size)
        return true;
    size_t size = k->table_size ? k->table_size * 2 : 64;
    uint32_t *table = inf_alloc_zero(d->a, size, sizeof *table);
    if (!table)
        return false;
    inf_release(d->a, k->table);
    k->table = table;
    k->table_size = size;
    for (size_t i = 0; i < k->count; i++)
        put(k, i);
    return true;
}

uint32_t inf_draft_key(struct inf_draft *d, struct inf_bytes key, uint32_t value, bool *added)
{
    struct inf_keys *k = &d->keys;
    *added = false;
    if (!reserve_key(d)) {
        d->failed = true;
        return value;
    }
    uint64_t hash = inf_hash(key.ptr, key.len, INF_HASH_SEED);
    for (size_t at = hash & (k->table_size - 1); k->table[at];
         at = (at + 1) & (k->table_size - 1)) {
        const struct inf_key *item = &k->items[k->table[at] - 1];
        if (item->hash == hash && item->key.len == key.len &&
            memcmp(item->key.ptr, key.ptr, key.len) == 0)
            return item->value;
    }
    k->items[k->count] = (struct inf_key){key, hash, value};
    put(k, k->count++);
    *added = true;
    return value;
}

uint32_t inf_draft_rule(struct inf_draft *d, struct inf_bytes name)
{
    if (!INF_GROW(d->a, d->rules, d->rule_capacity, d->rule_count + 1)) {
        d->failed = true;
        return 0;
    }
    d->rules[d->rule_count] = (struct inf_rule){.name = name};
    return (uint32_t)d->rule_count++;
}

static struct inf_expr *make(struct inf_draft *d, enum inf_expr_kind kind)
{
    struct inf_expr *expr = inf_arena_take(&d->arena, 1, sizeof *expr);
    if (expr)
        expr->kind = kind;
    else
        d->failed = true;
    return expr;
}

static void *copy(struct inf_draft *d, const void *from, size_t count, size_t size)
{
    void *to = inf_arena_take(&d->arena, count, size);
    if (to && count)
        memcpy(to, from, count * size);
    if (!to)
        d->failed = true;
    return to;
}

const struct inf_expr *inf_expr_empty(struct inf_draft *d)
{
    return make(d, INF_EXPR_EMPTY);
}

const struct inf_expr *inf_expr_never(struct inf_draft *d)
{
    return make(d, INF_EXPR_NEVER);
}

const struct inf_expr *inf_expr_bytes(struct inf_draft *d, const char *bytes, size_t len)
{
    struct inf_expr *expr = make(d, INF_EXPR_BYTES);
    const char *own = copy(d, bytes, len, 1);
    if (!expr || !own)
        return NULL;
    expr->as.bytes = own;
    expr->count = (uint32_t)len;
    return expr;
}

const struct inf_expr *inf_expr_text(struct inf_draft *d, const char *text)
{
    return inf_expr_bytes(d, text, strlen(text));
}

const struct inf_expr *inf_expr_call(struct inf_draft *d, uint32_t rule)
{
    struct inf_expr *expr = make(d, INF_EXPR_CALL);
    if (expr)
        expr->as.rule = rule;
    return expr;
}

const struct inf_expr *inf_expr_dfa(struct inf_draft *d, const struct inf_dfa *dfa)
{
    struct inf_expr *expr = dfa ? make(d, INF_EXPR_DFA) : NULL;
    if (expr)
        expr->as.dfa = dfa;
    return expr;
}

const struct inf_expr *inf_expr_repeat(struct inf_draft *d, const struct inf_expr *item,
                                       uint32_t min, uint32_t max)
{
    struct inf_expr *expr = item ? make(d, INF_EXPR_REPEAT) : NULL;
    if (!expr)
        return NULL;
    expr->as.repeat.item = item;
    expr->as.repeat.min = min;
    expr->as.repeat.max = max;
    return expr;
}

const struct inf_expr *inf_expr_list(struct inf_draft *d, enum inf_expr_kind kind,
                                     const struct inf_expr *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!items[i])
            return NULL;
    if (count == 1)
        return items[0];
    if (count == 0)
        return kind == INF_EXPR_SEQ ? inf_expr_empty(d) : inf_expr_never(d);
    struct inf_expr *expr = make(d, kind);
    void *own = copy(d, items, count, sizeof *items);
    if (!expr || !own)
        return NULL;
    expr->as.items = own;
    expr->count = (uint32_t)count;
    return expr;
}

void inf_items_add(struct inf_draft *d, struct inf_expr_items *list, const struct inf_expr *expr)
{
    if (!INF_GROW(d->a, list->items, list->capacity, list->count + 1)) {
        d->failed = true;
        return;
    }
    list->items[list->count++] = expr;
}

const struct inf_expr *inf_items_take(struct inf_draft *d, struct inf_expr_items *list,
                                      enum inf_expr_kind kind)
{
    const struct inf_expr *expr =
        d->failed ? NULL : inf_expr_list(d, kind, list->items, list->count);
    inf_release(d->a, list->items);
    *list = (struct inf_expr_items){0};
    return expr;
}

/* ---- Graphs ---------------------------------------------------------------------------------- */

struct inf_graph *inf_graph_new(struct inf_draft *d)
{
    struct inf_graph *g = inf_arena_take(&d->arena, 1, sizeof *g);
    if (!g) {
        d->failed = true;
        return NULL;
    }
    g->d = d;
    g->state_count = 2;
    return g;
}

uint32_t inf_graph_state(struct inf_graph *g)
{
    return g ? g->state_count++ : 0;
}

static void add_edge(struct inf_graph *g, struct inf_graph_edge edge)
{
    if (!g || g->d->failed)
        return;
    if (g->edge_count == g->edge_capacity) { /* in the arena, which frees it */
        size_t capacity = g->edge_capacity ? g->edge_capacity * 2 : 8;
        struct inf_graph_edge *edges = inf_arena_take(&g->d->arena, capacity, sizeof *edges);
        if (!edges) {
            g->d->failed = true;
            return;
        }
        if (g->edge_count)
            memcpy(edges, g->edges, g->edge_count * sizeof *edges);
        g->edges = edges;
        g->edge_capacity = capacity;
    }
    g->edges[g->edge_count++] = edge;
}

void inf_graph_edge(struct inf_graph *g, uint32_t from, uint32_t to, const struct inf_expr *expr)
{
    if (expr)
        add_edge(g, (struct inf_graph_edge){from, to, expr});
}

void inf_graph_jump(struct inf_graph *g, uint32_t from, uint32_t to)
{
    add_edge(g, (struct inf_graph_edge){from, to, NULL});
}

const struct inf_expr *inf_expr_graph(struct inf_graph *g)
{
    struct inf_expr *expr = g && !g->d->failed ? make(g->d, INF_EXPR_GRAPH) : NULL;
    if (expr)
        expr->as.graph = g;
    return expr;
}

/* ---- Classes --------------------------------------------------------------------------------- */

#define CODE_MAX 0x10ffffu

/* Sorts by the lower end and joins what touches; returns how many are left. */
static size_t join(struct inf_range *r, size_t count)
{
    size_t kept = 0;
    for (size_t gap = count / 2; gap; gap /= 2) /* Shell's sort: these lists are short */
        for (size_t i = gap; i < count; i++)
            for (size_t j = i; j >= gap && r[j - gap].low > r[j].low; j -= gap) {
                struct inf_range held = r[j];
                r[j] = r[j - gap];
                r[j - gap] = held;
            }
    for (size_t i = 0; i < count; i++) {
        if (kept && r[i].low <= r[kept - 1].high + 1) {
            if (r[i].high > r[kept - 1].high)
                r[kept - 1].high = r[i].high;
        } else {
            r[kept++] = r[i];
        }
    }
    return kept;
}

/* What the joined ranges leave out, into `out`. */
static size_t invert(const struct inf_range *r, size_t count, struct inf_range *out)
{
    uint32_t next = 0;
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        if (r[i].low > next)
            out[made++] = (struct inf_range){next, r[i].low - 1};
        next = r[i].high + 1;
    }
    if (next <= CODE_MAX)
        out[made++] = (struct inf_range){next, CODE_MAX};
    return made;
}

const struct inf_expr *inf_expr_class(struct inf_draft *d, const struct inf_range *ranges,
                                      size_t count, bool negated)
{
    struct inf_expr *expr = make(d, INF_EXPR_CLASS);
    struct inf_range *own = inf_arena_take(&d->arena, count + 3, sizeof *own);
    struct inf_range *other = inf_arena_take(&d->arena, count + 3, sizeof *own);
    if (!expr || !own || !other) {
        d->failed = true;
        return NULL;
    }
    if (count)
        memcpy(own, ranges, count * sizeof *own);
    /* surrogates are no characters: added to what is left out, then inverted once more */
    size_t n = join(own, count);
    if (!negated) {
        n = invert(own, n, other);
        memcpy(own, other, n * sizeof *own);
    }
    own[n++] = (struct inf_range){0xd800, 0xdfff};
    n = invert(own, join(own, n), other);
    if (n == 0)
        expr->kind = INF_EXPR_NEVER;
    expr->as.ranges = other;
    expr->count = (uint32_t)n;
    return expr;
}
