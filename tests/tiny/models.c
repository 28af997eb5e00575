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

static void keys(struct maker *m)
{
    const struct tiny_kind *k = m->kind;
    mk_set_text(m->file, "general.architecture", k->arch, strlen(k->arch));
    mk_set_text(m->file, "general.name", k->name, strlen(k->name));
    key(m, "block_count", k->layers);
    key(m, "context_length", 512);
    key(m, "embedding_length", k->embd);
    key(m, "feed_forward_length", k->ff);
    key(m, "attention.head_count", k->heads);
    key(m, "attention.head_count_kv", k->kv_heads);
    key(m, "attention.key_length", k->head_size);
    key(m, "attention.value_length", k->head_size);
    key(m, "rope.dimension_count", k->head_size);
    key_float(m, "attention.layer_norm_rms_epsilon", 1e-3f);
    key_float(m, "rope.freq_base", 50000.0f);
    if (k->window)
        key(m, "attention.sliding_window", k->window);
    if (k->experts) {
        key(m, "expert_count", k->experts);
        key(m, "expert_used_count", 2);
    }
    if (k->yarn || k->linear) {
        key_text(m, "rope.scaling.type", k->yarn ? "yarn" : "linear");
        key_float(m, "rope.scaling.factor", 4.0f);
        key(m, "rope.scaling.original_context_length", 32);
    }
}

static void layer(struct maker *m, uint32_t number)
{
    const struct tiny_kind *k = m->kind;
    uint64_t q = (uint64_t)k->heads * k->head_size, kv = (uint64_t)k->kv_heads * k->head_size;
    bool gemma = !strcmp(k->arch, "gemma3"), head_norms = gemma || !strcmp(k->arch, "qwen3");
    char name[64];
#define NAME(what) (snprintf(name, sizeof name, "blk.%u." what, number), name)
    vector(m, NAME("attn_norm.weight"), k->embd, 1.0f, 0.3f);
    matrix(m, NAME("attn_q.weight"), k->embd, q, 1);
    matrix(m, NAME("attn_k.weight"), k->embd, kv, 1);
    matrix(m, NAME("attn_v.weight"), k->embd, kv, 1);
    matrix(m, NAME("attn_output.weight"), q, k->embd, 1);
    if (k->biases) {
        vector(m, NAME("attn_q.bias"), q, 0.0f, 0.2f);
        vector(m, NAME("attn_k.bias"), kv, 0.0f, 0.2f);
        vector(m, NAME("attn_v.bias"), kv, 0.0f, 0.2f);
    }
    if (head_norms) {
        vector(m, NAME("attn_q_norm.weight"), k->head_size, 1.0f, 0.3f);
        vector(m, NAME("attn_k_norm.weight"), k->head_size, 1.0f, 0.3f);
    }
    vector(m, NAME("ffn_norm.weight"), k->embd, 1.0f, 0.3f);
    if (gemma) {
        vector(m, NAME("post_attention_norm.weight"), k->embd, 0.5f, 0.3f);
        vector(m, NAME("post_ffw_norm.weight"), k->embd, 0.5f, 0.3f);
    }
    if (k->experts) {
        uint64_t shape[2] = {k->embd, k->experts};
        put_floats(mk_add_tensor(m->file, NAME("ffn_gate_inp.weight"), INF_TYPE_F32, 2, shape),
                   shape[0] * shape[1], 0.0f, 0.1f, &m->rng);
        matrix(m, NAME("ffn_gate_exps.weight"), k->embd, k->ff, k->experts);
        matrix(m, NAME("ffn_up_exps.weight"), k->embd, k->ff, k->experts);
        matrix(m, NAME("ffn_down_exps.weight"), k->ff, k->embd, k->experts);
    } else {
        matrix(m, NAME("ffn_gate.weight"), k->embd, k->ff, 1);
        matrix(m, NAME("ffn_up.weight"), k->embd, k->ff, 1);
        matrix(m, NAME("ffn_down.weight"), k->ff, k->embd, 1);
    }
#undef NAME
}

struct mk_bytes tiny_model(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed)
{
    /* the base model's vocabulary (320 tokens of a SentencePiece kind), everything else anew */
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
    struct mk_bytes bytes = mk_build(m.file, NULL);
    mk_free(m.file);
    return bytes;
}
