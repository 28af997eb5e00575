/*
 * One piece of text to ids. Merging takes, again and again, the pair of neighbours with the lowest
 * rank, the leftmost of equals. Short pieces do it on small arrays, long ones with a heap; pieces
 * seen before are remembered for the length of one call.
 */
#include "lib/vocab/vocab_data.h"

#define SHORT INF_PIECE_SHORT
#define SEEN_TEXT 22 /* bytes and ids of a piece that is remembered */
#define SEEN_IDS 10
#define SEEN_MAX 16384

struct inf_piece {
    uint8_t len, count; /* len 0: empty */
    char text[SEEN_TEXT];
    infer_token ids[SEEN_IDS];
};

struct inf_merge_node {
    uint32_t start; /* in the piece */
    uint32_t prev, next;
    uint32_t id;           /* INF_NO_RANK: not known yet, or none */
    uint32_t rank, joined; /* of this and the next */
};

infer_status inf_encode_begin(struct inf_job *job, size_t text_len)
{
    size_t entries = 16;
    while (entries < SEEN_MAX && entries * 4 < text_len)
        entries *= 2;
    job->seen = inf_alloc_zero(&job->v->a, entries, sizeof *job->seen);
    job->seen_mask = entries - 1;
    return job->seen ? INFER_OK
                     : inf_fail_memory(job->err, "tokenizing", entries * sizeof *job->seen);
}

void inf_encode_end(struct inf_job *job)
{
    inf_release(&job->v->a, job->seen);
    inf_release(&job->v->a, job->nodes);
    inf_release(&job->v->a, job->heap);
    inf_release(&job->v->a, job->best);
    inf_text_free(&job->normal);
    inf_text_free(&job->decomposed);
}

/* The length of the symbol that merging starts from: a byte, or a character. */
static inline size_t symbol_len(const struct inf_vocab *v, const char *text, size_t len)
{
    uint32_t code;
    size_t step = v->byte_level ? 1 : inf_utf8_decode(text, len, &code);
    return step ? step : 1;
}

static inline bool is_barred(const struct inf_job *job, uint32_t id)
{
    return job->barred && inf_bit(job->barred, id);
}

/* The token of a text that ordinary text may become here, -1 where there is none. */
static inline infer_token whole_token(const struct inf_job *job, const char *text, size_t len)
{
    infer_token id = inf_vocab_lookup(job->v, text, len);
    return id >= 0 && is_barred(job, (uint32_t)id) ? -1 : id;
}

/* What the neighbours text[start..mid) and text[mid..end) become. */
static inline void join(const struct inf_job *job, const char *text, size_t start, size_t end,
                        uint32_t left, uint32_t right, uint32_t *rank, uint32_t *joined)
{
    const struct inf_vocab *v = job->v;
    *rank = INF_NO_RANK;
    if (v->model == INF_VOCAB_BPE) {
        const struct inf_pair_slot *slot = inf_vocab_pair(v, left, right);
        if (slot && !is_barred(job, slot->id)) {
            *rank = slot->rank;
            *joined = slot->id;
        }
        return;
    }
    infer_token id = whole_token(job, text + start, end - start);
    if (id >= 0) {
        *rank = v->ranks[id];
        *joined = (uint32_t)id;
    }
}

/* The ids of a symbol that no token stands for: its bytes or, one of them missing, unknown. Where
 * byte-level files name an unknown token, it is mostly a control token such as <|endoftext|>, and
 * no text may turn into that. */
infer_status inf_symbol_fall_back(struct inf_job *job, const char *text, size_t len,
                                  infer_token *ids, size_t *count)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < len; i++) {
        if (job->v->byte_ids[s[i]] < 0) {
            infer_token unk = job->v->unk;
            if (unk < 0 || (job->v->byte_level && job->v->tokens[unk].kind != INF_TOKEN_UNKNOWN))
                return inf_fail(
                    job->err, INFER_E_FORMAT,
                    "the vocabulary has no token for byte 0x%02x, nor one for unknown text", s[i]);
            ids[0] = unk;
            *count = 1;
            return INFER_OK;
        }
    }
    for (size_t i = 0; i < len; i++)
        ids[i] = job->v->byte_ids[s[i]];
    *count = len;
    return INFER_OK;
}

/* The ids of a symbol that is left after merging: at most `len` of them, len <= 4 where id is not
 * known. */
