/* Sessions: evaluation in batches, and keeping what is already there. */
#include "lib/session.h"

#include "lib/base/limits.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

infer_status infer_session_new(infer_plan *plan, infer_session **out, infer_error *err)
{
    *out = NULL;
    if (!plan->loaded)
        return inf_fail(err, INFER_E_ARGUMENT, "the plan is not loaded (infer_plan_load)");
    infer_session *session = inf_alloc_zero(&plan->a, 1, sizeof *session);
    infer_token *tokens = inf_alloc_zero(&plan->a, plan->info.context, sizeof *tokens);
    if (!session || !tokens) {
        inf_release(&plan->a, session);
        inf_release(&plan->a, tokens);
        return inf_fail_memory(err, "a session", plan->info.context * sizeof *tokens);
    }
    *session =
        (infer_session){.a = plan->a, .plan = plan, .tokens = tokens, .state_at = INF_STATE_NONE};
    pthread_mutex_lock(&plan->turn);
    while (session->slot < plan->info.sessions && plan->slot_taken[session->slot])
        session->slot++;
    bool room = session->slot < plan->info.sessions;
    if (room)
        plan->slot_taken[session->slot] = true;
    pthread_mutex_unlock(&plan->turn);
    if (!room) {
        inf_release(&plan->a, tokens);
        inf_release(&plan->a, session);
        return inf_fail(err, INFER_E_LIMIT, "the plan has room for %u sessions, all are taken",
                        plan->info.sessions);
    }
    inf_plan_retain(plan);
    *out = session;
    return INFER_OK;
}

void infer_session_free(infer_session *session)
{
    if (!session)
        return;
    infer_plan *plan = session->plan;
    infer_allocator a = session->a;
    pthread_mutex_lock(&plan->turn);
    plan->slot_taken[session->slot] = false;
    pthread_mutex_unlock(&plan->turn);
    inf_release(&a, session->tokens);
    inf_release(&a, session->made);
    inf_turn_free(&session->turn);
    infer_template_free(session->own_template);
    inf_release(&a, session);
    infer_plan_free(plan);
}

infer_status infer_session_open(const char *path, const infer_session_options *options,
                                infer_session **session, infer_error *err)
{
    infer_model *model;
    infer_plan *plan = NULL;
    infer_session_options o = {0};
    *session = NULL;
    if (options) {
        if (options->size < sizeof(size_t))
            return inf_fail(err, INFER_E_ARGUMENT, "infer_session_options.size is %zu",
                            options->size);
        memcpy(&o, options, inf_min_size(options->size, sizeof o));
    }
    infer_status status = infer_model_open(path, o.model, &model, err);
    if (!status)
        status = infer_plan_new(model, o.plan, &plan, err);
    if (!status)
        status = infer_plan_load(plan, o.progress, o.progress_ud, err);
    if (!status)
        status = infer_session_new(plan, session, err);
    infer_plan_free(plan);
    infer_model_free(model);
    return status;
}

infer_model *infer_session_model(const infer_session *session)
{
    return session->plan->model;
}

infer_plan *infer_session_plan(const infer_session *session)
{
    return session->plan;
}

static infer_status check_ids(const infer_plan *plan, const infer_token *ids, size_t count,
                              infer_error *err)
{
    if (!ids && count)
        return inf_fail(err, INFER_E_ARGUMENT, "ids: NULL");
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= plan->hp.vocab)
            return inf_fail(err, INFER_E_ARGUMENT, "token %zu is %d, the vocabulary has %u", i,
                            ids[i], plan->hp.vocab);
    return INFER_OK;
}

/* One pass over `rows` rows of the plan's arrays. Where a result is not finite the first such token
 * runs again, step by step, to name the step. The caller holds the plan's turn. */
