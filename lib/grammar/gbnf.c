/*
 * GBNF, the notation of grammars that the field uses: `name ::= alternatives`, literals, classes,
 * groups, ? * + {m,n}, comments. A rule ends with its line, unless a group is open or "::=" or "|"
 * stands before the line's end.
 */
#include "lib/grammar/front.h"

#include "lib/base/limits.h"

#include <string.h>

struct parser {
    struct inf_draft *d;
    const char *text;
    size_t len, at;
    unsigned depth;
    size_t *used_at; /* (rules, as they grow): where a rule was first named */
    size_t used_capacity;
    infer_error *err;
};

static infer_status bad(struct parser *p, infer_status status, size_t at, const char *what)
{
    size_t line, column;
    inf_text_place(p->text, at, &line, &column);
    return inf_fail(p->err, status, "grammar, line %zu, column %zu: %s", line, column, what);
}

static infer_status no_memory(struct parser *p)
{
    return inf_fail_memory(p->err, "a grammar", p->d->arena.bytes);
}

static int peek(const struct parser *p)
{
    return p->at < p->len ? (unsigned char)p->text[p->at] : -1;
}

static void skip_blanks(struct parser *p, bool lines)
{
    for (;; p->at++) {
        int c = peek(p);
        if (c == '#') {
            while (p->at < p->len && p->text[p->at] != '\n' && p->text[p->at] != '\r')
                p->at++;
            c = peek(p);
        }
        if (c != ' ' && c != '\t' && !(lines && (c == '\n' || c == '\r')))
            return;
    }
}

static bool is_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* The rule of a name that stands here; a new one where it was not named before. */
static infer_status read_name(struct parser *p, uint32_t *rule)
{
    size_t start = p->at;
    while (is_name(peek(p)))
        p->at++;
    struct inf_bytes name = {p->text + start, p->at - start};
    bool added;
    *rule = inf_draft_key(p->d, name, (uint32_t)p->d->rule_count, &added);
    if (!added && !p->d->failed)
        return INFER_OK;
    if (p->d->rule_count >= INF_MAX_GRAMMAR_RULES)
        return bad(p, INFER_E_LIMIT, start, "too many rules");
    *rule = inf_draft_rule(p->d, name);
    if (p->d->failed || !INF_GROW(p->d->a, p->used_at, p->used_capacity, p->d->rule_count))
        return no_memory(p);
    p->used_at[*rule] = start;
    return INFER_OK;
}

/* ---- Characters ---------------------------------------------------------------------------------- */

static bool read_hex(struct parser *p, unsigned digits, uint32_t *code)
{
    *code = 0;
    for (unsigned i = 0; i < digits; i++, p->at++) {
        unsigned digit = inf_hex_digit(peek(p));
        if (digit == 16)
            return false;
        *code = *code << 4 | digit;
    }
    return *code <= 0x10ffff && !(*code >= 0xd800 && *code < 0xe000);
}

/* One character of a literal or class, escaped or not. */
static infer_status read_char(struct parser *p, uint32_t *code)
{
    static const char names[] = "nrt\"[]\\-^/", values[] = "\n\r\t\"[]\\-^/";
    size_t start = p->at;
    if (peek(p) == '\\') {
        p->at++;
        int c = peek(p);
        const char *found = c > 0 ? strchr(names, c) : NULL;
        unsigned digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        p->at += c >= 0;
        if (found)
            *code = (unsigned char)values[found - names];
        else if (!digits)
            return bad(p, INFER_E_FORMAT, start, "no such escape");
        else if (!read_hex(p, digits, code))
            return bad(p, INFER_E_FORMAT, start, "the escape names no character");
        return INFER_OK;
    }
    size_t len = inf_utf8_decode(p->text + p->at, p->len - p->at, code);
    if (len == 0)
        return bad(p, INFER_E_FORMAT, start, "not UTF-8");
    p->at += len;
    return INFER_OK;
}

static infer_status read_literal(struct parser *p, const struct inf_expr **expr)
{
    size_t start = p->at++;
    struct inf_text text = {.a = p->d->a};
    infer_status status = INFER_OK;
    while (!status && peek(p) != '"') {
        uint32_t code = 0;
        char bytes[4];
        if (peek(p) < 0 || peek(p) == '\n' || peek(p) == '\r')
            status = bad(p, INFER_E_FORMAT, start, "the literal does not end");
        else if (!(status = read_char(p, &code)))
            inf_text_append(&text, bytes, inf_utf8_encode(code, bytes));
    }
    if (!status && text.failed)
        status = no_memory(p);
    p->at++;
    if (!status && !(*expr = inf_expr_bytes(p->d, text.ptr ? text.ptr : "", text.len)))
        status = no_memory(p);
    inf_text_free(&text);
    return status;
}

