/* infer chat: a conversation; with -p, -f or a stdin that is no terminal, one turn of it. */
#include "cli.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_LINES 1000

struct chat {
    struct cli *cli;
    struct cli_engine engine;
    infer_sampler *sampler;
    infer_template *template;
    infer_tools *tools; /* NULL: none */
    json_t *messages;   /* as templates want them */
    struct cli_turn *turn;
    size_t used; /* tokens of context that the conversation takes */
    char prompt[64];
};

static void add_message(struct chat *chat, const char *role, json_t *text)
{
    json_array_append_new(chat->messages, json_pack("{s:s,s:o}", "role", role, "content", text));
}

/* Back to the system message alone. */
static void clear(struct chat *chat)
{
    const char *system = chat->cli->opt.system;
    json_array_clear(chat->messages);
    if (system)
        add_message(chat, "system", cli_json_text_replaced(system, strlen(system)));
    chat->used = 0;
}

/* ---- What comes ---------------------------------------------------------------------------- */

/* A thought goes to the terminal alone, dim; an answer follows it in plain. */
static void show_dim(struct cli_turn *turn, bool dim)
{
    if (turn->thought_shown != dim)
        fputs(dim ? "\033[2m" : "\033[0m\n\n", stderr);
    turn->thought_shown = dim;
}

static void take_thought(struct chat *chat, const char *text, size_t len)
{
    cli_bytes_append(&chat->turn->thought, text, len);
    if (!chat->turn->stream || !isatty(STDERR_FILENO))
        return;
    cli_output_flush(chat->cli);
    show_dim(chat->turn, true);
    fwrite(text, 1, len, stderr);
}

/* A call that is complete: a line where somebody reads along. */
static void take_call(struct chat *chat, const infer_event *event)
{
    json_t *arguments = json_loadb(event->text, event->text_len, JSON_DECODE_ANY, NULL);
    if (!arguments) /* numbers that jansson does not hold */
        arguments = cli_json_text_replaced(event->text, event->text_len);
    json_array_append_new(chat->turn->calls, json_pack("{s:s,s:s,s:o}", "id", event->id, "name",
                                                       event->name, "arguments", arguments));
    if (!chat->turn->stream)
        return;
    struct cli_bytes line = {0};
    bool begun = chat->turn->text.len != 0 && json_array_size(chat->turn->calls) == 1;
    cli_bytes_append(&line, "\n", begun || json_array_size(chat->turn->calls) > 1);
    cli_escape(&line, event->name, strlen(event->name), true);
    cli_bytes_append(&line, "(", 1);
    cli_escape(&line, event->text, event->text_len, true);
    cli_bytes_append(&line, ")", 1);
    cli_output(chat->cli, line.data, line.len);
    cli_output_flush(chat->cli);
    free(line.data);
}

static bool on_event(void *ud, const infer_event *event)
{
    struct chat *chat = ud;
    switch (event->kind) {
    case INFER_EVENT_THOUGHT:
        take_thought(chat, event->text, event->text_len);
        break;
    case INFER_EVENT_TEXT:
        show_dim(chat->turn, false);
        return cli_turn_text(chat->cli, chat->turn, event->text, event->text_len);
    case INFER_EVENT_CALL_DONE:
        show_dim(chat->turn, false);
        take_call(chat, event);
        break;
    case INFER_EVENT_CALL_BROKEN:
        cli_notice(chat->cli, "warning: what began as a call is text: %.*s", (int)event->text_len,
                   event->text);
        break;
    default:
        break;
    }
    return !chat->cli->output_failed;
}

static void on_token(void *ud, infer_token id, const float *logits)
{
    struct chat *chat = ud;
    (void)logits;
    cli_ids_append(&chat->turn->ids, id);
}

static bool on_progress(void *ud, double fraction)
{
    struct chat *chat = ud;
    cli_progress(chat->cli, "reading the prompt", fraction);
    return true;
}

/* ---- A turn -------------------------------------------------------------------------------- */

/* The model's turn as a message, NULL where there is none. */
static json_t *made_message(const struct chat *chat)
{
    size_t len = 0;
    infer_session *session = chat->engine.session;
    if (infer_chat_message(session, NULL, 0, &len, NULL) != INFER_E_RANGE)
        return NULL;
    char *text = cli_alloc(len, 1);
    infer_chat_message(session, text, len, &len, NULL);
    json_t *message = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    free(text);
    return message;
}

