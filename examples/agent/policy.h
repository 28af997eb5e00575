/*
 * What the policy goes by, and what it says. The table is in policy.c; agent.h has the calls that the loop makes.
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "agent.h"

/* Facts of an action and of the session it belongs to. */
enum policy_fact {
    FACT_READ_ONLY = 1 << 0, /* --sandbox read-only */
    FACT_NONE = 1 << 1,      /* --sandbox none */
    FACT_WALLED = 1 << 2,    /* files are walled off from programs (tiers A, B, C) */
    FACT_AUTO =
        1 << 3, /* something may go without a question at all (not in D, not as root in B, C) */
    FACT_EDITS = 1 << 4,     /* --approve edits */
    FACT_TAINTED = 1 << 5,   /* content from outside the user's prompt has been read */
    FACT_PROTECTED = 1 << 6, /* struct action's */
    FACT_PERSISTS = 1 << 7,
    FACT_UNDOABLE = 1 << 8,
    FACT_GRANTED = 1 << 9,  /* this run was granted for the session */
    FACT_FOREIGN = 1 << 10, /* of that content, some is not the output of a granted run */
    FACT_ALL = 1 << 11
};

/* The verdict of the table, before --approve deny makes a question a no; `why` is constant. */
enum verdict policy_decide(enum action_kind kind, unsigned facts, const char **why);

/* Whether each change and each run is asked here, whatever --approve says: no wall, or programs run as root. */
bool policy_asks_all(const struct agent *agent);

/* Stands in a question's `why` between the reason and where text from outside came from. */
#define POLICY_OUTSIDE "; text from outside your prompt was read: "

/* May the answer "session" be given: a run by exact argv, of a program that runs no other text or program, where it
 * can count: each change is asked (not with --approve edits), and nothing was read but the output of granted runs. */
bool policy_grantable(const struct agent *agent, const struct action *action);

/* Remembers a run for the session: what was shown, in this folder, in this tier. False without memory. */
bool policy_grant(struct agent *agent, const struct action *action);

/* Forgets what was read (/clear): the grants count again. */
void policy_untaint(struct agent *agent);

#endif
