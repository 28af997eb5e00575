/* The product of sixteen weights of four rows with sixteen activations, by sdot. */
#ifndef INF_DOT_DOTPROD_H
#define INF_DOT_DOTPROD_H

#include "kernels/neon/tile_neon.h"

INF_NEON_INLINE int32x4_t inf_neon_dot(int32x4_t sum, struct inf_neon_codes codes, int8x16_t x)
{
    sum = vdotq_laneq_s32(sum, codes.w[0], x, 0);
    sum = vdotq_laneq_s32(sum, codes.w[1], x, 1);
    sum = vdotq_laneq_s32(sum, codes.w[2], x, 2);
    return vdotq_laneq_s32(sum, codes.w[3], x, 3);
}

#endif
