/*
 * What would make a message vanish in silence. Templates skip a role that they do not know and a content
 * that is not there, and some leave out what a system or a developer says; here each is an error that names
 * the message.
 */
#include "lib/converse.h"

#include <stdio.h>
#include <string.h>

#define MARK_BYTES 16 /* of a content's first and last word, by which it is found in the prompt */

static const char *const common_roles[] = {"system", "developer", "user", "assistant", "tool"};
#define COMMON_ROLES (sizeof common_roles / sizeof *common_roles)

static const char *kind_name(const struct inf_json *value)
{
    switch (value->kind) {
    case INF_JSON_NULL:
        return "null";
    case INF_JSON_FALSE:
    case INF_JSON_TRUE:
        return "true or false";
    case INF_JSON_STRING:
        return "a text";
    case INF_JSON_ARRAY:
        return "an array";
    case INF_JSON_OBJECT:
        return "an object";
    default:
        return "a number";
    }
}

static bool is_common(struct inf_bytes role)
{
    size_t i = 0;
    while (i < COMMON_ROLES && !inf_bytes_equal(role, common_roles[i]))
        i++;
    return i < COMMON_ROLES;
}

/* Whether a template's text has a role as a literal of its program. */
static bool knows_role(struct inf_bytes source, struct inf_bytes role)
{
    char quoted[64];
    for (int i = 0; i < 2 && role.len && role.len < sizeof quoted - 2; i++) {
        quoted[0] = quoted[role.len + 1] = "'\""[i];
        memcpy(quoted + 1, role.ptr, role.len);
        if (memmem(source.ptr, source.len, quoted, role.len + 2))
            return true;
    }
    return false;
}

static infer_status check_role(struct inf_bytes source, const struct inf_json *role, size_t i,
                               infer_error *err)
{
    if (!role)
        return inf_fail(err, INFER_E_FORMAT, "messages[%zu].role: missing", i);
    if (role->kind != INF_JSON_STRING)
        return inf_fail(err, INFER_E_FORMAT, "messages[%zu].role: %s, not a text", i,
                        kind_name(role));
    if (is_common(role->as.text) || knows_role(source, role->as.text))
        return INFER_OK;
    return inf_fail(err, INFER_E_FORMAT,
                    "messages[%zu].role: \"%.*s\" is none of system, developer, user, assistant, "
                    "tool, nor a role that the template names",
                    i, (int)inf_min_size(role->as.text.len, 40), role->as.text.ptr);
}

static bool has_items(const struct inf_json *message, const char *name)
{
    const struct inf_json *value = inf_json_get(message, name);
    return value && value->kind == INF_JSON_ARRAY && value->count;
}

static infer_status check_message(struct inf_bytes source, const struct inf_json *message, size_t i,
                                  infer_error *err)
{
    if (message->kind != INF_JSON_OBJECT)
        return inf_fail(err, INFER_E_FORMAT, "messages[%zu]: %s, not an object", i,
                        kind_name(message));
    infer_status status = check_role(source, inf_json_get(message, "role"), i, err);
    const struct inf_json *content = inf_json_get(message, "content");
    if (status)
        return status;
    if (!content || content->kind == INF_JSON_NULL) {
        if (has_items(message, "tool_calls") ||
            has_items(message, "tool_responses")) /* Gemma 4's name for results */
            return INFER_OK;
        return inf_fail(err, INFER_E_FORMAT, "messages[%zu].content: %s, and there are no calls", i,
                        content ? "null" : "missing");
    }
    bool tool = inf_bytes_equal(inf_json_get(message, "role")->as.text, "tool");
    if (content->kind == INF_JSON_STRING || content->kind == INF_JSON_ARRAY ||
        (tool && content->kind == INF_JSON_OBJECT))
        return INFER_OK;
    return inf_fail(err, INFER_E_FORMAT, "messages[%zu].content: %s, not a text", i,
                    kind_name(content));
}

