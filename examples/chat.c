/* Asks two questions; the second turn goes on from what the first has left: chat MODEL.gguf */
#include <libinfer.h>
#include <stdio.h>
#include <string.h>

static bool show(void *ud, const infer_event *event)
{
    (void)ud;
    if (event->kind == INFER_EVENT_TEXT)
        fwrite(event->text, 1, event->text_len, stdout);
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    static const char *const questions[] = {"What is the sea?", "And how deep is it?"};
    static char messages[65536] = "["; /* a JSON array: question, answer, question, ... */
    infer_chat_options options = {.size = sizeof options, .max_tokens = 100, .on_event = show};
    infer_chat_result result;
    infer_session *session;
    infer_error err = {.text = "give a model"};
    if (argc < 2 || infer_session_open(argv[1], NULL, &session, &err) != INFER_OK)
        return fprintf(stderr, "chat: %s\n", err.text), 1;
    infer_status status = INFER_OK;
    for (size_t i = 0; i < 2 && status == INFER_OK; i++) {
        size_t used = strlen(messages), len = 0;
        printf("> %s\n", questions[i]);
        used += (size_t)sprintf(messages + used, "{\"role\": \"user\", \"content\": \"%s\"}]",
                                questions[i]);
        status = infer_chat(session, messages, used, &options, &result, &err);
        if (status != INFER_OK)
            break;
        printf("\n(%zu of %zu tokens of the prompt were there already%s%s)\n", result.kept_tokens,
               result.prompt_tokens, *result.why ? ": " : "", result.why);
        messages[used - 1] = ','; /* in place of the "]" */
        status =
            infer_chat_message(session, messages + used, sizeof messages - used - 200, &len, &err);
        messages[used + len] = ',';
    }
    if (status != INFER_OK)
        fprintf(stderr, "chat: %s\n", err.text);
    infer_session_free(session);
    return status != INFER_OK;
}
