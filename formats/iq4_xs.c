/*
 * IQ4_XS: 256 weights in 136 bytes, 4.25 bits each; 8 sub-blocks of 32.
 *
 *     0   half d
 *     2   u16 sh       two bits each | S7 : S6 : ... : S0 |   bits 4 and 5 of the scales
 *     4   u8 sl[4]     byte i | S of 2i + 1 : S of 2i |       bits 0..3
 *     8   u8 qs[128]   16 bytes for each sub-block; byte j of one | weight j + 16 : weight j |
 *
 *     w = d * (S - 32) * codebook[nibble]
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq4_xs_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq4_xs *b = (const void *)block;
    float d = inf_half_to_float(b->d);
    for (unsigned s = 0; s < 8; s++) {
        int scale = (int)(inf_nibble(b->sl, s) | (b->sh >> 2 * s & 3u) << 4);
        out->scale[s] = d * (float)(scale - 32);
        inf_unpack_table(b->qs + 16 * s, 16, inf_codebook_nl, out->q + 32 * s);
    }
}
