/* F16 with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define BYTES 2

INF_INLINE __m512 load16(const uint8_t *at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at));
}

INF_INLINE __m512 load_some(const uint8_t *at, __mmask16 mask)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, at));
}

#include "kernels/avx512/float_avx512.h"

void inf_k_matmul_f16_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_f16_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
