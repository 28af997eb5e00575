/* The matrix product of F16 for AVX2. */
#include "kernels/avx2/float_avx2.h"

INF_AVX2_INLINE __m256 load8(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

INF_AVX2_FLOATS(f16, 2)
