/* The recurrent layers of the plain engine, by their definitions: token by token, a state a head. */
#ifndef PLAIN_RECURRENT_H
#define PLAIN_RECURRENT_H

#include "tests/golden/plain.h"

static inline double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static inline double softplus(double x)
{
    return log(1.0 + exp(x));
}

/* For every token `rows` results of the matrix `what`. */
static inline double *made(struct run *r, uint32_t layer, const char *what, uint64_t rows,
                           const struct rows *in)
{
    double *out = calloc(TOKENS * rows, sizeof *out);
    linear(r, layer, what, 0, rows, in->at[0], MOST_EMBD, out, rows);
    return out;
}

/* Channels of x, along the tokens and in place. */
static inline void convolve(struct run *r, uint32_t layer, double *x, uint64_t stride,
                            uint64_t channels, bool silu)
{
    uint64_t shape[2] = {0}, none[2];
    double *w = in_layer(r, layer, "ssm_conv1d.weight", shape);
    double *bias = in_layer(r, layer, "ssm_conv1d.bias", none);
    uint64_t taps = shape[0], first = hit(r, NO_PAST) ? taps - 1 : 0;
    for (uint64_t c = 0; c < channels; c++)
        for (uint64_t t = TOKENS; t-- > 0;) {
            double sum = bias && !hit(r, NO_BIAS) ? bias[c] : 0.0;
            for (uint64_t j = first; j < taps; j++)
                if (t + j + 1 >= taps)
                    sum += w[c * taps + j] * x[(t + j + 1 - taps) * stride + c];
            x[t * stride + c] = silu ? sum * sigmoid(sum) : sum;
        }
    free(w);
    free(bias);
}

struct head {
    const double *k, *q, *v;       /* of token 0; `stride` to the next */
    uint64_t stride, keys, values; /* the state is (keys, values) */
    double g[TOKENS], beta[TOKENS], skip;
    bool correct;
    double *out; /* of token 0; `out_stride` to the next */
    uint64_t out_stride;
};

static inline void recur(struct run *r, const struct head *h)
{
    double *s = calloc(h->keys * h->values, sizeof *s);
    double skip = h->skip != 0.0 && hit(r, NO_SKIP) ? 0.0 : h->skip;
    bool correct = h->correct && !hit(r, NO_CORRECTION), forget = !hit(r, NO_FORGETTING);
    for (uint64_t t = 0; t < TOKENS; t++) {
        const double *k = h->k + t * h->stride, *q = h->q + t * h->stride;
        for (uint64_t j = 0; j < h->values; j++) {
            double v = h->v[t * h->stride + j], known = 0.0, out = skip * v;
            for (uint64_t i = 0; i < h->keys; i++) {
                s[i * h->values + j] *= forget ? h->g[t] : 1.0;
                known += s[i * h->values + j] * k[i];
            }
            for (uint64_t i = 0; i < h->keys; i++) {
                s[i * h->values + j] += k[i] * h->beta[t] * (correct ? v - known : v);
                out += s[i * h->values + j] * q[i];
            }
            h->out[t * h->out_stride + j] = out;
        }
    }
    free(s);
}

/* Keys and queries of length 1, queries over the root of their size. */
static inline void set_lengths(struct run *r, double *x, uint64_t groups, uint64_t keys)
{
    double longer = hit(r, NO_LENGTHS) ? 1.1 : 1.0;
    for (uint64_t g = 0; g < 2 * groups; g++, x += keys) {
        double squares = 1e-6;
        for (uint64_t i = 0; i < keys; i++)
            squares += x[i] * x[i];
        for (uint64_t i = 0; i < keys; i++)
            x[i] *= longer / sqrt(g < groups ? squares * (double)keys : squares);
    }
}

static inline uint64_t key_head(struct run *r, uint64_t head)
{
    const struct tiny_kind *k = r->kind;
    bool tiled = r->is->tiled;
    if (k->r_groups > 1 && hit(r, OTHER_KEY_HEADS))
        tiled = !tiled;
    return tiled ? head % k->r_groups : head / (k->r_heads / k->r_groups);
}

/* What leaves a layer: y, gated by z (`stride` to the next token's) before or after its norm. */
static inline void leave(struct run *r, uint32_t layer, double *y, const double *z, uint64_t stride,
                         bool norm_first, struct rows *out)
{
    uint64_t n = (uint64_t)r->kind->r_heads * r->kind->values;
    for (uint64_t t = 0; t < TOKENS; t++) {
        if (norm_first)
            layer_norm(r, layer, "ssm_norm", y + t * n, n);
        for (uint64_t i = 0; i < n && !hit(r, NO_GATE); i++)
            y[t * n + i] *= z[t * stride + i] * sigmoid(z[t * stride + i]);
        if (!norm_first)
            layer_norm(r, layer, "ssm_norm", y + t * n, n);
    }
    linear(r, layer, "ssm_out", 0, r->embd, y, n, out->at[0], MOST_EMBD);
}

