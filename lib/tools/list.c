/* The tools of a turn, from JSON. */
#include "lib/tools/literal.h"
#include "lib/tools/tools.h"

#include "lib/base/limits.h"

#include <stdio.h>
#include <string.h>

void inf_json_write_text(struct inf_text *out, const char *text, size_t len)
{
    static const char names[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt";
    for (size_t i = 0, from = 0; i <= len; i++) {
        unsigned char c = i < len ? (unsigned char)text[i] : 0;
        if (i < len && c >= 0x20 && c != '"' && c != '\\')
            continue;
        inf_text_append(out, text + from, i - from);
        from = i + 1;
        const char *found = c ? strchr(names, c) : NULL;
        if (i == len)
            break;
        if (found)
            inf_text_printf(out, "\\%c", escapes[found - names]);
        else
            inf_text_printf(out, "\\u%04x", c);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static infer_status bad(infer_error *err, size_t index, const char *where, const char *what)
{
    return inf_fail(err, INFER_E_FORMAT, "tools[%zu]%s: %s", index, where, what);
}

/* A name must be told apart from whatever a format puts around it. */
static bool is_name(struct inf_bytes name)
{
    if (!name.len || name.len > INF_MAX_TOOL_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c <= 0x20 || c == 0x7f || strchr("<>\"'\\`{}[]()=,;|&", c))
            return false;
    }
    return true;
}

static infer_status read_tool(struct inf_arena *arena, const struct inf_json *item, size_t index,
                              struct inf_tool *tool, infer_error *err)
{
    const struct inf_json *inner = inf_json_get(item, "function");
    const struct inf_json *type = inf_json_get(item, "type");
    const char *in = inner ? ".function" : "";
    char where[40];
    if (item->kind != INF_JSON_OBJECT)
        return bad(err, index, "", "must be an object");
    tool->wrapped = inner != NULL;
    if (inner && (inner->kind != INF_JSON_OBJECT))
        return bad(err, index, in, "must be an object");
    if (inner && type &&
        (type->kind != INF_JSON_STRING || !inf_bytes_equal(type->as.text, "function")))
        return bad(err, index, ".type", "only \"function\" is known");
    const struct inf_json *function = inner ? inner : item;
    const struct inf_json *name = inf_json_get(function, "name");
    const struct inf_json *description = inf_json_get(function, "description");
    const struct inf_json *parameters = inf_json_get(function, "parameters");
    snprintf(where, sizeof where, "%s.name", in);
    if (!name || name->kind != INF_JSON_STRING)
        return bad(err, index, where, "a string is needed");
    if (!is_name(name->as.text))
        return bad(err, index, where,
                   "1 to 128 bytes are needed, no blanks, brackets, quotes or \\ = , ; | &");
    snprintf(where, sizeof where, "%s.description", in);
    if (description && description->kind != INF_JSON_STRING && description->kind != INF_JSON_NULL)
        return bad(err, index, where, "must be a string");
    snprintf(where, sizeof where, "%s.parameters", in);
    if (parameters && parameters->kind != INF_JSON_OBJECT && parameters->kind != INF_JSON_NULL)
        return bad(err, index, where, "must be an object");
    char *text = inf_arena_take(arena, name->as.text.len + 1, 1);
    if (!text)
        return inf_fail_memory(err, "tools", name->as.text.len);
    memcpy(text, name->as.text.ptr, name->as.text.len);
    tool->key = (struct inf_bytes){text, name->as.text.len};
    tool->name = text;
    tool->parameters = parameters && parameters->kind == INF_JSON_OBJECT ? parameters : NULL;
    if (description && description->kind == INF_JSON_STRING)
        tool->description = description->as.text;
    return INFER_OK;
}

/* The texts of the items, which are sound JSON. */
static void find_texts(const char *text, size_t len, struct inf_tool_list *list)
{
    struct inf_json_scan scan = {0};
    size_t index = 0, first = 0;
    size_t at = (size_t)((const char *)memchr(text, '[', len) - text) + 1;
    for (; at < len && index < list->count; at++) {
        if (!scan.begun && text[at] == ',')
            continue;
        bool begun = scan.begun;
        enum inf_scan result = inf_json_scan_byte(&scan, text[at]);
        first = !begun && scan.begun ? at : first;
        if (result != INF_SCAN_END)
            continue;
        list->items[index++].text = (struct inf_bytes){text + first, at + 1 - first};
        scan = (struct inf_json_scan){0};
    }
}

static infer_status sort_names(struct inf_arena *arena, struct inf_tool_list *list,
                               infer_error *err)
{
    size_t count = list->count;
    list->by_name = inf_arena_take(arena, 2 * count, sizeof *list->by_name);
    if (!list->by_name)
        return inf_fail_memory(err, "tools", 2 * count * sizeof *list->by_name);
    for (size_t i = 0; i < count; i++)
        list->by_name[i].item = &list->items[i];
    inf_names_sort(list->by_name, list->by_name + count, count);
    size_t twice = inf_names_twice(list->by_name, count);
    if (!twice)
        return INFER_OK;
    const struct inf_tool *first = list->by_name[twice - 1].item;
    const struct inf_tool *second = list->by_name[twice].item;
    return inf_fail(err, INFER_E_FORMAT, "tools[%zu] and tools[%zu] are both named \"%s\"",
                    (size_t)(first - list->items), (size_t)(second - list->items), first->name);
}

infer_status inf_tool_list_read(struct inf_arena *arena, const char *text, size_t len,
                                struct inf_tool_list *list, infer_error *err)
{
    struct inf_json root;
    *list = (struct inf_tool_list){.count = 0};
    if (len > INF_MAX_TOOLS_TEXT)
        return inf_fail(err, INFER_E_LIMIT, "tools: %zu bytes, at most %u", len,
                        INF_MAX_TOOLS_TEXT);
    infer_status status = inf_json_read(arena, text, len, &root, err);
    if (status) {
        inf_error_place(err, "tools");
        return status;
    }
    if (root.kind != INF_JSON_ARRAY)
        return inf_fail(err, INFER_E_FORMAT, "tools: an array is needed");
    if (root.count > INF_MAX_TOOLS)
        return inf_fail(err, INFER_E_LIMIT, "tools: %zu of them, at most %d", root.count,
                        INF_MAX_TOOLS);
    list->count = root.count;
    list->items = inf_arena_take(arena, root.count, sizeof *list->items);
    if (!list->items)
        return inf_fail_memory(err, "tools", root.count * sizeof *list->items);
    for (size_t i = 0; i < root.count && !status; i++)
        status = read_tool(arena, &root.as.items[i], i, &list->items[i], err);
    if (status)
        return status;
    find_texts(text, len, list);
    return sort_names(arena, list, err);
}

const struct inf_tool *inf_tool_find(const struct inf_tool_list *list, const char *name, size_t len)
{
    char text[INF_MAX_TOOL_NAME + 1];
    if (!len || len > INF_MAX_TOOL_NAME || memchr(name, 0, len))
        return NULL;
    memcpy(text, name, len);
    text[len] = 0;
    return inf_names_find(list->by_name, list->count, text);
}

/* ---- Writing --------------------------------------------------------------------------------- */

void inf_tool_list_write(struct inf_text *out, const struct inf_tool_list *list)
{
    inf_text_append(out, "[", 1);
    for (size_t i = 0; i < list->count; i++) {
        const struct inf_tool *tool = &list->items[i];
        if (i)
            inf_text_append(out, ", ", 2);
        if (!tool->wrapped)
            inf_text_printf(out, "{\"type\": \"function\", \"function\": ");
        inf_text_append(out, tool->text.ptr, tool->text.len);
        if (!tool->wrapped)
            inf_text_append(out, "}", 1);
    }
    inf_text_append(out, "]", 1);
}

/* A piece of a family's form as it is shown to the model; sign: the letter behind %. */
static void explain_sign(struct inf_text *out, const struct inf_call_family *family, char sign)
{
    static const struct {
        char sign;
        const char *text;
    } rows[] = {
        {'n', "NAME"},      {'i', "ID"},    {'k', "functions.NAME:0"},
        {'a', "{...}"},     {'g', "...}"},  {'y', "PARAMETER=VALUE)"},
        {'m', "PARAMETER"}, {'v', "VALUE"}, {'V', "\nVALUE\n"},
        {'t', "true"},      {'l', "\n"},
    };
    if (sign == 'o') {
        const char *keys = family->object ? family->object : "\"name\": \"%\", \"arguments\": ";
        const char *name = strchr(keys, '%');
        inf_text_printf(out, "{");
        if (family->object_id)
            inf_text_printf(out, "%s0\", ", family->object_id);
        inf_text_printf(out, "%.*sNAME%s{...}}", (int)(name - keys), keys, name + 1);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].sign == sign)
            inf_text_printf(out, "%s", rows[i].text);
}

/* Whether a group, which begins behind `at`, has a call in it. */
static bool has_call(const char *at)
{
    for (; *at && strncmp(at, "%}", 2) != 0; at++)
        if (at[0] == '%' && strchr("nko", at[1]))
            return true;
    return false;
}

/* One call in a family's form, without what may be left out and further calls. */
static void explain_form(struct inf_text *out, const struct inf_call_family *family)
{
    bool called = false;
    for (const char *at = strchr(family->forms[0], family->bare ? '%' : *family->forms[0]); *at;) {
        if (*at != '%') {
            inf_text_append(out, at++, 1);
            continue;
        }
        char sign = at[1];
        at += 2;
        if (sign == '(' || (sign == '{' && called && has_call(at)))
            at = strstr(at, sign == '(' ? "%)" : "%}") + 2;
        else
            explain_sign(out, family, sign);
        called |= strchr("nko", sign) != NULL;
    }
}

void inf_tool_list_explain(struct inf_text *out, const struct inf_tool_list *list,
                           const struct inf_call_family *family)
{
    inf_text_printf(out, "You can call these tools, one JSON object a line:\n<tools>\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct inf_tool *tool = &list->items[i];
        inf_text_append(out, tool->text.ptr, tool->text.len);
        inf_text_append(out, "\n", 1);
    }
    inf_text_printf(out,
                    "</tools>\nTo call a tool, write its name and its arguments in this form, and "
                    "then stop:\n");
    explain_form(out, family);
    inf_text_printf(out,
                    "\nThe result of the call comes in the next message. If no tool is needed, "
                    "answer without one.");
}
