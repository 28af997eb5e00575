/*
 * The single steps of the sampler, each against cases worked out by hand and against a reference
 * that follows the definition word by word: full sorts, long double sums, quadratic searches.
 */
#include "lib/sample/sample.h"
#include "lib/sample/sample_math.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

Suite *suite_sample_steps(void);

enum { VOCAB_MAX = 3000 };

/* ---- Numbers ------------------------------------------------------------------------------- */

START_TEST(random_numbers_are_those_of_the_papers)
{
    struct inf_rng rng = {{1, 2, 3, 4}};
    const uint64_t xoshiro[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(inf_rng_next(&rng), xoshiro[i]);
    inf_rng_seed(&rng, 1234567);
    const uint64_t splitmix[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                 4593380528125082431u};
    ck_assert_mem_eq(rng.s, splitmix, sizeof splitmix);

    double least = 1, greatest = 0, sum = 0;
    for (int i = 0; i < 100000; i++) {
        double u = inf_rng_uniform(&rng);
        if (u < 0 || u >= 1 || u * 0x1p53 != floor(u * 0x1p53)) /* ck_assert costs a message */
            ck_abort_msg("%a", u);
        least = fmin(least, u);
        greatest = fmax(greatest, u);
        sum += u;
    }
    ck_assert(least < 1e-4 && greatest > 1 - 1e-4 && fabs(sum / 100000 - 0.5) < 0.004);
}
END_TEST

START_TEST(exp_and_log_are_exact_to_two_units)
{
    struct inf_rng rng;
    inf_rng_seed(&rng, 1);
    ck_assert(inf_exp(0) == 1 && inf_exp(-0.0) == 1 && inf_log(1) == 0);
    ck_assert(inf_exp(-709) == 0 && inf_exp(-1e300) == 0 && inf_exp(-INFINITY) == 0);
    ck_assert(inf_exp(-708) > 0 && inf_exp(-1e-300) == 1);
    for (int i = 0; i < 200000; i++) {
        double u = inf_rng_uniform(&rng), x = -708 * u * u * u;
        double e = inf_exp(x), want = exp(x);
        if (fabs(e - want) > want * 0x1p-51)
            ck_abort_msg("exp(%a) is %a, not %a", x, e, want);
        double y = exp(1400 * (u - 0.5)), log_y = inf_log(y);
        if (fabs(log_y - log(y)) > fabs(log(y)) * 0x1p-51)
            ck_abort_msg("log(%a) is %a, not %a", y, log_y, log(y));
    }
    for (double m = 0.5; m < 2.2; m += 1e-5)
        if (fabs(inf_log(m) - log(m)) > fabs(log(m)) * 0x1p-51)
            ck_abort_msg("log(%a) is %a, not %a", m, inf_log(m), log(m));
    ck_assert_double_eq_tol(inf_log(FLT_MIN * (double)FLT_EPSILON),
                            log(FLT_MIN * (double)FLT_EPSILON), 1e-13);
}
END_TEST

START_TEST(keys_have_the_order_of_logits)
{
    const float rising[] = {-INFINITY, -FLT_MAX, -1, -FLT_MIN, -1e-45f, 0, 1e-45f, 1, FLT_MAX};
    for (size_t i = 0; i < 9; i++) {
        ck_assert(inf_key_logit(inf_logit_key(rising[i])) == rising[i]);
        ck_assert(i == 0 || inf_logit_key(rising[i - 1]) < inf_logit_key(rising[i]));
    }
    ck_assert_int_eq(inf_logit_key(-0.0f), inf_logit_key(0.0f));
    ck_assert_int_eq(inf_logit_key(-INFINITY), INF_KEY_MINUS_INFINITY);
    ck_assert_int_eq(inf_logit_key(INFINITY), INF_KEY_INFINITY);
    ck_assert_int_gt(inf_logit_key(NAN), INF_KEY_INFINITY);
    ck_assert_int_lt(inf_logit_key(-NAN), INF_KEY_MINUS_INFINITY);
}
END_TEST

/* ---- A set to work on, and its reference ---------------------------------------------------- */

struct reference {
    struct item {
        float logit;
        infer_token id;
        long double p;
    } items[VOCAB_MAX];
    size_t count;
    bool doubtful; /* a sum came so near to its goal that rounding decides */
};

struct fixture {
    struct inf_arena arena;
    struct inf_candidates c;
    struct inf_rng rng;
    float logits[VOCAB_MAX];
    struct reference r;
};

static struct fixture fix;

static void setup(void)
{
    inf_arena_init(&fix.arena, &inf_allocator_default);
    inf_rng_seed(&fix.rng, 20);
}

static void teardown(void)
{
    inf_arena_free(&fix.arena);
}

static int by_logit(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

/* Likeliest first, with probabilities. */
static void reference_sort(struct reference *r)
{
    long double total = 0;
    qsort(r->items, r->count, sizeof *r->items, by_logit);
    for (size_t i = 0; i < r->count; i++)
        total += expl((long double)r->items[i].logit - (long double)r->items[0].logit);
    for (size_t i = 0; i < r->count; i++)
        r->items[i].p =
            expl((long double)r->items[i].logit - (long double)r->items[0].logit) / total;
}

static bool reaches(struct reference *r, long double sum, double goal)
{
    r->doubtful |= fabsl(sum - (long double)goal) < 1e-12L;
    return sum >= (long double)goal;
}

/* Collects fix.logits[count], in fix.c and in fix.r. */
static void collect(size_t count, size_t keep)
{
    infer_error err;
    ck_assert(inf_candidates_init(&fix.c, &fix.arena, (uint32_t)count, keep));
    ck_assert_int_eq(inf_candidates_collect(&fix.c, fix.logits, (uint32_t)count, keep, &err), 0);
    fix.r.count = 0;
    fix.r.doubtful = false;
    for (size_t i = 0; i < count; i++)
        if (!isinf(fix.logits[i]))
            fix.r.items[fix.r.count++] = (struct item){fix.logits[i], (infer_token)i, 0};
    reference_sort(&fix.r);
    if (fix.r.count > keep)
        fix.r.count = keep;
    reference_sort(&fix.r);
}

/* The candidates are the reference's, in order where they are sorted; the struct is true. */
static void check_same(const char *step)
{
    struct inf_candidates *c = &fix.c;
    ck_assert_msg(c->count >= 1 && c->sorted <= c->count, "%s: counts", step);
    if (fix.r.doubtful)
        return;
    ck_assert_msg(c->count == fix.r.count, "%s: %zu candidates, not %zu", step, c->count,
                  fix.r.count);
    ck_assert_msg((float)c->logit_max == fix.r.items[0].logit, "%s: logit_max", step);
    for (size_t i = 0; i < c->sorted; i++)
        if (c->items[i].id != fix.r.items[i].id)
            ck_abort_msg("%s: item %zu is not sorted", step, i);
    inf_candidates_sort(c, c->count);
    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].id != fix.r.items[i].id ||
            c->items[i].key != inf_logit_key(fix.r.items[i].logit))
            ck_abort_msg("%s: item %zu is token %d, not %d", step, i, c->items[i].id,
                         fix.r.items[i].id);
}

