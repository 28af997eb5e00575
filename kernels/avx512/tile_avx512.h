/*
 * The integer matrix product with AVX-512 VNNI: the parts that all weight types share.
 *
 * Sixteen rows are worked on at a time, rows in the lanes. Sixteen bytes of each row, as they lie
 * in the file, are transposed into four registers (a quad), so that a dword of a register is four
 * neighbouring bytes of one row; a type turns such bytes into weights, u8, and gives them to
 * inf_put16 or inf_put32 (16 or 32 weights: a sub-block). Codes are as they stand in the file: what
 * a signed type subtracts is 128 >> OWED, and is owed by way of neg16 and neg32 of kernel.h.
 *
 *     few columns:  the weights meet the columns where they are, in registers (rows_avx512.h)
 *     many:         32 rows of a stretch of k become a panel of u8 in the thread's scratch, which
 *                   a tile of 32 rows x 6 columns reads again and again (tile_avx512.c)
 *
 * Work goes in steps of 256 weights (the last may have less): scales first, then weights.
 */
#ifndef INF_TILE_AVX512_H
#define INF_TILE_AVX512_H

#include "kernels/kernel.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

#define INF_UNROLL _Pragma("GCC unroll 24")
#define INF_INLINE static inline __attribute__((always_inline))

#define INF_STEP 256        /* weights of a step */
#define INF_PANEL_K 4096    /* weights of a row of a panel, at most */
#define INF_PANEL_K_FEW 512 /* the same for few columns, which reread it from the first cache */
#define INF_TILE_COLS 6     /* columns of a tile */
#define INF_ROWS_COLS 4     /* columns that meet the weights without a panel */
#define INF_STEP_STRIDE 320 /* bytes of a step, at most */
#define INF_OWED_NONE 255   /* of a type without an offset */

/* Whether a form has a scale for each 16 weights. */
#define INF_FORM_SUB(form) ((form) == INF_FORM_S16 || (form) == INF_FORM_S16_MIN256 ? 16u : 32u)

/* Bytes 0..3, 4..7, 8..11 and 12..15 of 16 rows: a dword of each row in each register. */
struct inf_quad {
    __m512i a, b, c, d;
};

/* Sixteen rows at the current step: row r is at w + r * stride. Each row is one of five pointers and
 * 0, 1, 2, 4 or 8 strides, which an address of x86 can say. */
struct inf_rows16 {
    const uint8_t *w, *w3, *w5, *w6, *w11; /* rows 0, 3, 5, 6 and 11 */
    size_t stride;
};

static inline struct inf_rows16 inf_rows16(const uint8_t *w, size_t stride)
{
    return (struct inf_rows16){
        w, w + 3 * stride, w + 5 * stride, w + 6 * stride, w + 11 * stride, stride};
}

/* The scales of a step of 16 rows, a vector of 16 floats each. Vector j of scale and min is at
 * j * 16 * gap (gap = 2 in a panel, which has two groups of 16 rows side by side). */
struct inf_heads {
    size_t gap;
    float *scale;  /* (256 / sub, 16) */
    float *min;    /* S32_MIN: (8, 16) */
    float *dmin;   /* the MIN256 forms: (16) */
    int16_t *mins; /* and their m: (128 / sub, 16, 2), pairs of sub-blocks */
};

/* Where weights go. */
struct inf_sink {
    uint8_t *panel;                  /* without columns: (64, 2, 16, 4), at this half of the rows */
    const uint8_t *x[INF_ROWS_COLS]; /* int8 of the columns at this step */
    int32_t (*owed)[2][16]; /* (column, 2, 16): what their sums begin with, and 16 times it */
    int32_t *sums;          /* (column, 16, 16): products of the sub-blocks with x */
    uintptr_t ahead;        /* address that the next step's bytes are fetched from */
    size_t fetched;         /* bytes of this step for which that is done */
};

