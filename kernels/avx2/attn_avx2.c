#include "kernels/avx2/v16_avx2.h"
#include "kernels/simd/attn_simd.h"

void inf_k_kv_store_avx2(const struct inf_kv_store_args *a);
void inf_k_attn_avx2(const struct inf_attn_args *a);
void inf_k_attn_merge_avx2(const struct inf_attn_merge_args *a);

void inf_k_kv_store_avx2(const struct inf_kv_store_args *a)
{
    kv_store_v16(a);
}

void inf_k_attn_avx2(const struct inf_attn_args *a)
{
    attn_v16(a);
}

void inf_k_attn_merge_avx2(const struct inf_attn_merge_args *a)
{
    attn_merge_v16(a);
}
