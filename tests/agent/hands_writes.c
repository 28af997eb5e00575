/* Writing and editing below the root: attacks 1 to 10, 32 to 34. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/agent/hands_tests.h"

static unsigned mode_of(const struct bench *b, const char *path)
{
    struct stat seen;
    return fstatat(b->agent.root_fd, path, &seen, AT_SYMLINK_NOFOLLOW) ? 0 : seen.st_mode & 07777;
}

static void writing(struct bench *b)
{
    DONE(b, "\"new/folder/a.txt\" is made: 4 bytes", "write_file",
         "{\"path\":\"new/folder/a.txt\",\"text\":\"one\\n\"}");
    CHECK(bench_holds(b, "root/new/folder/a.txt", "one\n"), "it is there");
    CHECK(!fchmodat(b->agent.root_fd, "new/folder/a.txt", 0754, 0), "a mode");
    DONE(b, "is changed: it had 4 bytes, it has 0", "write_file",
         "{\"path\":\"new/folder/a.txt\",\"text\":\"\"}");
    CHECK(mode_of(b, "new/folder/a.txt") == 0754, "the mode is kept");
    CHECK(!fchmodat(b->agent.root_fd, "new/folder/a.txt", 06755, 0), "a mode that gives rights");
    DONE(b, "", "write_file", "{\"path\":\"new/folder/a.txt\",\"text\":\"two\"}");
    CHECK(mode_of(b, "new/folder/a.txt") == 0755, "is not kept: %o",
          mode_of(b, "new/folder/a.txt"));
    REFUSED(b, "holds this already", "write_file",
            "{\"path\":\"new/folder/a.txt\",\"text\":\"two\"}");
    REFUSED(b, "is a folder", "write_file", "{\"path\":\"new\",\"text\":\"x\"}");
    REFUSED(b, "is a folder", "write_file", "{\"path\":\".\",\"text\":\"x\"}");
    REFUSED(b, "not a folder", "write_file", "{\"path\":\"new/folder/a.txt/x\",\"text\":\"x\"}");
    CHECK(!fchmodat(b->agent.root_fd, "new/folder/a.txt", 0444, 0), "read-only");
    REFUSED(b, "is read-only", "write_file", "{\"path\":\"new/folder/a.txt\",\"text\":\"x\"}");
    DONE(b, "", "write_file", "{\"path\":\"$(reboot)\\n;-rf \\u001b]0;\",\"text\":\"x\"}");
    CHECK(bench_holds(b, "root/$(reboot)\n;-rf \x1b]0;", "x"), "a name is a name");
    bench_shell(b, "root", "find . -name '*.tmp' | grep . && exit 1; rm -rf ./*");
    CHECK(bench_shell(b, "root", "test -z \"$(find . -name '*.tmp')\""), "nothing is left beside");
}

/* Attacks 5 and 3. */
static void links(struct bench *b)
{
    bench_put(b, "home/.bashrc", "rc");
    bench_put(b, "root/x", "x");
    CHECK(bench_shell(b, "root", "ln ../home/.bashrc hard && ln -s .. link && mkdir d"), "links");
    REFUSED(b, "has 2 hard links", "write_file", "{\"path\":\"hard\",\"text\":\"evil\"}");
    REFUSED(b, "has 2 hard links", "edit_file",
            "{\"path\":\"hard\",\"old_text\":\"rc\",\"new_text\":\"evil\"}");
    REFUSED(b, "symbolic link", "write_file", "{\"path\":\"link/x\",\"text\":\"evil\"}");
    REFUSED(b, "symbolic link", "write_file", "{\"path\":\"link/outside/x\",\"text\":\"evil\"}");
    CHECK(bench_holds(b, "home/.bashrc", "rc") && !bench_has(b, "x") && !bench_has(b, "outside/x"),
          "nothing outside");
    /* A link that comes between the question and the write. */
    struct action action;
    struct text result = {0};
    CHECK(
        bench_prepare(b, "write_file", "{\"path\":\"d/new\",\"text\":\"evil\"}", &action, &result),
        "prepared");
    CHECK(bench_shell(b, "root", "rmdir d && ln -s ../outside d"), "swapped");
    CHECK(!action.perform(&action, &b->agent, &result) && !bench_has(b, "outside/new"),
          "not through a link that came later");
    action_free(&action);
    text_free(&result);
    CHECK(bench_shell(b, "root", "rm -r hard link d"), "cleaned");
}

