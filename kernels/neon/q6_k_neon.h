/* Q6_K in four rows, for the product at each level of AArch64. */
#ifndef INF_Q6_K_NEON_H
#define INF_Q6_K_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q6_K 256, 210, 16, INF_FORM_S16

INF_NEON_INLINE void inf_neon_q6_k_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    uint8x16_t v[4];
    inf_neon_load16(p + 192, stride, v);
    float32x4_t d = inf_neon_halves(p + 208, stride);
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        inf_neon_byte_scales(s, 4 * i, d, veorq_u8(v[i], vdupq_n_u8(128)), 128);
}

INF_NEON_INLINE void inf_neon_q6_k_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        uint8x16_t v[4][4], top[2][4];
        INF_NEON_UNROLL
        for (uint32_t n = 0; n < 4; n++)
            inf_neon_load16(p + 64 * half + 16 * n, stride, v[n]);
        inf_neon_load16(p + 128 + 32 * half, stride, top[0]);
        inf_neon_load16(p + 144 + 32 * half, stride, top[1]);
        INF_NEON_UNROLL
        for (uint32_t n = 0; n < 8; n++) {
            struct inf_neon_codes codes;
            INF_NEON_UNROLL
            for (uint32_t i = 0; i < 4; i++) {
                int8x16_t up = vdupq_n_s8((int8_t)(4 - 2 * (int)(n / 2)));
                uint8x16_t high = vandq_u8(vshlq_u8(top[n % 2][i], up), vdupq_n_u8(48));
                uint8x16_t code = vorrq_u8(inf_neon_nibbles(v[n % 4][i], n / 4), high);
                codes.w[i] = vsubq_s8(vreinterpretq_s8_u8(code), vdupq_n_s8(32));
            }
            inf_neon_put(s, 8 * half + n, codes);
        }
    }
}

#endif
