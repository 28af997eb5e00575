/* Weight types: blocks built by hand, every half, and bytes that nobody meant. */
#include "formats/codebooks.h"
#include "formats/half.h"
#include "formats/type.h"
#include "lib/base/base.h"
#include "tests/tiny/randblock.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

Suite *suite_types(void);

/* ---- Blocks by hand ------------------------------------------------------------------------- */

struct poke {
    int at;
    uint8_t byte;
};

struct run {
    int first, count;
    float w;
};

/* A block of zero bytes but for `pokes`; all of its weights are `rest` but for `runs`, of which a
 * later one goes over an earlier one. */
struct hand {
    const char *type;
    float rest;
    const struct poke *pokes;
    int poke_count;
    const struct run *runs;
    int run_count;
};

#define COUNT(...) (int)(sizeof(__VA_ARGS__) / sizeof((__VA_ARGS__)[0]))
#define POKES(...) (const struct poke[]){__VA_ARGS__}, COUNT((const struct poke[]){__VA_ARGS__})
#define RUNS(...) (const struct run[]){__VA_ARGS__}, COUNT((const struct run[]){__VA_ARGS__})

/* Upper bytes of halves whose lower byte is 0. */
#define HALF_0_5 0x38
#define HALF_1 0x3c
#define HALF_2 0x40
#define HALF_4 0x44
#define HALF_8 0x48
#define HALF_MINUS_1 0xbc

