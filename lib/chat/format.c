/* "%5.1f" % x and "{:>8}".format(x): how values are laid out in texts. */
#include "lib/base/decimal.h"
#include "lib/chat/value.h"

#include <stdio.h>
#include <string.h>

/* [[fill]align][sign][#][0][width][,][.precision][type] */
struct layout {
    char fill[5];
    char align; /* 0: as the value likes it */
    char sign;
    bool alternate, zeros, commas;
    int64_t width, precision; /* precision -1: none */
    char type;                /* 0: as the value likes it */
};

/* What is being formatted. */
struct format {
    struct inf_render *r;
    const struct inf_value *text;
    const char *bytes;
    size_t len, at;
    struct inf_buffer *b;
    const struct inf_args *args;
    size_t next; /* argument without a name */
};

static bool bad(struct format *f, const char *what)
{
    return inf_fault(f->r, "format: %s", what);
}

/* The format's own text from `start` to here. */
static bool add_plain(struct format *f, size_t start, size_t end)
{
    struct inf_value part = inf_text_part(f->text, start, end);
    return inf_buffer_add_text(f->r, f->b, &part.as.text);
}

static int64_t read_digits(struct format *f)
{
    int64_t value = 0;
    for (; f->at < f->len && f->bytes[f->at] >= '0' && f->bytes[f->at] <= '9'; f->at++)
        if (value < 100000000)
            value = value * 10 + (f->bytes[f->at] - '0');
    return value;
}

