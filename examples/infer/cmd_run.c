/* infer run: goes on from a text. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static infer_status check_options(struct cli *cli)
{
    const struct cli_options *opt = &cli->opt;
    if (opt->logprobs != CLI_UNSET && !opt->json)
        return cli_usage(cli, "--logprobs is for --json");
    if (opt->ids && (opt->prompt || opt->prompt_file))
        return cli_usage(cli, "--ids reads the prompt from stdin; -p and -f do not go with it");
    return INFER_OK;
}

/* What the user wants gone on from: known before the model is opened, so that a wrong path or an
 * empty stdin costs no time. */
static infer_status read_input(struct cli *cli, struct cli_bytes *text, struct cli_ids *ids)
{
    infer_status status = check_options(cli);
    if (status != INFER_OK)
        return status;
    return cli->opt.ids ? cli_read_ids(cli, ids) : cli_read_prompt(cli, text);
}

static infer_status show(struct cli *cli, const struct cli_turn *turn)
{
    if (cli->opt.json)
        return cli_output_json_decimal(cli, cli_turn_json(turn));
    if (cli->opt.ids) {
        cli_print_ids(cli, turn->ids.data, turn->ids.count);
        cli_output(cli, "\n", 1);
    } else if (isatty(STDOUT_FILENO)) {
        cli_output(cli, "\n", 1); /* not part of the text */
    }
    return INFER_OK;
}

static infer_status run_session(struct cli *cli, struct cli_engine *engine, infer_sampler *sampler,
                                const struct cli_ids *ids, struct cli_turn *turn)
{
    infer_status status = INFER_OK;
    if (cli->opt.restore)
        status = infer_session_restore(engine->session, cli->opt.restore, &cli->err);
    if (status == INFER_OK)
        status = cli_turn_run(cli, engine, sampler, ids->data, ids->count, turn);
    if (status == INFER_OK && cli->opt.save && turn->stop != INFER_STOP_CANCELLED)
        status = infer_session_save(engine->session, cli->opt.save, &cli->err);
    if (status == INFER_OK)
        status = show(cli, turn);
    if (status == INFER_OK) {
        char summary[256];
        cli_turn_summary(turn, summary, sizeof summary);
        cli_notice(cli, "%s", summary);
    }
    return status;
}

infer_status cmd_run(struct cli *cli)
{
    struct cli_engine engine = {0};
    struct cli_bytes text = {0};
    struct cli_ids ids = {0};
    struct cli_turn turn = {.stream = !cli->opt.json && !cli->opt.ids};
    infer_sampler *sampler = NULL;

    cli_interrupt_install();
    infer_status status = read_input(cli, &text, &ids);
    if (status == INFER_OK)
        status = cli_open_grammar(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK)
        status = cli_open_session(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK && !cli->opt.ids)
        status = cli_tokenize_prompt(cli, &engine, text.data, text.len, &ids);
    if (status == INFER_OK)
        status = cli_sampler_new(cli, &engine, &sampler);
    if (status == INFER_OK)
        status = run_session(cli, &engine, sampler, &ids, &turn);

    cli_turn_free(&turn);
    infer_sampler_free(sampler);
    cli_engine_close(&engine);
    free(text.data);
    free(ids.data);
    return status;
}
