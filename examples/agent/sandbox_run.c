/* The agent's side of a run: what is prepared before the fork, the output, the report. */
#include "sandbox_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- The private folder -------------------------------------------------------------------------------- */

/* Empties a folder however deep it is: what is in a subfolder moves up, so nothing recurses. The
 * processes that filled it are dead. */
void empty_folder(int top)
{
    unsigned serial = 0;
    for (bool more = true; more;) {
        more = false;
        int copy = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
        for (const struct dirent *entry; dir && (entry = readdir(dir));) {
            const char *name = entry->d_name;
            if (!strcmp(name, ".") || !strcmp(name, "..") || !unlinkat(top, name, 0))
                continue;
            fchmodat(top, name, 0700, 0);
            int sub = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            DIR *inner = sub >= 0 ? fdopendir(sub) : NULL;
            for (const struct dirent *e; inner && (e = readdir(inner));) {
                char up[32];
                if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
                    !unlinkat(sub, e->d_name, 0))
                    continue;
                do
                    snprintf(up, sizeof up, "up-%u", serial++);
                while (renameat(sub, e->d_name, top, up) && errno == ENOTEMPTY);
            }
            if (inner)
                closedir(inner);
            more |= !unlinkat(top, name, AT_REMOVEDIR);
        }
        if (dir)
            closedir(dir);
    }
}

static bool make_tmp(struct sandbox *box, struct launch *launch, char err[SANDBOX_ERR])
{
    char *path = NULL;
    if (asprintf(&path, "%s/tmp-%u", box->base, box->serial++) < 0 || mkdir(path, 0700) ||
        (box->change_uid && chown(path, box->uid, box->gid))) {
        snprintf(err, SANDBOX_ERR, "a folder for TMPDIR in %s: %s", box->base, strerror(errno));
        free(path);
        return false;
    }
    launch->tmp = path;
    return true;
}

static void remove_tmp(const struct launch *launch)
{
    int fd = open(launch->tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        empty_folder(fd);
        close(fd);
    }
    rmdir(launch->tmp);
}

/* ---- A launch ------------------------------------------------------------------------------------------ */

static void launch_init(struct launch *launch, const struct sandbox *box)
{
    *launch = (struct launch){.box = box};
    int *const fds[] = {&launch->in,
                        &launch->out,
                        &launch->log,
                        &launch->script,
                        &launch->start_w,
                        &launch->report_w,
                        &launch->control_r,
                        &launch->root_fd,
                        &launch->ruleset,
                        &launch->notify_keeper,
                        &launch->notify_program,
                        &launch->root_mount};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        *fds[i] = -1;
    for (size_t i = 0; i < READ_DIRS_MAX; i++)
        launch->read_mounts[i] = -1;
}

/* What the agent holds for a child, until it has ended. */
struct kept_child {
    struct sandbox *box;
    struct launch launch;
    struct launch_fds fds;
    struct sock_filter *code;
    bool placed;
    bool ended;                   /* of a lasting one: seen when it was to be paused */
    struct sandbox_result result; /* of that one, as far as it was reported */
};

/* Descriptors that the child has now; in, out, log and script of the launch are closed by who opened
 * them. */
static void close_launch(struct launch *launch)
{
    close_fd(&launch->start_w);
    close_fd(&launch->report_w);
    close_fd(&launch->control_r);
    close_fd(&launch->ruleset);
    close_fd(&launch->notify_keeper);
    close_fd(&launch->notify_program);
    close_fd(&launch->root_mount);
    for (size_t i = 0; i < READ_DIRS_MAX; i++)
        close_fd(&launch->read_mounts[i]);
}

