/* The ops of recurrent layers over a v16. Include a level's v16 header first. */
#ifndef INF_RECUR_SIMD_H
#define INF_RECUR_SIMD_H

#include "kernels/simd/exp_simd.h"

#define RECUR_INLINE static inline __attribute__((always_inline))

/* Tap j of n channels of weight (channels, taps), for each j. */
RECUR_INLINE void conv_weights(const float *weight, size_t taps, size_t n, v16 *out)
{
    float by_tap[INF_CONV_TAPS][16] = {{0}};
    if (n == 16 && taps == 4) {
        v16 even[2], odd[2];
        for (int i = 0; i < 2; i++)
            v16_unzip(weight + i * 32, &even[i], &odd[i]);
        for (int i = 0; i < 2; i++) {
            v16_store(by_tap[i], even[i]);
            v16_store(by_tap[2 + i], odd[i]);
        }
        v16_unzip(by_tap[0], &out[0], &out[2]);
        v16_unzip(by_tap[2], &out[1], &out[3]);
        return;
    }
    for (size_t c = 0; c < n; c++)
        for (size_t j = 0; j < taps; j++)
            by_tap[j][c] = weight[c * taps + j];
    for (size_t j = 0; j < taps; j++)
        out[j] = v16_load(by_tap[j]);
}

RECUR_INLINE v16 conv_load(const float *at, size_t n)
{
    return n == 16 ? v16_load(at) : v16_load_part(at, n);
}

RECUR_INLINE void conv_store(float *at, v16 x, size_t n)
{
    if (n == 16)
        v16_store(at, x);
    else
        v16_store_part(at, x, n);
}

/* n channels from c on, through all rows: the window stays in registers. */
RECUR_INLINE void conv_channels(const struct inf_conv_args *a, size_t c, size_t n, size_t taps)
{
    v16 w[INF_CONV_TAPS], window[INF_CONV_TAPS], bias = v16_set(0.0f);
    conv_weights(a->weight + c * taps, taps, n, w);
    for (size_t j = 0; j + 1 < taps; j++)
        window[j] = conv_load(a->state + j * a->state_stride + c, n);
    if (a->bias)
        bias = conv_load(a->bias + c, n);
    for (size_t t = 0; t < a->rows; t++) {
        float *x = a->x + t * a->x_stride + c;
        v16 acc = v16_set(0.0f);
        window[taps - 1] = conv_load(x, n);
        for (size_t j = 0; j < taps; j++)
            acc = v16_fma(w[j], window[j], acc);
        if (a->bias)
            acc = v16_add(acc, bias);
        if (a->silu)
            acc = v16_div(acc, v16_add(v16_set(1.0f), exp_v16(v16_neg(acc))));
        conv_store(x, acc, n);
        for (size_t j = 0; j + 1 < taps; j++)
            window[j] = window[j + 1];
    }
    for (size_t j = 0; j + 1 < taps; j++)
        conv_store(a->state + j * a->state_stride + c, window[j], n);
}

static inline void conv_v16(const struct inf_conv_args *a)
{
    for (size_t c = 0; c < a->channels; c += 16) {
        size_t n = a->channels - c < 16 ? a->channels - c : 16;
        if (n == 16 && a->taps == 4)
            conv_channels(a, c, 16, 4);
        else if (n == 16 && a->taps == 3)
            conv_channels(a, c, 16, 3);
        else
            conv_channels(a, c, n, a->taps);
    }
}

static inline v16 softplus_v16(v16 s)
{
    v16 zero = v16_set(0.0f), two = v16_set(2.0f);
    v16 e = exp_v16(v16_if_less(zero, s, v16_neg(s), s));
    v16 z = v16_div(e, v16_add(two, e)), y = v16_mul(z, z), t = v16_mul(two, z);
    v16 h = v16_set(1.0f / 17.0f);
    for (int n = 15; n >= 3; n -= 2)
        h = v16_fma(h, y, v16_set(1.0f / (float)n));
    return v16_add(v16_if_less(zero, s, s, zero), v16_fma(v16_mul(t, y), h, t));
}

static inline void gates_v16(const struct inf_gates_args *a)
{
    v16 one = v16_set(1.0f);
    for (size_t i = 0; i < a->n; i += 16) {
        size_t n = a->n - i < 16 ? a->n - i : 16;
        v16 soft = softplus_v16(v16_add(conv_load(a->alpha + i, n), conv_load(a->bias + i, n)));
        v16 beta = soft;
        if (a->raw)
            beta = v16_div(one, v16_add(one, exp_v16(v16_neg(conv_load(a->raw + i, n)))));
        conv_store(a->beta + i, beta, n);
        conv_store(a->g + i, exp_v16(v16_mul(conv_load(a->a + i, n), soft)), n);
    }
}

