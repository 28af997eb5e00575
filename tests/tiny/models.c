#include "tests/tiny/models.h"

#include "formats/type.h"
#include "lib/arch/arch.h"
#include "tests/tiny/randblock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tiny_kind kinds[] = {
#include "tests/tiny/kinds.def"
};

size_t tiny_kind_count(void)
{
    return sizeof kinds / sizeof *kinds;
}

const struct tiny_kind *tiny_kind_at(size_t index)
{
    return &kinds[index];
}

const struct tiny_kind *tiny_kind_named(const char *name)
{
    size_t i = 0;
    while (i + 1 < tiny_kind_count() && strcmp(kinds[i].name, name))
        i++;
    return &kinds[i];
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
    const struct inf_arch *arch;
    struct inf_hparams hp; /* as the engine reads them from the keys */
    uint32_t type;
    uint64_t rng;
};

static bool has(const char *text, const char *piece)
{
    return strstr(text, piece) != NULL;
}

/* ---- Layers of several kinds ------------------------------------------------------------------ */

static bool is(const struct tiny_kind *k, const char *arch)
{
    return !strncmp(k->arch, arch, strlen(arch));
}

static bool attends(const struct tiny_kind *k, uint32_t layer)
{
    return k->single ? layer % 4 == 3 : !k->attn_every || (layer + 1) % k->attn_every == 0;
}

static bool feeds(const struct tiny_kind *k, uint32_t layer)
{
    return !k->single || layer % 4 == 1;
}

static bool windowed(const struct tiny_kind *k, uint32_t layer)
{
    return k->local_head && (layer + 1) % 3 != 0;
}

/* ---- Keys -------------------------------------------------------------------------------- */

static const char *full(const struct maker *m, const char *name, char out[96])
{
    snprintf(out, 96, "%s.%s", m->kind->arch, name);
    return out;
}

static void key(struct maker *m, const char *name, uint32_t value)
{
    char text[96];
    mk_set_u32(m->file, full(m, name, text), value);
}

static void key_float(struct maker *m, const char *name, float value)
{
    char text[96];
    mk_set_f32(m->file, full(m, name, text), value);
}

static void key_text(struct maker *m, const char *name, const char *value)
{
    char text[96];
    mk_set_text(m->file, full(m, name, text), value, strlen(value));
}

static void key_bool(struct maker *m, const char *name, bool value)
{
    char text[96];
    uint8_t byte = value;
    mk_put(&mk_set_key(m->file, full(m, name, text), MK_BOOL)->value, &byte, 1);
}

/* One number for all layers, or where odd layers have another an array. */
static void key_layers(struct maker *m, const char *name, uint32_t even, uint32_t odd)
{
    char text[96];
    uint32_t values[TINY_LAYERS_MAX];
    bool kv = has(name, "head_count_kv"), ff = has(name, "feed_forward");
    if (!odd && !m->kind->single && !(kv && m->kind->attn_every)) {
        key(m, name, even);
        return;
    }
    for (uint32_t i = 0; i < m->kind->layers; i++)
        values[i] =
            (kv && !attends(m->kind, i) && !is(m->kind, "qwen")) || (ff && !feeds(m->kind, i)) ? 0
            : i % 2 && odd                                                                     ? odd
                           : even;
    mk_set_array(m->file, full(m, name, text), MK_U32, m->kind->layers, values,
                 m->kind->layers * sizeof *values);
}

static void keys_of_recurrence(struct maker *m)
{
    const struct tiny_kind *k = m->kind;
    if (!k->taps)
        return;
    if (is(k, "lfm2")) {
        key(m, "shortconv.l_cache", k->taps);
        return;
    }
    key(m, "ssm.conv_kernel", k->taps);
    key(m, "ssm.inner_size", k->r_heads * k->values);
    key(m, "ssm.state_size", k->keys);
    key(m, "ssm.time_step_rank", k->r_heads);
    key(m, "ssm.group_count", k->r_groups);
    if (is(k, "qwen"))
        key(m, "full_attention_interval", k->attn_every);
}

