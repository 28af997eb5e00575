/* The scalar building blocks of the one arithmetic (kernel.h says what each is). */
#ifndef INF_MATH_REF_H
#define INF_MATH_REF_H

#include "kernels/kernel.h"

#include <math.h>

/* Adds sixteen partial sums by the fixed tree. */
static inline float inf_lanes_total(float s[16])
{
    for (int step = 8; step > 0; step /= 2)
        for (int i = 0; i < step; i++)
            s[i] += s[i + step];
    return s[0];
}

static inline float inf_exp_ref(float x)
{
    if (x < -104.0f)
        return 0.0f;
    if (x > 89.0f)
        return INFINITY;
    if (x != x)
        return x;
    float t = rintf(x * INF_EXP_LOG2E);
    float r = fmaf(t, -INF_EXP_LN2_HI, x);
    r = fmaf(t, -INF_EXP_LN2_LO, r);
    float h = INF_EXP_C7;
    h = fmaf(h, r, INF_EXP_C6);
    h = fmaf(h, r, INF_EXP_C5);
    h = fmaf(h, r, INF_EXP_C4);
    h = fmaf(h, r, INF_EXP_C3);
    h = fmaf(h, r, INF_EXP_C2);
    h = fmaf(h, r * r, r);
    float p = h + 1.0f;
    int power = (int)t, low = power >> 1, high = power - low;
    return p * inf_float_from_bits((uint32_t)(low + 127) << 23) *
           inf_float_from_bits((uint32_t)(high + 127) << 23);
}

static inline float inf_silu_ref(float x)
{
    return x / (1.0f + inf_exp_ref(-x));
}

static inline float inf_soft_cap_ref(float x, float cap)
{
    float e = inf_exp_ref(x * (2.0f / cap));
    return fmaf(-2.0f * cap, 1.0f / (e + 1.0f), cap);
}

/* Number d of position p in a group of K, and number d of a row of V. */
static inline float inf_kv_number(enum inf_kv kv, const uint8_t *at, size_t index)
{
    switch (kv) {
    case INF_KV_F32:
        return inf_float_from_bits(inf_load_u32(at + 4 * index));
    case INF_KV_F16:
        return inf_half_to_float(inf_load_u16(at + 2 * index));
    case INF_KV_BF16:
        return inf_bf16_to_float(inf_load_u16(at + 2 * index));
    case INF_KV_Q8_0:
        break;
    }
    return (float)(int8_t)at[index];
}

static inline float inf_k_number(enum inf_kv kv, const uint8_t *k_head, size_t head_size, size_t p,
                                 size_t d)
{
    const uint8_t *group = k_head + p / 16 * 16 * inf_kv_row_bytes(kv, head_size);
    float number = inf_kv_number(kv, group, d * 16 + p % 16);
    if (kv == INF_KV_Q8_0)
        number *=
            inf_half_to_float(inf_load_u16(group + head_size * 16 + 2 * (d / 32 * 16 + p % 16)));
    return number;
}

static inline float inf_v_number(enum inf_kv kv, const uint8_t *v_head, size_t head_size, size_t p,
                                 size_t d)
{
    const uint8_t *row = v_head + p * inf_kv_row_bytes(kv, head_size);
    float number = inf_kv_number(kv, row, d);
    if (kv == INF_KV_Q8_0)
        number *= inf_half_to_float(inf_load_u16(row + head_size + 2 * (d / 32)));
    return number;
}

#endif
