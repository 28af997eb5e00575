/*
 * IQ2_XXS: 256 weights in 66 bytes, 2.0625 bits each; 8 parts of 32.
 *
 *     0   half d
 *     2   8 parts of 8 bytes:
 *             0   u8 a[4]   grid index of each 8 weights
 *             4   u32 x     | scale : signs of 8k = 24 : 16 : 8 : 0 |   4 and 7 + 7 + 7 + 7 bits
 *
 *     w = d * (scale + 1/2) / 4 * +-grid
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq2_xxs_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq2_xxs *b = (const void *)block;
    float d = inf_half_to_float(b->d) * 0.125f;
    for (int s = 0; s < 8; s++) {
        uint32_t x = b->parts[s].x;
        out->scale[s] = d * (float)(2 * (x >> 28) + 1);
        for (int k = 0; k < 4; k++)
            inf_unpack_signed8(inf_grid_iq2_xxs[b->parts[s].a[k]],
                               inf_codebook_signs[x >> 7 * k & 127], out->q + 32 * s + 8 * k);
    }
}
