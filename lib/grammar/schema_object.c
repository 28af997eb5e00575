/*
 * Objects and arrays of a schema. Members come in the order in which `properties` names them, then those
 * that are required and not named, then any others. Each name stands once, but for those others.
 */
#include "lib/grammar/schema.h"

#include "lib/base/limits.h"

#include <string.h>

#define PATTERNS_MAX 4

/* The regular expressions of patternProperties, each once. */
struct patterns {
    struct inf_bytes text[PATTERNS_MAX];
    const struct inf_dfa *dfa[PATTERNS_MAX];
    size_t count;
};

static bool same(struct inf_bytes a, struct inf_bytes b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static const struct inf_json *member_of(const struct inf_json *object, struct inf_bytes name)
{
    for (size_t i = 0; object && i < object->count; i++)
        if (same(object->as.members[i].name, name))
            return &object->as.members[i].value;
    return NULL;
}

static infer_status check_kind(struct inf_schema *s, const struct inf_conjunct *c,
                               const char *keyword, enum inf_json_kind kind)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct inf_json *value = inf_json_get(c->parts[i].node, keyword);
        if (value && value->kind != kind)
            return inf_schema_fail(s, INFER_E_FORMAT, value, NULL, "must be an %s",
                                   kind == INF_JSON_ARRAY ? "array" : "object");
    }
    return INFER_OK;
}

static infer_status read_patterns(struct inf_schema *s, const struct inf_conjunct *c,
                                  struct patterns *p)
{
    infer_status status = check_kind(s, c, "patternProperties", INF_JSON_OBJECT);
    p->count = 0;
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *own = inf_json_get(c->parts[i].node, "patternProperties");
        for (size_t k = 0; own && k < own->count && !status; k++) {
            struct inf_bytes text = own->as.members[k].name;
            bool known = false;
            for (size_t n = 0; n < p->count; n++)
                known |= same(p->text[n], text);
            if (known)
                continue;
            if (p->count == PATTERNS_MAX)
                return inf_schema_fail(s, INFER_E_LIMIT, own, NULL, "more than %d patterns",
                                       PATTERNS_MAX);
            p->text[p->count] = text;
            status = inf_schema_pattern(s, own, NULL, text, &p->dfa[p->count]);
            p->count += !status;
        }
    }
    return status;
}

/* ---- What the value of a member must be --------------------------------------------------------- */

/* Of a name (NULL: one that no `properties` has) in which the patterns of `matched` are found. */
static infer_status add_member(struct inf_schema *s, const struct inf_conjunct *c,
                               const struct inf_bytes *name, const struct patterns *p,
                               unsigned matched, struct inf_conjunct *member)
{
    infer_status status = INFER_OK;
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *node = c->parts[i].node;
        const struct inf_json *own = inf_json_get(node, "patternProperties");
        const struct inf_json *other = inf_json_get(node, "additionalProperties");
        const struct inf_json *named =
            name ? member_of(inf_json_get(node, "properties"), *name) : NULL;
        bool found = named != NULL;
        if (named)
            status = inf_conjunct_add(s, member, named);
        for (size_t n = 0; n < p->count && !status; n++) {
            const struct inf_json *value = matched >> n & 1 ? member_of(own, p->text[n]) : NULL;
            found |= value != NULL;
            if (value)
                status = inf_conjunct_add(s, member, value);
        }
        if (!status && !found && other)
            status = inf_conjunct_add(s, member, other);
    }
    return status;
}

static infer_status matched_by(struct inf_schema *s, const struct patterns *p,
                               struct inf_bytes name, unsigned *matched)
{
    const struct inf_expr *text = inf_schema_text(s, name);
    if (!text)
        return inf_schema_no_memory(s);
    *matched = 0;
    for (size_t n = 0; n < p->count; n++)
        *matched |= (unsigned)inf_dfa_takes(p->dfa[n], text->as.bytes, text->count) << n;
    return INFER_OK;
}

