/* The methods of texts. Parts of a text share its bytes. */
#include "lib/chat/characters.h"
#include "lib/chat/value.h"

#include <string.h>

/* Where `part` stands in text from byte `at` on; SIZE_MAX: nowhere. */
static size_t find_from(const struct inf_value *text, const struct inf_value *part, size_t at)
{
    const char *bytes = inf_chars(text);
    const char *found =
        memmem(bytes + at, inf_chars_len(text) - at, inf_chars(part), inf_chars_len(part));
    return found ? (size_t)(found - bytes) : SIZE_MAX;
}

/* The last place that ends at or before byte `end`; also SIZE_MAX where that takes too long. */
static size_t find_before(struct inf_render *r, const struct inf_value *text,
                          const struct inf_value *part, size_t end)
{
    const char *bytes = inf_chars(text), *wanted = inf_chars(part), *found;
    size_t len = inf_chars_len(part);
    if (!len || len > end)
        return len ? SIZE_MAX : end;
    for (size_t starts = end - len + 1; (found = memrchr(bytes, *wanted, starts));
         starts = (size_t)(found - bytes)) {
        if (!memcmp(found, wanted, len))
            return (size_t)(found - bytes);
        if (!inf_render_spend(r, len / 32))
            break;
    }
    return SIZE_MAX;
}

static bool spend_search(struct inf_render *r, const struct inf_value *text)
{
    return inf_render_spend(r, inf_chars_len(text) / 32);
}

static bool check_separator(struct inf_render *r, const struct inf_value *separator)
{
    return inf_need_text(r, separator, "what to split by") &&
           (inf_chars_len(separator) || inf_fault(r, "to split by nothing is not possible"));
}

/* ---- Stripping ----------------------------------------------------------------------------- */

/* Whether the character at text[at), `size` bytes, is to go. */
static bool strips(const struct inf_value *text, size_t at, size_t size,
                   const struct inf_value *chars)
{
    uint32_t code;
    const char *here = inf_chars(text) + at;
    if (chars)
        return memmem(inf_chars(chars), inf_chars_len(chars), here, size) != NULL;
    return inf_utf8_decode(here, size, &code) && inf_char_is_space(code);
}

bool inf_text_strip(struct inf_render *r, const struct inf_value *text,
                    const struct inf_value *chars, unsigned sides, struct inf_value *out)
{
    size_t start = 0, end = inf_chars_len(text);
    if (chars && chars->kind == INF_NONE)
        chars = NULL;
    if (chars && !inf_need_text(r, chars, "what to strip"))
        return false;
    while (sides & INF_LEFT && start < end) {
        size_t size = inf_char_size(inf_chars(text) + start, end - start);
        if (!strips(text, start, size, chars))
            break;
        start += size;
    }
    while (sides & INF_RIGHT && end > start) {
        size_t at = end - 1;
        while (at > start && ((unsigned char)inf_chars(text)[at] & 0xc0) == 0x80)
            at--;
        if (!strips(text, at, end - at, chars))
            break;
        end = at;
    }
    size_t gone = inf_chars_len(text) - (end - start);
    *out = inf_text_part(text, start, end);
    return inf_render_spend(r, gone / 32 * (chars ? inf_chars_len(chars) / 32 + 1 : 1));
}

INF_BUILTIN(strip)
{
    return inf_text_strip(r, self, given[0], INF_LEFT | INF_RIGHT, out);
}

INF_BUILTIN(lstrip)
{
    return inf_text_strip(r, self, given[0], INF_LEFT, out);
}

INF_BUILTIN(rstrip)
{
    return inf_text_strip(r, self, given[0], INF_RIGHT, out);
}

/* ---- Splitting ----------------------------------------------------------------------------- */

static bool add_part(struct inf_render *r, struct inf_list *list, const struct inf_value *text,
                     size_t start, size_t end)
{
    struct inf_value part = inf_text_part(text, start, end);
    return inf_list_add(r, list, &part);
}

