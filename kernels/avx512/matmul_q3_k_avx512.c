/* Q3_K (formats/q3_k.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 256
#define BYTES 110
#define OWED 5 /* 4 */

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    struct inf_quad back = inf_quad_load(rows, 94);        /* two bytes of qs, then scales and d */
    __m512i low0 = _mm512_shrdi_epi32(back.a, back.b, 16); /* bytes 0..3 of scales */
    __m512i low1 = _mm512_shrdi_epi32(back.b, back.c, 16);
    __m512i upper = _mm512_shrdi_epi32(back.c, back.d, 16);
    struct inf_unit unit = inf_unit(inf_half_high(back.d), 32.0f);
    inf_put_scales(h, 0, 1, &unit, inf_or_and8(inf_and8(low0, 0x0f), inf_left(upper, 4), 0x30));
    inf_put_scales(h, 4, 1, &unit, inf_or_and8(inf_and8(low1, 0x0f), inf_left(upper, 2), 0x30));
    inf_put_scales(h, 8, 1, &unit, inf_or_and8(inf_and8(inf_right(low0, 4), 0x0f), upper, 0x30));
    inf_put_scales(h, 12, 1, &unit,
                   inf_or_and8(inf_and8(inf_right(low1, 4), 0x0f), inf_right(upper, 2), 0x30));
    (void)n;
    INF_UNROLL
    for (unsigned p = 0; p < 2; p++) {
        struct inf_quad high = inf_quad_load(rows, 16 * p); /* bit k is of sub-block 2k + p */
        INF_UNROLL
        for (int half = 0; half < 2; half++) {
            struct inf_quad q = inf_quad_load(rows, 32 + 32 * (unsigned)half + 16 * p);
            unsigned j = 8 * (unsigned)half + p;
            int bit = 4 * half;
            PUT16(j, inf_quad_join(inf_quad_and(q, 0x03), high, bit - 2, 0x04), 0);
            PUT16(j + 2, inf_quad_join(inf_quad_and(q, 0x0c), high, bit - 3, 0x10), 2);
            PUT16(j + 4, inf_quad_join(inf_quad_and(q, 0x30), high, bit - 4, 0x40), 4);
            PUT16(j + 6, inf_quad_join(inf_quad_field(q, 6, 0x03), high, bit + 1, 0x04), 0);
        }
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q3_k_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q3_k_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
