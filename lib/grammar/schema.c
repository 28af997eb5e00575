/* Schemas: their keywords, references and choices. */
#include "lib/grammar/schema.h"

#include "lib/base/limits.h"
#include "lib/grammar/front.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64 /* of references within references */

struct inf_pending {
    uint32_t rule;
    struct inf_schema_part *parts; /* in the draft's arena */
    unsigned char *from;
    size_t count;
};

/* ---- Errors -------------------------------------------------------------------------------------- */

static void append_name(struct inf_text *text, struct inf_bytes name)
{
    inf_text_append(text, "/", 1);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        inf_text_append(text, c == '~' ? "~0" : c == '/' ? "~1" : &c, c == '~' || c == '/' ? 2 : 1);
    }
}

/* Appends the way from a value to a node; as deep as JSON may be. */
static bool find(struct inf_text *text, const struct inf_json *at, const struct inf_json *node)
{
    size_t len = text->len;
    if (at == node)
        return true;
    if (at->kind != INF_JSON_OBJECT && at->kind != INF_JSON_ARRAY)
        return false;
    for (size_t i = 0; i < at->count; i++) {
        const struct inf_json *item =
            at->kind == INF_JSON_ARRAY ? &at->as.items[i] : &at->as.members[i].value;
        if (at->kind == INF_JSON_ARRAY)
            inf_text_printf(text, "/%zu", i);
        else
            append_name(text, at->as.members[i].name);
        if (find(text, item, node))
            return true;
        text->len = len;
    }
    return false;
}

infer_status inf_schema_fail(struct inf_schema *s, infer_status status, const struct inf_json *node,
                             const char *keyword, const char *format, ...)
{
    char what[256];
    struct inf_text pointer = {.a = s->d->a};
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    find(&pointer, s->root, node);
    if (keyword)
        append_name(&pointer, (struct inf_bytes){keyword, strlen(keyword)});
    inf_set_error(s->err, status, "schema: #%.*s: %s", (int)inf_min_size(pointer.len, 200),
                  pointer.ptr ? pointer.ptr : "", what);
    inf_text_free(&pointer);
    return status;
}

infer_status inf_schema_no_memory(struct inf_schema *s)
{
    return inf_fail_memory(s->err, "a schema", s->d->arena.bytes);
}

/* ---- Keywords ------------------------------------------------------------------------------------ */

/* What a keyword is here; "" stands for nothing. */
static const struct keyword {
    const char *name;
    enum { HELD, IGNORED, REFUSED } is;
} keywords[] = {
    {"type", HELD},
    {"enum", HELD},
    {"const", HELD},
    {"properties", HELD},
    {"required", HELD},
    {"additionalProperties", HELD},
    {"patternProperties", HELD},
    {"propertyNames", HELD},
    {"minProperties", HELD},
    {"maxProperties", HELD},
    {"items", HELD},
    {"prefixItems", HELD},
    {"minItems", HELD},
    {"maxItems", HELD},
    {"uniqueItems", HELD},
    {"minLength", HELD},
    {"maxLength", HELD},
    {"pattern", HELD},
    {"format", HELD},
    {"minimum", HELD},
    {"maximum", HELD},
    {"exclusiveMinimum", HELD},
    {"exclusiveMaximum", HELD},
    {"multipleOf", HELD},
    {"allOf", HELD},
    {"anyOf", HELD},
    {"oneOf", HELD},
    {"$ref", HELD},
    {"$schema", HELD},
    {"$id", HELD},
    {"$defs", IGNORED},
    {"definitions", IGNORED},
    {"$anchor", IGNORED},
    {"$comment", IGNORED},
    {"title", IGNORED},
    {"description", IGNORED},
    {"default", IGNORED},
    {"examples", IGNORED},
    {"deprecated", IGNORED},
    {"readOnly", IGNORED},
    {"writeOnly", IGNORED},
    {"contentEncoding", IGNORED},
    {"contentMediaType", IGNORED},
    {"contentSchema", IGNORED},
};

