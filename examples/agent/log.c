/* What happened, in a chain of hashes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "log.h"

#define LOG_BYTES_MAX ((size_t)1 << 30)

struct log {
    char *path; /* owned */
    int fd;
    char last[DIGEST_HEX]; /* of the last line */
    bool failed;
};

static const char first_link[DIGEST_HEX] =
    "0000000000000000000000000000000000000000000000000000000000000000";

/* Makes the folders of `path` that are missing, for the user alone. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool made = !mkdir(path, 0700) || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

/* A name that no other session has. False: there is no home, or no folder there. */
static bool default_path(struct text *path, struct text *error)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        text_format(path, "%s/infer-agent/", state);
    else if (home && home[0] == '/')
        text_format(path, "%s/.local/state/infer-agent/", home);
    else {
        text_format(error, "there is no place for the log: HOME is not set (--log FILE names one)");
        return false;
    }
    struct timespec now;
    struct tm utc;
    char date[32] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc))
        strftime(date, sizeof date, "%Y%m%d-%H%M%S", &utc);
    text_format(path, "%s-%03ld-%ld.jsonl", date, now.tv_nsec / 1000000, (long)getpid());
    if (path->failed || !make_folders(path->data)) {
        text_format(error, "no folder for the log %s: %s", path->failed ? "" : path->data,
                    strerror(path->failed ? ENOMEM : errno));
        return false;
    }
    return true;
}

