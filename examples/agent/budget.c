/*
 * The budget of the context. A result takes at most a quarter of what is left, so that four of the longest
 * and what stands between them fit; when the next turn does not fit, the oldest results become a line each.
 * The first messages never change, and what the session holds of them stays evaluated.
 */
#include "loop.h"

#include <string.h>

#define MESSAGE_TOKENS 8  /* what a template puts around a message, about */
#define RESULT_TOKENS 128 /* a result may have these however little is left */
#define RESULT_BYTES 32   /* of a token, at most: more is cut before it is counted */
#define SHORT_BYTES 160   /* a result that is not worth shrinking */

static size_t left_of(const struct agent *agent)
{
    return agent->used < agent->model.context ? agent->model.context - agent->used : 0;
}

/* What an answer is to have at least. */
static size_t reserve_of(const struct agent *agent)
{
    size_t eighth = agent->model.context / 8;
    return eighth < 1024 ? eighth : 1024;
}

static size_t tokens_of(struct agent *agent, const char *text, size_t len)
{
    return agent->model.tokens_of(&agent->model, text, len);
}

static bool inside_letter(const struct text *t, size_t at)
{
    return at < t->len && ((unsigned char)t->data[at] & 0xc0) == 0x80;
}

/* Head and tail of `content` in about `keep` bytes: two thirds head, whole letters, whole lines where a
 * line ends near. Returns the bytes left out. */
static size_t head_and_tail(const struct text *content, size_t keep, struct text *out)
{
    size_t head = keep / 3 * 2, tail = content->len - keep / 3;
    while (head > 0 && inside_letter(content, head))
        head--;
    while (tail < content->len && inside_letter(content, tail))
        tail++;
    const char *line = memrchr(content->data, '\n', head);
    if (line && head - (size_t)(line - content->data) < keep / 8)
        head = (size_t)(line - content->data) + 1;
    line = memchr(content->data + tail, '\n', content->len - tail);
    if (line && (size_t)(line - content->data) - tail < keep / 8)
        tail = (size_t)(line - content->data) + 1;
    text_add(out, content->data, head);
    text_format(out, "%s[... %zu bytes left out ...]\n",
                head && content->data[head - 1] != '\n' ? "\n" : "", tail - head);
    text_add(out, content->data + tail, content->len - tail);
    return tail - head;
}

size_t budget_cut(struct agent *agent, struct text *content)
{
    size_t most = left_of(agent) / 4;
    most = most < RESULT_TOKENS ? RESULT_TOKENS : most;
    size_t keep = content->len < most * RESULT_BYTES ? content->len : most * RESULT_BYTES;
    size_t left_out = 0;
    struct text cut = {0};
    for (;;) {
        cut.len = 0;
        left_out = keep < content->len ? head_and_tail(content, keep, &cut) : 0;
        const struct text *now = left_out ? &cut : content;
        size_t tokens = now->len ? tokens_of(agent, now->data, now->len) : 0;
        if (tokens <= most || keep < 16)
            break;
        keep = (size_t)((double)keep * (double)most / (double)tokens * 0.95);
    }
    if (left_out && !cut.failed) {
        text_free(content);
        *content = cut;
    } else {
        content->failed = content->failed || cut.failed;
        text_free(&cut);
    }
    return left_out;
}

void budget_add(struct agent *agent, const char *text, size_t len)
{
    agent->used += MESSAGE_TOKENS + tokens_of(agent, text, len);
}

/* Makes one line of the result in message `at`, where it is one that is worth it. */
static bool shrink(struct agent *agent, size_t at)
{
    json_t *message = json_array_get(agent->messages, at);
    const char *role = json_string_value(json_object_get(message, "role"));
    const char *name = json_string_value(json_object_get(message, "name"));
    json_t *content = json_object_get(message, "content");
    size_t len = json_string_length(content);
    if (!role || strcmp(role, "tool") != 0 || len <= SHORT_BYTES)
        return false;
    struct text line = {0};
    text_format(&line, "[the result of %s, %zu bytes, was dropped to make room]",
                name ? name : "a tool", len);
    size_t before = tokens_of(agent, json_string_value(content), len);
    size_t after = line.failed ? before : tokens_of(agent, line.data, line.len);
    bool done = after < before &&
                json_object_set_new(message, "content", json_stringn(line.data, line.len)) == 0;
    text_free(&line);
    if (done)
        agent->used -= before - after < agent->used ? before - after : agent->used;
    return done;
}

/* The messages from here on are of the turn before the next one: its results stay. */
static size_t last_turn(const struct agent *agent)
{
    size_t at = json_array_size(agent->messages);
    while (at > 0) {
        json_t *message = json_array_get(agent->messages, --at);
        const char *role = json_string_value(json_object_get(message, "role"));
        if (!role || strcmp(role, "tool") != 0)
            break;
    }
    return at;
}

bool budget_fit(struct agent *agent, bool full)
{
    size_t need = reserve_of(agent), count = 0, end = last_turn(agent);
    if (!full && left_of(agent) >= need)
        return true;
    /* Down to three quarters at once: each time the prompt changes in its middle, what follows is
     * evaluated again. */
    size_t want = agent->model.context / 4 > need ? agent->model.context / 4 : need;
    for (; agent->shrunk < end &&
           (full ? count == 0 || left_of(agent) < want : left_of(agent) < want);
         agent->shrunk++)
        count += shrink(agent, agent->shrunk);
    if (count)
        show_say(agent, "the context is full: %zu old result%s shrank to a line each", count,
                 count == 1 ? "" : "s");
    return count && (full || left_of(agent) >= need);
}
