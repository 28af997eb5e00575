/*
 * check_rows [--seed N] [--stride N] [isa...]: every row of kernels.def of the ops quantize,
 * rmsnorm, layernorm, rope, glu, softcap, kv_store, attn, attn_merge, conv, gates and recur, on each level that this machine has (or those
 * named), against the reference by memcmp. Inputs and outputs end at a page that cannot be touched;
 * what stands before an output is compared too. The digest of the results is one for all levels and
 * machines (with one seed and stride). --stride: step of the sweeps over float patterns.
 */
#include "kernels/ref/math_ref.h"
#include "lib/device/device.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- Random data, and buffers that end at a guard ---------------------------------------- */

static uint64_t random_state;

static uint64_t random_u64(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t random_below(size_t n)
{
    return (size_t)(random_u64() >> 33) % n;
}

enum kind { PLAIN, ZEROS, SUBNORMAL, TINY, EDGE, HUGE_ONES, EQUAL, MIXED, NOT_FINITE, KINDS };

static float random_unit(void)
{
    return (float)((double)(int64_t)random_u64() * 0x1p-63);
}

static float random_special(void)
{
    static const uint32_t bits[] = {
        0,          0x80000000, 1,          0x80000001, 0x007fffff, 0x00800000,
        0x80800000, 0x33000000, 0x33000001, 0xb3800000, 0x38800000, 0x387fc000,
        0x387fe000, 0x3f800000, 0xbf800000, 0x477fe000, 0x477fefff, 0x477ff000,
        0x7f7f0000, 0x7f7fffff, 0xff7fffff, 0x42b00000, 0xc2d00000, 0xc2d00001,
        0x42b20000, 0x0d800000, 0x0d7fffff, 0x3f808000, 0x3f818000, 0x40490fdb,
    };
    return inf_float_from_bits(bits[random_below(sizeof bits / sizeof *bits)]);
}

static float random_number(enum kind kind, float scale)
{
    static const uint32_t bad[] = {0x7f800000, 0xff800000, 0x7fc00000, 0xffc01234, 0x7f800001};
    switch (kind) {
    case ZEROS:
        return random_below(2) ? 0.0f : -0.0f;
    case SUBNORMAL:
        return inf_float_from_bits((uint32_t)random_u64() & 0x807fffff);
    case TINY:
        return random_unit() * 0x1p-64f;
    case EDGE: /* 2^-100 or the number below it, where op quantize draws its line */
        return inf_float_from_bits((scale < 1.0f ? 0x0d7fffff : 0x0d800000) ^
                                   ((uint32_t)random_u64() & 0x80000000));
    case HUGE_ONES:
        return random_unit() * 3.4e38f;
    case EQUAL:
        return scale;
    case MIXED:
        return random_below(3) ? random_unit() * scale : random_special();
    case NOT_FINITE:
        return random_below(20) ? random_unit() * scale : inf_float_from_bits(bad[random_below(5)]);
    default:
        return random_unit() * scale;
    }
}

static void fill(float *x, size_t n, enum kind kind)
{
    float scale = ldexpf(1.0f, (int)random_below(16) - 8);
    for (size_t i = 0; i < n; i++)
        x[i] = random_number(kind, scale);
}

#define BUFFERS 12
#define BUFFER_BYTES ((size_t)2 << 20)
#define BEFORE 128 /* bytes before an output that are compared */

static uint8_t *buffers[BUFFERS];

static bool make_buffers(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < BUFFERS; i++) {
        buffers[i] = mmap(NULL, BUFFER_BYTES + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (buffers[i] == MAP_FAILED || mprotect(buffers[i] + BUFFER_BYTES, page, PROT_NONE))
            return false;
    }
    return true;
}

/* The last `bytes` of a buffer, with a known pattern in and before them. */
static void *at_guard(int buffer, size_t bytes)
{
    uint8_t *at = buffers[buffer] + BUFFER_BYTES - bytes;
    memset(at - BEFORE, 0xa5, bytes + BEFORE);
    return at;
}

static float *floats_at_guard(int buffer, size_t n, enum kind kind)
{
    float *x = at_guard(buffer, n * sizeof *x);
    fill(x, n, kind);
    return x;
}

/* Of all that was compared: the same for one seed on every machine and every level. */
static uint64_t digest;

static void digest_u32(uint32_t v)
{
    digest = (digest ^ v) * 0x100000001b3u;
}

static bool same_bytes(const void *expected, const void *got, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        digest_u32(((const uint8_t *)got)[i]);
    return memcmp((const uint8_t *)expected - BEFORE, (const uint8_t *)got - BEFORE,
                  bytes + BEFORE) == 0;
}

/* Bit for bit; a NaN equals a NaN. With `loose` (inputs not finite) all that is not finite is
 * equal. */
static bool same_float(float expected, float got, bool loose)
{
    digest_u32(isnan(got) || (loose && !isfinite(got)) ? 0x7fc00000 : inf_float_bits(got));
    if (inf_float_bits(expected) == inf_float_bits(got))
        return true;
    return loose ? !isfinite(expected) && !isfinite(got) : isnan(expected) && isnan(got);
}

static bool same_floats(const float *expected, const float *got, size_t n, bool loose)
{
    for (size_t i = 0; i < n; i++)
        if (!same_float(expected[i], got[i], loose)) {
            printf("  [%zu] of %zu: expected %a, got %a\n", i, n, (double)expected[i],
                   (double)got[i]);
            return false;
        }
    return memcmp((const uint8_t *)expected - BEFORE, (const uint8_t *)got - BEFORE, BEFORE) == 0;
}

/* ---- The ops ----------------------------------------------------------------------------- */

static size_t stride = 1021;

static size_t odd_size(size_t trial)
{
    return trial < 100      ? trial + 1
           : trial % 3 == 0 ? 576
           : trial % 3 == 1 ? 2048
                            : 1 + random_below(700);
}

static bool check_quantize(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 400; trial++) {
        enum kind kind = trial % KINDS;
        size_t k = 32 * (trial < 200 ? trial / 4 + 1 : 1 + random_below(80));
        size_t bytes = inf_acts_stride(k);
        float *x = floats_at_guard(0, k, kind);
        if (random_below(2)) { /* one block of another kind than the rest */
            float *block = x + 32 * random_below(k / 32);
            fill(block, 32, (enum kind)random_below(NOT_FINITE));
        }
        struct inf_quantize_args expected = {x, k, at_guard(1, bytes)};
        struct inf_quantize_args got = {x, k, at_guard(2, bytes)};
        ((inf_quantize_fn *)reference)(&expected);
        ((inf_quantize_fn *)function)(&got);
        if (!same_bytes(expected.column, got.column, bytes)) {
            printf("  quantize: k %zu, kind %d\n", k, (int)kind);
            return false;
        }
    }
    return true;
}

