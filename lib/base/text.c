/* Bytes, UTF-8, growing text, hashing. */
#include "lib/base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool inf_bytes_equal(struct inf_bytes a, const char *text)
{
    return a.len == strlen(text) && !memcmp(a.ptr, text, a.len);
}

size_t inf_utf8_decode(const char *text, size_t len, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len < need)
        return 0;
    uint32_t value = s[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3f);
    }
    if ((need == 3 && (value < 0x800 || (value >= 0xd800 && value < 0xe000))) ||
        (need == 4 && (value < 0x10000 || value > 0x10ffff)))
        return 0;
    *code = value;
    return need;
}

size_t inf_utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[len] | code);
    return len;
}

size_t inf_utf8_check(const char *text, size_t len)
{
    size_t at = 0, step;
    for (uint32_t code; at < len && (step = inf_utf8_decode(text + at, len - at, &code));)
        at += step;
    return at;
}

void inf_text_place(const char *text, size_t at, size_t *line, size_t *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

void inf_text_append(struct inf_text *text, const char *bytes, size_t len)
{
    size_t need;
    void *items = text->ptr;
    if (text->failed || !inf_add_size(text->len, len, &need) ||
        !inf_grow(text->a, &items, &text->capacity, need, 1)) {
        text->failed = true;
        return;
    }
    text->ptr = items;
    if (len)
        memcpy(text->ptr + text->len, bytes, len);
    text->len = need;
}

void inf_text_printf(struct inf_text *text, const char *format, ...)
{
    char buffer[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    if (len < 0)
        text->failed = true;
    else
        inf_text_append(text, buffer, inf_min_size((size_t)len, sizeof buffer - 1));
}

void inf_text_free(struct inf_text *text)
{
    inf_release(text->a, text->ptr);
    *text = (struct inf_text){.a = text->a};
}

uint64_t inf_hash(const void *bytes, size_t len, uint64_t seed)
{
    const unsigned char *s = bytes;
    for (size_t i = 0; i < len; i++)
        seed = (seed ^ s[i]) * 0x100000001b3u;
    return seed;
}
