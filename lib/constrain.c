/* Grammars of the public header: one with the model whose tokens it is made for. */
#include "lib/model.h"

#include "lib/grammar/grammar.h"
#include "lib/sample/sample.h"

#include <stdatomic.h>
#include <string.h>

struct infer_grammar {
    infer_allocator a;
    _Atomic uint32_t references;
    infer_model *model;
    struct inf_grammar *g;
    uint32_t vocab_size;
};

/* ---- The tokens of a model -------------------------------------------------------------------- */

static infer_status bytes_of(const void *ud, infer_token id, char *bytes, size_t capacity,
                             size_t *len, infer_error *err)
{
    return inf_vocab_token_bytes(ud, id, bytes, capacity, len, err);
}

static bool is_text(const void *ud, infer_token id)
{
    infer_kind kind = inf_vocab_kind(ud, id);
    return kind == INFER_KIND_NORMAL || kind == INFER_KIND_USER_DEFINED || kind == INFER_KIND_BYTE;
}

static bool ends(const void *ud, infer_token id)
{
    return inf_vocab_ends(ud, id);
}

static bool is_special(const void *ud, infer_token id)
{
    infer_kind kind = inf_vocab_kind(ud, id);
    return kind == INFER_KIND_CONTROL || kind == INFER_KIND_USER_DEFINED;
}

/* The trie of a model's tokens; made at the first call. */
static infer_status trie_of(infer_model *model, const struct inf_token_trie **trie,
                            uint32_t *vocab_size, infer_error *err)
{
    const struct inf_vocab *vocab;
    infer_status status = inf_model_vocab(model, &vocab, err);
    if (status)
        return status;
    *vocab_size = inf_vocab_count(vocab);
    struct inf_token_source source = {.count = *vocab_size,
                                      .ud = vocab,
                                      .bytes = bytes_of,
                                      .is_text = is_text,
                                      .ends = ends,
                                      .is_special = is_special};
    pthread_mutex_lock(&model->lock);
    if (!model->trie)
        status = inf_token_trie_new(&model->a, &source, &model->trie, err);
    *trie = model->trie;
    pthread_mutex_unlock(&model->lock);
    return status;
}

/* ---- Grammars ---------------------------------------------------------------------------------- */

infer_status inf_grammar_make(infer_model *model, inf_grammar_maker make, void *ud,
                              infer_grammar **grammar, infer_error *err)
{
    const struct inf_token_trie *trie;
    *grammar = NULL;
    infer_grammar *g = inf_alloc_zero(&model->a, 1, sizeof *g);
    if (!g)
        return inf_fail_memory(err, "a grammar", sizeof *g);
    infer_status status = trie_of(model, &trie, &g->vocab_size, err);
    if (!status)
        status = make(ud, trie, &g->g, err);
    if (status) {
        inf_release(&model->a, g);
        return status;
    }
    inf_model_retain(model);
    g->a = model->a;
    g->references = 1;
    g->model = model;
    *grammar = g;
    return INFER_OK;
}

struct text {
    const infer_allocator *a;
    infer_grammar_kind kind;
    const char *text;
    size_t len;
};

static infer_status make_of_text(void *ud, const struct inf_token_trie *trie,
                                 struct inf_grammar **g, infer_error *err)
{
    const struct text *t = ud;
    return inf_grammar_new(t->a, trie, t->kind, t->text, t->len, g, err);
}

infer_status infer_grammar_new(infer_model *model, infer_grammar_kind kind, const char *text,
                               size_t len, infer_grammar **grammar, infer_error *err)
{
    if (!model || !grammar || !text)
        return inf_fail(err, INFER_E_ARGUMENT, "%s: NULL",
                        !model     ? "model"
                        : !grammar ? "grammar"
                                   : "text");
    struct text t = {&model->a, kind, text, len};
    return inf_grammar_make(model, make_of_text, &t, grammar, err);
}

