/*
 * The automaton. A node is a beginning of a stop text; node 0 is the empty one. Its children, by
 * byte, stand in one hash table; `fail` is the node of the longest proper end of it that is a
 * node. Nodes are made level by level, so that a node's number is greater than its fail's.
 */
#include "lib/sample/stops.h"

#include "lib/base/limits.h"

#include <string.h>

struct node {
    uint32_t fail;
    uint32_t depth; /* length of the beginning */
    uint32_t match; /* length of the longest stop text that it ends with; 0: none */
};

struct edge {
    uint32_t from; /* node << 8 | byte */
    uint32_t to;   /* 0: the slot is free (no edge leads to the root) */
};

_Static_assert(INF_MAX_STRING <= 1u << 24, "a node and a byte must fit into 32 bits");

struct inf_stops {
    infer_allocator a;
    struct node *nodes;
    uint32_t node_count;
    struct edge *edges;
    uint32_t edge_mask; /* slots - 1, a power of two less one */

    uint32_t state; /* node: the longest end of the text that begins a stop text */
    bool found;
    char *text; /* text[shown ... end) is held back */
    size_t shown, end, capacity;
};

static struct edge *edge_slot(const struct inf_stops *s, uint32_t node, unsigned char byte)
{
    uint32_t from = node << 8 | byte, at = from * 0x9e3779b1u;
    for (at = (at ^ at >> 15) & s->edge_mask;; at = (at + 1) & s->edge_mask)
        if (s->edges[at].to == 0 || s->edges[at].from == from)
            return s->edges + at;
}

/* The node after `byte`: falls back until one goes on with it. */
static uint32_t step(const struct inf_stops *s, uint32_t node, unsigned char byte)
{
    for (;; node = s->nodes[node].fail) {
        uint32_t to = edge_slot(s, node, byte)->to;
        if (to || node == 0)
            return to;
    }
}

/* Child of `node` by `byte`, made where it is missing. All nodes of lesser depth are there. */
static uint32_t child(struct inf_stops *s, uint32_t node, unsigned char byte)
{
    struct edge *edge = edge_slot(s, node, byte);
    if (edge->to == 0) {
        uint32_t fail = node ? step(s, s->nodes[node].fail, byte) : 0;
        *edge = (struct edge){node << 8 | byte, s->node_count};
        s->nodes[s->node_count++] = (struct node){fail, s->nodes[node].depth + 1, 0};
    }
    return edge->to;
}

/* One stop text on its way into the automaton. */
struct cursor {
    const char *rest;
    uint32_t node;
};

static void build(struct inf_stops *s, struct cursor *cursors, size_t count)
{
    s->node_count = 1; /* the root, all zero */
    while (count) {
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            struct cursor c = cursors[i];
            c.node = child(s, c.node, (unsigned char)*c.rest++);
            if (*c.rest)
                cursors[left++] = c;
            else
                s->nodes[c.node].match = s->nodes[c.node].depth;
        }
        count = left;
    }
    for (uint32_t i = 1; i < s->node_count; i++)
        if (s->nodes[i].match == 0)
            s->nodes[i].match = s->nodes[s->nodes[i].fail].match;
}

/* Bytes of all texts, and of the longest. */
static infer_status measure(const char *const *texts, size_t count, size_t *total, size_t *longest,
                            infer_error *err)
{
    *total = *longest = 0;
    if (count && !texts)
        return inf_fail(err, INFER_E_ARGUMENT, "stop: NULL, the count is %zu", count);
    for (size_t i = 0; i < count; i++) {
        if (!texts[i] || !*texts[i])
            return inf_fail(err, INFER_E_ARGUMENT, "stop[%zu]: %s", i,
                            texts[i] ? "an empty text" : "NULL");
        size_t len = strnlen(texts[i], INF_MAX_STRING);
        *total += len;
        *longest = inf_max_size(*longest, len);
        if (*total >= INF_MAX_STRING)
            return inf_fail(err, INFER_E_LIMIT,
                            "stop[%zu]: the stop texts have %zu bytes or more, at most %u", i,
                            *total, INF_MAX_STRING - 1);
    }
    return INFER_OK;
}

