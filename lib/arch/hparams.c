/* The numbers of a model: which key each comes from, its range, and how they must fit together. */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

#include <math.h>
#include <stddef.h>

/* An integer key, of the model or of its layers. */
struct field {
    const char *key; /* behind "<architecture>." */
    size_t offset;
    uint32_t low, high;
    bool required;
};

#define FIELD(key, member, low, high, required)                                                    \
    {                                                                                              \
        key, offsetof(struct inf_hparams, member), low, high, required                             \
    }

static const struct field fields[] = {
    FIELD("block_count", layers, 1, INF_MAX_LAYERS, true),
    FIELD("embedding_length", embd, 1, INF_MAX_EMBD, true),
    FIELD("context_length", context, 0, UINT32_MAX, false),
    FIELD("rope.dimension_count", rope[0].dims, 1, INF_MAX_HEAD_SIZE, false),
    FIELD("expert_count", experts, 0, INF_MAX_EXPERTS, false),
    FIELD("expert_used_count", experts_used, 0, INF_MAX_EXPERTS, false),
};
#undef FIELD

#define FIELD(key, member, low, high, required)                                                    \
    {                                                                                              \
        key, offsetof(struct inf_layer, member), low, high, required                               \
    }

static const struct field layer_fields[] = {
    FIELD("attention.head_count", heads, 1, INF_MAX_HEADS, true),
    FIELD("attention.head_count_kv", kv_heads, 1, INF_MAX_HEADS, false),
    FIELD("attention.key_length", head_size, 1, INF_MAX_HEAD_SIZE, false),
    FIELD("attention.value_length", v_head_size, 1, INF_MAX_HEAD_SIZE, false),
    FIELD("feed_forward_length", ff, 1, INF_MAX_FF, true),
    FIELD("attention.sliding_window", window, 0, INT32_MAX, false),
};
#undef FIELD

static infer_status read_fields(const struct inf_keys *keys, struct inf_hparams *hp,
                                infer_error *err)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct field *f = &fields[i];
        infer_status status = f->required ? inf_keys_need(keys, f->key, err) : INFER_OK;
        if (status || (status = inf_keys_uint(keys, f->key, f->low, f->high,
                                              (uint32_t *)(void *)((char *)hp + f->offset), err)))
            return status;
    }
    return INFER_OK;
}

/* The last layers of a file may be there for guessing tokens ahead. */
static infer_status read_ahead(const struct inf_keys *keys, struct inf_hparams *hp,
                               infer_error *err)
{
    infer_status status =
        inf_keys_uint(keys, "nextn_predict_layers", 0, hp->layers - 1, &hp->ahead, err);
    hp->layers -= hp->ahead;
    return status;
}

/* Layers of a mixed architecture may have none of a thing. */
static infer_status read_layers(const struct inf_arch *arch, const struct inf_keys *keys,
                                struct inf_arena *arena, struct inf_hparams *hp, infer_error *err)
{
    hp->layer = inf_arena_take(arena, hp->layers, sizeof *hp->layer);
    if (!hp->layer)
        return inf_fail_memory(err, "the layers' numbers", hp->layers * sizeof *hp->layer);
    for (size_t i = 0; i < sizeof layer_fields / sizeof *layer_fields; i++) {
        const struct field *f = &layer_fields[i];
        bool other =
            f->offset == offsetof(struct inf_layer, ff) &&
            inf_keys_has(keys, "expert_feed_forward_length"); /* all layers may have experts */
        infer_status status = f->required && !other ? inf_keys_need(keys, f->key, err) : INFER_OK;
        if (status || (status = inf_keys_layers(keys, f->key, arch->mixed ? 0 : f->low, f->high, hp,
                                                f->offset, err)))
            return status;
    }
    bool kv_given = inf_keys_has(keys, "attention.head_count_kv");
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i];
        if (!kv_given)
            l->kv_heads = l->heads;
        l->mixer = l->heads && l->kv_heads ? INF_MIXER_ATTN : INF_MIXER_NONE;
        if (l->mixer == INF_MIXER_ATTN && !l->head_size) {
            if (hp->embd % l->heads)
                return inf_fail(err, INFER_E_FORMAT,
                                "%s: embedding of %u does not divide into %u heads", arch->name,
                                hp->embd, l->heads);
            l->head_size = hp->embd / l->heads;
        }
        if (!l->v_head_size)
            l->v_head_size = l->head_size;
        l->attn_scale = l->head_size ? 1.0f / sqrtf((float)l->head_size) : 0.0f;
    }
    return INFER_OK;
}