/* At white space, of which a run is one border. */
static bool split_words(struct inf_render *r, const struct inf_value *text, int64_t most,
                        struct inf_list *list)
{
    size_t len = inf_chars_len(text), at = 0, start, size;
    for (;;) {
        for (; at < len; at += size)
            if (!strips(text, at, size = inf_char_size(inf_chars(text) + at, len - at), NULL))
                break;
        if (at == len)
            return true;
        start = at;
        if (most-- == 0)
            return add_part(r, list, text, start, len);
        for (; at < len; at += size)
            if (strips(text, at, size = inf_char_size(inf_chars(text) + at, len - at), NULL))
                break;
        if (!add_part(r, list, text, start, at))
            return false;
    }
}

static void turn_around(struct inf_list *list)
{
    for (size_t i = 0, j = list->count; i + 1 < j; i++) {
        struct inf_value item = list->items[i];
        list->items[i] = list->items[--j];
        list->items[j] = item;
    }
}

static bool split_words_right(struct inf_render *r, const struct inf_value *text, int64_t most,
                              struct inf_list *list)
{
    struct inf_value rest = *text;
    for (;;) {
        if (!inf_text_strip(r, &rest, NULL, INF_RIGHT, &rest))
            return false;
        size_t end = inf_chars_len(&rest), at = end;
        if (!end)
            break;
        if (most-- == 0) {
            if (!inf_list_add(r, list, &rest))
                return false;
            break;
        }
        while (at) {
            size_t before = at - 1;
            while (before && ((unsigned char)inf_chars(&rest)[before] & 0xc0) == 0x80)
                before--;
            if (strips(&rest, before, at - before, NULL))
                break;
            at = before;
        }
        if (!add_part(r, list, &rest, at, end))
            return false;
        rest = inf_text_part(&rest, 0, at);
    }
    turn_around(list);
    return true;
}

static bool split_by(struct inf_render *r, const struct inf_value *text,
                     const struct inf_value *separator, int64_t most, struct inf_list *list)
{
    size_t at = 0, found;
    for (; most-- != 0 && (found = find_from(text, separator, at)) != SIZE_MAX;
         at = found + inf_chars_len(separator))
        if (!add_part(r, list, text, at, found))
            return false;
    return add_part(r, list, text, at, inf_chars_len(text));
}

static bool split_by_right(struct inf_render *r, const struct inf_value *text,
                           const struct inf_value *separator, int64_t most, struct inf_list *list)
{
    size_t end = inf_chars_len(text), found;
    for (; most-- != 0 && (found = find_before(r, text, separator, end)) != SIZE_MAX; end = found)
        if (!add_part(r, list, text, found + inf_chars_len(separator), end))
            return false;
    if (r->status || !add_part(r, list, text, 0, end))
        return false;
    turn_around(list);
    return true;
}

static bool split_any(struct inf_render *r, const struct inf_value *text,
                      const struct inf_value *const *given, bool right, struct inf_value *out)
{
    struct inf_list list = {0};
    const struct inf_value *separator = given[0];
    int64_t most = -1;
    if (!inf_need_int(r, given[1], "maxsplit", &most) || !spend_search(r, text))
        return false;
    bool words = !separator || separator->kind == INF_NONE;
    if (!words && !check_separator(r, separator))
        return false;
    bool done = words ? (right ? split_words_right : split_words)(r, text, most, &list)
                      : (right ? split_by_right : split_by)(r, text, separator, most, &list);
    return done && inf_list_value(r, &list, INF_LIST, out);
}

INF_BUILTIN(split)
{
    return split_any(r, self, given, false, out);
}

INF_BUILTIN(rsplit)
{
    return split_any(r, self, given, true, out);
}

