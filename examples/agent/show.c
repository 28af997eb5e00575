/*
 * What the person sees. The model's text goes to stdout, all else to stderr; with --json every event is an
 * object on a line of stdout. Nothing that a model, a file or a program made reaches either but escaped, and
 * what is not the model's own stands behind "  | ".
 */
#include "log.h"
#include "loop.h"
#include "policy.h"
#include "sandbox.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALL_SHOWN 300 /* bytes of a call's arguments on its line; the question shows all of them */
#define RESULT_LINES 8 /* of a result */
#define CHANGE_LINES 200 /* of a change that nobody was asked */
#define LINE_SHOWN 200   /* bytes of each */
#define SILENT_S 2       /* what takes no longer shows no progress */

struct show {
    bool colours;   /* stderr is a terminal that knows them */
    bool dim;       /* stderr is in the middle of a thought */
    bool line_open; /* stdout is in the middle of a line */
    bool passing;   /* stderr has a line that goes again: a call that is being made, progress */
    bool failed;    /* stdout takes no more */
    const char *waits_for; /* what progress is of, since when */
    time_t since;
    struct text held; /* the first bytes of a letter whose others have not come */
};

bool show_open(struct agent *agent)
{
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    agent->show = calloc(1, sizeof *agent->show);
    if (!agent->show)
        return false;
    agent->show->colours =
        isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && (!none || !*none);
    return true;
}

void show_close(struct agent *agent)
{
    if (agent->show)
        text_free(&agent->show->held);
    free(agent->show);
    agent->show = NULL;
}

bool show_failed(const struct agent *agent)
{
    return agent->show->failed;
}

/* Without stdio, which loses what a signal (Ctrl-C, the clock) interrupts. */
static void output(struct show *show, const char *data, size_t len)
{
    if (!text_write(STDOUT_FILENO, data, len))
        show->failed = true;
}

static void output_shown(struct show *show, FILE *stream, const char *data, size_t len, bool lines)
{
    struct text shown = {0};
    text_add_shown(&shown, data, len, lines, false);
    if (shown.failed) {
        show->failed = true;
        fputs("out of memory", stderr);
    } else if (stream == stdout)
        output(show, shown.data ? shown.data : "", shown.len);
    else if (shown.len)
        fwrite(shown.data, 1, shown.len, stream);
    text_free(&shown);
}

/* ---- Events as JSON ------------------------------------------------------------------------ */

/* A string of any bytes: what is not UTF-8 escaped as on a terminal. */
static json_t *json_any(const char *data, size_t len)
{
    json_t *value = json_stringn(data ? data : "", len);
    struct text shown = {0};
    if (value)
        return value;
    text_add_shown(&shown, data, len, true, false);
    value = shown.failed ? NULL : json_stringn(shown.data, shown.len);
    text_free(&shown);
    return value;
}