/* Yang, Kautz and Hatamizadeh, "Gated Delta Networks" (2024). */
static inline void gated_delta(struct run *r, uint32_t layer, const struct rows *in,
                               struct rows *out)
{
    const struct tiny_kind *k = r->kind;
    uint64_t all = (uint64_t)k->r_groups * k->keys, n = (uint64_t)k->r_heads * k->values;
    uint64_t channels = 2 * all + n, shape[2];
    double *x = made(r, layer, "attn_qkv", channels, in), *z = made(r, layer, "attn_gate", n, in);
    double *alpha = made(r, layer, "ssm_alpha", k->r_heads, in);
    double *raw = made(r, layer, "ssm_beta", k->r_heads, in);
    double *bias = in_layer(r, layer, "ssm_dt.bias", shape),
           *a = in_layer(r, layer, "ssm_a", shape);
    double *y = calloc(TOKENS * n, sizeof *y);
    convolve(r, layer, x, channels, channels, true);
    for (uint64_t t = 0; t < TOKENS; t++)
        set_lengths(r, x + t * channels, k->r_groups, k->keys);
    for (uint64_t h = 0; h < k->r_heads; h++) {
        struct head head = {.stride = channels,
                            .keys = k->keys,
                            .values = k->values,
                            .correct = true,
                            .out_stride = n};
        head.q = x + key_head(r, h) * k->keys;
        head.k = head.q + all;
        head.v = x + 2 * all + h * k->values;
        head.out = y + h * k->values;
        for (uint64_t t = 0; t < TOKENS; t++) {
            head.g[t] = exp(a[h] * softplus(alpha[t * k->r_heads + h] + bias[h]));
            head.beta[t] = sigmoid(raw[t * k->r_heads + h]);
        }
        recur(r, &head);
    }
    leave(r, layer, y, z, n, true, out);
    double *const spent[] = {x, z, alpha, raw, bias, a, y};
    for (size_t i = 0; i < sizeof spent / sizeof *spent; i++)
        free(spent[i]);
}

/* Dao and Gu, "Transformers are SSMs" (2024). A row: the gate, values, keys, queries, time steps. */
static inline void mamba(struct run *r, uint32_t layer, const struct rows *in, struct rows *out)
{
    const struct tiny_kind *k = r->kind;
    uint64_t all = (uint64_t)k->r_groups * k->keys, n = (uint64_t)k->r_heads * k->values;
    uint64_t channels = n + 2 * all, width = n + channels + k->r_heads, shape[2];
    double *x = made(r, layer, "attn_qkv", width, in), *d = in_layer(r, layer, "ssm_d", shape);
    double *bias = in_layer(r, layer, "ssm_dt.bias", shape),
           *a = in_layer(r, layer, "ssm_a", shape);
    double *y = calloc(TOKENS * n, sizeof *y);
    convolve(r, layer, x + n, width, channels, true);
    for (uint64_t h = 0; h < k->r_heads; h++) {
        struct head head = {
            .stride = width, .keys = k->keys, .values = k->values, .skip = d[h], .out_stride = n};
        head.v = x + n + h * k->values;
        head.k = x + 2 * n + key_head(r, h) * k->keys;
        head.q = head.k + all;
        head.out = y + h * k->values;
        for (uint64_t t = 0; t < TOKENS; t++) {
            head.beta[t] = softplus(x[t * width + n + channels + h] + bias[h]);
            head.g[t] = exp(a[h] * head.beta[t]);
        }
        recur(r, &head);
    }
    leave(r, layer, y, x, width, false, out);
    double *const spent[] = {x, d, bias, a, y};
    for (size_t i = 0; i < sizeof spent / sizeof *spent; i++)
        free(spent[i]);
}

/* Rows b, c, x: c * convolution of (b * x). */
static inline void short_conv(struct run *r, uint32_t layer, const struct rows *in,
                              struct rows *out)
{
    uint64_t n = r->embd;
    double *x = made(r, layer, "attn_qkv", 3 * n, in);
    for (uint64_t t = 0; t < TOKENS; t++)
        for (uint64_t i = 0; i < n; i++)
            x[(3 * t + 2) * n + i] *= x[3 * t * n + i];
    convolve(r, layer, x + 2 * n, 3 * n, n, false);
    for (uint64_t t = 0; t < TOKENS; t++)
        for (uint64_t i = 0; i < n && !hit(r, NO_GATE); i++)
            x[(3 * t + 2) * n + i] *= x[(3 * t + 1) * n + i];
    linear(r, layer, "ssm_out", 0, n, x + 2 * n, 3 * n, out->at[0], MOST_EMBD);
    free(x);
}

static inline void recurrence(struct run *r, uint32_t layer, const struct rows *in,
                              struct rows *out)
{
    if (r->is->mixer == SHORT_CONV)
        short_conv(r, layer, in, out);
    else if (r->is->mixer == DELTA)
        gated_delta(r, layer, in, out);
    else
        mamba(r, layer, in, out);
}

#endif
