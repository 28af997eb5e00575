/* read_file, list_files, write_file; what they and edit_file share. */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "hands.h"

#define LIST_ENTRIES 2000
#define LIST_DEPTH 2

/* ---- Text for the model ------------------------------------------------------------------------ */

/* The length of the UTF-8 sequence at `p` (RFC 3629), 0 where there is none. */
static size_t sequence(const unsigned char *p, size_t len)
{
    static const unsigned char least[256] = {[0xE0] = 0xA0, [0xF0] = 0x90};
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (!n || p[0] > 0xF4 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if (n > 1 && (p[1] < least[p[0]] || (p[0] == 0xED && p[1] > 0x9F) ||
                  (p[0] == 0xF4 && p[1] > 0x8F) || (p[0] == 0xC2 && p[1] < 0xA0)))
        return 0; /* too long, a surrogate, above the last, or a C1 control */
    return n;
}

void text_add_plain(struct text *t, const char *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    size_t from = 0, i = 0;
    while (i < len) {
        size_t n = sequence(p + i, len - i);
        if (n && (p[i] >= 0x20 || p[i] == '\t' || p[i] == '\n' || p[i] == '\r') && p[i] != 0x7F) {
            i += n;
            continue;
        }
        text_add(t, data + from, i - from);
        text_format(t, "\\x%02x", p[i]);
        from = ++i;
    }
    text_add(t, data + from, len - from);
}

/* ---- What the path tools have in common -------------------------------------------------------- */

struct reading {
    struct text path;
    size_t first, count; /* of lines */
    size_t depth;
};

static void reading_release(struct action *action)
{
    struct reading *reading = action->state;
    text_free(&reading->path);
    free(reading);
    action->state = NULL;
}

static bool is_hidden(const char *path, struct text *error)
{
    if (names_judge(path) != NAME_HIDDEN)
        return false;
    text_add_path(error, path);
    text_format(error, " is a hidden name (secrets, settings): it is neither read nor written");
    return true;
}

/* A read action over one path below the root. */
static struct reading *reading_new(struct agent *agent, const char *given, struct action *action,
                                   struct text *error)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading) {
        text_format(error, "out of memory");
        return NULL;
    }
    action->kind = ACTION_READ;
    action->state = reading;
    action->release = reading_release;
    action->outside = true;
    if (!below_path(agent, given, &reading->path, error) || is_hidden(reading->path.data, error))
        return NULL;
    action->path = action->origin = reading->path.data;
    return reading;
}

/* ---- read_file --------------------------------------------------------------------------------- */

static bool is_binary(const struct content *content)
{
    return content->len && memchr(content->data, 0, content->len < 8192 ? content->len : 8192);
}

/* Where line `number` (from 1) begins, or the end; *found is the number of the last line before it. */
static size_t line_start(const struct content *content, size_t number, size_t *lines)
{
    size_t at = 0;
    *lines = 0;
    while (*lines + 1 < number && at < content->len) {
        const char *end = memchr(content->data + at, '\n', content->len - at);
        at = end ? (size_t)(end - content->data) + 1 : content->len;
        ++*lines;
    }
    return at;
}

static bool read_perform(struct action *action, struct agent *agent, struct text *result)
{
    const struct reading *reading = action->state;
    struct content content;
    action->outside = below_load(agent->root_fd, action->path, false, &content, result);
    if (!action->outside)
        return false;
    size_t before, total, shown;
    line_start(&content, SIZE_MAX, &total);
    if (is_binary(&content)) {
        text_add_path(result, action->path);
        text_format(result, " is a binary file of %zu bytes; it is not shown\n", content.len);
    } else if (reading->first > 1 && reading->first > total) {
        text_add_path(result, action->path);
        text_format(result, " has %zu lines; there is no line %zu", total, reading->first);
    } else {
        size_t from = line_start(&content, reading->first, &before);
        struct content rest = {.data = content.data + from, .len = content.len - from};
        size_t len = reading->count ? line_start(&rest, reading->count + 1, &shown) : rest.len;
        size_t left_out = len > RESULT_MAX ? len - RESULT_MAX : 0;
        if (!reading->count)
            shown = total - before;
        text_add_path(result, action->path);
        text_format(result, total ? ", lines %zu to %zu of %zu:\n" : " is empty\n", before + 1,
                    before + shown, total);
        text_add_plain(result, rest.data, len - left_out);
        if (left_out)
            text_format(result, "\n(%zu bytes left out)\n", left_out);
        else if (len && rest.data[len - 1] != '\n')
            text_format(result, "\n(no line feed at the end)\n");
    }
    bool ok = !(reading->first > 1 && reading->first > total);
    content_free(&content);
    return ok;
}

bool files_prepare_read(struct agent *agent, const struct tool *tool, const json_t *arguments,
                        struct action *action, struct text *error)
{
    (void)tool;
    struct reading *reading = reading_new(agent, argument_text(arguments, "path"), action, error);
    if (!reading)
        return false;
    reading->first = (size_t)argument_int(arguments, "first_line", 1);
    reading->count = (size_t)argument_int(arguments, "line_count", 0);
    action->perform = read_perform;
    text_format(&action->shown, "%s", action->path);
    if (reading->first > 1 || reading->count)
        text_format(&action->shown, "\nfrom line %zu", reading->first);
    if (reading->count)
        text_format(&action->shown, ", %zu lines", reading->count);
    return true;
}

