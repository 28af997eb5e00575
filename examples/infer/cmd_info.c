/* infer info, infer tensor, infer models: what a file holds, and what can be run. */
#include "cli.h"

#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SHOWN 5  /* elements of an array */
#define TEXT_SHOWN 120 /* bytes of a text, for a person */
#define TYPES_MAX 64
#define TENSOR_BLOCK (1u << 18) /* weights dequantised at once */

static const char *const meta_type_names[] = {"u8",   "i8",  "u16", "i16", "u32", "i32", "f32",
                                              "bool", "str", "arr", "u64", "i64", "f64"};

struct types {
    struct {
        const char *name;
        uint64_t tensors, bytes;
    } rows[TYPES_MAX];
    size_t count;
};

/* Counts the tensors of each type; those beyond TYPES_MAX types (there are fewer) are left out. */
static infer_status count_types(struct cli *cli, const struct cli_engine *engine,
                                struct types *types)
{
    for (uint64_t i = 0; i < engine->info.tensor_count; i++) {
        infer_tensor_info tensor;
        size_t t = 0;
        if (infer_model_tensor(engine->model, i, &tensor, &cli->err) != INFER_OK)
            return cli->err.status;
        while (t < types->count && strcmp(types->rows[t].name, tensor.type) != 0)
            t++;
        if (t == TYPES_MAX)
            continue;
        if (t == types->count)
            types->rows[types->count++].name = tensor.type;
        types->rows[t].tensors++;
        types->rows[t].bytes += tensor.bytes;
    }
    return INFER_OK;
}

/* The shortest decimal number that is this f32, as a double. */
static double shortest(double value)
{
    char text[40];
    double read = value;
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        read = strtod(text, NULL);
        if ((float)read == (float)value)
            break;
    }
    return read;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *json_of_value(const infer_meta_value *value)
{
    switch (value->type) {
    case INFER_META_STRING:
        return cli_json_text(value->text, value->text_len);
    case INFER_META_BOOL:
        return json_boolean(value->u != 0);
    case INFER_META_F32:
        return cli_json_real(shortest(value->f));
    case INFER_META_F64:
        return cli_json_real(value->f);
    case INFER_META_I8:
    case INFER_META_I16:
    case INFER_META_I32:
    case INFER_META_I64:
        return json_integer(value->i);
    default:
        return cli_json_u64(value->u);
    }
}

/* A plain value as it is; of an array the type, the count and the first few elements. */
static json_t *json_of_meta(const infer_model *model, uint64_t index, const infer_meta *meta)
{
    infer_meta_value value;
    if (meta->type != INFER_META_ARRAY)
        return infer_model_meta_value(model, index, 0, &value, NULL) == INFER_OK
                   ? json_of_value(&value)
                   : json_null();
    json_t *first = json_array();
    for (uint64_t i = 0; i < meta->count && i < ARRAY_SHOWN; i++)
        if (infer_model_meta_value(model, index, i, &value, NULL) == INFER_OK)
            json_array_append_new(first, json_of_value(&value));
    return json_pack("{s:s,s:o,s:o}", "items", meta_type_names[meta->items], "count",
                     cli_json_u64(meta->count), "first", first);
}

static bool is_template(const infer_meta *meta)
{
    static const char key[] = "tokenizer.chat_template";
    return meta->key_len == sizeof key - 1 && memcmp(meta->key, key, meta->key_len) == 0;
}

/* All but the chat template, which has a place of its own. */
static json_t *json_metadata(const struct cli_engine *engine)
{
    json_t *object = json_object();
    for (uint64_t i = 0; i < engine->info.meta_count; i++) {
        infer_meta meta;
        if (infer_model_meta(engine->model, i, &meta, NULL) != INFER_OK || is_template(&meta))
            continue;
        struct cli_bytes key = {0};
        cli_escape(&key, meta.key, meta.key_len, true);
        json_object_set_new(object, key.data, json_of_meta(engine->model, i, &meta));
        free(key.data);
    }
    return object;
}