static bool check_rmsnorm(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 600; trial++) {
        enum kind kind = trial % KINDS;
        size_t n = odd_size(trial);
        float *x = floats_at_guard(0, n, kind), *copy = at_guard(1, n * 4);
        float *weight = floats_at_guard(2, n, PLAIN);
        memcpy(copy, x, n * 4);
        bool in_place = random_below(2);
        struct inf_rmsnorm_args expected = {x, weight, at_guard(3, n * 4), n, 1e-5f};
        struct inf_rmsnorm_args got = {copy, weight, in_place ? copy : at_guard(4, n * 4), n,
                                       1e-5f};
        ((inf_rmsnorm_fn *)reference)(&expected);
        ((inf_rmsnorm_fn *)function)(&got);
        if (!same_floats(expected.out, got.out, n, kind == NOT_FINITE)) {
            printf("  rmsnorm: n %zu, kind %d\n", n, (int)kind);
            return false;
        }
    }
    return true;
}

static bool check_layernorm(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 600; trial++) {
        enum kind kind = trial % KINDS;
        size_t n = odd_size(trial);
        float *x = floats_at_guard(0, n, kind), *copy = at_guard(1, n * 4);
        float *weight = floats_at_guard(2, n, PLAIN), *bias = floats_at_guard(5, n, PLAIN);
        memcpy(copy, x, n * 4);
        struct inf_layernorm_args expected = {
            x, weight, random_below(2) ? bias : NULL, at_guard(3, n * 4), n, 1e-5f};
        struct inf_layernorm_args got = expected;
        got.x = copy;
        got.out = random_below(2) ? copy : (float *)at_guard(4, n * 4);
        ((inf_layernorm_fn *)reference)(&expected);
        ((inf_layernorm_fn *)function)(&got);
        bool loose = kind == NOT_FINITE || kind == HUGE_ONES || kind == MIXED;
        if (!same_floats(expected.out, got.out, n, loose)) {
            printf("  layernorm: n %zu, kind %d\n", n, (int)kind);
            return false;
        }
    }
    return true;
}

static bool check_rope(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 800; trial++) {
        enum kind kind = trial / 2 % KINDS;
        size_t half = trial < 160 ? trial / 2 + 1 : 1 + random_below(128);
        size_t head_size = 2 * half + random_below(3) * 8, heads = 1 + random_below(5);
        size_t n = (heads - 1) * head_size + 2 * half; /* nothing behind the last turned pair */
        float *x = floats_at_guard(0, n, kind), *y = at_guard(1, n * 4);
        memcpy(y, x, n * 4);
        float *cosine = floats_at_guard(2, half, PLAIN), *sine = floats_at_guard(3, half, PLAIN);
        struct inf_rope_args expected = {x, heads, head_size, half, cosine, sine, trial % 2};
        struct inf_rope_args got = expected;
        got.x = y;
        ((inf_rope_fn *)reference)(&expected);
        ((inf_rope_fn *)function)(&got);
        if (!same_floats(x, y, n, kind == NOT_FINITE)) {
            printf("  rope: half %zu, head %zu, heads %zu, adjacent %zu, kind %d\n", half,
                   head_size, heads, trial % 2, (int)kind);
            return false;
        }
    }
    return true;
}

