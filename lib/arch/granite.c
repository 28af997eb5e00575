/* granite: the dense Granite 3 and 4. A llama with multipliers on embeddings, sums, scores and logits. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_ROPE_FREQS, INF_OPTIONAL},
    {INF_SLOT_FFN_GATE_BIAS, INF_OPTIONAL},
    {INF_SLOT_FFN_UP_BIAS, INF_OPTIONAL},
    {INF_SLOT_FFN_DOWN_BIAS, INF_OPTIONAL},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)keys;
    (void)err;
    hp->logit_scale = 1.0f / hp->logit_scale; /* the file has a divisor */
    return INFER_OK;
}

const struct inf_arch inf_arch_granite = {
    .name = "granite",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .hook = hook,
};
