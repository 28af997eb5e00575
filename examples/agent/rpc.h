/* JSON-RPC 2.0, a message a line, with a child that may say anything. */
#ifndef AGENT_RPC_H
#define AGENT_RPC_H

#include <jansson.h>
#include <signal.h>

#include "agent.h"

#define RPC_LINE_MAX ((size_t)8 << 20)     /* bytes of a message */
#define RPC_ANSWER_MAX ((size_t)64 << 20)  /* bytes read until an answer is there */
#define RPC_MESSAGES_MAX 10000             /* other messages until then */
#define RPC_BACKLOG_MAX ((size_t)16 << 20) /* bytes that the child has not read */

struct rpc {
    int to, from; /* borrowed */
    struct text in, out;
    size_t sent, looked; /* of out: written; of in: without a line feed */
    json_int_t id;       /* of the last request */
    const char *ended;   /* why nothing comes any more; NULL while it lives */
};

void rpc_open(struct rpc *rpc, int to, int from);
void rpc_close(struct rpc *rpc);

/* Sends a request and waits for its answer, at most `ms`; `params` is JSON without a line feed. What the child sends
 * meanwhile is answered (ping), refused (other requests) or dropped. Both false: `error` says why; *result is the
 * caller's. */
bool rpc_request(struct rpc *rpc, const char *method, const char *params, unsigned ms,
                 const volatile sig_atomic_t *cancelled, json_t **result, struct text *error);
void rpc_notify(struct rpc *rpc, const char *method);

#endif
