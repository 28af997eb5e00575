/* IQ1_S in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ1_S_NEON_H
#define INF_IQ1_S_NEON_H

#include "kernels/neon/grid_neon.h"

#define INF_NEON_IQ1_S 256, 50, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_iq1_s_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    float32x4_t d = vmulq_n_f32(inf_neon_halves(p, stride), 0.125f);
    uint8x16_t v[4];
    inf_neon_load16(p + 34, stride, v);
    INF_NEON_UNROLL
    for (uint32_t j = 0; j < 8; j++)
        inf_neon_odd_scale(s, j, d, v[j / 2], j % 2 * 16 + 12, 3);
}

INF_NEON_INLINE size_t inf_neon_iq1_s_index(const uint8_t *row, uint32_t n)
{
    return row[2 + n] | (inf_load_u16(row + 34 + n / 4 * 2) >> n % 4 * 3 & 7u) << 8;
}

INF_NEON_INLINE void inf_neon_iq1_s_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t v[4];
    inf_neon_load16(p + 34, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n++) {
        uint32_t down = n / 2 % 2 * 16 + 15;
        inf_neon_put_shifted(s, n, inf_neon_grid8(inf_grid_iq1, inf_neon_iq1_s_index, p, stride, n),
                             v[n / 4], down, down);
    }
}

#endif
