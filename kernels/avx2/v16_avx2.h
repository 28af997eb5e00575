/*
 * Sixteen floats as two registers of AVX2. kernels/simd/README.md lists what every level's v16
 * provides; the comments there hold here.
 */
#ifndef INF_V16_AVX2_H
#define INF_V16_AVX2_H

#include "kernels/ref/math_ref.h"

#include <immintrin.h>

typedef struct {
    __m256 a, b;
} v16;

/* Registers for sums in attention: rows of queries at once, and vectors for 1, 2, 3, 4 and more. */
#define V16_ROWS 6
#define V16_WIDE_1 4
#define V16_WIDE_2 2
#define V16_WIDE_3 1
#define V16_WIDE_4 1
#define V16_WIDE_ROWS 1

/* Groups of 16 values of a recurrence at once. */
#define V16_RECUR 1

#define V16_NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

static inline v16 v16_pair(__m256 a, __m256 b)
{
    return (v16){a, b};
}
static inline v16 v16_ints(__m256i a, __m256i b)
{
    return (v16){_mm256_castsi256_ps(a), _mm256_castsi256_ps(b)};
}

static inline v16 v16_set(float x)
{
    return v16_pair(_mm256_set1_ps(x), _mm256_set1_ps(x));
}
static inline v16 v16_load(const float *at)
{
    return v16_pair(_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8));
}
static inline void v16_store(float *at, v16 x)
{
    _mm256_storeu_ps(at, x.a);
    _mm256_storeu_ps(at + 8, x.b);
}

/* The first n lanes as masks, all ones: n, and n - 8 for the upper half. */
static inline __m256i v16_first(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}
static inline v16 v16_load_part(const float *at, size_t n)
{
    __m256 a = _mm256_maskload_ps(at, v16_first((int)n));
    if (n <= 8)
        return v16_pair(a, _mm256_setzero_ps());
    return v16_pair(a, _mm256_maskload_ps(at + 8, v16_first((int)n - 8)));
}
static inline void v16_store_part(float *at, v16 x, size_t n)
{
    _mm256_maskstore_ps(at, v16_first((int)n), x.a);
    if (n > 8)
        _mm256_maskstore_ps(at + 8, v16_first((int)n - 8), x.b);
}

static inline v16 v16_add(v16 a, v16 b)
{
    return v16_pair(_mm256_add_ps(a.a, b.a), _mm256_add_ps(a.b, b.b));
}
static inline v16 v16_sub(v16 a, v16 b)
{
    return v16_pair(_mm256_sub_ps(a.a, b.a), _mm256_sub_ps(a.b, b.b));
}
static inline v16 v16_mul(v16 a, v16 b)
{
    return v16_pair(_mm256_mul_ps(a.a, b.a), _mm256_mul_ps(a.b, b.b));
}
static inline v16 v16_div(v16 a, v16 b)
{
    return v16_pair(_mm256_div_ps(a.a, b.a), _mm256_div_ps(a.b, b.b));
}
static inline v16 v16_fma(v16 a, v16 b, v16 c)
{
    return v16_pair(_mm256_fmadd_ps(a.a, b.a, c.a), _mm256_fmadd_ps(a.b, b.b, c.b));
}
static inline v16 v16_min(v16 a, v16 b)
{
    return v16_pair(_mm256_min_ps(a.a, b.a), _mm256_min_ps(a.b, b.b));
}
static inline v16 v16_max(v16 a, v16 b)
{
    return v16_pair(_mm256_max_ps(a.a, b.a), _mm256_max_ps(a.b, b.b));
}
static inline v16 v16_rint(v16 x)
{
    return v16_pair(_mm256_round_ps(x.a, V16_NEAREST), _mm256_round_ps(x.b, V16_NEAREST));
}
static inline v16 v16_neg(v16 x)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return v16_pair(_mm256_xor_ps(x.a, sign), _mm256_xor_ps(x.b, sign));
}

static inline bool v16_all_less(v16 a, v16 b)
{
    __m256 both =
        _mm256_and_ps(_mm256_cmp_ps(a.a, b.a, _CMP_LT_OQ), _mm256_cmp_ps(a.b, b.b, _CMP_LT_OQ));
    return _mm256_movemask_ps(both) == 0xff;
}
static inline v16 v16_if_less(v16 a, v16 b, v16 then, v16 otherwise)
{
    return v16_pair(_mm256_blendv_ps(otherwise.a, then.a, _mm256_cmp_ps(a.a, b.a, _CMP_LT_OQ)),
                    _mm256_blendv_ps(otherwise.b, then.b, _mm256_cmp_ps(a.b, b.b, _CMP_LT_OQ)));
}

