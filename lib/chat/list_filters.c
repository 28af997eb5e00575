/* Filters of lists, dicts and whatever can be walked over. */
#include "lib/chat/value.h"

#include <string.h>

/* ---- Attributes ---------------------------------------------------------------------------- */

/* One part of "a.0.b": a whole number is an index. */
static bool step_into(struct inf_render *r, const struct inf_value *part,
                      const struct inf_value *fallback, struct inf_value *item)
{
    struct inf_value key = *part, base = *item;
    if (part->kind == INF_TEXT && inf_chars_len(part) && inf_chars_len(part) < 10) {
        int64_t index = 0;
        size_t digits = 0;
        for (; digits < inf_chars_len(part); digits++) {
            char c = inf_chars(part)[digits];
            if (c < '0' || c > '9')
                break;
            index = index * 10 + (c - '0');
        }
        if (digits == inf_chars_len(part))
            key = inf_int(index);
    }
    if (!inf_value_item(r, &base, &key, item))
        return false;
    if (item->kind == INF_UNDEFINED && fallback)
        *item = *fallback;
    return true;
}

/* item.a.b for the attribute "a.b"; the item itself where no attribute is given. */
static bool attribute_of(struct inf_render *r, const struct inf_value *item,
                         const struct inf_value *attribute, const struct inf_value *fallback,
                         struct inf_value *out)
{
    *out = *item;
    if (!attribute || attribute->kind == INF_NONE)
        return true;
    if (attribute->kind != INF_TEXT)
        return step_into(r, attribute, fallback, out);
    const char *bytes = inf_chars(attribute);
    size_t len = inf_chars_len(attribute), start = 0;
    while (start <= len) {
        const char *dot = memchr(bytes + start, '.', len - start);
        size_t end = dot ? (size_t)(dot - bytes) : len;
        struct inf_value part = inf_text_part(attribute, start, end);
        if (!step_into(r, &part, fallback, out))
            return false;
        start = end + 1;
    }
    return true;
}

/* What sorting and comparing go by: the attribute, texts in lower case unless case counts. */
static bool key_of(struct inf_render *r, const struct inf_value *item,
                   const struct inf_value *attribute, const struct inf_value *fallback,
                   bool case_counts, struct inf_value *out)
{
    struct inf_value text;
    if (!attribute_of(r, item, attribute, fallback, out))
        return false;
    if (case_counts || out->kind != INF_TEXT)
        return true;
    text = *out;
    return inf_text_case(r, &text, INF_CASE_LOWER, out);
}

static bool keys_of(struct inf_render *r, const struct inf_sequence *items,
                    const struct inf_value *attribute, const struct inf_value *fallback,
                    bool case_counts, struct inf_value **keys)
{
    *keys = inf_render_take(r, items->count, sizeof **keys);
    if (!*keys)
        return false;
    for (size_t i = 0; i < items->count; i++)
        if (!key_of(r, &items->items[i], attribute, fallback, case_counts, &(*keys)[i]))
            return false;
    return true;
}

static bool flag_of(const struct inf_value *v)
{
    return v && inf_truth(v);
}

/* ---- Plain --------------------------------------------------------------------------------- */

INF_BUILTIN(first)
{
    struct inf_sequence items;
    if (!inf_value_items(r, self, &items))
        return false;
    if (!items.count)
        return inf_undefined(r, (struct inf_bytes){"first item", 10}, "list", out);
    *out = items.items[0];
    return true;
}

INF_BUILTIN(last)
{
    struct inf_sequence items;
    if (self->kind == INF_GENERATOR)
        return inf_fault(r, "a generator has no last item");
    if (!inf_value_items(r, self, &items))
        return false;
    if (!items.count)
        return inf_undefined(r, (struct inf_bytes){"last item", 9}, "list", out);
    *out = items.items[items.count - 1];
    return true;
}

INF_BUILTIN(length)
{
    size_t count = 0;
    if (!inf_value_length(r, self, &count))
        return false;
    *out = inf_int((int64_t)count);
    return true;
}

INF_BUILTIN(list)
{
    struct inf_sequence items;
    struct inf_list same;
    if (!inf_value_items(r, self, &items))
        return false;
    same = (struct inf_list){items.items, items.count, items.count};
    return inf_list_value(r, &same, INF_LIST, out);
}

