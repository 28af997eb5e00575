/*
 * A plan: a model made into a flat program. Steps read and write numbered buffers; nothing is
 * allocated after loading. Prefill and decoding run the same steps with another number of rows.
 */
#ifndef INF_PLAN_H
#define INF_PLAN_H

#include "kernels/kernel.h"
#include "lib/arch/arch.h"
#include "lib/base/thread.h"

#include <pthread.h>

/* What the steps write. Rows are tokens, except slots: (token, j-th chosen expert). */
enum inf_buffer {
    INF_BUF_STREAM,    /* (tokens, embd) the residual stream */
    INF_BUF_BESIDE,    /* (tokens, embd) what a block reads and then writes */
    INF_BUF_APART,     /* (tokens, embd) a result that waits to be added */
    INF_BUF_ANGLES,    /* (tokens, cos and sin of the global RoPE, then of the local one) */
    INF_BUF_Q,         /* (tokens, q_size) */
    INF_BUF_K,         /* (tokens, k_size) */
    INF_BUF_V,         /* (tokens, v_size) */
    INF_BUF_ATTN,      /* (tokens, out_size) */
    INF_BUF_Q_LORA,    /* (tokens, q_lora) */
    INF_BUF_LATENT,    /* (tokens, heads, latent) queries, and then what attention gives */
    INF_BUF_GATE,      /* (tokens, ff) */
    INF_BUF_UP,        /* (tokens, ff) */
    INF_BUF_SLOT_GATE, /* (slots, expert_ff) */
    INF_BUF_SLOT_UP,
    INF_BUF_ROUTER,      /* (tokens, experts) */
    INF_BUF_CHOICE,      /* (tokens, used) float weights, then (tokens, used) uint32 experts */
    INF_BUF_GROUPS,      /* expert lists, see cpu_experts.c */
    INF_BUF_EXPERT,      /* (slots, embd) what each chosen expert says */
    INF_BUF_SHARED,      /* (tokens, embd) what the expert of all tokens says */
    INF_BUF_SHARED_GATE, /* (tokens) how much of it counts */
    INF_BUF_INT_EMBD,    /* int8 columns of embd, out_size, ff, q_lora; slots' of expert_ff */
    INF_BUF_INT_OUT,
    INF_BUF_INT_FF,
    INF_BUF_INT_Q_LORA,
    INF_BUF_INT_SLOT,
    INF_BUF_INT_HEADS, /* (heads, tokens) int8 columns of a head's numbers */
    INF_BUF_INT_PER_LAYER,
    INF_BUF_INT_DENSE,
    INF_BUF_MIX, /* (tokens, mix_size) what a recurrent layer convolves, and the rest of its input */
    INF_BUF_MIX_Z,  /* (tokens, out_size) the gate on its result; of attention (tokens, 2 q_size) */
    INF_BUF_FORGET, /* (tokens, r_heads) alpha, then g of op gates */
    INF_BUF_TAKE,   /* (tokens, r_heads) what beta comes from, then beta */
    INF_BUF_MIXED,  /* (tokens, mixed) several of these, key head by key head */
    INF_BUF_PER_LAYER,       /* (tokens, layers, per_layer) embeddings for each layer */
    INF_BUF_PER_LAYER_MODEL, /* the same size: what the model makes of the token's own embedding */
    INF_BUF_PER_LAYER_GATE,  /* (tokens, per_layer), and its int8 columns */
    INF_BUF_LAST,            /* (wanted rows, embd) */
    INF_BUF_DENSE,           /* (1, dense) between the matrices behind the pooling */
    INF_BUF_COUNT,
    INF_BUF_NONE = INF_BUF_COUNT
};

