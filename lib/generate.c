/* Text from a session: sample, accept, evaluate, until something ends it. */
#include "lib/calls.h"
#include "lib/converse.h"

#include "lib/sample/sample.h"
#include "lib/sample/stops.h"

#include <string.h>

const char *infer_stop_name(infer_stop stop)
{
    static const char *const names[] = {"end", "limit", "stop", "context", "cancelled"};
    return (unsigned)stop < sizeof names / sizeof *names ? names[stop] : "?";
}

/* What a token is part of. */
enum part {
    PART_ANSWER,
    PART_HEAD, /* the name of a channel */
    PART_THOUGHT,
    PART_BETWEEN /* behind the thought of a channel: what leads to the next channel */
};

#define CHANNEL_NAME_MAX 32

struct generation {
    infer_session *session;
    const infer_generate_options *o;
    infer_sampler *sampler, *own_sampler; /* own: made here, greedy */
    infer_tools *tools;                   /* NULL: `turns` tells thoughts from the answer */
    infer_on_event on_event;
    void *ud;
    struct inf_stops *stops,
        *thought_stops;    /* the second has no texts: it keeps characters whole */
    struct inf_text held;  /* what the stops hold back */
    infer_thought thought; /* begin -1: none */
    enum part part;
    char channel[CHANNEL_NAME_MAX]; /* what stands in PART_HEAD */
    size_t channel_len, thought_tokens;
    bool answering;           /* some of the answer is made */
    char *bytes;              /* of a token */
    size_t capacity, end_len; /* end_len: of the one that ended the text */
    infer_generated *result;
    bool found;          /* a stop text is complete */
    infer_status status; /* of an event's callback */
    infer_error *err;
};

/* Tells the caller of some bytes; false where it said stop. Of a mark the text is empty. */
static bool tell(const struct generation *g, infer_event_kind kind, struct inf_bytes raw)
{
    infer_event event = {
        .kind = kind,
        .text = raw.ptr,
        .text_len = kind == INFER_EVENT_MARK ? 0 : raw.len,
        .raw = raw.ptr,
        .raw_len = raw.len,
        .name = "",
        .id = "",
    };
    return !raw.len || !g->on_event || g->on_event(g->ud, &event);
}

/* What was held back of answer and thought, as it is. */
static bool flush(struct generation *g)
{
    bool go_on = tell(g, INFER_EVENT_THOUGHT, inf_stops_flush(g->thought_stops));
    go_on &= tell(g, INFER_EVENT_TEXT, inf_stops_flush(g->stops));
    g->held.len = 0;
    return go_on;
}

static bool mark(const struct generation *g, struct inf_bytes raw)
{
    return tell(g, INFER_EVENT_MARK, raw);
}

/* Text of an answer or a thought: what the stops let through of it; of a stop text the bytes are a mark. */
static infer_status feed(struct generation *g, infer_event_kind kind, struct inf_bytes bytes,
                         bool *go_on, infer_error *err)
{
    struct inf_bytes out;
    struct inf_stops *stops = kind == INFER_EVENT_THOUGHT ? g->thought_stops : g->stops;
    infer_status status = inf_stops_feed(stops, bytes.ptr, bytes.len, &out, &g->found, err);
    if (status)
        return status;
    inf_text_append(&g->held, bytes.ptr, bytes.len);
    if (g->held.failed)
        return inf_fail_memory(err, "text that is held back", bytes.len);
    *go_on = tell(g, kind, out);
    size_t len = inf_min_size(out.len, g->held.len);
    memmove(g->held.ptr, g->held.ptr + len, g->held.len - len);
    g->held.len -= len;
    if (g->found)
        *go_on &= mark(g, (struct inf_bytes){g->held.ptr, g->held.len});
    return INFER_OK;
}

/* Whether the token is one of those that thoughts stand between; changes the part. */
static bool turns(struct generation *g, infer_token id)
{
    bool named = g->thought.head >= 0;
    if (g->thought.begin < 0)
        return false;
    if (id == g->thought.begin && g->part != PART_THOUGHT) {
        g->part = named ? PART_HEAD : PART_THOUGHT;
        g->channel_len = 0;
        return true;
    }
    if (id == g->thought.end && g->part == PART_THOUGHT) {
        g->part = named ? PART_BETWEEN : PART_ANSWER;
        return true;
    }
    if (named && id == g->thought.head && g->part == PART_HEAD) {
        struct inf_bytes name = {g->channel, g->channel_len};
        g->part = inf_bytes_equal(name, "final") ? PART_ANSWER : PART_THOUGHT;
        return true;
    }
    return false;
}