static infer_status read_scale(const struct inf_keys *keys, const char *name, bool zero, float *out,
                               infer_error *err)
{
    double value = (double)*out;
    infer_status status = inf_keys_float(keys, name, zero, &value, err);
    *out = (float)value;
    return status;
}

/* Multipliers and caps, and what makes an embedding. A model has few of them. */
static infer_status read_scales(const struct inf_arch *arch, const struct inf_keys *keys,
                                struct inf_hparams *hp, infer_error *err)
{
    bool causal = !arch->encoder;
    uint32_t pooling = INF_POOLING_NONE;
    float attn_scale = 0.0f;
    infer_status status;
    if ((status = read_scale(keys, "embedding_scale", false, &hp->embd_scale, err)) ||
        (status = read_scale(keys, "residual_scale", false, &hp->residual_scale, err)) ||
        (status = read_scale(keys, "logit_scale", false, &hp->logit_scale, err)) ||
        (status = read_scale(keys, "attention.scale", true, &attn_scale, err)) ||
        (status = read_scale(keys, "attn_logit_softcapping", true, &hp->attn_softcap, err)) ||
        (status = read_scale(keys, "final_logit_softcapping", true, &hp->logit_softcap, err)) ||
        (status = inf_keys_bool(keys, "attention.causal", &causal, err)) ||
        (status = inf_keys_uint(keys, "pooling_type", 0, 4, &pooling, err)))
        return status;
    for (uint32_t i = 0; attn_scale > 0.0f && i < hp->layers; i++)
        hp->layer[i].attn_scale = attn_scale;
    hp->two_way = !causal;
    if (pooling > INF_POOLING_LAST)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "key %s.pooling_type is %u; supported are 1 (mean), 2 (first), 3 (last)",
                        keys->prefix, pooling);
    hp->pooling = (enum inf_pooling)pooling;
    return INFER_OK;
}

/* Which layers look through the window: all, or those that the pattern says. In a file the pattern
 * is a flag a layer, or a number: of so many layers the last is global. */
static infer_status read_windows(const struct inf_arch *arch, const struct inf_keys *keys,
                                 struct inf_hparams *hp, infer_error *err)
{
    const char *name = "attention.sliding_window_pattern";
    uint32_t period = arch->window_period;
    infer_status status = inf_keys_layers(keys, name, 0, INF_MAX_LAYERS, hp,
                                          offsetof(struct inf_layer, windowed), err);
    if (status)
        return status;
    bool flags = inf_keys_is_array(keys, name);
    if (!flags && inf_keys_has(keys, name))
        period = hp->layer[0].windowed;
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i];
        bool windowed = flags ? l->windowed : !period || (i + 1) % period != 0;
        l->windowed = windowed && l->window;
        if (!l->windowed)
            l->window = 0;
        if (l->windowed && arch->local_base != 0.0)
            l->rope = INF_ROPE_LOCAL;
    }
    return INFER_OK;
}

