/* Arguments whose format has a tag for each: their types are those of the schema. */
#include "lib/tools/reader.h"

#include <string.h>

#define PARAMETERS_MAX 16384 /* bytes of the names of one call */

enum types {
    T_NULL = 1,
    T_BOOLEAN = 2,
    T_NUMBER = 4, /* with a point or an exponent */
    T_STRING = INF_SCHEMA_STRING,
    T_ARRAY = 16,
    T_OBJECT = 32,
    T_INTEGER = 64
};

static unsigned type_of(enum inf_json_kind kind)
{
    static const unsigned char types[] = {
        [INF_JSON_NULL] = T_NULL,       [INF_JSON_FALSE] = T_BOOLEAN, [INF_JSON_TRUE] = T_BOOLEAN,
        [INF_JSON_INTEGER] = T_INTEGER, [INF_JSON_BIG] = T_INTEGER,   [INF_JSON_REAL] = T_NUMBER,
        [INF_JSON_STRING] = T_STRING,   [INF_JSON_ARRAY] = T_ARRAY,   [INF_JSON_OBJECT] = T_OBJECT,
    };
    return types[kind];
}

static unsigned type_named(const struct inf_json *name)
{
    static const struct {
        const char *name;
        unsigned type;
    } types[] = {{"null", T_NULL},       {"boolean", T_BOOLEAN}, {"number", T_NUMBER | T_INTEGER},
                 {"integer", T_INTEGER}, {"string", T_STRING},   {"array", T_ARRAY},
                 {"object", T_OBJECT}};
    for (size_t i = 0; name->kind == INF_JSON_STRING && i < sizeof types / sizeof *types; i++)
        if (inf_bytes_equal(name->as.text, types[i].name))
            return types[i].type;
    return 0;
}

/* The types that a schema names by type, enum or const; 0: it names none. */
unsigned inf_schema_types(const struct inf_json *schema)
{
    const struct inf_json *type = schema ? inf_json_get(schema, "type") : NULL;
    const struct inf_json *list = schema ? inf_json_get(schema, "enum") : NULL;
    const struct inf_json *one = schema ? inf_json_get(schema, "const") : NULL;
    unsigned types = type ? type_named(type) : 0;
    if (type && type->kind == INF_JSON_ARRAY)
        for (size_t i = 0; i < type->count; i++)
            types |= type_named(&type->as.items[i]);
    if (!type && list && list->kind == INF_JSON_ARRAY)
        for (size_t i = 0; i < list->count; i++)
            types |= type_of(list->as.items[i].kind);
    return !type && one ? type_of(one->kind) : types;
}

/* Whether a parameter of that name was there before; else it is kept. */
static bool stood_before(struct inf_reader *r, const char *name, size_t len)
{
    const char *at = r->parameters.ptr, *end = at + r->parameters.len;
    while (at < end) {
        size_t n = strlen(at);
        if (n == len && !memcmp(at, name, len))
            return true;
        at += n + 1;
    }
    inf_text_append(&r->parameters, name, len);
    inf_text_append(&r->parameters, "", 1);
    return false;
}

infer_status inf_parameter_begin(struct inf_reader *r, const char *name, size_t len)
{
    int shown = (int)inf_min_size(len, 100);
    if (memchr(name, 0, len) || inf_utf8_check(name, len) < len)
        return inf_call_break(r, "a parameter's name is no text");
    if (r->parameters.len > PARAMETERS_MAX)
        return inf_call_break(r, "too many parameters");
    if (stood_before(r, name, len))
        return inf_call_break(r, "the parameter \"%.*s\" stands twice", shown, name);
    const struct inf_json *schema = r->tool->parameters;
    const struct inf_json *properties = schema ? inf_json_get(schema, "properties") : NULL;
    r->schema = NULL;
    for (size_t i = 0; properties && properties->kind == INF_JSON_OBJECT && i < properties->count;
         i++) {
        struct inf_bytes other = properties->as.members[i].name;
        if (other.len == len && !memcmp(other.ptr, name, len))
            r->schema = &properties->as.members[i].value;
    }
    inf_text_append(&r->arguments, r->arguments.len ? ", \"" : "{\"", r->arguments.len ? 3 : 2);
    inf_json_write_text(&r->arguments, name, len);
    inf_text_append(&r->arguments, "\": ", 3);
    r->has_type = r->line_break = false;
    r->value = INF_VALUE_NEW;
    r->word.len = 0;
    return INFER_OK;
}

