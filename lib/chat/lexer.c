/*
 * From text to lexemes, with Jinja's rules for white space: the newline behind a block goes, and so
 * do blanks between the start of a line and a block or comment ("trim_blocks", "lstrip_blocks"); '-'
 * takes all white space on its side, '+' keeps it.
 */
#include "lib/chat/characters.h"
#include "lib/chat/template.h"

#include <string.h>

static bool at_text(const struct inf_lexer *l, size_t at, const char *text)
{
    size_t len = strlen(text);
    return l->len - at >= len && !memcmp(l->text + at, text, len);
}

static size_t space_at(const struct inf_lexer *l, size_t at)
{
    uint32_t code;
    size_t size = at < l->len ? inf_utf8_decode(l->text + at, l->len - at, &code) : 0;
    return size && inf_char_is_space(code) ? size : 0;
}

static size_t skip_spaces(const struct inf_lexer *l, size_t at)
{
    for (size_t size; (size = space_at(l, at));)
        at += size;
    return at;
}

/* Where white space that ends at `end` begins, not before `start`. */
static size_t before_spaces(const struct inf_lexer *l, size_t start, size_t end)
{
    while (end > start) {
        size_t at = end - 1;
        while (at > start && ((unsigned char)l->text[at] & 0xc0) == 0x80)
            at--;
        if (!space_at(l, at))
            break;
        end = at;
    }
    return end;
}

/* Passes over the end of a tag ("%}", "}}", "#}") with its sign and what that takes with it. */
static bool skip_end(struct inf_lexer *l, size_t at, const char *end, bool trim)
{
    char sign = at < l->len ? l->text[at] : 0;
    bool minus = sign == '-', plus = sign == '+' && trim;
    if (minus || plus)
        at++;
    if (!at_text(l, at, end))
        return false;
    at += 2;
    if (minus)
        at = skip_spaces(l, at);
    else if (trim && !plus && at < l->len && l->text[at] == '\n')
        at++;
    l->line_start = l->text[at - 1] == '\n';
    l->at = at;
    return true;
}

/* "{%", perhaps a sign, blanks and the word: the place behind it; 0 where it is something else. */
static size_t after_word(const struct inf_lexer *l, size_t at, const char *word)
{
    if (!at_text(l, at, "{%"))
        return 0;
    at += 2;
    at += at < l->len && (l->text[at] == '-' || l->text[at] == '+');
    at = skip_spaces(l, at);
    return at_text(l, at, word) ? skip_spaces(l, at + strlen(word)) : 0;
}

static bool ends_block(const struct inf_lexer *l, size_t at)
{
    return at_text(l, at, "%}") || at_text(l, at, "-%}");
}

/* The text from start to a tag at `tag`, as its sign leaves it. */
static size_t trimmed_end(const struct inf_lexer *l, size_t start, size_t tag, bool strips)
{
    char sign = tag + 2 < l->len ? l->text[tag + 2] : 0;
    if (sign == '-')
        return before_spaces(l, start, tag);
    if (sign == '+' || !strips)
        return tag;
    size_t line = tag;
    while (line > start && l->text[line - 1] != '\n')
        line--;
    if ((line > start || l->line_start) && before_spaces(l, line, tag) == line)
        return line;
    return tag;
}

static void set_data(struct inf_lexer *l, size_t start, size_t end, struct inf_lexeme *out)
{
    *out = (struct inf_lexeme){
        .type = INF_LEX_DATA, .at = (uint32_t)start, .text = {l->text + start, end - start}};
}

/* What stands in {% raw %} ... {% endraw %}. */
static bool lex_raw(struct inf_parser *p, struct inf_lexeme *out)
{
    struct inf_lexer *l = &p->lexer;
    size_t start = l->at;
    l->in_raw = false;
    for (size_t at = start; at < l->len; at++) {
        const char *brace = memchr(l->text + at, '{', l->len - at);
        if (!brace)
            break;
        at = (size_t)(brace - l->text);
        size_t end = after_word(l, at, "endraw");
        if (end && (ends_block(l, end) || at_text(l, end, "+%}"))) {
            set_data(l, start, trimmed_end(l, start, at, true), out);
            skip_end(l, end, "%}", true);
            return true;
        }
    }
    return inf_parse_fail(p, INFER_E_TEMPLATE, start, "raw has no endraw");
}

