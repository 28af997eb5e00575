/*
 * What the programs of this folder share: verdicts, a tiny model in memory and the objects made from
 * it. For a program of one file.
 */
#ifndef INF_TEST_OBJECTS_H
#define INF_TEST_OBJECTS_H

#include "tests/tiny/models.h"

#include <libinfer.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define Q4_K 12 /* GGUF's number */
#define ROW_BYTES (TINY_VOCAB * sizeof(float))

static int passed, failed;
static struct mk_bytes file;
static infer_error err;

#define CHECK(condition) verdict(condition, #condition, __func__, __LINE__)

static bool verdict(bool good, const char *what, const char *where, int line)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s, line %d: %s (last error: %s)\n", where, line, what, err.text);
    return good;
}

struct objects {
    infer_model *model;
    infer_plan *plan;
    infer_session *session, *other;
};

static struct objects make(infer_plan_options options)
{
    struct objects o = {0};
    options.size = sizeof options;
    if (!options.context)
        options.context = 64;
    if (!options.threads)
        options.threads = 2;
    infer_status status;
    if ((status = infer_model_open_memory(file.ptr, file.len, NULL, &o.model, &err)) ||
        (status = infer_plan_new(o.model, &options, &o.plan, &err)) ||
        (status = infer_plan_load(o.plan, NULL, NULL, &err)) ||
        (status = infer_session_new(o.plan, &o.session, &err)) ||
        (options.sessions > 1 && (status = infer_session_new(o.plan, &o.other, &err)))) {
        printf("FAIL %s\n%d passed, %d failed\n", err.text, passed, failed + 1);
        exit(1);
    }
    return o;
}

static void drop(struct objects *o)
{
    infer_session_free(o->other);
    infer_session_free(o->session);
    infer_plan_free(o->plan);
    infer_model_free(o->model);
    *o = (struct objects){0};
}

static size_t tokens_of(const infer_session *session)
{
    size_t count;
    infer_session_tokens(session, &count);
    return count;
}

__attribute__((unused)) static void make_ids(infer_token *ids, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        ids[i] = (infer_token)(3 + (seed >> 16) % (TINY_VOCAB - 3));
    }
}

/* The session has `count` tokens, and its next logits are those of a session that never failed. */
__attribute__((unused)) static bool as_before(infer_session *session, size_t count,
                                              const float *want)
{
    const infer_token next = 17;
    bool good = tokens_of(session) == count && !infer_session_logits(session, 0) &&
                !infer_session_eval(session, &next, 1, NULL, &err) &&
                !memcmp(infer_session_logits(session, 0), want, ROW_BYTES);
    return good && !infer_session_rewind(session, count, &err);
}

#endif
