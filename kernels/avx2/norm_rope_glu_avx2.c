#include "kernels/avx2/v16_avx2.h"
#include "kernels/simd/norm_rope_glu_simd.h"

void inf_k_rmsnorm_avx2(const struct inf_rmsnorm_args *a);
void inf_k_layernorm_avx2(const struct inf_layernorm_args *a);
void inf_k_rope_avx2(const struct inf_rope_args *a);
void inf_k_glu_avx2(const struct inf_glu_args *a);
void inf_k_softcap_avx2(const struct inf_softcap_args *a);

void inf_k_rmsnorm_avx2(const struct inf_rmsnorm_args *a)
{
    rmsnorm_v16(a);
}

void inf_k_layernorm_avx2(const struct inf_layernorm_args *a)
{
    layernorm_v16(a);
}

void inf_k_rope_avx2(const struct inf_rope_args *a)
{
    rope_v16(a);
}

void inf_k_glu_avx2(const struct inf_glu_args *a)
{
    glu_v16(a);
}

void inf_k_softcap_avx2(const struct inf_softcap_args *a)
{
    softcap_v16(a);
}
