/*
 * TQ1_0: 256 weights in 54 bytes, 1.6875 bits each: five ternary digits a byte.
 *
 *     0    u8 qs[48]   byte m < 32:    digits of weights m, 32 + m, 64 + m, 96 + m, 128 + m
 *                      byte 32 + m:    digits of weights 160 + m, 176 + m, ... 224 + m, m < 16
 *     48   u8 qh[4]    byte m:         digits of weights 240 + m, 244 + m, 248 + m, 252 + m
 *     52   half d
 *
 *     w = d * (digit - 1)
 *
 * A byte is a fraction of 256 whose ternary digits are the codes, the first digit first: times 3^k
 * modulo 256 drops k of them, and the next one is what times 3 carries out.
 */
#include "formats/block.h"
#include "formats/half.h"
#include "formats/type.h"

/* Digits 0..count-1 of n bytes, digit k of byte m to q[n * k + m]. */
static void unpack(const uint8_t *bytes, int n, int count, int8_t *q)
{
    static const uint8_t powers[5] = {1, 3, 9, 27, 81};
    for (int k = 0; k < count; k++)
        for (int m = 0; m < n; m++) {
            unsigned rest = bytes[m] * powers[k] & 255u;
            q[n * k + m] = (int8_t)((int)(rest * 3 >> 8) - 1);
        }
}

void inf_tq1_0_ints(const uint8_t *block, struct inf_ints *out)
{
    const struct inf_block_tq1_0 *b = (const void *)block;
    for (int s = 0; s < 8; s++)
        out->scale[s] = inf_half_to_float(b->d);
    unpack(b->qs, 32, 5, out->q);
    unpack(b->qs + 32, 16, 5, out->q + 160);
    unpack(b->qh, 4, 4, out->q + 240);
}
