/* Servers that are good, or bad in one way each. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "examples/agent/mcp.h"
#include "examples/agent/mcp_schema.h"
#include "tests/agent/gate.h"

/* ---- A sandbox without walls -------------------------------------------------------------------- */

bool sandbox_spawn(struct sandbox *box, const struct sandbox_command *command,
                   struct sandbox_child *child, char err[SANDBOX_ERR])
{
    int to[2], from[2];
    (void)box;
    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) {
        snprintf(err, SANDBOX_ERR, "no pipes");
        return false;
    }
    pid_t pid = fork();
    if (!pid) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        signal(SIGPIPE, SIG_DFL);
        execvp(command->argv[0], (char *const *)command->argv);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    *child = (struct sandbox_child){to[1], from[0], (void *)(intptr_t)pid};
    return true;
}

static bool moves; /* the next one that is to stand still does not */

bool sandbox_pause(struct sandbox_child *child, char err[SANDBOX_ERR])
{
    pid_t pid = (pid_t)(intptr_t)child->inner;
    snprintf(err, SANDBOX_ERR, "it moves");
    return !moves && !kill(pid, SIGSTOP);
}

void sandbox_resume(struct sandbox_child *child)
{
    kill((pid_t)(intptr_t)child->inner, SIGCONT);
}

void sandbox_stop(struct sandbox_child *child, struct sandbox_result *result)
{
    pid_t pid = (pid_t)(intptr_t)child->inner;
    (void)result;
    close(child->to_child);
    close(child->from_child);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- What the tests share ------------------------------------------------------------------------ */

static volatile sig_atomic_t *alarmed;

static void on_alarm(int number)
{
    (void)number;
    *alarmed = 1;
}

/* Sets `cancelled` after a while, as Ctrl-C does. */
static void cancel_after(struct agent *agent, int ms)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    alarmed = &agent->cancelled;
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {ms / 1000, ms % 1000 * 1000}}, NULL);
}

struct opened {
    struct sandbox box;
    struct agent agent;
    struct text error;
    const char *servers[2];
    char command[200];
    bool ok;
};

static void open_with(struct opened *o, const char *given, int cancel_ms)
{
    *o = (struct opened){.box = {'A', false}};
    gate_agent(&o->agent, &o->box);
    o->servers[0] = given;
    o->agent.options.servers = o->servers;
    o->agent.options.server_count = 1;
    if (cancel_ms)
        cancel_after(&o->agent, cancel_ms);
    o->ok = mcp_open(&o->agent, &o->error);
    if (!o->error.data)
        text_add(&o->error, "", 0);
}

/* The command of a server that is odd in one way; what stands in the place of python3 may be slow to start. */
static const char *odd(const char *how)
{
    static char python[200] = "", command[300];
    FILE *pipe = *python ? NULL : popen("python3 -c 'import sys; print(sys.executable)'", "r");
    if (pipe) {
        if (fgets(python, sizeof python, pipe))
            python[strcspn(python, "\n")] = 0;
        pclose(pipe);
    }
    snprintf(command, sizeof command, "odd=%s -I -S tests/agent/odd_server.py %s", python, how);
    return command;
}

static void open_odd(struct opened *o, const char *how)
{
    open_with(o, odd(how), 0);
    CHECK(o->ok, "%s: %s", how, o->error.data);
}

static void shut(struct opened *o)
{
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    mcp_close(&o->agent);
    gate_agent_free(&o->agent);
    text_free(&o->error);
}

static const struct tool *find(const struct opened *o, const char *name)
{
    size_t count;
    const struct tool *tools = mcp_tools(&o->agent, &count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(tools[i].name, name))
            return &tools[i];
    return NULL;
}

/* Calls a tool; what came is the caller's. */
static bool call(struct opened *o, const char *name, const char *arguments, struct text *result)
{
    const struct tool *tool = find(o, name);
    struct action action = {0};
    json_t *values = json_loads(arguments, 0, NULL);
    text_free(result);
    bool ok = tool && tool->prepare(&o->agent, tool, values, &action, result);
    CHECK(ok && action.kind == ACTION_MCP && action.outside && action.origin, "%s is no action",
          name);
    ok = ok && action.perform(&action, &o->agent, result);
    text_add(result, "", 0);
    json_decref(values);
    text_free(&action.shown);
    return ok;
}

