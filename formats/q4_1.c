/*
 * Q4_1: 32 weights in 20 bytes, 5 bits each.
 *
 *     0   half d
 *     2   half m
 *     4   u8 qs[16]    byte j | weight j + 16 : weight j |
 *
 *     w = d * nibble + m
 */
#include "formats/block.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_q4_1_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q4_1 *b = (const void *)block;
    out->scale[0] = inf_half_to_float(b->d);
    out->min[0] = inf_half_to_float(b->m);
    inf_unpack_nibbles(b->qs, 0, out->q);
}