static bool skip_comment(struct inf_parser *p, size_t start)
{
    struct inf_lexer *l = &p->lexer;
    size_t at = start + 2;
    at += at < l->len && (l->text[at] == '-' || l->text[at] == '+');
    const char *end = memmem(l->text + at, l->len - at, "#}", 2);
    if (!end)
        return inf_parse_fail(p, INFER_E_TEMPLATE, start, "the comment does not end");
    size_t mark = (size_t)(end - l->text);
    bool sign = mark > at && (end[-1] == '-' || end[-1] == '+');
    return skip_end(l, mark - sign, "#}", true);
}

/* Begins the tag at `tag`, when the text before it is taken. *out is as before where there is
 * nothing to be seen of it. */
static bool begin_tag(struct inf_parser *p, size_t tag, struct inf_lexeme *out)
{
    struct inf_lexer *l = &p->lexer;
    size_t raw = after_word(l, tag, "raw");
    bool variable = l->text[tag + 1] == '{';
    if (raw && ends_block(l, raw)) {
        skip_end(l, raw, "%}", false);
        l->in_raw = true;
        return true;
    }
    if (l->text[tag + 1] == '#')
        return skip_comment(p, tag);
    l->at = tag + 2;
    l->at += l->at < l->len && (l->text[l->at] == '-' || l->text[l->at] == '+');
    l->mode = variable ? INF_LEX_IN_VARIABLE : INF_LEX_IN_BLOCK;
    *out = (struct inf_lexeme){.type = variable ? INF_LEX_VARIABLE_BEGIN : INF_LEX_BLOCK_BEGIN,
                               .at = (uint32_t)tag};
    return true;
}

static size_t find_tag(const struct inf_lexer *l)
{
    for (size_t at = l->at; at + 1 < l->len; at++) {
        const char *brace = memchr(l->text + at, '{', l->len - at - 1);
        if (!brace)
            break;
        at = (size_t)(brace - l->text);
        if (brace[1] == '{' || brace[1] == '%' || brace[1] == '#')
            return at;
    }
    return l->len;
}

static bool lex_outside(struct inf_parser *p, struct inf_lexeme *out)
{
    struct inf_lexer *l = &p->lexer;
    if (l->in_raw)
        return lex_raw(p, out);
    if (l->at == l->len) {
        *out = (struct inf_lexeme){.type = INF_LEX_END, .at = (uint32_t)l->len};
        return true;
    }
    size_t start = l->at, tag = find_tag(l);
    if (tag == start) {
        l->line_start = false;
        return begin_tag(p, tag, out);
    }
    size_t end = tag;
    if (tag < l->len)
        end = trimmed_end(l, start, tag, l->text[tag + 1] != '{');
    l->line_start = false;
    l->at = tag;
    set_data(l, start, end, out);
    return true;
}

/* ---- Inside tags --------------------------------------------------------------------------- */

static bool is_digit(const struct inf_lexer *l, size_t at)
{
    return at < l->len && l->text[at] >= '0' && l->text[at] <= '9';
}

static size_t skip_digits(const struct inf_lexer *l, size_t at)
{
    while (is_digit(l, at) || (at < l->len && l->text[at] == '_' && is_digit(l, at + 1)))
        at++;
    return at;
}

static void lex_number(struct inf_lexer *l, struct inf_lexeme *out)
{
    size_t start = l->at, at = start;
    out->type = INF_LEX_INTEGER;
    char base = at + 1 < l->len && l->text[at] == '0' ? (char)(l->text[at + 1] | 0x20) : 0;
    if (base == 'x' || base == 'o' || base == 'b') {
        at += 2;
        while (at < l->len && l->text[at] && strchr("0123456789abcdefABCDEF_", l->text[at]))
            at++;
    } else {
        at = skip_digits(l, at);
        bool point = start == 0 || l->text[start - 1] != '.';
        if (point && at < l->len && l->text[at] == '.' && is_digit(l, at + 1)) {
            out->type = INF_LEX_FLOAT;
            at = skip_digits(l, at + 1);
        }
        if (point && at < l->len && (l->text[at] | 0x20) == 'e') {
            size_t digits = at + 1;
            digits += digits < l->len && (l->text[digits] == '-' || l->text[digits] == '+');
            if (is_digit(l, digits)) {
                out->type = INF_LEX_FLOAT;
                at = skip_digits(l, digits);
            }
        }
    }
    l->at = at;
}

