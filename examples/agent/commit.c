/*
 * git_commit: the files that the agent changed, and no others, on top of HEAD. Made from what was shown, through
 * an index of its own, so that what the user has staged stays as it is.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "git.h"
#include "hands.h"

#define CONTENT_MAX ((size_t)64 << 20) /* of all files of a commit */
#define MESSAGE_MAX 8000
#define TRAILER "\n\nMade-with: infer-agent\n"

struct file {
    const char *path; /* in the plan's paths */
    struct content content;
    char id[GIT_ID]; /* of its bytes in HEAD, "" where it is not there */
    bool executable; /* in HEAD */
};

struct plan {
    char parent[GIT_ID];
    struct text message, paths; /* each path with its NUL */
    struct text name, email;    /* as variables of the environment, twice each */
    struct file *files;
    size_t count;
};

static void release(struct action *action)
{
    struct plan *plan = action->state;
    for (size_t i = 0; i < plan->count; i++)
        content_free(&plan->files[i].content);
    free(plan->files);
    text_free(&plan->message);
    text_free(&plan->paths);
    text_free(&plan->name);
    text_free(&plan->email);
    free(plan);
    action->state = NULL;
}

static bool git(const struct agent *agent, const char *const *arguments, const struct text *input,
                struct text *output)
{
    return git_run(agent, &(struct git_call){.arguments = arguments, .input = input}, output);
}

static bool git_failed(struct text *error, const struct text *output)
{
    text_format(error, "git: ");
    text_add_plain(error, output->data ? output->data : "", output->len);
    return false;
}

/* ---- What will be committed -------------------------------------------------------------------- */

static bool add_path(struct plan *plan, const char *path, struct text *error)
{
    for (size_t at = 0; at < plan->paths.len; at += strlen(plan->paths.data + at) + 1)
        if (!strcmp(plan->paths.data + at, path))
            return true;
    if (plan->count++ == GIT_PATHS) {
        text_format(error, "a commit takes at most %d paths", GIT_PATHS);
        return false;
    }
    text_add(&plan->paths, path, strlen(path) + 1);
    return true;
}

static bool collect_paths(struct agent *agent, const json_t *given, struct plan *plan,
                          struct text *error)
{
    const struct change *changes[GIT_PATHS];
    size_t changed = journal_changes(agent, changes, GIT_PATHS);
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(given); i++) {
        struct text path = {0};
        ok = below_path(agent, json_string_value(json_array_get(given, i)), &path, error) &&
             add_path(plan, path.data, error);
        text_free(&path);
    }
    for (size_t i = 0; ok && !given && i < changed; i++)
        ok = add_path(plan, changes[i]->path, error);
    if (ok && !plan->count) {
        text_format(error, "nothing to commit: no file was changed by edit_file or write_file "
                           "since the last commit; paths names others");
        ok = false;
    }
    size_t count = plan->count;
    plan->count = 0; /* of those that have a file */
    plan->files = ok ? calloc(count, sizeof *plan->files) : NULL;
    if (ok && (!plan->files || plan->paths.failed)) {
        text_format(error, "out of memory");
        return false;
    }
    for (size_t at = 0; ok && at < plan->paths.len; at += strlen(plan->paths.data + at) + 1)
        plan->files[plan->count++].path = plan->paths.data + at;
    return ok;
}

static bool load_files(struct agent *agent, struct plan *plan, struct action *action,
                       struct text *error)
{
    size_t total = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct file *file = &plan->files[i];
        enum name_kind kind = names_judge(file->path);
        if (kind == NAME_HIDDEN || names_in_git(file->path) || !strcmp(file->path, ".")) {
            text_add_path(error, file->path);
            text_format(error, " is not committed: paths are files, no hidden names, not .git");
            return false;
        }
        action->protected = action->protected || kind != NAME_PLAIN;
        action->persists = action->persists || kind == NAME_PERSISTS;
        if (!below_load(agent->root_fd, file->path, true, &file->content, error))
            return false;
        total += file->content.len;
        if (total > CONTENT_MAX) {
            text_format(error, "the files have more than %zu bytes", CONTENT_MAX);
            return false;
        }
    }
    return true;
}