/* How a kernel uses the thread's scratch. */
struct inf_scratch_avx512 {
    uint8_t q[INF_PANEL_K * 32];
    float scale[INF_PANEL_K / 16 * 32];
    float min[INF_PANEL_K / 32 * 32];
    float dmin[INF_PANEL_K / 256 * 32];
    int16_t mins[INF_PANEL_K / 16 * 32];
    int32_t sums[INF_ROWS_COLS * 16 * 16];
    uint8_t rows[16 * INF_STEP_STRIDE]; /* a step of 16 rows, some of which do not exist */
};
_Static_assert(sizeof(struct inf_scratch_avx512) <= INF_MATMUL_SCRATCH, "too much scratch");

/* The first n of sixteen lanes. */
static inline __mmask16 inf_lanes(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
}

/* ---- Bytes of 16 rows ------------------------------------------------------------------------ */

/* By way of 256 bits: Zen 4 takes a third less time for it than for three inserts to 512. */
INF_INLINE __m512i inf_load_lanes(const uint8_t *w0, const uint8_t *w1, const uint8_t *w2,
                                  const uint8_t *w3)
{
    __m128i v0 = _mm_loadu_si128((const __m128i *)w0), v1 = _mm_loadu_si128((const __m128i *)w1);
    __m128i v2 = _mm_loadu_si128((const __m128i *)w2), v3 = _mm_loadu_si128((const __m128i *)w3);
    __m256i v01 = _mm256_inserti128_si256(_mm256_castsi128_si256(v0), v1, 1);
    __m256i v23 = _mm256_inserti128_si256(_mm256_castsi128_si256(v2), v3, 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(v01), v23, 1);
}

/* Bytes at..at + 15 of 16 rows. Parts that are not used cost nothing. */
INF_INLINE struct inf_quad inf_quad_load(struct inf_rows16 rows, size_t at)
{
    const uint8_t *w = rows.w + at, *w3 = rows.w3 + at, *w5 = rows.w5 + at;
    const uint8_t *w6 = rows.w6 + at, *w11 = rows.w11 + at;
    size_t s = rows.stride;
    /* Hidden from the compiler, which else keeps 16 pointers at hand and has no room for them. */
    __asm__("" : "+r"(s));
    __m512i r0 = inf_load_lanes(w, w + 4 * s, w + 8 * s, w11 + s);
    __m512i r1 = inf_load_lanes(w + s, w3 + 2 * s, w5 + 4 * s, w5 + 8 * s);
    __m512i r2 = inf_load_lanes(w + 2 * s, w6, w6 + 4 * s, w6 + 8 * s);
    __m512i r3 = inf_load_lanes(w3, w3 + 4 * s, w11, w11 + 4 * s);
    __m512i ab01 = _mm512_unpacklo_epi32(r0, r1), cd01 = _mm512_unpackhi_epi32(r0, r1);
    __m512i ab23 = _mm512_unpacklo_epi32(r2, r3), cd23 = _mm512_unpackhi_epi32(r2, r3);
    return (struct inf_quad){_mm512_unpacklo_epi64(ab01, ab23), _mm512_unpackhi_epi64(ab01, ab23),
                             _mm512_unpacklo_epi64(cd01, cd23), _mm512_unpackhi_epi64(cd01, cd23)};
}

/* The u16 at `at` of 16 rows. */
INF_INLINE __m256i inf_u16_load(struct inf_rows16 rows, size_t at)
{
    const uint8_t *w = rows.w + at;
    size_t s = rows.stride;
    __asm__("" : "+r"(w)); /* as in inf_quad_load */
    const uint8_t *w8 = w + 8 * s;
    __m128i low = _mm_setzero_si128(), high = low;
#define LANE(i)                                                                                    \
    low = _mm_insert_epi16(low, inf_load_u16(w + (i)*s), i);                                       \
    high = _mm_insert_epi16(high, inf_load_u16(w8 + (i)*s), i)
    LANE(0);
    LANE(1);
    LANE(2);
    LANE(3);
    LANE(4);
    LANE(5);
    LANE(6);
    LANE(7);
#undef LANE
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* The byte at `at` of 16 rows, as dwords. */
INF_INLINE __m512i inf_u8_load(struct inf_rows16 rows, size_t at)
{
    const uint8_t *w = rows.w + at;
    size_t s = rows.stride;
    __asm__("" : "+r"(w));
    const uint8_t *w8 = w + 8 * s;
    __m128i low = _mm_setzero_si128(), high = low;
#define LANE(i)                                                                                    \
    low = _mm_insert_epi8(low, w[(i)*s], i);                                                       \
    high = _mm_insert_epi8(high, w8[(i)*s], i)
    LANE(0);
    LANE(1);
    LANE(2);
    LANE(3);
    LANE(4);
    LANE(5);
    LANE(6);
    LANE(7);
#undef LANE
    return _mm512_cvtepu8_epi32(_mm_unpacklo_epi64(low, high));
}

INF_INLINE __m512 inf_half_load(struct inf_rows16 rows, size_t at)
{
    return _mm512_cvtph_ps(inf_u16_load(rows, at));
}

/* The lower (upper) halves of 16 dwords as floats. */
INF_INLINE __m512 inf_half_low(__m512i v)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v));
}
INF_INLINE __m512 inf_half_high(__m512i v)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(v, 16)));
}

