/* Texts: bytes with their marks, how values print. */
#include "lib/chat/value.h"

#include "lib/base/limits.h"
#include "lib/base/decimal.h"
#include "lib/chat/characters.h"

#include <stdio.h>
#include <string.h>

#define COPY_STEP 32 /* bytes that are copied in one step of work */

/* ---- Buffers ------------------------------------------------------------------------------- */

struct inf_buffer *inf_buffer_new(struct inf_render *r, size_t capacity)
{
    struct inf_buffer *b = inf_render_take(r, 1, sizeof *b);
    if (!b)
        return NULL;
    b->capacity = capacity < 16 ? 16 : (uint32_t)inf_min_size(capacity, UINT32_MAX / 4);
    b->bytes = inf_render_take(r, b->capacity, 1);
    return b->bytes ? b : NULL;
}

/* Room for `len` more bytes. */
static bool make_room(struct inf_render *r, struct inf_buffer *b, size_t len)
{
    size_t need = (size_t)b->used + len;
    if (!inf_render_spend(r, len / COPY_STEP))
        return false;
    if (need > r->output_max)
        return inf_render_fail(r, INFER_E_LIMIT, "a text of more than %zu bytes", r->output_max);
    if (need <= b->capacity)
        return true;
    size_t capacity = 2 * need;
    char *bytes = inf_render_take(r, capacity, 1);
    char *marks = b->marks && bytes ? inf_render_take(r, capacity, 1) : NULL;
    if (!bytes || (b->marks && !marks))
        return false;
    memcpy(bytes, b->bytes, b->used);
    if (marks)
        memcpy(marks, b->marks, b->used);
    b->bytes = bytes;
    b->marks = marks;
    b->capacity = (uint32_t)capacity;
    return true;
}

/* The marks one by one, now that they differ. */
static bool make_marks(struct inf_render *r, struct inf_buffer *b)
{
    b->marks = inf_render_take(r, b->capacity, 1);
    if (b->marks)
        memset(b->marks, b->literal, b->used);
    return b->marks != NULL;
}

bool inf_buffer_add(struct inf_render *r, struct inf_buffer *b, const char *bytes, size_t len,
                    bool literal)
{
    if (!len)
        return true;
    if (!make_room(r, b, len))
        return false;
    if (!b->used)
        b->literal = literal;
    if (!b->marks && b->literal != literal && !make_marks(r, b))
        return false;
    memcpy(b->bytes + b->used, bytes, len);
    if (b->marks)
        memset(b->marks + b->used, literal, len);
    b->used += (uint32_t)len;
    return true;
}

bool inf_buffer_add_text(struct inf_render *r, struct inf_buffer *b,
                         const struct inf_text_value *text)
{
    size_t len = text->len;
    if (!len)
        return true;
    if (!text->buffer->marks)
        return inf_buffer_add(r, b, text->buffer->bytes + text->at, len, text->buffer->literal);
    if (!make_room(r, b, len) || (!b->marks && !make_marks(r, b)))
        return false;
    /* only now: text->buffer may be b, and have moved */
    memcpy(b->bytes + b->used, text->buffer->bytes + text->at, len);
    memcpy(b->marks + b->used, text->buffer->marks + text->at, len);
    b->used += (uint32_t)len;
    return true;
}

struct inf_value inf_buffer_value(struct inf_buffer *b)
{
    return (struct inf_value){.kind = INF_TEXT, .as.text = {b, 0, b->used}};
}

bool inf_text_new(struct inf_render *r, const char *bytes, size_t len, bool literal,
                  struct inf_value *out)
{
    struct inf_buffer *b = inf_buffer_new(r, len);
    if (!b || !inf_buffer_add(r, b, bytes, len, literal))
        return false;
    *out = inf_buffer_value(b);
    return true;
}

bool inf_text_borrow(struct inf_render *r, const char *bytes, size_t len, bool literal,
                     struct inf_value *out)
{
    struct inf_buffer *b = inf_render_take(r, 1, sizeof *b);
    if (!b)
        return false;
    *b = (struct inf_buffer){
        .bytes = (char *)(uintptr_t)bytes, .used = (uint32_t)len, .literal = literal};
    *out = inf_buffer_value(b);
    return true;
}

struct inf_value inf_text_part(const struct inf_value *text, size_t start, size_t end)
{
    struct inf_value part = *text;
    part.as.text.at += (uint32_t)start;
    part.as.text.len = (uint32_t)(end - start);
    return part;
}

