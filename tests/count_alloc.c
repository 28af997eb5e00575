/* Each block is preceded by its size, at a distance that keeps the alignment. */
#include "tests/count_alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PREFIX 64

static bool allowed(struct count_alloc *count, size_t bytes)
{
    count->calls++;
    if (count->fail_at && count->calls >= count->fail_at)
        return false;
    size_t held = count->live_bytes + count->mapped_bytes;
    if (count->limit_bytes && (bytes > count->limit_bytes || held > count->limit_bytes - bytes)) {
        count->passed_limit = true;
        return false;
    }
    return true;
}

static void note_peak(struct count_alloc *count)
{
    size_t held = count->live_bytes + count->mapped_bytes;
    if (count->live_bytes > count->peak_bytes)
        count->peak_bytes = count->live_bytes;
    if (held > count->peak_held)
        count->peak_held = held;
}

static void *count_take(void *ud, size_t bytes, size_t align)
{
    struct count_alloc *count = ud;
    void *block;
    if (align > PREFIX || bytes > SIZE_MAX - PREFIX || !allowed(count, bytes) ||
        posix_memalign(&block, PREFIX, PREFIX + bytes))
        return NULL;
    memcpy(block, &bytes, sizeof bytes);
    memset((char *)block + PREFIX, 0xa5, bytes); /* what is used unset shows */
    count->live_bytes += bytes;
    count->blocks++;
    note_peak(count);
    return (char *)block + PREFIX;
}

static void count_release(void *ud, void *ptr)
{
    struct count_alloc *count = ud;
    void *block = (char *)ptr - PREFIX;
    size_t bytes;
    memcpy(&bytes, block, sizeof bytes);
    count->live_bytes -= bytes;
    count->blocks--;
    free(block);
}

/* The slot of a file's mapping, of an empty one for NULL; NULL where there is none. */
static void **slot(struct count_alloc *count, void *ptr)
{
    for (size_t i = 0; i < sizeof count->files / sizeof *count->files; i++)
        if (count->files[i] == ptr)
            return &count->files[i];
    return NULL;
}

static void *count_map(void *ud, int fd, size_t bytes)
{
    struct count_alloc *count = ud;
    void **file = slot(count, NULL);
    if (!file || !allowed(count, fd < 0 ? bytes : 0))
        return NULL;
    void *ptr = fd >= 0 ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0)
                        : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ptr == MAP_FAILED)
        return NULL;
    count->maps++;
    if (fd >= 0)
        *file = ptr;
    else
        count->mapped_bytes += bytes;
    note_peak(count);
    return ptr;
}

static void count_unmap(void *ud, void *ptr, size_t bytes)
{
    struct count_alloc *count = ud;
    void **file = slot(count, ptr);
    if (file)
        *file = NULL;
    else
        count->mapped_bytes -= bytes;
    count->maps--;
    munmap(ptr, bytes);
}

void count_alloc_init(struct count_alloc *count)
{
    *count = (struct count_alloc){
        .a = {count, count_take, count_release, count_map, count_unmap},
    };
}
