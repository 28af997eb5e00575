/* The GGUF writer. */
#include "formats/gguf_write.h"

#include "lib/base/limits.h"

#include <string.h>

#define ALIGNMENT_DEFAULT 32
#define HEADER_BYTES 24
#define VERSION 3

static bool refused(struct inf_gguf_writer *w)
{
    return w->failed.status != INFER_OK;
}

/* Numbers go out as they lie in memory: every machine that this runs on is little-endian. */
static void put(struct inf_text *to, const void *bytes, size_t len)
{
    inf_text_append(to, bytes, len);
}

static void put_u32(struct inf_text *to, uint32_t value)
{
    put(to, &value, sizeof value);
}

static void put_u64(struct inf_text *to, uint64_t value)
{
    put(to, &value, sizeof value);
}

static void put_string(struct inf_text *to, struct inf_bytes string)
{
    put_u64(to, string.len);
    put(to, string.ptr, string.len);
}

/* The bytes up to the next multiple of the alignment. */
static size_t padding(const struct inf_gguf_writer *w, uint64_t bytes)
{
    return (size_t)(-bytes & (w->alignment - 1));
}

void inf_gguf_write_init(struct inf_gguf_writer *w, const infer_allocator *a, uint32_t alignment)
{
    *w = (struct inf_gguf_writer){.a = *a, .alignment = alignment};
    w->keys.a = w->table.a = &w->a;
    if (alignment < 8 || alignment > INF_MAX_ALIGNMENT || alignment & (alignment - 1)) {
        inf_fail(&w->failed, INFER_E_ARGUMENT, "alignment %u is not a power of two from 8 to %u",
                 alignment, INF_MAX_ALIGNMENT);
        w->alignment = ALIGNMENT_DEFAULT;
    } else if (alignment != ALIGNMENT_DEFAULT) {
        inf_gguf_write_uint(w, "general.alignment", INFER_META_U32, alignment);
    }
}

void inf_gguf_write_free(struct inf_gguf_writer *w)
{
    inf_text_free(&w->keys);
    inf_text_free(&w->table);
    inf_release(&w->a, w->bytes);
    w->bytes = NULL;
}

/* Name and type of a key; false where an earlier call failed. */
static bool put_key(struct inf_gguf_writer *w, struct inf_bytes name, infer_meta_type type)
{
    if (!refused(w) && (!name.len || w->key_count == INF_MAX_KEYS))
        inf_fail(&w->failed, INFER_E_ARGUMENT, "key %llu \"%.*s\": %s",
                 (unsigned long long)w->key_count, (int)inf_min_size(name.len, INF_MAX_NAME),
                 name.ptr, name.len ? "too many keys" : "the name is empty");
    if (refused(w))
        return false;
    put_string(&w->keys, name);
    put_u32(&w->keys, (uint32_t)type);
    w->key_count++;
    return true;
}

static struct inf_bytes text_bytes(const char *text)
{
    return (struct inf_bytes){text, strlen(text)};
}

static bool check_type(struct inf_gguf_writer *w, const char *key, infer_meta_type type, bool ok)
{
    if (!ok && !refused(w))
        inf_fail(&w->failed, INFER_E_ARGUMENT, "key \"%s\": the value does not fit into type %s",
                 key, inf_gguf_type_name(type));
    return ok;
}

void inf_gguf_write_uint(struct inf_gguf_writer *w, const char *key, infer_meta_type type,
                         uint64_t value)
{
    size_t bytes = inf_gguf_type_bytes(type);
    bool is_signed = type == INFER_META_I8 || type == INFER_META_I16 || type == INFER_META_I32 ||
                     type == INFER_META_I64;
    unsigned bits = type == INFER_META_BOOL ? 1 : (unsigned)bytes * 8 - is_signed;
    bool fits = bytes && type != INFER_META_F32 && type != INFER_META_F64 &&
                (bits == 64 || !(value >> bits));
    if (check_type(w, key, type, fits) && put_key(w, text_bytes(key), type))
        put(&w->keys, &value, bytes);
}

