/*
 * Half and brain floats to float and back, exactly, in plain integer arithmetic; and numbers at
 * addresses that need not be aligned (everything in a file is little-endian, as are our machines).
 */
#ifndef INF_HALF_H
#define INF_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint16_t inf_load_u16(const void *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint32_t inf_load_u32(const void *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint64_t inf_load_u64(const void *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline float inf_float_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t inf_float_bits(float f)
{
    return inf_load_u32(&f);
}

/* IEEE half: subnormals count, NaN stays NaN. Choices, not branches, so that loops vectorize. */
static inline float inf_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7fff;
    uint32_t normal = (magnitude << 13) + 0x38000000; /* 127 - 15 more of exponent */
    uint32_t special = magnitude << 13 | 0x7f800000 | (magnitude > 0x7c00 ? 0x00400000 : 0);
    uint32_t small = inf_float_bits((float)(int32_t)magnitude * 0x1p-24f);
    uint32_t bits = magnitude < 0x0400 ? small : normal;
    bits = magnitude >= 0x7c00 ? special : bits;
    return inf_float_from_bits(sign | bits);
}

/* Round to nearest even; what is too large becomes infinite. */
static inline uint16_t inf_half_from_float(float f)
{
    uint32_t bits = inf_float_bits(f), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
    if (magnitude >= 0x477ff000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) { /* below 2^-14: a multiple of 2^-24 */
        float shifted = inf_float_from_bits(magnitude) + 0.5f; /* one ulp of 0.5 is 2^-24 */
        return (uint16_t)(sign | (inf_float_bits(shifted) - 0x3f000000));
    }
    uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((rounded - 0x38000000) >> 13));
}

static inline float inf_bf16_to_float(uint16_t b)
{
    return inf_float_from_bits((uint32_t)b << 16);
}

static inline uint16_t inf_bf16_from_float(float f)
{
    uint32_t bits = inf_float_bits(f);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* 2^(e - 128), the scale of MXFP4 (whose codes are doubled); subnormal for e < 2. */
static inline float inf_e8m0_half_to_float(uint8_t e)
{
    return inf_float_from_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

/* Half an E4M3 number without a sign (NVFP4, whose codes are doubled): bit 7 is ignored, the NaN
 * is 0. */
static inline float inf_e4m3_half_to_float(uint8_t x)
{
    uint32_t exponent = x >> 3 & 15, mantissa = x & 7;
    if ((x & 127) == 127)
        return 0.0f;
    if (exponent)
        return inf_float_from_bits((exponent + 119) << 23 | mantissa << 20);
    return (float)mantissa * 0x1p-10f;
}

#endif
