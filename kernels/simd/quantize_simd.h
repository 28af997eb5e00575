/* Activations to int8 over a v16. Include a level's v16 header first. */
#ifndef INF_QUANTIZE_SIMD_H
#define INF_QUANTIZE_SIMD_H

#define QUANTIZE_SMALLEST 0x1p-100f

/* Whether all (magnitudes) are in the common range: finite, and not below 2^-100. */
static inline bool quantize_common(v16 largest)
{
    v16 below = v16_set(inf_float_from_bits(inf_float_bits(QUANTIZE_SMALLEST) - 1));
    return v16_all_less(below, largest) && v16_all_less(largest, v16_set(INFINITY));
}

/* The scale of what is not in the common range. */
static inline float quantize_uncommon(float largest)
{
    return largest < QUANTIZE_SMALLEST ? 0.0f : NAN;
}

/* x (32) as int8 at q; the sums of its halves to sums; returns the scale. */
static inline float quantize_32(const float *x, uint8_t *q, int32_t sums[2])
{
    v16 a = v16_load(x), b = v16_load(x + 16);
    float largest = inf_float_from_bits(v16_largest_bits(v16_abs_max(a, b)));
    if (!quantize_common(v16_set(largest))) {
        memset(q, 0, 32);
        sums[0] = sums[1] = 0;
        return quantize_uncommon(largest);
    }
    v16 inverse = v16_set(127.0f / largest);
    sums[0] = v16_to_i8(q, v16_mul(a, inverse));
    sums[1] = v16_to_i8(q + 16, v16_mul(b, inverse));
    return largest / 127.0f;
}

/* x (256) as int8 at q; returns the 8 scales, and 8 zeros. */
static inline v16 quantize_256(const float *x, uint8_t *q)
{
    v16 most[8], limit = v16_set(127.0f), zero = v16_set(0.0f);
    float quotient[16]; /* 8 scales and 8 inverses */
    int32_t sums[2];
    for (size_t j = 0; j < 8; j++)
        most[j] = v16_abs_max(v16_load(x + 32 * j), v16_load(x + 32 * j + 16));
    v16 largest = v16_largest_8(most);
    if (!quantize_common(largest)) {
        for (size_t j = 0; j < 8; j++)
            quotient[j] = quantize_32(x + 32 * j, q + 32 * j, sums);
        return v16_load_part(quotient, 8);
    }
    v16 quotients = v16_div(v16_keep(largest, 0, 8, limit), v16_keep(largest, 8, 16, limit));
    v16_store(quotient, quotients);
    for (size_t j = 0; j < 8; j += 2) {
        v16 first = v16_set(quotient[8 + j]), second = v16_set(quotient[9 + j]);
        const v16 scaled[4] = {
            v16_mul(v16_load(x + 32 * j), first), v16_mul(v16_load(x + 32 * j + 16), first),
            v16_mul(v16_load(x + 32 * j + 32), second), v16_mul(v16_load(x + 32 * j + 48), second)};
        v16_put_64(q + 32 * j, scaled);
    }
    return v16_keep(quotients, 0, 8, zero);
}

/* t (16) as int16 at xm; returns the scale. */
static inline float quantize_sums(v16 t, uint8_t *xm)
{
    float largest = inf_float_from_bits(v16_largest_bits(v16_abs_max(t, t)));
    if (!quantize_common(v16_set(largest))) {
        memset(xm, 0, 32);
        return quantize_uncommon(largest);
    }
    v16_to_i16(xm, v16_mul(t, v16_set(32767.0f / largest)));
    return largest / 32767.0f;
}

/* What the sums of number `super` of the 256s make; they are exact as floats. */
static inline void quantize_super(const struct inf_quantize_args *a, size_t super)
{
    size_t k = a->k;
    uint8_t numbers[64], *column = a->column;
    v16 scale = v16_load_part((float *)(void *)(column + inf_acts_scale_at(k)) + 8 * super, 8);
    v16 sums16 = v16_sums_16(column + 256 * super), sums32 = v16_pair_sums(sums16);
    v16 minus = v16_set(-128.0f);
    v16_to_i32(column + inf_acts_neg16_at(k) + 64 * super, v16_mul(sums16, minus));
    v16_to_i32(numbers, v16_mul(sums32, minus));
    memcpy(column + inf_acts_neg32_at(k) + 32 * super, numbers, 32);

    float mscale = quantize_sums(v16_mul(scale, sums32), numbers);
    memcpy(column + inf_acts_mscale32_at(k) + 4 * super, &mscale, 4);
    memcpy(column + inf_acts_xm32_at(k) + 16 * super, numbers, 16);
    mscale =
        quantize_sums(v16_mul(v16_twice(scale), sums16), column + inf_acts_xm16_at(k) + 32 * super);
    memcpy(column + inf_acts_mscale16_at(k) + 4 * super, &mscale, 4);
}

/* Two passes: each is one long chain of dependent steps, so neighbours must overlap. */
static inline void quantize_v16(const struct inf_quantize_args *a)
{
    size_t k = a->k;
    float *scales = (float *)(void *)(a->column + inf_acts_scale_at(k));
    for (size_t super = 0; super < k / 256; super++) {
        v16 scale = quantize_256(a->x + 256 * super, a->column + 256 * super);
        v16_store_part(scales + 8 * super, scale, 8);
    }
    for (size_t super = 0; super < k / 256; super++)
        quantize_super(a, super);
    for (size_t b = k / 256 * 8; b < k / 32; b++) { /* whole 32s behind the last 256 */
        int32_t sums[2], neg[3];
        float scale = quantize_32(a->x + 32 * b, a->column + 32 * b, sums);
        neg[0] = -128 * sums[0];
        neg[1] = -128 * sums[1];
        neg[2] = neg[0] + neg[1];
        memcpy(a->column + inf_acts_scale_at(k) + 4 * b, &scale, 4);
        memcpy(a->column + inf_acts_neg16_at(k) + 8 * b, neg, 8);
        memcpy(a->column + inf_acts_neg32_at(k) + 4 * b, &neg[2], 4);
    }
}

#endif
