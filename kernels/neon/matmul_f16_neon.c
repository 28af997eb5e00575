/* The matrix product of F16 for NEON. */
#include "kernels/neon/float_neon.h"

INF_NEON_INLINE float32x4_t load4(const uint8_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

INF_NEON_FLOATS(f16, 2)
