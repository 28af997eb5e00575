/*
 * The scanners behind split.def, written by hand from the patterns beside them. A regular
 * expression engine would backtrack; these look at a character a bounded number of times and hold
 * nothing but positions.
 */
#include "lib/vocab/split.h"
#include "lib/vocab/unicode.h"

#include <string.h>

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

/* \s+(?!\S)|\s+ at a blank: a run of blanks, the last left to what follows it. */
static size_t blanks(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at, last = at;
    for (size_t next; p < end && class_at(s, p, end, &next) & INF_SPACE; p = next)
        last = p;
    return p == end || last == at ? p : last;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ at a blank. */
static size_t blanks_lines(const unsigned char *s, size_t at, size_t end)
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

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t gpt2(const unsigned char *s, size_t at, size_t end)
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

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?LETTERS+|\p{N}{1,DIGITS}|
 * ?[^\sLETTERS\p{N}]+[\r\n]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+ */
static inline size_t words(const unsigned char *s, size_t at, size_t end, unsigned letters,
                           int digits)
{
    size_t p = contraction(s, at, end, true), next, after;
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
    return p > start ? run_newlines(s, p, end) : blanks_lines(s, at, end);
}

static size_t words_1(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER, 1);
}

static size_t words_3(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER, 3);
}

static size_t words_marks(const unsigned char *s, size_t at, size_t end)
{
    return words(s, at, end, INF_LETTER | INF_MARK, 1);
}

#define HEAD (INF_UPPER | INF_OTHER | INF_MARK) /* what a word may begin with */
#define TAIL (INF_LOWER | INF_OTHER | INF_MARK) /* what it may end with */

/* HEAD*TAIL+ at s[at]; `at` where it does not match, and *heads is then the end of HEAD*. */
static inline size_t cased_word(const unsigned char *s, size_t at, size_t end, size_t *heads)
{
    size_t p = at, both = at, next;
    unsigned class = 0;
    for (; p < end && (class = class_at(s, p, end, &next)) & HEAD; p = next)
        if (class & TAIL)
            both = next;
    *heads = p;
    if (p < end && class & TAIL)
        return run(s, next, end, TAIL);
    return both; /* HEAD* gives back down to the last character that is a TAIL too */
}

/* [^\r\n\p{L}\p{N}]?HEAD*TAIL+ | [^\r\n\p{L}\p{N}]?HEAD+TAIL*, each with and then without the
 * character before it; `at` where nothing matches. */
static inline size_t cased(const unsigned char *s, size_t at, size_t end, unsigned class,
                           size_t next)
{
    size_t heads, p;
    if (class & INF_LETTER) {
        p = cased_word(s, at, end, &heads);
        return p > at ? p : heads;
    }
    p = cased_word(s, next, end, &heads);
    if (p > next)
        return p;
    size_t without;
    if (class & INF_MARK && (p = cased_word(s, at, end, &without)) > at)
        return p;
    return heads > next ? heads : at;
}

/* cased, CONTRACTION?|\p{N}{1,DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static inline size_t cased_words(const unsigned char *s, size_t at, size_t end, int digits,
                                 bool contractions)
{
    size_t next;
    unsigned class = class_at(s, at, end, &next);
    if (class & INF_NUMBER)
        return run_up_to(s, next, end, INF_NUMBER, digits - 1);
    if (!is_newline(s[at])) {
        size_t p = cased(s, at, end, class, next);
        if (p > at)
            return contractions ? contraction(s, p, end, true) : p;
    }
    size_t start = s[at] == ' ' ? next : at;
    size_t p = run_not(s, start, end, INF_SPACE | INF_LETTER | INF_NUMBER);
    if (p == start)
        return blanks_lines(s, at, end);
    while (p < end && (is_newline(s[p]) || s[p] == '/'))
        p++;
    return p;
}

static size_t cased_1(const unsigned char *s, size_t at, size_t end)
{
    return cased_words(s, at, end, 1, false);
}

static size_t cased_3(const unsigned char *s, size_t at, size_t end)
{
    return cased_words(s, at, end, 3, true);
}

/* \p{N}{1,COUNT}, and what lies between. */
static inline size_t numbers(const unsigned char *s, size_t at, size_t end, int count)
{
    size_t p = run_up_to(s, at, end, INF_NUMBER, count);
    return p > at ? p : run_not(s, at, end, INF_NUMBER);
}

static size_t digit(const unsigned char *s, size_t at, size_t end)
{
    return numbers(s, at, end, 1);
}

static size_t digits_3(const unsigned char *s, size_t at, size_t end)
{
    return numbers(s, at, end, 3);
}

/* [\r\n], and what lies between. */
static size_t newline(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at + 1;
    while (!is_newline(s[at]) && p < end && !is_newline(s[p]))
        p++;
    return p;
}

typedef bool in_set(uint32_t code);

static bool is_kana(uint32_t code)
{
    return (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);
}

static bool is_cjk(uint32_t code)
{
    return (code >= 0x0800 && code <= 0x9fa5) || (code >= 0xac00 && code <= 0xd7ff);
}

