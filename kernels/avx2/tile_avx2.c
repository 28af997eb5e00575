/* Panels times columns, for AVX2. */
#include "kernels/avx2/tile_avx2.h"

/* Sub-block j of both halves of a panel times `cols` columns. */
INF_AVX2_INLINE void multiply_sub(struct inf_avx2_shape shape, const size_t cols,
                                  const struct inf_avx2_panel *panel, size_t j,
                                  const struct inf_avx2_column *x, __m256i sum[INF_AVX2_COLS][2])
{
    __m256i words[INF_AVX2_COLS][2];
    const __m256i *codes = (const __m256i *)(const void *)panel->codes[j * shape.sub / 4];
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < shape.sub / 4; i++) {
        __m256i w0 = _mm256_load_si256(codes + 2 * i), w1 = _mm256_load_si256(codes + 2 * i + 1);
        INF_AVX2_UNROLL
        for (size_t c = 0; c < cols; c++) {
            __m256i q = inf_avx2_dup4(x[c].q + j * shape.sub + 4 * i);
            inf_avx2_fold(shape, i, inf_avx2_product(shape, w0, q), &words[c][0], &sum[c][0]);
            inf_avx2_fold(shape, i, inf_avx2_product(shape, w1, q), &words[c][1], &sum[c][1]);
        }
    }
}

INF_AVX2_INLINE void multiply(struct inf_avx2_shape shape, const size_t cols,
                              const struct inf_avx2_panel *panel, size_t weights,
                              const struct inf_avx2_column *columns, float (*out)[16])
{
    struct inf_avx2_column x[INF_AVX2_COLS];
    __m256 acc[INF_AVX2_COLS][2];
    INF_AVX2_UNROLL
    for (size_t c = 0; c < cols; c++) {
        x[c] = columns[c];
        acc[c][0] = _mm256_loadu_ps(out[c]);
        acc[c][1] = _mm256_loadu_ps(out[c] + 8);
    }
    const bool mins = shape.form == INF_FORM_S32_MIN;
    for (uint32_t j = 0; j < weights / shape.sub; j++) {
        __m256i sum[INF_AVX2_COLS][2];
        multiply_sub(shape, cols, panel, j, x, sum);
        INF_AVX2_UNROLL
        for (size_t c = 0; c < cols; c++)
            INF_AVX2_UNROLL
        for (size_t half = 0; half < 2; half++)
            acc[c][half] =
                inf_avx2_add_sub(shape, j, &x[c], sum[c][half], panel->scale[j] + 8 * half,
                                 panel->min[mins ? j : 0] + 8 * half, acc[c][half]);
        const uint32_t subs = 256 / shape.sub;
        if (!inf_avx2_has_min256(shape) || j % subs != subs - 1)
            continue;
        uint32_t super = j / subs;
        INF_AVX2_UNROLL
        for (size_t c = 0; c < cols; c++)
            INF_AVX2_UNROLL
        for (size_t half = 0; half < 2; half++)
            acc[c][half] = inf_avx2_add_min256(shape, super, &x[c],
                                               panel->pairs[super * (subs / 2)] + 8 * half,
                                               panel->min[super] + 8 * half, 16, acc[c][half]);
    }
    INF_AVX2_UNROLL
    for (size_t c = 0; c < cols; c++) {
        _mm256_storeu_ps(out[c], acc[c][0]);
        _mm256_storeu_ps(out[c] + 8, acc[c][1]);
    }
}

#define TILE(name, NAME)                                                                           \
    void inf_avx2_tile_##name(const struct inf_avx2_panel *panel, size_t weights,                  \
                              const struct inf_avx2_column *x, size_t cols, float(*acc)[16])       \
    {                                                                                              \
        const struct inf_avx2_shape shape = INF_AVX2_SHAPE_##NAME;                                 \
        if (cols == 1)                                                                             \
            multiply(shape, 1, panel, weights, x, acc);                                            \
        else if (cols == 2)                                                                        \
            multiply(shape, 2, panel, weights, x, acc);                                            \
        else if (cols == 3)                                                                        \
            multiply(shape, 3, panel, weights, x, acc);                                            \
        else                                                                                       \
            multiply(shape, 4, panel, weights, x, acc);                                            \
    }