static void expect(const char *how, const char *name, bool ok, const char *part)
{
    struct opened o;
    struct text result = {0};
    open_odd(&o, how);
    bool went = call(&o, name, "{}", &result);
    CHECK(went == ok && strstr(result.data, part), "%s: %d, %.300s", how, went, result.data);
    text_free(&result);
    shut(&o);
}

/* ---- The tests ----------------------------------------------------------------------------------- */

static void check_good(void)
{
    struct opened o;
    struct text result = {0};
    open_odd(&o, "good");
    const struct tool *echo = find(&o, "odd__echo");
    CHECK(echo &&
              !strcmp(echo->definition,
                      "{\"name\":\"odd__echo\",\"description\":\"(server odd) \",\"parameters\":"
                      "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},"
                      "\"additionalProperties\":false}}"),
          "%s", echo ? echo->definition : "none");
    CHECK(call(&o, "odd__echo", "{\"text\":\"a\\nb\"}", &result) &&
              !strcmp(result.data, "echo a\nb"),
          "%s", result.data);
    CHECK(!call(&o, "odd__bad", "{}", &result) && !strcmp(result.data, "it went wrong"), "%s",
          result.data);
    CHECK(call(&o, "odd__heard", "{}", &result), "heard");
    /* Ping was answered, the other request refused; then we said that we are ready. */
    CHECK(strstr(result.data, "[\"initialize\", {\"jsonrpc\": \"2.0\", \"id\": \"a\\n\\\"b\", "
                              "\"result\": {}}, {\"jsonrpc\": "
                              "\"2.0\", \"id\": 1, \"error\": {\"code\": -32601, \"message\": "
                              "\"method not found\"}}, "
                              "\"notifications/initialized\", \"tools/list\", \"tools/call\""),
          "%s", result.data);
    const struct tool *tool = find(&o, "odd__number");
    struct action action = {0};
    json_t *values = json_pack("{s:i,s:s}", "n", 1, "text", "a\nb\x1b");
    CHECK(
        tool->prepare(&o.agent, tool, values, &action, &result) &&
            !strcmp(action.shown.data,
                    "server "
                    "odd\n{\"name\":\"number\",\"arguments\":{\"n\":1,\"text\":\"a\\nb\\u001B\"}}"),
        "%s", action.shown.data);
    json_decref(values);
    text_free(&action.shown);
    text_free(&result);
    shut(&o);
}

