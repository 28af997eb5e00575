/*
 * An allocator that counts, limits and fails on demand, for tests of one thread.
 */
#ifndef COUNT_ALLOC_H
#define COUNT_ALLOC_H

#include <libinfer.h>

struct count_alloc {
    infer_allocator a;                     /* pass &a; its ud points back here */
    size_t live_bytes, peak_bytes, blocks; /* of alloc */
    size_t mapped_bytes, maps;             /* of map: bytes of memory, all maps */
    size_t peak_held;                      /* of live and mapped together */
    size_t limit_bytes;                    /* of live and mapped together; 0: none */
    size_t calls;                          /* of alloc and map */
    size_t fail_at;                        /* this call (from 1) and all later ones fail; 0: none */
    bool passed_limit;                     /* a call was refused for the limit */
    void *files[64];                       /* mappings of files, which are not memory */
};

/* Stays where it is while in use. */
void count_alloc_init(struct count_alloc *count);

#endif
