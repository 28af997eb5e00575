/* search: lines below the root that hold a text or match a pattern. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hands.h"

#define LINES_MAX 500      /* shown */
#define LINE_SHOWN 300     /* bytes of a line */
#define LINE_MAX_ 65536    /* bytes of a line that are looked at */
#define ENTRIES_MAX 100000 /* files and folders */
#define SEARCH_BYTES ((size_t)512 << 20)
#define SECONDS_MAX 10

struct search {
    struct text path;
    struct pattern *pattern;
    const char *text; /* the pattern's; owned */
    bool literal, ignore_case;
    /* Of one run: */
    struct agent *agent;
    struct text *result;
    size_t lines, files, bytes, skipped;
    double until;
    const char *cut; /* why it ended early; NULL: it did not */
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void add_line(struct search *search, const char *path, size_t number, const char *line,
                     size_t len)
{
    struct text *result = search->result;
    text_add_shown(result, path, strlen(path), false, false);
    text_format(result, ":%zu: ", number);
    text_add_plain(result, line, len < LINE_SHOWN ? len : LINE_SHOWN);
    if (len > LINE_SHOWN)
        text_format(result, " (%zu bytes left out)", len - LINE_SHOWN);
    text_format(result, "\n");
    search->lines++;
}

/* Says why the search must end, if it must. */
static bool goes_on(struct search *search)
{
    if (search->lines >= LINES_MAX)
        search->cut = "there are more lines";
    else if (search->result->len >= RESULT_MAX || search->result->failed)
        search->cut = "the result is full";
    else if (search->bytes > SEARCH_BYTES)
        search->cut = "too many bytes were searched";
    else if (search->agent->cancelled)
        search->cut = "cancelled";
    else if (now_s() > search->until)
        search->cut = "it took too long";
    return !search->cut;
}

static bool search_content(struct search *search, const char *path, const struct content *content)
{
    const char *at = content->data, *end = at + content->len;
    search->files++;
    search->bytes += content->len;
    for (size_t number = 1; at < end && goes_on(search); number++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((feed ? feed : end) - at);
        size_t looked = len && at[len - 1] == '\r' ? len - 1 : len;
        if (pattern_matches(search->pattern, at, looked < LINE_MAX_ ? looked : LINE_MAX_))
            add_line(search, path, number, at, looked);
        at += len + 1;
    }
    return !search->cut;
}

static bool visit(const struct entry *entry, void *data)
{
    struct search *search = data;
    if (!S_ISREG(entry->stat.st_mode) || entry->kind == NAME_HIDDEN || names_in_git(entry->name))
        return goes_on(search);
    struct content content;
    struct text ignored = {0};
    bool go_on = true;
    if (entry->stat.st_size > (off_t)FILE_MAX ||
        !below_load_at(entry->dir_fd, entry->name, entry->path, false, &content, &ignored)) {
        search->skipped++;
    } else {
        if (!memchr(content.data, 0, content.len < 8192 ? content.len : 8192))
            go_on = search_content(search, entry->path, &content);
        content_free(&content);
    }
    text_free(&ignored);
    return go_on && goes_on(search);
}

static bool perform(struct action *action, struct agent *agent, struct text *result)
{
    struct search *search = action->state;
    struct walk walk = {
        .depth_max = SIZE_MAX, .entries_max = ENTRIES_MAX, .visit = visit, .data = search};
    search->agent = agent;
    search->result = result;
    search->until = now_s() + SECONDS_MAX;
    struct content content;
    struct text why = {0};
    bool ok = true;
    if (strcmp(action->path, ".") &&
        below_load(agent->root_fd, action->path, false, &content, &why)) {
        search_content(search, action->path, &content);
        content_free(&content);
    } else {
        ok = below_each(agent->root_fd, action->path, &walk, result);
    }
    text_free(&why);
    action->outside = ok || search->files;
    if (!ok)
        return false;
    if (!search->lines)
        text_format(result, "no line %s in %zu files%s\n",
                    search->literal ? "holds this text" : "matches", search->files,
                    search->literal && strpbrk(search->text, "\\|*+?[(^$.")
                        ? " (regex: true reads it as a regular expression)"
                        : "");
    if (search->cut)
        text_format(result, "(ended early: %s)\n", search->cut);
    else if (walk.cut)
        text_format(result, "(not all was searched: too many files, or too deep)\n");
    if (search->skipped)
        text_format(result, "(%zu files were too large or could not be read)\n", search->skipped);
    return true;
}

static void release(struct action *action)
{
    struct search *search = action->state;
    text_free(&search->path);
    pattern_free(search->pattern);
    free(search);
    action->state = NULL;
}

bool search_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                    struct action *action, struct text *error)
{
    (void)tool;
    const char *text = argument_text(arguments, "pattern"),
               *path = argument_text(arguments, "path");
    struct search *search = calloc(1, sizeof *search);
    if (!search) {
        text_format(error, "out of memory");
        return false;
    }
    action->kind = ACTION_READ;
    action->state = search;
    action->release = release;
    action->perform = perform;
    action->outside = true;
    if (!below_path(agent, path ? path : ".", &search->path, error))
        return false;
    if (names_judge(search->path.data) == NAME_HIDDEN) {
        text_add_path(error, search->path.data);
        text_format(error, " is a hidden name: it is neither read nor written");
        return false;
    }
    search->literal = !json_is_true(json_object_get(arguments, "regex"));
    search->ignore_case = json_is_true(json_object_get(arguments, "ignore_case"));
    search->pattern = pattern_new(text, search->literal, search->ignore_case, error);
    if (!search->pattern)
        return false;
    action->path = action->origin = search->path.data;
    text_format(&action->shown, "%s\n%s%s: %s", action->path,
                search->literal ? "text" : "regular expression",
                search->ignore_case ? ", case ignored" : "", text);
    const char *colon =
        action->shown.data ? action->shown.data + action->shown.len - strlen(text) : "";
    search->text = colon; /* `shown` never changes and lives as long */
    return true;
}
