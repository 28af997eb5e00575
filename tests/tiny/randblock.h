/*
 * Random blocks of any weight type, for kernel tests and made-up models.
 */
#ifndef INF_TEST_RANDBLOCK_H
#define INF_TEST_RANDBLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Fills out with `blocks` valid blocks of a known type: every code, sign and sub-scale random, the
 * block's own scales finite and such that its weights' root mean square is 1/64 to 1/16 (numbers:
 * integers of -100..100). The same on every machine for the same *rng, which moves on. */
void inf_test_random_blocks(uint32_t type_id, uint64_t *rng, uint8_t *out, size_t blocks);

/* The generator beneath: 64 random bits (splitmix64). */
uint64_t inf_test_random(uint64_t *rng);

#endif
