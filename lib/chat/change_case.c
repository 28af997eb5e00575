/* Upper, lower and title case. A character keeps the mark of the one that it comes from. */
#include "lib/chat/characters.h"
#include "lib/chat/value.h"

#include <string.h>

#define HAS_CASE (INF_CHAR_UPPER | INF_CHAR_LOWER)

/* What a character becomes; *in_word says whether it goes on with a word, and is updated. */
static size_t changed(enum inf_case change, uint32_t code, bool *in_word, uint32_t out[3])
{
    unsigned bits = inf_char_bits(code);
    bool was_in_word = *in_word;
    switch (change) {
    case INF_CASE_UPPER:
        return inf_char_to_upper(code, out);
    case INF_CASE_LOWER:
        return inf_char_to_lower(code, out);
    case INF_CASE_SWAP:
        return bits & INF_CHAR_UPPER   ? inf_char_to_lower(code, out)
               : bits & INF_CHAR_LOWER ? inf_char_to_upper(code, out)
                                       : (out[0] = code, (size_t)1);
    case INF_CASE_FIRST:
        *in_word = true;
        break;
    case INF_CASE_TITLE:
        *in_word = bits & HAS_CASE;
        break;
    case INF_CASE_WORDS:
        *in_word =
            !(inf_char_is_space(code) || (code && code < 0x80 && strchr("-({[<", (int)code)));
        break;
    }
    return was_in_word ? inf_char_to_lower(code, out) : inf_char_to_upper(code, out);
}

bool inf_text_case(struct inf_render *r, const struct inf_value *text, enum inf_case change,
                   struct inf_value *out)
{
    const char *bytes = inf_chars(text);
    size_t len = inf_chars_len(text);
    bool in_word = false;
    struct inf_buffer *b = inf_buffer_new(r, len);
    if (!b || !inf_render_spend(r, len / 8))
        return false;
    for (size_t at = 0, step; at < len; at += step) {
        uint32_t code, becomes[3];
        char encoded[12];
        size_t used = 0;
        step = inf_utf8_decode(bytes + at, len - at, &code);
        if (!step)
            return inf_fault(r, "a text is not UTF-8");
        size_t count = changed(change, code, &in_word, becomes);
        for (size_t i = 0; i < count; i++)
            used += inf_utf8_encode(becomes[i], encoded + used);
        if (!inf_buffer_add(r, b, encoded, used, inf_text_literal(text, at)))
            return false;
    }
    *out = inf_buffer_value(b);
    out->safe = text->safe;
    return true;
}

bool inf_text_has_case(const struct inf_value *text, bool upper)
{
    const char *bytes = inf_chars(text);
    size_t len = inf_chars_len(text);
    bool any = false;
    for (size_t at = 0, step; at < len; at += step) {
        uint32_t code;
        if (!(step = inf_utf8_decode(bytes + at, len - at, &code)))
            return false;
        unsigned bits = inf_char_bits(code) & HAS_CASE;
        if (bits == (upper ? INF_CHAR_LOWER : INF_CHAR_UPPER))
            return false;
        any |= bits != 0;
    }
    return any;
}
