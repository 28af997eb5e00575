/*
 * The matrix product of block types for AArch64: what the types and the two levels share.
 *
 * Rows go by four. The packed bytes of four rows are transposed so that one register holds four
 * neighbouring bytes of each row,
 *
 *     | row 0: b0 b1 b2 b3 | row 1: b0 b1 b2 b3 | row 2: ... | row 3: ... |
 *
 * and the sum of a sub-block ends with row r in lane r. A type supplies, for four rows and one
 * block, its scales, and its codes as signed bytes, sixteen weights at a time; a level supplies the
 * product of sixteen weights (four registers) with sixteen activations. A few columns: codes go
 * straight into products. More: they go into a panel of eight rows, and every column is multiplied
 * with that.
 */
#ifndef INF_TILE_NEON_H
#define INF_TILE_NEON_H

#include "kernels/kernel.h"
#include "kernels/prefetch.h"

#include <arm_neon.h>

#define INF_NEON_INLINE static inline __attribute__((always_inline))

/* Before a loop that must not be one in the end: its counter picks registers. */
#ifdef __clang__
/* clang unrolls later than it is asked to */
#pragma clang diagnostic ignored "-Wpass-failed"
#define INF_NEON_UNROLL _Pragma("clang loop unroll(full)")
#else
#define INF_NEON_UNROLL _Pragma("GCC unroll 64")
#endif

#define INF_NEON_FEW 2      /* columns up to which no panel is made */
#define INF_NEON_COLS 4     /* of a tile */
#define INF_NEON_CHUNK 1024 /* weights of a row in a panel at a time */

/* How a type is built; always a compile-time constant. */
struct inf_neon_shape {
    uint32_t weights, bytes; /* of a block */
    uint32_t sub;            /* weights to a scale: 16 or 32 */
    enum inf_form form;      /* not FLOAT */
};

/* Sixteen weights of four rows: w[i] has weights 4i to 4i + 3 of each. */
struct inf_neon_codes {
    int8x16_t w[4];
};

/* sum + the products of codes and x[0..16). Each level's dot_<level>.h has its own. */
INF_NEON_INLINE int32x4_t inf_neon_dot(int32x4_t sum, struct inf_neon_codes codes, int8x16_t x);

/* Where the scales of four rows go: lane r of each is row r. The next of each is `step` lanes on.
 */
struct inf_neon_scales {
    float *scale;    /* one for each sub-block */
    float *min;      /* MIN: one for each 32; MIN256: dmin, one for each 256 */
    int32_t *minima; /* MIN256: m of each sub-block */
    uint32_t step;
};

/* Eight rows unpacked; `half` 0 and 1 are its rows 0 to 3 and 4 to 7. */
struct inf_neon_panel {
    struct inf_neon_codes codes[INF_NEON_CHUNK / 16][2];
    float scale[INF_NEON_CHUNK / 16][8];
    float min[INF_NEON_CHUNK / 32][8];
    int32_t minima[INF_NEON_CHUNK / 16][8];
};
_Static_assert(sizeof(struct inf_neon_panel) <= INF_MATMUL_SCRATCH, "a panel fits the scratch");

/* One column of activations, at the weight that a block or chunk begins with. */
struct inf_neon_column {
    const int8_t *q;
    const float *scale;   /* of each 32 */
    const int32_t *neg32; /* of each 32 */
    const float *mscale;  /* MIN256: of each 256 */
    const int16_t *xm;    /* MIN256: of each sub-block */
};

INF_NEON_INLINE bool inf_neon_has_min256(struct inf_neon_shape shape)
{
    return shape.form == INF_FORM_S32_MIN256 || shape.form == INF_FORM_S16_MIN256;
}

INF_NEON_INLINE struct inf_neon_column inf_neon_column(struct inf_neon_shape shape,
                                                       const struct inf_matmul_args *a, size_t c)
{
    bool subs16 = shape.sub == 16;
    size_t mscale_at = subs16 ? inf_acts_mscale16_at(a->k) : inf_acts_mscale32_at(a->k);
    size_t xm_at = subs16 ? inf_acts_xm16_at(a->k) : inf_acts_xm32_at(a->k);
    const uint8_t *base = a->acts + (a->x_cols ? a->x_cols[c] : c) * inf_acts_stride(a->k);
    struct inf_neon_column x;
    x.q = (const int8_t *)base;
    x.scale = (const float *)(const void *)(base + inf_acts_scale_at(a->k));
    x.neg32 = (const int32_t *)(const void *)(base + inf_acts_neg32_at(a->k));
    x.mscale = (const float *)(const void *)(base + mscale_at);
    x.xm = (const int16_t *)(const void *)(base + xm_at);
    return x;
}

