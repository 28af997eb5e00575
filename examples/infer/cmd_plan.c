/* infer plan: every byte that a model will take, before any of it is taken. */
#include "cli.h"

#include <stdlib.h>

struct kind {
    const char *key, *name;
    uint64_t bytes;
};

#define KINDS 9

static void list_kinds(const infer_plan_memory *memory, struct kind kinds[KINDS])
{
    const struct kind all[KINDS] = {
        {"weights_mapped", "weights, mapped", memory->weights_mapped},
        {"weights_owned", "weights, owned", memory->weights_owned},
        {"weights_made", "weights, made", memory->weights_made},
        {"kv", "KV cache", memory->kv},
        {"state", "recurrent state", memory->state},
        {"activations", "activations", memory->activations},
        {"scratch", "scratch", memory->scratch},
        {"logits", "logits", memory->logits},
        {"tables", "tables", memory->tables},
    };
    for (size_t i = 0; i < KINDS; i++)
        kinds[i] = all[i];
}

static infer_status read_steps(struct cli *cli, const struct cli_engine *engine,
                               struct cli_bytes *steps)
{
    size_t len = 0;
    infer_status status = infer_plan_explain(engine->plan, NULL, 0, &len, &cli->err);
    if (status == INFER_E_RANGE) {
        steps->data = cli_alloc(len + 1, 1);
        status = infer_plan_explain(engine->plan, steps->data, len, &len, &cli->err);
        steps->len = len;
    }
    return status;
}

static infer_status show_json(struct cli *cli, const struct cli_engine *engine,
                              const infer_plan_memory *memory, const struct cli_bytes *steps)
{
    const infer_plan_info *info = &engine->plan_info;
    struct kind kinds[KINDS];
    json_t *bytes = json_object();
    list_kinds(memory, kinds);
    for (size_t i = 0; i < KINDS; i++)
        json_object_set_new(bytes, kinds[i].key, cli_json_u64(kinds[i].bytes));
    json_t *value = json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:o,s:o}", "total_bytes", cli_json_u64(memory->total),
        "bytes", bytes, "available_bytes", cli_json_u64(memory->available), "context",
        cli_json_u64(info->context), "batch", cli_json_u64(info->batch), "threads",
        cli_json_u64(info->threads), "isa", info->isa, "kv", info->kv, "weight_bytes_per_token",
        cli_json_u64(info->weight_bytes_per_token), "ops_per_token",
        cli_json_u64(info->ops_per_token));
    if (value && cli->opt.explain)
        json_object_set_new(value, "steps", cli_json_text(steps->data, steps->len));
    return cli_output_json(cli, value);
}

static void show_row(struct cli *cli, const char *name, uint64_t bytes)
{
    cli_print(cli, "%-18s%16llu%12.1f MiB\n", name, (unsigned long long)bytes,
              (double)bytes / 1048576);
}

static void show_table(struct cli *cli, const struct cli_engine *engine,
                       const infer_plan_memory *memory, const struct cli_bytes *steps)
{
    const infer_plan_info *info = &engine->plan_info;
    struct kind kinds[KINDS];
    list_kinds(memory, kinds);
    cli_print(cli, "context %u, batch %u, threads %u, kernels %s, KV %s\n\n", info->context,
              info->batch, info->threads, info->isa, info->kv);
    cli_print(cli, "%-18s%16s\n", "", "bytes");
    for (size_t i = 0; i < KINDS; i++)
        show_row(cli, kinds[i].name, kinds[i].bytes);
    show_row(cli, "total", memory->total);
    show_row(cli, "available now", memory->available);
    cli_print(cli, "\nOne token reads %.1f MiB of weights and takes %.3f Gop.\n",
              (double)info->weight_bytes_per_token / 1048576, (double)info->ops_per_token * 1e-9);
    if (memory->state != 0)
        cli_print(cli,
                  "The recurrent state stands 1 + %u times: now, and where a conversation may go "
                  "back to.\n",
                  info->checkpoints);
    if (cli->opt.explain) {
        cli_print(cli, "\n");
        cli_output(cli, steps->data, steps->len);
    }
}

infer_status cmd_plan(struct cli *cli)
{
    struct cli_engine engine = {0};
    struct cli_bytes steps = {0};
    infer_plan_memory memory;
    infer_status status = cli_open_plan(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK && cli->opt.explain)
        status = read_steps(cli, &engine, &steps);
    if (status == INFER_OK) {
        infer_plan_get_memory(engine.plan, &memory);
        if (cli->opt.json)
            status = show_json(cli, &engine, &memory, &steps);
        else
            show_table(cli, &engine, &memory, &steps);
    }
    free(steps.data);
    cli_engine_close(&engine);
    return status;
}