INF_BUILTIN(reverse)
{
    struct inf_sequence items;
    if (!inf_value_items(r, self, &items))
        return false;
    if (self->kind == INF_TEXT) {
        struct inf_buffer *b = inf_buffer_new(r, inf_chars_len(self));
        for (size_t i = items.count; b && i-- > 0;)
            if (!inf_buffer_add_text(r, b, &items.items[i].as.text))
                return false;
        if (b)
            *out = inf_buffer_value(b);
        return b != NULL;
    }
    if (!inf_sequence_new(r, INF_GENERATOR, items.count, out))
        return false;
    for (size_t i = 0; i < items.count; i++)
        out->as.sequence->items[i] = items.items[items.count - 1 - i];
    return true;
}

INF_BUILTIN(join)
{
    struct inf_sequence items;
    struct inf_value between, item, text;
    struct inf_buffer *b = inf_buffer_new(r, 64);
    if (!b || !inf_text_borrow(r, "", 0, true, &between) ||
        (given[0] && !inf_value_text(r, given[0], &between)) || !inf_value_items(r, self, &items))
        return false;
    for (size_t i = 0; i < items.count; i++)
        if (!attribute_of(r, &items.items[i], given[1], NULL, &item) ||
            !inf_value_text(r, &item, &text) ||
            (i && !inf_buffer_add_text(r, b, &between.as.text)) ||
            !inf_buffer_add_text(r, b, &text.as.text) || !inf_render_spend(r, 1))
            return false;
    *out = inf_buffer_value(b);
    return true;
}

INF_BUILTIN(items_of)
{
    static const struct inf_sequence none = {.items = NULL};
    if (self->kind == INF_UNDEFINED) {
        *out = (struct inf_value){.kind = INF_TUPLE,
                                  .as.sequence = (struct inf_sequence *)(uintptr_t)&none};
        return true;
    }
    if (self->kind != INF_DICT)
        return inf_fault(r, "items needs a dict, not a %s", inf_kind_name(self));
    const struct inf_builtin *method = inf_method_find(self, (struct inf_bytes){"items", 5});
    if (!inf_builtin_run(r, method, self, &(struct inf_args){0}, out))
        return false;
    out->kind = INF_GENERATOR;
    return true;
}

INF_BUILTIN(default_to)
{
    bool replaced = self->kind == INF_UNDEFINED || (flag_of(given[1]) && !inf_truth(self));
    if (!replaced)
        *out = *self;
    else if (given[0])
        *out = *given[0];
    else
        return inf_text_borrow(r, "", 0, true, out);
    return true;
}

INF_BUILTIN(attribute)
{
    struct inf_value name;
    if (!inf_value_text(r, given[0], &name))
        return false;
    struct inf_bytes bytes = {inf_chars(&name), inf_chars_len(&name)};
    if (self->kind == INF_DICT) /* its keys are no attributes */
        return inf_undefined(r, bytes, "dict", out);
    return inf_value_attribute(r, self, bytes, out);
}

/* ---- Orders -------------------------------------------------------------------------------- */

/* What to sort by: for attributes "a,b" lists of them, so that two that have none are equal. */
static bool sort_keys(struct inf_render *r, const struct inf_sequence *items,
                      const struct inf_value *attribute, bool case_counts, struct inf_value **keys)
{
    if (!attribute || attribute->kind != INF_TEXT)
        return keys_of(r, items, attribute, NULL, case_counts, keys);
    *keys = inf_render_take(r, items->count, sizeof **keys);
    if (!*keys)
        return false;
    for (size_t i = 0; i < items->count; i++) {
        struct inf_list parts = {0};
        for (size_t start = 0, len = inf_chars_len(attribute); start <= len;) {
            const char *bytes = inf_chars(attribute);
            const char *comma = memchr(bytes + start, ',', len - start);
            size_t end = comma ? (size_t)(comma - bytes) : len;
            struct inf_value part = inf_text_part(attribute, start, end), key;
            if (!key_of(r, &items->items[i], &part, NULL, case_counts, &key) ||
                !inf_list_add(r, &parts, &key))
                return false;
            start = end + 1;
        }
        if (!inf_list_value(r, &parts, INF_LIST, &(*keys)[i]))
            return false;
    }
    return true;
}

