/* Reading and listing below the root. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/agent/hands_tests.h"

/* Attacks 6 to 11: the names that are not like others, however they are written. */
void hands_names(void)
{
    static const struct {
        const char *path;
        enum name_kind kind;
    } cases[] = {
        {".", NAME_PLAIN},
        {"a/b.c", NAME_PLAIN},
        {".gitignore", NAME_PLAIN},
        {"git", NAME_PLAIN},
        {"x.git", NAME_PLAIN},
        {".github/x.md", NAME_PLAIN},
        {"workflows/x", NAME_PLAIN},
        {"id_map.c", NAME_PLAIN},
        {"environment", NAME_PLAIN},
        {"a.pem.c", NAME_PLAIN},
        {"agents.mdx", NAME_PLAIN},
        {".git", NAME_PROTECTED},
        {".git/hooks/pre-commit", NAME_PROTECTED},
        {"sub/.git/config", NAME_PROTECTED},
        {".GIT/config", NAME_PROTECTED},
        {".Git./config", NAME_PROTECTED},
        {".git ./config", NAME_PROTECTED},
        {"git~1/config", NAME_PROTECTED},
        {".g\u200cit/config", NAME_PROTECTED},
        {"\ufeff.git", NAME_PROTECTED},
        {".gitattributes", NAME_PROTECTED},
        {".github/workflows/a.yml", NAME_PROTECTED},
        {"x/.GitHub/Workflows/a.yml", NAME_PROTECTED},
        {".vscode/tasks.json", NAME_PROTECTED},
        {".ba\u017fhrc", NAME_PROTECTED},
        {".zshenv", NAME_PROTECTED},
        {"AGENTS.md", NAME_PERSISTS},
        {"docs/agents.MD", NAME_PERSISTS},
        {"CLAUDE.md", NAME_PERSISTS},
        {".cursor/rules/a.mdc", NAME_PERSISTS},
        {".github/copilot-instructions.md", NAME_PERSISTS},
        {".\u212airo/x", NAME_PERSISTS},
        {".env", NAME_HIDDEN},
        {".ENV.local", NAME_HIDDEN},
        {".envrc", NAME_HIDDEN},
        {"a/.env/b", NAME_HIDDEN},
        {"server.pem", NAME_HIDDEN},
        {"server.PEM", NAME_HIDDEN},
        {"id_ed25519", NAME_HIDDEN},
        {"keys/id_rsa.old", NAME_HIDDEN},
        {".ssh/config", NAME_HIDDEN},
        {".aws/credentials", NAME_HIDDEN},
        {".netrc", NAME_HIDDEN},
        {".git/.env", NAME_HIDDEN},
        {".config/infer-agent/config", NAME_HIDDEN},
        {".infer-agent.log", NAME_HIDDEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(names_judge(cases[i].path) == cases[i].kind, "%s is %d", cases[i].path,
              names_judge(cases[i].path));
    char longest[600];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    CHECK(names_judge(longest) == NAME_PROTECTED, "what is no name is protected");
}

static void reading(struct bench *b)
{
    bench_put(b, "root/a.txt", "one\ntwo\nthree\n");
    bench_put(b, "root/sub/b.txt", "no feed");
    bench_put(b, "root/empty", "");
    bench_put_bytes(b, "root/binary",
                    "\x7f"
                    "ELF\0\1\2",
                    7);
    bench_put_bytes(b, "root/latin", "caf\xe9 \x1b[2J \xed\xa0\x80 \xc2\x9b é\n", 20);
    DONE(b, "\"a.txt\", lines 1 to 3 of 3:\none\ntwo\nthree\n", "read_file",
         "{\"path\":\"a.txt\"}");
    DONE(b, "lines 2 to 2 of 3:\ntwo\n", "read_file",
         "{\"path\":\"./a.txt\",\"first_line\":2,\"line_count\":1}");
    DONE(b, "lines 3 to 3 of 3:\nthree\n", "read_file",
         "{\"path\":\"a.txt\",\"first_line\":3,\"line_count\":100}");
    REFUSED(b, "has 3 lines; there is no line 4", "read_file",
            "{\"path\":\"a.txt\",\"first_line\":4}");
    DONE(b, "no feed\n(no line feed at the end)", "read_file", "{\"path\":\"sub//b.txt\"}");
    DONE(b, "is empty", "read_file", "{\"path\":\"empty\"}");
    DONE(b, "is a binary file of 7 bytes", "read_file", "{\"path\":\"binary\"}");
    DONE(b, "caf\\xe9 \\x1b[2J \\xed\\xa0\\x80 \\xc2\\x9b é\n", "read_file",
         "{\"path\":\"latin\"}");
    REFUSED(b, "no such file", "read_file", "{\"path\":\"c.txt\"}");
    REFUSED(b, "is a folder", "read_file", "{\"path\":\"sub\"}");
    REFUSED(b, "not a folder", "read_file", "{\"path\":\"a.txt/x\"}");
    char call[200];
    snprintf(call, sizeof call, "{\"path\":\"%s/a.txt\"}", b->root);
    DONE(b, "two", "read_file", call);
}

/* Attacks 1 to 3 and 11, by reading. */
static void walls(struct bench *b)
{
    char call[300];
    bench_put(b, "outside/secret", "SECRET");
    bench_put(b, "root/.env", "SECRET");
    bench_put(b, "root/.ssh/id_ed25519", "SECRET");
    bench_put(b, "root/keys/server.pem", "SECRET");
    bench_link(b, "../outside", "root/out");
    bench_link(b, "../outside/secret", "root/file-out");
    bench_link(b, ".env", "root/innocent");
    bench_link(b, "sub", "root/inside");
    static const char *const refused[][2] = {
        {"../outside/secret", "\"..\" is not taken"},
        {"sub/../../outside/secret", "\"..\" is not taken"},
        {"/etc/passwd", "is outside the root; the file tools take paths below it alone"},
        {"/opt", "--read DIR is for programs in the sandbox"},
        {"/", "is outside the root"},
        {"/proc/self/environ", "is outside the root"},
        {"~/.netrc", "~ is not taken"},
        {"~root/x", "~ is not taken"},
        {"out/secret", "symbolic link"},
        {"file-out", "symbolic link"},
        {"innocent", "symbolic link"},
        {"inside/b.txt", "symbolic link"},
        {".env", "hidden name"},
        {".ENV", "hidden name"},
        {".e\u200bnv", "hidden name"},
        {".ssh/id_ed25519", "hidden name"},
        {"keys/server.pem", "hidden name"},
        {".aws/credentials", "hidden name"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(call, sizeof call, "{\"path\":\"%s\"}", refused[i][0]);
        REFUSED(b, refused[i][1], "read_file", call);
        REFUSED(b, "", "list_files", call);
        snprintf(call, sizeof call, "{\"path\":\"%s\",\"pattern\":\"S\"}", refused[i][0]);
        REFUSED(b, "", "search", call);
        snprintf(call, sizeof call, "{\"path\":\"%s\",\"text\":\"x\"}", refused[i][0]);
        REFUSED(b, refused[i][1], "write_file", call);
        snprintf(call, sizeof call, "{\"path\":\"%s\",\"old_text\":\"SECRET\",\"new_text\":\"x\"}",
                 refused[i][0]);
        REFUSED(b, refused[i][1], "edit_file", call);
    }
    snprintf(call, sizeof call, "{\"path\":\"%s-else/x\",\"text\":\"x\"}", b->root);
    REFUSED(b, "is outside the root", "write_file", call);
    CHECK(bench_holds(b, "outside/secret", "SECRET") && bench_holds(b, "root/.env", "SECRET"),
          "what is outside or hidden is as it was");
}

/* Nothing that is opened blocks, or is opened at all where it is no file. */
static void special(struct bench *b)
{
    CHECK(!mkfifoat(b->agent.root_fd, "fifo", 0600), "a FIFO is made");
    REFUSED(b, "is not a regular file", "read_file", "{\"path\":\"fifo\"}");
    REFUSED(b, "is not a regular file", "write_file", "{\"path\":\"fifo\",\"text\":\"x\"}");
    REFUSED(b, "", "search", "{\"path\":\"fifo\",\"pattern\":\"x\"}");
    DONE(b, "fifo (no regular file)", "list_files", "{}");
    DONE(b, "", "search", "{\"pattern\":\"x\"}");
    unlinkat(b->agent.root_fd, "fifo", 0);
}

/* The walk without openat2 refuses the same. */
static void walking(struct bench *b)
{
    static const struct {
        const char *path;
        bool opens;
    } cases[] = {{"a.txt", true},        {"sub/b.txt", true},  {".", true},
                 {"out/secret", false},  {"file-out", false},  {"inside/b.txt", false},
                 {"../outside", false},  {"sub/../..", false}, {"sub//b.txt", false},
                 {"/etc/passwd", false}, {"", false},          {"a.txt/x", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int walk = below_walk(b->agent.root_fd, cases[i].path, O_RDONLY, 0);
        CHECK((walk >= 0) == cases[i].opens, "walk %s", cases[i].path);
        if (walk >= 0)
            close(walk);
    }
}

static void large(struct bench *b)
{
    size_t len = (size_t)10 << 20;
    char *data = malloc(len + 1);
    memset(data, 'x', len);
    for (size_t i = 99; i < len; i += 100)
        data[i] = '\n';
    bench_put_bytes(b, "root/large", data, len);
    struct text result = {0};
    CHECK(bench_call(b, "read_file", "{\"path\":\"large\"}", &result) &&
              result.len < RESULT_MAX + 200 && strstr(result.data, "9437184 bytes left out"),
          "10 MiB: %zu bytes", result.len);
    text_free(&result);
    DONE(b, "lines 100000 to 100000 of 104858", "read_file",
         "{\"path\":\"large\",\"first_line\":100000,\"line_count\":1}");
    int fd = openat(b->agent.root_fd, "large", O_WRONLY);
    CHECK(!ftruncate(fd, (off_t)1 << 40), "a sparse file of 1 TiB");
    close(fd);
    REFUSED(b, "more than the", "read_file", "{\"path\":\"large\"}");
    REFUSED(b, "more than the", "write_file", "{\"path\":\"large\",\"text\":\"x\"}");
    DONE(b, "were too large", "search", "{\"pattern\":\"zzz\"}");
    unlinkat(b->agent.root_fd, "large", 0);
    free(data);
}

/* Attack 37: each once, escaped. */
static void listing(void)
{
    struct bench b;
    bench_open(&b);
    static const char *const names[][2] = {
        {"$(reboot).c", "\n$(reboot).c (1 bytes)\n"},
        {"-rf", "\n-rf (1 bytes)\n"},
        {"\x1b]0;x\x07", "\n\\x1b]0;x\\x07 (1 bytes)\n"},
        {"new\nline", "\nnew\\nline (1 bytes)\n"},
        {"\xff\xfe", "\n\\xff\\xfe (1 bytes)\n"},
        {"a b\u202e", "\na b\\u{202e} (1 bytes)\n"},
        {".env", "\n.env (hidden)\n"},
    };
    char path[100];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "root/%s", names[i][0]);
        bench_put(&b, path, "x");
    }
    bench_put(&b, "root/d/e/f/g", "x");
    bench_put(&b, "root/.ssh/key", "x");
    bench_put(&b, "root/.git/config", "x");
    bench_put(&b, "outside/secret", "x");
    bench_link(&b, "../outside", "root/out");
    bench_link(&b, "..", "root/d/up");
    struct text result = {0};
    text_format(&result, "\n");
    CHECK(bench_call(&b, "list_files", "{}", &result), "list");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *at = strstr(result.data, names[i][1]);
        CHECK(at && !strstr(at + 1, names[i][1]), "\"%s\" once in \"%s\"", names[i][1],
              result.data);
    }
    CHECK(strstr(result.data, "\nout (symbolic link)\n") && !strstr(result.data, "secret"),
          "links are not entered");
    CHECK(strstr(result.data, "\n.git/\n") && !strstr(result.data, "config"),
          ".git is not entered");
    CHECK(strstr(result.data, "\n.ssh/ (hidden)\n") && !strstr(result.data, "key"), "nor .ssh");
    CHECK(strstr(result.data, "\nd/e/\n") && !strstr(result.data, "d/e/f"), "two levels");
    CHECK(strstr(result.data, "deeper folders were not entered"), "and it says so");
    text_free(&result);
    DONE(&b, "d/e/f/g (1 bytes)", "list_files", "{\"path\":\"d\",\"depth\":9}");
    for (int i = 0; i < 2100; i++) {
        snprintf(path, sizeof path, "m%04d", i);
        close(openat(b.agent.root_fd, path, O_CREAT | O_WRONLY, 0600));
    }
    DONE(&b, "(there is more", "list_files", "{}");
    bench_close(&b);
}

void hands_files(void)
{
    struct bench b;
    bench_open(&b);
    reading(&b);
    walls(&b);
    special(&b);
    walking(&b);
    large(&b);
    bench_close(&b);
    listing();
}
