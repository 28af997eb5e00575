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
/* Weights that meet all columns out of the second cache, in bytes, and in rows at most (by the room
 * for their sums in scratch). */
#define BLOCK_BYTES ((size_t)512 << 10)
#define BLOCK_ROWS 512
/* Weights of a row that six columns meet at a time: with F32 their x must stay in the first cache,
 * or the loads are the limit. */
#define CHUNK (BYTES == 4 ? 1024 : 4096)
_Static_assert(BLOCK_ROWS *COLS * 64 <= INF_MATMUL_SCRATCH, "too much scratch");

/* Where a tile is: rows, columns, and k from at to end; sums (columns, rows, 16) are carried from
 * chunk to chunk. ahead: what to prefetch meanwhile. */
struct place {
    size_t row, col, at, end;
    float *sums;
    const uint8_t *ahead;
};

/* The tree of kernel.h. */
INF_INLINE float lanes_total(__m512 s)
{
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

INF_INLINE void tile(const struct inf_matmul_args *a, const struct place *p, const unsigned rows,
                     const unsigned cols)
{
    const uint8_t *w[ROWS], *ahead = p->ahead;
    const unsigned step = cols < COLS ? rows * BYTES * 16 : 64; /* weights, or one column */
    const float *x[COLS];
    __m512 sum[ROWS * COLS];
    INF_UNROLL
    for (unsigned r = 0; r < rows; r++)
        w[r] = a->w + (p->row + r) * a->row_bytes;
    INF_UNROLL
    for (unsigned c = 0; c < cols; c++)
        x[c] = inf_x_column(a, p->col + c);
    INF_UNROLL
    for (unsigned i = 0; i < rows * cols; i++)
        sum[i] = p->at ? _mm512_load_ps(p->sums + i * 16) : _mm512_setzero_ps();
    size_t i = p->at;
    for (; i + 16 <= p->end; i += 16) {
        __m512 wi[ROWS];
        INF_UNROLL
        for (unsigned r = 0; r < rows; r++)
            wi[r] = load16(w[r] + i * BYTES);
        for (unsigned at = 0; at < step; at += 64)
            _mm_prefetch((const char *)ahead + at, _MM_HINT_T1);
        ahead += step;
        INF_UNROLL
        for (unsigned c = 0; c < cols; c++) {
            __m512 xi = _mm512_loadu_ps(x[c] + i);
            INF_UNROLL
            for (unsigned r = 0; r < rows; r++)
                sum[c * rows + r] = _mm512_fmadd_ps(wi[r], xi, sum[c * rows + r]);
        }
    }
    if (p->end < a->k) {
        INF_UNROLL
        for (unsigned j = 0; j < rows * cols; j++)
            _mm512_store_ps(p->sums + j * 16, sum[j]);
        return;
    }
    if (i < a->k) { /* the other lanes must stay as they are: -0 + 0 would be 0 */
        __mmask16 mask = inf_lanes(a->k - i);
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
        float *out = inf_output(a, p->col + c) + p->row;
        INF_UNROLL
        for (unsigned r = 0; r < rows; r++)
            out[r] = lanes_total(sum[c * rows + r]);
    }
}

typedef void tile_fn(const struct inf_matmul_args *a, const struct place *p);

#define TILE(rows, cols)                                                                           \
    static void tile_##rows##_##cols(const struct inf_matmul_args *a, const struct place *p)       \
    {                                                                                              \
        tile(a, p, rows, cols);                                                                    \
    }
#define TILES(rows)                                                                                \
    TILE(rows, 1) TILE(rows, 2) TILE(rows, 3) TILE(rows, 4) TILE(rows, 5) TILE(rows, 6)
TILES(4)
TILES(1)

static tile_fn *const tiles[2][COLS] = {
    {tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6},
    {tile_4_1, tile_4_2, tile_4_3, tile_4_4, tile_4_5, tile_4_6}};

/* What to prefetch beside a tile: few columns meet new weights all the time, the next rows; many
 * meet them in cache, and each tile brings one of the next columns. */
static const uint8_t *next_place(const struct inf_matmul_args *a, size_t from, size_t row,
                                 size_t col, size_t at)
{
    size_t other = col + COLS + (row - from) / ROWS;
    if (a->cols - col >= COLS && (row - from) / ROWS < COLS && other < a->cols)
        return (const uint8_t *)(inf_x_column(a, other) + at);
    size_t next = row + 2 * ROWS <= a->rows ? row + ROWS : row;
    return a->w + next * a->row_bytes + at * BYTES;
}

/* Rows from..to - 1 times up to six columns. */
static void block(const struct inf_matmul_args *a, size_t from, size_t to, size_t col)
{
    size_t cols = a->cols - col < COLS ? a->cols - col : COLS;
    size_t chunk = cols == COLS ? CHUNK : a->k, rows;
    for (size_t at = 0; at < a->k; at += chunk)
        for (size_t row = from; row < to; row += rows) {
            rows = to - row >= ROWS ? ROWS : 1;
            if (col == 0 && at == 0)
                inf_prefetch_row_pages(a->w, row, a->row_bytes);
            struct place p = {.row = row,
                              .col = col,
                              .at = at,
                              .end = a->k - at < chunk ? a->k : at + chunk,
                              .sums = (float *)(void *)a->scratch + (row - from) * COLS * 16,
                              .ahead = next_place(a, from, row, col, at)};
            tiles[rows == ROWS][cols - 1](a, &p);
        }
}

static void matmul(const struct inf_matmul_args *a)
{
    size_t rows = BLOCK_BYTES / (a->k * BYTES) / ROWS * ROWS;
    rows = rows < ROWS ? ROWS : rows > BLOCK_ROWS ? BLOCK_ROWS : rows;
    for (size_t from = 0; from < a->rows; from += rows)
        for (size_t col = 0; col < a->cols; col += COLS)
            block(a, from, a->rows - from < rows ? a->rows : from + rows, col);
}
