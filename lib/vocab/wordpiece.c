/*
 * WordPiece, by the rules of BERT's BasicTokenizer: controls go, accents and capitals where the file
 * says so, each CJK ideograph and each sign is a word of its own. A word is cut into the longest
 * tokens from its start, and is unknown as a whole where that fails.
 */
#include "lib/vocab/unicode.h"
#include "lib/vocab/vocab_data.h"

#define WORD_MAX 100 /* characters: a longer word is unknown */

static bool in_ranges(const uint32_t (*ranges)[2], size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (ranges[mid][1] < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < count && code >= ranges[low][0];
}
#define IN(ranges, code) in_ranges(ranges, sizeof(ranges) / sizeof *(ranges), code)

/* What the fast tokenizers, by which models are made now, set apart as ideographs: the seventh begins
 * at 2B920 where Unicode's extension E begins at 2B820. */
static const uint32_t ideographs[][2] = {
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},   {0x20000, 0x2a6df},
    {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0x2f800, 0x2fa1f},
};

/* Format characters and private ones, behind Latin-1's controls. */
static const uint32_t controls[][2] = {
    {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},
    {0x70f, 0x70f},     {0x180e, 0x180e},   {0x200b, 0x200f},   {0x202a, 0x202e},
    {0x2060, 0x2064},   {0x2066, 0x206f},   {0xe000, 0xf8ff},   {0xfeff, 0xfeff},
    {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0xffffd}, {0x100000, 0x10fffd},
};

/* Punctuation that is newer than the Unicode of the fast tokenizers, which take it for letters. */
static const uint32_t new_signs[][2] = {
    {0x61d, 0x61d},     {0x9fd, 0x9fd},     {0xa76, 0xa76},     {0xc77, 0xc77},
    {0xc84, 0xc84},     {0x1b7d, 0x1b7e},   {0x2e43, 0x2e4f},   {0x2e52, 0x2e5d},
    {0x10ead, 0x10ead}, {0x10f55, 0x10f59}, {0x10f86, 0x10f89}, {0x1144b, 0x1144f},
    {0x1145a, 0x1145b}, {0x1145d, 0x1145d}, {0x11660, 0x1166c}, {0x116b9, 0x116b9},
    {0x1183b, 0x1183b}, {0x11944, 0x11946}, {0x119e2, 0x119e2}, {0x11a3f, 0x11a46},
    {0x11a9a, 0x11a9c}, {0x11a9e, 0x11aa2}, {0x11c41, 0x11c45}, {0x11c70, 0x11c71},
    {0x11ef7, 0x11ef8}, {0x11fff, 0x11fff}, {0x12ff1, 0x12ff2}, {0x16e97, 0x16e9a},
    {0x16fe2, 0x16fe2}, {0x1e95e, 0x1e95f},
};

enum shape { LETTER, BLANK, SIGN, CONTROL };

static enum shape shape_of(uint32_t code)
{
    unsigned class = inf_unicode_class(code);
    if (code == '\t' || code == '\n' || code == '\r')
        return BLANK;
    if (code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0xfffd)
        return CONTROL;
    if (class & INF_SPACE)
        return BLANK;
    if (code < 0x80)
        return class & (INF_PUNCT | INF_SYMBOL) ? SIGN : LETTER;
    if (class & INF_PUNCT)
        return IN(new_signs, code) ? LETTER : SIGN;
    if (IN(ideographs, code) || code == 0x166d || code == 0x111c9) /* two that were P once */
        return SIGN;
    return !class && IN(controls, code) ? CONTROL : LETTER;
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
