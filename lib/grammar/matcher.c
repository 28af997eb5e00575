/* One text under a grammar: where it stands, and the masks of the places it came by. */
#include "lib/grammar/matcher.h"

#include "lib/base/limits.h"

#include <string.h>

#define MASKS_KEPT 256

struct inf_matcher {
    infer_allocator a;
    struct inf_grammar *g;
    struct inf_stacks stacks;
    uint32_t set;     /* where the text stands */
    size_t bytes;     /* of the text so far */
    bool ended;       /* by a token that ends texts */
    uint64_t **masks; /* of sets: NULL where not known */
    size_t mask_count, mask_capacity, masks_kept;
    uint32_t *walk_sets; /* (trie depth + 1) */
};

/* ---- Making -------------------------------------------------------------------------------------- */

void inf_grammar_free(struct inf_grammar *g)
{
    if (!g)
        return;
    infer_allocator a = g->a;
    for (uint32_t s = 0; g->frames && s < g->m->state_count; s++)
        inf_frame_free(&a, g->frames[s]);
    inf_stacks_free(&g->stacks);
    pthread_mutex_destroy(&g->lock);
    inf_release(&a, g->frames);
    inf_release(&a, g->runway);
    inf_release(&a, g->terminals);
    inf_automaton_free(g->m);
    inf_release(&a, g);
}

infer_status inf_grammar_wrap(const infer_allocator *a, const struct inf_token_trie *trie,
                              struct inf_automaton *m, const infer_token *terminals, size_t count,
                              struct inf_grammar **grammar, infer_error *err)
{
    struct inf_grammar *g = inf_alloc_zero(a, 1, sizeof *g);
    *grammar = NULL;
    if (!g) {
        inf_automaton_free(m);
        return inf_fail_memory(err, "a grammar", sizeof *g);
    }
    g->a = *a;
    g->trie = trie;
    g->m = m;
    pthread_mutex_init(&g->lock, NULL);
    inf_stacks_init(&g->stacks, &g->a, m);
    g->runway = inf_runway_new(a, m);
    g->frames = inf_alloc_zero(a, m->state_count, sizeof *g->frames);
    g->terminals = inf_alloc_zero(a, count, sizeof *g->terminals);
    if (!g->runway || !g->frames || !g->terminals) {
        size_t bytes = m->state_count * sizeof *g->frames;
        inf_grammar_free(g); /* and m */
        return inf_fail_memory(err, "a grammar", bytes);
    }
    if (count)
        memcpy(g->terminals, terminals, count * sizeof *terminals);
    g->terminal_count = count;
    *grammar = g;
    return INFER_OK;
}

const uint64_t *inf_grammar_ends(const struct inf_grammar *g)
{
    return g->trie->ends;
}

void inf_matcher_free(struct inf_matcher *m)
{
    if (!m)
        return;
    infer_allocator a = m->a;
    for (size_t i = 0; i < m->mask_count; i++)
        inf_release(&a, m->masks[i]);
    inf_release(&a, m->masks);
    inf_release(&a, m->walk_sets);
    inf_stacks_free(&m->stacks);
    inf_release(&a, m);
}

infer_status inf_matcher_new(struct inf_grammar *g, struct inf_matcher **matcher, infer_error *err)
{
    uint32_t node;
    *matcher = NULL;
    struct inf_matcher *m = inf_alloc_zero(&g->a, 1, sizeof *m);
    if (!m)
        return inf_fail_memory(err, "a grammar's state", sizeof *m);
    m->a = g->a;
    m->g = g;
    inf_stacks_init(&m->stacks, &m->a, g->m);
    infer_status status = inf_stacks_node(&m->stacks, g->m->root, 0, &node, err);
    if (!status)
        status = inf_stacks_set(&m->stacks, node, g->m->root_empty, &m->set, err);
    m->walk_sets = inf_alloc_zero(&m->a, (size_t)g->trie->depth + 1, sizeof *m->walk_sets);
    if (!status && !m->walk_sets)
        status = inf_fail_memory(err, "a grammar's state", g->trie->depth * sizeof *m->walk_sets);
    if (status)
        inf_matcher_free(m);
    else
        *matcher = m;
    return status;
}

/* ---- Masks --------------------------------------------------------------------------------------- */

static infer_status no_memory(const struct inf_matcher *m, infer_error *err)
{
    return inf_fail_memory(err, "a mask of the tokens", m->g->trie->words * sizeof(uint64_t));
}

