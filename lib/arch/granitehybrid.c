/* granitehybrid: Granite 4. Layers without key heads are Mamba-2; a granite otherwise, as a rule without
 * RoPE. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,  INF_TENSORS_PRE_NORMS,   INF_TENSORS_DENSE, INF_TENSORS_EXPERTS,
    INF_TENSORS_SHARED, INF_TENSORS_ATTN_LAYERS, INF_TENSORS_MAMBA,
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    bool turns = true;
    infer_status status = inf_keys_bool(keys, "rope.scaling.finetuned", &turns, err);
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i];
        l->recurrent = l->mixer == INF_MIXER_NONE;
        if (!turns)
            l->rope = INF_ROPE_NONE;
    }
    hp->logit_scale = 1.0f / hp->logit_scale; /* the file has a divisor */
    return status ? status : inf_arch_recurrent(keys, hp, INF_MIXER_MAMBA, err);
}

const struct inf_arch inf_arch_granitehybrid = {
    .name = "granitehybrid",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .mixed = true,
    .routing = {.normalise = true},
    .hook = hook,
};
