/* internlm2: a llama by another name. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
};

const struct inf_arch inf_arch_internlm2 = {
    .name = "internlm2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
};