static inline v16 v16_keep(v16 x, size_t from, size_t to, v16 otherwise)
{
    __m256i a = _mm256_andnot_si256(v16_first((int)from), v16_first((int)to));
    __m256i b = _mm256_andnot_si256(v16_first((int)from - 8), v16_first((int)to - 8));
    return v16_pair(_mm256_blendv_ps(otherwise.a, x.a, _mm256_castsi256_ps(a)),
                    _mm256_blendv_ps(otherwise.b, x.b, _mm256_castsi256_ps(b)));
}

static inline __m256 v16_power2_8(__m256 p, __m256 t)
{
    __m256i power = _mm256_cvtps_epi32(t), bias = _mm256_set1_epi32(127);
    __m256i low = _mm256_srai_epi32(power, 1), high = _mm256_sub_epi32(power, low);
    low = _mm256_slli_epi32(_mm256_add_epi32(low, bias), 23);
    high = _mm256_slli_epi32(_mm256_add_epi32(high, bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(low)), _mm256_castsi256_ps(high));
}
static inline v16 v16_power2(v16 p, v16 t)
{
    return v16_pair(v16_power2_8(p.a, t.a), v16_power2_8(p.b, t.b));
}

static inline float v16_total(v16 x)
{
    __m256 s8 = _mm256_add_ps(x.a, x.b);
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

static inline float v16_largest(v16 x)
{
    __m256 m8 = _mm256_max_ps(x.a, x.b);
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
}

static inline __m256i v16_abs_max_8(__m256 a, __m256 b)
{
    __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    return _mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(a), magnitude),
                            _mm256_and_si256(_mm256_castps_si256(b), magnitude));
}
static inline v16 v16_abs_max(v16 a, v16 b)
{
    return v16_ints(v16_abs_max_8(a.a, b.a), v16_abs_max_8(a.b, b.b));
}
static inline uint32_t v16_largest_bits(v16 magnitudes)
{
    __m256i m8 = v16_abs_max_8(magnitudes.a, magnitudes.b);
    __m128i m4 = _mm_max_epi32(_mm256_castsi256_si128(m8), _mm256_extracti128_si256(m8, 1));
    __m128i m2 = _mm_max_epi32(m4, _mm_shuffle_epi32(m4, 0x4e));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(m2, _mm_shuffle_epi32(m2, 0xb1)));
}

/* As integers, the largest of two registers' four numbers each, by pairs of lanes. */
static inline __m256i v16_larger_32(__m256i a, __m256i b)
{
    return _mm256_max_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
}
static inline __m256i v16_larger_64(__m256i a, __m256i b)
{
    return _mm256_max_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}
static inline v16 v16_largest_8(const v16 m[8])
{
    __m256i x[8];
    for (int i = 0; i < 8; i++)
        x[i] = _mm256_max_epi32(_mm256_castps_si256(m[i].a), _mm256_castps_si256(m[i].b));
    __m256i low = v16_larger_64(v16_larger_32(x[0], x[1]), v16_larger_32(x[2], x[3]));
    __m256i high = v16_larger_64(v16_larger_32(x[4], x[5]), v16_larger_32(x[6], x[7]));
    __m256i all = _mm256_max_epi32(_mm256_permute2x128_si256(low, high, 0x20),
                                   _mm256_permute2x128_si256(low, high, 0x31));
    return v16_ints(all, all);
}

/* Sums of four bytes each, of 32. */
static inline __m256i v16_sums_4(const uint8_t *q)
{
    __m256i pairs =
        _mm256_maddubs_epi16(_mm256_set1_epi8(1), _mm256_loadu_si256((const __m256i *)q));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
static inline v16 v16_sums_16(const uint8_t *q)
{
    __m256 sums[2];
    for (int i = 0; i < 2; i++, q += 128) {
        __m256i a = _mm256_hadd_epi32(v16_sums_4(q), v16_sums_4(q + 32));
        __m256i b = _mm256_hadd_epi32(v16_sums_4(q + 64), v16_sums_4(q + 96));
        __m256i all = _mm256_hadd_epi32(a, b); /* 0 2 4 6 | 1 3 5 7 */
        __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
        sums[i] = _mm256_cvtepi32_ps(_mm256_permutevar8x32_epi32(all, order));
    }
    return v16_pair(sums[0], sums[1]);
}

static inline __m128i v16_bytes16(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)at);
}
static inline v16 v16_half(const uint8_t *at)
{
    return v16_pair(_mm256_cvtph_ps(v16_bytes16(at)), _mm256_cvtph_ps(v16_bytes16(at + 16)));
}
static inline v16 v16_half8(const uint8_t *at)
{
    return v16_pair(_mm256_cvtph_ps(v16_bytes16(at)), _mm256_setzero_ps());
}
static inline v16 v16_half_set(const uint8_t *at)
{
    __m256 x = _mm256_cvtph_ps(_mm_set1_epi16((short)inf_load_u16(at)));
    return v16_pair(x, x);
}
static inline __m256i v16_bf16_bits(const uint8_t *at)
{
    return _mm256_slli_epi32(_mm256_cvtepu16_epi32(v16_bytes16(at)), 16);
}
static inline v16 v16_bf16(const uint8_t *at)
{
    return v16_ints(v16_bf16_bits(at), v16_bf16_bits(at + 16));
}
static inline v16 v16_bf16_8(const uint8_t *at)
{
    return v16_ints(v16_bf16_bits(at), _mm256_setzero_si256());
}
static inline v16 v16_i8(const uint8_t *at)
{
    __m128i q = v16_bytes16(at);
    return v16_pair(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)),
                    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8))));
}

