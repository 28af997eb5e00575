#include "guarded.h"

#include <string.h>
#include <strings.h>

enum { PREFIX = 1, SUFFIX = 2, FOLDER = 4, AT_HOME = 8, KEEP = 16 };

/* FOLDER: what stands there while it is missing; KEEP: kept from being created at the top;
 * AT_HOME: kept only where the workspace is the user's home. */
static const struct {
    const char *parent; /* NULL: anywhere */
    const char *name;
    enum guard guard;
    unsigned flags;
} rows[] = {
    /* what version control, editors and shells run by themselves */
    {NULL, ".git", GUARD_PROTECTED, KEEP | FOLDER},
    {NULL, ".gitmodules", GUARD_PROTECTED, KEEP},
    {NULL, ".gitattributes", GUARD_PROTECTED, KEEP},
    {NULL, ".gitconfig", GUARD_PROTECTED, AT_HOME},
    {NULL, ".envrc", GUARD_HIDDEN, KEEP},
    {NULL, ".vscode", GUARD_PROTECTED, KEEP | FOLDER},
    {NULL, ".idea", GUARD_PROTECTED, KEEP | FOLDER},
    {".github", "workflows", GUARD_PROTECTED, KEEP | FOLDER},
    {NULL, ".husky", GUARD_PROTECTED, KEEP | FOLDER},
    {NULL, ".bashrc", GUARD_PROTECTED, AT_HOME},
    {NULL, ".bash_profile", GUARD_PROTECTED, AT_HOME},
    {NULL, ".bash_login", GUARD_PROTECTED, AT_HOME},
    {NULL, ".bash_logout", GUARD_PROTECTED, AT_HOME},
    {NULL, ".bash_aliases", GUARD_PROTECTED, AT_HOME},
    {NULL, ".profile", GUARD_PROTECTED, AT_HOME},
    {NULL, ".zshrc", GUARD_PROTECTED, AT_HOME},
    {NULL, ".zshenv", GUARD_PROTECTED, AT_HOME},
    {NULL, ".zprofile", GUARD_PROTECTED, AT_HOME},
    {NULL, ".zlogin", GUARD_PROTECTED, AT_HOME},
    {NULL, ".inputrc", GUARD_PROTECTED, AT_HOME},
    {NULL, ".xprofile", GUARD_PROTECTED, AT_HOME},
    /* what this agent and others take their orders from */
    {NULL, "AGENTS.md", GUARD_PROTECTED, KEEP},
    {NULL, "CLAUDE.md", GUARD_PROTECTED, KEEP},
    {NULL, "GEMINI.md", GUARD_PROTECTED, 0},
    {NULL, ".claude", GUARD_PROTECTED, 0},
    {NULL, ".cursor", GUARD_PROTECTED, 0},
    {NULL, ".cursorrules", GUARD_PROTECTED, 0},
    {NULL, ".codex", GUARD_PROTECTED, 0},
    {NULL, ".mcp.json", GUARD_PROTECTED, KEEP},
    {NULL, ".infer-agent", GUARD_HIDDEN, KEEP | FOLDER | PREFIX},
    {".config", "infer-agent", GUARD_HIDDEN, PREFIX},
    /* secrets */
    {NULL, ".ssh", GUARD_HIDDEN, AT_HOME | FOLDER},
    {NULL, ".gnupg", GUARD_HIDDEN, AT_HOME | FOLDER},
    {NULL, ".netrc", GUARD_HIDDEN, 0},
    {NULL, ".aws", GUARD_HIDDEN, 0},
    {NULL, ".git-credentials", GUARD_HIDDEN, 0},
    {NULL, ".env", GUARD_HIDDEN, PREFIX},
    {NULL, ".pem", GUARD_HIDDEN, SUFFIX},
    {NULL, "id_rsa", GUARD_HIDDEN, PREFIX},
    {NULL, "id_dsa", GUARD_HIDDEN, PREFIX},
    {NULL, "id_ecdsa", GUARD_HIDDEN, PREFIX},
    {NULL, "id_ed25519", GUARD_HIDDEN, PREFIX},
};
enum { ROWS = sizeof rows / sizeof *rows };

static bool matches(const char *pattern, unsigned flags, const char *name)
{
    size_t want = strlen(pattern), have = strlen(name);
    if (flags & PREFIX)
        return !strncasecmp(name, pattern, want);
    if (flags & SUFFIX)
        return have >= want && !strcasecmp(name + have - want, pattern);
    return !strcasecmp(name, pattern);
}

enum guard guarded_name(const char *parent, const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if ((!rows[i].parent || !strcasecmp(rows[i].parent, parent)) &&
            matches(rows[i].name, rows[i].flags, name))
            return rows[i].guard;
    /* id_* without an extension is taken for a key, `id_map.c` is a source. */
    return !strncasecmp(name, "id_", 3) && !strchr(name, '.') ? GUARD_HIDDEN : GUARD_NONE;
}

enum guard guarded_path(const char *path)
{
    enum guard strictest = GUARD_NONE;
    char parent[256] = "", name[256];
    while (*path) {
        size_t len = strcspn(path, "/");
        if (len >= sizeof name)
            return GUARD_HIDDEN; /* no file has such a name */
        if (len > 0 && !(len == 1 && path[0] == '.')) {
            memcpy(name, path, len);
            name[len] = 0;
            enum guard guard = guarded_name(parent, name);
            strictest = guard > strictest ? guard : strictest;
            memcpy(parent, name, len + 1);
        }
        path += len + (path[len] == '/');
    }
    return strictest;
}

const char *guarded_missing(size_t i, bool home, const char **parent, bool *folder)
{
    for (size_t r = 0; r < ROWS; r++)
        if ((rows[r].flags & KEEP || (home && rows[r].flags & AT_HOME)) && i-- == 0) {
            *parent = rows[r].parent;
            *folder = rows[r].flags & FOLDER;
            return rows[r].name;
        }
    return NULL;
}
