/*
 * Recurrent layers by the public interface: their state cannot go back, so whatever happens to a session
 * (rewinds, evals that are cancelled or fail, files that are refused), the logits afterwards must be the
 * bits that a session gives which has seen nothing else.
 */
#include "formats/type.h"
#include "lib/model.h"
#include "tests/tiny/models.h"

#include <libinfer.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKENS 60
#define ROW_BYTES (TINY_VOCAB * sizeof(float))
#define BAD_TOKEN 300 /* its embedding is not finite */

static int passed, failed;
static infer_error err;
static const char *kind_name;

#define CHECK(condition) verdict(condition, #condition, __func__, __LINE__)

static bool verdict(bool good, const char *what, const char *where, int line)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s: %s, line %d: %s (last error: %s)\n", kind_name, where, line, what,
               err.text);
    return good;
}

static void must(infer_status status)
{
    if (!status)
        return;
    printf("FAIL %s: %s\n%d passed, %d failed\n", kind_name, err.text, passed, failed + 1);
    exit(1);
}

struct objects {
    infer_plan *plan;
    infer_session *session, *other;
};

static struct objects start(infer_model *model, infer_plan_options options)
{
    struct objects o = {0};
    options.size = sizeof options;
    options.context = 128;
    options.threads = 2;
    options.sessions = 2;
    must(infer_plan_new(model, &options, &o.plan, &err));
    must(infer_plan_load(o.plan, NULL, NULL, &err));
    must(infer_session_new(o.plan, &o.session, &err));
    must(infer_session_new(o.plan, &o.other, &err));
    return o;
}

static void stop(struct objects *o)
{
    infer_session_free(o->session);
    infer_session_free(o->other);
    infer_plan_free(o->plan);
}

static infer_token ids[TOKENS];
static float want[TOKENS][TINY_VOCAB];

/* What every other way must give: all positions of one eval. */
static void expect(infer_model *model)
{
    infer_plan_options options = {.logit_rows = TOKENS};
    struct objects o = start(model, options);
    bool all[TOKENS];
    memset(all, true, sizeof all);
    must(infer_session_eval(o.session, ids, TOKENS, all, &err));
    memcpy(want, infer_session_logits(o.session, 0), sizeof want);
    stop(&o);
}

static bool same(infer_session *session, size_t position)
{
    const float *got = infer_session_logits(session, 0);
    return got && !memcmp(got, want[position], ROW_BYTES);
}

static uint64_t repeated(infer_session *session)
{
    infer_session_stats stats;
    infer_session_get_stats(session, &stats);
    return stats.tokens_repeated;
}

/* The next token after whatever happened, `at` tokens being there. */
static bool goes_on(infer_session *session, size_t at)
{
    size_t count;
    infer_session_tokens(session, &count);
    return count == at && !infer_session_eval(session, ids + at, 1, NULL, &err) &&
           same(session, at);
}

static void check_rewind(infer_model *model, uint32_t checkpoints, uint32_t batch)
{
    infer_plan_options options = {.checkpoints = checkpoints, .batch = batch};
    struct objects o = start(model, options);
    bool good = true;
    uint32_t x = 5;
    must(infer_session_eval(o.session, ids, TOKENS, NULL, &err));
    good &= same(o.session, TOKENS - 1);
    for (size_t i = 0, have = TOKENS; i < 60; i++) { /* anywhere, then on by a few tokens */
        x = x * 1664525 + 1013904223;
        size_t to = (x >> 8) % (have + 1), step = 1 + (x >> 20) % 9;
        must(infer_session_rewind(o.session, to, &err));
        if (x & 1) { /* another text in between */
            infer_token other[3] = {ids[0], ids[0], ids[0]};
            must(infer_session_eval(o.session, other, 3, NULL, &err));
            must(infer_session_rewind(o.session, to, &err));
        }
        step = step < TOKENS - to ? step : TOKENS - to;
        have = to + step;
        if (step) {
            must(infer_session_eval(o.session, ids + to, step, NULL, &err));
            good &= same(o.session, have - 1);
        }
    }
    CHECK(good);
    stop(&o);
}

/* The copies of a text that was dropped are dropped with it. */
static void check_other_text(infer_model *model)
{
    struct objects o = start(model, (infer_plan_options){0});
    must(infer_session_eval(o.session, ids, 10, NULL, &err));
    must(infer_session_eval(o.session, ids, 30, NULL, &err)); /* another text: a copy at 39 */
    must(infer_session_rewind(o.session, 10, &err));
    must(infer_session_eval(o.session, ids + 10, 50, NULL, &err));
    must(infer_session_rewind(o.session, 45, &err));
    CHECK(goes_on(o.session, 45) && repeated(o.session) == 1 + 36);
    stop(&o);
}