// clang-format off
static const struct hand hands[] = {
    {"q4_0", -16, POKES({1, HALF_2}, {2 + 3, 0x5a}, {2 + 15, 0xf0}),
     RUNS({3, 1, 4}, {19, 1, -6}, {31, 1, 14})},
    {"q4_1", -1, POKES({1, HALF_0_5}, {3, HALF_MINUS_1}, {4, 0x21}, {4 + 15, 0xf0}),
     RUNS({0, 1, -0.5f}, {16, 1, 0}, {31, 1, 6.5f})},
    /* 1025/1024 * 15 + 65504 = 65519.0146484375 lies between two floats: one rounding. */
    {"q4_1", 65504, POKES({0, 1}, {1, HALF_1}, {2, 0xff}, {3, 0x7b}, {4, 0x0f}),
     RUNS({0, 1, 65519.015625f})},
    /* The smallest subnormal half is not zero. */
    {"q4_0", -0x1p-21f, POKES({0, 1}, {2, 0x0f}), RUNS({0, 1, 0x1.cp-22f})},
    {"q5_0", -16, POKES({1, HALF_1}, {2, 0x01}, {5, 0x80}, {6, 0x07}, {6 + 15, 0x30}),
     RUNS({0, 1, 7}, {31, 1, 3})},
    {"q5_1", 2, POKES({1, HALF_1}, {3, HALF_2}, {4 + 2, 0x02}, {8 + 1, 0x41}),
     RUNS({1, 1, 3}, {17, 1, 22})},
    {"q8_0", 0, POKES({1, HALF_0_5}, {2, 0x80}, {33, 0x7f}),
     RUNS({0, 1, -64}, {31, 1, 63.5f})},
    {"q2_k", 0, POKES({5, 0x23}, {15, 0x01}, {81, HALF_1}, {83, HALF_0_5},
                      {16 + 16, 0x20}, {16 + 63, 0xc0}),
     RUNS({80, 16, -1}, {80, 1, 5}, {255, 1, 3})},
    /* A scale of 0 stands for -32, a code of 0 for -4. */
    {"q3_k", 128, POKES({109, HALF_1}, {96, 0x21}, {104, 0x23}, {101, 0x05}, {105, 0x08},
                        {0, 0x11}, {32, 0x03}, {64, 0x01}),
     RUNS({0, 16, -68}, {0, 1, 51}, {80, 16, -20}, {128, 16, -8}, {128, 1, 2})},
    /* S0 = 1; S1 = 3, M1 = 1; S5 = 33, M5 = 18. */
    /* Code 7 = 3 + 4 for weight 32 * 5 + 9, whose neighbours in the byte stay at 0. */
    {"q3_k", 128, POKES({109, HALF_1}, {9, 0x20}, {32 + 32 + 9, 0x0c}), RUNS({169, 1, -96})},
    {"q4_k", 0, POKES({1, HALF_1}, {3, HALF_0_5}, {4, 0x01}, {5, 0x83}, {9, 0x41}, {13, 0x21},
                      {20, 0x75}, {16 + 95, 0xf0}),
     RUNS({4, 1, 5}, {32, 32, -0.5f}, {36, 1, 20.5f}, {160, 32, -9}, {191, 1, 486})},
    {"q5_k", 0, POKES({1, HALF_1}, {3, HALF_0_5}, {5, 0x83}, {9, 0x41}, {13, 0x21},
                      {48 + 4, 0x70}, {16 + 4, 0x02}, {48 + 95, 0xf0}, {16 + 31, 0x20}),
     RUNS({32, 32, -0.5f}, {36, 1, 68.5f}, {160, 32, -9}, {191, 1, 1014})},
    {"q6_k", 0, POKES({209, HALF_1}, {192, 0xff}, {192 + 4, 2}, {192 + 15, 0x80},
                      {0, 0xf0}, {128, 0x30}, {127, 0x50}, {191, 0x80}),
     RUNS({0, 16, 32}, {64, 16, -64}, {64, 1, 62}, {240, 16, 4096}, {255, 1, -640})},
    {"iq2_xxs", 8, POKES({1, HALF_8}, {2 + 16 + 1, 1}, {2 + 16 + 5, 0x01}, {2 + 16 + 7, 0x10}),
     RUNS({64, 32, 24}, {72, 1, 129}, {73, 1, -24}, {79, 1, -24})},
    {"iq2_xs", 8, POKES({1, HALF_8}, {2 + 62, 0x02}, {2 + 63, 0x02}, {66 + 7, 0x20},
                        {2 + 1, 0x01}),
     RUNS({0, 1, 43}, {1, 1, 25}, {7, 1, 25}, /* entry 256 */
          {240, 16, 40}, {248, 1, -125}, {249, 1, 125}, {255, 1, -40})},
    {"iq2_s", 8, POKES({1, HALF_8}, {2 + 3, 0x01}, {66, 0x80}, {34 + 3, 0x81}, {74, 0x10}),
     RUNS({16, 16, 24}, {24, 1, -75}, {27, 2, 75}, {31, 1, -75})},
    {"iq3_xxs", 4, POKES({1, HALF_4}, {2 + 9, 0x01}, {66 + 4, 0x10}, {66 + 31, 0x20}),
     RUNS({36, 1, -20}, {39, 1, -4}, {224, 32, 20})},
    {"iq3_xxs", 4, POKES({1, HALF_4}, {2 + 62, 0x01}, {2 + 63, 0xff}),
     RUNS({248, 1, 20}, {253, 1, 28}, {254, 1, 52}, {255, 1, 62})},
    {"iq3_s", 1, POKES({1, HALF_1}, {2 + 63, 0x02}, {66 + 7, 0x80}, {74 + 31, 0x80},
                       {106 + 3, 0x10}),
     RUNS({224, 32, 3}, {252, 1, 33}, {253, 1, 21}, {254, 1, 27}, {255, 1, -15})},
    {"iq1_s", -0.875f, POKES({1, HALF_1}, {34 + 15, 0xf2}),
     RUNS({224, 32, -16.875f}, {249, 1, -1.875f}, {250, 1, 13.125f}, {251, 1, -1.875f},
          {252, 1, 13.125f}, {254, 1, -1.875f})},
    /* Scale 5, no shift, entry 4 * 256 + 1 for the third 8 of a sub-block. */
    {"iq1_s", -0.875f, POKES({1, HALF_1}, {34 + 12, 0x00}, {34 + 13, 0x51}, {2 + 26, 0x01}),
     RUNS({192, 32, -9.625f}, {210, 6, 1.375f})},
    {"iq1_m", -0.875f, POKES({53, 0xc0}, {55, 0x30}, {50, 0x10}, {32 + 5, 0x09}),
     RUNS({80, 8, -5.625f}, {81, 1, -0.625f}, {82, 1, 4.375f}, {83, 1, -0.625f},
          {84, 1, 4.375f}, {86, 1, -0.625f}, {88, 8, -4.375f})},
    {"iq4_nl", -127, POKES({1, HALF_1}, {2, 0x8f}), RUNS({0, 1, 113}, {16, 1, 1})},
    {"iq4_xs", 4064, POKES({1, HALF_1}, {2, 0x80}, {4 + 1, 0x10}, {8 + 63, 0x80}),
     RUNS({96, 32, -127}, {127, 1, 1})},
    /* 0xd0 is the digits 2 1 0 2 2, 0x92 1 2 0 1. */
    {"tq1_0", -1, POKES({53, HALF_1}, {1, 0xd0}, {32 + 15, 0xd0}, {48 + 3, 0x92}),
     RUNS({1, 1, 1}, {33, 1, 0}, {97, 1, 1}, {129, 1, 1}, {175, 1, 1}, {191, 1, 0}, {223, 1, 1},
          {239, 1, 1}, {243, 1, 0}, {247, 1, 1}, {255, 1, 0})},
    {"tq2_0", -2, POKES({65, HALF_2}, {0, 0xe4}, {63, 0x40}),
     RUNS({32, 1, 0}, {64, 1, 2}, {96, 1, 4}, {255, 1, 0})},
    {"mxfp4", 0, POKES({0, 129}, {1, 0xf1}), RUNS({0, 1, 2}, {16, 1, -24})},
    {"mxfp4", 0, POKES({16, 0x91}), RUNS({15, 1, 0x1p-128f}, {31, 1, -0x1p-128f})},
    {"mxfp4", 0, POKES({0, 1}, {16, 0x02}), RUNS({15, 1, 0x1p-126f})},
    {"nvfp4", 0, POKES({2, 0x41}, {4 + 23, 0x72}, {0, 0x01}, {4, 0x01}, {1, 0x7f}, {4 + 8, 0x77}),
     RUNS({39, 1, 2.25f}, {47, 1, 13.5f}, {0, 1, 0x1p-10f})},
    {"q1_0", -1, POKES({1, HALF_1}, {2, 0x01}, {17, 0x80}), RUNS({0, 1, 1}, {127, 1, 1})},
    {"q2_0", -1, POKES({1, HALF_1}, {2 + 1, 0x1b}), RUNS({4, 1, 2}, {5, 1, 1}, {6, 1, 0})},
    {"q2_0", -1, POKES({1, HALF_1}, {17, 0xe4}), RUNS({61, 1, 0}, {62, 1, 1}, {63, 1, 2})},
};
// clang-format on

