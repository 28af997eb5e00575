/* Q4_0 (formats/q4_0.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 32
#define BYTES 18
#define OWED 4 /* 8 */

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    inf_put_scale(h, j, inf_run_half(run, j * BYTES));
    struct inf_quad q = inf_run_quad(run, j * BYTES + 2);
    PUT32(j, inf_quad_and(q, 0x0f), 0, inf_quad_and(q, 0xf0), 4);
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q4_0_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q4_0_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