static void release(struct kept_child *kept)
{
    struct launch *launch = &kept->launch;
    close_launch(launch);
    close_fd(&kept->fds.start_r);
    close_fd(&kept->fds.report_r);
    close_fd(&kept->fds.control_w);
    if (launch->tmp)
        remove_tmp(launch);
    free((char *)launch->tmp);
    for (size_t i = 0; i < CANDIDATES_MAX; i++)
        free(launch->candidates[i]);
    for (size_t i = 0; i < sizeof launch->env / sizeof *launch->env; i++)
        free(launch->env[i]);
    guarded_list_free(&launch->guarded);
    free(kept->code);
    if (kept->placed && --kept->box->walled == 0)
        guarded_unplace(kept->box);
}

static bool make_env(const struct sandbox *box, struct launch *launch)
{
    const char *tmp = launch->tmp ? launch->tmp : "/tmp";
    const char *home = box->mode == SANDBOX_NONE ? getenv("HOME") : NULL;
    return asprintf(&launch->env[0], "PATH=%s", box->path) >= 0 &&
           asprintf(&launch->env[1], "HOME=%s", home ? home : tmp) >= 0 &&
           asprintf(&launch->env[2], "TMPDIR=%s", tmp) >= 0 &&
           (launch->env[3] = strdup("LANG=C.UTF-8")) && (launch->env[4] = strdup("TERM=dumb"));
}

/* Threads that the uid has now: its limit counts them all. */
static unsigned tasks_of(uid_t uid)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc");
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[300], text[2048];
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
        if (fd >= 0)
            close(fd);
        text[got > 0 ? got : 0] = 0;
        const char *owner = strstr(text, "\nUid:"), *threads = strstr(text, "\nThreads:");
        if (owner && threads && strtoul(owner + 5, NULL, 10) == uid)
            count += (unsigned)strtoul(threads + 9, NULL, 10);
    }
    if (dir)
        closedir(dir);
    return count;
}

static bool prepare_walls(struct sandbox *box, struct kept_child *kept, char err[SANDBOX_ERR])
{
    struct launch *launch = &kept->launch;
    bool namespaces = box->tier == SANDBOX_TIER_A;
    bool files = namespaces || box->tier == SANDBOX_TIER_B || box->tier == SANDBOX_TIER_C;
    if (box->mode == SANDBOX_NONE)
        return true;
    if (namespaces && box->mode == SANDBOX_WORKSPACE) {
        box->walled++;
        kept->placed = true;
        if (!guarded_place(box, err))
            return false;
    }
    if (files && !guarded_walk(box, &launch->guarded, err))
        return false;
    if (files && !namespaces && (launch->ruleset = landlock_grants(box, launch, err)) < 0)
        return false;
    launch->processes_most = tasks_of(box->uid) + box->limits.processes + PROCESSES_ABOVE;
    kept->code = calloc(FILTER_MAX, sizeof *kept->code);
    if (!kept->code || !seccomp_build(box, launch->lasting, kept->code, &launch->seccomp)) {
        snprintf(err, SANDBOX_ERR, "out of memory for the filter");
        return false;
    }
    if (namespaces && box->idmap_fd >= 0) {
        launch->root_mount = idmap_mount(box->idmap_fd, box->root);
        bool good = launch->root_mount >= 0;
        for (size_t i = 0; good && i < box->read_dir_count; i++)
            good = (launch->read_mounts[i] = idmap_mount(box->idmap_fd, box->read_dirs[i])) >= 0;
        if (!good) {
            snprintf(err, SANDBOX_ERR, "a mount with mapped ids: %s", strerror(errno));
            return false;
        }
    }
    int pair[2];
    if (box->notify && (!namespaces || box->uid == 0)) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
            snprintf(err, SANDBOX_ERR, "a socket pair: %s", strerror(errno));
            return false;
        }
        launch->notify_keeper = pair[0];
        launch->notify_program = pair[1];
    }
    return true;
}

static bool make_pipe(int *read_end, int *write_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return false;
    *read_end = ends[0];
    *write_end = ends[1];
    return true;
}

