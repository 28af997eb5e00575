/*
 * Text to ids: special tokens are found in the raw text; each stretch between them is normalised,
 * split and merged by itself.
 */
#include "lib/vocab/vocab_data.h"
#include "lib/vocab/unicode.h"

static infer_status no_memory(struct inf_job *job, size_t bytes)
{
    return inf_fail_memory(job->err, "a copy of the text", bytes);
}

static infer_status encode_bpe(struct inf_job *job, const char *text, size_t len)
{
    if (job->v->rule->flags & INF_SPLIT_NFC && !inf_nfc_is_plain(text, len)) {
        job->normal.len = 0;
        inf_nfc_append(&job->normal, text, len);
        if (job->normal.failed)
            return no_memory(job, len);
        text = job->normal.ptr;
        len = job->normal.len;
    }
    struct inf_split split;
    inf_split_start(&split, job->v->rule, text, len);
    for (size_t piece; (piece = inf_split_next(&split));) {
        infer_status status = inf_encode_piece(job, text + split.at - piece, piece);
        if (status)
            return status;
    }
    return INFER_OK;
}

/* Where no token can cross: before a character whose first byte stands in no token behind the byte
 * before it. Cutting there changes no id and makes pieces that are worth remembering. */
static size_t next_cut(const struct inf_vocab *v, const char *text, size_t at, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    for (at++; at < len; at++)
        if ((s[at] & 0xc0) != 0x80 && !inf_pair_bit(v->adjacent, s[at - 1], s[at]))
            break;
    return at;
}

static infer_status encode_normal(struct inf_job *job, const char *text, size_t len)
{
    infer_status status = INFER_OK;
    for (size_t at = 0, next; at < len && !status; at = next) {
        next = next_cut(job->v, text, at, len);
        status = inf_encode_piece(job, text + at, next - at);
    }
    return status;
}

/* The same with the blank that goes before the text. */
static infer_status encode_cuts(struct inf_job *job, const char *text, size_t len)
{
    if (!job->v->prefix || job->goes_on)
        return encode_normal(job, text, len);
    size_t next = next_cut(job->v, text, 0, len);
    job->normal.len = 0;
    inf_text_append(&job->normal, " ", 1);
    inf_text_append(&job->normal, text, next);
    if (job->normal.failed)
        return no_memory(job, next + 1);
    infer_status status = inf_encode_piece(job, job->normal.ptr, next + 1);
    return status ? status : encode_normal(job, text + next, len - next);
}

/* Raw BPE with a pre-tokenizer: blanks between the pieces are dropped. */
static infer_status encode_pieces(struct inf_job *job, const char *text, size_t len)
{
    struct inf_split split;
    infer_status status = INFER_OK;
    if (job->v->lower) {
        job->normal.len = 0;
        for (size_t at = 0, step; at < len; at += step) {
            uint32_t code;
            step = inf_utf8_decode(text + at, len - at, &code);
            inf_unicode_append_lower(&job->normal, text + at, step ? step : 1, code, step);
            step = step ? step : 1;
        }
        if (job->normal.failed)
            return no_memory(job, len);
        text = job->normal.ptr;
        len = job->normal.len;
    }
    inf_split_start(&split, job->v->rule, text, len);
    for (size_t piece; !status && (piece = inf_split_next(&split));) {
        const char *start = text + split.at - piece;
        uint32_t code = 0;
        if (inf_utf8_decode(start, piece, &code) && inf_unicode_class(code) & INF_SPACE)
            continue;
        job->last = -1; /* unknown text is one token within a word alone */
        status = inf_encode_piece(job, start, piece);
    }
    return status;
}

static infer_status encode_stretch(struct inf_job *job, const char *text, size_t len)
{
    const struct inf_vocab *v = job->v;
    switch (v->model) {
    case INF_VOCAB_SPM:
    case INF_VOCAB_LONGEST:
        return encode_cuts(job, text, len);
    case INF_VOCAB_BPE:
        return v->byte_level        ? encode_bpe(job, text, len)
               : v->rule->stages[0] ? encode_pieces(job, text, len)
                                    : encode_cuts(job, text, len);
    case INF_VOCAB_UNIGRAM: {
        infer_status status = inf_charsmap_apply(job, text, len);
        return status ? status : encode_normal(job, job->normal.ptr, job->normal.len);
    }
    case INF_VOCAB_PLAMO: {
        bool mark = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3); /* of the byte order */
        return encode_normal(job, text + (mark ? 3 : 0), len - (mark ? 3 : 0));
    }
    case INF_VOCAB_WORDPIECE:
        return inf_wordpiece_encode(job, text, len);
    }
    return INFER_OK;
}

/* Ordinary text and special tokens from `at` on. */
static infer_status encode_text(struct inf_job *job, struct inf_raw *raw, size_t at)
{
    while (at < raw->len) {
        const struct inf_vocab_special *special = NULL;
        const char *text = raw->text + at;
        size_t end = raw->len;
        inf_specials_next(job->v, raw, at, &end, &special);
        job->last = -1;
        if (end > at) {
            infer_status status = encode_stretch(job, text, end - at);
            if (status)
                return status;
        }
        if (!special)
            break;
        inf_job_push(job, (infer_token)special->id);
        job->goes_on = false;
        at = end + special->len;
    }
    return INFER_OK;
}

/* The next <dna> or </dna>, inside of them the </dna> alone; NULL: none. */
static const struct inf_vocab_special *next_tag(const struct inf_vocab *v, struct inf_raw *raw,
                                                bool inside, size_t *at)
{
    const struct inf_vocab_special *special;
    for (; inf_specials_next(v, raw, *at, at, &special); *at += special->len)
        if ((infer_token)special->id == v->dna_end ||
            (!inside && (infer_token)special->id == v->dna_begin))
            return special;
    return NULL;
}

