/*
 * infer-agent: what its files share. Each idea is one file:
 *
 *     infer_agent.c  the command line; talk.c: a conversation at the terminal
 *     loop.c       a turn of the model, its calls, their results, again; the limits. perform.c: one call
 *     turns.c      where turns come from: libinfer, or a script or log (scripted.c)
 *     budget.c     what of the context a result may take; what goes when it is full
 *     show.c       what the person sees; cancel.c: Ctrl-C and the time limit
 *     tools.c      the table of tools; a call becomes an action, arguments checked against the schema
 *     file_tools.c file tools; below.c: files below the root (openat2); search.c, pattern.c: in them
 *     answer.c     a model's last word; run.c: programs; git.c: commit; journal.c: undo; diff.c: what a change changes
 *     policy.c     an action is allowed, asked, or denied; what has come from outside (taint)
 *     approval.c   the question; terminal.c: shown and answered at the terminal alone
 *     names.h      names that are protected or hidden
 *     sandbox.h    where programs run
 *     log.c        what happened, in a chain of hashes
 *     mcp.c        tools of other programs; rpc.c: what is said with them; mcp_schema.c: their schemas
 *     shown.c      text that grows, and as it may be shown; digest.c: SHA-256; json_text.c: JSON to text and back
 *
 * The way of every call: tools.c prepares an action, whose bytes never change again; policy.c judges it;
 * approval.c shows it and asks; log.c writes it down; then the action, and nothing else, is carried out.
 */
#ifndef AGENT_H
#define AGENT_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AGENT_ERROR_MAX 500

/* Text that grows. Zeroed is empty; data has a NUL behind its last byte once it is not NULL. */
struct text {
    char *data; /* owned */
    size_t len, capacity;
    bool
        failed; /* there was no memory: what follows was dropped, and nothing may be done with it */
};
void text_add(struct text *t, const char *data, size_t len);
void text_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

/* Appends a value as JSON; `flags` are jansson's. False: there was no memory for all of it. */
bool text_add_json(struct text *t, const json_t *value, size_t flags);

/* Before all else that is done with JSON: where jansson has its memory from. */
void text_json_open(void);

/* Reads JSON text. NULL: it is none, or there was no memory for all of it; `why` (may be NULL) says so. */
json_t *text_read_json(const char *data, size_t len, size_t flags, json_error_t *why);

/* Writes all of data[len) to a file. */
bool text_write(int fd, const char *data, size_t len);

/* Appends bytes as they may be shown on a terminal: what acts on it, is not seen or turns text around, and broken
 * UTF-8, as \xNN and \u{N}, always. Letters that are not ASCII stand as they are, with `mark` with their code
 * ("с\u{441}"). With `lines` line feeds stay, and tabs where letters are not marked; else "\n", "\t". */
void text_add_shown(struct text *t, const char *data, size_t len, bool lines, bool mark);

struct agent;

/* ---- Actions --------------------------------------------------------------------------------- */

enum action_kind {
    ACTION_READ,  /* of files below the root */
    ACTION_WRITE, /* of one file below the root */
    ACTION_RUN,   /* of a program in the sandbox */
    ACTION_GIT,   /* outside the sandbox's wall around .git */
    ACTION_MCP    /* a tool of a server */
};

/* What a call will do, made whole before anybody is asked. Nothing of it changes afterwards; `digest` is that
 * of `shown`, and of the files it says will run, and is compared before it is carried out. */
