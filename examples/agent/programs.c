/* Which programs and files of the system are seen inside, and where a missing one is outside. */
#include "kernel_abi.h"
#include "sandbox_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const system_dirs[] = {
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", NULL,
};

/* Nothing that holds a secret: no /etc/ssl/private, no /etc/shadow, no machine id. */
const char *const system_files[] = {
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/gitconfig",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/perl",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/profile",
    "/etc/protocols",
    "/etc/python3",
    "/etc/services",
    "/etc/shells",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
    NULL,
};

const char *const system_devices[] = {
    "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random", NULL,
};

/* Of the machine, not of its processes: a command line may hold a secret. */
const char *const system_facts[] = {
    "/proc/cpuinfo", "/proc/filesystems", "/proc/loadavg", "/proc/meminfo",           "/proc/stat",
    "/proc/sys",     "/proc/uptime",      "/proc/version", "/sys/devices/system/cpu", NULL,
};

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

static bool beneath(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return !strncmp(path, folder, len) && (path[len] == '/' || path[len] == 0);
}

/* Whether a canonical path is seen inside. */
static bool visible(const struct sandbox *box, const char *path)
{
    if (box->mode == SANDBOX_NONE)
        return true;
    for (size_t i = 0; system_dirs[i]; i++)
        if (beneath(path, system_dirs[i]))
            return true;
    for (size_t i = 0; i < box->read_dir_count; i++)
        if (beneath(path, box->read_dirs[i]))
            return true;
    return beneath(path, box->root);
}

/* Appends a folder, once. */
static void append(char *paths, size_t room, const char *folder)
{
    size_t len = strlen(folder), end = strlen(paths);
    for (const char *at = paths; (at = strstr(at, folder)); at += len)
        if ((at == paths || at[-1] == ':') && (at[len] == ':' || at[len] == 0))
            return;
    if (end + len + 2 <= room)
        snprintf(paths + end, room - end, "%s%s", end ? ":" : "", folder);
}

/* The user's own PATH as far as it is seen inside and is not in the workspace (whose files a model
 * writes), then the folders of --read. */
char *programs_path(const struct sandbox *box)
{
    const char *user = getenv("PATH");
    user = user && *user ? user : default_path;
    size_t room = strlen(user) + sizeof default_path + 16;
    size_t parts = 1;
    for (const char *c = user; *c; c++)
        parts += *c == ':';
    room += parts * 4096;
    for (size_t i = 0; i < box->read_dir_count; i++)
        room += 2 * strlen(box->read_dirs[i]) + 16;
    char *paths = calloc(1, room), *copy = strdup(user), *save = NULL;
    for (char *part = paths && copy ? strtok_r(copy, ":", &save) : NULL; part;
         part = strtok_r(NULL, ":", &save)) {
        char *real = *part == '/' ? realpath(part, NULL) : NULL;
        if (real && visible(box, real) && !beneath(real, box->root))
            append(paths, room, real);
        free(real);
    }
    for (size_t i = 0; paths && i < box->read_dir_count; i++) {
        char bin[4096];
        struct stat st;
        if (snprintf(bin, sizeof bin, "%s/bin", box->read_dirs[i]) < (int)sizeof bin &&
            !stat(bin, &st) && S_ISDIR(st.st_mode))
            append(paths, room, bin);
        append(paths, room, box->read_dirs[i]);
    }
    if (paths && !*paths)
        append(paths, room, default_path);
    free(copy);
    return paths;
}

/* ---- What exec tries ------------------------------------------------------------------------------ */

bool programs_candidates(const struct sandbox *box, const char *name, char **candidates)
{
    size_t count = 0;
    if (strchr(name, '/')) {
        candidates[0] = strdup(name);
        return candidates[0] != NULL;
    }
    for (const char *part = box->path; *part && *name && count + 1 < CANDIDATES_MAX;) {
        size_t len = strcspn(part, ":");
        if (asprintf(&candidates[count], "%.*s/%s", (int)len, part, name) < 0) {
            candidates[count] = NULL;
            return false;
        }
        count++;
        part += len + (part[len] == ':');
    }
    return true;
}

/* ---- Hints ------------------------------------------------------------------------------------------ */

