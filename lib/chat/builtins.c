/* Finding builtins by name, giving them their arguments; the globals, and the methods of all but
 * texts. */
#include "lib/chat/template.h"

#include "lib/base/limits.h"

#include <string.h>

/* ---- Arguments ----------------------------------------------------------------------------- */

bool inf_need_text(struct inf_render *r, const struct inf_value *v, const char *what)
{
    if (v->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, v);
    return v->kind == INF_TEXT || inf_fault(r, "%s is a %s, not a str", what, inf_kind_name(v));
}

bool inf_need_int(struct inf_render *r, const struct inf_value *v, const char *what, int64_t *out)
{
    if (!v)
        return true;
    if (v->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, v);
    if (!inf_is_whole(v))
        return inf_fault(r, "%s is a %s, not a whole number", what, inf_kind_name(v));
    *out = inf_whole(v);
    return true;
}

/* The place of a parameter in "a b c ", or the number of them. */
static size_t parameter_place(const char *names, struct inf_bytes name, size_t *count)
{
    size_t found = SIZE_MAX;
    *count = 0;
    for (const char *end; (end = strchr(names, ' ')); names = end + 1, ++*count)
        if ((size_t)(end - names) == name.len && !memcmp(names, name.ptr, name.len))
            found = *count;
    return found;
}

static bool bind(struct inf_render *r, const struct inf_builtin *builtin,
                 const struct inf_args *args, const struct inf_value **given)
{
    size_t most;
    parameter_place(builtin->names, (struct inf_bytes){"", 0}, &most);
    if (args->count > most)
        return inf_fault(r, "%s takes at most %zu arguments, %zu are given", builtin->name, most,
                         args->count);
    for (size_t i = 0; i < args->count; i++)
        given[i] = &args->items[i];
    for (size_t i = 0; i < args->name_count; i++) {
        struct inf_bytes name = args->names[i].name;
        size_t place = parameter_place(builtin->names, name, &most);
        if (place == SIZE_MAX || given[place])
            return inf_fault(r, "%s takes no argument '%.*s' here", builtin->name,
                             (int)inf_min_size(name.len, 60), name.ptr);
        given[place] = &args->names[i].value;
    }
    for (size_t i = 0; i < builtin->needed; i++)
        if (!given[i])
            return inf_fault(r, "%s needs %u arguments", builtin->name, builtin->needed);
    return true;
}

bool inf_builtin_run(struct inf_render *r, const struct inf_builtin *builtin,
                     const struct inf_value *self, const struct inf_args *args,
                     struct inf_value *out)
{
    const struct inf_value *given[INF_PARAMETERS_MAX] = {NULL};
    if (*builtin->names != '*' && !bind(r, builtin, args, given))
        return false;
    return inf_render_spend(r, 1) && builtin->call(r, self, given, args, out);
}

/* ---- Globals ------------------------------------------------------------------------------- */

INF_BUILTIN(call_range)
{
    struct inf_range *range = inf_render_take(r, 1, sizeof *range);
    int64_t first = 0;
    if (!range || !inf_need_int(r, given[0], "range", &first))
        return false;
    *range = (struct inf_range){.stop = first, .step = 1};
    if (given[1]) {
        range->start = first;
        if (!inf_need_int(r, given[1], "range", &range->stop) ||
            !inf_need_int(r, given[2], "range", &range->step))
            return false;
    }
    if (range->step == 0)
        return inf_fault(r, "range of step 0");
    bool up = range->step > 0;
    int64_t low = up ? range->start : range->stop, high = up ? range->stop : range->start;
    if (high > low) {
        uint64_t width = (uint64_t)high - (uint64_t)low;
        uint64_t step = up ? (uint64_t)range->step : 0 - (uint64_t)range->step;
        uint64_t count = (width - 1) / step + 1;
        if (count > INF_MAX_TEMPLATE_RANGE)
            return inf_render_fail(r, INFER_E_LIMIT, "a range of more than %d items",
                                   INF_MAX_TEMPLATE_RANGE);
        range->count = (int64_t)count;
    }
    *out = (struct inf_value){.kind = INF_RANGE, .as.range = range};
    return true;
}

