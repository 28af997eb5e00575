/* IQ2_XS (formats/iq2_xs.c) with AVX-512. */
#include "kernels/avx512/grid_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 256
#define BYTES 74
#define OWED 0 /* 128 */
#define TURNED 1

static const _Alignas(64) uint8_t grid[2][512] = {
#define GRID(entry) INF_GRID2(UINT64_C(entry)),
    {
#include "formats/grid_iq2_xs.def"
    },
#undef GRID
#define GRID(entry) INF_GRID2(UINT64_C(entry) >> 32),
    {
#include "formats/grid_iq2_xs.def"
    },
#undef GRID
};
static const _Alignas(64) uint8_t values[2][64] = INF_SIGNED2(INF_MAGNITUDE2);

/* Sub-blocks j and j + 1, of two u16 in each dword: 7 signs above 9 bits of index. */
INF_INLINE void put_two(unsigned j, __m512i codes0, __m512i codes1, struct inf_sink *sink,
                        unsigned cols)
{
    __m512i index = inf_pick(codes0, codes1, 0x42400200);
    __m512i top = inf_pick(codes0, codes1, 0x43410301);
    const __mmask64 upper[] = {_mm512_movepi8_mask(index),
                               _mm512_test_epi8_mask(top, _mm512_set1_epi8(1))};
    __m512i low = inf_grid_lookup(grid[0], 512, index, upper);
    __m512i high = inf_grid_lookup(grid[1], 512, index, upper);
    __m512i signs = inf_signs7(inf_right(top, 1));
    PUT16(j, inf_for_sink(cols, inf_grid2_16(low, high, signs, 0, values)), 0);
    PUT16(j + 1, inf_for_sink(cols, inf_grid2_16(low, high, signs, 1, values)), 0);
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    struct inf_quad back = inf_quad_load(rows, 58); /* two dwords of qs, then scales */
    struct inf_unit unit =
        inf_unit(_mm512_mul_ps(inf_half_load(rows, 0), _mm512_set1_ps(0.125f)), 0.0f);
    inf_put_scales_odd(h, 0, &unit, back.c);
    inf_put_scales_odd(h, 8, &unit, back.d);
    INF_UNROLL
    for (unsigned i = 0; i < 4; i++) {
        struct inf_quad q = inf_quad_load(rows, 2 + 16 * i);
        put_two(4 * i, q.a, q.b, sink, cols);
        put_two(4 * i + 2, q.c, q.d, sink, cols);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq2_xs_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq2_xs_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