/*
 * The bytes of a step of small blocks. A whole step is read as one run, which takes less than
 * to read each block, and its scale, apart: d[i] is bytes 4i to 4i + 3 of the rows. What is at hand are
 * the blocks up to the one that was loaded last; all is unrolled, so that d is registers.
 */
#define INF_BLOCK_MOST 34
struct inf_run {
    struct inf_rows16 rows;
    bool whole; /* known when compiled */
    __m512i d[2 * INF_BLOCK_MOST];
};

/* Block j of `count` of `bytes` bytes; j = 0, 1, 2 and so on. No byte behind the run is read. */
INF_INLINE void inf_run_load(struct inf_run *run, unsigned bytes, unsigned count, unsigned j)
{
    INF_UNROLL
    for (unsigned i = 0; i < 3; i++) { /* a block ends in three quads at most */
        unsigned at = (j * bytes + 15) / 16 * 16 + 16 * i;
        if (at >= (j + 1) * bytes)
            break;
        at = at + 16 > count * bytes ? count * bytes - 16 : at;
        struct inf_quad q = inf_quad_load(run->rows, at);
        run->d[at / 4] = q.a;
        run->d[at / 4 + 1] = q.b;
        run->d[at / 4 + 2] = q.c;
        run->d[at / 4 + 3] = q.d;
    }
}

/* Dwords of b:a shifted right by n = 8, 16 or 24 bits; a compiler may want its number in the call. */
INF_INLINE __m512i inf_shift_pair(__m512i a, __m512i b, unsigned n)
{
    switch (n) {
    case 8:
        return _mm512_shrdi_epi32(a, b, 8);
    case 16:
        return _mm512_shrdi_epi32(a, b, 16);
    default:
        return _mm512_shrdi_epi32(a, b, 24);
    }
}

/* Bytes at..at + 15. */
INF_INLINE struct inf_quad inf_run_quad(const struct inf_run *run, unsigned at)
{
    if (!run->whole)
        return inf_quad_load(run->rows, at);
    const __m512i *d = run->d + at / 4;
    unsigned n = at % 4 * 8;
    if (n == 0)
        return (struct inf_quad){d[0], d[1], d[2], d[3]};
    return (struct inf_quad){inf_shift_pair(d[0], d[1], n), inf_shift_pair(d[1], d[2], n),
                             inf_shift_pair(d[2], d[3], n), inf_shift_pair(d[3], d[4], n)};
}

/* The dword, half or byte (as a dword) at `at`; a half does not cross dwords of a run. */
INF_INLINE __m512i inf_run_dword(const struct inf_run *run, unsigned at)
{
    return inf_run_quad(run, at).a;
}
INF_INLINE __m512 inf_run_half(const struct inf_run *run, unsigned at)
{
    if (!run->whole)
        return inf_half_load(run->rows, at);
    return at % 4 ? inf_half_high(run->d[at / 4]) : inf_half_low(run->d[at / 4]);
}
INF_INLINE __m512i inf_run_byte(const struct inf_run *run, unsigned at)
{
    if (!run->whole)
        return inf_u8_load(run->rows, at);
    return _mm512_and_si512(_mm512_srli_epi32(run->d[at / 4], at % 4 * 8), _mm512_set1_epi32(0xff));
}

