/* Templates with the model whose prompts they write: what conversations need of them. */
#ifndef INF_PROMPT_H
#define INF_PROMPT_H

#include "lib/base/span.h"
#include "lib/chat/chat.h"
#include "lib/model.h"

struct infer_template {
    infer_allocator a;
    infer_model *model; /* NULL: made from a text alone */
    struct inf_template *t;
    struct inf_prompt prompt; /* the last that was rendered */
    infer_span *spans;
    uint8_t
        *used; /* bits of the special tokens that the template's text uses; NULL: not yet known */
    int call_form; /* of messages with calls (messages.c); 0: not yet known */
    bool one_call; /* it writes one call of a message */
};

/* Renders with the members of an object, of the arena, into t->prompt; input_bytes: of their JSON. */
infer_status inf_template_write(infer_template *t, struct inf_arena *arena,
                                struct inf_json *variables, size_t input_bytes,
                                const int64_t *local_time, infer_error *err);

/* What was rendered last, ready to be made into ids (lib/vocab/vocab.h). */
infer_status inf_template_spanned(infer_template *t, struct inf_spanned **spanned,
                                  infer_error *err);

#endif
