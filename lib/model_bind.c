/* From a file to what the engine runs: the architecture and its weights, and the tokenizer. */
#include "lib/model.h"

#include "lib/base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The arrays of a tokenizer, as the callbacks of inf_vocab_source read them. */
struct arrays {
    const struct inf_gguf_key *tokens, *scores, *types, *merges, *charsmap;
};

static infer_status read_arrays(const struct inf_gguf *gguf, struct arrays *arrays,
                                infer_error *err);
static infer_status vocab_of(const infer_model *model, const struct inf_vocab **vocab,
                             infer_error *err);

/* A tensor of a layer that other architectures have (a bias, a norm) and this one has no place for would be
 * left out, and the text be that of another model. One that nobody knows is nobody's need. */
static infer_status refuse_misplaced(const infer_model *model, const struct inf_arch *arch,
                                     const struct inf_hparams *hp, infer_error *err)
{
    for (uint32_t part = 0; part < model->part_count; part++) {
        const struct inf_gguf *gguf = model->parts[part];
        for (uint64_t i = 0; i < gguf->tensor_count; i++) {
            struct inf_bytes full = gguf->tensors[i].name;
            char name[INF_MAX_NAME + 1], *end;
            snprintf(name, sizeof name, "%.*s", (int)inf_min_size(full.len, INF_MAX_NAME),
                     full.ptr);
            if (strncmp(name, "blk.", 4) != 0 || strtoul(name + 4, &end, 10) >= hp->layers ||
                *end != '.' || inf_arch_knows(arch, "blk.%u.", end + 1) ||
                !inf_arch_any_knows("blk.%u.", end + 1))
                continue;
            return inf_fail(err, INFER_E_UNSUPPORTED,
                            "tensor %s has no place in the architecture %s, and the model would be "
                            "another one without it",
                            name, arch->name);
        }
    }
    return INFER_OK;
}

/* Warns, once, of tensors that no part of the model needs: they are not an error. */
static void warn_of_unused(const infer_model *model, size_t used)
{
    infer_model *own = (infer_model *)(uintptr_t)model;
    pthread_mutex_lock(&own->lock);
    bool say = !own->warned && used < model->info.tensor_count;
    own->warned = true;
    pthread_mutex_unlock(&own->lock);
    if (say)
        inf_model_warn(model, "%zu of %llu tensors are not used by this architecture",
                       (size_t)model->info.tensor_count - used,
                       (unsigned long long)model->info.tensor_count);
}

static infer_status bind(const infer_model *model, struct inf_arena *arena,
                         const struct inf_arch **arch, struct inf_hparams *hp,
                         struct inf_weight **weights, infer_error *err)
{
    const struct inf_gguf *gguf = model->parts[0];
    const struct inf_vocab *vocab;
    struct arrays arrays = {0};
    infer_status status;
    if ((status = inf_arch_find(gguf, arch, err)) ||
        (status = inf_arch_hparams(*arch, gguf, arena, hp, err)) ||
        (status = read_arrays(gguf, &arrays, err)))
        return status;
    size_t sets = (size_t)hp->layers + 1;
    *weights = inf_arena_take(arena, sets * INF_SLOT_COUNT, sizeof **weights);
    if (!*weights)
        return inf_fail_memory(err, "the table of weights",
                               sets * INF_SLOT_COUNT * sizeof **weights);
    for (size_t i = 0; i < sets; i++) {
        int layer = i < hp->layers ? (int)i : -1;
        status = inf_arch_weights(*arch, hp, layer, inf_model_find, model, arena,
                                  *weights + i * INF_SLOT_COUNT, err);
        if (status)
            return status;
    }
    size_t used = 0;
    for (size_t i = 0; i < sets * INF_SLOT_COUNT; i++) {
        const struct inf_weight *w = &(*weights)[i];
        used += !w->data || w->again ? 0 : w->each ? w->experts : 1;
    }
    if (used < model->info.tensor_count && (status = refuse_misplaced(model, *arch, hp, err)))
        return status;
    if ((status = vocab_of(model, &vocab, err))) /* last, as that of 262144 tokens takes a while */
        return status;
    warn_of_unused(model, used);
    return INFER_OK;
}

infer_status inf_model_bind(const infer_model *model, struct inf_arena *arena,
                            const struct inf_arch **arch, struct inf_hparams *hp,
                            struct inf_weight **weights, infer_error *err)
{
    return inf_model_failed(model, bind(model, arena, arch, hp, weights, err), err);
}

infer_status infer_model_check(const infer_model *model, infer_error *err)
{
    struct inf_arena arena;
    inf_arena_init(&arena, &model->a);
    const struct inf_arch *arch;
    struct inf_hparams hp;
    struct inf_weight *weights;
    infer_status status = inf_model_bind(model, &arena, &arch, &hp, &weights, err);
    inf_arena_free(&arena);
    return status;
}

static struct inf_bytes text_item(const struct inf_gguf_key *key, uint64_t item)
{
    infer_meta_value value;
    inf_gguf_value(key, item, &value);
    return (struct inf_bytes){value.text, value.text_len};
}

