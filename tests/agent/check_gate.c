/* The gate of infer-agent: what may be done, who is asked, what is written down, whose tools are called. */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "examples/agent/digest.h"
#include "tests/agent/gate.h"

static int passed, failed;

void gate_check(bool holds, const char *file, int line, const char *format, ...)
{
    if (holds) {
        passed++;
        return;
    }
    failed++;
    if (failed > 40)
        return;
    va_list args;
    va_start(args, format);
    printf("%s:%d: ", file, line);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* ---- Memory that runs out ---------------------------------------------------------------------- */

long gate_fail_at = -1;

static bool fails(void)
{
    return gate_fail_at >= 0 && gate_fail_at-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *data, size_t size)
{
    return fails() ? NULL : __real_realloc(data, size);
}

/* ---- Stand-ins --------------------------------------------------------------------------------- */

enum sandbox_tier sandbox_tier(const struct sandbox *box)
{
    return box->tier;
}

bool sandbox_allows_auto(const struct sandbox *box)
{
    return box->tier == SANDBOX_TIER_A ||
           ((box->tier == SANDBOX_TIER_B || box->tier == SANDBOX_TIER_C) && !box->root);
}

void gate_agent(struct agent *agent, struct sandbox *box)
{
    *agent = (struct agent){.sandbox = box, .grants = json_object(), .options.root = "/work"};
}

void gate_agent_free(struct agent *agent)
{
    json_decref(agent->grants);
    text_free(&agent->taint);
}

void gate_action(struct action *action, enum action_kind kind, const char *shown)
{
    static const char *const argv[] = {"ls", "-l", NULL};
    *action =
        (struct action){.kind = kind, .tool = "tool", .argv = kind == ACTION_RUN ? argv : NULL};
    text_add(&action->shown, shown, strlen(shown));
    digest_of(shown, strlen(shown), action->digest);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    json_set_alloc_funcs(__wrap_malloc, free);
    gate_policy();
    gate_log();
    gate_terminal();
    gate_servers();
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
