/* git, outside the sandbox, with all off that could start another program. */
#ifndef AGENT_GIT_H
#define AGENT_GIT_H

#include "agent.h"

#define GIT_ID 65     /* of an object, in hex, with its NUL */
#define GIT_PATHS 200 /* of one commit */

/* Is the root the top of a work tree that git_run can work in? */
bool git_is_tree(const struct agent *agent);

struct git_call {
    const char *const *arguments; /* behind "git" and what makes it safe; NULL at the end */
    const struct text *input;     /* NULL: none */
    const char *const *variables; /* "NAME=value", more for its environment; NULL: none */
    bool user; /* with the user's own settings: to ask who commits, and no more */
};

/* Runs git; false where it could not be run or its status is not 0: `output` is then what it says. */
bool git_run(const struct agent *agent, const struct git_call *call, struct text *output);

/* The same where the output must be the name of an object. */
bool git_run_id(const struct agent *agent, const struct git_call *call, char id[GIT_ID],
                struct text *error);

/* The commit at HEAD, "" where there is none yet. */
bool git_head(const struct agent *agent, char id[GIT_ID], struct text *error);

/* What the index says about paths (each with its NUL), as `update-index -z --index-info` takes it. */
bool git_index(const struct agent *agent, const struct text *paths, struct text *lines);

/* Takes the last commit back, if all is as it was left: HEAD, and the index for these paths. */
struct git_commit {
    char id[GIT_ID], parent[GIT_ID];
    struct text subject;       /* the first line of its message */
    struct text paths;         /* each with its NUL */
    struct text before, after; /* what the index said about them */
};
void git_commit_free(struct git_commit *commit);
bool git_take_back(const struct agent *agent, const struct git_commit *commit, struct text *error);

#endif
