/*
 * The matrix product of block types for AVX2: what the types share.
 *
 * A kernel takes rows by eight. The packed bytes of eight rows are transposed so that one register
 * holds four neighbouring bytes of each row,
 *
 *     | row 0: b0 b1 b2 b3 | row 1: b0 b1 b2 b3 | ... | row 7: b0 b1 b2 b3 |
 *
 * and so stay the sums: four activations, repeated eight times, meet it in vpmaddubsw, and the sum
 * of a sub-block ends with row r in lane r, ready for its scales and one fma. No horizontal sum is
 * needed.
 *
 * Codes are unsigned and small enough that `sums` products of vpmaddubsw add up in int16 (the
 * offset that made them unsigned comes off through the activations' sums), or signed bytes, where
 * the sign moves to the activation (|w| <= 128, |x| <= 127: a pair fits int16, no more; `sums` 1, or
 * more where |w| is smaller).
 *
 * A type supplies two functions for eight rows and one block: its scales, and its codes, each given
 * to inf_avx2_put in order of k. One column: the codes go straight into products. More: they go
 * into a panel in the first cache, and every column is multiplied with that.
 */
#ifndef INF_TILE_AVX2_H
#define INF_TILE_AVX2_H

#include "kernels/kernel.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

#define INF_AVX2_INLINE static inline __attribute__((always_inline))

/* Before a loop that must not be one in the end: its counter picks registers. */
#ifdef __SANITIZE_ADDRESS__
#define INF_AVX2_UNROLL /* a thousand checked instructions in a row take minutes to compile */
#elif defined(__clang__)
#define INF_AVX2_UNROLL _Pragma("clang loop unroll(full)")
#else
#define INF_AVX2_UNROLL _Pragma("GCC unroll 64")
#endif

/* Columns up to which no panel is made. */
#define INF_AVX2_FEW 2

/* Weights of a row in a panel at a time. */
#define INF_AVX2_CHUNK 1024

/* How a type's numbers are to be multiplied; always a compile-time constant. */
struct inf_avx2_shape {
    uint32_t weights, bytes; /* of a block */
    uint32_t sub;            /* weights to a scale: 16 or 32 */
    uint32_t sums;           /* products that add up in int16: 8, 4, 2; 1 says signed codes */
    int shift;               /* offset = 128 >> shift; 0: the codes have none; -1: signed codes */
    enum inf_form form;
};

INF_AVX2_INLINE bool inf_avx2_has_min256(struct inf_avx2_shape shape)
{
    return shape.form == INF_FORM_S32_MIN256 || shape.form == INF_FORM_S16_MIN256;
}

/* Where the scales of eight rows go: lane r of each is row r. The next of each is `step` floats on.
 */
struct inf_avx2_scales {
    float *scale; /* one for each sub-block */
    float *min;   /* S32_MIN: one for each 32; MIN256: dmin */
    int32_t
        *pairs; /* MIN256: m of two neighbouring sub-blocks as int16, the lower in the low half */
    uint32_t step;
};

/* Sixteen rows unpacked; `half` 0 and 1 are its rows 0 to 7 and 8 to 15. */
struct inf_avx2_panel {
    uint8_t codes[INF_AVX2_CHUNK / 4][16][4];
    float scale[INF_AVX2_CHUNK / 16][16];
    float min[INF_AVX2_CHUNK / 32][16];
    int32_t pairs[INF_AVX2_CHUNK / 256 * 8][16];
};
_Static_assert(sizeof(struct inf_avx2_panel) <= INF_MATMUL_SCRATCH, "a panel fits the scratch");

/* One column of activations, at the weight that a block or chunk begins with. */
struct inf_avx2_column {
    const int8_t *q;
    const float *scale;   /* of each 32 */
    const int32_t *neg32; /* -128 * sum of each 32 */
    const int32_t *neg;   /* the same of each sub-block */
    const float *mscale;  /* of each 256, by the sub-block */
    const int32_t *xm;    /* pairs of int16 */
};

