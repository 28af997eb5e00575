/*
 * Regular expressions of ECMA 262, as far as they are regular, with the u flag's characters. A match
 * anywhere counts: what stands before and behind it is free, but for a ^ or $ at an end of an alternative
 * of the whole. Look-around, back references, word borders and \p are refused.
 */
#include "lib/grammar/schema.h"

#include "lib/base/limits.h"

#include <string.h>

#define NESTING_MAX 64
#define RANGES_MAX 512

struct regex {
    struct inf_schema *s;
    const struct inf_json *node;
    const char *keyword;
    const char *text;
    size_t len, at;
    unsigned depth;
};

struct set {
    struct inf_range ranges[RANGES_MAX];
    size_t count;
};

static infer_status refuse(struct regex *r, size_t at, const char *what)
{
    return inf_schema_fail(r->s, INFER_E_UNSUPPORTED, r->node, r->keyword, "at byte %zu: %s", at,
                           what);
}

static int peek(const struct regex *r)
{
    return r->at < r->len ? (unsigned char)r->text[r->at] : -1;
}

/* ---- Classes ------------------------------------------------------------------------------------- */

static const struct inf_range digits[] = {{'0', '9'}};
static const struct inf_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct inf_range blanks[] = {
    {9, 13},          {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};

static bool add_range(struct set *set, uint32_t low, uint32_t high)
{
    if (set->count == RANGES_MAX)
        return false;
    set->ranges[set->count++] = (struct inf_range){low, high};
    return true;
}

/* Adds ranges that are in order, or all that they leave out. */
static bool add_ranges(struct set *set, const struct inf_range *ranges, size_t count, bool negated)
{
    uint32_t next = 0;
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++) {
        if (!negated)
            fits = add_range(set, ranges[i].low, ranges[i].high);
        else if (ranges[i].low > next)
            fits = add_range(set, next, ranges[i].low - 1);
        next = ranges[i].high + 1;
    }
    return fits && (!negated || add_range(set, next, 0x10ffff));
}

/* \d \w \s and their negations; false: it is none of them. */
static bool class_escape(int c, struct set *set, bool *fits)
{
    bool negated = c == 'D' || c == 'W' || c == 'S';
    if (c == 'd' || c == 'D')
        *fits = add_ranges(set, digits, 1, negated);
    else if (c == 'w' || c == 'W')
        *fits = add_ranges(set, words, 4, negated);
    else if (c == 's' || c == 'S')
        *fits = add_ranges(set, blanks, sizeof blanks / sizeof *blanks, negated);
    else
        return false;
    return true;
}