static struct inf_bytes token_item(const void *ud, uint32_t id)
{
    return text_item(((const struct arrays *)ud)->tokens, id);
}

static struct inf_bytes merge_item(const void *ud, uint32_t index)
{
    return text_item(((const struct arrays *)ud)->merges, index);
}

static float score_item(const void *ud, uint32_t id)
{
    infer_meta_value value;
    inf_gguf_value(((const struct arrays *)ud)->scores, id, &value);
    return (float)value.f;
}

static int32_t type_item(const void *ud, uint32_t id)
{
    infer_meta_value value;
    inf_gguf_value(((const struct arrays *)ud)->types, id, &value);
    return (int32_t)(value.type == INFER_META_U32 ? (int64_t)value.u : value.i);
}

/* An array key of `count` elements (SIZE_MAX: any) of one of two types; NULL where it is absent. */
static infer_status array_key(const struct inf_gguf *gguf, const char *name, infer_meta_type type,
                              infer_meta_type other, uint64_t count,
                              const struct inf_gguf_key **out, infer_error *err)
{
    const struct inf_gguf_key *key = *out = inf_gguf_key(gguf, name);
    if (!key)
        return INFER_OK;
    if (key->type != INFER_META_ARRAY || (key->items != type && key->items != other))
        return inf_fail(err, INFER_E_FORMAT, "key %s has the wrong type", name);
    if (count != UINT64_MAX && key->count != count)
        return inf_fail(err, INFER_E_FORMAT, "key %s has %llu elements for %llu tokens", name,
                        (unsigned long long)key->count, (unsigned long long)count);
    return INFER_OK;
}

static infer_status read_arrays(const struct inf_gguf *gguf, struct arrays *arrays,
                                infer_error *err)
{
    infer_status status;
    const char *tokens = "tokenizer.ggml.tokens";
    if ((status = array_key(gguf, tokens, INFER_META_STRING, INFER_META_STRING, UINT64_MAX,
                            &arrays->tokens, err)))
        return status;
    if (!arrays->tokens)
        return inf_fail(err, INFER_E_FORMAT, "key %s is missing", tokens);
    uint64_t count = arrays->tokens->count;
    if (count < 1 || count > INF_MAX_VOCAB)
        return inf_fail(err, INFER_E_LIMIT, "key %s has %llu tokens, 1 to %u are allowed", tokens,
                        (unsigned long long)count, INF_MAX_VOCAB);
    if ((status = array_key(gguf, "tokenizer.ggml.scores", INFER_META_F32, INFER_META_F32, count,
                            &arrays->scores, err)) ||
        (status = array_key(gguf, "tokenizer.ggml.token_type", INFER_META_I32, INFER_META_U32,
                            count, &arrays->types, err)))
        return status;
    if ((status = array_key(gguf, "tokenizer.ggml.precompiled_charsmap", INFER_META_U8,
                            INFER_META_I8, UINT64_MAX, &arrays->charsmap, err)))
        return status;
    return array_key(gguf, "tokenizer.ggml.merges", INFER_META_STRING, INFER_META_STRING,
                     UINT64_MAX, &arrays->merges, err);
}

/* Ids of any sign and size; the tokenizer warns of those that are out of range. */
static infer_status read_id(const struct inf_gguf *gguf, const char *name, int64_t *out,
                            infer_error *err)
{
    uint64_t value = 0;
    *out = -1;
    if (!inf_gguf_key(gguf, name))
        return INFER_OK;
    infer_status status = inf_gguf_get_uint(gguf, name, 0, UINT64_MAX, &value, err);
    *out = (int64_t)inf_min_size(value, INT64_MAX);
    return status;
}

static infer_status read_flag(const struct inf_gguf *gguf, const char *name, int *out,
                              infer_error *err)
{
    bool value = false;
    *out = -1;
    if (!inf_gguf_key(gguf, name))
        return INFER_OK;
    infer_status status = inf_gguf_get_bool(gguf, name, &value, err);
    *out = value;
    return status;
}

static infer_status read_specials(const struct inf_gguf *gguf, struct inf_vocab_source *source,
                                  infer_error *err)
{
    const struct {
        const char *name;
        int64_t *id;
    } ids[] = {
        {"tokenizer.ggml.bos_token_id", &source->bos},
        {"tokenizer.ggml.eos_token_id", &source->eos},
        {"tokenizer.ggml.eot_token_id", &source->eot},
        {"tokenizer.ggml.eom_token_id", &source->eom},
        {"tokenizer.ggml.unknown_token_id", &source->unk},
        {"tokenizer.ggml.seperator_token_id", &source->sep}, /* spelt so in the format */
        {"tokenizer.ggml.padding_token_id", &source->pad},
        {"tokenizer.ggml.cls_token_id", &source->cls},
        {"tokenizer.ggml.mask_token_id", &source->mask},
    };
    const struct {
        const char *name;
        int *flag;
    } flags[] = {
        {"tokenizer.ggml.add_bos_token", &source->add_bos},
        {"tokenizer.ggml.add_eos_token", &source->add_eos},
        {"tokenizer.ggml.add_space_prefix", &source->add_space_prefix},
        {"tokenizer.ggml.remove_extra_whitespaces", &source->remove_extra_whitespaces},
        {"tokenizer.ggml.normalizer.lowercase", &source->lowercase},
        {"tokenizer.ggml.normalizer.strip_accents", &source->strip_accents},
    };
    infer_status status = INFER_OK;
    for (size_t i = 0; !status && i < sizeof ids / sizeof *ids; i++)
        status = read_id(gguf, ids[i].name, ids[i].id, err);
    for (size_t i = 0; !status && i < sizeof flags / sizeof *flags; i++)
        status = read_flag(gguf, flags[i].name, flags[i].flag, err);
    if (status)
        return status;
    if ((status = inf_gguf_get_text(gguf, "tokenizer.ggml.model", &source->model, err)))
        return status;
    if (!source->model.ptr)
        return inf_fail(err, INFER_E_FORMAT, "key tokenizer.ggml.model is missing");
    return inf_gguf_get_text(gguf, "tokenizer.ggml.pre", &source->pre, err);
}

