/* infer template: a chat template rendered with the variables of a JSON object. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the local clock shows, as seconds since 1970; SOURCE_DATE_EPOCH, where it is set, stands for
 * the clock. */
int64_t cli_local_time(void)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char *end = NULL;
    time_t now = time(NULL);
    struct tm local;
    if (epoch && *epoch) {
        long long value = strtoll(epoch, &end, 10);
        if (*end == '\0')
            now = (time_t)value;
    }
    if (!localtime_r(&now, &local))
        return (int64_t)now;
    return (int64_t)now + local.tm_gmtoff;
}

static bool is_gguf(const char *path)
{
    char magic[4] = "";
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t got = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return got == sizeof magic && memcmp(magic, "GGUF", sizeof magic) == 0;
}

infer_status cli_open_template(struct cli *cli, infer_model *model, const char *path,
                               infer_template **t)
{
    struct cli_bytes text = {0};
    infer_status status;
    if (!path) {
        status = infer_template_new(model, NULL, 0, t, &cli->err);
        size_t len = strlen(cli->err.text);
        if (status == INFER_E_UNSUPPORTED)
            snprintf(cli->err.text + len, sizeof cli->err.text - len,
                     " (--chat-template FILE gives it one)");
        return status;
    }
    status = cli_read_text(cli, path, &text);
    if (status == INFER_OK)
        status = infer_template_new(model, text.data, text.len, t, &cli->err);
    free(text.data);
    return status;
}

static infer_status render(struct cli *cli, infer_template *template)
{
    struct cli_bytes variables = {0};
    const infer_span *spans;
    size_t count;
    int64_t now = cli_local_time();
    infer_status status = cli_read_text(cli, NULL, &variables);
    if (status == INFER_OK && strspn(variables.data, " \t\r\n") == variables.len)
        status = cli_fail(cli, INFER_E_FORMAT,
                          "stdin: empty; the template's variables are read from there, as JSON: "
                          "{\"messages\": [...], ...}");
    if (status == INFER_OK)
        status = infer_template_render(template, variables.data, variables.len, &now, &spans,
                                       &count, &cli->err);
    for (size_t i = 0; status == INFER_OK && i < count; i++)
        cli_output(cli, spans[i].text, spans[i].len);
    free(variables.data);
    return status;
}

infer_status cmd_template(struct cli *cli)
{
    const char *path = cli->opt.operands[0];
    struct cli_engine engine = {0};
    infer_template *template = NULL;
    bool gguf = is_gguf(path);
    infer_status status = gguf ? cli_open_model(cli, path, &engine) : INFER_OK;
    if (status == INFER_OK)
        status = cli_open_template(cli, engine.model, gguf ? NULL : path, &template);
    if (status == INFER_OK)
        status = render(cli, template);
    infer_template_free(template);
    cli_engine_close(&engine);
    return status;
}
