#include "tests/tiny/models.h"

#include "formats/type.h"
#include "tests/tiny/randblock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tiny_kind kinds[] = {
    {.name = "llama",
     .arch = "llama",
     .embd = 256,
     .heads = 8,
     .kv_heads = 2,
     .head_size = 32,
     .ff = 512,
     .layers = 2},
    {.name = "llama_odd",
     .arch = "llama",
     .embd = 256,
     .heads = 4,
     .kv_heads = 4,
     .head_size = 64,
     .ff = 256,
     .layers = 2,
     .window = 24,
     .biases = true,
     .tied = true,
     .yarn = true},
    {.name = "mixture",
     .arch = "llama",
     .embd = 256,
     .heads = 4,
     .kv_heads = 2,
     .head_size = 64,
     .ff = 256,
     .layers = 2,
     .experts = 4,
     .rope_factors = true},
    {.name = "qwen2",
     .arch = "qwen2",
     .embd = 256,
     .heads = 4,
     .kv_heads = 1,
     .head_size = 64,
     .ff = 256,
     .layers = 2,
     .biases = true,
     .tied = true},
    {.name = "qwen3",
     .arch = "qwen3",
     .embd = 256,
     .heads = 4,
     .kv_heads = 2,
     .head_size = 128,
     .ff = 256,
     .layers = 2},
    {.name = "gemma3",
     .arch = "gemma3",
     .embd = 256,
     .heads = 2,
     .kv_heads = 1,
     .head_size = 256,
     .ff = 256,
     .layers = 7,
     .window = 20,
     .tied = true,
     .linear = true},
    {.name = "mixture_apart",
     .arch = "llama",
     .embd = 256,
     .heads = 4,
     .kv_heads = 2,
     .head_size = 64,
     .ff = 256,
     .layers = 1,
     .experts = 3,
     .apart = true},
    {.name = "qwen2moe",
     .arch = "qwen2moe",
     .embd = 256,
     .heads = 4,
     .kv_heads = 2,
     .head_size = 64,
     .ff = 512,
     .layers = 2,
     .experts = 6,
     .expert_ff = 256,
     .shared_ff = 512,
     .biases = true},
    {.name = "qwen3moe",
     .arch = "qwen3moe",
     .embd = 256,
     .heads = 4,
     .kv_heads = 1,
     .head_size = 128,
     .ff = 512,
     .layers = 2,
     .experts = 9,
     .used = 3,
     .expert_ff = 256},
    {.name = "gpt_oss",
     .arch = "gpt-oss",
     .embd = 256,
     .heads = 8,
     .kv_heads = 2,
     .head_size = 64,
     .ff = 256,
     .layers = 2,
     .experts = 5,
     .expert_ff = 256,
     .window = 20,
     .biases = true,
     .wide = true,
     .yarn = true,
     .beta_fast = 2.0f,
     .beta_slow = 0.5f},
    {.name = "deepseek2_lite",
     .arch = "deepseek2",
     .embd = 256,
     .heads = 4,
     .kv_heads = 4,
     .head_size = 64,
     .ff = 512,
     .layers = 2,
     .experts = 4,
     .expert_ff = 256,
     .shared_ff = 512,
     .dense = 1,
     .latent = 256,
     .value = 64,
     .joint = true,
     .yarn = true,
     .log_multiplier = 0.0707f},
    {.name = "deepseek2_v3",
     .arch = "deepseek2",
     .embd = 256,
     .heads = 8,
     .kv_heads = 8,
     .head_size = 288,
     .ff = 256,
     .layers = 2,
     .experts = 8,
     .used = 3,
     .expert_ff = 256,
     .shared_ff = 256,
     .dense = 1,
     .groups = 2,
     .sigmoid = true,
     .normalise = true,
     .choice_bias = true,
     .latent = 256,
     .q_lora = 256,
     .value = 32,
     .yarn = true,
     .log_multiplier = 0.3f,
     .beta_fast = 1.5f,
     .beta_slow = 0.25f},
    {.name = "glm4moe",
     .arch = "glm4moe",
     .embd = 256,
     .heads = 4,
     .kv_heads = 2,
     .head_size = 64,
     .ff = 512,
     .layers = 2,
     .experts = 4,
     .expert_ff = 256,
     .shared_ff = 256,
     .dense = 1,
     .sigmoid = true,
     .normalise = true,
     .choice_bias = true,
     .biases = true,
     .ahead = 1},
};

size_t tiny_kind_count(void)
{
    return sizeof kinds / sizeof *kinds;
}

const struct tiny_kind *tiny_kind_at(size_t index)
{
    return &kinds[index];
}

