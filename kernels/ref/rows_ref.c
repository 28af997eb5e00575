/* Norm, RoPE and gated activation on rows of floats. */
#include "kernels/ref/math_ref.h"

void inf_k_rmsnorm_ref(const struct inf_rmsnorm_args *a);
void inf_k_rope_ref(const struct inf_rope_args *a);
void inf_k_glu_ref(const struct inf_glu_args *a);
void inf_k_layernorm_ref(const struct inf_layernorm_args *a);
void inf_k_softcap_ref(const struct inf_softcap_args *a);

void inf_k_rmsnorm_ref(const struct inf_rmsnorm_args *a)
{
    float s[16] = {0};
    for (size_t i = 0; i < a->n; i++)
        s[i % 16] = fmaf(a->x[i], a->x[i], s[i % 16]);
    float r = 1.0f / sqrtf(inf_lanes_total(s) / (float)a->n + a->eps);
    for (size_t i = 0; i < a->n; i++)
        a->out[i] = a->x[i] * r * a->weight[i];
}

void inf_k_layernorm_ref(const struct inf_layernorm_args *a)
{
    float s[16] = {0}, v[16] = {0};
    for (size_t i = 0; i < a->n; i++)
        s[i % 16] += a->x[i];
    float mean = inf_lanes_total(s) / (float)a->n;
    for (size_t i = 0; i < a->n; i++) {
        float d = a->x[i] - mean;
        v[i % 16] = fmaf(d, d, v[i % 16]);
    }
    float r = 1.0f / sqrtf(inf_lanes_total(v) / (float)a->n + a->eps);
    for (size_t i = 0; i < a->n; i++) {
        float x = (a->x[i] - mean) * r;
        a->out[i] = a->bias ? fmaf(x, a->weight[i], a->bias[i]) : x * a->weight[i];
    }
}

void inf_k_rope_ref(const struct inf_rope_args *a)
{
    for (size_t h = 0; h < a->heads; h++) {
        float *head = a->x + h * a->head_size;
        for (size_t i = 0; i < a->half; i++) {
            float *first = a->adjacent ? head + 2 * i : head + i;
            float *second = a->adjacent ? first + 1 : first + a->half;
            float x = *first, y = *second;
            *first = fmaf(x, a->cos[i], -(y * a->sin[i]));
            *second = fmaf(x, a->sin[i], y * a->cos[i]);
        }
    }
}

static float gelu_erf(float x)
{
    float a = x < 0.0f ? -x : x, t = 0.70710678f * a, k = 1.0f / fmaf(0.3275911f, t, 1.0f);
    float p = INF_ERFC_C5;
    p = fmaf(p, k, INF_ERFC_C4);
    p = fmaf(p, k, INF_ERFC_C3);
    p = fmaf(p, k, INF_ERFC_C2);
    p = fmaf(p, k, INF_ERFC_C1) * k;
    return (x < 0.0f ? 0.0f : x) - 0.5f * a * (p * inf_exp_ref(-(t * t)));
}

static float activate(enum inf_activation activation, float x)
{
    float m = x < 0.0f ? 0.0f : x;
    switch (activation) {
    case INF_SILU:
        break;
    case INF_GELU_TANH:
        return x / (1.0f + inf_exp_ref(-1.5957691216f * fmaf(0.044715f * (x * x), x, x)));
    case INF_GELU_ERF:
        return gelu_erf(x);
    case INF_RELU_SQUARED:
        return m * m;
    case INF_SIGMOID:
        return 1.0f / (1.0f + inf_exp_ref(-x));
    case INF_LINEAR:
        return x;
    case INF_XIELU:
        break;
    case INF_SWIGLU_CLAMPED:
        x = INF_SWIGLU_LIMIT < x ? INF_SWIGLU_LIMIT : x;
        return x / (1.0f + inf_exp_ref(-INF_SWIGLU_ALPHA * x));
    }
    return inf_silu_ref(x);
}

static float xielu(const struct inf_xielu *p, float x)
{
    if (x > 0.0f)
        return fmaf(p->positive * x, x, p->beta * x);
    float m = p->eps < x ? p->eps : x;
    return fmaf(inf_exp_ref(m) - 1.0f - x, p->negative, p->beta * x);
}

void inf_k_glu_ref(const struct inf_glu_args *a)
{
    for (size_t i = 0; a->activation == INF_XIELU && i < a->n; i++)
        a->out[i] = xielu(a->xielu, a->gate[i]);
    if (a->activation == INF_XIELU)
        return;
    for (size_t i = 0; i < a->n; i++) {
        float y = activate(a->activation, a->gate[i]), up = a->up ? a->up[i] : 1.0f;
        if (a->activation == INF_SWIGLU_CLAMPED) {
            up = INF_SWIGLU_LIMIT < up ? INF_SWIGLU_LIMIT : up;
            up = (up < -INF_SWIGLU_LIMIT ? -INF_SWIGLU_LIMIT : up) + 1.0f;
        }
        a->out[i] = a->up ? y * up : y;
    }
}

void inf_k_softcap_ref(const struct inf_softcap_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        float x = a->x[i];
        a->x[i] = inf_soft_cap_ref(x, a->cap) + (x - x);
    }
}
