/*
 * Models in several files: NAME-00001-of-00003.gguf and so on. Every part says which it is
 * (split.no from 0, split.count, split.tensors.count); the model's keys are in the first.
 */
#ifndef INF_GGUF_SPLIT_H
#define INF_GGUF_SPLIT_H

#include "formats/gguf.h"

struct inf_gguf_split {
    uint32_t no;      /* from 0 */
    uint32_t count;   /* of parts, 1 ... INF_MAX_SPLITS; 1 where the file is whole */
    uint64_t tensors; /* of all parts */
};

/* What a file says of itself; {0, 1, its tensors} where it says nothing. */
infer_status inf_gguf_split_read(const struct inf_gguf *part, struct inf_gguf_split *split,
                                 infer_error *err);

/* INFER_E_FORMAT unless the file says that it is part `no` (from 0) of `count`. */
infer_status inf_gguf_split_check(const struct inf_gguf *part, uint32_t no, uint32_t count,
                                  infer_error *err);

/* The parts together, parts[0] the first: as many tensors as promised, none of them twice. */
infer_status inf_gguf_split_total(const struct inf_gguf *const *parts, uint32_t count,
                                  infer_error *err);

/* The path of part `no` (from 0) of `count`, from the path of the first, which must end in
 * "-00001-of-COUNT.gguf": the same directory, another number. */
infer_status inf_gguf_split_path(const char *first, uint32_t no, uint32_t count, char *out,
                                 size_t capacity, infer_error *err);

#endif
