/*
 * Tiny models of many architectures against references that others made (README.md):
 *
 *     check_refs [DIR]
 *
 * Each model of refs.def is evaluated in exact arithmetic, which must be within the tight bound at every
 * position; as a program would, within what a 16-bit KV cache and quantised activations cost; and at the
 * level `ref`, in batches of 1 and 7, and from a session that was saved half-way, which must give the same
 * bits as that.
 */
#include <libinfer.h>

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int passed, failed;

/* ---- NAME.ref; refmodel.py, write_ref, says what stands in it -------------------------------------- */

struct head {
    char magic[8];
    uint32_t embedding, tokens, rows, columns;
    float tight, max_abs, kl_mean, trim;
};

struct ref {
    struct head head;
    infer_token *ids; /* (tokens) */
    bool *want;       /* (tokens): which have a row of values */
    float *values;    /* (rows, columns) */
};

static void die(const char *path, const char *what)
{
    printf("FAIL %s: %s\n0 passed, 1 failed\n", path, what);
    exit(1);
}

static void *take(FILE *f, const char *path, size_t count, size_t size)
{
    void *bytes = calloc(count, size);
    if (!bytes || fread(bytes, size, count, f) != count)
        die(path, "cut off");
    return bytes;
}

static struct ref read_ref(const char *path)
{
    struct ref ref;
    FILE *f = fopen(path, "rb");
    if (!f)
        die(path, strerror(errno));
    if (fread(&ref.head, sizeof ref.head, 1, f) != 1 || memcmp(ref.head.magic, "INFREF1\n", 8))
        die(path, "not a reference");
    ref.ids = take(f, path, ref.head.tokens, sizeof *ref.ids);
    int32_t *positions = take(f, path, ref.head.rows, sizeof *positions);
    ref.values = take(f, path, (size_t)ref.head.rows * ref.head.columns, sizeof *ref.values);
    ref.want = calloc(ref.head.tokens, sizeof *ref.want);
    for (uint32_t i = 0; ref.want && i < ref.head.rows; i++)
        if ((uint32_t)positions[i] < ref.head.tokens)
            ref.want[positions[i]] = true;
    free(positions);
    fclose(f);
    return ref;
}

static void free_ref(struct ref *ref)
{
    free(ref->ids);
    free(ref->want);
    free(ref->values);
}

/* ---- Running --------------------------------------------------------------------------------------- */

/* The session after its first `tokens`, saved and restored into another. */
static infer_status save_restore(infer_plan *plan, infer_session **session, infer_error *err)
{
    char path[] = "/tmp/check_refs.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        die(path, strerror(errno));
    close(fd);
    infer_status status = infer_session_save(*session, path, err);
    infer_session_free(*session);
    *session = NULL;
    if (!status)
        status = infer_session_new(plan, session, err);
    if (!status)
        status = infer_session_restore(*session, path, err);
    unlink(path);
    return status;
}

/* Evaluates tokens from `first` to before `end`, and writes the rows that are wanted to `out`, which moves
 * behind them. */
static infer_status evaluate_part(infer_session *session, const struct ref *ref, uint32_t first,
                                  uint32_t end, float **out, infer_error *err)
{
    uint32_t rows = 0;
    infer_status status = infer_session_eval(session, ref->ids + first, end - first,
                                             ref->head.embedding ? NULL : ref->want + first, err);
    for (uint32_t i = first; i < end; i++)
        rows += ref->want[i];
    for (uint32_t row = 0; !status && row < rows; row++, *out += ref->head.columns) {
        const float *values = ref->head.embedding ? infer_session_embedding(session)
                                                  : infer_session_logits(session, row);
        memcpy(*out, values, ref->head.columns * sizeof **out);
    }
    return status;
}

/* Writes the rows that are wanted to out (rows, columns); with `saved` the session goes through a file
 * half-way. */
static infer_status evaluate(infer_model *model, const struct ref *ref, infer_plan_options options,
                             bool saved, float *out, infer_error *err)
{
    infer_plan *plan = NULL;
    infer_session *session = NULL;
    uint32_t half = saved ? ref->head.tokens / 2 : 0;
    options.size = sizeof options;
    options.context = ref->head.tokens;
    options.logit_rows = ref->head.rows;
    options.embedding = ref->head.embedding != 0;
    infer_status status = infer_plan_new(model, &options, &plan, err);
    if (!status)
        status = infer_plan_load(plan, NULL, NULL, err);
    if (!status)
        status = infer_session_new(plan, &session, err);
    if (!status && half)
        status = evaluate_part(session, ref, 0, half, &out, err);
    if (!status && half)
        status = save_restore(plan, &session, err);
    if (!status)
        status = evaluate_part(session, ref, half, ref->head.tokens, &out, err);
    infer_session_free(session);
    infer_plan_free(plan);
    return status;
}

/* ---- Comparing ------------------------------------------------------------------------------------- */

struct difference {
    double max_abs, kl;
};

static double log_sum_exp(const float *x, uint32_t n)
{
    double top = x[0], sum = 0;
    for (uint32_t i = 1; i < n; i++)
        top = fmax(top, x[i]);
    for (uint32_t i = 0; i < n; i++)
        sum += exp(x[i] - top);
    return top + log(sum);
}