infer_status inf_schema_member(struct inf_schema *s, const struct inf_conjunct *c,
                               struct inf_bytes name, struct inf_conjunct *member)
{
    struct patterns p;
    unsigned matched = 0;
    infer_status status = check_kind(s, c, "properties", INF_JSON_OBJECT);
    *member = (struct inf_conjunct){.count = 0};
    if (status || (status = read_patterns(s, c, &p)) ||
        (status = matched_by(s, &p, name, &matched)))
        return status;
    return add_member(s, c, &name, &p, matched, member);
}

infer_status inf_schema_requires(struct inf_schema *s, const struct inf_conjunct *c,
                                 struct inf_bytes name, bool *requires)
{
    infer_status status = check_kind(s, c, "required", INF_JSON_ARRAY);
    *requires = false;
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *list = inf_json_get(c->parts[i].node, "required");
        for (size_t k = 0; list && k < list->count; k++) {
            if (list->as.items[k].kind != INF_JSON_STRING)
                return inf_schema_fail(s, INFER_E_FORMAT, &list->as.items[k], NULL,
                                       "must be a string");
            *requires |= same(list->as.items[k].as.text, name);
        }
    }
    return status;
}

/* ---- Names -------------------------------------------------------------------------------------- */

struct name {
    struct inf_bytes text;
    bool required;
};

struct names {
    struct name *items;
    size_t count, capacity;
};

static infer_status add_name(struct inf_schema *s, struct names *names, struct inf_bytes text,
                             bool required)
{
    for (size_t i = 0; i < names->count; i++)
        if (same(names->items[i].text, text)) {
            names->items[i].required |= required;
            return INFER_OK;
        }
    if (names->count == 2048)
        return inf_fail(s->err, INFER_E_LIMIT, "schema: an object of more than 2048 members");
    if (!INF_GROW(s->d->a, names->items, names->capacity, names->count + 1))
        return inf_schema_no_memory(s);
    names->items[names->count++] = (struct name){text, required};
    return INFER_OK;
}

static infer_status collect_names(struct inf_schema *s, const struct inf_conjunct *c,
                                  struct names *names)
{
    infer_status status = check_kind(s, c, "properties", INF_JSON_OBJECT);
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *own = inf_json_get(c->parts[i].node, "properties");
        for (size_t k = 0; own && k < own->count && !status; k++)
            status = add_name(s, names, own->as.members[k].name, false);
    }
    if (!status)
        status = check_kind(s, c, "required", INF_JSON_ARRAY);
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *list = inf_json_get(c->parts[i].node, "required");
        for (size_t k = 0; list && k < list->count && !status; k++) {
            const struct inf_json *name = &list->as.items[k];
            status = name->kind == INF_JSON_STRING
                         ? add_name(s, names, name->as.text, true)
                         : inf_schema_fail(s, INFER_E_FORMAT, name, NULL, "must be a string");
        }
    }
    return status;
}

/* The names that propertyNames leaves, NULL: all. */
static infer_status names_dfa(struct inf_schema *s, const struct inf_conjunct *c,
                              const struct inf_dfa **dfa)
{
    struct inf_conjunct names = {.count = 0};
    const struct inf_json *values;
    size_t count;
    unsigned types;
    infer_status status = INFER_OK;
    *dfa = NULL;
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *own = inf_json_get(c->parts[i].node, "propertyNames");
        if (own)
            status = inf_conjunct_add(s, &names, own);
    }
    if (status || (!names.count && !names.never))
        return status;
    if ((status = inf_conjunct_types(s, &names, &types)))
        return status;
    inf_conjunct_values(&names, &values, &count);
    for (size_t i = 0; i < names.count; i++) {
        const struct inf_json *node = names.parts[i].node;
        const char *word = inf_json_get(node, "anyOf")   ? "anyOf"
                           : inf_json_get(node, "oneOf") ? "oneOf"
                                                         : NULL;
        if (word)
            return inf_schema_fail(s, INFER_E_UNSUPPORTED, node, word,
                                   "not supported within propertyNames");
    }
    if (!(types & INF_TYPE_STRING))
        return inf_dfa_of(s->d, inf_expr_never(s->d), NULL, s->budget, dfa, s->err);
    return values ? inf_schema_values_dfa(s, &names, values, count, dfa)
                  : inf_schema_text_dfa(s, &names, dfa);
}

