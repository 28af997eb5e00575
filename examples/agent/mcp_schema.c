/* Descriptions are capped and escaped. Of a schema what can be held is kept, references put in their place, the
 * rest left out, which makes it wider: the server checks what it gets. */
#include <stdlib.h>
#include <string.h>

#include "mcp_schema.h"

enum { DEPTH_MAX = 16, NODES_MAX = 4000, VALUES_MAX = 200 };
enum { TOOL_TEXT_MAX = 2000, MEMBER_TEXT_MAX = 500, DEFINITION_MAX = 32768 };

struct reduction {
    const json_t *root; /* what "#/..." is below */
    size_t nodes;
    bool failed;
};

static json_t *reduce(struct reduction *r, const json_t *schema, size_t depth);

static void put(struct reduction *r, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value))
        r->failed = true;
}

/* Text of the server, of at most `most` bytes. */
static json_t *shown(const char *prefix, const char *text, size_t most)
{
    size_t len = strlen(text);
    bool cut = len > most;
    len = cut ? most : len;
    while (cut && len && (text[len] & 0xc0) == 0x80)
        len--;
    struct text out = {0};
    text_format(&out, "%s", prefix);
    text_add_shown(&out, text, len, true, false);
    text_format(&out, "%s", cut ? " ..." : "");
    json_t *value = out.failed ? NULL : json_string(out.data);
    text_free(&out);
    return value;
}

/* What a "#/a/b" points at; NULL: nothing, or it points elsewhere. */
static const json_t *target_of(const json_t *root, const char *pointer)
{
    if (pointer[0] != '#')
        return NULL;
    const json_t *at = root;
    const char *p = pointer + 1;
    while (*p == '/' && at) {
        char name[128];
        size_t len = 0;
        for (p++; *p && *p != '/' && len + 1 < sizeof name; p++) {
            bool escape = *p == '~' && (p[1] == '0' || p[1] == '1');
            name[len++] = escape ? "~/"[*++p - '0'] : *p;
        }
        name[len] = 0;
        at = json_object_get(at, name);
    }
    return *p ? NULL : at;
}

static bool is_scalar(const json_t *value)
{
    return value && !json_is_object(value) && !json_is_array(value);
}

/* The list where all of it is strings (`words`) or scalars, and it is not empty. */
static json_t *copy_list(const json_t *list, bool words)
{
    size_t count = json_array_size(list);
    bool fits = count && count <= VALUES_MAX;
    for (size_t i = 0; i < count && fits; i++) {
        const json_t *value = json_array_get(list, i);
        fits = words ? json_is_string(value) : is_scalar(value);
    }
    return fits ? json_copy((json_t *)list) : NULL;
}

/* Keywords whose value stays as it is. */
static void keep_values(struct reduction *r, const json_t *schema, json_t *out)
{
    static const char *const numbers[] = {"minimum",          "maximum",   "exclusiveMinimum",
                                          "exclusiveMaximum", "minLength", "maxLength",
                                          "minItems",         "maxItems"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_t *number = json_object_get(schema, numbers[i]);
        if (json_is_number(number))
            put(r, out, numbers[i], json_incref(number));
    }
    static const char *const lists[] = {"type", "required", "enum"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *list = copy_list(json_object_get(schema, lists[i]), i < 2);
        if (list)
            put(r, out, lists[i], list);
    }
    json_t *type = json_object_get(schema, "type"), *value;
    if (json_is_string(type))
        put(r, out, "type", json_incref(type));
    if (is_scalar(value = json_object_get(schema, "const")))
        put(r, out, "const", json_incref(value));
    if (is_scalar(value = json_object_get(schema, "default")))
        put(r, out, "default", json_incref(value));
    const char *text = json_string_value(json_object_get(schema, "description"));
    if (text)
        put(r, out, "description", shown("", text, MEMBER_TEXT_MAX));
}

