/*
 * Q5_K: 256 weights in 176 bytes, 5.5 bits each; 8 sub-blocks of 32.
 *
 *     0    half d
 *     2    half dmin
 *     4    u8 scales[12]   S and M of each sub-block, 6 bits each, as unpack.h draws them
 *     16   u8 qh[32]       byte l: bit s is bit 4 of weight 32s + l
 *     48   u8 qs[128]      32 bytes for each pair of sub-blocks; byte l of pair p holds
 *                          | weight 64p + 32 + l : weight 64p + l |   bits 0..3
 *
 *     w = d * S * code - dmin * M, code = 0..31
 */
#include "formats/block.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_q5_k_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q5_k *b = (const void *)block;
    float d = inf_half_to_float(b->d);
    uint8_t scale[8];
    inf_unpack_scales6(b->scales, scale, out->m);
    out->dmin = inf_half_to_float(b->dmin);
    for (int s = 0; s < 8; s++)
        out->scale[s] = d * (float)scale[s];
    for (int s = 0; s < 8; s++)
        for (int l = 0; l < 32; l++) {
            int low = b->qs[32 * (s / 2) + l] >> s % 2 * 4 & 15, high = b->qh[l] >> s & 1;
            out->q[32 * s + l] = (int8_t)(low | high << 4);
        }
}
