/* The sampler: its options, and the order of the steps. */
#include "lib/sample/sample.h"

#include "lib/base/limits.h"

#include <math.h>

#define PENALTY_LAST 64
#define DRY_BASE 1.75f
#define DRY_ALLOWED 2
#define DRY_LAST 4096
#define MIROSTAT_TAU 5.0f
#define MIROSTAT_ETA 0.1f

struct infer_sampler {
    struct inf_arena arena; /* holds all of it, this struct too */
    infer_sampler_options options;
    uint32_t vocab_size;
    size_t keep;   /* candidates collected: top-k, or all */
    float *edited; /* (vocab): logits after the edits; NULL where no edit is on and no filter was */
    struct inf_bias bias;
    struct inf_penalties penalties;
    struct inf_dry dry;
    struct inf_candidates candidates;
    struct inf_mirostat mirostat;
    struct inf_rng rng;
    struct inf_filter filter;
    bool filter_rests;
    infer_token filter_also;
};

void infer_sampler_defaults(infer_sampler_options *options, uint64_t seed)
{
    *options = (infer_sampler_options){
        .size = sizeof *options,
        .temperature = 0.8f,
        .top_k = 40,
        .top_p = 0.95f,
        .min_p = 0.05f,
        .seed = seed,
    };
}

/* Takes over what the caller's version of the struct has; fields that it lacks stay 0. */
static infer_status read_options(const infer_sampler_options *from, infer_sampler_options *to,
                                 infer_error *err)
{
    *to = (infer_sampler_options){.size = sizeof *to};
    if (!from)
        return INFER_OK;
    if (from->size < sizeof from->size)
        return inf_fail(err, INFER_E_ARGUMENT, "size: %zu, must be sizeof(infer_sampler_options)",
                        from->size);
    const unsigned char *bytes = (const unsigned char *)from;
    for (size_t i = sizeof *to; i < from->size; i++)
        if (bytes[i])
            return inf_fail(err, INFER_E_ARGUMENT,
                            "size: %zu, this library knows the first %zu bytes of the options and "
                            "byte %zu is not 0",
                            from->size, sizeof *to, i);
    memcpy(to, from, inf_min_size(from->size, sizeof *to));
    to->size = sizeof *to;
    return INFER_OK;
}

#define RANGE(field, least, greatest)                                                              \
    {                                                                                              \
#field, offsetof(infer_sampler_options, field), least, greatest                            \
    }

static const struct range {
    const char *name;
    size_t offset;
    float least, greatest;
} ranges[] = {
    RANGE(temperature, 0, FLT_MAX),
    RANGE(top_p, 0, 1),
    RANGE(min_p, 0, 1),
    RANGE(typical_p, 0, 1),
    RANGE(repetition_penalty, 0, FLT_MAX),
    RANGE(frequency_penalty, -FLT_MAX, FLT_MAX),
    RANGE(presence_penalty, -FLT_MAX, FLT_MAX),
    RANGE(dry_multiplier, 0, FLT_MAX),
    RANGE(xtc_probability, 0, 1),
    RANGE(xtc_threshold, 0, 1),
    RANGE(mirostat_tau, 0, FLT_MAX),
    RANGE(mirostat_eta, 0, FLT_MAX),
};

static infer_status check_numbers(const infer_sampler_options *o, infer_error *err)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        float value;
        memcpy(&value, (const char *)o + ranges[i].offset, sizeof value);
        if (!(value >= ranges[i].least && value <= ranges[i].greatest))
            return inf_fail(err, INFER_E_ARGUMENT, "%s: %g, must be in %g ... %g", ranges[i].name,
                            (double)value, (double)ranges[i].least, (double)ranges[i].greatest);
    }
    if (o->dry_base != 0.0f && !(o->dry_base >= 1.0f && o->dry_base <= FLT_MAX))
        return inf_fail(err, INFER_E_ARGUMENT, "dry_base: %g, must be 0 or in 1 ... %g",
                        (double)o->dry_base, (double)FLT_MAX);
    if (o->mirostat != 0 && o->mirostat != 2)
        return inf_fail(err, INFER_E_ARGUMENT, "mirostat: %d, must be 0 or 2", o->mirostat);
    if (o->penalty_last > INF_MAX_CONTEXT)
        return inf_fail(err, INFER_E_ARGUMENT, "penalty_last: %u, at most %u",
                        (unsigned)o->penalty_last, INF_MAX_CONTEXT);
    if (o->dry_last > INF_MAX_CONTEXT)
        return inf_fail(err, INFER_E_ARGUMENT, "dry_last: %u, at most %u", (unsigned)o->dry_last,
                        INF_MAX_CONTEXT);
    if (o->allocator && (!o->allocator->alloc || !o->allocator->release))
        return inf_fail(err, INFER_E_ARGUMENT, "allocator: alloc or release is NULL");
    return INFER_OK;
}

