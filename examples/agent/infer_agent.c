/* infer-agent: an assistant that works in a folder, on a model on this machine. */
#include "log.h"
#include "loop.h"
#include "mcp.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libinfer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LIMIT = 3, EXIT_CANCELLED = 130 };

#define TASK_MAX ((size_t)16 << 20) /* bytes of a task on stdin */

/* One line on stderr. */
static int say_failed(const char *text, int status)
{
    struct text shown = {0};
    text_add_shown(&shown, text, strlen(text), false, false);
    fprintf(stderr, "infer-agent: %s%s\n", shown.data ? shown.data : "out of memory",
            status == EXIT_USAGE ? " (infer-agent --help)" : "");
    text_free(&shown);
    return status;
}

static bool fail(struct text *error, const char *format, const char *first, const char *second)
{
    char line[AGENT_ERROR_MAX];
    snprintf(line, sizeof line, format, first, second);
    text_format(error, "%s", line);
    return false;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static bool is_below_or_same(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 &&
           (path[len] == '\0' || path[len] == '/' || (len && folder[len - 1] == '/'));
}

/* The root is the person's choice, made canonical once. A folder that holds the person's home would open
 * all that the walls are for. */
static bool open_root(struct agent *agent, const char *given, struct text *error)
{
    const char *home = getenv("HOME");
    char *root = realpath(given ? given : ".", NULL);
    int failed = errno; /* the next call sets it too */
    char *real_home = home && *home ? realpath(home, NULL) : NULL;
    agent->options.root = root;
    if (!root)
        fail(error, "--root %.300s: %.100s", given ? given : ".", strerror(failed));
    else if (strcmp(root, "/") == 0 || (real_home && is_below_or_same(real_home, root)))
        fail(error, "%.300s holds your home folder%s: give a folder with the work alone (--root)",
             root, "");
    else if ((agent->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        fail(error, "--root %.300s: %.100s", root, strerror(errno));
    free(real_home);
    return agent->root_fd >= 0;
}

static bool open_sandbox(struct agent *agent, struct text *error)
{
    char why[SANDBOX_ERR] = "";
    struct sandbox_options options = {.root = agent->options.root,
                                      .mode = (enum sandbox_mode)agent->options.sandbox,
                                      .read_dirs = agent->options.read_dirs,
                                      .read_dir_count = agent->options.read_dir_count};
#ifdef AGENT_TEST
    const char *abi = agent->options.landlock_abi;
    options.force_tier = agent->options.tier ? (enum sandbox_tier)agent->options.tier[0] : 0;
    options.force_landlock_abi = abi ? atoi(abi) : 0;
    if (agent->options.small_limits)
        options.limits = (struct sandbox_limits){.wall_ms = 2000,
                                                 .address_bytes = 512 << 20,
                                                 .file_bytes = 8 << 20,
                                                 .disk_files = 20000,
                                                 .tmp_bytes = 16 << 20,
                                                 .output_bytes = 1 << 20,
                                                 .processes = 64};
#endif
    return sandbox_open(&options, &agent->sandbox, why) ||
           fail(error, "sandbox: %.400s%s", why, "");
}

/* The turns of the log: it is to be whole before anything of it is done. */
static bool open_replay(struct agent *agent, struct text *error)
{
    json_t *records = NULL;
    struct text report = {0};
    enum log_state state = log_verify(agent->options.replay, &report, &records);
    bool sound = state != LOG_BROKEN && records;
    if (sound && state == LOG_CUT)
        show_say(agent, "replay: %s", report.data);
    if (!sound)
        fail(error, "--replay %.300s: %.150s", agent->options.replay,
             report.data ? report.data : "it cannot be read");
    text_free(&report);
    return sound && scripted_open_log(agent, records, error);
}

static bool make_tag(struct agent *agent)
{
    unsigned char bytes[8];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(agent->tag + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static json_t *texts_of(const char **items, size_t count)
{
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; i < count; i++)
        ok = ok && !json_array_append_new(array, log_bytes(items[i], strlen(items[i])));
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}

static bool log_start(struct agent *agent)
{
    static const char *const modes[] = {"workspace", "read-only", "none"};
    static const char *const approve[] = {"ask", "edits", "deny"};
    const struct agent_options *options = &agent->options;
    const char *model = options->model_path ? options->model_path : "";
    char tier[2] = {(char)sandbox_tier(agent->sandbox)};
    return log_write(
        agent->log, "start",
        json_pack("{s:s,s:o,s:o,s:s,s:s,s:s,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I}", "version",
                  infer_version(), "model", log_bytes(model, strlen(model)), "root",
                  log_bytes(options->root, strlen(options->root)), "tier", tier, "sandbox",
                  modes[options->sandbox], "approve", approve[options->approve], "read",
                  texts_of(options->read_dirs, options->read_dir_count), "mcp",
                  texts_of(options->servers, options->server_count), "context",
                  (json_int_t)agent->model.context, "steps", (json_int_t)options->steps_max,
                  "tokens", (json_int_t)options->tokens_max, "seconds",
                  (json_int_t)options->seconds_max, "repeats", (json_int_t)options->repeats_max,
                  "seed", (json_int_t)options->seed));
}

static bool open_agent(struct agent *agent, const char *root, struct text *error)
{
    agent->grants = json_object();
    agent->seen = json_object();
    if (!agent->grants || !agent->seen || !show_open(agent) || !make_tag(agent))
        return fail(error, "out of memory%s%s", "", "");
    if (!open_root(agent, root, error))
        return false;
    agent->log = log_open(agent->options.log_path, agent->options.root, error);
    if (!agent->log || !open_sandbox(agent, error) || !tools_open(agent, error))
        return false;
    bool open = agent->options.replay   ? open_replay(agent, error)
                : agent->options.script ? scripted_open(agent, agent->options.script, error)
                                        : turns_open(agent, error);
    if (!open)
        return false;
    if (!loop_clear(agent) || !log_start(agent))
        return fail(error, "the log cannot be written, or there is no memory%s%s", "", "");
    agent->begun = true;
    return true;
}

/* False: the log could not be ended. */
static bool close_agent(struct agent *agent)
{
    bool ended = true;
    if (agent->model.close)
        agent->model.close(&agent->model);
    tools_close(agent);
    sandbox_close(agent->sandbox);
    if (agent->begun) {
        ended = log_write(agent->log, "end", json_object());
        log_close(agent->log);
    } else {
        log_discard(agent->log);
    }
    show_close(agent);
    json_decref(agent->messages);
    json_decref(agent->seen);
    json_decref(agent->grants);
    text_free(&agent->taint);
    text_free(&agent->answer);
    if (agent->root_fd >= 0)
        close(agent->root_fd);
    free((char *)agent->options.root);
    return ended;
}

/* ---- What is to be done -------------------------------------------------------------------- */

static int status_of(enum reason reason)
{
    switch (reason) {
    case REASON_END:
    case REASON_LOG:
        return 0;
    case REASON_ERROR:
        return EXIT_FAILED;
    case REASON_CANCELLED:
        return EXIT_CANCELLED;
    default:
        return EXIT_LIMIT;
    }
}

static int one_task(struct agent *agent, const char *task, size_t len, enum reason *reason)
{
    struct outcome outcome;
    loop_run(agent, task, len, &outcome);
    *reason = outcome.reason;
    int status = show_failed(agent) ? EXIT_FAILED : status_of(outcome.reason);
    text_free(&outcome.error);
    return status;
}

/* What was played and compared, and what came out. */
static void say_replayed(struct agent *agent, const struct replayed *replayed)
{
    struct text line = {0};
    text_format(&line, "replay: %zu task%s, %zu turn%s; ", replayed->tasks,
                replayed->tasks == 1 ? "" : "s", replayed->turns, replayed->turns == 1 ? "" : "s");
    if (!replayed->results)
        text_format(&line, "no call was carried out, so no result was compared");
    else
        text_format(&line, "the result%s of %zu call%s compared with the log: ",
                    replayed->results == 1 ? "" : "s", replayed->results,
                    replayed->results == 1 ? " was" : "s were");
    if (replayed->differ)
        text_format(&line, "%zu %s not as there", replayed->differ,
                    replayed->differ == 1 ? "is" : "are");
    else if (replayed->results)
        text_format(&line, "%s as there", replayed->results == 1 ? "it is" : "all are");
    if (replayed->ends)
        text_format(&line, "; %zu task%s ended otherwise", replayed->ends,
                    replayed->ends == 1 ? "" : "s");
    show_say(agent, "%s", line.failed ? "out of memory" : line.data);
    text_free(&line);
}

/* All tasks of the log, whatever limit they end with: that is of the log as well. */
static int replay(struct agent *agent)
{
    struct text task = {0};
    const char *text;
    int status = 0;
    enum reason reason = REASON_END;
    while (status != EXIT_FAILED && status != EXIT_CANCELLED &&
           (text = scripted_next_prompt(agent, &task))) {
        status = one_task(agent, text, task.len, &reason);
        if (status != EXIT_CANCELLED)
            scripted_compare_end(agent, reason);
    }
    text_free(&task);
    struct replayed replayed = scripted_replayed(agent);
    say_replayed(agent, &replayed);
    if (status == EXIT_LIMIT)
        status = 0;
    return status == 0 && (replayed.differ || replayed.ends) ? EXIT_FAILED : status;
}

/* The task on stdin. */
static bool read_task(struct text *task)
{
    char block[8192];
    size_t got;
    while (task->len < TASK_MAX && (got = fread(block, 1, sizeof block, stdin)) != 0)
        text_add(task, block, got);
    while (task->len && task->data[task->len - 1] == '\n')
        task->data[--task->len] = '\0';
    return !task->failed && !ferror(stdin) && task->len && task->len < TASK_MAX;
}

static int run_agent(struct command_line *line)
{
    struct agent agent = {.options = line->options, .root_fd = -1};
    struct text error = {0}, task = {0};
    bool played = line->options.replay, given = line->options.task;
    bool talks = !played && !given && isatty(STDIN_FILENO);
    int status = EXIT_FAILED;
    enum reason reason;
    if (!played && !given && !talks && !read_task(&task))
        status = say_failed("no task: give -p TASK, or a text on stdin", EXIT_USAGE);
    else if (talks && agent.options.json)
        status = say_failed("--json needs -p TASK, or a text on stdin", EXIT_USAGE);
    else {
        cancel_install(&agent);
        if (!open_agent(&agent, line->root, &error)) {
            status = say_failed(error.data ? error.data : "out of memory",
                                agent.cancelled ? EXIT_CANCELLED : EXIT_FAILED);
        } else {
            show_start(&agent);
            if (*mcp_notes(&agent))
                show_say(&agent, "%s", mcp_notes(&agent));
            const char *text = given ? agent.options.task : task.data;
            if (talks)
                status = talk_run(&agent, &error) ? 0 : say_failed(error.data, EXIT_FAILED);
            else
                status = played ? replay(&agent) : one_task(&agent, text, strlen(text), &reason);
        }
    }
    if (!close_agent(&agent) && status == 0)
        status = say_failed("the log could not be written to its end", EXIT_FAILED);
    text_free(&error);
    text_free(&task);
    return status;
}

static int verify(const char *path)
{
    struct text report = {0};
    text_format(&report, "%s: ", path);
    int status = 0;
    if (log_verify(path, &report, NULL) == LOG_BROKEN)
        status = say_failed(report.failed ? "out of memory" : report.data, EXIT_FAILED);
    else
        printf("%s\n", report.data ? report.data : "");
    text_free(&report);
    return status;
}

/* What is needed, and what was given: `count` words, the first two of them. */
static int usage(const char *needed, const char *const *words, size_t count)
{
    struct text line = {0};
    text_format(&line, "%s", needed);
    if (count)
        text_format(&line, ", %zu %s given: %.100s%s%.100s%s", count, count == 1 ? "was" : "were",
                    words[0], count > 1 ? ", " : "", count > 1 ? words[1] : "",
                    count > 2 ? ", ..." : "");
    int status = say_failed(line.failed ? needed : line.data, EXIT_USAGE);
    text_free(&line);
    return status;
}

/* Does what the words ask for. */
static int act(struct command_line *line)
{
    if (line->help || line->version) {
        if (line->help)
            args_help(stdout);
        else
            printf("infer-agent %s\n", infer_version());
        return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
    }
    const char *first = line->operands[0];
    if (first && strcmp(first, "doctor") == 0) {
        if (line->operand_count > 1)
            return usage("doctor takes no other word", line->operands + 1, line->operand_count - 1);
        sandbox_doctor(stdout);
        return 0;
    }
    if (first && strcmp(first, "verify") == 0)
        return line->operand_count == 2
                   ? verify(line->operands[1])
                   : usage("verify needs one LOG", line->operands + 1, line->operand_count - 1);
    if (line->options.replay && first)
        return usage("--replay LOG plays without a MODEL", line->operands, line->operand_count);
    if (line->operand_count > 1 || (!first && !line->options.replay && !line->options.script))
        return usage("one MODEL is needed", line->operands, line->operand_count);
    if (line->options.task && !line->options.task[strspn(line->options.task, " \t\n")])
        return say_failed("-p needs TASK, not an empty text", EXIT_USAGE);
    if (line->options.replay && line->options.task)
        return say_failed("--replay LOG plays the tasks of the log: it goes without -p TASK",
                          EXIT_USAGE);
    line->options.model_path = first;
    return run_agent(line);
}

int main(int argc, char **argv)
{
    struct command_line line = {.options = {.steps_max = 50,
                                            .tokens_max = 32768,
                                            .seconds_max = 3600,
                                            .repeats_max = 3,
                                            .top_k = 40,
                                            .top_p = 0.95,
                                            .min_p = 0.05,
                                            .seed = 1,
                                            .reasoning = UINT32_MAX}};
    struct text error = {0};
    text_json_open();
    if (argc == 2 && strcmp(argv[1], "--list-options") == 0) {
        args_list(stdout);
        return 0;
    }
    int status = args_parse(&line, argv, &error)
                     ? act(&line)
                     : say_failed(error.data ? error.data : "out of memory", EXIT_USAGE);
    text_free(&error);
    free(line.options.read_dirs);
    free(line.options.servers);
    return status;
}
