/*
 * A template as a tree. The reader (lexer.c, parser.c, statements.c) makes it, execute.c and
 * evaluate.c walk it.
 */
#ifndef INF_TEMPLATE_H
#define INF_TEMPLATE_H

#include "lib/chat/chat.h"
#include "lib/chat/value.h"

enum inf_node_kind {
    /* expressions */
    INF_NODE_CONSTANT,  /* value */
    INF_NODE_NAME,      /* name */
    INF_NODE_LIST,      /* items */
    INF_NODE_TUPLE,     /* items */
    INF_NODE_DICT,      /* key, value, key, value, ... */
    INF_NODE_OR,        /* items */
    INF_NODE_AND,       /* items */
    INF_NODE_NOT,       /* item */
    INF_NODE_NEGATE,    /* item; flag: plus */
    INF_NODE_CHAIN,     /* first, then operands from the left, each an OPERAND with its op */
    INF_NODE_COMPARE,   /* the same */
    INF_NODE_CONCAT,    /* items */
    INF_NODE_OPERAND,   /* item, op */
    INF_NODE_CONDITION, /* value, condition, other (or two items alone) */
    INF_NODE_POSTFIX,   /* base, then what is done to it in order: */
    INF_NODE_ATTRIBUTE, /* name */
    INF_NODE_ITEM,      /* item */
    INF_NODE_SLICE,     /* three items, NULL where left out */
    INF_NODE_CALL,      /* arguments */
    INF_NODE_FILTER,    /* name, builtin, arguments */
    INF_NODE_TEST,      /* name, builtin, arguments; flag: not */
    /* arguments that are no plain expressions */
    INF_NODE_KEYWORD,     /* name, item */
    INF_NODE_SPREAD,      /* *item */
    INF_NODE_SPREAD_DICT, /* **item */
    /* statements */
    INF_NODE_BODY,         /* items */
    INF_NODE_TEXT,         /* value */
    INF_NODE_OUTPUT,       /* items */
    INF_NODE_IF,           /* condition, body, condition, body, ..., perhaps a last body */
    INF_NODE_FOR,          /* target, list, test or NULL, body, else or NULL; flag: recursive; op:
                              1 where macros stand in it, which keep its variables */
    INF_NODE_SET,          /* target, value */
    INF_NODE_SET_BLOCK,    /* target, body, POSTFIX without base or NULL */
    INF_NODE_TARGET_SPACE, /* name and, as item, an ATTRIBUTE: ns.name */
    INF_NODE_MACRO,        /* name, body, parameters (KEYWORD with or without an item); op: uses */
    INF_NODE_CALL_BLOCK,   /* POSTFIX that ends in a CALL, macro of the body */
    INF_NODE_FILTER_BLOCK, /* body, POSTFIX without base */
    INF_NODE_WITH,         /* body, target, value, target, value, ... */
    INF_NODE_BREAK,
    INF_NODE_CONTINUE
};

enum { INF_USES_CALLER = 1, INF_USES_VARARGS = 2, INF_USES_KWARGS = 4 };

struct inf_node {
    uint8_t kind;
    char
        op; /* as of inf_value_arithmetic; comparisons: < > l(<=) g(>=) e(==) n(!=) i(in) o(not in) */
    bool flag;
    uint32_t at; /* byte of the text */
    uint32_t count;
    struct inf_node **items;
    struct inf_bytes name;
    struct inf_value value;
    const struct inf_builtin *builtin; /* NULL: there is none of that name */
};

struct inf_template {
    infer_allocator a;
    struct inf_heap heap;
    struct inf_bytes text;
    struct inf_node *root;
};

/* ---- Reading ------------------------------------------------------------------------------- */

enum inf_token_type {
    INF_LEX_DATA, /* text between tags */
    INF_LEX_VARIABLE_BEGIN,
    INF_LEX_VARIABLE_END,
    INF_LEX_BLOCK_BEGIN,
    INF_LEX_BLOCK_END,
    INF_LEX_NAME,
    INF_LEX_STRING, /* with its quotes */
    INF_LEX_INTEGER,
    INF_LEX_FLOAT,
    INF_LEX_OPERATOR, /* op: the sign; d for //, p for **, e == n != l <= g >= */
    INF_LEX_END
};