/* What the reader of calls tells. Text may hold a stop text; what stands behind one is of no account. */
static bool from_tools(void *ud, const infer_event *event)
{
    struct generation *g = ud;
    struct inf_bytes raw = {event->raw, event->raw_len};
    bool go_on = true;
    if (event->kind == INFER_EVENT_END)
        return true;
    if (g->found)
        return mark(g, raw);
    if (event->kind == INFER_EVENT_TEXT && event->text == event->raw &&
        event->text_len == event->raw_len) {
        infer_status status = feed(g, INFER_EVENT_TEXT, raw, &go_on, g->err);
        g->status = g->status ? g->status : status;
        return go_on && !status;
    }
    go_on = flush(g);
    return (!g->on_event || g->on_event(g->ud, event)) && go_on;
}

static infer_status to_tools(struct generation *g, infer_token id, size_t len, bool *go_on,
                             infer_error *err)
{
    infer_status status = infer_tools_next(g->tools, id, g->bytes, len, from_tools, g, err);
    *go_on = status != INFER_E_CANCELLED;
    return g->status ? g->status : *go_on ? status : INFER_OK;
}

/* The bytes of a token to where they belong; turn: it stands between answer and thought. *go_on: the caller
 * did not say stop. */
static infer_status route(struct generation *g, size_t len, bool turn, bool *go_on,
                          infer_error *err)
{
    struct inf_bytes bytes = {g->bytes, len};
    *go_on = true;
    if (!turn && (g->part == PART_ANSWER || g->part == PART_THOUGHT)) {
        bool thought = g->part == PART_THOUGHT;
        return feed(g, thought ? INFER_EVENT_THOUGHT : INFER_EVENT_TEXT, bytes, go_on, err);
    }
    if (!turn && g->part == PART_HEAD) {
        size_t taken = inf_min_size(len, CHANNEL_NAME_MAX - g->channel_len);
        memcpy(g->channel + g->channel_len, g->bytes, taken);
        g->channel_len += taken;
    }
    *go_on = flush(g);
    *go_on &= mark(g, bytes);
    return INFER_OK;
}

/* The logits to go on from: those of the last token, evaluated again where they are gone. */
static infer_status need_logits(infer_session *session, infer_error *err)
{
    if (session->logit_count)
        return INFER_OK;
    if (!session->count)
        return inf_fail(err, INFER_E_ARGUMENT,
                        "the session is empty: there is nothing to go on from");
    infer_token last = session->tokens[session->count - 1];
    session->count--;
    infer_status status = infer_session_eval(session, &last, 1, NULL, err);
    if (status)
        session->count++;
    return status;
}

static infer_status token_text(struct generation *g, infer_token id, size_t *len, infer_error *err)
{
    const infer_model *model = g->session->plan->model;
    infer_status status = infer_token_bytes(model, id, g->bytes, g->capacity, len, err);
    if (status != INFER_E_RANGE)
        return status;
    void *bytes = g->bytes;
    if (!inf_grow(&g->session->a, &bytes, &g->capacity, *len, 1))
        return inf_fail_memory(err, "the text of a token", *len);
    g->bytes = bytes;
    return infer_token_bytes(model, id, g->bytes, g->capacity, len, err);
}

/* Evaluates a token that was shown: also when somebody cancels, once or again and again, so that the
 * session holds what the caller has. */
static infer_status eval_made(infer_session *session, infer_token id, bool *cancelled,
                              infer_error *err)
{
    infer_status status = infer_session_eval(session, &id, 1, NULL, err);
    *cancelled = status == INFER_E_CANCELLED;
    if (!*cancelled)
        return status;
    session->deaf = true;
    status = infer_session_eval(session, &id, 1, NULL, err);
    session->deaf = false;
    infer_session_clear_cancel(session);
    return status;
}

/* The next token: what the sampler says, or the end of a thought that is long enough. A grammar holds the
 * answer alone; before it a thought may begin. */
