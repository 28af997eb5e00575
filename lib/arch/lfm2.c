/* lfm2, lfm2moe: Liquid's edge models, dense and with experts behind the first layers. A layer without key heads is a short convolution between two gates. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED},
    {INF_SLOT_OUTPUT_NORM_LFM2, INF_REQUIRED},
    {INF_SLOT_OUTPUT, INF_OPTIONAL},
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_DENSE,
    INF_TENSORS_EXPERTS,
    {INF_SLOT_CHOICE_BIAS, INF_OPTIONAL},
    INF_TENSORS_ATTN_LAYERS,
    {INF_SLOT_ATTN_Q_NORM, INF_ATTN},
    {INF_SLOT_ATTN_K_NORM, INF_ATTN},
    {INF_SLOT_MIX_IN, INF_RECURRENT},
    {INF_SLOT_MIX_CONV, INF_RECURRENT},
    {INF_SLOT_MIX_OUT, INF_RECURRENT},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    for (uint32_t i = 0; i < hp->layers; i++)
        hp->layer[i].recurrent = hp->layer[i].mixer == INF_MIXER_NONE;
    return inf_arch_recurrent(keys, hp, INF_MIXER_CONV, err);
}

const struct inf_arch inf_arch_lfm2 = {
    .name = "lfm2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .mixed = true,
    .hook = hook,
};

const struct inf_arch inf_arch_lfm2moe = {
    .name = "lfm2moe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .mixed = true,
    .routing = {.sigmoid = true, .normalise = true},
    .hook = hook,
};
