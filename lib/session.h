/* One conversation: its tokens, and its slot in the plan's KV cache and logits. */
#ifndef INF_SESSION_H
#define INF_SESSION_H

#include "lib/base/limits.h"
#include "lib/device/device.h"
#include "lib/model.h"

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
    bool deaf; /* an eval goes on though it is cancelled */
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

void inf_turn_free(struct inf_turn *turn); /* converse.c */

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
