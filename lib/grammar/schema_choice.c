/* anyOf and oneOf. */
#include "lib/grammar/schema.h"

/* The language of the scalars of one kind in both: empty or not. */
static infer_status scalars_disjoint(struct inf_schema *s, const struct inf_conjunct *a,
                                     const struct inf_conjunct *b, bool strings, bool *disjoint)
{
    const struct inf_dfa *x = NULL, *y = NULL, *both = NULL;
    unsigned types_a, types_b;
    infer_status status;
    *disjoint = false;
    if ((status = inf_conjunct_types(s, a, &types_a)) ||
        (status = inf_conjunct_types(s, b, &types_b)))
        return status;
    if (strings) {
        if ((status = inf_schema_text_dfa(s, a, &x)) || (status = inf_schema_text_dfa(s, b, &y)))
            return status;
    } else if ((status = inf_schema_number_dfa(s, a, types_a & INF_TYPE_NUMBER, &x)) ||
               (status = inf_schema_number_dfa(s, b, types_b & INF_TYPE_NUMBER, &y))) {
        return status;
    }
    if (!x || !y)
        return INFER_OK;
    status = inf_dfa_product(s->d, x, y, false, s->budget, &both, s->err);
    *disjoint = !status;
    for (uint32_t i = 0; !status && i < both->state_count; i++)
        *disjoint &= !both->states[i].ends;
    return status;
}

/* Whether no value can be in both; false where that cannot be shown. */
static infer_status all_disjoint(struct inf_schema *s, const struct inf_conjunct *a,
                                 const struct inf_conjunct *b, unsigned depth, bool *disjoint);

/* Objects cannot be in both where a member that one requires cannot be in the other, or not with the
 * same value. */
static infer_status objects_disjoint(struct inf_schema *s, const struct inf_conjunct *a,
                                     const struct inf_conjunct *b, unsigned depth, bool *disjoint)
{
    infer_status status = INFER_OK;
    *disjoint = false;
    for (size_t i = 0; i < a->count && !status && !*disjoint; i++) {
        const struct inf_json *required =
            inf_schema_get(a->parts[i].node, "required", INF_JSON_ARRAY);
        for (size_t k = 0; required && k < required->count && !status && !*disjoint; k++) {
            struct inf_conjunct x = {.count = 0}, y = {.count = 0};
            bool theirs = false;
            if (required->as.items[k].kind != INF_JSON_STRING)
                continue;
            struct inf_bytes name = required->as.items[k].as.text;
            if ((status = inf_schema_member(s, a, name, &x)) ||
                (status = inf_schema_member(s, b, name, &y)) ||
                (status = inf_schema_requires(s, b, name, &theirs)))
                return status;
            *disjoint = y.never;
            if (!*disjoint && theirs && depth)
                status = all_disjoint(s, &x, &y, depth - 1, disjoint);
        }
    }
    return status;
}

static infer_status all_disjoint(struct inf_schema *s, const struct inf_conjunct *a,
                                 const struct inf_conjunct *b, unsigned depth, bool *disjoint)
{
    const struct inf_json *x, *y;
    size_t x_count, y_count;
    unsigned types_a, types_b;
    infer_status status;
    *disjoint = false;
    if ((status = inf_conjunct_types(s, a, &types_a)) ||
        (status = inf_conjunct_types(s, b, &types_b)) ||
        (status = inf_conjunct_check_enums(s, a)) || (status = inf_conjunct_check_enums(s, b)))
        return status;
    unsigned shared = types_a & types_b;
    inf_conjunct_values(a, &x, &x_count);
    inf_conjunct_values(b, &y, &y_count);
    if (x || y) {
        const struct inf_conjunct *other = x ? b : a;
        const struct inf_json *values = x ? x : y;
        bool holds = false;
        for (size_t i = 0; i < (x ? x_count : y_count) && !holds && !status; i++)
            status = inf_conjunct_holds(s, other, shared, &values[i], &holds);
        *disjoint = !status && !holds;
        return status;
    }
    *disjoint = true;
    if (shared & (INF_TYPE_NULL | INF_TYPE_BOOLEAN | INF_TYPE_ARRAY))
        *disjoint = false;
    if (*disjoint && shared & INF_TYPE_NUMBER)
        status = scalars_disjoint(s, a, b, false, disjoint);
    if (!status && *disjoint && shared & INF_TYPE_STRING)
        status = scalars_disjoint(s, a, b, true, disjoint);
    if (!status && *disjoint && shared & INF_TYPE_OBJECT) {
        status = objects_disjoint(s, a, b, depth, disjoint);
        if (!status && !*disjoint)
            status = objects_disjoint(s, b, a, depth, disjoint);
    }
    return status;
}

/* oneOf is anyOf where no value is in two of its schemas. */
static infer_status check_one_of(struct inf_schema *s, const struct inf_conjunct *whole,
                                 const struct inf_json *list)
{
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = i + 1; k < list->count; k++) {
            struct inf_conjunct a = *whole, b = *whole; /* both begin in the part of oneOf */
            bool disjoint = false;
            infer_status status;
            if ((status = inf_conjunct_add(s, &a, &list->as.items[i])) ||
                (status = inf_conjunct_add(s, &b, &list->as.items[k])) ||
                (status = all_disjoint(s, &a, &b, 4, &disjoint)))
                return status;
            if (!disjoint)
                return inf_schema_fail(s, INFER_E_UNSUPPORTED, list, NULL,
                                       "it cannot be shown that no value is in both schema %zu and "
                                       "schema %zu; anyOf is supported",
                                       i, k);
        }
    return INFER_OK;
}

infer_status inf_schema_choices(struct inf_schema *s, const struct inf_conjunct *c, size_t part,
                                bool any, const struct inf_expr **expr)
{
    const char *name = any ? "anyOf" : "oneOf";
    const struct inf_json *list = inf_json_get(c->parts[part].node, name);
    struct inf_expr_items items = {0};
    struct inf_conjunct base = *c;
    infer_status status = INFER_OK;
    base.parent = (unsigned char)(part + 1);
    base.parts[part].chosen |= any ? INF_CHOSEN_ANY : INF_CHOSEN_ONE;
    if (list->kind != INF_JSON_ARRAY || list->count == 0)
        return inf_schema_fail(s, INFER_E_FORMAT, list, NULL, "must be an array of schemas");
    if (!any)
        status = check_one_of(s, &base, list);
    for (size_t i = 0; i < list->count && !status; i++) {
        struct inf_conjunct choice = base;
        uint32_t rule = 0;
        status = inf_conjunct_add(s, &choice, &list->as.items[i]);
        if (status || choice.never)
            continue;
        status = inf_conjunct_rule(s, &choice, (struct inf_bytes){name, 5}, &rule);
        if (!status)
            inf_items_add(s->d, &items, inf_expr_call(s->d, rule));
    }
    *expr = inf_items_take(s->d, &items, INF_EXPR_ALT);
    return status ? status : *expr ? INFER_OK : inf_schema_no_memory(s);
}