/* The folder that `path` lies in, opened; its real name is in `real`. */
static int open_folder(const char *path, char real[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    struct text folder = {0};
    text_add(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    int fd = -1;
    if (folder.failed)
        errno = ENOMEM;
    else if (realpath(folder.data, real))
        fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    text_free(&folder);
    return fd;
}

static bool is_below(const char *path, const char *root)
{
    size_t len = strlen(root);
    if (len == 1)
        return true;
    return !strncmp(path, root, len) && (!path[len] || path[len] == '/');
}

struct log *log_open(const char *path, const char *root, struct text *error)
{
    struct text name = {0};
    struct log *log = NULL;
    char real[PATH_MAX] = "";
    int folder = -1;
    if (path)
        text_add(&name, path, strlen(path));
    else if (!default_path(&name, error))
        goto out;
    if (name.failed || !(log = calloc(1, sizeof *log))) {
        text_format(error, "no memory for the log");
        goto out;
    }
    log->fd = -1;
    folder = open_folder(name.data, real);
    if (folder >= 0 && is_below(real, root)) {
        text_format(error,
                    "the log %s would lie below the root %s, where it can be written to: "
                    "--log FILE names another place",
                    name.data, root);
        goto fail;
    }
    const char *slash = strrchr(name.data, '/');
    if (folder >= 0)
        log->fd = openat(folder, slash ? slash + 1 : name.data,
                         O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd < 0) {
        text_format(error, "the log %s: %s", name.data,
                    errno == EEXIST ? "it is there already, and each session has its own"
                                    : strerror(errno));
        goto fail;
    }
    log->path = name.data;
    name = (struct text){0};
    memcpy(log->last, first_link, sizeof first_link);
    goto out;
fail:
    log_close(log);
    log = NULL;
out:
    if (folder >= 0)
        close(folder);
    text_free(&name);
    return log;
}

const char *log_path(const struct log *log)
{
    return log->path;
}

void log_close(struct log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    free(log->path);
    free(log);
}

void log_discard(struct log *log)
{
    struct stat here, there;
    if (log && log->fd >= 0 && !fstat(log->fd, &here) && !lstat(log->path, &there) &&
        here.st_dev == there.st_dev && here.st_ino == there.st_ino)
        unlink(log->path);
    log_close(log);
}

static json_t *time_now(void)
{
    struct timespec now;
    struct tm utc;
    char date[32] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    return json_sprintf("%s.%03ldZ", date, now.tv_nsec / 1000000);
}

bool log_write(struct log *log, const char *what, json_t *members)
{
    bool ok = log && !log->failed && members;
    json_t *record = ok ? json_object() : NULL;
    struct text line = {0};
    ok = record && !json_object_set_new(record, "prev", json_string(log->last)) &&
         !json_object_set_new(record, "time", time_now()) &&
         !json_object_set_new(record, "what", json_string(what)) &&
         !json_object_update(record, members);
    /* ASCII alone, so that nothing in it acts on the terminal of who reads it. */
    ok = ok && text_add_json(&line, record, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (ok) {
        digest_of(line.data, line.len, log->last);
        text_add(&line, "\n", 1); /* one write, whole or not at all */
        ok = !line.failed && text_write(log->fd, line.data, line.len) && !fdatasync(log->fd);
    }
    if (log && !ok)
        log->failed = true; /* the chain is torn: nothing is added behind it */
    text_free(&line);
    json_decref(record);
    json_decref(members);
    return ok;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

/* One line of the file, without its line feed. */
struct line {
    const char *data;
    size_t len, number;
};

/* The record of a line whose link holds; NULL: `report` says why not. */
static json_t *read_record(const struct line *line, const char *prev, struct text *report)
{
    json_error_t error;
    json_t *record =
        text_read_json(line->data, line->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    const char *link = json_string_value(json_object_get(record, "prev"));
    const char *fault = NULL;
    if (!record)
        fault = "is no JSON object";
    else if (!link || strcmp(link, prev))
        fault = line->number == 1
                    ? "is not the first of its log"
                    : "does not follow from the line before: one was changed, moved or taken out";
    else if (!json_string_value(json_object_get(record, "what")))
        fault = "does not say what it records";
    if (!fault)
        return record;
    text_format(report, "line %zu %s", line->number, fault);
    json_decref(record);
    return NULL;
}

static bool read_whole(const char *path, struct text *content, struct text *report)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    bool ok = fd >= 0 && !fstat(fd, &status);
    if (ok && (!S_ISREG(status.st_mode) || (size_t)status.st_size > LOG_BYTES_MAX)) {
        text_format(report, "not a file of at most %zu bytes", LOG_BYTES_MAX);
        close(fd);
        return false;
    }
    char buffer[65536];
    ssize_t got = 0;
    while (ok && (got = read(fd, buffer, sizeof buffer)) > 0 && content->len <= LOG_BYTES_MAX)
        text_add(content, buffer, (size_t)got);
    ok = ok && got >= 0 && !content->failed;
    if (!ok)
        text_format(report, "%s", strerror(content->failed ? ENOMEM : errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

enum log_state log_verify(const char *path, struct text *report, json_t **records)
{
    enum log_state state = LOG_CUT;
    struct text content = {0};
    json_t *list = json_array();
    char last[DIGEST_HEX];
    memcpy(last, first_link, sizeof first_link);
    bool ok = list && read_whole(path, &content, report), ended = false;
    struct line line = {content.data, 0, 1};
    const char *end = content.data ? content.data + content.len : NULL;
    for (; ok && line.data < end; line.data += line.len + 1, line.number++) {
        const char *feed = memchr(line.data, '\n', (size_t)(end - line.data));
        if (!feed)
            break; /* the last write was cut short */
        line.len = (size_t)(feed - line.data);
        json_t *record = ended ? NULL : read_record(&line, last, report);
        if (ended)
            text_format(report, "line %zu stands behind the end", line.number);
        ended = record && !strcmp(json_string_value(json_object_get(record, "what")), "end");
        ok = record && !json_array_append_new(list, record);
        digest_of(line.data, line.len, last);
    }
    if (!ok) {
        state = LOG_BROKEN;
        if (!report->len)
            text_format(report, "no memory");
    } else if (ended && line.data == end) {
        state = LOG_WHOLE;
        text_format(report, "%zu records, whole, ends with %.16s", line.number - 1, last);
    } else
        text_format(report, "%zu records hold together, but there is no end: %s", line.number - 1,
                    line.data < end ? "the last line was cut short"
                                    : "the session runs, was killed, or lines are gone");
    if (records)
        *records = ok ? json_incref(list) : NULL;
    json_decref(list);
    text_free(&content);
    return state;
}

/* ---- Bytes ------------------------------------------------------------------------------------- */

json_t *log_bytes(const char *data, size_t len)
{
    json_t *text = json_stringn(len ? data : "", len);
    if (text)
        return text;
    struct text hex = {0};
    text_add(&hex, "", 0);
    for (size_t i = 0; i < len; i++)
        text_format(&hex, "%02x", (unsigned char)data[i]);
    json_t *value = hex.failed ? NULL : json_pack("{s:s}", "hex", hex.data);
    text_free(&hex);
    return value;
}

bool log_bytes_get(const json_t *value, struct text *out)
{
    if (json_is_string(value)) {
        text_add(out, json_string_value(value), json_string_length(value));
        return !out->failed;
    }
    static const char digits[] = "0123456789abcdef";
    const char *hex = json_string_value(json_object_get(value, "hex"));
    if (!hex || strlen(hex) % 2)
        return false;
    for (; *hex; hex += 2) {
        const char *high = strchr(digits, hex[0]), *low = strchr(digits, hex[1]);
        if (!high || !low)
            return false;
        char byte = (char)((high - digits) << 4 | (low - digits));
        text_add(out, &byte, 1);
    }
    return !out->failed;
}
