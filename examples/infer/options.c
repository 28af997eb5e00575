/* The option parser, and what --help and the shell completion print of its table. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 28

static bool refuse(infer_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(infer_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->status = INFER_E_ARGUMENT;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

static void *field_of(struct cli_options *options, const struct cli_option_row *row)
{
    return (char *)options + row->offset;
}

/* Decimal digits alone: no sign, no blank, nothing after. */
static bool parse_u64(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*text - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}

/* A decimal number, with "-inf" where `low` is below every number. */
static bool parse_real(const char *text, double *value)
{
    if (text[strspn(text, "+-.0123456789eE")] != '\0' || *text == '\0')
        return false;
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return *end == '\0' && end != text && isfinite(*value);
}

static bool take_count(const struct cli_option_row *row, const char *text, uint32_t *field,
                       infer_error *err)
{
    uint64_t value = 0;
    bool word = row->choices && strcmp(text, row->choices) == 0;
    if (word) {
        *field = 0;
        return true;
    }
    if (!parse_u64(text, &value) || (double)value < row->min || (double)value > row->max)
        return refuse(err, "%s: '%.100s' is not a whole number from %.0f to %.0f", row->name, text,
                      row->min, row->max);
    *field = (uint32_t)value;
    return true;
}

/* Bytes: digits and, if anything, one letter. */
static bool take_bytes(const struct cli_option_row *row, const char *text, uint64_t *field,
                       infer_error *err)
{
    static const char letters[] = "KMGT";
    char digits[24];
    uint64_t value = 0;
    size_t len = strspn(text, "0123456789");
    const char *letter = text[len] ? strchr(letters, text[len]) : NULL;
    bool sound = len && len < sizeof digits && (!text[len] || (letter && !text[len + 1]));
    if (sound) {
        memcpy(digits, text, len);
        digits[len] = '\0';
        sound = parse_u64(digits, &value) && value;
    }
    for (const char *l = letters; sound && letter && l <= letter; l++)
        sound = !__builtin_mul_overflow(value, 1024, &value);
    if (!sound)
        return refuse(err, "%s: '%.100s' is not a size such as 500M or 4G", row->name, text);
    *field = value;
    return true;
}

static bool take_real(const struct cli_option_row *row, const char *text, double *field,
                      infer_error *err)
{
    double value;
    if (!parse_real(text, &value) || value < row->min || value > row->max)
        return refuse(err, "%s: '%.100s' is not a number from %g to %g", row->name, text, row->min,
                      row->max);
    *field = value;
    return true;
}

/* The place of a text among "a|b|c"; an empty name (of "0||2") is never given. */
static bool take_choice(const struct cli_option_row *row, const char *text, uint32_t *field,
                        infer_error *err)
{
    size_t len = strlen(text);
    uint32_t place = 0;
    for (const char *name = row->choices;; name++, place++) {
        size_t name_len = strcspn(name, "|");
        if (len != 0 && len == name_len && memcmp(name, text, len) == 0) {
            *field = place;
            return true;
        }
        name += name_len;
        if (*name == '\0')
            break;
    }
    return refuse(err, "%s: '%.100s' is none of %s", row->name, text,
                  strcmp(row->choices, "0||2") == 0 ? "0, 2" : row->choices);
}

static bool take_bias(const struct cli_option_row *row, const char *text, struct cli_biases *biases,
                      infer_error *err)
{
    char id_text[24];
    uint64_t id;
    double bias = -INFINITY;
    size_t id_len = strcspn(text, "=");
    bool sound = text[id_len] == '=' && id_len < sizeof id_text;
    if (sound) {
        memcpy(id_text, text, id_len);
        id_text[id_len] = '\0';
        sound = parse_u64(id_text, &id) && id <= INT32_MAX;
    }
    if (sound && strcmp(text + id_len + 1, "-inf") != 0)
        sound = parse_real(text + id_len + 1, &bias) && bias >= row->min && bias <= row->max;
    if (!sound)
        return refuse(err, "%s: '%.100s' is not ID=B with B from %g to %g, or -inf", row->name,
                      text, row->min, row->max);
    infer_logit_bias *grown = realloc(biases->items, (biases->count + 1) * sizeof *biases->items);
    if (!grown)
        return refuse(err, "%s: out of memory", row->name);
    biases->items = grown;
    biases->items[biases->count++] = (infer_logit_bias){.id = (infer_token)id, .bias = (float)bias};
    return true;
}

static bool take_texts(const struct cli_option_row *row, const char *text, struct cli_texts *texts,
                       infer_error *err)
{
    if (*text == '\0')
        return refuse(err, "%s: the text is empty", row->name);
    const char **grown = realloc(texts->items, (texts->count + 1) * sizeof *texts->items);
    if (!grown)
        return refuse(err, "%s: out of memory", row->name);
    texts->items = grown;
    texts->items[texts->count++] = text;
    return true;
}

