/* Filters of texts and numbers. What is no text is made one first, as Jinja does. */
#include "lib/base/decimal.h"
#include "lib/chat/characters.h"
#include "lib/chat/value.h"

#include <math.h>
#include <string.h>

static bool change_case(struct inf_render *r, const struct inf_value *v, enum inf_case change,
                        struct inf_value *out)
{
    struct inf_value text;
    return inf_value_text(r, v, &text) && inf_text_case(r, &text, change, out);
}

INF_BUILTIN(upper)
{
    return change_case(r, self, INF_CASE_UPPER, out);
}

INF_BUILTIN(lower)
{
    return change_case(r, self, INF_CASE_LOWER, out);
}

INF_BUILTIN(capitalize)
{
    return change_case(r, self, INF_CASE_FIRST, out);
}

INF_BUILTIN(title)
{
    return change_case(r, self, INF_CASE_WORDS, out);
}

INF_BUILTIN(trim)
{
    struct inf_value text;
    return inf_value_text(r, self, &text) &&
           inf_text_strip(r, &text, given[0], INF_LEFT | INF_RIGHT, out);
}

INF_BUILTIN(string)
{
    return inf_value_text(r, self, out);
}

INF_BUILTIN(safe)
{
    if (!inf_value_text(r, self, out))
        return false;
    out->safe = true;
    return true;
}

INF_BUILTIN(escape)
{
    return inf_value_escape(r, self, false, out);
}

INF_BUILTIN(forceescape)
{
    return inf_value_escape(r, self, true, out);
}

INF_BUILTIN(replace)
{
    struct inf_value text, old, by;
    int64_t most = -1;
    if (given[2] && given[2]->kind != INF_NONE && !inf_need_int(r, given[2], "count", &most))
        return false;
    return inf_value_text(r, self, &text) && inf_value_text(r, given[0], &old) &&
           inf_value_text(r, given[1], &by) && inf_text_replace(r, &text, &old, &by, most, out);
}

INF_BUILTIN(format)
{
    struct inf_value text;
    if (all->count && all->name_count)
        return inf_fault(r, "format: arguments with names and without cannot be mixed");
    return inf_value_text(r, self, &text) && inf_text_percent(r, &text, all, out);
}

INF_BUILTIN(center)
{
    struct inf_value text;
    int64_t width = 80;
    return inf_value_text(r, self, &text) && inf_need_int(r, given[0], "width", &width) &&
           inf_text_pad(r, &text, width, '^', " ", out);
}

INF_BUILTIN(wordcount)
{
    struct inf_value text;
    int64_t words = 0;
    bool inside = false;
    if (!inf_value_text(r, self, &text) || !inf_render_spend(r, inf_chars_len(&text) / 8))
        return false;
    const char *bytes = inf_chars(&text);
    for (size_t at = 0, size; at < inf_chars_len(&text); at += size) {
        uint32_t code = 0;
        size = inf_utf8_decode(bytes + at, inf_chars_len(&text) - at, &code);
        bool word = code == '_' ||
                    inf_char_bits(code) & (INF_CHAR_ALPHA | INF_CHAR_DECIMAL | INF_CHAR_NUMERIC);
        words += word && !inside;
        inside = word;
        size = size ? size : 1;
    }
    *out = inf_int(words);
    return true;
}

/* ---- Layout -------------------------------------------------------------------------------- */

INF_BUILTIN(indent)
{
    static const char blanks[] = "                                                                ";
    struct inf_value newline, text, lines, by;
    int64_t width = 4;
    bool first = given[1] && inf_truth(given[1]), blank = given[2] && inf_truth(given[2]);
    if (given[0] && given[0]->kind == INF_TEXT) {
        by = *given[0];
    } else {
        if (!inf_need_int(r, given[0], "width", &width))
            return false;
        if (width > (int64_t)sizeof blanks - 1)
            return inf_render_fail(r, INFER_E_LIMIT, "an indent of more than %zu",
                                   sizeof blanks - 1);
        if (!inf_text_borrow(r, blanks, width > 0 ? (size_t)width : 0, false, &by))
            return false;
    }
    /* a newline is put behind the text, so that one at its end is a line too */
    if (!inf_need_text(r, self, "what to indent") || !inf_text_borrow(r, "\n", 1, true, &newline) ||
        !inf_text_join(r, self, &newline, &text) || !inf_text_lines(r, &text, false, &lines))
        return false;
    struct inf_buffer *b = inf_buffer_new(r, inf_chars_len(self));
    if (!b)
        return false;
    for (size_t i = 0; i < lines.as.sequence->count; i++) {
        const struct inf_value *line = &lines.as.sequence->items[i];
        bool indented = i ? blank || inf_chars_len(line) : first;
        if ((i && !inf_buffer_add(r, b, "\n", 1, false)) ||
            (indented && !inf_buffer_add_text(r, b, &by.as.text)) ||
            !inf_buffer_add_text(r, b, &line->as.text))
            return false;
    }
    *out = inf_buffer_value(b);
    return true;
}

