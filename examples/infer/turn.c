/* One generation: the prompt in, text, ids and times out. For run; what it shows, chat shows too. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct receiver {
    struct cli *cli;
    struct cli_turn *turn;
    uint32_t vocab_size;
    infer_logprob *top; /* room for the likeliest tokens, NULL where none are asked for */
    bool failed;        /* cli->err says why */
};

bool cli_turn_text(struct cli *cli, struct cli_turn *turn, const char *text, size_t len)
{
    cli_bytes_append(&turn->text, text, len);
    if (turn->stream) {
        cli_output(cli, text, len);
        cli_output_flush(cli);
    }
    return !cli->output_failed;
}

static bool on_text(void *ud, const char *text, size_t len)
{
    struct receiver *receiver = ud;
    return cli_turn_text(receiver->cli, receiver->turn, text, len) && !receiver->failed;
}

/* log(sum(exp(logits))), for the log probability of the token that was chosen. */
static double log_sum(const float *logits, uint32_t count)
{
    double most = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < count; i++)
        most = logits[i] > most ? logits[i] : most;
    for (uint32_t i = 0; i < count; i++)
        sum += exp(logits[i] - most);
    return most + log(sum);
}

static void add_logprobs(struct receiver *receiver, infer_token id, const float *logits)
{
    struct cli *cli = receiver->cli;
    uint32_t count = cli->opt.logprobs;
    if (count > receiver->vocab_size)
        count = receiver->vocab_size;
    if (infer_logprobs(logits, receiver->vocab_size, receiver->top, count, &cli->err) != INFER_OK) {
        receiver->failed = true;
        return;
    }
    json_t *top = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(top, json_pack("{s:i,s:o}", "id", (int)receiver->top[i].id, "logprob",
                                             cli_json_real(receiver->top[i].logprob)));
    double logprob = logits[id] - log_sum(logits, receiver->vocab_size);
    json_array_append_new(
        receiver->turn->logprobs,
        json_pack("{s:i,s:o,s:o}", "id", (int)id, "logprob", cli_json_real(logprob), "top", top));
}

static void on_token(void *ud, infer_token id, const float *logits)
{
    struct receiver *receiver = ud;
    cli_ids_append(&receiver->turn->ids, id);
    if (receiver->turn->logprobs && !receiver->failed && logits)
        add_logprobs(receiver, id, logits);
}

/* How many tokens of ids[count] the session holds already. */
static size_t common_prefix(const infer_session *session, const infer_token *ids, size_t count)
{
    size_t held, same = 0;
    const infer_token *tokens = infer_session_tokens(session, &held);
    while (same < held && same < count && tokens[same] == ids[same])
        same++;
    return same;
}

#define STEP_S 4.0    /* between two lines of progress */
#define FIRST_STEP 64 /* tokens that tell how fast it goes */

/* Tokens of the next pass at `rate` a second (0: not known yet): as many as the plan allows, less
 * only where somebody waits for progress that would not come. */
static size_t next_pass(const struct cli *cli, const struct cli_engine *engine, size_t left,
                        double rate)
{
    size_t most = engine->plan_info.batch, step = most;
    if (cli->progress_start_ns == 0 || most <= FIRST_STEP)
        step = most;
    else if (rate == 0)
        step = FIRST_STEP;
    else if ((double)left > STEP_S * rate && STEP_S * rate < (double)most)
        step = (size_t)(STEP_S * rate / FIRST_STEP + 1) * FIRST_STEP;
    step = step < most ? step : most;
    return step < left ? step : left;
}

/* Evaluates the prompt; in passes, so that there is progress to show. */
static infer_status prefill(struct cli *cli, struct cli_engine *engine, const infer_token *ids,
                            size_t count, size_t *cached)
{
    size_t start = common_prefix(engine->session, ids, count);
    infer_status status = INFER_OK;
    double rate = 0;
    int64_t start_ns = cli_now_ns();
    *cached = start;
    cli_progress_start(cli);
    if (count > engine->plan_info.context) /* the library refuses the whole, with both numbers */
        start = count;
    for (size_t at = start;;) {
        size_t next = at + next_pass(cli, engine, count - at, rate), kept = 0;
        status = infer_session_sync(engine->session, ids, next, &kept, &cli->err);
        if (at == start)
            *cached = kept;
        if (status != INFER_OK || next == count)
            break;
        at = next;
        rate = (double)(at - start) / ((double)(cli_now_ns() - start_ns) * 1e-9);
        cli_progress(cli, "reading the prompt", (double)(at - start) / (double)(count - start));
    }
    cli_progress_end(cli);
    return status;
}

/* Penalties and DRY look at the prompt too: tells the sampler what it has not seen. */
static infer_status accept_prompt(struct cli *cli, infer_sampler *sampler, const infer_token *ids,
                                  size_t count)
{
    infer_status status = INFER_OK;
    for (size_t i = 0; i < count && status == INFER_OK; i++)
        status = infer_sampler_accept(sampler, ids[i], &cli->err);
    return status;
}

