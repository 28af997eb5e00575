/* Text and thoughts as they stream; the markers that lead to calls. */
#include "lib/tools/reader.h"

#include <string.h>

#define BLANKS_HELD 64 /* before a marker they belong to it */

infer_status inf_reader_memory(struct inf_reader *r)
{
    return inf_fail_memory(r->err, "a turn", r->held.len);
}

/* ---- Held bytes ------------------------------------------------------------------------------ */

static const char *held(const struct inf_reader *r)
{
    return r->held.ptr ? r->held.ptr + r->held_first : "";
}

size_t inf_reader_ready(const struct inf_reader *r)
{
    return r->held.len - r->held_first - r->pending_bytes;
}

const char *inf_reader_bytes(const struct inf_reader *r, struct inf_symbol symbol)
{
    return held(r) + inf_reader_ready(r) - symbol.len; /* of the symbol that was taken last */
}

infer_status inf_reader_show(struct inf_reader *r, infer_event_kind kind, size_t raw,
                             struct inf_bytes text)
{
    bool of_call = kind == INFER_EVENT_CALL_BEGIN || kind == INFER_EVENT_ARGUMENT ||
                   kind == INFER_EVENT_CALL_DONE || kind == INFER_EVENT_CALL_BROKEN;
    infer_event event = {
        .kind = kind,
        .text = text.len ? text.ptr : "",
        .text_len = text.len,
        .raw = held(r),
        .raw_len = raw,
        .call = of_call ? r->call : 0,
        .name = of_call && r->tool ? r->tool->name : "",
        .id = of_call && r->tool ? r->id : "",
    };
    if (r->on_event && !r->on_event(r->ud, &event))
        r->stopped = true;
    r->held_first += raw;
    return INFER_OK;
}

/* Shows the first bytes as they are. */
static void show_bytes(struct inf_reader *r, infer_event_kind kind, size_t n)
{
    if (n)
        inf_reader_show(r, kind, n, (struct inf_bytes){held(r), kind == INFER_EVENT_MARK ? 0 : n});
}

void inf_reader_take(struct inf_reader *r, struct inf_symbol *symbol)
{
    *symbol = r->pending[0];
    r->pending_bytes -= symbol->len;
    r->pending_count--;
    memmove(r->pending, r->pending + 1, r->pending_count * sizeof *r->pending);
    if (r->state == INF_READ_CALL || r->state == INF_READ_BODY)
        inf_text_append(&r->whole, inf_reader_bytes(r, *symbol), symbol->len);
}

/* ---- Literals -------------------------------------------------------------------------------- */

/* How many of the pending symbols are the literal; *match says whether they are. */
size_t inf_reader_match(const struct inf_reader *r, const struct inf_literal *literal,
                        enum inf_match *result)
{
    bool spelled = r->o.spelled && literal != r->think && literal != r->unthink;
    size_t at = 0;
    *result = INF_MATCH_YES;
    for (uint32_t p = 0; p < literal->count; p++) {
        const struct inf_literal_piece *piece = &literal->pieces[p];
        if (piece->mark >= 0 && at < r->pending_count && r->pending[at].mark == piece->mark) {
            at++;
            continue;
        }
        for (uint32_t i = 0; i < piece->len; i++, at++) {
            if (at == r->pending_count) {
                *result = INF_MATCH_MORE;
                return 0;
            }
            const struct inf_symbol *s = &r->pending[at];
            if (s->mark >= 0 || s->byte != (unsigned char)piece->text[i] ||
                (piece->mark >= 0 && !s->untold && !spelled)) {
                *result = INF_MATCH_NO;
                return 0;
            }
        }
    }
    return at;
}

/* ---- Text and thoughts ----------------------------------------------------------------------- */

/* Of text[len) the bytes in front of the blanks at its end. */
static size_t without_blanks(const char *text, size_t len, size_t most)
{
    size_t n = len;
    while (n && len - n < most && inf_is_blank(text[n - 1]))
        n--;
    return n;
}

/* Of text[len) the bytes in front of a character that is not complete. */
size_t inf_whole_characters(const char *text, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)text[len - back];
        if (c < 0x80)
            return len;
        if (c >= 0xc0) {
            size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
            return c <= 0xf4 && need > back ? len - back : len;
        }
    }
    return len;
}

static infer_event_kind content_kind(const struct inf_reader *r)
{
    return r->state == INF_READ_THOUGHT ? INFER_EVENT_THOUGHT : INFER_EVENT_TEXT;
}

/* Shows what is ready; the blanks at its end stay. */
static void show_ready(struct inf_reader *r, bool all)
{
    size_t ready = inf_reader_ready(r);
    if (r->skip_blanks) {
        show_bytes(r, INFER_EVENT_MARK, ready);
        return;
    }
    if (!all) {
        size_t n = inf_whole_characters(held(r), ready);
        ready = without_blanks(held(r), n, BLANKS_HELD);
    }
    show_bytes(r, content_kind(r), ready);
}

