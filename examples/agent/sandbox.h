/*
 * The sandbox: runs a program so that it can change the workspace and nothing else, read the
 * system's programs and nothing private, and reach no network. Linux alone, over libc alone.
 *
 *     struct sandbox_options options = {.root = "/home/me/project"};
 *     struct sandbox *box;
 *     char err[SANDBOX_ERR];
 *     if (!sandbox_open(&options, &box, err))
 *         ...                                         // no wall works here: err says why
 *     puts(sandbox_describe(box));
 *     struct sandbox_command command = {.argv = (const char *[]){"make", "test", NULL}};
 *     struct sandbox_result result;
 *     if (sandbox_run(box, &command, &result, err))   // false: it was not started
 *         fwrite(result.out, 1, result.out_len, stdout);
 *     sandbox_result_free(&result);
 *     sandbox_close(box);
 *
 * What holds is a tier, found by trying it (README.md tells what each holds and what it does not):
 *     A  namespaces: the program sees a file system made for it; Landlock and seccomp on top
 *     B  Landlock 3 or later, and seccomp
 *     C  Landlock 1 or 2, and seccomp with what those leave open
 *     D  seccomp and limits: no wall around files. Callers ask for each command, or refuse.
 * No text of a model reaches the options. A sandbox belongs to one thread at a time; it may run
 * several children at once (sandbox_spawn).
 */
#ifndef AGENT_SANDBOX_H
#define AGENT_SANDBOX_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SANDBOX_ERR = 512 };

enum sandbox_mode {
    SANDBOX_WORKSPACE, /* writes: the workspace but its guarded names, and a private TMPDIR */
    SANDBOX_READ_ONLY, /* writes: a private TMPDIR */
    SANDBOX_NONE, /* no wall: a scrubbed environment, limits on time and output, all killed after */
};

enum sandbox_tier {
    SANDBOX_TIER_A = 'A',
    SANDBOX_TIER_B = 'B',
    SANDBOX_TIER_C = 'C',
    SANDBOX_TIER_D = 'D',
    SANDBOX_TIER_NONE = 'N',
};

/* 0 is the default. */
struct sandbox_limits {
    unsigned wall_ms;       /* 120000; of a spawned child: none */
    unsigned cpu_s;         /* 600, a process */
    uint64_t address_bytes; /* 4 GiB, a process */
    uint64_t file_bytes;    /* 1 GiB, a file */
    uint64_t disk_bytes;    /* 8 GiB: by how much the file systems it may write to may fill up */
    uint64_t disk_files;    /* 500000 */
    uint64_t tmp_bytes;     /* 512 MiB, in TMPDIR */
    uint64_t output_bytes;  /* 64 MiB, before it is killed; 256 KiB are kept */
    unsigned open_files;    /* 256, a process */
    unsigned processes;     /* 256 in all, each thread one */
};

struct sandbox_options {
    const char *root; /* an absolute path; made canonical here, once and for all */
    enum sandbox_mode mode;
    const char *const *read_dirs; /* folders to read and execute from (--read DIR) */
    size_t read_dir_count;
    struct sandbox_limits limits;
#ifdef AGENT_TEST
    enum sandbox_tier force_tier; /* 0: the best that works; else this one or a failure */
    int force_landlock_abi;       /* 0: the kernel's; -1: as a kernel without; else at most this */
    bool no_id_map;               /* tier A of root as where mounts cannot map ids */
    enum sandbox_tier leak_tier;  /* this one is built without Landlock and seccomp */
#endif
};

struct sandbox; /* opaque */

/* Tries the tiers from A on, each with a child that tries to break out, and takes the first that
 * holds. Makes the calling process non-dumpable (no other process reads its memory). Fails with a
 * reason where no tier works, or an option is wrong. */
bool sandbox_open(const struct sandbox_options *options, struct sandbox **box,
                  char err[SANDBOX_ERR]);
/* Stops what still runs, removes the private folder. NULL is fine. */
void sandbox_close(struct sandbox *box);

