/*
 * Damage to recurrent layers (R), and to what single families alone have (F), whose bases are kinds of
 * tests/tiny.
 */
#include "tests/mkbad_rows.h"

#include "formats/type.h"

#include <math.h>

static void drop(struct mk_file *f, const char *name)
{
    for (size_t i = 0; i < f->tensor_count; i++)
        if (&f->tensors[i] == mk_tensor(f, name)) {
            mk_drop_tensor_at(f, i);
            return;
        }
}

/* Tensors that a model of the kind cannot do without, by the first of their names (slots.def). */
static const char *const needed_lfm2moe[] = {
    "blk.0.ssm_conv1d.weight",   "blk.0.attn_qkv.weight", "blk.0.ffn_gate.weight",
    "blk.1.ffn_gate_inp.weight", "blk.2.attn_k.weight",   "blk.1.ffn_down_exps.weight",
};
#define NEEDED (sizeof needed_lfm2moe / sizeof *needed_lfm2moe)

static void missing(struct mk_file *f, uint64_t v)
{
    drop(f, needed_lfm2moe[v]);
}

/* A norm with its vector and without its bias. */
static void no_norm_bias(struct mk_file *f, uint64_t v)
{
    drop(f, v ? "blk.1.ffn_norm.bias" : "blk.0.attn_norm.bias");
}

/* Mixed rows where none belong, or too few; inputs that are half there. */
static void mixed(struct mk_file *f, uint64_t v)
{
    uint64_t shape[2] = {256, v == 1 ? 512 : v == 2 ? 0 : 769};
    if (v < 3)
        mk_add_tensor(f, "blk.0.ssm_in.weight", INF_TYPE_F32, 2, shape);
    if (v == 3)
        drop(f, "blk.1.attn_gate.weight");
    if (v == 4)
        mk_reshape(mk_tensor(f, "blk.1.ssm_ba.weight"), 2, 256, 7, 0);
}

static const char *const xielu_keys[] = {"xielu.alpha_p", "xielu.alpha_n", "xielu.beta",
                                         "xielu.eps"};

static void no_xielu(struct mk_file *f, uint64_t v)
{
    mk_drop_key(f, xielu_keys[v]);
}

static void xielu_count(struct mk_file *f, uint64_t v)
{
    static const float values[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    mk_set_array(f, "xielu.beta", MK_F32, v, values, (size_t)v * sizeof *values);
}

static void xielu_items(struct mk_file *f, uint64_t v)
{
    static const uint64_t values[2] = {1, 1};
    mk_set_array(f, "xielu.eps", (uint32_t)v, 2, values, v == MK_U64 ? 16 : 8);
}

static void xielu_odd(struct mk_file *f, uint64_t v)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    mk_set_array(f, xielu_keys[v % 4], MK_F32, 2, (float[2]){1.0f, odd[v / 4]}, 8);
}

static void xielu_double(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, xielu_keys[v], MK_F64, 2, (double[2]){1.0, 1e300}, 16);
}

/* The matrices behind the pooling: sound (0), and keys and tensors that do not fit each other. */
static void pooled_dense(struct mk_file *f, uint64_t v)
{
    static const char *const keys[] = {
        "gemma-embedding.dense_2_feat_in", "gemma-embedding.dense_2_feat_out",
        "gemma-embedding.dense_3_feat_in", "gemma-embedding.dense_3_feat_out"};
    const uint32_t values[4] = {256, v == 9 ? 64 : 96, 96, v == 10 ? 64 : 256};
    for (uint64_t i = 0; i < 4; i++)
        if (v != i + 1 && v != 5)
            mk_set_u32(f, keys[i], values[i]);
    if (v != 6)
        mk_add_tensor(f, "dense_2.weight", INF_TYPE_F32, 2,
                      (uint64_t[2]){256, v == 8 ? 95 : values[1]});
    if (v != 7)
        mk_add_tensor(f, "dense_3.weight", INF_TYPE_F32, 2, (uint64_t[2]){values[2], values[3]});
    if (v == 11)
        mk_key(f, "gemma-embedding.attention.causal")->value.ptr[0] = 1;
}

/* An encoder whose tokens see only those before them: embeddings all the same, it has no head. */
static void one_way(struct mk_file *f, uint64_t v)
{
    (void)v;
    mk_put(&mk_set_key(f, "bert.attention.causal", MK_BOOL)->value, &(uint8_t){1}, 1);
}

#define OK MKBAD_OK
#define REFUSE MKBAD_REFUSE
#define EACH(...)                                                                                  \
    (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)
#define UP_TO(n) NULL, n
#define MAX32 0xffffffff
#define KEY(row, base, key, ...)                                                                   \
    {                                                                                              \
        row, key, base, NULL, EACH(__VA_ARGS__), OK, REFUSE                                        \
    }

