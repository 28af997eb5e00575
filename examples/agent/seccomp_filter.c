/*
 * The filter on system calls: what no program of a workspace needs and what the other walls leave
 * open is refused, all else passes. A filter sees numbers and registers, not what they point to.
 */
#include "kernel_abi.h"
#include "sandbox_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#if defined __x86_64__
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#error "the filter knows x86-64 and aarch64"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the filter reads the halves of arguments in little-endian order"
#endif

struct filter {
    struct sock_filter *code;
    unsigned len;
};

static void emit(struct filter *f, unsigned code, uint32_t k, uint8_t yes, uint8_t no)
{
    f->code[f->len++] =
        (struct sock_filter){.code = (unsigned short)code, .jt = yes, .jf = no, .k = k};
}

static void load(struct filter *f, size_t offset)
{
    emit(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Of a half of an argument: (half & mask) == value, or != value. */
struct condition {
    unsigned arg;
    bool high;
    bool differs;
    uint32_t mask, value;
};
#define IS(n, v) ((struct condition){.arg = (n), .mask = ~0U, .value = (v)})
#define IS_NOT(n, v) ((struct condition){.arg = (n), .mask = ~0U, .value = (v), .differs = true})
#define MASKED(n, m, v) ((struct condition){.arg = (n), .mask = (m), .value = (v)})
#define ANY_OF(n, m) ((struct condition){.arg = (n), .mask = (m), .differs = true})
#define HIGH(n) ((struct condition){.arg = (n), .mask = ~0U, .differs = true, .high = true})

/* Call nr with both conditions (mask 0: none) gets the action. The number is in the accumulator. */
static void rule(struct filter *f, long nr, struct condition a, struct condition b, uint32_t action)
{
    const struct condition both[2] = {a, b};
    unsigned count = (a.mask != 0) + (b.mask != 0);
    if (count == 0) {
        emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1);
        emit(f, BPF_RET | BPF_K, action, 0, 0);
        return;
    }
    emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, (uint8_t)(3 * count + 2));
    for (unsigned i = 0; i < count; i++) {
        const struct condition *c = &both[i];
        uint8_t past =
            (uint8_t)(3 * (count - 1 - i) + 1); /* of the conditions left, and the return */
        load(f, offsetof(struct seccomp_data, args) + 8 * c->arg + (c->high ? 4 : 0));
        emit(f, BPF_ALU | BPF_AND | BPF_K, c->mask, 0, 0);
        emit(f, BPF_JMP | BPF_JEQ | BPF_K, c->value, c->differs ? past : 0, c->differs ? 0 : past);
    }
    emit(f, BPF_RET | BPF_K, action, 0, 0);
    load(f, offsetof(struct seccomp_data, nr));
}

static const struct condition always = {.mask = 0};
#define EPERM_ACTION (SECCOMP_RET_ERRNO | EPERM)
#define ENOSYS_ACTION (SECCOMP_RET_ERRNO | ENOSYS)

static void deny(struct filter *f, long nr)
{
    rule(f, nr, always, always, EPERM_ACTION);
}
static void deny_if(struct filter *f, long nr, struct condition a)
{
    rule(f, nr, a, always, EPERM_ACTION);
}
static void deny_nonzero(struct filter *f, long nr, unsigned arg)
{
    deny_if(f, nr, IS_NOT(arg, 0));
    deny_if(f, nr, HIGH(arg));
}
static void deny_list(struct filter *f, const int *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        deny(f, numbers[i]);
}
#define DENY_LIST(f, list) deny_list(f, list, sizeof(list) / sizeof *(list))

