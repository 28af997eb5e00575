/*
 * Damage to models with experts (E) and with latent attention (L), whose bases are kinds of tests/tiny.
 */
#include "tests/mkbad_rows.h"

#include "formats/type.h"

#include <math.h>
#include <string.h>

static const float odd_floats[] = {0.0f, -1.0f, NAN, INFINITY, -INFINITY, 1e-45f};

#define DS "deepseek2."
#define SETS_U32(function, key)                                                                    \
    static void function(struct mk_file *f, uint64_t v)                                            \
    {                                                                                              \
        mk_set_u32(f, key, (uint32_t)v);                                                           \
    }
#define SETS_FLOAT(function, key)                                                                  \
    static void function(struct mk_file *f, uint64_t v)                                            \
    {                                                                                              \
        mk_set_f32(f, key, odd_floats[v]);                                                         \
    }

SETS_U32(experts, DS "expert_count")
SETS_U32(used, DS "expert_used_count")
SETS_U32(expert_ff, DS "expert_feed_forward_length")
SETS_U32(shared_count, DS "expert_shared_count")
SETS_U32(shared_ff, DS "expert_shared_feed_forward_length")
SETS_U32(dense, DS "leading_dense_block_count")
SETS_U32(step, DS "interleave_moe_layer_step")
SETS_U32(ahead, DS "nextn_predict_layers")
SETS_U32(gating, DS "expert_gating_func")
SETS_U32(groups, DS "expert_group_count")
SETS_U32(groups_used, DS "expert_group_used_count")
SETS_FLOAT(weights_scale, DS "expert_weights_scale")
SETS_U32(latent, DS "attention.kv_lora_rank")
SETS_U32(q_lora, DS "attention.q_lora_rank")
SETS_U32(key_mla, DS "attention.key_length_mla")
SETS_U32(value_mla, DS "attention.value_length_mla")
SETS_U32(key_length, DS "attention.key_length")
SETS_U32(rope_dims, DS "rope.dimension_count")
SETS_U32(heads, DS "attention.head_count")
SETS_FLOAT(log_multiplier, DS "rope.scaling.yarn_log_multiplier")

static void no_latent(struct mk_file *f, uint64_t v)
{
    (void)v;
    mk_drop_key(f, DS "attention.kv_lora_rank");
}

static void drop(struct mk_file *f, const char *name)
{
    for (size_t i = 0; i < f->tensor_count; i++)
        if (&f->tensors[i] == mk_tensor(f, name)) {
            mk_drop_tensor_at(f, i);
            return;
        }
}

/* Tensors that a model of the kind cannot do without. */
static const char *const needed[] = {
    "blk.0.attn_kv_a_mqa.weight", "blk.0.attn_kv_a_norm.weight", "blk.0.attn_k_b.weight",
    "blk.1.attn_v_b.weight",      "blk.0.attn_q_a.weight",       "blk.0.attn_q_a_norm.weight",
    "blk.1.attn_q_b.weight",      "blk.0.ffn_gate.weight",       "blk.1.ffn_gate_inp.weight",
    "blk.1.ffn_down_exps.weight", "blk.1.ffn_up_shexp.weight",
};
#define NEEDED (sizeof needed / sizeof *needed)

static void missing(struct mk_file *f, uint64_t v)
{
    drop(f, needed[v]);
}

static void reshaped(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, needed[v]);
    if (t->dims == 1)
        mk_reshape(t, 1, t->shape[0] + 32, 0, 0);
    else
        mk_reshape(t, t->dims, t->shape[0], t->shape[1] + 1, t->dims > 2 ? t->shape[2] : 0);
}

static void no_kv_b(struct mk_file *f, uint64_t v)
{
    (void)v;
    drop(f, "blk.1.attn_kv_b.weight");
}

/* Every number of an f32 tensor. */
static void fill(struct mk_file *f, const char *name, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, name);
    for (size_t i = 0; i + 4 <= t->data.len; i += 4)
        memcpy(t->data.ptr + i, &odd_floats[v], 4);
}

static void choice_bias(struct mk_file *f, uint64_t v)
{
    fill(f, "blk.1.exp_probs_b.bias", v);
}

static void router(struct mk_file *f, uint64_t v)
{
    fill(f, "blk.1.ffn_gate_inp.weight", v);
}

static void sinks(struct mk_file *f, uint64_t v)
{
    fill(f, "blk.0.attn_sinks.weight", v);
}

static void expert_bias(struct mk_file *f, uint64_t v)
{
    fill(f, "blk.0.ffn_gate_exps.bias", v);
}

static void no_sinks(struct mk_file *f, uint64_t v)
{
    drop(f, v ? "blk.1.ffn_up_exps.bias" : "blk.1.attn_sinks.weight");
}

