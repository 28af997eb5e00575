/*
 * Harmony, the format of gpt-oss: a turn is several messages, each with a header.
 *
 *     <|channel|>analysis<|message|>a thought<|end|><|start|>assistant
 *     <|channel|>commentary to=functions.NAME <|constrain|>json<|message|>{...}<|call|>
 *     <|channel|>final<|message|>the answer<|return|>
 */
#include "lib/tools/reader.h"

#include <string.h>

/* Markers, and how a header that is read keeps them. */
enum part {
    PART_MESSAGE,
    PART_CHANNEL,
    PART_CONSTRAIN,
    PART_START,
    PART_END,
    PART_CALL,
    PART_RETURN
};

static const char *const parts[] = {"<|message|>", "<|channel|>", "<|constrain|>", "<|start|>",
                                    "<|end|>",     "<|call|>",    "<|return|>"};
#define PART_COUNT (sizeof parts / sizeof *parts)
#define CHANNEL_SIGN '\1'
#define OTHER_SIGN '\2'
#define HEADER_MAX 400

infer_status inf_channels_init(struct inf_reader *r)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        r->parts[i] =
            inf_program_literal(&r->arena, &r->program, &r->o.marks, parts[i], strlen(parts[i]));
        if (!r->parts[i])
            return inf_reader_memory(r);
    }
    return INFER_OK;
}

/* The word behind a sign in the header. */
static struct inf_bytes word_behind(const struct inf_text *header, const char *sign)
{
    const char *end = header->ptr + header->len;
    const char *at = header->len ? memmem(header->ptr, header->len, sign, strlen(sign)) : NULL;
    if (!at)
        return (struct inf_bytes){NULL, 0};
    at += strlen(sign);
    struct inf_bytes word = {at, 0};
    while (at + word.len < end && !inf_is_blank(at[word.len]) && at[word.len] != CHANNEL_SIGN &&
           at[word.len] != OTHER_SIGN)
        word.len++;
    return word;
}

/* The header is complete: the message is a thought, text, or a call. */
static infer_status open_message(struct inf_reader *r)
{
    static const char prefix[] = "functions.";
    struct inf_bytes to = word_behind(&r->word, "to=");
    struct inf_bytes channel = word_behind(&r->word, "\1");
    size_t n = sizeof prefix - 1;
    if (to.ptr && !r->o.none) {
        infer_status status = inf_call_begin(r, 0, false);
        r->state = INF_READ_BODY;
        if (status)
            return status;
        if (to.len > n && !memcmp(to.ptr, prefix, n))
            to = (struct inf_bytes){to.ptr + n, to.len - n};
        status = inf_call_name(r, to.ptr, to.len);
        return status ? status : inf_call_open(r);
    }
    bool thought = inf_bytes_equal(channel, "analysis");
    r->state = thought ? INF_READ_THOUGHT : INF_READ_TEXT;
    r->began |= !thought;
    if (to.ptr) /* a call that is none: all of it is text */
        return INFER_OK;
    inf_reader_skip(r, 0);
    r->skip_blanks = false;
    return INFER_OK;
}

static infer_status in_header(struct inf_reader *r, enum part part, size_t length)
{
    inf_reader_take_all(r, length);
    if (part == PART_MESSAGE) {
        infer_status status = open_message(r);
        if (r->state != INF_READ_BODY)
            r->word.len = 0;
        return status;
    }
    if (part == PART_CHANNEL || part == PART_CONSTRAIN) {
        const char sign = part == PART_CHANNEL ? CHANNEL_SIGN : OTHER_SIGN;
        inf_text_append(&r->word, &sign, 1);
        return INFER_OK;
    }
    r->word.len = 0; /* another message */
    inf_reader_skip(r, 0);
    return INFER_OK;
}

infer_status inf_channels_finish(struct inf_reader *r)
{
    if (r->scan.begun && (r->scan.depth || r->scan.in_string))
        return inf_call_break(r, "the call is cut off");
    infer_status status = inf_call_done(r);
    if (status || r->state == INF_READ_TEXT)
        return status;
    r->state = INF_READ_HEADER;
    r->word.len = 0;
    return INFER_OK;
}

/* A marker within a message: it is over. */
static infer_status close_message(struct inf_reader *r, enum part part, size_t length)
{
    infer_status status = INFER_OK;
    if (r->state == INF_READ_BODY)
        status = inf_channels_finish(r);
    else
        inf_reader_cut(r);
    if (status)
        return status;
    r->state = INF_READ_HEADER;
    r->word.len = 0;
    r->over |= part == PART_CALL && r->calls;
    return in_header(r, part, length);
}

static infer_status content(struct inf_reader *r)
{
    struct inf_symbol symbol;
    bool end = r->state == INF_READ_BODY && r->scan.begun && !r->scan.depth && !r->scan.in_string;
    if (r->state == INF_READ_BODY) {
        unsigned char c = r->pending[0].byte;
        if (r->pending[0].mark >= 0 || (end && !inf_is_blank(c)))
            return inf_call_break(r, "something follows the arguments");
        enum inf_scan scan = end ? INF_SCAN_MORE : inf_json_scan_byte(&r->scan, (char)c);
        if (scan == INF_SCAN_BAD)
            return inf_call_break(r, "the arguments are not in their form");
        if (!end && r->scan.begun)
            inf_text_append(&r->arguments, (const char *)&c, 1);
        inf_reader_take(r, &symbol);
        return INFER_OK;
    }
    inf_reader_take(r, &symbol);
    if (r->state != INF_READ_HEADER)
        return INFER_OK;
    inf_text_append(&r->word, inf_reader_bytes(r, symbol), symbol.len);
    if (r->word.len <= HEADER_MAX)
        return INFER_OK;
    r->state = INF_READ_TEXT; /* no header is so long */
    r->word.len = 0;
    r->skip_blanks = false;
    r->began = true;
    return INFER_OK;
}

infer_status inf_channels_step(struct inf_reader *r, bool *moved)
{
    enum inf_match best = INF_MATCH_NO, one;
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (r->state != INF_READ_HEADER && (i == PART_MESSAGE || i == PART_CONSTRAIN))
            continue;
        size_t n = inf_reader_match(r, r->parts[i], &one);
        if (one == INF_MATCH_YES)
            return r->state == INF_READ_HEADER ? in_header(r, (enum part)i, n)
                                               : close_message(r, (enum part)i, n);
        best = one == INF_MATCH_MORE ? one : best;
    }
    *moved = best != INF_MATCH_MORE;
    return *moved ? content(r) : INFER_OK;
}
