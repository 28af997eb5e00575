/*
 * Messages as chat templates want them. Templates agree on role and content alone; where they differ:
 *
 * - the content of an answer that only calls: "" for most, null for some;
 * - the arguments of a call: an object for most, text for some;
 * - the name of a thought: reasoning_content, reasoning, thinking.
 *
 * Which of the first two a template wants is found by trying: a small conversation with a call is
 * rendered in each form, and the first in which call and result show is taken. A thought gets all names.
 * In a template that knows no calls they stand in the content, in the general form (lib/tools), and where
 * it knows no role `tool` either, results are what the user says. Whether it tells of tools is tried, too.
 */
#include "lib/converse.h"

#include <stdio.h>
#include <string.h>

enum form {
    FORM_UNKNOWN,
    FORM_OBJECT,
    FORM_NULL_OBJECT,
    FORM_TEXT,
    FORM_NULL_TEXT,
    FORM_CONTENT,
    FORM_CONTENT_USER,
    FORMS_END
};

static bool has_null(enum form form)
{
    return form == FORM_NULL_OBJECT || form == FORM_NULL_TEXT;
}

static bool has_text(enum form form)
{
    return form == FORM_TEXT || form == FORM_NULL_TEXT;
}

static struct inf_bytes bytes_of(const char *text)
{
    return (struct inf_bytes){text, strlen(text)};
}

static bool is_text(const struct inf_json *value)
{
    return value && value->kind == INF_JSON_STRING;
}

/* A copy of an object with room for `more` members; NULL: no memory. */
static struct inf_json_member *copy_members(struct inf_arena *arena, const struct inf_json *object,
                                            size_t more)
{
    struct inf_json_member *members =
        inf_arena_take(arena, object->count + more + 1, sizeof *members);
    if (members && object->count)
        memcpy(members, object->as.members, object->count * sizeof *members);
    return members;
}

/* Puts a member in the place of the one of that name, or behind all. */
static void put(struct inf_json_member *members, size_t *count, const char *name,
                struct inf_json value)
{
    size_t i = 0;
    while (i < *count && !inf_bytes_equal(members[i].name, name))
        i++;
    members[i] = (struct inf_json_member){bytes_of(name), value};
    *count += i == *count;
}

infer_status inf_print_by(struct inf_arena *arena, const char *program,
                          const struct inf_json *value, const int64_t *now, struct inf_json *text,
                          infer_error *err)
{
    struct inf_json_member member = {bytes_of("v"), *value};
    struct inf_json variables = {.kind = INF_JSON_OBJECT, .count = 1, .as.members = &member};
    struct inf_template *t;
    struct inf_prompt prompt;
    infer_status status = inf_template_new(&arena->a, program, strlen(program), &t, err);
    if (status)
        return status;
    status =
        inf_template_render(t, &arena->a, &variables, INF_MAX_TEMPLATE_INPUT, now, &prompt, err);
    inf_template_free(t);
    if (status)
        return status;
    size_t len = 0;
    for (size_t i = 0; i < prompt.count; i++)
        len += prompt.spans[i].len;
    char *copy = inf_arena_take(arena, len + 1, 1);
    if (copy)
        memcpy(copy, prompt.text, len);
    inf_prompt_free(&prompt);
    *text = (struct inf_json){.kind = INF_JSON_STRING, .as.text = {copy, len}};
    return copy ? INFER_OK : inf_fail_memory(err, "a call's arguments", len);
}

/* As JSON text, as Python writes it. */
static infer_status print_json(struct inf_arena *arena, const struct inf_json *value,
                               struct inf_json *text, infer_error *err)
{
    return inf_print_by(arena, "{{ v | tojson }}", value, NULL, text, err);
}

