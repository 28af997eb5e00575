/*
 * gpt-oss: every second layer is windowed, the first among them; each head has a sink; biases everywhere;
 * experts with a clamped gate. Its yarn has a ramp that ends between dimensions, as OpenAI's own code
 * computes it.
 */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_POST_NORM, INF_REQUIRED},
    INF_TENSORS_ATTN_BIASED(INF_REQUIRED),
    {INF_SLOT_ATTN_SINKS, INF_REQUIRED},
    INF_TENSORS_EXPERTS,
    {INF_SLOT_ROUTER_BIAS, INF_REQUIRED},
    {INF_SLOT_EXPERTS_GATE_BIAS, INF_REQUIRED},
    {INF_SLOT_EXPERTS_UP_BIAS, INF_REQUIRED},
    {INF_SLOT_EXPERTS_DOWN_BIAS, INF_REQUIRED},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)keys;
    (void)err;
    hp->yarn_between = true;
    return INFER_OK;
}

const struct inf_arch inf_arch_gpt_oss = {
    .name = "gpt-oss",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm_post,
    .activation = INF_SWIGLU_CLAMPED,
    .window_period = 2,
    .routing = {.normalise = true},
    .hook = hook,
};
