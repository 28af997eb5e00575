/* Text that does not contain a marker, as an automaton of Aho and Corasick over characters. */
#include "lib/tools/hold.h"

#include <string.h>

#define NODES_MAX 256
#define LETTERS_MAX 64

struct search {
    struct inf_hold *h;
    const struct inf_hold_text *t;
    uint32_t texts[8][INF_PIECES * 16]; /* code points of the literals that are text alone */
    size_t lens[8];
    struct {
        size_t literal, len; /* the first characters of a literal */
        uint32_t state;
    } nodes[NODES_MAX];
    size_t node_count;
    uint32_t letters[LETTERS_MAX];
    size_t letter_count;
};

/* The code points of a literal; 0: it has a token in it, or is too long. */
static size_t decode(const struct inf_literal *literal, uint32_t *codes, size_t most)
{
    size_t count = 0;
    for (uint32_t p = 0; p < literal->count; p++) {
        const struct inf_literal_piece *piece = &literal->pieces[p];
        if (piece->mark >= 0)
            return 0;
        for (size_t at = 0, n; at < piece->len; at += n, count++) {
            if (count == most)
                return 0;
            n = inf_utf8_decode(piece->text + at, piece->len - at, &codes[count]);
            if (!n)
                return 0;
        }
    }
    return count;
}

static void add_letter(struct search *s, uint32_t code)
{
    for (size_t i = 0; i < s->letter_count; i++)
        if (s->letters[i] == code)
            return;
    if (s->letter_count < LETTERS_MAX)
        s->letters[s->letter_count++] = code;
}

static bool same(const struct search *s, size_t a, size_t b, size_t len)
{
    return !memcmp(s->texts[a], s->texts[b], len * sizeof **s->texts);
}

/* The nodes: each different beginning of a literal, the empty one first. */
static bool add_nodes(struct search *s)
{
    s->nodes[s->node_count++].state = s->t->from;
    for (size_t l = 0; l < s->t->count; l++)
        for (size_t len = 1; len <= s->lens[l]; len++) {
            bool known = false;
            for (size_t i = 1; i < s->node_count && !known; i++)
                known = s->nodes[i].len == len && same(s, s->nodes[i].literal, l, len);
            add_letter(s, s->texts[l][len - 1]);
            if (known)
                continue;
            if (s->node_count == NODES_MAX)
                return false;
            s->nodes[s->node_count].literal = l;
            s->nodes[s->node_count].len = len;
            s->nodes[s->node_count++].state =
                len == s->lens[l] ? s->t->ends[l] : inf_graph_state(s->t->g);
        }
    return s->letter_count < LETTERS_MAX;
}

/* Whether a node is a literal as a whole. */
static bool is_end(const struct search *s, size_t node)
{
    return node && s->nodes[node].len == s->lens[s->nodes[node].literal];
}

/* The node behind a character: the longest end of (the node's text, the character). */
static size_t step(const struct search *s, size_t node, uint32_t code)
{
    uint32_t text[INF_PIECES * 16 + 1];
    size_t len = s->nodes[node].len, best = 0;
    if (len)
        memcpy(text, s->texts[s->nodes[node].literal], len * sizeof *text);
    text[len++] = code;
    for (size_t i = 1; i < s->node_count; i++)
        if (s->nodes[i].len <= len && s->nodes[i].len > s->nodes[best].len &&
            !memcmp(s->texts[s->nodes[i].literal], text + len - s->nodes[i].len,
                    s->nodes[i].len * sizeof *text))
            best = i;
    return best;
}

/* Whether text may begin at a place with that character. */
static bool may_begin(const struct inf_hold_start *start, uint32_t code)
{
    for (size_t i = 0; i < start->count; i++)
        if (start->without[i].low == code)
            return false;
    return true;
}

/* The edges of a node, from a state. */
static void add_edges(struct search *s, size_t node, const struct inf_hold_start *start)
{
    struct inf_draft *d = &s->h->d;
    uint32_t from = start->state;
    size_t count = start->count;
    struct inf_range *ranges =
        inf_arena_take(&d->arena, count + s->letter_count + 1, sizeof *ranges);
    if (!ranges) {
        d->failed = true;
        return;
    }
    if (count)
        memcpy(ranges, start->without, count * sizeof *ranges);
    for (size_t i = 0; i < s->letter_count; i++) {
        struct inf_range one = {s->letters[i], s->letters[i]};
        size_t to = step(s, node, s->letters[i]);
        if (!to || !may_begin(start, one.low))
            continue;
        ranges[count++] = one;
        inf_hold_edge(s->h, s->t->g, from, s->nodes[to].state, inf_expr_class(d, &one, 1, false));
    }
    inf_hold_edge(s->h, s->t->g, from, s->nodes[0].state, inf_expr_class(d, ranges, count, true));
}

/* What may stand in text at a node: characters, its end, markers that are tokens. */
static void add_state(struct search *s, size_t node, const struct inf_hold_start *start)
{
    const struct inf_hold_text *t = s->t;
    add_edges(s, node, start);
    if (t->text_end != UINT32_MAX)
        inf_graph_jump(t->g, start->state, t->text_end);
    for (size_t l = 0; l < t->count; l++)
        if (!s->lens[l])
            inf_hold_edge(s->h, t->g, start->state, t->ends[l],
                          inf_hold_literal(s->h, t->literals[l]));
}

infer_status inf_hold_text(struct inf_hold *h, const struct inf_hold_text *t)
{
    struct search *s = inf_arena_take(&h->d.arena, 1, sizeof *s);
    if (!s)
        return inf_hold_no_memory(h);
    s->h = h;
    s->t = t;
    for (size_t l = 0; l < t->count; l++)
        s->lens[l] = decode(t->literals[l], s->texts[l], INF_PIECES * 16);
    if (!add_nodes(s))
        return inf_fail(h->err, INFER_E_LIMIT, "the markers of the format are too long");
    for (size_t i = 0; i < s->node_count && !h->d.failed; i++)
        if (!is_end(s, i))
            add_state(s, i, &(struct inf_hold_start){.state = s->nodes[i].state});
    for (size_t i = 0; i < t->start_count && !h->d.failed; i++)
        add_state(s, 0, &t->starts[i]);
    return h->d.failed ? inf_hold_no_memory(h) : INFER_OK;
}
