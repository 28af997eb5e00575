/* Making the tries of a vocabulary. */
#include "lib/grammar/token_trie.h"

#include "lib/grammar/draft.h"

#include "lib/base/limits.h"
#include "lib/base/sort.h"

#include <string.h>

static infer_status no_memory(const struct inf_token_trie *t, infer_error *err)
{
    return inf_fail_memory(err, "the trie of the tokens", t->count * sizeof *t->tokens);
}

/* ---- Texts ------------------------------------------------------------------------------------- */

static infer_status read_texts(struct inf_token_trie *t, const struct inf_token_source *source,
                               infer_error *err)
{
    struct inf_text all = {.a = &t->a};
    char *bytes = inf_alloc(&t->a, INF_MAX_TOKEN_TEXT);
    infer_status status = bytes ? INFER_OK : no_memory(t, err);
    for (uint32_t id = 0; id < t->count && !status; id++) {
        size_t len = 0;
        t->offset[id] = all.len;
        if (source->ends(source->ud, (infer_token)id)) {
            inf_mask_set(t->ends, (infer_token)id);
            continue;
        }
        if (!source->is_text(source->ud, (infer_token)id))
            continue;
        status = source->bytes(source->ud, (infer_token)id, bytes, INF_MAX_TOKEN_TEXT, &len, err);
        if (!status && !(len && memchr(bytes, 0xff, len))) /* no text has that byte */
            inf_text_append(&all, bytes, len);
    }
    for (uint32_t id = 0; id < t->count && source->is_special && !status; id++)
        if (source->is_special(source->ud, (infer_token)id))
            inf_mask_set(t->specials, (infer_token)id);
    inf_release(&t->a, bytes);
    if (!status && all.failed)
        status = no_memory(t, err);
    if (!status && all.len >= 1u << 31)
        status = inf_fail(err, INFER_E_LIMIT, "the tokens have %zu bytes together, at most %u",
                          all.len, 1u << 31);
    t->offset[t->count] = all.len;
    t->text = all.ptr;
    t->text_bytes = all.len;
    return status;
}

/* ---- Groups ------------------------------------------------------------------------------------ */

struct entry {
    const char *ptr;
    uint32_t len, group;
    infer_token id;
};

/* Characters of a plain text, 0 where it is not plain. */
static uint32_t plain_chars(const char *text, size_t len)
{
    uint32_t code, chars = 0;
    for (size_t at = 0, n; at < len; at += n, chars++) {
        n = inf_utf8_decode(text + at, len - at, &code);
        if (n == 0 || code < 0x20 || code == 0x7f || code == '"' || code == '\\')
            return 0;
    }
    return chars;
}

static uint32_t group_of(uint32_t chars)
{
    return chars == 0 ? 0 : chars <= 4 ? 1 : chars <= 12 ? 2 : 3;
}

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = memcmp(x->ptr, y->ptr, inf_min_size(x->len, y->len));
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* The group, then the first bytes: what the sort looks at first. */
static uint64_t key_of(const struct entry *e)
{
    uint64_t key = e->group;
    for (uint32_t i = 0; i < 7; i++)
        key = key << 8 | (i < e->len ? (unsigned char)e->ptr[i] : 0);
    return key;
}

/* ---- Nodes ------------------------------------------------------------------------------------- */

static infer_status add_nodes(struct inf_token_trie *t, const struct entry *e, size_t from,
                              uint32_t *path, size_t *capacity, uint32_t token, infer_error *err)
{
    for (size_t i = from; i < e->len; i++) {
        if (!INF_GROW(&t->a, t->nodes, *capacity, t->node_count + 2))
            return no_memory(t, err);
        path[i] = t->node_count;
        t->nodes[t->node_count++] = (struct inf_trie_node){.token = token,
                                                           .byte = (unsigned char)e->ptr[i],
                                                           .depth = (uint32_t)(i + 1) & 0xffffff};
    }
    return INFER_OK;
}

/* The tries of sorted entries. path: the nodes of the entry before. */
static infer_status make_nodes(struct inf_token_trie *t, const struct inf_sort_item *items,
                               size_t count, uint32_t *path, infer_error *err)
{
    const struct entry none = {.len = 0}, *before = &none;
    size_t capacity = 0;
    infer_status status = INFER_OK;
    for (size_t i = 0; i <= count && !status; i++) {
        const struct entry *e = i < count ? items[i].item : &none;
        size_t same = 0;
        bool new_group = i == count || e->group != before->group;
        while (!new_group && same < before->len && same < e->len &&
               before->ptr[same] == e->ptr[same])
            same++;
        for (size_t d = before->len; d-- > same;)
            t->nodes[path[d]].end = t->node_count;
        if (i == count)
            break;
        if (new_group || i == 0)
            t->groups[e->group].first = t->node_count;
        status = add_nodes(t, e, same, path, &capacity, (uint32_t)i, err);
        t->groups[e->group].end = t->node_count;
        t->depth = e->len > t->depth ? e->len : t->depth;
        t->tokens[i] = e->id;
        before = e;
    }
    t->token_count = (uint32_t)count;
    if (!status && !t->nodes && !INF_GROW(&t->a, t->nodes, capacity, 1))
        return no_memory(t, err);
    if (!status)
        t->nodes[t->node_count] = (struct inf_trie_node){.token = t->token_count};
    return status;
}

