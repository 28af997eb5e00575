/*
 * Q2_K: 256 weights in 84 bytes, 2.625 bits each; 16 sub-blocks of 16.
 *
 *     0    u8 scales[16]   byte s | min : scale |   of sub-block s, 4 bits each
 *     16   u8 qs[64]       32 bytes for each half of 128 weights; byte l of one holds, two bits
 *                          each, | weight l + 96 : l + 64 : l + 32 : l |
 *     80   half d
 *     82   half dmin
 *
 *     w = d * scale * code - dmin * min, code = 0..3
 */
#include "formats/block.h"
#include "formats/half.h"
#include "formats/type.h"

void inf_q2_k_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q2_k *b = (const void *)block;
    float d = inf_half_to_float(b->d);
    out->dmin = inf_half_to_float(b->dmin);
    for (int s = 0; s < 16; s++) {
        out->scale[s] = d * (float)(b->scales[s] & 15);
        out->m[s] = b->scales[s] >> 4;
    }
    for (int half = 0; half < 2; half++)
        for (int k = 0; k < 4; k++)
            for (int l = 0; l < 32; l++)
                out->q[128 * half + 32 * k + l] = (int8_t)(b->qs[32 * half + l] >> 2 * k & 3);
}
