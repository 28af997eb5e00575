/* JSON by recursive descent, at most INF_MAX_JSON_DEPTH deep. */
#include "lib/base/json.h"

#include "lib/base/limits.h"
#include "lib/base/decimal.h"
#include "lib/base/sort.h"

#include <string.h>

struct reader {
    struct inf_arena *arena;
    const char *text;
    size_t len, at;
    unsigned depth;
    struct inf_json_member *open; /* items of the arrays and objects that are still open */
    size_t open_count, open_capacity;
    infer_error *err;
};

static infer_status read_value(struct reader *r, struct inf_json *value);

static infer_status bad(struct reader *r, infer_status status, const char *what)
{
    size_t line, column;
    inf_text_place(r->text, r->at, &line, &column);
    return inf_fail(r->err, status, "JSON, line %zu, column %zu: %s", line, column, what);
}

static infer_status no_memory(struct reader *r, size_t bytes)
{
    return inf_fail_memory(r->err, "JSON", bytes);
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->len && (r->text[r->at] == ' ' || r->text[r->at] == '\t' ||
                              r->text[r->at] == '\n' || r->text[r->at] == '\r'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->len || r->text[r->at] != c)
        return false;
    r->at++;
    return true;
}

/* ---- Strings ------------------------------------------------------------------------------- */