/* Logits of several kinds: bell-shaped, with many ties, rising, falling, flat, with forbidden ones,
 * of one bin of the partition, of the widest range. */
enum { KINDS = 8 };

static void fill(size_t count, int kind)
{
    for (size_t i = 0; i < count; i++) {
        double x = 0;
        for (int n = 0; n < 12; n++)
            x += inf_rng_uniform(&fix.rng) - 0.5;
        x *= 3;
        const double kinds[KINDS] = {x,
                                     rint(x),
                                     (double)i / 50,
                                     -(double)i / 50,
                                     0.25,
                                     inf_rng_uniform(&fix.rng) < 0.5 && i ? -HUGE_VAL : x,
                                     x * 1e-4,
                                     x * 1e37};
        fix.logits[i] = (float)kinds[kind];
    }
}

static size_t below(size_t n)
{
    return (size_t)(inf_rng_uniform(&fix.rng) * (double)n);
}

#define FOR_RANDOM_SETS(rounds, count, keep)                                                       \
    for (size_t round = 0, count, keep;                                                            \
         round < (rounds) && (count = 1 + below(round % 4 ? 60 : VOCAB_MAX),                       \
                             keep = round % 3 ? count : 1 + below(count),                          \
                             fill(count, (int)(round % KINDS)), collect(count, keep), true);       \
         round++, inf_arena_free(&fix.arena), inf_arena_init(&fix.arena, &inf_allocator_default))