/* Where the text stands, for errors. */
static struct inf_bytes place(const struct inf_matcher *m, uint32_t number)
{
    struct inf_stack_set set = m->stacks.sets[number];
    if (set.count == 0)
        return (struct inf_bytes){"", 0};
    uint32_t node = m->stacks.members[set.first];
    struct inf_bytes name = inf_automaton_rule(m->g->m, m->stacks.nodes[node].state);
    name.len = inf_min_size(name.len, 80);
    return name;
}

static void forget_masks(struct inf_matcher *m)
{
    for (size_t i = 0; i < m->mask_count; i++) {
        inf_release(&m->a, m->masks[i]);
        m->masks[i] = NULL;
    }
    m->masks_kept = 0;
}

/* What one stack allows. */
static infer_status add_stack(struct inf_matcher *m, uint32_t node, uint64_t *mask,
                              infer_error *err)
{
    const struct inf_token_trie *trie = m->g->trie;
    struct inf_stack stack = m->stacks.nodes[node];
    struct inf_walk w = {.trie = trie, .stacks = &m->stacks, .mask = mask, .sets = m->walk_sets};
    struct inf_frame *f;
    bool own;
    infer_status status = inf_frame_get(m->g, stack.state, &f, &own, err);
    if (status)
        return status;
    for (size_t i = 0; f->mask && i < trie->words; i++)
        mask[i] |= f->mask[i];
    for (uint32_t i = 0; i < f->token_count; i++)
        inf_mask_set(mask, f->tokens[i]);
    if (stack.below && f->escape_count) {
        uint32_t set;
        status = inf_stacks_set(&m->stacks, stack.below, false, &set, err);
        for (uint32_t i = 0; i < f->escape_count && !status; i++) {
            uint32_t at = f->escapes[i];
            status = inf_walk_run(&w, at + 1, trie->nodes[at].end, set, err);
        }
    }
    if (own)
        inf_frame_free(&m->a, f);
    return status;
}

/* Where a set goes by the terminal of a token. */
static infer_status step_terminal(struct inf_matcher *m, infer_token id, uint32_t *to,
                                  infer_error *err)
{
    char code[INF_TERMINAL_BYTES];
    infer_status status = INFER_OK;
    inf_token_terminal(id, code);
    *to = m->set;
    for (size_t i = 0; i < sizeof code && *to != INF_SET_DEAD && !status; i++)
        status =
            inf_stacks_step(&m->stacks, *to, m->g->m->class_of[(unsigned char)code[i]], to, err);
    return status;
}

static infer_status make_mask(struct inf_matcher *m, uint64_t *mask, infer_error *err)
{
    const struct inf_token_trie *trie = m->g->trie;
    struct inf_stack_set set = m->stacks.sets[m->set];
    infer_status status = INFER_OK;
    uint64_t any = 0;
    for (uint32_t i = 0; i < set.count && !status; i++)
        status = add_stack(m, m->stacks.members[set.first + i], mask, err);
    for (size_t i = 0; i < m->g->terminal_count && !status; i++) {
        infer_token id = m->g->terminals[i];
        uint32_t to = INF_SET_DEAD;
        status = step_terminal(m, id, &to, err);
        if (to == INF_SET_DEAD)
            mask[(uint32_t)id / 64] &= ~(UINT64_C(1) << (uint32_t)id % 64);
    }
    for (size_t i = 0; i < trie->words; i++) {
        if (set.ends)
            mask[i] |= trie->ends[i];
        any |= mask[i];
    }
    if (status || any)
        return status;
    struct inf_bytes rule = place(m, m->set);
    return inf_fail(err, INFER_E_UNSUPPORTED,
                    "grammar: at byte %zu of the text (rule %.*s) no token of the vocabulary fits",
                    m->bytes, (int)rule.len, rule.ptr);
}