/* Drafts whose schemas mean here what they mean there (where they differ, the keyword is refused). */
static bool known_draft(struct inf_bytes uri)
{
    static const char *const known[] = {"https://json-schema.org/draft/2020-12/schema",
                                        "https://json-schema.org/draft/2020-12/schema#",
                                        "https://json-schema.org/draft/2019-09/schema",
                                        "https://json-schema.org/draft/2019-09/schema#",
                                        "http://json-schema.org/draft-07/schema",
                                        "http://json-schema.org/draft-07/schema#"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (inf_bytes_equal(uri, known[i]))
            return true;
    return false;
}

static infer_status check_keywords(struct inf_schema *s, const struct inf_json *node)
{
    for (size_t i = 0; i < node->count; i++) {
        struct inf_bytes name = node->as.members[i].name;
        const struct inf_json *value = &node->as.members[i].value;
        const struct keyword *found = NULL;
        for (size_t k = 0; k < sizeof keywords / sizeof *keywords && !found; k++)
            if (inf_bytes_equal(name, keywords[k].name))
                found = &keywords[k];
        if (!found && name.len > 2 && memcmp(name.ptr, "x-", 2) == 0)
            continue;
        if (!found)
            return inf_schema_fail(s, INFER_E_UNSUPPORTED, value, NULL,
                                   "this keyword is not supported");
        if (inf_bytes_equal(name, "$id") && node != s->root)
            return inf_schema_fail(s, INFER_E_UNSUPPORTED, value, NULL,
                                   "a schema within a schema that has its own address");
        if (inf_bytes_equal(name, "$schema") &&
            (value->kind != INF_JSON_STRING || !known_draft(value->as.text)))
            return inf_schema_fail(s, INFER_E_UNSUPPORTED, value, NULL,
                                   "a draft that is not known (2020-12 is, and 2019-09 and 07)");
    }
    return INFER_OK;
}

const struct inf_json *inf_schema_get(const struct inf_json *node, const char *keyword,
                                      enum inf_json_kind kind)
{
    const struct inf_json *value = inf_json_get(node, keyword);
    return value && value->kind == kind ? value : NULL;
}

/* ---- References ---------------------------------------------------------------------------------- */

/* One name of a JSON pointer in a URI, from *at behind its '/', into `name`. */
static bool read_name(struct inf_bytes ref, size_t *at, struct inf_text *name)
{
    name->len = 0;
    for (; *at < ref.len && ref.ptr[*at] != '/'; ++*at) {
        char c = ref.ptr[*at];
        if (c == '%') {
            unsigned high = *at + 2 < ref.len ? inf_hex_digit(ref.ptr[*at + 1]) : 16;
            unsigned low = high < 16 ? inf_hex_digit(ref.ptr[*at + 2]) : 16;
            if (low == 16)
                return false;
            c = (char)(high * 16 + low);
            *at += 2;
        }
        if (c == '~') {
            c = *at + 1 < ref.len && ref.ptr[*at + 1] == '0'   ? '~'
                : *at + 1 < ref.len && ref.ptr[*at + 1] == '1' ? '/'
                                                               : 0;
            if (!c)
                return false;
            ++*at;
        }
        inf_text_append(name, &c, 1);
    }
    return !name->failed;
}

static const struct inf_json *step_to(const struct inf_json *at, struct inf_bytes name)
{
    if (at->kind == INF_JSON_OBJECT) {
        for (size_t i = 0; i < at->count; i++)
            if (at->as.members[i].name.len == name.len &&
                memcmp(at->as.members[i].name.ptr, name.ptr, name.len) == 0)
                return &at->as.members[i].value;
        return NULL;
    }
    size_t index = 0;
    if (at->kind != INF_JSON_ARRAY || name.len == 0 || name.len > 9)
        return NULL;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(name.ptr[i] - '0');
    }
    return index < at->count ? &at->as.items[index] : NULL;
}

