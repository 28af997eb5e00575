#include "kernels/neon/v16_neon.h"
#include "kernels/simd/norm_rope_glu_simd.h"

void inf_k_rmsnorm_neon(const struct inf_rmsnorm_args *a);
void inf_k_layernorm_neon(const struct inf_layernorm_args *a);
void inf_k_rope_neon(const struct inf_rope_args *a);
void inf_k_glu_neon(const struct inf_glu_args *a);
void inf_k_softcap_neon(const struct inf_softcap_args *a);

void inf_k_rmsnorm_neon(const struct inf_rmsnorm_args *a)
{
    rmsnorm_v16(a);
}

void inf_k_layernorm_neon(const struct inf_layernorm_args *a)
{
    layernorm_v16(a);
}

void inf_k_rope_neon(const struct inf_rope_args *a)
{
    rope_v16(a);
}

void inf_k_glu_neon(const struct inf_glu_args *a)
{
    glu_v16(a);
}

void inf_k_softcap_neon(const struct inf_softcap_args *a)
{
    softcap_v16(a);
}
