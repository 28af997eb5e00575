/* The grammar of a turn. */
#include "lib/tools/hold.h"

#include "lib/base/limits.h"
#include "lib/grammar/matcher.h"

#include <stdio.h>
#include <string.h>

#define NONE UINT32_MAX

infer_status inf_hold_no_memory(struct inf_hold *h)
{
    return inf_fail_memory(h->err, "the grammar of tool calls", h->d.arena.bytes);
}

infer_status inf_hold_fail(struct inf_hold *h, const struct inf_tool *tool, infer_status status,
                           const char *what)
{
    return inf_fail(h->err, status, "tools[%zu]%s.parameters%s",
                    (size_t)(tool - h->o->tools->items), tool->wrapped ? ".function" : "", what);
}

/* ---- Expressions ----------------------------------------------------------------------------- */

const struct inf_expr *inf_hold_literal(struct inf_hold *h, const struct inf_literal *literal)
{
    struct inf_expr_items items = {0};
    for (uint32_t i = 0; i < literal->count; i++) {
        const struct inf_literal_piece *piece = &literal->pieces[i];
        char code[INF_TERMINAL_BYTES];
        if (piece->mark >= 0)
            inf_token_terminal(h->o->program->marks[piece->mark].id, code);
        inf_items_add(&h->d, &items,
                      piece->mark >= 0 ? inf_expr_bytes(&h->d, code, sizeof code)
                                       : inf_expr_bytes(&h->d, piece->text, piece->len));
    }
    return inf_items_take(&h->d, &items, INF_EXPR_SEQ);
}

const struct inf_expr *inf_hold_blanks(struct inf_hold *h, uint32_t most)
{
    static const struct inf_range blanks[] = {{'\n', '\n'}, {' ', ' '}};
    return inf_expr_repeat(&h->d, inf_expr_class(&h->d, blanks, 2, false), 0, most);
}

void inf_hold_edge(struct inf_hold *h, struct inf_graph *g, uint32_t from, uint32_t to,
                   const struct inf_expr *expr)
{
    if (expr)
        inf_graph_edge(g, from, to, expr);
    else
        h->d.failed = true;
}

const struct inf_expr *inf_hold_rule(struct inf_hold *h, const char *name,
                                     const struct inf_expr *body)
{
    uint32_t rule = inf_draft_rule(&h->d, (struct inf_bytes){name, strlen(name)});
    if (h->d.failed || !body)
        return NULL;
    h->d.rules[rule].body = body;
    return inf_expr_call(&h->d, rule);
}

/* ---- The program as a graph ------------------------------------------------------------------ */

/* A form: a state for each op, before (0) and behind (1) its first call. */
struct form {
    struct inf_graph *g;
    uint32_t first, count, exit;
    uint32_t *states; /* (count, 2) */
};

static bool is_call(enum inf_call_op_kind kind)
{
    return kind == INF_CALL_NAME || kind == INF_CALL_NAME_ID || kind == INF_CALL_OBJECT;
}

/* Whether a group, whose ALT stands there, has a call in it. */
static bool has_call(const struct inf_program *p, uint32_t alt)
{
    for (uint32_t i = alt + 1; i < p->ops[alt].to; i++)
        if (is_call(p->ops[i].kind))
            return true;
    return false;
}

static uint32_t state(const struct form *f, uint32_t op, unsigned phase)
{
    return f->states[(op - f->first) * 2 + phase];
}

/* A call of any tool: from one op to the DONE behind it. */
static infer_status add_calls(struct inf_hold *h, const struct form *f, uint32_t op, unsigned phase)
{
    const struct inf_program *p = h->o->program;
    struct inf_expr_items items = {0};
    infer_status status = INFER_OK;
    uint32_t done = op;
    while (p->ops[done].kind != INF_CALL_DONE)
        done++;
    for (size_t i = 0; i < h->o->tools->count && !status; i++) {
        const struct inf_tool *tool = &h->o->tools->items[i];
        const struct inf_expr *one = NULL;
        if (h->o->only && strcmp(tool->name, h->o->only) != 0)
            continue;
        status = inf_hold_call(h, tool, op, done, &one);
        if (!status)
            inf_items_add(&h->d, &items, one);
    }
    const struct inf_expr *all = inf_items_take(&h->d, &items, INF_EXPR_ALT);
    if (!status)
        inf_hold_edge(h, f->g, state(f, op, phase), state(f, done + 1, 1), all);
    return status;
}

