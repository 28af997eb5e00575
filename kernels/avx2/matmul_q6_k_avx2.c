/* The matrix product of Q6_K for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256i v[4];
    inf_avx2_load16(p + 192, stride, v);
    __m256 d = inf_avx2_halves(p + 208, stride);
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        inf_avx2_byte_scales(s, 4 * i, d, _mm256_xor_si256(v[i], _mm256_set1_epi8(-128)), 128);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    INF_AVX2_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        __m256i v[16], top[8];
        inf_avx2_load32(p + 64 * half, stride, v);
        inf_avx2_load32(p + 64 * half + 32, stride, v + 8);
        inf_avx2_load32(p + 128 + 32 * half, stride, top);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 32; n++) {
            __m256i low = inf_avx2_bits(v[n % 16], n < 16 ? 0 : 4, 15);
            __m256i high = inf_avx2_high(top[n % 8], (int)(n / 8 * 2), 3);
            inf_avx2_put(s, 32 * half + n, _mm256_or_si256(low, high));
        }
    }
}

INF_AVX2_MATMUL(q6_k, Q6_K, q6_k)
