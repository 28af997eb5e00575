/*
 * Conversations by the public interface: what is kept from turn to turn is counted to the token, and
 * whatever happens between turns the logits are those of a session that has seen the same ids.
 */
#include "tests/tiny/talker.h"

#include "tests/api/objects.h"

#define CONTEXT 512
#define ALL 16384

static const char keeps[] =
    "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}"
    "{%- if m.reasoning_content %}{{ '<think>' + m.reasoning_content + '</think>' }}{%- endif %}"
    "{{ m.content + '<|im_end|>' + '\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}";

/* Leaves thoughts out of what was said, and opens one. */
static const char strips[] =
    "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' "
    "}}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}";

static struct objects o;
static infer_sampler *plain_text; /* greedy, printable ASCII alone */

/* ---- Conversations ----------------------------------------------------------------------------- */

struct talk {
    char messages[ALL]; /* an array without its end */
    char raw[ALL], text[ALL], thought[ALL];
    size_t raw_len, text_len, thought_len, events, ends;
    infer_token ids[CONTEXT + 1];
    size_t id_count;
    size_t stop_after; /* events; 0: none */
    infer_chat_result result;
};

static void say(struct talk *t, const char *role, const char *content)
{
    size_t len = strlen(t->messages);
    snprintf(t->messages + len, ALL - len, "%s{\"role\": \"%s\", \"content\": \"%s\"}",
             len ? ", " : "[", role, content);
}

static bool on_event(void *ud, const infer_event *e)
{
    struct talk *t = ud;
    CHECK(!t->ends);
    memcpy(t->raw + t->raw_len, e->raw, e->raw_len);
    t->raw_len += e->raw_len;
    if (e->kind == INFER_EVENT_TEXT) {
        memcpy(t->text + t->text_len, e->text, e->text_len);
        t->text_len += e->text_len;
    } else if (e->kind == INFER_EVENT_THOUGHT) {
        memcpy(t->thought + t->thought_len, e->text, e->text_len);
        t->thought_len += e->text_len;
    } else if (e->kind == INFER_EVENT_END) {
        t->ends++;
    } else {
        CHECK(e->kind == INFER_EVENT_MARK && !e->text_len);
    }
    return ++t->events != t->stop_after;
}

static void on_token(void *ud, infer_token id, const float *logits)
{
    struct talk *t = ud;
    CHECK(logits != NULL);
    t->ids[t->id_count++] = id;
}

static infer_status turn(infer_session *session, struct talk *t, infer_chat_options options)
{
    char messages[ALL + 1];
    snprintf(messages, sizeof messages, "%s]", *t->messages ? t->messages : "[");
    options.size = sizeof options;
    if (!options.sampler)
        options.sampler = plain_text;
    options.on_event = on_event;
    options.on_token = on_token;
    options.ud = t;
    t->raw_len = t->text_len = t->thought_len = t->events = t->ends = t->id_count = 0;
    return infer_chat(session, messages, strlen(messages), &options, &t->result, &err);
}

/* The answer as the next message; the bytes of the tokens made came as events, none left out. */
static void keep_answer(infer_session *session, struct talk *t)
{
    char bytes[ALL];
    size_t len, used = strlen(t->messages);
    CHECK(t->ends == 1);
    CHECK(!infer_detokenize(o.model, t->ids, t->id_count, bytes, ALL, &len, &err));
    CHECK(len == t->raw_len && !memcmp(bytes, t->raw, len));
    CHECK(infer_chat_message(session, NULL, 0, &len, &err) == INFER_E_RANGE && len > 30);
    used += (size_t)snprintf(t->messages + used, ALL - used, ", ");
    CHECK(!infer_chat_message(session, t->messages + used, ALL - used, &len, &err));
    t->messages[used + len] = 0;
}

static infer_session_stats stats_of(const infer_session *session)
{
    infer_session_stats stats;
    infer_session_get_stats(session, &stats);
    return stats;
}

/* The logits of the session's last token are those of a session that evaluates its ids. */
static bool as_fresh(infer_session *session)
{
    size_t count;
    infer_token ids[CONTEXT], next = 70;
    memcpy(ids, infer_session_tokens(session, &count), tokens_of(session) * sizeof *ids);
    infer_session_rewind(o.other, 0, NULL);
    return !infer_session_eval(o.other, ids, count, NULL, &err) &&
           !infer_session_eval(o.other, &next, 1, NULL, &err) &&
           !infer_session_eval(session, &next, 1, NULL, &err) &&
           !memcmp(infer_session_logits(session, 0), infer_session_logits(o.other, 0), ROW_BYTES) &&
           !infer_session_rewind(session, count, &err);
}

static void open_talker(const char *kind, bool spm, const char *text, infer_plan_options options)
{
    static infer_logit_bias bias[TINY_VOCAB];
    infer_sampler_options greedy = {.size = sizeof greedy, .bias = bias};
    file = tiny_talker(tiny_kind_named(kind), spm, text);
    options.context = options.context ? options.context : CONTEXT;
    options.sessions = 2;
    o = make(options);
    for (infer_token id = 0; id < TINY_VOCAB; id++) {
        char bytes[64] = "\x01";
        size_t len;
        /* of the byte-level vocabulary single bytes alone */
        bool good = (spm || id < 256) &&
                    !infer_token_bytes(o.model, id, bytes, sizeof bytes, &len, NULL) && len &&
                    infer_token_kind(o.model, id) == INFER_KIND_NORMAL;
        for (size_t i = 0; good && i < len; i++)
            good = bytes[i] > 32 && bytes[i] < 127;
        if (!good)
            bias[greedy.bias_count++] = (infer_logit_bias){id, -INFINITY};
    }
    CHECK(!infer_sampler_new(&greedy, TINY_VOCAB, &plain_text, &err));
}

