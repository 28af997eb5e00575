/*
 * Files that lack what a model needs, or have what we do not know: each sound as a container, each with
 * one fault, and the words that everything that runs a model, plans it or describes it must say of it.
 */
#ifndef INF_TEST_LACKING_H
#define INF_TEST_LACKING_H

#include "tests/mkfile.h"

struct lacking {
    const char *name, *kind; /* the kind of tests/tiny that it is made of; "T2": of mkfile.h */
    void (*edit)(struct mk_file *file, const char *what);
    const char *what;  /* the key or the tensor */
    const char *words; /* that the reason begins with */
    bool vocabulary;   /* the fault is of the tokenizer: what only needs that is refused too */
};

size_t lacking_count(void);
const struct lacking *lacking_at(size_t index);
struct mk_bytes lacking_file(const struct lacking *one);

#endif
