/* From messages to the ids of a prompt. */
#include "lib/model.h"

#include "lib/chat/chat.h"

#include <string.h>

/* Ids that go to the caller as far as they fit, and on being counted. */
struct out {
    infer_token *ids;
    size_t capacity, count;
};

static infer_status put_text(const struct inf_vocab *vocab, const struct inf_text *text,
                             struct out *out, infer_error *err)
{
    size_t room = out->count < out->capacity ? out->capacity - out->count : 0, count;
    infer_status status =
        inf_vocab_tokenize(vocab, text->ptr, text->len, INFER_TOKENIZE_PLAIN,
                           room ? out->ids + out->count : NULL, room, &count, err);
    if (status && status != INFER_E_RANGE)
        return status;
    out->count += count;
    return INFER_OK;
}

static infer_status put_control(const struct inf_vocab *vocab, struct inf_bytes text,
                                struct out *out, infer_error *err)
{
    infer_token id = inf_vocab_find(vocab, text.ptr, text.len);
    if (id < 0)
        return inf_fail(err, INFER_E_FORMAT, "the vocabulary has no token \"%.*s\" of its template",
                        (int)text.len, text.ptr);
    if (out->count < out->capacity)
        out->ids[out->count] = id;
    out->count++;
    return INFER_OK;
}

static infer_status put_spans(const struct inf_vocab *vocab, const struct inf_span *spans,
                              size_t span_count, struct inf_text *text, struct out *out,
                              infer_error *err)
{
    for (size_t i = 0; i <= span_count; i++) {
        bool control = i < span_count && spans[i].control;
        infer_status status = INFER_OK;
        if (i < span_count && !control) {
            inf_text_append(text, spans[i].text.ptr, spans[i].text.len);
            continue;
        }
        if (text->failed)
            return inf_fail_memory(err, "the prompt", text->len);
        if (text->len)
            status = put_text(vocab, text, out, err);
        text->len = 0;
        if (!status && control)
            status = put_control(vocab, spans[i].text, out, err);
        if (status)
            return status;
    }
    return INFER_OK;
}

infer_status infer_chat_prompt(const infer_model *model, const infer_message *messages,
                               size_t message_count, infer_token *ids, size_t capacity,
                               size_t *count, infer_error *err)
{
    const struct inf_vocab *vocab;
    *count = 0;
    infer_status status = inf_model_vocab(model, &vocab, err);
    if (status)
        return status;
    size_t most = inf_chat_spans_max(message_count), span_count;
    struct inf_span *spans = inf_alloc_zero(&model->a, most, sizeof *spans);
    if (!spans)
        return inf_fail_memory(err, "the prompt", most * sizeof *spans);
    struct inf_text text = {.a = &model->a};
    struct out out = {ids, capacity, 0};
    status = inf_chat_render(model->info.chat_template, messages, message_count, spans, &span_count,
                             err);
    if (!status)
        status = put_spans(vocab, spans, span_count, &text, &out, err);
    inf_text_free(&text);
    inf_release(&model->a, spans);
    *count = out.count;
    if (!status && out.count > capacity)
        status = inf_fail(err, INFER_E_RANGE, "the prompt has %zu tokens, there is room for %zu",
                          out.count, capacity);
    return status;
}
