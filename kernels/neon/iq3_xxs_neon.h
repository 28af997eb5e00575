/* IQ3_XXS in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ3_XXS_NEON_H
#define INF_IQ3_XXS_NEON_H

#include "kernels/neon/grid_neon.h"

#define INF_NEON_IQ3_XXS 256, 98, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_iq3_xxs_scales(const uint8_t *p, size_t stride,
                                             const struct inf_neon_scales *s)
{
    float32x4_t d = vmulq_n_f32(inf_neon_halves(p, stride), 0.25f);
    INF_NEON_UNROLL
    for (uint32_t j = 0; j < 8; j += 4) {
        uint8x16_t v[4];
        inf_neon_load16(p + 66 + 4 * j, stride, v);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            inf_neon_odd_scale(s, j + i, d, v[i], 28, 4);
    }
}

INF_NEON_INLINE size_t inf_neon_iq3_xxs_index(const uint8_t *row, uint32_t n)
{
    return row[2 + n];
}

INF_NEON_INLINE void inf_neon_iq3_xxs_codes(const uint8_t *p, size_t stride,
                                            struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n += 8) {
        uint8x16_t v[4];
        inf_neon_load16(p + 66 + 2 * n, stride, v);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 8; i++)
            inf_neon_put_signed(
                s, n + i,
                inf_neon_grid4(inf_grid_iq3_xxs, inf_neon_iq3_xxs_index, p, stride, n + i),
                inf_neon_even_signs28(v[i / 2]), i % 2 * 4);
    }
}

#endif