INF_BUILTIN(truncate)
{
    int64_t length = 255, leeway = 5;
    bool kill = given[1] && inf_truth(given[1]);
    struct inf_value end;
    if (!inf_need_text(r, self, "what to truncate") ||
        !inf_need_int(r, given[0], "length", &length) ||
        (given[3] && given[3]->kind != INF_NONE && !inf_need_int(r, given[3], "leeway", &leeway)))
        return false;
    if (given[2])
        end = *given[2];
    else if (!inf_text_borrow(r, "...", 3, true, &end))
        return false;
    if (!inf_need_text(r, &end, "end"))
        return false;
    int64_t kept = length - (int64_t)inf_text_length(&end);
    if (kept < 0 || leeway < 0)
        return inf_fault(r, "truncate: length or leeway is too small");
    if ((int64_t)inf_text_length(self) - length <= leeway) {
        *out = *self;
        return true;
    }
    size_t stop = inf_text_offset(self, (size_t)kept);
    const char *blank = kill ? NULL : memrchr(inf_chars(self), ' ', stop);
    struct inf_value head =
        inf_text_part(self, 0, blank ? (size_t)(blank - inf_chars(self)) : stop);
    return inf_text_join(r, &head, &end, out);
}

/* Whether the word at byte `at` has more than `width` characters. */
static bool wider(const struct inf_value *line, size_t at, size_t width)
{
    size_t len = inf_chars_len(line), columns = 0;
    for (; at < len && inf_chars(line)[at] != ' ' && columns <= width; columns++)
        at += inf_char_size(inf_chars(line) + at, len - at);
    return columns > width;
}

/* One line of a text, cut at blanks so that no part is wider than `width` characters. */
static bool wrap_line(struct inf_render *r, const struct inf_value *line, size_t width, bool split,
                      const struct inf_value *by, struct inf_buffer *b)
{
    const char *bytes = inf_chars(line);
    size_t len = inf_chars_len(line), start = 0;
    bool first = true;
    while (start < len) {
        /* the longest stretch from start that is narrow enough and ends before a blank */
        size_t at = start, columns = 0, end;
        for (; at < len && columns < width; columns++)
            at += inf_char_size(bytes + at, len - at);
        if (at == len) {
            end = len;
        } else {
            for (end = at; end > start && bytes[end] != ' ';)
                end--;
            if (split && end < at && wider(line, end + (bytes[end] == ' '), width))
                end = at; /* a word that must be cut anyway begins on this line */
            else if (end == start)
                for (end = at; end < len && bytes[end] != ' ';)
                    end++;
        }
        size_t next = end;
        while (next < len && bytes[next] == ' ')
            next++;
        while (end > start && bytes[end - 1] == ' ')
            end--;
        struct inf_value part = inf_text_part(line, start, end);
        if ((!first && !inf_buffer_add_text(r, b, &by->as.text)) ||
            !inf_buffer_add_text(r, b, &part.as.text) || !inf_render_spend(r, 1 + width / 32))
            return false;
        first = false;
        start = next;
    }
    return true;
}

INF_BUILTIN(wordwrap)
{
    int64_t width = 79;
    bool split = !given[1] || inf_truth(given[1]);
    struct inf_value lines, by;
    if (!inf_need_text(r, self, "what to wrap") || !inf_need_int(r, given[0], "width", &width) ||
        !inf_text_borrow(r, "\n", 1, true, &by) || !inf_text_lines(r, self, false, &lines))
        return false;
    if (given[2] && given[2]->kind == INF_TEXT)
        by = *given[2];
    if (width < 1)
        return inf_fault(r, "wordwrap: the width is %lld", (long long)width);
    struct inf_buffer *b = inf_buffer_new(r, inf_chars_len(self));
    for (size_t i = 0; b && i < lines.as.sequence->count; i++)
        if ((i && !inf_buffer_add_text(r, b, &by.as.text)) ||
            !wrap_line(r, &lines.as.sequence->items[i], (size_t)width, split, &by, b))
            return false;
    if (!b)
        return false;
    *out = inf_buffer_value(b);
    return true;
}

