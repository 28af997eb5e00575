/*
 * IQ1_M: 256 weights in 56 bytes, 1.75 bits each; 16 sub-blocks of 16. It has no field for d.
 *
 *     0    u8 qs[32]   grid index of each 8 weights, bits 0..7
 *     32   u8 qh[16]   byte s | shift : index 2s + 1 | shift : index 2s |   1 bit, and bits 8..10
 *     48   u16 sc[4]   word i | bits 4i..4i + 3 of d : scale of 4i + 3 : 4i + 2 : 4i + 1 : 4i |
 *                      4 bits and four times 3
 *
 *     w = d * (2 * scale + 1) * (grid + 1/8), minus an eighth where shift is 1
 *
 * As integers: q = 8 * grid +- 1 and an eighth of the scale.
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_iq1_m_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_iq1_m *b = (const void *)block;
    unsigned bits = 0;
    for (int i = 0; i < 4; i++)
        bits |= (unsigned)(b->sc[i] >> 12) << 4 * i;
    float d = inf_half_to_float((uint16_t)bits) * 0.125f;
    for (int s = 0; s < 16; s++)
        out->scale[s] = d * (float)(2 * (b->sc[s / 4] >> s % 4 * 3 & 7) + 1);
    for (unsigned g = 0; g < 32; g++) {
        unsigned n = inf_nibble(b->qh, g);
        inf_unpack_shifted8(inf_grid_iq1[b->qs[g] | (n & 7) << 8], n >> 3, out->q + 8 * g);
    }
}
