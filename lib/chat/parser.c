/* Expressions, by precedence. What stands in a row on one level is one node, so that a long row is
 * not deep. */
#include "lib/chat/template.h"

#include "lib/base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool inf_parse_fail(struct inf_parser *p, infer_status status, size_t at, const char *format, ...)
{
    if (p->status)
        return false;
    char text[300];
    size_t line, column;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    inf_text_place(p->t->text.ptr, inf_min_size(at, p->t->text.len), &line, &column);
    p->status = status;
    inf_set_error(p->err, status, "template, line %zu, column %zu: %s", line, column, text);
    return false;
}

bool inf_parse_no_memory(struct inf_parser *p)
{
    return inf_parse_fail(p, INFER_E_MEMORY, p->now.at, "no memory for the template");
}

void *inf_heap_take(struct inf_heap *heap, size_t bytes)
{
    const size_t block = 8192 - 64;
    if (!inf_round_up(bytes ? bytes : 1, 16, &bytes))
        return NULL;
    if (bytes > block / 8)
        return inf_arena_take(&heap->arena, bytes, 1);
    if (bytes > heap->small_left) {
        heap->small = inf_arena_take(&heap->arena, block, 1);
        heap->small_left = heap->small ? block : 0;
        if (!heap->small)
            return NULL;
    }
    void *ptr = heap->small;
    heap->small += bytes;
    heap->small_left -= bytes;
    return ptr;
}

/* ---- Lexemes ------------------------------------------------------------------------------- */

bool inf_parse_advance(struct inf_parser *p)
{
    p->now = p->ahead;
    if (p->ahead.type == INF_LEX_END)
        return true;
    return inf_lex_next(p, &p->ahead);
}

bool inf_parse_is(const struct inf_parser *p, char op)
{
    return p->now.type == INF_LEX_OPERATOR && p->now.op == op;
}

static bool is_word(const struct inf_lexeme *lexeme, const char *name)
{
    return lexeme->type == INF_LEX_NAME && inf_bytes_equal(lexeme->text, name);
}

bool inf_parse_is_name(const struct inf_parser *p, const char *name)
{
    return is_word(&p->now, name);
}

bool inf_parse_skip(struct inf_parser *p, char op)
{
    return inf_parse_is(p, op) && inf_parse_advance(p);
}

bool inf_parse_skip_name(struct inf_parser *p, const char *name)
{
    return inf_parse_is_name(p, name) && inf_parse_advance(p);
}

/* What is there instead of what was wanted. */
static bool unexpected(struct inf_parser *p, const char *wanted)
{
    switch (p->now.type) {
    case INF_LEX_END:
        return inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "the template ends, %s is needed",
                              wanted);
    case INF_LEX_VARIABLE_END:
    case INF_LEX_BLOCK_END:
        return inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "the tag ends, %s is needed", wanted);
    default:
        return inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "unexpected '%.*s', %s is needed",
                              (int)inf_min_size(p->now.text.len, 60), p->now.text.ptr, wanted);
    }
}

bool inf_parse_expect(struct inf_parser *p, char op)
{
    char wanted[] = {'\'', op, '\'', 0};
    return inf_parse_is(p, op) ? inf_parse_advance(p) : unexpected(p, wanted);
}

bool inf_parse_enter(struct inf_parser *p)
{
    if (++p->depth > INF_MAX_TEMPLATE_NESTING)
        return inf_parse_fail(p, INFER_E_LIMIT, p->now.at, "nested too deep");
    return true;
}

/* ---- Nodes --------------------------------------------------------------------------------- */

struct inf_node *inf_parse_node(struct inf_parser *p, enum inf_node_kind kind, uint32_t at)
{
    struct inf_node *node = inf_heap_take(&p->t->heap, sizeof *node);
    if (!node) {
        inf_parse_no_memory(p);
        return NULL;
    }
    node->kind = (uint8_t)kind;
    node->at = at;
    return node;
}

bool inf_parse_push(struct inf_parser *p, struct inf_node *item)
{
    void *open = p->open;
    if (p->status)
        return false;
    if (!inf_grow(&p->t->a, &open, &p->open_capacity, p->open_count + 1, sizeof(void *)))
        return inf_parse_no_memory(p);
    p->open = open;
    p->open[p->open_count++] = item;
    return true;
}