void inf_gguf_write_int(struct inf_gguf_writer *w, const char *key, infer_meta_type type,
                        int64_t value)
{
    if (value >= 0) {
        inf_gguf_write_uint(w, key, type, (uint64_t)value);
        return;
    }
    size_t bytes = inf_gguf_type_bytes(type);
    bool is_signed = type == INFER_META_I8 || type == INFER_META_I16 || type == INFER_META_I32 ||
                     type == INFER_META_I64;
    bool fits = is_signed && value >= INT64_MIN >> (64 - 8 * bytes);
    if (check_type(w, key, type, fits) && put_key(w, text_bytes(key), type))
        put(&w->keys, &value, bytes);
}

void inf_gguf_write_float(struct inf_gguf_writer *w, const char *key, infer_meta_type type,
                          double value)
{
    if (!check_type(w, key, type, type == INFER_META_F32 || type == INFER_META_F64) ||
        !put_key(w, text_bytes(key), type))
        return;
    float single = (float)value;
    if (type == INFER_META_F32)
        put(&w->keys, &single, sizeof single);
    else
        put(&w->keys, &value, sizeof value);
}

void inf_gguf_write_text(struct inf_gguf_writer *w, const char *key, struct inf_bytes text)
{
    if (put_key(w, text_bytes(key), INFER_META_STRING))
        put_string(&w->keys, text);
}

static bool put_array(struct inf_gguf_writer *w, struct inf_bytes name, infer_meta_type items,
                      size_t count)
{
    if (!refused(w) && count > INF_MAX_ARRAY)
        inf_fail(&w->failed, INFER_E_LIMIT, "key \"%.*s\": array of %zu elements, at most %u",
                 (int)inf_min_size(name.len, INF_MAX_NAME), name.ptr, count, INF_MAX_ARRAY);
    if (!put_key(w, name, INFER_META_ARRAY))
        return false;
    put_u32(&w->keys, (uint32_t)items);
    put_u64(&w->keys, count);
    return true;
}

void inf_gguf_write_array(struct inf_gguf_writer *w, const char *key, infer_meta_type items,
                          size_t count, const void *values)
{
    size_t bytes = inf_gguf_type_bytes(items);
    if (check_type(w, key, items, bytes != 0) && put_array(w, text_bytes(key), items, count))
        put(&w->keys, values, count * bytes);
}

void inf_gguf_write_texts(struct inf_gguf_writer *w, const char *key, size_t count,
                          const struct inf_bytes *texts)
{
    if (!put_array(w, text_bytes(key), INFER_META_STRING, count))
        return;
    for (size_t i = 0; i < count; i++)
        put_string(&w->keys, texts[i]);
}

void inf_gguf_write_copy(struct inf_gguf_writer *w, const struct inf_gguf_key *key)
{
    if (inf_bytes_equal(key->name, "general.alignment"))
        return;
    size_t bytes = (size_t)key->count * inf_gguf_type_bytes(key->items);
    if (key->items == INFER_META_STRING && key->count) {
        infer_meta_value last;
        inf_gguf_value(key, key->count - 1, &last);
        bytes = (size_t)(last.text + last.text_len - (const char *)key->data);
    }
    bool there = key->type == INFER_META_ARRAY
                     ? put_array(w, key->name, key->items, (size_t)key->count)
                     : put_key(w, key->name, key->type);
    if (there)
        put(&w->keys, key->data, bytes);
}

void inf_gguf_write_tensor(struct inf_gguf_writer *w, struct inf_bytes name,
                           const struct inf_type_info *type, uint32_t dims, const uint64_t *shape)
{
    if (refused(w))
        return;
    uint64_t bytes = 0, padded = 0, end = 0;
    bool ok = name.len && type && dims <= INF_MAX_DIMS && w->tensor_count < INF_MAX_TENSORS &&
              inf_type_row_bytes(type, dims ? shape[0] : 1, &bytes);
    for (uint32_t i = 1; ok && i < dims; i++)
        ok = !__builtin_mul_overflow(bytes, shape[i], &bytes);
    ok = ok && !__builtin_add_overflow(bytes, w->alignment - 1, &padded) &&
         !__builtin_add_overflow(w->data_bytes, padded & ~(w->alignment - 1), &end);
    if (!ok) {
        inf_fail(
            &w->failed, INFER_E_ARGUMENT,
            "tensor %llu \"%.*s\": no such tensor can be written: type %s, %u dimensions, rows "
            "of %llu",
            (unsigned long long)w->tensor_count, (int)inf_min_size(name.len, INF_MAX_NAME),
            name.ptr, type ? type->name : "?", dims, dims ? (unsigned long long)shape[0] : 1);
        return;
    }
    void *sizes = w->bytes;
    if (!inf_grow(&w->a, &sizes, &w->bytes_capacity, (size_t)w->tensor_count + 1,
                  sizeof *w->bytes)) {
        inf_fail_memory(&w->failed, "the tensor table", 0);
        return;
    }
    w->bytes = sizes;
    w->bytes[w->tensor_count++] = bytes;
    put_string(&w->table, name);
    put_u32(&w->table, dims);
    put(&w->table, shape, dims * sizeof *shape);
    put_u32(&w->table, type->id);
    put_u64(&w->table, w->data_bytes);
    w->data_bytes = end;
}

