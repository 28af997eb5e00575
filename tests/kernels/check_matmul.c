/*
 * Compares every matmul kernel of the table with inf_k_matmul_ref, bit by bit.
 *
 *     check_matmul [-s SEED] [ISA...]
 *
 * Weights are random valid blocks, all scales of the type among them; weights, activations, scratch
 * and output each end at a page that cannot be touched. Prints the seed, a line for each kernel,
 * and `N passed, N failed`.
 */
#include "kernels/kernel.h"
#include "lib/device/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void inf_k_matmul_ref(const struct inf_matmul_args *a);
void inf_k_quantize_ref(const struct inf_quantize_args *a);

/* ---- Random numbers and memory ----------------------------------------------------------------
 */

static uint64_t state;

static uint32_t random_u32(void)
{
    state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)((uint64_t)random_u32() * n >> 32);
}

static bool finite_bits(float f)
{
    return (inf_float_bits(f) & 0x7f800000) != 0x7f800000;
}

/* Bytes whose end is the end of accessible memory. */
struct guarded {
    uint8_t *map, *at;
    size_t mapped, bytes;
};

static struct guarded guard(size_t bytes, size_t gap)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + gap + 2 * page - 1) / page * page;
    struct guarded g = {.mapped = whole + page, .bytes = bytes};
    g.map = mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + whole, page, PROT_NONE)) {
        perror("check_matmul: memory");
        exit(1);
    }
    g.at = g.map + whole - gap - bytes;
    return g;
}

static void unguard(struct guarded g)
{
    munmap(g.map, g.mapped);
}

/* ---- Weights ----------------------------------------------------------------------------------
 */

/* Where the halves of a block are, to set them to special values; -1: none. */
static const struct halves {
    uint32_t type;
    int d, min;
} halves[] = {
    {INF_TYPE_Q4_0, 0, -1},    {INF_TYPE_Q4_1, 0, 2},    {INF_TYPE_Q5_0, 0, -1},
    {INF_TYPE_Q5_1, 0, 2},     {INF_TYPE_Q8_0, 0, -1},   {INF_TYPE_Q2_K, 80, 82},
    {INF_TYPE_Q3_K, 108, -1},  {INF_TYPE_Q4_K, 0, 2},    {INF_TYPE_Q5_K, 0, 2},
    {INF_TYPE_Q6_K, 208, -1},  {INF_TYPE_IQ4_NL, 0, -1}, {INF_TYPE_IQ4_XS, 0, -1},
    {INF_TYPE_IQ2_XXS, 0, -1}, {INF_TYPE_IQ2_XS, 0, -1}, {INF_TYPE_IQ2_S, 0, -1},
    {INF_TYPE_IQ3_XXS, 0, -1}, {INF_TYPE_IQ3_S, 0, -1},  {INF_TYPE_IQ1_S, 0, -1},
    {INF_TYPE_TQ1_0, 52, -1},  {INF_TYPE_TQ2_0, 64, -1}, {INF_TYPE_Q1_0, 0, -1},
    {INF_TYPE_Q2_0, 0, -1},
};

static void set_half(uint8_t *block, int at, uint16_t bits)
{
    if (at >= 0)
        memcpy(block + at, &bits, sizeof bits);
}

/* Zeros, the smallest and largest subnormal, the smallest normal, one, the largest. */
static uint16_t special_half(void)
{
    static const uint16_t values[] = {0, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x7bff};
    return (uint16_t)(values[random_below(6)] | random_below(2) << 15);
}

static bool block_finite(const struct inf_type_info *type, const uint8_t *block)
{
    struct inf_ints b;
    type->ints(block, &b);
    bool good = true;
    for (uint32_t i = 0; i < type->weights / inf_type_sub(type); i++)
        good = good && finite_bits(b.scale[i]) &&
               (type->form != INF_FORM_S32_MIN || finite_bits(b.min[i]));
    if (type->form == INF_FORM_S32_MIN256 || type->form == INF_FORM_S16_MIN256)
        good = good && finite_bits(b.dmin);
    return good;
}

static void random_bytes(uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)random_u32();
}

static void random_block(const struct inf_type_info *type, uint8_t *block)
{
    do {
        random_bytes(block, type->bytes);
        uint32_t kind = random_below(8); /* extremes of the codes, too */
        if (kind < 2)
            memset(block, kind ? 0xff : 0, type->bytes);
        for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
            if (halves[i].type == type->id && (kind < 4)) {
                set_half(block, halves[i].d, special_half());
                set_half(block, halves[i].min, special_half());
            }
    } while (!block_finite(type, block));
}

