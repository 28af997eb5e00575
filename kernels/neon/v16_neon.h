/*
 * Sixteen floats as four registers of NEON. kernels/simd/README.md lists what every level's v16
 * provides; the comments there hold here.
 */
#ifndef INF_V16_NEON_H
#define INF_V16_NEON_H

#include "kernels/ref/math_ref.h"

#include <arm_neon.h>

typedef struct {
    float32x4_t a, b, c, d;
} v16;

/* Registers for sums in attention: rows of queries at once, and vectors for 1, 2, 3, 4 and more. */
#define V16_ROWS 4
#define V16_WIDE_1 4
#define V16_WIDE_2 2
#define V16_WIDE_3 1
#define V16_WIDE_4 1
#define V16_WIDE_ROWS 1

/* Groups of 16 values of a recurrence at once. */
#define V16_RECUR 1

/* A v16 whose quarters are expression(a), ... or expression(a, b, ...) quarter by quarter. */
#define V16_MAP1(f, x) ((v16){f((x).a), f((x).b), f((x).c), f((x).d)})
#define V16_MAP2(f, x, y)                                                                          \
    ((v16){f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d)})

static inline v16 v16_set(float x)
{
    float32x4_t q = vdupq_n_f32(x);
    return (v16){q, q, q, q};
}
static inline v16 v16_load(const float *at)
{
    return (v16){vld1q_f32(at), vld1q_f32(at + 4), vld1q_f32(at + 8), vld1q_f32(at + 12)};
}
static inline void v16_store(float *at, v16 x)
{
    vst1q_f32(at, x.a);
    vst1q_f32(at + 4, x.b);
    vst1q_f32(at + 8, x.c);
    vst1q_f32(at + 12, x.d);
}
static inline v16 v16_load_part(const float *at, size_t n)
{
    float part[16] = {0};
    memcpy(part, at, n * sizeof *part);
    return v16_load(part);
}
static inline void v16_store_part(float *at, v16 x, size_t n)
{
    float part[16];
    v16_store(part, x);
    memcpy(at, part, n * sizeof *part);
}

static inline v16 v16_add(v16 a, v16 b)
{
    return V16_MAP2(vaddq_f32, a, b);
}
static inline v16 v16_sub(v16 a, v16 b)
{
    return V16_MAP2(vsubq_f32, a, b);
}
static inline v16 v16_mul(v16 a, v16 b)
{
    return V16_MAP2(vmulq_f32, a, b);
}
static inline v16 v16_div(v16 a, v16 b)
{
    return V16_MAP2(vdivq_f32, a, b);
}
static inline v16 v16_fma(v16 a, v16 b, v16 c)
{
    return (v16){vfmaq_f32(c.a, a.a, b.a), vfmaq_f32(c.b, a.b, b.b), vfmaq_f32(c.c, a.c, b.c),
                 vfmaq_f32(c.d, a.d, b.d)};
}
static inline v16 v16_min(v16 a, v16 b)
{
    return V16_MAP2(vminq_f32, a, b);
}
static inline v16 v16_max(v16 a, v16 b)
{
    return V16_MAP2(vmaxq_f32, a, b);
}
static inline v16 v16_rint(v16 x)
{
    return V16_MAP1(vrndnq_f32, x);
}
static inline v16 v16_neg(v16 x)
{
    return V16_MAP1(vnegq_f32, x);
}

static inline bool v16_all_less(v16 a, v16 b)
{
    uint32x4_t low = vandq_u32(vcltq_f32(a.a, b.a), vcltq_f32(a.b, b.b));
    uint32x4_t high = vandq_u32(vcltq_f32(a.c, b.c), vcltq_f32(a.d, b.d));
    return vminvq_u32(vandq_u32(low, high)) != 0;
}
static inline v16 v16_if_less(v16 a, v16 b, v16 then, v16 otherwise)
{
    return (v16){vbslq_f32(vcltq_f32(a.a, b.a), then.a, otherwise.a),
                 vbslq_f32(vcltq_f32(a.b, b.b), then.b, otherwise.b),
                 vbslq_f32(vcltq_f32(a.c, b.c), then.c, otherwise.c),
                 vbslq_f32(vcltq_f32(a.d, b.d), then.d, otherwise.d)};
}

static inline float32x4_t v16_keep_4(float32x4_t x, int from, int to, float32x4_t otherwise)
{
    static const int32_t lanes[4] = {0, 1, 2, 3};
    int32x4_t lane = vld1q_s32(lanes);
    uint32x4_t in = vandq_u32(vcgeq_s32(lane, vdupq_n_s32(from)), vcltq_s32(lane, vdupq_n_s32(to)));
    return vbslq_f32(in, x, otherwise);
}
static inline v16 v16_keep(v16 x, size_t from, size_t to, v16 otherwise)
{
    int lo = (int)from, hi = (int)to;
    return (v16){v16_keep_4(x.a, lo, hi, otherwise.a), v16_keep_4(x.b, lo - 4, hi - 4, otherwise.b),
                 v16_keep_4(x.c, lo - 8, hi - 8, otherwise.c),
                 v16_keep_4(x.d, lo - 12, hi - 12, otherwise.d)};
}

