/*
 * Chat templates: the Jinja that models' files carry, made into a tree once and rendered for each
 * conversation. Nothing in a template can reach a file, the clock or the environment, and steps,
 * depth, output and memory are limited.
 */
#ifndef INF_CHAT_H
#define INF_CHAT_H

#include "lib/base/json.h"
#include "lib/base/span.h"

struct inf_template;

/* Reads the text of a template, which is copied. INFER_E_TEMPLATE with line and column, or
 * INFER_E_LIMIT. */
infer_status inf_template_new(const infer_allocator *a, const char *text, size_t len,
                              struct inf_template **t, infer_error *err);
void inf_template_free(struct inf_template *t);

/* The text, with its line ends as "\n". */
struct inf_bytes inf_template_text(const struct inf_template *t);

struct inf_prompt {
    infer_allocator a;
    char *text;
    struct inf_span *spans; /* of the text, none empty, literal and content by turns */
    size_t count;
};

/* Renders with the members of an object as variables; all they say is content, but for bos_token and
 * eos_token. `now` is what strftime_now shows, in seconds since 1970 by the local clock; NULL: there
 * is no strftime_now. input_bytes: of the variables' JSON, for the limits. On failure *prompt is
 * empty. A template may be rendered by several threads at once. */
infer_status inf_template_render(const struct inf_template *t, const infer_allocator *a,
                                 const struct inf_json *variables, size_t input_bytes,
                                 const int64_t *now, struct inf_prompt *prompt, infer_error *err);
void inf_prompt_free(struct inf_prompt *prompt);

#endif
