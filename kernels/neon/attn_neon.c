#include "kernels/neon/v16_neon.h"
#include "kernels/simd/attn_simd.h"

void inf_k_kv_store_neon(const struct inf_kv_store_args *a);
void inf_k_attn_neon(const struct inf_attn_args *a);
void inf_k_attn_merge_neon(const struct inf_attn_merge_args *a);

void inf_k_kv_store_neon(const struct inf_kv_store_args *a)
{
    kv_store_v16(a);
}

void inf_k_attn_neon(const struct inf_attn_args *a)
{
    attn_v16(a);
}

void inf_k_attn_merge_neon(const struct inf_attn_merge_args *a)
{
    attn_merge_v16(a);
}