static json_t *json_tensors(const struct cli_engine *engine)
{
    json_t *array = json_array();
    for (uint64_t i = 0; i < engine->info.tensor_count; i++) {
        infer_tensor_info tensor;
        if (infer_model_tensor(engine->model, i, &tensor, NULL) != INFER_OK)
            continue;
        json_t *shape = json_array();
        for (uint32_t d = 0; d < tensor.dims && d < 4; d++)
            json_array_append_new(shape, cli_json_u64(tensor.shape[d]));
        json_array_append_new(array, json_pack("{s:o,s:s,s:o,s:o}", "name",
                                               cli_json_text(tensor.name, tensor.name_len), "type",
                                               tensor.type, "shape", shape, "bytes",
                                               cli_json_u64(tensor.bytes)));
    }
    return array;
}

static json_t *text_or_null(const char *text)
{
    return cli_json_text(text, text ? strlen(text) : 0);
}

/* What a chat template is known by: it may say other things than the one that its model came with, which
 * nobody sees who reads the answers alone. Of all its bytes, a NUL among them. False: there is none. */
static bool template_sum(const struct cli_engine *engine, size_t *len,
                         char sum[SHA256_DIGEST_STRING_LENGTH])
{
    infer_meta meta;
    infer_meta_value value;
    for (uint64_t i = 0; i < engine->info.meta_count; i++)
        if (infer_model_meta(engine->model, i, &meta, NULL) == INFER_OK && is_template(&meta) &&
            meta.type == INFER_META_STRING &&
            infer_model_meta_value(engine->model, i, 0, &value, NULL) == INFER_OK) {
            *len = value.text_len;
            SHA256Data((const uint8_t *)value.text, value.text_len, sum);
            return true;
        }
    return false;
}

static json_t *info_json(const struct cli *cli, const struct cli_engine *engine,
                         const struct types *types)
{
    const infer_model_info *info = &engine->info;
    infer_error why;
    bool runs = infer_model_check(engine->model, &why) == INFER_OK;
    json_t *counts = json_object();
    for (size_t i = 0; i < types->count; i++)
        json_object_set_new(counts, types->rows[i].name, cli_json_u64(types->rows[i].tensors));
    json_t *object = json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "architecture",
        text_or_null(info->architecture), "name", text_or_null(info->name), "parameters",
        cli_json_u64(info->parameters), "tensors", cli_json_u64(info->tensor_count), "types",
        counts, "context", cli_json_u64(info->context_length), "vocab",
        cli_json_u64(info->vocab_size), "tokenizer", text_or_null(info->tokenizer), "template",
        text_or_null(info->chat_template), "runs", runs ? json_true() : text_or_null(why.text));
    if (!object)
        return NULL;
    json_object_set_new(object, "pre_tokenizer", text_or_null(info->pre_tokenizer));
    size_t len;
    char sum[SHA256_DIGEST_STRING_LENGTH];
    json_object_set_new(object, "template_sha256",
                        text_or_null(template_sum(engine, &len, sum) ? sum : NULL));
    json_object_set_new(object, "file_bytes", cli_json_u64(info->file_bytes));
    json_object_set_new(object, "metadata", json_metadata(engine));
    if (cli->opt.tensors)
        json_object_set_new(object, "tensor_list", json_tensors(engine));
    return object;
}

/* ---- For a person -------------------------------------------------------------------------- */

/* A text from the file; the end of a long one is left out, and its length said. */
static void print_text(struct cli *cli, const char *text, size_t len)
{
    struct cli_bytes line = {0};
    cli_escape(&line, text, len > TEXT_SHOWN ? TEXT_SHOWN : len, true);
    cli_output(cli, line.data, line.len);
    if (len > TEXT_SHOWN)
        cli_print(cli, " ... (%zu bytes)", len);
    free(line.data);
}

