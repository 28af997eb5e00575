/* One conversation: its tokens, and its slot in the plan's KV cache and logits. */
#ifndef INF_SESSION_H
#define INF_SESSION_H

#include "lib/base/limits.h"
#include "lib/device/device.h"
#include "lib/template.h"
#include "lib/vocab/vocab.h"

/* Tokens start ... end of a session, which its model made in a turn of infer_chat; their text begins at
 * `byte` of the conversation's prompt. */
struct inf_made {
    uint32_t start, end;
    uint64_t byte;
};

/* The last turn of infer_chat. */
struct inf_turn {
    bool done;
    struct inf_text answer, thought, calls; /* calls: the elements of tool_calls, JSON */
    struct inf_text message;                /* of all of it, JSON */
};

struct infer_session {
    infer_allocator a;
    infer_plan *plan;
    uint32_t slot;       /* of the plan */
    infer_token *tokens; /* (context) */
    uint32_t count, logit_count;
    _Atomic bool cancel;
    infer_session_stats stats;

    /* Of infer_chat (converse.c, kept.c). */
    struct inf_made *made; /* by turn, none empty */
    size_t made_count, made_capacity;
    infer_template *own_template; /* of the model's file; NULL: not yet needed */
    struct inf_turn turn;

    /* Of a plan with recurrent layers (checkpoint.c). */
    uint32_t state_at;                         /* tokens that the state has seen; INF_STATE_NONE */
    uint32_t checkpoints[INF_MAX_CHECKPOINTS]; /* the same of each copy; 0: none */
    uint32_t message_end; /* the copy there makes no room for others while there are two; 0: none */
};

#define INF_STATE_NONE UINT32_MAX

/* Forgets of what was made all that stands behind the first `count` tokens (kept.c). */
void inf_session_cut_made(struct infer_session *session, uint32_t count);

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

/* Says for a person why no more is kept; messages: the array. */
void inf_kept_why(const struct infer_session *session, struct inf_bytes text,
                  const struct inf_kept *kept, const struct inf_json *messages,
                  infer_token thought_begin, char *why, size_t capacity);
void inf_kept_free(const struct infer_session *session, struct inf_kept *kept);

/* Messages as templates want them (messages.c): an answer that calls has the content and the arguments in
 * the form that the template knows, thoughts have every name that templates know. variables: of the
 * template, without messages. */
infer_status inf_messages_prepare(infer_template *t, struct inf_arena *arena,
                                  const struct inf_json *variables, const struct inf_json *messages,
                                  struct inf_json *prepared, infer_error *err);

/* Tells the model a text: behind the system's words or, where it has none, as its own message; or before the
 * user's first. messages: prepared. */
infer_status inf_messages_tell(struct inf_arena *arena, const char *text, bool by_user,
                               struct inf_json *messages, infer_error *err);

/* What a template makes of a value, which it calls `v`, as a text. */
infer_status inf_print_by(struct inf_arena *arena, const char *program,
                          const struct inf_json *value, const int64_t *now, struct inf_json *text,
                          infer_error *err);

/* Appends a text as a JSON string; what is no UTF-8 becomes U+FFFD. */
void inf_json_put_text(struct inf_text *out, const char *text, size_t len);

void inf_turn_free(struct inf_turn *turn); /* converse.c */

/* A generation whose pieces come as events, INFER_EVENT_END last where it succeeds; on_text and on_thought
 * of the options are not used. tools: what reads them, NULL: only the options' thought is told from the
 * answer (generate.c). */
infer_status inf_generate_events(infer_session *session, const infer_generate_options *options,
                                 infer_tools *tools, infer_on_event on_event, void *ud,
                                 infer_generated *result, infer_error *err);

/* Whether a sampler (NULL: yes) may make text of this session. */
infer_status inf_generate_check(const infer_session *session, const infer_sampler *sampler,
                                infer_error *err);

static inline uint8_t *inf_session_kv(const struct infer_session *session)
{
    return session->plan->kv_cache + session->slot * session->plan->kv_session_bytes;
}

/* The session's recurrent state; its copies follow. */
static inline float *inf_session_state(const struct infer_session *session)
{
    const struct infer_plan *plan = session->plan;
    return plan->states + session->slot * (1 + (size_t)plan->info.checkpoints) * plan->state_floats;
}

/* Forgets states of more than `count` tokens: the tokens behind are gone, or were never there. */
void inf_session_forget(struct infer_session *session, uint32_t count);

/* Makes the state that of some of the session's tokens, as many as there is a state of, and returns
 * their number: the rest must be evaluated again. */
uint32_t inf_session_recall(struct infer_session *session);

/* Where a pass of `rows` tokens behind `first` is to copy the state: *row, or NULL for no copy. The copy
 * counts once inf_session_keep is called, after the pass. `prompt`: of an eval of several tokens. */
float *inf_session_checkpoint(struct infer_session *session, uint32_t first, uint32_t rows,
                              bool prompt, uint32_t *row);
void inf_session_keep(struct infer_session *session, const float *copy, uint32_t at);

/* The state of the most tokens up to `most`, which are not more than the session's; *count is their
 * number. NULL, and 0: there is none but the empty one. */
const float *inf_session_best_state(const struct infer_session *session, uint32_t most,
                                    uint32_t *count);

#endif
