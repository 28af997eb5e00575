/*
 * GGUF files in memory, made field by field, sound or not: what a writer would refuse to write is
 * written here. Deterministic. Ends the process where memory runs out, as tests may.
 */
#ifndef MKFILE_H
#define MKFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_bytes {
    uint8_t *ptr;
    size_t len, capacity;
};

void mk_put(struct mk_bytes *to, const void *bytes, size_t len);
void mk_put_u32(struct mk_bytes *to, uint32_t value);
void mk_put_u64(struct mk_bytes *to, uint64_t value);
void mk_put_string(struct mk_bytes *to, const char *text, size_t len);

struct mk_key {
    struct mk_bytes name;
    uint64_t name_len; /* as written; the name itself is written whole */
    uint32_t type;
    struct mk_bytes value; /* encoded */
};

#define MK_DIMS_MAX 8

struct mk_tensor {
    struct mk_bytes name;
    uint64_t name_len;
    uint32_t dims; /* as written; at most MK_DIMS_MAX lengths follow */
    uint64_t shape[MK_DIMS_MAX];
    uint32_t type;
    bool placed; /* offset is as given; else behind the tensor before */
    uint64_t offset;
    struct mk_bytes data;
};

struct mk_file {
    char magic[4];
    uint32_t version, alignment; /* the alignment of the layout; its key is a key like any other */
    uint64_t keys_more, tensors_more; /* added to the true counts in the header, modulo 2^64 */
    struct mk_key *keys;
    size_t key_count;
    struct mk_tensor *tensors;
    size_t tensor_count;
    size_t tail; /* bytes behind the last tensor */
};

struct mk_file *mk_new(void);
void mk_free(struct mk_file *file);

struct mk_key *mk_key(struct mk_file *file, const char *name); /* NULL where there is none */
struct mk_key *mk_add_key(struct mk_file *file, const char *name, uint32_t type);
/* A key with another value, or a new one; the value is empty. */
struct mk_key *mk_set_key(struct mk_file *file, const char *name, uint32_t type);
void mk_drop_key(struct mk_file *file, const char *name);
void mk_set_u32(struct mk_file *file, const char *name, uint32_t value);
void mk_set_f32(struct mk_file *file, const char *name, float value);
void mk_set_text(struct mk_file *file, const char *name, const char *text, size_t len);
/* An array with `count` said and `bytes` of elements. */
void mk_set_array(struct mk_file *file, const char *name, uint32_t items, uint64_t count,
                  const void *values, size_t bytes);

struct mk_tensor *mk_tensor(struct mk_file *file, const char *name);
/* With small pseudo-random weights (F32, Q8_0) or zeros, of the right size. */
struct mk_tensor *mk_add_tensor(struct mk_file *file, const char *name, uint32_t type,
                                uint32_t dims, const uint64_t *shape);
/* Another shape, and data to fit. */
void mk_reshape(struct mk_tensor *tensor, uint32_t dims, uint64_t d0, uint64_t d1, uint64_t d2);
void mk_drop_tensor_at(struct mk_file *file, size_t index);

/* The bytes of the file; *meta_bytes (NULL allowed): up to the tensor data. */
struct mk_bytes mk_build(const struct mk_file *file, size_t *meta_bytes);

/* T: llama, 1 block, 64 wide, 2 heads, 2 key heads, feed-forward 128, context 128, SentencePiece
 * vocabulary of 320, Q8_0, output tied. T2: the same with 2 blocks, 4 experts of which 2 are used,
 * byte-level BPE with merges, chat template. */
#define MK_VOCAB 320
#define MK_EMBD 64
#define MK_FF 128
struct mk_file *mk_base_t(void);
struct mk_file *mk_base_t2(void);

/* GGUF's numbers for value types. */
enum {
    MK_U8,
    MK_I8,
    MK_U16,
    MK_I16,
    MK_U32,
    MK_I32,
    MK_F32,
    MK_BOOL,
    MK_STRING,
    MK_ARRAY,
    MK_U64,
    MK_I64,
    MK_F64,
    MK_VALUE_TYPES
};

#endif
