/*
 * Recurrent states of a session. A state has seen some number of tokens and cannot go back, so copies of
 * it are kept: before the last token of every prompt, where the last message of a conversation ends (a
 * template that drops the thought behind it goes back to there), and now and then while text is
 * generated. Where the tokens of the session are fewer than its state has seen (a rewind, an eval that
 * failed), the nearest copy takes its place, or the empty state, and what is missing is evaluated again.
 */
#include "lib/session.h"

#include <string.h>

/* While single tokens are evaluated, a copy each so many of them. */
#define APART 256

static float *copy_at(const struct infer_session *session, uint32_t index)
{
    return inf_session_state(session) + (1 + (size_t)index) * session->plan->state_floats;
}

void inf_session_forget(struct infer_session *session, uint32_t count)
{
    if (session->state_at > count)
        session->state_at = INF_STATE_NONE;
    for (uint32_t i = 0; i < session->plan->info.checkpoints; i++)
        if (session->checkpoints[i] > count)
            session->checkpoints[i] = 0;
    if (session->message_end > count)
        session->message_end = 0;
}

const float *inf_session_best_state(const struct infer_session *session, uint32_t most,
                                    uint32_t *count)
{
    const float *best = NULL;
    *count = 0;
    for (uint32_t i = 0; i < session->plan->info.checkpoints; i++)
        if (session->checkpoints[i] > *count && session->checkpoints[i] <= most) {
            *count = session->checkpoints[i];
            best = copy_at(session, i);
        }
    if (session->state_at <= most && session->state_at > *count) {
        *count = session->state_at;
        best = inf_session_state(session);
    }
    return best;
}

uint32_t inf_session_recall(struct infer_session *session)
{
    size_t bytes = session->plan->state_floats * sizeof(float);
    uint32_t count;
    if (!session->plan->states || session->state_at == session->count)
        return session->count;
    float *state = inf_session_state(session);
    const float *best = inf_session_best_state(session, session->count, &count);
    if (!best)
        memset(state, 0, bytes);
    else if (best != state)
        memcpy(state, best, bytes);
    session->state_at = count;
    return count;
}

/* The tokens of the copy next below and next above `at`, of all but copy `index`. */
static uint32_t gap_without(const struct infer_session *session, uint32_t index, uint32_t newest)
{
    uint32_t at = session->checkpoints[index], below = 0, above = newest;
    for (uint32_t i = 0; i < session->plan->info.checkpoints; i++) {
        uint32_t other = session->checkpoints[i];
        if (i != index && other <= at && other > below)
            below = other;
        if (i != index && other > at && other < above)
            above = other;
    }
    return above - below;
}

float *inf_session_checkpoint(struct infer_session *session, uint32_t first, uint32_t rows,
                              bool prompt, uint32_t *row)
{
    uint32_t count = session->plan->info.checkpoints, at = first + rows - 1, last = 0, index = 0;
    for (uint32_t i = 0; i < count; i++)
        last = session->checkpoints[i] > last ? session->checkpoints[i] : last;
    if (!count || at <= last || (!prompt && at - last < APART))
        return NULL;
    uint32_t least = UINT32_MAX; /* the copy that is missed least makes room: 0 is none */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t gap = session->checkpoints[i] ? gap_without(session, i, at) : 0;
        if (gap && count > 1 && session->checkpoints[i] == session->message_end)
            continue;
        if (gap < least) {
            least = gap;
            index = i;
        }
    }
    session->checkpoints[index] = 0;
    *row = rows - 1;
    return copy_at(session, index);
}

void inf_session_keep(struct infer_session *session, const float *copy, uint32_t at)
{
    size_t index = (size_t)(copy - inf_session_state(session)) / session->plan->state_floats - 1;
    session->checkpoints[index] = at;
}
