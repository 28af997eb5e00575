/*
 * What the tools share among themselves. Every path here is below the root, relative, without "." or "..",
 * as below_path() makes it; "." is the root.
 */
#ifndef HANDS_H
#define HANDS_H

#include <sys/stat.h>

#include "agent.h"
#include "names.h"

#define ARGUMENTS_MAX ((size_t)2 << 20) /* bytes of a call's arguments */
#define ARGUMENTS_DEPTH 64
#define FILE_MAX ((size_t)16 << 20) /* bytes of a file that is read or written whole */
#define RESULT_MAX                                                                                 \
    ((size_t)1 << 20) /* bytes of a result; the loop cuts it to the model's context */

/* ---- arguments.c: JSON from outside ----------------------------------------------------------- */

/* Reads a call's arguments; no text at all is no argument. NULL: `error` says why. */
json_t *arguments_read(const char *text, size_t len, struct text *error);

/* Checks a value against a schema: type, enum, properties, required, additionalProperties (none beside
 * `properties` unless the schema says otherwise), items, minimum, maximum, minItems, maxItems, minLength, maxLength. What else a
 * server's schema says is the server's to check. */
bool arguments_fit(const json_t *schema, const json_t *value, struct text *error);

const char *argument_text(const json_t *arguments,
                          const char *name); /* NULL where it is not given */
json_int_t argument_int(const json_t *arguments, const char *name, json_int_t otherwise);

/* ---- below.c: files below the root ------------------------------------------------------------ */

/* The path below the root that the model means; `~`, `..` and what is outside are refused. */
bool below_path(const struct agent *agent, const char *given, struct text *path,
                struct text *error);

/* Opens without following any link; -1 and errno. below_walk is the same without openat2. */
int below_open(int root_fd, const char *path, int flags, mode_t mode);
int below_walk(int root_fd, const char *path, int flags, mode_t mode);

/* What below_open's errno means, in words for the model. */
void below_error(struct text *error, const char *path, int code);

/* A regular file: its bytes and what is kept of it when it is replaced. */
struct content {
    bool exists;
    char *data; /* owned; a NUL behind its last byte */
    size_t len;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    nlink_t links;
};
void content_free(struct content *content);
bool content_equal(const struct content *a, const struct content *b);

/* Reads a regular file of at most FILE_MAX bytes; with `missing` a file that is not there is no failure. */
bool below_load(int root_fd, const char *path, bool missing, struct content *content,
                struct text *error);

/* The same by a folder and a name in it; for those who walk. */
bool below_load_at(int dir_fd, const char *name, const char *path, bool missing,
                   struct content *content, struct text *error);

/* Replaces what is there, which must still be `now`, by `then` (which may be "no file"). The file is the old or
 * the new one at every moment. */
bool below_replace(int root_fd, const char *path, const struct content *now,
                   const struct content *then, struct text *error);

/* One entry of a folder, as a walk meets it. */
struct entry {
    int dir_fd;
    const char *name, *path;
    struct stat stat;
    enum name_kind kind;
    size_t depth; /* 1 directly below where the walk began */
};

/* Walks the tree below `path` in order of names, entering no link, no hidden name, nothing named .git. `visit`
 * returns false to end the walk. False: `error` says why. */
struct walk {
    size_t depth_max, entries_max;
    bool (*visit)(const struct entry *entry, void *data);
    void *data;
    size_t entries; /* out */
    bool cut;       /* out: entries_max or depth_max left something out */
};
bool below_each(int root_fd, const char *path, struct walk *walk, struct text *error);

/* ---- Text for the model ------------------------------------------------------------------------ */

/* Appends bytes so that they are valid UTF-8 without control characters but tab, line feed and carriage
 * return; other bytes as \xNN. */
void text_add_plain(struct text *t, const char *data, size_t len);

/* A path within quotation marks, as it may be shown. */
void text_add_path(struct text *t, const char *path);

/* ---- diff.c, pattern.c ------------------------------------------------------------------------- */

/* Appends a unified diff, three lines around each change. A side may be no file. */
void diff_add(struct text *t, const char *path, const struct content *before,
              const struct content *after);

/* A pattern: alternatives, groups, classes, * + ? {n,m}, ^ $ . \d \w \s \b. Matching takes time linear in the
 * text, whatever the pattern. */
struct pattern;
struct pattern *pattern_new(const char *text, bool literal, bool ignore_case, struct text *error);
bool pattern_matches(struct pattern *pattern, const char *line, size_t len);
void pattern_free(struct pattern *pattern);

/* ---- Writes and their undoing (file_tools.c, journal.c)---------------------------------------- */

/* A file that will be replaced. */
struct change {
    char *path; /* owned */
    struct content before, after;
};
void change_free(struct change *change);

/* Room for all that undo keeps; a change that does not fit cannot be undone. */
#define JOURNAL_MAX ((size_t)64 << 20)

bool journal_open(struct agent *agent);
void journal_close(struct agent *agent);
/* Is the root a work tree, so that there are commits? */
bool journal_has_git(const struct agent *agent);
bool journal_has_room(const struct agent *agent, const struct change *change);

/* Notes a change that was made; takes what it holds. */
void journal_add(struct agent *agent, struct change *change);

/* Notes a commit; takes what it holds. False: there was no memory, and undo will not know it. */
struct git_commit;
bool journal_add_commit(struct agent *agent, struct git_commit *commit);

/* The paths changed since the last commit, each once, with what was there before. */
size_t journal_changes(const struct agent *agent, const struct change **changes, size_t max);

/* ---- The tools --------------------------------------------------------------------------------- */

bool files_prepare_read(struct agent *agent, const struct tool *tool, const json_t *arguments,
                        struct action *action, struct text *error);
bool files_prepare_list(struct agent *agent, const struct tool *tool, const json_t *arguments,
                        struct action *action, struct text *error);
bool files_prepare_write(struct agent *agent, const struct tool *tool, const json_t *arguments,
                         struct action *action, struct text *error);
bool edit_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                  struct action *action, struct text *error);
bool search_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                    struct action *action, struct text *error);
bool answer_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                    struct action *action, struct text *error);
bool run_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                 struct action *action, struct text *error);
bool commit_prepare(struct agent *agent, const struct tool *tool, const json_t *arguments,
                    struct action *action, struct text *error);
bool journal_prepare_undo(struct agent *agent, const struct tool *tool, const json_t *arguments,
                          struct action *action, struct text *error);

/* Makes the write action of a change; takes it, in failure too. */
bool files_write_action(struct agent *agent, struct change *change, struct action *action,
                        struct text *error);

#endif