static infer_status run(infer_plan *plan, const infer_token *ids, uint32_t rows, uint32_t wanted,
                        uint32_t cancels, float *embedding, infer_error *err)
{
    struct inf_batch batch = {
        .rows = rows,
        .ids = ids,
        .positions = plan->positions,
        .kv = plan->row_kv,
        .state = plan->row_state,
        .copy = plan->row_copy,
        .wanted = wanted,
        .want = plan->want,
        .logit_rows = plan->logit_rows,
        .cancel = plan->cancel,
        .cancels = cancels,
        .embedding = embedding,
    };
    uint32_t bad;
    infer_status status = inf_cpu_run(plan, &batch, &bad, err);
    if (status != INFER_E_NUMERIC)
        return status;
    batch.rows = 1;
    batch.ids += bad;
    batch.positions += bad;
    batch.kv += bad;
    batch.state += bad;
    batch.copy += bad;
    plan->row_copy[bad] = NULL;
    uint32_t first = 0, kept = 0;
    while (kept < wanted && plan->want[kept] != bad)
        kept++;
    batch.wanted = kept < wanted;
    batch.want = &first;
    batch.logit_rows += kept;
    return inf_cpu_find_fault(plan, &batch, err);
}

static float *embedding_of(const infer_session *session)
{
    const infer_plan *plan = session->plan;
    return plan->embedding ? plan->logits + (size_t)session->slot * plan->hp.embd : NULL;
}

/* To length 1. */
static infer_status make_unit(float *x, uint32_t n, infer_error *err)
{
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    if (!(squares > 0.0) || squares > DBL_MAX)
        return inf_fail(err, INFER_E_NUMERIC, "the embedding has the length %g", sqrt(squares));
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)((double)x[i] / sqrt(squares));
    return INFER_OK;
}

/* One pass of `rows` tokens behind the first `first` of the session; `wanted` as the arrays of the plan say.
 * prompt: as inf_session_checkpoint. */
static infer_status pass(infer_session *session, const infer_token *ids, uint32_t first,
                         uint32_t rows, uint32_t wanted, bool prompt, infer_error *err)
{
    infer_plan *plan = session->plan;
    uint32_t row = 0;
    float *copy = inf_session_checkpoint(session, first, rows, prompt, &row);
    plan->cancel[0] = &session->cancel;
    for (uint32_t i = 0; i < rows; i++) {
        plan->positions[i] = first + i;
        plan->row_kv[i] = inf_session_kv(session);
        plan->row_state[i] = inf_session_state(session);
        plan->row_copy[i] = NULL;
    }
    plan->row_copy[row] = copy;
    session->state_at = INF_STATE_NONE;
    infer_status status = run(plan, ids, rows, wanted, !session->deaf, embedding_of(session), err);
    if (status)
        return status;
    session->state_at = first + rows;
    if (copy)
        inf_session_keep(session, copy, first + row);
    return INFER_OK;
}

/* Evaluates again what a recurrent state has not seen of the session's tokens. */
static infer_status catch_up(infer_session *session, infer_error *err)
{
    for (uint32_t at = inf_session_recall(session); at < session->count;) {
        uint32_t rows = (uint32_t)inf_min_size(session->plan->info.batch, session->count - at);
        infer_status status = pass(session, session->tokens + at, at, rows, 0, true, err);
        if (status)
            return status;
        session->stats.tokens_repeated += rows;
        at += rows;
    }
    return INFER_OK;
}

/* Evaluates ids[count] behind the session's tokens, batch after batch. */
static infer_status eval_batches(infer_session *session, const infer_token *ids, size_t count,
                                 const bool *want, infer_error *err)
{
    infer_plan *plan = session->plan;
    uint32_t kept = 0;
    infer_status status = catch_up(session, err);
    for (size_t at = 0; !status && at < count;) {
        uint32_t rows = (uint32_t)inf_min_size(plan->info.batch, count - at), wanted = 0;
        for (uint32_t i = 0; i < rows; i++)
            if (!plan->embedding && (want ? want[at + i] : at + i + 1 == count)) {
                plan->want[wanted] = i;
                plan->logit_rows[wanted++] = session->slot * plan->info.logit_rows + kept++;
            }
        status =
            pass(session, ids + at, session->count + (uint32_t)at, rows, wanted, count > 1, err);
        at += rows;
    }
    if (!status && plan->embedding)
        status = make_unit(embedding_of(session), plan->hp.embd, err);
    if (status)
        inf_session_forget(session, session->count);
    else
        session->logit_count = plan->embedding ? 1 : kept;
    return status;
}