static bool glu_case(void (*reference)(void), void (*function)(void), size_t n,
                     enum inf_activation activation, const float *gate, const float *up, bool loose)
{
    float *g = at_guard(1, n * 4), *u = at_guard(2, n * 4);
    memcpy(g, gate, n * 4);
    memcpy(u, up, n * 4);
    size_t where = random_below(3);
    bool gated =
        activation == INF_SWIGLU_CLAMPED || (activation != INF_XIELU && random_below(3) > 0);
    static const struct inf_xielu scales[] = {{1.25f, 0.7f, 0.5f, -1e-6f},
                                              {0.3f, 1.5f, -0.2f, 2.0f}};
    const struct inf_xielu *xielu = &scales[random_below(2)];
    float *out = where == 0 ? g : where == 1 ? u : (float *)at_guard(4, n * 4);
    struct inf_glu_args expected = {gate, gated ? up : NULL, at_guard(3, n * 4),
                                    n,    activation,        xielu};
    struct inf_glu_args got = {g, gated ? u : NULL, out, n, activation, xielu};
    ((inf_glu_fn *)reference)(&expected);
    ((inf_glu_fn *)function)(&got);
    return same_floats(expected.out, out, n, loose);
}

#define ACTIVATIONS (INF_XIELU + 1)

static bool check_glu(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 400 * ACTIVATIONS; trial++) {
        enum kind kind = trial / ACTIVATIONS % KINDS;
        size_t n = odd_size(trial / ACTIVATIONS);
        float *gate = floats_at_guard(0, n, kind), *up = floats_at_guard(5, n, kind);
        enum inf_activation f = (enum inf_activation)(trial % ACTIVATIONS);
        if (!glu_case(reference, function, n, f, gate, up, kind == NOT_FINITE)) {
            printf("  glu: n %zu, activation %d, kind %d\n", n, (int)f, (int)kind);
            return false;
        }
    }
    /* Every stride-th pattern of a float, through exp and all around it. */
    float gate[1024], up[1024];
    for (int i = 0; i < 1024; i++)
        up[i] = 1.0f;
    for (uint64_t bits = 0; bits <= UINT32_MAX;) {
        for (int i = 0; i < 1024; i++, bits += stride)
            gate[i] = inf_float_from_bits((uint32_t)bits);
        for (int activation = 0; activation < ACTIVATIONS; activation++)
            if (!glu_case(reference, function, 1024, (enum inf_activation)activation, gate, up,
                          true)) {
                printf("  glu: sweep before pattern %#" PRIx64 "\n", bits);
                return false;
            }
    }
    return true;
}

static bool check_softcap(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 600; trial++) {
        enum kind kind = trial % KINDS;
        size_t n = odd_size(trial);
        float *x = floats_at_guard(0, n, kind), *y = at_guard(1, n * 4);
        memcpy(y, x, n * 4);
        struct inf_softcap_args expected = {x, n, trial % 2 ? 30.0f : 0.7f};
        struct inf_softcap_args got = {y, n, expected.cap};
        ((inf_softcap_fn *)reference)(&expected);
        ((inf_softcap_fn *)function)(&got);
        if (!same_floats(x, y, n, kind == NOT_FINITE)) {
            printf("  softcap: n %zu, kind %d\n", n, (int)kind);
            return false;
        }
    }
    return true;
}

static const char *const kv_names[] = {"f16", "f32", "bf16", "q8_0"};

#define HEAD_MAX 576

static size_t random_head_size(enum inf_kv kv)
{
    static const size_t usual[] = {64, 80, 96, 128, 192, 256, 512, 576};
    if (kv == INF_KV_Q8_0)
        return INF_KV_BLOCK * (1 + random_below(random_below(4) ? 16 : HEAD_MAX / INF_KV_BLOCK));
    return random_below(2) ? usual[random_below(8)] : 8 * (1 + random_below(HEAD_MAX / 8));
}

