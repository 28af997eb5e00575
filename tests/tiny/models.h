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

    /* experts: how many a token uses (0: 2), their size (0: ff), that of the shared one, dense layers
     * before the first with experts, groups (one of them is used) */
    uint32_t used, expert_ff, shared_ff, dense, groups;
    bool sigmoid, normalise, choice_bias;
    bool apart;     /* a tensor an expert */
    bool wide;      /* experts' biases so large that gate and up pass the limit of a clamped gate */
    uint32_t ahead; /* layers behind the others, which the engine leaves out */

    /* latent attention: heads of head_size = nope + 32 numbers that turn, values of `value` */
    uint32_t latent, q_lora, value;
    bool joint;           /* attn_kv_b instead of attn_k_b and attn_v_b */
    float log_multiplier; /* of yarn */
    float beta_fast, beta_slow;
};

#define TINY_ROPE 32 /* numbers of a head that turn beside a latent */

#define TINY_VOCAB 320

size_t tiny_kind_count(void);
const struct tiny_kind *tiny_kind_at(size_t index);

/* The file of a kind with matrices of a weight type (sizes are multiples of 256, so all fit). */
struct mk_bytes tiny_model(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed);

#endif
