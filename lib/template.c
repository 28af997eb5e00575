/* Templates of the public header: one with the model whose prompts it writes. */
#include "lib/prompt.h"

#include <string.h>

void infer_template_free(infer_template *t)
{
    if (!t)
        return;
    infer_allocator a = t->a;
    infer_model_free(t->model);
    inf_template_free(t->t);
    inf_prompt_free(&t->prompt);
    inf_release(&a, t->spans);
    inf_release(&a, t->used);
    inf_release(&a, t);
}

infer_status infer_template_new(infer_model *model, const char *text, size_t len,
                                infer_template **out, infer_error *err)
{
    *out = NULL;
    if (!model && !text)
        return inf_fail(err, INFER_E_ARGUMENT, "neither a model nor a text");
    const infer_allocator *a = model ? &model->a : &inf_allocator_default;
    infer_meta_value own;
    if (!text) {
        const struct inf_gguf_key *key = inf_gguf_key(model->parts[0], "tokenizer.chat_template");
        if (!key || key->type != INFER_META_STRING)
            return inf_model_failed(
                model,
                inf_fail(err, INFER_E_UNSUPPORTED,
                         "key tokenizer.chat_template is missing: the model has no chat template"),
                err);
        inf_gguf_value(key, 0, &own);
        text = own.text;
        len = own.text_len;
    }
    infer_template *t = inf_alloc_zero(a, 1, sizeof *t);
    if (!t)
        return inf_fail_memory(err, "a template", sizeof *t);
    t->a = *a;
    infer_status status = inf_template_new(a, text, len, &t->t, err);
    if (status) {
        infer_template_free(t);
        return status;
    }
    if (model) {
        inf_model_retain(model);
        t->model = model;
    }
    *out = t;
    return INFER_OK;
}

/* ---- Rendering ----------------------------------------------------------------------------- */

/* The text of a special token as a variable, where the caller's do not have it. */
static infer_status add_token(struct inf_arena *arena, const struct inf_vocab *vocab,
                              infer_special which, const char *name,
                              struct inf_json_member *members, size_t *count, infer_error *err)
{
    infer_token id = inf_vocab_special(vocab, which);
    size_t len = 0;
    struct inf_json variables = {.kind = INF_JSON_OBJECT, .count = *count, .as.members = members};
    if (id < 0 || inf_json_get(&variables, name))
        return INFER_OK;
    inf_vocab_token_bytes(vocab, id, NULL, 0, &len, NULL);
    char *text = inf_arena_take(arena, len, 1);
    if (!text)
        return inf_fail_memory(err, "a token", len);
    members[(*count)++] = (struct inf_json_member){
        {name, strlen(name)}, {.kind = INF_JSON_STRING, .as.text = {text, len}}};
    return inf_vocab_token_bytes(vocab, id, text, len, &len, err);
}

/* Adds bos_token and eos_token of the model. */
static infer_status add_tokens(struct inf_arena *arena, const infer_template *t,
                               struct inf_json *variables, infer_error *err)
{
    const struct inf_vocab *vocab;
    size_t count = variables->count;
    if (!t->model || variables->kind != INF_JSON_OBJECT || inf_model_vocab(t->model, &vocab, NULL))
        return INFER_OK;
    struct inf_json_member *members = inf_arena_take(arena, count + 2, sizeof *members);
    if (!members)
        return inf_fail_memory(err, "variables", (count + 2) * sizeof *members);
    if (count)
        memcpy(members, variables->as.members, count * sizeof *members);
    infer_status status =
        add_token(arena, vocab, INFER_SPECIAL_BOS, "bos_token", members, &count, err);
    if (!status)
        status = add_token(arena, vocab, INFER_SPECIAL_EOS, "eos_token", members, &count, err);
    variables->as.members = members;
    variables->count = count;
    return status;
}

infer_status inf_template_write(infer_template *t, struct inf_arena *arena,
                                struct inf_json *variables, size_t input_bytes,
                                const int64_t *local_time, infer_error *err)
{
    inf_prompt_free(&t->prompt);
    inf_release(&t->a, t->spans);
    t->spans = NULL;
    infer_status status = add_tokens(arena, t, variables, err);
    return status ? status
                  : inf_template_render(t->t, &t->a, variables, input_bytes, local_time, &t->prompt,
                                        err);
}

static infer_status render(infer_template *t, const char *variables, size_t len,
                           const int64_t *local_time, infer_error *err)
{
    struct inf_arena arena;
    struct inf_json root;
    inf_arena_init(&arena, &t->a);
    infer_status status = inf_json_read(&arena, variables, len, &root, err);
    if (!status)
        status = inf_template_write(t, &arena, &root, len, local_time, err);
    inf_arena_free(&arena);
    return status;
}

