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

/* Bits 0 and 2 (for fields 0 and 2), or 1 and 3, of the low nibble of each byte, to bits 2 and 6:
 * on top of two-bit fields at bits 0 and 4. */
INF_AVX2_INLINE __m256i third_bits(__m256i nibble, int field)
{
    const __m256i even = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 0, 4, 64, 68, 64, 68, 0, 4, 0, 4, 64, 68, 64, 68));
    const __m256i odd = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, 4, 4, 0, 0, 4, 4, 64, 64, 68, 68, 64, 64, 68, 68));
    return _mm256_shuffle_epi8(field ? odd : even, nibble);
}

INF_AVX2_INLINE void codes(const uint8_t *p, size_t stride, struct inf_avx2_sink *s)
{
    __m256i third[8];
    inf_avx2_load32(p, stride, third);
    INF_AVX2_UNROLL
    for (int half = 0; half < 2; half++) {
        __m256i v[8], even[8], odd[8]; /* | field 2 : field 0 | and | field 3 : field 1 | */
        inf_avx2_load32(p + 32 + 32 * half, stride, v);
        INF_AVX2_UNROLL
        for (int i = 0; i < 8; i++) {
            __m256i nibble = inf_avx2_bits(third[i], 4 * half, 15);
            even[i] = _mm256_or_si256(inf_avx2_bits(v[i], 0, 0x33), third_bits(nibble, 0));
            odd[i] = _mm256_or_si256(inf_avx2_bits(v[i], 2, 0x33), third_bits(nibble, 1));
        }
        INF_AVX2_UNROLL
        for (int n = 0; n < 32; n++)
            inf_avx2_put(s, 32 * half + n,
                         inf_avx2_bits(n / 8 % 2 ? odd[n % 8] : even[n % 8], n / 16 * 4, 7));
    }
}

INF_AVX2_MATMUL(q3_k, Q3_K, q3_k)