/* ---- list_files -------------------------------------------------------------------------------- */

static bool list_visit(const struct entry *entry, void *data)
{
    struct text *result = data;
    text_add_shown(result, entry->path, strlen(entry->path), false, false);
    if (entry->kind == NAME_HIDDEN)
        text_format(result, "%s (hidden)\n", S_ISDIR(entry->stat.st_mode) ? "/" : "");
    else if (S_ISDIR(entry->stat.st_mode))
        text_format(result, "/\n");
    else if (S_ISREG(entry->stat.st_mode))
        text_format(result, " (%lld bytes)\n", (long long)entry->stat.st_size);
    else
        text_format(result,
                    S_ISLNK(entry->stat.st_mode) ? " (symbolic link)\n" : " (no regular file)\n");
    return result->len < RESULT_MAX && !result->failed;
}

static bool list_perform(struct action *action, struct agent *agent, struct text *result)
{
    const struct reading *reading = action->state;
    struct walk walk = {.depth_max = reading->depth,
                        .entries_max = LIST_ENTRIES,
                        .visit = list_visit,
                        .data = result};
    bool listed = below_each(agent->root_fd, action->path, &walk, result);
    action->outside = listed || walk.entries;
    if (!listed)
        return false;
    if (!walk.entries)
        text_format(result, "(empty)\n");
    if (walk.entries > LIST_ENTRIES || result->len >= RESULT_MAX)
        text_format(result, "(there is more: list a folder of it)\n");
    else if (walk.cut)
        text_format(result, "(deeper folders were not entered: list them, or give a depth)\n");
    return true;
}

bool files_prepare_list(struct agent *agent, const struct tool *tool, const json_t *arguments,
                        struct action *action, struct text *error)
{
    (void)tool;
    const char *path = argument_text(arguments, "path");
    struct reading *reading = reading_new(agent, path ? path : ".", action, error);
    if (!reading)
        return false;
    reading->depth = (size_t)argument_int(arguments, "depth", LIST_DEPTH);
    action->perform = list_perform;
    text_format(&action->shown, "%s\n%zu deep", action->path, reading->depth);
    return true;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

void change_free(struct change *change)
{
    if (!change)
        return;
    free(change->path);
    content_free(&change->before);
    content_free(&change->after);
    *change = (struct change){0};
}

static void write_release(struct action *action)
{
    change_free(action->state);
    free(action->state);
    action->state = NULL;
}

static bool write_perform(struct action *action, struct agent *agent, struct text *result)
{
    struct change *change = action->state;
    if (!below_replace(agent->root_fd, change->path, &change->before, &change->after, result))
        return false;
    text_add_path(result, change->path);
    if (change->before.exists)
        text_format(result, " is changed: it had %zu bytes, it has %zu", change->before.len,
                    change->after.len);
    else
        text_format(result, " is made: %zu bytes", change->after.len);
    journal_add(agent, change);
    return true;
}

bool files_write_action(struct agent *agent, struct change *given, struct action *action,
                        struct text *error)
{
    struct change *change = malloc(sizeof *change);
    if (!change) {
        change_free(given);
        text_format(error, "out of memory");
        return false;
    }
    *change = *given;
    *given = (struct change){0};
    action->kind = ACTION_WRITE;
    action->state = change;
    action->release = write_release;
    action->perform = write_perform;
    action->path = action->origin = change->path;
    if (!strcmp(change->path, ".")) {
        text_format(error, "the path names the root; a file is needed");
        return false;
    }
    if (is_hidden(change->path, error))
        return false;
    if (change->before.links > 1) {
        text_add_path(error, change->path);
        text_format(error, " has %lu hard links; it is not written",
                    (unsigned long)change->before.links);
        return false;
    }
    if (content_equal(&change->before, &change->after)) {
        text_add_path(error, change->path);
        text_format(error, " holds this already; nothing is to be done");
        return false;
    }
    enum name_kind kind = names_judge(change->path);
    action->protected = kind != NAME_PLAIN;
    action->persists = kind == NAME_PERSISTS;
    action->undoable = journal_has_room(agent, change);
    diff_add(&action->shown, change->path, &change->before, &change->after);
    char was[DIGEST_HEX], is[DIGEST_HEX];
    digest_of(change->before.data, change->before.len, was);
    digest_of(change->after.data, change->after.len, is);
    text_format(&action->covers, "%d %s %s", change->before.exists, was, is);
    return true;
}

bool files_prepare_write(struct agent *agent, const struct tool *tool, const json_t *arguments,
                         struct action *action, struct text *error)
{
    (void)tool;
    struct text path = {0};
    struct change change = {0};
    bool ok = below_path(agent, argument_text(arguments, "path"), &path, error) &&
              !is_hidden(path.data, error) &&
              below_load(agent->root_fd, path.data, true, &change.before, error);
    if (ok) {
        const json_t *text = json_object_get(arguments, "text");
        struct text copy = {0};
        text_add(&copy, json_string_value(text), json_string_length(text));
        change.path = path.data;
        path = (struct text){0};
        change.after = (struct content){.exists = true, .data = copy.data, .len = copy.len};
        ok = !copy.failed;
        if (!ok)
            text_format(error, "out of memory");
    }
    text_free(&path);
    if (ok)
        return files_write_action(agent, &change, action, error);
    change_free(&change);
    return false;
}