/* Takes the members. */
static void emit(struct agent *agent, const char *event, json_t *members)
{
    json_t *object = json_pack("{s:s}", "event", event);
    struct text line = {0};
    bool ok = object && members && json_object_update(object, members) == 0 &&
              text_add_json(&line, object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    text_add(&line, "\n", 1);
    if (ok && !line.failed)
        output(agent->show, line.data, line.len);
    else
        agent->show->failed = true;
    text_free(&line);
    json_decref(object);
    json_decref(members);
}

/* ---- Lines of stderr ----------------------------------------------------------------------- */

static void colour(const struct show *show, const char *code)
{
    if (show->colours)
        fprintf(stderr, "\033[%sm", code);
}

/* Ends what is under way on either stream, so that a line can follow. */
static void end_line(struct show *show)
{
    if (show->dim) {
        colour(show, "0");
        fputc('\n', stderr);
    }
    if (show->line_open)
        output(show, "\n", 1);
    if (show->passing) /* a call that is being made: shown again once it is whole */
        fputs("\r\033[K", stderr);
    show->dim = show->line_open = show->passing = false;
}

void show_say(struct agent *agent, const char *format, ...)
{
    char line[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (agent->options.json) {
        emit(agent, "notice", json_pack("{s:o}", "text", json_any(line, strlen(line))));
        return;
    }
    end_line(agent->show);
    fputs("infer-agent: ", stderr);
    output_shown(agent->show, stderr, line, strlen(line), false);
    fputc('\n', stderr);
}

/* ---- The start ----------------------------------------------------------------------------- */

static const char *approve_name(enum approve_mode mode)
{
    return mode == APPROVE_ASK ? "ask" : mode == APPROVE_EDITS ? "edits" : "deny";
}

/* A row of the first screen; without a name it goes on with the one before. */
static void row(struct agent *agent, const char *name, const char *text)
{
    fprintf(stderr, "%-11s", name);
    output_shown(agent->show, stderr, text, strlen(text), false);
    fputc('\n', stderr);
}

/* Where programs run: what that means for files, network and names. */
enum reach {
    REACH_WALLS, /* behind walls */
    REACH_NOT,   /* nowhere: no wall around files works here */
    REACH_ALL    /* --sandbox none */
};

static enum reach reach_of(const struct agent *agent)
{
    return agent->options.sandbox == SANDBOX_NONE           ? REACH_ALL
           : sandbox_tier(agent->sandbox) == SANDBOX_TIER_D ? REACH_NOT
                                                            : REACH_WALLS;
}

static void files_rows(struct agent *agent, enum reach reach)
{
    static const char *const changes[] = {
        "files below the root; programs: these, and a private TMPDIR",
        "files below the root; no program runs",
        "files below the root; programs: all that you can change"};
    static const char *const reads[] = {
        "files below the root; programs: these, and the system's programs", "files below the root",
        "files below the root; programs: all that you can read"};
    static const char *const networks[] = {"none", "none", "programs reach all that you can reach"};
    const struct agent_options *options = &agent->options;
    bool read_only = options->sandbox == SANDBOX_READ_ONLY;
    row(agent, "may change",
        read_only ? reach == REACH_NOT ? "nothing; no program runs"
                                       : "nothing; programs: a private TMPDIR alone"
                  : changes[reach]);
    if (reach == REACH_WALLS && !read_only && sandbox_tier(agent->sandbox) != SANDBOX_TIER_A)
        row(agent, "", "(programs make no new names at the root's top)");
    row(agent, "may read", reads[reach]);
    for (size_t i = 0; i < options->read_dir_count && reach == REACH_WALLS; i++) {
        struct text line = {0};
        text_format(&line, "programs: %s (--read)", options->read_dirs[i]);
        row(agent, "", line.failed ? options->read_dirs[i] : line.data);
        text_free(&line);
    }
    row(agent, "protected",
        read_only ? ".git, shell and editor settings, assistants' rules: not written"
        : reach == REACH_ALL
            ? ".git, shell and editor settings: a word is typed (programs: freely)"
            : ".git, shell and editor settings, assistants' rules: a word is typed");
    row(agent, "hidden",
        reach == REACH_ALL ? "secrets as .env*, *.pem, .ssh: not read (by programs: freely)"
                           : "secrets as .env*, *.pem, .ssh: neither read nor written");
    row(agent, "network", networks[reach]);
}

static void walls_row(struct agent *agent, enum reach reach)
{
    enum sandbox_tier tier = sandbox_tier(agent->sandbox);
    if (reach != REACH_WALLS)
        colour(agent->show, "31");
    row(agent, "walls",
        reach == REACH_ALL   ? "NO FILE SANDBOX (--sandbox none): nothing stands around programs"
        : reach == REACH_NOT ? "tier D, NO FILE SANDBOX works here: no program may run"
        : tier == SANDBOX_TIER_A ? "tier A, the best: programs see a file system made for them"
        : tier == SANDBOX_TIER_B ? "tier B: the kernel (Landlock) keeps programs to these folders"
                                 : "tier C: as B on an older kernel, some of it by seccomp alone");
    if (reach != REACH_WALLS)
        colour(agent->show, "0");
    if (reach == REACH_NOT || (reach == REACH_WALLS && tier != SANDBOX_TIER_A))
        row(agent, "", "(infer-agent doctor says why not a better one)");
}

/* What is asked, as it really holds here. */
static void approval_rows(struct agent *agent, enum reach reach)
{
    const struct agent_options *options = &agent->options;
    bool changes = options->sandbox != SANDBOX_READ_ONLY, runs = reach != REACH_NOT;
    const char *asked = changes && runs ? "every change and every run is asked"
                        : changes       ? "every change is asked"
                        : runs          ? "every run is asked"
                                        : "nothing is changed or run, so nothing is asked";
    if (options->approve == APPROVE_DENY) {
        row(agent, "approval", "what would be asked is refused (--approve deny)");
        return;
    }
    if (options->approve == APPROVE_EDITS && changes && !policy_asks_all(agent)) {
        row(agent, "approval", "changes go through, programs and protected names are asked; once");
        row(agent, "", "a file was read or a program ran: also what undo cannot take back");
    } else {
        row(agent, "approval", asked);
    }
    if (options->approve == APPROVE_EDITS && changes && policy_asks_all(agent))
        row(agent, "",
            reach == REACH_WALLS ? "(--approve edits does not hold: programs run as root)"
                                 : "(--approve edits does not hold: no wall around files)");
    if (!isatty(STDIN_FILENO) && (changes || runs))
        row(agent, "", "no terminal to answer at: what is asked is refused");
}

/* Takes the value. Where there is no memory the array is gone. */
static void append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value)) {
        json_decref(*array);
        *array = NULL;
    }
}