/* Before a marker: the content without the blanks at its end. */
void inf_reader_cut(struct inf_reader *r)
{
    size_t ready = inf_reader_ready(r);
    size_t n = r->skip_blanks ? ready : without_blanks(held(r), ready, BLANKS_HELD);
    show_bytes(r, r->skip_blanks ? INFER_EVENT_MARK : content_kind(r), n);
}

void inf_reader_take_all(struct inf_reader *r, size_t count)
{
    struct inf_symbol symbol;
    for (size_t i = 0; i < count; i++)
        inf_reader_take(r, &symbol);
}

void inf_reader_skip(struct inf_reader *r, size_t count)
{
    inf_reader_take_all(r, count);
    show_bytes(r, INFER_EVENT_MARK, inf_reader_ready(r));
}

struct found {
    enum inf_found what;
    uint32_t start; /* of a call: where in the program */
    size_t length;
};

/* Looks for the beginning of a call that is a whole turn. */
static enum inf_match look_whole(const struct inf_reader *r, struct found *found)
{
    enum inf_match best = INF_MATCH_NO, one;
    const uint32_t *starts = r->o.held ? &r->program.fence : r->program.wholes;
    uint32_t count = r->o.held ? 1 : INF_WHOLES;
    for (uint32_t w = 0; w < count && r->may_be_bare && r->state == INF_READ_TEXT; w++) {
        if (starts[w] == UINT32_MAX)
            continue;
        const struct inf_call_op *op = &r->program.ops[starts[w]];
        bool object = r->pending[0].mark < 0 && r->pending[0].byte == '{';
        size_t n = 0;
        if (op->kind == INF_CALL_LITERAL)
            n = inf_reader_match(r, op->literal, &one);
        else
            one = object ? INF_MATCH_YES : INF_MATCH_NO;
        if (one == INF_MATCH_YES) {
            *found = (struct found){INF_FOUND_WHOLE, starts[w], n};
            return one;
        }
        best = one == INF_MATCH_MORE ? one : best;
    }
    return best;
}

/* Looks for a marker at the first pending symbol. */
static enum inf_match look(const struct inf_reader *r, struct found *found)
{
    enum inf_match best = look_whole(r, found), one;
    const struct {
        const struct inf_literal *literal;
        enum inf_found what;
    } sets[] = {
        {r->unthink, r->state == INF_READ_THOUGHT ? INF_FOUND_UNTHINK : INF_FOUND_SKIP},
        {r->state == INF_READ_TEXT ? r->think : NULL, INF_FOUND_THINK},
        {r->program.skips[0], INF_FOUND_SKIP},
        {r->program.skips[1], INF_FOUND_SKIP},
        {r->program.skips[2], INF_FOUND_SKIP},
        {r->program.skips[3], INF_FOUND_SKIP},
    };
    if (best == INF_MATCH_YES)
        return best;
    for (uint32_t f = 0; f < INF_FORMS && r->state == INF_READ_TEXT && !r->o.none; f++) {
        if (r->program.starts[f] == UINT32_MAX)
            continue;
        size_t n = inf_reader_match(r, r->program.ops[r->program.starts[f]].literal, &one);
        if (one == INF_MATCH_YES) {
            *found = (struct found){INF_FOUND_FORM, r->program.starts[f], n};
            return one;
        }
        best = one == INF_MATCH_MORE ? one : best;
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (!sets[i].literal || (i >= 2 && r->state != INF_READ_TEXT))
            continue;
        size_t n = inf_reader_match(r, sets[i].literal, &one);
        if (one == INF_MATCH_YES) {
            *found = (struct found){sets[i].what, 0, n};
            return one;
        }
        best = one == INF_MATCH_MORE ? one : best;
    }
    return best;
}

static infer_status marker(struct inf_reader *r, struct found found)
{
    inf_reader_cut(r);
    if (found.what == INF_FOUND_FORM) {
        inf_reader_take_all(r, found.length);
        return inf_call_begin(r, found.start + 1, false);
    }
    if (found.what == INF_FOUND_WHOLE) {
        r->may_be_bare = false;
        inf_reader_take_all(r, found.length);
        infer_status status = inf_call_begin(r, found.start + (found.length > 0), true);
        r->alone = true;
        return status;
    }
    inf_reader_skip(r, found.length);
    if (found.what == INF_FOUND_THINK || found.what == INF_FOUND_UNTHINK) {
        r->state = found.what == INF_FOUND_THINK ? INF_READ_THOUGHT : INF_READ_TEXT;
        r->skip_blanks = true;
    }
    r->over |= found.what == INF_FOUND_SKIP && r->calls && r->o.family->over;
    return INFER_OK;
}

