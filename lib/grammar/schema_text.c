/* Strings of a schema: lengths, patterns, formats. */
#include "lib/grammar/schema.h"

#include "lib/base/limits.h"

#include <stdio.h>
#include <string.h>

/* ---- Characters ---------------------------------------------------------------------------------- */

/* A character as JSON must write it. */
static const struct inf_expr *escaped(struct inf_draft *d, uint32_t code)
{
    static const char names[] = "\"\\bfnrt", codes[] = "\"\\\b\f\n\r\t";
    char text[8];
    const char *found = code ? strchr(codes, (int)code) : NULL;
    if (found) {
        snprintf(text, sizeof text, "\\%c", names[found - codes]);
        return inf_expr_text(d, text);
    }
    char low = "0123456789abcdef"[code & 15], high = "0123456789ABCDEF"[code & 15];
    snprintf(text, sizeof text, "\\u00%u", (unsigned)(code >> 4));
    return INF_SEQ(d, inf_expr_text(d, text),
                   INF_ALT(d, inf_expr_bytes(d, &low, 1), inf_expr_bytes(d, &high, 1)));
}

static bool must_escape(uint32_t code)
{
    return code < 0x20 || code == '"' || code == '\\';
}

const struct inf_expr *inf_schema_chars(struct inf_schema *s, const struct inf_range *ranges,
                                        size_t count, bool negated)
{
    struct inf_draft *d = s->d;
    const struct inf_expr *all = inf_expr_class(d, ranges, count, negated);
    struct inf_expr_items items = {0};
    if (!all)
        return NULL;
    if (all->kind == INF_EXPR_NEVER)
        return all;
    /* the ranges, cut where a character must be escaped */
    static const struct inf_range plain[] = {
        {0x20, 0x21}, {0x23, 0x5b}, {0x5d, 0xd7ff}, {0xe000, 0x10ffff}};
    size_t kept = 0;
    struct inf_range *own = inf_arena_take(&d->arena, (size_t)all->count * 4, sizeof *own);
    if (!own) {
        d->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < all->count; i++) {
        struct inf_range r = all->as.ranges[i];
        for (uint32_t code = r.low; code <= r.high && code <= '\\'; code++)
            if (must_escape(code))
                inf_items_add(d, &items, escaped(d, code));
        for (size_t k = 0; k < 4; k++) {
            uint32_t low = r.low > plain[k].low ? r.low : plain[k].low;
            uint32_t high = r.high < plain[k].high ? r.high : plain[k].high;
            if (low <= high)
                own[kept++] = (struct inf_range){low, high};
        }
    }
    if (kept)
        inf_items_add(d, &items, inf_expr_class(d, own, kept, false));
    return inf_items_take(d, &items, INF_EXPR_ALT);
}

const struct inf_expr *inf_schema_text(struct inf_schema *s, struct inf_bytes text)
{
    struct inf_text out = {.a = s->d->a};
    for (size_t i = 0; i < text.len; i++) {
        static const char names[] = "\"\\bfnrt", codes[] = "\"\\\b\f\n\r\t";
        unsigned char c = (unsigned char)text.ptr[i];
        const char *found = c ? strchr(codes, c) : NULL;
        if (found)
            inf_text_printf(&out, "\\%c", names[found - codes]);
        else if (c < 0x20)
            inf_text_printf(&out, "\\u%04x", (unsigned)c);
        else
            inf_text_append(&out, text.ptr + i, 1);
    }
    const struct inf_expr *expr =
        out.failed ? NULL : inf_expr_bytes(s->d, out.ptr ? out.ptr : "", out.len);
    s->d->failed |= out.failed;
    inf_text_free(&out);
    return expr;
}

