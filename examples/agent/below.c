/* Files below the root. Nothing here follows a link or leaves the root, whatever moves meanwhile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hands.h"

#define WALK_DEPTH 64
#define FOLDER_ENTRIES 20000

void text_add_path(struct text *t, const char *path)
{
    text_add(t, "\"", 1);
    text_add_shown(t, path, strlen(path), false, false);
    text_add(t, "\"", 1);
}

/* ---- Paths ------------------------------------------------------------------------------------- */

static bool is_below(const char *root, const char *path, const char **rest)
{
    size_t len = strlen(root);
    while (len && root[len - 1] == '/')
        len--;
    if (strncmp(path, root, len) || (path[len] && path[len] != '/'))
        return false;
    *rest = path + len;
    return true;
}

bool below_path(const struct agent *agent, const char *given, struct text *path, struct text *error)
{
    const char *rest = given;
    if (given[0] == '~') {
        text_add_path(error, given);
        text_format(error, ": ~ is not taken; paths are relative to the root, as src/main.c");
        return false;
    }
    if (given[0] == '/' && !is_below(agent->options.root, given, &rest)) {
        text_add_path(error, given);
        text_format(error, " is outside the root; the file tools take paths below it alone, as "
                           "src/main.c (--read DIR is for programs in the sandbox: they can read "
                           "there, the file tools cannot)");
        return false;
    }
    while (*rest) {
        size_t len = strcspn(rest, "/");
        if (len == 2 && !memcmp(rest, "..", 2)) {
            text_add_path(error, given);
            text_format(error, ": \"..\" is not taken; paths are relative to the root");
            return false;
        }
        if (len > NAME_MAX || path->len + len >= PATH_MAX - 1) {
            text_format(error, "the path is too long");
            return false;
        }
        if (len && !(len == 1 && *rest == '.')) {
            if (path->len)
                text_add(path, "/", 1);
            text_add(path, rest, len);
        }
        rest += len + (rest[len] == '/');
    }
    if (!path->len)
        text_add(path, ".", 1);
    if (path->failed)
        text_format(error, "out of memory");
    return !path->failed;
}

/* ---- Opening ----------------------------------------------------------------------------------- */

