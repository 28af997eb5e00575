/* Guarded names that are in the workspace, and placeholders for those that are not. */
#include "sandbox_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ENTRIES_MAX = 1000000, /* looked at */
    GUARDED_MAX = 4096,    /* found */
    DEPTH_MAX = 32,        /* deeper folders are hidden: nobody looked into them */
};

struct walk {
    const struct sandbox *box;
    struct guarded_list *list;
    size_t seen;
    bool need_folders;
    int protected; /* folders that this one is in, itself too */
    char path[4096];
    char *err;
};

static bool add(struct walk *w, enum name_kind kind, bool folder, bool pin)
{
    struct guarded_list *list = w->list;
    if (list->count == GUARDED_MAX) {
        snprintf(w->err, SANDBOX_ERR, "the workspace has more than %d protected names",
                 GUARDED_MAX);
        return false;
    }
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 32;
        struct guarded_entry *entries = realloc(list->entries, room * sizeof *entries);
        if (!entries)
            goto memory;
        list->entries = entries;
        list->room = room;
    }
    char *path = strdup(w->path);
    if (!path)
        goto memory;
    list->entries[list->count++] =
        (struct guarded_entry){.path = path, .kind = kind, .folder = folder, .pin = pin};
    return true;
memory:
    snprintf(w->err, SANDBOX_ERR, "out of memory while searching the workspace");
    return false;
}

/* What a guarded link leads to is guarded with it, where it is in the workspace: the link itself may be
 * covered, but its target has another name. */
static bool add_target(struct walk *w, enum name_kind kind)
{
    char path[4096];
    size_t root = strlen(w->box->root);
    if (snprintf(path, sizeof path, "%s/%s", w->box->root, w->path) >= (int)sizeof path)
        return true;
    char *real = realpath(path, NULL);
    struct stat st;
    bool good = true;
    if (real && !strncmp(real, w->box->root, root) && real[root] == '/' && !lstat(real, &st)) {
        memcpy(w->path, real + root + 1,
               strlen(real + root)); /* with its end; less than PATH_MAX */
        good = add(w, kind, S_ISDIR(st.st_mode), false);
        if (good)
            w->list->entries[w->list->count - 1].target = true;
    }
    free(real);
    return good;
}

