/* Activations to int8 over a v16. Include a level's v16 header first. */
#ifndef INF_QUANTIZE_SIMD_H
#define INF_QUANTIZE_SIMD_H

#define QUANTIZE_INFINITE 0x7f800000u
#define QUANTIZE_SMALLEST 0x0d800000u /* bits of 2^-100 */

static inline void quantize_put_i32(uint8_t *at, int32_t v)
{
    memcpy(at, &v, sizeof v);
}

static inline void quantize_put_float(uint8_t *at, float v)
{
    memcpy(at, &v, sizeof v);
}

/* x (32) as int8 at q; the sums of its halves to sums; returns the scale. */
static inline float quantize_32(const float *x, uint8_t *q, int32_t sums[2])
{
    v16 a = v16_load(x), b = v16_load(x + 16);
    uint32_t bits = v16_largest_bits(v16_abs_max(a, b));
    if (bits >= QUANTIZE_INFINITE || bits < QUANTIZE_SMALLEST) {
        memset(q, 0, 32);
        sums[0] = sums[1] = 0;
        return bits >= QUANTIZE_INFINITE ? NAN : 0.0f;
    }
    float largest = inf_float_from_bits(bits);
    v16 inverse = v16_set(127.0f / largest);
    sums[0] = v16_to_i8(q, v16_rint(v16_mul(a, inverse)));
    sums[1] = v16_to_i8(q + 16, v16_rint(v16_mul(b, inverse)));
    return largest / 127.0f;
}

/* t (16) as int16, 16 of them to xm; returns the scale. */
static inline float quantize_sums(const float *t, uint8_t *xm)
{
    v16 x = v16_load(t);
    uint32_t bits = v16_largest_bits(v16_abs_max(x, x));
    if (bits >= QUANTIZE_INFINITE || bits < QUANTIZE_SMALLEST) {
        memset(xm, 0, 32);
        return bits >= QUANTIZE_INFINITE ? NAN : 0.0f;
    }
    float most = inf_float_from_bits(bits);
    v16_to_i16(xm, v16_rint(v16_mul(x, v16_set(32767.0f / most))));
    return most / 32767.0f;
}

static inline void quantize_v16(const struct inf_quantize_args *a)
{
    size_t k = a->k;
    uint8_t *column = a->column, *scales = column + inf_acts_scale_at(k);
    uint8_t *neg32 = column + inf_acts_neg32_at(k), *neg16 = column + inf_acts_neg16_at(k);
    uint8_t xm[32];
    float t32[16] = {0}, t16[16];
    for (size_t b = 0; b < k / 32; b++) {
        int32_t sums[2];
        float scale = quantize_32(a->x + b * 32, column + b * 32, sums);
        quantize_put_float(scales + 4 * b, scale);
        quantize_put_i32(neg32 + 4 * b, -128 * (sums[0] + sums[1]));
        quantize_put_i32(neg16 + 8 * b, -128 * sums[0]);
        quantize_put_i32(neg16 + 8 * b + 4, -128 * sums[1]);
        t32[b % 8] = scale * (float)(sums[0] + sums[1]);
        t16[b % 8 * 2] = scale * (float)sums[0];
        t16[b % 8 * 2 + 1] = scale * (float)sums[1];
        if (b % 8 < 7)
            continue;
        quantize_put_float(column + inf_acts_mscale32_at(k) + b / 8 * 4, quantize_sums(t32, xm));
        memcpy(column + inf_acts_xm32_at(k) + b / 8 * 16, xm, 16);
        quantize_put_float(column + inf_acts_mscale16_at(k) + b / 8 * 4, quantize_sums(t16, xm));
        memcpy(column + inf_acts_xm16_at(k) + b / 8 * 32, xm, 32);
    }
}

#endif
