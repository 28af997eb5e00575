/* Scanners that set apart lines, scripts and signs. */
#include "lib/vocab/split_scan.h"

/* [\r\n], and what lies between. */
size_t inf_stage_newline(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at + 1;
    while (!is_newline(s[at]) && p < end && !is_newline(s[p]))
        p++;
    return p;
}

/* [^\n]+|[\n]+ */
size_t inf_stage_lines(const unsigned char *s, size_t at, size_t end)
{
    size_t p = at + 1;
    while (p < end && (s[p] == '\n') == (s[at] == '\n'))
        p++;
    return p;
}

/* The number of the set that a character is in, 0: none. */
typedef unsigned set_of(uint32_t code);

/* The end of a run of characters that are all in one set, or in none. */
static inline size_t run_set(const unsigned char *s, size_t at, size_t end, set_of *set)
{
    size_t p;
    unsigned first = set(code_at(s, at, end, &p));
    for (size_t next; p < end && set(code_at(s, p, end, &next)) == first; p = next)
        continue;
    return p;
}

static unsigned kana_set(uint32_t code)
{
    return (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);
}

/* [一-龥぀-ゟ゠-ヿ]+, and what lies between. */
size_t inf_stage_kana(const unsigned char *s, size_t at, size_t end)
{
    return run_set(s, at, end, kana_set);
}

static unsigned cjk_set(uint32_t code)
{
    return (code >= 0x0800 && code <= 0x9fa5) || (code >= 0xac00 && code <= 0xd7ff);
}

/* [一-龥ࠀ-一가-퟿]+, and what lies between. */
size_t inf_stage_deepseek_cjk(const unsigned char *s, size_t at, size_t end)
{
    return run_set(s, at, end, cjk_set);
}

static unsigned youtu_set(uint32_t code)
{
    if ((code >= 0xac00 && code <= 0xd7a3) || (code >= 0x3131 && code <= 0x318e))
        return 1;
    if (code == 0xff01 || code == 0x2026 || code == 0x201c || code == 0x201d || code == 0x2018 ||
        code == 0x2019 || code == 0x2014 || code == 0xff1a || code == 0xff1b || code == 0xff0c ||
        (code >= 0x3001 && code <= 0x303f) || (code >= 0xfe30 && code <= 0xfe4f))
        return 2;
    return code >= 0x3105 && code <= 0x312f ? 3 : kana_set(code) ? 4 : 0;
}

/* [가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+, and what lies between. The third
 * set lies in no other, its characters come before the first's. */
size_t inf_stage_youtu_scripts(const unsigned char *s, size_t at, size_t end)
{
    return run_set(s, at, end, youtu_set);
}

static unsigned afmoe_set(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x0e40, 0x0e7f}, {0x0e80, 0x0eff}, {0x1000, 0x109f}, {0x1100, 0x11ff}, {0x1780, 0x17ff},
        {0x2f00, 0x2fdf}, {0x3040, 0x30ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xa9e0, 0xa9ff},
        {0xaa60, 0xaa7f}, {0xac00, 0xd7af}, {0xf900, 0xfaff}, {0xff65, 0xff9f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && code >= ranges[i][0]; i++)
        if (code <= ranges[i][1])
            return 1;
    return 0;
}

