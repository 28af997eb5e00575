/* Constants of expressions: strings and numbers. */
#include "lib/chat/template.h"

#include "lib/base/decimal.h"

#include <string.h>

struct inf_value inf_parse_text_value(struct inf_parser *p, const char *bytes, size_t len)
{
    struct inf_buffer *b = inf_heap_take(&p->t->heap, sizeof *b);
    if (!b) {
        inf_parse_no_memory(p);
        return inf_none();
    }
    *b = (struct inf_buffer){
        .bytes = (char *)(uintptr_t)bytes, .used = (uint32_t)len, .literal = true};
    return inf_buffer_value(b);
}

/* What follows a backslash at text[at]: written to out, *at behind it. */
static bool unescape(struct inf_parser *p, const struct inf_lexeme *lexeme, size_t *at, char *out,
                     size_t *used)
{
    static const char names[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    const char *text = lexeme->text.ptr;
    size_t end = lexeme->text.len - 1, start = *at;
    char c = text[(*at)++];
    const char *known = c ? strchr(names, c) : NULL;
    uint32_t code = 0;
    if (known) {
        out[(*used)++] = values[known - names];
        return true;
    }
    if (c == '\n')
        return true;
    if (c == 'x' || c == 'u' || c == 'U') {
        size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        for (; digits && *at < end && inf_hex_digit(text[*at]) < 16; digits--)
            code = code << 4 | inf_hex_digit(text[(*at)++]);
        if (digits)
            return inf_parse_fail(p, INFER_E_TEMPLATE, lexeme->at + start, "\\%c needs hex digits",
                                  c);
    } else if (c >= '0' && c <= '7') {
        code = (uint32_t)(c - '0');
        for (int i = 0; i < 2 && *at < end && text[*at] >= '0' && text[*at] <= '7'; i++)
            code = code * 8 + (uint32_t)(text[(*at)++] - '0');
    } else { /* not an escape: both are kept */
        out[(*used)++] = '\\';
        out[(*used)++] = c;
        return true;
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return inf_parse_fail(p, INFER_E_TEMPLATE, lexeme->at + start, "no such character");
    *used += inf_utf8_encode(code, out + *used);
    return true;
}

/* One string literal behind the bytes that out holds already. */
static bool add_string(struct inf_parser *p, const struct inf_lexeme *lexeme, char *out,
                       size_t *used)
{
    const char *text = lexeme->text.ptr;
    for (size_t at = 1; at + 1 < lexeme->text.len;) {
        if (text[at] != '\\') {
            out[(*used)++] = text[at++];
            continue;
        }
        at++;
        if (!unescape(p, lexeme, &at, out, used))
            return false;
    }
    return true;
}

/* 'a' "b" is one string. */
struct inf_node *inf_parse_strings(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_CONSTANT, p->now.at);
    char *out = NULL;
    size_t used = 0;
    while (node && p->now.type == INF_LEX_STRING) {
        char *longer = inf_heap_take(&p->t->heap, used + p->now.text.len);
        if (!longer) {
            inf_parse_no_memory(p);
            return NULL;
        }
        if (used)
            memcpy(longer, out, used);
        out = longer;
        if (!add_string(p, &p->now, out, &used) || !inf_parse_advance(p))
            return NULL;
    }
    if (node)
        node->value = inf_parse_text_value(p, out, used);
    return node;
}

struct inf_node *inf_parse_number(struct inf_parser *p)
{
    struct inf_node *node = inf_parse_node(p, INF_NODE_CONSTANT, p->now.at);
    char digits[64] = "";
    size_t len = 0;
    if (!node)
        return NULL;
    for (size_t i = 0; i < p->now.text.len; i++)
        if (p->now.text.ptr[i] != '_' && len < sizeof digits)
            digits[len++] = p->now.text.ptr[i];
    double real = 0;
    int64_t whole = 0;
    bool sound = len < sizeof digits;
    if (p->now.type == INF_LEX_FLOAT) {
        sound = sound && inf_double_read(digits, len, &real);
        node->value = inf_float(real);
    } else {
        char sign = len > 1 ? (char)(digits[1] | 0x20) : 0;
        unsigned base = sign == 'x' ? 16 : sign == 'o' ? 8 : sign == 'b' ? 2 : 10;
        sound = sound && (base == 10 ? *digits != '0' || strspn(digits, "0") == len : len > 2);
        for (size_t i = base == 10 ? 0 : 2; sound && i < len; i++)
            sound = inf_hex_digit(digits[i]) < base &&
                    !__builtin_mul_overflow(whole, base, &whole) &&
                    !__builtin_add_overflow(whole, inf_hex_digit(digits[i]), &whole);
        node->value = inf_int(whole);
    }
    if (!sound)
        inf_parse_fail(p, INFER_E_TEMPLATE, p->now.at, "not a number, or too large");
    return inf_parse_advance(p) && sound ? node : NULL;
}
