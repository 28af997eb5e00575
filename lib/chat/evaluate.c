/* Expressions: from a tree to a value. */
#include "lib/chat/template.h"

#include <string.h>

static bool find_name(struct inf_render *r, struct inf_frame *frame, struct inf_bytes name,
                      struct inf_value *out)
{
    for (; frame; frame = frame->parent) {
        const struct inf_value *known = inf_space_find(r, &frame->names, name);
        if (known) {
            *out = *known;
            return true;
        }
    }
    const struct inf_builtin *global = r->status ? NULL : inf_global_find(name);
    if (global && (r->has_now || !inf_bytes_equal(name, "strftime_now"))) {
        struct inf_function *function = inf_render_take(r, 1, sizeof *function);
        if (!function)
            return false;
        function->builtin = global;
        *out = (struct inf_value){.kind = INF_FUNCTION, .as.function = function};
        return true;
    }
    return inf_undefined(r, name, NULL, out);
}

static bool list(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                 struct inf_value *out)
{
    enum inf_kind kind = node->kind == INF_NODE_LIST ? INF_LIST : INF_TUPLE;
    if (!inf_sequence_new(r, kind, node->count, out))
        return false;
    for (uint32_t i = 0; i < node->count; i++)
        if (!inf_evaluate(r, frame, node->items[i], &out->as.sequence->items[i]))
            return false;
    return true;
}

static bool dict(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                 struct inf_value *out)
{
    size_t count = node->count / 2;
    struct inf_entry *entries = inf_render_take(r, count, sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!inf_evaluate(r, frame, node->items[2 * i], &entries[i].key) ||
            !inf_evaluate(r, frame, node->items[2 * i + 1], &entries[i].value))
            return false;
    r->at = node->at;
    return inf_dict_new(r, entries, count, out);
}

static bool chain(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                  struct inf_value *out)
{
    struct inf_value left, right;
    if (!inf_evaluate(r, frame, node->items[0], &left))
        return false;
    for (uint32_t i = 1; i < node->count; i++) {
        const struct inf_node *operand = node->items[i];
        if (!inf_evaluate(r, frame, operand->items[0], &right))
            return false;
        r->at = operand->at;
        if (!inf_value_arithmetic(r, operand->op, &left, &right, out))
            return false;
        left = *out;
    }
    return true;
}

/* a ~ b ~ c: all as texts. */
static bool concat(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                   struct inf_value *out)
{
    struct inf_value item, text, joined;
    if (!inf_evaluate(r, frame, node->items[0], &item) || !inf_value_text(r, &item, &joined))
        return false;
    for (uint32_t i = 1; i < node->count; i++)
        if (!inf_evaluate(r, frame, node->items[i], &item) || !inf_value_text(r, &item, &text) ||
            !inf_text_join(r, &joined, &text, &joined))
            return false;
    joined.safe = false;
    *out = joined;
    return true;
}

static bool compare_once(struct inf_render *r, char op, const struct inf_value *a,
                         const struct inf_value *b, bool *holds)
{
    int order = 0;
    switch (op) {
    case 'e':
    case 'n':
        *holds = inf_values_equal(r, a, b) == (op == 'e');
        return !r->status;
    case 'i':
    case 'o':
        if (!inf_value_contains(r, b, a, holds))
            return false;
        *holds = *holds == (op == 'i');
        return true;
    default:
        if (!inf_values_order(r, a, b, &order))
            return false;
        *holds = op == '<'   ? order < 0
                 : op == 'l' ? order <= 0
                 : op == '>' ? order > 0
                             : order >= 0;
        return true;
    }
}

/* a < b < c holds where each pair does. */
static bool compare(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                    struct inf_value *out)
{
    struct inf_value left, right;
    bool holds = true;
    if (!inf_evaluate(r, frame, node->items[0], &left))
        return false;
    for (uint32_t i = 1; i < node->count && holds; i++) {
        const struct inf_node *operand = node->items[i];
        if (!inf_evaluate(r, frame, operand->items[0], &right))
            return false;
        r->at = operand->at;
        if (!compare_once(r, operand->op, &left, &right, &holds))
            return false;
        left = right;
    }
    *out = inf_bool(holds);
    return true;
}

