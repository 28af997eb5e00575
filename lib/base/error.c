/* Error texts: formatted once, then made safe to print. */
#include "lib/base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Characters that would let a name from a file draw on a terminal: controls, bidirectional marks,
 * line and paragraph separators, the byte order mark. */
static bool printable(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return false;
    return !(code >= 0x200b && code <= 0x200f) && !(code >= 0x2028 && code <= 0x202e) &&
           !(code >= 0x2060 && code <= 0x206f) && code != 0xfeff && code != 0x061c;
}

/* Copies text into out[capacity], what is not printable as \xNN for each byte. */
static void escape(char *out, size_t capacity, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t step = inf_utf8_decode(text + i, len - i, &code);
        if (step && printable(code)) {
            if (used + step + 1 > capacity)
                break;
            memcpy(out + used, text + i, step);
            used += step;
            i += step;
            continue;
        }
        if (used + 5 > capacity)
            break;
        unsigned char byte = (unsigned char)text[i++];
        memcpy(out + used, (char[]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
        used += 4;
    }
    out[used] = 0;
}

void inf_set_error(infer_error *err, infer_status status, const char *format, ...)
{
    if (!err)
        return;
    char raw[sizeof err->text];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    err->status = status;
    escape(err->text, sizeof err->text, raw,
           len < 0 ? 0 : inf_min_size((size_t)len, sizeof raw - 1));
}

#define PLACE_MAX 200

void inf_error_place(infer_error *err, const char *name)
{
    if (!err)
        return;
    infer_error before = *err;
    size_t len = strlen(name), skipped = len > PLACE_MAX ? len - PLACE_MAX : 0;
    while (((unsigned char)name[skipped] & 0xc0) == 0x80) /* whole characters */
        skipped++;
    inf_set_error(err, before.status, "%s%s: %s", skipped ? "..." : "", name + skipped,
                  before.text);
}

const char *infer_status_name(infer_status status)
{
    static const char *const names[] = {
        "INFER_OK",         "INFER_E_ARGUMENT",    "INFER_E_MEMORY",    "INFER_E_IO",
        "INFER_E_FORMAT",   "INFER_E_UNSUPPORTED", "INFER_E_LIMIT",     "INFER_E_CONTEXT",
        "INFER_E_RANGE",    "INFER_E_NUMERIC",     "INFER_E_CANCELLED", "INFER_E_MISMATCH",
        "INFER_E_TEMPLATE",
    };
    size_t index = (size_t)status;
    return index < sizeof names / sizeof *names ? names[index] : "INFER_E_?";
}
