/*
 * One attack on the sandbox, by name: `attacker NAME ARGUMENT...`. Ends with 0 when the attack got
 * through, 1 when it was refused (with the reason on stdout). A static program, so that it runs wherever
 * one may run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static bool opened(int fd)
{
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return fd >= 0;
}

/* ---- Files ------------------------------------------------------------------------------------------ */

static bool f_read(char **a)
{
    char byte;
    int fd = open(a[0], O_RDONLY);
    return fd >= 0 && read(fd, &byte, 1) == 1;
}
static bool f_list(char **a)
{
    DIR *dir = opendir(a[0]);
    return dir && readdir(dir);
}
static bool f_write(char **a)
{
    int fd = open(a[0], O_WRONLY | O_CREAT, 0644);
    return fd >= 0 && write(fd, "attack\n", 7) == 7;
}
static bool f_truncate(char **a)
{
    return !truncate(a[0], 0);
}
static bool f_open_truncate(char **a)
{
    return opened(open(a[0], O_RDONLY | O_TRUNC));
}
static bool f_open3_truncate(char **a)
{
    return opened(open(a[0], O_ACCMODE | O_TRUNC));
}
static bool f_unlink(char **a)
{
    return !unlink(a[0]);
}
static bool f_rename(char **a)
{
    return !rename(a[0], a[1]);
}
static bool f_link(char **a)
{
    return !link(a[0], a[1]);
}
static bool f_link_read(char **a)
{
    return !link(a[0], a[1]) && f_read(a + 1);
}
static bool f_mkdir(char **a)
{
    return !mkdir(a[0], 0755);
}
/* A link out of the workspace, then through it. */
static bool f_symlink_write(char **a)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/through", a[1]);
    if (symlink(a[0], a[1]))
        return false;
    char *through[] = {path, NULL};
    bool broke = f_write(through);
    unlink(a[1]);
    return broke;
}
static bool f_chmod(char **a)
{
    return !chmod(a[0], 0777);
}
static bool f_fchmodat2(char **a)
{
    return !syscall(452, AT_FDCWD, a[0], 0777, 0);
}
static bool f_chown(char **a)
{
    return !lchown(a[0], getuid(), getgid());
}
static bool f_xattr(char **a)
{
    return !setxattr(a[0], "user.attack", "x", 1, 0);
}
static bool f_utimens(char **a)
{
    return !utimensat(AT_FDCWD, a[0], NULL, 0);
}
static bool f_fchmod(char **a)
{
    int fd = open(a[0], O_RDONLY);
    return fd >= 0 && !fchmod(fd, 0777);
}
static bool f_set_id_chmod(char **a)
{
    int fd = open(a[0], O_WRONLY | O_CREAT, 0700);
    return fd >= 0 && (!fchmod(fd, 04755) || !chmod(a[0], 02755));
}
static bool f_set_id_create(char **a)
{
    return opened(open(a[0], O_WRONLY | O_CREAT | O_EXCL, 04755)) ||
           opened(open(a[0], O_WRONLY | O_TMPFILE, 04755)) || !mknod(a[0], S_IFREG | 04755, 0);
}
static bool f_device(char **a)
{
    return !mknod(a[0], S_IFCHR | 0666, 0x0101) || !mknod(a[0], S_IFBLK | 0666, 0x0801);
}
static bool f_socket_node(char **a)
{
    return !mknod(a[0], S_IFSOCK | 0666, 0);
}
static bool f_openat2(char **a)
{
    uint64_t how[3] = {O_RDONLY, 0, 0};
    return syscall(437, AT_FDCWD, a[0], how, sizeof how) >= 0;
}
/* The folder that holds protected names moves away, another takes its place. */
static bool f_swap_folder(char **a)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/workflows", a[0]);
    return !rename(a[0], a[1]) && !mkdir(a[0], 0755) && !mkdir(path, 0755);
}
static bool f_handle(char **a)
{
    struct {
        struct file_handle head;
        char bytes[128];
    } handle = {.head = {.handle_bytes = 128}};
    int mount, fd = open("/", O_RDONLY);
    if (syscall(SYS_name_to_handle_at, AT_FDCWD, a[0], &handle, &mount, 0))
        handle.head.handle_bytes = 8;
    return syscall(SYS_open_by_handle_at, fd, &handle, O_RDONLY) >= 0 || errno != EPERM;
}