/* Keywords whose value holds schemas. */
static void keep_schemas(struct reduction *r, const json_t *schema, json_t *out, size_t depth)
{
    json_t *members = json_object_get(schema, "properties");
    if (json_is_object(members)) {
        json_t *reduced = json_object();
        const char *name;
        json_t *member;
        json_object_foreach(members, name, member)
            put(r, reduced, name, reduce(r, member, depth + 1));
        put(r, out, "properties", reduced);
    }
    static const char *const single[] = {"items", "additionalProperties"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *inner = json_object_get(schema, single[i]);
        if (json_is_object(inner) || json_is_boolean(inner))
            put(r, out, single[i], reduce(r, inner, depth + 1));
    }
    const json_t *choices = json_object_get(schema, "anyOf");
    if (!choices)
        choices = json_object_get(schema, "oneOf"); /* wider */
    if (json_array_size(choices)) {
        json_t *reduced = json_array();
        for (size_t i = 0; i < json_array_size(choices); i++)
            if (json_array_append_new(reduced, reduce(r, json_array_get(choices, i), depth + 1)))
                r->failed = true;
        put(r, out, "anyOf", reduced);
    }
}

static json_t *reduce(struct reduction *r, const json_t *schema, size_t depth)
{
    if (++r->nodes > NODES_MAX)
        r->failed = true;
    if (r->failed)
        return NULL;
    if (json_is_boolean(schema))
        return json_boolean(json_is_true(schema));
    json_t *out = json_object();
    if (!json_is_object(schema) || depth > DEPTH_MAX)
        return out; /* anything fits */
    const char *pointer = json_string_value(json_object_get(schema, "$ref"));
    if (pointer) {
        const json_t *target = target_of(r->root, pointer);
        json_decref(out);
        return target ? reduce(r, target, depth + 1) : json_object();
    }
    keep_values(r, schema, out);
    keep_schemas(r, schema, out, depth);
    return out;
}

/* The schema of the arguments: an object; what it does not name is none of them, where that can be said. */
static json_t *parameters_of(const json_t *schema)
{
    struct reduction r = {.root = schema};
    json_t *out = reduce(&r, schema, 0);
    bool whole = !json_object_get(schema, "allOf") && !json_object_get(out, "anyOf");
    if (whole && !json_object_get(out, "additionalProperties"))
        put(&r, out, "additionalProperties", json_false());
    if (whole && !json_object_get(out, "properties"))
        put(&r, out, "properties", json_object());
    put(&r, out, "type", json_string("object"));
    if (!r.failed)
        return out;
    json_decref(out);
    return NULL;
}

char *mcp_definition(const char *server, const char *full, const json_t *entry, struct text *why)
{
    const json_t *schema = json_object_get(entry, "inputSchema");
    const char *type = json_string_value(json_object_get(schema, "type"));
    const char *text = json_string_value(json_object_get(entry, "description"));
    if (!type || strcmp(type, "object")) {
        text_format(why, "its inputSchema is not that of an object");
        return NULL;
    }
    char prefix[64];
    snprintf(prefix, sizeof prefix, "(server %.32s) ", server);
    json_t *parameters = parameters_of(schema);
    json_t *definition = parameters ? json_pack("{s:s,s:o,s:o}", "name", full, "description",
                                                shown(prefix, text ? text : "", TOOL_TEXT_MAX),
                                                "parameters", parameters)
                                    : NULL;
    struct text dump = {0};
    bool ok = text_add_json(&dump, definition, JSON_COMPACT) && dump.len <= DEFINITION_MAX;
    json_decref(definition);
    if (ok)
        return dump.data;
    text_format(why, "its definition is too large");
    text_free(&dump);
    return NULL;
}

/* ---- A command ---------------------------------------------------------------------------------- */

/* Copies one argument from *p to `out`, and moves both on. False: a quotation mark is open. */
static bool copy_argument(const char **p, char **out)
{
    char quote = 0;
    for (; **p && (quote || (**p != ' ' && **p != '\t')); (*p)++) {
        if (quote ? **p == quote : **p == '\'' || **p == '"')
            quote = quote ? 0 : **p;
        else {
            if (**p == '\\' && quote != '\'' && (*p)[1])
                (*p)++;
            *(*out)++ = **p;
        }
    }
    *(*out)++ = 0;
    return !quote;
}

char **mcp_split(const char *command)
{
    size_t len = strlen(command), most = len / 2 + 2;
    char **argv = malloc(most * sizeof *argv + len + most);
    if (!argv)
        return NULL;
    char *out = (char *)(argv + most);
    size_t count = 0;
    bool whole = true;
    for (const char *p = command + strspn(command, " \t"); *p && whole; p += strspn(p, " \t")) {
        argv[count++] = out;
        whole = copy_argument(&p, &out);
    }
    argv[count] = NULL;
    if (whole && count && *argv[0])
        return argv;
    free(argv);
    return NULL;
}
