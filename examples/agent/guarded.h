/*
 * The names that are guarded inside the workspace, one list for the sandbox and for the file tools.
 * A guarded name is either protected (it may be read, but a write to it would act later, outside of
 * any sandbox: a git hook, an editor's task, the agent's own rules) or hidden (it holds secrets: it
 * may not be read either).
 */
#ifndef AGENT_GUARDED_H
#define AGENT_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

enum guard { GUARD_NONE, GUARD_PROTECTED, GUARD_HIDDEN };

/* The rule for `path`, relative to the workspace: the strictest of its components. "." and ".." are
 * not resolved here, letters are compared without case (a disk may ignore it). */
enum guard guarded_path(const char *path);

/* The rule for one component. `parent` is the component before it ("" at the top): `workflows` is
 * protected below `.github` alone. */
enum guard guarded_name(const char *parent, const char *name);

/* Row i of the names that are kept from being created at the top of the workspace while a command
 * runs: NULL behind the last. *folder says which kind of placeholder stands there. `home`: the
 * workspace is the user's home, where the shells' files count too. */
const char *guarded_missing(size_t i, bool home, bool *folder);

#endif