/* Numbers about `middle`, spread evenly by `spread` to both sides. */
static void put_floats(struct mk_tensor *t, size_t count, float middle, float spread, uint64_t *rng)
{
    float *values = (float *)(void *)t->data.ptr;
    for (size_t i = 0; i < count; i++)
        values[i] = middle + spread * ((float)(inf_test_random(rng) >> 40) * 0x1p-23f - 1.0f);
}

struct maker {
    struct mk_file *file;
    const struct tiny_kind *kind;
    uint32_t type;
    uint64_t rng;
};

static void key(struct maker *m, const char *name, uint32_t value)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", m->kind->arch, name);
    mk_set_u32(m->file, full, value);
}

static void key_float(struct maker *m, const char *name, float value)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", m->kind->arch, name);
    mk_set_f32(m->file, full, value);
}

static void key_text(struct maker *m, const char *name, const char *value)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", m->kind->arch, name);
    mk_set_text(m->file, full, value, strlen(value));
}

static void key_true(struct maker *m, const char *name)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", m->kind->arch, name);
    mk_put(&mk_set_key(m->file, full, MK_BOOL)->value, &(uint8_t){1}, 1);
}

static void vector(struct maker *m, const char *name, uint64_t n, float middle, float spread)
{
    struct mk_tensor *t = mk_add_tensor(m->file, name, INF_TYPE_F32, 1, &n);
    put_floats(t, n, middle, spread, &m->rng);
}

static void matrix(struct maker *m, const char *name, uint64_t k, uint64_t rows, uint64_t experts)
{
    const struct inf_type_info *type = inf_type_info(m->type);
    uint64_t shape[3] = {k, rows, experts};
    struct mk_tensor *t = mk_add_tensor(m->file, name, m->type, experts > 1 ? 3 : 2, shape);
    size_t blocks = k / type->weights * rows * experts;
    if (type->form == INF_FORM_FLOAT && m->type == INF_TYPE_F32)
        put_floats(t, k * rows * experts, 0.0f, 0.06f, &m->rng);
    else
        inf_test_random_blocks(m->type, &m->rng, t->data.ptr, blocks);
}

static void expert_keys(struct maker *m)
{
    const struct tiny_kind *k = m->kind;
    bool qwen2 = !strcmp(k->arch, "qwen2moe");
    if (k->expert_ff)
        key(m, "expert_feed_forward_length", k->expert_ff);
    if (k->shared_ff && qwen2)
        key(m, "expert_shared_feed_forward_length", k->shared_ff);
    else if (k->shared_ff)
        key(m, "expert_shared_count", k->shared_ff / k->expert_ff);
    if (k->dense)
        key(m, "leading_dense_block_count", k->dense);
    if (k->ahead)
        key(m, "nextn_predict_layers", k->ahead);
    if (k->groups) {
        key(m, "expert_group_count", k->groups);
        key(m, "expert_group_used_count", 1);
        key_float(m, "expert_weights_scale", 1.5f);
    }
    if (k->sigmoid)
        key(m, "expert_gating_func", 2);
    if (k->normalise)
        key_true(m, "expert_weights_norm");
}

static void latent_keys(struct maker *m)
{
    const struct tiny_kind *k = m->kind;
    key(m, "attention.kv_lora_rank", k->latent);
    if (k->q_lora)
        key(m, "attention.q_lora_rank", k->q_lora);
    if (!k->joint) { /* as files of this form have them */
        key(m, "attention.head_count_kv", 1);
        key(m, "attention.key_length", k->latent + TINY_ROPE);
        key(m, "attention.value_length", k->latent);
        key(m, "attention.key_length_mla", k->head_size);
        key(m, "attention.value_length_mla", k->value);
    }
    key_float(m, "rope.scaling.yarn_log_multiplier", k->log_multiplier);
}

