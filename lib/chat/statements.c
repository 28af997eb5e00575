/* Statements: the text of a template as a tree. */
#include "lib/chat/template.h"

#include "lib/base/limits.h"

#include <string.h>

static struct inf_node *parse_statement(struct inf_parser *p);

static struct inf_node *fail(struct inf_parser *p, size_t at, const char *what)
{
    inf_parse_fail(p, INFER_E_TEMPLATE, at, "%s", what);
    return NULL;
}

static bool end_block(struct inf_parser *p)
{
    if (p->now.type != INF_LEX_BLOCK_END)
        return inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "the tag should end here");
    return inf_parse_advance(p);
}

/* ---- Bodies -------------------------------------------------------------------------------- */

static struct inf_node *parse_text(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_TEXT, p->now.at);
    if (!node)
        return NULL;
    node->value = inf_parse_text_value(p, p->now.text.ptr, p->now.text.len);
    return inf_parse_advance(p) ? node : NULL;
}

static struct inf_node *parse_output(struct inf_parser *p)
{
    size_t first = p->open_count;
    struct inf_node *node = inf_parse_node(p, INF_NODE_OUTPUT, p->now.at);
    if (!node || !inf_parse_advance(p) || !inf_parse_push(p, inf_parse_tuple(p, true)))
        return NULL;
    if (p->now.type != INF_LEX_VARIABLE_END)
        return fail(p, p->now.at, "the tag should end here");
    return inf_parse_advance(p) && inf_parse_take(p, node, first) ? node : NULL;
}

static bool is_one_of(const struct inf_parser *p, const char *const *ends)
{
    for (; *ends; ends++)
        if (inf_parse_is_name(p, *ends))
            return true;
    return false;
}

/* Everything up to a tag of one of these names, which is then the lexeme now. Without names: to the
 * end of the template. */
static struct inf_node *parse_body(struct inf_parser *p, uint32_t at, const char *const *ends)
{
    size_t first = p->open_count;
    struct inf_node *body = inf_parse_node(p, INF_NODE_BODY, at);
    if (!body || !inf_parse_enter(p))
        return NULL;
    while (p->now.type != INF_LEX_END) {
        struct inf_node *item = NULL;
        if (p->now.type == INF_LEX_DATA) {
            item = parse_text(p);
        } else if (p->now.type == INF_LEX_VARIABLE_BEGIN) {
            item = parse_output(p);
        } else {
            if (!inf_parse_advance(p))
                return NULL;
            if (is_one_of(p, ends)) {
                p->depth--;
                return inf_parse_take(p, body, first) ? body : NULL;
            }
            item = parse_statement(p);
        }
        if (!item || !inf_parse_push(p, item))
            return NULL;
    }
    if (*ends) {
        inf_parse_fail(p, INFER_E_TEMPLATE, at, "the template ends, but this has no %s",
                       ends[1] && ends[2] ? ends[2] : *ends);
        return NULL;
    }
    p->depth--;
    return inf_parse_take(p, body, first) ? body : NULL;
}

/* A body up to one name, and the end of that tag. */
static struct inf_node *parse_block(struct inf_parser *p, uint32_t at, const char *end)
{
    if (!end_block(p))
        return NULL;
    struct inf_node *body = parse_body(p, at, (const char *const[]){end, NULL});
    return body && inf_parse_advance(p) && end_block(p) ? body : NULL;
}

/* ---- Statements ---------------------------------------------------------------------------- */

