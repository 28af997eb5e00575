/*
 * Grids with AVX-512: types whose codes are indices of a codebook's entries, 4 or 8 magnitudes each,
 * with a sign for each weight.
 *
 * A grid has few magnitudes, so that those of an entry pack into two bytes, and 64 indices (4 of each of
 * 16 rows) meet a table of them in registers: a permutation looks up 128 entries, masks of the index's
 * further bits choose among them. A byte of such codes holds several weights of one index, hence the
 * weights come out turned: of 16 weights, dword j of a quad is 4b + j for b = 0..3. Few columns are
 * turned likewise (TURNED of rows_avx512.h); for a panel the weights are turned back.
 *
 * A code and its sign, in one byte, are the place of weight + 128 in a table of 64: sign j of 4 weights
 * stands at bit j + 1, and a weight's code is where its sign is not.
 */
#ifndef INF_GRID_AVX512_H
#define INF_GRID_AVX512_H

#include "formats/codebooks.h"
#include "kernels/avx512/tile_avx512.h"

/* ---- Tables, made by the compiler ------------------------------------------------------------ */

/* Codes of a grid of two bits, from 8, 25 and 43 (bits 4 and 5): one byte for four weights. */
#define INF_GRID2_AT(e, j) ((e) >> (8 * (j) + 4) & 3)
#define INF_GRID2(e)                                                                               \
    (INF_GRID2_AT(e, 0) | INF_GRID2_AT(e, 1) << 2 | INF_GRID2_AT(e, 2) << 4 |                      \
     INF_GRID2_AT(e, 3) << 6)

/* Of three bits, which stand at `bit` of a magnitude: a byte for weights 0 and 2, then for 1 and 3. */
#define INF_GRID3(e, bit, j)                                                                       \
    (((e) >> (8 * (j) + 16 + (bit)) & 7) | ((e) >> (8 * (j) + (bit)) & 7) << 3)

#define INF_4(F, i, ...)                                                                           \
    F((i), __VA_ARGS__), F((i) + 1, __VA_ARGS__), F((i) + 2, __VA_ARGS__), F((i) + 3, __VA_ARGS__)
#define INF_16(F, i, ...)                                                                          \
    INF_4(F, i, __VA_ARGS__), INF_4(F, (i) + 4, __VA_ARGS__), INF_4(F, (i) + 8, __VA_ARGS__),      \
        INF_4(F, (i) + 12, __VA_ARGS__)
#define INF_64(F, ...)                                                                             \
    {                                                                                              \
        INF_16(F, 0, __VA_ARGS__), INF_16(F, 16, __VA_ARGS__), INF_16(F, 32, __VA_ARGS__),         \
            INF_16(F, 48, __VA_ARGS__)                                                             \
    }
/* 128 +- magnitude(code): the code begins at one bit of i, the sign is another. */
#define INF_SIGNED(i, magnitude, mask, code_at, sign_at)                                           \
    (128 + ((i) >> (sign_at)&1 ? -1 : 1) * magnitude((i) >> (code_at)&mask))
/* The tables of weights 0 to 3 for INF_GRID2 (that of weight 2 for the byte >> 2) and INF_GRID3. */
#define INF_SIGNED2(magnitude)                                                                     \
    {                                                                                              \
        INF_64(INF_SIGNED, magnitude, 3, 0, 4), INF_64(INF_SIGNED, magnitude, 3, 2, 5)             \
    }
#define INF_SIGNED3(magnitude)                                                                     \
    {                                                                                              \
        INF_64(INF_SIGNED, magnitude, 7, 3, 1), INF_64(INF_SIGNED, magnitude, 7, 3, 2),            \
            INF_64(INF_SIGNED, magnitude, 7, 0, 3), INF_64(INF_SIGNED, magnitude, 7, 0, 4)         \
    }
#define INF_MAGNITUDE2(code) ((code) == 0 ? 8 : (code) == 1 ? 25 : 43)

/* ---- Weights --------------------------------------------------------------------------------- */

