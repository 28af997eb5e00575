/*
 * The keeper: a process between the agent and the program. Whoever descends from the program becomes the
 * keeper's child when its parent dies (it is their subreaper), so nothing gets away, and when the agent
 * dies the keeper's control pipe ends and it kills them all. It counts them, watches the clock and the
 * disk, and answers for seccomp whether a signal stays in the family and whether uid 0 may fork once more.
 */
#include "kernel_abi.h"
#include "sandbox_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 10,
    DISK_MS = 200,
    COUNT_MS = 500,
    PAUSE_MS = 2000,    /* for all to stop */
    TREE_MAX = 1 << 16, /* processes of the machine that are looked at */
    TMP_DEPTH = 32,
};

struct process {
    pid_t pid, parent, group;
    unsigned threads;
    bool ours;
    bool waits; /* a thread of it is in the kernel and cannot be stopped there, as in vfork(2) */
};

struct keeper {
    struct launch *launch;
    const struct sandbox_limits *limits;
    pid_t self, child;
    bool child_ended;
    bool paused;
    int status;
    int listener, tmp_fd, pidfd;
    struct process *table; /* TREE_MAX */
    size_t table_count;
    bool missed;       /* one was gone before it could be read */
    bool moves, waits; /* of the process that is looked at */
    uint64_t digest;   /* of the family as it stands still; 0: something moves */
    uint64_t start_ms, disk_ms, count_ms;
    uint64_t free_bytes, free_files; /* at the start */
    unsigned long tasks;             /* of the machine, at the last count */
    size_t forks_left;               /* that may go by without a count */
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- Who descends from whom ----------------------------------------------------------------------- */

static ssize_t read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = 0;
    return got;
}

/* pid (name) state parent group and so on; the 20th field is how many threads. The name may hold
 * anything. */
static bool read_process(pid_t pid, struct process *process)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_text(path, text, sizeof text) <= 0)
        return false;
    const char *end = strrchr(text, ')');
    if (!end || strlen(end) < 5)
        return false;
    char *after;
    *process = (struct process){.pid = pid, .parent = (pid_t)strtol(end + 4, &after, 10)};
    process->group = (pid_t)strtol(after, &after, 10);
    for (int field = 6; field < 20; field++)
        strtoll(after, &after, 10);
    process->threads = (unsigned)strtoul(after, NULL, 10);
    return true;
}

/* Calls for each entry of an open folder, which is closed. False: a call said so. */
static bool each_entry(int fd, bool (*call)(void *ud, int fd, const char *name, unsigned char type),
                       void *ud)
{
    struct entry {
        uint64_t ino;
        int64_t off;
        unsigned short len;
        unsigned char type;
        char name[];
    };
    _Alignas(8) char buffer[4096];
    long got = 0;
    bool good = true;
    while (good && (got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; good && at < got;) {
            const struct entry *entry = (const void *)(buffer + at);
            if (strcmp(entry->name, ".") && strcmp(entry->name, ".."))
                good = call(ud, fd, entry->name, entry->type);
            at += entry->len;
        }
    close(fd);
    return good && got == 0;
}

static bool list_process(void *ud, int fd, const char *name, unsigned char type)
{
    (void)fd, (void)type;
    struct keeper *k = ud;
    if (name[0] < '1' || name[0] > '9' || k->table_count == TREE_MAX)
        return true;
    bool known = read_process((pid_t)atoi(name), &k->table[k->table_count]);
    k->table_count += known;
    k->missed |= !known;
    return true;
}

/* The table is in the order of pids, as /proc lists them. */
static struct process *find_process(const struct keeper *k, pid_t pid)
{
    size_t low = 0, high = k->table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (k->table[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < k->table_count && k->table[low].pid == pid ? &k->table[low] : NULL;
}

/* Marks the keeper's descendants and counts their threads. */
static size_t find_descendants(struct keeper *k)
{
    k->table_count = 0;
    k->missed = false;
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        each_entry(fd, list_process, k);
    size_t count = 0;
    for (bool more = true; more;) { /* until none joins: mostly two passes, for pids grow */
        more = false;
        for (size_t i = 0; i < k->table_count; i++) {
            struct process *p = &k->table[i];
            const struct process *parent = p->ours ? NULL : find_process(k, p->parent);
            if (!p->ours && (p->parent == k->self || (parent && parent->ours))) {
                p->ours = more = true;
                count += p->threads;
            }
        }
    }
    return count;
}

static bool is_descendant(const struct keeper *k, pid_t pid)
{
    struct process p;
    for (int steps = 0; pid > 1 && steps < 4096 && read_process(pid, &p); steps++) {
        if (p.parent == k->self)
            return true;
        pid = p.parent;
    }
    return false;
}

/* A group is in the family when each member is. */
static bool is_our_group(struct keeper *k, pid_t group)
{
    bool any = false;
    find_descendants(k);
    for (size_t i = 0; i < k->table_count; i++)
        if (k->table[i].group == group) {
            if (!k->table[i].ours)
                return false;
            any = true;
        }
    return any;
}

/* False when no child is left. */
static bool reap(struct keeper *k)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == k->child) {
            k->child_ended = true;
            k->status = status;
        }
    return pid == 0;
}

static void wait_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    nanosleep(&moment, NULL);
}