static void print_value(struct cli *cli, const infer_meta_value *value)
{
    json_t *json;
    switch (value->type) {
    case INFER_META_STRING:
        print_text(cli, value->text, value->text_len);
        return;
    case INFER_META_F32:
        cli_print(cli, "%.9g", shortest(value->f));
        return;
    case INFER_META_F64:
        cli_print(cli, "%.17g", value->f);
        return;
    default:
        json = json_of_value(value);
        char *text = json_dumps(json, JSON_ENCODE_ANY);
        cli_print(cli, "%s", text ? text : "?");
        free(text);
        json_decref(json);
    }
}

static void print_metadata(struct cli *cli, const struct cli_engine *engine)
{
    cli_print(cli, "\nMetadata\n");
    for (uint64_t i = 0; i < engine->info.meta_count; i++) {
        infer_meta meta;
        infer_meta_value value;
        if (infer_model_meta(engine->model, i, &meta, NULL) != INFER_OK)
            continue;
        bool array = meta.type == INFER_META_ARRAY;
        cli_print(cli, "  %-4s ", meta_type_names[array ? meta.items : meta.type]);
        print_text(cli, meta.key, meta.key_len);
        if (array)
            cli_print(cli, "[%llu]", (unsigned long long)meta.count);
        cli_print(cli, " = ");
        for (uint64_t item = 0; item < meta.count && item < ARRAY_SHOWN; item++) {
            if (infer_model_meta_value(engine->model, i, item, &value, NULL) != INFER_OK)
                break;
            cli_print(cli, "%s", item ? ", " : "");
            print_value(cli, &value);
        }
        cli_print(cli, "%s\n", array && meta.count > ARRAY_SHOWN ? ", ..." : "");
    }
}

static void print_tensors(struct cli *cli, const struct cli_engine *engine)
{
    cli_print(cli, "\nTensors (row length first)\n");
    for (uint64_t i = 0; i < engine->info.tensor_count; i++) {
        infer_tensor_info tensor;
        if (infer_model_tensor(engine->model, i, &tensor, NULL) != INFER_OK)
            continue;
        char shape[96] = "";
        size_t at = 0;
        for (uint32_t d = 0; d < tensor.dims && d < 4; d++)
            at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%llu", d ? " x " : "",
                                   (unsigned long long)tensor.shape[d]);
        cli_print(cli, "  %-8s %-24s %14llu  ", tensor.type, shape,
                  (unsigned long long)tensor.bytes);
        print_text(cli, tensor.name, tensor.name_len);
        cli_print(cli, "\n");
    }
}

/* Why it does not run, whole: the words of whatever refuses it. */
static void print_reason(struct cli *cli, const char *text)
{
    struct cli_bytes line = {0};
    cli_escape(&line, text, strlen(text), true);
    cli_print(cli, "%-14s", "runs");
    cli_output(cli, line.data, line.len);
    cli_print(cli, "\n");
    free(line.data);
}

static void print_field(struct cli *cli, const char *name, const char *text)
{
    cli_print(cli, "%-14s", name);
    if (text)
        print_text(cli, text, strlen(text));
    else
        cli_print(cli, "-");
    cli_print(cli, "\n");
}

static void print_info(struct cli *cli, const struct cli_engine *engine, const struct types *types)
{
    const infer_model_info *info = &engine->info;
    infer_error why;
    bool runs = infer_model_check(engine->model, &why) == INFER_OK;
    print_field(cli, "architecture", info->architecture);
    print_field(cli, "name", info->name);
    cli_print(cli, "%-14s%llu\n", "parameters", (unsigned long long)info->parameters);
    cli_print(cli, "%-14s%.1f MiB\n", "file", (double)info->file_bytes / 1048576);
    cli_print(cli, "%-14s%u\n", "context", info->context_length);
    cli_print(cli, "%-14s%u\n", "vocabulary", info->vocab_size);
    print_field(cli, "tokenizer", info->tokenizer);
    print_field(cli, "pre-tokenizer", info->pre_tokenizer);
    size_t len;
    char sum[SHA256_DIGEST_STRING_LENGTH];
    if (template_sum(engine, &len, sum))
        cli_print(cli, "%-14s%zu bytes, sha256 %s\n", "chat template", len, sum);
    else
        print_field(cli, "chat template", NULL);
    print_reason(cli, runs ? "yes" : why.text);
    cli_print(cli, "\n%-14s%10s%14s\n", "type", "tensors", "MiB");
    for (size_t i = 0; i < types->count; i++)
        cli_print(cli, "%-14s%10llu%14.1f\n", types->rows[i].name,
                  (unsigned long long)types->rows[i].tensors,
                  (double)types->rows[i].bytes / 1048576);
    print_metadata(cli, engine);
    if (cli->opt.tensors)
        print_tensors(cli, engine);
}

