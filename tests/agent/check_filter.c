/*
 * The filter on system calls, played by an interpreter of its program: what each tier refuses and lets
 * through, by name. It makes no system call of those, so it runs for the other architecture too, in an
 * emulator.
 */
#include "examples/agent/kernel_abi.h"
#include "examples/agent/sandbox_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifdef __x86_64__
enum { OURS = AUDIT_ARCH_X86_64, OTHER = AUDIT_ARCH_AARCH64 };
#else
enum { OURS = AUDIT_ARCH_AARCH64, OTHER = AUDIT_ARCH_X86_64 };
#endif

#define PASSES SECCOMP_RET_ALLOW
#define DENIED (SECCOMP_RET_ERRNO | EPERM)
#define ABSENT (SECCOMP_RET_ERRNO | ENOSYS)
#define ASKED SECCOMP_RET_USER_NOTIF
#define KILLED SECCOMP_RET_KILL_PROCESS
#define BROKEN 1U /* no action has this value: the program left its bounds, or is not understood */

static unsigned passed, failed;

/* As the kernel runs it; every jump is forwards, so it ends. */
static uint32_t play(const struct sock_fprog *program, const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (size_t at = 0; at < program->len; at++) {
        const struct sock_filter *op = &program->filter[at];
        bool jumps = false;
        switch (op->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (op->k % 4 != 0 || op->k > sizeof *data - 4)
                return BROKEN;
            memcpy(&a, (const char *)data + op->k, 4);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= op->k;
            continue;
        case BPF_RET | BPF_K:
            return op->k;
        case BPF_JMP | BPF_JEQ | BPF_K:
            jumps = a == op->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            jumps = a >= op->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            jumps = a > op->k;
            break;
        default:
            return BROKEN;
        }
        at += jumps ? op->jt : op->jf;
    }
    return BROKEN;
}

static void expect(const struct sock_fprog *program, const char *where, const char *name,
                   struct seccomp_data data, uint32_t wanted)
{
    uint32_t got = play(program, &data);
    if (got == wanted) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL %s: %s: %#x, not %#x\n", where, name, got, wanted);
}

struct call {
    const char *name;
    int nr;
    uint64_t args[6];
    uint32_t a, b, c, d; /* what the tiers answer */
};
#define TIERS(name, n, ra, rb, rc, rd, ...)                                                        \
    {                                                                                              \
        name " " #__VA_ARGS__, n, {__VA_ARGS__}, ra, rb, rc, rd                                    \
    }
#define SAME(n, r, ...) TIERS(#n, n, r, r, r, r, __VA_ARGS__)
#define SHARED(n, r, ...) TIERS(#n, n, PASSES, r, r, r, __VA_ARGS__)
#define HIDDEN(n, ...) TIERS(#n, n, PASSES, DENIED, DENIED, PASSES, __VA_ARGS__)
#define OLDEST(n, ...) TIERS(#n, n, PASSES, PASSES, DENIED, PASSES, __VA_ARGS__)
#define HIGH_HALF ((uint64_t)1 << 32)

