/* An open file (or several parts of one), and what the engine knows of it. */
#ifndef INF_MODEL_H
#define INF_MODEL_H

#include "formats/gguf.h"
#include "lib/arch/arch.h"
#include "lib/base/map.h"
#include "lib/vocab/vocab.h"

#include <pthread.h>

struct inf_token_trie; /* lib/grammar/grammar.h */

struct infer_model {
    infer_allocator a;
    _Atomic uint32_t references;
    infer_log log;
    void *log_ud;
    bool no_mmap;
    infer_progress progress; /* of reading; until the model is open */
    void *progress_ud;

    struct inf_map *maps; /* (parts); NULL for a model in memory */
    struct inf_gguf **parts;
    uint32_t part_count;
    struct inf_arena texts; /* NUL-terminated copies for infer_model_info */
    const char *path;       /* of the first part, in `texts`; NULL for a model in memory */
    infer_model_info info;

    /* Made when first asked for, under the lock. */
    pthread_mutex_t lock;
    struct inf_vocab *vocab;
    struct inf_token_trie *trie; /* of the vocabulary, for grammars */
    bool warned;                 /* of tensors that nothing needs */
};

void inf_model_retain(infer_model *model);

/* Puts the model's path before the text of a failure; gives the status back. */
infer_status inf_model_failed(const infer_model *model, infer_status status, infer_error *err);

void inf_model_warn(const infer_model *model, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* By name over all parts; the type is inf_tensor_find_fn with `ud` the model. */
const struct inf_gguf_tensor *inf_model_find(const void *ud, const char *name);

/* INFER_E_ARGUMENT where the sampler holds to a grammar that is for other tokens (constrain.c). */
infer_status inf_sampler_fits(const infer_sampler *sampler, const infer_model *model,
                              infer_error *err);

/* A grammar of the public header, of what `make` makes for the trie of the model's tokens (constrain.c). */
struct inf_grammar;
typedef infer_status (*inf_grammar_maker)(void *ud, const struct inf_token_trie *trie,
                                          struct inf_grammar **grammar, infer_error *err);
infer_status inf_grammar_make(infer_model *model, inf_grammar_maker make, void *ud,
                              infer_grammar **grammar, infer_error *err);

/* The tokenizer; made at the first call. Borrowed until the model is freed. */
infer_status inf_model_vocab(const infer_model *model, const struct inf_vocab **vocab,
                             infer_error *err);

/* The model (NULL: none) and the text of a template. */
infer_model *inf_template_model(const infer_template *t);
struct inf_bytes inf_template_source(const infer_template *t);

/* The architecture, its numbers, and every weight of `layers` + 1 (the last: outside layers) into
 * *weights (layers + 1, INF_SLOT_COUNT), taken from `arena`. */
infer_status inf_model_bind(const infer_model *model, struct inf_arena *arena,
                            const struct inf_arch **arch, struct inf_hparams *hp,
                            struct inf_weight **weights, infer_error *err);

#endif
