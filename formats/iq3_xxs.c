/*
 * IQ3_XXS: 256 weights in 98 bytes, 3.0625 bits each; 8 parts of 32.
 *
 *     0    half d
 *     2    u8 qs[64]   grid index of each 4 weights
 *     66   u32 x[8]    of each part | scale : signs of 8k = 24 : 16 : 8 : 0 |   4 and 4 times 7
 * bits
 *
 *     w = d * (scale + 1/2) / 2 * +-grid
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq3_xxs_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq3_xxs *b = (const void *)block;
    float d = inf_half_to_float(b->d) * 0.25f;
    for (int s = 0; s < 8; s++) {
        uint32_t x = b->x[s];
        out->scale[s] = d * (float)(2 * (x >> 28) + 1);
        for (int k = 0; k < 4; k++) {
            uint64_t low = inf_grid_iq3_xxs[b->qs[8 * s + 2 * k]];
            uint64_t high = inf_grid_iq3_xxs[b->qs[8 * s + 2 * k + 1]];
            inf_unpack_signed8(low | high << 32, inf_codebook_signs[x >> 7 * k & 127],
                               out->q + 32 * s + 8 * k);
        }
    }
}