/* A prompt again, and one that goes on from it: the copy before its last token is there. */
static void check_repeated(infer_model *model)
{
    struct objects o = start(model, (infer_plan_options){0});
    size_t kept;
    must(infer_session_sync(o.session, ids, 40, &kept, &err));
    must(infer_session_sync(o.session, ids, 40, &kept, &err));
    CHECK(kept == 39 && same(o.session, 39) && repeated(o.session) == 0);
    for (size_t i = 40; i < 50; i++)
        must(infer_session_eval(o.session, ids + i, 1, NULL, &err));
    must(infer_session_sync(o.session, ids, 45, &kept, &err)); /* 39 of 44 have a copy */
    CHECK(kept == 44 && same(o.session, 44) && repeated(o.session) == 5);
    must(infer_session_rewind(o.session, 45, &err));
    CHECK(goes_on(o.session, 45) && repeated(o.session) == 5); /* nothing was dropped */
    must(infer_session_rewind(o.session, 20, &err));
    CHECK(goes_on(o.session, 20) && repeated(o.session) == 25); /* from the beginning */
    stop(&o);
}

static void check_failures(infer_model *model)
{
    struct objects o = start(model, (infer_plan_options){.batch = 8});
    infer_token bad[30];
    memcpy(bad, ids + 20, sizeof bad);
    bad[27] = BAD_TOKEN;
    must(infer_session_eval(o.session, ids, 20, NULL, &err));
    CHECK(infer_session_eval(o.session, bad, 30, NULL, &err) == INFER_E_NUMERIC);
    CHECK(goes_on(o.session, 20));
    infer_session_cancel(o.session);
    CHECK(infer_session_eval(o.session, ids + 21, 20, NULL, &err) == INFER_E_CANCELLED);
    CHECK(goes_on(o.session, 21));
    infer_session_cancel(o.session);
    infer_token one = ids[22], both[2] = {ids[22], BAD_TOKEN};
    CHECK(infer_session_eval(o.session, &one, 1, NULL, &err) == INFER_E_CANCELLED);
    infer_session *sessions[2] = {o.session, o.other};
    CHECK(infer_session_eval_batch(sessions, both, 2, &err) == INFER_E_NUMERIC);
    CHECK(goes_on(o.session, 22) && goes_on(o.other, 0));
    both[0] = ids[23];
    both[1] = ids[1];
    must(infer_session_rewind(o.other, 1, &err));
    CHECK(!infer_session_eval_batch(sessions, both, 2, &err) && same(o.session, 23) &&
          same(o.other, 1));
    stop(&o);
}

struct canceller {
    infer_session *session;
    useconds_t after;
    _Atomic bool go;
};

static void *cancel_soon(void *ud)
{
    struct canceller *c = ud;
    while (!atomic_load(&c->go))
        ;
    usleep(c->after);
    infer_session_cancel(c->session);
    return NULL;
}

/* Cancelled somewhere in the middle: what has been done is done again. */
static void check_cancelled(infer_model *model)
{
    struct objects o = start(model, (infer_plan_options){.batch = 4});
    bool good = true;
    must(infer_session_eval(o.session, ids, 10, NULL, &err));
    for (useconds_t i = 0; i < 12; i++) {
        struct canceller c = {.session = o.session, .after = i * 150};
        pthread_t thread;
        if (pthread_create(&thread, NULL, cancel_soon, &c))
            return;
        atomic_store(&c.go, true);
        infer_status status = infer_session_eval(o.session, ids + 10, 40, NULL, &err);
        pthread_join(thread, NULL);
        infer_session_clear_cancel(o.session);
        if (!status) {
            good &= same(o.session, 49);
            must(infer_session_rewind(o.session, 10, &err));
        }
        good &= goes_on(o.session, 10);
        must(infer_session_rewind(o.session, 10, &err));
    }
    CHECK(good);
    stop(&o);
}

/* Changes the byte at `back` from the end of a file, and its checksum stays the old one. */
static void damage(const char *path, long back)
{
    FILE *file = fopen(path, "r+b");
    if (!file)
        return;
    fseek(file, -back, SEEK_END);
    int byte = fgetc(file);
    fseek(file, -back, SEEK_END);
    fputc(byte ^ 1, file);
    fclose(file);
}

static void check_files(infer_model *model)
{
    struct objects o = start(model, (infer_plan_options){.checkpoints = 1});
    char path[] = "/tmp/check_recurrent.XXXXXX";
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    must(infer_session_eval(o.session, ids, 30, NULL, &err));
    must(infer_session_save(o.session, path, &err));
    must(infer_session_eval(o.other, ids + 7, 9, NULL, &err)); /* which restore takes away */
    must(infer_session_restore(o.other, path, &err));
    must(infer_session_rewind(o.other, 29, &err)); /* as who wants the last token's logits */
    CHECK(goes_on(o.other, 29) && repeated(o.other) == 0);
    must(infer_session_restore(o.other, path, &err));
    CHECK(goes_on(o.other, 30) && repeated(o.other) == 0);
    must(infer_session_rewind(o.session, 29, &err)); /* the copy, not the state */
    must(infer_session_save(o.session, path, &err));
    must(infer_session_restore(o.other, path, &err));
    CHECK(goes_on(o.other, 29) && repeated(o.other) == 0);
    must(infer_session_rewind(o.session, 12, &err)); /* neither */
    must(infer_session_save(o.session, path, &err));
    must(infer_session_restore(o.other, path, &err));
    CHECK(goes_on(o.other, 12) && repeated(o.other) == 12);
    must(infer_session_rewind(o.other, 5, &err));
    CHECK(goes_on(o.other, 5));
    damage(path, 100);
    CHECK(infer_session_restore(o.other, path, &err) == INFER_E_FORMAT && goes_on(o.other, 0));
    unlink(path);
    stop(&o);
}

