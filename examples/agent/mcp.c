/* Servers of the Model Context Protocol: started, asked for their tools, called. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <libinfer.h>

#include "mcp.h"
#include "mcp_schema.h"
#include "rpc.h"
#include "sandbox.h"

enum { SERVERS_MAX = 16, TOOLS_MAX = 256, PAGES_MAX = 64, NAME_MAX_BYTES = 64, CURSOR_MAX = 4096 };
enum { NOTES_MAX = 4000 };
enum { START_MS = 30000, CALL_MS = 120000 };
#define MCP_RESULT_MAX ((size_t)1 << 20)

/* The newest is asked for; a server may answer with one of the others. */
static const char *const versions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

struct server {
    char name[33];
    char origin[48]; /* "server NAME" */
    struct sandbox_child child;
    struct rpc rpc;
    bool runs;
};

/* What a tool of a server is, behind struct tool. */
struct served {
    struct server *server;
    char *full, *name, *definition; /* owned; name: the server's own */
};

struct mcp {
    struct server servers[SERVERS_MAX];
    size_t server_count;
    struct tool tools[TOOLS_MAX];
    struct served served[TOOLS_MAX];
    size_t tool_count;
    struct text notes;
};

/* ---- A call ------------------------------------------------------------------------------------- */

/* What stands in a result beside text is named, not given. */
static void add_block(struct text *out, const json_t *block)
{
    const char *type = json_string_value(json_object_get(block, "type"));
    const json_t *resource = json_object_get(block, "resource");
    const json_t *text = json_object_get(resource ? resource : block, "text");
    if (out->len && out->data[out->len - 1] != '\n')
        text_add(out, "\n", 1);
    if (json_is_string(text)) {
        text_add_shown(out, json_string_value(text), json_string_length(text), true, false);
        return;
    }
    const char *address = json_string_value(json_object_get(resource ? resource : block, "uri"));
    text_format(out, "[");
    text_add_shown(out, type ? type : "something", strnlen(type ? type : "something", 40), false,
                   false);
    text_format(out, "%s", address ? ": " : "");
    text_add_shown(out, address ? address : "", strnlen(address ? address : "", 500), false, false);
    text_format(out, "; not text, left out]");
}

/* The text of tools/call's result. */
static void add_result(struct text *out, const json_t *result)
{
    const json_t *content = json_object_get(result, "content");
    const json_t *structured = json_object_get(result, "structuredContent");
    for (size_t i = 0; i < json_array_size(content) && out->len < MCP_RESULT_MAX; i++)
        add_block(out, json_array_get(content, i));
    struct text dump = {0};
    if (structured && !json_array_size(content) && text_add_json(&dump, structured, JSON_COMPACT))
        text_add_shown(out, dump.data, dump.len, true, false);
    out->failed = out->failed || dump.failed;
    text_free(&dump);
    if (out->len > MCP_RESULT_MAX) {
        size_t cut = MCP_RESULT_MAX;
        while (cut && (out->data[cut] & 0xc0) == 0x80)
            cut--;
        size_t rest = out->len - cut;
        out->len = cut;
        text_format(out, "\n[%zu bytes left out]", rest);
    }
    if (!out->len)
        text_format(out, "(no content)");
}

static bool perform_call(struct action *action, struct agent *agent, struct text *result)
{
    struct served *served = action->state;
    /* What is sent is what was shown, behind its first line. */
    const char *params = strchr(action->shown.data, '\n');
    json_t *answer = NULL;
    struct text error = {0};
    if (!params || !rpc_request(&served->server->rpc, "tools/call", params + 1, CALL_MS,
                                &agent->cancelled, &answer, &error)) {
        text_format(result, "server %s: %s", served->server->name,
                    error.data ? error.data : "out of memory");
        text_free(&error);
        return false;
    }
    bool failed = json_is_true(json_object_get(answer, "isError"));
    add_result(result, answer);
    json_decref(answer);
    return !failed;
}

static bool prepare_call(struct agent *agent, const struct tool *tool, const json_t *arguments,
                         struct action *action, struct text *error)
{
    (void)agent;
    struct served *served = tool->state;
    json_t *params = json_pack("{s:s,s:O}", "name", served->name, "arguments", arguments);
    action->kind = ACTION_MCP;
    action->tool = tool->name;
    action->origin = served->server->origin;
    action->outside = true;
    action->state = served;
    action->perform = perform_call;
    text_format(&action->shown, "%s\n", served->server->origin);
    if (!text_add_json(&action->shown, params, JSON_COMPACT))
        text_format(error, "out of memory");
    json_decref(params);
    return !action->shown.failed;
}

/* ---- The tools of a server --------------------------------------------------------------------- */

