/* The matrix product of TQ1_0 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

/* The first digit of 255 - v, three times which over 256 it is: of 255 - floor(three quarters), which
 * two averages are that round up, the upper two bits. */
INF_AVX2_INLINE __m256i digit(__m256i v)
{
    __m256i all = _mm256_set1_epi8(-1);
    __m256i most = _mm256_avg_epu8(v, _mm256_avg_epu8(v, all));
    return _mm256_andnot_si256(_mm256_srli_epi16(most, 6), _mm256_set1_epi8(3));
}

/* 255 - 3 * (255 - v) modulo 256 */
INF_AVX2_INLINE __m256i next(__m256i v)
{
    return _mm256_add_epi8(_mm256_add_epi8(v, v), _mm256_add_epi8(v, _mm256_set1_epi8(2)));
}

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = inf_avx2_halves(p + 52, stride);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j++)
        inf_avx2_store(s->scale + j * s->step, d);
}

/* Digits 0 to 4 (of the last four bytes 0 to 3) of v to groups n, n + count and so on. */
INF_AVX2_INLINE void put(struct inf_avx2_sink *s, uint32_t n, __m256i *v, const uint32_t count)
{
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < count; i++)
        v[i] = _mm256_xor_si256(v[i], _mm256_set1_epi8(-1));
    const uint32_t groups = count == 1 ? 4 : 5 * count;
    INF_AVX2_UNROLL
    for (uint32_t g = 0; g < groups; g++) {
        inf_avx2_put(s, n + g, digit(v[g % count]));
        v[g % count] = next(v[g % count]);
    }
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i v[8];
    inf_avx2_load32(p, stride, v);
    put(s, 0, v, 8);
    inf_avx2_load16(p + 32, stride, v);
    put(s, 40, v, 4);
    inf_avx2_load16(p + 36, stride, v);
    put(s, 60, v + 3, 1); /* bytes 48 to 51 */
}

INF_AVX2_MATMUL(tq1_0, TQ1_0, tq2_0)
