/* nemotron: Minitron and Nemotron 4. Norms take the mean off, the feed-forward has a squared ReLU and no gate. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    {INF_SLOT_OUTPUT_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_ATTN_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_FFN_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_FFN_UP, INF_REQUIRED},
    {INF_SLOT_FFN_DOWN, INF_REQUIRED},
    {INF_SLOT_FFN_UP_BIAS, INF_OPTIONAL},
    {INF_SLOT_FFN_DOWN_BIAS, INF_OPTIONAL},
};

const struct inf_arch inf_arch_nemotron = {
    .name = "nemotron",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .layer_norm = true,
    .activation = INF_RELU_SQUARED,
};
