/* A template made, and rendered to spans: limits, variables, the pieces. */
#include "lib/chat/template.h"

#include "lib/base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- A template ---------------------------------------------------------------------------- */

/* A copy with "\n" for every line end, without the last. */
static bool copy_text(struct inf_template *t, const char *text, size_t len)
{
    char *copy = inf_heap_take(&t->heap, len + 1);
    size_t used = 0;
    if (!copy)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n')
            continue;
        copy[used++] = text[i] == '\r' ? '\n' : text[i];
    }
    if (used && copy[used - 1] == '\n')
        used--;
    t->text = (struct inf_bytes){copy, used};
    return true;
}

static infer_status read_template(struct inf_template *t, infer_error *err)
{
    struct inf_parser p = {.t = t, .err = err};
    p.lexer = (struct inf_lexer){.text = t->text.ptr, .len = t->text.len, .line_start = true};
    size_t broken = inf_utf8_check(t->text.ptr, t->text.len);
    if (broken < t->text.len)
        inf_parse_fail(&p, INFER_E_TEMPLATE, broken, "not UTF-8");
    else
        t->root = inf_parse_all(&p);
    inf_release(&t->a, p.open);
    return p.status;
}

infer_status inf_template_new(const infer_allocator *a, const char *text, size_t len,
                              struct inf_template **out, infer_error *err)
{
    *out = NULL;
    if (len > INF_MAX_TEMPLATE)
        return inf_fail(err, INFER_E_LIMIT, "the template has %zu bytes, at most %u are taken", len,
                        INF_MAX_TEMPLATE);
    struct inf_template *t = inf_alloc_zero(a, 1, sizeof *t);
    if (!t)
        return inf_fail_memory(err, "a template", sizeof *t);
    t->a = *a;
    inf_arena_init(&t->heap.arena, a);
    infer_status status =
        copy_text(t, text, len) ? read_template(t, err) : inf_fail_memory(err, "a template", len);
    if (status) {
        inf_template_free(t);
        return status;
    }
    *out = t;
    return INFER_OK;
}

void inf_template_free(struct inf_template *t)
{
    if (!t)
        return;
    infer_allocator a = t->a;
    inf_arena_free(&t->heap.arena);
    inf_release(&a, t);
}

struct inf_bytes inf_template_text(const struct inf_template *t)
{
    return t->text;
}

/* ---- Limits -------------------------------------------------------------------------------- */

bool inf_render_fail(struct inf_render *r, infer_status status, const char *format, ...)
{
    if (r->status)
        return false;
    char text[480];
    size_t line, column;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    inf_text_place(r->t->text.ptr, inf_min_size(r->at, r->t->text.len), &line, &column);
    r->status = status;
    inf_set_error(r->err, status, "template, line %zu, column %zu: %s", line, column, text);
    return false;
}

void *inf_render_take(struct inf_render *r, size_t count, size_t size)
{
    size_t bytes;
    if (r->status)
        return NULL;
    if (!inf_mul_size(count, size, &bytes) || bytes > r->bytes_max - r->bytes) {
        inf_render_fail(r, INFER_E_LIMIT, "more than %zu bytes of memory are needed", r->bytes_max);
        return NULL;
    }
    r->bytes += bytes;
    void *ptr = inf_heap_take(&r->heap, bytes);
    if (!ptr)
        inf_render_fail(r, INFER_E_MEMORY, "no memory for rendering (%zu bytes)", bytes);
    return ptr;
}

bool inf_render_spend(struct inf_render *r, uint64_t steps)
{
    if (r->status)
        return false;
    if (steps > r->steps_left) {
        r->steps_left = 0;
        return inf_render_fail(r, INFER_E_LIMIT, "more than %llu steps of work",
                               (unsigned long long)r->steps_max);
    }
    r->steps_left -= steps;
    return true;
}

bool inf_render_enter(struct inf_render *r)
{
    if (++r->depth > INF_MAX_TEMPLATE_DEPTH)
        return inf_render_fail(r, INFER_E_LIMIT, "more than %d levels deep",
                               INF_MAX_TEMPLATE_DEPTH);
    return !r->status;
}

/* ---- Variables ----------------------------------------------------------------------------- */

static bool from_json(struct inf_render *r, const struct inf_json *json, struct inf_value *out);

static bool list_from(struct inf_render *r, const struct inf_json *json, struct inf_value *out)
{
    if (!inf_sequence_new(r, INF_LIST, json->count, out))
        return false;
    for (size_t i = 0; i < json->count; i++)
        if (!from_json(r, &json->as.items[i], &out->as.sequence->items[i]))
            return false;
    return true;
}

static bool dict_from(struct inf_render *r, const struct inf_json *json, struct inf_value *out)
{
    struct inf_entry *entries = inf_render_take(r, json->count, sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < json->count; i++) {
        const struct inf_json_member *member = &json->as.members[i];
        if (!inf_text_borrow(r, member->name.ptr, member->name.len, false, &entries[i].key) ||
            !from_json(r, &member->value, &entries[i].value))
            return false;
    }
    return inf_dict_new(r, entries, json->count, out);
}

