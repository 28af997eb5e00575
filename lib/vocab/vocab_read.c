/* Reading the tokens of a vocabulary: what each stands for, and the tables that find them. */
#include "lib/vocab/vocab_data.h"

#include <stdarg.h>
#include <stdio.h>

#define PROBES_MAX 1024  /* a table that needs more was made to be slow */
#define SPECIAL_MAX 1024 /* bytes of a token that is looked for in the raw text */

void inf_vocab_warn(const struct inf_vocab_source *source, const char *format, ...)
{
    if (!source->warn)
        return;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    source->warn(source->warn_ud, text);
}

static void *take(struct inf_vocab *v, size_t count, size_t size, infer_error *err)
{
    void *ptr = inf_alloc_zero(&v->a, count, size);
    if (ptr)
        v->bytes += count * size;
    else
        inf_fail_memory(err, "the vocabulary", count * size);
    return ptr;
}

/* The value of "<0xHH>", -1 where it is not exactly that. */
static int byte_value(struct inf_bytes text)
{
    if (text.len != 6 || memcmp(text.ptr, "<0x", 3) || text.ptr[5] != '>')
        return -1;
    if (text.ptr[3] >= 'a' || text.ptr[4] >= 'a')
        return -1;
    unsigned high = inf_hex_digit(text.ptr[3]), low = inf_hex_digit(text.ptr[4]);
    return high == 16 || low == 16 ? -1 : (int)(high * 16 + low);
}

/* Whether "<0xHH>" stands for a byte. */
static bool spells_bytes(const struct inf_vocab *v)
{
    return !v->byte_level && v->model != INF_VOCAB_LONGEST && v->model != INF_VOCAB_WORDPIECE;
}

static uint8_t kind_of(const struct inf_vocab *v, const struct inf_vocab_source *source,
                       uint32_t id, struct inf_bytes text)
{
    bool byte = spells_bytes(v) && byte_value(text) >= 0;
    int32_t type = source->type ? source->type(source->ud, id)
                   : byte       ? INF_TOKEN_BYTE
                                : INF_TOKEN_NORMAL;
    switch (type) {
    case INF_TOKEN_NORMAL: /* files of BPE do not tell bytes apart */
        return byte && v->model == INF_VOCAB_BPE ? INF_TOKEN_BYTE : INF_TOKEN_NORMAL;
    case INF_TOKEN_UNKNOWN:
    case INF_TOKEN_CONTROL:
    case INF_TOKEN_USER:
        return (uint8_t)type;
    case INF_TOKEN_BYTE:
        if (!spells_bytes(v))
            return INF_TOKEN_NORMAL;
        return byte ? INF_TOKEN_BYTE : INF_TOKEN_UNUSED;
    default:
        return INF_TOKEN_UNUSED;
    }
}

static bool holds_non_ascii(struct inf_bytes text)
{
    size_t i = 0;
    while (i < text.len && (unsigned char)text.ptr[i] < 0x80)
        i++;
    return i < text.len;
}

/* Whether the text of an ordinary token is not always the bytes that it stands for. */
static bool is_decoded(const struct inf_vocab *v, struct inf_bytes text)
{
    if (v->model == INF_VOCAB_WORDPIECE)
        return true;
    if (v->model == INF_VOCAB_LONGEST)
        return text.len && memchr(text.ptr, '\\', text.len);
    return (v->byte_level || v->blanks) && holds_non_ascii(text);
}

