/*
 * The plain engine of check_exact, in double precision: what an architecture is, what may be taken out of
 * it, how tensors are read, and the pieces that its halves share.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "formats/gguf.h"
#include "tests/tiny/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS 48
#define MOST_EMBD 256
#define PI 3.14159265358979323846

/* ---- What each architecture is ------------------------------------------------------------ */

enum order { PRE, SANDWICH, POST, PARALLEL, ENCODER, SINGLE };
enum turning { ALL, NONE, WINDOWED_ONLY, NOT_EVERY_4TH };
enum act { SILU, GELU, GELU_ERF, RELU2, XIELU };

enum mixer { ATTENTION, SHORT_CONV, DELTA, MAMBA }; /* of layers that do not attend */

struct model {
    const char *arch;
    enum order order;
    enum turning turning;
    enum act act;
    bool mean_norm; /* LayerNorm */
    bool two_way;   /* a window reaches as far forward as back */
    bool adjacent, embd_by_sqrt, divide_logits;
    bool window_unscaled;   /* windowed layers turn by the base alone */
    uint32_t global_period; /* every so many layers, the last, sees all */
    double local_base;
    const char *ffn_norm, *output_norm; /* their names, where they are others */
    enum mixer mixer;
    bool tiled; /* value head h belongs to key head h mod their number */
};

/* What may be taken out of the plain engine. */
enum fault {
    SOUND,
    OTHER_BASE,
    OTHER_EPS,
    OTHER_ACT,
    OTHER_PAIRS,
    WHOLE_HEAD_TURNS,
    ALL_TURN,
    NO_WINDOW,
    WINDOW_OFF_BY_ONE,
    WINDOWS_EVERYWHERE,
    NO_SCORE_CAP,
    NO_LOGIT_CAP,
    NO_EMBD_SCALE,
    NO_SUM_SCALE,
    NO_LOGIT_SCALE,
    USUAL_SCORE_SCALE,
    NO_MEAN,
    NO_BIAS,
    NO_QK_NORM,
    NO_FACTORS,
    SHORT_FACTORS,
    NO_SCALING,
    NO_MAGNITUDE,
    NO_TEMPERATURE,
    NO_POSITIONS,
    NO_TYPES,
    ONE_WAY,
    OTHER_POOLING,
    NO_PAST,
    NO_FORGETTING,
    NO_CORRECTION,
    NO_LENGTHS,
    NO_SKIP,
    NO_GATE,
    OTHER_KEY_HEADS,
    FAULTS
};

struct rows {
    double at[TOKENS][MOST_EMBD];
};

struct run {
    const struct inf_gguf *file;
    const struct model *is;
    const struct tiny_kind *kind;
    enum fault fault;
    bool met; /* the fault has something to take away here */
    uint32_t embd, heads, layers, dims, window;
    uint32_t layer; /* in progress */
    double eps, base;
};

static inline bool hit(struct run *r, enum fault fault)
{
    bool here = r->fault == fault;
    r->met |= here;
    return here;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static inline double *floats(const struct run *r, const char *name, uint64_t shape[2])
{
    const struct inf_gguf_tensor *t = inf_gguf_tensor(r->file, name);
    if (!t)
        return NULL;
    double *out = malloc(t->elements * sizeof *out);
    for (uint64_t i = 0; i < t->elements; i++) {
        float x;
        memcpy(&x, t->data + 4 * i, 4);
        out[i] = (double)x;
    }
    shape[0] = t->shape[0];
    shape[1] = t->shape[1];
    return out;
}

static inline double *in_layer(const struct run *r, uint32_t layer, const char *what,
                               uint64_t shape[2])
{
    char name[96];
    snprintf(name, sizeof name, "blk.%u.%.64s", layer, what);
    return floats(r, name, shape);
}

static inline double number(const struct run *r, const char *what, double otherwise)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", r->kind->arch, what);
    double value = otherwise;
    inf_gguf_get_float(r->file, name, &value, NULL);
    return value;
}

static inline uint32_t integer(const struct run *r, const char *what)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", r->kind->arch, what);
    uint64_t value = 0;
    inf_gguf_get_uint(r->file, name, 0, UINT32_MAX, &value, NULL);
    return (uint32_t)value;
}

/* ---- Pieces -------------------------------------------------------------------------------- */

/* out (rows) = w (rows, k) x */
static inline void product(const double *w, const double *x, double *out, uint64_t k, uint64_t rows)
{
    for (uint64_t row = 0; row < rows; row++) {
        double sum[4] = {0}; /* k is a multiple of 4 */
        for (uint64_t i = 0; i < k; i++)
            sum[i % 4] += w[row * k + i] * x[i];
        out[row] = sum[0] + sum[1] + sum[2] + sum[3];
    }
}

static inline void norm(struct run *r, double *x, uint64_t n, const double *weight,
                        const double *bias)
{
    double mean = 0.0, squares = 0.0;
    for (uint64_t i = 0; r->is->mean_norm && i < n; i++)
        mean += x[i] / (double)n;
    if (r->is->mean_norm && hit(r, NO_MEAN))
        mean = 0.0;
    for (uint64_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean) / (double)n;
    double eps = hit(r, OTHER_EPS) ? 1e-5 : r->eps;
    for (uint64_t i = 0; i < n; i++) {
        x[i] = (x[i] - mean) / sqrt(squares + eps) * weight[i];
        if (bias && !hit(r, NO_BIAS))
            x[i] += bias[i];
    }
}

/* A norm by name, of n numbers or of pieces of them; false where the file has none. */
static inline bool named_norm(struct run *r, const char *prefix, double *x, uint64_t n)
{
    char name[128];
    uint64_t shape[2], none[2];
    snprintf(name, sizeof name, "%s.weight", prefix);
    double *weight = floats(r, name, shape);
    if (!weight)
        return false;
    snprintf(name, sizeof name, "%s.bias", prefix);
    double *bias = floats(r, name, none);
    for (uint64_t at = 0; at < n; at += shape[0])
        norm(r, x + at, shape[0], weight + (shape[1] > 1 ? at : 0), bias);
    free(weight);
    free(bias);
    return true;
}

static inline bool has(const struct run *r, uint32_t layer, const char *what)
{
    char name[96];
    snprintf(name, sizeof name, "blk.%u.%s.weight", layer, what);
    return inf_gguf_tensor(r->file, name) != NULL;
}

static inline bool layer_norm(struct run *r, uint32_t layer, const char *what, double *x,
                              uint64_t n)
{
    char name[96];
    snprintf(name, sizeof name, "blk.%u.%s", layer, what);
    return named_norm(r, name, x, n);
}

/* For every token out (rows) = rows [first, first + rows) of the matrix `what` times its in (k), and
 * the same rows of the bias. */
static inline void linear(struct run *r, uint32_t layer, const char *what, uint64_t first,
                          uint64_t rows, const double *in, size_t in_stride, double *out,
                          size_t out_stride)
{
    char name[64];
    uint64_t shape[2] = {0}, none[2];
    snprintf(name, sizeof name, "%.50s.weight", what);
    double *w = in_layer(r, layer, name, shape);
    snprintf(name, sizeof name, "%.50s.bias", what);
    double *bias = in_layer(r, layer, name, none);
    for (size_t t = 0; t < TOKENS; t++) {
        product(w + first * shape[0], in + t * in_stride, out + t * out_stride, shape[0], rows);
        for (uint64_t i = 0; bias && i < rows && !hit(r, NO_BIAS); i++)
            out[t * out_stride + i] += bias[first + i];
    }
    free(w);
    free(bias);
}

#endif
