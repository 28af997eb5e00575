/*
 * The sampler through its public calls: choice, order, errors, memory. The single steps are in
 * test_sample_steps.c.
 */
#include "lib/base/base.h"
#include "lib/base/limits.h"
#include "tests/count_alloc.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_sampler(void);

#define OPTIONS(...) (&(infer_sampler_options){.size = sizeof(infer_sampler_options), __VA_ARGS__})

static infer_sampler *make(const infer_sampler_options *options, uint32_t vocab_size)
{
    infer_sampler *sampler;
    infer_error err;
    ck_assert_msg(infer_sampler_new(options, vocab_size, &sampler, &err) == INFER_OK, "%s",
                  err.text);
    return sampler;
}

static infer_token sample(infer_sampler *sampler, const float *logits)
{
    infer_token id = -1;
    infer_error err;
    if (infer_sampler_sample(sampler, logits, &id, &err)) /* no ck_assert: it costs a message */
        ck_abort_msg("%s", err.text);
    return id;
}

static void accept(infer_sampler *sampler, infer_token id)
{
    ck_assert_int_eq(infer_sampler_accept(sampler, id, NULL), INFER_OK);
}

/* Logits without libm, so that recorded tokens hold everywhere: multiples of 2^-10 in [-8, 8). */
static void fill(float *logits, size_t count, uint32_t state)
{
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        logits[i] = (float)(state >> 18) / 1024.0f - 8.0f;
    }
}

/* Every step on, so that all memory and all code is in use. */
static infer_sampler_options everything(void)
{
    static const infer_token breakers[] = {3, 0};
    static const struct infer_logit_bias bias[] = {{1, 0.5f}, {2, -1.0f}};
    return (infer_sampler_options){.size = sizeof(infer_sampler_options),
                                   .temperature = 0.9f,
                                   .top_k = 50,
                                   .top_p = 0.95f,
                                   .min_p = 0.01f,
                                   .typical_p = 0.97f,
                                   .seed = 11,
                                   .penalty_last = 8,
                                   .repetition_penalty = 1.1f,
                                   .frequency_penalty = 0.1f,
                                   .presence_penalty = 0.1f,
                                   .dry_multiplier = 0.8f,
                                   .dry_breakers = breakers,
                                   .dry_breaker_count = 2,
                                   .xtc_probability = 0.5f,
                                   .xtc_threshold = 0.1f,
                                   .bias = bias,
                                   .bias_count = 2};
}

START_TEST(greedy_takes_the_likeliest)
{
    infer_sampler *sampler = make(NULL, 5);
    ck_assert_int_eq(sample(sampler, (float[]){1, 3, -2, 2.5f, 0}), 1);
    ck_assert_int_eq(sample(sampler, (float[]){-INFINITY, -7, -INFINITY, -7, -8}), 1);
    ck_assert_int_eq(sample(sampler, (float[]){-1, -0.0f, 0.0f, 0.0f, -0.0f}), 1);
    ck_assert_int_eq(sample(sampler, (float[]){-INFINITY, -INFINITY, -INFINITY, -INFINITY, -9}), 4);
    infer_sampler_free(sampler);

    float logits[1000];
    sampler = make(NULL, 1000);
    for (size_t at = 0; at < 1000; at++) {
        fill(logits, 1000, 5);
        logits[at] = 9;
        ck_assert_int_eq(sample(sampler, logits), at);
        logits[999] = 9;
        ck_assert_int_eq(sample(sampler, logits), at);
    }
    infer_sampler_free(sampler);
    infer_sampler_free(NULL);
}
END_TEST

START_TEST(greedy_runs_the_edits)
{
    const float logits[] = {4, 5, 6};
    infer_sampler *sampler =
        make(OPTIONS(.bias = (struct infer_logit_bias[]){{2, -INFINITY}, {0, 0.5f}, {0, 0.75f}},
                     .bias_count = 3, .penalty_last = 2, .repetition_penalty = 2),
             3);
    ck_assert_int_eq(sample(sampler, logits), 0); /* 5.25 5 - */
    accept(sampler, 0);
    ck_assert_int_eq(sample(sampler, logits), 1); /* 2.625 5 - */
    accept(sampler, 1);
    ck_assert_int_eq(sample(sampler, logits), 0); /* 2.625 2.5 - */
    accept(sampler, 1);
    ck_assert_int_eq(sample(sampler, logits), 0); /* 5.25 2.5 - */
    infer_sampler_free(sampler);
}
END_TEST

