/* Q5_0 (formats/q5_0.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 32
#define BYTES 22
#define OWED 3 /* 16 */

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    __m512i qh = inf_run_dword(run, j * BYTES + 2);
    struct inf_quad q = inf_run_quad(run, j * BYTES + 6);
    inf_put_scale(h, j, inf_run_half(run, j * BYTES));
    PUT32(j, inf_quad_or(inf_quad_and(q, 0x0f), inf_quad_bits(qh, 0), 0x10), 0,
          inf_quad_or(inf_quad_field(q, 4, 0x0f), inf_quad_bits(qh, 16), 0x10), 0);
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q5_0_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q5_0_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
