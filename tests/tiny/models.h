/*
 * Whole models of a few hundred kilobytes, made from a seed: every architecture, any weight type. The
 * tensors are those of the architecture's own table, so a kind (kinds.def) is sizes and a few words.
 */
#ifndef INF_TEST_MODELS_H
#define INF_TEST_MODELS_H

#include "tests/mkfile.h"

#define TINY_VOCAB 320
#define TINY_LAYERS_MAX 16
#define TINY_NUMBERS 6
#define TINY_COUNTS 12

struct tiny_kind {
    const char *name, *arch;
    uint32_t embd, heads, kv_heads, head_size, ff, layers;
    uint32_t odd_kv_heads, odd_ff; /* of odd layers, where they have others: keys are arrays */
    uint32_t rope_dims;            /* 0: the whole head */
    uint32_t experts, window;
    bool optional; /* with the tensors that its architecture may have, biases mostly */
    bool tied;     /* no output.weight */
    bool fused;    /* Q, K and V in one tensor, gate and up too */
    bool rope_factors, longrope, yarn, linear;
    bool apart;       /* each expert is a tensor of its own */
    bool joint;       /* latent attention by attn_kv_b, not by attn_k_b and attn_v_b */
    bool wide;        /* experts' biases so large that gates pass the limit of a clamped one */
    uint32_t pooling; /* an embedding model */
    bool two_way;     /* one whose tokens see both ways */
    /* Recurrent layers: every so many layers, the last, attends; with `single` a layer is a recurrence, a
     * feed-forward, a recurrence, attention by turns. */
    uint32_t attn_every;
    bool single;
    uint32_t taps, r_heads, r_groups, keys, values;
    uint32_t local_head; /* of windowed layers, two of three */
    uint32_t shared_kv,
        per_layer; /* last layers without K and V; numbers of embeddings for layers */
    struct tiny_number {
        const char *key; /* behind the architecture's name */
        float value;
    } numbers[TINY_NUMBERS];
    struct tiny_count {
        const char *key;
        uint32_t value;
    } counts[TINY_COUNTS]; /* of integers; they stand above the others */
};

size_t tiny_kind_count(void);
const struct tiny_kind *tiny_kind_at(size_t index);

/* The kind of that name. */
const struct tiny_kind *tiny_kind_named(const char *name);

/* The fields of a kind's file, to be built, or damaged before that. */
struct mk_file *tiny_file(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed);

/* The file of a kind with matrices of a weight type (sizes are multiples of 256, so all fit). */
struct mk_bytes tiny_model(const struct tiny_kind *kind, uint32_t type_id, uint64_t seed);

#endif
