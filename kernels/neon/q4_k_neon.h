/* Q4_K in four rows, for the product at each level of AArch64. */
#ifndef INF_Q4_K_NEON_H
#define INF_Q4_K_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q4_K 256, 144, 32, INF_FORM_S32_MIN256

INF_NEON_INLINE void inf_neon_q4_k_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    inf_neon_scales6(p, stride, s);
}

INF_NEON_INLINE void inf_neon_q4_k_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t pair = 0; pair < 4; pair++) {
        uint8x16_t v[2][4];
        inf_neon_load16(p + 16 + 32 * pair, stride, v[0]);
        inf_neon_load16(p + 32 + 32 * pair, stride, v[1]);
        INF_NEON_UNROLL
        for (uint32_t n = 0; n < 4; n++) {
            struct inf_neon_codes codes;
            INF_NEON_UNROLL
            for (uint32_t i = 0; i < 4; i++)
                codes.w[i] = vreinterpretq_s8_u8(inf_neon_nibbles(v[n % 2][i], n / 2));
            inf_neon_put(s, 4 * pair + n, codes);
        }
    }
}

#endif