INF_AVX2_INLINE struct inf_avx2_column inf_avx2_column(const struct inf_matmul_args *a, size_t c,
                                                       uint32_t sub)
{
    const uint8_t *base = a->acts + (a->x_cols ? a->x_cols[c] : c) * inf_acts_stride(a->k);
    size_t k = a->k;
    struct inf_avx2_column x;
    x.q = (const int8_t *)base;
    x.scale = (const float *)(const void *)(base + inf_acts_scale_at(k));
    x.neg32 = (const int32_t *)(const void *)(base + inf_acts_neg32_at(k));
    x.neg = sub == 32 ? x.neg32 : (const int32_t *)(const void *)(base + inf_acts_neg16_at(k));
    size_t mscale_at = sub == 32 ? inf_acts_mscale32_at(k) : inf_acts_mscale16_at(k);
    size_t xm_at = sub == 32 ? inf_acts_xm32_at(k) : inf_acts_xm16_at(k);
    x.mscale = (const float *)(const void *)(base + mscale_at);
    x.xm = (const int32_t *)(const void *)(base + xm_at);
    return x;
}

/* Moves on by `weights` weights. */
INF_AVX2_INLINE void inf_avx2_advance(struct inf_avx2_column *x, uint32_t sub, size_t weights)
{
    x->q += weights;
    x->scale += weights / 32;
    x->neg32 += weights / 32;
    x->neg += weights / sub;
    x->mscale += weights / 256;
    x->xm += weights / 256 * (128 / sub);
}

/* ---- Bytes of eight rows ------------------------------------------------------------------- */

INF_AVX2_INLINE __m256i inf_avx2_two(const uint8_t *low, const uint8_t *high)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)low);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)high);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

/* Dwords 0 to 3 of four registers that hold 16 bytes of rows r and r + 4, to the rows' lanes. */
INF_AVX2_INLINE void inf_avx2_turn(__m256i v[4])
{
    __m256i a = _mm256_unpacklo_epi32(v[0], v[1]), b = _mm256_unpackhi_epi32(v[0], v[1]);
    __m256i c = _mm256_unpacklo_epi32(v[2], v[3]), d = _mm256_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm256_unpacklo_epi64(a, c);
    v[1] = _mm256_unpackhi_epi64(a, c);
    v[2] = _mm256_unpacklo_epi64(b, d);
    v[3] = _mm256_unpackhi_epi64(b, d);
}

/* 16 bytes at p of eight rows: v[i] = bytes 4i to 4i + 3 of each. */
INF_AVX2_INLINE void inf_avx2_load16(const uint8_t *p, size_t stride, __m256i v[4])
{
    const uint8_t *high = p + 4 * stride;
    v[0] = inf_avx2_two(p, high);
    v[1] = inf_avx2_two(p + stride, high + stride);
    v[2] = inf_avx2_two(p + 2 * stride, high + 2 * stride);
    v[3] = inf_avx2_two(p + 3 * stride, high + 3 * stride);
    inf_avx2_turn(v);
}

INF_AVX2_INLINE void inf_avx2_load32(const uint8_t *p, size_t stride, __m256i v[8])
{
    inf_avx2_load16(p, stride, v);
    inf_avx2_load16(p + 16, stride, v + 4);
}

INF_AVX2_INLINE __m128i inf_avx2_words(const uint8_t *p, size_t stride)
{
    const uint8_t *high = p + 4 * stride;
    __m128i v = _mm_cvtsi32_si128(inf_load_u16(p));
    v = _mm_insert_epi16(v, inf_load_u16(p + stride), 1);
    v = _mm_insert_epi16(v, inf_load_u16(p + 2 * stride), 2);
    v = _mm_insert_epi16(v, inf_load_u16(p + 3 * stride), 3);
    v = _mm_insert_epi16(v, inf_load_u16(high), 4);
    v = _mm_insert_epi16(v, inf_load_u16(high + stride), 5);
    v = _mm_insert_epi16(v, inf_load_u16(high + 2 * stride), 6);
    return _mm_insert_epi16(v, inf_load_u16(high + 3 * stride), 7);
}

/* A half at p of eight rows. */
INF_AVX2_INLINE __m256 inf_avx2_halves(const uint8_t *p, size_t stride)
{
    return _mm256_cvtph_ps(inf_avx2_words(p, stride));
}

