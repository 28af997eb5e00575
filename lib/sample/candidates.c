/*
 * The set of tokens that may still be picked, kept sorted only as far as somebody looks: of a
 * vocabulary of 150 000 the steps usually read a few dozen.
 */
#include "lib/sample/sample.h"

#include "lib/sample/sample_math.h"

#define BLOCK 256       /* logits whose least and greatest key are found at a time */
#define SORT_SMALL 48   /* up to here insertion beats the radix sort */
#define SORT_STEP 256   /* sort at least so many at a time */
#define BINS 4096       /* of the partition; the radix sort uses 4 x 256 of them */
#define BINS_A_LOGIT 64 /* the partition tells logits apart that differ by 1/64 */

struct inf_key_range inf_keys_range(const float *logits, size_t count)
{
    int32_t least = INT32_MAX, greatest = INT32_MIN;
    for (size_t i = 0; i < count; i++) {
        int32_t key = inf_logit_key(logits[i]);
        least = key < least ? key : least;
        greatest = key > greatest ? key : greatest;
    }
    return (struct inf_key_range){least, greatest};
}

infer_status inf_logits_fail(const float *logits, size_t first, size_t count, infer_error *err)
{
    for (size_t i = first; i < first + count; i++) {
        int32_t key = inf_logit_key(logits[i]);
        if (key == INF_KEY_INFINITY)
            return inf_fail(err, INFER_E_NUMERIC, "the logit of token %zu is +infinite", i);
        if (key > INF_KEY_INFINITY || key < INF_KEY_MINUS_INFINITY)
            return inf_fail(err, INFER_E_NUMERIC, "the logit of token %zu is NaN", i);
    }
    return inf_fail(err, INFER_E_NUMERIC,
                    "no token can be picked: the logits of all %zu tokens are "
                    "-infinite, by themselves or by the bias",
                    first + count);
}

infer_status inf_logits_check(const float *logits, uint32_t vocab_size, infer_error *err)
{
    infer_token id;
    return inf_logits_greatest(logits, vocab_size, &id, err);
}

infer_status inf_logits_greatest(const float *logits, uint32_t vocab_size, infer_token *id,
                                 infer_error *err)
{
    int32_t greatest = INF_KEY_MINUS_INFINITY;
    size_t block = 0;
    for (size_t i = 0; i < vocab_size; i += BLOCK) {
        size_t count = inf_min_size(BLOCK, vocab_size - i);
        struct inf_key_range range = inf_keys_range(logits + i, count);
        if (inf_keys_damaged(range))
            return inf_logits_fail(logits, i, count, err);
        if (range.greatest > greatest) {
            greatest = range.greatest;
            block = i;
        }
    }
    if (greatest == INF_KEY_MINUS_INFINITY)
        return inf_logits_fail(logits, 0, vocab_size, err);
    while (inf_logit_key(logits[block]) != greatest)
        block++;
    *id = (infer_token)block;
    return INFER_OK;
}

bool inf_candidates_init(struct inf_candidates *c, struct inf_arena *arena, uint32_t vocab_size,
                         size_t keep)
{
    *c = (struct inf_candidates){.capacity = vocab_size};
    if (keep < vocab_size)
        c->capacity = inf_min_size(vocab_size, keep + inf_max_size(keep, SORT_STEP));
    c->items = inf_arena_take(arena, c->capacity, sizeof *c->items);
    c->scratch = inf_arena_take(arena, c->capacity, sizeof *c->scratch);
    c->bins = inf_arena_take(arena, BINS, sizeof *c->bins);
    return c->items && c->scratch && c->bins;
}

/* Keeps the `keep` likeliest of more; returns the key that a later token must pass. */
static int32_t shrink(struct inf_candidates *c, size_t keep)
{
    c->sorted = 0;
    inf_candidates_sort(c, keep);
    c->count = c->sorted = keep;
    return c->items[keep - 1].key;
}

infer_status inf_candidates_collect(struct inf_candidates *c, const float *logits,
                                    uint32_t vocab_size, size_t keep, infer_error *err)
{
    /* Later tokens have higher ids, so one that only equals the last of `keep` is out. */
    int32_t pass = INF_KEY_MINUS_INFINITY, greatest = INF_KEY_MINUS_INFINITY;
    c->count = c->sorted = 0;
    for (size_t i = 0; i < vocab_size; i += BLOCK) {
        size_t count = inf_min_size(BLOCK, vocab_size - i);
        struct inf_key_range range = inf_keys_range(logits + i, count);
        if (inf_keys_damaged(range))
            return inf_logits_fail(logits, i, count, err);
        greatest = range.greatest > greatest ? range.greatest : greatest;
        if (range.greatest <= pass)
            continue;
        c->logit_max = inf_key_logit(greatest);
        for (size_t j = i; j < i + count; j++) {
            int32_t key = inf_logit_key(logits[j]);
            if (key <= pass)
                continue;
            c->items[c->count++] = (struct inf_candidate){key, (infer_token)j};
            if (c->count == c->capacity && keep < c->count)
                pass = shrink(c, keep);
        }
    }
    if (c->count == 0)
        return inf_logits_fail(logits, 0, vocab_size, err);
    if (keep < vocab_size)
        shrink(c, inf_min_size(keep, c->count));
    return INFER_OK;
}

