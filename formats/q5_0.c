/*
 * Q5_0: 32 weights in 22 bytes, 5.5 bits each.
 *
 *     0   half d
 *     2   u32 qh       bit i: bit 4 of weight i
 *     6   u8 qs[16]    byte j | weight j + 16 : weight j |   bits 0..3
 *
 *     w = d * (code - 16), code = 0..31
 */
#include "formats/block.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_q5_0_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q5_0 *b = (const void *)block;
    out->scale[0] = inf_half_to_float(b->d);
    inf_unpack_nibbles5(b->qs, b->qh, 16, out->q);
}
