/* Opens files; the only place of the library that reads model files. */
#include "lib/base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define READ_BYTES ((size_t)32 << 20) /* between two calls of progress */

/* How a file is opened. */
struct how {
    bool no_mmap;
    infer_progress progress; /* NULL: none */
    void *ud;
};

static const char *kind_of_file(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a FIFO";
    case S_IFCHR:
        return "a character device";
    case S_IFBLK:
        return "a block device";
    case S_IFSOCK:
        return "a socket";
    default:
        return "something else";
    }
}

static infer_status fail_errno(infer_error *err, const char *what)
{
    return inf_fail(err, INFER_E_IO, "%s: %s", what, strerror(errno));
}

static int64_t modified_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* Reads map->size bytes into the pages. */
static infer_status read_all(int fd, const struct how *how, struct inf_map *map, infer_error *err)
{
    char *to = map->pages;
    for (size_t done = 0; done < map->size;) {
        ssize_t n = read(fd, to + done, inf_min_size(map->size - done, READ_BYTES));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, "cannot be read");
        if (!n)
            return inf_fail(err, INFER_E_IO, "ended at byte %zu of %zu while it was read", done,
                            map->size);
        done += (size_t)n;
        if (how->progress && !how->progress(how->ud, (double)done / (double)map->size))
            return inf_fail(err, INFER_E_CANCELLED, "cancelled after %zu of %zu bytes", done,
                            map->size);
    }
    return INFER_OK;
}

static infer_status open_fd(int fd, const struct how *how, struct inf_map *map, infer_error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return fail_errno(err, "cannot be examined");
    if (!S_ISREG(st.st_mode))
        return inf_fail(err, INFER_E_IO, "is %s, not a regular file", kind_of_file(st.st_mode));
    if (st.st_size <= 0)
        return inf_fail(err, INFER_E_FORMAT, "the file is empty (%lld bytes)",
                        (long long)st.st_size);
    if ((uint64_t)st.st_size > SIZE_MAX - PAGE_BYTES)
        return inf_fail(err, INFER_E_LIMIT, "%llu bytes, at most %zu",
                        (unsigned long long)st.st_size, SIZE_MAX - PAGE_BYTES);
    map->size = (size_t)st.st_size;
    map->pages_bytes = (map->size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    map->device = st.st_dev;
    map->inode = st.st_ino;
    map->modified_ns = modified_ns(&st);
    map->mapped = !how->no_mmap;
    map->pages = map->a.map(map->a.ud, how->no_mmap ? -1 : fd, map->pages_bytes);
    if (!map->pages)
        return inf_fail(err, INFER_E_MEMORY, "%zu bytes cannot be %s", map->size,
                        how->no_mmap ? "had as memory" : "mapped");
    map->bytes = map->pages;
    return how->no_mmap ? read_all(fd, how, map, err) : INFER_OK;
}

static infer_status open_path(const infer_allocator *a, const char *path, const struct how *how,
                              struct inf_map *map, infer_error *err)
{
    *map = (struct inf_map){.a = *a};
    int fd;
    do
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    infer_status status = fd < 0 ? fail_errno(err, "cannot be opened") : open_fd(fd, how, map, err);
    if (fd >= 0)
        close(fd);
    if (status) {
        inf_map_close(map);
        inf_error_place(err, path);
    }
    return status;
}

infer_status inf_map_open(const infer_allocator *a, const char *path, bool no_mmap,
                          struct inf_map *map, infer_error *err)
{
    return open_path(a, path, &(struct how){.no_mmap = no_mmap}, map, err);
}

infer_status inf_map_read(const infer_allocator *a, const char *path, infer_progress progress,
                          void *ud, struct inf_map *map, infer_error *err)
{
    return open_path(a, path, &(struct how){true, progress, ud}, map, err);
}

void inf_map_close(struct inf_map *map)
{
    if (map->pages)
        map->a.unmap(map->a.ud, map->pages, map->pages_bytes);
    *map = (struct inf_map){0};
}

static infer_status check(const struct inf_map *map, const char *path, infer_error *err)
{
    struct stat st;
    if (stat(path, &st))
        return fail_errno(err, "cannot be examined");
    if (st.st_dev != map->device || st.st_ino != map->inode)
        return inf_fail(err, INFER_E_IO, "another file is there since it was opened");
    if ((uint64_t)st.st_size != map->size)
        return inf_fail(err, INFER_E_IO, "%lld bytes, %zu when it was opened",
                        (long long)st.st_size, map->size);
    if (modified_ns(&st) != map->modified_ns)
        return inf_fail(err, INFER_E_IO, "was changed since it was opened");
    return INFER_OK;
}

infer_status inf_map_check(const struct inf_map *map, const char *path, infer_error *err)
{
    infer_status status = check(map, path, err);
    if (status)
        inf_error_place(err, path);
    return status;
}