INF_BUILTIN(urlencode)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/";
    static const char hex[] = "0123456789ABCDEF";
    struct inf_value text;
    if (self->kind != INF_TEXT && self->kind != INF_UNDEFINED && inf_is_iterable(self))
        return inf_fault(r, "urlencode takes a text, not a %s", inf_kind_name(self));
    if (!inf_value_text(r, self, &text))
        return false;
    struct inf_buffer *b = inf_buffer_new(r, inf_chars_len(&text));
    for (size_t i = 0; b && i < inf_chars_len(&text); i++) {
        unsigned char c = (unsigned char)inf_chars(&text)[i];
        bool keep = c && strchr(plain, c);
        char escaped[] = {'%', hex[c >> 4], hex[c & 15]};
        if (!inf_buffer_add(r, b, keep ? (const char *)&c : escaped, keep ? 1 : 3,
                            inf_text_literal(&text, i)))
            return false;
    }
    if (!b)
        return false;
    *out = inf_buffer_value(b);
    return true;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* The text without white space around it and '_' between digits, as a number may be written. */
static size_t number_text(const struct inf_value *v, char *out, size_t size)
{
    size_t used = 0, start = 0, end = inf_chars_len(v);
    const char *bytes = inf_chars(v);
    while (start < end && strchr(" \t\n\r\v\f", bytes[start]) && bytes[start])
        start++;
    while (end > start && strchr(" \t\n\r\v\f", bytes[end - 1]) && bytes[end - 1])
        end--;
    for (size_t i = start; i < end; i++) {
        bool between = i > start && i + 1 < end && bytes[i - 1] != '_';
        if (bytes[i] == '_' && between)
            continue;
        if (used == size)
            return 0;
        out[used++] = bytes[i];
    }
    return used;
}

static bool to_float(const struct inf_value *v, double *out)
{
    char text[INF_NUMBER_MAX];
    if (inf_is_number(v)) {
        *out = inf_real(v);
        return true;
    }
    if (v->kind == INF_BIG)
        return inf_double_read(inf_chars(v), inf_chars_len(v), out);
    if (v->kind != INF_TEXT)
        return false;
    size_t len = number_text(v, text, sizeof text), sign = len && strchr("+-", *text) && *text;
    for (size_t i = 0; i < len && i < 16; i++)
        text[i] =
            text[i] >= 'A' && text[i] <= 'Z' && text[i] != 'E' ? (char)(text[i] | 0x20) : text[i];
    struct inf_bytes word = {text + sign, len - sign};
    bool infinite = inf_bytes_equal(word, "inf") || inf_bytes_equal(word, "infinity");
    if (infinite || inf_bytes_equal(word, "nan")) {
        *out = infinite ? (*text == '-' ? -INFINITY : INFINITY) : NAN;
        return true;
    }
    return len && inf_double_read(text, len, out);
}

INF_BUILTIN(to_float_filter)
{
    double real;
    if (self->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, self);
    if (to_float(self, &real))
        *out = inf_float(real);
    else
        *out = given[0] ? *given[0] : inf_float(0);
    return true;
}

/* Digits of a base, perhaps with its prefix. */
static bool read_whole(const char *text, size_t len, int64_t base, int64_t *out)
{
    size_t at = 0;
    bool negative = len && *text == '-';
    at += len && (*text == '-' || *text == '+');
    if (len - at > 2 && text[at] == '0') {
        char prefix = (char)(text[at + 1] | 0x20);
        at += (base == 16 && prefix == 'x') || (base == 8 && prefix == 'o') ||
                      (base == 2 && prefix == 'b')
                  ? 2
                  : 0;
    }
    *out = 0;
    if (at == len)
        return false;
    for (; at < len; at++) {
        char c = (char)(text[at] | 0x20);
        int digit = text[at] >= '0' && text[at] <= '9' ? text[at] - '0'
                    : c >= 'a' && c <= 'z'             ? c - 'a' + 10
                                                       : 99;
        if (digit >= base || __builtin_mul_overflow(*out, base, out) ||
            __builtin_add_overflow(*out, negative ? -digit : digit, out))
            return false;
    }
    return true;
}

