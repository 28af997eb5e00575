/* The CPU device: walks the steps of a plan, all threads together. */
#include "lib/device/cpu_run.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Whether somebody cancelled; looked at before each task. */
static bool stopped(struct inf_cpu_run *run)
{
    if (atomic_load_explicit(&run->stop, memory_order_relaxed))
        return true;
    for (uint32_t i = 0; i < run->batch->cancels; i++)
        if (atomic_load_explicit(run->batch->cancel[i], memory_order_relaxed)) {
            atomic_store(&run->stop, true);
            return true;
        }
    return false;
}

static void scale_row(float *x, uint32_t n, float scale)
{
    for (uint32_t i = 0; scale != 1.0f && i < n; i++)
        x[i] *= scale;
}

/* x = x + y * scale */
static void add_rows(float *x, const float *y, uint32_t n, float scale)
{
    if (scale == 1.0f)
        for (uint32_t i = 0; i < n; i++)
            x[i] += y[i];
    else
        for (uint32_t i = 0; i < n; i++)
            x[i] += y[i] * scale;
}

/* x = x + row of w, in pieces of whole blocks of any type */
static void add_weights(float *x, const struct inf_weight *w, size_t row)
{
    const struct inf_type_info *type = inf_type_info(w->type);
    float piece[256];
    for (uint32_t at = 0; at < w->k; at += 256) {
        uint32_t n = w->k - at < 256 ? w->k - at : 256;
        inf_type_decode(type, w->data + row * w->row_bytes + at / type->weights * type->bytes, n,
                        piece);
        add_rows(x + at, piece, n, 1.0f);
    }
}

static void embed(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct inf_weight *w = step->w[0];
    float *out = inf_cpu_row(run->plan, step->out, row);
    inf_type_decode(inf_type_info(w->type), w->data + (size_t)run->batch->ids[row] * w->row_bytes,
                    w->k, out);
    scale_row(out, w->k, step->scale);
    if (step->w[1])
        add_weights(out, step->w[1], run->batch->positions[row]);
    if (step->w[2])
        add_weights(out, step->w[2], 0);
}

/* Everything of a token's embedding goes into the sum (or takes its place) in order of positions. */
static void pool(const struct inf_cpu_run *run, const struct inf_step *step)
{
    enum inf_pooling kind = run->plan->hp.pooling;
    uint32_t rows = inf_cpu_rows(run, step);
    float *to =
        step->out == INF_BUF_NONE ? run->batch->embedding : inf_cpu_row(run->plan, step->out, 0);
    for (uint32_t row = 0; row < rows; row++) {
        const float *from = inf_cpu_row(run->plan, step->in, row);
        if (run->batch->positions[row] == 0 || kind == INF_POOLING_LAST)
            memcpy(to, from, step->n * sizeof *to);
        else if (kind == INF_POOLING_MEAN)
            add_rows(to, from, step->n, 1.0f);
    }
}

/* The bias and the cap of a row of logits. */
static void end_logits(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    float *logits = plan->logits + (size_t)run->batch->logit_rows[row] * plan->hp.vocab;
    if (step->w[0])
        add_rows(logits, (const float *)(const void *)step->w[0]->data, plan->hp.vocab, 1.0f);
    if (plan->hp.logit_softcap > 0.0f)
        plan->kernels.softcap(
            &(struct inf_softcap_args){logits, plan->hp.vocab, plan->hp.logit_softcap});
}

/* For both RoPEs cos and sin, half of each, of a row's position. */
static void angles(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    float *out = inf_cpu_row(plan, step->out, row);
    for (int kind = 0; kind < 2; kind++) {
        uint32_t half = plan->hp.rope[kind].dims / 2;
        for (uint32_t i = 0; i < half; i++) {
            double c, s;
            inf_cos_sin(run->batch->positions[row] * plan->rope_freqs[kind][i], &c, &s);
            out[i] = (float)c * plan->rope_scale[kind];
            out[half + i] = (float)s * plan->rope_scale[kind];
        }
        out += 2 * half;
    }
}

