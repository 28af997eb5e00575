/* IQ4_NL (formats/iq4_nl.c) with AVX-512. */
#include "formats/codebooks.h"
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 32
#define BYTES 18
#define OWED 0 /* 128 */

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    __m512i table = inf_table(inf_codebook_nl);
    inf_put_scale(h, j, inf_run_half(run, j * BYTES));
    struct inf_quad q = inf_run_quad(run, j * BYTES + 2);
    PUT32(j, inf_quad_lookup(q, 0, table), 0, inf_quad_lookup(q, 4, table), 0);
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq4_nl_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq4_nl_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