/* Moves on by `weights` weights. */
INF_NEON_INLINE void inf_neon_advance(struct inf_neon_shape shape, struct inf_neon_column *x,
                                      size_t weights)
{
    x->q += weights;
    x->scale += weights / 32;
    x->neg32 += weights / 32;
    x->mscale += weights / 256;
    x->xm += weights / shape.sub;
}

/* ---- Bytes of four rows --------------------------------------------------------------------- */

/* 16 bytes at p of four rows: v[i] = bytes 4i to 4i + 3 of each. */
INF_NEON_INLINE void inf_neon_load16(const uint8_t *p, size_t stride, uint8x16_t v[4])
{
    uint32x4_t a = vreinterpretq_u32_u8(vld1q_u8(p));
    uint32x4_t b = vreinterpretq_u32_u8(vld1q_u8(p + stride));
    uint32x4_t c = vreinterpretq_u32_u8(vld1q_u8(p + 2 * stride));
    uint32x4_t d = vreinterpretq_u32_u8(vld1q_u8(p + 3 * stride));
    uint64x2_t ab0 = vreinterpretq_u64_u32(vtrn1q_u32(a, b));
    uint64x2_t ab1 = vreinterpretq_u64_u32(vtrn2q_u32(a, b));
    uint64x2_t cd0 = vreinterpretq_u64_u32(vtrn1q_u32(c, d));
    uint64x2_t cd1 = vreinterpretq_u64_u32(vtrn2q_u32(c, d));
    v[0] = vreinterpretq_u8_u64(vtrn1q_u64(ab0, cd0));
    v[1] = vreinterpretq_u8_u64(vtrn1q_u64(ab1, cd1));
    v[2] = vreinterpretq_u8_u64(vtrn2q_u64(ab0, cd0));
    v[3] = vreinterpretq_u8_u64(vtrn2q_u64(ab1, cd1));
}

/* A dword at p of four rows. */
INF_NEON_INLINE uint32x4_t inf_neon_dwords(const uint8_t *p, size_t stride)
{
    uint32x4_t v = vdupq_n_u32(inf_load_u32(p));
    v = vsetq_lane_u32(inf_load_u32(p + stride), v, 1);
    v = vsetq_lane_u32(inf_load_u32(p + 2 * stride), v, 2);
    return vsetq_lane_u32(inf_load_u32(p + 3 * stride), v, 3);
}

/* The lower and the upper half of each dword. */
INF_NEON_INLINE float32x4_t inf_neon_low_halves(uint32x4_t v)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(v)));
}
INF_NEON_INLINE float32x4_t inf_neon_high_halves(uint32x4_t v)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(v, 16)));
}

/* A half at p of four rows. */
INF_NEON_INLINE float32x4_t inf_neon_halves(const uint8_t *p, size_t stride)
{
    uint64_t words = inf_load_u16(p) | (uint64_t)inf_load_u16(p + stride) << 16 |
                     (uint64_t)inf_load_u16(p + 2 * stride) << 32 |
                     (uint64_t)inf_load_u16(p + 3 * stride) << 48;
    return vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(words)));
}

/* The nibbles of each byte: low, or high. */
INF_NEON_INLINE uint8x16_t inf_neon_nibbles(uint8x16_t v, bool high)
{
    return high ? vshrq_n_u8(v, 4) : vandq_u8(v, vdupq_n_u8(15));
}

/* Each byte `n` bits down. */
INF_NEON_INLINE uint8x16_t inf_neon_down(uint8x16_t v, uint32_t n)
{
    return vshlq_u8(v, vdupq_n_s8((int8_t) - (int)n));
}

