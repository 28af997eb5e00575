/* Inside the CPU device: one pass in progress, and the steps that have files of their own. */
#ifndef INF_CPU_RUN_H
#define INF_CPU_RUN_H

#include "lib/device/device.h"

struct inf_cpu_run {
    struct infer_plan *plan;
    const struct inf_batch *batch;
    uint32_t threads, block_count; /* blocks: of attention, in plan->blocks */
    uint32_t segment_count;        /* rows of one session each, in plan->segments */
    _Atomic bool stop;             /* cancelled: the tasks that are left do nothing */
};

/* A step cut into tasks: how many there are (the same for every thread), and one of them. */
uint32_t inf_cpu_matmul_tasks(const struct inf_cpu_run *run, const struct inf_step *step);
void inf_cpu_matmul(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                    uint8_t *scratch);
uint32_t inf_cpu_heads_tasks(const struct inf_cpu_run *run, const struct inf_step *step);
void inf_cpu_heads(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                   uint8_t *scratch);
void inf_cpu_attn_blocks(struct inf_cpu_run *run);
uint32_t inf_cpu_attn_tasks(const struct inf_cpu_run *run, const struct inf_step *step);
void inf_cpu_attn(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                  uint8_t *scratch);

/* Recurrent layers: the runs of rows of one session; the steps along the tokens, in tasks; those of one
 * row. */
void inf_cpu_segments(struct inf_cpu_run *run);
uint32_t inf_cpu_conv_tasks(const struct inf_cpu_run *run, const struct inf_step *step);
void inf_cpu_conv(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task);
uint32_t inf_cpu_recur_tasks(const struct inf_cpu_run *run, const struct inf_step *step);
void inf_cpu_recur(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task);
void inf_cpu_gates(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row);
void inf_cpu_unit(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row);
void inf_cpu_gated(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row);

/* Experts: the choice for one token, the lists of slots, their matrices, the sum for one token. */
void inf_cpu_route(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row);
void inf_cpu_group(const struct inf_cpu_run *run);
uint32_t inf_cpu_experts_tasks(const struct inf_cpu_run *run, const struct inf_step *step);
void inf_cpu_experts(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                     uint8_t *scratch);
void inf_cpu_slot_bias(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t slot);
void inf_cpu_combine(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row);

/* Fills in what a product reads from buffer `in`: int8 columns or floats. */
static inline void inf_cpu_input(const struct infer_plan *plan, enum inf_buffer in,
                                 struct inf_matmul_args *args)
{
    bool is_int = in >= INF_BUF_INT_EMBD && in <= INF_BUF_INT_DENSE;
    uint8_t *at = inf_plan_buffer(plan, in, 0);
    args->acts = is_int ? at : NULL;
    args->x = is_int ? NULL : (const float *)(const void *)at;
    args->x_stride = is_int ? 0 : plan->buffers[in].stride / sizeof(float);
}

/* Rows of a step; where it works on slots, the tokens of them. */
static inline uint32_t inf_cpu_rows(const struct inf_cpu_run *run, const struct inf_step *step)
{
    return step->rows == INF_ROWS_ONE      ? 1
           : step->rows == INF_ROWS_WANTED ? run->batch->wanted
                                           : run->batch->rows;
}

static inline float *inf_cpu_row(const struct infer_plan *plan, enum inf_buffer buffer, size_t row)
{
    return (float *)(void *)inf_plan_buffer(plan, buffer, row);
}

#endif