/* Pearson's chi-square of 60 000 draws stays below the value that chance passes once in 10 000
 * seeds; the seed is fixed. */
static void check_frequencies(const infer_sampler_options *options, const float *logits,
                              const double *expected, size_t count, double chi_max)
{
    enum { DRAWS = 60000 };
    size_t times[16] = {0};
    infer_sampler *sampler = make(options, (uint32_t)count);
    for (size_t i = 0; i < DRAWS; i++)
        times[sample(sampler, logits)]++;
    infer_sampler_free(sampler);
    double chi = 0;
    for (size_t i = 0; i < count; i++) {
        double mean = expected[i] * DRAWS;
        if (mean == 0)
            ck_assert_uint_eq(times[i], 0);
        else
            chi += ((double)times[i] - mean) * ((double)times[i] - mean) / mean;
    }
    ck_assert_double_lt(chi, chi_max);
}

START_TEST(choice_follows_the_probabilities)
{
    /* Logits are logs of small integers: the probabilities are those integers over their sum. */
    float l[5];
    for (int i = 0; i < 5; i++)
        l[i] = logf((float)(i + 1));
    check_frequencies(OPTIONS(.temperature = 1, .seed = 1), l,
                      (double[]){1 / 15., 2 / 15., 3 / 15., 4 / 15., 5 / 15.}, 5, 23.5);
    check_frequencies(OPTIONS(.temperature = 0.5f, .seed = 2), l,
                      (double[]){1 / 55., 4 / 55., 9 / 55., 16 / 55., 25 / 55.}, 5, 23.5);
    check_frequencies(OPTIONS(.temperature = 1e30f, .seed = 3), l,
                      (double[]){0.2, 0.2, 0.2, 0.2, 0.2}, 5, 23.5);
    check_frequencies(OPTIONS(.temperature = 1e-40f, .seed = 4), l, (double[]){0, 0, 0, 0, 1}, 5,
                      1e-9);
    check_frequencies(OPTIONS(.temperature = 1, .top_k = 2, .seed = 5), l,
                      (double[]){0, 0, 0, 4 / 9., 5 / 9.}, 5, 15.2);
    /* 5/15 + 4/15 = 0.6: 0.59 is reached by two, 0.61 needs the third. */
    check_frequencies(OPTIONS(.temperature = 1, .top_p = 0.59f, .seed = 6), l,
                      (double[]){0, 0, 0, 4 / 9., 5 / 9.}, 5, 15.2);
    check_frequencies(OPTIONS(.temperature = 1, .top_p = 0.61f, .seed = 7), l,
                      (double[]){0, 0, 3 / 12., 4 / 12., 5 / 12.}, 5, 18.5);
    check_frequencies(OPTIONS(.temperature = 1, .min_p = 0.5f, .seed = 8), l,
                      (double[]){0, 0, 3 / 12., 4 / 12., 5 / 12.}, 5, 18.5);
    /* Above 0.25 are 5 and 4; XTC drops the 5, in half of the draws. */
    check_frequencies(
        OPTIONS(.temperature = 1, .xtc_probability = 1, .xtc_threshold = 0.25f, .seed = 9), l,
        (double[]){0.1, 0.2, 0.3, 0.4, 0}, 5, 21.2);
    check_frequencies(
        OPTIONS(.temperature = 1, .xtc_probability = 0.5f, .xtc_threshold = 0.25f, .seed = 10), l,
        (double[]){(1 / 15. + 0.1) / 2, (2 / 15. + 0.2) / 2, (3 / 15. + 0.3) / 2,
                   (4 / 15. + 0.4) / 2, 5 / 30.},
        5, 23.5);
    l[3] = -INFINITY;
    check_frequencies(OPTIONS(.temperature = 1, .seed = 12), l,
                      (double[]){1 / 11., 2 / 11., 3 / 11., 0, 5 / 11.}, 5, 21.2);
}
END_TEST

