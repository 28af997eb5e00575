/*
 * Numbers of the kernel's interface that older headers lack (Debian 12: Linux 6.1), under our own names
 * where a newer header would clash. Sources: include/uapi/linux/{landlock,openat2,mount}.h. System
 * calls from 424 on have the same number on x86-64 and aarch64.
 */
#ifndef AGENT_KERNEL_ABI_H
#define AGENT_KERNEL_ABI_H

#include <stdint.h>
#include <sys/syscall.h>

enum {
    NR_PIDFD_SEND_SIGNAL = 424,
    NR_IO_URING_SETUP = 425,
    NR_IO_URING_ENTER = 426,
    NR_IO_URING_REGISTER = 427,
    NR_OPEN_TREE = 428,
    NR_MOVE_MOUNT = 429,
    NR_FSOPEN = 430,
    NR_FSCONFIG = 431,
    NR_FSMOUNT = 432,
    NR_FSPICK = 433,
    NR_PIDFD_OPEN = 434,
    NR_CLONE3 = 435,
    NR_CLOSE_RANGE = 436,
    NR_OPENAT2 = 437,
    NR_PIDFD_GETFD = 438,
    NR_PROCESS_MADVISE = 440,
    NR_MOUNT_SETATTR = 442,
    NR_QUOTACTL_FD = 443,
    NR_LANDLOCK_CREATE_RULESET = 444,
    NR_LANDLOCK_ADD_RULE = 445,
    NR_LANDLOCK_RESTRICT_SELF = 446,
    NR_PROCESS_MRELEASE = 448,
    NR_FCHMODAT2 = 452,
    NR_KNOWN_LAST = 462, /* mseal: what comes later answers ENOSYS inside */
};

/* ---- openat2 ---------------------------------------------------------------------------------- */

struct abi_open_how {
    uint64_t flags, mode, resolve;
};
enum { ABI_RESOLVE_NO_MAGICLINKS = 2, ABI_RESOLVE_NO_SYMLINKS = 4, ABI_RESOLVE_BENEATH = 8 };

/* ---- Mounts by descriptors ---------------------------------------------------------------------- */

struct abi_mount_attr {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};
enum {
    ABI_MOUNT_RDONLY = 1,
    ABI_MOUNT_NOSUID = 2,
    ABI_MOUNT_NODEV = 4,
    ABI_MOUNT_NOEXEC = 8,
    ABI_MOUNT_IDMAP = 0x100000,
    ABI_OPEN_TREE_CLONE = 1,
    ABI_AT_RECURSIVE = 0x8000,
    ABI_MOVE_FROM_EMPTY = 4,
    ABI_MOVE_TO_EMPTY = 0x40,
};

/* ---- Landlock ----------------------------------------------------------------------------------- */

struct abi_landlock_ruleset {
    uint64_t handled_fs, handled_net, scoped;
};
struct abi_landlock_beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));
enum { ABI_LANDLOCK_VERSION = 1, ABI_LANDLOCK_BENEATH = 1 };
enum {
    ABI_FS_EXECUTE = 1 << 0,
    ABI_FS_WRITE_FILE = 1 << 1,
    ABI_FS_READ_FILE = 1 << 2,
    ABI_FS_READ_DIR = 1 << 3,
    ABI_FS_REMOVE_DIR = 1 << 4,
    ABI_FS_REMOVE_FILE = 1 << 5,
    ABI_FS_MAKE_CHAR = 1 << 6,
    ABI_FS_MAKE_DIR = 1 << 7,
    ABI_FS_MAKE_REG = 1 << 8,
    ABI_FS_MAKE_SOCK = 1 << 9,
    ABI_FS_MAKE_FIFO = 1 << 10,
    ABI_FS_MAKE_BLOCK = 1 << 11,
    ABI_FS_MAKE_SYM = 1 << 12,
    ABI_FS_REFER = 1 << 13,     /* 2 */
    ABI_FS_TRUNCATE = 1 << 14,  /* 3 */
    ABI_FS_IOCTL_DEV = 1 << 15, /* 5 */
    ABI_FS_OF_FILES =
        ABI_FS_EXECUTE | ABI_FS_WRITE_FILE | ABI_FS_READ_FILE | ABI_FS_TRUNCATE | ABI_FS_IOCTL_DEV,
    ABI_FS_READ = ABI_FS_EXECUTE | ABI_FS_READ_FILE | ABI_FS_READ_DIR,
    ABI_FS_WRITE = ABI_FS_READ | ABI_FS_WRITE_FILE | ABI_FS_REMOVE_DIR | ABI_FS_REMOVE_FILE |
                   ABI_FS_MAKE_DIR | ABI_FS_MAKE_REG | ABI_FS_MAKE_FIFO | ABI_FS_MAKE_SYM |
                   ABI_FS_REFER | ABI_FS_TRUNCATE,
    ABI_NET_ALL = 3,   /* 4: bind and connect of TCP */
    ABI_SCOPE_ALL = 3, /* 6: abstract unix sockets, signals */
};

#endif
