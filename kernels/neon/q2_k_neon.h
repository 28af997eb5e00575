/* Q2_K in four rows, for the product at each level of AArch64. */
#ifndef INF_Q2_K_NEON_H
#define INF_Q2_K_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q2_K 256, 84, 16, INF_FORM_S16_MIN256

INF_NEON_INLINE void inf_neon_q2_k_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    uint8x16_t v[4];
    inf_neon_load16(p, stride, v);
    uint32x4_t both = inf_neon_dwords(p + 80, stride); /* d and dmin */
    vst1q_f32(s->min, inf_neon_high_halves(both));
    float32x4_t d = inf_neon_low_halves(both);
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        inf_neon_byte_scales(s, 4 * i, d, inf_neon_nibbles(v[i], false), 0);
        inf_neon_byte_minima(s, 4 * i, inf_neon_nibbles(v[i], true));
    }
}

INF_NEON_INLINE void inf_neon_q2_k_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    inf_neon_twos(p + 16, stride, s, 0);
}

#endif
