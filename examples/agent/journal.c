/* What the agent changed, and undo: the last change is taken back, where all is still as it was left. */
#include <stdlib.h>
#include <string.h>

#include "git.h"
#include "hands.h"

struct step {
    bool is_commit, whole; /* whole: what was there and what was written are kept */
    struct change change;
    struct git_commit commit;
};

struct journal {
    bool git; /* the root is a work tree */
    struct step *steps;
    size_t count, capacity, bytes;
};

static size_t bytes_of(const struct change *change)
{
    return change->before.len + change->after.len;
}

static void step_free(struct step *step)
{
    change_free(&step->change);
    git_commit_free(&step->commit);
}

bool journal_open(struct agent *agent)
{
    agent->journal = calloc(1, sizeof *agent->journal);
    if (agent->journal)
        agent->journal->git = git_is_tree(agent);
    return agent->journal;
}

void journal_close(struct agent *agent)
{
    for (size_t i = 0; agent->journal && i < agent->journal->count; i++)
        step_free(&agent->journal->steps[i]);
    if (agent->journal)
        free(agent->journal->steps);
    free(agent->journal);
    agent->journal = NULL;
}

/* Room for one more step. */
static bool reserve(struct journal *journal)
{
    if (journal->count < journal->capacity)
        return true;
    size_t capacity = journal->capacity ? journal->capacity * 2 : 16;
    struct step *steps = realloc(journal->steps, capacity * sizeof *steps);
    if (!steps)
        return false;
    journal->steps = steps;
    journal->capacity = capacity;
    return true;
}

bool journal_has_git(const struct agent *agent)
{
    return agent->journal && agent->journal->git;
}

bool journal_has_room(const struct agent *agent, const struct change *change)
{
    return agent->journal && agent->journal->bytes + bytes_of(change) <= JOURNAL_MAX &&
           reserve(agent->journal);
}

void journal_add(struct agent *agent, struct change *change)
{
    bool whole = journal_has_room(agent, change);
    if (!agent->journal || !reserve(agent->journal))
        return; /* as far as undo knows, somebody else changed it */
    struct step *step = &agent->journal->steps[agent->journal->count++];
    *step = (struct step){.whole = whole, .change = *change};
    *change = (struct change){0};
    if (whole) {
        agent->journal->bytes += bytes_of(&step->change);
    } else {
        content_free(&step->change.before);
        content_free(&step->change.after);
    }
}

bool journal_add_commit(struct agent *agent, struct git_commit *commit)
{
    if (!reserve(agent->journal))
        return false;
    agent->journal->steps[agent->journal->count++] =
        (struct step){.is_commit = true, .whole = true, .commit = *commit};
    *commit = (struct git_commit){0};
    return true;
}

size_t journal_changes(const struct agent *agent, const struct change **changes, size_t max)
{
    const struct journal *journal = agent->journal;
    size_t first = journal->count, count = 0;
    while (first && !journal->steps[first - 1].is_commit)
        first--;
    for (size_t i = first; i < journal->count && count < max; i++) {
        const char *path = journal->steps[i].change.path;
        bool known = false;
        for (size_t k = 0; k < count && !known; k++)
            known = !strcmp(changes[k]->path, path);
        if (!known)
            changes[count++] = &journal->steps[i].change;
    }
    return count;
}

/* ---- undo -------------------------------------------------------------------------------------- */

/* The step that was shown must be the last one still. */
static struct step *last(struct agent *agent, const struct action *action, struct text *error)
{
    struct journal *journal = agent->journal;
    if (journal->count && action->state == &journal->steps[journal->count - 1])
        return action->state;
    text_format(error, "something was changed since this was prepared; nothing was undone");
    return NULL;
}

static bool perform(struct action *action, struct agent *agent, struct text *result)
{
    struct step *step = last(agent, action, result);
    if (!step)
        return false;
    struct change *change = &step->change;
    if (step->is_commit
            ? !git_take_back(agent, &step->commit, result)
            : !below_replace(agent->root_fd, change->path, &change->after, &change->before, result))
        return false;
    if (step->is_commit) {
        text_format(result, "the commit %.12s, ", step->commit.id);
        text_add_path(result, step->commit.subject.data);
        text_format(result, ", is taken back; the files are as they were in it");
    } else {
        text_add_path(result, change->path);
        text_format(result, change->before.exists ? " is as it was before the last change"
                                                  : " is removed again");
        agent->journal->bytes -= bytes_of(change);
    }
    text_format(result, "; %zu earlier changes can be undone", agent->journal->count - 1);
    action->path = NULL; /* was the step's */
    step_free(step);
    agent->journal->count--;
    return true;
}

/* Whether the file is still what was written: what somebody else wrote since stays. */
static bool is_as_left(const struct agent *agent, const struct change *change, struct text *error)
{
    struct content now = {0};
    bool ok = below_load(agent->root_fd, change->path, true, &now, error);
    if (ok && !content_equal(&now, &change->after)) {
        text_add_path(error, change->path);
        text_format(error, " has changed since it was written here; nothing was undone");
        ok = false;
    }
    content_free(&now);
    return ok;
}

bool journal_prepare_undo(struct agent *agent, const struct tool *tool, const json_t *arguments,
                          struct action *action, struct text *error)
{
    (void)tool;
    (void)arguments;
    struct journal *journal = agent->journal;
    if (!journal->count) {
        text_format(error, "nothing to undo: no change was made in this session");
        return false;
    }
    struct step *step = &journal->steps[journal->count - 1];
    action->state = step;
    action->perform = perform;
    action->origin = "undo";
    if (!step->whole) {
        text_format(error, "the last change, of ");
        text_add_path(error, step->change.path);
        text_format(error, ", was too large to be kept; it cannot be undone");
        return false;
    }
    if (step->is_commit) {
        action->kind = ACTION_GIT;
        text_format(&action->shown, "takes back the commit %.12s:\n", step->commit.id);
        text_add(&action->shown, step->commit.subject.data, step->commit.subject.len);
        text_format(&action->shown, "\nHEAD becomes %s%.12s; the files stay as they are",
                    *step->commit.parent ? "the commit before it, " : "nothing",
                    step->commit.parent);
        text_format(&action->covers, "%s %s", step->commit.id, step->commit.parent);
        return true;
    }
    if (!is_as_left(agent, &step->change, error))
        return false;
    enum name_kind kind = names_judge(step->change.path);
    action->kind = ACTION_WRITE;
    action->path = step->change.path;
    action->protected = kind != NAME_PLAIN;
    action->persists = kind == NAME_PERSISTS;
    diff_add(&action->shown, step->change.path, &step->change.after, &step->change.before);
    return true;
}
