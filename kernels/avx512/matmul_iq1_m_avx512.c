/* IQ1_M (formats/iq1_m.c) with AVX-512. */
#include "kernels/avx512/iq1_avx512.h"

#define FORM INF_FORM_S16
#define WEIGHTS 256
#define BYTES 56
#define OWED 0 /* 128 */
#define TURNED 1

/* An eighth of d, whose nibbles are the upper ones of the four words. */
INF_INLINE __m512 eighth(__m512i low, __m512i high)
{
    __m512i v = _mm512_and_si512(_mm512_srli_epi32(low, 12), _mm512_set1_epi32(0x000f));
    v = _mm512_ternarylogic_epi32(v, _mm512_srli_epi32(low, 24), _mm512_set1_epi32(0x00f0), 0xf8);
    v = _mm512_ternarylogic_epi32(v, _mm512_srli_epi32(high, 4), _mm512_set1_epi32(0x0f00), 0xf8);
    v = _mm512_ternarylogic_epi32(v, _mm512_srli_epi32(high, 16), _mm512_set1_epi32(0xf000), 0xf8);
    return _mm512_mul_ps(inf_half_low(v), _mm512_set1_ps(0.125f));
}

INF_INLINE void step(struct inf_rows16 rows, unsigned n, const struct inf_heads *h,
                     struct inf_sink *sink, unsigned cols)
{
    (void)n;
    struct inf_quad back = inf_quad_load(rows, 40), qh = inf_quad_load(rows, 32);
    __m512 d = eighth(back.c, back.d);
    const __m512i heads[4] = {qh.a, qh.b, qh.c, qh.d};
    INF_UNROLL
    for (unsigned j = 0; j < 16; j++)
        inf_iq1_put_scale(h, j, d, j < 8 ? back.c : back.d, j % 4 * 3 + j / 4 % 2 * 16);
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        struct inf_quad q = inf_quad_load(rows, 16 * i);
        const __m512i index[4] = {q.a, q.b, q.c, q.d};
        __m512i upper[4], nibbles[4];
        INF_UNROLL
        for (unsigned j = 0; j < 4; j++) {
            /* Bits 4k - 1 on of a half of each dword of the qword, which wraps around. */
            int64_t at = j % 2 ? 0x3b37332f1b17130f : 0x2b27231f0b07033f;
            nibbles[j] = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(at), heads[2 * i + j / 2]);
            upper[j] = inf_iq1_upper(index[j], nibbles[j]);
        }
        struct inf_iq1 v = inf_iq1_lookup(q, upper);
        INF_UNROLL
        for (unsigned j = 0; j < 4; j++) {
            PUT16(8 * i + 2 * j,
                  inf_iq1_16(cols, &v, j, inf_pick(nibbles[j], nibbles[j], 0x01010000), 0), 0);
            PUT16(8 * i + 2 * j + 1,
                  inf_iq1_16(cols, &v, j, inf_pick(nibbles[j], nibbles[j], 0x03030202), 1), 0);
        }
    }
}

#include "kernels/avx512/rows_avx512.h"

void inf_k_matmul_iq1_m_avx512(const struct inf_matmul_args *a);

void inf_k_matmul_iq1_m_avx512(const struct inf_matmul_args *a)
{
    matmul(a);
}