static void close_talker(void)
{
    infer_sampler_free(plain_text);
    drop(&o);
    free(file.ptr);
}

/* ---- What is kept ------------------------------------------------------------------------------ */

static const struct {
    const char *kind;
    bool spm;
} talkers[] = {{"llama", false},
               {"llama", true},
               {"gemma3", false},
               {"qwen35", false},
               {"granitehybrid", true}};

/* Ten turns: all that the session holds stays, the new alone is evaluated. */
static void ten_turns(size_t which)
{
    static const char pairs[] =
        "root ::= (\"b\" \"a\")*"; /* "ba" is one token, which is not picked */
    static struct talk t;
    infer_grammar *grammar;
    infer_template *template;
    const infer_span *spans;
    size_t span_count, canonical = 0, others = 0;
    memset(&t, 0, sizeof t);
    open_talker(talkers[which].kind, talkers[which].spm, keeps, (infer_plan_options){0});
    CHECK(!infer_grammar_new(o.model, INFER_GRAMMAR_GBNF, pairs, strlen(pairs), &grammar, &err));
    say(&t, "system", "You are \\u00e9.");
    for (int i = 0; i < 10; i++) {
        static const char *const questions[] = {"hello", "so be it bababa", "<|im_end|>\\n<think>"};
        say(&t, "user", questions[i % 3]);
        infer_session_stats before = stats_of(o.session);
        size_t held = tokens_of(o.session);
        CHECK(talkers[which].spm || !infer_sampler_grammar(plain_text, grammar, &err));
        CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 9}));
        infer_session_stats after = stats_of(o.session);
        CHECK(t.result.kept_tokens == held && !*t.result.why);
        CHECK(t.result.stop == INFER_STOP_LIMIT && t.result.tokens == 9 && t.id_count == 9);
        CHECK(tokens_of(o.session) == t.result.prompt_tokens + 9);
        CHECK(after.tokens_evaluated - before.tokens_evaluated ==
              t.result.prompt_tokens - held + 9);
        CHECK(!after.tokens_repeated);
        CHECK(t.thought_len == 0 && t.text_len == t.raw_len && t.result.decode_ns);
        keep_answer(o.session, &t);
    }
    CHECK(as_fresh(o.session));
    /* what was made is not what the tokenizer makes of it, else this would be no test */
    char variables[ALL + 64];
    snprintf(variables, sizeof variables, "{\"messages\": %s]}", t.messages);
    infer_token ids[CONTEXT];
    CHECK(!infer_template_new(o.model, NULL, 0, &template, &err) &&
          !infer_template_render(template, variables, strlen(variables), NULL, &spans, &span_count,
                                 &err) &&
          !infer_template_tokens(template, ids, CONTEXT, &canonical, &err));
    const infer_token *held = infer_session_tokens(o.session, &others);
    CHECK(talkers[which].spm || canonical < others || memcmp(ids, held, others * sizeof *ids) != 0);
    infer_template_free(template);
    infer_grammar_free(grammar);
    close_talker();
}

/* Thoughts that the template drops: a turn goes back to the end of the message before, where a copy of
 * the state is, however long the thought was. */
static void dropped_thoughts(size_t which)
{
    static struct talk t;
    static const size_t lengths[] = {3, 200, 3, 3};
    size_t kept = 0;
    memset(&t, 0, sizeof t);
    open_talker(talkers[which].kind, talkers[which].spm, strips,
                (infer_plan_options){.checkpoints = 2});
    for (int i = 0; i < 4; i++) {
        say(&t, "user", "hello you");
        infer_session_stats before = stats_of(o.session);
        CHECK(!turn(
            o.session, &t,
            (infer_chat_options){.max_tokens = lengths[i] + 5, .max_thought_tokens = lengths[i]}));
        infer_session_stats after = stats_of(o.session);
        CHECK(t.thought_len && t.text_len && t.ids[lengths[i]] == TALKER_THINK_END);
        CHECK(t.result.kept_tokens == kept);
        CHECK(after.tokens_evaluated - before.tokens_evaluated ==
              t.result.prompt_tokens - kept + lengths[i] + 5);
        /* of a recurrence: the start of the answer, "<|im_start|>assistant\n" */
        size_t again = after.tokens_repeated - before.tokens_repeated;
        CHECK(i && strncmp(talkers[which].kind, "llama", 5) && strcmp(talkers[which].kind, "gemma3")
                  ? again > 1 && again <= 11
                  : !again);
        if (i)
            CHECK(strstr(t.result.why, "the template leaves its thought out: \"<think>") &&
                  strstr(t.result.why, i == 1   ? "messages[1]"
                                       : i == 2 ? "messages[3]"
                                                : "messages[5]"));
        CHECK(strstr(t.messages, "reasoning_content") != NULL || i == 0);
        keep_answer(o.session, &t);
        kept = t.result.prompt_tokens - (talkers[which].spm ? 3 : 2); /* "<think>", "\n" */
        CHECK(as_fresh(o.session));
    }
    close_talker();
}

/* Whether two token sequences say the same up to `count` tokens and not one more. */
static bool differ_at(const infer_token *a, const infer_token *b, size_t count)
{
    return !memcmp(a, b, count * sizeof *a) && a[count] != b[count];
}