START_TEST(block_by_hand)
{
    const struct hand *h = &hands[_i];
    const struct inf_type_info *type = inf_type_find(h->type);
    ck_assert_ptr_nonnull(type);
    uint8_t *block = calloc(1, type->bytes);
    float got[INF_BLOCK_MAX], want[INF_BLOCK_MAX];
    for (int i = 0; i < h->poke_count; i++) {
        ck_assert_int_lt(h->pokes[i].at, (int)type->bytes);
        block[h->pokes[i].at] = h->pokes[i].byte;
    }
    for (int i = 0; i < INF_BLOCK_MAX; i++)
        want[i] = h->rest;
    for (int i = 0; i < h->run_count; i++)
        for (int k = 0; k < h->runs[i].count; k++)
            want[h->runs[i].first + k] = h->runs[i].w;
    inf_type_decode(type, block, type->weights, got);
    for (uint32_t i = 0; i < type->weights; i++)
        if (got[i] != want[i])
            ck_abort_msg("%s, weight %u: %.9g, expected %.9g", h->type, i, got[i], want[i]);
    free(block);
}
END_TEST

START_TEST(every_block_type_has_a_hand_made_one)
{
    for (uint32_t id = 0; id < INF_TYPE_LIMIT; id++) {
        const struct inf_type_info *type = inf_type_info(id);
        if (!type || !type->ints)
            continue;
        size_t found = 0;
        for (size_t i = 0; i < sizeof hands / sizeof hands[0]; i++)
            found += inf_type_find(hands[i].type) == type;
        ck_assert_msg(found > 0, "no block of %s", type->name);
    }
}
END_TEST

/* ---- The table of types --------------------------------------------------------------------- */

