/*
 * Edits of single logits: the bias, and the penalties for tokens that stand in the last text.
 *
 * Repetition: Keskar et al. 2019 (CTRL, arXiv 1909.05858) divide the logit; that negative ones are
 * multiplied instead is Hugging Face transformers' mending of it. Frequency and presence: OpenAI's
 * API, logit - times * frequency - presence.
 */
#include "lib/sample/sample.h"

void inf_bias_apply(const struct inf_bias *bias, float *logits)
{
    for (size_t i = 0; i < bias->count; i++) {
        float *logit = logits + bias->items[i].id, add = bias->items[i].bias;
        *logit = add < -FLT_MAX ? add : inf_logit_edited(*logit, (double)*logit + (double)add);
    }
}

bool inf_penalties_init(struct inf_penalties *p, struct inf_arena *arena, uint32_t vocab_size,
                        size_t window)
{
    p->window = window;
    p->ring = inf_arena_take(arena, window, sizeof *p->ring);
    p->times = inf_arena_take(arena, vocab_size, sizeof *p->times);
    p->place = inf_arena_take(arena, vocab_size, sizeof *p->place);
    p->distinct = inf_arena_take(arena, inf_min_size(window, vocab_size), sizeof *p->distinct);
    return p->ring && p->times && p->place && p->distinct;
}

void inf_penalties_forget(struct inf_penalties *p)
{
    while (p->distinct_count)
        p->times[p->distinct[--p->distinct_count]] = 0;
    p->used = p->next = 0;
}

void inf_penalties_accept(struct inf_penalties *p, infer_token id)
{
    if (p->window == 0)
        return;
    if (p->used == p->window) {
        infer_token old = p->ring[p->next];
        if (--p->times[old] == 0) {
            infer_token last = p->distinct[--p->distinct_count];
            p->distinct[p->place[old]] = last;
            p->place[last] = p->place[old];
        }
    } else {
        p->used++;
    }
    p->ring[p->next] = id;
    p->next = p->next + 1 == p->window ? 0 : p->next + 1;
    if (p->times[id]++ == 0) {
        p->place[id] = (uint32_t)p->distinct_count;
        p->distinct[p->distinct_count++] = id;
    }
}

void inf_penalties_apply(const struct inf_penalties *p, float *logits)
{
    for (size_t i = 0; i < p->distinct_count; i++) {
        infer_token id = p->distinct[i];
        double logit = logits[id];
        logit = logit > 0.0 ? logit / p->repetition : logit * p->repetition;
        logit -= (double)p->times[id] * p->frequency + p->presence;
        logits[id] = inf_logit_edited(logits[id], logit);
    }
}