/* The two halves in each dword. */
INF_AVX2_INLINE void inf_avx2_split(__m256i v, __m256 *low, __m256 *high)
{
    __m256i words = _mm256_packus_epi32(_mm256_and_si256(v, _mm256_set1_epi32(0xffff)),
                                        _mm256_srli_epi32(v, 16));
    words = _mm256_permute4x64_epi64(words, 0xd8);
    *low = _mm256_cvtph_ps(_mm256_castsi256_si128(words));
    *high = _mm256_cvtph_ps(_mm256_extracti128_si256(words, 1));
}

/* Four dwords of a small load at p, of which the type needs one or two: dword n of eight rows. */
INF_AVX2_INLINE __m256i inf_avx2_dword(const uint8_t *p, size_t stride, int n)
{
    __m256i v[4];
    inf_avx2_load16(p, stride, v);
    return v[n];
}

/* (v >> n) & mask, for bytes. */
INF_AVX2_INLINE __m256i inf_avx2_bits(__m256i v, int n, int mask)
{
    return _mm256_and_si256(n ? _mm256_srli_epi16(v, n) : v, _mm256_set1_epi8((char)mask));
}

/* Bits `mask` of (v >> n) moved up to bit 4 and above of each byte. */
INF_AVX2_INLINE __m256i inf_avx2_high(__m256i v, int n, int mask)
{
    __m256i moved = n < 4 ? _mm256_slli_epi16(v, 4 - n) : n > 4 ? _mm256_srli_epi16(v, n - 4) : v;
    return _mm256_and_si256(moved, _mm256_set1_epi8((char)(mask << 4)));
}

/* The codes of group n, from 32 bits of each row (bit l is of weight l): `value` where the bit is 1. */
INF_AVX2_INLINE __m256i inf_avx2_bit_codes(__m256i bits, uint32_t n, int value)
{
    const __m256i byte = _mm256_add_epi8(_mm256_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0,
                                                          0x0c0c0c0c, 0x08080808, 0x04040404, 0),
                                         _mm256_set1_epi8((char)(n / 2)));
    const __m256i which = _mm256_set1_epi32(n % 2 ? (int)0x80402010 : 0x08040201);
    __m256i picked = _mm256_and_si256(_mm256_shuffle_epi8(bits, byte), which);
    return _mm256_and_si256(_mm256_cmpeq_epi8(picked, which), _mm256_set1_epi8((char)value));
}
INF_AVX2_INLINE __m256i inf_avx2_fifth_bits(__m256i bits, uint32_t n)
{
    return inf_avx2_bit_codes(bits, n, 16);
}

/* The values of IQ4_NL and IQ4_XS. */
INF_AVX2_INLINE __m256i inf_avx2_iq4_values(void)
{
    return _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113));
}

/* ---- Scales --------------------------------------------------------------------------------- */

INF_AVX2_INLINE void inf_avx2_store(float *at, __m256 v)
{
    _mm256_storeu_ps(at, v);
}

/* Byte n of each dword as a dword, unsigned. */
INF_AVX2_INLINE __m256i inf_avx2_byte(__m256i v, int n)
{
    const __m256i low = _mm256_set_epi32(12, 8, 4, 0, 12, 8, 4, 0);
    const __m256i top = _mm256_set1_epi32((int)0x80808000);
    return _mm256_shuffle_epi8(v,
                               _mm256_or_si256(_mm256_add_epi32(low, _mm256_set1_epi32(n)), top));
}

/* d * (byte - offset) for the four bytes of each dword, to four scales. */
INF_AVX2_INLINE void inf_avx2_byte_scales(const struct inf_avx2_scales *s, uint32_t first, __m256 d,
                                          __m256i bytes, int offset)
{
    INF_AVX2_UNROLL
    for (int i = 0; i < 4; i++) {
        __m256i v = inf_avx2_byte(bytes, i);
        if (offset)
            v = _mm256_sub_epi32(v, _mm256_set1_epi32(offset));
        inf_avx2_store(s->scale + (first + i) * s->step, _mm256_mul_ps(d, _mm256_cvtepi32_ps(v)));
    }
}

