/*
 * Canonical composition, and decomposition alone. A text is cut before every character that NFC leaves alone and that joins
 * nothing before it; each cut stretch is decomposed, put in order and composed by itself.
 */
#include "lib/vocab/unicode.h"

#include <string.h>

#define FIRST_MAYBE 0xcc /* lead byte of U+0300, the first character that is not plain */

/* Hangul syllables are composed by arithmetic. */
enum { S_BASE = 0xac00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7 };
enum { L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = L_COUNT * V_COUNT * T_COUNT };

/* The characters of one stretch: code | combining class << 24. */
struct stretch {
    const infer_allocator *a;
    uint32_t *items, *spare;
    size_t count, capacity, spare_capacity;
    bool failed;
};

bool inf_nfc_is_plain(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < len;) {
        if (s[i] < FIRST_MAYBE) {
            i++;
            continue;
        }
        uint32_t code;
        size_t step = inf_utf8_decode(text + i, len - i, &code);
        if (step && inf_unicode_nfc(code))
            return false;
        i += step ? step : 1;
    }
    return true;
}

static uint32_t combining_class(uint32_t code)
{
    unsigned value = inf_unicode_nfc(code);
    return value == 255 ? 0 : value;
}

static void push(struct stretch *w, uint32_t code)
{
    void *items = w->items;
    if (w->failed || !inf_grow(w->a, &items, &w->capacity, w->count + 1, sizeof *w->items)) {
        w->failed = true;
        return;
    }
    w->items = items;
    w->items[w->count++] = code | combining_class(code) << 24;
}

static const uint32_t *find_step(uint32_t code)
{
    size_t low = 0, high = INF_UNICODE_STEPS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (inf_unicode_steps[mid][0] < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < INF_UNICODE_STEPS && inf_unicode_steps[low][0] == code ? inf_unicode_steps[low]
                                                                        : NULL;
}

/* Only the first part of a decomposition decomposes further (make_unicode.py checks it), so the
 * second parts come out in reverse order. */
static void push_decomposed(struct stretch *w, uint32_t code)
{
    if (code >= S_BASE && code < S_BASE + S_COUNT) {
        uint32_t index = code - S_BASE, tail = index % T_COUNT;
        push(w, L_BASE + index / (V_COUNT * T_COUNT));
        push(w, V_BASE + index % (V_COUNT * T_COUNT) / T_COUNT);
        if (tail)
            push(w, T_BASE + tail);
        return;
    }
    uint32_t seconds[8];
    size_t count = 0;
    for (const uint32_t *step; count < 8 && (step = find_step(code)); code = step[1])
        if (step[2])
            seconds[count++] = step[2];
    push(w, code);
    while (count)
        push(w, seconds[--count]);
}

/* Stable order by combining class of items[0..count), none of class 0. */
static void sort_marks(struct stretch *w, uint32_t *items, size_t count)
{
    if (count <= 16) {
        for (size_t i = 1; i < count; i++) {
            uint32_t item = items[i];
            size_t j = i;
            for (; j > 0 && items[j - 1] >> 24 > item >> 24; j--)
                items[j] = items[j - 1];
            items[j] = item;
        }
        return;
    }
    void *spare = w->spare;
    if (!inf_grow(w->a, &spare, &w->spare_capacity, count, sizeof *w->spare)) {
        w->failed = true;
        return;
    }
    w->spare = spare;
    size_t starts[257] = {0};
    for (size_t i = 0; i < count; i++)
        starts[(items[i] >> 24) + 1]++;
    for (size_t i = 1; i < 257; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < count; i++)
        w->spare[starts[items[i] >> 24]++] = items[i];
    memcpy(items, w->spare, count * sizeof *items);
}

/* The composite of two characters, 0 where there is none. */
static uint32_t compose(uint32_t first, uint32_t second)
{
    if (first - L_BASE < L_COUNT && second - V_BASE < V_COUNT)
        return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
    if (first - S_BASE < S_COUNT && (first - S_BASE) % T_COUNT == 0 && second > T_BASE &&
        second - T_BASE < T_COUNT)
        return first + (second - T_BASE);
    size_t low = 0, high = INF_UNICODE_COMPOSITES;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const uint32_t *step = inf_unicode_steps[inf_unicode_composites[mid]];
        if (step[1] < first || (step[1] == first && step[2] < second))
            low = mid + 1;
        else
            high = mid;
    }
    if (low == INF_UNICODE_COMPOSITES)
        return 0;
    const uint32_t *step = inf_unicode_steps[inf_unicode_composites[low]];
    return step[1] == first && step[2] == second ? step[0] : 0;
}

/* Canonical order: marks between two characters of class 0 by their class. */
static void order(struct stretch *w)
{
    uint32_t *items = w->items;
    for (size_t i = 0, end; i < w->count && !w->failed; i = end + 1) {
        for (end = i; end < w->count && items[end] >> 24; end++)
            continue;
        sort_marks(w, items + i, end - i);
    }
}

