/* The matrix product of IQ2_S for AVX2. */
#include "kernels/avx2/grid_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    __m256 d = _mm256_mul_ps(inf_avx2_halves(p, stride), _mm256_set1_ps(0.125f));
    __m256i v[4];
    inf_avx2_load16(p + 66, stride, v);
    inf_avx2_nibble_scales(s, 0, d, v[2]);
    inf_avx2_nibble_scales(s, 8, d, v[3]);
}

/* 16 indices: bits 8 and 9 of number g are the g % 4th two of byte g / 4 of `high`. */
INF_AVX2_INLINE void indices16(const uint8_t *low, __m256i high, void *to)
{
    const __m256i byte = _mm256_setr_epi8(0, -1, 0, -1, 0, -1, 0, -1, 1, -1, 1, -1, 1, -1, 1, -1, 2,
                                          -1, 2, -1, 2, -1, 2, -1, 3, -1, 3, -1, 3, -1, 3, -1);
    const __m256i up = _mm256_set1_epi64x(0x0004001000400100);
    __m256i moved = _mm256_mullo_epi16(_mm256_shuffle_epi8(high, byte), up);
    __m256i top = _mm256_and_si256(moved, _mm256_set1_epi16(0x300));
    const void *at = low;
    _mm256_storeu_si256(to, _mm256_or_si256(top, _mm256_cvtepu8_epi16(_mm_loadu_si128(at))));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    uint8_t indices[8 * INF_AVX2_INDICES];
    const struct inf_avx2_index index = {indices, true};
    INF_AVX2_UNROLL
    for (size_t r = 0; r < 16; r++) {
        const uint8_t *row = p + r / 2 * stride;
        __m256i high = _mm256_set1_epi32((int)inf_load_u32(row + 66 + r % 2 * 4));
        indices16(row + 2 + r % 2 * 16, high, indices + r / 2 * INF_AVX2_INDICES + r % 2 * 32);
    }
    inf_avx2_index_done(index);
    INF_AVX2_UNROLL
    for (uint32_t j = 0; j < 2; j++) {
        __m256i bits[4];
        inf_avx2_load16(p + 34 + 16 * j, stride, bits);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 16; n++) {
            __m256i code[2];
            uint32_t at = n % 4 * 2;
            inf_avx2_grid8(inf_grid_iq2_s, index, 16 * j + n, code);
            inf_avx2_put_signed(s, 32 * j + 2 * n, code[0], inf_avx2_signs(bits[n / 4], at), 0);
            inf_avx2_put_signed(s, 32 * j + 2 * n + 1, code[1], inf_avx2_signs(bits[n / 4], at + 1),
                                0);
        }
    }
}

INF_AVX2_MATMUL(iq2_s, IQ2_S, iq2_xs)
