/* One call of one tool: its name, and arguments that its schema takes. */
#include "lib/tools/hold.h"

#include <stdio.h>
#include <string.h>

/* ---- Schemas --------------------------------------------------------------------------------- */

/* A rule of a schema of the tool; errors name the tool's place. */
static infer_status schema_rule(struct inf_hold *h, const struct inf_tool *tool,
                                const struct inf_json *node, bool object, bool printed,
                                const struct inf_expr **expr)
{
    static const char prefix[] = "schema: #";
    uint32_t rule = 0;
    infer_error err;
    infer_status status =
        inf_schema_rule(&h->d, tool->parameters, node, object, printed, &h->budget, &rule, &err);
    *expr = NULL;
    if (status == INFER_E_MEMORY)
        return inf_hold_no_memory(h);
    if (status) {
        bool place = !strncmp(err.text, prefix, sizeof prefix - 1);
        return inf_hold_fail(h, tool, status, place ? err.text + sizeof prefix - 1 : err.text);
    }
    *expr = inf_expr_call(&h->d, rule);
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

infer_status inf_hold_arguments(struct inf_hold *h, const struct inf_tool *tool, bool printed,
                                const struct inf_expr **expr)
{
    if (tool->parameters)
        return schema_rule(h, tool, tool->parameters, true, printed, expr);
    *expr = inf_expr_text(&h->d, "{}");
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

static infer_status unsupported(struct inf_hold *h, const struct inf_tool *tool,
                                struct inf_bytes parameter, struct inf_bytes keyword,
                                const char *what)
{
    char text[300];
    if (parameter.ptr)
        snprintf(text, sizeof text, "/properties/%.*s/%.*s: %s",
                 (int)inf_min_size(parameter.len, 80), parameter.ptr,
                 (int)inf_min_size(keyword.len, 40), keyword.ptr, what);
    else
        snprintf(text, sizeof text, "/%.*s: %s", (int)inf_min_size(keyword.len, 40), keyword.ptr,
                 what);
    return inf_hold_fail(h, tool, INFER_E_UNSUPPORTED, text);
}

static bool is_one_of(struct inf_bytes name, const char *const *names)
{
    for (; *names; names++)
        if (inf_bytes_equal(name, *names))
            return true;
    return name.len > 2 && !memcmp(name.ptr, "x-", 2);
}

/* Keywords that say nothing of what is allowed. */
#define SILENT                                                                                     \
    "title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly"

/* A format whose arguments have tags of their own holds plain objects alone. */
static infer_status check_object(struct inf_hold *h, const struct inf_tool *tool)
{
    static const char *const known[] = {
        "type",        "properties", "required", "additionalProperties", "$schema", "$defs",
        "definitions", SILENT,       NULL};
    const struct inf_json *schema = tool->parameters;
    const struct inf_json *properties = inf_json_get(schema, "properties");
    const struct inf_json *required = inf_json_get(schema, "required");
    struct inf_bytes none = {NULL, 0};
    for (size_t i = 0; i < schema->count; i++)
        if (!is_one_of(schema->as.members[i].name, known))
            return unsupported(h, tool, none, schema->as.members[i].name,
                               "cannot be held in this model's form of calls");
    const struct inf_json *type = inf_json_get(schema, "type");
    if (type && (type->kind != INF_JSON_STRING || !inf_bytes_equal(type->as.text, "object")))
        return unsupported(h, tool, none, (struct inf_bytes){"type", 4}, "\"object\" is needed");
    if (properties && properties->kind != INF_JSON_OBJECT)
        return unsupported(h, tool, none, (struct inf_bytes){"properties", 10},
                           "must be an object");
    if (required && required->kind != INF_JSON_ARRAY)
        return unsupported(h, tool, none, (struct inf_bytes){"required", 8}, "must be an array");
    for (size_t i = 0; required && i < required->count; i++) {
        const struct inf_json *name = &required->as.items[i];
        bool found = false;
        for (size_t p = 0; name->kind == INF_JSON_STRING && properties && p < properties->count;
             p++)
            found |=
                properties->as.members[p].name.len == name->as.text.len &&
                !memcmp(properties->as.members[p].name.ptr, name->as.text.ptr, name->as.text.len);
        if (!found)
            return unsupported(h, tool, none, (struct inf_bytes){"required", 8},
                               "names what is no property");
    }
    return INFER_OK;
}

static bool is_required(const struct inf_tool *tool, struct inf_bytes name)
{
    const struct inf_json *required = inf_json_get(tool->parameters, "required");
    for (size_t i = 0; required && i < required->count; i++)
        if (required->as.items[i].kind == INF_JSON_STRING &&
            required->as.items[i].as.text.len == name.len &&
            !memcmp(required->as.items[i].as.text.ptr, name.ptr, name.len))
            return true;
    return false;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The texts of a string's const or enum; NULL: it has none. */
static infer_status fixed_texts(struct inf_hold *h, const struct inf_tool *tool,
                                const struct inf_json_member *p, const struct inf_expr **expr)
{
    const struct inf_json *list = inf_json_get(&p->value, "enum");
    const struct inf_json *one = inf_json_get(&p->value, "const");
    struct inf_expr_items items = {0};
    *expr = NULL;
    if (!list && !one)
        return INFER_OK;
    if (list && one)
        return unsupported(h, tool, p->name, (struct inf_bytes){"const", 5},
                           "beside enum it cannot be held in this model's form of calls");
    bool sound = !list || list->kind == INF_JSON_ARRAY;
    for (size_t i = 0; sound && i < (list ? list->count : 1); i++) {
        const struct inf_json *value = list ? &list->as.items[i] : one;
        sound =
            value->kind == INF_JSON_STRING && !memchr(value->as.text.ptr, '<', value->as.text.len);
        if (sound)
            inf_items_add(&h->d, &items,
                          inf_expr_bytes(&h->d, value->as.text.ptr, value->as.text.len));
    }
    *expr = inf_items_take(&h->d, &items, INF_EXPR_ALT);
    if (!sound)
        return unsupported(h, tool, p->name,
                           (struct inf_bytes){list ? "enum" : "const", list ? 4 : 5},
                           "strings without '<' are needed in this model's form of calls");
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

/* A text as it is, up to the closing marker and with it. */
static const struct inf_expr *open_text(struct inf_hold *h, const struct inf_literal *closing)
{
    if (h->text_rule != UINT32_MAX)
        return inf_expr_call(&h->d, h->text_rule);
    struct inf_graph *g = inf_graph_new(&h->d);
    if (!g)
        return NULL;
    uint32_t from = inf_graph_state(g);
    inf_graph_jump(g, 0, from);
    struct inf_hold_text text = {.g = g,
                                 .from = from,
                                 .text_end = UINT32_MAX,
                                 .literals = {closing},
                                 .ends = {1},
                                 .count = 1};
    if (inf_hold_text(h, &text))
        return NULL;
    h->text_rule = inf_draft_rule(&h->d, (struct inf_bytes){"text", 4});
    if (h->d.failed)
        return NULL;
    h->d.rules[h->text_rule].body = inf_expr_graph(g);
    return inf_expr_call(&h->d, h->text_rule);
}

/* The value of a parameter with its closing marker: a text as it is, or JSON. */
static infer_status tagged_value(struct inf_hold *h, const struct inf_tool *tool,
                                 const struct inf_json_member *p, bool as_text, bool trim,
                                 const struct inf_literal *closing, const struct inf_expr **expr)
{
    const struct inf_expr *value = NULL, *line = trim ? inf_expr_text(&h->d, "\n") : NULL;
    static const char *const of_texts[] = {"type", "enum", "const", SILENT, NULL};
    infer_status status = INFER_OK;
    for (size_t i = 0; as_text && i < p->value.count; i++)
        if (!is_one_of(p->value.as.members[i].name, of_texts))
            return unsupported(h, tool, p->name, p->value.as.members[i].name,
                               "of a text it cannot be held in this model's form of calls");
    status = as_text ? fixed_texts(h, tool, p, &value)
                     : schema_rule(h, tool, &p->value, false, true, &value);
    if (status)
        return status;
    const struct inf_expr *end = inf_hold_literal(h, closing);
    if (!value)
        *expr = trim ? INF_SEQ(&h->d, line, open_text(h, closing)) : open_text(h, closing);
    else
        *expr = trim ? INF_SEQ(&h->d, line, value, line, end) : INF_SEQ(&h->d, value, end);
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

/* Whether a parameter's value is written as it is. told: the format says so of each. */
static bool is_text(const struct inf_json *schema, bool told)
{
    unsigned types = schema->kind == INF_JSON_OBJECT ? inf_schema_types(schema) : 0;
    return told ? types == INF_SCHEMA_STRING : (types & INF_SCHEMA_STRING) != 0;
}

/* The ops from ... to for one parameter: its tags and its value. */
static infer_status parameter(struct inf_hold *h, const struct inf_tool *tool,
                              const struct inf_json_member *p, uint32_t from, uint32_t to,
                              const struct inf_expr **expr)
{
    const struct inf_call_op *ops = h->o->program->ops;
    struct inf_expr_items items = {0};
    infer_status status = INFER_OK;
    bool told = false;
    for (uint32_t i = from; i < to; i++)
        told |= ops[i].kind == INF_CALL_IS_STRING;
    bool text = is_text(&p->value, told);
    for (uint32_t i = from; i < to && !status; i++) {
        const struct inf_expr *one = NULL;
        switch (ops[i].kind) {
        case INF_CALL_LITERAL:
            one = inf_hold_literal(h, ops[i].literal);
            break;
        case INF_CALL_BLANKS:
            one = inf_hold_blanks(h, 1);
            break;
        case INF_CALL_PARAMETER:
            one = inf_expr_bytes(&h->d, p->name.ptr, p->name.len);
            break;
        case INF_CALL_IS_STRING:
            one = inf_expr_text(&h->d, text ? "true" : "false");
            break;
        default: /* the value, and the marker behind it */
            status = tagged_value(h, tool, p, text, ops[i].trim, ops[i + 1].literal, &one);
            i++;
        }
        if (!status)
            inf_items_add(&h->d, &items, one);
    }
    *expr = inf_items_take(&h->d, &items, INF_EXPR_SEQ);
    return status ? status : *expr ? INFER_OK : inf_hold_no_memory(h);
}

/* name=value, as Python writes it, the value as JSON. */
static infer_status keyword_argument(struct inf_hold *h, const struct inf_tool *tool,
                                     const struct inf_json_member *p, const struct inf_expr **expr)
{
    const struct inf_expr *value;
    infer_status status = schema_rule(h, tool, &p->value, false, true, &value);
    if (status)
        return status;
    *expr = INF_SEQ(&h->d, inf_expr_bytes(&h->d, p->name.ptr, p->name.len),
                    inf_expr_text(&h->d, "="), value);
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

/* The parameters in the order of the schema. first == to: as Python writes them, and a bracket. */
static infer_status parameters(struct inf_hold *h, const struct inf_tool *tool, uint32_t first,
                               uint32_t to, const struct inf_expr **expr)
{
    const struct inf_json *list =
        tool->parameters ? inf_json_get(tool->parameters, "properties") : NULL;
    struct inf_graph *g = inf_graph_new(&h->d);
    const struct inf_expr *one = NULL, *comma = inf_expr_text(&h->d, ", ");
    infer_status status = tool->parameters ? check_object(h, tool) : INFER_OK;
    bool python = first == to;
    if (status || !g || !comma)
        return status ? status : inf_hold_no_memory(h);
    uint32_t none = 0, some = inf_graph_state(g); /* so far no parameter stands there; one does */
    for (size_t i = 0; list && i < list->count && !status; i++) {
        const struct inf_json_member *p = &list->as.members[i];
        uint32_t next_none = inf_graph_state(g), next_some = inf_graph_state(g);
        status =
            python ? keyword_argument(h, tool, p, &one) : parameter(h, tool, p, first, to, &one);
        if (status)
            return status;
        inf_hold_edge(h, g, none, next_some, one);
        inf_hold_edge(h, g, some, next_some, python ? INF_SEQ(&h->d, comma, one) : one);
        if (!is_required(tool, p->name)) {
            inf_graph_jump(g, none, next_none);
            inf_graph_jump(g, some, next_some);
        }
        none = next_none;
        some = next_some;
    }
    const struct inf_expr *end = python ? inf_expr_text(&h->d, ")") : inf_expr_empty(&h->d);
    inf_hold_edge(h, g, none, 1, end);
    inf_hold_edge(h, g, some, 1, end);
    *expr = inf_hold_rule(h, tool->name, inf_expr_graph(g));
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

/* ---- The call -------------------------------------------------------------------------------- */

/* {"name": NAME, "arguments": ARGUMENTS}, by the keys of the family. */
static infer_status object(struct inf_hold *h, const struct inf_tool *tool,
                           const struct inf_expr **expr)
{
    const struct inf_call_family *f = h->o->family;
    const char *keys = f->object ? f->object : "\"name\": \"%\", \"arguments\": ";
    const char *name = strchr(keys, '%');
    const struct inf_expr *arguments, *id = inf_expr_empty(&h->d);
    static const struct inf_range digits[] = {{'0', '9'}};
    infer_status status = inf_hold_arguments(h, tool, true, &arguments);
    if (status)
        return status;
    if (f->object_id) { /* numbered */
        const struct inf_expr *digit = inf_expr_class(&h->d, digits, 1, false);
        id = INF_SEQ(&h->d, inf_expr_text(&h->d, f->object_id), inf_expr_repeat(&h->d, digit, 1, 4),
                     inf_expr_text(&h->d, "\", "));
    }
    *expr = INF_SEQ(&h->d, inf_expr_text(&h->d, "{"), id,
                    inf_expr_bytes(&h->d, keys, (size_t)(name - keys)),
                    inf_expr_bytes(&h->d, tool->name, tool->key.len),
                    inf_expr_text(&h->d, name + 1), arguments, inf_expr_text(&h->d, "}"));
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

static infer_status op_expr(struct inf_hold *h, const struct inf_tool *tool, uint32_t at,
                            const struct inf_expr **expr)
{
    static const struct inf_range letters[] = {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}};
    const struct inf_call_op *op = &h->o->program->ops[at];
    struct inf_draft *d = &h->d;
    switch (op->kind) {
    case INF_CALL_LITERAL: /* Gemma's bracket is that of the object */
        *expr = op[1].kind == INF_CALL_GEMMA ? inf_expr_empty(d) : inf_hold_literal(h, op->literal);
        break;
    case INF_CALL_BLANKS:
        *expr = op->line ? inf_expr_text(d, "\n") : inf_hold_blanks(h, 1);
        break;
    case INF_CALL_NAME:
        *expr = inf_expr_bytes(d, tool->name, tool->key.len);
        break;
    case INF_CALL_NAME_ID:
        *expr = INF_SEQ(d, inf_expr_text(d, "functions."),
                        inf_expr_bytes(d, tool->name, tool->key.len), inf_expr_text(d, ":"),
                        inf_expr_repeat(d, inf_expr_class(d, letters, 1, false), 1, 4));
        break;
    case INF_CALL_ID:
        *expr = inf_expr_repeat(d, inf_expr_class(d, letters, 3, false), 9, 9);
        break;
    case INF_CALL_OBJECT:
        return object(h, tool, expr);
    case INF_CALL_PYTHON:
        return parameters(h, tool, at, at, expr);
    default:
        return inf_hold_arguments(h, tool, true, expr);
    }
    return *expr ? INFER_OK : inf_hold_no_memory(h);
}

infer_status inf_hold_call(struct inf_hold *h, const struct inf_tool *tool, uint32_t from,
                           uint32_t to, const struct inf_expr **expr)
{
    const struct inf_call_op *ops = h->o->program->ops;
    struct inf_expr_items items = {0};
    infer_status status = INFER_OK;
    for (uint32_t i = from; i < to && !status; i++) {
        const struct inf_expr *one = NULL;
        if (ops[i].kind == INF_CALL_ALT) {
            bool tags = false;
            for (uint32_t k = i + 1; k < ops[i].to; k++)
                tags |= ops[k].kind == INF_CALL_PARAMETER;
            if (tags) /* without the jump at its end */
                status = parameters(h, tool, i + 1, ops[i].to - 1, &one);
            else
                one = inf_expr_empty(&h->d); /* what may be left out is */
            i = ops[i].to - 1;
        } else {
            status = op_expr(h, tool, i, &one);
        }
        if (!status)
            inf_items_add(&h->d, &items, one);
    }
    *expr = inf_items_take(&h->d, &items, INF_EXPR_SEQ);
    return status ? status : *expr ? INFER_OK : inf_hold_no_memory(h);
}