static infer_status resolve(struct inf_schema *s, const struct inf_json *ref,
                            const struct inf_json **target)
{
    struct inf_text name = {.a = s->d->a};
    const struct inf_json *at = s->root;
    bool sound = ref->kind == INF_JSON_STRING && ref->as.text.len && ref->as.text.ptr[0] == '#' &&
                 (ref->as.text.len == 1 || ref->as.text.ptr[1] == '/');
    if (!sound)
        return inf_schema_fail(s, INFER_E_UNSUPPORTED, ref, NULL,
                               "a reference must be # or #/... within the schema itself");
    for (size_t i = 1; i < ref->as.text.len && at;) {
        i++; /* the '/' */
        if (!read_name(ref->as.text, &i, &name)) {
            at = NULL;
            break;
        }
        at = step_to(at, (struct inf_bytes){name.ptr ? name.ptr : "", name.len});
        if (at && at->kind == INF_JSON_OBJECT && inf_schema_get(at, "$id", INF_JSON_STRING)) {
            inf_text_free(&name);
            return inf_schema_fail(s, INFER_E_UNSUPPORTED, ref, NULL,
                                   "a reference into a schema that has its own address");
        }
    }
    bool failed = name.failed;
    inf_text_free(&name);
    if (failed)
        return inf_schema_no_memory(s);
    if (!at)
        return inf_schema_fail(s, INFER_E_FORMAT, ref, NULL, "there is nothing at this reference");
    *target = at;
    return INFER_OK;
}

/* ---- Conjuncts ------------------------------------------------------------------------------------- */

/* Whether part `index` is one that led to the schema being added. */
static bool leads_to(const struct inf_conjunct *c, size_t index)
{
    for (size_t at = c->parent; at; at = c->from[at - 1])
        if (at == index + 1)
            return true;
    return false;
}

infer_status inf_conjunct_add(struct inf_schema *s, struct inf_conjunct *c,
                              const struct inf_json *node)
{
    infer_status status;
    if (!node || node->kind == INF_JSON_TRUE)
        return INFER_OK;
    if (node->kind == INF_JSON_FALSE) {
        c->never = true;
        return INFER_OK;
    }
    if (node->kind != INF_JSON_OBJECT)
        return inf_schema_fail(s, INFER_E_FORMAT, node, NULL,
                               "a schema is an object, true or false");
    for (size_t i = 0; i < c->count; i++)
        if (c->parts[i].node == node)
            return leads_to(c, i) ? inf_schema_fail(s, INFER_E_FORMAT, node, NULL,
                                                    "the schema refers to itself, with no value "
                                                    "between")
                                  : INFER_OK;
    if (c->count == INF_PARTS_MAX)
        return inf_schema_fail(s, INFER_E_LIMIT, node, NULL,
                               "more than %d schemas hold for one value", INF_PARTS_MAX);
    if (s->depth == DEPTH_MAX)
        return inf_schema_fail(s, INFER_E_LIMIT, node, NULL, "references nested too deep");
    if ((status = check_keywords(s, node)))
        return status;
    unsigned char parent = c->parent;
    c->from[c->count] = parent;
    c->parts[c->count++] = (struct inf_schema_part){.node = node};
    c->parent = (unsigned char)c->count;
    const struct inf_json *ref = inf_json_get(node, "$ref"), *all = inf_json_get(node, "allOf");
    s->depth++;
    if (ref) {
        const struct inf_json *target = NULL;
        status = resolve(s, ref, &target);
        if (!status)
            status = inf_conjunct_add(s, c, target);
    }
    if (all && all->kind != INF_JSON_ARRAY)
        status = inf_schema_fail(s, INFER_E_FORMAT, all, NULL, "must be an array of schemas");
    for (size_t i = 0; all && !status && i < all->count; i++)
        status = inf_conjunct_add(s, c, &all->as.items[i]);
    s->depth--;
    c->parent = parent;
    return status;
}

