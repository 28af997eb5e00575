/* Where turns come from: a model of libinfer. */
#include "loop.h"

#include <libinfer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONTEXT_MAX 32768 /* unless -c says otherwise */
#define CALLS_MAX 16      /* of a turn: small models do not find its end */
#define CONTEXT_MIN 2048  /* less is of no use: loading then says what is missing */

struct engine {
    infer_model *model;
    infer_plan *plan;
    infer_session *session;
    infer_sampler *sampler;
    infer_template *chat_template;
    infer_tools *tools, *last_word; /* the second allows a call of `answer` alone */
};

bool turn_add_call(struct turn *turn, const char *id, const char *name, const char *arguments,
                   size_t len)
{
    struct turn_call *calls = realloc(turn->calls, (turn->call_count + 1) * sizeof *calls);
    if (!calls)
        return false;
    turn->calls = calls;
    struct turn_call call = {strdup(id), strdup(name), strndup(arguments, len)};
    calls[turn->call_count++] = call;
    return call.id && call.name && call.arguments;
}

bool turn_repeats(const struct turn *turn, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(turn->calls[i].name, turn->calls[at].name) == 0 &&
            strcmp(turn->calls[i].arguments, turn->calls[at].arguments) == 0)
            return true;
    return false;
}

void turn_free(struct turn *turn)
{
    for (size_t i = 0; i < turn->call_count; i++) {
        free(turn->calls[i].id);
        free(turn->calls[i].name);
        free(turn->calls[i].arguments);
    }
    free(turn->calls);
    text_free(&turn->text);
    text_free(&turn->broken);
    json_decref(turn->message);
    *turn = (struct turn){0};
}

/* ---- One turn ------------------------------------------------------------------------------ */

struct receiver {
    struct agent *agent;
    struct turn *turn;
    bool failed, enough;
};

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\n", text[i]))
            return false;
    return true;
}

static bool on_event(void *ud, const infer_event *event)
{
    struct receiver *receiver = ud;
    struct turn *turn = receiver->turn;
    switch (event->kind) {
    case INFER_EVENT_TEXT:
        if (turn->call_count && !is_blank(event->text, event->text_len)) {
            receiver->enough =
                true; /* behind its calls a turn is over: it waits for what they bring */
            break;
        }
        text_add(&turn->text, event->text, event->text_len);
        show_text(receiver->agent, event->text, event->text_len);
        break;
    case INFER_EVENT_THOUGHT:
        show_thought(receiver->agent, event->text, event->text_len);
        break;
    case INFER_EVENT_CALL_BEGIN:
        show_call_begun(receiver->agent, event->name);
        break;
    case INFER_EVENT_CALL_DONE:
        if (!turn_add_call(turn, event->id, event->name, event->text, event->text_len))
            receiver->failed = true;
        else if (turn->call_count == CALLS_MAX || turn_repeats(turn, turn->call_count - 1))
            receiver->enough = true;
        break;
    case INFER_EVENT_CALL_BROKEN:
        text_add(&turn->broken, event->text, event->text_len);
        break;
    default:
        break;
    }
    return !receiver->failed && !receiver->enough && !receiver->agent->cancelled &&
           !show_failed(receiver->agent);
}

/* The message that the session says its last turn was. */
static json_t *last_message(const struct engine *engine, infer_error *err)
{
    size_t len = 0;
    json_t *message = NULL;
    infer_status status = infer_chat_message(engine->session, NULL, 0, &len, err);
    char *text = status == INFER_E_RANGE ? malloc(len) : NULL;
    if (text && infer_chat_message(engine->session, text, len, &len, err) == INFER_OK)
        message = text_read_json(text, len, JSON_ALLOW_NUL, NULL);
    free(text);
    return message;
}

static int64_t local_time(void)
{
    time_t now = time(NULL);
    struct tm local;
    return localtime_r(&now, &local) ? (int64_t)now + local.tm_gmtoff : (int64_t)now;
}

static bool on_load(void *ud, double fraction)
{
    struct agent *agent = ud;
    show_progress(agent, fraction);
    return !agent->cancelled;
}