bool inf_text_join(struct inf_render *r, const struct inf_value *a, const struct inf_value *b,
                   struct inf_value *out)
{
    struct inf_buffer *buffer = a->as.text.buffer;
    size_t end = (size_t)a->as.text.at + a->as.text.len;
    bool grows = buffer->capacity && end == buffer->used;
    struct inf_value joined = {.kind = INF_TEXT, .as.text = {buffer, a->as.text.at, 0}};
    if (!grows) {
        buffer = inf_buffer_new(r, (size_t)a->as.text.len + b->as.text.len);
        if (!buffer || !inf_buffer_add_text(r, buffer, &a->as.text))
            return false;
        joined.as.text = (struct inf_text_value){buffer, 0, 0};
    }
    if (!inf_buffer_add_text(r, buffer, &b->as.text))
        return false;
    joined.as.text.len = a->as.text.len + b->as.text.len;
    *out = joined;
    return true;
}

bool inf_text_literal(const struct inf_value *text, size_t at)
{
    const struct inf_buffer *b = text->as.text.buffer;
    return b->marks ? b->marks[text->as.text.at + at] : b->literal;
}

/* ---- Characters ---------------------------------------------------------------------------- */

size_t inf_char_size(const char *at, size_t left)
{
    unsigned char c = (unsigned char)*at;
    size_t size = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return inf_min_size(size, left);
}

size_t inf_text_length(const struct inf_value *text)
{
    const char *bytes = inf_chars(text);
    size_t count = 0;
    for (size_t i = 0; i < inf_chars_len(text); i++)
        count += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return count;
}

size_t inf_text_offset(const struct inf_value *text, size_t index)
{
    const char *bytes = inf_chars(text);
    size_t at = 0, len = inf_chars_len(text);
    for (; index && at < len; index--)
        at += inf_char_size(bytes + at, len - at);
    return at;
}

/* ---- Printing ------------------------------------------------------------------------------ */

static bool add(struct inf_render *r, struct inf_buffer *b, const char *text)
{
    return inf_buffer_add(r, b, text, strlen(text), false);
}

