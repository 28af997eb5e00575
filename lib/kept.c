/*
 * What a session keeps of a conversation from turn to turn. A prompt is parts by turns: what templates and
 * people wrote, which is tokenised, and what the model made, whose ids stay. Each part is tokenised as a
 * text of its own, so it is the same ids in every turn as long as its bytes are the same.
 */
#include "lib/converse.h"

#include <stdio.h>
#include <string.h>

void inf_session_cut_made(struct infer_session *session, uint32_t count)
{
    while (session->made_count && session->made[session->made_count - 1].start >= count)
        session->made_count--;
    struct inf_made *last = session->made_count ? &session->made[session->made_count - 1] : NULL;
    if (last && last->end > count)
        last->end = count;
}

void inf_kept_free(const struct infer_session *session, struct inf_kept *kept)
{
    inf_release(&session->a, kept->ids);
    *kept = (struct inf_kept){0};
}

static infer_status reserve(const struct infer_session *session, struct inf_kept *kept, size_t more,
                            infer_error *err)
{
    void *ids = kept->ids;
    size_t count;
    if (!inf_add_size(kept->count, more, &count) ||
        !inf_grow(&session->a, &ids, &kept->capacity, count, sizeof *kept->ids))
        return inf_fail_memory(err, "the prompt's tokens", more * sizeof *kept->ids);
    kept->ids = ids;
    return INFER_OK;
}

