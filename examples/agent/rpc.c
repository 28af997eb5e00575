/* A connection to a child: what is sent, what is read until an answer is there. SIGPIPE is ignored by main. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rpc.h"

#define POLL_MS 100
#define ERROR_SHOWN 1000 /* bytes of a child's own words */

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rpc_open(struct rpc *rpc, int to, int from)
{
    *rpc = (struct rpc){.to = to, .from = from};
    if (fcntl(to, F_SETFL, fcntl(to, F_GETFL) | O_NONBLOCK) ||
        fcntl(from, F_SETFL, fcntl(from, F_GETFL) | O_NONBLOCK))
        rpc->ended = "its pipes cannot be used";
}

void rpc_close(struct rpc *rpc)
{
    text_free(&rpc->in);
    text_free(&rpc->out);
}

static void end(struct rpc *rpc, const char *why)
{
    if (!rpc->ended)
        rpc->ended = why;
}

/* ---- What is sent ------------------------------------------------------------------------------ */

static void flush(struct rpc *rpc)
{
    while (!rpc->ended && rpc->sent < rpc->out.len) {
        ssize_t put = write(rpc->to, rpc->out.data + rpc->sent, rpc->out.len - rpc->sent);
        if (put < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (put <= 0)
            end(rpc, "it has ended");
        else
            rpc->sent += (size_t)put;
    }
    if (rpc->sent == rpc->out.len) {
        text_free(&rpc->out);
        rpc->sent = 0;
    }
}

/* A message is in `out`. */
static void sent(struct rpc *rpc)
{
    if (rpc->out.failed)
        end(rpc, "there is no memory for it");
    else if (rpc->out.len - rpc->sent > RPC_BACKLOG_MAX)
        end(rpc, "it does not read what it is sent");
    flush(rpc);
}

void rpc_notify(struct rpc *rpc, const char *method)
{
    text_format(&rpc->out, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"}\n", method);
    sent(rpc);
}

/* The child asks something of us: there is only that we live. */
static void answer(struct rpc *rpc, const json_t *id, const char *method)
{
    if (json_is_string(id) || json_is_integer(id)) {
        text_format(&rpc->out, "{\"jsonrpc\":\"2.0\",\"id\":");
        text_add_json(&rpc->out, id, JSON_ENCODE_ANY);
        text_format(&rpc->out, "%s",
                    strcmp(method, "ping") ? ",\"error\":{\"code\":-32601,\"message\":"
                                             "\"method not found\"}}\n"
                                           : ",\"result\":{}}\n");
    }
    sent(rpc);
}

/* ---- What is read ------------------------------------------------------------------------------ */

/* A message: the answer that is waited for (returned, the caller's), or something else. */
static json_t *take(struct rpc *rpc, json_t *message)
{
    const char *version = json_string_value(json_object_get(message, "jsonrpc"));
    const char *method = json_string_value(json_object_get(message, "method"));
    const json_t *id = json_object_get(message, "id");
    bool answers = json_object_get(message, "result") || json_object_get(message, "error");
    if (!version || strcmp(version, "2.0"))
        return NULL;
    if (method && id)
        answer(rpc, id, method);
    if (method || !answers || !json_is_integer(id) || json_integer_value(id) != rpc->id)
        return NULL;
    return json_incref(message);
}

/* A line: one message, or an array of them (as versions before 2025-06-18 had it). */
static json_t *take_line(struct rpc *rpc, const char *line, size_t len)
{
    json_t *message = text_read_json(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    /* Lines that are something else are passed over, as what a program says when it starts. */
    if (!message && len && line[0] == '{')
        end(rpc, "it sends a message that cannot be read");
    json_t *found = json_is_object(message) ? take(rpc, message) : NULL;
    for (size_t i = 0; i < json_array_size(message) && i < RPC_MESSAGES_MAX && !found; i++)
        found = take(rpc, json_array_get(message, i));
    json_decref(message);
    return found;
}

/* The next line that is there, cut off `in`; false: none. `start` counts up to what was used. */
static bool next_line(struct rpc *rpc, size_t *start, const char **line, size_t *len)
{
    const char *from = rpc->in.data + rpc->looked;
    const char *feed =
        rpc->in.len > rpc->looked ? memchr(from, '\n', rpc->in.len - rpc->looked) : NULL;
    if (!feed) {
        rpc->looked = rpc->in.len;
        return false;
    }
    *line = rpc->in.data + *start;
    *len = (size_t)(feed - *line);
    *start += *len + 1;
    rpc->looked = *start;
    return true;
}

/* Takes what lines there are; the answer ends it. */
static json_t *take_lines(struct rpc *rpc, size_t *messages)
{
    json_t *found = NULL;
    size_t start = 0, len;
    const char *line;
    while (!found && !rpc->ended && next_line(rpc, &start, &line, &len)) {
        found = take_line(rpc, line, len);
        if (!found && ++*messages > RPC_MESSAGES_MAX)
            end(rpc, "it sends message after message, and not the answer");
    }
    if (start) {
        memmove(rpc->in.data, rpc->in.data + start, rpc->in.len - start);
        rpc->in.len -= start;
        rpc->looked -= start;
    }
    if (!found && rpc->in.len > RPC_LINE_MAX)
        end(rpc, "it sends a line that is too long");
    return found;
}

/* Reads what is there. */
static void fill(struct rpc *rpc, size_t *total)
{
    char buffer[65536];
    ssize_t got = read(rpc->from, buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        end(rpc, "it has ended");
        return;
    }
    text_add(&rpc->in, buffer, (size_t)got);
    *total += (size_t)got;
    if (rpc->in.failed)
        end(rpc, "there is no memory for what it sends");
    else if (*total > RPC_ANSWER_MAX)
        end(rpc, "it sends too much, and not the answer");
}

/* Waits until something can be read or written, or a moment has passed. */
static void wait(struct rpc *rpc, long left, size_t *total)
{
    struct pollfd fds[2] = {{.fd = rpc->from, .events = POLLIN},
                            {.fd = rpc->out.len ? rpc->to : -1, .events = POLLOUT}};
    int ready = poll(fds, 2, left < POLL_MS ? (int)left : POLL_MS);
    if (ready <= 0)
        return;
    if (fds[1].revents)
        flush(rpc);
    if (fds[0].revents)
        fill(rpc, total);
}

/* What an answer brings. */
static bool read_answer(const json_t *message, json_t **result, struct text *error)
{
    const json_t *fault = json_object_get(message, "error");
    if (!fault) {
        *result = json_incref(json_object_get(message, "result"));
        return true;
    }
    const char *words = json_string_value(json_object_get(fault, "message"));
    text_format(error, "it answers with error %lld: ",
                (long long)json_integer_value(json_object_get(fault, "code")));
    text_add_shown(error, words ? words : "", strnlen(words ? words : "", ERROR_SHOWN), false,
                   false);
    return false;
}

bool rpc_request(struct rpc *rpc, const char *method, const char *params, unsigned ms,
                 const volatile sig_atomic_t *cancelled, json_t **result, struct text *error)
{
    long deadline = now_ms() + (long)ms;
    size_t total = 0, messages = 0;
    *result = NULL;
    text_format(&rpc->out, "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"method\":\"%s\",\"params\":%s}\n",
                (long long)++rpc->id, method, params);
    sent(rpc);
    json_t *message = NULL;
    const char *why = NULL;
    while (!(message = take_lines(rpc, &messages)) && !rpc->ended && !why) {
        long left = deadline - now_ms();
        why = *cancelled ? "cancelled" : left <= 0 ? "no answer in time" : NULL;
        if (!why)
            wait(rpc, left, &total);
    }
    bool ok = message && read_answer(message, result, error);
    if (!message)
        text_format(error, "%s", rpc->ended ? rpc->ended : why);
    if (!message && !rpc->ended) {
        text_format(&rpc->out,
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                    "\"params\":{\"requestId\":%lld}}\n",
                    (long long)rpc->id);
        sent(rpc);
    }
    json_decref(message);
    return ok;
}
