/*
 * qwen35, qwen35moe: Qwen 3.5 and 3.6, dense and with experts. Three of four layers are a gated delta rule, the fourth attends with
 * a gate on its result. Text turns by RoPE alone: the sections of its positions are all alike.
 * qwen3next: the same with experts, where the value heads of a key head stand together; beta and alpha come from one
 * matrix, and in the first files the convolved numbers and their gate too.
 */
#include "lib/arch/arch.h"

#include <stddef.h>

#define TENSORS                                                                                    \
    INF_TENSORS_MODEL, INF_TENSORS_DENSE, INF_TENSORS_EXPERTS, INF_TENSORS_SHARED,                 \
        {INF_SLOT_SHARED_ROUTER, INF_SHARED}, {INF_SLOT_ATTN_NORM, INF_REQUIRED},                  \
        {INF_SLOT_ATTN_POST_NORM, INF_REQUIRED}, {INF_SLOT_ATTN_Q_GATE, INF_ATTN},                 \
        {INF_SLOT_ATTN_K, INF_ATTN}, {INF_SLOT_ATTN_V, INF_ATTN},                                  \
        {INF_SLOT_ATTN_Q_NORM, INF_ATTN}, {INF_SLOT_ATTN_K_NORM, INF_ATTN},                        \
    {                                                                                              \
        INF_SLOT_ATTN_OUT, INF_ATTN                                                                \
    }
#define TENSORS_STATE                                                                              \
    {INF_SLOT_MIX_CONV, INF_RECURRENT}, {INF_SLOT_MIX_DT_BIAS, INF_RECURRENT},                     \
        {INF_SLOT_MIX_A, INF_RECURRENT}, {INF_SLOT_MIX_NORM, INF_RECURRENT},                       \
    {                                                                                              \
        INF_SLOT_MIX_OUT, INF_RECURRENT                                                            \
    }

static const struct inf_tensor_row tensors[] = {
    TENSORS,
    {INF_SLOT_MIX_IN, INF_RECURRENT},
    {INF_SLOT_MIX_GATE, INF_RECURRENT},
    {INF_SLOT_MIX_ALPHA, INF_RECURRENT},
    {INF_SLOT_MIX_BETA, INF_RECURRENT},
    TENSORS_STATE,
};

static const struct inf_tensor_row tensors_next[] = {
    TENSORS,
    {INF_SLOT_MIX_MIXED, INF_OPTIONAL},
    {INF_SLOT_MIX_IN, INF_RECURRENT_OR_LAST},
    {INF_SLOT_MIX_GATE, INF_WITH_LAST},
    {INF_SLOT_MIX_BETA_ALPHA, INF_RECURRENT},
    TENSORS_STATE,
};

static infer_status hook_next(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    uint32_t period = 4;
    infer_status status;
    if ((status = inf_keys_uint(keys, "full_attention_interval", 1, hp->layers, &period, err)))
        return status;
    for (uint32_t i = 0; i < hp->layers; i++)
        hp->layer[i].recurrent = (i + 1) % period != 0;
    if ((status = inf_keys_layers(keys, "attention.recurrent_layers", 0, 1, hp,
                                  offsetof(struct inf_layer, recurrent), err)))
        return status;
    return inf_arch_recurrent(keys, hp, INF_MIXER_DELTA, err);
}

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    infer_status status = hook_next(keys, hp, err);
    for (uint32_t i = 0; i < hp->layers; i++)
        hp->layer[i].r_tiled = true;
    return status;
}

const struct inf_arch inf_arch_qwen3next = {
    .name = "qwen3next",
    .tensors = tensors_next,
    .tensor_count = sizeof tensors_next / sizeof *tensors_next,
    .layer = inf_layer_pre_norm_post,
    .routing = {.normalise = true},
    .hook = hook_next,
};

const struct inf_arch inf_arch_qwen35 = {
    .name = "qwen35",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm_post,
    .hook = hook,
};

const struct inf_arch inf_arch_qwen35moe = {
    .name = "qwen35moe",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm_post,
    .routing = {.normalise = true},
    .hook = hook,
};
