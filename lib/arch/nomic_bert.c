/* nomic-bert: nomic-embed-text. As bert, with RoPE in place of position vectors and a gated feed-forward. */
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
    {INF_SLOT_FFN_GATE, INF_REQUIRED},
};

const struct inf_arch inf_arch_nomic_bert = {
    .name = "nomic-bert",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_encoder,
    .encoder = true,
    .layer_norm = true,
};
