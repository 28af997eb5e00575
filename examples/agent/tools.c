/* The table of tools, and how a call becomes an action. */
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "hands.h"
#include "mcp.h"

/* clang-format off */
#define TEXT(what) "{\"type\":\"string\",\"description\":\"" what "\"}"
#define NUMBER(least, most, what) \
    "{\"type\":\"integer\",\"minimum\":" #least ",\"maximum\":" #most ",\"description\":\"" what "\"}"
#define COUNT_OF(what) "{\"type\":\"integer\",\"minimum\":1,\"description\":\"" what "\"}"
#define YES_NO(what) "{\"type\":\"boolean\",\"description\":\"" what "\"}"
#define TEXTS(most, what) \
    "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":" #most "," \
    "\"description\":\"" what "\"}"
/* `needed` ends the array of what must be given. */
#define TOOL(name, what, members, needed) \
    "{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"description\":\"" what "\"," \
    "\"parameters\":{\"type\":\"object\",\"properties\":{" members "},\"required\":[" needed "," \
    "\"additionalProperties\":false}}}"

static const struct tool always[] = {
    {"read_file",
     TOOL("read_file", "Reads a text file.",
          "\"path\":" TEXT("of the file") ","
          "\"first_line\":" COUNT_OF("from 1") ","
          "\"line_count\":" COUNT_OF("all to the end if not given"),
          "\"path\"]"),
     files_prepare_read, NULL},
    {"list_files",
     TOOL("list_files", "Lists files and folders.",
          "\"path\":" TEXT("default .") ","
          "\"depth\":" NUMBER(1, 32, "levels of folders, 2 if not given"),
          "]"),
     files_prepare_list, NULL},
    {"search",
     TOOL("search", "Finds lines in files that hold a text.",
          "\"pattern\":" TEXT("the text") ","
          "\"path\":" TEXT("a file or folder, default .") ","
          "\"regex\":" YES_NO("pattern is a regular expression") ","
          "\"ignore_case\":" YES_NO("A is a"),
          "\"pattern\"]"),
     search_prepare, NULL},
    {"edit_file",
     TOOL("edit_file", "Replaces one text in a file by another.",
          "\"path\":" TEXT("of the file") ","
          "\"old_text\":" TEXT("copied exactly, with enough lines to stand once in the file") ","
          "\"new_text\":" TEXT("what stands there instead") ","
          "\"all\":" YES_NO("replace it at every place"),
          "\"path\",\"old_text\",\"new_text\"]"),
     edit_prepare, NULL},
    {"write_file",
     TOOL("write_file", "Makes a file, or replaces all that is in it.",
          "\"path\":" TEXT("of the file") ","
          "\"text\":" TEXT("all of the file"),
          "\"path\",\"text\"]"),
     files_prepare_write, NULL},
    {"run",
     TOOL("run", "Runs a program in the folder, without network.",
          "\"shell\":" TEXT("a line for sh") ","
          "\"argv\":" TEXTS(256, "or the program and its arguments"),
          "],\"minProperties\":1,\"maxProperties\":1"),
     run_prepare, NULL},
    /* Models that were taught little of tools do not find the end of calling without it. */
    {"answer", TOOL("answer", "Answers the user when the task is done.", "\"text\":" TEXT("of the answer"), "\"text\"]"),
     answer_prepare, NULL},
    {"undo", TOOL("undo", "Takes back the last change that was made here.", "", "]"),
     journal_prepare_undo, NULL},
};

static const struct tool with_git =
    {"git_commit",
     TOOL("git_commit", "Commits the files that were changed.",
          "\"message\":" TEXT("of the commit") ","
          "\"paths\":" TEXTS(200, "files; those changed by edit_file and write_file if not given"),
          "\"message\"]"),
     commit_prepare, NULL};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Actions ----------------------------------------------------------------------------------- */

void action_free(struct action *action)
{
    if (action->release)
        action->release(action);
    text_free(&action->shown);
    text_free(&action->covers);
    *action = (struct action){0};
}

static void hash_part(SHA2_CTX *context, const char *data, size_t len)
{
    uint64_t size = len; /* so that no part can be taken for two */
    SHA256Update(context, (const uint8_t *)&size, sizeof size);
    SHA256Update(context, (const uint8_t *)data, len);
}