/* The four bytes of each dword as two pairs. */
INF_AVX2_INLINE void inf_avx2_byte_pairs(const struct inf_avx2_scales *s, uint32_t first,
                                         __m256i bytes)
{
    const __m256i low = _mm256_set_epi8(-1, 13, -1, 12, -1, 9, -1, 8, -1, 5, -1, 4, -1, 1, -1, 0,
                                        -1, 13, -1, 12, -1, 9, -1, 8, -1, 5, -1, 4, -1, 1, -1, 0);
    const __m256i high = _mm256_add_epi8(
        low, _mm256_and_si256(_mm256_cmpgt_epi8(low, _mm256_set1_epi8(-1)), _mm256_set1_epi8(2)));
    int32_t *at = s->pairs + first * s->step;
    _mm256_storeu_si256((__m256i *)(void *)at, _mm256_shuffle_epi8(bytes, low));
    _mm256_storeu_si256((__m256i *)(void *)(at + s->step), _mm256_shuffle_epi8(bytes, high));
}

/* Scales and minima of Q4_K and Q5_K, whose blocks begin with the same 16 bytes. */
INF_AVX2_INLINE void inf_avx2_k_scales(const uint8_t *p, size_t stride,
                                       const struct inf_avx2_scales *s)
{
    __m256i h[4];
    inf_avx2_load16(p, stride, h);
    __m256 d, dmin;
    inf_avx2_split(h[0], &d, &dmin);
    inf_avx2_store(s->min, dmin);
    __m256i top = _mm256_set1_epi8(0x30);
    inf_avx2_byte_scales(s, 0, d, inf_avx2_bits(h[1], 0, 63), 0);
    inf_avx2_byte_scales(s, 4, d,
                         _mm256_or_si256(inf_avx2_bits(h[3], 0, 15),
                                         _mm256_and_si256(_mm256_srli_epi32(h[1], 2), top)),
                         0);
    inf_avx2_byte_pairs(s, 0, inf_avx2_bits(h[2], 0, 63));
    inf_avx2_byte_pairs(s, 2,
                        _mm256_or_si256(inf_avx2_bits(h[3], 4, 15),
                                        _mm256_and_si256(_mm256_srli_epi32(h[2], 2), top)));
}

/* ---- Codes ---------------------------------------------------------------------------------- */

/* Takes the codes of a block: into a panel (panel set), or into the sums of `cols` columns. */
struct inf_avx2_sink {
    struct inf_avx2_shape shape;
    uint32_t cols;
    uint8_t *panel;       /* group n at panel + 64 n, or NULL */
    const uint8_t *ahead; /* what is fetched during this block */
    struct inf_avx2_column x[INF_AVX2_FEW];
    struct inf_avx2_scales scales;
    __m256i words[INF_AVX2_FEW], sum[INF_AVX2_FEW]; /* of the sub-block at hand */
    __m256 acc[INF_AVX2_FEW];
};

INF_AVX2_INLINE __m256i inf_avx2_dup4(const int8_t *q)
{
    return _mm256_set1_epi32((int32_t)inf_load_u32(q));
}

/* One product of four weights a row with four activations, as int16 pairs (two lanes a row). */
INF_AVX2_INLINE __m256i inf_avx2_product(struct inf_avx2_shape shape, __m256i code, __m256i x)
{
    if (shape.sums == 1 || shape.shift < 0)
        return _mm256_maddubs_epi16(_mm256_abs_epi8(code), _mm256_sign_epi8(x, code));
    return _mm256_maddubs_epi16(code, x);
}

/* Folds product n of a sub-block into its running sums. */
INF_AVX2_INLINE void inf_avx2_fold(struct inf_avx2_shape shape, uint32_t n, __m256i product,
                                   __m256i *words, __m256i *sum)
{
    __m256i total = n % shape.sums == 0 ? product : _mm256_add_epi16(*words, product);
    __asm__("" : "+x"(total)); /* in this order, or sixty products wait in memory for their sum */
    *words = total;
    if (n % shape.sums == shape.sums - 1 || n == shape.sub / 4 - 1) {
        __m256i part = _mm256_madd_epi16(*words, _mm256_set1_epi16(1));
        *sum = n < shape.sums ? part : _mm256_add_epi32(*sum, part);
    }
}

