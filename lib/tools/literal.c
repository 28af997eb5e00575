/* Values byte by byte. */
#include "lib/tools/literal.h"

#include "lib/tools/tools.h"

#include <string.h>

enum inf_scan inf_json_scan_byte(struct inf_json_scan *s, char c)
{
    if (!s->begun) {
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r')
            return INF_SCAN_MORE;
        s->begun = true;
        s->in_string = c == '"';
        s->depth = c == '{' || c == '[';
        return s->in_string || s->depth ? INF_SCAN_MORE : INF_SCAN_BAD;
    }
    if (s->in_string) {
        bool ends = c == '"' && !s->escaped;
        s->escaped = c == '\\' && !s->escaped;
        s->in_string = !ends;
        return ends && !s->depth ? INF_SCAN_END : INF_SCAN_MORE;
    }
    if (c == '"')
        s->in_string = true;
    else if (c == '{' || c == '[')
        return ++s->depth > INF_MAX_JSON_DEPTH ? INF_SCAN_BAD : INF_SCAN_MORE;
    else if (c == '}' || c == ']')
        return --s->depth ? INF_SCAN_MORE : INF_SCAN_END;
    else if (!c || !strchr(" \n\t\r+-.,:0123456789eEtrufalsn", c))
        return INF_SCAN_BAD;
    return INF_SCAN_MORE;
}

/* ---- Literals -------------------------------------------------------------------------------- */

static enum inf_scan bad(struct inf_literal_reader *l)
{
    l->bad = true;
    return INF_SCAN_BAD;
}

static bool in_object(const struct inf_literal_reader *l)
{
    char closer = l->depth ? l->closers[l->depth - 1] : 0;
    return closer == '}' || closer == 'k';
}

/* Whether a byte closes what was opened last ('k': the arguments of a call). */
static bool closes(const struct inf_literal_reader *l, char c)
{
    return l->depth && c == (l->closers[l->depth - 1] == 'k' ? ')' : l->closers[l->depth - 1]);
}

/* Something was opened. */
static enum inf_scan opened(struct inf_literal_reader *l, char closer)
{
    if (l->depth == INF_MAX_JSON_DEPTH)
        return bad(l);
    l->closers[l->depth++] = closer;
    l->first = true;
    l->expect = in_object(l) ? INF_LITERAL_KEY : INF_LITERAL_VALUE;
    return INF_SCAN_MORE;
}

void inf_literal_begin(struct inf_literal_reader *l, char closer, struct inf_text *out)
{
    *l = (struct inf_literal_reader){.expect = INF_LITERAL_VALUE};
    if (closer) {
        inf_text_append(out, "{", 1);
        opened(l, closer == ')' ? 'k' : closer);
    }
}

static enum inf_scan closed(struct inf_literal_reader *l, struct inf_text *out)
{
    inf_text_append(out, in_object(l) ? "}" : "]", 1);
    l->depth--;
    l->first = false;
    l->expect = INF_LITERAL_AFTER;
    return l->depth || l->bad ? INF_SCAN_MORE : INF_SCAN_END;
}

/* A comma before the second and later ones. */
static void separate(struct inf_literal_reader *l, struct inf_text *out)
{
    if (!l->first && (l->depth && (l->expect == INF_LITERAL_KEY || !in_object(l))))
        inf_text_append(out, ", ", 2);
    l->first = false;
}

static void value_done(struct inf_literal_reader *l)
{
    l->expect = l->key ? INF_LITERAL_COLON : INF_LITERAL_AFTER;
    l->key = false;
}

static enum inf_scan word_done(struct inf_literal_reader *l, struct inf_text *out)
{
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"},
                                           {"true", "true"}, {"false", "false"}, {"null", "null"}};
    l->word[l->word_len] = 0;
    if (l->key) {
        inf_text_append(out, "\"", 1);
        inf_json_write_text(out, l->word, l->word_len);
        inf_text_append(out, "\"", 1);
        l->word_len = 0;
        value_done(l);
        return INF_SCAN_MORE;
    }
    const char *json = l->word; /* a number, or nothing that JSON has: found when it is read */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(l->word, words[i][0]))
            json = words[i][1];
    if (json == l->word && !strchr("-+.0123456789", *json))
        return bad(l);
    inf_text_append(out, json, strlen(json));
    l->word_len = 0;
    value_done(l);
    return INF_SCAN_MORE;
}

static void add_code(struct inf_text *out, unsigned code)
{
    inf_text_printf(out, "\\u%04x", code);
}

