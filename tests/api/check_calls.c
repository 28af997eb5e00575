/*
 * Tool calls as a program meets them: lists of tools that are refused, and why; turns read token by token;
 * turns that must call, over a model of random weights; what is freed when.
 */
#include "tests/api/objects.h"
#include "tests/tiny/talker.h"

static const char template_text[] =
    "{%- if tools %}<tool_call>{{ tools | tojson }}</tool_call>{% endif %}"
    "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + (m.content or '') + '<|im_end|>' "
    "}}"
    "{%- endfor %}{{ '<|im_start|>assistant\\n' }}<think></think>";

static const char tools_json[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"pick\", \"parameters\": {\"type\": "
    "\"object\", "
    "\"properties\": {\"n\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 99}, "
    "\"c\": {\"enum\": [\"red\", \"blue\"]}}, \"required\": [\"n\", \"c\"], "
    "\"additionalProperties\": false}}}, {\"name\": \"now\", \"description\": \"the time\"}]";

/* ---- Lists ----------------------------------------------------------------------------------- */

static infer_status new_tools(infer_template *t, const char *json, const infer_tools_options *o)
{
    infer_tools *tools = NULL;
    err.text[0] = 0;
    infer_status status = infer_tools_new(t, json, strlen(json), o, &tools, &err);
    CHECK((tools == NULL) == (status != INFER_OK));
    infer_tools_free(tools);
    return status;
}

static void check_lists(infer_model *model)
{
    static const struct {
        const char *json;
        infer_status status;
        const char *text; /* in the error */
    } lists[] = {
        {"[]", INFER_OK, ""},
        {"", INFER_E_FORMAT, "tools: JSON, line 1, column 1"},
        {"{}", INFER_E_FORMAT, "tools: an array"},
        {"[1]", INFER_E_FORMAT, "tools[0]: must be an object"},
        {"[{}]", INFER_E_FORMAT, "tools[0].name"},
        {"[{\"function\": {\"name\": 1}}]", INFER_E_FORMAT, "tools[0].function.name"},
        {"[{\"type\": \"web_search\", \"function\": {}}]", INFER_E_FORMAT, "tools[0].type"},
        {"[{\"name\": \"\"}]", INFER_E_FORMAT, "tools[0].name"},
        {"[{\"name\": \"a b\"}]", INFER_E_FORMAT, "tools[0].name"},
        {"[{\"name\": \"a\\u0000b\"}]", INFER_E_FORMAT, "tools[0].name"},
        {"[{\"name\": \"</tool_call>\"}]", INFER_E_FORMAT, "tools[0].name"},
        {"[{\"name\": \"a\\u001b\"}]", INFER_E_FORMAT, "tools[0].name"},
        {"[{\"name\": \"a\"}, {\"name\": \"b\"}, {\"name\": \"a\"}]", INFER_E_FORMAT,
         "tools[0] and tools[2] are both named \"a\""},
        {"[{\"name\": \"a\", \"parameters\": []}]", INFER_E_FORMAT, "tools[0].parameters"},
        {"[{\"name\": \"a\", \"description\": 1}]", INFER_E_FORMAT, "tools[0].description"},
        {"[{\"name\": \"a\", \"parameters\": null}]", INFER_OK, ""},
        {"[{\"name\": \"mcp.server/tool-1:x\"}]", INFER_OK, ""},
    };
    infer_template *t = NULL, *text = NULL;
    infer_tools *tools = NULL;
    infer_tools_options o = {.size = sizeof o};
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        bool as_said =
            new_tools(t, lists[i].json, NULL) == lists[i].status && strstr(err.text, lists[i].text);
        verdict(as_said, lists[i].json, __func__, __LINE__);
    }
    o.choice = INFER_TOOLS_REQUIRED;
    CHECK(new_tools(t, "[]", &o) == INFER_E_ARGUMENT);
    o.choice = INFER_TOOLS_NAMED;
    CHECK(new_tools(t, tools_json, &o) == INFER_E_ARGUMENT);
    o.name = "nothing";
    CHECK(new_tools(t, tools_json, &o) == INFER_E_ARGUMENT && strstr(err.text, "nothing"));
    o.choice = (infer_tool_choice)7;
    CHECK(new_tools(t, tools_json, &o) == INFER_E_ARGUMENT);
    o = (infer_tools_options){.size = 1};
    CHECK(new_tools(t, tools_json, &o) == INFER_E_ARGUMENT);
    CHECK(infer_tools_new(t, NULL, 0, NULL, &tools, &err) == INFER_E_ARGUMENT);
    CHECK(!infer_template_new(NULL, "x", 1, &text, &err));
    CHECK(new_tools(text, "[]", NULL) == INFER_E_ARGUMENT);
    infer_template_free(text);
    infer_template_free(t);
}

