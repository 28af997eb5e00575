/* Q1_0 in four rows, for the product at each level of AArch64. */
#ifndef INF_Q1_0_NEON_H
#define INF_Q1_0_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q1_0 128, 18, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_q1_0_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    inf_neon_same_scales(s, 4, inf_neon_halves(p, stride));
}

INF_NEON_INLINE void inf_neon_q1_0_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t v[4];
    inf_neon_load16(p + 2, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 8; n++) {
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++) {
            uint8x16_t minus = inf_neon_bits(vmvnq_u8(v[n / 2]), n % 2 * 4 + i);
            codes.w[i] = vreinterpretq_s8_u8(vorrq_u8(minus, vdupq_n_u8(1)));
        }
        inf_neon_put(s, n, codes);
    }
}

#endif