/* Appends the ids of the bytes from ... to. */
static infer_status encode(const struct infer_session *session, struct inf_spanned *spanned,
                           struct inf_kept *kept, size_t from, size_t to, infer_error *err)
{
    infer_token before = kept->count ? kept->ids[kept->count - 1] : -1;
    size_t count = (to - from) / 3 + 16;
    infer_status status = INFER_E_RANGE;
    for (int look = 0; look < 2 && status == INFER_E_RANGE; look++)
        if (!(status = reserve(session, kept, count, err)))
            status = inf_spanned_encode(spanned, from, to, before, kept->ids + kept->count,
                                        kept->capacity - kept->count, &count, err);
    if (!status)
        kept->count += count;
    return status;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Whether a cut at `at` goes through a character or a word. */
static bool cuts(struct inf_bytes text, size_t at)
{
    if (!at || at >= text.len)
        return false;
    return ((unsigned char)text.ptr[at] & 0xc0) == 0x80 ||
           (is_word(text.ptr[at - 1]) && is_word(text.ptr[at]));
}

static size_t token_len(const struct infer_session *session, infer_token id)
{
    size_t len = 0;
    infer_token_bytes(session->plan->model, id, NULL, 0, &len, NULL);
    return len;
}

/* One part that was tokenised and the made one behind it; *more: all of it is the same. */
static infer_status follow(const struct infer_session *session, struct inf_spanned *spanned,
                           const struct inf_made *made, struct inf_kept *kept, bool *more,
                           infer_error *err)
{
    struct inf_bytes text = inf_spanned_text(spanned);
    const infer_token *held = session->tokens;
    size_t count = made->end - made->start, end, same;
    *more = false;
    if (made->byte < kept->byte || made->byte > text.len || made->start < kept->fixed)
        return INFER_OK;
    infer_status status = encode(session, spanned, kept, kept->byte, made->byte, err);
    bool known = !status && kept->count == made->start &&
                 !memcmp(kept->ids + kept->fixed, held + kept->fixed,
                         (kept->count - kept->fixed) * sizeof *held);
    kept->count = kept->fixed;
    if (!known)
        return status;
    same = inf_spanned_same(spanned, kept->byte, made->byte, held + made->start, count, &end);
    *more = same == count;
    while (!*more && same && cuts(text, end))
        end -= token_len(session, held[made->start + --same]);
    if (!same || (status = reserve(session, kept, made->start + same - kept->count, err)))
        return status;
    kept->count = made->start + same;
    memcpy(kept->ids + kept->fixed, held + kept->fixed, (kept->count - kept->fixed) * sizeof *held);
    kept->fixed = kept->count;
    kept->byte = end;
    return INFER_OK;
}

infer_status inf_kept_find(const struct infer_session *session, struct inf_spanned *spanned,
                           struct inf_kept *kept, infer_error *err)
{
    infer_status status = INFER_OK;
    bool more = true;
    for (size_t i = 0; i < session->made_count && more && !status; i++)
        status = follow(session, spanned, &session->made[i], kept, &more, err);
    if (!status)
        status = encode(session, spanned, kept, kept->byte, inf_spanned_text(spanned).len, err);
    if (status)
        return status;
    kept->kept = kept->fixed;
    while (kept->kept < kept->count && kept->kept < session->count &&
           kept->ids[kept->kept] == session->tokens[kept->kept])
        kept->kept++;
    return INFER_OK;
}

infer_status inf_kept_until(const struct infer_session *session, struct inf_spanned *spanned,
                            const struct inf_kept *kept, size_t end, size_t *count,
                            infer_error *err)
{
    struct inf_kept part = {0};
    size_t same = kept->fixed;
    *count = 0;
    if (end <= kept->byte)
        return INFER_OK;
    infer_status status = reserve(session, &part, kept->count, err);
    if (!status) {
        part.count = kept->fixed;
        memcpy(part.ids, kept->ids, part.count * sizeof *part.ids);
        status = encode(session, spanned, &part, kept->byte, end, err);
    }
    while (!status && same < part.count && same < kept->count && part.ids[same] == kept->ids[same])
        same++;
    inf_kept_free(session, &part);
    *count = status ? 0 : same;
    return status;
}

/* ---- Why no more is kept ----------------------------------------------------------------------- */

#define SHOWN 32 /* bytes of each text */

/* The message of which a byte of the text is: the one behind the last whose content ends before it. */
static size_t message_at(struct inf_bytes text, const struct inf_json *messages, size_t byte)
{
    size_t from = 0, at = 0;
    for (size_t i = 0; i < messages->count; i++) {
        const struct inf_json *message = &messages->as.items[i], *content = NULL;
        if (message->kind == INF_JSON_OBJECT)
            content = inf_json_get(message, "content");
        if (!content || content->kind != INF_JSON_STRING || !content->as.text.len)
            continue;
        const char *found =
            memmem(text.ptr + from, text.len - from, content->as.text.ptr, content->as.text.len);
        if (!found)
            continue;
        from = (size_t)(found - text.ptr) + content->as.text.len;
        if (from >= byte)
            break;
        at = i + 1;
    }
    return inf_min_size(at, messages->count ? messages->count - 1 : 0);
}

/* How much of the text at a byte a token stands for, nearly: the blank that is put before a text is not
 * in it, nor is a bos that the template does not write. */
static size_t text_len(const struct infer_session *session, infer_token id, struct inf_bytes text,
                       size_t byte)
{
    char bytes[SHOWN];
    size_t len = 0, left = text.len - byte;
    if (infer_token_bytes(session->plan->model, id, bytes, SHOWN, &len, NULL) ||
        (len <= left && !memcmp(text.ptr + byte, bytes, len)))
        return inf_min_size(len, left);
    if (len && *bytes == ' ' && len - 1 <= left && !memcmp(text.ptr + byte, bytes + 1, len - 1))
        return len - 1;
    return byte ? inf_min_size(len, left) : 0;
}

/* The bytes of some tokens, as many as are shown. */
static size_t show(const struct infer_session *session, const infer_token *ids, size_t count,
                   char out[SHOWN])
{
    size_t len = 0, one;
    for (size_t i = 0; i < count && len < SHOWN; i++, len += one)
        if (infer_token_bytes(session->plan->model, ids[i], out + len, SHOWN - len, &one, NULL))
            break;
    return len;
}

void inf_kept_why(const struct infer_session *session, struct inf_bytes text,
                  const struct inf_kept *kept, const struct inf_json *messages,
                  infer_token thought_begin, char *why, size_t capacity)
{
    const infer_token *held = session->tokens + kept->kept;
    char old[SHOWN], new[SHOWN];
    infer_error said;
    size_t byte = kept->byte, left = session->count - kept->kept;
    *why = '\0';
    if (!left)
        return;
    for (size_t i = kept->fixed; i < kept->kept; i++)
        byte += text_len(session, kept->ids[i], text, byte);
    int old_len = (int)show(session, held, left, old);
    int new_len = (int)show(session, kept->ids + kept->kept, kept->count - kept->kept, new);
    if (kept->kept == kept->count)
        inf_set_error(&said, INFER_OK, "byte %zu: the prompt ends where \"%.*s\" was", byte,
                      old_len, old);
    else
        inf_set_error(&said, INFER_OK,
                      "messages[%zu], byte %zu: %s\"%.*s\" was there, now \"%.*s\"",
                      message_at(text, messages, byte), byte,
                      *held == thought_begin ? "the template leaves its thought out: " : "",
                      old_len, old, new_len, new);
    snprintf(why, capacity, "%s", said.text);
    size_t len = strlen(why);
    why[inf_utf8_check(why, len)] = '\0';
}
