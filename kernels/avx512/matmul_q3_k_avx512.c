/* Q3_K (formats/q3_k.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 256
#define BYTES 110
#define OWED 5 /* 4 */

INF_INLINE void put_scales(const struct inf_heads *h, unsigned j, __m512 d, __m512i bytes)
{
    inf_put_scales_i8(h, j, d, _mm512_sub_epi8(bytes, _mm512_set1_epi8(32)));
}

INF_INLINE void heads(struct inf_rows16 rows, unsigned n, const struct inf_heads *h)
{
    (void)n;
    struct inf_quad back = inf_quad_load(rows, 94);        /* two bytes of qs, then scales and d */
    __m512i low0 = _mm512_shrdi_epi32(back.a, back.b, 16); /* bytes 0..3 of scales */
    __m512i low1 = _mm512_shrdi_epi32(back.b, back.c, 16);
    __m512i high = _mm512_shrdi_epi32(back.c, back.d, 16);
    __m512 d = inf_half_high(back.d);
    put_scales(h, 0, d, inf_or_and8(inf_and8(low0, 0x0f), inf_left(high, 4), 0x30));
    put_scales(h, 4, d, inf_or_and8(inf_and8(low1, 0x0f), inf_left(high, 2), 0x30));
    put_scales(h, 8, d, inf_or_and8(inf_and8(inf_right(low0, 4), 0x0f), high, 0x30));
    put_scales(h, 12, d, inf_or_and8(inf_and8(inf_right(low1, 4), 0x0f), inf_right(high, 2), 0x30));
}

INF_INLINE void weights(struct inf_rows16 rows, unsigned n, struct inf_sink *sink, unsigned cols)
{
    (void)n;
    INF_UNROLL
    for (int p = 0; p < 2; p++) {
        struct inf_quad high = inf_quad_load(rows, (size_t)(16 * p));
        INF_UNROLL
        for (int half = 0; half < 2; half++) {
            struct inf_quad q = inf_quad_load(rows, (size_t)(32 + 32 * half + 16 * p));
            unsigned j = (unsigned)(8 * half + p);
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
