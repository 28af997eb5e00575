/* tojson: Python's json.dumps, without ASCII escapes unless they are asked for. */
#include "lib/base/decimal.h"
#include "lib/chat/value.h"

#include <stdio.h>
#include <string.h>

struct writer {
    struct inf_render *r;
    struct inf_buffer *b;
    bool ascii, sort;
    const char *indent; /* of one level; NULL: all on one line */
    size_t indent_len;
    struct inf_bytes item, key; /* what stands behind an item, and behind a key */
    unsigned level;
};

static bool write_value(struct writer *w, const struct inf_value *v);

static bool put(struct writer *w, const char *text, size_t len)
{
    return inf_buffer_add(w->r, w->b, text, len, false);
}

static bool put_char(struct writer *w, char c)
{
    return put(w, &c, 1);
}

static size_t escape_code(uint32_t code, char out[16])
{
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    const char *known = code && code < 0x80 ? strchr(from, (int)code) : NULL;
    if (known)
        return (size_t)snprintf(out, 16, "\\%c", to[known - from]);
    if (code < 0x10000)
        return (size_t)snprintf(out, 16, "\\u%04x", code);
    code -= 0x10000;
    return (size_t)snprintf(out, 16, "\\u%04x\\u%04x", 0xd800 + (code >> 10),
                            0xdc00 + (code & 0x3ff));
}

static bool needs_escape(uint32_t code, bool ascii)
{
    return code < 0x20 || code == '"' || code == '\\' || (ascii && code > 0x7e);
}

/* The text in quotes; what needs no escape keeps its marks, what does has its character's. */
static bool write_text(struct writer *w, const struct inf_value *v)
{
    const char *bytes = inf_chars(v);
    size_t len = inf_chars_len(v), start = 0;
    if (!put_char(w, '"'))
        return false;
    for (size_t at = 0, size; at <= len; at += size) {
        uint32_t code = 0;
        char escape[16];
        size = at < len ? inf_utf8_decode(bytes + at, len - at, &code) : 1;
        if (!size)
            return inf_fault(w->r, "a text is not UTF-8");
        if (at < len && !needs_escape(code, w->ascii))
            continue;
        struct inf_value part = inf_text_part(v, start, at);
        if (!inf_buffer_add_text(w->r, w->b, &part.as.text))
            return false;
        start = at + size;
        if (at < len &&
            !inf_buffer_add(w->r, w->b, escape, escape_code(code, escape), inf_text_literal(v, at)))
            return false;
    }
    return put_char(w, '"');
}

static bool new_line(struct writer *w)
{
    if (!w->indent)
        return true;
    if (!put_char(w, '\n') || !inf_render_spend(w->r, w->level))
        return false;
    for (unsigned i = 0; i < w->level; i++)
        if (!put(w, w->indent, w->indent_len))
            return false;
    return true;
}

/* Between two items, or before the first. */
static bool separate(struct writer *w, bool first)
{
    return (first || put(w, w->item.ptr, w->item.len)) && new_line(w);
}

static bool write_number(struct writer *w, const struct inf_value *v)
{
    char text[INF_DOUBLE_TEXT];
    if (v->kind == INF_BIG)
        return inf_buffer_add_text(w->r, w->b, &v->as.text);
    if (v->kind == INF_BOOL)
        return put(w, v->as.flag ? "true" : "false", v->as.flag ? 4 : 5);
    if (v->kind == INF_INT)
        snprintf(text, sizeof text, "%lld", (long long)v->as.integer);
    else if (v->as.real - v->as.real != 0)
        snprintf(text, sizeof text, "%s",
                 v->as.real > 0   ? "Infinity"
                 : v->as.real < 0 ? "-Infinity"
                                  : "NaN");
    else
        inf_double_print(v->as.real, text);
    return put(w, text, strlen(text));
}

static bool write_list(struct writer *w, const struct inf_sequence *s)
{
    if (!put_char(w, '['))
        return false;
    w->level++;
    for (size_t i = 0; i < s->count; i++)
        if (!separate(w, i == 0) || !write_value(w, &s->items[i]))
            return false;
    w->level--;
    return (!s->count || new_line(w)) && put_char(w, ']');
}

static bool write_key(struct writer *w, const struct inf_value *key)
{
    if (key->kind == INF_TEXT)
        return write_text(w, key);
    if (key->kind != INF_NONE && !inf_is_number(key) && key->kind != INF_BIG)
        return inf_fault(w->r, "a %s cannot be a key in JSON", inf_kind_name(key));
    return put_char(w, '"') && write_value(w, key) && put_char(w, '"');
}