/* The entries that a dict, or a list of pairs, gives; and the named arguments. */
static bool gather(struct inf_render *r, const struct inf_args *all, struct inf_entry **entries,
                   size_t *count)
{
    struct inf_sequence pairs = {.items = NULL}, pair = {.items = NULL};
    const struct inf_dict *dict = NULL;
    if (all->count > 1)
        return inf_fault(r, "at most one argument without a name, %zu are given", all->count);
    if (all->count && all->items[0].kind == INF_DICT)
        dict = all->items[0].as.dict;
    else if (all->count && !inf_value_items(r, &all->items[0], &pairs))
        return false;
    size_t first = dict ? dict->count : pairs.count;
    *entries = inf_render_take(r, first + all->name_count, sizeof **entries);
    if (!*entries)
        return false;
    *count = first + all->name_count;
    if (dict && first)
        memcpy(*entries, dict->entries, first * sizeof **entries);
    for (size_t i = 0; i < pairs.count; i++) {
        if (!inf_value_items(r, &pairs.items[i], &pair))
            return false;
        if (pair.count != 2)
            return inf_fault(r, "a dict is made of pairs, not of %u", pair.count);
        (*entries)[i] = (struct inf_entry){pair.items[0], pair.items[1]};
    }
    for (size_t i = 0; i < all->name_count; i++) {
        struct inf_bytes name = all->names[i].name;
        if (!inf_text_borrow(r, name.ptr, name.len, true, &(*entries)[first + i].key))
            return false;
        (*entries)[first + i].value = all->names[i].value;
    }
    return true;
}

INF_BUILTIN(call_dict)
{
    struct inf_entry *entries = NULL;
    size_t count = 0;
    return gather(r, all, &entries, &count) && inf_dict_new(r, entries, count, out);
}

INF_BUILTIN(call_namespace)
{
    struct inf_namespace *space = inf_render_take(r, 1, sizeof *space);
    struct inf_entry *entries = NULL;
    size_t count = 0;
    if (!space || !gather(r, all, &entries, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!inf_need_text(r, &entries[i].key, "a name"))
            return false;
        struct inf_bytes name = {inf_chars(&entries[i].key), inf_chars_len(&entries[i].key)};
        if (!inf_space_set(r, space, name, &entries[i].value))
            return false;
    }
    *out = (struct inf_value){.kind = INF_NAMESPACE, .as.space = space};
    return true;
}

INF_BUILTIN(call_raise)
{
    if (!inf_value_text(r, given[0], out))
        return false;
    return inf_fault(r, "%.*s", (int)inf_min_size(inf_chars_len(out), 400), inf_chars(out));
}

INF_BUILTIN(call_strftime)
{
    return inf_need_text(r, given[0], "the format") &&
           inf_strftime(r, inf_chars(given[0]), inf_chars_len(given[0]), out);
}

/* The first call of a joiner gives nothing, the others what it joins by. */
INF_BUILTIN(joiner_next)
{
    struct inf_namespace *space = self->as.space;
    if (space->position++)
        *out = space->items[0].value;
    else
        return inf_text_borrow(r, "", 0, true, out);
    return true;
}

INF_BUILTIN(call_joiner)
{
    static const struct inf_builtin next = {"joiner", joiner_next, "", 0};
    struct inf_function *function = inf_render_take(r, 1, sizeof *function);
    struct inf_namespace *space = inf_render_take(r, 1, sizeof *space);
    struct inf_value comma;
    if (!function || !space || !inf_text_borrow(r, ", ", 2, true, &comma) ||
        !inf_space_set(r, space, (struct inf_bytes){"", 0}, given[0] ? given[0] : &comma))
        return false;
    *function = (struct inf_function){&next, {.kind = INF_NAMESPACE, .as.space = space}};
    *out = (struct inf_value){.kind = INF_FUNCTION, .as.function = function};
    return true;
}

INF_BUILTIN(call_cycler)
{
    struct inf_namespace *space = inf_render_take(r, 1, sizeof *space);
    if (!all->count)
        return inf_fault(r, "a cycler needs items");
    if (space)
        space->items = inf_render_take(r, all->count, sizeof *space->items);
    if (!space || !space->items)
        return false;
    for (; space->count < all->count; space->count++)
        space->items[space->count].value = all->items[space->count];
    *out = (struct inf_value){.kind = INF_CYCLER, .as.space = space};
    return true;
}

/* ---- Methods ------------------------------------------------------------------------------- */

INF_BUILTIN(cycler_next)
{
    struct inf_namespace *space = self->as.space;
    *out = space->items[space->position].value;
    space->position = (space->position + 1) % space->count;
    return true;
}

INF_BUILTIN(cycler_reset)
{
    self->as.space->position = 0;
    *out = inf_none();
    return true;
}

INF_BUILTIN(loop_cycle)
{
    if (!all->count)
        return inf_fault(r, "cycle needs items");
    *out = all->items[self->as.loop->index % all->count];
    return true;
}

INF_BUILTIN(loop_changed)
{
    struct inf_loop *loop = self->as.loop;
    struct inf_value now;
    if (!inf_sequence_new(r, INF_TUPLE, all->count, &now))
        return false;
    if (all->count)
        memcpy(now.as.sequence->items, all->items, all->count * sizeof *all->items);
    *out = inf_bool(!loop->has_changed || !inf_values_equal(r, &loop->changed, &now));
    loop->has_changed = true;
    loop->changed = now;
    return !r->status;
}