static void keys_of_gemma4(struct maker *m)
{
    const struct tiny_kind *k = m->kind;
    char text[96];
    uint8_t flags[TINY_LAYERS_MAX];
    if (!k->local_head)
        return;
    for (uint32_t i = 0; i < k->layers; i++)
        flags[i] = windowed(k, i);
    mk_set_array(m->file, full(m, "attention.sliding_window_pattern", text), MK_BOOL, k->layers,
                 flags, k->layers);
    key(m, "attention.key_length_swa", k->local_head);
    key(m, "attention.value_length_swa", k->local_head);
    key(m, "rope.dimension_count_swa", k->local_head);
    key_float(m, "rope.freq_base_swa", 9000.0f);
    key(m, "attention.shared_kv_layers", k->shared_kv);
    key(m, "embedding_length_per_layer_input", k->per_layer);
}

static void keys_of_apertus(struct maker *m)
{
    static const struct {
        const char *name;
        float first, step;
    } rows[] = {{"xielu.alpha_p", 0.3f, -0.7f},
                {"xielu.alpha_n", -0.4f, 0.9f},
                {"xielu.beta", 0.5f, 0.25f},
                {"xielu.eps", -1e-6f, 2.0f}};
    for (size_t i = 0; is(m->kind, "apertus") && i < sizeof rows / sizeof *rows; i++) {
        float values[TINY_LAYERS_MAX];
        for (uint32_t layer = 0; layer < m->kind->layers; layer++)
            values[layer] = rows[i].first + rows[i].step * (float)layer;
        mk_set_array(m->file, rows[i].name, MK_F32, m->kind->layers, values,
                     m->kind->layers * sizeof *values);
    }
}

static void keys(struct maker *m)
{
    const struct tiny_kind *k = m->kind;
    mk_set_text(m->file, "general.architecture", k->arch, strlen(k->arch));
    mk_set_text(m->file, "general.name", k->name, strlen(k->name));
    key(m, "block_count", k->layers);
    key(m, "context_length", 512);
    key(m, "embedding_length", k->embd);
    key_layers(m, "feed_forward_length", k->ff, k->odd_ff);
    key(m, "attention.head_count", k->heads);
    key_layers(m, "attention.head_count_kv", k->kv_heads, k->odd_kv_heads);
    key(m, "attention.key_length", k->head_size);
    key(m, "attention.value_length", k->head_size);
    key(m, "rope.dimension_count", k->rope_dims ? k->rope_dims : k->head_size);
    key_float(m, "attention.layer_norm_epsilon", 1e-3f); /* it reads one of them */
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
    }
    if (k->yarn || k->linear || k->longrope)
        key(m, "rope.scaling.original_context_length", 32);
    if (k->pooling) {
        key(m, "pooling_type", k->pooling);
        key_bool(m, "attention.causal", !k->two_way);
        mk_set_u32(m->file, "tokenizer.ggml.token_type_count", 2);
    }
    keys_of_recurrence(m);
    keys_of_gemma4(m);
    keys_of_apertus(m);
    for (const struct tiny_number *n = k->numbers; n < k->numbers + TINY_NUMBERS && n->key; n++)
        key_float(m, n->key, n->value);
    for (const struct tiny_count *n = k->counts; n < k->counts + TINY_COUNTS && n->key; n++)
        key(m, n->key, n->value);
}

/* ---- Tensors ----------------------------------------------------------------------------- */

static const struct {
    enum inf_slot slot;
    const char *name;
    bool two; /* gate and up; else Q, K and V */
} parts[] = {
#define SLOT(ENUM, name, a, b, c)
#define PART(ENUM, name, first, total) {INF_SLOT_##ENUM, name, INF_DIM_##total == INF_DIM_FF2},
#include "lib/arch/slots.def"
#undef SLOT
#undef PART
};