/* Any character in any way that JSON has for it; half of a surrogate pair is none. */
static const struct inf_expr *any_char(struct inf_draft *d)
{
    static const struct inf_range forbidden[] = {{0, 0x1f}, {'"', '"'}, {'\\', '\\'}};
    static const struct inf_range hex[] = {{'0', '9'}, {'a', 'f'}, {'A', 'F'}};
    static const struct inf_range no_d[] = {
        {'0', '9'}, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}};
    static const struct inf_range is_d[] = {{'d', 'd'}, {'D', 'D'}}, low[] = {{'0', '7'}};
    static const struct inf_range first[] = {{'8', '9'}, {'a', 'b'}, {'A', 'B'}};
    static const struct inf_range second[] = {{'c', 'f'}, {'C', 'F'}};
    static const struct inf_range names[] = {{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'b', 'b'},
                                             {'f', 'f'}, {'n', 'n'},   {'r', 'r'}, {'t', 't'}};
    const struct inf_expr *h = inf_expr_class(d, hex, 3, false);
    const struct inf_expr *h2 = inf_expr_repeat(d, h, 2, 2), *h3 = inf_expr_repeat(d, h, 3, 3);
    const struct inf_expr *dd = inf_expr_class(d, is_d, 2, false);
    return INF_ALT(d, inf_expr_class(d, forbidden, 3, true),
                   INF_SEQ(d, inf_expr_text(d, "\\"), inf_expr_class(d, names, 8, false)),
                   INF_SEQ(d, inf_expr_text(d, "\\u"), inf_expr_class(d, no_d, 5, false), h3),
                   INF_SEQ(d, inf_expr_text(d, "\\u"), dd, inf_expr_class(d, low, 1, false), h2),
                   INF_SEQ(d, inf_expr_text(d, "\\u"), dd, inf_expr_class(d, first, 3, false), h2,
                           inf_expr_text(d, "\\u"), dd, inf_expr_class(d, second, 2, false), h2));
}

const struct inf_expr *inf_schema_any_string(struct inf_schema *s)
{
    struct inf_draft *d = s->d;
    if (s->string == UINT32_MAX) {
        s->string = inf_draft_rule(d, (struct inf_bytes){"string", 6});
        if (d->failed)
            return NULL;
        const struct inf_expr *body =
            INF_SEQ(d, inf_expr_text(d, "\""), inf_expr_repeat(d, any_char(d), 0, INF_ENDLESS),
                    inf_expr_text(d, "\""));
        d->rules[s->string].body = body;
    }
    return inf_expr_call(d, s->string);
}

/* ---- Formats --------------------------------------------------------------------------------------- */

#define DATE                                                                                       \
    "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|"            \
    "02-(0[1-9]|1\\d|2[0-8]))|(\\d\\d(0[48]|[2468][048]|[13579][26])|"                             \
    "([02468][048]|[13579][26])00)-02-29)"
#define TIME "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?([zZ]|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
#define OCTET "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define HEX "[0-9a-fA-F]"
#define ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define URI_CHAR "([A-Za-z0-9._~!$&'()*+,;=:@-]|%" HEX HEX ")"

/* What can be written so, is of the format; of time, email and uri not all of it is: no leap second, no
 * quoted name or address in brackets, no URI without an authority. */
static const struct {
    const char *name, *pattern;
} formats[] = {
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "[tT]" TIME "$"},
    {"uuid", "^" HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}$"},
    {"ipv4", "^(" OCTET "\\.){3}" OCTET "$"},
    {"email", "^" ATOM "(\\." ATOM ")*@" LABEL "(\\." LABEL ")*$"},
    {"uri", "^[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9._~!$&'()*+,;=-]|%" HEX HEX
            ")+(:\\d{1,5})?(/" URI_CHAR "*)*(\\?(" URI_CHAR "|[/?])*)?(#(" URI_CHAR "|[/?])*)?$"},
};

static infer_status format_dfa(struct inf_schema *s, const struct inf_json *node,
                               const struct inf_json *format, const struct inf_dfa **dfa)
{
    for (size_t i = 0; format->kind == INF_JSON_STRING && i < sizeof formats / sizeof *formats; i++)
        if (inf_bytes_equal(format->as.text, formats[i].name))
            return inf_schema_pattern(
                s, node, "format",
                (struct inf_bytes){formats[i].pattern, strlen(formats[i].pattern)}, dfa);
    return inf_schema_fail(s, INFER_E_UNSUPPORTED, format, NULL,
                           "the formats are date, time, date-time, uuid, ipv4, email, uri");
}