static infer_status check_id(const char *field, size_t index, infer_token id, uint32_t vocab_size,
                             infer_error *err)
{
    if (id >= 0 && (uint32_t)id < vocab_size)
        return INFER_OK;
    return inf_fail(err, INFER_E_ARGUMENT, "%s[%zu]: token %d, the vocabulary has %u", field, index,
                    (int)id, (unsigned)vocab_size);
}

static infer_status check_lists(const infer_sampler_options *o, uint32_t vocab_size,
                                infer_error *err)
{
    infer_status status = INFER_OK;
    if (o->dry_breaker_count && !o->dry_breakers)
        return inf_fail(err, INFER_E_ARGUMENT, "dry_breakers: NULL, dry_breaker_count is %zu",
                        o->dry_breaker_count);
    for (size_t i = 0; i < o->dry_breaker_count && !status; i++)
        status = check_id("dry_breakers", i, o->dry_breakers[i], vocab_size, err);
    if (status)
        return status;
    if (o->bias_count && !o->bias)
        return inf_fail(err, INFER_E_ARGUMENT, "bias: NULL, bias_count is %zu", o->bias_count);
    for (size_t i = 0; i < o->bias_count && !status; i++) {
        status = check_id("bias", i, o->bias[i].id, vocab_size, err);
        if (!status && !(o->bias[i].bias <= FLT_MAX))
            status = inf_fail(err, INFER_E_ARGUMENT, "bias[%zu]: %g, must be finite or -infinity",
                              i, (double)o->bias[i].bias);
    }
    return status;
}

/* Takes the memory of the edits that are on; false: there is none. */
static bool init_edits(infer_sampler *s)
{
    infer_sampler_options *o = &s->options;
    struct inf_arena *arena = &s->arena;
    bool penalties = (o->repetition_penalty != 0.0f && o->repetition_penalty != 1.0f) ||
                     o->frequency_penalty != 0.0f || o->presence_penalty != 0.0f;
    if (!o->penalty_last)
        o->penalty_last = PENALTY_LAST;
    bool dry = o->dry_multiplier > 0.0f;
    if (o->bias_count) {
        s->bias.items = inf_arena_take(arena, o->bias_count, sizeof *s->bias.items);
        if (!s->bias.items)
            return false;
        memcpy(s->bias.items, o->bias, o->bias_count * sizeof *s->bias.items);
        s->bias.count = o->bias_count;
    }
    if (penalties) {
        s->penalties = (struct inf_penalties){
            .repetition = o->repetition_penalty != 0.0f ? (double)o->repetition_penalty : 1.0,
            .frequency = o->frequency_penalty,
            .presence = o->presence_penalty,
        };
        if (!inf_penalties_init(&s->penalties, arena, s->vocab_size, o->penalty_last))
            return false;
    }
    if (dry) {
        s->dry = (struct inf_dry){
            .multiplier = o->dry_multiplier,
            .base = o->dry_base != 0.0f ? o->dry_base : DRY_BASE,
            .allowed = o->dry_allowed_length ? o->dry_allowed_length : DRY_ALLOWED,
        };
        if (!inf_dry_init(&s->dry, arena, s->vocab_size, o->dry_last ? o->dry_last : DRY_LAST))
            return false;
        for (size_t i = 0; i < o->dry_breaker_count; i++)
            inf_dry_breaker(&s->dry, o->dry_breakers[i]);
    }
    if (o->bias_count || penalties || dry) {
        s->edited = inf_arena_take(arena, s->vocab_size, sizeof *s->edited);
        return s->edited != NULL;
    }
    return true;
}