/* acc with sub-block j of a block: its sum, its scale, and its minimum where it has one. */
INF_AVX2_INLINE __m256 inf_avx2_add_sub(struct inf_avx2_shape shape, uint32_t j,
                                        const struct inf_avx2_column *x, __m256i sum,
                                        const float *scale, const float *min, __m256 acc)
{
    if (shape.shift > 0)
        sum = _mm256_add_epi32(sum, _mm256_srai_epi32(_mm256_set1_epi32(x->neg[j]), shape.shift));
    __m256 xscale = _mm256_set1_ps(x->scale[j * shape.sub / 32]);
    acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(_mm256_loadu_ps(scale), xscale),
                          acc);
    if (shape.form == INF_FORM_S32_MIN) {
        __m256 x_sum = _mm256_set1_ps((float)-(x->neg32[j] >> 7));
        acc = _mm256_fmadd_ps(x_sum, _mm256_mul_ps(_mm256_loadu_ps(min), xscale), acc);
    }
    return acc;
}

/* acc with the minima of 256 weights; the pairs are `step` apart. */
INF_AVX2_INLINE __m256 inf_avx2_add_min256(struct inf_avx2_shape shape, uint32_t super,
                                           const struct inf_avx2_column *x, const int32_t *pairs,
                                           const float *dmin, uint32_t step, __m256 acc)
{
    uint32_t n = 128 / shape.sub;
    __m256i m = _mm256_setzero_si256();
    INF_AVX2_UNROLL
    for (uint32_t i = 0; i < n; i++) {
        __m256i pair = _mm256_loadu_si256((const __m256i *)(const void *)(pairs + i * step));
        m = _mm256_add_epi32(m, _mm256_madd_epi16(pair, _mm256_set1_epi32(x->xm[super * n + i])));
    }
    __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(dmin), _mm256_set1_ps(x->mscale[super]));
    return _mm256_fnmadd_ps(_mm256_cvtepi32_ps(m), scale, acc);
}

/* What group n has to fetch of a block's bytes ahead: of a large block its share, of a small one all
 * lines that begin there with the first group. */
INF_AVX2_INLINE void inf_avx2_prefetch(const struct inf_avx2_sink *s, uint32_t n)
{
    const uint32_t bytes = 8 * s->shape.bytes, lines = (bytes + 63) / 64;
    if (s->shape.weights == 256) {
        INF_AVX2_UNROLL
        for (uint32_t l = n * lines / 64; l < (n + 1) * lines / 64; l++)
            _mm_prefetch((const char *)s->ahead + 64 * l, _MM_HINT_T1);
    } else if (n == 0) {
        uintptr_t end = (uintptr_t)s->ahead + bytes;
        for (uintptr_t at = ((uintptr_t)s->ahead + 63) & ~(uintptr_t)63; at < end; at += 64)
            _mm_prefetch((const char *)at, _MM_HINT_T1);
    }
}

/* Product n of column c to its sums, and at the end of a sub-block those to its result. */
INF_AVX2_INLINE void inf_avx2_put_product(struct inf_avx2_sink *s, uint32_t n, uint32_t c,
                                          __m256i product)
{
    uint32_t groups = s->shape.sub / 4, j = n / groups, i = n % groups;
    const struct inf_avx2_scales *scales = &s->scales;
    inf_avx2_fold(s->shape, i, product, &s->words[c], &s->sum[c]);
    if (i == groups - 1)
        s->acc[c] =
            inf_avx2_add_sub(s->shape, j, &s->x[c], s->sum[c], scales->scale + j * scales->step,
                             scales->min + j * scales->step, s->acc[c]);
}

/* Group n of four weights of the block, for eight rows; called with n = 0, 1, 2 and so on. */
INF_AVX2_INLINE void inf_avx2_put(struct inf_avx2_sink *s, uint32_t n, __m256i code)
{
    inf_avx2_prefetch(s, n);
    if (s->panel) {
        _mm256_store_si256((__m256i *)(void *)(s->panel + 64 * n), code);
        return;
    }
    for (uint32_t c = 0; c < s->cols; c++)
        inf_avx2_put_product(s, n, c,
                             inf_avx2_product(s->shape, code, inf_avx2_dup4(s->x[c].q + 4 * n)));
}

/* ---- Loops over a matrix ----------------------------------------------------------------------
 */