/* The arguments of a call as an object or as text. Text that is no object stays. */
static infer_status shape_arguments(struct inf_arena *arena, enum form form,
                                    const struct inf_json *arguments, struct inf_json *shaped,
                                    infer_error *err)
{
    *shaped = *arguments;
    if (has_text(form))
        return is_text(arguments) ? INFER_OK : print_json(arena, arguments, shaped, err);
    struct inf_json read;
    if (!is_text(arguments))
        return INFER_OK;
    infer_status status =
        inf_json_read(arena, arguments->as.text.ptr, arguments->as.text.len, &read, err);
    if (!status && read.kind == INF_JSON_OBJECT)
        *shaped = read;
    return status == INFER_E_MEMORY ? status : INFER_OK;
}

/* One call: its function's arguments shaped. */
static infer_status shape_call(struct inf_arena *arena, enum form form, struct inf_json *call,
                               infer_error *err)
{
    const struct inf_json *function =
        call->kind == INF_JSON_OBJECT ? inf_json_get(call, "function") : NULL;
    const struct inf_json *arguments =
        function && function->kind == INF_JSON_OBJECT ? inf_json_get(function, "arguments") : NULL;
    struct inf_json shaped, inner;
    if (!arguments)
        return INFER_OK;
    infer_status status = shape_arguments(arena, form, arguments, &shaped, err);
    if (status)
        return status;
    struct inf_json_member *outer = copy_members(arena, call, 0);
    struct inf_json_member *members = copy_members(arena, function, 0);
    if (!outer || !members)
        return inf_fail_memory(err, "a call", 0);
    inner = *function;
    inner.as.members = members;
    put(members, &inner.count, "arguments", shaped);
    call->as.members = outer;
    put(outer, &call->count, "function", inner);
    return INFER_OK;
}

static infer_status shape_calls(struct inf_arena *arena, enum form form, struct inf_json *calls,
                                infer_error *err)
{
    struct inf_json *items = inf_arena_take(arena, calls->count, sizeof *items);
    infer_status status = INFER_OK;
    if (!items)
        return inf_fail_memory(err, "calls", calls->count * sizeof *items);
    memcpy(items, calls->as.items, calls->count * sizeof *items);
    for (size_t i = 0; i < calls->count && !status; i++)
        status = shape_call(arena, form, &items[i], err);
    calls->as.items = items;
    return status;
}

static bool calls_something(const struct inf_json *message)
{
    const struct inf_json *calls =
        message->kind == INF_JSON_OBJECT ? inf_json_get(message, "tool_calls") : NULL;
    return calls && calls->kind == INF_JSON_ARRAY && calls->count;
}

/* Content and calls as one content, in the general form. */
static infer_status write_calls(struct inf_arena *arena, const struct inf_json *message,
                                struct inf_json *content, infer_error *err)
{
    static const char program[] =
        "{{ v.content or '' }}{% for c in v.tool_calls %}{{ '\\n' if v.content or not loop.first }}"
        "{{ '<tool_call>\\n{\"name\": ' + (c.function.name | tojson) + ', \"arguments\": ' + "
        "(c.function.arguments if c.function.arguments is string else c.function.arguments | "
        "tojson) "
        "+ '}\\n</tool_call>' }}{% endfor %}";
    return inf_print_by(arena, program, message, NULL, content, err);
}

