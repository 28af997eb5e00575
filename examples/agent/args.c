/* The options of infer-agent: each is a row. */
#include "loop.h"
#include "sandbox.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 26

enum kind {
    KIND_FLAG,  /* bool */
    KIND_TEXT,  /* const char * */
    KIND_TEXTS, /* const char **, followed by their count; may be given again */
    KIND_COUNT, /* uint32_t, min to max */
    KIND_SIZE,  /* size_t, likewise */
    KIND_REAL,  /* double, likewise */
    KIND_SEED,  /* uint64_t */
    KIND_CHOICE /* int, the place among `choices` */
};

static const struct row {
    const char *name, *letter, *value;
    enum kind kind;
    size_t offset; /* in struct command_line */
    double min, max;
    const char *choices; /* of KIND_COUNT: a word for 0 */
    const char *help;
} rows[] = {
#define AT(field) offsetof(struct command_line, field)
    {"--root", NULL, "DIR", KIND_TEXT, AT(root), 0, 0, NULL,
     "the folder it works in (default: this one)"},
    {"--prompt", "-p", "TASK", KIND_TEXT, AT(options.task), 0, 0, NULL,
     "one task; without it, and at a terminal, a conversation"},
    {"--sandbox", NULL, "MODE", KIND_CHOICE, AT(options.sandbox), 0, 0, "workspace|read-only|none",
     "what programs may change (default: workspace)"},
    {"--approve", NULL, "MODE", KIND_CHOICE, AT(options.approve), 0, 0, "ask|edits|deny",
     "what is asked before it is done (default: ask)"},
    {"--read", NULL, "DIR", KIND_TEXTS, AT(options.read_dirs), 0, 0, NULL,
     "a folder that programs may also read and run from"},
    {"--mcp", NULL, "NAME=CMD", KIND_TEXTS, AT(options.servers), 0, 0, NULL,
     "tools of a Model Context Protocol server over stdio"},
    {"--json", NULL, NULL, KIND_FLAG, AT(options.json), 0, 0, NULL,
     "every event as a JSON object on a line of stdout"},
    {"--log", NULL, "FILE", KIND_TEXT, AT(options.log_path), 0, 0, NULL,
     "write the log there (default: ~/.local/state/infer-agent/)"},
    {"--replay", NULL, "LOG", KIND_TEXT, AT(options.replay), 0, 0, NULL,
     "play the turns of a log again, tools and questions included"},
    {"--steps", NULL, "N", KIND_SIZE, AT(options.steps_max), 1, 10000, NULL,
     "turns of a task (default: 50)"},
    {"--tokens", "-n", "N", KIND_SIZE, AT(options.tokens_max), 1, 1e9, NULL,
     "tokens made for a task (default: 32768)"},
    {"--seconds", NULL, "N", KIND_SIZE, AT(options.seconds_max), 1, 1e6, NULL,
     "time of a task, without that of questions (default: 3600)"},
    {"--context", "-c", "N", KIND_COUNT, AT(options.context), 256, 4294967294.0, NULL,
     "tokens of context (default: the trained ones, at most 32768, as memory allows)"},
    {"--threads", "-t", "N", KIND_COUNT, AT(options.threads), 1, 1024, NULL,
     "threads (default: the physical cores)"},
    {"--temp", NULL, "T", KIND_REAL, AT(options.temperature), 0, 100, NULL,
     "temperature (default: 0, the likeliest token)"},
    {"--top-k", NULL, "K", KIND_COUNT, AT(options.top_k), 0, 4294967294.0, NULL,
     "of the K likeliest tokens (default: 40; 0: all)"},
    {"--top-p", NULL, "P", KIND_REAL, AT(options.top_p), 0, 1, NULL,
     "of the likeliest that together have P (default: 0.95)"},
    {"--min-p", NULL, "P", KIND_REAL, AT(options.min_p), 0, 1, NULL,
     "of those with P times the likeliest one's probability (default: 0.05)"},
    {"--seed", NULL, "N", KIND_SEED, AT(options.seed), 0, 0, NULL, "of sampling (default: 1)"},
    {"--reasoning", NULL, "off|N", KIND_COUNT, AT(options.reasoning), 1, 4294967294.0, "off",
     "tokens of thought in a turn, of a model that thinks"},
    {"--chat-template", NULL, "FILE", KIND_TEXT, AT(options.chat_template), 0, 0, NULL,
     "this chat template (Jinja), not the file's own"},
    {"--calls", NULL, "MODE", KIND_CHOICE, AT(options.calls), 0, 0, "held|required|free",
     "calls are held to the tools' schemas; required: every turn is one (default: held)"},
#ifdef AGENT_TEST
    {"--script", NULL, "FILE", KIND_TEXT, AT(options.script), 0, 0, NULL, "turns of a file"},
    {"--tier", NULL, "A|B|C|D", KIND_TEXT, AT(options.tier), 0, 0, NULL, "this tier, or none"},
    {"--landlock-abi", NULL, "N", KIND_TEXT, AT(options.landlock_abi), 0, 0, NULL,
     "at most this ABI; -1: none"},
    {"--small-limits", NULL, NULL, KIND_FLAG, AT(options.small_limits), 0, 0, NULL,
     "limits that a test reaches soon"},
#endif
    {"--help", "-h", NULL, KIND_FLAG, AT(help), 0, 0, NULL, "this text"},
    {"--version", NULL, NULL, KIND_FLAG, AT(version), 0, 0, NULL, "the version"},
#undef AT
};
static const size_t row_count = sizeof rows / sizeof rows[0];

