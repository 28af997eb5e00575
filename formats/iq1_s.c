/*
 * IQ1_S: 256 weights in 50 bytes, 1.5625 bits each; 8 sub-blocks of 32.
 *
 *     0    half d
 *     2    u8 qs[32]    grid index of each 8 weights, bits 0..7
 *     34   u16 qh[8]    of each sub-block | shift : scale : 8k = 24 : 16 : 8 : 0 |
 *                       1 bit, 3 bits, and bits 8..10 of four indices
 *
 *     w = d * (2 * scale + 1) * (grid + 1/8), minus an eighth where shift is 1
 *
 * As integers: q = 8 * grid +- 1 and an eighth of the scale.
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq1_s_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq1_s *b = (const void *)block;
    float d = inf_half_to_float(b->d) * 0.125f;
    for (int s = 0; s < 8; s++) {
        unsigned h = b->qh[s];
        out->scale[s] = d * (float)(2 * (h >> 12 & 7) + 1);
        for (int k = 0; k < 4; k++)
            inf_unpack_shifted8(inf_grid_iq1[b->qs[4 * s + k] | (h >> 3 * k & 7) << 8], h >> 15,
                                out->q + 32 * s + 8 * k);
    }
}
