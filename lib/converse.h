/* What a turn of a conversation is made of. */
#ifndef INF_CONVERSE_H
#define INF_CONVERSE_H

#include "lib/prompt.h"
#include "lib/session.h"
#include "lib/vocab/vocab.h"

/* ---- kept.c: what a session has of a prompt ------------------------------------------------------ */

/* The prompt of a conversation in ids. */
struct inf_kept {
    infer_token *ids;
    size_t count, capacity;
    size_t kept;  /* of them, from the first on, the session holds */
    size_t fixed; /* of those, the made ones and all before them: what is tokenised stands behind */
    size_t byte;  /* where that begins in the text */
};

/* Makes the ids: those that the session's model made stay wherever their bytes are the text's, with every
 * special token where the template has it; all between and behind them is tokenised. */
infer_status inf_kept_find(const struct infer_session *session, struct inf_spanned *spanned,
                           struct inf_kept *kept, infer_error *err);

/* How many ids stand before byte `end`, 0 where that is within what is fixed. */
infer_status inf_kept_until(const struct infer_session *session, struct inf_spanned *spanned,
                            const struct inf_kept *kept, size_t end, size_t *count,
                            infer_error *err);

/* Says for a person why no more is kept; messages: as they came. */
void inf_kept_why(const struct infer_session *session, struct inf_bytes text,
                  const struct inf_kept *kept, const struct inf_json *messages,
                  infer_token thought_begin, char *why, size_t capacity);
void inf_kept_free(const struct infer_session *session, struct inf_kept *kept);

/* ---- messages.c, generate.c ------------------------------------------------------------------------ */

/* Messages as templates want them: an answer that calls has the content and the arguments in
 * the form that the template knows, thoughts have every name that templates know. variables: of the
 * template, without messages. */
infer_status inf_messages_prepare(infer_template *t, struct inf_arena *arena,
                                  const struct inf_json *variables, const struct inf_json *messages,
                                  struct inf_json *prepared, infer_error *err);

/* Whether a template writes its variable `tools` somewhere. */
infer_status inf_messages_tools(infer_model *model, struct inf_bytes source, bool *writes,
                                infer_error *err);

/* Refuses messages of which a template would make nothing (message_check.c): INFER_E_FORMAT names the place. */
infer_status inf_messages_check(const infer_template *t, const struct inf_json *messages,
                                infer_error *err);

/* After rendering, of messages that were checked: INFER_E_TEMPLATE where what a system, developer or user
 * says, or `told` (NULL: nothing), is not in the prompt. By a word at its beginning or end: a word that
 * others say too is not missed. */
infer_status inf_messages_shown(const infer_template *t, const struct inf_json *messages,
                                const char *told, infer_error *err);

/* Adds to the error of a template which content is no text. */
void inf_messages_blame(const struct inf_json *messages, infer_error *err);

/* Tells the model a text: behind the system's words or, where it has none, as its own message; or before the
 * user's first. messages: prepared. */
infer_status inf_messages_tell(struct inf_arena *arena, const char *text, bool by_user,
                               struct inf_json *messages, infer_error *err);

/* What a template makes of a value, which it calls `v`, as a text. */
infer_status inf_print_by(struct inf_arena *arena, const char *program,
                          const struct inf_json *value, const int64_t *now, struct inf_json *text,
                          infer_error *err);

/* A generation whose pieces come as events, INFER_EVENT_END last where it succeeds; on_text and on_thought
 * of the options are not used. tools: what reads them, NULL: only the options' thought is told from the
 * answer (generate.c). */
infer_status inf_generate_events(infer_session *session, const infer_generate_options *options,
                                 infer_tools *tools, infer_on_event on_event, void *ud,
                                 infer_generated *result, infer_error *err);

/* Whether a sampler (NULL: yes) may make text of this session. */
infer_status inf_generate_check(const infer_session *session, const infer_sampler *sampler,
                                infer_error *err);

#endif
