/* edit_file: one text in a file becomes another. */
#include <stdlib.h>
#include <string.h>

#include "hands.h"

#define PLACES_SHOWN 8

struct edit {
    const char *old, *new;
    size_t old_len, new_len;
    bool all;
};

static const char *find(const char *from, const char *end, const struct edit *edit)
{
    return memmem(from, (size_t)(end - from), edit->old, edit->old_len);
}

static size_t line_of(const struct content *content, const char *at)
{
    size_t line = 1;
    for (const char *p = content->data; p < at; p++)
        line += *p == '\n';
    return line;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Does `old` stand at `at` when spaces, tabs and line ends are not counted? */
static bool stands_loosely(const char *at, const char *end, const char *old, const char *old_end)
{
    for (;;) {
        while (at < end && is_space(*at))
            at++;
        while (old < old_end && is_space(*old))
            old++;
        if (old == old_end)
            return true;
        if (at == end || *at != *old)
            return false;
        at++;
        old++;
    }
}

/* The text is not there: says where it nearly is, so that the next call can be right. */
static void add_hint(struct text *error, const struct content *content, const struct edit *edit)
{
    const char *end = content->data + content->len, *old_end = edit->old + edit->old_len;
    const char *first = edit->old;
    while (first < old_end && is_space(*first))
        first++;
    size_t work = 0;
    for (const char *p = content->data; first < old_end && p < end && work < content->len * 4;
         p++, work++) {
        if (*p != *first)
            continue;
        work += edit->old_len;
        if (stands_loosely(p, end, first, old_end)) {
            text_format(
                error,
                "; but for spaces and line ends it stands at line %zu: read those lines and "
                "copy them exactly",
                line_of(content, p));
            return;
        }
    }
    const char *feed = memchr(first, '\n', (size_t)(old_end - first));
    struct edit line = {.old = first, .old_len = (size_t)((feed ? feed : old_end) - first)};
    const char *at = feed && line.old_len ? find(content->data, end, &line) : NULL;
    if (at)
        text_format(error, "; its first line stands at line %zu, what follows differs",
                    line_of(content, at));
    else
        text_format(error, "; read_file shows what is in it");
}

/* Line feeds become carriage return and line feed. False: no memory. */
static bool with_returns(const char *text, size_t len, struct text *out)
{
    for (size_t i = 0; i < len; i++)
        text_add(out, text[i] == '\n' ? "\r\n" : text + i, text[i] == '\n' ? 2 : 1);
    if (!out->data)
        text_add(out, "", 0);
    return !out->failed;
}

/* The places of the old text, as line numbers, in a message. */
static void add_places(struct text *error, const struct content *content, const struct edit *edit)
{
    const char *end = content->data + content->len, *at = content->data;
    for (size_t i = 0; i < PLACES_SHOWN && (at = find(at, end, edit)); i++, at += edit->old_len)
        text_format(error, "%s%zu", i ? ", " : "", line_of(content, at));
}

/* The new content. False: `error` says why. */
static bool apply(const struct content *before, const struct edit *edit, const char *path,
                  struct content *after, struct text *error)
{
    const char *end = before->data + before->len, *from = before->data, *at = before->data;
    size_t count = 0;
    for (; (at = find(at, end, edit)); at += edit->old_len)
        count++;
    if (!count || (count > 1 && !edit->all)) {
        text_format(error, "old_text stands %zu times in ", count);
        text_add_path(error, path);
        if (!count) {
            add_hint(error, before, edit);
        } else {
            text_format(error, " (lines ");
            add_places(error, before, edit);
            text_format(error, "%s); give more of the lines around it, or all: true",
                        count > PLACES_SHOWN ? ", ..." : "");
        }
        return false;
    }
    struct text out = {0};
    for (; (at = find(from, end, edit)); from = at + edit->old_len) {
        text_add(&out, from, (size_t)(at - from));
        text_add(&out, edit->new, edit->new_len);
        if (out.len > FILE_MAX)
            break;
    }
    text_add(&out, from, (size_t)(end - from));
    if (out.failed || out.len > FILE_MAX) {
        text_format(error, out.failed ? "out of memory" : "the file would have more than %zu bytes",
                    FILE_MAX);
        text_free(&out);
        return false;
    }
    *after = (struct content){.exists = true, .data = out.data, .len = out.len};
    return true;
}

/* A model sees lines, not how they end: in a file whose lines all end with carriage return and line feed, line
 * feeds mean those. */
static bool lines_end_with_returns(const struct content *content)
{
    const char *p = content->data, *end = p + content->len;
    bool any = false;
    while ((p = memchr(p, '\n', (size_t)(end - p)))) {
        if (p == content->data || p[-1] != '\r')
            return false;
        any = true;
        p++;
    }
    return any;
}

static bool prepare_change(const struct agent *agent, const json_t *arguments,
                           struct change *change, struct text *error)
{
    const json_t *old = json_object_get(arguments, "old_text");
    const json_t *new = json_object_get(arguments, "new_text");
    struct edit edit = {.old = json_string_value(old),
                        .new = json_string_value(new),
                        .old_len = json_string_length(old),
                        .new_len = json_string_length(new),
                        .all = json_is_true(json_object_get(arguments, "all"))};
    if (!below_load(agent->root_fd, change->path, false, &change->before, error))
        return false;
    if (!edit.old_len) {
        text_format(error, "old_text is empty; write_file makes a whole file");
        return false;
    }
    struct text old_text = {0}, new_text = {0};
    bool ok = true;
    if (lines_end_with_returns(&change->before) && !memchr(edit.old, '\r', edit.old_len)) {
        ok = with_returns(edit.old, edit.old_len, &old_text) &&
             with_returns(edit.new, edit.new_len, &new_text);
        edit.old = old_text.data;
        edit.old_len = old_text.len;
        edit.new = new_text.data;
        edit.new_len = new_text.len;
    }
    if (ok)
        ok = apply(&change->before, &edit, change->path, &change->after, error);
    else
        text_format(error, "out of memory");
    text_free(&old_text);
    text_free(&new_text);
    return ok;
}

bool edit_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                  struct action *action, struct text *error)
{
    (void)tool;
    struct text path = {0};
    struct change change = {0};
    bool ok = below_path(agent, argument_text(arguments, "path"), &path, error);
    if (ok && names_judge(path.data) == NAME_HIDDEN) {
        text_add_path(error, path.data);
        text_format(error, " is a hidden name: it is neither read nor written");
        ok = false;
    }
    change.path = path.data;
    if (ok && prepare_change(agent, arguments, &change, error))
        return files_write_action(agent, &change, action, error);
    change_free(&change);
    return false;
}