TILE(q4_0, Q4_0)
TILE(q4_1, Q4_1)
TILE(q5_0, Q5_0)
TILE(q5_1, Q5_1)
TILE(q8_0, Q8_0)
TILE(q2_k, Q2_K)
TILE(q3_k, Q3_K)
TILE(q4_k, Q4_K)
TILE(q5_k, Q5_K)
TILE(q6_k, Q6_K)
TILE(iq2_xs, IQ2_XS)
TILE(iq3_xxs, IQ3_XXS)
TILE(nvfp4, NVFP4)
TILE(tq2_0, TQ2_0)

/* Up to 16 rows of one output column, in or out. */
static void move_rows(float *to, const float *from, size_t rows)
{
    if (rows == 16) {
        _mm256_storeu_ps(to, _mm256_loadu_ps(from));
        _mm256_storeu_ps(to + 8, _mm256_loadu_ps(from + 8));
        return;
    }
    memcpy(to, from, rows * sizeof *to);
}

/* A panel that begins at weight `start` of rows `row` and on, times all columns. Between chunks the
 * sums rest in the output. */
static void all_columns(const struct inf_matmul_args *a, struct inf_avx2_shape shape,
                        inf_avx2_tile_fn *tile, const struct inf_avx2_panel *panel, size_t row,
                        size_t start, size_t weights)
{
    size_t rows = a->rows - row < 16 ? a->rows - row : 16;
    for (size_t c = 0; c < a->cols; c += INF_AVX2_COLS) {
        size_t n = a->cols - c < INF_AVX2_COLS ? a->cols - c : INF_AVX2_COLS;
        struct inf_avx2_column x[INF_AVX2_COLS];
        float acc[INF_AVX2_COLS][16] = {{0}};
        float *out[INF_AVX2_COLS];
        for (size_t i = 0; i < n; i++) {
            x[i] = inf_avx2_column(a, c + i, shape.sub);
            inf_avx2_advance(&x[i], shape.sub, start);
            out[i] = a->out + (a->out_cols ? a->out_cols[c + i] : c + i) * a->out_stride + row;
            if (start)
                move_rows(acc[i], out[i], rows);
        }
        tile(panel, weights, x, n, acc);
        for (size_t i = 0; i < n; i++)
            move_rows(out[i], acc[i], rows);
    }
}

void inf_avx2_panels(const struct inf_matmul_args *a, struct inf_avx2_shape shape,
                     inf_avx2_unpack_fn *unpack, inf_avx2_tile_fn *tile)
{
    struct inf_avx2_panel *panel = (struct inf_avx2_panel *)(void *)a->scratch;
    size_t chunk = INF_AVX2_CHUNK / shape.weights * shape.bytes;
    for (size_t r = 0; r < a->rows; r += 16) {
        size_t rows = a->rows - r, second = rows > 8 ? 8 : 0;
        const uint8_t *p = a->w + r * a->row_bytes;
        const uint8_t *ahead = p + 16 * a->row_bytes;
        inf_prefetch_row_pages(a->w, r, a->row_bytes);
        size_t start = 0;
        do {
            size_t weights = a->k - start < INF_AVX2_CHUNK ? a->k - start : INF_AVX2_CHUNK;
            size_t blocks = weights / shape.weights;
            unpack(p, a->row_bytes, rows, blocks, ahead, panel, 0);
            unpack(p + second * a->row_bytes, a->row_bytes, rows - second, blocks,
                   ahead + 8 * shape.bytes * blocks, panel, 1);
            all_columns(a, shape, tile, panel, r, start, weights);
            p += chunk;
            ahead += 16 * shape.bytes * blocks;
            start += INF_AVX2_CHUNK;
        } while (start < a->k);
    }
}
