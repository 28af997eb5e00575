/* NVFP4 in four rows, for the product at each level of AArch64. */
#ifndef INF_NVFP4_NEON_H
#define INF_NVFP4_NEON_H

#include "formats/codebooks.h"
#include "kernels/neon/tile_neon.h"

#define INF_NEON_NVFP4 64, 36, 16, INF_FORM_S16

INF_NEON_INLINE void inf_neon_nvfp4_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    /* inf_e4m3_half_to_float: as a half the same bits are 2^-7 times it */
    uint8x16_t e = vandq_u8(vreinterpretq_u8_u32(inf_neon_dwords(p, stride)), vdupq_n_u8(127));
    e = vbicq_u8(e, vceqq_u8(e, vdupq_n_u8(127)));
    INF_NEON_UNROLL
    for (int i = 0; i < 4; i++) {
        uint32x4_t half = vshlq_n_u32(vreinterpretq_u32_s32(inf_neon_byte(e, i)), 7);
        vst1q_f32(s->scale + i * s->step, vmulq_n_f32(inf_neon_low_halves(half), 128.0f));
    }
}

INF_NEON_INLINE void inf_neon_nvfp4_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    const int8x16_t values = vld1q_s8(inf_codebook_fp4);
    INF_NEON_UNROLL
    for (uint32_t n = 0; n < 4; n += 2) {
        uint8x16_t v[4];
        inf_neon_load16(p + 4 + 8 * n, stride, v);
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 2; i++) {
            struct inf_neon_codes codes;
            INF_NEON_UNROLL
            for (uint32_t j = 0; j < 4; j++)
                codes.w[j] = vqtbl1q_s8(values, inf_neon_nibbles(v[2 * i + j % 2], j / 2));
            inf_neon_put(s, n + i, codes);
        }
    }
}

#endif