/* ---- Objects ------------------------------------------------------------------------------------- */

struct object {
    struct inf_schema *s;
    const struct inf_conjunct *c;
    struct patterns patterns;
    struct names names;
    const struct inf_dfa *allowed; /* names; NULL: all */
    uint64_t min, max;             /* members */
    uint64_t required;             /* of the names */
    uint32_t columns;              /* counts told apart: 0, 1, ... columns - 1 or more */
    struct inf_graph *g;
    uint32_t
        first; /* state (i, n): behind name i - 1 at first + i * columns + n, n members so far */
    const struct inf_expr *next, *colon; /* what stands before a further member; behind its name */
};

static uint32_t state_at(const struct object *o, size_t i, uint64_t n)
{
    return o->first + (uint32_t)(i * o->columns + (n < o->columns ? n : o->columns - 1));
}

/* A member of the name from (i, n) to (to, n + 1), for every n. */
static void add_edges(struct object *o, size_t i, size_t to, const struct inf_expr *pair)
{
    struct inf_draft *d = o->s->d;
    const struct inf_expr *further = INF_SEQ(d, o->next, pair);
    for (uint64_t n = 0; n < o->columns && n < o->max; n++)
        inf_graph_edge(o->g, state_at(o, i, n), state_at(o, to, n + 1), n ? further : pair);
}

static infer_status add_named(struct object *o, size_t i)
{
    struct inf_schema *s = o->s;
    struct inf_draft *d = s->d;
    const struct name *name = &o->names.items[i];
    struct inf_conjunct member = {.count = 0};
    unsigned matched = 0;
    uint32_t rule;
    const struct inf_expr *text = inf_schema_text(s, name->text);
    infer_status status =
        text ? matched_by(s, &o->patterns, name->text, &matched) : inf_schema_no_memory(s);
    if (!status)
        status = add_member(s, o->c, &name->text, &o->patterns, matched, &member);
    if (status)
        return status;
    if (text && o->allowed && !inf_dfa_takes(o->allowed, text->as.bytes, text->count))
        member.never = true;
    for (uint64_t n = 0; !name->required && n < o->columns; n++)
        inf_graph_jump(o->g, state_at(o, i, n), state_at(o, i + 1, n));
    if (member.never)
        return INFER_OK;
    if ((status = inf_conjunct_rule(s, &member, name->text, &rule)))
        return status;
    add_edges(o, i, i + 1,
              INF_SEQ(d, inf_expr_text(d, "\""), text, o->colon, inf_expr_call(d, rule)));
    return INFER_OK;
}

