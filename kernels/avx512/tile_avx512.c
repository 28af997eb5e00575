/*
 * The tile: a panel of 32 rows times up to 6 columns, for each form of block.
 *
 * Two vectors of 16 rows and six columns make 12 integer sums and 12 float sums, which stay in
 * registers over the panel; each four weights of k cost 2 loads, 6 broadcasts and 12 vpdpbusd. The
 * integer sums of signed types start from neg16 or neg32, which makes weight + 128 right.
 */
#include "kernels/avx512/tile_avx512.h"

/* A panel's scales at a sub-block, and the columns; the places are in bytes from a column. */
struct place {
    const struct inf_scratch_avx512 *s;
    const uint8_t *x[INF_TILE_COLS];
    size_t q_at, scale_at, neg_at, mscale_at, xm_at;
};

/* acc += -M * dmin for the 256 weights number `at` of the panel */
INF_INLINE void add_min256(const unsigned sub, const unsigned cols, const struct place *p,
                           size_t at, __m512 acc[2 * INF_TILE_COLS])
{
    const int16_t *mins = p->s->mins + at * (128 / sub * 64);
    __m512 dmin0 = _mm512_load_ps(p->s->dmin + at * 32);
    __m512 dmin1 = _mm512_load_ps(p->s->dmin + at * 32 + 16);
    __m512i m[2 * INF_TILE_COLS];
    for (unsigned c = 0; c < cols; c++)
        m[2 * c] = m[2 * c + 1] = _mm512_setzero_si512();
    INF_UNROLL
    for (unsigned j = 0; j < 128 / sub; j++) {
        __m512i m0 = _mm512_load_si512(mins + j * 64), m1 = _mm512_load_si512(mins + j * 64 + 32);
        INF_UNROLL
        for (unsigned c = 0; c < cols; c++) {
            __m512i x = inf_acts_i32(p->x[c] + p->xm_at, 0, at * (128 / sub) + j);
            m[2 * c] = _mm512_dpwssd_epi32(m[2 * c], m0, x);
            m[2 * c + 1] = _mm512_dpwssd_epi32(m[2 * c + 1], m1, x);
        }
    }
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++) {
        __m512 scale = inf_acts_float(p->x[c] + p->mscale_at, 0, at);
        acc[2 * c] =
            _mm512_fnmadd_ps(_mm512_cvtepi32_ps(m[2 * c]), _mm512_mul_ps(dmin0, scale), acc[2 * c]);
        acc[2 * c + 1] = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(m[2 * c + 1]),
                                          _mm512_mul_ps(dmin1, scale), acc[2 * c + 1]);
    }
}

/* Sub-block j of the panel. */
INF_INLINE void add_sub(enum inf_form form, const unsigned cols, const struct place *p, size_t j,
                        __m512 acc[2 * INF_TILE_COLS])
{
    const unsigned sub = INF_FORM_SUB(form);
    const bool owed = form == INF_FORM_S32 || form == INF_FORM_S16;
    const uint8_t *q = p->s->q + j * sub * 32;
    __m512i sum[2 * INF_TILE_COLS];
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++) {
        sum[2 * c] = owed ? inf_acts_i32(p->x[c] + p->neg_at, 0, j) : _mm512_setzero_si512();
        sum[2 * c + 1] = sum[2 * c];
    }
    INF_UNROLL
    for (unsigned i = 0; i < sub / 4; i++) {
        __m512i q0 = _mm512_load_si512(q + i * 128), q1 = _mm512_load_si512(q + i * 128 + 64);
        INF_UNROLL
        for (unsigned c = 0; c < cols; c++) {
            __m512i x = inf_acts_i32(p->x[c] + p->q_at, 0, j * (sub / 4) + i);
            sum[2 * c] = _mm512_dpbusd_epi32(sum[2 * c], q0, x);
            sum[2 * c + 1] = _mm512_dpbusd_epi32(sum[2 * c + 1], q1, x);
        }
    }
    __m512 scale0 = _mm512_load_ps(p->s->scale + j * 32);
    __m512 scale1 = _mm512_load_ps(p->s->scale + j * 32 + 16);
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++) {
        __m512 xscale = inf_acts_float(p->x[c] + p->scale_at, 0, j * sub / 32);
        acc[2 * c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[2 * c]), _mm512_mul_ps(scale0, xscale),
                                     acc[2 * c]);
        acc[2 * c + 1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[2 * c + 1]),
                                         _mm512_mul_ps(scale1, xscale), acc[2 * c + 1]);
        if (form == INF_FORM_S32_MIN) {
            const float *min = p->s->min + j * 32;
            __m512i neg = inf_acts_i32(p->x[c] + p->neg_at, 0, j);
            __m512 total = _mm512_cvtepi32_ps(_mm512_srai_epi32(neg, 7));
            acc[2 * c] =
                _mm512_fnmadd_ps(total, _mm512_mul_ps(_mm512_load_ps(min), xscale), acc[2 * c]);
            acc[2 * c + 1] = _mm512_fnmadd_ps(
                total, _mm512_mul_ps(_mm512_load_ps(min + 16), xscale), acc[2 * c + 1]);
        }
    }
}

