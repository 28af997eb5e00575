/*
 * The loops behind the ceilings. Instructions stand as volatile assembly, so that none is merged or
 * left out; the accumulators are named variables, for those of an array would go through the stack.
 */
#include "bench/loops.h"

#define TIMES_8(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define TIMES_16(DO) TIMES_8(DO) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define STREAMS 4 /* that a reader follows side by side, each a quarter of its bytes */

/* ---- Plain C -------------------------------------------------------------------------------- */

static void read_plain(const uint8_t *bytes, uint64_t count)
{
    typedef uint64_t word __attribute__((may_alias));
    const word *at = (const word *)(const void *)bytes;
    uint64_t each = count / STREAMS / sizeof *at, s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (uint64_t i = 0; i < each; i++) {
        s0 ^= at[i];
        s1 ^= at[each + i];
        s2 ^= at[2 * each + i];
        s3 ^= at[3 * each + i];
    }
    __asm__ volatile("" ::"r"(s0 ^ s1 ^ s2 ^ s3));
}

static void int8_plain(uint64_t turns)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0, u = 7, x = -5;
#define DOT(i)                                                                                     \
    __asm__ volatile("" : "+r"(u), "+r"(x));                                                       \
    s##i = (int32_t)((uint32_t)s##i + (uint32_t)(u * x));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_8(DOT)
    }
#undef DOT
    __asm__ volatile("" ::"r"(s0 ^ s1 ^ s2 ^ s3 ^ s4 ^ s5 ^ s6 ^ s7));
}

static void f32_plain(uint64_t turns)
{
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0, a = 1.5f, b = 0.75f;
    __asm__ volatile("" : "+m"(a), "+m"(b));
#define FMA(i) s##i = s##i * b + a;
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_8(FMA)
    }
#undef FMA
    a = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
    __asm__ volatile("" ::"m"(a));
}

#if defined(__x86_64__)
#include <immintrin.h>

/* ---- AVX-512 -------------------------------------------------------------------------------- */

#define AVX512 __attribute__((target("avx512f,avx512vnni"), noinline))
#define NAME_512I(i) __m512i s##i = _mm512_setzero_si512();
#define NAME_512(i) __m512 s##i = _mm512_setzero_ps();

AVX512 static void read_avx512(const uint8_t *bytes, uint64_t count)
{
    uint64_t each = count / STREAMS;
    TIMES_8(NAME_512I)
#define LOAD(i)                                                                                    \
    __asm__ volatile("vpxorq %1, %0, %0"                                                           \
                     : "+v"(s##i)                                                                  \
                     : "m"(*(const __m512i *)(const void *)(at + (i / 2) * each + i % 2 * 64)));
    for (const uint8_t *at = bytes, *end = bytes + each; at < end; at += 128) {
        TIMES_8(LOAD)
    }
#undef LOAD
}

AVX512 static void int8_avx512(uint64_t turns)
{
    __m512i u = _mm512_set1_epi32(0x07050b03), x = _mm512_set1_epi32(0x11ef05f3);
    TIMES_16(NAME_512I)
#define DOT(i) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(s##i) : "v"(u), "v"(x));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_16(DOT)
    }
#undef DOT
}

AVX512 static void f32_avx512(uint64_t turns)
{
    __m512 a = _mm512_set1_ps(1.5f), b = _mm512_set1_ps(0.75f);
    TIMES_16(NAME_512)
#define FMA(i) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(s##i) : "v"(a), "v"(b));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_16(FMA)
    }
#undef FMA
}

/* ---- AVX2 ----------------------------------------------------------------------------------- */

#define AVX2 __attribute__((target("avx2,fma"), noinline))
#define NAME_256I(i) __m256i s##i = _mm256_setzero_si256();
#define NAME_256(i) __m256 s##i = _mm256_setzero_ps();