/* Texts as they stand in the file, kinds, and the bytes that decoded ones may take. */
infer_status inf_vocab_read_tokens(struct inf_vocab *v, const struct inf_vocab_source *source,
                                   size_t *decoded_bytes, infer_error *err)
{
    *decoded_bytes = 0;
    v->tokens = take(v, v->count, sizeof *v->tokens, err);
    if (!v->tokens)
        return INFER_E_MEMORY;
    for (uint32_t id = 0; id < v->count; id++) {
        struct inf_bytes text = source->token(source->ud, id);
        if (text.len > INF_MAX_TOKEN_TEXT)
            return inf_fail(err, INFER_E_LIMIT,
                            "tokenizer.ggml.tokens[%u] is %zu bytes, at most %u", id, text.len,
                            INF_MAX_TOKEN_TEXT);
        v->tokens[id] = (struct inf_vocab_token){
            .text = text.ptr, .len = (uint32_t)text.len, .kind = kind_of(v, source, id, text)};
        if (is_decoded(v, text))
            *decoded_bytes += text.len + 1;
        v->phantom |= v->tokens[id].kind == INF_TOKEN_NORMAL && text.len > 3 &&
                      !memcmp(text.ptr, INF_BLANK, 3);
    }
    return INFER_OK;
}

size_t inf_decode_blanks(const char *text, size_t len, char *out)
{
    size_t count = 0;
    for (size_t i = 0; i < len;) {
        bool blank = len - i >= 3 && !memcmp(text + i, INF_BLANK, 3);
        out[count++] = blank ? ' ' : text[i];
        i += blank ? 3 : 1;
    }
    return count;
}

/* What Python writes for bytes: \\t \\n \\r \\xHH, and a sign behind a backslash for itself. */
static size_t decode_escapes(const char *text, size_t len, char *out)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        static const char names[] = "tnr", signs[] = "\t\n\r";
        char c = text[i];
        if (c == '\\' && i + 1 < len) {
            c = text[++i];
            const char *name = c ? strchr(names, c) : NULL;
            if (name) {
                c = signs[name - names];
            } else if (c == 'x' && i + 2 < len) {
                unsigned high = inf_hex_digit(text[i + 1]), low = inf_hex_digit(text[i + 2]);
                if (high < 16 && low < 16) {
                    c = (char)(high * 16 + low);
                    i += 2;
                }
            }
        }
        out[count++] = c;
    }
    return count;
}

/* WordPiece: what begins a word gets a blank. In files "##" stands before what does not, or U+2581
 * before what does. */
static size_t decode_word_piece(const struct inf_vocab *v, const char *text, size_t len, char *out)
{
    size_t mark = v->phantom ? 3 : 2, count = 0;
    bool marked = len > mark && !memcmp(text, v->phantom ? INF_BLANK : "##", mark);
    if (marked == v->phantom)
        out[count++] = ' ';
    if (marked) {
        text += mark;
        len -= mark;
    }
    memcpy(out + count, text, len);
    return count + len;
}

size_t inf_vocab_decode_text(const struct inf_vocab *v, const char *text, size_t len, char *out)
{
    if (v->model == INF_VOCAB_WORDPIECE)
        return decode_word_piece(v, text, len, out);
    if (v->model == INF_VOCAB_LONGEST)
        return decode_escapes(text, len, out);
    if (v->blanks)
        return inf_decode_blanks(text, len, out);
    memcpy(out, text, len);
    return len;
}

/* Turns the texts of ordinary tokens into the bytes they stand for. Where the characters of a
 * byte-level token are not those of the alphabet, it stands for its text and is never made. */
