/* Splitting a model into several files, and merging them. */
#include "formats/gguf_split.h"
#include "formats/gguf_write.h"
#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/model.h"

#include <stdio.h>
#include <string.h>

#define PIECE_BYTES ((size_t)16 << 20) /* between two calls of progress */
#define HEADER_BYTES 24
#define PREFIX_MAX 4000
#define MODEL_MODE 0666

/* One call of split or merge. */
struct job {
    const infer_model *model;
    const struct inf_gguf_tensor **tensors; /* of all parts, in order */
    size_t count;
    infer_progress progress;
    void *ud;
    uint64_t done, total; /* bytes of tensor data */
};

/* A run of the job's tensors that becomes a file; the keys go into the first. */
struct part {
    size_t first, count;
};

static infer_status job_start(struct job *job, infer_error *err)
{
    const infer_model *model = job->model;
    size_t count = (size_t)model->info.tensor_count;
    job->tensors = inf_alloc_zero(&model->a, count, sizeof(void *));
    if (!job->tensors)
        return inf_fail_memory(err, "the list of tensors", count * sizeof(void *));
    for (uint32_t p = 0; p < model->part_count; p++)
        for (size_t i = 0; i < model->parts[p]->tensor_count; i++) {
            const struct inf_gguf_tensor *t = &model->parts[p]->tensors[i];
            if (!t->type)
                return inf_fail(err, INFER_E_UNSUPPORTED,
                                "tensor %.*s has the unknown type %u and cannot be written",
                                (int)inf_min_size(t->name.len, INF_MAX_NAME), t->name.ptr,
                                t->type_id);
            job->tensors[job->count++] = t;
            job->total += t->bytes;
        }
    return INFER_OK;
}

static bool is_split_key(const struct inf_gguf_key *key)
{
    return inf_bytes_equal(key->name, "split.no") || inf_bytes_equal(key->name, "split.count") ||
           inf_bytes_equal(key->name, "split.tensors.count");
}

static void put_keys(const infer_model *model, struct inf_gguf_writer *w)
{
    const struct inf_gguf *from = model->parts[0];
    for (size_t i = 0; i < from->key_count; i++)
        if (!is_split_key(&from->keys[i]))
            inf_gguf_write_copy(w, &from->keys[i]);
}

/* Keys of later parts say nothing to the engine; a caller who merges should know that they go. */
static void warn_of_lost_keys(const infer_model *model)
{
    for (uint32_t p = 1; p < model->part_count; p++)
        for (size_t i = 0; i < model->parts[p]->key_count; i++) {
            const struct inf_gguf_key *key = &model->parts[p]->keys[i];
            if (!is_split_key(key) && !inf_bytes_equal(key->name, "general.alignment") &&
                !inf_bytes_equal(key->name, "general.architecture"))
                inf_model_warn(model, "key %.*s of part %u is left out: keys belong to the first",
                               (int)inf_min_size(key->name.len, INF_MAX_NAME), key->name.ptr,
                               p + 1);
        }
}

static infer_status sink(void *ud, const void *bytes, size_t len, infer_error *err)
{
    return inf_file_put(ud, bytes, len, err);
}

static infer_status put_tensor(struct job *job, struct inf_gguf_writer *w,
                               const struct inf_gguf_tensor *t, infer_error *err)
{
    for (uint64_t at = 0; at < t->bytes;) {
        size_t piece = t->bytes - at < PIECE_BYTES ? (size_t)(t->bytes - at) : PIECE_BYTES;
        infer_status status = inf_gguf_write_data(w, t->data + at, piece, err);
        if (status)
            return status;
        at += piece;
        job->done += piece;
        if (job->progress && !job->progress(job->ud, (double)job->done / (double)job->total))
            return inf_fail(err, INFER_E_CANCELLED, "cancelled after %llu of %llu bytes",
                            (unsigned long long)job->done, (unsigned long long)job->total);
    }
    return INFER_OK;
}

