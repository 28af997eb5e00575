/* Q3_K (formats/q3_k.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 256
#define BYTES 110
#define OWED 5 /* 4 */

/* For four bits of high, those of codes 0 to 3 of a byte: the bits of codes 0 and 2 at bits 2 and 6,
 * those of 1 and 3 one lower. */
static const uint8_t places[16] = {0x00, 0x04, 0x02, 0x06, 0x40, 0x44, 0x42, 0x46,
                                   0x20, 0x24, 0x22, 0x26, 0x60, 0x64, 0x62, 0x66};

/* low where the bits of mask are set, else high */
INF_INLINE struct inf_quad select8(unsigned mask, struct inf_quad low, struct inf_quad high)
{
    __m512i m = _mm512_set1_epi8((char)mask);
    return (struct inf_quad){_mm512_ternarylogic_epi32(low.a, high.a, m, 0xe4),
                             _mm512_ternarylogic_epi32(low.b, high.b, m, 0xe4),
                             _mm512_ternarylogic_epi32(low.c, high.c, m, 0xe4),
                             _mm512_ternarylogic_epi32(low.d, high.d, m, 0xe4)};
}

/* Sub-blocks j, j + 2, j + 4 and j + 6. Two codes of three bits each come to stand in a byte. */
INF_INLINE void put_half(struct inf_sink *sink, unsigned cols, unsigned j, struct inf_quad q,
                         struct inf_quad high)
{
    struct inf_quad right = {inf_right(q.a, 2), inf_right(q.b, 2), inf_right(q.c, 2),
                             inf_right(q.d, 2)};
    struct inf_quad twice = {_mm512_add_epi8(high.a, high.a), _mm512_add_epi8(high.b, high.b),
                             _mm512_add_epi8(high.c, high.c), _mm512_add_epi8(high.d, high.d)};
    struct inf_quad even = select8(0x33, q, high), odd = select8(0x33, right, twice);
    PUT16(j, inf_quad_and(even, 0x07), 0);
    PUT16(j + 2, inf_quad_and(odd, 0x07), 0);
    PUT16(j + 4, inf_quad_and(even, 0x70), 4);
    PUT16(j + 6, inf_quad_and(odd, 0x70), 4);
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    struct inf_quad back = inf_quad_load(rows, 94);        /* two bytes of qs, then scales and d */
    __m512i low0 = _mm512_shrdi_epi32(back.a, back.b, 16); /* bytes 0..3 of scales */
    __m512i low1 = _mm512_shrdi_epi32(back.b, back.c, 16);
    __m512i upper = _mm512_shrdi_epi32(back.c, back.d, 16);
    struct inf_unit unit = inf_unit(inf_half_high(back.d), 32.0f);
    inf_put_scales(h, 0, 1, &unit, inf_or_and8(inf_and8(low0, 0x0f), inf_left(upper, 4), 0x30),
                   0x3f);
    inf_put_scales(h, 4, 1, &unit, inf_or_and8(inf_and8(low1, 0x0f), inf_left(upper, 2), 0x30),
                   0x3f);
    inf_put_scales(h, 8, 1, &unit, inf_or_and8(inf_and8(inf_right(low0, 4), 0x0f), upper, 0x30),
                   0x3f);
    inf_put_scales(h, 12, 1, &unit,
                   inf_or_and8(inf_and8(inf_right(low1, 4), 0x0f), inf_right(upper, 2), 0x30),
                   0x3f);
    (void)n;
    __m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)places));
    INF_UNROLL
    for (unsigned p = 0; p < 2; p++) {
        struct inf_quad high = inf_quad_load(rows, 16 * p); /* bit k is of sub-block 2k + p */
        put_half(sink, cols, p, inf_quad_load(rows, 32 + 16 * p), inf_quad_lookup(high, 0, table));
        put_half(sink, cols, 8 + p, inf_quad_load(rows, 64 + 16 * p),
                 inf_quad_lookup(high, 4, table));
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q3_k_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q3_k_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