/* Fills what is left of kept->launch and forks. On failure the caller releases. */
static bool start(struct sandbox *box, struct kept_child *kept, char err[SANDBOX_ERR])
{
    struct launch *launch = &kept->launch;
    if (box->tier != SANDBOX_TIER_A && !make_tmp(box, launch, err))
        return false;
    if (!make_env(box, launch) ||
        (launch->argv && !programs_candidates(box, launch->argv[0], launch->candidates))) {
        snprintf(err, SANDBOX_ERR, "out of memory");
        return false;
    }
    if (!prepare_walls(box, kept, err))
        return false;
    launch->root_fd = box->root_fd;
    if (!make_pipe(&kept->fds.start_r, &launch->start_w) ||
        !make_pipe(&kept->fds.report_r, &launch->report_w) ||
        !make_pipe(&launch->control_r, &kept->fds.control_w)) {
        snprintf(err, SANDBOX_ERR, "a pipe: %s", strerror(errno));
        return false;
    }
    kept->fds.keeper = fork();
    if (kept->fds.keeper == 0)
        keeper_main(launch);
    if (kept->fds.keeper < 0) {
        snprintf(err, SANDBOX_ERR, "fork: %s", strerror(errno));
        return false;
    }
    close_launch(launch);
    return true;
}

static struct kept_child *new_kept(struct sandbox *box, char err[SANDBOX_ERR])
{
    struct kept_child *kept = malloc(sizeof *kept);
    if (!kept) {
        snprintf(err, SANDBOX_ERR, "out of memory");
        return NULL;
    }
    *kept = (struct kept_child){
        .box = box, .fds = {.start_r = -1, .report_r = -1, .control_w = -1, .keeper = -1}};
    launch_init(&kept->launch, box);
    return kept;
}

/* ---- Output ---------------------------------------------------------------------------------------------- */

struct output {
    char *bytes; /* KEPT_HEAD, then a ring of KEPT_TAIL, and a byte for the end */
    uint64_t total;
};

static void take_output(struct output *out, const char *bytes, size_t len)
{
    if (out->total < KEPT_HEAD) {
        size_t part = KEPT_HEAD - (size_t)out->total;
        part = part < len ? part : len;
        memcpy(out->bytes + out->total, bytes, part);
        out->total += part;
        bytes += part;
        len -= part;
    }
    while (len) {
        size_t at = (size_t)((out->total - KEPT_HEAD) % KEPT_TAIL);
        size_t part = KEPT_TAIL - at < len ? KEPT_TAIL - at : len;
        memcpy(out->bytes + KEPT_HEAD + at, bytes, part);
        out->total += part;
        bytes += part;
        len -= part;
    }
}

static void reverse(char *bytes, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        char c = bytes[i];
        bytes[i] = bytes[len - 1 - i];
        bytes[len - 1 - i] = c;
    }
}

/* The ring in order; the buffer is the result's. */
static void end_output(struct output *out, struct sandbox_result *result)
{
    enum { KEPT = KEPT_HEAD + KEPT_TAIL };
    result->out = out->bytes;
    result->total = out->total;
    result->out_len = result->head_len = (size_t)out->total;
    if (out->total > KEPT) {
        size_t at = (size_t)((out->total - KEPT_HEAD) % KEPT_TAIL);
        char *ring = out->bytes + KEPT_HEAD;
        reverse(ring, at); /* a rotation: both parts, then the whole */
        reverse(ring + at, KEPT_TAIL - at);
        reverse(ring, KEPT_TAIL);
        result->out_len = KEPT;
        result->head_len = KEPT_HEAD;
        result->left_out = out->total - KEPT;
    }
    result->out[result->out_len] = 0;
}

/* ---- The report ------------------------------------------------------------------------------------------ */