/* Filters come before the temperature: a hot temperature does not let more tokens in. */
START_TEST(filters_precede_temperature)
{
    float l[5];
    for (int i = 0; i < 5; i++)
        l[i] = logf((float)(i + 1));
    check_frequencies(OPTIONS(.temperature = 1e30f, .top_p = 0.59f, .seed = 1), l,
                      (double[]){0, 0, 0, 0.5, 0.5}, 5, 15.2);
    check_frequencies(OPTIONS(.temperature = 1e30f, .min_p = 0.5f, .seed = 2), l,
                      (double[]){0, 0, 1 / 3., 1 / 3., 1 / 3.}, 5, 18.5);
    /* Top-k first: 5/9 alone reaches 0.55, which it would not among all five. */
    check_frequencies(OPTIONS(.temperature = 1, .top_k = 2, .top_p = 0.55f, .seed = 3), l,
                      (double[]){0, 0, 0, 0, 1}, 5, 1e-9);
}
END_TEST

START_TEST(seed_decides)
{
    float logits[600], copy[600];
    infer_sampler_options options = everything();
    infer_sampler *a = make(&options, 600), *b = make(&options, 600);
    options.seed = 12;
    infer_sampler *c = make(&options, 600);
    size_t differ = 0;
    for (uint32_t i = 0; i < 200; i++) {
        fill(logits, 600, i);
        memcpy(copy, logits, sizeof logits);
        infer_token id = sample(a, logits);
        ck_assert_int_eq(sample(b, logits), id);
        differ += sample(c, logits) != id;
        ck_assert_mem_eq(copy, logits, sizeof logits);
        accept(a, id);
        accept(b, id);
        accept(c, id);
    }
    ck_assert_uint_gt(differ, 50);
    infer_sampler_free(a);
    infer_sampler_free(b);
    infer_sampler_free(c);
}
END_TEST

/* Recorded once; equal on every machine and with every compiler. */
START_TEST(tokens_are_the_recorded_ones)
{
    static const infer_token plain[] = {2469, 1250, 3626, 3617, 1689, 4131, 1529, 3383,
                                        1996, 1239, 3171, 4482, 131,  846,  1508, 2226};
    static const infer_token full[] = {1,  3,  37, 19, 9,  9, 27, 5,  9, 5,  37, 19, 10, 10, 10, 3,
                                       27, 10, 5,  10, 27, 9, 27, 19, 1, 27, 37, 27, 27, 27, 9,  1};
    float logits[5000];
    infer_sampler_options options;
    infer_sampler_defaults(&options, 42);
    infer_sampler *sampler = make(&options, 5000);
    for (uint32_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        fill(logits, 5000, i);
        ck_assert_int_eq(sample(sampler, logits), plain[i]);
    }
    infer_sampler_free(sampler);
    options = everything();
    sampler = make(&options, 40);
    for (uint32_t i = 0; i < sizeof full / sizeof *full; i++) {
        fill(logits, 40, 7);
        infer_token id = sample(sampler, logits);
        ck_assert_int_eq(id, full[i]);
        accept(sampler, id);
    }
    infer_sampler_free(sampler);
}
END_TEST

/* sample alone changes nothing but the random numbers. */
START_TEST(sample_without_accept_repeats)
{
    float logits[100];
    fill(logits, 100, 1);
    infer_sampler *sampler = make(OPTIONS(.dry_multiplier = 5, .penalty_last = 4,
                                          .presence_penalty = 3, .repetition_penalty = 1.5f),
                                  100);
    for (int i = 0; i < 50; i++) {
        infer_token id = sample(sampler, logits);
        for (int again = 0; again < 5; again++)
            ck_assert_int_eq(sample(sampler, logits), id);
        accept(sampler, id);
    }
    infer_sampler_free(sampler);
}
END_TEST

static void check_numeric(infer_sampler *sampler, const float *logits, const char *part)
{
    infer_token id = -7;
    infer_error err = {0};
    ck_assert_int_eq(infer_sampler_sample(sampler, logits, &id, &err), INFER_E_NUMERIC);
    ck_assert_int_eq(err.status, INFER_E_NUMERIC);
    ck_assert_msg(strstr(err.text, part) != NULL, "\"%s\" has no \"%s\"", err.text, part);
    ck_assert_int_eq(id, -7);
    ck_assert_int_eq(infer_sampler_sample(sampler, logits, &id, NULL), INFER_E_NUMERIC);
}