/* ---- Network ---------------------------------------------------------------------------------------- */

static bool n_socket(char **a)
{
    (void)a;
    for (int family = 0; family < 50; family++)
        for (int type = 1; type <= 6; type++)
            if (opened(socket(family, type, 0)) || errno != EPERM) {
                printf("socket(%d, %d): ", family, type);
                return true;
            }
    return false;
}
static bool n_pair_datagram(char **a)
{
    int pair[2];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) && socketpair(AF_UNIX, SOCK_RAW, 0, pair))
        return false;
    snprintf(to.sun_path, sizeof to.sun_path, "%s", a[0]);
    struct iovec part = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1};
    sendmsg(pair[0], &message, 0);
    return true;
}
static bool n_sendto(char **a)
{
    int pair[2];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", a[0]);
    return !socketpair(AF_UNIX, SOCK_STREAM, 0, pair) &&
           (sendto(pair[0], "x", 1, 0, (void *)&to, sizeof to) >= 0 || errno != EPERM);
}
static bool n_pair_stream(char **a)
{
    int pair[2];
    char byte;
    (void)a;
    return !socketpair(AF_UNIX, SOCK_STREAM, 0, pair) && send(pair[0], "x", 1, 0) == 1 &&
           read(pair[1], &byte, 1) == 1;
}
static bool n_connect(char **a)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path + (a[0][0] == '@'), sizeof to.sun_path - 1, "%s", a[0] + (a[0][0] == '@'));
    return !connect(0, (void *)&to, sizeof to) || errno != EPERM;
}
static bool n_io_uring(char **a)
{
    char params[256] = {0};
    (void)a;
    return syscall(425, 4, params) >= 0 || errno != EPERM;
}

/* ---- Other processes ---------------------------------------------------------------------------------- */

static bool p_ptrace(char **a)
{
    return !ptrace(PTRACE_SEIZE, atoi(a[0]), NULL, NULL) ||
           !ptrace(PTRACE_ATTACH, atoi(a[0]), 0, 0);
}
static bool p_vm(char **a)
{
    char bytes[8];
    struct iovec mine = {.iov_base = bytes, .iov_len = 8},
                 theirs = {.iov_base = bytes, .iov_len = 8};
    return process_vm_readv(atoi(a[0]), &mine, 1, &theirs, 1, 0) >= 0 || errno == EFAULT;
}
static bool p_pidfd(char **a)
{
    long fd = syscall(SYS_pidfd_open, atoi(a[0]), 0);
    return fd >= 0 && syscall(SYS_pidfd_getfd, fd, 1, 0) >= 0;
}
static bool p_pidfd_signal(char **a)
{
    long fd = syscall(SYS_pidfd_open, atoi(a[0]), 0);
    return fd >= 0 && !syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0);
}
static bool p_kill(char **a)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    int pid = atoi(a[0]);
    return !kill(pid, 0) || !kill(-pid, 0) || !syscall(SYS_tkill, pid, 0) ||
           !syscall(SYS_tgkill, pid, pid, 0) || !syscall(SYS_rt_sigqueueinfo, pid, SIGURG, &info);
}
static bool p_kill_everyone(char **a)
{
    (void)a;
    return !kill(-1, SIGURG);
}
static bool p_kill_own(char **a)
{
    (void)a;
    pid_t pid = fork();
    if (pid == 0)
        pause();
    int status;
    return !kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid && !kill(0, 0) && !raise(0);
}
static bool p_tune(char **a)
{
    int pid = atoi(a[0]);
    cpu_set_t cpus;
    memset(&cpus, 0xff, sizeof cpus);
    struct rlimit limit;
    return !prlimit(pid, RLIMIT_CPU, NULL, &limit) || !setpriority(PRIO_PROCESS, pid, 19) ||
           !sched_setaffinity(pid, sizeof cpus, &cpus);
}
static bool p_owner(char **a)
{
    int ends[2];
    return !pipe(ends) && !fcntl(ends[0], F_SETOWN, atoi(a[0]));
}
static bool p_parent(char **a)
{
    char path[64];
    (void)a;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)getppid());
    char *args[] = {path, NULL};
    if (f_read(args))
        return true;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
    return opened(open(path, O_RDWR));
}

