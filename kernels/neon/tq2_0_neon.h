/* TQ2_0 in four rows, for the product at each level of AArch64. */
#ifndef INF_TQ2_0_NEON_H
#define INF_TQ2_0_NEON_H

#include "kernels/neon/tile_neon.h"

#define INF_NEON_TQ2_0 256, 66, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_tq2_0_scales(const uint8_t *p, size_t stride,
                                           const struct inf_neon_scales *s)
{
    inf_neon_same_scales(s, 8, inf_neon_halves(p + 64, stride));
}

INF_NEON_INLINE void inf_neon_tq2_0_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    inf_neon_twos(p, stride, s, 1);
}

#endif
