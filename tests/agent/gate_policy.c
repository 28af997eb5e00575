/* The policy against a table of its own, where no order counts; and text as it is shown. */
#include <stdlib.h>
#include <string.h>

#include "examples/agent/policy.h"
#include "tests/agent/gate.h"

/* Each combination is in one row and in no other. A letter of each column:
 *     kind      R read, W write, X run, G git, M server
 *     mode      w workspace, r read-only, n none
 *     wall      a it holds (tier A; B and C as another user), b as root behind B or C, d tier D
 *     approve   a ask, e edits, d deny
 *     taint        0 nothing was read, o the output of granted runs alone, 1 other text
 *     protected, persists, undoable, granted   0, 1
 * '*' is each of them. */
static const struct row {
    const char *kind, *mode, *wall, *approve, *taint, *protected, *persists, *undoable, *granted;
    enum verdict verdict;
} rows[] = {
    {"R", "*", "*", "*", "*", "*", "*", "*", "*", VERDICT_ALLOW},

    {"WG", "r", "*", "*", "*", "*", "*", "*", "*", VERDICT_DENY},
    {"WG", "wn", "*", "d", "*", "*", "*", "*", "*", VERDICT_DENY},
    {"WG", "wn", "*", "a", "*", "*", "*", "*", "*", VERDICT_ASK},
    {"WG", "n", "*", "e", "*", "*", "*", "*", "*", VERDICT_ASK},
    {"WG", "w", "bd", "e", "*", "*", "*", "*", "*", VERDICT_ASK},
    {"WG", "w", "a", "e", "*", "1", "*", "*", "*", VERDICT_ASK},
    {"WG", "w", "a", "e", "*", "0", "1", "*", "*", VERDICT_ASK},
    {"WG", "w", "a", "e", "0", "0", "0", "*", "*", VERDICT_ALLOW},
    {"W", "w", "a", "e", "o1", "0", "0", "1", "*", VERDICT_ALLOW},
    {"W", "w", "a", "e", "o1", "0", "0", "0", "*", VERDICT_ASK},
    {"G", "w", "a", "e", "o1", "0", "0", "*", "*", VERDICT_ASK},

    {"XM", "wr", "d", "*", "*", "*", "*", "*", "*", VERDICT_DENY},
    {"XM", "n", "*", "d", "*", "*", "*", "*", "*", VERDICT_DENY},
    {"XM", "n", "*", "ae", "*", "*", "*", "*", "*", VERDICT_ASK},
    {"XM", "wr", "b", "d", "*", "*", "*", "*", "*", VERDICT_DENY},
    {"XM", "wr", "b", "ae", "*", "*", "*", "*", "*", VERDICT_ASK},
    {"M", "wr", "a", "d", "*", "*", "*", "*", "*", VERDICT_DENY},
    {"M", "wr", "a", "ae", "*", "*", "*", "*", "*", VERDICT_ASK},
    {"X", "wr", "a", "e", "*", "*", "*", "*", "*", VERDICT_ASK},
    {"X", "wr", "a", "ad", "0o", "0", "0", "*", "1", VERDICT_ALLOW},
    {"X", "wr", "a", "d", "0o", "0", "0", "*", "0", VERDICT_DENY},
    {"X", "wr", "a", "a", "0o", "0", "0", "*", "0", VERDICT_ASK},
    {"X", "wr", "a", "d", "1", "*", "*", "*", "*", VERDICT_DENY},
    {"X", "wr", "a", "a", "1", "*", "*", "*", "*", VERDICT_ASK},
    {"X", "wr", "a", "d", "0o", "1", "*", "*", "*", VERDICT_DENY},
    {"X", "wr", "a", "a", "0o", "1", "*", "*", "*", VERDICT_ASK},
    {"X", "wr", "a", "d", "0o", "0", "1", "*", "*", VERDICT_DENY},
    {"X", "wr", "a", "a", "0o", "0", "1", "*", "*", VERDICT_ASK},
};

static const char *const letters[9] = {"RWXGM", "wrn", "abd", "aed", "0o1", "01", "01", "01", "01"};

