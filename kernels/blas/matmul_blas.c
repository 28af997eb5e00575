/*
 * Float weights by OpenBLAS' sgemm: approximate, for many columns, by the rules of kernel.h's
 * `approx`. F16 and BF16 go through scratch, a block of k at a time; so does F32 that is not
 * aligned.
 */
#include "kernels/kernel.h"

#define CHUNK (INF_MATMUL_SCRATCH / sizeof(float) / INF_APPROX_ROWS) /* of k */

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 }; /* of CBLAS */

/* out (cols, rows) = or += x (cols, k) times w (rows, k) transposed. */
static void product(const struct inf_matmul_args *a, size_t col, size_t cols, size_t rows,
                    size_t at, size_t k, const float *w, size_t w_stride, float *out)
{
    const float *x = a->x + (a->x_cols ? a->x_cols[col] : col) * a->x_stride + at;
    out += (a->out_cols ? a->out_cols[col] : col) * a->out_stride;
    a->sgemm(ROW_MAJOR, NO_TRANS, TRANS, (int)cols, (int)rows, (int)k, 1.0f, x, (int)a->x_stride, w,
             (int)w_stride, at ? 1.0f : 0.0f, out, (int)a->out_stride);
}

/* Columns from `col` on that follow each other in the input and in the output. */
static size_t run_of_cols(const struct inf_matmul_args *a, size_t col)
{
    size_t n = 1;
    while (col + n < a->cols && (!a->x_cols || a->x_cols[col + n] == a->x_cols[col] + n) &&
           (!a->out_cols || a->out_cols[col + n] == a->out_cols[col] + n))
        n++;
    return n;
}

static void all_cols(const struct inf_matmul_args *a, size_t first, size_t rows, size_t at,
                     size_t k, const float *w, size_t w_stride)
{
    for (size_t col = 0, n; col < a->cols; col += n) {
        n = run_of_cols(a, col);
        product(a, col, n, rows, at, k, w, w_stride, a->out + first);
    }
}

static void through_scratch(const struct inf_matmul_args *a, size_t first, size_t rows)
{
    const struct inf_type_info *type = inf_type_info(a->type);
    float *w = (float *)(void *)a->scratch; /* (rows, k) of the chunk */
    for (size_t at = 0, k; at < a->k; at += k) {
        k = a->k - at < CHUNK ? a->k - at : CHUNK;
        for (size_t r = 0; r < rows; r++)
            type->floats(a->w + (first + r) * a->row_bytes + at * type->bytes, k, w + r * k);
        all_cols(a, first, rows, at, k, w, k);
    }
}

void inf_k_matmul_float_blas(const struct inf_matmul_args *a);

void inf_k_matmul_float_blas(const struct inf_matmul_args *a)
{
    bool direct =
        a->type == INF_TYPE_F32 && !((uintptr_t)a->w % sizeof(float)) && !(a->row_bytes % 4);
    for (size_t first = 0, rows; first < a->rows; first += rows) {
        rows = a->rows - first < INF_APPROX_ROWS ? a->rows - first : INF_APPROX_ROWS;
        if (direct)
            all_cols(a, first, rows, 0, a->k,
                     (const float *)(const void *)(a->w + first * a->row_bytes), a->row_bytes / 4);
        else
            through_scratch(a, first, rows);
    }
}