/* A list of its own, so that it may be changed. */
static bool copy_items(struct inf_render *r, const struct inf_value *v, struct inf_value *out)
{
    struct inf_sequence items;
    if (!inf_value_items(r, v, &items) || !inf_sequence_new(r, INF_LIST, items.count, out))
        return false;
    if (items.count)
        memcpy(out->as.sequence->items, items.items, items.count * sizeof *items.items);
    return true;
}

INF_BUILTIN(sort)
{
    struct inf_value *keys;
    return copy_items(r, self, out) &&
           sort_keys(r, out->as.sequence, given[2], flag_of(given[1]), &keys) &&
           inf_values_sort(r, keys, out->as.sequence->items, out->as.sequence->count,
                           flag_of(given[0]));
}

INF_BUILTIN(dictsort)
{
    static const char *const by[] = {"key", "value"};
    struct inf_value pairs, *keys;
    size_t place = 0;
    if (self->kind != INF_DICT)
        return inf_fault(r, "dictsort needs a dict, not a %s", inf_kind_name(self));
    if (given[1]) {
        if (!inf_need_text(r, given[1], "by"))
            return false;
        struct inf_bytes name = {inf_chars(given[1]), inf_chars_len(given[1])};
        place = inf_bytes_equal(name, by[1]);
        if (!place && !inf_bytes_equal(name, by[0]))
            return inf_fault(r, "dictsort: by is key or value");
    }
    const struct inf_builtin *method = inf_method_find(self, (struct inf_bytes){"items", 5});
    struct inf_value index = inf_int((int64_t)place);
    return inf_builtin_run(r, method, self, &(struct inf_args){0}, &pairs) &&
           copy_items(r, &pairs, out) &&
           keys_of(r, out->as.sequence, &index, NULL, flag_of(given[0]), &keys) &&
           inf_values_sort(r, keys, out->as.sequence->items, out->as.sequence->count,
                           flag_of(given[2]));
}

static bool extreme(struct inf_render *r, const struct inf_value *v,
                    const struct inf_value *const *given, int wanted, struct inf_value *out)
{
    struct inf_sequence items;
    struct inf_value *keys;
    size_t best = 0;
    if (!inf_value_items(r, v, &items) ||
        !keys_of(r, &items, given[1], NULL, flag_of(given[0]), &keys))
        return false;
    if (!items.count)
        return inf_undefined(r, (struct inf_bytes){"least or greatest item", 22}, "list", out);
    for (size_t i = 1; i < items.count; i++) {
        int order;
        if (!inf_values_order(r, &keys[i], &keys[best], &order))
            return false;
        if (order * wanted > 0)
            best = i;
    }
    *out = items.items[best];
    return true;
}

INF_BUILTIN(least)
{
    return extreme(r, self, given, -1, out);
}

INF_BUILTIN(greatest)
{
    return extreme(r, self, given, 1, out);
}

INF_BUILTIN(sum)
{
    struct inf_sequence items;
    struct inf_value total = given[1] ? *given[1] : inf_int(0), item;
    if (!inf_value_items(r, self, &items))
        return false;
    for (size_t i = 0; i < items.count; i++) {
        struct inf_value before = total;
        if (!attribute_of(r, &items.items[i], given[0], NULL, &item) ||
            !inf_value_arithmetic(r, '+', &before, &item, &total))
            return false;
    }
    *out = total;
    return true;
}

INF_BUILTIN(unique)
{
    struct inf_sequence items;
    struct inf_value *keys;
    struct inf_list kept = {0};
    if (!inf_value_items(r, self, &items) ||
        !keys_of(r, &items, given[1], NULL, flag_of(given[0]), &keys))
        return false;
    uint32_t *first_of = inf_render_take(r, items.count, sizeof *first_of);
    if (!first_of || !inf_values_first(r, keys, items.count, first_of))
        return false;
    for (size_t i = 0; i < items.count; i++)
        if (first_of[i] == i && !inf_list_add(r, &kept, &items.items[i]))
            return false;
    return inf_list_value(r, &kept, INF_GENERATOR, out);
}

/* ---- Groups -------------------------------------------------------------------------------- */

static bool add_group(struct inf_render *r, struct inf_list *groups,
                      const struct inf_value *grouper, const struct inf_list *members)
{
    struct inf_value pair;
    if (!inf_sequence_new(r, INF_TUPLE, 2, &pair))
        return false;
    pair.as.sequence->name = "group";
    pair.as.sequence->items[0] = *grouper;
    return inf_list_value(r, members, INF_LIST, &pair.as.sequence->items[1]) &&
           inf_list_add(r, groups, &pair);
}

