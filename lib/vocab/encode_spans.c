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

static infer_status encode(const struct inf_vocab *v, const struct inf_span *spans,
                           size_t span_count, struct inf_text *text, struct inf_stretch *stretches,
                           uint8_t *bits, infer_token *ids, size_t capacity, size_t *count,
                           infer_error *err)
{
    join_spans(v, spans, span_count, text, stretches);
    if (text->failed)
        return inf_fail_memory(err, "the prompt", text->len);
    size_t start = 0;
    for (size_t i = 0; i < span_count; start = stretches[i++].end)
        if (stretches[i].literal)
            inf_specials_mark(v, text->ptr + start, stretches[i].end - start, bits);
    bar(v, bits);
    struct inf_raw raw = {
        .text = text->ptr, .len = text->len, .stretches = stretches, .barred = bits};
    return inf_tokenize_raw(v, &raw, INF_TOKENIZE_HAVE_BOS, ids, capacity, count, err);
}

infer_status inf_vocab_encode_spans(const struct inf_vocab *v, const struct inf_span *spans,
                                    size_t span_count, const uint8_t *used, infer_token *ids,
                                    size_t capacity, size_t *count, infer_error *err)
{
    *count = 0;
    size_t bytes = ((size_t)v->count + 7) / 8;
    struct inf_text text = {.a = &v->a};
    struct inf_stretch *stretches = inf_alloc_zero(&v->a, span_count + 1, sizeof *stretches);
    uint8_t *bits = inf_alloc_zero(&v->a, bytes, 1);
    infer_status status;
    if (stretches && bits) {
        if (used)
            memcpy(bits, used, bytes);
        status = encode(v, spans, span_count, &text, stretches, bits, ids, capacity, count, err);
    } else {
        status = inf_fail_memory(err, "the prompt", span_count * sizeof *stretches + bytes);
    }
    inf_text_free(&text);
    inf_release(&v->a, stretches);
    inf_release(&v->a, bits);
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