static inline void v16_to_half(uint8_t *at, v16 x)
{
    _mm_storeu_si128((__m128i *)at, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i *)(at + 16), _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
}
static inline __m256i v16_to_bf16_8(__m256 x)
{
    __m256i bits = _mm256_castps_si256(x), top = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(top, _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(_mm256_add_epi32(bits, odd), _mm256_set1_epi32(0x7fff));
    __m256i quiet = _mm256_or_si256(top, _mm256_set1_epi32(0x40));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_blendv_epi8(_mm256_srli_epi32(up, 16), quiet, nan);
}
static inline void v16_to_bf16(uint8_t *at, v16 x)
{
    __m256i packed = _mm256_packus_epi32(v16_to_bf16_8(x.a), v16_to_bf16_8(x.b));
    _mm256_storeu_si256((__m256i *)at, _mm256_permute4x64_epi64(packed, 0xd8));
}
static inline __m256i v16_to_i16_16(v16 x)
{
    __m256i packed = _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
    return _mm256_permute4x64_epi64(packed, 0xd8);
}
static inline __m128i v16_bytes(v16 x)
{
    __m256i wide = v16_to_i16_16(x);
    return _mm_packs_epi16(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
}
static inline void v16_put_i8(uint8_t *at, v16 x)
{
    _mm_storeu_si128((__m128i *)at, v16_bytes(x));
}
static inline __m256i v16_packed(v16 x) /* 0 1 2 3 8 9 10 11 | 4 5 6 7 12 13 14 15 */
{
    return _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
}
static inline void v16_put_64(uint8_t *at, const v16 x[4])
{
    __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    for (int i = 0; i < 2; i++) {
        __m256i q = _mm256_packs_epi16(v16_packed(x[2 * i]), v16_packed(x[2 * i + 1]));
        q = _mm256_permutevar8x32_epi32(q, order);
        _mm256_storeu_si256((__m256i *)(at + 32 * i), q);
    }
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
    _mm256_storeu_si256((__m256i *)at, _mm256_cvtps_epi32(x.a));
    _mm256_storeu_si256((__m256i *)(at + 32), _mm256_cvtps_epi32(x.b));
}
static inline void v16_to_i16(uint8_t *at, v16 x)
{
    _mm256_storeu_si256((__m256i *)at, v16_to_i16_16(x));
}

static inline __m256 v16_order(__m256 x)
{
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
static inline v16 v16_pair_sums(v16 x)
{
    return v16_pair(v16_order(_mm256_hadd_ps(x.a, x.b)), _mm256_setzero_ps());
}
static inline v16 v16_twice(v16 x)
{
    return v16_pair(_mm256_permutevar8x32_ps(x.a, _mm256_set_epi32(3, 3, 2, 2, 1, 1, 0, 0)),
                    _mm256_permutevar8x32_ps(x.a, _mm256_set_epi32(7, 7, 6, 6, 5, 5, 4, 4)));
}
static inline void v16_unzip(const float *at, v16 *even, v16 *odd)
{
    v16 x = v16_load(at), y = v16_load(at + 16);
    *even = v16_pair(v16_order(_mm256_shuffle_ps(x.a, x.b, 0x88)),
                     v16_order(_mm256_shuffle_ps(y.a, y.b, 0x88)));
    *odd = v16_pair(v16_order(_mm256_shuffle_ps(x.a, x.b, 0xdd)),
                    v16_order(_mm256_shuffle_ps(y.a, y.b, 0xdd)));
}
static inline void v16_zip_8(float *at, __m256 even, __m256 odd)
{
    __m256 low = _mm256_unpacklo_ps(even, odd), high = _mm256_unpackhi_ps(even, odd);
    _mm256_storeu_ps(at, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(at + 8, _mm256_permute2f128_ps(low, high, 0x31));
}
static inline void v16_zip(float *at, v16 even, v16 odd)
{
    v16_zip_8(at, even.a, odd.a);
    v16_zip_8(at + 16, even.b, odd.b);
}

#endif