static infer_status add_type(struct inf_schema *s, const struct inf_json *value, unsigned *types)
{
    static const struct {
        const char *name;
        unsigned types;
    } rows[] = {{"null", INF_TYPE_NULL},       {"boolean", INF_TYPE_BOOLEAN},
                {"integer", INF_TYPE_INTEGER}, {"number", INF_TYPE_NUMBER},
                {"string", INF_TYPE_STRING},   {"array", INF_TYPE_ARRAY},
                {"object", INF_TYPE_OBJECT}};
    for (size_t i = 0; value->kind == INF_JSON_STRING && i < sizeof rows / sizeof *rows; i++)
        if (inf_bytes_equal(value->as.text, rows[i].name)) {
            *types |= rows[i].types;
            return INFER_OK;
        }
    return inf_schema_fail(s, INFER_E_FORMAT, value, NULL, "no such type");
}

infer_status inf_conjunct_types(struct inf_schema *s, const struct inf_conjunct *c, unsigned *types)
{
    infer_status status = INFER_OK;
    *types = c->never ? 0 : INF_TYPE_ALL;
    for (size_t i = 0; i < c->count && !status; i++) {
        const struct inf_json *type = inf_json_get(c->parts[i].node, "type");
        unsigned own = 0;
        if (!type)
            continue;
        if (type->kind != INF_JSON_ARRAY)
            status = add_type(s, type, &own);
        for (size_t k = 0; type->kind == INF_JSON_ARRAY && k < type->count && !status; k++)
            status = add_type(s, &type->as.items[k], &own);
        *types &= own;
    }
    return status;
}

void inf_conjunct_values(const struct inf_conjunct *c, const struct inf_json **values,
                         size_t *count)
{
    *values = NULL;
    *count = 0;
    for (size_t i = 0; i < c->count && !*values; i++) {
        const struct inf_json *one = inf_json_get(c->parts[i].node, "const");
        const struct inf_json *list = inf_schema_get(c->parts[i].node, "enum", INF_JSON_ARRAY);
        *values = one ? one : list ? list->as.items : NULL;
        *count = one ? 1 : list ? list->count : 0;
        if (list && !one && !list->count) { /* nothing is allowed, yet there is a list */
            *values = list;
            *count = 0;
        }
    }
}

infer_status inf_conjunct_count(struct inf_schema *s, const struct inf_conjunct *c,
                                const char *keyword, bool least, uint64_t *value)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct inf_json *own = inf_json_get(c->parts[i].node, keyword);
        uint64_t count;
        if (!own)
            continue;
        if (own->kind == INF_JSON_INTEGER && own->as.integer >= 0)
            count = (uint64_t)own->as.integer;
        else if (own->kind == INF_JSON_REAL && own->as.real >= 0 && own->as.real < 1e15 &&
                 own->as.real == (double)(uint64_t)own->as.real)
            count = (uint64_t)own->as.real;
        else
            return inf_schema_fail(s, INFER_E_FORMAT, own, NULL,
                                   "must be a whole number from 0 on");
        if (least ? count < *value : count > *value)
            *value = count;
    }
    return INFER_OK;
}

infer_status inf_conjunct_rule(struct inf_schema *s, const struct inf_conjunct *c,
                               struct inf_bytes name, uint32_t *rule)
{
    struct inf_schema_part none = {.node = s->root, .chosen = UINTPTR_MAX}; /* the key of `never` */
    size_t count = c->never ? 1 : c->count;
    struct inf_schema_part *parts = inf_arena_take(&s->d->arena, count + 1, sizeof *parts);
    bool added;
    if (!parts)
        return inf_schema_no_memory(s);
    memcpy(parts, c->never ? &none : c->parts, count * sizeof *parts);
    /* no key of names ends so; a printed value is another one */
    parts[count] = (struct inf_schema_part){.chosen = 2 * count + s->printed};
    *rule = inf_draft_key(s->d, (struct inf_bytes){(char *)parts, (count + 1) * sizeof *parts},
                          (uint32_t)s->d->rule_count, &added);
    if (s->d->failed)
        return inf_schema_no_memory(s);
    if (!added)
        return INFER_OK;
    if (s->d->rule_count >= INF_MAX_GRAMMAR_RULES)
        return inf_fail(s->err, INFER_E_LIMIT, "schema: more than %d different values",
                        INF_MAX_GRAMMAR_RULES);
    inf_draft_rule(s->d, name);
    if (s->d->failed || !INF_GROW(s->d->a, s->pending, s->pending_capacity, s->pending_count + 1))
        return inf_schema_no_memory(s);
    unsigned char *from = inf_arena_take(&s->d->arena, count, 1);
    if (!from)
        return inf_schema_no_memory(s);
    memcpy(from, c->from, count);
    s->pending[s->pending_count++] = (struct inf_pending){*rule, parts, from, count};
    return INFER_OK;
}

