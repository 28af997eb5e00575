/* Scanners that cut numbers. */
#include "lib/vocab/split_scan.h"

/* \p{N}{1,COUNT}, and what lies between. */
static inline size_t numbers(const unsigned char *s, size_t at, size_t end, int count)
{
    size_t p = run_up_to(s, at, end, INF_NUMBER, count);
    return p > at ? p : run_not(s, at, end, INF_NUMBER);
}

size_t inf_stage_digit(const unsigned char *s, size_t at, size_t end)
{
    return numbers(s, at, end, 1);
}

size_t inf_stage_digits_3(const unsigned char *s, size_t at, size_t end)
{
    return numbers(s, at, end, 3);
}

/* \p{N}+, and what lies between. */
size_t inf_stage_digits(const unsigned char *s, size_t at, size_t end)
{
    size_t p = run(s, at, end, INF_NUMBER);
    return p > at ? p : run_not(s, at, end, INF_NUMBER);
}

/* After digits: cuts so many from the front of a number that groups of three are left. */
size_t inf_stage_first_digits(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at, ends[2] = {end, end}, count = 0;
    for (size_t next; p < end && class_at(s, p, end, &next) & INF_NUMBER; p = next, count++)
        if (count < 2)
            ends[count] = next;
    return count % 3 ? ends[count % 3 - 1] : end;
}

/* Whether a character behind ASCII is a decimal digit (Nd); the table has the zeros. */
static bool is_decimal(uint32_t code)
{
    static const uint32_t zeros[] = {
        0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,   0xc66,
        0xce6,   0xd66,   0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,  0x1810,
        0x1946,  0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,  0xa8d0,
        0xa900,  0xa9d0,  0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066, 0x110f0,
        0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950,
        0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec,
        0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
    };
    size_t low = 0, high = sizeof zeros / sizeof *zeros;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (zeros[mid] + 9 < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < sizeof zeros / sizeof *zeros && code >= zeros[low];
}

/* \w of Oniguruma, which the models' own patterns run on: letters, marks, decimal digits, and what
 * the table has: Nl, Pc, the circled letters, and Latin-1's powers and fractions. */
static bool is_word(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x30, 0x39},       {0x5f, 0x5f},       {0xb2, 0xb3},       {0xb9, 0xb9},
        {0xbc, 0xbe},       {0x16ee, 0x16f0},   {0x203f, 0x2040},   {0x2054, 0x2054},
        {0x2160, 0x2182},   {0x2185, 0x2188},   {0x24b6, 0x24e9},   {0x3007, 0x3007},
        {0x3021, 0x3029},   {0x3038, 0x303a},   {0xa6e6, 0xa6ef},   {0xfe33, 0xfe34},
        {0xfe4d, 0xfe4f},   {0xff3f, 0xff3f},   {0x10140, 0x10174}, {0x10341, 0x10341},
        {0x1034a, 0x1034a}, {0x103d1, 0x103d5}, {0x12400, 0x1246e}, {0x1f130, 0x1f149},
        {0x1f150, 0x1f169}, {0x1f170, 0x1f189},
    };
    if (inf_unicode_class(code) & (INF_LETTER | INF_MARK) || is_decimal(code))
        return true;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && code >= ranges[i][0]; i++)
        if (code <= ranges[i][1])
            return true;
    return false;
}

/* \d */
static inline bool decimal_at(const unsigned char *s, size_t at, size_t end, size_t *next)
{
    if (s[at] < 0x80) {
        *next = at + 1;
        return (unsigned char)(s[at] - '0') < 10;
    }
    return is_decimal(code_at(s, at, end, next));
}

static size_t run_decimals(const unsigned char *s, size_t at, size_t end)
{
    for (size_t next; at < end && decimal_at(s, at, end, &next);)
        at = next;
    return at;
}

/* Whether \b holds behind a digit that ends at s[at]: no letter, mark, digit or _ there. */
static bool ends_word(const unsigned char *s, size_t at, size_t end)
{
    size_t next;
    if (at == end)
        return true;
    return !is_word(code_at(s, at, end, &next));
}

/* (?:\d)+\b, and what lies between. With first_decimals and decimals_3 after it:
 * \d{1,3}(?=(?:\d{3})*\b) */
size_t inf_stage_decimals(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at, next;
    while (p < end) {
        if (!decimal_at(s, p, end, &next)) {
            p = next;
            continue;
        }
        size_t behind = run_decimals(s, p, end);
        if (ends_word(s, behind, end))
            return p > at ? p : behind;
        p = behind;
    }
    return end;
}

/* Of the pieces that decimals makes only its numbers end in a digit. */
static bool is_number(const unsigned char *s, size_t at, size_t end)
{
    size_t next;
    return decimal_at(s, last_start(s, at, end), end, &next);
}

size_t inf_stage_first_decimals(const unsigned char *s, size_t at, size_t end)
{
    return is_number(s, at, end) ? inf_stage_first_digits(s, at, end) : end;
}

size_t inf_stage_decimals_3(const unsigned char *s, size_t at, size_t end)
{
    return is_number(s, at, end) ? run_up_to(s, at, end, INF_NUMBER, 3) : end;
}

/* After digits, with decimals_3_left behind it: cut where (?=(\d{3})+(?!\d)) holds. This one makes
 * the first cut of each number, the other those that follow it. */
size_t inf_stage_long_decimals(const unsigned char *s, size_t at, size_t end)
{
    size_t next, p = at;
    while (p < end) {
        size_t count = 0, ends[3] = {p, p, p}, q = p;
        for (; q < end && decimal_at(s, q, end, &next); q = next)
            if (++count < 3)
                ends[count] = next;
        if (count >= 3 && ends[count % 3] > at)
            return ends[count % 3];
        p = q;
        while (p < end && !decimal_at(s, p, end, &next))
            p = next;
    }
    return end;
}

size_t inf_stage_decimals_3_left(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at, next;
    for (int i = 0; i < 3; i++) {
        if (p == end || !decimal_at(s, p, end, &next))
            return end;
        p = next;
    }
    return p < end && decimal_at(s, p, end, &next) ? p : end;
}

/* Whether the character that stands for the byte in the byte-level alphabet is a number. */
static bool numeric_byte(unsigned char c)
{
    return (unsigned char)(c - '0') < 10 || c == 0xb2 || c == 0xb3 || c == 0xb9 ||
           (c >= 0xbc && c <= 0xbe);
}

/* \p{N}+ on the text after the byte-level alphabet: it cuts characters in pieces whose bytes stand
 * there as the signs of powers and fractions. */
size_t inf_stage_numeric_bytes(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at + 1;
    while (p < end && numeric_byte(s[p]) == numeric_byte(s[at]))
        p++;
    return p;
}

static inline bool three_digits(const unsigned char *s, size_t at, size_t end)
{
    for (size_t i = 0; i < 3; i++)
        if (at + i >= end || (unsigned char)(s[at + i] - '0') >= 10)
            return false;
    return true;
}

/* [0-9][0-9][0-9], and what lies between. */
size_t inf_stage_ascii_digits_3(const unsigned char *s, size_t at, size_t end)
{
    if (three_digits(s, at, end))
        return at + 3;
    do
        at++;
    while (at < end && !three_digits(s, at, end));
    return at;
}