/* A message in the middle is changed: all before it stays. */
static void edited(const char *kind)
{
    static struct talk t;
    char copy[ALL];
    infer_token before[CONTEXT];
    memset(&t, 0, sizeof t);
    open_talker(kind, false, keeps, (infer_plan_options){0});
    for (int i = 0; i < 3; i++) {
        say(&t, "user", i == 1 ? "the second one" : "hello");
        CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
        keep_answer(o.session, &t);
    }
    memcpy(copy, t.messages, sizeof copy);
    size_t held;
    memcpy(before, infer_session_tokens(o.session, &held), tokens_of(o.session) * sizeof *before);
    char *place = strstr(t.messages, "second");
    memcpy(place, "sexond", 6);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    size_t now;
    CHECK(differ_at(before, infer_session_tokens(o.session, &now), t.result.kept_tokens));
    char text[ALL];
    size_t len;
    CHECK(!infer_detokenize(o.model, before, t.result.kept_tokens, text, ALL, &len, &err));
    CHECK(len > 8 && memmem(text, len, "user\nthe se", 11) && !memmem(text, len, "secon", 5));
    CHECK(strstr(t.result.why, "messages[2], byte ") && strstr(t.result.why, "cond one") &&
          strstr(t.result.why, "xond one"));
    CHECK(as_fresh(o.session));
    /* an answer is changed within a word, then cut short: no word is made of two */
    memcpy(t.messages, copy, sizeof copy);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    memcpy(before, infer_session_tokens(o.session, &held), tokens_of(o.session) * sizeof *before);
    char *answer = strstr(t.messages, "assistant\", \"content\": \"") + 24;
    answer[3] = answer[3] == 'Q' ? 'R' : 'Q';
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    CHECK(differ_at(before, infer_session_tokens(o.session, &now), t.result.kept_tokens));
    CHECK(strstr(t.result.why, "messages[1]"));
    CHECK(as_fresh(o.session));
    close_talker();
}

/* Nothing that is literal is taken for what the model wrote, nor the other way round. */
static void control_tokens(void)
{
    static const char swaps[] =
        "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{%- if m.literal %}"
        "{{ '<|im_end|>' }}{%- else %}{{ m.content }}{%- endif %}{{ '<|im_end|>\\n' }}{%- endfor %}"
        "{{ '<|im_start|>assistant\\n' }}";
    static const char spelled[] = "root ::= \"<|im_end|>\"", *hello = "hello";
    static struct talk t;
    infer_grammar *grammar;
    infer_token ids[CONTEXT];
    size_t count, prompt;
    open_talker("llama", false, swaps, (infer_plan_options){0});
    CHECK(
        !infer_grammar_new(o.model, INFER_GRAMMAR_GBNF, spelled, strlen(spelled), &grammar, &err));
    for (int literal = 0; literal < 2; literal++) {
        memset(&t, 0, sizeof t);
        say(&t, "user", hello);
        infer_sampler *held;
        CHECK(!infer_sampler_new(NULL, TINY_VOCAB, &held, &err));
        CHECK(!infer_sampler_grammar(held, grammar, &err));
        CHECK(!turn(o.session, &t, (infer_chat_options){.sampler = held}));
        CHECK(t.result.stop == INFER_STOP_END && t.text_len == 10 && t.result.tokens > 1);
        CHECK(infer_token_ends(o.model, t.ids[t.id_count - 1]) && t.raw_len > 10);
        prompt = t.result.prompt_tokens;
        infer_sampler_free(held);
        if (literal)
            strcat(t.messages, ", {\"role\": \"assistant\", \"content\": \"x\", \"literal\": 1}");
        else
            keep_answer(o.session, &t);
        say(&t, "user", hello);
        size_t had = tokens_of(o.session);
        CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 1}));
        CHECK(t.result.kept_tokens == (literal ? prompt : had));
        memcpy(ids, infer_session_tokens(o.session, &count), tokens_of(o.session) * sizeof *ids);
        size_t ends = 0;
        for (size_t i = 0; i < count; i++)
            ends += ids[i] == TALKER_END;
        CHECK(ends == (literal ? 4 : 3));
    }
    /* a control token that was made, and is content now */
    infer_logit_bias bias = {TALKER_THINK, 1e6f};
    infer_sampler_options only = {.size = sizeof only, .bias = &bias, .bias_count = 1};
    infer_sampler *think;
    CHECK(!infer_sampler_new(&only, TINY_VOCAB, &think, &err));
    memset(&t, 0, sizeof t);
    say(&t, "user", hello);
    CHECK(!turn(o.session, &t, (infer_chat_options){.sampler = think, .max_tokens = 2}));
    CHECK(t.ids[0] == TALKER_THINK && t.ids[1] == TALKER_THINK);
    prompt = t.result.prompt_tokens;
    say(&t, "assistant", "<think><think>");
    say(&t, "user", hello);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 1}));
    CHECK(t.result.kept_tokens == prompt);
    infer_sampler_free(think);
    infer_grammar_free(grammar);
    close_talker();
}

/* ---- Between turns ------------------------------------------------------------------------------ */

static void saved(const char *kind)
{
    static struct talk t, other;
    char path[] = "/tmp/check_chat.XXXXXX";
    int fd = mkstemp(path);
    memset(&t, 0, sizeof t);
    open_talker(kind, false, keeps, (infer_plan_options){0});
    for (int i = 0; i < 3; i++) {
        say(&t, "user", "hello");
        CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
        keep_answer(o.session, &t);
    }
    CHECK(fd >= 0 && !infer_session_save(o.session, path, &err) &&
          !infer_session_restore(o.other, path, &err));
    size_t len;
    CHECK(infer_chat_message(o.other, NULL, 0, &len, &err) == INFER_E_ARGUMENT);
    say(&t, "user", "and now");
    other = t;
    size_t held = tokens_of(o.session);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    CHECK(!turn(o.other, &other, (infer_chat_options){.max_tokens = 7}));
    CHECK(other.result.kept_tokens == held && t.result.kept_tokens == held && !*other.result.why);
    CHECK(!memcmp(t.ids, other.ids, 7 * sizeof *t.ids));
    remove(path);
    close_talker();
}

