/* Making values, comparing them, walking over them. */
#include "lib/chat/value.h"

#include "lib/base/limits.h"
#include "lib/chat/template.h"

#include <math.h>
#include <string.h>

#define INDEX_FROM 9 /* entries from which a dict has an index */

const char *inf_kind_name(const struct inf_value *v)
{
    static const char *const names[] = {
        [INF_UNDEFINED] = "undefined",
        [INF_NONE] = "NoneType",
        [INF_BOOL] = "bool",
        [INF_INT] = "int",
        [INF_BIG] = "int",
        [INF_FLOAT] = "float",
        [INF_TEXT] = "str",
        [INF_LIST] = "list",
        [INF_TUPLE] = "tuple",
        [INF_VIEW] = "dict_items",
        [INF_DICT] = "dict",
        [INF_GENERATOR] = "generator",
        [INF_RANGE] = "range",
        [INF_LOOP] = "loop",
        [INF_NAMESPACE] = "namespace",
        [INF_CYCLER] = "cycler",
        [INF_MACRO] = "macro",
        [INF_FUNCTION] = "function",
    };
    return names[v->kind];
}

bool inf_undefined(struct inf_render *r, struct inf_bytes name, const char *owner,
                   struct inf_value *out)
{
    struct inf_missing *missing = inf_render_take(r, 1, sizeof *missing);
    if (!missing)
        return false;
    *missing = (struct inf_missing){name, owner};
    *out = (struct inf_value){.kind = INF_UNDEFINED, .as.missing = missing};
    return true;
}

bool inf_undefined_fail(struct inf_render *r, const struct inf_value *v)
{
    const struct inf_missing *missing = v->as.missing;
    if (!missing)
        return inf_fault(r, "an undefined value is used");
    int len = (int)inf_min_size(missing->name.len, 80);
    if (missing->owner)
        return inf_fault(r, "a %s has no '%.*s'", missing->owner, len, missing->name.ptr);
    return inf_fault(r, "'%.*s' is undefined", len, missing->name.ptr);
}

/* ---- Sequences ----------------------------------------------------------------------------- */

bool inf_sequence_new(struct inf_render *r, enum inf_kind kind, size_t count, struct inf_value *out)
{
    struct inf_sequence *s = inf_render_take(r, 1, sizeof *s);
    if (!s || !inf_render_spend(r, count / 4))
        return false;
    s->items = inf_render_take(r, count, sizeof *s->items);
    s->count = (uint32_t)count;
    *out = (struct inf_value){.kind = (uint8_t)kind, .as.sequence = s};
    return s->items != NULL;
}

bool inf_list_add(struct inf_render *r, struct inf_list *list, const struct inf_value *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 4;
        struct inf_value *items = inf_render_take(r, capacity, sizeof *items);
        if (!items)
            return false;
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *item;
    return inf_render_spend(r, 1);
}

bool inf_list_value(struct inf_render *r, const struct inf_list *list, enum inf_kind kind,
                    struct inf_value *out)
{
    struct inf_sequence *s = inf_render_take(r, 1, sizeof *s);
    if (!s)
        return false;
    *s = (struct inf_sequence){.items = list->items, .count = (uint32_t)list->count};
    *out = (struct inf_value){.kind = (uint8_t)kind, .as.sequence = s};
    return true;
}

bool inf_is_iterable(const struct inf_value *v)
{
    return v->kind == INF_UNDEFINED || v->kind == INF_TEXT ||
           (v->kind >= INF_LIST && v->kind <= INF_RANGE);
}

static bool text_items(struct inf_render *r, const struct inf_value *v, struct inf_value *list)
{
    if (!inf_sequence_new(r, INF_LIST, inf_text_length(v), list))
        return false;
    size_t at = 0;
    for (size_t i = 0; i < list->as.sequence->count; i++) {
        size_t size = inf_char_size(inf_chars(v) + at, inf_chars_len(v) - at);
        list->as.sequence->items[i] = inf_text_part(v, at, at + size);
        at += size;
    }
    return true;
}

