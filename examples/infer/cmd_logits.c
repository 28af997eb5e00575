/* infer logits, infer embed: raw numbers for ids. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 32 /* positions whose logits one evaluation keeps */

/* Marks the positions of "I,J,..." among `count`; they rise. */
static infer_status parse_at(struct cli *cli, const char *text, bool *want, size_t count)
{
    size_t least = 0;
    for (const char *at = text;; at++) {
        size_t digits = strspn(at, "0123456789");
        char *end;
        if (digits == 0 || digits > 10)
            return cli_usage(cli, "--at: '%.100s' is not I,J,...", text);
        size_t position = strtoull(at, &end, 10);
        if (position < least)
            return cli_usage(cli, "--at: %zu does not rise", position);
        if (position >= count)
            return cli_fail(cli, INFER_E_ARGUMENT, "--at: position %zu, there are %zu tokens",
                            position, count);
        want[position] = true;
        least = position + 1;
        at = end;
        if (*at == '\0')
            return INFER_OK;
        if (*at != ',')
            return cli_usage(cli, "--at: '%.100s' is not I,J,...", text);
    }
}

/* The tokens of one evaluation: at most a batch, at most `rows` wanted positions among them. */
static size_t next_step(const bool *want, size_t left, size_t batch, size_t rows, size_t *wanted)
{
    size_t step = 0;
    *wanted = 0;
    while (step < left && step < batch && (*wanted < rows || !want[step]))
        *wanted += want[step++];
    return step;
}

/* A step at a time, so that memory does not grow with the number of tokens. */
static infer_status write_logits(struct cli *cli, struct cli_engine *engine,
                                 const struct cli_ids *ids, const bool *want)
{
    size_t row_bytes = engine->info.vocab_size * sizeof(float);
    infer_status status = INFER_OK;
    cli_progress_start(cli);
    for (size_t at = 0; at < ids->count && status == INFER_OK;) {
        size_t wanted;
        size_t step = next_step(want + at, ids->count - at, engine->plan_info.batch, ROWS, &wanted);
        status = infer_session_eval(engine->session, ids->data + at, step, want + at, &cli->err);
        if (status != INFER_OK)
            break;
        for (size_t row = 0; row < wanted; row++)
            cli_output(cli, infer_session_logits(engine->session, row), row_bytes);
        at += step;
        cli_progress(cli, "evaluating", (double)at / (double)ids->count);
    }
    cli_progress_end(cli);
    return status;
}

infer_status cmd_logits(struct cli *cli)
{
    struct cli_engine engine = {.logit_rows = ROWS};
    struct cli_ids ids = {0};
    bool *want = NULL;
    infer_status status = cli_read_ids(cli, &ids);
    if (status == INFER_OK && ids.count == 0)
        status = cli_fail(cli, INFER_E_ARGUMENT, "stdin: the array is empty");
    if (status == INFER_OK) {
        want = cli_alloc(ids.count, sizeof *want);
        if (cli->opt.at)
            status = parse_at(cli, cli->opt.at, want, ids.count);
        else
            memset(want, true, ids.count);
    }
    if (status == INFER_OK)
        status = cli_open_session(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK && ids.count > engine.plan_info.context)
        status = cli_fail(cli, INFER_E_CONTEXT, "%zu tokens do not fit into a context of %u",
                          ids.count, engine.plan_info.context);
    if (status == INFER_OK)
        status = write_logits(cli, &engine, &ids, want);
    free(want);
    free(ids.data);
    cli_engine_close(&engine);
    return status;
}

/* The tokens of a text that is given, else those on stdin. */
static infer_status embed_ids(struct cli *cli, const struct cli_engine *engine, struct cli_ids *ids)
{
    struct cli_bytes text = {0};
    if (!cli->opt.prompt && !cli->opt.prompt_file)
        return cli_read_ids(cli, ids);
    infer_status status = cli_read_prompt(cli, &text);
    if (status == INFER_OK)
        status = cli_tokenize(cli, engine, text.data, text.len,
                              INFER_TOKENIZE_ADD_SPECIAL | INFER_TOKENIZE_PLAIN, ids);
    free(text.data);
    return status;
}

static infer_status write_embedding(struct cli *cli, const float *vector, size_t count)
{
    if (!cli->opt.json) {
        cli_output(cli, vector, count * sizeof *vector);
        return INFER_OK;
    }
    json_t *numbers = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(numbers, cli_json_real(vector[i]));
    return cli_output_json(cli, numbers);
}

infer_status cmd_embed(struct cli *cli)
{
    struct cli_engine engine = {.embedding = true};
    struct cli_ids ids = {0};
    infer_status status = cli_open_model(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK)
        status = embed_ids(cli, &engine, &ids);
    if (status == INFER_OK && ids.count == 0)
        status = cli_fail(cli, INFER_E_ARGUMENT, "there are no tokens");
    if (status == INFER_OK)
        status = cli_open_session(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK)
        status = infer_session_eval(engine.session, ids.data, ids.count, NULL, &cli->err);
    if (status == INFER_OK)
        status = write_embedding(cli, infer_session_embedding(engine.session),
                                 engine.info.embedding_length);
    free(ids.data);
    cli_engine_close(&engine);
    return status;
}
