/* Memory through the caller's hook, and the hook that is there when the caller gave none. */
#include "lib/base/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *default_alloc(void *ud, size_t bytes, size_t align)
{
    (void)ud;
    void *ptr = NULL;
    return posix_memalign(&ptr, align < sizeof(void *) ? sizeof(void *) : align, bytes) ? NULL
                                                                                        : ptr;
}

static void default_release(void *ud, void *ptr)
{
    (void)ud;
    free(ptr);
}

/* Weights are read from end to end for each token, and with pages of 4 KiB walks of the page tables
 * take a third of a core's read rate. Large pages come for memory, and for a file where its filesystem
 * keeps large folios (ext4 and XFS of newer kernels) and the file was not in the page cache before. */
#define LARGE_PAGE_BYTES ((size_t)2 << 20)

static void *default_map(void *ud, int fd, size_t bytes)
{
    (void)ud;
    void *ptr = fd >= 0
                    ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0)
                    : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ptr == MAP_FAILED)
        return NULL;
    if (bytes >= LARGE_PAGE_BYTES)
        madvise(ptr, bytes, MADV_HUGEPAGE); /* where the system can: a wish, no need */
    return ptr;
}

static void default_unmap(void *ud, void *ptr, size_t bytes)
{
    (void)ud;
    munmap(ptr, bytes);
}

const infer_allocator inf_allocator_default = {
    .alloc = default_alloc,
    .release = default_release,
    .map = default_map,
    .unmap = default_unmap,
};

#define BLOCK_ALIGN 64

void *inf_alloc(const infer_allocator *a, size_t bytes)
{
    return a->alloc(a->ud, bytes ? bytes : 1, BLOCK_ALIGN);
}

void *inf_alloc_zero(const infer_allocator *a, size_t count, size_t size)
{
    size_t bytes;
    if (!inf_mul_size(count, size, &bytes))
        return NULL;
    void *ptr = inf_alloc(a, bytes);
    if (ptr)
        memset(ptr, 0, bytes);
    return ptr;
}

void inf_release(const infer_allocator *a, void *ptr)
{
    if (ptr)
        a->release(a->ud, ptr);
}

bool inf_grow(const infer_allocator *a, void **items, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return true;
    size_t wanted, bytes;
    if (!inf_mul_size(inf_max_size(count, *capacity), 2, &wanted) ||
        !inf_mul_size(wanted, size, &bytes))
        return false;
    void *larger = inf_alloc(a, bytes);
    if (!larger)
        return false;
    if (*items)
        memcpy(larger, *items, *capacity * size);
    inf_release(a, *items);
    *items = larger;
    *capacity = wanted;
    return true;
}

#define CHUNK_BYTES 65536

struct inf_arena_chunk {
    struct inf_arena_chunk *next;
};

void inf_arena_init(struct inf_arena *arena, const infer_allocator *a)
{
    *arena = (struct inf_arena){.a = *a};
}

void *inf_arena_take(struct inf_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!inf_mul_size(count, size, &bytes) || !inf_round_up(bytes ? bytes : 1, BLOCK_ALIGN, &bytes))
        return NULL;
    if (bytes > arena->left) {
        size_t total = inf_max_size(bytes, CHUNK_BYTES - BLOCK_ALIGN);
        if (!inf_add_size(total, BLOCK_ALIGN, &total))
            return NULL;
        struct inf_arena_chunk *chunk = inf_alloc(&arena->a, total);
        if (!chunk)
            return NULL;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->next = (char *)chunk + BLOCK_ALIGN;
        arena->left = total - BLOCK_ALIGN;
        arena->bytes += total;
    }
    void *ptr = arena->next;
    arena->next += bytes;
    arena->left -= bytes;
    return memset(ptr, 0, bytes);
}

void inf_arena_free(struct inf_arena *arena)
{
    for (struct inf_arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        inf_release(&arena->a, chunk);
    }
    inf_arena_init(arena, &(infer_allocator){0});
}