static infer_status read_scaling(const struct inf_keys *keys, struct inf_hparams *hp,
                                 infer_error *err)
{
    struct inf_bytes type = {0};
    uint32_t original = 0;
    infer_status status;
    /* old files have the linear factor alone */
    if ((status = inf_keys_text(keys, "rope.scaling.type", &type, err)) ||
        (status = inf_keys_float(keys, "rope.scale_linear", true, &hp->rope_factor, err)) ||
        (status = inf_keys_float(keys, "rope.scaling.factor", true, &hp->rope_factor, err)))
        return status;
    if (hp->rope_factor == 0.0)
        hp->rope_factor = 1.0;
    if (!type.ptr || inf_bytes_equal(type, "none") || inf_bytes_equal(type, "longrope"))
        hp->rope_scaling = !type.ptr && hp->rope_factor != 1.0 ? INF_ROPE_LINEAR : INF_ROPE_PLAIN;
    else if (inf_bytes_equal(type, "linear"))
        hp->rope_scaling = INF_ROPE_LINEAR;
    else if (inf_bytes_equal(type, "yarn"))
        hp->rope_scaling = INF_ROPE_YARN;
    else
        return inf_fail(
            err, INFER_E_UNSUPPORTED,
            "key %s.rope.scaling.type is \"%.*s\"; supported are none, linear, yarn and "
            "longrope",
            keys->prefix, (int)inf_min_size(type.len, 64), type.ptr);
    if ((status = inf_keys_uint(keys, "rope.scaling.original_context_length", 1, UINT32_MAX,
                                &original, err)))
        return status;
    if (original)
        hp->rope_original = (double)original;
    if (hp->rope_scaling == INF_ROPE_YARN && hp->rope_original < 1.0)
        return inf_fail(err, INFER_E_FORMAT,
                        "yarn scaling without key %s.rope.scaling.original_context_length",
                        keys->prefix);
    if ((status =
             inf_keys_float(keys, "rope.scaling.attn_factor", false, &hp->rope_attn_factor, err)) ||
        (status = inf_keys_float(keys, "rope.scaling.yarn_beta_fast", false, &hp->rope_beta_fast,
                                 err)) ||
        (status = inf_keys_float(keys, "rope.scaling.yarn_attn_factor", false, &hp->yarn_magnitude,
                                 err)))
        return status;
    return inf_keys_float(keys, "rope.scaling.yarn_beta_slow", false, &hp->rope_beta_slow, err);
}

static infer_status read_rope(const struct inf_arch *arch, const struct inf_keys *keys,
                              struct inf_hparams *hp, infer_error *err)
{
    struct inf_rope *global = &hp->rope[INF_ROPE_GLOBAL], *local = &hp->rope[INF_ROPE_LOCAL];
    hp->rope_factor = hp->rope_attn_factor = 1.0;
    hp->rope_beta_fast = 32.0;
    hp->rope_beta_slow = 1.0;
    hp->rope_original = hp->context;
    for (uint32_t i = 0; i < hp->layers && !global->dims; i++)
        global->dims = hp->layer[i].head_size;
    global->base = 10000.0;
    global->scaled = true;
    local->dims = global->dims;
    infer_status status = inf_keys_float(keys, "rope.freq_base", false, &global->base, err);
    local->base = arch->local_base > 0.0 ? arch->local_base : global->base;
    if (status || (status = inf_keys_float(keys, "rope.freq_base_swa", false, &local->base, err)))
        return status;
    return read_scaling(keys, hp, err);
}

static infer_status check_layer(const struct inf_arch *arch, const struct inf_hparams *hp,
                                const struct inf_layer *l, unsigned number, infer_error *err)
{
    bool mixes = l->mixer != INF_MIXER_NONE, feeds = l->experts || l->ff;
    if (arch->single ? mixes == feeds : !mixes || !feeds)
        return inf_fail(err, INFER_E_FORMAT, "%s: layer %u has %s key heads and %s feed-forward",
                        arch->name, number, mixes ? "its" : "no", feeds ? "a" : "no");
    if (l->mixer != INF_MIXER_ATTN)
        return INFER_OK;
    if (l->heads % l->kv_heads)
        return inf_fail(err, INFER_E_FORMAT,
                        "%s.attention: %u query heads are no multiple of %u key heads in layer %u",
                        arch->name, l->heads, l->kv_heads, number);
    if (l->head_size % 8)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "%s: heads of %u numbers, a multiple of 8 is needed", arch->name,
                        l->head_size);
    if (l->v_head_size % 8)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "key %s.attention.value_length is %u, a multiple of 8 is needed",
                        arch->name, l->v_head_size);
    if (l->rope != INF_ROPE_NONE && hp->rope[l->rope].dims > l->head_size)
        return inf_fail(err, INFER_E_FORMAT,
                        "key %s.rope.dimension_count is %u, heads have %u numbers", arch->name,
                        hp->rope[l->rope].dims, l->head_size);
    return INFER_OK;
}

