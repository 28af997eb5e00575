/*
 * What the files of the sandbox share. One command goes through these processes:
 *
 *     the agent (sandbox_run.c)      builds a launch, reads the output, writes the report
 *       the keeper (keeper.c)        limits, answers about signals, kills all below it at the end or
 *                                    when the agent dies; is the subreaper of what follows
 *         [tier A: the gate (namespaces.c)   enters the namespaces]
 *           [tier A: init                    pid 1 inside: builds the mounts, reaps]
 *             the program (child.c)          takes the limits, Landlock, seccomp upon itself, and exec
 *
 * Between fork and exec nothing allocates: the agent may have threads.
 */
#ifndef AGENT_SANDBOX_INNER_H
#define AGENT_SANDBOX_INNER_H

#include "names.h"
#include "sandbox.h"

#include <linux/filter.h>
#include <sys/types.h>

enum {
    KEPT_HEAD = 128 << 10, /* of the output */
    KEPT_TAIL = 128 << 10,
    READ_DIRS_MAX = 32,
    NOBODY = 65534,
    PROCESSES_ABOVE = 64, /* the limit: the kernel refuses here, the keeper kills before */
};

struct sandbox {
    char *root; /* canonical */
    int root_fd;
    dev_t root_dev;
    ino_t root_ino;
    bool home; /* the root is the user's home */
    enum sandbox_mode mode;
    char *read_dirs[READ_DIRS_MAX];
    size_t read_dir_count;
    struct sandbox_limits limits;
    char *base;  /* a private folder: TMPDIR of B to D below it, and the self-test's bait */
    int base_fd; /* locked as long as the agent lives */
    char *path;  /* PATH inside */

    enum sandbox_tier tier;
    int landlock_abi; /* in force; 0: none */
    bool notify;      /* seccomp asks the keeper about signals */
    uid_t uid;        /* of the program */
    gid_t gid;
    bool change_uid; /* the agent is root and the program is `uid` */
    int idmap_fd;    /* a user namespace that shows root's files in the workspace as uid's; or -1 */
    bool no_id_map;  /* of a test */
    enum sandbox_tier leak_tier; /* of a test: Landlock and seccomp are left out */
    unsigned serial;             /* of the next TMPDIR */
    unsigned walled;             /* children of tier A alive: the placeholders stay */
    char describe[1024];
    char why_not[2048];
};

/* ---- guarded_walk.c: guarded names in the workspace --------------------------------------------- */

struct guarded_entry {
    char *path; /* below the root; parents come before what is in them */
    enum name_kind kind;
    bool folder;
    bool pin;    /* not guarded itself, but may not be renamed away */
    bool target; /* what a guarded link leads to: covered last, for there may be others in it */
};
struct guarded_list {
    struct guarded_entry *entries;
    size_t count, room;
};
/* Fails where the workspace is too large or too deep to be searched. */
bool guarded_walk(const struct sandbox *box, struct guarded_list *list, char err[SANDBOX_ERR]);
/* Names that are in `now` and not in `before`, as a sentence; false: none. */
bool guarded_new(const struct guarded_list *before, const struct guarded_list *now, char *why,
                 size_t size);
void guarded_list_free(struct guarded_list *list);
/* Placeholders for missing names: made before a run of tier A, known again by mode, size and time,
 * so that one left by a crash is removed by the next run. */
bool guarded_place(const struct sandbox *box, char err[SANDBOX_ERR]);
void guarded_unplace(const struct sandbox *box);

/* ---- One start ----------------------------------------------------------------------------------- */

/* Where a start failed: sent with errno by the process that failed. */
enum start_step {
    STEP_FORK,
    STEP_DESCRIPTORS,
    STEP_UID,
    STEP_NAMESPACES,
    STEP_ID_MAP,
    STEP_WORKSPACE,
    STEP_READ_DIR,
    STEP_ROOT_TMPFS,
    STEP_SYSTEM,
    STEP_DEVICES,
    STEP_PROC,
    STEP_TMP,
    STEP_GUARD,
    STEP_PIVOT,
    STEP_CWD,
    STEP_CAPABILITIES,
    STEP_LANDLOCK,
    STEP_LIMITS,
    STEP_SECCOMP,
    STEP_NOTIFY,
    STEP_EXEC,
    STEP_COUNT,
};
struct start_failure {
    enum start_step step;
    int error;
};

/* What the keeper (and init, for the status) reports. */
struct keeper_report {
    enum { REPORT_STATUS, REPORT_END, REPORT_PAUSED } kind;
    enum sandbox_end end; /* of REPORT_END */
    int status; /* of REPORT_STATUS: as of waitpid; of REPORT_PAUSED: 1, or 0: it failed */
};