/* The program `name` of the user's PATH outside: a path to free, or NULL. */
static char *found_outside(const char *name)
{
    const char *part = getenv("PATH");
    if (*name == '/')
        return access(name, X_OK) ? NULL : strdup(name);
    if (strchr(name, '/') || !*name)
        return NULL;
    for (; part && *part;) {
        size_t len = strcspn(part, ":");
        char *path = NULL;
        struct stat st;
        if (*part == '/' && asprintf(&path, "%.*s/%s", (int)len, part, name) >= 0) {
            if (!access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode))
                return path;
            free(path);
        }
        part += len + (part[len] == ':');
    }
    return NULL;
}

/* The folder to give: what holds bin/, where that is not the whole home. In place. */
static void folder_of(char *path)
{
    const char *home = getenv("HOME");
    char *slash = strrchr(path, '/');
    *slash = 0;
    slash = strrchr(path, '/');
    if (slash && slash != path && !strcmp(slash, "/bin")) {
        *slash = 0;
        if (home && !strcmp(home, path))
            *slash = '/';
    }
}

static bool hint_for(const struct sandbox *box, const char *name, char *why, size_t size)
{
    char *path = found_outside(name);
    char *real = path ? realpath(path, NULL) : NULL;
    char *folder = NULL;
    bool found = false;
    if (real) {
        /* the folder where PATH finds it, and the one where it really is */
        char *slash = strrchr(path, '/');
        *slash = 0;
        folder = realpath(path, NULL);
        *slash = '/';
        bool first = folder && !visible(box, folder), second = !visible(box, real);
        if (first || second) {
            char link[4096];
            snprintf(link, sizeof link, "%s/-", folder ? folder : "/");
            folder_of(link);
            folder_of(real);
            bool both = first && second && strcmp(link, real) && !beneath(real, link);
            snprintf(why, size, "%s is %s, which is not seen inside: add --read %s%s%s", name, path,
                     first ? link : real, both ? " --read " : "", both ? real : "");
            found = true;
        }
    }
    free(folder);
    free(real);
    free(path);
    return found;
}

/* A script in the workspace whose interpreter is not seen. */
static bool hint_script(const struct sandbox *box, const char *name, char *why, size_t size)
{
    char line[256];
    int fd = strchr(name, '/')
                 ? open_below(box->root_fd, *name == '/' ? name + 1 : name, O_RDONLY | O_NONBLOCK)
                 : -1;
    ssize_t got = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (got < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[got] = 0;
    char *save = NULL, *word = strtok_r(line + 2, " \t\r\n", &save);
    if (word && !strcmp(word, "/usr/bin/env"))
        word = strtok_r(NULL, " \t\r\n", &save);
    return word && hint_for(box, word, why, size);
}

bool programs_hint(const struct sandbox *box, const char *const *argv, char *why, size_t size)
{
    if (hint_for(box, argv[0], why, size) || hint_script(box, argv[0], why, size))
        return true;
    /* A shell's line: each word that is a program outside and not inside. */
    static const char separators[] = " \t\n;&|()<>`$\"'{}=";
    for (size_t i = 1; argv[i]; i++) {
        char *copy = strdup(argv[i]), *save = NULL;
        for (char *word = copy ? strtok_r(copy, separators, &save) : NULL; word;
             word = strtok_r(NULL, separators, &save))
            if (hint_for(box, word, why, size)) {
                free(copy);
                return true;
            }
        free(copy);
    }
    return false;
}

/* ---- Paths -------------------------------------------------------------------------------------------- */

int open_below(int at, const char *path, int flags)
{
    const struct abi_open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                                     .resolve = ABI_RESOLVE_BENEATH | ABI_RESOLVE_NO_SYMLINKS |
                                                ABI_RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(NR_OPENAT2, at, *path ? path : ".", &how, sizeof how);
    if (fd >= 0 || errno != ENOSYS)
        return fd;
    fd = openat(at, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0) { /* a component at a time */
        char name[256];
        size_t len = strcspn(path, "/");
        const char *rest = path + len + strspn(path + len, "/");
        memcpy(name, path, len < sizeof name ? len : 0);
        name[len < sizeof name ? len : 0] = 0;
        if (len >= sizeof name || !strcmp(name, "..")) {
            close(fd);
            errno = EXDEV;
            return -1;
        }
        int next = openat(fd, len ? name : ".",
                          *rest ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
                                : flags | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(fd);
        errno = error;
        if (!*rest || next < 0)
            return next;
        path = rest;
        fd = next;
    }
    return -1;
}
