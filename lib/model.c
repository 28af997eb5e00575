/* Opening a model: its files, their agreement, and what a caller may ask of them. */
#include "lib/model.h"

#include "formats/gguf_split.h"
#include "lib/base/limits.h"
#include "lib/grammar/grammar.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

void inf_model_warn(const infer_model *model, const char *format, ...)
{
    if (!model->log)
        return;
    char raw[400];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    infer_error safe; /* borrows the escaping of error texts */
    inf_set_error(&safe, INFER_OK, "%s", raw);
    model->log(model->log_ud, INFER_LOG_WARNING, safe.text);
}

infer_status inf_model_failed(const infer_model *model, infer_status status, infer_error *err)
{
    if (status && model->path)
        inf_error_place(err, model->path);
    return status;
}

void inf_model_retain(infer_model *model)
{
    atomic_fetch_add(&model->references, 1);
}

void infer_model_free(infer_model *model)
{
    if (!model || atomic_fetch_sub(&model->references, 1) != 1)
        return;
    infer_allocator a = model->a;
    inf_vocab_free(model->vocab);
    inf_token_trie_free(model->trie);
    for (uint32_t i = 0; i < model->part_count; i++) {
        inf_gguf_free(model->parts[i]);
        if (model->maps)
            inf_map_close(&model->maps[i]);
    }
    inf_release(&a, model->parts);
    inf_release(&a, model->maps);
    inf_arena_free(&model->texts);
    pthread_mutex_destroy(&model->lock);
    inf_release(&a, model);
}

const struct inf_gguf_tensor *inf_model_find(const void *ud, const char *name)
{
    const infer_model *model = ud;
    for (uint32_t i = 0; i < model->part_count; i++) {
        const struct inf_gguf_tensor *t = inf_gguf_tensor(model->parts[i], name);
        if (t)
            return t;
    }
    return NULL;
}

/* A copy of a text key with a NUL behind it; NULL where it is absent or no text. A NUL inside cuts
 * it short: this is for reading, the exact bytes are in infer_model_meta_value. */
static const char *text_of(infer_model *model, const char *name, bool *failed)
{
    const struct inf_gguf_key *key = inf_gguf_key(model->parts[0], name);
    if (!key || key->type != INFER_META_STRING)
        return NULL;
    infer_meta_value value;
    inf_gguf_value(key, 0, &value);
    char *copy = inf_arena_take(&model->texts, value.text_len + 1, 1);
    if (!copy) {
        *failed = true;
        return NULL;
    }
    memcpy(copy, value.text, value.text_len);
    return copy;
}

static uint32_t number_of(const infer_model *model, const char *key)
{
    char name[160];
    uint64_t value = 0;
    if (!model->info.architecture)
        return 0;
    snprintf(name, sizeof name, "%s.%s", model->info.architecture, key);
    return inf_gguf_get_uint(model->parts[0], name, 0, UINT32_MAX, &value, NULL) ? 0
                                                                                 : (uint32_t)value;
}

static infer_status fill_info(infer_model *model, infer_error *err)
{
    infer_model_info *info = &model->info;
    bool failed = false;
    info->architecture = text_of(model, "general.architecture", &failed);
    info->name = text_of(model, "general.name", &failed);
    info->tokenizer = text_of(model, "tokenizer.ggml.model", &failed);
    info->pre_tokenizer = text_of(model, "tokenizer.ggml.pre", &failed);
    info->chat_template = text_of(model, "tokenizer.chat_template", &failed);
    if (failed)
        return inf_fail_memory(err, "the texts of the file", 0);
    for (uint32_t p = 0; p < model->part_count; p++) {
        const struct inf_gguf *part = model->parts[p];
        info->file_bytes += part->size;
        info->tensor_count += part->tensor_count;
        for (size_t i = 0; i < part->tensor_count; i++)
            info->parameters += part->tensors[i].elements;
    }
    info->meta_count = model->parts[0]->key_count;
    const struct inf_gguf_key *tokens = inf_gguf_key(model->parts[0], "tokenizer.ggml.tokens");
    if (tokens && tokens->type == INFER_META_ARRAY)
        info->vocab_size = (uint32_t)tokens->count;
    info->context_length = number_of(model, "context_length");
    info->embedding_length = number_of(model, "embedding_length");
    info->layer_count = number_of(model, "block_count");
    return INFER_OK;
}

/* Opens and parses the i-th part; its place among the parts must be free. */
static infer_status open_part(infer_model *model, const char *path, uint32_t i, infer_error *err)
{
    struct inf_map *map = &model->maps[i];
    infer_status status = model->no_mmap ? inf_map_read(&model->a, path, model->progress,
                                                        model->progress_ud, map, err)
                                         : inf_map_open(&model->a, path, false, map, err);
    if (status)
        return status;
    status = inf_gguf_parse(&model->a, map->bytes, map->size, &model->parts[i], err);
    if (!status) {
        model->part_count = i + 1;
        return INFER_OK;
    }
    inf_map_close(map);
    inf_error_place(err, path);
    return status;
}

