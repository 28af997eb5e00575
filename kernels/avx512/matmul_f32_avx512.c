/* F32 with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define BYTES 4

INF_INLINE __m512 load16(const uint8_t *at)
{
    return _mm512_loadu_ps(at);
}

INF_INLINE __m512 load_some(const uint8_t *at, __mmask16 mask)
{
    return _mm512_maskz_loadu_ps(mask, at);
}

#include "kernels/avx512/float_avx512.h"

void inf_k_matmul_f32_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_f32_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
