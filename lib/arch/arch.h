/*
 * Architectures as data. A family of models is its GGUF name, the tensors that it has, and a
 * recipe: the blocks that a layer is made of. The engine knows blocks (lib/plan/), never a model's
 * name.
 */
#ifndef INF_ARCH_H
#define INF_ARCH_H

#include "formats/gguf.h"
#include "kernels/kernel.h"

/* What a layer mixes its tokens with. */
enum inf_mixer {
    INF_MIXER_NONE,
    INF_MIXER_ATTN,
    INF_MIXER_CONV,  /* a short convolution between two gates */
    INF_MIXER_DELTA, /* gated delta rule */
    INF_MIXER_MAMBA  /* Mamba-2 */
};

/* The turning of a layer's queries and keys: which of the model's two RoPEs, or none. */
enum inf_rope_kind { INF_ROPE_GLOBAL, INF_ROPE_LOCAL, INF_ROPE_NONE };

/* The numbers of one layer. Where a key of the file is an array, it has one of them a layer. */
struct inf_layer {
    enum inf_mixer mixer;
    enum inf_rope_kind rope;
    uint32_t heads, kv_heads;
    uint32_t head_size, v_head_size; /* numbers of a query's or key's head, of a value's */
    uint32_t v_cached;               /* of a value in the cache: v_head_size; 0: it is K's begin */
    uint32_t q_size, k_size, v_size, out_size; /* all heads; out: what attention gives */
    uint32_t ff;                               /* 0: no feed-forward */
    uint32_t windowed, window; /* whether a token sees `window` positions alone, itself included */
    uint32_t group;            /* query heads of a KV head */
    float attn_scale;          /* on queries */
    bool experts;

    uint32_t kv_shared; /* the layer before this number has the K and V; 0: this one itself */

    struct inf_xielu xielu; /* of a feed-forward with that activation */

    /* A recurrent layer (inf_layer_recurrent). */
    uint32_t recurrent; /* the file's flag */
    uint32_t taps, conv_size,
        mix_size;               /* of the convolution: taps, channels; all that it is cut of */
    uint32_t r_heads, r_groups; /* heads of values; of keys, each for as many heads of values */
    uint32_t keys, values;      /* numbers of a head: the state is (keys, values) */
    bool r_tiled;               /* value head h belongs to key head h mod groups; else in blocks */
};

static inline bool inf_layer_recurrent(const struct inf_layer *l)
{
    return l->mixer > INF_MIXER_ATTN;
}

/* One RoPE: how many numbers of a head turn (even), from which base, and whether the model's scaling
 * applies. */
struct inf_rope {
    uint32_t dims;
    double base;
    bool scaled;
};

/* How a token chooses its experts. The scores are a softmax or sigmoids of the router's outputs; the
 * choice is by score plus the file's selection bias, in the best `groups_used` of `groups` groups of
 * experts (0 or 1: no groups), the lower number on a tie. */
struct inf_routing {
    bool sigmoid;
    bool normalise; /* the weights of the chosen sum to 1, before `scale` */
    float scale;
    uint32_t groups, groups_used;
};

/* Multi-head latent attention (DeepSeek-V2, 2024): the cache holds for each token one latent and one
 * key that turns, for all heads. Absorbed: a query's part that does not turn is brought into the
 * latent's space, and attention gives latents, of which each head makes its values. */
struct inf_latent {
    uint32_t size;        /* numbers of a latent; 0: none */
    uint32_t q_lora;      /* 0: queries come from one matrix */
    uint32_t nope, value; /* numbers of a query head that do not turn, of a value */
};

/* The sizes and numbers of one model, read from its metadata and checked. */
struct inf_hparams {
    uint32_t layers, embd, vocab, context;
    uint32_t ahead; /* layers behind these, for guessing tokens ahead, which we leave out */
    struct inf_layer *layer; /* (layers) */
    struct inf_layer most;   /* the largest of each size over the layers, for buffers */
    float eps;

    struct inf_rope rope[2]; /* global, local */
    enum inf_rope_scaling { INF_ROPE_PLAIN, INF_ROPE_LINEAR, INF_ROPE_YARN } rope_scaling;
    double rope_factor, rope_original, rope_attn_factor, rope_beta_fast, rope_beta_slow;
    double yarn_magnitude; /* of cos and sin; 0: 1 + 0.1 ln(factor) */
    bool yarn_between;     /* yarn's ramp ends between dimensions; else at whole ones */

