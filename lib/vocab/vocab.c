/* Making a vocabulary from what a file says, and small questions about it. */
#include "lib/vocab/vocab_data.h"

#include <stdio.h>

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

static infer_token special_id(const struct inf_vocab *v, const struct inf_vocab_source *source,
                              int64_t id, const char *name)
{
    if (id >= 0 && id < v->count)
        return (infer_token)id;
    if (id != -1)
        inf_vocab_warn(source,
                       "tokenizer.ggml.%s_token_id is %lld, but there are %u tokens: no such token",
                       name, (long long)id, v->count);
    return -1;
}

static void name_by_text(const struct inf_vocab *v, infer_token *id, const char *text)
{
    for (uint32_t i = 0; *id < 0 && i < v->count; i++)
        if (inf_bytes_equal((struct inf_bytes){v->tokens[i].text, v->tokens[i].len}, text))
            *id = (infer_token)i;
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
    v->mask = special_id(v, source, source->mask, "mask");
    if (v->bos < 0 && v->model == INF_VOCAB_WORDPIECE)
        v->bos = special_id(v, source, source->cls, "cls");
    v->pad = special_id(v, source, source->pad, "padding");
    if (v->model == INF_VOCAB_WORDPIECE) { /* older files do not name them */
        name_by_text(v, &v->bos, "[CLS]");
        name_by_text(v, &v->sep, "[SEP]");
        name_by_text(v, &v->unk, "[UNK]");
    }
    if (source->type)
        return;
    const infer_token named[] = {v->bos, v->eos, v->eot, v->eom, v->sep, v->pad, v->mask, v->unk};
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

/* The values of tokenizer.ggml.model. */
static const struct {
    const char *name;
    enum inf_vocab_model model;
    const char *pre; /* the pre-tokenizer that it always has */
} models[] = {
    {"llama", INF_VOCAB_SPM, NULL},      {"gpt2", INF_VOCAB_BPE, NULL},
    {"t5", INF_VOCAB_UNIGRAM, NULL},     {"bert", INF_VOCAB_WORDPIECE, NULL},
    {"gemma4", INF_VOCAB_BPE, "gemma4"}, {"whitespace", INF_VOCAB_BPE, "whitespace"},
    {"rwkv", INF_VOCAB_LONGEST, NULL},   {"plamo2", INF_VOCAB_PLAMO, NULL},
    {"hybriddna", INF_VOCAB_BPE, NULL},
};
#define MODELS (sizeof models / sizeof *models)

static infer_status choose_rule(struct inf_vocab *v, const struct inf_vocab_source *source,
                                struct inf_bytes pre, infer_error *err)
{
    if (!pre.ptr) {
        inf_vocab_warn(
            source, "the file names no pre-tokenizer (tokenizer.ggml.pre): taking that of gpt-2");
        pre = (struct inf_bytes){"gpt-2", 5};
    }
    v->rule = inf_split_find(pre);
    if (!v->rule)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "tokenizer.ggml.pre '%.*s' is not one of the %zu names that are known",
                        (int)inf_min_size(pre.len, 40), pre.ptr, inf_split_count());
    v->byte_level = !(v->rule->flags & INF_SPLIT_RAW);
    v->blanks = v->rule->flags & INF_SPLIT_RAW && !v->rule->stages[0];
    return INFER_OK;
}

static infer_status choose_model(struct inf_vocab *v, const struct inf_vocab_source *source,
                                 infer_error *err)
{
    size_t i = 0;
    char names[128] = "";
    for (; i < MODELS && !inf_bytes_equal(source->model, models[i].name); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
                 models[i].name);
    if (i == MODELS &&
        (inf_bytes_equal(source->model, "none") || inf_bytes_equal(source->model, "no_vocab")))
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "the file has no vocabulary (tokenizer.ggml.model '%.*s')",
                        (int)source->model.len, source->model.ptr);
    if (i == MODELS)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "tokenizer.ggml.model '%.*s' is not known; known are %s",
                        (int)inf_min_size(source->model.len, 64), source->model.ptr, names);
    v->model = models[i].model;
    v->blanks = v->model == INF_VOCAB_SPM || v->model == INF_VOCAB_UNIGRAM;
    if (v->model != INF_VOCAB_BPE)
        return INFER_OK;
    const char *pre = models[i].pre;
    return choose_rule(v, source, pre ? (struct inf_bytes){pre, strlen(pre)} : source->pre, err);
}

