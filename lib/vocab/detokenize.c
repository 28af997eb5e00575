/* Ids to bytes. */
#include "lib/vocab/vocab_data.h"

static infer_status check_id(const struct inf_vocab *v, infer_token id, size_t index,
                             infer_error *err)
{
    if (id >= 0 && (uint32_t)id < v->count)
        return INFER_OK;
    return inf_fail(err, INFER_E_ARGUMENT, "token id %d at index %zu: ids are 0 to %u", (int)id,
                    index, v->count - 1);
}

infer_status inf_vocab_detokenize(const struct inf_vocab *v, const infer_token *ids, size_t count,
                                  char *text, size_t capacity, size_t *len, infer_error *err)
{
    *len = 0;
    size_t need = 0;
    for (size_t i = 0; i < count; i++) {
        infer_status status = check_id(v, ids[i], i, err);
        if (status)
            return status;
        if (!inf_add_size(need, v->tokens[ids[i]].len, &need))
            return inf_fail(err, INFER_E_LIMIT, "the text is longer than %zu bytes", SIZE_MAX);
    }
    size_t first = 0; /* the first token that has bytes, for the blank that is left out */
    while (first < count && !v->tokens[ids[first]].len)
        first++;
    bool strip = v->strip && first < count && v->tokens[ids[first]].text[0] == ' ';
    *len = need -= strip;
    if (need > capacity)
        return inf_fail(err, INFER_E_RANGE, "%zu bytes do not fit into %zu", need, capacity);
    for (size_t i = first; i < count; i++) {
        const struct inf_vocab_token *token = &v->tokens[ids[i]];
        size_t skip = strip && i == first;
        if (token->len > skip)
            memcpy(text, token->text + skip, token->len - skip);
        text += token->len - skip;
    }
    return INFER_OK;
}

infer_status inf_vocab_token_bytes(const struct inf_vocab *v, infer_token id, char *bytes,
                                   size_t capacity, size_t *len, infer_error *err)
{
    *len = 0;
    infer_status status = check_id(v, id, 0, err);
    if (status)
        return status;
    const struct inf_vocab_token *token = &v->tokens[id];
    *len = token->len;
    if (token->len > capacity)
        return inf_fail(err, INFER_E_RANGE, "%zu bytes do not fit into %zu", *len, capacity);
    if (token->len)
        memcpy(bytes, token->text, token->len);
    return INFER_OK;
}
