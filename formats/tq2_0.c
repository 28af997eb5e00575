/*
 * TQ2_0: 256 weights in 66 bytes, 2.0625 bits each.
 *
 *     0    u8 qs[64]   32 bytes for each half of 128 weights; byte l of one holds, two bits each,
 *                      | weight l + 96 : l + 64 : l + 32 : l |
 *     64   half d
 *
 *     w = d * (code - 1); code 3 is never written and gives 2 * d
 */
#include "formats/block.h"
#include "formats/half.h"
#include "formats/type.h"

void inf_tq2_0_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_tq2_0 *b = (const void *)block;
    for (int s = 0; s < 8; s++)
        out->scale[s] = inf_half_to_float(b->d);
    for (int k = 0; k < 8; k++)
        for (int l = 0; l < 32; l++)
            out->q[32 * k + l] = (int8_t)((b->qs[32 * (k / 4) + l] >> k % 4 * 2 & 3) - 1);
}