infer_status inf_vocab_decode_tokens(struct inf_vocab *v, size_t decoded_bytes, infer_error *err)
{
    v->decoded = take(v, decoded_bytes + 256, 1, err);
    if (!v->decoded)
        return INFER_E_MEMORY;
    char *out = v->decoded + 256; /* the first 256 are the bytes themselves */
    for (int i = 0; i < 256; i++) {
        v->decoded[i] = (char)i;
        v->byte_ids[i] = -1;
    }
    for (uint32_t id = 0; id < v->count; id++) {
        struct inf_vocab_token *token = &v->tokens[id];
        struct inf_bytes text = {token->text, token->len};
        if (token->kind == INF_TOKEN_BYTE) {
            int value = byte_value(text);
            if (v->byte_ids[value] < 0)
                v->byte_ids[value] = (infer_token)id;
            token->text = v->decoded + value;
            token->len = 1;
        } else if (token->kind != INF_TOKEN_NORMAL && token->kind != INF_TOKEN_UNUSED) {
            continue;
        } else if (!is_decoded(v, text)) {
            if (v->byte_level && token->kind == INF_TOKEN_NORMAL) {
                for (size_t i = 0; i < text.len; i++)
                    if (text.ptr[i] <= ' ' || text.ptr[i] == 127)
                        token->kind = INF_TOKEN_UNUSED;
            }
        } else {
            size_t len = v->byte_level ? inf_byte_level_decode(text.ptr, text.len, out)
                                       : inf_vocab_decode_text(v, text.ptr, text.len, out);
            if (len == SIZE_MAX) {
                token->kind = INF_TOKEN_UNUSED;
                continue;
            }
            token->text = out;
            token->len = (uint32_t)len;
            out += len;
        }
    }
    return INFER_OK;
}

/* The lowest id of a text counts. */
static bool add_text(struct inf_vocab *v, uint32_t id, uint64_t hash)
{
    const struct inf_vocab_token *token = &v->tokens[id];
    size_t i = inf_hash_slot(hash, v->text_slots);
    for (int probes = 0; probes < PROBES_MAX; probes++) {
        struct inf_text_slot *slot = &v->texts[i];
        if (slot->id == INF_NO_RANK) {
            *slot = (struct inf_text_slot){.hash = (uint32_t)hash, .id = id};
            return true;
        }
        if (slot->hash == (uint32_t)hash) {
            const struct inf_vocab_token *other = &v->tokens[slot->id];
            if (other->len == token->len && !memcmp(other->text, token->text, token->len)) {
                v->has_duplicates = true;
                return true;
            }
        }
        i = i + 1 == v->text_slots ? 0 : i + 1;
    }
    return false;
}

infer_status inf_vocab_index_texts(struct inf_vocab *v, infer_error *err)
{
    v->text_slots = (size_t)v->count + v->count / 2 + 16;
    v->texts = take(v, v->text_slots, sizeof *v->texts, err);
    if (!v->texts)
        return INFER_E_MEMORY;
    memset(v->texts, 0xff, v->text_slots * sizeof *v->texts);
    /* ordinary tokens first, so that they come before user-defined ones of the same text */
    static const uint8_t kinds[] = {INF_TOKEN_NORMAL, INF_TOKEN_USER};
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t id = 0; id < v->count; id++) {
            const struct inf_vocab_token *token = &v->tokens[id];
            if (token->kind != kinds[pass] || !token->len ||
                (token->kind == INF_TOKEN_USER && token->len > SPECIAL_MAX))
                continue;
            if (token->len > v->text_len_max)
                v->text_len_max = token->len;
            if (!add_text(v, id, inf_hash_text(token->text, token->len)))
                return inf_fail(err, INFER_E_FORMAT,
                                "tokenizer.ggml.tokens[%u] needs more than %d probes of a table",
                                id, PROBES_MAX);
            for (uint32_t i = 1; !v->byte_level && i < token->len; i++)
                inf_pair_bit_set(v->adjacent, (unsigned char)token->text[i - 1],
                                 (unsigned char)token->text[i]);
        }
    }
    return INFER_OK;
}

static bool is_special(const struct inf_vocab *v, uint32_t id)
{
    const struct inf_vocab_token *token = &v->tokens[id];
    return token->len && token->len <= SPECIAL_MAX &&
           (token->kind == INF_TOKEN_CONTROL || token->kind == INF_TOKEN_USER ||
            token->kind == INF_TOKEN_UNKNOWN);
}

