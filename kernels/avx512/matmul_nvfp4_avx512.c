/* NVFP4 (formats/nvfp4.c) with AVX-512. */
#include "formats/codebooks.h"
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 64
#define BYTES 36
#define OWED 0 /* 128 */

/* As inf_e4m3_half_to_float: a half whose exponent and mantissa are those bits is 2^7 too small. */
INF_INLINE void put_scales(const struct inf_heads *h, unsigned first, __m512i bytes)
{
    bytes = inf_and8(bytes, 0x7f);
    bytes = _mm512_maskz_mov_epi8(_mm512_cmpneq_epi8_mask(bytes, _mm512_set1_epi8(0x7f)), bytes);
    __m512i even = _mm512_and_si512(_mm512_slli_epi16(bytes, 7), _mm512_set1_epi16(0x3f80));
    __m512i odd = _mm512_and_si512(_mm512_srli_epi16(bytes, 1), _mm512_set1_epi16(0x3f80));
    __m512 unit = _mm512_set1_ps(0x1p7f);
    inf_put_scale(h, first, _mm512_mul_ps(inf_half_low(even), unit));
    inf_put_scale(h, first + 1, _mm512_mul_ps(inf_half_low(odd), unit));
    inf_put_scale(h, first + 2, _mm512_mul_ps(inf_half_high(even), unit));
    inf_put_scale(h, first + 3, _mm512_mul_ps(inf_half_high(odd), unit));
}

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    __m512i table = inf_table(inf_codebook_fp4);
    put_scales(h, 4 * j, inf_run_dword(run, j * BYTES));
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        struct inf_quad q = inf_run_quad(run, j * BYTES + 4 + 16 * i);
        struct inf_quad low = inf_quad_lookup(q, 0, table), high = inf_quad_lookup(q, 4, table);
        struct inf_quad first = {low.a, low.b, high.a, high.b};
        struct inf_quad second = {low.c, low.d, high.c, high.d};
        PUT16(4 * j + 2 * i, first, 0);
        PUT16(4 * j + 2 * i + 1, second, 0);
    }
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_nvfp4_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_nvfp4_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