/* The other parts of a split model, beside the first. */
static infer_status open_parts(infer_model *model, const char *path, uint32_t count,
                               infer_error *err)
{
    infer_status status = inf_gguf_split_check(model->parts[0], 0, count, err);
    if (status)
        return inf_model_failed(model, status, err);
    for (uint32_t i = 1; i < count; i++) {
        char part[4096];
        if ((status = inf_gguf_split_path(path, i, count, part, sizeof part, err)) ||
            (status = open_part(model, part, i, err)))
            return status;
        if ((status = inf_gguf_split_check(model->parts[i], i, count, err))) {
            inf_error_place(err, part);
            return status;
        }
    }
    status = inf_gguf_split_total((const struct inf_gguf *const *)model->parts, count, err);
    return inf_model_failed(model, status, err);
}

static infer_status model_new(const infer_model_options *options, infer_model **out,
                              infer_error *err)
{
    *out = NULL;
    infer_model_options o = {0};
    if (options) {
        if (options->size < sizeof(size_t))
            return inf_fail(err, INFER_E_ARGUMENT, "infer_model_options.size is %zu",
                            options->size);
        memcpy(&o, options, inf_min_size(options->size, sizeof o));
    }
    const infer_allocator *a = o.allocator ? o.allocator : &inf_allocator_default;
    infer_model *model = inf_alloc_zero(a, 1, sizeof *model);
    if (!model)
        return inf_fail_memory(err, "the model", sizeof *model);
    model->a = *a;
    model->references = 1;
    model->log = o.log;
    model->log_ud = o.log_ud;
    model->no_mmap = o.no_mmap;
    model->progress = o.progress;
    model->progress_ud = o.progress_ud;
    inf_arena_init(&model->texts, a);
    pthread_mutex_init(&model->lock, NULL);
    *out = model;
    return INFER_OK;
}

/* Room for the maps and parsed headers of `count` parts; what is there already stays. */
static infer_status room_for_parts(infer_model *model, uint32_t count, infer_error *err)
{
    struct inf_map *maps = inf_alloc_zero(&model->a, count, sizeof *maps);
    struct inf_gguf **parts = inf_alloc_zero(&model->a, count, sizeof *parts);
    if (!maps || !parts) {
        inf_release(&model->a, maps);
        inf_release(&model->a, parts);
        return inf_fail_memory(err, "the parts of the model", count * sizeof *maps);
    }
    if (model->part_count) {
        maps[0] = model->maps[0];
        parts[0] = model->parts[0];
    }
    inf_release(&model->a, model->maps);
    inf_release(&model->a, model->parts);
    model->maps = maps;
    model->parts = parts;
    return INFER_OK;
}

static infer_status finish(infer_model *model, infer_status status, infer_model **out,
                           infer_error *err)
{
    if (!status)
        status = fill_info(model, err);
    if (status)
        infer_model_free(model);
    else
        *out = model;
    return status;
}

static infer_status keep_path(infer_model *model, const char *path, infer_error *err)
{
    size_t bytes = strlen(path) + 1;
    char *copy = inf_arena_take(&model->texts, bytes, 1);
    if (!copy)
        return inf_fail_memory(err, "the path of the model", bytes);
    memcpy(copy, path, bytes);
    model->path = copy;
    return INFER_OK;
}

infer_status infer_model_open(const char *path, const infer_model_options *options,
                              infer_model **out, infer_error *err)
{
    infer_model *model;
    *out = NULL;
    if (!path)
        return inf_fail(err, INFER_E_ARGUMENT, "path: NULL");
    infer_status status = model_new(options, &model, err);
    if (status)
        return status;
    struct inf_gguf_split split = {0};
    if (!(status = keep_path(model, path, err)) && !(status = room_for_parts(model, 1, err)) &&
        !(status = open_part(model, path, 0, err)) &&
        !(status =
              inf_model_failed(model, inf_gguf_split_read(model->parts[0], &split, err), err)) &&
        split.count > 1 && !(status = room_for_parts(model, split.count, err)))
        status = open_parts(model, path, split.count, err);
    return finish(model, status, out, err);
}

#define MEMORY_ALIGN 8u /* so that floats are aligned: what an alignment in a file is at least */

infer_status infer_model_open_memory(const void *data, size_t bytes,
                                     const infer_model_options *options, infer_model **out,
                                     infer_error *err)
{
    infer_model *model;
    *out = NULL;
    infer_status status = model_new(options, &model, err);
    if (status)
        return status;
    struct inf_gguf_split split;
    model->parts = inf_alloc_zero(&model->a, 1, sizeof *model->parts);
    if ((uintptr_t)data % MEMORY_ALIGN)
        status = inf_fail(err, INFER_E_ARGUMENT, "data is at %p, no multiple of %u bytes", data,
                          MEMORY_ALIGN);
    else if (!model->parts)
        status = inf_fail_memory(err, "the model", sizeof *model->parts);
    else if (!(status = inf_gguf_parse(&model->a, data, bytes, &model->parts[0], err))) {
        model->part_count = 1;
        if (!(status = inf_gguf_split_read(model->parts[0], &split, err)) && split.count > 1)
            status =
                inf_fail(err, INFER_E_UNSUPPORTED,
                         "this is one of %u parts; open the first part as a file", split.count);
    }
    return finish(model, status, out, err);
}

