/* Walks the program of a form while a call is read. */
#include "lib/tools/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- What is told of a call ------------------------------------------------------------------ */

static void reset(struct inf_reader *r)
{
    r->begun = r->done = r->has_type = r->line_break = false;
    r->tool = NULL;
    r->schema = NULL;
    r->call = r->begun_calls;
    r->id[0] = 0;
    r->word.len = r->arguments.len = r->parameters.len = 0;
    r->arguments_shown = 0;
    r->scan = (struct inf_json_scan){0};
    r->object = (struct inf_object){.text = r->object.text};
    r->object.text.len = 0;
    r->literal.depth = 0;
}

infer_status inf_call_begin(struct inf_reader *r, uint32_t at, bool bare)
{
    r->state = INF_READ_CALL;
    r->at = at;
    r->bare = bare;
    r->alone = r->complete = false;
    r->whole.len = 0;
    r->skip_blanks = false;
    size_t ready = inf_reader_ready(r);
    if (ready)
        inf_text_append(&r->whole, r->held.ptr + r->held_first, ready);
    reset(r);
    return r->whole.failed ? inf_reader_memory(r) : INFER_OK;
}

infer_status inf_call_break(struct inf_reader *r, const char *format, ...)
{
    char reason[400];
    va_list args;
    r->state = INF_READ_TEXT;
    r->began = true;
    if (r->bare && !r->begun)
        return INFER_OK; /* it never looked like a call for certain */
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    inf_reader_show(r, INFER_EVENT_CALL_BROKEN, 0, (struct inf_bytes){reason, strlen(reason)});
    return inf_reader_show(r, INFER_EVENT_TEXT, inf_reader_ready(r),
                           (struct inf_bytes){r->whole.ptr, r->whole.len});
}

/* An id that is made here: the same for the same prompt and call. */
static void make_id(struct inf_reader *r)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t hash = inf_hash(&r->call, sizeof r->call, r->seed);
    size_t at = 0;
    if (!r->o.family->short_ids) {
        memcpy(r->id, "call_", 5);
        at = 5;
    }
    for (size_t i = 0; i < 9; i++, hash /= 62)
        r->id[at++] = letters[hash % 62];
    r->id[at] = 0;
}

void inf_call_id(struct inf_reader *r, const char *id, size_t len)
{
    if (r->begun || len == 0 || len >= sizeof r->id || inf_utf8_check(id, len) < len)
        return;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)id[i] < 0x20 || id[i] == 0x7f)
            return;
    memcpy(r->id, id, len);
    r->id[len] = 0;
}

infer_status inf_call_name(struct inf_reader *r, const char *name, size_t len)
{
    int shown = (int)inf_min_size(len, 100);
    if (r->tool)
        return inf_call_break(r, "a second name");
    const struct inf_tool *tool = inf_tool_find(r->o.tools, name, len);
    if (!tool)
        return inf_call_break(r, "there is no tool \"%.*s\"", shown, name);
    if (r->o.only && strcmp(tool->name, r->o.only) != 0)
        return inf_call_break(r, "the tool to call is \"%s\", not \"%s\"", r->o.only, tool->name);
    if (r->o.one_call && r->calls)
        return inf_call_break(r, "a second call, where one is wanted");
    r->tool = tool;
    return INFER_OK;
}

infer_status inf_call_open(struct inf_reader *r)
{
    if (!r->tool || r->begun || r->state == INF_READ_TEXT || (r->alone && !r->complete))
        return INFER_OK;
    r->begun = true;
    r->call = r->begun_calls++;
    if (!r->id[0])
        make_id(r);
    return inf_reader_show(r, INFER_EVENT_CALL_BEGIN, inf_reader_ready(r),
                           (struct inf_bytes){"", 0});
}

static void show_arguments(struct inf_reader *r, bool all)
{
    const char *text = r->arguments.ptr + r->arguments_shown;
    size_t len = r->arguments.len - r->arguments_shown;
    if (!all)
        len = inf_whole_characters(text, len);
    if (!len)
        return;
    r->arguments_shown += len;
    inf_reader_show(r, INFER_EVENT_ARGUMENT, all ? 0 : inf_reader_ready(r),
                    (struct inf_bytes){text, len});
}

infer_status inf_call_flush(struct inf_reader *r)
{
    if (r->begun && r->arguments.len && r->arguments.ptr[0] == '{')
        show_arguments(r, false);
    return INFER_OK;
}