/* The end of a run of characters that are all in the set, or all not. */
static inline size_t run_set(const unsigned char *s, size_t at, size_t end, in_set *set)
{
    bool first = false;
    for (size_t p = at, step; p < end; p += step) {
        uint32_t code = s[p];
        step = 1;
        bool in = code >= 0x80 && (step = inf_utf8_decode((const char *)s + p, end - p, &code)) &&
                  set(code);
        if (p == at)
            first = in;
        else if (in != first)
            return p;
        step = step ? step : 1;
    }
    return end;
}

/* [一-龥぀-ゟ゠-ヿ]+, and what lies between. */
static size_t kana(const unsigned char *s, size_t at, size_t end)
{
    return run_set(s, at, end, is_kana);
}

/* [一-龥ࠀ-一가-퟿]+, and what lies between. */
static size_t deepseek_cjk(const unsigned char *s, size_t at, size_t end)
{
    return run_set(s, at, end, is_cjk);
}

/* Whether \s?MASK+ matches at s[at]; *start is then the first MASK character. */
static inline bool begins(const unsigned char *s, size_t at, size_t end, unsigned mask,
                          size_t *start)
{
    size_t next, after;
    unsigned class = class_at(s, at, end, &next);
    *start = class & mask ? at : next;
    return class & mask ||
           (class & INF_SPACE && next < end && class_at(s, next, end, &after) & mask);
}

/* \s?MASK+, and what lies between. */
static inline size_t with_blank(const unsigned char *s, size_t at, size_t end, unsigned mask)
{
    size_t p = at, start;
    if (begins(s, at, end, mask, &start))
        return run(s, start, end, mask);
    do
        class_at(s, p, end, &p);
    while (p < end && !begins(s, p, end, mask, &start));
    return p;
}

static size_t deepseek_letters(const unsigned char *s, size_t at, size_t end)
{
    return with_blank(s, at, end, INF_LETTER);
}

static size_t deepseek_puncts(const unsigned char *s, size_t at, size_t end)
{
    return with_blank(s, at, end, INF_PUNCT);
}

static inline bool is_ascii_letter(unsigned char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+
 * |\s+(?!\S)|\s+ at s[at]; `at` where nothing matches. */
static size_t deepseek_v3_match(const unsigned char *s, size_t at, size_t end)
{
    const unsigned letters = INF_LETTER | INF_MARK, signs = INF_PUNCT | INF_SYMBOL;
    size_t next, after, p;
    unsigned class = class_at(s, at, end, &next);
    if (s[at] < 0x80 && class & signs && next < end && is_ascii_letter(s[next])) {
        for (p = next; p < end && is_ascii_letter(s[p]);)
            p++;
        return p;
    }
    if (class & letters)
        return run(s, next, end, letters);
    if (!(class & signs) && !is_newline(s[at]) && next < end &&
        class_at(s, next, end, &after) & letters)
        return run(s, after, end, letters);
    size_t start = s[at] == ' ' ? next : at;
    p = run(s, start, end, signs);
    if (p > start)
        return run_newlines(s, p, end);
    return class & INF_SPACE ? blanks_lines(s, at, end) : at;
}

static size_t deepseek_v3(const unsigned char *s, size_t at, size_t end)
{
    size_t p = deepseek_v3_match(s, at, end);
    if (p > at)
        return p;
    do
        class_at(s, p, end, &p);
    while (p < end && deepseek_v3_match(s, p, end) == p);
    return p;
}

static const struct inf_split_rule rules[] = {
#define SPLIT(name, flags, ...) {name, flags, {__VA_ARGS__}},
#include "lib/vocab/split.def"
#undef SPLIT
};
#define RULES (sizeof rules / sizeof *rules)

const struct inf_split_rule *inf_split_find(struct inf_bytes name)
{
    for (size_t i = 0; i < RULES; i++)
        if (inf_bytes_equal(name, rules[i].name))
            return &rules[i];
    return NULL;
}

void inf_split_names(char *text, size_t capacity)
{
    size_t used = 0;
    for (size_t i = 0; i < RULES; i++) {
        size_t len = strlen(rules[i].name), gap = i ? 2 : 0;
        if (used + gap + len + 1 > capacity)
            break;
        memcpy(text + used, ", ", gap);
        memcpy(text + used + gap, rules[i].name, len);
        used += gap + len;
    }
    text[used] = 0;
}

void inf_split_start(struct inf_split *split, const struct inf_split_rule *rule, const char *text,
                     size_t len)
{
    *split = (struct inf_split){.rule = rule, .text = (const unsigned char *)text, .len = len};
}

size_t inf_split_next(struct inf_split *split)
{
    size_t at = split->at, end = split->len;
    if (at == end)
        return 0;
    for (int i = 0; i < INF_SPLIT_STAGES && split->rule->stages[i]; i++) {
        if (split->ends[i] <= at)
            split->ends[i] = split->rule->stages[i](split->text, at, end);
        end = split->ends[i];
    }
    split->at = end;
    return end - at;
}