static inline infer_status symbol_ids(struct inf_job *job, const char *text, size_t len,
                                      uint32_t id, infer_token *ids, size_t *count)
{
    infer_token whole = (infer_token)id;
    if (id == INF_NO_RANK && job->v->model == INF_VOCAB_SPM)
        whole = whole_token(job, text, len);
    if (whole < 0)
        return inf_symbol_fall_back(job, text, len, ids, count);
    ids[0] = whole;
    *count = 1;
    return INFER_OK;
}

/* What a symbol is before it is merged; where only texts matter it is not looked up. */
static inline uint32_t start_id(const struct inf_job *job, const char *text, size_t len)
{
    if (job->v->byte_level)
        return (uint32_t)job->v->byte_ids[(unsigned char)text[0]];
    return job->v->model == INF_VOCAB_BPE ? (uint32_t)whole_token(job, text, len) : INF_NO_RANK;
}

/* text[0..len), len <= SHORT; ids has room for len. */
static infer_status merge_short(struct inf_job *job, const char *text, size_t len, infer_token *ids,
                                size_t *id_count)
{
    const struct inf_vocab *v = job->v;
    uint32_t start[SHORT + 1], id[SHORT], rank[SHORT], joined[SHORT];
    size_t n = 0;
    for (size_t at = 0; at < len; n++) {
        start[n] = (uint32_t)at;
        size_t step = symbol_len(v, text + at, len - at);
        id[n] = start_id(job, text + at, step);
        at += step;
    }
    start[n] = (uint32_t)len;
    for (size_t i = 0; i + 1 < n; i++)
        join(job, text, start[i], start[i + 2], id[i], id[i + 1], &rank[i], &joined[i]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = rank[i] < rank[best] ? i : best;
        if (rank[best] == INF_NO_RANK)
            break;
        id[best] = joined[best];
        n--;
        for (size_t i = best + 1; i < n; i++) {
            start[i] = start[i + 1];
            id[i] = id[i + 1];
            rank[i] = rank[i + 1];
            joined[i] = joined[i + 1];
        }
        start[n] = (uint32_t)len;
        for (size_t i = best ? best - 1 : 0; i <= best && i + 1 < n; i++)
            join(job, text, start[i], start[i + 2], id[i], id[i + 1], &rank[i], &joined[i]);
    }
    *id_count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t count = 0;
        infer_status status = symbol_ids(job, text + start[i], start[i + 1] - start[i], id[i],
                                         ids + *id_count, &count);
        if (status)
            return status;
        *id_count += count;
    }
    return INFER_OK;
}

/* A min-heap of rank << 32 | node. An entry whose rank is no longer its node's is stale. */
static bool heap_push(struct inf_job *job, uint32_t rank, uint32_t node)
{
    void *items = job->heap;
    if (!inf_grow(&job->v->a, &items, &job->heap_capacity, job->heap_count + 1, sizeof *job->heap))
        return false;
    job->heap = items;
    uint64_t key = (uint64_t)rank << 32 | node;
    size_t at = job->heap_count++;
    for (size_t up; at && job->heap[up = (at - 1) / 2] > key; at = up)
        job->heap[at] = job->heap[up];
    job->heap[at] = key;
    return true;
}

static uint64_t heap_pop(struct inf_job *job)
{
    uint64_t *heap = job->heap, top = heap[0], key = heap[--job->heap_count];
    size_t at = 0, count = job->heap_count;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && heap[child + 1] < heap[child];
        if (heap[child] >= key)
            break;
        heap[at] = heap[child];
    }
    heap[at] = key;
    return top;
}

/* Ranks the pair of a node and its next, and puts it on the heap. */
static bool rank_pair(struct inf_job *job, const char *text, uint32_t at, uint32_t count)
{
    struct inf_merge_node *node = &job->nodes[at], *nodes = job->nodes;
    if (node->next >= count) {
        node->rank = INF_NO_RANK;
        return true;
    }
    join(job, text, node->start, nodes[nodes[node->next].next].start, node->id,
         nodes[node->next].id, &node->rank, &node->joined);
    return node->rank == INF_NO_RANK || heap_push(job, node->rank, at);
}

static bool merge_nodes(struct inf_job *job, const char *text, uint32_t count)
{
    struct inf_merge_node *nodes = job->nodes;
    job->heap_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!rank_pair(job, text, i, count))
            return false;
    while (job->heap_count) {
        uint64_t top = heap_pop(job);
        uint32_t at = (uint32_t)top;
        struct inf_merge_node *node = &nodes[at];
        if (node->rank != (uint32_t)(top >> 32))
            continue;
        struct inf_merge_node *gone = &nodes[node->next];
        node->id = node->joined;
        gone->rank = INF_NO_RANK;
        node->next = gone->next;
        nodes[gone->next].prev = at;
        if (!rank_pair(job, text, at, count) || (at && !rank_pair(job, text, node->prev, count)))
            return false;
    }
    return true;
}