/* A schema that a grammar cannot hold is refused where it is to be held, with its place. */
static void check_schemas(infer_model *model)
{
    static const char json[] =
        "[{\"name\": \"a\"}, {\"function\": {\"name\": \"b\", \"parameters\": "
        "{\"properties\": {\"x\": {\"not\": {}}}}}}]";
    infer_template *t = NULL;
    infer_tools_options o = {.size = sizeof o};
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    CHECK(new_tools(t, json, &o) == INFER_OK);
    o.strict = true;
    CHECK(new_tools(t, json, &o) == INFER_E_UNSUPPORTED);
    CHECK(strstr(err.text, "tools[1].function.parameters/properties/x/not"));
    o.choice = INFER_TOOLS_NONE;
    CHECK(new_tools(t, json, &o) == INFER_OK);
    infer_template_free(t);
}

/* Many tools, and deep ones. */
static void check_large(infer_model *model)
{
    infer_template *t = NULL;
    infer_tools_options o = {.size = sizeof o, .choice = INFER_TOOLS_REQUIRED};
    size_t count = 10000, len = 0;
    char *json = malloc(count * 40 + 16);
    CHECK(json && !infer_template_new(model, NULL, 0, &t, &err));
    if (!json || !t)
        return;
    json[len++] = '[';
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(json + len, "%s{\"name\": \"tool_%zu\"}", i ? "," : "", i);
    strcpy(json + len, "]");
    CHECK(new_tools(t, json, NULL) == INFER_OK);
    infer_status status = new_tools(t, json, &o);
    CHECK(status == INFER_OK || status == INFER_E_LIMIT);
    memset(json, '[', 200000);
    json[200000] = 0;
    CHECK(new_tools(t, json, NULL) == INFER_E_LIMIT);
    free(json);
    infer_template_free(t);
}

/* ---- Turns ----------------------------------------------------------------------------------- */

struct turn {
    char raw[4096], text[4096], arguments[1024], name[64];
    size_t raw_len, text_len, calls, broken, ends;
    bool stop; /* say so at the first event */
};

static bool on_event(void *ud, const infer_event *e)
{
    struct turn *t = ud;
    if (t->raw_len + e->raw_len <= sizeof t->raw)
        memcpy(t->raw + t->raw_len, e->raw, e->raw_len);
    t->raw_len += e->raw_len;
    t->broken += e->kind == INFER_EVENT_CALL_BROKEN;
    t->ends += e->kind == INFER_EVENT_END;
    if (e->kind == INFER_EVENT_TEXT && t->text_len + e->text_len < sizeof t->text) {
        memcpy(t->text + t->text_len, e->text, e->text_len);
        t->text_len += e->text_len;
        t->text[t->text_len] = 0;
    }
    if (e->kind == INFER_EVENT_CALL_DONE) {
        t->calls++;
        snprintf(t->name, sizeof t->name, "%s", e->name);
        snprintf(t->arguments, sizeof t->arguments, "%.*s", (int)e->text_len, e->text);
        CHECK(e->id[0] && e->call + 1 == t->calls);
    }
    return !t->stop;
}

static void read_turn(infer_tools *tools, const char *text, struct turn *turn)
{
    size_t len = strlen(text);
    *turn = (struct turn){.raw_len = 0};
    CHECK(!infer_tools_begin(tools, NULL, 0, &err));
    for (size_t i = 0; i < len; i++)
        CHECK(!infer_tools_next(tools, -1, text + i, 1, on_event, turn, &err));
    CHECK(!infer_tools_end(tools, INFER_STOP_END, on_event, turn, &err));
    CHECK(turn->raw_len == len && !memcmp(turn->raw, text, len) && turn->ends == 1);
}