static bool partition_at(struct inf_render *r, const struct inf_value *text,
                         const struct inf_value *separator, bool right, struct inf_value *out)
{
    struct inf_list list = {0};
    size_t len = inf_chars_len(text);
    if (!check_separator(r, separator) || !spend_search(r, text))
        return false;
    size_t at = right ? find_before(r, text, separator, len) : find_from(text, separator, 0);
    size_t end = at == SIZE_MAX ? 0 : at + inf_chars_len(separator);
    if (r->status)
        return false;
    if (at == SIZE_MAX) /* all of it is the first part, or the last */
        at = end = right ? 0 : len;
    return add_part(r, &list, text, 0, at) && add_part(r, &list, text, at, end) &&
           add_part(r, &list, text, end, len) && inf_list_value(r, &list, INF_TUPLE, out);
}

INF_BUILTIN(partition)
{
    return partition_at(r, self, given[0], false, out);
}

INF_BUILTIN(rpartition)
{
    return partition_at(r, self, given[0], true, out);
}

static bool ends_line(uint32_t code)
{
    return (code >= 0x0a && code <= 0x0d) || (code >= 0x1c && code <= 0x1e) || code == 0x85 ||
           code == 0x2028 || code == 0x2029;
}

bool inf_text_lines(struct inf_render *r, const struct inf_value *text, bool keep_ends,
                    struct inf_value *out)
{
    const char *bytes = inf_chars(text);
    size_t len = inf_chars_len(text), start = 0;
    struct inf_list list = {0};
    for (size_t at = 0, size; at < len; at += size) {
        uint32_t code;
        size = inf_utf8_decode(bytes + at, len - at, &code);
        if (!size)
            return inf_fault(r, "a text is not UTF-8");
        if (!ends_line(code))
            continue;
        if (code == '\r' && at + 1 < len && bytes[at + 1] == '\n')
            size = 2;
        if (!add_part(r, &list, text, start, keep_ends ? at + size : at))
            return false;
        start = at + size;
    }
    if (start < len && !add_part(r, &list, text, start, len))
        return false;
    return spend_search(r, text) && inf_list_value(r, &list, INF_LIST, out);
}

INF_BUILTIN(splitlines)
{
    return inf_text_lines(r, self, given[0] && inf_truth(given[0]), out);
}

/* ---- Searching ----------------------------------------------------------------------------- */

/* The part of a text from character given[1] to given[2] that a search is held to, and the character where
 * it starts; part->kind is INF_NONE where nothing is found, not even nothing: they cross, or lie behind. */
static bool window(struct inf_render *r, const struct inf_value *text,
                   const struct inf_value *const *given, struct inf_value *part, size_t *start)
{
    int64_t from = 0, to = INT64_MAX, length = (int64_t)inf_text_length(text);
    if ((given[1] && given[1]->kind != INF_NONE && !inf_need_int(r, given[1], "start", &from)) ||
        (given[2] && given[2]->kind != INF_NONE && !inf_need_int(r, given[2], "end", &to)))
        return false;
    from = from >= 0 ? from : from < -length ? 0 : from + length;
    to = to >= length ? length : to >= 0 ? to : to < -length ? 0 : to + length;
    if (from > to) {
        *part = (struct inf_value){.kind = INF_NONE};
        return true;
    }
    *start = (size_t)from;
    *part =
        inf_text_part(text, inf_text_offset(text, (size_t)from), inf_text_offset(text, (size_t)to));
    return spend_search(r, text);
}

/* Whether a text, or one of a tuple of texts, stands at the start (or end). */
static bool stands_at(struct inf_render *r, const struct inf_value *self,
                      const struct inf_value *const *given, bool end, struct inf_value *out)
{
    const struct inf_value *part = given[0];
    struct inf_value text;
    size_t start;
    if (!window(r, self, given, &text, &start))
        return false;
    struct inf_sequence one = {.items = (struct inf_value *)(uintptr_t)part, .count = 1};
    const struct inf_sequence *parts = part->kind == INF_TUPLE ? part->as.sequence : &one;
    bool found = false;
    for (size_t i = 0; i < parts->count && !found; i++) {
        if (!inf_need_text(r, &parts->items[i], "what to look for"))
            return false;
        if (text.kind == INF_NONE)
            continue;
        size_t len = inf_chars_len(&parts->items[i]), all = inf_chars_len(&text);
        found = len <= all &&
                !memcmp(inf_chars(&text) + (end ? all - len : 0), inf_chars(&parts->items[i]), len);
    }
    *out = inf_bool(found);
    return inf_render_spend(r, parts->count);
}

