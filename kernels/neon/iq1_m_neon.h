/* IQ1_M in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ1_M_NEON_H
#define INF_IQ1_M_NEON_H

#include "kernels/neon/grid_neon.h"

#define INF_NEON_IQ1_M 256, 56, 16, INF_FORM_S16

INF_NEON_INLINE void inf_neon_iq1_m_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    uint8x16_t v[4]; /* 8 bytes of shifts, four words: | 4 bits of d : 4 times 3 of scales | */
    inf_neon_load16(p + 40, stride, v);
    uint32x4_t low = vreinterpretq_u32_u8(v[2]), high = vreinterpretq_u32_u8(v[3]);
    uint32x4_t bits = vandq_u32(vshrq_n_u32(low, 12), vdupq_n_u32(0x000f));
    bits = vorrq_u32(bits, vandq_u32(vshrq_n_u32(low, 24), vdupq_n_u32(0x00f0)));
    bits = vorrq_u32(bits, vandq_u32(vshrq_n_u32(high, 4), vdupq_n_u32(0x0f00)));
    bits = vorrq_u32(bits, vandq_u32(vshrq_n_u32(high, 16), vdupq_n_u32(0xf000)));
    float32x4_t d = vmulq_n_f32(inf_neon_low_halves(bits), 0.125f);
    INF_NEON_UNROLL
    for (uint32_t j = 0; j < 16; j++)
        inf_neon_odd_scale(s, j, d, v[2 + j / 8], j / 4 % 2 * 16 + j % 4 * 3, 3);
}

INF_NEON_INLINE size_t inf_neon_iq1_m_index(const uint8_t *row, uint32_t n)
{
    return row[n] | (row[32 + n / 2] >> n % 2 * 4 & 7u) << 8;
}

INF_NEON_INLINE void inf_neon_iq1_m_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t v[4];
    inf_neon_load16(p + 32, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n++) {
        uint32_t down = n % 4 * 8 + 3;
        inf_neon_put_shifted(s, n, inf_neon_grid8(inf_grid_iq1, inf_neon_iq1_m_index, p, stride, n),
                             v[n / 4], down, down + 4);
    }
}

#endif
