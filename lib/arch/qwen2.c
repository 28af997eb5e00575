/* qwen2: Qwen 1.5 to 2.5, CodeQwen, the R1 distils made from them. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED},  {INF_SLOT_OUTPUT_NORM, INF_REQUIRED},
    {INF_SLOT_OUTPUT, INF_OPTIONAL},      {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_Q, INF_REQUIRED},      {INF_SLOT_ATTN_K, INF_REQUIRED},
    {INF_SLOT_ATTN_V, INF_REQUIRED},      {INF_SLOT_ATTN_Q_BIAS, INF_OPTIONAL},
    {INF_SLOT_ATTN_K_BIAS, INF_OPTIONAL}, {INF_SLOT_ATTN_V_BIAS, INF_OPTIONAL},
    {INF_SLOT_ATTN_OUT, INF_REQUIRED},    {INF_SLOT_FFN_NORM, INF_REQUIRED},
    {INF_SLOT_FFN_GATE, INF_REQUIRED},    {INF_SLOT_FFN_UP, INF_REQUIRED},
    {INF_SLOT_FFN_DOWN, INF_REQUIRED},
};

const struct inf_arch inf_arch_qwen2 = {
    .name = "qwen2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
};