struct action {
    enum action_kind kind;
    const char *tool; /* name; static or owned by the table */
    struct text
        shown; /* all of what will be done, raw: argv as a JSON array, a shell line, path and diff */
    struct text
        covers;      /* what the digest covers besides: hashes of files as they are and will be */
    char digest[65]; /* SHA-256 in hex; action_digest() */
    const char *const *argv; /* of RUN: what is run, NULL at its end */
    bool shell;              /* of RUN: argv is {"sh", "-c", line} */
    const char *path;        /* of READ and WRITE: below the root, "." for the root */
    bool protected;          /* the path, or what is run, is one of the protected names */
    bool persists;           /* the file takes effect in later sessions (rules, hooks) */
    bool undoable;           /* of WRITE: undo can restore what was there */
    const char *
        origin; /* where its result comes from, for the taint's text: a path, "output of ...", a server */
    bool
        outside; /* its result is content from outside the user's prompt: taints. perform() takes it
                     back where it failed before it came to any */
    void *state; /* of the tool */
    /* Carries it out; the result's text for the model. False: it failed, and the text says why. */
    bool (*perform)(struct action *action, struct agent *agent, struct text *result);
    void (*release)(struct action *action);
};

void action_free(struct action *action);

/* The digest over kind, tool, path, argv, `shown` and `covers`: computed when an action is prepared, and again
 * before it is carried out. */
void action_digest(const struct action *action, char digest[65]);

/* ---- Tools (tools.c; file_tools.c, run.c, git.c, mcp.c) ------------------------------------------- */

/* A tool that the model may call. */
struct tool {
    const char *name;
    const char
        *definition; /* JSON: {"name", "description", "parameters"}, constant of the process */
    /* Makes the action of a call whose arguments fit the schema. False: `error` is what the model is told. */
    bool (*prepare)(struct agent *agent, const struct tool *tool, const json_t *arguments,
                    struct action *action, struct text *error);
    void *state; /* of a server's tool */
};

/* The tools of this agent (git_commit where the root is a work tree, those of servers where they run). */
struct tools {
    struct tool *items; /* owned */
    size_t count;
    char *json; /* the array for infer_tools_new; owned */
};

/* Finds the tool, reads the arguments (JSON text; no duplicate keys, bounded depth and size), checks them
 * against the schema: unknown members are errors. False: `error` is what the model is told. */
bool tools_prepare(struct agent *agent, const char *name, const char *arguments, size_t len,
                   struct action *action, struct text *error);
bool tools_open(struct agent *agent, struct text *error);
void tools_close(struct agent *agent);

/* ---- Policy and approval (policy.c, approval.c) ---------------------------------------------- */

enum approve_mode { APPROVE_ASK, APPROVE_EDITS, APPROVE_DENY };
enum verdict { VERDICT_ALLOW, VERDICT_ASK, VERDICT_DENY };
enum answer {
    ANSWER_NO,
    ANSWER_ONCE,
    ANSWER_SESSION,
    ANSWER_NOBODY /* there is no terminal to ask at: no */
};

/* What may be done without a question, what needs one, what is not done at all; `why` for the person. */
enum verdict policy_judge(const struct agent *agent, const struct action *action, struct text *why);

/* Content from outside the user's prompt has come, from `action`: `source` is named in later questions. */
void policy_taint(struct agent *agent, const struct action *action, const char *source);

/* Where it came from, the two that came last. */
void policy_add_sources(const struct agent *agent, struct text *out);

/* Shows an action and reads the answer from the terminal alone; end of input, anything but a
 * clear yes: no. A grant for the session is remembered here; Ctrl-C sets `cancelled` as well. */
enum answer approval_ask(struct agent *agent, const struct action *action, const char *why);

/* ---- Log (log.c) ------------------------------------------------------------------------------ */

struct log;

/* Appends a record: a JSON line with time, the SHA-256 of the line before, and the members given (taken).
 * False: it could not be written, and nothing more may be done. */
bool log_write(struct log *log, const char *what, json_t *members);

/* ---- Where turns come from (turns.c, scripted.c) ---------------------------------------------- */

struct turn_call {
    char *id, *name, *arguments; /* owned; arguments: JSON text as it came */
};

struct turn {
    json_t
        *message; /* as the model's template wants it, to be appended to the messages; NULL: nothing
                        was made (cancelled in the prompt, or the prompt does not fit) */
    struct text text; /* what was said */
    struct text
        broken; /* why what began as a call is none; "" where there is nothing of the kind */
    struct turn_call *calls;
    size_t call_count;
    const char *stop; /* "end", "limit", "context", "cancelled" */
    size_t prompt_tokens, kept_tokens, tokens;
};

