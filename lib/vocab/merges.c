/* The byte alphabet of byte-level BPE, and its table of merges. */
#include "lib/vocab/vocab_data.h"

#include <stdio.h>

#define PROBES_MAX 4096 /* a table that needs more was made to be slow */

size_t inf_byte_level_decode(const char *text, size_t len, char *out)
{
    size_t count = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t step = inf_utf8_decode(text + i, len - i, &code);
        if (!step)
            return SIZE_MAX;
        i += step;
        if (code >= 0x100) {
            /* the bytes 0-32, 127-160 and 173, in this order */
            code -= 0x100;
            if (code > 67)
                return SIZE_MAX;
            code = code <= 32 ? code : code == 67 ? 173 : code - 33 + 127;
        } else if (code <= 32 || (code >= 127 && code <= 160) || code == 173) {
            return SIZE_MAX;
        }
        out[count++] = (char)code;
    }
    return count;
}

/* One merge with its bytes: text[0..left) and text[left..len). */
struct merge {
    const char *text;
    size_t left, len;
};

static infer_status decode_merge(struct inf_bytes line, uint32_t index, char *buffer,
                                 struct merge *merge, infer_error *err)
{
    const char *space = line.len > 2 ? memchr(line.ptr + 1, ' ', line.len - 2) : NULL;
    size_t left = SIZE_MAX, right = SIZE_MAX;
    if (space && line.len <= 2 * INF_MAX_TOKEN_TEXT) {
        size_t at = (size_t)(space - line.ptr);
        left = inf_byte_level_decode(line.ptr, at, buffer);
        if (left != SIZE_MAX)
            right = inf_byte_level_decode(space + 1, line.len - at - 1, buffer + left);
    }
    if (right == SIZE_MAX)
        return inf_fail(err, INFER_E_FORMAT,
                        "tokenizer.ggml.merges[%u]: '%.*s' is not two parts with a blank between",
                        index, (int)inf_min_size(line.len, 64), line.ptr);
    *merge = (struct merge){.text = buffer, .left = left, .len = left + right};
    return INFER_OK;
}

/* The first merge of a pair counts. */
static bool add_pair(struct inf_vocab *v, struct inf_pair_slot pair)
{
    size_t i = inf_hash_slot(inf_hash_pair(pair.left, pair.right), v->pair_slots);
    for (int probes = 0; probes < PROBES_MAX; probes++) {
        struct inf_pair_slot *slot = &v->pairs[i];
        if (slot->rank == INF_NO_RANK) {
            *slot = pair;
            return true;
        }
        if (slot->left == pair.left && slot->right == pair.right)
            return true;
        i = i + 1 == v->pair_slots ? 0 : i + 1;
    }
    return false;
}

/* Merges mostly make the same token as the one before, or the next one: looked at first. */
static infer_token find_joined(const struct inf_vocab *v, const struct merge *merge,
                               infer_token before)
{
    for (infer_token id = before; before >= 0 && id <= before + 1; id++) {
        if ((uint32_t)id >= v->count)
            break;
        const struct inf_vocab_token *token = &v->tokens[id];
        if (token->kind == INF_TOKEN_NORMAL && token->len == merge->len && !v->has_duplicates &&
            !memcmp(token->text, merge->text, merge->len))
            return id;
    }
    return inf_vocab_lookup(v, merge->text, merge->len);
}

infer_status inf_merges_load(struct inf_vocab *v, const struct inf_vocab_source *source,
                             infer_error *err)
{
    uint32_t count = source->merge ? source->merge_count : 0;
    v->pair_slots = (size_t)count + count / 2 + 16;
    size_t bytes;
    if (!inf_mul_size(v->pair_slots, sizeof *v->pairs, &bytes) ||
        !(v->pairs = inf_alloc(&v->a, bytes)))
        return inf_fail_memory(err, "merges", v->pair_slots * sizeof *v->pairs);
    memset(v->pairs, 0xff, bytes);
    v->bytes += bytes;

    char *buffer = inf_alloc(&v->a, 2 * INF_MAX_TOKEN_TEXT);
    if (!buffer)
        return inf_fail_memory(err, "merges", 2 * INF_MAX_TOKEN_TEXT);
    infer_status status = INFER_OK;
    infer_token before = -1;
    uint32_t unknown = 0, first_unknown = 0;
    for (uint32_t i = 0; i < count && !status; i++) {
        struct merge merge = {0};
        status = decode_merge(source->merge(source->ud, i), i, buffer, &merge, err);
        if (status)
            break;
        infer_token left = inf_vocab_lookup(v, merge.text, merge.left);
        infer_token right = inf_vocab_lookup(v, merge.text + merge.left, merge.len - merge.left);
        infer_token joined = find_joined(v, &merge, before);
        if (left < 0 || right < 0 || joined < 0) {
            first_unknown = unknown++ ? first_unknown : i;
            continue;
        }
        before = joined;
        if (!add_pair(v,
                      (struct inf_pair_slot){(uint32_t)left, (uint32_t)right, i, (uint32_t)joined}))
            status = inf_fail(err, INFER_E_FORMAT,
                              "tokenizer.ggml.merges[%u] needs more than %d probes of a table", i,
                              PROBES_MAX);
    }
    inf_release(&v->a, buffer);
    if (!status && unknown && source->warn) {
        char text[160];
        snprintf(text, sizeof text,
                 "tokenizer.ggml.merges: %u of %u name texts that are no tokens and never apply "
                 "(the first is number %u)",
                 unknown, count, first_unknown);
        source->warn(source->warn_ud, text);
    }
    return status;
}