bool inf_value_items(struct inf_render *r, const struct inf_value *v, struct inf_sequence *out)
{
    struct inf_value list = {.kind = INF_NONE};
    *out = (struct inf_sequence){.items = NULL};
    switch ((enum inf_kind)v->kind) {
    case INF_UNDEFINED:
        return true;
    case INF_LIST:
    case INF_TUPLE:
    case INF_VIEW:
        *out = *v->as.sequence;
        return true;
    case INF_GENERATOR:
        if (!v->as.sequence->consumed)
            *out = *v->as.sequence;
        v->as.sequence->consumed = true;
        return true;
    case INF_TEXT:
        if (!text_items(r, v, &list))
            return false;
        break;
    case INF_DICT:
        if (!inf_sequence_new(r, INF_LIST, v->as.dict->count, &list))
            return false;
        for (size_t i = 0; i < v->as.dict->count; i++)
            list.as.sequence->items[i] = v->as.dict->entries[i].key;
        break;
    case INF_RANGE:
        if (!inf_sequence_new(r, INF_LIST, (size_t)v->as.range->count, &list))
            return false;
        for (int64_t i = 0; i < v->as.range->count; i++)
            list.as.sequence->items[i] = inf_int(v->as.range->start + i * v->as.range->step);
        break;
    default:
        return inf_fault(r, "a %s cannot be walked over", inf_kind_name(v));
    }
    *out = *list.as.sequence;
    return true;
}

bool inf_value_length(struct inf_render *r, const struct inf_value *v, size_t *length)
{
    switch ((enum inf_kind)v->kind) {
    case INF_UNDEFINED:
        *length = 0;
        return true;
    case INF_TEXT:
        *length = inf_text_length(v);
        return inf_render_spend(r, v->as.text.len / 64);
    case INF_LIST:
    case INF_TUPLE:
    case INF_VIEW:
        *length = v->as.sequence->count;
        return true;
    case INF_DICT:
        *length = v->as.dict->count;
        return true;
    case INF_RANGE:
        *length = (size_t)v->as.range->count;
        return true;
    default:
        return inf_fault(r, "a %s has no length", inf_kind_name(v));
    }
}

bool inf_truth(const struct inf_value *v)
{
    switch ((enum inf_kind)v->kind) {
    case INF_UNDEFINED:
    case INF_NONE:
        return false;
    case INF_BOOL:
        return v->as.flag;
    case INF_INT:
        return v->as.integer != 0;
    case INF_FLOAT:
        return v->as.real != 0;
    case INF_TEXT:
        return v->as.text.len != 0;
    case INF_LIST:
    case INF_TUPLE:
    case INF_VIEW:
        return v->as.sequence->count != 0;
    case INF_DICT:
        return v->as.dict->count != 0;
    case INF_RANGE:
        return v->as.range->count != 0;
    default:
        return true;
    }
}

/* ---- Dicts --------------------------------------------------------------------------------- */

bool inf_value_hashable(struct inf_render *r, const struct inf_value *v)
{
    if (v->kind == INF_NONE || inf_is_number(v) || v->kind == INF_TEXT || v->kind == INF_BIG ||
        v->kind == INF_UNDEFINED)
        return true;
    return inf_fault(r, "a %s cannot be a key", inf_kind_name(v));
}

static uint64_t hash_of(const struct inf_value *v)
{
    if (v->kind == INF_TEXT || v->kind == INF_BIG)
        return inf_hash(inf_chars(v), v->as.text.len, INF_HASH_SEED);
    if (!inf_is_number(v))
        return v->kind;
    double real = inf_real(v) + 0.0; /* -0.0 and 0.0 are equal; so are 1, 1.0 and true */
    return inf_hash(&real, sizeof real, INF_HASH_SEED);
}

