/*
 * The matrix product of float types for AVX2: two registers are the sixteen lanes of a sum. A type
 * supplies the load of eight weights as floats.
 *
 * One column: four rows at a time, straight through k. More: blocks of rows and columns whose lanes
 * rest in scratch between pieces of k, so that a piece of three columns stays in the first cache
 * and a piece of the rows in the second.
 */
#ifndef INF_FLOAT_AVX2_H
#define INF_FLOAT_AVX2_H

#include "kernels/avx2/tile_avx2.h"

#define INF_AVX2_FLOAT_ROWS 32   /* of a block */
#define INF_AVX2_FLOAT_COLS 96   /* of a block */
#define INF_AVX2_FLOAT_PIECE 512 /* of k */
#define INF_AVX2_FLOAT_TILE 3    /* columns at a time */

_Static_assert(INF_AVX2_FLOAT_ROWS *INF_AVX2_FLOAT_COLS * 64 <= INF_MATMUL_SCRATCH,
               "the lanes of a block fit the scratch");

/* Eight weights at p as floats. */
typedef __m256 inf_avx2_load8_fn(const uint8_t *p);

/* The lanes of one sum: 0 to 7 and 8 to 15. */
struct inf_avx2_lanes {
    __m256 half[2];
};

/* s[r][c] over k / 16 * 16 weights from p and x on; `rows` and `cols` are constants. */
INF_AVX2_INLINE void inf_avx2_float_tile(inf_avx2_load8_fn *load8, const size_t bytes,
                                         const size_t rows, const size_t cols, const uint8_t *p,
                                         size_t stride, const float *const x[INF_AVX2_FLOAT_TILE],
                                         size_t k, const uint8_t *ahead,
                                         struct inf_avx2_lanes s[4][INF_AVX2_FLOAT_TILE])
{
    for (size_t i = 0; i + 16 <= k; i += 16) {
        INF_AVX2_UNROLL
        for (size_t h = 0; h < 2; h++) {
            __m256 v[INF_AVX2_FLOAT_TILE];
            INF_AVX2_UNROLL
            for (size_t c = 0; c < cols; c++) {
                v[c] = _mm256_loadu_ps(x[c] + i + 8 * h);
                if (rows > 1)
                    __asm__("" : "+x"(v[c])); /* loaded once, not once a row */
            }
            INF_AVX2_UNROLL
            for (size_t r = 0; r < rows; r++) {
                __m256 w = load8(p + r * stride + (i + 8 * h) * bytes);
                INF_AVX2_UNROLL
                for (size_t c = 0; c < cols; c++)
                    s[r][c].half[h] = _mm256_fmadd_ps(w, v[c], s[r][c].half[h]);
            }
        }
        if (ahead) {
            INF_AVX2_UNROLL
            for (size_t l = 0; l < rows * bytes / 4; l++)
                _mm_prefetch((const char *)ahead + 64 * l + i * rows * bytes, _MM_HINT_T1);
        }
    }
}

