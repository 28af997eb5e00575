/*
 * IQ3_S: 256 weights in 110 bytes, 3.4375 bits each; 8 sub-blocks of 32.
 *
 *     0     half d
 *     2     u8 qs[64]      grid index of each 4 weights, bits 0..7
 *     66    u8 qh[8]       byte s: bit k is bit 8 of index 8s + k
 *     74    u8 signs[32]   byte i: bit j is the sign of weight 8i + j
 *     106   u8 scales[4]   byte i | scale of sub-block 2i + 1 : 2i |
 *
 *     w = d * (1 + 2 * scale) * +-grid
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq3_s_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq3_s *b = (const void *)block;
    float d = inf_half_to_float(b->d);
    for (unsigned s = 0; s < 8; s++)
        out->scale[s] = d * (float)(2 * inf_nibble(b->scales, s) + 1);
    for (int i = 0; i < 32; i++) {
        int bits = b->qh[i / 4] >> i % 4 * 2;
        uint64_t low = inf_grid_iq3_s[b->qs[2 * i] | (bits & 1) << 8];
        uint64_t high = inf_grid_iq3_s[b->qs[2 * i + 1] | (bits & 2) << 7];
        inf_unpack_signed8(low | high << 32, b->signs[i], out->q + 8 * i);
    }
}