static infer_status shape_message(struct inf_arena *arena, enum form form, struct inf_json *message,
                                  infer_error *err)
{
    if (message->kind != INF_JSON_OBJECT)
        return INFER_OK;
    const struct inf_json *thought = inf_json_get(message, "reasoning_content");
    const struct inf_json *content = inf_json_get(message, "content");
    bool calls = calls_something(message), thinks = is_text(thought);
    bool empty = !content || content->kind == INF_JSON_NULL ||
                 (content->kind == INF_JSON_STRING && !content->as.text.len);
    if (!calls && !thinks)
        return INFER_OK;
    struct inf_json_member *members = copy_members(arena, message, 4);
    if (!members)
        return inf_fail_memory(err, "a message", message->count * sizeof *members);
    size_t count = message->count;
    infer_status status = INFER_OK;
    if (thinks && !inf_json_get(message, "reasoning"))
        put(members, &count, "reasoning", *thought);
    if (thinks && !inf_json_get(message, "thinking") && (!calls || empty)) /* gpt-oss takes one */
        put(members, &count, "thinking", *thought);
    if (calls && form >= FORM_CONTENT) {
        struct inf_json written;
        if ((status = write_calls(arena, message, &written, err)))
            return status;
        put(members, &count, "content", written);
        put(members, &count, "tool_calls", (struct inf_json){.kind = INF_JSON_ARRAY});
    } else if (calls) {
        struct inf_json none = {.kind = has_null(form) ? INF_JSON_NULL : INF_JSON_STRING,
                                .as.text = {"", 0}};
        struct inf_json shaped = *inf_json_get(message, "tool_calls");
        if (empty)
            put(members, &count, "content", none);
        status = shape_calls(arena, form, &shaped, err);
        put(members, &count, "tool_calls", shaped);
    }
    message->as.members = members;
    message->count = count;
    return status;
}

static bool has_role(const struct inf_json *message, const char *role)
{
    const struct inf_json *value =
        message->kind == INF_JSON_OBJECT ? inf_json_get(message, "role") : NULL;
    return is_text(value) && inf_bytes_equal(value->as.text, role);
}

static struct inf_json text_of(const char *text, size_t len)
{
    return (struct inf_json){.kind = INF_JSON_STRING, .as.text = {text, len}};
}

/* Results of tools as messages of the user, those behind each other as one. */
static infer_status join_results(struct inf_arena *arena, struct inf_json *items,
                                 struct inf_json *messages, infer_error *err)
{
    size_t count = 0;
    for (size_t i = 0, next; i < messages->count; i = next) {
        items[count] = items[i];
        next = i + 1;
        if (!has_role(&items[i], "tool")) {
            count++;
            continue;
        }
        while (next < messages->count && has_role(&items[next], "tool"))
            next++;
        struct inf_json all = {.kind = INF_JSON_ARRAY, .count = next - i, .as.items = items + i};
        struct inf_json text;
        infer_status status =
            inf_print_by(arena,
                         "{% for m in v %}{{ '\\n' if not loop.first }}<tool_response>\n"
                         "{{ m.content }}\n</tool_response>{% endfor %}",
                         &all, NULL, &text, err);
        struct inf_json_member *members = inf_arena_take(arena, 2, sizeof *members);
        if (status || !members)
            return status ? status : inf_fail_memory(err, "a message", 2 * sizeof *members);
        members[0] = (struct inf_json_member){bytes_of("role"), text_of("user", 4)};
        members[1] = (struct inf_json_member){bytes_of("content"), text};
        items[count++] =
            (struct inf_json){.kind = INF_JSON_OBJECT, .count = 2, .as.members = members};
    }
    messages->count = count;
    return INFER_OK;
}

/* Puts a text before the content of the first message of a role; false: there is none. */
static infer_status put_before(struct inf_arena *arena, struct inf_json *messages, const char *role,
                               const char *before, bool *done, infer_error *err)
{
    struct inf_json *items = (struct inf_json *)messages->as.items; /* of shape */
    size_t i = 0;
    while (i < messages->count && !has_role(&items[i], role))
        i++;
    const struct inf_json *content =
        i < messages->count ? inf_json_get(&items[i], "content") : NULL;
    *done = is_text(content);
    if (!*done)
        return INFER_OK;
    size_t len = strlen(before), own = content->as.text.len;
    struct inf_json_member *members = copy_members(arena, &items[i], 0);
    char *text = inf_arena_take(arena, len + own + 2, 1);
    if (!text || !members)
        return inf_fail_memory(err, "a message", len + own);
    bool system = role[0] == 's'; /* of the system its own words come first */
    struct inf_bytes first = system ? content->as.text : bytes_of(before);
    struct inf_bytes second = system ? bytes_of(before) : content->as.text;
    memcpy(text, first.ptr, first.len);
    text[first.len] = text[first.len + 1] = '\n';
    memcpy(text + first.len + 2, second.ptr, second.len);
    items[i].as.members = members;
    put(members, &items[i].count, "content", text_of(text, len + own + 2));
    return INFER_OK;
}

