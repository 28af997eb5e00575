/* Q2_0 (formats/q2_0.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 64
#define BYTES 18
#define OWED 7 /* 1 */

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    __m512 d = inf_run_half(run, j * BYTES);
    struct inf_quad q = inf_run_quad(run, j * BYTES + 2);
    inf_put_scale(h, 2 * j, d);
    inf_put_scale(h, 2 * j + 1, d);
    PUT32(2 * j, inf_quad_and(inf_quad_spread(q.a, 0, 2), 0x03), 0,
          inf_quad_and(inf_quad_spread(q.b, 0, 2), 0x03), 0);
    PUT32(2 * j + 1, inf_quad_and(inf_quad_spread(q.c, 0, 2), 0x03), 0,
          inf_quad_and(inf_quad_spread(q.d, 0, 2), 0x03), 0);
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q2_0_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q2_0_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
