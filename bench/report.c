/*
 * What infer-bench prints. JSON and CSV are made of one list of fields: those of the model, then
 * those of a depth. Text and Markdown are for persons.
 */
#include "bench/bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELDS_MOST 64
#define PROCESSOR_BYTES 256
#define MIB (1.0 / (1024 * 1024))

/* ---- Fields ---------------------------------------------------------------------------------- */

struct field {
    const char *key, *text; /* text NULL: `number` */
    double number;
};

struct fields {
    struct field items[FIELDS_MOST];
    size_t count;
};

static void add_text(struct fields *fields, const char *key, const char *text)
{
    fields->items[fields->count++] = (struct field){key, text ? text : "", 0};
}

static void add(struct fields *fields, const char *key, double number)
{
    fields->items[fields->count++] = (struct field){key, NULL, number};
}

static void add_rates(struct fields *fields, const struct bench_ceilings *c)
{
    add(fields, "read_gb_s", c->read.median);
    add(fields, "read_gb_s_best", c->read.best);
    add_text(fields, "read_by", c->read.unit);
    add(fields, "int8_gop_s", c->int8.median);
    add(fields, "int8_gop_s_best", c->int8.best);
    add_text(fields, "int8_by", c->int8.unit);
    add(fields, "f32_gop_s", c->f32.median);
    add(fields, "f32_gop_s_best", c->f32.best);
    add_text(fields, "f32_by", c->f32.unit);
}

static void add_memory(struct fields *fields, const struct bench_result *r)
{
    add(fields, "plan_bytes", (double)r->plan.total);
    add(fields, "plan_weights_mapped", (double)r->plan.weights_mapped);
    add(fields, "plan_weights_owned", (double)r->plan.weights_owned);
    add(fields, "plan_weights_made", (double)r->plan.weights_made);
    add(fields, "plan_kv", (double)r->plan.kv);
    add(fields, "plan_state", (double)r->plan.state);
    add(fields, "plan_activations", (double)r->plan.activations);
    add(fields, "plan_scratch", (double)r->plan.scratch);
    add(fields, "plan_logits", (double)r->plan.logits);
    add(fields, "plan_tables", (double)r->plan.tables);
    add(fields, "peak_bytes", (double)r->peak_bytes);
    add(fields, "peak_anon_bytes", (double)r->peak_anon_bytes);
    add(fields, "peak_file_bytes", (double)r->peak_file_bytes);
}

static void model_fields(struct fields *fields, const struct bench_options *options,
                         const struct bench_result *r, const char *processor)
{
    fields->count = 0;
    add_text(fields, "model", r->path);
    add_text(fields, "name", r->name);
    add_text(fields, "architecture", r->architecture);
    add_text(fields, "type", r->type);
    add(fields, "parameters", (double)r->parameters);
    add_text(fields, "version", infer_version());
    add_text(fields, "processor", processor);
    add(fields, "threads", r->info.threads);
    add_text(fields, "isa", r->info.isa);
    add_text(fields, "kv", r->info.kv);
    add(fields, "context", r->info.context);
    add(fields, "batch", r->info.batch);
    add(fields, "prompt_tokens", options->prompt);
    add(fields, "generated_tokens", options->generate);
    add(fields, "repetitions", options->repeat);
    add_memory(fields, r);
    add(fields, "load_ms", r->load_ms.median);
    add(fields, "load_ms_min", r->load_ms.least);
    add(fields, "load_ms_max", r->load_ms.most);
    add(fields, "load_open_ms", r->load.open_ms);
    add(fields, "load_plan_ms", r->load.plan_ms);
    add(fields, "load_memory_ms", r->load.memory_ms);
    add(fields, "load_first_token_ms", r->load.first_token_ms);
    add_rates(fields, &r->ceilings);
    add(fields, "weight_bytes_per_token", (double)r->info.weight_bytes_per_token);
    add(fields, "ops_per_token", (double)r->info.ops_per_token);
    add_text(fields, "pp_share_of", r->float_weights ? "f32_gop_s" : "int8_gop_s");
}

static void point_fields(struct fields *fields, const struct bench_point *p)
{
    fields->count = 0;
    add(fields, "depth", p->depth);
    add(fields, "pp_tok_s", p->pp.median);
    add(fields, "pp_tok_s_min", p->pp.least);
    add(fields, "pp_tok_s_max", p->pp.most);
    add(fields, "pp_gop_s", p->pp_gop_s);
    add(fields, "pp_share", p->pp_share);
    add(fields, "tg_tok_s", p->tg.median);
    add(fields, "tg_tok_s_min", p->tg.least);
    add(fields, "tg_tok_s_max", p->tg.most);
    add(fields, "tg_gb_s", p->tg_gb_s);
    add(fields, "tg_share", p->tg_share);
    add(fields, "tg_read_gb_s", p->tg_read_gb_s);
}