static void begin(struct inf_reader *r)
{
    bool text = r->has_type ? r->is_string : inf_schema_types(r->schema) == T_STRING;
    r->value = text ? INF_VALUE_TEXT : INF_VALUE_OTHER;
    r->word.len = 0;
    if (text)
        inf_text_append(&r->arguments, "\"", 1);
}

infer_status inf_value_byte(struct inf_reader *r, char c, bool trim)
{
    bool first = r->value == INF_VALUE_NEW;
    if (first)
        begin(r);
    if (r->value == INF_VALUE_OTHER) {
        inf_text_append(&r->word, &c, 1);
        return INFER_OK;
    }
    if (first && trim && c == '\n')
        return INFER_OK;
    if (r->line_break)
        inf_json_write_text(&r->arguments, "\n", 1);
    r->line_break = trim && c == '\n';
    if (!r->line_break)
        inf_json_write_text(&r->arguments, &c, 1);
    return INFER_OK;
}

/* Whether the text is JSON of a type that may stand there. */
static infer_status is_json(struct inf_reader *r, const char *text, size_t len, bool *is)
{
    struct inf_arena arena;
    struct inf_json value;
    unsigned types = r->has_type ? 0 : inf_schema_types(r->schema);
    inf_arena_init(&arena, &r->a);
    infer_status status = inf_json_read(&arena, text, len, &value, NULL);
    *is = !status;
    if (*is && types & T_STRING)
        *is = value.kind != INF_JSON_STRING && types & type_of(value.kind);
    inf_arena_free(&arena);
    return status == INFER_E_MEMORY ? inf_reader_memory(r) : INFER_OK;
}

/* A value that is no text by its schema: JSON, or what Python would print, or else a text. */
static infer_status other_value(struct inf_reader *r)
{
    struct inf_bytes word = {r->word.ptr, r->word.len};
    struct inf_text made = {.a = &r->a};
    struct inf_literal_reader literal;
    bool is = false;
    while (word.len && inf_is_blank(word.ptr[word.len - 1]))
        word.len--;
    while (word.len && inf_is_blank(*word.ptr)) {
        word.ptr++;
        word.len--;
    }
    infer_status status = is_json(r, word.ptr, word.len, &is);
    if (!status && is) {
        inf_text_append(&r->arguments, word.ptr, word.len);
        return INFER_OK;
    }
    enum inf_scan scan = INF_SCAN_MORE;
    inf_literal_begin(&literal, 0, &made);
    for (size_t i = 0; i < word.len && scan != INF_SCAN_BAD; i++)
        scan = inf_literal_byte(&literal, word.ptr[i], &made);
    scan = scan == INF_SCAN_BAD ? scan : inf_literal_end(&literal, &made);
    if (!status && made.failed)
        status = inf_reader_memory(r);
    if (!status && scan == INF_SCAN_END)
        status = is_json(r, made.ptr, made.len, &is);
    if (is) {
        inf_text_append(&r->arguments, made.ptr, made.len);
    } else {
        inf_text_append(&r->arguments, "\"", 1);
        inf_json_write_text(&r->arguments, word.ptr, word.len);
        inf_text_append(&r->arguments, "\"", 1);
    }
    inf_text_free(&made);
    return status;
}

infer_status inf_value_end(struct inf_reader *r, bool trim)
{
    (void)trim;
    if (r->value == INF_VALUE_NEW)
        begin(r);
    infer_status status = INFER_OK;
    if (r->value == INF_VALUE_TEXT)
        inf_text_append(&r->arguments, "\"", 1);
    else
        status = other_value(r);
    r->word.len = 0;
    return status;
}
