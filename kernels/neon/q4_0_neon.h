/* Q4_0 in four rows, for the product at each level of AArch64. */
#ifndef INF_Q4_0_NEON_H
#define INF_Q4_0_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q4_0 32, 18, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_q4_0_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    vst1q_f32(s->scale, inf_neon_halves(p, stride));
}

INF_NEON_INLINE void inf_neon_q4_0_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t v[4];
    inf_neon_load16(p + 2, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 2; n++) {
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            codes.w[i] = vsubq_s8(vreinterpretq_s8_u8(inf_neon_nibbles(v[i], n)), vdupq_n_s8(8));
        inf_neon_put(s, n, codes);
    }
}

#endif
