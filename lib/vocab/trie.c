/* The tokens as a trie over their symbols, for vocabularies that look for tokens at a place of the
 * text: v->pairs maps (node, symbol) to the node behind it (rank) and the token that ends there. */
#include "lib/vocab/vocab_data.h"

#include <stdio.h>

struct builder {
    struct inf_vocab *v;
    uint32_t nodes; /* made so far; node 0 is the root */
    infer_error *err;
};

static infer_status no_memory(struct builder *b, size_t slots)
{
    return inf_fail_memory(b->err, "the trie of the vocabulary",
                           slots * sizeof(struct inf_pair_slot));
}

/* A table of at least twice the size; what is in it moves over. */
static infer_status grow(struct builder *b, size_t slots)
{
    struct inf_vocab *v = b->v;
    struct inf_pair_slot *old = v->pairs;
    size_t old_slots = v->pair_slots, bytes;
    if (!inf_mul_size(slots, sizeof *v->pairs, &bytes) || slots > UINT32_MAX)
        return inf_fail(b->err, INFER_E_LIMIT,
                        "the vocabulary makes a table of %zu places, at "
                        "most %u",
                        slots, UINT32_MAX);
    v->pairs = inf_alloc(&v->a, bytes);
    if (!v->pairs) {
        v->pairs = old;
        return no_memory(b, slots);
    }
    memset(v->pairs, 0xff, bytes);
    v->pair_slots = slots;
    v->bytes += bytes - old_slots * sizeof *old;
    bool fits = true;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].rank != INF_NO_RANK)
            fits &= inf_pair_add(v, old[i]);
    inf_release(&v->a, old);
    return fits ? INFER_OK
                : inf_fail(b->err, INFER_E_FORMAT,
                           "tokenizer.ggml.tokens make a table "
                           "that is slow to search");
}

static infer_status step(struct builder *b, uint32_t *node, uint32_t symbol)
{
    struct inf_vocab *v = b->v;
    const struct inf_pair_slot *found = inf_vocab_pair(v, *node, symbol);
    if (found) {
        *node = found->rank;
        return INFER_OK;
    }
    if ((size_t)b->nodes * 3 / 2 + 8 >= v->pair_slots) {
        infer_status status = grow(b, v->pair_slots * 2);
        if (status)
            return status;
    }
    struct inf_pair_slot slot = {*node, symbol, b->nodes + 1, INF_NO_RANK};
    if (!inf_pair_add(v, slot))
        return inf_fail(b->err, INFER_E_FORMAT,
                        "tokenizer.ggml.tokens make a table that is slow to search");
    *node = ++b->nodes;
    return INFER_OK;
}

static size_t symbols_of(const struct inf_vocab *v, const struct inf_vocab_token *token)
{
    size_t count = 0;
    for (size_t at = 0, len; at < token->len; at += len, count++)
        inf_symbol(v, token->text + at, token->len - at, &len);
    return count;
}

/* The lowest id of a text counts. */
static infer_status insert(struct builder *b, uint32_t id)
{
    struct inf_vocab *v = b->v;
    const struct inf_vocab_token *token = &v->tokens[id];
    uint32_t node = 0, parent = 0, symbol = 0;
    size_t at = 0, len;
    if (v->model == INF_VOCAB_WORDPIECE && token->text[0] == ' ') {
        infer_status status = step(b, &node, INF_WORD_START);
        if (status || token->len == 1)
            return status;
        at = 1;
    }
    for (; at < token->len; at += len) {
        symbol = inf_symbol(v, token->text + at, token->len - at, &len);
        parent = node;
        infer_status status = step(b, &node, symbol);
        if (status)
            return status;
    }
    struct inf_pair_slot *last =
        (struct inf_pair_slot *)(uintptr_t)inf_vocab_pair(v, parent, symbol);
    if (last->id == INF_NO_RANK)
        last->id = id;
    return INFER_OK;
}

infer_status inf_trie_load(struct inf_vocab *v, const struct inf_vocab_source *source,
                           infer_error *err)
{
    struct builder b = {.v = v, .err = err};
    infer_status status = grow(&b, (size_t)v->count * 3 + 64);
    uint32_t too_long = 0;
    for (uint32_t id = 0; id < v->count && !status; id++) {
        const struct inf_vocab_token *token = &v->tokens[id];
        if (token->kind != INF_TOKEN_NORMAL || !token->len)
            continue;
        if (token->len > INF_TRIE_DEPTH && symbols_of(v, token) > INF_TRIE_DEPTH)
            too_long++;
        else if (!v->scores || v->scores[id] == v->scores[id])
            status = insert(&b, id);
    }
    if (!status && too_long && source->warn) {
        char text[128];
        snprintf(text, sizeof text, "%u tokens are longer than %d characters and never made",
                 too_long, INF_TRIE_DEPTH);
        source->warn(source->warn_ud, text);
    }
    return status;
}