static void norm(const struct infer_plan *plan, const struct inf_step *step, const float *in,
                 float *out, uint32_t heads)
{
    const float *weight = (const float *)(const void *)step->w[0]->data;
    const float *bias = step->w[1] ? (const float *)(const void *)step->w[1]->data : NULL;
    for (uint32_t h = 0; h < heads; h++) {
        size_t at = h * step->n, own = step->w[0]->rows > 1 ? at : 0;
        size_t from = step->apart ? (size_t)h * step->apart : at;
        if (plan->arch->layer_norm)
            plan->kernels.layernorm(&(struct inf_layernorm_args){in + from, weight + own, bias,
                                                                 out + at, step->n, plan->hp.eps});
        else
            plan->kernels.rmsnorm(&(struct inf_rmsnorm_args){in + from, weight + own, out + at,
                                                             step->n, plan->hp.eps});
    }
}

static void rope(const struct infer_plan *plan, const struct inf_step *step, uint32_t row)
{
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    uint32_t half = plan->hp.rope[l->rope].dims / 2;
    const float *at = inf_cpu_row(plan, INF_BUF_ANGLES, row);
    at += l->rope == INF_ROPE_LOCAL ? plan->hp.rope[INF_ROPE_GLOBAL].dims : 0;
    plan->kernels.rope(&(struct inf_rope_args){
        .x = inf_cpu_row(plan, step->in, row) + step->at,
        .heads = step->heads,
        .head_size = step->apart,
        .half = half,
        .cos = at,
        .sin = at + half,
        .adjacent = plan->arch->rope_adjacent,
    });
}

static void kv_store(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    for (uint32_t h = 0; h < l->kv_heads; h++) {
        uint8_t *head = inf_plan_kv(plan, run->batch->kv[row], step->layer, h);
        plan->kernels.kv_store(&(struct inf_kv_store_args){
            .kv = plan->kv,
            .k = inf_cpu_row(plan, step->in, row) + h * l->head_size,
            .v = l->v_cached ? inf_cpu_row(plan, step->in2, row) + h * l->v_cached : NULL,
            .k_size = l->head_size,
            .v_size = l->v_cached,
            .position = run->batch->positions[row],
            .k_head = head,
            .v_head = head + plan->kv_places[step->layer].v_at,
        });
    }
}

/* One column, or one for each head: all tokens' of a head stand together. */
static void quantize(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const float *x = inf_cpu_row(run->plan, step->in, row);
    uint8_t *columns = inf_plan_buffer(run->plan, step->out, 0);
    for (uint32_t h = 0; h < step->heads || h == 0; h++)
        run->plan->kernels.quantize(&(struct inf_quantize_args){
            .x = x + (size_t)h * step->apart,
            .k = step->n,
            .column = columns + ((size_t)h * run->batch->rows + row) * inf_acts_stride(step->n),
        });
}

/* A step on one row (of tokens, slots or wanted rows, as the step says). */
static void do_row(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    switch (step->op) {
    case INF_STEP_EMBED:
        embed(run, step, row);
        break;
    case INF_STEP_ANGLES:
        angles(run, step, row);
        break;
    case INF_STEP_NORM:
        norm(plan, step, inf_cpu_row(plan, step->in, row), inf_cpu_row(plan, step->out, row),
             step->heads);
        break;
    case INF_STEP_LAST:
        norm(plan, step, inf_cpu_row(plan, step->in, run->batch->want[row]),
             inf_cpu_row(plan, step->out, row), 1);
        scale_row(inf_cpu_row(plan, step->out, row), step->n, step->scale);
        break;
    case INF_STEP_LOGITS_END:
        end_logits(run, step, row);
        break;
    case INF_STEP_QUANTIZE:
        quantize(run, step, row);
        break;
    case INF_STEP_BIAS:
        add_rows(inf_cpu_row(plan, step->in, row), (const float *)(const void *)step->w[0]->data,
                 step->n, 1.0f);
        break;
    case INF_STEP_ROPE:
        rope(plan, step, row);
        break;
    case INF_STEP_KV_STORE:
        kv_store(run, step, row);
        break;
    case INF_STEP_GLU:
        plan->kernels.glu(&(struct inf_glu_args){
            .gate = inf_cpu_row(plan, step->in, row),
            .up = step->in2 == INF_BUF_NONE ? NULL : inf_cpu_row(plan, step->in2, row),
            .out = inf_cpu_row(plan, step->in, row),
            .n = step->n,
            .activation = plan->arch->activation,
            .xielu = &plan->hp.layer[step->layer].xielu,
        });
        break;
    case INF_STEP_ADD:
        add_rows(inf_cpu_row(plan, step->in, row), inf_cpu_row(plan, step->in2, row), step->n,
                 step->scale);
        break;
    case INF_STEP_SCALE:
        scale_row(inf_cpu_row(plan, step->in, row), step->n,
                  step->w[0] ? step->scale * *(const float *)(const void *)step->w[0]->data
                             : step->scale);
        break;
    case INF_STEP_GATED:
        inf_cpu_gated(run, step, row);
        break;
    case INF_STEP_GATES:
        inf_cpu_gates(run, step, row);
        break;
    case INF_STEP_MOVE:
        for (uint32_t h = 0; h < step->heads; h++)
            memcpy(inf_cpu_row(plan, step->out, row) + step->at2 + (size_t)h * step->n,
                   inf_cpu_row(plan, step->in, row) + step->at + (size_t)h * step->apart,
                   step->n * sizeof(float));
        break;
    case INF_STEP_UNIT:
        inf_cpu_unit(run, step, row);
        break;
    case INF_STEP_ROUTE:
        inf_cpu_route(run, step, row);
        break;
    case INF_STEP_SLOT_BIAS:
        inf_cpu_slot_bias(run, step, row);
        break;
    case INF_STEP_COMBINE:
        inf_cpu_combine(run, step, row);
        break;
    default:
        break;
    }
}