static bool take(struct format *f, const char *of, char *found)
{
    if (f->at == f->len || !f->bytes[f->at] || !strchr(of, f->bytes[f->at]))
        return false;
    *found = f->bytes[f->at++];
    return true;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* Digits of a whole number without its sign. */
static bool whole_digits(struct format *f, const struct layout *l, const struct inf_value *v,
                         char *out, size_t size, bool *negative)
{
    int64_t value = v->kind == INF_FLOAT ? 0 : inf_whole(v);
    if (v->kind == INF_FLOAT) {
        double real = v->as.real;
        if (!(real > -9e18 && real < 9e18))
            return bad(f, "the number is too large");
        value = (int64_t)real;
    }
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    *negative = value < 0;
    const char *prefix = l->alternate && l->type == 'x' ? "0x" : "";
    if (l->type == 'x')
        snprintf(out, size, "%s%llx", prefix, (unsigned long long)magnitude);
    else if (l->type == 'X')
        snprintf(out, size, "%llX", (unsigned long long)magnitude);
    else if (l->type == 'o')
        snprintf(out, size, "%llo", (unsigned long long)magnitude);
    else
        snprintf(out, size, "%llu", (unsigned long long)magnitude);
    return true;
}

/* Commas between groups of three digits before the point. */
static void group(char *digits, size_t size)
{
    size_t whole = strspn(digits, "0123456789"), len = strlen(digits);
    for (size_t at = whole; at > 3 && len + 2 < size;) {
        at -= 3;
        memmove(digits + at + 1, digits + at, len - at + 1);
        digits[at] = ',';
        len++;
    }
}

static bool number_text(struct format *f, const struct layout *l, const struct inf_value *v,
                        struct inf_value *out)
{
    char digits[INF_FORMAT_TEXT + 160];
    bool negative = false;
    const char *real_types = "fFeEgG%";
    bool real = l->type ? strchr(real_types, l->type) != NULL : v->kind == INF_FLOAT;
    if (real) {
        double value = inf_real(v);
        negative = value < 0;
        value = negative ? -value : value;
        if (l->type == '%')
            value *= 100;
        char type = l->type == '%' || !l->type ? 'f' : (char)(l->type | 0x20);
        if (!l->type && l->precision < 0)
            inf_double_print(value, digits);
        else
            inf_double_format(value, type, l->precision < 0 ? 6 : (int)l->precision, digits);
        if (l->type == '%')
            memcpy(digits + strlen(digits), "%", 2);
    } else if (!whole_digits(f, l, v, digits, sizeof digits, &negative)) {
        return false;
    }
    if (l->commas)
        group(digits, sizeof digits);
    char sign = negative ? '-' : l->sign == '-' ? 0 : l->sign;
    struct inf_value text;
    if (!inf_text_new(f->r, digits, strlen(digits), false, &text))
        return false;
    if (l->zeros && !l->align &&
        !inf_text_pad(f->r, &text, l->width - (sign != 0), '>', "0", &text))
        return false;
    if (!sign) {
        *out = text;
        return true;
    }
    struct inf_value head;
    return inf_text_new(f->r, &sign, 1, false, &head) && inf_text_join(f->r, &head, &text, out);
}

/* ---- One value ----------------------------------------------------------------------------- */

static bool put_value(struct format *f, const struct layout *l, const struct inf_value *v)
{
    struct inf_value text;
    char align = l->align;
    bool number = l->type ? !strchr("sra", l->type) : inf_is_number(v) && v->kind != INF_BOOL;
    if (number) {
        if (!inf_is_number(v))
            return inf_fault(f->r, "format: a %s is no number", inf_kind_name(v));
        if (!number_text(f, l, v, &text))
            return false;
        align = align ? align : '>';
    } else {
        if (l->type == 'r') {
            struct inf_buffer *b = inf_buffer_new(f->r, 0);
            if (!b || !inf_value_repr(f->r, b, v))
                return false;
            text = inf_buffer_value(b);
        } else if (!inf_value_text(f->r, v, &text)) {
            return false;
        }
        if (l->precision >= 0)
            text = inf_text_part(&text, 0, inf_text_offset(&text, (size_t)l->precision));
        align = align ? align : '<';
    }
    return inf_text_pad(f->r, &text, l->width, align, l->fill, &text) &&
           inf_buffer_add_text(f->r, f->b, &text.as.text);
}

static const struct inf_value *named(struct format *f, struct inf_bytes name)
{
    for (size_t i = 0; i < f->args->name_count; i++) {
        const struct inf_binding *given = &f->args->names[i];
        if (given->name.len == name.len && !memcmp(given->name.ptr, name.ptr, name.len))
            return &given->value;
    }
    if (f->args->count && f->args->items[0].kind == INF_DICT)
        return inf_dict_find_name(f->r, f->args->items[0].as.dict, name);
    return NULL;
}

/* ---- %-formats ----------------------------------------------------------------------------- */

static bool percent_directive(struct format *f)
{
    struct layout l = {.fill = " ", .precision = -1};
    const struct inf_value *v = NULL;
    char c;
    if (f->at < f->len && f->bytes[f->at] == '(') {
        const char *end = memchr(f->bytes + f->at, ')', f->len - f->at);
        if (!end)
            return bad(f, "'(' has no ')'");
        size_t start = f->at + 1;
        f->at = (size_t)(end - f->bytes) + 1;
        v = named(f, (struct inf_bytes){f->bytes + start, f->at - 1 - start});
        if (!v)
            return bad(f, "there is no argument of that name");
    }
    while (take(f, "-+ 0#", &c)) {
        l.zeros |= c == '0';
        l.alternate |= c == '#';
        if (c == '-')
            l.align = '<';
        else if (c == '+' || c == ' ')
            l.sign = c;
    }
    l.width = read_digits(f);
    if (take(f, ".", &c))
        l.precision = read_digits(f);
    if (!take(f, "sradiufFeEgGxXoc%", &l.type))
        return bad(f, "an unknown directive");
    if (l.type == '%')
        return inf_buffer_add(f->r, f->b, "%", 1, inf_text_literal(f->text, f->at - 1));
    if (!v) {
        if (f->next >= f->args->count)
            return bad(f, "too few arguments");
        v = &f->args->items[f->next++];
    }
    if (v->kind == INF_UNDEFINED && !strchr("sra", l.type))
        return inf_undefined_fail(f->r, v);
    l.type = strchr("diu", l.type) ? 'd' : strchr("ac", l.type) ? 's' : l.type;
    if (!l.align)
        l.align = l.zeros && !strchr("sr", l.type) ? 0 : '>';
    return put_value(f, &l, v);
}

bool inf_text_percent(struct inf_render *r, const struct inf_value *format,
                      const struct inf_args *args, struct inf_value *out)
{
    struct format f = {.r = r,
                       .text = format,
                       .bytes = inf_chars(format),
                       .len = inf_chars_len(format),
                       .args = args};
    f.b = inf_buffer_new(r, f.len);
    if (!f.b)
        return false;
    while (f.at < f.len) {
        const char *sign = memchr(f.bytes + f.at, '%', f.len - f.at);
        size_t end = sign ? (size_t)(sign - f.bytes) : f.len;
        if (!add_plain(&f, f.at, end) || !inf_render_spend(r, 1))
            return false;
        f.at = end + 1;
        if (sign && !percent_directive(&f))
            return false;
    }
    bool one_list = args->count == 1 && (args->items[0].kind == INF_DICT ||
                                         args->items[0].kind == INF_LIST); /* may stay unused */
    if (f.next < args->count && !one_list)
        return bad(&f, "too many arguments");
    *out = inf_buffer_value(f.b);
    return true;
}

/* ---- {}-formats ---------------------------------------------------------------------------- */

static bool read_layout(struct format *f, struct layout *l)
{
    size_t fill = f->at < f->len ? inf_char_size(f->bytes + f->at, f->len - f->at) : 0;
    char c;
    if (fill && f->at + fill < f->len && strchr("<>^", f->bytes[f->at + fill]) &&
        f->bytes[f->at + fill]) {
        memcpy(l->fill, f->bytes + f->at, fill);
        l->fill[fill] = 0;
        f->at += fill;
    }
    take(f, "<>^", &l->align);
    take(f, "+- ", &l->sign);
    l->alternate = take(f, "#", &c);
    l->zeros = take(f, "0", &c);
    l->width = read_digits(f);
    l->commas = take(f, ",", &c);
    if (take(f, ".", &c))
        l->precision = read_digits(f);
    take(f, "sdfFeEgGxXo%", &l->type);
    return true;
}

/* What stands between '{' and '}'. */
static bool replacement(struct format *f)
{
    struct layout l = {.fill = " ", .precision = -1};
    size_t start = f->at;
    const struct inf_value *v = NULL;
    char c, conversion = 0;
    while (f->at < f->len && !strchr("!:}{.[", f->bytes[f->at]))
        f->at++;
    struct inf_bytes name = {f->bytes + start, f->at - start};
    if (name.len && name.ptr[0] >= '0' && name.ptr[0] <= '9') {
        size_t end = f->at;
        f->at = start;
        size_t index = (size_t)read_digits(f);
        v = f->at == end && index < f->args->count ? &f->args->items[index] : NULL;
    } else if (name.len) {
        v = named(f, name);
    } else if (f->next < f->args->count) {
        v = &f->args->items[f->next++];
    }
    if (!v)
        return bad(f, "there is no such argument");
    if (take(f, "!", &c) && !take(f, "rs", &conversion))
        return bad(f, "an unknown conversion");
    if (take(f, ":", &c) && !read_layout(f, &l))
        return false;
    if (!take(f, "}", &c))
        return bad(f, "'}' is needed");
    if (conversion)
        l.type = conversion;
    if (v->kind == INF_UNDEFINED && l.type && !strchr("sr", l.type))
        return inf_undefined_fail(f->r, v);
    return put_value(f, &l, v);
}

bool inf_text_format(struct inf_render *r, const struct inf_value *format,
                     const struct inf_args *args, struct inf_value *out)
{
    struct format f = {.r = r,
                       .text = format,
                       .bytes = inf_chars(format),
                       .len = inf_chars_len(format),
                       .args = args};
    size_t start = 0;
    f.b = inf_buffer_new(r, f.len);
    if (!f.b)
        return false;
    while (f.at < f.len) {
        char c = f.bytes[f.at];
        if (c != '{' && c != '}') {
            f.at++;
            continue;
        }
        bool twice = f.at + 1 < f.len && f.bytes[f.at + 1] == c;
        if (!add_plain(&f, start, f.at + twice) || !inf_render_spend(r, 1))
            return false;
        f.at += 1 + twice;
        if (!twice && (c == '}' ? !bad(&f, "'}' stands alone") : !replacement(&f)))
            return false;
        start = f.at;
    }
    if (!add_plain(&f, start, f.len))
        return false;
    *out = inf_buffer_value(f.b);
    return true;
}
