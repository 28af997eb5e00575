/* Q4_1 in four rows, for the product at each level of AArch64. */
#ifndef INF_Q4_1_NEON_H
#define INF_Q4_1_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q4_1 32, 20, 32, INF_FORM_S32_MIN

INF_NEON_INLINE void inf_neon_q4_1_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    inf_neon_scale_min(p, stride, s);
}

INF_NEON_INLINE void inf_neon_q4_1_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    uint8x16_t v[4];
    inf_neon_load16(p + 4, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 2; n++) {
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            codes.w[i] = vreinterpretq_s8_u8(inf_neon_nibbles(v[i], n));
        inf_neon_put(s, n, codes);
    }
}

#endif
