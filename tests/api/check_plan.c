/*
 * What is taken, compared with what the plan says: for every tiny model, KV type, context, number
 * of sessions and way to open, everything that the allocator gives during open, plan, load,
 * sessions, evaluation and generation stays within the plan; the plan is no wild overestimate; an
 * evaluation takes nothing at all.
 */
#include "formats/type.h"
#include "tests/count_alloc.h"
#include "tests/tiny/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS_MAX 3
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define RSS_SLACK ((size_t)16 << 20)

static int passed, failed;
static char path[] = "/tmp/check_plan.XXXXXX";

static void verdict(bool good, const char *name, const char *what, size_t got, size_t want)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s: %s: %zu, the plan says %zu\n", name, what, got, want);
}

static void must(infer_status status, const char *name, const infer_error *err)
{
    if (status) {
        printf("FAIL %s: %s\n%d passed, %d failed\n", name, err->text, passed, failed + 1);
        unlink(path);
        exit(1);
    }
}

/* A number of KiB out of /proc/self/status, as bytes. */
static size_t status_bytes(const char *key)
{
    char line[256];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)))
            kib = strtoul(line + strlen(key), NULL, 10);
    if (f)
        fclose(f);
    return kib * 1024;
}

struct objects {
    infer_model *model;
    infer_plan *plan;
    infer_session *sessions[SESSIONS_MAX];
};

/* Tokens of all kinds of passes: full batches, a rest, one at a time; then some text. */
static void use(const char *name, struct objects *o, uint32_t sessions, uint32_t context,
                struct count_alloc *count)
{
    static infer_token ids[4096];
    infer_error err;
    size_t taken = 0;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        ids[i] = (infer_token)(3 + i * 7919 % (TINY_VOCAB - 3));
    uint32_t tokens = context < 200 ? context - 20 : 180;
    for (uint32_t s = 0; s < sessions; s++) {
        size_t before = count->calls;
        must(infer_session_eval(o->sessions[s], ids, tokens, NULL, &err), name, &err);
        must(infer_session_eval(o->sessions[s], ids, 1, NULL, &err), name, &err);
        taken += count->calls - before;
    }
    if (infer_session_embedding(o->sessions[0])) { /* no text comes of these */
        verdict(!taken, name, "memory taken during evaluation", taken, 0);
        return;
    }
    size_t before = count->calls;
    must(infer_session_eval_batch(o->sessions, ids, sessions, &err), name, &err);
    must(infer_session_rewind(o->sessions[0], 10, &err), name, &err);
    must(infer_session_sync(o->sessions[0], ids, 12, NULL, &err), name, &err);
    taken += count->calls - before;
    verdict(!taken, name, "memory taken during evaluation", taken, 0);
    infer_generated made;
    for (uint32_t s = 0; s < sessions; s++)
        must(infer_generate(o->sessions[s], NULL, "some more text, and a bit", 6, NULL, NULL, &made,
                            &err),
             name, &err);
}

static void check(const char *name, const infer_model_options *from, infer_plan_options options,
                  const struct mk_bytes *memory)
{
    struct count_alloc count;
    struct objects o = {0};
    infer_error err;
    infer_plan_memory m, after;
    count_alloc_init(&count);
    infer_model_options how = *from;
    how.allocator = &count.a;
    if (memory)
        must(infer_model_open_memory(memory->ptr, memory->len, &how, &o.model, &err), name, &err);
    else
        must(infer_model_open(path, &how, &o.model, &err), name, &err);
    must(infer_plan_new(o.model, &options, &o.plan, &err), name, &err);
    infer_plan_get_memory(o.plan, &m);
    must(infer_plan_load(o.plan, NULL, NULL, &err), name, &err);
    for (uint32_t s = 0; s < options.sessions; s++)
        must(infer_session_new(o.plan, &o.sessions[s], &err), name, &err);
    use(name, &o, options.sessions, options.context, &count);

    size_t said = (size_t)(m.total - m.weights_mapped);
    size_t large = (size_t)(m.kv + m.state + m.activations + m.scratch + m.logits + m.weights_made);
    verdict(count.peak_held <= said, name, "bytes held", count.peak_held, said);
    verdict(count.mapped_bytes == large + m.weights_owned, name, "pages", count.mapped_bytes,
            large + (size_t)m.weights_owned);
    size_t spare = options.sessions * (((size_t)320 << 10) + 64 * options.context);
    verdict(count.peak_bytes + spare >= m.tables, name, "blocks, and what a generation may take",
            count.peak_bytes, (size_t)m.tables);
    verdict(m.total == m.weights_mapped + m.weights_owned + large + m.tables, name, "the sum",
            (size_t)m.total, said);
    infer_plan_get_memory(o.plan, &after);
    verdict(after.total == m.total, name, "the total after loading", (size_t)after.total,
            (size_t)m.total);
    if (!SANITIZED) { /* whose shadow memory is resident too */
        size_t anonymous = status_bytes("RssAnon:");
        verdict(anonymous <= said + RSS_SLACK, name, "resident", anonymous, said);
    }

    infer_session_free(o.sessions[0]);
    infer_session_free(o.sessions[1]);
    infer_session_free(o.sessions[2]);
    infer_plan_free(o.plan);
    infer_model_free(o.model);
    verdict(!count.blocks && !count.maps, name, "blocks left", count.blocks, 0);
}