static const struct call calls[] = {
    /* what programs live on */
    SAME(__NR_read, PASSES, 0),
    SAME(__NR_write, PASSES, 1),
    SAME(__NR_close, PASSES, 3),
    SAME(__NR_mmap, PASSES, 0),
    SAME(__NR_execve, PASSES, 0),
    SAME(__NR_exit_group, PASSES, 0),
    SAME(__NR_futex, PASSES, 0),
    SAME(__NR_wait4, PASSES, 0),
    SAME(__NR_pipe2, PASSES, 0),
    SAME(__NR_unlinkat, PASSES, 0),
    SAME(__NR_renameat2, PASSES, 0),
    SAME(__NR_getdents64, PASSES, 0),
    SAME(__NR_openat, PASSES, 0, 0, O_RDONLY),
    SAME(__NR_openat, PASSES, 0, 0, O_CREAT | O_RDWR, 0644),
    SAME(__NR_clone, PASSES, SIGCHLD),
    SAME(__NR_personality, PASSES, 0xffffffff),
    SAME(__NR_personality, PASSES, 0),
    SAME(__NR_socketpair, PASSES, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC),
    SAME(__NR_sendto, PASSES, 3, 0, 0, 0, 0),
    SAME(__NR_ioctl, PASSES, 0, 0x5401 /* TCGETS */),
    SAME(__NR_prlimit64, PASSES, 0),
    SAME(__NR_utimensat, PASSES, 3, 0),
    SAME(__NR_mknodat, PASSES, 0, 0, S_IFIFO | 0644),
    SAME(__NR_seccomp, PASSES, 1, 0),
    /* the network */
    SAME(__NR_socket, DENIED, AF_INET),
    SAME(__NR_socket, DENIED, AF_UNIX),
    SAME(__NR_connect, DENIED, 3),
    SAME(__NR_bind, DENIED, 3),
    SAME(__NR_listen, DENIED, 3),
    SAME(__NR_accept, DENIED, 3),
    SAME(__NR_accept4, DENIED, 3),
    SAME(__NR_socketpair, DENIED, AF_INET, SOCK_STREAM),
    SAME(__NR_socketpair, DENIED, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK),
    SAME(__NR_socketpair, DENIED, AF_UNIX, SOCK_RAW),
    SAME(__NR_sendto, DENIED, 3, 0, 0, 0, 4096),
    SAME(__NR_sendto, DENIED, 3, 0, 0, 0, HIGH_HALF),
    /* other processes, the kernel, mounts */
    SAME(__NR_ptrace, DENIED, 0),
    SAME(__NR_process_vm_readv, DENIED, 0),
    SAME(__NR_process_vm_writev, DENIED, 0),
    SAME(NR_PIDFD_GETFD, DENIED, 0),
    SAME(NR_IO_URING_SETUP, DENIED, 0),
    SAME(NR_IO_URING_ENTER, DENIED, 0),
    SAME(NR_IO_URING_REGISTER, DENIED, 0),
    SAME(__NR_bpf, DENIED, 0),
    SAME(__NR_perf_event_open, DENIED, 0),
    SAME(__NR_userfaultfd, DENIED, 0),
    SAME(__NR_keyctl, DENIED, 0),
    SAME(__NR_add_key, DENIED, 0),
    SAME(__NR_request_key, DENIED, 0),
    SAME(__NR_mount, DENIED, 0),
    SAME(__NR_umount2, DENIED, 0),
    SAME(NR_MOVE_MOUNT, DENIED, 0),
    SAME(NR_FSOPEN, DENIED, 0),
    SAME(NR_FSMOUNT, DENIED, 0),
    SAME(NR_OPEN_TREE, DENIED, 0),
    SAME(NR_MOUNT_SETATTR, DENIED, 0),
    SAME(__NR_pivot_root, DENIED, 0),
    SAME(__NR_chroot, DENIED, 0),
    SAME(__NR_setns, DENIED, 0),
    SAME(__NR_unshare, DENIED, 0),
    SAME(__NR_open_by_handle_at, DENIED, 0),
    SAME(__NR_init_module, DENIED, 0),
    SAME(__NR_finit_module, DENIED, 0),
    SAME(__NR_kexec_load, DENIED, 0),
    SAME(__NR_reboot, DENIED, 0),
    SAME(__NR_swapon, DENIED, 0),
    SAME(__NR_quotactl, DENIED, 0),
    SAME(__NR_settimeofday, DENIED, 0),
    SAME(__NR_sethostname, DENIED, 0),
    SAME(NR_CLONE3, ABSENT, 0),
    SAME(NR_OPENAT2, ABSENT, 0),
    SAME(NR_KNOWN_LAST + 1, ABSENT, 0),
    SAME(__NR_clone, DENIED, SIGCHLD | CLONE_NEWUSER),
    SAME(__NR_clone, DENIED, CLONE_NEWNET),
    SAME(__NR_clone, DENIED, CLONE_NEWNS | HIGH_HALF),
    SAME(__NR_personality, DENIED, 0x0400000),
    SAME(__NR_seccomp, DENIED, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER),
    SAME(__NR_ioctl, DENIED, 0, 0x5412 /* TIOCSTI */),
    SAME(__NR_ioctl, DENIED, 0, HIGH_HALF | 0x5412),
    SAME(__NR_ioctl, DENIED, 0, 0x541c),
    SAME(__NR_prlimit64, DENIED, 1),
    /* set-user-id files, devices, sockets */
    SAME(__NR_openat, DENIED, 0, 0, O_CREAT | O_WRONLY, S_ISUID | 0755),
    SAME(__NR_openat, DENIED, 0, 0, O_TMPFILE | O_WRONLY, S_ISGID | 0755),
    SAME(__NR_fchmod, DENIED, 3, S_ISUID | 0755),
    SAME(__NR_fchmodat, DENIED, 0, 0, S_ISGID | 0755),
    SAME(NR_FCHMODAT2, DENIED, 0, 0, S_ISUID | 0755),
    SAME(__NR_mknodat, DENIED, 0, 0, S_IFCHR | 0644),
    SAME(__NR_mknodat, DENIED, 0, 0, S_IFBLK),
    SAME(__NR_mknodat, DENIED, 0, 0, S_IFSOCK),
    SAME(__NR_mknodat, DENIED, 0, 0, S_ISUID | 0755),
    /* without namespaces */
    SHARED(__NR_kill, ASKED, 1),
    SHARED(__NR_tgkill, ASKED, 1),
    SHARED(__NR_tkill, ASKED, 1),
    SHARED(__NR_rt_sigqueueinfo, ASKED, 1),
    SHARED(__NR_shmget, DENIED, 0),
    SHARED(__NR_semget, DENIED, 0),
    SHARED(__NR_msgsnd, DENIED, 0),
    SHARED(__NR_mq_open, DENIED, 0),
    SHARED(NR_PIDFD_SEND_SIGNAL, DENIED, 0),
    SHARED(__NR_sched_setaffinity, ASKED, 1),
    SAME(__NR_sched_setaffinity, PASSES, 0),
    SHARED(__NR_setpriority, DENIED, 0, 1),
    SHARED(__NR_fcntl, DENIED, 3, F_SETOWN),
    SAME(__NR_fcntl, PASSES, 3, F_GETFL),
    /* what Landlock does not know, and what its first versions do not */
    HIDDEN(__NR_fchmodat, 0, 0, 0644),
    HIDDEN(__NR_fchownat, 0),
    HIDDEN(__NR_setxattr, 0),
    HIDDEN(__NR_inotify_add_watch, 0),
    HIDDEN(__NR_utimensat, 0, 4096),
    HIDDEN(__NR_ioctl, 3, 0x40086602),
    OLDEST(__NR_truncate, 0),
    OLDEST(__NR_openat, 0, 0, O_TRUNC | O_RDONLY),
    OLDEST(__NR_openat, 0, 0, O_TRUNC | 3),
    SAME(__NR_openat, PASSES, 0, 0, O_TRUNC | O_WRONLY),
#ifdef __x86_64__
    SAME(__NR_fork, PASSES, 0),
    SAME(__NR_vfork, PASSES, 0),
    SAME(__NR_open, PASSES, 0, O_RDONLY),
    SAME(__NR_iopl, DENIED, 3),
    SAME(__NR_ioperm, DENIED, 0),
    SAME(__NR_modify_ldt, DENIED, 0),
    SAME(__NR_open, DENIED, 0, O_CREAT, S_ISUID | 0755),
    SAME(__NR_creat, DENIED, 0, S_ISUID),
    SAME(__NR_chmod, DENIED, 0, S_ISGID),
    SAME(__NR_mknod, DENIED, 0, S_IFCHR),
    HIDDEN(__NR_chmod, 0, 0644),
    HIDDEN(__NR_chown, 0),
    HIDDEN(__NR_utimes, 0),
    OLDEST(__NR_open, 0, O_TRUNC | O_RDONLY),
#endif
};