    uint32_t experts, experts_used; /* 0: no layer has experts */
    uint32_t expert_ff, shared_ff;  /* of one expert; of the one that all tokens use, 0: none */
    struct inf_routing routing;
    struct inf_latent latent;

    uint32_t per_layer; /* numbers of a token's embedding for each layer; 0: none */

    float embd_scale;     /* on token embeddings */
    float residual_scale; /* on what a block adds to the stream */
    float logit_scale;
    float attn_softcap, logit_softcap; /* cap * tanh(x / cap) on scores, on logits; 0: none */
    float attn_temp; /* queries times 1 + attn_temp * log(1 + position / attn_temp_length) */
    uint32_t attn_temp_length;

    bool two_way;      /* a token sees those behind it too: all of a text in one pass */
    enum inf_pooling { /* of an embedding, as in the format */
                       INF_POOLING_NONE,
                       INF_POOLING_MEAN,
                       INF_POOLING_FIRST,
                       INF_POOLING_LAST
    } pooling;
    uint32_t dense; /* numbers between the two matrices behind the pooling; 0: there are none */
};

/* The tensors that there may be, see slots.def. */
enum inf_slot {
#define SLOT(ENUM, name, a, b, c) INF_SLOT_##ENUM,
#define PART(ENUM, name, first, total)
#include "lib/arch/slots.def"
#undef SLOT
#undef PART
    INF_SLOT_COUNT
};

/* Sizes of a tensor, as names of a layer's or the model's numbers; sums of them for fused ones. */
enum inf_symbol {
    INF_DIM_NONE, /* 1 as a dimension, 0 as a first row */
    INF_DIM_ANY,  /* whatever the tensor has */
    INF_DIM_EMBD,
    INF_DIM_Q,
    INF_DIM_K,
    INF_DIM_V,
    INF_DIM_QK,
    INF_DIM_QKV,
    INF_DIM_OUT,
    INF_DIM_HEAD,
    INF_DIM_HEADS,
    INF_DIM_KV_HEADS,
    INF_DIM_FF,
    INF_DIM_FF2,
    INF_DIM_VOCAB,
    INF_DIM_EXPERTS,
    INF_DIM_HALF_ROPE,
    INF_DIM_ONE,
    INF_DIM_DENSE,
    INF_DIM_PER_LAYER,
    INF_DIM_PER_LAYERS, /* for all layers */
    INF_DIM_Q2,
    INF_DIM_TAPS,
    INF_DIM_CONV,
    INF_DIM_MIX,
    INF_DIM_MIX_OUT,
    INF_DIM_R_HEADS,
    INF_DIM_R_HEADS2,
    INF_DIM_R_GROUPS,
    INF_DIM_R_GROUP, /* values of a group */
    INF_DIM_VALUES,
    INF_DIM_EXPERT_FF,
    INF_DIM_EXPERT_FF2,
    INF_DIM_SHARED_FF,
    INF_DIM_Q_LORA,
    INF_DIM_LATENT,
    INF_DIM_NOPE,
    INF_DIM_VALUE,
    INF_DIM_KV_B
};

struct inf_tensor_row {
    enum inf_slot slot;
    enum inf_when {
        INF_REQUIRED,
        INF_OPTIONAL,
        INF_WITH_LAST, /* required where the tensor of the row before is there, else not read */
        INF_ATTN,      /* these: required in a layer of that kind, no others have it */
        INF_RECURRENT,
        INF_RECURRENT_OR_LAST, /* unless the tensor of the row before is there */
        INF_OWN_KV,            /* layers with K and V of their own */
        INF_PER_LAYER,         /* models with embeddings for each layer */
        INF_POOLED,            /* models with matrices behind the pooling; none other may have it */
        INF_DENSE,
        INF_EXPERTS,
        INF_SHARED, /* layers with an expert that all tokens use */
        INF_Q_LORA, /* layers whose queries come from two matrices, and from one */
        INF_Q_PLAIN
    } when;
};

