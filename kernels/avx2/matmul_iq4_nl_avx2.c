/* The matrix product of IQ4_NL for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    inf_avx2_store(s->scale, inf_avx2_halves(p, stride));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    const __m256i table = inf_avx2_iq4_values();
    __m256i v[4];
    inf_avx2_load16(p + 2, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 8; n++)
        inf_avx2_put(s, n, _mm256_shuffle_epi8(table, inf_avx2_bits(v[n % 4], n < 4 ? 0 : 4, 15)));
}

INF_AVX2_MATMUL(iq4_nl, IQ4_NL, q8_0)
