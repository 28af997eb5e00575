/* IQ4_XS (formats/iq4_xs.c) with AVX-512. */
#include "formats/codebooks.h"
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 136
#define OWED 0 /* 128 */

INF_INLINE void heads(struct inf_rows16 rows, unsigned n, const struct inf_heads *h)
{
    (void)n;
    struct inf_quad front = inf_quad_load(rows, 0); /* d and sh, sl, and what follows */
    __m512 d = inf_half_low(front.a);
    __m512i offset = _mm512_set1_epi32(32);
    INF_UNROLL
    for (unsigned j = 0; j < 8; j++) {
        __m512i low = _mm512_and_si512(_mm512_srli_epi32(front.b, 4 * j), _mm512_set1_epi32(15));
        __m512i high =
            _mm512_and_si512(_mm512_srli_epi32(front.a, 12 + 2 * j), _mm512_set1_epi32(0x30));
        __m512i s = _mm512_sub_epi32(_mm512_or_si512(low, high), offset);
        inf_put_scale(h, j, _mm512_mul_ps(d, _mm512_cvtepi32_ps(s)));
    }
}

INF_INLINE void weights(struct inf_rows16 rows, unsigned n, struct inf_sink *sink, unsigned cols)
{
    (void)n;
    __m512i table = inf_table(inf_codebook_nl);
    for (unsigned j = 0; j < 8; j++) {
        struct inf_quad q = inf_quad_load(rows, 8 + 16 * j);
        PUT32(j, inf_quad_lookup(q, 0, table), 0, inf_quad_lookup(q, 4, table), 0);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq4_xs_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq4_xs_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
