/* cohere2: Command R7B and A. As command-r, with three windowed layers that turn, then one without window
 * and RoPE. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)keys;
    (void)err;
    for (uint32_t i = 0; i < hp->layers; i++)
        if (!hp->layer[i].windowed)
            hp->layer[i].rope = INF_ROPE_NONE;
    return INFER_OK;
}

const struct inf_arch inf_arch_cohere2 = {
    .name = "cohere2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_parallel,
    .layer_norm = true,
    .rope_adjacent = true,
    .window_period = 4,
    .hook = hook,
};