static void raise(uint32_t *most, uint32_t value)
{
    *most = value > *most ? value : *most;
}

static infer_status finish(const struct inf_arch *arch, struct inf_hparams *hp, infer_error *err)
{
    for (int i = 0; i < 2; i++)
        if (hp->rope[i].dims % 2)
            return inf_fail(err, INFER_E_FORMAT,
                            "key %s.rope.dimension_count is %u, it must be even", arch->name,
                            hp->rope[i].dims);
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i], *most = &hp->most;
        infer_status status = check_layer(arch, hp, l, i, err);
        if (status)
            return status;
        l->q_size = l->heads * l->head_size;
        l->k_size = l->kv_heads * l->head_size;
        l->v_size = l->kv_heads * l->v_head_size;
        l->out_size = inf_layer_recurrent(l) ? l->r_heads * l->values : l->heads * l->v_head_size;
        l->v_cached = hp->latent.size ? 0 : l->v_head_size;
        if (hp->latent.size) {
            l->q_size = l->heads * (hp->latent.nope + hp->rope[INF_ROPE_GLOBAL].dims);
            l->out_size = l->heads * hp->latent.value;
        }
        raise(&most->heads, l->heads);
        raise(&most->kv_heads, l->kv_heads);
        raise(&most->head_size, l->head_size);
        raise(&most->v_head_size, l->v_head_size);
        raise(&most->q_size, l->q_size);
        raise(&most->k_size, l->k_size);
        raise(&most->v_size, l->v_size);
        raise(&most->out_size, l->out_size);
        raise(&most->ff, l->ff);
        raise(&most->window, l->window);
        l->group = l->mixer == INF_MIXER_ATTN ? l->heads / l->kv_heads : 0;
        raise(&most->group, l->group);
        raise(&most->mix_size, l->mix_size);
        raise(&most->r_heads, l->r_heads);
        raise(&most->keys, l->keys);
    }
    return INFER_OK;
}

infer_status inf_arch_hparams(const struct inf_arch *arch, const struct inf_gguf *gguf,
                              struct inf_arena *arena, struct inf_hparams *hp, infer_error *err)
{
    const struct inf_keys keys = {gguf, arch->name};
    const char *eps_key =
        arch->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
    const char *other = "attention.layer_norm_epsilon"; /* some files of RMS norms have this one */
    if (!inf_keys_has(&keys, eps_key) && inf_keys_has(&keys, other))
        eps_key = other;
    double eps = 1e-5;
    *hp = (struct inf_hparams){.embd_scale = 1.0f, .residual_scale = 1.0f, .logit_scale = 1.0f};
    infer_status status;
    if ((status = read_fields(&keys, hp, err)) || (status = read_ahead(&keys, hp, err)) ||
        (status = read_layers(arch, &keys, arena, hp, err)) ||
        (status = read_rope(arch, &keys, hp, err)) ||
        (status = read_windows(arch, &keys, hp, err)) ||
        (status = inf_arch_experts(arch, &keys, hp, err)) ||
        (status = read_scales(arch, &keys, hp, err)) ||
        (status = inf_keys_need(&keys, eps_key, err)) ||
        (status = inf_keys_float(&keys, eps_key, true, &eps, err)))
        return status;
    hp->eps = (float)eps;
    const struct inf_gguf_key *tokens = inf_gguf_key(gguf, "tokenizer.ggml.tokens");
    if (tokens && tokens->type == INFER_META_ARRAY)
        hp->vocab = (uint32_t)inf_min_size(tokens->count, INF_MAX_VOCAB);
    if ((arch->latent && (status = inf_arch_latent(&keys, hp, err))) ||
        (arch->hook && (status = arch->hook(&keys, hp, err))))
        return status;
    return finish(arch, hp, err);
}