/* A value of a float type: any finite one of up to 2^16 in size. */
static void random_value(const struct inf_type_info *type, uint8_t *at)
{
    float value;
    do {
        random_bytes(at, type->bytes);
        type->floats(at, 1, &value);
    } while (!finite_bits(value) || value > 0x1p16f || value < -0x1p16f);
}

static void random_weights(const struct inf_type_info *type, uint8_t *at, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++, at += type->bytes)
        if (type->form == INF_FORM_FLOAT)
            random_value(type, at);
        else
            random_block(type, at);
}

/* ---- Activations ------------------------------------------------------------------------------
 */

/* A column: sizes that differ from 32 to 32, some of them all zero, some tiny, some huge. */
static void random_column(float *x, size_t k)
{
    for (size_t i = 0; i < k; i += 32) {
        static const float sizes[] = {0.0f, 0x1p-99f, 1e-30f, 1e-3f, 1.0f, 1.0f, 30.0f, 1e20f};
        float size = sizes[random_below(8)];
        for (size_t j = i; j < k && j < i + 32; j++)
            x[j] = size * ((float)random_below(20001) * 1e-4f - 1.0f);
    }
}

/* ---- One product -------------------------------------------------------------------------------
 */

struct shape {
    size_t rows, cols, k;
    bool lists, nan;
    uint32_t odd; /* bytes between the weights' end and the guard page */
};

struct memory {
    struct guarded w, x, acts, scratch, out;
    float *expected;
    uint32_t x_cols[64], out_cols[64];
};

#define OUT_GAP 3 /* floats between the rows of out */

static size_t columns_of(const struct shape *s)
{
    return s->lists ? s->cols + 3 : s->cols;
}

static void shuffle(uint32_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        list[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        size_t other = random_below((uint32_t)i + 1);
        uint32_t keep = list[i];
        list[i] = list[other];
        list[other] = keep;
    }
}

static struct inf_matmul_args make(const struct inf_type_info *type, const struct shape *s,
                                   struct memory *m)
{
    uint64_t row_bytes = 0;
    inf_type_row_bytes(type, s->k, &row_bytes);
    size_t columns = columns_of(s), stride = s->rows + OUT_GAP;
    bool quantized = type->form != INF_FORM_FLOAT;
    m->w = guard(s->rows * row_bytes, s->odd);
    m->x = guard(columns * s->k * 4, 0);
    m->acts = guard(quantized ? columns * inf_acts_stride(s->k) : 64, 0);
    m->scratch = guard(INF_MATMUL_SCRATCH, 0);
    m->out = guard((s->cols * stride - OUT_GAP) * 4, 0);
    m->expected = malloc(m->out.bytes);
    if (!m->expected)
        exit(1);
    random_weights(type, m->w.at, s->rows * (s->k / type->weights));
    memset(m->scratch.at, 0xff, m->scratch.bytes);
    memset(m->out.at, 0xa5, m->out.bytes);
    memset(m->expected, 0xa5, m->out.bytes);
    float *x = (float *)(void *)m->x.at;
    for (size_t c = 0; c < columns; c++) {
        random_column(x + c * s->k, s->k);
        if (s->nan)
            x[c * s->k + random_below((uint32_t)s->k)] =
                inf_float_from_bits(random_below(2) ? 0x7fc00000 : 0xff800000);
        struct inf_quantize_args q = {x + c * s->k, s->k,
                                      m->acts.at + c * (quantized ? inf_acts_stride(s->k) : 0)};
        if (quantized)
            inf_k_quantize_ref(&q);
    }
    shuffle(m->x_cols, columns);
    shuffle(m->out_cols, s->cols);
    if (s->lists && s->cols > 1)
        m->x_cols[1] = m->x_cols[0]; /* one column may be asked for twice */
    return (struct inf_matmul_args){.type = type->id,
                                    .w = m->w.at,
                                    .row_bytes = row_bytes,
                                    .rows = s->rows,
                                    .k = s->k,
                                    .acts = m->acts.at,
                                    .x = x,
                                    .x_stride = s->k,
                                    .x_cols = s->lists ? m->x_cols : NULL,
                                    .out_cols = s->lists ? m->out_cols : NULL,
                                    .cols = s->cols,
                                    .out_stride = stride,
                                    .scratch = m->scratch.at};
}

/* The number of floats that differ; where the reference is not finite, only that counts. */
static size_t differences(const struct memory *m, const struct shape *s, size_t *first)
{
    const float *got = (const float *)(const void *)m->out.at;
    size_t n = m->out.bytes / 4, bad = 0, stride = s->rows + OUT_GAP;
    for (size_t i = n; i-- > 0;) {
        bool same = memcmp(&got[i], &m->expected[i], 4) == 0;
        bool element = i % stride < s->rows;
        if (element && !finite_bits(m->expected[i]))
            same = !finite_bits(got[i]);
        if (element && s->nan)
            same = !finite_bits(got[i]);
        bad += !same;
        if (!same)
            *first = i;
    }
    return bad;
}

