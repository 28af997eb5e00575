/*
 * The interface from several threads: cancelling a long prefill and a generation, and sessions of
 * one plan evaluated at once, which give the bits that each gives alone.
 */
#include "tests/api/objects.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A sampler that never picks the end. */
static infer_sampler *never_ends(const infer_model *model)
{
    const infer_logit_bias bias = {infer_token_special(model, INFER_SPECIAL_EOS), -INFINITY};
    infer_sampler_options o = {.size = sizeof o, .bias = &bias, .bias_count = 1};
    infer_sampler *sampler = NULL;
    CHECK(!infer_sampler_new(&o, TINY_VOCAB, &sampler, &err));
    return sampler;
}

struct canceller {
    infer_session *session;
    double delay_s, at_s;
};

static void *cancel_later(void *ud)
{
    struct canceller *c = ud;
    usleep((useconds_t)(c->delay_s * 1e6));
    c->at_s = now_s();
    infer_session_cancel(c->session);
    return NULL;
}

static void check_cancel(void)
{
    enum { LONG = 16000 };
    infer_token *ids = malloc(LONG * sizeof *ids), next = 17;
    struct objects o =
        make((infer_plan_options){.context = LONG, .isa = "ref", .kv = INFER_KV_F32});
    make_ids(ids, LONG, 4);
    CHECK(!infer_session_eval(o.session, ids, 30, NULL, &err));
    CHECK(!infer_session_eval(o.session, &next, 1, NULL, &err));
    float want[TINY_VOCAB];
    memcpy(want, infer_session_logits(o.session, 0), sizeof want);
    CHECK(!infer_session_rewind(o.session, 30, &err));

    infer_session_cancel(
        o.session); /* before: the next eval ends with it, the one after does not */
    CHECK(infer_session_eval(o.session, ids, 5, NULL, &err) == INFER_E_CANCELLED);
    CHECK(as_before(o.session, 30, want));

    struct canceller c = {o.session, 0.2, 0};
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, cancel_later, &c));
    infer_status status = infer_session_eval(o.session, ids, LONG - 30, NULL, &err);
    double ended = now_s();
    pthread_join(thread, NULL);
    CHECK(status == INFER_E_CANCELLED);
    CHECK(ended - c.at_s < 0.2);
    printf("a prefill ends %.1f ms after it was cancelled\n", (ended - c.at_s) * 1e3);
    CHECK(as_before(o.session, 30, want));

    infer_generated made;
    infer_sampler *endless = never_ends(o.model);
    c.delay_s = 0.05;
    CHECK(!pthread_create(&thread, NULL, cancel_later, &c));
    infer_generate_options options = {.size = sizeof options, .sampler = endless};
    status = infer_generate_more(o.session, &options, &made, &err);
    ended = now_s();
    pthread_join(thread, NULL);
    CHECK(!status && made.stop == INFER_STOP_CANCELLED && ended - c.at_s < 0.2);
    infer_sampler_free(endless);
    drop(&o);
    free(ids);
}

struct often {
    infer_session *session;
    _Atomic bool over;
};

/* Somebody who cancels again and again. */
static void *cancel_often(void *ud)
{
    struct often *often = ud;
    for (int i = 0; i < 3000; i++) {
        infer_session_cancel(often->session);
        usleep(20);
    }
    often->over = true;
    return NULL;
}

/* Each generation ends as a cancelled one, and the session holds its tokens. */
static void check_cancels(void)
{
    struct objects o = make((infer_plan_options){.context = 64});
    infer_sampler *endless = never_ends(o.model);
    struct often often = {.session = o.session};
    infer_generate_options options = {.size = sizeof options, .sampler = endless, .max_tokens = 40};
    infer_token first = 3;
    pthread_t thread;
    CHECK(!infer_session_eval(o.session, &first, 1, NULL, &err));
    CHECK(!pthread_create(&thread, NULL, cancel_often, &often));
    size_t failures = 0, cancelled = 0, lost = 0, count;
    while (!often.over && !failures) {
        infer_generated made = {0};
        failures += infer_generate_more(o.session, &options, &made, &err) != INFER_OK;
        cancelled += made.stop == INFER_STOP_CANCELLED;
        infer_session_tokens(o.session, &count);
        lost += count != 1 + made.tokens;
        failures += infer_session_rewind(o.session, 1, &err) != INFER_OK;
    }
    pthread_join(thread, NULL);
    CHECK(!failures && !lost && cancelled > 0);
    infer_sampler_free(endless);
    drop(&o);
}