static infer_status merge_long(struct inf_job *job, const char *text, size_t len)
{
    const struct inf_vocab *v = job->v;
    if (len >= UINT32_MAX - 1)
        return inf_fail(job->err, INFER_E_LIMIT,
                        "a piece of text that cannot be split is %zu bytes, at most %u", len,
                        UINT32_MAX - 2);
    void *items = job->nodes;
    if (!inf_grow(&v->a, &items, &job->node_capacity, len + 1, sizeof *job->nodes))
        return inf_fail_memory(job->err, "merging a piece of text", len * sizeof *job->nodes);
    job->nodes = items;
    struct inf_merge_node *nodes = job->nodes;
    uint32_t count = 0;
    for (size_t at = 0, step; at < len; at += step, count++) {
        step = symbol_len(v, text + at, len - at);
        nodes[count] = (struct inf_merge_node){
            .start = (uint32_t)at,
            .prev = count - 1,
            .next = count + 1,
            .id = start_id(job, text + at, step),
        };
    }
    nodes[count] = (struct inf_merge_node){.start = (uint32_t)len, .rank = INF_NO_RANK};
    if (!merge_nodes(job, text, count))
        return inf_fail_memory(job->err, "merging a piece of text", len * sizeof *job->heap);
    for (uint32_t at = 0; at < count; at = nodes[at].next) {
        infer_token ids[4];
        size_t start = nodes[at].start, id_count = 0;
        infer_status status = symbol_ids(job, text + start, nodes[nodes[at].next].start - start,
                                         nodes[at].id, ids, &id_count);
        if (status)
            return status;
        for (size_t i = 0; i < id_count; i++)
            inf_job_push_text(job, ids[i]);
    }
    return INFER_OK;
}

static infer_status encode_short(struct inf_job *job, const char *text, size_t len,
                                 infer_token *ids, size_t *count)
{
    const struct inf_vocab *v = job->v;
    if (v->rule && v->rule->flags & INF_SPLIT_WHOLE) {
        ids[0] = whole_token(job, text, len);
        *count = 1;
        if (ids[0] >= 0)
            return INFER_OK;
    }
    if (v->model == INF_VOCAB_SPM || v->model == INF_VOCAB_BPE)
        return merge_short(job, text, len, ids, count);
    if (v->model == INF_VOCAB_WORDPIECE)
        return inf_wordpiece_word(job, text, len, ids, count);
    struct inf_best best[SHORT + 1];
    return inf_lattice_piece(job, text, len, best, ids, count);
}

infer_status inf_encode_piece(struct inf_job *job, const char *text, size_t len)
{
    const struct inf_vocab *v = job->v;
    infer_token ids[SHORT];
    size_t count = 0;
    infer_status status;
    if (len > SHORT) {
        if (v->rule && v->rule->flags & INF_SPLIT_WHOLE) {
            ids[0] = whole_token(job, text, len);
            if (ids[0] >= 0) {
                inf_job_push_text(job, ids[0]);
                return INFER_OK;
            }
        }
        return v->model == INF_VOCAB_SPM || v->model == INF_VOCAB_BPE
                   ? merge_long(job, text, len)
                   : inf_lattice_long(job, text, len);
    }
    if (len > SEEN_TEXT) {
        status = encode_short(job, text, len, ids, &count);
        for (size_t i = 0; !status && i < count; i++)
            inf_job_push_text(job, ids[i]);
        return status;
    }
    struct inf_piece *seen = &job->seen[(inf_hash_text(text, len) >> 32) & job->seen_mask];
    if (seen->len != len || memcmp(seen->text, text, len)) {
        status = encode_short(job, text, len, ids, &count);
        if (status)
            return status;
        if (count > SEEN_IDS) {
            for (size_t i = 0; i < count; i++)
                inf_job_push_text(job, ids[i]);
            return INFER_OK;
        }
        seen->len = (uint8_t)len;
        seen->count = (uint8_t)count;
        memcpy(seen->text, text, len);
        memcpy(seen->ids, ids, count * sizeof *ids);
    }
    for (size_t i = 0; i < seen->count; i++)
        inf_job_push_text(job, seen->ids[i]);
    return INFER_OK;
}