static bool no_progress(void *ud, double fraction)
{
    (void)ud;
    CHECK(fraction > 0 && fraction < 1);
    return false;
}

static void cancelled(const char *kind)
{
    static struct talk t;
    char text[600];
    size_t len;
    infer_token want[7];
    memset(&t, 0, sizeof t);
    memset(text, 'b', sizeof text);
    for (size_t i = 0; i < 300; i++)
        text[i] = "a b"[i % 3];
    text[300] = 0;
    open_talker(kind, false, keeps, (infer_plan_options){.batch = 16});
    say(&t, "user", "hello");
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    keep_answer(o.session, &t);
    say(&t, "user", text);
    CHECK(!turn(o.other, &t, (infer_chat_options){.max_tokens = 7}));
    memcpy(want, t.ids, sizeof want);
    /* while the prompt is read */
    size_t held = tokens_of(o.session);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7, .progress = no_progress}));
    CHECK(t.result.stop == INFER_STOP_CANCELLED && !t.result.tokens && !t.result.decode_ns);
    CHECK(t.ends == 1 && t.events == 1 && t.result.kept_tokens == held);
    CHECK(tokens_of(o.session) > held && tokens_of(o.session) < t.result.prompt_tokens);
    CHECK(infer_chat_message(o.session, NULL, 0, &len, &err) == INFER_E_ARGUMENT);
    infer_session_cancel(o.session);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    CHECK(t.result.stop == INFER_STOP_CANCELLED && t.events == 1);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    CHECK(t.result.tokens == 7);
    /* while the answer is made */
    t.stop_after = 3;
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    CHECK(t.result.stop == INFER_STOP_CANCELLED && t.result.tokens == 3 && t.ends == 1);
    t.stop_after = 0;
    keep_answer(o.session, &t);
    say(&t, "user", "and");
    held = tokens_of(o.session);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 7}));
    CHECK(t.result.kept_tokens == held && as_fresh(o.session));
    close_talker();
}

/* Stop texts are no part of the answer, and the next turn drops their tokens. */
static void stop_texts(void)
{
    static struct talk t;
    memset(&t, 0, sizeof t);
    open_talker("llama", false, keeps, (infer_plan_options){0});
    say(&t, "user", "hello");
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 20}));
    char stop[3] = {t.text[5], t.text[6], 0};
    const char *stops[] = {stop}, *found = memmem(t.text, t.text_len, stop, 2);
    size_t len = (size_t)(found - t.text);
    CHECK(!turn(o.session, &t,
                (infer_chat_options){.max_tokens = 20, .stop = stops, .stop_count = 1}));
    CHECK(t.result.stop == INFER_STOP_STOP && t.text_len == len);
    keep_answer(o.session, &t); /* all bytes came, those of the stop text as a mark */
    say(&t, "user", "go on");
    size_t held = tokens_of(o.session);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 1}));
    CHECK(t.result.kept_tokens < held && t.result.kept_tokens + 8 > held);
    CHECK(strstr(t.result.why, "messages[1]") && as_fresh(o.session));
    close_talker();
}

/* ---- What does not go --------------------------------------------------------------------------- */

static bool refused(infer_status got, infer_status want, const char *part)
{
    return got == want && err.status == want && strstr(err.text, part);
}

static void refuses(void)
{
    static const char raises[] =
        "{% for m in messages %}{% if m.content == 'no' %}{{ raise_exception('never') }}{% endif "
        "%}{{ m.content }}{% endfor %}";
    static struct talk t;
    infer_template *template, *bare;
    infer_sampler *small;
    size_t len;
    memset(&t, 0, sizeof t);
    open_talker("llama", false, keeps, (infer_plan_options){.context = 64});
    CHECK(refused(infer_chat_message(o.session, NULL, 0, &len, &err), INFER_E_ARGUMENT, "no turn"));
    say(&t, "user", "hello");
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 4}));
    const size_t held = tokens_of(o.session);
    static const struct {
        const char *messages, *variables;
        infer_status status;
        const char *part;
    } rows[] = {
        {NULL, NULL, INFER_E_ARGUMENT, "messages: NULL"},
        {"[", NULL, INFER_E_FORMAT, "messages: JSON, line 1"},
        {"{}", NULL, INFER_E_FORMAT, "messages: an object, not an array"},
        {"[]", NULL, INFER_E_FORMAT, "messages: there is none"},
        {"[]", "[]", INFER_E_ARGUMENT, "variables: not a JSON object"},
        {"[]", "{", INFER_E_FORMAT, "variables: JSON"},
        {"[3]", NULL, INFER_E_FORMAT, "messages[0]: a number, not an object"},
        {"[{\"content\": \"a\"}]", NULL, INFER_E_FORMAT, "messages[0].role: missing"},
        {"[{\"role\": 1, \"content\": \"a\"}]", NULL, INFER_E_FORMAT,
         "messages[0].role: a number, not a text"},
        {"[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"usr\", \"content\": \"a\"}]",
         NULL, INFER_E_FORMAT,
         "messages[1].role: \"usr\" is none of system, developer, user, assistant"},
        {"[{\"role\": \"user\"}]", NULL, INFER_E_FORMAT, "messages[0].content: missing"},
        {"[{\"role\": \"user\", \"content\": null}]", NULL, INFER_E_FORMAT,
         "messages[0].content: null"},
        {"[{\"role\": \"user\", \"content\": 3}]", NULL, INFER_E_FORMAT,
         "messages[0].content: a number, not a text"},
        {"[{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"}]}]", NULL,
         INFER_E_TEMPLATE, "(messages[0].content is an array, which not every template takes)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        infer_chat_options options = {.size = sizeof options, .variables = rows[i].variables};
        len = rows[i].messages ? strlen(rows[i].messages) : 0;
        CHECK(refused(infer_chat(o.session, rows[i].messages, len, &options, NULL, &err),
                      rows[i].status, rows[i].part));
        CHECK(tokens_of(o.session) == held && infer_session_logits(o.session, 0));
    }
    infer_chat_options wrong = {.size = 1};
    CHECK(refused(infer_chat(o.session, "[]", 2, &wrong, NULL, &err), INFER_E_ARGUMENT, "size"));
    CHECK(!infer_sampler_new(NULL, 7, &small, &err));
    CHECK(refused(turn(o.session, &t, (infer_chat_options){.sampler = small}), INFER_E_ARGUMENT,
                  "the sampler is for 7"));
    infer_sampler_free(small);
    CHECK(!infer_template_new(NULL, raises, strlen(raises), &bare, &err));
    CHECK(refused(turn(o.session, &t, (infer_chat_options){.chat_template = bare}),
                  INFER_E_ARGUMENT, "chat_template"));
    infer_template_free(bare);
    CHECK(!infer_template_new(o.model, raises, strlen(raises), &template, &err));
    say(&t, "user", "no");
    CHECK(refused(turn(o.session, &t, (infer_chat_options){.chat_template = template}),
                  INFER_E_TEMPLATE, "never"));
    CHECK(!infer_chat_message(o.session, t.text, ALL, &len, &err));
    infer_template_free(template);
    /* more than the context holds: at once, and in the answer */
    say(&t, "user", "a long text that is a long text and that does not end where it ends bibobibo");
    CHECK(refused(turn(o.session, &t, (infer_chat_options){0}), INFER_E_CONTEXT, "context of 64"));
    CHECK(!t.events && tokens_of(o.session) == held && infer_session_logits(o.session, 0));
    memset(&t, 0, sizeof t);
    say(&t, "user", "hello");
    CHECK(!turn(o.session, &t, (infer_chat_options){0}));
    CHECK(t.result.stop == INFER_STOP_CONTEXT && t.ends && tokens_of(o.session) == 64);
    close_talker();
}

