/*
 * deepseek2: DeepSeek V2, V3, R1, the Coders, Kimi K2. Latent attention; the first layers are dense, the
 * others have experts, and some that all tokens use. Yarn leaves cos and sin alone and scales the scores.
 */
#include "lib/arch/arch.h"

#include <math.h>

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    {INF_SLOT_ATTN_Q, INF_Q_PLAIN},
    {INF_SLOT_ATTN_Q_A, INF_Q_LORA},
    {INF_SLOT_ATTN_Q_A_NORM, INF_Q_LORA},
    {INF_SLOT_ATTN_Q_B, INF_Q_LORA},
    {INF_SLOT_ATTN_KV_A, INF_REQUIRED},
    {INF_SLOT_ATTN_KV_A_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_KV_B, INF_OPTIONAL}, /* this, or the next two */
    {INF_SLOT_ATTN_K_B, INF_OPTIONAL},
    {INF_SLOT_ATTN_V_B, INF_OPTIONAL},
    {INF_SLOT_ATTN_OUT, INF_REQUIRED},
    INF_TENSORS_DENSE,
    INF_TENSORS_EXPERTS,
    {INF_SLOT_CHOICE_BIAS, INF_OPTIONAL},
    INF_TENSORS_SHARED,
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    double multiplier = 0.0;
    infer_status status =
        inf_keys_float(keys, "rope.scaling.yarn_log_multiplier", true, &multiplier, err);
    if (status || hp->rope_scaling != INF_ROPE_YARN)
        return status;
    double growth = log(hp->rope_factor), scale = 1.0 + multiplier * growth;
    if (hp->yarn_magnitude == 0.0)
        hp->yarn_magnitude = 1.0; /* cos and sin do not grow, the scores do */
    for (uint32_t i = 0; i < hp->layers; i++)
        hp->layer[i].attn_scale = (float)((double)hp->layer[i].attn_scale * scale * scale);
    return INFER_OK;
}

const struct inf_arch inf_arch_deepseek2 = {
    .name = "deepseek2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .latent = true,
    .hook = hook,
};
