/*
 * A file as a range of bytes: mapped, or read into memory. Regular files alone.
 */
#ifndef INF_MAP_H
#define INF_MAP_H

#include "lib/base/base.h"

struct inf_map {
    infer_allocator a;
    const uint8_t *bytes;
    size_t size;
    bool mapped; /* the bytes are the file's own; else a copy */
    void *pages;
    size_t pages_bytes; /* what was asked of the allocator's map */
    /* The file as it was opened, to see whether it is still the same. */
    uint64_t device, inode;
    int64_t modified_ns;
};

/* Opens a regular file that is not empty. A FIFO, a device or a directory is INFER_E_IO at once, an
 * empty file INFER_E_FORMAT. On failure *map is all zero. */
infer_status inf_map_open(const infer_allocator *a, const char *path, bool no_mmap,
                          struct inf_map *map, infer_error *err);

/* The same for no_mmap, with progress (NULL allowed), which may cancel. */
infer_status inf_map_read(const infer_allocator *a, const char *path, infer_progress progress,
                          void *ud, struct inf_map *map, infer_error *err);
void inf_map_close(struct inf_map *map);

/* INFER_E_IO where `path` no longer is the file that was opened, unchanged. */
infer_status inf_map_check(const struct inf_map *map, const char *path, infer_error *err);

#endif