static bool check_kv_store(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 1200; trial++) {
        enum inf_kv kv = trial % 4;
        enum kind kind = (enum kind)random_below(KINDS);
        size_t k_size = random_head_size(kv), positions = 48;
        size_t v_size = trial % 5 ? random_head_size(kv) : 0, odd = random_below(2);
        size_t k_bytes = positions * inf_kv_row_bytes(kv, k_size) + odd;
        size_t v_bytes = positions * inf_kv_row_bytes(kv, v_size) + odd;
        float *k = floats_at_guard(0, k_size, kind);
        float *v = v_size ? floats_at_guard(1, v_size, kind) : NULL;
        size_t position = trial % 3 ? random_below(positions) : positions - 1;
        struct inf_kv_store_args expected = {
            kv, k, v, k_size, v_size, position, at_guard(2, k_bytes), at_guard(3, v_bytes)};
        struct inf_kv_store_args got = expected;
        got.k_head = at_guard(4, k_bytes);
        got.v_head = at_guard(5, v_bytes);
        ((inf_kv_store_fn *)reference)(&expected);
        ((inf_kv_store_fn *)function)(&got);
        if (!same_bytes(expected.k_head, got.k_head, k_bytes) ||
            !same_bytes(expected.v_head, got.v_head, v_bytes)) {
            printf("  kv_store: %s, heads %zu and %zu, position %zu, kind %d\n", kv_names[kv],
                   k_size, v_size, position, (int)kind);
            return false;
        }
    }
    return true;
}

/* first and end of each row; returns the largest end, at least 1. */
static uint32_t random_ranges(size_t trial, size_t rows, uint32_t *first, uint32_t *end)
{
    uint32_t largest = 1, start = (uint32_t)random_below(INF_ATTN_TILE);
    uint32_t window = 1 + (uint32_t)random_below(60);
    for (size_t r = 0; r < rows; r++) {
        first[r] = 0;
        switch (trial % 6) {
        case 0: /* all alike */
            end[r] = start + 1;
            break;
        case 1: /* causal */
            end[r] = start + 1 + (uint32_t)r;
            break;
        case 2: /* a sliding window that runs into the tile */
            end[r] = (uint32_t)r * 3 > start % 12 ? (uint32_t)r * 3 - start % 12 : 0;
            first[r] = end[r] > window ? end[r] - window : 0;
            break;
        case 3: /* one that leaves it */
            first[r] = start + (uint32_t)r;
            end[r] = INF_ATTN_TILE;
            break;
        case 4: /* anything, in part empty or the wrong way round */
            first[r] = (uint32_t)random_below(INF_ATTN_TILE);
            end[r] = (uint32_t)random_below(INF_ATTN_TILE + 1);
            break;
        default: /* one position each */
            first[r] = (uint32_t)random_below(INF_ATTN_TILE);
            end[r] = first[r] + 1;
        }
        end[r] = end[r] > INF_ATTN_TILE ? INF_ATTN_TILE : end[r];
        if (first[r] < end[r] && end[r] > largest)
            largest = end[r];
    }
    return largest;
}

static bool attn_case(void (*reference)(void), void (*function)(void),
                      const struct inf_attn_args *a, bool loose)
{
    size_t rows = a->rows, acc = ((rows - 1) * a->acc_stride + a->v_size) * 4;
    struct inf_attn_args expected = *a, got = *a;
    expected.most = at_guard(4, rows * 4);
    expected.sum = at_guard(5, rows * 4);
    expected.acc = at_guard(6, acc);
    got.most = at_guard(7, rows * 4);
    got.sum = at_guard(8, rows * 4);
    got.acc = at_guard(9, acc);
    ((inf_attn_fn *)reference)(&expected);
    got.scratch = at_guard(10, inf_attn_scratch(rows, a->v_size, !a->v_tile) * 4);
    ((inf_attn_fn *)function)(&got);
    if (!same_floats(expected.sum, got.sum, rows, loose) ||
        !same_floats(expected.acc, got.acc, acc / 4, loose))
        return false;
    for (size_t r = 0; r < rows; r++) /* where the sum is NaN the largest score says nothing */
        if (isfinite(expected.sum[r]) && !same_float(expected.most[r], got.most[r], loose)) {
            printf("  most: expected %a, got %a\n", (double)expected.most[r], (double)got.most[r]);
            return false;
        }
    return true;
}

/* Random K and V (`latent`: no V) of `positions` positions, as op kv_store stores them; the rest of
 * the last group of K is bytes 0xff, NaN in every type. */
static void fill_kv(struct inf_attn_args *a, size_t positions, enum kind kind, bool latent)
{
    float k[HEAD_MAX], v[HEAD_MAX];
    size_t groups = (positions + 15) / 16, v_size = latent ? 0 : a->v_size;
    size_t k_bytes = groups * 16 * inf_kv_row_bytes(a->kv, a->k_size);
    uint8_t *k_at = at_guard(0, k_bytes);
    uint8_t *v_at = at_guard(1, positions * inf_kv_row_bytes(a->kv, v_size));
    memset(k_at, 0xff, k_bytes);
    float scale = ldexpf(1.0f, (int)random_below(6) - 3);
    for (size_t p = 0; p < positions; p++) {
        for (size_t d = 0; d < a->k_size; d++)
            k[d] = random_number(kind, scale);
        for (size_t d = 0; d < v_size; d++)
            v[d] = random_number(kind, scale);
        struct inf_kv_store_args store = {a->kv, k, v, a->k_size, v_size, p, k_at, v_at};
        inf_kv_store_fn inf_k_kv_store_ref;
        inf_k_kv_store_ref(&store);
    }
    a->k_tile = k_at;
    a->v_tile = latent ? NULL : v_at;
}

