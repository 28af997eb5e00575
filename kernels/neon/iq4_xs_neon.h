/* IQ4_XS in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ4_XS_NEON_H
#define INF_IQ4_XS_NEON_H

#include "formats/codebooks.h"
#include "kernels/neon/tile_neon.h"

#define INF_NEON_IQ4_XS 256, 136, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_iq4_xs_scales(const uint8_t *p, size_t stride,
                                            const struct inf_neon_scales *s)
{
    uint8x16_t v[4]; /* d and bits 4 and 5; bits 0 to 3 */
    inf_neon_load16(p, stride, v);
    uint32x4_t low = vreinterpretq_u32_u8(v[1]), high = vreinterpretq_u32_u8(v[0]);
    float32x4_t d = inf_neon_low_halves(high);
    high = vshrq_n_u32(high, 16);
    INF_NEON_UNROLL
    for (int j = 0; j < 8; j++) {
        uint32x4_t four = vandq_u32(vshlq_u32(low, vdupq_n_s32(-4 * j)), vdupq_n_u32(15));
        uint32x4_t two = vandq_u32(vshlq_u32(high, vdupq_n_s32(4 - 2 * j)), vdupq_n_u32(48));
        int32x4_t six = vreinterpretq_s32_u32(vorrq_u32(four, two));
        vst1q_f32(s->scale + j * s->step,
                  vmulq_f32(d, vcvtq_f32_s32(vsubq_s32(six, vdupq_n_s32(32)))));
    }
}

INF_NEON_INLINE void inf_neon_iq4_xs_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    INF_NEON_UNROLL
    for (uint32_t j = 0; j < 8; j++)
        inf_neon_table_codes(p + 8 + 16 * j, stride, s, 2 * j, inf_codebook_nl);
}

#endif
