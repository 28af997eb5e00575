/* qwen3moe: Qwen 3 with experts. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM, INF_REQUIRED},
    INF_TENSORS_EXPERTS,
};

const struct inf_arch inf_arch_qwen3moe = {
    .name = "qwen3moe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .routing = {.normalise = true},
};
