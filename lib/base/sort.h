/*
 * A sort that takes no memory of its own, keeps the order of equals and has no bad case.
 */
#ifndef INF_SORT_H
#define INF_SORT_H

#include <stddef.h>

typedef int inf_compare(const void *a, const void *b);

/* Sorts items[0..count) by what they point to; scratch holds as many. O(count log count) compares,
 * one per item where they are in order already. */
void inf_sort(const void **items, const void **scratch, size_t count, inf_compare *compare);

#endif
