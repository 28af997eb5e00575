/* From the recipe of an architecture to the flat steps of a plan. */
#include "lib/plan/plan.h"

#include "lib/base/limits.h"

#include <math.h>
#include <string.h>

/* More steps than a layer of any recipe becomes, and those outside layers. */
#define STEPS_PER_LAYER 96
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

static bool writes(const struct inf_step *step, enum inf_buffer buffer)
{
    bool found = step->out == buffer;
    for (uint32_t i = 0; i < step->count; i++)
        found |= step->outs[i] == buffer;
    return found;
}

/* Whether the int8 columns of `in` stand in in_int already: nothing wrote either since. */
static bool is_quantized(const struct builder *b, enum inf_buffer in, enum inf_buffer in_int)
{
    const struct inf_step *step = &b->plan->steps[b->plan->step_count];
    while (step > b->plan->steps && (--step)->layer == b->layer) {
        if (step->op == INF_STEP_QUANTIZE && step->out == in_int)
            return step->in == in;
        if (writes(step, in))
            return false;
    }
    return false;
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
            if (!step && is_int && !is_quantized(b, in, in_int)) {
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

static void add_scale(const struct builder *b, enum inf_buffer in, uint32_t n,
                      const struct inf_weight *w, float scale)
{
    struct inf_step *step = add(b, INF_STEP_SCALE, in, in);
    step->n = n;
    step->w[0] = w;
    step->scale = scale;
}

static void add_rope(const struct builder *b, enum inf_buffer in, uint32_t heads, uint32_t apart,
                     uint32_t at)
{
    if (b->plan->hp.layer[b->layer].rope == INF_ROPE_NONE)
        return;
    struct inf_step *step = add(b, INF_STEP_ROPE, in, in);
    step->heads = heads;
    step->apart = apart;
    step->at = at;
}

/* out = f(gate) * in for `heads` heads of n numbers. */
static struct inf_step *add_gated(const struct builder *b, enum inf_activation activation,
                                  enum inf_buffer gate, enum inf_buffer in, enum inf_buffer out,
                                  uint32_t n, uint32_t heads)
{
    struct inf_step *step = add(b, INF_STEP_GATED, in, out);
    step->in2 = gate;
    step->activation = activation;
    step->n = n;
    step->heads = heads;
    return step;
}

/* Queries and their gate stand head by head in one row: the queries move out. */
static void add_split(const struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    b->plan->gated = true;
    struct inf_step *norm = add_norm(b, INF_SLOT_ATTN_Q_NORM, INF_BUF_MIX_Z, INF_BUF_Q, l->q_size);
    norm->apart = 2 * l->head_size;
    add_norm(b, INF_SLOT_ATTN_K_NORM, INF_BUF_K, INF_BUF_K, l->k_size);
}

/* Of raw values, or raw keys in their place: so it stands before the norm of the keys. */
static void add_v_norm(const struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    enum inf_buffer from = weight(b, INF_SLOT_ATTN_V) ? INF_BUF_V : INF_BUF_K;
    struct inf_step *step = add(b, INF_STEP_NORM, from, INF_BUF_V);
    step->w[0] = &b->plan->ones;
    step->n = l->v_head_size;
    step->heads = l->kv_heads;
}

static void add_attention(const struct builder *b)
{
    static const enum inf_slot qkv[] = {INF_SLOT_ATTN_Q, INF_SLOT_ATTN_Q_GATE, INF_SLOT_ATTN_K,
                                        INF_SLOT_ATTN_V};
    static const enum inf_buffer outs[] = {INF_BUF_Q, INF_BUF_MIX_Z, INF_BUF_K, INF_BUF_V};
    static const enum inf_slot out_slot[] = {INF_SLOT_ATTN_OUT};
    static const enum inf_slot norms[][2] = {
        {INF_SLOT_ATTN_Q_NORM, INF_SLOT_ATTN_K_NORM},
        {INF_SLOT_ATTN_Q_NORM_ROW, INF_SLOT_ATTN_K_NORM_ROW},
        {INF_SLOT_ATTN_Q_NORM_HEADS, INF_SLOT_ATTN_K_NORM_HEADS},
    };
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 4, qkv, outs,
                 false);
    add_bias(b, INF_SLOT_ATTN_Q_BIAS, INF_BUF_Q, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_ATTN_K_BIAS, INF_BUF_K, INF_ROWS_TOKENS);
    add_bias(b, INF_SLOT_ATTN_V_BIAS, INF_BUF_V, INF_ROWS_TOKENS);
    if (b->plan->arch->v_norm && !l->kv_shared)
        add_v_norm(b);
    bool gated = weight(b, INF_SLOT_ATTN_Q_GATE);
    if (gated)
        add_split(b);
    for (size_t i = 0; !gated && i < sizeof norms / sizeof *norms; i++) {
        add_norm(b, norms[i][0], INF_BUF_Q, INF_BUF_Q, l->q_size);
        add_norm(b, norms[i][1], INF_BUF_K, INF_BUF_K, l->k_size);
    }
    add_rope(b, INF_BUF_Q, l->heads, l->head_size, 0);
    if (!l->kv_shared) {
        add_rope(b, INF_BUF_K, l->kv_heads, l->head_size, 0);
        add(b, INF_STEP_KV_STORE, INF_BUF_K, INF_BUF_NONE)->in2 = INF_BUF_V;
    }
    add(b, INF_STEP_ATTN, INF_BUF_Q, INF_BUF_ATTN)->w[0] = weight(b, INF_SLOT_ATTN_SINKS);
    if (gated) {
        struct inf_step *gate = add_gated(b, INF_SIGMOID, INF_BUF_MIX_Z, INF_BUF_ATTN, INF_BUF_ATTN,
                                          l->head_size, l->heads);
        gate->at2 = l->head_size;
        gate->apart = 2 * l->head_size;
    }
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_ATTN, INF_BUF_INT_OUT, 1, out_slot,
                 &b->to, false);
    add_bias(b, INF_SLOT_ATTN_OUT_BIAS, b->to, INF_ROWS_TOKENS);
}

