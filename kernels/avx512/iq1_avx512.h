/*
 * What IQ1_S and IQ1_M share: a grid of 2048 entries of eight values -8, 0 or 8, one more each or (where a
 * bit says so) one less. Weights come out turned, as in grid_avx512.h.
 */
#ifndef INF_IQ1_AVX512_H
#define INF_IQ1_AVX512_H

#include "kernels/avx512/grid_avx512.h"

#define INF_IQ1_AT(e, j) ((((e) >> (8 * (j))) + 8) >> 3 & 3)
#define INF_IQ1_BYTE(e)                                                                            \
    (INF_IQ1_AT(e, 0) | INF_IQ1_AT(e, 1) << 2 | INF_IQ1_AT(e, 2) << 4 | INF_IQ1_AT(e, 3) << 6)

/* Weights 0 to 3, then 4 to 7 of each entry. */
static const _Alignas(64) uint8_t inf_iq1_grid[2][2048] = {
#define GRID(entry) INF_IQ1_BYTE(UINT64_C(entry) & 0xffffffff),
    {
#include "formats/grid_iq1.def"
    },
#undef GRID
#define GRID(entry) INF_IQ1_BYTE(UINT64_C(entry) >> 32),
    {
#include "formats/grid_iq1.def"
    },
#undef GRID
};

/* Weight + 128 of the code at bits 0 and 1 (then 2 and 3), less one where bit 4 is 1, else one more. */
#define INF_IQ1_VALUE(i, code_at) (120 + 8 * ((i) >> (code_at)&3) + ((i) >> 4 & 1 ? -1 : 1))
static const _Alignas(64) uint8_t inf_iq1_values[2][64] = {INF_64(INF_IQ1_VALUE, 0),
                                                           INF_64(INF_IQ1_VALUE, 2)};

/* Bytes that begin as indices and end as codes: the first (then the last) four weights of each. */
struct inf_iq1 {
    __m512i low[4], high[4];
};

/*
 * The codes of 4 x 64 indices; `upper` has their bits 7 to 10. All are looked up in a piece of the grid
 * while it is in registers: to read it from the first cache takes longer. A byte that met its piece is a
 * code from then on, the others are still indices.
 */
INF_INLINE struct inf_iq1 inf_iq1_lookup(struct inf_quad index, const __m512i upper[4])
{
    struct inf_iq1 v = {{index.a, index.b, index.c, index.d}, {index.a, index.b, index.c, index.d}};
    __m512i piece = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t *low = inf_iq1_grid[0] + 128 * i, *high = inf_iq1_grid[1] + 128 * i;
        __m512i low0 = _mm512_load_si512(low), low1 = _mm512_load_si512(low + 64);
        __m512i high0 = _mm512_load_si512(high), high1 = _mm512_load_si512(high + 64);
        INF_UNROLL
        for (unsigned j = 0; j < 4; j++) {
            __mmask64 here = _mm512_cmpeq_epi8_mask(upper[j], piece);
            v.low[j] = _mm512_mask2_permutex2var_epi8(low0, v.low[j], here, low1);
            v.high[j] = _mm512_mask2_permutex2var_epi8(high0, v.high[j], here, high1);
        }
        piece = _mm512_add_epi8(piece, _mm512_set1_epi8(1));
    }
    return v;
}

/* Bits 7 to 10 of four indices a dword: bits 1 to 3 of the bytes of `high`, and bit 7 of `index`. */
INF_INLINE __m512i inf_iq1_upper(__m512i index, __m512i high)
{
    __m512i lowest = inf_and8(inf_right(index, 7), 1);
    return inf_or_and8(lowest, high, 0x0e);
}

/* Weights 0 to 15 (half = 1: 16 to 31) of dword j, as a sink wants them; bit 4 of `less` says so. */
INF_INLINE struct inf_quad inf_iq1_16(unsigned cols, const struct inf_iq1 *v, unsigned j,
                                      __m512i less, unsigned half)
{
    __m512i codes = inf_pick(v->low[j], v->high[j], half ? 0x43034202 : 0x41014000);
    __m512i bit = _mm512_set1_epi8(0x10);
    __m512i first = _mm512_ternarylogic_epi32(codes, less, bit, 0xd8); /* bit ? less : codes */
    __m512i last = _mm512_ternarylogic_epi32(inf_right(codes, 4), less, bit, 0xd8);
    __m512i at0 = _mm512_load_si512(inf_iq1_values[0]);
    __m512i at2 = _mm512_load_si512(inf_iq1_values[1]);
    return inf_for_sink(cols, (struct inf_quad){_mm512_permutexvar_epi8(first, at0),
                                                _mm512_permutexvar_epi8(first, at2),
                                                _mm512_permutexvar_epi8(last, at0),
                                                _mm512_permutexvar_epi8(last, at2)});
}

/* Scale j: d * (2n + 1), n the three bits of the dwords from `at` on. As inf_put_scale_top. */
INF_INLINE void inf_iq1_put_scale(const struct inf_heads *h, unsigned j, __m512 d, __m512i v,
                                  unsigned at)
{
    __m512i twice = at ? _mm512_srli_epi32(v, at - 1) : _mm512_slli_epi32(v, 1);
    __m512i number =
        _mm512_ternarylogic_epi32(inf_bits_of(0x1p23f + 1), twice, _mm512_set1_epi32(0x0e), 0xf8);
    __m512 less = _mm512_mul_ps(d, _mm512_set1_ps(-0x1p23f));
    inf_put_scale(h, j, _mm512_fmadd_ps(_mm512_castsi512_ps(number), d, less));
}

#endif