/* What the file says, and what holds where it says nothing. */
static void read_flags(struct inf_vocab *v, const struct inf_vocab_source *source)
{
    bool word_piece = v->model == INF_VOCAB_WORDPIECE;
    v->prefix = v->blanks && v->model != INF_VOCAB_BPE && source->add_space_prefix != 0;
    v->strip = v->prefix || word_piece;
    v->squeeze = source->remove_extra_whitespaces != 0;
    v->lower = source->lowercase < 0 ? word_piece : source->lowercase;
    v->strip_accents = source->strip_accents < 0 ? v->lower : source->strip_accents;
    v->asks_bos = source->add_bos > 0;
    v->asks_eos = source->add_eos > 0;
    bool bos =
        v->model == INF_VOCAB_SPM || word_piece || (v->rule && v->rule->flags & INF_SPLIT_BOS);
    v->add_bos = source->add_bos < 0 ? bos : v->asks_bos;
    v->add_eos = source->add_eos < 0 ? v->model == INF_VOCAB_UNIGRAM || word_piece : v->asks_eos;
}

static infer_status load_bpe(struct inf_vocab *v, const struct inf_vocab_source *source,
                             infer_error *err)
{
    for (int i = 0; i < 256 && v->byte_level; i++)
        v->byte_ids[i] = inf_vocab_lookup(v, v->decoded + i, 1);
    if (!source->merge || !source->merge_count)
        inf_vocab_warn(source,
                       "the file has no merges (tokenizer.ggml.merges): text becomes single bytes");
    return inf_merges_load(v, source, err);
}

static infer_status load_rest(struct inf_vocab *v, const struct inf_vocab_source *source,
                              infer_error *err)
{
    infer_status status = INFER_OK;
    switch (v->model) {
    case INF_VOCAB_SPM:
        return inf_vocab_read_ranks(v, source, err);
    case INF_VOCAB_BPE:
        return load_bpe(v, source, err);
    case INF_VOCAB_UNIGRAM:
        status = inf_charsmap_load(v, source->charsmap, err);
        __attribute__((fallthrough));
    case INF_VOCAB_PLAMO:
        if (!status)
            status = inf_vocab_read_scores(v, source, err);
        break;
    case INF_VOCAB_LONGEST:
    case INF_VOCAB_WORDPIECE:
        break;
    }
    return status ? status : inf_trie_load(v, source, err);
}

static infer_status load(struct inf_vocab *v, const struct inf_vocab_source *source,
                         infer_error *err)
{
    infer_status status = choose_model(v, source, err);
    if (status)
        return status;
    if (!source->count || source->count > INF_MAX_VOCAB)
        return inf_fail(err, source->count ? INFER_E_LIMIT : INFER_E_FORMAT,
                        "tokenizer.ggml.tokens: %u tokens, 1 to %u are possible", source->count,
                        INF_MAX_VOCAB);
    v->count = source->count;
    read_flags(v, source);
    size_t decoded_bytes;
    status = inf_vocab_read_tokens(v, source, &decoded_bytes, err);
    if (status)
        return status;
    read_special_ids(v, source);
    status = inf_vocab_decode_tokens(v, decoded_bytes, err);
    if (!status)
        status = inf_vocab_index_texts(v, err);
    if (!status && inf_bytes_equal(source->model, "hybriddna"))
        status = inf_dna_load(v, source, err);
    if (!status)
        status = inf_vocab_collect_specials(v, source, err);
    if (!status)
        status = load_rest(v, source, err);
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
    inf_release(&a, v->scores);
    inf_release(&a, v->kmers);
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
