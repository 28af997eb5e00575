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
    enum inf_buffer from,
        to; /* what attention and feed-forward read, where they leave their result */
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

static enum inf_slot bias_of(enum inf_slot norm)
{
    switch (norm) {
    case INF_SLOT_TOKEN_EMBD_NORM:
        return INF_SLOT_TOKEN_EMBD_NORM_BIAS;
    case INF_SLOT_OUTPUT_NORM:
        return INF_SLOT_OUTPUT_NORM_BIAS;
    case INF_SLOT_ATTN_NORM:
        return INF_SLOT_ATTN_NORM_BIAS;
    case INF_SLOT_ATTN_OUT_NORM:
        return INF_SLOT_ATTN_OUT_NORM_BIAS;
    case INF_SLOT_FFN_NORM:
        return INF_SLOT_FFN_NORM_BIAS;
    case INF_SLOT_LAYER_OUT_NORM:
        return INF_SLOT_LAYER_OUT_NORM_BIAS;
    default:
        return INF_SLOT_COUNT;
    }
}

/* Norms of `size` numbers by the slot's vector: of all of them, or of head after head, each by the one
 * vector or by its own. Nothing where the model has no such tensor. */
static struct inf_step *add_norm(const struct builder *b, enum inf_slot slot, enum inf_buffer in,
                                 enum inf_buffer out, uint32_t size)
{
    const struct inf_weight *w = weight(b, slot);
    if (!w)
        return NULL;
    struct inf_step *step = add(b, INF_STEP_NORM, in, out);
    step->w[0] = w;
    if (bias_of(slot) != INF_SLOT_COUNT)
        step->w[1] = weight(b, bias_of(slot));
    step->n = w->k;
    step->heads = size / w->k;
    return step;
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
    static const enum inf_slot norms[][2] = {
        {INF_SLOT_ATTN_Q_NORM, INF_SLOT_ATTN_K_NORM},
        {INF_SLOT_ATTN_Q_NORM_ROW, INF_SLOT_ATTN_K_NORM_ROW},
        {INF_SLOT_ATTN_Q_NORM_HEADS, INF_SLOT_ATTN_K_NORM_HEADS},
    };
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 3, qkv, outs,
                 false);
    add_bias(b, INF_SLOT_ATTN_Q_BIAS, INF_BUF_Q, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_ATTN_K_BIAS, INF_BUF_K, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_ATTN_V_BIAS, INF_BUF_V, INF_ROWS_TOKENS);
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        add_norm(b, norms[i][0], INF_BUF_Q, INF_BUF_Q, l->q_size);
        add_norm(b, norms[i][1], INF_BUF_K, INF_BUF_K, l->k_size);
    }
    add_rope(b, INF_BUF_Q, l->heads);
    add_rope(b, INF_BUF_K, l->kv_heads);
    add(b, INF_STEP_KV_STORE, INF_BUF_K, INF_BUF_NONE)->in2 = INF_BUF_V;
    add(b, INF_STEP_ATTN, INF_BUF_Q, INF_BUF_ATTN);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_ATTN, INF_BUF_INT_OUT, 1, out_slot,
                 &b->to, false);
    add_bias(b, INF_SLOT_ATTN_OUT_BIAS, b->to, INF_ROWS_TOKENS);
}

/* The gate and what it lets through; in2 NONE: an activation without a gate. */
static void add_glu(const struct builder *b, enum inf_buffer in, enum inf_buffer in2,
                    enum inf_step_rows rows)
{
    struct inf_step *step = add(b, INF_STEP_GLU, in, in);
    step->in2 = in2;
    step->n = b->plan->hp.layer[b->layer].ff;
    step->rows = rows;
}

static void add_dense(const struct builder *b)
{
    static const enum inf_slot gate_up[] = {INF_SLOT_FFN_GATE, INF_SLOT_FFN_UP};
    static const enum inf_buffer outs[] = {INF_BUF_GATE, INF_BUF_UP};
    static const enum inf_slot down[] = {INF_SLOT_FFN_DOWN};
    bool gated = weight(b, INF_SLOT_FFN_GATE);
    enum inf_buffer hidden = gated ? INF_BUF_GATE : INF_BUF_UP;
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 2, gate_up, outs,
                 false);
    add_bias(b, INF_SLOT_FFN_GATE_BIAS, INF_BUF_GATE, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_FFN_UP_BIAS, INF_BUF_UP, INF_ROWS_TOKENS);
    add_glu(b, hidden, gated ? INF_BUF_UP : INF_BUF_NONE, INF_ROWS_TOKENS);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, hidden, INF_BUF_INT_FF, 1, down, &b->to,
                 false);
    add_bias(b, INF_SLOT_FFN_DOWN_BIAS, b->to, INF_ROWS_TOKENS);
}

static void add_experts(const struct builder *b)
{
    static const enum inf_slot router[] = {INF_SLOT_ROUTER};
    static const enum inf_buffer router_out[] = {INF_BUF_ROUTER};
    static const enum inf_slot gate_up[] = {INF_SLOT_EXPERTS_GATE, INF_SLOT_EXPERTS_UP};
    static const enum inf_buffer outs[] = {INF_BUF_GATE, INF_BUF_UP};
    static const enum inf_slot down[] = {INF_SLOT_EXPERTS_DOWN};
    static const enum inf_buffer expert[] = {INF_BUF_EXPERT};
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 1, router,
                 router_out, false);
    add(b, INF_STEP_ROUTE, INF_BUF_ROUTER, INF_BUF_CHOICE);
    add(b, INF_STEP_GROUP, INF_BUF_CHOICE, INF_BUF_GROUPS);
    add_matrices(b, INF_STEP_EXPERTS, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 2, gate_up, outs,
                 false);
    add_glu(b, INF_BUF_GATE, INF_BUF_UP, INF_ROWS_SLOTS);
    add_matrices(b, INF_STEP_EXPERTS, INF_ROWS_SLOTS, INF_BUF_GATE, INF_BUF_INT_FF, 1, down, expert,
                 true);
    add(b, INF_STEP_COMBINE, INF_BUF_EXPERT, b->to)->n = b->plan->hp.embd;
}