/* Whether the arguments are an object; *broken: they are not, and the call is over. */
static infer_status check_arguments(struct inf_reader *r, bool *broken)
{
    struct inf_arena arena;
    struct inf_json value;
    infer_error why;
    inf_arena_init(&arena, &r->a);
    infer_status status = inf_json_read(&arena, r->arguments.ptr, r->arguments.len, &value, &why);
    if (!status && value.kind == INF_JSON_STRING) { /* they are what it says */
        struct inf_bytes text = value.as.text;
        memmove(r->arguments.ptr, text.ptr, text.len);
        r->arguments.len = text.len;
        status = inf_json_read(&arena, r->arguments.ptr, text.len, &value, &why);
    }
    *broken = true;
    if (status == INFER_E_MEMORY)
        status = inf_reader_memory(r);
    else if (status)
        status = inf_call_break(r, "the arguments: %s", why.text);
    else if (value.kind != INF_JSON_OBJECT)
        status = inf_call_break(r, "the arguments are no object");
    else
        *broken = false;
    inf_arena_free(&arena);
    return status;
}

/* Tells of a call whose arguments are sound. */
static void tell(struct inf_reader *r)
{
    inf_call_open(r);
    show_arguments(r, true);
    inf_reader_show(r, INFER_EVENT_CALL_DONE, inf_reader_ready(r),
                    (struct inf_bytes){r->arguments.ptr, r->arguments.len});
    r->calls++;
    r->over |= r->o.one_call;
    r->whole.len = 0;
    reset(r);
    r->done = true;
}

infer_status inf_call_done(struct inf_reader *r)
{
    bool broken;
    if (!r->tool || (r->alone && !r->arguments.len))
        return inf_call_break(r, "the call names no tool");
    if (!r->arguments.len || (r->arguments.len == 4 && !memcmp(r->arguments.ptr, "null", 4))) {
        r->arguments.len = 0;
        inf_text_append(&r->arguments, "{", 1);
    }
    if ((r->program.tagged || r->arguments.len == 1) && !r->arguments.failed)
        inf_text_append(&r->arguments, "}", 1);
    if (r->arguments.failed)
        return inf_reader_memory(r);
    infer_status status = check_arguments(r, &broken);
    r->complete = r->alone && !broken;
    if (!status && !broken && !r->alone)
        tell(r);
    return status;
}

/* ---- The walk -------------------------------------------------------------------------------- */

static infer_status leave(struct inf_reader *r)
{
    struct inf_symbol symbol;
    if (r->alone && r->pending_count) {
        if (r->pending[0].mark >= 0 || !inf_is_blank(r->pending[0].byte))
            return inf_call_break(r, "text behind it");
        inf_reader_take(r, &symbol);
        return INFER_OK;
    }
    r->state = INF_READ_TEXT;
    r->skip_blanks = true;
    inf_reader_skip(r, 0);
    return INFER_OK;
}

static struct inf_bytes trimmed(const struct inf_text *text)
{
    struct inf_bytes b = {text->ptr, text->len};
    while (b.len && inf_is_blank(b.ptr[b.len - 1]))
        b.len--;
    while (b.len && inf_is_blank(*b.ptr)) {
        b.ptr++;
        b.len--;
    }
    return b;
}

/* A name in an id: functions.NAME:NUMBER. */
static infer_status name_of_id(struct inf_reader *r, struct inf_bytes word)
{
    static const char prefix[] = "functions.";
    size_t n = sizeof prefix - 1, digits = 0;
    inf_call_id(r, word.ptr, word.len);
    if (word.len > n && !memcmp(word.ptr, prefix, n)) {
        word.ptr += n;
        word.len -= n;
    }
    while (digits < word.len && word.ptr[word.len - 1 - digits] >= '0' &&
           word.ptr[word.len - 1 - digits] <= '9')
        digits++;
    if (digits && digits < word.len && word.ptr[word.len - 1 - digits] == ':')
        word.len -= digits + 1;
    return inf_call_name(r, word.ptr, word.len);
}

static infer_status word_done(struct inf_reader *r, const struct inf_call_op *op)
{
    struct inf_bytes word = trimmed(&r->word);
    switch (op->kind) {
    case INF_CALL_NAME:
        if (r->o.family->answer && inf_bytes_equal(word, r->o.family->answer)) {
            r->state = INF_READ_TEXT;
            r->began = true;
            inf_reader_skip(r, 0);
            return INFER_OK;
        }
        return inf_call_name(r, word.ptr, word.len);
    case INF_CALL_NAME_ID:
        return name_of_id(r, word);
    case INF_CALL_ID:
        inf_call_id(r, word.ptr, word.len);
        return INFER_OK;
    case INF_CALL_IS_STRING:
        r->has_type = true;
        r->is_string = inf_bytes_equal(word, "true");
        return INFER_OK;
    case INF_CALL_PARAMETER:
        return inf_parameter_begin(r, word.ptr, word.len);
    default:
        return inf_value_end(r, op->trim);
    }
}

