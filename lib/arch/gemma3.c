/*
 * gemma3: five windowed layers, then a global one; norms before and after each half of a layer; the
 * windowed layers have a RoPE base of their own and no RoPE scaling. gemma-embedding: the same as an
 * encoder, whose windows reach as far forward as back.
 */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

#include <math.h>

#define TENSORS                                                                                    \
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED}, {INF_SLOT_OUTPUT_NORM, INF_REQUIRED},                     \
        {INF_SLOT_OUTPUT, INF_OPTIONAL}, {INF_SLOT_ATTN_NORM, INF_REQUIRED},                       \
        {INF_SLOT_ATTN_Q, INF_REQUIRED}, {INF_SLOT_ATTN_K, INF_REQUIRED},                          \
        {INF_SLOT_ATTN_V, INF_REQUIRED}, {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},                     \
        {INF_SLOT_ATTN_K_NORM, INF_REQUIRED}, {INF_SLOT_ATTN_OUT, INF_REQUIRED},                   \
        {INF_SLOT_ATTN_POST_NORM, INF_REQUIRED}, {INF_SLOT_FFN_NORM, INF_REQUIRED},                \
        {INF_SLOT_FFN_GATE, INF_REQUIRED}, {INF_SLOT_FFN_UP, INF_REQUIRED},                        \
        {INF_SLOT_FFN_DOWN, INF_REQUIRED},                                                         \
    {                                                                                              \
        INF_SLOT_FFN_POST_NORM, INF_REQUIRED                                                       \
    }
static const struct inf_tensor_row tensors[] = {TENSORS};
static const struct inf_tensor_row embedding_tensors[] = {
    TENSORS, {INF_SLOT_DENSE_2, INF_POOLED}, {INF_SLOT_DENSE_3, INF_POOLED}};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)keys;
    (void)err;
    hp->embd_scale = sqrtf((float)hp->embd);
    /* the 27B divides by its embedding's share of a head (168), not by 128 */
    for (uint32_t i = 0; hp->layers == 62 && i < hp->layers; i++)
        hp->layer[i].attn_scale = 1.0f / sqrtf((float)hp->embd / (float)hp->layer[i].heads);
    return INFER_OK;
}

const struct inf_arch inf_arch_gemma3 = {
    .name = "gemma3",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_sandwich,
    .activation = INF_GELU_TANH,
    .window_period = 6,
    .local_base = 10000.0,
    .hook = hook,
};

static infer_status need(const struct inf_keys *keys, const char *name, uint32_t low, uint32_t high,
                         uint32_t *out, infer_error *err)
{
    infer_status status = inf_keys_need(keys, name, err);
    return status ? status : inf_keys_uint(keys, name, low, high, out, err);
}

/* Two matrices behind the pooling (the modules 2_Dense and 3_Dense of sentence-transformers, which
 * have no bias and no activation), where the file was converted with them. */
static infer_status hook_embedding(const struct inf_keys *keys, struct inf_hparams *hp,
                                   infer_error *err)
{
    infer_status status = hook(keys, hp, err);
    uint32_t embd = hp->embd, same = 0;
    if (status ||
        (!inf_keys_has(keys, "dense_2_feat_in") && !inf_keys_has(keys, "dense_3_feat_in")))
        return status;
    if ((status = need(keys, "dense_2_feat_in", embd, embd, &same, err)) ||
        (status = need(keys, "dense_2_feat_out", 1, INF_MAX_EMBD, &hp->dense, err)) ||
        (status = need(keys, "dense_3_feat_in", hp->dense, hp->dense, &same, err)) ||
        (status = need(keys, "dense_3_feat_out", embd, embd, &same, err)))
        return status;
    if (!hp->two_way)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "%s: matrices behind the pooling (key %s.dense_2_feat_in) of a model that "
                        "sees back alone (%s.attention.causal) are not supported",
                        keys->prefix, keys->prefix, keys->prefix);
    return status;
}

const struct inf_arch inf_arch_gemma_embedding = {
    .name = "gemma-embedding",
    .tensors = embedding_tensors,
    .tensor_count = sizeof embedding_tensors / sizeof *embedding_tensors,
    .layer = inf_layer_sandwich,
    .encoder = true,
    .activation = INF_GELU_TANH,
    .window_period = 6,
    .local_base = 10000.0,
    .hook = hook_embedding,
};
