/* Scanners that cut a text into words: those of GPT-2, cl100k, o200k and their kin. */
#include "lib/vocab/split_scan.h"

/* 's 't 're 've 'm 'll 'd at s[at]; with `fold` in any case, the long s included. Returns the end,
 * `at` where there is none. */
static size_t contraction(const unsigned char *s, size_t at, size_t end, bool fold)
{
    if (end - at < 2 || s[at] != '\'')
        return at;
    unsigned char lower = fold ? 0x20 : 0, a = s[at + 1] | lower;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return at + 2;
    if (end - at < 3)
        return at;
    if (fold && s[at + 1] == 0xc5 && s[at + 2] == 0xbf)
        return at + 3;
    unsigned char b = s[at + 2] | lower;
    return (b == 'e' && (a == 'r' || a == 'v')) || (a == 'l' && b == 'l') ? at + 3 : at;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
size_t inf_stage_gpt2(const unsigned char *s, size_t at, size_t end)
{
    size_t p = contraction(s, at, end, false);
    if (p > at)
        return p;
    size_t next, start = s[at] == ' ' && at + 1 < end ? at + 1 : at;
    unsigned class = class_at(s, start, end, &next);
    if (class & INF_LETTER)
        return run(s, next, end, INF_LETTER);
    if (class & INF_NUMBER)
        return run(s, next, end, INF_NUMBER);
    if (!(class & INF_SPACE))
        return run_not(s, next, end, INF_SPACE | INF_LETTER | INF_NUMBER);
    return blanks(s, at, end);
}

enum { CONTRACTIONS = 1, LINES = 2 };

/* CONTRACTIONS: (?i:'s|'t|'re|'ve|'m|'ll|'d)| and then always
 * [^\r\n\p{L}\p{N}]?LETTERS+|\p{N}{1,DIGITS}| ?[^\sLETTERS\p{N}]+ and with LINES [\r\n]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+ */
static inline size_t words(const unsigned char *s, size_t at, size_t end, unsigned letters,
                           int digits, unsigned parts)
{
    size_t p = parts & CONTRACTIONS ? contraction(s, at, end, true) : at, next, after;
    if (p > at)
        return p;
    unsigned class = class_at(s, at, end, &next);
    if (class & letters)
        return run(s, next, end, letters);
    if (class & INF_NUMBER)
        return run_up_to(s, next, end, INF_NUMBER, digits - 1);
    if (!is_newline(s[at]) && next < end && class_at(s, next, end, &after) & letters)
        return run(s, after, end, letters);
    size_t start = s[at] == ' ' ? next : at;
    p = run_not(s, start, end, INF_SPACE | letters | INF_NUMBER);
    if (p == start)
        return blanks_lines(s, at, end);
    return parts & LINES ? run_newlines(s, p, end) : p;
}

size_t inf_stage_words_1(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER, 1, CONTRACTIONS | LINES);
}

size_t inf_stage_words_3(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER, 3, CONTRACTIONS | LINES);
}

size_t inf_stage_words_marks(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER | INF_MARK, 1, CONTRACTIONS | LINES);
}

size_t inf_stage_words_plain(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER, 1, LINES);
}

size_t inf_stage_words_no_lines(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER, 1, CONTRACTIONS);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}
 * | ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+ */
size_t inf_stage_phrases(const unsigned char *s, size_t at, size_t end)
{
    size_t p = contraction(s, at, end, true), next, after;
    if (p > at)
        return p;
    unsigned class = class_at(s, at, end, &next);
    if (class & INF_NUMBER)
        return next;
    bool word = class & INF_LETTER;
    if (!word && !is_newline(s[at]) && next < end && class_at(s, next, end, &after) & INF_LETTER) {
        word = true;
        next = after;
    }
    if (word) {
        p = run(s, next, end, INF_LETTER | INF_MARK);
        while (end - p >= 2 && s[p] == ' ' && class_at(s, p + 1, end, &after) & INF_LETTER)
            p = run(s, after, end, INF_LETTER | INF_MARK);
        return p;
    }
    size_t start = s[at] == ' ' ? next : at;
    p = run_not(s, start, end, INF_SPACE | INF_LETTER | INF_NUMBER);
    if (p == start)
        return blanks_lines(s, at, end);
    return p < end && is_newline(s[p]) ? p + 1 : p;
}

/* After words_3, makes of its \s+(?!\S)|\s+ the pattern \s{512}(?!\S)|\s{256}(?!\S)|...|\s{4}(?!\S)
 * |\s{1,2}(?!\S)|\s{1}: pieces of blanks are cut again, other pieces are left alone. */
size_t inf_stage_blanks_halved(const unsigned char *s, size_t at, size_t end)
{
    size_t next, cut = at, p = at;
    if (!(class_at(s, at, end, &next) & INF_SPACE) || is_newline(s[end - 1]) ||
        !(class_at(s, last_start(s, at, end), end, &next) & INF_SPACE))
        return end;
    int count = 0, power = 1;
    while (p < end && count < 512) {
        class_at(s, p, end, &p);
        if (++count == power) {
            cut = p;
            power *= 2;
        }
    }
    return cut;
}

