/* IQ4_XS (formats/iq4_xs.c) with AVX-512. */
#include "formats/codebooks.h"
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 136
#define OWED 0 /* 128 */

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    struct inf_quad front = inf_quad_load(rows, 0); /* d and sh, sl, and what follows */
    struct inf_unit unit = inf_unit(inf_half_low(front.a), 32.0f);
    /* Bits 4j, 4j + 1 (then 4j + 2, 4j + 3) of sh to bits 4 and 5 of byte j. */
    __m512i from = _mm512_set1_epi64(0x3834302c1814100c);
    __m512i high0 = _mm512_multishift_epi64_epi8(from, front.a);
    __m512i high1 =
        _mm512_multishift_epi64_epi8(_mm512_add_epi8(from, _mm512_set1_epi8(2)), front.a);
    inf_put_scales(h, 0, 2, &unit, inf_or_and8(inf_and8(front.b, 0x0f), high0, 0x30), 0x3f);
    inf_put_scales(h, 1, 2, &unit, inf_or_and8(inf_and8(inf_right(front.b, 4), 0x0f), high1, 0x30),
                   0x3f);
    __m512i table = inf_table(inf_codebook_nl);
    INF_UNROLL
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
