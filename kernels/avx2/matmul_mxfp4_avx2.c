/* The matrix product of MXFP4 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    /* inf_e8m0_half_to_float of eight rows. */
    __m128i word = _mm_and_si128(inf_avx2_words(p, stride), _mm_set1_epi16(0xff));
    __m256i e = _mm256_cvtepu16_epi32(word);
    __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    __m256i small = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    __m256i is_small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e);
    inf_avx2_store(s->scale, _mm256_castsi256_ps(_mm256_blendv_epi8(normal, small, is_small)));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    /* the doubled values 0 1 2 3 4 6 8 12 and their negatives, and 16 */
    const __m256i table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4));
    __m256i v[4];
    inf_avx2_load16(p + 1, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 8; n++)
        inf_avx2_put(s, n, _mm256_shuffle_epi8(table, inf_avx2_bits(v[n % 4], n < 4 ? 0 : 4, 15)));
}

INF_AVX2_MATMUL(mxfp4, MXFP4, q5_0)
