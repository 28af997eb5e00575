/*
 * The same bits, whatever the threads, the batches, the level and the way to a token. For each tiny
 * model the logits at the level `ref`, one thread, one batch, are what all else is compared with by
 * memcmp; and a hash of them stands in golden.def, so that machines agree with each other.
 *
 *     check_bits [--hashes | --quick]
 *         --hashes prints the lines of golden.def
 *         --quick checks the hashes alone, with one plan at each level: for slow machines
 */
#include "formats/type.h"
#include "lib/device/device.h"
#include "tests/tiny/models.h"

#include <libinfer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKENS 70
#define ROW_BYTES (TINY_VOCAB * sizeof(float))

static int passed, failed;

static void verdict(bool good, const char *model, const char *what)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s: %s\n", model, what);
}

static void must(infer_status status, const infer_error *err)
{
    if (status) {
        printf("FAIL %s\n0 passed, 1 failed\n", err->text);
        exit(1);
    }
}

struct run {
    infer_plan *plan;
    infer_session *session, *other; /* other: with two sessions */
    bool embedding;
};

static struct run start(infer_model *model, infer_plan_options options)
{
    infer_error err;
    struct run run = {.embedding = options.embedding};
    options.size = sizeof options;
    options.logit_rows = TOKENS;
    options.context = 128;
    must(infer_plan_new(model, &options, &run.plan, &err), &err);
    must(infer_plan_load(run.plan, NULL, NULL, &err), &err);
    must(infer_session_new(run.plan, &run.session, &err), &err);
    if (options.sessions == 2)
        must(infer_session_new(run.plan, &run.other, &err), &err);
    return run;
}

static void stop(struct run *run)
{
    infer_session_free(run->session);
    infer_session_free(run->other);
    infer_plan_free(run->plan);
}

static void make_ids(infer_token ids[TOKENS])
{
    uint32_t x = 7;
    for (int i = 0; i < TOKENS; i++) {
        x = x * 1664525 + 1013904223;
        ids[i] = (infer_token)(3 + (x >> 16) % (TINY_VOCAB - 3));
    }
}

/* Evaluates all ids at once, all logits wanted, into out (TOKENS, vocab); in a plan that makes
 * embeddings the embedding, and zeros behind it. */
static void whole(const struct run *run, const infer_token *ids, float *out)
{
    infer_error err;
    infer_model_info info;
    bool want[TOKENS];
    memset(want, true, sizeof want);
    memset(out, 0, TOKENS * ROW_BYTES);
    must(infer_session_eval(run->session, ids, TOKENS, run->embedding ? NULL : want, &err), &err);
    infer_model_get_info(infer_session_model(run->session), &info);
    if (run->embedding)
        memcpy(out, infer_session_embedding(run->session), info.embedding_length * sizeof *out);
    else
        memcpy(out, infer_session_logits(run->session, 0), TOKENS * ROW_BYTES);
}

static void same_whole(infer_model *model, const char *name, const infer_token *ids,
                       const float *want, infer_plan_options options, const char *what)
{
    static float got[TOKENS * TINY_VOCAB];
    struct run run = start(model, options);
    whole(&run, ids, got);
    verdict(!memcmp(got, want, sizeof got), name, what);
    stop(&run);
}

static bool same_row(infer_session *session, const float *want, int position)
{
    const float *got = infer_session_logits(session, 0);
    return got && !memcmp(got, want + (size_t)position * TINY_VOCAB, ROW_BYTES);
}

/* Token by token, then after rewinding, saving and restoring, and beside another session. */
static void same_steps(infer_model *model, const char *name, const infer_token *ids,
                       const float *want, infer_plan_options options)
{
    infer_error err;
    options.sessions = 2;
    struct run run = start(model, options);
    bool same = true;
    for (int i = 0; i < TOKENS; i++) {
        must(infer_session_eval(run.session, ids + i, 1, NULL, &err), &err);
        same &= same_row(run.session, want, i);
    }
    verdict(same, name, "token by token");
    must(infer_session_rewind(run.session, 33, &err), &err);
    must(infer_session_eval(run.session, ids + 40, 20, NULL, &err), &err); /* another text */
    must(infer_session_sync(run.session, ids, 50, NULL, &err), &err);
    verdict(same_row(run.session, want, 49), name, "after rewind and sync");

    char path[] = "/tmp/check_bits.XXXXXX";
    int fd = mkstemp(path);
    must(infer_session_save(run.session, path, &err), &err);
    must(infer_session_restore(run.other, path, &err), &err);
    if (fd >= 0)
        close(fd);
    unlink(path);
    must(infer_session_eval(run.other, ids + 50, 1, NULL, &err), &err);
    verdict(same_row(run.other, want, 50), name, "after save and restore");

    infer_session *both[2] = {run.session, run.other};
    must(infer_session_rewind(run.session, 20, &err), &err);
    infer_token next[2] = {ids[20], ids[51]};
    must(infer_session_eval_batch(both, next, 2, &err), &err);
    verdict(same_row(run.session, want, 20) && same_row(run.other, want, 51), name, "eval_batch");
    stop(&run);
}

static uint64_t hash_of(const float *logits)
{
    return inf_hash(logits, TOKENS * ROW_BYTES, INF_HASH_SEED);
}