/* Weights themselves: scores are the numbers, V is the identity. */
static bool sweep_weights(void (*reference)(void), void (*function)(void))
{
    float k[16][16], v[16][16], q[16] = {1.0f}, scratch[INF_ATTN_TILE];
    uint32_t first = 0, end = 16;
    memset(k, 0, sizeof k);
    memset(v, 0, sizeof v);
    for (int p = 0; p < 16; p++)
        v[p][p] = 1.0f;
    struct inf_attn_args a = {.kv = INF_KV_F32,
                              .k_tile = (uint8_t *)k,
                              .v_tile = (uint8_t *)v,
                              .k_size = 16,
                              .v_size = 16,
                              .q = q,
                              .q_stride = 16,
                              .rows = 1,
                              .first = &first,
                              .end = &end,
                              .acc_stride = 16,
                              .scratch = scratch};
    for (uint64_t bits = 0x80000000; bits < 0xff800000;) {
        for (int p = 1; p < 16; p++, bits += stride)
            k[0][p] = bits < 0xff800000 ? inf_float_from_bits((uint32_t)bits) : -1.0f;
        if (!attn_case(reference, function, &a, false)) {
            printf("  attn: sweep of weights before pattern %#" PRIx64 "\n", bits);
            return false;
        }
    }
    return true;
}

static bool check_attn(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 1600; trial++) {
        enum kind kind = trial % 3 ? PLAIN : (enum kind)random_below(KINDS);
        uint32_t first[40], end[40];
        size_t rows = trial % 17 == 16 ? 40 : trial % 17 + 1;
        struct inf_attn_args a = {.kv = trial / 2 % 4, .rows = rows, .first = first, .end = end};
        bool latent = trial % 7 == 6;
        a.k_size = random_head_size(a.kv);
        do
            a.v_size = random_below(2) && !latent ? a.k_size : random_head_size(a.kv);
        while (latent && a.v_size > a.k_size);
        a.cap = random_below(3) ? 0.0f : 50.0f * (float)random_below(100) / 99.0f;
        a.q_stride = a.k_size + random_below(9);
        a.acc_stride = a.v_size + random_below(9);
        size_t positions = random_ranges(random_below(6), rows, first, end);
        fill_kv(&a, positions, kind, latent);
        a.q = floats_at_guard(2, (rows - 1) * a.q_stride + a.k_size, kind);
        a.scratch = at_guard(3, inf_attn_scratch(rows, a.v_size, latent) * 4);
        bool loose = kind == NOT_FINITE || kind == HUGE_ONES || kind == MIXED;
        if (!attn_case(reference, function, &a, loose)) {
            printf("  attn: trial %zu, %s, heads %zu and %zu%s, cap %g, rows %zu, kind %d\n", trial,
                   kv_names[a.kv], a.k_size, a.v_size, latent ? " latent" : "", (double)a.cap, rows,
                   (int)kind);
            return false;
        }
    }
    return sweep_weights(reference, function);
}

static bool check_attn_merge(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 800; trial++) {
        enum kind kind = trial % KINDS;
        size_t n = trial < 256 ? trial + 1 : 8 * (1 + random_below(32));
        float *acc = floats_at_guard(0, n, kind), *same = at_guard(1, n * 4);
        float *acc_t = floats_at_guard(2, n, kind), state[4];
        memcpy(same, acc, n * 4);
        state[0] = state[2] = random_below(8) ? random_unit() * 120.0f : -INFINITY;
        state[1] = state[3] = random_below(4) ? random_unit() + 1.5f : 0.0f;
        float most_t = random_below(8) ? random_unit() * 120.0f : state[0];
        float sum_t = random_below(8) ? random_unit() + 1.5f : 0.0f;
        struct inf_attn_merge_args expected = {n, &state[0], &state[1], acc, most_t, sum_t, acc_t};
        struct inf_attn_merge_args got = {n, &state[2], &state[3], same, most_t, sum_t, acc_t};
        ((inf_attn_merge_fn *)reference)(&expected);
        ((inf_attn_merge_fn *)function)(&got);
        if (!same_floats(acc, same, n, kind == NOT_FINITE) ||
            !same_float(state[0], state[2], false) || !same_float(state[1], state[3], false)) {
            printf("  attn_merge: n %zu, kind %d\n", n, (int)kind);
            return false;
        }
    }
    return true;
}

/* ---- Recurrent layers ------------------------------------------------------------------------ */