/* Own constants: the headers may be older than the kernel. */
struct open_how_0 {
    uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_MAGICLINKS_ 0x02u
#define RESOLVE_NO_SYMLINKS_ 0x04u
#define RESOLVE_BENEATH_ 0x08u
#define SYS_OPENAT2 437

int below_walk(int root_fd, const char *path, int flags, mode_t mode)
{
    int dir = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    char name[NAME_MAX + 1];
    while (dir >= 0) {
        size_t len = strcspn(path, "/");
        if (!len || len > NAME_MAX || (len == 2 && !memcmp(path, "..", 2))) {
            close(dir);
            errno = EXDEV;
            return -1;
        }
        memcpy(name, path, len);
        name[len] = 0;
        bool last = !path[len];
        int next =
            openat(dir, name, O_CLOEXEC | O_NOFOLLOW | (last ? flags : O_PATH | O_DIRECTORY), mode);
        int code = errno;
        struct stat link;
        if (next < 0 && code == ENOTDIR && !fstatat(dir, name, &link, AT_SYMLINK_NOFOLLOW) &&
            S_ISLNK(link.st_mode))
            code = ELOOP;
        close(dir);
        errno = code;
        if (last)
            return next;
        dir = next;
        path += len + 1;
    }
    return -1;
}

int below_open(int root_fd, const char *path, int flags, mode_t mode)
{
    struct open_how_0 how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                             .mode = flags & O_CREAT ? mode : 0,
                             .resolve =
                                 RESOLVE_BENEATH_ | RESOLVE_NO_MAGICLINKS_ | RESOLVE_NO_SYMLINKS_};
    long fd = -1;
    for (int tries = 0; tries < 100; tries++) {
        fd = syscall(SYS_OPENAT2, root_fd, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* old, or hidden by a container's filter */
        return below_walk(root_fd, path, flags, mode);
    return (int)fd;
}

void below_error(struct text *error, const char *path, int code)
{
    text_add_path(error, path);
    switch (code) {
    case ENOENT:
        text_format(error, ": no such file; list_files shows what there is");
        break;
    case ELOOP:
    case EXDEV:
        text_format(error, " is a symbolic link or goes through one; links are not followed");
        break;
    case ENOTDIR:
        text_format(error, ": a part of it is not a folder");
        break;
    case EISDIR:
        text_format(error, " is a folder");
        break;
    default:
        text_format(error, ": %s", strerror(code));
    }
}

/* ---- Reading ----------------------------------------------------------------------------------- */

void content_free(struct content *content)
{
    free(content->data);
    *content = (struct content){0};
}

bool content_equal(const struct content *a, const struct content *b)
{
    return a->exists == b->exists && a->len == b->len &&
           (!a->len || !memcmp(a->data, b->data, a->len));
}

static bool read_all(int fd, size_t size, struct content *content, const char *path,
                     struct text *error)
{
    size_t capacity = size + 1;
    content->data = malloc(capacity + 1);
    while (content->data) {
        ssize_t got = read(fd, content->data + content->len, capacity - content->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            below_error(error, path, errno);
            return false;
        }
        content->len += (size_t)got;
        content->data[content->len] = 0;
        if (!got)
            return true;
        if (content->len > FILE_MAX) {
            text_add_path(error, path);
            text_format(error, " has more than %zu bytes; it cannot be read whole", FILE_MAX);
            return false;
        }
        if (content->len == capacity) {
            char *more = realloc(content->data, capacity * 2 + 1);
            if (!more)
                break;
            content->data = more;
            capacity *= 2;
        }
    }
    text_format(error, "out of memory");
    return false;
}

/* Takes the descriptor of a path that may be anything, and one of what it holds. */
static bool load(int look, int fd, int code, const char *path, struct content *content,
                 struct text *error)
{
    struct stat seen, opened;
    bool ok = false;
    if (look < 0 || fstat(look, &seen)) {
        below_error(error, path, code);
    } else if (!S_ISREG(seen.st_mode)) {
        text_add_path(error, path);
        text_format(error, S_ISDIR(seen.st_mode)   ? " is a folder; list_files shows what is in it"
                           : S_ISLNK(seen.st_mode) ? " is a symbolic link; links are not followed"
                                                   : " is not a regular file");
    } else if (fd < 0 || fstat(fd, &opened)) {
        below_error(error, path, code);
    } else if (!S_ISREG(opened.st_mode) || opened.st_ino != seen.st_ino ||
               opened.st_dev != seen.st_dev) {
        text_add_path(error, path);
        text_format(error, " changes while it is read");
    } else if (opened.st_size > (off_t)FILE_MAX) {
        text_add_path(error, path);
        text_format(error,
                    " has %lld bytes, more than the %zu that are read; search finds lines in it",
                    (long long)opened.st_size, FILE_MAX);
    } else {
        content->exists = true;
        content->mode = opened.st_mode & 0777;
        content->uid = opened.st_uid;
        content->gid = opened.st_gid;
        content->links = opened.st_nlink;
        ok = read_all(fd, (size_t)opened.st_size, content, path, error);
    }
    if (!ok)
        content_free(content);
    if (look >= 0)
        close(look);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* A device's open may act, so nothing is opened for reading before it is known to be a file. */
bool below_load_at(int dir_fd, const char *name, const char *path, bool missing,
                   struct content *content, struct text *error)
{
    *content = (struct content){0};
    struct stat seen;
    int fd = -1, look = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), code = errno;
    if (look < 0 && code == ENOENT && missing)
        return true;
    if (look >= 0 && !fstat(look, &seen) && S_ISREG(seen.st_mode)) {
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        code = errno;
    }
    return load(look, fd, code, path, content, error);
}

bool below_load(int root_fd, const char *path, bool missing, struct content *content,
                struct text *error)
{
    *content = (struct content){0};
    struct stat seen;
    int fd = -1, look = below_open(root_fd, path, O_PATH, 0), code = errno;
    if (look < 0 && code == ENOENT && missing)
        return true;
    if (look >= 0 && !fstat(look, &seen) && S_ISREG(seen.st_mode)) {
        fd = below_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        code = errno;
    }
    return load(look, fd, code, path, content, error);
}

/* ---- Replacing --------------------------------------------------------------------------------- */

/* The folder that holds a path, made where it is missing; its name in it is *name. -1: `error` says why. */
static int open_parent(int root_fd, const char *path, bool make, const char **name,
                       struct text *error)
{
    const char *slash = strrchr(path, '/'), *whole = path;
    *name = slash ? slash + 1 : path;
    int dir = below_open(root_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    char part[NAME_MAX + 1];
    while (dir >= 0 && path < *name) {
        size_t len = strcspn(path, "/");
        memcpy(part, path, len);
        part[len] = 0;
        if (make && mkdirat(dir, part, 0777) && errno != EEXIST) {
            below_error(error, whole, errno);
            close(dir);
            return -1;
        }
        int next = below_open(dir, part, O_RDONLY | O_DIRECTORY, 0), code = errno;
        close(dir);
        errno = code;
        dir = next;
        path += len + 1;
    }
    if (dir < 0)
        below_error(error, whole, errno);
    return dir;
}

#define BESIDE ".infer-agent-%016llx.tmp" /* a name that is hidden (names.c) */
enum { BESIDE_LEN = 13 + 16 + 4 };

/* What an agent that was killed between two names has left in a folder: nobody holds its lock. */
static void remove_left(int dir)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        const char *name = entry->d_name;
        if (strlen(name) != BESIDE_LEN || strncmp(name, BESIDE, 13) != 0 ||
            strcmp(name + BESIDE_LEN - 4, ".tmp") != 0)
            continue;
        int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
            unlinkat(dir, name, 0);
        if (fd >= 0)
            close(fd);
    }
    if (entries)
        closedir(entries);
}

/* A file without a name where the file system has such, so that little is left where the agent is killed; else
 * one with the name `beside`. */
static int open_beside(int dir, const char *beside, mode_t mode, bool *named)
{
    int fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
    *named = fd < 0;
    return fd >= 0
               ? fd
               : openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

/* Gives the file its name: a new one where nothing may be, or that of the old file. */
static bool give_name(int dir, int fd, const char *beside, bool named, const char *name, bool old)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!named && linkat(AT_FDCWD, path, dir, old ? beside : name, AT_SYMLINK_FOLLOW))
        return false;
    if (old)
        return !renameat(dir, beside, dir, name);
    return !named || !renameat2(dir, beside, dir, name, RENAME_NOREPLACE) ||
           ((errno == EINVAL || errno == ENOSYS) && !renameat(dir, beside, dir, name));
}

