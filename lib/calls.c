/* Tool calls of the public header: a reader with the model whose tokens it reads. */
#include "lib/calls.h"
#include "lib/converse.h"

#include "lib/base/limits.h"
#include "lib/sample/sample.h"
#include "lib/tools/tools.h"

#include <string.h>

struct infer_tools {
    infer_allocator a;
    infer_model *model;
    const struct inf_vocab *vocab;
    const struct inf_call_family *family;
    infer_tools_options o;
    struct inf_arena arena; /* of the list */
    struct inf_tool_list list;
    infer_thought thought;
    infer_token message, start; /* of harmony; -1 */
    struct inf_text variable, prompt;
    struct inf_reader *reader;
    infer_grammar *grammar; /* of a turn; NULL: it is free */
    uint64_t turns;
    bool in_message; /* the prompt ends within a message of harmony */
};

/* ---- The vocabulary -------------------------------------------------------------------------- */

static infer_token find_mark(const void *ud, const char *text, size_t len, bool *control)
{
    infer_token id = inf_vocab_find(ud, text, len);
    infer_kind kind = inf_vocab_kind(ud, id);
    *control = kind == INFER_KIND_CONTROL;
    return kind == INFER_KIND_CONTROL || kind == INFER_KIND_USER_DEFINED ? id : -1;
}

/* The text of a token, in the arena. */
static infer_status text_of(infer_tools *t, infer_token id, struct inf_bytes *text,
                            infer_error *err)
{
    *text = (struct inf_bytes){"", 0};
    if (id < 0)
        return INFER_OK;
    size_t len = 0;
    inf_vocab_token_bytes(t->vocab, id, NULL, 0, &len, NULL);
    char *bytes = inf_arena_take(&t->arena, len + 1, 1);
    if (!bytes)
        return inf_fail_memory(err, "a token", len);
    *text = (struct inf_bytes){bytes, len};
    return inf_vocab_token_bytes(t->vocab, id, bytes, len, &len, err);
}

/* ---- Making ---------------------------------------------------------------------------------- */

static infer_status read_options(const infer_tools_options *options, infer_tools_options *o,
                                 infer_error *err)
{
    *o = (infer_tools_options){.size = sizeof *o};
    if (!options)
        return INFER_OK;
    if (options->size < sizeof(size_t))
        return inf_fail(err, INFER_E_ARGUMENT, "infer_tools_options.size is %zu", options->size);
    memcpy(o, options, inf_min_size(options->size, sizeof *o));
    if (o->choice > INFER_TOOLS_NAMED)
        return inf_fail(err, INFER_E_ARGUMENT, "choice: %d, there are 0 to 3", (int)o->choice);
    return INFER_OK;
}

/* told: the template tells of its variable `tools`. */
static infer_status read_list(infer_tools *t, const char *text, size_t len, bool told,
                              infer_error *err)
{
    if (len > INF_MAX_TOOLS_TEXT)
        return inf_fail(err, INFER_E_LIMIT, "tools: %zu bytes, at most %u", len,
                        INF_MAX_TOOLS_TEXT);
    char *copy = inf_arena_take(&t->arena, len + 1, 1);
    if (!copy)
        return inf_fail_memory(err, "tools", len);
    memcpy(copy, text, len);
    infer_status status = inf_tool_list_read(&t->arena, copy, len, &t->list, err);
    if (status)
        return status;
    if (t->o.choice == INFER_TOOLS_REQUIRED && !t->list.count)
        return inf_fail(err, INFER_E_ARGUMENT, "a call is required, and there are no tools");
    const struct inf_tool *only = NULL;
    if (t->o.choice == INFER_TOOLS_NAMED && t->o.name)
        only = inf_tool_find(&t->list, t->o.name, strlen(t->o.name));
    if (t->o.choice == INFER_TOOLS_NAMED && !only)
        return inf_fail(err, INFER_E_ARGUMENT, "no tool is named \"%.100s\"",
                        t->o.name ? t->o.name : "(NULL)");
    t->o.name = only ? only->name : NULL;
    inf_tool_list_write(&t->variable, &t->list);
    if (t->list.count && !told && t->family->forms[0]) {
        inf_tool_list_explain(&t->prompt, &t->list, t->family);
        inf_text_append(&t->prompt, "", 1);
    }
    return t->variable.failed || t->prompt.failed ? inf_fail_memory(err, "tools", len) : INFER_OK;
}

