/*
 * The constant tables of the IQ types and of the 4-bit floats: numbers of the format itself.
 * Weight j of a grid's entry is byte j, the lowest first.
 */
#ifndef INF_CODEBOOKS_H
#define INF_CODEBOOKS_H

#include <stdint.h>

extern const int8_t inf_codebook_nl[16];  /* IQ4_NL, IQ4_XS: by nibble */
extern const int8_t inf_codebook_fp4[16]; /* MXFP4, NVFP4: E2M1 values times 2 */

/* By 7 bits of index: those, and bit 7 such that an even number of bits is 1. Bit j: the sign of
 * weight j, 1 negates. */
extern const uint8_t inf_codebook_signs[128];

/* Eight magnitudes an entry: 8, 25 or 43. */
extern const uint64_t inf_grid_iq2_xxs[256];
extern const uint64_t inf_grid_iq2_xs[512];
extern const uint64_t inf_grid_iq2_s[1024];

/* Four magnitudes an entry: 4, 12, 20, 28, 36, 44, 52 or 62; of IQ3_S the odd numbers to 15. */
extern const uint32_t inf_grid_iq3_xxs[256];
extern const uint32_t inf_grid_iq3_s[512];

/* IQ1_S, IQ1_M: eight values an entry, -1, 0 or 1, as int8 times 8, so that the shift of an eighth
 * is one more or less. */
extern const uint64_t inf_grid_iq1[2048];

#endif
