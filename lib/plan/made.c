/*
 * Latent attention of files that have attn_kv_b: (heads x (nope + value), latent). Absorbed, a query's
 * nope numbers are multiplied by the key part the other way round, which block types cannot be read
 * in. So that part is made anew, (heads, latent, nope), when the plan is loaded: in F16 for block types
 * (a rounding of 2^-12, a tenth of that of int8 activations), else in the type that it has.
 */
#include "lib/plan/plan.h"

#include "lib/base/limits.h"

#include <string.h>

static uint32_t made_type(const struct infer_plan *plan, const struct inf_weight *w)
{
    if (w->type == INF_TYPE_F32 || w->type == INF_TYPE_BF16)
        return w->type;
    return plan->exact && w->type != INF_TYPE_F16 ? INF_TYPE_F32 : INF_TYPE_F16;
}

infer_status inf_plan_latent(struct infer_plan *plan, infer_error *err)
{
    const struct inf_latent *latent = &plan->hp.latent;
    for (uint32_t i = 0; latent->size && i < plan->hp.layers; i++) {
        struct inf_weight *w = &plan->weights[(size_t)i * INF_SLOT_COUNT];
        const struct inf_weight *kv = &w[INF_SLOT_ATTN_KV_B];
        struct inf_weight *k = &w[INF_SLOT_ATTN_K_B], *v = &w[INF_SLOT_ATTN_V_B];
        if (k->data && v->data)
            continue;
        *k = *v = *kv;
        v->data += latent->nope * kv->row_bytes;
        v->rows = latent->value;
        v->expert_bytes = ((size_t)latent->nope + latent->value) * kv->row_bytes;
        k->type = made_type(plan, kv); /* its data is set by loading */
        k->k = latent->nope;
        k->rows = latent->size;
        k->row_bytes = latent->nope * (k->type == INF_TYPE_F32 ? sizeof(float) : sizeof(uint16_t));
        k->expert_bytes = k->rows * k->row_bytes;
        k->experts = v->experts = plan->hp.layer[i].heads;
        size_t bytes;
        if (!inf_mul_size(k->experts, k->expert_bytes, &bytes) ||
            !inf_add_size(plan->made_bytes, bytes, &plan->made_bytes))
            return inf_fail(err, INFER_E_LIMIT, "the key matrices pass the address space");
    }
    return INFER_OK;
}

/* Row i of a head, (latent) numbers, to column i. */
static void put_column(const struct inf_weight *k, uint8_t *head, size_t i, const float *x)
{
    for (size_t j = 0; j < k->rows; j++) {
        uint16_t half =
            k->type == INF_TYPE_F16 ? inf_half_from_float(x[j]) : inf_bf16_from_float(x[j]);
        uint8_t *row = head + j * k->row_bytes;
        if (k->type == INF_TYPE_F32)
            memcpy(row + 4 * i, &x[j], 4);
        else
            memcpy(row + 2 * i, &half, 2);
    }
}

void inf_plan_latent_load(struct infer_plan *plan)
{
    uint8_t *at = plan->made;
    float x[INF_MAX_HEAD_SIZE];
    for (uint32_t i = 0; plan->made_bytes && i < plan->hp.layers; i++) {
        struct inf_weight *w = &plan->weights[(size_t)i * INF_SLOT_COUNT];
        struct inf_weight *k = &w[INF_SLOT_ATTN_K_B];
        const struct inf_weight *kv = &w[INF_SLOT_ATTN_KV_B], *v = &w[INF_SLOT_ATTN_V_B];
        if (!kv->data || v->data != kv->data + k->k * kv->row_bytes)
            continue;
        k->data = at;
        for (uint32_t h = 0; h < k->experts; h++, at += k->expert_bytes)
            for (size_t r = 0; r < k->k; r++) {
                const uint8_t *row = kv->data + h * v->expert_bytes + r * kv->row_bytes;
                inf_type_decode(inf_type_info(kv->type), row, kv->k, x);
                put_column(k, at, r, x);
            }
    }
}