/* An order among keys of one hash: 0 where they are equal. */
static int compare_keys(const void *x, const void *y)
{
    const struct inf_value *a = x, *b = y;
    if (a->kind == INF_TEXT && b->kind == INF_TEXT) {
        size_t a_len = a->as.text.len, b_len = b->as.text.len;
        int order = memcmp(inf_chars(a), inf_chars(b), inf_min_size(a_len, b_len));
        return order ? order : (a_len > b_len) - (a_len < b_len);
    }
    if (inf_is_whole(a) && inf_is_whole(b))
        return (inf_whole(a) > inf_whole(b)) - (inf_whole(a) < inf_whole(b));
    if (inf_is_number(a) && inf_is_number(b))
        return (inf_real(a) > inf_real(b)) - (inf_real(a) < inf_real(b));
    return (a->kind > b->kind) - (a->kind < b->kind);
}

/* The items by hash, then by value, then in their order. */
static struct inf_sort_item *sorted(struct inf_render *r, const struct inf_value *items,
                                    size_t count, size_t stride)
{
    struct inf_sort_item *index = inf_render_take(r, 2 * count, sizeof *index);
    if (!index || !inf_render_spend(r, count))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const struct inf_value *item = (const void *)((const char *)items + i * stride);
        index[i] = (struct inf_sort_item){hash_of(item), item};
    }
    inf_sort(index, index + count, count, compare_keys);
    return index;
}

bool inf_values_first(struct inf_render *r, const struct inf_value *items, size_t count,
                      uint32_t *first)
{
    for (size_t i = 0; i < count; i++)
        if (!inf_value_hashable(r, &items[i]))
            return false;
    struct inf_sort_item *index = sorted(r, items, count, sizeof *items);
    if (!index)
        return false;
    for (size_t i = 0, start = 0; i < count; i++) {
        if (index[i].key != index[start].key || compare_keys(index[i].item, index[start].item))
            start = i;
        const struct inf_value *item = index[i].item, *least = index[start].item;
        first[item - items] = (uint32_t)(least - items);
    }
    return true;
}

bool inf_dict_new(struct inf_render *r, struct inf_entry *entries, size_t count,
                  struct inf_value *out)
{
    struct inf_dict *dict = inf_render_take(r, 1, sizeof *dict);
    struct inf_value *keys = inf_render_take(r, count, sizeof *keys);
    uint32_t *first = inf_render_take(r, count, sizeof *first), *place = NULL;
    if (!dict || !keys || !first || !(place = inf_render_take(r, count, sizeof *place)))
        return false;
    for (size_t i = 0; i < count; i++)
        keys[i] = entries[i].key;
    if (!inf_values_first(r, keys, count, first))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (first[i] == i) {
            place[i] = dict->count;
            entries[dict->count++] = entries[i];
        } else {
            entries[place[first[i]]].value = entries[i].value;
        }
    }
    dict->entries = entries;
    if (dict->count >= INDEX_FROM) {
        dict->index = sorted(r, &entries[0].key, dict->count, sizeof *entries);
        if (!dict->index)
            return false;
    }
    *out = (struct inf_value){.kind = INF_DICT, .as.dict = dict};
    return true;
}

const struct inf_value *inf_dict_find(struct inf_render *r, const struct inf_dict *dict,
                                      const struct inf_value *key)
{
    uint64_t hash = hash_of(key);
    if (key->kind != INF_NONE && !inf_is_number(key) && key->kind != INF_TEXT)
        return NULL;
    if (!inf_render_spend(r, 1))
        return NULL;
    if (!dict->index) {
        for (size_t i = 0; i < dict->count; i++)
            if (!compare_keys(&dict->entries[i].key, key))
                return &dict->entries[i].value;
        return NULL;
    }
    size_t low = 0, high = dict->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct inf_sort_item *item = &dict->index[middle];
        bool before = item->key != hash ? item->key < hash : compare_keys(item->item, key) < 0;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == dict->count || compare_keys(dict->index[low].item, key))
        return NULL;
    return &((const struct inf_entry *)dict->index[low].item)->value;
}

