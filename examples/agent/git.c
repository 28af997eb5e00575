/* How git is run, and what is asked of it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "git.h"
#include "hands.h"

#define OUTPUT_MAX ((size_t)64 << 20)
#define SECONDS_MAX 60
#define SYS_CLOSE_RANGE 436 /* an old libc has no name for it */
#define ARGUMENTS (GIT_PATHS + 16)

/* ---- Running git ------------------------------------------------------------------------------- */

/* Every way by which a repository's own settings could start a program or reach the network. Filters are refused
 * where a path has one, and never run by the commands used here. */
static const char *const safe_arguments[] = {"git",
                                             "--git-dir=.git",
                                             "--work-tree=.",
                                             "--no-pager",
                                             "--literal-pathspecs",
                                             "--no-optional-locks",
                                             "-c",
                                             "core.hooksPath=/dev/null",
                                             "-c",
                                             "core.fsmonitor=false",
                                             "-c",
                                             "core.untrackedCache=false",
                                             "-c",
                                             "core.pager=cat",
                                             "-c",
                                             "core.editor=false",
                                             "-c",
                                             "core.sshCommand=false",
                                             "-c",
                                             "core.gitProxy=",
                                             "-c",
                                             "core.askPass=",
                                             "-c",
                                             "core.alternateRefsCommand=",
                                             "-c",
                                             "core.attributesFile=/dev/null",
                                             "-c",
                                             "core.protectHFS=true",
                                             "-c",
                                             "core.protectNTFS=true",
                                             "-c",
                                             "credential.helper=",
                                             "-c",
                                             "protocol.allow=never",
                                             "-c",
                                             "commit.gpgSign=false",
                                             "-c",
                                             "gpg.program=false",
                                             "-c",
                                             "diff.external=",
                                             "-c",
                                             "submodule.recurse=false",
                                             "-c",
                                             "i18n.commitEncoding=UTF-8",
                                             "-c",
                                             "gc.auto=0",
                                             "-c",
                                             "maintenance.auto=false"};
#define SAFE_COUNT (sizeof safe_arguments / sizeof *safe_arguments)

static const char *const safe_variables[] = {
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "LC_ALL=C",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ALLOW_PROTOCOL=none",
    "GIT_NO_LAZY_FETCH=1",
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_ASKPASS=false",
    "GIT_EDITOR=false",
    "GIT_PAGER=cat",
    "GIT_ATTR_NOSYSTEM=1",
    /* not where the user's own settings are asked for */
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_GLOBAL=/dev/null",
    "HOME=/nonexistent",
};
#define SAFE_VARIABLES (sizeof safe_variables / sizeof *safe_variables)
#define USER_VARIABLES (SAFE_VARIABLES - 3)

/* In the child: nothing but calls that are safe after a fork of a process with threads. */
static _Noreturn void exec_git(int root_fd, const int fds[2], const char *const *arguments,
                               const char *const *variables)
{
    static const char *const places[] = {"/usr/local/bin/git", "/usr/bin/git", "/bin/git"};
    const struct rlimit size = {OUTPUT_MAX, OUTPUT_MAX};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (dup2(fds[0], 0) == 0 && dup2(fds[1], 1) == 1 && dup2(fds[1], 2) == 2 && !fchdir(root_fd) &&
        !setrlimit(RLIMIT_FSIZE, &size)) {
        syscall(SYS_CLOSE_RANGE, 3u, ~0u, 0u);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            execve(places[i], (char *const *)arguments, (char *const *)variables);
    }
    _exit(127);
}

/* The child's end, or its end by force after a while. */
static int wait_for(const struct agent *agent, pid_t child)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    int status = -1;
    for (int naps = 0;; naps++) {
        pid_t got = waitpid(child, &status, WNOHANG);
        if (got == child)
            return status;
        if (got < 0 && errno != EINTR)
            return -1;
        if (naps == SECONDS_MAX * 500 || agent->cancelled) {
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
            while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
            return -1;
        }
        nanosleep(&nap, NULL);
    }
}