infer_status inf_messages_check(const infer_template *t, const struct inf_json *messages,
                                infer_error *err)
{
    struct inf_bytes source = inf_template_source(t);
    infer_status status = INFER_OK;
    if (messages->kind != INF_JSON_ARRAY)
        return inf_fail(err, INFER_E_FORMAT, "messages: %s, not an array", kind_name(messages));
    if (!messages->count)
        return inf_fail(err, INFER_E_FORMAT, "messages: there is none");
    for (size_t i = 0; i < messages->count && !status; i++)
        status = check_message(source, &messages->as.items[i], i, err);
    return status;
}

void inf_messages_blame(const struct inf_json *messages, infer_error *err)
{
    for (size_t i = 0; err && i < messages->count; i++) {
        const struct inf_json *content = inf_json_get(&messages->as.items[i], "content");
        size_t len = strlen(err->text);
        if (!content || content->kind == INF_JSON_STRING || content->kind == INF_JSON_NULL)
            continue;
        snprintf(err->text + len, sizeof err->text - len,
                 " (messages[%zu].content is %s, which not every template takes)", i,
                 kind_name(content));
        return;
    }
}

/* ---- What is not in the prompt --------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static struct inf_bytes trim(struct inf_bytes text)
{
    while (text.len && is_blank(*text.ptr))
        text.ptr++, text.len--;
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* A word in the prompt, behind `*at` first: messages come in their order. */
static bool find_word(struct inf_bytes prompt, struct inf_bytes word, size_t *at)
{
    const char *found = memmem(prompt.ptr + *at, prompt.len - *at, word.ptr, word.len);
    if (!found)
        found = memmem(prompt.ptr, prompt.len, word.ptr, word.len);
    if (found)
        *at = (size_t)(found - prompt.ptr);
    return found;
}

/* Whether a content shows: by its first or its last word, as a template may change what is between. One that
 * is a word of the template's own ("/no_think") is an order to it. */
static bool shows(struct inf_bytes prompt, struct inf_bytes source, struct inf_bytes content,
                  size_t *at)
{
    struct inf_bytes all = trim(content), word = {all.ptr, 0};
    if (!all.len)
        return true;
    while (word.len < all.len && word.len < MARK_BYTES && !is_blank(all.ptr[word.len]))
        word.len++;
    if (find_word(prompt, word, at))
        return true;
    word = (struct inf_bytes){all.ptr + all.len, 0};
    while (word.len < all.len && word.len < MARK_BYTES && !is_blank(word.ptr[-1]))
        word.ptr--, word.len++;
    return find_word(prompt, word, at) || memmem(source.ptr, source.len, all.ptr, all.len);
}

infer_status inf_messages_shown(const infer_template *t, const struct inf_json *messages,
                                const char *told, infer_error *err)
{
    struct inf_bytes prompt = {t->prompt.text, 0}, source = inf_template_source(t);
    size_t at = 0;
    for (size_t i = 0; i < t->prompt.count; i++)
        prompt.len += t->prompt.spans[i].len;
    for (size_t i = 0; i < messages->count; i++) {
        const struct inf_json *content = inf_json_get(&messages->as.items[i], "content");
        struct inf_bytes role = inf_json_get(&messages->as.items[i], "role")->as.text;
        bool said = inf_bytes_equal(role, "user") || inf_bytes_equal(role, "system") ||
                    inf_bytes_equal(role, "developer");
        if (said && content && content->kind == INF_JSON_STRING &&
            !shows(prompt, source, content->as.text, &at))
            return inf_fail(err, INFER_E_TEMPLATE,
                            "messages[%zu]: the template leaves out what the %.*s says", i,
                            (int)role.len, role.ptr);
    }
    if (told && !shows(prompt, source, (struct inf_bytes){told, strlen(told)}, &at))
        return inf_fail(err, INFER_E_TEMPLATE, "the template leaves out what it is told of tools");
    return INFER_OK;
}
