/* The matrix product of Q3_K for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    const uint8_t *at = p + 94; /* two bytes of codes, 12 of scales, d */
    __m256i v[4];
    v[0] = inf_avx2_two(at, at + 4 * stride);
    v[1] = inf_avx2_two(at + stride, at + 5 * stride);
    v[2] = inf_avx2_two(at + 2 * stride, at + 6 * stride);
    v[3] = inf_avx2_two(at + 3 * stride, at + 7 * stride);
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        v[i] = _mm256_srli_si256(v[i], 2);
    inf_avx2_turn(v);
    __m256 d, none;
    inf_avx2_split(v[3], &d, &none);
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        __m256i sc = _mm256_or_si256(inf_avx2_bits(v[i % 2], i < 2 ? 0 : 4, 15),
                                     inf_avx2_high(v[2], 2 * (int)i, 3));
        inf_avx2_byte_scales(s, 4 * i, d, sc, 32);
    }
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i third[8];
    inf_avx2_load32(p, stride, third);
    INF_AVX2_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        __m256i v[8];
        inf_avx2_load32(p + 32 + 32 * half, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 32; n++) {
            int bit = (int)(4 * half + n / 8);
            __m256i moved = bit < 2 ? _mm256_slli_epi16(third[n % 8], 2 - bit)
                                    : _mm256_srli_epi16(third[n % 8], bit - 2);
            __m256i top = _mm256_and_si256(moved, _mm256_set1_epi8(4));
            __m256i low = inf_avx2_bits(v[n % 8], (int)(n / 8 * 2), 3);
            inf_avx2_put(s, 32 * half + n, _mm256_or_si256(low, top));
        }
    }
}

INF_AVX2_MATMUL(q3_k, Q3_K, q3_k)
