/* Q6_K (formats/q6_k.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 256
#define BYTES 210
#define OWED 2 /* 32 */

/* Sub-blocks of every other 16 weights share the bytes of qh. */
INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    struct inf_quad scales = inf_quad_load(rows, 192);
    struct inf_unit unit = inf_unit(inf_half_load(rows, 208), 128.0f);
    inf_put_scales_i8(h, 0, &unit, scales.a);
    inf_put_scales_i8(h, 4, &unit, scales.b);
    inf_put_scales_i8(h, 8, &unit, scales.c);
    inf_put_scales_i8(h, 12, &unit, scales.d);
    (void)n;
    for (unsigned i = 0; i < 4; i++) {
        unsigned half = i / 2, p = i % 2, j = 8 * half + p;
        struct inf_quad high = inf_quad_load(rows, 128 + 32 * half + 16 * p);
        struct inf_quad low0 = inf_quad_load(rows, 64 * half + 16 * p);
        struct inf_quad low1 = inf_quad_load(rows, 64 * half + 32 + 16 * p);
        PUT16(j, inf_quad_join(inf_quad_and(low0, 0x0f), high, -4, 0x30), 0);
        PUT16(j + 2, inf_quad_join(inf_quad_and(low1, 0x0f), high, -2, 0x30), 0);
        PUT16(j + 4, inf_quad_or(inf_quad_field(low0, 4, 0x0f), high, 0x30), 0);
        PUT16(j + 6, inf_quad_join(inf_quad_field(low1, 4, 0x0f), high, 2, 0x30), 0);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q6_k_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q6_k_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