/* A byte behind a backslash. */
static enum inf_scan escaped(struct inf_literal_reader *l, char c, struct inf_text *out)
{
    static const char plain[] = "\\\"/bfnrt", python[] = "'av0";
    static const unsigned codes[] = {'\'', 7, 11, 0};
    if (l->escape > 1) { /* hex digits */
        unsigned digit = inf_hex_digit((unsigned char)c);
        if (digit == 16)
            return bad(l);
        l->code = l->code << 4 | digit;
        if (--l->escape == 1) {
            add_code(out, l->code);
            l->escape = 0;
        }
        return INF_SCAN_MORE;
    }
    l->escape = 0;
    const char *found = c ? strchr(python, c) : NULL;
    if (c == 'x' || c == 'u') {
        l->escape = c == 'x' ? 3 : 5;
        l->code = 0;
    } else if (c && strchr(plain, c)) {
        inf_text_append(out, "\\", 1);
        inf_text_append(out, &c, 1);
    } else if (found && codes[found - python] < 0x20) {
        add_code(out, codes[found - python]);
    } else if (found) {
        inf_text_append(out, "'", 1);
    } else if (c != '\n') { /* no escape: both characters */
        inf_text_append(out, "\\\\", 2);
        inf_json_write_text(out, &c, 1);
    }
    return INF_SCAN_MORE;
}

static enum inf_scan string_byte(struct inf_literal_reader *l, char c, struct inf_text *out)
{
    if (l->escape)
        return escaped(l, c, out);
    if (c == l->quote) {
        inf_text_append(out, "\"", 1);
        l->quote = 0;
        value_done(l);
    } else if (c == '\\' && l->quote != 'g') {
        l->escape = 1;
    } else {
        inf_json_write_text(out, &c, 1);
    }
    return INF_SCAN_MORE;
}

/* A key or value begins. */
static enum inf_scan begin(struct inf_literal_reader *l, char c, struct inf_text *out)
{
    if (closes(l, c) && (!in_object(l) || l->expect == INF_LITERAL_KEY))
        return closed(l, out);
    if (c == '}' || c == ']' || c == ')' || c == ',' || c == ':' || c == '=')
        return bad(l);
    separate(l, out);
    l->key = l->expect == INF_LITERAL_KEY;
    if (c == '"' || c == '\'') {
        inf_text_append(out, "\"", 1);
        l->quote = c;
        return INF_SCAN_MORE;
    }
    if (l->key && (c == '{' || c == '[' || c == '('))
        return bad(l);
    if (c == '{' || c == '[' || c == '(') {
        inf_text_append(out, c == '{' ? "{" : "[", 1);
        return opened(l, c == '{' ? '}' : c == '[' ? ']' : ')');
    }
    l->word[0] = c;
    l->word_len = 1;
    return INF_SCAN_MORE;
}

static enum inf_scan between(struct inf_literal_reader *l, char c, struct inf_text *out)
{
    if (l->expect == INF_LITERAL_COLON) {
        if (c != (l->closers[l->depth - 1] == 'k' ? '=' : ':'))
            return bad(l);
        inf_text_append(out, ": ", 2);
        l->expect = INF_LITERAL_VALUE;
        return INF_SCAN_MORE;
    }
    if (closes(l, c))
        return closed(l, out);
    if (c != ',' || !l->depth)
        return bad(l);
    l->expect = in_object(l) ? INF_LITERAL_KEY : INF_LITERAL_VALUE;
    return INF_SCAN_MORE;
}

enum inf_scan inf_literal_byte(struct inf_literal_reader *l, char c, struct inf_text *out)
{
    bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (l->bad)
        return INF_SCAN_BAD;
    if (l->quote)
        return string_byte(l, c, out);
    if (l->word_len) {
        if (!blank && (!c || !strchr(",:=[](){}\"'<>", c))) {
            if (l->word_len + 1 == sizeof l->word)
                return bad(l);
            l->word[l->word_len++] = c;
            return INF_SCAN_MORE;
        }
        if (word_done(l, out) == INF_SCAN_BAD)
            return INF_SCAN_BAD;
    }
    if (blank)
        return INF_SCAN_MORE;
    return l->expect == INF_LITERAL_COLON || l->expect == INF_LITERAL_AFTER ? between(l, c, out)
                                                                            : begin(l, c, out);
}

enum inf_scan inf_literal_quote(struct inf_literal_reader *l, struct inf_text *out)
{
    if (l->bad)
        return INF_SCAN_BAD;
    if (l->quote == 'g') {
        inf_text_append(out, "\"", 1);
        l->quote = 0;
        value_done(l);
        return INF_SCAN_MORE;
    }
    if (l->quote || l->word_len || l->expect == INF_LITERAL_COLON || l->expect == INF_LITERAL_AFTER)
        return bad(l);
    separate(l, out);
    l->key = l->expect == INF_LITERAL_KEY;
    inf_text_append(out, "\"", 1);
    l->quote = 'g';
    return INF_SCAN_MORE;
}

enum inf_scan inf_literal_end(struct inf_literal_reader *l, struct inf_text *out)
{
    if (l->word_len && word_done(l, out) == INF_SCAN_BAD)
        return INF_SCAN_BAD;
    return !l->bad && !l->depth && !l->quote && l->expect == INF_LITERAL_AFTER ? INF_SCAN_END
                                                                               : INF_SCAN_BAD;
}
