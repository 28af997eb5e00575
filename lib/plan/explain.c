/* A plan as text for a person: one line a step. */
#include "lib/plan/plan.h"

#include <string.h>

static const char *buffer_name(enum inf_buffer buffer)
{
    static const char *const names[] = {
        "stream",  "beside", "apart",      "angles",   "q",         "k",           "v",
        "attn",    "q_lora", "latent",     "gate",     "up",        "slot_gate",   "slot_up",
        "router",  "choice", "groups",     "expert",   "shared",    "shared_gate", "int_embd",
        "int_out", "int_ff", "int_q_lora", "int_slot", "int_heads", "int_layer",   "int_dense",
        "mix",     "mix_z",  "forget",     "take",     "mixed",     "per_layer",   "model",
        "layer",   "last",   "dense",      "-"};
    return names[buffer];
}

static const char *row_name(inf_matmul_fn *function)
{
    const struct inf_kernel_row *rows;
    size_t count = inf_kernel_rows(&rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].op == INF_OP_MATMUL && rows[i].function == (void (*)(void))function)
            return rows[i].name;
    return "?";
}

/* The kernels that a step's weights meet. */
static void explain_kernels(const struct infer_plan *plan, const struct inf_step *step,
                            const struct inf_weight *w, struct inf_text *text)
{
    inf_matmul_fn *approx = step->op == INF_STEP_EXPERTS ? NULL : inf_plan_approx(plan, w);
    inf_text_printf(text, "%s", row_name(plan->kernels.matmul[w->type]));
    if (approx)
        inf_text_printf(text, ", above %d columns %s", INF_APPROX_COLS, row_name(approx));
}

static void explain_step(const struct infer_plan *plan, const struct inf_step *step, size_t number,
                         struct inf_text *text)
{
    inf_text_printf(text, "%4zu ", number);
    if (step->layer < 0)
        inf_text_printf(text, "  - ");
    else
        inf_text_printf(text, "%3d ", step->layer);
    inf_text_printf(text, "%-9s %-8s", inf_step_name(step->op), buffer_name(step->in));
    if (step->in2 != INF_BUF_NONE)
        inf_text_printf(text, " %s", buffer_name(step->in2));
    if (step->out != INF_BUF_NONE)
        inf_text_printf(text, " -> %s", buffer_name(step->out));
    bool matrix = step->op == INF_STEP_MATMUL || step->op == INF_STEP_LOGITS ||
                  step->op == INF_STEP_EXPERTS || step->op == INF_STEP_HEADS;
    for (uint32_t i = 0; matrix && i < step->count; i++) {
        inf_text_printf(text, "\n         %s (%u, %u) ", step->w[i]->name, step->w[i]->rows,
                        step->w[i]->k);
        explain_kernels(plan, step, step->w[i], text);
        if (step->op != INF_STEP_LOGITS)
            inf_text_printf(text, " -> %s", buffer_name(step->outs[i]));
    }
    if (!matrix && step->w[0])
        inf_text_printf(text, "  %s", step->w[0]->name);
    if (step->op == INF_STEP_ATTN && plan->hp.layer[step->layer].windowed)
        inf_text_printf(text, "  window %u", plan->hp.layer[step->layer].window);
    inf_text_printf(text, step->barrier ? "  |\n" : "\n");
}

infer_status infer_plan_explain(const infer_plan *plan, char *out, size_t capacity, size_t *len,
                                infer_error *err)
{
    struct inf_text text = {.a = &plan->a};
    inf_text_printf(
        &text,
        "step layer op     reads -> writes, weights (rows, columns) kernel; | ends a stage\n");
    for (size_t i = 0; i < plan->step_count; i++)
        explain_step(plan, &plan->steps[i], i, &text);
    infer_status status = INFER_OK;
    *len = text.len;
    if (text.failed)
        status = inf_fail_memory(err, "the explanation", text.len);
    else if (text.len > capacity)
        status = inf_fail(err, INFER_E_RANGE, "the text has %zu bytes, the buffer %zu", text.len,
                          capacity);
    else if (text.len)
        memcpy(out, text.ptr, text.len);
    inf_text_free(&text);
    return status;
}