static void append_items(struct stretch *w, size_t count, struct inf_text *out)
{
    for (size_t i = 0; i < count; i++) {
        char utf8[4];
        inf_text_append(out, utf8, inf_utf8_encode(w->items[i] & 0xffffff, utf8));
    }
    w->count = 0;
}

static void finish_stretch(struct stretch *w, struct inf_text *out)
{
    order(w);
    if (w->failed)
        return;
    uint32_t *items = w->items;
    size_t count = 0, starter = SIZE_MAX;
    for (size_t i = 0; i < w->count; i++) {
        uint32_t mark_class = items[i] >> 24, code = items[i] & 0xffffff, both = 0;
        /* blocked where something of the same or a higher class stands between */
        if (starter != SIZE_MAX && (count == starter + 1 || items[count - 1] >> 24 < mark_class))
            both = compose(items[starter] & 0xffffff, code);
        if (both) {
            items[starter] = both | combining_class(both) << 24;
            continue;
        }
        items[count] = items[i];
        if (!mark_class)
            starter = count;
        count++;
    }
    append_items(w, count, out);
}

void inf_nfc_append(struct inf_text *out, const char *text, size_t len)
{
    struct stretch w = {.a = out->a};
    size_t copied = 0;      /* text[0..copied) is in out */
    size_t last = SIZE_MAX; /* where the plain character before starts */
    for (size_t i = 0; i < len && !w.failed;) {
        uint32_t code;
        size_t step = inf_utf8_decode(text + i, len - i, &code);
        if (!step || !inf_unicode_nfc(code)) {
            last = step ? i : SIZE_MAX;
            i += step ? step : 1;
            continue;
        }
        size_t start = last != SIZE_MAX ? last : i;
        inf_text_append(out, text + copied, start - copied);
        while (start < len && (step = inf_utf8_decode(text + start, len - start, &code)) &&
               (start < i || inf_unicode_nfc(code))) {
            push_decomposed(&w, code);
            start += step;
        }
        finish_stretch(&w, out);
        copied = i = start;
        last = SIZE_MAX;
    }
    inf_text_append(out, text + copied, len - copied);
    out->failed |= w.failed;
    inf_release(w.a, w.items);
    inf_release(w.a, w.spare);
}

void inf_nfd_append(struct inf_text *out, const char *text, size_t len)
{
    struct stretch w = {.a = out->a};
    for (size_t at = 0, step; at < len && !w.failed; at += step) {
        uint32_t code;
        step = inf_utf8_decode(text + at, len - at, &code);
        if (step && code >= 0x80)
            push_decomposed(&w, code);
        /* a character of class 0 ends what is in hand, and so does what is not UTF-8 */
        if (w.count && (!step || code < 0x80 || !(w.items[w.count - 1] >> 24))) {
            order(&w);
            append_items(&w, w.failed ? 0 : w.count, out);
        }
        if (!step || code < 0x80)
            inf_text_append(out, text + at, 1);
        step = step ? step : 1;
    }
    order(&w);
    append_items(&w, w.failed ? 0 : w.count, out);
    out->failed |= w.failed;
    inf_release(w.a, w.items);
    inf_release(w.a, w.spare);
}

bool inf_text_is_ascii(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && (unsigned char)text[i] < 0x80)
        i++;
    return i == len;
}

/* Binary search of pairs by their first number: the last that does not pass `code`; -1: none. */
static int last_pair(const uint32_t (*pairs)[2], int count, uint32_t code)
{
    int low = 0, high = count;
    while (low < high) {
        int mid = (low + high) / 2;
        if (pairs[mid][0] <= code)
            low = mid + 1;
        else
            high = mid;
    }
    return low - 1;
}

bool inf_unicode_is_accent(uint32_t code)
{
    int i = last_pair(inf_unicode_accents, INF_UNICODE_ACCENTS, code);
    return i >= 0 && code <= inf_unicode_accents[i][1];
}

void inf_unicode_append_lower(struct inf_text *out, const char *text, size_t len, uint32_t code,
                              bool lower)
{
    char utf8[4];
    int i = lower && code >= 0x80 ? last_pair(inf_unicode_lower, INF_UNICODE_LOWER, code) : -1;
    if (lower && code >= 'A' && code <= 'Z') {
        utf8[0] = (char)(code + 32);
        inf_text_append(out, utf8, 1);
    } else if (i < 0 || inf_unicode_lower[i][0] != code) {
        inf_text_append(out, text, len);
    } else {
        inf_text_append(out, utf8, inf_utf8_encode(inf_unicode_lower[i][1], utf8));
        if (code == 0x130) /* the one that becomes two: i and a dot above */
            inf_text_append(out, "\xcc\x87", 2);
    }
}