/* The part's file up to its last byte on the disk, but still under its temporary name. */
static infer_status put_part(struct job *job, struct part part, struct inf_gguf_writer *w,
                             const char *path, struct inf_file *file, infer_error *err)
{
    for (size_t i = 0; i < part.count; i++) {
        const struct inf_gguf_tensor *t = job->tensors[part.first + i];
        inf_gguf_write_tensor(w, t->name, t->type, t->dims, t->shape);
    }
    infer_status status;
    if ((status = inf_file_create(file, &job->model->a, path, MODEL_MODE, err)) ||
        (status = inf_gguf_write_begin(w, sink, file, err)))
        return status;
    for (size_t i = 0; i < part.count; i++)
        if ((status = put_tensor(job, w, job->tensors[part.first + i], err)))
            return status;
    if ((status = inf_gguf_write_end(w, err)))
        return status;
    return inf_file_close(file, err);
}

infer_status infer_merge(const infer_model *model, const char *path, infer_progress progress,
                         void *ud, infer_error *err)
{
    struct job job = {.model = model, .progress = progress, .ud = ud};
    struct inf_file file = {.fd = -1};
    struct inf_gguf_writer w;
    inf_gguf_write_init(&w, &model->a, (uint32_t)model->parts[0]->alignment);
    put_keys(model, &w);
    infer_status status = job_start(&job, err);
    if (!status)
        status = put_part(&job, (struct part){0, job.count}, &w, path, &file, err);
    if (!status)
        status = inf_file_publish(&file, err);
    if (!status)
        warn_of_lost_keys(model);
    inf_file_free(&file);
    inf_gguf_write_free(&w);
    inf_release(&model->a, job.tensors);
    return status;
}

/* ---- Split ----------------------------------------------------------------------------------- */

struct split {
    struct job job;
    const char *prefix;
    uint64_t max_tensors, max_bytes;
    struct part *parts;
    size_t part_count, part_capacity;
    struct inf_file *files; /* (part_count) */
};

/* Starts the writer of a part: its keys. */
static void start_part(const struct split *s, size_t no, size_t count, struct inf_gguf_writer *w)
{
    const infer_model *model = s->job.model;
    inf_gguf_write_init(w, &model->a, (uint32_t)model->parts[0]->alignment);
    if (!no)
        put_keys(model, w);
    inf_gguf_write_uint(w, "split.no", INFER_META_U16, no);
    inf_gguf_write_uint(w, "split.count", INFER_META_U16, count);
    inf_gguf_write_uint(w, "split.tensors.count", INFER_META_I32, s->job.count);
}

/* Size of a file by what is in it; all of it was parsed from memory, so nothing overflows. */
static uint64_t file_bytes(const struct split *s, uint64_t key_bytes, uint64_t table_bytes,
                           uint64_t data_bytes)
{
    uint64_t align = s->job.model->parts[0]->alignment,
             head = HEADER_BYTES + key_bytes + table_bytes;
    return (head + align - 1) / align * align + data_bytes;
}

/* The bytes of a part's keys, which the number of parts does not change; false: no memory. */
static bool key_bytes(const struct split *s, size_t no, uint64_t *bytes)
{
    struct inf_gguf_writer w;
    start_part(s, no, 1, &w);
    *bytes = w.keys.len;
    bool good = !w.keys.failed && !w.failed.status;
    inf_gguf_write_free(&w);
    return good;
}

static bool add_part(struct split *s, size_t first)
{
    void *parts = s->parts;
    if (!inf_grow(&s->job.model->a, &parts, &s->part_capacity, s->part_count + 1, sizeof *s->parts))
        return false;
    s->parts = parts;
    s->parts[s->part_count++] = (struct part){first, 0};
    return true;
}

static infer_status too_large(const struct split *s, const char *what, size_t len, uint64_t bytes,
                              infer_error *err)
{
    return inf_fail(err, INFER_E_LIMIT, "%.*s: makes a part of %llu bytes, at most %llu", (int)len,
                    what, (unsigned long long)bytes, (unsigned long long)s->max_bytes);
}

