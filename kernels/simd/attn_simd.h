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
SIMD_INLINE void attn_scores_at(const struct inf_attn_args *a, enum inf_kv kv, size_t rows,
                                size_t wide, const float *q, const uint8_t *k, float *score)
{
    size_t size = a->k_size, stride = a->q_stride;
    size_t group = 16 * inf_kv_row_bytes(kv, size), width = kv_width(kv);
    size_t step = kv == INF_KV_Q8_0 ? 32 : size; /* numbers of one scale */
    v16 acc[V16_ROWS][ATTN_WIDE_MAX], scale[ATTN_WIDE_MAX], number[ATTN_WIDE_MAX];
    for (size_t r = 0; r < rows; r++)
        for (size_t w = 0; w < wide; w++)
            acc[r][w] = v16_set(0.0f);
    for (size_t block = 0; block < size; block += step) {
        if (kv == INF_KV_Q8_0)
            for (size_t w = 0; w < wide; w++)
                scale[w] = v16_half(k + w * group + size * 16 + block);
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

SIMD_INLINE void attn_scores_wide(const struct inf_attn_args *a, enum inf_kv kv, size_t rows,
                                  size_t wide, const float *q, size_t from, size_t to)
{
    size_t p = from, row_bytes = inf_kv_row_bytes(kv, a->k_size);
    for (; p + (wide - 1) * 16 < to; p += wide * 16)
        attn_scores_at(a, kv, rows, wide, q, a->k_tile + p * row_bytes, a->scratch + p);
    for (; wide > 1 && p < to; p += 16)
        attn_scores_at(a, kv, rows, 1, q, a->k_tile + p * row_bytes, a->scratch + p);
}

SIMD_INLINE void attn_scores_rows(const struct inf_attn_args *a, enum inf_kv kv, size_t rows,
                                  const float *q, size_t from, size_t to)
{
    switch (rows) {
    case 1:
        attn_scores_wide(a, kv, 1, V16_WIDE_1, q, from, to);
        break;
    case 2:
        attn_scores_wide(a, kv, 2, V16_WIDE_2, q, from, to);
        break;
    case 3:
        attn_scores_wide(a, kv, 3, V16_WIDE_3, q, from, to);
        break;
    case 4:
        attn_scores_wide(a, kv, 4, V16_WIDE_4, q, from, to);
        break;
    default:
        attn_scores_wide(a, kv, V16_ROWS, V16_WIDE_ROWS, q, from, to);
    }
}

/* Scores of `rows` rows (1 to 4 or V16_ROWS) against the groups of positions from <= p < to. */
static __attribute__((noinline)) void attn_scores(const struct inf_attn_args *a, size_t rows,
                                                  const float *q, size_t from, size_t to)
{
    switch (a->kv) {
    case INF_KV_F16:
        attn_scores_rows(a, INF_KV_F16, rows, q, from, to);
        break;
    case INF_KV_F32:
        attn_scores_rows(a, INF_KV_F32, rows, q, from, to);
        break;
    case INF_KV_BF16:
        attn_scores_rows(a, INF_KV_BF16, rows, q, from, to);
        break;
    case INF_KV_Q8_0:
        attn_scores_rows(a, INF_KV_Q8_0, rows, q, from, to);
        break;
    }
}

/* Scores of one row to weights, in place; what stands in the groups of its ends and is not allowed
 * gets weight 0. */
static inline void attn_softmax(const struct inf_attn_args *a, size_t r, float *score)
{
    size_t first = a->first[r], end = a->end[r];
    size_t from = first / 16 * 16, to = (end + 15) / 16 * 16;
    v16 lowest = v16_set(-INFINITY), most = lowest, sum = v16_set(0.0f);
    for (size_t p = from; a->cap > 0.0f && p < to; p += 16)
        v16_store(score + p, soft_cap_v16(v16_load(score + p), a->cap));
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

/* V of a tile, and where its weighted sums go. */
struct attn_v {
    enum inf_kv kv;
    const uint8_t *tile;
    size_t size, acc_stride;
};

/* acc[r][d ...] += weight[r][p] * V[p][d ...] over from <= p < to, in `wide` vectors, or in the
 * eight numbers of a half one (wide 0). */
SIMD_INLINE void attn_values_at(const struct attn_v *v, enum inf_kv kv, size_t rows, size_t wide,
                                size_t d, const float *weight, size_t from, size_t to, float *out)
{
    size_t row_bytes = inf_kv_row_bytes(kv, v->size), width = kv_width(kv);
    size_t vectors = wide ? wide : 1, stride = v->acc_stride;
    const uint8_t *at = v->tile + from * row_bytes + d * width;
    const uint8_t *scales = v->tile + from * row_bytes + v->size + d / 32 * 2;
    v16 acc[V16_ROWS][ATTN_WIDE_MAX], number[ATTN_WIDE_MAX], scale = v16_set(0.0f);
    for (size_t r = 0; r < rows; r++)
        for (size_t w = 0; w < vectors; w++) {
            const float *sum = out + r * stride + w * 16;
            acc[r][w] = wide ? v16_load(sum) : v16_load_part(sum, 8);
        }
    for (size_t p = from; p < to; p++, at += row_bytes, scales += row_bytes) {
        for (size_t w = 0; w < vectors; w++) {
            number[w] = wide ? kv_load(kv, at + w * 16 * width) : kv_load8(kv, at);
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
            float *sum = out + r * stride + w * 16;
            if (wide)
                v16_store(sum, acc[r][w]);
            else
                v16_store_part(sum, acc[r][w], 8);
        }
}

SIMD_INLINE void attn_values_wide(const struct attn_v *v, enum inf_kv kv, size_t rows, size_t wide,
                                  const float *weight, size_t from, size_t to, float *out)
{
    size_t d = 0;
    for (; d + wide * 16 <= v->size; d += wide * 16)
        attn_values_at(v, kv, rows, wide, d, weight, from, to, out + d);
    for (; wide > 1 && d + 16 <= v->size; d += 16)
        attn_values_at(v, kv, rows, 1, d, weight, from, to, out + d);
    if (kv != INF_KV_Q8_0 && d < v->size)
        attn_values_at(v, kv, rows, 0, d, weight, from, to, out + d);
}

SIMD_INLINE void attn_values_rows(const struct attn_v *v, enum inf_kv kv, size_t rows,
                                  const float *weight, size_t from, size_t to, float *out)
{
    switch (rows) {
    case 1:
        attn_values_wide(v, kv, 1, V16_WIDE_1, weight, from, to, out);
        break;
    case 2:
        attn_values_wide(v, kv, 2, V16_WIDE_2, weight, from, to, out);
        break;
    case 3:
        attn_values_wide(v, kv, 3, V16_WIDE_3, weight, from, to, out);
        break;
    case 4:
        attn_values_wide(v, kv, 4, V16_WIDE_4, weight, from, to, out);
        break;
    default:
        attn_values_wide(v, kv, V16_ROWS, V16_WIDE_ROWS, weight, from, to, out);
    }
}

static __attribute__((noinline)) void attn_values(const struct attn_v *v, size_t rows,
                                                  const float *weight, size_t from, size_t to,
                                                  float *out)
{
    switch (v->kv) {
    case INF_KV_F16:
        attn_values_rows(v, INF_KV_F16, rows, weight, from, to, out);
        break;
    case INF_KV_F32:
        attn_values_rows(v, INF_KV_F32, rows, weight, from, to, out);
        break;
    case INF_KV_BF16:
        attn_values_rows(v, INF_KV_BF16, rows, weight, from, to, out);
        break;
    case INF_KV_Q8_0:
        attn_values_rows(v, INF_KV_Q8_0, rows, weight, from, to, out);
        break;
    }
}

/* The 16 x 16 numbers of x the other way round: four times, the halves of x are zipped. */
static inline void attn_turn(float *x, float *room)
{
    for (int turn = 0; turn < 4; turn++) {
        for (size_t i = 0; i < 8; i++)
            v16_zip(room + i * 32, v16_load(x + i * 16), v16_load(x + 128 + i * 16));
        float *other = x;
        x = room;
        room = other;
    }
}

/* V as floats (tile, v_size) from the latents of K, for the groups of positions from <= p < to. */
SIMD_INLINE void attn_latents(const struct inf_attn_args *a, enum inf_kv kv, size_t from, size_t to,
                              float *out)
{
    size_t row_bytes = inf_kv_row_bytes(kv, a->k_size), width = kv_width(kv);
    for (size_t p = from / 16 * 16; p < to; p += 16) {
        const uint8_t *group = a->k_tile + p * row_bytes, *scales = group + a->k_size * 16;
        for (size_t d = 0; d < a->v_size; d += 16) {
            float x[256], room[256];
            size_t n = a->v_size - d < 16 ? a->v_size - d : 16;
            for (size_t i = 0; i < n; i++) {
                v16 number = kv_load(kv, group + (d + i) * 16 * width);
                if (kv == INF_KV_Q8_0)
                    number = v16_mul(number, v16_half(scales + d / 32 * 32));
                v16_store(x + i * 16, number);
            }
            for (size_t i = n; i < 16; i++)
                v16_store(x + i * 16, v16_set(0.0f));
            attn_turn(x, room);
            for (size_t i = 0; i < 16; i++)
                v16_store_part(out + (p + i) * a->v_size + d, v16_load(x + i * 16), n);
        }
    }
}

static __attribute__((noinline)) struct attn_v attn_tile_values(const struct inf_attn_args *a)
{
    struct attn_v v = {a->kv, a->v_tile, a->v_size, a->acc_stride};
    if (v.tile)
        return v;
    size_t from = INF_ATTN_TILE, to = 0;
    for (size_t r = 0; r < a->rows; r++)
        if (a->first[r] < a->end[r]) {
            from = a->first[r] < from ? a->first[r] : from;
            to = a->end[r] > to ? a->end[r] : to;
        }
    float *out = a->scratch + a->rows * INF_ATTN_TILE;
    v.kv = INF_KV_F32;
    v.tile = (const uint8_t *)out;
    switch (a->kv) {
    case INF_KV_F16:
        attn_latents(a, INF_KV_F16, from, to, out);
        break;
    case INF_KV_F32:
        attn_latents(a, INF_KV_F32, from, to, out);
        break;
    case INF_KV_BF16:
        attn_latents(a, INF_KV_BF16, from, to, out);
        break;
    case INF_KV_Q8_0:
        attn_latents(a, INF_KV_Q8_0, from, to, out);
        break;
    }
    return v;
}

/* Rows r ... of one block, each with something allowed. A row takes no part in positions that
 * others alone are allowed: 0 * V would not be nothing for a -0 or where V is not finite. */
static inline void attn_block(const struct inf_attn_args *a, const struct attn_v *v, size_t rows,
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

    attn_scores(a, rows, a->q + r * a->q_stride, low / 16 * 16, high);
    float *acc = a->acc + r * a->acc_stride;
    for (size_t i = 0; i < rows; i++) {
        float *weight = a->scratch + i * INF_ATTN_TILE, *out = acc + i * a->acc_stride;
        attn_softmax(a, r + i, weight);
        memset(out, 0, a->v_size * sizeof *out);
        if (first[i] < common)
            attn_values(v, 1, weight, first[i], common, out);
    }
    if (common < common_end)
        attn_values(v, rows, a->scratch, common, common_end, acc);
    for (size_t i = 0; i < rows; i++) {
        size_t from = first[i] > common_end ? first[i] : common_end;
        if (from < end[i])
            attn_values(v, 1, a->scratch + i * INF_ATTN_TILE, from, end[i],
                        acc + i * a->acc_stride);
    }
}

/* How many of n rows the next block takes, of 1, 2, 3, 4 and V16_ROWS: no small one at the end
 * where two alike do. */
static inline size_t attn_block_rows(size_t n)
{
    size_t blocks = (n + V16_ROWS - 1) / V16_ROWS, each = (n + blocks - 1) / blocks;
    if (each <= 4)
        return each;
    return n >= V16_ROWS ? V16_ROWS : 4;
}

static inline void attn_v16(const struct inf_attn_args *a)
{
    struct attn_v v = attn_tile_values(a);
    for (size_t r = 0, n, rows; r < a->rows;) {
        n = 0;
        while (r + n < a->rows && a->first[r + n] < a->end[r + n])
            n++;
        for (; n; r += rows, n -= rows) {
            rows = attn_block_rows(n);
            attn_block(a, &v, rows, r);
        }
        if (r == a->rows)
            return;
        a->most[r] = -INFINITY;
        a->sum[r] = 0.0f;
        memset(a->acc + r * a->acc_stride, 0, a->v_size * sizeof *a->acc);
        r++;
    }
}

static inline void attn_merge_v16(const struct inf_attn_merge_args *a)
{
    if (a->sum_t == 0.0f)
        return;
    if (*a->sum == 0.0f) {
        *a->most = a->most_t;
        *a->sum = a->sum_t;
        memcpy(a->acc, a->acc_t, a->v_size * sizeof *a->acc);
        return;
    }
    float m = *a->most > a->most_t ? *a->most : a->most_t;
    float old = inf_exp_ref(*a->most - m), new = inf_exp_ref(a->most_t - m);
    *a->most = m;
    *a->sum = fmaf(*a->sum, old, a->sum_t * new);
    v16 by_old = v16_set(old), by_new = v16_set(new);
    size_t d = 0;
    for (; d + 16 <= a->v_size; d += 16) {
        v16 more = v16_mul(v16_load(a->acc_t + d), by_new);
        v16_store(a->acc + d, v16_fma(v16_load(a->acc + d), by_old, more));
    }
    if (d < a->v_size) {
        size_t rest = a->v_size - d;
        v16 more = v16_mul(v16_load_part(a->acc_t + d, rest), by_new);
        more = v16_fma(v16_load_part(a->acc + d, rest), by_old, more);
        v16_store_part(a->acc + d, more, rest);
    }
}

#endif