static void sort_small(struct inf_candidate *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct inf_candidate item = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].key < item.key; j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

/* The digit of a key that the pass at `shift` sorts by: the greatest key has digits 0. */
static size_t digit(int32_t key, int shift)
{
    return (((uint32_t)key ^ 0x7fffffffu) >> shift) & 255;
}

/* Stable, by falling key; bytes from the lowest on. */
static void sort_radix(struct inf_candidate *items, struct inf_candidate *scratch, size_t count,
                       uint32_t *bins)
{
    memset(bins, 0, 4 * 256 * sizeof *bins);
    for (size_t i = 0; i < count; i++)
        for (int pass = 0; pass < 4; pass++)
            bins[pass * 256 + digit(items[i].key, pass * 8)]++;
    struct inf_candidate *from = items, *to = scratch;
    for (int pass = 0; pass < 4; pass++) {
        uint32_t *bin = bins + pass * 256;
        if (bin[digit(items[0].key, pass * 8)] == count)
            continue; /* all have the same byte here */
        uint32_t start = 0;
        for (size_t i = 0; i < 256; i++) {
            uint32_t in_bin = bin[i];
            bin[i] = start;
            start += in_bin;
        }
        for (size_t i = 0; i < count; i++)
            to[bin[digit(from[i].key, pass * 8)]++] = from[i];
        struct inf_candidate *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

static size_t bin_of(const struct inf_candidates *c, const struct inf_candidate *item)
{
    double down = (c->logit_max - (double)inf_key_logit(item->key)) * BINS_A_LOGIT;
    return down < BINS - 1 ? (size_t)down : BINS - 1;
}

/* Moves likelier items of items[count] to the front, `wanted` of them or more; returns how many. */
static size_t partition(struct inf_candidates *c, struct inf_candidate *items, size_t count,
                        size_t wanted)
{
    memset(c->bins, 0, BINS * sizeof *c->bins);
    for (size_t i = 0; i < count; i++)
        c->bins[bin_of(c, items + i)]++;
    size_t last = 0, front = c->bins[0];
    while (front < wanted)
        front += c->bins[++last];
    size_t near = 0, far = 0;
    for (size_t i = 0; i < count; i++) {
        struct inf_candidate item = items[i];
        if (bin_of(c, &item) <= last)
            items[near++] = item;
        else
            c->scratch[far++] = item;
    }
    memcpy(items + near, c->scratch, far * sizeof *items);
    return front;
}

void inf_candidates_sort(struct inf_candidates *c, size_t count)
{
    count = inf_min_size(count, c->count);
    if (count <= c->sorted)
        return;
    /* Twice as many each time, so that a long walk costs no more than one sort. */
    struct inf_candidate *items = c->items + c->sorted;
    size_t rest = c->count - c->sorted;
    size_t wanted = inf_max_size(count - c->sorted, inf_max_size(c->sorted, SORT_STEP));
    if (wanted < rest / 2)
        rest = partition(c, items, rest, wanted);
    if (rest <= SORT_SMALL)
        sort_small(items, rest);
    else
        sort_radix(items, c->scratch, rest, c->bins);
    c->sorted += rest;
}

double inf_candidates_weight(const struct inf_candidates *c, size_t i, double scale)
{
    return inf_exp(((double)inf_key_logit(c->items[i].key) - c->logit_max) * scale);
}

double inf_candidates_total(const struct inf_candidates *c, double scale)
{
    struct inf_exp_sum sum = {{0}};
    double x[INF_EXP_BATCH];
    for (size_t i = 0; i < c->count; i += INF_EXP_BATCH) {
        size_t count = inf_min_size(INF_EXP_BATCH, c->count - i);
        for (size_t j = 0; j < count; j++)
            x[j] = ((double)inf_key_logit(c->items[i + j].key) - c->logit_max) * scale;
        inf_exp_sum_add(&sum, x, count);
    }
    return inf_exp_sum_total(&sum);
}

void inf_candidates_keep_near(struct inf_candidates *c, double scale, double limit)
{
    size_t kept = 0, sorted = 0;
    limit = limit < 0.0 ? 0.0 : limit;
    for (size_t i = 0; i < c->count; i++) {
        struct inf_candidate item = c->items[i];
        if ((c->logit_max - (double)inf_key_logit(item.key)) * scale > limit)
            continue;
        sorted += i < c->sorted;
        c->items[kept++] = item;
    }
    c->count = kept;
    c->sorted = sorted;
}