/* Each head's n numbers of `in`, `apart` from one to the next, by a matrix of its own. */
static void add_heads(const struct builder *b, enum inf_slot slot, enum inf_buffer in,
                      uint32_t apart, enum inf_buffer out)
{
    const struct inf_weight *w = weight(b, slot);
    bool is_int = inf_weight_is_int(b->plan, w);
    struct inf_step *step;
    if (is_int) {
        step = add(b, INF_STEP_QUANTIZE, in, INF_BUF_INT_HEADS);
        step->n = w->k;
        step->heads = w->experts;
        step->apart = apart;
    }
    step = add(b, INF_STEP_HEADS, is_int ? INF_BUF_INT_HEADS : in, INF_BUF_NONE);
    step->apart = apart;
    step->w[0] = w;
    step->outs[0] = out;
    step->count = 1;
}

/* Multi-head latent attention, absorbed (arch.h). K is the latent and the turned key of all heads. */
static void add_latent_attention(const struct builder *b)
{
    static const enum inf_slot first[] = {INF_SLOT_ATTN_Q, INF_SLOT_ATTN_Q_A, INF_SLOT_ATTN_KV_A};
    static const enum inf_buffer outs[] = {INF_BUF_Q, INF_BUF_Q_LORA, INF_BUF_K};
    static const enum inf_slot q_b[] = {INF_SLOT_ATTN_Q_B};
    static const enum inf_buffer q[] = {INF_BUF_Q};
    static const enum inf_slot out_slot[] = {INF_SLOT_ATTN_OUT};
    const struct inf_hparams *hp = &b->plan->hp;
    const struct inf_layer *l = &hp->layer[b->layer];
    uint32_t q_head = hp->latent.nope + hp->rope[INF_ROPE_GLOBAL].dims;
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 3, first, outs,
                 false);
    add_norm(b, INF_SLOT_ATTN_Q_A_NORM, INF_BUF_Q_LORA, INF_BUF_Q_LORA, hp->latent.q_lora);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_Q_LORA, INF_BUF_INT_Q_LORA, 1, q_b, q,
                 false);
    add_norm(b, INF_SLOT_ATTN_KV_A_NORM, INF_BUF_K, INF_BUF_K, hp->latent.size);
    add_rope(b, INF_BUF_Q, l->heads, q_head, hp->latent.nope);
    add_rope(b, INF_BUF_K, 1, l->head_size, hp->latent.size);
    add(b, INF_STEP_KV_STORE, INF_BUF_K, INF_BUF_NONE);
    add_heads(b, INF_SLOT_ATTN_K_B, INF_BUF_Q, q_head, INF_BUF_LATENT);
    struct inf_step *attn = add(b, INF_STEP_ATTN, INF_BUF_LATENT, INF_BUF_LATENT);
    attn->in2 = INF_BUF_Q;
    attn->apart = q_head;
    attn->at = hp->latent.nope;
    add_heads(b, INF_SLOT_ATTN_V_B, INF_BUF_LATENT, hp->latent.size, INF_BUF_ATTN);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_ATTN, INF_BUF_INT_OUT, 1, out_slot,
                 &b->to, false);
}

