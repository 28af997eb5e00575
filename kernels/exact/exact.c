/*
 * The arithmetic that errors are measured against (`--exact`): float activations, every sum and
 * every exp in double. The level EXACT takes the ops that it has no row for from ref.
 */
#include "kernels/ref/math_ref.h"

inf_matmul_fn inf_k_matmul_exact;
inf_rmsnorm_fn inf_k_rmsnorm_exact;
inf_layernorm_fn inf_k_layernorm_exact;
inf_glu_fn inf_k_glu_exact;
inf_softcap_fn inf_k_softcap_exact;
inf_attn_fn inf_k_attn_exact;
inf_attn_merge_fn inf_k_attn_merge_exact;
inf_conv_fn inf_k_conv_exact;
inf_gates_fn inf_k_gates_exact;
inf_recur_fn inf_k_recur_exact;

static double dot(const float *w, const float *x, size_t n)
{
    double sum[8] = {0};
    for (size_t i = 0; i < n; i++)
        sum[i % 8] += (double)w[i] * (double)x[i];
    return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

#define PART 256 /* a whole number of blocks of every type */

void inf_k_matmul_exact(const struct inf_matmul_args *a)
{
    const struct inf_type_info *type = inf_type_info(a->type);
    double *sums = (double *)(void *)a->scratch;
    size_t room = INF_MATMUL_SCRATCH / sizeof *sums;
    for (size_t c0 = 0; c0 < a->cols; c0 += room) {
        size_t cols = a->cols - c0 < room ? a->cols - c0 : room;
        for (size_t r = 0; r < a->rows; r++) {
            for (size_t c = 0; c < cols; c++)
                sums[c] = 0.0;
            for (size_t i = 0; i < a->k; i += PART) {
                float w[PART];
                size_t n = a->k - i < PART ? a->k - i : PART;
                const uint8_t *at = a->w + r * a->row_bytes + i / type->weights * type->bytes;
                inf_type_decode(type, at, n, w);
                for (size_t c = 0; c < cols; c++) {
                    size_t column = a->x_cols ? a->x_cols[c0 + c] : c0 + c;
                    sums[c] += dot(w, a->x + column * a->x_stride + i, n);
                }
            }
            for (size_t c = 0; c < cols; c++) {
                size_t column = a->out_cols ? a->out_cols[c0 + c] : c0 + c;
                a->out[column * a->out_stride + r] = (float)sums[c];
            }
        }
    }
}

void inf_k_rmsnorm_exact(const struct inf_rmsnorm_args *a)
{
    double r = 1.0 / sqrt(dot(a->x, a->x, a->n) / (double)a->n + (double)a->eps);
    for (size_t i = 0; i < a->n; i++)
        a->out[i] = (float)((double)a->x[i] * r * (double)a->weight[i]);
}

void inf_k_layernorm_exact(const struct inf_layernorm_args *a)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < a->n; i++)
        sum += (double)a->x[i];
    double mean = sum / (double)a->n;
    for (size_t i = 0; i < a->n; i++)
        squares += ((double)a->x[i] - mean) * ((double)a->x[i] - mean);
    double r = 1.0 / sqrt(squares / (double)a->n + (double)a->eps);
    for (size_t i = 0; i < a->n; i++) {
        double x = ((double)a->x[i] - mean) * r * (double)a->weight[i];
        a->out[i] = (float)(a->bias ? x + (double)a->bias[i] : x);
    }
}

static double activate(enum inf_activation activation, double x)
{
    switch (activation) {
    case INF_SILU:
        break;
    case INF_GELU_TANH:
        return x / (1.0 + exp(-1.5957691216057308 * (x + 0.044715 * x * x * x)));
    case INF_GELU_ERF:
        return 0.5 * x * erfc(-0.70710678118654752 * x);
    case INF_RELU_SQUARED:
        return x < 0.0 ? 0.0 : x * x;
    case INF_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case INF_LINEAR:
        return x;
    case INF_XIELU:
        break;
    case INF_SWIGLU_CLAMPED:
        x = x > 7.0 ? 7.0 : x;
        return x / (1.0 + exp(-1.702 * x));
    }
    return x / (1.0 + exp(-x));
}

static double xielu(const struct inf_xielu *p, double x)
{
    double m = (double)p->eps < x ? (double)p->eps : x, beta = (double)p->beta;
    if (x > 0.0)
        return (double)p->positive * x * x + beta * x;
    return (expm1(m) - x) * (double)p->negative + beta * x;
}

void inf_k_glu_exact(const struct inf_glu_args *a)
{
    for (size_t i = 0; a->activation == INF_XIELU && i < a->n; i++)
        a->out[i] = (float)xielu(a->xielu, (double)a->gate[i]);
    if (a->activation == INF_XIELU)
        return;
    for (size_t i = 0; i < a->n; i++) {
        double y = activate(a->activation, (double)a->gate[i]), up = a->up ? (double)a->up[i] : 1.0;
        if (a->activation == INF_SWIGLU_CLAMPED)
            up = (up > 7.0 ? 7.0 : up < -7.0 ? -7.0 : up) + 1.0;
        a->out[i] = (float)(a->up ? y * up : y);
    }
}

