/* The numbers of a model: which key each comes from, its range, and how they must fit together. */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* An integer key: `low` > 0 with `required` means that it must be there. */
struct field {
    const char *key; /* behind "<architecture>." */
    size_t offset;
    uint64_t low, high;
    bool required;
};

#define FIELD(key, member, low, high, required)                                                    \
    {                                                                                              \
        key, offsetof(struct inf_hparams, member), low, high, required                             \
    }

static const struct field fields[] = {
    FIELD("block_count", layers, 1, INF_MAX_LAYERS, true),
    FIELD("embedding_length", embd, 1, INF_MAX_EMBD, true),
    FIELD("attention.head_count", heads, 1, INF_MAX_HEADS, true),
    FIELD("attention.head_count_kv", kv_heads, 1, INF_MAX_HEADS, false),
    FIELD("attention.key_length", head_size, 1, INF_MAX_HEAD_SIZE, false),
    FIELD("feed_forward_length", ff, 1, INF_MAX_FF, true),
    FIELD("context_length", context, 0, UINT32_MAX, false),
    FIELD("rope.dimension_count", rope_dims, 1, INF_MAX_HEAD_SIZE, false),
    FIELD("attention.sliding_window", window, 0, INT32_MAX, false),
    FIELD("expert_count", experts, 0, INF_MAX_EXPERTS, false),
    FIELD("expert_used_count", experts_used, 0, INF_MAX_EXPERTS, false),
};

#define KEY_BYTES 160

static const char *full_key(char out[KEY_BYTES], const struct inf_arch *arch, const char *key)
{
    snprintf(out, KEY_BYTES, "%s.%s", arch->name, key);
    return out;
}

static infer_status read_fields(const struct inf_arch *arch, const struct inf_gguf *gguf,
                                struct inf_hparams *hp, infer_error *err)
{
    char key[KEY_BYTES];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct field *f = &fields[i];
        uint64_t value = 0;
        full_key(key, arch, f->key);
        if (f->required && !inf_gguf_key(gguf, key))
            return inf_fail(err, INFER_E_FORMAT, "key %s is missing", key);
        if (!inf_gguf_key(gguf, key))
            continue;
        infer_status status = inf_gguf_get_uint(gguf, key, f->low, f->high, &value, err);
        if (status)
            return status;
        *(uint32_t *)(void *)((char *)hp + f->offset) = (uint32_t)value;
    }
    return INFER_OK;
}

/* A float key that must be finite and above zero (`zero` allows 0); *out stays where it is absent.
 */
static infer_status read_float(const struct inf_arch *arch, const struct inf_gguf *gguf,
                               const char *name, bool zero, double *out, infer_error *err)
{
    char key[KEY_BYTES];
    infer_status status = inf_gguf_get_float(gguf, full_key(key, arch, name), out, err);
    if (!status && (!isfinite(*out) || *out < 0.0 || (*out == 0.0 && !zero)))
        status = inf_fail(err, INFER_E_FORMAT, "key %s is %g, it must be finite and %s", key, *out,
                          zero ? "not negative" : "positive");
    return status;
}

static infer_status read_rope(const struct inf_arch *arch, const struct inf_gguf *gguf,
                              struct inf_hparams *hp, infer_error *err)
{
    hp->rope_base = hp->rope_base_local = 10000.0;
    hp->rope_factor = hp->rope_attn_factor = 1.0;
    hp->rope_beta_fast = 32.0;
    hp->rope_beta_slow = 1.0;
    hp->rope_original = hp->context;
    infer_status status;
    if ((status = read_float(arch, gguf, "rope.freq_base", false, &hp->rope_base, err)) ||
        (status = read_float(arch, gguf, "rope.freq_base_swa", false, &hp->rope_base_local, err)))
        return status;
    char key[KEY_BYTES];
    struct inf_bytes type = {0};
    uint64_t original = 0;
    if ((status = inf_gguf_get_text(gguf, full_key(key, arch, "rope.scaling.type"), &type, err)))
        return status;
    /* old files have the linear factor alone */
    if ((status = read_float(arch, gguf, "rope.scale_linear", true, &hp->rope_factor, err)) ||
        (status = read_float(arch, gguf, "rope.scaling.factor", true, &hp->rope_factor, err)))
        return status;
    if (hp->rope_factor == 0.0)
        hp->rope_factor = 1.0;
    if (!type.ptr || inf_bytes_equal(type, "none"))
        hp->rope_scaling = !type.ptr && hp->rope_factor != 1.0 ? INF_ROPE_LINEAR : INF_ROPE_PLAIN;
    else if (inf_bytes_equal(type, "linear"))
        hp->rope_scaling = INF_ROPE_LINEAR;
    else if (inf_bytes_equal(type, "yarn"))
        hp->rope_scaling = INF_ROPE_YARN;
    else
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "key %s is \"%.*s\"; supported are none, linear and yarn", key,
                        (int)inf_min_size(type.len, 64), type.ptr);
    full_key(key, arch, "rope.scaling.original_context_length");
    if ((status = inf_gguf_get_uint(gguf, key, 1, UINT32_MAX, &original, err)))
        return status;
    if (original)
        hp->rope_original = (double)original;
    if (hp->rope_scaling == INF_ROPE_YARN && hp->rope_original < 1.0)
        return inf_fail(err, INFER_E_FORMAT, "yarn scaling without key %s", key);
    if ((status = read_float(arch, gguf, "rope.scaling.attn_factor", false, &hp->rope_attn_factor,
                             err)) ||
        (status = read_float(arch, gguf, "rope.scaling.yarn_beta_fast", false, &hp->rope_beta_fast,
                             err)) ||
        (status = read_float(arch, gguf, "rope.scaling.yarn_beta_slow", false, &hp->rope_beta_slow,
                             err)))
        return status;
    return INFER_OK;
}