typedef void inf_avx2_scales_fn(const uint8_t *p, size_t stride, const struct inf_avx2_scales *s);
typedef void inf_avx2_codes_fn(const uint8_t *p, size_t stride, struct inf_avx2_sink *s);

#define INF_AVX2_TAIL 256 /* bytes for a block of one row where rows are too few */

/* Block `p` of the `rows` < 8 rows that there are, copied to eight places. */
INF_AVX2_INLINE void inf_avx2_copy_tail(const uint8_t *p, size_t stride, size_t rows,
                                        uint32_t bytes, uint8_t tail[8 * INF_AVX2_TAIL])
{
    for (size_t r = 0; r < rows; r++)
        memcpy(tail + r * INF_AVX2_TAIL, p + r * stride, bytes);
}

static inline __m256i inf_avx2_row_mask(size_t rows)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(rows < 8 ? rows : 8)),
                              _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

/* A few columns, `cols` a constant. While eight rows are worked on, the next eight, which lie
 * behind them, are fetched in order of address. */
INF_AVX2_INLINE void inf_avx2_few_columns(struct inf_avx2_shape shape, const uint32_t cols,
                                          const struct inf_matmul_args *a,
                                          inf_avx2_scales_fn *get_scales,
                                          inf_avx2_codes_fn *get_codes)
{
    float scale[16 * 8], min[8];
    int32_t pairs[8 * 8];
    uint8_t tail[8 * INF_AVX2_TAIL];
    if (a->rows % 8)
        memset(tail, 0, sizeof tail);
    for (size_t r = 0; r < a->rows; r += 8) {
        size_t rows = a->rows - r;
        const uint8_t *p = a->w + r * a->row_bytes;
        struct inf_avx2_sink sink = {.shape = shape,
                                     .cols = cols,
                                     .scales = {scale, min, pairs, 8},
                                     .ahead = p + 8 * a->row_bytes};
        inf_prefetch_row_pages(a->w, r, a->row_bytes);
        INF_AVX2_UNROLL
        for (uint32_t c = 0; c < cols; c++) {
            sink.x[c] = inf_avx2_column(a, c, shape.sub);
            sink.acc[c] = _mm256_setzero_ps();
        }
        for (size_t b = 0; b < a->k / shape.weights; b++, p += shape.bytes) {
            const uint8_t *from = p;
            size_t stride = a->row_bytes;
            if (rows < 8) {
                inf_avx2_copy_tail(p, stride, rows, shape.bytes, tail);
                from = tail;
                stride = INF_AVX2_TAIL;
            }
            get_scales(from, stride, &sink.scales);
            get_codes(from, stride, &sink);
            INF_AVX2_UNROLL
            for (uint32_t c = 0; c < cols; c++) {
                if (inf_avx2_has_min256(shape))
                    sink.acc[c] =
                        inf_avx2_add_min256(shape, 0, &sink.x[c], pairs, min, 8, sink.acc[c]);
                inf_avx2_advance(&sink.x[c], shape.sub, shape.weights);
            }
            sink.ahead += 8 * shape.bytes;
        }
        INF_AVX2_UNROLL
        for (uint32_t c = 0; c < cols; c++) {
            float *out = a->out + (a->out_cols ? a->out_cols[c] : c) * a->out_stride + r;
            if (rows >= 8)
                _mm256_storeu_ps(out, sink.acc[c]);
            else
                _mm256_maskstore_ps(out, inf_avx2_row_mask(rows), sink.acc[c]);
        }
    }
}

/* Unpacks `blocks` blocks at p of eight rows into half of a panel, and fetches as many bytes at
 * `ahead`. */
typedef void inf_avx2_unpack_fn(const uint8_t *p, size_t stride, size_t rows, size_t blocks,
                                const uint8_t *ahead, struct inf_avx2_panel *panel, size_t half);

