/*
 * gemma4: Gemma 4, dense or with experts beside the dense part. Windowed layers have heads and a RoPE of their own; the last
 * layers read K and V of the last one of their kind before them; values are normed (and are the keys,
 * where there is no matrix for them); small models have an embedding of every token for each layer.
 */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

#include <math.h>

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    INF_TENSORS_PRE_NORMS,
    INF_TENSORS_POST_NORMS,
    INF_TENSORS_GLU,
    {INF_SLOT_ROPE_FREQS, INF_REQUIRED},
    {INF_SLOT_ATTN_Q, INF_REQUIRED},
    {INF_SLOT_ATTN_K, INF_OWN_KV},
    {INF_SLOT_ATTN_V, INF_OPTIONAL},
    {INF_SLOT_ATTN_Q_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_K_NORM, INF_OWN_KV},
    {INF_SLOT_ATTN_OUT, INF_REQUIRED},
    INF_TENSORS_EXPERTS,
    {INF_SLOT_ROUTER_SCALE, INF_EXPERTS},
    {INF_SLOT_EXPERTS_SCALE, INF_EXPERTS},
    {INF_SLOT_FFN_PRE_NORM_2, INF_EXPERTS},
    {INF_SLOT_FFN_POST_NORM_1, INF_EXPERTS},
    {INF_SLOT_FFN_POST_NORM_2, INF_EXPERTS},
    {INF_SLOT_PER_LAYER_EMBD, INF_PER_LAYER},
    {INF_SLOT_PER_LAYER_MODEL, INF_PER_LAYER},
    {INF_SLOT_PER_LAYER_NORM, INF_PER_LAYER},
    {INF_SLOT_PER_LAYER_GATE, INF_PER_LAYER},
    {INF_SLOT_PER_LAYER_OUT, INF_PER_LAYER},
    {INF_SLOT_PER_LAYER_POST_NORM, INF_PER_LAYER},
    {INF_SLOT_LAYER_SCALE, INF_OPTIONAL},
};

static const struct inf_block layer[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_POST_NORM, INF_SLOT_ATTN_POST_NORM},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_NORM, INF_SLOT_FFN_NORM},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_POST_NORM, INF_SLOT_FFN_POST_NORM},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_PER_LAYER, 0},
    {INF_BLOCK_LAYER_SCALE, INF_SLOT_LAYER_SCALE},
    {INF_BLOCK_END, 0},
};

/* The last `shared` layers read the cache of the last layer before them that is windowed as they are. */
static infer_status share(const struct inf_keys *keys, struct inf_hparams *hp, uint32_t shared,
                          infer_error *err)
{
    uint32_t own = hp->layers - shared;
    for (uint32_t i = own; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i];
        uint32_t from = own;
        while (from && hp->layer[from - 1].windowed != l->windowed)
            from--;
        if (!from || hp->layer[from - 1].kv_heads != l->kv_heads)
            return inf_fail(err, INFER_E_FORMAT,
                            "key %s.attention.shared_kv_layers is %u: there are no keys of %u "
                            "heads that layer %u could share",
                            keys->prefix, shared, l->kv_heads, i);
        l->kv_shared = from;
    }
    return INFER_OK;
}

static infer_status hook(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    struct inf_rope *local = &hp->rope[INF_ROPE_LOCAL];
    uint32_t head = 0, value = 0, shared = 0;
    infer_status status;
    if ((status = inf_keys_need(keys, "attention.key_length_swa", err)) ||
        (status =
             inf_keys_uint(keys, "attention.key_length_swa", 1, INF_MAX_HEAD_SIZE, &head, err)))
        return status;
    value = local->dims = head;
    if ((status = inf_keys_uint(keys, "attention.value_length_swa", 1, INF_MAX_HEAD_SIZE, &value,
                                err)) ||
        (status = inf_keys_uint(keys, "rope.dimension_count_swa", 1, INF_MAX_HEAD_SIZE,
                                &local->dims, err)) ||
        (status =
             inf_keys_uint(keys, "attention.shared_kv_layers", 0, hp->layers - 1, &shared, err)) ||
        (status = inf_keys_uint(keys, "embedding_length_per_layer_input", 0, INF_MAX_EMBD,
                                &hp->per_layer, err)))
        return status;
    hp->embd_scale = sqrtf((float)hp->embd);
    for (uint32_t i = 0; i < hp->layers; i++) {
        struct inf_layer *l = &hp->layer[i];
        l->attn_scale = 1.0f;
        if (l->windowed) {
            l->head_size = head;
            l->v_head_size = value;
        }
    }
    return share(keys, hp, shared, err);
}

const struct inf_arch inf_arch_gemma4 = {
    .name = "gemma4",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = layer,
    .activation = INF_GELU_TANH,
    .local_base = INF_BASE_SAME,
    .v_norm = true,
    .beside = true,
    .routing = {.normalise = true},
    .hook = hook,
};