INF_BUILTIN(startswith)
{
    return stands_at(r, self, given, false, out);
}

INF_BUILTIN(endswith)
{
    return stands_at(r, self, given, true, out);
}

/* The character at which given[0] begins, -1 where it is not there. */
static bool place_of(struct inf_render *r, const struct inf_value *self,
                     const struct inf_value *const *given, bool right, bool must,
                     struct inf_value *out)
{
    const struct inf_value *part = given[0];
    struct inf_value text;
    size_t start = 0, at = SIZE_MAX;
    if (!inf_need_text(r, part, "what to look for") || !window(r, self, given, &text, &start))
        return false;
    if (text.kind != INF_NONE)
        at = right ? find_before(r, &text, part, inf_chars_len(&text)) : find_from(&text, part, 0);
    if (r->status)
        return false;
    if (at == SIZE_MAX && must)
        return inf_fault(r, "index: the text is not there");
    *out = inf_int(-1);
    if (at != SIZE_MAX) {
        struct inf_value before = inf_text_part(&text, 0, at);
        *out = inf_int((int64_t)(start + inf_text_length(&before)));
    }
    return true;
}

INF_BUILTIN(find)
{
    return place_of(r, self, given, false, false, out);
}

INF_BUILTIN(rfind)
{
    return place_of(r, self, given, true, false, out);
}

INF_BUILTIN(find_index)
{
    return place_of(r, self, given, false, true, out);
}

INF_BUILTIN(rindex_of)
{
    return place_of(r, self, given, true, true, out);
}

INF_BUILTIN(count)
{
    struct inf_value text;
    size_t start, times = 0;
    if (!inf_need_text(r, given[0], "what to count") || !window(r, self, given, &text, &start))
        return false;
    size_t len = inf_chars_len(given[0]);
    if (text.kind != INF_NONE && !len)
        times = inf_text_length(&text) + 1;
    else if (text.kind != INF_NONE)
        for (size_t at = 0; (at = find_from(&text, given[0], at)) != SIZE_MAX; at += len)
            times++;
    *out = inf_int((int64_t)times);
    return true;
}

/* ---- Making others ------------------------------------------------------------------------- */

bool inf_text_replace(struct inf_render *r, const struct inf_value *text,
                      const struct inf_value *old, const struct inf_value *by, int64_t most,
                      struct inf_value *out)
{
    size_t len = inf_chars_len(text), step = inf_chars_len(old), at = 0;
    struct inf_buffer *b = inf_buffer_new(r, len);
    if (!b || !inf_render_spend(r, len / 32))
        return false;
    for (; most != 0; most -= most > 0) {
        size_t found = step ? find_from(text, old, at) : at;
        if (found == SIZE_MAX || !inf_render_spend(r, 1))
            break;
        struct inf_value part = inf_text_part(text, at, found);
        if (!inf_buffer_add_text(r, b, &part.as.text) || !inf_buffer_add_text(r, b, &by->as.text))
            return false;
        at = found + step;
        if (step)
            continue;
        if (at == len) /* to replace nothing puts the text between all characters */
            break;
        size_t size = inf_char_size(inf_chars(text) + at, len - at);
        part = inf_text_part(text, at, at + size);
        if (!inf_buffer_add_text(r, b, &part.as.text))
            return false;
        at += size;
    }
    struct inf_value rest = inf_text_part(text, at, len);
    if (r->status || !inf_buffer_add_text(r, b, &rest.as.text))
        return false;
    *out = inf_buffer_value(b);
    return true;
}

INF_BUILTIN(replace)
{
    int64_t most = -1;
    return inf_need_text(r, given[0], "what to replace") &&
           inf_need_text(r, given[1], "what to replace by") &&
           inf_need_int(r, given[2], "count", &most) &&
           inf_text_replace(r, self, given[0], given[1], most, out);
}

