/*
 * Inside of the sampler: the candidates, the steps over them, and what each step remembers.
 *
 * Two kinds of steps. Edits (bias, penalties, DRY) change single logits of a copy of the
 * vocabulary's logits. Filters (top-k ... XTC, mirostat) shrink the set of candidates. No filter
 * leaves the set empty. A token whose logit is -infinity is forbidden and never a candidate.
 *
 * The same options, seed and calls give the same tokens on every machine: all sums are double sums
 * in a stated order, exp and log are our own (sample_math.h).
 */
#ifndef INF_SAMPLE_H
#define INF_SAMPLE_H

#include "lib/base/base.h"

#include <float.h>
#include <string.h>

/* ---- Random numbers: rng.c ----------------------------------------------------------------- */

/* xoshiro256** 1.0, its state filled by splitmix64 from the seed. */
struct inf_rng {
    uint64_t s[4];
};

void inf_rng_seed(struct inf_rng *rng, uint64_t seed);
uint64_t inf_rng_next(struct inf_rng *rng);

/* 0 <= u < 1, a multiple of 2^-53. */
double inf_rng_uniform(struct inf_rng *rng);

/* ---- What a text may be: sampler.c --------------------------------------------------------- */

/* A grammar as the sampler sees it. */
struct inf_filter {
    void *ud;
    /* The tokens that may come next: bit id % 64 of word id / 64; borrowed until the next call. */
    infer_status (*mask)(void *ud, const uint64_t **mask, infer_error *err);
    infer_status (*accept)(void *ud, infer_token id, infer_error *err);
    void (*release)(void *ud); /* NULL: there is no filter */
    const infer_model *model;  /* whose tokens it is for */
    const uint64_t *ends;      /* mask of the tokens that end a text; they wait while it rests */
};

/* Takes the filter over, in place of the one before; where it fails the sampler is as it was. */
infer_status inf_sampler_set_filter(infer_sampler *sampler, struct inf_filter filter,
                                    infer_error *err);

/* While `free`, the filter is at rest: it forbids nothing but the end of the text, and is told nothing.
 * `also` is a token that it allows beside its own and is not told of; -1: none. */
void inf_sampler_rest(infer_sampler *sampler, bool free, infer_token also);

/* Forgets the tokens that it was told of: another text begins. */
void inf_sampler_forget(infer_sampler *sampler);

/* ---- Candidates: candidates.c -------------------------------------------------------------- */

/* A logit as an integer of the same order, so that plain integer code sorts, compares and finds the
 * damaged ones. -0 and +0 are one key. */
#define INF_KEY_INFINITY 0x7f800000          /* this and above: +infinity, NaN */
#define INF_KEY_MINUS_INFINITY (-0x7f800001) /* below: NaN with its sign bit set */

static inline int32_t inf_logit_key(float logit)
{
    int32_t bits;
    logit += 0.0f; /* -0 becomes +0 */
    memcpy(&bits, &logit, sizeof bits);
    return bits ^ ((bits >> 31) & 0x7fffffff);
}

static inline float inf_key_logit(int32_t key)
{
    float logit;
    key ^= (key >> 31) & 0x7fffffff;
    memcpy(&logit, &key, sizeof logit);
    return logit;
}

/* Least and greatest key of logits[count]. */
struct inf_key_range {
    int32_t least, greatest;
};

struct inf_key_range inf_keys_range(const float *logits, size_t count);

/* Whether a logit among those of this range is NaN or +infinite. */
static inline bool inf_keys_damaged(struct inf_key_range range)
{
    return range.least < INF_KEY_MINUS_INFINITY || range.greatest >= INF_KEY_INFINITY;
}

/* INFER_E_NUMERIC naming the lowest damaged id of logits[first ... first + count). */
infer_status inf_logits_fail(const float *logits, size_t first, size_t count, infer_error *err)
    __attribute__((cold));

/* The vocabulary that a sampler was made for. */
uint32_t inf_sampler_vocab_size(const infer_sampler *sampler);
const infer_model *inf_sampler_model(const infer_sampler *sampler); /* of the filter; NULL: none */

/* INFER_OK where no logit is NaN or +infinite and one at least is finite. */
infer_status inf_logits_check(const float *logits, uint32_t vocab_size, infer_error *err);

/* The likeliest token, the lower id on a tie; checks as inf_logits_check, in the same pass. */
infer_status inf_logits_greatest(const float *logits, uint32_t vocab_size, infer_token *id,
                                 infer_error *err);

struct inf_candidate {
    int32_t key; /* of its logit */
    infer_token id;
};

/* items[0 ... sorted) are the likeliest, in order (likeliest first, the lower id first on a tie);
 * the rest stand in any order but for equal keys, which stand by id. */
struct inf_candidates {
    struct inf_candidate *items, *scratch; /* capacity each */
    size_t count, sorted, capacity;
    double logit_max; /* of the likeliest candidate */
    uint32_t *bins;   /* counters of the sorts */
};

/* Takes memory for a vocabulary of which `keep` candidates are collected; false: there is none. */
bool inf_candidates_init(struct inf_candidates *c, struct inf_arena *arena, uint32_t vocab_size,
                         size_t keep);