/* hybriddna: text and bases in turn. What comes before a </dna> is bases, opened or not. */
static infer_status encode_hybrid(struct inf_job *job, const struct inf_raw *raw)
{
    const struct inf_vocab *v = job->v;
    struct inf_raw tags = *raw, text = *raw;
    bool inside = raw->bases;
    infer_status status = INFER_OK;
    for (size_t at = 0; at < raw->len && !status;) {
        size_t end = at;
        const struct inf_vocab_special *tag = next_tag(v, &tags, inside, &end);
        end = tag ? end : raw->len;
        if (inside || (tag && (infer_token)tag->id == v->dna_end)) {
            inf_dna_encode(job, raw->text + at, end - at);
        } else {
            text.len = end;
            status = encode_text(job, &text, at);
        }
        if (!tag)
            break;
        inf_job_push(job, (infer_token)tag->id);
        inside = (infer_token)tag->id == v->dna_begin;
        at = end + tag->len;
    }
    return status;
}

static infer_status encode_all(struct inf_job *job, struct inf_raw *raw)
{
    return job->v->kmers ? encode_hybrid(job, raw) : encode_text(job, raw, 0);
}

/* Whether the text begins with the token bos as it is. */
static bool has_bos(const struct inf_vocab *v, const struct inf_raw *raw)
{
    struct inf_raw look = *raw;
    const struct inf_vocab_special *special;
    size_t start;
    return raw->len && inf_specials_next(v, &look, 0, &start, &special) && !start &&
           (infer_token)special->id == v->bos;
}

static infer_status add_special(struct inf_job *job, bool adds, bool asks, infer_token id,
                                const char *name)
{
    if (adds && id >= 0)
        inf_job_push(job, id);
    else if (adds && asks)
        return inf_fail(job->err, INFER_E_FORMAT,
                        "tokenizer.ggml.add_%s_token asks for a token that the file does not have",
                        name);
    return INFER_OK;
}

/* WordPiece ends a text by sep where the file does not speak of eos. */
static infer_token end_id(const struct inf_vocab *v)
{
    return v->model == INF_VOCAB_WORDPIECE && (v->eos < 0 || !v->asks_eos) ? v->sep : v->eos;
}

static infer_status run(struct inf_job *job, struct inf_raw *raw, unsigned flags)
{
    const struct inf_vocab *v = job->v;
    bool eos = flags & INFER_TOKENIZE_ADD_SPECIAL, bos = eos || flags & INFER_TOKENIZE_ADD_BOS;
    bos |= flags & INF_TOKENIZE_HAVE_BOS && !has_bos(v, raw);
    infer_status status = inf_encode_begin(job, raw->len);
    if (!status && bos)
        status = add_special(job, v->add_bos, v->asks_bos, v->bos, "bos");
    if (!status)
        status = encode_all(job, raw);
    if (!status && eos)
        status = add_special(job, v->add_eos, v->asks_eos, end_id(v), "eos");
    return status;
}

infer_status inf_tokenize_raw(const struct inf_vocab *v, struct inf_raw *raw, unsigned flags,
                              infer_token *ids, size_t capacity, size_t *count, infer_error *err)
{
    /* NFC makes text at most three times as long, a prefix at most twice, and bos and eos are two
     * more: with room for all of that the ids are written in place. A normaliser has no such bound. */
    size_t bound;
    if (!inf_mul_size(raw->len, 3, &bound) || !inf_add_size(bound, 4, &bound))
        return inf_fail(err, INFER_E_ARGUMENT, "the text is %zu bytes", raw->len);
    struct inf_job job = {.v = v,
                          .ids = ids,
                          .room = capacity,
                          .err = err,
                          .normal = {.a = &v->a},
                          .decomposed = {.a = &v->a},
                          .barred = raw->barred,
                          .goes_on = raw->goes_on};
    infer_token *own = NULL;
    if (capacity && (capacity < bound || v->charsmap)) {
        size_t bytes = capacity * sizeof *own;
        own = job.ids = inf_alloc(&v->a, bytes);
        if (!own)
            return inf_fail_memory(err, "ids", bytes);
    }
    infer_status status = run(&job, raw, flags);
    inf_encode_end(&job);
    if (!status) {
        *count = job.count;
        if (job.count > capacity)
            status =
                inf_fail(err, INFER_E_RANGE, "%zu ids do not fit into %zu", job.count, capacity);
        else if (own)
            memcpy(ids, own, job.count * sizeof *own);
    }
    inf_release(&v->a, own);
    return status;
}

infer_status inf_vocab_tokenize(const struct inf_vocab *v, const char *text, size_t len,
                                unsigned flags, infer_token *ids, size_t capacity, size_t *count,
                                infer_error *err)
{
    *count = 0;
    struct inf_text copy = {.a = &v->a};
    if (v->blanks && len && memmem(text, len, INF_BLANK, 3)) {
        inf_text_append(&copy, text, len);
        if (copy.failed)
            return inf_fail_memory(err, "a copy of the text", len);
        text = copy.ptr;
        len = inf_decode_blanks(copy.ptr, len, copy.ptr);
    }
    struct inf_stretch whole = {len, !(flags & INFER_TOKENIZE_PLAIN)};
    struct inf_raw raw = {.text = text, .len = len, .stretches = &whole};
    infer_status status = inf_tokenize_raw(v, &raw, flags, ids, capacity, count, err);
    inf_text_free(&copy);
    return status;
}