/* Two copies of an input that is written to, in `buffer` and the one behind it. */
static float *doubled(int buffer, size_t n, enum kind kind)
{
    float *x = floats_at_guard(buffer, n, kind);
    memcpy(at_guard(buffer + 1, n * 4), x, n * 4);
    return x;
}

static float *copy_of(int buffer, size_t n)
{
    return (float *)(void *)(buffers[buffer + 1] + BUFFER_BYTES - n * 4);
}

static bool check_conv(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 1200; trial++) {
        enum kind kind = trial % KINDS;
        size_t taps = trial % 3 ? 2 + random_below(INF_CONV_TAPS - 1) : 4;
        size_t channels = trial < 120 ? trial / 2 + 1 : 16 * (1 + random_below(20));
        size_t rows = 1 + random_below(trial % 2 ? 2 : 20);
        size_t stride_x = channels + random_below(9), stride_state = channels + random_below(9);
        size_t n = (rows - 1) * stride_x + channels;
        size_t kept = (taps - 2) * stride_state + channels;
        struct inf_conv_args expected = {
            .x = doubled(0, n, kind),
            .x_stride = stride_x,
            .rows = rows,
            .channels = channels,
            .taps = taps,
            .weight = floats_at_guard(2, channels * taps, PLAIN),
            .bias = random_below(2) ? floats_at_guard(3, channels, PLAIN) : NULL,
            .state = doubled(4, kept, kind),
            .state_stride = stride_state,
            .silu = random_below(2),
        };
        struct inf_conv_args got = expected;
        got.x = copy_of(0, n);
        got.state = copy_of(4, kept);
        ((inf_conv_fn *)reference)(&expected);
        ((inf_conv_fn *)function)(&got);
        bool loose = kind == NOT_FINITE || kind == HUGE_ONES || kind == MIXED;
        if (!same_floats(expected.x, got.x, n, loose) ||
            !same_floats(expected.state, got.state, kept, loose)) {
            printf("  conv: %zu channels, %zu taps, %zu rows, kind %d\n", channels, taps, rows,
                   (int)kind);
            return false;
        }
    }
    return true;
}

static bool gates_case(void (*reference)(void), void (*function)(void), size_t n,
                       const float *alpha, enum kind kind)
{
    bool loose = kind == NOT_FINITE || kind == HUGE_ONES || kind == MIXED;
    struct inf_gates_args expected = {
        .alpha = alpha,
        .bias = floats_at_guard(5, n, loose ? PLAIN : ZEROS),
        .a = floats_at_guard(6, n, PLAIN),
        .raw = random_below(2) ? floats_at_guard(7, n, kind) : NULL,
        .g = at_guard(1, n * 4),
        .beta = at_guard(2, n * 4),
        .n = n,
    };
    struct inf_gates_args got = expected;
    got.g = at_guard(3, n * 4);
    got.beta = at_guard(4, n * 4);
    ((inf_gates_fn *)reference)(&expected);
    ((inf_gates_fn *)function)(&got);
    return same_floats(expected.g, got.g, n, loose) &&
           same_floats(expected.beta, got.beta, n, loose);
}

static bool check_gates(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 600; trial++) {
        enum kind kind = trial % KINDS;
        size_t n = trial / 8 + 1;
        if (!gates_case(reference, function, n, floats_at_guard(0, n, kind), kind)) {
            printf("  gates: n %zu, kind %d\n", n, (int)kind);
            return false;
        }
    }
    float alpha[1024];
    for (uint64_t bits = 0; bits <= UINT32_MAX;) {
        for (int i = 0; i < 1024; i++, bits += stride)
            alpha[i] = inf_float_from_bits((uint32_t)bits);
        if (!gates_case(reference, function, 1024, alpha, NOT_FINITE)) {
            printf("  gates: sweep before pattern %#" PRIx64 "\n", bits);
            return false;
        }
    }
    return true;
}

