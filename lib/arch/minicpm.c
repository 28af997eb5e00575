/* minicpm: MiniCPM 1 and 2. A llama with multipliers on embeddings, sums and logits; old files, which do not
 * name them, are refused. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_ROPE_LONG, INF_OPTIONAL},
    {INF_SLOT_ROPE_SHORT, INF_OPTIONAL},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    infer_status status;
    if ((status = inf_keys_need(keys, "embedding_scale", err)) ||
        (status = inf_keys_need(keys, "residual_scale", err)) ||
        (status = inf_keys_need(keys, "logit_scale", err)))
        return status;
    hp->logit_scale = 1.0f / hp->logit_scale; /* the file has a divisor */
    return INFER_OK;
}

const struct inf_arch inf_arch_minicpm = {
    .name = "minicpm",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .hook = hook,
};
