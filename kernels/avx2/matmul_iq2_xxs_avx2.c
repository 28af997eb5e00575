/* The matrix product of IQ2_XXS for AVX2. */
#include "kernels/avx2/grid_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = _mm256_mul_ps(inf_avx2_halves(p, stride), _mm256_set1_ps(0.125f));
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j += 2) {
        __m256i v[4];
        inf_avx2_load16(p + 2 + 8 * j, stride, v);
        inf_avx2_store(s->scale + j * s->step, inf_avx2_odd_scale(d, _mm256_srli_epi32(v[1], 28)));
        inf_avx2_store(s->scale + (j + 1) * s->step,
                       inf_avx2_odd_scale(d, _mm256_srli_epi32(v[3], 28)));
    }
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    uint8_t indices[8 * INF_AVX2_INDICES];
    const struct inf_avx2_index index = {indices, false};
    inf_avx2_index_bytes(p + 2, stride, index);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 8; j += 2) {
        __m256i v[4];
        inf_avx2_load16(p + 2 + 8 * j, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 8; n++) {
            __m256i code[2], bits = inf_avx2_even_signs28(v[n / 4 * 2 + 1]);
            inf_avx2_grid8(inf_grid_iq2_xxs, index, 8 * (j + n / 4) + n % 4, code);
            inf_avx2_put_signed(s, 8 * j + 2 * n, code[0], inf_avx2_signs(bits, n % 4 * 2), 0);
            inf_avx2_put_signed(s, 8 * j + 2 * n + 1, code[1], inf_avx2_signs(bits, n % 4 * 2 + 1),
                                0);
        }
    }
}

INF_AVX2_MATMUL(iq2_xxs, IQ2_XXS, iq3_xxs)
