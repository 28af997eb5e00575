/* olmoe: OLMo with experts; norms over all of the queries and all of the keys. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    {INF_SLOT_ATTN_Q_NORM_ROW, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM_ROW, INF_REQUIRED},
    INF_TENSORS_EXPERTS,
};

const struct inf_arch inf_arch_olmoe = {
    .name = "olmoe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
};