uint64_t inf_gguf_write_size(const struct inf_gguf_writer *w)
{
    uint64_t head = HEADER_BYTES + w->keys.len + w->table.len;
    return head + padding(w, head) + w->data_bytes;
}

static infer_status put_zeros(struct inf_gguf_writer *w, size_t len, infer_error *err)
{
    static const char zeros[4096];
    infer_status status = INFER_OK;
    for (size_t part; len && !status; len -= part) {
        part = inf_min_size(len, sizeof zeros);
        status = w->sink(w->ud, zeros, part, err);
    }
    return status;
}

/* Passes over the tensors whose data is complete. */
static infer_status next_tensor(struct inf_gguf_writer *w, infer_error *err)
{
    infer_status status = INFER_OK;
    while (!status && w->current < w->tensor_count && w->written == w->bytes[w->current]) {
        status = put_zeros(w, padding(w, w->written), err);
        w->current++;
        w->written = 0;
    }
    return status;
}

infer_status inf_gguf_write_begin(struct inf_gguf_writer *w, inf_gguf_sink *sink, void *ud,
                                  infer_error *err)
{
    if (refused(w))
        return inf_fail(err, w->failed.status, "%s", w->failed.text);
    if (w->keys.failed || w->table.failed)
        return inf_fail_memory(err, "keys and tensor table", w->keys.len + w->table.len);
    w->sink = sink;
    w->ud = ud;
    uint8_t header[HEADER_BYTES] = "GGUF";
    memcpy(header + 4, &(uint32_t){VERSION}, 4);
    memcpy(header + 8, &w->tensor_count, 8);
    memcpy(header + 16, &w->key_count, 8);
    infer_status status = sink(ud, header, sizeof header, err);
    if (!status && w->keys.len)
        status = sink(ud, w->keys.ptr, w->keys.len, err);
    if (!status && w->table.len)
        status = sink(ud, w->table.ptr, w->table.len, err);
    if (!status)
        status = put_zeros(w, padding(w, HEADER_BYTES + w->keys.len + w->table.len), err);
    return status ? status : next_tensor(w, err);
}

infer_status inf_gguf_write_data(struct inf_gguf_writer *w, const void *bytes, size_t len,
                                 infer_error *err)
{
    const char *at = bytes;
    while (len) {
        if (w->current == w->tensor_count)
            return inf_fail(err, INFER_E_ARGUMENT, "%zu bytes more than the %llu tensors hold", len,
                            (unsigned long long)w->tensor_count);
        uint64_t rest = w->bytes[w->current] - w->written;
        size_t part = rest < len ? (size_t)rest : len;
        infer_status status = w->sink(w->ud, at, part, err);
        if (status)
            return status;
        at += part;
        len -= part;
        w->written += part;
        if ((status = next_tensor(w, err)))
            return status;
    }
    return INFER_OK;
}

infer_status inf_gguf_write_end(struct inf_gguf_writer *w, infer_error *err)
{
    if (w->current < w->tensor_count)
        return inf_fail(err, INFER_E_ARGUMENT, "tensor %llu has %llu bytes of %llu",
                        (unsigned long long)w->current, (unsigned long long)w->written,
                        (unsigned long long)w->bytes[w->current]);
    return INFER_OK;
}