/* A block of a recipe. What it reads and writes is the residual stream and one row beside it. */
struct inf_block {
    enum inf_block_kind {
        INF_BLOCK_END,
        INF_BLOCK_NORM,        /* beside = norm(stream); stays where there are no such weights */
        INF_BLOCK_POST_NORM,   /* beside = norm(beside) */
        INF_BLOCK_STREAM_NORM, /* stream = norm(stream) */
        INF_BLOCK_BARE,        /* the next block reads the stream, not what stands beside */
        INF_BLOCK_ATTN_APART,  /* as ATTN, but its result waits for ADD_APART */
        INF_BLOCK_ADD_APART,
        INF_BLOCK_ATTN, /* beside = attention(beside); q/k norm and biases where the tensors are */
        INF_BLOCK_FFN,  /* beside = feed-forward(beside), dense or with experts */
        INF_BLOCK_PER_LAYER, /* stream = stream + what comes of the token's embedding for this layer */
        INF_BLOCK_LAYER_SCALE, /* stream = stream * the slot's number */
        INF_BLOCK_ADD          /* stream = stream + beside */
    } kind;
    enum inf_slot slot;
};

/* The keys of a file that begin with its architecture's name: "llama." before `name`. Each of these
 * leaves *out where the key is absent. */
struct inf_keys {
    const struct inf_gguf *gguf;
    const char *prefix;
};
bool inf_keys_is_array(const struct inf_keys *keys, const char *name);
bool inf_keys_has(const struct inf_keys *keys, const char *name);
infer_status inf_keys_need(const struct inf_keys *keys, const char *name, infer_error *err);
infer_status inf_keys_text(const struct inf_keys *keys, const char *name, struct inf_bytes *out,
                           infer_error *err);
infer_status inf_keys_uint(const struct inf_keys *keys, const char *name, uint32_t low,
                           uint32_t high, uint32_t *out, infer_error *err);
/* Finite, and above zero (`zero`: or 0). */
infer_status inf_keys_float(const struct inf_keys *keys, const char *name, bool zero, double *out,
                            infer_error *err);
infer_status inf_keys_bool(const struct inf_keys *keys, const char *name, bool *out,
                           infer_error *err);
/* One value for all layers, or an array of one for each, into the member at `offset`. */
infer_status inf_keys_layers(const struct inf_keys *keys, const char *name, uint32_t low,
                             uint32_t high, struct inf_hparams *hp, size_t offset,
                             infer_error *err);

/* The same for a float that is finite; the key must be there. */
infer_status inf_keys_layer_floats(const struct inf_keys *keys, const char *name,
                                   struct inf_hparams *hp, size_t offset, infer_error *err);

/* The numbers of recurrent layers (recurrent.c). Those with `recurrent` set become `mixer`; from the keys
 * ssm.*, or of a CONV shortconv.l_cache. */
infer_status inf_arch_recurrent(const struct inf_keys *keys, struct inf_hparams *hp,
                                enum inf_mixer mixer, infer_error *err);

#define INF_BASE_SAME (-1.0)

struct inf_arch {
    const char *name;
    const struct inf_tensor_row *tensors; /* `tensor_count` of them */
    size_t tensor_count;
    const struct inf_block *layer;
    bool rope_adjacent; /* pairs are neighbours; else the two halves of the turned part */
    enum inf_activation activation; /* of the feed-forward's gate; without one of its only rows */
    bool mixed;                     /* a layer may have no heads or no feed-forward */
    bool single;                    /* a layer is one thing, a mixer or a feed-forward; else both */
    bool encoder;      /* tokens see both ways unless the file says otherwise; no logits */
    bool beside;       /* experts stand beside the dense feed-forward, with norms of their own */
    bool v_norm;       /* values are normed, by no weights; keys are values where there are none */
    bool layer_norm;   /* norms take the mean off, and may have a bias; else RMS norms */
    double local_base; /* RoPE base of windowed layers, never scaled (INF_BASE_SAME: that of all
                        * layers); 0: they turn as all do */
    /* With a window every so many layers one sees all, the last of each; 0: none. The file's own
     * attention.sliding_window_pattern stands above it. */
    uint32_t window_period;
    bool latent;                /* multi-head latent attention */
    struct inf_routing routing; /* unless the file says otherwise; scale 0: 1 */
    /* Odd metadata, after the common keys are read and before sizes are derived; may be NULL. */
    infer_status (*hook)(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err);
};

