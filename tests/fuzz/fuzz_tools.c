/*
 * Tool calls: any list of tools, any turn. Nothing of a turn is lost, in one piece and byte by byte it is the
 * same events, each call that is done is of a tool and an object; the list makes a grammar or an error; what
 * was there is freed.
 *
 *     input: a byte (the family) | a byte (flags) | the turn | a NUL byte | the list
 */
#include "lib/grammar/grammar.h"
#include "lib/tools/tools.h"
#include "tests/count_alloc.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (512u << 20)
#define MARKS_MAX 64
#define FIRST_MARK 256
#define END (FIRST_MARK + MARKS_MAX)

enum { NONE = 1, ONE_CALL = 2, HELD = 4, SPELLED = 8, TOKENS = 16, THINKING = 32, GRAMMAR = 64 };

/* The markers that the family asked for: each is a token. */
struct marks {
    struct inf_bytes items[MARKS_MAX];
    size_t count;
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_tools: %s\n", what);
        abort();
    }
}

static infer_token find(const void *ud, const char *text, size_t len, bool *control)
{
    struct marks *m = *(struct marks *const *)ud;
    size_t i = 0;
    while (i < m->count && (m->items[i].len != len || memcmp(m->items[i].ptr, text, len) != 0))
        i++;
    if (len < 4 || i == MARKS_MAX)
        return -1;
    m->items[i] = (struct inf_bytes){text, len};
    m->count += i == m->count;
    *control = i % 2 == 0;
    return FIRST_MARK + (infer_token)i;
}

/* ---- A turn ---------------------------------------------------------------------------------- */

struct seen {
    struct inf_text raw, lines, arguments;
    infer_event_kind last;
    const struct inf_tool_list *list;
    const infer_allocator *a;
};

static void check_call(const struct seen *s, const infer_event *e)
{
    struct inf_arena arena;
    struct inf_json value;
    inf_arena_init(&arena, s->a);
    must(inf_tool_find(s->list, e->name, strlen(e->name)) != NULL, "a call of no tool");
    must(e->id[0], "a call without an id");
    must(s->arguments.len == e->text_len &&
             (!e->text_len || !memcmp(s->arguments.ptr, e->text, e->text_len)),
         "arguments that are not their pieces");
    must(!inf_json_read(&arena, e->text, e->text_len, &value, NULL) &&
             value.kind == INF_JSON_OBJECT,
         "arguments that are no object");
    inf_arena_free(&arena);
}

static bool on_event(void *ud, const infer_event *e)
{
    struct seen *s = ud;
    bool piece = e->kind == INFER_EVENT_TEXT || e->kind == INFER_EVENT_THOUGHT;
    inf_text_append(&s->raw, e->raw, e->raw_len);
    if (e->kind == INFER_EVENT_MARK)
        return true;
    if (e->kind == INFER_EVENT_CALL_BEGIN)
        s->arguments.len = 0;
    if (e->kind == INFER_EVENT_ARGUMENT) {
        inf_text_append(&s->arguments, e->text, e->text_len);
        return true;
    }
    if (e->kind == INFER_EVENT_CALL_DONE)
        check_call(s, e);
    if (!piece || s->last != e->kind)
        inf_text_printf(&s->lines, "\n%d %s %s ", (int)e->kind, e->name, e->id);
    inf_text_append(&s->lines, e->text, e->text_len);
    s->last = e->kind;
    return true;
}

/* The token at a place of the turn, and its length. */
static infer_token token_at(const struct marks *m, unsigned flags, struct inf_bytes text, size_t at,
                            size_t *len)
{
    infer_token id = flags & TOKENS ? (unsigned char)text.ptr[at] : -1;
    *len = 1;
    for (size_t i = 0; i < m->count && flags & TOKENS; i++)
        if (m->items[i].len > *len && m->items[i].len <= text.len - at &&
            !memcmp(text.ptr + at, m->items[i].ptr, m->items[i].len)) {
            *len = m->items[i].len;
            id = FIRST_MARK + (infer_token)i;
        }
    return id;
}