static infer_status add_op(struct inf_hold *h, const struct form *f, uint32_t at, unsigned phase)
{
    static const struct inf_range letters[] = {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}};
    const struct inf_program *p = h->o->program;
    const struct inf_call_op *op = &p->ops[at];
    struct inf_draft *d = &h->d;
    uint32_t from = state(f, at, phase);
    bool last = phase && h->o->one_call; /* no call may follow */
    switch (op->kind) {
    case INF_CALL_LITERAL:
        inf_hold_edge(h, f->g, from, state(f, at + 1, phase), inf_hold_literal(h, op->literal));
        break;
    case INF_CALL_BLANKS:
        inf_hold_edge(h, f->g, from, state(f, at + 1, phase),
                      op->line ? inf_expr_text(d, "\n") : inf_hold_blanks(h, 5));
        break;
    case INF_CALL_ID:
        inf_hold_edge(h, f->g, from, state(f, at + 1, phase),
                      inf_expr_repeat(d, inf_expr_class(d, letters, 3, false), 1, 32));
        break;
    case INF_CALL_ALT:
        if (phase || !has_call(p, at))
            inf_graph_jump(f->g, from, state(f, op->to, phase));
        if (!last || !has_call(p, at))
            inf_graph_jump(f->g, from, state(f, at + 1, phase));
        break;
    case INF_CALL_JUMP:
        inf_graph_jump(f->g, from, state(f, op->to, phase));
        break;
    case INF_CALL_EXIT:
        if (phase)
            inf_graph_jump(f->g, from, f->exit);
        break;
    default:
        if (is_call(op->kind) && !last)
            return add_calls(h, f, at, phase);
    }
    return INFER_OK;
}

/* Whether an op stands within a call, which add_calls makes as a whole. */
static bool within_call(const struct inf_program *p, uint32_t first, uint32_t at)
{
    for (uint32_t i = at; i > first; i--) {
        if (p->ops[i - 1].kind == INF_CALL_DONE)
            return false;
        if (is_call(p->ops[i - 1].kind))
            return true;
    }
    return false;
}

/* Adds a form; *start is the state behind its opening marker. */
static infer_status add_form(struct inf_hold *h, struct inf_graph *g, size_t index, uint32_t exit,
                             uint32_t *start)
{
    const struct inf_program *p = h->o->program;
    struct form f = {.g = g, .first = p->starts[index], .exit = exit};
    infer_status status = INFER_OK;
    while (p->ops[f.first + f.count++].kind != INF_CALL_EXIT)
        continue;
    f.states = inf_arena_take(&h->d.arena, (size_t)f.count * 2, sizeof *f.states);
    if (!f.states)
        return inf_hold_no_memory(h);
    for (uint32_t i = 0; i < f.count * 2; i++)
        f.states[i] = inf_graph_state(g);
    for (uint32_t i = 1; i < f.count && !status; i++)
        for (unsigned phase = 0; phase < 2 && !status; phase++)
            if (!within_call(p, f.first, f.first + i))
                status = add_op(h, &f, f.first + i, phase);
    *start = state(&f, f.first + 1, 0);
    return status;
}

/* ---- The turn -------------------------------------------------------------------------------- */

/* Markers that are no content may stand before text and calls. */
static void add_skips(struct inf_hold *h, struct inf_graph *g, uint32_t from)
{
    for (size_t i = 0; i < INF_SKIPS && h->o->program->skips[i]; i++)
        if (h->o->program->skips[i]->pieces[0].mark >= 0)
            inf_hold_edge(h, g, from, from, inf_hold_literal(h, h->o->program->skips[i]));
}

/* A turn that is calls alone, as the template writes them: so the next turn keeps what was made. */
static infer_status only_calls(struct inf_hold *h, struct inf_graph *g)
{
    const struct inf_program *p = h->o->program;
    uint32_t first = inf_graph_state(g), behind = inf_graph_state(g), again = inf_graph_state(g);
    uint32_t start;
    infer_status status;
    inf_hold_edge(h, g, 0, first,
                  inf_expr_repeat(&h->d, inf_expr_text(&h->d, "\n"), 0, h->o->thinks ? 2 : 0));
    add_skips(h, g, first);
    const struct inf_literal *marker = p->ops[p->starts[0]].literal;
    status = add_form(h, g, 0, behind, &start);
    if (status)
        return status;
    if (h->o->family->bare)
        inf_graph_jump(g, first, start);
    else
        inf_hold_edge(h, g, first, start, inf_hold_literal(h, marker));
    inf_hold_edge(h, g, again, start, inf_hold_literal(h, marker));
    inf_hold_edge(h, g, behind, 1, inf_hold_blanks(h, 2));
    if (!h->o->one_call)
        inf_hold_edge(h, g, behind, again, inf_hold_blanks(h, 2));
    return INFER_OK;
}

