/* IQ3_XXS (formats/iq3_xxs.c) with AVX-512. */
#include "kernels/avx512/grid_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 98
#define OWED 0 /* 128 */
#define TURNED 1

static const _Alignas(64) uint8_t grid[2][256] = {
#define GRID(entry) INF_GRID3(UINT32_C(entry), 3, 0),
    {
#include "formats/grid_iq3_xxs.def"
    },
#undef GRID
#define GRID(entry) INF_GRID3(UINT32_C(entry), 3, 1),
    {
#include "formats/grid_iq3_xxs.def"
    },
#undef GRID
};
#define MAGNITUDE(code) ((code) == 7 ? 62 : 8 * (code) + 4)
static const _Alignas(64) uint8_t values[4][64] = INF_SIGNED3(MAGNITUDE);

/* Weights of 4 indices. */
INF_INLINE struct inf_quad weights(__m512i index, __m512i signs, unsigned half)
{
    const __mmask64 upper = _mm512_movepi8_mask(index);
    return inf_grid3_16(inf_grid_lookup(grid[0], 256, index, &upper),
                        inf_grid_lookup(grid[1], 256, index, &upper), signs, half, values);
}

/* A part: 8 indices, and x, its signs and scale. */
INF_INLINE void put_part(unsigned j, __m512i index0, __m512i index1, __m512i x, __m512 d,
                         const struct inf_heads *h, struct inf_sink *sink, unsigned cols)
{
    inf_put_scale_top(h, j, d, x);
    __m512i signs = inf_signs7(inf_bits7(x));
    PUT32(j, inf_for_sink(cols, weights(index0, signs, 0)), 0,
          inf_for_sink(cols, weights(index1, signs, 1)), 0);
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    __m512 d = _mm512_mul_ps(inf_half_load(rows, 0), _mm512_set1_ps(0.25f));
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        struct inf_quad x = inf_quad_load(rows, 66 + 16 * i);
        struct inf_quad q = inf_quad_load(rows, 2 + 32 * i);
        put_part(4 * i, q.a, q.b, x.a, d, h, sink, cols);
        put_part(4 * i + 1, q.c, q.d, x.b, d, h, sink, cols);
        q = inf_quad_load(rows, 18 + 32 * i);
        put_part(4 * i + 2, q.a, q.b, x.c, d, h, sink, cols);
        put_part(4 * i + 3, q.c, q.d, x.d, d, h, sink, cols);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq3_xxs_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq3_xxs_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
