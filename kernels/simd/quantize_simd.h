/* Activations to int8 over a v16. Include a level's v16 header first. */
#ifndef INF_QUANTIZE_SIMD_H
#define INF_QUANTIZE_SIMD_H

#define QUANTIZE_INFINITE 0x7f800000u
#define QUANTIZE_SMALLEST 0x0d800000u /* bits of 2^-100 */

/* Where each number's whole 32 is in the common range: finite, and not below 2^-100. */
static inline bool quantize_common(const float *largest, size_t n)
{
    bool common = true;
    for (size_t i = 0; i < n; i++)
        common &=
            inf_float_bits(largest[i]) - QUANTIZE_SMALLEST < QUANTIZE_INFINITE - QUANTIZE_SMALLEST;
    return common;
}

/* x (32) as int8 at q; the sums of its halves to sums; returns the scale. */
static inline float quantize_32(const float *x, uint8_t *q, int32_t sums[2])
{
    v16 a = v16_load(x), b = v16_load(x + 16);
    uint32_t bits = v16_largest_bits(v16_abs_max(a, b));
    float largest = inf_float_from_bits(bits);
    if (!quantize_common(&largest, 1)) {
        memset(q, 0, 32);
        sums[0] = sums[1] = 0;
        return bits >= QUANTIZE_INFINITE ? NAN : 0.0f;
    }
    v16 inverse = v16_set(127.0f / largest);
    sums[0] = v16_to_i8(q, v16_mul(a, inverse));
    sums[1] = v16_to_i8(q + 16, v16_mul(b, inverse));
    return largest / 127.0f;
}

/* x (256) as int8 at q, with 8 scales and 16 sums. */
static inline void quantize_256(const float *x, uint8_t *q, float scale[8], int32_t sums[16])
{
    v16 most[8];
    float largest[8], inverse[8];
    for (size_t j = 0; j < 8; j++)
        most[j] = v16_abs_max(v16_load(x + 32 * j), v16_load(x + 32 * j + 16));
    v16_largest_8(most, largest);
    if (!quantize_common(largest, 8)) {
        for (size_t j = 0; j < 8; j++)
            scale[j] = quantize_32(x + 32 * j, q + 32 * j, sums + 2 * j);
        return;
    }
    for (size_t j = 0; j < 8; j++) {
        inverse[j] = 127.0f / largest[j];
        scale[j] = largest[j] / 127.0f;
    }
    for (size_t j = 0; j < 16; j++)
        v16_put_i8(q + 16 * j, v16_mul(v16_load(x + 16 * j), v16_set(inverse[j / 2])));
    v16_sums_16(q, sums);
}

/* t (16) as int16, 16 of them to xm; returns the scale. */
static inline float quantize_sums(const float *t, uint8_t *xm)
{
    v16 x = v16_load(t);
    uint32_t bits = v16_largest_bits(v16_abs_max(x, x));
    float most = inf_float_from_bits(bits);
    if (!quantize_common(&most, 1)) {
        memset(xm, 0, 32);
        return bits >= QUANTIZE_INFINITE ? NAN : 0.0f;
    }
    v16_to_i16(xm, v16_mul(x, v16_set(32767.0f / most)));
    return most / 32767.0f;
}

/* What stands beside the q of blocks b ... b + n: scales and sums. */
static inline void quantize_put(const struct inf_quantize_args *a, size_t b, size_t n,
                                const float *scale, const int32_t *sums)
{
    int32_t neg32[8], neg16[16];
    for (size_t j = 0; j < n; j++) {
        neg16[2 * j] = -128 * sums[2 * j];
        neg16[2 * j + 1] = -128 * sums[2 * j + 1];
        neg32[j] = neg16[2 * j] + neg16[2 * j + 1];
    }
    memcpy(a->column + inf_acts_scale_at(a->k) + 4 * b, scale, 4 * n);
    memcpy(a->column + inf_acts_neg32_at(a->k) + 4 * b, neg32, 4 * n);
    memcpy(a->column + inf_acts_neg16_at(a->k) + 8 * b, neg16, 8 * n);
}

/* Number `super` of the 256s: its sums as int16. */
static inline void quantize_put_sums(const struct inf_quantize_args *a, size_t super,
                                     const float scale[8], const int32_t sums[16])
{
    uint8_t xm[32];
    float t32[16] = {0}, t16[16], mscale;
    for (size_t j = 0; j < 8; j++) {
        t32[j] = scale[j] * (float)(sums[2 * j] + sums[2 * j + 1]);
        t16[2 * j] = scale[j] * (float)sums[2 * j];
        t16[2 * j + 1] = scale[j] * (float)sums[2 * j + 1];
    }
    mscale = quantize_sums(t32, xm);
    memcpy(a->column + inf_acts_mscale32_at(a->k) + 4 * super, &mscale, 4);
    memcpy(a->column + inf_acts_xm32_at(a->k) + 16 * super, xm, 16);
    mscale = quantize_sums(t16, xm);
    memcpy(a->column + inf_acts_mscale16_at(a->k) + 4 * super, &mscale, 4);
    memcpy(a->column + inf_acts_xm16_at(a->k) + 32 * super, xm, 32);
}

static inline void quantize_v16(const struct inf_quantize_args *a)
{
    size_t blocks = a->k / 32, b = 0;
    float scale[8];
    int32_t sums[16];
    for (; b + 8 <= blocks; b += 8) {
        quantize_256(a->x + 32 * b, a->column + 32 * b, scale, sums);
        quantize_put(a, b, 8, scale, sums);
        quantize_put_sums(a, b / 8, scale, sums);
    }
    for (; b < blocks; b++) {
        scale[0] = quantize_32(a->x + 32 * b, a->column + 32 * b, sums);
        quantize_put(a, b, 1, scale, sums);
    }
}

#endif