static void run(struct inf_reader *r, const struct marks *m, unsigned flags, struct inf_bytes text,
                bool pieces, struct seen *s)
{
    infer_error err = {.text = ""};
    size_t at = 0, from = 0, len;
    inf_reader_begin(r, 1, flags & THINKING, false);
    for (; at < text.len; at += len) {
        infer_token id = token_at(m, flags, text, at, &len);
        if (from < at && (pieces || id >= FIRST_MARK)) {
            must(!inf_reader_next(r, flags & TOKENS ? 1 : -1, text.ptr + from, at - from, on_event,
                                  s, &err),
                 err.text);
            from = at;
        }
        if (id >= FIRST_MARK) {
            must(!inf_reader_next(r, id, text.ptr + at, len, on_event, s, &err), err.text);
            from = at + len;
        }
    }
    if (from < at)
        must(!inf_reader_next(r, flags & TOKENS ? 1 : -1, text.ptr + from, at - from, on_event, s,
                              &err),
             err.text);
    must(!inf_reader_end(r, INFER_STOP_END, on_event, s, &err), err.text);
    must(s->raw.len == text.len && (!text.len || !memcmp(s->raw.ptr, text.ptr, text.len)),
         "bytes of the turn are lost");
}

static void read_turns(struct inf_reader *r, const struct marks *m, unsigned flags,
                       struct inf_bytes text, const struct inf_tool_list *list,
                       const infer_allocator *a)
{
    struct seen seen[2];
    for (int i = 0; i < 2; i++) {
        seen[i] = (struct seen){.raw.a = a,
                                .lines.a = a,
                                .arguments.a = a,
                                .last = INFER_EVENT_END,
                                .list = list,
                                .a = a};
        run(r, m, flags, text, i, &seen[i]);
    }
    must(seen[0].lines.len == seen[1].lines.len &&
             !memcmp(seen[0].lines.ptr, seen[1].lines.ptr, seen[0].lines.len),
         "other events in pieces");
    for (int i = 0; i < 2; i++) {
        inf_text_free(&seen[i].raw);
        inf_text_free(&seen[i].lines);
        inf_text_free(&seen[i].arguments);
    }
}

/* ---- The grammar ----------------------------------------------------------------------------- */

static infer_status bytes_of(const void *ud, infer_token id, char *bytes, size_t capacity,
                             size_t *len, infer_error *err)
{
    const struct marks *m = ud;
    char byte = (char)id;
    bool mark = id >= FIRST_MARK && (size_t)(id - FIRST_MARK) < m->count;
    (void)err;
    *len = mark ? m->items[id - FIRST_MARK].len : 1;
    memcpy(bytes, mark ? m->items[id - FIRST_MARK].ptr : &byte, *len < capacity ? *len : capacity);
    return INFER_OK;
}

static bool is_text(const void *ud, infer_token id)
{
    (void)ud;
    return id < FIRST_MARK;
}

static bool is_special(const void *ud, infer_token id)
{
    const struct marks *m = ud;
    return id >= FIRST_MARK && (size_t)(id - FIRST_MARK) < m->count;
}

static bool ends(const void *ud, infer_token id)
{
    (void)ud;
    return id == END;
}

static void hold(const struct inf_reader *r, const struct marks *m,
                 const struct inf_call_family *family, unsigned flags,
                 const struct inf_tool_list *list, const infer_allocator *a)
{
    struct inf_token_source source = {.count = END + 1,
                                      .ud = m,
                                      .bytes = bytes_of,
                                      .is_text = is_text,
                                      .ends = ends,
                                      .is_special = is_special};
    struct inf_hold_options o = {.family = family,
                                 .program = inf_reader_program(r),
                                 .parts = inf_reader_parts(r),
                                 .tools = list,
                                 .must_call = flags & THINKING,
                                 .one_call = flags & ONE_CALL};
    struct inf_token_trie *trie;
    struct inf_grammar *g;
    infer_error err = {.text = ""};
    must(!inf_token_trie_new(a, &source, &trie, &err), err.text);
    infer_status status = inf_hold_new(a, trie, &o, &g, &err);
    must(status == INFER_OK || status == INFER_E_UNSUPPORTED || status == INFER_E_LIMIT ||
             status == INFER_E_FORMAT,
         err.text);
    must(!status == !err.text[0] && !status == (g != NULL), "a status without a text");
    inf_grammar_free(g);
    inf_token_trie_free(trie);
}

/* ---- The input ------------------------------------------------------------------------------- */

