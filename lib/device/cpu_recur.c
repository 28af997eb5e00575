/*
 * Recurrent layers. Along the tokens a task takes some channels or a head of one session through all
 * its rows of the pass, so the state is read and written once; where a copy of the state is wanted
 * before a row, the task copies its own part on the way.
 */
#include "lib/device/cpu_run.h"

#include <string.h>

void inf_cpu_segments(struct inf_cpu_run *run)
{
    const struct inf_batch *batch = run->batch;
    run->segment_count = 0;
    for (uint32_t row = 0, count; run->plan->state_floats && row < batch->rows; row += count) {
        count = 1;
        while (row + count < batch->rows && batch->state[row + count] == batch->state[row])
            count++;
        run->plan->segments[run->segment_count++] = (struct inf_attn_block){row, count};
    }
}

/* Rows from `row` on that need no copy before any but the first of them. */
static uint32_t rows_until_copy(const struct inf_cpu_run *run, uint32_t row, uint32_t end)
{
    uint32_t count = 1;
    while (row + count < end && !run->batch->copy[row + count])
        count++;
    return count;
}

/* Rows at a time: the kernel goes down the rows for every 16 channels, and these stay in the first cache
 * with all the channels of a task. */
#define CONV_ROWS 16

/* Channels of a task: a few tasks a thread, whole registers, not less than a cache line's worth. */
static uint32_t conv_channels(const struct inf_cpu_run *run, const struct inf_layer *l)
{
    uint32_t each = (l->conv_size / (run->threads * 2) + 63) / 64 * 64;
    return each < 64 ? 64 : each > 512 ? 512 : each;
}

uint32_t inf_cpu_conv_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    const struct inf_layer *l = &run->plan->hp.layer[step->layer];
    uint32_t each = conv_channels(run, l);
    return run->segment_count * ((l->conv_size + each - 1) / each);
}

void inf_cpu_conv(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    uint32_t each = conv_channels(run, l), parts = (l->conv_size + each - 1) / each;
    const struct inf_attn_block *segment = &plan->segments[task / parts];
    uint32_t first = task % parts * each, left = l->conv_size - first;
    size_t place = plan->state_places[step->layer].conv_at + first;
    struct inf_conv_args args = {
        .x_stride = plan->buffers[step->in].stride / sizeof(float),
        .channels = left < each ? left : each,
        .taps = l->taps,
        .weight = (const float *)(const void *)step->w[0]->data + (size_t)first * l->taps,
        .bias = step->w[1] ? (const float *)(const void *)step->w[1]->data + first : NULL,
        .state = run->batch->state[segment->row] + place,
        .state_stride = l->conv_size,
        .silu = l->mixer != INF_MIXER_CONV,
    };
    uint32_t end = segment->row + segment->count;
    for (uint32_t row = segment->row; row < end; row += (uint32_t)args.rows) {
        float *copy = run->batch->copy[row];
        for (uint32_t j = 0; copy && j + 1 < l->taps; j++)
            memcpy(copy + place + (size_t)j * l->conv_size, args.state + (size_t)j * l->conv_size,
                   args.channels * sizeof *copy);
        args.rows = inf_min_size(rows_until_copy(run, row, end), CONV_ROWS);
        args.x = inf_cpu_row(plan, step->in, row) + step->at + first;
        plan->kernels.conv(&args);
    }
}

/* Parts of a head, in groups of 32 values: one, where the heads are enough for the threads. */
static uint32_t head_parts(const struct inf_cpu_run *run, const struct inf_layer *l)
{
    uint32_t want = (2 * run->threads + l->r_heads - 1) / l->r_heads, most = (l->values + 31) / 32;
    return want < most ? want : most;
}

uint32_t inf_cpu_recur_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    const struct inf_layer *l = &run->plan->hp.layer[step->layer];
    return run->segment_count * l->r_heads * head_parts(run, l);
}

