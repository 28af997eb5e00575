/* The keys of multi-head latent attention. */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

#include <math.h>

/* Files with the two parts of attn_kv_b apart give the sizes of a head by keys of their own, as
 * theirs of key_length and value_length are the latent's. */
infer_status inf_arch_latent(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    struct inf_latent *latent = &hp->latent;
    uint32_t rope = hp->rope[INF_ROPE_GLOBAL].dims;
    uint32_t key = hp->layer[0].head_size, value = hp->layer[0].v_head_size;
    infer_status status;
    if ((status = inf_keys_need(keys, "attention.kv_lora_rank", err)) ||
        (status = inf_keys_uint(keys, "attention.kv_lora_rank", 8, INF_MAX_HEAD_SIZE, &latent->size,
                                err)) ||
        (status =
             inf_keys_uint(keys, "attention.q_lora_rank", 0, INF_MAX_EMBD, &latent->q_lora, err)) ||
        (status =
             inf_keys_uint(keys, "attention.key_length_mla", 1, INF_MAX_HEAD_SIZE, &key, err)) ||
        (status =
             inf_keys_uint(keys, "attention.value_length_mla", 1, INF_MAX_HEAD_SIZE, &value, err)))
        return status;
    if (rope >= key)
        return inf_fail(err, INFER_E_FORMAT,
                        "key %s.rope.dimension_count is %u, query heads have %u numbers",
                        keys->prefix, rope, key);
    latent->nope = key - rope;
    latent->value = value;
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i];
        l->kv_heads = 1;
        l->head_size = latent->size + rope;
        l->v_head_size = latent->size;
        l->attn_scale = 1.0f / sqrtf((float)key);
    }
    return INFER_OK;
}