static const struct {
    const char *signs, *turn;
} families[] = {
    {"none", "```json\n{\"name\": \"a\", \"arguments\": {\"x\": [1, \"\\u00e9\"]}}\n```\n"},
    {"<tool_call>",
     "Hm.\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>\n<tool_call>{}"},
    {"<tool_call><function=",
     "<tool_call>\n<function=a>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>"},
    {"<arg_key>", "<tool_call>a\n<arg_key>y</arg_key>\n<arg_value>t</arg_value>\n</tool_call>"},
    {"DSML", "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"a\">\n<｜DSML｜parameter name=\"y\" "
             "string=\"true\">v</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>"},
    {"<|tool_call_argument_begin|>",
     "<|tool_calls_section_begin|><|tool_call_begin|>functions.a:0<|tool_call_argument_begin|>"
     "{\"x\": 2}<|tool_call_end|><|tool_calls_section_end|>"},
    {"[TOOL_CALLS][ARGS]", "[TOOL_CALLS]a[CALL_ID]123456789[ARGS]{\"x\": 1}"},
    {"[TOOL_CALLS]", "[TOOL_CALLS][{\"name\": \"a\", \"arguments\": {}, \"id\": \"123456789\"}]"},
    {"<|tool_call><tool_call|>",
     "<|tool_call>call:a{x:3,y:<|\"|>t<|\"|>,z:{q:[true,null]}}<tool_call|>"},
    {"<|tool_call_start|>",
     "<|tool_call_start|>[a(x=-1.5, y='it\\'s', z=[1, None])]<|tool_call_end|>"},
    {">>>all", "a\n{\"x\": 1}>>>all\nHi"},
    {"<|channel|><|message|>", "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|"
                               ">commentary to=functions.a "
                               "<|constrain|>json<|message|>{\"x\": 1}<|call|>"},
    {"<|start_header_id|>\"parameters\"tools",
     "{\"name\": \"a\", \"parameters\": {}}; {\"name\": \"b\", \"parameters\": {}}"},
};
#define FAMILIES (sizeof families / sizeof *families)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct marks marks = {.count = 0}, *source = &marks;
    struct count_alloc count;
    struct inf_arena arena;
    struct inf_tool_list list;
    struct inf_reader *r;
    infer_error err = {.text = ""};
    if (size < 2)
        return 0;
    const char *signs = families[data[0] % FAMILIES].signs;
    struct inf_bytes turn = {(const char *)data + 2, size - 2};
    const char *nul = turn.len ? memchr(turn.ptr, 0, turn.len) : NULL;
    const char *text = nul ? nul + 1 : "[{\"name\": \"a\"}]";
    if (nul)
        turn.len = (size_t)(nul - turn.ptr);
    size_t len = nul ? size - 3 - turn.len : strlen(text);
    unsigned flags = data[1];
    count_alloc_init(&count);
    count.limit_bytes = MEMORY_MAX;
    inf_arena_init(&arena, &count.a);
    struct inf_reader_options o = {.family = inf_family_find(signs, strlen(signs)),
                                   .marks = {&source, find},
                                   .tools = &list,
                                   .none = flags & NONE,
                                   .one_call = flags & ONE_CALL,
                                   .held = flags & HELD,
                                   .spelled = flags & SPELLED,
                                   .think_begin = {"<think>", 7},
                                   .think_end = {"</think>", 8},
                                   .thought = {.begin = -1, .end = -1}};
    infer_status status = inf_tool_list_read(&arena, text, len, &list, &err);
    must(status == INFER_OK || status == INFER_E_FORMAT || status == INFER_E_LIMIT, err.text);
    if (!status) {
        must(!inf_reader_new(&count.a, &o, &r, &err), err.text);
        read_turns(r, &marks, flags, turn, &list, &count.a);
        if (flags & GRAMMAR && list.count)
            hold(r, &marks, o.family, flags, &list, &count.a);
        inf_reader_free(r);
    }
    inf_arena_free(&arena);
    must(!count.passed_limit, "too much memory");
    must(!count.blocks, "memory is left");
    return 0;
}

bool fuzz_base(size_t index, uint8_t **data, size_t *size, size_t *head_bytes)
{
    static const uint8_t flags[] = {0, TOKENS, TOKENS | GRAMMAR | THINKING};
    static const char tools[] =
        "[{\"name\": \"a\", \"parameters\": {\"type\": \"object\", \"properties\": {\"x\": "
        "{\"type\": "
        "\"number\"}, \"y\": {\"type\": \"string\"}, \"z\": {}}}}, {\"type\": \"function\", "
        "\"function\": {\"name\": \"b\"}}]";
    if (index >= FAMILIES * sizeof flags)
        return false;
    const char *turn = families[index % FAMILIES].turn;
    size_t len = strlen(turn);
    *head_bytes = 2 + len;
    *size = *head_bytes + sizeof tools;
    *data = malloc(*size);
    must(*data != NULL, "no memory");
    (*data)[0] = (uint8_t)(index % FAMILIES);
    (*data)[1] = flags[index / FAMILIES];
    memcpy(*data + 2, turn, len);
    (*data)[*head_bytes] = 0;
    memcpy(*data + *head_bytes + 1, tools, sizeof tools - 1);
    return true;
}
