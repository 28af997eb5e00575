/* Matrix products: the rows of all matrices of a step are one list of tasks. */
#include "lib/device/cpu_run.h"

/* Whether the step's matrices go through approximate kernels: those of a step are of one kind, or the
 * few others take part in larger tasks. Experts never do: their columns are few. */
static bool is_approx(const struct infer_plan *plan, const struct inf_step *step, uint32_t cols)
{
    return cols > INF_APPROX_COLS && inf_plan_approx(plan, step->w[0]);
}

/* Rows of weights in a task: few columns are bound by memory and want even shares, so a thread gets
 * about eight tasks; many columns work from panels of INF_MATMUL_ROWS. */
static uint32_t task_rows(uint32_t total_rows, uint32_t cols, uint32_t threads)
{
    uint32_t rows = cols > 8 ? INF_MATMUL_ROWS : total_rows / (threads * 8);
    rows = (rows + INF_MATMUL_ROWS - 1) / INF_MATMUL_ROWS * INF_MATMUL_ROWS;
    return rows ? rows : INF_MATMUL_ROWS;
}

/* Where the result of matrix i goes. The columns of logits are rows of plan->logits. */
static void set_output(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t i,
                       struct inf_matmul_args *args)
{
    struct infer_plan *plan = run->plan;
    if (step->op == INF_STEP_LOGITS) {
        args->out = plan->logits;
        args->out_stride = plan->hp.vocab;
        args->out_cols = run->batch->logit_rows;
        return;
    }
    args->out = inf_cpu_row(plan, step->outs[i], 0);
    args->out_stride = plan->buffers[step->outs[i]].stride / sizeof(float);
}

void inf_cpu_matmul(struct inf_cpu_run *run, const struct inf_step *step, uint32_t thread)
{
    struct infer_plan *plan = run->plan;
    uint32_t cols = step->rows == INF_ROWS_WANTED ? run->batch->wanted : run->batch->rows;
    uint32_t total = 0, tasks[4] = {0};
    if (!cols)
        return;
    for (uint32_t i = 0; i < step->count; i++)
        total += step->w[i]->rows;
    bool approx = is_approx(plan, step, cols);
    uint32_t each = approx ? INF_APPROX_ROWS : task_rows(total, cols, run->threads);
    for (uint32_t i = 0; i < step->count; i++)
        tasks[i + 1] = tasks[i] + (step->w[i]->rows + each - 1) / each;
    struct inf_matmul_args args = {
        .cols = cols, .scratch = inf_cpu_scratch(run, thread), .sgemm = plan->sgemm};
    inf_cpu_input(plan, step->in, &args);
    for (uint32_t task; (task = inf_pool_next(plan->pool)) < tasks[step->count];) {
        if (inf_cpu_stopped(run))
            return;
        uint32_t i = 0;
        while (task >= tasks[i + 1])
            i++;
        const struct inf_weight *w = step->w[i];
        uint32_t first = (task - tasks[i]) * each;
        args.type = w->type;
        args.w = w->data + first * w->row_bytes;
        args.row_bytes = w->row_bytes;
        args.rows = w->rows - first < each ? w->rows - first : each;
        args.k = w->k;
        set_output(run, step, i, &args);
        args.out += first;
        inf_matmul_fn *function = approx ? inf_plan_approx(plan, w) : NULL;
        (function ? function : plan->kernels.matmul[w->type])(&args);
    }
}