/* table[index] of a table of `count` entries; upper: the bits of the indices from the eighth on. */
INF_INLINE __m512i inf_grid_lookup(const uint8_t *table, unsigned count, __m512i index,
                                   const __mmask64 *upper)
{
    __m512i v[8] = {_mm512_setzero_si512()};
    INF_UNROLL
    for (unsigned i = 0; i < count / 128; i++)
        v[i] = _mm512_permutex2var_epi8(_mm512_load_si512(table + 128 * i), index,
                                        _mm512_load_si512(table + 128 * i + 64));
    INF_UNROLL
    for (unsigned n = count / 256; n; n /= 2, upper++) {
        INF_UNROLL
        for (unsigned i = 0; i < n; i++)
            v[i] = _mm512_mask_blend_epi8(*upper, v[2 * i], v[2 * i + 1]);
    }
    return v[0];
}

/* The same for four registers and 256 entries, with the table read once. */
INF_INLINE void inf_grid_lookup4(const uint8_t table[256], const __m512i index[4], __m512i to[4])
{
    __m512i v[4];
    INF_UNROLL
    for (unsigned i = 0; i < 4; i++)
        v[i] = _mm512_load_si512(table + 64 * i);
    INF_UNROLL
    for (unsigned j = 0; j < 4; j++)
        to[j] = _mm512_mask_blend_epi8(_mm512_movepi8_mask(index[j]),
                                       _mm512_permutex2var_epi8(v[0], index[j], v[1]),
                                       _mm512_permutex2var_epi8(v[2], index[j], v[3]));
}

/* Signs of 32 weights by their 7 bits; bit 7 of a byte is not looked at. */
INF_INLINE __m512i inf_signs7(__m512i index)
{
    return _mm512_permutex2var_epi8(_mm512_loadu_si512(inf_codebook_signs), index,
                                    _mm512_loadu_si512(inf_codebook_signs + 64));
}

/* Bits 0, 7, 14 and 21 on of each dword: 7 bits in each byte, and junk. */
INF_INLINE __m512i inf_bits7(__m512i dwords)
{
    return _mm512_multishift_epi64_epi8(_mm512_set1_epi64(0x352e2720150e0700), dwords);
}

/* Of 32 signs those of the first (then the last) 16 weights: sign j of each 4 at bit j + 1. */
INF_INLINE __m512i inf_signs16(__m512i signs, unsigned half)
{
    /* Bits 4b - 1 of a dword of the qword on, which wraps around. */
    int64_t at = half ? 0x3b37332f1b17130f : 0x2b27231f0b07033f;
    return _mm512_multishift_epi64_epi8(_mm512_set1_epi64(at), signs);
}

/* Sixteen weights + 128, turned, of their codes and signs. */
INF_INLINE __m512i inf_signed4(__m512i codes, __m512i signs, unsigned j, const uint8_t *values)
{
    __m512i sign = _mm512_set1_epi8((char)(2 << j));
    __m512i place = _mm512_ternarylogic_epi32(codes, signs, sign, 0xd8); /* sign ? signs : codes */
    return _mm512_permutexvar_epi8(place, _mm512_load_si512(values));
}
INF_INLINE struct inf_quad inf_signed16(__m512i code0, __m512i code1, __m512i code2, __m512i code3,
                                        __m512i signs, const uint8_t values[4][64])
{
    return (struct inf_quad){
        inf_signed4(code0, signs, 0, values[0]), inf_signed4(code1, signs, 1, values[1]),
        inf_signed4(code2, signs, 2, values[2]), inf_signed4(code3, signs, 3, values[3])};
}

/* Each dword of two registers: bytes of a (from 0 on) and b (from 0x40 on) of that dword, as `bytes` says. */
INF_INLINE __m512i inf_pick(__m512i a, __m512i b, unsigned bytes)
{
    __m512i dwords =
        _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                           _mm512_set1_epi32(0x04040404));
    return _mm512_permutex2var_epi8(a, _mm512_add_epi8(dwords, _mm512_set1_epi32((int)bytes)), b);
}

/* Byte i of each dword, four times. */
INF_INLINE __m512i inf_spread(__m512i v, unsigned i)
{
    __m512i from = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
    return _mm512_shuffle_epi8(v, _mm512_add_epi8(from, _mm512_set1_epi8((char)i)));
}

