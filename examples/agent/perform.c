/*
 * One call. It becomes an action whose bytes do not change again; the policy judges it; where it is a question
 * the person answers; the log has it all; then the action, and nothing else, is carried out.
 */
#include "digest.h"
#include "log.h"
#include "loop.h"
#include "mcp.h"
#include "sandbox.h"

#include <string.h>

/* What the person can do where nobody could be asked. */
static const char *nobody_text(const struct agent *agent, const struct action *action)
{
    bool edits = agent->options.approve == APPROVE_ASK && action->kind == ACTION_WRITE &&
                 !action->protected && sandbox_allows_auto(agent->sandbox);
    return edits ? "there is no terminal to ask at (run infer-agent at one; --approve edits lets "
                   "changes through)"
                 : "there is no terminal to ask at (run infer-agent at one)";
}

/* Whether the action may be carried out: the policy, then the person. False: `content` says no. */
static bool permitted(struct agent *agent, const struct turn_call *call, struct action *action,
                      struct text *content, bool *fatal)
{
    static const char *const verdicts[] = {"allow", "ask", "deny"};
    static const char *const answers[] = {"no", "once", "session", "no-terminal"};
    struct text why = {0};
    enum verdict verdict = policy_judge(agent, action, &why);
    enum answer answer = ANSWER_ONCE;
    const char *said = verdicts[verdict], *reason = why.failed || !why.data ? "" : why.data;
    *fatal = *fatal || !log_write(agent->log, "verdict",
                                  json_pack("{s:s,s:s,s:s}", "call", call->id, "verdict",
                                            verdicts[verdict], "why", reason));
    if (verdict == VERDICT_ASK && !*fatal) {
        show_question(agent, call->id, action, reason);
        cancel_pause(); /* a person may take time */
        answer = approval_ask(agent, action, reason);
        cancel_resume();
        said = answers[answer];
        *fatal = !log_write(
            agent->log, "answer",
            json_pack("{s:s,s:s,s:s}", "call", call->id, "answer", said, "digest", action->digest));
    }
    bool yes =
        !*fatal && verdict != VERDICT_DENY && (answer == ANSWER_ONCE || answer == ANSWER_SESSION);
    show_verdict(agent, call->id, said,
                 answer == ANSWER_NO       ? "the answer was no"
                 : answer == ANSWER_NOBODY ? nobody_text(agent, action)
                                           : reason);
    if (yes && verdict == VERDICT_ALLOW && action->kind == ACTION_WRITE)
        show_change(agent, call->id, action);
    if (!yes)
        text_format(content, "Refused: %s. It was not done; do not call it again.",
                    verdict == VERDICT_DENY   ? reason
                    : answer == ANSWER_NOBODY ? "nobody is there to allow it"
                                              : "the user said no");
    text_free(&why);
    return yes;
}

/* Around text from outside stands a name that nobody can guess: a hint to the model, and no more. */
static void wrap(const struct agent *agent, struct text *content)
{
    struct text wrapped = {0};
    const char *text = content->data ? content->data : "\n";
    bool whole_line = text[content->len ? content->len - 1 : 0] == '\n';
    text_format(&wrapped, "<data %s>\n", agent->tag);
    text_add(&wrapped, text, content->len);
    text_format(&wrapped, "%s</data %s>", whole_line ? "" : "\n", agent->tag);
    text_free(content);
    *content = wrapped;
}

static bool log_action(struct agent *agent, const struct turn_call *call,
                       const struct action *action)
{
    static const char *const kinds[] = {"read", "write", "run", "git", "mcp"};
    return log_write(agent->log, "action",
                     json_pack("{s:s,s:s,s:s,s:s,s:o}", "call", call->id, "tool", action->tool,
                               "kind", kinds[action->kind], "digest", action->digest, "bytes",
                               log_bytes(action->shown.data, action->shown.len)));
}

/* Prepared, judged, carried out: what the call brings. */
static void perform(struct agent *agent, const struct turn_call *call, struct action *action,
                    struct called *called)
{
    struct text *content = &called->content;
    if (!tools_prepare(agent, call->name, call->arguments, strlen(call->arguments), action,
                       content)) {
        called->fatal =
            !log_write(agent->log, "refused",
                       json_pack("{s:s,s:o}", "call", call->id, "why",
                                 log_bytes(content->data ? content->data : "", content->len)));
        return;
    }
    called->fatal = !log_action(agent, call, action);
    if (called->fatal || !permitted(agent, call, action, content, &called->fatal))
        return;
    char digest[DIGEST_HEX];
    action_digest(action, digest);
    if (strcmp(digest, action->digest) != 0) {
        text_format(content, "Refused: it is not what was judged any more. It was not done.");
        return;
    }
    /* between its last look at a file and its end no server changes it */
    bool still = action->kind != ACTION_READ && action->kind != ACTION_MCP;
    if (still && !mcp_pause(agent, content)) {
        action->outside = false;
        text_format(content, ". It was not done.");
        return;
    }
    called->ok = action->perform(action, agent, content);
    if (still)
        mcp_resume(agent);
    if (agent->answered && agent->answer.len) {
        show_text(agent, agent->answer.data, agent->answer.len);
        text_free(&agent->answer);
    }
    called->changed = called->ok && (action->kind == ACTION_WRITE || action->kind == ACTION_GIT);
    called->outside = action->outside;
}

/* Content from outside has come into the conversation: what it can ask for is asked of the person. */
static bool taint(struct agent *agent, const struct action *action)
{
    const char *source = action->origin ? action->origin : action->tool;
    bool known = agent->taint.len != 0, foreign = agent->foreign;
    policy_taint(agent, action, source);
    /* Said where it changes what is asked: elsewhere each change and each run is asked as it is. */
    bool edits = agent->options.approve == APPROVE_EDITS && sandbox_allows_auto(agent->sandbox) &&
                 agent->options.sandbox == SANDBOX_WORKSPACE;
    bool rest = agent->foreign && !foreign && json_object_size(agent->grants);
    struct text from = {0};
    policy_add_sources(agent, &from);
    if ((edits && !known) || rest)
        show_say(agent, "text from outside your prompt was read (%s): %s",
                 from.data ? from.data : "",
                 rest ? "the runs that you granted for the session are asked again, until /clear"
                      : "commits, and changes that undo does not take back, are asked from now on");
    text_free(&from);
    return log_write(agent->log, "taint",
                     json_pack("{s:o}", "source", log_bytes(source, strlen(source))));
}

void call_do(struct agent *agent, const struct turn_call *call, struct called *called)
{
    struct action action = {0};
    struct text *content = &called->content;
    perform(agent, call, &action, called);
    if (content->failed)
        called->fatal = true;
    if (!called->fatal) {
        size_t left_out = budget_cut(agent, content);
        digest_of(content->data, content->len, called->digest);
        called->fatal =
            content->failed ||
            !log_write(agent->log, "result",
                       json_pack("{s:s,s:b,s:I,s:s,s:I}", "call", call->id, "ok", called->ok,
                                 "bytes", (json_int_t)content->len, "sha256", called->digest,
                                 "left_out", (json_int_t)left_out));
        if (!agent->answered || agent->options.json) /* its text was shown */
            show_result(agent, call->id, called->ok, content, left_out);
    }
    if (!called->fatal && agent->model.result)
        agent->model.result(&agent->model, agent, call, called->digest);
    if (called->outside) {
        called->fatal = !taint(agent, &action) || called->fatal;
        wrap(agent, content);
    }
    action_free(&action);
}
