/* smollm3: a llama whose every fourth layer has no RoPE. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)keys;
    (void)err;
    for (uint32_t i = 3; i < hp->layers; i += 4)
        hp->layer[i].rope = INF_ROPE_NONE;
    return INFER_OK;
}

const struct inf_arch inf_arch_smollm3 = {
    .name = "smollm3",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .hook = hook,
};
