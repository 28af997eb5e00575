/* phi2: Phi 1, 1.5 and 2. Attention and feed-forward stand beside each other; biases everywhere, one on the
 * logits too. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_OUTPUT_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_OUTPUT_BIAS, INF_REQUIRED},
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_NORM_BIAS, INF_REQUIRED},
    INF_TENSORS_ATTN_BIASED(INF_REQUIRED),
    {INF_SLOT_FFN_UP, INF_REQUIRED},
    {INF_SLOT_FFN_DOWN, INF_REQUIRED},
    {INF_SLOT_FFN_UP_BIAS, INF_REQUIRED},
    {INF_SLOT_FFN_DOWN_BIAS, INF_REQUIRED},
};

const struct inf_arch inf_arch_phi2 = {
    .name = "phi2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_parallel,
    .layer_norm = true,
    .activation = INF_GELU_TANH,
};
