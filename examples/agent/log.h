/*
 * The log: a file a session, outside the root, one JSON object a line, only ever appended to:
 *
 *     {"prev": SHA-256 of the line before in hex (64 zeros on the first),
 *      "time": "2026-01-31T12:00:00.123Z", "what": ..., members}
 *
 * So no line can be changed, taken out or moved without a sign. What is written, and its members
 * ("call" is the id of the call it belongs to; text may be {"hex": ...}, see log_bytes):
 *
 *     start    version, model, root, tier, sandbox, approve; the limits and folders of the options
 *     prompt   text, sha256: what the user asked
 *     turn     text, calls [{id, name, arguments}], stop, prompt_tokens, kept_tokens, tokens, and
 *              message as it was appended: what --replay needs of a model
 *     action   call, tool, kind, digest, bytes: what is to be done
 *     verdict  call, verdict (allow, ask, deny), why
 *     answer   call, answer (no, once, session), digest of what was shown
 *     refused  call, why: a call that became no action, or was not carried out
 *     result   call, ok, bytes, sha256 of what the model got; left_out, bytes it did not get
 *     taint    source
 *     clear
 *     undo     digest, bytes: what the person took back
 *     done     reason, steps, tokens: a task is over
 *     end      the session is
 */
#ifndef AGENT_LOG_H
#define AGENT_LOG_H

#include "agent.h"

/* Begins a log at `path` (NULL: a new file in $XDG_STATE_HOME or ~/.local/state, below infer-agent/).
 * NULL: `error` says why, as that the file is there already, or would lie below `root`. */
struct log *log_open(const char *path, const char *root, struct text *error);
const char *log_path(const struct log *log);
void log_close(struct log *log);

/* Closes it and removes its file: of a session that did not begin. */
void log_discard(struct log *log);

enum log_state {
    LOG_WHOLE, /* every link holds, and the last record is the end */
    LOG_CUT,   /* every link holds, but there is no end: killed, running, or lines are gone */
    LOG_BROKEN /* a link does not hold, or it cannot be read */
};

/* Follows the chain; `report` gets a line about what was found. `records`, where not NULL, is set to
 * an array of all records (the caller's; NULL where broken). */
enum log_state log_verify(const char *path, struct text *report, json_t **records);

/* A string, or {"hex": ...} where the bytes are not UTF-8; NULL without memory. And back. */
json_t *log_bytes(const char *data, size_t len);
bool log_bytes_get(const json_t *value, struct text *out);

#endif
