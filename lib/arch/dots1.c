/* dots1: the attention of Qwen 3 with the experts of DeepSeek. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM, INF_REQUIRED},
    INF_TENSORS_DENSE,
    INF_TENSORS_EXPERTS,
    {INF_SLOT_CHOICE_BIAS, INF_OPTIONAL},
    INF_TENSORS_SHARED,
};

const struct inf_arch inf_arch_dots1 = {
    .name = "dots1",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .routing = {.sigmoid = true},
};