static void warn(void *ud, const char *text)
{
    inf_model_warn(ud, "%s", text);
}

static infer_status make_vocab(infer_model *model, infer_error *err)
{
    struct arrays *arrays = inf_arena_take(&model->texts, 1, sizeof *arrays);
    if (!arrays)
        return inf_fail_memory(err, "the tokenizer", sizeof *arrays);
    infer_status status = read_arrays(model->parts[0], arrays, err);
    if (status)
        return status;
    struct inf_vocab_source source = {
        .count = (uint32_t)arrays->tokens->count,
        .ud = arrays,
        .token = token_item,
        .score = arrays->scores ? score_item : NULL,
        .type = arrays->types ? type_item : NULL,
        .merge = merge_item,
        .merge_count = arrays->merges ? (uint32_t)arrays->merges->count : 0,
        .warn = warn,
        .warn_ud = model,
    };
    if (arrays->charsmap)
        source.charsmap = (struct inf_bytes){(const char *)arrays->charsmap->data,
                                             (size_t)arrays->charsmap->count};
    if ((status = read_specials(model->parts[0], &source, err)))
        return status;
    return inf_vocab_new(&model->a, &source, &model->vocab, err);
}

static infer_status vocab_of(const infer_model *model, const struct inf_vocab **vocab,
                             infer_error *err)
{
    infer_model *own =
        (infer_model *)(uintptr_t)model; /* what is made lazily stands behind the lock */
    pthread_mutex_lock(&own->lock);
    infer_status status = own->vocab ? INFER_OK : make_vocab(own, err);
    *vocab = own->vocab;
    pthread_mutex_unlock(&own->lock);
    return status;
}

infer_status inf_model_vocab(const infer_model *model, const struct inf_vocab **vocab,
                             infer_error *err)
{
    return inf_model_failed(model, vocab_of(model, vocab, err), err);
}

infer_status infer_tokenize(const infer_model *model, const char *text, size_t len, unsigned flags,
                            infer_token *ids, size_t capacity, size_t *count, infer_error *err)
{
    const struct inf_vocab *vocab;
    *count = 0;
    if ((!text && len) || (!ids && capacity))
        return inf_fail(err, INFER_E_ARGUMENT, "%s: NULL", text || !len ? "ids" : "text");
    infer_status status = inf_model_vocab(model, &vocab, err);
    return status ? status : inf_vocab_tokenize(vocab, text, len, flags, ids, capacity, count, err);
}

infer_status infer_detokenize(const infer_model *model, const infer_token *ids, size_t count,
                              char *text, size_t capacity, size_t *len, infer_error *err)
{
    const struct inf_vocab *vocab;
    *len = 0;
    if ((!ids && count) || (!text && capacity))
        return inf_fail(err, INFER_E_ARGUMENT, "%s: NULL", ids || !count ? "text" : "ids");
    infer_status status = inf_model_vocab(model, &vocab, err);
    return status ? status : inf_vocab_detokenize(vocab, ids, count, text, capacity, len, err);
}

infer_status infer_token_bytes(const infer_model *model, infer_token id, char *bytes,
                               size_t capacity, size_t *len, infer_error *err)
{
    const struct inf_vocab *vocab;
    *len = 0;
    infer_status status = inf_model_vocab(model, &vocab, err);
    return status ? status : inf_vocab_token_bytes(vocab, id, bytes, capacity, len, err);
}

infer_token infer_token_special(const infer_model *model, infer_special which)
{
    const struct inf_vocab *vocab;
    return inf_model_vocab(model, &vocab, NULL) ? -1 : inf_vocab_special(vocab, which);
}

bool infer_token_ends(const infer_model *model, infer_token id)
{
    const struct inf_vocab *vocab;
    return !inf_model_vocab(model, &vocab, NULL) && inf_vocab_ends(vocab, id);
}

infer_kind infer_token_kind(const infer_model *model, infer_token id)
{
    const struct inf_vocab *vocab;
    return inf_model_vocab(model, &vocab, NULL) ? INFER_KIND_NONE : inf_vocab_kind(vocab, id);
}
