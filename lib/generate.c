/* Text from a session: sample, accept, evaluate, until something ends it. */
#include "lib/session.h"

#include "lib/sample/sample.h"
#include "lib/sample/stops.h"

#include <string.h>

const char *infer_stop_name(infer_stop stop)
{
    static const char *const names[] = {"end", "limit", "stop", "context", "cancelled"};
    return (unsigned)stop < sizeof names / sizeof *names ? names[stop] : "?";
}

struct generation {
    infer_session *session;
    const infer_generate_options *o;
    infer_sampler *sampler, *own_sampler; /* own: made here, greedy */
    struct inf_stops *stops;
    char *bytes; /* of a token */
    size_t capacity;
    infer_generated *result;
};

/* Shows text to the caller; false where it said stop. */
static bool show(const struct generation *g, struct inf_bytes text)
{
    return !text.len || !g->o->on_text || g->o->on_text(g->o->ud, text.ptr, text.len);
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

/* Evaluates a token that was shown: also when somebody cancels, so that the session holds what the
 * caller has. */
static infer_status eval_made(infer_session *session, infer_token id, bool *cancelled,
                              infer_error *err)
{
    infer_status status = infer_session_eval(session, &id, 1, NULL, err);
    *cancelled = status == INFER_E_CANCELLED;
    return *cancelled ? infer_session_eval(session, &id, 1, NULL, err) : status;
}

/* One token picked and shown; *done where the text ends with it. */
static infer_status step(struct generation *g, bool *done, infer_error *err)
{
    infer_session *session = g->session;
    const float *logits = infer_session_logits(session, session->logit_count - 1);
    infer_token id;
    infer_status status;
    if ((status = infer_sampler_sample(g->sampler, logits, &id, err)) ||
        (status = infer_sampler_accept(g->sampler, id, err)))
        return status;
    if (g->o->on_token)
        g->o->on_token(g->o->ud, id, logits);
    *done = true;
    if (infer_token_ends(session->plan->model, id)) {
        g->result->stop = INFER_STOP_END;
        return INFER_OK;
    }
    g->result->tokens++;
    size_t len;
    struct inf_bytes out;
    bool found, room = session->count < session->plan->info.context;
    if ((status = token_text(g, id, &len, err)) ||
        (status = inf_stops_feed(g->stops, g->bytes, len, &out, &found, err)))
        return status;
    bool go_on = show(g, out), cancelled = false;
    if (room)
        status = eval_made(session, id, &cancelled, err);
    if (!go_on || cancelled)
        g->result->stop = INFER_STOP_CANCELLED;
    else if (found)
        g->result->stop = INFER_STOP_STOP;
    else if (!room)
        g->result->stop = INFER_STOP_CONTEXT;
    else if (g->o->max_tokens && g->result->tokens >= g->o->max_tokens)
        g->result->stop = INFER_STOP_LIMIT;
    else
        *done = false;
    return status;
}

static infer_status generate(struct generation *g, infer_error *err)
{
    infer_session *session = g->session;
    infer_status status;
    if (session->plan->embedding)
        return inf_fail(err, INFER_E_UNSUPPORTED, "this plan makes embeddings, not text");
    if (!g->sampler) {
        infer_sampler_options greedy = {.size = sizeof greedy, .allocator = &session->a};
        status = infer_sampler_new(&greedy, session->plan->hp.vocab, &g->own_sampler, err);
        if (status)
            return status;
        g->sampler = g->own_sampler;
    }
    status = inf_stops_new(&session->a, g->o->stop, g->o->stop_count, &g->stops, err);
    if (!status && (status = need_logits(session, err)) == INFER_E_CANCELLED) {
        g->result->stop = INFER_STOP_CANCELLED;
        return INFER_OK;
    }
    for (bool done = false; !status && !done;)
        status = step(g, &done, err);
    if (!status && g->result->stop != INFER_STOP_STOP)
        show(g, inf_stops_flush(g->stops));
    return status;
}

infer_status infer_generate_more(infer_session *session, const infer_generate_options *options,
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
        .result = result ? result : &unused,
    };
    *g.result = (infer_generated){.stop = INFER_STOP_LIMIT};
    uint32_t vocab = session->plan->hp.vocab;
    if (o.sampler && inf_sampler_vocab_size(o.sampler) != vocab)
        return inf_fail(err, INFER_E_ARGUMENT, "the sampler is for %u tokens, the model has %u",
                        inf_sampler_vocab_size(o.sampler), vocab);
    infer_status status = generate(&g, err);
    inf_release(&session->a, g.bytes);
    inf_stops_free(g.stops);
    infer_sampler_free(g.own_sampler);
    return status;
}

infer_status infer_generate(infer_session *session, infer_sampler *sampler, const char *prompt,
                            size_t max_tokens, infer_on_text on_text, void *ud,
                            infer_generated *result, infer_error *err)
{
    const infer_model *model = session->plan->model;
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
    if (status)
        return status;
    infer_generate_options o = {
        .size = sizeof o,
        .sampler = sampler,
        .max_tokens = max_tokens,
        .on_text = on_text,
        .ud = ud,
    };
    return infer_generate_more(session, &o, result, err);
}