/* The `keep` likeliest tokens of logits[vocab_size] (top-k), sorted; all, in the order of their
 * ids, where keep >= vocab_size. One pass over the logits. Checks as inf_logits_check. */
infer_status inf_candidates_collect(struct inf_candidates *c, const float *logits,
                                    uint32_t vocab_size, size_t keep, infer_error *err);

/* Makes sure that the first `count` items (at most all) are sorted. */
void inf_candidates_sort(struct inf_candidates *c, size_t count);

/* Weight of item i: e^((logit - logit_max) * scale), 1 for the likeliest. scale: 1/temperature. */
double inf_candidates_weight(const struct inf_candidates *c, size_t i, double scale);

/* Sum of all weights in the order of the items (struct inf_exp_sum); at least 1. */
double inf_candidates_total(const struct inf_candidates *c, double scale);

/* Keeps the candidates with (logit_max - logit) * scale <= limit, the likeliest in any case. */
void inf_candidates_keep_near(struct inf_candidates *c, double scale, double limit);

/* ---- Filters: filters.c -------------------------------------------------------------------- */

/* Probabilities are those among the candidates that are left, at temperature 1. */

/* Top-p, the nucleus of Holtzman et al. 2019 (arXiv 1904.09751): the shortest prefix of the sorted
 * candidates that reaches p. */
void inf_filter_top_p(struct inf_candidates *c, double p);

/* Min-p, Nguyen et al. 2024 (arXiv 2407.01082): drops what is less likely than p times the
 * likeliest. */
void inf_filter_min_p(struct inf_candidates *c, double p);

/* Locally typical sampling, Meister et al. 2022 (arXiv 2202.00666): the candidates whose surprise
 * is nearest to the entropy, as few as reach p. */
void inf_filter_typical(struct inf_candidates *c, double p);

/* XTC, "exclude top choices", by p-e-w (oobabooga/text-generation-webui, pull request 6335): with
 * this probability, drops all candidates at or above the threshold but the least likely of them.
 * Draws one number whatever happens. Unlike there, no token is special: newline and end of text may
 * be dropped too. */
void inf_filter_xtc(struct inf_candidates *c, struct inf_rng *rng, double probability,
                    double threshold);

/* ---- Edits: penalties.c, dry.c ------------------------------------------------------------- */

/* A logit after an edit: -infinity stays, anything else stays finite. */
static inline float inf_logit_edited(float before, double after)
{
    if (before < -FLT_MAX)
        return before;
    return (float)(after > FLT_MAX ? FLT_MAX : after < -FLT_MAX ? -FLT_MAX : after);
}

struct inf_bias {
    struct infer_logit_bias *items;
    size_t count;
};

void inf_bias_apply(const struct inf_bias *bias, float *logits);

/* The last `window` tokens and how often each stands among them. */
struct inf_penalties {
    double repetition, frequency, presence;
    size_t window, used, next; /* window 0: the step is off */
    infer_token *ring;         /* (window) */
    uint32_t *times, *place;   /* (vocab): count in the ring; index in `distinct` */
    infer_token *distinct;     /* (min(window, vocab)): the tokens with a count */
    size_t distinct_count;
};

bool inf_penalties_init(struct inf_penalties *p, struct inf_arena *arena, uint32_t vocab_size,
                        size_t window);
void inf_penalties_forget(struct inf_penalties *p);
void inf_penalties_accept(struct inf_penalties *p, infer_token id);
void inf_penalties_apply(const struct inf_penalties *p, float *logits);

/* DRY, "don't repeat yourself", by p-e-w (oobabooga/text-generation-webui, pull request 5677). The
 * length of a match has no cap; a penalty that leaves float's range ends at its bound. */
struct inf_dry {
    double multiplier, base;
    size_t allowed;            /* matches shorter than this are free */
    size_t window, used, next; /* window 0: the step is off */
    infer_token *ring;         /* (window) */
    infer_token *text;         /* (window): the ring, newest first */
    uint32_t *match;           /* (window): at i, how far text + i goes as text does */
    uint32_t *longest;  /* (vocab): longest match that the token would go on; 0 between calls */
    uint64_t *breakers; /* (vocab) bits */
};

bool inf_dry_init(struct inf_dry *dry, struct inf_arena *arena, uint32_t vocab_size, size_t window);
void inf_dry_breaker(struct inf_dry *dry, infer_token id);
void inf_dry_accept(struct inf_dry *dry, infer_token id);
void inf_dry_apply(struct inf_dry *dry, float *logits);

/* ---- Mirostat 2.0: mirostat.c -------------------------------------------------------------- */

/* Basu et al. 2020 (arXiv 2007.14966), the alternate algorithm: a bound mu on the surprise, in
 * bits, is led so that the surprise of the text comes out at tau. */
struct inf_mirostat {
    double tau, eta, mu;
    double total, scale; /* of the last set, before it was cut */
    infer_token id;      /* picked last and not yet accepted, else -1 */
    double surprise;     /* of `id` before the cut, bits */
};

void inf_mirostat_init(struct inf_mirostat *m, double tau, double eta);
void inf_mirostat_cut(struct inf_mirostat *m, struct inf_candidates *c, double scale);
void inf_mirostat_picked(struct inf_mirostat *m, const struct inf_candidates *c, size_t i);
void inf_mirostat_accept(struct inf_mirostat *m, infer_token id);

#endif
