/* The ids of a prompt made of spans: which special tokens count where. */
#include "lib/vocab/vocab_data.h"

#include "lib/base/span.h"

/* The elements of HTML that vocabularies have as user-defined tokens, Gemma's among them. */
static const char *const html[] = {
    "a",  "b",     "blockquote", "body",  "caption", "code",   "div", "em",  "h1",     "h2",
    "h3", "h4",    "h5",         "h6",    "html",    "footer", "i",   "img", "iframe", "li",
    "ol", "p",     "pre",        "s",     "span",    "strong", "sub", "sup", "table",  "tbody",
    "td", "tfoot", "th",         "thead", "tr",      "u",      "ul",
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_html(const char *text, size_t len)
{
    size_t slash = text[1] == '/';
    struct inf_bytes name = {text + 1 + slash, len - 2 - slash};
    for (size_t i = 0; i < sizeof html / sizeof *html; i++)
        if (inf_bytes_equal(name, html[i]))
            return true;
    return false;
}

/* Whether a token looks like a sign of some template, whichever that is. */
static bool is_markup(const char *text, size_t len)
{
    while (len && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len && is_blank(text[len - 1]))
        len--;
    return len > 2 && ((text[0] == '<' && text[len - 1] == '>' && !is_html(text, len)) ||
                       (text[0] == '[' && text[len - 1] == ']'));
}

static bool is_white(const char *text, size_t len)
{
    while (len && is_blank(text[len - 1]))
        len--;
    return !len;
}

/* From the specials that the template uses to those that no content may become. */
static void bar(const struct inf_vocab *v, uint8_t *bits)
{
    for (uint32_t i = 0; i < v->special_count; i++) {
        const struct inf_vocab_special *special = &v->specials[i];
        if (v->tokens[special->id].kind != INF_TOKEN_USER || is_markup(special->text, special->len))
            inf_bit_set(bits, special->id);
        else if (is_white(special->text, special->len))
            bits[special->id >> 3] &= (uint8_t) ~(1 << (special->id & 7));
    }
    const infer_token named[] = {v->bos, v->eos, v->eot, v->eom, v->unk, v->sep, v->pad, v->mask};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i] >= 0 && v->tokens[named[i]].kind == INF_TOKEN_USER)
            inf_bit_set(bits, (uint32_t)named[i]);
}

/* The spans behind each other, U+2581 as blanks where it stands for them. One that lies across a
 * border belongs to the content. */
static void join_spans(const struct inf_vocab *v, const struct inf_span *spans, size_t count,
                       struct inf_text *text, struct inf_stretch *stretches)
{
    for (size_t i = 0; i < count; i++) {
        inf_text_append(text, spans[i].ptr, spans[i].len);
        stretches[i] = (struct inf_stretch){text->len, spans[i].literal};
    }
    if (!v->blanks || text->failed || !text->len || !memmem(text->ptr, text->len, INF_BLANK, 3))
        return;
    size_t len = 0, stretch = 0, last = 0;
    for (size_t at = 0; at < text->len;) {
        bool blank = text->len - at >= 3 && !memcmp(text->ptr + at, INF_BLANK, 3);
        size_t from = at;
        text->ptr[len++] = blank ? ' ' : text->ptr[at];
        at += blank ? 3 : 1;
        for (; stretch < count && stretches[stretch].end <= at; stretch++) {
            size_t end = stretches[stretch].end;
            bool before = end == from || (end < at && stretches[stretch].literal);
            last = stretches[stretch].end = inf_max_size(last, before ? len - 1 : len);
        }
    }
    text->len = len;
}

struct inf_spanned {
    const struct inf_vocab *v;
    struct inf_text text;
    struct inf_stretch *stretches, *clipped; /* (count + 1) */
    size_t count;
    uint8_t *barred; /* bits by id */
};

void inf_spanned_free(struct inf_spanned *s)
{
    if (!s)
        return;
    const infer_allocator *a = &s->v->a;
    inf_text_free(&s->text);
    inf_release(a, s->stretches);
    inf_release(a, s->clipped);
    inf_release(a, s->barred);
    inf_release(a, s);
}

struct inf_bytes inf_spanned_text(const struct inf_spanned *s)
{
    return (struct inf_bytes){s->text.ptr, s->text.len};
}

infer_status inf_spanned_new(const struct inf_vocab *v, const struct inf_span *spans, size_t count,
                             const uint8_t *used, struct inf_spanned **out, infer_error *err)
{
    size_t bytes = ((size_t)v->count + 7) / 8;
    *out = NULL;
    struct inf_spanned *s = inf_alloc_zero(&v->a, 1, sizeof *s);
    if (!s)
        return inf_fail_memory(err, "the prompt", sizeof *s);
    s->v = v;
    s->text.a = &v->a;
    s->count = count;
    s->stretches = inf_alloc_zero(&v->a, count + 1, sizeof *s->stretches);
    s->clipped = inf_alloc_zero(&v->a, count + 1, sizeof *s->clipped);
    s->barred = inf_alloc_zero(&v->a, bytes, 1);
    bool room = s->stretches && s->clipped && s->barred;
    if (room)
        join_spans(v, spans, count, &s->text, s->stretches);
    if (!room || s->text.failed) {
        inf_spanned_free(s);
        return inf_fail_memory(err, "the prompt", count * sizeof *s->stretches + bytes);
    }
    if (used)
        memcpy(s->barred, used, bytes);
    size_t start = 0;
    for (size_t i = 0; i < count; start = s->stretches[i++].end)
        if (s->stretches[i].literal)
            inf_specials_mark(v, s->text.ptr + start, s->stretches[i].end - start, s->barred);
    bar(v, s->barred);
    *out = s;
    return INFER_OK;
}

