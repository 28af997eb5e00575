/*
 * Writes a file so that its name never stands for half of it: to a temporary one beside it, which
 * gets the name once all of it is on the disk.
 *
 *     struct inf_file file = {0};
 *     if (!(status = inf_file_create(&file, a, path, 0666, err)) &&
 *         !(status = inf_file_put(&file, bytes, len, err)) &&       as often as is needed
 *         !(status = inf_file_close(&file, err)))
 *         status = inf_file_publish(&file, err);
 *     inf_file_free(&file);             removes the temporary file unless it was published
 */
#ifndef INF_FILE_H
#define INF_FILE_H

#include "lib/base/base.h"

struct inf_file {
    infer_allocator a;
    bool created; /* the temporary file is there */
    int fd;       /* -1 once closed */
    char *path, *temporary;
};

/* `file` is zeroed before, `path` and `a` are copied, `mode` is as of open (the umask holds). A path
 * where something other than a regular file stands is INFER_E_IO: a device must not be replaced. */
infer_status inf_file_create(struct inf_file *file, const infer_allocator *a, const char *path,
                             unsigned mode, infer_error *err);

/* INFER_E_IO names the file and the system's reason. */
infer_status inf_file_put(struct inf_file *file, const void *bytes, size_t len, infer_error *err);

/* All is on the disk, or INFER_E_IO. */
infer_status inf_file_close(struct inf_file *file, infer_error *err);

/* The file gets its name, in place of one that had it. */
infer_status inf_file_publish(struct inf_file *file, infer_error *err);

/* Takes a published file away again. */
void inf_file_withdraw(struct inf_file *file);

/* For a zeroed one too. */
void inf_file_free(struct inf_file *file);

#endif
