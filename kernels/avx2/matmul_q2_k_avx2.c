/* The matrix product of Q2_K for AVX2. */
#include "kernels/avx2/tile_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256i v[4];
    inf_avx2_load16(p, stride, v);
    __m256 d, dmin;
    inf_avx2_split(inf_avx2_dword(p + 68, stride, 3), &d, &dmin);
    inf_avx2_store(s->min, dmin);
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        inf_avx2_byte_scales(s, 4 * i, d, inf_avx2_bits(v[i], 0, 15), 0);
        inf_avx2_byte_pairs(s, 2 * i, inf_avx2_bits(v[i], 4, 15));
    }
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    INF_AVX2_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        __m256i v[8];
        inf_avx2_load32(p + 16 + 32 * half, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 32; n++)
            inf_avx2_put(s, 32 * half + n, inf_avx2_bits(v[n % 8], n / 8 * 2, 3));
    }
}

INF_AVX2_MATMUL(q2_k, Q2_K, q2_k)