static bool on_progress(void *ud, double fraction)
{
    return on_load(((struct receiver *)ud)->agent, fraction);
}

static bool fail(struct text *error, const char *text)
{
    text_format(error, "%s", text);
    return false;
}

static bool model_turn(struct model *model, struct agent *agent, const json_t *messages,
                       size_t max_tokens, struct turn *turn, struct text *error)
{
    struct engine *engine = model->state;
    struct receiver receiver = {agent, turn, false, false};
    int64_t now = local_time();
    uint32_t reasoning = agent->options.reasoning;
    infer_chat_options options = {.size = sizeof options,
                                  .sampler = engine->sampler,
                                  .chat_template = engine->chat_template,
                                  .tools = agent->last_word ? engine->last_word : engine->tools,
                                  .local_time = &now,
                                  .max_tokens = max_tokens,
                                  .max_thought_tokens = reasoning == UINT32_MAX ? 0 : reasoning,
                                  .no_thought = reasoning == 0,
                                  .on_event = on_event,
                                  .progress = on_progress,
                                  .ud = &receiver};
    infer_chat_result result = {0};
    infer_error err = {0};
    struct text text = {0};
    infer_status status = INFER_E_MEMORY;
    show_wait(agent, "reading the prompt");
    if (text_add_json(&text, messages, JSON_COMPACT))
        status = infer_chat(engine->session, text.data, text.len, &options, &result, &err);
    text_free(&text);
    turn->stop = receiver.enough ? "end" : infer_stop_name(result.stop);
    turn->prompt_tokens = result.prompt_tokens;
    turn->kept_tokens = result.kept_tokens;
    turn->tokens = result.tokens;
    if (status == INFER_E_CANCELLED && agent->cancelled) {
        turn->stop = "cancelled";
        return true;
    }
    if (status == INFER_E_CONTEXT) {
        turn->stop = "context";
        return true;
    }
    if (status == INFER_OK)
        turn->message = last_message(engine, &err);
    if (status != INFER_OK || !turn->message || receiver.failed || turn->text.failed)
        return fail(error, err.text[0] ? err.text : "out of memory");
    return true;
}