/* Whether a call without a marker begins with the first pending symbol. */
static bool is_bare(const struct inf_reader *r)
{
    if (!r->may_be_bare || !r->o.family->bare || r->state != INF_READ_TEXT)
        return false;
    uint32_t at = r->program.starts[0] + 1;
    at += r->program.ops[at].kind == INF_CALL_BLANKS;
    return r->program.ops[at].kind == INF_CALL_NAME ||
           (r->pending[0].mark < 0 && r->pending[0].byte == '{');
}

static infer_status text_step(struct inf_reader *r, bool *moved)
{
    struct found found = {INF_FOUND_SKIP, 0, 0};
    struct inf_symbol symbol;
    enum inf_match result = look(r, &found);
    *moved = result != INF_MATCH_MORE;
    if (result == INF_MATCH_MORE)
        return INFER_OK;
    if (result == INF_MATCH_YES)
        return marker(r, found);
    if (r->pending[0].mark < 0 && inf_is_blank(r->pending[0].byte)) {
        inf_reader_take(r, &symbol);
        return INFER_OK;
    }
    if (is_bare(r)) {
        r->may_be_bare = false;
        inf_reader_cut(r);
        return inf_call_begin(r, r->program.starts[0] + 1, true);
    }
    if (r->skip_blanks)
        show_ready(r, false);
    r->skip_blanks = false;
    if (r->state == INF_READ_TEXT) {
        r->may_be_bare = false;
        r->began = true;
    }
    inf_reader_take(r, &symbol);
    return INFER_OK;
}

/* ---- Symbols --------------------------------------------------------------------------------- */

static infer_status settle(struct inf_reader *r)
{
    infer_status status = INFER_OK;
    bool moved = true;
    while (r->pending_count && moved && !status) {
        if (r->state == INF_READ_CALL)
            status = inf_call_step(r, &moved);
        else if (r->o.family->channels)
            status = inf_channels_step(r, &moved);
        else
            status = text_step(r, &moved);
    }
    if (!status && (r->whole.failed || r->word.failed || r->arguments.failed ||
                    r->parameters.failed || r->object.text.failed))
        status = inf_reader_memory(r);
    return status;
}

static infer_status push(struct inf_reader *r, struct inf_symbol symbol)
{
    r->pending[r->pending_count++] = symbol;
    r->pending_bytes += symbol.len;
    return settle(r);
}

static int32_t mark_of(const struct inf_reader *r, infer_token id)
{
    for (size_t i = 0; id >= 0 && i < r->program.mark_count; i++)
        if (r->program.marks[i].id == id)
            return (int32_t)i;
    return -1;
}

static void compact(struct inf_reader *r)
{
    size_t left = r->held.len - r->held_first;
    if (r->held_first && left)
        memmove(r->held.ptr, r->held.ptr + r->held_first, left);
    r->held.len = left;
    r->held_first = 0;
}

static infer_status feed(struct inf_reader *r, infer_token id, const char *bytes, size_t len)
{
    int32_t mark = mark_of(r, id);
    infer_status status = INFER_OK;
    if (mark >= 0) {
        inf_text_append(&r->held, bytes, len);
        if (r->held.failed)
            return inf_reader_memory(r);
        return push(r, (struct inf_symbol){.mark = mark, .len = (uint32_t)len});
    }
    for (size_t i = 0; i < len && !status; i++) {
        inf_text_append(&r->held, bytes + i, 1);
        if (r->held.failed)
            return inf_reader_memory(r);
        status =
            push(r, (struct inf_symbol){
                        .mark = -1, .len = 1, .byte = (unsigned char)bytes[i], .untold = id < 0});
    }
    return status;
}

infer_status inf_reader_next(struct inf_reader *r, infer_token id, const char *bytes, size_t len,
                             infer_on_event on_event, void *ud, infer_error *err)
{
    r->on_event = on_event;
    r->ud = ud;
    r->err = err;
    r->stopped = false;
    if (len > INF_MAX_STRING)
        return inf_fail(err, INFER_E_LIMIT, "a piece of text of %zu bytes, at most %u", len,
                        INF_MAX_STRING);
    infer_status status = feed(r, id, bytes, len);
    if (!status) {
        if (r->state == INF_READ_CALL || r->state == INF_READ_BODY)
            status = inf_call_flush(r);
        else if (r->state != INF_READ_HEADER)
            show_ready(r, false);
    }
    compact(r);
    if (!status && r->stopped)
        return inf_fail(err, INFER_E_CANCELLED, "the turn was stopped by its reader");
    return status;
}

