/*
 * Every row of kernels.def that this machine can run, as cases of Google Benchmark:
 *
 *     matmul/TYPE/LEVEL/cols:1           weights from memory, on one thread and on two
 *     matmul/TYPE/LEVEL/cols:4, cols:512 weights from the cache, one thread
 *     OP/LEVEL/...                       the other ops, on data in the first cache
 *
 * "bytes" are those of the weights (of the other ops: of what is read), "ops" multiplies and adds.
 */
#include "bench/shim.h"
#include "kernels/kernel.h"
#include "lib/device/device.h"
#include "tests/tiny/randblock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_OPENBLAS
#include <cblas.h>
#endif

#define K 4096
#define COLS_MOST 512
#define ROWS_FAST 256 /* of a product with several columns */
#define ROWS_SLOW 32  /* the same for ref and exact */
#define STREAM_BYTES                                                                               \
    (96ull << 20)                /* of weights that come from memory: far above a cache's share    \
                                  */
#define PATTERN_BYTES (1u << 20) /* of random blocks, which then repeat */
#define THREADS_MOST 2
#define CASES_MOST 1024

#define HEAD 128 /* numbers of an attention head */
#define HEADS 32
#define ATTN_ROWS 64
#define FF 8192

/* ---- Data ------------------------------------------------------------------------------------ */

/* The data of all cases. A benchmark's registered functions see nothing but their case, so it is
 * one for the process. */
static struct {
    uint32_t type; /* of the weights; INF_TYPE_LIMIT: none yet */
    uint8_t *weights;
    uint64_t row_bytes, rows;
    float *x;      /* (COLS_MOST, K) */
    uint8_t *acts; /* (COLS_MOST), columns of K */
    float *out;    /* (THREADS_MOST, COLS_MOST, ROWS_FAST) */
    uint8_t *scratch[THREADS_MOST];
    uint8_t *kv;  /* K tile, then V tile, of one head */
    float *recur; /* the state of one head */
    float *attn;  /* most, sum, acc of ATTN_ROWS rows twice, then their scores */
} data = {.type = INF_TYPE_LIMIT};

#define OUT_FLOATS ((size_t)COLS_MOST * ROWS_FAST)
#define KV_BYTES ((size_t)INF_ATTN_TILE * HEAD * 4)
#define ATTN_FLOATS ((size_t)ATTN_ROWS * (2 * HEAD + 4 + INF_ATTN_TILE))

static float random_float(uint64_t *rng)
{
    return (float)((double)(inf_test_random(rng) >> 40) * 0x1p-23 - 1);
}

static void *take(size_t bytes)
{
    return aligned_alloc(64, (bytes + 63) & ~(size_t)63);
}

static const char *prepare_common(void)
{
    if (data.x)
        return NULL;
    uint64_t rng = 1;
    struct inf_kernels ref;
    inf_kernels_select(INF_ISA_REF, &ref);
    float *x = take(sizeof *x * COLS_MOST * K);
    data.acts = take(inf_acts_stride(K) * COLS_MOST);
    data.out = take(sizeof *data.out * OUT_FLOATS * THREADS_MOST);
    data.kv = take(2 * KV_BYTES);
    data.attn = take(sizeof *data.attn * ATTN_FLOATS);
    data.recur = take(sizeof *data.recur * inf_recur_state(HEAD, HEAD));
    for (int i = 0; i < THREADS_MOST; i++)
        data.scratch[i] = take(INF_MATMUL_SCRATCH);
    if (!x || !data.acts || !data.out || !data.kv || !data.attn || !data.recur ||
        !data.scratch[0] || !data.scratch[THREADS_MOST - 1])
        return "not enough memory";
    for (size_t i = 0; i < (size_t)COLS_MOST * K; i++)
        x[i] = random_float(&rng);
    for (size_t c = 0; c < COLS_MOST; c++)
        ref.quantize(&(struct inf_quantize_args){x + c * K, K, data.acts + c * inf_acts_stride(K)});
    memset(data.recur, 0, sizeof *data.recur * inf_recur_state(HEAD, HEAD));
    memset(data.out, 0, sizeof *data.out * OUT_FLOATS * THREADS_MOST);
    data.x = x;
    return NULL;
}