INF_BUILTIN(groupby)
{
    struct inf_value sorted, *keys, grouper;
    struct inf_list groups = {0};
    bool case_counts = flag_of(given[2]);
    if (!copy_items(r, self, &sorted))
        return false;
    struct inf_sequence *items = sorted.as.sequence;
    if (!keys_of(r, items, given[0], given[1], case_counts, &keys) ||
        !inf_values_sort(r, keys, items->items, items->count, false))
        return false;
    for (size_t start = 0, end; start < items->count; start = end) {
        struct inf_list members = {0};
        for (end = start; end < items->count; end++)
            if ((end > start && !inf_values_equal(r, &keys[start], &keys[end])) ||
                !inf_list_add(r, &members, &items->items[end]))
                break;
        /* the group's name is as its first item has it */
        if (r->status || !attribute_of(r, &items->items[start], given[0], given[1], &grouper) ||
            !add_group(r, &groups, &grouper, &members))
            return false;
    }
    return inf_list_value(r, &groups, INF_LIST, out);
}

/* Items start ... end as a list, `fill` behind them up to `size`. */
static bool add_stretch(struct inf_render *r, struct inf_list *stretches,
                        const struct inf_sequence *items, size_t start, size_t end, size_t size,
                        const struct inf_value *fill)
{
    struct inf_value stretch;
    bool filled = fill && fill->kind != INF_NONE;
    size_t count = filled && end - start < size ? size : end - start;
    if (!inf_sequence_new(r, INF_LIST, count, &stretch))
        return false;
    for (size_t i = 0; i < count; i++)
        stretch.as.sequence->items[i] = start + i < end ? items->items[start + i] : *fill;
    return inf_list_add(r, stretches, &stretch);
}

INF_BUILTIN(batch)
{
    struct inf_sequence items;
    struct inf_list stretches = {0};
    int64_t count = 0;
    if (!inf_need_int(r, given[0], "linecount", &count) || !inf_value_items(r, self, &items))
        return false;
    if (count < 1 || count > UINT32_MAX / 64)
        return inf_fault(r, "batches of %lld items", (long long)count);
    size_t size = (size_t)count;
    for (size_t start = 0; start < items.count; start += size)
        if (!add_stretch(r, &stretches, &items, start, inf_min_size(start + size, items.count),
                         size, given[1]))
            return false;
    return inf_list_value(r, &stretches, INF_GENERATOR, out);
}

INF_BUILTIN(slice)
{
    struct inf_sequence items;
    struct inf_list stretches = {0};
    int64_t count = 0;
    if (!inf_need_int(r, given[0], "slices", &count) || !inf_value_items(r, self, &items))
        return false;
    if (count < 1 || count > UINT32_MAX / 64)
        return inf_fault(r, "%lld slices", (long long)count);
    size_t slices = (size_t)count, size = items.count / slices, longer = items.count % slices;
    for (size_t i = 0, start = 0; i < slices; i++) {
        size_t end = start + size + (i < longer);
        bool fills = given[1] && i >= longer;
        if (!add_stretch(r, &stretches, &items, start, end, size + (fills ? 1 : 0),
                         fills ? given[1] : NULL))
            return false;
        start = end;
    }
    return inf_list_value(r, &stretches, INF_GENERATOR, out);
}

/* ---- Mapping and choosing ------------------------------------------------------------------ */

static const struct inf_value *named(const struct inf_args *args, const char *name)
{
    for (size_t i = 0; i < args->name_count; i++)
        if (inf_bytes_equal(args->names[i].name, name))
            return &args->names[i].value;
    return NULL;
}

/* The builtin that an argument names. */
static bool find_by(struct inf_render *r, const struct inf_value *name, bool test,
                    const struct inf_builtin **found)
{
    if (!inf_need_text(r, name, test ? "the name of a test" : "the name of a filter"))
        return false;
    struct inf_bytes bytes = {inf_chars(name), inf_chars_len(name)};
    *found = test ? inf_test_find(bytes) : inf_filter_find(bytes);
    return *found || inf_fault(r, "there is no %s '%.*s'", test ? "test" : "filter",
                               (int)inf_min_size(bytes.len, 60), bytes.ptr);
}