/* Whether the name of a tool begins with the word and a symbol behind it. */
static bool goes_on(const struct inf_reader *r, struct inf_symbol symbol)
{
    size_t len = r->word.len;
    for (size_t i = 0; symbol.mark < 0 && i < r->o.tools->count; i++) {
        struct inf_bytes key = r->o.tools->items[i].key;
        if (key.len > len && (unsigned char)key.ptr[len] == symbol.byte &&
            (!len || !memcmp(key.ptr, r->word.ptr, len)))
            return true;
    }
    return false;
}

/* Text up to what may follow it: names, ids, values. */
static infer_status collect(struct inf_reader *r, const struct inf_call_op *op, bool *moved)
{
    struct inf_choices choices;
    struct inf_symbol symbol;
    enum inf_match best = INF_MATCH_NO, one;
    infer_status status = INFER_OK;
    inf_program_choices(&r->program, r->at + 1, &choices);
    for (uint32_t i = 0; i < choices.count; i++) {
        size_t n = inf_reader_match(r, choices.items[i].literal, &one);
        if (one == INF_MATCH_YES) {
            inf_reader_take_all(r, n);
            r->at = choices.items[i].next;
            status = word_done(r, op);
            r->word.len = 0;
            if (!status && r->program.ops[r->at].kind != INF_CALL_ID)
                status = inf_call_open(r);
            return status;
        }
        best = one == INF_MATCH_MORE ? one : best;
    }
    *moved = best != INF_MATCH_MORE;
    if (!*moved)
        return INFER_OK;
    if (r->pending[0].mark >= 0 && r->program.marks[r->pending[0].mark].control)
        return inf_call_break(r, "a control token within the call");
    if (r->alone && !goes_on(r, r->pending[0]))
        return inf_call_break(r, "there is no such tool");
    inf_reader_take(r, &symbol);
    const char *bytes = inf_reader_bytes(r, symbol);
    if (op->kind == INF_CALL_VALUE) {
        for (size_t i = 0; i < symbol.len && !status; i++)
            status = inf_value_byte(r, bytes[i], op->trim);
        return status;
    }
    inf_text_append(&r->word, bytes, symbol.len);
    if (r->word.len > INF_MAX_TOOL_NAME + 32)
        return inf_call_break(r, "a name of more than %d bytes", INF_MAX_TOOL_NAME);
    return INFER_OK;
}

/* A byte of arguments. *end: they are complete; false: they cannot be that. */
static bool argument_byte(struct inf_reader *r, const struct inf_call_op *op, char c, bool *end)
{
    enum inf_scan scan;
    if (op->kind == INF_CALL_ARGUMENTS) {
        scan = inf_json_scan_byte(&r->scan, c);
        if (scan != INF_SCAN_BAD && r->scan.begun)
            inf_text_append(&r->arguments, &c, 1);
    } else {
        scan = inf_literal_byte(&r->literal, c, &r->arguments);
    }
    *end = scan == INF_SCAN_END;
    return scan != INF_SCAN_BAD;
}

static infer_status arguments(struct inf_reader *r, const struct inf_call_op *op, bool *moved)
{
    struct inf_symbol symbol = r->pending[0];
    enum inf_match found = INF_MATCH_NO;
    infer_status status = INFER_OK;
    bool end = false, more = true;
    if (op->kind != INF_CALL_ARGUMENTS && op->kind != INF_CALL_OBJECT && !r->literal.depth)
        inf_literal_begin(&r->literal, op->kind == INF_CALL_GEMMA ? '}' : ')', &r->arguments);
    size_t n = op->literal ? inf_reader_match(r, op->literal, &found) : 0;
    *moved = found != INF_MATCH_MORE;
    if (!*moved)
        return INFER_OK;
    if (found == INF_MATCH_YES) {
        inf_reader_take_all(r, n);
        return inf_literal_quote(&r->literal, &r->arguments) == INF_SCAN_BAD
                   ? inf_call_break(r, "the arguments: a string where none may stand")
                   : INFER_OK;
    }
    if (symbol.mark >= 0 && r->program.marks[symbol.mark].control)
        return inf_call_break(r, "a control token within the arguments");
    if (op->kind == INF_CALL_OBJECT && !r->object.depth &&
        (symbol.mark >= 0 || (symbol.byte != '{' && !inf_is_blank(symbol.byte))))
        return inf_call_break(r, "no object begins there");
    if (symbol.mark < 0 && op->kind != INF_CALL_OBJECT) {
        if (!argument_byte(r, op, (char)symbol.byte, &end))
            return inf_call_break(r, "the arguments are not in their form");
        inf_reader_take(r, &symbol);
        r->at += end;
        return INFER_OK;
    }
    inf_reader_take(r, &symbol);
    const char *bytes = inf_reader_bytes(r, symbol);
    for (size_t i = 0; i < symbol.len && !status && r->state == INF_READ_CALL && more && !end;
         i++) {
        if (op->kind == INF_CALL_OBJECT)
            status = inf_object_byte(r, bytes[i], &more);
        else if (!argument_byte(r, op, bytes[i], &end))
            return inf_call_break(r, "the arguments are not in their form");
    }
    r->at += r->state == INF_READ_CALL && (end || !more);
    return status;
}

