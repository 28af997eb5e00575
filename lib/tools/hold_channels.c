/* The grammar of a turn in harmony: its thoughts are messages too, and are held with the rest. */
#include "lib/tools/hold.h"

#include <string.h>

enum part { PART_MESSAGE, PART_CHANNEL, PART_CONSTRAIN, PART_START, PART_END };

static const struct inf_expr *part(struct inf_hold *h, enum part which)
{
    return inf_hold_literal(h, h->o->parts[which]);
}

/* A message of text: <|channel|>NAME<|message|>, and text from state *text on. */
static uint32_t open_message(struct inf_hold *h, struct inf_graph *g, uint32_t from,
                             const char *name)
{
    struct inf_draft *d = &h->d;
    uint32_t text = inf_graph_state(g);
    inf_hold_edge(h, g, from, text,
                  INF_SEQ(d, part(h, PART_CHANNEL), inf_expr_text(d, name), part(h, PART_MESSAGE)));
    return text;
}

/* Text up to <|end|>, then the start of another message; at the end of the turn too, where it may be. */
static infer_status text_message(struct inf_hold *h, struct inf_graph *g, uint32_t from,
                                 const char *name, uint32_t next, bool may_end)
{
    uint32_t text = open_message(h, g, from, name), end = inf_graph_state(g);
    struct inf_hold_text t = {.g = g,
                              .from = text,
                              .text_end = may_end ? 1 : UINT32_MAX,
                              .literals = {h->o->parts[PART_END]},
                              .ends = {end},
                              .count = 1};
    struct inf_draft *d = &h->d;
    infer_status status = inf_hold_text(h, &t);
    if (!status)
        inf_hold_edge(h, g, end, next,
                      INF_SEQ(d, part(h, PART_START), inf_expr_text(d, "assistant")));
    return status;
}

infer_status inf_hold_channels(struct inf_hold *h, struct inf_graph *g)
{
    struct inf_expr_items items = {0};
    struct inf_draft *d = &h->d;
    uint32_t message = inf_graph_state(g), called = inf_graph_state(g);
    infer_status status = text_message(h, g, message, "analysis", message, false);
    inf_graph_jump(g, 0, message);
    if (!status && !h->o->must_call)
        status = text_message(h, g, message, "commentary", message, false);
    if (!status && !h->o->must_call)
        status = text_message(h, g, message, "final", message, true);
    for (size_t i = 0; i < h->o->tools->count && !status; i++) {
        const struct inf_tool *tool = &h->o->tools->items[i];
        const struct inf_expr *arguments;
        if (h->o->only && strcmp(tool->name, h->o->only) != 0)
            continue;
        status = inf_hold_arguments(h, tool, true, &arguments);
        if (!status)
            inf_items_add(d, &items,
                          INF_SEQ(d, inf_expr_bytes(d, tool->name, tool->key.len),
                                  inf_expr_text(d, " "), part(h, PART_CONSTRAIN),
                                  inf_expr_text(d, "json"), part(h, PART_MESSAGE), arguments));
    }
    const struct inf_expr *calls = inf_items_take(d, &items, INF_EXPR_ALT);
    if (status)
        return status;
    inf_hold_edge(
        h, g, message, called,
        INF_SEQ(d, part(h, PART_CHANNEL), inf_expr_text(d, "commentary to=functions."), calls));
    inf_graph_jump(g, called, 1);
    return d->failed ? inf_hold_no_memory(h) : INFER_OK;
}