static bool fits(const struct row *row, const char *at)
{
    const char *const cells[9] = {row->kind,     row->mode,     row->wall,
                                  row->approve,  row->taint,    row->protected,
                                  row->persists, row->undoable, row->granted};
    for (size_t i = 0; i < 9; i++)
        if (*cells[i] != '*' && !strchr(cells[i], at[i]))
            return false;
    return true;
}

/* Another run was granted, and its output read: with --approve edits, and where nothing is granted, as any. */
static void taint_by_granted(struct agent *agent)
{
    struct action other;
    gate_action(&other, ACTION_RUN, "[\"make\"]");
    policy_grant(agent, &other);
    policy_taint(agent, &other, "README.md");
    text_free(&other.shown);
}

static void set_case(struct agent *agent, struct action *action, const char *at)
{
    static const enum action_kind kinds[] = {ACTION_READ, ACTION_WRITE, ACTION_RUN, ACTION_GIT,
                                             ACTION_MCP};
    gate_action(action, kinds[strchr(letters[0], at[0]) - letters[0]], "[\"ls\",\"-l\"]");
    agent->options.sandbox = at[1] == 'w'   ? SANDBOX_WORKSPACE
                             : at[1] == 'r' ? SANDBOX_READ_ONLY
                                            : SANDBOX_NONE;
    agent->options.approve = at[3] == 'a'   ? APPROVE_ASK
                             : at[3] == 'e' ? APPROVE_EDITS
                                            : APPROVE_DENY;
    if (at[8] == '1')
        policy_grant(agent, action);
    if (at[4] == '1')
        policy_taint(agent, action, "other text"); /* of no granted run, or else of one */
    if (at[4] == '1')
        policy_taint(agent, NULL, "README.md");
    if (at[4] == 'o')
        taint_by_granted(agent);
    action->protected = at[5] == '1';
    action->persists = at[6] == '1';
    action->undoable = at[7] == '1';
}

static void judge_case(const char *at, struct sandbox *box)
{
    struct agent agent;
    struct action action;
    struct text why = {0};
    gate_agent(&agent, box);
    set_case(&agent, &action, at);
    size_t found = 0;
    enum verdict expected = VERDICT_DENY;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (fits(&rows[i], at)) {
            found++;
            expected = rows[i].verdict;
        }
    enum verdict verdict = policy_judge(&agent, &action, &why);
    CHECK(found == 1, "%s stands in %zu rows of the table", at, found);
    CHECK(verdict == expected, "%s in %c: %d, expected %d (%s)", at, (char)box->tier, verdict,
          expected, why.data);
    bool named = verdict == VERDICT_ALLOW || at[4] == '0' || strstr(why.data, "README.md") ||
                 (verdict == VERDICT_DENY && agent.options.approve != APPROVE_DENY);
    CHECK(named || at[1] == 'r' || at[2] == 'd', "%s: the source is not named: %s", at, why.data);
    text_free(&why);
    text_free(&action.shown);
    gate_agent_free(&agent);
}

static void enumerate(char at[10], size_t column)
{
    if (column < 9) {
        for (const char *letter = letters[column]; *letter; letter++) {
            at[column] = *letter;
            enumerate(at, column + 1);
        }
        return;
    }
    static const struct sandbox boxes[3][5] = {
        {{'A', false}, {'B', false}, {'C', false}, {'A', true}},
        {{'B', true}, {'C', true}},
        {{'D', false}, {'D', true}, {'N', false}}};
    for (const struct sandbox *box = boxes[strchr(letters[2], at[2]) - letters[2]]; box->tier;
         box++) {
        struct sandbox copy = *box;
        judge_case(at, &copy);
    }
}

/* Whatever is missing, the answer is no. */
static void check_closed(void)
{
    struct sandbox box = {'A', false};
    for (int what = 0; what < 7; what++) {
        struct agent agent;
        struct action action;
        struct text why = {0};
        gate_agent(&agent, &box);
        gate_action(&action, ACTION_READ, "a");
        enum verdict before = policy_judge(&agent, &action, &why);
        CHECK(before == VERDICT_ALLOW, "a read is allowed");
        action.shown.failed = what == 0;
        if (what == 1)
            action.digest[0] = 0;
        agent.taint.failed = what == 2;
        if (what == 3)
            json_decref(agent.grants);
        if (what == 3)
            agent.grants = NULL;
        if (what == 4)
            agent.sandbox = NULL;
        why.failed = what == 5;
        if (what == 6)
            action.shown.len = 0;
        CHECK(policy_judge(&agent, &action, &why) == VERDICT_DENY, "%d is missing and it goes on",
              what);
        text_free(&why);
        text_free(&action.shown);
        gate_agent_free(&agent);
    }
}