/* The recipe of most: norm, attention, add, norm, feed-forward, add. */
extern const struct inf_block inf_layer_pre_norm[];
/* The same where the norm before the feed-forward has the name of one after attention. */
extern const struct inf_block inf_layer_pre_norm_post[];
/* Norms before and after each half, and after each half alone. */
extern const struct inf_block inf_layer_sandwich[], inf_layer_post_norm[];
/* One norm, attention and feed-forward beside each other, one sum. */
extern const struct inf_block inf_layer_parallel[];
/* A norm of the stream behind each sum. */
extern const struct inf_block inf_layer_encoder[];

/* Tensors that most have, for the tables of the architectures. */
#define INF_TENSORS_MODEL                                                                          \
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED}, {INF_SLOT_OUTPUT_NORM, INF_REQUIRED},                     \
    {                                                                                              \
        INF_SLOT_OUTPUT, INF_OPTIONAL                                                              \
    }
#define INF_TENSORS_ATTN_BIASED(when)                                                              \
    {INF_SLOT_ATTN_Q, INF_REQUIRED}, {INF_SLOT_ATTN_K, INF_REQUIRED},                              \
        {INF_SLOT_ATTN_V, INF_REQUIRED}, {INF_SLOT_ATTN_OUT, INF_REQUIRED},                        \
        {INF_SLOT_ATTN_Q_BIAS, when}, {INF_SLOT_ATTN_K_BIAS, when}, {INF_SLOT_ATTN_V_BIAS, when},  \
    {                                                                                              \
        INF_SLOT_ATTN_OUT_BIAS, when                                                               \
    }
/* Most families leave the biases to the configuration. */
#define INF_TENSORS_ATTN INF_TENSORS_ATTN_BIASED(INF_OPTIONAL)
/* Of the layers that attend, where others are recurrent; of those that are Mamba-2. */
#define INF_TENSORS_ATTN_LAYERS                                                                    \
    {INF_SLOT_ATTN_Q, INF_ATTN}, {INF_SLOT_ATTN_K, INF_ATTN}, {INF_SLOT_ATTN_V, INF_ATTN},         \
        {INF_SLOT_ATTN_OUT, INF_ATTN}, {INF_SLOT_ATTN_Q_BIAS, INF_OPTIONAL},                       \
        {INF_SLOT_ATTN_K_BIAS, INF_OPTIONAL}, {INF_SLOT_ATTN_V_BIAS, INF_OPTIONAL},                \
    {                                                                                              \
        INF_SLOT_ATTN_OUT_BIAS, INF_OPTIONAL                                                       \
    }
#define INF_TENSORS_MAMBA                                                                          \
    {INF_SLOT_MIX_IN, INF_RECURRENT}, {INF_SLOT_MIX_CONV, INF_RECURRENT},                          \
        {INF_SLOT_MIX_CONV_BIAS, INF_RECURRENT}, {INF_SLOT_MIX_DT_BIAS, INF_RECURRENT},            \
        {INF_SLOT_MIX_A_MAMBA, INF_RECURRENT}, {INF_SLOT_MIX_D, INF_RECURRENT},                    \
        {INF_SLOT_MIX_NORM_GROUPS, INF_RECURRENT},                                                 \
    {                                                                                              \
        INF_SLOT_MIX_OUT, INF_RECURRENT                                                            \
    }
#define INF_TENSORS_GLU                                                                            \
    {INF_SLOT_FFN_GATE, INF_REQUIRED}, {INF_SLOT_FFN_UP, INF_REQUIRED},                            \
    {                                                                                              \
        INF_SLOT_FFN_DOWN, INF_REQUIRED                                                            \
    }
/* Experts, in layers that have them; the feed-forward of the layers that do not; the expert of all
 * tokens. */
#define INF_TENSORS_EXPERTS                                                                        \
    {INF_SLOT_ROUTER, INF_EXPERTS}, {INF_SLOT_EXPERTS_GATE, INF_EXPERTS},                          \
        {INF_SLOT_EXPERTS_UP, INF_EXPERTS},                                                        \
    {                                                                                              \
        INF_SLOT_EXPERTS_DOWN, INF_EXPERTS                                                         \
    }