static void add_conv(const struct builder *b, uint32_t at)
{
    struct inf_step *step = add(b, INF_STEP_CONV, INF_BUF_MIX, INF_BUF_MIX);
    step->w[0] = weight(b, INF_SLOT_MIX_CONV);
    step->w[1] = weight(b, INF_SLOT_MIX_CONV_BIAS);
    step->at = at;
}

/* Rows b, c, x: the result is c * conv(b * x). */
static void add_short_conv(const struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    uint32_t n = l->conv_size;
    struct inf_step *in = add_gated(b, INF_LINEAR, INF_BUF_MIX, INF_BUF_MIX, INF_BUF_MIX, n, 1);
    in->at = 2 * n;
    add_conv(b, 2 * n);
    struct inf_step *out = add_gated(b, INF_LINEAR, INF_BUF_MIX, INF_BUF_MIX, INF_BUF_ATTN, n, 1);
    out->at = 2 * n;
    out->at2 = n;
}

static void add_gates(const struct builder *b, enum inf_buffer alpha, enum inf_slot a)
{
    struct inf_step *step = add(b, INF_STEP_GATES, alpha, INF_BUF_FORGET);
    step->in2 = INF_BUF_TAKE;
    step->w[0] = weight(b, INF_SLOT_MIX_DT_BIAS);
    step->w[1] = weight(b, a);
}

static void add_move(const struct builder *b, enum inf_buffer out, uint32_t at2, uint32_t n,
                     uint32_t apart, uint32_t at)
{
    struct inf_step *step = add(b, INF_STEP_MOVE, INF_BUF_MIXED, out);
    step->at2 = at2;
    step->n = n;
    step->heads = b->plan->hp.layer[b->layer].r_groups;
    step->apart = apart;
    step->at = at;
}

/* A matrix of `rows` rows whose results stand key head by key head. */
static void add_mixed(const struct builder *b, enum inf_slot slot, uint32_t rows)
{
    static const enum inf_buffer outs[] = {INF_BUF_MIXED};
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 1, &slot, outs,
                 false);
    b->plan->mixed = rows > b->plan->mixed ? rows : b->plan->mixed;
}

/* Of each key head: query, key, its values, their gates; and the beta and alpha of each of them. */
static void add_mixed_input(const struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    uint32_t each = l->r_heads / l->r_groups, keys = l->keys, values = each * l->values;
    uint32_t all = 2 * (keys + values), all_keys = l->r_groups * keys;
    if (weight(b, INF_SLOT_MIX_MIXED)) {
        add_mixed(b, INF_SLOT_MIX_MIXED, l->conv_size + l->out_size);
        add_move(b, INF_BUF_MIX, 0, keys, all, 0);
        add_move(b, INF_BUF_MIX, all_keys, keys, all, keys);
        add_move(b, INF_BUF_MIX, 2 * all_keys, values, all, 2 * keys);
        add_move(b, INF_BUF_MIX_Z, 0, values, all, 2 * keys + values);
    }
    if (weight(b, INF_SLOT_MIX_BETA_ALPHA)) {
        add_mixed(b, INF_SLOT_MIX_BETA_ALPHA, 2 * l->r_heads);
        add_move(b, INF_BUF_TAKE, 0, each, 2 * each, 0);
        add_move(b, INF_BUF_FORGET, 0, each, 2 * each, each);
    }
}

