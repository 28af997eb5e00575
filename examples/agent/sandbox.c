/* A sandbox: its options checked, its folders, its end. */
#include "sandbox_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(char err[SANDBOX_ERR], const char *what, const char *path, const char *why)
{
    snprintf(err, SANDBOX_ERR, "%s %.200s: %s", what, path, why);
    return false;
}

static bool is_one_of(const char *path, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(path, *list))
            return true;
    return false;
}

/* Below a folder of the list, or one itself. */
static bool is_below_one_of(const char *path, const char *const *list)
{
    for (; *list; list++) {
        size_t len = strlen(*list);
        if (!strncmp(path, *list, len) && (path[len] == 0 || path[len] == '/'))
            return true;
    }
    return false;
}

static const char *home_of_user(void)
{
    const char *home = getenv("HOME");
    const struct passwd *user = home && *home == '/' ? NULL : getpwuid(getuid());
    return user ? user->pw_dir : home && *home == '/' ? home : "/";
}

/* What belongs to the system, or to all of it, is no workspace. */
static bool take_root(struct sandbox *box, const char *root, char err[SANDBOX_ERR])
{
    static const char *const too_wide[] = {"/",      "/bin",       "/home",    "/lib", "/media",
                                           "/mnt",   "/opt",       "/root",    "/run", "/sbin",
                                           "/srv",   "/tmp",       "/usr",     "/var", "/lib64",
                                           "/lib32", "/usr/local", "/var/tmp", NULL};
    static const char *const systems[] = {"/proc", "/sys",     "/dev",     "/etc",
                                          "/boot", "/usr/bin", "/usr/lib", NULL};
    struct stat st;
    box->root = root && *root == '/' ? realpath(root, NULL) : NULL;
    if (!box->root)
        return refuse(err, "the workspace", root ? root : "(none)",
                      root && *root == '/' ? strerror(errno) : "not an absolute path");
    if (box->mode != SANDBOX_NONE &&
        (is_one_of(box->root, too_wide) || is_below_one_of(box->root, systems)))
        return refuse(err, "the workspace", box->root,
                      "belongs to the system: choose a folder for the task");
    box->root_fd = open(box->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (box->root_fd < 0 || fstat(box->root_fd, &st))
        return refuse(err, "the workspace", box->root, strerror(errno));
    box->root_dev = st.st_dev;
    box->root_ino = st.st_ino;
    char *home = realpath(home_of_user(), NULL);
    box->home = home && !strcmp(home, box->root);
    free(home);
    return true;
}

static bool take_read_dirs(struct sandbox *box, const struct sandbox_options *options,
                           char err[SANDBOX_ERR])
{
    static const char *const too_wide[] = {"/",    "/home", "/root", "/tmp", "/var", "/run",
                                           "/etc", "/proc", "/sys",  "/dev", "/mnt", NULL};
    if (options->read_dir_count > READ_DIRS_MAX) {
        snprintf(err, SANDBOX_ERR, "%zu folders of --read: at most %d", options->read_dir_count,
                 READ_DIRS_MAX);
        return false;
    }
    char *home = realpath(home_of_user(), NULL);
    bool good = true;
    for (size_t i = 0; good && i < options->read_dir_count; i++) {
        struct stat st;
        char *path = realpath(options->read_dirs[i], NULL);
        if (!path || stat(path, &st))
            good = refuse(err, "--read", options->read_dirs[i], strerror(errno));
        else if (!S_ISDIR(st.st_mode))
            good = refuse(err, "--read", path, "not a folder");
        else if (is_one_of(path, too_wide) || (home && !strcmp(home, path)))
            good =
                refuse(err, "--read", path, "would show keys and settings: name the folder in it");
        if (good)
            box->read_dirs[box->read_dir_count++] = path;
        else
            free(path);
    }
    free(home);
    return good;
}

static void take_limits(struct sandbox_limits *limits)
{
    static const struct sandbox_limits defaults = {
        .wall_ms = 120000,
        .cpu_s = 600,
        .address_bytes = 4ULL << 30,
        .file_bytes = 1ULL << 30,
        .disk_bytes = 8ULL << 30,
        .disk_files = 500000,
        .tmp_bytes = 512ULL << 20,
        .output_bytes = 64ULL << 20,
        .open_files = 256,
        .processes = 256,
    };
#define DEFAULT(field) limits->field = limits->field ? limits->field : defaults.field
    DEFAULT(wall_ms);
    DEFAULT(cpu_s);
    DEFAULT(address_bytes);
    DEFAULT(file_bytes);
    DEFAULT(disk_bytes);
    DEFAULT(disk_files);
    DEFAULT(tmp_bytes);
    DEFAULT(output_bytes);
    DEFAULT(open_files);
    DEFAULT(processes);
#undef DEFAULT
}

#define BASE_NAME "infer-agent-"

/* Folders of agents that crashed: nobody holds their lock. */
static void remove_stale(const char *tmp)
{
    DIR *dir = opendir(tmp);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat st;
        if (strncmp(entry->d_name, BASE_NAME, strlen(BASE_NAME)))
            continue;
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && !fstat(fd, &st) && st.st_uid == geteuid() && (st.st_mode & 07777) == 0711 &&
            !flock(fd, LOCK_EX | LOCK_NB)) {
            empty_folder(fd);
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
        if (fd >= 0)
            close(fd);
    }
    if (dir)
        closedir(dir);
}