/* ---- The kernel ----------------------------------------------------------------------------------------- */

static bool k_unshare(char **a)
{
    static const int flags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
                                CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_FILES};
    (void)a;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!unshare(flags[i]) || errno != EPERM)
            return true;
    return false;
}
static bool k_clone(char **a)
{
    (void)a;
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid > 0;
}
static bool k_clone3(char **a)
{
    uint64_t args[11] = {CLONE_NEWUSER};
    args[4] = SIGCHLD;
    (void)a;
    long pid = syscall(435, args, sizeof args);
    if (pid == 0)
        _exit(0);
    return pid > 0 || errno != ENOSYS;
}
static bool k_setns(char **a)
{
    (void)a;
    int fd = open("/proc/self/ns/net", O_RDONLY);
    return !setns(fd, 0) || errno != EPERM;
}
static bool k_mount(char **a)
{
    (void)a;
    return !mount("tmpfs", ".", "tmpfs", 0, "") || errno != EPERM || !umount2("/", MNT_DETACH) ||
           errno != EPERM || syscall(428, AT_FDCWD, "/", 1) >= 0 || errno != EPERM ||
           syscall(430, "tmpfs", 0) >= 0 || errno != EPERM;
}
static bool k_roots(char **a)
{
    (void)a;
    return !chroot(".") || errno != EPERM || !syscall(SYS_pivot_root, ".", ".") || errno != EPERM;
}
static bool k_keys(char **a)
{
    (void)a;
    return syscall(SYS_keyctl, 0, -3, 1) >= 0 || errno != EPERM ||
           syscall(SYS_add_key, "user", "x", "y", 1, -3) >= 0 || errno != EPERM;
}
static bool k_rare(char **a)
{
    static const long calls[] = {SYS_bpf,    SYS_perf_event_open, SYS_userfaultfd, SYS_kcmp,
                                 SYS_reboot, SYS_kexec_load,      SYS_init_module, SYS_quotactl,
                                 SYS_acct,   SYS_swapon};
    (void)a;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (syscall(calls[i], 0, 0, 0, 0, 0) >= 0 || errno != EPERM)
            return true;
    return false;
}
static bool k_personality(char **a)
{
    (void)a;
    return syscall(SYS_personality, 0x0400000) >= 0; /* READ_IMPLIES_EXEC */
}
static bool k_terminal(char **a)
{
    char c = 'y';
    (void)a;
    for (int fd = 0; fd < 3; fd++)
        if (!ioctl(fd, TIOCSTI, &c) || errno != EPERM ||
            !syscall(SYS_ioctl, fd, 0x100000000 | TIOCSTI, &c) || errno != EPERM)
            return true;
    return opened(open("/dev/tty", O_RDWR)) || !ioctl(0, TIOCSCTTY, 1);
}
static bool k_shared_memory(char **a)
{
    (void)a;
    return syscall(SYS_mq_open, "attack", O_RDWR | O_CREAT, 0600, NULL) >= 0
#ifdef SYS_shmget
           || syscall(SYS_shmget, 1, 4096, 01600) >= 0
#endif
        ;
}
static bool k_capabilities(char **a)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    (void)a;
    return syscall(SYS_capget, &header, data) || data[0].effective || data[1].effective ||
           data[0].permitted || data[1].permitted || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
           !setuid(getuid() ? 0 : 1) || !setgid(getgid() ? 0 : 1);
}
static bool k_listener(char **a)
{
    struct sock_filter allow[] = {{.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW}};
    struct sock_fprog program = {.len = 1, .filter = allow};
    (void)a;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                   &program) >= 0 ||
           errno != EPERM;
}
static bool k_int80(char **a)
{
    (void)a;
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return true;
#else
    raise(SIGSYS);
    return false;
#endif
}
static bool k_x32(char **a)
{
    (void)a;
#ifdef __x86_64__
    syscall(0x40000000 | SYS_getpid);
    return true;
#else
    raise(SIGSYS);
    return false;
#endif
}