infer_status cmd_info(struct cli *cli)
{
    struct cli_engine engine = {0};
    struct types types = {.count = 0};
    infer_status status = cli_open_model(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK)
        status = count_types(cli, &engine, &types);
    if (status == INFER_OK && cli->opt.json)
        status = cli_output_json(cli, info_json(cli, &engine, &types));
    else if (status == INFER_OK)
        print_info(cli, &engine, &types);
    cli_engine_close(&engine);
    return status;
}

/* ---- tensor, models ------------------------------------------------------------------------ */

/* All rows, (rows, row_len) floats, a block of rows at a time. */
static infer_status write_rows(struct cli *cli, const struct cli_engine *engine, uint64_t index)
{
    infer_tensor_info tensor;
    infer_status status = infer_model_tensor(engine->model, index, &tensor, &cli->err);
    if (status != INFER_OK || tensor.elements == 0)
        return status;
    uint64_t row_len = tensor.shape[0], rows = tensor.elements / row_len;
    uint64_t step = row_len >= TENSOR_BLOCK ? 1 : TENSOR_BLOCK / row_len;
    if (step > rows)
        step = rows;
    float *block = malloc(
        step * row_len > SIZE_MAX / sizeof *block ? SIZE_MAX : step * row_len * sizeof *block);
    if (!block)
        return cli_fail(cli, INFER_E_MEMORY, "no memory for a row of %llu weights",
                        (unsigned long long)row_len);
    for (uint64_t row = 0; row < rows && status == INFER_OK; row += step) {
        uint64_t count = rows - row < step ? rows - row : step;
        status = infer_model_tensor_rows(engine->model, index, row, count, block, &cli->err);
        if (status == INFER_OK)
            cli_output(cli, block, count * row_len * sizeof *block);
    }
    free(block);
    return status;
}

infer_status cmd_tensor(struct cli *cli)
{
    struct cli_engine engine = {0};
    uint64_t index = 0;
    infer_status status = cli_open_model(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK)
        status = infer_model_tensor_find(engine.model, cli->opt.operands[1], &index, &cli->err);
    if (status == INFER_OK)
        status = write_rows(cli, &engine, index);
    cli_engine_close(&engine);
    return status;
}

static void print_architecture(struct cli *cli, const infer_arch_info *info)
{
    if (info->error >= 0.0)
        cli_print(cli, "%-16s %-72s %7.0e  %s\n", info->name, info->models, info->error,
                  info->reference);
    else
        cli_print(cli, "%-16s %-72s not compared\n", info->name, info->models);
}

infer_status cmd_models(struct cli *cli)
{
    json_t *names = json_array(), *rows = json_array();
    infer_arch_info info;
    if (!cli->opt.json)
        cli_print(cli, "%-16s %-72s %7s  %s\n", "architecture", "models", "error",
                  "(the largest of a logit, in exact arithmetic) against");
    for (size_t i = 0; infer_arch_get_info(i, &info, NULL) == INFER_OK; i++) {
        json_array_append_new(names, json_string(info.name));
        json_array_append_new(
            rows, json_pack("{s:s,s:s,s:o,s:s}", "name", info.name, "models", info.models, "error",
                            info.error >= 0.0 ? json_real(info.error) : json_null(), "reference",
                            info.reference));
        if (!cli->opt.json)
            print_architecture(cli, &info);
    }
    if (cli->opt.json)
        return cli_output_json(cli,
                               json_pack("{s:o,s:o}", "architectures", names, "measured", rows));
    json_decref(names);
    json_decref(rows);
    return INFER_OK;
}
