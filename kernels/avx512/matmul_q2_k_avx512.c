/* Q2_K (formats/q2_k.c) with AVX-512. */
#include "kernels/avx512/tile_avx512.h"

#define FORM INF_FORM_S16_MIN256
#define WEIGHTS 256
#define BYTES 84
#define OWED INF_OWED_NONE

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    struct inf_quad bytes = inf_quad_load(rows, 0);
    __m512i halves = inf_quad_load(rows, 68).d;
    struct inf_unit unit = inf_unit(inf_half_low(halves), 0.0f);
    inf_put_scales(h, 0, 1, &unit, bytes.a, 0x0f);
    inf_put_scales(h, 4, 1, &unit, bytes.b, 0x0f);
    inf_put_scales(h, 8, 1, &unit, bytes.c, 0x0f);
    inf_put_scales(h, 12, 1, &unit, bytes.d, 0x0f);
    _mm512_storeu_ps(h->dmin, inf_half_high(halves));
    inf_put_mins_u8(h, 0, inf_and8(inf_right(bytes.a, 4), 0x0f));
    inf_put_mins_u8(h, 1, inf_and8(inf_right(bytes.b, 4), 0x0f));
    inf_put_mins_u8(h, 2, inf_and8(inf_right(bytes.c, 4), 0x0f));
    inf_put_mins_u8(h, 3, inf_and8(inf_right(bytes.d, 4), 0x0f));
    (void)n;
    INF_UNROLL
    for (unsigned i = 0; i < 4; i++) {
        struct inf_quad q = inf_quad_load(rows, 16 + 16 * i);
        unsigned j = i / 2 * 8 + i % 2;
        PUT16(j, inf_quad_and(q, 0x03), 0);
        PUT16(j + 2, inf_quad_and(q, 0x0c), 2);
        PUT16(j + 4, inf_quad_and(q, 0x30), 4);
        PUT16(j + 6, inf_quad_and(q, 0xc0), 6);
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_q2_k_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_q2_k_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