/* ---- Values ---------------------------------------------------------------------------------------- */

static double as_double(const struct inf_json *v)
{
    return v->kind == INF_JSON_INTEGER ? (double)v->as.integer : v->as.real;
}

bool inf_json_same(const struct inf_json *a, const struct inf_json *b)
{
    bool numbers = (a->kind == INF_JSON_INTEGER || a->kind == INF_JSON_REAL) &&
                   (b->kind == INF_JSON_INTEGER || b->kind == INF_JSON_REAL);
    if (numbers && a->kind != b->kind)
        return as_double(a) == as_double(b);
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case INF_JSON_INTEGER:
        return a->as.integer == b->as.integer;
    case INF_JSON_REAL:
        return a->as.real == b->as.real;
    case INF_JSON_BIG:
    case INF_JSON_STRING:
        return a->as.text.len == b->as.text.len &&
               memcmp(a->as.text.ptr, b->as.text.ptr, a->as.text.len) == 0;
    case INF_JSON_ARRAY:
        for (size_t i = 0; i < a->count && a->count == b->count; i++)
            if (!inf_json_same(&a->as.items[i], &b->as.items[i]))
                return false;
        return a->count == b->count;
    case INF_JSON_OBJECT:
        for (size_t i = 0; i < a->count && a->count == b->count; i++) {
            const struct inf_json *other = step_to(b, a->as.members[i].name);
            if (!other || !inf_json_same(&a->as.members[i].value, other))
                return false;
        }
        return a->count == b->count;
    default:
        return true;
    }
}

static unsigned type_of(const struct inf_json *v)
{
    switch (v->kind) {
    case INF_JSON_NULL:
        return INF_TYPE_NULL;
    case INF_JSON_FALSE:
    case INF_JSON_TRUE:
        return INF_TYPE_BOOLEAN;
    case INF_JSON_INTEGER:
    case INF_JSON_BIG:
        return INF_TYPE_INTEGER;
    case INF_JSON_REAL: /* beyond 2^53 every double is whole */
        return v->as.real > -9e15 && v->as.real < 9e15 && v->as.real != (double)(int64_t)v->as.real
                   ? INF_TYPE_FRACTION
                   : INF_TYPE_INTEGER;
    case INF_JSON_STRING:
        return INF_TYPE_STRING;
    case INF_JSON_ARRAY:
        return INF_TYPE_ARRAY;
    default:
        return INF_TYPE_OBJECT;
    }
}

const struct inf_expr *inf_schema_ws(struct inf_schema *s)
{
    static const struct inf_range blanks[] = {{' ', ' '}, {'\t', '\t'}};
    struct inf_draft *d = s->d;
    if (s->printed)
        return inf_expr_empty(d);
    if (s->ws == UINT32_MAX) {
        s->ws = inf_draft_rule(d, (struct inf_bytes){"blanks", 6});
        if (d->failed)
            return NULL;
        const struct inf_expr *line =
            INF_SEQ(d, inf_expr_text(d, "\n"),
                    inf_expr_repeat(d, inf_expr_class(d, blanks, 2, false), 0, 64));
        const struct inf_expr *body = INF_ALT(d, inf_expr_empty(d), inf_expr_text(d, " "), line);
        d->rules[s->ws].body = body;
    }
    return inf_expr_call(d, s->ws);
}