static struct difference compare_logits(const float *want, const float *got, uint32_t n)
{
    struct difference d = {0};
    double want_sum = log_sum_exp(want, n), got_sum = log_sum_exp(got, n);
    for (uint32_t i = 0; i < n; i++) {
        double p = want[i] - want_sum, q = got[i] - got_sum;
        d.max_abs = isfinite(got[i]) ? fmax(d.max_abs, fabs((double)want[i] - got[i])) : INFINITY;
        d.kl += exp(p) * (p - q);
    }
    return d;
}

/* As directions: what an embedding is used for. */
static struct difference compare_vectors(const float *want, const float *got, uint32_t n)
{
    struct difference d = {0};
    double a = 0, b = 0;
    for (uint32_t i = 0; i < n; i++) {
        a += (double)want[i] * want[i];
        b += (double)got[i] * got[i];
    }
    for (uint32_t i = 0; i < n; i++)
        d.max_abs = fmax(d.max_abs, fabs(want[i] / sqrt(a) - got[i] / sqrt(b)));
    if (!isfinite(b) || b == 0)
        d.max_abs = INFINITY;
    return d;
}

static int by_kl(const void *left, const void *right)
{
    double a = ((const struct difference *)left)->kl, b = ((const struct difference *)right)->kl;
    return (a > b) - (a < b);
}

/* The largest difference and the mean divergence, of all rows but the worst share `trim`: where two
 * experts score nearly the same, rounding may choose the other. */
static struct difference compare(const struct ref *ref, const float *got, float trim)
{
    uint32_t rows = ref->head.rows, columns = ref->head.columns;
    struct difference *each = calloc(rows, sizeof *each), all = {INFINITY, INFINITY};
    if (!each)
        return all;
    for (uint32_t i = 0; i < rows; i++) {
        size_t at = (size_t)i * columns;
        each[i] = (ref->head.embedding ? compare_vectors : compare_logits)(ref->values + at,
                                                                           got + at, columns);
    }
    qsort(each, rows, sizeof *each, by_kl);
    uint32_t kept = rows - (uint32_t)(trim * (float)rows);
    all = (struct difference){0};
    for (uint32_t i = 0; i < kept; i++) {
        all.max_abs = fmax(all.max_abs, each[i].max_abs);
        all.kl += each[i].kl / kept;
    }
    free(each);
    return all;
}

/* ---- One model ------------------------------------------------------------------------------------- */

static void verdict(bool good, const char *name, const char *what, struct difference d)
{
    good ? passed++ : failed++;
    printf("%s %-20s %-8s max %.2e, KL %.2e\n", good ? "ok  " : "FAIL", name, what, d.max_abs,
           d.kl);
}

static void check_model(infer_model *model, const char *name, const struct ref *ref)
{
    const struct head *h = &ref->head;
    size_t count = (size_t)h->rows * h->columns;
    float *usual = calloc(count, sizeof *usual), *other = calloc(count, sizeof *other);
    infer_error err = {0};
    struct difference d = {0};
    if (!usual || !other)
        die(name, "no memory");
    if (!evaluate(model, ref, (infer_plan_options){.exact = true}, false, other, &err)) {
        d = compare(ref, other, 0);
        verdict(d.max_abs <= h->tight, name, "exact", d);
    }
    if (!err.status && !evaluate(model, ref, (infer_plan_options){0}, false, usual, &err)) {
        d = compare(ref, usual, h->trim);
        verdict(d.max_abs <= h->max_abs && d.kl <= h->kl_mean, name, "usual", d);
    }
    static const struct {
        const char *what, *isa;
        uint32_t batch;
        bool saved;
    } ways[] = {{"isa ref", "ref", 0, false},
                {"batch 1", NULL, 1, false},
                {"batch 7", NULL, 7, false},
                {"restored", NULL, 0, true}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        infer_plan_options options = {.isa = ways[i].isa, .batch = ways[i].batch};
        if (!err.status && (!h->embedding || ways[i].isa) &&
            !evaluate(model, ref, options, ways[i].saved, other, &err))
            verdict(!memcmp(usual, other, count * sizeof *usual), name, ways[i].what,
                    compare(ref, other, h->trim));
    }
    if (err.status) {
        printf("FAIL %s: %s\n", name, err.text);
        failed++;
    }
    free(usual);
    free(other);
}

static void check_file(const char *folder, const char *name)
{
    char path[512];
    infer_model *model = NULL;
    infer_error err = {0};
    snprintf(path, sizeof path, "%s/%s.gguf", folder, name);
    if (infer_model_open(path, NULL, &model, &err)) {
        printf("FAIL %s: %s\n", name, err.text);
        failed++;
        return;
    }
    snprintf(path, sizeof path, "%s/%s.ref", folder, name);
    struct ref ref = read_ref(path);
    check_model(model, name, &ref);
    free_ref(&ref);
    infer_model_free(model);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "tests/models";
#define REF(name) check_file(folder, name);
#include "tests/models/refs.def"
#undef REF
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
