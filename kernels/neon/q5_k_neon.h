/* Q5_K in four rows, for the product at each level of AArch64. */
#ifndef INF_Q5_K_NEON_H
#define INF_Q5_K_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q5_K 256, 176, 32, INF_FORM_S32_MIN256

INF_NEON_INLINE void inf_neon_q5_k_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    inf_neon_scales6(p, stride, s);
}

INF_NEON_INLINE void inf_neon_q5_k_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t fifth[2][4];
    inf_neon_load16(p + 16, stride, fifth[0]);
    inf_neon_load16(p + 32, stride, fifth[1]);
    INF_NEON_UNROLL
    for (uint32_t pair = 0; pair < 4; pair++) {
        uint8x16_t v[2][4];
        inf_neon_load16(p + 48 + 32 * pair, stride, v[0]);
        inf_neon_load16(p + 64 + 32 * pair, stride, v[1]);
        INF_NEON_UNROLL
        for (uint32_t n = 0; n < 4; n++) {
            int8x16_t up = vdupq_n_s8((int8_t)(4 - 2 * (int)pair - (int)n / 2));
            struct inf_neon_codes codes;
            INF_NEON_UNROLL
            for (uint32_t i = 0; i < 4; i++) {
                uint8x16_t high = vandq_u8(vshlq_u8(fifth[n % 2][i], up), vdupq_n_u8(16));
                codes.w[i] = inf_neon_fifth(v[n % 2][i], n / 2, high);
            }
            inf_neon_put(s, 4 * pair + n, codes);
        }
    }
}

#endif
