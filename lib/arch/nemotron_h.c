/* nemotron_h, nemotron_h_moe: Nemotron Nano and Super. A layer is Mamba-2, or attention without RoPE, or a feed-forward
 * with a squared ReLU: one thing each. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_FFN_UP, INF_DENSE},
    {INF_SLOT_FFN_DOWN, INF_DENSE},
    {INF_SLOT_FFN_UP_BIAS, INF_OPTIONAL},
    {INF_SLOT_FFN_DOWN_BIAS, INF_OPTIONAL},
    {INF_SLOT_ROUTER, INF_EXPERTS},
    {INF_SLOT_CHOICE_BIAS, INF_OPTIONAL},
    {INF_SLOT_EXPERTS_UP, INF_EXPERTS},
    {INF_SLOT_EXPERTS_DOWN, INF_EXPERTS},
    {INF_SLOT_SHARED_UP, INF_SHARED},
    {INF_SLOT_SHARED_DOWN, INF_SHARED},
    INF_TENSORS_ATTN_LAYERS,
    INF_TENSORS_MAMBA,
};

static const struct inf_block layer[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i];
        l->rope = INF_ROPE_NONE;
        l->experts = hp->experts && l->ff;
        l->recurrent = l->mixer == INF_MIXER_NONE && !l->ff;
    }
    return inf_arch_recurrent(keys, hp, INF_MIXER_MAMBA, err);
}

const struct inf_arch inf_arch_nemotron_h = {
    .name = "nemotron_h",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = layer,
    .activation = INF_RELU_SQUARED,
    .mixed = true,
    .single = true,
    .hook = hook,
};

const struct inf_arch inf_arch_nemotron_h_moe = {
    .name = "nemotron_h_moe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = layer,
    .activation = INF_RELU_SQUARED,
    .mixed = true,
    .single = true,
    .routing = {.sigmoid = true, .normalise = true},
    .hook = hook,
};
