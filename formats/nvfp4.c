/*
 * NVFP4: 64 weights in 36 bytes, 4.5 bits each; 4 sub-blocks of 16.
 *
 *     0   u8 sc[4]    scale of each sub-block, E4M3 without a sign (bit 7 is ignored)
 *     4   u8 qs[32]   8 bytes for each sub-block; byte j of one | weight j + 8 : weight j |
 *
 *     w = E4M3(sc) / 2 * (twice the E2M1 number)
 *
 * A model's tensor of this type may come with one more factor for the whole matrix, which is not
 * part of the block.
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_nvfp4_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_nvfp4 *b = (const void *)block;
    for (int s = 0; s < 4; s++) {
        out->scale[s] = inf_e4m3_half_to_float(b->sc[s]);
        inf_unpack_table(b->qs + 8 * s, 8, inf_codebook_fp4, out->q + 16 * s);
    }
}
