/*
 * Q8_0: 32 weights in 34 bytes, 8.5 bits each.
 *
 *     0   half d
 *     2   i8 qs[32]    byte i: weight i; -128 is valid, though no quantizer writes it
 *
 *     w = d * qs
 */
#include "formats/block.h"
#include "formats/half.h"
#include "formats/type.h"

void inf_q8_0_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_q8_0 *b = (const void *)block;
    out->scale[0] = inf_half_to_float(b->d);
    memcpy(out->q, b->qs, sizeof b->qs);
}