static void add_delta(const struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    b->plan->gated = true;
    add_mixed_input(b);
    add_conv(b, 0);
    add_gates(b, INF_BUF_FORGET, INF_SLOT_MIX_A);
    add(b, INF_STEP_UNIT, INF_BUF_MIX, INF_BUF_MIX);
    add(b, INF_STEP_RECUR, INF_BUF_MIX, INF_BUF_ATTN);
    add_norm(b, INF_SLOT_MIX_NORM, INF_BUF_ATTN, INF_BUF_ATTN, l->out_size);
    add_gated(b, INF_SILU, INF_BUF_MIX_Z, INF_BUF_ATTN, INF_BUF_ATTN, l->out_size, 1);
}

/* A row is the gate z, what is convolved (values, keys, queries), a number for each head. */
static void add_mamba(const struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    add_conv(b, l->out_size);
    add_gates(b, INF_BUF_MIX, INF_SLOT_MIX_A_MAMBA);
    struct inf_step *recur = add(b, INF_STEP_RECUR, INF_BUF_MIX, INF_BUF_ATTN);
    recur->at = l->out_size;
    recur->w[0] = weight(b, INF_SLOT_MIX_D);
    add_gated(b, INF_SILU, INF_BUF_MIX, INF_BUF_ATTN, INF_BUF_ATTN, l->out_size, 1);
    add_norm(b, INF_SLOT_MIX_NORM_GROUPS, INF_BUF_ATTN, INF_BUF_ATTN, l->out_size);
}

/* What a layer mixes its tokens with. */
static void add_mixer(const struct builder *b)
{
    static const enum inf_slot in[] = {INF_SLOT_MIX_IN, INF_SLOT_MIX_GATE, INF_SLOT_MIX_ALPHA,
                                       INF_SLOT_MIX_BETA};
    static const enum inf_buffer outs[] = {INF_BUF_MIX, INF_BUF_MIX_Z, INF_BUF_FORGET,
                                           INF_BUF_TAKE};
    static const enum inf_slot out_slot[] = {INF_SLOT_MIX_OUT};
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    if (l->mixer == INF_MIXER_ATTN && b->plan->hp.latent.size)
        add_latent_attention(b);
    else if (l->mixer == INF_MIXER_ATTN)
        add_attention(b);
    if (!inf_layer_recurrent(l))
        return;
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 4, in, outs,
                 false);
    if (l->mixer == INF_MIXER_CONV)
        add_short_conv(b);
    else if (l->mixer == INF_MIXER_DELTA)
        add_delta(b);
    else
        add_mamba(b);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_ATTN, INF_BUF_INT_OUT, 1, out_slot,
                 &b->to, false);
}

/* The gate and what it lets through; in2 NONE: an activation without a gate. */
static void add_glu(const struct builder *b, enum inf_buffer in, enum inf_buffer in2, uint32_t n,
                    enum inf_step_rows rows)
{
    struct inf_step *step = add(b, INF_STEP_GLU, in, in);
    step->in2 = in2;
    step->n = n;
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
    add_glu(b, hidden, gated ? INF_BUF_UP : INF_BUF_NONE, b->plan->hp.layer[b->layer].ff,
            INF_ROWS_TOKENS);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, hidden, INF_BUF_INT_FF, 1, down, &b->to,
                 false);
    add_bias(b, INF_SLOT_FFN_DOWN_BIAS, b->to, INF_ROWS_TOKENS);
}

static void add_slot_bias(const struct builder *b, enum inf_slot slot, enum inf_buffer in)
{
    const struct inf_weight *w = weight(b, slot);
    if (!w)
        return;
    struct inf_step *step = add(b, INF_STEP_SLOT_BIAS, in, in);
    step->w[0] = w;
    step->n = w->k;
    step->rows = INF_ROWS_SLOTS;
}

/* The expert that all tokens use, and how much of it counts where the model weighs it. */
static void add_shared(const struct builder *b)
{
    static const enum inf_slot gate_up[] = {INF_SLOT_SHARED_GATE, INF_SLOT_SHARED_UP,
                                            INF_SLOT_SHARED_ROUTER};
    static const enum inf_buffer outs[] = {INF_BUF_GATE, INF_BUF_UP, INF_BUF_SHARED_GATE};
    static const enum inf_slot down[] = {INF_SLOT_SHARED_DOWN};
    static const enum inf_buffer shared[] = {INF_BUF_SHARED};
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 3, gate_up, outs,
                 false);
    bool gated = weight(b, INF_SLOT_SHARED_GATE);
    enum inf_buffer hidden = gated ? INF_BUF_GATE : INF_BUF_UP;
    add_glu(b, hidden, gated ? INF_BUF_UP : INF_BUF_NONE, b->plan->hp.shared_ff, INF_ROWS_TOKENS);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, hidden, INF_BUF_INT_FF, 1, down, shared,
                 false);
}