/* ---- Numbers in bytes -------------------------------------------------------------------------
 */

INF_INLINE __m512i inf_and8(__m512i v, unsigned mask)
{
    return _mm512_and_si512(v, _mm512_set1_epi8((char)mask));
}

/* Every byte shifted; bits that come from a neighbour are masked away by the caller. */
INF_INLINE __m512i inf_right(__m512i v, unsigned n)
{
    return n ? _mm512_srli_epi16(v, n) : v;
}
INF_INLINE __m512i inf_left(__m512i v, unsigned n)
{
    return n ? _mm512_slli_epi16(v, n) : v;
}

/* base | v & mask */
INF_INLINE __m512i inf_or_and8(__m512i base, __m512i v, unsigned mask)
{
    return _mm512_ternarylogic_epi32(base, v, _mm512_set1_epi8((char)mask), 0xf8);
}

INF_INLINE struct inf_quad inf_quad_and(struct inf_quad q, unsigned mask)
{
    return (struct inf_quad){inf_and8(q.a, mask), inf_and8(q.b, mask), inf_and8(q.c, mask),
                             inf_and8(q.d, mask)};
}

/* Every byte + 128. */
INF_INLINE struct inf_quad inf_quad_flip(struct inf_quad q)
{
    __m512i top = _mm512_set1_epi8(-128);
    return (struct inf_quad){_mm512_xor_si512(q.a, top), _mm512_xor_si512(q.b, top),
                             _mm512_xor_si512(q.c, top), _mm512_xor_si512(q.d, top)};
}

/* (q >> n) & mask */
INF_INLINE struct inf_quad inf_quad_field(struct inf_quad q, unsigned n, unsigned mask)
{
    return inf_quad_and((struct inf_quad){inf_right(q.a, n), inf_right(q.b, n), inf_right(q.c, n),
                                          inf_right(q.d, n)},
                        mask);
}

/* base | q & mask */
INF_INLINE struct inf_quad inf_quad_or(struct inf_quad base, struct inf_quad q, unsigned mask)
{
    return (struct inf_quad){inf_or_and8(base.a, q.a, mask), inf_or_and8(base.b, q.b, mask),
                             inf_or_and8(base.c, q.c, mask), inf_or_and8(base.d, q.d, mask)};
}

/* base | (q >> n) & mask; n < 0 shifts to the left */
INF_INLINE struct inf_quad inf_quad_join(struct inf_quad base, struct inf_quad q, int n,
                                         unsigned mask)
{
    unsigned left = n < 0 ? (unsigned)-n : 0, right = n > 0 ? (unsigned)n : 0;
    q = (struct inf_quad){
        inf_left(inf_right(q.a, right), left), inf_left(inf_right(q.b, right), left),
        inf_left(inf_right(q.c, right), left), inf_left(inf_right(q.d, right), left)};
    return inf_quad_or(base, q, mask);
}

/* table[(byte >> n) & 15] of a table that stands four times in the register: bits above are not
 * looked at. */
INF_INLINE struct inf_quad inf_quad_lookup(struct inf_quad q, unsigned n, __m512i table)
{
    return (struct inf_quad){_mm512_permutexvar_epi8(inf_right(q.a, n), table),
                             _mm512_permutexvar_epi8(inf_right(q.b, n), table),
                             _mm512_permutexvar_epi8(inf_right(q.c, n), table),
                             _mm512_permutexvar_epi8(inf_right(q.d, n), table)};
}

/* Sixteen int8 as such a table of u8 = number + 128. */
INF_INLINE __m512i inf_table(const int8_t numbers[16])
{
    __m512i v = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)numbers));
    return _mm512_xor_si512(v, _mm512_set1_epi8(-128));
}

/* Bits `first` + n * each and above of a dword of each row to bit 0 and above of byte n of the quad;
 * what stands above them is junk. */