static infer_status pick(struct generation *g, const float *logits, infer_token *id,
                         infer_error *err)
{
    infer_token end = g->thought.end;
    bool thinks = g->part == PART_THOUGHT;
    if (g->tools) {
        thinks = inf_tools_thinks(g->tools, &end);
        inf_tools_hold(g->tools, g->sampler);
    } else {
        inf_sampler_rest(g->sampler, g->part != PART_ANSWER,
                         thinks         ? end
                         : g->answering ? -1
                                        : g->thought.begin);
    }
    infer_status status = INFER_OK;
    if (thinks && end >= 0 && g->thought_tokens >= g->thought.max_tokens)
        *id = end;
    else
        status = infer_sampler_sample(g->sampler, logits, id, err);
    g->thought_tokens += thinks && *id != end;
    return status ? status : infer_sampler_accept(g->sampler, *id, err);
}

/* One token picked and shown; *done where the text ends with it. */
static infer_status step(struct generation *g, bool *done, infer_error *err)
{
    infer_session *session = g->session;
    const float *logits = infer_session_logits(session, session->logit_count - 1);
    infer_token id = -1;
    size_t len = 0;
    bool go_on = true, cancelled = false, room = session->count < session->plan->info.context;
    infer_status status = pick(g, logits, &id, err);
    if (status)
        return status;
    if (g->o->on_token)
        g->o->on_token(g->o->ud, id, logits);
    *done = true;
    bool turn = g->tools ? inf_tools_keeps(g->tools, id) : turns(g, id);
    bool ends = !turn && infer_token_ends(session->plan->model, id);
    g->answering |= !turn && g->part == PART_ANSWER;
    if ((status = token_text(g, id, &len, err)))
        return status;
    if (ends) {
        g->end_len = len;
        g->result->stop = INFER_STOP_END;
        return INFER_OK;
    }
    g->result->tokens++;
    status = g->tools ? to_tools(g, id, len, &go_on, err) : route(g, len, turn, &go_on, err);
    if (status)
        return status;
    if (room)
        status = eval_made(session, id, &cancelled, err);
    if (!go_on || cancelled)
        g->result->stop = INFER_STOP_CANCELLED;
    else if (g->found)
        g->result->stop = INFER_STOP_STOP;
    else if (g->tools && inf_tools_over(g->tools))
        g->result->stop = INFER_STOP_END;
    else if (!room)
        g->result->stop = INFER_STOP_CONTEXT;
    else if (g->o->max_tokens && g->result->tokens >= g->o->max_tokens)
        g->result->stop = INFER_STOP_LIMIT;
    else
        *done = false;
    return status;
}

/* What was held back, the token that ended the text, and the end. */
static infer_status finish(struct generation *g, infer_error *err)
{
    infer_event event = {.kind = INFER_EVENT_END,
                         .text = "",
                         .raw = "",
                         .name = "",
                         .id = "",
                         .stop = g->result->stop};
    infer_status status = INFER_OK;
    if (g->tools)
        status = infer_tools_end(g->tools, g->result->stop, from_tools, g, err);
    if (g->status)
        status = g->status;
    if (status)
        return status;
    flush(g);
    mark(g, (struct inf_bytes){g->bytes, g->end_len});
    if (g->on_event)
        g->on_event(g->ud, &event);
    return INFER_OK;
}

static infer_status generate(struct generation *g, infer_error *err)
{
    infer_session *session = g->session;
    infer_status status;
    if (!g->sampler) {
        infer_sampler_options greedy = {.size = sizeof greedy, .allocator = &session->a};
        status = infer_sampler_new(&greedy, session->plan->hp.vocab, &g->own_sampler, err);
        if (status)
            return status;
        g->sampler = g->own_sampler;
    }
    status = inf_stops_new(&session->a, g->o->stop, g->o->stop_count, &g->stops, err);
    if (!status)
        status = inf_stops_new(&session->a, NULL, 0, &g->thought_stops, err);
    if (!status && g->tools &&
        !(status = infer_tools_begin(g->tools, session->tokens, session->count, err)))
        status = inf_tools_attach(g->tools, g->sampler, err);
    bool done = false;
    if (!status && (status = need_logits(session, err)) == INFER_E_CANCELLED) {
        g->result->stop = INFER_STOP_CANCELLED;
        status = INFER_OK;
        done = true;
    }
    while (!status && !done)
        status = step(g, &done, err);
    return status ? status : finish(g, err);
}

