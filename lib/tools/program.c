/* Patterns to programs. */
#include "lib/tools/tools.h"

#include <string.h>

struct compiler {
    struct inf_arena *arena;
    struct inf_program *p;
    const struct inf_mark_source *source;
};

static infer_status no_memory(infer_error *err)
{
    return inf_fail_memory(err, "the form of tool calls", sizeof(struct inf_literal));
}

/* The number of a token among the marks; -1: no memory. */
static int32_t mark_of(struct inf_arena *arena, struct inf_program *p, infer_token id, bool control)
{
    for (size_t i = 0; i < p->mark_count; i++)
        if (p->marks[i].id == id)
            return (int32_t)i;
    if (p->mark_count == p->mark_capacity) {
        size_t capacity = 2 * p->mark_capacity + 16;
        struct inf_mark *more = inf_arena_take(arena, capacity, sizeof *more);
        if (!more)
            return -1;
        if (p->mark_count)
            memcpy(more, p->marks, p->mark_count * sizeof *more);
        p->marks = more;
        p->mark_capacity = capacity;
    }
    p->marks[p->mark_count] = (struct inf_mark){id, control};
    return (int32_t)p->mark_count++;
}

const struct inf_literal *inf_program_literal(struct inf_arena *arena, struct inf_program *p,
                                              const struct inf_mark_source *source,
                                              const char *text, size_t len)
{
    struct inf_literal *literal = inf_arena_take(arena, 1, sizeof *literal);
    const char *end = text + len;
    while (literal && text < end && literal->count < INF_PIECES) {
        const char *stop = memmem(text, (size_t)(end - text), "%|", 2);
        size_t n = stop ? (size_t)(stop - text) : (size_t)(end - text);
        bool control = false;
        infer_token id = source->find(source->ud, text, n, &control);
        struct inf_literal_piece *piece = &literal->pieces[literal->count++];
        *piece = (struct inf_literal_piece){text, (uint32_t)n, -1};
        if (id >= 0 && (piece->mark = mark_of(arena, p, id, control)) < 0)
            return NULL;
        text += n + (stop ? 2 : 0);
    }
    return literal;
}

static bool add(struct compiler *c, struct inf_call_op op)
{
    struct inf_program *p = c->p;
    if (p->count == p->capacity) {
        uint32_t capacity = 2 * p->capacity + 32;
        struct inf_call_op *more = inf_arena_take(c->arena, capacity, sizeof *more);
        if (!more)
            return false;
        if (p->count)
            memcpy(more, p->ops, p->count * sizeof *more);
        p->ops = more;
        p->capacity = capacity;
    }
    p->ops[p->count++] = op;
    return true;
}

static enum inf_call_op_kind kind_of(char c)
{
    static const struct {
        char c;
        enum inf_call_op_kind kind;
    } kinds[] = {
        {'_', INF_CALL_BLANKS},    {'l', INF_CALL_BLANKS},  {'n', INF_CALL_NAME},
        {'i', INF_CALL_ID},        {'k', INF_CALL_NAME_ID}, {'a', INF_CALL_ARGUMENTS},
        {'o', INF_CALL_OBJECT},    {'g', INF_CALL_GEMMA},   {'y', INF_CALL_PYTHON},
        {'m', INF_CALL_PARAMETER}, {'v', INF_CALL_VALUE},   {'V', INF_CALL_VALUE},
        {'t', INF_CALL_IS_STRING}, {'c', INF_CALL_DONE},    {'(', INF_CALL_ALT},
        {'{', INF_CALL_ALT},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].c == c)
            return kinds[i].kind;
    return INF_CALL_EXIT;
}

static const char quote[] = "<|\"|>"; /* around Gemma's strings */

/* One form. Groups nest at most 4 deep. */
static bool compile(struct compiler *c, const char *text)
{
    uint32_t open[4] = {0}, depth = 0;
    bool ok = true;
    while (*text && ok) {
        const char *stop = text;
        while (*stop && !(stop[0] == '%' && stop[1] != '|'))
            stop++;
        if (stop > text) {
            const struct inf_literal *literal =
                inf_program_literal(c->arena, c->p, c->source, text, (size_t)(stop - text));
            ok = literal &&
                 add(c, (struct inf_call_op){.kind = INF_CALL_LITERAL, .literal = literal});
            text = stop;
            continue;
        }
        char sign = text[1];
        text += 2;
        if (sign == ')' || sign == '}') {
            uint32_t first = open[--depth];
            if (sign == '}')
                ok = add(c, (struct inf_call_op){INF_CALL_JUMP, .to = first});
            c->p->ops[first].to = c->p->count;
            continue;
        }
        c->p->tagged |= sign == 'm';
        if (sign == '(' || sign == '{')
            open[depth++] = c->p->count;
        struct inf_call_op op = {.kind = kind_of(sign), .trim = sign == 'V', .line = sign == 'l'};
        if (sign == 'g') {
            op.literal = inf_program_literal(c->arena, c->p, c->source, quote, strlen(quote));
            ok = op.literal != NULL;
        }
        ok = ok && add(c, op);
    }
    return ok && add(c, (struct inf_call_op){.kind = INF_CALL_EXIT});
}

static infer_token no_mark(const void *ud, const char *text, size_t len, bool *control)
{
    (void)ud, (void)text, (void)len, (void)control;
    return -1;
}

infer_status inf_program_new(struct inf_arena *arena, const struct inf_call_family *family,
                             const struct inf_mark_source *source, struct inf_program *p,
                             infer_error *err)
{
    static const struct inf_mark_source no_marks = {NULL, no_mark};
    struct compiler c = {arena, p, source}, plain = {arena, p, &no_marks};
    *p = (struct inf_program){.ops = NULL};
    for (size_t i = 0; i < INF_FORMS; i++) {
        p->starts[i] = family->forms[i] ? p->count : UINT32_MAX;
        if (family->forms[i] && !compile(&c, family->forms[i]))
            return no_memory(err);
    }
    for (size_t i = 0; i < INF_WHOLES; i++) {
        p->wholes[i] = family->whole[i] ? p->count : UINT32_MAX;
        if (family->whole[i] && !compile(&c, family->whole[i]))
            return no_memory(err);
    }
    p->fence = family->fence ? p->count : UINT32_MAX;
    if (family->fence && !compile(&plain, family->fence))
        return no_memory(err);
    for (size_t i = 0; i < INF_SKIPS && family->skips[i]; i++)
        if (!(p->skips[i] = inf_program_literal(arena, p, source, family->skips[i],
                                                strlen(family->skips[i]))))
            return no_memory(err);
    return INFER_OK;
}

static void collect(const struct inf_program *p, uint32_t at, struct inf_choices *out)
{
    for (;;) {
        const struct inf_call_op *op = &p->ops[at];
        switch (op->kind) {
        case INF_CALL_LITERAL:
            if (out->count < INF_CHOICES) {
                out->items[out->count].literal = op->literal;
                out->items[out->count++].next = at + 1;
            }
            return;
        case INF_CALL_BLANKS:
            out->blanks = true;
            at++;
            break;
        case INF_CALL_DONE:
            at++;
            break;
        case INF_CALL_ALT:
            collect(p, at + 1, out);
            at = op->to;
            break;
        case INF_CALL_JUMP:
            at = op->to;
            break;
        case INF_CALL_EXIT:
            out->ends = true;
            return;
        default:
            return;
        }
    }
}

void inf_program_choices(const struct inf_program *p, uint32_t at, struct inf_choices *out)
{
    *out = (struct inf_choices){.count = 0};
    collect(p, at, out);
}