/* Rows of a stage are cut into a few tasks a thread; a token's slots go with it. */
static uint32_t row_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    uint32_t rows = inf_cpu_rows(run, step), most = run->threads * 4;
    return rows < most ? rows : most;
}

static void do_rows(const struct inf_cpu_run *run, const struct inf_stage *stage, uint32_t task)
{
    const struct inf_step *steps = &run->plan->steps[stage->first];
    uint64_t rows = inf_cpu_rows(run, steps), tasks = row_tasks(run, steps);
    for (uint32_t i = 0; i < stage->count; i++) {
        uint32_t each = steps[i].rows == INF_ROWS_SLOTS ? run->plan->hp.experts_used : 1;
        uint32_t first = (uint32_t)(rows * task / tasks) * each;
        uint32_t end = (uint32_t)(rows * (task + 1) / tasks) * each;
        for (uint32_t row = first; row < end; row++)
            do_row(run, &steps[i], row);
    }
}

/* How many tasks a stage has. Every thread counts the same, however late it comes. */
static uint32_t stage_tasks(const struct inf_cpu_run *run, const struct inf_stage *stage)
{
    const struct inf_step *step = &run->plan->steps[stage->first];
    switch (step->op) {
    case INF_STEP_MATMUL:
    case INF_STEP_LOGITS:
        return inf_cpu_matmul_tasks(run, step);
    case INF_STEP_ATTN:
        return inf_cpu_attn_tasks(run, step);
    case INF_STEP_POOL:
    case INF_STEP_GROUP:
        return 1;
    case INF_STEP_EXPERTS:
        return inf_cpu_experts_tasks(run, step);
    case INF_STEP_CONV:
        return inf_cpu_conv_tasks(run, step);
    case INF_STEP_RECUR:
        return inf_cpu_recur_tasks(run, step);
    case INF_STEP_HEADS:
        return inf_cpu_heads_tasks(run, step);
    default:
        return row_tasks(run, step);
    }
}

static void do_task(const struct inf_cpu_run *run, const struct inf_stage *stage, uint32_t task,
                    uint8_t *scratch)
{
    const struct inf_step *step = &run->plan->steps[stage->first];
    switch (step->op) {
    case INF_STEP_MATMUL:
    case INF_STEP_LOGITS:
        inf_cpu_matmul(run, step, task, scratch);
        break;
    case INF_STEP_ATTN:
        inf_cpu_attn(run, step, task, scratch);
        break;
    case INF_STEP_POOL:
        pool(run, step);
        break;
    case INF_STEP_GROUP:
        inf_cpu_group(run);
        break;
    case INF_STEP_EXPERTS:
        inf_cpu_experts(run, step, task, scratch);
        break;
    case INF_STEP_CONV:
        inf_cpu_conv(run, step, task);
        break;
    case INF_STEP_RECUR:
        inf_cpu_recur(run, step, task);
        break;
    case INF_STEP_HEADS:
        inf_cpu_heads(run, step, task, scratch);
        break;
    default:
        do_rows(run, stage, task);
        break;
    }
}