/* What HEAD has at the paths: "100644 blob ID\tPATH" each. */
static bool read_head(struct agent *agent, struct plan *plan, struct text *error)
{
    const char *arguments[GIT_PATHS + 8] = {"ls-tree", "-z", plan->parent, "--"};
    struct text output = {0};
    if (!git_head(agent, plan->parent, error))
        return false;
    if (!*plan->parent)
        return true;
    for (size_t i = 0; i < plan->count; i++)
        arguments[4 + i] = plan->files[i].path;
    bool ok = git(agent, arguments, NULL, &output) || git_failed(error, &output);
    for (size_t at = 0; ok && at < output.len; at += strlen(output.data + at) + 1) {
        char mode[8], type[8], id[GIT_ID];
        int behind = 0;
        if (sscanf(output.data + at, "%7s %7s %64s%n", mode, type, id, &behind) != 3)
            continue;
        for (size_t i = 0; i < plan->count; i++) {
            struct file *file = &plan->files[i];
            if (strcmp(file->path, output.data + at + behind + 1))
                continue;
            if (strcmp(type, "blob")) {
                text_add_path(error, file->path);
                text_format(error, " is a %s in the last commit; it is not replaced by a file",
                            strcmp(type, "tree") ? "submodule" : "folder");
                ok = false;
            }
            memcpy(file->id, id, sizeof id);
            file->executable = !strcmp(mode, "100755");
        }
    }
    text_free(&output);
    return ok;
}

static const struct file *file_of(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!strcmp(plan->files[i].path, path))
            return &plan->files[i];
    return NULL;
}

/* Content goes into the repository as it is; what git would convert, or hand to a program, is refused. */
static bool check_attributes(struct agent *agent, const struct plan *plan, struct text *error)
{
    const char *const arguments[] = {
        "check-attr", "-z", "--stdin", "filter", "working-tree-encoding", "text", "eol", NULL};
    const char *const convert[] = {"config", "--get", "core.autocrlf", NULL};
    struct text output = {0}, setting = {0};
    bool ok = git(agent, arguments, &plan->paths, &output) || git_failed(error, &output);
    bool converts =
        git_run(agent, &(struct git_call){.arguments = convert, .user = true}, &setting) &&
        strncmp(setting.data, "false", 5) != 0;
    for (size_t at = 0; ok && at < output.len;) {
        const char *path = output.data + at, *name = path + strlen(path) + 1;
        const char *value = name + strlen(name) + 1;
        at = (size_t)(value - output.data) + strlen(value) + 1;
        const struct file *file = file_of(plan, path);
        bool set = strcmp(value, "unspecified") && strcmp(value, "unset");
        bool ends = !strcmp(name, "text") || !strcmp(name, "eol");
        bool returns =
            file && file->content.len && memmem(file->content.data, file->content.len, "\r\n", 2);
        if (ends ? !returns || !(set || converts) : !set)
            continue;
        text_add_path(error, path);
        text_format(error, " is converted by git (%s); only the user can commit it",
                    ends ? "line ends" : name);
        ok = false;
    }
    text_free(&output);
    text_free(&setting);
    return ok;
}

/* Who commits: the user's own settings. */
static bool read_person(struct agent *agent, const char *key, const char *variable,
                        struct text *out, struct text *error)
{
    const char *const arguments[] = {"config", "--get", key, NULL};
    struct text output = {0};
    bool ok = git_run(agent, &(struct git_call){.arguments = arguments, .user = true}, &output) &&
              output.len > 1;
    if (ok) {
        output.data[strcspn(output.data, "\n")] = 0;
        text_format(out, "GIT_AUTHOR_%s=%s", variable, output.data);
        text_add(out, "", 1);
        text_format(out, "GIT_COMMITTER_%s=%s", variable, output.data);
    } else {
        text_format(error, "git does not know who commits: the user has to set %s", key);
    }
    text_free(&output);
    return ok && !out->failed;
}

static bool is_executable(const struct file *file)
{
    return file->content.mode & 0100;
}

