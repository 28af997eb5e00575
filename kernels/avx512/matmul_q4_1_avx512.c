/* Q4_1 (formats/q4_1.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32_MIN
#define WEIGHTS 32
#define BYTES 20
#define OWED INF_OWED_NONE

INF_INLINE void block(const struct inf_run *run, unsigned j, const struct inf_heads *h,
                      struct inf_sink *sink, unsigned cols)
{
    __m512i halves = inf_run_dword(run, j * BYTES);
    inf_put_scale(h, j, inf_half_low(halves));
    inf_put_min(h, j, inf_half_high(halves));
    struct inf_quad q = inf_run_quad(run, j * BYTES + 4);
    PUT32(j, inf_quad_and(q, 0x0f), 0, inf_quad_and(q, 0xf0), 4);
}

#include "kernels/avx512/blocks_avx512.h"
#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q4_1_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q4_1_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
