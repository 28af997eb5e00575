/* command-r: Command R and R+. Attention and feed-forward stand beside each other, behind one norm that
 * takes the mean off; R+ norms each head of queries and keys by a vector of its own. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_ATTN_Q_NORM_HEADS, INF_OPTIONAL},
    {INF_SLOT_ATTN_K_NORM_HEADS, INF_OPTIONAL},
};

const struct inf_arch inf_arch_command_r = {
    .name = "command-r",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_parallel,
    .layer_norm = true,
    .rope_adjacent = true,
};