/* ---- What is inherited ---------------------------------------------------------------------------------- */

static bool i_environment(char **a)
{
    char text[65536] = "";
    int fd = open("/proc/self/environ", O_RDONLY);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    (void)a;
    for (char **e = environ; *e; e++)
        if (strstr(*e, "planted"))
            return true;
    return got > 0 && memmem(text, (size_t)got, "planted", 7);
}
static bool i_descriptors(char **a)
{
    (void)a;
    for (int fd = 3; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return true;
    return false;
}
static bool i_stdin(char **a)
{
    char byte;
    (void)a;
    return read(0, &byte, 1) != 0;
}

/* ---- Bombs: these do not return but when refused ---------------------------------------------------------- */

/* A bomb that gives up before it hurts the machine, if nobody stops it. */
static _Noreturn void fork_for_ever(void)
{
    for (;;) {
        char text[64] = "";
        int fd = open("/proc/loadavg", O_RDONLY);
        ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
        const char *tasks = got > 0 ? strchr(text, '/') : NULL;
        close(fd);
        if (!tasks || atoi(tasks + 1) > 3000)
            _exit(0);
        if (fork() < 0)
            usleep(1000);
    }
}
static bool b_fork(char **a)
{
    (void)a;
    fork_for_ever();
}
static bool b_memory(char **a)
{
    char *bytes = mmap(NULL, 10ULL << 30, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    (void)a;
    return bytes != MAP_FAILED;
}
static bool b_file(char **a)
{
    int fd = open(a[0], O_WRONLY | O_CREAT, 0600);
    static char bytes[1 << 20];
    for (int i = 0; fd >= 0 && i < 64; i++)
        if (write(fd, bytes, sizeof bytes) < 0)
            return false;
    return fd >= 0;
}
/* Many files, of a[1] bytes each. */
static bool b_files(char **a)
{
    static char bytes[1 << 20];
    const char *folder = strcmp(a[0], "TMP") ? a[0] : getenv("TMPDIR");
    for (int i = 0; i < 200000; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/bomb-%d", folder, i);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || write(fd, bytes, (size_t)atoi(a[1])) != atoi(a[1]))
            return false;
        close(fd);
    }
    return true;
}
static bool b_output(char **a)
{
    static char bytes[65536];
    memset(bytes, 'y', sizeof bytes);
    (void)a;
    while (write(1, bytes, sizeof bytes) > 0)
        ;
    return false;
}
/* A grandchild in a session of its own that ignores what can be ignored; a[0] marks it in /proc. */
static bool b_survive(char **a)
{
    for (int s = 1; s < 65; s++)
        signal(s, SIG_IGN);
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            setsid();
            sleep(60);
        }
        sleep(atoi(a[1]));
        _exit(0);
    }
    sleep((unsigned)atoi(a[1]));
    return true;
}

/* ---- Standing still: writes without a pause, and has itself woken in every way there is ------------------------ */

static time_t wake_end; /* all of them stop by themselves */
static int wake_fd;

