/* What may be done, what is asked, what is refused. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "policy.h"
#include "sandbox.h"

/* ---- The table --------------------------------------------------------------------------------- */

enum { READ = 1 << ACTION_READ, WRITE = 1 << ACTION_WRITE, RUN = 1 << ACTION_RUN };
enum { GIT = 1 << ACTION_GIT, MCP = 1 << ACTION_MCP };
enum { EVERY = READ | WRITE | RUN | GIT | MCP };

/* The first row that holds decides: the action is one of `kinds`, all facts of `with` are there and none of
 * `without`. */
static const struct row {
    unsigned kinds, with, without;
    enum verdict verdict;
    const char *why;
} rows[] = {
    {WRITE | GIT, FACT_READ_ONLY, 0, VERDICT_DENY, "nothing is written: --sandbox read-only"},
    {RUN | MCP, 0, FACT_WALLED | FACT_NONE, VERDICT_DENY,
     "no file sandbox works here, so no program runs (infer-agent doctor says why; --sandbox "
     "none)"},
    {READ, 0, 0, VERDICT_ALLOW, "reads below the root"},
    {EVERY, FACT_PERSISTS, 0, VERDICT_ASK, "persists into later sessions"},
    {EVERY, FACT_PROTECTED, 0, VERDICT_ASK, "a protected name"},
    {EVERY, 0, FACT_WALLED, VERDICT_ASK,
     "each change and each run is asked here: no wall stands around programs"},
    {EVERY, 0, FACT_AUTO, VERDICT_ASK,
     "each change and each run is asked here: programs run as root"},
    {MCP, 0, 0, VERDICT_ASK, "calls a tool of a server"},
    {WRITE, FACT_EDITS | FACT_UNDOABLE, 0, VERDICT_ALLOW, "a change that undo takes back"},
    {WRITE | GIT, FACT_EDITS, FACT_TAINTED, VERDICT_ALLOW,
     "a change inside the root: --approve edits"},
    /* Its own output can make the model call for it again and for no more: each change between is asked. */
    {RUN, FACT_GRANTED, FACT_FOREIGN | FACT_EDITS, VERDICT_ALLOW,
     "you granted this very run for the session"},
    {WRITE, FACT_EDITS, 0, VERDICT_ASK, "changes a file in a way that undo does not take back"},
    {WRITE, 0, 0, VERDICT_ASK, "changes a file"},
    {RUN, 0, 0, VERDICT_ASK, "runs a program"},
    {GIT, 0, 0, VERDICT_ASK, "changes the repository"},
};

enum verdict policy_decide(enum action_kind kind, unsigned facts, const char **why)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (row->kinds >> kind & 1 && (facts & row->with) == row->with && !(facts & row->without)) {
            *why = row->why;
            return row->verdict;
        }
    }
    *why = "no rule allows it";
    return VERDICT_DENY;
}

/* ---- Grants ------------------------------------------------------------------------------------ */

/* Programs that run other text or programs: what was granted would not be what runs. Digits, dots and dashes at
 * the end do not count (python3.11). */
static bool runs_others(const char *program)
{
    static const char *const names[] = {
        "sh",     "ash",     "bash",    "dash",     "zsh",     "ksh",     "mksh",    "fish",
        "csh",    "tcsh",    "rbash",   "pwsh",     "busybox", "toybox",  "env",     "sudo",
        "doas",   "su",      "xargs",   "parallel", "find",    "nice",    "ionice",  "nohup",
        "setsid", "timeout", "time",    "stdbuf",   "watch",   "script",  "strace",  "ltrace",
        "gdb",    "unshare", "chroot",  "nsenter",  "flock",   "taskset", "awk",     "gawk",
        "mawk",   "nawk",    "sed",     "perl",     "python",  "pypy",    "ipython", "ruby",
        "irb",    "node",    "nodejs",  "deno",     "bun",     "lua",     "luajit",  "php",
        "tclsh",  "wish",    "expect",  "guile",    "racket",  "ghci",    "runghc",  "ocaml",
        "julia",  "r",       "rscript", "octave",   "java",    "jshell",  "groovy",  "scala",
        "ed",     "ex",      "vi",      "vim",      "nvim",    "emacs",   "ssh",     "screen",
        "tmux"};
    const char *slash = strrchr(program, '/');
    const char *base = slash ? slash + 1 : program;
    size_t len = strlen(base);
    while (len &&
           (isdigit((unsigned char)base[len - 1]) || base[len - 1] == '.' || base[len - 1] == '-'))
        len--;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strncasecmp(base, names[i], len) && !names[i][len])
            return true;
    return !len || !strncmp(base, "ld-linux", 8) || !strncmp(base, "ld.so", 5);
}

bool policy_grantable(const struct agent *agent, const struct action *action)
{
    return action->kind == ACTION_RUN && !action->shell && !action->protected &&
           !action->persists && action->argv && action->argv[0] && !strchr(action->argv[0], '=') &&
           !runs_others(action->argv[0]) && sandbox_allows_auto(agent->sandbox) &&
           agent->options.approve != APPROVE_EDITS && !agent->foreign && !agent->taint.failed;
}

/* What a grant is remembered by: the digest, which is of all that was shown (argv, folder, files that run), each
 * argument once more, and the tier. */
static bool grant_key(const struct agent *agent, const struct action *action, char key[DIGEST_HEX])
{
    struct text all = {0};
    text_format(&all, "%c %s", (char)sandbox_tier(agent->sandbox), action->digest);
    for (size_t i = 0; action->argv[i]; i++)
        text_add(&all, action->argv[i], strlen(action->argv[i]) + 1);
    bool ok = !all.failed;
    if (ok)
        digest_of(all.data, all.len, key);
    text_free(&all);
    return ok;
}

