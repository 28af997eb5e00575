/*
 * What IQ1_S and IQ1_M share: entries of eight values -8, 0 or 8, one more each or (where a bit says so)
 * one less. Codes are values + 16.
 */
#ifndef INF_IQ1_AVX2_H
#define INF_IQ1_AVX2_H

#include "kernels/avx2/grid_avx2.h"

/* 16 indices of 11 bits as words: of `high` bits 8 to 10 are looked at. */
INF_AVX2_INLINE void inf_avx2_index11(const uint8_t *low, __m256i high, void *to)
{
    const void *at = low;
    __m256i top = _mm256_and_si256(high, _mm256_set1_epi16(0x700));
    _mm256_storeu_si256(to, _mm256_or_si256(top, _mm256_cvtepu8_epi16(_mm_loadu_si128(at))));
}

/* What the values of a row are off their codes, by a bit of its dword: 15 where it is 1, else 17. */
INF_AVX2_INLINE __m256i inf_avx2_shifted(__m256i v, uint32_t bit)
{
    __m256i set = _mm256_srai_epi32(_mm256_slli_epi32(v, 31 - (int)bit), 31);
    return _mm256_add_epi8(_mm256_set1_epi8(17), _mm256_and_si256(set, _mm256_set1_epi8(-2)));
}

/* Entry n: groups 2n and 2n + 1. */
INF_AVX2_INLINE void inf_avx2_put_iq1(struct inf_avx2_sink *s, uint32_t n,
                                      struct inf_avx2_index index, __m256i shifted)
{
    __m256i v[2];
    inf_avx2_grid8(inf_grid_iq1, index, n, v);
    inf_avx2_put(s, 2 * n, _mm256_add_epi8(v[0], shifted));
    inf_avx2_put(s, 2 * n + 1, _mm256_add_epi8(v[1], shifted));
}

/* d * (2n + 1), n the three bits of the dwords from `at` on. */
INF_AVX2_INLINE __m256 inf_avx2_scale3(__m256 d, __m256i v, int at)
{
    return inf_avx2_odd_scale(d, _mm256_and_si256(_mm256_srli_epi32(v, at), _mm256_set1_epi32(7)));
}

#endif