void infer_model_get_info(const infer_model *model, infer_model_info *info)
{
    *info = model->info;
}

static infer_status no_index(infer_error *err, const char *what, uint64_t index, uint64_t count)
{
    return inf_fail(err, INFER_E_ARGUMENT, "%s %llu of %llu", what, (unsigned long long)index,
                    (unsigned long long)count);
}

infer_status infer_model_meta(const infer_model *model, uint64_t index, infer_meta *meta,
                              infer_error *err)
{
    if (index >= model->info.meta_count)
        return no_index(err, "metadata key", index, model->info.meta_count);
    const struct inf_gguf_key *key = &model->parts[0]->keys[index];
    *meta = (infer_meta){
        .key = key->name.ptr,
        .key_len = key->name.len,
        .type = key->type,
        .items = key->items,
        .count = key->count,
    };
    return INFER_OK;
}

infer_status infer_model_meta_value(const infer_model *model, uint64_t index, uint64_t item,
                                    infer_meta_value *value, infer_error *err)
{
    if (index >= model->info.meta_count)
        return no_index(err, "metadata key", index, model->info.meta_count);
    const struct inf_gguf_key *key = &model->parts[0]->keys[index];
    if (item >= key->count)
        return no_index(err, "array element", item, key->count);
    inf_gguf_value(key, item, value);
    return INFER_OK;
}

static const struct inf_gguf_tensor *tensor_at(const infer_model *model, uint64_t index)
{
    for (uint32_t i = 0; i < model->part_count; i++) {
        if (index < model->parts[i]->tensor_count)
            return &model->parts[i]->tensors[index];
        index -= model->parts[i]->tensor_count;
    }
    return NULL;
}

infer_status infer_model_tensor(const infer_model *model, uint64_t index, infer_tensor_info *info,
                                infer_error *err)
{
    const struct inf_gguf_tensor *t = tensor_at(model, index);
    if (!t)
        return no_index(err, "tensor", index, model->info.tensor_count);
    *info = (infer_tensor_info){
        .name = t->name.ptr,
        .name_len = t->name.len,
        .type = t->type ? t->type->name : "?",
        .type_id = t->type_id,
        .dims = t->dims,
        .elements = t->elements,
        .bytes = t->bytes,
    };
    memcpy(info->shape, t->shape, sizeof info->shape);
    return INFER_OK;
}

infer_status infer_model_tensor_find(const infer_model *model, const char *name, uint64_t *index,
                                     infer_error *err)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < model->part_count; i++) {
        const struct inf_gguf_tensor *t = inf_gguf_tensor(model->parts[i], name);
        if (t) {
            *index = before + (uint64_t)(t - model->parts[i]->tensors);
            return INFER_OK;
        }
        before += model->parts[i]->tensor_count;
    }
    return inf_fail(err, INFER_E_ARGUMENT, "there is no tensor \"%s\"", name);
}

infer_status infer_model_tensor_rows(const infer_model *model, uint64_t index, uint64_t first,
                                     uint64_t count, float *out, infer_error *err)
{
    const struct inf_gguf_tensor *t = tensor_at(model, index);
    if (!t)
        return no_index(err, "tensor", index, model->info.tensor_count);
    uint64_t row_bytes, rows = t->shape[0] ? t->elements / t->shape[0] : 0;
    if (!t->type || !inf_type_row_bytes(t->type, t->shape[0], &row_bytes))
        return inf_fail(err, INFER_E_UNSUPPORTED, "tensor %.*s has the unknown type %u",
                        (int)inf_min_size(t->name.len, 64), t->name.ptr, t->type_id);
    if (first > rows || count > rows - first)
        return inf_fail(err, INFER_E_ARGUMENT, "rows %llu to %llu of a tensor of %llu rows",
                        (unsigned long long)first, (unsigned long long)(first + count),
                        (unsigned long long)rows);
    for (uint64_t i = 0; i < count; i++)
        inf_type_decode(t->type, t->data + (first + i) * row_bytes, t->shape[0],
                        out + i * t->shape[0]);
    return INFER_OK;
}

size_t infer_arch_count(void)
{
    return inf_arch_count();
}

const char *infer_arch_name(size_t index)
{
    return index < inf_arch_count() ? inf_arch_at(index)->name : NULL;
}

const char *infer_version(void)
{
    return "0.1.0";
}

int infer_abi_version(void)
{
    return 0;
}

infer_status infer_arch_get_info(size_t index, infer_arch_info *info, infer_error *err)
{
    if (index >= inf_arch_count())
        return inf_fail(err, INFER_E_ARGUMENT, "architecture %zu of %zu", index, inf_arch_count());
    struct inf_family family = inf_arch_family(inf_arch_at(index)->name);
    *info = (infer_arch_info){family.name, family.models, family.reference, family.error};
    return INFER_OK;
}
