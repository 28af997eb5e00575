/* glm4: GLM-4-0414 and Z1. Norms before and after each half; half of a head turns. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL, INF_TENSORS_PRE_NORMS,  INF_TENSORS_ATTN,
    INF_TENSORS_GLU,   INF_TENSORS_POST_NORMS,
};

const struct inf_arch inf_arch_glm4 = {
    .name = "glm4",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_sandwich,
    .rope_adjacent = true,
};
