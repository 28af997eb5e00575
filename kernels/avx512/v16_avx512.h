/*
 * Sixteen floats as one register of AVX-512. kernels/simd/README.md lists what every level's v16
 * provides; the comments there hold here.
 */
#ifndef INF_V16_AVX512_H
#define INF_V16_AVX512_H

#include "kernels/ref/math_ref.h"

#include <immintrin.h>

typedef __m512 v16;

/* Registers for sums in attention: rows of queries at once, and vectors for 1, 2, 3, 4 and more. */
#define V16_ROWS 8
#define V16_WIDE_1 4
#define V16_WIDE_2 4
#define V16_WIDE_3 2
#define V16_WIDE_4 2
#define V16_WIDE_ROWS 2

/* Groups of 16 values of a recurrence at once. */
#define V16_RECUR 2

#define V16_NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

static inline v16 v16_set(float x)
{
    return _mm512_set1_ps(x);
}
static inline v16 v16_load(const float *at)
{
    return _mm512_loadu_ps(at);
}
static inline void v16_store(float *at, v16 x)
{
    _mm512_storeu_ps(at, x);
}

static inline __mmask16 v16_first(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}
static inline v16 v16_load_part(const float *at, size_t n)
{
    return _mm512_maskz_loadu_ps(v16_first(n), at);
}
static inline void v16_store_part(float *at, v16 x, size_t n)
{
    _mm512_mask_storeu_ps(at, v16_first(n), x);
}

static inline v16 v16_add(v16 a, v16 b)
{
    return _mm512_add_ps(a, b);
}
static inline v16 v16_sub(v16 a, v16 b)
{
    return _mm512_sub_ps(a, b);
}
static inline v16 v16_mul(v16 a, v16 b)
{
    return _mm512_mul_ps(a, b);
}
static inline v16 v16_div(v16 a, v16 b)
{
    return _mm512_div_ps(a, b);
}
static inline v16 v16_fma(v16 a, v16 b, v16 c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline v16 v16_min(v16 a, v16 b)
{
    return _mm512_min_ps(a, b);
}
static inline v16 v16_max(v16 a, v16 b)
{
    return _mm512_max_ps(a, b);
}
static inline v16 v16_rint(v16 x)
{
    return _mm512_roundscale_ps(x, V16_NEAREST);
}
static inline v16 v16_neg(v16 x)
{
    return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}

static inline bool v16_all_less(v16 a, v16 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) == 0xffff;
}
static inline v16 v16_if_less(v16 a, v16 b, v16 then, v16 otherwise)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), otherwise, then);
}

static inline v16 v16_keep(v16 x, size_t from, size_t to, v16 otherwise)
{
    return _mm512_mask_blend_ps((__mmask16)(v16_first(to) & ~v16_first(from)), otherwise, x);
}

/* vscalefps rounds once, as the two steps of inf_exp do: their first is exact. */
static inline v16 v16_power2(v16 p, v16 t)
{
    return _mm512_scalef_ps(p, t);
}

static inline float v16_total(v16 x)
{
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

static inline float v16_largest(v16 x)
{
    return _mm512_reduce_max_ps(x);
}

static inline v16 v16_abs_max(v16 a, v16 b)
{
    __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    return _mm512_castsi512_ps(
        _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a), magnitude),
                         _mm512_and_si512(_mm512_castps_si512(b), magnitude)));
}
static inline uint32_t v16_largest_bits(v16 magnitudes)
{
    return (uint32_t)_mm512_reduce_max_epi32(_mm512_castps_si512(magnitudes));
}

/* As integers, the largest of two registers' four numbers each, by pairs of lanes. */
static inline __m512i v16_larger_32(v16 a, v16 b)
{
    __m512i x = _mm512_castps_si512(a), y = _mm512_castps_si512(b);
    return _mm512_max_epi32(_mm512_unpacklo_epi32(x, y), _mm512_unpackhi_epi32(x, y));
}
static inline __m512i v16_larger_64(__m512i a, __m512i b)
{
    return _mm512_max_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}
static inline v16 v16_largest_8(const v16 m[8])
{
    __m512i low = v16_larger_64(v16_larger_32(m[0], m[1]), v16_larger_32(m[2], m[3]));
    __m512i high = v16_larger_64(v16_larger_32(m[4], m[5]), v16_larger_32(m[6], m[7]));
    __m512i all = _mm512_max_epi32(_mm512_shuffle_i32x4(low, high, 0x88),
                                   _mm512_shuffle_i32x4(low, high, 0xdd));
    all = _mm512_max_epi32(all, _mm512_shuffle_i32x4(all, all, 0xb1)); /* low low high high */
    return _mm512_castsi512_ps(_mm512_shuffle_i32x4(all, all, 0x88));
}

