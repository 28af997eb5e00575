#include "kernels/avx512/v16_avx512.h"
#include "kernels/simd/quantize_simd.h"

void inf_k_quantize_avx512(const struct inf_quantize_args *a);

void inf_k_quantize_avx512(const struct inf_quantize_args *a)
{
    quantize_v16(a);
}