/* Appends the difference between HEAD and the file; false where `error` says why. */
static bool show_file(struct agent *agent, const struct file *file, struct action *action,
                      bool *differs, struct text *error)
{
    struct text blob = {0};
    if (*file->id &&
        !git(agent, (const char *const[]){"cat-file", "blob", file->id, NULL}, NULL, &blob)) {
        git_failed(error, &blob);
        text_free(&blob);
        return false;
    }
    struct content head = {.exists = *file->id, .data = blob.data, .len = blob.len};
    bool mode = file->content.exists && head.exists && file->executable != is_executable(file);
    if (mode || !content_equal(&head, &file->content)) {
        diff_add(&action->shown, file->path, &head, &file->content);
        if (mode)
            text_format(&action->shown, "%s\n",
                        is_executable(file) ? "becomes executable" : "is executable no more");
        char digest[DIGEST_HEX];
        digest_of(file->content.data, file->content.len, digest);
        text_format(&action->covers, "%s %s\n", digest, file->path);
        *differs = true;
    }
    text_free(&blob);
    return true;
}

/* ---- Carrying it out --------------------------------------------------------------------------- */

static bool still_as_shown(struct agent *agent, const struct plan *plan, struct text *error)
{
    char head[GIT_ID];
    if (!git_head(agent, head, error))
        return false;
    if (strcmp(head, plan->parent)) {
        text_format(error, "HEAD has moved since this was prepared; nothing was committed");
        return false;
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct file *file = &plan->files[i];
        struct content now;
        if (!below_load(agent->root_fd, file->path, true, &now, error))
            return false;
        bool same = content_equal(&now, &file->content) && now.mode == file->content.mode;
        content_free(&now);
        if (same)
            continue;
        text_add_path(error, file->path);
        text_format(error, " has changed since this was prepared; nothing was committed");
        return false;
    }
    return true;
}

/* Stores the files' bytes; a line for the index each. */
static bool store_files(struct agent *agent, const struct plan *plan, struct text *lines,
                        struct text *error)
{
    static const char zeros[] = "0000000000000000000000000000000000000000";
    const char *const store[] = {"hash-object", "-w", "--stdin", "--no-filters", NULL};
    for (size_t i = 0; i < plan->count; i++) {
        const struct file *file = &plan->files[i];
        const struct text bytes = {.data = file->content.data, .len = file->content.len};
        char id[GIT_ID];
        const char *mode = !file->content.exists ? "0" : is_executable(file) ? "100755" : "100644";
        if (file->content.exists &&
            !git_run_id(agent, &(struct git_call){.arguments = store, .input = &bytes}, id, error))
            return false;
        text_format(lines, "%s %s\t%s", mode, file->content.exists ? id : zeros, file->path);
        text_add(lines, "", 1);
    }
    if (lines->failed)
        text_format(error, "out of memory");
    return !lines->failed;
}

/* The commit's object, through an index in a folder of its own. */
static bool make_commit(struct agent *agent, const struct plan *plan, const struct text *lines,
                        const char *folder, char id[GIT_ID], struct text *error)
{
    char index[PATH_MAX + 32], tree[GIT_ID];
    snprintf(index, sizeof index, "GIT_INDEX_FILE=%s/index", folder);
    const char *const variables[] = {index,
                                     plan->name.data,
                                     plan->name.data + strlen(plan->name.data) + 1,
                                     plan->email.data,
                                     plan->email.data + strlen(plan->email.data) + 1,
                                     NULL};
    const char *const read[] = {"read-tree", *plan->parent ? plan->parent : "--empty", NULL};
    const char *const update[] = {"update-index", "--replace", "-z", "--index-info", NULL};
    const char *const write[] = {"write-tree", NULL};
    struct text output = {0};
    struct git_call call = {.arguments = read, .variables = variables};
    bool ok = git_run(agent, &call, &output);
    if (ok) {
        text_free(&output);
        call.arguments = update;
        call.input = lines;
        ok = git_run(agent, &call, &output) && !output.len; /* it says what it leaves out */
    }
    if (!ok)
        git_failed(error, &output);
    text_free(&output);
    call.arguments = write;
    call.input = NULL;
    if (!ok || !git_run_id(agent, &call, tree, error))
        return false;
    const char *const commit[] = {"commit-tree", tree, *plan->parent ? "-p" : NULL, plan->parent,
                                  NULL};
    call.arguments = commit;
    call.input = &plan->message;
    return git_run_id(agent, &call, id, error);
}

