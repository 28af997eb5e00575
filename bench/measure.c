/* One model, measured: memory, loading, prefill and decoding at each depth. */
#include "bench/bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONTEXT_STEP 256 /* contexts are multiples, so that KV bytes a position come out exact */
#define REPEAT_MOST 1000
#define TOKENS_BETWEEN_LOOKS 8 /* at the read rate */

/* All that is open of one model. */
struct run {
    const struct bench_options *options;
    infer_plan_options plan_options;
    bench_progress *progress;
    void *ud;
    infer_model *model;
    infer_plan *plan;
    infer_session *session;
    infer_token *ids;  /* (plan_options.context): fixed random tokens of the vocabulary */
    uint64_t head_ops; /* of the output matrix, which prefill applies to its last token alone */
    uint64_t window;   /* positions that attention reads at most; UINT64_MAX: all */
    struct bench_resident most;
    bool peak_known; /* it counts from the last load on, not from what was before */
};

static infer_status fail(infer_error *err, infer_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static infer_status fail(infer_error *err, infer_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->status = status;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts values[count]. */
static struct bench_spread spread_of(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, ascending);
    double median = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
    return (struct bench_spread){median, values[0], values[count - 1]};
}

static void note_memory(struct run *run)
{
    struct bench_resident now;
    bench_resident_get(&now);
    run->most.peak = now.peak > run->most.peak ? now.peak : run->most.peak;
    run->most.total = now.total > run->most.total ? now.total : run->most.total;
    run->most.anon = now.anon > run->most.anon ? now.anon : run->most.anon;
    run->most.file = now.file > run->most.file ? now.file : run->most.file;
}

/* ---- What the file says --------------------------------------------------------------------- */

static infer_status describe_tensors(struct run *run, uint64_t count, struct bench_result *result,
                                     infer_error *err)
{
    struct {
        const char *name;
        uint64_t bytes;
    } types[64] = {{0}};
    uint64_t most = 0, floats = 0, matrices = 0;
    for (uint64_t i = 0; i < count; i++) {
        infer_tensor_info info;
        infer_status status = infer_model_tensor(run->model, i, &info, err);
        if (status)
            return status;
        result->parameters += info.elements;
        if (info.dims < 2 || info.type_id >= 64)
            continue;
        bool is_float = strcmp(info.type, "f32") == 0 || strcmp(info.type, "f16") == 0 ||
                        strcmp(info.type, "bf16") == 0;
        matrices += info.elements;
        floats += is_float ? info.elements : 0;
        types[info.type_id].name = info.type;
        types[info.type_id].bytes += info.bytes;
        if (types[info.type_id].bytes > most) {
            most = types[info.type_id].bytes;
            snprintf(result->type, sizeof result->type, "%s", info.type);
        }
    }
    result->float_weights = floats > matrices / 2;
    return INFER_OK;
}

/* The attention window in the metadata: that of all layers or of some. Taking it for all gives less
 * KV than is read, never more. */
static uint64_t window_of(const infer_model *model, uint64_t meta_count)
{
    static const char suffix[] = ".attention.sliding_window";
    size_t len = sizeof suffix - 1;
    for (uint64_t i = 0; i < meta_count; i++) {
        infer_meta meta;
        infer_meta_value value;
        if (infer_model_meta(model, i, &meta, NULL) || meta.key_len < len ||
            memcmp(meta.key + meta.key_len - len, suffix, len) != 0 ||
            meta.type == INFER_META_ARRAY || infer_model_meta_value(model, i, 0, &value, NULL))
            continue;
        if (value.u > 0)
            return value.u;
    }
    return UINT64_MAX;
}

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

static infer_status describe(struct run *run, struct bench_result *result, infer_error *err)
{
    infer_model_info info;
    infer_tensor_info tensor;
    uint64_t index;
    infer_model_get_info(run->model, &info);
    result->architecture = copy_text(info.architecture);
    result->name = copy_text(info.name);
    infer_status status = describe_tensors(run, info.tensor_count, result, err);
    if (status ||
        (status = infer_model_tensor_find(run->model, "token_embd.weight", &index, err)) ||
        (status = infer_model_tensor(run->model, index, &tensor, err)))
        return status;
    uint64_t vocab = tensor.shape[1];
    run->head_ops = 2 * tensor.shape[0] * vocab;
    run->window = window_of(run->model, info.meta_count);
    uint64_t state = 1; /* splitmix64: the same tokens on every machine */
    for (uint32_t i = 0; i < run->plan_options.context; i++) {
        uint64_t z = state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        run->ids[i] = (infer_token)((z ^ z >> 31) % vocab);
    }
    return INFER_OK;
}

/* ---- Loading -------------------------------------------------------------------------------- */

static void close_run(struct run *run)
{
    infer_session_free(run->session);
    infer_plan_free(run->plan);
    infer_model_free(run->model);
    run->session = NULL;
    run->plan = NULL;
    run->model = NULL;
}

static infer_status open_run(struct run *run, const char *path, infer_error *err)
{
    infer_status status = infer_model_open(path, NULL, &run->model, err);
    return status ? status : infer_plan_new(run->model, &run->plan_options, &run->plan, err);
}

/* From nothing to the first token's logits. */
static infer_status load_run(struct run *run, const char *path, struct bench_load *load,
                             infer_error *err)
{
    double start = now_ms();
    infer_status status = infer_model_open(path, NULL, &run->model, err);
    double opened = now_ms();
    if (status || (status = infer_plan_new(run->model, &run->plan_options, &run->plan, err)))
        return status;
    double planned = now_ms();
    if ((status = infer_plan_load(run->plan, NULL, NULL, err)) ||
        (status = infer_session_new(run->plan, &run->session, err)))
        return status;
    double loaded = now_ms();
    if ((status = infer_session_eval(run->session, run->ids, 1, NULL, err)))
        return status;
    double end = now_ms();
    *load = (struct bench_load){.total_ms = end - start,
                                .open_ms = opened - start,
                                .plan_ms = planned - opened,
                                .memory_ms = loaded - planned,
                                .first_token_ms = end - loaded};
    return INFER_OK;
}

/* One pass that brings the file into the page cache, then the repetitions; the last stays open. */
static infer_status measure_load(struct run *run, const char *path, struct bench_result *result,
                                 infer_error *err)
{
    uint32_t repeat = run->options->repeat;
    struct bench_load loads[REPEAT_MOST];
    double totals[REPEAT_MOST];
    infer_status status;
    run->progress(run->ud, "reading", 1, 1);
    if ((status = load_run(run, path, &loads[0], err)))
        return status;
    for (uint32_t i = 0; i < repeat; i++) {
        run->progress(run->ud, "load", i + 1, repeat);
        close_run(run);
        if (i + 1 == repeat)
            run->peak_known = bench_resident_reset();
        if ((status = load_run(run, path, &loads[i], err)))
            return status;
        totals[i] = loads[i].total_ms;
    }
    result->load_ms = spread_of(totals, repeat);
    double nearest = 0;
    for (uint32_t i = 0; i < repeat; i++) {
        double off = loads[i].total_ms - result->load_ms.median;
        off = off < 0 ? -off : off;
        if (i == 0 || off < nearest) {
            nearest = off;
            result->load = loads[i];
        }
    }
    return INFER_OK;
}

/* ---- Speed ---------------------------------------------------------------------------------- */

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* Seconds of `count` tokens at `from`, in one eval. */
static infer_status evaluate(struct run *run, uint32_t from, uint32_t count, double *seconds,
                             infer_error *err)
{
    infer_status status = infer_session_rewind(run->session, from, err);
    double start = now_ms();
    if (!status)
        status = infer_session_eval(run->session, run->ids + from, count, NULL, err);
    *seconds = (now_ms() - start) * 1e-3;
    return status;
}

/* Multiplies and adds of the matrices; the output matrix counts once, for the last token. */
static infer_status measure_prefill(struct run *run, const struct bench_result *result,
                                    struct bench_point *point, infer_error *err)
{
    double rates[REPEAT_MOST], prompt = run->options->prompt, head = (double)run->head_ops;
    point->pp = (struct bench_spread){NAN, NAN, NAN};
    point->pp_gop_s = point->pp_share = NAN;
    if (run->options->prompt == 0)
        return INFER_OK;
    uint32_t count = run->options->prompt, repeat = run->options->repeat;
    double seconds;
    /* once unmeasured: the file's pages, the clock and the caches settle */
    infer_status status = evaluate(run, point->depth, count, &seconds, err);
    for (uint32_t i = 0; !status && i < repeat; i++) {
        run->progress(run->ud, "prefill", i + 1, repeat);
        status = evaluate(run, point->depth, count, &seconds, err);
        rates[i] = share(count, seconds);
    }
    if (status)
        return status;
    double ops = prompt * ((double)result->info.ops_per_token - head) + head;
    point->pp = spread_of(rates, repeat);
    point->pp_gop_s = ops / prompt * point->pp.median * 1e-9;
    point->pp_share = share(point->pp_gop_s, result->float_weights ? result->ceilings.f32.median
                                                                   : result->ceilings.int8.median);
    return INFER_OK;
}

/* Bytes of weights and KV that a token of the decoding behind `depth` reads, on average. */
static double bytes_a_token(const struct run *run, const struct bench_result *result,
                            uint32_t depth)
{
    const infer_plan_info *info = &result->info;
    uint64_t positions = ((uint64_t)info->context + CONTEXT_STEP - 1) / CONTEXT_STEP * CONTEXT_STEP;
    double each = (double)result->plan.kv / (double)info->sessions / (double)positions;
    double seen = 0; /* of the positions that are there, one token after another */
    for (uint32_t i = 0; i < run->options->generate; i++) {
        uint64_t there = (uint64_t)depth + i + 1;
        seen += (double)(there < run->window ? there : run->window);
    }
    return (double)info->weight_bytes_per_token + each * seen / run->options->generate;
}

/* A repetition of decoding. */
struct decoding {
    double seconds;  /* of the tokens */
    double readable; /* GB that could have been read in that time */
};

/* Few tokens at a time, each such piece between two looks at the read rate, which on a shared machine
 * changes within a second. *rate: of the last look. */
static infer_status decode(struct run *run, const struct bench_meter *meter, uint32_t depth,
                           uint32_t count, double *rate, struct decoding *out, infer_error *err)
{
    *out = (struct decoding){0};
    infer_status status = infer_session_rewind(run->session, depth, err);
    for (uint32_t i = 0; !status && i < count;) {
        double start = now_ms(), before = *rate;
        uint32_t end = count - i < TOKENS_BETWEEN_LOOKS ? count : i + TOKENS_BETWEEN_LOOKS;
        for (; !status && i < end; i++)
            status = infer_session_eval(run->session, run->ids + depth + i, 1, NULL, err);
        double seconds = (now_ms() - start) * 1e-3;
        *rate = bench_meter_read(meter);
        if (!status && !(*rate > 0))
            return fail(err, INFER_E_MEMORY, "the process that measures the read rate has ended");
        out->seconds += seconds;
        out->readable += seconds * (before + *rate) / 2;
    }
    return status;
}

static infer_status repeat_decode(struct run *run, const struct bench_meter *meter, double gb,
                                  struct bench_point *point, infer_error *err)
{
    double rates[REPEAT_MOST], shares[REPEAT_MOST], reads[REPEAT_MOST];
    uint32_t count = run->options->generate, repeat = run->options->repeat;
    double rate = bench_meter_read(meter);
    struct decoding seen;
    infer_status status = decode(run, meter, point->depth,
                                 count < TOKENS_BETWEEN_LOOKS ? count : TOKENS_BETWEEN_LOOKS, &rate,
                                 &seen, err); /* once unmeasured */
    for (uint32_t i = 0; !status && i < repeat; i++) {
        run->progress(run->ud, "decode", i + 1, repeat);
        status = decode(run, meter, point->depth, count, &rate, &seen, err);
        rates[i] = share(count, seen.seconds);
        reads[i] = share(seen.readable, seen.seconds);
        shares[i] = share(gb * count, seen.readable);
    }
    if (status)
        return status;
    point->tg = spread_of(rates, repeat);
    point->tg_gb_s = gb * point->tg.median;
    point->tg_share = spread_of(shares, repeat).median;
    point->tg_read_gb_s = spread_of(reads, repeat).median;
    return INFER_OK;
}

static infer_status measure_decode(struct run *run, const struct bench_result *result,
                                   struct bench_point *point, infer_error *err)
{
    struct bench_meter meter;
    point->tg = (struct bench_spread){NAN, NAN, NAN};
    point->tg_gb_s = point->tg_share = point->tg_read_gb_s = NAN;
    if (run->options->generate == 0)
        return INFER_OK;
    if (!bench_meter_start(&meter, result->info.threads))
        return fail(err, INFER_E_MEMORY, "no process to measure the read rate with");
    double gb = bytes_a_token(run, result, point->depth) * 1e-9;
    infer_status status = repeat_decode(run, &meter, gb, point, err);
    bench_meter_stop(&meter);
    return status;
}

static infer_status measure_point(struct run *run, uint32_t depth, struct bench_result *result,
                                  infer_error *err)
{
    struct bench_point *point = &result->points[result->point_count];
    point->depth = depth;
    infer_status status = infer_session_rewind(run->session, 0, err);
    if (!status && depth) {
        run->progress(run->ud, "filling to depth", depth, depth);
        status = infer_session_eval(run->session, run->ids, depth, NULL, err);
    }
    if (status || (status = measure_prefill(run, result, point, err)) ||
        (status = measure_decode(run, result, point, err)))
        return status;
    result->point_count++;
    note_memory(run);
    return INFER_OK;
}

/* ---- All of it ------------------------------------------------------------------------------ */

static infer_status measure(struct run *run, const char *path, struct bench_result *result,
                            infer_error *err)
{
    infer_status status = open_run(run, path, err);
    if (status || (status = describe(run, result, err)))
        return status;
    infer_plan_get_memory(run->plan, &result->plan);
    infer_plan_get_info(run->plan, &result->info);
    close_run(run);
    run->progress(run->ud, "ceilings", 1, 1);
    if (!bench_ceilings_measure(result->info.threads, &result->ceilings))
        return fail(err, INFER_E_MEMORY, "no memory or threads to measure the ceilings with");
    if ((status = measure_load(run, path, result, err)))
        return status;
    note_memory(run);
    for (uint32_t i = 0; i < run->options->depth_count; i++)
        if ((status = measure_point(run, run->options->depths[i], result, err)))
            return status;
    /* the counters of the peak lag behind the exact sum by some pages */
    result->peak_bytes = run->most.total;
    if (run->peak_known && run->most.peak > run->most.total)
        result->peak_bytes = run->most.peak;
    result->peak_anon_bytes = run->most.anon;
    result->peak_file_bytes = run->most.file;
    return INFER_OK;
}

infer_status bench_measure(const char *path, const struct bench_options *options,
                           bench_progress *progress, void *ud, struct bench_result *result,
                           infer_error *err)
{
    struct run run = {.options = options, .progress = progress, .ud = ud};
    uint32_t more = options->prompt > options->generate ? options->prompt : options->generate;
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < options->depth_count; i++)
        deepest = options->depths[i] > deepest ? options->depths[i] : deepest;
    *result = (struct bench_result){.path = path};
    run.plan_options = (infer_plan_options){
        .size = sizeof run.plan_options,
        .context = (deepest + more + CONTEXT_STEP - 1) / CONTEXT_STEP * CONTEXT_STEP,
        .batch = options->batch,
        .threads = options->threads,
        .kv = options->kv,
        .isa = options->isa,
    };
    run.ids = calloc(run.plan_options.context, sizeof *run.ids);
    infer_status status =
        run.ids ? measure(&run, path, result, err) : fail(err, INFER_E_MEMORY, "out of memory");
    close_run(&run);
    free(run.ids);
    if (status)
        bench_result_release(result);
    return status;
}

void bench_result_release(struct bench_result *result)
{
    free(result->architecture);
    free(result->name);
    *result = (struct bench_result){0};
}
