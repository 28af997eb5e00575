/* The ops of recurrent layers, row by row. */
#include "kernels/ref/math_ref.h"

#include <string.h>

inf_conv_fn inf_k_conv_ref;
inf_gates_fn inf_k_gates_ref;
inf_recur_fn inf_k_recur_ref;

void inf_k_conv_ref(const struct inf_conv_args *a)
{
    size_t before = a->taps - 1;
    for (size_t c = 0; c < a->channels; c++) {
        float window[INF_CONV_TAPS]; /* the inputs that the row sees */
        for (size_t j = 0; j < before; j++)
            window[j] = a->state[j * a->state_stride + c];
        for (size_t t = 0; t < a->rows; t++) {
            float *x = a->x + t * a->x_stride + c, acc = 0.0f;
            window[before] = *x;
            for (size_t j = 0; j < a->taps; j++)
                acc = fmaf(a->weight[c * a->taps + j], window[j], acc);
            if (a->bias)
                acc += a->bias[c];
            *x = a->silu ? inf_silu_ref(acc) : acc;
            memmove(window, window + 1, before * sizeof *window);
        }
        for (size_t j = 0; j < before; j++)
            a->state[j * a->state_stride + c] = window[j];
    }
}

static float softplus(float s)
{
    float e = inf_exp_ref(-fabsf(s)), z = e / (2.0f + e), y = z * z, t = 2.0f * z;
    float h = 1.0f / 17.0f;
    for (int n = 15; n >= 3; n -= 2)
        h = fmaf(h, y, 1.0f / (float)n);
    return (s > 0.0f ? s : 0.0f) + fmaf(t * y, h, t);
}

void inf_k_gates_ref(const struct inf_gates_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        float soft = softplus(a->alpha[i] + a->bias[i]);
        a->beta[i] = a->raw ? 1.0f / (1.0f + inf_exp_ref(-a->raw[i])) : soft;
        a->g[i] = inf_exp_ref(a->a[i] * soft);
    }
}

/* The sum over i of S[i][j] * x[i]; s: the j-th lane of the first key. */
static float sum4(const float *s, const float *x, size_t keys)
{
    float p[4] = {0};
    for (size_t i = 0; i < keys; i++)
        p[i % 4] = fmaf(s[i * 16], x[i], p[i % 4]);
    return (p[0] + p[2]) + (p[1] + p[3]);
}

void inf_k_recur_ref(const struct inf_recur_args *a)
{
    for (size_t t = 0; t < a->rows; t++) {
        const float *k = a->k + t * a->x_stride, *q = a->q + t * a->x_stride;
        float g = a->g[t * a->gate_stride], beta = a->beta[t * a->gate_stride];
        for (size_t j = 0; j < a->values; j++) {
            float *s = a->state + j / 16 * a->keys * 16 + j % 16;
            float v = a->v[t * a->x_stride + j];
            float u = beta * (a->correct ? fmaf(-g, sum4(s, k, a->keys), v) : v);
            for (size_t i = 0; i < a->keys; i++)
                s[i * 16] = fmaf(k[i], u, g * s[i * 16]);
            a->out[t * a->out_stride + j] = fmaf(a->skip, v, sum4(s, q, a->keys));
        }
    }
}