static bool recur_case(void (*reference)(void), void (*function)(void), size_t trial,
                       enum kind kind)
{
    size_t keys = trial < 80 ? trial + 1 : 16 * (1 + random_below(8));
    size_t values = trial % 2 ? 1 + random_below(100) : 16 * (1 + random_below(8));
    size_t rows = 1 + random_below(trial % 3 ? 2 : 9), gates = 1 + random_below(4);
    size_t x_stride = keys + values + random_below(5), out_stride = values + random_below(5);
    size_t state = inf_recur_state(keys, values);
    struct inf_recur_args expected = {
        .k = floats_at_guard(0, (rows - 1) * x_stride + keys, kind),
        .q = floats_at_guard(1, (rows - 1) * x_stride + keys, kind),
        .v = floats_at_guard(2, (rows - 1) * x_stride + values, kind),
        .x_stride = x_stride,
        .g = floats_at_guard(3, (rows - 1) * gates + 1, kind == NOT_FINITE ? PLAIN : kind),
        .beta = floats_at_guard(4, (rows - 1) * gates + 1, PLAIN),
        .gate_stride = gates,
        .out = at_guard(5, ((rows - 1) * out_stride + values) * 4),
        .out_stride = out_stride,
        .state = doubled(6, state, kind),
        .rows = rows,
        .keys = keys,
        .values = values,
        .skip = random_below(2) ? random_unit() : 0.0f,
        .correct = random_below(2),
    };
    for (size_t i = 0; i < state; i++) /* nothing beyond the values */
        if (i / (keys * 16) * 16 + i % 16 >= values)
            expected.state[i] = copy_of(6, state)[i] = 0.0f;
    struct inf_recur_args got = expected;
    got.out = at_guard(8, ((rows - 1) * out_stride + values) * 4);
    got.state = copy_of(6, state);
    ((inf_recur_fn *)reference)(&expected);
    ((inf_recur_fn *)function)(&got);
    bool loose = kind == NOT_FINITE || kind == HUGE_ONES || kind == MIXED;
    for (size_t i = 0; i < state; i++) /* zeros of either sign, and what comes of infinities */
        if (i / (keys * 16) * 16 + i % 16 >= values)
            got.state[i] = 0.0f;
    if (same_floats(expected.out, got.out, (rows - 1) * out_stride + values, loose) &&
        same_floats(expected.state, got.state, state, loose))
        return true;
    printf("  recur: %zu keys, %zu values, %zu rows, kind %d\n", keys, values, rows, (int)kind);
    return false;
}

static bool check_recur(void (*reference)(void), void (*function)(void))
{
    for (size_t trial = 0; trial < 900; trial++)
        if (!recur_case(reference, function, trial, trial % KINDS))
            return false;
    return true;
}

/* ---- exp itself -------------------------------------------------------------------------- */

#define EXP_ULPS 1.0

/* inf_exp against the C library's in double, in units of the last place of the result. */
static bool check_exp(void)
{
    double worst = 0.0;
    float at = 0.0f;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += stride) {
        float x = inf_float_from_bits((uint32_t)bits), y = inf_exp_ref(x);
        if (isnan(x) ? !isnan(y) : x > 89.0f ? y < INFINITY : x < -104.0f && y != 0.0f) {
            printf("  exp(%a) = %a\n", (double)x, (double)y);
            return false;
        }
        double exact = exp((double)x);
        if (!(exact < 3.4028235e38))
            continue;
        int exponent;
        frexp(exact, &exponent);
        double unit = ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
        double error = fabs((double)y - exact) / unit;
        if (error > worst) {
            worst = error;
            at = x;
        }
    }
    printf("  exp: at most %.3f ulp (at %a), bound %.1f\n", worst, (double)at, EXP_ULPS);
    return worst <= EXP_ULPS;
}

/* The activations and the cap against the C library's functions in double. */
static bool check_functions(void)
{
    inf_glu_fn inf_k_glu_ref;
    inf_softcap_fn inf_k_softcap_ref;
    enum { CAP, SILU, GELU, GELU_ERF, RELU2, XIELU, FUNCTIONS };
    static const enum inf_activation activations[] = {INF_SILU,     INF_SILU,         INF_GELU_TANH,
                                                      INF_GELU_ERF, INF_RELU_SQUARED, INF_XIELU};
    static const struct inf_xielu xielu = {0.75f, 1.25f, 0.5f, -1e-6f};
    double worst[FUNCTIONS] = {0};
    for (double at = -20.0; at < 20.0; at += 1.0 / 512) {
        float x = (float)at, got[FUNCTIONS] = {x};
        double d = (double)x;
        double want[] = {5.0 * tanh(d / 5.0),
                         d / (1.0 + exp(-d)),
                         0.5 * d * (1.0 + tanh(0.79788456080286536 * (d + 0.044715 * d * d * d))),
                         0.5 * d * erfc(-0.70710678118654752 * d),
                         d < 0.0 ? 0.0 : d * d,
                         d > 0.0 ? 0.75 * d * d + 0.5 * d
                                 : 1.25 * (expm1(fmin(d, (double)-1e-6f)) - d) + 0.5 * d};
        inf_k_softcap_ref(&(struct inf_softcap_args){&got[CAP], 1, 5.0f});
        for (int f = SILU; f < FUNCTIONS; f++)
            inf_k_glu_ref(&(struct inf_glu_args){&x, NULL, &got[f], 1, activations[f], &xielu});
        for (int f = 0; f < FUNCTIONS; f++)
            worst[f] = fmax(worst[f], fabs((double)got[f] - want[f]) /
                                          fmax(f == CAP ? 5.0 : 1.0, fabs(want[f])));
    }
    printf("  softcap, silu, gelu, gelu with erf, relu squared, xielu: at most %.1e, %.1e, %.1e, "
           "%.1e, %.1e, %.1e of max(1 or the cap, |value|)\n",
           worst[CAP], worst[SILU], worst[GELU], worst[GELU_ERF], worst[RELU2], worst[XIELU]);
    bool good = true;
    for (int f = 0; f < FUNCTIONS; f++)
        good &= worst[f] < 5e-7;
    return good;
}

