/* The matrix product of F32 for AVX2. */
#include "kernels/avx2/float_avx2.h"

INF_AVX2_INLINE __m256 load8(const uint8_t *p)
{
    return _mm256_loadu_ps((const float *)(const void *)p);
}

INF_AVX2_FLOATS(f32, 4)
