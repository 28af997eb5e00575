/* Text that grows, and text as it may be shown. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

/* Room for `more` bytes and the NUL behind them. */
static bool reserve(struct text *t, size_t more)
{
    if (t->failed)
        return false;
    if (more < t->capacity - t->len)
        return true;
    size_t need = t->len + more + 1;
    size_t capacity = t->capacity ? t->capacity : 64;
    while (capacity < need && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *data = need > more && capacity >= need ? realloc(t->data, capacity) : NULL;
    if (!data) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->capacity = capacity;
    return true;
}

void text_add(struct text *t, const char *data, size_t len)
{
    if (!reserve(t, len))
        return;
    if (len)
        memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = 0;
}

bool text_write(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

void text_format(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        t->failed = true;
    if (!reserve(t, len < 0 ? 0 : (size_t)len))
        return;
    va_start(args, format);
    vsnprintf(t->data + t->len, (size_t)len + 1, format, args);
    va_end(args);
    t->len += (size_t)len;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

/* The code point that begins at `p`, strictly (RFC 3629); its length, 0 where the bytes are none. */
static size_t decode(const unsigned char *p, size_t len, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = p[0] < 0x80   ? 1
                  : p[0] < 0xc2 ? 0
                  : p[0] < 0xe0 ? 2
                  : p[0] < 0xf0 ? 3
                  : p[0] < 0xf5 ? 4
                                : 0;
    if (!size || size > len)
        return 0;
    *code = size == 1 ? p[0] : p[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[size] || *code > 0x10ffff || surrogate ? 0 : size;
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* What is never written to a terminal: it acts on it, turns the text around, or is not seen (Unicode's Cc, Cf,
 * Default_Ignorable_Code_Point, line separators, private use, no characters). */
static bool is_hidden(uint32_t code)
{
    static const struct range ranges[] = {
        {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},
        {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},
        {0x890, 0x891},     {0x8e2, 0x8e2},     {0x115f, 0x1160},   {0x17b4, 0x17b5},
        {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
        {0x2800, 0x2800},   {0x3164, 0x3164},   {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},
        {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
        {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1345f}, {0x1bca0, 0x1bca3},
        {0x1d159, 0x1d159}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff}};
    return in_ranges(ranges, sizeof ranges / sizeof *ranges, code) || (code & 0xfffe) == 0xfffe;
}

/* What looks as nothing, as a space, or as a part of the letter before: where letters are marked, the code
 * alone says more. */
static bool is_blank_or_combining(uint32_t code)
{
    static const struct range ranges[] = {
        {0xa0, 0xa0},     {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
        {0x64b, 0x65f},   {0x1680, 0x1680}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x2000, 0x200a},
        {0x202f, 0x202f}, {0x205f, 0x205f}, {0x20d0, 0x20ff}, {0x3000, 0x3000}, {0xfe20, 0xfe2f}};
    return in_ranges(ranges, sizeof ranges / sizeof *ranges, code);
}

void text_add_shown(struct text *t, const char *data, size_t len, bool lines, bool mark)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t size;
    for (size_t i = 0; i < len && !t->failed; i += size) {
        uint32_t code = 0;
        size = decode(bytes + i, len - i, &code);
        if (!size) {
            text_format(t, "\\x%02x", bytes[i]);
            size = 1;
        } else if (code == '\n' || code == '\t') {
            if (lines && (code == '\n' || !mark))
                text_add(t, data + i, 1);
            else
                text_add(t, code == '\n' ? "\\n" : "\\t", 2);
        } else if (is_hidden(code)) {
            text_format(t, code < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)code);
        } else {
            if (!mark || !is_blank_or_combining(code))
                text_add(t, data + i, size);
            if (mark && code >= 0x80)
                text_format(t, "\\u{%x}", (unsigned)code);
        }
    }
}