infer_status infer_template_render(infer_template *t, const char *variables, size_t len,
                                   const int64_t *local_time, const infer_span **spans,
                                   size_t *count, infer_error *err)
{
    *spans = NULL;
    *count = 0;
    inf_prompt_free(&t->prompt);
    inf_release(&t->a, t->spans);
    t->spans = NULL;
    if (!variables)
        return inf_fail(err, INFER_E_ARGUMENT, "variables: NULL");
    infer_status status = render(t, variables, len, local_time, err);
    if (status)
        return status;
    t->spans = inf_alloc_zero(&t->a, t->prompt.count, sizeof *t->spans);
    if (!t->spans) {
        inf_prompt_free(&t->prompt);
        return inf_fail_memory(err, "the spans", t->prompt.count * sizeof *t->spans);
    }
    for (size_t i = 0; i < t->prompt.count; i++)
        t->spans[i] = (infer_span){t->prompt.spans[i].ptr, t->prompt.spans[i].len,
                                   t->prompt.spans[i].literal};
    *spans = t->spans;
    *count = t->prompt.count;
    return INFER_OK;
}

/* ---- Tokens -------------------------------------------------------------------------------- */

static infer_status find_used(infer_template *t, const struct inf_vocab *vocab, infer_error *err)
{
    struct inf_bytes text = inf_template_text(t->t);
    size_t bytes = ((size_t)inf_vocab_count(vocab) + 7) / 8;
    if (t->used)
        return INFER_OK;
    t->used = inf_alloc_zero(&t->a, bytes, 1);
    if (!t->used)
        return inf_fail_memory(err, "the template's tokens", bytes);
    infer_status status = inf_vocab_mark_used(vocab, text.ptr, text.len, t->used, err);
    if (status) {
        inf_release(&t->a, t->used);
        t->used = NULL;
    }
    return status;
}

infer_status infer_template_tokens(infer_template *t, infer_token *ids, size_t capacity,
                                   size_t *count, infer_error *err)
{
    const struct inf_vocab *vocab;
    *count = 0;
    if (!t->model)
        return inf_fail(err, INFER_E_ARGUMENT, "the template was made without a model");
    if (!t->spans)
        return inf_fail(err, INFER_E_ARGUMENT, "nothing is rendered");
    infer_status status = inf_model_vocab(t->model, &vocab, err);
    if (!status)
        status = find_used(t, vocab, err);
    if (!status)
        status = inf_vocab_encode_spans(vocab, t->prompt.spans, t->prompt.count, t->used, ids,
                                        capacity, count, err);
    return status;
}

infer_status inf_template_spanned(infer_template *t, struct inf_spanned **spanned, infer_error *err)
{
    const struct inf_vocab *vocab;
    infer_status status = inf_model_vocab(t->model, &vocab, err);
    if (!status)
        status = find_used(t, vocab, err);
    if (!status)
        status = inf_spanned_new(vocab, t->prompt.spans, t->prompt.count, t->used, spanned, err);
    return status;
}

infer_model *inf_template_model(const infer_template *t)
{
    return t->model;
}

struct inf_bytes inf_template_source(const infer_template *t)
{
    return inf_template_text(t->t);
}

/* ---- Thoughts ------------------------------------------------------------------------------ */

/* The tokens of the families, as their templates and vocabularies have them. */
static const struct {
    const char *begin, *head, *end;
} thoughts[] = {
    {"<think>", NULL, "</think>"},                    /* Qwen3, DeepSeek, GLM, and many more */
    {"<|channel|>", "<|message|>", "<|end|>"},        /* gpt-oss */
    {"<|channel>", NULL, "<channel|>"},               /* Gemma 4 */
    {"<|START_THINKING|>", NULL, "<|END_THINKING|>"}, /* Command */
    {"[THINK]", NULL, "[/THINK]"},                    /* Magistral */
    {"<seed:think>", NULL, "</seed:think>"},
    {"<|inner_prefix|>", NULL, "<|inner_suffix|>"}, /* Apertus */
    {"<|think|>", NULL, "<|end|>"},                 /* Solar */
};

static infer_token token_of(const struct inf_vocab *vocab, const char *text)
{
    return text ? inf_vocab_find(vocab, text, strlen(text)) : -1;
}

infer_status infer_template_thought(const infer_template *t, const infer_token *ids, size_t count,
                                    infer_thought *thought, infer_error *err)
{
    const struct inf_vocab *vocab;
    struct inf_bytes text = inf_template_text(t->t);
    *thought = (infer_thought){.begin = -1, .end = -1, .head = -1, .max_tokens = SIZE_MAX};
    if (!t->model)
        return inf_fail(err, INFER_E_ARGUMENT, "the template was made without a model");
    infer_status status = inf_model_vocab(t->model, &vocab, err);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof thoughts / sizeof *thoughts && thought->begin < 0; i++) {
        infer_token begin = token_of(vocab, thoughts[i].begin);
        infer_token end = token_of(vocab, thoughts[i].end);
        bool named = memmem(text.ptr, text.len, thoughts[i].begin, strlen(thoughts[i].begin)) ||
                     memmem(text.ptr, text.len, thoughts[i].end, strlen(thoughts[i].end));
        if (begin < 0 || end < 0 || !named)
            continue;
        thought->begin = begin;
        thought->end = end;
        thought->head = token_of(vocab, thoughts[i].head);
    }
    for (size_t i = 0; ids && thought->begin >= 0 && thought->head < 0 && i < count; i++)
        thought->open = ids[i] == thought->begin || (thought->open && ids[i] != thought->end);
    return INFER_OK;
}
