/* The question: what will be done, to its last byte, and a person's answer. */
#include <string.h>

#include "policy.h"
#include "sandbox.h"
#include "terminal.h"

#define ANSWER_MAX 32

static const char bold[] = "\033[1m", red[] = "\033[1;31m", removed[] = "\033[31m";
static const char added[] = "\033[32m", plain[] = "\033[0m";

static const char *heading(const struct action *action)
{
    switch (action->kind) {
    case ACTION_READ:
        return "The agent wants to read:";
    case ACTION_WRITE:
        return "The agent wants to change a file:";
    case ACTION_RUN:
        return action->shell ? "The agent wants to run a shell line:"
                             : "The agent wants to run a program:";
    case ACTION_GIT:
        return "The agent wants to change the repository:";
    case ACTION_MCP:
        return "The agent wants to call a tool of a server:";
    }
    return "The agent wants to do what it has no word for:";
}

static void add_line(struct text *out, const char *colour, const char *line, bool colours)
{
    text_format(out, "%s%s%s\n", colours ? colour : "", line, colours ? plain : "");
}

static const char *line_colour(const char *line, bool diff)
{
    return diff && *line == '+' ? added : diff && *line == '-' ? removed : "";
}

/* Lines of text, escaped, as a block: each row begins with a mark that nothing in the text can be taken for, ':'
 * where a line goes on. What is not ASCII counts as two columns. */
static void add_block(struct text *out, const struct terminal *terminal, const struct text *shown,
                      bool diff)
{
    const char *p = shown->data, *end = p + shown->len;
    size_t room = terminal->columns - 5;
    while (!out->failed) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        if (!line_end)
            line_end = end;
        const char *colour = terminal->colour ? line_colour(p < line_end ? p : "", diff) : "";
        const char *mark = "  | ";
        do {
            text_format(out, "%s%s", mark, colour);
            for (size_t used = 0; p < line_end;) {
                size_t bytes = 1;
                while (p + bytes < line_end && (p[bytes] & 0xc0) == 0x80)
                    bytes++;
                size_t columns = *p == '\t' ? 8 - used % 8 : bytes > 1 ? 2 : 1;
                if (used && used + columns > room)
                    break;
                /* A tab reaches as far as the row's end and no further. */
                text_add(out, *p == '\t' ? "        " : p, *p == '\t' ? columns : bytes);
                used += columns;
                p += bytes;
            }
            text_format(out, "%s\n", *colour ? plain : "");
            mark = "  : ";
        } while (p < line_end);
        if (end - line_end <= 1) /* a line feed at the very end begins no row */
            break;
        p = line_end + 1;
    }
}

/* Letters of other scripts than the Latin one would make a diff unreadable if they were marked: there the names
 * are, which its first two lines hold. */
static size_t marked_bytes(const struct text *shown, bool diff)
{
    size_t feeds = 0, len = 0;
    while (len < shown->len && (!diff || feeds < 2))
        feeds += shown->data[len++] == '\n';
    return len;
}

/* All that is shown before the question. */
static void render(struct text *out, const struct terminal *terminal, const struct agent *agent,
                   const struct action *action, const char *why)
{
    struct text shown = {0}, reason = {0};
    bool diff = action->kind == ACTION_WRITE || action->kind == ACTION_GIT,
         colours = terminal->colour;
    enum sandbox_tier tier = sandbox_tier(agent->sandbox);
    text_format(out, "\n");
    add_line(out, bold, heading(action), colours);
    size_t marked = marked_bytes(&action->shown, diff);
    text_add_shown(&shown, action->shown.data, marked, true, true);
    text_add_shown(&shown, action->shown.data + marked, action->shown.len - marked, true, false);
    if (!shown.failed)
        add_block(out, terminal, &shown, diff);
    /* The sources, which are the end, are shown as they are: they are escaped already. */
    const char *outside = strstr(why, POLICY_OUTSIDE);
    size_t len = outside ? (size_t)(outside - why) : strlen(why);
    text_add_shown(&reason, why, len, false, true);
    if (outside)
        text_format(&reason, "\n");
    if (outside)
        text_add_shown(&reason, outside + strlen("; "), strlen(outside) - strlen("; "), false,
                       false);
    text_format(out, "Why you are asked:\n");
    if (!reason.failed)
        add_block(out, terminal, &reason, false);
    bool program = action->kind == ACTION_RUN || action->kind == ACTION_MCP;
    if (program &&
        (tier < SANDBOX_TIER_A || tier > SANDBOX_TIER_C || agent->options.sandbox == SANDBOX_NONE))
        add_line(out, red, "NO FILE SANDBOX: it can read and change every file that you can.",
                 colours);
    out->failed = out->failed || shown.failed || reason.failed;
    text_free(&shown);
    text_free(&reason);
}

/* The words of the question, and which answer is which. */
static enum answer read_answer(struct terminal *terminal, bool typed, bool session)
{
    const char *question =
        typed     ? "This is protected. Type \"protected\" to allow it once, Enter: no: "
        : session ? "Allow? y: once, s: this very command for the session, Enter: no: "
                  : "Allow? y: once, Enter: no: ";
    char line[ANSWER_MAX] = "";
    terminal_put(terminal, question, strlen(question));
    if (!terminal_line(terminal, line, sizeof line) || terminal->broken)
        return ANSWER_NO;
    if (typed)
        return strcmp(line, "protected") ? ANSWER_NO : ANSWER_ONCE;
    if (!strcmp(line, "y") || !strcmp(line, "yes"))
        return ANSWER_ONCE;
    return session && (!strcmp(line, "s") || !strcmp(line, "session")) ? ANSWER_SESSION : ANSWER_NO;
}

enum answer approval_ask(struct agent *agent, const struct action *action, const char *why)
{
    struct terminal terminal;
    if (!why || action->shown.failed || !action->shown.len)
        return ANSWER_NO;
    if (!terminal_open(&terminal, &agent->cancelled))
        return ANSWER_NOBODY;
    enum answer answer = ANSWER_NO;
    struct text text = {0};
    render(&text, &terminal, agent, action, why);
    if (!text.failed && terminal_page(&terminal, text.data, text.len) && terminal_settle(&terminal))
        answer = read_answer(&terminal, action->protected || action->persists,
                             policy_grantable(agent, action));
    if (terminal.interrupted)
        agent->cancelled = 1;
    terminal_close(&terminal);
    text_free(&text);
    if (answer == ANSWER_SESSION && !policy_grant(agent, action))
        answer = ANSWER_ONCE;
    return answer;
}