static bool check_shape(const struct inf_kernel_row *row, const struct inf_type_info *type,
                        const struct shape *s, bool quiet)
{
    struct memory m;
    struct inf_matmul_args a = make(type, s, &m);
    a.out = m.expected;
    inf_k_matmul_ref(&a);
    a.out = (float *)(void *)m.out.at;
    ((inf_matmul_fn *)row->function)(&a);
    size_t first = 0, bad = differences(&m, s, &first), stride = s->rows + OUT_GAP;
    if (bad && !quiet)
        printf("%s: %s rows %zu, cols %zu, k %zu%s%s: %zu differ, first at row %zu of column %zu: "
               "%a, not %a\n",
               row->name, type->name, s->rows, s->cols, s->k, s->lists ? ", lists" : "",
               s->nan ? ", not finite" : "", bad, first % stride, first / stride,
               (double)a.out[first], (double)m.expected[first]);
    unguard(m.w);
    unguard(m.x);
    unguard(m.acts);
    unguard(m.scratch);
    unguard(m.out);
    free(m.expected);
    return bad == 0;
}

/* ---- All shapes, all kernels -------------------------------------------------------------------
 */

static size_t check_type(const struct inf_kernel_row *row, const struct inf_type_info *type)
{
    static const size_t rows[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 100};
    static const size_t cols[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 64};
    static const size_t blocks[] = {1, 2, 3, 4, 7, 8, 9, 16, 17, 18, 24, 33, 40};
    static const size_t floats[] = {1, 2, 15, 16, 17, 31, 33, 63, 64, 100, 256, 576, 1027};
    size_t bad = 0, n = 0;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t c = 0; c < sizeof cols / sizeof *cols; c++, n++) {
            size_t b = blocks[n * 5 % 13] * type->weights;
            struct shape s = {.rows = rows[r], .cols = cols[c], .k = b, .odd = random_below(4)};
            if (type->weights == 256 && b > 2304)
                s.k = b / 8 / 256 * 256;
            if (type->form == INF_FORM_FLOAT)
                s.k = floats[n * 5 % 13];
            s.lists = s.cols <= 61 && n % 3 == 1;
            s.nan = n % 17 == 5;
            bad += !check_shape(row, type, &s, bad >= 3);
        }
    for (size_t i = 0; i < 3; i++) { /* long rows: more than one panel, whatever its length */
        size_t k = (4096 + 256 + i * 4096) / type->weights * type->weights;
        struct shape s = {.rows = 18 + 16 * i, .cols = 24 + 3 * i, .k = k + type->weights};
        bad += !check_shape(row, type, &s, bad >= 3);
    }
    return bad;
}

static bool asked(enum inf_isa isa, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], inf_isa_name(isa)) == 0)
            return true;
    return argc == 0;
}

static bool is_level(const char *word)
{
    for (int isa = 0; isa < INF_ISA_COUNT; isa++)
        if (strcmp(word, inf_isa_name((enum inf_isa)isa)) == 0)
            return true;
    return false;
}

/* A row of type ANY is checked with every matrix type. */
static bool check_row(const struct inf_kernel_row *row, uint64_t seed)
{
    size_t bad = 0;
    for (uint32_t id = 0; id < INF_TYPE_LIMIT; id++) {
        const struct inf_type_info *type = inf_type_info(id);
        bool any = row->type == INF_TYPE_LIMIT && type && type->form != INF_FORM_NUMBER;
        if (!any && !(type && row->type == id))
            continue;
        state = seed + id;
        bad += check_type(row, type);
    }
    printf("%-36s %s\n", row->name, bad ? "FAILED" : "ok");
    fflush(stdout);
    return bad == 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-s") == 0) {
        seed = strtoull(argv[2], NULL, 0);
        first = 3;
    }
    for (int i = first; i < argc; i++)
        if (!is_level(argv[i])) {
            printf("%s is no level\n0 passed, 1 failed\n", argv[i]);
            return 2;
        }
    printf("seed %llu\n", (unsigned long long)seed);
    const struct inf_kernel_row *rows;
    size_t n = inf_kernel_rows(&rows), passed = 0, failed = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].op != INF_OP_MATMUL || !(inf_cpu_usable() >> rows[i].isa & 1) ||
            !asked(rows[i].isa, argc - first, argv + first))
            continue;
        if (check_row(&rows[i], seed))
            passed++;
        else
            failed++;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed != 0;
}