START_TEST(damaged_logits_are_errors)
{
    const float bad[] = {NAN, -NAN, INFINITY};
    const char *const names[] = {"NaN", "NaN", "+infinite"};
    const infer_sampler_options all = everything();
    const infer_sampler_options *const options[] = {NULL, OPTIONS(.temperature = 1),
                                                    OPTIONS(.temperature = 1, .top_k = 3),
                                                    OPTIONS(.temperature = 1, .mirostat = 2), &all};
    enum { VOCAB = 700 };
    float logits[VOCAB];
    for (size_t o = 0; o < 5; o++) {
        infer_sampler *sampler = make(options[o], VOCAB);
        for (size_t at = 0; at < VOCAB; at += 1 + at % 37) {
            for (size_t b = 0; b < 3; b++) {
                char part[40];
                snprintf(part, sizeof part, "token %zu is %s", at, names[b]);
                fill(logits, VOCAB, 3);
                logits[at] = bad[b];
                check_numeric(sampler, logits, part);
                logits[VOCAB - 1] = bad[b]; /* the lowest id is named */
                check_numeric(sampler, logits, part);
            }
        }
        for (size_t i = 0; i < VOCAB; i++)
            logits[i] = -INFINITY;
        check_numeric(sampler, logits, "all 700 tokens are -infinite");
        logits[699] = -INFINITY;
        logits[5] = -FLT_MAX;
        ck_assert_int_eq(sample(sampler, logits), 5);
        fill(logits, VOCAB, 3);
        sample(sampler, logits); /* the object is still of use */
        infer_sampler_free(sampler);
    }
}
END_TEST

START_TEST(bias_may_forbid_all)
{
    const struct infer_logit_bias bias[] = {{0, -INFINITY}, {1, -INFINITY}, {0, 100}};
    for (int greedy = 0; greedy < 2; greedy++) {
        infer_sampler *sampler =
            make(OPTIONS(.temperature = greedy ? 0 : 1, .bias = bias, .bias_count = 3), 2);
        check_numeric(sampler, (float[]){1, 2}, "by the bias");
        infer_sampler_free(sampler);
    }
}
END_TEST

/* Edits that leave float's range end at its bound; the sampler goes on. */
START_TEST(huge_edits_stay_finite)
{
    const struct infer_logit_bias bias[] = {{0, FLT_MAX}, {1, -FLT_MAX}};
    infer_sampler *sampler =
        make(OPTIONS(.temperature = 1, .bias = bias, .bias_count = 2, .penalty_last = 9,
                     .repetition_penalty = FLT_MAX, .frequency_penalty = FLT_MAX,
                     .presence_penalty = FLT_MAX, .dry_multiplier = FLT_MAX, .dry_base = FLT_MAX),
             3);
    for (int i = 0; i < 30; i++) {
        accept(sampler, i / 9);
        infer_token id = sample(sampler, (float[]){FLT_MAX, -FLT_MAX, 0});
        ck_assert(id >= 0 && id < 3);
        if (i >= 26)
            break;
    }
    infer_sampler_free(sampler);
}
END_TEST

START_TEST(one_token_vocabulary)
{
    infer_sampler_options options = {.size = sizeof options,
                                     .top_k = 40,
                                     .top_p = 0.5f,
                                     .min_p = 1,
                                     .typical_p = 0.1f,
                                     .penalty_last = 3,
                                     .repetition_penalty = 2,
                                     .dry_multiplier = 1,
                                     .xtc_probability = 1,
                                     .xtc_threshold = 0.1f};
    for (int way = 0; way < 3; way++) {
        options.temperature = way == 0 ? 0 : 1;
        options.mirostat = way == 2 ? 2 : 0;
        infer_sampler *sampler = make(&options, 1);
        for (int i = 0; i < 20; i++) {
            ck_assert_int_eq(sample(sampler, (float[]){-3}), 0);
            accept(sampler, 0);
        }
        infer_sampler_free(sampler);
    }
}
END_TEST

