/* infer tokenize, infer detokenize: text and ids, by the file's own tokenizer. */
#include "cli.h"

#include <stdlib.h>

infer_status cmd_tokenize(struct cli *cli)
{
    struct cli_engine engine = {0};
    struct cli_bytes text = {0};
    struct cli_ids ids = {0};
    unsigned flags = (cli->opt.no_special_add ? 0 : INFER_TOKENIZE_ADD_SPECIAL) |
                     (cli->opt.plain ? INFER_TOKENIZE_PLAIN : 0);
    infer_status status = cli_read_text(cli, NULL, &text);
    if (status == INFER_OK)
        status = cli_open_model(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK)
        status = cli_tokenize(cli, &engine, text.data, text.len, flags, &ids);
    if (status == INFER_OK) {
        cli_print_ids(cli, ids.data, ids.count);
        cli_output(cli, "\n", 1);
    }
    free(ids.data);
    free(text.data);
    cli_engine_close(&engine);
    return status;
}

static infer_status print_bytes(struct cli *cli, const struct cli_engine *engine,
                                const struct cli_ids *ids)
{
    size_t capacity = ids->count * 8 + 64, len = 0;
    char *text = cli_alloc(capacity, 1);
    infer_status status =
        infer_detokenize(engine->model, ids->data, ids->count, text, capacity, &len, &cli->err);
    if (status == INFER_E_RANGE) {
        free(text);
        text = cli_alloc(len, 1);
        status = infer_detokenize(engine->model, ids->data, ids->count, text, len, &len, &cli->err);
    }
    if (status == INFER_OK)
        cli_output(cli, text, len);
    free(text);
    return status;
}

infer_status cmd_detokenize(struct cli *cli)
{
    struct cli_engine engine = {0};
    struct cli_ids ids = {0};
    infer_status status = cli_read_ids(cli, &ids);
    if (status == INFER_OK)
        status = cli_open_model(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK)
        status = print_bytes(cli, &engine, &ids);
    free(ids.data);
    cli_engine_close(&engine);
    return status;
}
