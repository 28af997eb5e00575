/* MXFP4 in four rows, for the product at each level of AArch64. */
#ifndef INF_MXFP4_NEON_H
#define INF_MXFP4_NEON_H

#include "formats/codebooks.h"
#include "kernels/neon/tile_neon.h"

#define INF_NEON_MXFP4 32, 17, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_mxfp4_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    /* inf_e8m0_half_to_float of four rows */
    uint32x4_t e = vandq_u32(inf_neon_dwords(p, stride), vdupq_n_u32(255));
    uint32x4_t normal = vshlq_n_u32(vsubq_u32(e, vdupq_n_u32(1)), 23);
    uint32x4_t small = vshlq_u32(vdupq_n_u32(0x00200000), vreinterpretq_s32_u32(e));
    uint32x4_t bits = vbslq_u32(vcltq_u32(e, vdupq_n_u32(2)), small, normal);
    vst1q_f32(s->scale, vreinterpretq_f32_u32(bits));
}

INF_NEON_INLINE void inf_neon_mxfp4_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    inf_neon_table_codes(p + 1, stride, s, 0, inf_codebook_fp4);
}

#endif