static void check_tier(enum sandbox_tier tier, const char *name, size_t answer)
{
    struct sock_filter code[FILTER_MAX];
    struct sock_fprog program;
    struct sandbox box = {.tier = tier, .uid = 1000, .notify = true};
    if (!seccomp_build(&box, false, code, &program)) {
        failed++;
        printf("FAIL %s: the filter is too long\n", name);
        return;
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const struct call *call = &calls[i];
        const uint32_t wanted[] = {call->a, call->b, call->c, call->d};
        struct seccomp_data data = {.nr = call->nr, .arch = OURS};
        memcpy(data.args, call->args, sizeof data.args);
        expect(&program, name, call->name, data, wanted[answer]);
        data.arch = OTHER;
        expect(&program, "the other architecture's word", call->name, data, KILLED);
        data.arch = AUDIT_ARCH_I386;
        expect(&program, "the 32-bit word", call->name, data, KILLED);
        data.arch = OURS;
        data.nr |= 0x40000000;
        expect(&program, "with the bit of x32", call->name, data, KILLED);
    }
}

/* The limit on processes does not bind root: each new one is asked for. */
static void check_root(void)
{
    struct sock_filter code[FILTER_MAX];
    struct sock_fprog program;
    struct sandbox box = {.tier = SANDBOX_TIER_B, .uid = 0, .notify = true};
    if (!seccomp_build(&box, false, code, &program)) {
        failed++;
        return;
    }
    struct seccomp_data data = {.nr = __NR_clone, .arch = OURS, .args = {SIGCHLD}};
    expect(&program, "root", "clone", data, ASKED);
    data.args[0] = CLONE_NEWUSER;
    expect(&program, "root", "clone with a namespace", data, DENIED);
    data = (struct seccomp_data){.nr = __NR_fchmod, .arch = OURS, .args = {3, 0644}};
    expect(&program, "root", "fchmod", data, DENIED);
#ifdef __x86_64__
    data = (struct seccomp_data){.nr = __NR_fork, .arch = OURS};
    expect(&program, "root", "fork", data, ASKED);
#endif
}

int main(void)
{
    check_tier(SANDBOX_TIER_A, "tier A", 0);
    check_tier(SANDBOX_TIER_B, "tier B", 1);
    check_tier(SANDBOX_TIER_C, "tier C", 2);
    check_tier(SANDBOX_TIER_D, "tier D", 3);
    check_root();
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