/* 32 bits of each row: 255 where the bit of weight 4 n + 0, 1, 2, 3 is set, else 0. */
INF_NEON_INLINE uint8x16_t inf_neon_bits(uint8x16_t bits, uint32_t n)
{
    uint8x16_t lane = vreinterpretq_u8_u32((uint32x4_t){0, 0x04040404, 0x08080808, 0x0c0c0c0c});
    uint8x16_t byte = vaddq_u8(lane, vdupq_n_u8((uint8_t)(n / 2)));
    uint8x16_t mask = vreinterpretq_u8_u32(vdupq_n_u32(n % 2 ? 0x80402010 : 0x08040201));
    return vtstq_u8(vqtbl1q_u8(bits, byte), mask);
}

/* Nibbles, low or high, below bit 4 of `fifth`, whose other bits are 0. */
INF_NEON_INLINE int8x16_t inf_neon_fifth(uint8x16_t v, bool high, uint8x16_t fifth)
{
    return vreinterpretq_s8_u8(high ? vsriq_n_u8(fifth, v, 4) : vbslq_u8(vdupq_n_u8(15), v, fifth));
}

/* Byte n of each dword as a dword. */
INF_NEON_INLINE int32x4_t inf_neon_byte(uint8x16_t v, int n)
{
    uint32x4_t moved = vshlq_u32(vreinterpretq_u32_u8(v), vdupq_n_s32(-8 * n));
    return vreinterpretq_s32_u32(vandq_u32(moved, vdupq_n_u32(255)));
}

/* d * (byte - offset) for the four bytes of each dword, to four scales. */
INF_NEON_INLINE void inf_neon_byte_scales(const struct inf_neon_scales *s, uint32_t first,
                                          float32x4_t d, uint8x16_t bytes, int offset)
{
    INF_NEON_UNROLL
    for (int i = 0; i < 4; i++) {
        int32x4_t v = vsubq_s32(inf_neon_byte(bytes, i), vdupq_n_s32(offset));
        vst1q_f32(s->scale + (first + i) * s->step, vmulq_f32(d, vcvtq_f32_s32(v)));
    }
}

INF_NEON_INLINE void inf_neon_byte_minima(const struct inf_neon_scales *s, uint32_t first,
                                          uint8x16_t bytes)
{
    INF_NEON_UNROLL
    for (int i = 0; i < 4; i++)
        vst1q_s32(s->minima + (first + i) * s->step, inf_neon_byte(bytes, i));
}

/* d, dmin and eight scales and minima of six bits at p, of Q4_K and Q5_K. */
INF_NEON_INLINE void inf_neon_scales6(const uint8_t *p, size_t stride,
                                      const struct inf_neon_scales *s)
{
    uint8x16_t h[4]; /* d and dmin; three dwords of scales */
    inf_neon_load16(p, stride, h);
    float32x4_t d = inf_neon_low_halves(vreinterpretq_u32_u8(h[0]));
    vst1q_f32(s->min, inf_neon_high_halves(vreinterpretq_u32_u8(h[0])));
    const uint8x16_t low = vdupq_n_u8(63), top = vdupq_n_u8(48);
    inf_neon_byte_scales(s, 0, d, vandq_u8(h[1], low), 0);
    inf_neon_byte_minima(s, 0, vandq_u8(h[2], low));
    uint8x16_t scales = vorrq_u8(inf_neon_nibbles(h[3], false), vandq_u8(vshrq_n_u8(h[1], 2), top));
    uint8x16_t minima = vorrq_u8(inf_neon_nibbles(h[3], true), vandq_u8(vshrq_n_u8(h[2], 2), top));
    inf_neon_byte_scales(s, 4, d, scales, 0);
    inf_neon_byte_minima(s, 4, minima);
}

/* ---- Codes ---------------------------------------------------------------------------------- */

/* Takes the codes of a block: into a panel (panel set), or into the sums of `cols` columns. */
struct inf_neon_sink {
    struct inf_neon_shape shape;
    uint32_t cols;
    struct inf_neon_codes *panel; /* codes of 16 weights at panel + 2 n, or NULL */
    const uint8_t *ahead;         /* what is to be fetched during this block */
    struct inf_neon_column x[INF_NEON_FEW];
    struct inf_neon_scales scales;
    int32x4_t sum[INF_NEON_FEW]; /* of the sub-block at hand */
    float32x4_t acc[INF_NEON_FEW];
};

