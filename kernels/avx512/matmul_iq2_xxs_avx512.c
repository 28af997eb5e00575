/* IQ2_XXS (formats/iq2_xxs.c) with AVX-512. */
#include "kernels/avx512/grid_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 66
#define OWED 0 /* 128 */
#define TURNED 1

static const _Alignas(64) uint8_t grid[2][256] = {
#define GRID(entry) INF_GRID2(UINT64_C(entry)),
    {
#include "formats/grid_iq2_xxs.def"
    },
#undef GRID
#define GRID(entry) INF_GRID2(UINT64_C(entry) >> 32),
    {
#include "formats/grid_iq2_xxs.def"
    },
#undef GRID
};
static const _Alignas(64) uint8_t values[2][64] = INF_SIGNED2(INF_MAGNITUDE2);

/* Of a part: its codes, and x, signs and scale. */
INF_INLINE void put_part(unsigned j, __m512i low, __m512i high, __m512i x, __m512 d,
                         const struct inf_heads *h, struct inf_sink *sink, unsigned cols)
{
    inf_put_scale_top(h, j, d, x);
    __m512i signs = inf_signs7(inf_bits7(x));
    PUT32(j, inf_for_sink(cols, inf_grid2_16(low, high, signs, 0, values)), 0,
          inf_for_sink(cols, inf_grid2_16(low, high, signs, 1, values)), 0);
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    __m512 d = _mm512_mul_ps(inf_half_load(rows, 0), _mm512_set1_ps(0.125f));
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        struct inf_quad p = inf_quad_load(rows, 2 + 32 * i), q = inf_quad_load(rows, 18 + 32 * i);
        const __m512i index[4] = {p.a, p.c, q.a, q.c}, x[4] = {p.b, p.d, q.b, q.d};
        __m512i low[4], high[4];
        inf_grid_lookup4(grid[0], index, low);
        inf_grid_lookup4(grid[1], index, high);
        INF_UNROLL
        for (unsigned j = 0; j < 4; j++)
            put_part(4 * i + j, low[j], high[j], x[j], d, h, sink, cols);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq2_xxs_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq2_xxs_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
