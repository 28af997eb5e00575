/* What the tests of the gate share: counting, a sandbox that is told its tier, memory that runs out. */
#ifndef TESTS_AGENT_GATE_H
#define TESTS_AGENT_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "examples/agent/agent.h"
#include "examples/agent/sandbox.h"
#include "tests/agent/counting.h"

/* Stands in for examples/agent/sandbox.c: children run without walls. */
struct sandbox {
    enum sandbox_tier tier;
    bool root; /* the agent runs as uid 0 */
};

/* An action of the kind; nothing of it is allocated but `shown`. */
void gate_action(struct action *action, enum action_kind kind, const char *shown);
void gate_agent(struct agent *agent, struct sandbox *box);
void gate_agent_free(struct agent *agent);

void gate_policy(void);
void gate_log(void);
void gate_terminal(void);
void gate_servers(void);

#endif