bool inf_parse_take(struct inf_parser *p, struct inf_node *node, size_t first)
{
    size_t count = p->open_count - first;
    node->items = inf_heap_take(&p->t->heap, count * sizeof(void *));
    if (!node->items)
        return inf_parse_no_memory(p);
    if (count)
        memcpy(node->items, p->open + first, count * sizeof(void *));
    node->count = (uint32_t)count;
    p->open_count = first;
    return true;
}

/* A node with one item. */
static struct inf_node *wrap(struct inf_parser *p, enum inf_node_kind kind, uint32_t at,
                             struct inf_node *item)
{
    size_t first = p->open_count;
    struct inf_node *node = item ? inf_parse_node(p, kind, at) : NULL;
    return node && inf_parse_push(p, item) && inf_parse_take(p, node, first) ? node : NULL;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static struct inf_node *parse_name(struct inf_parser *p)
{
    static const struct {
        const char *name;
        int value; /* 2: none */
    } words[] = {{"true", 1}, {"True", 1}, {"false", 0}, {"False", 0}, {"none", 2}, {"None", 2}};
    struct inf_node *node = inf_parse_node(p, INF_NODE_NAME, p->now.at);
    if (!node)
        return NULL;
    node->name = p->now.text;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (inf_bytes_equal(node->name, words[i].name)) {
            node->kind = INF_NODE_CONSTANT;
            node->value = words[i].value == 2 ? inf_none() : inf_bool(words[i].value);
        }
    p->uses |= inf_bytes_equal(node->name, "caller")    ? INF_USES_CALLER
               : inf_bytes_equal(node->name, "varargs") ? INF_USES_VARARGS
               : inf_bytes_equal(node->name, "kwargs")  ? INF_USES_KWARGS
                                                        : 0;
    return inf_parse_advance(p) ? node : NULL;
}

/* ---- Primaries ----------------------------------------------------------------------------- */

/* Items with commas between and perhaps behind them, up to the closing bracket. */
static struct inf_node *parse_items(struct inf_parser *p, enum inf_node_kind kind, char close)
{
    struct inf_node *node = inf_parse_node(p, kind, p->now.at);
    size_t first = p->open_count;
    if (!node || !inf_parse_advance(p))
        return NULL;
    while (!inf_parse_is(p, close)) {
        if (p->open_count > first && !inf_parse_expect(p, ','))
            return NULL;
        if (inf_parse_is(p, close))
            break;
        if (!inf_parse_push(p, inf_parse_expression(p)))
            return NULL;
        if (kind == INF_NODE_DICT &&
            (!inf_parse_expect(p, ':') || !inf_parse_push(p, inf_parse_expression(p))))
            return NULL;
    }
    return inf_parse_advance(p) && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_parentheses(struct inf_parser *p)
{
    uint32_t at = p->now.at;
    if (!inf_parse_advance(p))
        return NULL;
    if (inf_parse_is(p, ')')) {
        struct inf_node *empty = inf_parse_node(p, INF_NODE_TUPLE, at);
        return inf_parse_advance(p) ? empty : NULL;
    }
    struct inf_node *node = inf_parse_tuple(p, true);
    return node && inf_parse_expect(p, ')') ? node : NULL;
}

static struct inf_node *parse_primary(struct inf_parser *p)
{
    switch (p->now.type) {
    case INF_LEX_NAME:
        return parse_name(p);
    case INF_LEX_STRING:
        return inf_parse_strings(p);
    case INF_LEX_INTEGER:
    case INF_LEX_FLOAT:
        return inf_parse_number(p);
    case INF_LEX_OPERATOR:
        if (p->now.op == '(')
            return parse_parentheses(p);
        if (p->now.op == '[')
            return parse_items(p, INF_NODE_LIST, ']');
        if (p->now.op == '{')
            return parse_items(p, INF_NODE_DICT, '}');
        break;
    default:
        break;
    }
    unexpected(p, "an expression");
    return NULL;
}

/* ---- What is done to a primary ------------------------------------------------------------- */

static struct inf_node *parse_argument(struct inf_parser *p)
{
    uint32_t at = p->now.at;
    bool twice = inf_parse_is(p, 'p');
    if (twice || inf_parse_is(p, '*')) {
        if (!inf_parse_advance(p))
            return NULL;
        return wrap(p, twice ? INF_NODE_SPREAD_DICT : INF_NODE_SPREAD, at, inf_parse_expression(p));
    }
    if (p->now.type == INF_LEX_NAME && p->ahead.type == INF_LEX_OPERATOR && p->ahead.op == '=') {
        struct inf_bytes name = p->now.text;
        if (!inf_parse_advance(p) || !inf_parse_advance(p))
            return NULL;
        struct inf_node *node = wrap(p, INF_NODE_KEYWORD, at, inf_parse_expression(p));
        if (node)
            node->name = name;
        return node;
    }
    return inf_parse_expression(p);
}

/* "(...)" as the items of a node. */
static bool parse_arguments(struct inf_parser *p, struct inf_node *node)
{
    size_t first = p->open_count;
    bool named = false;
    if (!inf_parse_expect(p, '('))
        return false;
    while (!inf_parse_is(p, ')')) {
        if (p->open_count > first && !inf_parse_expect(p, ','))
            return false;
        if (inf_parse_is(p, ')'))
            break;
        struct inf_node *argument = parse_argument(p);
        if (!argument || !inf_parse_push(p, argument))
            return false;
        bool plain = argument->kind < INF_NODE_KEYWORD;
        if (named && plain)
            return inf_parse_fail(p, INFER_E_TEMPLATE, argument->at,
                                  "an argument without a name behind one with a name");
        named |= argument->kind == INF_NODE_KEYWORD || argument->kind == INF_NODE_SPREAD_DICT;
    }
    return inf_parse_advance(p) && inf_parse_take(p, node, first);
}

/* "[...]": an item or a slice. */
static struct inf_node *parse_subscript(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_ITEM, p->now.at);
    size_t first = p->open_count;
    if (!node || !inf_parse_advance(p))
        return NULL;
    for (unsigned part = 0; part < 3; part++) {
        struct inf_node *item = NULL;
        if (!inf_parse_is(p, ':') && !inf_parse_is(p, ']') && !(item = inf_parse_tuple(p, true)))
            return NULL;
        if (!item && part == 0 && !inf_parse_is(p, ':')) {
            unexpected(p, "an expression");
            return NULL;
        }
        if (!inf_parse_push(p, item))
            return NULL;
        if (!inf_parse_is(p, ':'))
            break;
        node->kind = INF_NODE_SLICE;
        if (!inf_parse_advance(p))
            return NULL;
    }
    while (node->kind == INF_NODE_SLICE && p->open_count < first + 3)
        if (!inf_parse_push(p, NULL))
            return NULL;
    return inf_parse_expect(p, ']') && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_attribute(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_ATTRIBUTE, p->now.at);
    if (!node || !inf_parse_advance(p))
        return NULL;
    if (p->now.type == INF_LEX_INTEGER) {
        node->kind = INF_NODE_ITEM;
        size_t first = p->open_count;
        return inf_parse_push(p, inf_parse_number(p)) && inf_parse_take(p, node, first) ? node
                                                                                        : NULL;
    }
    if (p->now.type != INF_LEX_NAME) {
        unexpected(p, "a name");
        return NULL;
    }
    node->at = p->now.at;
    node->name = p->now.text;
    return inf_parse_advance(p) ? node : NULL;
}

/* The name of a filter and its arguments; the bar is read. */
static struct inf_node *parse_filter(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_FILTER, p->now.at);
    if (!node)
        return NULL;
    if (p->now.type != INF_LEX_NAME) {
        unexpected(p, "the name of a filter");
        return NULL;
    }
    node->name = p->now.text;
    node->builtin = inf_filter_find(node->name);
    if (!inf_parse_advance(p) || (inf_parse_is(p, '(') && !parse_arguments(p, node)))
        return NULL;
    return node;
}

