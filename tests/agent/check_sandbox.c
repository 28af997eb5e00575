/*
 * The sandbox against attacker.c: for each tier, forced, as root and as another user, what must be refused
 * is refused and what must work works. Everything happens in a throw-away folder. The last line is
 * `N passed, N failed`.
 */
#include "examples/agent/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int passed, failed;
static char where[128]; /* "tier B, uid 0: " */

static bool check(bool good, const char *what, const char *detail)
{
    if (good) {
        passed++;
    } else {
        failed++;
        printf("FAIL %s%s: %s\n", where, what, detail);
    }
    return good;
}

/* ---- The scene -------------------------------------------------------------------------------------- */

enum { OTHER_UID = 65534 };
static struct scene {
    char top[64], workspace[80], outside[80], attacker[128], mark[32];
    pid_t victim, victim_nobody; /* processes outside that signals are aimed at */
    int listener, abstract;
} scene;

static void write_file(const char *folder, const char *name, const char *text, mode_t mode)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode))
        perror(path);
    close(fd);
}

static void make_folder(const char *folder, const char *name, mode_t mode)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if ((mkdir(path, mode) && errno != EEXIST) || chmod(path, mode))
        perror(path);
}

static void unlink_in(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static bool same_text(const char *folder, const char *name, const char *text)
{
    char path[512], got[256] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, got, sizeof got - 1) : -1;
    if (fd >= 0)
        close(fd);
    return len >= 0 && !strcmp(got, text);
}

static bool exists(const char *folder, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return !lstat(path, &st);
}

/* Open to everybody, so that it is the sandbox that refuses. */
static void fill_outside(void)
{
    make_folder(scene.outside, ".", 0777);
    write_file(scene.outside, "secret", "a secret\n", 0666);
    write_file(scene.outside, "victim", "untouched\n", 0666);
}

static void copy_attacker(const char *from)
{
    char path[512];
    snprintf(path, sizeof path, "%s/bin", scene.workspace);
    make_folder(scene.workspace, "bin", 0755);
    snprintf(scene.attacker, sizeof scene.attacker, "%s/bin/attacker", scene.workspace);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(scene.attacker, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    char bytes[65536];
    ssize_t got;
    while ((got = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)got) != got)
            perror("attacker");
    close(in);
    close(out);
}

static int listen_at(const char *name, bool abstract)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path + abstract, sizeof at.sun_path - 1, "%s", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(fd, (void *)&at, sizeof at) || listen(fd, 4))
        perror(name);
    if (!abstract && chmod(name, 0777))
        perror(name);
    return fd;
}

static pid_t start_victim(uid_t uid)
{
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    if (pid == 0) {
        if (uid != geteuid() && setresuid(uid, uid, uid))
            _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        signal(SIGURG, SIG_DFL);
        for (;;)
            pause();
    }
    return pid;
}

static void make_scene(const char *attacker)
{
    char path[256];
    snprintf(scene.top, sizeof scene.top, "/tmp/check-sandbox-XXXXXX");
    if (!mkdtemp(scene.top) || chmod(scene.top, 0755)) {
        perror(scene.top);
        exit(1);
    }
    snprintf(scene.workspace, sizeof scene.workspace, "%s/ws", scene.top);
    snprintf(scene.outside, sizeof scene.outside, "%s/out", scene.top);
    snprintf(scene.mark, sizeof scene.mark, "mark-%d", (int)getpid());
    make_folder(scene.top, "ws", 0755);
    make_folder(scene.top, "out", 0777);
    fill_outside();
    copy_attacker(attacker);
    make_folder(scene.workspace, "sub", 0755);
    make_folder(scene.workspace, "keys", 0755);
    make_folder(scene.workspace, ".git", 0755);
    make_folder(scene.workspace, ".git/hooks", 0755);
    make_folder(scene.workspace, ".github", 0755);
    make_folder(scene.workspace, ".aws", 0755);
    make_folder(scene.workspace, "real.idea", 0755);
    write_file(scene.workspace, "plain.txt", "plain\n", 0644);
    write_file(scene.workspace, ".git/config", "[core]\n", 0644);
    write_file(scene.workspace, ".git/hooks/pre-commit", "#!/bin/sh\n", 0644);
    make_folder(scene.workspace, ".config", 0755);
    make_folder(scene.workspace, ".config/git", 0755);
    write_file(scene.workspace, ".config/git/credentials", "planted\n", 0644);
    write_file(scene.workspace, ".config/git/ignore", "planted\n", 0644);
    write_file(scene.workspace, ".env", "planted\n", 0644);
    write_file(scene.workspace, ".aws/credentials", "planted\n", 0644);
    write_file(scene.workspace, "keys/key.pem", "planted\n", 0644);
    write_file(scene.workspace, "sub/plain.txt", "plain\n", 0644);
    write_file(scene.workspace, "CLAUDE.md", "rules\n", 0644);
    snprintf(path, sizeof path, "%s/.idea", scene.workspace);
    if (symlink("real.idea", path))
        perror(path);
    snprintf(path, sizeof path, "%s/sock", scene.outside);
    scene.listener = listen_at(path, false);
    scene.abstract = listen_at(scene.mark, true);
    scene.victim = start_victim(geteuid());
    scene.victim_nobody = start_victim(geteuid() ? geteuid() : OTHER_UID);
}