/* What a template would leave out in silence, and what it may. */
static void left_out(void)
{
    static const char skips[] =
        "{% for m in messages %}{% if m.role == 'narrator' or m.role == 'user' %}"
        "{{ m.content | replace('/no_think', '') | trim }}{% endif %}{% endfor %}|";
    static const struct {
        const char *role, *content, *part; /* NULL: goes */
    } rows[] = {
        {"narrator", "Once.", NULL},
        {"developer", "Be short.", "messages[1]: the template leaves out what the developer says"},
        {"system", "Be short.", "messages[1]: the template leaves out what the system says"},
        {"system", " \\n", NULL},
        {"user", "/no_think", NULL},
        {"user", "/no_think Go on.", NULL},
        {"user", "  two words ", NULL},
        {"assistant", "forgotten", NULL},
    };
    infer_template *template;
    open_talker("llama", false, keeps, (infer_plan_options){0});
    CHECK(!infer_template_new(o.model, skips, strlen(skips), &template, &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct talk t;
        memset(&t, 0, sizeof t);
        say(&t, "user", "hello");
        say(&t, rows[i].role, rows[i].content);
        infer_status status = turn(
            o.session, &t, (infer_chat_options){.chat_template = template, .prompt_only = true});
        CHECK(rows[i].part ? refused(status, INFER_E_TEMPLATE, rows[i].part) : !status);
    }
    infer_template_free(template);
    close_talker();
}

/* ---- Prompts ------------------------------------------------------------------------------------ */

static bool prompt_has(const char *text, bool has)
{
    char all[ALL];
    size_t count, len;
    const infer_token *ids = infer_session_tokens(o.session, &count);
    CHECK(!infer_detokenize(o.model, ids, count, all, ALL, &len, &err));
    return (memmem(all, len, text, strlen(text)) != NULL) == has;
}

/* Each template gets calls and thoughts in the form that it knows. */
static void forms(void)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"{%- if m.tool_calls %}{{ m.content + (m.tool_calls[0].function.arguments | tojson) }}",
         "{\"a\": [1, \"b\"]}"},
        {"{%- if m.content is none %}{{ 'C' + m.tool_calls[0].function.arguments }}",
         "C{\"a\": [1, \"b\"]}"},
        {"{%- if m.tool_calls %}{{ m.content + m.tool_calls[0].function.arguments }}",
         "{\"a\": [1, \"b\"]}"},
        {"{%- if m.content is none %}{{ 'D' + (m.tool_calls[0].function.arguments | tojson) }}",
         "D{\"a\": [1, \"b\"]}"},
        {"{%- if m.thinking %}{{ 'T' + m.thinking + m.reasoning }}", "Thmhm"},
    };
    static const char *const arguments[] = {"{\"a\": [1,\"b\"]}",
                                            "\"{\\\"a\\\": [1, \\\"b\\\"]}\""};
    static struct talk t;
    open_talker("llama", false, keeps, (infer_plan_options){0});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < 2; j++) {
            char text[512];
            infer_template *template;
            snprintf(text, sizeof text,
                     "{%%- for m in messages %%}%s{%%- else %%}{{ m.content }}{%%- endif %%}"
                     "{%%- endfor %%}",
                     rows[i].text);
            CHECK(!infer_template_new(o.model, text, strlen(text), &template, &err));
            memset(&t, 0, sizeof t);
            say(&t, "user", "hello");
            sprintf(t.messages + strlen(t.messages),
                    ", {\"role\": \"assistant\", \"content\": \"\", \"reasoning_content\": \"hm\", "
                    "\"tool_calls\": [{\"id\": \"1\", \"type\": \"function\", \"function\": "
                    "{\"name\": \"f\", \"arguments\": %s}}]}",
                    arguments[j]);
            CHECK(!turn(o.session, &t,
                        (infer_chat_options){.max_tokens = 1, .chat_template = template}));
            CHECK(prompt_has(rows[i].part, true));
            infer_template_free(template);
        }
    close_talker();
}

