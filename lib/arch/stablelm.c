/* stablelm: StableLM 2 and Zephyr, those with two norms a layer. Norms take the mean off, a part of a head turns. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    INF_TENSORS_QKV_BIAS(INF_OPTIONAL),
    {INF_SLOT_OUTPUT_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_ATTN_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_FFN_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_ATTN_Q_NORM_HEADS, INF_OPTIONAL},
    {INF_SLOT_ATTN_K_NORM_HEADS, INF_OPTIONAL},
};

const struct inf_arch inf_arch_stablelm = {
    .name = "stablelm",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .layer_norm = true,
};
