/* The matrix product of IQ2_XS for AVX2. */
#include "kernels/avx2/grid_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = _mm256_mul_ps(inf_avx2_halves(p, stride), _mm256_set1_ps(0.125f));
    __m256i v[4];
    inf_avx2_load16(p + 58, stride, v);
    inf_avx2_nibble_scales(s, 0, d, v[2]);
    inf_avx2_nibble_scales(s, 8, d, v[3]);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    uint8_t indices[8 * INF_AVX2_INDICES];
    const struct inf_avx2_index index = {indices, true};
    const __m256i low = _mm256_set1_epi16(511);
    INF_AVX2_UNROLL
    for (size_t r = 0; r < 16; r++) { /* 32 bytes each */
        const void *qs = p + 2 + r / 2 * stride + r % 2 * 32;
        void *to = indices + r / 2 * INF_AVX2_INDICES + r % 2 * 32;
        _mm256_storeu_si256(to, _mm256_and_si256(_mm256_loadu_si256(qs), low));
    }
    inf_avx2_index_done(index);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 4; j++) {
        __m256i v[4];
        inf_avx2_load16(p + 2 + 16 * j, stride, v);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 8; n++) {
            /* | entry 3 : 1 : 2 : 0 |, the upper seven bits of a word each */
            __m256i even = _mm256_srli_epi16(v[n / 4 * 2], 9);
            __m256i odd =
                _mm256_and_si256(_mm256_srli_epi16(v[n / 4 * 2 + 1], 1), _mm256_set1_epi16(0x7f00));
            __m256i bits = inf_avx2_even_signs(_mm256_or_si256(even, odd));
            uint32_t at = 2 * (n % 4 / 2 + n % 2 * 2);
            __m256i code[2];
            inf_avx2_grid8(inf_grid_iq2_xs, index, 8 * j + n, code);
            inf_avx2_put_signed(s, 16 * j + 2 * n, code[0], inf_avx2_signs(bits, at), 0);
            inf_avx2_put_signed(s, 16 * j + 2 * n + 1, code[1], inf_avx2_signs(bits, at + 1), 0);
        }
    }
}

INF_AVX2_MATMUL(iq2_xs, IQ2_XS, iq2_xs)
