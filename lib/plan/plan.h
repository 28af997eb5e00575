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
    INF_BUF_STREAM,   /* (tokens, embd) the residual stream */
    INF_BUF_BESIDE,   /* (tokens, embd) what a block reads and then writes */
    INF_BUF_APART,    /* (tokens, embd) a result that waits to be added */
    INF_BUF_ANGLES,   /* (tokens, cos and sin of the global RoPE, then of the local one) */
    INF_BUF_Q,        /* (tokens, q_size) */
    INF_BUF_K,        /* (tokens, k_size) */
    INF_BUF_V,        /* (tokens, v_size) */
    INF_BUF_ATTN,     /* (tokens, out_size) */
    INF_BUF_GATE,     /* (slots, ff) */
    INF_BUF_UP,       /* (slots, ff) */
    INF_BUF_ROUTER,   /* (tokens, experts) */
    INF_BUF_CHOICE,   /* (tokens, used) float weights, then (tokens, used) uint32 experts */
    INF_BUF_GROUPS,   /* expert lists, see cpu_experts.c */
    INF_BUF_EXPERT,   /* (slots, embd) what each chosen expert says */
    INF_BUF_INT_EMBD, /* int8 columns of embd, of out_size, of ff */
    INF_BUF_INT_OUT,
    INF_BUF_INT_FF,
    INF_BUF_LAST, /* (wanted rows, embd) */
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
    INF_STEP_LOGITS,     /* the session's logits = w[0] x in */
    INF_STEP_LOGITS_END, /* the session's logits (+ w[0]), capped */
    INF_STEP_POOL,       /* the session's embedding, from in */
    INF_STEP_BIAS,       /* in = in + w[0] */
    INF_STEP_ROPE,       /* turns `heads` heads of in */
    INF_STEP_KV_STORE,   /* K and V to the session's cache */
    INF_STEP_ATTN,       /* out = attention of in */
    INF_STEP_GLU,        /* in = f(in) * in2, or f(in) */
    INF_STEP_ADD,        /* in = in + in2 * scale */
    INF_STEP_ROUTE,      /* out = the chosen experts and their weights, from in */
    INF_STEP_GROUP,      /* out = the lists of slots by expert */
    INF_STEP_EXPERTS,    /* outs[i] = w[i] of each slot's expert x in */
    INF_STEP_COMBINE,    /* out = the weighted sum of each token's slots of in */
};

enum inf_step_rows { INF_ROWS_TOKENS, INF_ROWS_SLOTS, INF_ROWS_WANTED };

struct inf_step {
    enum inf_step_op op;
    int layer;    /* -1 outside layers */
    bool barrier; /* all threads meet after it; cleared where the next step needs the same rows */
    bool from_slots; /* EXPERTS: columns of in are slots, else tokens */
    enum inf_step_rows rows;
    enum inf_buffer in, in2, out;
    uint32_t n, heads;
    float scale;    /* EMBED, LAST, ADD */
    uint32_t count; /* of w and outs */
    const struct inf_weight *w[3];
    enum inf_buffer outs[3];
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
    struct inf_step *steps;
    size_t step_count;
    struct inf_stage *stages;
    struct inf_share *shares; /* (stages), for the pass in progress */
    size_t stage_count;
    struct inf_plan_buffer buffers[INF_BUF_COUNT];
    size_t activation_bytes, scratch_bytes; /* scratch: of one thread */
    size_t attn_scratch_at;                 /* in a thread's scratch */
    double *rope_freqs[2];                  /* (dims / 2) global, local */
    float rope_scale[2];                    /* on cos and sin */
    float *attn_temps; /* (context / attn_temp_length + 1) on queries; NULL: none */

    struct inf_kv_place *kv_places; /* (layers) */
    size_t kv_session_bytes;

    /* For the pass in progress. */
    struct inf_attn_block *blocks;           /* (batch) */
    uint32_t *positions, *want, *logit_rows; /* (batch) */
    uint8_t **row_kv;                        /* (batch) */
    _Atomic bool **cancel;                   /* (batch) */

    bool *slot_taken; /* (sessions) */

    /* Once loaded. */
    _Atomic bool loaded;
    pthread_mutex_t turn; /* evals take turns */
    struct inf_pool *pool;
    uint8_t *activations, *scratch, *kv_cache; /* pages */
    float *logits; /* pages: (sessions, logit_rows, vocab), or embeddings (sessions, embd) */
    size_t logits_bytes, kv_bytes;
};

/* The steps and buffers of plan->arch's recipe (build.c). */
infer_status inf_plan_build(struct infer_plan *plan, infer_error *err);

/* The turning speeds of RoPE, and what positions do to queries (rope.c). */
infer_status inf_plan_rope(struct infer_plan *plan, infer_error *err);

/* cos and sin of an angle in radians, the same bits on every machine. */
void inf_cos_sin(double angle, double *cosine, double *sine);

/* Offsets of all buffers, and the bytes of everything (memory.c). */
infer_status inf_plan_layout(struct infer_plan *plan, infer_error *err);

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
