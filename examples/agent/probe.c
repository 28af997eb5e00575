/* Which tier holds here: each is built and a child of ours tries to break out of it. */
#include "kernel_abi.h"
#include "sandbox_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The child that tries to break out ------------------------------------------------------------- */

enum {
    BROKE_READ = 1,
    BROKE_WRITE = 2,
    BROKE_TRUNCATE = 4,
    BROKE_OPEN_TRUNCATE = 8,
    BROKE_SOCKET = 16,
    BROKE_MEMORY = 32,
    LACKS_TMP = 64,
    BROKE_FILES = BROKE_READ | BROKE_WRITE | BROKE_TRUNCATE | BROKE_OPEN_TRUNCATE,
};

struct bait {
    char secret[512], victim[512], fresh[512];
    char environ[64], memory[64]; /* of the agent */
    char tmp[512];                /* "" in tier A: /tmp */
};

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int break_out(void *ud)
{
    const struct bait *bait = ud;
    int broke = 0;
    if (opens(bait->secret, O_RDONLY))
        broke |= BROKE_READ;
    if (opens(bait->fresh, O_WRONLY | O_CREAT) || opens(bait->victim, O_WRONLY))
        broke |= BROKE_WRITE;
    if (!truncate(bait->victim, 0))
        broke |= BROKE_TRUNCATE;
    if (opens(bait->victim, O_RDONLY | O_TRUNC))
        broke |= BROKE_OPEN_TRUNCATE;
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (socket(families[i], SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ||
            socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0)
            broke |= BROKE_SOCKET;
    if (opens(bait->environ, O_RDONLY) || opens(bait->memory, O_RDWR))
        broke |= BROKE_MEMORY;
    char own[600];
    const char *tmp = *bait->tmp ? bait->tmp : "/tmp";
    snprintf(own, sizeof own, "%s/probe", tmp);
    if (!opens(own, O_WRONLY | O_CREAT) || unlink(own))
        broke |= LACKS_TMP;
    return broke;
}

static bool write_bait(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool good = fd >= 0 && write(fd, "bait", 4) == 4 && !fchmod(fd, 0666);
    if (fd >= 0)
        close(fd);
    return good;
}

#define append(text, size, ...) snprintf((text) + strlen(text), (size)-strlen(text), __VA_ARGS__)

/* Runs the child in the tier that is set; why gets the reason where it does not hold. */
static bool holds(struct sandbox *box, char *why)
{
    struct bait bait = {.tmp = ""};
    char err[SANDBOX_ERR] = "";
    int broke = 0;
    snprintf(bait.secret, sizeof bait.secret, "%s/secret", box->base);
    snprintf(bait.victim, sizeof bait.victim, "%s/victim", box->base);
    snprintf(bait.fresh, sizeof bait.fresh, "%s/fresh", box->base);
    snprintf(bait.environ, sizeof bait.environ, "/proc/%d/environ", (int)getpid());
    snprintf(bait.memory, sizeof bait.memory, "/proc/%d/mem", (int)getpid());
    if (box->tier != SANDBOX_TIER_A)
        snprintf(bait.tmp, sizeof bait.tmp, "%s/tmp-%u", box->base, box->serial);
    bool good = write_bait(bait.secret) && write_bait(bait.victim);
    if (!good)
        snprintf(why, SANDBOX_ERR, "no bait for the self-test: %s", strerror(errno));
    else if (!(good = launch_inside(box, break_out, &bait, &broke, err)))
        snprintf(why, SANDBOX_ERR, "%s", err);
    unlink(bait.secret);
    unlink(bait.victim);
    unlink(bait.fresh);
    if (box->tier == SANDBOX_TIER_D)
        broke &= ~BROKE_FILES;
    if (good && broke) {
        static const char *const names[] = {
            "read a file outside",           "wrote outside", "cut a file off (truncate)",
            "cut a file off (open)",         "made a socket", "opened the agent's memory",
            "cannot write in its own TMPDIR"};
        snprintf(why, SANDBOX_ERR, "the self-test's child");
        const char *between = " ";
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (broke & (1 << i)) {
                append(why, SANDBOX_ERR, "%s%s", between, names[i]);
                between = ", ";
            }
        good = false;
    }
    return good;
}

/* ---- Tiers --------------------------------------------------------------------------------------------- */

/* Where the kernel refuses namespaces, one of these files mostly says why. */
static void say_userns(char *why)
{
    static const struct {
        const char *path;
        char bad;
        const char *text;
    } switches[] = {
        {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1', "AppArmor restricts them"},
        {"/proc/sys/kernel/unprivileged_userns_clone", '0', "they are switched off"},
        {"/proc/sys/user/max_user_namespaces", '0', "none are allowed"},
    };
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        char text[16] = "";
        int fd = open(switches[i].path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (read(fd, text, sizeof text - 1) > 0 && text[0] == switches[i].bad &&
            (text[1] == '\n' || text[1] == 0))
            append(why, SANDBOX_ERR, " (%s: %c, %s)", switches[i].path, switches[i].bad,
                   switches[i].text);
        close(fd);
    }
}

/* The user that the program is. Where the agent is root it is the workspace's owner. A workspace of
 * root's own: in tier A nobody, to whom the mount shows root's files as his; behind Landlock it stays
 * uid 0, without capabilities, for no other could write there; without walls around files it is nobody,
 * who cannot write much. */
static void choose_uid(struct sandbox *box, bool mapped)
{
    struct stat st;
    box->uid = geteuid();
    box->gid = getegid();
    box->change_uid = false;
    if (box->idmap_fd >= 0)
        close(box->idmap_fd);
    box->idmap_fd = -1;
    if (box->uid != 0 || box->tier == SANDBOX_TIER_NONE || fstat(box->root_fd, &st))
        return;
    bool landlock = box->tier == SANDBOX_TIER_B || box->tier == SANDBOX_TIER_C;
    if (st.st_uid == 0 && (landlock || (box->tier == SANDBOX_TIER_A && !mapped)))
        return;
    box->change_uid = true;
    box->uid = st.st_uid ? st.st_uid : NOBODY;
    box->gid = st.st_uid && st.st_gid ? st.st_gid : NOBODY;
    if (box->tier == SANDBOX_TIER_A && st.st_uid == 0)
        box->idmap_fd = idmap_open(box->uid, box->gid);
}

static void describe_walls(const struct sandbox *box, char *text, size_t size)
{
    append(text, size, "%s", box->tier == SANDBOX_TIER_A ? "namespaces, " : "");
    if (box->landlock_abi)
        append(text, size, "Landlock ABI %d, ", box->landlock_abi);
    append(text, size, "seccomp");
}

static void describe_uid(const struct sandbox *box, char *text, size_t size)
{
    if (box->uid == 0)
        append(text, size, "as uid 0 without capabilities");
    else
        append(text, size, "as uid %u", (unsigned)box->uid);
    if (box->idmap_fd >= 0)
        append(text, size, " (root's in the workspace)");
    else if (box->change_uid && box->uid == NOBODY)
        append(text, size, ", who cannot write in a workspace of root's");
}

static void describe(struct sandbox *box)
{
    char *text = box->describe;
    const size_t size = sizeof box->describe;
    if (box->tier == SANDBOX_TIER_NONE) {
        snprintf(text, size,
                 "no sandbox: a command reads, changes and reaches all that you can; environment "
                 "scrubbed, killed after %u s with all it started",
                 box->limits.wall_ms / 1000);
        return;
    }
    snprintf(text, size, "tier %c: ", box->tier);
    describe_walls(box, text, size);
    append(text, size, "; writes: ");
    if (box->tier == SANDBOX_TIER_D)
        append(text, size, "NO FILE SANDBOX: all that uid %u can", (unsigned)box->uid);
    else if (box->mode == SANDBOX_READ_ONLY)
        append(text, size, "a private TMPDIR alone");
    else
        append(text, size, "%s%s but protected names, and a private TMPDIR", box->root,
               box->tier == SANDBOX_TIER_A ? "" : " (no new names at its top)");
    if (box->tier != SANDBOX_TIER_D) {
        append(text, size, "; reads: these and the system's programs");
        for (size_t i = 0; i < box->read_dir_count; i++)
            append(text, size, ", %s", box->read_dirs[i]);
    }
    append(text, size, "; network: none; ");
    describe_uid(box, text, size);
}

struct attempt {
    enum sandbox_tier tier;
    bool mapped; /* as root, with ids mapped at the mount */
};
static const struct attempt attempts[] = {
    {SANDBOX_TIER_A, true},  {SANDBOX_TIER_A, false}, {SANDBOX_TIER_B, false},
    {SANDBOX_TIER_C, false}, {SANDBOX_TIER_D, false},
};
enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

/* Whether the attempt says something that the one before did not. */
static bool applies(const struct sandbox *box, const struct attempt *attempt)
{
    struct stat st;
    return !attempt->mapped ||
           (!box->no_id_map && geteuid() == 0 && !fstat(box->root_fd, &st) && st.st_uid == 0);
}

static bool try_tier(struct sandbox *box, const struct attempt *attempt, int abi, char *why)
{
    box->tier = attempt->tier;
    box->landlock_abi = box->tier == SANDBOX_TIER_D ? 0 : abi;
    if (box->tier == SANDBOX_TIER_B && abi < 3) {
        snprintf(why, SANDBOX_ERR,
                 abi ? "Landlock ABI %d: needs 3 (Linux 6.2)"
                     : "no Landlock (Linux 5.13, and `landlock` in lsm=)",
                 abi);
        return false;
    }
    if (box->tier == SANDBOX_TIER_C && (abi < 1 || abi > 2)) {
        snprintf(why, SANDBOX_ERR, "is for Landlock ABI 1 and 2: here it is %d", abi);
        return false;
    }
    choose_uid(box, attempt->mapped);
    if (attempt->mapped && box->idmap_fd < 0) {
        snprintf(why, SANDBOX_ERR, "a user namespace to map ids: %s", strerror(errno));
        say_userns(why);
        return false;
    }
    bool good = holds(box, why);
    if (!good && box->tier == SANDBOX_TIER_A)
        say_userns(why);
    return good;
}

static bool has_notify(void)
{
    const uint32_t action = SECCOMP_RET_USER_NOTIF;
    return !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

bool probe_choose(struct sandbox *box, int force_tier, int force_abi, char err[SANDBOX_ERR])
{
    int abi = landlock_abi();
    if (force_abi)
        abi = force_abi < 0 ? 0 : force_abi < abi ? force_abi : abi;
    box->notify = has_notify();
    box->tier = SANDBOX_TIER_NONE;
    choose_uid(box, false);
    if (box->mode == SANDBOX_NONE) {
        describe(box);
        return true;
    }
    for (size_t i = 0; i < ATTEMPTS; i++) {
        const struct attempt *attempt = &attempts[i];
        char why[SANDBOX_ERR] = "";
        if ((force_tier && (int)attempt->tier != force_tier) || !applies(box, attempt))
            continue;
        if (try_tier(box, attempt, abi, why)) {
            describe(box);
            return true;
        }
        append(box->why_not, sizeof box->why_not, "tier %c%s: %s\n", attempt->tier,
               attempt->mapped ? " as nobody" : "", why);
    }
    char *end = box->why_not + strlen(box->why_not);
    if (end > box->why_not)
        end[-1] = 0;
    snprintf(err, SANDBOX_ERR, "no wall works here: %.450s", box->why_not);
    for (char *c = err; *c; c++)
        *c = *c == '\n' ? ';' : *c;
    return false;
}

/* ---- The doctor ------------------------------------------------------------------------------------------ */

static void row(FILE *out, const char *wall, const char *works, const char *text)
{
    fprintf(out, "%-24s %-4s %s\n", wall, works, text);
}

static void doctor_parts(FILE *out)
{
    char text[SANDBOX_ERR];
    int abi = landlock_abi();
    if (abi)
        snprintf(text, sizeof text, "ABI %d%s%s%s", abi, abi < 3 ? "; no truncation (3)" : "",
                 abi < 4 ? "; no TCP (4)" : "",
                 abi < 6 ? "; no signals, abstract sockets (6)" : "");
    else
        snprintf(text, sizeof text, "%s",
                 errno == EOPNOTSUPP ? "built, but not switched on: lsm=landlock"
                                     : "needs Linux 5.13, or is not built");
    row(out, "Landlock", abi ? "yes" : "no", text);
    const uint32_t action = SECCOMP_RET_KILL_PROCESS;
    bool filter = !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
    row(out, "seccomp", filter ? "yes" : "no", filter ? "" : strerror(errno));
    row(out, "seccomp, asking", has_notify() ? "yes" : "no",
        has_notify() ? "" : "signals to other processes are refused at all in tiers B to D");
    const struct abi_open_how how = {.flags = O_PATH | O_DIRECTORY, .resolve = ABI_RESOLVE_BENEATH};
    int fd = (int)syscall(NR_OPENAT2, AT_FDCWD, ".", &how, sizeof how);
    row(out, "openat2", fd >= 0 ? "yes" : "no", fd >= 0 ? "" : "paths are walked by component");
    if (fd >= 0)
        close(fd);
}

void sandbox_doctor(FILE *out)
{
    const char *tmp = getenv("TMPDIR");
    char root[4096];
    snprintf(root, sizeof root, "%s/infer-agent-doctor-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
    doctor_parts(out);
    if (!mkdtemp(root)) {
        fprintf(out, "no folder to try the tiers in: %s: %s\n", root, strerror(errno));
        return;
    }
    const struct sandbox_options options = {.root = root};
    struct sandbox *box = NULL;
    char err[SANDBOX_ERR] = "";
    bool good = sandbox_open(&options, &box, err);
    enum sandbox_tier best = good ? sandbox_tier(box) : SANDBOX_TIER_NONE;
    int abi = landlock_abi();
    for (size_t i = 0; good && i < ATTEMPTS; i++) {
        char why[SANDBOX_ERR] = "", name[32], text[SANDBOX_ERR] = "";
        if (!applies(box, &attempts[i]))
            continue;
        snprintf(name, sizeof name, "tier %c%s", attempts[i].tier,
                 attempts[i].mapped ? ", as nobody" : "");
        bool holds_here = try_tier(box, &attempts[i], abi, why);
        describe_walls(box, text, sizeof text);
        append(text, sizeof text, "; ");
        describe_uid(box, text, sizeof text);
        row(out, name, holds_here ? "yes" : "no", holds_here ? text : why);
    }
    if (!good)
        fprintf(out, "%s\n", err);
    else if (best == SANDBOX_TIER_D)
        fputs("No wall around files works here: programs run only with --sandbox none.\n", out);
    else
        fprintf(out, "Programs here run behind tier %c%s\n", (char)best,
                best == SANDBOX_TIER_A ? ", the best." : "; why not a better one: above.");
    sandbox_close(box);
    rmdir(root);
}
