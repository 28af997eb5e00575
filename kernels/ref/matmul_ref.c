/* The matrix product of every weight type, as kernel.h states it. */
#include "kernels/ref/math_ref.h"

/* What one column needs to meet a row of blocks. */
struct column {
    const int8_t *q;
    const uint8_t *base;
    size_t k;
};

static float acts_float(const struct column *x, size_t at, size_t index)
{
    return inf_float_from_bits(inf_load_u32(x->base + at + 4 * index));
}

static int32_t sum_of_products(const int8_t *q, const int8_t *x, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += q[i] * x[i];
    return sum;
}

/* The minimum of a 256: -dmin * m_j for each of its sub-blocks. */
static float add_min256(float acc, const struct inf_ints *b, const struct column *x, size_t super,
                        size_t sub)
{
    size_t n = 256 / sub, at = sub == 32 ? inf_acts_xm32_at(x->k) : inf_acts_xm16_at(x->k);
    int32_t m = 0;
    for (size_t j = 0; j < n; j++)
        m += b->m[j] * (int16_t)inf_load_u16(x->base + at + 2 * (super * n + j));
    at = sub == 32 ? inf_acts_mscale32_at(x->k) : inf_acts_mscale16_at(x->k);
    return fmaf(-(float)m, b->dmin * acts_float(x, at, super), acc);
}

static float add_block(float acc, const struct inf_type_info *type, const struct inf_ints *b,
                       const struct column *x, size_t start)
{
    static const int8_t ones[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    size_t sub = inf_type_sub(type);
    for (size_t i = 0; i < type->weights; i += sub) {
        const int8_t *q = x->q + start + i;
        float xscale = acts_float(x, inf_acts_scale_at(x->k), (start + i) / 32);
        int32_t s = sum_of_products(b->q + i, q, sub);
        acc = fmaf((float)s, b->scale[i / sub] * xscale, acc);
        if (type->form == INF_FORM_S32_MIN)
            acc = fmaf((float)sum_of_products(ones, q, 32), b->min[i / 32] * xscale, acc);
    }
    if (type->form == INF_FORM_S32_MIN256 || type->form == INF_FORM_S16_MIN256)
        acc = add_min256(acc, b, x, start / 256, sub);
    return acc;
}

static float *out_at(const struct inf_matmul_args *a, size_t c, size_t r)
{
    return a->out + (a->out_cols ? a->out_cols[c] : c) * a->out_stride + r;
}

static void blocks(const struct inf_matmul_args *a, const struct inf_type_info *type)
{
    for (size_t r = 0; r < a->rows; r++) {
        for (size_t c = 0; c < a->cols; c++)
            *out_at(a, c, r) = 0.0f;
        for (size_t i = 0; i < a->k; i += type->weights) {
            struct inf_ints b;
            type->ints(a->w + r * a->row_bytes + i / type->weights * type->bytes, &b);
            for (size_t c = 0; c < a->cols; c++) {
                const uint8_t *base =
                    a->acts + (a->x_cols ? a->x_cols[c] : c) * inf_acts_stride(a->k);
                struct column x = {(const int8_t *)base, base, a->k};
                *out_at(a, c, r) = add_block(*out_at(a, c, r), type, &b, &x, i);
            }
        }
    }
}

static void floats(const struct inf_matmul_args *a, const struct inf_type_info *type)
{
    for (size_t r = 0; r < a->rows; r++) {
        const uint8_t *row = a->w + r * a->row_bytes;
        for (size_t c = 0; c < a->cols; c++) {
            const float *x = a->x + (a->x_cols ? a->x_cols[c] : c) * a->x_stride;
            float s[16] = {0}, w[16];
            for (size_t i = 0; i < a->k; i += 16) {
                size_t n = a->k - i < 16 ? a->k - i : 16;
                type->floats(row + i * type->bytes, n, w);
                for (size_t lane = 0; lane < n; lane++)
                    s[lane] = fmaf(w[lane], x[i + lane], s[lane]);
            }
            *out_at(a, c, r) = inf_lanes_total(s);
        }
    }
}

void inf_k_matmul_ref(const struct inf_matmul_args *a);

void inf_k_matmul_ref(const struct inf_matmul_args *a)
{
    const struct inf_type_info *type = inf_type_info(a->type);
    if (type->form == INF_FORM_FLOAT)
        floats(a, type);
    else
        blocks(a, type);
}