static struct inf_node *parse_if(struct inf_parser *p, struct inf_node *node)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    size_t first = p->open_count;
    node->kind = INF_NODE_IF;
    for (bool more = true; more;) {
        struct inf_node *condition = inf_parse_tuple(p, false), *body;
        if (!condition || !inf_parse_push(p, condition) || !end_block(p) ||
            !(body = parse_body(p, node->at, ends)) || !inf_parse_push(p, body))
            return NULL;
        more = inf_parse_is_name(p, "elif");
        if (more && !inf_parse_advance(p))
            return NULL;
    }
    if (inf_parse_is_name(p, "else")) {
        if (!inf_parse_advance(p) || !inf_parse_push(p, parse_block(p, node->at, "endif")))
            return NULL;
    } else if (!inf_parse_advance(p) || !end_block(p)) {
        return NULL;
    }
    return inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_for(struct inf_parser *p, struct inf_node *node)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    size_t first = p->open_count;
    struct inf_node *test = NULL, *other = NULL;
    node->kind = INF_NODE_FOR;
    if (!inf_parse_push(p, inf_parse_target(p, true)))
        return NULL;
    if (!inf_parse_is_name(p, "in"))
        return fail(p, p->now.at, "'in' is needed");
    if (!inf_parse_advance(p) || !inf_parse_push(p, inf_parse_tuple(p, false)))
        return NULL;
    if (inf_parse_skip_name(p, "if") && !(test = inf_parse_expression(p)))
        return NULL;
    node->flag = inf_parse_skip_name(p, "recursive");
    if (!inf_parse_push(p, test) || !end_block(p))
        return NULL;
    unsigned macros = p->macros;
    p->loops++;
    struct inf_node *body = parse_body(p, node->at, ends);
    p->loops--;
    node->op = p->macros != macros;
    if (!body || !inf_parse_push(p, body))
        return NULL;
    bool has_else = inf_parse_is_name(p, "else");
    if (!inf_parse_advance(p))
        return NULL;
    if (has_else ? !(other = parse_block(p, node->at, "endfor")) : !end_block(p))
        return NULL;
    return inf_parse_push(p, other) && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_set(struct inf_parser *p, struct inf_node *node)
{
    size_t first = p->open_count;
    node->kind = INF_NODE_SET;
    if (!inf_parse_push(p, inf_parse_target(p, false)))
        return NULL;
    if (inf_parse_is(p, '=')) {
        if (!inf_parse_advance(p) || !inf_parse_push(p, inf_parse_tuple(p, true)) || !end_block(p))
            return NULL;
    } else {
        node->kind = INF_NODE_SET_BLOCK;
        struct inf_node *filters = inf_parse_filters(p, false);
        struct inf_node *body = filters ? parse_block(p, node->at, "endset") : NULL;
        if (!body || !inf_parse_push(p, body) || !inf_parse_push(p, filters))
            return NULL;
    }
    return inf_parse_take(p, node, first) ? node : NULL;
}

/* Parameters in parentheses, pushed. */
static bool parse_signature(struct inf_parser *p)
{
    bool more = true, defaults = false;
    if (!inf_parse_expect(p, '('))
        return false;
    while (more && !inf_parse_is(p, ')')) {
        struct inf_node *parameter = inf_parse_node(p, INF_NODE_KEYWORD, p->now.at);
        size_t first = p->open_count;
        if (!parameter)
            return false;
        if (p->now.type != INF_LEX_NAME)
            return inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "a name is needed");
        parameter->name = p->now.text;
        if (!inf_parse_advance(p))
            return false;
        if (inf_parse_skip(p, '=')) {
            defaults = true;
            if (!inf_parse_push(p, inf_parse_expression(p)) || !inf_parse_take(p, parameter, first))
                return false;
        } else if (defaults) {
            return inf_parse_fail(p, INFER_E_TEMPLATE, parameter->at,
                                  "a parameter without a default behind one with a default");
        }
        if (!inf_parse_push(p, parameter))
            return false;
        more = inf_parse_skip(p, ',');
    }
    return inf_parse_expect(p, ')');
}