INF_BUILTIN(map)
{
    struct inf_sequence items;
    const struct inf_builtin *filter = NULL;
    const struct inf_value *path = all->count ? NULL : named(all, "attribute");
    struct inf_args rest = {0};
    if (!inf_truth(self)) /* none, too, gives nothing */
        return inf_sequence_new(r, INF_GENERATOR, 0, out);
    if (!path) {
        if (!all->count)
            return inf_fault(r, "map needs a filter or an attribute");
        if (!find_by(r, &all->items[0], false, &filter))
            return false;
        rest = (struct inf_args){all->items + 1, all->count - 1, all->names, all->name_count};
    }
    if (!inf_value_items(r, self, &items) || !inf_sequence_new(r, INF_GENERATOR, items.count, out))
        return false;
    struct inf_value *results = out->as.sequence->items;
    for (size_t i = 0; i < items.count; i++) {
        bool done = path
                        ? attribute_of(r, &items.items[i], path, named(all, "default"), &results[i])
                        : inf_builtin_run(r, filter, &items.items[i], &rest, &results[i]);
        if (!done || !inf_render_spend(r, 1))
            return false;
    }
    return true;
}

/* The items whose truth, or attribute, or test of it, is `wanted`. */
static bool choose(struct inf_render *r, const struct inf_value *v, const struct inf_args *all,
                   bool by_attribute, bool wanted, struct inf_value *out)
{
    struct inf_sequence items;
    struct inf_list kept = {0};
    const struct inf_builtin *test = NULL;
    size_t at = by_attribute;
    if (!inf_truth(v)) /* none, too, gives nothing */
        return inf_sequence_new(r, INF_GENERATOR, 0, out);
    if (all->count < at)
        return inf_fault(r, "the attribute is missing");
    if (all->count > at && !find_by(r, &all->items[at], true, &test))
        return false;
    struct inf_args rest = {.names = all->names, .name_count = all->name_count};
    if (test) {
        rest.items = all->items + at + 1;
        rest.count = all->count - at - 1;
    }
    if (!inf_value_items(r, v, &items))
        return false;
    for (size_t i = 0; i < items.count; i++) {
        struct inf_value value, result;
        if (!attribute_of(r, &items.items[i], by_attribute ? &all->items[0] : NULL, NULL, &value))
            return false;
        result = value;
        if (test && !inf_builtin_run(r, test, &value, &rest, &result))
            return false;
        if (!inf_render_spend(r, 1) ||
            (inf_truth(&result) == wanted && !inf_list_add(r, &kept, &items.items[i])))
            return false;
    }
    return inf_list_value(r, &kept, INF_GENERATOR, out);
}

INF_BUILTIN(select_items)
{
    return choose(r, self, all, false, true, out);
}

INF_BUILTIN(reject_items)
{
    return choose(r, self, all, false, false, out);
}

INF_BUILTIN(selectattr)
{
    return choose(r, self, all, true, true, out);
}

INF_BUILTIN(rejectattr)
{
    return choose(r, self, all, true, false, out);
}

const struct inf_builtin inf_list_filters[] = {
    {"first", first, "", 0},
    {"last", last, "", 0},
    {"length", length, "", 0},
    {"count", length, "", 0},
    {"list", list, "", 0},
    {"reverse", reverse, "", 0},
    {"join", join, "d attribute ", 0},
    {"items", items_of, "", 0},
    {"default", default_to, "default_value boolean ", 0},
    {"d", default_to, "default_value boolean ", 0},
    {"attr", attribute, "name ", 1},
    {"sort", sort, "reverse case_sensitive attribute ", 0},
    {"dictsort", dictsort, "case_sensitive by reverse ", 0},
    {"min", least, "case_sensitive attribute ", 0},
    {"max", greatest, "case_sensitive attribute ", 0},
    {"sum", sum, "attribute start ", 0},
    {"unique", unique, "case_sensitive attribute ", 0},
    {"groupby", groupby, "attribute default case_sensitive ", 1},
    {"batch", batch, "linecount fill_with ", 1},
    {"slice", slice, "slices fill_with ", 1},
    {"map", map, "*", 0},
    {"select", select_items, "*", 0},
    {"reject", reject_items, "*", 0},
    {"selectattr", selectattr, "*", 0},
    {"rejectattr", rejectattr, "*", 0},
    {NULL, NULL, NULL, 0},
};
