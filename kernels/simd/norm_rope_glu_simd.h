/* Norm, RoPE and gated activation over a v16. Include a level's v16 header first. */
#ifndef INF_NORM_ROPE_GLU_SIMD_H
#define INF_NORM_ROPE_GLU_SIMD_H

#include "kernels/simd/exp_simd.h"

static inline void rmsnorm_v16(const struct inf_rmsnorm_args *a)
{
    size_t whole = a->n & ~(size_t)15, rest = a->n - whole;
    v16 s = v16_set(0.0f);
    for (size_t i = 0; i < whole; i += 16) {
        v16 x = v16_load(a->x + i);
        s = v16_fma(x, x, s);
    }
    if (rest) {
        v16 x = v16_load_part(a->x + whole, rest); /* fma(0, 0, s) is s: no sum here is -0 */
        s = v16_fma(x, x, s);
    }
    v16 r = v16_set(1.0f / sqrtf(v16_total(s) / (float)a->n + a->eps));
    for (size_t i = 0; i < whole; i += 16)
        v16_store(a->out + i, v16_mul(v16_mul(v16_load(a->x + i), r), v16_load(a->weight + i)));
    if (rest) {
        v16 x = v16_mul(v16_load_part(a->x + whole, rest), r);
        v16_store_part(a->out + whole, v16_mul(x, v16_load_part(a->weight + whole, rest)), rest);
    }
}

static inline void layernorm_store(const struct inf_layernorm_args *a, size_t i, v16 x, v16 r,
                                   size_t n)
{
    v16 weight = v16_load_part(a->weight + i, n);
    x = v16_mul(x, r);
    x = a->bias ? v16_fma(x, weight, v16_load_part(a->bias + i, n)) : v16_mul(x, weight);
    v16_store_part(a->out + i, x, n);
}

static inline void layernorm_v16(const struct inf_layernorm_args *a)
{
    size_t whole = a->n & ~(size_t)15, rest = a->n - whole;
    v16 s = v16_set(0.0f), none = v16_set(0.0f);
    for (size_t i = 0; i < whole; i += 16)
        s = v16_add(s, v16_load(a->x + i));
    if (rest)
        s = v16_add(s, v16_load_part(a->x + whole, rest));
    v16 mean = v16_set(v16_total(s) / (float)a->n);
    s = none;
    for (size_t i = 0; i < whole; i += 16) {
        v16 d = v16_sub(v16_load(a->x + i), mean);
        s = v16_fma(d, d, s);
    }
    if (rest) {
        v16 d = v16_sub(v16_load_part(a->x + whole, rest), mean);
        d = v16_keep(d, 0, rest, none);
        s = v16_fma(d, d, s);
    }
    v16 r = v16_set(1.0f / sqrtf(v16_total(s) / (float)a->n + a->eps));
    for (size_t i = 0; i < whole; i += 16)
        layernorm_store(a, i, v16_sub(v16_load(a->x + i), mean), r, 16);
    if (rest)
        layernorm_store(a, whole, v16_sub(v16_load_part(a->x + whole, rest), mean), r, rest);
}

static inline void rope_turn(v16 *x, v16 *y, v16 cosine, v16 sine)
{
    v16 a = *x, b = *y;
    *x = v16_fma(a, cosine, v16_neg(v16_mul(b, sine)));
    *y = v16_fma(a, sine, v16_mul(b, cosine));
}

static inline void rope_head_split(float *head, const float *cosine, const float *sine, size_t half)
{
    size_t i = 0;
    v16 x, y;
    for (; i + 16 <= half; i += 16) {
        x = v16_load(head + i);
        y = v16_load(head + half + i);
        rope_turn(&x, &y, v16_load(cosine + i), v16_load(sine + i));
        v16_store(head + i, x);
        v16_store(head + half + i, y);
    }
    if (i < half) {
        size_t rest = half - i;
        x = v16_load_part(head + i, rest);
        y = v16_load_part(head + half + i, rest);
        rope_turn(&x, &y, v16_load_part(cosine + i, rest), v16_load_part(sine + i, rest));
        v16_store_part(head + i, x, rest);
        v16_store_part(head + half + i, y, rest);
    }
}

static inline void rope_head_adjacent(float *head, const float *cosine, const float *sine,
                                      size_t half)
{
    size_t i = 0;
    v16 x, y;
    for (; i + 16 <= half; i += 16) {
        v16_unzip(head + 2 * i, &x, &y);
        rope_turn(&x, &y, v16_load(cosine + i), v16_load(sine + i));
        v16_zip(head + 2 * i, x, y);
    }
    if (i < half) {
        float pairs[32] = {0};
        size_t rest = half - i;
        memcpy(pairs, head + 2 * i, 2 * rest * sizeof *pairs);
        v16_unzip(pairs, &x, &y);
        rope_turn(&x, &y, v16_load_part(cosine + i, rest), v16_load_part(sine + i, rest));
        v16_zip(pairs, x, y);
        memcpy(head + 2 * i, pairs, 2 * rest * sizeof *pairs);
    }
}

static inline void rope_v16(const struct inf_rope_args *a)
{
    for (size_t h = 0; h < a->heads; h++) {
        float *head = a->x + h * a->head_size;
        if (a->adjacent)
            rope_head_adjacent(head, a->cos, a->sin, a->half);
        else
            rope_head_split(head, a->cos, a->sin, a->half);
    }
}

static inline v16 silu_v16(v16 x)
{
    return v16_div(x, v16_add(v16_set(1.0f), exp_v16(v16_neg(x))));
}

