/*
 * IQ2_S: 256 weights in 82 bytes, 2.5625 bits each; 16 sub-blocks of 16.
 *
 *     0    half d
 *     2    u8 qs[32]      grid index of each 8 weights, bits 0..7
 *     34   u8 signs[32]   byte g: bit j is the sign of weight 8g + j
 *     66   u8 qh[8]       byte i | g = 4i + 3 : 4i + 2 : 4i + 1 : 4i |   bits 8 and 9 of index g
 *     74   u8 scales[8]   byte i | scale of sub-block 2i + 1 : 2i |
 *
 *     w = d * (scale + 1/2) / 4 * +-grid
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq2_s_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq2_s *b = (const void *)block;
    float d = inf_half_to_float(b->d) * 0.125f;
    for (unsigned s = 0; s < 16; s++)
        out->scale[s] = d * (float)(2 * inf_nibble(b->scales, s) + 1);
    for (int g = 0; g < 32; g++) {
        int index = b->qs[g] | (b->qh[g / 4] >> g % 4 * 2 & 3) << 8;
        inf_unpack_signed8(inf_grid_iq2_s[index], b->signs[g], out->q + 8 * g);
    }
}
