/* IQ4_NL in four rows, for the product at each level of AArch64. */
#ifndef INF_IQ4_NL_NEON_H
#define INF_IQ4_NL_NEON_H

#include "formats/codebooks.h"
#include "kernels/neon/tile_neon.h"

#define INF_NEON_IQ4_NL 32, 18, 32, INF_FORM_S32

INF_NEON_INLINE void inf_neon_iq4_nl_scales(const uint8_t *p, size_t stride,
                                            const struct inf_neon_scales *s)
{
    vst1q_f32(s->scale, inf_neon_halves(p, stride));
}

INF_NEON_INLINE void inf_neon_iq4_nl_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s)
{
    inf_neon_table_codes(p + 2, stride, s, 0, inf_codebook_nl);
}

#endif