static json_t *texts(const char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        append(&array, json_any(items[i], strlen(items[i])));
    return array;
}

static json_t *tool_names(const struct agent *agent)
{
    json_t *array = json_array();
    for (size_t i = 0; i < agent->tools.count; i++)
        append(&array, json_string(agent->tools.items[i].name));
    return array;
}

void show_start(struct agent *agent)
{
    const struct agent_options *options = &agent->options;
    const char *model =
        options->model_path ? options->model_path : "none: the turns of a log are played";
    struct text line = {0};
    const char *walls = sandbox_describe(agent->sandbox), *log = log_path(agent->log);
    if (options->json) {
        char tier[2] = {(char)sandbox_tier(agent->sandbox)};
        emit(agent, "start",
             json_pack("{s:o,s:I,s:o,s:s,s:o,s:s,s:o,s:o,s:o}", "model",
                       json_any(model, strlen(model)), "context", (json_int_t)agent->model.context,
                       "root", json_any(options->root, strlen(options->root)), "tier", tier,
                       "sandbox", json_any(walls, strlen(walls)), "approve",
                       approve_name(options->approve), "read",
                       texts(options->read_dirs, options->read_dir_count), "tools",
                       tool_names(agent), "log", json_any(log, strlen(log))));
        return;
    }
    enum reach reach = reach_of(agent);
    text_format(&line, "%s, %zu tokens of context", model, agent->model.context);
    row(agent, "model", line.failed ? model : line.data);
    row(agent, "root", options->root);
    files_rows(agent, reach);
    walls_row(agent, reach);
    approval_rows(agent, reach);
    row(agent, "log", log);
    text_free(&line);
}

/* ---- A turn as it comes -------------------------------------------------------------------- */

/* How many bytes at the end of data[len) begin a letter that is not whole. */
static size_t unfinished(const char *data, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char byte = (unsigned char)data[len - back];
        if (byte >= 0xc0)
            return back < (byte < 0xe0 ? 2u : byte < 0xf0 ? 3u : 4u) ? back : 0;
        if (byte < 0x80)
            return 0;
    }
    return 0;
}

/* Gives whole letters to `piece`, keeps the rest for the next time. */
static void whole_letters(struct agent *agent, const char *text, size_t len,
                          void (*piece)(struct agent *, const char *, size_t))
{
    struct text *held = &agent->show->held;
    text_add(held, text, len);
    if (held->failed || held->len == 0)
        return;
    size_t rest = len ? unfinished(held->data, held->len) : 0; /* no text: the end */
    if (held->len > rest)
        piece(agent, held->data, held->len - rest);
    memmove(held->data, held->data + held->len - rest, rest);
    held->len = rest;
}

static void text_piece(struct agent *agent, const char *text, size_t len)
{
    struct show *show = agent->show;
    if (agent->options.json) {
        emit(agent, "text", json_pack("{s:o}", "text", json_any(text, len)));
        return;
    }
    if (show->dim || show->passing)
        end_line(show);
    output_shown(show, stdout, text, len, true);
    show->line_open = text[len - 1] != '\n';
}