const struct inf_value *inf_dict_find_name(struct inf_render *r, const struct inf_dict *dict,
                                           struct inf_bytes name)
{
    struct inf_buffer buffer = {.bytes = (char *)(uintptr_t)name.ptr, .used = (uint32_t)name.len};
    struct inf_value key = {.kind = INF_TEXT, .as.text = {&buffer, 0, (uint32_t)name.len}};
    return inf_dict_find(r, dict, &key);
}

/* ---- Namespaces ---------------------------------------------------------------------------- */

struct inf_value *inf_space_find(struct inf_render *r, const struct inf_namespace *space,
                                 struct inf_bytes name)
{
    for (size_t i = 0; i < space->count; i++) {
        const struct inf_bytes *known = &space->items[i].name;
        if (known->len == name.len && !memcmp(known->ptr, name.ptr, name.len))
            return &space->items[i].value;
    }
    inf_render_spend(r, space->count / 16);
    return NULL;
}

bool inf_space_set(struct inf_render *r, struct inf_namespace *space, struct inf_bytes name,
                   const struct inf_value *value)
{
    struct inf_value *known = inf_space_find(r, space, name);
    if (known) {
        *known = *value;
        return true;
    }
    if (space->count == space->capacity) {
        uint32_t capacity = space->capacity ? 2 * space->capacity : 4;
        struct inf_binding *items = inf_render_take(r, capacity, sizeof *items);
        if (!items)
            return false;
        if (space->count)
            memcpy(items, space->items, space->count * sizeof *items);
        space->items = items;
        space->capacity = capacity;
    }
    space->items[space->count++] = (struct inf_binding){name, *value};
    return true;
}

/* ---- Comparing ----------------------------------------------------------------------------- */

static bool sequences_equal(struct inf_render *r, const struct inf_sequence *a,
                            const struct inf_sequence *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!inf_values_equal(r, &a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool dicts_equal(struct inf_render *r, const struct inf_dict *a, const struct inf_dict *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct inf_value *other = inf_dict_find(r, b, &a->entries[i].key);
        if (!other || !inf_values_equal(r, &a->entries[i].value, other))
            return false;
    }
    return true;
}

static bool equal(struct inf_render *r, const struct inf_value *a, const struct inf_value *b)
{
    if (inf_is_number(a) && inf_is_number(b))
        return compare_keys(a, b) == 0 && !isnan(inf_real(a)) && !isnan(inf_real(b));
    if (a->kind != b->kind)
        return false;
    switch ((enum inf_kind)a->kind) {
    case INF_UNDEFINED:
    case INF_NONE:
        return true;
    case INF_TEXT:
    case INF_BIG:
        return inf_chars_len(a) == inf_chars_len(b) && inf_render_spend(r, a->as.text.len / 64) &&
               !memcmp(inf_chars(a), inf_chars(b), inf_chars_len(a));
    case INF_LIST:
    case INF_TUPLE:
        return sequences_equal(r, a->as.sequence, b->as.sequence);
    case INF_DICT:
        return dicts_equal(r, a->as.dict, b->as.dict);
    case INF_RANGE:
        return !memcmp(a->as.range, b->as.range, sizeof *a->as.range);
    default:
        return a->as.sequence == b->as.sequence; /* the same object */
    }
}

bool inf_values_equal(struct inf_render *r, const struct inf_value *a, const struct inf_value *b)
{
    if (!inf_render_spend(r, 1) || !inf_render_enter(r))
        return false;
    bool same = equal(r, a, b);
    inf_render_leave(r);
    return same && !r->status;
}

static bool sequences_order(struct inf_render *r, const struct inf_sequence *a,
                            const struct inf_sequence *b, int *order)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (inf_values_equal(r, &a->items[i], &b->items[i]))
            continue;
        if (r->status || !inf_render_enter(r))
            return false;
        bool done = inf_values_order(r, &a->items[i], &b->items[i], order);
        inf_render_leave(r);
        return done;
    }
    *order = (a->count > b->count) - (a->count < b->count);
    return true;
}