enum sandbox_tier sandbox_tier(const struct sandbox *box);
/* One line: the tier, and what really holds. Borrowed. */
const char *sandbox_describe(const struct sandbox *box);
/* Why no better tier was taken, a line each; "" in tier A. Borrowed. */
const char *sandbox_why_not(const struct sandbox *box);
/* True where a command may go without a question by rule: files are walled, and it does not run as
 * uid 0 behind Landlock alone. */
bool sandbox_allows_auto(const struct sandbox *box);
/* The table of `infer-agent doctor`: each wall, whether it works here, and why not. */
void sandbox_doctor(FILE *out);

/* ---- One command ---------------------------------------------------------------------------- */

struct sandbox_command {
    const char *const
        *argv;        /* ends with NULL; argv[0] without '/' is looked up in the PATH inside */
    const char *cwd;  /* a folder below the root, relative; NULL: the root. No link is followed */
    int stdin_fd;     /* 0: /dev/null */
    int script_fd;    /* 0: none; else it is /proc/self/fd/3 inside (a memfd with a script) */
    unsigned wall_ms; /* 0: the sandbox's limit; may only be lower */
    const volatile sig_atomic_t *cancel; /* becomes true: kill all. May be NULL */
};

enum sandbox_end {
    SANDBOX_EXITED,    /* by itself: exit_status, or term_signal */
    SANDBOX_TIMED_OUT, /* this and all below were killed */
    SANDBOX_CANCELLED,
    SANDBOX_OUTPUT,      /* more than output_bytes */
    SANDBOX_PROCESSES,   /* more than `processes` */
    SANDBOX_DISK,        /* more than disk_bytes or disk_files */
    SANDBOX_NOT_STARTED, /* not found, not executable, no such cwd: `why` says it */
};

struct sandbox_result {
    enum sandbox_end end;
    int exit_status; /* 0..255, or -1 */
    int term_signal; /* or 0 */
    char why
        [SANDBOX_ERR]; /* one line where there is something to say ("" else): what killed it, which
                              folder --read would have to give, which guarded names it has made */
    char *out; /* stdout and stderr in the order they came; ends with a 0 that is not counted */
    size_t out_len;  /* at most 256 KiB */
    size_t head_len; /* where left_out bytes are missing: out_len when none are */
    uint64_t left_out;
    uint64_t total; /* bytes written: out_len + left_out */
    uint64_t wall_ms;
};

/* Runs to the end of the command; when it returns no process of it is left. False with err: nothing
 * was run because of the agent's side (memory, fork, pipes, a wall that could not be built); the
 * result is then empty and may be freed. */
bool sandbox_run(struct sandbox *box, const struct sandbox_command *command,
                 struct sandbox_result *result, char err[SANDBOX_ERR]);
void sandbox_result_free(struct sandbox_result *result);

/* ---- A long-lived child ----------------------------------------------------------------------- */

struct sandbox_child {
    int to_child;   /* its stdin; the caller may close it and set it to -1 */
    int from_child; /* its stdout, likewise. End of file: it has ended */
    void *inner;
};

/* Its stderr goes to /dev/null; stdin_fd is ignored, and so is `cancel`. It lives until it
 * ends, sandbox_stop, or the death of this process. False: not started (err says why, as `why`
 * above does). */
bool sandbox_spawn(struct sandbox *box, const struct sandbox_command *command,
                   struct sandbox_child *child, char err[SANDBOX_ERR]);
/* Stops it and all below: when this returns true no thread of theirs runs, none can be woken by what they
 * arranged before (without walls: they can), and what they write is seen. False: err says why, and they go on.
 * One that has ended stands still. SIGPIPE is to be ignored. */
bool sandbox_pause(struct sandbox_child *child, char err[SANDBOX_ERR]);
void sandbox_resume(struct sandbox_child *child);
/* Kills it and all below; closes both ends. The result (may be NULL) has no output. */
void sandbox_stop(struct sandbox_child *child, struct sandbox_result *result);

#endif