/* Without memory at any place nothing becomes more than it was. */
static void check_memory(void)
{
    struct sandbox box = {'A', false};
    for (long at = 0; at < 12; at++) {
        struct agent agent;
        struct action action;
        struct text why = {0};
        gate_agent(&agent, &box);
        gate_action(&action, ACTION_RUN, "[\"ls\",\"-l\"]");
        policy_grant(&agent, &action);
        count_fail_at = at;
        policy_taint(&agent, NULL, "README.md");
        enum verdict verdict = policy_judge(&agent, &action, &why);
        count_fail_at = -1;
        CHECK(verdict != VERDICT_ALLOW, "the taint was forgotten at allocation %ld", at);
        text_free(&why);
        text_free(&action.shown);
        gate_agent_free(&agent);
    }
}

static void check_grants(void)
{
    struct sandbox box = {'A', false};
    struct agent agent;
    struct action action;
    gate_agent(&agent, &box);
    gate_action(&action, ACTION_RUN, "[\"git\",\"status\"]");
    const char *status[] = {"git", "status", NULL};
    action.argv = status;
    struct text why = {0};
    CHECK(policy_grant(&agent, &action), "git status can be granted");
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ALLOW, "and is then allowed");
    const char *other[] = {"git", "status", "-s", NULL};
    action.argv = other;
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ASK, "other arguments are asked");
    action.argv = status;
    action.digest[0] ^= 1;
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ASK, "another folder or script is asked");
    action.digest[0] ^= 1;
    box.tier = 'B';
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ASK, "another tier is asked");
    box.tier = 'A';
    policy_taint(&agent, &action, "output of git");
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ALLOW, "not by its own output");
    action.argv = other;
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ASK, "which rests all others");
    CHECK(policy_grantable(&agent, &action), "another may be granted then");
    policy_taint(&agent, &action, "a.txt");
    action.argv = status;
    policy_taint(&agent, &action, "output of ls\nand -l");
    policy_taint(&agent, NULL, "a.txt");
    why.len = 0;
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ASK, "grants rest after a taint");
    CHECK(!strcmp(why.data, "runs a program; text from outside your prompt was read: a.txt, "
                            "output of ls ... and 1 more"),
          "the reason: %s", why.data);
    CHECK(!policy_grant(&agent, &action), "nothing is granted then");
    policy_untaint(&agent);
    CHECK(policy_judge(&agent, &action, &why) == VERDICT_ALLOW, "and count again");

    static const char *const never[] = {
        "sh",         "/bin/bash", "./dash",     "env",
        "python3.11", "Python3",   "perl5.36.0", "busybox",
        "A=1",        "xargs",     "timeout",    "awk",
        "",           "9",         "/usr/bin/",  "ld-linux-x86-64.so.2",
        "node-18"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        const char *argv[] = {never[i], "x", NULL};
        action.argv = argv;
        CHECK(!policy_grantable(&agent, &action), "%s is granted", never[i]);
    }
    static const char *const can[] = {"ls",  "make",       "./check.sh", "cargo",
                                      "gcc", "shellcheck", "rg"};
    for (size_t i = 0; i < sizeof can / sizeof *can; i++) {
        const char *argv[] = {can[i], "x", NULL};
        action.argv = argv;
        CHECK(policy_grantable(&agent, &action), "%s is not grantable", can[i]);
    }
    action.shell = true;
    CHECK(!policy_grantable(&agent, &action), "a shell line is granted");
    text_free(&why);
    text_free(&action.shown);
    gate_agent_free(&agent);
}