const struct inf_expr *inf_schema_comma(struct inf_schema *s)
{
    return s->printed ? inf_expr_text(s->d, ", ")
                      : INF_SEQ(s->d, inf_expr_text(s->d, ","), inf_schema_ws(s));
}

const struct inf_expr *inf_schema_colon(struct inf_schema *s)
{
    const struct inf_expr *blank = inf_expr_text(s->d, " ");
    return INF_SEQ(s->d, inf_expr_text(s->d, ":"),
                   s->printed ? blank : inf_expr_repeat(s->d, blank, 0, 1));
}

/* As deep as JSON may be. */
const struct inf_expr *inf_schema_value(struct inf_schema *s, const struct inf_json *v)
{
    struct inf_draft *d = s->d;
    struct inf_text number = {.a = d->a};
    struct inf_expr_items items = {0};
    const struct inf_expr *expr;
    switch (v->kind) {
    case INF_JSON_NULL:
        return inf_expr_text(d, "null");
    case INF_JSON_FALSE:
        return inf_expr_text(d, "false");
    case INF_JSON_TRUE:
        return inf_expr_text(d, "true");
    case INF_JSON_STRING:
        return INF_SEQ(d, inf_expr_text(d, "\""), inf_schema_text(s, v->as.text),
                       inf_expr_text(d, "\""));
    case INF_JSON_ARRAY:
    case INF_JSON_OBJECT:
        break;
    default:
        inf_schema_number_text(&number, v);
        expr = number.failed ? NULL : inf_expr_bytes(d, number.ptr, number.len);
        d->failed |= number.failed;
        inf_text_free(&number);
        return expr;
    }
    bool object = v->kind == INF_JSON_OBJECT;
    inf_items_add(d, &items, inf_expr_text(d, object ? "{" : "["));
    for (size_t i = 0; i < v->count && !d->failed; i++) {
        inf_items_add(d, &items, i ? inf_schema_comma(s) : inf_schema_ws(s));
        if (object) {
            inf_items_add(d, &items, inf_expr_text(d, "\""));
            inf_items_add(d, &items, inf_schema_text(s, v->as.members[i].name));
            inf_items_add(d, &items, inf_expr_text(d, "\""));
            inf_items_add(d, &items, inf_schema_colon(s));
        }
        inf_items_add(d, &items,
                      inf_schema_value(s, object ? &v->as.members[i].value : &v->as.items[i]));
    }
    if (v->count)
        inf_items_add(d, &items, inf_schema_ws(s));
    inf_items_add(d, &items, inf_expr_text(d, object ? "}" : "]"));
    return inf_items_take(d, &items, INF_EXPR_SEQ);
}

static bool has_any(const struct inf_conjunct *c, const char *const *names,
                    const struct inf_json **node, const char **name)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; names[k]; k++)
            if (inf_json_get(c->parts[i].node, names[k])) {
                *node = c->parts[i].node;
                *name = names[k];
                return true;
            }
    return false;
}