INF_BUILTIN(to_int)
{
    char text[INF_NUMBER_MAX];
    int64_t base = 10, whole;
    double real;
    if (self->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, self);
    if (!inf_need_int(r, given[1], "base", &base))
        return false;
    if (self->kind == INF_BIG) {
        *out = *self;
        return true;
    }
    if (inf_is_whole(self)) {
        *out = inf_int(inf_whole(self));
        return true;
    }
    size_t len = self->kind == INF_TEXT ? number_text(self, text, sizeof text) : 0;
    if (len && base >= 2 && base <= 36 && read_whole(text, len, base, &whole)) {
        *out = inf_int(whole);
        return true;
    }
    if (to_float(self, &real) && fabs(real) < 9.2e18)
        *out = inf_int((int64_t)real);
    else
        *out = given[0] ? *given[0] : inf_int(0);
    return true;
}

INF_BUILTIN(absolute)
{
    struct inf_value zero = inf_int(0);
    if (self->kind == INF_FLOAT) {
        *out = inf_float(fabs(self->as.real));
        return true;
    }
    return inf_value_arithmetic(r, inf_is_whole(self) && inf_whole(self) < 0 ? '-' : '+', &zero,
                                self, out);
}

INF_BUILTIN(round_number)
{
    char text[INF_FORMAT_TEXT];
    int64_t precision = 0;
    if (!inf_is_number(self))
        return self->kind == INF_UNDEFINED
                   ? inf_undefined_fail(r, self)
                   : inf_fault(r, "a %s cannot be rounded", inf_kind_name(self));
    if (!inf_need_int(r, given[0], "precision", &precision))
        return false;
    struct inf_bytes method = {"common", 6};
    if (given[1] && given[1]->kind == INF_TEXT)
        method = (struct inf_bytes){inf_chars(given[1]), inf_chars_len(given[1])};
    if (precision > 100 || precision < -20)
        return inf_fault(r, "round: a precision of %lld", (long long)precision);
    double unit = pow(10, (double)precision), real = inf_real(self);
    if (inf_bytes_equal(method, "ceil")) {
        *out = inf_float(ceil(real * unit) / unit);
    } else if (inf_bytes_equal(method, "floor")) {
        *out = inf_float(floor(real * unit) / unit);
    } else if (!inf_bytes_equal(method, "common")) {
        return inf_fault(r, "round: the method is common, ceil or floor");
    } else if (inf_is_whole(self) && precision >= 0) {
        *out = inf_int(inf_whole(self));
    } else if (precision < 0) {
        double rounded = nearbyint(real * unit) / unit;
        *out = inf_is_whole(self) ? inf_int((int64_t)rounded) : inf_float(rounded);
    } else { /* half to even of the exact decimal number, as printing rounds */
        size_t len = inf_double_format(real, 'f', (int)precision, text);
        if (!isfinite(real) || !inf_double_read(text, len, &real)) {
            *out = *self;
            return true;
        }
        *out = inf_float(real);
    }
    return true;
}

const struct inf_builtin inf_text_filters[] = {
    {"upper", upper, "", 0},
    {"lower", lower, "", 0},
    {"capitalize", capitalize, "", 0},
    {"title", title, "", 0},
    {"trim", trim, "chars ", 0},
    {"string", string, "", 0},
    {"safe", safe, "", 0},
    {"escape", escape, "", 0},
    {"e", escape, "", 0},
    {"forceescape", forceescape, "", 0},
    {"replace", replace, "old new count ", 2},
    {"format", format, "*", 0},
    {"center", center, "width ", 0},
    {"wordcount", wordcount, "", 0},
    {"indent", indent, "width first blank ", 0},
    {"truncate", truncate, "length killwords end leeway ", 0},
    {"wordwrap", wordwrap, "width break_long_words wrapstring break_on_hyphens ", 0},
    {"urlencode", urlencode, "", 0},
    {"float", to_float_filter, "default ", 0},
    {"int", to_int, "default base ", 0},
    {"abs", absolute, "", 0},
    {"round", round_number, "precision method ", 0},
    {"tojson", inf_filter_tojson, "ensure_ascii indent separators sort_keys ", 0},
    {NULL, NULL, NULL, 0},
};