/* Four hex digits behind "\u". */
static bool read_hex(struct reader *r, uint32_t *code)
{
    *code = 0;
    if (r->len - r->at < 4)
        return false;
    for (size_t end = r->at + 4; r->at < end; r->at++) {
        unsigned digit = inf_hex_digit(r->text[r->at]);
        if (digit == 16)
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

/* What follows "\u": one character, of two halves where they are surrogates. */
static infer_status read_escaped_code(struct reader *r, char *out, size_t *used)
{
    uint32_t code, low = 0;
    if (!read_hex(r, &code))
        return bad(r, INFER_E_FORMAT, "\\u needs four hex digits");
    if (code >= 0xd800 && code < 0xe000) {
        bool pair = code < 0xdc00 && r->len - r->at >= 6 && r->text[r->at] == '\\' &&
                    r->text[r->at + 1] == 'u';
        r->at += pair ? 2 : 0;
        if (!pair || !read_hex(r, &low) || low < 0xdc00 || low >= 0xe000)
            return bad(r, INFER_E_FORMAT, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
    }
    *used += inf_utf8_encode(code, out + *used);
    return INFER_OK;
}

static infer_status read_escape(struct reader *r, char *out, size_t *used)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->len ? r->text[r->at++] : 0;
    if (c == 'u')
        return read_escaped_code(r, out, used);
    const char *found = c ? strchr(names, c) : NULL;
    if (!found)
        return bad(r, INFER_E_FORMAT, "no such escape");
    out[(*used)++] = values[found - names];
    return INFER_OK;
}

static infer_status copy_string(struct reader *r, size_t start, size_t end, struct inf_bytes *text)
{
    char *out = inf_arena_take(r->arena, end - start, 1); /* an escape is never shorter */
    size_t used = 0;
    if (!out)
        return no_memory(r, end - start);
    for (r->at = start; r->at < end;) {
        if (r->text[r->at] != '\\') {
            out[used++] = r->text[r->at++];
            continue;
        }
        r->at++;
        infer_status status = read_escape(r, out, &used);
        if (status)
            return status;
    }
    r->at = end + 1;
    *text = (struct inf_bytes){out, used};
    return INFER_OK;
}

/* The opening quote is read. */
static infer_status read_string(struct reader *r, struct inf_bytes *text)
{
    size_t start = r->at;
    bool escapes = false;
    for (; r->at < r->len && r->text[r->at] != '"'; r->at++) {
        unsigned char c = (unsigned char)r->text[r->at];
        if (c < 0x20)
            return bad(r, INFER_E_FORMAT, "a control character in a string");
        if (c == '\\') {
            escapes = true;
            r->at++;
        }
    }
    if (r->at >= r->len) {
        r->at = start - 1;
        return bad(r, INFER_E_FORMAT, "the string does not end");
    }
    if (escapes)
        return copy_string(r, start, r->at, text);
    *text = (struct inf_bytes){r->text + start, r->at - start};
    r->at++;
    return INFER_OK;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

static bool is_digit(const struct reader *r, size_t at)
{
    return at < r->len && r->text[at] >= '0' && r->text[at] <= '9';
}

/* Passes over digits; false where there are none. */
static bool skip_digits(struct reader *r)
{
    size_t start = r->at;
    while (is_digit(r, r->at))
        r->at++;
    return r->at > start;
}

static void whole_number(const char *text, size_t len, struct inf_json *value)
{
    bool negative = *text == '-';
    value->kind = INF_JSON_INTEGER;
    value->as.integer = 0;
    for (size_t i = negative; i < len; i++) {
        int digit = text[i] - '0';
        if (__builtin_mul_overflow(value->as.integer, 10, &value->as.integer) ||
            __builtin_add_overflow(value->as.integer, negative ? -digit : digit,
                                   &value->as.integer)) {
            value->kind = INF_JSON_BIG;
            value->as.text = (struct inf_bytes){text, len};
            return;
        }
    }
}

static infer_status read_number(struct reader *r, struct inf_json *value)
{
    size_t start = r->at;
    bool whole = true;
    r->at += r->text[r->at] == '-';
    size_t first = r->at;
    if (!skip_digits(r))
        return bad(r, INFER_E_FORMAT, "a value is needed");
    if (r->text[first] == '0' && r->at > first + 1)
        return bad(r, INFER_E_FORMAT, "a number begins with 0");
    if (r->at < r->len && r->text[r->at] == '.') {
        whole = false;
        r->at++;
        if (!skip_digits(r))
            return bad(r, INFER_E_FORMAT, "no digit behind the point");
    }
    if (r->at < r->len && (r->text[r->at] == 'e' || r->text[r->at] == 'E')) {
        whole = false;
        r->at++;
        r->at += r->at < r->len && (r->text[r->at] == '-' || r->text[r->at] == '+');
        if (!skip_digits(r))
            return bad(r, INFER_E_FORMAT, "no digit in the exponent");
    }
    if (r->at - start > INF_NUMBER_MAX)
        return bad(r, INFER_E_LIMIT, "a number of more than 1024 digits");
    if (whole) {
        whole_number(r->text + start, r->at - start, value);
        return INFER_OK;
    }
    value->kind = INF_JSON_REAL;
    inf_double_read(r->text + start, r->at - start, &value->as.real);
    return INFER_OK;
}

/* ---- Arrays and objects -------------------------------------------------------------------- */

static infer_status push(struct reader *r, const struct inf_json_member *member)
{
    void *open = r->open;
    if (!inf_grow(&r->arena->a, &open, &r->open_capacity, r->open_count + 1, sizeof *r->open))
        return no_memory(r, r->open_count * sizeof *r->open);
    r->open = open;
    r->open[r->open_count++] = *member;
    return INFER_OK;
}

static infer_status close_array(struct reader *r, size_t first, struct inf_json *value)
{
    size_t count = r->open_count - first;
    struct inf_json *items = inf_arena_take(r->arena, count, sizeof *items);
    if (!items)
        return no_memory(r, count * sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = r->open[first + i].value;
    r->open_count = first;
    *value = (struct inf_json){.kind = INF_JSON_ARRAY, .count = count, .as.items = items};
    return INFER_OK;
}

/* Names that stand twice: the value of the last goes to the place of the first. */
static infer_status join_twice(struct reader *r, struct inf_json_member *members, size_t *count)
{
    size_t bytes = 2 * *count * sizeof(struct inf_sort_item), left = 0;
    struct inf_sort_item *items = inf_alloc(&r->arena->a, bytes);
    if (!items)
        return no_memory(r, bytes);
    for (size_t i = 0; i < *count; i++)
        items[i].item = &members[i];
    inf_names_sort(items, items + *count, *count);
    if (inf_names_twice(items, *count)) {
        for (size_t i = 0, next; i < *count; i = next) {
            struct inf_json_member *first = (struct inf_json_member *)(uintptr_t)items[i].item;
            for (next = i + 1; next < *count; next++) {
                struct inf_json_member *same =
                    (struct inf_json_member *)(uintptr_t)items[next].item;
                if (same->name.len != first->name.len ||
                    memcmp(same->name.ptr, first->name.ptr, same->name.len) != 0)
                    break;
                first->value = same->value;
                same->name.ptr = NULL;
            }
        }
        for (size_t i = 0; i < *count; i++)
            if (members[i].name.ptr)
                members[left++] = members[i];
        *count = left;
    }
    inf_release(&r->arena->a, items);
    return INFER_OK;
}

static infer_status close_object(struct reader *r, size_t first, struct inf_json *value)
{
    size_t count = r->open_count - first;
    struct inf_json_member *members = inf_arena_take(r->arena, count, sizeof *members);
    if (!members)
        return no_memory(r, count * sizeof *members);
    if (count)
        memcpy(members, r->open + first, count * sizeof *members);
    r->open_count = first;
    infer_status status = count > 1 ? join_twice(r, members, &count) : INFER_OK;
    *value = (struct inf_json){.kind = INF_JSON_OBJECT, .count = count, .as.members = members};
    return status;
}

static infer_status read_member(struct reader *r, bool object)
{
    struct inf_json_member member = {.name = {"", 0}};
    infer_status status;
    if (object) {
        if (!take(r, '"'))
            return bad(r, INFER_E_FORMAT, "a name in quotes is needed");
        if ((status = read_string(r, &member.name)))
            return status;
        if (!take(r, ':'))
            return bad(r, INFER_E_FORMAT, "':' is needed");
    }
    if ((status = read_value(r, &member.value)))
        return status;
    return push(r, &member);
}

/* The opening bracket is read. */
static infer_status read_container(struct reader *r, bool object, struct inf_json *value)
{
    size_t first = r->open_count;
    char end = object ? '}' : ']';
    if (++r->depth > INF_MAX_JSON_DEPTH)
        return bad(r, INFER_E_LIMIT, "nested too deep");
    for (bool more = !take(r, end); more;) {
        infer_status status = read_member(r, object);
        if (status)
            return status;
        more = take(r, ',');
        if (!more && !take(r, end))
            return bad(r, INFER_E_FORMAT, object ? "',' or '}' is needed" : "',' or ']' is needed");
    }
    r->depth--;
    return object ? close_object(r, first, value) : close_array(r, first, value);
}

static bool take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);
    if (r->len - r->at < len || memcmp(r->text + r->at, word, len) != 0)
        return false;
    r->at += len;
    return true;
}

static infer_status read_value(struct reader *r, struct inf_json *value)
{
    *value = (struct inf_json){.kind = INF_JSON_NULL};
    if (take(r, '{'))
        return read_container(r, true, value);
    if (take(r, '['))
        return read_container(r, false, value);
    if (take(r, '"')) {
        value->kind = INF_JSON_STRING;
        return read_string(r, &value->as.text);
    }
    if (take_word(r, "null"))
        return INFER_OK;
    if (take_word(r, "true") || take_word(r, "false")) {
        value->kind = r->text[r->at - 2] == 'u' ? INF_JSON_TRUE : INF_JSON_FALSE;
        return INFER_OK;
    }
    if (r->at < r->len)
        return read_number(r, value);
    return bad(r, INFER_E_FORMAT, "a value is needed");
}

infer_status inf_json_read(struct inf_arena *arena, const char *text, size_t len,
                           struct inf_json *root, infer_error *err)
{
    struct reader r = {.arena = arena, .text = text, .len = len, .err = err};
    *root = (struct inf_json){.kind = INF_JSON_NULL};
    r.at = inf_utf8_check(text, len);
    if (r.at < len)
        return bad(&r, INFER_E_FORMAT, "not UTF-8");
    r.at = 0;
    infer_status status = read_value(&r, root);
    skip_blanks(&r);
    if (!status && r.at < len)
        status = bad(&r, INFER_E_FORMAT, "something follows the value");
    inf_release(&arena->a, r.open);
    return status;
}

const struct inf_json *inf_json_get(const struct inf_json *object, const char *name)
{
    if (object->kind == INF_JSON_OBJECT)
        for (size_t i = 0; i < object->count; i++)
            if (inf_bytes_equal(object->as.members[i].name, name))
                return &object->as.members[i].value;
    return NULL;
}
