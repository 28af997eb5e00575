/* Opens a model, lays it out, loads it: as far as a command needs. */
#include "cli.h"

#include <string.h>

static bool on_read(void *ud, double fraction)
{
    cli_progress(ud, "reading the file", fraction);
    return !cli_interrupted();
}

static bool on_load(void *ud, double fraction)
{
    cli_progress(ud, "loading", fraction);
    return !cli_interrupted();
}

infer_status cli_open_model(struct cli *cli, const char *path, struct cli_engine *engine)
{
    infer_model_options options = {.size = sizeof options,
                                   .log = cli_log,
                                   .log_ud = cli,
                                   .no_mmap = cli->opt.no_mmap,
                                   .progress = on_read,
                                   .progress_ud = cli};
    cli_progress_start(cli);
    infer_status status = infer_model_open(path, &options, &engine->model, &cli->err);
    cli_progress_end(cli);
    if (status == INFER_OK)
        infer_model_get_info(engine->model, &engine->info);
    return status;
}

infer_status cli_open_plan(struct cli *cli, const char *path, struct cli_engine *engine)
{
    infer_status status = engine->model ? INFER_OK : cli_open_model(cli, path, engine);
    if (status != INFER_OK)
        return status;
    infer_plan_options options = {.size = sizeof options,
                                  .context = cli->opt.context,
                                  .batch = cli->opt.batch,
                                  .threads = cli->opt.threads,
                                  .logit_rows = engine->logit_rows,
                                  .kv = (infer_kv_type)cli->opt.kv,
                                  .isa = cli->opt.isa,
                                  .exact = cli->opt.exact,
                                  .approx = cli->opt.approx,
                                  .embedding = engine->embedding,
                                  .overcommit = cli->opt.overcommit};
    status = infer_plan_new(engine->model, &options, &engine->plan, &cli->err);
    if (status != INFER_OK)
        return status;
    infer_plan_get_info(engine->plan, &engine->plan_info);
    return INFER_OK;
}

infer_status cli_open_session(struct cli *cli, const char *path, struct cli_engine *engine)
{
    infer_status status = cli_open_plan(cli, path, engine);
    if (status != INFER_OK)
        return status;
    cli_progress_start(cli);
    status = infer_plan_load(engine->plan, on_load, cli, &cli->err);
    cli_progress_end(cli);
    if (status != INFER_OK)
        return status;
    return infer_session_new(engine->plan, &engine->session, &cli->err);
}

infer_status cli_open_grammar(struct cli *cli, const char *path, struct cli_engine *engine)
{
    const char *file = cli->opt.grammar ? cli->opt.grammar : cli->opt.schema;
    struct cli_bytes text = {0};
    if (!file)
        return INFER_OK;
    if (cli->opt.grammar && cli->opt.schema)
        return cli_usage(cli, "--grammar and --schema do not go together");
    infer_status status = cli_open_model(cli, path, engine);
    if (status == INFER_OK)
        status = cli_read_text(cli, file, &text);
    if (status == INFER_OK) {
        infer_error err;
        status = infer_grammar_new(
            engine->model, cli->opt.grammar ? INFER_GRAMMAR_GBNF : INFER_GRAMMAR_JSON_SCHEMA,
            text.data, text.len, &engine->grammar, &err);
        if (status != INFER_OK)
            cli_fail(cli, status, "%.100s: %.390s", file, err.text);
    }
    free(text.data);
    return status;
}

void cli_engine_close(struct cli_engine *engine)
{
    infer_grammar_free(engine->grammar);
    infer_session_free(engine->session);
    infer_plan_free(engine->plan);
    infer_model_free(engine->model);
    *engine = (struct cli_engine){0};
}

infer_status cli_tokenize(struct cli *cli, const struct cli_engine *engine, const char *text,
                          size_t len, unsigned flags, struct cli_ids *ids)
{
    size_t count = 0;
    cli_ids_reserve(ids, ids->count + len / 4 + 16);
    infer_status status = infer_tokenize(engine->model, text, len, flags, ids->data + ids->count,
                                         ids->capacity - ids->count, &count, &cli->err);
    if (status == INFER_E_RANGE) {
        cli_ids_reserve(ids, ids->count + count);
        status = infer_tokenize(engine->model, text, len, flags, ids->data + ids->count,
                                ids->capacity - ids->count, &count, &cli->err);
    }
    if (status == INFER_OK)
        ids->count += count;
    return status;
}

infer_status cli_asks_bos(struct cli *cli, const struct cli_engine *engine, bool *asks)
{
    infer_token ids[8];
    size_t count = 0;
    infer_status status = infer_tokenize(engine->model, "", 0, INFER_TOKENIZE_ADD_BOS, ids,
                                         sizeof ids / sizeof ids[0], &count, &cli->err);
    *asks = status == INFER_OK && count != 0;
    return status;
}

infer_status cli_tokenize_prompt(struct cli *cli, const struct cli_engine *engine, const char *text,
                                 size_t len, struct cli_ids *ids)
{
    return cli_tokenize(cli, engine, text, len, INFER_TOKENIZE_ADD_BOS, ids);
}