/* The private folder of this sandbox: others may pass through it, for the program may be another user,
 * but not look into it. */
static bool make_base(struct sandbox *box, char err[SANDBOX_ERR])
{
    const char *tmp = getenv("TMPDIR");
    struct stat st;
    if (!tmp || *tmp != '/' || stat(tmp, &st) || !S_ISDIR(st.st_mode))
        tmp = "/tmp";
    remove_stale(tmp);
    if (asprintf(&box->base, "%s/" BASE_NAME "XXXXXX", tmp) < 0) {
        box->base = NULL;
        return refuse(err, "a private folder in", tmp, "out of memory");
    }
    bool made = mkdtemp(box->base) != NULL;
    box->base_fd = made ? open(box->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (box->base_fd >= 0 && !flock(box->base_fd, LOCK_EX | LOCK_NB) && !fchmod(box->base_fd, 0711))
        return true;
    return refuse(err, "a private folder in", tmp, strerror(errno));
}

bool sandbox_open(const struct sandbox_options *options, struct sandbox **result,
                  char err[SANDBOX_ERR])
{
    struct sandbox *box = calloc(1, sizeof *box);
    *result = NULL;
    *err = 0;
    if (!box) {
        snprintf(err, SANDBOX_ERR, "out of memory");
        return false;
    }
    box->root_fd = box->idmap_fd = box->base_fd = -1;
    box->mode = options->mode;
    box->limits = options->limits;
    take_limits(&box->limits);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int force_tier = 0, force_abi = 0;
#ifdef AGENT_TEST
    force_tier = (int)options->force_tier;
    force_abi = options->force_landlock_abi;
    box->leak_tier = options->leak_tier;
    box->no_id_map = options->no_id_map;
#endif
    if (!take_root(box, options->root, err) || !take_read_dirs(box, options, err) ||
        !make_base(box, err) || !(box->path = programs_path(box)) ||
        !probe_choose(box, force_tier, force_abi, err)) {
        if (!*err)
            snprintf(err, SANDBOX_ERR, "out of memory");
        sandbox_close(box);
        return false;
    }
    if (box->mode == SANDBOX_WORKSPACE)
        guarded_unplace(box); /* what a crash has left */
    *result = box;
    return true;
}

void sandbox_close(struct sandbox *box)
{
    if (!box)
        return;
    if (box->base && box->base_fd >= 0) {
        rmdir(box->base);
        close(box->base_fd);
    }
    if (box->root_fd >= 0)
        close(box->root_fd);
    if (box->idmap_fd >= 0)
        close(box->idmap_fd);
    for (size_t i = 0; i < box->read_dir_count; i++)
        free(box->read_dirs[i]);
    free(box->root);
    free(box->base);
    free(box->path);
    free(box);
}

enum sandbox_tier sandbox_tier(const struct sandbox *box)
{
    return box->tier;
}

const char *sandbox_describe(const struct sandbox *box)
{
    return box->describe;
}

const char *sandbox_why_not(const struct sandbox *box)
{
    return box->why_not;
}

bool sandbox_allows_auto(const struct sandbox *box)
{
    return box->tier == SANDBOX_TIER_A ||
           ((box->tier == SANDBOX_TIER_B || box->tier == SANDBOX_TIER_C) && box->uid != 0);
}
