/* qwen2moe: Qwen 1.5 and 2 with experts, and one for all tokens behind a gate of its own. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,   INF_TENSORS_PRE_NORMS, INF_TENSORS_ATTN,
    INF_TENSORS_EXPERTS, INF_TENSORS_SHARED,    {INF_SLOT_SHARED_ROUTER, INF_SHARED},
};

const struct inf_arch inf_arch_qwen2moe = {
    .name = "qwen2moe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
};
