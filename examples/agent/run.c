/* run: a program in the sandbox, by its arguments or as a shell line. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "hands.h"
#include "sandbox.h"

#define WORDS_MAX 256
#define BYTES_MAX 65536 /* of a command: shown whole */
#define FILES_MAX 64
#define HASHED_MAX ((off_t)64 << 20) /* bytes of a file */

/* A file below the root that the command names: as it was when it was shown. */
struct named {
    char *path;
    char digest[DIGEST_HEX];
};

struct command {
    char *words[WORDS_MAX + 1]; /* owned */
    struct named files[FILES_MAX];
    size_t count;
    struct text origin;
};

static void release(struct action *action)
{
    struct command *command = action->state;
    for (size_t i = 0; command->words[i]; i++)
        free(command->words[i]);
    for (size_t i = 0; i < command->count; i++)
        free(command->files[i].path);
    text_free(&command->origin);
    free(command);
    action->state = NULL;
}

/* ---- The files that a command names ------------------------------------------------------------ */

/* The digest of a regular file below the root; of a very large one that of what the kernel says of it, which
 * changes with each write. False: it is no file, or cannot be read. */
static bool digest_below(const struct agent *agent, const char *path, char digest[DIGEST_HEX])
{
    struct stat seen;
    int look = below_open(agent->root_fd, path, O_PATH, 0);
    bool ok = look >= 0 && !fstat(look, &seen) && S_ISREG(seen.st_mode);
    if (look >= 0)
        close(look);
    int fd = ok ? below_open(agent->root_fd, path, O_RDONLY | O_NONBLOCK, 0) : -1;
    ok = fd >= 0 && !fstat(fd, &seen);
    if (ok && seen.st_size > HASHED_MAX) {
        const int64_t facts[] = {(int64_t)seen.st_dev, (int64_t)seen.st_ino, seen.st_size,
                                 seen.st_mtim.tv_sec,  seen.st_mtim.tv_nsec, seen.st_ctim.tv_sec,
                                 seen.st_ctim.tv_nsec};
        digest_of(facts, sizeof facts, digest);
    } else if (ok) {
        ok = digest_of_file(fd, SIZE_MAX, digest);
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Notes a word of the command if it is a file. False: there are too many. */
static bool note_file(struct agent *agent, struct command *command, const char *word,
                      struct text *error)
{
    struct text path = {0}, ignored = {0};
    char digest[DIGEST_HEX];
    bool ok = true;
    if (*word && below_path(agent, word, &path, &ignored) &&
        digest_below(agent, path.data, digest)) {
        for (size_t i = 0; i < command->count && path.data; i++)
            if (!strcmp(command->files[i].path, path.data))
                text_free(&path);
        if (path.data && command->count == FILES_MAX) {
            text_format(error, "the command names more than %d files", FILES_MAX);
            ok = false;
        } else if (path.data) {
            struct named *named = &command->files[command->count++];
            named->path = path.data;
            memcpy(named->digest, digest, sizeof digest);
            path = (struct text){0};
        }
    }
    if (path.failed || ignored.failed) {
        text_format(error, "out of memory");
        ok = false;
    }
    text_free(&path);
    text_free(&ignored);
    return ok;
}

/* The words of a shell line, as far as they can be told without being a shell: what is quoted in parts, or comes
 * from a variable, is not found; the line is shown whole all the same. */
static bool note_line(struct agent *agent, struct command *command, const char *line,
                      struct text *error)
{
    static const char between[] = " \t\n;|&<>(){}$`\"'=";
    bool ok = true;
    while (ok && *line) {
        line += strspn(line, between);
        size_t len = strcspn(line, between);
        char *word = strndup(line, len);
        if (!word)
            text_format(error, "out of memory");
        ok = word && note_file(agent, command, word, error);
        free(word);
        line += len;
    }
    return ok;
}

static bool still_as_shown(struct agent *agent, const struct command *command, struct text *error)
{
    for (size_t i = 0; i < command->count; i++) {
        char digest[DIGEST_HEX];
        if (digest_below(agent, command->files[i].path, digest) &&
            !strcmp(digest, command->files[i].digest))
            continue;
        text_add_path(error, command->files[i].path);
        text_format(error, " has changed since the command was shown; it was not run");
        return false;
    }
    return true;
}

/* ---- Running ----------------------------------------------------------------------------------- */

static void add_end(struct text *result, const struct sandbox_result *run)
{
    static const char *const ends[] = {
        [SANDBOX_TIMED_OUT] = "killed: it ran too long",
        [SANDBOX_CANCELLED] = "killed: cancelled by the user",
        [SANDBOX_OUTPUT] = "killed: too much output",
        [SANDBOX_PROCESSES] = "killed: too many processes",
        [SANDBOX_DISK] = "killed: it filled the disk",
        [SANDBOX_NOT_STARTED] = "not started",
    };
    if (run->end != SANDBOX_EXITED)
        text_format(result, "%s", ends[run->end]);
    else if (run->term_signal)
        text_format(result, "killed by signal %d", run->term_signal);
    else
        text_format(result, "exit status %d", run->exit_status);
    if (*run->why) {
        text_format(result, " (");
        text_add_plain(result, run->why, strlen(run->why));
        text_format(result, ")");
    }
    text_format(result, run->out_len ? "; output:\n" : "; no output\n");
}

/* What was not found may be a program of the folder, called as if it were one of the system. */
static void add_hint(struct text *result, const struct command *command,
                     const struct sandbox_result *run)
{
    bool missing = run->end == SANDBOX_NOT_STARTED || run->exit_status == 127;
    if (!missing || !command->count || strchr(command->files[0].path, '/'))
        return;
    text_format(result, "%sA program of this folder is called as ./",
                result->len && result->data[result->len - 1] != '\n' ? "\n" : "");
    text_add_plain(result, command->files[0].path, strlen(command->files[0].path));
    text_format(result, "\n");
}

static bool perform(struct action *action, struct agent *agent, struct text *result)
{
    action->outside = false;
    if (!still_as_shown(agent, action->state, result))
        return false;
    const struct sandbox_command command = {.argv = action->argv, .cancel = &agent->cancelled};
    struct sandbox_result run = {0};
    char err[SANDBOX_ERR] = "";
    if (!sandbox_run(agent->sandbox, &command, &run, err)) {
        text_format(result, "not run: ");
        text_add_plain(result, err, strnlen(err, sizeof err));
        sandbox_result_free(&run);
        return false;
    }
    action->outside = true;
    add_end(result, &run);
    text_add_plain(result, run.out_len ? run.out : "", run.head_len);
    if (run.left_out) {
        text_format(result, "\n(%llu bytes left out)\n", (unsigned long long)run.left_out);
        text_add_plain(result, run.out + run.head_len, run.out_len - run.head_len);
    }
    add_hint(result, action->state, &run);
    bool ok = run.end == SANDBOX_EXITED && !run.term_signal && !run.exit_status;
    sandbox_result_free(&run);
    return ok;
}

/* ---- Preparing --------------------------------------------------------------------------------- */

/* Copies the command's words. */
static bool take_words(struct command *command, const json_t *argv, const char *line,
                       struct text *error)
{
    static const char *const shell[] = {"sh", "-c"};
    size_t count = line ? 3 : json_array_size(argv), bytes = 0;
    if (!count || count > WORDS_MAX) {
        text_format(error, "argv has %zu items; between 1 and %d are taken", count, WORDS_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *word = !line   ? json_string_value(json_array_get(argv, i))
                           : i < 2 ? shell[i]
                                   : line;
        if (!word)
            return false;
        bytes += strlen(word) + 1;
        if (bytes > BYTES_MAX) {
            text_format(error, "the command has more than %d bytes; put it into a script",
                        BYTES_MAX);
            return false;
        }
        command->words[i] = strdup(word);
        if (!command->words[i]) {
            text_format(error, "out of memory");
            return false;
        }
    }
    if (!*command->words[line ? 2 : 0]) {
        text_format(error, "the command is empty");
        return false;
    }
    return true;
}

/* A program that is itself a protected name (a hook): as a write to it. */
static enum name_kind kind_of_program(const struct agent *agent, const char *word)
{
    struct text path = {0}, ignored = {0};
    enum name_kind kind = NAME_PLAIN;
    if (strchr(word, '/') && below_path(agent, word, &path, &ignored))
        kind = names_judge(path.data);
    if (path.failed)
        kind = NAME_PROTECTED;
    text_free(&path);
    text_free(&ignored);
    return kind;
}

/* All of the command, and the files it names. */
static void show(struct action *action, const json_t *argv, const char *line)
{
    const struct command *command = action->state;
    if (line) {
        text_format(&action->shown, "%s", line);
    } else {
        text_add_json(&action->shown, argv, JSON_COMPACT);
    }
    for (size_t i = 0; i < command->count; i++) {
        text_format(&action->covers, "%s %s\n", command->files[i].digest, command->files[i].path);
        if (!strchr(command->words[0], '/') || i)
            continue;
        text_format(&action->shown, "\n");
        text_add_path(&action->shown, command->files[i].path);
        text_format(&action->shown, " SHA-256 %s", command->files[i].digest);
    }
}

bool run_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                 struct action *action, struct text *error)
{
    (void)tool;
    const json_t *argv = json_object_get(arguments, "argv");
    const char *line = argument_text(arguments, "shell");
    struct command *command = calloc(1, sizeof *command);
    if (!command) {
        text_format(error, "out of memory");
        return false;
    }
    action->kind = ACTION_RUN;
    action->state = command;
    action->release = release;
    action->perform = perform;
    action->outside = true;
    if (!argv == !line) {
        text_format(error, "give argv (a program and its arguments) or shell (a line), not both");
        return false;
    }
    if (!take_words(command, argv, line, error))
        return false;
    bool ok = !line || note_line(agent, command, line, error);
    for (size_t i = 0; ok && !line && command->words[i]; i++)
        if (i || strchr(command->words[0], '/'))
            ok = note_file(agent, command, command->words[i], error);
    if (!ok)
        return false;
    const char *program = line ? line : command->words[0];
    if (!program)
        return false;
    enum name_kind kind = line ? NAME_PLAIN : kind_of_program(agent, program);
    action->argv = (const char *const *)command->words;
    action->shell = line;
    action->protected = kind != NAME_PLAIN;
    action->persists = kind == NAME_PERSISTS;
    text_format(&command->origin, "output of %.80s", program);
    action->origin = command->origin.data ? command->origin.data : "output of a program";
    show(action, argv, line);
    return true;
}