/* A model, or a script that plays one. */
struct model {
    void *state;
    /* One turn of at most max_tokens: messages in, text shown as it comes, calls out. False: `error` says
     * why. A prompt that does not fit is no failure: stop is "context", there is no message. */
    bool (*turn)(struct model *model, struct agent *agent, const json_t *messages,
                 size_t max_tokens, struct turn *turn, struct text *error);
    size_t (*tokens_of)(struct model *model, const char *text, size_t len); /* for the budget */
    /* Told what each call brought; NULL: does not want to know. */
    void (*result)(struct model *model, struct agent *agent, const struct turn_call *call,
                   const char *digest);
    size_t context; /* tokens */
    void (*close)(struct model *model);
};

bool turn_add_call(struct turn *turn, const char *id, const char *name, const char *arguments,
                   size_t len);
/* Whether the call at a place stands before it in the same turn: it is not done twice. */
bool turn_repeats(const struct turn *turn, size_t at);
void turn_free(struct turn *turn);

/* ---- The agent -------------------------------------------------------------------------------- */

struct agent_options {
    const char *model_path; /* NULL: none, with a script or a log to replay */
    const char *task, *replay, *log_path;
    const char *root; /* canonical, absolute */
    int sandbox;      /* enum sandbox_mode */
    enum approve_mode approve;
    const char **read_dirs; /* the arrays are owned; each count stands behind its array (args.c) */
    size_t read_dir_count;
    const char **servers;
    size_t server_count;
    bool json;
    size_t steps_max, tokens_max, seconds_max, repeats_max; /* of a task */

    uint32_t context, threads, top_k, reasoning; /* context, threads: 0 where not given */
    double temperature, top_p, min_p;
    uint64_t seed;
    const char *chat_template;
    int calls; /* enum calls_mode */

    const char *script; /* of test builds alone, as the next three */
    const char *tier, *landlock_abi;
    bool small_limits;
};

/* How a model may call. */
enum calls_mode {
    CALLS_HELD,     /* whenever it calls, the call is held to the tools' schemas */
    CALLS_REQUIRED, /* every turn is a call, so held; it answers by the tool `answer` */
    CALLS_FREE      /* as it likes; what is wrong is told */
};

/* Why `cancelled` is set. */
enum { CANCEL_NONE, CANCEL_PERSON, CANCEL_TIME, CANCEL_LOG /* see REASON_LOG */ };

struct show;

struct agent {
    struct agent_options options;
    int root_fd; /* O_PATH of the root */
    struct sandbox *sandbox;
    struct tools tools;
    struct model model;
    struct log *log;
    bool begun; /* its first record is written: a start that fails leaves no log */
    struct show *show;
    struct mcp *servers;     /* that --mcp started (mcp.h) */
    struct journal *journal; /* what the file tools replaced, for undo */
    struct text taint; /* its sources, a line each; "" where nothing from outside has been read */
    size_t sources;    /* how many there were */
    bool foreign;      /* of them, some are not runs granted for the session */
    json_t *grants;    /* an object; its keys are the runs granted for the session */
    volatile sig_atomic_t
        cancelled; /* Ctrl-C, or the time is up: the turn ends, children are killed */

    json_t *messages;   /* the conversation, as templates want it */
    size_t used;        /* tokens of the context that it takes, as far as is known */
    size_t shrunk;      /* of the messages before this one the results are a line each */
    bool last_word;     /* the next turn can only answer: the calls went round in circles */
    bool answered;      /* by the tool `answer`: the task is done */
    struct text answer; /* what it said, until it is shown */
    json_t *seen;       /* calls of this task: how often each has brought the same */
    char tag[17]; /* of this session, not to be guessed: stands around what comes from outside */
};

#endif