/* An expert of those that stand apart: missing, of another type, of another shape. */
static void one_expert(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, "blk.0.ffn_up.2.weight");
    uint64_t shape[2] = {t->shape[0], t->shape[1]};
    if (v == 2)
        mk_reshape(t, 2, shape[0], shape[1] * 2, 0);
    else
        drop(f, "blk.0.ffn_up.2.weight");
    if (v == 1)
        mk_add_tensor(f, "blk.0.ffn_up.2.weight", INF_TYPE_F32, 2, shape);
}

#define OK MKBAD_OK
#define REFUSE MKBAD_REFUSE
#define EITHER MKBAD_EITHER
#define EACH(...)                                                                                  \
    (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)
#define UP_TO(n) NULL, n
#define P31 0x80000000
#define MAX32 0xffffffff
#define V3 MKBAD_DEEPSEEK2_V3
#define LITE MKBAD_DEEPSEEK2_LITE
#define OSS MKBAD_GPT_OSS
#define APART MKBAD_MIXTURE_APART

const struct mkbad_row mkbad_expert_rows[] = {
    {"E1", "experts", V3, experts, EACH(0, 7, 9, 1025, P31, MAX32), OK, REFUSE},
    {"E1", "used", V3, used, EACH(0, 5, 9, P31, MAX32), OK, REFUSE}, /* 5: a group has 4 */
    {"E1", "expert_ff", V3, expert_ff, EACH(0, 255, 1000000000, MAX32), OK, REFUSE},
    {"E1", "shared_count", V3, shared_count, EACH(2, 1024, MAX32), OK, REFUSE},
    {"E1", "no_shared", V3, shared_count, EACH(0), OK, EITHER},
    {"E1", "shared_ff", V3, shared_ff, EACH(1, 255, MAX32), OK, REFUSE},
    {"E1", "dense", V3, dense, EACH(0, 2, 512, P31, MAX32), OK, REFUSE},
    {"E1", "step", V3, step, EACH(0, 3, MAX32), OK, REFUSE},
    {"E1", "ahead", V3, ahead, EACH(2, P31, MAX32), OK, REFUSE},
    {"E1", "one_ahead", V3, ahead, EACH(1), OK, EITHER},
    {"E2", "gating", V3, gating, EACH(4, P31, MAX32), OK, REFUSE},
    {"E2", "gating_known", V3, gating, EACH(0, 1, 2, 3), OK, OK},
    {"E2", "groups", V3, groups, EACH(3, 9, 16, 1025, MAX32), OK, REFUSE},
    {"E2", "no_groups", V3, groups, EACH(0, 1), OK, OK},
    {"E2", "groups_used", V3, groups_used, EACH(0, 3, MAX32), OK, REFUSE},
    {"E2", "scale", V3, weights_scale, EACH(1, 2, 3, 4), OK, REFUSE},
    {"E2", "scale_odd", V3, weights_scale, EACH(0, 5), OK, EITHER},
    {"E3", "missing", V3, missing, UP_TO(NEEDED), OK, REFUSE},
    {"E3", "reshaped", V3, reshaped, UP_TO(NEEDED), OK, REFUSE},
    {"E3", "apart", APART, one_expert, UP_TO(3), OK, REFUSE},
    {"E3", "no_sinks", OSS, no_sinks, UP_TO(2), OK, REFUSE},
    /* what is not finite is met by running it */
    {"E4", "choice_bias", V3, choice_bias, UP_TO(6), OK, EITHER},
    {"E4", "router", V3, router, UP_TO(6), OK, EITHER},
    {"E4", "sinks", OSS, sinks, UP_TO(6), OK, EITHER},
    {"E4", "expert_bias", OSS, expert_bias, UP_TO(6), OK, EITHER},

    {"L1", "latent", V3, latent, EACH(0, 7, 255, 257, 1024, P31, MAX32), OK, REFUSE},
    {"L1", "no_latent", V3, no_latent, UP_TO(1), OK, REFUSE},
    {"L1", "q_lora", V3, q_lora, EACH(0, 255, 257, P31, MAX32), OK, REFUSE},
    {"L1", "key_mla", V3, key_mla, EACH(0, 31, 32, 287, P31, MAX32), OK, REFUSE},
    {"L1", "value_mla", V3, value_mla, EACH(0, 31, 33, P31, MAX32), OK, REFUSE},
    {"L1", "rope_dims", V3, rope_dims, EACH(1, 30, 34, 288, MAX32), OK, REFUSE},
    {"L1", "heads", V3, heads, EACH(0, 7, 9, 1025, MAX32), OK, REFUSE},
    {"L1", "log_multiplier", V3, log_multiplier, EACH(1, 2, 3, 4), OK, REFUSE},
    {"L2", "key_length", LITE, key_length, EACH(0, 32, 63, 65, MAX32), OK, REFUSE},
    {"L2", "no_kv_b", LITE, no_kv_b, UP_TO(1), OK, REFUSE},
};
const size_t mkbad_expert_count = sizeof mkbad_expert_rows / sizeof *mkbad_expert_rows;
