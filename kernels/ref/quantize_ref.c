/* Activations to int8 with a scale for each 32. */
#include "kernels/ref/math_ref.h"

#define INFINITE_BITS 0x7f800000u
#define SMALLEST 0x1p-100f

/* The largest magnitude, compared as bits: NaN wins over infinity, infinity over all else. */
static uint32_t largest_bits(const float *x, size_t n)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = inf_float_bits(x[i]) & 0x7fffffff;
        most = bits > most ? bits : most;
    }
    return most;
}

/* x (n) as integers of at most `limit`; returns the scale. */
static float scaled(const float *x, size_t n, float limit, int32_t *q)
{
    uint32_t bits = largest_bits(x, n);
    float largest = inf_float_from_bits(bits);
    if (bits >= INFINITE_BITS || largest < SMALLEST) {
        for (size_t i = 0; i < n; i++)
            q[i] = 0;
        return bits >= INFINITE_BITS ? NAN : 0.0f;
    }
    float inverse = limit / largest;
    for (size_t i = 0; i < n; i++) {
        float v = rintf(x[i] * inverse);
        q[i] = (int32_t)(v > limit ? limit : v < -limit ? -limit : v);
    }
    return largest / limit;
}

static void put_float(uint8_t *column, size_t at, size_t index, float v)
{
    memcpy(column + at + 4 * index, &v, 4);
}

static void put_i32(uint8_t *column, size_t at, size_t index, int32_t v)
{
    memcpy(column + at + 4 * index, &v, 4);
}

/* The sums of one 256, n to it, as int16 with one scale. */
static void put_sums(uint8_t *column, size_t mscale_at, size_t xm_at, size_t super, const float *t,
                     size_t n)
{
    int32_t xm[16];
    put_float(column, mscale_at, super, scaled(t, n, 32767.0f, xm));
    for (size_t j = 0; j < n; j++) {
        int16_t v = (int16_t)xm[j];
        memcpy(column + xm_at + 2 * (super * n + j), &v, 2);
    }
}

void inf_k_quantize_ref(const struct inf_quantize_args *a);

void inf_k_quantize_ref(const struct inf_quantize_args *a)
{
    size_t k = a->k;
    uint8_t *column = a->column;
    float t32[8], t16[16];
    for (size_t b = 0; b < k / 32; b++) {
        int32_t q[32], sums[2] = {0, 0};
        float scale = scaled(a->x + b * 32, 32, 127.0f, q);
        for (size_t i = 0; i < 32; i++) {
            column[b * 32 + i] = (uint8_t)(int8_t)q[i];
            sums[i / 16] += q[i];
        }
        put_float(column, inf_acts_scale_at(k), b, scale);
        put_i32(column, inf_acts_neg32_at(k), b, -128 * (sums[0] + sums[1]));
        put_i32(column, inf_acts_neg16_at(k), 2 * b, -128 * sums[0]);
        put_i32(column, inf_acts_neg16_at(k), 2 * b + 1, -128 * sums[1]);
        t32[b % 8] = scale * (float)(sums[0] + sums[1]);
        t16[b % 8 * 2] = scale * (float)sums[0];
        t16[b % 8 * 2 + 1] = scale * (float)sums[1];
        if (b % 8 == 7) {
            put_sums(column, inf_acts_mscale32_at(k), inf_acts_xm32_at(k), b / 8, t32, 8);
            put_sums(column, inf_acts_mscale16_at(k), inf_acts_xm16_at(k), b / 8, t16, 16);
        }
    }
}
