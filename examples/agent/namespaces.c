/*
 * Tier A: a file system made for the program. The gate enters new namespaces, its child is pid 1 there:
 * it builds a root on tmpfs, takes the old one away, and waits for the program. All by descriptors, so
 * that nobody moves a path meanwhile.
 */
#include "kernel_abi.h"
#include "sandbox_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_tree_at(int at, const char *path)
{
    return (int)syscall(NR_OPEN_TREE, at, path,
                        ABI_OPEN_TREE_CLONE | ABI_AT_RECURSIVE | O_CLOEXEC |
                            (*path ? 0 : AT_EMPTY_PATH));
}

static bool set_attributes(int mount, uint64_t attributes)
{
    const struct abi_mount_attr attr = {.attr_set = attributes};
    return !syscall(NR_MOUNT_SETATTR, mount, "", AT_EMPTY_PATH | ABI_AT_RECURSIVE, &attr,
                    sizeof attr);
}

static bool move_to(int mount, int at, const char *path)
{
    return !syscall(NR_MOVE_MOUNT, mount, "", at, path,
                    ABI_MOVE_FROM_EMPTY | (*path ? 0 : ABI_MOVE_TO_EMPTY));
}

/* ---- Ids ---------------------------------------------------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return good;
}

/* Root's files as uid's, every other id as it is; uid itself has no other. */
static bool write_map(pid_t pid, const char *name, unsigned id)
{
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    snprintf(text, sizeof text, "0 %u 1\n1 1 %u\n%u %u %u\n", id, id - 1, id + 1, id + 1,
             0xfffffffe - id);
    return write_text(path, text);
}

int idmap_open(uid_t uid, gid_t gid)
{
    int ready[2], held[2], fd = -1;
    if (pipe2(ready, O_CLOEXEC))
        return -1;
    if (pipe2(held, O_CLOEXEC)) {
        close(ready[0]);
        close(ready[1]);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(held[1]);
        char byte = (char)(unshare(CLONE_NEWUSER) ? errno : 0);
        if (write(ready[1], &byte, 1) == 1 && byte == 0)
            (void)!read(held[0], &byte, 1);
        _exit(0);
    }
    char byte = (char)errno;
    if (pid > 0 && read(ready[0], &byte, 1) == 1 && byte == 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
        if (write_map(pid, "uid_map", uid) && write_map(pid, "gid_map", gid))
            fd = open(path, O_RDONLY | O_CLOEXEC);
    } else {
        errno = byte;
    }
    int error = errno;
    close(ready[0]);
    close(ready[1]);
    close(held[0]);
    close(held[1]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    errno = error;
    return fd;
}

int idmap_mount(int idmap_fd, const char *path)
{
    int mount = open_tree_at(AT_FDCWD, path);
    const struct abi_mount_attr attr = {.attr_set = ABI_MOUNT_IDMAP,
                                        .userns_fd = (uint64_t)idmap_fd};
    if (mount >= 0 && syscall(NR_MOUNT_SETATTR, mount, "", AT_EMPTY_PATH | ABI_AT_RECURSIVE, &attr,
                              sizeof attr)) {
        int error = errno;
        close(mount);
        errno = error;
        return -1;
    }
    return mount;
}

/* ---- The root ------------------------------------------------------------------------------------------- */

/* Makes the folders of an absolute path below the current folder, the last too. */
static bool make_folders(const char *path)
{
    char part[4096];
    size_t len = strlen(path);
    if (len < 2 || len >= sizeof part)
        return false;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path + 1, i - 1);
        part[i - 1] = 0;
        struct stat st;
        if (mkdir(part, 0755) && (errno == EROFS || errno == EEXIST) && stat(part, &st))
            return false;
    }
    return true;
}

static bool make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* What is at `path` in the old root, read-only, at the same path in the new one. True where there is
 * no such thing. A link stays a link. */
static bool show(const char *path, uint64_t attributes)
{
    struct stat st;
    char parent[256];
    const char *name = path + 1, *slash = strrchr(name, '/');
    if (slash) {
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = 0;
    }
    if (lstat(path, &st))
        return true;
    if (slash && !make_folders(parent))
        return false;
    if (S_ISLNK(st.st_mode) && !slash) {
        char target[256];
        ssize_t len = readlink(path, target, sizeof target - 1);
        if (len < 0)
            return false;
        target[len] = 0;
        return !symlink(target, name);
    }
    if (stat(path, &st)) /* a link to nowhere */
        return true;
    if (S_ISDIR(st.st_mode) ? mkdir(name, 0755) : !make_file(name))
        return false;
    int mount = open_tree_at(AT_FDCWD, path);
    bool good = mount >= 0 && set_attributes(mount, attributes) && move_to(mount, AT_FDCWD, name);
    if (mount >= 0)
        close(mount);
    return good;
}

