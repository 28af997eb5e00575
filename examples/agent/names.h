/*
 * Names that are not like others: the one table, for the file tools, the policy and the sandbox.
 * A rule is one component, or several with '/' between; it may stand at any depth, and holds for all below it.
 * One '*' in a component is any text. Letters are compared as a file system without case would
 * (".GIT", ".git.", ".g\u200cit" are ".git").
 */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum name_kind {
    NAME_PLAIN,
    NAME_PROTECTED, /* written only after a typed yes; never by a program in the sandbox */
    NAME_PERSISTS, /* the same, and what is in it steers later sessions: rules, memories, servers */
    NAME_HIDDEN    /* neither read nor written: secrets, and the agent's own settings */
};

struct name_rule {
    const char *pattern;
    enum name_kind kind;
};

extern const struct name_rule names_rules[];
extern const size_t names_rule_count;

/* The kind of a path below the root ("a/b", no "." or ".." in it): the worst of the rules that match it or a
 * folder above it. What is too long to be a name is protected. */
enum name_kind names_judge(const char *path);

/* Is it a repository's own folder, or in one? */
bool names_in_git(const char *path);

#endif