/* Moves HEAD, from where it was when this was shown, and lets the index know. */
static bool move_head(struct agent *agent, const struct plan *plan, const struct text *lines,
                      struct git_commit *commit, struct text *error)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char none[GIT_ID];
    snprintf(none, sizeof none, "%.*s", (int)strlen(commit->id), zeros);
    const char *const move[] = {"update-ref", "-m",       "infer-agent: commit",
                                "HEAD",       commit->id, *plan->parent ? plan->parent : none,
                                NULL};
    const char *const update[] = {"update-index", "--replace", "-z", "--index-info", NULL};
    struct text output = {0};
    memcpy(commit->parent, plan->parent, sizeof commit->parent);
    text_add(&commit->paths, plan->paths.data, plan->paths.len);
    text_add(&commit->subject, plan->message.data, strcspn(plan->message.data, "\n"));
    bool ok = !commit->paths.failed && !commit->subject.failed &&
              git_index(agent, &commit->paths, &commit->before) && git(agent, move, NULL, &output);
    if (!ok) {
        git_failed(error, &output);
        text_free(&output);
        return false;
    }
    text_free(&output);
    if (!git(agent, update, lines, &output)) {
        text_format(error, "(the index could not be changed: ");
        text_add_plain(error, output.data ? output.data : "", output.len);
        text_format(error, ")\n");
    }
    text_free(&output);
    return git_index(agent, &commit->paths, &commit->after);
}

static bool perform(struct action *action, struct agent *agent, struct text *result)
{
    const struct plan *plan = action->state;
    struct git_commit commit = {0};
    struct text lines = {0};
    const char *tmp = getenv("TMPDIR");
    char folder[PATH_MAX - 16], index[PATH_MAX];
    if (!still_as_shown(agent, plan, result))
        return false;
    snprintf(folder, sizeof folder, "%s/infer-agent-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
    if (!mkdtemp(folder)) {
        text_format(result, "no folder can be made: %s: %s", folder, strerror(errno));
        return false;
    }
    bool ok = store_files(agent, plan, &lines, result) &&
              make_commit(agent, plan, &lines, folder, commit.id, result) &&
              move_head(agent, plan, &lines, &commit, result);
    snprintf(index, sizeof index, "%s/index", folder);
    unlink(index);
    rmdir(folder);
    text_free(&lines);
    if (ok) {
        text_format(result, "commit %.12s is made: %zu files", commit.id, plan->count);
        if (!journal_add_commit(agent, &commit))
            text_format(result, " (it cannot be undone: out of memory)");
    }
    git_commit_free(&commit);
    return ok;
}

bool commit_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                    struct action *action, struct text *error)
{
    (void)tool;
    const char *message = argument_text(arguments, "message");
    struct plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        text_format(error, "out of memory");
        return false;
    }
    action->kind = ACTION_GIT;
    action->state = plan;
    action->release = release;
    action->perform = perform;
    action->origin = "git";
    size_t len = strlen(message);
    while (len && strchr(" \t\r\n", message[len - 1]))
        len--;
    if (!len || len > MESSAGE_MAX) {
        text_format(error, "a commit message has between 1 and %d bytes", MESSAGE_MAX);
        return false;
    }
    text_add(&plan->message, message, len);
    text_format(&plan->message, TRAILER);
    if (!collect_paths(agent, json_object_get(arguments, "paths"), plan, error) ||
        !load_files(agent, plan, action, error) || !read_head(agent, plan, error) ||
        !check_attributes(agent, plan, error) ||
        !read_person(agent, "user.name", "NAME", &plan->name, error) ||
        !read_person(agent, "user.email", "EMAIL", &plan->email, error))
        return false;
    text_format(&action->covers, "%s\n", plan->parent);
    text_format(&action->shown, "commit on top of %s\n\n",
                *plan->parent ? plan->parent : "nothing");
    text_add(&action->shown, plan->message.data, plan->message.len);
    text_format(&action->shown, "\n");
    bool differs = false;
    for (size_t i = 0; i < plan->count; i++)
        if (!show_file(agent, &plan->files[i], action, &differs, error))
            return false;
    if (!differs)
        text_format(error, "nothing to commit: these files are as in the last commit");
    return differs && !plan->message.failed;
}
