#include "kernels/neon/v16_neon.h"
#include "kernels/simd/recur_simd.h"

void inf_k_conv_neon(const struct inf_conv_args *a);
void inf_k_gates_neon(const struct inf_gates_args *a);
void inf_k_recur_neon(const struct inf_recur_args *a);

void inf_k_conv_neon(const struct inf_conv_args *a)
{
    conv_v16(a);
}

void inf_k_gates_neon(const struct inf_gates_args *a)
{
    gates_v16(a);
}

void inf_k_recur_neon(const struct inf_recur_args *a)
{
    recur_v16(a);
}