INF_INLINE struct inf_quad inf_quad_spread(__m512i bits, unsigned first, unsigned each)
{
    /* A byte is the 8 bits of its qword (two rows) from a place on that wraps around. */
    const int64_t one = 0x0101010101010101;
    __m512i at = _mm512_set1_epi64(0x2020202000000000 + first * one + each * 0x0302010003020100);
    __m512i next = _mm512_set1_epi64(4 * each * one);
    struct inf_quad q;
    q.a = _mm512_multishift_epi64_epi8(at, bits);
    at = _mm512_add_epi8(at, next);
    q.b = _mm512_multishift_epi64_epi8(at, bits);
    at = _mm512_add_epi8(at, next);
    q.c = _mm512_multishift_epi64_epi8(at, bits);
    q.d = _mm512_multishift_epi64_epi8(_mm512_add_epi8(at, next), bits);
    return q;
}

/* Bit `first` + i of a dword of each row to bit 4 of byte i of the quad; the other bits are junk. */
INF_INLINE struct inf_quad inf_quad_bits(__m512i bits, unsigned first)
{
    return inf_quad_spread(bits, first + 60, 1); /* 4 less, modulo 64 */
}

/* ---- Weights to their place ------------------------------------------------------------------ */

INF_INLINE void inf_store_quad(uint8_t *panel, struct inf_quad q, unsigned shift, unsigned owed)
{
    __m512i v[4] = {q.a, q.b, q.c, q.d};
    for (int i = 0; i < 4; i++) {
        if (shift)
            v[i] = _mm512_srli_epi16(v[i], shift);
        if (owed != INF_OWED_NONE && owed != 0)
            v[i] = _mm512_add_epi8(v[i], _mm512_set1_epi8((char)(128 - (128 >> owed))));
        _mm512_storeu_si512(panel + i * 128, v[i]);
    }
}

INF_INLINE __m512i inf_dot_quad(__m512i sum, struct inf_quad q, const uint8_t *x)
{
    sum = _mm512_dpbusd_epi32(sum, q.a, _mm512_set1_epi32((int)inf_load_u32(x)));
    sum = _mm512_dpbusd_epi32(sum, q.b, _mm512_set1_epi32((int)inf_load_u32(x + 4)));
    sum = _mm512_dpbusd_epi32(sum, q.c, _mm512_set1_epi32((int)inf_load_u32(x + 8)));
    return _mm512_dpbusd_epi32(sum, q.d, _mm512_set1_epi32((int)inf_load_u32(x + 12)));
}

/* What the sum of sub-block j with column c begins with, of codes that are `shift` bits too high: only
 * those of four bits are, whose offset is 128 >> owed <= 8. */
INF_INLINE __m512i inf_owed(const struct inf_sink *sink, unsigned owed, unsigned c, unsigned j,
                            unsigned shift)
{
    return owed == INF_OWED_NONE ? _mm512_setzero_si512()
                                 : _mm512_set1_epi32(sink->owed[c][shift != 0][j]);
}

/* The same for all of a step's sub-blocks, from their sums of -128 * x. */
INF_INLINE void inf_put_owed(int32_t out[2][16], unsigned owed, const uint8_t *neg, unsigned count)
{
    __m512i v = _mm512_maskz_loadu_epi32(inf_lanes(count), neg);
    _mm512_store_si512(out[0], _mm512_srai_epi32(v, owed));
    if (owed >= 4)
        _mm512_store_si512(out[1], _mm512_srai_epi32(v, owed - 4));
    /* Else the compiler permutes v for each sub-block, where a load spreads a number for nothing. */
    __asm__("" : "+m"(*(int32_t(*)[2][16])out));
}

/* Numbers 4b + j of each 16 to 4j + b, of a step; returns `to`. */
INF_INLINE const uint8_t *inf_turn(uint8_t *to, const uint8_t *x)
{
    __m512i from = _mm512_set4_epi32(0x0f0b0703, 0x0e0a0602, 0x0d090501, 0x0c080400);
    for (unsigned i = 0; i < INF_STEP; i += 64)
        _mm512_store_si512(to + i, _mm512_shuffle_epi8(_mm512_loadu_si512(x + i), from));
    __asm__("" : "+m"(*(uint8_t(*)[INF_STEP])to)); /* as in inf_put_owed */
    return to;
}

/* Exact: the lower bits of a sum of shifted codes are 0. */
INF_INLINE __m512i inf_shifted(__m512i sum, unsigned shift)
{
    return shift ? _mm512_srai_epi32(sum, shift) : sum;
}