START_TEST(names_and_ids)
{
    static const uint32_t unknown[] = {4,  5,  9,  15, 31, 32,  33,         36,        37,
                                       38, 43, 63, 64, 65, 255, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        ck_assert_ptr_null(inf_type_info(unknown[i]));
    size_t known = 0;
    for (uint32_t id = 0; id < INF_TYPE_LIMIT; id++) {
        const struct inf_type_info *type = inf_type_info(id);
        if (!type)
            continue;
        known++;
        ck_assert_uint_eq(type->id, id);
        ck_assert_ptr_eq(inf_type_find(type->name), type);
        ck_assert_int_eq(!type->ints, type->floats != NULL);
        ck_assert_uint_eq(type->weights % inf_type_sub(type), 0);
    }
    ck_assert_uint_eq(known, 33);
    ck_assert_ptr_null(inf_type_find(""));
    ck_assert_ptr_null(inf_type_find("q8_1"));
    ck_assert_ptr_null(inf_type_find("q4_"));
    ck_assert_uint_eq(inf_type_sub(inf_type_info(INF_TYPE_Q4_K)), 32);
    ck_assert_uint_eq(inf_type_sub(inf_type_info(INF_TYPE_Q6_K)), 16);
    ck_assert_uint_eq(inf_type_sub(inf_type_info(INF_TYPE_Q2_K)), 16);
    ck_assert_uint_eq(inf_type_sub(inf_type_info(INF_TYPE_F16)), 1);
}
END_TEST

START_TEST(row_bytes)
{
    static const struct {
        uint32_t id;
        uint64_t weights, bytes;
        bool fits;
    } cases[] = {
        {INF_TYPE_Q4_K, 0, 0, true},
        {INF_TYPE_Q4_K, 4096, 2304, true},
        {INF_TYPE_Q4_K, 4095, 0, false},
        {INF_TYPE_Q4_K, 32, 0, false},
        {INF_TYPE_Q4_K, UINT64_MAX, 0, false},
        {INF_TYPE_Q4_K, UINT64_MAX - 255, UINT64_C(144) * ((UINT64_C(1) << 56) - 1), true},
        {INF_TYPE_Q8_0, UINT64_MAX - 31, 0, false}, /* 34 bytes for 32 weights */
        {INF_TYPE_NVFP4, 64, 36, true},
        {INF_TYPE_NVFP4, 32, 0, false},
        {INF_TYPE_I8, UINT64_MAX, UINT64_MAX, true},
        {INF_TYPE_F32, UINT64_MAX / 4, UINT64_MAX - 3, true},
        {INF_TYPE_F32, UINT64_MAX / 4 + 1, 0, false},
        {INF_TYPE_F64, UINT64_C(1) << 61, 0, false},
        {INF_TYPE_BF16, 7, 14, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 0;
        bool fits = inf_type_row_bytes(inf_type_info(cases[i].id), cases[i].weights, &bytes);
        ck_assert_msg(fits == cases[i].fits, "case %zu fits: %d", i, fits);
        if (fits)
            ck_assert_uint_eq(bytes, cases[i].bytes);
    }
}
END_TEST

/* ---- Halves and other small floats ------------------------------------------------------------
 */

static double half_by_ldexp(uint32_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return h & 0x8000 ? -magnitude : magnitude;
}

START_TEST(every_half)
{
    for (uint32_t h = 0; h < 65536; h++) {
        float f = inf_half_to_float((uint16_t)h);
        uint16_t back = inf_half_from_float(f);
        bool good = (h >> 15 != 0) == !!signbit(f);
        if ((h & 0x7fff) > 0x7c00) /* NaN comes back quiet, its payload kept */
            good = good && isnan(f) && back == (h | 0x200);
        else if ((h & 0x7fff) == 0x7c00)
            good = good && isinf(f) && back == h;
        else
            good = good && (double)f == half_by_ldexp(h) && back == h;
        if (!good)
            ck_abort_msg("half %04x: %.9g and back %04x", h, f, back);
    }
}
END_TEST

/* Between each two neighbours the middle goes to the even one and its neighbours to the nearer; as
 * rounding never decreases, this covers every float. */
START_TEST(rounding_to_half)
{
    for (uint32_t h = 0; h < 0x7c00; h++) {
        double low = half_by_ldexp(h);
        double high = h == 0x7bff ? 65536 : half_by_ldexp(h + 1);
        float middle = (float)((low + high) / 2);
        uint32_t even = h & 1 ? h + 1 : h;
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            float m = sign ? -middle : middle;
            if (inf_half_from_float(m) != (even | sign) ||
                inf_half_from_float(nextafterf(m, 0)) != (h | sign) ||
                inf_half_from_float(m * (1 + FLT_EPSILON)) != ((h + 1) | sign))
                ck_abort_msg("around %.9g, above half %04x", m, h);
        }
    }
    ck_assert_uint_eq(inf_half_from_float(FLT_MAX), 0x7c00);
    ck_assert_uint_eq(inf_half_from_float(-INFINITY), 0xfc00);
    ck_assert_uint_eq(inf_half_from_float(-FLT_TRUE_MIN), 0x8000);
    ck_assert_uint_eq(inf_half_from_float(inf_float_from_bits(0x7f800001)), 0x7e00);
}
END_TEST

START_TEST(every_bf16)
{
    for (uint32_t b = 0; b < 65536; b++) {
        float f = inf_bf16_to_float((uint16_t)b);
        uint32_t back = inf_bf16_from_float(f);
        bool nan = (b & 0x7fff) > 0x7f80;
        bool good = inf_float_bits(f) == b << 16 && back == (nan ? b | 0x40 : b);
        if ((b & 0x7fff) < 0x7f80) {
            uint32_t even = b & 1 ? b + 1 : b;
            good = good && inf_bf16_from_float(inf_float_from_bits(b << 16 | 0x7fff)) == b &&
                   inf_bf16_from_float(inf_float_from_bits(b << 16 | 0x8000)) == even &&
                   inf_bf16_from_float(inf_float_from_bits(b << 16 | 0x8001)) == b + 1;
        }
        if (!good)
            ck_abort_msg("bf16 %04x", b);
    }
    ck_assert_uint_eq(inf_bf16_from_float(FLT_MAX), 0x7f80);
    /* A NaN whose upper half alone would be infinity. */
    ck_assert_uint_eq(inf_bf16_from_float(inf_float_from_bits(0xff800001)), 0xffc0);
}
END_TEST

START_TEST(every_scale_byte)
{
    for (int e = 0; e < 256; e++) {
        float want = e == 0 ? 0x1p-128f : ldexpf(1, e - 128);
        ck_assert_msg(inf_e8m0_half_to_float((uint8_t)e) == want, "e8m0 %d", e);
        int exponent = e >> 3 & 15, mantissa = e & 7;
        float e4m3 =
            exponent ? ldexpf(8 + (float)mantissa, exponent - 11) : ldexpf((float)mantissa, -10);
        if ((e & 127) == 127)
            e4m3 = 0;
        ck_assert_msg(inf_e4m3_half_to_float((uint8_t)e) == e4m3, "e4m3 %d", e);
    }
}
END_TEST

/* ---- Plain numbers -------------------------------------------------------------------------- */

static float decode_one(uint32_t id, const void *value)
{
    const struct inf_type_info *type = inf_type_info(id);
    uint8_t bytes[1 + 2 * 8] = {0};
    float out[2] = {5, 5};
    memcpy(bytes + 1 + type->bytes, value, type->bytes);
    inf_type_decode(type, bytes + 1, 2, out);
    ck_assert_float_eq(out[0], 0);
    return out[1];
}

START_TEST(numbers)
{
    int8_t i8 = -128;
    int16_t i16 = -32768;
    int32_t i32[] = {INT32_MIN, 16777217, 16777219};
    int64_t i64[] = {INT64_MIN, INT64_MAX, -3};
    double f64[] = {1e300, 0.1, -0x1p-149};
    float f32 = -0x1.8p-140f;
    uint16_t half = 0xc100, brain = 0x0001;
    ck_assert_float_eq(decode_one(INF_TYPE_I8, &i8), -128);
    ck_assert_float_eq(decode_one(INF_TYPE_I16, &i16), -32768);
    ck_assert_float_eq(decode_one(INF_TYPE_I32, &i32[0]), -0x1p31f);
    ck_assert_float_eq(decode_one(INF_TYPE_I32, &i32[1]), 16777216);
    ck_assert_float_eq(decode_one(INF_TYPE_I32, &i32[2]), 16777220);
    ck_assert_float_eq(decode_one(INF_TYPE_I64, &i64[0]), -0x1p63f);
    ck_assert_float_eq(decode_one(INF_TYPE_I64, &i64[1]), 0x1p63f);
    ck_assert_float_eq(decode_one(INF_TYPE_I64, &i64[2]), -3);
    ck_assert(isinf(decode_one(INF_TYPE_F64, &f64[0])));
    ck_assert_float_eq(decode_one(INF_TYPE_F64, &f64[1]), 0.1f);
    ck_assert_float_eq(decode_one(INF_TYPE_F64, &f64[2]), -0x1p-149f);
    ck_assert_float_eq(decode_one(INF_TYPE_F32, &f32), f32);
    ck_assert_float_eq(decode_one(INF_TYPE_F16, &half), -2.5f);
    ck_assert_float_eq(decode_one(INF_TYPE_BF16, &brain), 0x1p-133f);
    inf_type_decode(inf_type_info(INF_TYPE_F32), NULL, 0, NULL);
    inf_type_decode(inf_type_info(INF_TYPE_Q4_K), NULL, 0, NULL);
}
END_TEST

/* ---- Codebooks ------------------------------------------------------------------------------- */

/* Unequal entries, each of levels from the list. */
static void check_grid(const char *name, const uint8_t *bytes, int entries, int size,
                       const char *levels)
{
    for (int i = 0; i < entries * size; i++)
        ck_assert_msg(bytes[i] && strchr(levels, bytes[i]), "%s, byte %d", name, i);
    for (int i = 0; i < entries; i++)
        for (int j = 0; j < i; j++)
            if (!memcmp(bytes + i * size, bytes + j * size, (size_t)size))
                ck_abort_msg("%s: entries %d and %d are equal", name, j, i);
}

START_TEST(codebooks)
{
    const char *iq2 = "\x08\x19\x2b";
    check_grid("iq2_xxs", (const uint8_t *)inf_grid_iq2_xxs, 256, 8, iq2);
    check_grid("iq2_xs", (const uint8_t *)inf_grid_iq2_xs, 512, 8, iq2);
    check_grid("iq2_s", (const uint8_t *)inf_grid_iq2_s, 1024, 8, iq2);
    check_grid("iq3_xxs", (const uint8_t *)inf_grid_iq3_xxs, 256, 4, "\4\14\24\34\44\54\64\76");
    check_grid("iq3_s", (const uint8_t *)inf_grid_iq3_s, 512, 4, "\1\3\5\7\11\13\15\17");
    uint64_t iq1[2048]; /* -8, 0, 8 as 1, 9, 17, so that the same check fits */
    for (int i = 0; i < 2048; i++)
        for (int j = 0; j < 8; j++)
            ((uint8_t *)&iq1[i])[j] = (uint8_t)(((const uint8_t *)&inf_grid_iq1[i])[j] + 9);
    check_grid("iq1", (const uint8_t *)iq1, 2048, 8, "\1\11\21");
    for (int i = 0; i < 128; i++)
        ck_assert_int_eq(inf_codebook_signs[i], i | __builtin_parity((unsigned)i) << 7);
    for (int i = 0; i < 15; i++)
        ck_assert_int_lt(inf_codebook_nl[i], inf_codebook_nl[i + 1]);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(inf_codebook_fp4[i], -inf_codebook_fp4[i + 8]);
}
END_TEST

/* The numbers as they have always been: an edit by accident shows. */
START_TEST(codebooks_are_unchanged)
{
    uint64_t h = INF_HASH_SEED;
#define ADD(table) h = inf_hash(table, sizeof table, h)
    ADD(inf_codebook_nl);
    ADD(inf_codebook_fp4);
    ADD(inf_codebook_signs);
    ADD(inf_grid_iq2_xxs);
    ADD(inf_grid_iq2_xs);
    ADD(inf_grid_iq2_s);
    ADD(inf_grid_iq3_xxs);
    ADD(inf_grid_iq3_s);
    ADD(inf_grid_iq1);
#undef ADD
    ck_assert_uint_eq(h, UINT64_C(0x5802f607d72af7cb));
}
END_TEST

/* ---- Any bytes --------------------------------------------------------------------------------
 */

/* What kernel.h counts on: int8 codes (as u8 by adding 128), sums exact in float, exact products.
 */
static void check_ints(const struct inf_type_info *type, const struct inf_ints *b)
{
    uint32_t sub = inf_type_sub(type), size = 0;
    for (uint32_t i = 0; i < type->weights; i++) {
        if (b->q[i] == -128 && type->id != INF_TYPE_Q8_0)
            ck_abort_msg("%s: code -128 at %u", type->name, i);
        size = i % sub ? size : 0;
        size += (uint32_t)abs(b->q[i]);
        if (size * 127 > 1u << 24)
            ck_abort_msg("%s: a sum of %u is not exact in float", type->name, size * 127);
        float scale = b->scale[i / sub], product = scale * (float)b->q[i];
        if (isfinite(product) && (double)scale * b->q[i] != (double)product)
            ck_abort_msg("%s: %.9g * %d is not exact", type->name, scale, b->q[i]);
    }
    if (type->form != INF_FORM_S32_MIN256 && type->form != INF_FORM_S16_MIN256)
        return;
    uint32_t sum = 0;
    for (uint32_t j = 0; j < 256 / sub; j++) {
        float product = b->dmin * (float)b->m[j];
        if (isfinite(product) && (double)b->dmin * b->m[j] != (double)product)
            ck_abort_msg("%s: %.9g * %d is not exact", type->name, b->dmin, b->m[j]);
        sum += b->m[j];
    }
    if (sum * 32767 > 1u << 24)
        ck_abort_msg("%s: a sum of minima of %u is not exact in float", type->name, sum * 32767);
}

static bool same_ints(const struct inf_type_info *type, const struct inf_ints *a,
                      const struct inf_ints *b)
{
    uint32_t subs = type->weights / inf_type_sub(type);
    bool same = !memcmp(a->q, b->q, type->weights) && !memcmp(a->scale, b->scale, 4 * subs);
    if (type->form == INF_FORM_S32_MIN)
        return same && !memcmp(a->min, b->min, 4 * subs);
    if (type->form == INF_FORM_S32_MIN256 || type->form == INF_FORM_S16_MIN256)
        return same && !memcmp(&a->dmin, &b->dmin, 4) && !memcmp(a->m, b->m, subs);
    return same;
}

static uint64_t next(uint64_t *rng)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    return *rng ^= *rng << 17;
}

