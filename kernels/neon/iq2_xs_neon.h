/* IQ2_XS in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ2_XS_NEON_H
#define INF_IQ2_XS_NEON_H

#include "kernels/neon/grid_neon.h"

#define INF_NEON_IQ2_XS 256, 74, 16, INF_FORM_S16

INF_NEON_INLINE void inf_neon_iq2_xs_scales(const uint8_t *p, size_t stride,
                                            const struct inf_neon_scales *s)
{
    float32x4_t d = vmulq_n_f32(inf_neon_halves(p, stride), 0.125f);
    uint8x16_t v[4];
    inf_neon_load16(p + 58, stride, v);
    inf_neon_nibble_scales(s, 0, d, v[2]);
    inf_neon_nibble_scales(s, 8, d, v[3]);
}

INF_NEON_INLINE size_t inf_neon_iq2_xs_index(const uint8_t *row, uint32_t n)
{
    return inf_load_u16(row + 2 + 2 * n) & 511;
}

INF_NEON_INLINE void inf_neon_iq2_xs_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 16; n += 4) {
        uint8x16_t v[4]; /* two words of each row: | signs : index | */
        inf_neon_load16(p + 2 + 4 * n, stride, v);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++) {
            uint16x8_t seven = vshrq_n_u16(vreinterpretq_u16_u8(v[i]), 9);
            uint32x4_t bits =
                vreinterpretq_u32_u8(inf_neon_even_signs(vreinterpretq_u8_u16(seven)));
            bits = vsraq_n_u32(bits, bits, 8); /* bytes 0 and 2 to 0 and 1 */
            inf_neon_put_signed(
                s, n + i, inf_neon_grid8(inf_grid_iq2_xs, inf_neon_iq2_xs_index, p, stride, n + i),
                vreinterpretq_u8_u32(bits), 0);
        }
    }
}

#endif
