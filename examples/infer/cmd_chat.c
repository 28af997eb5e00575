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
    json_t *messages; /* as templates want them */
    size_t used;      /* tokens of context that the conversation takes */
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

/* The variables of the template, as JSON text to be freed. */
static char *variables_of(const struct chat *chat)
{
    json_t *variables =
        json_pack("{s:O,s:b}", "messages", chat->messages, "add_generation_prompt", 1);
    if (chat->cli->opt.reasoning == 0) { /* the names that templates know */
        json_object_set_new(variables, "enable_thinking", json_false());
        json_object_set_new(variables, "thinking", json_false());
    }
    char *text = json_dumps(variables, JSON_COMPACT);
    json_decref(variables);
    return text;
}

static infer_status render(struct chat *chat, struct cli_ids *ids)
{
    char *variables = variables_of(chat);
    const infer_span *spans;
    size_t count = 0;
    int64_t now = cli_local_time();
    infer_error *err = &chat->cli->err;
    if (!variables)
        return cli_fail(chat->cli, INFER_E_MEMORY, "out of memory");
    infer_status status = infer_template_render(chat->template, variables, strlen(variables), &now,
                                                &spans, &count, err);
    free(variables);
    if (status != INFER_OK)
        return status;
    cli_ids_reserve(ids, 1024);
    status = infer_template_tokens(chat->template, ids->data, ids->capacity, &count, err);
    if (status == INFER_E_RANGE) {
        cli_ids_reserve(ids, count);
        status = infer_template_tokens(chat->template, ids->data, ids->capacity, &count, err);
    }
    ids->count = status == INFER_OK ? count : 0;
    return status;
}

/* Asks one thing. Where it fails, or is cancelled before it was read, the conversation is as before. */
static infer_status ask(struct chat *chat, const char *text, size_t len, struct cli_turn *turn)
{
    struct cli *cli = chat->cli;
    struct cli_ids ids = {0};
    infer_thought thought;
    size_t before = json_array_size(chat->messages);
    json_t *message = json_stringn(text, len);
    if (!message)
        return cli_fail(cli, INFER_E_ARGUMENT, "the message is not UTF-8");
    add_message(chat, "user", message);
    infer_status status = render(chat, &ids);
    if (status == INFER_OK)
        status = infer_template_thought(chat->template, ids.data, ids.count, &thought, &cli->err);
    if (status == INFER_OK) {
        if (cli->opt.reasoning != CLI_UNSET)
            thought.max_tokens = cli->opt.reasoning;
        turn->thinks = thought.begin >= 0 ? &thought : NULL;
        status = cli_turn_run(cli, &chat->engine, chat->sampler, ids.data, ids.count, turn);
        turn->thinks = NULL;
    }
    free(ids.data);
    if (status == INFER_OK && !turn->prefill_cancelled) {
        add_message(chat, "assistant", cli_json_text_replaced(turn->text.data, turn->text.len));
        infer_session_tokens(chat->engine.session, &chat->used);
    } else {
        while (json_array_size(chat->messages) > before)
            json_array_remove(chat->messages, before);
    }
    return status;
}

static infer_status one_turn(struct chat *chat, const struct cli_bytes *text)
{
    struct cli *cli = chat->cli;
    struct cli_turn turn = {.stream = !cli->opt.json};
    infer_status status = ask(chat, text->data, text->len, &turn);
    if (status == INFER_OK && cli->opt.json)
        status = cli_output_json(cli, cli_turn_json(&turn));
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
    fputs("/clear  forget the conversation\n"
          "/help   this text\n"
          "/exit   end (also Ctrl-D)\n"
          "Ctrl-C ends a reply. The number before the prompt is how many tokens of context are "
          "left.\n",
          stderr);
}

static void answer(struct chat *chat, const char *line)
{
    struct cli_turn turn = {.stream = true, .sampler_known = true};
    cli_interrupt_reset();
    infer_status status = ask(chat, line, strlen(line), &turn);
    cli_output(chat->cli, "\n", 1);
    cli_output_flush(chat->cli);
    if (status == INFER_E_CONTEXT)
        cli_say("%s; /clear forgets the conversation", chat->cli->err.text);
    else if (status != INFER_OK)
        cli_say("%s", chat->cli->err.text);
    else if (turn.stop != INFER_STOP_END)
        cli_say("(%s)", infer_stop_name(turn.stop));
    cli_turn_free(&turn);
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
    } else if (*line == '/' && strcspn(line + 1, " /") == strlen(line + 1)) {
        cli_say("unknown command; /help lists them");
    } else {
        answer(chat, line);
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

static infer_status open_chat(struct chat *chat)
{
    struct cli *cli = chat->cli;
    infer_status status = cli_open_grammar(cli, cli->opt.operands[0], &chat->engine);
    if (status == INFER_OK)
        status = cli_open_session(cli, cli->opt.operands[0], &chat->engine);
    if (status == INFER_OK)
        status =
            cli_open_template(cli, chat->engine.model, cli->opt.chat_template, &chat->template);
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
    infer_template_free(chat.template);
    cli_engine_close(&chat.engine);
    free(text.data);
    return status;
}