void inf_k_softcap_exact(const struct inf_softcap_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        double x = (double)a->x[i], cap = (double)a->cap;
        a->x[i] = (float)(cap * tanh(x / cap) + (x - x));
    }
}

static void attend_row(const struct inf_attn_args *a, size_t r)
{
    const float *q = a->q + r * a->q_stride;
    float *score = a->scratch, *acc = a->acc + r * a->acc_stride;
    size_t first = a->first[r], end = a->end[r];
    double sum = 0.0;
    a->most[r] = -INFINITY;
    for (size_t p = first; p < end; p++) {
        double s = 0.0;
        for (size_t d = 0; d < a->k_size; d++)
            s += (double)inf_k_number(a->kv, a->k_tile, a->k_size, p, d) * (double)q[d];
        score[p] = (float)(a->cap > 0.0f ? (double)a->cap * tanh(s / (double)a->cap) : s);
        a->most[r] = !(score[p] <= a->most[r]) ? score[p] : a->most[r];
    }
    for (size_t p = first; p < end; p++) {
        score[p] = (float)exp((double)score[p] - (double)a->most[r]);
        sum += (double)score[p];
    }
    a->sum[r] = (float)sum;
    for (size_t d = 0; d < a->v_size; d++) {
        double total = 0.0;
        for (size_t p = first; p < end; p++)
            total += (double)score[p] *
                     (double)(a->v_tile ? inf_v_number(a->kv, a->v_tile, a->v_size, p, d)
                                        : inf_k_number(a->kv, a->k_tile, a->k_size, p, d));
        acc[d] = (float)total;
    }
}

void inf_k_attn_exact(const struct inf_attn_args *a)
{
    for (size_t r = 0; r < a->rows; r++)
        attend_row(a, r);
}

void inf_k_attn_merge_exact(const struct inf_attn_merge_args *a)
{
    if (a->sum_t == 0.0f)
        return;
    bool first = *a->sum == 0.0f; /* then *most says nothing */
    double m = (double)(!first && *a->most > a->most_t ? *a->most : a->most_t);
    double old = first ? 0.0 : exp((double)*a->most - m);
    double new = exp((double)a->most_t - m);
    *a->most = (float)m;
    *a->sum = (float)((double)*a->sum * old + (double)a->sum_t * new);
    for (size_t d = 0; d < a->v_size; d++)
        a->acc[d] = (float)((double)a->acc[d] * old + (double)a->acc_t[d] * new);
}

void inf_k_conv_exact(const struct inf_conv_args *a)
{
    size_t before = a->taps - 1;
    for (size_t c = 0; c < a->channels; c++) {
        float window[INF_CONV_TAPS];
        for (size_t j = 0; j < before; j++)
            window[j] = a->state[j * a->state_stride + c];
        for (size_t t = 0; t < a->rows; t++) {
            float *x = a->x + t * a->x_stride + c;
            double acc = a->bias ? (double)a->bias[c] : 0.0;
            window[before] = *x;
            for (size_t j = 0; j < a->taps; j++)
                acc += (double)a->weight[c * a->taps + j] * (double)window[j];
            *x = (float)(a->silu ? activate(INF_SILU, acc) : acc);
            for (size_t j = 0; j < before; j++)
                window[j] = window[j + 1];
        }
        for (size_t j = 0; j < before; j++)
            a->state[j * a->state_stride + c] = window[j];
    }
}

void inf_k_gates_exact(const struct inf_gates_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        double s = (double)a->alpha[i] + (double)a->bias[i];
        double soft = fmax(s, 0.0) + log1p(exp(-fabs(s)));
        a->beta[i] = (float)(a->raw ? activate(INF_SIGMOID, (double)a->raw[i]) : soft);
        a->g[i] = (float)exp((double)a->a[i] * soft);
    }
}

/* The state itself is kept as float. */
void inf_k_recur_exact(const struct inf_recur_args *a)
{
    for (size_t t = 0; t < a->rows; t++) {
        const float *k = a->k + t * a->x_stride, *q = a->q + t * a->x_stride;
        double g = (double)a->g[t * a->gate_stride], beta = (double)a->beta[t * a->gate_stride];
        for (size_t j = 0; j < a->values; j++) {
            float *s = a->state + j / 16 * a->keys * 16 + j % 16;
            double v = (double)a->v[t * a->x_stride + j], known = 0.0, out = 0.0;
            for (size_t i = 0; a->correct && i < a->keys; i++)
                known += (double)s[i * 16] * (double)k[i];
            double u = beta * (v - g * known);
            for (size_t i = 0; i < a->keys; i++) {
                double next = g * (double)s[i * 16] + (double)k[i] * u;
                s[i * 16] = (float)next;
                out += next * (double)q[i];
            }
            a->out[t * a->out_stride + j] = (float)(out + (double)a->skip * v);
        }
    }
}
