/*
 * Q1_0: 128 weights in 18 bytes, 1.125 bits each.
 *
 *     0   half d
 *     2   u8 qs[16]    byte i: bit j is the code of weight 8i + j
 *
 *     w = d where the code is 1, else -d
 */
#include "formats/block.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_q1_0_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q1_0 *b = (const void *)block;
    for (int s = 0; s < 4; s++)
        out->scale[s] = inf_half_to_float(b->d);
    for (int i = 0; i < 16; i++)
        inf_unpack_signed8(UINT64_C(0x0101010101010101), (uint8_t)~b->qs[i], out->q + 8 * i);
}
