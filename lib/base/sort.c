/* Merge sort, bottom up. */
#include "lib/base/sort.h"

#include "lib/base/base.h"

#include <string.h>

/* Merges from[0..middle) and from[middle..count), both sorted, into `to`. */
static void merge(const void **to, const void **from, size_t middle, size_t count,
                  inf_compare *compare)
{
    if (compare(from[middle - 1], from[middle]) <= 0) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    size_t left = 0, right = middle;
    for (size_t i = 0; i < count; i++) {
        bool take_right = left == middle || (right < count && compare(from[left], from[right]) > 0);
        to[i] = take_right ? from[right++] : from[left++];
    }
}

void inf_sort(const void **items, const void **scratch, size_t count, inf_compare *compare)
{
    const void **from = items, **to = scratch;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t i = 0; i < count; i += 2 * run) {
            size_t len = inf_min_size(2 * run, count - i);
            if (len <= run)
                memcpy(to + i, from + i, len * sizeof *to);
            else
                merge(to + i, from + i, run, len, compare);
        }
        const void **swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}
