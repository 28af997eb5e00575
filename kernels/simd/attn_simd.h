/*
 * Attention over a v16. Include a level's v16 header first.
 *
 * Rows go in blocks of up to V16_ROWS, so that each number of K and V is converted once a block.
 * Scores: lanes are positions, `wide` groups of 16 at once. Values: lanes are d, `wide` vectors of
 * them at once, positions in the inner loop. `rows` and `wide` are constants wherever these inline,
 * and rows * wide sums stay in registers.
 */
#ifndef INF_ATTN_SIMD_H
#define INF_ATTN_SIMD_H

#include "kernels/simd/exp_simd.h"
#include "kernels/simd/kv_simd.h"

#define ATTN_WIDE_MAX 4

/* Scores of rows (q) against `wide` groups of K, to score (rows, INF_ATTN_TILE). */
SIMD_INLINE void attn_scores(const struct inf_attn_args *a, enum inf_kv kv, size_t rows,
                             size_t wide, const float *q, const uint8_t *k, float *score)
{
    size_t head_size = a->head_size, stride = a->q_stride;
    size_t group = 16 * inf_kv_row_bytes(kv, head_size), width = kv_width(kv);
    size_t step = kv == INF_KV_Q8_0 ? 32 : head_size; /* numbers of one scale */
    v16 acc[V16_ROWS][ATTN_WIDE_MAX], scale[ATTN_WIDE_MAX], number[ATTN_WIDE_MAX];
    for (size_t r = 0; r < rows; r++)
        for (size_t w = 0; w < wide; w++)
            acc[r][w] = v16_set(0.0f);
    for (size_t block = 0; block < head_size; block += step) {
        if (kv == INF_KV_Q8_0)
            for (size_t w = 0; w < wide; w++)
                scale[w] = v16_half(k + w * group + head_size * 16 + block);
        for (size_t d = block; d < block + step; d++) {
            for (size_t w = 0; w < wide; w++) {
                number[w] = kv_load(kv, k + w * group + d * 16 * width);
                if (kv == INF_KV_Q8_0)
                    number[w] = v16_mul(number[w], scale[w]);
            }
            for (size_t r = 0; r < rows; r++) {
                v16 query = v16_set(q[r * stride + d]);
                for (size_t w = 0; w < wide; w++)
                    acc[r][w] = v16_fma(number[w], query, acc[r][w]);
            }
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t w = 0; w < wide; w++)
            v16_store(score + r * INF_ATTN_TILE + w * 16, acc[r][w]);
}

/* Scores of one row to weights, in place; what stands in the groups of its ends and is not allowed
 * gets weight 0. */
static inline void attn_softmax(const struct inf_attn_args *a, size_t r, float *score)
{
    size_t first = a->first[r], end = a->end[r];
    size_t from = first / 16 * 16, to = (end + 15) / 16 * 16;
    v16 lowest = v16_set(-INFINITY), most = lowest, sum = v16_set(0.0f);
    v16_store(score + from, v16_keep(v16_load(score + from), first - from, 16, lowest));
    v16_store(score + to - 16, v16_keep(v16_load(score + to - 16), 0, end - (to - 16), lowest));
    for (size_t p = from; p < to; p += 16)
        most = v16_max(v16_load(score + p), most);
    a->most[r] = v16_largest(most) + 0.0f;
    most = v16_set(a->most[r]);
    for (size_t p = from; p < to; p += 16) {
        v16 weight = exp_below_v16(v16_sub(v16_load(score + p), most));
        v16_store(score + p, weight);
        sum = v16_add(sum, weight);
    }
    a->sum[r] = v16_total(sum);
}

/* acc[r][d ...] += weight[r][p] * V[p][d ...] over from <= p < to, in `wide` vectors, or in the
 * eight numbers of a half one (wide 0). */
SIMD_INLINE void attn_values_at(const struct inf_attn_args *a, enum inf_kv kv, size_t rows,
                                size_t wide, size_t d, const float *weight, size_t from, size_t to,
                                float *out)
{
    size_t row_bytes = inf_kv_row_bytes(kv, a->head_size), width = kv_width(kv);
    size_t vectors = wide ? wide : 1;
    const uint8_t *v = a->v_tile + from * row_bytes + d * width;
    const uint8_t *scales = a->v_tile + from * row_bytes + a->head_size + d / 32 * 2;
    v16 acc[V16_ROWS][ATTN_WIDE_MAX], number[ATTN_WIDE_MAX], scale = v16_set(0.0f);
    for (size_t r = 0; r < rows; r++)
        for (size_t w = 0; w < vectors; w++) {
            const float *at = out + r * a->acc_stride + w * 16;
            acc[r][w] = wide ? v16_load(at) : v16_load_part(at, 8);
        }
    for (size_t p = from; p < to; p++, v += row_bytes, scales += row_bytes) {
        for (size_t w = 0; w < vectors; w++) {
            number[w] = wide ? kv_load(kv, v + w * 16 * width) : kv_load8(kv, v);
            if (kv == INF_KV_Q8_0) {
                if (w % 2 == 0) /* d is a multiple of 32 where wide > 1 */
                    scale = v16_half_set(scales + w);
                number[w] = v16_mul(number[w], scale);
            }
        }
        for (size_t r = 0; r < rows; r++) {
            v16 one = v16_set(weight[r * INF_ATTN_TILE + p]);
            for (size_t w = 0; w < vectors; w++)
                acc[r][w] = v16_fma(one, number[w], acc[r][w]);
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t w = 0; w < vectors; w++) {
            float *at = out + r * a->acc_stride + w * 16;
            if (wide)
                v16_store(at, acc[r][w]);
            else
                v16_store_part(at, acc[r][w], 8);
        }
}

SIMD_INLINE void attn_values(const struct inf_attn_args *a, enum inf_kv kv, size_t rows,
                             size_t wide, const float *weight, size_t from, size_t to, float *out)
{
    size_t d = 0;
    for (; d + wide * 16 <= a->head_size; d += wide * 16)
        attn_values_at(a, kv, rows, wide, d, weight, from, to, out + d);
    for (; wide > 1 && d + 16 <= a->head_size; d += 16)
        attn_values_at(a, kv, rows, 1, d, weight, from, to, out + d);
    if (kv != INF_KV_Q8_0 && d < a->head_size)
        attn_values_at(a, kv, rows, 0, d, weight, from, to, out + d);
}

/* One row; a stretch that it does not share with the others of its block. */
static __attribute__((noinline)) void attn_values_row(const struct inf_attn_args *a,
                                                      const float *weight, size_t from, size_t to,
                                                      float *out)
{
    switch (a->kv) {
    case INF_KV_F16:
        attn_values(a, INF_KV_F16, 1, V16_WIDE_1, weight, from, to, out);
        break;
    case INF_KV_F32:
        attn_values(a, INF_KV_F32, 1, V16_WIDE_1, weight, from, to, out);
        break;
    case INF_KV_BF16:
        attn_values(a, INF_KV_BF16, 1, V16_WIDE_1, weight, from, to, out);
        break;
    case INF_KV_Q8_0:
        attn_values(a, INF_KV_Q8_0, 1, V16_WIDE_1, weight, from, to, out);
        break;
    }
}

/* Rows r ... of one block, each with something allowed. A row takes no part in positions that
 * others alone are allowed: 0 * V would not be nothing for a -0 or where V is not finite. */
SIMD_INLINE void attn_block(const struct inf_attn_args *a, enum inf_kv kv, size_t rows, size_t wide,
                            size_t r)
{
    const uint32_t *first = a->first + r, *end = a->end + r;
    size_t low = first[0], high = end[0], common = first[0], common_end = end[0];
    for (size_t i = 1; i < rows; i++) {
        low = first[i] < low ? first[i] : low;
        high = end[i] > high ? end[i] : high;
        common = first[i] > common ? first[i] : common;
        common_end = end[i] < common_end ? end[i] : common_end;
    }
    if (common >= common_end)
        common = common_end = 0;

    size_t p = low / 16 * 16, row_bytes = inf_kv_row_bytes(kv, a->head_size);
    const float *q = a->q + r * a->q_stride;
    for (; p + (wide - 1) * 16 < high; p += wide * 16)
        attn_scores(a, kv, rows, wide, q, a->k_tile + p * row_bytes, a->scratch + p);
    for (; wide > 1 && p < high; p += 16)
        attn_scores(a, kv, rows, 1, q, a->k_tile + p * row_bytes, a->scratch + p);

    float *acc = a->acc + r * a->acc_stride;
    for (size_t i = 0; i < rows; i++) {
        float *weight = a->scratch + i * INF_ATTN_TILE, *out = acc + i * a->acc_stride;
        attn_softmax(a, r + i, weight);
        memset(out, 0, a->head_size * sizeof *out);
        if (first[i] < common)
            attn_values_row(a, weight, first[i], common, out);
    }
    if (common < common_end)
        attn_values(a, kv, rows, wide, a->scratch, common, common_end, acc);
    for (size_t i = 0; i < rows; i++) {
        size_t from = first[i] > common_end ? first[i] : common_end;
        if (from < end[i])
            attn_values_row(a, a->scratch + i * INF_ATTN_TILE, from, end[i],
                            acc + i * a->acc_stride);
    }
}

/* Takes one block of at most n rows from row r; returns its rows. */
SIMD_INLINE size_t attn_rows(const struct inf_attn_args *a, enum inf_kv kv, size_t r, size_t n)
{
    if (n >= V16_ROWS && V16_ROWS > 4) {
        attn_block(a, kv, V16_ROWS, V16_WIDE_ROWS, r);
        return V16_ROWS;
    }
    switch (n) {
    case 1:
        attn_block(a, kv, 1, V16_WIDE_1, r);
        return 1;
    case 2:
        attn_block(a, kv, 2, V16_WIDE_2, r);
        return 2;
    case 3:
        attn_block(a, kv, 3, V16_WIDE_3, r);
        return 3;
    default:
        attn_block(a, kv, 4, V16_WIDE_4, r);
        return 4;
    }
}

SIMD_INLINE void attn_all(const struct inf_attn_args *a, enum inf_kv kv)
{
    for (size_t r = 0, n; r < a->rows; r += n) {
        n = 0;
        while (r + n < a->rows && n < V16_ROWS && a->first[r + n] < a->end[r + n])
            n++;
        if (n) {
            n = attn_rows(a, kv, r, n);
            continue;
        }
        a->most[r] = -INFINITY;
        a->sum[r] = 0.0f;
        memset(a->acc + r * a->acc_stride, 0, a->head_size * sizeof *a->acc);
        n = 1;
    }
}

static inline void attn_v16(const struct inf_attn_args *a)
{
    switch (a->kv) {
    case INF_KV_F16:
        attn_all(a, INF_KV_F16);
        break;
    case INF_KV_F32:
        attn_all(a, INF_KV_F32);
        break;
    case INF_KV_BF16:
        attn_all(a, INF_KV_BF16);
        break;
    case INF_KV_Q8_0:
        attn_all(a, INF_KV_Q8_0);
        break;
    }
}

static inline void attn_merge_v16(const struct inf_attn_merge_args *a)
{
    if (a->sum_t == 0.0f)
        return;
    if (*a->sum == 0.0f) {
        *a->most = a->most_t;
        *a->sum = a->sum_t;
        memcpy(a->acc, a->acc_t, a->head_size * sizeof *a->acc);
        return;
    }
    float m = *a->most > a->most_t ? *a->most : a->most_t;
    float old = inf_exp_ref(*a->most - m), new = inf_exp_ref(a->most_t - m);
    *a->most = m;
    *a->sum = fmaf(*a->sum, old, a->sum_t * new);
    v16 by_old = v16_set(old), by_new = v16_set(new);
    size_t d = 0;
    for (; d + 16 <= a->head_size; d += 16) {
        v16 more = v16_mul(v16_load(a->acc_t + d), by_new);
        v16_store(a->acc + d, v16_fma(v16_load(a->acc + d), by_old, more));
    }
    if (d < a->head_size) {
        size_t rest = a->head_size - d;
        v16 more = v16_mul(v16_load_part(a->acc_t + d, rest), by_new);
        more = v16_fma(v16_load_part(a->acc + d, rest), by_old, more);
        v16_store_part(a->acc + d, more, rest);
    }
}

#endif