/* Text, and calls in it. An object at its start would be meant as a call. */
static infer_status text_and_calls(struct inf_hold *h, struct inf_graph *g)
{
    const struct inf_call_family *family = h->o->family;
    const struct inf_program *p = h->o->program;
    bool object = (family->bare && !family->answer) || family->whole[0];
    static const struct inf_range first[] = {
        {'{', '{'}, {'\t', '\t'}, {'\n', '\n'}, {'\r', '\r'}, {' ', ' '}};
    struct inf_hold_text text = {.g = g, .text_end = 1};
    infer_status status = INFER_OK;
    uint32_t start = 0, behind = inf_graph_state(g);
    text.from = inf_graph_state(g);
    struct inf_hold_start begin = {
        .state = inf_graph_state(g), .without = first, .count = object ? 5 : 0};
    for (size_t i = 0; i < INF_FORMS && p->starts[i] != NONE && !status; i++) {
        status = add_form(h, g, i, behind, &start);
        text.literals[text.count] = p->ops[p->starts[i]].literal;
        text.ends[text.count++] = start;
        if (i > 0)
            continue;
        if (family->bare)
            inf_graph_jump(g, begin.state, start);
        if (family->answer) { /* a name that stands before text */
            inf_hold_edge(h, g, start, text.from, inf_expr_text(&h->d, family->answer));
            inf_graph_jump(g, begin.state, 1);
        }
    }
    if (status)
        return status;
    add_skips(h, g, text.from);
    if (family->bare || object)
        add_skips(h, g, begin.state);
    if (object) {
        text.starts = &begin;
        text.start_count = 1;
        inf_hold_edge(h, g, begin.state, begin.state, inf_expr_class(&h->d, first + 1, 4, false));
    }
    if (family->fence && (status = inf_hold_fence(h, &text)))
        return status;
    inf_graph_jump(g, 0, family->bare || object ? begin.state : text.from);
    inf_hold_edge(h, g, behind, 1, inf_hold_blanks(h, 2));
    if (!h->o->one_call)
        inf_graph_jump(g, behind, text.from);
    return inf_hold_text(h, &text);
}

static infer_status make(struct inf_hold *h, struct inf_automaton **m)
{
    uint32_t root = inf_draft_rule(&h->d, (struct inf_bytes){"turn", 4});
    struct inf_graph *g = inf_graph_new(&h->d);
    if (h->d.failed || !g)
        return inf_hold_no_memory(h);
    infer_status status = h->o->family->channels ? inf_hold_channels(h, g)
                          : h->o->must_call      ? only_calls(h, g)
                                                 : text_and_calls(h, g);
    if (status)
        return status;
    g->may_be_empty = !h->o->must_call;
    h->d.rules[root].body = inf_expr_graph(g);
    if (h->d.failed)
        return inf_hold_no_memory(h);
    return inf_automaton_new(&h->d, root, &h->budget, m, h->err);
}

infer_status inf_hold_new(const infer_allocator *a, const struct inf_token_trie *trie,
                          const struct inf_hold_options *options, struct inf_grammar **grammar,
                          infer_error *err)
{
    struct inf_hold h = {
        .o = options,
        .budget = {.work = INF_GRAMMAR_WORK, .states = INF_MAX_GRAMMAR_STATES},
        .text_rule = NONE,
        .err = err,
    };
    struct inf_automaton *m;
    *grammar = NULL;
    inf_draft_init(&h.d, a);
    infer_status status = make(&h, &m);
    inf_draft_free(&h.d);
    if (status)
        return status;
    /* the reader takes a marker for one wherever it may stand: so it is no text anywhere */
    const struct inf_program *p = options->program;
    infer_token *marks = inf_alloc_zero(a, p->mark_count, sizeof *marks);
    for (size_t i = 0; marks && i < p->mark_count; i++)
        marks[i] = p->marks[i].id;
    if (marks) {
        status = inf_grammar_wrap(a, trie, m, marks, p->mark_count, grammar, err);
    } else {
        status = inf_fail_memory(err, "the grammar of tool calls", p->mark_count * sizeof *marks);
        inf_automaton_free(m);
    }
    inf_release(a, marks);
    return status;
}