/* acc with sub-block j: its sum and its scale. */
INF_NEON_INLINE float32x4_t inf_neon_add_sub(struct inf_neon_shape shape, uint32_t j,
                                             const struct inf_neon_column *x, int32x4_t sum,
                                             const float *scale, float32x4_t acc)
{
    float32x4_t both = vmulq_n_f32(vld1q_f32(scale), x->scale[j * shape.sub / 32]);
    return vfmaq_f32(acc, vcvtq_f32_s32(sum), both);
}

/* acc with the minimum of block j of 32 weights; neg32 is -128 times the sum of activations. */
INF_NEON_INLINE float32x4_t inf_neon_add_min(uint32_t j, const struct inf_neon_column *x,
                                             const float *min, float32x4_t acc)
{
    float32x4_t both = vmulq_n_f32(vld1q_f32(min), x->scale[j]);
    return vfmaq_n_f32(acc, both, (float)-(x->neg32[j] >> 7));
}

/* acc with the minima of 256 weights, which are `step` lanes apart. */
INF_NEON_INLINE float32x4_t inf_neon_add_min256(struct inf_neon_shape shape, uint32_t super,
                                                const struct inf_neon_column *x,
                                                const int32_t *minima, const float *dmin,
                                                uint32_t step, float32x4_t acc)
{
    const uint32_t subs = 256 / shape.sub;
    int32x4_t m = vdupq_n_s32(0);
    INF_NEON_UNROLL
    for (uint32_t i = 0; i < subs; i++)
        m = vmlaq_n_s32(m, vld1q_s32(minima + i * step), x->xm[super * subs + i]);
    return vfmsq_f32(acc, vcvtq_f32_s32(m), vmulq_n_f32(vld1q_f32(dmin), x->mscale[super]));
}

/* Weights 16 n to 16 n + 15 of the block, for four rows; called with n = 0, 1, 2 and so on. */
INF_NEON_INLINE void inf_neon_put(struct inf_neon_sink *s, uint32_t n, struct inf_neon_codes codes)
{
    const uint32_t parts = s->shape.weights / 16, lines = (4 * s->shape.bytes + 63) / 64;
    INF_NEON_UNROLL
    for (uint32_t l = n * lines / parts; l < (n + 1) * lines / parts; l++)
        __builtin_prefetch(s->ahead + 64 * l, 0, 2);
    if (s->panel) {
        s->panel[2 * n] = codes;
        return;
    }
    uint32_t groups = s->shape.sub / 16, j = n / groups, i = n % groups;
    INF_NEON_UNROLL
    for (uint32_t c = 0; c < s->cols; c++) {
        int32x4_t before = i == 0 ? vdupq_n_s32(0) : s->sum[c];
        s->sum[c] = inf_neon_dot(before, codes, vld1q_s8(s->x[c].q + 16 * n));
        if (i < groups - 1)
            continue;
        s->acc[c] = inf_neon_add_sub(s->shape, j, &s->x[c], s->sum[c],
                                     s->scales.scale + j * s->scales.step, s->acc[c]);
        if (s->shape.form == INF_FORM_S32_MIN)
            s->acc[c] =
                inf_neon_add_min(j, &s->x[c], s->scales.min + j * s->scales.step, s->acc[c]);
    }
}

/* 32 weights whose 16 bytes of nibbles at p are indices of a table: parts n and n + 1. */
INF_NEON_INLINE void inf_neon_table_codes(const uint8_t *p, size_t stride, struct inf_neon_sink *s,
                                          uint32_t n, const int8_t table[16])
{
    const int8x16_t values = vld1q_s8(table);
    uint8x16_t v[4];
    inf_neon_load16(p, stride, v);
    INF_NEON_UNROLL
    for (uint32_t high = 0; high < 2; high++) {
        struct inf_neon_codes codes;
        INF_NEON_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            codes.w[i] = vqtbl1q_s8(values, inf_neon_nibbles(v[i], high));
        inf_neon_put(s, n + high, codes);
    }
}