static infer_status make_masks(struct inf_token_trie *t, const struct entry *entries, size_t count,
                               infer_error *err)
{
    for (uint32_t g = 1; g < INF_TRIE_GROUPS; g++)
        if (!(t->groups[g].mask = inf_alloc_zero(&t->a, t->words, sizeof(uint64_t))))
            return no_memory(t, err);
    for (size_t i = 0; i < count; i++) {
        struct inf_trie_group *group = &t->groups[entries[i].group];
        uint32_t chars = plain_chars(entries[i].ptr, entries[i].len);
        if (!entries[i].group)
            continue;
        inf_mask_set(group->mask, entries[i].id);
        group->chars = chars > group->chars ? chars : group->chars;
    }
    return INFER_OK;
}

static uint32_t count_bits(const uint64_t *mask, size_t words)
{
    uint32_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (uint32_t)__builtin_popcountll(mask[i]);
    return count;
}

static infer_status make_tries(struct inf_token_trie *t, infer_error *err)
{
    size_t count = 0, most = (size_t)t->count + count_bits(t->specials, t->words), specials = 0;
    struct entry *entries = inf_alloc_zero(&t->a, most, sizeof *entries);
    struct inf_sort_item *items = inf_alloc_zero(&t->a, most, sizeof *items);
    struct inf_sort_item *scratch = inf_alloc_zero(&t->a, most, sizeof *scratch);
    uint32_t *path = inf_alloc_zero(&t->a, INF_MAX_TOKEN_TEXT, sizeof *path);
    char(*codes)[INF_TERMINAL_BYTES] = inf_alloc_zero(&t->a, most - t->count, sizeof *codes);
    t->tokens = inf_alloc_zero(&t->a, most, sizeof *t->tokens);
    bool memory = entries && items && scratch && path && codes && t->tokens;
    infer_status status = memory ? INFER_OK : no_memory(t, err);
    for (uint32_t id = 0; id < t->count && !status; id++) {
        if (!inf_mask_has(t->specials, (infer_token)id))
            continue;
        inf_token_terminal((infer_token)id, codes[specials]);
        entries[count] = (struct entry){codes[specials++], INF_TERMINAL_BYTES, 0, (infer_token)id};
        items[count] = (struct inf_sort_item){key_of(&entries[count]), &entries[count]};
        count++;
    }
    for (uint32_t id = 0; id < t->count && !status; id++) {
        const char *text = t->text + t->offset[id];
        size_t len = t->offset[id + 1] - t->offset[id];
        if (len == 0)
            continue;
        entries[count] =
            (struct entry){text, (uint32_t)len, group_of(plain_chars(text, len)), (infer_token)id};
        items[count] = (struct inf_sort_item){key_of(&entries[count]), &entries[count]};
        count++;
    }
    if (!status) {
        inf_sort(items, scratch, count, compare);
        status = make_nodes(t, items, count, path, err);
    }
    if (!status)
        status = make_masks(t, entries, count, err);
    inf_release(&t->a, entries);
    inf_release(&t->a, items);
    inf_release(&t->a, scratch);
    inf_release(&t->a, path);
    inf_release(&t->a, codes);
    return status;
}

infer_status inf_token_trie_new(const infer_allocator *a, const struct inf_token_source *source,
                                struct inf_token_trie **trie, infer_error *err)
{
    *trie = NULL;
    struct inf_token_trie *t = inf_alloc_zero(a, 1, sizeof *t);
    if (!t)
        return inf_fail_memory(err, "the trie of the tokens", sizeof *t);
    t->a = *a;
    t->count = source->count;
    t->words = ((size_t)source->count + 63) / 64;
    t->specials = inf_alloc_zero(a, t->words, sizeof *t->specials);
    t->ends = inf_alloc_zero(a, t->words, sizeof *t->ends);
    t->offset = inf_alloc_zero(a, (size_t)t->count + 1, sizeof *t->offset);
    infer_status status = t->specials && t->ends && t->offset ? INFER_OK : no_memory(t, err);
    if (!status)
        status = read_texts(t, source, err);
    if (!status)
        status = make_tries(t, err);
    if (status)
        inf_token_trie_free(t);
    else
        *trie = t;
    return status;
}

void inf_token_trie_free(struct inf_token_trie *t)
{
    if (!t)
        return;
    infer_allocator a = t->a;
    for (uint32_t g = 0; g < INF_TRIE_GROUPS; g++)
        inf_release(&a, t->groups[g].mask);
    void *all[] = {t->nodes, t->tokens, t->ends, t->specials, t->offset, t->text, t};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        inf_release(&a, all[i]);
}

size_t inf_token_trie_bytes(const struct inf_token_trie *t)
{
    return sizeof *t + (t->node_count + 1) * sizeof *t->nodes + t->count * sizeof *t->tokens +
           (t->count + 1) * sizeof *t->offset + t->text_bytes +
           INF_TRIE_GROUPS * t->words * sizeof(uint64_t);
}