static infer_status read_class(struct parser *p, const struct inf_expr **expr)
{
    size_t start = p->at++, count = 0, capacity = 0;
    struct inf_range *ranges = NULL;
    infer_status status = INFER_OK;
    bool negated = peek(p) == '^';
    p->at += negated;
    while (!status && peek(p) != ']') {
        struct inf_range r = {0, 0};
        if (peek(p) < 0 || peek(p) == '\n' || peek(p) == '\r') {
            status = bad(p, INFER_E_FORMAT, start, "the class does not end");
            break;
        }
        size_t at = p->at;
        status = read_char(p, &r.low);
        r.high = r.low;
        if (!status && peek(p) == '-' && p->at + 1 < p->len && p->text[p->at + 1] != ']') {
            p->at++;
            status = read_char(p, &r.high);
            if (!status && r.high < r.low)
                status = bad(p, INFER_E_FORMAT, at, "the range ends before it begins");
        }
        if (!status && !INF_GROW(p->d->a, ranges, capacity, count + 1))
            status = no_memory(p);
        if (!status)
            ranges[count++] = r;
    }
    p->at++;
    if (!status && !(*expr = inf_expr_class(p->d, ranges, count, negated)))
        status = no_memory(p);
    inf_release(p->d->a, ranges);
    return status;
}

/* ---- Expressions ----------------------------------------------------------------------------------- */

static infer_status read_alternatives(struct parser *p, const struct inf_expr **expr);

static infer_status read_group(struct parser *p, const struct inf_expr **expr)
{
    size_t start = p->at++;
    if (++p->depth > INF_MAX_GRAMMAR_NESTING)
        return bad(p, INFER_E_LIMIT, start, "groups nested too deep");
    infer_status status = read_alternatives(p, expr);
    p->depth--;
    if (status)
        return status;
    if (peek(p) != ')')
        return bad(p, INFER_E_FORMAT, start, "the group does not end");
    p->at++;
    return INFER_OK;
}

/* A literal, class, group or name. *found: there was one. */
static infer_status read_item(struct parser *p, const struct inf_expr **expr, bool *found)
{
    uint32_t rule = 0;
    infer_status status = INFER_OK;
    int c = peek(p);
    *found = true;
    *expr = NULL;
    if (c == '"')
        return read_literal(p, expr);
    if (c == '[')
        return read_class(p, expr);
    if (c == '(')
        return read_group(p, expr);
    if (c == '.') {
        p->at++;
        *expr = inf_expr_class(p->d, NULL, 0, true);
        return *expr ? INFER_OK : no_memory(p);
    }
    if (c == '<' || c == '!')
        return bad(p, INFER_E_UNSUPPORTED, p->at, "tokens in a grammar are not supported");
    if (!is_name(c)) {
        *found = false;
        return INFER_OK;
    }
    status = read_name(p, &rule);
    if (!status && !(*expr = inf_expr_call(p->d, rule)))
        status = no_memory(p);
    return status;
}

/* Decimal digits; false where there are none or too many. */
static bool read_count(struct parser *p, uint32_t *count)
{
    size_t start = p->at;
    uint64_t value = 0;
    for (; peek(p) >= '0' && peek(p) <= '9'; p->at++)
        if ((value = value * 10 + (uint64_t)(peek(p) - '0')) > INF_MAX_GRAMMAR_STATES)
            return false;
    *count = (uint32_t)value;
    return p->at > start;
}

/* {m} {m,} {m,n} {,n} */
static infer_status read_bounds(struct parser *p, uint32_t *min, uint32_t *max)
{
    size_t start = p->at++;
    static const char wrong[] =
        "a repetition is {m}, {m,} or {m,n}, with m at most n and both of a sound size";
    skip_blanks(p, false);
    *min = 0;
    if (peek(p) != ',' && !read_count(p, min))
        return bad(p, INFER_E_FORMAT, start, wrong);
    *max = *min;
    skip_blanks(p, false);
    if (peek(p) == ',') {
        p->at++;
        skip_blanks(p, false);
        *max = INF_ENDLESS;
        if (peek(p) != '}' && !read_count(p, max))
            return bad(p, INFER_E_FORMAT, start, wrong);
        skip_blanks(p, false);
    }
    if (peek(p) != '}' || *max < *min)
        return bad(p, INFER_E_FORMAT, start, wrong);
    p->at++;
    return INFER_OK;
}

/* An item with what says how often it stands. */
static infer_status read_repeated(struct parser *p, const struct inf_expr **expr, bool *found)
{
    infer_status status = read_item(p, expr, found);
    size_t start = p->at;
    unsigned stacked = 0;
    while (!status && *found) {
        uint32_t min = 0, max = INF_ENDLESS;
        skip_blanks(p, p->depth > 0);
        int c = peek(p);
        if (c == '{') {
            if ((status = read_bounds(p, &min, &max)))
                return status;
        } else if (c == '?' || c == '*' || c == '+') {
            p->at++;
            min = c == '+';
            max = c == '?' ? 1 : INF_ENDLESS;
        } else {
            break;
        }
        if (++stacked > 8)
            return bad(p, INFER_E_LIMIT, start, "too many repetitions of repetitions");
        if (!(*expr = inf_expr_repeat(p->d, *expr, min, max)))
            return no_memory(p);
    }
    return status;
}