static infer_status check(const struct inf_arch *arch, const struct inf_gguf *gguf,
                          struct inf_hparams *hp, infer_error *err)
{
    char key[KEY_BYTES];
    uint64_t value_length = hp->head_size;
    infer_status status;
    if (hp->heads % hp->kv_heads)
        return inf_fail(err, INFER_E_FORMAT,
                        "%s.attention: %u query heads are no multiple of %u key heads", arch->name,
                        hp->heads, hp->kv_heads);
    if ((status = inf_gguf_get_uint(gguf, full_key(key, arch, "attention.value_length"), 1,
                                    INF_MAX_HEAD_SIZE, &value_length, err)))
        return status;
    if (value_length != hp->head_size)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "key %s is %u, the key length %u: they must be equal", key,
                        (unsigned)value_length, hp->head_size);
    if (hp->head_size % 8)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "%s: heads of %u numbers, a multiple of 8 is needed", arch->name,
                        hp->head_size);
    if (hp->rope_dims % 2 || hp->rope_dims > hp->head_size)
        return inf_fail(err, INFER_E_FORMAT,
                        "key %s.rope.dimension_count is %u, heads have %u numbers", arch->name,
                        hp->rope_dims, hp->head_size);
    if (hp->experts && (hp->experts_used < 1 || hp->experts_used > hp->experts))
        return inf_fail(err, INFER_E_FORMAT, "key %s.expert_used_count is %u of %u experts",
                        arch->name, hp->experts_used, hp->experts);
    return INFER_OK;
}

infer_status inf_arch_hparams(const struct inf_arch *arch, const struct inf_gguf *gguf,
                              struct inf_hparams *hp, infer_error *err)
{
    *hp = (struct inf_hparams){.embd_scale = 1.0f};
    infer_status status = read_fields(arch, gguf, hp, err);
    if (status)
        return status;
    if (!hp->kv_heads)
        hp->kv_heads = hp->heads;
    if (!hp->head_size) {
        if (hp->embd % hp->heads)
            return inf_fail(err, INFER_E_FORMAT,
                            "%s: embedding of %u does not divide into %u heads", arch->name,
                            hp->embd, hp->heads);
        hp->head_size = hp->embd / hp->heads;
    }
    if (!hp->rope_dims)
        hp->rope_dims = hp->head_size;
    hp->q_size = hp->heads * hp->head_size;
    hp->kv_size = hp->kv_heads * hp->head_size;
    hp->attn_scale = 1.0f / sqrtf((float)hp->head_size);
    double eps = 1e-5;
    char key[KEY_BYTES];
    full_key(key, arch, "attention.layer_norm_rms_epsilon");
    if (!inf_gguf_key(gguf, key))
        return inf_fail(err, INFER_E_FORMAT, "key %s is missing", key);
    if ((status = read_float(arch, gguf, "attention.layer_norm_rms_epsilon", true, &eps, err)) ||
        (status = read_rope(arch, gguf, hp, err)) || (status = check(arch, gguf, hp, err)))
        return status;
    hp->eps = (float)eps;
    const struct inf_gguf_key *tokens = inf_gguf_key(gguf, "tokenizer.ggml.tokens");
    if (tokens && tokens->type == INFER_META_ARRAY)
        hp->vocab = (uint32_t)inf_min_size(tokens->count, INF_MAX_VOCAB);
    return arch->hook ? arch->hook(gguf, hp, err) : INFER_OK;
}