bool inf_values_order(struct inf_render *r, const struct inf_value *a, const struct inf_value *b,
                      int *order)
{
    if (!inf_render_spend(r, 1))
        return false;
    if ((inf_is_number(a) && inf_is_number(b)) || (a->kind == INF_TEXT && b->kind == INF_TEXT)) {
        *order = compare_keys(a, b);
        return a->kind != INF_TEXT || inf_render_spend(r, a->as.text.len / 64);
    }
    if (a->kind == b->kind && (a->kind == INF_LIST || a->kind == INF_TUPLE))
        return sequences_order(r, a->as.sequence, b->as.sequence, order);
    if (a->kind == INF_UNDEFINED || b->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, a->kind == INF_UNDEFINED ? a : b);
    return inf_fault(r, "a %s and a %s have no order", inf_kind_name(a), inf_kind_name(b));
}

/* Merges the sorted halves of keys and items [start, end) through the scratch. */
static bool merge(struct inf_render *r, struct inf_value *keys, struct inf_value *items,
                  struct inf_value *scratch, size_t start, size_t middle, size_t end, bool reverse)
{
    size_t a = start, b = middle, out = 0, count = end - start;
    while (a < middle || b < end) {
        int order = 0;
        if (a < middle && b < end && !inf_values_order(r, &keys[a], &keys[b], &order))
            return false;
        bool left = b == end || (a < middle && (reverse ? order >= 0 : order <= 0));
        size_t from = left ? a++ : b++;
        scratch[out] = keys[from];
        scratch[count + out++] = items[from];
    }
    memcpy(keys + start, scratch, count * sizeof *keys);
    memcpy(items + start, scratch + count, count * sizeof *items);
    return true;
}

bool inf_values_sort(struct inf_render *r, struct inf_value *keys, struct inf_value *items,
                     size_t count, bool reverse)
{
    struct inf_value *scratch = inf_render_take(r, 2 * count, sizeof *scratch);
    if (!scratch)
        return false;
    for (size_t width = 1; width < count; width *= 2)
        for (size_t start = 0; start + width < count; start += 2 * width)
            if (!merge(r, keys, items, scratch, start, start + width,
                       inf_min_size(start + 2 * width, count), reverse))
                return false;
    return true;
}

bool inf_value_contains(struct inf_render *r, const struct inf_value *whole,
                        const struct inf_value *part, bool *found)
{
    struct inf_sequence items;
    *found = false;
    if (whole->kind == INF_TEXT) {
        if (part->kind != INF_TEXT)
            return inf_fault(r, "a %s cannot be in a str", inf_kind_name(part));
        *found = !part->as.text.len || memmem(inf_chars(whole), inf_chars_len(whole),
                                              inf_chars(part), inf_chars_len(part));
        return inf_render_spend(r, whole->as.text.len / 64);
    }
    if (whole->kind == INF_DICT) {
        if (part->kind == INF_TUPLE || part->kind == INF_RANGE)
            return true; /* Python can have them as keys, no dict here has */
        if (!inf_value_hashable(r, part))
            return false;
        *found = inf_dict_find(r, whole->as.dict, part) != NULL;
        return !r->status;
    }
    if (whole->kind == INF_RANGE && inf_is_number(part)) {
        const struct inf_range *range = whole->as.range;
        double place = (inf_real(part) - (double)range->start) / (double)range->step;
        *found = place >= 0 && place < (double)range->count && place == floor(place);
        return true;
    }
    if (!inf_is_iterable(whole))
        return inf_fault(r, "nothing can be in a %s", inf_kind_name(whole));
    if (!inf_value_items(r, whole, &items))
        return false;
    for (size_t i = 0; i < items.count && !*found; i++)
        *found = inf_values_equal(r, &items.items[i], part);
    return !r->status;
}
