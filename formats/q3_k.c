/*
 * Q3_K: 256 weights in 110 bytes, 3.4375 bits each; 16 sub-blocks of 16.
 *
 *     0     u8 hmask[32]    byte l: bit k is the third bit of weight 32k + l
 *     32    u8 qs[64]       32 bytes for each half of 128 weights; byte l of one holds, two bits
 *                           each, | weight l + 96 : l + 64 : l + 32 : l |
 *     96    u8 scales[12]   16 of 6 bits: bytes 0..7  | S 8..15 : S 0..7 |   lower 4 bits
 *                           bytes 8..11 | S 12..15 : S 8..11 : S 4..7 : S 0..3 |   upper 2 bits
 *     108   half d
 *
 *     w = d * (S - 32) * (code - 4), code = 0..7
 */
#include "formats/block.h"
#include "formats/half.h"
#include "formats/type.h"

void inf_q3_k_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q3_k *b = (const void *)block;
    float d = inf_half_to_float(b->d);
    for (int s = 0; s < 16; s++) {
        int low = b->scales[s % 8] >> s / 8 * 4 & 15, high = b->scales[8 + s % 4] >> s / 4 * 2 & 3;
        out->scale[s] = d * (float)((low | high << 4) - 32);
    }
    for (int k = 0; k < 8; k++)
        for (int l = 0; l < 32; l++) {
            int low = b->qs[32 * (k / 4) + l] >> k % 4 * 2 & 3, high = b->hmask[l] >> k & 1;
            out->q[32 * k + l] = (int8_t)((low | high << 2) - 4);
        }
}
