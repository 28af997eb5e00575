/* ernie4_5, ernie4_5-moe: a llama; the larger ones have experts in later layers, or some of them, chosen with a bias. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,  INF_TENSORS_PRE_NORMS, INF_TENSORS_ATTN,
    INF_TENSORS_DENSE,  INF_TENSORS_EXPERTS,   {INF_SLOT_CHOICE_BIAS, INF_OPTIONAL},
    INF_TENSORS_SHARED,
};

const struct inf_arch inf_arch_ernie4_5 = {
    .name = "ernie4_5",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
};

const struct inf_arch inf_arch_ernie4_5_moe = {
    .name = "ernie4_5-moe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .routing = {.normalise = true},
};
