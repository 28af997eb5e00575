/* Landlock: an allow list of what is beneath a path, kept by the process and all it starts. */
#include "kernel_abi.h"
#include "sandbox_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int landlock_abi(void)
{
    long abi = syscall(NR_LANDLOCK_CREATE_RULESET, NULL, 0, ABI_LANDLOCK_VERSION);
    return abi > 0 ? (int)abi : 0;
}

/* What an ABI knows of files. */
static uint64_t rights_of(int abi)
{
    uint64_t all = ABI_FS_MAKE_SYM * 2 - 1;
    return all | (abi >= 2 ? ABI_FS_REFER : 0) | (abi >= 3 ? ABI_FS_TRUNCATE : 0) |
           (abi >= 5 ? ABI_FS_IOCTL_DEV : 0);
}

int landlock_ruleset(int abi)
{
    const struct abi_landlock_ruleset rules = {
        .handled_fs = rights_of(abi),
        .handled_net = abi >= 4 ? ABI_NET_ALL : 0,
        .scoped = abi >= 6 ? ABI_SCOPE_ALL : 0,
    };
    return (int)syscall(NR_LANDLOCK_CREATE_RULESET, &rules, sizeof rules, 0);
}

/* True where there is no such path: nothing to allow. A link is not followed. */
static bool allow_opened(int ruleset, int abi, int fd, uint64_t rights)
{
    struct stat st;
    if (fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
    bool good = !fstat(fd, &st);
    if (good && !S_ISLNK(st.st_mode)) {
        if (!S_ISDIR(st.st_mode))
            rights &= ABI_FS_OF_FILES;
        const struct abi_landlock_beneath beneath = {.allowed = rights & rights_of(abi),
                                                     .parent_fd = fd};
        good = !syscall(NR_LANDLOCK_ADD_RULE, ruleset, ABI_LANDLOCK_BENEATH, &beneath, 0);
    }
    close(fd);
    return good;
}

bool landlock_allow(int ruleset, int abi, int at, const char *path, uint64_t rights)
{
    return allow_opened(ruleset, abi, openat(at, path, O_PATH | O_CLOEXEC), rights);
}

bool landlock_enter(int ruleset)
{
    return !syscall(NR_LANDLOCK_RESTRICT_SELF, ruleset, 0);
}

/* ---- Tiers B and C: the workspace, child by child ------------------------------------------------ */

struct grants {
    const struct sandbox *box;
    const struct guarded_list *guarded;
    int ruleset;
    uint64_t rights; /* of what is not guarded */
    char path[4096];
};

/* Whether something guarded lies below path (len bytes, without a slash), or may not come to be there. */
static bool guards_below(const struct grants *g, size_t len)
{
    for (size_t i = 0; i < g->guarded->count; i++) {
        const struct guarded_entry *entry = &g->guarded->entries[i];
        if (!strncmp(entry->path, g->path, len) &&
            (entry->path[len] == '/' || (entry->path[len] == 0 && entry->pin)))
            return true;
    }
    return false;
}

static const struct guarded_entry *guarded_at(const struct grants *g)
{
    for (size_t i = 0; i < g->guarded->count; i++)
        if (!strcmp(g->guarded->entries[i].path, g->path) && !g->guarded->entries[i].pin)
            return &g->guarded->entries[i];
    return NULL;
}

static bool grant_children(struct grants *g, int fd, size_t len, uint64_t rights);

/* What is in .git may be read, but for hooks: who can open one can make it executable. */
static bool in_git(const struct grants *g, size_t len, const char *name)
{
    return len >= 5 && !strncmp(g->path + len - 5, ".git/", 5) &&
           (!strcmp(name, "hooks") || !strcmp(name, "modules"));
}

static bool grant_child(struct grants *g, int fd, size_t len, const char *name, uint64_t rights)
{
    size_t name_len = strlen(name);
    if (len + name_len + 2 > sizeof g->path)
        return false;
    memcpy(g->path + len, name, name_len + 1);
    const struct guarded_entry *entry = guarded_at(g);
    if ((entry && entry->kind == NAME_HIDDEN) || in_git(g, len, name))
        return true;
    int child = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool git = entry && entry->folder && !strcmp(name, ".git");
    if (!git && !guards_below(g, len + name_len))
        return allow_opened(g->ruleset, g->box->landlock_abi, child, entry ? ABI_FS_READ : rights);
    if (child >= 0)
        close(child);
    int folder = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT;
    memcpy(g->path + len + name_len, "/", 2);
    return grant_children(g, folder, len + name_len + 1, entry ? ABI_FS_READ : rights);
}

/* Takes fd. As deep as guarded_walk went. */
static bool grant_children(struct grants *g, int fd, size_t len, uint64_t rights)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return false;
    }
    bool good = true;
    for (const struct dirent *entry; good && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            good = grant_child(g, dirfd(dir), len, entry->d_name, rights);
    closedir(dir);
    return good;
}

static bool grant_workspace(const struct sandbox *box, const struct launch *launch, int ruleset)
{
    struct grants g = {.box = box,
                       .guarded = &launch->guarded,
                       .ruleset = ruleset,
                       .rights = box->mode == SANDBOX_WORKSPACE ? ABI_FS_WRITE : ABI_FS_READ};
    /* Names may be listed everywhere; nothing may be made or removed at the top. */
    int fd = openat(box->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return landlock_allow(ruleset, box->landlock_abi, box->root_fd, ".", ABI_FS_READ_DIR) &&
           fd >= 0 && grant_children(&g, fd, 0, g.rights);
}

int landlock_grants(const struct sandbox *box, const struct launch *launch, char err[SANDBOX_ERR])
{
    const char *at = box->root;
    int abi = box->landlock_abi, ruleset = landlock_ruleset(abi);
    bool good = ruleset >= 0;
    for (size_t i = 0; good && system_dirs[i]; i++)
        good = landlock_allow(ruleset, abi, AT_FDCWD, at = system_dirs[i], ABI_FS_READ);
    for (size_t i = 0; good && system_files[i]; i++)
        good = landlock_allow(ruleset, abi, AT_FDCWD, at = system_files[i], ABI_FS_READ);
    for (size_t i = 0; good && system_facts[i]; i++)
        good = landlock_allow(ruleset, abi, AT_FDCWD, at = system_facts[i],
                              ABI_FS_READ_FILE | ABI_FS_READ_DIR);
    for (size_t i = 0; good && system_devices[i]; i++)
        good = landlock_allow(ruleset, abi, AT_FDCWD, at = system_devices[i],
                              ABI_FS_READ_FILE | ABI_FS_WRITE_FILE | ABI_FS_TRUNCATE);
    for (size_t i = 0; good && i < box->read_dir_count; i++)
        good = landlock_allow(ruleset, abi, AT_FDCWD, at = box->read_dirs[i], ABI_FS_READ);
    good = good && landlock_allow(ruleset, abi, AT_FDCWD, at = launch->tmp, ABI_FS_WRITE);
    if (good) {
        at = box->root;
        good = grant_workspace(box, launch, ruleset);
    }
    if (good)
        return ruleset;
    snprintf(err, SANDBOX_ERR, "Landlock, %s: %s", at, strerror(errno));
    if (ruleset >= 0)
        close(ruleset);
    return -1;
}
