/*
 * Q6_K: 256 weights in 210 bytes, 6.5625 bits each; 16 sub-blocks of 16.
 *
 *     0     u8 ql[128]      64 bytes for each half of 128 weights; of one, byte l < 64 holds
 *                           | weight l + 64 : weight l |   bits 0..3
 *     128   u8 qh[64]       32 bytes for each half; byte l of one holds, two bits each,
 *                           | weight l + 96 : l + 64 : l + 32 : l |   bits 4 and 5
 *     192   i8 scales[16]   of each sub-block
 *     208   half d
 *
 *     w = d * scale * (code - 32), code = 0..63
 */
#include "formats/block.h"
#include "formats/half.h"
#include "formats/type.h"

void inf_q6_k_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q6_k *b = (const void *)block;
    float d = inf_half_to_float(b->d);
    for (int s = 0; s < 16; s++)
        out->scale[s] = d * (float)b->scales[s];
    for (int half = 0; half < 2; half++)
        for (int g = 0; g < 4; g++)
            for (int l = 0; l < 32; l++) {
                int low = b->ql[64 * half + 32 * (g % 2) + l] >> g / 2 * 4 & 15;
                int high = b->qh[32 * half + l] >> 2 * g & 3;
                out->q[128 * half + 32 * g + l] = (int8_t)((low | high << 4) - 32);
            }
}
