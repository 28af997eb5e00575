/* Writes files: the only place of the library that does. */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX_BYTES 8 /* ".xxxxxx" and the NUL */
#define TRIES 100
#define WRITE_BYTES_MAX ((size_t)1 << 30) /* of one call; the kernel's own limit is near 2^31 */

static infer_status fail_errno(infer_error *err, const char *path, const char *what)
{
    return inf_fail(err, INFER_E_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* Another name at each try: the clock and the process, mixed. */
static void set_suffix(const struct inf_file *file, int attempt)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t mixed[] = {(uint64_t)now.tv_sec, (uint64_t)now.tv_nsec, (uint64_t)getpid(),
                              (uint64_t)(uintptr_t)file, (uint64_t)attempt};
    uint64_t hash = inf_hash(mixed, sizeof mixed, INF_HASH_SEED);
    char *at = file->temporary + strlen(file->path);
    *at++ = '.';
    for (int i = 0; i < SUFFIX_BYTES - 2; i++, hash /= 36)
        *at++ = digits[hash % 36];
    *at = '\0';
}

infer_status inf_file_create(struct inf_file *file, const infer_allocator *a, const char *path,
                             unsigned mode, infer_error *err)
{
    *file = (struct inf_file){.a = *a, .fd = -1};
    size_t len = strlen(path);
    struct stat st;
    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        return inf_fail(err, INFER_E_IO, "%s: what is there is not a regular file", path);
    file->path = inf_alloc(a, 2 * len + 1 + SUFFIX_BYTES);
    if (!file->path)
        return inf_fail_memory(err, "the name of a file", 2 * len + 1 + SUFFIX_BYTES);
    file->temporary = file->path + len + 1;
    memcpy(file->path, path, len + 1);
    memcpy(file->temporary, path, len);
    for (int attempt = 0; file->fd < 0 && attempt < TRIES; attempt++) {
        set_suffix(file, attempt);
        file->fd =
            open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (file->fd < 0 && errno != EEXIST && errno != EINTR)
            break;
    }
    if (file->fd < 0)
        return fail_errno(err, path, "cannot be created");
    file->created = true;
    return INFER_OK;
}

infer_status inf_file_put(struct inf_file *file, const void *bytes, size_t len, infer_error *err)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = write(file->fd, at, inf_min_size(len, WRITE_BYTES_MAX));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n ? errno : ENOSPC;
            return fail_errno(err, file->path, "cannot be written");
        }
        at += n;
        len -= (size_t)n;
    }
    return INFER_OK;
}

infer_status inf_file_close(struct inf_file *file, infer_error *err)
{
    int synced = fsync(file->fd), why = errno;
    int closed = close(file->fd);
    file->fd = -1;
    if (!synced && !closed)
        return INFER_OK;
    errno = synced ? why : errno;
    return fail_errno(err, file->path, "cannot be written");
}

/* So that the new name survives a crash of the machine; a folder that cannot be synced is no failure. */
static void sync_folder(const char *path)
{
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    if (len >= sizeof folder)
        return;
    if (len) {
        memcpy(folder, path, len);
        folder[len] = 0;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

infer_status inf_file_publish(struct inf_file *file, infer_error *err)
{
    if (rename(file->temporary, file->path))
        return fail_errno(err, file->path, "cannot get its name");
    file->created = false;
    sync_folder(file->path);
    return INFER_OK;
}

void inf_file_withdraw(struct inf_file *file)
{
    unlink(file->path);
}

void inf_file_free(struct inf_file *file)
{
    if (!file->path)
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->created)
        unlink(file->temporary);
    inf_release(&file->a, file->path);
    *file = (struct inf_file){.fd = -1};
}
