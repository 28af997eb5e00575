/* Merge sort, bottom up. */
#include "lib/base/sort.h"

#include <string.h>

static bool ordered(const struct inf_sort_item *a, const struct inf_sort_item *b,
                    inf_compare *compare)
{
    if (a->key != b->key)
        return a->key < b->key;
    return !compare || compare(a->item, b->item) <= 0;
}

/* Merges from[0..middle) and from[middle..count), both sorted, into `to`. */
static void merge(struct inf_sort_item *to, const struct inf_sort_item *from, size_t middle,
                  size_t count, inf_compare *compare)
{
    if (ordered(&from[middle - 1], &from[middle], compare)) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    size_t left = 0, right = middle;
    for (size_t i = 0; i < count; i++) {
        bool take_left =
            right == count || (left < middle && ordered(&from[left], &from[right], compare));
        to[i] = from[take_left ? left++ : right++];
    }
}

void inf_sort(struct inf_sort_item *items, struct inf_sort_item *scratch, size_t count,
              inf_compare *compare)
{
    struct inf_sort_item *from = items, *to = scratch;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t i = 0; i < count; i += 2 * run) {
            size_t len = inf_min_size(2 * run, count - i);
            if (len <= run)
                memcpy(to + i, from + i, len * sizeof *to);
            else
                merge(to + i, from + i, run, len, compare);
        }
        struct inf_sort_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

static int compare_names(const void *a, const void *b)
{
    const struct inf_bytes *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->ptr, y->ptr, x->len);
}

static uint64_t name_key(const struct inf_bytes *name)
{
    return inf_hash(name->ptr, name->len, INF_HASH_SEED);
}

void inf_names_sort(struct inf_sort_item *items, struct inf_sort_item *scratch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        items[i].key = name_key(items[i].item);
    inf_sort(items, scratch, count, compare_names);
}

size_t inf_names_twice(const struct inf_sort_item *items, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (items[i - 1].key == items[i].key && !compare_names(items[i - 1].item, items[i].item))
            return i;
    return 0;
}

const void *inf_names_find(const struct inf_sort_item *items, size_t count, const char *name)
{
    struct inf_bytes wanted = {name, strlen(name)};
    struct inf_sort_item key = {name_key(&wanted), &wanted};
    size_t low = 0, high = count; /* the first item not before `key` is in low ... high */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ordered(&key, &items[middle], compare_names))
            high = middle;
        else
            low = middle + 1;
    }
    return low < count && items[low].key == key.key && !compare_names(items[low].item, &wanted)
               ? items[low].item
               : NULL;
}
