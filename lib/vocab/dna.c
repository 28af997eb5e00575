/*
 * hybriddna, the tokenizer of the Carbon models: text is byte-level BPE; between <dna> and </dna>
 * six bases at a time are a token, whatever their case, and the last ones are filled up with A. Six
 * characters that hold another one are <oov>. The rule is that of the models' own tokenizer, which
 * strips blanks behind <dna> and before </dna> and takes text before a </dna> that nothing opened
 * for bases as well. (It makes capitals first; a character whose capital is two counts once here.)
 *
 * In the file the tokens of bases stand behind <oov>, U+E000 behind each, so that "CCCCCC" is not the
 * ordinary token of that text too.
 */
#include "lib/vocab/unicode.h"
#include "lib/vocab/vocab_data.h"

#define K 6
#define KMERS (1u << 2 * K)
#define MARKER "\xee\x80\x80" /* U+E000 */

/* Adds a base to the number of a token; false where it is none. */
static bool add_base(uint32_t *kmer, uint32_t code)
{
    static const char bases[] = "ACGT";
    const char *base = code && code < 0x80 ? strchr(bases, (char)(code & ~0x20u)) : NULL;
    if (base && *base)
        *kmer = *kmer << 2 | (uint32_t)(base - bases);
    return base && *base;
}

static bool is_kmer(const struct inf_vocab_token *token, uint32_t *kmer)
{
    *kmer = 0;
    if (token->len != K + 3 || memcmp(token->text + K, MARKER, 3) != 0)
        return false;
    for (int i = 0; i < K; i++)
        if (token->text[i] >= 'a' || !add_base(kmer, (unsigned char)token->text[i]))
            return false;
    return true;
}

infer_status inf_dna_load(struct inf_vocab *v, const struct inf_vocab_source *source,
                          infer_error *err)
{
    infer_token begin = inf_vocab_find(v, "<dna>", 5), end = inf_vocab_find(v, "</dna>", 6),
                oov = inf_vocab_find(v, "<oov>", 5);
    if (begin < 0 || end < 0 || oov < 0) {
        inf_vocab_warn(source, "the vocabulary lacks <dna>, </dna> or <oov>: all text is BPE");
        return INFER_OK;
    }
    v->kmers = inf_alloc(&v->a, KMERS * sizeof *v->kmers);
    if (!v->kmers)
        return inf_fail_memory(err, "the vocabulary", KMERS * sizeof *v->kmers);
    v->bytes += KMERS * sizeof *v->kmers;
    v->dna_begin = begin;
    v->dna_end = end;
    v->dna_oov = oov;
    for (int i = 0; i < 2; i++) { /* looked for in the raw text, where the file says nothing else */
        struct inf_vocab_token *tag = &v->tokens[i ? end : begin];
        if (tag->kind == INF_TOKEN_NORMAL)
            tag->kind = INF_TOKEN_USER;
    }
    for (uint32_t i = 0; i < KMERS; i++)
        v->kmers[i] = oov;
    for (uint32_t id = v->count; --id > (uint32_t)oov;) { /* the lowest id of a text counts */
        struct inf_vocab_token *token = &v->tokens[id];
        uint32_t kmer;
        if (token->kind != INF_TOKEN_UNUSED || !is_kmer(token, &kmer))
            continue;
        token->len = K;
        token->kind = INF_TOKEN_NORMAL;
        v->kmers[kmer] = (infer_token)id;
    }
    return INFER_OK;
}

/* A character, and its bytes: one byte where the text is not UTF-8. */
static uint32_t next_character(const char *text, size_t len, size_t *step)
{
    uint32_t code;
    *step = inf_utf8_decode(text, len, &code);
    if (*step)
        return code;
    *step = 1;
    return UINT32_MAX;
}

/* What Python's strip() takes off. */
static bool is_blank(uint32_t code)
{
    return code < 0x110000 &&
           ((code >= 0x1c && code <= 0x1f) || inf_unicode_class(code) & INF_SPACE);
}

void inf_dna_encode(struct inf_job *job, const char *text, size_t len)
{
    size_t start = len, end = 0, step;
    for (size_t at = 0; at < len; at += step) {
        if (is_blank(next_character(text + at, len - at, &step)))
            continue;
        start = inf_min_size(start, at);
        end = at + step;
    }
    uint32_t kmer = 0;
    int count = 0;
    bool sound = true;
    for (size_t at = start; at < end; at += step) {
        sound &= add_base(&kmer, next_character(text + at, end - at, &step));
        if (++count == K) {
            inf_job_push(job, sound ? job->v->kmers[kmer] : job->v->dna_oov);
            kmer = 0;
            count = 0;
            sound = true;
        }
    }
    if (count) /* A is 0 */
        inf_job_push(job, sound ? job->v->kmers[kmer << 2 * (K - count)] : job->v->dna_oov);
}