enum inf_step_op {
    INF_STEP_EMBED,  /* out = the tokens' rows of w[0] * scale (+ their positions' of w[1], row 0 of
                        * w[2]) */
    INF_STEP_ANGLES, /* out = cos and sin of every token's position */
    INF_STEP_NORM,   /* out = norm of each `n` of in by w[0] and the bias w[1], `heads` to a row */
    INF_STEP_LAST,   /* out = norm of the wanted rows of in by w[0] and w[1] * scale */
    INF_STEP_QUANTIZE,   /* out = int8 columns of in */
    INF_STEP_MATMUL,     /* outs[i] = w[i] x in */
    INF_STEP_HEADS,      /* outs[0] = of each head w[0]'s own matrix x in */
    INF_STEP_LOGITS,     /* the session's logits = w[0] x in */
    INF_STEP_LOGITS_END, /* the session's logits (+ w[0]), capped */
    INF_STEP_POOL,       /* out (NONE: the session's embedding) = what the rows of in come to */
    INF_STEP_BIAS,       /* in = in + w[0] */
    INF_STEP_ROPE,       /* turns `heads` heads of in */
    INF_STEP_KV_STORE,   /* K and V to the session's cache */
    INF_STEP_ATTN,       /* out = attention of in (its turned part in in2); w[0]: sinks */
    INF_STEP_GLU,        /* in = f(in) * in2, or f(in) */
    INF_STEP_ADD,        /* in = in + in2 * scale */
    INF_STEP_ROUTE, /* out = the chosen experts and their weights (* w[1]), from in; w[0]: bias of choice */
    INF_STEP_GROUP,     /* out = the lists of slots by expert */
    INF_STEP_EXPERTS,   /* outs[i] = w[i] of each slot's expert x in */
    INF_STEP_SLOT_BIAS, /* in = in + the row of w[0] of each slot's expert */
    INF_STEP_SCALE,     /* in = in * scale (* the number of w[0]) */
    INF_STEP_GATED,     /* out = f(in2) * in, number by number, head by head */
    INF_STEP_CONV,      /* in = its convolution along the tokens, from the session's state on */
    INF_STEP_GATES,     /* out, in2 = what heads forget and take in, from in and in2 */
    INF_STEP_MOVE,      /* out = pieces of in, one behind the other */
    INF_STEP_UNIT,      /* in = its queries and keys with length 1 */
    INF_STEP_RECUR,     /* out = the recurrence over in, from the session's state on */
    INF_STEP_COMBINE,   /* out = the weighted sum of each token's slots of in, and in2 */
};

enum inf_step_rows { INF_ROWS_TOKENS, INF_ROWS_SLOTS, INF_ROWS_WANTED, INF_ROWS_ONE };

#define INF_STEP_WEIGHTS 4

struct inf_step {
    enum inf_step_op op;
    int layer;    /* -1 outside layers */
    bool barrier; /* all threads meet after it; cleared where the next step needs the same rows */
    bool from_slots; /* EXPERTS: columns of in are slots, else tokens */
    enum inf_step_rows rows;
    enum inf_buffer in, in2, out;
    uint32_t n, heads;  /* heads: so many of n numbers, */
    uint32_t apart, at; /* so far apart, the first so far from the row's begin */
    uint32_t at2;       /* the same in in2; of GATED there alone heads are apart; of MOVE in out */
    float scale;        /* EMBED, LAST, ADD, SCALE */
    enum inf_activation activation; /* GATED */
    uint32_t count;                 /* of w and outs */
    const struct inf_weight *w[INF_STEP_WEIGHTS];
    enum inf_buffer outs[INF_STEP_WEIGHTS];
};

/* Steps that a task does one after the other: one step cut into tasks, or several on the same rows. The
 * next stage begins when all tasks of this one are done. */
struct inf_stage {
    uint32_t first, count; /* of steps */
};

struct inf_plan_buffer {
    size_t offset; /* in the activations */
    size_t stride; /* bytes from row to row */
    uint32_t rows;
};

/* One query block of attention: rows of one session that follow each other. */
struct inf_attn_block {
    uint32_t row, count;
};

/* Queries that one task of attention takes at a time: tokens times heads of a KV head. */
#define INF_ATTN_ROWS 64

/* Where the K and V of a layer's heads stand in a session's cache: (kv_heads, K then V). */
struct inf_kv_place {
    size_t at, head_bytes;
    size_t v_at; /* in a head */
};

/* Where the state of a recurrent layer stands in a session's: (taps - 1, conv_size), then the heads;
 * in floats. */
struct inf_state_place {
    size_t conv_at, heads_at;
};

struct infer_plan {
    infer_allocator a;
    _Atomic uint32_t references;
    infer_model *model;
    struct inf_arena arena; /* steps, weights, names, the arrays of a pass */
    infer_plan_info info;
    infer_plan_memory memory;
    enum inf_kv kv;
    bool exact, overcommit;
    bool apart;     /* a block uses INF_BUF_APART */
    bool embedding; /* makes embeddings, not logits */
    const struct inf_arch *arch;
    struct inf_hparams hp;
    struct inf_kernels kernels;
    inf_sgemm_fn *sgemm; /* NULL: no approximate kernels */