/* [一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+, and what lies between. */
size_t inf_stage_afmoe_scripts(const unsigned char *s, size_t at, size_t end)
{
    return run_set(s, at, end, afmoe_set);
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

size_t inf_stage_deepseek_letters(const unsigned char *s, size_t at, size_t end)
{
    return with_blank(s, at, end, INF_LETTER);
}

size_t inf_stage_deepseek_puncts(const unsigned char *s, size_t at, size_t end)
{
    return with_blank(s, at, end, INF_PUNCT);
}

static inline bool is_ascii_letter(unsigned char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+
 * |\s+(?!\S)|\s+ at s[at]; `at` where nothing matches. With `spark` the last four are
 *  ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+ */
static inline size_t deepseek_match(const unsigned char *s, size_t at, size_t end, bool spark)
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
        return spark ? p : run_newlines(s, p, end);
    if (!(class & INF_SPACE))
        return at;
    if (!spark)
        return blanks_lines(s, at, end);
    return is_newline(s[at]) ? next : blanks(s, at, end);
}

static inline size_t deepseek(const unsigned char *s, size_t at, size_t end, bool spark)
{
    size_t p = deepseek_match(s, at, end, spark);
    if (p > at)
        return p;
    do
        class_at(s, p, end, &p);
    while (p < end && deepseek_match(s, p, end, spark) == p);
    return p;
}

size_t inf_stage_deepseek_v3(const unsigned char *s, size_t at, size_t end)
{
    return deepseek(s, at, end, false);
}

size_t inf_stage_spark(const unsigned char *s, size_t at, size_t end)
{
    return deepseek(s, at, end, true);
}

/* The cased letters of the pattern of deepseek-llm. */
static unsigned llm_letter(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x41, 0x5a},       {0x61, 0x7a},       {0xb5, 0xb5},       {0xc0, 0xd6},
        {0xd8, 0xf6},       {0xf8, 0x1ba},      {0x1bc, 0x1bf},     {0x1c4, 0x293},
        {0x295, 0x2af},     {0x370, 0x373},     {0x376, 0x376},     {0x377, 0x377},
        {0x37b, 0x37d},     {0x37f, 0x37f},     {0x386, 0x386},     {0x388, 0x38a},
        {0x38c, 0x38c},     {0x38e, 0x3a1},     {0x3a3, 0x3f5},     {0x3f7, 0x481},
        {0x48a, 0x52f},     {0x531, 0x556},     {0x10a0, 0x10c5},   {0x13a0, 0x13f5},
        {0x13f8, 0x13fd},   {0x1c90, 0x1cba},   {0x1cbd, 0x1cbf},   {0x1d00, 0x1d2b},
        {0x1d6b, 0x1d77},   {0x1d79, 0x1d9a},   {0x1e00, 0x1f15},   {0x1f18, 0x1f1d},
        {0x1f20, 0x1f45},   {0x1f48, 0x1f4d},   {0x1f50, 0x1f57},   {0x1f59, 0x1f59},
        {0x1f5b, 0x1f5b},   {0x1f5d, 0x1f5d},   {0x1f5f, 0x1f7d},   {0x1f80, 0x1fb4},
        {0x1fb6, 0x1fbc},   {0x1fbe, 0x1fbe},   {0x1fc2, 0x1fc4},   {0x1fc6, 0x1fcc},
        {0x1fd0, 0x1fd3},   {0x1fd6, 0x1fdb},   {0x1fe0, 0x1fec},   {0x1ff2, 0x1ff4},
        {0x1ff6, 0x1ffc},   {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210a, 0x2113},
        {0x2115, 0x2115},   {0x2119, 0x211d},   {0x2124, 0x2124},   {0x2126, 0x2126},
        {0x2128, 0x2128},   {0x212a, 0x212d},   {0x212f, 0x2134},   {0x2139, 0x2139},
        {0x213c, 0x213f},   {0x2145, 0x2149},   {0x214e, 0x214e},   {0x2183, 0x2183},
        {0x2184, 0x2184},   {0x2c00, 0x2c7b},   {0x2c7e, 0x2ce4},   {0x2ceb, 0x2cee},
        {0x2cf2, 0x2cf2},   {0x2cf3, 0x2cf3},   {0xa640, 0xa66d},   {0xa680, 0xa69b},
        {0xa722, 0xa76f},   {0xa771, 0xa787},   {0xa78b, 0xa78e},   {0xab70, 0xabbf},
        {0xfb00, 0xfb06},   {0xfb13, 0xfb17},   {0xff21, 0xff3a},   {0xff41, 0xff5a},
        {0x10400, 0x1044f}, {0x104b0, 0x104d3}, {0x104d8, 0x104fb}, {0x10c80, 0x10cb2},
        {0x10cc0, 0x10cf2}, {0x118a0, 0x118df}, {0x1e900, 0x1e943},
    };
    size_t low = 0, high = sizeof ranges / sizeof *ranges;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (ranges[mid][1] < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < sizeof ranges / sizeof *ranges && code >= ranges[low][0];
}

static unsigned llm_punct(uint32_t code)
{
    return (code >= '!' && code <= '/') || (code >= ':' && code <= '~') ||
           (code >= 0xff01 && code <= 0xff0f) || (code >= 0xff1a && code <= 0xff5e) ||
           (code >= 0x2018 && code <= 0x201f) || (code >= 0x3000 && code <= 0x3002);
}

/* Whether PREFIX?SET+ matches at s[at]; *start is then the first character of the set. */
static inline bool begins_set(const unsigned char *s, size_t at, size_t end, set_of *set,
                              bool any_blank, size_t *start)
{
    size_t next, after;
    *start = at;
    if (set(code_at(s, at, end, &next)))
        return true;
    *start = next;
    bool blank = any_blank ? class_at(s, at, end, &next) & INF_SPACE : s[at] == ' ';
    return blank && next < end && set(code_at(s, next, end, &after));
}

