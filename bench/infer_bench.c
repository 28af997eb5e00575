/*
 * infer-bench: how much memory a model takes, how long it loads and how fast it runs, beside what
 * this machine could do at most. Over <libinfer.h> alone.
 */
#include "bench/bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE                                                                                      \
    "usage: infer-bench FILE... [-p N] [-n N] [-d DEPTH,...] [-t N] [-r N] [-b N] [--kv TYPE] "    \
    "[--isa LEVEL] [--json|--csv|--md]"

static const char help[] = USAGE
    "\n\n"
    "Measures what models take and how fast they run: memory planned and seen, load time up to "
    "the\n"
    "first token, prefill and decoding, and their shares of the read bandwidth and the int8 rate\n"
    "measured beside each model with the same threads. Medians of the repetitions.\n\n"
    "  -p, --prompt N      tokens of prefill (512); 0: decoding alone\n"
    "  -n, --tokens N      tokens of decoding (128); 0: prefill alone\n"
    "  -d, --depth N,...   also behind so many tokens (0 is always measured)\n"
    "  -t, --threads N     threads (default: as many as the library chooses)\n"
    "  -r, --repeat N      repetitions (5)\n"
    "  -b, --batch N       tokens evaluated in one pass (512)\n"
    "      --kv TYPE       f16, f32, bf16 or q8_0 (f16)\n"
    "      --isa LEVEL     ref, avx2, avx512, neon or dotprod (the best that is here)\n"
    "      --json          an array with an object for each model\n"
    "      --csv           a line for each model and depth\n"
    "      --md            the same as a Markdown table\n"
    "  -h, --help          this text\n"
    "      --version\n";

struct app {
    struct bench_options options;
    size_t file; /* that is being measured, from 1 */
    bool terminal;
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line on stderr, without control bytes that a file's name may have. */
static void say(const char *format, ...)
{
    char line[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *at = line; *at; at++)
        *at = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
    fprintf(stderr, "infer-bench: %s\n", line);
}

static bool usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool usage(const char *format, ...)
{
    char line[300];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    say("%s (infer-bench --help)", line);
    return false;
}

/* ---- Options --------------------------------------------------------------------------------- */

static bool take_number(const char *name, const char *text, size_t len, uint32_t least,
                        uint32_t most, uint32_t *value)
{
    uint64_t sum = 0;
    bool good = len > 0;
    for (size_t i = 0; i < len && good; i++) {
        good = text[i] >= '0' && text[i] <= '9';
        sum = sum * 10 + (uint64_t)(text[i] - '0');
        good = good && sum <= most;
    }
    if (!good || sum < least)
        return usage("%s: '%.*s' is not a whole number from %u to %u", name,
                     (int)(len < 100 ? len : 100), text, least, most);
    *value = (uint32_t)sum;
    return true;
}

/* A list of depths; 0 stands in it already. */
static bool take_depths(const char *name, const char *text, struct bench_options *options)
{
    options->depth_count = 1;
    for (;; text++) {
        uint32_t depth = 0, known = 0;
        size_t len = strcspn(text, ",");
        if (!take_number(name, text, len, 0, 1u << 23, &depth))
            return false;
        while (known < options->depth_count && options->depths[known] != depth)
            known++;
        if (known == BENCH_DEPTHS_MOST)
            return usage("%s: more than %d depths", name, BENCH_DEPTHS_MOST - 1);
        if (known == options->depth_count)
            options->depths[options->depth_count++] = depth;
        text += len;
        if (!*text)
            return true;
    }
}

static bool take_kv(const char *name, const char *text, infer_kv_type *kv)
{
    static const char *const names[] = {"f16", "f32", "bf16", "q8_0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *kv = (infer_kv_type)i;
            return true;
        }
    }
    return usage("%s: '%.100s' is none of f16, f32, bf16, q8_0", name, text);
}

static bool is(const char *name, const char *letter, const char *word)
{
    return (letter && strcmp(name, letter) == 0) || strcmp(name, word) == 0;
}

