/* glm4moe: GLM 4.5 to 4.7. A part of each head turns; the first layers are dense; one layer behind the
 * others guesses ahead and is left out. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_POST_NORM, INF_REQUIRED},
    INF_TENSORS_ATTN,
    {INF_SLOT_ATTN_Q_NORM, INF_OPTIONAL},
    {INF_SLOT_ATTN_K_NORM, INF_OPTIONAL},
    INF_TENSORS_DENSE,
    INF_TENSORS_EXPERTS,
    {INF_SLOT_CHOICE_BIAS, INF_OPTIONAL},
    INF_TENSORS_SHARED,
};

const struct inf_arch inf_arch_glm4moe = {
    .name = "glm4moe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm_post,
    .routing = {.sigmoid = true},
};
