/* Which tokens may stand next: walks of the tries, and what is kept of them. */
#include "lib/grammar/matcher.h"

#include "lib/base/limits.h"

#include <string.h>

static infer_status no_memory(const struct inf_token_trie *trie, infer_error *err)
{
    return inf_fail_memory(err, "a mask of the tokens", trie->words * sizeof(uint64_t));
}

infer_status inf_walk_run(struct inf_walk *w, uint32_t first, uint32_t end, uint32_t set,
                          infer_error *err)
{
    const struct inf_trie_node *nodes = w->trie->nodes;
    const unsigned char *class_of = w->stacks->m->class_of;
    infer_status status = INFER_OK;
    if (first >= end)
        return INFER_OK;
    w->sets[nodes[first].depth - 1] = set;
    for (uint32_t i = first; i < end;) {
        const struct inf_trie_node *node = &nodes[i];
        uint32_t to;
        status =
            inf_stacks_step(w->stacks, w->sets[node->depth - 1], class_of[node->byte], &to, err);
        if (status)
            return status;
        if (to == INF_SET_DEAD) {
            i = node->end;
            continue;
        }
        w->sets[node->depth] = to;
        for (uint32_t t = node[0].token; t < node[1].token; t++)
            inf_mask_set(w->mask, w->trie->tokens[t]);
        if (w->note_escapes && w->stacks->sets[to].ends && node->end > i + 1) {
            if (!INF_GROW(w->stacks->a, w->escapes, w->escape_capacity, w->escape_count + 1))
                return no_memory(w->trie, err);
            w->escapes[w->escape_count++] = i;
        }
        i++;
    }
    return INFER_OK;
}

/* ---- Frames -------------------------------------------------------------------------------------- */

void inf_frame_free(const infer_allocator *a, struct inf_frame *f)
{
    if (!f)
        return;
    inf_release(a, f->mask);
    inf_release(a, f->tokens);
    inf_release(a, f->escapes);
    inf_release(a, f);
}

static uint32_t count_bits(const uint64_t *mask, size_t words)
{
    uint32_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (uint32_t)__builtin_popcountll(mask[i]);
    return count;
}

/* Few tokens are kept as a list. */
static infer_status keep_few(const struct inf_token_trie *trie, const infer_allocator *a,
                             struct inf_frame *f, infer_error *err)
{
    uint32_t count = count_bits(f->mask, trie->words);
    if (count > trie->words)
        return INFER_OK;
    f->tokens = inf_alloc_zero(a, count, sizeof *f->tokens);
    if (!f->tokens)
        return no_memory(trie, err);
    for (size_t i = 0; i < trie->words; i++)
        for (uint64_t word = f->mask[i]; word; word &= word - 1)
            f->tokens[f->token_count++] = (infer_token)(i * 64 + (size_t)__builtin_ctzll(word));
    inf_release(a, f->mask);
    f->mask = NULL;
    return INFER_OK;
}

static infer_status make_frame(struct inf_grammar *g, uint32_t state, struct inf_frame *f,
                               infer_error *err)
{
    const struct inf_token_trie *trie = g->trie;
    struct inf_walk w = {.trie = trie, .stacks = &g->stacks, .note_escapes = true};
    uint32_t set;
    if (inf_stacks_full(&g->stacks)) {
        inf_stacks_free(&g->stacks);
        inf_stacks_init(&g->stacks, &g->a, g->m);
    }
    infer_status status = inf_stacks_alone(&g->stacks, state, &set, err);
    f->mask = w.mask = inf_alloc_zero(&g->a, trie->words, sizeof *f->mask);
    w.sets = inf_alloc_zero(&g->a, (size_t)trie->depth + 1, sizeof *w.sets);
    if (!f->mask || !w.sets)
        status = no_memory(trie, err);
    for (uint32_t i = 0; i < INF_TRIE_GROUPS && !status; i++) {
        const struct inf_trie_group *group = &trie->groups[i];
        if (!group->mask || g->runway[state] < group->chars) {
            status = inf_walk_run(&w, group->first, group->end, set, err);
            continue;
        }
        for (size_t word = 0; word < trie->words; word++)
            f->mask[word] |= group->mask[word];
    }
    inf_release(&g->a, w.sets);
    f->escapes = w.escapes;
    f->escape_count = (uint32_t)w.escape_count;
    return status ? status : keep_few(trie, &g->a, f, err);
}

infer_status inf_frame_get(struct inf_grammar *g, uint32_t state, struct inf_frame **frame,
                           bool *own, infer_error *err)
{
    infer_status status = INFER_OK;
    *own = false;
    pthread_mutex_lock(&g->lock);
    struct inf_frame *f = g->frames[state];
    if (!f) {
        f = inf_alloc_zero(&g->a, 1, sizeof *f);
        status = f ? make_frame(g, state, f, err) : no_memory(g->trie, err);
        if (status) {
            inf_frame_free(&g->a, f);
            f = NULL;
        } else {
            size_t bytes = sizeof *f + (f->mask ? g->trie->words * sizeof *f->mask : 0) +
                           f->token_count * sizeof *f->tokens +
                           f->escape_count * sizeof *f->escapes;
            *own = g->frame_bytes + bytes > INF_GRAMMAR_MASKS;
            if (!*own) {
                g->frame_bytes += bytes;
                g->frames[state] = f;
            }
        }
    }
    pthread_mutex_unlock(&g->lock);
    *frame = f;
    return status;
}