static uint64_t hash_ints(const struct inf_type_info *type, const struct inf_ints *b, uint64_t h)
{
    uint32_t subs = type->weights / inf_type_sub(type);
    h = inf_hash(b->q, type->weights, h);
    h = inf_hash(b->scale, 4 * subs, h);
    if (type->form == INF_FORM_S32_MIN)
        h = inf_hash(b->min, 4 * subs, h);
    if (type->form == INF_FORM_S32_MIN256 || type->form == INF_FORM_S16_MIN256)
        h = inf_hash(b->m, subs, inf_hash(&b->dmin, 4, h));
    return h;
}

/* Of 100 random blocks, from a decoder that gave a reference decoder's values for every code. */
static const uint64_t known[INF_TYPE_LIMIT] = {
    [INF_TYPE_Q4_0] = 0x2742fccc701f1d1a,    [INF_TYPE_Q4_1] = 0x608ea7ac0775241a,
    [INF_TYPE_Q5_0] = 0x2812132c8879aa16,    [INF_TYPE_Q5_1] = 0x13c4ea93457293da,
    [INF_TYPE_Q8_0] = 0xf4ffc94a6042c80f,    [INF_TYPE_Q2_K] = 0x7641051f2db50b2a,
    [INF_TYPE_Q3_K] = 0x3403db7ebbeeb1cf,    [INF_TYPE_Q4_K] = 0xe38583fb76c1ba73,
    [INF_TYPE_Q5_K] = 0x460bcac3ddc27242,    [INF_TYPE_Q6_K] = 0x05e8c426e371acb1,
    [INF_TYPE_IQ2_XXS] = 0x939573b224e013e4, [INF_TYPE_IQ2_XS] = 0x8a1241f987cc7f65,
    [INF_TYPE_IQ3_XXS] = 0xa4154788955f830d, [INF_TYPE_IQ1_S] = 0xa5bbc474fe1e3340,
    [INF_TYPE_IQ4_NL] = 0x97cd6c49ee357bc3,  [INF_TYPE_IQ3_S] = 0xcf531257be492cc2,
    [INF_TYPE_IQ2_S] = 0xec3256a997eb06f4,   [INF_TYPE_IQ4_XS] = 0x0d4c5fd591f9c17c,
    [INF_TYPE_IQ1_M] = 0x211c4762353c6348,   [INF_TYPE_TQ1_0] = 0x9d8be5b4e1b04804,
    [INF_TYPE_TQ2_0] = 0xe6aabbc03c3dc280,   [INF_TYPE_MXFP4] = 0x8a81b90f7e026e65,
    [INF_TYPE_NVFP4] = 0xdf549108ca95404d,   [INF_TYPE_Q1_0] = 0xfdaa118eec7ec413,
    [INF_TYPE_Q2_0] = 0x2fbf1f8842d0242d,
};

