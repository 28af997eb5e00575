/* IQ2_S (formats/iq2_s.c) with AVX-512. */
#include "kernels/avx512/grid_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 256
#define BYTES 82
#define OWED 0 /* 128 */
#define TURNED 1

static const _Alignas(64) uint8_t grid[2][1024] = {
#define GRID(entry) INF_GRID2(UINT64_C(entry)),
    {
#include "formats/grid_iq2_s.def"
    },
#undef GRID
#define GRID(entry) INF_GRID2(UINT64_C(entry) >> 32),
    {
#include "formats/grid_iq2_s.def"
    },
#undef GRID
};
static const _Alignas(64) uint8_t values[2][64] = INF_SIGNED2(INF_MAGNITUDE2);

/* Sub-blocks j and j + 1: 4 indices, whose upper bits are byte j / 2 of qh. */
INF_INLINE void put_two(unsigned j, __m512i index, __m512i signs, __m512i qh, struct inf_sink *sink,
                        unsigned cols)
{
    __m512i bits = inf_spread(qh, j / 2 % 4);
    const __mmask64 upper[] = {_mm512_movepi8_mask(index),
                               _mm512_test_epi8_mask(bits, _mm512_set1_epi32(0x40100401)),
                               _mm512_test_epi8_mask(bits, _mm512_set1_epi32((int)0x80200802))};
    __m512i low = inf_grid_lookup(grid[0], 1024, index, upper);
    __m512i high = inf_grid_lookup(grid[1], 1024, index, upper);
    PUT16(j, inf_for_sink(cols, inf_grid2_16(low, high, signs, 0, values)), 0);
    PUT16(j + 1, inf_for_sink(cols, inf_grid2_16(low, high, signs, 1, values)), 0);
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    struct inf_quad back = inf_quad_load(rows, 66); /* qh, scales */
    struct inf_unit unit =
        inf_unit(_mm512_mul_ps(inf_half_load(rows, 0), _mm512_set1_ps(0.125f)), 0.0f);
    inf_put_scales_odd(h, 0, &unit, back.c);
    inf_put_scales_odd(h, 8, &unit, back.d);
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        struct inf_quad q = inf_quad_load(rows, 2 + 16 * i);
        struct inf_quad signs = inf_quad_load(rows, 34 + 16 * i);
        __m512i qh = i ? back.b : back.a;
        put_two(8 * i, q.a, signs.a, qh, sink, cols);
        put_two(8 * i + 2, q.b, signs.b, qh, sink, cols);
        put_two(8 * i + 4, q.c, signs.c, qh, sink, cols);
        put_two(8 * i + 6, q.d, signs.d, qh, sink, cols);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq2_s_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq2_s_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
