/* infer perplexity, infer compare: how well models foretell a text. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 512
#define ROWS 32  /* positions scored in one evaluation */
#define PASS 128 /* tokens of one that scores none */

/* Called at each scored position: rows[m] are the logits of model m, (vocab_size), `next` is the
 * token that stands there. */
struct scoring;
typedef void (*on_position)(const struct scoring *scoring, const float *const rows[],
                            infer_token next);

struct scoring {
    struct cli *cli;
    struct cli_engine engines[2];
    size_t models;
    struct cli_ids ids;
    size_t chunk;
    bool bos;
    on_position score;
    void *ud; /* of `score` */
};

/* Evaluates tokens[count] in all models; those from `first` on are scored with the one after. */
static infer_status score_step(struct scoring *scoring, const infer_token *tokens, size_t count,
                               bool scored)
{
    bool want[CHUNK] = {false};
    memset(want, scored, count);
    for (size_t m = 0; m < scoring->models; m++) {
        infer_status status = infer_session_eval(scoring->engines[m].session, tokens, count, want,
                                                 &scoring->cli->err);
        if (status != INFER_OK)
            return status;
    }
    for (size_t row = 0; scored && row < count; row++) {
        const float *rows[2] = {NULL, NULL};
        for (size_t m = 0; m < scoring->models; m++)
            rows[m] = infer_session_logits(scoring->engines[m].session, row);
        scoring->score(scoring, rows, tokens[row + 1]);
    }
    return INFER_OK;
}

/* The second half of a chunk is scored: each of its tokens has half a chunk of context at least.
 * The last token's logits foretell nothing that is there. */
static infer_status score_chunk(struct scoring *scoring, size_t c)
{
    infer_token *tokens = scoring->ids.data + c * scoring->chunk;
    size_t half = scoring->chunk / 2, last = scoring->chunk - 1;
    size_t chunks = scoring->ids.count / scoring->chunk;
    infer_status status = INFER_OK;
    for (size_t m = 0; m < scoring->models && status == INFER_OK; m++)
        status = infer_session_rewind(scoring->engines[m].session, 0, &scoring->cli->err);
    if (scoring->bos)
        tokens[0] = infer_token_special(scoring->engines[0].model, INFER_SPECIAL_BOS);
    for (size_t at = 0; at < last && status == INFER_OK;) {
        size_t left = at < half ? half - at : last - at;
        size_t most = at < half ? PASS : ROWS;
        size_t step = left < most ? left : most;
        status = score_step(scoring, tokens + at, step, at >= half);
        at += step;
        cli_progress(scoring->cli, "scoring",
                     (double)(c * scoring->chunk + at) / (double)(chunks * scoring->chunk));
    }
    return status;
}

static infer_status score(struct scoring *scoring)
{
    size_t chunks = scoring->ids.count / scoring->chunk;
    infer_status status = INFER_OK;
    cli_progress_start(scoring->cli);
    for (size_t c = 0; c < chunks && status == INFER_OK; c++)
        status = score_chunk(scoring, c);
    cli_progress_end(scoring->cli);
    return status;
}

/* The text as ids, which must be the same for all models. */
static infer_status read_ids(struct scoring *scoring, const char *path)
{
    struct cli *cli = scoring->cli;
    struct cli_bytes text = {0};
    struct cli_ids other = {0};
    infer_status status = cli_read_text(cli, path, &text);
    for (size_t m = 0; m < scoring->models && status == INFER_OK; m++)
        status = cli_tokenize_prompt(cli, &scoring->engines[m], text.data, text.len,
                                     m ? &other : &scoring->ids);
    if (status == INFER_OK)
        status = cli_asks_bos(cli, &scoring->engines[0], &scoring->bos);
    bool same = scoring->models == 1 ||
                (other.count == scoring->ids.count && other.data &&
                 memcmp(other.data, scoring->ids.data, other.count * sizeof *other.data) == 0);
    if (status == INFER_OK && !same)
        status = cli_fail(cli, INFER_E_MISMATCH, "the models make different tokens of the text");
    if (status == INFER_OK && scoring->ids.count < scoring->chunk)
        status = cli_fail(cli, INFER_E_ARGUMENT,
                          "the text has %zu tokens, one chunk of %zu is needed at least",
                          scoring->ids.count, scoring->chunk);
    free(text.data);
    free(other.data);
    return status;
}

/* The chunk is the context, 512 unless -c says otherwise or a model was trained on less. */
static infer_status choose_chunk(struct scoring *scoring)
{
    struct cli *cli = scoring->cli;
    if (cli->opt.context == 0)
        cli->opt.context = CHUNK;
    else if (cli->opt.context < 4)
        return cli_usage(cli, "-c: a chunk has 4 tokens at least");
    else
        return INFER_OK;
    for (size_t m = 0; m < scoring->models; m++) {
        struct cli_engine engine = {0};
        infer_status status = cli_open_model(cli, cli->opt.operands[m], &engine);
        uint32_t trained = engine.info.context_length;
        if (status == INFER_OK && trained >= 4 && trained < cli->opt.context)
            cli->opt.context = trained;
        cli_engine_close(&engine);
        if (status != INFER_OK)
            return status;
    }
    if (cli->opt.context < CHUNK)
        cli_notice(cli, "warning: chunks of %u tokens, the model was trained on no more",
                   cli->opt.context);
    return INFER_OK;
}

