/* Q5_K (formats/q5_k.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32_MIN256
#define WEIGHTS 256
#define BYTES 176
#define OWED INF_OWED_NONE

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    inf_put_scales6(h, inf_quad_load(rows, 0));
    (void)n;
    struct inf_quad h0 = inf_quad_load(rows, 16), h1 = inf_quad_load(rows, 32);
    INF_UNROLL
    for (int p = 0; p < 4; p++) {
        unsigned i = (unsigned)p;
        struct inf_quad q0 = inf_quad_load(rows, 48 + 32 * i),
                        q1 = inf_quad_load(rows, 64 + 32 * i);
        PUT32(2 * i, inf_quad_join(inf_quad_and(q0, 0x0f), h0, 2 * p - 4, 0x10), 0,
              inf_quad_join(inf_quad_and(q1, 0x0f), h1, 2 * p - 4, 0x10), 0);
        PUT32(2 * i + 1, inf_quad_join(inf_quad_field(q0, 4, 0x0f), h0, 2 * p - 3, 0x10), 0,
              inf_quad_join(inf_quad_field(q1, 4, 0x0f), h1, 2 * p - 3, 0x10), 0);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q5_k_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q5_k_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
