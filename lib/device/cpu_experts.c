/*
 * Mixtures of experts. A slot is (token, j): the token's j-th chosen expert. INF_BUF_CHOICE holds
 * for each token its experts' weights and numbers; INF_BUF_GROUPS, as uint32:
 *
 *     [experts + 1] where each expert's slots begin in the lists
 *     [slots]       the slots, by expert
 *     [slots]       their tokens
 *     [1]           how many experts have slots
 *     [experts]     which
 */
#include "lib/device/cpu_run.h"

#include "kernels/ref/math_ref.h"
#include "lib/base/limits.h"

#include <string.h>

static uint32_t *chosen(const struct infer_plan *plan, uint32_t row)
{
    return (uint32_t *)(void *)(inf_cpu_row(plan, INF_BUF_CHOICE, row) + plan->hp.experts_used);
}

static uint32_t *groups(const struct infer_plan *plan)
{
    return (uint32_t *)(void *)inf_plan_buffer(plan, INF_BUF_GROUPS, 0);
}

/* Whether `score` comes before `other`, of a lower number. NaN comes first: what it leads to is seen. */
static bool beats(float score, float other)
{
    return !(score <= other) && other == other;
}

/* The `used` largest of n scores, in falling order, the lower number on a tie. Scores of -infinity
 * take part last. */
static void choose(const float *scores, uint32_t n, uint32_t used, uint32_t *best)
{
    for (uint32_t e = 0; e < n; e++) {
        uint32_t at = e < used ? e : used;
        if (at == used && !beats(scores[e], scores[best[used - 1]]))
            continue;
        at = at == used ? used - 1 : at;
        for (; at && beats(scores[e], scores[best[at - 1]]); at--)
            best[at] = best[at - 1];
        best[at] = e;
    }
}

/* Leaves out the experts of all but the best groups. A group is as good as its two best experts
 * together (DeepSeek-V3), with softmax as its best one (DeepSeek-V2). */
static void leave_groups(const struct inf_hparams *hp, float *scores)
{
    const struct inf_routing *r = &hp->routing;
    uint32_t each = hp->experts / r->groups, best[INF_MAX_EXPERTS] = {0};
    float sums[INF_MAX_EXPERTS] = {0};
    for (uint32_t g = 0; g < r->groups; g++) {
        uint32_t top[2] = {0, 0};
        const float *own = scores + g * each;
        choose(own, each, each < 2 ? 1 : 2, top);
        sums[g] = own[top[0]] + (r->sigmoid && each > 1 ? own[top[1]] : 0.0f);
    }
    choose(sums, r->groups, r->groups_used, best);
    for (uint32_t g = 0; g < r->groups; g++) {
        bool kept = false;
        for (uint32_t i = 0; i < r->groups_used; i++)
            kept |= best[i] == g;
        for (uint32_t e = 0; !kept && e < each; e++)
            scores[g * each + e] = -INFINITY;
    }
}

/*
 * The experts of a token and their weights. Scores: sigmoid s = 1 / (1 + exp(-x)); softmax
 * exp(x - largest), over the sum of all in order of number (normalised: of the chosen in order of
 * choice). Where nothing is added to the scores of a softmax, the choice is by x itself.
 */