/* What the agent writes to the control pipe. */
enum { KEEPER_PAUSE = 'p', KEEPER_RESUME = 'r' };

enum { CANDIDATES_MAX = 64 };
struct launch {
    const struct sandbox *box;
    const char *const *argv;
    char *candidates[CANDIDATES_MAX]; /* what exec tries, NULL at the end */
    char *env[8];
    const char *cwd;
    const char *tmp; /* TMPDIR as the agent sees it; NULL in tier A */
    struct guarded_list guarded;
    struct sock_fprog seccomp;
    unsigned wall_ms;        /* 0: no limit */
    unsigned processes_most; /* RLIMIT_NPROC; 0: none */
    bool lasting;            /* it may be paused, and then nothing may wake it */
    int (*inside)(void *);   /* the self-test, in place of exec: its result is the exit status */
    void *inside_arg;

    /* Descriptors; -1: none. The processes close what is not theirs. */
    int in, out, log;                  /* stdin, stdout, stderr of the program */
    int script;                        /* becomes 3 */
    int start_w;                       /* struct start_failure, or end of file: it runs */
    int report_w;                      /* struct keeper_report */
    int control_r;                     /* KEEPER_PAUSE and so on; end of file: kill all */
    int root_fd;                       /* B to D: the workspace */
    int ruleset;                       /* B, C: of Landlock */
    int notify_keeper, notify_program; /* a socket pair for seccomp's listener */
    int root_mount;                    /* A as root: the workspace, ids mapped; moved into place */
    int read_mounts[READ_DIRS_MAX];
};

/* Closes what is open from `from` on, save what is kept (-1: nothing). */
void close_others(int from, const int *kept, size_t count);
/* Says where the start failed, and ends the process. */
_Noreturn void start_failed(const struct launch *launch, enum start_step step);
_Noreturn void keeper_main(struct launch *launch);
_Noreturn void gate_main(struct launch *launch);    /* tier A; in the keeper's child */
_Noreturn void program_main(struct launch *launch); /* in the program's process */
/* The agent's ends of the pipes. */
struct launch_fds {
    int start_r, report_r, control_w;
    pid_t keeper;
};

/* ---- Walls ------------------------------------------------------------------------------------------ */

/* seccomp_filter.c. The program belongs to the caller; false: no memory. */
enum { FILTER_MAX = 1200 };
bool seccomp_build(const struct sandbox *box, bool lasting, struct sock_filter *code,
                   struct sock_fprog *program);

/* landlock_rules.c */
int landlock_abi(void); /* of the kernel; 0: none */
int landlock_ruleset(int abi);
bool landlock_allow(int ruleset, int abi, int at, const char *path, uint64_t rights);
/* B and C: all grants, in a new ruleset. -1 with err. */
int landlock_grants(const struct sandbox *box, const struct launch *launch, char err[SANDBOX_ERR]);
bool landlock_enter(int ruleset);

/* namespaces.c: a user namespace in which root's files are `uid`'s; -1 with errno. */
int idmap_open(uid_t uid, gid_t gid);
/* A copy of the mount of `path`, ids mapped; -1 with errno. */
int idmap_mount(int idmap_fd, const char *path);

/* programs.c: what of the system is seen inside, the PATH there, and hints. */
extern const char *const system_dirs[];  /* read and execute; NULL ends them */
extern const char *const system_files[]; /* of /etc and others: read */
extern const char
    *const system_facts[]; /* of /proc and /sys: read, where the program sees the machine's */
extern const char *const system_devices[]; /* read and write */
char *programs_path(const struct sandbox *box);
bool programs_candidates(const struct sandbox *box, const char *name, char **candidates);
/* Names the folder that --read would have to give for the command; false: nothing to say. */
bool programs_hint(const struct sandbox *box, const char *const *argv, char *why, size_t size);

/* Opens a folder below `at`, following no link. -1 with errno. */
int open_below(int at, const char *path, int flags);

/* sandbox_run.c */
/* Runs a function of ours behind all walls, in place of a program; *status is what it returns. */
bool launch_inside(struct sandbox *box, int (*inside)(void *), void *arg, int *status,
                   char err[SANDBOX_ERR]);
/* However deep it is. */
void empty_folder(int folder);
const char *start_step_text(enum start_step step);

/* probe.c: chooses the tier; fills box->tier and what goes with it, describe and why_not. */
bool probe_choose(struct sandbox *box, int force_tier, int force_abi, char err[SANDBOX_ERR]);

#endif
