#include "kernels/neon/v16_neon.h"
#include "kernels/simd/quantize_simd.h"

void inf_k_quantize_neon(const struct inf_quantize_args *a);

void inf_k_quantize_neon(const struct inf_quantize_args *a)
{
    quantize_v16(a);
}
