/* Q4_K (formats/q4_k.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32_MIN256
#define WEIGHTS 256
#define BYTES 144
#define OWED INF_OWED_NONE

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    inf_put_scales6(h, inf_quad_load(rows, 0));
    (void)n;
    INF_UNROLL
    for (unsigned p = 0; p < 4; p++) {
        struct inf_quad q0 = inf_quad_load(rows, 16 + 32 * p);
        struct inf_quad q1 = inf_quad_load(rows, 32 + 32 * p);
        PUT32(2 * p, inf_quad_and(q0, 0x0f), 0, inf_quad_and(q1, 0x0f), 0);
        PUT32(2 * p + 1, inf_quad_and(q0, 0xf0), 4, inf_quad_and(q1, 0xf0), 4);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q4_k_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q4_k_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
