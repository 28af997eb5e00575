/* TQ2_0 (formats/tq2_0.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 66
#define OWED 7 /* 1 */

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    __m512 d = inf_half_high(inf_quad_load(rows, 50).d);
    (void)n;
    INF_UNROLL
    for (unsigned j = 0; j < 8; j++)
        inf_put_scale(h, j, d);
    INF_UNROLL
    for (unsigned half = 0; half < 2; half++) {
        struct inf_quad p = inf_quad_load(rows, 32 * half), q = inf_quad_load(rows, 32 * half + 16);
        PUT32(4 * half, inf_quad_and(p, 0x03), 0, inf_quad_and(q, 0x03), 0);
        PUT32(4 * half + 1, inf_quad_field(p, 2, 0x03), 0, inf_quad_field(q, 2, 0x03), 0);
        PUT32(4 * half + 2, inf_quad_and(p, 0x30), 4, inf_quad_and(q, 0x30), 4);
        PUT32(4 * half + 3, inf_quad_field(p, 2, 0x30), 4, inf_quad_field(q, 2, 0x30), 4);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_tq2_0_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_tq2_0_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
