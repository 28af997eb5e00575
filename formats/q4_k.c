/*
 * Q4_K: 256 weights in 144 bytes, 4.5 bits each; 8 sub-blocks of 32.
 *
 *     0    half d
 *     2    half dmin
 *     4    u8 scales[12]   S and M of each sub-block, 6 bits each, as unpack.h draws them
 *     16   u8 qs[128]      32 bytes for each pair of sub-blocks; byte l of pair p holds
 *                          | weight 64p + 32 + l : weight 64p + l |
 *
 *     w = d * S * nibble - dmin * M
 */
#include "formats/block.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_q4_k_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q4_k *b = (const void *)block;
    float d = inf_half_to_float(b->d);
    uint8_t scale[8];
    inf_unpack_scales6(b->scales, scale, out->m);
    out->dmin = inf_half_to_float(b->dmin);
    for (int s = 0; s < 8; s++)
        out->scale[s] = d * (float)scale[s];
    for (int p = 0; p < 4; p++)
        for (int l = 0; l < 32; l++) {
            uint8_t byte = b->qs[32 * p + l];
            out->q[64 * p + l] = byte & 15;
            out->q[64 * p + 32 + l] = (int8_t)(byte >> 4);
        }
}