INF_BUILTIN(join)
{
    struct inf_sequence items;
    struct inf_buffer *b = inf_buffer_new(r, 0);
    if (!b || !inf_value_items(r, given[0], &items))
        return false;
    for (size_t i = 0; i < items.count; i++)
        if (!inf_need_text(r, &items.items[i], "an item to join") ||
            (i && !inf_buffer_add_text(r, b, &self->as.text)) ||
            !inf_buffer_add_text(r, b, &items.items[i].as.text) || !inf_render_spend(r, 1))
            return false;
    *out = inf_buffer_value(b);
    return true;
}

bool inf_text_pad(struct inf_render *r, const struct inf_value *text, int64_t width, char align,
                  const char *fill, struct inf_value *out)
{
    size_t length = inf_text_length(text);
    int64_t pad = width - (int64_t)length;
    if (pad <= 0) {
        *out = *text;
        return true;
    }
    if ((uint64_t)pad > r->output_max)
        return inf_render_fail(r, INFER_E_LIMIT, "a text of more than %zu bytes", r->output_max);
    int64_t left = align == '<' ? 0 : align == '>' ? pad : pad / 2 + (pad & width & 1);
    struct inf_buffer *b = inf_buffer_new(r, (size_t)width);
    if (!b)
        return false;
    for (int64_t i = 0; i <= pad; i++)
        if ((i == left && !inf_buffer_add_text(r, b, &text->as.text)) ||
            (i < pad && !inf_buffer_add(r, b, fill, strlen(fill), false)))
            return false;
    *out = inf_buffer_value(b);
    return inf_render_spend(r, (uint64_t)pad / 8);
}

static bool pad(struct inf_render *r, const struct inf_value *text,
                const struct inf_value *const *given, char align, struct inf_value *out)
{
    int64_t width = 0;
    char fill[5] = " ";
    if (!inf_need_int(r, given[0], "width", &width))
        return false;
    if (given[1]) {
        if (!inf_need_text(r, given[1], "fill") || inf_text_length(given[1]) != 1)
            return inf_fault(r, "fill is one character");
        memcpy(fill, inf_chars(given[1]), inf_chars_len(given[1]));
        fill[inf_chars_len(given[1])] = 0;
    }
    return inf_text_pad(r, text, width, align, fill, out);
}

INF_BUILTIN(ljust)
{
    return pad(r, self, given, '<', out);
}

INF_BUILTIN(rjust)
{
    return pad(r, self, given, '>', out);
}

INF_BUILTIN(center)
{
    return pad(r, self, given, '^', out);
}

INF_BUILTIN(zfill)
{
    int64_t width = 0;
    if (!inf_need_int(r, given[0], "width", &width))
        return false;
    size_t sign = inf_chars_len(self) && strchr("+-", *inf_chars(self)) && *inf_chars(self);
    struct inf_value head = inf_text_part(self, 0, sign), rest, padded;
    rest = inf_text_part(self, sign, inf_chars_len(self));
    return inf_text_pad(r, &rest, width - (int64_t)sign, '>', "0", &padded) &&
           inf_text_join(r, &head, &padded, out);
}

INF_BUILTIN(removeprefix)
{
    struct inf_value there;
    if (!stands_at(r, self, given, false, &there) || !inf_need_text(r, given[0], "the prefix"))
        return false;
    *out = inf_text_part(self, there.as.flag ? inf_chars_len(given[0]) : 0, inf_chars_len(self));
    return true;
}

INF_BUILTIN(removesuffix)
{
    struct inf_value there;
    if (!stands_at(r, self, given, true, &there) || !inf_need_text(r, given[0], "the suffix"))
        return false;
    size_t len = inf_chars_len(self);
    *out = inf_text_part(self, 0, there.as.flag ? len - inf_chars_len(given[0]) : len);
    return true;
}

INF_BUILTIN(upper)
{
    return inf_text_case(r, self, INF_CASE_UPPER, out);
}

INF_BUILTIN(lower)
{
    return inf_text_case(r, self, INF_CASE_LOWER, out);
}