    struct inf_weight *weights; /* (layers + 1, INF_SLOT_COUNT), the last: outside layers */
    size_t made_bytes;          /* of weights that loading makes of others (made.c) */
    uint8_t *made;              /* pages, once loaded */
    struct inf_step *steps;
    size_t step_count;
    struct inf_stage *stages;
    uint8_t *shares; /* (stages, share_bytes) struct inf_share of the pass in progress */
    size_t share_bytes;
    size_t stage_count;
    struct inf_plan_buffer buffers[INF_BUF_COUNT];
    size_t activation_bytes, scratch_bytes; /* scratch: of one thread */
    size_t attn_scratch_at;                 /* in a thread's scratch */
    double *rope_freqs[2];                  /* (dims / 2) global, local */
    float rope_scale[2];                    /* on cos and sin */
    float *attn_temps; /* (context / attn_temp_length + 1) on queries; NULL: none */

    struct inf_kv_place *kv_places; /* (layers) */
    size_t kv_session_bytes;
    struct inf_state_place *state_places; /* (layers) */
    size_t state_floats;                  /* of a session; 0: no layer is recurrent */
    bool gated;                           /* some layer has a gate on its result */
    uint32_t mixed;                       /* most numbers of a row of INF_BUF_MIXED */
    struct inf_weight ones;               /* of a norm by no weights */
    float *unit;                          /* (2, keys) weights of queries and keys, see UNIT */

    /* For the pass in progress. */
    struct inf_attn_block *blocks;           /* (batch) */
    uint32_t *positions, *want, *logit_rows; /* (batch) */
    uint8_t **row_kv;                        /* (batch) */
    float **row_state, **row_copy;           /* (batch) */
    struct inf_attn_block *segments;         /* (batch) */
    _Atomic bool **cancel;                   /* (batch) */

    bool *slot_taken; /* (sessions) */

    /* Once loaded. */
    _Atomic bool loaded;
    pthread_mutex_t turn; /* evals take turns */
    struct inf_pool *pool;
    uint8_t *activations, *scratch, *kv_cache; /* pages */
    float *logits; /* pages: (sessions, logit_rows, vocab), or embeddings (sessions, embd) */
    size_t logits_bytes, kv_bytes;
    float *states; /* pages: (sessions, 1 + checkpoints, state_floats) */
    size_t state_bytes;
};

/* The steps and buffers of plan->arch's recipe (build.c). */
infer_status inf_plan_build(struct infer_plan *plan, infer_error *err);

/* The turning speeds of RoPE, and what positions do to queries (rope.c). */
infer_status inf_plan_rope(struct infer_plan *plan, infer_error *err);

/* cos and sin of an angle in radians, the same bits on every machine. */
void inf_cos_sin(double angle, double *cosine, double *sine);

/* Offsets of all buffers, and the bytes of everything (memory.c). */
infer_status inf_plan_layout(struct infer_plan *plan, infer_error *err);

/* Latent attention from files with attn_kv_b: its value part is used where it stands, its key part is
 * turned into attn_k_b's form when loading (made.c). */
infer_status inf_plan_latent(struct infer_plan *plan, infer_error *err);
void inf_plan_latent_load(struct infer_plan *plan);

void inf_plan_retain(infer_plan *plan);

/* The approximate kernel of a matrix, NULL where the plan uses none. */
static inline inf_matmul_fn *inf_plan_approx(const struct infer_plan *plan,
                                             const struct inf_weight *w)
{
    return plan->sgemm ? plan->kernels.approx[w->type] : NULL;
}

static inline bool inf_weight_is_int(const struct infer_plan *plan, const struct inf_weight *w)
{
    return !plan->exact && inf_type_info(w->type)->form != INF_FORM_FLOAT;
}

static inline const struct inf_weight *inf_plan_weight(const struct infer_plan *plan, int layer,
                                                       enum inf_slot slot)
{
    size_t at = layer < 0 ? plan->hp.layers : (size_t)layer;
    const struct inf_weight *w = &plan->weights[at * INF_SLOT_COUNT + slot];
    return w->data ? w : NULL;
}

static inline uint8_t *inf_plan_buffer(const struct infer_plan *plan, enum inf_buffer buffer,
                                       size_t row)
{
    return plan->activations + plan->buffers[buffer].offset + row * plan->buffers[buffer].stride;
}

/* K of a head of a layer in a session's cache; V follows at kv_places[layer].v_at. */
static inline uint8_t *inf_plan_kv(const struct infer_plan *plan, uint8_t *session_kv, int layer,
                                   uint32_t head)
{
    const struct inf_kv_place *place = &plan->kv_places[layer];
    return session_kv + place->at + head * place->head_bytes;
}

const char *inf_step_name(enum inf_step_op op);
const char *inf_kv_name(enum inf_kv kv); /* "f16"; "?" for a number that is none */

#endif
