/*
 * Fetching weights ahead of their use. The first access to a page waits for a walk of the page tables,
 * an instruction that only fetches included, and the core's window is too short to hide it; walks that
 * are asked for together overlap. So the pages of the rows after the next are touched in one go, then
 * the lines of the next rows are fetched one by one beside the work on these. Behind the end of a
 * tensor nothing happens: such an instruction raises no fault.
 */
#ifndef INF_PREFETCH_H
#define INF_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define INF_PAGE_BYTES 4096

/* A line of each page that begins in [at, at + bytes), to the second cache. */
static inline __attribute__((always_inline)) void inf_prefetch_pages(uintptr_t at, size_t bytes)
{
    uintptr_t page = (at + INF_PAGE_BYTES - 1) & ~(uintptr_t)(INF_PAGE_BYTES - 1);
    for (; page < at + bytes; page += INF_PAGE_BYTES)
        __builtin_prefetch((const void *)page, 0, 2);
}

/* The same for rows that are walked in order: called before each row, it looks 32 rows ahead every 32
 * rows. */
static inline __attribute__((always_inline)) void
inf_prefetch_row_pages(const uint8_t *w, size_t row, size_t row_bytes)
{
    if (row % 32 == 0)
        inf_prefetch_pages((uintptr_t)w + (row + 32) * row_bytes, 32 * row_bytes);
}

#endif
