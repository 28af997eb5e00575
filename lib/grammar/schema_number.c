/*
 * Numbers of a schema: machines that compare decimal digits, or take the remainder. Where there are
 * bounds, numbers are written without an exponent, and whole numbers always without a point.
 */
#include "lib/grammar/schema.h"

#include "lib/base/limits.h"
#include "lib/base/decimal.h"

#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 400
#define MULTIPLE_MAX 4096

/* A bound without its sign: digits before and behind the point, no zeros at the outer ends. */
struct decimal {
    bool negative, zero;
    char whole[DIGITS_MAX], part[DIGITS_MAX];
    size_t whole_len, part_len;
};

/* Puts the digits of "-12.5e-3" where they belong; false: too many. */
static bool read_decimal(const char *text, size_t len, struct decimal *d)
{
    char digits[DIGITS_MAX];
    size_t count = 0, at = 0;
    long point = -1, exponent = 0;
    *d = (struct decimal){.negative = len && text[0] == '-'};
    for (at = d->negative; at < len && text[at] != 'e' && text[at] != 'E'; at++) {
        if (text[at] == '.')
            point = (long)count;
        else if (count == DIGITS_MAX)
            return false;
        else
            digits[count++] = text[at];
    }
    if (at < len) {
        bool minus = text[++at] == '-';
        for (at += text[at] == '-' || text[at] == '+'; at < len && exponent < 10000; at++)
            exponent = exponent * 10 + (text[at] - '0');
        exponent = minus ? -exponent : exponent;
    }
    point = (point < 0 ? (long)count : point) + exponent; /* digits before the point */
    if (point > DIGITS_MAX - 1 || point < -(DIGITS_MAX - 1) || (long)count - point > DIGITS_MAX - 1)
        return false;
    for (long i = 0; i < point; i++) {
        char c = i < (long)count ? digits[i] : '0';
        if (d->whole_len || c != '0')
            d->whole[d->whole_len++] = c;
    }
    for (long i = point; i < (long)count; i++)
        d->part[d->part_len++] = i < 0 ? '0' : digits[i];
    while (d->part_len && d->part[d->part_len - 1] == '0')
        d->part_len--;
    d->zero = !d->whole_len && !d->part_len;
    d->negative &= !d->zero;
    if (!d->whole_len)
        d->whole[d->whole_len++] = '0';
    return true;
}

void inf_schema_number_text(struct inf_text *out, const struct inf_json *v)
{
    char text[INF_DOUBLE_TEXT];
    struct decimal d;
    if (v->kind == INF_JSON_INTEGER) {
        inf_text_printf(out, "%lld", (long long)v->as.integer);
    } else if (v->kind == INF_JSON_BIG) {
        inf_text_append(out, v->as.text.ptr, v->as.text.len);
    } else {
        size_t len = inf_double_print(v->as.real, text);
        bool whole = read_decimal(text, len, &d) && !d.part_len;
        if (whole)
            inf_text_printf(out, "%s%.*s", d.negative ? "-" : "", (int)d.whole_len, d.whole);
        else
            inf_text_append(out, text, len);
    }
}

static infer_status read_bound(struct inf_schema *s, const struct inf_json *v, struct decimal *d)
{
    char text[INF_DOUBLE_TEXT];
    bool fits = false;
    if (v->kind == INF_JSON_INTEGER)
        fits = read_decimal(
            text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v->as.integer), d);
    else if (v->kind == INF_JSON_BIG)
        fits = read_decimal(v->as.text.ptr, v->as.text.len, d);
    else if (v->kind == INF_JSON_REAL && v->as.real - v->as.real == 0)
        fits = read_decimal(text, inf_double_print(v->as.real, text), d);
    else
        return inf_schema_fail(s, INFER_E_FORMAT, v, NULL, "must be a number");
    return fits ? INFER_OK
                : inf_schema_fail(s, INFER_E_LIMIT, v, NULL, "a number of more than %d digits",
                                  DIGITS_MAX);
}