static void check_refused(const infer_sampler_options *options, uint32_t vocab_size,
                          const char *field)
{
    infer_sampler *sampler = (infer_sampler *)&sampler;
    infer_error err = {0};
    ck_assert_msg(infer_sampler_new(options, vocab_size, &sampler, &err) == INFER_E_ARGUMENT,
                  "%s is taken", field);
    ck_assert_msg(strncmp(err.text, field, strlen(field)) == 0, "\"%s\" names not %s", err.text,
                  field);
    ck_assert_ptr_null(sampler);
}

#define REFUSE(field, value)                                                                       \
    do {                                                                                           \
        infer_sampler_options options = {.size = sizeof options};                                  \
        options.field = value;                                                                     \
        check_refused(&options, 10, #field);                                                       \
    } while (0)

START_TEST(options_out_of_range_are_refused)
{
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 4; i++) {
        REFUSE(temperature, bad[i]);
        REFUSE(top_p, bad[i]);
        REFUSE(min_p, bad[i]);
        REFUSE(typical_p, bad[i]);
        REFUSE(repetition_penalty, bad[i]);
        REFUSE(frequency_penalty, bad[i]);
        REFUSE(presence_penalty, bad[i]);
        REFUSE(dry_multiplier, bad[i]);
        REFUSE(dry_base, bad[i]);
        REFUSE(xtc_probability, bad[i]);
        REFUSE(xtc_threshold, bad[i]);
        REFUSE(mirostat_tau, bad[i]);
        REFUSE(mirostat_eta, bad[i]);
    }
    REFUSE(temperature, -0.1f);
    REFUSE(top_p, 1.01f);
    REFUSE(top_p, -0.01f);
    REFUSE(min_p, 1.01f);
    REFUSE(typical_p, 1.01f);
    REFUSE(repetition_penalty, -1);
    REFUSE(dry_multiplier, -1);
    REFUSE(dry_base, 0.5f);
    REFUSE(xtc_probability, 2);
    REFUSE(xtc_threshold, 2);
    REFUSE(mirostat, 1);
    REFUSE(mirostat, -2);
    REFUSE(mirostat_tau, -1);
    REFUSE(penalty_last, INF_MAX_CONTEXT + 1);
    REFUSE(dry_last, UINT32_MAX);
    REFUSE(size, 1);
    check_refused(OPTIONS(.bias_count = 1), 10, "bias: NULL");
    check_refused(OPTIONS(.dry_breaker_count = 1), 10, "dry_breakers: NULL");
    check_refused(OPTIONS(.dry_breakers = (infer_token[]){0, 10}, .dry_breaker_count = 2), 10,
                  "dry_breakers[1]: token 10");
    check_refused(OPTIONS(.dry_breakers = (infer_token[]){-1}, .dry_breaker_count = 1), 10,
                  "dry_breakers[0]: token -1");
    check_refused(OPTIONS(.bias = (struct infer_logit_bias[]){{10, 0}}, .bias_count = 1), 10,
                  "bias[0]: token 10");
    check_refused(OPTIONS(.bias = (struct infer_logit_bias[]){{9, 0}, {9, NAN}}, .bias_count = 2),
                  10, "bias[1]");
    check_refused(OPTIONS(.bias = (struct infer_logit_bias[]){{9, INFINITY}}, .bias_count = 1), 10,
                  "bias[0]");
    check_refused(NULL, 0, "vocab_size");
    check_refused(NULL, INF_MAX_VOCAB + 1, "vocab_size");
    check_refused(OPTIONS(.allocator = &(infer_allocator){0}), 10, "allocator");
    ck_assert_int_eq(infer_sampler_new(NULL, 1, NULL, NULL), INFER_E_ARGUMENT);
    infer_sampler_free(make(OPTIONS(.frequency_penalty = -2, .presence_penalty = -2,
                                    .penalty_last = 1, .top_p = 1, .min_p = 1, .typical_p = 1,
                                    .top_k = UINT32_MAX, .dry_allowed_length = UINT32_MAX),
                            10));
}
END_TEST

