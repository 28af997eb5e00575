/* The matrix product of Q2_0 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

/* The four codes of byte n of each dword to its bytes: where they stand in their nibble, then by a
 * table that tells which place it was. */
INF_AVX2_INLINE __m256i four(__m256i v, uint32_t n)
{
    const __m256i from = _mm256_add_epi8(_mm256_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0,
                                                          0x0c0c0c0c, 0x08080808, 0x04040404, 0),
                                         _mm256_set1_epi8((char)n));
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0));
    __m256i byte = _mm256_shuffle_epi8(v, from);
    __m256i nibble = _mm256_blend_epi16(byte, _mm256_srli_epi16(byte, 4), 0xaa);
    return _mm256_shuffle_epi8(table, _mm256_and_si256(nibble, _mm256_set1_epi16(0x0c03)));
}

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = inf_avx2_halves(p, stride);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 2; j++)
        inf_avx2_store(s->scale + j * s->step, d);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i v[4];
    inf_avx2_load16(p + 2, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 16; n++)
        inf_avx2_put(s, n, four(v[n / 4], n % 4));
}

INF_AVX2_MATMUL(q2_0, Q2_0, tq2_0)
