/* The matrix product of TQ2_0 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = inf_avx2_halves(p + 64, stride);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j++)
        inf_avx2_store(s->scale + j * s->step, d);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    INF_AVX2_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        __m256i v[8];
        inf_avx2_load32(p + 32 * half, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 32; n++)
            inf_avx2_put(s, 32 * half + n, inf_avx2_bits(v[n % 8], n / 8 * 2, 3));
    }
}

INF_AVX2_MATMUL(tq2_0, TQ2_0, tq2_0)