/* Reads the value of one option. Integers and texts that were given twice: the last one holds. */
static bool take(struct cli_options *options, const struct cli_option_row *row, const char *text,
                 infer_error *err)
{
    void *field = field_of(options, row);
    switch (row->kind) {
    case KIND_FLAG:
        *(bool *)field = true;
        return true;
    case KIND_TEXT:
        *(const char **)field = text;
        return true;
    case KIND_TEXTS:
        return take_texts(row, text, field, err);
    case KIND_COUNT:
        return take_count(row, text, field, err);
    case KIND_BYTES:
        return take_bytes(row, text, field, err);
    case KIND_REAL:
        return take_real(row, text, field, err);
    case KIND_CHOICE:
        return take_choice(row, text, field, err);
    case KIND_SEED:
        options->seed_given = true;
        return parse_u64(text, field) ||
               refuse(err, "%s: '%.100s' is not a whole number from 0 to %llu", row->name, text,
                      (unsigned long long)UINT64_MAX);
    case KIND_BIAS:
        return take_bias(row, text, field, err);
    }
    return false;
}

/* The row of "--name", "--name=value", "-n" or "-nvalue"; *value is what stands after it in the
 * same word, NULL where nothing does. */
static const struct cli_option_row *find_row(unsigned groups, const char *word, const char **value)
{
    bool is_long = word[1] == '-';
    size_t name_len = is_long ? strcspn(word, "=") : 2;
    for (size_t i = 0; i < cli_option_row_count; i++) {
        const struct cli_option_row *row = &cli_option_rows[i];
        const char *name = is_long ? row->name : row->letter;
        if (!(row->group & groups) || !name || strlen(name) != name_len ||
            memcmp(name, word, name_len) != 0)
            continue;
        *value = word[name_len] == '\0' ? NULL : word + name_len + is_long;
        return row;
    }
    return NULL;
}

bool cli_options_parse(struct cli_options *options, unsigned groups, size_t operands, char **argv,
                       int *at, infer_error *err)
{
    bool only_operands = false;
    for (; argv[*at]; ++*at) {
        const char *word = argv[*at];
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            if (operands == 0)
                return true;
            if (options->operand_count == operands)
                return refuse(err, "'%.100s' is one operand too many", word);
            options->operands[options->operand_count++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_operands = true;
            continue;
        }
        const char *value;
        const struct cli_option_row *row = find_row(groups, word, &value);
        if (!row)
            return refuse(err, "unknown option '%.100s'", word);
        if (row->kind == KIND_FLAG && value)
            return refuse(err, "%s takes no value", row->name);
        if (row->kind != KIND_FLAG && !value && !(value = argv[++*at]))
            return refuse(err, "%s needs a value (%s)", row->name, row->value);
        if (!take(options, row, value, err))
            return false;
    }
    return true;
}

void cli_options_free(struct cli_options *options)
{
    free(options->stop.items);
    free(options->biases.items);
}

static void print_row(FILE *out, const struct cli_option_row *row)
{
    int width =
        fprintf(out, "  %s%s%s%s%s", row->letter ? row->letter : "    ", row->letter ? ", " : "",
                row->name, row->value ? " " : "", row->value ? row->value : "");
    if (width >= HELP_COLUMN) {
        fputc('\n', out);
        width = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - width, "");
    int column = HELP_COLUMN;
    for (const char *word = row->help; *word;) {
        int len = (int)strcspn(word, " ");
        if (column + len + 1 > 100 && column > HELP_COLUMN) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += fprintf(out, "%s%.*s", column > HELP_COLUMN ? " " : "", len, word);
        word += len + (word[len] == ' ');
    }
    fputc('\n', out);
}

void cli_options_print(FILE *out, unsigned groups)
{
    static const struct {
        unsigned groups;
        const char *title;
    } parts[] = {
        {GROUP_RUN | GROUP_CHAT | GROUP_INFO | GROUP_EXPLAIN | GROUP_TOKENIZE | GROUP_LOGITS |
             GROUP_SPLIT | GROUP_WRITE | GROUP_JSON | GROUP_PROMPT | GROUP_GENERATE,
         "Options"},
        {GROUP_SAMPLING, "Sampling"},
        {GROUP_PLAN | GROUP_MODEL, "Memory and speed (also before the command)"},
        {GROUP_GLOBAL, "Everywhere (also before the command)"},
    };
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        if (!(parts[p].groups & groups))
            continue;
        fprintf(out, "\n%s:\n", parts[p].title);
        for (size_t i = 0; i < cli_option_row_count; i++)
            if (cli_option_rows[i].group & parts[p].groups & groups)
                print_row(out, &cli_option_rows[i]);
    }
}

void cli_options_list(FILE *out, unsigned groups)
{
    for (size_t i = 0; i < cli_option_row_count; i++) {
        const struct cli_option_row *row = &cli_option_rows[i];
        if (!(row->group & groups))
            continue;
        const char *value = row->value ? row->value : "";
        fprintf(out, "%s\t%s\t%s\n", row->name, value, row->help);
        if (row->letter)
            fprintf(out, "%s\t%s\t%s\n", row->letter, value, row->help);
    }
}