/* The order in which a dict's entries are written. */
static bool entry_order(struct writer *w, const struct inf_dict *dict, struct inf_value **order)
{
    struct inf_value *keys = inf_render_take(w->r, dict->count, sizeof *keys);
    *order = inf_render_take(w->r, dict->count, sizeof **order);
    if (!keys || !*order)
        return false;
    for (size_t i = 0; i < dict->count; i++) {
        keys[i] = dict->entries[i].key;
        (*order)[i] = inf_int((int64_t)i);
    }
    return !w->sort || inf_values_sort(w->r, keys, *order, dict->count, false);
}

static bool write_dict(struct writer *w, const struct inf_dict *dict)
{
    struct inf_value *order = NULL;
    if ((w->sort && !entry_order(w, dict, &order)) || !put_char(w, '{'))
        return false;
    w->level++;
    for (size_t i = 0; i < dict->count; i++) {
        const struct inf_entry *entry = &dict->entries[order ? order[i].as.integer : (int64_t)i];
        if (!separate(w, i == 0) || !write_key(w, &entry->key) || !put(w, w->key.ptr, w->key.len) ||
            !write_value(w, &entry->value))
            return false;
    }
    w->level--;
    return (!dict->count || new_line(w)) && put_char(w, '}');
}

static bool write_value(struct writer *w, const struct inf_value *v)
{
    bool done;
    if (!inf_render_spend(w->r, 1) || !inf_render_enter(w->r))
        return false;
    switch ((enum inf_kind)v->kind) {
    case INF_NONE:
        done = put(w, "null", 4);
        break;
    case INF_BOOL:
    case INF_INT:
    case INF_BIG:
    case INF_FLOAT:
        done = write_number(w, v);
        break;
    case INF_TEXT:
        done = write_text(w, v);
        break;
    case INF_LIST:
    case INF_TUPLE:
        done = write_list(w, v->as.sequence);
        break;
    case INF_DICT:
        done = write_dict(w, v->as.dict);
        break;
    default:
        done = inf_fault(w->r, "a %s cannot be JSON", inf_kind_name(v));
    }
    inf_render_leave(w->r);
    return done;
}

static bool set_indent(struct writer *w, const struct inf_value *v)
{
    if (!v || v->kind == INF_NONE)
        return true;
    if (v->kind == INF_TEXT) {
        w->indent = inf_chars(v);
        w->indent_len = inf_chars_len(v);
        return true;
    }
    int64_t width = 0;
    if (!inf_need_int(w->r, v, "indent", &width))
        return false;
    static const char blanks[] = "                                ";
    if (width > (int64_t)sizeof blanks - 1)
        return inf_render_fail(w->r, INFER_E_LIMIT, "an indent of more than %zu",
                               sizeof blanks - 1);
    w->indent = blanks;
    w->indent_len = width > 0 ? (size_t)width : 0;
    return true;
}

static bool set_separators(struct writer *w, const struct inf_value *v)
{
    struct inf_sequence pair;
    w->item = w->indent ? (struct inf_bytes){",", 1} : (struct inf_bytes){", ", 2};
    w->key = (struct inf_bytes){": ", 2};
    if (!v || v->kind == INF_NONE)
        return true;
    if (!inf_value_items(w->r, v, &pair))
        return false;
    if (pair.count != 2 || pair.items[0].kind != INF_TEXT || pair.items[1].kind != INF_TEXT)
        return inf_fault(w->r, "separators are two texts");
    w->item = (struct inf_bytes){inf_chars(&pair.items[0]), inf_chars_len(&pair.items[0])};
    w->key = (struct inf_bytes){inf_chars(&pair.items[1]), inf_chars_len(&pair.items[1])};
    return true;
}

bool inf_filter_tojson(struct inf_render *r, const struct inf_value *self,
                       const struct inf_value *const *given, const struct inf_args *all,
                       struct inf_value *out)
{
    struct writer w = {.r = r, .b = inf_buffer_new(r, 64)};
    (void)all;
    w.ascii = given[0] && inf_truth(given[0]);
    w.sort = given[3] && inf_truth(given[3]);
    if (!w.b || !set_indent(&w, given[1]) || !set_separators(&w, given[2]) ||
        !write_value(&w, self))
        return false;
    *out = inf_buffer_value(w.b);
    return true;
}