/* ---- Bounds ---------------------------------------------------------------------------------------- */

enum { LESS = 1, EQUAL = 2, GREATER = 4, ANY = 7 };

static const struct inf_expr *digits(struct inf_draft *d, char low, char high)
{
    struct inf_range range = {(unsigned char)low, (unsigned char)high};
    return inf_expr_class(d, &range, 1, false);
}

/* From state `from` by the digits that are less than, equal to and greater than c. */
static void compare_digit(struct inf_graph *g, uint32_t from, char c, uint32_t less, uint32_t equal,
                          uint32_t greater)
{
    struct inf_draft *d = g->d;
    if (c > '0')
        inf_graph_edge(g, from, less, digits(d, '0', (char)(c - 1)));
    inf_graph_edge(g, from, equal, digits(d, c, c));
    if (c < '9')
        inf_graph_edge(g, from, greater, digits(d, (char)(c + 1), '9'));
}

/* Digits behind the point, compared with those of the bound; leads from `from`. Once more digits cannot
 * change the result, `less` and `greater` take them. */
static void compare_part(struct inf_graph *g, uint32_t from, const struct decimal *m,
                         unsigned accept, uint32_t less, uint32_t greater)
{
    struct inf_draft *d = g->d;
    for (size_t i = 0; i < m->part_len; i++) {
        uint32_t next = inf_graph_state(g);
        compare_digit(g, from, m->part[i], less, next, greater);
        if (i && accept & LESS)
            inf_graph_jump(g, from, 1); /* the digits missing are zeros */
        from = next;
    }
    uint32_t equal = from;
    if (!m->part_len) { /* a first digit is needed */
        equal = inf_graph_state(g);
        inf_graph_edge(g, from, equal, digits(d, '0', '0'));
        inf_graph_edge(g, from, greater, digits(d, '1', '9'));
    }
    inf_graph_edge(g, equal, equal, digits(d, '0', '0'));
    inf_graph_edge(g, equal, greater, digits(d, '1', '9'));
    if (accept & EQUAL)
        inf_graph_jump(g, equal, 1);
}

/* Numbers without sign, from `start`, whose comparison with |m| is in `accept`. */
static void compare(struct inf_graph *g, uint32_t start, const struct decimal *m, unsigned accept)
{
    struct inf_draft *d = g->d;
    const struct inf_expr *digit = digits(d, '0', '9'), *point = inf_expr_text(d, ".");
    uint32_t less = inf_graph_state(g),
             greater = inf_graph_state(g); /* behind the point: decided */
    uint32_t less_point = inf_graph_state(g), greater_point = inf_graph_state(g);
    uint32_t longer = inf_graph_state(g), equal_point = inf_graph_state(g);
    inf_graph_edge(g, less_point, less, digit);
    inf_graph_edge(g, less, less, digit);
    inf_graph_edge(g, greater_point, greater, digit);
    inf_graph_edge(g, greater, greater, digit);
    inf_graph_edge(g, longer, longer, digit);
    inf_graph_edge(g, longer, greater_point, point);
    if (accept & LESS)
        inf_graph_jump(g, less, 1);
    if (accept & GREATER) {
        inf_graph_jump(g, greater, 1);
        inf_graph_jump(g, longer, 1);
    }
    compare_part(g, equal_point, m, accept, less, greater);
    /* of the digits so far: less, equal or greater than as many of m */
    uint32_t at[3] = {start, start, start};
    for (size_t i = 0; i < m->whole_len; i++) {
        uint32_t next[3] = {inf_graph_state(g), inf_graph_state(g), inf_graph_state(g)};
        bool last = i + 1 == m->whole_len;
        compare_digit(g, at[1], m->whole[i], next[0], next[1], next[2]);
        if (i) {
            inf_graph_edge(g, at[0], next[0], digit);
            inf_graph_edge(g, at[2], next[2], digit);
        }
        for (int k = 0; k < 3; k++) {
            unsigned result = !last         ? LESS
                              : k == 0      ? LESS
                              : k == 2      ? GREATER
                              : m->part_len ? LESS
                                            : EQUAL;
            if (accept & result)
                inf_graph_jump(g, next[k], 1);
            inf_graph_edge(g, next[k],
                           !last || k == 0 ? less_point
                           : k == 1        ? equal_point
                                           : greater_point,
                           point);
            if (last)
                inf_graph_edge(g, next[k], longer, digit);
            at[k] = next[k];
        }
    }
}

