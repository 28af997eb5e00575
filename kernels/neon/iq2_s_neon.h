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

INF_NEON_INLINE size_t inf_neon_iq2_s_index(const uint8_t *row, uint32_t n)
{
    return row[2 + n] | (row[66 + n / 4] >> n % 4 * 2 & 3u) << 8;
}

INF_NEON_INLINE void inf_neon_iq2_s_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n += 8) {
        uint8x16_t bits[4];
        inf_neon_load16(p + 34 + 2 * n, stride, bits);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 8; i++)
            inf_neon_put_signed(
                s, n + i, inf_neon_grid8(inf_grid_iq2_s, inf_neon_iq2_s_index, p, stride, n + i),
                bits[i / 2], i % 2 * 4);
    }
}

#endif