/* The choice of experts from what stands in `from`, and their slots in order. */
static void add_routing(const struct builder *b, enum inf_buffer from)
{
    static const enum inf_slot router[] = {INF_SLOT_ROUTER};
    static const enum inf_buffer router_out[] = {INF_BUF_ROUTER};
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, from, INF_BUF_INT_EMBD, 1, router, router_out,
                 false);
    add_bias(b, INF_SLOT_ROUTER_BIAS, INF_BUF_ROUTER, INF_ROWS_TOKENS);
    struct inf_step *route = add(b, INF_STEP_ROUTE, INF_BUF_ROUTER, INF_BUF_CHOICE);
    route->w[0] = weight(b, INF_SLOT_CHOICE_BIAS);
    route->w[1] = weight(b, INF_SLOT_EXPERTS_SCALE);
    add(b, INF_STEP_GROUP, INF_BUF_CHOICE, INF_BUF_GROUPS);
}

static void add_experts(const struct builder *b)
{
    static const enum inf_slot gate_up[] = {INF_SLOT_EXPERTS_GATE, INF_SLOT_EXPERTS_UP};
    static const enum inf_buffer outs[] = {INF_BUF_SLOT_GATE, INF_BUF_SLOT_UP};
    static const enum inf_slot down[] = {INF_SLOT_EXPERTS_DOWN};
    static const enum inf_buffer expert[] = {INF_BUF_EXPERT};
    bool shared = weight(b, INF_SLOT_SHARED_DOWN);
    if (shared)
        add_shared(b);
    add_matrices(b, INF_STEP_EXPERTS, INF_ROWS_TOKENS, b->from, INF_BUF_INT_EMBD, 2, gate_up, outs,
                 false);
    add_slot_bias(b, INF_SLOT_EXPERTS_GATE_BIAS, INF_BUF_SLOT_GATE);
    add_slot_bias(b, INF_SLOT_EXPERTS_UP_BIAS, INF_BUF_SLOT_UP);
    bool gated = weight(b, INF_SLOT_EXPERTS_GATE);
    enum inf_buffer hidden = gated ? INF_BUF_SLOT_GATE : INF_BUF_SLOT_UP;
    add_glu(b, hidden, gated ? INF_BUF_SLOT_UP : INF_BUF_NONE, b->plan->hp.expert_ff,
            INF_ROWS_SLOTS);
    add_matrices(b, INF_STEP_EXPERTS, INF_ROWS_SLOTS, hidden, INF_BUF_INT_SLOT, 1, down, expert,
                 true);
    add_slot_bias(b, INF_SLOT_EXPERTS_DOWN_BIAS, INF_BUF_EXPERT);
    struct inf_step *combine = add(b, INF_STEP_COMBINE, INF_BUF_EXPERT, b->to);
    combine->n = b->plan->hp.embd;
    if (shared) {
        combine->in2 = INF_BUF_SHARED;
        combine->w[0] = weight(b, INF_SLOT_SHARED_ROUTER);
    }
}

static void add_sum(const struct builder *b, enum inf_buffer what)
{
    struct inf_step *step = add(b, INF_STEP_ADD, INF_BUF_STREAM, INF_BUF_STREAM);
    step->in2 = what;
    step->n = b->plan->hp.embd;
    step->scale = b->plan->hp.residual_scale;
}

/* Every token's embeddings for each layer: its own row of a table, and what the model makes of its first
 * embedding, in equal parts. */