/* Writes beside the file, then puts it in its place. */
static bool write_beside(int dir, const char *name, const struct content *now,
                         const struct content *then)
{
    uint64_t random;
    char beside[BESIDE_LEN + 1];
    remove_left(dir);
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    snprintf(beside, sizeof beside, BESIDE, (unsigned long long)random);
    bool keep = now->exists || then->mode, named;
    int fd = open_beside(dir, beside, keep ? 0600 : 0666, &named);
    if (fd < 0)
        return false;
    flock(fd, LOCK_EX | LOCK_NB); /* see remove_left */
    const struct content *like = now->exists ? now : then;
    struct stat made;
    bool ok = text_write(fd, then->data, then->len) && !fstat(fd, &made);
    if (ok && keep && (made.st_uid != like->uid || made.st_gid != like->gid))
        ok = !fchown(fd, like->uid, like->gid) || !fchown(fd, (uid_t)-1, like->gid) ||
             errno == EPERM;
    ok = ok && (!keep || !fchmod(fd, like->mode)) && !fsync(fd) &&
         give_name(dir, fd, beside, named, name, now->exists);
    int code = errno;
    close(fd);
    if (!ok)
        unlinkat(dir, beside, 0);
    errno = code;
    return ok;
}

bool below_replace(int root_fd, const char *path, const struct content *now,
                   const struct content *then, struct text *error)
{
    const char *name;
    int dir = open_parent(root_fd, path, then->exists, &name, error);
    if (dir < 0)
        return false;
    struct content found;
    bool ok = below_load_at(dir, name, path, true, &found, error);
    if (ok && !content_equal(&found, now)) {
        text_add_path(error, path);
        text_format(error, " has changed since this was prepared; nothing was written");
        ok = false;
    } else if (ok && found.links > 1) {
        text_add_path(error, path);
        text_format(error, " has %lu hard links; it is not written", (unsigned long)found.links);
        ok = false;
    } else if (ok && found.exists && !(found.mode & 0222)) {
        text_add_path(error, path);
        text_format(error, " is read-only (mode %04o); it is not written", (unsigned)found.mode);
        ok = false;
    } else if (ok) {
        ok = then->exists ? write_beside(dir, name, &found, then)
                          : !found.exists || !unlinkat(dir, name, 0);
        if (!ok)
            below_error(error, path, errno);
        else
            fsync(dir);
    }
    content_free(&found);
    close(dir);
    return ok;
}

