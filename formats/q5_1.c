/*
 * Q5_1: 32 weights in 24 bytes, 6 bits each.
 *
 *     0   half d
 *     2   half m
 *     4   u32 qh       bit i: bit 4 of weight i
 *     8   u8 qs[16]    byte j | weight j + 16 : weight j |   bits 0..3
 *
 *     w = d * code + m, code = 0..31
 */
#include "formats/block.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_q5_1_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q5_1 *b = (const void *)block;
    out->scale[0] = inf_half_to_float(b->d);
    out->min[0] = inf_half_to_float(b->m);
    inf_unpack_nibbles5(b->qs, b->qh, 0, out->q);
}
