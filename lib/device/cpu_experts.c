/*
 * Mixtures of experts. A slot is (token, j): the token's j-th chosen expert. INF_BUF_CHOICE holds
 * for each token its experts' weights and numbers; INF_BUF_GROUPS, as uint32: [experts + 1] where
 * each expert's slots begin in the lists [slots]       the slots, by expert [slots]       their
 * tokens
 */
#include "lib/device/cpu_run.h"

#include "kernels/ref/math_ref.h"

#include <string.h>

static uint32_t *chosen(const struct infer_plan *plan, uint32_t row)
{
    return (uint32_t *)(void *)(inf_cpu_row(plan, INF_BUF_CHOICE, row) + plan->hp.experts_used);
}

static uint32_t *groups(const struct infer_plan *plan)
{
    return (uint32_t *)(void *)inf_plan_buffer(plan, INF_BUF_GROUPS, 0);
}

/* The likeliest experts (the lower number on a tie); their softmax over the chosen ones. */
void inf_cpu_route(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    const float *logits = inf_cpu_row(plan, step->in, row);
    float *weights = inf_cpu_row(plan, step->out, row), sum = 0.0f;
    uint32_t *experts = chosen(plan, row), used = plan->hp.experts_used;
    for (uint32_t j = 0; j < used; j++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t e = 0; e < plan->hp.experts; e++) {
            bool taken = false;
            for (uint32_t i = 0; i < j; i++)
                taken |= experts[i] == e;
            if (!taken && (best == UINT32_MAX || logits[e] > logits[best]))
                best = e;
        }
        experts[j] = best;
        weights[j] = inf_exp_ref(logits[best] - logits[experts[0]]);
        sum += weights[j];
    }
    for (uint32_t j = 0; j < used; j++)
        weights[j] /= sum;
}

/* Counts each expert's slots, then deals the slots out in order. */
void inf_cpu_group(const struct inf_cpu_run *run)
{
    const struct infer_plan *plan = run->plan;
    uint32_t experts = plan->hp.experts, used = plan->hp.experts_used;
    uint32_t slots = run->batch->rows * used, *start = groups(plan);
    uint32_t *list = start + experts + 1, *tokens = list + slots, *active = tokens + slots;
    memset(start, 0, (experts + 1) * sizeof *start);
    for (uint32_t slot = 0; slot < slots; slot++)
        start[chosen(plan, slot / used)[slot % used] + 1]++;
    for (uint32_t e = 0; e < experts; e++)
        start[e + 1] += start[e];
    for (uint32_t slot = 0; slot < slots; slot++) { /* start[e] runs ahead to the end of e ... */
        uint32_t at = start[chosen(plan, slot / used)[slot % used]]++;
        list[at] = slot;
        tokens[at] = slot / used;
    }
    memmove(start + 1, start, experts * sizeof *start); /* ... where e + 1 begins */
    start[0] = 0;
    for (uint32_t e = 0; e < experts; e++)
        if (start[e] < start[e + 1])
            *active++ = e;
    *active = UINT32_MAX;
}

static uint32_t rows_of_task(const struct inf_cpu_run *run)
{
    return run->batch->rows > 8 ? 2 * INF_MATMUL_ROWS : 4 * INF_MATMUL_ROWS;
}

/* Experts that a pass can meet. Not how many it does meet: a thread that comes late must count the
 * same tasks, and by then the lists may be another layer's. */
static uint32_t experts_at_most(const struct inf_cpu_run *run)
{
    const struct inf_hparams *hp = &run->plan->hp;
    uint32_t slots = run->batch->rows * hp->experts_used;
    return slots < hp->experts ? slots : hp->experts;
}

/* One list of tasks: (matrix, expert, block of rows). */
uint32_t inf_cpu_experts_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    uint32_t each = rows_of_task(run), tasks = 0;
    for (uint32_t i = 0; i < step->count; i++)
        tasks += (step->w[i]->rows + each - 1) / each * experts_at_most(run);
    return tasks;
}

void inf_cpu_experts(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                     uint8_t *scratch)
{
    const struct infer_plan *plan = run->plan;
    uint32_t experts = plan->hp.experts, slots = run->batch->rows * plan->hp.experts_used;
    const uint32_t *start = groups(plan), *list = start + experts + 1, *tokens = list + slots;
    const uint32_t *active = tokens + slots;
    uint32_t each = rows_of_task(run), i = 0, blocks;
    for (;; i++) {
        blocks = (step->w[i]->rows + each - 1) / each;
        if (task < blocks * experts_at_most(run))
            break;
        task -= blocks * experts_at_most(run);
    }
    for (uint32_t a = 0; a <= task / blocks; a++)
        if (active[a] == UINT32_MAX)
            return;
    const struct inf_weight *w = step->w[i];
    uint32_t e = active[task / blocks], row = task % blocks * each;
    struct inf_matmul_args args = {
        .type = w->type,
        .w = w->data + e * w->expert_bytes + row * w->row_bytes,
        .row_bytes = w->row_bytes,
        .rows = w->rows - row < each ? w->rows - row : each,
        .k = w->k,
        .x_cols = (step->from_slots ? list : tokens) + start[e],
        .out_cols = list + start[e],
        .cols = start[e + 1] - start[e],
        .out = inf_cpu_row(plan, step->outs[i], 0) + row,
        .out_stride = plan->buffers[step->outs[i]].stride / sizeof(float),
        .scratch = scratch,
    };
    inf_cpu_input(plan, step->in, &args);
    plan->kernels.matmul[w->type](&args);
}

void inf_cpu_combine(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    const float *weights = inf_cpu_row(plan, INF_BUF_CHOICE, row);
    float *out = inf_cpu_row(plan, step->out, row);
    for (uint32_t i = 0; i < step->n; i++)
        out[i] = 0.0f;
    for (uint32_t j = 0; j < plan->hp.experts_used; j++) {
        const float *slot = inf_cpu_row(plan, step->in, (size_t)row * plan->hp.experts_used + j);
        for (uint32_t i = 0; i < step->n; i++)
            out[i] = fmaf(weights[j], slot[i], out[i]);
    }
}
