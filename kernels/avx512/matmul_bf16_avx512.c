/* BF16 with AVX-512: the upper halves of floats. */
#include "kernels/avx512/tile_avx512.h"

#define BYTES 2

INF_INLINE __m512 widen(__m256i v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

INF_INLINE __m512 load16(const uint8_t *at)
{
    return widen(_mm256_loadu_si256((const __m256i *)at));
}

INF_INLINE __m512 load_some(const uint8_t *at, __mmask16 mask)
{
    return widen(_mm256_maskz_loadu_epi16(mask, at));
}

#include "kernels/avx512/float_avx512.h"

void inf_k_matmul_bf16_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_bf16_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