const char *start_step_text(enum start_step step)
{
    static const char *const texts[STEP_COUNT] = {
        [STEP_FORK] = "fork",
        [STEP_DESCRIPTORS] = "its descriptors",
        [STEP_UID] = "changing to an unprivileged user",
        [STEP_NAMESPACES] = "unshare, new namespaces",
        [STEP_ID_MAP] = "the id map of the user namespace",
        [STEP_WORKSPACE] = "mounting the workspace",
        [STEP_READ_DIR] = "mounting a folder of --read",
        [STEP_ROOT_TMPFS] = "mounting a new root",
        [STEP_SYSTEM] = "mounting the system's folders read-only",
        [STEP_DEVICES] = "mounting /dev/null and the like",
        [STEP_PROC] = "mounting /proc",
        [STEP_TMP] = "mounting /tmp",
        [STEP_GUARD] = "covering a protected name",
        [STEP_PIVOT] = "leaving the old root",
        [STEP_CWD] = "the current folder",
        [STEP_CAPABILITIES] = "dropping capabilities",
        [STEP_LANDLOCK] = "Landlock",
        [STEP_LIMITS] = "resource limits",
        [STEP_SECCOMP] = "the system call filter",
        [STEP_NOTIFY] = "passing the filter's listener",
        [STEP_EXEC] = "exec",
    };
    return (unsigned)step < STEP_COUNT && texts[step] ? texts[step] : "an unknown step";
}

static void note_report(const struct keeper_report *report, struct sandbox_result *result)
{
    if (report->kind == REPORT_END) {
        result->end = report->end;
    } else if (report->kind == REPORT_STATUS) {
        result->exit_status = WIFEXITED(report->status) ? WEXITSTATUS(report->status) : -1;
        result->term_signal = WIFSIGNALED(report->status) ? WTERMSIG(report->status) : 0;
    }
}

static void take_report(int *fd, struct sandbox_result *result)
{
    struct keeper_report report;
    ssize_t got = read(*fd, &report, sizeof report);
    if (got < 0 && errno == EINTR)
        return;
    if (got != sizeof report)
        close_fd(fd);
    else
        note_report(&report, result);
}

static void say_why(const struct sandbox *box, const struct launch *launch,
                    struct sandbox_result *result)
{
    const struct sandbox_limits *limits = &box->limits;
    switch (result->end) {
    case SANDBOX_TIMED_OUT:
        snprintf(result->why, SANDBOX_ERR, "killed after %u ms", launch->wall_ms);
        break;
    case SANDBOX_CANCELLED:
        snprintf(result->why, SANDBOX_ERR, "killed: cancelled");
        break;
    case SANDBOX_OUTPUT:
        snprintf(result->why, SANDBOX_ERR, "killed: more than %llu bytes of output",
                 (unsigned long long)limits->output_bytes);
        break;
    case SANDBOX_PROCESSES:
        snprintf(result->why, SANDBOX_ERR, "killed: more than %u processes", limits->processes);
        break;
    case SANDBOX_DISK:
        snprintf(result->why, SANDBOX_ERR,
                 "killed: the disk filled up by more than %llu bytes or %llu files meanwhile, or "
                 "TMPDIR has more than %llu bytes",
                 (unsigned long long)limits->disk_bytes, (unsigned long long)limits->disk_files,
                 (unsigned long long)limits->tmp_bytes);
        break;
    case SANDBOX_EXITED:
        if (launch->argv && (result->exit_status == 126 || result->exit_status == 127))
            programs_hint(box, launch->argv, result->why, SANDBOX_ERR);
        if (result->term_signal == SIGXCPU)
            snprintf(result->why, SANDBOX_ERR, "killed: more than %u s of processor time",
                     limits->cpu_s);
        if (result->term_signal == SIGXFSZ)
            snprintf(result->why, SANDBOX_ERR, "killed: a file of more than %llu bytes",
                     (unsigned long long)limits->file_bytes);
        break;
    case SANDBOX_NOT_STARTED:
        break;
    }
}