static void add_per_layer_embed(const struct builder *b)
{
    static const enum inf_slot model[] = {INF_SLOT_PER_LAYER_MODEL};
    static const enum inf_buffer out[] = {INF_BUF_PER_LAYER_MODEL};
    const struct inf_hparams *hp = &b->plan->hp;
    uint32_t n = hp->per_layer * hp->layers;
    struct inf_step *embed = add(b, INF_STEP_EMBED, INF_BUF_NONE, INF_BUF_PER_LAYER);
    embed->w[0] = weight(b, INF_SLOT_PER_LAYER_EMBD);
    embed->n = n;
    embed->scale = sqrtf((float)hp->per_layer);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_STREAM, INF_BUF_INT_EMBD, 1, model,
                 out, false);
    add_scale(b, INF_BUF_PER_LAYER_MODEL, n, NULL, 1.0f / sqrtf((float)hp->embd));
    add_norm(b, INF_SLOT_PER_LAYER_NORM, INF_BUF_PER_LAYER_MODEL, INF_BUF_PER_LAYER_MODEL, n);
    struct inf_step *sum = add(b, INF_STEP_ADD, INF_BUF_PER_LAYER, INF_BUF_PER_LAYER);
    sum->in2 = INF_BUF_PER_LAYER_MODEL;
    sum->n = n;
    sum->scale = 1.0f;
    add_scale(b, INF_BUF_PER_LAYER, n, NULL, 0.70710678f);
}

static void add_per_layer(const struct builder *b)
{
    static const enum inf_slot gate[] = {INF_SLOT_PER_LAYER_GATE}, out[] = {INF_SLOT_PER_LAYER_OUT};
    static const enum inf_buffer to[] = {INF_BUF_PER_LAYER_GATE}, beside[] = {INF_BUF_BESIDE};
    uint32_t n = b->plan->hp.per_layer;
    if (!n)
        return;
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_STREAM, INF_BUF_INT_EMBD, 1, gate, to,
                 false);
    add_gated(b, b->plan->arch->activation, INF_BUF_PER_LAYER_GATE, INF_BUF_PER_LAYER,
              INF_BUF_PER_LAYER_GATE, n, 1)
        ->at = (uint32_t)b->layer * n;
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_TOKENS, INF_BUF_PER_LAYER_GATE, INF_BUF_INT_PER_LAYER,
                 1, out, beside, false);
    add_norm(b, INF_SLOT_PER_LAYER_POST_NORM, INF_BUF_BESIDE, INF_BUF_BESIDE, b->plan->hp.embd);
    add_sum(b, INF_BUF_BESIDE);
}

/* The dense feed-forward of what stands beside, and experts of the stream by norms of their own: the sum
 * of both. The choice reads the stream normed by yet another vector, over the root of embd. */
static void add_beside(struct builder *b)
{
    uint32_t embd = b->plan->hp.embd;
    b->plan->apart = true;
    add_norm(b, INF_SLOT_ROUTER_SCALE, INF_BUF_STREAM, INF_BUF_APART, embd);
    add_scale(b, INF_BUF_APART, embd, NULL, 1.0f / sqrtf((float)embd));
    add_routing(b, INF_BUF_APART);
    b->to = INF_BUF_APART;
    add_dense(b);
    b->to = INF_BUF_BESIDE;
    add_norm(b, INF_SLOT_FFN_POST_NORM_1, INF_BUF_APART, INF_BUF_APART, embd);
    add_norm(b, INF_SLOT_FFN_PRE_NORM_2, INF_BUF_STREAM, INF_BUF_BESIDE, embd);
    add_experts(b);
    add_norm(b, INF_SLOT_FFN_POST_NORM_2, INF_BUF_BESIDE, INF_BUF_BESIDE, embd);
    struct inf_step *sum = add(b, INF_STEP_ADD, INF_BUF_BESIDE, INF_BUF_BESIDE);
    sum->in2 = INF_BUF_APART;
    sum->n = embd;
    sum->scale = 1.0f;
}

static void add_feed_forward(struct builder *b)
{
    const struct inf_layer *l = &b->plan->hp.layer[b->layer];
    if (l->experts && b->plan->arch->beside) {
        add_beside(b);
    } else if (l->experts) {
        add_routing(b, b->from);
        add_experts(b);
    }
    if (!l->experts && l->ff)
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
        add_mixer(b);
        b->to = INF_BUF_BESIDE;
        break;
    case INF_BLOCK_ATTN:
        add_mixer(b);
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
    case INF_BLOCK_PER_LAYER:
        add_per_layer(b);
        break;
    case INF_BLOCK_LAYER_SCALE:
        if (weight(b, block->slot))
            add_scale(b, INF_BUF_STREAM, embd, weight(b, block->slot), 1.0f);
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
    if (b->plan->hp.per_layer)
        add_per_layer_embed(b);
}