static void check(const struct tiny_kind *kind)
{
    struct mk_bytes file = tiny_model(kind, INF_TYPE_F32, 99);
    infer_model *model;
    infer_plan *plan;
    infer_plan_memory memory;
    kind_name = kind->name;
    must(infer_model_open_memory(file.ptr, file.len, NULL, &model, &err));
    must(infer_plan_new(model, NULL, &plan, &err));
    infer_plan_get_memory(plan, &memory);
    infer_plan_free(plan);
    if (memory.state) {
        const struct inf_gguf_tensor *t = inf_model_find(model, "token_embd.weight");
        float *row = (float *)(void *)(uintptr_t)t->data + (size_t)BAD_TOKEN * t->shape[0];
        row[0] = INFINITY;
        expect(model);
        check_rewind(model, 1, 0);
        check_rewind(model, 2, 7);
        check_rewind(model, 0, 3);
        check_other_text(model);
        check_repeated(model);
        check_failures(model);
        check_cancelled(model);
        check_files(model);
    }
    infer_model_free(model);
    free(file.ptr);
}

/* ---- The first files of qwen3next ------------------------------------------------------------------ */

static void drop(struct mk_file *file, const char *name)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        if (&file->tensors[i] == mk_tensor(file, name)) {
            mk_drop_tensor_at(file, i);
            return;
        }
}

/* One matrix in place of two: of each key head its query, its key, its values, their gates. */
static void mix_rows(struct mk_file *file, const struct tiny_kind *k, unsigned layer)
{
    char qkv[64], gate[64], mixed[64];
    snprintf(qkv, sizeof qkv, "blk.%u.attn_qkv.weight", layer);
    snprintf(gate, sizeof gate, "blk.%u.attn_gate.weight", layer);
    snprintf(mixed, sizeof mixed, "blk.%u.ssm_in.weight", layer);
    if (!mk_tensor(file, qkv) || !mk_tensor(file, gate))
        return;
    size_t keys = k->keys, values = k->r_heads / k->r_groups * k->values, all = k->r_groups * keys;
    size_t row = k->embd * sizeof(float);
    uint64_t shape[2] = {k->embd, 2 * k->r_groups * (keys + values)};
    uint8_t *to = mk_add_tensor(file, mixed, INF_TYPE_F32, 2, shape)->data.ptr;
    const uint8_t *from = mk_tensor(file, qkv)->data.ptr, *z = mk_tensor(file, gate)->data.ptr;
    for (size_t g = 0; g < k->r_groups; g++) {
        const struct {
            const uint8_t *at;
            size_t rows;
        } pieces[] = {{from + g * keys * row, keys},
                      {from + (all + g * keys) * row, keys},
                      {from + (2 * all + g * values) * row, values},
                      {z + g * values * row, values}};
        for (size_t i = 0; i < 4; i++) {
            memcpy(to, pieces[i].at, pieces[i].rows * row);
            to += pieces[i].rows * row;
        }
    }
    drop(file, qkv);
    drop(file, gate);
}

static void check_mixed(void)
{
    const struct tiny_kind *kind = tiny_kind_named("qwen3next");
    infer_model *model;
    kind_name = "qwen3next, first files";
    for (int form = 0; form < 2; form++) {
        static float first[TOKENS][TINY_VOCAB];
        struct mk_file *file = tiny_file(kind, INF_TYPE_F32, 99);
        for (unsigned layer = 0; form && layer < kind->layers; layer++)
            mix_rows(file, kind, layer);
        struct mk_bytes bytes = mk_build(file, NULL);
        must(infer_model_open_memory(bytes.ptr, bytes.len, NULL, &model, &err));
        expect(model);
        if (form)
            CHECK(!inf_model_find(model, "blk.0.attn_qkv.weight") &&
                  !memcmp(first, want, sizeof want));
        memcpy(first, want, sizeof want);
        infer_model_free(model);
        mk_free(file);
        free(bytes.ptr);
    }
}

int main(void)
{
    uint32_t x = 7;
    for (int i = 0; i < TOKENS; i++) {
        x = x * 1664525 + 1013904223;
        ids[i] = (infer_token)(3 + (x >> 16) % (BAD_TOKEN - 3));
    }
    for (size_t i = 0; i < tiny_kind_count(); i++)
        check(tiny_kind_at(i));
    check_mixed();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