static infer_status check_eval(const infer_session *session, const infer_token *ids, size_t count,
                               const bool *want, infer_error *err)
{
    const infer_plan_info *info = &session->plan->info;
    size_t wanted = 0;
    if (!count)
        return inf_fail(err, INFER_E_ARGUMENT, "no tokens to evaluate");
    if (count > info->context - session->count)
        return inf_fail(err, INFER_E_CONTEXT,
                        "%zu tokens behind the %u that are there do not fit into the context of %u",
                        count, session->count, info->context);
    for (size_t i = 0; want && i < count; i++)
        wanted += want[i];
    if (wanted && session->plan->embedding)
        return inf_fail(err, INFER_E_UNSUPPORTED, "this plan makes embeddings, it has no logits");
    if (wanted > info->logit_rows)
        return inf_fail(err, INFER_E_LIMIT, "logits of %zu positions are wanted, the plan keeps %u",
                        wanted, info->logit_rows);
    return check_ids(session->plan, ids, count, err);
}

infer_status infer_session_eval(infer_session *session, const infer_token *ids, size_t count,
                                const bool *want, infer_error *err)
{
    if (session->plan->embedding)
        infer_session_rewind(session, 0, NULL);
    infer_status status = check_eval(session, ids, count, want, err);
    session->logit_count = 0;
    if (status)
        return status;
    pthread_mutex_lock(&session->plan->turn);
    uint64_t start = now_ns();
    status = eval_batches(session, ids, count, want, err);
    uint64_t spent = now_ns() - start;
    pthread_mutex_unlock(&session->plan->turn);
    if (status == INFER_E_CANCELLED) /* one that came too late for this eval ends the next */
        atomic_store(&session->cancel, false);
    if (status)
        return status;
    memcpy(session->tokens + session->count, ids, count * sizeof *ids);
    session->count += (uint32_t)count;
    session->stats.tokens_evaluated += count;
    *(count > 1 ? &session->stats.prefill_tokens : &session->stats.decode_tokens) += count;
    *(count > 1 ? &session->stats.prefill_ns : &session->stats.decode_ns) += spent;
    return INFER_OK;
}

static infer_status check_batch(infer_session *const *sessions, const infer_token *ids,
                                size_t count, infer_error *err)
{
    if (!count)
        return inf_fail(err, INFER_E_ARGUMENT, "no sessions to evaluate");
    infer_plan *plan = sessions[0]->plan;
    if (plan->embedding)
        return inf_fail(err, INFER_E_UNSUPPORTED, "this plan makes embeddings, a text at a time");
    if (count > plan->info.batch)
        return inf_fail(err, INFER_E_LIMIT, "%zu sessions in one pass, the plan's batch is %u",
                        count, plan->info.batch);
    for (size_t i = 0; i < count; i++) {
        if (sessions[i]->plan != plan)
            return inf_fail(err, INFER_E_ARGUMENT, "session %zu is of another plan", i);
        for (size_t j = 0; j < i; j++)
            if (sessions[j] == sessions[i])
                return inf_fail(err, INFER_E_ARGUMENT, "sessions %zu and %zu are the same", j, i);
        infer_status status = check_eval(sessions[i], &ids[i], 1, NULL, err);
        if (status)
            return status;
    }
    return INFER_OK;
}