INF_AVX2_INLINE void inf_avx2_unpack(struct inf_avx2_shape shape, const uint8_t *p, size_t stride,
                                     size_t rows, size_t blocks, const uint8_t *ahead,
                                     struct inf_avx2_panel *panel, size_t half,
                                     inf_avx2_scales_fn *get_scales, inf_avx2_codes_fn *get_codes)
{
    uint8_t tail[8 * INF_AVX2_TAIL];
    if (rows < 8)
        memset(tail, 0, sizeof tail);
    struct inf_avx2_sink sink = {
        .shape = shape, .panel = panel->codes[0][8 * half], .ahead = ahead};
    struct inf_avx2_scales scales = {&panel->scale[0][8 * half], &panel->min[0][8 * half],
                                     &panel->pairs[0][8 * half], 16};
    for (size_t b = 0; b < blocks; b++, p += shape.bytes) {
        const uint8_t *from = p;
        size_t from_stride = stride;
        if (rows < 8) {
            inf_avx2_copy_tail(p, stride, rows, shape.bytes, tail);
            from = tail;
            from_stride = INF_AVX2_TAIL;
        }
        get_scales(from, from_stride, &scales);
        get_codes(from, from_stride, &sink);
        sink.panel += 16 * shape.weights;
        sink.ahead += 8 * shape.bytes;
        scales.scale += shape.weights / shape.sub * 16;
        scales.min += shape.form == INF_FORM_S32_MIN ? shape.weights / 32 * 16 : 16;
        scales.pairs += 128 / shape.sub * 16;
    }
}

/* acc[c] (16 floats) += `weights` weights of the panel times column x[c]; cols <= INF_AVX2_COLS. */
#define INF_AVX2_COLS 4
typedef void inf_avx2_tile_fn(const struct inf_avx2_panel *panel, size_t weights,
                              const struct inf_avx2_column *x, size_t cols, float (*acc)[16]);

/* The tiles: bits of a code (8: signed) and form. */
inf_avx2_tile_fn inf_avx2_tile_q4_0, inf_avx2_tile_q4_1, inf_avx2_tile_q5_0, inf_avx2_tile_q5_1,
    inf_avx2_tile_q8_0, inf_avx2_tile_q2_k, inf_avx2_tile_q3_k, inf_avx2_tile_q4_k,
    inf_avx2_tile_q5_k, inf_avx2_tile_q6_k, inf_avx2_tile_iq2_xs, inf_avx2_tile_iq3_xxs,
    inf_avx2_tile_nvfp4, inf_avx2_tile_tq2_0;

/* The shapes of types, or of those that are alike. */
#define INF_AVX2_SHAPE_Q4_0                                                                        \
    {                                                                                              \
        32, 18, 32, 8, 4, INF_FORM_S32                                                             \
    }
#define INF_AVX2_SHAPE_Q4_1                                                                        \
    {                                                                                              \
        32, 20, 32, 8, 0, INF_FORM_S32_MIN                                                         \
    }
#define INF_AVX2_SHAPE_Q5_0                                                                        \
    {                                                                                              \
        32, 22, 32, 4, 3, INF_FORM_S32                                                             \
    }
#define INF_AVX2_SHAPE_Q5_1                                                                        \
    {                                                                                              \
        32, 24, 32, 4, 0, INF_FORM_S32_MIN                                                         \
    }
#define INF_AVX2_SHAPE_Q8_0                                                                        \
    {                                                                                              \
        32, 34, 32, 1, 0, INF_FORM_S32                                                             \
    }
#define INF_AVX2_SHAPE_Q2_K                                                                        \
    {                                                                                              \
        256, 84, 16, 8, 0, INF_FORM_S16_MIN256                                                     \
    }
#define INF_AVX2_SHAPE_Q3_K                                                                        \
    {                                                                                              \
        256, 110, 16, 8, 5, INF_FORM_S16                                                           \
    }
#define INF_AVX2_SHAPE_Q4_K                                                                        \
    {                                                                                              \
        256, 144, 32, 8, 0, INF_FORM_S32_MIN256                                                    \
    }
#define INF_AVX2_SHAPE_Q5_K                                                                        \
    {                                                                                              \
        256, 176, 32, 4, 0, INF_FORM_S32_MIN256                                                    \
    }
#define INF_AVX2_SHAPE_Q6_K                                                                        \
    {                                                                                              \
        256, 210, 16, 2, 2, INF_FORM_S16                                                           \
    }
#define INF_AVX2_SHAPE_IQ4_NL                                                                      \
    {                                                                                              \
        32, 18, 32, 1, 0, INF_FORM_S32                                                             \
    }