static bool wake_write(void)
{
    static unsigned count;
    char text[16];
    snprintf(text, sizeof text, "%08u", ++count % 10000 + (unsigned)getpid() % 1000 * 10000);
    return pwrite(wake_fd, text, 8, 0) == 8 && time(NULL) < wake_end;
}
static void *wake_thread(void *unused)
{
    while (wake_write())
        usleep(20); /* who reaps inside needs a processor too */
    return unused;
}
static void wake_handler(int number)
{
    (void)number;
}
/* A timer, a descriptor, the death of a parent and of a child that send SIGCONT. */
static void wake_arrange(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    const struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    int ends[2];
    signal(SIGCONT, wake_handler);
    if (!timer_create(CLOCK_MONOTONIC, &event, &timer))
        timer_settime(timer, 0, &often, NULL);
    if (!pipe(ends) && !fcntl(ends[1], F_SETSIG, SIGCONT) && !fcntl(ends[1], F_SETOWN, getpid()))
        fcntl(ends[1], F_SETFL, O_ASYNC | O_NONBLOCK);
    prctl(PR_SET_PDEATHSIG, SIGCONT);
    if (syscall(SYS_clone, (unsigned long)SIGCONT, 0, 0, 0, 0) == 0) {
        usleep(3000);
        _exit(0);
    }
}
/* Four processes at most: a[0] is the file. */
static bool k_wake(char **a)
{
    pthread_t thread;
    wake_end = time(NULL) + 60;
    wake_fd = open(a[0], O_WRONLY);
    wake_arrange();
    if (fork() == 0) { /* one that is each moment another */
        while (wake_write()) {
            usleep((useconds_t)getpid() % 4 * 400);
            if (fork() != 0)
                _exit(0);
            wake_arrange();
        }
        _exit(0);
    }
    if (fork() == 0) { /* one whose parent is in vfork */
        signal(SIGCHLD, SIG_IGN);
        while (wake_write())
            if (vfork() == 0)
                _exit(0);
        _exit(0);
    }
    (void)!write(1, "x", 1);
    if (!pthread_create(&thread, NULL, wake_thread, NULL))
        wake_thread(NULL);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(char **);
} attacks[] = {
    {"read", f_read},
    {"list", f_list},
    {"write", f_write},
    {"truncate", f_truncate},
    {"open-truncate", f_open_truncate},
    {"open3-truncate", f_open3_truncate},
    {"unlink", f_unlink},
    {"rename", f_rename},
    {"link", f_link},
    {"link-read", f_link_read},
    {"mkdir", f_mkdir},
    {"symlink-write", f_symlink_write},
    {"chmod", f_chmod},
    {"fchmodat2", f_fchmodat2},
    {"chown", f_chown},
    {"xattr", f_xattr},
    {"utimens", f_utimens},
    {"fchmod", f_fchmod},
    {"set-id-chmod", f_set_id_chmod},
    {"set-id-create", f_set_id_create},
    {"device", f_device},
    {"socket-node", f_socket_node},
    {"openat2", f_openat2},
    {"swap-folder", f_swap_folder},
    {"handle", f_handle},
    {"socket", n_socket},
    {"pair-datagram", n_pair_datagram},
    {"sendto", n_sendto},
    {"pair-stream", n_pair_stream},
    {"connect", n_connect},
    {"io-uring", n_io_uring},
    {"ptrace", p_ptrace},
    {"vm", p_vm},
    {"pidfd", p_pidfd},
    {"pidfd-signal", p_pidfd_signal},
    {"kill", p_kill},
    {"kill-everyone", p_kill_everyone},
    {"kill-own", p_kill_own},
    {"tune", p_tune},
    {"owner", p_owner},
    {"parent", p_parent},
    {"unshare", k_unshare},
    {"clone", k_clone},
    {"clone3", k_clone3},
    {"setns", k_setns},
    {"mount", k_mount},
    {"roots", k_roots},
    {"keys", k_keys},
    {"rare", k_rare},
    {"personality", k_personality},
    {"terminal", k_terminal},
    {"shared-memory", k_shared_memory},
    {"capabilities", k_capabilities},
    {"listener", k_listener},
    {"int80", k_int80},
    {"x32", k_x32},
    {"environment", i_environment},
    {"descriptors", i_descriptors},
    {"stdin", i_stdin},
    {"bomb-fork", b_fork},
    {"bomb-memory", b_memory},
    {"bomb-file", b_file},
    {"bomb-files", b_files},
    {"bomb-output", b_output},
    {"survive", b_survive},
    {"wake", k_wake},
};

int main(int argc, char **argv)
{
    char *none[4] = {"", "", "", NULL};
    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; argc > 1 && i < sizeof attacks / sizeof *attacks; i++)
        if (!strcmp(argv[1], attacks[i].name)) {
            bool broke = attacks[i].run(argc > 2 ? argv + 2 : none);
            printf("%s: %s\n", argv[1], broke ? "got through" : strerror(errno));
            return broke ? 0 : 1;
        }
    printf("no such attack\n");
    return 2;
}