static void note(struct mcp *mcp, const struct server *server, const char *tool, const char *why)
{
    if (mcp->notes.len > NOTES_MAX)
        return;
    text_format(&mcp->notes, "server %s: tool ", server->name);
    text_add_shown(&mcp->notes, tool, strnlen(tool, NAME_MAX_BYTES), false, true);
    text_format(&mcp->notes, " is left out: %s\n", why);
}

/* NAME__TOOL, of letters that every template and person can write; NULL: the name has others. */
static char *full_name(const struct server *server, const char *name)
{
    size_t len = strlen(name);
    bool plain = len && len <= NAME_MAX_BYTES;
    for (size_t i = 0; i < len && plain; i++)
        plain =
            (name[i] & 0x80) == 0 && (isalnum((unsigned char)name[i]) || strchr("_-./", name[i]));
    struct text full = {0};
    if (!plain)
        return NULL;
    text_format(&full, "%s__%s", server->name, name);
    for (size_t i = 0; !full.failed && i < full.len; i++)
        if (full.data[i] == '.' || full.data[i] == '/')
            full.data[i] = '_';
    return full.data;
}

static bool is_taken(const struct mcp *mcp, const char *full)
{
    for (size_t i = 0; i < mcp->tool_count; i++)
        if (!strcmp(mcp->tools[i].name, full))
            return true;
    return false;
}

static void add_tool(struct mcp *mcp, struct server *server, const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    struct text why = {0};
    struct served served = {.server = server, .full = name ? full_name(server, name) : NULL};
    if (!served.full)
        text_format(&why, "its name is not made of letters, digits, '_', '-', '.', '/'");
    else if (is_taken(mcp, served.full))
        text_format(&why, "there is one of that name");
    else if (mcp->tool_count == TOOLS_MAX)
        text_format(&why, "there are %d already", TOOLS_MAX);
    else
        served.definition = mcp_definition(server->name, served.full, entry, &why);
    if (served.definition && (served.name = strdup(name))) {
        struct served *place = &mcp->served[mcp->tool_count];
        *place = served;
        mcp->tools[mcp->tool_count++] = (struct tool){.name = served.full,
                                                      .definition = served.definition,
                                                      .prepare = prepare_call,
                                                      .state = place};
    } else {
        note(mcp, server, name ? name : "?", why.data ? why.data : "out of memory");
        free(served.full);
        free(served.definition);
    }
    text_free(&why);
}

/* Page by page. */
static bool list_tools(struct agent *agent, struct server *server, struct text *error)
{
    struct mcp *mcp = agent->servers;
    struct text params = {0};
    text_format(&params, "{}");
    bool more = true, ok = true;
    for (size_t page = 0; more && ok && page < PAGES_MAX; page++) {
        json_t *result = NULL;
        ok = !params.failed && rpc_request(&server->rpc, "tools/list", params.data, START_MS,
                                           &agent->cancelled, &result, error);
        const json_t *list = json_object_get(result, "tools");
        const json_t *cursor = json_object_get(result, "nextCursor");
        for (size_t i = 0; ok && i < json_array_size(list) && i <= TOOLS_MAX; i++)
            add_tool(mcp, server, json_array_get(list, i));
        more = json_is_string(cursor) && json_string_length(cursor) <= CURSOR_MAX;
        text_free(&params);
        json_t *next = more ? json_pack("{s:O}", "cursor", cursor) : NULL;
        if (more)
            text_add_json(&params, next, JSON_COMPACT);
        json_decref(next);
        json_decref(result);
    }
    text_free(&params);
    return ok;
}

/* ---- A server ----------------------------------------------------------------------------------- */

/* Agrees on a version. */
static bool initialize(struct agent *agent, struct server *server, struct text *error)
{
    struct text params = {0};
    text_format(&params,
                "{\"protocolVersion\":\"%s\",\"capabilities\":{},"
                "\"clientInfo\":{\"name\":\"infer-agent\",\"version\":\"%s\"}}",
                versions[0], infer_version());
    json_t *result = NULL;
    bool ok = !params.failed && rpc_request(&server->rpc, "initialize", params.data, START_MS,
                                            &agent->cancelled, &result, error);
    text_free(&params);
    const char *version = json_string_value(json_object_get(result, "protocolVersion"));
    bool known = false;
    for (size_t i = 0; version && i < sizeof versions / sizeof *versions; i++)
        known = known || !strcmp(version, versions[i]);
    if (ok && !known)
        text_format(error, "it speaks no version of the protocol that is known here");
    else if (ok &&
             !json_is_object(json_object_get(json_object_get(result, "capabilities"), "tools")))
        text_format(error, "it offers no tools");
    else if (ok)
        rpc_notify(&server->rpc, "notifications/initialized");
    ok = ok && !error->len;
    json_decref(result);
    return ok;
}

