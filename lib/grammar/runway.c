/* How far a state takes whatever plain text comes, as a JSON string does. */
#include "lib/grammar/matcher.h"

#include <string.h>

#define FAILS UINT32_MAX
#define WORK_MAX 4096 /* edges looked at for one state; more: no runway */
#define AFTER_MAX 8   /* states that one character may lead to; more: no runway */

/* UTF-8 of plain characters: in each of its states the bytes that lead on. */
struct utf8_edge {
    unsigned char low, high, to;
};

static const struct utf8_edge utf8[8][9] = {
    {{0x20, 0x21, 0},
     {0x23, 0x5b, 0},
     {0x5d, 0x7e, 0},
     {0xc2, 0xdf, 1},
     {0xe0, 0xe0, 2},
     {0xe1, 0xec, 3},
     {0xed, 0xed, 4},
     {0xee, 0xef, 3},
     {0xf0, 0xf4, 5}},
    {{0x80, 0xbf, 0}},
    {{0xa0, 0xbf, 1}},
    {{0x80, 0xbf, 1}},
    {{0x80, 0x9f, 1}},
    {{0}}, /* four bytes: split by the first, see below */
    {{0x80, 0xbf, 3}},
};

struct search {
    const struct inf_automaton *m;
    uint32_t after[AFTER_MAX]; /* where whole characters lead */
    uint32_t count, work;
    bool fails;
};

static void cover(struct search *s, uint32_t state, unsigned low, unsigned high, unsigned to);

/* All texts that lead on from `utf`, from a state of the machine: at most four bytes deep. */
static void follow(struct search *s, uint32_t state, unsigned utf)
{
    for (unsigned i = 0; i < 9 && utf8[utf][i].high && !s->fails; i++)
        cover(s, state, utf8[utf][i].low, utf8[utf][i].high, utf8[utf][i].to);
}

static void arrive(struct search *s, uint32_t state, unsigned byte, unsigned to)
{
    if (to == 5) { /* what may stand behind F0 ... F4 */
        unsigned low = byte == 0xf0 ? 0x90 : 0x80, high = byte == 0xf4 ? 0x8f : 0xbf;
        cover(s, state, low, high, 3);
        return;
    }
    if (to) {
        follow(s, state, to);
        return;
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (s->after[i] == state)
            return;
    if (s->count == AFTER_MAX)
        s->fails = true;
    else
        s->after[s->count++] = state;
}

/* Each byte of low ... high must lead on. */
static void cover(struct search *s, uint32_t state, unsigned low, unsigned high, unsigned to)
{
    const struct inf_state *q = &s->m->states[state];
    unsigned next = low;
    for (uint32_t e = q[0].edge; e < q[1].edge && next <= high && !s->fails; e++) {
        const struct inf_edge *edge = &s->m->edges[e];
        if (++s->work > WORK_MAX)
            break;
        if (edge->high < next)
            continue;
        if (edge->low > next)
            break;
        unsigned end = edge->high < high ? edge->high : high;
        if (to == 5)
            for (unsigned byte = next; byte <= end; byte++)
                arrive(s, edge->to, byte, to);
        else
            arrive(s, edge->to, next, to);
        next = end + 1;
    }
    if (next <= high)
        s->fails = true;
}

/* The least of runway[after] + 1, from the states that fail on: breadth first, over the characters
 * backwards. */
static void spread(uint32_t *runway, const uint32_t *first, const uint32_t *before, uint32_t *todo,
                   uint32_t count)
{
    size_t head = 0, tail = 0;
    for (uint32_t s = 0; s < count; s++)
        if (runway[s] == 0)
            todo[tail++] = s;
    while (head < tail) {
        uint32_t s = todo[head++];
        for (uint32_t i = first[s]; i < first[s + 1]; i++)
            if (runway[before[i]] == UINT32_MAX) {
                runway[before[i]] = runway[s] + 1;
                todo[tail++] = before[i];
            }
    }
}

uint32_t *inf_runway_new(const infer_allocator *a, const struct inf_automaton *m)
{
    uint32_t count = m->state_count;
    uint32_t *runway = inf_alloc_zero(a, count, sizeof *runway);
    uint32_t *after = inf_alloc_zero(a, (size_t)count * AFTER_MAX, sizeof *after);
    uint32_t *before = inf_alloc_zero(a, (size_t)count * AFTER_MAX, sizeof *before);
    uint32_t *first = inf_alloc_zero(a, (size_t)count + 1, sizeof *first);
    uint32_t *todo = inf_alloc_zero(a, count, sizeof *todo);
    bool memory = runway && after && before && first && todo;
    for (uint32_t s = 0; memory && s < count; s++) {
        struct search search = {.m = m};
        follow(&search, s, 0);
        memset(after + (size_t)s * AFTER_MAX, 0xff, AFTER_MAX * sizeof *after);
        runway[s] = search.fails ? 0 : UINT32_MAX;
        for (uint32_t i = 0; i < search.count && !search.fails; i++) {
            after[(size_t)s * AFTER_MAX + i] = search.after[i];
            first[search.after[i]]++;
        }
    }
    if (memory) {
        for (uint32_t s = 1; s <= count; s++)
            first[s] += first[s - 1];
        for (size_t i = (size_t)count * AFTER_MAX; i-- > 0;)
            if (after[i] != FAILS)
                before[--first[after[i]]] = (uint32_t)(i / AFTER_MAX);
        spread(runway, first, before, todo, count);
    }
    inf_release(a, after);
    inf_release(a, before);
    inf_release(a, first);
    inf_release(a, todo);
    if (!memory) {
        inf_release(a, runway);
        return NULL;
    }
    return runway;
}