static bool show_system(void)
{
    const uint64_t attributes = ABI_MOUNT_RDONLY | ABI_MOUNT_NOSUID | ABI_MOUNT_NODEV;
    for (size_t i = 0; system_dirs[i]; i++)
        if (!show(system_dirs[i], attributes))
            return false;
    for (size_t i = 0; system_files[i]; i++)
        if (!show(system_files[i], attributes | ABI_MOUNT_NOEXEC))
            return false;
    return true;
}

static bool show_devices(void)
{
    for (size_t i = 0; system_devices[i]; i++)
        if (!show(system_devices[i], ABI_MOUNT_RDONLY | ABI_MOUNT_NOSUID | ABI_MOUNT_NOEXEC))
            return false;
    return !symlink("/proc/self/fd", "dev/fd") && !symlink("/proc/self/fd/0", "dev/stdin") &&
           !symlink("/proc/self/fd/1", "dev/stdout") && !symlink("/proc/self/fd/2", "dev/stderr") &&
           !symlink("/tmp", "dev/shm");
}

static bool make_tmp(const struct sandbox_limits *limits)
{
    char options[96];
    snprintf(options, sizeof options, "size=%llu,nr_inodes=100000,mode=0755",
             (unsigned long long)limits->tmp_bytes);
    return !mkdir("tmp", 0755) && !mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, options);
}

/* Empty things without any permission, which stand for what is hidden. */
static bool make_masks(void)
{
    return !mkdir(".hidden", 0755) && !mkdir(".hidden/folder", 0) && make_file(".hidden/file") &&
           !chmod(".hidden/file", 0);
}

/* ---- The workspace ---------------------------------------------------------------------------------------- */

static bool put(int mount, const char *path, uint64_t attributes)
{
    return mount >= 0 && set_attributes(mount, attributes) && make_folders(path) &&
           move_to(mount, AT_FDCWD, path + 1);
}

static bool guard_entry(int root, const struct guarded_entry *entry)
{
    int at = open_below(root, entry->path, O_PATH | O_NOFOLLOW);
    struct stat st;
    if (at < 0 || fstat(at, &st))
        return false;
    /* A link cannot be made read-only: it is hidden. */
    bool hidden = entry->kind == NAME_HIDDEN || S_ISLNK(st.st_mode);
    int mount =
        entry->pin || !hidden
            ? open_tree_at(at, "")
            : open_tree_at(AT_FDCWD, S_ISDIR(st.st_mode) ? ".hidden/folder" : ".hidden/file");
    bool good = mount >= 0 && (entry->pin || set_attributes(mount, ABI_MOUNT_RDONLY)) &&
                move_to(mount, at, "");
    if (mount >= 0)
        close(mount);
    close(at);
    return good;
}

