/* From the recipe of an architecture to the flat steps of a plan. */
#include "lib/plan/plan.h"

#include "lib/base/limits.h"

#include <string.h>

/* More steps than a layer of any recipe becomes, and those outside layers. */
#define STEPS_PER_LAYER 48
#define STEPS_OUTSIDE 16

struct builder {
    struct infer_plan *plan;
    int layer;
};

static struct inf_step *add(const struct builder *b, enum inf_step_op op, enum inf_buffer in,
                            enum inf_buffer out)
{
    struct inf_step *step = &b->plan->steps[b->plan->step_count++];
    *step = (struct inf_step){
        .op = op,
        .layer = b->layer,
        .barrier = true,
        .in = in,
        .in2 = INF_BUF_NONE,
        .out = out,
    };
    return step;
}

static const struct inf_weight *weight(const struct builder *b, enum inf_slot slot)
{
    return inf_plan_weight(b->plan, b->layer, slot);
}

static void add_bias(const struct builder *b, enum inf_slot slot, enum inf_buffer in,
                     enum inf_step_rows rows)
{
    const struct inf_weight *w = weight(b, slot);
    if (!w)
        return;
    struct inf_step *step = add(b, INF_STEP_BIAS, in, in);
    step->w[0] = w;
    step->n = w->k;
    step->rows = rows;
}

static void add_norm(const struct builder *b, enum inf_slot slot, enum inf_buffer in,
                     enum inf_buffer out, uint32_t heads)
{
    const struct inf_weight *w = weight(b, slot);
    if (!w)
        return;
    struct inf_step *step = add(b, INF_STEP_NORM, in, out);
    step->w[0] = w;
    step->n = w->k;
    step->heads = heads;
}

/* The matrices of `slots` against one input: those of block types read its int8 columns, which are
 * made first, the others the floats. */
static void add_matrices(const struct builder *b, enum inf_step_op op, enum inf_step_rows rows,
                         enum inf_buffer in, enum inf_buffer in_int, size_t count,
                         const enum inf_slot *slots, const enum inf_buffer *outs, bool from_slots)
{
    for (int is_int = 1; is_int >= 0; is_int--) {
        struct inf_step *step = NULL;
        for (size_t i = 0; i < count; i++) {
            const struct inf_weight *w = weight(b, slots[i]);
            if (!w || inf_weight_is_int(b->plan, w) != is_int)
                continue;
            if (!step && is_int) {
                struct inf_step *quantize = add(b, INF_STEP_QUANTIZE, in, in_int);
                quantize->n = w->k;
                quantize->rows = from_slots ? INF_ROWS_SLOTS : rows;
            }
            if (!step) {
                step = add(b, op, is_int ? in_int : in, INF_BUF_NONE);
                step->rows = rows;
                step->from_slots = from_slots;
            }
            step->w[step->count] = w;
            step->outs[step->count++] = outs[i];
        }
    }
}

static void add_rope(const struct builder *b, enum inf_buffer in, uint32_t heads)
{
    if (b->plan->hp.layer[b->layer].rope == INF_ROPE_NONE)
        return;
    struct inf_step *step = add(b, INF_STEP_ROPE, in, in);
    step->heads = heads;
}

static void add_attention(const struct builder *b)
{
    static const enum inf_slot qkv[] = {INF_SLOT_ATTN_Q, INF_SLOT_ATTN_K, INF_SLOT_ATTN_V};
    static const enum inf_buffer outs[] = {INF_BUF_Q, INF_BUF_K, INF_BUF_V};
    static const enum inf_slot out_slot[] = {INF_SLOT_ATTN_OUT};
    static const enum inf_buffer beside[] = {INF_BUF_BESIDE};
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_BESIDE, INF_BUF_INT_EMBD, 3, qkv,
                 outs, false);
    add_bias(b, INF_SLOT_ATTN_Q_BIAS, INF_BUF_Q, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_ATTN_K_BIAS, INF_BUF_K, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_ATTN_V_BIAS, INF_BUF_V, INF_ROWS_TOKENS);
    add_norm(b, INF_SLOT_ATTN_Q_NORM, INF_BUF_Q, INF_BUF_Q, l->heads);
    add_norm(b, INF_SLOT_ATTN_K_NORM, INF_BUF_K, INF_BUF_K, l->kv_heads);
    add_rope(b, INF_BUF_Q, l->heads);
    add_rope(b, INF_BUF_K, l->kv_heads);
    add(b, INF_STEP_KV_STORE, INF_BUF_K, INF_BUF_NONE)->in2 = INF_BUF_V;
    add(b, INF_STEP_ATTN, INF_BUF_Q, INF_BUF_ATTN);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_ATTN, INF_BUF_INT_OUT, 1, out_slot,
                 beside, false);
    add_bias(b, INF_SLOT_ATTN_OUT_BIAS, INF_BUF_BESIDE, INF_ROWS_TOKENS);
}