/* op: which comparisons of the number with the bound are allowed. */
static infer_status bound_dfa(struct inf_schema *s, const struct decimal *m, unsigned op,
                              const struct inf_dfa **dfa)
{
    struct inf_graph *g = inf_graph_new(s->d);
    if (!g)
        return inf_schema_no_memory(s);
    uint32_t minus = inf_graph_state(g);
    unsigned mirrored = (op & EQUAL) | (op & LESS ? GREATER : 0) | (op & GREATER ? LESS : 0);
    unsigned above = op & GREATER ? ANY : 0, below = op & LESS ? ANY : 0;
    inf_graph_edge(g, 0, minus, inf_expr_text(s->d, "-"));
    compare(g, 0, m, m->negative ? above : op);
    compare(g, minus, m, m->negative || m->zero ? mirrored : below);
    return inf_dfa_of(s->d, inf_expr_graph(g), NULL, s->budget, dfa, s->err);
}

/* ---- Multiples ------------------------------------------------------------------------------------- */

/* The multiples of unit / 10^places. A state is the remainder of the digits so far, and how many of
 * them stand behind the point: rows of `unit` states, the first before the point. Digits that are
 * missing are zeros, and behind `places` only zeros may follow. */
static const struct inf_expr *multiples(struct inf_schema *s, uint32_t unit, uint32_t places)
{
    struct inf_draft *d = s->d;
    struct inf_graph *g = inf_graph_new(d);
    if (!g)
        return NULL;
    const struct inf_expr *point = inf_expr_text(d, "."), *digit[10];
    uint32_t first = g->state_count, zeros = first + (places + 2) * unit, scale = 1;
    g->state_count = zeros + 1;
    for (char c = 0; c < 10; c++)
        digit[(int)c] = digits(d, (char)('0' + c), (char)('0' + c));
    inf_graph_jump(g, 0, first);
    inf_graph_edge(g, 0, first, inf_expr_text(d, "-"));
    inf_graph_edge(g, zeros, zeros, digit[0]);
    inf_graph_jump(g, zeros, 1);
    for (uint32_t row = places + 2;
         row-- > 0;) { /* row 0: before the point; row i: i - 1 behind it */
        bool last = row == places + 1;
        for (uint32_t r = 0; r < unit; r++) {
            uint32_t at = first + row * unit + r;
            for (uint32_t c = 0; c < 10 && !last; c++)
                inf_graph_edge(g, at, first + (row ? row + 1 : 0) * unit + (r * 10 + c) % unit,
                               digit[c]);
            if (row == 0)
                inf_graph_edge(g, at, at + unit, point);
            if (last && r == 0)
                inf_graph_edge(g, at, zeros, digit[0]);
            if (row != 1 && (uint64_t)r * scale % unit == 0)
                inf_graph_jump(g, at, 1);
        }
        if (row > 1)
            scale = (uint32_t)((uint64_t)scale * 10 % unit);
    }
    return inf_expr_graph(g);
}

