/* Pieces cut by tokens that are looked for at each place: the best sum of scores, or the longest. */
#include "lib/vocab/vocab_data.h"

#include <math.h>

/* One step of looking for tokens at text[at]: on to the next symbol. False where no token goes on. */
struct walk {
    const char *text;
    size_t len, at;
    uint32_t node, id; /* id INF_NO_RANK: no token ends here */
};

static inline bool walk_on(const struct inf_vocab *v, struct walk *w)
{
    if (w->at == w->len)
        return false;
    size_t step;
    uint32_t symbol = inf_symbol(v, w->text + w->at, w->len - w->at, &step);
    const struct inf_pair_slot *slot = inf_vocab_pair(v, w->node, symbol);
    if (!slot)
        return false;
    w->at += step;
    w->node = slot->rank;
    w->id = slot->id;
    return true;
}

static inline void offer(struct inf_best *place, double score, size_t from, uint32_t id)
{
    if (place->from != INF_NO_RANK && score <= place->score)
        return;
    *place = (struct inf_best){score, (uint32_t)from, id};
}

/* SentencePiece: from the start, an unknown character costs 10 more than the worst token. The sums
 * are in double, as in the models' fast tokenizers; of equal ways the first found stays. In the end
 * best[i].from is where the token ends that the best way has at i. */
static void unigram(const struct inf_vocab *v, const char *text, size_t len, struct inf_best *best)
{
    for (size_t i = 0; i <= len; i++)
        best[i] = (struct inf_best){0, INF_NO_RANK, INF_NO_RANK};
    for (size_t at = 0, step; at < len; at += step) {
        struct walk w = {text, len, at, 0, INF_NO_RANK};
        bool single = false;
        inf_symbol(v, text + at, len - at, &step);
        while (walk_on(v, &w)) {
            if (w.id == INF_NO_RANK)
                continue;
            single |= w.at == at + step;
            offer(&best[w.at], best[at].score + (double)v->scores[w.id], at, w.id);
        }
        if (!single)
            offer(&best[at + step], best[at].score + (double)v->unknown_score, at, INF_NO_RANK);
    }
    uint32_t end = (uint32_t)len, id = best[len].id, from = best[len].from;
    while (end) { /* turn the chain round */
        struct inf_best before = best[from];
        best[from].from = end;
        best[from].id = id;
        end = from;
        id = before.id;
        from = before.from;
    }
}

#define PLAMO_UNKNOWN (-10000000.0)
#define PLAMO_LOWEST (-20000000.0) /* tokens down to this are never made */

/* PLaMo 2: from the end, scores in 1/10000 rounded; of equal ways the longest token first. */
static void plamo(const struct inf_vocab *v, const char *text, size_t len, struct inf_best *best)
{
    for (size_t i = 0; i <= len; i++)
        best[i] = (struct inf_best){0, INF_NO_RANK, INF_NO_RANK};
    for (size_t at = 0, step; at < len; at += step) {
        inf_symbol(v, text + at, len - at, &step);
        best[at].id = 0; /* a character begins here */
    }
    for (size_t at = len; at-- > 0;) {
        if (best[at].id)
            continue;
        size_t step;
        struct walk w = {text, len, at, 0, INF_NO_RANK};
        struct inf_best here = {0, INF_NO_RANK, INF_NO_RANK};
        while (walk_on(v, &w)) {
            double score =
                w.id == INF_NO_RANK ? PLAMO_LOWEST : round((double)v->scores[w.id] * 1e4);
            if (score > PLAMO_LOWEST) {
                score += best[w.at].score;
                if (here.from == INF_NO_RANK || score >= here.score)
                    here = (struct inf_best){score, (uint32_t)w.at, w.id};
            }
        }
        inf_symbol(v, text + at, len - at, &step);
        offer(&here, best[at + step].score + PLAMO_UNKNOWN, at + step, INF_NO_RANK);
        best[at] = here;
    }
}

static void longest(const struct inf_vocab *v, const char *text, size_t len, struct inf_best *best)
{
    for (size_t at = 0; at < len; at = best[at].from) {
        struct walk w = {text, len, at, 0, INF_NO_RANK};
        best[at] = (struct inf_best){0, (uint32_t)at + 1, INF_NO_RANK};
        while (walk_on(v, &w))
            if (w.id != INF_NO_RANK)
                best[at] = (struct inf_best){0, (uint32_t)w.at, w.id};
    }
}

infer_status inf_lattice_piece(struct inf_job *job, const char *text, size_t len,
                               struct inf_best *best, infer_token *ids, size_t *count)
{
    const struct inf_vocab *v = job->v;
    if (v->model == INF_VOCAB_UNIGRAM)
        unigram(v, text, len, best);
    else if (v->model == INF_VOCAB_PLAMO)
        plamo(v, text, len, best);
    else
        longest(v, text, len, best);
    *count = 0;
    for (size_t at = 0; at < len; at = best[at].from) {
        infer_token own[4], *out = ids ? ids + *count : own;
        size_t made = 1;
        out[0] = (infer_token)best[at].id;
        if (best[at].id == INF_NO_RANK) {
            infer_status status =
                inf_symbol_fall_back(job, text + at, best[at].from - at, out, &made);
            if (status)
                return status;
        }
        for (size_t i = 0; i < made && !ids; i++)
            inf_job_push_text(job, own[i]);
        *count += made;
    }
    return INFER_OK;
}

infer_status inf_lattice_long(struct inf_job *job, const char *text, size_t len)
{
    size_t count;
    void *items = job->best;
    if (len >= UINT32_MAX - 1)
        return inf_fail(job->err, INFER_E_LIMIT,
                        "a piece of text that cannot be split is %zu bytes, at most %u", len,
                        UINT32_MAX - 2);
    if (!inf_grow(&job->v->a, &items, &job->best_capacity, len + 1, sizeof *job->best))
        return inf_fail_memory(job->err, "a piece of text", (len + 1) * sizeof *job->best);
    job->best = items;
    return inf_lattice_piece(job, text, len, job->best, NULL, &count);
}