/* The first that decides, else the last. */
static bool decide(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                   struct inf_value *out)
{
    bool wanted = node->kind == INF_NODE_OR;
    for (uint32_t i = 0; i < node->count; i++) {
        if (!inf_evaluate(r, frame, node->items[i], out))
            return false;
        if (inf_truth(out) == wanted)
            break;
    }
    return true;
}

static bool condition(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                      struct inf_value *out)
{
    struct inf_value test;
    if (!inf_evaluate(r, frame, node->items[1], &test))
        return false;
    if (inf_truth(&test))
        return inf_evaluate(r, frame, node->items[0], out);
    if (node->count == 3)
        return inf_evaluate(r, frame, node->items[2], out);
    return inf_undefined(r, (struct inf_bytes){"if without else", 15}, NULL, out);
}

/* ---- Calls --------------------------------------------------------------------------------- */

struct arguments {
    struct inf_list items;
    struct inf_namespace names;
};

static bool add_name(struct inf_render *r, struct inf_namespace *names, struct inf_bytes name,
                     const struct inf_value *value)
{
    if (inf_space_find(r, names, name))
        return inf_fault(r, "argument '%.*s' is given twice", (int)inf_min_size(name.len, 60),
                         name.ptr);
    return inf_space_set(r, names, name, value);
}

static bool spread(struct inf_render *r, struct inf_list *list, const struct inf_value *v)
{
    struct inf_sequence items;
    if (!inf_value_items(r, v, &items))
        return false;
    for (size_t i = 0; i < items.count; i++)
        if (!inf_list_add(r, list, &items.items[i]))
            return false;
    return true;
}

static bool spread_dict(struct inf_render *r, struct inf_namespace *names,
                        const struct inf_value *v)
{
    if (v->kind != INF_DICT)
        return inf_fault(r, "** needs a dict, not a %s", inf_kind_name(v));
    for (size_t i = 0; i < v->as.dict->count; i++) {
        const struct inf_entry *entry = &v->as.dict->entries[i];
        if (entry->key.kind != INF_TEXT)
            return inf_fault(r, "** needs names for keys");
        struct inf_bytes name = {inf_chars(&entry->key), inf_chars_len(&entry->key)};
        if (!add_name(r, names, name, &entry->value))
            return false;
    }
    return true;
}

static bool arguments(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                      struct inf_args *args)
{
    struct arguments a = {0};
    for (uint32_t i = 0; i < node->count; i++) {
        const struct inf_node *item = node->items[i];
        struct inf_value value;
        bool plain = item->kind < INF_NODE_KEYWORD;
        if (!inf_evaluate(r, frame, plain ? item : item->items[0], &value))
            return false;
        bool done = plain                            ? inf_list_add(r, &a.items, &value)
                    : item->kind == INF_NODE_KEYWORD ? add_name(r, &a.names, item->name, &value)
                    : item->kind == INF_NODE_SPREAD  ? spread(r, &a.items, &value)
                                                     : spread_dict(r, &a.names, &value);
        if (!done)
            return false;
    }
    *args = (struct inf_args){a.items.items, a.items.count, a.names.items, a.names.count};
    return true;
}

static bool call(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                 const struct inf_node *caller, struct inf_value *value)
{
    struct inf_args args;
    struct inf_value callee = *value;
    if (!arguments(r, frame, node, &args))
        return false;
    if (caller) { /* {% call %}: its body is one argument more */
        struct inf_namespace names = {.items = (struct inf_binding *)(uintptr_t)args.names,
                                      .count = (uint32_t)args.name_count,
                                      .capacity = (uint32_t)args.name_count};
        struct inf_macro *macro = inf_render_take(r, 1, sizeof *macro);
        if (!macro)
            return false;
        *macro = (struct inf_macro){caller, frame};
        struct inf_value body = {.kind = INF_MACRO, .as.macro = macro};
        if (!add_name(r, &names, (struct inf_bytes){"caller", 6}, &body))
            return false;
        args.names = names.items;
        args.name_count = names.count;
    }
    r->at = node->at;
    return inf_value_call(r, &callee, &args, value);
}