void action_digest(const struct action *action, char digest[65])
{
    SHA2_CTX context;
    char kind = (char)action->kind;
    const char *path = action->path ? action->path : "";
    SHA256Init(&context);
    hash_part(&context, &kind, 1);
    hash_part(&context, action->tool, strlen(action->tool));
    hash_part(&context, path, strlen(path));
    for (size_t i = 0; action->argv && action->argv[i]; i++)
        hash_part(&context, action->argv[i], strlen(action->argv[i]));
    hash_part(&context, action->shown.data ? action->shown.data : "", action->shown.len);
    hash_part(&context, action->covers.data ? action->covers.data : "", action->covers.len);
    SHA256End(&context, digest);
}

/* ---- Calls ------------------------------------------------------------------------------------- */

static const struct tool *find(const struct agent *agent, const char *name, struct text *error)
{
    for (size_t i = 0; i < agent->tools.count; i++)
        if (!strcmp(agent->tools.items[i].name, name))
            return &agent->tools.items[i];
    text_format(error, "there is no tool \"");
    text_add_shown(error, name, strnlen(name, 64), false, false);
    text_format(error, "\"; there are:");
    for (size_t i = 0; i < agent->tools.count; i++)
        text_format(error, " %s", agent->tools.items[i].name);
    return NULL;
}

/* Do they fit what the tool's definition says? */
static bool fit(const struct tool *tool, const json_t *arguments, struct text *error)
{
    json_t *definition = text_read_json(tool->definition, strlen(tool->definition), 0, NULL);
    const json_t *function = json_object_get(definition, "function");
    const json_t *schema = json_object_get(function ? function : definition, "parameters");
    bool ok = definition && (!schema || arguments_fit(schema, arguments, error));
    if (!definition)
        text_format(error, "out of memory");
    json_decref(definition);
    return ok;
}

bool tools_prepare(struct agent *agent, const char *name, const char *text, size_t len,
                   struct action *action, struct text *error)
{
    *action = (struct action){0};
    const struct tool *tool = find(agent, name, error);
    json_t *arguments = tool ? arguments_read(text, len, error) : NULL;
    bool ok = arguments && fit(tool, arguments, error);
    if (ok) {
        action->tool = tool->name;
        ok = tool->prepare(agent, tool, arguments, action, error);
        if (ok && (action->shown.failed || action->covers.failed)) {
            text_format(error, "out of memory");
            ok = false;
        }
    }
    json_decref(arguments);
    if (ok)
        action_digest(action, action->digest);
    else
        action_free(action);
    return ok;
}

/* ---- The table --------------------------------------------------------------------------------- */

/* The definitions as one JSON array. */
static bool join(struct tools *tools)
{
    struct text json = {0};
    for (size_t i = 0; i < tools->count; i++)
        text_format(&json, "%s%s", i ? "," : "[", tools->items[i].definition);
    text_format(&json, "]");
    tools->json = json.data;
    return !json.failed;
}

bool tools_open(struct agent *agent, struct text *error)
{
    struct tools *tools = &agent->tools;
    size_t servers = 0, git = 0;
    if (!journal_open(agent)) {
        text_format(error, "out of memory");
        return false;
    }
    if (!mcp_open(agent, error))
        return false;
    const struct tool *of_servers = mcp_tools(agent, &servers);
    git = journal_has_git(agent);
    tools->items = malloc((COUNT(always) + git + servers) * sizeof *tools->items);
    if (tools->items) {
        memcpy(tools->items, always, sizeof always);
        if (git)
            tools->items[COUNT(always)] = with_git;
        if (servers)
            memcpy(tools->items + COUNT(always) + git, of_servers, servers * sizeof *of_servers);
        tools->count = COUNT(always) + git + servers;
    }
    bool ok = tools->items && join(tools);
    if (!ok)
        text_format(error, "out of memory");
    return ok;
}

void tools_close(struct agent *agent)
{
    free(agent->tools.items);
    free(agent->tools.json);
    agent->tools = (struct tools){0};
    mcp_close(agent);
    journal_close(agent);
}
