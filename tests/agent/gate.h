/* What the tests of the gate share: counting, a sandbox that is told its tier, memory that runs out. */
#ifndef TESTS_AGENT_GATE_H
#define TESTS_AGENT_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "examples/agent/agent.h"
#include "examples/agent/sandbox.h"

void gate_check(bool holds, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define CHECK(holds, ...) gate_check((holds), __FILE__, __LINE__, __VA_ARGS__)

/* Stands in for examples/agent/sandbox.c: children run without walls. */
struct sandbox {
    enum sandbox_tier tier;
    bool root; /* the agent runs as uid 0 */
};

/* The allocation that fails, counted from 0; -1: none. */
extern long gate_fail_at;

/* An action of the kind; nothing of it is allocated but `shown`. */
void gate_action(struct action *action, enum action_kind kind, const char *shown);
void gate_agent(struct agent *agent, struct sandbox *box);
void gate_agent_free(struct agent *agent);

void gate_policy(void);
void gate_log(void);
void gate_terminal(void);
void gate_servers(void);

#endif