static struct inf_node *parse_postfix(struct inf_parser *p, struct inf_node *base, bool filters);

/* Whether what follows the name of a test is its argument. */
static bool begins_argument(const struct inf_parser *p)
{
    if (p->now.type == INF_LEX_OPERATOR)
        return p->now.op == '[' || p->now.op == '{';
    if (p->now.type == INF_LEX_NAME)
        return !inf_parse_is_name(p, "else") && !inf_parse_is_name(p, "or") &&
               !inf_parse_is_name(p, "and");
    return p->now.type >= INF_LEX_STRING && p->now.type <= INF_LEX_FLOAT;
}

/* "is", perhaps "not", a name, perhaps an argument. */
static struct inf_node *parse_test(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_TEST, p->now.at);
    size_t first = p->open_count;
    if (!node || !inf_parse_advance(p))
        return NULL;
    node->flag = inf_parse_skip_name(p, "not");
    if (p->status)
        return NULL;
    if (p->now.type != INF_LEX_NAME) {
        unexpected(p, "the name of a test");
        return NULL;
    }
    node->name = p->now.text;
    node->builtin = inf_test_find(node->name);
    if (!inf_parse_advance(p))
        return NULL;
    if (inf_parse_is(p, '('))
        return parse_arguments(p, node) ? node : NULL;
    if (!begins_argument(p))
        return node;
    if (inf_parse_is_name(p, "is")) {
        inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "tests with is cannot be chained");
        return NULL;
    }
    struct inf_node *argument = parse_postfix(p, parse_primary(p), false);
    return inf_parse_push(p, argument) && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_call(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_CALL, p->now.at);
    return node && parse_arguments(p, node) ? node : NULL;
}