/*
 * Sixteen rows are sixteen streams, which no prefetcher of a core follows; so the bytes of the next
 * rows are fetched in the order of their addresses and at the pace of these, a few lines at a time,
 * into the second cache. Behind the last rows of a call the next call's or the next matrix's bytes
 * are likely to follow; where nothing follows, the instruction does nothing.
 */
INF_INLINE void inf_prefetch(struct inf_sink *sink, size_t bytes)
{
    size_t first = (sink->fetched + 63) / 64, end = (sink->fetched + bytes + 63) / 64;
    for (size_t line = first; line < end; line++)
        _mm_prefetch((const char *)(sink->ahead + line * 64), _MM_HINT_T1);
    sink->fetched += bytes;
}

/* The step is done: on to the bytes of the next. */
INF_INLINE void inf_prefetch_step(struct inf_sink *sink)
{
    sink->ahead += sink->fetched;
    sink->fetched = 0;
}

/* Sub-block j of 32 (16) weights; the bytes of p are p_shift bits too high, their lower bits 0, and
 * so with q. cols = 0: to the panel. ahead: bytes to prefetch. */
INF_INLINE void inf_put32(struct inf_sink *sink, unsigned cols, unsigned owed, size_t ahead,
                          unsigned j, struct inf_quad p, unsigned p_shift, struct inf_quad q,
                          unsigned q_shift)
{
    inf_prefetch(sink, ahead);
    if (!cols) {
        inf_store_quad(sink->panel + j * 1024, p, p_shift, owed);
        inf_store_quad(sink->panel + j * 1024 + 512, q, q_shift, owed);
        return;
    }
    for (unsigned c = 0; c < cols; c++) {
        const uint8_t *x = sink->x[c] + 32 * j;
        __m512i sum = inf_dot_quad(inf_owed(sink, owed, c, j, p_shift), p, x);
        if (p_shift != q_shift) {
            __m512i other = inf_dot_quad(_mm512_setzero_si512(), q, x + 16);
            sum = inf_shifted(sum, p_shift);
            sum = _mm512_add_epi32(sum, inf_shifted(other, q_shift));
        } else {
            sum = inf_shifted(inf_dot_quad(sum, q, x + 16), q_shift);
        }
        _mm512_store_si512(sink->sums + (c * 16 + j) * 16, sum);
    }
}

INF_INLINE void inf_put16(struct inf_sink *sink, unsigned cols, unsigned owed, size_t ahead,
                          unsigned j, struct inf_quad q, unsigned shift)
{
    inf_prefetch(sink, ahead);
    if (!cols) {
        inf_store_quad(sink->panel + j * 512, q, shift, owed);
        return;
    }
    for (unsigned c = 0; c < cols; c++) {
        __m512i sum = inf_dot_quad(inf_owed(sink, owed, c, j, shift), q, sink->x[c] + 16 * j);
        _mm512_store_si512(sink->sums + (c * 16 + j) * 16, inf_shifted(sum, shift));
    }
}

/* The same with the constants of a type's file; `bytes` of 16 rows for a sub-block. */
#define PUT32(j, p, p_shift, q, q_shift)                                                           \
    inf_put32(sink, cols, OWED, 16 * BYTES * 32 / WEIGHTS, j, p, p_shift, q, q_shift)
#define PUT16(j, q, shift) inf_put16(sink, cols, OWED, 16 * BYTES * 16 / WEIGHTS, j, q, shift)

/* ---- Scales to their place --------------------------------------------------------------------
 */

INF_INLINE void inf_put_scale(const struct inf_heads *h, unsigned j, __m512 v)
{
    _mm512_storeu_ps(h->scale + j * 16 * h->gap, v);
}
INF_INLINE void inf_put_min(const struct inf_heads *h, unsigned j, __m512 v)
{
    _mm512_storeu_ps(h->min + j * 16 * h->gap, v);
}
/* m of sub-blocks 2j and 2j + 1 of the rows, as pairs of int16 */
INF_INLINE void inf_put_mins(const struct inf_heads *h, unsigned j, __m512i v)
{
    _mm512_storeu_si512(h->mins + j * 32 * h->gap, v);
}

