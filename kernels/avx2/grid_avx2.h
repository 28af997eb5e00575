/*
 * What the types of a codebook share (IQ1_*, IQ2_*, IQ3_*): entries looked up in its grid, those of IQ2_* and
 * IQ3_* magnitudes with signs apart.
 *
 * AVX2 has no lookup of such a size but vpgatherdd, which most processors take apart into more steps
 * than the loads themselves; so each entry is loaded alone, eight rows beside each other. The signs
 * go to the activations where there is no panel, which leaves the products as they are for unsigned
 * codes.
 */
#ifndef INF_GRID_AVX2_H
#define INF_GRID_AVX2_H

#include "formats/codebooks.h"
#include "kernels/avx2/tile_avx2.h"

/* The indices of a block's entries, of eight rows: up to 64 bytes or words each. They are copied here
 * because at the rows themselves each takes an address of its own. */
#define INF_AVX2_INDICES 128
struct inf_avx2_index {
    uint8_t *at; /* (8, INF_AVX2_INDICES) */
    bool words;
};

INF_AVX2_INLINE size_t inf_avx2_entry(struct inf_avx2_index index, size_t row, size_t n)
{
    const uint8_t *at = index.at + row * INF_AVX2_INDICES;
    return index.words ? inf_load_u16(at + 2 * n) : at[n];
}

/* After they are written: that they are read from memory, not out of registers in two steps each. */
INF_AVX2_INLINE void inf_avx2_index_done(struct inf_avx2_index index)
{
    __asm__("" : "+m"(*(uint8_t(*)[8 * INF_AVX2_INDICES]) index.at));
}

/* 64 bytes at p of eight rows. */
INF_AVX2_INLINE void inf_avx2_index_bytes(const uint8_t *p, size_t stride,
                                          struct inf_avx2_index index)
{
    INF_AVX2_UNROLL
    for (size_t r = 0; r < 8; r++)
        memcpy(index.at + r * INF_AVX2_INDICES, p + r * stride, 64);
    inf_avx2_index_done(index);
}

/* Entry n of rows r and r + 1. */
INF_AVX2_INLINE __m128 inf_avx2_grid64(const uint64_t *grid, struct inf_avx2_index index, size_t r,
                                       size_t n)
{
    const void *low = grid + inf_avx2_entry(index, r, n);
    const void *high = grid + inf_avx2_entry(index, r + 1, n);
    return _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64(low)), high);
}

/* Entry n of a grid of eight weights an entry: group 2n and the next. */
INF_AVX2_INLINE void inf_avx2_grid8(const uint64_t *grid, struct inf_avx2_index index, size_t n,
                                    __m256i v[2])
{
    __m256 a =
        _mm256_set_m128(inf_avx2_grid64(grid, index, 4, n), inf_avx2_grid64(grid, index, 0, n));
    __m256 b =
        _mm256_set_m128(inf_avx2_grid64(grid, index, 6, n), inf_avx2_grid64(grid, index, 2, n));
    v[0] = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
    v[1] = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
}

/* Entry n of a grid of four weights an entry: group n. */
INF_AVX2_INLINE __m256i inf_avx2_grid4(const uint32_t *grid, struct inf_avx2_index index, size_t n)
{
    return _mm256_set_epi32(
        (int)grid[inf_avx2_entry(index, 7, n)], (int)grid[inf_avx2_entry(index, 6, n)],
        (int)grid[inf_avx2_entry(index, 5, n)], (int)grid[inf_avx2_entry(index, 4, n)],
        (int)grid[inf_avx2_entry(index, 3, n)], (int)grid[inf_avx2_entry(index, 2, n)],
        (int)grid[inf_avx2_entry(index, 1, n)], (int)grid[inf_avx2_entry(index, 0, n)]);
}

/* ---- Signs ---------------------------------------------------------------------------------- */