static size_t model_tokens_of(struct model *model, const char *text, size_t len)
{
    const struct engine *engine = model->state;
    size_t count = 0;
    infer_status status =
        infer_tokenize(engine->model, text, len, INFER_TOKENIZE_PLAIN, NULL, 0, &count, NULL);
    return status == INFER_OK || status == INFER_E_RANGE ? count : len;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void engine_close(struct model *model)
{
    struct engine *engine = model->state;
    cancel_target(NULL);
    infer_tools_free(engine->tools);
    infer_tools_free(engine->last_word);
    infer_template_free(engine->chat_template);
    infer_sampler_free(engine->sampler);
    infer_session_free(engine->session);
    infer_plan_free(engine->plan);
    infer_model_free(engine->model);
    free(engine);
    model->state = NULL;
}

static void on_log(void *ud, infer_log_level level, const char *text)
{
    show_say(ud, level == INFER_LOG_WARNING ? "warning: %s" : "%s", text);
}

/* The largest context, of the trained one and CONTEXT_MAX, whose memory is there now. */
static infer_status open_plan(struct agent *agent, struct engine *engine, infer_error *err)
{
    infer_model_info info;
    infer_plan_memory memory;
    infer_model_get_info(engine->model, &info);
    uint32_t context = info.context_length && info.context_length < CONTEXT_MAX
                           ? info.context_length
                           : CONTEXT_MAX;
    infer_plan_options options = {.size = sizeof options,
                                  .context =
                                      agent->options.context ? agent->options.context : context,
                                  .threads = agent->options.threads};
    for (;;) {
        infer_status status = infer_plan_new(engine->model, &options, &engine->plan, err);
        if (status != INFER_OK)
            return status;
        infer_plan_get_memory(engine->plan, &memory);
        if (agent->options.context || options.context / 2 < CONTEXT_MIN ||
            memory.total - memory.weights_mapped < memory.available)
            break;
        infer_plan_free(engine->plan);
        engine->plan = NULL;
        options.context /= 2;
    }
    if (!agent->options.context && options.context < context)
        show_say(agent, "a context of %u tokens, not %u: there is no memory for more",
                 options.context, context);
    agent->model.context = options.context;
    return INFER_OK;
}

static infer_status open_sampler(struct agent *agent, struct engine *engine, infer_error *err)
{
    infer_model_info info;
    infer_sampler_options options = {.size = sizeof options};
    infer_model_get_info(engine->model, &info);
    infer_sampler_defaults(&options, agent->options.seed);
    options.temperature = (float)agent->options.temperature;
    options.top_k = agent->options.top_k;
    options.top_p = agent->options.top_p < 1 ? (float)agent->options.top_p : 0;
    options.min_p = (float)agent->options.min_p;
    return infer_sampler_new(&options, info.vocab_size, &engine->sampler, err);
}

static infer_status open_template(struct agent *agent, struct engine *engine, infer_error *err)
{
    struct text text = {0};
    char block[8192];
    size_t got;
    if (!agent->options.chat_template) {
        infer_status status =
            infer_template_new(engine->model, NULL, 0, &engine->chat_template, err);
        if (status != INFER_OK) { /* it has none, or one that cannot be used */
            size_t len = strlen(err->text);
            snprintf(err->text + len, sizeof err->text - len, "; --chat-template FILE gives one");
        }
        return status;
    }
    FILE *file = fopen(agent->options.chat_template, "rb");
    while (file && (got = fread(block, 1, sizeof block, file)) != 0)
        text_add(&text, block, got);
    infer_status status = INFER_E_IO;
    if (!file || ferror(file) || text.failed)
        snprintf(err->text, sizeof err->text, "%.400s: cannot be read",
                 agent->options.chat_template);
    else
        status = infer_template_new(engine->model, text.data ? text.data : "", text.len,
                                    &engine->chat_template, err);
    if (file)
        fclose(file);
    text_free(&text);
    return status;
}

static infer_status open_tools(struct agent *agent, struct engine *engine, infer_error *err)
{
    const char *json = agent->tools.json;
    infer_tools_options options = {
        .size = sizeof options,
        .choice = agent->options.calls == CALLS_REQUIRED ? INFER_TOOLS_REQUIRED : INFER_TOOLS_AUTO,
        .strict = agent->options.calls != CALLS_FREE};
    infer_status status =
        infer_tools_new(engine->chat_template, json, strlen(json), &options, &engine->tools, err);
    if (status != INFER_OK)
        return status;
    options.choice = INFER_TOOLS_NAMED;
    options.name = "answer";
    return infer_tools_new(engine->chat_template, json, strlen(json), &options, &engine->last_word,
                           err);
}

bool turns_open(struct agent *agent, struct text *error)
{
    struct engine *engine = calloc(1, sizeof *engine);
    infer_error err = {0};
    infer_model_options model_options = {.size = sizeof model_options,
                                         .progress = on_load,
                                         .progress_ud = agent,
                                         .log = on_log,
                                         .log_ud = agent};
    if (!engine)
        return fail(error, "out of memory");
    agent->model = (struct model){
        .state = engine, .turn = model_turn, .tokens_of = model_tokens_of, .close = engine_close};
    show_wait(agent, "loading the model");
    infer_status status =
        infer_model_open(agent->options.model_path, &model_options, &engine->model, &err);
    if (status == INFER_OK)
        status = open_template(agent, engine, &err);
    if (status == INFER_OK)
        status = open_tools(agent, engine, &err);
    if (status == INFER_OK)
        status = open_plan(agent, engine, &err);
    if (status == INFER_OK)
        status = infer_plan_load(engine->plan, on_load, agent, &err);
    if (status == INFER_OK)
        status = infer_session_new(engine->plan, &engine->session, &err);
    if (status == INFER_OK)
        status = open_sampler(agent, engine, &err);
    show_progress(agent, 1);
    if (status != INFER_OK)
        return fail(error, err.text);
    cancel_target(engine->session);
    return true;
}