static void add_sum(const struct builder *b, enum inf_buffer what)
{
    struct inf_step *step = add(b, INF_STEP_ADD, INF_BUF_STREAM, INF_BUF_STREAM);
    step->in2 = what;
    step->n = b->plan->hp.embd;
    step->scale = b->plan->hp.residual_scale;
}

static void add_feed_forward(const struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    if (l->experts)
        add_experts(b);
    else if (l->ff)
        add_dense(b);
}

static void add_block(struct builder *b, const struct inf_block *block)
{
    uint32_t embd = b->plan->hp.embd;
    switch (block->kind) {
    case INF_BLOCK_NORM:
        add_norm(b, block->slot, INF_BUF_STREAM, INF_BUF_BESIDE, embd);
        b->from = INF_BUF_BESIDE;
        break;
    case INF_BLOCK_POST_NORM:
        add_norm(b, block->slot, INF_BUF_BESIDE, INF_BUF_BESIDE, embd);
        break;
    case INF_BLOCK_STREAM_NORM:
        add_norm(b, block->slot, INF_BUF_STREAM, INF_BUF_STREAM, embd);
        break;
    case INF_BLOCK_BARE:
        b->from = INF_BUF_STREAM;
        break;
    case INF_BLOCK_ATTN_APART:
        b->to = INF_BUF_APART;
        b->plan->apart = true;
        add_attention(b);
        b->to = INF_BUF_BESIDE;
        break;
    case INF_BLOCK_ATTN:
        add_attention(b);
        break;
    case INF_BLOCK_FFN:
        add_feed_forward(b);
        break;
    case INF_BLOCK_ADD:
        add_sum(b, INF_BUF_BESIDE);
        break;
    case INF_BLOCK_ADD_APART:
        add_sum(b, INF_BUF_APART);
        break;
    case INF_BLOCK_END:
        break;
    }
}

static void add_embed(const struct builder *b)
{
    struct inf_step *embed = add(b, INF_STEP_EMBED, INF_BUF_NONE, INF_BUF_STREAM);
    embed->w[0] = weight(b, INF_SLOT_TOKEN_EMBD);
    embed->w[1] = weight(b, INF_SLOT_POSITION_EMBD);
    embed->w[2] = weight(b, INF_SLOT_TOKEN_TYPES);
    embed->n = b->plan->hp.embd;
    embed->scale = b->plan->hp.embd_scale;
    add_norm(b, INF_SLOT_TOKEN_EMBD_NORM, INF_BUF_STREAM, INF_BUF_STREAM, embed->n);
    add(b, INF_STEP_ANGLES, INF_BUF_NONE, INF_BUF_ANGLES);
}

/* The last norm of every token, where there is one, and the pooling. */
static void add_pool(const struct builder *b)
{
    uint32_t embd = b->plan->hp.embd;
    bool normed = add_norm(b, INF_SLOT_OUTPUT_NORM, INF_BUF_STREAM, INF_BUF_BESIDE, embd) != NULL;
    add(b, INF_STEP_POOL, normed ? INF_BUF_BESIDE : INF_BUF_STREAM, INF_BUF_NONE)->n = embd;
}

static void add_head(const struct builder *b)
{
    const struct inf_weight *output = weight(b, INF_SLOT_OUTPUT);
    if (!output)
        output = weight(b, INF_SLOT_TOKEN_EMBD); /* tied */
    struct inf_step *last =
        add_norm(b, INF_SLOT_OUTPUT_NORM, INF_BUF_STREAM, INF_BUF_LAST, b->plan->hp.embd);
    last->op = INF_STEP_LAST;
    last->rows = INF_ROWS_WANTED;
    last->scale = b->plan->hp.logit_scale;
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
    const struct inf_weight *bias = weight(b, INF_SLOT_OUTPUT_BIAS);
    if (!bias && b->plan->hp.logit_softcap == 0.0f)
        return;
    struct inf_step *end = add(b, INF_STEP_LOGITS_END, INF_BUF_NONE, INF_BUF_NONE);
    end->w[0] = bias;
    end->rows = INF_ROWS_WANTED;
}

/* Steps that work on rows alone, so that a task may be rows of several of them. */
static bool by_rows(const struct inf_step *step)
{
    switch (step->op) {
    case INF_STEP_MATMUL:
    case INF_STEP_LOGITS:
    case INF_STEP_ATTN:
    case INF_STEP_POOL:
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
    struct builder b = {plan, -1, INF_BUF_BESIDE, INF_BUF_BESIDE};
    add_embed(&b);
    for (b.layer = 0; b.layer < (int)plan->hp.layers; b.layer++)
        for (const struct inf_block *block = plan->arch->layer; block->kind != INF_BLOCK_END;
             block++)
            add_block(&b, block);
    b.layer = -1;
    if (plan->embedding)
        add_pool(&b);
    else
        add_head(&b);
    fuse(plan);
    return make_stages(plan, err);
}

const char *inf_step_name(enum inf_step_op op)
{
    static const char *const names[] = {"embed",  "angles",   "norm",       "last",   "quantize",
                                        "matmul", "logits",   "logits_end", "pool",   "bias",
                                        "rope",   "kv_store", "attn",       "glu",    "add",
                                        "route",  "group",    "experts",    "combine"};
    return names[op];
}
