/* The matrix product of Q4_K for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    inf_avx2_k_scales(p, stride, s);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    INF_AVX2_UNROLL
    for (uint32_t pair = 0; pair < 4; pair++) {
        __m256i v[8];
        inf_avx2_load32(p + 16 + 32 * pair, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 16; n++)
            inf_avx2_put(s, 16 * pair + n, inf_avx2_bits(v[n % 8], n < 8 ? 0 : 4, 15));
    }
}

INF_AVX2_MATMUL(q4_k, Q4_K, q4_k)
