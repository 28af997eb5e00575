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

INF_NEON_INLINE size_t inf_neon_iq3_s_index(const uint8_t *row, uint32_t n)
{
    return row[2 + n] | (row[66 + n / 8] >> n % 8 & 1u) << 8;
}

INF_NEON_INLINE void inf_neon_iq3_s_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n += 8) {
        uint8x16_t bits[4];
        inf_neon_load16(p + 74 + 2 * n, stride, bits);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 8; i++)
            inf_neon_put_signed(
                s, n + i, inf_neon_grid4(inf_grid_iq3_s, inf_neon_iq3_s_index, p, stride, n + i),
                bits[i / 2], i % 2 * 4);
    }
}

#endif
