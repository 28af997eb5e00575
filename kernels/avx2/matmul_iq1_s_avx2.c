/* The matrix product of IQ1_S for AVX2. */
#include "kernels/avx2/iq1_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = _mm256_mul_ps(inf_avx2_halves(p, stride), _mm256_set1_ps(0.125f));
    __m256i v[4];
    inf_avx2_load16(p + 34, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j++)
        inf_avx2_store(s->scale + j * s->step,
                       inf_avx2_scale3(d, v[j / 2], 12 + 16 * (int)(j % 2)));
}

/* 16 indices: bits 8 to 10 of number g are bits from 3 * (g % 4) on of word g / 4 of `high`. */
INF_AVX2_INLINE void indices16(const uint8_t *low, __m256i high, void *to)
{
    const __m256i word = _mm256_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 4, 5, 4,
                                          5, 4, 5, 4, 5, 6, 7, 6, 7, 6, 7, 6, 7);
    const __m256i up = _mm256_set1_epi64x(0x0001000400200100);
    __m256i words = _mm256_shuffle_epi8(high, word);
    words = _mm256_blend_epi16(words, _mm256_srli_epi16(words, 1), 0x88);
    inf_avx2_index11(low, _mm256_mullo_epi16(words, up), to);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    uint8_t indices[8 * INF_AVX2_INDICES];
    const struct inf_avx2_index index = {indices, true};
    INF_AVX2_UNROLL
    for (size_t i = 0; i < 16; i++) {
        const uint8_t *row = p + i / 2 * stride;
        int64_t high;
        memcpy(&high, row + 34 + i % 2 * 8, sizeof high);
        indices16(row + 2 + i % 2 * 16, _mm256_set1_epi64x(high),
                  indices + i / 2 * INF_AVX2_INDICES + i % 2 * 32);
    }
    inf_avx2_index_done(index);
    __m256i v[4];
    inf_avx2_load16(p + 34, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 32; n++)
        inf_avx2_put_iq1(s, n, index, inf_avx2_shifted(v[n / 8], 15 + n / 4 % 2 * 16));
}

INF_AVX2_MATMUL(iq1_s, IQ1_S, q5_0)
