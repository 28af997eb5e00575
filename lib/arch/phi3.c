/* phi3: Phi 3, 3.5 and 4. Q, K and V are one tensor, gate and up another; longrope has a table of factors for
 * short and one for long contexts. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_ROPE_LONG, INF_OPTIONAL},
    {INF_SLOT_ROPE_SHORT, INF_OPTIONAL},
};

const struct inf_arch inf_arch_phi3 = {
    .name = "phi3",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
};