START_TEST(every_code_as_ever)
{
    const struct inf_type_info *type = inf_type_info((uint32_t)_i);
    if (!type || !type->ints)
        return;
    uint64_t rng = 0x0123456789abcdef, hash = INF_HASH_SEED;
    uint8_t block[256];
    for (int round = 0; round < 100; round++) {
        struct inf_ints b;
        for (uint32_t i = 0; i < type->bytes; i++)
            block[i] = (uint8_t)(next(&rng) >> 32);
        type->ints(block, &b);
        hash = hash_ints(type, &b, hash);
    }
    ck_assert_msg(hash == known[_i], "[INF_TYPE_%s] = 0x%016llx", type->name,
                  (unsigned long long)hash);
}
END_TEST

/* Blocks at odd addresses that end where their memory ends, so that a sanitizer sees one byte too
 * many; every used field is written whatever was there. */
START_TEST(any_bytes)
{
    const struct inf_type_info *type = inf_type_info((uint32_t)_i);
    if (!type || !type->ints)
        return;
    uint64_t rng = 0x9e3779b97f4a7c15 + (uint64_t)_i;
    uint8_t *memory = malloc(1 + type->bytes), *block = memory + 1;
    for (int round = 0; round < 10002; round++) {
        struct inf_ints a, b;
        for (uint32_t i = 0; i < type->bytes; i++)
            block[i] = round == 0 ? 0 : round == 1 ? 0xff : (uint8_t)(next(&rng) >> 32);
        memset(&a, 0, sizeof a);
        memset(&b, 0x55, sizeof b);
        type->ints(block, &a);
        type->ints(block, &b);
        if (!same_ints(type, &a, &b))
            ck_abort_msg("%s: something of a block is not written", type->name);
        check_ints(type, &a);
        if (type->id == INF_TYPE_MXFP4 || round == 0) { /* no NaN among all codes */
            float w[INF_BLOCK_MAX];
            inf_type_decode(type, block, type->weights, w);
            for (uint32_t i = 0; i < type->weights; i++)
                if (isnan(w[i]))
                    ck_abort_msg("%s: NaN at %u", type->name, i);
        }
    }
    free(memory);
}
END_TEST