/* What is folded into nothing stays as it is, on every level, however low its scores are. */
static bool check_first_merge(void)
{
    const struct inf_kernel_row *rows;
    size_t n = inf_kernel_rows(&rows);
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        bool usable = rows[i].isa == INF_ISA_EXACT || inf_cpu_usable() >> rows[i].isa & 1;
        if (rows[i].op != INF_OP_ATTN_MERGE || !usable)
            continue;
        float most = 0.0f, sum = 0.0f, acc[16] = {0.0f}, acc_t[16];
        for (int d = 0; d < 16; d++)
            acc_t[d] = (float)d;
        ((inf_attn_merge_fn *)rows[i].function)(
            &(struct inf_attn_merge_args){16, &most, &sum, acc, -1000.0f, 2.0f, acc_t});
        if (most != -1000.0f || sum != 2.0f || memcmp(acc, acc_t, sizeof acc)) {
            printf("  %s: %g, %g in place of -1000, 2\n", rows[i].name, (double)most, (double)sum);
            good = false;
        }
    }
    return good;
}

/* ---- Rows of the table ------------------------------------------------------------------- */

/* The reference is what the others are compared with. */
static bool runs_here(enum inf_isa isa)
{
    return isa != INF_ISA_REF && inf_cpu_usable() >> isa & 1;
}

static bool (*check_of(enum inf_op op))(void (*)(void), void (*)(void))
{
    switch (op) {
    case INF_OP_QUANTIZE:
        return check_quantize;
    case INF_OP_RMSNORM:
        return check_rmsnorm;
    case INF_OP_LAYERNORM:
        return check_layernorm;
    case INF_OP_SOFTCAP:
        return check_softcap;
    case INF_OP_ROPE:
        return check_rope;
    case INF_OP_GLU:
        return check_glu;
    case INF_OP_KV_STORE:
        return check_kv_store;
    case INF_OP_ATTN:
        return check_attn;
    case INF_OP_ATTN_MERGE:
        return check_attn_merge;
    case INF_OP_CONV:
        return check_conv;
    case INF_OP_GATES:
        return check_gates;
    case INF_OP_RECUR:
        return check_recur;
    case INF_OP_MATMUL:
    case INF_OP_COUNT:
        break;
    }
    return NULL;
}

static const struct inf_kernel_row *reference_of(enum inf_op op)
{
    const struct inf_kernel_row *rows;
    size_t n = inf_kernel_rows(&rows);
    for (size_t i = 0; i < n; i++)
        if (rows[i].op == op && rows[i].isa == INF_ISA_REF)
            return &rows[i];
    return NULL;
}

int main(int argc, char **argv)
{
    bool chosen[INF_ISA_COUNT] = {false}, any = false;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && !strcmp(argv[i], "--seed")) {
            seed = strtoull(argv[++i], NULL, 0);
            continue;
        }
        if (i + 1 < argc && !strcmp(argv[i], "--stride") && (stride = strtoull(argv[++i], NULL, 0)))
            continue;
        int isa = 0;
        while (isa < INF_ISA_COUNT && strcmp(argv[i], inf_isa_name(isa)))
            isa++;
        if (isa == INF_ISA_COUNT || !runs_here(isa)) {
            fprintf(stderr, "check_rows: %s: no level of this machine\n", argv[i]);
            return 2;
        }
        chosen[isa] = any = true;
    }
    if (!make_buffers()) {
        perror("check_rows: buffers");
        return 2;
    }
    printf("seed %" PRIu64 "\n", seed);
    random_state = seed;

    size_t passed = 0, failed = 0;
    bool (*const functions[])(void) = {check_exp, check_functions, check_first_merge};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        bool good = functions[i]();
        passed += good;
        failed += !good;
    }
    const struct inf_kernel_row *rows;
    size_t n = inf_kernel_rows(&rows);
    for (size_t i = 0; i < n; i++) {
        bool (*check)(void (*)(void), void (*)(void)) = check_of(rows[i].op);
        if (!check || !runs_here(rows[i].isa) || (any && !chosen[rows[i].isa]))
            continue;
        random_state = seed + rows[i].op;
        digest = 0xcbf29ce484222325u;
        bool good = check(reference_of(rows[i].op)->function, rows[i].function);
        printf("%s %-24s digest %016" PRIx64 "\n", good ? "ok  " : "FAIL", rows[i].name, digest);
        fflush(stdout);
        passed += good;
        failed += !good;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed > 0;
}