/*
 * d, and what its product with a number is too much. Bytes 1 and 2 of a dword become floats where they
 * stand: under the exponent of 2^15 (2^7) their lowest bit counts 1, so that the number is 2^15 (2^7) too
 * large, and scales are number - offset. All is exact: d has 11 bits, the rest 11, and no step is
 * subnormal, for d is a half.
 */
struct inf_unit {
    __m512 d, less1, less2;
};
INF_INLINE struct inf_unit inf_unit(__m512 d, float offset)
{
    return (struct inf_unit){d, _mm512_mul_ps(d, _mm512_set1_ps(-0x1p15f - offset)),
                             _mm512_mul_ps(d, _mm512_set1_ps(-0x1p7f - offset))};
}
INF_INLINE __m512i inf_bits_of(float v)
{
    return _mm512_castps_si512(_mm512_set1_ps(v));
}

/* Scales first, first + each, ...: of the bits `mask` (at most 0x7f) of each byte of the dwords (each =
 * 1: neighbours). */
INF_INLINE void inf_put_scales(const struct inf_heads *h, unsigned first, unsigned each,
                               const struct inf_unit *unit, __m512i bytes, unsigned mask)
{
    __m512i v[2] = {_mm512_rol_epi32(bytes, 16), bytes}; /* bytes 2, 3, 0, 1 first */
    INF_UNROLL
    for (unsigned i = 0; i < 2; i++) {
        __m512 at2 = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
            inf_bits_of(0x1p7f), v[i], _mm512_set1_epi32((int)(mask << 16)), 0xf8));
        __m512 at1 = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
            inf_bits_of(0x1p15f), v[i], _mm512_set1_epi32((int)(mask << 8)), 0xf8));
        inf_put_scale(h, first + 2 * i * each, _mm512_fmadd_ps(at2, unit->d, unit->less2));
        inf_put_scale(h, first + (i ? 1 : 3) * each, _mm512_fmadd_ps(at1, unit->d, unit->less1));
    }
}

/* The same for int8, first..first + 3; the unit's offset is 128. */
INF_INLINE void inf_put_scales_i8(const struct inf_heads *h, unsigned first,
                                  const struct inf_unit *unit, __m512i bytes)
{
    INF_UNROLL
    for (unsigned i = 0; i < 4; i++) { /* byte i moves to byte 1, its top bit turns: + 128 */
        __m512i v = i == 1 ? bytes : inf_shift_pair(bytes, bytes, i ? 8 * (i - 1) : 24);
        __m512 number = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
            inf_bits_of(0x1p15f + 128), v, _mm512_set1_epi32(0xff00), 0x78));
        inf_put_scale(h, first + i, _mm512_fmadd_ps(number, unit->d, unit->less1));
    }
}

/* m of sub-blocks 4j..4j + 3, bytes of the dwords. */
INF_INLINE void inf_put_mins_u8(const struct inf_heads *h, unsigned j, __m512i bytes)
{
    /* An index with bit 7 set gives 0: bytes 0 and 1 (then 2 and 3) of a dword as two words. */
    __m512i even =
        _mm512_set4_epi32((int)0x800d800c, (int)0x80098008, (int)0x80058004, (int)0x80018000);
    __m512i odd =
        _mm512_set4_epi32((int)0x800f800e, (int)0x800b800a, (int)0x80078006, (int)0x80038002);
    inf_put_mins(h, 2 * j, _mm512_shuffle_epi8(bytes, even));
    inf_put_mins(h, 2 * j + 1, _mm512_shuffle_epi8(bytes, odd));
}

/* The first 16 bytes of Q4_K and Q5_K: d, dmin, and scales and minima of 6 bits (unpack.h). */
INF_INLINE void inf_put_scales6(const struct inf_heads *h, struct inf_quad q)
{
    struct inf_unit unit = inf_unit(inf_half_low(q.a), 0.0f);
    inf_put_scales(h, 0, 1, &unit, q.b, 0x3f);
    inf_put_scales(h, 4, 1, &unit, inf_or_and8(inf_and8(q.d, 0x0f), inf_right(q.b, 2), 0x30), 0x3f);
    _mm512_storeu_ps(h->dmin, inf_half_high(q.a));
    inf_put_mins_u8(h, 0, inf_and8(q.c, 0x3f));
    inf_put_mins_u8(h, 1, inf_or_and8(inf_and8(inf_right(q.d, 4), 0x0f), inf_right(q.c, 2), 0x30));
}