/* Sums of four bytes each, of 32. */
static inline __m256i v16_sums_4(const uint8_t *q)
{
    return _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1),
                               _mm256_loadu_si256((const __m256i *)q));
}
static inline v16 v16_sums_16(const uint8_t *q)
{
    __m256i sums[2];
    for (int i = 0; i < 2; i++, q += 128) {
        __m256i a = _mm256_hadd_epi32(v16_sums_4(q), v16_sums_4(q + 32));
        __m256i b = _mm256_hadd_epi32(v16_sums_4(q + 64), v16_sums_4(q + 96));
        __m256i all = _mm256_hadd_epi32(a, b); /* 0 2 4 6 | 1 3 5 7 */
        __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
        sums[i] = _mm256_permutevar8x32_epi32(all, order);
    }
    return _mm512_cvtepi32_ps(_mm512_inserti64x4(_mm512_castsi256_si512(sums[0]), sums[1], 1));
}

static inline v16 v16_half(const uint8_t *at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at));
}
static inline v16 v16_half8(const uint8_t *at)
{
    return _mm512_cvtph_ps(_mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)at)));
}
static inline v16 v16_half_set(const uint8_t *at)
{
    return _mm512_cvtph_ps(_mm256_set1_epi16((short)inf_load_u16(at)));
}
static inline v16 v16_bf16(const uint8_t *at)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline v16 v16_bf16_8(const uint8_t *at)
{
    __m256i half = _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}
static inline v16 v16_i8(const uint8_t *at)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)at)));
}

static inline v16 v16_pair_sums(v16 x)
{
    __m512i evens = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 14, 12, 10, 8, 6, 4, 2, 0);
    __m512i odds = _mm512_or_si512(evens, _mm512_set1_epi32(1));
    return _mm512_maskz_add_ps(0xff, _mm512_permutexvar_ps(evens, x),
                               _mm512_permutexvar_ps(odds, x));
}
static inline v16 v16_twice(v16 x)
{
    __m512i order = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    return _mm512_permutexvar_ps(order, x);
}

static inline void v16_to_half(uint8_t *at, v16 x)
{
    _mm256_storeu_si256((__m256i *)at, _mm512_cvtps_ph(x, V16_NEAREST));
}
static inline void v16_to_bf16(uint8_t *at, v16 x)
{
    __m512i bits = _mm512_castps_si512(x), top = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(top, _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, odd), _mm512_set1_epi32(0x7fff));
    __m512i quiet = _mm512_or_si512(top, _mm512_set1_epi32(0x40));
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    __m512i out = _mm512_mask_blend_epi32(nan, _mm512_srli_epi32(up, 16), quiet);
    _mm256_storeu_si256((__m256i *)at, _mm512_cvtepi32_epi16(out));
}
static inline __m128i v16_bytes(v16 x)
{
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x));
}
static inline void v16_put_i8(uint8_t *at, v16 x)
{
    _mm_storeu_si128((__m128i *)at, v16_bytes(x));
}
static inline void v16_put_64(uint8_t *at, const v16 x[4])
{
    __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(x[0]), _mm512_cvtps_epi32(x[1]));
    __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(x[2]), _mm512_cvtps_epi32(x[3]));
    __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512i all = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));
    _mm512_storeu_si512((__m512i *)at, all);
}
static inline int32_t v16_to_i8(uint8_t *at, v16 x)
{
    __m128i q = v16_bytes(x);
    _mm_storeu_si128((__m128i *)at, q);
    __m128i biased = _mm_xor_si128(q, _mm_set1_epi8((char)0x80)); /* q + 128, unsigned */
    __m128i sums = _mm_sad_epu8(biased, _mm_setzero_si128());
    sums = _mm_add_epi64(sums, _mm_unpackhi_epi64(sums, sums));
    return _mm_cvtsi128_si32(sums) - 16 * 128;
}
static inline void v16_to_i32(uint8_t *at, v16 x)
{
    _mm512_storeu_si512((__m512i *)at, _mm512_cvtps_epi32(x));
}
static inline void v16_to_i16(uint8_t *at, v16 x)
{
    _mm256_storeu_si256((__m256i *)at, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
}

static inline void v16_unzip(const float *at, v16 *even, v16 *odd)
{
    __m512 a = _mm512_loadu_ps(at), b = _mm512_loadu_ps(at + 16);
    __m512i evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    *even = _mm512_permutex2var_ps(a, evens, b);
    *odd = _mm512_permutex2var_ps(a, _mm512_add_epi32(evens, _mm512_set1_epi32(1)), b);
}
static inline void v16_zip(float *at, v16 even, v16 odd)
{
    __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    _mm512_storeu_ps(at, _mm512_permutex2var_ps(even, low, odd));
    _mm512_storeu_ps(at + 16, _mm512_permutex2var_ps(even, high, odd));
}

#endif