/* Members of other names, those in which the patterns of `matched` are found and no others. */
static infer_status add_others(struct object *o, unsigned matched)
{
    struct inf_schema *s = o->s;
    struct inf_draft *d = s->d;
    struct inf_conjunct member = {.count = 0};
    const struct inf_dfa *names = o->allowed, *one;
    uint32_t rule;
    infer_status status = add_member(s, o->c, NULL, &o->patterns, matched, &member);
    if (status || member.never)
        return status;
    if (o->min > 1 && o->min > o->required + 1) /* names that are free may be the same */
        return inf_fail(s->err, INFER_E_UNSUPPORTED,
                        "schema: minProperties is supported where the names are known");
    if (!names && (o->names.count || o->patterns.count)) {
        const struct inf_expr *any =
            inf_expr_repeat(d, inf_schema_chars(s, NULL, 0, true), 0, INF_ENDLESS);
        status = inf_dfa_of(d, any, NULL, s->budget, &names, s->err);
    }
    if (!status && o->names.count) {
        struct inf_expr_items items = {0};
        for (size_t i = 0; i < o->names.count; i++)
            inf_items_add(d, &items, inf_schema_text(s, o->names.items[i].text));
        status =
            inf_dfa_of(d, inf_items_take(d, &items, INF_EXPR_ALT), NULL, s->budget, &one, s->err);
        if (!status)
            status = inf_dfa_product(d, names, one, true, s->budget, &names, s->err);
    }
    for (size_t n = 0; n < o->patterns.count && !status; n++)
        status = inf_dfa_product(d, names, o->patterns.dfa[n], !(matched >> n & 1), s->budget,
                                 &names, s->err);
    if (!status)
        status = inf_conjunct_rule(s, &member, (struct inf_bytes){"additional", 10}, &rule);
    if (status)
        return status;
    const struct inf_expr *name =
        names ? INF_SEQ(d, inf_expr_text(d, "\""), inf_expr_dfa(d, names), o->colon)
              : INF_SEQ(d, inf_schema_any_string(s), inf_schema_colon(s));
    add_edges(o, o->names.count, o->names.count, INF_SEQ(d, name, inf_expr_call(d, rule)));
    return INFER_OK;
}

static infer_status make_object(struct object *o, const struct inf_expr **expr)
{
    struct inf_schema *s = o->s;
    struct inf_draft *d = s->d;
    infer_status status = INFER_OK;
    uint64_t counted = o->max == UINT64_MAX ? o->min : o->max;
    if (counted > 1024 || (counted + 2) * (o->names.count + 1) > INF_MAX_GRAMMAR_STATES)
        return inf_fail(s->err, INFER_E_LIMIT,
                        "schema: minProperties or maxProperties is too large");
    o->columns = (uint32_t)(counted < 1 ? 2 : counted + 1);
    if (o->max == UINT64_MAX && o->min <= 1)
        o->columns = 2;
    for (size_t i = 0; i < o->names.count; i++)
        o->required += o->names.items[i].required;
    o->g = inf_graph_new(d);
    if (!o->g)
        return inf_schema_no_memory(s);
    o->first = o->g->state_count;
    o->g->state_count += (uint32_t)(o->names.count + 1) * o->columns;
    o->next = inf_schema_comma(s);
    o->colon = INF_SEQ(d, inf_expr_text(d, "\""), inf_schema_colon(s));
    inf_graph_edge(o->g, 0, o->first, INF_SEQ(d, inf_expr_text(d, "{"), inf_schema_ws(s)));
    for (size_t i = 0; i < o->names.count && !status; i++)
        status = add_named(o, i);
    for (unsigned matched = 0; matched < 1u << o->patterns.count && !status; matched++)
        status = add_others(o, matched);
    const struct inf_expr *close = inf_expr_text(d, "}");
    const struct inf_expr *blanks_close = INF_SEQ(d, inf_schema_ws(s), close);
    for (uint64_t n = 0; n < o->columns; n++)
        if (n >= o->min && n <= o->max)
            inf_graph_edge(o->g, state_at(o, o->names.count, n), 1, n ? blanks_close : close);
    *expr = inf_expr_graph(o->g);
    return status ? status : *expr ? INFER_OK : inf_schema_no_memory(s);
}

infer_status inf_schema_object(struct inf_schema *s, const struct inf_conjunct *c,
                               const struct inf_expr **expr)
{
    struct object o = {.s = s, .c = c, .max = UINT64_MAX};
    infer_status status;
    if (!(status = collect_names(s, c, &o.names)) && !(status = read_patterns(s, c, &o.patterns)) &&
        !(status = names_dfa(s, c, &o.allowed)) &&
        !(status = inf_conjunct_count(s, c, "minProperties", false, &o.min)) &&
        !(status = inf_conjunct_count(s, c, "maxProperties", true, &o.max)))
        status = make_object(&o, expr);
    inf_release(s->d->a, o.names.items);
    return status;
}

/* ---- Arrays ------------------------------------------------------------------------------------- */