static const char *prepare_matmul(const struct bench_case *self)
{
    const char *missing = prepare_common();
    const struct inf_type_info *type = inf_type_info(self->a);
    if (missing || data.type == self->a)
        return missing;
    if (!data.weights && !(data.weights = take(STREAM_BYTES)))
        return "not enough memory";
    uint64_t rng = 1;
    if (!inf_type_row_bytes(type, K, &data.row_bytes))
        return "rows are not whole blocks";
    data.rows = STREAM_BYTES / data.row_bytes;
    uint64_t pattern = PATTERN_BYTES / data.row_bytes * data.row_bytes;
    inf_test_random_blocks(self->a, &rng, data.weights, pattern / type->bytes);
    for (uint64_t at = pattern; at < data.rows * data.row_bytes; at += pattern) {
        uint64_t left = data.rows * data.row_bytes - at;
        memcpy(data.weights + at, data.weights, left < pattern ? left : pattern);
    }
    data.type = self->a;
    return NULL;
}

static const char *prepare_rows(const struct bench_case *self)
{
    (void)self;
    return prepare_common();
}

/* Fills the tile of one head by the reference. */
static const char *prepare_attn(const struct bench_case *self)
{
    const char *missing = prepare_common();
    struct inf_kernels ref;
    inf_kernels_select(INF_ISA_REF, &ref);
    for (size_t p = 0; !missing && p < INF_ATTN_TILE; p++)
        ref.kv_store(&(struct inf_kv_store_args){.kv = (enum inf_kv)self->a,
                                                 .k = data.x + p * HEAD,
                                                 .v = data.x + (p + 1) * HEAD,
                                                 .k_size = HEAD,
                                                 .v_size = HEAD,
                                                 .position = p,
                                                 .k_head = data.kv,
                                                 .v_head = data.kv + KV_BYTES});
    return missing;
}

/* ---- What is timed --------------------------------------------------------------------------- */

static inf_matmul_fn *matmul_of(const struct bench_case *self)
{
    const struct inf_kernel_row *row = self->kernel;
    return (inf_matmul_fn *)row->function;
}

static uint32_t matmul_rows(enum inf_isa isa)
{
    return isa == INF_ISA_REF || isa == INF_ISA_EXACT ? ROWS_SLOW : ROWS_FAST;
}

/* a: type, b: columns. One column goes through all weights, a thread through its part of them. */
static void once_matmul(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    uint64_t rows = matmul_rows(row->isa), parts = data.rows / rows / self->threads;
    uint64_t first = self->b == 1 ? (thread * parts + turn % parts) * rows : 0;
    matmul_of(self)(&(struct inf_matmul_args){
        .type = self->a,
        .w = data.weights + first * data.row_bytes,
        .row_bytes = data.row_bytes,
        .rows = rows,
        .k = K,
        .acts = data.acts,
        .x = data.x,
        .x_stride = K,
        .cols = self->b,
        .out = data.out + thread * OUT_FLOATS,
        .out_stride = rows,
        .scratch = data.scratch[thread],
    });
}

static void once_quantize(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_quantize_fn *)row->function)(&(struct inf_quantize_args){data.x, K, data.acts});
}

static void once_layernorm(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_layernorm_fn *)row->function)(&(struct inf_layernorm_args){
        .x = data.x, .weight = data.x, .bias = data.x, .out = data.out, .n = K, .eps = 1e-6f});
}

static void once_softcap(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_softcap_fn *)row->function)(&(struct inf_softcap_args){data.out, K, 30.0f});
}

/* a: rows. */
static void once_conv(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_conv_fn *)row->function)(&(struct inf_conv_args){.x = data.out,
                                                           .x_stride = K,
                                                           .rows = self->a,
                                                           .channels = K,
                                                           .taps = 4,
                                                           .weight = data.x,
                                                           .state = data.out + OUT_FLOATS - 3 * K,
                                                           .state_stride = K});
}

