/* Norm, RoPE and gated activation on rows of floats. */
#include "kernels/ref/math_ref.h"

void inf_k_rmsnorm_ref(const struct inf_rmsnorm_args *a);
void inf_k_rope_ref(const struct inf_rope_args *a);
void inf_k_glu_ref(const struct inf_glu_args *a);

void inf_k_rmsnorm_ref(const struct inf_rmsnorm_args *a)
{
    float s[16] = {0};
    for (size_t i = 0; i < a->n; i++)
        s[i % 16] = fmaf(a->x[i], a->x[i], s[i % 16]);
    float r = 1.0f / sqrtf(inf_lanes_total(s) / (float)a->n + a->eps);
    for (size_t i = 0; i < a->n; i++)
        a->out[i] = a->x[i] * r * a->weight[i];
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

static float activate(enum inf_activation activation, float x)
{
    switch (activation) {
    case INF_SILU:
        return inf_silu_ref(x);
    case INF_GELU_TANH:
        return x / (1.0f + inf_exp_ref(-1.5957691216f * fmaf(0.044715f * (x * x), x, x)));
    case INF_SIGMOID:
        return 1.0f / (1.0f + inf_exp_ref(-x));
    case INF_RELU:
        return x > 0.0f ? x : x != x ? x : 0.0f;
    case INF_LINEAR:
        break;
    }
    return x;
}

void inf_k_glu_ref(const struct inf_glu_args *a)
{
    for (size_t i = 0; i < a->n; i++)
        a->out[i] = activate(a->activation, a->gate[i]) * a->up[i];
}