/* Everything that follows a value: attributes, subscripts, calls; then filters, tests, calls. */
static struct inf_node *parse_postfix(struct inf_parser *p, struct inf_node *base, bool filters)
{
    size_t first = p->open_count;
    bool filtered = false;
    if (!base || !inf_parse_push(p, base))
        return NULL;
    for (;;) {
        struct inf_node *next = NULL;
        if (!filtered && inf_parse_is(p, '.'))
            next = parse_attribute(p);
        else if (!filtered && inf_parse_is(p, '['))
            next = parse_subscript(p);
        else if (inf_parse_is(p, '('))
            next = parse_call(p);
        else if (filters && inf_parse_is(p, '|') && inf_parse_advance(p))
            next = parse_filter(p);
        else if (filters && inf_parse_is_name(p, "is"))
            next = parse_test(p);
        else
            break;
        filtered |= next && (next->kind == INF_NODE_FILTER || next->kind == INF_NODE_TEST);
        if (!next || !inf_parse_push(p, next))
            return NULL;
    }
    if (p->status)
        return NULL;
    if (p->open_count == first + 1) {
        p->open_count = first;
        return base;
    }
    struct inf_node *node = inf_parse_node(p, INF_NODE_POSTFIX, base->at);
    return node && inf_parse_take(p, node, first) ? node : NULL;
}

/* Filters without a value, for {% filter %} and {% set x | f %}: a POSTFIX whose base is NULL. */
struct inf_node *inf_parse_filters(struct inf_parser *p, bool first_without_bar)
{
    size_t first = p->open_count;
    struct inf_node *node = inf_parse_node(p, INF_NODE_POSTFIX, p->now.at);
    if (!node || !inf_parse_push(p, NULL))
        return NULL;
    for (bool more = first_without_bar || inf_parse_skip(p, '|'); more;
         more = inf_parse_skip(p, '|'))
        if (!inf_parse_push(p, parse_filter(p)))
            return NULL;
    if (p->status)
        return NULL;
    return inf_parse_take(p, node, first) ? node : NULL;
}

struct inf_node *inf_parse_call_only(struct inf_parser *p)
{
    uint32_t at = p->now.at;
    struct inf_node *node = inf_parse_expression(p);
    if (node &&
        (node->kind != INF_NODE_POSTFIX || node->items[node->count - 1]->kind != INF_NODE_CALL)) {
        inf_parse_fail(p, INFER_E_TEMPLATE, at, "a call is needed");
        return NULL;
    }
    return node;
}

/* ---- Operators ----------------------------------------------------------------------------- */