static bool refuse(struct text *error, const char *name, const char *text, const char *wanted)
{
    text_format(error, "%s takes %s, not '%.100s'", name, wanted, text);
    return false;
}

static bool take_texts(const char ***items, size_t *count, const char *text)
{
    const char **more = realloc(*items, (*count + 1) * sizeof *more);
    if (!more)
        return false;
    *items = more;
    more[(*count)++] = text;
    return true;
}

static bool take_choice(const struct row *row, const char *text, int *field, struct text *error)
{
    size_t len = strlen(text);
    int place = 0;
    for (const char *at = row->choices; at; place++) {
        const char *end = strchr(at, '|');
        size_t size = end ? (size_t)(end - at) : strlen(at);
        if (size == len && memcmp(at, text, len) == 0) {
            *field = place;
            return true;
        }
        at = end ? end + 1 : NULL;
    }
    struct text wanted = {0};
    for (const char *at = row->choices; at && *at; at++)
        text_format(&wanted, *at != '|' ? "%c" : strchr(at + 1, '|') ? ", " : " or ", *at);
    refuse(error, row->name, text, wanted.data ? wanted.data : row->choices);
    text_free(&wanted);
    return false;
}

static bool take_number(const struct row *row, const char *text, void *field, struct text *error)
{
    char wanted[120], *end;
    bool real = row->kind == KIND_REAL;
    errno = 0;
    double value = strtod(text, &end);
    bool sound = *text && text[strspn(text, real ? ".0123456789eE-+" : "0123456789")] == '\0' &&
                 *end == '\0' && isfinite(value) && value >= row->min && value <= row->max;
    if (real)
        snprintf(wanted, sizeof wanted, "a number from %g to %g", row->min, row->max);
    else
        snprintf(wanted, sizeof wanted, "%s%sa whole number from %.0f to %.0f",
                 row->choices ? row->choices : "", row->choices ? " or " : "", row->min, row->max);
    if (!sound)
        return refuse(error, row->name, text, wanted);
    if (real)
        *(double *)field = value;
    else if (row->kind == KIND_SIZE)
        *(size_t *)field = (size_t)value;
    else
        *(uint32_t *)field = (uint32_t)value;
    return true;
}

