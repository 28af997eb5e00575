/*
 * Whole models of a few hundred kilobytes, made from a seed: every architecture, any weight type.
 */
#ifndef INF_TEST_MODELS_H
#define INF_TEST_MODELS_H

#include "tests/mkfile.h"

struct tiny_kind {
    const char *name, *arch;
    uint32_t embd, heads, kv_heads, head_size, ff, layers;
    uint32_t experts, window;
    bool biases, tied, rope_factors, yarn, linear;
};

#define TINY_VOCAB 320

size_t tiny_kind_count(void);
const struct tiny_kind *tiny_kind_at(size_t index);

/* The file of a kind with matrices of a weight type (sizes are multiples of 256, so all fit). */
struct mk_bytes tiny_model(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed);

#endif