/* What is written is what was shown, over what was shown. */
static void changed_since(struct bench *b)
{
    static const char *const between[] = {"printf y > f",    "rm f",           "rm f; mkdir f",
                                          "rm f; ln -s x f", "rm f; mkfifo f", "ln f g"};
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        struct action action;
        struct text result = {0};
        bench_shell(b, "root", "rm -rf f g; printf x > f");
        CHECK(bench_prepare(b, "write_file", "{\"path\":\"f\",\"text\":\"new\"}", &action, &result),
              "prepared");
        bench_shell(b, "root", between[i]);
        CHECK(!action.perform(&action, &b->agent, &result) && result.len, "after %s", between[i]);
        CHECK(!bench_holds(b, "root/f", "new"), "nothing is written after %s", between[i]);
        action_free(&action);
        text_free(&result);
    }
    struct action action;
    struct text result = {0};
    bench_shell(b, "root", "rm -rf f g");
    CHECK(bench_prepare(b, "write_file", "{\"path\":\"f\",\"text\":\"new\"}", &action, &result),
          "a new file");
    bench_put(b, "root/f", "theirs");
    CHECK(!action.perform(&action, &b->agent, &result) && bench_holds(b, "root/f", "theirs"),
          "is not put over one that came meanwhile");
    action_free(&action);
    text_free(&result);
    bench_shell(b, "root", "rm -rf f g");
}