/* Every context and number of sessions of a model and a KV type, where it is this model's turn; of
 * one KV type of each model the file read into memory too. */
static void check_kind(size_t kind, infer_kv_type kv)
{
    static const uint32_t contexts[] = {64, 4096}, sessions[] = {1, 3};
    static const char *const kv_names[] = {"f16", "f32", "bf16", "q8_0"};
    struct mk_bytes file = tiny_model(tiny_kind_at(kind), INF_TYPE_Q4_K, 1);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(file.ptr, 1, file.len, f) != file.len || fclose(f))
        must(INFER_E_IO, path, &(infer_error){.text = "cannot be written"});
    int ways = kv == kind % 4 ? 8 : kind == 0 || kind == 5 ? 4 : 0;
    for (int way = 0; way < ways; way++) {
        infer_plan_options options = {
            .size = sizeof options,
            .context = contexts[way & 1],
            .sessions = sessions[way >> 1 & 1],
            .threads = way & 1 ? 3 : 1,
            .batch = way & 1 ? 0 : 7,
            .logit_rows = way & 2 ? 4 : 0,
            .kv = kv,
        };
        infer_model_options how = {.size = sizeof how, .no_mmap = way & 4};
        if (tiny_kind_at(kind)->two_way && options.context > 512)
            options.context = 512; /* it has no more positions */
        char name[96];
        snprintf(name, sizeof name, "%s, %s, context %u, %u sessions%s", tiny_kind_at(kind)->name,
                 kv_names[kv], options.context, options.sessions, how.no_mmap ? ", no_mmap" : "");
        check(name, &how, options, NULL);
    }
    infer_plan_options options = {.size = sizeof options, .context = 64, .sessions = 1, .kv = kv};
    infer_model_options how = {.size = sizeof how};
    check("in memory", &how, options, &file);
    free(file.ptr);
}

/* A machine without the memory refuses, with both numbers; overcommit asks the system itself. */
static void check_refusal(void)
{
    struct mk_bytes file = tiny_model(tiny_kind_at(0), INF_TYPE_Q4_K, 1);
    infer_error err;
    infer_model *model;
    infer_plan *plan;
    infer_plan_options options = {.size = sizeof options, .context = 1000000, .sessions = 4096};
    must(infer_model_open_memory(file.ptr, file.len, NULL, &model, &err), "refusal", &err);
    must(infer_plan_new(model, &options, &plan, &err), "refusal", &err);
    infer_plan_memory m;
    infer_plan_get_memory(plan, &m);
    verdict(m.kv > (uint64_t)1 << 40, "refusal", "a cache of more than a TiB", (size_t)m.kv, 0);
    infer_status status = infer_plan_load(plan, NULL, NULL, &err);
    verdict(status == INFER_E_MEMORY && strstr(err.text, "MiB"), "refusal", err.text, status,
            INFER_E_MEMORY);
    infer_session *session;
    status = infer_session_new(plan, &session, &err);
    verdict(status == INFER_E_ARGUMENT && !session, "refusal", "a session of it", status,
            INFER_E_ARGUMENT);
    infer_plan_free(plan);
    infer_model_free(model);
    free(file.ptr);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    close(fd);
    for (size_t kind = 0; kind < tiny_kind_count(); kind++)
        for (int kv = INFER_KV_F16; kv <= INFER_KV_Q8_0; kv++)
            check_kind(kind, (infer_kv_type)kv);
    check_refusal();
    unlink(path);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