infer_status inf_stops_new(const infer_allocator *a, const char *const *texts, size_t count,
                           struct inf_stops **stops, infer_error *err)
{
    size_t total, longest, slots = 2;
    *stops = NULL;
    infer_status status = measure(texts, count, &total, &longest, err);
    if (status)
        return status;
    while (slots < 2 * total)
        slots *= 2;
    struct inf_stops *s = inf_alloc_zero(a, 1, sizeof *s);
    struct cursor *cursors = inf_alloc_zero(a, count, sizeof *cursors);
    if (s) {
        s->a = *a;
        s->nodes = inf_alloc_zero(a, total + 1, sizeof *s->nodes);
        s->edges = inf_alloc_zero(a, slots, sizeof *s->edges);
        s->edge_mask = (uint32_t)(slots - 1);
        /* Twice what can be held (a stop text, and 3 bytes of a character), so that moving it to
         * the front pays, and a token. */
        s->capacity = 2 * (longest + 4) + INF_MAX_TOKEN_TEXT;
        s->text = inf_alloc(a, s->capacity);
    }
    if (!s || !cursors || !s->nodes || !s->edges || !s->text) {
        inf_stops_free(s);
        inf_release(a, cursors);
        return inf_fail(err, INFER_E_MEMORY, "no memory for %zu stop texts of %zu bytes", count,
                        total);
    }
    for (size_t i = 0; i < count; i++)
        cursors[i].rest = texts[i];
    build(s, cursors, count);
    inf_release(a, cursors);
    *stops = s;
    return INFER_OK;
}

void inf_stops_free(struct inf_stops *stops)
{
    if (!stops)
        return;
    infer_allocator a = stops->a;
    inf_release(&a, stops->nodes);
    inf_release(&a, stops->edges);
    inf_release(&a, stops->text);
    inf_release(&a, stops);
}

/* Appends to the text; what was shown goes. */
static infer_status append(struct inf_stops *s, const char *bytes, size_t len, infer_error *err)
{
    if (len > s->capacity - s->end) {
        size_t held = s->end - s->shown, need;
        void *text = s->text;
        if (!inf_add_size(held, len, &need) ||
            (need > s->capacity && !inf_grow(&s->a, &text, &s->capacity, need, 1)))
            return inf_fail_memory(err, "text", len);
        s->text = text;
        memmove(s->text, s->text + s->shown, held);
        s->shown = 0;
        s->end = held;
    }
    if (len)
        memcpy(s->text + s->end, bytes, len);
    s->end += len;
    return INFER_OK;
}

/* Whether text[0..len) may be the beginning of a character whose other bytes are to come. */
static bool is_beginning(const char *text, size_t len)
{
    static const char *const rests[] = {"\x80", "\x80\x80", "\x80\x80\x80",
                                        "\xbf", "\xbf\xbf", "\xbf\xbf\xbf"};
    uint32_t code;
    if (len == 0 || len > 3)
        return false;
    /* What may follow is a range of bytes that holds 80 or BF; so these continuations decide. */
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        char whole[8] = {0};
        size_t rest = strlen(rests[i]);
        memcpy(whole, text, len);
        memcpy(whole + len, rests[i], rest);
        if (inf_utf8_decode(whole, len + rest, &code) == len + rest)
            return true;
    }
    return false;
}

/* Moves `at` over whole characters (and bytes that are none) as far as `bound`; text[end) is the
 * end of what is known. */
static size_t whole_characters(const char *text, size_t at, size_t bound, size_t end)
{
    while (at < bound) {
        uint32_t code;
        size_t len = inf_utf8_decode(text + at, end - at, &code);
        if (len == 0 && is_beginning(text + at, end - at))
            break;
        len = len ? len : 1;
        if (len > bound - at)
            break;
        at += len;
    }
    return at;
}

infer_status inf_stops_feed(struct inf_stops *stops, const char *bytes, size_t len,
                            struct inf_bytes *out, bool *found, infer_error *err)
{
    struct inf_stops *s = stops;
    *out = (struct inf_bytes){s->text, 0};
    *found = s->found;
    if (s->found)
        return INFER_OK;
    size_t before = s->end - s->shown;
    infer_status status = append(s, bytes, len, err);
    if (status)
        return status;
    size_t at = s->shown + before, bound;
    while (at < s->end && s->nodes[s->state].match == 0)
        s->state = step(s, s->state, (unsigned char)s->text[at++]);
    s->found = s->nodes[s->state].match != 0;
    if (s->found)
        bound = at - s->nodes[s->state].match;
    else
        bound = whole_characters(s->text, s->shown, s->end - s->nodes[s->state].depth, s->end);
    *out = (struct inf_bytes){s->text + s->shown, bound - s->shown};
    *found = s->found;
    s->shown = bound;
    return INFER_OK;
}

struct inf_bytes inf_stops_flush(struct inf_stops *stops)
{
    struct inf_stops *s = stops;
    struct inf_bytes out = {s->text + s->shown, s->found ? 0 : s->end - s->shown};
    s->shown = s->end;
    s->state = 0;
    s->found = false;
    return out;
}