static infer_status make_turn(struct chat *chat, infer_chat_result *result)
{
    struct cli *cli = chat->cli;
    struct cli_options *opt = &cli->opt;
    char *messages = json_dumps(chat->messages, JSON_COMPACT);
    int64_t now = cli_local_time();
    infer_chat_options options = {
        .size = sizeof options,
        .sampler = chat->sampler,
        .chat_template = chat->template,
        .tools = chat->tools,
        .local_time = &now,
        .prompt_only = opt->max_tokens == 0,
        .max_tokens = opt->max_tokens == CLI_UNSET ? 0 : opt->max_tokens,
        .max_thought_tokens = opt->reasoning == CLI_UNSET ? 0 : opt->reasoning,
        .no_thought = opt->reasoning == 0,
        .stop = opt->stop.items,
        .stop_count = opt->stop.count,
        .on_event = on_event,
        .on_token = on_token,
        .ud = chat,
    };
    if (!messages)
        return cli_fail(cli, INFER_E_MEMORY, "out of memory");
    infer_status status = infer_sampler_grammar(chat->sampler, chat->engine.grammar, &cli->err);
    cli_turn_begin(cli, &chat->engine, chat->turn);
    cli_progress_start(cli);
    if (cli->progress_start_ns != 0)
        options.progress = on_progress;
    if (status == INFER_OK)
        status = infer_chat(chat->engine.session, messages, strlen(messages), &options, result,
                            &cli->err);
    cli_progress_end(cli);
    cli_interrupt_target(NULL);
    show_dim(chat->turn, false);
    free(messages);
    return status;
}

/* Of the calls without a result the first, as the message that a tool's result is; NULL: there is none. */
static json_t *result_message(const struct chat *chat)
{
    size_t count = json_array_size(chat->messages), results = 0;
    const char *role = NULL;
    while (count > 0 && !role) {
        json_t *message = json_array_get(chat->messages, --count);
        role = json_string_value(json_object_get(message, "role"));
        if (role && strcmp(role, "tool") == 0) {
            results++;
            role = NULL;
        }
    }
    json_t *calls = json_object_get(json_array_get(chat->messages, count), "tool_calls");
    json_t *call = json_array_get(calls, results);
    if (!call)
        return NULL;
    return json_pack("{s:s,s:O,s:O}", "role", "tool", "tool_call_id", json_object_get(call, "id"),
                     "name", json_object_get(json_object_get(call, "function"), "name"));
}

/* Asks one thing; with `message` (taken) that is a tool's result. Where it fails, or is cancelled before it
 * was read, the conversation is as before. */
static infer_status ask(struct chat *chat, json_t *message, const char *text, size_t len,
                        struct cli_turn *turn)
{
    struct cli *cli = chat->cli;
    infer_chat_result result = {0};
    size_t before = json_array_size(chat->messages);
    json_t *content = json_stringn(text, len);
    if (!content) {
        json_decref(message);
        return cli_fail(cli, INFER_E_ARGUMENT, "the message is not UTF-8");
    }
    if (!message)
        message = json_pack("{s:s}", "role", "user");
    json_object_set_new(message, "content", content);
    json_array_append_new(chat->messages, message);
    chat->turn = turn;
    turn->calls = chat->tools ? json_array() : NULL;
    infer_status status = make_turn(chat, &result);
    turn->stop = result.stop;
    turn->prompt_tokens = result.prompt_tokens;
    turn->cached_tokens = result.kept_tokens;
    turn->tokens = result.tokens;
    turn->prefill_s = (double)result.prefill_ns * 1e-9;
    turn->decode_s = (double)result.decode_ns * 1e-9;
    turn->prefill_cancelled = result.stop == INFER_STOP_CANCELLED && result.decode_ns == 0;
    json_t *answer = status == INFER_OK ? made_message(chat) : NULL;
    if (answer) {
        json_array_append_new(chat->messages, answer);
        infer_session_tokens(chat->engine.session, &chat->used);
    } else {
        json_array_remove(chat->messages, before);
    }
    chat->turn = NULL;
    return status;
}

