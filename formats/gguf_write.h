/*
 * Writes GGUF version 3, front to back, through a callback: nothing of the tensor data is held.
 *
 *     struct inf_gguf_writer w;
 *     inf_gguf_write_init(&w, a, 32);
 *     inf_gguf_write_text(&w, "general.name", name);              keys, in any order
 *     inf_gguf_write_tensor(&w, tensor_name, type, 2, shape);     tensors, in the order of their
 * data inf_gguf_write_begin(&w, sink, ud, &err);                   header, keys, tensor table
 *     inf_gguf_write_data(&w, bytes, len, &err);                  data, in pieces of any size
 *     inf_gguf_write_end(&w, &err);
 *     inf_gguf_write_free(&w);
 *
 * The calls before `begin` return nothing: the first that fails is remembered, and `begin` returns
 * it. Names must differ from one another; that is the caller's to see to. What the caller passes is
 * copied. A writer must stay where it was made (it holds its own address).
 */
#ifndef INF_GGUF_WRITE_H
#define INF_GGUF_WRITE_H

#include "formats/gguf.h"

/* Takes the next `len` bytes of the file. A failure ends the writing. */
typedef infer_status inf_gguf_sink(void *ud, const void *bytes, size_t len, infer_error *err);

struct inf_gguf_writer {
    infer_allocator a;
    struct inf_text keys, table;
    uint64_t key_count, tensor_count, alignment;
    uint64_t *bytes; /* of each tensor */
    size_t bytes_capacity;
    uint64_t data_bytes; /* of all tensors, each padded to the alignment */
    infer_error failed;  /* of the calls before `begin` */
    inf_gguf_sink *sink;
    void *ud;
    uint64_t current, written; /* the tensor that data goes to, and how much of it is there */
};

/* `a` is copied. An alignment (a power of two, 8 to INF_MAX_ALIGNMENT) other than 32 is written as
 * the key general.alignment. */
void inf_gguf_write_init(struct inf_gguf_writer *w, const infer_allocator *a, uint32_t alignment);
void inf_gguf_write_free(struct inf_gguf_writer *w);

/* A number, which must fit into `type`; a bool is 0 or 1. */
void inf_gguf_write_uint(struct inf_gguf_writer *w, const char *key, infer_meta_type type,
                         uint64_t value);
void inf_gguf_write_int(struct inf_gguf_writer *w, const char *key, infer_meta_type type,
                        int64_t value);
void inf_gguf_write_float(struct inf_gguf_writer *w, const char *key, infer_meta_type type,
                          double value);
void inf_gguf_write_text(struct inf_gguf_writer *w, const char *key, struct inf_bytes text);
/* `count` numbers of type `items`, as they are in memory. */
void inf_gguf_write_array(struct inf_gguf_writer *w, const char *key, infer_meta_type items,
                          size_t count, const void *values);
void inf_gguf_write_texts(struct inf_gguf_writer *w, const char *key, size_t count,
                          const struct inf_bytes *texts);
/* A key of a file, as it is; general.alignment is left out, since the writer has its own. */
void inf_gguf_write_copy(struct inf_gguf_writer *w, const struct inf_gguf_key *key);

/* A tensor behind the ones before: shape[0] is a row, whole blocks; its data is to follow. */
void inf_gguf_write_tensor(struct inf_gguf_writer *w, struct inf_bytes name,
                           const struct inf_type_info *type, uint32_t dims, const uint64_t *shape);

/* Bytes of the whole file; for any time before free. */
uint64_t inf_gguf_write_size(const struct inf_gguf_writer *w);

infer_status inf_gguf_write_begin(struct inf_gguf_writer *w, inf_gguf_sink *sink, void *ud,
                                  infer_error *err);
/* The data of all tensors in their order; a piece may end inside a tensor and reach into the next
 * (padding is put in between). INFER_E_ARGUMENT where there is more than the tensors hold. */
infer_status inf_gguf_write_data(struct inf_gguf_writer *w, const void *bytes, size_t len,
                                 infer_error *err);
/* INFER_E_ARGUMENT where data is missing. */
infer_status inf_gguf_write_end(struct inf_gguf_writer *w, infer_error *err);

#endif