/* Bytes of seven bits, each with its parity as bit 7. */
INF_AVX2_INLINE __m256i inf_avx2_even_signs(__m256i seven)
{
    const __m256i parity = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -128, -128, 0, -128, 0, 0, -128, -128, 0, 0, -128, 0, -128, -128, 0));
    __m256i folded = _mm256_xor_si256(seven, _mm256_srli_epi16(seven, 4));
    return _mm256_or_si256(seven, _mm256_shuffle_epi8(parity, inf_avx2_bits(folded, 0, 15)));
}

/* The same of the lower 28 bits of each dword, seven after seven. */
INF_AVX2_INLINE __m256i inf_avx2_even_signs28(__m256i v)
{
    __m256i fourteen = _mm256_blend_epi16(v, _mm256_slli_epi32(v, 2), 0xaa);
    __m256i low = _mm256_and_si256(fourteen, _mm256_set1_epi16(0x7f));
    __m256i high = _mm256_and_si256(_mm256_slli_epi16(fourteen, 1), _mm256_set1_epi16(0x7f00));
    return inf_avx2_even_signs(_mm256_or_si256(low, high));
}

/* The signs of group n, from 32 bits of each row (bit l is of weight l): below 0 where the bit is 1,
 * above where it is 0. */
INF_AVX2_INLINE __m256i inf_avx2_signs(__m256i bits, uint32_t n)
{
    const __m256i byte = _mm256_add_epi8(_mm256_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0,
                                                          0x0c0c0c0c, 0x08080808, 0x04040404, 0),
                                         _mm256_set1_epi8((char)(n / 2)));
    __m256i nibbles = n % 2 ? bits : _mm256_slli_epi16(bits, 4);
    __m256i picked =
        _mm256_and_si256(_mm256_shuffle_epi8(nibbles, byte), _mm256_set1_epi32((int)0x80402010));
    /* a bit less half of it; of -128, which is below 0 already, 1 */
    return _mm256_sub_epi8(_mm256_set1_epi32(0x01201008), picked);
}

/* ---- Codes ---------------------------------------------------------------------------------- */

/* inf_avx2_put of magnitudes and signs. A panel gets
 * signed codes, or with an offset unsigned ones. */
INF_AVX2_INLINE void inf_avx2_put_signed(struct inf_avx2_sink *s, uint32_t n, __m256i code,
                                         __m256i sign, int offset)
{
    if (s->panel) {
        __m256i w = _mm256_sign_epi8(code, sign);
        inf_avx2_put(s, n, offset ? _mm256_add_epi8(w, _mm256_set1_epi8((char)offset)) : w);
        return;
    }
    inf_avx2_prefetch(s, n);
    for (uint32_t c = 0; c < s->cols; c++) {
        __m256i x = _mm256_sign_epi8(inf_avx2_dup4(s->x[c].q + 4 * n), sign);
        inf_avx2_put_product(s, n, c, _mm256_maddubs_epi16(code, x));
    }
}

/* ---- Scales --------------------------------------------------------------------------------- */

/* d * (2n + 1) for dwords n. */
INF_AVX2_INLINE __m256 inf_avx2_odd_scale(__m256 d, __m256i n)
{
    __m256i odd = _mm256_add_epi32(_mm256_add_epi32(n, n), _mm256_set1_epi32(1));
    return _mm256_mul_ps(d, _mm256_cvtepi32_ps(odd));
}

/* The same for the eight nibbles of each dword. */
INF_AVX2_INLINE void inf_avx2_nibble_scales(const struct inf_avx2_scales *s, uint32_t first,
                                            __m256 d, __m256i nibbles)
{
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < 8; i++) {
        __m256i n = _mm256_and_si256(_mm256_srli_epi32(nibbles, 4 * (int)i), _mm256_set1_epi32(15));
        inf_avx2_store(s->scale + (first + i) * s->step, inf_avx2_odd_scale(d, n));
    }
}

#endif