/* 256 codes of two bits at p, less an offset: of 32 bytes the lowest bits first. */
INF_NEON_INLINE void inf_neon_twos(const uint8_t *p, size_t stride, struct inf_neon_sink *s,
                                   int8_t offset)
{
    INF_NEON_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
        uint8x16_t v[2][4];
        inf_neon_load16(p + 32 * half, stride, v[0]);
        inf_neon_load16(p + 32 * half + 16, stride, v[1]);
        INF_NEON_UNROLL
        for (uint32_t n = 0; n < 8; n++) {
            struct inf_neon_codes codes;
            INF_NEON_UNROLL
            for (uint32_t i = 0; i < 4; i++) {
                uint8x16_t two = vandq_u8(inf_neon_down(v[n % 2][i], n / 2 * 2), vdupq_n_u8(3));
                codes.w[i] = vsubq_s8(vreinterpretq_s8_u8(two), vdupq_n_s8(offset));
            }
            inf_neon_put(s, 8 * half + n, codes);
        }
    }
}

/* Where a block has one: the same scale for each of `count` sub-blocks. */
INF_NEON_INLINE void inf_neon_same_scales(const struct inf_neon_scales *s, uint32_t count,
                                          float32x4_t d)
{
    INF_NEON_UNROLL
    for (uint32_t j = 0; j < count; j++)
        vst1q_f32(s->scale + j * s->step, d);
}

/* d and m, two halves at p, of Q4_1 and Q5_1. */
INF_NEON_INLINE void inf_neon_scale_min(const uint8_t *p, size_t stride,
                                        const struct inf_neon_scales *s)
{
    uint32x4_t both = inf_neon_dwords(p, stride);
    vst1q_f32(s->scale, inf_neon_low_halves(both));
    vst1q_f32(s->min, inf_neon_high_halves(both));
}

/* ---- Loops over a matrix ----------------------------------------------------------------------
 */

typedef void inf_neon_scales_fn(const uint8_t *p, size_t stride, const struct inf_neon_scales *s);
typedef void inf_neon_codes_fn(const uint8_t *p, size_t stride, struct inf_neon_sink *s);

#define INF_NEON_TAIL 256 /* bytes for a block of one row where rows are too few */

/* Block `p` of the rows that there are, copied to four places where they are less than four. */
INF_NEON_INLINE const uint8_t *inf_neon_whole(const uint8_t *p, size_t *stride, size_t rows,
                                              uint32_t bytes, uint8_t tail[4 * INF_NEON_TAIL])
{
    if (rows >= 4)
        return p;
    for (size_t r = 0; r < rows; r++)
        memcpy(tail + r * INF_NEON_TAIL, p + r * *stride, bytes);
    *stride = INF_NEON_TAIL;
    return tail;
}

INF_NEON_INLINE void inf_neon_store_rows(float *out, float32x4_t v, size_t rows)
{
    float four[4];
    vst1q_f32(four, v);
    memcpy(out, four, (rows < 4 ? rows : 4) * sizeof *out);
}

INF_NEON_INLINE float *inf_neon_out(const struct inf_matmul_args *a, size_t c)
{
    return a->out + (a->out_cols ? a->out_cols[c] : c) * a->out_stride;
}

/* A few columns, `cols` a constant. While four rows are worked on, the next four, which lie behind
 * them, are fetched in order of address. */
INF_NEON_INLINE void inf_neon_few_columns(const struct inf_neon_shape shape,
                                          inf_neon_scales_fn *get_scales,
                                          inf_neon_codes_fn *get_codes, const uint32_t cols,
                                          const struct inf_matmul_args *a)
{
    float scale[16 * 4], min[4];
    int32_t minima[16 * 4];
    uint8_t tail[4 * INF_NEON_TAIL] = {0};
    for (size_t r = 0; r < a->rows; r += 4) {
        size_t rows = a->rows - r;
        const uint8_t *p = a->w + r * a->row_bytes;
        struct inf_neon_sink sink = {.shape = shape,
                                     .cols = cols,
                                     .scales = {scale, min, minima, 4},
                                     .ahead = p + 4 * a->row_bytes};
        inf_prefetch_row_pages(a->w, r, a->row_bytes);
        INF_NEON_UNROLL
        for (uint32_t c = 0; c < cols; c++) {
            sink.x[c] = inf_neon_column(shape, a, c);
            sink.acc[c] = vdupq_n_f32(0);
        }
        for (size_t b = 0; b < a->k / shape.weights; b++, p += shape.bytes) {
            size_t stride = a->row_bytes;
            const uint8_t *from = inf_neon_whole(p, &stride, rows, shape.bytes, tail);
            get_scales(from, stride, &sink.scales);
            get_codes(from, stride, &sink);
            INF_NEON_UNROLL
            for (uint32_t c = 0; c < cols; c++) {
                if (inf_neon_has_min256(shape))
                    sink.acc[c] =
                        inf_neon_add_min256(shape, 0, &sink.x[c], minima, min, 4, sink.acc[c]);
                inf_neon_advance(shape, &sink.x[c], shape.weights);
            }
            sink.ahead += 4 * shape.bytes;
        }
        INF_NEON_UNROLL
        for (uint32_t c = 0; c < cols; c++)
            inf_neon_store_rows(inf_neon_out(a, c) + r, sink.acc[c], rows);
    }
}

