/*
 * What the types with a codebook share (IQ1_*, IQ2_*, IQ3_*): entries read from its grid, one load
 * each, beside each other for four rows; signs as bits; odd scales.
 */
#ifndef INF_GRID_NEON_H
#define INF_GRID_NEON_H

#include "formats/codebooks.h"
#include "kernels/neon/tile_neon.h"

/* The index of entry n of a block at `row`. */
typedef size_t inf_neon_index_fn(const uint8_t *row, uint32_t n);

/* Indices of more than a byte are made sixteen at a time and read as words, 64 of each row at most:
 * one by one out of their bits they would take more steps than all else. */
#define INF_NEON_INDICES 128 /* bytes of a row */

INF_NEON_INLINE size_t inf_neon_word_index(const uint8_t *row, uint32_t n)
{
    return inf_load_u16(row + 2 * n);
}

/* Sixteen words of lower and upper bytes. */
INF_NEON_INLINE void inf_neon_put_words(uint8_t *to, uint8x16_t low, uint8x16_t high)
{
    vst1q_u8(to, vzip1q_u8(low, high));
    vst1q_u8(to + 16, vzip2q_u8(low, high));
}

/* Part n of a grid of eight weights an entry: entries 2n and 2n + 1. */
INF_NEON_INLINE struct inf_neon_codes inf_neon_grid8(const uint64_t *grid, inf_neon_index_fn *index,
                                                     const uint8_t *p, size_t stride, uint32_t n)
{
    struct inf_neon_codes codes;
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        uint64x2_t ab = vld1q_dup_u64(grid + index(p, 2 * n + i));
        uint64x2_t cd = vld1q_dup_u64(grid + index(p + 2 * stride, 2 * n + i));
        ab = vld1q_lane_u64(grid + index(p + stride, 2 * n + i), ab, 1);
        cd = vld1q_lane_u64(grid + index(p + 3 * stride, 2 * n + i), cd, 1);
        uint32x4_t a = vreinterpretq_u32_u64(ab), c = vreinterpretq_u32_u64(cd);
        codes.w[2 * i] = vreinterpretq_s8_u32(vuzp1q_u32(a, c));
        codes.w[2 * i + 1] = vreinterpretq_s8_u32(vuzp2q_u32(a, c));
    }
    return codes;
}

/* Part n of a grid of four weights an entry: entries 4n to 4n + 3. */
INF_NEON_INLINE struct inf_neon_codes inf_neon_grid4(const uint32_t *grid, inf_neon_index_fn *index,
                                                     const uint8_t *p, size_t stride, uint32_t n)
{
    struct inf_neon_codes codes;
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        uint32x4_t v = vld1q_dup_u32(grid + index(p, 4 * n + i));
        v = vld1q_lane_u32(grid + index(p + stride, 4 * n + i), v, 1);
        v = vld1q_lane_u32(grid + index(p + 2 * stride, 4 * n + i), v, 2);
        v = vld1q_lane_u32(grid + index(p + 3 * stride, 4 * n + i), v, 3);
        codes.w[i] = vreinterpretq_s8_u32(v);
    }
    return codes;
}

/* ---- Signs ---------------------------------------------------------------------------------- */

/* Bytes of seven bits, each with its parity as bit 7. */
INF_NEON_INLINE uint8x16_t inf_neon_even_signs(uint8x16_t seven)
{
    return vsliq_n_u8(seven, vcntq_u8(seven), 7);
}

/* The same of the lower 28 bits of each dword, seven after seven. */
INF_NEON_INLINE uint8x16_t inf_neon_even_signs28(uint8x16_t bits)
{
    uint32x4_t v = vreinterpretq_u32_u8(bits);
    uint16x8_t fourteen = vreinterpretq_u16_u32(vsliq_n_u32(v, vshrq_n_u32(v, 14), 16));
    uint16x8_t seven = vsliq_n_u16(fourteen, vshrq_n_u16(fourteen, 7), 8);
    return inf_neon_even_signs(vandq_u8(vreinterpretq_u8_u16(seven), vdupq_n_u8(127)));
}

/* Part n of magnitudes, negated where the bits from nibble `at` on are 1. */
INF_NEON_INLINE void inf_neon_put_signed(struct inf_neon_sink *s, uint32_t n,
                                         struct inf_neon_codes codes, uint8x16_t bits, uint32_t at)
{
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        int8x16_t minus = vreinterpretq_s8_u8(inf_neon_bits(bits, at + i));
        codes.w[i] = vsubq_s8(veorq_s8(codes.w[i], minus), minus);
    }
    inf_neon_put(s, n, codes);
}

/* Part n of values, one more each; one less where of each row a bit is 1: bit `first` for the first
 * entry, `second` for the other. */
INF_NEON_INLINE void inf_neon_put_shifted(struct inf_neon_sink *s, uint32_t n,
                                          struct inf_neon_codes codes, uint8x16_t dwords,
                                          uint32_t first, uint32_t second)
{
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        uint32x4_t bit = vdupq_n_u32(1u << (i < 2 ? first : second));
        uint32x4_t down = vtstq_u32(vreinterpretq_u32_u8(dwords), bit);
        int8x16_t one = vreinterpretq_s8_u32(vorrq_u32(down, vdupq_n_u32(0x01010101)));
        codes.w[i] = vaddq_s8(codes.w[i], one);
    }
    inf_neon_put(s, n, codes);
}

/* ---- Scales --------------------------------------------------------------------------------- */

/* Scale j = d * (2m + 1), m the `bits` bits from bit `at` on of each dword. */
INF_NEON_INLINE void inf_neon_odd_scale(const struct inf_neon_scales *s, uint32_t j, float32x4_t d,
                                        uint8x16_t dwords, uint32_t at, uint32_t bits)
{
    uint32x4_t twice = vshlq_u32(vreinterpretq_u32_u8(dwords), vdupq_n_s32(1 - (int)at));
    uint32x4_t odd = vorrq_u32(vandq_u32(twice, vdupq_n_u32((2u << bits) - 2)), vdupq_n_u32(1));
    vst1q_f32(s->scale + j * s->step, vmulq_f32(d, vcvtq_f32_u32(odd)));
}

/* Scales j to j + 7 by the nibbles of each dword. */
INF_NEON_INLINE void inf_neon_nibble_scales(const struct inf_neon_scales *s, uint32_t j,
                                            float32x4_t d, uint8x16_t dwords)
{
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < 8; i++)
        inf_neon_odd_scale(s, j + i, d, dwords, 4 * i, 4);
}

#endif
