/* An object that holds a call: {"name": ..., "arguments": {...}}, members in any order. */
#include "lib/tools/reader.h"

#include <string.h>

static bool is_one_of(const char *text, size_t len, const char *const *names)
{
    struct inf_bytes bytes = {text, len};
    for (; *names; names++)
        if (inf_bytes_equal(bytes, *names))
            return true;
    return false;
}

static const char *const name_keys[] = {"name", "tool_name", NULL};
static const char *const id_keys[] = {"id", "tool_call_id", "call_id", NULL};
static const char *const argument_keys[] = {"arguments", "parameters", NULL};
static const char *const other_keys[] = {"type", NULL};

static const char *key_of(const struct inf_object *o)
{
    return o->text.ptr + o->key;
}

/* A text value of the object. */
static infer_status text_value(struct inf_reader *r, size_t end,
                               infer_status (*use)(struct inf_reader *, const char *, size_t),
                               bool *is_text)
{
    struct inf_object *o = &r->object;
    struct inf_arena arena;
    struct inf_json value;
    inf_arena_init(&arena, &r->a);
    infer_status status =
        inf_json_read(&arena, o->text.ptr + o->value, end - o->value, &value, NULL);
    *is_text = !status && value.kind == INF_JSON_STRING;
    if (status != INFER_E_MEMORY)
        status = INFER_OK;
    if (*is_text)
        status = use(r, value.as.text.ptr, value.as.text.len);
    inf_arena_free(&arena);
    return status ? inf_reader_memory(r) : INFER_OK;
}

static infer_status use_id(struct inf_reader *r, const char *id, size_t len)
{
    inf_call_id(r, id, len);
    return INFER_OK;
}

/* A member is complete; its value ends at `end`. */
static infer_status member(struct inf_reader *r, size_t end)
{
    struct inf_object *o = &r->object;
    infer_status status = INFER_OK;
    bool is_text = true;
    if (is_one_of(key_of(o), o->key_len, name_keys)) {
        status = text_value(r, end, inf_call_name, &is_text);
        if (!status && !is_text)
            status = inf_call_break(r, "the tool's name is no string");
        if (!status)
            status = inf_call_open(r);
    } else if (is_one_of(key_of(o), o->key_len, id_keys)) {
        status = text_value(r, end, use_id, &is_text);
    }
    o->has_key = o->has_value = o->in_arguments = false;
    return status;
}

/* The value of a key begins. */
static infer_status value_begins(struct inf_reader *r)
{
    struct inf_object *o = &r->object;
    o->has_value = true;
    o->value = o->text.len;
    o->in_arguments = is_one_of(key_of(o), o->key_len, argument_keys);
    if (o->in_arguments && r->arguments.len)
        return inf_call_break(r, "arguments that stand twice");
    if (r->bare && !r->begun && !o->in_arguments && !is_one_of(key_of(o), o->key_len, name_keys) &&
        !is_one_of(key_of(o), o->key_len, id_keys) && !is_one_of(key_of(o), o->key_len, other_keys))
        return inf_call_break(r, "another object");
    return INFER_OK;
}

/* Within a string. */
static void string_byte(struct inf_object *o, char c)
{
    if (o->escaped) {
        o->escaped = false;
    } else if (c == '\\') {
        o->escaped = true;
    } else if (c == '"') {
        o->in_string = false;
        if (o->depth == 1 && !o->has_value) {
            o->has_key = true;
            o->key = o->string + 1;
            o->key_len = o->text.len - 1 - o->key;
        }
    }
}

static infer_status close(struct inf_reader *r, bool *more)
{
    struct inf_object *o = &r->object;
    infer_status status = INFER_OK;
    if (o->depth == 1 && o->has_value)
        status = member(r, o->text.len - 1);
    *more = --o->depth > 0;
    return status;
}

infer_status inf_object_byte(struct inf_reader *r, char c, bool *more)
{
    struct inf_object *o = &r->object;
    bool was_string = o->in_string;
    *more = true;
    if (!o->depth && c != '{')
        return INFER_OK; /* a blank: no other byte comes here */
    inf_text_append(&o->text, &c, 1);
    if (o->in_arguments &&
        (was_string || o->depth > 1 || (c != ',' && c != '}' && !inf_is_blank(c))))
        inf_text_append(&r->arguments, &c, 1);
    if (was_string) {
        string_byte(o, c);
        return INFER_OK;
    }
    switch (c) {
    case '"':
        o->in_string = true;
        o->string = o->text.len - 1;
        return INFER_OK;
    case '{':
    case '[':
        return ++o->depth > INF_MAX_JSON_DEPTH ? inf_call_break(r, "nested too deep") : INFER_OK;
    case '}':
    case ']':
        return close(r, more);
    case ',':
        return o->depth == 1 && o->has_value ? member(r, o->text.len - 1) : INFER_OK;
    case ':':
        if (o->depth == 1)
            return !o->has_key || o->has_value ? inf_call_break(r, "':' has no name before it")
                                               : value_begins(r);
        return INFER_OK;
    default:
        if (strchr(" \n\t\r+-.0123456789eEtrufalsn", c) && c)
            return INFER_OK;
        return inf_call_break(r, "no JSON: '%c'", c >= 0x20 && c < 0x7f ? c : '?');
    }
}
