/*
 * Damaged model files by name: one fault each, made from the base models of mkfile.h. The names
 * begin with the row of the catalogue of faults that they stand for:
 *   A  header and metadata encoding    B  tensor table and data     C  hyperparameters
 *   D  vocabulary                      G  split files               H  weights
 *   E  experts                         L  latent attention
 *   R  recurrent layers                F  what one family alone has
 *   V  sound files that look odd
 * What needs a file system (devices, sparse files, files that shrink) and what sweeps a whole file
 * (cuts at each byte, flips of each bit) is in the tests themselves.
 */
#ifndef MKBAD_H
#define MKBAD_H

#include "tests/mkfile.h"

enum mkbad_verdict {
    MKBAD_OK,     /* the container is sound; the model runs */
    MKBAD_REFUSE, /* must be refused, with a text */
    MKBAD_EITHER  /* neither crash nor hang nor waste */
};

struct mkbad_case {
    char row[4];              /* "A10" */
    char name[80];            /* "A10_alignment_0" */
    enum mkbad_verdict parse; /* of inf_gguf_parse */
    enum mkbad_verdict model; /* of opening it and asking whether it can be run */
    struct mk_bytes file;
    size_t meta_bytes; /* bytes before the tensor data */
};

size_t mkbad_count(void);
/* Name and verdicts of case `index`, without its file. */
void mkbad_name(size_t index, struct mkbad_case *out);
/* Case `index`; the file is the caller's until mkbad_free. */
void mkbad_make(size_t index, struct mkbad_case *out);
void mkbad_free(struct mkbad_case *made);

#endif
