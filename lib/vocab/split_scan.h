/*
 * What the scanners of splits are written with, and their names. A scanner is a stage of a
 * pre-tokenizer (split.h) made by hand from the pattern beside it: a regular expression engine would
 * backtrack; these look at a character a bounded number of times and hold nothing but positions.
 */
#ifndef INF_VOCAB_SPLIT_SCAN_H
#define INF_VOCAB_SPLIT_SCAN_H

#include "lib/vocab/split.h"
#include "lib/vocab/unicode.h"

#include <string.h>

/* Every stage that split.def may name: S(gpt2) there is inf_stage_gpt2. */
inf_split_stage inf_stage_gpt2, inf_stage_words_1, inf_stage_words_3, inf_stage_words_marks,
    inf_stage_words_plain, inf_stage_words_no_lines, inf_stage_phrases, inf_stage_cased_1,
    inf_stage_cased_3, inf_stage_cased_1_ends, inf_stage_kimi, inf_stage_blanks_halved,
    inf_stage_not_blank;
inf_split_stage inf_stage_digit, inf_stage_digits_3, inf_stage_digits, inf_stage_first_digits,
    inf_stage_decimals, inf_stage_first_decimals, inf_stage_decimals_3, inf_stage_long_decimals,
    inf_stage_decimals_3_left, inf_stage_numeric_bytes, inf_stage_ascii_digits_3;
inf_split_stage inf_stage_newline, inf_stage_lines, inf_stage_kana, inf_stage_deepseek_cjk,
    inf_stage_deepseek_letters, inf_stage_deepseek_puncts, inf_stage_deepseek_v3,
    inf_stage_llm_letters, inf_stage_llm_puncts, inf_stage_last_blanks, inf_stage_spark,
    inf_stage_youtu_scripts, inf_stage_afmoe_scripts, inf_stage_bloom, inf_stage_punct_runs,
    inf_stage_punct, inf_stage_sentinel, inf_stage_image, inf_stage_indents;

static inline unsigned class_slow(const unsigned char *s, size_t at, size_t end, size_t *next)
{
    uint32_t code;
    size_t step = inf_utf8_decode((const char *)s + at, end - at, &code);
    *next = at + (step ? step : 1);
    return step ? inf_unicode_class(code) : INF_SYMBOL;
}

/* The class of the character at s[at], at < end; *next is where it ends. */
static inline unsigned class_at(const unsigned char *s, size_t at, size_t end, size_t *next)
{
    if (s[at] < 0x80) {
        *next = at + 1;
        return inf_unicode_class(s[at]);
    }
    return class_slow(s, at, end, next);
}

/* The end of the characters from `at` on whose class is in `mask`. */
static inline size_t run(const unsigned char *s, size_t at, size_t end, unsigned mask)
{
    for (size_t next; at < end && class_at(s, at, end, &next) & mask;)
        at = next;
    return at;
}

/* The same for characters whose class is not in `mask`. */
static inline size_t run_not(const unsigned char *s, size_t at, size_t end, unsigned mask)
{
    for (size_t next; at < end && !(class_at(s, at, end, &next) & mask);)
        at = next;
    return at;
}

/* The end of at most `count` characters of class `mask`. */
static inline size_t run_up_to(const unsigned char *s, size_t at, size_t end, unsigned mask,
                               int count)
{
    for (size_t next; count > 0 && at < end && class_at(s, at, end, &next) & mask; count--)
        at = next;
    return at;
}

/* The character at s[at], 0xfffd where it is not UTF-8; *next is where it ends. */
static inline uint32_t code_at(const unsigned char *s, size_t at, size_t end, size_t *next)
{
    uint32_t code;
    size_t step = inf_utf8_decode((const char *)s + at, end - at, &code);
    *next = at + (step ? step : 1);
    return step ? code : 0xfffd;
}

/* Where the last character of s[at..end) starts. */
static inline size_t last_start(const unsigned char *s, size_t at, size_t end)
{
    size_t p = end - 1;
    while (p > at && end - p < 4 && (s[p] & 0xc0) == 0x80)
        p--;
    return p;
}

static inline bool is_newline(unsigned char c)
{
    return c == '\r' || c == '\n';
}

static inline size_t run_newlines(const unsigned char *s, size_t at, size_t end)
{
    while (at < end && is_newline(s[at]))
        at++;
    return at;
}

/* \s+(?!\S)|\s+ at a blank: a run of blanks, the last left to what follows it. */
static inline size_t blanks(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at, last = at;
    for (size_t next; p < end && class_at(s, p, end, &next) & INF_SPACE; p = next)
        last = p;
    return p == end || last == at ? p : last;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ at a blank. */
static inline size_t blanks_lines(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at, last = at, line = at;
    for (size_t next; p < end && class_at(s, p, end, &next) & INF_SPACE; p = next) {
        last = p;
        if (is_newline(s[p]))
            line = next;
    }
    if (line > at)
        return line;
    return p == end || last == at ? p : last;
}

#endif