static void keys(struct maker *m)
{
    const struct tiny_kind *k = m->kind;
    mk_set_text(m->file, "general.architecture", k->arch, strlen(k->arch));
    mk_set_text(m->file, "general.name", k->name, strlen(k->name));
    key(m, "block_count", k->layers + k->ahead);
    key(m, "context_length", 512);
    key(m, "embedding_length", k->embd);
    key(m, "feed_forward_length", k->ff);
    key(m, "attention.head_count", k->heads);
    key(m, "attention.head_count_kv", k->kv_heads);
    key(m, "attention.key_length", k->head_size);
    key(m, "attention.value_length", k->latent ? k->value : k->head_size);
    key(m, "rope.dimension_count", k->latent ? TINY_ROPE : k->head_size);
    key_float(m, "attention.layer_norm_rms_epsilon", 1e-3f);
    key_float(m, "rope.freq_base", 50000.0f);
    if (k->window)
        key(m, "attention.sliding_window", k->window);
    if (k->experts) {
        key(m, "expert_count", k->experts);
        key(m, "expert_used_count", k->used ? k->used : 2);
        expert_keys(m);
    }
    if (k->latent)
        latent_keys(m);
    if (k->yarn || k->linear) {
        key_text(m, "rope.scaling.type", k->yarn ? "yarn" : "linear");
        key_float(m, "rope.scaling.factor", 4.0f);
        key(m, "rope.scaling.original_context_length", 32);
        if (k->beta_fast > 0.0f) {
            key_float(m, "rope.scaling.yarn_beta_fast", k->beta_fast);
            key_float(m, "rope.scaling.yarn_beta_slow", k->beta_slow);
        }
    }
}

/* Tensor `what` of a layer. */
static const char *name_of(char out[64], uint32_t layer, const char *what)
{
    snprintf(out, 64, "blk.%u.%s", layer, what);
    return out;
}
#define NAME(what) name_of(name, number, what)

static void latent_attention(struct maker *m, uint32_t number)
{
    const struct tiny_kind *k = m->kind;
    uint64_t q = (uint64_t)k->heads * k->head_size, nope = k->head_size - TINY_ROPE;
    char name[64];
    if (k->q_lora) {
        matrix(m, NAME("attn_q_a.weight"), k->embd, k->q_lora, 1);
        vector(m, NAME("attn_q_a_norm.weight"), k->q_lora, 1.0f, 0.3f);
        matrix(m, NAME("attn_q_b.weight"), k->q_lora, q, 1);
    } else {
        matrix(m, NAME("attn_q.weight"), k->embd, q, 1);
    }
    matrix(m, NAME("attn_kv_a_mqa.weight"), k->embd, k->latent + TINY_ROPE, 1);
    vector(m, NAME("attn_kv_a_norm.weight"), k->latent, 1.0f, 0.3f);
    if (k->joint) {
        matrix(m, NAME("attn_kv_b.weight"), k->latent, k->heads * (nope + k->value), 1);
    } else {
        matrix(m, NAME("attn_k_b.weight"), nope, k->latent, k->heads);
        matrix(m, NAME("attn_v_b.weight"), k->latent, k->value, k->heads);
    }
    matrix(m, NAME("attn_output.weight"), (uint64_t)k->heads * k->value, k->embd, 1);
}

static void attention(struct maker *m, uint32_t number)
{
    const struct tiny_kind *k = m->kind;
    uint64_t q = (uint64_t)k->heads * k->head_size, kv = (uint64_t)k->kv_heads * k->head_size;
    char name[64];
    matrix(m, NAME("attn_q.weight"), k->embd, q, 1);
    matrix(m, NAME("attn_k.weight"), k->embd, kv, 1);
    matrix(m, NAME("attn_v.weight"), k->embd, kv, 1);
    matrix(m, NAME("attn_output.weight"), q, k->embd, 1);
    if (k->biases) {
        vector(m, NAME("attn_q.bias"), q, 0.0f, 0.2f);
        vector(m, NAME("attn_k.bias"), kv, 0.0f, 0.2f);
        vector(m, NAME("attn_v.bias"), kv, 0.0f, 0.2f);
    }
    if (!strcmp(k->arch, "gpt-oss")) {
        vector(m, NAME("attn_output.bias"), k->embd, 0.0f, 0.2f);
        vector(m, NAME("attn_sinks.weight"), k->heads, 1.0f, 2.0f);
    }
}

static void router_of(struct maker *m, const char *name, uint64_t rows)
{
    uint64_t shape[2] = {m->kind->embd, rows};
    put_floats(mk_add_tensor(m->file, name, INF_TYPE_F32, 2, shape), shape[0] * shape[1], 0.0f,
               0.1f, &m->rng);
}

/* The matrices of all experts, in one tensor or each in its own. */
static void experts_of(struct maker *m, uint32_t number, const char *what, uint64_t k,
                       uint64_t rows)
{
    char name[64], whole[32];
    snprintf(whole, sizeof whole, "%s_exps.weight", what);
    if (!m->kind->apart) {
        matrix(m, NAME(whole), k, rows, m->kind->experts);
        return;
    }
    for (uint32_t e = 0; e < m->kind->experts; e++) {
        snprintf(whole, sizeof whole, "%s.%u.weight", what, e);
        matrix(m, NAME(whole), k, rows, 1);
    }
}