static double random_p(void)
{
    double u = inf_rng_uniform(&fix.rng);
    return below(2) ? u : 1 - u * u * u * 0.1;
}

START_TEST(top_k_matches_a_full_sort)
{
    FOR_RANDOM_SETS(400, count, keep)
    {
        ck_assert(keep == count || fix.c.sorted == fix.c.count);
        check_same("top-k");
    }
    for (size_t keep = 1; keep <= VOCAB_MAX; keep = keep * 3 / 2 + 1) {
        for (int kind = 0; kind < KINDS; kind++) {
            fill(VOCAB_MAX, kind);
            collect(VOCAB_MAX, keep);
            check_same("top-k");
        }
        inf_arena_free(&fix.arena);
        inf_arena_init(&fix.arena, &inf_allocator_default);
    }
}
END_TEST

START_TEST(sorting_by_parts_is_sorting)
{
    FOR_RANDOM_SETS(300, count, keep)
    {
        for (size_t n = 1; n < fix.c.count; n += 50 + below(300)) {
            inf_candidates_sort(&fix.c, n);
            ck_assert_uint_ge(fix.c.sorted, n);
            for (size_t i = 0; i < fix.c.sorted; i++)
                if (fix.c.items[i].id != fix.r.items[i].id)
                    ck_abort_msg("item %zu is not sorted", i);
        }
        check_same("sort");
    }
}
END_TEST

START_TEST(total_is_the_sum_of_weights)
{
    FOR_RANDOM_SETS(200, count, keep)
    {
        double scale = 0.1 + 3 * inf_rng_uniform(&fix.rng), sum = 0;
        for (size_t i = 0; i < fix.c.count; i++)
            sum += exp(((double)inf_key_logit(fix.c.items[i].key) - fix.c.logit_max) * scale);
        ck_assert_double_le(fabs(inf_candidates_total(&fix.c, scale) - sum), 1e-12 * sum);
        ck_assert_double_ge(inf_candidates_total(&fix.c, scale), 1);
    }
}
END_TEST

/* ---- Filters ------------------------------------------------------------------------------- */

static void reference_top_p(struct reference *r, double p)
{
    long double sum = 0;
    size_t kept = 0;
    do
        sum += r->items[kept++].p;
    while (kept < r->count && !reaches(r, sum, p));
    r->count = kept;
    reference_sort(r);
}

static void reference_min_p(struct reference *r, double p)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        long double ratio = r->items[i].p / r->items[0].p;
        r->doubtful |= fabsl(ratio - (long double)p) < 1e-12L * (long double)p;
        if (ratio >= (long double)p)
            kept++;
    }
    r->count = kept;
    reference_sort(r);
}

/* Picks the nearest to the entropy again and again. */
static void reference_typical(struct reference *r, double p)
{
    static struct item kept[VOCAB_MAX];
    long double entropy = 0, sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        entropy -= r->items[i].p > 0 ? r->items[i].p * logl(r->items[i].p) : 0;
    do {
        size_t best = 0;
        long double best_apart = HUGE_VALL;
        for (size_t i = 0; i < r->count; i++) {
            if (r->items[i].id < 0)
                continue;
            long double apart = fabsl(-logl(r->items[i].p) - entropy);
            /* The sort before has put equal logits in the order of their ids. */
            if (apart < best_apart) {
                r->doubtful |= best_apart - apart < 1e-9L;
                best = i;
                best_apart = apart;
            } else if (r->items[i].logit != r->items[best].logit) {
                r->doubtful |= apart - best_apart < 1e-9L;
            }
        }
        kept[count++] = r->items[best];
        sum += r->items[best].p;
        r->items[best].id = -1;
    } while (count < r->count && !reaches(r, sum, p));
    memcpy(r->items, kept, count * sizeof *kept);
    r->count = count;
    reference_sort(r);
}

