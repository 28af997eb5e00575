#include "names.h"

#include <stdint.h>
#include <string.h>

#define FOLDED_MAX 256 /* NAME_MAX and its NUL */

const struct name_rule names_rules[] = {
    /* Run by other programs as soon as they come by, or tell them what to run. */
    {".git", NAME_PROTECTED},
    {"git~*", NAME_PROTECTED}, /* the short name that FAT gives .git */
    {".gitmodules", NAME_PROTECTED},
    {".gitattributes", NAME_PROTECTED},
    {".gitconfig", NAME_PROTECTED},
    {".config/git", NAME_PROTECTED},
    {".github/workflows", NAME_PROTECTED},
    {".github/actions", NAME_PROTECTED},
    {".gitlab-ci.yml", NAME_PROTECTED},
    {".husky", NAME_PROTECTED},
    {".pre-commit-config.yaml", NAME_PROTECTED},
    {".vscode", NAME_PROTECTED},
    {".idea", NAME_PROTECTED},
    {".devcontainer", NAME_PROTECTED},
    {".bashrc", NAME_PROTECTED},
    {".bash_*", NAME_PROTECTED},
    {".profile", NAME_PROTECTED},
    {".login", NAME_PROTECTED},
    {".cshrc", NAME_PROTECTED},
    {".tcshrc", NAME_PROTECTED},
    {".kshrc", NAME_PROTECTED},
    {".zsh*", NAME_PROTECTED},
    {".zprofile", NAME_PROTECTED},
    {".zlogin", NAME_PROTECTED},
    {".zlogout", NAME_PROTECTED},
    {".inputrc", NAME_PROTECTED},
    {".pam_environment", NAME_PROTECTED},
    {".xprofile", NAME_PROTECTED},
    {".xinitrc", NAME_PROTECTED},
    {".vimrc", NAME_PROTECTED},
    {".exrc", NAME_PROTECTED},
    {".gdbinit", NAME_PROTECTED},
    {".config/fish", NAME_PROTECTED},
    {".config/systemd", NAME_PROTECTED},
    {".config/autostart", NAME_PROTECTED},

    /* Read by assistants in later sessions. */
    {"AGENTS.md", NAME_PERSISTS},
    {"AGENTS.override.md", NAME_PERSISTS},
    {"AGENT.md", NAME_PERSISTS},
    {"CLAUDE.md", NAME_PERSISTS},
    {"CLAUDE.local.md", NAME_PERSISTS},
    {"GEMINI.md", NAME_PERSISTS},
    {"QWEN.md", NAME_PERSISTS},
    {"MEMORY.md", NAME_PERSISTS},
    {".agents", NAME_PERSISTS},
    {".claude", NAME_PERSISTS},
    {".gemini", NAME_PERSISTS},
    {".qwen", NAME_PERSISTS},
    {".codex", NAME_PERSISTS},
    {".cursor", NAME_PERSISTS},
    {".cursorrules", NAME_PERSISTS},
    {".windsurf", NAME_PERSISTS},
    {".windsurfrules", NAME_PERSISTS},
    {".clinerules", NAME_PERSISTS},
    {".roo", NAME_PERSISTS},
    {".roorules", NAME_PERSISTS},
    {".rules", NAME_PERSISTS},
    {".aider*", NAME_PERSISTS},
    {".continue", NAME_PERSISTS},
    {".goosehints", NAME_PERSISTS},
    {".junie", NAME_PERSISTS},
    {".kiro", NAME_PERSISTS},
    {".mcp.json", NAME_PERSISTS},
    {".github/copilot-instructions.md", NAME_PERSISTS},
    {".github/instructions", NAME_PERSISTS},
    {".github/prompts", NAME_PERSISTS},

    /* Secrets, and what this agent is told to do. */
    {".env*", NAME_HIDDEN},
    {"*.pem", NAME_HIDDEN},
    {"*.p12", NAME_HIDDEN},
    {"*.pfx", NAME_HIDDEN},
    {"id_rsa*", NAME_HIDDEN},
    {"id_dsa*", NAME_HIDDEN},
    {"id_ecdsa*", NAME_HIDDEN},
    {"id_ed25519*", NAME_HIDDEN},
    {".ssh", NAME_HIDDEN},
    {".gnupg", NAME_HIDDEN},
    {".netrc", NAME_HIDDEN},
    {"_netrc", NAME_HIDDEN},
    {".pgpass", NAME_HIDDEN},
    {".pypirc", NAME_HIDDEN},
    {".git-credentials", NAME_HIDDEN},
    {".config/git/credentials", NAME_HIDDEN},
    {".aws", NAME_HIDDEN},
    {".azure", NAME_HIDDEN},
    {".kube", NAME_HIDDEN},
    {".docker", NAME_HIDDEN},
    {".config/gcloud", NAME_HIDDEN},
    {".config/gh", NAME_HIDDEN},
    {".config/infer-agent", NAME_HIDDEN},
    {".infer-agent*", NAME_HIDDEN},
};
const size_t names_rule_count = sizeof names_rules / sizeof names_rules[0];

