/* The matrix product of IQ3_XXS for AVX2. */
#include "kernels/avx2/grid_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = _mm256_mul_ps(inf_avx2_halves(p, stride), _mm256_set1_ps(0.25f));
    __m256i v[8];
    inf_avx2_load32(p + 66, stride, v);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j++)
        inf_avx2_store(s->scale + j * s->step, inf_avx2_odd_scale(d, _mm256_srli_epi32(v[j], 28)));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    uint8_t indices[8 * INF_AVX2_INDICES];
    const struct inf_avx2_index index = {indices, false};
    inf_avx2_index_bytes(p + 2, stride, index);
    INF_AVX2_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        __m256i v[4];
        inf_avx2_load16(p + 66 + 16 * half, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 32; n++) {
            __m256i code = inf_avx2_grid4(inf_grid_iq3_xxs, index, 32 * half + n);
            __m256i bits = inf_avx2_even_signs28(v[n / 8]);
            inf_avx2_put_signed(s, 32 * half + n, code, inf_avx2_signs(bits, n % 8), 0);
        }
    }
}

INF_AVX2_MATMUL(iq3_xxs, IQ3_XXS, iq3_xxs)