INF_BUILTIN(swapcase)
{
    return inf_text_case(r, self, INF_CASE_SWAP, out);
}

INF_BUILTIN(capitalize)
{
    return inf_text_case(r, self, INF_CASE_FIRST, out);
}

INF_BUILTIN(title)
{
    return inf_text_case(r, self, INF_CASE_TITLE, out);
}

INF_BUILTIN(format)
{
    return inf_text_format(r, self, all, out);
}

/* ---- What a text is made of ---------------------------------------------------------------- */

/* Whether it has characters, and each has one of these bits. */
static bool all_are(const struct inf_value *text, unsigned bits, struct inf_value *out)
{
    size_t len = inf_chars_len(text), at = 0;
    for (size_t size; at < len; at += size) {
        uint32_t code;
        size = inf_utf8_decode(inf_chars(text) + at, len - at, &code);
        if (!size || !(inf_char_bits(code) & bits))
            break;
    }
    *out = inf_bool(len && at == len);
    return true;
}

INF_BUILTIN(is_alpha)
{
    return all_are(self, INF_CHAR_ALPHA, out);
}

INF_BUILTIN(is_digit)
{
    return all_are(self, INF_CHAR_DIGIT, out);
}

INF_BUILTIN(is_decimal)
{
    return all_are(self, INF_CHAR_DECIMAL, out);
}

INF_BUILTIN(is_numeric)
{
    return all_are(self, INF_CHAR_NUMERIC, out);
}

INF_BUILTIN(is_alnum)
{
    return all_are(self, INF_CHAR_ALPHA | INF_CHAR_DIGIT | INF_CHAR_NUMERIC, out);
}

INF_BUILTIN(is_space)
{
    return all_are(self, INF_CHAR_SPACE, out);
}

INF_BUILTIN(is_upper)
{
    *out = inf_bool(inf_text_has_case(self, true));
    return true;
}

INF_BUILTIN(is_lower)
{
    *out = inf_bool(inf_text_has_case(self, false));
    return true;
}

const struct inf_builtin inf_text_method_rows[] = {
    {"strip", strip, "chars ", 0},
    {"lstrip", lstrip, "chars ", 0},
    {"rstrip", rstrip, "chars ", 0},
    {"split", split, "sep maxsplit ", 0},
    {"rsplit", rsplit, "sep maxsplit ", 0},
    {"partition", partition, "sep ", 1},
    {"rpartition", rpartition, "sep ", 1},
    {"splitlines", splitlines, "keepends ", 0},
    {"startswith", startswith, "prefix start end ", 1},
    {"endswith", endswith, "suffix start end ", 1},
    {"find", find, "sub start end ", 1},
    {"rfind", rfind, "sub start end ", 1},
    {"index", find_index, "sub start end ", 1},
    {"rindex", rindex_of, "sub start end ", 1},
    {"count", count, "sub start end ", 1},
    {"replace", replace, "old new count ", 2},
    {"join", join, "iterable ", 1},
    {"ljust", ljust, "width fillchar ", 1},
    {"rjust", rjust, "width fillchar ", 1},
    {"center", center, "width fillchar ", 1},
    {"zfill", zfill, "width ", 1},
    {"removeprefix", removeprefix, "prefix ", 1},
    {"removesuffix", removesuffix, "suffix ", 1},
    {"upper", upper, "", 0},
    {"lower", lower, "", 0},
    {"swapcase", swapcase, "", 0},
    {"capitalize", capitalize, "", 0},
    {"title", title, "", 0},
    {"format", format, "*", 0},
    {"isalpha", is_alpha, "", 0},
    {"isdigit", is_digit, "", 0},
    {"isdecimal", is_decimal, "", 0},
    {"isnumeric", is_numeric, "", 0},
    {"isalnum", is_alnum, "", 0},
    {"isspace", is_space, "", 0},
    {"isupper", is_upper, "", 0},
    {"islower", is_lower, "", 0},
    {NULL, NULL, NULL, 0},
};