static void check_openings(void)
{
    static const struct {
        const char *given, *error;
        int cancel_ms;
    } cases[] = {{"future", "no version", 0},
                 {"odd", "no version", 0},
                 {"toolless", "offers no tools", 0},
                 {"mute", "cancelled", 500},
                 {"odd=/nowhere/at/all", "it has ended", 0},
                 {"odd=true", "it has ended", 0},
                 {"odd=yes", "message after message", 0},
                 {"odd=sh -c 'exec cat /dev/zero'", "too long", 0},
                 {"odd=", "cannot be read", 0},
                 {"odd='a", "cannot be read", 0},
                 {"odd", "NAME=COMMAND", 0},
                 {"=x", "NAME=COMMAND", 0},
                 {"a b=x", "NAME=COMMAND", 0},
                 {"a\x1b=x", "a\\x1b=x", 0},
                 {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=x", "NAME=COMMAND", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct opened o;
        open_with(&o, i < 4 ? odd(cases[i].given) : cases[i].given, cases[i].cancel_ms);
        CHECK(!o.ok && strstr(o.error.data, cases[i].error), "%s: %s", cases[i].given,
              o.error.data);
        shut(&o);
    }
    struct sandbox box = {'D', false};
    struct agent agent;
    struct text error = {0};
    const char *servers[] = {odd("good"), "odd=true"};
    gate_agent(&agent, &box);
    agent.options.servers = servers;
    agent.options.server_count = 2;
    CHECK(!mcp_open(&agent, &error) && strstr(error.data, "no file sandbox"), "D: %s", error.data);
    mcp_close(&agent);
    box.tier = 'A';
    text_free(&error);
    CHECK(!mcp_open(&agent, &error) && strstr(error.data, "each name once"), "twice: %s",
          error.data);
    mcp_close(&agent);
    gate_agent_free(&agent);
    text_free(&error);
    struct opened o;
    open_odd(&o, "old");
    CHECK(find(&o, "odd__echo"), "an older version");
    shut(&o);
}

static void check_lists(void)
{
    struct opened o;
    size_t count;
    open_odd(&o, "pages");
    mcp_tools(&o.agent, &count);
    CHECK(count == 6 && find(&o, "odd__t5"), "%zu tools", count);
    shut(&o);
    open_odd(&o, "endless");
    mcp_tools(&o.agent, &count);
    CHECK(count == 64, "%zu tools", count);
    shut(&o);
    open_odd(&o, "many");
    mcp_tools(&o.agent, &count);
    CHECK(count == 256, "%zu tools", count);
    CHECK(strstr(mcp_notes(&o.agent), "t256 is left out: there are 256 already"), "%s",
          mcp_notes(&o.agent));
    shut(&o);
    open_odd(&o, "names");
    mcp_tools(&o.agent, &count);
    CHECK(count == 3 && find(&o, "odd__good") && find(&o, "odd__a_b") && find(&o, "odd__ok-1_2"),
          "%zu tools", count);
    const char *notes = mcp_notes(&o.agent);
    CHECK(strstr(notes, "tool good is left out: there is one of that name"), "%s", notes);
    CHECK(strstr(notes, "tool a/b is left out: there is one of that name"), "%s", notes);
    CHECK(strstr(notes, "tool e\\x1b[2J is left out: its name"), "%s", notes);
    CHECK(strstr(notes, "tool bare is left out: its inputSchema"), "%s", notes);
    shut(&o);
    open_odd(&o, "changed");
    const char *before = find(&o, "odd__echo")->definition;
    struct text result = {0};
    CHECK(call(&o, "odd__echo", "{\"text\":\"x\"}", &result) &&
              call(&o, "odd__heard", "{}", &result),
          "changed");
    CHECK(find(&o, "odd__echo")->definition == before &&
              !strstr(result.data, "tools/list\", \"tools/list"),
          "a definition changed");
    text_free(&result);
    shut(&o);
}

static void check_schemas(void)
{
    struct opened o;
    open_odd(&o, "schemas");
    const struct tool *tool = find(&o, "odd__deep");
    json_t *value = json_loads(tool ? tool->definition : "", 0, NULL),
           *at = json_object_get(value, "parameters");
    size_t depth = 0;
    for (; json_object_get(at, "properties"); depth++)
        at = json_object_get(json_object_get(at, "properties"), "a");
    CHECK(depth > 10 && depth < 20, "deep: %zu", depth);
    json_decref(value);
    CHECK(!find(&o, "odd__wide") && !find(&o, "odd__tree") && !find(&o, "odd__odd"),
          "too large, or no object");
    CHECK(find(&o, "odd__none") != NULL, "what is no schema is left out");
    tool = find(&o, "odd__pick");
    const char *pick = tool ? tool->definition : "";
    CHECK(strstr(pick, "\"kind\":{\"anyOf\":[{\"const\":\"a\"},{\"const\":\"b\"}]}"), "%s", pick);
    CHECK(strstr(pick, "\"where\":{\"enum\":[\"here\",\"there\"]},\"out\":{},\"any\":true"), "%s",
          pick);
    CHECK(strstr(pick, "\"items\":{\"minimum\":1,\"type\":[\"integer\",\"null\"]}"), "%s", pick);
    CHECK(strstr(pick, "\\\\x1b]0;t\\\\x07www") && strstr(pick, "w ...\"") &&
              !strstr(pick, "pattern"),
          "%s", pick);
    CHECK(strstr(pick, "\"required\":[\"kind\"]") && !strstr(pick, "unevaluated"), "%s", pick);
    tool = find(&o, "odd__long");
    CHECK(tool && strlen(tool->definition) < 2200 &&
              strstr(tool->definition, "(server odd) \\\\u{202e}\xc3\xa9") &&
              strstr(tool->definition, "\xc3\xa9 ...\""),
          "a long description");
    shut(&o);
}

static void check_hostile(void)
{
    expect("garbage", "odd__echo", true, "after garbage");
    expect("batch", "odd__echo", true, "batch");
    expect("bytes", "odd__echo", true, "byte by byte");
    expect("structured", "odd__echo", true, "{\"a\":1}");
    expect("line", "odd__echo", false, "server odd: it sends a line that is too long");
    expect("flood", "odd__echo", false, "message after message");
    expect("bulk", "odd__echo", false, "too much");
    expect("deaf", "odd__echo", false, "does not read");
    expect("latin", "odd__echo", false, "cannot be read");
    expect("twice", "odd__echo", false, "cannot be read");
    expect("ends", "odd__echo", false, "it has ended");
    expect("half", "odd__echo", false, "it has ended");
    expect("wrong", "odd__heard", true, "right");
    expect("error", "odd__echo", false, "error -5: no\\x1b[2Jxxx");
    expect("shapes", "odd__echo", true, "(no content)");
    expect("shapes", "odd__heard", true, "(no content)");
    expect("forms", "odd__echo", true,
           "[image; not text, left out]\na\\x1b[2J\\u{202e}b\\x00c\ninside\n[resource: file:///y; "
           "not text, left out]\n"
           "[resource_link: z; not text, left out]\n[something; not text, left out]");
    expect("large", "odd__echo", true, "\xc3\xa9\n[1048576 bytes left out]");
}

/* Ctrl-C ends a call; the server is told, and goes on. */
static void check_cancel(void)
{
    static const char *const hows[] = {"silent", "wrong"};
    for (size_t i = 0; i < 2; i++) {
        struct opened o;
        struct text result = {0};
        open_odd(&o, hows[i]);
        cancel_after(&o.agent, 300);
        CHECK(!call(&o, "odd__echo", "{}", &result) && strstr(result.data, "cancelled"), "%s",
              result.data);
        o.agent.cancelled = 0;
        if (i == 1)
            CHECK(call(&o, "odd__heard", "{}", &result) && strstr(result.data, "right"), "%s",
                  result.data);
        text_free(&result);
        shut(&o);
    }
    struct opened o;
    struct text result = {0};
    open_odd(&o, "ends");
    CHECK(!call(&o, "odd__echo", "{}", &result) && !call(&o, "odd__echo", "{}", &result),
          "called after its end");
    CHECK(strstr(result.data, "it has ended"), "%s", result.data);
    text_free(&result);
    shut(&o);
}

static void check_split(const char *command, const char *expected)
{
    char **argv = mcp_split(command);
    struct text joined = {0};
    text_add(&joined, "", 0);
    for (size_t i = 0; argv && argv[i]; i++)
        text_format(&joined, "[%s]", argv[i]);
    CHECK(!strcmp(joined.data, expected), "'%s' is split as %s", command, joined.data);
    text_free(&joined);
    free(argv);
}

/* At each allocation that fails: an error, or a result; no crash. */
static void check_no_memory(void)
{
    for (long at = 0; at < 50; at++) {
        struct opened o;
        struct text result = {0};
        open_odd(&o, "good");
        cancel_after(&o.agent, 3000);
        count_fail_at = at;
        const struct tool *tool = find(&o, "odd__echo");
        struct action action = {0};
        json_t *values = json_object();
        if (tool && values && tool->prepare(&o.agent, tool, values, &action, &result))
            action.perform(&action, &o.agent, &result);
        count_fail_at = -1;
        CHECK(!o.agent.cancelled, "at %ld it waits", at);
        json_decref(values);
        text_free(&action.shown);
        text_free(&result);
        shut(&o);
    }
}

void gate_servers(void)
{
    signal(SIGPIPE, SIG_IGN);
    check_good();
    check_openings();
    check_lists();
    check_schemas();
    check_hostile();
    check_cancel();
    check_split("a b", "[a][b]");
    check_split("  a\t 'b c'  ", "[a][b c]");
    check_split("a\\ b \"c\\\"d\" 'e\\f' ''", "[a b][c\"d][e\\f][]");
    check_split("a$(b);c|d *", "[a$(b);c|d][*]");
    check_split("a'b'\"c\"", "[abc]");
    check_split("", "");
    check_split("   ", "");
    check_split("''", "");
    check_split("a \"b", "");
    check_no_memory();
}