/* A file in memory that holds the text, to be read from its start. */
static int memory_file(const struct text *text)
{
    int fd = memfd_create("git", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && text && at < text->len;) {
        ssize_t put = write(fd, text->data + at, text->len - at);
        if (put < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        at += put > 0 ? (size_t)put : 0;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static void read_output(int fd, struct text *output)
{
    char buffer[16384];
    lseek(fd, 0, SEEK_SET);
    for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
        text_add(output, buffer, (size_t)got);
    if (!output->data)
        text_add(output, "", 0);
}

bool git_run(const struct agent *agent, const struct git_call *call, struct text *output)
{
    const char *arguments[SAFE_COUNT + ARGUMENTS], *variables[SAFE_VARIABLES + 16];
    char home[PATH_MAX + 8];
    size_t n = SAFE_COUNT, v = call->user ? USER_VARIABLES : SAFE_VARIABLES;
    memcpy(arguments, safe_arguments, sizeof safe_arguments);
    for (size_t i = 0; call->arguments[i] && n + 1 < SAFE_COUNT + ARGUMENTS; i++)
        arguments[n++] = call->arguments[i];
    arguments[n] = NULL;
    memcpy(variables, safe_variables, v * sizeof *variables);
    const char *user_home = call->user ? getenv("HOME") : NULL;
    if (user_home && strlen(user_home) < PATH_MAX) {
        snprintf(home, sizeof home, "HOME=%s", user_home);
        variables[v++] = home;
    }
    for (size_t i = 0; call->variables && call->variables[i] && v + 1 < SAFE_VARIABLES + 16; i++)
        variables[v++] = call->variables[i];
    variables[v] = NULL;

    const int fds[2] = {memory_file(call->input), memory_file(NULL)};
    bool ok = false;
    if (fds[0] >= 0 && fds[1] >= 0) {
        pid_t child = fork();
        if (!child)
            exec_git(agent->root_fd, fds, arguments, variables);
        int status = child > 0 ? wait_for(agent, child) : -1;
        read_output(fds[1], output);
        ok = status == 0 && !output->failed;
        if (!ok && !output->len)
            text_format(output, status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127
                                    ? "git is not installed"
                                    : "git failed");
    } else {
        text_format(output, "out of memory");
    }
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return ok;
}

static bool run(const struct agent *agent, const char *const *arguments, const struct text *input,
                struct text *output)
{
    return git_run(agent, &(struct git_call){.arguments = arguments, .input = input}, output);
}

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void strip_feed(struct text *t)
{
    while (t->len && t->data[t->len - 1] == '\n')
        t->data[--t->len] = 0;
}

/* One object's name as the output of a command. */
bool git_run_id(const struct agent *agent, const struct git_call *call, char id[GIT_ID],
                struct text *error)
{
    struct text output = {0};
    bool ok = git_run(agent, call, &output);
    if (ok)
        strip_feed(&output);
    if (ok && (output.len == 40 || output.len == 64) &&
        strspn(output.data, "0123456789abcdef") == output.len) {
        memcpy(id, output.data, output.len + 1);
    } else {
        text_format(error, "git: ");
        text_add_plain(error, output.data ? output.data : "", output.len);
        ok = false;
    }
    text_free(&output);
    return ok;
}

/* ---- The repository ---------------------------------------------------------------------------- */

/* A linked work tree: .git is a file that names a folder, and a file in that folder names it in turn. */
static bool is_linked(const struct agent *agent)
{
    struct content link = {0};
    struct text ignored = {0};
    char back[PATH_MAX + 16] = "", found[PATH_MAX + 16] = "";
    bool ok = below_load(agent->root_fd, ".git", false, &link, &ignored) && link.len > 8 &&
              link.len < PATH_MAX && !memcmp(link.data, "gitdir: /", 9) && link.uid == geteuid();
    text_free(&ignored);
    if (ok) {
        link.data[strcspn(link.data, "\n")] = 0;
        snprintf(back, sizeof back, "%s/gitdir", link.data + 8);
        int fd = open(back, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : read(fd, found, sizeof found - 1);
        if (fd >= 0)
            close(fd);
        found[got > 0 ? got : 0] = 0;
        found[strcspn(found, "\n")] = 0;
        snprintf(back, sizeof back, "%s/.git", agent->options.root);
        ok = !strcmp(found, back);
    }
    content_free(&link);
    return ok;
}

bool git_is_tree(const struct agent *agent)
{
    struct stat git;
    int fd = below_open(agent->root_fd, ".git", O_PATH, 0);
    bool ok = fd >= 0 && !fstat(fd, &git) && git.st_uid == geteuid() &&
              (S_ISDIR(git.st_mode) || (S_ISREG(git.st_mode) && is_linked(agent)));
    if (fd >= 0)
        close(fd);
    struct text output = {0};
    ok = ok && run(agent, (const char *const[]){"rev-parse", "--git-dir", NULL}, NULL, &output);
    text_free(&output);
    return ok;
}

bool git_head(const struct agent *agent, char id[GIT_ID], struct text *error)
{
    struct text output = {0};
    const char *const branch[] = {"symbolic-ref", "-q", "HEAD", NULL};
    const char *const commit[] = {"rev-parse", "--verify", "-q", "HEAD^{commit}", NULL};
    *id = 0;
    bool ok = run(agent, commit, NULL, &output);
    if (ok) {
        text_free(&output);
        return git_run_id(agent, &(struct git_call){.arguments = commit}, id, error);
    }
    text_free(&output);
    ok = run(agent, branch, NULL, &output); /* a branch without a commit is no failure */
    if (ok) {
        struct text ref = {0};
        strip_feed(&output);
        ok = !run(agent, (const char *const[]){"show-ref", "--verify", output.data, NULL}, NULL,
                  &ref);
        text_free(&ref);
    }
    if (!ok)
        text_format(error, "git: HEAD cannot be read");
    text_free(&output);
    return ok;
}

bool git_index(const struct agent *agent, const struct text *paths, struct text *lines)
{
    const char *arguments[GIT_PATHS + 8] = {"ls-files", "-s", "-z", "--"};
    size_t n = 4;
    for (size_t at = 0; at < paths->len && n < GIT_PATHS + 7; at += strlen(paths->data + at) + 1)
        arguments[n++] = paths->data + at;
    return run(agent, arguments, NULL, lines);
}

void git_commit_free(struct git_commit *commit)
{
    text_free(&commit->subject);
    text_free(&commit->paths);
    text_free(&commit->before);
    text_free(&commit->after);
}

bool git_take_back(const struct agent *agent, const struct git_commit *commit, struct text *error)
{
    char head[GIT_ID];
    struct text now = {0}, lines = {0}, output = {0};
    if (!git_head(agent, head, error))
        return false;
    bool ok = !strcmp(head, commit->id);
    if (!ok)
        text_format(error, "HEAD is not the commit %.12s any more; nothing was taken back",
                    commit->id);
    if (ok && (!git_index(agent, &commit->paths, &now) || now.len != commit->after.len ||
               memcmp(now.data, commit->after.data, now.len))) {
        text_format(error, "the index has changed since the commit; nothing was taken back");
        ok = false;
    }
    const char *const remotes[] = {"for-each-ref", "--contains", commit->id, "refs/remotes", NULL};
    if (ok && (!run(agent, remotes, NULL, &output) || output.len)) {
        text_format(error, "the commit is in a remote's branch already; nothing was taken back");
        ok = false;
    }
    text_free(&output);
    const char *const back[] = {"update-ref", "-m", "infer-agent: undo", "HEAD", commit->parent,
                                commit->id,   NULL};
    const char *const none[] = {"update-ref", "-d", "HEAD", commit->id, NULL};
    if (ok && !run(agent, *commit->parent ? back : none, NULL, &output)) {
        text_format(error, "git: ");
        text_add_plain(error, output.data, output.len);
        ok = false;
    }
    text_free(&output);
    for (size_t at = 0; at < commit->paths.len; at += strlen(commit->paths.data + at) + 1) {
        text_format(&lines, "0 %.*s\t%s", (int)strlen(commit->id), zeros, commit->paths.data + at);
        text_add(&lines, "", 1);
    }
    text_add(&lines, commit->before.data, commit->before.len);
    const char *const restore[] = {"update-index", "--replace", "-z", "--index-info", NULL};
    if (ok && (lines.failed || !run(agent, restore, &lines, &output))) {
        text_format(error, "the commit is taken back, but the index could not be: ");
        text_add_plain(error, output.data ? output.data : "", output.len);
        ok = false;
    }
    text_free(&now);
    text_free(&lines);
    text_free(&output);
    return ok;
}
