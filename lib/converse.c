/*
 * Conversations: messages in, events out. A turn renders all messages, keeps what the session holds of
 * them (kept.c), evaluates the rest, generates, and remembers the answer as a message.
 */
#include "lib/calls.h"
#include "lib/converse.h"

#include "lib/sample/sample.h"
#include "lib/tools/tools.h"

#include <string.h>
#include <time.h>

struct chat {
    infer_session *session;
    infer_chat_options o;
    infer_chat_result *result;
    infer_template *t;
    struct inf_arena arena;
    struct inf_json given, messages; /* as they came; as the template wants them */
    struct inf_json variables;       /* of the template, without messages */
    size_t input_bytes;
    struct inf_spanned *spanned;
    struct inf_kept kept;
    size_t message_end; /* bytes of the prompt up to where the last message ends; 0: not known */
    infer_thought thought;
    bool failed; /* no memory for what the turn is to remember */
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- The prompt ---------------------------------------------------------------------------------- */

static void add(struct inf_json *object, struct inf_json_member *members, const char *name,
                struct inf_json value)
{
    if (!inf_json_get(object, name))
        members[object->count++] = (struct inf_json_member){{name, strlen(name)}, value};
}

/* The tools, under the names that templates know. */
static infer_status add_tools(struct chat *c, struct inf_json_member *members, infer_error *err)
{
    struct inf_bytes text = inf_tools_variable(c->o.tools);
    struct inf_json tools, date;
    c->input_bytes += text.len;
    infer_status status = inf_json_read(&c->arena, text.ptr, text.len, &tools, err);
    if (status || !tools.count)
        return status;
    add(&c->variables, members, "tools", tools);
    add(&c->variables, members, "functions", /* FireFunction */
        (struct inf_json){.kind = INF_JSON_STRING, .as.text = text});
    if (!c->o.local_time)
        return INFER_OK;
    status = inf_print_by(&c->arena, "{{ strftime_now('%d %B %Y') }}", &tools, c->o.local_time,
                          &date, err);
    if (!status)
        add(&c->variables, members, "datetime", date);
    return status;
}

static infer_status read_variables(struct chat *c, infer_error *err)
{
    const char *text = c->o.variables ? c->o.variables : "{}";
    size_t len = strlen(text);
    infer_status status = inf_json_read(&c->arena, text, len, &c->variables, err);
    if (status)
        return inf_error_place(err, "variables"), status;
    if (c->variables.kind != INF_JSON_OBJECT)
        return inf_fail(err, INFER_E_ARGUMENT, "variables: not a JSON object");
    struct inf_json_member *members =
        inf_arena_take(&c->arena, c->variables.count + 8, sizeof *members);
    if (!members)
        return inf_fail_memory(err, "variables", c->variables.count * sizeof *members);
    if (c->variables.count)
        memcpy(members, c->variables.as.members, c->variables.count * sizeof *members);
    c->variables.as.members = members;
    c->input_bytes += len;
    if (c->o.no_thought) { /* the names that templates know */
        add(&c->variables, members, "enable_thinking", (struct inf_json){.kind = INF_JSON_FALSE});
        add(&c->variables, members, "thinking", (struct inf_json){.kind = INF_JSON_FALSE});
        add(&c->variables, members, "thinking_budget", (struct inf_json){.kind = INF_JSON_INTEGER});
    }
    return c->o.tools ? add_tools(c, members, err) : INFER_OK;
}

static infer_status read_messages(struct chat *c, const char *messages, size_t len,
                                  infer_error *err)
{
    if (!messages)
        return inf_fail(err, INFER_E_ARGUMENT, "messages: NULL");
    infer_status status = inf_json_read(&c->arena, messages, len, &c->given, err);
    if (status)
        return inf_error_place(err, "messages"), status;
    status = inf_messages_check(c->t, &c->given, err);
    if (status)
        return status;
    c->input_bytes += len;
    return inf_messages_prepare(c->t, &c->arena, &c->variables, &c->given, &c->messages, err);
}

static infer_status find_message_end(struct chat *c, infer_error *err);

/* Renders, and tells of the tools what the template does not: as the system or, where the template has
 * none, as the user. */
static infer_status render_all(struct chat *c, infer_error *err)
{
    const char *text = c->o.tools ? infer_tools_prompt(c->o.tools) : NULL;
    struct inf_json plain = c->messages;
    infer_status status = INFER_OK;
    for (int by_user = 0; by_user < 2; by_user++) {
        c->messages = plain;
        if (text)
            status = inf_messages_tell(&c->arena, text, by_user, &c->messages, err);
        if (!status)
            status = find_message_end(c, err);
        if (status == INFER_E_TEMPLATE)
            inf_messages_blame(&c->given, err);
        if (!status)
            status = inf_messages_shown(c->t, &c->given, text, err);
        if (!text || status != INFER_E_TEMPLATE || c->messages.count == plain.count)
            break;
        status = INFER_OK;
    }
    return status;
}

/* Renders the messages, with the beginning of an answer behind them or without. */
static infer_status render(struct chat *c, bool answer, infer_error *err)
{
    struct inf_json all = {.kind = INF_JSON_OBJECT};
    struct inf_json_member *members =
        inf_arena_take(&c->arena, c->variables.count + 2, sizeof *members);
    if (!members)
        return inf_fail_memory(err, "variables", c->variables.count * sizeof *members);
    all.as.members = members;
    add(&all, members, "messages", c->messages);
    add(&all, members, "add_generation_prompt",
        (struct inf_json){.kind = answer ? INF_JSON_TRUE : INF_JSON_FALSE});
    for (size_t i = 0; i < c->variables.count; i++)
        if (!inf_bytes_equal(c->variables.as.members[i].name, "messages") &&
            !inf_bytes_equal(c->variables.as.members[i].name, "add_generation_prompt"))
            members[all.count++] = c->variables.as.members[i];
    infer_status status =
        inf_template_write(c->t, &c->arena, &all, c->input_bytes, c->o.local_time, err);
    return status ? status : inf_template_spanned(c->t, &c->spanned, err);
}

/* Where the prompt goes on from the messages alone. Only a recurrent state asks for it. */
static infer_status find_message_end(struct chat *c, infer_error *err)
{
    struct inf_spanned *without;
    inf_spanned_free(c->spanned); /* of a first way to tell of the tools */
    c->spanned = NULL;
    c->message_end = 0;
    if (!c->session->plan->state_floats)
        return render(c, true, err);
    infer_status status = render(c, false, NULL);
    if (status && status != INFER_E_MEMORY)
        return render(c, true, err); /* a template that must be asked for an answer */
    without = c->spanned;
    c->spanned = NULL;
    if (status)
        inf_fail_memory(err, "the prompt", 0);
    else
        status = render(c, true, err);
    if (!status) {
        struct inf_bytes a = inf_spanned_text(without), b = inf_spanned_text(c->spanned);
        while (c->message_end < a.len && c->message_end < b.len &&
               a.ptr[c->message_end] == b.ptr[c->message_end])
            c->message_end++;
    }
    inf_spanned_free(without);
    return status;
}

static infer_status make_prompt(struct chat *c, const char *messages, size_t len, infer_error *err)
{
    infer_session *session = c->session;
    infer_status status = read_variables(c, err);
    if (!status)
        status = read_messages(c, messages, len, err);
    if (!status)
        status = render_all(c, err);
    if (!status)
        status = inf_kept_find(session, c->spanned, &c->kept, err);
    if (!status)
        status = infer_template_thought(c->t, c->kept.ids, c->kept.count, &c->thought, err);
    if (status)
        return status;
    c->result->prompt_tokens = c->kept.count;
    if (!c->kept.count)
        return inf_fail(err, INFER_E_ARGUMENT, "the prompt is empty");
    if (c->kept.count > session->plan->info.context)
        return inf_fail(err, INFER_E_CONTEXT, "%zu tokens do not fit into the context of %u",
                        c->kept.count, session->plan->info.context);
    inf_kept_why(session, inf_spanned_text(c->spanned), &c->kept, &c->given, c->thought.begin,
                 c->result->why, sizeof c->result->why);
    size_t end = 0;
    if (c->message_end)
        status = inf_kept_until(session, c->spanned, &c->kept, c->message_end, &end, err);
    c->message_end = end; /* in tokens from here on */
    return status;
}

/* ---- Evaluating it ------------------------------------------------------------------------------- */

#define STEP_NS 2000000000u /* between two calls of progress */
#define FIRST_STEP 64       /* tokens that tell how fast it goes */

/* How many of the `left` tokens come in the next eval. Where nobody waits for progress, all. */
static size_t next_step(const struct chat *c, size_t left, size_t done, uint64_t spent_ns)
{
    size_t most = c->session->plan->info.batch, step = FIRST_STEP;
    if (!c->o.progress)
        return left;
    if (done && spent_ns)
        step = (size_t)((double)done / (double)spent_ns * STEP_NS / FIRST_STEP + 1) * FIRST_STEP;
    return inf_min_size(inf_min_size(step, most), left);
}

static infer_status evaluate(struct chat *c, infer_error *err)
{
    infer_session *session = c->session;
    size_t count = c->kept.count, start = inf_min_size(c->kept.kept, count - 1);
    size_t mark = c->message_end ? c->message_end + 1 : 0; /* a copy stands before a last token */
    uint64_t begin = now_ns();
    infer_status status = infer_session_rewind(session, start, err);
    c->result->kept_tokens = start;
    if (c->message_end)
        session->message_end = (uint32_t)c->message_end;
    for (size_t at = start, step; !status && at < count; at += step) {
        step = next_step(c, count - at, at - start, now_ns() - begin);
        if (at < mark && at + step > mark)
            step = mark - at;
        status = infer_session_eval(session, c->kept.ids + at, step, NULL, err);
        if (!status && c->o.progress && at + step < count &&
            !c->o.progress(c->o.ud, (double)(at + step - start) / (double)(count - start)))
            status = INFER_E_CANCELLED;
    }
    c->result->prefill_ns = now_ns() - begin;
    return status;
}

/* The sampler has seen this prompt, and nothing else. */
static infer_status tell_sampler(struct chat *c, infer_error *err)
{
    infer_status status = INFER_OK;
    if (!c->o.sampler)
        return INFER_OK;
    inf_sampler_forget(c->o.sampler);
    inf_sampler_rest(c->o.sampler, true, -1);
    for (size_t i = 0; i < c->kept.count && !status; i++)
        status = infer_sampler_accept(c->o.sampler, c->kept.ids[i], err);
    inf_sampler_rest(c->o.sampler, false, -1);
    return status;
}

/* ---- The answer ---------------------------------------------------------------------------------- */

void inf_turn_free(struct inf_turn *turn)
{
    inf_text_free(&turn->answer);
    inf_text_free(&turn->thought);
    inf_text_free(&turn->calls);
    inf_text_free(&turn->message);
}

static void forget_turn(infer_session *session)
{
    inf_turn_free(&session->turn);
    session->turn = (struct inf_turn){.answer = {.a = &session->a},
                                      .thought = {.a = &session->a},
                                      .calls = {.a = &session->a},
                                      .message = {.a = &session->a}};
}

/* A JSON string; what is no UTF-8 becomes U+FFFD. */
static void put_text(struct inf_text *out, const char *text, size_t len)
{
    inf_text_append(out, "\"", 1);
    for (size_t good; len; text += good + 1, len -= good + 1) {
        good = inf_utf8_check(text, len);
        inf_json_write_text(out, text, good);
        if (good == len)
            break;
        inf_text_append(out, "\xef\xbf\xbd", 3);
    }
    inf_text_append(out, "\"", 1);
}

static void add_call(struct inf_text *calls, const infer_event *event)
{
    inf_text_printf(calls, "%s{\"id\": ", calls->len ? ", " : "");
    put_text(calls, event->id, strlen(event->id));
    inf_text_printf(calls, ", \"type\": \"function\", \"function\": {\"name\": ");
    put_text(calls, event->name, strlen(event->name));
    inf_text_printf(calls, ", \"arguments\": ");
    inf_text_append(calls, event->text, event->text_len);
    inf_text_append(calls, "}}", 2);
}

/* Remembers what comes, and hands it on. Line ends between a thought and the answer are a mark. */
static bool on_event(void *ud, const infer_event *event)
{
    struct chat *c = ud;
    struct inf_turn *turn = &c->session->turn;
    infer_event e = *event;
    if (e.kind == INFER_EVENT_TEXT && turn->thought.len && !turn->answer.len) {
        for (; e.text_len && *e.text == '\n'; e.text++)
            e.text_len--;
        if (!e.text_len)
            e.kind = INFER_EVENT_MARK;
    }
    if (e.kind == INFER_EVENT_TEXT)
        inf_text_append(&turn->answer, e.text, e.text_len);
    else if (e.kind == INFER_EVENT_THOUGHT)
        inf_text_append(&turn->thought, e.text, e.text_len);
    else if (e.kind == INFER_EVENT_CALL_DONE)
        add_call(&turn->calls, &e);
    c->result->calls += e.kind == INFER_EVENT_CALL_DONE;
    c->failed |= turn->answer.failed || turn->thought.failed || turn->calls.failed;
    bool go_on = !c->o.on_event || c->o.on_event(c->o.ud, &e);
    return go_on && !c->failed;
}

/* A turn that made nothing. */
static void end(struct chat *c, infer_stop stop)
{
    infer_event event = {
        .kind = INFER_EVENT_END, .text = "", .raw = "", .name = "", .id = "", .stop = stop};
    c->result->stop = stop;
    if (c->o.on_event)
        c->o.on_event(c->o.ud, &event);
}

/* The turn as a message. Of a thought the line ends about it are left out: templates write their own. */
static void write_message(struct inf_turn *turn)
{
    struct inf_text *out = &turn->message;
    struct inf_bytes thought = {turn->thought.ptr, turn->thought.len};
    for (; thought.len && *thought.ptr == '\n'; thought.ptr++)
        thought.len--;
    while (thought.len && thought.ptr[thought.len - 1] == '\n')
        thought.len--;
    inf_text_printf(out, "{\"role\": \"assistant\", \"content\": ");
    put_text(out, turn->answer.ptr, turn->answer.len);
    if (thought.len) {
        inf_text_printf(out, ", \"reasoning_content\": ");
        put_text(out, thought.ptr, thought.len);
    }
    if (turn->calls.len) {
        inf_text_printf(out, ", \"tool_calls\": [");
        inf_text_append(out, turn->calls.ptr, turn->calls.len);
        inf_text_append(out, "]", 1);
    }
    inf_text_append(out, "}", 1);
}

/* Generates; whatever comes of it, what was made is known as made. */
static infer_status generate(struct chat *c, infer_error *err)
{
    infer_session *session = c->session;
    infer_generate_options o = {
        .size = sizeof o,
        .sampler = c->o.sampler,
        .max_tokens = c->o.max_tokens,
        .stop = c->o.stop,
        .stop_count = c->o.stop_count,
        .on_token = c->o.on_token,
        .ud = c->o.ud,
        .thought = &c->thought,
    };
    infer_generated made;
    uint32_t start = session->count;
    uint64_t begin = now_ns();
    if (c->o.no_thought || c->o.max_thought_tokens)
        c->thought.max_tokens = c->o.no_thought ? 0 : c->o.max_thought_tokens;
    infer_status status = inf_generate_events(session, &o, c->o.tools, on_event, c, &made, err);
    c->result->decode_ns = now_ns() - begin;
    c->result->stop = made.stop;
    c->result->tokens = made.tokens;
    if (session->count > start)
        session->made[session->made_count++] =
            (struct inf_made){start, session->count, inf_spanned_text(c->spanned).len};
    if (status)
        return status;
    write_message(&session->turn);
    if (c->failed || session->turn.message.failed)
        return inf_fail_memory(err, "the turn's message", session->turn.message.len);
    session->turn.done = true;
    return INFER_OK;
}

static infer_status run(struct chat *c, const char *messages, size_t len, infer_error *err)
{
    infer_session *session = c->session;
    infer_status status = make_prompt(c, messages, len, err);
    void *made = session->made;
    if (status)
        return status;
    if (!inf_grow(&session->a, &made, &session->made_capacity, session->made_count + 1,
                  sizeof *session->made))
        return inf_fail_memory(err, "the turns", (session->made_count + 1) * sizeof *session->made);
    session->made = made;
    forget_turn(session);
    status = evaluate(c, err);
    if (status == INFER_E_CANCELLED || (!status && c->o.prompt_only)) {
        end(c, status ? INFER_STOP_CANCELLED : INFER_STOP_LIMIT);
        return INFER_OK;
    }
    if (!status)
        status = tell_sampler(c, err);
    return status ? status : generate(c, err);
}

/* ---- The calls ----------------------------------------------------------------------------------- */

static infer_status template_of(struct chat *c, infer_error *err)
{
    infer_session *session = c->session;
    infer_status status = INFER_OK;
    if (!c->o.chat_template && !session->own_template)
        status = infer_template_new(session->plan->model, NULL, 0, &session->own_template, err);
    c->t = c->o.chat_template ? c->o.chat_template : session->own_template;
    if (!status && c->t->model != session->plan->model)
        status = inf_fail(err, INFER_E_ARGUMENT,
                          "chat_template: it was not made with the session's model");
    if (!status && c->o.tools && inf_tools_model(c->o.tools) != session->plan->model)
        status =
            inf_fail(err, INFER_E_ARGUMENT, "tools: they were not made with the session's model");
    return status ? status : inf_tools_fit(c->o.tools, c->o.sampler, err);
}

infer_status infer_chat(infer_session *session, const char *messages, size_t len,
                        const infer_chat_options *options, infer_chat_result *result,
                        infer_error *err)
{
    infer_chat_result unused;
    struct chat c = {.session = session, .result = result ? result : &unused};
    *c.result = (infer_chat_result){.stop = INFER_STOP_LIMIT};
    if (options) {
        if (options->size < sizeof(size_t))
            return inf_fail(err, INFER_E_ARGUMENT, "infer_chat_options.size is %zu", options->size);
        memcpy(&c.o, options, inf_min_size(options->size, sizeof c.o));
    }
    infer_status status = inf_generate_check(session, c.o.sampler, err);
    if (!status)
        status = template_of(&c, err);
    if (status)
        return status;
    inf_arena_init(&c.arena, &session->a);
    status = run(&c, messages, len, err);
    inf_kept_free(session, &c.kept);
    inf_spanned_free(c.spanned);
    inf_arena_free(&c.arena);
    return status;
}

infer_status infer_chat_message(const infer_session *session, char *text, size_t capacity,
                                size_t *len, infer_error *err)
{
    const struct inf_turn *turn = &session->turn;
    *len = 0;
    if (!turn->done)
        return inf_fail(err, INFER_E_ARGUMENT, "the session has had no turn of infer_chat");
    *len = turn->message.len;
    if (*len > capacity)
        return inf_fail(err, INFER_E_RANGE, "%zu bytes do not fit into %zu", *len, capacity);
    memcpy(text, turn->message.ptr, *len);
    return INFER_OK;
}