/* Markers, blanks, and ways to go. */
static infer_status choose(struct inf_reader *r, bool *moved)
{
    struct inf_choices choices;
    struct inf_symbol symbol;
    enum inf_match best = INF_MATCH_NO, one;
    inf_program_choices(&r->program, r->at, &choices);
    if (!choices.count && !choices.ends) { /* blanks before something that passes over them */
        r->at++;
        return INFER_OK;
    }
    for (uint32_t i = 0; i < choices.count; i++) {
        size_t n = inf_reader_match(r, choices.items[i].literal, &one);
        if (one == INF_MATCH_YES) {
            inf_reader_take_all(r, n);
            r->at = choices.items[i].next;
            return INFER_OK;
        }
        best = one == INF_MATCH_MORE ? one : best;
    }
    *moved = best != INF_MATCH_MORE;
    if (!*moved)
        return INFER_OK;
    if (choices.blanks && r->pending[0].mark < 0 && inf_is_blank(r->pending[0].byte)) {
        inf_reader_take(r, &symbol);
        return INFER_OK;
    }
    if (choices.ends || r->done)
        return leave(r);
    const struct inf_literal_piece *piece = &choices.items[0].literal->pieces[0];
    return inf_call_break(r, "\"%.*s\" is not there", (int)piece->len, piece->text);
}

infer_status inf_call_step(struct inf_reader *r, bool *moved)
{
    const struct inf_call_op *op = &r->program.ops[r->at];
    infer_status status = INFER_OK;
    *moved = true;
    if (r->whole.len > INF_MAX_TOOL_CALL)
        return inf_call_break(r, "a call of more than %d bytes", INF_MAX_TOOL_CALL);
    switch (op->kind) {
    case INF_CALL_JUMP:
        r->at = op->to;
        return INFER_OK;
    case INF_CALL_EXIT:
        return leave(r);
    case INF_CALL_DONE:
        r->at++;
        return inf_call_done(r);
    case INF_CALL_LITERAL:
    case INF_CALL_BLANKS:
    case INF_CALL_ALT:
        return choose(r, moved);
    case INF_CALL_ARGUMENTS:
    case INF_CALL_OBJECT:
    case INF_CALL_GEMMA:
    case INF_CALL_PYTHON:
        r->done = false;
        status = arguments(r, op, moved);
        break;
    default:
        r->done = false;
        status = collect(r, op, moved);
    }
    return status;
}

/* Whether nothing but markers is left of the call. */
static bool is_complete(struct inf_reader *r)
{
    if (r->pending_count || !r->tool)
        return false;
    for (uint32_t at = r->at;;) {
        const struct inf_call_op *op = &r->program.ops[at];
        if (op->kind == INF_CALL_DONE)
            return true;
        if (op->kind == INF_CALL_ALT)
            at = op->to;
        else if (op->kind == INF_CALL_LITERAL || op->kind == INF_CALL_BLANKS)
            at++;
        else
            return false;
    }
}

infer_status inf_call_end(struct inf_reader *r, infer_stop stop)
{
    infer_status status;
    bool ended = stop == INFER_STOP_END || stop == INFER_STOP_STOP;
    if (r->done)
        return leave(r);
    if (r->state == INF_READ_CALL && ended && !r->complete && is_complete(r)) {
        status = inf_call_done(r);
        if (status || r->state == INF_READ_TEXT)
            return status;
    }
    if (r->complete && ended && !r->pending_count)
        tell(r);
    if (r->done)
        return leave(r);
    if (r->state == INF_READ_BODY && ended && !r->pending_count)
        return inf_channels_finish(r);
    return inf_call_break(r, "the call is cut off");
}
