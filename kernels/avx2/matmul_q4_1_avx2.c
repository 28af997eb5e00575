/* The matrix product of Q4_1 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    inf_avx2_store(s->scale, inf_avx2_halves(p, stride));
    inf_avx2_store(s->min, inf_avx2_halves(p + 2, stride));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i v[4];
    inf_avx2_load16(p + 4, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 8; n++)
        inf_avx2_put(s, n, inf_avx2_bits(v[n % 4], n < 4 ? 0 : 4, 15));
}

INF_AVX2_MATMUL(q4_1, Q4_1, q4_1)