infer_status infer_sampler_new(const infer_sampler_options *options, uint32_t vocab_size,
                               infer_sampler **sampler, infer_error *err)
{
    infer_sampler_options o;
    if (!sampler)
        return inf_fail(err, INFER_E_ARGUMENT, "sampler: NULL");
    *sampler = NULL;
    infer_status status = read_options(options, &o, err);
    if (!status && (vocab_size == 0 || vocab_size > INF_MAX_VOCAB))
        status = inf_fail(err, INFER_E_ARGUMENT, "vocab_size: %u, must be in 1 ... %u",
                          (unsigned)vocab_size, INF_MAX_VOCAB);
    if (!status)
        status = check_numbers(&o, err);
    if (!status)
        status = check_lists(&o, vocab_size, err);
    if (status)
        return status;

    struct inf_arena arena;
    inf_arena_init(&arena, o.allocator ? o.allocator : &inf_allocator_default);
    infer_sampler *s = inf_arena_take(&arena, 1, sizeof *s);
    if (!s)
        return inf_fail_memory(err, "the sampler", sizeof *s);
    s->arena = arena;
    s->options = o;
    s->vocab_size = vocab_size;
    s->keep = o.top_k && !o.mirostat ? inf_min_size(o.top_k, vocab_size) : vocab_size;
    inf_rng_seed(&s->rng, o.seed);
    inf_mirostat_init(&s->mirostat, o.mirostat_tau != 0.0f ? o.mirostat_tau : MIROSTAT_TAU,
                      o.mirostat_eta != 0.0f ? o.mirostat_eta : MIROSTAT_ETA);
    if (!init_edits(s) || (o.temperature > 0.0f &&
                           !inf_candidates_init(&s->candidates, &s->arena, vocab_size, s->keep))) {
        infer_sampler_free(s);
        return inf_fail(err, INFER_E_MEMORY, "no memory for a sampler of %u tokens",
                        (unsigned)vocab_size);
    }
    /* The lists were copied; the caller's may go. */
    s->options.allocator = NULL;
    s->options.bias = NULL;
    s->options.dry_breakers = NULL;
    *sampler = s;
    return INFER_OK;
}

const infer_model *inf_sampler_model(const infer_sampler *sampler)
{
    return sampler->filter.model;
}

uint32_t inf_sampler_vocab_size(const infer_sampler *sampler)
{
    return sampler->vocab_size;
}

void infer_sampler_free(infer_sampler *sampler)
{
    if (!sampler)
        return;
    struct inf_arena arena = sampler->arena;
    if (sampler->filter.release)
        sampler->filter.release(sampler->filter.ud);
    inf_arena_free(&arena);
}

/* ---- Filter ---------------------------------------------------------------------------------- */

infer_status inf_sampler_set_filter(infer_sampler *sampler, struct inf_filter filter,
                                    infer_error *err)
{
    if (filter.release && !sampler->edited) {
        sampler->edited = inf_arena_take(&sampler->arena, sampler->vocab_size, sizeof(float));
        if (!sampler->edited)
            return inf_fail_memory(err, "logits under a grammar",
                                   sampler->vocab_size * sizeof(float));
    }
    if (sampler->filter.release)
        sampler->filter.release(sampler->filter.ud);
    sampler->filter = filter;
    sampler->filter_rests = false;
    sampler->filter_also = -1;
    return INFER_OK;
}

void inf_sampler_rest(infer_sampler *sampler, bool free, infer_token also)
{
    sampler->filter_rests = free;
    sampler->filter_also = also;
}

void inf_sampler_forget(infer_sampler *sampler)
{
    inf_penalties_forget(&sampler->penalties);
    sampler->dry.used = sampler->dry.next = 0;
}

/* Gives the logits of what does not fit (flip: of what fits, where all its bits are set) -infinity; 64
 * tokens at a time where a word says it of all. */
static void apply_mask(const uint64_t *mask, uint64_t flip, float *logits, uint32_t vocab_size)
{
    for (uint32_t first = 0; first < vocab_size; first += 64) {
        uint64_t word = mask[first / 64] ^ flip;
        uint32_t count = vocab_size - first < 64 ? vocab_size - first : 64;
        if (word == UINT64_MAX)
            continue;
        for (uint32_t i = 0; i < count; i++)
            logits[first + i] = word >> i & 1 ? logits[first + i] : -INFINITY;
    }
}