static bool lex_string(struct inf_parser *p, struct inf_lexeme *out)
{
    struct inf_lexer *l = &p->lexer;
    char quote = l->text[l->at];
    out->type = INF_LEX_STRING;
    for (size_t at = l->at + 1; at < l->len; at++) {
        if (l->text[at] == quote) {
            l->at = at + 1;
            return true;
        }
        at += l->text[at] == '\\';
    }
    return inf_parse_fail(p, INFER_E_TEMPLATE, l->at, "the string does not end");
}

static size_t name_part(const struct inf_lexer *l, size_t at)
{
    uint32_t code;
    if (at >= l->len)
        return 0;
    size_t size = inf_utf8_decode(l->text + at, l->len - at, &code);
    return size && (code == '_' || inf_char_bits(code) & (INF_CHAR_ALPHA | INF_CHAR_DECIMAL)) ? size
                                                                                              : 0;
}

static bool close_bracket(struct inf_parser *p, char op)
{
    struct inf_lexer *l = &p->lexer;
    char open = op == ')' ? '(' : op == ']' ? '[' : '{';
    if (!l->bracket_count)
        return inf_parse_fail(p, INFER_E_TEMPLATE, l->at, "unexpected '%c'", op);
    char last = l->brackets[l->bracket_count - 1];
    if (last != open)
        return inf_parse_fail(p, INFER_E_TEMPLATE, l->at, "unexpected '%c', '%c' is needed", op,
                              last == '('   ? ')'
                              : last == '[' ? ']'
                                            : '}');
    l->bracket_count--;
    return true;
}

static bool lex_operator(struct inf_parser *p, struct inf_lexeme *out)
{
    static const char *const doubles[] = {"//d", "**p", "==e", "!=n", "<=l", ">=g"};
    struct inf_lexer *l = &p->lexer;
    char c = l->text[l->at];
    out->type = INF_LEX_OPERATOR;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        if (l->len - l->at >= 2 && !memcmp(l->text + l->at, doubles[i], 2)) {
            out->op = doubles[i][2];
            l->at += 2;
            return true;
        }
    if (!c || !strchr("+-/*%~[](){}<>=.:|,;", c)) {
        int size = (int)inf_char_size(l->text + l->at, l->len - l->at);
        return inf_parse_fail(p, INFER_E_TEMPLATE, l->at, "unexpected '%.*s'", size,
                              l->text + l->at);
    }
    out->op = c;
    if (strchr("([{", c)) {
        if (l->bracket_count == INF_BRACKETS_MAX)
            return inf_parse_fail(p, INFER_E_LIMIT, l->at, "nested too deep");
        l->brackets[l->bracket_count++] = c;
    } else if (strchr(")]}", c) && !close_bracket(p, c)) {
        return false;
    }
    l->at++;
    return true;
}

static bool lex_inside(struct inf_parser *p, struct inf_lexeme *out)
{
    struct inf_lexer *l = &p->lexer;
    l->at = skip_spaces(l, l->at);
    size_t start = l->at;
    bool block = l->mode == INF_LEX_IN_BLOCK;
    *out = (struct inf_lexeme){.type = INF_LEX_END, .at = (uint32_t)start};
    if (start == l->len)
        return true;
    bool done = true;
    if (!l->bracket_count && skip_end(l, start, block ? "%}" : "}}", block)) {
        l->mode = INF_LEX_OUTSIDE;
        out->type = block ? INF_LEX_BLOCK_END : INF_LEX_VARIABLE_END;
    } else if (is_digit(l, start)) {
        lex_number(l, out);
    } else if (name_part(l, start)) {
        out->type = INF_LEX_NAME;
        for (size_t size; (size = name_part(l, l->at));)
            l->at += size;
    } else if (l->text[start] == '"' || l->text[start] == '\'') {
        done = lex_string(p, out);
    } else {
        done = lex_operator(p, out);
    }
    out->text = (struct inf_bytes){l->text + start, l->at - start};
    return done;
}

bool inf_lex_next(struct inf_parser *p, struct inf_lexeme *out)
{
    do { /* a comment, and a text of blanks alone, may leave nothing */
        *out = (struct inf_lexeme){.type = INF_LEX_DATA};
        if (!(p->lexer.mode == INF_LEX_OUTSIDE ? lex_outside(p, out) : lex_inside(p, out)))
            return false;
    } while (out->type == INF_LEX_DATA && !out->text.len);
    return true;
}
