/* IQ2_S in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ2_S_NEON_H
#define INF_IQ2_S_NEON_H

#include "kernels/neon/grid_neon.h"

#define INF_NEON_IQ2_S 256, 82, 16, INF_FORM_S16

INF_NEON_INLINE void inf_neon_iq2_s_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    float32x4_t d = vmulq_n_f32(inf_neon_halves(p, stride), 0.125f);
    uint8x16_t v[4];
    inf_neon_load16(p + 66, stride, v);
    inf_neon_nibble_scales(s, 0, d, v[2]);
    inf_neon_nibble_scales(s, 8, d, v[3]);
}

/* Bits 8 and 9 of the indices are two bits of qh each. */
INF_NEON_INLINE void inf_neon_iq2_s_indices(const uint8_t *row, uint8_t *to)
{
    const uint8x16_t four =
        vreinterpretq_u8_u32((uint32x4_t){0, 0x01010101, 0x02020202, 0x03030303});
    const int8x16_t down = vreinterpretq_s8_u32(vdupq_n_u32(0xfafcfe00)); /* 0, 2, 4, 6 */
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        uint8x16_t bytes = vreinterpretq_u8_u32(vdupq_n_u32(inf_load_u32(row + 66 + 4 * i)));
        uint8x16_t high = vandq_u8(vshlq_u8(vqtbl1q_u8(bytes, four), down), vdupq_n_u8(3));
        inf_neon_put_words(to + 32 * i, vld1q_u8(row + 2 + 16 * i), high);
    }
}

INF_NEON_INLINE void inf_neon_iq2_s_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8_t indices[4 * INF_NEON_INDICES];
    INF_NEON_UNROLL
    for (uint32_t r = 0; r < 4; r++)
        inf_neon_iq2_s_indices(p + r * stride, indices + r * INF_NEON_INDICES);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n += 8) {
        uint8x16_t bits[4];
        inf_neon_load16(p + 34 + 2 * n, stride, bits);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 8; i++)
            inf_neon_put_signed(s, n + i,
                                inf_neon_grid8(inf_grid_iq2_s, inf_neon_word_index, indices,
                                               INF_NEON_INDICES, n + i),
                                bits[i / 2], i % 2 * 4);
    }
}

#endif
