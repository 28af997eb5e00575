/* The matrix product of Q1_0 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = inf_avx2_halves(p, stride);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 4; j++)
        inf_avx2_store(s->scale + j * s->step, d);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i v[4];
    inf_avx2_load16(p + 2, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 32; n++)
        inf_avx2_put(s, n, inf_avx2_bit_codes(v[n / 8], n % 8, 2));
}

INF_AVX2_MATMUL(q1_0, Q1_0, tq2_0)
