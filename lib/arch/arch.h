/*
 * Architectures as data. A family of models is its GGUF name, the tensors that it has, and a
 * recipe: the blocks that a layer is made of. The engine knows blocks (lib/plan/), never a model's
 * name.
 */
#ifndef INF_ARCH_H
#define INF_ARCH_H

#include "formats/gguf.h"

/* The sizes and numbers of one model, read from its metadata and checked. */
struct inf_hparams {
    uint32_t layers, embd, heads, kv_heads, head_size, ff, vocab, context;
    uint32_t q_size, kv_size; /* heads * head_size, kv_heads * head_size */
    float eps;

    uint32_t rope_dims;     /* numbers of a head that turn; even */
    double rope_base;       /* global layers */
    double rope_base_local; /* windowed layers of a model that tells them apart */
    enum inf_rope_scaling { INF_ROPE_PLAIN, INF_ROPE_LINEAR, INF_ROPE_YARN } rope_scaling;
    double rope_factor, rope_original, rope_attn_factor, rope_beta_fast, rope_beta_slow;

    uint32_t window;        /* positions that a windowed layer sees, itself included; 0: all */
    uint32_t window_period; /* every so many layers one is global; 0: with a window none is */
    uint32_t experts, experts_used; /* 0: a dense model */
    float embd_scale;               /* on token embeddings */
    float attn_scale;               /* on queries */
};

/* The tensors: SLOT(ENUM, name, first dimension, second, third). */
enum inf_slot {
#define SLOT(ENUM, name, a, b, c) INF_SLOT_##ENUM,
#include "lib/arch/slots.def"
#undef SLOT
    INF_SLOT_COUNT
};

enum inf_symbol {
    INF_DIM_NONE,
    INF_DIM_EMBD,
    INF_DIM_Q,
    INF_DIM_KV,
    INF_DIM_HEAD,
    INF_DIM_FF,
    INF_DIM_VOCAB,
    INF_DIM_EXPERTS,
    INF_DIM_HALF_ROPE
};

struct inf_tensor_row {
    enum inf_slot slot;
    enum {
        INF_REQUIRED,
        INF_OPTIONAL,
        INF_DENSE,
        INF_EXPERTS
    } when; /* DENSE, EXPERTS: required in
               a model of that kind */
};

/* A block of a recipe. What it reads and writes is the residual stream and one row beside it. */
struct inf_block {
    enum inf_block_kind {
        INF_BLOCK_END,
        INF_BLOCK_NORM,      /* beside = norm(stream), by the slot's weights */
        INF_BLOCK_POST_NORM, /* beside = norm(beside) */
        INF_BLOCK_ATTN, /* beside = attention(beside); q/k norm and biases where the tensors are */
        INF_BLOCK_FFN,  /* beside = feed-forward(beside), dense or with experts */
        INF_BLOCK_ADD   /* stream = stream + beside */
    } kind;
    enum inf_slot slot;
};

struct inf_arch {
    const char *name;
    const struct inf_tensor_row *tensors; /* `tensor_count` of them */
    size_t tensor_count;
    const struct inf_block *layer;
    bool rope_adjacent; /* pairs are neighbours; else the two halves of the turned part */
    bool gelu;          /* the feed-forward's gate; else silu */
    /* Odd metadata, after the common keys are read; may be NULL. */
    infer_status (*hook)(const struct inf_gguf *gguf, struct inf_hparams *hp, infer_error *err);
};

/* The recipe of most: norm, attention, add, norm, feed-forward, add. */
extern const struct inf_block inf_layer_pre_norm[];

size_t inf_arch_count(void);
const struct inf_arch *inf_arch_at(size_t index);

/* INFER_E_UNSUPPORTED names the architecture and those that are known. */
infer_status inf_arch_find(const struct inf_gguf *gguf, const struct inf_arch **arch,
                           infer_error *err);

/* Reads and checks the numbers. vocab comes from the rows of the token embeddings. */
infer_status inf_arch_hparams(const struct inf_arch *arch, const struct inf_gguf *gguf,
                              struct inf_hparams *hp, infer_error *err);

/* One weight tensor where it stands: (experts, rows, k); `data` NULL: the model has none. */
struct inf_weight {
    const uint8_t *data;
    const char *name; /* for messages */
    uint32_t type;
    uint32_t k, rows, experts;
    size_t row_bytes, bytes; /* bytes: of all experts */
};

/* Looks a tensor up, by a function of the model (which may have several files). NULL: not there. */
typedef const struct inf_gguf_tensor *inf_tensor_find_fn(const void *ud, const char *name);

/* Fills weights[INF_SLOT_COUNT] for the whole model (layer < 0: the slots outside layers) or for
 * one layer, checking presence, shape and type. Names are kept in `arena`. */
infer_status inf_arch_weights(const struct inf_arch *arch, const struct inf_hparams *hp, int layer,
                              inf_tensor_find_fn *find, const void *ud, struct inf_arena *arena,
                              struct inf_weight *weights, infer_error *err);

/* Whether a layer looks through the window. */
static inline bool inf_layer_windowed(const struct inf_hparams *hp, uint32_t layer)
{
    return hp->window && !(hp->window_period && (layer + 1) % hp->window_period == 0);
}

#endif