static bool read_hex(struct regex *r, unsigned count, uint32_t *code)
{
    *code = 0;
    for (unsigned i = 0; i < count; i++, r->at++) {
        unsigned digit = inf_hex_digit(peek(r));
        if (digit == 16)
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

/* \u, of four digits or of any number in braces; two halves of a pair are one character. */
static bool read_unicode(struct regex *r, uint32_t *code)
{
    uint32_t low;
    if (peek(r) == '{') {
        uint64_t value = 0;
        size_t start = ++r->at;
        uint32_t digit;
        while (peek(r) != '}' && value <= 0x10ffff && read_hex(r, 1, &digit))
            value = value << 4 | digit;
        *code = (uint32_t)value;
        return peek(r) == '}' && r->at++ > start && value <= 0x10ffff;
    }
    if (!read_hex(r, 4, code))
        return false;
    if (*code >= 0xd800 && *code < 0xdc00 && r->len - r->at >= 6 && r->text[r->at] == '\\' &&
        r->text[r->at + 1] == 'u') {
        size_t start = r->at;
        r->at += 2;
        if (read_hex(r, 4, &low) && low >= 0xdc00 && low < 0xe000)
            *code = 0x10000 + ((*code - 0xd800) << 10 | (low - 0xdc00));
        else
            r->at = start;
    }
    return *code < 0xd800 || *code > 0xdfff;
}

/* What stands behind a backslash, where it is one character. */
static infer_status read_escape(struct regex *r, bool in_class, uint32_t *code)
{
    static const char names[] = "tnvfr", values[] = "\t\n\v\f\r";
    size_t start = r->at - 1;
    int c = peek(r);
    const char *found = c > 0 ? strchr(names, c) : NULL;
    r->at++;
    if (found) {
        *code = (unsigned char)values[found - names];
    } else if (c == '0' && !(peek(r) >= '0' && peek(r) <= '9')) {
        *code = 0;
    } else if (c == 'c' && ((peek(r) | 32) >= 'a' && (peek(r) | 32) <= 'z')) {
        *code = (uint32_t)peek(r) & 31;
        r->at++;
    } else if (c == 'x') {
        if (!read_hex(r, 2, code))
            return refuse(r, start, "\\x needs two hex digits");
    } else if (c == 'u') {
        if (!read_unicode(r, code))
            return refuse(r, start, "\\u names no character");
    } else if (in_class && c == 'b') {
        *code = 8;
    } else if (c > 0 && strchr("^$\\.*+?()[]{}|/-", c)) {
        *code = (uint32_t)c;
    } else {
        return refuse(r, start, "this escape is not supported");
    }
    return INFER_OK;
}

static infer_status read_char(struct regex *r, uint32_t *code)
{
    size_t len = inf_utf8_decode(r->text + r->at, r->len - r->at, code);
    r->at += len;
    return len ? INFER_OK : refuse(r, r->at, "not UTF-8");
}

/* One member of a class: *single, or ranges are added. */
static infer_status read_member(struct regex *r, struct set *set, uint32_t *code, bool *single)
{
    bool fits = true;
    size_t start = r->at;
    *single = true;
    if (peek(r) != '\\')
        return read_char(r, code);
    r->at++;
    if (class_escape(peek(r), set, &fits)) {
        r->at++;
        *single = false;
        return fits ? INFER_OK : refuse(r, start, "too many ranges");
    }
    return read_escape(r, true, code);
}

static infer_status read_class(struct regex *r, const struct inf_expr **expr)
{
    struct set set = {.count = 0};
    size_t start = r->at++;
    bool negated = peek(r) == '^', single;
    infer_status status = INFER_OK;
    r->at += negated;
    while (!status && peek(r) != ']') {
        uint32_t low = 0, high = 0;
        if (peek(r) < 0)
            return refuse(r, start, "the class does not end");
        status = read_member(r, &set, &low, &single);
        high = low;
        if (!status && single && peek(r) == '-' && r->at + 1 < r->len &&
            r->text[r->at + 1] != ']') {
            r->at++;
            status = read_member(r, &set, &high, &single);
            if (!status && (!single || high < low))
                return refuse(r, start, "a range that is none");
        }
        if (!status && single && !add_range(&set, low, high))
            return refuse(r, start, "too many ranges");
    }
    r->at++;
    if (!status && !(*expr = inf_schema_chars(r->s, set.ranges, set.count, negated)))
        status = inf_schema_no_memory(r->s);
    return status;
}

/* ---- Terms --------------------------------------------------------------------------------------- */

static infer_status read_alternatives(struct regex *r, bool whole, const struct inf_expr **expr);

static infer_status read_group(struct regex *r, const struct inf_expr **expr)
{
    size_t start = r->at++;
    if (peek(r) == '?') {
        r->at++;
        int c = peek(r);
        if (c == '<' && r->at + 1 < r->len && r->text[r->at + 1] != '=' &&
            r->text[r->at + 1] != '!') {
            while (peek(r) >= 0 && peek(r) != '>')
                r->at++;
        } else if (c != ':') {
            return refuse(r, start, "look-around is not supported");
        }
        r->at++;
    }
    if (++r->depth > NESTING_MAX)
        return refuse(r, start, "groups nested too deep");
    infer_status status = read_alternatives(r, false, expr);
    r->depth--;
    if (!status && peek(r) != ')')
        status = refuse(r, start, "the group does not end");
    r->at++;
    return status;
}

static infer_status read_atom(struct regex *r, const struct inf_expr **expr)
{
    static const struct inf_range lines[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
    struct set set = {.count = 0};
    uint32_t code = 0;
    bool fits = true;
    infer_status status = INFER_OK;
    size_t start = r->at;
    int c = peek(r);
    if (c == '(')
        return read_group(r, expr);
    if (c == '[')
        return read_class(r, expr);
    if (c == '^' || c == '$')
        return refuse(r, start, "^ and $ are supported at the ends of the whole alone");
    if (c == '*' || c == '+' || c == '?' || c == '{' || c == '}' || c == ']')
        return refuse(r, start, "this cannot stand here");
    if (c == '.') {
        r->at++;
        *expr = inf_schema_chars(r->s, lines, 3, true);
        return *expr ? INFER_OK : inf_schema_no_memory(r->s);
    }
    if (c == '\\') {
        r->at++;
        if (class_escape(peek(r), &set, &fits))
            r->at++;
        else if (!(status = read_escape(r, false, &code)))
            add_range(&set, code, code);
    } else if (!(status = read_char(r, &code))) {
        add_range(&set, code, code);
    }
    if (!status && !(*expr = inf_schema_chars(r->s, set.ranges, set.count, false)))
        status = inf_schema_no_memory(r->s);
    return status;
}

static bool read_number(struct regex *r, uint32_t *value)
{
    size_t start = r->at;
    for (*value = 0; peek(r) >= '0' && peek(r) <= '9' && *value <= INF_MAX_GRAMMAR_STATES; r->at++)
        *value = *value * 10 + (uint32_t)(peek(r) - '0');
    return r->at > start && *value <= INF_MAX_GRAMMAR_STATES;
}

static infer_status read_quantifier(struct regex *r, const struct inf_expr **expr)
{
    size_t start = r->at;
    uint32_t min = 0, max = INF_ENDLESS;
    int c = peek(r);
    if (c != '*' && c != '+' && c != '?' && c != '{')
        return INFER_OK;
    r->at++;
    if (c == '+')
        min = 1;
    if (c == '?')
        max = 1;
    if (c == '{') {
        bool sound = read_number(r, &min);
        max = min;
        if (sound && peek(r) == ',') {
            r->at++;
            max = INF_ENDLESS;
            sound = peek(r) == '}' || read_number(r, &max);
        }
        if (!sound || peek(r) != '}' || max < min)
            return refuse(r, start, "a repetition is {m}, {m,} or {m,n}");
        r->at++;
    }
    if (peek(r) == '?')
        r->at++; /* which match it is makes no difference */
    *expr = inf_expr_repeat(r->s->d, *expr, min, max);
    return *expr ? INFER_OK : inf_schema_no_memory(r->s);
}

static infer_status read_sequence(struct regex *r, bool whole, const struct inf_expr **expr)
{
    struct inf_draft *d = r->s->d;
    struct inf_expr_items items = {0};
    infer_status status = INFER_OK;
    const struct inf_expr *anything =
        whole ? inf_expr_repeat(d, inf_schema_chars(r->s, NULL, 0, true), 0, INF_ENDLESS) : NULL;
    bool open = whole;
    if (whole && peek(r) == '^')
        r->at++;
    else if (whole)
        inf_items_add(d, &items, anything);
    while (!status && peek(r) >= 0 && peek(r) != '|' && peek(r) != ')') {
        const struct inf_expr *item = NULL;
        bool last = r->at + 1 == r->len || r->text[r->at + 1] == '|';
        if (whole && peek(r) == '$' && last) {
            r->at++;
            open = false;
            break;
        }
        status = read_atom(r, &item);
        if (!status)
            status = read_quantifier(r, &item);
        if (!status)
            inf_items_add(d, &items, item);
    }
    if (open)
        inf_items_add(d, &items, anything);
    *expr = inf_items_take(d, &items, INF_EXPR_SEQ);
    return status ? status : *expr ? INFER_OK : inf_schema_no_memory(r->s);
}

static infer_status read_alternatives(struct regex *r, bool whole, const struct inf_expr **expr)
{
    struct inf_expr_items items = {0};
    infer_status status;
    bool more;
    do {
        const struct inf_expr *item = NULL;
        status = read_sequence(r, whole, &item);
        if (!status)
            inf_items_add(r->s->d, &items, item);
        more = !status && peek(r) == '|';
        r->at += more;
    } while (more);
    *expr = inf_items_take(r->s->d, &items, INF_EXPR_ALT);
    return status ? status : *expr ? INFER_OK : inf_schema_no_memory(r->s);
}

infer_status inf_schema_pattern(struct inf_schema *s, const struct inf_json *node,
                                const char *keyword, struct inf_bytes pattern,
                                const struct inf_dfa **dfa)
{
    struct regex r = {
        .s = s, .node = node, .keyword = keyword, .text = pattern.ptr, .len = pattern.len};
    const struct inf_expr *expr;
    infer_status status = read_alternatives(&r, true, &expr);
    if (!status && r.at < r.len)
        status = refuse(&r, r.at, "a group ends that did not begin");
    return status ? status : inf_dfa_of(s->d, expr, NULL, s->budget, dfa, s->err);
}