/* Unpacks `blocks` blocks at p of four rows into half of a panel. */
INF_NEON_INLINE void inf_neon_unpack(const struct inf_neon_shape shape,
                                     inf_neon_scales_fn *get_scales, inf_neon_codes_fn *get_codes,
                                     const uint8_t *p, size_t row_bytes, size_t rows, size_t blocks,
                                     const uint8_t *ahead, struct inf_neon_panel *panel,
                                     size_t half)
{
    uint8_t tail[4 * INF_NEON_TAIL] = {0};
    struct inf_neon_sink sink = {.shape = shape, .panel = &panel->codes[0][half], .ahead = ahead};
    struct inf_neon_scales scales = {&panel->scale[0][4 * half], &panel->min[0][4 * half],
                                     &panel->minima[0][4 * half], 8};
    for (size_t b = 0; b < blocks; b++, p += shape.bytes) {
        size_t stride = row_bytes;
        const uint8_t *from = inf_neon_whole(p, &stride, rows, shape.bytes, tail);
        get_scales(from, stride, &scales);
        get_codes(from, stride, &sink);
        sink.panel += shape.weights / 16 * 2;
        sink.ahead += 4 * shape.bytes;
        scales.scale += shape.weights / shape.sub * 8;
        scales.min += 8;
        scales.minima += shape.weights / shape.sub * 8;
    }
}

/* acc[c] (8 floats) += `weights` weights of the panel times column x[c]; `cols` a constant. */
INF_NEON_INLINE void inf_neon_tile(const struct inf_neon_shape shape, const size_t cols,
                                   const struct inf_neon_panel *panel, size_t weights,
                                   const struct inf_neon_column *x, float (*out)[8])
{
    const uint32_t groups = shape.sub / 16, subs = 256 / shape.sub;
    float32x4_t acc[INF_NEON_COLS][2];
    INF_NEON_UNROLL
    for (size_t c = 0; c < cols; c++) {
        acc[c][0] = vld1q_f32(out[c]);
        acc[c][1] = vld1q_f32(out[c] + 4);
    }
    for (uint32_t j = 0; j < weights / shape.sub; j++) {
        int32x4_t sum[INF_NEON_COLS][2];
        INF_NEON_UNROLL
        for (uint32_t n = 0; n < groups; n++)
            INF_NEON_UNROLL
        for (size_t c = 0; c < cols; c++) {
            int8x16_t q = vld1q_s8(x[c].q + j * shape.sub + 16 * n);
            INF_NEON_UNROLL
            for (size_t half = 0; half < 2; half++)
                sum[c][half] = inf_neon_dot(n ? sum[c][half] : vdupq_n_s32(0),
                                            panel->codes[j * groups + n][half], q);
        }
        INF_NEON_UNROLL
        for (size_t c = 0; c < cols; c++)
            INF_NEON_UNROLL
        for (size_t half = 0; half < 2; half++) {
            acc[c][half] = inf_neon_add_sub(shape, j, &x[c], sum[c][half],
                                            panel->scale[j] + 4 * half, acc[c][half]);
            if (shape.form == INF_FORM_S32_MIN)
                acc[c][half] = inf_neon_add_min(j, &x[c], panel->min[j] + 4 * half, acc[c][half]);
            if (inf_neon_has_min256(shape) && j % subs == subs - 1)
                acc[c][half] = inf_neon_add_min256(
                    shape, j / subs, &x[c], panel->minima[j + 1 - subs] + 4 * half,
                    panel->min[j / subs] + 4 * half, 8, acc[c][half]);
        }
    }
    INF_NEON_UNROLL
    for (size_t c = 0; c < cols; c++) {
        vst1q_f32(out[c], acc[c][0]);
        vst1q_f32(out[c] + 4, acc[c][1]);
    }
}