static bool slice(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                  struct inf_value *value)
{
    struct inf_value values[3], base = *value;
    const struct inf_value *bounds[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3; i++) {
        if (!node->items[i])
            continue;
        if (!inf_evaluate(r, frame, node->items[i], &values[i]))
            return false;
        bounds[i] = &values[i];
    }
    r->at = node->at;
    return inf_value_slice(r, &base, bounds, value);
}

static bool filter_or_test(struct inf_render *r, struct inf_frame *frame,
                           const struct inf_node *node, struct inf_value *value)
{
    struct inf_args args;
    struct inf_value input = *value;
    bool test = node->kind == INF_NODE_TEST;
    r->at = node->at;
    if (!node->builtin)
        return inf_fault(r, "there is no %s '%.*s'", test ? "test" : "filter",
                         (int)inf_min_size(node->name.len, 60), node->name.ptr);
    if (!arguments(r, frame, node, &args))
        return false;
    r->at = node->at;
    if (!inf_builtin_run(r, node->builtin, &input, &args, value))
        return false;
    if (test)
        *value = inf_bool(inf_truth(value) != node->flag);
    return true;
}

bool inf_evaluate_postfix(struct inf_render *r, struct inf_frame *frame,
                          const struct inf_node *node, const struct inf_node *caller,
                          struct inf_value *value)
{
    for (uint32_t i = 1; i < node->count; i++) {
        const struct inf_node *next = node->items[i];
        struct inf_value base = *value, key;
        bool done = inf_render_spend(r, 1);
        r->at = next->at;
        if (!done)
            return false;
        switch ((enum inf_node_kind)next->kind) {
        case INF_NODE_ATTRIBUTE:
            done = inf_value_attribute(r, &base, next->name, value);
            break;
        case INF_NODE_ITEM:
            done = inf_evaluate(r, frame, next->items[0], &key);
            r->at = next->at;
            done = done && inf_value_item(r, &base, &key, value);
            break;
        case INF_NODE_SLICE:
            done = slice(r, frame, next, value);
            break;
        case INF_NODE_CALL:
            done = call(r, frame, next, i + 1 == node->count ? caller : NULL, value);
            break;
        default:
            done = filter_or_test(r, frame, next, value);
        }
        if (!done)
            return false;
    }
    return true;
}

static bool evaluate(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                     struct inf_value *out)
{
    struct inf_value item;
    switch ((enum inf_node_kind)node->kind) {
    case INF_NODE_CONSTANT:
        *out = node->value;
        return true;
    case INF_NODE_NAME:
        return find_name(r, frame, node->name, out);
    case INF_NODE_LIST:
    case INF_NODE_TUPLE:
        return list(r, frame, node, out);
    case INF_NODE_DICT:
        return dict(r, frame, node, out);
    case INF_NODE_OR:
    case INF_NODE_AND:
        return decide(r, frame, node, out);
    case INF_NODE_NOT:
        if (!inf_evaluate(r, frame, node->items[0], &item))
            return false;
        *out = inf_bool(!inf_truth(&item));
        return true;
    case INF_NODE_NEGATE:
        if (!inf_evaluate(r, frame, node->items[0], &item))
            return false;
        r->at = node->at;
        if (!inf_value_negate(r, &item, out))
            return false;
        item = *out;
        return !node->flag || inf_value_negate(r, &item, out);
    case INF_NODE_CHAIN:
        return chain(r, frame, node, out);
    case INF_NODE_COMPARE:
        return compare(r, frame, node, out);
    case INF_NODE_CONCAT:
        return concat(r, frame, node, out);
    case INF_NODE_CONDITION:
        return condition(r, frame, node, out);
    default:
        return inf_evaluate(r, frame, node->items[0], out) &&
               inf_evaluate_postfix(r, frame, node, NULL, out);
    }
}

bool inf_evaluate(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                  struct inf_value *out)
{
    r->at = node->at;
    if (!inf_render_spend(r, 1) || !inf_render_enter(r))
        return false;
    bool done = evaluate(r, frame, node, out);
    inf_render_leave(r);
    return done;
}