/* One key of the state of `groups` groups of 16 values: the sums p over S * x. */
RECUR_INLINE void recur_look(const float *s, size_t group_floats, float x, int groups, v16 p[])
{
    v16 factor = v16_set(x);
    for (int w = 0; w < groups; w++)
        p[w] = v16_fma(v16_load(s + w * group_floats), factor, p[w]);
}

RECUR_INLINE void recur_step(float *s, size_t group_floats, float k, float q, v16 g, const v16 u[],
                             int groups, v16 p[])
{
    v16 key = v16_set(k), query = v16_set(q), next[V16_RECUR];
    for (int w = 0; w < groups; w++) /* all loads first: groups may be multiples of 4 KiB apart */
        next[w] = v16_fma(key, u[w], v16_mul(g, v16_load(s + w * group_floats)));
    for (int w = 0; w < groups; w++) {
        v16_store(s + w * group_floats, next[w]);
        p[w] = v16_fma(next[w], query, p[w]);
    }
}

RECUR_INLINE void recur_zero(v16 p[4][V16_RECUR], int groups)
{
    for (int r = 0; r < 4; r++)
        for (int w = 0; w < groups; w++)
            p[r][w] = v16_set(0.0f);
}

RECUR_INLINE v16 recur_total(v16 p[4][V16_RECUR], int w)
{
    return v16_add(v16_add(p[0][w], p[2][w]), v16_add(p[1][w], p[3][w]));
}

/* `groups` groups of 16 values from the first at `s` on, through all rows: their part of the state
 * stays in the first cache. values: of the last group 16 or fewer. */
RECUR_INLINE void recur_groups(const struct inf_recur_args *a, float *s, size_t j, int groups,
                               size_t values)
{
    size_t keys = a->keys, whole = keys & ~(size_t)3, apart = keys * 16;
    for (size_t t = 0; t < a->rows; t++) {
        const float *k = a->k + t * a->x_stride, *q = a->q + t * a->x_stride;
        const float *v_at = a->v + t * a->x_stride + j;
        float *out = a->out + t * a->out_stride + j;
        v16 p[4][V16_RECUR], u[V16_RECUR], v[V16_RECUR];
        v16 g = v16_set(a->g[t * a->gate_stride]), beta = v16_set(a->beta[t * a->gate_stride]);
        for (int w = 0; w < groups; w++)
            v[w] = u[w] = conv_load(v_at + w * 16, w + 1 < groups ? 16 : values);
        if (a->correct) {
            recur_zero(p, groups);
            for (size_t i = 0; i < whole; i += 4)
                for (int r = 0; r < 4; r++)
                    recur_look(s + (i + r) * 16, apart, k[i + r], groups, p[r]);
            for (int r = 0; r < 3; r++)
                if (whole + r < keys)
                    recur_look(s + (whole + r) * 16, apart, k[whole + r], groups, p[r]);
            for (int w = 0; w < groups; w++)
                u[w] = v16_fma(v16_neg(g), recur_total(p, w), v[w]);
        }
        for (int w = 0; w < groups; w++)
            u[w] = v16_mul(beta, u[w]);
        recur_zero(p, groups);
        for (size_t i = 0; i < whole; i += 4)
            for (int r = 0; r < 4; r++)
                recur_step(s + (i + r) * 16, apart, k[i + r], q[i + r], g, u, groups, p[r]);
        for (int r = 0; r < 3; r++)
            if (whole + r < keys)
                recur_step(s + (whole + r) * 16, apart, k[whole + r], q[whole + r], g, u, groups,
                           p[r]);
        for (int w = 0; w < groups; w++)
            conv_store(out + w * 16, v16_fma(v16_set(a->skip), v[w], recur_total(p, w)),
                       w + 1 < groups ? 16 : values);
    }
}

static inline void recur_v16(const struct inf_recur_args *a)
{
    size_t j = 0, apart = a->keys * 16;
    float *s = a->state;
    /* one row is bound by memory, and reads best as one stream */
    for (; a->rows > 1 && j + 16 * V16_RECUR <= a->values;
         j += 16 * V16_RECUR, s += V16_RECUR * apart)
        recur_groups(a, s, j, V16_RECUR, 16);
    for (; j < a->values; j += 16, s += apart)
        recur_groups(a, s, j, 1, a->values - j < 16 ? a->values - j : 16);
}

#endif