infer_status inf_reader_end(struct inf_reader *r, infer_stop stop, infer_on_event on_event,
                            void *ud, infer_error *err)
{
    infer_status status = INFER_OK;
    r->on_event = on_event;
    r->ud = ud;
    r->err = err;
    for (bool more = true; more && !status;) {
        if (r->state == INF_READ_CALL || r->state == INF_READ_BODY)
            status = inf_call_end(r, stop);
        /* what might have been a marker is none; what follows it is looked at again */
        more = r->pending_count > 0;
        if (!status && more) {
            struct inf_symbol symbol;
            inf_reader_take(r, &symbol);
            r->skip_blanks = false;
            status = settle(r);
        }
    }
    if (status)
        return status;
    if (r->state == INF_READ_HEADER)
        r->state = INF_READ_TEXT; /* of no message: so it is said as it is */
    show_ready(r, true);
    infer_event event = {
        .kind = INFER_EVENT_END, .text = "", .raw = "", .name = "", .id = "", .stop = stop};
    if (on_event)
        on_event(ud, &event);
    compact(r);
    return INFER_OK;
}

/* ---- A turn ---------------------------------------------------------------------------------- */

void inf_reader_begin(struct inf_reader *r, uint64_t seed, bool thinking, bool in_message)
{
    r->state = thinking                               ? INF_READ_THOUGHT
               : r->o.family->channels && !in_message ? INF_READ_HEADER
                                                      : INF_READ_TEXT;
    r->seed = seed;
    r->began = r->over = r->stopped = false;
    const char *whole = r->o.held ? r->o.family->fence : r->o.family->whole[0];
    r->may_be_bare = (r->o.family->bare || whole) && !r->o.none;
    r->skip_blanks = thinking;
    r->calls = r->begun_calls = 0;
    r->held.len = r->held_first = 0;
    r->pending_count = r->pending_bytes = 0;
    r->whole.len = r->word.len = 0;
}

bool inf_reader_keeps(const struct inf_reader *r, infer_token id)
{
    int32_t mark = mark_of(r, id);
    return mark >= 0 && r->state == INF_READ_THOUGHT && r->unthink && r->unthink->count == 1 &&
           r->unthink->pieces[0].mark == mark;
}

bool inf_reader_over(const struct inf_reader *r)
{
    return r->over;
}

bool inf_reader_thinks(const struct inf_reader *r, infer_token *end)
{
    *end = r->o.thought.end;
    return r->state == INF_READ_THOUGHT;
}

bool inf_reader_began(const struct inf_reader *r)
{
    return r->began || r->calls || r->state == INF_READ_CALL || r->pending_count;
}

const struct inf_program *inf_reader_program(const struct inf_reader *r)
{
    return &r->program;
}

const struct inf_literal *const *inf_reader_parts(const struct inf_reader *r)
{
    return r->parts;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static infer_status make(struct inf_reader *r, infer_error *err)
{
    const struct inf_reader_options *o = &r->o;
    infer_status status = inf_program_new(&r->arena, o->family, &o->marks, &r->program, err);
    if (!status && o->family->channels)
        status = inf_channels_init(r);
    if (status || o->family->channels || !o->think_begin.len)
        return status;
    r->think = inf_program_literal(&r->arena, &r->program, &o->marks, o->think_begin.ptr,
                                   o->think_begin.len);
    r->unthink =
        inf_program_literal(&r->arena, &r->program, &o->marks, o->think_end.ptr, o->think_end.len);
    return r->think && r->unthink ? INFER_OK : inf_fail_memory(err, "a reader of turns", sizeof *r);
}

infer_status inf_reader_new(const infer_allocator *a, const struct inf_reader_options *options,
                            struct inf_reader **reader, infer_error *err)
{
    *reader = NULL;
    struct inf_reader *r = inf_alloc_zero(a, 1, sizeof *r);
    if (!r)
        return inf_fail_memory(err, "a reader of turns", sizeof *r);
    r->a = *a;
    r->o = *options;
    inf_arena_init(&r->arena, &r->a);
    struct inf_text *texts[] = {&r->held,      &r->whole,      &r->word,
                                &r->arguments, &r->parameters, &r->object.text};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        texts[i]->a = &r->a;
    infer_status status = make(r, err);
    if (status)
        inf_reader_free(r);
    else
        *reader = r;
    return status;
}

void inf_reader_free(struct inf_reader *r)
{
    if (!r)
        return;
    infer_allocator a = r->a;
    struct inf_text *texts[] = {&r->held,      &r->whole,      &r->word,
                                &r->arguments, &r->parameters, &r->object.text};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        inf_text_free(texts[i]);
    inf_arena_free(&r->arena);
    inf_release(&a, r);
}