START_TEST(calls_check_their_arguments)
{
    infer_sampler *sampler = make(NULL, 3);
    infer_error err;
    infer_token id;
    const float logits[3] = {0};
    ck_assert_int_eq(infer_sampler_accept(sampler, -1, &err), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_sampler_accept(sampler, 3, &err), INFER_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.text, "3"));
    ck_assert_int_eq(infer_sampler_accept(sampler, INT32_MIN, NULL), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_sampler_accept(NULL, 0, NULL), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_sampler_sample(NULL, logits, &id, &err), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_sampler_sample(sampler, NULL, &id, &err), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_sampler_sample(sampler, logits, NULL, &err), INFER_E_ARGUMENT);
    infer_sampler_free(sampler);
}
END_TEST

/* Programs built against another version of the header. */
START_TEST(option_structs_of_other_sizes)
{
    struct {
        infer_sampler_options options;
        uint64_t newer;
    } longer = {.options = {.size = sizeof longer, .temperature = 5, .top_k = 1}};
    infer_sampler *sampler = make(&longer.options, 3);
    ck_assert_int_eq(sample(sampler, (float[]){1, 2, 1}), 1);
    infer_sampler_free(sampler);
    longer.newer = 1;
    check_refused(&longer.options, 3, "size");

    infer_sampler_options older = {.size = offsetof(infer_sampler_options, top_k),
                                   .bias_count = 77, /* not part of it */
                                   .top_p = NAN};
    sampler = make(&older, 3);
    ck_assert_int_eq(sample(sampler, (float[]){1, 2, 1}), 1);
    infer_sampler_free(sampler);
}
END_TEST

START_TEST(no_memory_is_a_status)
{
    struct count_alloc count;
    count_alloc_init(&count);
    infer_sampler_options options = everything();
    options.allocator = &count.a;
    infer_status status = INFER_E_MEMORY;
    for (size_t k = 1; status == INFER_E_MEMORY; k++) {
        infer_sampler *sampler;
        infer_error err = {0};
        count.calls = 0;
        count.fail_at = k;
        status = infer_sampler_new(&options, 100000, &sampler, &err);
        ck_assert_int_eq(err.status, status);
        if (status)
            ck_assert_ptr_null(sampler);
        ck_assert_msg(status || k > 8, "only %zu allocations: the test sees too few", k);
        infer_sampler_free(sampler);
        ck_assert_uint_eq(count.blocks, 0);
    }
    ck_assert_int_eq(status, INFER_OK);
}
END_TEST

START_TEST(sampling_takes_no_memory)
{
    struct count_alloc count;
    count_alloc_init(&count);
    infer_sampler_options options = everything();
    float logits[3000];
    options.allocator = &count.a;
    for (int way = 0; way < 3; way++) {
        options.mirostat = way == 1 ? 2 : 0;
        options.top_k = way == 2 ? 0 : 20;
        infer_sampler *sampler = make(&options, 3000);
        infer_allocator hook = count.a;
        count.a = (infer_allocator){0}; /* it was copied */
        size_t calls = count.calls;
        for (uint32_t i = 0; i < 100; i++) {
            fill(logits, 3000, i);
            accept(sampler, sample(sampler, logits));
        }
        ck_assert_uint_eq(count.calls, calls);
        infer_sampler_free(sampler);
        ck_assert_uint_eq(count.blocks, 0);
        count.a = hook;
    }
}
END_TEST

START_TEST(mirostat_leads_the_surprise)
{
    /* Zipf's law: the likeliest token has 3.2 bits of surprise, all together about 8.5. */
    enum { VOCAB = 5000, DRAWS = 4000 };
    static float logits[VOCAB];
    double total = 0;
    for (int i = 0; i < VOCAB; i++) {
        logits[i] = -1.0f * logf((float)i + 1);
        total += 1.0 / (i + 1);
    }
    for (int tau = 4; tau <= 7; tau++) {
        infer_sampler *sampler = make(
            OPTIONS(.temperature = 1, .mirostat = 2, .mirostat_tau = (float)tau, .seed = 3), VOCAB);
        double surprise = 0;
        for (int i = 0; i < DRAWS; i++) {
            infer_token id = sample(sampler, logits);
            accept(sampler, id);
            surprise += log2(total * (id + 1));
        }
        ck_assert_double_lt(fabs(surprise / DRAWS - tau), 0.05);
        infer_sampler_free(sampler);
    }
}
END_TEST

