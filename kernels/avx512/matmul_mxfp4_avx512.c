/* MXFP4 (formats/mxfp4.c) with AVX-512. */
#include "formats/codebooks.h"
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 32
#define BYTES 17
#define OWED 0 /* 128 */

/* As inf_e8m0_half_to_float. */
INF_INLINE __m512 exponents(__m512i e)
{
    __m512i one = _mm512_set1_epi32(1);
    __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(e, one), 23);
    __m512i subnormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), e);
    return _mm512_castsi512_ps(
        _mm512_mask_blend_epi32(_mm512_cmple_epu32_mask(e, one), normal, subnormal));
}

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    __m512i table = inf_table(inf_codebook_fp4);
    inf_put_scale(h, j, exponents(inf_run_byte(run, j * BYTES)));
    struct inf_quad q = inf_run_quad(run, j * BYTES + 1);
    PUT32(j, inf_quad_lookup(q, 0, table), 0, inf_quad_lookup(q, 4, table), 0);
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_mxfp4_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_mxfp4_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
