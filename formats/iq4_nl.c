/*
 * IQ4_NL: 32 weights in 18 bytes, 4.5 bits each.
 *
 *     0   half d
 *     2   u8 qs[16]    byte j | weight j + 16 : weight j |
 *
 *     w = d * codebook[nibble]
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq4_nl_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq4_nl *b = (const void *)block;
    out->scale[0] = inf_half_to_float(b->d);
    inf_unpack_table(b->qs, 16, inf_codebook_nl, out->q);
}