INF_BUILTIN(dict_get)
{
    if (!inf_value_hashable(r, given[0]))
        return false;
    const struct inf_value *found = inf_dict_find(r, self->as.dict, given[0]);
    *out = found ? *found : given[1] ? *given[1] : inf_none();
    return !r->status;
}

static bool dict_view(struct inf_render *r, const struct inf_value *self, const char *name,
                      struct inf_value *out)
{
    const struct inf_dict *dict = self->as.dict;
    if (!inf_sequence_new(r, INF_VIEW, dict->count, out))
        return false;
    out->as.sequence->name = name;
    for (size_t i = 0; i < dict->count; i++) {
        struct inf_value *item = &out->as.sequence->items[i];
        if (name[5] == 'k') {
            *item = dict->entries[i].key;
        } else if (name[5] == 'v') {
            *item = dict->entries[i].value;
        } else {
            if (!inf_sequence_new(r, INF_TUPLE, 2, item))
                return false;
            item->as.sequence->items[0] = dict->entries[i].key;
            item->as.sequence->items[1] = dict->entries[i].value;
        }
    }
    return true;
}

INF_BUILTIN(dict_items)
{
    return dict_view(r, self, "dict_items", out);
}

INF_BUILTIN(dict_keys)
{
    return dict_view(r, self, "dict_keys", out);
}

INF_BUILTIN(dict_values)
{
    return dict_view(r, self, "dict_values", out);
}

INF_BUILTIN(itself)
{
    *out = *self; /* nothing changes a value, so a copy is the value */
    return true;
}

INF_BUILTIN(list_index)
{
    for (size_t i = 0; i < self->as.sequence->count && !r->status; i++)
        if (inf_values_equal(r, &self->as.sequence->items[i], given[0])) {
            *out = inf_int((int64_t)i);
            return true;
        }
    return inf_fault(r, "index: the item is not in the list");
}

INF_BUILTIN(list_count)
{
    int64_t count = 0;
    for (size_t i = 0; i < self->as.sequence->count && !r->status; i++)
        count += inf_values_equal(r, &self->as.sequence->items[i], given[0]);
    *out = inf_int(count);
    return !r->status;
}

/* ---- Tables -------------------------------------------------------------------------------- */

static const struct inf_builtin globals[] = {
    {"range", call_range, "start stop step ", 1},
    {"dict", call_dict, "*", 0},
    {"namespace", call_namespace, "*", 0},
    {"raise_exception", call_raise, "message ", 1},
    {"strftime_now", call_strftime, "format ", 1},
    {"joiner", call_joiner, "sep ", 0},
    {"cycler", call_cycler, "*", 0},
    {NULL, NULL, NULL, 0},
};

static const struct inf_builtin dict_methods[] = {
    {"get", dict_get, "key default ", 1}, {"items", dict_items, "", 0}, {"keys", dict_keys, "", 0},
    {"values", dict_values, "", 0},       {"copy", itself, "", 0},      {NULL, NULL, NULL, 0},
};

static const struct inf_builtin list_methods[] = {
    {"index", list_index, "value ", 1},
    {"count", list_count, "value ", 1},
    {"copy", itself, "", 0},
    {NULL, NULL, NULL, 0},
};

static const struct inf_builtin loop_methods[] = {
    {"cycle", loop_cycle, "*", 0},
    {"changed", loop_changed, "*", 0},
    {NULL, NULL, NULL, 0},
};

static const struct inf_builtin cycler_methods[] = {
    {"next", cycler_next, "", 0},
    {"reset", cycler_reset, "", 0},
    {NULL, NULL, NULL, 0},
};

static const struct inf_builtin *find(const struct inf_builtin *rows, struct inf_bytes name)
{
    for (; rows->name; rows++)
        if (inf_bytes_equal(name, rows->name))
            return rows;
    return NULL;
}

const struct inf_builtin *inf_filter_find(struct inf_bytes name)
{
    const struct inf_builtin *found = find(inf_text_filters, name);
    return found ? found : find(inf_list_filters, name);
}

const struct inf_builtin *inf_test_find(struct inf_bytes name)
{
    return find(inf_tests, name);
}

const struct inf_builtin *inf_global_find(struct inf_bytes name)
{
    return find(globals, name);
}

const struct inf_builtin *inf_method_find(const struct inf_value *v, struct inf_bytes name)
{
    const struct inf_builtin *rows = v->kind == INF_TEXT   ? inf_text_method_rows
                                     : v->kind == INF_DICT ? dict_methods
                                     : v->kind == INF_LIST || v->kind == INF_TUPLE ? list_methods
                                     : v->kind == INF_LOOP                         ? loop_methods
                                     : v->kind == INF_CYCLER                       ? cycler_methods
                                                                                   : NULL;
    return rows ? find(rows, name) : NULL;
}
