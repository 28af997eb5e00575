/* IQ3_S in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ3_S_NEON_H
#define INF_IQ3_S_NEON_H

#include "kernels/neon/grid_neon.h"

#define INF_NEON_IQ3_S 256, 110, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_iq3_s_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    uint32x4_t scales = inf_neon_dwords(p + 106, stride);
    inf_neon_nibble_scales(s, 0, inf_neon_halves(p, stride), vreinterpretq_u8_u32(scales));
}

/* Bit 8 of the indices is a bit of qh each. */
INF_NEON_INLINE void inf_neon_iq3_s_indices(const uint8_t *row, uint8_t *to)
{
    const uint8x16_t mask = vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        uint8x16_t bytes = vcombine_u8(vdup_n_u8(row[66 + 2 * i]), vdup_n_u8(row[67 + 2 * i]));
        uint8x16_t high = vandq_u8(vtstq_u8(bytes, mask), vdupq_n_u8(1));
        inf_neon_put_words(to + 32 * i, vld1q_u8(row + 2 + 16 * i), high);
    }
}

INF_NEON_INLINE void inf_neon_iq3_s_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8_t indices[4 * INF_NEON_INDICES];
    INF_NEON_UNROLL
    for (uint32_t r = 0; r < 4; r++)
        inf_neon_iq3_s_indices(p + r * stride, indices + r * INF_NEON_INDICES);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n += 8) {
        uint8x16_t bits[4];
        inf_neon_load16(p + 74 + 2 * n, stride, bits);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 8; i++)
            inf_neon_put_signed(s, n + i,
                                inf_neon_grid4(inf_grid_iq3_s, inf_neon_word_index, indices,
                                               INF_NEON_INDICES, n + i),
                                bits[i / 2], i % 2 * 4);
    }
}

#endif