static void vector(struct maker *m, const char *name, const uint64_t shape[2], float middle,
                   float spread)
{
    struct mk_tensor *t = mk_add_tensor(m->file, name, INF_TYPE_F32, shape[1] > 1 ? 2 : 1, shape);
    put_floats(t, shape[0] * shape[1], middle, spread, &m->rng);
}

static void matrix(struct maker *m, const char *name, const uint64_t shape[3])
{
    const struct inf_type_info *type = inf_type_info(m->type);
    struct mk_tensor *t = mk_add_tensor(m->file, name, m->type, shape[2] > 1 ? 3 : 2, shape);
    uint64_t rows = shape[1] * shape[2];
    if (m->type == INF_TYPE_F32)
        put_floats(t, shape[0] * rows, 0.0f, 0.06f, &m->rng);
    else
        inf_test_random_blocks(m->type, &m->rng, t->data.ptr, shape[0] / type->weights * rows);
}

/* Whether the kind has a tensor that its architecture may have. */
static bool wanted(const struct tiny_kind *k, const struct inf_tensor_row *row)
{
    switch (row->slot) {
    case INF_SLOT_OUTPUT:
        return !k->tied;
    case INF_SLOT_ROPE_FREQS:
        return k->rope_factors;
    case INF_SLOT_ROPE_LONG:
    case INF_SLOT_ROPE_SHORT:
        return k->longrope;
    case INF_SLOT_ATTN_KV_B:
        return k->joint;
    case INF_SLOT_ATTN_K_B:
    case INF_SLOT_ATTN_V_B:
        return !k->joint;
    default:
        break;
    }
    return row->when != INF_OPTIONAL || k->optional;
}

static bool listed(const struct inf_arch *arch, enum inf_slot slot)
{
    size_t i = 0;
    while (i < arch->tensor_count && arch->tensors[i].slot != slot)
        i++;
    return i < arch->tensor_count;
}

/* The name and shape of a slot's tensor; of a fused one those of the whole. */
static void place(const struct maker *m, enum inf_slot slot, int layer, char name[96],
                  uint64_t shape[3])
{
    const char *pattern = inf_arch_slot(&m->hp, slot, layer, shape);
    const struct inf_layer *l = layer < 0 ? NULL : &m->hp.layer[layer];
    bool whole = m->kind->fused && (slot != INF_SLOT_FFN_UP || listed(m->arch, INF_SLOT_FFN_GATE));
    for (size_t i = 0; whole && i < sizeof parts / sizeof *parts; i++)
        if (parts[i].slot == slot) {
            pattern = parts[i].name;
            shape[has(pattern, ".bias") ? 0 : 1] =
                parts[i].two ? 2 * l->ff : l->q_size + l->k_size + l->v_size;
        }
    if (slot == INF_SLOT_POSITION_EMBD || slot == INF_SLOT_TOKEN_TYPES)
        shape[1] = slot == INF_SLOT_POSITION_EMBD ? 512 : 2;
    snprintf(name, 96, pattern, (unsigned)(layer < 0 ? 0 : layer));
    name[strcspn(name, "|")] = '\0';
}

/* Experts in the form of old files: "ffn_gate.3" for number 3 of "ffn_gate_exps". */
static void apart(struct maker *m, const char *whole, const uint64_t shape[3])
{
    const char *mark = strstr(whole, "_exps");
    for (uint64_t e = 0; e < shape[2]; e++) {
        char name[96];
        snprintf(name, sizeof name, "%.*s.%u%s", (int)(mark - whole), whole, (unsigned)e, mark + 5);
        matrix(m, name, (const uint64_t[3]){shape[0], shape[1], 1});
    }
}