static bool start(struct agent *agent, struct server *server, const char *command,
                  struct text *error)
{
    char **argv = mcp_split(command);
    char why[SANDBOX_ERR] = "out of memory";
    if (!argv) {
        text_format(error,
                    "its command cannot be read: a quotation mark is open, or there is none");
        return false;
    }
    struct sandbox_command child = {.argv = (const char *const *)argv};
    server->runs = sandbox_spawn(agent->sandbox, &child, &server->child, why);
    free(argv);
    if (!server->runs) {
        text_add_shown(error, why, strlen(why), false, false);
        return false;
    }
    rpc_open(&server->rpc, server->child.to_child, server->child.from_child);
    return initialize(agent, server, error) && list_tools(agent, server, error);
}

/* NAME=COMMAND: where the command begins; NULL: it is none. */
static const char *read_name(struct mcp *mcp, const char *given, struct server *server)
{
    size_t len = strcspn(given, "=");
    bool plain = given[len] == '=' && len && len < sizeof server->name;
    for (size_t i = 0; i < len && plain; i++)
        plain = isalnum((unsigned char)given[i]) || given[i] == '-' || given[i] == '_';
    if (!plain)
        return NULL;
    memcpy(server->name, given, len);
    server->name[len] = 0;
    snprintf(server->origin, sizeof server->origin, "server %s", server->name);
    for (size_t i = 0; i < mcp->server_count; i++)
        if (!strcmp(mcp->servers[i].name, server->name))
            return NULL;
    return given + len + 1;
}

bool mcp_open(struct agent *agent, struct text *error)
{
    const struct agent_options *options = &agent->options;
    if (!options->server_count)
        return true;
    enum sandbox_tier tier = sandbox_tier(agent->sandbox);
    bool walled = tier >= SANDBOX_TIER_A && tier <= SANDBOX_TIER_C;
    if (!walled && options->sandbox != SANDBOX_NONE) {
        text_format(error, "no file sandbox works here, so no server is started (--sandbox none)");
        return false;
    }
    if (options->server_count > SERVERS_MAX) {
        text_format(error, "%zu servers; at most %d are started", options->server_count,
                    SERVERS_MAX);
        return false;
    }
    struct mcp *mcp = agent->servers = calloc(1, sizeof *mcp);
    for (size_t i = 0; mcp && i < options->server_count; i++) {
        struct server *server = &mcp->servers[i];
        const char *command = read_name(mcp, options->servers[i], server);
        if (!command) {
            text_format(
                error,
                "--mcp wants NAME=COMMAND, each name once, of letters, digits, '-' and '_': ");
            text_add_shown(error, options->servers[i], strlen(options->servers[i]), false, false);
            return false;
        }
        mcp->server_count++;
        struct text why = {0};
        bool ok = start(agent, server, command, &why);
        if (!ok)
            text_format(error, "server %s: %s", server->name,
                        why.data ? why.data : "out of memory");
        text_free(&why);
        if (!ok)
            return false;
    }
    if (!mcp || mcp->notes.failed) {
        text_format(error, "out of memory");
        return false;
    }
    return true;
}

bool mcp_pause(struct agent *agent, struct text *error)
{
    struct mcp *mcp = agent->servers;
    char why[SANDBOX_ERR] = "";
    for (size_t i = 0; mcp && i < mcp->server_count; i++) {
        if (!mcp->servers[i].runs || sandbox_pause(&mcp->servers[i].child, why))
            continue;
        text_format(error, "server %s does not stand still meanwhile: %s", mcp->servers[i].name,
                    why);
        mcp_resume(agent);
        return false;
    }
    return true;
}

void mcp_resume(struct agent *agent)
{
    struct mcp *mcp = agent->servers;
    for (size_t i = 0; mcp && i < mcp->server_count; i++)
        if (mcp->servers[i].runs)
            sandbox_resume(&mcp->servers[i].child);
}

void mcp_close(struct agent *agent)
{
    struct mcp *mcp = agent->servers;
    for (size_t i = 0; mcp && i < mcp->server_count; i++) {
        if (mcp->servers[i].runs)
            sandbox_stop(&mcp->servers[i].child, NULL);
        rpc_close(&mcp->servers[i].rpc);
    }
    for (size_t i = 0; mcp && i < mcp->tool_count; i++) {
        free(mcp->served[i].full);
        free(mcp->served[i].name);
        free(mcp->served[i].definition);
    }
    if (mcp)
        text_free(&mcp->notes);
    free(mcp);
    agent->servers = NULL;
}

const struct tool *mcp_tools(const struct agent *agent, size_t *count)
{
    *count = agent->servers ? agent->servers->tool_count : 0;
    return agent->servers ? agent->servers->tools : NULL;
}

const char *mcp_notes(const struct agent *agent)
{
    return agent->servers && agent->servers->notes.data ? agent->servers->notes.data : "";
}
