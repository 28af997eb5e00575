/*
 * JSON Schema to rules. What a value must be is a set of schemas that all hold at once ("conjunct"):
 * $ref and allOf add to it, anyOf and oneOf make one rule for each choice. Equal sets are one rule, so
 * schemas that refer to themselves end. What is left then stands in plain keywords, one type at a time.
 */
#ifndef INF_SCHEMA_H
#define INF_SCHEMA_H

#include "lib/base/json.h"
#include "lib/grammar/automaton.h"

struct inf_schema_part {
    const struct inf_json *node;
    uintptr_t chosen; /* bits: its anyOf, its oneOf are dealt with */
};

#define INF_CHOSEN_ANY 1u
#define INF_CHOSEN_ONE 2u
#define INF_PARTS_MAX 64

struct inf_conjunct {
    struct inf_schema_part parts[INF_PARTS_MAX];
    unsigned char from[INF_PARTS_MAX]; /* the part whose keyword led here, + 1; 0: none */
    unsigned char parent;              /* of the schema that is added next, + 1 */
    size_t count;
    bool never; /* false is among them */
};

struct inf_schema {
    struct inf_draft *d;
    struct inf_budget *budget;
    const struct inf_json *root;
    unsigned depth;
    struct inf_pending *pending; /* rules without a body yet */
    size_t pending_count, pending_capacity;
    uint32_t string, ws; /* rules; UINT32_MAX: not yet made */
    bool printed;        /* blanks as Python prints them, alone */
    infer_error *err;
};

enum inf_schema_types {
    INF_TYPE_NULL = 1,
    INF_TYPE_BOOLEAN = 2,
    INF_TYPE_INTEGER = 4,  /* whole numbers */
    INF_TYPE_FRACTION = 8, /* all others */
    INF_TYPE_NUMBER = INF_TYPE_INTEGER | INF_TYPE_FRACTION,
    INF_TYPE_STRING = 16,
    INF_TYPE_ARRAY = 32,
    INF_TYPE_OBJECT = 64,
    INF_TYPE_ALL = 127
};

/* A failure at a keyword of a schema (NULL: at the schema), as a JSON pointer. */
infer_status inf_schema_fail(struct inf_schema *s, infer_status status, const struct inf_json *node,
                             const char *keyword, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
infer_status inf_schema_no_memory(struct inf_schema *s);

/* ---- Conjuncts: schema.c ----------------------------------------------------------------------- */

/* Adds a schema, with what it refers to. Checks its keywords. */
infer_status inf_conjunct_add(struct inf_schema *s, struct inf_conjunct *c,
                              const struct inf_json *node);

/* The rule of a conjunct; `name` is for errors. */
infer_status inf_conjunct_rule(struct inf_schema *s, const struct inf_conjunct *c,
                               struct inf_bytes name, uint32_t *rule);

infer_status inf_conjunct_types(struct inf_schema *s, const struct inf_conjunct *c,
                                unsigned *types);

/* The first const or enum, and its values; *values NULL: there is none. */
void inf_conjunct_values(const struct inf_conjunct *c, const struct inf_json **values,
                         size_t *count);

infer_status inf_conjunct_check_enums(struct inf_schema *s, const struct inf_conjunct *c);

/* Whether a value of an enum is in all plain keywords (anyOf and oneOf aside) and of these types. */
infer_status inf_conjunct_holds(struct inf_schema *s, const struct inf_conjunct *c, unsigned types,
                                const struct inf_json *v, bool *holds);

/* The texts (without quotes) of those values that are strings and in all other keywords. */
infer_status inf_schema_values_dfa(struct inf_schema *s, const struct inf_conjunct *c,
                                   const struct inf_json *values, size_t count,
                                   const struct inf_dfa **dfa);

/* A keyword that is a count; *value is as before where no part has it. least: of several, the least,
 * else the greatest. */
infer_status inf_conjunct_count(struct inf_schema *s, const struct inf_conjunct *c,
                                const char *keyword, bool least, uint64_t *value);

/* schema_choice.c: a rule for each schema of a part's anyOf (any) or oneOf. */
infer_status inf_schema_choices(struct inf_schema *s, const struct inf_conjunct *c, size_t part,
                                bool any, const struct inf_expr **expr);

bool inf_json_same(const struct inf_json *a, const struct inf_json *b);

/* Blanks where JSON allows them and people put them; a comma, a colon with those behind it; a value as it is
 * written. */
const struct inf_expr *inf_schema_ws(struct inf_schema *s);
const struct inf_expr *inf_schema_comma(struct inf_schema *s);
const struct inf_expr *inf_schema_colon(struct inf_schema *s);
const struct inf_expr *inf_schema_value(struct inf_schema *s, const struct inf_json *value);

/* ---- Types ----------------------------------------------------------------------------------------- */

/* schema_text.c: strings. The language of the text between the quotes, NULL where it is any string;
 * and the whole. */
infer_status inf_schema_text_dfa(struct inf_schema *s, const struct inf_conjunct *c,
                                 const struct inf_dfa **dfa);
infer_status inf_schema_string(struct inf_schema *s, const struct inf_conjunct *c,
                               const struct inf_expr **expr);
/* A text as JSON writes it, without quotes: only what must be is escaped. */
const struct inf_expr *inf_schema_text(struct inf_schema *s, struct inf_bytes text);
const struct inf_expr *inf_schema_any_string(struct inf_schema *s);
/* One of these characters, so written. */
const struct inf_expr *inf_schema_chars(struct inf_schema *s, const struct inf_range *ranges,
                                        size_t count, bool negated);

/* schema_pattern.c: the texts in which a regular expression matches somewhere. */
infer_status inf_schema_pattern(struct inf_schema *s, const struct inf_json *node,
                                const char *keyword, struct inf_bytes pattern,
                                const struct inf_dfa **dfa);

/* schema_number.c: numbers of these types; NULL as above. */
infer_status inf_schema_number_dfa(struct inf_schema *s, const struct inf_conjunct *c,
                                   unsigned types, const struct inf_dfa **dfa);
infer_status inf_schema_number(struct inf_schema *s, const struct inf_conjunct *c, unsigned types,
                               const struct inf_expr **expr);
/* The text of a number: whole numbers have no point. */
void inf_schema_number_text(struct inf_text *out, const struct inf_json *number);

/* schema_object.c */
infer_status inf_schema_object(struct inf_schema *s, const struct inf_conjunct *c,
                               const struct inf_expr **expr);
infer_status inf_schema_array(struct inf_schema *s, const struct inf_conjunct *c,
                              const struct inf_expr **expr);
/* What the value of a member must be. */
infer_status inf_schema_member(struct inf_schema *s, const struct inf_conjunct *c,
                               struct inf_bytes name, struct inf_conjunct *member);
/* Whether some part requires the member. */
infer_status inf_schema_requires(struct inf_schema *s, const struct inf_conjunct *c,
                                 struct inf_bytes name, bool *requires);
const struct inf_json *inf_schema_get(const struct inf_json *node, const char *keyword,
                                      enum inf_json_kind kind);

#endif
