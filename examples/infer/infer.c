/* infer: the command. The table of its commands, and what becomes of their errors. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_GROUPS (GROUP_GLOBAL | GROUP_MODEL)
#define PLAN_GROUPS (MODEL_GROUPS | GROUP_PLAN)
#define EARLY_GROUPS PLAN_GROUPS /* before the command: for those commands that take them */
#define TEXT_GROUPS (PLAN_GROUPS | GROUP_PROMPT | GROUP_GENERATE | GROUP_SAMPLING | GROUP_JSON)

static const struct cli_command commands[] = {
    {"run", "FILE", 1, TEXT_GROUPS | GROUP_RUN, "go on from a text",
     "The text comes from -p, -f or stdin, as it is; what the model makes of it goes to stdout.\n"
     "Ctrl-C ends the text (status 130).\n",
     cmd_run},
    {"chat", "FILE", 1, TEXT_GROUPS | GROUP_CHAT, "talk with a model",
     "With -p, -f or when stdin is no terminal: one turn, the answer on stdout.\n", cmd_chat},
    {"info", "FILE", 1, MODEL_GROUPS | GROUP_INFO | GROUP_JSON, "what a GGUF file holds",
     "Tells whether the model can be run, and else why not.\n", cmd_info},
    {"tensor", "FILE NAME", 2, MODEL_GROUPS, "one tensor's weights as numbers",
     "Writes little-endian f32, row by row.\n", cmd_tensor},
    {"plan", "FILE", 1, PLAN_GROUPS | GROUP_EXPLAIN | GROUP_JSON,
     "every byte that a model will take", "Nothing is loaded.\n", cmd_plan},
    {"tokenize", "FILE", 1, MODEL_GROUPS | GROUP_TOKENIZE, "text to token ids",
     "Reads text from stdin, writes a JSON array.\n", cmd_tokenize},
    {"detokenize", "FILE", 1, MODEL_GROUPS, "token ids to text",
     "Reads a JSON array from stdin, writes the exact bytes.\n", cmd_detokenize},
    {"template", "FILE", 1, MODEL_GROUPS, "a conversation to a prompt",
     "Reads {\"messages\": ..., \"add_generation_prompt\": true, ...} as JSON from stdin, writes "
     "the\n"
     "prompt. FILE is a model or a template's text.\n",
     cmd_template},
    {"logits", "FILE", 1, PLAN_GROUPS | GROUP_LOGITS, "a model's raw numbers for token ids",
     "Reads a JSON array from stdin, writes little-endian f32, (tokens, vocabulary).\n",
     cmd_logits},
    {"embed", "FILE", 1, PLAN_GROUPS | GROUP_PROMPT | GROUP_JSON,
     "the vector of a text, by an embedding model",
     "Takes a text (-p, -f), or a JSON array of token ids from stdin; writes little-endian f32, "
     "or\n"
     "with --json an array: a vector of length 1, pooled as the file says.\n",
     cmd_embed},
    {"perplexity", "FILE TEXT", 2, PLAN_GROUPS | GROUP_JSON, "how well a model foretells a text",
     "TEXT is a file. It is cut into chunks of 512 tokens (-c: another length); the second half\n"
     "of each is scored.\n",
     cmd_perplexity},
    {"compare", "A B TEXT", 3, PLAN_GROUPS | GROUP_JSON, "how far model B is from model A",
     "TEXT is a file, scored as by perplexity: KL divergence, agreement of the likeliest token,\n"
     "largest difference of a log probability.\n",
     cmd_compare},
    {"split", "FILE PREFIX", 2, MODEL_GROUPS | GROUP_SPLIT | GROUP_WRITE,
     "one model to several files",
     "Writes PREFIX-00001-of-0000N.gguf and so on; --tensors or --bytes says how much is in each.\n"
     "Nothing is left of them where it fails.\n",
     cmd_split},
    {"merge", "FIRST OUT", 2, MODEL_GROUPS | GROUP_WRITE, "a model of several files to one",
     "FIRST is the first part.\n", cmd_merge},
    {"models", "", 0, GROUP_GLOBAL | GROUP_JSON, "the architectures that can be run",
     "Each with the largest error of a logit that was measured, and against what.\n", cmd_models},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_overview(void)
{
    printf("usage: infer COMMAND [OPTION]... FILE...\n\nRuns language models from GGUF files.\n\n"
           "Commands (infer COMMAND --help tells more):\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-12s%-12s%s\n", commands[i].name, commands[i].operands, commands[i].summary);
    cli_options_print(stdout, GROUP_GLOBAL);
    printf("\nStatus: 0, 1 for a failure (one line on stderr tells which), 2 for wrong usage, 130 "
           "after Ctrl-C.\n");
}

static void print_help(const struct cli_command *command)
{
    printf("usage: infer %s%s%s [OPTION]...\n\ninfer %s: %s.\n%s", command->name,
           *command->operands ? " " : "", command->operands, command->name, command->summary,
           command->details);
    cli_options_print(stdout, command->groups);
}

/* For the shell completion: the commands, or the options of one. */
static int list_words(const char *name)
{
    const struct cli_command *command = name ? find_command(name) : NULL;
    if (command)
        cli_options_list(stdout, command->groups);
    else
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            printf("%s\t%s\t%s\n", commands[i].name, commands[i].operands, commands[i].summary);
    return 0;
}

static int usage_error(const struct cli *cli)
{
    const char *name = cli->command ? cli->command->name : "";
    cli_say("%s%s%s (see infer %s%s--help)", name, *name ? ": " : "", cli->err.text, name,
            *name ? " " : "");
    return CLI_USAGE;
}

static int finish(struct cli *cli, infer_status status)
{
    if (cli->usage)
        return usage_error(cli);
    if (status == INFER_OK)
        status = cli_output_end(cli);
    else
        cli_output_flush(cli);
    cli_progress_end(cli);
    if (cli_interrupted() && (status == INFER_OK || status == INFER_E_CANCELLED)) {
        if (status == INFER_OK)
            cli_notices_show(cli);
        else
            cli_say("cancelled");
        return CLI_INTERRUPTED;
    }
    if (status != INFER_OK) {
        cli_say("%s", cli->err.text);
        return CLI_FAILED;
    }
    cli_notices_show(cli);
    return 0;
}

static int show_version(void)
{
    printf("infer %s\n", infer_version());
    return 0;
}

/* Reads the command line from the command's name on. */
static int run_command(struct cli *cli, char **argv, int at)
{
    if (strcmp(argv[at], "version") == 0)
        return show_version();
    if (strcmp(argv[at], "help") == 0) {
        print_overview();
        return 0;
    }
    const struct cli_command *command = find_command(argv[at]);
    if (!command) {
        bool file = strstr(argv[at], ".gguf") != NULL;
        cli_usage(cli, "no command '%.100s'%s", argv[at],
                  file ? "; do you mean infer run FILE?" : "");
        return usage_error(cli);
    }
    at++;
    cli->command = command;
    /* A command without operands must refuse them, not stop at the first. */
    bool sound =
        cli_options_parse(&cli->opt, command->groups, command->operand_count, argv, &at, &cli->err);
    if (sound && cli->opt.help) {
        print_help(command);
        return 0;
    }
    if (sound && cli->opt.version)
        return show_version();
    if (sound && argv[at])
        cli_usage(cli, "'%.100s' is one operand too many", argv[at]);
    else if (sound && cli->opt.operand_count < command->operand_count)
        cli_usage(cli, "%s is needed", command->operands);
    else if (sound)
        return finish(cli, command->call(cli));
    return usage_error(cli);
}

int main(int argc, char **argv)
{
    struct cli cli = {.command = NULL};
    int at = 1, status = CLI_USAGE;
    if (argc > 1 && strcmp(argv[1], "--list-options") == 0)
        return list_words(argv[2]);
    cli_options_init(&cli.opt);
    if (!cli_options_parse(&cli.opt, EARLY_GROUPS, 0, argv, &at, &cli.err)) {
        status = usage_error(&cli);
    } else if (argc > 0 && argv[at] && !cli.opt.help && !cli.opt.version) {
        status = run_command(&cli, argv, at);
    } else if (cli.opt.version) {
        status = show_version();
    } else if (cli.opt.help) {
        print_overview();
        status = 0;
    } else {
        cli_usage(&cli, "a command is needed");
        status = usage_error(&cli);
    }
    if (status == 0 && fflush(stdout) != 0) { /* of the help; finish() has done it for commands */
        cli_say("stdout: %s", strerror(errno));
        status = CLI_FAILED;
    }
    cli_options_free(&cli.opt);
    free(cli.notices.data);
    return status;
}
