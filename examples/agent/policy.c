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
    {EVERY, 0, FACT_AUTO, VERDICT_ASK,
     "each is asked here: programs are not walled in, or run as root"},
    {MCP, 0, 0, VERDICT_ASK, "each call of a server is asked"},
    {WRITE, FACT_EDITS | FACT_UNDOABLE, 0, VERDICT_ALLOW, "a change that undo takes back"},
    {EVERY, FACT_TAINTED, 0, VERDICT_ASK, "text from outside your prompt has been read"},
    {WRITE | GIT, FACT_EDITS, 0, VERDICT_ALLOW, "a change inside the root: --approve edits"},
    {RUN, FACT_GRANTED, 0, VERDICT_ALLOW, "you granted this very run for the session"},
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
           !agent->taint.len && !agent->taint.failed;
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

/* ---- Taint ------------------------------------------------------------------------------------- */

void policy_taint(struct agent *agent, const char *source)
{
    struct text *taint = &agent->taint;
    struct text shown = {0};
    text_add_shown(&shown, source, strnlen(source, 200), false, true);
    if (shown.failed)
        taint->failed = true; /* without its name it taints all the same, and all is refused */
    else if (!taint->len)
        text_add(taint, shown.data, shown.len);
    else if (!strstr(taint->data, shown.data) && taint->len < 1000)
        text_format(taint, ", %s", shown.data);
    text_free(&shown);
}

void policy_untaint(struct agent *agent)
{
    text_free(&agent->taint);
}

/* ---- The judgement ----------------------------------------------------------------------------- */

static unsigned facts_of(const struct agent *agent, const struct action *action)
{
    const struct agent_options *options = &agent->options;
    enum sandbox_tier tier = sandbox_tier(agent->sandbox);
    bool walled =
        options->sandbox != SANDBOX_NONE && tier >= SANDBOX_TIER_A && tier <= SANDBOX_TIER_C;
    char key[DIGEST_HEX];
    bool granted = policy_grantable(agent, action) && grant_key(agent, action, key) &&
                   json_object_get(agent->grants, key);
    return (options->sandbox == SANDBOX_READ_ONLY ? FACT_READ_ONLY : 0u) |
           (options->sandbox == SANDBOX_NONE ? FACT_NONE : 0u) | (walled ? FACT_WALLED : 0u) |
           (walled && sandbox_allows_auto(agent->sandbox) ? FACT_AUTO : 0u) |
           (options->approve == APPROVE_EDITS ? FACT_EDITS : 0u) |
           (agent->taint.len ? FACT_TAINTED : 0u) | (action->protected ? FACT_PROTECTED : 0u) |
           (action->persists ? FACT_PERSISTS : 0u) | (action->undoable ? FACT_UNDOABLE : 0u) |
           (granted ? FACT_GRANTED : 0u);
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
    if (verdict == VERDICT_ASK && agent->taint.len)
        text_format(why, "%s (%s)",
                    strstr(reason, "outside") ? "" : "; text from outside your prompt",
                    agent->taint.data);
    if (verdict == VERDICT_ASK && agent->options.approve == APPROVE_DENY) {
        verdict = VERDICT_DENY;
        text_format(why, "; --approve deny");
    }
    return why->failed ? VERDICT_DENY : verdict;
}