static void add_glu(const struct builder *b, enum inf_step_rows rows)
{
    struct inf_step *step = add(b, INF_STEP_GLU, INF_BUF_GATE, INF_BUF_GATE);
    step->in2 = INF_BUF_UP;
    step->n = b->plan->hp.layer[b->layer].ff;
    step->rows = rows;
}

static void add_dense(const struct builder *b)
{
    static const enum inf_slot gate_up[] = {INF_SLOT_FFN_GATE, INF_SLOT_FFN_UP};
    static const enum inf_buffer outs[] = {INF_BUF_GATE, INF_BUF_UP};
    static const enum inf_slot down[] = {INF_SLOT_FFN_DOWN};
    static const enum inf_buffer beside[] = {INF_BUF_BESIDE};
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_BESIDE, INF_BUF_INT_EMBD, 2, gate_up,
                 outs, false);
    add_bias(b, INF_SLOT_FFN_GATE_BIAS, INF_BUF_GATE, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_FFN_UP_BIAS, INF_BUF_UP, INF_ROWS_TOKENS);
    add_glu(b, INF_ROWS_TOKENS);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_GATE, INF_BUF_INT_FF, 1, down, beside,
                 false);
    add_bias(b, INF_SLOT_FFN_DOWN_BIAS, INF_BUF_BESIDE, INF_ROWS_TOKENS);
}

static void add_experts(const struct builder *b)
{
    static const enum inf_slot router[] = {INF_SLOT_ROUTER};
    static const enum inf_buffer router_out[] = {INF_BUF_ROUTER};
    static const enum inf_slot gate_up[] = {INF_SLOT_EXPERTS_GATE, INF_SLOT_EXPERTS_UP};
    static const enum inf_buffer outs[] = {INF_BUF_GATE, INF_BUF_UP};
    static const enum inf_slot down[] = {INF_SLOT_EXPERTS_DOWN};
    static const enum inf_buffer expert[] = {INF_BUF_EXPERT};
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_BESIDE, INF_BUF_INT_EMBD, 1, router,
                 router_out, false);
    add(b, INF_STEP_ROUTE, INF_BUF_ROUTER, INF_BUF_CHOICE);
    add(b, INF_STEP_GROUP, INF_BUF_CHOICE, INF_BUF_GROUPS);
    add_matrices(b, INF_STEP_EXPERTS, INF_ROWS_TOKENS, INF_BUF_BESIDE, INF_BUF_INT_EMBD, 2, gate_up,
                 outs, false);
    add_glu(b, INF_ROWS_SLOTS);
    add_matrices(b, INF_STEP_EXPERTS, INF_ROWS_SLOTS, INF_BUF_GATE, INF_BUF_INT_FF, 1, down, expert,
                 true);
    add(b, INF_STEP_COMBINE, INF_BUF_EXPERT, INF_BUF_BESIDE)->n = b->plan->hp.embd;
}

static void add_block(const struct builder *b, const struct inf_block *block)
{
    switch (block->kind) {
    case INF_BLOCK_NORM:
        add_norm(b, block->slot, INF_BUF_STREAM, INF_BUF_BESIDE, 1);
        break;
    case INF_BLOCK_POST_NORM:
        add_norm(b, block->slot, INF_BUF_BESIDE, INF_BUF_BESIDE, 1);
        break;
    case INF_BLOCK_ATTN:
        add_attention(b);
        break;
    case INF_BLOCK_FFN:
        if (b->plan->hp.layer[b->layer].experts)
            add_experts(b);
        else
            add_dense(b);
        break;
    case INF_BLOCK_ADD: {
        struct inf_step *step = add(b, INF_STEP_ADD, INF_BUF_STREAM, INF_BUF_STREAM);
        step->in2 = INF_BUF_BESIDE;
        step->n = b->plan->hp.embd;
        break;
    }
    case INF_BLOCK_END:
        break;
    }
}