static void variables(void)
{
    static const char text[] = "{%- for m in messages %}{{ m.content }}{%- endfor %}"
                               "{%- if enable_thinking is defined and not enable_thinking %}"
                               "{{ 'NOTHINK' }}{%- endif %}{{ colour }}<think>";
    static struct talk t;
    memset(&t, 0, sizeof t);
    open_talker("llama", false, text, (infer_plan_options){0});
    say(&t, "user", "hello");
    CHECK(!turn(o.session, &t,
                (infer_chat_options){.max_tokens = 3, .variables = "{\"colour\": \"red\"}"}));
    CHECK(prompt_has("NOTHINK", false) && prompt_has("hellored<think>", true));
    CHECK(t.thought_len && !t.text_len);
    CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 3, .no_thought = true}));
    CHECK(prompt_has("NOTHINK", true) && !t.thought_len && t.ids[0] == TALKER_THINK_END);
    CHECK(!turn(o.session, &t,
                (infer_chat_options){.prompt_only = true,
                                     .no_thought = true,
                                     .variables = "{\"enable_thinking\": true, \"messages\": 1}"}));
    CHECK(prompt_has("NOTHINK", false) && t.result.stop == INFER_STOP_LIMIT && t.events == 1);
    CHECK(tokens_of(o.session) == t.result.prompt_tokens);
    close_talker();
}

/* ---- Tools -------------------------------------------------------------------------------------- */

static const char hermes[] =
    "{%- if tools %}{{ '<|im_start|>system\\n' + (tools | tojson) + '<|im_end|>\\n' }}{%- endif %}"
    "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content }}"
    "{%- for c in m.tool_calls %}{{ '\\n<tool_call>\\n{\"name\": \"' + c.function.name + '\", "
    "\"arguments\": ' + (c.function.arguments | tojson) + '}\\n</tool_call>' }}{%- endfor %}"
    "{{ '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}";
static const char tool_list[] = "[{\"name\": \"look\", \"description\": \"looks\", \"parameters\": "
                                "{\"type\": \"object\", \"properties\": {\"at\": {\"type\": "
                                "\"string\", \"maxLength\": 3}}, \"required\": [\"at\"], "
                                "\"additionalProperties\": false}}, {\"name\": \"stop\"}]";

struct calls {
    char order[64], arguments[256];
    size_t count;
};

static bool on_call(void *ud, const infer_event *e)
{
    static const char letters[] = "tHBADXME"; /* a letter for each kind; of pieces one */
    struct calls *calls = ud;
    size_t len = strlen(calls->order);
    if (!len || calls->order[len - 1] != letters[e->kind])
        calls->order[len] = letters[e->kind];
    if (e->kind == INFER_EVENT_CALL_DONE) {
        CHECK(!strcmp(e->name, "look") && *e->id && e->call == calls->count);
        snprintf(calls->arguments, sizeof calls->arguments, "%.*s", (int)e->text_len, e->text);
        calls->count++;
    }
    return true;
}

/* Calls as the model writes them come as events and as a message, which keeps what was made. */
static void calls_are_kept(void)
{
    static const char script[] = "root ::= \"Hm.\\n<tool_call>\\n{\\\"name\\\": \\\"look\\\", "
                                 "\\\"arguments\\\": {\\\"at\\\": "
                                 "\\\"a b\\\"}}\\n</tool_call>\"";
    char messages[ALL] = "[{\"role\": \"user\", \"content\": \"hello\"}", message[1024];
    infer_template *template;
    infer_grammar *grammar;
    infer_sampler *sampler;
    infer_tools *tools;
    infer_chat_result result;
    size_t len;
    open_talker("llama", false, hermes, (infer_plan_options){.context = 1024});
    CHECK(!infer_template_new(o.model, NULL, 0, &template, &err));
    CHECK(!infer_tools_new(template, tool_list, strlen(tool_list), NULL, &tools, &err));
    CHECK(!infer_grammar_new(o.model, INFER_GRAMMAR_GBNF, script, strlen(script), &grammar, &err));
    CHECK(!infer_sampler_new(NULL, TINY_VOCAB, &sampler, &err));
    for (int i = 0; i < 3; i++) {
        struct calls calls = {0};
        infer_chat_options options = {.size = sizeof options,
                                      .sampler = sampler,
                                      .tools = tools,
                                      .on_event = on_call,
                                      .ud = &calls};
        size_t held = tokens_of(o.session), used = strlen(messages);
        strcat(messages, "]");
        CHECK(!infer_sampler_grammar(sampler, grammar, &err));
        CHECK(!infer_chat(o.session, messages, strlen(messages), &options, &result, &err));
        messages[used] = 0;
        CHECK(!strcmp(calls.order, "tBADME") && calls.count == 1 && result.calls == 1);
        CHECK(!strcmp(calls.arguments, "{\"at\": \"a b\"}"));
        CHECK(result.kept_tokens == held && !*result.why && prompt_has("looks", true));
        CHECK(!infer_chat_message(o.session, message, 1023, &len, &err));
        message[len] = 0;
        CHECK(strstr(message, "\"content\": \"Hm.\"") &&
              strstr(message, "\"name\": \"look\", \"arguments\": {\"at\": \"a b\"}}}]}"));
        snprintf(messages + used, ALL - used,
                 ", %s, {\"role\": \"tool\", \"content\": \"<tool_call>no</tool_call>\"}", message);
    }
    /* tools that hold calls and a grammar of the sampler: refused, and nothing is changed */
    infer_tools_options strict = {.size = sizeof strict, .strict = true};
    infer_tools_free(tools);
    CHECK(!infer_tools_new(template, tool_list, strlen(tool_list), &strict, &tools, &err));
    CHECK(!infer_sampler_grammar(sampler, grammar, &err));
    infer_chat_options both = {.size = sizeof both, .sampler = sampler, .tools = tools};
    size_t had = tokens_of(o.session);
    const char *hello = "[{\"role\": \"user\", \"content\": \"hello\"}]";
    CHECK(infer_chat(o.session, hello, strlen(hello), &both, NULL, &err) == INFER_E_ARGUMENT);
    CHECK(strstr(err.text, "grammar") && tokens_of(o.session) == had);
    CHECK(!infer_chat_message(o.session, message, 1023, &len, &err));
    infer_sampler_free(sampler);
    infer_grammar_free(grammar);
    infer_tools_free(tools);
    infer_template_free(template);
    close_talker();
}