/* True where the command is at fault, not the sandbox. */
static bool say_not_started(const struct sandbox *box, const struct launch *launch,
                            const struct start_failure *failure, char *why, char err[SANDBOX_ERR])
{
    if (failure->step == STEP_EXEC) {
        if (!programs_hint(box, launch->argv, why, SANDBOX_ERR))
            snprintf(why, SANDBOX_ERR, "%.200s: %s", launch->argv[0],
                     failure->error == ENOENT ? "no such program" : strerror(failure->error));
        return true;
    }
    if (failure->step == STEP_CWD) {
        snprintf(why, SANDBOX_ERR, "the current folder %.200s: %s",
                 launch->cwd && *launch->cwd ? launch->cwd : ".", strerror(failure->error));
        return true;
    }
    snprintf(err, SANDBOX_ERR, "%s: %s", start_step_text(failure->step), strerror(failure->error));
    return false;
}

/* ---- A run ------------------------------------------------------------------------------------------------ */

/* Reads output and reports until all has ended. */
static void follow(struct kept_child *kept, struct output *out, int out_r,
                   const volatile sig_atomic_t *cancel, struct sandbox_result *result,
                   struct start_failure *failure)
{
    enum { CANCEL_MS = 50 };
    struct launch_fds *fds = &kept->fds;
    bool too_much = false;
    char bytes[16384];
    while (out_r >= 0 || fds->report_r >= 0 || fds->start_r >= 0) {
        bool drain = !too_much || fds->report_r < 0; /* who writes too much waits to be killed */
        struct pollfd polled[3] = {{.fd = drain ? out_r : -1, .events = POLLIN},
                                   {.fd = fds->report_r, .events = POLLIN},
                                   {.fd = fds->start_r, .events = POLLIN}};
        if (poll(polled, 3, cancel ? CANCEL_MS : -1) < 0 && errno != EINTR)
            break;
        if (cancel && *cancel)
            close_fd(&fds->control_w); /* the keeper kills them all */
        if (polled[2].revents) {
            ssize_t got = read(fds->start_r, failure, sizeof *failure);
            if (got >= 0 || errno != EINTR)
                close_fd(&fds->start_r);
            if (got != sizeof *failure)
                failure->step = STEP_COUNT;
        }
        if (polled[1].revents)
            take_report(&fds->report_r, result);
        if (polled[0].revents) {
            ssize_t got = read(out_r, bytes, sizeof bytes);
            if (got > 0)
                take_output(out, bytes, (size_t)got);
            else if (got == 0 || errno != EINTR)
                close_fd(&out_r);
        }
        if (out->total > kept->box->limits.output_bytes && !too_much) {
            too_much = true;
            close_fd(&fds->control_w);
        }
    }
    close_fd(&out_r);
    while (waitpid(fds->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    if (too_much && result->end == SANDBOX_CANCELLED)
        result->end = SANDBOX_OUTPUT;
}

/* Below its top the workspace may get guarded names that were not there to be covered (a folder's own
 * .git, say): who reads the result is told. */
static void say_new_names(struct kept_child *kept, struct sandbox_result *result)
{
    char err[SANDBOX_ERR];
    struct guarded_list now;
    size_t len = strlen(result->why), between = len ? 2 : 0;
    bool files = kept->box->mode == SANDBOX_WORKSPACE && kept->box->tier != SANDBOX_TIER_D;
    if (!files)
        return;
    if (!guarded_walk(kept->box, &now, err)) {
        snprintf(result->why + len, SANDBOX_ERR - len, "%s%s", len ? "; " : "", err);
    } else if (len + 100 < SANDBOX_ERR &&
               guarded_new(&kept->launch.guarded, &now, result->why + len + between,
                           SANDBOX_ERR - len - between) &&
               len) {
        memcpy(result->why + len, "; ", 2);
    }
    guarded_list_free(&now);
}

static bool run_kept(struct kept_child *kept, const struct sandbox_command *command,
                     struct sandbox_result *result, struct start_failure *failure,
                     char err[SANDBOX_ERR])
{
    struct sandbox *box = kept->box;
    struct output out = {.bytes = malloc(KEPT_HEAD + KEPT_TAIL + 1)};
    int out_r = -1, out_w = -1;
    if (!out.bytes || !make_pipe(&out_r, &out_w)) {
        snprintf(err, SANDBOX_ERR, "memory or a pipe for the output: %s", strerror(errno));
        free(out.bytes);
        return false;
    }
    kept->launch.out = kept->launch.log = out_w;
    uint64_t begin = now_ms();
    bool good = start(box, kept, err);
    close_fd(&out_w);
    if (!good) {
        close_fd(&out_r);
        free(out.bytes);
        return false;
    }
    result->end = SANDBOX_NOT_STARTED;
    follow(kept, &out, out_r, command->cancel, result, failure);
    end_output(&out, result);
    result->wall_ms = now_ms() - begin;
    if (failure->step != STEP_COUNT) {
        result->end = SANDBOX_NOT_STARTED;
        result->exit_status = -1;
        return say_not_started(box, &kept->launch, failure, result->why, err);
    }
    if (result->end == SANDBOX_NOT_STARTED) {
        snprintf(err, SANDBOX_ERR, "the keeper of the command died");
        return false;
    }
    say_why(box, &kept->launch, result);
    if (kept->launch.argv)
        say_new_names(kept, result);
    return true;
}

static bool take_command(struct kept_child *kept, const struct sandbox_command *command,
                         unsigned wall_ms, char err[SANDBOX_ERR])
{
    if (!command->argv || !command->argv[0]) {
        snprintf(err, SANDBOX_ERR, "the command is empty");
        return false;
    }
    kept->launch.argv = command->argv;
    kept->launch.cwd = command->cwd;
    if (command->script_fd > 0)
        kept->launch.script = command->script_fd;
    kept->launch.wall_ms =
        command->wall_ms && (!wall_ms || command->wall_ms < wall_ms) ? command->wall_ms : wall_ms;
    return true;
}

bool sandbox_run(struct sandbox *box, const struct sandbox_command *command,
                 struct sandbox_result *result, char err[SANDBOX_ERR])
{
    *result = (struct sandbox_result){.exit_status = -1};
    struct start_failure failure = {.step = STEP_COUNT};
    struct kept_child *kept = new_kept(box, err);
    bool good = kept && take_command(kept, command, box->limits.wall_ms, err);
    if (good) {
        if (command->stdin_fd > 0)
            kept->launch.in = command->stdin_fd;
        good = run_kept(kept, command, result, &failure, err);
    }
    if (kept)
        release(kept);
    free(kept);
    if (!good)
        sandbox_result_free(result);
    return good;
}

bool launch_inside(struct sandbox *box, int (*inside)(void *), void *arg, int *status,
                   char err[SANDBOX_ERR])
{
    struct sandbox_result result = {.exit_status = -1};
    struct start_failure failure = {.step = STEP_COUNT};
    const struct sandbox_command command = {.wall_ms = 0};
    struct kept_child *kept = new_kept(box, err);
    bool good = kept != NULL;
    if (good) {
        kept->launch.inside = inside;
        kept->launch.inside_arg = arg;
        kept->launch.wall_ms = 20000;
        good = run_kept(kept, &command, &result, &failure, err);
        if (good && (result.end != SANDBOX_EXITED || result.exit_status < 0)) {
            snprintf(err, SANDBOX_ERR, "the self-test was killed (signal %d) %.200s",
                     result.term_signal, result.why);
            good = false;
        }
        release(kept);
    }
    free(kept);
    *status = result.exit_status;
    sandbox_result_free(&result);
    return good;
}

void sandbox_result_free(struct sandbox_result *result)
{
    free(result->out);
    result->out = NULL;
    result->out_len = result->head_len = 0;
}

/* ---- A long-lived child --------------------------------------------------------------------------------- */

bool sandbox_spawn(struct sandbox *box, const struct sandbox_command *command,
                   struct sandbox_child *child, char err[SANDBOX_ERR])
{
    *child = (struct sandbox_child){.to_child = -1, .from_child = -1};
    int in_r = -1, out_w = -1;
    struct kept_child *kept = new_kept(box, err);
    if (!kept)
        return false;
    child->inner = kept;
    bool good = take_command(kept, command, 0, err);
    if (good && (!make_pipe(&in_r, &child->to_child) || !make_pipe(&child->from_child, &out_w))) {
        snprintf(err, SANDBOX_ERR, "a pipe: %s", strerror(errno));
        good = false;
    }
    kept->launch.in = in_r;
    kept->launch.out = out_w;
    kept->launch.lasting = true;
    kept->result = (struct sandbox_result){.exit_status = -1, .end = SANDBOX_CANCELLED};
    good = good && start(box, kept, err);
    close_fd(&in_r);
    close_fd(&out_w);
    if (good) { /* end of file: it runs, or its keeper is dead and the pipes say so */
        struct start_failure failure;
        ssize_t got;
        while ((got = read(kept->fds.start_r, &failure, sizeof failure)) < 0 && errno == EINTR)
            ;
        if (got == sizeof failure) {
            char why[SANDBOX_ERR];
            if (say_not_started(box, &kept->launch, &failure, why, err))
                memcpy(err, why, sizeof why);
            good = false;
        }
    }
    if (!good)
        sandbox_stop(child, NULL);
    kept = child->inner;
    if (kept) /* the caller's, and perhaps gone soon */
        kept->launch.argv = NULL;
    return good;
}

bool sandbox_pause(struct sandbox_child *child, char err[SANDBOX_ERR])
{
    struct kept_child *kept = child->inner;
    const char word = KEEPER_PAUSE;
    if (!kept || kept->ended)
        return true;
    /* where nobody reads it any more the report says why */
    while (write(kept->fds.control_w, &word, 1) < 0 && errno == EINTR)
        ;
    for (;;) {
        struct keeper_report report;
        ssize_t got = read(kept->fds.report_r, &report, sizeof report);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != sizeof report) {
            snprintf(err, SANDBOX_ERR, "its keeper has died");
            return false;
        }
        if (report.kind == REPORT_PAUSED && !report.status)
            snprintf(err, SANDBOX_ERR, "its processes cannot all be stopped");
        if (report.kind == REPORT_PAUSED)
            return report.status;
        note_report(&report, &kept->result);
        kept->ended = report.kind == REPORT_END; /* and none of it lives */
        if (kept->ended)
            return true;
    }
}

void sandbox_resume(struct sandbox_child *child)
{
    struct kept_child *kept = child->inner;
    const char word = KEEPER_RESUME;
    while (kept && !kept->ended && write(kept->fds.control_w, &word, 1) < 0 && errno == EINTR)
        ;
}

void sandbox_stop(struct sandbox_child *child, struct sandbox_result *result)
{
    struct kept_child *kept = child->inner;
    struct sandbox_result unused;
    result = result ? result : &unused;
    *result =
        kept ? kept->result : (struct sandbox_result){.exit_status = -1, .end = SANDBOX_CANCELLED};
    close_fd(&child->to_child);
    close_fd(&child->from_child);
    child->inner = NULL;
    if (!kept)
        return;
    close_fd(&kept->fds.control_w);
    while (kept->fds.report_r >= 0 && kept->fds.keeper > 0)
        take_report(&kept->fds.report_r, result);
    if (result->exit_status >= 0 || result->term_signal)
        result->end = SANDBOX_EXITED; /* before it was stopped */
    while (kept->fds.keeper > 0 && waitpid(kept->fds.keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    release(kept);
    free(kept);
}