static void signal_all(const struct keeper *k, int number)
{
    for (size_t i = 0; i < k->table_count; i++)
        if (k->table[i].ours)
            kill(k->table[i].pid, number);
}

/* Stops them all, so that none forks meanwhile, then kills; until wait(2) knows of none. */
static void kill_all(struct keeper *k)
{
    while (reap(k)) {
        find_descendants(k);
        signal_all(k, SIGSTOP);
        signal_all(k, SIGKILL);
        wait_a_moment();
    }
}

/* ---- Stopping for a while ---------------------------------------------------------------------------- */

static void mix(uint64_t *digest, const char *text)
{
    for (; *text; text++)
        *digest = (*digest ^ (unsigned char)*text) * 0x100000001b3; /* FNV-1a */
}

/* Of /proc/PID/task. How often the thread has run is in the digest. */
static bool look_at_thread(void *ud, int fd, const char *name, unsigned char type)
{
    (void)type;
    struct keeper *k = ud;
    char path[32], text[4096];
    snprintf(path, sizeof path, "%.20s/status", name);
    int status = openat(fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t got = status >= 0 ? read(status, text, sizeof text - 1) : 0;
    if (status >= 0)
        close(status);
    text[got > 0 ? got : 0] = 0;
    const char *state = strstr(text, "\nState:\t"), *ran = strstr(text, "\nvoluntary_ctxt");
    const char one[2] = {state && ran ? state[8] : 'R'};
    k->moves |= !strchr("TZX", *one); /* neither stopped nor dead */
    k->waits |= *one == 'D';
    mix(&k->digest, name);
    mix(&k->digest, one);
    mix(&k->digest, ran ? ran : "");
    return true;
}

/* The gate and init of tier A, which only wait and reap. */
static bool is_our_own(const struct keeper *k, const struct process *p)
{
    return k->launch->box->tier == SANDBOX_TIER_A && (p->pid == k->child || p->parent == k->child);
}

/* Looks at every thread of the family. Who moves is told to stop, with all its group: in one step, so that no child
 * gets away (the family has groups of its own, since setsid). A parent in vfork(2) stops when its child has gone on
 * to its exec or its end: that one is not held. */
static void look(struct keeper *k)
{
    find_descendants(k);
    bool still = !k->missed && k->table_count < TREE_MAX && find_process(k, k->child);
    k->digest = 0xcbf29ce484222325;
    for (size_t i = 0; i < k->table_count; i++) {
        char path[32];
        struct process *p = &k->table[i];
        if (!p->ours || is_our_own(k, p))
            continue;
        snprintf(path, sizeof path, "/proc/%d/task", (int)p->pid);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        k->moves = k->waits = false;
        if (fd >= 0 && each_entry(fd, look_at_thread, k) && !k->moves)
            continue;
        p->waits = k->waits;
        kill(p->group > 1 && p->group != k->self ? -p->group : p->pid, SIGSTOP);
        still = false;
    }
    for (size_t i = 0; !still && i < k->table_count; i++) {
        const struct process *parent =
            k->table[i].ours ? find_process(k, k->table[i].parent) : NULL;
        if (parent && parent->waits)
            kill(k->table[i].pid, SIGCONT);
    }
    k->digest = still ? k->digest : 0;
}

/* Stops the family. Two looks in turn must find the same threads, stopped and not run in between: then none ran at
 * the moment between the looks, for who did would be in the second one, and there has run, or is new, or was gone
 * before it could be read. The filter leaves the family no way to be woken later (seccomp_filter.c). */
static bool pause_all(struct keeper *k)
{
    uint64_t start = now_ms(), before = 0;
    while (now_ms() - start < PAUSE_MS && reap(k) && !k->child_ended) {
        look(k);
        if (k->digest && k->digest == before)
            return true;
        before = k->digest;
        if (!before)
            wait_a_moment();
    }
    find_descendants(k);
    signal_all(k, SIGCONT);
    return false;
}

/* ---- Limits ------------------------------------------------------------------------------------------ */

/* Tasks of the machine, from one short file: nobody has many more children than there are new tasks. */
static unsigned long machine_tasks(void)
{
    char text[128];
    read_text("/proc/loadavg", text, sizeof text);
    const char *slash = strchr(text, '/');
    return slash ? strtoul(slash + 1, NULL, 10) : 0;
}

static bool too_many(struct keeper *k, uint64_t now)
{
    unsigned long tasks = machine_tasks();
    if (tasks && tasks < k->tasks + k->limits->processes / 2 && now < k->count_ms)
        return false;
    size_t count = find_descendants(k);
    uint64_t took = now_ms() - now;
    k->count_ms = now + COUNT_MS + 10 * took;
    k->tasks = tasks - (tasks > count ? count : tasks);
    return count > k->limits->processes;
}

struct usage {
    uint64_t bytes, files;
    int depth;
};

static bool add_usage(void *ud, int fd, const char *name, unsigned char type)
{
    struct usage *u = ud;
    struct stat st;
    (void)type;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return true; /* gone */
    u->bytes += (uint64_t)st.st_blocks * 512;
    u->files++;
    if (!S_ISDIR(st.st_mode))
        return true;
    int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (sub < 0)
        return errno == ENOENT; /* who hides a folder from the count has lost */
    u->depth++;
    bool good = u->depth < TMP_DEPTH && each_entry(sub, add_usage, u);
    u->depth--;
    return good;
}

static bool disk_full(struct keeper *k, uint64_t now)
{
    struct statvfs fs;
    if (now < k->disk_ms)
        return false;
    k->disk_ms = now + DISK_MS;
    if (k->launch->root_fd >= 0 && !fstatvfs(k->launch->root_fd, &fs)) {
        uint64_t bytes = (uint64_t)fs.f_bavail * fs.f_frsize, files = fs.f_favail;
        if (!k->free_bytes) {
            k->free_bytes = bytes;
            k->free_files = files;
        }
        if (bytes + k->limits->disk_bytes < k->free_bytes ||
            files + k->limits->disk_files < k->free_files)
            return true;
    }
    struct usage u = {.bytes = 0};
    int fd = k->tmp_fd >= 0 ? openat(k->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return fd >= 0 &&
           (!each_entry(fd, add_usage, &u) || u.bytes > k->limits->tmp_bytes || u.files > 100000);
}

/* ---- Signals ------------------------------------------------------------------------------------------ */

static void receive_listener(struct keeper *k)
{
    char byte;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(k->launch->notify_keeper, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    const struct cmsghdr *first = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (first && first->cmsg_type == SCM_RIGHTS)
        memcpy(&k->listener, CMSG_DATA(first), sizeof k->listener);
    close(k->launch->notify_keeper);
    k->launch->notify_keeper = -1;
}

/* The process of a thread. */
static pid_t thread_process(pid_t tid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    read_text(path, text, sizeof text);
    const char *line = strstr(text, "\nTgid:");
    return line ? (pid_t)strtol(line + 6, NULL, 10) : -1;
}

/* Numbers of processes mean the same to the program and here: there is no other namespace. */
static bool may_signal(struct keeper *k, const struct seccomp_data *data, pid_t caller)
{
    pid_t target = (pid_t)data->args[0];
    if (data->nr == __NR_kill && target == 0)
        return true; /* its own group: setsid made the session, so all of it is in the family */
    if (data->nr == __NR_kill && target < 0)
        return target != -1 && is_our_group(k, -target);
    if (data->nr != __NR_kill && data->nr != __NR_tgkill && data->nr != __NR_rt_sigqueueinfo &&
        data->nr != __NR_rt_tgsigqueueinfo)
        target = thread_process(target); /* tkill and the schedulers take a thread */
    return target > 0 && (target == caller || is_descendant(k, target));
}

/* For uid 0, whom RLIMIT_NPROC does not bind. */
static bool may_fork(struct keeper *k)
{
    if (k->forks_left == 0) {
        size_t count = find_descendants(k), most = k->limits->processes + PROCESSES_ABOVE;
        k->forks_left = count < most ? most - count : 0;
    }
    if (k->forks_left == 0)
        return false;
    k->forks_left--;
    return true;
}

static bool is_fork(int nr)
{
#ifdef __NR_fork
    if (nr == __NR_fork || nr == __NR_vfork)
        return true;
#endif
    return nr == __NR_clone;
}

/* The registers cannot change between the answer and the call; a number may be reused by a new process
 * in between, as with every kill(2). */
static void answer(struct keeper *k)
{
    struct seccomp_notif ask;
    memset(&ask, 0, sizeof ask);
    if (ioctl(k->listener, SECCOMP_IOCTL_NOTIF_RECV, &ask))
        return;
    struct seccomp_notif_resp reply = {.id = ask.id};
    bool fork = is_fork(ask.data.nr);
    if (fork ? may_fork(k) : may_signal(k, &ask.data, (pid_t)ask.pid))
        reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
        reply.error = fork ? -EAGAIN : -EPERM;
    ioctl(k->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

/* ---- Its life ------------------------------------------------------------------------------------------ */

/* What the agent says. False: its end is closed, and they are to be killed. */
static bool obey(struct keeper *k)
{
    char word;
    if (read(k->launch->control_r, &word, 1) != 1)
        return false;
    if (word == KEEPER_PAUSE) {
        k->paused = k->paused || pause_all(k);
        const struct keeper_report report = {.kind = REPORT_PAUSED, .status = k->paused};
        if (k->paused || !k->child_ended) /* else the end is reported, and says as much */
            (void)!write(k->launch->report_w, &report, sizeof report);
    } else if (k->paused) {
        find_descendants(k);
        signal_all(k, SIGCONT);
        k->paused = false;
    }
    return true;
}

/* True until something ends it: *end says what. */
static bool keep_on(struct keeper *k, enum sandbox_end *end)
{
    struct pollfd fds[3] = {
        {.fd = k->launch->control_r, .events = POLLIN},
        {.fd = k->listener >= 0 ? k->listener : k->launch->notify_keeper, .events = POLLIN},
        {.fd = k->pidfd, .events = POLLIN}};
    poll(fds, 3, TICK_MS);
    reap(k);
    uint64_t now = now_ms();
    bool limited = k->launch->box->mode != SANDBOX_NONE && !k->paused;
    if (k->child_ended)
        *end = SANDBOX_EXITED;
    else if (fds[0].revents && !obey(k))
        *end = SANDBOX_CANCELLED;
    else if (k->launch->wall_ms && now - k->start_ms >= k->launch->wall_ms)
        *end = SANDBOX_TIMED_OUT;
    else if (limited && too_many(k, now))
        *end = SANDBOX_PROCESSES;
    else if (limited && disk_full(k, now))
        *end = SANDBOX_DISK;
    else {
        if (fds[1].revents & POLLIN) {
            if (k->listener >= 0)
                answer(k);
            else
                receive_listener(k);
        } else if (fds[1].revents && k->listener >= 0) { /* all who have the filter are gone */
            close(k->listener);
            k->listener = -1;
        }
        return true;
    }
    return false;
}

static void become_keeper(struct keeper *k)
{
    struct launch *launch = k->launch;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_DFL);
    setsid();
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    k->self = getpid();
    k->start_ms = now_ms();
    k->tmp_fd = launch->tmp ? open(launch->tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    void *table = mmap(NULL, TREE_MAX * sizeof *k->table, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        start_failed(launch, STEP_FORK);
    k->table = table;
    k->tasks = machine_tasks();
    /* nothing of the agent's but what this launch is about */
    enum { FEW = 13 };
    int kept[FEW + READ_DIRS_MAX] = {launch->in,
                                     launch->out,
                                     launch->log,
                                     launch->script,
                                     launch->start_w,
                                     launch->report_w,
                                     launch->control_r,
                                     launch->root_fd,
                                     launch->ruleset,
                                     launch->notify_keeper,
                                     launch->notify_program,
                                     launch->root_mount,
                                     k->tmp_fd};
    memcpy(kept + FEW, launch->read_mounts, sizeof launch->read_mounts);
    close_others(0, kept, sizeof kept / sizeof *kept);
}

/* Where memory runs out, the program goes first, and not the agent or its keeper. */
static void go_first(void)
{
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* or the file is root's */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (fd >= 0) {
        (void)!write(fd, "500", 3);
        close(fd);
    }
}

void keeper_main(struct launch *launch)
{
    struct keeper k = {.launch = launch, .limits = &launch->box->limits, .listener = -1};
    become_keeper(&k);
    k.child = fork();
    if (k.child < 0)
        start_failed(launch, STEP_FORK);
    if (k.child == 0) {
        go_first();
        if (launch->box->tier == SANDBOX_TIER_A) {
            close(launch->root_fd); /* it leads outside */
            launch->root_fd = -1;
            gate_main(launch);
        }
        program_main(launch);
    }
    /* ahead of whatever the program starts, where the agent may ask for that */
    const struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first);
    k.pidfd = (int)syscall(NR_PIDFD_OPEN, k.child, 0);
    const int kept[] = {k.pidfd,         launch->report_w,      launch->control_r,
                        launch->root_fd, launch->notify_keeper, k.tmp_fd};
    close_others(0, kept, sizeof kept / sizeof *kept);
    enum sandbox_end end = SANDBOX_EXITED;
    while (keep_on(&k, &end))
        ;
    kill_all(&k);
    if (launch->box->tier != SANDBOX_TIER_A && end == SANDBOX_EXITED) {
        const struct keeper_report status = {.kind = REPORT_STATUS, .status = k.status};
        (void)!write(launch->report_w, &status, sizeof status);
    }
    const struct keeper_report report = {.kind = REPORT_END, .end = end};
    (void)!write(launch->report_w, &report, sizeof report);
    _exit(0);
}