static bool guard_all(const struct launch *launch)
{
    int root = open(launch->box->root + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool good = root >= 0;
    for (int targets = 0; targets < 2; targets++)
        for (size_t i = 0; good && i < launch->guarded.count; i++)
            if (launch->guarded.entries[i].target == (targets == 1))
                good = guard_entry(root, &launch->guarded.entries[i]);
    if (root >= 0)
        close(root);
    return good;
}

/* The mount of the workspace, seen from the new namespace; the folder that was checked, not another
 * that has come to its path. */
static int workspace_mount(const struct launch *launch)
{
    const struct sandbox *box = launch->box;
    struct stat st;
    int mount = launch->root_mount >= 0 ? launch->root_mount : open_tree_at(AT_FDCWD, box->root);
    if (mount >= 0 && !fstat(mount, &st) && st.st_dev == box->root_dev &&
        st.st_ino == box->root_ino)
        return mount;
    if (mount >= 0)
        errno = ESTALE;
    return -1;
}

static void build_root(const struct launch *launch)
{
    const struct sandbox *box = launch->box;
    int reads[READ_DIRS_MAX], workspace = workspace_mount(launch);
    if (workspace < 0)
        start_failed(launch, STEP_WORKSPACE);
    for (size_t i = 0; i < box->read_dir_count; i++) /* now: they may be below /tmp */
        if ((reads[i] = launch->read_mounts[i] >= 0
                            ? launch->read_mounts[i]
                            : open_tree_at(AT_FDCWD, box->read_dirs[i])) < 0)
            start_failed(launch, STEP_READ_DIR);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=2m,nr_inodes=8192,mode=0755") ||
        chdir("/tmp"))
        start_failed(launch, STEP_ROOT_TMPFS);
    if (!show_system())
        start_failed(launch, STEP_SYSTEM);
    if (!show_devices())
        start_failed(launch, STEP_DEVICES);
    if (mkdir("proc", 0555) ||
        mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL))
        start_failed(launch, STEP_PROC);
    if (!make_tmp(&box->limits) || !make_masks())
        start_failed(launch, STEP_TMP);
    const uint64_t attributes = ABI_MOUNT_NOSUID | ABI_MOUNT_NODEV;
    for (size_t i = 0; i < box->read_dir_count; i++)
        if (!put(reads[i], box->read_dirs[i], attributes | ABI_MOUNT_RDONLY))
            start_failed(launch, STEP_READ_DIR);
    if (!put(workspace, box->root,
             attributes | (box->mode == SANDBOX_READ_ONLY ? ABI_MOUNT_RDONLY : 0)))
        start_failed(launch, STEP_WORKSPACE);
    if (!guard_all(launch))
        start_failed(launch, STEP_GUARD);
    const struct abi_mount_attr read_only = {.attr_set = ABI_MOUNT_RDONLY};
    if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/") ||
        syscall(NR_MOUNT_SETATTR, AT_FDCWD, "/", 0, &read_only, sizeof read_only))
        start_failed(launch, STEP_PIVOT);
}

/* Landlock once more: what the mounts give, said by another part of the kernel. */
static int ruleset_inside(const struct sandbox *box)
{
    int abi = box->landlock_abi, ruleset = landlock_ruleset(abi);
    uint64_t workspace = box->mode == SANDBOX_WORKSPACE ? ABI_FS_WRITE : ABI_FS_READ;
    bool good = ruleset >= 0 && landlock_allow(ruleset, abi, AT_FDCWD, "/", ABI_FS_READ) &&
                landlock_allow(ruleset, abi, AT_FDCWD, "/tmp", ABI_FS_WRITE) &&
                landlock_allow(ruleset, abi, AT_FDCWD, box->root, workspace);
    for (size_t i = 0; good && system_devices[i]; i++)
        good = landlock_allow(ruleset, abi, AT_FDCWD, system_devices[i],
                              ABI_FS_READ_FILE | ABI_FS_WRITE_FILE | ABI_FS_TRUNCATE);
    return good ? ruleset : -1;
}

/* ---- The processes ------------------------------------------------------------------------------------------ */

/* Pid 1 inside. When it ends, the kernel kills all that is left there. */
static _Noreturn void init_main(struct launch *launch)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    build_root(launch);
    (void)!sethostname("sandbox", 7);
    if (launch->box->landlock_abi && (launch->ruleset = ruleset_inside(launch->box)) < 0)
        start_failed(launch, STEP_LANDLOCK);
    pid_t program = fork();
    if (program < 0)
        start_failed(launch, STEP_FORK);
    if (program == 0)
        program_main(launch);
    close_others(0, &launch->report_w, 1);
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid == program) {
            const struct keeper_report report = {.kind = REPORT_STATUS, .status = status};
            (void)!write(launch->report_w, &report, sizeof report);
            _exit(0);
        }
        if (pid < 0 && errno == ECHILD)
            _exit(1);
    }
}

void gate_main(struct launch *launch)
{
    const struct sandbox *box = launch->box;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (box->change_uid && (setgroups(0, NULL) || setresgid(box->gid, box->gid, box->gid) ||
                            setresuid(box->uid, box->uid, box->uid)))
        start_failed(launch, STEP_UID);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                CLONE_NEWUTS))
        start_failed(launch, STEP_NAMESPACES);
    /* the files of /proc/self belong to root while it is not dumpable */
    char map[64];
    snprintf(map, sizeof map, "%u %u 1\n", (unsigned)box->uid, (unsigned)box->uid);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    bool good = write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1\n", (unsigned)box->gid, (unsigned)box->gid);
    good = good && write_text("/proc/self/gid_map", map);
    int error = errno;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of ids cleared it */
    errno = error;
    if (!good)
        start_failed(launch, STEP_ID_MAP);
    pid_t init = fork();
    if (init < 0)
        start_failed(launch, STEP_FORK);
    if (init == 0)
        init_main(launch);
    close_others(0, NULL, 0);
    while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
        ;
    _exit(0);
}
