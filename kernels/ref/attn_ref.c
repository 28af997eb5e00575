/* The KV cache and attention over one tile of it. */
#include "kernels/ref/math_ref.h"

void inf_k_kv_store_ref(const struct inf_kv_store_args *a);
void inf_k_attn_ref(const struct inf_attn_args *a);
void inf_k_attn_merge_ref(const struct inf_attn_merge_args *a);

/* Writes x (size); number d goes to index d * step from `at`, scale j to index j * step. */
static void store(enum inf_kv kv, const float *x, size_t size, size_t step, uint8_t *at,
                  uint8_t *scales)
{
    float inverse = 0.0f;
    for (size_t d = 0; d < size; d++) {
        uint16_t half;
        switch (kv) {
        case INF_KV_F32:
            memcpy(at + 4 * d * step, &x[d], 4);
            break;
        case INF_KV_F16:
        case INF_KV_BF16:
            half = kv == INF_KV_F16 ? inf_half_from_float(x[d]) : inf_bf16_from_float(x[d]);
            memcpy(at + 2 * d * step, &half, 2);
            break;
        case INF_KV_Q8_0:
            if (d % 32 == 0) {
                uint32_t most = 0;
                for (size_t i = d; i < d + 32; i++) {
                    uint32_t bits = inf_float_bits(x[i]) & 0x7fffffff;
                    most = bits > most ? bits : most;
                }
                half = inf_half_from_float(inf_float_from_bits(most) / 127.0f);
                memcpy(scales + 2 * (d / 32) * step, &half, 2);
                float scale = inf_half_to_float(half);
                inverse = scale > 0.0f && scale < INFINITY ? 1.0f / scale : 0.0f;
            }
            float v = inverse > 0.0f ? rintf(x[d] * inverse) : 0.0f;
            at[d * step] = (uint8_t)(int8_t)(v > 127.0f ? 127.0f : v < -127.0f ? -127.0f : v);
            break;
        }
    }
}

void inf_k_kv_store_ref(const struct inf_kv_store_args *a)
{
    size_t lane = a->position % 16;
    size_t width = a->kv == INF_KV_F32 ? 4 : a->kv == INF_KV_Q8_0 ? 1 : 2;
    uint8_t *group = a->k_head + a->position / 16 * 16 * inf_kv_row_bytes(a->kv, a->k_size);
    store(a->kv, a->k, a->k_size, 16, group + lane * width, group + a->k_size * 16 + lane * 2);
    if (!a->v_size)
        return;
    uint8_t *v = a->v_head + a->position * inf_kv_row_bytes(a->kv, a->v_size);
    store(a->kv, a->v, a->v_size, 1, v, v + a->v_size);
}

static float value(const struct inf_attn_args *a, size_t p, size_t d)
{
    return a->v_tile ? inf_v_number(a->kv, a->v_tile, a->v_size, p, d)
                     : inf_k_number(a->kv, a->k_tile, a->k_size, p, d);
}

static void attend_row(const struct inf_attn_args *a, size_t r)
{
    const float *q = a->q + r * a->q_stride;
    float *weight = a->scratch, *acc = a->acc + r * a->acc_stride, lanes[16] = {0};
    size_t first = a->first[r], end = a->end[r];
    a->most[r] = -INFINITY;
    a->sum[r] = 0.0f;
    memset(acc, 0, a->v_size * sizeof *acc);
    for (size_t p = first; p < end; p++) {
        float score = 0.0f;
        for (size_t d = 0; d < a->k_size; d++)
            score = fmaf(inf_k_number(a->kv, a->k_tile, a->k_size, p, d), q[d], score);
        weight[p] = a->cap > 0.0f ? inf_soft_cap_ref(score, a->cap) : score;
        a->most[r] = !(weight[p] <= a->most[r]) ? weight[p] : a->most[r];
    }
    for (size_t p = first; p < end; p++) {
        weight[p] = inf_exp_ref(weight[p] - a->most[r]);
        lanes[p % 16] = fmaf(weight[p], 1.0f, lanes[p % 16]);
        for (size_t d = 0; d < a->v_size; d++)
            acc[d] = fmaf(weight[p], value(a, p, d), acc[d]);
    }
    if (first >= end)
        return;
    a->most[r] += 0.0f;
    a->sum[r] = inf_lanes_total(lanes);
}

void inf_k_attn_ref(const struct inf_attn_args *a)
{
    for (size_t r = 0; r < a->rows; r++)
        attend_row(a, r);
}

void inf_k_attn_merge_ref(const struct inf_attn_merge_args *a)
{
    if (a->sum_t == 0.0f)
        return;
    if (*a->sum == 0.0f) {
        *a->most = a->most_t;
        *a->sum = a->sum_t;
        memcpy(a->acc, a->acc_t, a->v_size * sizeof *a->acc);
        return;
    }
    float m = *a->most > a->most_t ? *a->most : a->most_t;
    float old = inf_exp_ref(*a->most - m), new = inf_exp_ref(a->most_t - m);
    *a->most = m;
    *a->sum = fmaf(*a->sum, old, a->sum_t * new);
    for (size_t d = 0; d < a->v_size; d++)
        a->acc[d] = fmaf(a->acc[d], old, a->acc_t[d] * new);
}