void inf_cpu_recur(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    uint32_t parts = head_parts(run, l), groups32 = (l->values + 31) / 32;
    uint32_t part = task % parts, head = task / parts % l->r_heads;
    const struct inf_attn_block *segment = &plan->segments[task / parts / l->r_heads];
    uint32_t first = groups32 * part / parts * 32, last = groups32 * (part + 1) / parts * 32;
    last = last < l->values ? last : l->values;
    uint32_t group = l->r_tiled ? head % l->r_groups : head / (l->r_heads / l->r_groups);
    bool delta =
        l->mixer == INF_MIXER_DELTA; /* queries, keys, values; else values, keys, queries */
    size_t all_keys = (size_t)l->r_groups * l->keys, own = (size_t)group * l->keys;
    size_t v_at = step->at + (delta ? 2 * all_keys : 0) + (size_t)head * l->values + first;
    size_t k_at = step->at + (delta ? all_keys : l->out_size) + own;
    size_t q_at = step->at + (delta ? 0 : l->out_size + all_keys) + own;
    size_t place = plan->state_places[step->layer].heads_at +
                   head * inf_recur_state(l->keys, l->values) + (size_t)first * l->keys;
    struct inf_recur_args args = {
        .x_stride = plan->buffers[step->in].stride / sizeof(float),
        .gate_stride = plan->buffers[INF_BUF_FORGET].stride / sizeof(float),
        .out_stride = plan->buffers[step->out].stride / sizeof(float),
        .state = run->batch->state[segment->row] + place,
        .keys = l->keys,
        .values = last - first,
        .skip = step->w[0] ? ((const float *)(const void *)step->w[0]->data)[head] : 0.0f,
        .correct = delta,
    };
    uint32_t end = segment->row + segment->count;
    for (uint32_t row = segment->row; row < end; row += (uint32_t)args.rows) {
        const float *in = inf_cpu_row(plan, step->in, row);
        if (run->batch->copy[row])
            memcpy(run->batch->copy[row] + place, args.state,
                   inf_recur_state(l->keys, last - first) * sizeof(float));
        args.rows = rows_until_copy(run, row, end);
        args.k = in + k_at;
        args.q = in + q_at;
        args.v = in + v_at;
        args.g = inf_cpu_row(plan, INF_BUF_FORGET, row) + head;
        args.beta = inf_cpu_row(plan, INF_BUF_TAKE, row) + head;
        args.out = inf_cpu_row(plan, step->out, row) + (size_t)head * l->values + first;
        plan->kernels.recur(&args);
    }
}

/* Mamba-2 has its alpha behind what it convolves, and no gate of its own on what it takes in. */
void inf_cpu_gates(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    bool mamba = l->mixer == INF_MIXER_MAMBA;
    float *take = inf_cpu_row(plan, step->in2, row);
    plan->kernels.gates(&(struct inf_gates_args){
        .alpha = inf_cpu_row(plan, step->in, row) + (mamba ? l->out_size + l->conv_size : 0),
        .bias = (const float *)(const void *)step->w[0]->data,
        .a = (const float *)(const void *)step->w[1]->data,
        .raw = mamba ? NULL : take,
        .g = inf_cpu_row(plan, step->out, row),
        .beta = take,
        .n = l->r_heads,
    });
}

/* x / sqrt(sum of squares + 1e-6), and queries over the root of their size, as norms with fixed
 * weights: x / sqrt(mean + 1e-6 / n) * 1 / sqrt(n). */
void inf_cpu_unit(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    float *at = inf_cpu_row(plan, step->in, row);
    for (uint32_t h = 0; h < 2 * l->r_groups; h++, at += l->keys)
        plan->kernels.rmsnorm(&(struct inf_rmsnorm_args){
            .x = at,
            .weight = plan->unit + (h < l->r_groups ? 0 : l->keys),
            .out = at,
            .n = l->keys,
            .eps = 1e-6f / (float)l->keys,
        });
}

void inf_cpu_gated(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    const float *gate = inf_cpu_row(plan, step->in2, row) + step->at2;
    const float *in = inf_cpu_row(plan, step->in, row) + step->at;
    float *out = inf_cpu_row(plan, step->out, row) + (step->out == step->in ? step->at : 0);
    for (uint32_t h = 0; h < step->heads; h++)
        plan->kernels.glu(&(struct inf_glu_args){
            .gate = gate + (size_t)h * (step->apart ? step->apart : step->n),
            .up = in + (size_t)h * step->n,
            .out = out + (size_t)h * step->n,
            .n = step->n,
            .activation = step->activation,
        });
}