static bool take(const struct row *row, const char *text, struct command_line *line,
                 struct text *error)
{
    void *field = (char *)line + row->offset;
    switch (row->kind) {
    case KIND_FLAG:
        *(bool *)field = true;
        return true;
    case KIND_TEXT:
        *(const char **)field = text;
        return true;
    case KIND_TEXTS:
        return take_texts(field, (size_t *)((char *)field + sizeof(const char **)), text);
    case KIND_CHOICE:
        return take_choice(row, text, field, error);
    case KIND_SEED: {
        char *end;
        errno = 0;
        *(uint64_t *)field = strtoull(text, &end, 10);
        bool sound = *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
        return sound || refuse(error, row->name, text, "a whole number");
    }
    case KIND_COUNT:
        if (row->choices && strcmp(text, row->choices) == 0) {
            *(uint32_t *)field = 0;
            return true;
        }
        return take_number(row, text, field, error);
    default:
        return take_number(row, text, field, error);
    }
}

/* The row of a word, "--name=value" too. */
static const struct row *row_of(const char *word, const char **value)
{
    size_t len = strcspn(word, "=");
    *value = word[len] ? word + len + 1 : NULL;
    for (size_t i = 0; i < row_count; i++)
        if ((strlen(rows[i].name) == len && memcmp(rows[i].name, word, len) == 0) ||
            (rows[i].letter && strcmp(rows[i].letter, word) == 0))
            return &rows[i];
    return NULL;
}

bool args_parse(struct command_line *line, char **argv, struct text *error)
{
    bool options = true;
    for (int at = 1; argv[0] && argv[at]; at++) {
        const char *word = argv[at], *value;
        if (options && strcmp(word, "--") == 0) {
            options = false;
            continue;
        }
        if (!options || word[0] != '-' || word[1] == '\0') {
            if (line->operand_count < 3)
                line->operands[line->operand_count] = word;
            line->operand_count++;
            continue;
        }
        const struct row *row = row_of(word, &value);
        if (!row || (value && row->kind == KIND_FLAG)) {
            if (row)
                text_format(error, "%s takes no value, not '%.100s'", row->name, value);
            else
                text_format(error, "there is no option '%.100s'", word);
            return false;
        }
        if (row->kind != KIND_FLAG && !value && !(value = argv[++at])) {
            text_format(error, "%s needs %s: %s", word, row->value, row->help);
            return false;
        }
        if (!take(row, value, line, error))
            return false;
    }
    return true;
}

void args_help(FILE *out)
{
    fputs("usage: infer-agent MODEL [OPTION]...      an assistant that works in a folder\n"
          "       infer-agent doctor                 which walls around programs work here\n"
          "       infer-agent verify LOG             whether a log is whole\n"
          "       infer-agent --replay LOG           a session again, without its model\n\n",
          out);
    for (size_t i = 0; i < row_count; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s%s", rows[i].letter ? rows[i].letter : "",
                 rows[i].letter ? ", " : "", rows[i].name, rows[i].value ? " " : "",
                 rows[i].value ? rows[i].value : "");
        fprintf(out, "  %-*s%s%s\n", HELP_COLUMN, left, rows[i].kind == KIND_CHOICE ? "" : "",
                rows[i].help);
        if (rows[i].kind == KIND_CHOICE)
            fprintf(out, "  %-*s%s\n", HELP_COLUMN, "", rows[i].choices);
    }
    fputs("\nExit status: 0 the task ended with an answer, 1 an error, 2 wrong usage, 3 a limit\n"
          "(steps, tokens, seconds, repeats, context), 130 Ctrl-C.\n",
          out);
}

void args_list(FILE *out)
{
    for (size_t i = 0; i < row_count; i++) {
        const char *value = rows[i].kind == KIND_CHOICE ? rows[i].choices : rows[i].value;
        fprintf(out, "%s\t%s\t%s\n", rows[i].name, value ? value : "", rows[i].help);
        if (rows[i].letter)
            fprintf(out, "%s\t%s\t%s\n", rows[i].letter, value ? value : "", rows[i].help);
    }
}
