/* A turn that is a call in a code fence. What begins like one and is none is text. */
#include "lib/tools/hold.h"

#include <string.h>

/* The characters up to the tool's name, as a tree: a node for each beginning. In all of them text may begin. */
struct fence {
    struct inf_hold *h;
    struct inf_graph *g;
    struct inf_hold_start *nodes;
    size_t *parents;
    uint32_t *codes; /* of a node: the character that leads to it */
    size_t count, capacity;
};

static void take_out(struct fence *f, size_t node, uint32_t code)
{
    struct inf_hold_start *start = &f->nodes[node];
    struct inf_range *more = inf_arena_take(&f->h->d.arena, start->count + 1, sizeof *more);
    if (!more) {
        f->h->d.failed = true;
        return;
    }
    if (start->count)
        memcpy(more, start->without, start->count * sizeof *more);
    more[start->count++] = (struct inf_range){code, code};
    start->without = more;
}

/* The node behind a character; `to` (0: a new one): which it is, where there is none yet. */
static size_t go(struct fence *f, size_t node, uint32_t code, size_t to)
{
    struct inf_range one = {code, code};
    for (size_t i = 1; i < f->count; i++)
        if (f->parents[i] == node && f->codes[i] == code)
            return i;
    if (!to && f->count < f->capacity) {
        to = f->count++;
        f->nodes[to] = (struct inf_hold_start){.state = inf_graph_state(f->g)};
        f->parents[to] = node;
        f->codes[to] = code;
    }
    take_out(f, node, code);
    inf_hold_edge(f->h, f->g, f->nodes[node].state, f->nodes[to].state,
                  inf_expr_class(&f->h->d, &one, 1, false));
    return to;
}

static size_t go_all(struct fence *f, size_t node, const char *text)
{
    for (; *text; text++)
        node = go(f, node, (unsigned char)*text, 0);
    return node;
}

/* Blanks may stand at a node. */
static size_t blanks(struct fence *f, size_t node)
{
    for (const char *c = "\t\n\r "; *c; c++)
        go(f, node, (unsigned char)*c, node);
    return node;
}

/* What follows the name of a tool: it is a call now. */
static infer_status rest(struct fence *f, const struct inf_tool *tool, size_t node)
{
    struct inf_hold *h = f->h;
    const struct inf_expr *arguments, *blank = inf_hold_blanks(h, 16);
    infer_status status = inf_hold_arguments(h, tool, false, &arguments);
    if (status)
        return status;
    take_out(f, node, '"');
    inf_hold_edge(h, f->g, f->nodes[node].state, 1,
                  INF_SEQ(&h->d, inf_expr_text(&h->d, "\""), blank, inf_expr_text(&h->d, ","),
                          blank, inf_expr_text(&h->d, "\"arguments\""), blank,
                          inf_expr_text(&h->d, ":"), blank, arguments, blank,
                          inf_expr_text(&h->d, "}"), blank, inf_expr_text(&h->d, "```"), blank));
    return INFER_OK;
}

infer_status inf_hold_fence(struct inf_hold *h, struct inf_hold_text *text)
{
    const struct inf_tool_list *tools = h->o->tools;
    struct fence f = {.h = h, .g = text->g, .count = 1, .capacity = 32};
    for (size_t i = 0; i < tools->count; i++)
        f.capacity += tools->items[i].key.len;
    f.nodes = inf_arena_take(&h->d.arena, f.capacity, sizeof *f.nodes);
    f.parents = inf_arena_take(&h->d.arena, f.capacity, sizeof *f.parents);
    f.codes = inf_arena_take(&h->d.arena, f.capacity, sizeof *f.codes);
    if (!f.nodes || !f.parents || !f.codes)
        return inf_hold_no_memory(h);
    f.nodes[0] = text->starts[0];
    size_t fence = blanks(&f, go_all(&f, 0, "```"));
    size_t name = blanks(&f, go_all(&f, fence, "json"));
    name = go(&f, name, '{', 0);
    go(&f, fence, '{', name);
    name = blanks(&f, go_all(&f, blanks(&f, name), "\"name\""));
    name = go(&f, blanks(&f, go(&f, name, ':', 0)), '"', 0);
    infer_status status = INFER_OK;
    for (size_t i = 0; i < tools->count && !status && !h->d.failed; i++) {
        const struct inf_tool *tool = &tools->items[i];
        size_t node = name;
        uint32_t code;
        for (size_t at = 0; at < tool->key.len;
             at += inf_utf8_decode(tool->name + at, tool->key.len - at, &code)) {
            inf_utf8_decode(tool->name + at, tool->key.len - at, &code);
            node = go(&f, node, code, 0);
        }
        status = rest(&f, tool, node);
    }
    text->starts = f.nodes;
    text->start_count = f.count;
    return status ? status : h->d.failed ? inf_hold_no_memory(h) : INFER_OK;
}