void infer_grammar_free(infer_grammar *grammar)
{
    if (!grammar || atomic_fetch_sub(&grammar->references, 1) != 1)
        return;
    infer_allocator a = grammar->a;
    inf_grammar_free(grammar->g);
    infer_model_free(grammar->model);
    inf_release(&a, grammar);
}

/* ---- A sampler's text --------------------------------------------------------------------------- */

struct held {
    infer_grammar *grammar;
    struct inf_matcher *matcher;
};

static infer_status mask(void *ud, const uint64_t **bits, infer_error *err)
{
    return inf_matcher_mask(((struct held *)ud)->matcher, bits, err);
}

static infer_status accept(void *ud, infer_token id, infer_error *err)
{
    return inf_matcher_accept(((struct held *)ud)->matcher, id, err);
}

static void release(void *ud)
{
    struct held *held = ud;
    infer_grammar *grammar = held->grammar;
    inf_matcher_free(held->matcher);
    inf_release(&grammar->a, held);
    infer_grammar_free(grammar);
}

infer_status infer_sampler_grammar(infer_sampler *sampler, infer_grammar *grammar, infer_error *err)
{
    if (!sampler)
        return inf_fail(err, INFER_E_ARGUMENT, "sampler: NULL");
    if (!grammar)
        return inf_sampler_set_filter(sampler, (struct inf_filter){0}, err);
    if (grammar->vocab_size != inf_sampler_vocab_size(sampler))
        return inf_fail(err, INFER_E_ARGUMENT, "the grammar is for %u tokens, the sampler for %u",
                        (unsigned)grammar->vocab_size, (unsigned)inf_sampler_vocab_size(sampler));
    struct held *held = inf_alloc_zero(&grammar->a, 1, sizeof *held);
    if (!held)
        return inf_fail_memory(err, "a grammar's state", sizeof *held);
    held->grammar = grammar;
    infer_status status = inf_matcher_new(grammar->g, &held->matcher, err);
    if (status) {
        inf_release(&grammar->a, held);
        return status;
    }
    atomic_fetch_add(&grammar->references, 1);
    status = inf_sampler_set_filter(sampler,
                                    (struct inf_filter){.ud = held,
                                                        .mask = mask,
                                                        .accept = accept,
                                                        .release = release,
                                                        .model = grammar->model,
                                                        .ends = inf_grammar_ends(grammar->g)},
                                    err);
    if (status)
        release(held);
    return status;
}

/* Whether a token is the same in two vocabularies of one size. */
static bool same_token(const struct inf_vocab *a, const struct inf_vocab *b, infer_token id)
{
    char text[2][1024]; /* a longer token is taken for another one */
    size_t len[2];
    if (inf_vocab_kind(a, id) != inf_vocab_kind(b, id) || ends(a, id) != ends(b, id) ||
        bytes_of(a, id, text[0], sizeof text[0], &len[0], NULL) ||
        bytes_of(b, id, text[1], sizeof text[1], &len[1], NULL))
        return false;
    return len[0] == len[1] && !memcmp(text[0], text[1], len[0]);
}

infer_status inf_sampler_fits(const infer_sampler *sampler, const infer_model *model,
                              infer_error *err)
{
    const infer_model *other = inf_sampler_model(sampler);
    const struct inf_vocab *a, *b;
    infer_status status;
    if (!other || other == model)
        return INFER_OK;
    if ((status = inf_model_vocab(other, &a, err)) || (status = inf_model_vocab(model, &b, err)))
        return status;
    uint32_t count = inf_vocab_count(a);
    for (uint32_t id = 0; id < count; id++)
        if (inf_vocab_count(b) != count || !same_token(a, b, (infer_token)id))
            return inf_fail(err, INFER_E_ARGUMENT,
                            "the sampler's grammar is for another vocabulary: token %u differs",
                            (unsigned)id);
    return INFER_OK;
}
