/*
 * Turns without a model: those of a log (--replay), or, in test builds, of a script, one JSON object a line:
 * {"text": ..., "calls": [{"name": ..., "arguments": an object, or a string as a model might write it}],
 * "reading": seconds that the prompt takes}.
 */
#include "log.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>
#ifdef AGENT_TEST
#include <unistd.h>
#endif

#define CONTEXT 32768
#define TOKEN_BYTES 4         /* of a token, about */
#define NUMBER_MAX 1000000000 /* of what a log counts */

struct script {
    json_t *records; /* owned: the turns, of a log other records too */
    size_t next;     /* the record to look at for the next turn */
    bool is_log;
    struct replayed replayed;
};

/* The next record of a kind; NULL: there is none before the task's end (a result: before the next turn). */
static json_t *next_record(struct script *script, const char *what)
{
    for (; script->next < json_array_size(script->records); script->next++) {
        json_t *record = json_array_get(script->records, script->next);
        const char *is = json_string_value(json_object_get(record, "what"));
        if (!is || strcmp(is, what) == 0) {
            script->next++;
            return record;
        }
        if (strcmp(is, "done") == 0 || (strcmp(is, "turn") == 0 && strcmp(what, "result") == 0))
            return NULL;
    }
    return NULL;
}

static bool add_calls(struct turn *turn, const json_t *calls, json_t *tool_calls)
{
    size_t i;
    json_t *call;
    json_array_foreach(calls, i, call)
    {
        struct text arguments = {0};
        char made[32];
        const char *id = json_string_value(json_object_get(call, "id"));
        const char *name = json_string_value(json_object_get(call, "name"));
        json_t *value = json_object_get(call, "arguments");
        snprintf(made, sizeof made, "call_%zu", i);
        if (json_is_object(value) && !json_object_get(value, "hex")) {
            text_add_json(&arguments, value, JSON_COMPACT);
        } else {
            log_bytes_get(value, &arguments);
        }
        const char *text = arguments.data ? arguments.data : "";
        bool done =
            name && !arguments.failed &&
            turn_add_call(turn, id ? id : made, name, text, arguments.len) &&
            !json_array_append_new(
                tool_calls, json_pack("{s:s,s:s,s:{s:s,s:s}}", "type", "function", "id",
                                      id ? id : made, "function", "name", name, "arguments", text));
        text_free(&arguments);
        if (!done)
            return false;
    }
    return true;
}

/* A count in a record; `otherwise` where there is none, or none that can be. */
static size_t number_of(const json_t *record, const char *key, size_t otherwise)
{
    const json_t *value = json_object_get(record, key);
    json_int_t number = json_integer_value(value);
    return json_is_integer(value) && number >= 0 && number <= NUMBER_MAX ? (size_t)number
                                                                         : otherwise;
}

#ifdef AGENT_TEST
/* Ten steps of progress, in as many tenths of `seconds`. */
static void play_reading(struct agent *agent, double seconds)
{
    show_wait(agent, "reading the prompt");
    for (int i = 1; i <= 10 && seconds > 0; i++) {
        usleep((useconds_t)(seconds * 1e5));
        show_progress(agent, i * 0.1);
    }
}
#endif

static bool script_turn(struct model *model, struct agent *agent, const json_t *messages,
                        size_t max_tokens, struct turn *turn, struct text *error)
{
    struct script *script = model->state;
    json_t *record = next_record(script, "turn");
    json_t *tool_calls = json_array();
    bool whole = true;
    (void)messages;
    (void)max_tokens;
    turn->stop = "end";
    turn->message = json_pack("{s:s,s:s}", "role", "assistant", "content", "");
    if (!record && script->is_log) { /* the task ends here, without a turn */
        json_decref(tool_calls);
        json_decref(turn->message);
        turn->message = NULL;
        agent->cancelled = CANCEL_LOG;
        return true;
    }
    if (record) {
#ifdef AGENT_TEST
        play_reading(agent, json_number_value(json_object_get(record, "reading")));
#endif
        log_bytes_get(json_object_get(record, "text"), &turn->text);
        json_t *message = json_object_get(record, "message");
        bool sound = add_calls(turn, json_object_get(record, "calls"), tool_calls);
        if (!sound || turn->text.failed) {
            text_format(error, "the record of a turn cannot be read");
            json_decref(tool_calls);
            return false;
        }
        if (json_is_object(message)) {
            json_decref(turn->message);
            turn->message = json_deep_copy(message);
        } else {
            whole = !json_object_set_new(
                        turn->message, "content",
                        json_stringn(turn->text.data ? turn->text.data : "", turn->text.len)) &&
                    (!json_array_size(tool_calls) ||
                     !json_object_set(turn->message, "tool_calls", tool_calls));
        }
    }
    json_decref(tool_calls);
    if (!whole || !turn->message) {
        text_format(error, "out of memory");
        return false;
    }
    if (turn->text.len)
        show_text(agent, turn->text.data, turn->text.len);
    turn->tokens = number_of(record, "tokens", turn->text.len / TOKEN_BYTES);
    turn->prompt_tokens = number_of(record, "prompt_tokens", agent->used);
    turn->kept_tokens = number_of(record, "kept_tokens", 0);
    script->replayed.turns++;
    return true;
}