/* ---- All together ---------------------------------------------------------------------------------- */

static infer_status lengths(struct inf_schema *s, const struct inf_conjunct *c, uint64_t *min,
                            uint64_t *max)
{
    *min = 0;
    *max = UINT64_MAX;
    infer_status status = inf_conjunct_count(s, c, "minLength", false, min);
    if (!status)
        status = inf_conjunct_count(s, c, "maxLength", true, max);
    if (!status &&
        (*min > INF_MAX_GRAMMAR_STATES || (*max != UINT64_MAX && *max > INF_MAX_GRAMMAR_STATES)))
        return inf_fail(s->err, INFER_E_LIMIT, "schema: minLength and maxLength are at most %u",
                        INF_MAX_GRAMMAR_STATES);
    return status;
}

static uint32_t repeat_max(uint64_t max)
{
    return max == UINT64_MAX ? INF_ENDLESS : (uint32_t)max;
}

static infer_status meet(struct inf_schema *s, const struct inf_dfa **all,
                         const struct inf_dfa *one)
{
    if (!*all) {
        *all = one;
        return INFER_OK;
    }
    return inf_dfa_product(s->d, *all, one, false, s->budget, all, s->err);
}

infer_status inf_schema_text_dfa(struct inf_schema *s, const struct inf_conjunct *c,
                                 const struct inf_dfa **dfa)
{
    const struct inf_dfa *one = NULL;
    uint64_t min, max;
    infer_status status = lengths(s, c, &min, &max);
    *dfa = NULL;
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *node = c->parts[i].node;
        const struct inf_json *pattern = inf_json_get(node, "pattern");
        const struct inf_json *format = inf_json_get(node, "format");
        if (pattern && pattern->kind != INF_JSON_STRING)
            status = inf_schema_fail(s, INFER_E_FORMAT, pattern, NULL, "must be a string");
        else if (pattern &&
                 !(status = inf_schema_pattern(s, node, "pattern", pattern->as.text, &one)))
            status = meet(s, dfa, one);
        if (!status && format && !(status = format_dfa(s, node, format, &one)))
            status = meet(s, dfa, one);
    }
    if (status || (min == 0 && max == UINT64_MAX))
        return status;
    const struct inf_expr *chars = max < min
                                       ? inf_expr_never(s->d)
                                       : inf_expr_repeat(s->d, inf_schema_chars(s, NULL, 0, true),
                                                         (uint32_t)min, repeat_max(max));
    status = inf_dfa_of(s->d, chars, NULL, s->budget, &one, s->err);
    return status ? status : meet(s, dfa, one);
}

infer_status inf_schema_string(struct inf_schema *s, const struct inf_conjunct *c,
                               const struct inf_expr **expr)
{
    struct inf_draft *d = s->d;
    const struct inf_dfa *dfa;
    uint64_t min, max;
    bool exact = false;
    infer_status status = lengths(s, c, &min, &max);
    for (size_t i = 0; i < c->count; i++)
        exact |=
            inf_json_get(c->parts[i].node, "pattern") || inf_json_get(c->parts[i].node, "format");
    if (status)
        return status;
    if (exact) {
        status = inf_schema_text_dfa(s, c, &dfa);
        if (status)
            return status;
        *expr = INF_SEQ(d, inf_expr_text(d, "\""), inf_expr_dfa(d, dfa), inf_expr_text(d, "\""));
    } else if (max < min) {
        *expr = inf_expr_never(d);
    } else if (min == 0 && max == UINT64_MAX) {
        *expr = inf_schema_any_string(s);
    } else {
        *expr = INF_SEQ(d, inf_expr_text(d, "\""),
                        inf_expr_repeat(d, any_char(d), (uint32_t)min, repeat_max(max)),
                        inf_expr_text(d, "\""));
    }
    return *expr ? INFER_OK : inf_schema_no_memory(s);
}