/* The parameters (where there are any) and the body of a macro; `node` is it. */
static struct inf_node *parse_macro_rest(struct inf_parser *p, struct inf_node *node, size_t first,
                                         const char *end)
{
    unsigned outer = p->uses, loops = p->loops;
    p->macros++;
    p->uses = 0;
    p->loops = 0;
    struct inf_node *body = parse_block(p, node->at, end);
    p->open[first] = body;
    node->kind = INF_NODE_MACRO;
    node->op = (char)p->uses;
    p->uses |= outer;
    p->loops = loops;
    return body && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_macro(struct inf_parser *p, struct inf_node *node)
{
    size_t first = p->open_count;
    if (p->now.type != INF_LEX_NAME)
        return fail(p, p->now.at, "a name is needed");
    node->name = p->now.text;
    if (!inf_parse_push(p, NULL) || !inf_parse_advance(p) || !parse_signature(p))
        return NULL;
    return parse_macro_rest(p, node, first, "endmacro");
}

static struct inf_node *parse_call_block(struct inf_parser *p, struct inf_node *node)
{
    size_t outside = p->open_count;
    struct inf_node *macro = inf_parse_node(p, INF_NODE_MACRO, node->at);
    if (!macro || !inf_parse_push(p, NULL)) /* the call's place */
        return NULL;
    size_t first = p->open_count;
    macro->name = (struct inf_bytes){"caller", 6};
    if (!inf_parse_push(p, NULL) || (inf_parse_is(p, '(') && !parse_signature(p)))
        return NULL;
    struct inf_node *call = inf_parse_call_only(p);
    if (!call || !parse_macro_rest(p, macro, first, "endcall"))
        return NULL;
    p->open[outside] = call;
    node->kind = INF_NODE_CALL_BLOCK;
    return inf_parse_push(p, macro) && inf_parse_take(p, node, outside) ? node : NULL;
}

static struct inf_node *parse_with(struct inf_parser *p, struct inf_node *node)
{
    size_t first = p->open_count;
    node->kind = INF_NODE_WITH;
    if (!inf_parse_push(p, NULL))
        return NULL;
    while (p->now.type != INF_LEX_BLOCK_END) {
        if (p->open_count > first + 1 && !inf_parse_expect(p, ','))
            return NULL;
        struct inf_node *target = inf_parse_target(p, true);
        if (!target || !inf_parse_push(p, target) || !inf_parse_expect(p, '=') ||
            !inf_parse_push(p, inf_parse_expression(p)))
            return NULL;
    }
    struct inf_node *body = parse_block(p, node->at, "endwith");
    p->open[first] = body;
    return body && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_filter_block(struct inf_parser *p, struct inf_node *node)
{
    size_t first = p->open_count;
    node->kind = INF_NODE_FILTER_BLOCK;
    struct inf_node *filters = inf_parse_filters(p, true);
    struct inf_node *body = filters ? parse_block(p, node->at, "endfilter") : NULL;
    return body && inf_parse_push(p, body) && inf_parse_push(p, filters) &&
                   inf_parse_take(p, node, first)
               ? node
               : NULL;
}

/* {% generation %}: the body in a scope of its own. */
static struct inf_node *parse_generation(struct inf_parser *p, struct inf_node *node)
{
    size_t first = p->open_count;
    node->kind = INF_NODE_WITH;
    struct inf_node *body = parse_block(p, node->at, "endgeneration");
    return body && inf_parse_push(p, body) && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_jump(struct inf_parser *p, struct inf_node *node)
{
    if (!p->loops)
        return fail(p, node->at, "break and continue stand in loops alone");
    node->kind = inf_bytes_equal(node->name, "break") ? INF_NODE_BREAK : INF_NODE_CONTINUE;
    return end_block(p) ? node : NULL;
}

/* The name of the statement is the lexeme now. */
static struct inf_node *parse_statement(struct inf_parser *p)
{
    static const struct {
        const char *name;
        struct inf_node *(*parse)(struct inf_parser *p, struct inf_node *node);
    } statements[] = {
        {"if", parse_if},
        {"for", parse_for},
        {"set", parse_set},
        {"macro", parse_macro},
        {"call", parse_call_block},
        {"with", parse_with},
        {"break", parse_jump},
        {"continue", parse_jump},
        {"filter", parse_filter_block},
        {"generation", parse_generation},
    };
    struct inf_node *node = inf_parse_node(p, INF_NODE_BODY, p->now.at);
    if (!node)
        return NULL;
    if (p->now.type != INF_LEX_NAME)
        return fail(p, p->now.at, "the name of a statement is needed");
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (inf_parse_is_name(p, statements[i].name)) {
            node->name = p->now.text;
            return inf_parse_advance(p) ? statements[i].parse(p, node) : NULL;
        }
    inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "no statement '%.*s' may stand here",
                   (int)inf_min_size(p->now.text.len, 60), p->now.text.ptr);
    return NULL;
}

struct inf_node *inf_parse_all(struct inf_parser *p)
{
    static const char *const none[] = {NULL};
    if (!inf_parse_advance(p) || !inf_parse_advance(p))
        return NULL;
    return parse_body(p, 0, none);
}
