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

/* Whether a special may begin at text[at], by the filter on two bytes. */
static inline bool may_begin(const struct inf_vocab *v, const char *text, size_t len, size_t at)
{
    unsigned char first = (unsigned char)text[at];
    if (v->special_first[first] == v->special_first[first + 1])
        return false;
    return v->special_single[first] ||
           (at + 1 < len && inf_pair_bit(v->special_pairs, first, (unsigned char)text[at + 1]));
}

/* The last special that does not stand above text[0..len); all that the text begins with are
 * reached from it through `shorter`. NULL: none has its first byte. */
static const struct inf_vocab_special *last_below(const struct inf_vocab *v, const char *text,
                                                  size_t len)
{
    unsigned char first = (unsigned char)text[0];
    uint32_t start = v->special_first[first], low = start, high = v->special_first[first + 1];
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct inf_vocab_special *item = &v->specials[mid];
        if (compare_bytes(item->text, item->len, text, len) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low == start ? NULL : &v->specials[low - 1];
}

/* The next shorter special that the item begins with, NULL where there is none. */
static const struct inf_vocab_special *next_shorter(const struct inf_vocab *v,
                                                    const struct inf_vocab_special *item)
{
    const struct inf_vocab_special *shorter = &v->specials[item->shorter];
    return shorter == item ? NULL : shorter;
}

static inline bool stands_at(const struct inf_vocab_special *item, const char *text, size_t len)
{
    return item->len <= len && !memcmp(item->text, text, item->len);
}

/* The longest special at raw->text[at] that counts there. */
static const struct inf_vocab_special *longest(const struct inf_vocab *v, struct inf_raw *raw,
                                               size_t at)
{
    while (at >= raw->stretches[raw->current].end)
        raw->current++;
    const struct inf_stretch *here = &raw->stretches[raw->current];
    size_t literal = here->literal ? here->end - at : 0;
    const char *text = raw->text + at;
    const struct inf_vocab_special *item = last_below(v, text, raw->len - at);
    for (; item; item = next_shorter(v, item))
        if (stands_at(item, text, raw->len - at) &&
            (item->len <= literal || (v->tokens[item->id].kind == INF_TOKEN_USER &&
                                      !(raw->barred && inf_bit(raw->barred, item->id)))))
            return item;
    return NULL;
}

bool inf_specials_next(const struct inf_vocab *v, struct inf_raw *raw, size_t at, size_t *start,
                       const struct inf_vocab_special **found)
{
    if (!v->special_count)
        return false;
    for (; at < raw->len; at++) {
        if (!may_begin(v, raw->text, raw->len, at))
            continue;
        *found = longest(v, raw, at);
        if (*found) {
            *start = at;
            return true;
        }
    }
    return false;
}

void inf_specials_mark(const struct inf_vocab *v, const char *text, size_t len, uint8_t *bits)
{
    if (!v->special_count)
        return;
    for (size_t at = 0; at < len; at++) {
        if (!may_begin(v, text, len, at))
            continue;
        const struct inf_vocab_special *item = last_below(v, text + at, len - at);
        for (; item; item = next_shorter(v, item))
            if (stands_at(item, text + at, len - at))
                inf_bit_set(bits, item->id);
    }
}