static void once_gates(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    const float *x = data.x;
    (void)thread, (void)turn;
    ((inf_gates_fn *)row->function)(
        &(struct inf_gates_args){x, x + K, x, x + K, data.out, data.out + K, HEADS});
}

/* a: rows. The delta rule of one head; so little is taken in that the state stays small. */
static void once_recur(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    static const float g = 0.9f, beta = 0.01f;
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_recur_fn *)row->function)(&(struct inf_recur_args){.k = data.x,
                                                             .q = data.x + HEAD,
                                                             .v = data.x + 2 * HEAD,
                                                             .x_stride = 3 * HEAD,
                                                             .g = &g,
                                                             .beta = &beta,
                                                             .out = data.out,
                                                             .out_stride = HEAD,
                                                             .state = data.recur,
                                                             .rows = self->a,
                                                             .keys = HEAD,
                                                             .values = HEAD,
                                                             .correct = true});
}

static void once_rmsnorm(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_rmsnorm_fn *)row->function)(
        &(struct inf_rmsnorm_args){data.x, data.x + K, data.out, K, 1e-5f});
}

/* a: adjacent pairs. The numbers turn on and on, which keeps their size. */
static void once_rope(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    static const float turned[2][HEAD / 2] = {{0.6f, 0.8f}, {0.8f, -0.6f}};
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_rope_fn *)row->function)(&(struct inf_rope_args){.x = data.out,
                                                           .heads = HEADS,
                                                           .head_size = HEAD,
                                                           .half = HEAD / 2,
                                                           .cos = turned[0],
                                                           .sin = turned[1],
                                                           .adjacent = self->a});
}

static void once_glu(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    (void)thread, (void)turn;
    ((inf_glu_fn *)row->function)(
        &(struct inf_glu_args){.gate = data.x,
                               .up = data.x + FF,
                               .out = data.out,
                               .n = FF,
                               .activation = (enum inf_activation)self->a});
}

static void once_kv_store(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    (void)thread;
    ((inf_kv_store_fn *)row->function)(&(struct inf_kv_store_args){.kv = (enum inf_kv)self->a,
                                                                   .k = data.x,
                                                                   .v = data.x + HEAD,
                                                                   .k_size = HEAD,
                                                                   .v_size = HEAD,
                                                                   .position = turn % INF_ATTN_TILE,
                                                                   .k_head = data.kv,
                                                                   .v_head = data.kv + KV_BYTES});
}

/* a: KV type, b: rows (query heads times tokens), each of which sees the whole tile. */
static void once_attn(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    uint32_t first[ATTN_ROWS] = {0}, end[ATTN_ROWS];
    float *most = data.attn, *sum = most + ATTN_ROWS, *acc = sum + ATTN_ROWS;
    (void)thread, (void)turn;
    for (uint32_t r = 0; r < ATTN_ROWS; r++)
        end[r] = INF_ATTN_TILE;
    ((inf_attn_fn *)row->function)(&(struct inf_attn_args){
        .kv = (enum inf_kv)self->a,
        .k_tile = data.kv,
        .v_tile = data.kv + KV_BYTES,
        .k_size = HEAD,
        .v_size = HEAD,
        .q = data.x,
        .q_stride = HEAD,
        .rows = self->b,
        .first = first,
        .end = end,
        .most = most,
        .sum = sum,
        .acc = acc,
        .acc_stride = HEAD,
        .scratch = data.attn + (size_t)ATTN_ROWS * (2 * HEAD + 4),
    });
}

static void once_attn_merge(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    const struct inf_kernel_row *row = self->kernel;
    float most = 1, sum = 1;
    (void)thread, (void)turn;
    ((inf_attn_merge_fn *)row->function)(&(struct inf_attn_merge_args){.v_size = HEAD,
                                                                       .most = &most,
                                                                       .sum = &sum,
                                                                       .acc = data.out,
                                                                       .most_t = 0.5f,
                                                                       .sum_t = 1,
                                                                       .acc_t = data.x});
}