static void check_reading(infer_model *model)
{
    static const char call[] = "Hi <tool_call>{\"name\": \"pick\", \"arguments\": {\"n\": 1}}"
                               "</tool_call>";
    infer_template *t = NULL;
    infer_tools *tools = NULL;
    struct turn turn;
    infer_tools_options o = {.size = sizeof o};
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    CHECK(!infer_tools_new(t, tools_json, strlen(tools_json), NULL, &tools, &err));
    infer_template_free(t); /* the tools stay */
    if (!tools)
        return;
    CHECK(!strcmp(infer_tools_family(tools), "hermes") && !infer_tools_prompt(tools));
    read_turn(tools, call, &turn);
    CHECK(turn.calls == 1 && !strcmp(turn.name, "pick") && !strcmp(turn.arguments, "{\"n\": 1}"));
    CHECK(!strcmp(turn.text, "Hi"));
    turn = (struct turn){.stop = true};
    CHECK(!infer_tools_begin(tools, NULL, 0, &err));
    CHECK(infer_tools_next(tools, -1, "x", 1, on_event, &turn, &err) == INFER_E_CANCELLED);
    CHECK(infer_tools_next(tools, -1, NULL, 1, NULL, NULL, &err) == INFER_E_ARGUMENT);
    CHECK(!infer_tools_next(tools, -1, NULL, 0, NULL, NULL, &err));
    CHECK(infer_tools_begin(tools, NULL, 1, &err) == INFER_E_ARGUMENT);
    /* a thought that the prompt began; its end is the token, not the text */
    const infer_token open = TALKER_THINK;
    turn = (struct turn){.raw_len = 0};
    CHECK(!infer_tools_begin(tools, &open, 1, &err));
    CHECK(!infer_tools_next(tools, 65, "a</think>b", 10, on_event, &turn, &err));
    CHECK(!infer_tools_next(tools, TALKER_THINK_END, "</think>", 8, on_event, &turn, &err));
    CHECK(!infer_tools_next(tools, 65, "c", 1, on_event, &turn, &err));
    CHECK(!infer_tools_end(tools, INFER_STOP_END, on_event, &turn, &err));
    CHECK(!strcmp(turn.text, "c") && turn.raw_len == 19);
    infer_tools_free(tools);
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    o.choice = INFER_TOOLS_NONE;
    CHECK(!infer_tools_new(t, tools_json, strlen(tools_json), &o, &tools, &err));
    read_turn(tools, call, &turn);
    CHECK(!turn.calls && !turn.broken && !strcmp(turn.text, call));
    infer_tools_free(tools);
    infer_template_free(t);
    /* a template that knows no tools */
    CHECK(!infer_template_new(model, "{{ messages }}", 14, &t, &err));
    CHECK(!infer_tools_new(t, tools_json, strlen(tools_json), NULL, &tools, &err));
    CHECK(!strcmp(infer_tools_family(tools), "json"));
    CHECK(infer_tools_prompt(tools) && strstr(infer_tools_prompt(tools), "\"the time\""));
    infer_tools_free(tools);
    infer_template_free(t);
}

/* What cannot be a call any more is shown at once; what can, at its end. */
static void check_holding_back(infer_model *model)
{
    static const struct {
        const char *text;
        size_t shown; /* bytes, before the end */
    } rows[] = {
        {"``", 0},
        {"```json\n", 0},
        {"```c", 4},
        {"```json\n{\"name\": \"pick\", \"arguments\": {\"n\":", 0},
        {"```json\n{\"name\": \"pi\"", 0},
        {"```json\n{\"name\": \"pi\",", 22},
        {"{\"n\"", 0},
        {"{\"n\":", 5},
        {"{\"name\": \"now\", \"arguments\": {}} ", 0},
        {"{\"name\": \"now\", \"arguments\": {}} x", 34},
    };
    infer_template *t = NULL;
    infer_tools *tools = NULL;
    struct turn turn;
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    CHECK(!infer_tools_new(t, tools_json, strlen(tools_json), NULL, &tools, &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows && tools; i++) {
        turn = (struct turn){.raw_len = 0};
        CHECK(!infer_tools_begin(tools, NULL, 0, &err));
        CHECK(!infer_tools_next(tools, 65, rows[i].text, strlen(rows[i].text), on_event, &turn,
                                &err));
        verdict(turn.text_len == rows[i].shown && !turn.calls, rows[i].text, __func__, __LINE__);
        CHECK(!infer_tools_end(tools, INFER_STOP_LIMIT, on_event, &turn, &err));
        verdict(!strcmp(turn.text, rows[i].text) && !turn.calls, rows[i].text, __func__, __LINE__);
    }
    infer_tools_free(tools);
    /* a held turn has its markers, or is an object that begins with the name of a tool */
    infer_tools_options o = {.size = sizeof o, .strict = true};
    CHECK(!infer_tools_new(t, tools_json, strlen(tools_json), &o, &tools, &err));
    read_turn(tools, "{\"name\": \"now\", \"arguments\": {}}", &turn);
    CHECK(turn.calls == 1);
    read_turn(tools, "{\"arguments\": {}, \"name\": \"now\"}", &turn);
    CHECK(!turn.calls);
    read_turn(tools, "{\"name\": \"nowhere\", \"arguments\": {}}", &turn);
    CHECK(!turn.calls);
    infer_tools_free(tools);
    infer_template_free(t);
}

/* Templates that write calls, and do not say which there are: the system is told, in their own form. */
static void check_told(infer_model *model)
{
    static const char calls[] =
        "{%- for m in messages %}{{ m.role + (m.content or '') }}{%- for c in m.tool_calls %}"
        "{{ '<｜tool▁call▁begin｜>' + c.function.name + '<｜tool▁sep｜>' }}{%- endfor %}"
        "{%- endfor %}";
    static const struct {
        const char *before;
        bool writes;
    } rows[] = {
        {"", false},
        {"{#- tools -#}", false},
        {"{%- if tools is defined %}{% set tools = none %}{% endif %}", false},
        {"{%- for t in tools %}{{ t.function.name }}{% endfor %}", true},
        {"{%- if messages[0].role == 'system' %}{{ tools | tojson }}{% endif %}", true},
        {"{%- if messages[0].role != 'system' %}{{ raise_exception('no') }}{% endif %}", false},
        {"{{ functions }}", true},
        {"{{ raise_exception('tools') }}", true}, /* by its word */
        {"{{ raise_exception('no') }}", false},
    };
    static const char turn_text[] = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}"
                                    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>";
    char text[1024];
    struct turn turn;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        infer_template *t = NULL;
        infer_tools *tools = NULL;
        snprintf(text, sizeof text, "%s%s", rows[i].before, calls);
        CHECK(!infer_template_new(model, text, strlen(text), &t, &err));
        CHECK(!infer_tools_new(t, tools_json, strlen(tools_json), NULL, &tools, &err));
        const char *prompt = infer_tools_prompt(tools);
        CHECK(!strcmp(infer_tools_family(tools), "deepseek-v3.1"));
        verdict(!prompt == rows[i].writes, rows[i].before, __func__, __LINE__);
        CHECK(!prompt ||
              (strstr(prompt, "\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{...}"
                              "<｜tool▁call▁end｜><｜tool▁calls▁end｜>\n") &&
               strstr(prompt, "\"the time\"")));
        read_turn(tools, turn_text, &turn);
        CHECK(turn.calls == 1 && !strcmp(turn.name, "now"));
        infer_tools_free(tools);
        infer_template_free(t);
    }
}

