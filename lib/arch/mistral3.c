/* mistral3: Ministral 3 and the newer Mistral Small. A llama whose queries grow with the position
 * beyond the first training, and whose yarn may have its magnitude taken back. */
#include "lib/arch/arch.h"

#include <math.h>

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_ROPE_FREQS, INF_OPTIONAL},
};

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    double temp = 0.0, multiplier = 0.0;
    infer_status status;
    if ((status = inf_keys_float(keys, "attention.temperature_scale", true, &temp, err)) ||
        (status = inf_keys_float(keys, "rope.scaling.yarn_log_multiplier", true, &multiplier, err)))
        return status;
    hp->attn_temp = (float)temp;
    if (temp > 0.0 && hp->rope_original < 1.0)
        return inf_fail(err, INFER_E_FORMAT,
                        "%s: attention.temperature_scale without "
                        "rope.scaling.original_context_length",
                        keys->prefix);
    hp->attn_temp_length = (uint32_t)hp->rope_original;
    /* get_mscale(factor, 1) / get_mscale(factor, multiplier), of DeepSeek's yarn */
    double growth = log(hp->rope_factor);
    if (growth > 0.0 && hp->yarn_magnitude == 0.0)
        hp->yarn_magnitude = (1.0 + 0.1 * growth) / (1.0 + 0.1 * multiplier * growth);
    return INFER_OK;
}

const struct inf_arch inf_arch_mistral3 = {
    .name = "mistral3",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .hook = hook,
};
