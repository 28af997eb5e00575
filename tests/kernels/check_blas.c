/*
 * The approximate kernels against sums in double: each result within the bound that kernel.h states,
 * nothing written beside them. Then whole models: approx against the same plan without, and the same
 * bits from one thread and from three.
 *
 *     check_blas [SEED]
 *     check_blas --time [LEVEL]     instead: both by the processor's time of one thread, best of 9
 */
#include "kernels/kernel.h"
#include "lib/device/device.h"
#include "tests/tiny/models.h"
#include "tests/tiny/randblock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t passed, failed;
static uint64_t rng = 1;

static void verdict(bool good, const char *what, double value, double bound)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s: %g, at most %g\n", what, value, bound);
}

static float random_float(void)
{
    return (float)((double)(inf_test_random(&rng) >> 40) * 0x1p-23 - 1);
}

struct shape {
    size_t rows, cols, k;
    bool lists;   /* columns not in order */
    size_t shift; /* bytes by which the weights miss the alignment of a float */
};

#define GAP 3 /* floats behind each column of the output */
#define MARK 12345.0f

static void random_weights(uint32_t type, uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float f = random_float();
        uint16_t half = type == INF_TYPE_F16 ? inf_half_from_float(f) : inf_bf16_from_float(f);
        if (type == INF_TYPE_F32)
            memcpy(at + 4 * i, &f, 4);
        else
            memcpy(at + 2 * i, &half, 2);
    }
}

/* The largest error as a part of its bound; infinite where something beside was written. */
static double worst_of(const struct inf_matmul_args *a)
{
    const struct inf_type_info *type = inf_type_info(a->type);
    double worst = 0;
    float *row = malloc(a->k * sizeof *row);
    for (size_t r = 0; r < a->rows; r++) {
        type->floats(a->w + r * a->row_bytes, a->k, row);
        for (size_t c = 0; c < a->cols; c++) {
            const float *x = a->x + (a->x_cols ? a->x_cols[c] : c) * a->x_stride;
            double sum = 0, size = 0;
            for (size_t i = 0; i < a->k; i++) {
                sum += (double)row[i] * (double)x[i];
                size += fabs((double)row[i] * (double)x[i]);
            }
            float got = a->out[(a->out_cols ? a->out_cols[c] : c) * a->out_stride + r];
            double error = fabs((double)got - sum) / ((double)a->k * 0x1p-23 * size);
            worst = error <= worst ? worst : error; /* NaN counts */
        }
    }
    for (size_t c = 0; c < a->cols; c++)
        for (size_t g = a->rows; g < a->rows + GAP; g++)
            worst = a->out[c * a->out_stride + g] == MARK ? worst : INFINITY;
    free(row);
    return worst;
}

static void check_shape(const struct inf_kernel_row *row, inf_sgemm_fn *sgemm,
                        const struct shape *s)
{
    const struct inf_type_info *type = inf_type_info(row->type);
    size_t row_bytes = s->k * type->bytes, outs = s->cols * (s->rows + GAP);
    uint8_t *w = malloc(s->rows * row_bytes + s->shift);
    float *x = malloc(s->cols * s->k * sizeof *x), *out = malloc(outs * sizeof *out);
    uint8_t *scratch = aligned_alloc(64, INF_MATMUL_SCRATCH);
    uint32_t *lists = malloc(2 * s->cols * sizeof *lists);
    random_weights(row->type, w + s->shift, s->rows * s->k);
    for (size_t i = 0; i < s->cols * s->k; i++)
        x[i] = random_float();
    for (size_t i = 0; i < outs; i++)
        out[i] = MARK;
    for (uint32_t i = 0; i < s->cols; i++) { /* x: reversed; out: in runs of three, reversed */
        lists[i] = (uint32_t)s->cols - 1 - i;
        lists[s->cols + i] =
            (uint32_t)(i < s->cols / 3 * 3 ? s->cols / 3 * 3 - 3 - i / 3 * 3 + i % 3 : i);
    }
    struct inf_matmul_args args = {.type = row->type,
                                   .w = w + s->shift,
                                   .row_bytes = row_bytes,
                                   .rows = s->rows,
                                   .k = s->k,
                                   .x = x,
                                   .x_stride = s->k,
                                   .x_cols = s->lists ? lists : NULL,
                                   .out_cols = s->lists ? lists + s->cols : NULL,
                                   .cols = s->cols,
                                   .out = out,
                                   .out_stride = s->rows + GAP,
                                   .scratch = scratch,
                                   .sgemm = sgemm};
    ((inf_matmul_fn *)row->function)(&args);
    char what[120];
    snprintf(what, sizeof what, "%s rows %zu, cols %zu, k %zu, lists %d, shift %zu", type->name,
             s->rows, s->cols, s->k, s->lists, s->shift);
    double worst = worst_of(&args);
    verdict(worst <= 1, what, worst, 1);
    free(w), free(x), free(out), free(scratch), free(lists);
}

