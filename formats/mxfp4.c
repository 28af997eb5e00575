/*
 * MXFP4: 32 weights in 17 bytes, 4.25 bits each.
 *
 *     0   u8 e         the scale 2^(e - 127), as E8M0
 *     1   u8 qs[16]    byte j | weight j + 16 : weight j |   E2M1: sign, 2 bits of exponent, 1
 *
 *     w = 2^(e - 128) * (twice the E2M1 number)
 *
 * e = 255, NaN in the standard, is taken as the number it would be.
 */
#include "formats/block.h"
#include "formats/codebooks.h"
#include "formats/type.h"
#include "formats/unpack.h"

void inf_mxfp4_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_mxfp4 *b = (const void *)block;
    out->scale[0] = inf_e8m0_half_to_float(b->e);
    inf_unpack_table(b->qs, 16, inf_codebook_fp4, out->q);
}