static infer_status filter_logits(infer_sampler *s, const float *logits, float *edited,
                                  infer_error *err)
{
    const uint64_t *mask = s->filter.ends;
    infer_token also = s->filter_also;
    infer_status status = s->filter_rests ? INFER_OK : s->filter.mask(s->filter.ud, &mask, err);
    if (status)
        return status;
    apply_mask(mask, s->filter_rests ? UINT64_MAX : 0, edited, s->vocab_size);
    if (also >= 0 && (uint32_t)also < s->vocab_size)
        edited[also] = logits[also];
    return INFER_OK;
}

/* ---- Sampling -------------------------------------------------------------------------------- */

/* Draws one of the candidates by their weights: item i where u * total falls into the i-th stretch
 * of the sums over the sorted candidates. Returns its index. */
static size_t choose(infer_sampler *s, double scale)
{
    struct inf_candidates *c = &s->candidates;
    double goal = inf_rng_uniform(&s->rng) * inf_candidates_total(c, scale), sum = 0.0;
    size_t chosen = 0;
    for (size_t i = 0; i < c->count && sum <= goal; i++) {
        inf_candidates_sort(c, i + 1);
        double weight = inf_candidates_weight(c, i, scale);
        sum += weight;
        if (weight > 0.0)
            chosen = i; /* the last one too, where rounding leaves the sum short of the goal */
    }
    return chosen;
}

static void filter(infer_sampler *s)
{
    const infer_sampler_options *o = &s->options;
    struct inf_candidates *c = &s->candidates;
    if (o->typical_p > 0.0f && o->typical_p < 1.0f)
        inf_filter_typical(c, o->typical_p);
    if (o->top_p > 0.0f && o->top_p < 1.0f)
        inf_filter_top_p(c, o->top_p);
    if (o->min_p > 0.0f)
        inf_filter_min_p(c, o->min_p);
    if (o->xtc_probability > 0.0f && o->xtc_threshold > 0.0f)
        inf_filter_xtc(c, &s->rng, o->xtc_probability, o->xtc_threshold);
}

infer_status infer_sampler_sample(infer_sampler *sampler, const float *logits, infer_token *id,
                                  infer_error *err)
{
    infer_sampler *s = sampler;
    if (!s || !logits || !id)
        return inf_fail(err, INFER_E_ARGUMENT, "%s: NULL",
                        !s        ? "sampler"
                        : !logits ? "logits"
                                  : "id");
    if (s->edited) {
        infer_status status = inf_logits_check(logits, s->vocab_size, err);
        if (status)
            return status;
        memcpy(s->edited, logits, s->vocab_size * sizeof *logits);
        if (s->filter.release && (s->filter.ends || !s->filter_rests) &&
            (status = filter_logits(s, logits, s->edited, err)))
            return status;
        inf_bias_apply(&s->bias, s->edited);
        inf_penalties_apply(&s->penalties, s->edited);
        inf_dry_apply(&s->dry, s->edited);
        logits = s->edited;
    }
    if (s->options.temperature == 0.0f)
        return inf_logits_greatest(logits, s->vocab_size, id, err);

    struct inf_candidates *c = &s->candidates;
    infer_status status = inf_candidates_collect(c, logits, s->vocab_size, s->keep, err);
    if (status)
        return status;
    double scale = 1.0 / (double)s->options.temperature;
    if (s->options.mirostat)
        inf_mirostat_cut(&s->mirostat, c, scale);
    else
        filter(s);
    size_t chosen = choose(s, scale);
    if (s->options.mirostat)
        inf_mirostat_picked(&s->mirostat, c, chosen);
    *id = c->items[chosen].id;
    return INFER_OK;
}

infer_status infer_sampler_accept(infer_sampler *sampler, infer_token id, infer_error *err)
{
    if (!sampler)
        return inf_fail(err, INFER_E_ARGUMENT, "sampler: NULL");
    if (id < 0 || (uint32_t)id >= sampler->vocab_size)
        return inf_fail(err, INFER_E_ARGUMENT, "id: token %d, the vocabulary has %u", (int)id,
                        (unsigned)sampler->vocab_size);
    if (sampler->filter.release && !sampler->filter_rests && id != sampler->filter_also) {
        infer_status status = sampler->filter.accept(sampler->filter.ud, id, err);
        if (status)
            return status;
    }
    inf_penalties_accept(&sampler->penalties, id);
    inf_dry_accept(&sampler->dry, id);
    inf_mirostat_accept(&sampler->mirostat, id);
    return INFER_OK;
}