static inline float32x4_t v16_power2_4(float32x4_t p, float32x4_t t)
{
    int32x4_t power = vcvtq_s32_f32(t), bias = vdupq_n_s32(127);
    int32x4_t low = vshrq_n_s32(power, 1), high = vsubq_s32(power, low);
    low = vshlq_n_s32(vaddq_s32(low, bias), 23);
    high = vshlq_n_s32(vaddq_s32(high, bias), 23);
    return vmulq_f32(vmulq_f32(p, vreinterpretq_f32_s32(low)), vreinterpretq_f32_s32(high));
}
static inline v16 v16_power2(v16 p, v16 t)
{
    return V16_MAP2(v16_power2_4, p, t);
}

static inline float v16_total(v16 x)
{
    float32x4_t s4 = vaddq_f32(vaddq_f32(x.a, x.c), vaddq_f32(x.b, x.d));
    float32x2_t s2 = vadd_f32(vget_low_f32(s4), vget_high_f32(s4));
    return vget_lane_f32(s2, 0) + vget_lane_f32(s2, 1);
}

static inline float v16_largest(v16 x)
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.a, x.b), vmaxq_f32(x.c, x.d)));
}

static inline float32x4_t v16_abs_max_4(float32x4_t a, float32x4_t b)
{
    uint32x4_t m =
        vmaxq_u32(vreinterpretq_u32_f32(vabsq_f32(a)), vreinterpretq_u32_f32(vabsq_f32(b)));
    return vreinterpretq_f32_u32(m);
}
static inline v16 v16_abs_max(v16 a, v16 b)
{
    return V16_MAP2(v16_abs_max_4, a, b);
}
static inline uint32_t v16_largest_bits(v16 magnitudes)
{
    float32x4_t m = v16_abs_max_4(v16_abs_max_4(magnitudes.a, magnitudes.b),
                                  v16_abs_max_4(magnitudes.c, magnitudes.d));
    return vmaxvq_u32(vreinterpretq_u32_f32(m));
}

static inline uint32x4_t v16_largest_quarter(v16 m)
{
    float32x4_t x = v16_abs_max_4(v16_abs_max_4(m.a, m.b), v16_abs_max_4(m.c, m.d));
    return vreinterpretq_u32_f32(x);
}
static inline float32x4_t v16_largest_4(const v16 m[4])
{
    uint32x4_t low = vpmaxq_u32(v16_largest_quarter(m[0]), v16_largest_quarter(m[1]));
    uint32x4_t high = vpmaxq_u32(v16_largest_quarter(m[2]), v16_largest_quarter(m[3]));
    return vreinterpretq_f32_u32(vpmaxq_u32(low, high));
}
static inline v16 v16_largest_8(const v16 m[8])
{
    float32x4_t low = v16_largest_4(m), high = v16_largest_4(m + 4);
    return (v16){low, high, low, high};
}

/* Sums of four bytes each, of 32. */
static inline int16x8_t v16_sums_4(const uint8_t *q)
{
    return vpaddq_s16(vpaddlq_s8(vreinterpretq_s8_u8(vld1q_u8(q))),
                      vpaddlq_s8(vreinterpretq_s8_u8(vld1q_u8(q + 16))));
}
static inline int16x8_t v16_sums_8(const uint8_t *q)
{
    return vpaddq_s16(vpaddq_s16(v16_sums_4(q), v16_sums_4(q + 32)),
                      vpaddq_s16(v16_sums_4(q + 64), v16_sums_4(q + 96)));
}
static inline v16 v16_sums_16(const uint8_t *q)
{
    int16x8_t low = v16_sums_8(q), high = v16_sums_8(q + 128);
    return (v16){vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
                 vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high))};
}

static inline uint16x8_t v16_u16(const uint8_t *at)
{
    return vreinterpretq_u16_u8(vld1q_u8(at));
}
static inline v16 v16_half8(const uint8_t *at)
{
    float16x8_t h = vreinterpretq_f16_u16(v16_u16(at));
    float32x4_t zero = vdupq_n_f32(0.0f);
    return (v16){vcvt_f32_f16(vget_low_f16(h)), vcvt_high_f32_f16(h), zero, zero};
}
static inline v16 v16_half(const uint8_t *at)
{
    v16 low = v16_half8(at), high = v16_half8(at + 16);
    return (v16){low.a, low.b, high.a, high.b};
}
static inline v16 v16_half_set(const uint8_t *at)
{
    float32x4_t q = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(inf_load_u16(at))));
    return (v16){q, q, q, q};
}
static inline v16 v16_bf16_8(const uint8_t *at)
{
    uint16x8_t h = v16_u16(at);
    float32x4_t zero = vdupq_n_f32(0.0f);
    return (v16){vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(h), 16)),
                 vreinterpretq_f32_u32(vshll_high_n_u16(h, 16)), zero, zero};
}
static inline v16 v16_bf16(const uint8_t *at)
{
    v16 low = v16_bf16_8(at), high = v16_bf16_8(at + 16);
    return (v16){low.a, low.b, high.a, high.b};
}
static inline v16 v16_i8(const uint8_t *at)
{
    int8x16_t q = vreinterpretq_s8_u8(vld1q_u8(at));
    int16x8_t low = vmovl_s8(vget_low_s8(q)), high = vmovl_high_s8(q);
    return (v16){vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
                 vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high))};
}