static infer_status run(struct scoring *scoring)
{
    struct cli *cli = scoring->cli;
    infer_status status = choose_chunk(scoring);
    for (size_t m = 0; m < scoring->models && status == INFER_OK; m++) {
        scoring->engines[m].logit_rows = ROWS;
        status = cli_open_session(cli, cli->opt.operands[m], &scoring->engines[m]);
    }
    if (status != INFER_OK)
        return status;
    scoring->chunk = scoring->engines[0].plan_info.context;
    if (scoring->models == 2 &&
        scoring->engines[0].info.vocab_size != scoring->engines[1].info.vocab_size)
        return cli_fail(cli, INFER_E_MISMATCH, "vocabularies of %u and of %u tokens",
                        scoring->engines[0].info.vocab_size, scoring->engines[1].info.vocab_size);
    status = read_ids(scoring, cli->opt.operands[scoring->models]);
    return status == INFER_OK ? score(scoring) : status;
}

static void close_all(struct scoring *scoring)
{
    for (size_t m = 0; m < scoring->models; m++)
        cli_engine_close(&scoring->engines[m]);
    free(scoring->ids.data);
}

/* ---- Sums ---------------------------------------------------------------------------------- */

/* A mean with its standard error. */
struct mean {
    double sum, squares;
    uint64_t count;
};

static void mean_add(struct mean *mean, double value)
{
    mean->sum += value;
    mean->squares += value * value;
    mean->count++;
}

static double mean_value(const struct mean *mean)
{
    return mean->sum / (double)mean->count;
}

static double mean_error(const struct mean *mean)
{
    double value = mean_value(mean);
    double variance = mean->squares / (double)mean->count - value * value;
    return mean->count > 1 && variance > 0 ? sqrt(variance / (double)(mean->count - 1)) : 0;
}

/* log(sum(exp(logits))); *top is the likeliest token, the lower id on a tie. */
static double log_sum(const float *logits, uint32_t count, uint32_t *top)
{
    double sum = 0;
    *top = 0;
    for (uint32_t i = 1; i < count; i++)
        if (logits[i] > logits[*top])
            *top = i;
    double most = logits[*top];
    for (uint32_t i = 0; i < count; i++)
        sum += exp(logits[i] - most);
    return most + log(sum);
}

/* ---- The two commands ---------------------------------------------------------------------- */

struct surprise {
    struct mean nll; /* minus the log probability of the token that came, in nats */
};

static void add_surprise(const struct scoring *scoring, const float *const rows[], infer_token next)
{
    struct surprise *surprise = scoring->ud;
    uint32_t top;
    double all = log_sum(rows[0], scoring->engines[0].info.vocab_size, &top);
    mean_add(&surprise->nll, all - rows[0][next]);
}

infer_status cmd_perplexity(struct cli *cli)
{
    struct surprise surprise = {.nll = {0}};
    struct scoring scoring = {.cli = cli, .models = 1, .score = add_surprise, .ud = &surprise};
    infer_status status = run(&scoring);
    close_all(&scoring);
    if (status != INFER_OK)
        return status;
    double perplexity = exp(mean_value(&surprise.nll));
    double error = perplexity * mean_error(&surprise.nll);
    if (cli->opt.json)
        return cli_output_json(cli, json_pack("{s:o,s:o,s:o}", "ppl", cli_json_real(perplexity),
                                              "error", cli_json_real(error), "tokens",
                                              cli_json_u64(surprise.nll.count)));
    cli_print(cli, "perplexity %.4f +/- %.4f over %llu tokens\n", perplexity, error,
              (unsigned long long)surprise.nll.count);
    return INFER_OK;
}

struct difference {
    struct mean divergence; /* KL(A || B), in nats */
    struct mean agreement;  /* 1 where both have the same likeliest token */
    double most;            /* largest difference of a log probability */
};

static void add_difference(const struct scoring *scoring, const float *const rows[],
                           infer_token next)
{
    struct difference *difference = scoring->ud;
    uint32_t count = scoring->engines[0].info.vocab_size, top_a, top_b;
    double all_a = log_sum(rows[0], count, &top_a), all_b = log_sum(rows[1], count, &top_b);
    double divergence = 0;
    (void)next;
    for (uint32_t i = 0; i < count; i++) {
        double a = rows[0][i] - all_a, b = rows[1][i] - all_b;
        divergence += exp(a) * (a - b);
        if (fabs(a - b) > difference->most)
            difference->most = fabs(a - b);
    }
    mean_add(&difference->divergence, divergence);
    mean_add(&difference->agreement, top_a == top_b);
}

infer_status cmd_compare(struct cli *cli)
{
    struct difference difference = {.most = 0};
    struct scoring scoring = {.cli = cli, .models = 2, .score = add_difference, .ud = &difference};
    infer_status status = run(&scoring);
    close_all(&scoring);
    if (status != INFER_OK)
        return status;
    double divergence = mean_value(&difference.divergence);
    double error = mean_error(&difference.divergence);
    double agreement = mean_value(&difference.agreement);
    if (cli->opt.json)
        return cli_output_json(
            cli, json_pack("{s:o,s:o,s:o,s:o,s:o}", "kl", cli_json_real(divergence), "error",
                           cli_json_real(error), "top1", cli_json_real(agreement), "max_abs",
                           cli_json_real(difference.most), "tokens",
                           cli_json_u64(difference.divergence.count)));
    cli_print(cli, "KL divergence    %.6f +/- %.6f nats\n", divergence, error);
    cli_print(cli, "top-1 agreement  %.2f %%\n", agreement * 100);
    cli_print(cli, "largest diff.    %.6f (log probability)\n", difference.most);
    cli_print(cli, "tokens           %llu\n", (unsigned long long)difference.divergence.count);
    return INFER_OK;
}