#ifdef HAVE_OPENBLAS
/* The same product as matmul/f32/.../cols:512, beside our float tile; one thread. */
static void once_sgemm(const struct bench_case *self, uint32_t thread, uint64_t turn)
{
    (void)thread, (void)turn;
    cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, ROWS_FAST, (int)self->b, K, 1.0f,
                (const float *)(const void *)data.weights, K, data.x, K, 0.0f, data.out, ROWS_FAST);
}
#endif

/* ---- The table ------------------------------------------------------------------------------- */

struct table {
    struct bench_case *cases;
    size_t count;
};

static struct bench_case *add(struct table *table, const struct inf_kernel_row *row,
                              const char *(*prepare)(const struct bench_case *),
                              void (*once)(const struct bench_case *, uint32_t, uint64_t))
{
    struct bench_case *c = &table->cases[table->count < CASES_MOST ? table->count++ : 0];
    *c = (struct bench_case){.prepare = prepare, .once = once, .kernel = row, .threads = 1};
    return c;
}

#define NAME(c, ...) snprintf((c)->name, sizeof(c)->name, __VA_ARGS__)

static void add_matmul(struct table *table, const struct inf_kernel_row *row, uint32_t id)
{
    static const struct {
        uint32_t cols, threads;
    } forms[] = {{1, 1}, {1, THREADS_MOST}, {4, 1}, {COLS_MOST, 1}};
    const struct inf_type_info *type = inf_type_info(id);
    uint64_t row_bytes;
    if (!type || type->form == INF_FORM_NUMBER || !inf_type_row_bytes(type, K, &row_bytes))
        return;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct bench_case *c = add(table, row, prepare_matmul, once_matmul);
        double rows = matmul_rows(row->isa);
        c->a = id;
        c->b = forms[i].cols;
        c->threads = forms[i].threads;
        c->bytes = rows * (double)row_bytes;
        c->ops = 2 * rows * K * c->b;
        NAME(c, "matmul/%s/%s/cols:%u", type->name, inf_isa_name(row->isa), c->b);
    }
}

/* ANY stands for each type that has no row of its own at that level. */
static bool has_own(const struct inf_kernel_row *rows, size_t count, enum inf_isa isa, uint32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].op == INF_OP_MATMUL && rows[i].isa == isa && rows[i].type == id)
            return true;
    return false;
}

static const char *const kv_names[] = {"f16", "f32", "bf16", "q8_0"};

static void add_kv(struct table *table, const struct inf_kernel_row *row)
{
    static const uint32_t rows[] = {1, 4, ATTN_ROWS};
    for (uint32_t kv = 0; kv < 4; kv++) {
        double position = 2 * (double)inf_kv_row_bytes((enum inf_kv)kv, HEAD);
        if (row->op == INF_OP_KV_STORE) {
            struct bench_case *c = add(table, row, prepare_rows, once_kv_store);
            c->a = kv;
            c->bytes = 2 * HEAD * 4;
            NAME(c, "kv_store/%s/%s", inf_isa_name(row->isa), kv_names[kv]);
            continue;
        }
        for (size_t i = 0; i < 3; i++) {
            struct bench_case *c = add(table, row, prepare_attn, once_attn);
            c->a = kv;
            c->b = rows[i];
            c->bytes = INF_ATTN_TILE * position;
            c->ops = 4.0 * c->b * INF_ATTN_TILE * HEAD;
            NAME(c, "attn/%s/%s/rows:%u", inf_isa_name(row->isa), kv_names[kv], c->b);
        }
    }
}