static void tensor(struct maker *m, const struct inf_tensor_row *row, int layer)
{
    char name[96];
    uint64_t shape[3];
    place(m, row->slot, layer, name, shape);
    if (mk_tensor(m->file, name))
        return; /* fused, and made by the slot before */
    if (row->slot == INF_SLOT_ROUTER || row->slot == INF_SLOT_SHARED_ROUTER) {
        struct mk_tensor *t = mk_add_tensor(m->file, name, INF_TYPE_F32, 2, shape);
        put_floats(t, shape[0] * shape[1], 0.0f, 0.1f, &m->rng);
    } else if (has(name, "rope_")) {
        vector(m, name, shape, 2.0f, 0.9f);
    } else if (has(name, "conv1d.weight") || has(name, "conv.weight")) {
        vector(m, name, shape, 0.0f, 0.6f);
    } else if (has(name, "ssm_a") && !has(name, "alpha")) {
        vector(m, name, shape, -0.9f, 0.8f);
    } else if ((has(name, "ssm_d") && !has(name, "dt.")) || has(name, "_scale.weight") ||
               has(name, ".scale")) {
        vector(m, name, shape, 0.8f, 0.3f);
    } else if (has(name, "norm") && !has(name, ".bias")) {
        vector(m, name, shape, has(name, "post_") ? 0.5f : 1.0f, 0.3f);
    } else if (has(name, "sinks")) {
        vector(m, name, shape, 1.0f, 2.0f);
    } else if (has(name, "_exps.bias")) {
        vector(m, name, shape, 0.0f, m->kind->wide ? 12.0f : 0.3f);
    } else if (has(name, "_exps") && m->kind->apart) {
        apart(m, name, shape);
    } else if (has(name, ".bias")) {
        vector(m, name, shape, 0.0f, 0.2f);
    } else {
        matrix(m, name, shape);
    }
}

static bool in_layers(const struct maker *m, enum inf_slot slot)
{
    uint64_t shape[3];
    return has(inf_arch_slot(&m->hp, slot, -1, shape), "%");
}

static void tensors(struct maker *m, int layer)
{
    for (size_t i = 0; i < m->arch->tensor_count; i++) {
        const struct inf_tensor_row *row = &m->arch->tensors[i];
        const struct inf_tensor_row *due = row->when == INF_WITH_LAST ? row - 1 : row;
        if (in_layers(m, row->slot) == (layer >= 0) && wanted(m->kind, due) &&
            inf_arch_has(&m->hp, layer, due->when))
            tensor(m, row, layer);
    }
}

/* The numbers that the engine makes of the keys. */
static void read_numbers(struct maker *m, struct inf_arena *arena)
{
    infer_error err;
    struct inf_gguf *gguf = NULL;
    struct mk_bytes bytes = mk_build(m->file, NULL);
    infer_status status = inf_gguf_parse(&inf_allocator_default, bytes.ptr, bytes.len, &gguf, &err);
    if (!status)
        status = inf_arch_find(gguf, &m->arch, &err);
    if (!status)
        status = inf_arch_hparams(m->arch, gguf, arena, &m->hp, &err);
    if (status) {
        printf("%s: %s\n", m->kind->name, err.text);
        abort();
    }
    inf_gguf_free(gguf);
    free(bytes.ptr);
}

struct mk_file *tiny_file(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed)
{
    /* the base model's vocabulary (320 tokens of a SentencePiece kind), everything else anew */
    struct maker m = {.file = mk_base_t(), .kind = kind, .type = type_id, .rng = seed};
    struct inf_arena arena;
    inf_arena_init(&arena, &inf_allocator_default);
    while (m.file->tensor_count)
        mk_drop_tensor_at(m.file, 0);
    keys(&m);
    read_numbers(&m, &arena);
    for (int layer = -1; layer < (int)m.hp.layers; layer++)
        tensors(&m, layer);
    inf_arena_free(&arena);
    return m.file;
}

struct mk_bytes tiny_model(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed)
{
    struct mk_file *file = tiny_file(kind, type_id, seed);
    struct mk_bytes bytes = mk_build(file, NULL);
    mk_free(file);
    return bytes;
}
