/*
 * The loops of one weight type. Each type's file includes this last, having defined FORM, WEIGHTS
 * and BYTES (of a block), OWED, and
 *
 *     step(rows, n, h, sink, cols)   puts scales and weights of n blocks of 32
 *
 * and gets matmul(args). With WEIGHTS = 256, n is 8. A type whose weights are turned (grid_avx512.h) has
 * TURNED 1 and WEIGHTS = 256.
 */
#ifndef TURNED
#define TURNED 0
#endif
#define SUB INF_FORM_SUB(FORM)

/* Rows row..row + 15 at weight `at`. Rows that do not exist are rows of zeros in scratch. */
static inline struct inf_rows16 rows_at(const struct inf_matmul_args *a, size_t row, size_t at,
                                        unsigned n)
{
    const uint8_t *w = a->w + row * a->row_bytes + at / WEIGHTS * BYTES;
    if (a->rows - row >= 16)
        return inf_rows16(w, a->row_bytes);
    struct inf_scratch_avx512 *s = (void *)a->scratch;
    memset(s->rows, 0, sizeof s->rows);
    for (size_t r = 0; row + r < a->rows; r++)
        memcpy(s->rows + r * INF_STEP_STRIDE, w + r * a->row_bytes, n * 32 / WEIGHTS * BYTES);
    return inf_rows16(s->rows, INF_STEP_STRIDE);
}

/* Blocks of 32 in the step at weight `at`. */
INF_INLINE unsigned blocks_at(const struct inf_matmul_args *a, size_t at)
{
    return WEIGHTS == INF_STEP || a->k - at >= INF_STEP ? INF_STEP / 32
                                                        : (unsigned)(a->k - at) / 32;
}

/* Sixteen rows times a few columns, without a panel. */
INF_INLINE void few(const struct inf_matmul_args *a, size_t row, const unsigned cols)
{
    /* Of their own, so that the compiler keeps in registers what it can. */
    _Alignas(64) float scale[256 / SUB * 16], min[FORM == INF_FORM_S32_MIN ? 128 : 16], dmin[16];
    _Alignas(64) int16_t mins[256 / SUB * 16];
    _Alignas(64) int32_t sums[INF_ROWS_COLS * 256];
    struct inf_heads h = {1, scale, min, dmin, mins};
    _Alignas(64) int32_t owed[INF_ROWS_COLS][2][16];
    _Alignas(64) uint8_t turned[TURNED ? INF_ROWS_COLS : 1][INF_STEP];
    struct inf_sink sink = {.owed = owed, .sums = sums};
    const uint8_t *x[INF_ROWS_COLS];
    __m512 acc[INF_ROWS_COLS];
    for (unsigned c = 0; c < cols; c++) {
        x[c] = inf_column(a, c);
        acc[c] = _mm512_setzero_ps();
    }
    size_t neg_at = SUB == 16 ? inf_acts_neg16_at(a->k) : inf_acts_neg32_at(a->k);
    sink.ahead = (uintptr_t)a->w + (row + 16) * a->row_bytes;
    inf_prefetch_row_pages(a->w, row, a->row_bytes);
    for (size_t at = 0; at < a->k; at += INF_STEP) {
        unsigned n = blocks_at(a, at);
        struct inf_rows16 rows = rows_at(a, row, at, n);
        for (unsigned c = 0; c < cols; c++) {
            sink.x[c] = TURNED ? inf_turn(turned[c], x[c] + at) : x[c] + at;
            if (OWED != INF_OWED_NONE)
                inf_put_owed(owed[c], OWED, x[c] + neg_at + at / SUB * 4, n * 32 / SUB);
        }
        step(rows, n, &h, &sink, cols);
        inf_prefetch_step(&sink);
        for (unsigned c = 0; c < cols; c++)
            acc[c] = inf_apply(FORM, a->k, at, n, &h, sums + c * 256, x[c], acc[c]);
    }
    __mmask16 mask = inf_lanes(a->rows - row);
    for (unsigned c = 0; c < cols; c++)
        _mm512_mask_storeu_ps(inf_output(a, c) + row, mask, acc[c]);
}

static void few1(const struct inf_matmul_args *a, size_t row)
{
    few(a, row, 1);
}
static void few2(const struct inf_matmul_args *a, size_t row)
{
    few(a, row, 2);
}
static void few3(const struct inf_matmul_args *a, size_t row)
{
    few(a, row, 3);
}
static void few4(const struct inf_matmul_args *a, size_t row)
{
    few(a, row, 4);
}

/* One step of 16 rows to its place in the panel. Prefetches from *ahead on. */
static void panel_step(const struct inf_matmul_args *a, size_t row, size_t at, size_t start,
                       uintptr_t *ahead)
{
    struct inf_scratch_avx512 *s = (void *)a->scratch;
    size_t from = at - start, half = row % 32 / 16 * 16;
    struct inf_heads h = {2, s->scale + from / SUB * 32 + half, s->min + from / 32 * 32 + half,
                          s->dmin + from / 256 * 32 + half, s->mins + (from / SUB * 16 + half) * 2};
    struct inf_sink sink = {.panel = s->q + from * 32 + half * 4, .ahead = *ahead};
    unsigned n = blocks_at(a, at);
    struct inf_rows16 rows = rows_at(a, row, at, n);
    step(rows, n, &h, &sink, 0);
    *ahead = sink.ahead + sink.fetched;
}

static void many(const struct inf_matmul_args *a)
{
    size_t most = a->cols > 4 * INF_TILE_COLS ? INF_PANEL_K : INF_PANEL_K_FEW;
    for (size_t row = 0; row < a->rows; row += 32) {
        uintptr_t ahead = (uintptr_t)a->w + (row + 32) * a->row_bytes;
        inf_prefetch_row_pages(a->w, row, a->row_bytes);
        for (size_t start = 0; start < a->k; start += most) {
            size_t n = a->k - start < most ? a->k - start : most;
            size_t end = row + 32 < a->rows ? row + 32 : a->rows;
            for (size_t half = row; half < end; half += 16)
                for (size_t at = start; at < start + n; at += INF_STEP)
                    panel_step(a, half, at, start, &ahead);
            inf_tiles_avx512(FORM, a, row, end - row, start, n);
        }
    }
}

static void matmul(const struct inf_matmul_args *a)
{
    void (*const fews[])(const struct inf_matmul_args *, size_t) = {few1, few2, few3, few4};
    if (a->cols > INF_ROWS_COLS) {
        many(a);
        return;
    }
    for (size_t row = 0; a->cols && row < a->rows; row += 16)
        fews[a->cols - 1](a, row);
}
