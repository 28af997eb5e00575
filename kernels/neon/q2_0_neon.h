/* Q2_0 in four rows, for the product at each level of AArch64. */
#ifndef INF_Q2_0_NEON_H
#define INF_Q2_0_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_Q2_0 64, 18, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_q2_0_scales(const uint8_t *p, size_t stride,
                                          const struct inf_neon_scales *s)
{
    inf_neon_same_scales(s, 2, inf_neon_halves(p, stride));
}

INF_NEON_INLINE void inf_neon_q2_0_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    const uint8x16_t lane =
        vreinterpretq_u8_u32((uint32x4_t){0, 0x04040404, 0x08080808, 0x0c0c0c0c});
    const int8x16_t down = vreinterpretq_s8_u32(vdupq_n_u32(0xfafcfe00)); /* 0, 2, 4, 6 */
    uint8x16_t v[4];
    inf_neon_load16(p + 2, stride, v);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 4; n++) {
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++) {
            uint8x16_t byte = vqtbl1q_u8(v[n], vaddq_u8(lane, vdupq_n_u8((uint8_t)i)));
            uint8x16_t two = vandq_u8(vshlq_u8(byte, down), vdupq_n_u8(3));
            codes.w[i] = vsubq_s8(vreinterpretq_s8_u8(two), vdupq_n_s8(1));
        }
        inf_neon_put(s, n, codes);
    }
}

#endif