/* ---- Sums and scales --------------------------------------------------------------------------
 */

INF_INLINE __m512 inf_acts_float(const uint8_t *column, size_t at, size_t index)
{
    return _mm512_set1_ps(inf_float_from_bits(inf_load_u32(column + at + 4 * index)));
}
INF_INLINE __m512i inf_acts_i32(const uint8_t *column, size_t at, size_t index)
{
    return _mm512_set1_epi32((int)inf_load_u32(column + at + 4 * index));
}

/* What a column adds to acc in a step of n blocks of 32 at weight `at`. */
INF_INLINE __m512 inf_apply(enum inf_form form, size_t k, size_t at, unsigned n,
                            const struct inf_heads *h, const int32_t *sums, const uint8_t *x,
                            __m512 acc)
{
    const unsigned sub = INF_FORM_SUB(form);
    INF_UNROLL
    for (unsigned j = 0; j < 256 / sub; j++) {
        if (j == n * 32 / sub)
            break;
        __m512i sum = _mm512_load_si512(sums + j * 16);
        __m512 xscale = inf_acts_float(x, inf_acts_scale_at(k), at / 32 + j * sub / 32);
        __m512 scale = _mm512_mul_ps(_mm512_load_ps(h->scale + j * 16), xscale);
        acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, acc);
        if (form == INF_FORM_S32_MIN) { /* the sum of x is -neg / 128 */
            __m512i neg = inf_acts_i32(x, inf_acts_neg32_at(k), at / 32 + j);
            __m512 min = _mm512_mul_ps(_mm512_load_ps(h->min + j * 16), xscale);
            acc = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(_mm512_srai_epi32(neg, 7)), min, acc);
        }
    }
    if (form == INF_FORM_S32_MIN256 || form == INF_FORM_S16_MIN256) {
        size_t xm_at = sub == 16 ? inf_acts_xm16_at(k) : inf_acts_xm32_at(k);
        size_t mscale_at = sub == 16 ? inf_acts_mscale16_at(k) : inf_acts_mscale32_at(k);
        __m512i m = _mm512_setzero_si512();
        for (unsigned j = 0; j < 128 / sub; j++)
            m = _mm512_dpwssd_epi32(m, _mm512_load_si512(h->mins + j * 32),
                                    inf_acts_i32(x, xm_at, at / sub / 2 + j));
        __m512 dmin =
            _mm512_mul_ps(_mm512_load_ps(h->dmin), inf_acts_float(x, mscale_at, at / 256));
        acc = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(m), dmin, acc);
    }
    return acc;
}

/* ---- Tiles ------------------------------------------------------------------------------------
 */

/* Multiplies a panel (args->scratch) of rows row..row + rows - 1 (at most 32) and weights
 * at..at + n - 1 with all columns; q holds weight + 128 with S32 and S16, else the weight:
 *     q (n / 4, 32, 4)  scale (n / sub, 32)  min (n / 32, 32)  dmin (n / 256, 32)
 *     mins (n / sub / 2, 32, 2) */
void inf_tiles_avx512(enum inf_form form, const struct inf_matmul_args *args, size_t row,
                      size_t rows, size_t at, size_t n);

static inline const uint8_t *inf_column(const struct inf_matmul_args *a, size_t c)
{
    return a->acts + (a->x_cols ? a->x_cols[c] : c) * inf_acts_stride(a->k);
}
static inline const float *inf_x_column(const struct inf_matmul_args *a, size_t c)
{
    return a->x + (a->x_cols ? a->x_cols[c] : c) * a->x_stride;
}
static inline float *inf_output(const struct inf_matmul_args *a, size_t c)
{
    return a->out + (a->out_cols ? a->out_cols[c] : c) * a->out_stride;
}

#endif