static void job(void *ud, uint32_t thread)
{
    struct inf_cpu_run *run = ud;
    struct infer_plan *plan = run->plan;
    uint8_t *scratch = plan->scratch + thread * plan->scratch_bytes;
    for (size_t i = 0; i < plan->stage_count && !stopped(run); i++) {
        uint32_t tasks = stage_tasks(run, &plan->stages[i]);
        struct inf_share *share = (void *)(plan->shares + i * plan->share_bytes);
        for (uint32_t task; (task = inf_share_take(plan->pool, share, thread, tasks)) < tasks;) {
            if (!stopped(run))
                do_task(run, &plan->stages[i], task, scratch);
            inf_share_finish(plan->pool, share, tasks);
        }
        inf_share_wait(plan->pool, share, tasks);
    }
}

static bool all_finite(const float *x, size_t n)
{
    uint32_t most = 0; /* of the exponents: all ones is infinity or NaN */
    for (size_t i = 0; i < n; i++) {
        uint32_t exponent = inf_float_bits(x[i]) & 0x7f800000;
        most = exponent > most ? exponent : most;
    }
    return most != 0x7f800000;
}

/* Whether what a step wrote as floats is finite. */
static bool step_finite(const struct inf_cpu_run *run, const struct inf_step *step)
{
    const struct infer_plan *plan = run->plan;
    if (step->op == INF_STEP_LOGITS)
        return !run->batch->wanted ||
               all_finite(plan->logits + (size_t)run->batch->logit_rows[0] * plan->hp.vocab,
                          plan->hp.vocab);
    if (step->op == INF_STEP_QUANTIZE || step->op == INF_STEP_GROUP || step->op == INF_STEP_ROUTE)
        return true;
    bool slots = step->rows == INF_ROWS_SLOTS || step->op == INF_STEP_EXPERTS;
    uint32_t rows = inf_cpu_rows(run, step) * (slots ? plan->hp.experts_used : 1);
    for (uint32_t i = 0; i < step->count + 1; i++) {
        enum inf_buffer written = i < step->count ? step->outs[i] : step->out;
        for (uint32_t row = 0; written < INF_BUF_NONE && row < rows; row++)
            if (!all_finite(inf_cpu_row(plan, written, row), plan->buffers[written].stride / 4))
                return false;
    }
    return true;
}

infer_status inf_cpu_find_fault(struct infer_plan *plan, const struct inf_batch *batch,
                                infer_error *err)
{
    struct inf_cpu_run run = {.plan = plan, .batch = batch, .threads = 1};
    inf_cpu_attn_blocks(&run);
    inf_cpu_segments(&run);
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct inf_step *step = &plan->steps[i];
        struct inf_stage alone = {(uint32_t)i, 1};
        for (uint32_t task = 0; task < stage_tasks(&run, &alone); task++)
            do_task(&run, &alone, task, plan->scratch);
        if (step_finite(&run, step))
            continue;
        char layer[32] = "";
        if (step->layer >= 0)
            snprintf(layer, sizeof layer, " of layer %d", step->layer);
        return inf_fail(err, INFER_E_NUMERIC, "the result of step %s%s (%s) is not finite",
                        inf_step_name(step->op), layer,
                        step->w[0] ? step->w[0]->name : "no weights");
    }
    return inf_fail(err, INFER_E_NUMERIC, "the logits are not finite");
}

infer_status inf_cpu_run(struct infer_plan *plan, const struct inf_batch *batch, uint32_t *bad_row,
                         infer_error *err)
{
    struct inf_cpu_run run = {
        .plan = plan,
        .batch = batch,
        .threads = inf_pool_threads(plan->pool),
    };
    inf_cpu_attn_blocks(&run);
    inf_cpu_segments(&run);
    memset(plan->shares, 0, plan->stage_count * plan->share_bytes);
    inf_pool_run(plan->pool, job, &run);
    if (atomic_load(&run.stop))
        return inf_fail(err, INFER_E_CANCELLED, "cancelled");
    for (*bad_row = 0; *bad_row < batch->rows; ++*bad_row)
        if (!all_finite(inf_cpu_row(plan, INF_BUF_STREAM, *bad_row), plan->hp.embd))
            return inf_fail(err, INFER_E_NUMERIC, "the result is not finite");
    for (uint32_t i = 0; i < batch->wanted; i++) {
        *bad_row = batch->want[i];
        if (!all_finite(plan->logits + (size_t)batch->logit_rows[i] * plan->hp.vocab,
                        plan->hp.vocab))
            return inf_fail(err, INFER_E_NUMERIC, "the logits are not finite");
    }
    return INFER_OK;
}