static infer_status one_turn(struct chat *chat, const struct cli_bytes *text)
{
    struct cli *cli = chat->cli;
    struct cli_turn turn = {.stream = !cli->opt.json};
    infer_status status = ask(chat, NULL, text->data, text->len, &turn);
    if (status == INFER_OK && cli->opt.json)
        status = cli_output_json_decimal(cli, cli_turn_json(&turn));
    else if (status == INFER_OK)
        cli_output(cli, "\n", 1);
    if (status == INFER_OK) {
        char summary[256];
        cli_turn_summary(&turn, summary, sizeof summary);
        cli_notice(cli, "%s", summary);
    }
    cli_turn_free(&turn);
    return status;
}

/* ---- At the terminal ----------------------------------------------------------------------- */

static void show_help(void)
{
    fputs(
        "/clear        forget the conversation\n"
        "/result TEXT  the result of a tool's call; after that of the last one the model goes on\n"
        "/help         this text\n"
        "/exit         end (also Ctrl-D)\n"
        "Ctrl-C ends a reply. The number before the prompt is how many tokens of context are "
        "left.\n",
        stderr);
}

static void answer(struct chat *chat, json_t *message, const char *line)
{
    struct cli_turn turn = {.stream = true};
    cli_interrupt_reset();
    infer_status status = ask(chat, message, line, strlen(line), &turn);
    cli_output(chat->cli, "\n", 1);
    cli_output_flush(chat->cli);
    if (status == INFER_E_CONTEXT)
        cli_say("%s; /clear forgets the conversation", chat->cli->err.text);
    else if (status != INFER_OK)
        cli_say("%s", chat->cli->err.text);
    else if (turn.stop != INFER_STOP_END)
        cli_say("(%s)", infer_stop_name(turn.stop));
    else if (json_array_size(turn.calls) != 0)
        cli_say("/result TEXT gives the result of %s",
                json_array_size(turn.calls) == 1 ? "the call" : "the calls, one by one");
    cli_turn_free(&turn);
}

/* The result of a call; the model goes on once all calls have theirs. */
static void take_result(struct chat *chat, const char *text)
{
    json_t *message = result_message(chat);
    if (!message) {
        cli_say("there is no call that waits for a result");
        return;
    }
    size_t before = json_array_size(chat->messages);
    json_object_set_new(message, "content", cli_json_text_replaced(text, strlen(text)));
    json_array_append(chat->messages, message);
    json_t *next = result_message(chat);
    if (next) {
        cli_say("and of the next call, %s?", json_string_value(json_object_get(next, "name")));
        json_decref(next);
        json_decref(message);
        return;
    }
    json_array_remove(chat->messages, before);
    answer(chat, message, text);
}

/* Does what one line asks; false ends the conversation. */
static bool take_line(struct chat *chat, const char *line)
{
    if (*line == '\0')
        return true;
    if (strcmp(line, "/exit") == 0 || strcmp(line, "/quit") == 0)
        return false;
    if (strcmp(line, "/help") == 0) {
        show_help();
    } else if (strcmp(line, "/clear") == 0) {
        clear(chat);
    } else if (strncmp(line, "/result", 7) == 0 && (line[7] == ' ' || !line[7])) {
        take_result(chat, line + 7 + (line[7] == ' '));
    } else if (*line == '/' && strcspn(line + 1, " /") == strlen(line + 1)) {
        cli_say("unknown command; /help lists them");
    } else {
        answer(chat, NULL, line);
    }
    return !chat->cli->output_failed;
}

static char *prompt_of(EditLine *line)
{
    struct chat *chat = NULL;
    el_get(line, EL_CLIENTDATA, &chat);
    uint32_t context = chat->engine.plan_info.context;
    size_t left = chat->used < context ? context - chat->used : 0;
    snprintf(chat->prompt, sizeof chat->prompt, "[%zu] > ", left);
    return chat->prompt;
}

static void read_lines(struct chat *chat, EditLine *editor, History *lines)
{
    HistEvent event;
    for (;;) {
        int len = 0;
        cli_interrupt_reset();
        errno = 0;
        const char *read = el_gets(editor, &len);
        if (!read || len <= 0) {
            if (!cli_interrupted())
                break;
            el_reset(editor); /* Ctrl-C at the prompt: a new line */
            fputc('\n', stderr);
            continue;
        }
        if (len > 1)
            history(lines, &event, H_ENTER, read);
        char *line = cli_alloc((size_t)len + 1, 1);
        memcpy(line, read, (size_t)len);
        line[strcspn(line, "\r\n")] = '\0';
        bool more = take_line(chat, line);
        free(line);
        if (!more)
            break;
    }
}