static void expert_bias(struct maker *m, uint32_t number, const char *what, uint64_t n)
{
    char name[64];
    uint64_t shape[2] = {n, m->kind->experts};
    put_floats(mk_add_tensor(m->file, NAME(what), INF_TYPE_F32, 2, shape), shape[0] * shape[1],
               0.0f, m->kind->wide ? 12.0f : 0.3f, &m->rng);
}

static void feed_forward(struct maker *m, uint32_t number)
{
    const struct tiny_kind *k = m->kind;
    uint64_t ff = k->expert_ff ? k->expert_ff : k->ff;
    char name[64];
    if (!k->experts || number < k->dense) {
        matrix(m, NAME("ffn_gate.weight"), k->embd, k->ff, 1);
        matrix(m, NAME("ffn_up.weight"), k->embd, k->ff, 1);
        matrix(m, NAME("ffn_down.weight"), k->ff, k->embd, 1);
        return;
    }
    router_of(m, NAME("ffn_gate_inp.weight"), k->experts);
    experts_of(m, number, "ffn_gate", k->embd, ff);
    experts_of(m, number, "ffn_up", k->embd, ff);
    experts_of(m, number, "ffn_down", ff, k->embd);
    if (k->choice_bias)
        vector(m, NAME("exp_probs_b.bias"), k->experts, 0.0f, 0.3f);
    if (!strcmp(k->arch, "gpt-oss")) {
        vector(m, NAME("ffn_gate_inp.bias"), k->experts, 0.0f, 0.3f);
        expert_bias(m, number, "ffn_gate_exps.bias", ff);
        expert_bias(m, number, "ffn_up_exps.bias", ff);
        expert_bias(m, number, "ffn_down_exps.bias", k->embd);
    }
    if (!k->shared_ff)
        return;
    matrix(m, NAME("ffn_gate_shexp.weight"), k->embd, k->shared_ff, 1);
    matrix(m, NAME("ffn_up_shexp.weight"), k->embd, k->shared_ff, 1);
    matrix(m, NAME("ffn_down_shexp.weight"), k->shared_ff, k->embd, 1);
    if (!strcmp(k->arch, "qwen2moe"))
        router_of(m, NAME("ffn_gate_inp_shexp.weight"), 1);
}

static void layer(struct maker *m, uint32_t number)
{
    const struct tiny_kind *k = m->kind;
    bool gemma = !strcmp(k->arch, "gemma3"), qwen3 = !strncmp(k->arch, "qwen3", 5);
    bool post = !strcmp(k->arch, "gpt-oss") || !strcmp(k->arch, "glm4moe");
    char name[64];
    vector(m, NAME("attn_norm.weight"), k->embd, 1.0f, 0.3f);
    if (k->latent)
        latent_attention(m, number);
    else
        attention(m, number);
    if (gemma || qwen3) {
        vector(m, NAME("attn_q_norm.weight"), k->head_size, 1.0f, 0.3f);
        vector(m, NAME("attn_k_norm.weight"), k->head_size, 1.0f, 0.3f);
    }
    vector(m, post ? NAME("post_attention_norm.weight") : NAME("ffn_norm.weight"), k->embd, 1.0f,
           0.3f);
    if (gemma) {
        vector(m, NAME("post_attention_norm.weight"), k->embd, 0.5f, 0.3f);
        vector(m, NAME("post_ffw_norm.weight"), k->embd, 0.5f, 0.3f);
    }
    feed_forward(m, number);
}
#undef NAME

struct mk_bytes tiny_model(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed)
{
    /* the base model's vocabulary (320 tokens of a SentencePiece kind), everything else anew */
    char name[64];
    struct maker m = {.file = mk_base_t(), .kind = kind, .type = type_id, .rng = seed};
    while (m.file->tensor_count)
        mk_drop_tensor_at(m.file, 0);
    keys(&m);
    matrix(&m, "token_embd.weight", kind->embd, TINY_VOCAB, 1);
    vector(&m, "output_norm.weight", kind->embd, 1.0f, 0.3f);
    if (!kind->tied)
        matrix(&m, "output.weight", kind->embd, TINY_VOCAB, 1);
    if (kind->rope_factors)
        vector(&m, "rope_freqs.weight", kind->head_size / 2, 2.0f, 0.9f);
    for (uint32_t i = 0; i < kind->layers; i++)
        layer(&m, i);
    for (uint32_t i = 0; i < kind->ahead; i++) /* of what guesses ahead, one tensor will do */
        vector(&m, name_of(name, kind->layers + i, "nextn.enorm.weight"), kind->embd, 1.0f, 0.3f);
    struct mk_bytes bytes = mk_build(m.file, NULL);
    mk_free(m.file);
    return bytes;
}
