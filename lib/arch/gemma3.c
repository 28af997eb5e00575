/*
 * gemma3: five windowed layers, then a global one; norms before and after each half of a layer; the
 * windowed layers have a RoPE base of their own and no RoPE scaling. gemma-embedding: the same as an
 * encoder, whose windows reach as far forward as back.
 */
#include "lib/arch/arch.h"

#include <math.h>

static const struct inf_tensor_row tensors[] = {
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED},     {INF_SLOT_OUTPUT_NORM, INF_REQUIRED},
    {INF_SLOT_OUTPUT, INF_OPTIONAL},         {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_Q, INF_REQUIRED},         {INF_SLOT_ATTN_K, INF_REQUIRED},
    {INF_SLOT_ATTN_V, INF_REQUIRED},         {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM, INF_REQUIRED},    {INF_SLOT_ATTN_OUT, INF_REQUIRED},
    {INF_SLOT_ATTN_POST_NORM, INF_REQUIRED}, {INF_SLOT_FFN_NORM, INF_REQUIRED},
    {INF_SLOT_FFN_GATE, INF_REQUIRED},       {INF_SLOT_FFN_UP, INF_REQUIRED},
    {INF_SLOT_FFN_DOWN, INF_REQUIRED},       {INF_SLOT_FFN_POST_NORM, INF_REQUIRED},
};

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

/* The matrices behind the pooling, which a file may have, are not there for the sentence vector alone:
 * without them it is another one. */
static infer_status hook_embedding(const struct inf_keys *keys, struct inf_hparams *hp,
                                   infer_error *err)
{
    if (inf_keys_has(keys, "dense_2_feat_in") || inf_keys_has(keys, "dense_3_feat_in"))
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "%s: matrices behind the pooling (key dense_2_feat_in) are not supported",
                        keys->prefix);
    return hook(keys, hp, err);
}

const struct inf_arch inf_arch_gemma_embedding = {
    .name = "gemma-embedding",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_sandwich,
    .encoder = true,
    .activation = INF_GELU_TANH,
    .window_period = 6,
    .local_base = 10000.0,
    .hook = hook_embedding,
};