void inf_cpu_route(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_routing *r = &plan->hp.routing;
    const float *x = inf_cpu_row(plan, step->in, row);
    const float *bias = step->w[0] ? (const float *)(const void *)step->w[0]->data : NULL;
    float *weights = inf_cpu_row(plan, step->out, row), scores[INF_MAX_EXPERTS] = {0};
    uint32_t *experts = chosen(plan, row), used = plan->hp.experts_used, n = plan->hp.experts;
    float most = x[0], all = 0.0f, sum = 0.0f;
    for (uint32_t e = 1; e < n; e++)
        most = x[e] > most ? x[e] : most;
    bool by_score = r->sigmoid || bias || r->groups > 1;
    for (uint32_t e = 0; e < n && (by_score || !r->normalise); e++) {
        scores[e] = r->sigmoid ? 1.0f / (1.0f + inf_exp_ref(-x[e])) : inf_exp_ref(x[e] - most);
        all += scores[e];
    }
    for (uint32_t e = 0; e < n && by_score; e++)
        scores[e] = (r->sigmoid ? scores[e] : scores[e] / all) + (bias ? bias[e] : 0.0f);
    if (r->groups > 1)
        leave_groups(&plan->hp, scores);
    choose(by_score ? scores : x, n, used, experts);
    for (uint32_t j = 0; j < used; j++) {
        float at = x[experts[j]];
        weights[j] = r->sigmoid ? 1.0f / (1.0f + inf_exp_ref(-at)) : inf_exp_ref(at - most);
        sum += weights[j];
    }
    sum += 0x1p-100f; /* sigmoids may all be 0 */
    float whole = r->normalise ? sum : r->sigmoid ? 1.0f : all;
    for (uint32_t j = 0; j < used; j++)
        weights[j] = weights[j] / whole * r->scale;
    const float *own = step->w[1] ? (const float *)(const void *)step->w[1]->data : NULL;
    for (uint32_t j = 0; own && j < used; j++)
        weights[j] *= own[experts[j]];
}

void inf_cpu_slot_bias(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t slot)
{
    const struct infer_plan *plan = run->plan;
    uint32_t used = plan->hp.experts_used, expert = chosen(plan, slot / used)[slot % used];
    const float *bias =
        (const float *)(const void *)(step->w[0]->data + expert * step->w[0]->row_bytes);
    float *x = inf_cpu_row(plan, step->in, slot);
    for (uint32_t i = 0; i < step->n; i++)
        x[i] += bias[i];
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
    active[0] = 0;
    for (uint32_t e = 0; e < experts; e++)
        if (start[e] < start[e + 1])
            active[++active[0]] = e;
}

/* Experts that a pass can meet. Not how many it does meet: a thread that comes late must count the
 * same tasks, and by then the lists may be another layer's. */
static uint32_t experts_at_most(const struct inf_cpu_run *run)
{
    const struct inf_hparams *hp = &run->plan->hp;
    uint32_t slots = run->batch->rows * hp->experts_used;
    return slots < hp->experts ? slots : hp->experts;
}

/* Rows of weights in a task: as large as leaves each thread some, for few columns are bound by memory;
 * many columns work from panels. */
static uint32_t rows_of_task(const struct inf_cpu_run *run, const struct inf_step *step)
{
    if (run->batch->rows > 8)
        return 2 * INF_MATMUL_ROWS;
    uint64_t total = 0;
    for (uint32_t i = 0; i < step->count; i++)
        total += (uint64_t)step->w[i]->rows * experts_at_most(run);
    uint64_t each = total / (run->threads * 4) / INF_MATMUL_ROWS * INF_MATMUL_ROWS;
    return each < INF_MATMUL_ROWS ? INF_MATMUL_ROWS : (uint32_t)inf_min_size(each, UINT16_MAX);
}

/* One list of tasks: (matrix, expert, block of rows). */
uint32_t inf_cpu_experts_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    uint32_t each = rows_of_task(run, step), tasks = 0;
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
    uint32_t each = rows_of_task(run, step), i = 0, blocks;
    for (;; i++) {
        blocks = (step->w[i]->rows + each - 1) / each;
        if (task < blocks * experts_at_most(run))
            break;
        task -= blocks * experts_at_most(run);
    }
    if (task / blocks >= active[0])
        return;
    const struct inf_weight *w = step->w[i];
    uint32_t e = active[1 + task / blocks], row = task % blocks * each;
    struct inf_matmul_args args = {
        .type = w->type,
        .w = inf_weight_expert(w, e) + row * w->row_bytes,
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

/* The experts of a token in order of choice, then the one of all tokens. */
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
    if (step->in2 == INF_BUF_NONE)
        return;
    const float *shared = inf_cpu_row(plan, step->in2, row);
    float share = 1.0f;
    if (step->w[0])
        share = 1.0f / (1.0f + inf_exp_ref(-*inf_cpu_row(plan, INF_BUF_SHARED_GATE, row)));
    for (uint32_t i = 0; i < step->n; i++)
        out[i] = fmaf(share, shared[i], out[i]);
}