/* An option that takes a value. */
static bool take_value(struct bench_options *options, const char *name, const char *text)
{
    size_t len = strlen(text);
    if (is(name, "-p", "--prompt"))
        return take_number(name, text, len, 0, 1u << 22, &options->prompt);
    if (is(name, "-n", "--tokens"))
        return take_number(name, text, len, 0, 1u << 22, &options->generate);
    if (is(name, "-t", "--threads"))
        return take_number(name, text, len, 1, 512, &options->threads);
    if (is(name, "-r", "--repeat"))
        return take_number(name, text, len, 1, 1000, &options->repeat);
    if (is(name, "-b", "--batch"))
        return take_number(name, text, len, 1, 8192, &options->batch);
    if (is(name, "-d", "--depth"))
        return take_depths(name, text, options);
    if (is(name, NULL, "--kv"))
        return take_kv(name, text, &options->kv);
    options->isa = text;
    return true;
}

static bool takes_value(const char *name)
{
    static const char *const names[] = {"-p",        "--prompt", "-n",       "--tokens", "-t",
                                        "--threads", "-r",       "--repeat", "-b",       "--batch",
                                        "-d",        "--depth",  "--kv",     "--isa"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool take_form(struct bench_options *options, const char *name)
{
    static const char *const names[] = {NULL, "--json", "--csv", "--md"};
    for (int form = BENCH_JSON; form <= BENCH_MARKDOWN; form++) {
        if (strcmp(name, names[form]) != 0)
            continue;
        if (options->form != BENCH_TEXT && options->form != (enum bench_form)form)
            return usage("%s and %s exclude each other", names[options->form], name);
        options->form = (enum bench_form)form;
        return true;
    }
    return usage("there is no option '%.100s'", name);
}

/* Moves the files to the front of argv. */
static bool parse(int argc, char **argv, struct bench_options *options)
{
    bool files_only = false;
    options->files = argv + 1;
    for (int i = 1; i < argc; i++) {
        char *name = argv[i];
        if (files_only || name[0] != '-') {
            options->files[options->file_count++] = name;
        } else if (strcmp(name, "--") == 0) {
            files_only = true;
        } else if (takes_value(name)) {
            if (i + 1 == argc)
                return usage("%s needs a value", name);
            if (!take_value(options, name, argv[++i]))
                return false;
        } else if (!take_form(options, name)) {
            return false;
        }
    }
    if (options->prompt == 0 && options->generate == 0)
        return usage("-p 0 and -n 0 leave nothing to measure");
    return options->file_count > 0 || usage("no FILE was given");
}

/* ---- Running --------------------------------------------------------------------------------- */

static void clear_line(const struct app *app)
{
    if (app->terminal)
        fputs("\r\033[K", stderr);
}

static void show(void *ud, const char *what, uint32_t number, uint32_t of)
{
    const struct app *app = ud;
    if (!app->terminal)
        return;
    clear_line(app);
    fprintf(stderr, "model %zu of %zu: %s", app->file, app->options.file_count, what);
    if (of > 1)
        fprintf(stderr, " %u of %u", number, of);
    fflush(stderr);
}

static bool run_all(struct app *app, struct bench_result *results)
{
    const struct bench_options *options = &app->options;
    for (size_t i = 0; i < options->file_count; i++) {
        infer_error err = {0};
        app->file = i + 1;
        infer_status status =
            bench_measure(options->files[i], options, show, app, &results[i], &err);
        clear_line(app);
        if (status) {
            /* what the library says of opening a file begins with its path */
            size_t len = strlen(options->files[i]);
            bool named = strncmp(err.text, options->files[i], len) == 0 && err.text[len] == ':';
            say("%.300s%s%s", named ? "" : options->files[i], named ? "" : ": ", err.text);
            return false;
        }
        if (options->form == BENCH_TEXT) {
            bench_print_text(options, &results[i], i == 0);
            fflush(stdout);
        }
    }
    bench_print_all(options, results, options->file_count);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        say("stdout: %s", strerror(errno));
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct app app = {.terminal = isatty(STDERR_FILENO)};
    struct bench_options *options = &app.options;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(help, stdout) < 0;
        if (strcmp(argv[i], "--version") == 0)
            return printf("infer-bench %s\n", infer_version()) < 0;
    }
    options->prompt = 512;
    options->generate = 128;
    options->repeat = 5;
    options->depth_count = 1;
    if (!parse(argc, argv, options))
        return 2;
    struct bench_result *results = calloc(options->file_count, sizeof *results);
    if (!results) {
        say("out of memory");
        return 1;
    }
    bool good = run_all(&app, results);
    for (size_t i = 0; i < options->file_count; i++)
        bench_result_release(&results[i]);
    free(results);
    return good ? 0 : 1;
}
