/* Q1_0 (formats/q1_0.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 128
#define BYTES 18
#define OWED 7 /* 1 */

/* Sub-block j of the bits of a dword: to bit 1 of their bytes. */
INF_INLINE void put_bits(struct inf_sink *sink, unsigned cols, unsigned j, __m512i bits)
{
    PUT32(j, inf_quad_and(inf_quad_spread(bits, 63, 1), 0x02), 0,
          inf_quad_and(inf_quad_spread(bits, 15, 1), 0x02), 0);
}

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    __m512 d = inf_run_half(run, j * BYTES);
    struct inf_quad q = inf_run_quad(run, j * BYTES + 2);
    INF_UNROLL
    for (unsigned i = 0; i < 4; i++)
        inf_put_scale(h, 4 * j + i, d);
    put_bits(sink, cols, 4 * j, q.a);
    put_bits(sink, cols, 4 * j + 1, q.b);
    put_bits(sink, cols, 4 * j + 2, q.c);
    put_bits(sink, cols, 4 * j + 3, q.d);
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q1_0_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q1_0_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
