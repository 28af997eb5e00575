/*
 * Q4_0: 32 weights in 18 bytes, 4.5 bits each.
 *
 *     0   half d
 *     2   u8 qs[16]    byte j | weight j + 16 : weight j |   (high nibble : low nibble)
 *
 *     w = d * (nibble - 8)
 */
#include "formats/block.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_q4_0_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q4_0 *b = (const void *)block;
    out->scale[0] = inf_half_to_float(b->d);
    inf_unpack_nibbles(b->qs, 8, out->q);
}