struct talker {
    infer_session *session;
    uint32_t seed;
    infer_status status;
    float logits[12][TINY_VOCAB];
};

static void *talk(void *ud)
{
    struct talker *t = ud;
    infer_token ids[12 * 4];
    make_ids(ids, 48, t->seed);
    for (size_t i = 0; i < 12 && !t->status; i++) {
        t->status = infer_session_eval(t->session, ids + 4 * i, i % 2 ? 4 : 1, NULL, NULL);
        if (!t->status)
            memcpy(t->logits[i], infer_session_logits(t->session, 0), ROW_BYTES);
    }
    return NULL;
}

static void check_threads(void)
{
    enum { TALKERS = 3 };
    static struct talker together[TALKERS], alone;
    pthread_t threads[TALKERS];
    struct objects o = make((infer_plan_options){.sessions = TALKERS});
    infer_session *third = NULL;
    CHECK(!infer_session_new(o.plan, &third, &err));
    infer_session *sessions[TALKERS] = {o.session, o.other, third};
    for (uint32_t i = 0; i < TALKERS; i++) {
        together[i] = (struct talker){.session = sessions[i], .seed = 10 + i};
        CHECK(!pthread_create(&threads[i], NULL, talk, &together[i]));
    }
    for (int i = 0; i < TALKERS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 0; i < TALKERS; i++) {
        CHECK(!infer_session_rewind(o.session, 0, &err));
        alone = (struct talker){.session = o.session, .seed = 10 + i};
        talk(&alone);
        CHECK(!alone.status && !together[i].status &&
              !memcmp(alone.logits, together[i].logits, sizeof alone.logits));
    }
    infer_session_free(third);
    drop(&o);
}

struct reader {
    infer_model *model;
    infer_plan *plan; /* NULL: tokenises alone */
    infer_token ids[64];
    size_t count, sessions;
    infer_status status;
};

/* Tokenises, which makes the tokenizer where it is the first; then comes and goes. */
static void *read_text(void *ud)
{
    static const char text[] = "some text that all of them read";
    struct reader *r = ud;
    r->status = infer_tokenize(r->model, text, sizeof text - 1, 0, r->ids, 64, &r->count, NULL);
    for (int i = 0; i < 20 && r->plan && !r->status; i++) {
        infer_session *session;
        r->status = infer_session_new(r->plan, &session, NULL);
        if (!r->status)
            r->status = infer_session_eval(session, r->ids, 1 + (size_t)i % 3, NULL, NULL);
        infer_session_free(session);
        r->sessions++;
    }
    return NULL;
}

static void check_readers(bool plan)
{
    enum { READERS = 4 };
    static struct reader readers[READERS];
    pthread_t threads[READERS];
    struct objects o = make((infer_plan_options){.sessions = READERS + 2});
    infer_model *model = o.model;
    if (!plan) /* one whose tokenizer is not made yet */
        CHECK(!infer_model_open_memory(file.ptr, file.len, NULL, &model, &err));
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.model = model, .plan = plan ? o.plan : NULL};
        CHECK(!pthread_create(&threads[i], NULL, read_text, &readers[i]));
    }
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(!readers[i].status && readers[i].count == readers[0].count &&
              !memcmp(readers[i].ids, readers[0].ids, sizeof readers[i].ids));
        CHECK(readers[i].sessions == (plan ? 20 : 0));
    }
    if (!plan)
        infer_model_free(model);
    drop(&o);
}

int main(void)
{
    file = tiny_model(tiny_kind_at(0), Q4_K, 1);
    check_cancel();
    check_cancels();
    check_threads();
    check_readers(false);
    check_readers(true);
    free(file.ptr);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
