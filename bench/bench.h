/* infer-bench: what is asked, what was measured, and who does which part. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "bench/ceilings.h"

#include <libinfer.h>

#define BENCH_DEPTHS_MOST 16
#define BENCH_TYPE_BYTES 24

enum bench_form { BENCH_TEXT, BENCH_JSON, BENCH_CSV, BENCH_MARKDOWN };

struct bench_options {
    char **files;
    size_t file_count;
    uint32_t prompt, generate, repeat; /* tokens of prefill and decoding, one may be 0; rounds */
    uint32_t threads, batch;           /* 0: as the library chooses */
    uint32_t depths[BENCH_DEPTHS_MOST], depth_count; /* the first is 0 */
    infer_kv_type kv;
    const char *isa; /* NULL: the best */
    enum bench_form form;
};

struct bench_spread {
    double median, least, most;
};

/* Speed behind `depth` tokens that are there already; NAN: not asked for. */
struct bench_point {
    uint32_t depth;
    struct bench_spread pp, tg; /* tokens/s of prefill and decoding */
    double pp_gop_s, pp_share;  /* matrices alone; share of int8, or of f32 (float weights) */
    double tg_gb_s, tg_share;   /* weights and KV that are read; share of the read rate, which is
                                 * measured between the tokens */
    double tg_read_gb_s;        /* that rate, a median */
};

struct bench_load {
    double total_ms; /* of the others: until the first token's logits are there */
    double open_ms, plan_ms, memory_ms, first_token_ms;
};

struct bench_result {
    const char *path;
    char *architecture, *name;   /* owned; NULL where the file names none */
    char type[BENCH_TYPE_BYTES]; /* that most bytes of the weights have */
    bool float_weights;          /* most weights are f32, f16 or bf16 */
    uint64_t parameters;
    infer_plan_memory plan;
    infer_plan_info info;
    uint64_t peak_bytes, peak_anon_bytes, peak_file_bytes;
    struct bench_spread load_ms;
    struct bench_load load; /* the repetition that took the median time */
    struct bench_ceilings ceilings;
    struct bench_point points[BENCH_DEPTHS_MOST];
    uint32_t point_count;
};

/* Called before each piece of work. */
typedef void bench_progress(void *ud, const char *what, uint32_t number, uint32_t of);

/* Measures one model. On failure *result holds nothing. */
infer_status bench_measure(const char *path, const struct bench_options *options,
                           bench_progress *progress, void *ud, struct bench_result *result,
                           infer_error *err);
void bench_result_release(struct bench_result *result);

/* Prints to stdout. Text prints one model at a time, the others all of them. */
void bench_print_text(const struct bench_options *options, const struct bench_result *result,
                      bool first);
void bench_print_all(const struct bench_options *options, const struct bench_result *results,
                     size_t count);

/* Memory of this process by /proc, in bytes; 0 where /proc does not say. */
struct bench_resident {
    uint64_t peak;       /* VmHWM: the most that was resident since the last reset */
    uint64_t total;      /* Rss, file and anonymous pages */
    uint64_t anon, file; /* its parts: our own memory; pages of files, which others share */
};
void bench_resident_get(struct bench_resident *out);

/* Lets `peak` count from now on; false where the system does not allow it. */
bool bench_resident_reset(void);

#endif
