/* Q5_1 in four rows, for the product at each level of AArch64. */
#ifndef INF_Q5_1_NEON_H
#define INF_Q5_1_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q5_1 32, 24, 32, INF_FORM_S32_MIN

INF_NEON_INLINE void inf_neon_q5_1_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    inf_neon_scale_min(p, stride, s);
}

INF_NEON_INLINE void inf_neon_q5_1_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t v[4], bits = vreinterpretq_u8_u32(inf_neon_dwords(p + 4, stride));
    inf_neon_load16(p + 8, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 2; n++) {
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++) {
            uint8x16_t high = vandq_u8(inf_neon_bits(bits, 4 * n + i), vdupq_n_u8(16));
            codes.w[i] = inf_neon_fifth(v[i], n, high);
        }
        inf_neon_put(s, n, codes);
    }
}

#endif