infer_status inf_messages_tell(struct inf_arena *arena, const char *text, bool by_user,
                               struct inf_json *messages, infer_error *err)
{
    bool done;
    infer_status status =
        put_before(arena, messages, by_user ? "user" : "system", text, &done, err);
    if (status || done || by_user)
        return status;
    struct inf_json *items = inf_arena_take(arena, messages->count + 1, sizeof *items);
    struct inf_json_member *members = inf_arena_take(arena, 2, sizeof *members);
    if (!items || !members)
        return inf_fail_memory(err, "a message", sizeof *items);
    members[0] = (struct inf_json_member){bytes_of("role"), text_of("system", 6)};
    members[1] = (struct inf_json_member){bytes_of("content"), text_of(text, strlen(text))};
    items[0] = (struct inf_json){.kind = INF_JSON_OBJECT, .count = 2, .as.members = members};
    if (messages->count)
        memcpy(items + 1, messages->as.items, messages->count * sizeof *items);
    messages->as.items = items;
    messages->count++;
    return INFER_OK;
}

/* ---- Messages with more than the template writes of one ----------------------------------------- */

struct list {
    struct inf_arena *arena;
    struct inf_json *items;
    size_t count;
};

/* Appends a message with another content (NULL: none) and other calls. */
static infer_status push(struct list *out, const struct inf_json *message,
                         const struct inf_json *content, struct inf_json calls, infer_error *err)
{
    struct inf_json copy = *message;
    struct inf_json_member *members = copy_members(out->arena, message, 2);
    if (!members)
        return inf_fail_memory(err, "a message", message->count * sizeof *members);
    put(members, &copy.count, "content", content ? *content : text_of("", 0));
    put(members, &copy.count, "tool_calls", calls);
    copy.as.members = members;
    out->items[out->count++] = copy;
    return INFER_OK;
}

static bool same_text(const struct inf_json *a, const struct inf_json *b)
{
    return is_text(a) && is_text(b) && a->as.text.len == b->as.text.len &&
           !memcmp(a->as.text.ptr, b->as.text.ptr, a->as.text.len);
}

/* A message of several calls and the results behind it, as one of each call with its result. */
static infer_status split_calls(struct list *out, const struct inf_json *message,
                                const struct inf_json *content, size_t results, infer_error *err)
{
    const struct inf_json *calls = inf_json_get(message, "tool_calls"), *result = message + 1;
    infer_status status = INFER_OK;
    for (size_t k = 0; k < calls->count && !status; k++) {
        const struct inf_json *call = &calls->as.items[k];
        const struct inf_json *id = call->kind == INF_JSON_OBJECT ? inf_json_get(call, "id") : NULL;
        struct inf_json one = {.kind = INF_JSON_ARRAY, .count = 1, .as.items = call};
        status = push(out, message, k ? NULL : content, one, err);
        size_t i = 0;
        while (i < results && !same_text(inf_json_get(&result[i], "tool_call_id"), id))
            i++;
        i = i < results ? i : k; /* no ids: the results come in the order of the calls */
        if (i < results)
            out->items[out->count++] = result[i];
    }
    for (size_t i = calls->count; i < results; i++)
        out->items[out->count++] = result[i];
    return status;
}

/* Splits what a template would leave out: of several calls all but the first, and content beside calls
 * where it is to be null. */
