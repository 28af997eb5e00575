/* The matrix product of Q5_0 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    inf_avx2_store(s->scale, inf_avx2_halves(p, stride));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i v[4], bits = inf_avx2_dword(p + 2, stride, 0);
    inf_avx2_load16(p + 6, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 8; n++) {
        __m256i low = inf_avx2_bits(v[n % 4], n < 4 ? 0 : 4, 15);
        inf_avx2_put(s, n, _mm256_or_si256(low, inf_avx2_fifth_bits(bits, n)));
    }
}

INF_AVX2_MATMUL(q5_0, Q5_0, q5_0)
