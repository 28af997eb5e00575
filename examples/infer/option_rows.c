/* Every option of the command, once: parsing, --help and shell completion all read this table. */
#include "cli.h"

#include <math.h>

#define AT(field) offsetof(struct cli_options, field)
#define FLAG(group, name, letter, field, help)                                                     \
    {                                                                                              \
        name, letter, NULL, KIND_FLAG, group, AT(field), 0, 0, NULL, help                          \
    }
#define TEXT(group, name, letter, value, field, help)                                              \
    {                                                                                              \
        name, letter, value, KIND_TEXT, group, AT(field), 0, 0, NULL, help                         \
    }
#define COUNT(group, name, letter, value, field, min, max, help)                                   \
    {                                                                                              \
        name, letter, value, KIND_COUNT, group, AT(field), min, max, NULL, help                    \
    }
#define REAL(name, value, field, min, max, help)                                                   \
    {                                                                                              \
        name, NULL, value, KIND_REAL, GROUP_SAMPLING, AT(field), min, max, NULL, help              \
    }

#define COUNT_MAX 2147483647.0
#define REAL_MAX 1e6

// clang-format off
const struct cli_option_row cli_option_rows[] = {
    FLAG(GROUP_RUN, "--ids", NULL, ids, "read the prompt as a JSON array of token ids from stdin, print the generated ids as one"),
    COUNT(GROUP_RUN, "--logprobs", NULL, "N", logprobs, 0, 1024, "with --json: log probabilities of each token made and of the N likeliest"),
    TEXT(GROUP_RUN, "--save", NULL, "FILE", save, "save the session (tokens and KV cache) after the text"),
    TEXT(GROUP_RUN, "--restore", NULL, "FILE", restore, "start from a saved session; what the prompt shares with it is not evaluated again"),
    TEXT(GROUP_CHAT, "--system", NULL, "TEXT", system, "the system message"),
    {"--reasoning", NULL, "off|N", KIND_COUNT, GROUP_CHAT, AT(reasoning), 0, COUNT_MAX, "off", "at most N tokens of thought before the answer; off: none"},
    TEXT(GROUP_CHAT, "--chat-template", NULL, "FILE", chat_template, "use the chat template (Jinja) in FILE, not the model's own"),
    TEXT(GROUP_CHAT, "--tools", NULL, "FILE", tools, "tools that the model may call: a JSON array of {name, description, parameters}; calls are printed"),
    FLAG(GROUP_CHAT, "--strict-tools", NULL, strict_tools, "hold the arguments of calls to the tools' schemas"),
    TEXT(GROUP_CHAT, "--tool-choice", NULL, "auto|none|required|NAME", tool_choice, "whether the model may (auto), must not, or must call a tool, or which"),
    FLAG(GROUP_INFO, "--tensors", NULL, tensors, "list the tensors too"),
    FLAG(GROUP_EXPLAIN, "--explain", NULL, explain, "print the steps too"),
    FLAG(GROUP_TOKENIZE, "--no-special-add", NULL, no_special_add, "add no bos or eos"),
    FLAG(GROUP_TOKENIZE, "--plain", NULL, plain, "special tokens in the text are plain text"),
    TEXT(GROUP_LOGITS, "--at", NULL, "I,J,...", at, "the logits of these positions alone, rising, counted from 0"),
    COUNT(GROUP_SPLIT, "--tensors", NULL, "N", part_tensors, 1, COUNT_MAX, "at most N tensors in a part"),
    {"--bytes", NULL, "SIZE", KIND_BYTES, GROUP_SPLIT, AT(part_bytes), 0, 0, NULL, "at most SIZE bytes in a part's file; K, M, G, T: times 1024, ..."},
    FLAG(GROUP_WRITE, "--force", NULL, force, "replace files that are there already"),
    FLAG(GROUP_JSON, "--json", NULL, json, "print one JSON object, for programs"),

    TEXT(GROUP_PROMPT, "--prompt", "-p", "TEXT", prompt, "the text to go on from (run), the message (chat), the text (embed)"),
    TEXT(GROUP_PROMPT, "--file", "-f", "FILE", prompt_file, "read that text from a file or pipe"),

    COUNT(GROUP_GENERATE, "--max-tokens", "-n", "N", max_tokens, 0, COUNT_MAX, "make at most N tokens (default: until the model ends its text or the context is full)"),
    {"--stop", NULL, "TEXT", KIND_TEXTS, GROUP_GENERATE, AT(stop), 0, 0, NULL, "end where TEXT would appear; may be given again"},
    TEXT(GROUP_GENERATE, "--grammar", NULL, "FILE", grammar, "make only text that the grammar (GBNF) in a file allows"),
    TEXT(GROUP_GENERATE, "--schema", NULL, "FILE", schema, "make only JSON that the JSON Schema in a file allows"),

    REAL("--temp", "T", temperature, 0, 100, "temperature (0.8); 0 takes the likeliest token each time"),
    COUNT(GROUP_SAMPLING, "--top-k", NULL, "K", top_k, 0, COUNT_MAX, "keep the K likeliest tokens (40); 0: all"),
    REAL("--top-p", "P", top_p, 0, 1, "keep the fewest tokens that reach P together (0.95); 1: all"),
    REAL("--min-p", "P", min_p, 0, 1, "drop what is less likely than P times the likeliest (0.05); 0: off"),
    REAL("--typical", "P", typical, 0, 1, "locally typical sampling (1: off)"),
    REAL("--repeat-penalty", "R", repeat_penalty, 0.01, 100, "divide the logits of repeated tokens by R (1: off)"),
    REAL("--frequency-penalty", "R", frequency_penalty, -100, 100, "subtract R for each time that a token appeared (0: off)"),
    REAL("--presence-penalty", "R", presence_penalty, -100, 100, "subtract R where a token appeared (0: off)"),
    COUNT(GROUP_SAMPLING, "--repeat-last", NULL, "N", repeat_last, 0, COUNT_MAX, "how many of the last tokens these three look at (64)"),
    REAL("--dry-multiplier", "R", dry_multiplier, 0, 100, "DRY: penalty against repeated sequences (0: off)"),
    REAL("--dry-base", "R", dry_base, 1, 100, "DRY: growth with the length (1.75)"),
    COUNT(GROUP_SAMPLING, "--dry-allowed-length", NULL, "N", dry_allowed_length, 1, COUNT_MAX, "DRY: length that is still free (2)"),
    REAL("--xtc-probability", "P", xtc_probability, 0, 1, "XTC: chance of leaving out the likeliest tokens (0: off)"),
    REAL("--xtc-threshold", "P", xtc_threshold, 0, 1, "XTC: of those above this probability all but the last go (0.1)"),
    {"--mirostat", NULL, "0|2", KIND_CHOICE, GROUP_SAMPLING, AT(mirostat), 0, 0, "0||2", "mirostat 2.0 in place of the steps above (0: off)"},
    REAL("--mirostat-tau", "R", mirostat_tau, 0.01, 100, "mirostat: aimed surprise, in bits (5)"),
    REAL("--mirostat-eta", "R", mirostat_eta, 0.0001, 1, "mirostat: learning rate (0.1)"),
    {"--logit-bias", NULL, "ID=B", KIND_BIAS, GROUP_SAMPLING, AT(biases), -REAL_MAX, REAL_MAX, NULL, "add B to a token's logit, -inf forbids it; may be given again"},
    {"--seed", NULL, "S", KIND_SEED, GROUP_SAMPLING, AT(seed), 0, 0, NULL, "seed of the choice (default: a random one, which is printed)"},

    COUNT(GROUP_PLAN, "--context", "-c", "N", context, 1, COUNT_MAX, "tokens of context (default: what the model was trained on, at most 8192)"),
    COUNT(GROUP_PLAN, "--batch", "-b", "N", batch, 1, COUNT_MAX, "tokens evaluated in one pass (512)"),
    COUNT(GROUP_PLAN, "--threads", "-t", "N", threads, 1, COUNT_MAX, "threads (default: physical cores, as far as affinity and quota allow)"),
    {"--kv", NULL, "TYPE", KIND_CHOICE, GROUP_PLAN, AT(kv), 0, 0, "f16|f32|bf16|q8_0", "type of the KV cache: f16 (default), f32, bf16, q8_0"},
    FLAG(GROUP_PLAN, "--overcommit", NULL, overcommit, "load even where the machine has less memory than the plan says"),
    FLAG(GROUP_MODEL, "--no-mmap", NULL, no_mmap, "read the model into memory instead of mapping it"),

    TEXT(GROUP_GLOBAL, "--isa", NULL, "LEVEL", isa, "kernels: ref, avx2, avx512, neon, dotprod (default: the best of this machine)"),
    FLAG(GROUP_GLOBAL, "--exact", NULL, exact, "exact arithmetic: slow, the truth to measure against"),
    FLAG(GROUP_GLOBAL, "--approx", NULL, approx, "kernels that do not keep the bits: OpenBLAS for float weights times many tokens"),
    FLAG(GROUP_GLOBAL, "--help", "-h", help, "print this help"),
    FLAG(GROUP_GLOBAL, "--version", NULL, version, "print the version"),
};
// clang-format on

const size_t cli_option_row_count = sizeof cli_option_rows / sizeof cli_option_rows[0];

void cli_options_init(struct cli_options *options)
{
    *options = (struct cli_options){.max_tokens = CLI_UNSET,
                                    .reasoning = CLI_UNSET,
                                    .top_k = CLI_UNSET,
                                    .repeat_last = CLI_UNSET,
                                    .mirostat = CLI_UNSET,
                                    .logprobs = CLI_UNSET};
    for (size_t i = 0; i < cli_option_row_count; i++)
        if (cli_option_rows[i].kind == KIND_REAL)
            *(double *)(void *)((char *)options + cli_option_rows[i].offset) = NAN;
}