#define INF_AVX2_SHAPE_IQ4_XS                                                                      \
    {                                                                                              \
        256, 136, 32, 1, 0, INF_FORM_S32                                                           \
    }
#define INF_AVX2_SHAPE_MXFP4                                                                       \
    {                                                                                              \
        32, 17, 32, 4, 3, INF_FORM_S32                                                             \
    }
#define INF_AVX2_SHAPE_NVFP4                                                                       \
    {                                                                                              \
        64, 36, 16, 4, 3, INF_FORM_S16                                                             \
    }
#define INF_AVX2_SHAPE_TQ1_0                                                                       \
    {                                                                                              \
        256, 54, 32, 8, 7, INF_FORM_S32                                                            \
    }
#define INF_AVX2_SHAPE_TQ2_0                                                                       \
    {                                                                                              \
        256, 66, 32, 8, 7, INF_FORM_S32                                                            \
    }
#define INF_AVX2_SHAPE_Q1_0                                                                        \
    {                                                                                              \
        128, 18, 32, 8, 7, INF_FORM_S32                                                            \
    }
#define INF_AVX2_SHAPE_Q2_0                                                                        \
    {                                                                                              \
        64, 18, 32, 8, 7, INF_FORM_S32                                                             \
    }

#define INF_AVX2_SHAPE_IQ1_S                                                                       \
    {                                                                                              \
        256, 50, 32, 4, 3, INF_FORM_S32                                                            \
    }
#define INF_AVX2_SHAPE_IQ1_M                                                                       \
    {                                                                                              \
        256, 56, 16, 4, 3, INF_FORM_S16                                                            \
    }
#define INF_AVX2_SHAPE_IQ2_XXS                                                                     \
    {                                                                                              \
        256, 66, 32, 3, -1, INF_FORM_S32                                                           \
    }
#define INF_AVX2_SHAPE_IQ2_XS                                                                      \
    {                                                                                              \
        256, 74, 16, 2, -1, INF_FORM_S16                                                           \
    }
#define INF_AVX2_SHAPE_IQ2_S                                                                       \
    {                                                                                              \
        256, 82, 16, 2, -1, INF_FORM_S16                                                           \
    }
#define INF_AVX2_SHAPE_IQ3_XXS                                                                     \
    {                                                                                              \
        256, 98, 32, 2, -1, INF_FORM_S32                                                           \
    }
#define INF_AVX2_SHAPE_IQ3_S                                                                       \
    {                                                                                              \
        256, 110, 32, 8, -1, INF_FORM_S32                                                          \
    }

/* Two columns or more: panels of 16 rows by INF_AVX2_CHUNK weights. */
void inf_avx2_panels(const struct inf_matmul_args *a, struct inf_avx2_shape shape,
                     inf_avx2_unpack_fn *unpack, inf_avx2_tile_fn *tile);

/* The kernel of a type whose file has the functions `scales` and `codes`, by the tile of a type
 * that multiplies alike. */
#define INF_AVX2_MATMUL(name, NAME, tile)                                                          \
    static void unpack(const uint8_t *p, size_t stride, size_t rows, size_t blocks,                \
                       const uint8_t *ahead, struct inf_avx2_panel *panel, size_t half)            \
    {                                                                                              \
        const struct inf_avx2_shape shape = INF_AVX2_SHAPE_##NAME;                                 \
        inf_avx2_unpack(shape, p, stride, rows, blocks, ahead, panel, half, scales, codes);        \
    }                                                                                              \
    inf_matmul_fn inf_k_matmul_##name##_avx2;                                                      \
    void inf_k_matmul_##name##_avx2(const struct inf_matmul_args *a)                               \
    {                                                                                              \
        const struct inf_avx2_shape shape = INF_AVX2_SHAPE_##NAME;                                 \
        if (a->cols > INF_AVX2_FEW)                                                                \
            inf_avx2_panels(a, shape, unpack, inf_avx2_tile_##tile);                               \
        else if (a->cols == 2)                                                                     \
            inf_avx2_few_columns(shape, 2, a, scales, codes);                                      \
        else if (a->cols == 1)                                                                     \
            inf_avx2_few_columns(shape, 1, a, scales, codes);                                      \
    }

#endif
