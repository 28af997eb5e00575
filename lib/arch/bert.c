/* bert: encoders (BGE, MiniLM, E5 and many more). Tokens see both ways; positions have vectors of their own;
 * norms behind each sum. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED},
    {INF_SLOT_TOKEN_TYPES, INF_OPTIONAL},
    {INF_SLOT_TOKEN_EMBD_NORM, INF_REQUIRED},
    {INF_SLOT_TOKEN_EMBD_NORM_BIAS, INF_REQUIRED},
    INF_TENSORS_ATTN,
    {INF_SLOT_ATTN_OUT_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_OUT_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_FFN_UP, INF_REQUIRED},
    {INF_SLOT_FFN_DOWN, INF_REQUIRED},
    {INF_SLOT_FFN_UP_BIAS, INF_OPTIONAL},
    {INF_SLOT_FFN_DOWN_BIAS, INF_OPTIONAL},
    {INF_SLOT_LAYER_OUT_NORM, INF_REQUIRED},
    {INF_SLOT_LAYER_OUT_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_POSITION_EMBD, INF_REQUIRED},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)keys;
    (void)err;
    for (uint32_t i = 0; i < hp->layers; i++)
        hp->layer[i].rope = INF_ROPE_NONE;
    return INFER_OK;
}

const struct inf_arch inf_arch_bert = {
    .name = "bert",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_encoder,
    .encoder = true,
    .layer_norm = true,
    .activation = INF_GELU_ERF,
    .hook = hook,
};
