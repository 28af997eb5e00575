/*
 * What the files of the `infer` command share. A command is a function that returns an
 * infer_status and leaves its error in cli->err; infer.c turns that into the exit status.
 */
#ifndef CLI_H
#define CLI_H

#include <libinfer.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

/* ---- Options (options.c, option_rows.c) ---------------------------------------------------- */

#define CLI_UNSET UINT32_MAX /* of a count that was not given; a real number is then NaN */
#define CLI_MAX_OPERANDS 3

struct cli_texts {
    const char **items; /* borrowed from argv; the array is owned */
    size_t count;
};

struct cli_biases {
    infer_logit_bias *items; /* owned */
    size_t count;
};

/* One struct for all commands: a command reads the fields of its own option groups. */
struct cli_options {
    const char *operands[CLI_MAX_OPERANDS];
    size_t operand_count;
    bool help, version;

    const char *isa;
    bool exact, approx;
    bool no_mmap, overcommit, force;
    uint32_t context, batch, threads; /* 0: the library's default */
    uint32_t kv;                      /* infer_kv_type */

    const char *prompt, *prompt_file, *system, *chat_template;
    uint32_t max_tokens, reasoning;
    const char *grammar, *schema, *tools, *tool_choice;
    bool strict_tools;
    struct cli_texts stop;
    const char *save, *restore, *at;
    bool json, ids, explain, tensors, plain, no_special_add;
    uint32_t logprobs;
    uint32_t part_tensors;
    uint64_t part_bytes;

    double temperature, top_p, min_p, typical;
    double repeat_penalty, frequency_penalty, presence_penalty;
    double dry_multiplier, dry_base, xtc_probability, xtc_threshold, mirostat_tau, mirostat_eta;
    uint32_t top_k, repeat_last, dry_allowed_length, mirostat;
    uint64_t seed;
    bool seed_given;
    struct cli_biases biases;
};

/* The groups that a command takes options of; GLOBAL, MODEL and PLAN stand before the command too. */
enum cli_group {
    GROUP_GLOBAL = 1u << 0,
    GROUP_MODEL = 1u << 1,
    GROUP_PLAN = 1u << 2,
    GROUP_PROMPT = 1u << 3,
    GROUP_GENERATE = 1u << 4,
    GROUP_SAMPLING = 1u << 5,
    GROUP_JSON = 1u << 6,
    GROUP_RUN = 1u << 7,
    GROUP_CHAT = 1u << 8,
    GROUP_INFO = 1u << 9,
    GROUP_EXPLAIN = 1u << 10,
    GROUP_TOKENIZE = 1u << 11,
    GROUP_LOGITS = 1u << 12,
    GROUP_SPLIT = 1u << 13,
    GROUP_WRITE = 1u << 14
};

enum cli_kind {
    KIND_FLAG,   /* bool */
    KIND_TEXT,   /* const char * */
    KIND_TEXTS,  /* struct cli_texts, may be given again; not empty */
    KIND_COUNT,  /* uint32_t, min to max */
    KIND_REAL,   /* double, min to max */
    KIND_BYTES,  /* uint64_t, at least 1; K, M, G or T behind it times 1024 */
    KIND_CHOICE, /* uint32_t: the place in `choices` */
    KIND_SEED,   /* uint64_t, followed by a bool that is then true */
    KIND_BIAS    /* struct cli_biases, ID=B */
};

struct cli_option_row {
    const char *name;   /* "--temp" */
    const char *letter; /* "-t", NULL where there is none */
    const char *value;  /* what the help calls its value, NULL of a flag */
    enum cli_kind kind;
    enum cli_group group;
    size_t offset; /* in struct cli_options */
    double min, max;
    const char *choices; /* "a|b|c" of KIND_CHOICE; of KIND_COUNT a word for 0 */
    const char *help;
};

extern const struct cli_option_row cli_option_rows[];
extern const size_t cli_option_row_count;

struct cli;

struct cli_command {
    const char *name;
    const char *operands; /* "FILE NAME" */
    size_t operand_count;
    unsigned groups;
    const char *summary;
    const char *details; /* further lines of the help, each ending in a newline; may be "" */
    infer_status (*call)(struct cli *cli);
};

void cli_options_init(struct cli_options *options);
void cli_options_free(struct cli_options *options);