/* A call that must come is made as the template writes it: the next turn keeps every token, and evaluates
 * the new ones alone. Random weights choose what the grammar leaves open. */
static void required_is_kept(void)
{
    static const char text[] =
        "{%- if tools %}{{ tools | tojson }}{%- endif %}"
        "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content }}"
        "{%- for c in m.tool_calls %}{{ '\\n' if m.content or not loop.first }}"
        "{{ '<tool_call>\\n{\"name\": \"' + c.function.name + '\", \"arguments\": ' + "
        "(c.function.arguments | tojson) + '}\\n</tool_call>' }}{%- endfor %}"
        "{{ '<|im_end|>\\n' }}{%- endfor %}"
        "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}";
    static infer_logit_bias bias[TINY_VOCAB];
    char messages[ALL] = "[{\"role\": \"user\", \"content\": \"hello\"}", message[1024];
    infer_sampler_options sampling = {.size = sizeof sampling, .temperature = 1, .bias = bias};
    infer_template *template;
    infer_chat_result result;
    size_t len;
    open_talker("llama", false, text, (infer_plan_options){.context = 2048});
    for (infer_token id = 0; id < TINY_VOCAB; id++) /* letters; no blanks but those that must be */
        bias[id] = (infer_logit_bias){id, (id > 32 && id < 127 && id != '\\') ? 0
                                          : id == '\n' || id == ' '           ? -30
                                          : id == TALKER_END                  ? 30
                                                                              : -INFINITY};
    sampling.bias_count = TINY_VOCAB;
    CHECK(!infer_template_new(o.model, NULL, 0, &template, &err));
    for (int i = 0; i < 6; i++) {
        infer_tools_options choice = {
            .size = sizeof choice, .choice = INFER_TOOLS_REQUIRED, .one_call = i % 2};
        infer_tools *tools;
        infer_sampler *sampler;
        sampling.seed = (uint64_t)i;
        CHECK(!infer_tools_new(template, tool_list, strlen(tool_list), &choice, &tools, &err));
        CHECK(!infer_sampler_new(&sampling, TINY_VOCAB, &sampler, &err));
        infer_chat_options options = {
            .size = sizeof options, .sampler = sampler, .tools = tools, .max_tokens = 200};
        size_t held = tokens_of(o.session), used = strlen(messages);
        infer_session_stats before = stats_of(o.session);
        strcat(messages, "]");
        CHECK(!infer_chat(o.session, messages, strlen(messages), &options, &result, &err));
        messages[used] = 0;
        CHECK(result.stop == INFER_STOP_END && result.calls == 1);
        CHECK(result.kept_tokens == held && !*result.why);
        infer_session_stats after = stats_of(o.session);
        CHECK(after.tokens_evaluated - before.tokens_evaluated ==
              tokens_of(o.session) - result.kept_tokens);
        CHECK(prompt_has("<tool_call>\n{\"name\": \"", true));
        CHECK(!infer_chat_message(o.session, message, 1023, &len, &err));
        message[len] = 0;
        snprintf(messages + used, ALL - used, ", %s, {\"role\": \"tool\", \"content\": \"so\"}",
                 message);
        infer_sampler_free(sampler);
        infer_tools_free(tools);
    }
    infer_template_free(template);
    close_talker();
}

/* The reader alone, for text that comes without a session. */
static void reader_alone(void)
{
    static const char text[] =
        "<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"a\"}}</tool_call>";
    struct calls calls = {0};
    infer_template *template;
    infer_tools *tools;
    open_talker("llama", false, hermes, (infer_plan_options){0});
    CHECK(!infer_template_new(o.model, NULL, 0, &template, &err));
    CHECK(!infer_tools_new(template, tool_list, strlen(tool_list), NULL, &tools, &err));
    infer_template_free(template);
    CHECK(!strcmp(infer_tools_family(tools), "hermes") && !infer_tools_prompt(tools));
    CHECK(!infer_tools_begin(tools, NULL, 0, &err));
    for (size_t i = 0; i < sizeof text - 1; i++)
        CHECK(!infer_tools_next(tools, -1, text + i, 1, on_call, &calls, &err));
    CHECK(!infer_tools_end(tools, INFER_STOP_END, on_call, &calls, &err));
    CHECK(calls.count == 1 && !strcmp(calls.arguments, "{\"at\": \"a\"}") &&
          calls.order[strlen(calls.order) - 1] == 'E');
    infer_tools_free(tools);
    close_talker();
}