/* Turned weights as a sink wants them: as they are with columns, which are turned too, else turned
 * back. */
INF_INLINE struct inf_quad inf_for_sink(unsigned cols, struct inf_quad q)
{
    if (cols)
        return q;
    __m512i ab0 = inf_pick(q.a, q.b, 0x40004101), cd0 = inf_pick(q.c, q.d, 0x41014000);
    __m512i ab2 = inf_pick(q.a, q.b, 0x42024303), cd2 = inf_pick(q.c, q.d, 0x43034202);
    return (struct inf_quad){
        _mm512_shldi_epi32(cd0, ab0, 16), _mm512_mask_blend_epi16(0xaaaaaaaa, ab0, cd0),
        _mm512_shldi_epi32(cd2, ab2, 16), _mm512_mask_blend_epi16(0xaaaaaaaa, ab2, cd2)};
}

/* Weights 0 to 15 (half = 1: 16 to 31), turned. Of a grid of two bits, of 4 entries: `low` has the codes of
 * the first four weights of each, `high` those of the others. */
INF_INLINE struct inf_quad inf_grid2_16(__m512i low, __m512i high, __m512i signs, unsigned half,
                                        const uint8_t values[2][64])
{
    __m512i codes = inf_pick(low, high, half ? 0x43034202 : 0x41014000);
    /* Bits 4b - 4 of a dword of the qword on, which wraps around. */
    int64_t at = half ? 0x3834302c1814100c : 0x2824201c0804003c;
    __m512i sign = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(at), signs);
    __m512i two = _mm512_set1_epi8(0x30);
    __m512i first = _mm512_ternarylogic_epi32(codes, sign, two, 0xd8); /* two ? sign : codes */
    __m512i last = _mm512_ternarylogic_epi32(inf_right(codes, 4), inf_right(sign, 2), two, 0xd8);
    __m512i v0 = _mm512_load_si512(values[0]), v1 = _mm512_load_si512(values[1]);
    return (struct inf_quad){_mm512_permutexvar_epi8(first, v0), _mm512_permutexvar_epi8(first, v1),
                             _mm512_permutexvar_epi8(last, v0), _mm512_permutexvar_epi8(last, v1)};
}

/* The same of a grid of three bits: `even` has codes of weights 0 and 2 of each entry, `odd` of 1 and 3. */
INF_INLINE struct inf_quad inf_grid3_16(__m512i even, __m512i odd, __m512i signs, unsigned half,
                                        const uint8_t values[4][64])
{
    return inf_signed16(even, odd, even, odd, inf_signs16(signs, half), values);
}

/* ---- Scales ---------------------------------------------------------------------------------- */

/* The scale of sub-block j: d times 2n + 1, n the upper four bits of the dwords. */
INF_INLINE void inf_put_scale_top(const struct inf_heads *h, unsigned j, __m512 d, __m512i dwords)
{
    __m512i number = _mm512_or_si512(_mm512_srli_epi32(dwords, 27), inf_bits_of(0x1p23f + 1));
    __m512 less = _mm512_mul_ps(d, _mm512_set1_ps(-0x1p23f));
    inf_put_scale(h, j, _mm512_fmadd_ps(_mm512_castsi512_ps(number), d, less));
}

/* Scales first, first + 2, ... first + 14: the unit's d times 2n + 1, n a nibble of the dwords: of the low ones, then
 * (first + 1, ...) the high ones. */
INF_INLINE void inf_put_scales_odd(const struct inf_heads *h, unsigned first,
                                   const struct inf_unit *unit, __m512i bytes)
{
    __m512i mask = _mm512_set1_epi8(0x1e), one = _mm512_set1_epi8(1);
    __m512i even = _mm512_ternarylogic_epi32(inf_left(bytes, 1), mask, one, 0xea); /* a & b | c */
    __m512i odd = _mm512_ternarylogic_epi32(inf_right(bytes, 3), mask, one, 0xea);
    inf_put_scales(h, first, 2, unit, even, 0x1f);
    inf_put_scales(h, first + 1, 2, unit, odd, 0x1f);
}

#endif
