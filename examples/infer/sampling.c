/* The sampler: the library's defaults, then what the file asks for, then the options. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define REPEAT_LAST 64
#define XTC_THRESHOLD 0.1

/* A number that a file gives under general.sampling.*; NaN where the key is no single number. */
static double meta_number(const infer_model *model, uint64_t index, const infer_meta *meta)
{
    infer_meta_value value;
    if (meta->type == INFER_META_ARRAY || meta->type == INFER_META_STRING ||
        infer_model_meta_value(model, index, 0, &value, NULL) != INFER_OK)
        return NAN;
    switch (meta->type) {
    case INFER_META_F32:
    case INFER_META_F64:
        return value.f;
    case INFER_META_I8:
    case INFER_META_I16:
    case INFER_META_I32:
    case INFER_META_I64:
        return (double)value.i;
    default:
        return (double)value.u;
    }
}

/* Puts a number of the file where the user gave none; the bounds are those of the option. */
static void take_file_value(struct cli *cli, const char *option, double value)
{
    for (size_t i = 0; i < cli_option_row_count; i++) {
        const struct cli_option_row *row = &cli_option_rows[i];
        if (strcmp(row->name, option) != 0)
            continue;
        bool sound = value >= row->min && value <= row->max;
        void *field = (char *)&cli->opt + row->offset;
        if (!sound)
            cli_notice(cli, "warning: the file's %s of %g is not used: it is not from %g to %g",
                       option + 2, value, row->min, row->max);
        else if (row->kind == KIND_COUNT && *(uint32_t *)field == CLI_UNSET)
            *(uint32_t *)field = (uint32_t)value;
        else if (row->kind == KIND_REAL && isnan(*(double *)field))
            *(double *)field = value;
    }
}

/* The file's own defaults. */
static void read_file_values(struct cli *cli, const struct cli_engine *engine)
{
    static const char prefix[] = "general.sampling.";
    static const struct {
        const char *key, *option;
    } rows[] = {{"temp", "--temp"},
                {"top_k", "--top-k"},
                {"top_p", "--top-p"},
                {"min_p", "--min-p"},
                {"xtc_probability", "--xtc-probability"},
                {"xtc_threshold", "--xtc-threshold"},
                {"penalty_last_n", "--repeat-last"},
                {"penalty_repeat", "--repeat-penalty"},
                {"mirostat_tau", "--mirostat-tau"},
                {"mirostat_eta", "--mirostat-eta"}};
    size_t prefix_len = sizeof prefix - 1;
    for (uint64_t i = 0; i < engine->info.meta_count; i++) {
        infer_meta meta;
        if (infer_model_meta(engine->model, i, &meta, NULL) != INFER_OK ||
            meta.key_len <= prefix_len || memcmp(meta.key, prefix, prefix_len) != 0)
            continue;
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            if (strlen(rows[r].key) == meta.key_len - prefix_len &&
                memcmp(rows[r].key, meta.key + prefix_len, meta.key_len - prefix_len) == 0)
                take_file_value(cli, rows[r].option, meta_number(engine->model, i, &meta));
    }
}

static void set_real(float *field, double value)
{
    if (!isnan(value))
        *field = (float)value;
}

/* A value that switches its step off is the library's 0. */
static void set_real_off(float *field, double value, double off)
{
    if (!isnan(value))
        *field = value == off ? 0 : (float)value;
}

static void set_count(uint32_t *field, uint32_t value)
{
    if (value != CLI_UNSET)
        *field = value;
}

static void fill(const struct cli_options *opt, infer_sampler_options *sampler)
{
    set_real(&sampler->temperature, opt->temperature);
    set_count(&sampler->top_k, opt->top_k);
    set_real_off(&sampler->top_p, opt->top_p, 1);
    set_real(&sampler->min_p, opt->min_p);
    set_real_off(&sampler->typical_p, opt->typical, 1);
    set_real_off(&sampler->repetition_penalty, opt->repeat_penalty, 1);
    set_real(&sampler->frequency_penalty, opt->frequency_penalty);
    set_real(&sampler->presence_penalty, opt->presence_penalty);
    sampler->penalty_last = REPEAT_LAST;
    set_count(&sampler->penalty_last, opt->repeat_last);
    set_real(&sampler->dry_multiplier, opt->dry_multiplier);
    set_real(&sampler->dry_base, opt->dry_base);
    sampler->dry_allowed_length = opt->dry_allowed_length; /* 0 is the library's default */
    set_real(&sampler->xtc_probability, opt->xtc_probability);
    sampler->xtc_threshold = sampler->xtc_probability > 0 ? (float)XTC_THRESHOLD : 0;
    set_real(&sampler->xtc_threshold, opt->xtc_threshold);
    sampler->mirostat = opt->mirostat == CLI_UNSET ? 0 : (int)opt->mirostat;
    set_real(&sampler->mirostat_tau, opt->mirostat_tau);
    set_real(&sampler->mirostat_eta, opt->mirostat_eta);
    sampler->bias = opt->biases.items;
    sampler->bias_count = opt->biases.count;
}

/* The tokens that DRY's repeated sequences do not run across, as is usual: those with a line break,
 * a colon, a quotation mark or an asterisk. */
static void find_breakers(const struct cli_engine *engine, struct cli_ids *breakers)
{
    char bytes[64];
    for (uint32_t id = 0; id < engine->info.vocab_size; id++) {
        size_t len = 0;
        if (infer_token_bytes(engine->model, (infer_token)id, bytes, sizeof bytes, &len, NULL) !=
            INFER_OK)
            continue;
        for (size_t i = 0; i < len; i++)
            if (strchr("\n:\"*", bytes[i]) && bytes[i] != '\0') {
                cli_ids_append(breakers, (infer_token)id);
                break;
            }
    }
}

infer_status cli_sampler_new(struct cli *cli, const struct cli_engine *engine,
                             infer_sampler **sampler)
{
    uint64_t seed = cli->opt.seed;
    if (!cli->opt.seed_given && getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return cli_fail(cli, INFER_E_IO, "getrandom: %s", strerror(errno));
    if (!cli->opt.seed_given)
        seed >>= 32; /* short enough to be typed again */
    read_file_values(cli, engine);
    infer_sampler_options options = {.size = sizeof options};
    infer_sampler_defaults(&options, seed);
    fill(&cli->opt, &options);
    struct cli_ids breakers = {0};
    if (options.dry_multiplier > 0)
        find_breakers(engine, &breakers);
    options.dry_breakers = breakers.data;
    options.dry_breaker_count = breakers.count;
    if (options.temperature > 0)
        cli_notice(cli, "context %u tokens, seed %llu", engine->plan_info.context,
                   (unsigned long long)seed);
    else
        cli_notice(cli, "context %u tokens", engine->plan_info.context);
    infer_status status = infer_sampler_new(&options, engine->info.vocab_size, sampler, &cli->err);
    free(breakers.data);
    return status;
}