static inline v16 gelu_v16(v16 x)
{
    v16 cube = v16_fma(v16_mul(v16_set(0.044715f), v16_mul(x, x)), x, x);
    v16 negative = v16_mul(v16_set(-1.5957691216f), cube);
    return v16_div(x, v16_add(v16_set(1.0f), exp_v16(negative)));
}

static inline v16 gelu_erf_v16(v16 x)
{
    v16 zero = v16_set(0.0f), one = v16_set(1.0f);
    v16 a = v16_if_less(x, zero, v16_neg(x), x);
    v16 t = v16_mul(v16_set(0.70710678f), a);
    v16 k = v16_div(one, v16_fma(v16_set(0.3275911f), t, one));
    v16 p = v16_set(INF_ERFC_C5);
    p = v16_fma(p, k, v16_set(INF_ERFC_C4));
    p = v16_fma(p, k, v16_set(INF_ERFC_C3));
    p = v16_fma(p, k, v16_set(INF_ERFC_C2));
    p = v16_mul(v16_fma(p, k, v16_set(INF_ERFC_C1)), k);
    v16 h = v16_mul(v16_mul(v16_set(0.5f), a), v16_mul(p, exp_v16(v16_neg(v16_mul(t, t)))));
    return v16_sub(v16_if_less(x, zero, zero, x), h);
}

static inline v16 relu_squared_v16(v16 x)
{
    v16 zero = v16_set(0.0f), m = v16_if_less(x, zero, zero, x);
    return v16_mul(m, m);
}

static inline v16 sigmoid_v16(v16 x)
{
    v16 one = v16_set(1.0f);
    return v16_div(one, v16_add(one, exp_v16(v16_neg(x))));
}

static inline v16 linear_v16(v16 x)
{
    return x;
}

static inline __attribute__((always_inline)) void glu_all(const struct inf_glu_args *a,
                                                          v16 (*f)(v16))
{
    size_t i = 0;
    for (; i + 16 <= a->n; i += 16) {
        v16 x = f(v16_load(a->gate + i));
        v16_store(a->out + i, a->up ? v16_mul(x, v16_load(a->up + i)) : x);
    }
    if (i < a->n) {
        size_t rest = a->n - i;
        v16 x = f(v16_load_part(a->gate + i, rest));
        v16_store_part(a->out + i, a->up ? v16_mul(x, v16_load_part(a->up + i, rest)) : x, rest);
    }
}

static inline v16 swiglu_clamped_v16(v16 gate, v16 up)
{
    v16 limit = v16_set(INF_SWIGLU_LIMIT), low = v16_set(-INF_SWIGLU_LIMIT), one = v16_set(1.0f);
    v16 g = v16_if_less(limit, gate, limit, gate), u = v16_if_less(limit, up, limit, up);
    u = v16_if_less(u, low, low, u);
    v16 e = exp_v16(v16_mul(v16_set(-INF_SWIGLU_ALPHA), g));
    return v16_mul(v16_div(g, v16_add(one, e)), v16_add(u, one));
}

static inline void glu_clamped(const struct inf_glu_args *a)
{
    size_t i = 0;
    for (; i + 16 <= a->n; i += 16)
        v16_store(a->out + i, swiglu_clamped_v16(v16_load(a->gate + i), v16_load(a->up + i)));
    if (i < a->n) {
        size_t rest = a->n - i;
        v16 gate = v16_load_part(a->gate + i, rest), up = v16_load_part(a->up + i, rest);
        v16_store_part(a->out + i, swiglu_clamped_v16(gate, up), rest);
    }
}

static inline v16 xielu_v16(const struct inf_xielu *p, v16 x)
{
    v16 eps = v16_set(p->eps), straight = v16_mul(v16_set(p->beta), x);
    v16 above = v16_fma(v16_mul(v16_set(p->positive), x), x, straight);
    v16 e = v16_sub(exp_v16(v16_if_less(eps, x, eps, x)), v16_set(1.0f));
    v16 below = v16_fma(v16_sub(e, x), v16_set(p->negative), straight);
    return v16_if_less(v16_set(0.0f), x, above, below);
}

static inline void glu_xielu(const struct inf_glu_args *a)
{
    size_t i = 0;
    for (; i + 16 <= a->n; i += 16)
        v16_store(a->out + i, xielu_v16(a->xielu, v16_load(a->gate + i)));
    if (i < a->n) {
        size_t rest = a->n - i;
        v16_store_part(a->out + i, xielu_v16(a->xielu, v16_load_part(a->gate + i, rest)), rest);
    }
}

static inline void glu_v16(const struct inf_glu_args *a)
{
    switch (a->activation) {
    case INF_SILU:
        glu_all(a, silu_v16);
        break;
    case INF_GELU_TANH:
        glu_all(a, gelu_v16);
        break;
    case INF_GELU_ERF:
        glu_all(a, gelu_erf_v16);
        break;
    case INF_RELU_SQUARED:
        glu_all(a, relu_squared_v16);
        break;
    case INF_SIGMOID:
        glu_all(a, sigmoid_v16);
        break;
    case INF_LINEAR:
        glu_all(a, linear_v16);
        break;
    case INF_SWIGLU_CLAMPED:
        glu_clamped(a);
        break;
    case INF_XIELU:
        glu_xielu(a);
        break;
    }
}

static inline void softcap_v16(const struct inf_softcap_args *a)
{
    size_t i = 0;
    for (; i + 16 <= a->n; i += 16) {
        v16 x = v16_load(a->x + i);
        v16_store(a->x + i, v16_add(soft_cap_v16(x, a->cap), v16_sub(x, x)));
    }
    if (i < a->n) {
        v16 x = v16_load_part(a->x + i, a->n - i);
        v16_store_part(a->x + i, v16_add(soft_cap_v16(x, a->cap), v16_sub(x, x)), a->n - i);
    }
}

#endif