/* Where U+2581 stands for a blank, the two are one in raw text, so the specials are looked for in that form. */
infer_status inf_vocab_collect_specials(struct inf_vocab *v, const struct inf_vocab_source *source,
                                        infer_error *err)
{
    size_t copied = 0;
    uint32_t count = 0, too_long = 0;
    for (uint32_t id = 0; id < v->count; id++) {
        const struct inf_vocab_token *token = &v->tokens[id];
        if (is_special(v, id)) {
            count++;
            if (v->blanks && holds_non_ascii((struct inf_bytes){token->text, token->len}))
                copied += token->len;
        } else if (token->len > SPECIAL_MAX && token->kind != INF_TOKEN_NORMAL &&
                   token->kind != INF_TOKEN_UNUSED) {
            too_long++;
        }
    }
    if (too_long)
        inf_vocab_warn(source,
                       "%u special tokens are longer than %d bytes and not looked for in text",
                       too_long, SPECIAL_MAX);
    v->specials = take(v, count, sizeof *v->specials, err);
    v->special_text = take(v, copied, 1, err);
    if (!v->specials || !v->special_text)
        return INFER_E_MEMORY;
    char *out = v->special_text;
    for (uint32_t id = 0; id < v->count; id++) {
        const struct inf_vocab_token *token = &v->tokens[id];
        if (!is_special(v, id))
            continue;
        struct inf_vocab_special *special = &v->specials[v->special_count++];
        *special = (struct inf_vocab_special){.text = token->text, .len = token->len, .id = id};
        if (v->blanks && holds_non_ascii((struct inf_bytes){token->text, token->len})) {
            special->text = out;
            special->len = (uint32_t)inf_decode_blanks(token->text, token->len, out);
            out += special->len;
        }
    }
    inf_specials_prepare(v);
    return INFER_OK;
}

static infer_status need_scores(const struct inf_vocab_source *source, infer_error *err)
{
    if (source->score)
        return INFER_OK;
    return inf_fail(err, INFER_E_FORMAT,
                    "tokenizer.ggml.scores is missing; the tokenizer '%.*s' needs it",
                    (int)inf_min_size(source->model.len, 64), source->model.ptr);
}

/* Scores as they are; one that is no number is an error in unigram, where sums need it, and makes
 * its token one that is never made in plamo2. */
infer_status inf_vocab_read_scores(struct inf_vocab *v, const struct inf_vocab_source *source,
                                   infer_error *err)
{
    infer_status status = need_scores(source, err);
    if (status)
        return status;
    v->scores = take(v, v->count, sizeof *v->scores, err);
    if (!v->scores)
        return INFER_E_MEMORY;
    float least = 0;
    for (uint32_t id = 0; id < v->count; id++) {
        float score = source->score(source->ud, id);
        bool normal = v->tokens[id].kind == INF_TOKEN_NORMAL;
        if (!(score - score == 0)) {
            if (normal && v->model == INF_VOCAB_UNIGRAM)
                return inf_fail(err, INFER_E_FORMAT, "tokenizer.ggml.scores[%u] is no number", id);
            score = __builtin_nanf("");
        }
        v->scores[id] = score;
        if (normal && score < least)
            least = score;
    }
    v->unknown_score = least - 10; /* SentencePiece's penalty */
    return INFER_OK;
}

/* Scores as ranks: the higher the score, the lower the rank; NaN is the lowest score. */
infer_status inf_vocab_read_ranks(struct inf_vocab *v, const struct inf_vocab_source *source,
                                  infer_error *err)
{
    infer_status status = need_scores(source, err);
    if (status)
        return status;
    v->ranks = take(v, v->count, sizeof *v->ranks, err);
    if (!v->ranks)
        return INFER_E_MEMORY;
    for (uint32_t id = 0; id < v->count; id++) {
        float score = source->score(source->ud, id);
        if (score != score)
            score = -__builtin_inff();
        score += 0.0f; /* -0 becomes 0 */
        uint32_t bits;
        memcpy(&bits, &score, sizeof bits);
        v->ranks[id] = bits >> 31 ? bits : ~bits & 0x7fffffff;
    }
    return INFER_OK;
}
