/* The byte alphabet of byte-level BPE, and its table of merges. */
#include "lib/vocab/vocab_data.h"

#include <stdio.h>

#define PROBES_MAX 1024 /* a table that needs more was made to be slow */

size_t inf_byte_level_decode(const char *text, size_t len, char *out)
{
    size_t count = 0;
    for (size_t i = 0; i < len;) {
        if (text[i] > ' ' && text[i] < 127) {
            out[count++] = text[i++];
            continue;
        }
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

#define BLOCK 32       /* merges read at a time, so that the tables are fetched ahead */
#define MERGE_TEXT 128 /* bytes of a merge that is read so; longer ones are read alone */

/* One merge with its bytes, text[0..left) and text[left..len). */
struct merge {
    const char *text;
    size_t left, len;
    uint64_t hashes[2]; /* of the two parts */
    char own[MERGE_TEXT];
};

struct merge_reader {
    struct inf_vocab *v;
    const struct inf_vocab_source *source;
    infer_error *err;
    char *buffer;       /* for the merges that are long */
    infer_token before; /* what the last merge made */
    uint32_t unknown, first_unknown;
};

static size_t decode_part(const struct inf_vocab *v, const char *text, size_t len, char *out)
{
    return v->byte_level ? inf_byte_level_decode(text, len, out)
                         : inf_vocab_decode_text(v, text, len, out);
}

static infer_status decode_merge(struct merge_reader *r, uint32_t index, struct inf_bytes line,
                                 char *out, struct merge *merge)
{
    const char *space = line.len > 2 ? memchr(line.ptr + 1, ' ', line.len - 2) : NULL;
    size_t left = SIZE_MAX, right = SIZE_MAX;
    if (space && line.len <= 2 * INF_MAX_TOKEN_TEXT) {
        size_t at = (size_t)(space - line.ptr);
        left = decode_part(r->v, line.ptr, at, out);
        if (left != SIZE_MAX)
            right = decode_part(r->v, space + 1, line.len - at - 1, out + left);
    }
    if (right == SIZE_MAX)
        return inf_fail(r->err, INFER_E_FORMAT,
                        "tokenizer.ggml.merges[%u]: '%.*s' is not two parts with a blank between",
                        index, (int)inf_min_size(line.len, 64), line.ptr);
    merge->text = out;
    merge->left = left;
    merge->len = left + right;
    merge->hashes[0] = inf_hash_text(out, left);
    merge->hashes[1] = inf_hash_text(out + left, right);
    for (int i = 0; i < 2; i++)
        __builtin_prefetch(&r->v->texts[inf_hash_slot(merge->hashes[i], r->v->text_slots)]);
    return INFER_OK;
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

/* The pair of a merge; rank INF_NO_RANK where its texts are not all tokens. */
static struct inf_pair_slot resolve(struct merge_reader *r, const struct merge *merge,
                                    uint32_t index)
{
    const struct inf_vocab *v = r->v;
    struct inf_pair_slot pair = {.rank = INF_NO_RANK};
    infer_token left = inf_vocab_lookup_hash(v, merge->text, merge->left, merge->hashes[0]);
    infer_token right = inf_vocab_lookup_hash(v, merge->text + merge->left,
                                              merge->len - merge->left, merge->hashes[1]);
    infer_token joined = find_joined(v, merge, r->before);
    if (left < 0 || right < 0 || joined < 0) {
        if (!r->unknown++)
            r->first_unknown = index;
        return pair;
    }
    r->before = joined;
    pair = (struct inf_pair_slot){(uint32_t)left, (uint32_t)right, index, (uint32_t)joined};
    __builtin_prefetch(
        &v->pairs[inf_hash_slot(inf_hash_pair(pair.left, pair.right), v->pair_slots)]);
    return pair;
}

/* The first merge of a pair counts. */
bool inf_pair_add(struct inf_vocab *v, struct inf_pair_slot pair)
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

static infer_status read_block(struct merge_reader *r, uint32_t first, uint32_t count)
{
    struct merge merges[BLOCK];
    struct inf_pair_slot pairs[BLOCK];
    const struct inf_vocab *v = r->v;
    for (uint32_t i = 0; i < count; i++) {
        struct inf_bytes line = r->source->merge(r->source->ud, first + i);
        bool is_long = line.len > MERGE_TEXT;
        infer_status status =
            decode_merge(r, first + i, line, is_long ? r->buffer : merges[i].own, &merges[i]);
        if (status)
            return status;
        if (is_long) /* the buffer is for one, and this changes nothing for the others */
            pairs[i] = resolve(r, &merges[i], first + i);
    }
    /* what a lookup reads, one step of all before the next step: slot, token, text */
    uint32_t ids[BLOCK][2];
    for (uint32_t i = 0; i < count; i++)
        for (int part = 0; part < 2; part++) {
            ids[i][part] = v->texts[inf_hash_slot(merges[i].hashes[part], v->text_slots)].id;
            if (ids[i][part] != INF_NO_RANK)
                __builtin_prefetch(&v->tokens[ids[i][part]]);
        }
    for (uint32_t i = 0; i < count; i++)
        for (int part = 0; part < 2; part++)
            if (ids[i][part] != INF_NO_RANK)
                __builtin_prefetch(v->tokens[ids[i][part]].text);
    for (uint32_t i = 0; i < count; i++)
        if (merges[i].text == merges[i].own)
            pairs[i] = resolve(r, &merges[i], first + i);
    for (uint32_t i = 0; i < count; i++)
        if (pairs[i].rank != INF_NO_RANK && !inf_pair_add(r->v, pairs[i]))
            return inf_fail(r->err, INFER_E_FORMAT,
                            "tokenizer.ggml.merges[%u] needs more than %d probes of a table",
                            first + i, PROBES_MAX);
    return INFER_OK;
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

    struct merge_reader r = {.v = v, .source = source, .err = err, .before = -1};
    r.buffer = inf_alloc(&v->a, 2 * INF_MAX_TOKEN_TEXT);
    if (!r.buffer)
        return inf_fail_memory(err, "merges", 2 * INF_MAX_TOKEN_TEXT);
    infer_status status = INFER_OK;
    for (uint32_t i = 0; i < count && !status; i += BLOCK)
        status = read_block(&r, i, count - i < BLOCK ? count - i : BLOCK);
    inf_release(&v->a, r.buffer);
    if (!status && r.unknown && source->warn) {
        char text[160];
        snprintf(text, sizeof text,
                 "tokenizer.ggml.merges: %u of %u name texts that are no tokens and never apply "
                 "(the first is number %u)",
                 r.unknown, count, r.first_unknown);
        source->warn(source->warn_ud, text);
    }
    return status;
}
