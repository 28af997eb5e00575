/*
 * The grammar of a turn, made of the same program that reads it.
 *
 *     hold.c          the turn: text, markers, calls
 *     hold_call.c     one call of one tool
 *     hold_text.c     text that does not contain a marker
 *     hold_fence.c    a turn that is a call in a fence
 *     hold_channels.c the messages of harmony
 */
#ifndef INF_HOLD_H
#define INF_HOLD_H

#include "lib/grammar/front.h"
#include "lib/tools/tools.h"

struct inf_hold {
    const struct inf_hold_options *o;
    struct inf_draft d;
    struct inf_budget budget;
    uint32_t text_rule; /* a value up to its closing marker; UINT32_MAX: not yet made */
    infer_error *err;
};

infer_status inf_hold_no_memory(struct inf_hold *h);
/* A failure of a tool's schema; `what` begins with the pointer in it. */
infer_status inf_hold_fail(struct inf_hold *h, const struct inf_tool *tool, infer_status status,
                           const char *what);

/* NULL as those of a draft: there is no memory. */
const struct inf_expr *inf_hold_literal(struct inf_hold *h, const struct inf_literal *literal);
const struct inf_expr *inf_hold_blanks(struct inf_hold *h, uint32_t most);
void inf_hold_edge(struct inf_hold *h, struct inf_graph *g, uint32_t from, uint32_t to,
                   const struct inf_expr *expr);
const struct inf_expr *inf_hold_rule(struct inf_hold *h, const char *name,
                                     const struct inf_expr *body);

/* What stands between two ops of the program, for one tool. */
infer_status inf_hold_call(struct inf_hold *h, const struct inf_tool *tool, uint32_t from,
                           uint32_t to, const struct inf_expr **expr);
/* A tool's arguments as a JSON object; printed: with the blanks of templates alone. */
infer_status inf_hold_arguments(struct inf_hold *h, const struct inf_tool *tool, bool printed,
                                const struct inf_expr **expr);

/* A state where text begins that goes on at `from`, but for some characters, of which the state has edges of
 * its own or none. */
struct inf_hold_start {
    uint32_t state;
    const struct inf_range *without; /* (count): one character each */
    size_t count;
};

/* Text from state `from` on, until one of the literals (those that are text alone: at the first place
 * where it stands), which lead to their ends. text_end (UINT32_MAX: none): where the text may stop. */
struct inf_hold_text {
    struct inf_graph *g;
    uint32_t from, text_end;
    const struct inf_hold_start *starts; /* (start_count) */
    size_t start_count;
    const struct inf_literal *literals[8];
    uint32_t ends[8];
    size_t count;
};

infer_status inf_hold_text(struct inf_hold *h, const struct inf_hold_text *text);

/* From the first start of the text on: a call in a fence, then the end. Adds the starts of the text that begins like
 * such a call and is none. */
infer_status inf_hold_fence(struct inf_hold *h, struct inf_hold_text *text);

infer_status inf_hold_channels(struct inf_hold *h, struct inf_graph *g);

#endif