static void check_row(const struct inf_kernel_row *row, inf_sgemm_fn *sgemm)
{
    static const size_t rows[] = {1, 31, 128, 129, 300}, cols[] = {1, 9, 14, 64};
    static const size_t ks[] = {1, 17, 256, 512, 513, 1100};
    size_t n = 0;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
            for (size_t k = 0; k < sizeof ks / sizeof *ks; k++, n++) {
                struct shape s = {rows[r], cols[c], ks[k], n % 2, n % 5 == 1};
                check_shape(row, sgemm, &s);
            }
}

static void must(infer_status status, const infer_error *err)
{
    if (status) {
        printf("FAIL %s\n0 passed, 1 failed\n", err->text);
        exit(1);
    }
}

#define TOKENS (INF_APPROX_COLS + 20)

static void logits_of(infer_model *model, infer_plan_options o, float *out)
{
    infer_error err;
    infer_plan *plan;
    infer_session *session;
    infer_token ids[TOKENS];
    bool want[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
        ids[i] = 3 + i * 37 % (TINY_VOCAB - 3);
        want[i] = true;
    }
    o.size = sizeof o;
    o.context = 256;
    o.logit_rows = TOKENS;
    must(infer_plan_new(model, &o, &plan, &err), &err);
    must(infer_plan_load(plan, NULL, NULL, &err), &err);
    must(infer_session_new(plan, &session, &err), &err);
    must(infer_session_eval(session, ids, TOKENS, want, &err), &err);
    memcpy(out, infer_session_logits(session, 0), TOKENS * TINY_VOCAB * sizeof *out);
    infer_session_free(session);
    infer_plan_free(plan);
}

static void check_model(const struct tiny_kind *kind, uint32_t type)
{
    static float want[TOKENS * TINY_VOCAB], one[TOKENS * TINY_VOCAB], three[TOKENS * TINY_VOCAB];
    struct mk_bytes file = tiny_model(kind, type, 99);
    infer_error err;
    infer_model *model;
    char what[80];
    must(infer_model_open_memory(file.ptr, file.len, NULL, &model, &err), &err);
    logits_of(model, (infer_plan_options){.threads = 1, .kv = INFER_KV_F32}, want);
    logits_of(model, (infer_plan_options){.threads = 1, .kv = INFER_KV_F32, .approx = true}, one);
    logits_of(model, (infer_plan_options){.threads = 3, .kv = INFER_KV_F32, .approx = true}, three);
    double worst = 0, largest = 0;
    for (size_t i = 0; i < TOKENS * TINY_VOCAB; i++) {
        worst = fmax(worst, fabs((double)want[i] - (double)one[i]));
        largest = fmax(largest, fabs((double)want[i]));
    }
    snprintf(what, sizeof what, "%s %s: logits", kind->name, inf_type_info(type)->name);
    verdict(worst <= 1e-4 * largest, what, worst, 1e-4 * largest);
    snprintf(what, sizeof what, "%s %s: the kernels are used", kind->name,
             inf_type_info(type)->name);
    verdict(worst > 0, what, worst, 0);
    snprintf(what, sizeof what, "%s %s: one thread and three", kind->name,
             inf_type_info(type)->name);
    verdict(!memcmp(one, three, sizeof one), what, 0, 0);
    infer_plan *plan;
    infer_plan_options both = {.size = sizeof both, .exact = true, .approx = true};
    verdict(infer_plan_new(model, &both, &plan, &err) == INFER_E_ARGUMENT, "exact and approx", 0,
            0);
    infer_model_free(model);
    free(file.ptr);
}

