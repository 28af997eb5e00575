/*
 * Reads GGUF, versions 2 and 3, from a range of bytes. Knows the container alone: keys, values,
 * tensors; what they mean to a model is lib/'s business.
 *
 *     "GGUF" | u32 version | u64 tensors | u64 keys | keys | tensor table | padding | tensor data
 *     key:    string name | u32 type | value              string: u64 bytes | the bytes
 *     array:  u32 element type | u64 count | elements     bool: one byte, 0 or 1
 *     tensor: string name | u32 dims | u64 shape[dims] | u32 type | u64 offset into the data
 *
 * Everything is little-endian and nothing but tensor data is aligned. A count is believed only if
 * that many of the smallest possible items fit into what is left of the file. Nothing here reads
 * tensor data.
 */
#ifndef INF_GGUF_H
#define INF_GGUF_H

#include "formats/type.h"
#include "lib/base/base.h"

struct inf_gguf_key {
    struct inf_bytes name; /* first, as in tensors: what is sorted begins with its name */
    infer_meta_type type;  /* of the value */
    infer_meta_type items; /* of an array's elements; else as `type` */
    uint64_t count;        /* elements of an array; else 1 */
    const uint8_t *data;   /* the first element; a string begins with its length */
    uint64_t *starts;      /* of an array of strings: offset of each from data; else NULL */
};

struct inf_gguf_tensor {
    struct inf_bytes name;
    uint32_t type_id;
    const struct inf_type_info *type; /* NULL where unknown; then bytes is 0 */
    uint32_t dims;
    uint64_t shape[4];        /* 1 beyond dims; shape[0] is a row */
    uint64_t elements, bytes; /* elements of all tensors together fit into int64_t */
    uint64_t offset;          /* from the start of the tensor data */
    const uint8_t *data;      /* inside the range that was parsed */
};

struct inf_gguf {
    infer_allocator a;
    const uint8_t *bytes;
    size_t size;
    uint32_t version;
    uint64_t alignment;
    size_t data_start; /* where tensor data begins; the size where the file ends before */
    struct inf_gguf_key *keys;
    size_t key_count;
    struct inf_gguf_tensor *tensors;
    size_t tensor_count;
    struct inf_sort_item *key_order, *tensor_order; /* sorted by name */
    size_t heap_bytes;                              /* what all of this takes */
};

/* Checks header, keys and tensor table of bytes[0..size), which must stay there until free. On
 * failure *gguf is NULL and *err names the key or tensor and the byte offset. */
infer_status inf_gguf_parse(const infer_allocator *a, const void *bytes, size_t size,
                            struct inf_gguf **gguf, infer_error *err);
void inf_gguf_free(struct inf_gguf *gguf);

/* NULL where there is none. */
const struct inf_gguf_key *inf_gguf_key(const struct inf_gguf *gguf, const char *name);
const struct inf_gguf_tensor *inf_gguf_tensor(const struct inf_gguf *gguf, const char *name);

/* Bytes of a value of a type, 0 for strings, arrays and unknown types; and its name. */
size_t inf_gguf_type_bytes(infer_meta_type type);
const char *inf_gguf_type_name(infer_meta_type type);

/* Element `item` (< count) of a value. */
void inf_gguf_value(const struct inf_gguf_key *key, uint64_t item, infer_meta_value *value);

/* Typed reading of a key by name, for what a model needs. Each returns INFER_OK and leaves *out
 * alone where the key is absent; a key of a wrong type or out of [low, high] is INFER_E_FORMAT that
 * names it. Integers of any integer type are taken where the value fits; a float must be finite. */
infer_status inf_gguf_get_uint(const struct inf_gguf *gguf, const char *name, uint64_t low,
                               uint64_t high, uint64_t *out, infer_error *err);
infer_status inf_gguf_get_float(const struct inf_gguf *gguf, const char *name, double *out,
                                infer_error *err);
infer_status inf_gguf_get_bool(const struct inf_gguf *gguf, const char *name, bool *out,
                               infer_error *err);
infer_status inf_gguf_get_text(const struct inf_gguf *gguf, const char *name, struct inf_bytes *out,
                               infer_error *err);

#endif
