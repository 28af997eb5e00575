/* Inside the CPU device: one pass in progress, and the steps that have files of their own. */
#ifndef INF_CPU_RUN_H
#define INF_CPU_RUN_H

#include "lib/device/device.h"

struct inf_cpu_run {
    struct infer_plan *plan;
    const struct inf_batch *batch;
    uint32_t threads, block_count; /* blocks: of attention, in plan->blocks */
    _Atomic bool stop;             /* cancelled: the steps that are left do nothing */
    const struct inf_step *bad;    /* of a checked batch: the first whose result is not finite */
};

/* Whether somebody cancelled; also looked at between tasks. */
bool inf_cpu_stopped(struct inf_cpu_run *run);

void inf_cpu_matmul(struct inf_cpu_run *run, const struct inf_step *step, uint32_t thread);
void inf_cpu_attn(struct inf_cpu_run *run, const struct inf_step *step, uint32_t thread);
void inf_cpu_attn_blocks(struct inf_cpu_run *run);

/* Experts: the choice for one token, the lists of slots, their matrices, the sum for one token. */
void inf_cpu_route(struct inf_cpu_run *run, const struct inf_step *step, uint32_t row);
void inf_cpu_group(struct inf_cpu_run *run);
void inf_cpu_experts(struct inf_cpu_run *run, const struct inf_step *step, uint32_t thread);
void inf_cpu_combine(struct inf_cpu_run *run, const struct inf_step *step, uint32_t row);

static inline uint8_t *inf_cpu_scratch(const struct inf_cpu_run *run, uint32_t thread)
{
    return run->plan->scratch + thread * run->plan->scratch_bytes;
}

/* Fills in what a product reads from buffer `in`: int8 columns or floats. */
static inline void inf_cpu_input(const struct infer_plan *plan, enum inf_buffer in,
                                 struct inf_matmul_args *args)
{
    bool is_int = in == INF_BUF_INT_EMBD || in == INF_BUF_INT_Q || in == INF_BUF_INT_FF;
    uint8_t *at = inf_plan_buffer(plan, in, 0);
    args->acts = is_int ? at : NULL;
    args->x = is_int ? NULL : (const float *)(const void *)at;
    args->x_stride = is_int ? 0 : plan->buffers[in].stride / sizeof(float);
}

static inline float *inf_cpu_row(const struct infer_plan *plan, enum inf_buffer buffer, size_t row)
{
    return (float *)(void *)inf_plan_buffer(plan, buffer, row);
}

#endif