static void thought_piece(struct agent *agent, const char *text, size_t len)
{
    struct show *show = agent->show;
    if (agent->options.json) {
        emit(agent, "thought", json_pack("{s:o}", "text", json_any(text, len)));
    } else if (isatty(STDERR_FILENO)) { /* for a person alone */
        if (!show->dim) {
            end_line(show);
            colour(show, "2");
        }
        show->dim = true;
        output_shown(show, stderr, text, len, true);
    }
}

void show_text(struct agent *agent, const char *text, size_t len)
{
    whole_letters(agent, text, len, text_piece);
}

void show_thought(struct agent *agent, const char *text, size_t len)
{
    whole_letters(agent, text, len, thought_piece);
}

static time_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

void show_wait(struct agent *agent, const char *what)
{
    agent->show->waits_for = what;
    agent->show->since = seconds_now();
}

void show_progress(struct agent *agent, double fraction)
{
    struct show *show = agent->show;
    if (agent->options.json || !show->colours)
        return;
    if (fraction < 1 && seconds_now() - show->since < SILENT_S)
        return;
    if (fraction < 1 || show->passing)
        end_line(show);
    if (fraction >= 1)
        return;
    fprintf(stderr, "  %s: %.0f %%", show->waits_for, fraction * 100);
    show->passing = true;
}

static void call_name(struct show *show, const char *name)
{
    colour(show, "1");
    fputs("* ", stderr);
    output_shown(show, stderr, name, strlen(name), false);
    colour(show, "0");
}

void show_call_begun(struct agent *agent, const char *name)
{
    if (agent->options.json || !agent->show->colours)
        return;
    whole_letters(agent, "", 0, text_piece);
    end_line(agent->show);
    call_name(agent->show, name);
    fputs(" ...", stderr);
    agent->show->passing = true;
}

void show_call(struct agent *agent, const struct turn_call *call)
{
    size_t len = strlen(call->arguments);
    if (agent->options.json) {
        emit(agent, "call",
             json_pack("{s:o,s:o,s:o}", "id", json_any(call->id, strlen(call->id)), "name",
                       json_any(call->name, strlen(call->name)), "arguments",
                       json_any(call->arguments, len)));
        return;
    }
    end_line(agent->show);
    call_name(agent->show, call->name);
    fputc(' ', stderr);
    output_shown(agent->show, stderr, call->arguments, len < CALL_SHOWN ? len : CALL_SHOWN, false);
    fputs(len > CALL_SHOWN ? " ...\n" : "\n", stderr);
}

void show_turn(struct agent *agent, size_t step, const struct turn *turn)
{
    whole_letters(agent, "", 0, text_piece);
    if (agent->options.json) {
        emit(agent, "turn",
             json_pack("{s:I,s:s,s:I,s:I,s:I}", "step", (json_int_t)step, "stop", turn->stop,
                       "prompt_tokens", (json_int_t)turn->prompt_tokens, "kept_tokens",
                       (json_int_t)turn->kept_tokens, "tokens", (json_int_t)turn->tokens));
        return;
    }
    end_line(agent->show);
    colour(agent->show, "2");
    fprintf(stderr, "  (turn %zu: %zu tokens of context, %zu of them kept; %zu made)", step,
            turn->prompt_tokens, turn->kept_tokens, turn->tokens);
    colour(agent->show, "0");
    fputc('\n', stderr);
}

/* ---- What comes of a call ------------------------------------------------------------------ */

/* Lines of text, each behind a mark that none of them can make; at most `lines_max`. Returns how far it got. */
static const char *block(struct show *show, const char *at, const char *end, size_t lines_max,
                         size_t line_max)
{
    for (size_t lines = 0; at < end && lines < lines_max; lines++) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((line ? line : end) - at);
        fputs("  | ", stderr);
        colour(show, "2");
        output_shown(show, stderr, at, len < line_max ? len : line_max, false);
        colour(show, "0");
        fputs(len > line_max ? " ...\n" : "\n", stderr);
        at += len + (line != NULL);
    }
    return at;
}

