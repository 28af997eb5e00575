/* infer split, merge: files in, files out. */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool on_write(void *ud, double fraction)
{
    cli_progress(ud, "writing", fraction);
    return !cli_interrupted();
}

static void start(struct cli *cli)
{
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an error like a full disk */
    cli_interrupt_install();
    cli_progress_start(cli);
}

static infer_status refuse_existing(struct cli *cli, const char *path)
{
    return cli_fail(cli, INFER_E_IO, "%s is there already (--force replaces it)", path);
}

/* Whether `name` is that of a part: "BASE-00001-of-00003.gguf". */
static bool is_part(const char *name, const char *base)
{
    static const char pattern[] = "-00000-of-00000.gguf";
    size_t len = strlen(base);
    if (strncmp(name, base, len) != 0 || strlen(name + len) != sizeof pattern - 1)
        return false;
    for (const char *p = pattern, *at = name + len; *p; p++, at++)
        if (*p == '0' ? *at < '0' || *at > '9' : *at != *p)
            return false;
    return true;
}

/* Parts of any split with this prefix: beside those of another number they would only confuse. */
static infer_status check_parts(struct cli *cli, const char *prefix)
{
    const char *slash = strrchr(prefix, '/'), *base = slash ? slash + 1 : prefix;
    struct cli_bytes dir = {0};
    cli_bytes_append(&dir, slash ? prefix : ".", slash ? (size_t)(base - prefix) : 1);
    DIR *entries = opendir(dir.data);
    infer_status status = INFER_OK;
    if (!entries)
        status = cli_fail(cli, INFER_E_IO, "%s: %s", dir.data, strerror(errno));
    while (status == INFER_OK && entries) {
        const struct dirent *entry = readdir(entries);
        if (!entry)
            break;
        if (is_part(entry->d_name, base))
            status = refuse_existing(cli, entry->d_name);
    }
    if (entries)
        closedir(entries);
    free(dir.data);
    return status;
}

infer_status cmd_split(struct cli *cli)
{
    const struct cli_options *opt = &cli->opt;
    const char *prefix = opt->operands[1];
    if (!opt->part_tensors && !opt->part_bytes)
        return cli_usage(cli, "--tensors or --bytes is needed");
    struct cli_engine engine = {0};
    infer_status status = cli_open_model(cli, opt->operands[0], &engine);
    if (status == INFER_OK && !opt->force)
        status = check_parts(cli, prefix);
    if (status == INFER_OK) {
        start(cli);
        status = infer_split(engine.model, prefix, opt->part_tensors, opt->part_bytes, on_write,
                             cli, &cli->err);
        cli_progress_end(cli);
    }
    cli_engine_close(&engine);
    return status;
}

infer_status cmd_merge(struct cli *cli)
{
    const char *out = cli->opt.operands[1];
    struct cli_engine engine = {0};
    struct stat st;
    infer_status status = cli_open_model(cli, cli->opt.operands[0], &engine);
    if (status == INFER_OK && !cli->opt.force && lstat(out, &st) == 0)
        status = refuse_existing(cli, out);
    if (status == INFER_OK) {
        start(cli);
        status = infer_merge(engine.model, out, on_write, cli, &cli->err);
        cli_progress_end(cli);
    }
    cli_engine_close(&engine);
    return status;
}