/* Whether a value of an enum is in all other plain keywords. */
infer_status inf_conjunct_holds(struct inf_schema *s, const struct inf_conjunct *c, unsigned types,
                                const struct inf_json *v, bool *holds)
{
    static const char *const of_arrays[] = {"items",    "prefixItems", "minItems",
                                            "maxItems", "uniqueItems", NULL};
    static const char *const of_objects[] = {
        "properties",    "required",      "additionalProperties", "patternProperties",
        "propertyNames", "minProperties", "maxProperties",        NULL};
    const struct inf_json *node;
    const char *name;
    const struct inf_dfa *dfa = NULL;
    unsigned type = type_of(v);
    infer_status status = INFER_OK;
    *holds = (types & type) != 0;
    for (size_t i = 0; i < c->count && *holds; i++) {
        const struct inf_json *one = inf_json_get(c->parts[i].node, "const");
        const struct inf_json *list = inf_json_get(c->parts[i].node, "enum");
        bool found = !list;
        for (size_t k = 0; list && k < list->count && !found; k++)
            found = inf_json_same(&list->as.items[k], v);
        *holds = found && (!one || inf_json_same(one, v));
    }
    if (!*holds)
        return INFER_OK;
    if ((type == INF_TYPE_ARRAY && has_any(c, of_arrays, &node, &name)) ||
        (type == INF_TYPE_OBJECT && has_any(c, of_objects, &node, &name)))
        return inf_schema_fail(s, INFER_E_UNSUPPORTED, node, name,
                               "not supported beside a const or enum that has such values");
    if (type & INF_TYPE_NUMBER)
        status = inf_schema_number_dfa(s, c, types & INF_TYPE_NUMBER, &dfa);
    if (type == INF_TYPE_STRING)
        status = inf_schema_text_dfa(s, c, &dfa);
    if (status || !dfa)
        return status;
    const struct inf_expr *expr =
        type == INF_TYPE_STRING ? inf_schema_text(s, v->as.text) : inf_schema_value(s, v);
    if (!expr)
        return inf_schema_no_memory(s);
    *holds = inf_dfa_takes(dfa, expr->as.bytes, expr->count);
    return INFER_OK;
}

infer_status inf_conjunct_check_enums(struct inf_schema *s, const struct inf_conjunct *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct inf_json *list = inf_json_get(c->parts[i].node, "enum");
        if (list && list->kind != INF_JSON_ARRAY)
            return inf_schema_fail(s, INFER_E_FORMAT, list, NULL, "must be an array of values");
    }
    return INFER_OK;
}

static infer_status values_expr(struct inf_schema *s, const struct inf_conjunct *c, unsigned types,
                                const struct inf_json *values, size_t count,
                                const struct inf_expr **expr)
{
    struct inf_expr_items items = {0};
    infer_status status = INFER_OK;
    for (size_t i = 0; i < count && !status; i++) {
        bool holds = false;
        status = inf_conjunct_holds(s, c, types, &values[i], &holds);
        if (!status && holds)
            inf_items_add(s->d, &items, inf_schema_value(s, &values[i]));
    }
    *expr = inf_items_take(s->d, &items, INF_EXPR_ALT);
    return status ? status : *expr ? INFER_OK : inf_schema_no_memory(s);
}

infer_status inf_schema_values_dfa(struct inf_schema *s, const struct inf_conjunct *c,
                                   const struct inf_json *values, size_t count,
                                   const struct inf_dfa **dfa)
{
    struct inf_expr_items items = {0};
    infer_status status = INFER_OK;
    for (size_t i = 0; i < count && !status; i++) {
        bool holds = false;
        status = inf_conjunct_holds(s, c, INF_TYPE_STRING, &values[i], &holds);
        if (!status && holds)
            inf_items_add(s->d, &items, inf_schema_text(s, values[i].as.text));
    }
    const struct inf_expr *expr = inf_items_take(s->d, &items, INF_EXPR_ALT);
    return status ? status : inf_dfa_of(s->d, expr, NULL, s->budget, dfa, s->err);
}

/* ---- Bodies ---------------------------------------------------------------------------------------- */

