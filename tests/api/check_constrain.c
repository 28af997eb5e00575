/*
 * Grammars as a program meets them: what a sampler picks under one, what it refuses, what stays as it was
 * without one; who frees what; one grammar in several threads.
 */
#include "tests/api/objects.h"

#include <pthread.h>

static const char schema[] = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\","
                             "\"minimum\":0,\"maximum\":99},"
                             "\"c\":{\"enum\":[\"red\",\"blue\"]}},\"required\":[\"n\",\"c\"],"
                             "\"additionalProperties\":false}";

static infer_grammar *grammar_of(const struct objects *o, infer_grammar_kind kind, const char *text)
{
    infer_grammar *g = NULL;
    CHECK(!infer_grammar_new(o->model, kind, text, strlen(text), &g, &err));
    return g;
}

static infer_sampler *sampler_of(float temperature, uint64_t seed)
{
    infer_sampler_options options = {
        .size = sizeof options, .temperature = temperature, .seed = seed};
    infer_sampler *sampler = NULL;
    CHECK(!infer_sampler_new(&options, TINY_VOCAB, &sampler, &err));
    return sampler;
}

struct text {
    char bytes[512];
    size_t len;
};

static bool keep(void *ud, const char *bytes, size_t len)
{
    struct text *text = ud;
    if (text->len + len >= sizeof text->bytes)
        return false;
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = 0;
    return true;
}

static infer_stop generate(const struct objects *o, infer_sampler *sampler, size_t most,
                           struct text *text)
{
    infer_generated made = {.stop = INFER_STOP_CANCELLED};
    *text = (struct text){.len = 0};
    CHECK(!infer_session_rewind(o->session, 0, &err));
    CHECK(!infer_generate(o->session, sampler, "The sea", most, keep, text, &made, &err));
    return made.stop;
}

static void check_texts(void)
{
    struct objects o = make((infer_plan_options){.context = 256});
    infer_grammar *two = grammar_of(&o, INFER_GRAMMAR_GBNF, "root ::= \"yes\" | \"no\"");
    infer_grammar *held = grammar_of(&o, INFER_GRAMMAR_JSON_SCHEMA, schema);
    struct text text, plain, again;
    for (int i = 0; i < 8; i++) {
        infer_sampler *s = sampler_of(i ? 1.0f : 0.0f, (uint64_t)i);
        generate(&o, s, 12, &plain);
        infer_sampler_free(s);
        s = sampler_of(i ? 1.0f : 0.0f, (uint64_t)i);
        CHECK(!infer_sampler_grammar(s, two, &err) && !infer_sampler_grammar(s, NULL, &err));
        generate(&o, s, 12, &again);
        CHECK(plain.len == again.len && memcmp(plain.bytes, again.bytes, plain.len) == 0);
        CHECK(!infer_sampler_grammar(s, two, &err));
        CHECK(generate(&o, s, 0, &text) == INFER_STOP_END);
        CHECK(strcmp(text.bytes, "yes") == 0 || strcmp(text.bytes, "no") == 0);
        CHECK(!infer_sampler_grammar(s, held, &err));
        infer_stop stop = generate(&o, s, 0, &text);
        CHECK(text.bytes[0] == '{' && (stop != INFER_STOP_END || text.bytes[text.len - 1] == '}'));
        CHECK(stop != INFER_STOP_END || strstr(text.bytes, "\"red\"") ||
              strstr(text.bytes, "\"blue\""));
        infer_sampler_free(s);
    }
    infer_grammar_free(two);
    infer_grammar_free(held);
    drop(&o);
}

/* The id of a token of one byte. */
static infer_token byte_token(const infer_model *model, char byte)
{
    for (infer_token id = 0; id < TINY_VOCAB; id++) {
        char bytes[64];
        size_t len = 0;
        infer_kind kind = infer_token_kind(model, id);
        if ((kind == INFER_KIND_NORMAL || kind == INFER_KIND_BYTE) &&
            !infer_token_bytes(model, id, bytes, sizeof bytes, &len, NULL) && len == 1 &&
            *bytes == byte)
            return id;
    }
    return -1;
}

