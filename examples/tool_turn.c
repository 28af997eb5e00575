/* A tool in the hands of a model: it calls, this program computes, it answers: tool_turn MODEL.gguf */
#include <libinfer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char definition[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"multiply\","
    "  \"description\": \"Multiplies two whole numbers exactly.\","
    "  \"parameters\": {\"type\": \"object\", \"additionalProperties\": false,"
    "    \"properties\": {\"a\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 999999999},"
    "                   \"b\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 999999999}},"
    "    \"required\": [\"a\", \"b\"]}}}]";

struct turn {
    bool called;
    uint64_t product;
};

/* The number behind "key": the schema lets nothing but these two into the arguments. */
static uint64_t number(const char *arguments, const char *key)
{
    const char *at = strstr(arguments, key);
    return at ? strtoull(at + strlen(key) + strspn(at + strlen(key), " :\n"), NULL, 10) : 0;
}

static bool take(void *ud, const infer_event *event)
{
    struct turn *turn = ud;
    if (event->kind == INFER_EVENT_TEXT)
        fwrite(event->text, 1, event->text_len, stdout);
    if (event->kind == INFER_EVENT_CALL_DONE && event->text_len < 200) {
        char arguments[200] = "";
        memcpy(arguments, event->text, event->text_len);
        turn->called = true;
        turn->product = number(arguments, "\"a\"") * number(arguments, "\"b\"");
        printf("[%s %s = %" PRIu64 "]\n", event->name, arguments, turn->product);
    }
    return fflush(stdout) == 0;
}

/* A turn in which the model must call, what the call gives, and a turn in which it answers. `messages` is a
 * JSON array and grows. */
static infer_status converse(infer_session *session, infer_tools *must, infer_tools *none,
                             char *messages, size_t capacity, infer_error *err)
{
    struct turn turn = {false, 0};
    infer_chat_options options = {
        .size = sizeof options, .tools = must, .max_tokens = 200, .on_event = take, .ud = &turn};
    size_t used = strlen(messages), len = 0;
    infer_status status = infer_chat(session, messages, used, &options, NULL, err);
    if (status == INFER_OK && !turn.called)
        puts("[no call within 200 tokens]");
    if (status != INFER_OK || !turn.called)
        return status;
    messages[used - 1] = ','; /* in place of the "]" */
    status = infer_chat_message(session, messages + used, capacity - used - 100, &len, err);
    if (status != INFER_OK)
        return status;
    sprintf(messages + used + len,
            ",{\"role\": \"tool\", \"name\": \"multiply\", \"content\": \"%" PRIu64 "\"}]",
            turn.product);
    options.tools = none; /* told of the tools still, as the prompt so far says them */
    return infer_chat(session, messages, strlen(messages), &options, NULL, err);
}

int main(int argc, char **argv)
{
    static char messages[65536] =
        "[{\"role\": \"user\", \"content\": \"What is 1234 times 5678?\"}]";
    infer_session *session = NULL;
    infer_template *template = NULL;
    infer_tools *must = NULL, *none = NULL;
    infer_error err = {.text = "give a model"};
    const infer_tools_options call = {
        .size = sizeof call, .choice = INFER_TOOLS_REQUIRED, .one_call = true};
    const infer_tools_options answer = {.size = sizeof answer, .choice = INFER_TOOLS_NONE};
    bool good = argc > 1 && !infer_session_open(argv[1], NULL, &session, &err) &&
                !infer_template_new(infer_session_model(session), NULL, 0, &template, &err) &&
                !infer_tools_new(template, definition, strlen(definition), &call, &must, &err) &&
                !infer_tools_new(template, definition, strlen(definition), &answer, &none, &err) &&
                !converse(session, must, none, messages, sizeof messages, &err);
    puts("");
    if (!good)
        fprintf(stderr, "tool_turn: %s\n", err.text);
    infer_tools_free(none);
    infer_tools_free(must);
    infer_template_free(template);
    infer_session_free(session);
    return !good;
}
