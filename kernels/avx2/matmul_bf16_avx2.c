/* The matrix product of BF16 for AVX2. */
#include "kernels/avx2/float_avx2.h"

INF_AVX2_INLINE __m256 load8(const uint8_t *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
}

INF_AVX2_FLOATS(bf16, 2)