/* Attacks 6, 7, 9 and 10: what the policy is told. */
static void judged(struct bench *b)
{
    static const struct {
        const char *path;
        bool protected, persists;
    } cases[] = {{"src/a.c", false, false},       {".git/hooks/pre-commit", true, false},
                 {".GIT/config", true, false},    {".github/workflows/ci.yml", true, false},
                 {"AGENTS.md", true, true},       {"sub/.cursorrules", true, true},
                 {".gitattributes", true, false}, {".vscode/tasks.json", true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct action action;
        struct text error = {0};
        char call[200];
        snprintf(call, sizeof call, "{\"path\":\"%s\",\"text\":\"x\"}", cases[i].path);
        CHECK(bench_prepare(b, "write_file", call, &action, &error), "%s", cases[i].path);
        CHECK(action.kind == ACTION_WRITE && action.protected == cases[i].protected &&
                  action.persists == cases[i].persists && action.undoable &&
                  !strcmp(action.path, cases[i].path),
              "%s is judged", cases[i].path);
        action_free(&action);
        text_free(&error);
    }
    REFUSED(b, "hidden name", "write_file",
            "{\"path\":\".config/infer-agent/config\",\"text\":\"approve=never\"}");
}

static void edits(struct bench *b)
{
    bench_put(b, "root/e", "int a;\n\tint b;\nint a;\n");
    REFUSED(b, "stands 2 times in \"e\" (lines 1, 3); give more", "edit_file",
            "{\"path\":\"e\",\"old_text\":\"int a;\",\"new_text\":\"x\"}");
    REFUSED(b, "stands 0 times in \"e\"; but for spaces and line ends it stands at line 2",
            "edit_file",
            "{\"path\":\"e\",\"old_text\":\"    int b;\\nint  a;\",\"new_text\":\"x\"}");
    REFUSED(b, "its first line stands at line 1", "edit_file",
            "{\"path\":\"e\",\"old_text\":\"int a;\\nint c;\",\"new_text\":\"x\"}");
    REFUSED(b, "read_file shows", "edit_file",
            "{\"path\":\"e\",\"old_text\":\"float\",\"new_text\":\"x\"}");
    REFUSED(b, "old_text is empty", "edit_file",
            "{\"path\":\"e\",\"old_text\":\"\",\"new_text\":\"x\"}");
    REFUSED(b, "holds this already", "edit_file",
            "{\"path\":\"e\",\"old_text\":\"int b\",\"new_text\":\"int b\"}");
    REFUSED(b, "no such file", "edit_file",
            "{\"path\":\"none\",\"old_text\":\"a\",\"new_text\":\"x\"}");
    DONE(b, "is changed", "edit_file",
         "{\"path\":\"e\",\"old_text\":\"\\tint b;\\n\",\"new_text\":\"\"}");
    CHECK(bench_holds(b, "root/e", "int a;\nint a;\n"), "one place");
    DONE(b, "is changed", "edit_file",
         "{\"path\":\"e\",\"old_text\":\"a\",\"new_text\":\"aa\",\"all\":true}");
    CHECK(bench_holds(b, "root/e", "int aa;\nint aa;\n"), "all places");
    bench_put(b, "root/crlf", "one\r\ntwo\r\n");
    DONE(b, "is changed", "edit_file",
         "{\"path\":\"crlf\",\"old_text\":\"one\\ntwo\",\"new_text\":\"1\\n2\\n3\"}");
    CHECK(bench_holds(b, "root/crlf", "1\r\n2\r\n3\r\n"), "line ends as in the file");
    struct action action;
    struct text error = {0};
    bench_put(b, "root/d", "1\n2\n3\n4\n5\n6\n7\n8\n9");
    CHECK(bench_prepare(b, "edit_file", "{\"path\":\"d\",\"old_text\":\"5\",\"new_text\":\"five\"}",
                        &action, &error),
          "a diff");
    CHECK(!strcmp(action.shown.data,
                  "--- \"d\"\n+++ \"d\"\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n"
                  " 6\n 7\n 8\n"),
          "is unified: %s", action.shown.data);
    action_free(&action);
    text_free(&error);
    size_t len = 3 << 20;
    char *data = malloc(len);
    memset(data, 'a', len);
    bench_put_bytes(b, "root/big", data, len);
    free(data);
    REFUSED(b, "would have more than", "edit_file",
            "{\"path\":\"big\",\"old_text\":\"a\",\"new_text\":\"0123456789\",\"all\":true}");
    REFUSED(b, "", "edit_file",
            "{\"path\":\"big\",\"old_text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaab\",\"new_text\":\"\"}");
}

/* ---- Diffs say all ----------------------------------------------------------------------------- */

/* Applies a unified diff; what comes out, "?" where it does not fit. */
static void apply(const char *before, const char *diff, struct text *out)
{
    const char *from = before, *line = strstr(diff, "\n+++ ");
    line = line ? strchr(line + 1, '\n') + 1 : "";
    size_t at = 1, first, count;
    for (const char *next; *line; line = next) {
        const char *feed = strchr(line, '\n');
        next = feed + 1;
        bool bare = *next == '\\';
        size_t len = (size_t)(feed - line) - 1 + !bare;
        if (*line == '@' && sscanf(line, "@@ -%zu,%zu", &first, &count) == 2) {
            for (; at < first + !count; at++) {
                const char *end = strchr(from, '\n');
                text_add(out, from, (size_t)(end - from) + 1);
                from = end + 1;
            }
            continue;
        }
        if (*line != '+' && strncmp(from, line + 1, len))
            text_format(out, "?");
        if (*line != '-')
            text_add(out, line + 1, len);
        if (*line != '+') {
            from += len;
            at++;
        }
        if (bare)
            next = strchr(next, '\n') + 1;
    }
    text_format(out, "%s", from);
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void diffs(void)
{
    unsigned state = 1;
    for (int i = 0; i < 3000; i++) {
        struct text sides[2] = {0}, diff = {0}, applied = {0};
        for (int s = 0; s < 2; s++) {
            unsigned lines = next_random(&state) % (i % 10 ? 30 : 2500);
            for (unsigned k = 0; k < lines; k++)
                text_format(&sides[s], "%u\n", next_random(&state) % (i % 3 ? 4 : 1000));
            text_format(&sides[s], next_random(&state) % 2 ? "" : "end");
        }
        struct content before = {.exists = true, .data = sides[0].data, .len = sides[0].len};
        struct content after = {.exists = true, .data = sides[1].data, .len = sides[1].len};
        diff_add(&diff, "f", &before, &after);
        apply(sides[0].data, diff.data, &applied);
        CHECK(!diff.failed && applied.len == sides[1].len && !strcmp(applied.data, sides[1].data),
              "diff %d of %zu and %zu bytes", i, sides[0].len, sides[1].len);
        for (int s = 0; s < 2; s++)
            text_free(&sides[s]);
        text_free(&diff);
        text_free(&applied);
    }
}

/* ---- Attack 4 ---------------------------------------------------------------------------------- */

struct swapper {
    int root_fd;
    atomic_bool stop;
    atomic_int swaps;
};

static void *swap(void *data)
{
    struct swapper *s = data;
    while (!s->stop) {
        renameat2(s->root_fd, "dir", s->root_fd, "link", RENAME_EXCHANGE);
        s->swaps++;
    }
    return NULL;
}

static void races(struct bench *b)
{
    bench_shell(b, "root", "rm -rf dir link; mkdir dir; ln -s ../outside link");
    bench_shell(b, "outside", "rm -rf ./*");
    struct swapper s = {.root_fd = b->agent.root_fd};
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, swap, &s), "a thread");
    int written = 0, refused = 0;
    for (int i = 0; s.swaps < 100000 || written < 200 || refused < 200; i++) {
        struct text result = {0};
        char call[100];
        snprintf(call, sizeof call, "{\"path\":\"dir/%d\",\"text\":\"%d\"}", i % 50, i);
        if (bench_call(b, "write_file", call, &result))
            written++;
        else
            refused++;
        text_free(&result);
        char path[32];
        snprintf(path, sizeof path, "dir/w%d", i % 50);
        int fd = below_walk(b->agent.root_fd, path, O_CREAT | O_WRONLY, 0600);
        if (fd >= 0)
            close(fd);
    }
    s.stop = true;
    pthread_join(thread, NULL);
    CHECK(bench_shell(b, "outside", "test -z \"$(ls -A)\""),
          "%d swaps, %d written, %d refused: nothing outside", (int)s.swaps, written, refused);
    CHECK(bench_shell(b, "root", "test -z \"$(find . -name '.infer-agent*')\""), "nothing left");
}