/* The blocks that other tests multiply: the same from a seed, finite and of the size of weights. */
START_TEST(random_blocks)
{
    const struct inf_type_info *type = inf_type_info((uint32_t)_i);
    if (!type)
        return;
    enum { WEIGHTS = 256 * 64 };
    size_t blocks = WEIGHTS / type->weights, bytes = blocks * type->bytes;
    uint64_t seed = 7, again = 7, other = 8;
    uint8_t *a = malloc(bytes), *b = malloc(bytes);
    float *w = malloc(WEIGHTS * sizeof *w);
    inf_test_random_blocks(type->id, &seed, a, blocks);
    inf_test_random_blocks(type->id, &again, b, blocks);
    ck_assert_mem_eq(a, b, bytes);
    ck_assert_uint_eq(seed, again);
    inf_test_random_blocks(type->id, &other, b, blocks);
    ck_assert_mem_ne(a, b, bytes);
    inf_type_decode(type, a, WEIGHTS, w);
    double squares = 0;
    for (size_t i = 0; i < WEIGHTS; i++) {
        if (!isfinite(w[i]))
            ck_abort_msg("%s, weight %zu: %.9g", type->name, i, w[i]);
        squares += (double)w[i] * w[i];
    }
    double rms = sqrt(squares / WEIGHTS);
    if (type->form != INF_FORM_NUMBER)
        ck_assert_msg(rms > 0.01 && rms < 0.1, "%s: rms %g", type->name, rms);
    free(a);
    free(b);
    free(w);
}
END_TEST

Suite *suite_types(void)
{
    Suite *suite = suite_create("types");
    TCase *tc = tcase_create("types");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, block_by_hand, 0, (int)(sizeof hands / sizeof hands[0]));
    tcase_add_test(tc, every_block_type_has_a_hand_made_one);
    tcase_add_test(tc, names_and_ids);
    tcase_add_test(tc, row_bytes);
    tcase_add_test(tc, every_half);
    tcase_add_test(tc, rounding_to_half);
    tcase_add_test(tc, every_bf16);
    tcase_add_test(tc, every_scale_byte);
    tcase_add_test(tc, numbers);
    tcase_add_test(tc, codebooks);
    tcase_add_test(tc, codebooks_are_unchanged);
    tcase_add_loop_test(tc, every_code_as_ever, 0, INF_TYPE_LIMIT);
    tcase_add_loop_test(tc, any_bytes, 0, INF_TYPE_LIMIT);
    tcase_add_loop_test(tc, random_blocks, 0, INF_TYPE_LIMIT);
    suite_add_tcase(suite, tc);
    return suite;
}
