/* The matrix product of Q5_K for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    inf_avx2_k_scales(p, stride, s);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i fifth[8];
    inf_avx2_load32(p + 16, stride, fifth);
    INF_AVX2_UNROLL
    for (uint32_t pair = 0; pair < 4; pair++) {
        __m256i v[8];
        inf_avx2_load32(p + 48 + 32 * pair, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 16; n++) {
            __m256i low = inf_avx2_bits(v[n % 8], n < 8 ? 0 : 4, 15);
            __m256i top = inf_avx2_high(fifth[n % 8], (int)(2 * pair + n / 8), 1);
            inf_avx2_put(s, 16 * pair + n, _mm256_or_si256(low, top));
        }
    }
}

INF_AVX2_MATMUL(q5_k, Q5_K, q5_k)
