/* Q3_K in four rows, for the product at each level of AArch64. */
#ifndef INF_Q3_K_NEON_H
#define INF_Q3_K_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q3_K 256, 110, 16, INF_FORM_S16

INF_NEON_INLINE void inf_neon_q3_k_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    uint8x16_t v[4]; /* two bytes of codes, 12 of scales, d */
    inf_neon_load16(p + 94, stride, v);
    uint8x16_t word[3];
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 3; i++) {
        uint32x4_t low = vshrq_n_u32(vreinterpretq_u32_u8(v[i]), 16);
        word[i] = vreinterpretq_u8_u32(vsliq_n_u32(low, vreinterpretq_u32_u8(v[i + 1]), 16));
    }
    float32x4_t d = inf_neon_high_halves(vreinterpretq_u32_u8(v[3]));
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        uint8x16_t top = vandq_u8(inf_neon_down(word[2], 2 * i), vdupq_n_u8(3));
        uint8x16_t six = vsliq_n_u8(inf_neon_nibbles(word[i % 2], i / 2), top, 4);
        inf_neon_byte_scales(s, 4 * i, d, six, 32);
    }
}

INF_NEON_INLINE void inf_neon_q3_k_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t third[2][4];
    inf_neon_load16(p, stride, third[0]);
    inf_neon_load16(p + 16, stride, third[1]);
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 8; i++)
        third[i / 4][i % 4] = vmvnq_u8(third[i / 4][i % 4]);
    INF_NEON_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        uint8x16_t v[2][4];
        inf_neon_load16(p + 32 + 32 * half, stride, v[0]);
        inf_neon_load16(p + 48 + 32 * half, stride, v[1]);
        INF_NEON_UNROLL
        for (uint32_t n = 0; n < 8; n++) {
            uint8x16_t bit = vdupq_n_u8((uint8_t)(1 << (4 * half + n / 2)));
            struct inf_neon_codes codes;
            INF_NEON_UNROLL
            for (uint32_t i = 0; i < 4; i++) {
                /* 255 where the third bit is 0: -4 on top of the other two */
                uint8x16_t minus = vtstq_u8(third[n % 2][i], bit);
                uint8x16_t low = inf_neon_down(v[n % 2][i], n / 2 * 2);
                codes.w[i] = vreinterpretq_s8_u8(vsliq_n_u8(low, minus, 2));
            }
            inf_neon_put(s, 8 * half + n, codes);
        }
    }
}

#endif