/* Reads argv[*at ...]. With `operands` 0 it stops at the first word that is no option (*at is then
 * its place), else it reads all and takes exactly that many operands. False: usage error in err. */
bool cli_options_parse(struct cli_options *options, unsigned groups, size_t operands, char **argv,
                       int *at, infer_error *err);

/* The options of some groups as help text, or one a line as "--temp TAB T TAB help" for the shell
 * completion. */
void cli_options_print(FILE *out, unsigned groups);
void cli_options_list(FILE *out, unsigned groups);

/* ---- Messages and output (say.c) ----------------------------------------------------------- */

struct cli_bytes {
    char *data; /* owned; NUL after the last byte */
    size_t len, capacity;
};

struct cli_ids {
    infer_token *data; /* owned */
    size_t count, capacity;
};

struct cli {
    const struct cli_command *command;
    struct cli_options opt;
    infer_error err;
    bool usage;               /* err is about wrong usage */
    struct cli_bytes notices; /* held back until the first output */
    size_t notice_count;
    bool notices_shown, output_failed;
    int output_errno; /* why it failed */
    bool progress_shown;
    int64_t progress_start_ns; /* 0: none under way */
    int64_t progress_last_ns;
};

/* Sets cli->err. Both return a failure. */
infer_status cli_fail(struct cli *cli, infer_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
infer_status cli_usage(struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line on stderr, "infer: " before it, all that could disturb a terminal escaped. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line that is shown once the call has something to show, and dropped where it fails. */
void cli_notice(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_log(void *cli, infer_log_level level, const char *text); /* an infer_log */
void cli_notices_show(struct cli *cli);

/* Writes to stdout; a failure is remembered and reported by cli_output_end. `flush` is for text
 * that somebody waits for. */
void cli_output(struct cli *cli, const void *data, size_t len);
void cli_output_flush(struct cli *cli);
void cli_print(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
infer_status cli_output_json(struct cli *cli, json_t *value); /* takes the reference */
/* The same for numbers that were made to have few decimals: in 15 digits they show no others. */
infer_status cli_output_json_decimal(struct cli *cli, json_t *value);
infer_status cli_output_end(struct cli *cli);

/* On a terminal alone, and when it has taken two seconds: "infer: loading: 40 %, 3 s left". */
void cli_progress_start(struct cli *cli);
void cli_progress(struct cli *cli, const char *what, double fraction);
void cli_progress_end(struct cli *cli);

int64_t cli_now_ns(void);

/* ---- Bytes, ids, text (input.c) ------------------------------------------------------------ */

/* Memory that is not there ends the command with its one line and status 1. */
void *cli_alloc(size_t count, size_t size);
void cli_bytes_append(struct cli_bytes *bytes, const char *data, size_t len);
void cli_ids_append(struct cli_ids *ids, infer_token id);
void cli_ids_reserve(struct cli_ids *ids, size_t capacity);

/* Reads a whole file, pipe, or stdin (path NULL). */
infer_status cli_read_text(struct cli *cli, const char *path, struct cli_bytes *text);

/* Reads a JSON array of token ids from stdin; prints one, without a newline. */
infer_status cli_read_ids(struct cli *cli, struct cli_ids *ids);
void cli_print_ids(struct cli *cli, const infer_token *ids, size_t count);

/* The prompt that -p, -f or stdin give (stdin only where it is not a terminal). */
infer_status cli_read_prompt(struct cli *cli, struct cli_bytes *text);

/* Appends text with its broken UTF-8 as \xNN; with `printable` control and direction characters
 * too. */
void cli_escape(struct cli_bytes *out, const char *text, size_t len, bool printable);

/* A JSON string of any bytes (escaped as above, or U+FFFD for what is broken), null for NULL; and
 * of a number (of a text where JSON's integers end). */
json_t *cli_json_text(const char *text, size_t len);
json_t *cli_json_text_replaced(const char *text, size_t len);
json_t *cli_json_u64(uint64_t value);
json_t *cli_json_real(double value); /* null where it is not finite */
json_t *cli_json_ids(const struct cli_ids *ids);

/* ---- Model (engine.c) ---------------------------------------------------------------------- */

struct cli_engine {
    uint32_t logit_rows; /* that one eval is to keep: set before opening; 0: 1 */
    bool embedding;      /* set before opening */
    infer_model *model;
    infer_plan *plan;
    infer_session *session;
    infer_grammar *grammar; /* NULL: none is asked for */
    infer_model_info info;
    infer_plan_info plan_info;
};

/* Each opens what the one before it does, and more; a model that is open already stays. */
infer_status cli_open_model(struct cli *cli, const char *path, struct cli_engine *engine);
infer_status cli_open_plan(struct cli *cli, const char *path, struct cli_engine *engine);
infer_status cli_open_session(struct cli *cli, const char *path, struct cli_engine *engine);
/* Reads --grammar or --schema, before the weights are loaded. */
infer_status cli_open_grammar(struct cli *cli, const char *path, struct cli_engine *engine);
void cli_engine_close(struct cli_engine *engine);

/* Appends the ids of a text. A prompt gets the bos that the file asks for, and not the eos, which
 * would end a text that is to be gone on with. */
infer_status cli_tokenize(struct cli *cli, const struct cli_engine *engine, const char *text,
                          size_t len, unsigned flags, struct cli_ids *ids);
infer_status cli_tokenize_prompt(struct cli *cli, const struct cli_engine *engine, const char *text,
                                 size_t len, struct cli_ids *ids);
infer_status cli_asks_bos(struct cli *cli, const struct cli_engine *engine, bool *asks);

/* ---- Templates (cmd_template.c) ------------------------------------------------------------ */

/* What the local clock shows, for infer_template_render. */
int64_t cli_local_time(void);

/* The template of a file, or (path NULL) the model's own. */
infer_status cli_open_template(struct cli *cli, infer_model *model, const char *path,
                               infer_template **t);

/* ---- Ctrl-C (interrupt.c) ------------------------------------------------------------------ */

void cli_interrupt_install(void);
void cli_interrupt_target(infer_session *session); /* what Ctrl-C cancels; NULL: nothing */
bool cli_interrupted(void);
void cli_interrupt_reset(void);

/* ---- One generation (turn.c, sampling.c) --------------------------------------------------- */

struct cli_turn {
    bool stream;        /* text to stdout as it comes */
    bool thought_shown; /* the terminal is still dim */
    struct cli_bytes text, thought;
    struct cli_ids ids;
    json_t *logprobs;       /* an array, NULL where not asked for */
    json_t *calls;          /* the same, of tools: {id, name, arguments} */
    const char *constraint; /* "grammar", "schema", NULL */
    infer_stop stop;
    bool prefill_cancelled;
    size_t prompt_tokens, cached_tokens, tokens;
    double prefill_s, decode_s;
};

infer_status cli_sampler_new(struct cli *cli, const struct cli_engine *engine,
                             infer_sampler **sampler);

/* Before a generation: where Ctrl-C goes, and what --json says anyway. */
void cli_turn_begin(struct cli *cli, struct cli_engine *engine, struct cli_turn *turn);

/* Text of an answer as it comes; false where it cannot be shown. */
bool cli_turn_text(struct cli *cli, struct cli_turn *turn, const char *text, size_t len);

/* Makes ids[count] the session's tokens and generates. A cancel is no failure: turn->stop. */
infer_status cli_turn_run(struct cli *cli, struct cli_engine *engine, infer_sampler *sampler,
                          const infer_token *ids, size_t count, struct cli_turn *turn);
json_t *cli_turn_json(const struct cli_turn *turn);
void cli_turn_summary(const struct cli_turn *turn, char *text, size_t capacity);
void cli_turn_free(struct cli_turn *turn);

/* ---- Commands ------------------------------------------------------------------------------ */

infer_status cmd_run(struct cli *cli);
infer_status cmd_chat(struct cli *cli);
infer_status cmd_info(struct cli *cli);
infer_status cmd_tensor(struct cli *cli);
infer_status cmd_plan(struct cli *cli);
infer_status cmd_tokenize(struct cli *cli);
infer_status cmd_detokenize(struct cli *cli);
infer_status cmd_logits(struct cli *cli);
infer_status cmd_embed(struct cli *cli);
infer_status cmd_perplexity(struct cli *cli);
infer_status cmd_compare(struct cli *cli);
infer_status cmd_models(struct cli *cli);
infer_status cmd_template(struct cli *cli);
infer_status cmd_split(struct cli *cli);
infer_status cmd_merge(struct cli *cli);

#endif