/* A text in quotes, as Python shows it. */
static bool repr_text(struct inf_render *r, struct inf_buffer *b, const struct inf_value *v)
{
    const char *text = inf_chars(v);
    size_t len = inf_chars_len(v);
    bool single = memchr(text, '\'', len) != NULL, twice = memchr(text, '"', len) != NULL;
    const char *quote = single && !twice ? "\"" : "'";
    if (!add(r, b, quote))
        return false;
    for (size_t at = 0, step; at < len; at += step) {
        uint32_t code;
        char escape[16];
        step = inf_utf8_decode(text + at, len - at, &code);
        if (!step)
            return inf_fault(r, "a text is not UTF-8");
        const char *known = code < 0x80 ? strchr("\n\r\t\\'", (int)code) : NULL;
        if (code && known && (*known != '\'' || *quote == '\''))
            snprintf(escape, sizeof escape, "\\%c",
                     *known == '\n'   ? 'n'
                     : *known == '\r' ? 'r'
                     : *known == '\t' ? 't'
                                      : *known);
        else if (code == ' ' || inf_char_bits(code) & INF_CHAR_PRINTABLE)
            *escape = 0;
        else if (code < 0x100)
            snprintf(escape, sizeof escape, "\\x%02x", code);
        else
            snprintf(escape, sizeof escape, code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
        struct inf_value part = inf_text_part(v, at, at + step);
        if (*escape ? !inf_buffer_add(r, b, escape, strlen(escape), inf_text_literal(v, at))
                    : !inf_buffer_add_text(r, b, &part.as.text))
            return false;
    }
    return add(r, b, quote);
}

static bool repr_sequence(struct inf_render *r, struct inf_buffer *b, const struct inf_value *v)
{
    const struct inf_sequence *s = v->as.sequence;
    bool tuple = v->kind == INF_TUPLE;
    if (v->kind == INF_VIEW && (!add(r, b, s->name) || !add(r, b, "(")))
        return false;
    if (!add(r, b, tuple ? "(" : "["))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if ((i && !add(r, b, ", ")) || !inf_value_repr(r, b, &s->items[i]))
            return false;
    if (tuple && s->count == 1 && !add(r, b, ","))
        return false;
    return add(r, b, tuple ? ")" : v->kind == INF_VIEW ? "])" : "]");
}

static bool repr_dict(struct inf_render *r, struct inf_buffer *b, const struct inf_dict *dict)
{
    if (!add(r, b, "{"))
        return false;
    for (size_t i = 0; i < dict->count; i++)
        if ((i && !add(r, b, ", ")) || !inf_value_repr(r, b, &dict->entries[i].key) ||
            !add(r, b, ": ") || !inf_value_repr(r, b, &dict->entries[i].value))
            return false;
    return add(r, b, "}");
}

static bool repr_space(struct inf_render *r, struct inf_buffer *b,
                       const struct inf_namespace *space)
{
    if (!add(r, b, "<Namespace {"))
        return false;
    for (size_t i = 0; i < space->count; i++) {
        struct inf_value name;
        if (!inf_text_new(r, space->items[i].name.ptr, space->items[i].name.len, false, &name) ||
            (i && !add(r, b, ", ")) || !repr_text(r, b, &name) || !add(r, b, ": ") ||
            !inf_value_repr(r, b, &space->items[i].value))
            return false;
    }
    return add(r, b, "}>");
}

static bool repr_range(struct inf_render *r, struct inf_buffer *b, const struct inf_range *range)
{
    char text[80];
    if (range->step == 1)
        snprintf(text, sizeof text, "range(%lld, %lld)", (long long)range->start,
                 (long long)range->stop);
    else
        snprintf(text, sizeof text, "range(%lld, %lld, %lld)", (long long)range->start,
                 (long long)range->stop, (long long)range->step);
    return add(r, b, text);
}

static bool repr(struct inf_render *r, struct inf_buffer *b, const struct inf_value *v)
{
    char text[INF_DOUBLE_TEXT];
    switch ((enum inf_kind)v->kind) {
    case INF_UNDEFINED:
        return add(r, b, "Undefined");
    case INF_NONE:
        return add(r, b, "None");
    case INF_BOOL:
        return add(r, b, v->as.flag ? "True" : "False");
    case INF_INT:
        snprintf(text, sizeof text, "%lld", (long long)v->as.integer);
        return add(r, b, text);
    case INF_FLOAT:
        inf_double_print(v->as.real, text);
        return add(r, b, text);
    case INF_BIG:
        return inf_buffer_add_text(r, b, &v->as.text);
    case INF_TEXT:
        return repr_text(r, b, v);
    case INF_LIST:
    case INF_TUPLE:
    case INF_VIEW:
        return repr_sequence(r, b, v);
    case INF_DICT:
        return repr_dict(r, b, v->as.dict);
    case INF_RANGE:
        return repr_range(r, b, v->as.range);
    case INF_NAMESPACE:
        return repr_space(r, b, v->as.space);
    case INF_GENERATOR:
    case INF_LOOP:
    case INF_CYCLER:
    case INF_FUNCTION:
    case INF_MACRO:
        break;
    }
    return inf_fault(r, "a %s cannot be printed", inf_kind_name(v));
}

bool inf_value_repr(struct inf_render *r, struct inf_buffer *b, const struct inf_value *v)
{
    if (!inf_render_spend(r, 1) || !inf_render_enter(r))
        return false;
    bool done = repr(r, b, v);
    inf_render_leave(r);
    return done;
}

bool inf_value_print(struct inf_render *r, struct inf_buffer *b, const struct inf_value *v)
{
    if (v->kind == INF_TEXT)
        return inf_buffer_add_text(r, b, &v->as.text);
    return v->kind == INF_UNDEFINED || inf_value_repr(r, b, v);
}

bool inf_value_text(struct inf_render *r, const struct inf_value *v, struct inf_value *out)
{
    if (v->kind == INF_TEXT) {
        *out = *v;
        return true;
    }
    struct inf_buffer *b = inf_buffer_new(r, 0);
    if (!b || !inf_value_print(r, b, v))
        return false;
    *out = inf_buffer_value(b);
    return true;
}

bool inf_value_escape(struct inf_render *r, const struct inf_value *v, bool force,
                      struct inf_value *out)
{
    static const char from[] = "&<>'\"";
    static const char *const to[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    struct inf_value text;
    if (!inf_value_text(r, v, &text))
        return false;
    if (text.safe && !force) {
        *out = text;
        return true;
    }
    const char *bytes = inf_chars(&text);
    size_t len = inf_chars_len(&text), start = 0;
    struct inf_buffer *b = inf_buffer_new(r, len);
    if (!b)
        return false;
    for (size_t i = 0; i <= len; i++) {
        const char *found = i < len && bytes[i] ? strchr(from, bytes[i]) : NULL;
        if (i < len && !found)
            continue;
        struct inf_value part = inf_text_part(&text, start, i);
        const char *escape = found ? to[found - from] : "";
        if (!inf_buffer_add_text(r, b, &part.as.text) ||
            !inf_buffer_add(r, b, escape, strlen(escape), found && inf_text_literal(&text, i)))
            return false;
        start = i + 1;
    }
    *out = inf_buffer_value(b);
    out->safe = true;
    return true;
}