infer_status inf_generate_check(const infer_session *session, const infer_sampler *sampler,
                                infer_error *err)
{
    uint32_t vocab = session->plan->hp.vocab;
    if (session->plan->embedding)
        return inf_fail(err, INFER_E_UNSUPPORTED, "this plan makes embeddings, not text");
    if (sampler && inf_sampler_vocab_size(sampler) != vocab)
        return inf_fail(err, INFER_E_ARGUMENT, "the sampler is for %u tokens, the model has %u",
                        inf_sampler_vocab_size(sampler), vocab);
    return sampler ? inf_sampler_fits(sampler, session->plan->model, err) : INFER_OK;
}

infer_status inf_generate_events(infer_session *session, const infer_generate_options *options,
                                 infer_tools *tools, infer_on_event on_event, void *ud,
                                 infer_generated *result, infer_error *err)
{
    infer_generate_options o = {0};
    infer_generated unused;
    if (options) {
        if (options->size < sizeof(size_t))
            return inf_fail(err, INFER_E_ARGUMENT, "infer_generate_options.size is %zu",
                            options->size);
        memcpy(&o, options, inf_min_size(options->size, sizeof o));
    }
    struct generation g = {
        .session = session,
        .o = &o,
        .sampler = o.sampler,
        .tools = tools,
        .on_event = on_event,
        .ud = ud,
        .err = err,
        .held = {.a = &session->a},
        .result = result ? result : &unused,
        .thought = {.begin = -1, .end = -1, .head = -1},
    };
    if (o.thought)
        g.thought = *o.thought;
    if (g.thought.begin >= 0 && g.thought.open)
        g.part = PART_THOUGHT;
    *g.result = (infer_generated){.stop = INFER_STOP_LIMIT};
    infer_status status = inf_generate_check(session, o.sampler, err);
    if (!status)
        status = generate(&g, err);
    if (o.sampler && tools)
        inf_tools_detach(tools, o.sampler);
    else if (o.sampler)
        inf_sampler_rest(o.sampler, false, -1);
    if (o.sampler && tools)
        inf_tools_detach(tools, o.sampler);
    inf_release(&session->a, g.bytes);
    inf_stops_free(g.stops);
    inf_stops_free(g.thought_stops);
    infer_sampler_free(g.own_sampler);
    inf_text_free(&g.held);
    return status;
}

/* Events as the two kinds of text alone. */
static bool to_texts(void *ud, const infer_event *event)
{
    const infer_generate_options *o = ud;
    infer_on_text to = event->kind == INFER_EVENT_TEXT      ? o->on_text
                       : event->kind == INFER_EVENT_THOUGHT ? o->on_thought
                                                            : NULL;
    return !to || !event->text_len || to(o->ud, event->text, event->text_len);
}

infer_status infer_generate_more(infer_session *session, const infer_generate_options *options,
                                 infer_generated *result, infer_error *err)
{
    infer_generate_options o = {.size = sizeof o};
    if (options && options->size >= sizeof(size_t)) /* else it is refused below */
        memcpy(&o, options, inf_min_size(options->size, sizeof o));
    return inf_generate_events(session, options ? options : &o, NULL, to_texts, &o, result, err);
}

infer_status infer_generate(infer_session *session, infer_sampler *sampler, const char *prompt,
                            size_t max_tokens, infer_on_text on_text, void *ud,
                            infer_generated *result, infer_error *err)
{
    const infer_model *model = session->plan->model;
    if (result)
        *result = (infer_generated){.stop = INFER_STOP_LIMIT};
    if (!prompt)
        return inf_fail(err, INFER_E_ARGUMENT, "prompt: NULL");
    size_t len = strlen(prompt), count;
    infer_status status =
        infer_tokenize(model, prompt, len, INFER_TOKENIZE_ADD_BOS, NULL, 0, &count, err);
    if (status && status != INFER_E_RANGE)
        return status;
    infer_token *ids = inf_alloc_zero(&session->a, count, sizeof *ids);
    if (!ids)
        return inf_fail_memory(err, "the prompt's tokens", count * sizeof *ids);
    status = infer_tokenize(model, prompt, len, INFER_TOKENIZE_ADD_BOS, ids, count, &count, err);
    if (!status)
        status = infer_session_sync(session, ids, count, NULL, err);
    inf_release(&session->a, ids);
    if (status == INFER_E_CANCELLED && result)
        result->stop = INFER_STOP_CANCELLED;
    if (status)
        return status == INFER_E_CANCELLED ? INFER_OK : status;
    infer_generate_options o = {
        .size = sizeof o,
        .sampler = sampler,
        .max_tokens = max_tokens,
        .on_text = on_text,
        .ud = ud,
    };
    return infer_generate_more(session, &o, result, err);
}