static infer_status make_grammar(void *ud, const struct inf_token_trie *trie,
                                 struct inf_grammar **grammar, infer_error *err)
{
    const infer_tools *t = ud;
    struct inf_hold_options o = {
        .family = t->family,
        .program = inf_reader_program(t->reader),
        .parts = inf_reader_parts(t->reader),
        .tools = &t->list,
        .only = t->o.name,
        .must_call = t->o.choice == INFER_TOOLS_REQUIRED || t->o.choice == INFER_TOOLS_NAMED,
        .one_call = t->o.one_call,
        .thinks = t->thought.begin >= 0,
    };
    return inf_hold_new(&t->a, trie, &o, grammar, err);
}

static infer_status make(infer_tools *t, infer_template *from, const char *text, size_t len,
                         infer_error *err)
{
    struct inf_bytes source = inf_template_source(from);
    struct inf_reader_options o = {.tools = &t->list};
    infer_status status = infer_template_thought(from, NULL, 0, &t->thought, err);
    if (!status)
        status = inf_model_vocab(t->model, &t->vocab, err);
    if (status)
        return status;
    t->family = inf_family_find(source.ptr, source.len);
    t->message = t->start = -1;
    if (t->family->channels) {
        t->message = inf_vocab_find(t->vocab, "<|message|>", 11);
        t->start = inf_vocab_find(t->vocab, "<|start|>", 9);
    }
    bool told = false;
    if ((status =
             t->family->native ? inf_messages_tools(t->model, source, &told, err) : INFER_OK) ||
        (status = read_list(t, text, len, told, err)) ||
        (status = text_of(t, t->thought.begin, &o.think_begin, err)) ||
        (status = text_of(t, t->thought.end, &o.think_end, err)))
        return status;
    o.family = t->family;
    o.marks = (struct inf_mark_source){t->vocab, find_mark};
    o.thought = t->thought;
    o.none = t->o.choice == INFER_TOOLS_NONE || !t->list.count;
    o.one_call = t->o.one_call;
    o.only = t->o.name;
    o.held = t->o.choice != INFER_TOOLS_NONE && t->list.count &&
             (t->o.choice != INFER_TOOLS_AUTO || t->o.strict);
    o.spelled = t->prompt.len && !o.held;
    status = inf_reader_new(&t->a, &o, &t->reader, err);
    return status || !o.held ? status
                             : inf_grammar_make(t->model, make_grammar, t, &t->grammar, err);
}

infer_status infer_tools_new(infer_template *from, const char *tools, size_t len,
                             const infer_tools_options *options, infer_tools **out,
                             infer_error *err)
{
    infer_tools_options o;
    *out = NULL;
    infer_status status = read_options(options, &o, err);
    if (status)
        return status;
    if (!tools)
        return inf_fail(err, INFER_E_ARGUMENT, "tools: NULL");
    if (!inf_template_model(from))
        return inf_fail(err, INFER_E_ARGUMENT, "the template was made without a model");
    const infer_allocator *a = &inf_template_model(from)->a;
    infer_tools *t = inf_alloc_zero(a, 1, sizeof *t);
    if (!t)
        return inf_fail_memory(err, "tools", sizeof *t);
    t->a = *a;
    t->o = o;
    t->model = inf_template_model(from);
    t->variable.a = t->prompt.a = &t->a;
    inf_model_retain(t->model);
    inf_arena_init(&t->arena, &t->a);
    status = make(t, from, tools, len, err);
    if (!status)
        status = infer_tools_begin(t, NULL, 0, err);
    if (status)
        infer_tools_free(t);
    else
        *out = t;
    return status;
}

