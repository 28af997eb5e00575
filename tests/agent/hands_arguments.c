/* Calls and their arguments: what is not in the schema is an error, whatever it is. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/agent/hands_tests.h"

/* A text of one piece repeated, between two others. */
static char *many(const char *before, const char *piece, size_t count, const char *after)
{
    struct text t = {0};
    text_format(&t, "%s", before);
    for (size_t i = 0; i < count; i++)
        text_format(&t, "%s", piece);
    text_format(&t, "%s", after);
    return t.data;
}

static void definitions(struct bench *b)
{
    json_t *all = json_loads(b->agent.tools.json, 0, NULL);
    CHECK(json_array_size(all) == b->agent.tools.count, "the definitions are a JSON array");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *function = json_object_get(json_array_get(all, i), "function");
        const json_t *schema = json_object_get(function, "parameters");
        CHECK(!strcmp(json_string_value(json_object_get(function, "name")),
                      b->agent.tools.items[i].name) &&
                  json_is_false(json_object_get(schema, "additionalProperties")),
              "definition %zu", i);
    }
    json_decref(all);
}

/* Attacks 33 and 34: arguments that no tool has. */
static void extra_members(struct bench *b)
{
    static const char *const calls[][2] = {
        {"read_file", "{\"path\":\"a\""},
        {"list_files", "{\"path\":\".\""},
        {"search", "{\"pattern\":\"a\""},
        {"edit_file", "{\"path\":\"a\",\"old_text\":\"x\",\"new_text\":\"y\""},
        {"write_file", "{\"path\":\"a\",\"text\":\"y\""},
        {"run", "{\"argv\":[\"true\"]"},
        {"run", "{\"shell\":\"true\""},
    };
    static const char *const members[] = {
        "\"sandbox\":false", "\"approved\":true", "\"timeout\":1e9",  "\"cwd\":\"/\"",
        "\"cwd\":\"..\"",    "\"tier\":\"D\"",    "\"__proto__\":{}", "\"env\":{\"A\":\"b\"}"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
            char call[300];
            snprintf(call, sizeof call, "%s,%s}", calls[i][1], members[k]);
            REFUSED(b, "is not an argument of this tool", calls[i][0], call);
        }
    CHECK(!hands_ran.len, "nothing was run");
}

/* Attack 39. */
static void broken(struct bench *b)
{
    REFUSED(b, "there is no tool", "rm_rf", "{}");
    REFUSED(b, "there is no tool \"\\x1b]0;x\"", "\x1b]0;x", "{}");
    REFUSED(b, "not valid JSON", "read_file", "{\"path\":\"a\"");
    REFUSED(b, "not valid JSON", "read_file", "{\"path\":\"a\"} {}");
    REFUSED(b, "not valid JSON", "read_file", "{\"path\":\"a\",\"path\":\"b\"}");
    REFUSED(b, "not valid JSON", "read_file", "{\"path\":\"a\\u0000b\"}");
    REFUSED(b, "not valid JSON", "read_file", "{\"path\":\"\\ud800\"}");
    REFUSED(b, "not valid JSON", "read_file", "{\"path\":\"\xff\xfe\"}");
    REFUSED(b, "not valid JSON", "read_file", "{\"path\":\"\xc0\xaf\"}");
    REFUSED(b, "must be a JSON object", "read_file", "[\"a\"]");
    REFUSED(b, "must be a JSON object", "read_file", "\"a\"");
    REFUSED(b, "arguments.path is missing", "read_file", "");
    REFUSED(b, "must be of type string, not integer", "read_file", "{\"path\":1}");
    REFUSED(b, "must be of type string, not null", "read_file", "{\"path\":null}");
    REFUSED(b, "must be of type integer, not number", "read_file",
            "{\"path\":\"a\",\"first_line\":1e0}");
    REFUSED(b, "minimum", "read_file", "{\"path\":\"a\",\"first_line\":0}");
    REFUSED(b, "minimum", "read_file", "{\"path\":\"a\",\"line_count\":-9223372036854775808}");
    REFUSED(b, "maximum", "list_files", "{\"depth\":9223372036854775807}");
    REFUSED(b, "not valid JSON", "read_file",
            "{\"path\":\"a\",\"first_line\":92233720368547758070}");
    REFUSED(b, "arguments.argv[1] must be of type string", "run", "{\"argv\":[\"a\",1]}");
    REFUSED(b, "minItems", "run", "{\"argv\":[]}");
    DONE(b, "(empty)", "list_files", "");
    DONE(b, "(empty)", "list_files", " \n");

    static const struct {
        const char *before, *piece, *after, *says;
        size_t count;
    } large[] = {
        {"{\"path\":", "[", "", "nested deeper", 10000},
        {"{\"path\":", "{\"a\":", "", "nested deeper", 10000},
        {"{\"path\":\"", "aaaaaaaaaa", "\"}", "at most", 500000},
        {"{\"path\":\"", "aaaaaaaaaa", "\"}", "too long", 1000},
        {"{\"path\":\"", "a/", "\"}", "too long", 10000},
        {"{\"path\":\"\\\"", "[[[[", "\"}", "no such file", 20}, /* in a string nothing is nested */
    };
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        char *call = many(large[i].before, large[i].piece, large[i].count, large[i].after);
        REFUSED(b, large[i].says, "read_file", call);
        free(call);
    }
    char *words = many("{\"argv\":[\"true\"", ",\"a\"", 300, "]}");
    REFUSED(b, "maxItems", "run", words);
    free(words);
}

