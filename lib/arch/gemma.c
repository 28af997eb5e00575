/* gemma: the first Gemma and CodeGemma. Embeddings are scaled, the gate is a GELU. */
#include "lib/arch/arch.h"

#include <math.h>

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
    hp->embd_scale = sqrtf((float)hp->embd);
    return INFER_OK;
}

const struct inf_arch inf_arch_gemma = {
    .name = "gemma",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .activation = INF_GELU_TANH,
    .hook = hook,
};
