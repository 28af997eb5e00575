/*
 * WordPiece, by the rules of BERT's BasicTokenizer: controls go, accents and capitals where the file
 * says so, each CJK ideograph and each sign is a word of its own. A word is cut into the longest
 * tokens from its start, and is unknown as a whole where that fails.
 */
#include "lib/vocab/unicode.h"
#include "lib/vocab/vocab_data.h"

#define WORD_MAX 100 /* characters: a longer word is unknown */

/* The ranges that BERT's tokenizers set apart. The fast ones, by which models are made now, begin
 * the sixth at 2B920 where Unicode's extension E begins at 2B820. */
static bool is_ideograph(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},   {0x20000, 0x2a6df},
        {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0x2f800, 0x2fa1f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && code >= ranges[i][0]; i++)
        if (code <= ranges[i][1])
            return true;
    return false;
}

enum shape { LETTER, BLANK, SIGN, CONTROL };

static enum shape shape_of(uint32_t code)
{
    unsigned class = inf_unicode_class(code);
    if (code == '\t' || code == '\n' || code == '\r')
        return BLANK;
    if (code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0xfffd || !class)
        return CONTROL;
    if (class & INF_SPACE)
        return BLANK;
    if (class & INF_PUNCT || (code < 0x80 && class & INF_SYMBOL) || is_ideograph(code))
        return SIGN;
    return LETTER;
}

infer_status inf_wordpiece_word(struct inf_job *job, const char *text, size_t len, infer_token *ids,
                                size_t *count)
{
    const struct inf_vocab *v = job->v;
    const struct inf_pair_slot *start = inf_vocab_pair(v, 0, INF_WORD_START);
    size_t chars = 0, made = 0;
    for (size_t i = 0; i < len; i++)
        chars += ((unsigned char)text[i] & 0xc0) != 0x80;
    bool fails = chars > WORD_MAX || !start;
    for (size_t at = 0; at < len && !fails;) {
        uint32_t node = at ? 0 : start->rank, id = INF_NO_RANK;
        size_t end = at, step;
        for (size_t p = at; p < len; p += step) {
            const struct inf_pair_slot *slot =
                inf_vocab_pair(v, node, inf_symbol(v, text + p, len - p, &step));
            if (!slot)
                break;
            node = slot->rank;
            if (slot->id != INF_NO_RANK) {
                id = slot->id;
                end = p + step;
            }
        }
        fails = id == INF_NO_RANK;
        ids[made++] = (infer_token)id;
        at = end;
    }
    if (fails) {
        if (v->unk < 0)
            return inf_fail(job->err, INFER_E_FORMAT,
                            "the vocabulary has no token for the word '%.*s', nor one for unknown "
                            "text",
                            (int)inf_min_size(len, 64), text);
        ids[0] = v->unk;
        made = 1;
    }
    *count = made;
    return INFER_OK;
}

/* A word of more bytes than those of WORD_MAX characters is unknown; the others are short. */
static infer_status put_word(struct inf_job *job, const char *text, size_t len)
{
    infer_token ids[4 * WORD_MAX];
    size_t count;
    if (len <= INF_PIECE_SHORT)
        return inf_encode_piece(job, text, len);
    infer_status status =
        inf_wordpiece_word(job, text, inf_min_size(len, 4 * WORD_MAX + 1), ids, &count);
    for (size_t i = 0; i < count && !status; i++)
        inf_job_push(job, ids[i]);
    return status;
}

infer_status inf_wordpiece_encode(struct inf_job *job, const char *text, size_t len)
{
    const struct inf_vocab *v = job->v;
    struct inf_text *word = &job->normal;
    infer_status status = INFER_OK;
    if (v->strip_accents && !inf_text_is_ascii(text, len)) {
        job->decomposed.len = 0;
        inf_nfd_append(&job->decomposed, text, len);
        if (job->decomposed.failed)
            return inf_fail_memory(job->err, "the text decomposed", len);
        text = job->decomposed.ptr;
        len = job->decomposed.len;
    }
    word->len = 0;
    for (size_t at = 0, step; at < len && !status; at += step) {
        uint32_t code = (unsigned char)text[at];
        step = 1;
        if (code >= 0x80 && !(step = inf_utf8_decode(text + at, len - at, &code))) {
            step = 1;
            continue;
        }
        enum shape shape = shape_of(code);
        if (shape == CONTROL || (code >= 0x80 && v->strip_accents && inf_unicode_is_accent(code)))
            continue;
        if (shape != LETTER && word->len) {
            status = put_word(job, word->ptr, word->len);
            word->len = 0;
        }
        if (shape == SIGN && !status)
            status = put_word(job, text + at, step);
        else if (shape == LETTER)
            inf_unicode_append_lower(word, text + at, step, code, v->lower);
    }
    if (word->failed)
        return inf_fail_memory(job->err, "a word", len);
    return word->len && !status ? put_word(job, word->ptr, word->len) : status;
}