static size_t script_tokens_of(struct model *model, const char *text, size_t len)
{
    (void)model;
    (void)text;
    return (len + TOKEN_BYTES - 1) / TOKEN_BYTES;
}

/* Says where a call does not bring what it brought when the log was written. */
static void compare_result(struct model *model, struct agent *agent, const struct turn_call *call,
                           const char *digest)
{
    struct script *script = model->state;
    json_t *record = next_record(script, "result");
    const char *before = json_string_value(json_object_get(record, "sha256"));
    script->replayed.results++;
    if (before && strcmp(before, digest) == 0)
        return;
    script->replayed.differ++;
    show_say(agent,
             before ? "replay: %s (%s) brought something else than in the log"
                    : "replay: %s (%s) was not carried out in the log",
             call->name, call->id);
}

static void script_close(struct model *model)
{
    struct script *script = model->state;
    json_decref(script->records);
    free(script);
    model->state = NULL;
}

static bool open_records(struct agent *agent, json_t *records, struct text *error)
{
    struct script *script = calloc(1, sizeof *script);
    if (!script) {
        json_decref(records);
        text_format(error, "out of memory");
        return false;
    }
    script->records = records;
    agent->model =
        (struct model){.state = script,
                       .turn = script_turn,
                       .tokens_of = script_tokens_of,
                       .context = agent->options.context ? agent->options.context : CONTEXT,
                       .close = script_close};
    return true;
}

bool scripted_open_log(struct agent *agent, json_t *records, struct text *error)
{
    struct agent_options *options = &agent->options;
    const json_t *start = json_array_get(records, 0);
    size_t context = number_of(start, "context", CONTEXT);
    options->steps_max = number_of(start, "steps", options->steps_max);
    options->tokens_max = number_of(start, "tokens", options->tokens_max);
    options->repeats_max = number_of(start, "repeats", options->repeats_max);
    if (!open_records(agent, records, error))
        return false;
    if (!options->context && context)
        agent->model.context = context;
    ((struct script *)agent->model.state)->is_log = true;
    agent->model.result = compare_result;
    return true;
}

const char *scripted_next_prompt(struct agent *agent, struct text *task)
{
    struct script *script = agent->model.state;
    for (; script->next < json_array_size(script->records); script->next++) {
        const json_t *record = json_array_get(script->records, script->next);
        const char *what = json_string_value(json_object_get(record, "what"));
        if (!what)
            continue;
        if (strcmp(what, "clear") == 0 && !loop_clear(agent))
            return NULL;
        if (strcmp(what, "undo") == 0)
            show_say(agent, "replay: the /undo that the log has here is not done again");
        if (strcmp(what, "prompt") != 0)
            continue;
        script->next++;
        script->replayed.tasks++;
        task->len = 0;
        log_bytes_get(json_object_get(record, "text"), task);
        return task->failed ? NULL : task->data;
    }
    return NULL;
}

static bool reason_is(const char *name, enum reason reason)
{
    return strcmp(name, reason_name(reason)) == 0;
}

/* The sentence of a reason that a log names. */
static const char *reason_text(const char *name)
{
    enum reason reason = REASON_END;
    while (reason < REASON_ERROR && !reason_is(name, reason))
        reason++;
    return show_reason(reason);
}

void scripted_compare_end(struct agent *agent, enum reason reason)
{
    struct script *script = agent->model.state;
    size_t left = 0;
    const char *before = NULL;
    while (!before && script->next < json_array_size(script->records)) {
        const json_t *record = json_array_get(script->records, script->next++);
        const char *what = json_string_value(json_object_get(record, "what"));
        left += what && strcmp(what, "turn") == 0;
        if (what && strcmp(what, "done") == 0)
            before = json_string_value(json_object_get(record, "reason"));
    }
    bool same = left == 0 && (!before || reason == REASON_LOG || reason_is(before, reason));
    script->replayed.ends += !same;
    if (!before)
        show_say(agent, "replay: in the log this task has no end: the session was killed, or runs");
    else if (!same || reason == REASON_LOG)
        show_say(agent, "replay: in the log %s%s", left ? "more turns followed, and " : "",
                 reason_text(before));
}

struct replayed scripted_replayed(const struct agent *agent)
{
    return ((const struct script *)agent->model.state)->replayed;
}

bool scripted_open(struct agent *agent, const char *path, struct text *error)
{
    json_t *records = json_array();
    char *line = NULL;
    size_t capacity = 0, number = 0;
    FILE *file = fopen(path, "r");
    bool sound = file && records;
    while (sound && getline(&line, &capacity, file) > 0) {
        json_t *record = text_read_json(line, strlen(line), JSON_ALLOW_NUL, NULL);
        number++;
        sound = json_is_object(record) && json_array_append_new(records, record) == 0;
    }
    free(line);
    if (file)
        fclose(file);
    if (!sound) {
        text_format(error, "%s: line %zu of the script cannot be read", path, number);
        json_decref(records);
        return false;
    }
    return open_records(agent, records, error);
}
