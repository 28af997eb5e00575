/*
 * A sort that takes no memory of its own, keeps the order of equals and has no bad case; and on it
 * the finding of things by name. A hash table would be no smaller, and names made to collide would
 * make it slow.
 */
#ifndef INF_SORT_H
#define INF_SORT_H

#include "lib/base/base.h"

/* Sorted by key; where keys are equal, by what `item` points to. */
struct inf_sort_item {
    uint64_t key;
    const void *item;
};

typedef int inf_compare(const void *a, const void *b);

/* Sorts items[0..count); scratch holds as many. O(count log count), fast where they are in order
 * already. compare NULL: items with equal keys are equal. */
void inf_sort(struct inf_sort_item *items, struct inf_sort_item *scratch, size_t count,
              inf_compare *compare);

/* Things with a name: each item points to a struct whose first field is a struct inf_bytes. Sets
 * the keys and sorts by them, for the two calls below. */
void inf_names_sort(struct inf_sort_item *items, struct inf_sort_item *scratch, size_t count);
/* The least i with the name of items[i - 1], 0 where all names differ. Of the two, items[i - 1] was
 * before the other. */
size_t inf_names_twice(const struct inf_sort_item *items, size_t count);
/* NULL where there is none of that name. */
const void *inf_names_find(const struct inf_sort_item *items, size_t count, const char *name);

#endif