/* What item `i` must be; from `longest` on all are alike. */
static infer_status add_item(struct inf_schema *s, const struct inf_conjunct *c, size_t i,
                             struct inf_conjunct *item)
{
    infer_status status = INFER_OK;
    for (size_t k = 0; k < c->count && !status; k++) {
        const struct inf_json *prefix = inf_json_get(c->parts[k].node, "prefixItems");
        const struct inf_json *rest = inf_json_get(c->parts[k].node, "items");
        if (prefix && i < prefix->count)
            status = inf_conjunct_add(s, item, &prefix->as.items[i]);
        else if (rest && rest->kind == INF_JSON_ARRAY)
            status = inf_schema_fail(s, INFER_E_UNSUPPORTED, rest, NULL,
                                     "a list of schemas is written as prefixItems");
        else if (rest)
            status = inf_conjunct_add(s, item, rest);
    }
    return status;
}

static infer_status check_unique(struct inf_schema *s, const struct inf_conjunct *c, uint64_t max)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct inf_json *unique = inf_json_get(c->parts[i].node, "uniqueItems");
        if (unique && unique->kind != INF_JSON_FALSE && max > 1)
            return inf_schema_fail(s, INFER_E_UNSUPPORTED, unique, NULL,
                                   "supported with maxItems 1 alone");
    }
    return INFER_OK;
}

infer_status inf_schema_array(struct inf_schema *s, const struct inf_conjunct *c,
                              const struct inf_expr **expr)
{
    struct inf_draft *d = s->d;
    uint64_t min = 0, max = UINT64_MAX, longest = 0;
    infer_status status = check_kind(s, c, "prefixItems", INF_JSON_ARRAY);
    if (status || (status = inf_conjunct_count(s, c, "minItems", false, &min)) ||
        (status = inf_conjunct_count(s, c, "maxItems", true, &max)) ||
        (status = check_unique(s, c, max)))
        return status;
    for (size_t k = 0; k < c->count; k++) {
        const struct inf_json *prefix = inf_json_get(c->parts[k].node, "prefixItems");
        longest = prefix && prefix->count > longest ? prefix->count : longest;
    }
    /* states: behind 0, 1, ... items; the last of them takes any more where there is no end */
    uint64_t states = max != UINT64_MAX ? max : min > longest ? min : longest;
    if (states > INF_MAX_GRAMMAR_STATES / 2)
        return inf_fail(s->err, INFER_E_LIMIT, "schema: minItems and maxItems are at most %u",
                        INF_MAX_GRAMMAR_STATES / 2);
    struct inf_graph *g = inf_graph_new(d);
    const struct inf_expr *close = inf_expr_text(d, "]");
    const struct inf_expr *comma = inf_schema_comma(s);
    const struct inf_expr *blanks_close = INF_SEQ(d, inf_schema_ws(s), close);
    uint32_t rule = 0, at = inf_graph_state(g);
    if (!g)
        return inf_schema_no_memory(s);
    inf_graph_edge(g, 0, at, INF_SEQ(d, inf_expr_text(d, "["), inf_schema_ws(s)));
    for (uint64_t i = 0;; i++) {
        if (i >= min)
            inf_graph_edge(g, at, 1, i ? blanks_close : close);
        if (i <= longest) {
            struct inf_conjunct item = {.count = 0};
            status = add_item(s, c, i, &item);
            if (!status && item.never)
                break;
            if (!status)
                status = inf_conjunct_rule(s, &item, (struct inf_bytes){"item", 4}, &rule);
            if (status)
                return status;
        }
        if (i == max)
            break;
        const struct inf_expr *one = inf_expr_call(d, rule);
        bool loops = max == UINT64_MAX && i > states;
        uint32_t next = loops ? at : inf_graph_state(g);
        inf_graph_edge(g, at, next, i ? INF_SEQ(d, comma, one) : one);
        if (loops)
            break;
        at = next;
    }
    *expr = inf_expr_graph(g);
    return *expr ? INFER_OK : inf_schema_no_memory(s);
}