/* Whether the arguments are what the schema of `pick` says. */
static bool is_pick(const char *text)
{
    int n = -1;
    char color[8] = "", again[64];
    bool read = sscanf(text, "{\"n\": %d, \"c\": \"%7[a-z]\"", &n, color) == 2;
    snprintf(again, sizeof again, "{\"n\": %d, \"c\": \"%s\"}", n, color); /* as templates print */
    return read && !strcmp(text, again) && n >= 0 && n <= 99 &&
           (!strcmp(color, "red") || !strcmp(color, "blue"));
}

/* Random weights write what the grammar lets them. */
static void check_held(void)
{
    struct objects o = make((infer_plan_options){.context = 512});
    infer_template *t = NULL;
    CHECK(!infer_template_new(o.model, NULL, 0, &t, &err));
    for (int i = 0; i < 12; i++) {
        infer_tools_options options = {.size = sizeof options, .one_call = i % 2 == 0};
        infer_sampler_options sampling = {
            .size = sizeof sampling, .temperature = i ? 1.0f : 0.0f, .seed = (uint64_t)i};
        options.choice = i % 3 ? INFER_TOOLS_REQUIRED : INFER_TOOLS_NAMED;
        options.name = "pick";
        infer_tools *tools = NULL;
        infer_sampler *sampler = NULL;
        struct turn turn = {.raw_len = 0};
        static const char messages[] = "[{\"role\": \"user\", \"content\": \"go\"}]";
        CHECK(!infer_tools_new(t, tools_json, strlen(tools_json), &options, &tools, &err));
        CHECK(!infer_sampler_new(&sampling, TINY_VOCAB, &sampler, &err));
        infer_chat_options chat = {.size = sizeof chat,
                                   .sampler = sampler,
                                   .chat_template = t,
                                   .tools = tools,
                                   .no_thought = true,
                                   .max_tokens = 200,
                                   .on_event = on_event,
                                   .ud = &turn};
        infer_chat_result result;
        CHECK(!infer_chat(o.session, messages, strlen(messages), &chat, &result, &err));
        CHECK(turn.ends == 1 && !(turn.broken && result.stop == INFER_STOP_END));
        CHECK(result.stop != INFER_STOP_END || turn.calls);
        if (turn.calls && !strcmp(turn.name, "pick"))
            verdict(is_pick(turn.arguments), turn.arguments, __func__, __LINE__);
        CHECK(!options.one_call || turn.calls <= 1);
        infer_sampler_free(sampler);
        infer_tools_free(tools);
    }
    infer_template_free(t);
    drop(&o);
}

int main(void)
{
    infer_model *model = NULL;
    file = tiny_talker(tiny_kind_named("qwen3"), false, template_text);
    if (infer_model_open_memory(file.ptr, file.len, NULL, &model, &err)) {
        printf("FAIL %s\n0 passed, 1 failed\n", err.text);
        return 1;
    }
    check_lists(model);
    check_schemas(model);
    check_large(model);
    check_reading(model);
    check_holding_back(model);
    check_told(model);
    infer_model_free(model);
    check_held();
    free(file.ptr);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
