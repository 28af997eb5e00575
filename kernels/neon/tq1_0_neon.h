/* TQ1_0 in four rows, for the product at each level of AArch64. */
#ifndef INF_TQ1_0_NEON_H
#define INF_TQ1_0_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_TQ1_0 256, 54, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_tq1_0_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    inf_neon_same_scales(s, 8, inf_neon_halves(p + 52, stride));
}

/* Digit k of bytes, less 1: times 3^k modulo 256, what times 3 then carries out. */
INF_NEON_INLINE int8x16_t inf_neon_tq1_0_digit(uint8x16_t bytes, uint32_t k)
{
    static const uint8_t powers[5] = {1, 3, 9, 27, 81};
    uint8x16_t rest = vmulq_u8(bytes, vdupq_n_u8(powers[k]));
    return vreinterpretq_s8_u8(
        vsubq_u8(vcltq_u8(rest, vdupq_n_u8(86)), vcgeq_u8(rest, vdupq_n_u8(171))));
}

INF_NEON_INLINE void inf_neon_tq1_0_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t v[3][4], last = vreinterpretq_u8_u32(inf_neon_dwords(p + 48, stride));
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 3; i++)
        inf_neon_load16(p + 16 * i, stride, v[i]);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 15; n++) { /* digit n / 2 of 32 bytes, then digit n - 10 of 16 */
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            codes.w[i] = n < 10 ? inf_neon_tq1_0_digit(v[n % 2][i], n / 2)
                                : inf_neon_tq1_0_digit(v[2][i], n - 10);
        inf_neon_put(s, n, codes);
    }
    struct inf_neon_codes codes;
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        codes.w[i] = inf_neon_tq1_0_digit(last, i);
    inf_neon_put(s, 15, codes);
}

#endif