static struct inf_node *parse_unary(struct inf_parser *p, bool filters)
{
    uint32_t at = p->now.at;
    bool plus = inf_parse_is(p, '+');
    if (!plus && !inf_parse_is(p, '-'))
        return parse_postfix(p, parse_primary(p), filters);
    if (!inf_parse_enter(p) || !inf_parse_advance(p))
        return NULL;
    struct inf_node *node = wrap(p, INF_NODE_NEGATE, at, parse_unary(p, false));
    if (node)
        node->flag = plus;
    p->depth--;
    return parse_postfix(p, node, filters);
}

enum {
    LEVEL_NONE,
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_SUM,
    LEVEL_CONCAT,
    LEVEL_PRODUCT,
    LEVEL_POWER
};

/* The level of the operator that comes now, and its sign. */
static int level_of(const struct inf_parser *p, char *op)
{
    if (p->now.type == INF_LEX_NAME) {
        *op = 'i';
        if (inf_parse_is_name(p, "in"))
            return LEVEL_COMPARE;
        *op = 'o';
        if (inf_parse_is_name(p, "not") && is_word(&p->ahead, "in"))
            return LEVEL_COMPARE;
        return inf_parse_is_name(p, "or")    ? LEVEL_OR
               : inf_parse_is_name(p, "and") ? LEVEL_AND
                                             : LEVEL_NONE;
    }
    if (p->now.type != INF_LEX_OPERATOR || !p->now.op)
        return LEVEL_NONE;
    *op = p->now.op;
    return strchr("<>lgen", *op) ? LEVEL_COMPARE
           : strchr("+-", *op)   ? LEVEL_SUM
           : *op == '~'          ? LEVEL_CONCAT
           : strchr("*/d%", *op) ? LEVEL_PRODUCT
           : *op == 'p'          ? LEVEL_POWER
                                 : LEVEL_NONE;
}

static struct inf_node *parse_level(struct inf_parser *p, int least);

/* A row of operators of one level behind its first operand. */
static struct inf_node *parse_row(struct inf_parser *p, struct inf_node *left, int level)
{
    static const enum inf_node_kind kinds[] = {
        [LEVEL_OR] = INF_NODE_OR,           [LEVEL_AND] = INF_NODE_AND,
        [LEVEL_COMPARE] = INF_NODE_COMPARE, [LEVEL_SUM] = INF_NODE_CHAIN,
        [LEVEL_CONCAT] = INF_NODE_CONCAT,   [LEVEL_PRODUCT] = INF_NODE_CHAIN,
        [LEVEL_POWER] = INF_NODE_CHAIN,
    };
    size_t first = p->open_count;
    struct inf_node *row = inf_parse_node(p, kinds[level], left->at);
    if (!row || !inf_parse_push(p, left))
        return NULL;
    for (char op; level_of(p, &op) == level;) {
        uint32_t at = p->now.at;
        bool two_words = level == LEVEL_COMPARE && op == 'o';
        if ((two_words && !inf_parse_advance(p)) || !inf_parse_advance(p))
            return NULL;
        struct inf_node *right = parse_level(p, level + 1);
        if (row->kind == INF_NODE_CHAIN || row->kind == INF_NODE_COMPARE) {
            right = wrap(p, INF_NODE_OPERAND, at, right);
            if (right)
                right->op = op;
        }
        if (!right || !inf_parse_push(p, right))
            return NULL;
    }
    return inf_parse_take(p, row, first) ? row : NULL;
}

static struct inf_node *parse_level(struct inf_parser *p, int least)
{
    struct inf_node *left;
    char op;
    if (!inf_parse_enter(p))
        return NULL;
    if (least <= LEVEL_NOT && inf_parse_is_name(p, "not")) {
        uint32_t at = p->now.at;
        if (!inf_parse_advance(p))
            return NULL;
        left = wrap(p, INF_NODE_NOT, at, parse_level(p, LEVEL_NOT));
    } else {
        left = parse_unary(p, true);
    }
    for (int level; left && (level = level_of(p, &op)) >= least && level;)
        left = parse_row(p, left, level);
    p->depth--;
    return left;
}