static void add_rows(struct table *table, const struct inf_kernel_row *row)
{
    static const char *const forms[2][2] = {{"halves", "adjacent"}, {"silu", "gelu"}};
    const char *isa = inf_isa_name(row->isa);
    struct bench_case *c;
    switch (row->op) {
    case INF_OP_QUANTIZE:
        c = add(table, row, prepare_rows, once_quantize);
        c->bytes = K * 4;
        NAME(c, "quantize/%s/k:%d", isa, K);
        break;
    case INF_OP_RMSNORM:
        c = add(table, row, prepare_rows, once_rmsnorm);
        c->bytes = 2 * K * 4;
        NAME(c, "rmsnorm/%s/n:%d", isa, K);
        break;
    case INF_OP_LAYERNORM:
        c = add(table, row, prepare_rows, once_layernorm);
        c->bytes = 2 * K * 4;
        NAME(c, "layernorm/%s/n:%d", isa, K);
        break;
    case INF_OP_SOFTCAP:
        c = add(table, row, prepare_rows, once_softcap);
        c->bytes = K * 4;
        NAME(c, "softcap/%s/n:%d", isa, K);
        break;
    case INF_OP_CONV:
    case INF_OP_RECUR:
        for (uint32_t rows = 1; rows <= 16; rows *= 16) {
            bool conv = row->op == INF_OP_CONV;
            c = add(table, row, prepare_rows, conv ? once_conv : once_recur);
            c->a = rows;
            c->bytes = (conv ? 2 * (size_t)K * rows : inf_recur_state(HEAD, HEAD)) * 4;
            NAME(c, "%s/%s/rows:%u", conv ? "conv" : "recur", isa, rows);
        }
        break;
    case INF_OP_GATES:
        c = add(table, row, prepare_rows, once_gates);
        c->bytes = 4 * HEADS * 4;
        NAME(c, "gates/%s/n:%d", isa, HEADS);
        break;
    case INF_OP_ROPE:
    case INF_OP_GLU:
        for (uint32_t form = 0; form < 2; form++) {
            bool rope = row->op == INF_OP_ROPE;
            c = add(table, row, prepare_rows, rope ? once_rope : once_glu);
            c->a = form;
            c->bytes = rope ? HEADS * HEAD * 4 : 2 * FF * 4;
            NAME(c, "%s/%s/%s", rope ? "rope" : "glu", isa, forms[!rope][form]);
        }
        break;
    case INF_OP_ATTN_MERGE:
        c = add(table, row, prepare_rows, once_attn_merge);
        c->bytes = 2 * HEAD * 4;
        NAME(c, "attn_merge/%s/head:%d", isa, HEAD);
        break;
    case INF_OP_KV_STORE:
    case INF_OP_ATTN:
        add_kv(table, row);
        break;
    case INF_OP_MATMUL:
    case INF_OP_COUNT:
        break;
    }
}

#ifdef HAVE_OPENBLAS
static void add_openblas(struct table *table)
{
    static const uint32_t cols[] = {4, COLS_MOST};
    openblas_set_num_threads(1);
    for (int i = 0; i < 2; i++) {
        struct bench_case *c = add(table, NULL, prepare_matmul, once_sgemm);
        c->a = INF_TYPE_F32;
        c->b = cols[i];
        c->ops = 2.0 * ROWS_FAST * K * c->b;
        NAME(c, "matmul/f32/openblas/cols:%u", c->b);
    }
}
#endif

size_t bench_cases(const struct bench_case **cases)
{
    const struct inf_kernel_row *rows;
    size_t count = inf_kernel_rows(&rows);
    unsigned usable = inf_cpu_usable() | 1u << INF_ISA_EXACT;
    struct table table = {calloc(CASES_MOST, sizeof *table.cases), 0};
    *cases = table.cases;
    if (!table.cases)
        return 0;
    for (uint32_t id = 0; id < INF_TYPE_LIMIT; id++) /* all levels of a type together */
        for (size_t i = 0; i < count; i++) {
            if (rows[i].op != INF_OP_MATMUL || !(usable >> rows[i].isa & 1))
                continue;
            if (rows[i].type == id ||
                (rows[i].type == INF_TYPE_LIMIT && !has_own(rows, count, rows[i].isa, id)))
                add_matmul(&table, &rows[i], id);
        }
#ifdef HAVE_OPENBLAS
    add_openblas(&table);
#endif
    for (size_t i = 0; i < count; i++)
        if (usable >> rows[i].isa & 1)
            add_rows(&table, &rows[i]);
    return table.count;
}