static const struct {
    const char *name;
    uint64_t hash;
} golden[] = {
#define GOLDEN(name, hash) {name, hash},
#include "tests/golden/golden.def"
#undef GOLDEN
    {NULL, 0},
};

static void compare_golden(const char *name, const char *level, const float *logits)
{
    for (size_t i = 0; golden[i].name; i++)
        if (!strcmp(golden[i].name, name)) {
            char what[64];
            snprintf(what, sizeof what, "the hash in golden.def, %s", level);
            verdict(golden[i].hash == hash_of(logits), name, what);
            return;
        }
    verdict(false, name, "golden.def has no line of it");
}

enum mode { HASHES, QUICK, WHOLE };

/* The hash at every level. */
static void check_quick(infer_model *model, const char *name, const infer_token *ids,
                        enum infer_kv_type kv, bool embedding)
{
    static float got[TOKENS * TINY_VOCAB];
    for (int isa = INF_ISA_REF + 1; isa < INF_ISA_EXACT; isa++) {
        if (!(inf_cpu_usable() >> isa & 1))
            continue;
        infer_plan_options o = {.isa = inf_isa_name((enum inf_isa)isa),
                                .kv = kv,
                                .threads = 1,
                                .batch = TOKENS,
                                .embedding = embedding};
        struct run run = start(model, o);
        whole(&run, ids, got);
        stop(&run);
        compare_golden(name, o.isa, got);
    }
}

/* `every`: each number of threads and way to a token; else two of them, for the types of weights.
 */
static void check(const struct tiny_kind *kind, const struct inf_type_info *type,
                  enum infer_kv_type kv, bool every, enum mode mode)
{
    static float want[TOKENS * TINY_VOCAB];
    static const char *const kv_names[] = {"f16", "f32", "bf16", "q8_0"};
    char name[96], what[64];
    snprintf(name, sizeof name, "%s_%s_%s", kind->name, type->name, kv_names[kv]);
    struct mk_bytes file = tiny_model(kind, type->id, 12345);
    infer_error err;
    infer_model *model;
    infer_token ids[TOKENS];
    make_ids(ids);
    must(infer_model_open_memory(file.ptr, file.len, NULL, &model, &err), &err);
    infer_plan_options base = {
        .isa = "ref", .threads = 1, .batch = TOKENS, .kv = kv, .embedding = kind->pooling};
    struct run run = start(model, base);
    whole(&run, ids, want);
    stop(&run);
    if (mode == HASHES)
        printf("GOLDEN(\"%s\", 0x%016llx)\n", name, (unsigned long long)hash_of(want));
    else
        compare_golden(name, "ref", want);
    if (mode == QUICK)
        check_quick(model, name, ids, kv, kind->pooling);

    static const uint32_t batches[] = {1, 7, 64, 0};
    for (int isa = 0; mode == WHOLE && isa < INF_ISA_EXACT; isa++) {
        if (!(inf_cpu_usable() >> isa & 1))
            continue;
        infer_plan_options o = {
            .isa = inf_isa_name((enum inf_isa)isa), .kv = kv, .embedding = kind->pooling};
        for (uint32_t threads = every ? 1 : 3; threads <= 4; threads++) {
            o.threads = threads;
            o.batch = batches[threads - 1];
            snprintf(what, sizeof what, "%s, %u threads, batch %u", o.isa, o.threads, o.batch);
            same_whole(model, name, ids, want, o, what);
        }
        o.threads = 2;
        if (every && !kind->pooling)
            same_steps(model, name, ids, want, o);
    }
    infer_model_free(model);
    free(file.ptr);
}

int main(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";
    enum mode mode = !strcmp(option, "--hashes")  ? HASHES
                     : !strcmp(option, "--quick") ? QUICK
                                                  : WHOLE;
    static const uint32_t all[] = {INF_TYPE_Q4_K};
    static const uint32_t types[] = {
        INF_TYPE_F32,     INF_TYPE_F16,    INF_TYPE_BF16,   INF_TYPE_Q4_0,    INF_TYPE_Q4_1,
        INF_TYPE_Q5_0,    INF_TYPE_Q5_1,   INF_TYPE_Q8_0,   INF_TYPE_Q2_K,    INF_TYPE_Q3_K,
        INF_TYPE_Q5_K,    INF_TYPE_Q6_K,   INF_TYPE_IQ4_NL, INF_TYPE_IQ4_XS,  INF_TYPE_MXFP4,
        INF_TYPE_IQ2_XXS, INF_TYPE_IQ2_XS, INF_TYPE_IQ2_S,  INF_TYPE_IQ3_XXS, INF_TYPE_IQ3_S,
        INF_TYPE_IQ1_S,   INF_TYPE_IQ1_M,  INF_TYPE_TQ1_0,  INF_TYPE_TQ2_0,   INF_TYPE_NVFP4,
        INF_TYPE_Q1_0,    INF_TYPE_Q2_0};
    for (size_t k = 0; k < tiny_kind_count(); k++)
        check(tiny_kind_at(k), inf_type_info(all[0]), (enum infer_kv_type)(k % 4), true, mode);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        check(tiny_kind_at(0), inf_type_info(types[t]), (enum infer_kv_type)(t % 4), false, mode);
    if (mode != HASHES)
        printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