static infer_status generate(struct receiver *receiver, struct cli_engine *engine,
                             infer_sampler *sampler)
{
    struct cli *cli = receiver->cli;
    infer_generate_options options = {
        .size = sizeof options,
        .sampler = sampler,
        .max_tokens = cli->opt.max_tokens == CLI_UNSET ? 0 : cli->opt.max_tokens,
        .stop = cli->opt.stop.items,
        .stop_count = cli->opt.stop.count,
        .on_text = on_text,
        .on_token = on_token,
        .ud = receiver};
    infer_generated made = {0};
    receiver->turn->stop = INFER_STOP_LIMIT;
    if (cli->opt.max_tokens == 0)
        return INFER_OK;
    infer_status status = infer_generate_more(engine->session, &options, &made, &cli->err);
    receiver->turn->stop = made.stop;
    receiver->turn->tokens = made.tokens;
    return receiver->failed && status == INFER_OK ? cli->err.status : status;
}

void cli_turn_begin(struct cli *cli, struct cli_engine *engine, struct cli_turn *turn)
{
    turn->constraint = !engine->grammar ? NULL : cli->opt.grammar ? "grammar" : "schema";
    cli_bytes_append(&turn->text, "", 0);
    cli_bytes_append(&turn->thought, "", 0);
    infer_session_clear_cancel(engine->session); /* one that came just after the turn before */
    cli_interrupt_target(engine->session);
    if (cli_interrupted())
        infer_session_cancel(engine->session);
}

infer_status cli_turn_run(struct cli *cli, struct cli_engine *engine, infer_sampler *sampler,
                          const infer_token *ids, size_t count, struct cli_turn *turn)
{
    struct receiver receiver = {cli, turn, engine->info.vocab_size, NULL, false};
    turn->prompt_tokens = count;
    if (count == 0)
        return cli_fail(cli, INFER_E_ARGUMENT, "the prompt is empty");
    if (cli->opt.logprobs != CLI_UNSET) {
        turn->logprobs = json_array();
        receiver.top = cli_alloc(cli->opt.logprobs, sizeof *receiver.top);
    }
    cli_turn_begin(cli, engine, turn);
    int64_t start_ns = cli_now_ns();
    infer_status status = prefill(cli, engine, ids, count, &turn->cached_tokens);
    int64_t middle_ns = cli_now_ns();
    turn->prefill_s = (double)(middle_ns - start_ns) * 1e-9;
    turn->prefill_cancelled = status == INFER_E_CANCELLED;
    if (status == INFER_OK) /* the prompt is not held to it */
        status = infer_sampler_grammar(sampler, NULL, &cli->err);
    if (status == INFER_OK)
        status = accept_prompt(cli, sampler, ids, count);
    if (status == INFER_OK && engine->grammar)
        status = infer_sampler_grammar(sampler, engine->grammar, &cli->err);
    if (status == INFER_OK)
        status = generate(&receiver, engine, sampler);
    turn->decode_s = (double)(cli_now_ns() - middle_ns) * 1e-9;
    cli_interrupt_target(NULL);
    if (status == INFER_E_CANCELLED && cli_interrupted()) {
        turn->stop = INFER_STOP_CANCELLED;
        status = INFER_OK;
    }
    free(receiver.top);
    return status;
}

/* Seconds to the microsecond: no clock says more. */
static double micros(double seconds)
{
    return round(seconds * 1e6) / 1e6;
}

json_t *cli_turn_json(const struct cli_turn *turn)
{
    json_t *value = json_pack(
        "{s:o,s:o,s:s,s:I,s:I,s:I,s:f,s:f}", "text",
        cli_json_text_replaced(turn->text.data, turn->text.len), "ids", cli_json_ids(&turn->ids),
        "stop", infer_stop_name(turn->stop), "prompt_tokens", (json_int_t)turn->prompt_tokens,
        "cached_tokens", (json_int_t)turn->cached_tokens, "tokens", (json_int_t)turn->tokens,
        "prefill_s", micros(turn->prefill_s), "decode_s", micros(turn->decode_s));
    if (value && turn->thought.len != 0)
        json_object_set_new(value, "thought",
                            cli_json_text_replaced(turn->thought.data, turn->thought.len));
    if (value && turn->calls)
        json_object_set(value, "tool_calls", turn->calls);
    if (value && turn->constraint)
        json_object_set_new(value, "constraint", json_string(turn->constraint));
    if (value && turn->logprobs)
        json_object_set(value, "logprobs", turn->logprobs);
    return value;
}

static double rate(size_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0;
}

void cli_turn_summary(const struct cli_turn *turn, char *text, size_t capacity)
{
    const char *stop = infer_stop_name(turn->stop);
    if (turn->prefill_cancelled) {
        snprintf(text, capacity, "%s: in the prompt of %zu tokens, after %.2f s", stop,
                 turn->prompt_tokens, turn->prefill_s);
        return;
    }
    snprintf(text, capacity,
             "%s: %zu prompt tokens (%zu cached) in %.2f s (%.1f/s), %zu tokens in %.2f s (%.1f/s)",
             stop, turn->prompt_tokens, turn->cached_tokens, turn->prefill_s,
             rate(turn->prompt_tokens - turn->cached_tokens, turn->prefill_s), turn->tokens,
             turn->decode_s, rate(turn->tokens, turn->decode_s));
}

void cli_turn_free(struct cli_turn *turn)
{
    free(turn->text.data);
    free(turn->thought.data);
    free(turn->ids.data);
    json_decref(turn->logprobs);
    json_decref(turn->calls);
    *turn = (struct cli_turn){0};
}