static infer_status split(struct inf_arena *arena, enum form form, bool one_call,
                          const struct inf_json *messages, struct inf_json *out, infer_error *err)
{
    size_t room = messages->count + 1;
    infer_status status = INFER_OK;
    for (size_t i = 0; i < messages->count; i++)
        if (calls_something(&messages->as.items[i]))
            room += 1 + 2 * inf_json_get(&messages->as.items[i], "tool_calls")->count;
    struct list list = {.arena = arena, .items = inf_arena_take(arena, room, sizeof *list.items)};
    if (!list.items)
        return inf_fail_memory(err, "messages", room * sizeof *list.items);
    for (size_t i = 0; i < messages->count && !status; i++) {
        const struct inf_json *message = &messages->as.items[i], *content = NULL;
        size_t results = 0;
        if (!calls_something(message)) {
            list.items[list.count++] = *message;
            continue;
        }
        content = inf_json_get(message, "content");
        if (has_null(form) && is_text(content) && content->as.text.len) {
            status = push(&list, message, content, (struct inf_json){.kind = INF_JSON_ARRAY}, err);
            content = NULL;
        }
        while (i + 1 + results < messages->count && has_role(message + 1 + results, "tool"))
            results++;
        size_t calls = inf_json_get(message, "tool_calls")->count;
        if (status)
            continue;
        if (one_call && calls > 1) {
            status = split_calls(&list, message, content, results, err);
            i += results;
        } else {
            status = push(&list, message, content, *inf_json_get(message, "tool_calls"), err);
        }
    }
    *out = (struct inf_json){.kind = INF_JSON_ARRAY, .count = list.count, .as.items = list.items};
    return status;
}

/* ---- The form ------------------------------------------------------------------------------------ */

static infer_status shape(struct inf_arena *arena, enum form form, bool one_call,
                          const struct inf_json *messages, struct inf_json *shaped,
                          infer_error *err)
{
    infer_status status = split(arena, form, one_call, messages, shaped, err);
    if (status)
        return status;
    struct inf_json *items = (struct inf_json *)shaped->as.items; /* made by split */
    for (size_t i = 0; !status && i < shaped->count; i++)
        status = shape_message(arena, form, &items[i], err);
    return status || form != FORM_CONTENT_USER ? status : join_results(arena, items, shaped, err);
}

/* Conversations that show how a template writes calls, and whether it writes two of a message. */
#define PROBE_CALL(n)                                                                              \
    "{\"id\": \"abcdefgh" n "\", \"type\": \"function\", \"function\": {\"name\": \"zq7f\", "      \
    "\"arguments\": {\"zq7a\": \"zq7v" n "\"}}}"
#define PROBE_RESULT(n)                                                                            \
    ", {\"role\": \"tool\", \"name\": \"zq7f\", \"tool_call_id\": \"abcdefgh" n                    \
    "\", \"content\": \"zq7r" n "\"}"
#define PROBE(calls, results)                                                                      \
    "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"\", "     \
    "\"tool_calls\": [" calls "]}" results "]"
static const char one_probe[] = PROBE(PROBE_CALL("1"), PROBE_RESULT("1"));
static const char two_probe[] =
    PROBE(PROBE_CALL("1") ", " PROBE_CALL("2"), PROBE_RESULT("1") PROBE_RESULT("2"));

/* Whether call and result `number` of a conversation show in some form. */
static infer_status probe(infer_template *t, struct inf_arena *arena,
                          const struct inf_json *variables, enum form form, const char *text,
                          const char *number, bool *shows, infer_error *err)
{
    char call[8], result[8];
    struct inf_json messages, shaped, all = *variables;
    struct inf_json_member *members = copy_members(arena, variables, 1);
    if (!members)
        return inf_fail_memory(err, "variables", variables->count * sizeof *members);
    infer_status status = inf_json_read(arena, text, strlen(text), &messages, err);
    if (!status)
        status = shape(arena, form, false, &messages, &shaped, err);
    if (status)
        return status;
    all.as.members = members;
    put(members, &all.count, "messages", shaped);
    int64_t now = 0;
    status = inf_template_write(t, arena, &all, INF_MAX_TEMPLATE_INPUT / 64, &now, err);
    size_t len = 0;
    for (size_t i = 0; !status && i < t->prompt.count; i++)
        len += t->prompt.spans[i].len;
    snprintf(call, sizeof call, "zq7v%s", number);
    snprintf(result, sizeof result, "zq7r%s", number);
    *shows = len && memmem(t->prompt.text, len, call, 5) && memmem(t->prompt.text, len, result, 5);
    return status == INFER_E_MEMORY ? status : INFER_OK; /* else the template refuses this form */
}