/* The last k % 16 weights, then the tree. */
INF_AVX2_INLINE float inf_avx2_float_total(inf_avx2_load8_fn *load8, size_t bytes,
                                           struct inf_avx2_lanes s, const uint8_t *p,
                                           const float *x, size_t k)
{
    size_t rest = k % 16;
    if (rest) {
        uint8_t tail[16 * 4] = {0};
        float w[16], lanes[16];
        memcpy(tail, p + (k - rest) * bytes, rest * bytes);
        _mm256_storeu_ps(w, load8(tail));
        _mm256_storeu_ps(w + 8, load8(tail + 8 * bytes));
        _mm256_storeu_ps(lanes, s.half[0]);
        _mm256_storeu_ps(lanes + 8, s.half[1]);
        for (size_t i = 0; i < rest; i++)
            lanes[i] = __builtin_fmaf(w[i], x[k - rest + i], lanes[i]);
        s.half[0] = _mm256_loadu_ps(lanes);
        s.half[1] = _mm256_loadu_ps(lanes + 8);
    }
    __m256 eight = _mm256_add_ps(s.half[0], s.half[1]);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INF_AVX2_INLINE const float *inf_avx2_float_x(const struct inf_matmul_args *a, size_t c)
{
    return a->x + (a->x_cols ? a->x_cols[c] : c) * a->x_stride;
}

INF_AVX2_INLINE float *inf_avx2_float_out(const struct inf_matmul_args *a, size_t c)
{
    return a->out + (a->out_cols ? a->out_cols[c] : c) * a->out_stride;
}

/* One column times `rows` (a constant) rows from row r on. */
INF_AVX2_INLINE void inf_avx2_float_rows(inf_avx2_load8_fn *load8, size_t bytes, const size_t rows,
                                         const struct inf_matmul_args *a, size_t r,
                                         const uint8_t *ahead)
{
    struct inf_avx2_lanes s[4][INF_AVX2_FLOAT_TILE];
    const float *x[INF_AVX2_FLOAT_TILE] = {inf_avx2_float_x(a, 0)};
    INF_AVX2_UNROLL
    for (size_t i = 0; i < rows; i++)
        s[i][0] = (struct inf_avx2_lanes){{_mm256_setzero_ps(), _mm256_setzero_ps()}};
    const uint8_t *p = a->w + r * a->row_bytes;
    inf_avx2_float_tile(load8, bytes, rows, 1, p, a->row_bytes, x, a->k, ahead, s);
    float *out = inf_avx2_float_out(a, 0) + r;
    INF_AVX2_UNROLL
    for (size_t i = 0; i < rows; i++)
        out[i] = inf_avx2_float_total(load8, bytes, s[i][0], p + i * a->row_bytes, x[0], a->k);
}

/* Two rows (one where `rows` is 1) times up to three columns over a piece of k; the lanes in
 * memory. */
INF_AVX2_INLINE void inf_avx2_float_pair(inf_avx2_load8_fn *load8, size_t bytes, const size_t rows,
                                         const size_t cols, const uint8_t *p, size_t stride,
                                         const float *const x[INF_AVX2_FLOAT_TILE], size_t k,
                                         float (*lanes)[INF_AVX2_FLOAT_ROWS][16])
{
    struct inf_avx2_lanes s[4][INF_AVX2_FLOAT_TILE];
    INF_AVX2_UNROLL
    for (size_t r = 0; r < rows; r++)
        INF_AVX2_UNROLL
    for (size_t c = 0; c < cols; c++)
        s[r][c] =
            (struct inf_avx2_lanes){{_mm256_load_ps(lanes[c][r]), _mm256_load_ps(lanes[c][r] + 8)}};
    inf_avx2_float_tile(load8, bytes, rows, cols, p, stride, x, k, NULL, s);
    INF_AVX2_UNROLL
    for (size_t r = 0; r < rows; r++)
        INF_AVX2_UNROLL
    for (size_t c = 0; c < cols; c++) {
        _mm256_store_ps(lanes[c][r], s[r][c].half[0]);
        _mm256_store_ps(lanes[c][r] + 8, s[r][c].half[1]);
    }
}

/* `rows` rows of a block times `cols` (a constant, up to three) columns over a piece of k. */
INF_AVX2_INLINE void inf_avx2_float_piece(inf_avx2_load8_fn *load8, size_t bytes, const size_t cols,
                                          size_t rows, const uint8_t *p, size_t stride,
                                          const float *const x[INF_AVX2_FLOAT_TILE], size_t k,
                                          float (*lanes)[INF_AVX2_FLOAT_ROWS][16])
{
    size_t r = 0;
    for (; r + 2 <= rows; r += 2)
        inf_avx2_float_pair(load8, bytes, 2, cols, p + r * stride, stride, x, k,
                            (float(*)[INF_AVX2_FLOAT_ROWS][16])(void *)lanes[0][r]);
    if (r < rows)
        inf_avx2_float_pair(load8, bytes, 1, cols, p + r * stride, stride, x, k,
                            (float(*)[INF_AVX2_FLOAT_ROWS][16])(void *)lanes[0][r]);
}

/* `rows` rows from row r on times `cols` columns from column c on; both at most a block. */
INF_AVX2_INLINE void inf_avx2_float_block(inf_avx2_load8_fn *load8, size_t bytes,
                                          const struct inf_matmul_args *a, size_t r, size_t rows,
                                          size_t c, size_t cols)
{
    float(*lanes)[INF_AVX2_FLOAT_ROWS][16] = (float(*)[INF_AVX2_FLOAT_ROWS][16])(void *)a->scratch;
    memset(lanes, 0, cols * sizeof *lanes);
    const uint8_t *p = a->w + r * a->row_bytes;
    for (size_t start = 0; start + 16 <= a->k; start += INF_AVX2_FLOAT_PIECE) {
        size_t k = a->k - start < INF_AVX2_FLOAT_PIECE ? a->k - start : INF_AVX2_FLOAT_PIECE;
        for (size_t i = 0; i < cols; i += INF_AVX2_FLOAT_TILE) {
            size_t n = cols - i < INF_AVX2_FLOAT_TILE ? cols - i : INF_AVX2_FLOAT_TILE;
            const float *x[INF_AVX2_FLOAT_TILE];
            for (size_t j = 0; j < n; j++)
                x[j] = inf_avx2_float_x(a, c + i + j) + start;
            const uint8_t *at = p + start * bytes;
            if (n == 3)
                inf_avx2_float_piece(load8, bytes, 3, rows, at, a->row_bytes, x, k, lanes + i);
            else if (n == 2)
                inf_avx2_float_piece(load8, bytes, 2, rows, at, a->row_bytes, x, k, lanes + i);
            else
                inf_avx2_float_piece(load8, bytes, 1, rows, at, a->row_bytes, x, k, lanes + i);
        }
    }
    for (size_t i = 0; i < cols; i++)
        for (size_t j = 0; j < rows; j++) {
            struct inf_avx2_lanes s = {
                {_mm256_load_ps(lanes[i][j]), _mm256_load_ps(lanes[i][j] + 8)}};
            inf_avx2_float_out(a, c + i)[r + j] = inf_avx2_float_total(
                load8, bytes, s, p + j * a->row_bytes, inf_avx2_float_x(a, c + i), a->k);
        }
}

INF_AVX2_INLINE void inf_avx2_floats(inf_avx2_load8_fn *load8, size_t bytes,
                                     const struct inf_matmul_args *a)
{
    if (a->cols == 1) {
        size_t r = 0;
        for (; r + 4 <= a->rows; r += 4) {
            const uint8_t *p = a->w + r * a->row_bytes;
            inf_prefetch_row_pages(a->w, r, a->row_bytes);
            inf_avx2_float_rows(load8, bytes, 4, a, r, r + 8 <= a->rows ? p + 4 * a->row_bytes : p);
        }
        for (; r < a->rows; r++)
            inf_avx2_float_rows(load8, bytes, 1, a, r, NULL);
        return;
    }
    for (size_t r = 0; r < a->rows; r += INF_AVX2_FLOAT_ROWS) {
        size_t rows = a->rows - r < INF_AVX2_FLOAT_ROWS ? a->rows - r : INF_AVX2_FLOAT_ROWS;
        for (size_t c = 0; c < a->cols; c += INF_AVX2_FLOAT_COLS) {
            size_t cols = a->cols - c < INF_AVX2_FLOAT_COLS ? a->cols - c : INF_AVX2_FLOAT_COLS;
            inf_avx2_float_block(load8, bytes, a, r, rows, c, cols);
        }
    }
}

/* The kernel of a type whose file has the function `load8`. */
#define INF_AVX2_FLOATS(name, bytes)                                                               \
    inf_matmul_fn inf_k_matmul_##name##_avx2;                                                      \
    void inf_k_matmul_##name##_avx2(const struct inf_matmul_args *a)                               \
    {                                                                                              \
        inf_avx2_floats(load8, bytes, a);                                                          \
    }

#endif