/* The matrices behind the pooling: on one vector, so the text must be in one pass. */
static void add_dense_pooled(const struct builder *b)
{
    static const enum inf_slot slots[] = {INF_SLOT_DENSE_2, INF_SLOT_DENSE_3};
    static const enum inf_buffer outs[] = {INF_BUF_DENSE, INF_BUF_BESIDE};
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_ONE, INF_BUF_STREAM, INF_BUF_INT_EMBD, 1, &slots[0],
                 &outs[0], false);
    add_matrices(b, INF_STEP_MATMUL, INF_ROWS_ONE, INF_BUF_DENSE, INF_BUF_INT_DENSE, 1, &slots[1],
                 &outs[1], false);
    struct inf_step *pool = add(b, INF_STEP_POOL, INF_BUF_BESIDE, INF_BUF_NONE);
    pool->n = b->plan->hp.embd;
    pool->rows = INF_ROWS_ONE;
}

/* The last norm of every token, where there is one, and the pooling. */
static void add_pool(const struct builder *b)
{
    uint32_t embd = b->plan->hp.embd;
    bool normed = add_norm(b, INF_SLOT_OUTPUT_NORM, INF_BUF_STREAM, INF_BUF_BESIDE, embd) != NULL;
    struct inf_step *pool =
        add(b, INF_STEP_POOL, normed ? INF_BUF_BESIDE : INF_BUF_STREAM, INF_BUF_NONE);
    pool->n = embd;
    if (!b->plan->hp.dense)
        return;
    pool->out = INF_BUF_STREAM; /* its first row: what was in there is not read again */
    add_dense_pooled(b);
}

static void add_head(const struct builder *b)
{
    const struct inf_weight *output = weight(b, INF_SLOT_OUTPUT);
    if (!output)
        output = weight(b, INF_SLOT_TOKEN_EMBD); /* tied */
    enum inf_slot norm =
        weight(b, INF_SLOT_OUTPUT_NORM_LFM2) ? INF_SLOT_OUTPUT_NORM_LFM2 : INF_SLOT_OUTPUT_NORM;
    struct inf_step *last = add_norm(b, norm, INF_BUF_STREAM, INF_BUF_LAST, b->plan->hp.embd);
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
    case INF_STEP_CONV:
    case INF_STEP_RECUR:
    case INF_STEP_HEADS:
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
            (step->rows == INF_ROWS_WANTED) == (next->rows == INF_ROWS_WANTED) &&
            (step->rows == INF_ROWS_ONE) == (next->rows == INF_ROWS_ONE))
            step->barrier = false;
    }
}

static infer_status make_stages(struct infer_plan *plan, infer_error *err)
{
    plan->stages = inf_arena_take(&plan->arena, plan->step_count, sizeof *plan->stages);
    plan->share_bytes = inf_share_bytes(plan->info.threads);
    plan->shares = inf_arena_take(&plan->arena, plan->step_count, plan->share_bytes);
    if (!plan->stages || !plan->shares)
        return inf_fail_memory(err, "the stages", plan->step_count * plan->share_bytes);
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
    float *ones = inf_arena_take(&plan->arena, plan->hp.most.v_head_size + 1, sizeof *ones);
    if (!ones)
        return inf_fail_memory(err, "a norm's weights", plan->hp.most.v_head_size * sizeof *ones);
    for (uint32_t i = 0; i < plan->hp.most.v_head_size; i++)
        ones[i] = 1.0f;
    plan->ones = (struct inf_weight){.data = (const uint8_t *)ones, .name = "ones", .rows = 1};
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
    static const char *const names[] = {
        "embed",  "angles",     "norm",  "last",  "quantize", "matmul",    "heads",
        "logits", "logits_end", "pool",  "bias",  "rope",     "kv_store",  "attn",
        "glu",    "add",        "route", "group", "experts",  "slot_bias", "scale",
        "gated",  "conv",       "gates", "move",  "unit",     "recur",     "combine"};
    return names[op];
}
