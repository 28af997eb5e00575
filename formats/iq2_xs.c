/*
 * IQ2_XS: 256 weights in 74 bytes, 2.3125 bits each; 16 sub-blocks of 16.
 *
 *     0    half d
 *     2    u16 qs[32]     of each 8 weights | signs : grid index |   7 and 9 bits
 *     66   u8 scales[8]   byte i | scale of sub-block 2i + 1 : 2i |
 *
 *     w = d * (scale + 1/2) / 4 * +-grid
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq2_xs_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq2_xs *b = (const void *)block;
    float d = inf_half_to_float(b->d) * 0.125f;
    for (unsigned s = 0; s < 16; s++)
        out->scale[s] = d * (float)(2 * inf_nibble(b->scales, s) + 1);
    for (int g = 0; g < 32; g++) {
        uint16_t code = b->qs[g];
        inf_unpack_signed8(inf_grid_iq2_xs[code & 511], inf_codebook_signs[code >> 9],
                           out->q + 8 * g);
    }
}
