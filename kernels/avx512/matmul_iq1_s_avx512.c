/* IQ1_S (formats/iq1_s.c) with AVX-512. */
#include "kernels/avx512/iq1_avx512.h"

#define FORM INF_FORM_S32
#define WEIGHTS 256
#define BYTES 50
#define OWED 0 /* 128 */
#define TURNED 1

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    __m512 d = _mm512_mul_ps(inf_half_load(rows, 0), _mm512_set1_ps(0.125f));
    struct inf_quad back = inf_quad_load(rows, 34);
    const __m512i heads[4] = {back.a, back.b, back.c, back.d};
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        struct inf_quad q = inf_quad_load(rows, 2 + 16 * i);
        const __m512i index[4] = {q.a, q.b, q.c, q.d};
        __m512i upper[4];
        INF_UNROLL
        for (unsigned j = 0; j < 4; j++) {
            /* Bits 3k - 1 on of a word of each dword of the qword, which wraps around. */
            int64_t at = j % 2 ? 0x3835322f1815120f : 0x2825221f0805023f;
            __m512i high =
                _mm512_multishift_epi64_epi8(_mm512_set1_epi64(at), heads[2 * i + j / 2]);
            upper[j] = inf_iq1_upper(index[j], high);
        }
        struct inf_iq1 v = inf_iq1_lookup(q, upper);
        INF_UNROLL
        for (unsigned j = 0; j < 4; j++) {
            __m512i head = heads[2 * i + j / 2];
            inf_iq1_put_scale(h, 4 * i + j, d, head, 12 + j % 2 * 16);
            __m512i less = _mm512_srai_epi32(j % 2 ? head : _mm512_slli_epi32(head, 16), 31);
            PUT32(4 * i + j, inf_iq1_16(cols, &v, j, less, 0), 0, inf_iq1_16(cols, &v, j, less, 1),
                  0);
        }
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq1_s_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq1_s_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