static void stop_victim(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static void remove_scene(void)
{
    stop_victim(scene.victim);
    stop_victim(scene.victim_nobody);
    close(scene.listener);
    close(scene.abstract);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", scene.top, (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

/* ---- Attacks by the table ----------------------------------------------------------------------------- */

/* A column for A, B, C with Landlock 1, C with Landlock 2, D. x: refused; o: works; !: killed by SIGSYS;
 * ?: as it happens. In arguments W is the workspace, O what is outside, M the mark, P and Q processes
 * outside (the agent's user's and nobody's), G the agent. */
static const struct attack {
    const char *name, *first, *second;
    char want[6];
} attacks[] = {
    /* what a task needs */
    {"write", "W/sub/new", NULL, "oooo?"},
    {"write", "W/top-new", NULL, "oxxx?"},
    {"write", "W/plain.txt", NULL, "oooo?"},
    {"rename", "W/sub/new", "W/sub/renamed", "oooo?"},
    {"unlink", "W/sub/renamed", NULL, "oooo?"},
    {"truncate", "W/sub/plain.txt", NULL, "ooxx?"},
    {"write", "/dev/null", NULL, "ooooo"},
    {"read", "/etc/passwd", NULL, "ooooo"},
    {"read", "W/.git/config", NULL, "ooooo"},
    {"read", "W/CLAUDE.md", NULL, "ooooo"},
    {"pair-stream", NULL, NULL, "ooooo"},
    {"kill-own", NULL, NULL, "ooooo"},
    /* outside */
    {"write", "O/fresh", NULL, "xxxxo"},
    {"write", "O/victim", NULL, "xxxxo"},
    {"write", "W/../out/fresh", NULL, "xxxxo"},
    {"write", "/usr/attack", NULL, "xxxxx"},
    {"write", "/etc/passwd", NULL, "xxxxx"},
    {"write", "/attack", NULL, "xxxxx"},
    {"write", "/proc/sys/kernel/core_pattern", NULL, "xxxxx"},
    {"read", "O/secret", NULL, "xxxxo"},
    {"read", "/etc/shadow", NULL, "xxxxx"},
    {"list", "/root", NULL, "xxxxx"},
    {"list", "O", NULL, "xxxxo"},
    {"mkdir", "O/folder", NULL, "xxxxo"},
    {"unlink", "O/victim", NULL, "xxxxo"},
    {"rename", "O/victim", "W/sub/stolen", "xxxx?"},
    {"rename", "W/sub/plain.txt", "O/gone", "xxxx?"},
    {"symlink-write", "O", "W/sub/out", "xxxx?"},
    {"link", "O/victim", "W/sub/hard", "xxxx?"},
    {"link", "W/sub/plain.txt", "O/hard", "xxxx?"},
    {"truncate", "O/victim", NULL, "xxxxo"},
    {"open-truncate", "O/victim", NULL, "xxxxo"},
    {"open3-truncate", "O/victim", NULL, "xxxxo"},
    {"truncate", "/usr/bin/env", NULL, "xxxxx"},
    {"open-truncate", "/usr/bin/env", NULL, "xxxxx"},
    {"open3-truncate", "/usr/bin/env", NULL, "xxxxx"},
    {"chmod", "O/victim", NULL, "xxxx?"},
    {"fchmodat2", "O/victim", NULL, "xxxx?"},
    {"chown", "O/victim", NULL, "xxxx?"},
    {"xattr", "O/victim", NULL, "xxxx?"},
    {"utimens", "O/victim", NULL, "xxxx?"},
    {"fchmod", "O/victim", NULL, "xxxx?"},
    {"fchmod", "/usr/bin/env", NULL, "xxxxx"},
    {"utimens", "/usr/bin/env", NULL, "xxxxx"},
    {"handle", "O/secret", NULL, "xxxxx"},
    /* guarded names */
    {"write", "W/.git/config", NULL, "xxxx?"},
    {"write", "W/.git/hooks/pre-commit", NULL, "xxxx?"},
    {"write", "W/.git/hooks/post-commit", NULL, "xxxx?"},
    {"chmod", "W/.git/hooks/pre-commit", NULL, "xxxx?"},
    {"fchmod", "W/.git/hooks/pre-commit", NULL, "xxxx?"},
    {"truncate", "W/.git/config", NULL, "xxxx?"},
    {"open-truncate", "W/.git/config", NULL, "xxxx?"},
    {"rename", "W/.git", "W/sub/git", "xxxx?"},
    {"write", "W/CLAUDE.md", NULL, "xxxx?"},
    {"unlink", "W/CLAUDE.md", NULL, "xxxx?"},
    {"write", "W/AGENTS.md", NULL, "xxxx?"},
    {"write", "W/.gitattributes", NULL, "xxxx?"},
    {"write", "W/.envrc", NULL, "xxxx?"},
    {"mkdir", "W/.vscode", NULL, "xxxx?"},
    {"write", "W/.vscode/tasks.json", NULL, "xxxx?"},
    {"mkdir", "W/.github/workflows", NULL, "xxxx?"},
    {"swap-folder", "W/.github", "W/sub/github", "xxxx?"},
    {"write", "W/.idea/workspace.xml", NULL, "xxxx?"},
    {"unlink", "W/.idea", NULL, "xxxx?"},
    {"write", "W/.infer-agent/config", NULL, "xxxx?"},
    {"read", "W/.env", NULL, "xxxxo"},
    {"read", "W/keys/key.pem", NULL, "xxxxo"},
    {"read", "W/.aws/credentials", NULL, "xxxxo"},
    {"read", "W/.config/git/credentials", NULL, "xxxxo"},
    {"read", "W/.config/git/ignore", NULL, "ooooo"},
    {"write", "W/.config/git/ignore", NULL, "xxxx?"},
    {"write", "W/.config/git/config", NULL, "xxxx?"},
    {"write", "W/real.idea/workspace.xml", NULL, "xxxx?"},
    {"list", "W/.git/hooks", NULL, "o????"},
    {"link-read", "W/.env", "W/sub/env", "xxxx?"},
    {"link-read", "W/keys/key.pem", "W/sub/key", "xxxx?"},
    {"rename", "W/.env", "W/sub/env", "xxxx?"},
    {"rename", "W/keys/key.pem", "W/sub/key", "xxxx?"},
    /* what would outlive the run */
    {"set-id-chmod", "W/sub/set-id", NULL, "xxxxx"},
    {"set-id-create", "W/sub/set-id-2", NULL, "xxxxx"},
    {"device", "W/sub/device", NULL, "xxxxx"},
    {"socket-node", "W/sub/socket", NULL, "xxxxx"},
    {"openat2", "O/secret", NULL, "xxxxx"},
    /* network */
    {"socket", NULL, NULL, "xxxxx"},
    {"pair-datagram", "O/sock", NULL, "xxxxx"},
    {"sendto", "O/sock", NULL, "xxxxx"},
    {"connect", "O/sock", NULL, "xxxxx"},
    {"connect", "@M", NULL, "xxxxx"},
    {"io-uring", NULL, NULL, "xxxxx"},
    /* other processes */
    {"ptrace", "P", NULL, "xxxxx"},
    {"ptrace", "G", NULL, "xxxxx"},
    {"vm", "P", NULL, "xxxxx"},
    {"pidfd", "P", NULL, "xxxxx"},
    {"pidfd-signal", "P", NULL, "xxxxx"},
    {"kill", "P", NULL, "xxxxx"},
    {"kill", "Q", NULL, "xxxxx"},
    {"kill", "G", NULL, "xxxxx"},
    {"kill-everyone", NULL, NULL, "?xxxx"},
    {"tune", "P", NULL, "xxxxx"},
    {"tune", "Q", NULL, "xxxxx"},
    {"owner", "P", NULL, "xxxxx"},
    {"owner", "Q", NULL, "xxxxx"},
    {"parent", NULL, NULL, "xxxxx"},
    {"read", "/proc/G/environ", NULL, "xxxxx"},
    {"read", "/proc/G/mem", NULL, "xxxxx"},
    {"read", "/proc/1/environ", NULL, "xxxxx"},
    {"list", "/proc/G/root", NULL, "xxxxx"},
    {"list", "/proc/1/root", NULL, "xxxxx"},
    /* the kernel */
    {"unshare", NULL, NULL, "xxxxx"},
    {"clone", NULL, NULL, "xxxxx"},
    {"clone3", NULL, NULL, "xxxxx"},
    {"setns", NULL, NULL, "xxxxx"},
    {"mount", NULL, NULL, "xxxxx"},
    {"roots", NULL, NULL, "xxxxx"},
    {"keys", NULL, NULL, "xxxxx"},
    {"rare", NULL, NULL, "xxxxx"},
    {"personality", NULL, NULL, "xxxxx"},
    {"terminal", NULL, NULL, "xxxxx"},
    {"shared-memory", NULL, NULL, "?xxxx"},
    {"capabilities", NULL, NULL, "xxxxx"},
    {"listener", NULL, NULL, "xxxxx"},
    {"int80", NULL, NULL, "!!!!!"},
    {"x32", NULL, NULL, "!!!!!"},
    /* what is inherited */
    {"environment", NULL, NULL, "xxxxx"},
    {"descriptors", NULL, NULL, "xxxxx"},
    {"stdin", NULL, NULL, "xxxxx"},
};

static const struct tier {
    enum sandbox_tier tier;
    int abi;
    int column; /* of what is wanted */
    const char *name;
    bool no_id_map;
} tiers[] = {{SANDBOX_TIER_A, 0, 0, "A", false},
             {SANDBOX_TIER_A, 0, 0, "A, ids not mapped", true},
             {SANDBOX_TIER_B, 0, 1, "B", false},
             {SANDBOX_TIER_C, 1, 2, "C, Landlock 1", false},
             {SANDBOX_TIER_C, 2, 3, "C, Landlock 2", false},
             {SANDBOX_TIER_D, 0, 4, "D", false}};
enum { TIERS = sizeof tiers / sizeof *tiers };

static void expand(const char *argument, char *text, size_t size)
{
    size_t len = 0;
    text[0] = 0;
    for (const char *c = argument; *c && len + 100 < size; c++) {
        bool start = c == argument || c[-1] == '/' || c[-1] == '@';
        bool end = c[1] == 0 || c[1] == '/';
        if (start && end && *c == 'W')
            len += (size_t)snprintf(text + len, size - len, "%s", scene.workspace);
        else if (start && end && *c == 'O')
            len += (size_t)snprintf(text + len, size - len, "%s", scene.outside);
        else if (start && end && *c == 'M')
            len += (size_t)snprintf(text + len, size - len, "%s", scene.mark);
        else if (start && end && *c == 'P')
            len += (size_t)snprintf(text + len, size - len, "%d", (int)scene.victim);
        else if (start && end && *c == 'Q')
            len += (size_t)snprintf(text + len, size - len, "%d", (int)scene.victim_nobody);
        else if (start && end && *c == 'G')
            len += (size_t)snprintf(text + len, size - len, "%d", (int)getpid());
        else
            text[len++] = *c, text[len] = 0;
    }
}

static bool alive(pid_t pid)
{
    return pid > 0 && !kill(pid, 0) && waitpid(pid, NULL, WNOHANG) == 0;
}

static void run_attack(struct sandbox *box, const struct attack *attack, char want)
{
    char first[256], second[256], err[SANDBOX_ERR] = "", detail[1024], what[600];
    expand(attack->first ? attack->first : "", first, sizeof first);
    expand(attack->second ? attack->second : "", second, sizeof second);
    const char *argv[] = {scene.attacker, attack->name, attack->first ? first : NULL,
                          attack->second ? second : NULL, NULL};
    const struct sandbox_command command = {.argv = argv};
    struct sandbox_result result;
    bool ran = sandbox_run(box, &command, &result, err);
    char got = !ran || result.end != SANDBOX_EXITED ? 'e'
               : result.term_signal == SIGSYS       ? '!'
               : result.exit_status == 0            ? 'o'
               : result.exit_status == 1            ? 'x'
                                                    : 'e';
    snprintf(what, sizeof what, "%s %s %s", attack->name, first, second);
    snprintf(detail, sizeof detail, "wanted %c, got %c (status %d, signal %d): %.300s%.300s%s",
             want, got, result.exit_status, result.term_signal, ran && result.out ? result.out : "",
             result.why, err);
    check(want == '?' ? got != 'e' : got == want, what, detail);
    sandbox_result_free(&result);
}

/* After an attack that had to be refused: nothing outside has changed. */
static void check_outside(const struct attack *attack, bool walled)
{
    if (walled) {
        check(same_text(scene.outside, "victim", "untouched\n") &&
                  same_text(scene.outside, "secret", "a secret\n") &&
                  !exists(scene.outside, "fresh") && !exists(scene.outside, "folder") &&
                  !exists(scene.outside, "gone"),
              attack->name, "something outside has changed");
        check(same_text(scene.workspace, ".git/config", "[core]\n") &&
                  same_text(scene.workspace, ".git/hooks/pre-commit", "#!/bin/sh\n") &&
                  same_text(scene.workspace, "CLAUDE.md", "rules\n") &&
                  !exists(scene.workspace, ".vscode") && !exists(scene.workspace, "AGENTS.md") &&
                  !exists(scene.workspace, ".github/workflows"),
              attack->name, "a guarded name has changed");
    }
    if (!alive(scene.victim) || !alive(scene.victim_nobody)) {
        check(false, attack->name, "a process outside was killed");
        exit(1);
    }
    check(accept(scene.listener, NULL, NULL) < 0 && accept(scene.abstract, NULL, NULL) < 0,
          attack->name, "a listener outside was reached");
}

static struct sandbox *open_tier(const struct tier *tier, enum sandbox_mode mode,
                                 struct sandbox_limits limits)
{
    const struct sandbox_options options = {.root = scene.workspace,
                                            .mode = mode,
                                            .limits = limits,
                                            .force_tier = tier->tier,
                                            .force_landlock_abi = tier->abi,
                                            .no_id_map = tier->no_id_map};
    struct sandbox *box = NULL;
    char err[SANDBOX_ERR] = "";
    check(sandbox_open(&options, &box, err), "sandbox_open", err);
    if (box && mode != SANDBOX_NONE)
        check(sandbox_tier(box) == tier->tier && !strncmp(sandbox_describe(box), "tier ", 5),
              "the tier", sandbox_describe(box));
    return box;
}

static void check_attacks(const struct tier *tier)
{
    struct sandbox *box =
        open_tier(tier, SANDBOX_WORKSPACE, (struct sandbox_limits){.wall_ms = 20000});
    bool walled = tier->tier != SANDBOX_TIER_D;
    for (size_t i = 0; box && i < sizeof attacks / sizeof *attacks; i++) {
        run_attack(box, &attacks[i], attacks[i].want[tier->column]);
        check_outside(&attacks[i], walled);
        if (!walled)
            fill_outside();
        unlink_in(scene.workspace, "top-new");
        write_file(scene.workspace, "sub/plain.txt", "plain\n", 0644);
    }
    sandbox_close(box);
}

/* ---- Limits --------------------------------------------------------------------------------------------- */

/* Processes whose command line holds the mark. */
static int marked_processes(void)
{
    int count = 0;
    DIR *dir = opendir("/proc");
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char path[300], text[4096] = "";
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        int fd = entry->d_name[0] >= '1' && entry->d_name[0] <= '9'
                     ? open(path, O_RDONLY | O_CLOEXEC)
                     : -1;
        ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : 0;
        if (fd >= 0)
            close(fd);
        count += got > 0 && memmem(text, (size_t)got, scene.mark, strlen(scene.mark)) != NULL;
    }
    closedir(dir);
    return count;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Less than the attackers' sleep of a minute; a busy machine may be slow. */
enum { LONG_MS = 50000 };

static const struct sandbox_limits small = {
    .wall_ms = 1500,
    .address_bytes = 512 << 20,
    .file_bytes = 8 << 20,
    .disk_files = 20000,
    .tmp_bytes = 16 << 20,
    .output_bytes = 1 << 20,
    .processes = 40,
};

static struct sandbox_result run_bomb(struct sandbox *box, const char *name, const char *first,
                                      const char *second)
{
    char err[SANDBOX_ERR] = "";
    const char *argv[] = {scene.attacker, name, first, second, scene.mark, NULL};
    const struct sandbox_command command = {.argv = argv};
    struct sandbox_result result;
    check(sandbox_run(box, &command, &result, err), name, err);
    check(marked_processes() == 0, name, "a process is left");
    return result;
}

static void check_kept(const struct sandbox_result *result)
{
    bool same = result->out_len == 256 << 10 && result->head_len == 128 << 10 &&
                result->total == result->out_len + result->left_out;
    for (size_t i = 0; same && i < result->out_len; i++)
        same = result->out[i] == 'y';
    check(same, "bomb-output", "head, tail and counts");
}

static void check_bombs(const struct tier *tier)
{
    struct sandbox *box = open_tier(tier, SANDBOX_WORKSPACE, small);
    if (!box)
        return;
    char detail[1024];
    struct sandbox_result r;
#define BOMB(good, name, first, second)                                                            \
    do {                                                                                           \
        r = run_bomb(box, name, first, second);                                                    \
        snprintf(detail, sizeof detail, "end %d, status %d, signal %d, %llu ms, %s %.200s", r.end, \
                 r.exit_status, r.term_signal, (unsigned long long)r.wall_ms, r.why,               \
                 r.out ? r.out : "");                                                              \
        check(good, name, detail);                                                                 \
        if (!strcmp(name, "bomb-output"))                                                          \
            check_kept(&r);                                                                        \
        sandbox_result_free(&r);                                                                   \
    } while (0)
    bool tmpfs = tier->tier == SANDBOX_TIER_A;
    BOMB((r.end == SANDBOX_PROCESSES || r.end == SANDBOX_TIMED_OUT) && r.wall_ms < 5000,
         "bomb-fork", "", "");
    BOMB(r.end == SANDBOX_EXITED && r.exit_status == 1, "bomb-memory", "", "");
    BOMB(r.term_signal == SIGXFSZ || r.exit_status == 1, "bomb-file", "sub/bomb", "");
    BOMB(tmpfs ? r.exit_status == 1 : r.end == SANDBOX_DISK || r.end == SANDBOX_TIMED_OUT,
         "bomb-files", "TMP", "1048576");
    BOMB(r.end == SANDBOX_OUTPUT && r.total > 1 << 20 && r.total < 2 << 20, "bomb-output", "", "");
    BOMB(r.end == SANDBOX_EXITED && r.wall_ms < LONG_MS, "survive", scene.mark, "0");
    BOMB(r.end == SANDBOX_TIMED_OUT && r.wall_ms < LONG_MS, "survive", scene.mark, "60");
#undef BOMB
    sandbox_close(box);
}

/* ---- Reaction ------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t cancelled;
static void cancel_now(int signal)
{
    (void)signal;
    cancelled = 1;
}

static void check_cancel(struct sandbox *box)
{
    char err[SANDBOX_ERR] = "";
    const char *argv[] = {scene.attacker, "survive", scene.mark, "60", NULL};
    const struct sandbox_command command = {.argv = argv, .cancel = &cancelled};
    struct sandbox_result result;
    cancelled = 0;
    signal(SIGALRM, cancel_now);
    const struct itimerspec in = {.it_value = {.tv_nsec = 200000000}};
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &in, NULL);
    check(sandbox_run(box, &command, &result, err) && result.end == SANDBOX_CANCELLED &&
              result.wall_ms < LONG_MS && marked_processes() == 0,
          "cancel", err);
    timer_delete(timer);
    sandbox_result_free(&result);
}

/* The agent is killed in the middle of a run: the program and all below it die with it. */
static void check_agent_dies(const struct tier *tier)
{
    pid_t agent = fork();
    if (agent == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        struct sandbox *box =
            open_tier(tier, SANDBOX_WORKSPACE, (struct sandbox_limits){.wall_ms = 0});
        const char *argv[] = {scene.attacker, "survive", scene.mark, "60", NULL};
        const struct sandbox_command command = {.argv = argv};
        struct sandbox_result result;
        char err[SANDBOX_ERR];
        sandbox_run(box, &command, &result, err);
        _exit(0);
    }
    uint64_t start = now_ms();
    while (marked_processes() < 3 && now_ms() - start < LONG_MS)
        usleep(10000);
    check(marked_processes() >= 3, "agent dies", "the program did not start");
    kill(agent, SIGKILL);
    waitpid(agent, NULL, 0);
    start = now_ms();
    while (marked_processes() && now_ms() - start < LONG_MS)
        usleep(10000);
    check(marked_processes() == 0, "agent dies", "a process is left");
    /* its keeper goes last: until then what covers missing names stays */
    int fd = open(scene.workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (flock(fd, LOCK_EX | LOCK_NB) && now_ms() - start < LONG_MS)
        usleep(1000);
    close(fd);
}

/* What a crash left is removed by the next run. */
static void check_placeholders(struct sandbox *box)
{
    static const char *const names[] = {".vscode", "AGENTS.md",         ".gitmodules",
                                        ".husky",  ".github/workflows", ".infer-agent",
                                        ".envrc"};
    const char *argv[] = {"true", NULL};
    const struct sandbox_command command = {.argv = argv};
    struct sandbox_result result;
    char err[SANDBOX_ERR] = "";
    check(sandbox_run(box, &command, &result, err) && result.exit_status == 0, "true", err);
    sandbox_result_free(&result);
    if (sandbox_tier(box) == SANDBOX_TIER_D)
        return; /* there the attacks have made them */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(!exists(scene.workspace, names[i]), names[i], "a placeholder is left");
}

static void check_refusal(struct sandbox *box, const char *program, const char *cwd,
                          const char *want)
{
    const char *argv[] = {program, NULL};
    const struct sandbox_command command = {.argv = argv, .cwd = cwd};
    struct sandbox_result result;
    char err[SANDBOX_ERR] = "", want_path[256];
    expand(want, want_path, sizeof want_path);
    bool ran = sandbox_run(box, &command, &result, err);
    check(ran && result.end == SANDBOX_NOT_STARTED && strstr(result.why, want_path), program,
          ran ? result.why : err);
    sandbox_result_free(&result);
}

static void check_programs(const struct tier *tier, struct sandbox *box)
{
    check_refusal(box, "no-such-program", NULL, "no such program");
    check_refusal(box, "true", "..", "current folder");
    check_refusal(box, "true", "/", "current folder");
    check_refusal(box, "true", "sub/../..", "current folder");
    check_refusal(box, "true", ".idea", "current folder");
    check_refusal(box, "true", "missing", "No such file");
    if (tier->tier != SANDBOX_TIER_D)
        check_refusal(box, "my-tool", NULL, "--read ");
    /* a script that nobody can change any more */
    const char *argv[] = {"/proc/self/fd/3", "word", NULL};
    struct sandbox_command command = {.argv = argv, .cwd = "sub"};
    struct sandbox_result result;
    char err[SANDBOX_ERR] = "";
    static const char script[] = "#!/bin/sh\necho $1 from a script; pwd\n";
    command.script_fd = memfd_create("script", MFD_CLOEXEC);
    check(write(command.script_fd, script, sizeof script - 1) > 0, "memfd", strerror(errno));
    bool ran = sandbox_run(box, &command, &result, err);
    check(ran && result.out && strstr(result.out, "word from a script\n") &&
              strstr(result.out, "/ws/sub\n"),
          "script_fd", ran && result.out ? result.out : err);
    sandbox_result_free(&result);
    close(command.script_fd);
    const char *shell[] = {"sh", "-c", "cd sub && my-tool | cat; my-tool", NULL};
    command = (struct sandbox_command){.argv = shell};
    ran = sandbox_run(box, &command, &result, err);
    if (tier->tier != SANDBOX_TIER_D)
        check(ran && result.exit_status == 127 && strstr(result.why, "--read "), "a shell's hint",
              ran ? result.why : err);
    sandbox_result_free(&result);
}

static void check_spawn(struct sandbox *box)
{
    const char *argv[] = {"cat", NULL};
    const struct sandbox_command command = {.argv = argv};
    struct sandbox_child child, other;
    char err[SANDBOX_ERR] = "", text[8] = "";
    if (!check(sandbox_spawn(box, &command, &child, err), "sandbox_spawn", err))
        return;
    check(write(child.to_child, "hello", 5) == 5 && read(child.from_child, text, 5) == 5 &&
              !strcmp(text, "hello"),
          "a child's pipes", text);
    /* another command's end does not take away what covers this child */
    const char *nothing[] = {"true", NULL};
    struct sandbox_result result;
    check(sandbox_run(box, &(struct sandbox_command){.argv = nothing}, &result, err), "true", err);
    sandbox_result_free(&result);
    check(exists(scene.workspace, ".vscode") == (sandbox_tier(box) == SANDBOX_TIER_A) ||
              sandbox_tier(box) == SANDBOX_TIER_D,
          ".vscode", "the placeholder of a child that lives");
    close(child.to_child);
    child.to_child = -1;
    check(read(child.from_child, text, 1) == 0, "a child ends at its end of file", "");
    usleep(100000);
    sandbox_stop(&child, &result);
    check(result.end == SANDBOX_EXITED && result.exit_status == 0, "the end of a child",
          result.why);
    const char *missing[] = {"no-such-program", NULL};
    const struct sandbox_command wrong = {.argv = missing};
    check(!sandbox_spawn(box, &wrong, &other, err) && strstr(err, "no such program"),
          "a child that cannot start", err);
    const char *loop[] = {scene.attacker, "survive", scene.mark, "60", NULL};
    const struct sandbox_command lasting = {.argv = loop};
    if (check(sandbox_spawn(box, &lasting, &child, err), "sandbox_spawn", err)) {
        usleep(100000);
        sandbox_stop(&child, &result);
        check(result.end == SANDBOX_CANCELLED && marked_processes() == 0, "sandbox_stop", "");
    }
}

static bool read_at(const char *name, char text[9])
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", scene.workspace, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && pread(fd, text, 8, 0) == 8;
    text[8] = 0;
    close(fd);
    return good;
}

/* Children that write without a pause and would be woken: a hundred times they stand still, and go on. */
static void check_pause(struct sandbox *box)
{
    const char *argv[] = {scene.attacker, "wake", "moving", NULL};
    struct sandbox_child child;
    char err[SANDBOX_ERR] = "", byte, before[9], then[9];
    enum { TIMES = 100 };
    int paused = 0, still = 0, moved = 0;
    write_file(scene.workspace, "moving", "00000000", 0666);
    if (!check(sandbox_spawn(box, &(struct sandbox_command){.argv = argv}, &child, err),
               "sandbox_spawn", err))
        return;
    check(read(child.from_child, &byte, 1) == 1, "it has begun", "");
    for (int i = 0; i < TIMES; i++) {
        bool held = sandbox_pause(&child, err);
        paused += held;
        bool same = held && read_at("moving", before) && !usleep(4000) && read_at("moving", then) &&
                    !strcmp(before, then);
        still += same;
        sandbox_resume(&child);
        for (int wait = 0; wait < 2000; wait++) {
            usleep(500);
            if (read_at("moving", then) && strcmp(before, then))
                break;
        }
        moved += strcmp(before, then) != 0;
    }
    char counts[160];
    struct sandbox_result result;
    bool last = sandbox_pause(&child, err);
    sandbox_stop(&child, &result);
    snprintf(counts, sizeof counts, "paused %d, still %d, moved %d; end %d, status %d, signal %d",
             paused, still, moved, (int)result.end, result.exit_status, result.term_signal);
    check(last && paused == TIMES && still == TIMES && moved == TIMES, "sandbox_pause", counts);
    /* one that has ended stands still */
    const char *nothing[] = {"true", NULL};
    if (check(sandbox_spawn(box, &(struct sandbox_command){.argv = nothing}, &child, err),
              "sandbox_spawn", err)) {
        check(read(child.from_child, &byte, 1) == 0 && sandbox_pause(&child, err) &&
                  sandbox_pause(&child, err),
              "pausing what has ended", err);
        sandbox_stop(&child, &result);
    }
    unlink_in(scene.workspace, "moving");
}

static void check_read_only(const struct tier *tier)
{
    static const struct attack rows[] = {
        {"read", "W/plain.txt", NULL, "ooooo"},   {"write", "W/plain.txt", NULL, "xxxx?"},
        {"write", "W/sub/new", NULL, "xxxx?"},    {"write", "W/top-new", NULL, "xxxx?"},
        {"unlink", "W/plain.txt", NULL, "xxxx?"}, {"truncate", "W/plain.txt", NULL, "xxxx?"},
        {"read", "W/.env", NULL, "xxxx?"},        {"bomb-files", "TMP", "1", "????o"},
    };
    struct sandbox *box =
        open_tier(tier, SANDBOX_READ_ONLY, (struct sandbox_limits){.wall_ms = 20000});
    for (size_t i = 0; box && i + 1 < sizeof rows / sizeof *rows; i++)
        run_attack(box, &rows[i], rows[i].want[tier->column]);
    const char *argv[] = {"sh", "-c", "echo x >$TMPDIR/x && cat $TMPDIR/x", NULL};
    const struct sandbox_command command = {.argv = argv};
    struct sandbox_result result = {.out = NULL};
    char err[SANDBOX_ERR] = "";
    check(box && sandbox_run(box, &command, &result, err) && result.exit_status == 0, "TMPDIR",
          result.out ? result.out : err);
    sandbox_result_free(&result);
    sandbox_close(box);
}

/* ---- Choosing a tier -------------------------------------------------------------------------------------- */

static void check_choice(void)
{
    struct sandbox *box = NULL;
    char err[SANDBOX_ERR] = "";
    struct sandbox_options options = {.root = scene.workspace};
    snprintf(where, sizeof where, "choice, uid %d: ", (int)geteuid());
    check(sandbox_open(&options, &box, err) && sandbox_tier(box) == SANDBOX_TIER_A, "the best",
          err);
    check(box && sandbox_allows_auto(box) && !*sandbox_why_not(box), "auto", "");
    sandbox_close(box);
    /* a wall that leaks is found out, and said */
    options.leak_tier = SANDBOX_TIER_A;
    check(sandbox_open(&options, &box, err) && sandbox_tier(box) == SANDBOX_TIER_B &&
              strstr(sandbox_why_not(box), "made a socket"),
          "a tier down", box ? sandbox_why_not(box) : err);
    sandbox_close(box);
    options.force_tier = SANDBOX_TIER_B;
    options.leak_tier = SANDBOX_TIER_B;
    check(!sandbox_open(&options, &box, err) && strstr(err, "read a file outside"),
          "leaking Landlock", err);
    options = (struct sandbox_options){
        .root = scene.workspace, .force_tier = SANDBOX_TIER_B, .force_landlock_abi = 2};
    check(!sandbox_open(&options, &box, err) && strstr(err, "needs 3"), "B with Landlock 2", err);
    options.force_landlock_abi = -1;
    check(!sandbox_open(&options, &box, err) && strstr(err, "no Landlock"), "B without Landlock",
          err);
    for (int abi = 3; abi <= 7; abi++) {
        options.force_landlock_abi = abi;
        check(sandbox_open(&options, &box, err), "Landlock 3 to 7", err);
        sandbox_close(box);
    }
    static const char *const wrong[] = {"/", "/etc", "/tmp", "relative", "/no/such/folder", "/usr"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options = (struct sandbox_options){.root = wrong[i]};
        check(!sandbox_open(&options, &box, err) && strstr(err, "workspace"), wrong[i], err);
    }
    const char *home = getenv("HOME");
    const char *reads[] = {home ? home : "/root"};
    options =
        (struct sandbox_options){.root = scene.workspace, .read_dirs = reads, .read_dir_count = 1};
    check(!sandbox_open(&options, &box, err) && strstr(err, "--read"), "--read HOME", err);
}

/* A name that was not there to be covered is told of. */
static void check_new_names(struct sandbox *box)
{
    const char *argv[] = {"sh", "-c", "mkdir -p sub/made/.git/hooks; exit 3", NULL};
    const struct sandbox_command command = {.argv = argv};
    struct sandbox_result result;
    char err[SANDBOX_ERR] = "";
    bool ran = sandbox_run(box, &command, &result, err);
    check(ran && result.exit_status == 3 &&
              (sandbox_tier(box) == SANDBOX_TIER_D || strstr(result.why, "names: sub/made/.git")),
          "a new guarded name", ran ? result.why : err);
    sandbox_result_free(&result);
    static const char *const folders[] = {"sub/made/.git/hooks", "sub/made/.git", "sub/made"};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", scene.workspace, folders[i]);
        rmdir(path);
    }
}

/* --read shows a folder, read-only. */
static void check_read_dir(const struct tier *tier)
{
    char tools[256], tool[300];
    snprintf(tools, sizeof tools, "%s/tools", scene.top);
    snprintf(tool, sizeof tool, "%s/bin/my-tool", tools);
    const char *reads[] = {tools};
    const struct sandbox_options options = {.root = scene.workspace,
                                            .read_dirs = reads,
                                            .read_dir_count = 1,
                                            .force_tier = tier->tier,
                                            .force_landlock_abi = tier->abi,
                                            .no_id_map = tier->no_id_map};
    struct sandbox *box = NULL;
    struct sandbox_result result = {.out = NULL};
    char err[SANDBOX_ERR] = "";
    const char *argv[] = {"my-tool", NULL};
    const struct sandbox_command command = {.argv = argv};
    check(sandbox_open(&options, &box, err) && sandbox_run(box, &command, &result, err) &&
              result.exit_status == 0 && result.out && !strcmp(result.out, "my tool\n"),
          "--read", result.out ? result.out : err);
    sandbox_result_free(&result);
    const struct attack rows[] = {{"write", tool, NULL, "xxxx?"},
                                  {"chmod", tool, NULL, "xxxx?"},
                                  {"fchmod", tool, NULL, "xxxx?"},
                                  {"open-truncate", tool, NULL, "xxxx?"}};
    for (size_t i = 0; box && i < sizeof rows / sizeof *rows; i++)
        run_attack(box, &rows[i], rows[i].want[tier->column]);
    check(same_text(scene.top, "tools/bin/my-tool", "#!/bin/sh\necho my tool\n") ||
              tier->tier == SANDBOX_TIER_D,
          "--read", "a tool has changed");
    write_file(scene.top, "tools/bin/my-tool", "#!/bin/sh\necho my tool\n", 0755);
    sandbox_close(box);
}

static void check_none(void)
{
    snprintf(where, sizeof where, "no sandbox, uid %d: ", (int)geteuid());
    struct sandbox *box =
        open_tier(&tiers[0], SANDBOX_NONE, (struct sandbox_limits){.wall_ms = 1000});
    static const struct attack rows[] = {{"write", "O/fresh", NULL, "o"},
                                         {"environment", NULL, NULL, "x"},
                                         {"descriptors", NULL, NULL, "x"}};
    for (size_t i = 0; box && i < sizeof rows / sizeof *rows; i++)
        run_attack(box, &rows[i], rows[i].want[0]);
    struct sandbox_result result = run_bomb(box, "survive", scene.mark, "60");
    check(result.end == SANDBOX_TIMED_OUT, "survive", result.why);
    sandbox_result_free(&result);
    sandbox_close(box);
    fill_outside();
}

static void check_tier(const struct tier *tier)
{
    snprintf(where, sizeof where, "tier %s, uid %d: ", tier->name, (int)geteuid());
    uint64_t start = now_ms();
    check_attacks(tier);
    check_bombs(tier);
    check_read_only(tier);
    check_read_dir(tier);
    struct sandbox *box = open_tier(tier, SANDBOX_WORKSPACE, (struct sandbox_limits){.wall_ms = 0});
    if (box) {
        check_placeholders(box);
        check_cancel(box);
        check_programs(tier, box);
        if (!(geteuid() == 0 && tier->tier == SANDBOX_TIER_D)) /* who may not write there */
            check_new_names(box);
        check_spawn(box);
        check_pause(box);
        check_placeholders(box);
    }
    sandbox_close(box);
    check_agent_dies(tier);
    printf("%s%llu ms\n", where, (unsigned long long)(now_ms() - start));
}

/* In a process of its own: some is tried as another user. The end of a pipe on which the counts come. */
static int start_as(uid_t uid, const char *attacker, const char *only)
{
    int ends[2], counts[2];
    if (pipe(ends))
        exit(1);
    fflush(stdout);
    if (fork() > 0) {
        close(ends[1]);
        return ends[0];
    }
    if (uid != geteuid() && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
        _exit(1);
    make_scene(attacker);
    char path[8192];
    make_folder(scene.top, "tools", 0755);
    make_folder(scene.top, "tools/bin", 0755);
    write_file(scene.top, "tools/bin/my-tool", "#!/bin/sh\necho my tool\n", 0755);
    snprintf(path, sizeof path, "%s/tools/bin:%s", scene.top, getenv("PATH"));
    setenv("PATH", path, 1);
    for (size_t i = 0; i < TIERS; i++)
        if ((!only || strchr(only, tiers[i].name[0])) && (!tiers[i].no_id_map || geteuid() == 0))
            check_tier(&tiers[i]);
    check_choice();
    check_none();
    remove_scene();
    fflush(stdout);
    counts[0] = passed;
    counts[1] = failed;
    (void)!write(ends[1], counts, sizeof counts);
    _exit(0);
}

static void end_as(int from)
{
    int counts[2] = {0, 1};
    if (read(from, counts, sizeof counts) != sizeof counts)
        printf("FAIL the tests of one user died\n");
    close(from);
    passed += counts[0];
    failed += counts[1];
}

int main(int argc, char **argv)
{
    static const char *const secrets[] = {"API_KEY", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK",
                                          "GITHUB_TOKEN", "LD_PRELOAD_NOT"};
    char attacker[4096];
    const char *only = argc > 1 ? argv[1] : NULL; /* "AB": these tiers */
    const char *slash = strrchr(argv[0], '/');    /* it lies beside this program */
    snprintf(attacker, sizeof attacker, "%.*s/attacker", slash ? (int)(slash - argv[0]) : 1,
             slash ? argv[0] : ".");
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        setenv(secrets[i], "planted", 1);
    for (int fd = 50; fd < 53; fd++) /* must not be inherited */
        dup2(1, fd);
    signal(SIGPIPE, SIG_IGN);
    bool root = geteuid() == 0;
    int own = start_as(geteuid(), attacker, only);
    int other = root ? start_as(OTHER_UID, attacker, only) : -1;
    end_as(own);
    if (root)
        end_as(other);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
