/*
 * What several weight types share: nibbles, 2-bit codes, the 6-bit scales of the k-quants, signed
 * rows of a grid.
 */
#ifndef INF_UNPACK_H
#define INF_UNPACK_H

#include "formats/half.h"

/* 16 bytes to 32 weights: the low nibbles come first. offset is subtracted. */
static inline void inf_unpack_nibbles(const uint8_t qs[16], int offset, int8_t q[32])
{
    for (int j = 0; j < 16; j++) {
        q[j] = (int8_t)((qs[j] & 15) - offset);
        q[j + 16] = (int8_t)((qs[j] >> 4) - offset);
    }
}

/* The same with a fifth bit from qh: bit i belongs to weight i. */
static inline void inf_unpack_nibbles5(const uint8_t qs[16], uint32_t qh, int offset, int8_t q[32])
{
    for (int j = 0; j < 16; j++) {
        int low = (qs[j] & 15) | (int)(qh >> j & 1) << 4;
        int high = qs[j] >> 4 | (int)(qh >> (j + 16) & 1) << 4;
        q[j] = (int8_t)(low - offset);
        q[j + 16] = (int8_t)(high - offset);
    }
}

/* The same with each nibble an index of a table. */
static inline void inf_unpack_table(const uint8_t *qs, int count, const int8_t table[16], int8_t *q)
{
    for (int j = 0; j < count; j++) {
        q[j] = table[qs[j] & 15];
        q[j + count] = table[qs[j] >> 4];
    }
}

/* Nibble k of an array of bytes, the low one of a byte first. */
static inline unsigned inf_nibble(const uint8_t *bytes, unsigned k)
{
    return bytes[k / 2] >> k % 2 * 4 & 15;
}

/*
 * Scales and minima of Q4_K and Q5_K, 8 of 6 bits each in 12 bytes (upper bits left):
 *
 *     byte      0..3               4..7               8..11
 *          | S4..7 hi2 : S0..3 | M4..7 hi2 : M0..3 | M4..7 lo4 : S4..7 lo4 |
 */
static inline void inf_unpack_scales6(const uint8_t c[12], uint8_t scale[8], uint8_t min[8])
{
    for (int s = 0; s < 4; s++) {
        scale[s] = c[s] & 63;
        min[s] = c[s + 4] & 63;
        scale[s + 4] = (uint8_t)((c[s + 8] & 15) | c[s] >> 6 << 4);
        min[s + 4] = (uint8_t)(c[s + 8] >> 4 | c[s + 4] >> 6 << 4);
    }
}

/* Eight magnitudes (bytes of 1..127, the lowest first), negated where signs has a 1, to q. */
static inline void inf_unpack_signed8(uint64_t magnitudes, uint8_t signs, int8_t q[8])
{
    uint64_t one_each = UINT64_C(0x0101010101010101);
    uint64_t picked = signs * one_each & UINT64_C(0x8040201008040201);
    uint64_t negative = (picked + 0x7f * one_each) >> 7 & one_each; /* 1 in each negated byte */
    /* ~x + 1: no carry leaves a byte because no magnitude is 0. */
    uint64_t bytes = (magnitudes ^ negative * 0xff) + negative;
    memcpy(q, &bytes, sizeof bytes);
}

/* Eight int8, each -8, 0 or 8, and one more each (one less where down is 1) to q. */
static inline void inf_unpack_shifted8(uint64_t values, unsigned down, int8_t q[8])
{
    for (int j = 0; j < 8; j++)
        q[j] = (int8_t)((int8_t)(values >> 8 * j & 255) + (down ? -1 : 1));
}

#endif