/* One tile: `cols` columns from column `col` on. */
INF_INLINE void tile(enum inf_form form, const unsigned cols, const struct inf_matmul_args *a,
                     size_t row, size_t rows, size_t at, size_t n, size_t col)
{
    const unsigned sub = INF_FORM_SUB(form);
    const bool min256 = form == INF_FORM_S32_MIN256 || form == INF_FORM_S16_MIN256;
    struct place p = {.s = (const void *)a->scratch, .q_at = at};
    p.scale_at = inf_acts_scale_at(a->k) + at / 32 * 4;
    p.neg_at = (sub == 16 ? inf_acts_neg16_at(a->k) : inf_acts_neg32_at(a->k)) + at / sub * 4;
    p.mscale_at =
        (sub == 16 ? inf_acts_mscale16_at(a->k) : inf_acts_mscale32_at(a->k)) + at / 256 * 4;
    p.xm_at = (sub == 16 ? inf_acts_xm16_at(a->k) : inf_acts_xm32_at(a->k)) + at / sub * 2;
    __mmask16 mask0 = inf_lanes(rows), mask1 = inf_lanes(rows > 16 ? rows - 16 : 0);
    __m512 acc[2 * INF_TILE_COLS];
    float *out[INF_TILE_COLS];
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++) {
        p.x[c] = inf_column(a, col + c);
        out[c] = inf_output(a, col + c) + row;
        acc[2 * c] = at ? _mm512_maskz_loadu_ps(mask0, out[c]) : _mm512_setzero_ps();
        acc[2 * c + 1] = at ? _mm512_maskz_loadu_ps(mask1, out[c] + 16) : _mm512_setzero_ps();
    }
    if (min256) {
        for (size_t i = 0; i < n / 256; i++) {
            for (size_t j = 0; j < 256 / sub; j++)
                add_sub(form, cols, &p, i * (256 / sub) + j, acc);
            add_min256(sub, cols, &p, i, acc);
        }
    } else {
        for (size_t j = 0; j < n / sub; j++)
            add_sub(form, cols, &p, j, acc);
    }
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++) {
        _mm512_mask_storeu_ps(out[c], mask0, acc[2 * c]);
        _mm512_mask_storeu_ps(out[c] + 16, mask1, acc[2 * c + 1]);
    }
}

typedef void tile_fn(const struct inf_matmul_args *a, size_t row, size_t rows, size_t at, size_t n,
                     size_t col);

#define TILE(form, cols)                                                                           \
    static void tile_##form##_##cols(const struct inf_matmul_args *a, size_t row, size_t rows,     \
                                     size_t at, size_t n, size_t col)                              \
    {                                                                                              \
        tile(INF_FORM_##form, cols, a, row, rows, at, n, col);                                     \
    }
#define TILES(form)                                                                                \
    TILE(form, 1) TILE(form, 2) TILE(form, 3) TILE(form, 4) TILE(form, 5) TILE(form, 6)
TILES(S32)
TILES(S16)
TILES(S32_MIN)
TILES(S32_MIN256)
TILES(S16_MIN256)

#define ROW(form)                                                                                  \
    [INF_FORM_##form] = {tile_##form##_1, tile_##form##_2, tile_##form##_3,                        \
                         tile_##form##_4, tile_##form##_5, tile_##form##_6}
static tile_fn *const tiles[][INF_TILE_COLS] = {ROW(S32), ROW(S16), ROW(S32_MIN), ROW(S32_MIN256),
                                                ROW(S16_MIN256)};

void inf_tiles_avx512(enum inf_form form, const struct inf_matmul_args *a, size_t row, size_t rows,
                      size_t at, size_t n)
{
    for (size_t col = 0; col < a->cols; col += INF_TILE_COLS) {
        size_t cols = a->cols - col < INF_TILE_COLS ? a->cols - col : INF_TILE_COLS;
        tiles[form][cols - 1](a, row, rows, at, n, col);
    }
}
