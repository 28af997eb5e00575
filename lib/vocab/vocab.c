/* Making a vocabulary from what a file says, and small questions about it. */
#include "lib/vocab/vocab_data.h"
#include "lib/base/limits.h"

#include <stdarg.h>
#include <stdio.h>

#define PROBES_MAX 1024  /* a table that needs more was made to be slow */
#define SPECIAL_MAX 1024 /* bytes of a token that is looked for in the raw text */

/* Control tokens that end a turn by their text, whatever the file says of them. */
static const char *const end_texts[] = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<end_of_turn>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "</s>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot|>",
    "<|END_OF_TURN_TOKEN|>",
    "<EOT>",
    "_<EOT>",
    "< EOT >",
    "<|EOT|>",
    "<end_of_utterance>",
    "<｜end▁of▁sentence｜>",
    "<|end_of_turn|>",
    "<eos>",
};
#define END_TEXTS (sizeof end_texts / sizeof *end_texts)

static void warn(const struct inf_vocab_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(const struct inf_vocab_source *source, const char *format, ...)
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
    int value = 0;
    for (int i = 3; i < 5; i++) {
        char c = text.ptr[i];
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (c >= 'A' && c <= 'F')
            value = value * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return value;
}

static uint8_t kind_of(const struct inf_vocab_source *source, bool spm, uint32_t id,
                       struct inf_bytes text)
{
    bool byte = spm && byte_value(text) >= 0;
    int32_t type = source->type ? source->type(source->ud, id)
                   : byte       ? INF_TOKEN_BYTE
                                : INF_TOKEN_NORMAL;
    switch (type) {
    case INF_TOKEN_NORMAL:
    case INF_TOKEN_UNKNOWN:
    case INF_TOKEN_CONTROL:
    case INF_TOKEN_USER:
        return (uint8_t)type;
    case INF_TOKEN_BYTE:
        if (!spm)
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

/* Texts as they stand in the file, kinds, and the bytes that decoded ones may take. */
static infer_status read_tokens(struct inf_vocab *v, const struct inf_vocab_source *source,
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
        v->tokens[id] = (struct inf_vocab_token){.text = text.ptr,
                                                 .len = (uint32_t)text.len,
                                                 .kind = kind_of(source, !v->rule, id, text)};
        if (holds_non_ascii(text))
            *decoded_bytes += text.len;
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

/* Turns the texts of ordinary tokens into the bytes they stand for. Where the characters of a
 * byte-level token are not those of the alphabet, it stands for its text and is never made. */
static infer_status decode_tokens(struct inf_vocab *v, size_t decoded_bytes, infer_error *err)
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
        } else if (!holds_non_ascii(text)) {
            if (v->rule && token->kind == INF_TOKEN_NORMAL) {
                for (size_t i = 0; i < text.len; i++)
                    if (text.ptr[i] <= ' ' || text.ptr[i] == 127)
                        token->kind = INF_TOKEN_UNUSED;
            }
        } else {
            size_t len = v->rule ? inf_byte_level_decode(text.ptr, text.len, out)
                                 : inf_decode_blanks(text.ptr, text.len, out);
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

static infer_status index_texts(struct inf_vocab *v, infer_error *err)
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
            for (uint32_t i = 1; !v->rule && i < token->len; i++)
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

/* In llama's raw text "▁" and a blank are one, so the specials are looked for in that form. */
static infer_status collect_specials(struct inf_vocab *v, const struct inf_vocab_source *source,
                                     infer_error *err)
{
    size_t copied = 0;
    uint32_t count = 0, too_long = 0;
    for (uint32_t id = 0; id < v->count; id++) {
        const struct inf_vocab_token *token = &v->tokens[id];
        if (is_special(v, id)) {
            count++;
            if (!v->rule && holds_non_ascii((struct inf_bytes){token->text, token->len}))
                copied += token->len;
        } else if (token->len > SPECIAL_MAX && token->kind != INF_TOKEN_NORMAL &&
                   token->kind != INF_TOKEN_UNUSED) {
            too_long++;
        }
    }
    if (too_long)
        warn(source, "%u special tokens are longer than %d bytes and not looked for in text",
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
        if (!v->rule && holds_non_ascii((struct inf_bytes){token->text, token->len})) {
            special->text = out;
            special->len = (uint32_t)inf_decode_blanks(token->text, token->len, out);
            out += special->len;
        }
    }
    inf_specials_prepare(v);
    return INFER_OK;
}

/* Scores as ranks: the higher the score, the lower the rank; NaN is the lowest score. */
static infer_status read_scores(struct inf_vocab *v, const struct inf_vocab_source *source,
                                infer_error *err)
{
    if (!source->score)
        return inf_fail(err, INFER_E_FORMAT,
                        "tokenizer.ggml.scores is missing; the tokenizer 'llama' needs it");
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

static infer_token special_id(const struct inf_vocab *v, const struct inf_vocab_source *source,
                              int64_t id, const char *name)
{
    if (id >= 0 && id < v->count)
        return (infer_token)id;
    if (id != -1)
        warn(source, "tokenizer.ggml.%s_token_id is %lld, but there are %u tokens: no such token",
             name, (long long)id, v->count);
    return -1;
}

/* A file without types still has special tokens: those it names. */
static void read_special_ids(struct inf_vocab *v, const struct inf_vocab_source *source)
{
    v->bos = special_id(v, source, source->bos, "bos");
    v->eos = special_id(v, source, source->eos, "eos");
    v->eot = special_id(v, source, source->eot, "eot");
    v->eom = special_id(v, source, source->eom, "eom");
    v->unk = special_id(v, source, source->unk, "unknown");
    v->sep = special_id(v, source, source->sep, "seperator");
    v->pad = special_id(v, source, source->pad, "padding");
    if (source->type)
        return;
    const infer_token named[] = {v->bos, v->eos, v->eot, v->eom, v->sep, v->pad, v->unk};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i] >= 0)
            v->tokens[named[i]].kind = named[i] == v->unk ? INF_TOKEN_UNKNOWN : INF_TOKEN_CONTROL;
}

static const char *end_text(const struct inf_vocab *v, uint32_t id)
{
    const struct inf_vocab_token *token = &v->tokens[id];
    for (size_t i = 0; i < END_TEXTS; i++)
        if (token->kind == INF_TOKEN_CONTROL &&
            inf_bytes_equal((struct inf_bytes){token->text, token->len}, end_texts[i]))
            return end_texts[i];
    return NULL;
}

static void add_end(struct inf_vocab *v, infer_token id)
{
    if (id >= 0 && !inf_vocab_ends(v, id) && v->end_count < INF_ENDS_MAX)
        v->ends[v->end_count++] = id;
}

/* Where there is <|return|>, <|end|> ends one message of a turn that goes on. */
static void collect_ends(struct inf_vocab *v)
{
    add_end(v, v->eos);
    add_end(v, v->eot);
    add_end(v, v->eom);
    bool returns = false;
    for (uint32_t i = 0; i < v->special_count; i++) {
        const char *text = end_text(v, v->specials[i].id);
        returns |= text && !strcmp(text, "<|return|>");
    }
    for (uint32_t i = 0; i < v->special_count; i++) {
        const char *text = end_text(v, v->specials[i].id);
        if (text && !(returns && !strcmp(text, "<|end|>")))
            add_end(v, (infer_token)v->specials[i].id);
    }
}

static infer_status choose_rule(struct inf_vocab *v, const struct inf_vocab_source *source,
                                infer_error *err)
{
    if (inf_bytes_equal(source->model, "llama"))
        return INFER_OK;
    if (!inf_bytes_equal(source->model, "gpt2"))
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "tokenizer.ggml.model '%.*s' is not known; known are llama, gpt2",
                        (int)inf_min_size(source->model.len, 64), source->model.ptr);
    struct inf_bytes pre = source->pre;
    if (!pre.ptr) {
        warn(source, "the file names no pre-tokenizer (tokenizer.ggml.pre): taking that of gpt-2");
        pre = (struct inf_bytes){"gpt-2", 5};
    }
    v->rule = inf_split_find(pre);
    if (v->rule)
        return INFER_OK;
    char names[400];
    inf_split_names(names, sizeof names);
    return inf_fail(err, INFER_E_UNSUPPORTED,
                    "tokenizer.ggml.pre '%.*s' is not known; known are %s",
                    (int)inf_min_size(pre.len, 40), pre.ptr, names);
}

static infer_status load_bpe(struct inf_vocab *v, const struct inf_vocab_source *source,
                             infer_error *err)
{
    for (int i = 0; i < 256; i++)
        v->byte_ids[i] = inf_vocab_lookup(v, v->decoded + i, 1);
    if (!source->merge || !source->merge_count)
        warn(source, "the file has no merges (tokenizer.ggml.merges): text becomes single bytes");
    return inf_merges_load(v, source, err);
}

static infer_status load(struct inf_vocab *v, const struct inf_vocab_source *source,
                         infer_error *err)
{
    infer_status status = choose_rule(v, source, err);
    if (status)
        return status;
    if (!source->count || source->count > INF_MAX_VOCAB)
        return inf_fail(err, source->count ? INFER_E_LIMIT : INFER_E_FORMAT,
                        "tokenizer.ggml.tokens: %u tokens, 1 to %u are possible", source->count,
                        INF_MAX_VOCAB);
    v->count = source->count;
    v->prefix = !v->rule && source->add_space_prefix != 0;
    v->asks_bos = source->add_bos > 0;
    v->asks_eos = source->add_eos > 0;
    v->add_bos = source->add_bos < 0 ? !v->rule || v->rule->flags & INF_SPLIT_BOS : v->asks_bos;
    v->add_eos = v->asks_eos;
    size_t decoded_bytes;
    status = read_tokens(v, source, &decoded_bytes, err);
    if (status)
        return status;
    read_special_ids(v, source);
    status = decode_tokens(v, decoded_bytes, err);
    if (!status)
        status = index_texts(v, err);
    if (!status)
        status = collect_specials(v, source, err);
    if (!status)
        status = v->rule ? load_bpe(v, source, err) : read_scores(v, source, err);
    if (!status)
        collect_ends(v);
    return status;
}

infer_status inf_vocab_new(const infer_allocator *a, const struct inf_vocab_source *source,
                           struct inf_vocab **vocab, infer_error *err)
{
    *vocab = NULL;
    struct inf_vocab *v = inf_alloc_zero(a, 1, sizeof *v);
    if (!v)
        return inf_fail_memory(err, "the vocabulary", sizeof *v);
    v->a = *a;
    v->ud = source->ud;
    v->token = source->token;
    v->bytes = sizeof *v;
    infer_status status = load(v, source, err);
    if (status) {
        inf_vocab_free(v);
        return status;
    }
    *vocab = v;
    return INFER_OK;
}

void inf_vocab_free(struct inf_vocab *v)
{
    if (!v)
        return;
    infer_allocator a = v->a;
    inf_release(&a, v->tokens);
    inf_release(&a, v->decoded);
    inf_release(&a, v->texts);
    inf_release(&a, v->pairs);
    inf_release(&a, v->ranks);
    inf_release(&a, v->specials);
    inf_release(&a, v->special_text);
    inf_release(&a, v);
}

infer_token inf_vocab_special(const struct inf_vocab *v, infer_special which)
{
    switch (which) {
    case INFER_SPECIAL_BOS:
        return v->bos;
    case INFER_SPECIAL_EOS:
        return v->eos;
    case INFER_SPECIAL_EOT:
        return v->eot;
    case INFER_SPECIAL_UNK:
        return v->unk;
    case INFER_SPECIAL_PAD:
        return v->pad;
    }
    return -1;
}

bool inf_vocab_ends(const struct inf_vocab *v, infer_token id)
{
    for (size_t i = 0; i < v->end_count; i++)
        if (v->ends[i] == id)
            return true;
    return false;
}

infer_kind inf_vocab_kind(const struct inf_vocab *v, infer_token id)
{
    return id < 0 || (uint32_t)id >= v->count ? INFER_KIND_NONE : (infer_kind)v->tokens[id].kind;
}

infer_token inf_vocab_find(const struct inf_vocab *v, const char *text, size_t len)
{
    for (uint32_t id = 0; id < v->count; id++) {
        struct inf_bytes stored = v->token(v->ud, id);
        if (stored.len == len && (!len || !memcmp(stored.ptr, text, len)))
            return (infer_token)id;
    }
    return -1;
}

uint32_t inf_vocab_count(const struct inf_vocab *v)
{
    return v->count;
}

size_t inf_vocab_bytes(const struct inf_vocab *v)
{
    return v->bytes;
}
