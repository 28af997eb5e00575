/* The matrix product of NVFP4 for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    /* inf_e4m3_half_to_float of eight rows: a half whose exponent and mantissa are those bits is 2^7
     * too small. */
    __m256i nan = _mm256_set1_epi8(0x7f), mask = _mm256_set1_epi16(0x3f80);
    __m256i v = _mm256_and_si256(inf_avx2_dword(p, stride, 0), nan);
    v = _mm256_andnot_si256(_mm256_cmpeq_epi8(v, nan), v);
    __m256 unit = _mm256_set1_ps(0x1p7f), scale[4];
    inf_avx2_split(_mm256_and_si256(_mm256_slli_epi16(v, 7), mask), &scale[0], &scale[2]);
    inf_avx2_split(_mm256_and_si256(_mm256_srli_epi16(v, 1), mask), &scale[1], &scale[3]);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 4; j++)
        inf_avx2_store(s->scale + j * s->step, _mm256_mul_ps(scale[j], unit));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    /* the doubled values 0 1 2 3 4 6 8 12 and their negatives, and 16 */
    const __m256i table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4));
    __m256i v[8];
    inf_avx2_load32(p + 4, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t n = 0; n < 16; n++) {
        __m256i index = inf_avx2_bits(v[n / 4 * 2 + n % 2], n % 4 < 2 ? 0 : 4, 15);
        inf_avx2_put(s, n, _mm256_shuffle_epi8(table, index));
    }
}

INF_AVX2_MATMUL(nvfp4, NVFP4, nvfp4)
