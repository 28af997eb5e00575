/* Matrix products: the rows of all matrices of a step are one list of tasks. */
#include "lib/device/cpu_run.h"

/* Whether the step's matrices go through approximate kernels: those of a step are of one kind, or the
 * few others take part in larger tasks. Experts never do: their columns are few. */
static bool is_approx(const struct infer_plan *plan, const struct inf_step *step, uint32_t cols)
{
    return cols > INF_APPROX_COLS && inf_plan_approx(plan, step->w[0]);
}

/* Rows of weights in a task: few columns are bound by memory, and a thread's tasks follow each other
 * there, so that small ones cost nothing and the threads end together; many columns work from panels
 * of INF_MATMUL_ROWS. */
static uint32_t task_rows(uint32_t total_rows, uint32_t cols, uint32_t threads)
{
    uint32_t rows = cols > 8 ? INF_MATMUL_ROWS : total_rows / (threads * 16);
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

/* Rows of a task, and where each matrix's tasks begin: first[count] is their number. */
static uint32_t divide(const struct inf_cpu_run *run, const struct inf_step *step,
                       uint32_t first[INF_STEP_WEIGHTS + 1])
{
    uint32_t total = 0, cols = inf_cpu_rows(run, step);
    for (uint32_t i = 0; i < step->count; i++)
        total += step->w[i]->rows;
    uint32_t each =
        is_approx(run->plan, step, cols) ? INF_APPROX_ROWS : task_rows(total, cols, run->threads);
    first[0] = 0;
    for (uint32_t i = 0; i < step->count; i++)
        first[i + 1] = first[i] + (step->w[i]->rows + each - 1) / each;
    return each;
}

uint32_t inf_cpu_matmul_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    uint32_t first[INF_STEP_WEIGHTS + 1];
    divide(run, step, first);
    return inf_cpu_rows(run, step) ? first[step->count] : 0;
}

void inf_cpu_matmul(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                    uint8_t *scratch)
{
    const struct infer_plan *plan = run->plan;
    uint32_t first[INF_STEP_WEIGHTS + 1], i = 0, each = divide(run, step, first);
    while (i + 1 < step->count && task >= first[i + 1])
        i++;
    const struct inf_weight *w = step->w[i];
    uint32_t row = (task - first[i]) * each;
    struct inf_matmul_args args = {
        .type = w->type,
        .w = w->data + row * w->row_bytes,
        .row_bytes = w->row_bytes,
        .rows = w->rows - row < each ? w->rows - row : each,
        .k = w->k,
        .cols = inf_cpu_rows(run, step),
        .scratch = scratch,
        .sgemm = plan->sgemm,
    };
    inf_cpu_input(plan, step->in, &args);
    set_output(run, step, i, &args);
    args.out += row;
    inf_matmul_fn *approx =
        is_approx(plan, step, inf_cpu_rows(run, step)) ? inf_plan_approx(plan, w) : NULL;
    (approx ? approx : plan->kernels.matmul[w->type])(&args);
}

/* Rows of a head's matrix in a task: all of them for few columns, which read them once. */
static uint32_t head_rows(const struct inf_cpu_run *run, const struct inf_step *step)
{
    return run->batch->rows > 8 ? 2 * INF_MATMUL_ROWS : step->w[0]->rows;
}

uint32_t inf_cpu_heads_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    uint32_t each = head_rows(run, step);
    return step->w[0]->experts * ((step->w[0]->rows + each - 1) / each);
}

void inf_cpu_heads(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                   uint8_t *scratch)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_weight *w = step->w[0];
    uint32_t each = head_rows(run, step), blocks = (w->rows + each - 1) / each;
    uint32_t head = task / blocks, row = task % blocks * each;
    struct inf_matmul_args args = {
        .type = w->type,
        .w = inf_weight_expert(w, head) + row * w->row_bytes,
        .row_bytes = w->row_bytes,
        .rows = w->rows - row < each ? w->rows - row : each,
        .k = w->k,
        .cols = run->batch->rows,
        .out = inf_cpu_row(plan, step->outs[0], 0) + (size_t)head * w->rows + row,
        .out_stride = plan->buffers[step->outs[0]].stride / sizeof(float),
        .scratch = scratch,
    };
    inf_cpu_input(plan, step->in, &args);
    if (args.acts)
        args.acts += (size_t)head * run->batch->rows * inf_acts_stride(w->k);
    else
        args.x += (size_t)head * step->apart;
    plan->kernels.matmul[w->type](&args);
}
