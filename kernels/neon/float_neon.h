/*
 * The matrix product of float types for NEON: four registers are the sixteen lanes of a sum. A type
 * supplies the load of four weights as floats. Two rows by two columns at a time.
 */
#ifndef INF_FLOAT_NEON_H
#define INF_FLOAT_NEON_H

#include "kernels/neon/dot_neon.h"

/* Four weights at p as floats. */
typedef float32x4_t inf_neon_load4_fn(const uint8_t *p);

struct inf_neon_lanes {
    float32x4_t quad[4]; /* lanes 4i to 4i + 3 */
};

/* The last k % 16 weights, then the tree. */
INF_NEON_INLINE float inf_neon_float_total(inf_neon_load4_fn *load4, size_t bytes,
                                           struct inf_neon_lanes s, const uint8_t *p,
                                           const float *x, size_t k)
{
    size_t rest = k % 16;
    if (rest) {
        uint8_t tail[16 * 4] = {0};
        float w[16], lanes[16];
        memcpy(tail, p + (k - rest) * bytes, rest * bytes);
        for (size_t i = 0; i < 4; i++) {
            vst1q_f32(w + 4 * i, load4(tail + 4 * i * bytes));
            vst1q_f32(lanes + 4 * i, s.quad[i]);
        }
        for (size_t i = 0; i < rest; i++)
            lanes[i] = __builtin_fmaf(w[i], x[k - rest + i], lanes[i]);
        for (size_t i = 0; i < 4; i++)
            s.quad[i] = vld1q_f32(lanes + 4 * i);
    }
    float32x4_t four = vaddq_f32(vaddq_f32(s.quad[0], s.quad[2]), vaddq_f32(s.quad[1], s.quad[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/* `rows` rows from row r on times `cols` columns from column c on; both are constants, 1 or 2. */
INF_NEON_INLINE void inf_neon_float_tile(inf_neon_load4_fn *load4, const size_t bytes,
                                         const size_t rows, const size_t cols,
                                         const struct inf_matmul_args *a, size_t r, size_t c)
{
    struct inf_neon_lanes s[2][2];
    const float *x[2];
    const uint8_t *p = a->w + r * a->row_bytes;
    INF_NEON_UNROLL
    for (size_t j = 0; j < cols; j++) {
        x[j] = a->x + (a->x_cols ? a->x_cols[c + j] : c + j) * a->x_stride;
        for (size_t i = 0; i < rows; i++)
            s[i][j].quad[0] = s[i][j].quad[1] = s[i][j].quad[2] = s[i][j].quad[3] = vdupq_n_f32(0);
    }
    for (size_t k = 0; k + 16 <= a->k; k += 16)
        INF_NEON_UNROLL
    for (size_t q = 0; q < 4; q++)
        INF_NEON_UNROLL
    for (size_t i = 0; i < rows; i++) {
        float32x4_t w = load4(p + i * a->row_bytes + (k + 4 * q) * bytes);
        INF_NEON_UNROLL
        for (size_t j = 0; j < cols; j++)
            s[i][j].quad[q] = vfmaq_f32(s[i][j].quad[q], w, vld1q_f32(x[j] + k + 4 * q));
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            inf_neon_out(a, c + j)[r + i] =
                inf_neon_float_total(load4, bytes, s[i][j], p + i * a->row_bytes, x[j], a->k);
}

INF_NEON_INLINE void inf_neon_float_rows(inf_neon_load4_fn *load4, size_t bytes, const size_t cols,
                                         const struct inf_matmul_args *a, size_t c)
{
    size_t r = 0;
    for (; r + 2 <= a->rows; r += 2)
        inf_neon_float_tile(load4, bytes, 2, cols, a, r, c);
    if (r < a->rows)
        inf_neon_float_tile(load4, bytes, 1, cols, a, r, c);
}

INF_NEON_INLINE void inf_neon_floats(inf_neon_load4_fn *load4, size_t bytes,
                                     const struct inf_matmul_args *a)
{
    size_t c = 0;
    for (; c + 2 <= a->cols; c += 2)
        inf_neon_float_rows(load4, bytes, 2, a, c);
    if (c < a->cols)
        inf_neon_float_rows(load4, bytes, 1, a, c);
}

/* The kernel of a type whose file has the function `load4`. */
#define INF_NEON_FLOATS(name, bytes)                                                               \
    inf_matmul_fn inf_k_matmul_##name##_neon;                                                      \
    void inf_k_matmul_##name##_neon(const struct inf_matmul_args *a)                               \
    {                                                                                              \
        inf_neon_floats(load4, bytes, a);                                                          \
    }

#endif
