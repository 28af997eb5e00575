/* Numbers of the KV cache over a v16: in, and one position out. Include a level's v16 header first.
 */
#ifndef INF_KV_SIMD_H
#define INF_KV_SIMD_H

_Static_assert(INF_KV_BLOCK == 16, "a v16 has one scale");

#define SIMD_INLINE static inline __attribute__((always_inline))

SIMD_INLINE size_t kv_width(enum inf_kv kv)
{
    return kv == INF_KV_F32 ? 4 : kv == INF_KV_Q8_0 ? 1 : 2;
}

/* Sixteen numbers (with q8_0 before their scale). */
SIMD_INLINE v16 kv_load(enum inf_kv kv, const uint8_t *at)
{
    switch (kv) {
    case INF_KV_F32:
        return v16_load((const float *)(const void *)at);
    case INF_KV_F16:
        return v16_half(at);
    case INF_KV_BF16:
        return v16_bf16(at);
    case INF_KV_Q8_0:
        break;
    }
    return v16_i8(at);
}

/* Eight, and eight zeros. A row of q8_0 never ends in eight. */
SIMD_INLINE v16 kv_load8(enum inf_kv kv, const uint8_t *at)
{
    if (kv == INF_KV_F32)
        return v16_load_part((const float *)(const void *)at, 8);
    return kv == INF_KV_F16 ? v16_half8(at) : v16_bf16_8(at);
}

/* Writes n of x's numbers, `step` numbers apart; with q8_0 x is scaled already. */
SIMD_INLINE void kv_put(enum inf_kv kv, v16 x, size_t n, size_t step, uint8_t *at)
{
    uint8_t numbers[64];
    size_t width = kv_width(kv);
    if (kv == INF_KV_F32)
        v16_store((float *)(void *)numbers, x);
    else if (kv == INF_KV_F16)
        v16_to_half(numbers, x);
    else if (kv == INF_KV_BF16)
        v16_to_bf16(numbers, x);
    else
        v16_put_i8(numbers, x);
    if (step == 1)
        memcpy(at, numbers, n * width);
    else
        for (size_t i = 0; i < n; i++)
            memcpy(at + i * step * width, numbers + i * width, width);
}

/* The scale of x to `at`; returns its inverse, 0 where there is none. */
static inline float kv_put_scale(v16 x, uint8_t *at)
{
    uint32_t bits = v16_largest_bits(v16_abs_max(v16_set(0.0f), x));
    uint16_t half = inf_half_from_float(inf_float_from_bits(bits) / 127.0f);
    memcpy(at, &half, sizeof half);
    float scale = inf_half_to_float(half);
    return scale > 0.0f && scale < INFINITY ? 1.0f / scale : 0.0f;
}

SIMD_INLINE v16 kv_scaled(v16 x, float inverse)
{
    if (!(inverse > 0.0f))
        return v16_set(0.0f);
    x = v16_mul(x, v16_set(inverse)); /* rounded where it becomes an int8 */
    return v16_max(v16_min(x, v16_set(127.0f)), v16_set(-127.0f));
}

SIMD_INLINE void kv_store_row(enum inf_kv kv, const float *x, size_t size, size_t step, uint8_t *at,
                              uint8_t *scales)
{
    size_t d = 0, width = kv_width(kv);
    for (; d + 16 <= size; d += 16) {
        v16 v = v16_load(x + d);
        if (kv == INF_KV_Q8_0)
            v = kv_scaled(v, kv_put_scale(v, scales + 2 * (d / INF_KV_BLOCK) * step));
        kv_put(kv, v, 16, step, at + d * step * width);
    }
    if (d < size)
        kv_put(kv, v16_load_part(x + d, size - d), size - d, step, at + d * step * width);
}

SIMD_INLINE void kv_store_both(const struct inf_kv_store_args *a, enum inf_kv kv)
{
    size_t lane = a->position % 16;
    uint8_t *group = a->k_head + a->position / 16 * 16 * inf_kv_row_bytes(kv, a->k_size);
    kv_store_row(kv, a->k, a->k_size, 16, group + lane * kv_width(kv),
                 group + a->k_size * 16 + lane * 2);
    if (!a->v_size)
        return;
    uint8_t *v = a->v_head + a->position * inf_kv_row_bytes(kv, a->v_size);
    kv_store_row(kv, a->v, a->v_size, 1, v, v + a->v_size);
}

static inline void kv_store_v16(const struct inf_kv_store_args *a)
{
    switch (a->kv) {
    case INF_KV_F16:
        kv_store_both(a, INF_KV_F16);
        break;
    case INF_KV_F32:
        kv_store_both(a, INF_KV_F32);
        break;
    case INF_KV_BF16:
        kv_store_both(a, INF_KV_BF16);
        break;
    case INF_KV_Q8_0:
        kv_store_both(a, INF_KV_Q8_0);
        break;
    }
}

#endif