/* A template that knows no tools: they are told of by the system, calls and results are content. */
static void told_by_the_system(void)
{
    static const char *const texts[] = {
        keeps, /* knows no calls */
        "{%- for m in messages %}{%- if m.role == 'system' %}{{ raise_exception('none') }}"
        "{%- elif m.role in ['user', 'assistant'] %}{{ m.role + m.content }}{%- endif %}"
        "{%- endfor %}",
        "{%- for m in messages %}{%- if m.role in ['user', 'assistant'] %}{{ m.role + m.content }}"
        "{%- endif %}{%- endfor %}"}; /* tells nothing of the system */
    static const char talk[] =
        "[{\"role\": \"user\", \"content\": \"hello\"}, {\"role\": \"assistant\", \"content\": "
        "\"Hm.\", \"tool_calls\": [{\"id\": \"1\", \"function\": {\"name\": \"look\", "
        "\"arguments\": "
        "{\"at\": \"a\"}}}, {\"id\": \"2\", \"function\": {\"name\": \"stop\", \"arguments\": "
        "\"{}\"}}]}, {\"role\": \"tool\", \"tool_call_id\": \"1\", \"content\": \"r1\"}, "
        "{\"role\": \"tool\", \"tool_call_id\": \"2\", \"content\": \"r2\"}]";
    open_talker("llama", false, keeps, (infer_plan_options){.context = 2048});
    for (size_t i = 0; i < 3; i++) {
        infer_template *template;
        infer_tools *tools;
        CHECK(!infer_template_new(o.model, texts[i], strlen(texts[i]), &template, &err));
        CHECK(!infer_tools_new(template, tool_list, strlen(tool_list), NULL, &tools, &err));
        infer_chat_options options = {
            .size = sizeof options, .chat_template = template, .tools = tools, .prompt_only = true};
        CHECK(!infer_chat(o.session, talk, strlen(talk), &options, NULL, &err));
        CHECK(prompt_has("<tools>", true) && prompt_has("\"description\": \"looks\"", true));
        CHECK(prompt_has("Hm.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"a\"}}\n"
                         "</tool_call>\n<tool_call>\n{\"name\": \"stop\"",
                         true));
        CHECK(prompt_has("r1", true) && prompt_has("r2", true));
        CHECK(prompt_has("<tool_response>\nr1\n</tool_response>\n<tool_response>\nr2", i != 0));
        infer_tools_free(tools);
        infer_template_free(template);
    }
    close_talker();
}

/* A template that writes one call of a message, or none where there is content. */
static void split_messages(void)
{
    static const char text[] =
        "{%- for m in messages %}{{ m.role }}{%- if m.tool_calls and m.content is none %}"
        "{{ m.tool_calls[0].function.arguments }}{%- else %}{{ m.content }}{%- endif %}{%- endfor "
        "%}";
    static const char talk[] =
        "[{\"role\": \"user\", \"content\": \"hello\"}, {\"role\": \"assistant\", \"content\": "
        "\"Hm.\", \"tool_calls\": [{\"id\": \"1\", \"function\": {\"name\": \"look\", "
        "\"arguments\": "
        "\"A\"}}, {\"id\": \"2\", \"function\": {\"name\": \"stop\", \"arguments\": \"B\"}}]}, "
        "{\"role\": \"tool\", \"tool_call_id\": \"2\", \"content\": \"r2\"}, {\"role\": \"tool\", "
        "\"tool_call_id\": \"1\", \"content\": \"r1\"}, {\"role\": \"user\", \"content\": \"so\"}]";
    infer_chat_options options = {.size = sizeof options, .prompt_only = true};
    open_talker("llama", false, text, (infer_plan_options){0});
    CHECK(!infer_chat(o.session, talk, strlen(talk), &options, NULL, &err));
    CHECK(prompt_has("userhelloassistantHm.assistantAtoolr1assistantBtoolr2userso", true));
    close_talker();
}

/* The sampler sees this conversation, whatever it saw before. */
static void penalties(void)
{
    static struct talk t;
    infer_sampler *used, *fresh;
    infer_sampler_options options;
    infer_sampler_defaults(&options, 3);
    options.temperature = 0;
    options.repetition_penalty = 1.5f;
    options.dry_multiplier = 0.8f;
    memset(&t, 0, sizeof t);
    open_talker("llama", false, keeps, (infer_plan_options){0});
    CHECK(!infer_sampler_new(&options, TINY_VOCAB, &used, &err) &&
          !infer_sampler_new(&options, TINY_VOCAB, &fresh, &err));
    for (int i = 0; i < 3; i++) {
        say(&t, "user", "hello");
        CHECK(!turn(o.session, &t, (infer_chat_options){.max_tokens = 9, .sampler = used}));
        if (i == 2) {
            size_t count;
            infer_token ids[CONTEXT];
            memcpy(ids, infer_session_tokens(o.session, &count),
                   tokens_of(o.session) * sizeof *ids);
            CHECK(!infer_session_eval(o.other, ids, t.result.prompt_tokens, NULL, &err));
            for (size_t j = 0; j < t.result.prompt_tokens; j++)
                infer_sampler_accept(fresh, ids[j], NULL);
            for (size_t j = 0; j < t.id_count; j++) {
                infer_token id;
                CHECK(!infer_sampler_sample(fresh, infer_session_logits(o.other, 0), &id, &err) &&
                      id == t.ids[j] && !infer_sampler_accept(fresh, id, &err) &&
                      !infer_session_eval(o.other, &id, 1, NULL, &err));
            }
        }
        say(&t, "assistant", "well");
    }
    infer_sampler_free(used);
    infer_sampler_free(fresh);
    close_talker();
}

int main(void)
{
    for (size_t i = 0; i < sizeof talkers / sizeof *talkers; i++) {
        ten_turns(i);
        dropped_thoughts(i);
    }
    edited("llama");
    edited("qwen35");
    control_tokens();
    saved("llama");
    saved("qwen35");
    cancelled("llama");
    cancelled("granitehybrid");
    stop_texts();
    refuses();
    left_out();
    forms();
    variables();
    calls_are_kept();
    required_is_kept();
    reader_alone();
    told_by_the_system();
    split_messages();
    penalties();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