/* Whole numbers in full, others with six digits; `none` where there is no figure. */
static void put_number(double number, const char *none)
{
    if (isnan(number)) {
        fputs(none, stdout);
        return;
    }
    double whole = (double)(int64_t)number;
    printf(number == whole ? "%.0f" : "%.6g", number);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Bytes of the UTF-8 character at text; 0 where there is none (by the table of Unicode 15, 3-7). */
static size_t character(const unsigned char *text)
{
    unsigned char a = text[0], b = a ? text[1] : 0;
    if (a < 0x80)
        return 1;
    if (a < 0xc2 || a > 0xf4 || (b & 0xc0) != 0x80)
        return 0;
    if (a < 0xe0)
        return 2;
    if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) ||
        (a == 0xf4 && b > 0x8f) || (text[2] & 0xc0) != 0x80)
        return 0;
    if (a < 0xf0)
        return 3;
    return (text[3] & 0xc0) == 0x80 ? 4 : 0;
}

static void put_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t len = character(at);
        if (len == 0)
            fputs("\\ufffd", stdout);
        else if (*at < 0x20 || *at == 0x7f)
            printf("\\u%04x", *at);
        else if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else
            fwrite(at, 1, len, stdout);
        at += len ? len : 1;
    }
    putchar('"');
}

static void put_json_fields(const struct fields *fields, const char *indent)
{
    for (size_t i = 0; i < fields->count; i++) {
        printf("%s%s\"%s\": ", i ? ",\n" : "", indent, fields->items[i].key);
        if (fields->items[i].text)
            put_json_text(fields->items[i].text);
        else
            put_number(fields->items[i].number, "null");
    }
}

static void print_json(const struct bench_options *options, const struct bench_result *results,
                       size_t count, const char *processor)
{
    struct fields fields;
    fputs("[", stdout);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ",\n{\n" : "\n{\n", stdout);
        model_fields(&fields, options, &results[i], processor);
        put_json_fields(&fields, "  ");
        fputs(",\n", stdout);
        point_fields(&fields, &results[i].points[0]);
        put_json_fields(&fields, "  ");
        fputs(",\n  \"depths\": [", stdout);
        for (uint32_t p = 0; p < results[i].point_count; p++) {
            fputs(p ? ",\n    {\n" : "\n    {\n", stdout);
            point_fields(&fields, &results[i].points[p]);
            put_json_fields(&fields, "      ");
            fputs("\n    }", stdout);
        }
        fputs("\n  ]\n}", stdout);
    }
    fputs("\n]\n", stdout);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void put_csv_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void put_csv_fields(const struct fields *fields, bool keys)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (i)
            putchar(',');
        if (keys)
            fputs(fields->items[i].key, stdout);
        else if (fields->items[i].text)
            put_csv_text(fields->items[i].text);
        else
            put_number(fields->items[i].number, "");
    }
}

/* A line for each model and depth. */
static void print_csv(const struct bench_options *options, const struct bench_result *results,
                      size_t count, const char *processor)
{
    struct fields model, point;
    for (size_t i = 0; i < count; i++) {
        model_fields(&model, options, &results[i], processor);
        for (uint32_t p = 0; p < results[i].point_count; p++) {
            point_fields(&point, &results[i].points[p]);
            for (int keys = i + p == 0; keys >= 0; keys--) {
                put_csv_fields(&model, keys);
                putchar(',');
                put_csv_fields(&point, keys);
                putchar('\n');
            }
        }
    }
}

/* ---- Text and Markdown ----------------------------------------------------------------------- */