static infer_status multiple_dfa(struct inf_schema *s, const struct inf_json *v,
                                 const struct inf_dfa **dfa)
{
    struct decimal m;
    uint64_t unit = 0;
    infer_status status = read_bound(s, v, &m);
    if (status)
        return status;
    for (size_t i = 0; i < m.whole_len && unit <= MULTIPLE_MAX; i++)
        unit = unit * 10 + (uint64_t)(m.whole[i] - '0');
    for (size_t i = 0; i < m.part_len && unit <= MULTIPLE_MAX; i++)
        unit = unit * 10 + (uint64_t)(m.part[i] - '0');
    if (m.negative || m.zero)
        return inf_schema_fail(s, INFER_E_FORMAT, v, NULL, "must be above 0");
    if (unit * (m.part_len + 2) > MULTIPLE_MAX)
        return inf_schema_fail(s, INFER_E_UNSUPPORTED, v, NULL,
                               "a step of so many digits is not supported");
    return inf_dfa_of(s->d, multiples(s, (uint32_t)unit, (uint32_t)m.part_len), NULL, s->budget,
                      dfa, s->err);
}

/* ---- All together ---------------------------------------------------------------------------------- */

static const struct inf_expr *form(struct inf_draft *d, bool whole, bool exponent)
{
    const struct inf_expr *digit = digits(d, '0', '9');
    const struct inf_range signs[] = {{'+', '+'}, {'-', '-'}}, es[] = {{'e', 'e'}, {'E', 'E'}};
    const struct inf_expr *number = INF_SEQ(
        d, inf_expr_repeat(d, inf_expr_text(d, "-"), 0, 1),
        INF_ALT(d, inf_expr_text(d, "0"),
                INF_SEQ(d, digits(d, '1', '9'), inf_expr_repeat(d, digit, 0, INF_ENDLESS))));
    if (!whole)
        number = INF_SEQ(d, number,
                         inf_expr_repeat(d,
                                         INF_SEQ(d, inf_expr_text(d, "."),
                                                 inf_expr_repeat(d, digit, 1, INF_ENDLESS)),
                                         0, 1));
    if (exponent)
        number = INF_SEQ(
            d, number,
            inf_expr_repeat(d,
                            INF_SEQ(d, inf_expr_class(d, es, 2, false),
                                    inf_expr_repeat(d, inf_expr_class(d, signs, 2, false), 0, 1),
                                    inf_expr_repeat(d, digit, 1, INF_ENDLESS)),
                            0, 1));
    return number;
}

infer_status inf_schema_number_dfa(struct inf_schema *s, const struct inf_conjunct *c,
                                   unsigned types, const struct inf_dfa **dfa)
{
    static const struct {
        const char *name;
        unsigned op;
    } bounds[] = {{"minimum", GREATER | EQUAL},
                  {"maximum", LESS | EQUAL},
                  {"exclusiveMinimum", GREATER},
                  {"exclusiveMaximum", LESS},
                  {"multipleOf", 0}};
    infer_status status = INFER_OK;
    *dfa = NULL;
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
            const struct inf_json *v = inf_json_get(c->parts[i].node, bounds[k].name);
            const struct inf_dfa *one = NULL;
            struct decimal m = {0};
            if (!v)
                continue;
            if (!*dfa && (status = inf_dfa_of(s->d, form(s->d, !(types & INF_TYPE_FRACTION), false),
                                              NULL, s->budget, dfa, s->err)))
                return status;
            if (bounds[k].op)
                status = read_bound(s, v, &m);
            if (!status)
                status =
                    bounds[k].op ? bound_dfa(s, &m, bounds[k].op, &one) : multiple_dfa(s, v, &one);
            if (!status)
                status = inf_dfa_product(s->d, *dfa, one, false, s->budget, dfa, s->err);
            if (status)
                return status;
        }
    return INFER_OK;
}

infer_status inf_schema_number(struct inf_schema *s, const struct inf_conjunct *c, unsigned types,
                               const struct inf_expr **expr)
{
    const struct inf_dfa *dfa;
    infer_status status = inf_schema_number_dfa(s, c, types, &dfa);
    bool fraction = types & INF_TYPE_FRACTION;
    if (status)
        return status;
    *expr = dfa ? inf_expr_dfa(s->d, dfa) : form(s->d, !fraction, fraction);
    return *expr ? INFER_OK : inf_schema_no_memory(s);
}
