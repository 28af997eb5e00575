/*
 * Finding special tokens in raw text: a filter on the first two bytes, then a binary search.
 */
#include "lib/vocab/vocab_data.h"

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, inf_min_size(a_len, b_len));
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static bool below(const struct inf_vocab_special *a, const struct inf_vocab_special *b)
{
    int order = compare_bytes(a->text, a->len, b->text, b->len);
    return order ? order < 0 : a->id > b->id;
}

/* Heap sort: no memory, no recursion, n log n whatever the file holds. */
static void sort(struct inf_vocab_special *items, size_t count)
{
    for (size_t start = count / 2, end = count; end > 1;) {
        struct inf_vocab_special item;
        if (start) {
            item = items[--start];
        } else {
            item = items[--end];
            items[end] = items[0];
        }
        size_t at = start;
        for (size_t child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && below(&items[child], &items[child + 1]))
                child++;
            if (!below(&item, &items[child]))
                break;
            items[at] = items[child];
        }
        items[at] = item;
    }
}

static bool begins_with(const struct inf_vocab_special *item,
                        const struct inf_vocab_special *prefix)
{
    return prefix->len <= item->len && !memcmp(item->text, prefix->text, prefix->len);
}

void inf_specials_prepare(struct inf_vocab *v)
{
    struct inf_vocab_special *items = v->specials;
    sort(items, v->special_count);
    for (uint32_t i = 0; i < v->special_count; i++) {
        unsigned char first = (unsigned char)items[i].text[0];
        v->special_first[first + 1]++;
        if (items[i].len == 1)
            v->special_single[first] = true;
        else
            inf_pair_bit_set(v->special_pairs, first, (unsigned char)items[i].text[1]);

        /* whatever begins this one is the one before it, or begins that */
        items[i].shorter = i;
        for (uint32_t j = i; j > 0;) {
            uint32_t candidate = j == i ? i - 1 : items[j].shorter;
            if (candidate == j)
                break;
            if (begins_with(&items[i], &items[candidate])) {
                items[i].shorter = candidate;
                break;
            }
            j = candidate;
        }
    }
    for (unsigned i = 0; i < 256; i++)
        v->special_first[i + 1] += v->special_first[i];
}

/* The longest special that text[0..len) begins with. */
static const struct inf_vocab_special *longest(const struct inf_vocab *v, const char *text,
                                               size_t len, bool plain)
{
    unsigned char first = (unsigned char)text[0];
    uint32_t low = v->special_first[first], high = v->special_first[first + 1];
    uint32_t start = low;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct inf_vocab_special *item = &v->specials[mid];
        if (compare_bytes(item->text, item->len, text, len) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == start)
        return NULL;
    for (uint32_t at = low - 1;; at = v->specials[at].shorter) {
        const struct inf_vocab_special *item = &v->specials[at];
        if (item->len <= len && !memcmp(item->text, text, item->len) &&
            (!plain || v->tokens[item->id].kind == INF_TOKEN_USER))
            return item;
        if (item->shorter == at)
            return NULL;
    }
}

bool inf_specials_next(const struct inf_vocab *v, const char *text, size_t len, size_t at,
                       bool plain, size_t *start, const struct inf_vocab_special **found)
{
    if (!v->special_count)
        return false;
    for (; at < len; at++) {
        unsigned char first = (unsigned char)text[at];
        if (v->special_first[first] == v->special_first[first + 1])
            continue;
        if (!v->special_single[first] &&
            (at + 1 == len || !inf_pair_bit(v->special_pairs, first, (unsigned char)text[at + 1])))
            continue;
        *found = longest(v, text + at, len - at, plain);
        if (*found) {
            *start = at;
            return true;
        }
    }
    return false;
}
