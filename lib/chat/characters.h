/*
 * What Python knows of characters: classes for isalpha() and its like, and their other case. The
 * tables are made by make_characters.py.
 */
#ifndef INF_CHARACTERS_H
#define INF_CHARACTERS_H

#include "lib/base/base.h"

enum {
    INF_CHAR_ALPHA = 1,
    INF_CHAR_DECIMAL = 2,
    INF_CHAR_DIGIT = 4,
    INF_CHAR_NUMERIC = 8,
    INF_CHAR_SPACE = 16,
    INF_CHAR_PRINTABLE = 32,
    INF_CHAR_UPPER = 64,
    INF_CHAR_LOWER = 128
};

struct inf_char_class {
    uint32_t first; /* holds until the next row's */
    uint8_t bits;
};

/* Characters first ... last in steps of `step` become themselves + delta. */
struct inf_char_case {
    uint32_t first, last;
    int32_t delta;
    uint32_t step;
};

/* Those that become several. */
struct inf_char_cases {
    uint32_t code, becomes[3];
};

extern const struct inf_char_class inf_char_classes[];
extern const size_t inf_char_class_count;
extern const struct inf_char_case inf_char_lower[], inf_char_upper[];
extern const size_t inf_char_lower_count, inf_char_upper_count;
extern const struct inf_char_cases inf_char_upper_many[];
extern const size_t inf_char_upper_many_count;

unsigned inf_char_bits(uint32_t code);
/* Writes what the character becomes to out; returns how many (1 ... 3). */
size_t inf_char_to_upper(uint32_t code, uint32_t out[3]);
size_t inf_char_to_lower(uint32_t code, uint32_t out[3]);

static inline bool inf_char_is_space(uint32_t code)
{
    return code < 0x80 ? code == ' ' || (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x1f)
                       : inf_char_bits(code) & INF_CHAR_SPACE;
}

#endif
