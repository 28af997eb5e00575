/* The product of sixteen weights of four rows with sixteen activations, by widening multiplies. */
#ifndef INF_DOT_NEON_H
#define INF_DOT_NEON_H

#include "kernels/neon/tile_neon.h"

/* Two groups of four weights a row: |w| <= 128 and |x| <= 127, so two products fit int16, not
 * three. sum[0] has two lanes each of rows 0 and 1, sum[1] of rows 2 and 3. */
INF_NEON_INLINE void inf_neon_two_groups(int32x4_t sum[2], int8x16_t w0, int8x16_t w1, int8x16_t x0,
                                         int8x16_t x1)
{
    int16x8_t low = vmull_s8(vget_low_s8(w0), vget_low_s8(x0));
    int16x8_t high = vmull_high_s8(w0, x0);
    low = vmlal_s8(low, vget_low_s8(w1), vget_low_s8(x1));
    high = vmlal_high_s8(high, w1, x1);
    sum[0] = vpadalq_s16(sum[0], low);
    sum[1] = vpadalq_s16(sum[1], high);
}

INF_NEON_INLINE int32x4_t inf_neon_dot(int32x4_t sum, struct inf_neon_codes codes, int8x16_t x)
{
    int32x4_t four = vreinterpretq_s32_s8(x), part[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    inf_neon_two_groups(part, codes.w[0], codes.w[1],
                        vreinterpretq_s8_s32(vdupq_laneq_s32(four, 0)),
                        vreinterpretq_s8_s32(vdupq_laneq_s32(four, 1)));
    inf_neon_two_groups(part, codes.w[2], codes.w[3],
                        vreinterpretq_s8_s32(vdupq_laneq_s32(four, 2)),
                        vreinterpretq_s8_s32(vdupq_laneq_s32(four, 3)));
    return vaddq_s32(sum, vpaddq_s32(part[0], part[1]));
}

#endif
