/* qwen3: the dense Qwen 3. Queries and keys are normed head by head. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED},  {INF_SLOT_OUTPUT_NORM, INF_REQUIRED},
    {INF_SLOT_OUTPUT, INF_OPTIONAL},      {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_Q, INF_REQUIRED},      {INF_SLOT_ATTN_K, INF_REQUIRED},
    {INF_SLOT_ATTN_V, INF_REQUIRED},      {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM, INF_REQUIRED}, {INF_SLOT_ATTN_OUT, INF_REQUIRED},
    {INF_SLOT_FFN_NORM, INF_REQUIRED},    {INF_SLOT_FFN_GATE, INF_REQUIRED},
    {INF_SLOT_FFN_UP, INF_REQUIRED},      {INF_SLOT_FFN_DOWN, INF_REQUIRED},
    {INF_SLOT_ATTN_Q_BIAS, INF_OPTIONAL}, {INF_SLOT_ATTN_K_BIAS, INF_OPTIONAL},
    {INF_SLOT_ATTN_V_BIAS, INF_OPTIONAL}, {INF_SLOT_ATTN_OUT_BIAS, INF_OPTIONAL},
};

const struct inf_arch inf_arch_qwen3 = {
    .name = "qwen3",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
};
