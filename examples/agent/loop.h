/* The loop, and what stands around it: the budget of the context, what the person sees, Ctrl-C. */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H

#include "agent.h"

/* Why a task ended. */
enum reason {
    REASON_END,       /* the model has answered */
    REASON_STEPS,     /* as many turns as are allowed */
    REASON_TOKENS,    /* as many tokens */
    REASON_SECONDS,   /* as much time; that of a question to the person does not count */
    REASON_REPEATS,   /* the same call brought the same again and again */
    REASON_CONTEXT,   /* the conversation does not fit, with all old results shrunk */
    REASON_CANCELLED, /* Ctrl-C */
    REASON_LOG,       /* --replay: the log has no more turns of this task */
    REASON_ERROR
};
const char *reason_name(enum reason reason);

struct outcome {
    enum reason reason;
    size_t steps, tokens;
    double seconds;
    struct text error; /* of REASON_ERROR */
};

/* ---- loop.c ---- */

/* The first message, and nothing else: a new conversation, in which nothing from outside has been read. */
bool loop_clear(struct agent *agent);

/* Does one task, or answers one message of a conversation. */
void loop_run(struct agent *agent, const char *task, size_t len, struct outcome *outcome);

/* ---- perform.c ---- */

/* What came of a call. */
struct called {
    struct text content; /* what the model is told */
    char digest[65];     /* of the content, before a mark was put around it */
    bool ok;             /* it was carried out, and did not fail */
    bool changed;        /* files are not as they were */
    bool outside;        /* the content is from outside the user's prompt */
    bool fatal; /* the log cannot be written, or there is no memory: nothing more may be done */
};
void call_do(struct agent *agent, const struct turn_call *call, struct called *called);

/* ---- budget.c ---- */

/* Cuts a result to a quarter of what is left of the context: head and tail, and how many bytes are left out
 * between. Returns those bytes. */
size_t budget_cut(struct agent *agent, struct text *content);

/* Counts a message that was appended. */
void budget_add(struct agent *agent, const char *text, size_t len);

/* Sees to it that there is room for a turn: shrinks the oldest results to a line each, and says so. `full`: though
 * it was counted to fit it did not. False: nothing is left to shrink. */
bool budget_fit(struct agent *agent, bool full);

/* ---- turns.c, scripted.c: false, and `error` says why ---- */

bool turns_open(struct agent *agent, struct text *error);

/* The turns of a script (JSON lines), or of the records of a log, which are kept. */
bool scripted_open(struct agent *agent, const char *path, struct text *error);
bool scripted_open_log(struct agent *agent, json_t *records, struct text *error);

/* What was asked next in a log that is replayed; NULL: nothing more. */
const char *scripted_next_prompt(struct agent *agent, struct text *task);

/* Looks at how the task that was played ended in the log, and says where it was otherwise. */
void scripted_compare_end(struct agent *agent, enum reason reason);

/* What was played of a log and compared with it. */
struct replayed {
    size_t tasks, turns;
    size_t results, differ; /* what calls brought; of that, not what they brought in the log */
    size_t ends;            /* tasks that did not end as in the log */
};
struct replayed scripted_replayed(const struct agent *agent);

/* ---- show.c: all that came from a model, a file or a program is shown escaped ---- */

bool show_open(struct agent *agent);
void show_close(struct agent *agent);
bool show_failed(const struct agent *agent); /* stdout cannot be written */

void show_start(struct agent *agent);
void show_wait(struct agent *agent, const char *what);    /* begins what may take long */
void show_progress(struct agent *agent, double fraction); /* of that; 1: it is over */
void show_text(struct agent *agent, const char *text, size_t len);
void show_thought(struct agent *agent, const char *text, size_t len);
void show_call_begun(struct agent *agent, const char *name);
void show_call(struct agent *agent, const struct turn_call *call);
void show_turn(struct agent *agent, size_t step, const struct turn *turn);
void show_question(struct agent *agent, const char *id, const struct action *action,
                   const char *why); /* where no terminal shows it */
void show_verdict(struct agent *agent, const char *id, const char *verdict, const char *why);
void show_change(struct agent *agent, const char *id,
                 const struct action *action); /* one that nobody is asked */
void show_result(struct agent *agent, const char *id, bool ok, const struct text *content,
                 size_t left_out);
const char *show_reason(enum reason reason); /* "the task ...", a sentence */
void show_end(struct agent *agent, const struct outcome *outcome);

/* A line to the person. */
void show_say(struct agent *agent, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- args.c ---- */

/* What the command line says. */
struct command_line {
    struct agent_options options;
    const char *operands[3]; /* MODEL, or `doctor`, or `verify` and LOG; the first ones */
    size_t operand_count;    /* of all that were given */
    const char *root, *sandbox, *approve; /* as given */
    bool help, version;
};
/* False: `error` says what is wrong. */
bool args_parse(struct command_line *line, char **argv, struct text *error);
void args_help(FILE *out);
void args_list(FILE *out); /* "--temp TAB T TAB help" a line, for the shell completion */

/* ---- talk.c ---- */

/* A conversation at the terminal, until its end. */
bool talk_run(struct agent *agent, struct text *error);

/* ---- cancel.c ---- */

struct infer_session;

/* From now on Ctrl-C, and the end of the time, set agent->cancelled and cancel the session. */
void cancel_install(struct agent *agent);
void cancel_target(struct infer_session *session);

/* Forgets a Ctrl-C; `seconds` until the time is up (0: no limit). */
void cancel_reset(double seconds);

/* Stops the clock, while a person is asked; what is left goes to cancel_reset's timer again. */
void cancel_pause(void);
void cancel_resume(void);

#endif