/* A server's schema says more than those of the agent's own tools. */
static void schemas(void)
{
    static const struct {
        const char *schema, *value;
        bool fits;
    } cases[] = {
        {"{}", "{}", true},
        {"{}", "{\"a\":1}", true},
        {"{\"type\":\"object\",\"properties\":{\"a\":{}}}", "{\"b\":1}", false},
        {"{\"properties\":{\"a\":{}},\"additionalProperties\":true}", "{\"b\":1}", true},
        {"{\"properties\":{},\"additionalProperties\":{\"type\":\"string\"}}", "{\"b\":1}", false},
        {"{\"properties\":{\"a\":{\"enum\":[\"x\",2]}}}", "{\"a\":2}", true},
        {"{\"properties\":{\"a\":{\"enum\":[\"x\",2]}}}", "{\"a\":\"2\"}", false},
        {"{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}", "{\"a\":null}", true},
        {"{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}", "{\"a\":1}", false},
        {"{\"properties\":{\"a\":{\"type\":\"number\"}}}", "{\"a\":1}", true},
        {"{\"properties\":{\"a\":{\"type\":\"object\"}}}", "{\"a\":{\"free\":1}}", true},
        {"{\"properties\":{\"a\":{\"items\":{\"type\":\"object\",\"properties\":{\"x\":{}}}}}}",
         "{\"a\":[{\"x\":1},{\"y\":1}]}", false},
        {"{\"properties\":{\"a\":{\"maxLength\":2}}}", "{\"a\":\"abc\"}", false},
        {"{\"properties\":{\"a\":{\"minItems\":2}}}", "{\"a\":[1]}", false},
        {"{\"required\":[\"a\"]}", "{}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *schema = json_loads(cases[i].schema, 0, NULL);
        json_t *value = json_loads(cases[i].value, 0, NULL);
        struct text error = {0};
        CHECK(arguments_fit(schema, value, &error) == cases[i].fits, "%s: %s", cases[i].schema,
              cases[i].value);
        CHECK(cases[i].fits == !error.len, "a refusal says why");
        text_free(&error);
        json_decref(schema);
        json_decref(value);
    }
}

/* Attack 30: what changes after it was shown has another digest. */
static void digests(struct bench *b)
{
    static const char *const calls[][2] = {
        {"write_file", "{\"path\":\"a\",\"text\":\"1\"}"},
        {"write_file", "{\"path\":\"b\",\"text\":\"1\"}"},
        {"write_file", "{\"path\":\"a\",\"text\":\"2\"}"},
        {"run", "{\"argv\":[\"a\",\"b\"]}"},
        {"run", "{\"argv\":[\"a b\"]}"},
        {"run", "{\"argv\":[\"ab\"]}"},
        {"run", "{\"argv\":[\"sh\",\"-c\",\"a\"]}"},
        {"run", "{\"shell\":\"a\"}"},
    };
    char digests[sizeof calls / sizeof *calls][65];
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct action action;
        struct text error = {0};
        char again[65];
        CHECK(bench_prepare(b, calls[i][0], calls[i][1], &action, &error), "%s", calls[i][1]);
        memcpy(digests[i], action.digest, 65);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(digests[i], digests[k]), "calls %zu and %zu have two digests", i, k);
        action.shown.data[0] ^= 1;
        action_digest(&action, again);
        CHECK(strcmp(again, action.digest), "another text, another digest");
        action_free(&action);
        text_free(&error);
    }
}

void hands_arguments(void)
{
    struct bench b;
    bench_open(&b);
    bench_put(&b, "root/.git", ""); /* no repository */
    definitions(&b);
    extra_members(&b);
    unlinkat(b.agent.root_fd, ".git", 0);
    broken(&b);
    schemas();
    digests(&b);
    bench_close(&b);
}
