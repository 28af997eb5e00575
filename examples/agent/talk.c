/* A conversation at the terminal: lines with editing and history. */
#include "log.h"
#include "loop.h"
#include "mcp.h"

#include <histedit.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_LINES 1000

struct talk {
    struct agent *agent;
    char prompt[64];
};

static void show_help(void)
{
    fputs(
        "/clear  forget the conversation, and what was read in it\n"
        "/undo   take back the last change that was made here\n"
        "/help   this text\n"
        "/exit   end (also Ctrl-D)\n"
        "Ctrl-C stops a turn and what it runs. The number before the prompt is how many tokens of "
        "context are left.\n",
        stderr);
}

/* The person's own call of a tool: asked for by typing it. */
static void undo(struct agent *agent)
{
    struct action action = {0};
    struct text result = {0};
    bool sound = tools_prepare(agent, "undo", "{}", 2, &action, &result);
    if (sound && !log_write(agent->log, "undo",
                            json_pack("{s:s,s:o}", "digest", action.digest, "bytes",
                                      log_bytes(action.shown.data, action.shown.len))))
        text_format(&result, "the log cannot be written");
    else if (sound && mcp_pause(agent, &result)) {
        action.perform(&action, agent, &result);
        mcp_resume(agent);
    }
    show_say(agent, "%s", result.data ? result.data : "out of memory");
    action_free(&action);
    text_free(&result);
}

static void answer(struct agent *agent, const char *line)
{
    struct outcome outcome;
    loop_run(agent, line, strlen(line), &outcome);
    if (outcome.reason == REASON_CONTEXT)
        show_say(agent, "/clear forgets the conversation, and makes room");
    text_free(&outcome.error);
}

/* Does what one line asks; false ends the conversation. */
static bool take_line(struct agent *agent, const char *line)
{
    if (line[strspn(line, " \t")] == '\0')
        return true;
    if (strcmp(line, "/exit") == 0 || strcmp(line, "/quit") == 0)
        return false;
    if (strcmp(line, "/help") == 0) {
        show_help();
    } else if (strcmp(line, "/clear") == 0) {
        if (!loop_clear(agent) || !log_write(agent->log, "clear", json_object()))
            return false;
    } else if (strcmp(line, "/undo") == 0) {
        undo(agent);
    } else if (*line == '/' && strcspn(line + 1, " /") == strlen(line + 1)) {
        show_say(agent, "no command %s; /help lists them", line);
    } else {
        answer(agent, line);
    }
    return !show_failed(agent);
}

static char *prompt_of(EditLine *editor)
{
    struct talk *talk = NULL;
    el_get(editor, EL_CLIENTDATA, &talk);
    const struct agent *agent = talk->agent;
    size_t context = agent->model.context;
    snprintf(talk->prompt, sizeof talk->prompt, "[%zu] > ",
             agent->used < context ? context - agent->used : 0);
    return talk->prompt;
}

static bool read_lines(struct talk *talk, EditLine *editor, History *lines)
{
    HistEvent event;
    for (;;) {
        int len = 0;
        cancel_reset(0);
        const char *read = el_gets(editor, &len);
        if (!read || len <= 0) {
            if (!talk->agent->cancelled)
                return true;
            el_reset(editor); /* Ctrl-C at the prompt: a new line */
            fputc('\n', stderr);
            continue;
        }
        if (len > 1)
            history(lines, &event, H_ENTER, read);
        char *line = strndup(read, (size_t)len);
        if (!line)
            return false;
        line[strcspn(line, "\r\n")] = '\0';
        bool more = take_line(talk->agent, line);
        free(line);
        if (!more)
            return true;
    }
}

bool talk_run(struct agent *agent, struct text *error)
{
    struct talk talk = {.agent = agent};
    HistEvent event;
    setlocale(LC_CTYPE, ""); /* of lines alone: numbers keep their point */
    History *lines = history_init();
    EditLine *editor = el_init("infer-agent", stdin, stderr, stderr);
    bool done = lines && editor;
    if (done) {
        history(lines, &event, H_SETSIZE, HISTORY_LINES);
        el_set(editor, EL_CLIENTDATA, &talk);
        el_set(editor, EL_PROMPT, prompt_of);
        el_set(editor, EL_EDITOR, "emacs");
        el_set(editor, EL_HIST, history, lines);
        show_say(agent, "/help lists what can be typed; Ctrl-D ends");
        done = read_lines(&talk, editor, lines);
        fputc('\n', stderr);
    }
    if (!done)
        text_format(error, "out of memory");
    if (editor)
        el_end(editor);
    if (lines)
        history_end(lines);
    return done;
}
