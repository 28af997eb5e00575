/* The matrix product of IQ3_S for AVX2. */
#include "kernels/avx2/grid_avx2.h"

INF_AVX2_INLINE void scales(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s)
{
    inf_avx2_nibble_scales(s, 0, inf_avx2_halves(p, stride), inf_avx2_dword(p + 94, stride, 3));
}

/* 16 indices: bit 8 of number g is bit g % 8 of byte g / 8 of `high`. */
INF_AVX2_INLINE void indices16(const uint8_t *low, __m256i high, void *to)
{
    const __m256i byte = _mm256_setr_epi8(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 1,
                                          -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1);
    const __m256i up = _mm256_broadcastsi128_si256(_mm_setr_epi16(256, 128, 64, 32, 16, 8, 4, 2));
    __m256i moved = _mm256_mullo_epi16(_mm256_shuffle_epi8(high, byte), up);
    __m256i top = _mm256_and_si256(moved, _mm256_set1_epi16(0x100));
    const void *at = low;
    _mm256_storeu_si256(to, _mm256_or_si256(top, _mm256_cvtepu8_epi16(_mm_loadu_si128(at))));
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    uint8_t indices[8 * INF_AVX2_INDICES];
    const struct inf_avx2_index index = {indices, true};
    INF_AVX2_UNROLL
    for (size_t i = 0; i < 32; i++) {
        const uint8_t *row = p + i / 4 * stride;
        __m256i high = _mm256_set1_epi16((short)inf_load_u16(row + 66 + i % 4 * 2));
        indices16(row + 2 + i % 4 * 16, high, indices + 32 * i);
    }
    inf_avx2_index_done(index);
    INF_AVX2_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        __m256i bits[4];
        inf_avx2_load16(p + 74 + 16 * half, stride, bits);
        INF_AVX2_UNROLL
        for (uint32_t n = 0; n < 32; n++) {
            __m256i code = inf_avx2_grid4(inf_grid_iq3_s, index, 32 * half + n);
            inf_avx2_put_signed(s, 32 * half + n, code, inf_avx2_signs(bits[n / 8], n % 8), 16);
        }
    }
}

INF_AVX2_MATMUL(iq3_s, IQ3_S, q5_0)