/* Control bytes of a name would move the cursor. */
static void put_plain(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static const char *share_name(const struct bench_result *r)
{
    return r->float_weights ? "f32" : "int8";
}

static void print_markdown(const struct bench_options *options, const struct bench_result *results,
                           size_t count, const char *processor)
{
    printf("%s, libinfer %s\n\n"
           "| model | type | isa, threads, KV | plan MiB | peak MiB | load ms | depth |",
           processor, infer_version());
    if (options->prompt)
        printf(" prefill %u tok/s | Gop/s (share) |", options->prompt);
    if (options->generate)
        printf(" decode %u tok/s | GB/s (share of read then) |", options->generate);
    printf("\n|---|---|---|---|---|---|---|%s%s\n", options->prompt ? "---|---|" : "",
           options->generate ? "---|---|" : "");
    for (size_t i = 0; i < count; i++) {
        const struct bench_result *r = &results[i];
        for (uint32_t k = 0; k < r->point_count; k++) {
            const struct bench_point *p = &r->points[k];
            fputs("| ", stdout);
            put_plain(base_name(r->path));
            printf(" | %s | %s, %u, %s | %.0f | %.0f | %.0f | %u |", r->type, r->info.isa,
                   r->info.threads, r->info.kv, (double)r->plan.total * MIB,
                   (double)r->peak_bytes * MIB, r->load_ms.median, p->depth);
            if (options->prompt)
                printf(" %.1f | %.0f (%.0f %% of %s) |", p->pp.median, p->pp_gop_s,
                       p->pp_share * 100, share_name(r));
            if (options->generate)
                printf(" %.2f | %.1f (%.0f %% of %.1f) |", p->tg.median, p->tg_gb_s,
                       p->tg_share * 100, p->tg_read_gb_s);
            putchar('\n');
        }
    }
    fputs("\nCeilings measured before each model (medians, GB/s read, Gop/s int8 and f32): ",
          stdout);
    for (size_t i = 0; i < count; i++)
        printf("%s%.1f, %.0f, %.0f", i ? "; " : "", results[i].ceilings.read.median,
               results[i].ceilings.int8.median, results[i].ceilings.f32.median);
    fputs(".\n", stdout);
}

static void print_head(const struct bench_result *r)
{
    const struct bench_ceilings *c = &r->ceilings;
    putchar('\n');
    put_plain(base_name(r->path));
    printf(": %s, mostly %s, %.0f million parameters; %s, %u threads, KV %s\n",
           r->architecture ? r->architecture : "?", r->type, (double)r->parameters * 1e-6,
           r->info.isa, r->info.threads, r->info.kv);
    printf("  ceilings  read %.1f GB/s (best %.1f, %s), int8 %.0f Gop/s (best %.0f, %s), "
           "f32 %.0f\n",
           c->read.median, c->read.best, c->read.unit, c->int8.median, c->int8.best, c->int8.unit,
           c->f32.median);
    printf("  plan      %.1f MiB: weights %.1f mapped, %.1f owned; KV %.1f (%u tokens), "
           "state %.1f, activations %.1f, scratch %.1f, logits %.1f, tables %.1f\n",
           (double)r->plan.total * MIB, (double)r->plan.weights_mapped * MIB,
           (double)r->plan.weights_owned * MIB, (double)r->plan.kv * MIB, r->info.context,
           (double)r->plan.state * MIB, (double)r->plan.activations * MIB,
           (double)r->plan.scratch * MIB, (double)r->plan.logits * MIB,
           (double)r->plan.tables * MIB);
    printf("  peak      %.1f MiB resident: %.1f of our own, %.1f pages of files\n",
           (double)r->peak_bytes * MIB, (double)r->peak_anon_bytes * MIB,
           (double)r->peak_file_bytes * MIB);
    printf("  load      %.1f ms (%.1f to %.1f): open %.1f, plan %.1f, memory %.1f, "
           "first token %.1f\n\n",
           r->load_ms.median, r->load_ms.least, r->load_ms.most, r->load.open_ms, r->load.plan_ms,
           r->load.memory_ms, r->load.first_token_ms);
}

void bench_print_text(const struct bench_options *options, const struct bench_result *result,
                      bool first)
{
    char text[PROCESSOR_BYTES];
    if (first) {
        bench_processor(text, sizeof text);
        printf("%s; libinfer %s; %u repetitions\n", text, infer_version(), options->repeat);
    }
    print_head(result);
    printf("  %7s", "depth");
    if (options->prompt) {
        snprintf(text, sizeof text, "prefill %u, tok/s", options->prompt);
        printf("  %26s %8s %4s%4s", text, "Gop/s", "of ", share_name(result));
    }
    if (options->generate) {
        snprintf(text, sizeof text, "decode %u, tok/s", options->generate);
        printf("  %26s %7s %16s", text, "GB/s", "of read, GB/s");
    }
    for (uint32_t i = 0; i < result->point_count; i++) {
        const struct bench_point *p = &result->points[i];
        printf("\n  %7u", p->depth);
        if (options->prompt) {
            snprintf(text, sizeof text, "%.1f (%.1f to %.1f)", p->pp.median, p->pp.least,
                     p->pp.most);
            printf("  %26s %8.1f %6.1f %%", text, p->pp_gop_s, p->pp_share * 100);
        }
        if (options->generate) {
            snprintf(text, sizeof text, "%.2f (%.2f to %.2f)", p->tg.median, p->tg.least,
                     p->tg.most);
            printf("  %26s %7.1f %6.1f %% of %4.1f", text, p->tg_gb_s, p->tg_share * 100,
                   p->tg_read_gb_s);
        }
    }
    putchar('\n');
}

void bench_print_all(const struct bench_options *options, const struct bench_result *results,
                     size_t count)
{
    char processor[PROCESSOR_BYTES];
    bench_processor(processor, sizeof processor);
    if (options->form == BENCH_JSON)
        print_json(options, results, count, processor);
    else if (options->form == BENCH_CSV)
        print_csv(options, results, count, processor);
    else if (options->form == BENCH_MARKDOWN)
        print_markdown(options, results, count, processor);
}