/* Code points that file systems without case leave out when they compare (the common part of Unicode's
 * Default_Ignorable_Code_Point). */
static bool ignorable(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0xAD, 0xAD},     {0x34F, 0x34F},   {0x61C, 0x61C},   {0x115F, 0x1160},  {0x17B4, 0x17B5},
        {0x180B, 0x180F}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F},  {0x3164, 0x3164},
        {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xE0000, 0xE0FFF}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

/* The code point at `s` and its length; a byte that begins none is itself. */
static uint32_t code_point(const unsigned char *s, size_t len, size_t *used)
{
    size_t n = s[0] < 0xC2 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 1;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
    *used = 1;
    if (n > len)
        return s[0];
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return s[0];
        c = c << 6 | (s[i] & 0x3F);
    }
    *used = n;
    return c;
}

/* One component as a file system without case sees it. False: longer than a name can be. */
static bool fold(const char *name, size_t len, char out[FOLDED_MAX])
{
    size_t n = 0;
    for (size_t i = 0, used; i < len; i += used) {
        uint32_t c = code_point((const unsigned char *)name + i, len - i, &used);
        if (used > 1 && ignorable(c))
            continue;
        if (n + used >= FOLDED_MAX)
            return false;
        if (used > 1 && (c == 0x17F || c == 0x212A)) { /* long s, Kelvin sign */
            out[n++] = c == 0x17F ? 's' : 'k';
        } else if (used == 1) {
            out[n++] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
        } else {
            memcpy(out + n, name + i, used);
            n += used;
        }
    }
    while (n && (out[n - 1] == '.' || out[n - 1] == ' ')) /* FAT leaves these out */
        n--;
    out[n] = 0;
    return true;
}

static bool equal(const char *pattern, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = pattern[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != name[i])
            return false;
    }
    return true;
}

/* One component of a pattern, with at most one star, against a folded name. */
static bool component_matches(const char *pattern, size_t len, const char *name)
{
    const char *star = memchr(pattern, '*', len);
    size_t name_len = strlen(name);
    if (!star)
        return name_len == len && equal(pattern, name, len);
    size_t before = (size_t)(star - pattern), after = len - before - 1;
    return name_len >= before + after && equal(pattern, name, before) &&
           equal(star + 1, name + name_len - after, after);
}

/* Does the pattern's sequence of components begin here? */
static bool rule_matches(const char *pattern, const char *path)
{
    char name[FOLDED_MAX];
    for (;;) {
        size_t len = strcspn(pattern, "/"), path_len = strcspn(path, "/");
        if (!fold(path, path_len, name) || !component_matches(pattern, len, name))
            return false;
        if (!pattern[len])
            return true;
        if (!path[path_len])
            return false;
        pattern += len + 1;
        path += path_len + 1;
    }
}

enum name_kind names_judge(const char *path)
{
    enum name_kind worst = NAME_PLAIN;
    char name[FOLDED_MAX];
    for (;;) {
        size_t len = strcspn(path, "/");
        if (!fold(path, len, name) && worst < NAME_PROTECTED)
            worst = NAME_PROTECTED;
        for (size_t i = 0; i < names_rule_count; i++)
            if (names_rules[i].kind > worst && rule_matches(names_rules[i].pattern, path))
                worst = names_rules[i].kind;
        if (!path[len])
            return worst;
        path += len + 1;
    }
}

bool names_in_git(const char *path)
{
    for (;;) {
        if (rule_matches(".git", path) || rule_matches("git~*", path))
            return true;
        size_t len = strcspn(path, "/");
        if (!path[len])
            return false;
        path += len + 1;
    }
}
