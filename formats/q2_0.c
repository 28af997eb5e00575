/*
 * Q2_0: 64 weights in 18 bytes, 2.25 bits each.
 *
 *     0   half d
 *     2   u8 qs[16]    byte i, two bits each | weight 4i + 3 : 4i + 2 : 4i + 1 : 4i |
 *
 *     w = d * (code - 1): -1, 0, 1 or 2 times d
 */
#include "formats/block.h"
#include "formats/half.h"
#include "formats/type.h"

void inf_q2_0_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q2_0 *b = (const void *)block;
    out->scale[0] = out->scale[1] = inf_half_to_float(b->d);
    for (int i = 0; i < 64; i++)
        out->q[i] = (int8_t)((b->qs[i / 4] >> i % 4 * 2 & 3) - 1);
}