static void check_refusals(void)
{
    struct objects o = make((infer_plan_options){.context = 64});
    infer_grammar *g = grammar_of(&o, INFER_GRAMMAR_GBNF, "root ::= \"ab\""), *none = NULL;
    infer_token a = byte_token(o.model, 'a'), b = byte_token(o.model, 'b'), id = -1;
    infer_token eos = infer_token_special(o.model, INFER_SPECIAL_EOS);
    float logits[TINY_VOCAB];
    for (int i = 0; i < TINY_VOCAB; i++)
        logits[i] = (float)(i % 7);
    infer_sampler *s = sampler_of(0.0f, 0), *small = NULL;
    CHECK(a >= 0 && b >= 0 && eos >= 0);
    CHECK(!infer_sampler_accept(s, b, &err)); /* of a prompt */
    CHECK(!infer_sampler_grammar(s, g, &err));
    CHECK(infer_sampler_accept(s, b, &err) == INFER_E_ARGUMENT && strstr(err.text, "at byte 0"));
    CHECK(infer_sampler_accept(s, eos, &err) == INFER_E_ARGUMENT && strstr(err.text, "cannot end"));
    CHECK(!infer_sampler_sample(s, logits, &id, &err));
    CHECK(!infer_sampler_accept(s, a, &err));
    CHECK(!infer_sampler_sample(s, logits, &id, &err) && id == b);
    CHECK(!infer_sampler_accept(s, b, &err));
    CHECK(!infer_sampler_sample(s, logits, &id, &err) && infer_token_ends(o.model, id));
    CHECK(!infer_sampler_accept(s, eos, &err));
    CHECK(infer_sampler_sample(s, logits, &id, &err) == INFER_E_ARGUMENT &&
          strstr(err.text, "ended"));
    CHECK(!infer_sampler_grammar(s, g, &err)); /* from the start again */
    CHECK(!infer_sampler_accept(s, a, &err));
    logits[a] = NAN;
    CHECK(infer_sampler_sample(s, logits, &id, &err) == INFER_E_NUMERIC);
    for (int i = 0; i < TINY_VOCAB; i++)
        logits[i] = -INFINITY;
    CHECK(infer_sampler_sample(s, logits, &id, &err) == INFER_E_NUMERIC);
    CHECK(!infer_sampler_new(NULL, TINY_VOCAB - 1, &small, &err));
    CHECK(infer_sampler_grammar(small, g, &err) == INFER_E_ARGUMENT);
    CHECK(infer_grammar_new(o.model, INFER_GRAMMAR_GBNF, NULL, 0, &none, &err) == INFER_E_ARGUMENT);
    CHECK(infer_grammar_new(o.model, (infer_grammar_kind)7, "", 0, &none, &err) ==
          INFER_E_ARGUMENT);
    CHECK(infer_grammar_new(o.model, INFER_GRAMMAR_JSON_SCHEMA, "{\"not\":{}}", 10, &none, &err) ==
              INFER_E_UNSUPPORTED &&
          strstr(err.text, "#/not") && !none);
    infer_sampler_free(small);
    /* in any order */
    infer_grammar_free(g);
    drop(&o);
    CHECK(!infer_sampler_grammar(s, NULL, &err));
    infer_sampler_free(s);
    infer_grammar_free(NULL);
}

struct worker {
    infer_grammar *grammar;
    const infer_model *model;
    uint64_t seed;
    int texts;
};

/* Texts of random logits, to their end. */
static void *make_texts(void *ud)
{
    struct worker *w = ud;
    infer_sampler_options options = {.size = sizeof options, .temperature = 1.0f, .seed = w->seed};
    infer_sampler *s = NULL;
    float logits[TINY_VOCAB] = {0};
    bool good = !infer_sampler_new(&options, TINY_VOCAB, &s, NULL);
    for (int i = 0; i < 60 && good; i++) {
        infer_token id = -1;
        good = !infer_sampler_grammar(s, w->grammar, NULL);
        for (int k = 0; k < 400 && good && !(id >= 0 && infer_token_ends(w->model, id)); k++)
            good =
                !infer_sampler_sample(s, logits, &id, NULL) && !infer_sampler_accept(s, id, NULL);
        w->texts += good;
    }
    infer_sampler_free(s);
    return NULL;
}