/* Its depth is that of the JSON, which is limited. */
static bool from_json(struct inf_render *r, const struct inf_json *json, struct inf_value *out)
{
    *out = inf_none();
    switch (json->kind) {
    case INF_JSON_NULL:
        return true;
    case INF_JSON_FALSE:
    case INF_JSON_TRUE:
        *out = inf_bool(json->kind == INF_JSON_TRUE);
        return true;
    case INF_JSON_INTEGER:
        *out = inf_int(json->as.integer);
        return true;
    case INF_JSON_REAL:
        *out = inf_float(json->as.real);
        return true;
    case INF_JSON_BIG:
    case INF_JSON_STRING:
        if (!inf_text_borrow(r, json->as.text.ptr, json->as.text.len, false, out))
            return false;
        out->kind = json->kind == INF_JSON_BIG ? INF_BIG : INF_TEXT;
        return true;
    case INF_JSON_ARRAY:
        return list_from(r, json, out);
    case INF_JSON_OBJECT:
        return dict_from(r, json, out);
    }
    return false;
}

static bool set_variables(struct inf_render *r, struct inf_frame *frame,
                          const struct inf_json *variables)
{
    frame->names.capacity = (uint32_t)variables->count + 16;
    frame->names.items = inf_render_take(r, frame->names.capacity, sizeof *frame->names.items);
    if (!frame->names.items)
        return false;
    for (size_t i = 0; i < variables->count; i++) {
        const struct inf_json_member *member = &variables->as.members[i];
        struct inf_binding *binding = &frame->names.items[i];
        binding->name = member->name;
        if (!from_json(r, &member->value, &binding->value))
            return false;
        bool literal = inf_bytes_equal(member->name, "bos_token") ||
                       inf_bytes_equal(member->name, "eos_token");
        if (literal && binding->value.kind == INF_TEXT)
            binding->value.as.text.buffer->literal = true;
        frame->names.count++;
    }
    return true;
}

/* ---- Rendering ----------------------------------------------------------------------------- */

/* Where the run that begins at `start` ends. */
static size_t run_end(const struct inf_buffer *b, size_t start)
{
    if (!b->marks)
        return b->used;
    const char *other = memchr(b->marks + start, !b->marks[start], b->used - start);
    return other ? (size_t)(other - b->marks) : b->used;
}

static infer_status make_spans(const struct inf_buffer *b, struct inf_prompt *prompt,
                               infer_error *err)
{
    for (size_t at = 0; at < b->used; at = run_end(b, at))
        prompt->count++;
    prompt->text = inf_alloc(&prompt->a, b->used);
    prompt->spans = inf_alloc_zero(&prompt->a, prompt->count, sizeof *prompt->spans);
    if (!prompt->text || !prompt->spans)
        return inf_fail_memory(err, "the prompt", b->used);
    memcpy(prompt->text, b->bytes, b->used);
    size_t at = 0;
    for (size_t i = 0; i < prompt->count; i++) {
        size_t end = run_end(b, at);
        prompt->spans[i] =
            (struct inf_span){prompt->text + at, end - at, b->marks ? b->marks[at] : b->literal};
        at = end;
    }
    return INFER_OK;
}

infer_status inf_template_render(const struct inf_template *t, const infer_allocator *a,
                                 const struct inf_json *variables, size_t input_bytes,
                                 const int64_t *now, struct inf_prompt *prompt, infer_error *err)
{
    *prompt = (struct inf_prompt){.a = *a};
    if (variables->kind != INF_JSON_OBJECT)
        return inf_fail(err, INFER_E_ARGUMENT, "the variables are no JSON object");
    if (input_bytes > INF_MAX_TEMPLATE_INPUT)
        return inf_fail(err, INFER_E_LIMIT, "the variables have %zu bytes, at most %u are taken",
                        input_bytes, INF_MAX_TEMPLATE_INPUT);
    struct inf_render r = {
        .t = t,
        .bytes_max = INF_TEMPLATE_MEMORY + INF_TEMPLATE_MEMORY_BYTE * input_bytes,
        .output_max = INF_TEMPLATE_OUTPUT + INF_TEMPLATE_OUTPUT_BYTE * input_bytes,
        .steps_max = INF_TEMPLATE_STEPS + INF_TEMPLATE_STEPS_BYTE * input_bytes,
        .has_now = now != NULL,
        .now = now ? *now : 0,
        .err = err,
    };
    if (r.steps_max > INF_MAX_TEMPLATE_STEPS)
        r.steps_max = INF_MAX_TEMPLATE_STEPS;
    r.steps_left = r.steps_max;
    inf_arena_init(&r.heap.arena, a);
    struct inf_frame frame = {0};
    r.out = inf_buffer_new(&r, 4096);
    if (r.out && set_variables(&r, &frame, variables) && inf_execute(&r, &frame, t->root))
        r.status = make_spans(r.out, prompt, err);
    inf_arena_free(&r.heap.arena);
    if (r.status)
        inf_prompt_free(prompt);
    return r.status;
}

void inf_prompt_free(struct inf_prompt *prompt)
{
    if (!prompt->a.release)
        return;
    inf_release(&prompt->a, prompt->text);
    inf_release(&prompt->a, prompt->spans);
    prompt->text = NULL;
    prompt->spans = NULL;
    prompt->count = 0;
}
