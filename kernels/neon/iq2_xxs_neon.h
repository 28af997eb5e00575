/* IQ2_XXS in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ2_XXS_NEON_H
#define INF_IQ2_XXS_NEON_H

#include "kernels/neon/grid_neon.h"

#define INF_NEON_IQ2_XXS 256, 66, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_iq2_xxs_scales(const uint8_t *p, size_t stride,
                                             const struct inf_neon_scales *s)
{
    float32x4_t d = vmulq_n_f32(inf_neon_halves(p, stride), 0.125f);
    INF_NEON_UNROLL
    for (uint32_t j = 0; j < 8; j += 2) {
        uint8x16_t v[4];
        inf_neon_load16(p + 2 + 8 * j, stride, v);
        inf_neon_odd_scale(s, j, d, v[1], 28, 4);
        inf_neon_odd_scale(s, j + 1, d, v[3], 28, 4);
    }
}

INF_NEON_INLINE size_t inf_neon_iq2_xxs_index(const uint8_t *row, uint32_t n)
{
    return row[2 + n / 4 * 8 + n % 4];
}

INF_NEON_INLINE void inf_neon_iq2_xxs_codes(const uint8_t *p, size_t stride,
                                            struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n += 4) {
        uint8x16_t v[4];
        inf_neon_load16(p + 2 + 4 * n, stride, v);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            inf_neon_put_signed(
                s, n + i,
                inf_neon_grid8(inf_grid_iq2_xxs, inf_neon_iq2_xxs_index, p, stride, n + i),
                inf_neon_even_signs28(v[i / 2 * 2 + 1]), i % 2 * 4);
    }
}

#endif