#define INF_TENSORS_DENSE                                                                          \
    {INF_SLOT_FFN_GATE, INF_DENSE}, {INF_SLOT_FFN_UP, INF_DENSE},                                  \
    {                                                                                              \
        INF_SLOT_FFN_DOWN, INF_DENSE                                                               \
    }
#define INF_TENSORS_SHARED                                                                         \
    {INF_SLOT_SHARED_GATE, INF_SHARED}, {INF_SLOT_SHARED_UP, INF_SHARED},                          \
    {                                                                                              \
        INF_SLOT_SHARED_DOWN, INF_SHARED                                                           \
    }
#define INF_TENSORS_PRE_NORMS                                                                      \
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},                                                            \
    {                                                                                              \
        INF_SLOT_FFN_NORM, INF_REQUIRED                                                            \
    }
#define INF_TENSORS_POST_NORMS                                                                     \
    {INF_SLOT_ATTN_POST_NORM, INF_REQUIRED},                                                       \
    {                                                                                              \
        INF_SLOT_FFN_POST_NORM, INF_REQUIRED                                                       \
    }

/* What families.def says of an architecture; error is negative where nothing is known. */
struct inf_family {
    const char *name, *models, *reference;
    double error;
};
struct inf_family inf_arch_family(const char *name);

size_t inf_arch_count(void);
const struct inf_arch *inf_arch_at(size_t index);

/* INFER_E_UNSUPPORTED names the architecture and those that are known. */
infer_status inf_arch_find(const struct inf_gguf *gguf, const struct inf_arch **arch,
                           infer_error *err);

/* Reads and checks the numbers; those of the layers are kept in `arena`. */
infer_status inf_arch_hparams(const struct inf_arch *arch, const struct inf_gguf *gguf,
                              struct inf_arena *arena, struct inf_hparams *hp, infer_error *err);

/* The keys of experts, and those of latent attention, which sets what follows in the layers. */
infer_status inf_arch_experts(const struct inf_arch *arch, const struct inf_keys *keys,
                              struct inf_hparams *hp, infer_error *err);
infer_status inf_arch_latent(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err);

/* Whether a tensor of that name, less `front` ("blk.%u." or none), may belong to the architecture; to any. */
bool inf_arch_knows(const struct inf_arch *arch, const char *front, const char *name);
bool inf_arch_any_knows(const char *front, const char *name);

/* The names of a slot (with | between them, %u for the layer) and its shape in a layer. */
const char *inf_arch_slot(const struct inf_hparams *hp, enum inf_slot slot, int layer,
                          uint64_t shape[3]);

/* Whether a layer is of the kind that has a tensor; true outside layers (-1). */
bool inf_arch_has(const struct inf_hparams *hp, int layer, enum inf_when when);

/* One weight tensor where it stands, or the rows of a fused one: (experts, rows, k); `data` NULL:
 * the model has none. */
struct inf_weight {
    const uint8_t *data;
    const uint8_t **each; /* (experts) experts that are tensors of their own; NULL: expert_bytes */
    const char *name;     /* for messages */
    uint32_t type;
    uint32_t k, rows, experts;
    size_t row_bytes, expert_bytes; /* from one to the next */
    bool again;                     /* rows of a tensor that another slot stands for already */
};

/* The matrix of an expert, or of a head. */
static inline const uint8_t *inf_weight_expert(const struct inf_weight *w, size_t expert)
{
    return w->each ? w->each[expert] : w->data + expert * w->expert_bytes;
}

/* Looks a tensor up, by a function of the model (which may have several files). NULL: not there. */
typedef const struct inf_gguf_tensor *inf_tensor_find_fn(const void *ud, const char *name);

/* Fills weights[INF_SLOT_COUNT] for the whole model (layer < 0: the slots outside layers) or for
 * one layer, checking presence, shape and type. Names are kept in `arena`. */
infer_status inf_arch_weights(const struct inf_arch *arch, const struct inf_hparams *hp, int layer,
                              inf_tensor_find_fn *find, const void *ud, struct inf_arena *arena,
                              struct inf_weight *weights, infer_error *err);

#endif