/* Deals the tensors out to parts. */
static infer_status choose_parts(struct split *s, infer_error *err)
{
    static const char metadata[] = "the metadata alone";
    uint64_t align = s->job.model->parts[0]->alignment, first_keys, later_keys;
    uint64_t keys, table = 0, data = 0;
    if (!key_bytes(s, 0, &first_keys) || !key_bytes(s, 1, &later_keys) || !add_part(s, 0))
        return inf_fail_memory(err, "the parts", 0);
    keys = first_keys;
    if (s->max_bytes && file_bytes(s, keys, 0, 0) > s->max_bytes)
        return too_large(s, metadata, sizeof metadata - 1, file_bytes(s, keys, 0, 0), err);
    for (size_t i = 0; i < s->job.count; i++) {
        const struct inf_gguf_tensor *t = s->job.tensors[i];
        uint64_t row = 8 + t->name.len + 4 + 8 * (uint64_t)t->dims + 4 + 8;
        uint64_t padded = (t->bytes + align - 1) / align * align;
        bool full = s->max_tensors && s->parts[s->part_count - 1].count == s->max_tensors;
        uint64_t bytes = file_bytes(s, keys, table + row, data + padded);
        if (full || (s->max_bytes && bytes > s->max_bytes)) {
            if (s->part_count == INF_MAX_SPLITS)
                return inf_fail(err, INFER_E_LIMIT,
                                "%zu of %zu tensors fill %u parts, which is the most", i,
                                s->job.count, INF_MAX_SPLITS);
            if (!add_part(s, i))
                return inf_fail_memory(err, "the parts", 0);
            keys = later_keys;
            table = data = 0;
            bytes = file_bytes(s, keys, row, padded);
            if (s->max_bytes && bytes > s->max_bytes)
                return too_large(s, t->name.ptr, inf_min_size(t->name.len, INF_MAX_NAME), bytes,
                                 err);
        }
        table += row;
        data += padded;
        s->parts[s->part_count - 1].count++;
    }
    return INFER_OK;
}

static infer_status put_parts(struct split *s, infer_error *err)
{
    infer_status status = INFER_OK;
    for (size_t i = 0; !status && i < s->part_count; i++) {
        char path[PREFIX_MAX + 32];
        struct inf_gguf_writer w;
        snprintf(path, sizeof path, "%s-%05zu-of-%05zu.gguf", s->prefix, i + 1, s->part_count);
        start_part(s, i, s->part_count, &w);
        status = put_part(&s->job, s->parts[i], &w, path, &s->files[i], err);
        inf_gguf_write_free(&w);
    }
    return status;
}

/* All parts get their names, or those that have got theirs are taken away again. */
static infer_status publish(struct split *s, infer_error *err)
{
    infer_status status = INFER_OK;
    size_t i = 0;
    while (!status && i < s->part_count)
        if (!(status = inf_file_publish(&s->files[i], err)))
            i++;
    while (status && i--)
        inf_file_withdraw(&s->files[i]);
    return status;
}

infer_status infer_split(const infer_model *model, const char *prefix, uint64_t max_tensors,
                         uint64_t max_bytes, infer_progress progress, void *ud, infer_error *err)
{
    struct split s = {.job = {.model = model, .progress = progress, .ud = ud},
                      .prefix = prefix,
                      .max_tensors = max_tensors,
                      .max_bytes = max_bytes};
    if (strlen(prefix) > PREFIX_MAX)
        return inf_fail(err, INFER_E_LIMIT, "a prefix of %zu bytes, at most %d", strlen(prefix),
                        PREFIX_MAX);
    infer_status status = job_start(&s.job, err);
    if (!status)
        status = choose_parts(&s, err);
    if (!status && !(s.files = inf_alloc_zero(&model->a, s.part_count, sizeof *s.files)))
        status = inf_fail_memory(err, "the files", s.part_count * sizeof *s.files);
    if (!status && !(status = put_parts(&s, err)) && !(status = publish(&s, err)))
        warn_of_lost_keys(model);
    for (size_t i = 0; s.files && i < s.part_count; i++)
        inf_file_free(&s.files[i]);
    inf_release(&model->a, s.files);
    inf_release(&model->a, s.parts);
    inf_release(&model->a, s.job.tensors);
    return status;
}