static bool is_folder(int at, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return !fstatat(at, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

static bool walk_folder(struct walk *w, int fd, size_t len, int depth);
static bool is_placeholder(int at, const char *name);

/* Whether a rule of several components begins with one that has no dot in front. None does now; then a
 * name whose folders have none is judged alone, which is four times as fast. */
static bool rules_need_folders(void)
{
    for (size_t i = 0; i < names_rule_count; i++)
        if (strchr(names_rules[i].pattern, '/') && names_rules[i].pattern[0] != '.')
            return true;
    return false;
}

/* The kind of the last component of w->path, from len on; the folders above it have been judged. No rule
 * has more than three components. */
static enum name_kind judge(const struct walk *w, size_t len)
{
    size_t from = len, start = len;
    for (int slashes = 0; from > 0 && slashes < 4; from--)
        if (w->path[from - 1] == '/') {
            slashes++;
            if (slashes > 1 && (w->need_folders || w->path[from] == '.'))
                start = from;
        }
    if (from == 0 && (w->need_folders || w->path[0] == '.'))
        start = 0;
    return names_judge(w->path + start);
}

static bool walk_entry(struct walk *w, int fd, const struct dirent *entry, size_t len, int depth)
{
    const char *name = entry->d_name;
    size_t name_len = strlen(name);
    if (++w->seen > ENTRIES_MAX || len + name_len + 2 > sizeof w->path) {
        snprintf(
            w->err, SANDBOX_ERR,
            "the workspace has more than %d files, or paths of more than %zu bytes: it cannot be "
            "searched for secrets",
            ENTRIES_MAX, sizeof w->path);
        return false;
    }
    memcpy(w->path + len, name, name_len + 1);
    bool folder = is_folder(fd, entry);
    enum name_kind kind = judge(w, len);
    if (kind == NAME_HIDDEN || (kind != NAME_PLAIN && !w->protected)) {
        struct stat st;
        bool link = !fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode);
        if (!add(w, kind, folder, false) || (link && !add_target(w, kind)))
            return false;
    }
    /* Hidden names are looked for in what is protected too; .git keeps its own names. */
    if (!folder || kind == NAME_HIDDEN || (kind != NAME_PLAIN && !strcmp(name, ".git")))
        return true;
    int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* Gone, or not ours to read: then not the program's either, unless it is its owner. */
    if (sub < 0)
        return errno == ENOENT || add(w, NAME_HIDDEN, true, false);
    if (depth == DEPTH_MAX) {
        close(sub);
        return add(w, NAME_HIDDEN, true, false);
    }
    if (depth == 0 && !strcmp(name, ".github")) {
        bool placeholder = is_placeholder(fd, name);
        if (!add(w, placeholder ? NAME_PROTECTED : NAME_PLAIN, true, !placeholder) || placeholder) {
            close(sub);
            return placeholder;
        }
    }
    w->path[len + name_len] = '/';
    w->protected += kind != NAME_PLAIN;
    bool good = walk_folder(w, sub, len + name_len + 1, depth + 1);
    w->protected -= kind != NAME_PLAIN;
    return good;
}

/* Takes fd. w->path holds `len` bytes, the last a slash. */
static bool walk_folder(struct walk *w, int fd, size_t len, int depth)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        snprintf(w->err, SANDBOX_ERR, "a folder of the workspace: %s", strerror(errno));
        close(fd);
        return false;
    }
    bool good = true;
    for (const struct dirent *entry; good && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            good = walk_entry(w, dirfd(dir), entry, len, depth);
    closedir(dir);
    return good;
}

bool guarded_walk(const struct sandbox *box, struct guarded_list *list, char err[SANDBOX_ERR])
{
    struct walk w = {.box = box, .list = list, .need_folders = rules_need_folders(), .err = err};
    *list = (struct guarded_list){.entries = NULL};
    int fd = openat(box->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(err, SANDBOX_ERR, "%s: %s", box->root, strerror(errno));
        return false;
    }
    return walk_folder(&w, fd, 0, 0);
}

/* Where both walks found a name, they found it under the same path. */
static bool is_listed(const struct guarded_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->entries[i].path, path))
            return true;
    return false;
}

bool guarded_new(const struct guarded_list *before, const struct guarded_list *now, char *why,
                 size_t size)
{
    size_t len = 0, left_out = 0;
    for (size_t i = 0; i < now->count; i++) {
        const struct guarded_entry *entry = &now->entries[i];
        if (entry->pin || entry->target || is_listed(before, entry->path))
            continue;
        if (len + strlen(entry->path) + 80 < size)
            len += (size_t)snprintf(
                why + len, size - len, "%s%s",
                len ? ", " : "it has made or moved protected names: ", entry->path);
        else
            left_out++;
    }
    if (left_out)
        snprintf(why + len, size - len, "%s%zu more protected names", len ? ", " : "", left_out);
    return len || left_out;
}

void guarded_list_free(struct guarded_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].path);
    free(list->entries);
    *list = (struct guarded_list){.entries = NULL};
}

/* ---- Placeholders ----------------------------------------------------------------------------------- */

/* Names that are kept from being created while a command runs, at the top of the workspace: those that
 * programs look for there and obey. */