static int by_logit(const void *a, const void *b)
{
    const infer_logprob *x = a, *y = b;
    if (x->logprob != y->logprob)
        return x->logprob < y->logprob ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

START_TEST(logprobs_match_a_full_sort)
{
    enum { VOCAB = 2500 };
    static float logits[VOCAB];
    static infer_logprob sorted[VOCAB], top[VOCAB];
    const size_t counts[] = {0, 1, 2, 7, 255, 256, 257, 2499, 2500};
    for (uint32_t round = 0; round < 6; round++) {
        fill(logits, VOCAB, round);
        long double total = 0;
        for (int i = 0; i < VOCAB; i++) {
            if (round == 1) /* many ties */
                logits[i] = roundf(logits[i]);
            if (round == 2)
                logits[i] = (float)i / 100;
            if (round == 3)
                logits[i] = -(float)i / 100;
            if (round == 4 && i % 3)
                logits[i] = -INFINITY;
            if (round == 5)
                logits[i] = 0;
            sorted[i] = (infer_logprob){i, logits[i]};
            total += expl((long double)logits[i]);
        }
        qsort(sorted, VOCAB, sizeof *sorted, by_logit);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            ck_assert_int_eq(infer_logprobs(logits, VOCAB, top, counts[c], NULL), INFER_OK);
            for (size_t i = 0; i < counts[c]; i++) {
                ck_assert_int_eq(top[i].id, sorted[i].id);
                if (isinf(sorted[i].logprob))
                    ck_assert(isinf(top[i].logprob) && top[i].logprob < 0);
                else
                    ck_assert_double_lt(
                        fabs((double)(sorted[i].logprob - logl(total)) - top[i].logprob),
                        1e-6 * (1 + fabs((double)top[i].logprob)));
            }
        }
    }
}
END_TEST

START_TEST(logprobs_check_their_arguments)
{
    infer_logprob top[4];
    infer_error err;
    const float damaged[3] = {0, NAN, 0};
    ck_assert_int_eq(infer_logprobs((float[]){0, 1, 2}, 3, top, 4, &err), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_logprobs((float[]){0, 1, 2}, 3, NULL, 1, &err), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_logprobs((float[]){0, 1, 2}, 3, NULL, 0, &err), INFER_OK);
    ck_assert_int_eq(infer_logprobs(NULL, 3, top, 1, &err), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_logprobs(damaged, 0, top, 0, &err), INFER_E_ARGUMENT);
    ck_assert_int_eq(infer_logprobs(damaged, 3, top, 1, &err), INFER_E_NUMERIC);
    ck_assert_ptr_nonnull(strstr(err.text, "token 1 is NaN"));
    ck_assert_int_eq(infer_logprobs((float[]){-INFINITY}, 1, top, 1, NULL), INFER_E_NUMERIC);
    ck_assert_int_eq(infer_logprobs((float[]){-5}, 1, top, 1, NULL), INFER_OK);
    ck_assert_double_eq(top[0].logprob, 0);
}
END_TEST

Suite *suite_sampler(void)
{
    Suite *suite = suite_create("sampler");
    TCase *tests = tcase_create("sampler");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, greedy_takes_the_likeliest);
    tcase_add_test(tests, greedy_runs_the_edits);
    tcase_add_test(tests, choice_follows_the_probabilities);
    tcase_add_test(tests, filters_precede_temperature);
    tcase_add_test(tests, seed_decides);
    tcase_add_test(tests, tokens_are_the_recorded_ones);
    tcase_add_test(tests, sample_without_accept_repeats);
    tcase_add_test(tests, damaged_logits_are_errors);
    tcase_add_test(tests, bias_may_forbid_all);
    tcase_add_test(tests, huge_edits_stay_finite);
    tcase_add_test(tests, one_token_vocabulary);
    tcase_add_test(tests, options_out_of_range_are_refused);
    tcase_add_test(tests, calls_check_their_arguments);
    tcase_add_test(tests, option_structs_of_other_sizes);
    tcase_add_test(tests, no_memory_is_a_status);
    tcase_add_test(tests, sampling_takes_no_memory);
    tcase_add_test(tests, mirostat_leads_the_surprise);
    tcase_add_test(tests, logprobs_match_a_full_sort);
    tcase_add_test(tests, logprobs_check_their_arguments);
    suite_add_tcase(suite, tests);
    return suite;
}