/* The bytes from ... to as a text of their own. */
static struct inf_raw clip(struct inf_spanned *s, size_t from, size_t to)
{
    for (size_t i = 0; i < s->count; i++) {
        size_t end = inf_min_size(inf_max_size(s->stretches[i].end, from), to);
        s->clipped[i] = (struct inf_stretch){end - from, s->stretches[i].literal};
    }
    return (struct inf_raw){.text = s->text.ptr ? s->text.ptr + from : "",
                            .len = to - from,
                            .stretches = s->clipped,
                            .barred = s->barred};
}

/* Whether a token is none of ordinary text, wherever it stands. */
static bool is_apart(const struct inf_spanned *s, infer_token id)
{
    enum inf_token_kind kind = s->v->tokens[id].kind;
    return kind != INF_TOKEN_NORMAL && kind != INF_TOKEN_BYTE &&
           (kind != INF_TOKEN_USER || inf_bit(s->barred, (uint32_t)id));
}

infer_status inf_spanned_encode(struct inf_spanned *s, size_t from, size_t to, infer_token before,
                                infer_token *ids, size_t capacity, size_t *count, infer_error *err)
{
    *count = 0;
    struct inf_raw raw = clip(s, from, to);
    raw.goes_on = before >= 0 && (s->v->tokens[before].kind == INF_TOKEN_NORMAL ||
                                  s->v->tokens[before].kind == INF_TOKEN_BYTE);
    raw.bases =
        s->v->kmers && before >= 0 && (before == s->v->dna_begin || before >= s->v->dna_oov);
    return inf_tokenize_raw(s->v, &raw, before < 0 ? INF_TOKENIZE_HAVE_BOS : 0, ids, capacity,
                            count, err);
}

/* The next token apart from *at on: where it begins. */
static bool next_apart(const struct inf_spanned *s, struct inf_raw *raw, size_t *at,
                       const struct inf_vocab_special **found)
{
    while (inf_specials_next(s->v, raw, *at, at, found)) {
        if (is_apart(s, (infer_token)(*found)->id))
            return true;
        *at += (*found)->len;
    }
    return false;
}

size_t inf_spanned_same(struct inf_spanned *s, size_t from, size_t at, const infer_token *ids,
                        size_t count, size_t *end)
{
    struct inf_raw raw = clip(s, from, s->text.len);
    const struct inf_vocab_special *special = NULL;
    size_t mark = 0, same = 0; /* mark: of `special`, from `from` on, as `at` is from here */
    bool more = next_apart(s, &raw, &mark, &special);
    at -= from;
    for (; same < count; same++) {
        const struct inf_vocab_token *token = &s->v->tokens[ids[same]];
        while (more && mark < at) {
            mark += special->len;
            if (mark > at) { /* it goes across the start */
                *end = from + at;
                return 0;
            }
            more = next_apart(s, &raw, &mark, &special);
        }
        if (!token->len || token->len > raw.len - at ||
            memcmp(raw.text + at, token->text, token->len) != 0)
            break;
        if (is_apart(s, ids[same]) ? !more || mark != at || (infer_token)special->id != ids[same]
                                   : more && mark < at + token->len)
            break;
        at += token->len;
    }
    *end = from + at;
    return same;
}

infer_status inf_vocab_encode_spans(const struct inf_vocab *v, const struct inf_span *spans,
                                    size_t span_count, const uint8_t *used, infer_token *ids,
                                    size_t capacity, size_t *count, infer_error *err)
{
    struct inf_spanned *s;
    *count = 0;
    infer_status status = inf_spanned_new(v, spans, span_count, used, &s, err);
    if (!status)
        status = inf_spanned_encode(s, 0, s->text.len, -1, ids, capacity, count, err);
    inf_spanned_free(s);
    return status;
}

infer_status inf_vocab_mark_used(const struct inf_vocab *v, const char *text, size_t len,
                                 uint8_t *used, infer_error *err)
{
    struct inf_text copy = {.a = &v->a};
    if (v->blanks && memmem(text, len, INF_BLANK, 3)) {
        inf_text_append(&copy, text, len);
        if (copy.failed)
            return inf_fail_memory(err, "a copy of the template", len);
        text = copy.ptr;
        len = inf_decode_blanks(copy.ptr, len, copy.ptr);
    }
    inf_specials_mark(v, text, len, used);
    inf_text_free(&copy);
    return INFER_OK;
}
