/*
 * The prompt of a conversation. Until the template engine comes, one template is known: the one
 * that SmolLM2's files carry, compared byte for byte. Every other is refused.
 */
#ifndef INF_CHAT_H
#define INF_CHAT_H

#include "lib/base/base.h"

/* A stretch of the prompt, borrowed: one control token of the template's own, or text, in which no
 * control token counts whatever it says. Texts that follow each other are tokenised as one. */
struct inf_span {
    struct inf_bytes text;
    bool control;
};

/* Spans that `messages` become, at most inf_chat_spans_max(message_count). The text of the template
 * is what the file has; NULL: none. INFER_E_UNSUPPORTED for a template that is not known. */
infer_status inf_chat_render(const char *template_text, const infer_message *messages,
                             size_t message_count, struct inf_span *spans, size_t *span_count,
                             infer_error *err);

static inline size_t inf_chat_spans_max(size_t message_count)
{
    return 6 * (message_count + 1) + 2;
}

#endif