/* PREFIX?SET+, and what lies between; PREFIX is \s or a blank alone. */
static inline size_t set_with_blank(const unsigned char *s, size_t at, size_t end, set_of *set,
                                    bool any_blank)
{
    size_t p = at, start, next;
    if (begins_set(s, at, end, set, any_blank, &start)) {
        while (start < end && set(code_at(s, start, end, &next)))
            start = next;
        return start;
    }
    do
        code_at(s, p, end, &p);
    while (p < end && !begins_set(s, p, end, set, any_blank, &start));
    return p;
}

size_t inf_stage_llm_letters(const unsigned char *s, size_t at, size_t end)
{
    return set_with_blank(s, at, end, llm_letter, true);
}

/* \s?[!-/:-~！-／：-～‘-‟　-。]+, and what lies between. */
size_t inf_stage_llm_puncts(const unsigned char *s, size_t at, size_t end)
{
    return set_with_blank(s, at, end, llm_punct, true);
}

/* \s+$, and what lies before it. */
size_t inf_stage_last_blanks(const unsigned char *s, size_t at, size_t end)
{
    size_t cut = at;
    for (size_t p = at, next; p < end; p = next)
        if (!(class_at(s, p, end, &next) & INF_SPACE))
            cut = next;
    return cut > at ? cut : end;
}

static unsigned bloom_letter(uint32_t code)
{
    static const uint32_t not_in[] = {'(',    ')',    '|',    '.',    ',',    '!',    '?',
                                      0x2026, 0x3002, 0xff0c, 0x3001, 0x0964, 0x06d4, 0x060c};
    for (size_t i = 0; i < sizeof not_in / sizeof *not_in; i++)
        if (code == not_in[i])
            return 0;
    return !(inf_unicode_class(code) & INF_SPACE);
}

/*  ?[^(\s|.,!?…。，、।۔،)]+, and what lies between. */
size_t inf_stage_bloom(const unsigned char *s, size_t at, size_t end)
{
    return set_with_blank(s, at, end, bloom_letter, false);
}

static unsigned punct_set(uint32_t code)
{
    return code < 0x80 ? (inf_unicode_class(code) & (INF_PUNCT | INF_SYMBOL)) != 0
                       : (inf_unicode_class(code) & INF_PUNCT) != 0;
}

/* [\p{P}$+<=>^`~|]+, and what lies between. */
size_t inf_stage_punct_runs(const unsigned char *s, size_t at, size_t end)
{
    return run_set(s, at, end, punct_set);
}

/* [\p{P}!-/:-@\[-`{-~], and what lies between. */
size_t inf_stage_punct(const unsigned char *s, size_t at, size_t end)
{
    size_t next;
    return punct_set(code_at(s, at, end, &next)) ? next : run_set(s, at, end, punct_set);
}

typedef size_t match(const unsigned char *s, size_t at, size_t end);

/* What matches, and what lies between. */
static inline size_t matches(const unsigned char *s, size_t at, size_t end, match *match_at)
{
    size_t p = match_at(s, at, end);
    if (p > at)
        return p;
    do
        p++;
    while (p < end && match_at(s, p, end) == p);
    return p;
}

static size_t sentinel_at(const unsigned char *s, size_t at, size_t end)
{
    static const char head[] = "<sentinel:";
    size_t p = at + sizeof head - 1;
    if (end - at < sizeof head || memcmp(s + at, head, sizeof head - 1) != 0)
        return at;
    size_t digits = p;
    while (p < end && s[p] >= '0' && s[p] <= '9')
        p++;
    return p > digits && p < end && s[p] == '>' ? p + 1 : at;
}

/* <sentinel:[0-9]+>, and what lies between. */
size_t inf_stage_sentinel(const unsigned char *s, size_t at, size_t end)
{
    return matches(s, at, end, sentinel_at);
}

static size_t image_at(const unsigned char *s, size_t at, size_t end)
{
    if (end - at < 8 || memcmp(s + at, "IMGIMG", 6) != 0)
        return at;
    size_t p = at + 6;
    while (p < end && p < at + 10 && s[p] >= 'A' && s[p] <= 'I')
        p++;
    return p > at + 6 && p < end && s[p] == 'Z' ? p + 1 : at;
}

/* IMGIMG[A-I]{1,4}Z, and what lies between. */
size_t inf_stage_image(const unsigned char *s, size_t at, size_t end)
{
    return matches(s, at, end, image_at);
}

static size_t indent_at(const unsigned char *s, size_t at, size_t end)
{
    if (s[at] == '\t' || s[at] == '\n')
        return at + 1;
    size_t count = 0;
    while (at + count < end && count < 4 && s[at + count] == ' ')
        count++;
    return at + (count == 4 ? 4 : count >= 2 ? 2 : 0);
}

/* [\t\n]|    |  , and what lies between. */
size_t inf_stage_indents(const unsigned char *s, size_t at, size_t end)
{
    return matches(s, at, end, indent_at);
}
