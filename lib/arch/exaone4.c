/* exaone4: norms behind each half alone; with a window every fourth layer sees all and has no RoPE. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_POST_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM, INF_REQUIRED},
    {INF_SLOT_ROPE_FREQS, INF_OPTIONAL},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)keys;
    (void)err;
    bool windows = false;
    for (uint32_t i = 0; i < hp->layers; i++)
        windows |= hp->layer[i].windowed;
    for (uint32_t i = 0; windows && i < hp->layers; i++)
        if (!hp->layer[i].windowed)
            hp->layer[i].rope = INF_ROPE_NONE;
    return INFER_OK;
}

const struct inf_arch inf_arch_exaone4 = {
    .name = "exaone4",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_post_norm,
    .window_period = 4,
    .hook = hook,
};
