/* The matrix product of IQ4_XS for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256i v[4];
    inf_avx2_load16(p, stride, v); /* d, high bits; low bits */
    __m256 d, none;
    inf_avx2_split(v[0], &d, &none);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j++) {
        __m256i low = _mm256_and_si256(_mm256_srli_epi32(v[1], 4 * (int)j), _mm256_set1_epi32(15));
        __m256i high =
            _mm256_and_si256(_mm256_srli_epi32(v[0], 12 + 2 * (int)j), _mm256_set1_epi32(48));
        __m256i sc = _mm256_sub_epi32(_mm256_or_si256(low, high), _mm256_set1_epi32(32));
        inf_avx2_store(s->scale + j * s->step, _mm256_mul_ps(d, _mm256_cvtepi32_ps(sc)));
    }
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    const __m256i table = inf_avx2_iq4_values();
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j++) {
        __m256i v[4];
        inf_avx2_load16(p + 8 + 16 * j, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 8; n++)
            inf_avx2_put(s, 8 * j + n,
                         _mm256_shuffle_epi8(table, inf_avx2_bits(v[n % 4], n < 4 ? 0 : 4, 15)));
    }
}

INF_AVX2_MATMUL(iq4_xs, IQ4_XS, q8_0)