void infer_tools_free(infer_tools *t)
{
    if (!t)
        return;
    infer_allocator a = t->a;
    inf_reader_free(t->reader);
    infer_grammar_free(t->grammar);
    inf_text_free(&t->variable);
    inf_text_free(&t->prompt);
    inf_arena_free(&t->arena);
    infer_model_free(t->model);
    inf_release(&a, t);
}

const char *infer_tools_family(const infer_tools *t)
{
    return t->family->name;
}

const char *infer_tools_prompt(const infer_tools *t)
{
    return t->prompt.len ? t->prompt.ptr : NULL;
}

/* ---- A turn ---------------------------------------------------------------------------------- */

infer_status infer_tools_begin(infer_tools *t, const infer_token *ids, size_t count,
                               infer_error *err)
{
    bool thinking = false, in_message = false;
    uint64_t seed = inf_hash(&t->turns, ids ? 0 : sizeof t->turns, INF_HASH_SEED);
    if (!ids && count)
        return inf_fail(err, INFER_E_ARGUMENT, "ids: NULL, and %zu of them", count);
    for (size_t i = 0; i < count; i++) {
        if (t->family->channels)
            in_message = ids[i] == t->message || (in_message && ids[i] != t->start);
        else if (t->thought.begin >= 0)
            thinking = ids[i] == t->thought.begin || (thinking && ids[i] != t->thought.end);
    }
    if (count)
        seed = inf_hash(ids, count * sizeof *ids, seed);
    t->turns++;
    t->in_message = in_message;
    inf_reader_begin(t->reader, seed, thinking, in_message);
    return INFER_OK;
}

infer_status infer_tools_next(infer_tools *t, infer_token id, const char *bytes, size_t len,
                              infer_on_event on_event, void *ud, infer_error *err)
{
    if (!bytes && len)
        return inf_fail(err, INFER_E_ARGUMENT, "bytes: NULL, and %zu of them", len);
    return inf_reader_next(t->reader, id, bytes ? bytes : "", len, on_event, ud, err);
}

infer_status infer_tools_end(infer_tools *t, infer_stop stop, infer_on_event on_event, void *ud,
                             infer_error *err)
{
    return inf_reader_end(t->reader, stop, on_event, ud, err);
}

/* ---- For the loop ---------------------------------------------------------------------------- */

infer_status inf_tools_fit(const infer_tools *t, const infer_sampler *sampler, infer_error *err)
{
    if (t && t->grammar && sampler && inf_sampler_model(sampler))
        return inf_fail(err, INFER_E_ARGUMENT,
                        "the sampler holds to a grammar, and the tools hold calls to theirs");
    return INFER_OK;
}

infer_status inf_tools_attach(const infer_tools *t, infer_sampler *sampler, infer_error *err)
{
    return t->grammar ? infer_sampler_grammar(sampler, t->grammar, err) : INFER_OK;
}

void inf_tools_detach(const infer_tools *t, infer_sampler *sampler)
{
    if (t->grammar)
        infer_sampler_grammar(sampler, NULL, NULL);
    inf_sampler_rest(sampler, false, -1);
}

void inf_tools_hold(const infer_tools *t, infer_sampler *sampler)
{
    infer_token end;
    bool thinks = inf_reader_thinks(t->reader, &end), began = inf_reader_began(t->reader);
    if (t->grammar && t->family->channels) /* its thoughts are held with the rest */
        inf_sampler_rest(sampler, t->in_message, -1);
    else
        inf_sampler_rest(sampler, thinks, thinks ? end : began ? -1 : t->thought.begin);
}

bool inf_tools_keeps(const infer_tools *t, infer_token id)
{
    return inf_reader_keeps(t->reader, id);
}

bool inf_tools_over(const infer_tools *t)
{
    return inf_reader_over(t->reader);
}

bool inf_tools_thinks(const infer_tools *t, infer_token *end)
{
    return inf_reader_thinks(t->reader, end);
}

struct inf_bytes inf_tools_variable(const infer_tools *t)
{
    return (struct inf_bytes){t->variable.ptr, t->variable.len};
}

const infer_model *inf_tools_model(const infer_tools *t)
{
    return t->model;
}