/* Attack 40: killed while it writes, the file is the old one or the new one. */
static void killed(struct bench *b)
{
    enum { LEN = 1 << 20 };
    struct text calls[2] = {0};
    for (int i = 0; i < 2; i++) {
        text_format(&calls[i], "{\"path\":\"k\",\"text\":\"");
        for (int k = 0; k < LEN / 8; k++)
            text_format(&calls[i], i ? "bbbbbbbb" : "aaaaaaaa");
        text_format(&calls[i], "\"}");
    }
    char *data = malloc(LEN + 1);
    for (int round = 0; round < 40; round++) {
        pid_t child = fork();
        for (int i = 0; !child; i++) {
            struct text result = {0};
            bench_call(b, "write_file", calls[i % 2].data, &result);
            text_free(&result);
        }
        usleep(20000 + 1371 * (unsigned)round);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        int fd = openat(b->agent.root_fd, "k", O_RDONLY);
        ssize_t len = fd < 0 ? 0 : read(fd, data, LEN + 1);
        if (fd >= 0)
            close(fd);
        CHECK(!len || (len == LEN && !memcmp(data, data + 1, LEN - 1)), "round %d: %zd bytes",
              round, len);
    }
    free(data);
    for (int i = 0; i < 2; i++)
        text_free(&calls[i]);
}

void hands_writes(void)
{
    struct bench b;
    bench_open(&b);
    writing(&b);
    links(&b);
    changed_since(&b);
    judged(&b);
    edits(&b);
    races(&b);
    killed(&b);
    bench_close(&b);
    diffs();
}