static infer_status find_form(infer_template *t, struct inf_arena *arena,
                              const struct inf_json *variables, infer_error *err)
{
    infer_status status = INFER_OK;
    enum form form = FORM_UNKNOWN;
    bool shows = false, second = false;
    while (!status && !shows && ++form < FORMS_END)
        status = probe(t, arena, variables, form, one_probe, "1", &shows, err);
    if (!status && shows)
        status = probe(t, arena, variables, form, two_probe, "2", &second, err);
    if (!status) {
        t->call_form = (int)(shows ? form : FORM_OBJECT);
        t->one_call = shows && !second;
    }
    return status;
}

infer_status inf_messages_prepare(infer_template *t, struct inf_arena *arena,
                                  const struct inf_json *variables, const struct inf_json *messages,
                                  struct inf_json *prepared, infer_error *err)
{
    bool calls = false;
    for (size_t i = 0; i < messages->count; i++)
        calls |=
            calls_something(&messages->as.items[i]) || has_role(&messages->as.items[i], "tool");
    infer_status status = calls && !t->call_form ? find_form(t, arena, variables, err) : INFER_OK;
    return status ? status
                  : shape(arena, (enum form)t->call_form, t->one_call, messages, prepared, err);
}

/* Conversations with a tool: a template may tell of it in the system's words or in the user's. */
#define WITH_TOOL(before)                                                                          \
    "{\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"zq7f\", \"description\": "   \
    "\"d\", \"parameters\": {\"type\": \"object\", \"properties\": {\"zq7p\": {\"type\": "         \
    "\"string\", \"description\": \"p\"}}, \"required\": [\"zq7p\"]}}}], \"functions\": "          \
    "\"zq7f\", "                                                                                   \
    "\"add_generation_prompt\": true, \"messages\": [" before                                      \
    "{\"role\": \"user\", \"content\": \"a\"}]}"

infer_status inf_messages_tools(infer_model *model, struct inf_bytes source, bool *writes,
                                infer_error *err)
{
    static const char *const texts[] = {WITH_TOOL(""),
                                        WITH_TOOL("{\"role\": \"system\", \"content\": \"b\"}, ")};
    infer_template *t = NULL;
    bool renders = false;
    *writes = false;
    /* one of its own: the caller's keeps what it rendered last */
    infer_status status = infer_template_new(model, source.ptr, source.len, &t, err);
    for (size_t i = 0; i < 2 && !status && !*writes; i++) {
        struct inf_json all;
        struct inf_arena arena;
        int64_t now = 0;
        inf_arena_init(&arena, &model->a);
        status = inf_json_read(&arena, texts[i], strlen(texts[i]), &all, err);
        if (!status)
            status = inf_template_write(t, &arena, &all, INF_MAX_TEMPLATE_INPUT / 64, &now, err);
        size_t len = 0;
        for (size_t k = 0; !status && k < t->prompt.count; k++)
            len += t->prompt.spans[k].len;
        renders |= !status;
        *writes = len && memmem(t->prompt.text, len, "zq7f", 4);
        status = status == INFER_E_MEMORY ? status : INFER_OK; /* else it refuses this one */
        inf_arena_free(&arena);
    }
    /* one that refuses all is taken by its word */
    if (!status && !renders)
        *writes = memmem(source.ptr, source.len, "tools", 5) != NULL;
    infer_template_free(t);
    return status;
}