/* ---- Walking ----------------------------------------------------------------------------------- */

struct names {
    char **items;
    size_t count, capacity;
    bool cut;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool names_add(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 64;
        char **items = realloc(names->items, capacity * sizeof *items);
        if (!items)
            return false;
        names->items = items;
        names->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy)
        return false;
    names->items[names->count++] = copy;
    return true;
}

/* The names in a folder, in order. Takes the descriptor. */
static bool names_read(int fd, struct names *names)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return false;
    }
    bool ok = true;
    for (const struct dirent *entry; ok && (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (names->count == FOLDER_ENTRIES) {
            names->cut = true;
            break;
        }
        ok = names_add(names, entry->d_name);
    }
    closedir(dir);
    if (ok && names->count)
        qsort(names->items, names->count, sizeof *names->items, by_bytes);
    return ok;
}

/* Returns false to end the whole walk; *ok is false where memory ended. Takes the descriptor. */
static bool walk_folder(int fd, struct text *path, size_t depth, struct walk *walk, bool *ok)
{
    struct names names = {0};
    int list = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool go_on = true;
    size_t base = path->len;
    *ok = list < 0 || names_read(list, &names); /* what may not be read holds nothing */
    walk->cut = walk->cut || names.cut || list < 0;
    for (size_t i = 0; *ok && go_on && i < names.count; i++) {
        struct entry entry = {.dir_fd = fd, .name = names.items[i], .depth = depth};
        if (walk->entries++ == walk->entries_max) {
            walk->cut = true;
            go_on = false;
            break;
        }
        if (fstatat(fd, entry.name, &entry.stat, AT_SYMLINK_NOFOLLOW))
            continue;
        path->len = base;
        text_format(path, base ? "/%s" : "%s", entry.name);
        if (path->failed) {
            *ok = false;
            break;
        }
        entry.path = path->data;
        entry.kind = names_judge(entry.path);
        go_on = walk->visit(&entry, walk->data);
        if (!go_on || !S_ISDIR(entry.stat.st_mode) || entry.kind == NAME_HIDDEN ||
            names_in_git(entry.name))
            continue;
        if (depth == walk->depth_max || depth == WALK_DEPTH) {
            walk->cut = true;
            continue;
        }
        int next = openat(fd, entry.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next >= 0)
            go_on = walk_folder(next, path, depth + 1, walk, ok);
    }
    names_free(&names);
    close(fd);
    return go_on && *ok;
}

bool below_each(int root_fd, const char *path, struct walk *walk, struct text *error)
{
    int fd = below_open(root_fd, path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        below_error(error, path, errno);
        return false;
    }
    struct text here = {0};
    if (strcmp(path, "."))
        text_format(&here, "%s", path);
    bool ok = true;
    walk_folder(fd, &here, 1, walk, &ok);
    text_free(&here);
    if (!ok)
        text_format(error, "out of memory");
    return ok;
}
