/* The matrix product of IQ1_M for AVX2. */
#include "kernels/avx2/iq1_avx2.h"

/* Nibble n of the lower half of a half number, from nibble `from`. */
INF_AVX2_INLINE __m256i nibble(__m256i v, int from, int to)
{
    __m256i moved =
        from > to ? _mm256_srli_epi32(v, 4 * (from - to)) : _mm256_slli_epi32(v, 4 * (to - from));
    return _mm256_and_si256(moved, _mm256_set1_epi32(15 << 4 * to));
}

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256i v[4];
    inf_avx2_load16(p + 40, stride, v);
    __m256i low = _mm256_or_si256(nibble(v[2], 3, 0), nibble(v[2], 7, 1));
    __m256i high = _mm256_or_si256(nibble(v[3], 3, 2), nibble(v[3], 7, 3));
    __m256 d, none;
    inf_avx2_split(_mm256_or_si256(low, high), &d, &none);
    d = _mm256_mul_ps(d, _mm256_set1_ps(0.125f));
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 16; j++)
        inf_avx2_store(s->scale + j * s->step,
                       inf_avx2_scale3(d, v[2 + j / 8], (int)(j % 4 * 3 + j / 4 % 2 * 16)));
}

/* 16 indices: bits 8 to 10 of number g are nibble g of `high`. */
INF_AVX2_INLINE void indices16(const uint8_t *low, __m256i high, void *to)
{
    const __m256i byte = _mm256_setr_epi8(0, -1, 0, -1, 1, -1, 1, -1, 2, -1, 2, -1, 3, -1, 3, -1, 4,
                                          -1, 4, -1, 5, -1, 5, -1, 6, -1, 6, -1, 7, -1, 7, -1);
    __m256i words = _mm256_shuffle_epi8(high, byte);
    words = _mm256_blend_epi16(_mm256_slli_epi16(words, 8), _mm256_slli_epi16(words, 4), 0xaa);
    inf_avx2_index11(low, words, to);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    uint8_t indices[8 * INF_AVX2_INDICES];
    const struct inf_avx2_index index = {indices, true};
    INF_AVX2_UNROLL
    for (size_t i = 0; i < 16; i++) {
        const uint8_t *row = p + i / 2 * stride;
        int64_t high;
        memcpy(&high, row + 32 + i % 2 * 8, sizeof high);
        indices16(row + i % 2 * 16, _mm256_set1_epi64x(high),
                  indices + i / 2 * INF_AVX2_INDICES + i % 2 * 32);
    }
    inf_avx2_index_done(index);
    __m256i v[4];
    inf_avx2_load16(p + 32, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 32; n++)
        inf_avx2_put_iq1(s, n, index, inf_avx2_shifted(v[n / 8], 3 + n % 8 * 4));
}

INF_AVX2_MATMUL(iq1_m, IQ1_M, nvfp4)
