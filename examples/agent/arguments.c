/* A call's arguments: JSON that a model wrote. */
#include <string.h>

#include "hands.h"

/* The deepest nesting of a JSON text; strings are stepped over. */
static size_t depth_of(const char *text, size_t len)
{
    size_t depth = 0, deepest = 0;
    bool string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (string && c == '\\')
            i++;
        else if (c == '"')
            string = !string;
        else if (!string && (c == '[' || c == '{'))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!string && (c == ']' || c == '}') && depth)
            depth--;
    }
    return deepest;
}

json_t *arguments_read(const char *text, size_t len, struct text *error)
{
    if (len > ARGUMENTS_MAX) {
        text_format(error, "the arguments have %zu bytes; at most %zu are taken", len,
                    ARGUMENTS_MAX);
        return NULL;
    }
    if (depth_of(text, len) > ARGUMENTS_DEPTH) {
        text_format(error, "the arguments are nested deeper than %d", ARGUMENTS_DEPTH);
        return NULL;
    }
    bool blank = true;
    for (size_t i = 0; i < len && blank; i++)
        blank = strchr(" \t\r\n", text[i]) && text[i];
    json_error_t why;
    json_t *value = blank
                        ? json_object()
                        : text_read_json(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!value && blank)
        text_format(error, "out of memory");
    else if (!value) {
        text_format(error, "the arguments are not valid JSON: ");
        text_add_shown(error, why.text, strlen(why.text), false, false);
        text_format(error, " (byte %d)", why.position);
    } else if (!json_is_object(value)) {
        text_format(error, "the arguments must be a JSON object");
        json_decref(value);
        value = NULL;
    }
    return value;
}

/* Where in the arguments a check stands: a chain of names and indices, outermost last. */
struct place {
    const struct place *outer;
    const char *name; /* NULL: an index */
    size_t index;
};

static void add_place(struct text *t, const struct place *place)
{
    if (!place) {
        text_format(t, "arguments");
        return;
    }
    add_place(t, place->outer);
    if (place->name) {
        size_t len = strlen(place->name);
        text_format(t, ".");
        text_add_shown(t, place->name, len < 64 ? len : 64, false, false);
    } else {
        text_format(t, "[%zu]", place->index);
    }
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    default:
        return "null";
    }
}

static bool is_type(const json_t *type, const json_t *value)
{
    const char *name = json_string_value(type);
    return name &&
           (!strcmp(name, type_name(value)) || (!strcmp(name, "number") && json_is_integer(value)));
}

static bool check_type(const json_t *schema, const json_t *value, const struct place *place,
                       struct text *error)
{
    const json_t *type = json_object_get(schema, "type");
    if (!type)
        return true;
    bool fits = is_type(type, value);
    for (size_t i = 0; i < json_array_size(type) && !fits; i++)
        fits = is_type(json_array_get(type, i), value);
    if (fits)
        return true;
    add_place(error, place);
    text_format(error, " must be of type %s, not %s",
                json_is_string(type) ? json_string_value(type) : "that its schema lists",
                type_name(value));
    return false;
}

static bool check_enum(const json_t *schema, const json_t *value, const struct place *place,
                       struct text *error)
{
    const json_t *values = json_object_get(schema, "enum");
    if (!json_is_array(values))
        return true;
    for (size_t i = 0; i < json_array_size(values); i++)
        if (json_equal(json_array_get(values, i), value))
            return true;
    add_place(error, place);
    text_format(error, " is none of the values that are allowed");
    return false;
}

/* One bound: the schema's number of that name against what the value measures. */
static bool check_bound(const json_t *schema, const char *name, double measure, bool least,
                        const struct place *place, struct text *error)
{
    const json_t *bound = json_object_get(schema, name);
    if (!json_is_number(bound))
        return true;
    double limit = json_number_value(bound);
    if (least ? measure >= limit : measure <= limit)
        return true;
    add_place(error, place);
    text_format(error, ": %s is %.15g, this is %.15g", name, limit, measure);
    return false;
}

static bool check(const json_t *schema, const json_t *value, const struct place *place,
                  struct text *error);

static bool check_members(const json_t *schema, const json_t *value, const struct place *place,
                          struct text *error)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    bool open = others ? !json_is_false(others) : !properties;
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (!name || json_object_get(value, name))
            continue;
        add_place(error, place);
        text_format(error, ".%s is missing", name);
        return false;
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        struct place here = {.outer = place, .name = name};
        const json_t *known = json_object_get(properties, name);
        if (!known && !open) {
            add_place(error, &here);
            text_format(error, " is not an argument of this tool");
            return false;
        }
        if (!check(known ? known : others, member, &here, error))
            return false;
    }
    return true;
}

/* `schema` may be no object (true, or nothing): then all fits. The value's depth bounds the recursion. */
static bool check(const json_t *schema, const json_t *value, const struct place *place,
                  struct text *error)
{
    if (!json_is_object(schema) && place)
        return true;
    if (!check_type(schema, value, place, error) || !check_enum(schema, value, place, error))
        return false;
    if (json_is_object(value))
        return check_members(schema, value, place, error);
    if (json_is_array(value)) {
        double size = (double)json_array_size(value);
        if (!check_bound(schema, "minItems", size, true, place, error) ||
            !check_bound(schema, "maxItems", size, false, place, error))
            return false;
        for (size_t i = 0; i < json_array_size(value); i++) {
            struct place here = {.outer = place, .index = i};
            if (!check(json_object_get(schema, "items"), json_array_get(value, i), &here, error))
                return false;
        }
        return true;
    }
    if (json_is_string(value)) {
        double len = (double)json_string_length(value);
        return check_bound(schema, "minLength", len, true, place, error) &&
               check_bound(schema, "maxLength", len, false, place, error);
    }
    return !json_is_number(value) ||
           (check_bound(schema, "minimum", json_number_value(value), true, place, error) &&
            check_bound(schema, "maximum", json_number_value(value), false, place, error));
}

bool arguments_fit(const json_t *schema, const json_t *value, struct text *error)
{
    return check(schema, value, NULL, error);
}

const char *argument_text(const json_t *arguments, const char *name)
{
    return json_string_value(json_object_get(arguments, name));
}

json_int_t argument_int(const json_t *arguments, const char *name, json_int_t otherwise)
{
    const json_t *value = json_object_get(arguments, name);
    return value ? json_integer_value(value) : otherwise;
}