/* \S+, and what lies between. */
size_t inf_stage_not_blank(const unsigned char *s, size_t at, size_t end)
{
    size_t p = run_not(s, at, end, INF_SPACE);
    return p > at ? p : run(s, at, end, INF_SPACE);
}

#define HEAD (INF_UPPER | INF_OTHER | INF_MARK) /* what a word may begin with */
#define TAIL (INF_LOWER | INF_OTHER | INF_MARK) /* what it may end with */

/* The script Han. */
static bool is_han(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x2e80, 0x2e99},   {0x2e9b, 0x2ef3},   {0x2f00, 0x2fd5},   {0x3005, 0x3005},
        {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303b},   {0x3400, 0x4dbf},
        {0x4e00, 0x9fff},   {0xf900, 0xfa6d},   {0xfa70, 0xfad9},   {0x16fe2, 0x16fe3},
        {0x16ff0, 0x16ff1}, {0x20000, 0x2a6df}, {0x2a700, 0x2b738}, {0x2b740, 0x2b81d},
        {0x2b820, 0x2cea1}, {0x2ceb0, 0x2ebe0}, {0x2f800, 0x2fa1d}, {0x30000, 0x3134a},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && code >= ranges[i][0]; i++)
        if (code <= ranges[i][1])
            return true;
    return false;
}

/* Of a letter or mark; with `no_han` those of the script Han are neither. */
static inline unsigned letter_class(const unsigned char *s, size_t at, size_t end, size_t *next,
                                    bool no_han)
{
    unsigned class = class_at(s, at, end, next);
    if (no_han && s[at] >= 0xe2 && class & (INF_LETTER | INF_MARK) &&
        is_han(code_at(s, at, end, next)))
        return 0;
    return class;
}

/* HEAD*TAIL+ at s[at]; `at` where it does not match, and *heads is then the end of HEAD*. */
static inline size_t cased_word(const unsigned char *s, size_t at, size_t end, bool no_han,
                                size_t *heads)
{
    size_t p = at, both = at, next;
    unsigned class = 0;
    for (; p < end && (class = letter_class(s, p, end, &next, no_han)) & HEAD; p = next)
        if (class & TAIL)
            both = next;
    *heads = p;
    if (p < end && class & TAIL) {
        do
            p = next;
        while (p < end && letter_class(s, p, end, &next, no_han) & TAIL);
        return p;
    }
    return both; /* HEAD* gives back down to the last character that is a TAIL too */
}

/* [^\r\n\p{L}\p{N}]?HEAD*TAIL+ | [^\r\n\p{L}\p{N}]?HEAD+TAIL*, each with and then without the
 * character before it; `at` where nothing matches. */
static inline size_t cased(const unsigned char *s, size_t at, size_t end, unsigned class,
                           size_t next, bool no_han)
{
    size_t heads, p;
    if (class & INF_LETTER) {
        p = cased_word(s, at, end, no_han, &heads);
        return p > at ? p : heads;
    }
    p = cased_word(s, next, end, no_han, &heads);
    if (p > next)
        return p;
    size_t without;
    if (class & INF_MARK && (p = cased_word(s, at, end, no_han, &without)) > at)
        return p;
    return heads > next ? heads : at;
}

enum { SLASHES = 2, NO_HAN = 4 };

/* With NO_HAN first [\p{Han}]+, and no letter below is Han; then cased with CONTRACTIONS? behind it
 * |\p{N}{1,DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n]* with SLASHES [\r\n/]*, |\s*[\r\n]+|\s+(?!\S)|\s+ */
static inline size_t cased_words(const unsigned char *s, size_t at, size_t end, int digits,
                                 unsigned parts)
{
    size_t next, p;
    unsigned class = class_at(s, at, end, &next);
    if (parts & NO_HAN && s[at] >= 0xe2 && is_han(code_at(s, at, end, &next))) {
        for (p = next; p < end && is_han(code_at(s, p, end, &next)); p = next)
            continue;
        return p;
    }
    if (class & INF_NUMBER)
        return run_up_to(s, next, end, INF_NUMBER, digits - 1);
    if (!is_newline(s[at])) {
        p = cased(s, at, end, class, next, parts & NO_HAN);
        if (p > at)
            return parts & CONTRACTIONS ? contraction(s, p, end, true) : p;
    }
    size_t start = s[at] == ' ' ? next : at;
    p = run_not(s, start, end, INF_SPACE | INF_LETTER | INF_NUMBER);
    if (p == start)
        return blanks_lines(s, at, end);
    while (p < end && (is_newline(s[p]) || (parts & SLASHES && s[p] == '/')))
        p++;
    return p;
}

size_t inf_stage_cased_1(const unsigned char *s, size_t at, size_t end)
{
    return cased_words(s, at, end, 1, SLASHES);
}

size_t inf_stage_cased_1_ends(const unsigned char *s, size_t at, size_t end)
{
    return cased_words(s, at, end, 1, CONTRACTIONS | SLASHES);
}

size_t inf_stage_cased_3(const unsigned char *s, size_t at, size_t end)
{
    return cased_words(s, at, end, 3, CONTRACTIONS | SLASHES);
}

size_t inf_stage_kimi(const unsigned char *s, size_t at, size_t end)
{
    return cased_words(s, at, end, 3, CONTRACTIONS | NO_HAN);
}
