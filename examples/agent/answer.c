/* The tool `answer`: a model ends its task by it. It does nothing but say; the loop shows it. */
#include "hands.h"

static bool answer_perform(struct action *action, struct agent *agent, struct text *result)
{
    text_add(&agent->answer, action->shown.data, action->shown.len);
    text_format(result, "The user has it.");
    agent->answered = !agent->answer.failed;
    return agent->answered;
}

bool answer_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                    struct action *action, struct text *error)
{
    const json_t *text = json_object_get(arguments, "text");
    (void)agent;
    (void)tool;
    (void)error;
    action->kind = ACTION_READ; /* of nothing */
    action->path = ".";
    action->perform = answer_perform;
    text_add(&action->shown, json_string_value(text), json_string_length(text));
    if (!action->shown.len)
        text_format(&action->shown, "\n");
    return true;
}