infer_status inf_matcher_mask(struct inf_matcher *m, const uint64_t **mask, infer_error *err)
{
    infer_status status = INFER_OK;
    *mask = NULL;
    if (m->ended)
        return inf_fail(err, INFER_E_ARGUMENT,
                        "grammar: the text has ended (infer_sampler_grammar begins another)");
    if (m->set < m->mask_count && m->masks[m->set]) {
        *mask = m->masks[m->set];
        return INFER_OK;
    }
    if (inf_stacks_full(&m->stacks)) {
        forget_masks(m);
        if ((status = inf_stacks_renew(&m->stacks, &m->set, err)))
            return status;
    }
    if (m->masks_kept == MASKS_KEPT)
        forget_masks(m);
    if (!INF_GROW(&m->a, m->masks, m->mask_capacity, (size_t)m->set + 1))
        return no_memory(m, err);
    while (m->mask_count <= m->set)
        m->masks[m->mask_count++] = NULL;
    uint64_t *made = inf_alloc_zero(&m->a, m->g->trie->words, sizeof *made);
    status = made ? make_mask(m, made, err) : no_memory(m, err);
    if (status) {
        inf_release(&m->a, made);
        return status;
    }
    m->masks_kept++;
    *mask = m->masks[m->set] = made;
    return INFER_OK;
}

/* ---- The text goes on ---------------------------------------------------------------------------- */

static infer_status check_depth(const struct inf_matcher *m, uint32_t set, infer_error *err)
{
    struct inf_stack_set s = m->stacks.sets[set];
    for (uint32_t i = 0; i < s.count; i++)
        if (m->stacks.nodes[m->stacks.members[s.first + i]].depth > INF_MAX_GRAMMAR_DEPTH)
            return inf_fail(err, INFER_E_LIMIT, "grammar: more than %d rules within each other",
                            INF_MAX_GRAMMAR_DEPTH);
    return INFER_OK;
}

static infer_status advance(struct inf_matcher *m, const char *bytes, size_t len, const char *what,
                            long id, infer_error *err)
{
    uint32_t set = m->set, next;
    infer_status status = INFER_OK;
    if (m->ended)
        return inf_fail(err, INFER_E_ARGUMENT,
                        "grammar: the text has ended (infer_sampler_grammar begins another)");
    for (size_t i = 0; i < len && !status; i++) {
        status = inf_stacks_step(&m->stacks, set, m->g->m->class_of[(unsigned char)bytes[i]], &next,
                                 err);
        if (!status && next == INF_SET_DEAD) {
            struct inf_bytes rule = place(m, set);
            return inf_fail(err, INFER_E_ARGUMENT,
                            "grammar: %s %ld does not fit at byte %zu of the text (rule %.*s)",
                            what, id, m->bytes + i, (int)rule.len, rule.ptr);
        }
        set = status ? set : next;
    }
    if (!status)
        status = check_depth(m, set, err);
    if (!status) {
        m->set = set;
        m->bytes += len;
    }
    return status;
}

infer_status inf_matcher_accept_bytes(struct inf_matcher *m, const char *bytes, size_t len,
                                      infer_error *err)
{
    return advance(m, bytes, len, "a text of length", (long)len, err);
}

static bool is_terminal(const struct inf_grammar *g, infer_token id)
{
    for (size_t i = 0; i < g->terminal_count; i++)
        if (g->terminals[i] == id)
            return true;
    return false;
}

infer_status inf_matcher_accept(struct inf_matcher *m, infer_token id, infer_error *err)
{
    const struct inf_token_trie *trie = m->g->trie;
    if (id < 0 || (uint32_t)id >= trie->count)
        return inf_fail(err, INFER_E_ARGUMENT, "grammar: token %d, the vocabulary has %u", (int)id,
                        (unsigned)trie->count);
    char terminal[INF_TERMINAL_BYTES];
    bool ends = inf_mask_has(trie->ends, id) && !m->ended && inf_matcher_can_end(m);
    inf_token_terminal(id, terminal);
    if (!ends && inf_mask_has(trie->specials, id)) {
        infer_status status = advance(m, terminal, sizeof terminal, "token", id, err);
        if (status != INFER_E_ARGUMENT || is_terminal(m->g, id))
            return status;
    }
    if (inf_mask_has(trie->ends, id)) {
        if (!ends)
            return inf_fail(err, INFER_E_ARGUMENT,
                            "grammar: token %d ends the text, which cannot end at byte %zu",
                            (int)id, m->bytes);
        m->ended = true;
        return INFER_OK;
    }
    size_t len = trie->offset[id + 1] - trie->offset[id];
    if (len == 0)
        return inf_fail(err, INFER_E_ARGUMENT, "grammar: token %d is no text", (int)id);
    return advance(m, trie->text + trie->offset[id], len, "token", id, err);
}

bool inf_matcher_can_end(const struct inf_matcher *m)
{
    return m->stacks.sets[m->set].ends;
}
