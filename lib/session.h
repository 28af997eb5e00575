/* One conversation: its tokens, and its slot in the plan's KV cache and logits. */
#ifndef INF_SESSION_H
#define INF_SESSION_H

#include "lib/device/device.h"
#include "lib/model.h"

struct infer_session {
    infer_allocator a;
    infer_plan *plan;
    uint32_t slot;       /* of the plan */
    infer_token *tokens; /* (context) */
    uint32_t count, logit_count;
    _Atomic bool cancel;
    infer_session_stats stats;
};

static inline uint8_t *inf_session_kv(const struct infer_session *session)
{
    return session->plan->kv_cache + session->slot * session->plan->kv_session_bytes;
}

#endif
