/* TQ1_0 (formats/tq1_0.c) with AVX-512. */
#include "kernels/avx512/grid_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 54
#define OWED 7 /* 1 */

/* Digit k of byte b (formats/tq1_0.c), and digits 0 to 3 with two bits each. */
#define DIGIT(b, power) (((b) * (power)&255) * 3 >> 8)
#define FOUR(b) (DIGIT(b, 1) | DIGIT(b, 3) << 2 | DIGIT(b, 9) << 4 | DIGIT(b, 27) << 6)
#define FIFTH(b) DIGIT(b, 81)
#define AT(i, from, digits) digits((i) + (from))
#define BYTES256(digits)                                                                           \
    {                                                                                              \
        INF_64(AT, 0, digits), INF_64(AT, 64, digits), INF_64(AT, 128, digits),                    \
            INF_64(AT, 192, digits)                                                                \
    }
static const _Alignas(64) uint8_t fours[4][64] = BYTES256(FOUR), fifths[4][64] = BYTES256(FIFTH);

INF_INLINE __m512i lookup(__m512i bytes, const uint8_t table[4][64])
{
    const __mmask64 upper = _mm512_movepi8_mask(bytes);
    return inf_grid_lookup(table[0], 256, bytes, &upper);
}
INF_INLINE struct inf_quad lookups(struct inf_quad q, const uint8_t table[4][64])
{
    return (struct inf_quad){lookup(q.a, table), lookup(q.b, table), lookup(q.c, table),
                             lookup(q.d, table)};
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    struct inf_quad back = inf_quad_load(rows, 38), p = inf_quad_load(rows, 0);
    struct inf_quad q = inf_quad_load(rows, 16), r = inf_quad_load(rows, 32);
    __m512i last = lookup(_mm512_shrdi_epi32(back.c, back.d, 16), fours);
    __m512 d = inf_half_high(back.d);
    (void)n;
    INF_UNROLL
    for (unsigned j = 0; j < 8; j++)
        inf_put_scale(h, j, d);
    struct inf_quad p4 = lookups(p, fours), q4 = lookups(q, fours), r4 = lookups(r, fours);
    PUT32(0, inf_quad_and(p4, 0x03), 0, inf_quad_and(q4, 0x03), 0);
    PUT32(1, inf_quad_field(p4, 2, 0x03), 0, inf_quad_field(q4, 2, 0x03), 0);
    PUT32(2, inf_quad_and(p4, 0x30), 4, inf_quad_and(q4, 0x30), 4);
    PUT32(3, inf_quad_field(p4, 2, 0x30), 4, inf_quad_field(q4, 2, 0x30), 4);
    PUT32(4, lookups(p, fifths), 0, lookups(q, fifths), 0);
    PUT32(5, inf_quad_and(r4, 0x03), 0, inf_quad_field(r4, 2, 0x03), 0);
    PUT32(6, inf_quad_and(r4, 0x30), 4, inf_quad_field(r4, 2, 0x30), 4);
    struct inf_quad digits = {last, inf_right(last, 2), inf_right(last, 4), inf_right(last, 6)};
    PUT32(7, lookups(r, fifths), 0, inf_quad_and(digits, 0x03), 0);
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_tq1_0_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_tq1_0_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