/* ---- Time -------------------------------------------------------------------------------------- */

#define TIME_K 4096
#define TIME_ROWS 512
#define TIME_COLS 512

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Best of 9, in operations a second; `step` rows a call, as a plan calls it. */
static double speed(inf_matmul_fn *function, struct inf_matmul_args args, size_t step)
{
    double best = INFINITY;
    for (int turn = 0; turn < 9; turn++) {
        double start = thread_seconds();
        for (size_t row = 0; row < TIME_ROWS; row += step) {
            struct inf_matmul_args part = args;
            part.rows = step;
            part.w += row * part.row_bytes;
            part.out += row;
            function(&part);
        }
        best = fmin(best, thread_seconds() - start);
    }
    return 2.0 * TIME_K * TIME_ROWS * (double)args.cols / best;
}

static void print_times(inf_sgemm_fn *sgemm, const char *level)
{
    static const uint32_t types[] = {INF_TYPE_F32, INF_TYPE_F16, INF_TYPE_BF16};
    static const size_t cols[] = {9, 16, 64, TIME_COLS};
    struct inf_kernels k;
    enum inf_isa isa = inf_cpu_best();
    for (int i = 0; level && i < INF_ISA_EXACT; i++)
        if (!strcmp(level, inf_isa_name((enum inf_isa)i)) && inf_cpu_usable() >> i & 1)
            isa = (enum inf_isa)i;
    inf_kernels_select(isa, &k);
    uint8_t *w = aligned_alloc(64, 4 * TIME_K * TIME_ROWS);
    float *x = aligned_alloc(64, 4 * TIME_K * TIME_COLS);
    float *out = aligned_alloc(64, 4 * TIME_ROWS * TIME_COLS);
    uint8_t *scratch = aligned_alloc(64, INF_MATMUL_SCRATCH);
    for (size_t i = 0; i < (size_t)TIME_K * TIME_COLS; i++)
        x[i] = random_float();
    printf("%zu rows, k %d, one thread: GFLOP/s\n%-5s %7s %8s %8s\n", (size_t)TIME_ROWS, TIME_K,
           "type", "columns", inf_isa_name(isa), "OpenBLAS");
    for (size_t t = 0; t < 3; t++) {
        random_weights(types[t], w, (size_t)TIME_K * TIME_ROWS);
        for (size_t c = 0; c < 4; c++) {
            struct inf_matmul_args args = {.type = types[t],
                                           .w = w,
                                           .row_bytes = TIME_K * inf_type_info(types[t])->bytes,
                                           .k = TIME_K,
                                           .x = x,
                                           .x_stride = TIME_K,
                                           .cols = cols[c],
                                           .out = out,
                                           .out_stride = TIME_ROWS,
                                           .scratch = scratch,
                                           .sgemm = sgemm};
            double ours = speed(k.matmul[types[t]], args, INF_MATMUL_ROWS);
            double theirs = speed(k.approx[types[t]], args, INF_APPROX_ROWS);
            printf("%-5s %7zu %8.1f %8.1f\n", inf_type_info(types[t])->name, cols[c], ours * 1e-9,
                   theirs * 1e-9);
        }
    }
    free(w), free(x), free(out), free(scratch);
}

int main(int argc, char **argv)
{
    infer_error err;
    inf_sgemm_fn *sgemm;
    bool timed = argc > 1 && !strcmp(argv[1], "--time");
    if (argc > 1 && !timed)
        rng = strtoull(argv[1], NULL, 0);
    if (inf_blas_open(&sgemm, &err)) {
        printf("SKIPPED %s\n", err.text);
        return err.status != INFER_E_UNSUPPORTED;
    }
    if (timed) {
        print_times(sgemm, argc > 2 ? argv[2] : NULL);
        return 0;
    }
    const struct inf_kernel_row *rows;
    size_t n = inf_kernel_rows(&rows), found = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].isa == INF_ISA_BLAS) {
            check_row(&rows[i], sgemm);
            found++;
        }
    verdict(found == 3, "rows in kernels.def", (double)found, 3);
    static const uint32_t types[] = {INF_TYPE_F32, INF_TYPE_F16, INF_TYPE_BF16};
    for (size_t i = 0; i < 3; i++)
        check_model(tiny_kind_at(0), types[i]);
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed != 0;
}
