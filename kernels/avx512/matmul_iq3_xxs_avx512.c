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

/* Parts j and j + 1, of 8 indices each; x: their signs and scales. */
INF_INLINE void put_parts(unsigned j, struct inf_quad indices, __m512i x0, __m512i x1, __m512 d,
                          const struct inf_heads *h, struct inf_sink *sink, unsigned cols)
{
    const __m512i index[4] = {indices.a, indices.b, indices.c, indices.d}, x[2] = {x0, x1};
    __m512i even[4], odd[4];
    inf_grid_lookup4(grid[0], index, even);
    inf_grid_lookup4(grid[1], index, odd);
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        inf_put_scale_top(h, j + i, d, x[i]);
        __m512i signs = inf_signs7(inf_bits7(x[i]));
        struct inf_quad p = inf_grid3_16(even[2 * i], odd[2 * i], signs, 0, values);
        struct inf_quad q = inf_grid3_16(even[2 * i + 1], odd[2 * i + 1], signs, 1, values);
        PUT32(j + i, inf_for_sink(cols, p), 0, inf_for_sink(cols, q), 0);
    }
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    __m512 d = _mm512_mul_ps(inf_half_load(rows, 0), _mm512_set1_ps(0.25f));
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        struct inf_quad x = inf_quad_load(rows, 66 + 16 * i);
        put_parts(4 * i, inf_quad_load(rows, 2 + 32 * i), x.a, x.b, d, h, sink, cols);
        put_parts(4 * i + 2, inf_quad_load(rows, 18 + 32 * i), x.c, x.d, d, h, sink, cols);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq3_xxs_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq3_xxs_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