/* However many sources, the two last ones are named, each short, and nothing grows without end. */
static void check_sources(void)
{
    struct sandbox box = {'A', false};
    struct agent agent;
    struct text out = {0};
    gate_agent(&agent, &box);
    for (int i = 0; i < 500; i++) {
        char name[300];
        snprintf(name, sizeof name, "%d \xc3\xa4 %0200d", i, i);
        policy_taint(&agent, NULL, name);
    }
    policy_add_sources(&agent, &out);
    CHECK(agent.taint.len < 2000 && out.len < 300, "%zu bytes kept, %zu shown", agent.taint.len,
          out.len);
    CHECK(strstr(out.data, "498 ") == out.data && strstr(out.data, ", 499 ") &&
              strstr(out.data, " and 498 more"),
          "sources: %s", out.data);
    text_free(&out);
    gate_agent_free(&agent);
}

static void check_shown_as(const char *bytes, size_t len, bool lines, bool mark,
                           const char *expected)
{
    struct text out = {0};
    text_add(&out, "", 0);
    text_add_shown(&out, bytes, len, lines, mark);
    CHECK(!strcmp(out.data, expected), "shown as '%s', expected '%s'", out.data, expected);
    text_free(&out);
}

static size_t encode(uint32_t code, char out[5])
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(len == 1 ? code : (0xf00u >> len & 0xff) | code);
    out[len] = 0;
    return len;
}

static void check_shown(void)
{
    static const uint32_t hidden[][2] = {
        {0x80, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},      {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x2069},   {0xfeff, 0xfeff},    {0xe0000, 0xe007f},
        {0xe000, 0xf8ff}, {0xfff9, 0xffff},   {0x3164, 0x3164},    {0x115f, 0x1160},
        {0xfe00, 0xfe0f}, {0xe0100, 0xe01ef}, {0x10fffe, 0x10ffff}};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        for (uint32_t code = hidden[i][0]; code <= hidden[i][1]; code++) {
            char bytes[5], expected[16];
            size_t len = encode(code, bytes);
            if (code == 0xfffc || code == 0xfffd)
                continue;
            snprintf(expected, sizeof expected, "\\u{%x}", (unsigned)code);
            check_shown_as(bytes, len, true, false, expected);
            check_shown_as(bytes, len, false, true, expected);
        }
    for (int byte = 0; byte < 0x20; byte++) {
        char bytes[2] = {(char)byte, 0}, expected[16];
        snprintf(expected, sizeof expected,
                 byte == '\n'   ? "\\n"
                 : byte == '\t' ? "\\t"
                                : "\\x%02x",
                 byte);
        check_shown_as(bytes, 1, false, true, expected);
    }
    check_shown_as("\x7f", 1, true, false, "\\x7f");
    check_shown_as("a\nb\tc", 5, true, false, "a\nb\tc");
    check_shown_as("a\nb\tc", 5, true, true, "a\nb\\tc");
    check_shown_as("a\nb\tc", 5, false, false, "a\\nb\\tc");
    check_shown_as("\xd1\x81url", 5, true, true, "\xd1\x81\\u{441}url");
    check_shown_as("\xd1\x81url", 5, true, false, "\xd1\x81url");
    check_shown_as("a\xc2\xa0"
                   "b",
                   4, true, true, "a\\u{a0}b");
    check_shown_as("e\xcc\x81", 3, true, true, "e\\u{301}");
    /* Not UTF-8: C1 as a byte, too short, too long a form, a surrogate, beyond the last. */
    check_shown_as("\x9b", 1, true, true, "\\x9b");
    check_shown_as("\xc3", 1, true, true, "\\xc3");
    check_shown_as("\xe2\x80", 2, true, true, "\\xe2\\x80");
    check_shown_as("\xc0\xaf", 2, true, true, "\\xc0\\xaf");
    check_shown_as("\xe0\x80\xaf", 3, true, true, "\\xe0\\x80\\xaf");
    check_shown_as("\xed\xa0\x80", 3, true, true, "\\xed\\xa0\\x80");
    check_shown_as("\xf4\x90\x80\x80", 4, true, true, "\\xf4\\x90\\x80\\x80");
    check_shown_as("\xff\0z", 3, true, true, "\\xff\\x00z");
}

void gate_policy(void)
{
    char at[10] = {0};
    enumerate(at, 0);
    check_closed();
    check_memory();
    check_grants();
    check_sources();
    check_shown();
}
