/* The gate of infer-agent: what may be done, who is asked, what is written down, whose tools are called. */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "examples/agent/digest.h"
#include "tests/agent/gate.h"

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
    text_json_open();
    gate_policy();
    gate_log();
    gate_terminal();
    gate_servers();
    return count_end();
}