/* A panel that begins at weight `start` of row `row`, times all columns. Between chunks the sums
 * rest in the output. */
INF_NEON_INLINE void inf_neon_all_columns(const struct inf_neon_shape shape,
                                          const struct inf_matmul_args *a,
                                          const struct inf_neon_panel *panel, size_t row,
                                          size_t start, size_t weights)
{
    size_t rows = a->rows - row < 8 ? a->rows - row : 8;
    for (size_t c = 0; c < a->cols; c += INF_NEON_COLS) {
        size_t n = a->cols - c < INF_NEON_COLS ? a->cols - c : INF_NEON_COLS;
        struct inf_neon_column x[INF_NEON_COLS];
        float acc[INF_NEON_COLS][8] = {{0}};
        for (size_t i = 0; i < n; i++) {
            x[i] = inf_neon_column(shape, a, c + i);
            inf_neon_advance(shape, &x[i], start);
            if (start)
                memcpy(acc[i], inf_neon_out(a, c + i) + row, rows * sizeof(float));
        }
        for (size_t i = n; i < INF_NEON_COLS; i++)
            x[i] = x[0];
        if (n == 1)
            inf_neon_tile(shape, 1, panel, weights, x, acc);
        else if (n == 2)
            inf_neon_tile(shape, 2, panel, weights, x, acc);
        else
            inf_neon_tile(shape, 4, panel, weights, x, acc);
        for (size_t i = 0; i < n; i++)
            memcpy(inf_neon_out(a, c + i) + row, acc[i], rows * sizeof(float));
    }
}

INF_NEON_INLINE void inf_neon_panels(const struct inf_neon_shape shape,
                                     inf_neon_scales_fn *get_scales, inf_neon_codes_fn *get_codes,
                                     const struct inf_matmul_args *a)
{
    struct inf_neon_panel *panel = (struct inf_neon_panel *)(void *)a->scratch;
    for (size_t r = 0; r < a->rows; r += 8) {
        size_t rows = a->rows - r, second = rows > 4 ? 4 : 0;
        const uint8_t *p = a->w + r * a->row_bytes;
        const uint8_t *ahead = p + 8 * a->row_bytes;
        inf_prefetch_row_pages(a->w, r, a->row_bytes);
        size_t start = 0;
        do {
            size_t weights = a->k - start < INF_NEON_CHUNK ? a->k - start : INF_NEON_CHUNK;
            size_t blocks = weights / shape.weights;
            inf_neon_unpack(shape, get_scales, get_codes, p, a->row_bytes, rows, blocks, ahead,
                            panel, 0);
            inf_neon_unpack(shape, get_scales, get_codes, p + second * a->row_bytes, a->row_bytes,
                            rows - second, blocks, ahead + 4 * shape.bytes * blocks, panel, 1);
            inf_neon_all_columns(shape, a, panel, r, start, weights);
            p += blocks * shape.bytes;
            ahead += 8 * shape.bytes * blocks;
            start += INF_NEON_CHUNK;
        } while (start < a->k);
    }
}

INF_NEON_INLINE void inf_neon_matmul(const struct inf_neon_shape shape,
                                     inf_neon_scales_fn *get_scales, inf_neon_codes_fn *get_codes,
                                     const struct inf_matmul_args *a)
{
    if (a->cols > INF_NEON_FEW)
        inf_neon_panels(shape, get_scales, get_codes, a);
    else if (a->cols == 2)
        inf_neon_few_columns(shape, get_scales, get_codes, 2, a);
    else if (a->cols == 1)
        inf_neon_few_columns(shape, get_scales, get_codes, 1, a);
}

/* The kernel of a type at a level: the type's functions are inf_neon_<name>_scales and _codes. */
#define INF_NEON_MATMUL(name, isa, ...)                                                            \
    inf_matmul_fn inf_k_matmul_##name##_##isa;                                                     \
    void inf_k_matmul_##name##_##isa(const struct inf_matmul_args *a)                              \
    {                                                                                              \
        const struct inf_neon_shape shape = {__VA_ARGS__};                                         \
        inf_neon_matmul(shape, inf_neon_##name##_scales, inf_neon_##name##_codes, a);              \
    }

#endif