AVX2 static void read_avx2(const uint8_t *bytes, uint64_t count)
{
    uint64_t each = count / STREAMS;
    TIMES_8(NAME_256I)
#define LOAD(i)                                                                                    \
    __asm__ volatile("vpxor %1, %0, %0"                                                            \
                     : "+x"(s##i)                                                                  \
                     : "m"(*(const __m256i *)(const void *)(at + (i / 2) * each + i % 2 * 32)));
    for (const uint8_t *at = bytes, *end = bytes + each; at < end; at += 64) {
        TIMES_8(LOAD)
    }
#undef LOAD
}

AVX2 static void int8_avx2(uint64_t turns)
{
    __m256i u = _mm256_set1_epi32(0x07050b03), x = _mm256_set1_epi32(0x11ef05f3);
    __m256i ones = _mm256_set1_epi16(1), t;
    TIMES_8(NAME_256I)
#define DOT(i)                                                                                     \
    __asm__ volatile("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"           \
                     : "+x"(s##i), "=&x"(t)                                                        \
                     : "x"(u), "x"(x), "x"(ones));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_8(DOT)
    }
#undef DOT
}

AVX2 static void f32_avx2(uint64_t turns)
{
    __m256 a = _mm256_set1_ps(1.5f), b = _mm256_set1_ps(0.75f);
    TIMES_8(NAME_256)
    NAME_256(8)
    NAME_256(9)
    NAME_256(10)
    NAME_256(11)
#define FMA(i) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(s##i) : "x"(a), "x"(b));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_8(FMA)
        FMA(8) FMA(9) FMA(10) FMA(11)
    }
#undef FMA
}

#elif defined(__aarch64__)
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

/* ---- NEON ----------------------------------------------------------------------------------- */

#define NAME_S32(i) int32x4_t s##i = vdupq_n_s32(0);
#define NAME_F32(i) float32x4_t s##i = vdupq_n_f32(0);

static void int8_dotprod(uint64_t turns)
{
    int8x16_t u = vdupq_n_s8(7), x = vdupq_n_s8(-5);
    TIMES_16(NAME_S32)
#define DOT(i)                                                                                     \
    __asm__ volatile(".arch armv8.2-a+dotprod\n\tsdot %0.4s, %1.16b, %2.16b"                       \
                     : "+w"(s##i)                                                                  \
                     : "w"(u), "w"(x));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_16(DOT)
    }
#undef DOT
}

/* 16 products: two multiplies to 16 bits, the second added to the first, then pairs to 32 bits. */
static void int8_neon(uint64_t turns)
{
    int8x16_t u = vdupq_n_s8(7), x = vdupq_n_s8(-5);
    int16x8_t t;
    TIMES_8(NAME_S32)
#define DOT(i)                                                                                     \
    __asm__ volatile("smull %1.8h, %2.8b, %3.8b\n\tsmlal2 %1.8h, %2.16b, %3.16b\n\t"               \
                     "sadalp %0.4s, %1.8h"                                                         \
                     : "+w"(s##i), "=&w"(t)                                                        \
                     : "w"(u), "w"(x));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_8(DOT)
    }
#undef DOT
}

static void f32_neon(uint64_t turns)
{
    float32x4_t a = vdupq_n_f32(1.5f), b = vdupq_n_f32(0.75f);
    TIMES_16(NAME_F32)
#define FMA(i) __asm__ volatile("fmla %0.4s, %1.4s, %2.4s" : "+w"(s##i) : "w"(a), "w"(b));
    for (uint64_t i = 0; i < turns; i++) {
        TIMES_16(FMA)
    }
#undef FMA
}

#endif

void bench_loops_pick(struct bench_loops *out)
{
    *out = (struct bench_loops){read_plain, int8_plain, f32_plain, 8 * 2,
                                8 * 2,      "plain C",  "plain C", "plain C"};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        *out = (struct bench_loops){.read = read_avx2,
                                    .int8 = int8_avx2,
                                    .f32 = f32_avx2,
                                    .int8_ops = 8 * 64,
                                    .f32_ops = 12 * 16,
                                    .read_unit = "256-bit loads",
                                    .int8_unit = "vpmaddubsw + vpmaddwd + vpaddd ymm",
                                    .f32_unit = "vfmadd231ps ymm"};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni"))
        *out = (struct bench_loops){.read = read_avx512,
                                    .int8 = int8_avx512,
                                    .f32 = f32_avx512,
                                    .int8_ops = 16 * 128,
                                    .f32_ops = 16 * 32,
                                    .read_unit = "512-bit loads",
                                    .int8_unit = "vpdpbusd zmm",
                                    .f32_unit = "vfmadd231ps zmm"};
#elif defined(__aarch64__)
    unsigned long dotprod = getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
    out->int8 = dotprod ? int8_dotprod : int8_neon;
    out->int8_ops = dotprod ? 16 * 32 : 8 * 32;
    out->int8_unit = dotprod ? "sdot" : "smull + smlal2 + sadalp";
    out->f32 = f32_neon;
    out->f32_ops = 16 * 8;
    out->f32_unit = "fmla";
#endif
}
