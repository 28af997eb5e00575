/* Q5_0 in four rows, for the product at each level of AArch64. */
#ifndef INF_Q5_0_NEON_H
#define INF_Q5_0_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q5_0 32, 22, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_q5_0_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    vst1q_f32(s->scale, inf_neon_halves(p, stride));
}

INF_NEON_INLINE void inf_neon_q5_0_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    /* 255 where the fifth bit is 0: -16 on top of the other four */
    uint8x16_t v[4], bits = vmvnq_u8(vreinterpretq_u8_u32(inf_neon_dwords(p + 2, stride)));
    inf_neon_load16(p + 6, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 2; n++) {
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++) {
            uint8x16_t low = n ? vshrq_n_u8(v[i], 4) : v[i];
            uint8x16_t minus = inf_neon_bits(bits, 4 * n + i);
            codes.w[i] = vreinterpretq_s8_u8(vsliq_n_u8(low, minus, 4));
        }
        inf_neon_put(s, n, codes);
    }
}

#endif
