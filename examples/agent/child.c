/*
 * The program's process, from fork to exec: it takes every wall upon itself, the filter last. Nothing
 * here allocates.
 */
#include "kernel_abi.h"
#include "sandbox_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void start_failed(const struct launch *launch, enum start_step step)
{
    const struct start_failure failure = {.step = step, .error = errno};
    ssize_t ignored = write(launch->start_w, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

void close_others(int from, const int *kept, size_t count)
{
    for (;;) {
        int next = -1; /* the lowest kept one from `from` on */
        for (size_t i = 0; i < count; i++)
            if (kept[i] >= from && (next < 0 || kept[i] < next))
                next = kept[i];
        if (next != from)
            syscall(NR_CLOSE_RANGE, from, next < 0 ? ~0U : (unsigned)next - 1, 0);
        if (next < 0)
            return;
        from = next + 1;
    }
}

/* stdin, stdout, stderr and the script in their places, all else closed but what `launch` still needs:
 * those close at exec. */
static bool place_descriptors(struct launch *launch)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int *const moved[] = {&launch->in,      &launch->out,           &launch->log,
                          &launch->script,  &launch->start_w,       &launch->root_fd,
                          &launch->ruleset, &launch->notify_program};
    enum { MOVED = sizeof moved / sizeof *moved, PLACES = 4 };
    int kept[MOVED];
    if (launch->in < 0)
        launch->in = null;
    if (launch->log < 0)
        launch->log = null;
    for (size_t i = 0; i < MOVED; i++) { /* out of the way of the places first */
        if (*moved[i] >= 0 && (*moved[i] = fcntl(*moved[i], F_DUPFD_CLOEXEC, PLACES)) < 0)
            return false;
        kept[i] = *moved[i];
    }
    for (int i = 0; i < PLACES; i++) {
        if (kept[i] >= 0 && dup2(kept[i], i) < 0)
            return false;
        kept[i] = i < PLACES - 1 || kept[i] >= 0 ? i : -1;
    }
    close_others(0, kept, MOVED);
    return true;
}

/* In tier A the workspace is at its own path inside; its descriptor would lead outside. */
static bool enter_cwd(const struct launch *launch)
{
    int root = launch->box->tier == SANDBOX_TIER_A
                   ? open(launch->box->root, O_PATH | O_DIRECTORY | O_CLOEXEC)
                   : launch->root_fd;
    int cwd =
        root >= 0 ? open_below(root, launch->cwd ? launch->cwd : "", O_PATH | O_DIRECTORY) : -1;
    return cwd >= 0 && !fchdir(cwd);
}

/* No capability, and none to come by a set-user-id file or by being uid 0. The set that bounds them and
 * the bits are a second lock where they can be set: with no_new_privs exec gives none back. */
static bool drop_capabilities(void)
{
    for (int cap = 0; cap < 64; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{.effective = 0}, {.effective = 0}};
    return !syscall(SYS_capset, &header, none) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Tier A changed it at its gate. */
static bool change_uid(const struct sandbox *box)
{
    if (!box->change_uid || box->tier == SANDBOX_TIER_A)
        return true;
    return !setgroups(0, NULL) && !setresgid(box->gid, box->gid, box->gid) &&
           !setresuid(box->uid, box->uid, box->uid);
}

static bool limit(int resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now))
        return false;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
        most = now.rlim_max;
    const struct rlimit limits = {.rlim_cur = most, .rlim_max = most};
    return !setrlimit(resource, &limits);
}

static bool set_limits(const struct launch *launch)
{
    const struct sandbox_limits *limits = &launch->box->limits;
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_CPU, limits->cpu_s) &&
           limit(RLIMIT_FSIZE, limits->file_bytes) && limit(RLIMIT_NOFILE, limits->open_files) &&
           (!launch->processes_most || limit(RLIMIT_NPROC, launch->processes_most)) &&
           limit(RLIMIT_AS, limits->address_bytes);
}

/* The listener goes to the keeper, which answers for it. */
static bool send_listener(int socket, int listener)
{
    char byte = 0;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(first), &listener, sizeof listener);
    return sendmsg(socket, &message, 0) == 1;
}

static void enter_filter(const struct launch *launch)
{
    bool notify = launch->notify_program >= 0;
    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &launch->seccomp);
    if (listener < 0)
        start_failed(launch, STEP_SECCOMP);
    if (!notify)
        return;
    if (!send_listener(launch->notify_program, (int)listener))
        start_failed(launch, STEP_NOTIFY);
    close((int)listener);
    close(launch->notify_program);
}

static void reset_signals(void)
{
    for (int s = 1; s < 65; s++)
        signal(s, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void execute(const struct launch *launch)
{
    int worst = ENOENT;
    for (size_t i = 0; i < CANDIDATES_MAX && launch->candidates[i]; i++) {
        execve(launch->candidates[i], (char *const *)launch->argv, launch->env);
        if (errno != ENOENT && errno != ENOTDIR)
            worst = errno;
    }
    errno = worst;
    start_failed(launch, STEP_EXEC);
}

void program_main(struct launch *launch)
{
    const struct sandbox *box = launch->box;
    bool walls = box->mode != SANDBOX_NONE;
    setsid();
    if (!place_descriptors(launch))
        start_failed(launch, STEP_DESCRIPTORS);
    reset_signals();
    if (!enter_cwd(launch))
        start_failed(launch, STEP_CWD);
    if (walls) {
        if (!change_uid(box))
            start_failed(launch, STEP_UID);
        if (!drop_capabilities())
            start_failed(launch, STEP_CAPABILITIES);
    }
    /* a change of ids clears it */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (walls) {
        bool leaks = box->leak_tier == box->tier;
        if (launch->ruleset >= 0 && !leaks && !landlock_enter(launch->ruleset))
            start_failed(launch, STEP_LANDLOCK);
        if (!set_limits(launch))
            start_failed(launch, STEP_LIMITS);
        if (!leaks)
            enter_filter(launch);
    }
    if (launch->inside)
        _exit(launch->inside(launch->inside_arg));
    execute(launch);
}