struct inf_lexeme {
    enum inf_token_type type;
    char op;
    uint32_t at;
    struct inf_bytes text;
};

#define INF_BRACKETS_MAX 200

struct inf_lexer {
    const char *text;
    size_t len, at;
    enum { INF_LEX_OUTSIDE, INF_LEX_IN_VARIABLE, INF_LEX_IN_BLOCK } mode;
    bool line_start; /* what comes now stands at the start of a line */
    bool in_raw;
    char brackets[INF_BRACKETS_MAX];
    size_t bracket_count;
};

struct inf_parser {
    struct inf_template *t;
    struct inf_lexer lexer;
    struct inf_lexeme now, ahead;
    struct inf_node **open; /* items of the nodes that are not finished */
    size_t open_count, open_capacity;
    unsigned depth, loops;
    unsigned macros; /* so many were read */
    unsigned uses;   /* INF_USES_ of the macro that is being read */
    infer_status status;
    infer_error *err;
};

/* Sets the error at a place, unless there is one; always false. */
bool inf_parse_fail(struct inf_parser *p, infer_status status, size_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

bool inf_parse_no_memory(struct inf_parser *p); /* the same for memory */

bool inf_lex_next(struct inf_parser *p, struct inf_lexeme *out); /* lexer.c */

/* parser.c: expressions. NULL: failed. */
bool inf_parse_advance(struct inf_parser *p);
bool inf_parse_is(const struct inf_parser *p, char op);
bool inf_parse_is_name(const struct inf_parser *p, const char *name);
bool inf_parse_skip(struct inf_parser *p, char op); /* false also where it fails: see status */
bool inf_parse_skip_name(struct inf_parser *p, const char *name);
bool inf_parse_expect(struct inf_parser *p, char op);
bool inf_parse_enter(struct inf_parser *p);
struct inf_node *inf_parse_node(struct inf_parser *p, enum inf_node_kind kind, uint32_t at);
bool inf_parse_push(struct inf_parser *p, struct inf_node *item); /* NULL: an item left out */
/* Gives the items pushed since open_count was `first` to the node. */
bool inf_parse_take(struct inf_parser *p, struct inf_node *node, size_t first);
struct inf_node *inf_parse_expression(struct inf_parser *p);
/* Several with commas are a tuple. conditions: with `a if b else c` on the outermost level. */
struct inf_node *inf_parse_tuple(struct inf_parser *p, bool conditions);
struct inf_node *inf_parse_target(struct inf_parser *p, bool names_alone);
struct inf_node *inf_parse_call_only(struct inf_parser *p);
struct inf_node *inf_parse_filters(struct inf_parser *p, bool first_without_bar);

/* constants.c */
struct inf_node *inf_parse_strings(struct inf_parser *p);
struct inf_node *inf_parse_number(struct inf_parser *p);
struct inf_value inf_parse_text_value(struct inf_parser *p, const char *bytes, size_t len);

/* statements.c: the whole template. */
struct inf_node *inf_parse_all(struct inf_parser *p);

/* ---- Running ------------------------------------------------------------------------------- */

/* Variables of one scope; those of the scopes around it are found through `parent`. */
struct inf_frame {
    struct inf_frame *parent;
    struct inf_namespace names;
};

struct inf_loop {
    const struct inf_node *node;
    struct inf_frame *outside;     /* where the loop stands, for loop(...) */
    const struct inf_range *range; /* what is walked over; NULL: items */
    struct inf_sequence items;     /* of a range the count alone */
    uint32_t index, depth;
    bool has_changed;
    struct inf_value changed;
};

struct inf_macro {
    const struct inf_node *node;
    struct inf_frame *frame;
};

bool inf_evaluate(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                  struct inf_value *out);
/* What the items of a POSTFIX do to *value, from the second on. */
bool inf_evaluate_postfix(struct inf_render *r, struct inf_frame *frame,
                          const struct inf_node *node, const struct inf_node *caller,
                          struct inf_value *value);
bool inf_execute(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node);

#endif
