/* What the tests of the tools share: a throw-away folder with a root in it, and calls as the loop makes them. */
#ifndef TESTS_AGENT_HANDS_TESTS_H
#define TESTS_AGENT_HANDS_TESTS_H

#include "examples/agent/hands.h"
#include "tests/agent/counting.h"

/* What a text holds, "" where it holds nothing. */
const char *hands_text(const struct text *t);

struct bench {
    char top[64];     /* throw-away: root/, outside/, home/ */
    char root[80];    /* canonical */
    char outside[80]; /* beside the root */
    struct agent agent;
};

void bench_open(struct bench *bench);
void bench_tools(struct bench *bench); /* opens the tools again */
void bench_close(struct bench *bench);

/* Files by their path below the throw-away folder. */
void bench_put(const struct bench *bench, const char *path, const char *text);
void bench_put_bytes(const struct bench *bench, const char *path, const char *data, size_t len);
bool bench_holds(const struct bench *bench, const char *path, const char *text);
bool bench_has(const struct bench *bench, const char *path);
void bench_link(const struct bench *bench, const char *target, const char *path);

/* A shell line in a folder of the bench, as the person would type it. True: status 0. */
bool bench_shell(const struct bench *bench, const char *folder, const char *line);

/* Prepares and carries out a call; what it says. */
bool bench_call(struct bench *bench, const char *name, const char *arguments, struct text *result);
bool bench_prepare(struct bench *bench, const char *name, const char *arguments,
                   struct action *action, struct text *error);

/* Does the call do so, and say so? */
void bench_expect(struct bench *bench, const char *file, int line, bool ok, const char *says,
                  const char *name, const char *arguments);
#define DONE(b, says, name, arguments)                                                             \
    bench_expect(b, __FILE__, __LINE__, true, says, name, arguments)
#define REFUSED(b, says, name, arguments)                                                          \
    bench_expect(b, __FILE__, __LINE__, false, says, name, arguments)

/* What the stand-in for the sandbox was last asked to run, and what it brings. */
extern struct text hands_ran;
extern const char *hands_output;
extern size_t hands_left_out;

void hands_arguments(void);
void hands_names(void);
void hands_files(void);
void hands_writes(void);
void hands_search(void);
void hands_runs(void);
void hands_git(void);
void hands_undo(void);
void hands_memory(void);

#endif
