/* SmolLM2's chat template, rendered by hand. */
#include "lib/chat/chat.h"

#include <string.h>

static const char known_template[] =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
    "'<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
    "Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\n' }}{% endif %}";

static void put(struct inf_span *spans, size_t *count, const char *text, bool control)
{
    spans[(*count)++] = (struct inf_span){{text, strlen(text)}, control};
}

static void put_message(struct inf_span *spans, size_t *count, const char *role, const char *text)
{
    put(spans, count, "<|im_start|>", true);
    put(spans, count, role, false);
    put(spans, count, "\n", false);
    put(spans, count, text, false);
    put(spans, count, "<|im_end|>", true);
    put(spans, count, "\n", false);
}

infer_status inf_chat_render(const char *template_text, const infer_message *messages,
                             size_t message_count, struct inf_span *spans, size_t *span_count,
                             infer_error *err)
{
    *span_count = 0;
    if (!template_text)
        return inf_fail(err, INFER_E_UNSUPPORTED, "the model has no chat template");
    if (strcmp(template_text, known_template) != 0)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "the model's chat template cannot be rendered yet; only SmolLM2's can");
    for (size_t i = 0; i < message_count; i++) {
        if (!messages[i].role || !messages[i].text)
            return inf_fail(err, INFER_E_ARGUMENT, "message %zu has no role or no text", i);
        if (i == 0 && strcmp(messages[0].role, "system") != 0)
            put_message(spans, span_count, "system",
                        "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
        put_message(spans, span_count, messages[i].role, messages[i].text);
    }
    put(spans, span_count, "<|im_start|>", true);
    put(spans, span_count, "assistant\n", false);
    return INFER_OK;
}