static void add_head(const struct builder *b)
{
    const struct inf_weight *output = weight(b, INF_SLOT_OUTPUT);
    if (!output)
        output = weight(b, INF_SLOT_TOKEN_EMBD); /* tied */
    struct inf_step *last = add(b, INF_STEP_LAST, INF_BUF_STREAM, INF_BUF_LAST);
    last->w[0] = weight(b, INF_SLOT_OUTPUT_NORM);
    last->n = b->plan->hp.embd;
    last->rows = INF_ROWS_WANTED;
    enum inf_buffer in = INF_BUF_LAST;
    if (inf_weight_is_int(b->plan, output)) {
        struct inf_step *quantize = add(b, INF_STEP_QUANTIZE, in, INF_BUF_INT_EMBD);
        quantize->n = output->k;
        quantize->rows = INF_ROWS_WANTED;
        in = INF_BUF_INT_EMBD;
    }
    struct inf_step *logits = add(b, INF_STEP_LOGITS, in, INF_BUF_NONE);
    logits->w[0] = output;
    logits->count = 1;
    logits->rows = INF_ROWS_WANTED;
}

/* Steps that work on rows alone, so that a task may be rows of several of them. */
static bool by_rows(const struct inf_step *step)
{
    switch (step->op) {
    case INF_STEP_MATMUL:
    case INF_STEP_LOGITS:
    case INF_STEP_ATTN:
    case INF_STEP_GROUP:
    case INF_STEP_EXPERTS:
        return false;
    default:
        return true;
    }
}

/* Steps by rows that follow each other become one stage: a token goes through all of them (a token's
 * slots go with it), and nobody waits in between. */
static void fuse(struct infer_plan *plan)
{
    for (size_t i = 0; i + 1 < plan->step_count; i++) {
        struct inf_step *step = &plan->steps[i];
        const struct inf_step *next = step + 1;
        if (by_rows(step) && by_rows(next) &&
            (step->rows == INF_ROWS_WANTED) == (next->rows == INF_ROWS_WANTED))
            step->barrier = false;
    }
}

static infer_status make_stages(struct infer_plan *plan, infer_error *err)
{
    plan->stages = inf_arena_take(&plan->arena, plan->step_count, sizeof *plan->stages);
    plan->shares = inf_arena_take(&plan->arena, plan->step_count, sizeof *plan->shares);
    if (!plan->stages || !plan->shares)
        return inf_fail_memory(err, "the stages", plan->step_count * sizeof *plan->shares);
    uint32_t first = 0;
    for (uint32_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].barrier) {
            plan->stages[plan->stage_count++] = (struct inf_stage){first, i + 1 - first};
            first = i + 1;
        }
    return INFER_OK;
}

infer_status inf_plan_build(struct infer_plan *plan, infer_error *err)
{
    size_t capacity = (size_t)plan->hp.layers * STEPS_PER_LAYER + STEPS_OUTSIDE;
    plan->steps = inf_arena_take(&plan->arena, capacity, sizeof *plan->steps);
    if (!plan->steps)
        return inf_fail_memory(err, "the steps", capacity * sizeof *plan->steps);
    struct builder b = {.plan = plan, .layer = -1};
    struct inf_step *embed = add(&b, INF_STEP_EMBED, INF_BUF_NONE, INF_BUF_STREAM);
    embed->w[0] = weight(&b, INF_SLOT_TOKEN_EMBD);
    embed->n = plan->hp.embd;
    add(&b, INF_STEP_ANGLES, INF_BUF_NONE, INF_BUF_ANGLES);
    for (b.layer = 0; b.layer < (int)plan->hp.layers; b.layer++)
        for (const struct inf_block *block = plan->arch->layer; block->kind != INF_BLOCK_END;
             block++)
            add_block(&b, block);
    b.layer = -1;
    add_head(&b);
    fuse(plan);
    return make_stages(plan, err);
}

const char *inf_step_name(enum inf_step_op op)
{
    static const char *const names[] = {
        "embed",    "angles", "norm", "last", "quantize", "matmul", "logits",  "bias",   "rope",
        "kv_store", "attn",   "glu",  "add",  "route",    "group",  "experts", "combine"};
    return names[op];
}
