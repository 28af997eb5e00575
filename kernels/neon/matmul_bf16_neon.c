/* The matrix product of BF16 for NEON. */
#include "kernels/neon/float_neon.h"

INF_NEON_INLINE float32x4_t load4(const uint8_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
}

INF_NEON_FLOATS(bf16, 2)
