/* For a type of small blocks, whose file includes this before rows_avx512.h and has
 *
 *     block(run, j, h, sink, cols)   puts scale and weights of block j
 */
INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    struct inf_run whole = {.rows = rows, .whole = true}, part = {.rows = rows, .whole = false};
    if (n == INF_STEP / 32) {
        INF_UNROLL
        for (unsigned j = 0; j < INF_STEP / WEIGHTS; j++) {
            inf_run_load(&whole, BYTES, INF_STEP / WEIGHTS, j);
            block(&whole, j, h, sink, cols);
        }
        return;
    }
    for (unsigned j = 0; j < n * 32 / WEIGHTS; j++)
        block(&part, j, h, sink, cols);
}
