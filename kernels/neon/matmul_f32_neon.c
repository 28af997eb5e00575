/* The matrix product of F32 for NEON. */
#include "kernels/neon/float_neon.h"

INF_NEON_INLINE float32x4_t load4(const uint8_t *p)
{
    return vreinterpretq_f32_u8(vld1q_u8(p));
}

INF_NEON_FLOATS(f32, 4)
