/* olmo2: OLMo 2 and 3. Norms behind each half alone; queries and keys are normed as whole rows. The windowed
 * layers of OLMo 3 turn unscaled. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_POST_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_ATTN_Q_NORM_ROW, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM_ROW, INF_REQUIRED},
};

const struct inf_arch inf_arch_olmo2 = {
    .name = "olmo2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_post_norm,
    .window_period = 4,
    .local_base = INF_BASE_SAME,
};
