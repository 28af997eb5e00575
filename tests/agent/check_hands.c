/* The tools of infer-agent: arguments, files below the root, programs, commits and undo, against what a model that
 * means harm may call. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "examples/agent/mcp.h"
#include "examples/agent/sandbox.h"
#include "tests/agent/hands_tests.h"

/* ---- Stand-ins for the sandbox and the servers ------------------------------------------------- */

struct text hands_ran;
const char *hands_output = "";
size_t hands_left_out;

bool sandbox_run(struct sandbox *box, const struct sandbox_command *command,
                 struct sandbox_result *result, char err[SANDBOX_ERR])
{
    (void)box;
    (void)err;
    text_free(&hands_ran);
    for (size_t i = 0; command->argv[i]; i++)
        text_format(&hands_ran, "[%s]", command->argv[i]);
    size_t len = strlen(hands_output);
    *result = (struct sandbox_result){.out = strdup(hands_output),
                                      .out_len = len,
                                      .head_len = hands_left_out ? len / 2 : len,
                                      .left_out = hands_left_out};
    return true;
}

void sandbox_result_free(struct sandbox_result *result)
{
    free(result->out);
    *result = (struct sandbox_result){0};
}

bool mcp_open(struct agent *agent, struct text *error)
{
    (void)agent;
    (void)error;
    return true;
}

void mcp_close(struct agent *agent)
{
    (void)agent;
}

const struct tool *mcp_tools(const struct agent *agent, size_t *count)
{
    (void)agent;
    *count = 0;
    return NULL;
}

const char *hands_text(const struct text *t)
{
    return t->data ? t->data : "";
}

/* ---- The bench --------------------------------------------------------------------------------- */

static void path_of(const struct bench *bench, const char *path, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s", bench->top, path);
}

bool bench_shell(const struct bench *bench, const char *folder, const char *line)
{
    char dir[PATH_MAX], home[PATH_MAX];
    path_of(bench, folder, dir);
    path_of(bench, "home", home);
    pid_t child = fork();
    if (!child) {
        int null = open("/dev/null", O_RDWR);
        if (chdir(dir) || null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
            _exit(127);
        setenv("HOME", home, 1);
        setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

void bench_open(struct bench *bench)
{
    *bench = (struct bench){.top = "/tmp/check-hands-XXXXXX"};
    char path[PATH_MAX];
    if (!mkdtemp(bench->top)) {
        perror("mkdtemp");
        exit(1);
    }
    static const char *const folders[] = {"root", "outside", "home"};
    for (size_t i = 0; i < 3; i++) {
        path_of(bench, folders[i], path);
        mkdir(path, 0755);
    }
    snprintf(bench->root, sizeof bench->root, "%s/root", bench->top);
    snprintf(bench->outside, sizeof bench->outside, "%s/outside", bench->top);
    path_of(bench, "home", path);
    setenv("HOME", path, 1);
    bench->agent.options.root = bench->root;
    bench->agent.root_fd = open(bench->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bench_tools(bench);
}

void bench_tools(struct bench *bench)
{
    struct text error = {0};
    tools_close(&bench->agent);
    CHECK(tools_open(&bench->agent, &error), "the tools: %s", error.data ? error.data : "");
    text_free(&error);
}

void bench_close(struct bench *bench)
{
    tools_close(&bench->agent);
    close(bench->agent.root_fd);
    pid_t child = fork();
    if (!child) {
        execl("/bin/rm", "rm", "-rf", "--", bench->top, (char *)NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
}

void bench_put_bytes(const struct bench *bench, const char *path, const char *data, size_t len)
{
    char whole[PATH_MAX];
    path_of(bench, path, whole);
    for (char *slash = whole + strlen(bench->top) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    if (!file || fwrite(data, 1, len, file) != len)
        CHECK(false, "cannot write %s", whole);
    if (file)
        fclose(file);
}

void bench_put(const struct bench *bench, const char *path, const char *text)
{
    bench_put_bytes(bench, path, text, strlen(text));
}

bool bench_holds(const struct bench *bench, const char *path, const char *text)
{
    char whole[PATH_MAX], buffer[8192];
    path_of(bench, path, whole);
    int fd = open(whole, O_RDONLY | O_NONBLOCK);
    ssize_t len = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
    if (fd >= 0)
        close(fd);
    return len == (ssize_t)strlen(text) && !memcmp(buffer, text, strlen(text));
}

bool bench_has(const struct bench *bench, const char *path)
{
    char whole[PATH_MAX];
    struct stat seen;
    path_of(bench, path, whole);
    return !lstat(whole, &seen);
}

void bench_link(const struct bench *bench, const char *target, const char *path)
{
    char whole[PATH_MAX];
    path_of(bench, path, whole);
    CHECK(!symlink(target, whole), "symlink %s: %s", path, strerror(errno));
}

bool bench_prepare(struct bench *bench, const char *name, const char *arguments,
                   struct action *action, struct text *error)
{
    return tools_prepare(&bench->agent, name, arguments, strlen(arguments), action, error);
}

bool bench_call(struct bench *bench, const char *name, const char *arguments, struct text *result)
{
    struct action action;
    char digest[65];
    if (!bench_prepare(bench, name, arguments, &action, result))
        return false;
    action_digest(&action, digest);
    CHECK(!strcmp(digest, action.digest), "%s: the digest is that of the action", name);
    bool ok = action.perform(&action, &bench->agent, result);
    action_free(&action);
    return ok;
}

void bench_expect(struct bench *bench, const char *file, int line, bool ok, const char *says,
                  const char *name, const char *arguments)
{
    struct text result = {0};
    bool did = bench_call(bench, name, arguments, &result);
    const char *said = result.data ? result.data : "";
    count_check(did == ok && strstr(said, says), file, line, "%s %.200s: %s, says \"%.300s\"", name,
                arguments, did ? "done" : "refused", said);
    text_free(&result);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    text_json_open();
    alarm(300); /* nothing may wait for ever */
    hands_arguments();
    hands_names();
    hands_files();
    hands_writes();
    hands_search();
    hands_runs();
    hands_git();
    hands_undo();
    hands_memory();
    text_free(&hands_ran);
    return count_end();
}
