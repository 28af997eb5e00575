/* The log: where it may lie, what breaks its chain. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/agent/log.h"
#include "tests/agent/gate.h"

static char folder[] = "/tmp/gate-log-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][200];
    static int next;
    char *out = path[next++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static void write_file(const char *path, const char *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    if (file) {
        fwrite(data, 1, len, file);
        fclose(file);
    }
}

static struct text read_file(const char *path)
{
    struct text content = {0};
    FILE *file = fopen(path, "rb");
    for (int c; file && (c = fgetc(file)) != EOF;)
        text_add(&content, (char[]){(char)c}, 1);
    if (file)
        fclose(file);
    return content;
}

static bool opens(const char *path, const char *root, const char *reason)
{
    struct text error = {0};
    struct log *log = log_open(path, root, &error);
    CHECK(log || (error.data && strstr(error.data, reason)), "%s", error.data);
    text_free(&error);
    log_close(log);
    return log;
}

static void check_places(void)
{
    mkdir(in_folder("root"), 0700);
    const char *root = strdup(in_folder("root"));
    CHECK(opens(in_folder("a"), root, ""), "beside the root");
    CHECK(!opens(in_folder("a"), root, "it is there already"), "a log is written over");
    CHECK(!opens(in_folder("root/a"), root, "below the root"), "a log below the root");
    CHECK(!opens(in_folder("root/../root/a"), root, "below the root"), "a log below the root");
    CHECK(opens(in_folder("root/../b"), root, ""), "a way through the root that ends outside");
    CHECK(!opens(in_folder("c"), "/", "below the root"), "all is below /");
    CHECK(!opens(in_folder("nowhere/c"), root, "No such file"), "no folder");
    CHECK(!symlink("root", in_folder("link")), "link");
    CHECK(!opens(in_folder("link/a"), root, "below the root"), "a log below the root by a link");
    CHECK(!symlink("target", in_folder("last")) && !opens(in_folder("last"), root, "there already"),
          "a link is followed");
    struct stat status;
    CHECK(!stat(in_folder("a"), &status) && (status.st_mode & 0777) == 0600, "mode %o",
          status.st_mode);
    mkdir(in_folder("rooted"), 0700);
    CHECK(opens(in_folder("rooted/a"), root, ""), "a name that begins as the root's");

    setenv("XDG_STATE_HOME", in_folder("state"), 1);
    struct text error = {0};
    struct log *log = log_open(NULL, root, &error);
    CHECK(log && !strncmp(log_path(log), in_folder("state/infer-agent/2"), strlen(folder) + 20),
          "%s", log ? log_path(log) : error.data);
    CHECK(!stat(in_folder("state/infer-agent"), &status) && (status.st_mode & 0777) == 0700,
          "its folder");
    log_close(log);
    CHECK(!opens(NULL, folder, "below the root"), "the usual place below the root");
    unsetenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *kept = home ? strdup(home) : NULL;
    unsetenv("HOME");
    CHECK(!opens(NULL, root, "HOME is not set"), "no home");
    if (kept)
        setenv("HOME", kept, 1);
    free(kept);
    text_free(&error);
    free((char *)root);
}

static enum log_state state_of(const char *data, size_t len, struct text *report)
{
    write_file(in_folder("changed"), data, len);
    text_free(report);
    return log_verify(in_folder("changed"), report, NULL);
}

/* No change of the file goes unseen: it is broken, or cut, or its last hash is another. */
static void check_chain(const struct text *good)
{
    struct text report = {0}, changed = {0};
    CHECK(state_of(good->data, good->len, &report) == LOG_WHOLE, "not whole");
    char *whole = strdup(report.data);
    for (size_t i = 0; i < good->len; i++) {
        text_free(&changed);
        text_add(&changed, good->data, good->len);
        changed.data[i] ^= 1;
        enum log_state state = state_of(changed.data, changed.len, &report);
        CHECK(state != LOG_WHOLE || strcmp(report.data, whole), "byte %zu changed unseen", i);
        CHECK(state_of(good->data, i, &report) != LOG_WHOLE, "cut at %zu unseen", i);
    }
    size_t starts[16], lines = 0;
    for (size_t i = 0; i < good->len && lines < 15; i++)
        if (!i || good->data[i - 1] == '\n')
            starts[lines++] = i;
    starts[lines] = good->len;
    for (size_t from = 0; from < lines; from++)
        for (size_t to = 0; to <= lines; to++) {
            /* Takes line `from` out; puts it before line `to`, or nowhere. */
            text_free(&changed);
            for (size_t i = 0; i < lines; i++) {
                if (i == to)
                    text_add(&changed, good->data + starts[from], starts[from + 1] - starts[from]);
                if (i != from)
                    text_add(&changed, good->data + starts[i], starts[i + 1] - starts[i]);
            }
            bool same = to == from || to == from + 1;
            enum log_state state = state_of(changed.data, changed.len, &report);
            CHECK(state == LOG_WHOLE || !same || to == lines, "unchanged");
            CHECK(state != LOG_WHOLE || (same && to < lines), "line %zu to %zu unseen", from, to);
        }
    text_free(&changed);
    text_add(&changed, good->data, good->len);
    text_add(&changed, good->data, good->len);
    CHECK(state_of(changed.data, changed.len, &report) == LOG_BROKEN, "twice");
    CHECK(state_of("", 0, &report) == LOG_CUT, "empty");
    CHECK(state_of("[]\n", 3, &report) == LOG_BROKEN, "no object");
    free(whole);
    text_free(&changed);
    text_free(&report);
}

