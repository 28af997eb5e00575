/*
 * The loops of a float type; each type's file includes this last, having defined BYTES (of a
 * weight) and
 *
 *     load16(at)             16 weights as floats
 *     load_some(at, mask)    those of the mask, and no byte of another is touched
 *
 * and gets matmul(args). A tile of 4 rows x 6 columns keeps 24 registers of sixteen partial sums.
 */
#define ROWS 4
#define COLS 6
#define BLOCK_BYTES ((size_t)256 << 10) /* weights that meet all columns while they are in cache   \
                                         */

/* The tree of kernel.h. */
INF_INLINE float lanes_total(__m512 s)
{
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

/* rows x cols results; w and x at their first, ahead: what to prefetch meanwhile. */
INF_INLINE void tile(const struct inf_matmul_args *a, size_t row, size_t col, const unsigned rows,
                     const unsigned cols, const uint8_t *ahead)
{
    const uint8_t *w[ROWS];
    const float *x[COLS];
    __m512 sum[ROWS * COLS];
    INF_UNROLL
    for (unsigned r = 0; r < rows; r++)
        w[r] = a->w + (row + r) * a->row_bytes;
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++)
        x[c] = a->x + (a->x_cols ? a->x_cols[col + c] : col + c) * a->x_stride;
    INF_UNROLL
    for (unsigned i = 0; i < rows * cols; i++)
        sum[i] = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= a->k; i += 16) {
        __m512 wi[ROWS];
        INF_UNROLL
        for (unsigned r = 0; r < rows; r++)
            wi[r] = load16(w[r] + i * BYTES);
        for (unsigned at = 0; at < rows * BYTES * 16; at += 64)
            _mm_prefetch((const char *)ahead + at, _MM_HINT_T1);
        ahead += rows * BYTES * 16;
        INF_UNROLL
        for (unsigned c = 0; c < cols; c++) {
            __m512 xi = _mm512_loadu_ps(x[c] + i);
            INF_UNROLL
            for (unsigned r = 0; r < rows; r++)
                sum[c * rows + r] = _mm512_fmadd_ps(wi[r], xi, sum[c * rows + r]);
        }
    }
    if (i < a->k) { /* the other lanes must stay as they are: -0 + 0 would be 0 */
        __mmask16 mask = (__mmask16)((1u << (a->k - i)) - 1);
        INF_UNROLL
        for (unsigned c = 0; c < cols; c++) {
            __m512 xi = _mm512_maskz_loadu_ps(mask, x[c] + i);
            INF_UNROLL
            for (unsigned r = 0; r < rows; r++)
                sum[c * rows + r] = _mm512_mask3_fmadd_ps(load_some(w[r] + i * BYTES, mask), xi,
                                                          sum[c * rows + r], mask);
        }
    }
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++) {
        float *out = inf_output(a, col + c) + row;
        INF_UNROLL
        for (unsigned r = 0; r < rows; r++)
            out[r] = lanes_total(sum[c * rows + r]);
    }
}

typedef void tile_fn(const struct inf_matmul_args *a, size_t row, size_t col, const uint8_t *ahead);

#define TILE(rows, cols)                                                                           \
    static void tile_##rows##_##cols(const struct inf_matmul_args *a, size_t row, size_t col,      \
                                     const uint8_t *ahead)                                         \
    {                                                                                              \
        tile(a, row, col, rows, cols, ahead);                                                      \
    }
#define TILES(rows)                                                                                \
    TILE(rows, 1) TILE(rows, 2) TILE(rows, 3) TILE(rows, 4) TILE(rows, 5) TILE(rows, 6)
TILES(4)
TILES(1)

static tile_fn *const tiles[2][COLS] = {
    {tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6},
    {tile_4_1, tile_4_2, tile_4_3, tile_4_4, tile_4_5, tile_4_6}};

/* A block of rows stays in the second cache while all columns pass, six at a time. */
static void matmul(const struct inf_matmul_args *a)
{
    size_t block = BLOCK_BYTES / (a->k * BYTES) / ROWS * ROWS;
    if (block < ROWS)
        block = ROWS;
    for (size_t from = 0; from < a->rows; from += block) {
        size_t end = a->rows - from < block ? a->rows : from + block;
        for (size_t col = 0; col < a->cols; col += COLS) {
            size_t cols = a->cols - col < COLS ? a->cols - col : COLS;
            size_t rows;
            for (size_t row = from; row < end; row += rows) {
                rows = end - row >= ROWS ? ROWS : 1;
                size_t next = row + 2 * ROWS <= a->rows ? row + ROWS : row;
                tiles[rows == ROWS][cols - 1](a, row, col, a->w + next * a->row_bytes);
            }
        }
    }
}
