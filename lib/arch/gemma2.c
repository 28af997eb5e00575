/* gemma2: every second layer is windowed, the first among them; norms before and after each half; caps on
 * scores and logits. */
#include "lib/arch/arch.h"

#include <math.h>

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL, INF_TENSORS_PRE_NORMS,  INF_TENSORS_ATTN,
    INF_TENSORS_GLU,   INF_TENSORS_POST_NORMS,
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    (void)err;
    hp->embd_scale = sqrtf((float)hp->embd);
    if (!inf_keys_has(keys, "attn_logit_softcapping"))
        hp->attn_softcap = 50.0f;
    if (!inf_keys_has(keys, "final_logit_softcapping"))
        hp->logit_softcap = 30.0f;
    /* the 27B divides by its embedding's share of a head (144), not by 128 */
    for (uint32_t i = 0; hp->layers == 46 && i < hp->layers; i++)
        hp->layer[i].attn_scale = 1.0f / sqrtf((float)hp->embd / (float)hp->layer[i].heads);
    return INFER_OK;
}

const struct inf_arch inf_arch_gemma2 = {
    .name = "gemma2",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_sandwich,
    .activation = INF_GELU_TANH,
    .window_period = 2,
    .hook = hook,
};