static infer_status types_expr(struct inf_schema *s, const struct inf_conjunct *c, unsigned types,
                               const struct inf_expr **out)
{
    struct inf_expr_items items = {0};
    const struct inf_expr *expr = NULL;
    infer_status status = INFER_OK;
    if (types & INF_TYPE_NULL)
        inf_items_add(s->d, &items, inf_expr_text(s->d, "null"));
    if (types & INF_TYPE_BOOLEAN) {
        inf_items_add(s->d, &items, inf_expr_text(s->d, "true"));
        inf_items_add(s->d, &items, inf_expr_text(s->d, "false"));
    }
    if (types & INF_TYPE_NUMBER && !(status = inf_schema_number(s, c, types, &expr)))
        inf_items_add(s->d, &items, expr);
    if (!status && types & INF_TYPE_STRING && !(status = inf_schema_string(s, c, &expr)))
        inf_items_add(s->d, &items, expr);
    if (!status && types & INF_TYPE_ARRAY && !(status = inf_schema_array(s, c, &expr)))
        inf_items_add(s->d, &items, expr);
    if (!status && types & INF_TYPE_OBJECT && !(status = inf_schema_object(s, c, &expr)))
        inf_items_add(s->d, &items, expr);
    *out = inf_items_take(s->d, &items, INF_EXPR_ALT);
    return status ? status : *out ? INFER_OK : inf_schema_no_memory(s);
}

static infer_status body_of(struct inf_schema *s, const struct inf_conjunct *c,
                            const struct inf_expr **expr)
{
    const struct inf_json *values;
    size_t count;
    unsigned types;
    infer_status status;
    if (c->count == 1 && c->parts[0].chosen == UINTPTR_MAX) {
        *expr = inf_expr_never(s->d);
        return *expr ? INFER_OK : inf_schema_no_memory(s);
    }
    for (size_t i = 0; i < c->count; i++) {
        if (!(c->parts[i].chosen & INF_CHOSEN_ANY) && inf_json_get(c->parts[i].node, "anyOf"))
            return inf_schema_choices(s, c, i, true, expr);
        if (!(c->parts[i].chosen & INF_CHOSEN_ONE) && inf_json_get(c->parts[i].node, "oneOf"))
            return inf_schema_choices(s, c, i, false, expr);
    }
    if ((status = inf_conjunct_types(s, c, &types)) || (status = inf_conjunct_check_enums(s, c)))
        return status;
    inf_conjunct_values(c, &values, &count);
    return values ? values_expr(s, c, types, values, count, expr) : types_expr(s, c, types, expr);
}

/* {"type": "object"} */
static const struct inf_json_member type_object = {
    {"type", 4}, {.kind = INF_JSON_STRING, .as.text = {"object", 6}}};
static const struct inf_json any_object = {
    .kind = INF_JSON_OBJECT, .count = 1, .as.members = &type_object};

static infer_status read_root(struct inf_schema *s, const struct inf_json *node, bool object,
                              uint32_t *root)
{
    struct inf_conjunct c = {.count = 0};
    infer_status status = inf_conjunct_add(s, &c, node);
    if (!status && object)
        status = inf_conjunct_add(s, &c, &any_object);
    if (!status)
        status = inf_conjunct_rule(s, &c, (struct inf_bytes){"root", 4}, root);
    while (s->pending_count && !status) {
        struct inf_pending p = s->pending[--s->pending_count];
        const struct inf_expr *body = NULL;
        c = (struct inf_conjunct){.count = p.count};
        memcpy(c.parts, p.parts, p.count * sizeof *p.parts);
        memcpy(c.from, p.from, p.count);
        status = body_of(s, &c, &body);
        s->d->rules[p.rule].body = body;
    }
    return status;
}

infer_status inf_schema_rule(struct inf_draft *d, const struct inf_json *root,
                             const struct inf_json *node, bool object, bool printed,
                             struct inf_budget *budget, uint32_t *rule, infer_error *err)
{
    struct inf_schema s = {
        .d = d, .budget = budget, .root = root, .string = UINT32_MAX, .ws = UINT32_MAX, .err = err};
    s.printed = printed;
    infer_status status = read_root(&s, node, object, rule);
    inf_release(d->a, s.pending);
    return status;
}

infer_status inf_schema_read(struct inf_draft *d, const char *text, size_t len,
                             struct inf_budget *budget, uint32_t *root, infer_error *err)
{
    struct inf_json json;
    infer_status status = inf_json_read(&d->arena, text, len, &json, err);
    return status ? status : inf_schema_rule(d, &json, &json, false, false, budget, root, err);
}