static void check_threads(void)
{
    struct objects o = make((infer_plan_options){.context = 64});
    infer_grammar *g = grammar_of(&o, INFER_GRAMMAR_JSON_SCHEMA, schema);
    struct worker workers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){g, o.model, (uint64_t)i, 0};
        CHECK(pthread_create(&threads[i], NULL, make_texts, &workers[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK(workers[i].texts == 60);
    }
    infer_grammar_free(g);
    drop(&o);
}

/* A thought is free, the answer behind it is held; a thought may begin before the answer alone. */
static bool count_thought(void *ud, const char *text, size_t len)
{
    (void)text;
    *(size_t *)ud += len;
    return true;
}

/* A mask that cannot be made leaves the session as it was. */
static void check_session(void)
{
    struct objects o = make((infer_plan_options){.context = 64});
    infer_token ids[9], next = 17;
    float want[TINY_VOCAB];
    make_ids(ids, 9, 3);
    CHECK(!infer_session_eval(o.session, ids, 9, NULL, &err));
    CHECK(!infer_session_eval(o.session, &next, 1, NULL, &err));
    memcpy(want, infer_session_logits(o.session, 0), sizeof want);
    CHECK(!infer_session_rewind(o.session, 9, &err));
    infer_grammar *g = grammar_of(&o, INFER_GRAMMAR_GBNF, "root ::= \"a\"");
    infer_sampler *s = sampler_of(0.0f, 0);
    CHECK(!infer_sampler_grammar(s, g, &err) &&
          !infer_sampler_accept(s, byte_token(o.model, 'a'), &err));
    CHECK(!infer_sampler_accept(s, infer_token_special(o.model, INFER_SPECIAL_EOS), &err));
    infer_generate_options options = {.size = sizeof options, .sampler = s};
    CHECK(infer_generate_more(o.session, &options, NULL, &err) == INFER_E_ARGUMENT);
    CHECK(!infer_session_rewind(o.session, 9, &err) && as_before(o.session, 9, want));
    infer_sampler_free(s);
    infer_grammar_free(g);
    drop(&o);
}

/* A grammar of a model whose vocabulary has two tokens exchanged is refused before a token is made. */
static void check_other_vocabulary(void)
{
    static const char one[] = "\1\0\0\0\0\0\0\0a", two[] = "\1\0\0\0\0\0\0\0b";
    struct mk_bytes other = {.ptr = malloc(file.len), .len = file.len};
    memcpy(other.ptr, file.ptr, file.len);
    char *a = memmem(other.ptr, other.len, one, 9), *b = memmem(other.ptr, other.len, two, 9);
    infer_model *model = NULL;
    if (!CHECK(a && b))
        return;
    a[8] = 'b';
    b[8] = 'a';
    CHECK(!infer_model_open_memory(other.ptr, other.len, NULL, &model, &err));
    struct objects o = make((infer_plan_options){.context = 64}), from = {.model = model};
    infer_grammar *g = grammar_of(&from, INFER_GRAMMAR_GBNF, "root ::= \"aaaa\"");
    infer_grammar *same = grammar_of(&o, INFER_GRAMMAR_GBNF, "root ::= \"aaaa\"");
    infer_sampler *s = sampler_of(0.0f, 0);
    infer_generated made = {.tokens = 7};
    struct text text;
    CHECK(!infer_sampler_grammar(s, g, &err));
    CHECK(infer_generate(o.session, s, "x", 9, NULL, NULL, &made, &err) == INFER_E_ARGUMENT);
    CHECK(strstr(err.text, "another vocabulary") && made.tokens == 0);
    CHECK(!infer_sampler_grammar(s, same, &err));
    CHECK(generate(&o, s, 0, &text) == INFER_STOP_END && strcmp(text.bytes, "aaaa") == 0);
    infer_sampler_free(s);
    infer_grammar_free(g);
    infer_grammar_free(same);
    infer_model_free(model);
    drop(&o);
    free(other.ptr);
}

static void check_thought(void)
{
    struct objects o = make((infer_plan_options){.context = 128});
    infer_grammar *g = grammar_of(&o, INFER_GRAMMAR_GBNF, "root ::= \"yes\" | \"no\"");
    infer_token end = byte_token(o.model, '.'), begin = byte_token(o.model, '<');
    infer_thought thought = {.begin = begin, .end = end, .head = -1, .open = true, .max_tokens = 6};
    for (uint64_t seed = 0; seed < 6; seed++) {
        infer_sampler *s = sampler_of(1.0f, seed);
        struct infer_generated made;
        size_t thought_len = 0, count = 0;
        infer_token ids[] = {10, 11, 12};
        infer_generate_options options = {.size = sizeof options,
                                          .sampler = s,
                                          .thought = &thought,
                                          .on_thought = count_thought,
                                          .ud = &thought_len};
        CHECK(!infer_sampler_grammar(s, g, &err));
        CHECK(!infer_session_sync(o.session, ids, 3, NULL, &err));
        CHECK(!infer_generate_more(o.session, &options, &made, &err));
        const infer_token *tokens = infer_session_tokens(o.session, &count);
        char text[64];
        size_t len = 0, at = count;
        while (at > 0 && tokens[at - 1] != end)
            at--;
        CHECK(!infer_detokenize(o.model, tokens + at, count - at, text, sizeof text, &len, &err));
        CHECK(made.stop == INFER_STOP_END && (len == 3 || len == 2) &&
              (memcmp(text, "yes", len) == 0 || memcmp(text, "no", len) == 0));
        infer_sampler_free(s);
    }
    infer_grammar_free(g);
    drop(&o);
}

int main(void)
{
    file = tiny_model(tiny_kind_at(0), Q4_K, 1);
    check_texts();
    check_refusals();
    check_threads();
    check_thought();
    check_other_vocabulary();
    check_session();
    free(file.ptr);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