bool policy_grant(struct agent *agent, const struct action *action)
{
    char key[DIGEST_HEX];
    return policy_grantable(agent, action) && grant_key(agent, action, key) && agent->grants &&
           !json_object_set_new(agent->grants, key, json_true());
}

static bool is_granted(const struct agent *agent, const struct action *action)
{
    char key[DIGEST_HEX];
    return policy_grantable(agent, action) && grant_key(agent, action, key) &&
           json_object_get(agent->grants, key);
}

/* ---- Taint ------------------------------------------------------------------------------------- */

#define SOURCE_SHOWN 60  /* bytes of a source's name */
#define SOURCES_MAX 1000 /* bytes of all names that are kept, a line each; the oldest go first */

/* A source as one short line. */
static void add_source(struct text *out, const char *source)
{
    size_t len = strcspn(source, "\n");
    bool cut = source[len] || len > SOURCE_SHOWN;
    len = len > SOURCE_SHOWN ? SOURCE_SHOWN : len;
    while (cut && len && (source[len] & 0xc0) == 0x80)
        len--;
    text_add_shown(out, source, len, false, true);
    text_format(out, "%s\n", cut ? " ..." : "");
}

static bool is_known(const struct text *taint, const char *line)
{
    const char *found = taint->len ? strstr(taint->data, line) : NULL;
    while (found && found != taint->data && found[-1] != '\n')
        found = strstr(found + 1, line);
    return found;
}

void policy_taint(struct agent *agent, const struct action *action, const char *source)
{
    struct text *taint = &agent->taint;
    struct text line = {0};
    agent->foreign = agent->foreign || !action || !is_granted(agent, action);
    add_source(&line, source);
    if (line.failed) {
        taint->failed = true; /* without its name it taints all the same, and all is refused */
    } else if (!is_known(taint, line.data)) {
        while (taint->len && taint->len + line.len > SOURCES_MAX) {
            size_t first = strcspn(taint->data, "\n") + 1;
            memmove(taint->data, taint->data + first, taint->len - first + 1);
            taint->len -= first;
        }
        text_add(taint, line.data, line.len);
        agent->sources++;
    }
    text_free(&line);
}

void policy_untaint(struct agent *agent)
{
    text_free(&agent->taint);
    agent->foreign = false;
    agent->sources = 0;
}

void policy_add_sources(const struct agent *agent, struct text *out)
{
    const struct text *taint = &agent->taint;
    size_t from = taint->len, shown = 0;
    for (; from && shown < 2; shown++)
        for (from--; from && taint->data[from - 1] != '\n';)
            from--;
    for (size_t i = 0; i < shown; i++) {
        size_t len = strcspn(taint->data + from, "\n");
        text_format(out, "%s%.*s", i ? ", " : "", (int)len, taint->data + from);
        from += len + 1;
    }
    if (agent->sources > shown)
        text_format(out, " and %zu more", agent->sources - shown);
}

/* ---- The judgement ----------------------------------------------------------------------------- */

/* Whether walls stand around the files that programs reach. */
static bool is_walled(const struct agent *agent)
{
    enum sandbox_tier tier = sandbox_tier(agent->sandbox);
    return agent->options.sandbox != SANDBOX_NONE && tier >= SANDBOX_TIER_A &&
           tier <= SANDBOX_TIER_C;
}

bool policy_asks_all(const struct agent *agent)
{
    return !is_walled(agent) || !sandbox_allows_auto(agent->sandbox);
}

static unsigned facts_of(const struct agent *agent, const struct action *action)
{
    const struct agent_options *options = &agent->options;
    return (options->sandbox == SANDBOX_READ_ONLY ? FACT_READ_ONLY : 0u) |
           (options->sandbox == SANDBOX_NONE ? FACT_NONE : 0u) |
           (is_walled(agent) ? FACT_WALLED : 0u) | (policy_asks_all(agent) ? 0u : FACT_AUTO) |
           (options->approve == APPROVE_EDITS ? FACT_EDITS : 0u) |
           (agent->taint.len ? FACT_TAINTED : 0u) | (action->protected ? FACT_PROTECTED : 0u) |
           (action->persists ? FACT_PERSISTS : 0u) | (action->undoable ? FACT_UNDOABLE : 0u) |
           (is_granted(agent, action) ? FACT_GRANTED : 0u) | (agent->foreign ? FACT_FOREIGN : 0u);
}

enum verdict policy_judge(const struct agent *agent, const struct action *action, struct text *why)
{
    const char *reason = "there was no memory to judge it";
    enum verdict verdict = VERDICT_DENY;
    bool whole = !action->shown.failed && action->shown.len && action->digest[0] &&
                 agent->sandbox && agent->grants && !agent->taint.failed && !why->failed;
    if (whole)
        verdict = policy_decide(action->kind, facts_of(agent, action), &reason);
    text_format(why, "%s", reason);
    if (verdict == VERDICT_ASK && agent->taint.len) {
        text_format(why, POLICY_OUTSIDE);
        policy_add_sources(agent, why);
    }
    if (verdict == VERDICT_ASK && agent->options.approve == APPROVE_DENY) {
        verdict = VERDICT_DENY;
        text_format(why, "; --approve deny");
    }
    return why->failed ? VERDICT_DENY : verdict;
}
