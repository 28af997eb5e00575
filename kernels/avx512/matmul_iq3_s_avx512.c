/* IQ3_S (formats/iq3_s.c) with AVX-512. */
#include "kernels/avx512/grid_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 110
#define OWED 0 /* 128 */
#define TURNED 1

static const _Alignas(64) uint8_t grid[2][512] = {
#define GRID(entry) INF_GRID3(UINT32_C(entry), 1, 0),
    {
#include "formats/grid_iq3_s.def"
    },
#undef GRID
#define GRID(entry) INF_GRID3(UINT32_C(entry), 1, 1),
    {
#include "formats/grid_iq3_s.def"
    },
#undef GRID
};
#define MAGNITUDE(code) (2 * (code) + 1)
static const _Alignas(64) uint8_t values[4][64] = INF_SIGNED3(MAGNITUDE);

/* Weights of 4 indices; their ninth bits are the lower (then the upper) four of each byte of bits. */
INF_INLINE struct inf_quad weights(__m512i index, __m512i bits, __m512i signs, unsigned half)
{
    __m512i ninth = _mm512_set1_epi32(half ? (int)0x80402010 : 0x08040201);
    const __mmask64 upper[] = {_mm512_movepi8_mask(index), _mm512_test_epi8_mask(bits, ninth)};
    return inf_grid3_16(inf_grid_lookup(grid[0], 512, index, upper),
                        inf_grid_lookup(grid[1], 512, index, upper), signs, half, values);
}

INF_INLINE void put_sub(unsigned j, __m512i index0, __m512i index1, __m512i signs, __m512i qh,
                        struct inf_sink *sink, unsigned cols)
{
    __m512i bits = inf_spread(qh, j % 4);
    PUT32(j, inf_for_sink(cols, weights(index0, bits, signs, 0)), 0,
          inf_for_sink(cols, weights(index1, bits, signs, 1)), 0);
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    struct inf_quad first = inf_quad_load(rows, 66); /* qh, and 8 bytes of signs */
    struct inf_quad middle = inf_quad_load(rows, 82);
    struct inf_quad last = inf_quad_load(rows, 94); /* from 98 on, then scales */
    struct inf_unit unit = inf_unit(inf_half_load(rows, 0), 0.0f);
    inf_put_scales_odd(h, 0, &unit, last.d);
    struct inf_quad q = inf_quad_load(rows, 2);
    put_sub(0, q.a, q.b, first.c, first.a, sink, cols);
    put_sub(1, q.c, q.d, first.d, first.a, sink, cols);
    q = inf_quad_load(rows, 18);
    put_sub(2, q.a, q.b, middle.a, first.a, sink, cols);
    put_sub(3, q.c, q.d, middle.b, first.a, sink, cols);
    q = inf_quad_load(rows, 34);
    put_sub(4, q.a, q.b, middle.c, first.b, sink, cols);
    put_sub(5, q.c, q.d, middle.d, first.b, sink, cols);
    q = inf_quad_load(rows, 50);
    put_sub(6, q.a, q.b, last.b, first.b, sink, cols);
    put_sub(7, q.c, q.d, last.c, first.b, sink, cols);
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq3_s_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq3_s_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