static void head(struct filter *f)
{
    load(f, offsetof(struct seccomp_data, arch));
    emit(f, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
    emit(f, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    load(f, offsetof(struct seccomp_data, nr));
    /* x32 has this bit; no number is so large elsewhere */
    emit(f, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    emit(f, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    emit(f, BPF_JMP | BPF_JGT | BPF_K, NR_KNOWN_LAST, 0, 1);
    emit(f, BPF_RET | BPF_K, ENOSYS_ACTION, 0, 0);
}

/* No network, of any family. What is left is a pair of connected stream sockets: a datagram socket,
 * though of a pair, can send to any address of the file system. */
static void network(struct filter *f)
{
    static const int calls[] = {__NR_socket, __NR_connect, __NR_bind,
                                __NR_listen, __NR_accept,  __NR_accept4};
    DENY_LIST(f, calls);
    deny_if(f, __NR_socketpair, IS_NOT(0, AF_UNIX));
    deny_if(f, __NR_socketpair, MASKED(1, 15, SOCK_DGRAM));
    deny_if(f, __NR_socketpair, MASKED(1, 15, SOCK_RAW)); /* of AF_UNIX: a datagram socket too */
    deny_nonzero(f, __NR_sendto, 4);
}

/* Ways around the filter, into other processes, and into rarely used parts of the kernel. */
static void dangerous(struct filter *f)
{
    static const int calls[] = {
        NR_IO_URING_SETUP,
        NR_IO_URING_ENTER,
        NR_IO_URING_REGISTER,
        __NR_ptrace,
        __NR_process_vm_readv,
        __NR_process_vm_writev,
        NR_PROCESS_MADVISE,
        NR_PROCESS_MRELEASE,
        NR_PIDFD_GETFD,
        __NR_kcmp,
        __NR_bpf,
        __NR_perf_event_open,
        __NR_userfaultfd,
        __NR_keyctl,
        __NR_add_key,
        __NR_request_key,
        __NR_mount,
        __NR_umount2,
        NR_MOVE_MOUNT,
        NR_FSOPEN,
        NR_FSCONFIG,
        NR_FSMOUNT,
        NR_FSPICK,
        NR_OPEN_TREE,
        NR_MOUNT_SETATTR,
        __NR_pivot_root,
        __NR_chroot,
        __NR_setns,
        __NR_unshare,
        __NR_open_by_handle_at,
        __NR_init_module,
        __NR_finit_module,
        __NR_delete_module,
        __NR_kexec_load,
        __NR_kexec_file_load,
        __NR_reboot,
        __NR_swapon,
        __NR_swapoff,
        __NR_acct,
        __NR_quotactl,
        NR_QUOTACTL_FD,
        __NR_syslog,
        __NR_settimeofday,
        __NR_clock_settime,
        __NR_clock_adjtime,
        __NR_adjtimex,
        __NR_sethostname,
        __NR_setdomainname,
        __NR_vhangup,
        __NR_fanotify_init,
        __NR_lookup_dcookie,
        __NR_migrate_pages,
        __NR_move_pages,
        __NR_nfsservctl,
#ifdef __x86_64__
        __NR_iopl,
        __NR_ioperm,
        __NR_modify_ldt,
        __NR_uselib,
        __NR__sysctl,
#endif
    };
    DENY_LIST(f, calls);
    rule(f, NR_CLONE3, always, always, ENOSYS_ACTION); /* its flags are behind a pointer */
    rule(f, NR_OPENAT2, always, always, ENOSYS_ACTION);
    deny_if(f, __NR_clone,
            ANY_OF(0, CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                          CLONE_NEWPID | CLONE_NEWNET));
    rule(f, __NR_personality, IS_NOT(0, 0xffffffff), IS_NOT(0, 0), EPERM_ACTION);
    /* a second listener could answer for the keeper */
    deny_if(f, __NR_seccomp, ANY_OF(1, SECCOMP_FILTER_FLAG_NEW_LISTENER));
    /* keys typed into the user's terminal, and a terminal of one's own; the kernel reads 32 bits */
    static const uint32_t requests[] = {0x5412 /* TIOCSTI */,
                                        0x541c /* TIOCLINUX */,
                                        0x540e /* TIOCSCTTY */,
                                        0x541d /* TIOCCONS */,
                                        0x5423 /* TIOCSETD */,
                                        0x8901 /* FIOSETOWN */,
                                        0x8902 /* SIOCSPGRP */};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        deny_if(f, __NR_ioctl, IS(1, requests[i]));
}

/* No set-user-id file comes to be, which would outlive the run; no device, no socket in the tree. */
static void modes(struct filter *f)
{
    const uint32_t set_id = S_ISUID | S_ISGID, creates = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
#ifdef __NR_open
    rule(f, __NR_open, ANY_OF(1, creates), ANY_OF(2, set_id), EPERM_ACTION);
    deny_if(f, __NR_creat, ANY_OF(1, set_id));
    deny_if(f, __NR_chmod, ANY_OF(1, set_id));
#endif
    rule(f, __NR_openat, ANY_OF(2, creates), ANY_OF(3, set_id), EPERM_ACTION);
    deny_if(f, __NR_fchmod, ANY_OF(1, set_id));
    deny_if(f, __NR_fchmodat, ANY_OF(2, set_id));
    deny_if(f, NR_FCHMODAT2, ANY_OF(2, set_id));
    static const uint32_t kinds[] = {S_IFCHR, S_IFBLK, S_IFSOCK};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
#ifdef __NR_mknod
        deny_if(f, __NR_mknod, MASKED(1, S_IFMT, kinds[i]));
#endif
        deny_if(f, __NR_mknodat, MASKED(2, S_IFMT, kinds[i]));
    }
#ifdef __NR_mknod
    deny_if(f, __NR_mknod, ANY_OF(1, set_id));
#endif
    deny_if(f, __NR_mknodat, ANY_OF(2, set_id));
}

/* Landlock does not know these: paths are refused, whatever they name. The forms by descriptor need an
 * open file, which Landlock saw; but it may be one that is only readable. */
static void metadata(struct filter *f, bool by_descriptor)
{
    static const int paths[] = {
        __NR_fchmodat,  NR_FCHMODAT2,     __NR_fchownat,     __NR_setxattr,
        __NR_lsetxattr, __NR_removexattr, __NR_lremovexattr,
#ifdef __NR_chmod
        __NR_chmod,     __NR_chown,       __NR_lchown,       __NR_utime,
        __NR_utimes,    __NR_futimesat,
#endif
    };
    static const int descriptors[] = {__NR_fchmod, __NR_fchown, __NR_fsetxattr, __NR_fremovexattr,
                                      __NR_utimensat};
    /* flags of files, and what makes one unchangeable for ever: these need no right to write */
    static const uint32_t requests[] = {
        0x40086602 /* FS_IOC_SETFLAGS */,      0x40046602 /* the same of 32 bits */,
        0x40087602 /* FS_IOC_SETVERSION */,    0x401c5820 /* FS_IOC_FSSETXATTR */,
        0x40806685 /* FS_IOC_ENABLE_VERITY */, 0x800c6613 /* FS_IOC_SET_ENCRYPTION_POLICY */};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        deny_if(f, __NR_ioctl, IS(1, requests[i]));
    DENY_LIST(f, paths);
    deny(f, __NR_inotify_add_watch); /* tells names in folders that may not be listed */
    if (by_descriptor)
        DENY_LIST(f, descriptors);
    else
        deny_nonzero(f, __NR_utimensat, 1);
}

/* What Landlock 1 and 2 let through: cutting off files that may only be read. */
static void truncation(struct filter *f)
{
    deny(f, __NR_truncate);
    for (uint32_t access = 0; access <= 3;
         access += 3) { /* 3: neither read nor write, says open(2) */
#ifdef __NR_open
        rule(f, __NR_open, ANY_OF(1, O_TRUNC), MASKED(1, O_ACCMODE, access), EPERM_ACTION);
#endif
        rule(f, __NR_openat, ANY_OF(2, O_TRUNC), MASKED(2, O_ACCMODE, access), EPERM_ACTION);
    }
}

/* Without namespaces of its own the program shares what these reach. */
static void shared(struct filter *f, bool notify)
{
    static const int ipc[] = {
        __NR_shmget,     __NR_shmat,   __NR_shmctl,    __NR_semget, __NR_semop,
        __NR_semtimedop, __NR_semctl,  __NR_msgget,    __NR_msgsnd, __NR_msgrcv,
        __NR_msgctl,     __NR_mq_open, __NR_mq_unlink,
    };
    DENY_LIST(f, ipc);
    static const int signals[] = {__NR_kill, __NR_tkill, __NR_tgkill, __NR_rt_sigqueueinfo,
                                  __NR_rt_tgsigqueueinfo};
    uint32_t ask = notify ? SECCOMP_RET_USER_NOTIF : EPERM_ACTION;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        rule(f, signals[i], always, always, ask);
    static const int schedulers[] = {__NR_sched_setaffinity, __NR_sched_setparam,
                                     __NR_sched_setscheduler, __NR_sched_setattr};
    for (size_t i = 0; i < sizeof schedulers / sizeof *schedulers; i++)
        rule(f, schedulers[i], IS_NOT(0, 0), always, ask);
    deny(f, NR_PIDFD_SEND_SIGNAL);
    deny_if(f, __NR_setpriority, IS_NOT(1, 0));
    deny_if(f, __NR_ioprio_set, IS_NOT(1, 0));
    static const uint32_t owners[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
        deny_if(f, __NR_fcntl, IS(1, owners[i]));
}

/* The limit on processes does not bind uid 0: the keeper counts. */
static void counted(struct filter *f)
{
    rule(f, __NR_clone, always, always, SECCOMP_RET_USER_NOTIF);
#ifdef __NR_fork
    rule(f, __NR_fork, always, always, SECCOMP_RET_USER_NOTIF);
    rule(f, __NR_vfork, always, always, SECCOMP_RET_USER_NOTIF);
#endif
}

/* Who is stopped cannot be woken by what it arranged before: by no timer (one without a sigevent sends SIGALRM,
 * which wakes nobody), message queue, descriptor or death that sends SIGCONT; and nothing that it asked for goes
 * on without it. */
static void stoppable(struct filter *f)
{
    deny_nonzero(f, __NR_timer_create, 1);
    deny(f, __NR_mq_notify);
    deny(f, __NR_io_submit);
    deny_if(f, __NR_fcntl, IS(1, F_SETSIG));
    deny_if(f, __NR_clone, MASKED(0, CSIGNAL, SIGCONT));
    rule(f, __NR_prctl, IS(0, PR_SET_PDEATHSIG), IS(1, SIGCONT), EPERM_ACTION);
}

bool seccomp_build(const struct sandbox *box, bool lasting, struct sock_filter *code,
                   struct sock_fprog *program)
{
    struct filter f = {.code = code};
    bool namespaces = box->tier == SANDBOX_TIER_A;
    head(&f);
    network(&f);
    dangerous(&f);
    modes(&f);
    deny_if(&f, __NR_prlimit64, IS_NOT(0, 0));
    if (lasting)
        stoppable(&f);
    if (box->uid == 0 && box->notify)
        counted(&f);
    if (!namespaces)
        shared(&f, box->notify);
    if (box->tier == SANDBOX_TIER_B || box->tier == SANDBOX_TIER_C)
        metadata(&f, box->uid == 0 || box->read_dir_count > 0);
    if (box->tier == SANDBOX_TIER_C)
        truncation(&f);
    emit(&f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    *program = (struct sock_fprog){.len = (unsigned short)f.len, .filter = code};
    return f.len <= FILTER_MAX;
}