void show_question(struct agent *agent, const char *id, const struct action *action,
                   const char *why)
{
    static const char *const kinds[] = {"read", "write", "run", "git", "mcp"};
    const char *bytes = action->shown.data ? action->shown.data : "";
    bool terminal = isatty(STDIN_FILENO);
    if (agent->options.json) {
        emit(agent, "question",
             json_pack("{s:o,s:s,s:o,s:o,s:b}", "id", json_any(id, strlen(id)), "kind",
                       kinds[action->kind], "bytes", json_any(bytes, action->shown.len), "why",
                       json_any(why, strlen(why)), "terminal", terminal));
    } else if (!terminal) { /* else the terminal shows it */
        fprintf(stderr, "  a question (%s), and no terminal to answer it:\n", kinds[action->kind]);
        block(agent->show, bytes, bytes + action->shown.len, SIZE_MAX, SIZE_MAX);
    }
}

void show_verdict(struct agent *agent, const char *id, const char *verdict, const char *why)
{
    if (agent->options.json) {
        emit(agent, "verdict",
             json_pack("{s:o,s:s,s:o}", "id", json_any(id, strlen(id)), "verdict", verdict, "why",
                       json_any(why, strlen(why))));
    } else if (strcmp(verdict, "deny") == 0 || strcmp(verdict, "no") == 0) {
        colour(agent->show, "31");
        fputs("  refused", stderr);
        colour(agent->show, "0");
        fputs(*why ? ": " : "", stderr);
        output_shown(agent->show, stderr, why, strlen(why), false);
        fputc('\n', stderr);
    }
}

void show_change(struct agent *agent, const char *id, const struct action *action)
{
    const char *at = action->shown.data ? action->shown.data : "", *end = at + action->shown.len;
    if (agent->options.json) {
        emit(agent, "change",
             json_pack("{s:o,s:o}", "id", json_any(id, strlen(id)), "bytes",
                       json_any(at, action->shown.len)));
        return;
    }
    at = block(agent->show, at, end, CHANGE_LINES, LINE_SHOWN);
    if (at < end)
        fprintf(stderr, "  | (%zu more bytes, all in the log)\n", (size_t)(end - at));
}

void show_result(struct agent *agent, const char *id, bool ok, const struct text *content,
                 size_t left_out)
{
    const char *at = content->data ? content->data : "", *end = at + content->len;
    if (agent->options.json) {
        emit(agent, "result",
             json_pack("{s:o,s:b,s:o,s:I}", "id", json_any(id, strlen(id)), "ok", ok, "text",
                       json_any(at, content->len), "left_out", (json_int_t)left_out));
        return;
    }
    at = block(agent->show, at, end, RESULT_LINES, LINE_SHOWN);
    if (at < end)
        fprintf(stderr, "  | (%zu more bytes)\n", (size_t)(end - at));
}

/* How a task ended, for a person. */
static const char *const end_texts[] = {
    [REASON_END] = "the task is done",
    [REASON_STEPS] = "the task was stopped: it took as many turns as --steps allows",
    [REASON_TOKENS] = "the task was stopped: it made as many tokens as --tokens allows",
    [REASON_SECONDS] = "the task was stopped: it took as long as --seconds allows",
    [REASON_REPEATS] = "the task was stopped: the model made the same call again and again",
    [REASON_CONTEXT] = "the task was stopped: the context is full (-c N gives more)",
    [REASON_CANCELLED] = "the task was stopped by Ctrl-C",
    [REASON_LOG] = "the log has no more turns of this task",
    [REASON_ERROR] = "the task failed"};

const char *show_reason(enum reason reason)
{
    return end_texts[reason];
}

void show_end(struct agent *agent, const struct outcome *outcome)
{
    if (agent->options.json) {
        json_t *members = json_pack("{s:s,s:I,s:I,s:f}", "reason", reason_name(outcome->reason),
                                    "steps", (json_int_t)outcome->steps, "tokens",
                                    (json_int_t)outcome->tokens, "seconds", outcome->seconds);
        if (outcome->error.len)
            json_object_set_new(members, "error",
                                json_any(outcome->error.data, outcome->error.len));
        emit(agent, "end", members);
    } else if (outcome->reason == REASON_ERROR) {
        show_say(agent, "%s: %s", end_texts[REASON_ERROR],
                 outcome->error.len
                     ? outcome->error.data
                     : "there is no memory, or the log or the output cannot be written");
    } else {
        show_say(agent, "%s (%zu turn%s, %zu token%s, %.1f s)", end_texts[outcome->reason],
                 outcome->steps, outcome->steps == 1 ? "" : "s", outcome->tokens,
                 outcome->tokens == 1 ? "" : "s", outcome->seconds);
    }
}