static void reference_xtc(struct reference *r, double threshold)
{
    size_t above = 0;
    for (size_t i = 0; i < r->count; i++)
        above += reaches(r, r->items[i].p, threshold);
    if (above < 2)
        return;
    memmove(r->items, r->items + above - 1, (r->count - above + 1) * sizeof *r->items);
    r->count -= above - 1;
    reference_sort(r);
}

START_TEST(top_p_matches_its_definition)
{
    FOR_RANDOM_SETS(1500, count, keep)
    {
        double p = random_p();
        inf_filter_top_p(&fix.c, p);
        reference_top_p(&fix.r, p);
        check_same("top-p");
    }
}
END_TEST

START_TEST(min_p_matches_its_definition)
{
    FOR_RANDOM_SETS(1500, count, keep)
    {
        double p = below(8) ? pow(random_p(), 3) : 1;
        inf_filter_min_p(&fix.c, p);
        if (p == 1)
            for (fix.r.count = 1; fix.r.count < count && fix.r.count < keep &&
                                  fix.r.items[fix.r.count].logit == fix.r.items[0].logit;)
                fix.r.count++;
        else
            reference_min_p(&fix.r, p);
        check_same("min-p");
    }
}
END_TEST

START_TEST(typical_matches_its_definition)
{
    size_t judged = 0;
    FOR_RANDOM_SETS(1200, count, keep)
    {
        if (count > 400)
            continue;
        double p = random_p();
        inf_filter_typical(&fix.c, p);
        reference_typical(&fix.r, p);
        check_same("typical");
        judged += !fix.r.doubtful;
    }
    ck_assert_uint_gt(judged, 500);
}
END_TEST

START_TEST(xtc_matches_its_definition)
{
    size_t dropped = 0;
    FOR_RANDOM_SETS(1500, count, keep)
    {
        double threshold = 0.3 * pow(random_p(), 4) + 1e-6;
        size_t before = fix.c.count;
        inf_filter_xtc(&fix.c, &fix.rng, 1, threshold);
        reference_xtc(&fix.r, threshold);
        check_same("xtc");
        dropped += fix.c.count < before;
    }
    ck_assert_uint_gt(dropped, 300);
}
END_TEST

/* Steps in a row: each leaves the struct as the next needs it. */
START_TEST(chains_match_their_definitions)
{
    FOR_RANDOM_SETS(2000, count, keep)
    {
        double p = random_p();
        if (count < 400 && below(2)) {
            inf_filter_typical(&fix.c, p);
            reference_typical(&fix.r, p);
        }
        if (below(2)) {
            p = random_p();
            inf_filter_top_p(&fix.c, p);
            reference_top_p(&fix.r, p);
        }
        if (below(2)) {
            p = 0.2 * random_p();
            inf_filter_min_p(&fix.c, p);
            reference_min_p(&fix.r, p);
        }
        if (below(2)) {
            inf_filter_xtc(&fix.c, &fix.rng, 1, 0.05);
            reference_xtc(&fix.r, 0.05);
        }
        check_same("chain");
    }
}
END_TEST

/* Loads logs of weights, and compares the ids that are left. */
static void load(const double *weights, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fix.logits[i] = (float)log(weights[i]);
    collect(count, count);
}