/* a if b else c */
static struct inf_node *parse_condition(struct inf_parser *p, struct inf_node *left)
{
    size_t first = p->open_count;
    struct inf_node *node = left ? inf_parse_node(p, INF_NODE_CONDITION, left->at) : NULL;
    if (!node || !inf_parse_push(p, left) || !inf_parse_advance(p) ||
        !inf_parse_push(p, parse_level(p, LEVEL_OR)))
        return NULL;
    if (inf_parse_skip_name(p, "else") && !inf_parse_push(p, inf_parse_expression(p)))
        return NULL;
    return !p->status && inf_parse_take(p, node, first) ? node : NULL;
}

struct inf_node *inf_parse_expression(struct inf_parser *p)
{
    if (!inf_parse_enter(p))
        return NULL;
    struct inf_node *node = parse_level(p, LEVEL_OR);
    while (node && inf_parse_is_name(p, "if"))
        node = parse_condition(p, node);
    p->depth--;
    return p->status ? NULL : node;
}

/* Whether a tuple ends here. */
static bool ends_tuple(const struct inf_parser *p)
{
    return p->now.type == INF_LEX_VARIABLE_END || p->now.type == INF_LEX_BLOCK_END ||
           p->now.type == INF_LEX_END || inf_parse_is(p, ')') || inf_parse_is(p, ']') ||
           inf_parse_is(p, '=') || inf_parse_is_name(p, "in") || inf_parse_is_name(p, "recursive");
}

typedef struct inf_node *parse_item_fn(struct inf_parser *p, bool flag);

/* Items with commas between them: a tuple, or one alone. `flag` is for the items. */
static struct inf_node *parse_commas(struct inf_parser *p, parse_item_fn *item_of, bool flag)
{
    size_t first = p->open_count;
    uint32_t at = p->now.at;
    bool tuple = false;
    do {
        if (tuple && ends_tuple(p))
            break;
        struct inf_node *item = item_of(p, flag);
        if (!item || !inf_parse_push(p, item))
            return NULL;
        tuple |= inf_parse_is(p, ',');
    } while (inf_parse_skip(p, ','));
    if (p->status)
        return NULL;
    if (!tuple)
        return p->open[--p->open_count];
    struct inf_node *node = inf_parse_node(p, INF_NODE_TUPLE, at);
    return node && inf_parse_take(p, node, first) ? node : NULL;
}

static struct inf_node *parse_member(struct inf_parser *p, bool conditions)
{
    return conditions ? inf_parse_expression(p) : parse_level(p, LEVEL_OR);
}

struct inf_node *inf_parse_tuple(struct inf_parser *p, bool conditions)
{
    return parse_commas(p, parse_member, conditions);
}

/* ---- Targets of assignments ---------------------------------------------------------------- */

static struct inf_node *parse_one_target(struct inf_parser *p, bool names_alone);

/* (a, (b, c)), or the same without parentheses. */
static struct inf_node *parse_targets(struct inf_parser *p, bool names_alone)
{
    return parse_commas(p, parse_one_target, names_alone);
}

static struct inf_node *parse_one_target(struct inf_parser *p, bool names_alone)
{
    uint32_t at = p->now.at;
    struct inf_node *node = NULL;
    if (inf_parse_is(p, '(')) {
        if (inf_parse_enter(p) && inf_parse_advance(p) && (node = parse_targets(p, names_alone)) &&
            !inf_parse_expect(p, ')'))
            node = NULL;
        p->depth--;
        return node;
    }
    if (p->now.type != INF_LEX_NAME) {
        unexpected(p, "a name");
        return NULL;
    }
    node = parse_name(p);
    if (!node || node->kind != INF_NODE_NAME) {
        inf_parse_fail(p, INFER_E_TEMPLATE, at, "a constant cannot be set");
        return NULL;
    }
    if (names_alone || !inf_parse_is(p, '.'))
        return node;
    struct inf_node *attribute = parse_attribute(p);
    if (!attribute || attribute->kind != INF_NODE_ATTRIBUTE) {
        inf_parse_fail(p, INFER_E_TEMPLATE, at, "this cannot be set");
        return NULL;
    }
    struct inf_bytes space = node->name;
    node = wrap(p, INF_NODE_TARGET_SPACE, at, attribute);
    if (node)
        node->name = space;
    return node;
}

struct inf_node *inf_parse_target(struct inf_parser *p, bool names_alone)
{
    return parse_targets(p, names_alone);
}