static infer_status converse(struct chat *chat)
{
    HistEvent event;
    setlocale(LC_CTYPE, ""); /* of lines alone: numbers keep their point */
    History *lines = history_init();
    EditLine *editor = el_init("infer", stdin, stderr, stderr);
    if (!lines || !editor)
        return cli_fail(chat->cli, INFER_E_MEMORY, "the line editor does not start");
    history(lines, &event, H_SETSIZE, HISTORY_LINES);
    el_set(editor, EL_CLIENTDATA, chat);
    el_set(editor, EL_PROMPT, prompt_of);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, lines);
    cli_notice(chat->cli, "/help lists what can be typed; Ctrl-D ends");
    cli_notices_show(chat->cli);
    read_lines(chat, editor, lines);
    el_end(editor);
    history_end(lines);
    fputc('\n', stderr);
    return INFER_OK;
}

/* The tools of --tools, before anybody waits for them. */
static infer_status open_tools(struct chat *chat)
{
    struct cli *cli = chat->cli;
    const char *choice = cli->opt.tool_choice;
    struct cli_bytes text = {0};
    infer_tools_options options = {.size = sizeof options, .strict = cli->opt.strict_tools};
    infer_error err;
    if (!cli->opt.tools)
        return INFER_OK;
    if (choice && strcmp(choice, "none") == 0) {
        options.choice = INFER_TOOLS_NONE;
    } else if (choice && strcmp(choice, "required") == 0) {
        options.choice = INFER_TOOLS_REQUIRED;
    } else if (choice && strcmp(choice, "auto") != 0) {
        options.choice = INFER_TOOLS_NAMED;
        options.name = choice;
    }
    infer_status status = cli_read_text(cli, cli->opt.tools, &text);
    if (status == INFER_OK) {
        status = infer_tools_new(chat->template, text.data, text.len, &options, &chat->tools, &err);
        if (status != INFER_OK)
            cli_fail(cli, status, "%.100s: %.390s", cli->opt.tools, err.text);
    }
    free(text.data);
    return status;
}

static infer_status check_options(struct cli *cli)
{
    if (cli->opt.tool_choice && !cli->opt.tools)
        return cli_usage(cli, "--tool-choice needs --tools FILE");
    if (cli->opt.strict_tools && !cli->opt.tools)
        return cli_usage(cli, "--strict-tools needs --tools FILE");
    if (cli->opt.tools && (cli->opt.grammar || cli->opt.schema))
        return cli_usage(cli, "--tools does not go with --grammar and --schema");
    return INFER_OK;
}

static infer_status open_chat(struct chat *chat)
{
    struct cli *cli = chat->cli;
    infer_status status = cli_open_grammar(cli, cli->opt.operands[0], &chat->engine);
    if (status == INFER_OK && !chat->engine.model)
        status = cli_open_model(cli, cli->opt.operands[0], &chat->engine);
    if (status == INFER_OK)
        status =
            cli_open_template(cli, chat->engine.model, cli->opt.chat_template, &chat->template);
    if (status == INFER_OK)
        status = open_tools(chat);
    if (status == INFER_OK)
        status = cli_open_session(cli, cli->opt.operands[0], &chat->engine);
    if (status == INFER_OK)
        status = cli_sampler_new(cli, &chat->engine, &chat->sampler);
    chat->messages = json_array();
    clear(chat);
    return status;
}

infer_status cmd_chat(struct cli *cli)
{
    struct chat chat = {.cli = cli};
    struct cli_bytes text = {0};
    infer_status status = INFER_OK;
    bool talk = !cli->opt.prompt && !cli->opt.prompt_file && isatty(STDIN_FILENO);
    if (talk && cli->opt.json)
        return cli_usage(cli, "--json needs -p TEXT, -f FILE, or text on stdin");
    if ((status = check_options(cli)))
        return status;
    cli_interrupt_install();
    if (!talk)
        status = cli_read_prompt(cli, &text);
    if (status == INFER_OK)
        status = open_chat(&chat);
    if (status == INFER_OK)
        status = talk ? converse(&chat) : one_turn(&chat, &text);
    if (talk)
        cli_interrupt_reset();
    json_decref(chat.messages);
    infer_sampler_free(chat.sampler);
    infer_tools_free(chat.tools);
    infer_template_free(chat.template);
    cli_engine_close(&chat.engine);
    free(text.data);
    return status;
}
