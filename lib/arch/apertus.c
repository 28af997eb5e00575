/*
 * apertus: the Swiss models of 2025. Queries and keys are normed head by head; the feed-forward has no gate, its
 * activation (xIELU) numbers of its own in each layer, whose keys do not begin with the architecture's name.
 */
#include "lib/arch/arch.h"

#include <math.h>
#include <stddef.h>

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    {INF_SLOT_ROPE_FREQS, INF_OPTIONAL},
    {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM, INF_REQUIRED},
    {INF_SLOT_FFN_UP, INF_REQUIRED},
    {INF_SLOT_FFN_DOWN, INF_REQUIRED},
};

/* log(1 + exp(x)) */
static float soft(float x)
{
    double d = (double)x;
    return (float)(fmax(d, 0.0) + log1p(exp(-fabs(d))));
}

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    const struct inf_keys own = {keys->gguf, "xielu"};
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        {"alpha_p", offsetof(struct inf_layer, xielu.positive)},
        {"alpha_n", offsetof(struct inf_layer, xielu.negative)},
        {"beta", offsetof(struct inf_layer, xielu.beta)},
        {"eps", offsetof(struct inf_layer, xielu.eps)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        infer_status status =
            inf_keys_layer_floats(&own, fields[i].name, hp, fields[i].offset, err);
        if (status)
            return status;
    }
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_xielu *x = &hp->layer[i].xielu;
        x->positive = soft(x->positive);
        x->negative = x->beta + soft(x->negative);
    }
    return INFER_OK;
}

const struct inf_arch inf_arch_apertus = {
    .name = "apertus",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .activation = INF_XIELU,
    .hook = hook,
};