static void check_bytes(void)
{
    static const struct {
        const char *data;
        size_t len;
    } cases[] = {{"", 0}, {"a\0b", 3}, {"\xff\x00\x1b", 3}, {"\xd1\x81", 2}, {"\xed\xa0\x80", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value = log_bytes(cases[i].data, cases[i].len);
        struct text dump = {0};
        text_add_json(&dump, value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        json_t *back = text_read_json(dump.data, dump.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        struct text out = {0};
        text_add(&out, "", 0);
        CHECK(log_bytes_get(back, &out) && out.len == cases[i].len &&
                  !memcmp(out.data, cases[i].data, out.len),
              "case %zu: %s", i, dump.data);
        text_free(&out);
        json_decref(value);
        json_decref(back);
        text_free(&dump);
    }
    struct text out = {0};
    json_t *odd = json_pack("{s:s}", "hex", "abc"), *wrong = json_pack("{s:s}", "hex", "zz");
    CHECK(!log_bytes_get(odd, &out) && !log_bytes_get(wrong, &out) && !log_bytes_get(NULL, &out),
          "hex");
    json_decref(odd);
    json_decref(wrong);
    text_free(&out);
}

static void check_writes(void)
{
    struct text error = {0}, report = {0};
    struct log *log = log_open(in_folder("written"), "/nowhere", &error);
    CHECK(log_write(log, "start", json_pack("{s:s}", "model", "m\n\x1b[2J\xc2\x9b")), "start");
    CHECK(log_write(log, "prompt", json_pack("{s:o}", "text", log_bytes("\xff", 1))), "prompt");
    CHECK(log_write(log, "clear", json_object()), "clear");
    CHECK(log_write(log, "end", json_pack("{s:s}", "reason", "end")), "end");
    json_t *records = NULL;
    CHECK(log_verify(log_path(log), &report, &records) == LOG_WHOLE, "%s", report.data);
    CHECK(json_array_size(records) == 4, "%zu records", json_array_size(records));
    json_decref(records);
    struct text good = read_file(log_path(log));
    bool ascii = true;
    for (size_t i = 0; i < good.len; i++)
        ascii = ascii && ((good.data[i] >= ' ' && good.data[i] < 0x7f) || good.data[i] == '\n');
    CHECK(ascii, "the log holds what acts on a terminal");
    check_chain(&good);
    text_free(&good);
    log_close(log);

    /* What cannot be written ends the log. */
    log = log_open(in_folder("full"), "/nowhere", &error);
    CHECK(log_write(log, "start", json_object()), "start");
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){200, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    CHECK(!log_write(log, "prompt",
                     json_pack("{s:s}", "text", "more than there is room for .............")),
          "full");
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    CHECK(!log_write(log, "prompt", json_object()), "nothing follows a torn record");
    text_free(&report);
    CHECK(log_verify(in_folder("full"), &report, NULL) == LOG_CUT, "%s", report.data);
    log_close(log);
    CHECK(!log_write(NULL, "start", json_object()), "no log");

    for (long at = 0; at < 40 * 64; at++) {
        char name[20], fill[65] = "";
        snprintf(name, sizeof name, "memory%ld", at);
        memset(fill, 'm', (size_t)at / 40); /* so that room ends at each place of a record */
        text_free(&error);
        count_fail_at = at % 40;
        log = log_open(in_folder(name), "/nowhere", &error);
        bool ok = log && log_write(log, "start",
                                   json_pack("{s:s,s:i,s:i}", "model", fill, "seconds", 1, "b", 2));
        bool reached = count_fail_at < 0;
        count_fail_at = -1;
        CHECK(!ok || !reached, "a record went on without memory at %ld", at);
        log_close(log);
    }
    /* What is read is all that was there, or nothing. */
    for (long at = 0; at < 12 * 64; at++) {
        char text[100];
        snprintf(text, sizeof text, "[\"%0*d\"]", (int)(at / 12) + 1, 7);
        count_fail_at = at % 12;
        json_t *value = text_read_json(text, strlen(text), 0, NULL);
        count_fail_at = -1;
        CHECK(!value || json_string_length(json_array_get(value, 0)) == strlen(text) - 4,
              "a string lost bytes at %ld", at);
        json_decref(value);
    }
    text_free(&report);
    text_free(&error);
}

void gate_log(void)
{
    CHECK(mkdtemp(folder) != NULL, "no folder");
    check_places();
    check_bytes();
    check_writes();
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK(!system(command), "removed");
}