static void check_ids(const infer_token *ids, size_t count)
{
    inf_candidates_sort(&fix.c, fix.c.count);
    ck_assert_uint_eq(fix.c.count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(fix.c.items[i].id, ids[i]);
}

START_TEST(filters_by_hand)
{
    const double weights[] = {1, 8, 2, 4, 1}, even[] = {3, 3, 3, 3};
    load(weights, 5); /* of 16 */
    inf_filter_top_p(&fix.c, 0.49);
    check_ids((infer_token[]){1}, 1);
    load(weights, 5);
    inf_filter_top_p(&fix.c, 0.51);
    check_ids((infer_token[]){1, 3}, 2);
    load(weights, 5);
    inf_filter_top_p(&fix.c, 0.9); /* 14/16 is not enough; of the two 1 the lower id */
    check_ids((infer_token[]){1, 3, 2, 0}, 4);
    load(even, 4);
    inf_filter_top_p(&fix.c, 0.5); /* exactly reached */
    check_ids((infer_token[]){0, 1}, 2);
    load(weights, 5);
    inf_filter_min_p(&fix.c, 0.2);
    check_ids((infer_token[]){1, 3, 2}, 3);
    load(even, 4);
    inf_filter_min_p(&fix.c, 1);
    check_ids((infer_token[]){0, 1, 2, 3}, 4);

    /* Surprises 4 1 3 2 4 bits, entropy 1.875: apart by 2.125 0.875 1.125 0.125 2.125. */
    load(weights, 5);
    inf_filter_typical(&fix.c, 0.2);
    check_ids((infer_token[]){3}, 1);
    load(weights, 5);
    inf_filter_typical(&fix.c, 0.3);
    check_ids((infer_token[]){1, 3}, 2);
    load(weights, 5);
    inf_filter_typical(&fix.c, 0.8);
    check_ids((infer_token[]){1, 3, 2}, 3);
    load(weights, 5);
    inf_filter_typical(&fix.c, 0.9);
    check_ids((infer_token[]){1, 3, 2, 0}, 4);
    load(even, 4);
    inf_filter_typical(&fix.c, 0.6);
    check_ids((infer_token[]){0, 1, 2}, 3);
    /* The two 3 are farther from the entropy than the eight 1: of them the lower id is kept. */
    load((double[]){1, 1, 1, 1, 3, 3, 1, 1, 1, 1}, 10);
    inf_filter_typical(&fix.c, 0.6);
    check_ids((infer_token[]){4, 0, 1, 2, 3, 6, 7, 8, 9}, 9);

    load(weights, 5);
    inf_filter_xtc(&fix.c, &fix.rng, 1, 0.12); /* 8 4 2 are above: 2 stays */
    check_ids((infer_token[]){2, 0, 4}, 3);
    load(weights, 5);
    inf_filter_xtc(&fix.c, &fix.rng, 1, 0.3);
    check_ids((infer_token[]){1, 3, 2, 0, 4}, 5);
    load(even, 4);
    inf_filter_xtc(&fix.c, &fix.rng, 1, 0.25);
    check_ids((infer_token[]){3}, 1);
}
END_TEST

START_TEST(xtc_draws_once_whatever_happens)
{
    struct inf_rng other = fix.rng;
    for (int i = 0; i < 20; i++) {
        load((double[]){1, 1}, 2);
        inf_filter_xtc(&fix.c, &fix.rng, i % 2 ? 1e-9 : 1, i % 3 ? 0.9 : 0.1);
        inf_rng_uniform(&other);
        ck_assert_mem_eq(&fix.rng, &other, sizeof other);
    }
}
END_TEST

START_TEST(mirostat_by_hand)
{
    /* Surprises 1 2 3 4 4 bits. mu starts at 2 tau. */
    const double weights[] = {8, 4, 2, 1, 1};
    struct inf_mirostat m;
    inf_mirostat_init(&m, 1.25, 0.5);
    load(weights, 5);
    inf_mirostat_cut(&m, &fix.c, 1);
    check_ids((infer_token[]){0, 1}, 2); /* mu 2.5 */
    inf_mirostat_picked(&m, &fix.c, 1);
    ck_assert_double_eq_tol(m.surprise, 2, 1e-6);
    inf_mirostat_accept(&m, 1);
    ck_assert_double_eq_tol(m.mu, 2.5 - 0.5 * (2 - 1.25), 1e-6); /* 2.125 */
    inf_mirostat_accept(&m, 1);                                  /* was not picked again */
    ck_assert_double_eq_tol(m.mu, 2.125, 1e-6);

    load(weights, 5);
    inf_mirostat_cut(&m, &fix.c, 1);
    inf_mirostat_picked(&m, &fix.c, 0);
    inf_mirostat_accept(&m, 3); /* another token became the text */
    ck_assert_double_eq_tol(m.mu, 2.125, 1e-6);

    m.mu = -3; /* all are above: the likeliest stays */
    load(weights, 5);
    inf_mirostat_cut(&m, &fix.c, 1);
    check_ids((infer_token[]){0}, 1);

    /* Temperature 1/2 squares the weights: 64 16 4 1 1 of 86. */
    m.mu = 4.5;
    load(weights, 5);
    inf_mirostat_cut(&m, &fix.c, 2);
    check_ids((infer_token[]){0, 1, 2}, 3);
    inf_mirostat_picked(&m, &fix.c, 2);
    ck_assert_double_eq_tol(m.surprise, log2(86 / 4.), 1e-6);
}
END_TEST

/* ---- Edits --------------------------------------------------------------------------------- */

START_TEST(penalties_match_their_definition)
{
    enum { VOCAB = 12, STEPS = 300 };
    infer_token text[STEPS];
    for (size_t window = 1; window <= 40; window += window < 6 ? 1 : 17) {
        struct inf_penalties p = {.repetition = 1.5, .frequency = 0.25, .presence = -0.75};
        ck_assert(inf_penalties_init(&p, &fix.arena, VOCAB, window));
        for (size_t n = 0; n < STEPS; n++) {
            float logits[VOCAB], want[VOCAB];
            fill(VOCAB, 0);
            fix.logits[5] = -INFINITY;
            memcpy(logits, fix.logits, sizeof logits);
            inf_penalties_apply(&p, logits);
            for (int id = 0; id < VOCAB; id++) {
                int times = 0;
                for (size_t i = n > window ? n - window : 0; i < n; i++)
                    times += text[i] == id;
                double x = fix.logits[id];
                if (times)
                    x = (x > 0 ? x / 1.5 : x * 1.5) - times * 0.25 + 0.75;
                want[id] = (float)x;
            }
            ck_assert_mem_eq(logits, want, sizeof want);
            text[n] = (infer_token)(below(2) ? below(3) : below(VOCAB));
            inf_penalties_accept(&p, text[n]);
        }
    }
}
END_TEST

/* DRY as its first implementation does it: walks back from every match. text is oldest first. */
static void reference_dry(const infer_token *text, size_t count, const bool *breaker,
                          size_t allowed, double multiplier, double base, float *logits)
{
    size_t longest[16] = {0};
    for (size_t i = 0; i + 1 < count; i++) {
        size_t length = 0;
        while (length <= i && text[i - length] == text[count - 1 - length] &&
               !breaker[text[i - length]])
            length++;
        infer_token next = text[i + 1];
        if (!breaker[next] && length > longest[next])
            longest[next] = length;
    }
    for (int id = 0; id < 16; id++)
        if (longest[id] && longest[id] >= allowed)
            logits[id] = inf_logit_edited(
                logits[id], logits[id] - multiplier * pow(base, (double)(longest[id] - allowed)));
}

START_TEST(dry_matches_its_definition)
{
    enum { STEPS = 250 };
    static infer_token text[STEPS];
    size_t penalised = 0;
    for (size_t round = 0; round < 40; round++) {
        size_t window = round % 5 ? 1 + below(60) : STEPS, vocab = 2 + round % 14;
        bool breaker[16] = {0};
        /* Base 2 and a plain multiplier: both ways of raising to a power are exact. */
        struct inf_dry dry = {.multiplier = 0.5, .base = 2, .allowed = 1 + round % 4};
        ck_assert(inf_dry_init(&dry, &fix.arena, 16, window));
        for (size_t i = 0; i < round % 3; i++) {
            infer_token id = (infer_token)below(vocab);
            breaker[id] = true;
            inf_dry_breaker(&dry, id);
        }
        for (size_t n = 0; n < STEPS; n++) {
            float logits[16], want[16];
            fill(16, 0);
            memcpy(logits, fix.logits, sizeof logits);
            memcpy(want, fix.logits, sizeof want);
            size_t first = n > window ? n - window : 0;
            reference_dry(text + first, n - first, breaker, dry.allowed, 0.5, 2, want);
            inf_dry_apply(&dry, logits);
            ck_assert_mem_eq(logits, want, sizeof want);
            penalised += memcmp(want, fix.logits, sizeof want) != 0;
            /* Now and then a stretch of what went before. */
            text[n] = n > 20 && n % 32 < 24 ? text[n - 17] : (infer_token)below(vocab);
            inf_dry_accept(&dry, text[n]);
        }
    }
    ck_assert_uint_gt(penalised, 2000);
}
END_TEST

static void check_dry(struct inf_dry *dry, const char *text, infer_token id, double penalty)
{
    float logits[128] = {0};
    for (dry->used = dry->next = 0; *text; text++)
        inf_dry_accept(dry, *text);
    inf_dry_apply(dry, logits);
    for (infer_token i = 0; i < 128; i++)
        ck_assert_double_eq_tol(logits[i], i == id ? -penalty : 0, 1e-6);
}

START_TEST(dry_by_hand)
{
    struct inf_dry dry = {.multiplier = 0.8, .base = 1.75, .allowed = 2};
    ck_assert(inf_dry_init(&dry, &fix.arena, 128, 5000));
    inf_dry_breaker(&dry, '.');
    check_dry(&dry, "", 0, 0);
    check_dry(&dry, "a", 0, 0);
    check_dry(&dry, "ab-a", 0, 0);                /* 1 < 2 */
    check_dry(&dry, "abc-ab", 'c', 0.8);          /* 2 */
    check_dry(&dry, "xabc-xab", 'c', 0.8 * 1.75); /* 3 */
}
END_TEST

START_TEST(dry_takes_the_longest_and_heeds_breakers)
{
    struct inf_dry dry = {.multiplier = 1, .base = 2, .allowed = 2};
    ck_assert(inf_dry_init(&dry, &fix.arena, 128, 5000));
    inf_dry_breaker(&dry, '.');
    check_dry(&dry, "xabc-abc-xab", 'c', 2); /* "xab" and "ab" both end before c */
    check_dry(&dry, "x.abc-x.ab", 'c', 1);   /* not across the breaker */
    check_dry(&dry, "abc-a.", 0, 0);         /* the text ends with one */
    check_dry(&dry, "ab.-ab", 0, 0);         /* and it is never penalised */
    check_dry(&dry, "aaaa", 'a', 2);         /* matches may overlap: "aaa" */
    static char text[4002];
    memset(text, 'a', 4001);
    float logits[128] = {0};
    for (dry.used = dry.next = 0; dry.used < 4001;)
        inf_dry_accept(&dry, 'a');
    inf_dry_apply(&dry, logits); /* 2^3998 */
    ck_assert(logits['a'] == -FLT_MAX);
}
END_TEST

Suite *suite_sample_steps(void)
{
    Suite *suite = suite_create("sample_steps");
    TCase *tests = tcase_create("steps");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, random_numbers_are_those_of_the_papers);
    tcase_add_test(tests, exp_and_log_are_exact_to_two_units);
    tcase_add_test(tests, keys_have_the_order_of_logits);
    tcase_add_test(tests, top_k_matches_a_full_sort);
    tcase_add_test(tests, sorting_by_parts_is_sorting);
    tcase_add_test(tests, total_is_the_sum_of_weights);
    tcase_add_test(tests, top_p_matches_its_definition);
    tcase_add_test(tests, min_p_matches_its_definition);
    tcase_add_test(tests, typical_matches_its_definition);
    tcase_add_test(tests, xtc_matches_its_definition);
    tcase_add_test(tests, chains_match_their_definitions);
    tcase_add_test(tests, filters_by_hand);
    tcase_add_test(tests, xtc_draws_once_whatever_happens);
    tcase_add_test(tests, mirostat_by_hand);
    tcase_add_test(tests, penalties_match_their_definition);
    tcase_add_test(tests, dry_matches_its_definition);
    tcase_add_test(tests, dry_by_hand);
    tcase_add_test(tests, dry_takes_the_longest_and_heeds_breakers);
    suite_add_tcase(suite, tests);
    return suite;
}