static const struct missing {
    const char *folder; /* that it is in; NULL: the top */
    const char *name;
    bool is_folder;
    bool at_home; /* only where the workspace is the user's home */
} missing[] = {
    {NULL, ".git", true, false},
    {NULL, ".gitmodules", false, false},
    {NULL, ".gitattributes", false, false},
    {NULL, ".envrc", false, false},
    {NULL, ".vscode", true, false},
    {NULL, ".idea", true, false},
    {".github", "workflows", true, false},
    {NULL, ".husky", true, false},
    {NULL, ".devcontainer", true, false},
    {NULL, ".pre-commit-config.yaml", false, false},
    {NULL, "AGENTS.md", false, false},
    {NULL, "CLAUDE.md", false, false},
    {NULL, "GEMINI.md", false, false},
    {NULL, ".claude", true, false},
    {NULL, ".codex", true, false},
    {NULL, ".cursor", true, false},
    {NULL, ".cursorrules", false, false},
    {NULL, ".gemini", true, false},
    {NULL, ".mcp.json", false, false},
    {NULL, ".gitlab-ci.yml", false, false},
    {NULL, ".infer-agent", true, false},
    {NULL, ".gitconfig", false, true},
    {NULL, ".bashrc", false, true},
    {NULL, ".bash_profile", false, true},
    {NULL, ".bash_login", false, true},
    {NULL, ".bash_aliases", false, true},
    {NULL, ".profile", false, true},
    {NULL, ".zshrc", false, true},
    {NULL, ".zshenv", false, true},
    {NULL, ".zprofile", false, true},
    {NULL, ".ssh", true, true},
};
enum { MISSING = sizeof missing / sizeof *missing };

/* They are known by their mode, which they have from their first moment: nobody else's empty file or folder has a
 * sticky bit and nothing but reading. */
enum { PLACE_FILE = S_ISVTX | 0400, PLACE_FOLDER = S_ISVTX | 0500 };

static bool is_placeholder(int at, const char *name)
{
    struct stat st;
    return !fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) &&
           (st.st_mode == (S_IFDIR | PLACE_FOLDER) ||
            (st.st_mode == (S_IFREG | PLACE_FILE) && st.st_size == 0 && st.st_nlink == 1));
}

static bool place(int at, const char *name, bool folder)
{
    int fd =
        folder ? mkdirat(at, name, PLACE_FOLDER)
               : openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, PLACE_FILE);
    if (!folder && fd >= 0)
        close(fd);
    return fd >= 0 || errno == EEXIST;
}

/* The folder that a row's placeholder is in; the top where there is none. Closed by the caller. */
static int place_folder(const struct sandbox *box, const char *parent, bool *top)
{
    int fd =
        parent ? openat(box->root_fd, parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    *top = fd < 0;
    return fd >= 0 ? fd : openat(box->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool guarded_place(const struct sandbox *box, char err[SANDBOX_ERR])
{
    flock(box->root_fd, LOCK_SH | LOCK_NB); /* see guarded_unplace */
    for (size_t i = 0; i < MISSING; i++) {
        const struct missing *m = &missing[i];
        if (m->at_home && !box->home)
            continue;
        bool top;
        int at = place_folder(box, m->folder, &top);
        bool good = at >= 0 && place(at, top && m->folder ? m->folder : m->name, m->is_folder);
        int error = errno;
        if (at >= 0)
            close(at);
        /* Where the agent cannot write (a full disk aside), the program cannot either. */
        if (!good && error != EACCES && error != EROFS) {
            snprintf(err, SANDBOX_ERR, "a placeholder for %s: %s", m->name, strerror(error));
            return false;
        }
    }
    return true;
}

/* Another agent in this workspace holds the lock shared as long as it needs them: the last removes
 * them. */
void guarded_unplace(const struct sandbox *box)
{
    if (!flock(box->root_fd, LOCK_EX | LOCK_NB)) {
        for (size_t i = 0; i < MISSING; i++) {
            const struct missing *m = &missing[i];
            bool top;
            int at = place_folder(box, m->folder, &top);
            if (at < 0)
                continue;
            if (is_placeholder(at, m->name))
                unlinkat(at, m->name, m->is_folder ? AT_REMOVEDIR : 0);
            if (m->folder && is_placeholder(box->root_fd, m->folder))
                unlinkat(box->root_fd, m->folder, AT_REMOVEDIR);
            close(at);
        }
    }
    flock(box->root_fd, LOCK_UN);
}