static inline v16 v16_pair_sums(v16 x)
{
    float32x4_t zero = vdupq_n_f32(0.0f);
    return (v16){vpaddq_f32(x.a, x.b), vpaddq_f32(x.c, x.d), zero, zero};
}
static inline v16 v16_twice(v16 x)
{
    return (v16){vzip1q_f32(x.a, x.a), vzip2q_f32(x.a, x.a), vzip1q_f32(x.b, x.b),
                 vzip2q_f32(x.b, x.b)};
}

static inline void v16_to_half(uint8_t *at, v16 x)
{
    float16x8_t low = vcvt_high_f16_f32(vcvt_f16_f32(x.a), x.b);
    float16x8_t high = vcvt_high_f16_f32(vcvt_f16_f32(x.c), x.d);
    vst1q_u8(at, vreinterpretq_u8_f16(low));
    vst1q_u8(at + 16, vreinterpretq_u8_f16(high));
}
static inline uint16x4_t v16_to_bf16_4(float32x4_t x)
{
    uint32x4_t bits = vreinterpretq_u32_f32(x), top = vshrq_n_u32(bits, 16);
    uint32x4_t odd = vandq_u32(top, vdupq_n_u32(1));
    uint32x4_t up = vaddq_u32(vaddq_u32(bits, odd), vdupq_n_u32(0x7fff));
    uint32x4_t quiet = vorrq_u32(top, vdupq_n_u32(0x40));
    return vmovn_u32(vbslq_u32(vceqq_f32(x, x), vshrq_n_u32(up, 16), quiet));
}
static inline void v16_to_bf16(uint8_t *at, v16 x)
{
    uint16x8_t low = vcombine_u16(v16_to_bf16_4(x.a), v16_to_bf16_4(x.b));
    uint16x8_t high = vcombine_u16(v16_to_bf16_4(x.c), v16_to_bf16_4(x.d));
    vst1q_u8(at, vreinterpretq_u8_u16(low));
    vst1q_u8(at + 16, vreinterpretq_u8_u16(high));
}
static inline int16x8_t v16_to_i16_8(float32x4_t a, float32x4_t b)
{
    return vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(a)), vqmovn_s32(vcvtnq_s32_f32(b)));
}
static inline void v16_put_i8(uint8_t *at, v16 x)
{
    int16x8_t low = v16_to_i16_8(x.a, x.b), high = v16_to_i16_8(x.c, x.d);
    vst1q_u8(at, vreinterpretq_u8_s8(vcombine_s8(vqmovn_s16(low), vqmovn_s16(high))));
}
static inline void v16_put_64(uint8_t *at, const v16 x[4])
{
    for (int i = 0; i < 4; i++)
        v16_put_i8(at + 16 * i, x[i]);
}
static inline int32_t v16_to_i8(uint8_t *at, v16 x)
{
    int16x8_t low = v16_to_i16_8(x.a, x.b), high = v16_to_i16_8(x.c, x.d);
    vst1q_u8(at, vreinterpretq_u8_s8(vcombine_s8(vqmovn_s16(low), vqmovn_s16(high))));
    return vaddvq_s16(vaddq_s16(low, high));
}
static inline void v16_to_i32(uint8_t *at, v16 x)
{
    vst1q_u8(at, vreinterpretq_u8_s32(vcvtnq_s32_f32(x.a)));
    vst1q_u8(at + 16, vreinterpretq_u8_s32(vcvtnq_s32_f32(x.b)));
    vst1q_u8(at + 32, vreinterpretq_u8_s32(vcvtnq_s32_f32(x.c)));
    vst1q_u8(at + 48, vreinterpretq_u8_s32(vcvtnq_s32_f32(x.d)));
}
static inline void v16_to_i16(uint8_t *at, v16 x)
{
    vst1q_u8(at, vreinterpretq_u8_s16(v16_to_i16_8(x.a, x.b)));
    vst1q_u8(at + 16, vreinterpretq_u8_s16(v16_to_i16_8(x.c, x.d)));
}

static inline void v16_unzip(const float *at, v16 *even, v16 *odd)
{
    float32x4x2_t a = vld2q_f32(at), b = vld2q_f32(at + 8);
    float32x4x2_t c = vld2q_f32(at + 16), d = vld2q_f32(at + 24);
    *even = (v16){a.val[0], b.val[0], c.val[0], d.val[0]};
    *odd = (v16){a.val[1], b.val[1], c.val[1], d.val[1]};
}
static inline void v16_zip(float *at, v16 even, v16 odd)
{
    vst2q_f32(at, (float32x4x2_t){{even.a, odd.a}});
    vst2q_f32(at + 8, (float32x4x2_t){{even.b, odd.b}});
    vst2q_f32(at + 16, (float32x4x2_t){{even.c, odd.c}});
    vst2q_f32(at + 24, (float32x4x2_t){{even.d, odd.d}});
}

#endif