infer_status infer_session_eval_batch(infer_session *const *sessions, const infer_token *ids,
                                      size_t count, infer_error *err)
{
    infer_status status = check_batch(sessions, ids, count, err);
    if (status)
        return status;
    infer_plan *plan = sessions[0]->plan;
    pthread_mutex_lock(&plan->turn);
    uint64_t start = now_ns();
    for (uint32_t i = 0; i < count; i++)
        if (!status)
            status = catch_up(sessions[i], err);
    for (uint32_t i = 0, row; i < count; i++) {
        plan->positions[i] = sessions[i]->count;
        plan->row_kv[i] = inf_session_kv(sessions[i]);
        plan->row_state[i] = inf_session_state(sessions[i]);
        plan->row_copy[i] = inf_session_checkpoint(sessions[i], sessions[i]->count, 1, false, &row);
        plan->want[i] = i;
        plan->logit_rows[i] = sessions[i]->slot * plan->info.logit_rows;
        plan->cancel[i] = &sessions[i]->cancel;
        sessions[i]->logit_count = 0;
    }
    if (!status) {
        for (uint32_t i = 0; i < count; i++)
            sessions[i]->state_at = INF_STATE_NONE;
        status = run(plan, ids, (uint32_t)count, (uint32_t)count, (uint32_t)count, NULL, err);
    }
    for (uint32_t i = 0; !status && i < count; i++) {
        sessions[i]->state_at = sessions[i]->count + 1;
        if (plan->row_copy[i])
            inf_session_keep(sessions[i], plan->row_copy[i], sessions[i]->count);
    }
    uint64_t spent = now_ns() - start;
    pthread_mutex_unlock(&plan->turn);
    for (size_t i = 0; i < count; i++) {
        infer_session *session = sessions[i];
        if (status == INFER_E_CANCELLED)
            atomic_store(&session->cancel, false);
        if (status)
            continue;
        session->tokens[session->count++] = ids[i];
        session->logit_count = 1;
        session->stats.tokens_evaluated++;
        session->stats.decode_tokens++;
        session->stats.decode_ns += spent;
    }
    return status;
}

infer_status infer_session_sync(infer_session *session, const infer_token *ids, size_t count,
                                size_t *kept, infer_error *err)
{
    if (count > session->plan->info.context)
        return inf_fail(err, INFER_E_CONTEXT, "%zu tokens do not fit into the context of %u", count,
                        session->plan->info.context);
    infer_status status = check_ids(session->plan, ids, count, err);
    if (status)
        return status;
    size_t same = 0;
    while (same < count && same < session->count && session->tokens[same] == ids[same])
        same++;
    if (session->plan->embedding)
        same = 0;
    if (same == count && count) /* the logits of the last token are wanted */
        same--;
    if ((status = infer_session_rewind(session, same, err)))
        return status;
    if (kept)
        *kept = same;
    if (same == count)
        return INFER_OK;
    return infer_session_eval(session, ids + same, count - same, NULL, err);
}

infer_status infer_session_rewind(infer_session *session, size_t count, infer_error *err)
{
    if (count > session->count)
        return inf_fail(err, INFER_E_ARGUMENT, "rewind to %zu tokens, the session has %u", count,
                        session->count);
    session->count = (uint32_t)count;
    session->logit_count = 0;
    inf_session_forget(session, session->count);
    inf_session_cut_made(session, session->count);
    return INFER_OK;
}

const infer_token *infer_session_tokens(const infer_session *session, size_t *count)
{
    *count = session->count;
    return session->tokens;
}

const float *infer_session_logits(const infer_session *session, size_t row)
{
    const infer_plan *plan = session->plan;
    if (row >= session->logit_count || plan->embedding)
        return NULL;
    return plan->logits + ((size_t)session->slot * plan->info.logit_rows + row) * plan->hp.vocab;
}

const float *infer_session_embedding(const infer_session *session)
{
    return session->logit_count ? embedding_of(session) : NULL;
}

void infer_session_cancel(infer_session *session)
{
    atomic_store(&session->cancel, true);
}

void infer_session_clear_cancel(infer_session *session)
{
    atomic_store(&session->cancel, false);
}

void infer_session_get_stats(const infer_session *session, infer_session_stats *stats)
{
    *stats = session->stats;
}