static infer_status read_sequence(struct parser *p, const struct inf_expr **expr)
{
    struct inf_expr_items items = {0};
    infer_status status = INFER_OK;
    bool found = true;
    while (!status && found) {
        const struct inf_expr *item;
        skip_blanks(p, p->depth > 0);
        status = read_repeated(p, &item, &found);
        if (!status && found)
            inf_items_add(p->d, &items, item);
    }
    *expr = inf_items_take(p->d, &items, INF_EXPR_SEQ);
    return !status && !*expr ? no_memory(p) : status;
}

static infer_status read_alternatives(struct parser *p, const struct inf_expr **expr)
{
    struct inf_expr_items items = {0};
    infer_status status;
    bool more;
    do {
        const struct inf_expr *item;
        status = read_sequence(p, &item);
        if (!status)
            inf_items_add(p->d, &items, item);
        skip_blanks(p, p->depth > 0);
        more = !status && peek(p) == '|';
        if (more) {
            p->at++;
            skip_blanks(p, true);
        }
    } while (more);
    *expr = inf_items_take(p->d, &items, INF_EXPR_ALT);
    return !status && !*expr ? no_memory(p) : status;
}

/* ---- Rules ---------------------------------------------------------------------------------------- */

/* Whether an expression uses no rule and is small: then it is copied where it is used, so that what it
 * takes is seen at once. */
static bool is_leaf(const struct inf_expr *expr, unsigned *left)
{
    if ((*left)-- == 0) {
        *left = 0;
        return false;
    }
    switch (expr->kind) {
    case INF_EXPR_CALL:
        return false;
    case INF_EXPR_REPEAT:
        return (expr->as.repeat.max == INF_ENDLESS ? expr->as.repeat.min : expr->as.repeat.max) <=
                   4 &&
               is_leaf(expr->as.repeat.item, left);
    case INF_EXPR_SEQ:
    case INF_EXPR_ALT:
        for (uint32_t i = 0; i < expr->count; i++)
            if (!is_leaf(expr->as.items[i], left))
                return false;
        return true;
    default:
        return expr->count <= 32;
    }
}

static infer_status read_rule(struct parser *p)
{
    size_t start = p->at;
    uint32_t rule = 0;
    if (!is_name(peek(p)))
        return bad(p, INFER_E_FORMAT, start, "the name of a rule is needed");
    infer_status status = read_name(p, &rule);
    if (status)
        return status;
    skip_blanks(p, false);
    if (p->len - p->at < 3 || memcmp(p->text + p->at, "::=", 3) != 0)
        return bad(p, INFER_E_FORMAT, p->at, "\"::=\" is needed behind the name of a rule");
    p->at += 3;
    skip_blanks(p, true);
    if (p->d->rules[rule].body)
        return bad(p, INFER_E_FORMAT, start, "there are two rules of this name");
    const struct inf_expr *body;
    if ((status = read_alternatives(p, &body)))
        return status;
    unsigned left = 16;
    p->d->rules[rule].body = body;
    p->d->rules[rule].leaf = is_leaf(body, &left);
    if (peek(p) >= 0 && peek(p) != '\n' && peek(p) != '\r')
        return bad(p, INFER_E_FORMAT, p->at,
                   peek(p) == ')' ? "a group ends that did not begin" : "this cannot stand here");
    return INFER_OK;
}

static infer_status read_rules(struct parser *p, uint32_t *root)
{
    infer_status status = INFER_OK;
    for (skip_blanks(p, true); !status && p->at < p->len; skip_blanks(p, true))
        status = read_rule(p);
    *root = UINT32_MAX;
    for (size_t i = 0; p->used_at && i < p->d->rule_count && !status; i++) {
        if (!p->d->rules[i].body)
            status = bad(p, INFER_E_FORMAT, p->used_at[i], "there is no rule of this name");
        if (inf_bytes_equal(p->d->rules[i].name, "root"))
            *root = (uint32_t)i;
    }
    if (!status && *root == UINT32_MAX)
        status = inf_fail(p->err, INFER_E_FORMAT, "grammar: there is no rule named root");
    return status;
}

infer_status inf_gbnf_read(struct inf_draft *d, const char *text, size_t len, uint32_t *root,
                           infer_error *err)
{
    struct parser p = {.d = d, .text = text, .len = len, .err = err};
    infer_status status = read_rules(&p, root);
    inf_release(d->a, p.used_at);
    return status;
}