const struct mkbad_row mkbad_family_rows[] = {
    KEY("R1", MKBAD_QWEN35, "qwen35.ssm.conv_kernel", 0, 1, 9, MAX32),
    KEY("R1", MKBAD_QWEN35, "qwen35.ssm.inner_size", 0, 255, 1 << 20, MAX32),
    KEY("R1", MKBAD_QWEN35, "qwen35.ssm.state_size", 0, 63, 1024, MAX32),
    KEY("R1", MKBAD_QWEN35, "qwen35.ssm.time_step_rank", 0, 3, 8, MAX32),
    KEY("R1", MKBAD_QWEN35, "qwen35.ssm.group_count", 0, 3, 4, MAX32),
    KEY("R1", MKBAD_QWEN35, "qwen35.full_attention_interval", 0, 3, 5, MAX32),
    KEY("R1", MKBAD_LFM2, "lfm2.shortconv.l_cache", 0, 1, 4, MAX32),
    KEY("R1", MKBAD_LFM2MOE, "lfm2moe.shortconv.l_cache", 0, 1, 4, MAX32),
    KEY("R1", MKBAD_GRANITEHYBRID, "granitehybrid.ssm.conv_kernel", 0, 3),
    KEY("R1", MKBAD_GRANITEHYBRID, "granitehybrid.ssm.group_count", 0, 3, 4),
    KEY("R1", MKBAD_NEMOTRON_H, "nemotron_h.ssm.time_step_rank", 0, 7, 16),
    KEY("R1", MKBAD_NEMOTRON_H, "nemotron_h.ssm.state_size", 0, 47),
    KEY("R1", MKBAD_QWEN3NEXT, "qwen3next.ssm.group_count", 0, 3, 4, MAX32),
    KEY("R1", MKBAD_QWEN3NEXT, "qwen3next.ssm.time_step_rank", 0, 2, 3, 8, MAX32),
    KEY("R1", MKBAD_QWEN3NEXT, "qwen3next.full_attention_interval", 0, 3, 5, MAX32),
    {"R2", "mixed", MKBAD_QWEN3NEXT, mixed, UP_TO(5), OK, REFUSE},
    KEY("F1", MKBAD_GEMMA4, "gemma4.attention.shared_kv_layers", 4, 5, 6, MAX32),
    KEY("F1", MKBAD_GEMMA4, "gemma4.attention.key_length_swa", 0, 12, 128, MAX32),
    KEY("F1", MKBAD_GEMMA4, "gemma4.rope.dimension_count_swa", 0, 7, 66, MAX32),
    KEY("F1", MKBAD_GEMMA4, "gemma4.embedding_length_per_layer_input", 1, 65537, 512, MAX32),
    KEY("F2", MKBAD_LFM2MOE, "lfm2moe.leading_dense_block_count", 0, 2, MAX32),
    KEY("F2", MKBAD_LFM2MOE, "lfm2moe.expert_gating_func", 4, MAX32),
    KEY("F2", MKBAD_LFM2MOE, "lfm2moe.expert_used_count", 0, 5, MAX32),
    {"F2", "missing", MKBAD_LFM2MOE, missing, UP_TO(NEEDED), OK, REFUSE},
    KEY("F3", MKBAD_GEMMA_EMBEDDING, "gemma-embedding.dense_2_feat_in", 0, 256, MAX32),
    {"F3", "pooled_dense", MKBAD_GEMMA_EMBEDDING, pooled_dense, EACH(0), OK, OK},
    {"F3", "pooled_dense", MKBAD_GEMMA_EMBEDDING, pooled_dense,
     EACH(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), OK, REFUSE},
    KEY("F3", MKBAD_GEMMA_EMBEDDING, "gemma-embedding.pooling_type", 4, MAX32),
    KEY("F3", MKBAD_GEMMA_EMBEDDING, "gemma-embedding.attention.sliding_window", 1u << 31, MAX32),
    {"F3", "one_way", MKBAD_BERT, one_way, UP_TO(1), OK, OK},
    {"F5", "no_xielu", MKBAD_APERTUS, no_xielu, UP_TO(4), OK, REFUSE},
    {"F5", "xielu_count", MKBAD_APERTUS, xielu_count, EACH(0, 1, 3), OK, REFUSE},
    {"F5", "xielu_items", MKBAD_APERTUS, xielu_items, EACH(MK_U32, MK_U64, MK_I32), OK, REFUSE},
    {"F5", "xielu_odd", MKBAD_APERTUS, xielu_odd, UP_TO(12), OK, REFUSE},
    {"F5", "xielu_double", MKBAD_APERTUS, xielu_double, UP_TO(4), OK, REFUSE},
    KEY("F5", MKBAD_APERTUS, "xielu.alpha_n", 1),
    {"F4", "no_norm_bias", MKBAD_STABLELM, no_norm_bias, UP_TO(2), OK, REFUSE},
};
const size_t mkbad_family_count = sizeof mkbad_family_rows / sizeof *mkbad_family_rows;
