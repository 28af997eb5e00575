/*
 * Memory that runs out: the k-th call of the allocator (and all after it) fails, for every k, over
 * loading, tokenising, evaluating, generating, saving, restoring and a conversation of two turns. Each time: INFER_E_MEMORY or
 * success, nothing leaked, and the objects that are left work afterwards.
 */
#include "tests/count_alloc.h"
#include "tests/tiny/talker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int passed, failed;
static struct mk_bytes file;
static char saved[] = "/tmp/check_oom.XXXXXX";

static void verdict(bool good, const char *what, size_t k, const char *text)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s, call %zu: %s\n", what, k, text);
}

struct objects {
    infer_model *model;
    infer_plan *plan;
    infer_session *session;
};

static const char template_text[] = "{%- for m in messages %}{{ m.content or "
                                    "m.tool_calls[0].function.arguments }}{{ '<|im_end|>' }}"
                                    "{%- endfor %}{{ '<think>' }}";

/* A turn, and one with tools that goes on from its message. */
static infer_status talk_with(infer_session *session, infer_template *t, infer_tools *tools,
                              infer_error *err)
{
    static const char call[] = "{\"role\": \"assistant\", \"tool_calls\": [{\"id\": \"x\", "
                               "\"function\": {\"name\": \"f\", \"arguments\": {\"a\": 1}}}]}";
    char messages[2048] = "[{\"role\": \"user\", \"content\": \"a\"}]", answer[1024];
    const char *stops[] = {"no such text"};
    size_t len;
    infer_chat_options o = {
        .size = sizeof o, .max_tokens = 4, .max_thought_tokens = 2, .stop = stops, .stop_count = 1};
    infer_status status = infer_chat(session, messages, strlen(messages), &o, NULL, err);
    if (!status)
        status = infer_chat_message(session, answer, sizeof answer, &len, err);
    if (status)
        return status;
    snprintf(messages, sizeof messages,
             "[{\"role\": \"user\", \"content\": \"a\"}, %.*s, %s, {\"role\": \"tool\", "
             "\"content\": \"b\"}]",
             (int)len, answer, call);
    o.chat_template = t;
    o.tools = tools;
    return infer_chat(session, messages, strlen(messages), &o, NULL, err);
}

static infer_status talk(infer_session *session, infer_error *err)
{
    static const char list[] = "[{\"name\": \"f\"}]";
    infer_template *t = NULL;
    infer_tools *tools = NULL;
    infer_status status = infer_template_new(infer_session_model(session), NULL, 0, &t, err);
    if (!status)
        status = infer_tools_new(t, list, sizeof list - 1, NULL, &tools, err);
    if (!status)
        status = talk_with(session, t, tools, err);
    infer_tools_free(tools);
    infer_template_free(t);
    return status;
}

/* Everything up to some text, as far as memory reaches. */
static infer_status use(const infer_allocator *a, struct objects *o, uint64_t *hash,
                        infer_error *err)
{
    infer_model_options options = {.size = sizeof options, .allocator = a};
    infer_plan_options plan = {.size = sizeof plan, .context = 768, .threads = 2};
    infer_generated made;
    infer_status status;
    if ((!o->model &&
         (status = infer_model_open_memory(file.ptr, file.len, &options, &o->model, err))) ||
        (!o->plan && (status = infer_plan_new(o->model, &plan, &o->plan, err))) ||
        (status = infer_plan_load(o->plan, NULL, NULL, err)) ||
        (!o->session && (status = infer_session_new(o->plan, &o->session, err))) ||
        (status = infer_generate(o->session, NULL, "some text", 5, NULL, NULL, &made, err)) ||
        (status = infer_session_save(o->session, saved, err)) ||
        (status = infer_session_restore(o->session, saved, err)) ||
        (status = talk(o->session, err)))
        return status;
    size_t count;
    const infer_token *ids = infer_session_tokens(o->session, &count);
    *hash = 14695981039346656037u;
    for (size_t i = 0; i < count; i++)
        *hash = (*hash ^ (uint64_t)ids[i]) * 1099511628211u;
    return INFER_OK;
}

static void drop(struct objects *o)
{
    infer_session_free(o->session);
    infer_plan_free(o->plan);
    infer_model_free(o->model);
    *o = (struct objects){0};
}

/* Call k fails; then, with memory again, the same objects go on (again) or are freed at once. */
static bool fail_at(size_t k, bool again, uint64_t want)
{
    struct count_alloc count;
    struct objects o = {0};
    infer_error err = {.text = "no error"};
    uint64_t hash = 0;
    count_alloc_init(&count);
    count.fail_at = k;
    infer_status status = use(&count.a, &o, &hash, &err);
    bool finished = status == INFER_OK;
    verdict(finished ? hash == want : status == INFER_E_MEMORY, "a status", k, err.text);
    if (again) {
        count.fail_at = 0;
        status = use(&count.a, &o, &hash, &err);
        verdict(status == INFER_OK && hash == want, "the same objects again", k, err.text);
    }
    drop(&o);
    verdict(count.blocks == 0 && count.maps == 0, "a leak", k, "blocks are left");
    return finished;
}

int main(void)
{
    file = tiny_talker(tiny_kind_named("qwen35"), false, template_text);
    int fd = mkstemp(saved);
    struct count_alloc count;
    struct objects o = {0};
    infer_error err;
    uint64_t want = 0;
    count_alloc_init(&count);
    if (fd < 0 || use(&count.a, &o, &want, &err)) {
        printf("FAIL without a failure: %s\n0 passed, 1 failed\n", err.text);
        return 1;
    }
    drop(&o);
    close(fd);
    for (size_t k = 1; !fail_at(k, false, want); k++)
        ;
    for (size_t k = 1; !fail_at(k, true, want); k++)
        ;
    verdict(count.calls > 20, "the number of calls", count.calls, "too few to mean anything");
    unlink(saved);
    free(file.ptr);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
