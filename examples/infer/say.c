/* Messages on stderr, data on stdout, progress on a terminal. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOTICES_MAX 64               /* lines; more are counted */
#define PROGRESS_AFTER_NS 2000000000 /* what takes less shows none */
#define PROGRESS_SURE_NS 300000000   /* before, an estimate is a guess */
#define PROGRESS_EVERY_NS 200000000

static infer_status set_error(struct cli *cli, infer_status status, const char *format,
                              va_list args)
{
    cli->err.status = status;
    vsnprintf(cli->err.text, sizeof cli->err.text, format, args);
    return status;
}

infer_status cli_fail(struct cli *cli, infer_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_error(cli, status, format, args);
    va_end(args);
    return status;
}

infer_status cli_usage(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_error(cli, INFER_E_ARGUMENT, format, args);
    va_end(args);
    cli->usage = true;
    return INFER_E_ARGUMENT;
}

static void append_line(struct cli_bytes *out, const char *format, va_list args)
{
    char line[1000];
    vsnprintf(line, sizeof line, format, args);
    cli_bytes_append(out, "infer: ", 7);
    cli_escape(out, line, strlen(line), true);
    cli_bytes_append(out, "\n", 1);
}

void cli_say(const char *format, ...)
{
    struct cli_bytes line = {0};
    va_list args;
    va_start(args, format);
    append_line(&line, format, args);
    va_end(args);
    fwrite(line.data, 1, line.len, stderr);
    free(line.data);
}

void cli_notice(struct cli *cli, const char *format, ...)
{
    if (cli->notice_count++ >= NOTICES_MAX)
        return;
    va_list args;
    va_start(args, format);
    append_line(&cli->notices, format, args);
    va_end(args);
    if (cli->notices_shown)
        cli_notices_show(cli);
}

void cli_log(void *cli, infer_log_level level, const char *text)
{
    cli_notice(cli, level == INFER_LOG_WARNING ? "warning: %s" : "%s", text);
}

static void output_failed(struct cli *cli)
{
    cli->output_failed = true;
    cli->output_errno = errno;
}

void cli_notices_show(struct cli *cli)
{
    cli_progress_end(cli);
    if (cli->notices.len != 0)
        fwrite(cli->notices.data, 1, cli->notices.len, stderr);
    if (cli->notice_count > NOTICES_MAX && !cli->notices_shown)
        cli_say("%zu more notices", cli->notice_count - NOTICES_MAX);
    cli->notices.len = 0;
    cli->notices_shown = true;
}

void cli_output(struct cli *cli, const void *data, size_t len)
{
    cli_progress_end(cli);
    /* A program that reads stderr is to find one line where the call fails, so that only a person
     * sees notices before the end. */
    if (!cli->notices_shown && isatty(STDERR_FILENO))
        cli_notices_show(cli);
    if (len != 0 && !cli->output_failed && fwrite(data, 1, len, stdout) != len)
        output_failed(cli);
}

void cli_output_flush(struct cli *cli)
{
    if (!cli->output_failed && fflush(stdout) != 0)
        output_failed(cli);
}

void cli_print(struct cli *cli, const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0)
        cli_output(cli, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

static int dump_part(const char *part, size_t len, void *cli)
{
    cli_output(cli, part, len);
    return 0;
}

static infer_status output_json(struct cli *cli, json_t *value, size_t digits)
{
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(digits);
    int failed = !value || json_dump_callback(value, dump_part, cli, flags);
    json_decref(value);
    if (failed)
        return cli_fail(cli, INFER_E_MEMORY, "the JSON text could not be made");
    cli_output(cli, "\n", 1);
    return INFER_OK;
}

infer_status cli_output_json(struct cli *cli, json_t *value)
{
    return output_json(cli, value, 17);
}

infer_status cli_output_json_decimal(struct cli *cli, json_t *value)
{
    return output_json(cli, value, 15);
}

infer_status cli_output_end(struct cli *cli)
{
    cli_output_flush(cli);
    if (cli->output_failed)
        return cli_fail(cli, INFER_E_IO, "stdout: %s", strerror(cli->output_errno));
    return INFER_OK;
}

int64_t cli_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void cli_progress_start(struct cli *cli)
{
    cli->progress_start_ns = isatty(STDERR_FILENO) ? cli_now_ns() : 0;
    cli->progress_last_ns = 0;
}

void cli_progress(struct cli *cli, const char *what, double fraction)
{
    if (cli->progress_start_ns == 0)
        return;
    int64_t now = cli_now_ns(), taken = now - cli->progress_start_ns;
    double whole = fraction > 0 ? (double)taken / fraction : 0; /* as far as can be told so far */
    if (taken < PROGRESS_AFTER_NS && (taken < PROGRESS_SURE_NS || whole < PROGRESS_AFTER_NS))
        return;
    if (now - cli->progress_last_ns < PROGRESS_EVERY_NS)
        return;
    cli->progress_last_ns = now;
    cli->progress_shown = true;
    char left[40] = "";
    if (fraction > 0)
        snprintf(left, sizeof left, ", %.0f s left", (whole - (double)taken) * 1e-9);
    fprintf(stderr, "\r\033[Kinfer: %s: %.0f %%%s", what, fraction * 100, left);
}

void cli_progress_end(struct cli *cli)
{
    if (cli->progress_shown)
        fputs("\r\033[K", stderr);
    cli->progress_shown = false;
    cli->progress_start_ns = 0;
}
