/*
 * The values of a template, as Python has them: what they are, how they print, compare and convert.
 * All of them are immutable (namespaces, loops and the like aside) and live in the arena of one
 * rendering, so nothing is counted or freed one by one.
 *
 * A text knows of each of its bytes whether it is literal (the template's own) or content (from the
 * variables): bytes and marks are copied together by whatever makes a text of another.
 */
#ifndef INF_VALUE_H
#define INF_VALUE_H

#include "lib/base/base.h"
#include "lib/base/sort.h"

enum inf_kind {
    INF_UNDEFINED,
    INF_NONE,
    INF_BOOL,
    INF_INT,
    INF_BIG, /* a whole number beyond 64 bits, kept as the text of its digits */
    INF_FLOAT,
    INF_TEXT,
    INF_LIST,
    INF_TUPLE,
    INF_VIEW,      /* what items(), keys(), values() give: a list that has no index */
    INF_GENERATOR, /* what map, select and the like give: can be walked once */
    INF_DICT,
    INF_RANGE,
    INF_NAMESPACE,
    INF_LOOP,
    INF_CYCLER,
    INF_FUNCTION, /* a builtin, perhaps of an object: its method */
    INF_MACRO
};

/* Bytes with their marks. Whoever holds the text at its end may append to it: a template that
 * builds a text bit by bit copies each byte a few times, not once for each bit. */
struct inf_buffer {
    char *bytes, *marks;     /* marks: 1 literal, 0 content; NULL: all are `literal` */
    uint32_t used, capacity; /* capacity 0: not ours to append to */
    bool literal;
};

struct inf_text_value {
    struct inf_buffer *buffer;
    uint32_t at, len;
};

struct inf_value {
    uint8_t kind;
    bool safe; /* of a text: escaped already (Markup) */
    union {
        bool flag;
        int64_t integer;
        double real;
        struct inf_text_value text; /* of INF_BIG too */
        struct inf_sequence *sequence;
        struct inf_dict *dict;
        struct inf_range *range;
        struct inf_namespace *space; /* of INF_CYCLER too: items of it */
        struct inf_loop *loop;
        const struct inf_function *function;
        struct inf_macro *macro;
        const struct inf_missing *missing; /* of INF_UNDEFINED; NULL: nothing to say of it */
    } as;
};

struct inf_sequence {
    struct inf_value *items;
    uint32_t count;
    bool consumed; /* of a generator */
    const char
        *name; /* of a view: dict_keys and the like; "group": a tuple with grouper and list */
};

struct inf_entry {
    struct inf_value key, value;
};

struct inf_dict {
    struct inf_entry *entries;
    uint32_t count;
    struct inf_sort_item *index; /* sorted by the keys' hash; NULL where there are few */
};

struct inf_range {
    int64_t start, stop, step, count;
};

/* Names with values: of a namespace, of a frame of variables. */
struct inf_binding {
    struct inf_bytes name;
    struct inf_value value;
};

struct inf_namespace {
    struct inf_binding *items;
    uint32_t count, capacity;
    uint32_t position; /* of a cycler; of a joiner 0 before its first call */
};

/* Why something is undefined: a name, or an attribute of a kind of object. */
struct inf_missing {
    struct inf_bytes name;
    const char *owner; /* "dict"; NULL: a variable */
};

struct inf_args {
    const struct inf_value *items;
    size_t count;
    const struct inf_binding *names;
    size_t name_count;
};

/* An arena for small things: the rest of a block is kept for the next. */
struct inf_heap {
    struct inf_arena arena;
    char *small;
    size_t small_left;
};

void *inf_heap_take(struct inf_heap *heap, size_t bytes); /* zeroed; NULL: no memory */

struct inf_render;

/* `given` are the parameters that `names` lists, NULL where not given; `all` are the arguments as
 * they came. False: failed. */
typedef bool inf_builtin_call(struct inf_render *r, const struct inf_value *self,
                              const struct inf_value *const *given, const struct inf_args *all,
                              struct inf_value *out);

struct inf_builtin {
    const char *name;
    inf_builtin_call *call;
    const char *names; /* of its parameters, each with a blank behind it; "*": any arguments */
    unsigned needed;   /* so many of them must be given */
};

/* The head of a builtin; few of them need all of it. */
#define INF_UNUSED __attribute__((unused))
#define INF_BUILTIN(name)                                                                          \
    static bool name(struct inf_render *r INF_UNUSED, const struct inf_value *self INF_UNUSED,     \
                     const struct inf_value *const *given INF_UNUSED,                              \
                     const struct inf_args *all INF_UNUSED, struct inf_value *out INF_UNUSED)

struct inf_function {
    const struct inf_builtin *builtin;
    struct inf_value self;
};

#define INF_PARAMETERS_MAX 8

/* One rendering. */
struct inf_render {
    const struct inf_template *t;
    struct inf_heap heap;
    size_t bytes, bytes_max, output_max;
    uint64_t steps_left, steps_max;
    unsigned depth;
    uint32_t at; /* the place in the template that is being worked on */
    int64_t now;
    bool has_now;
    struct inf_buffer *out;
    infer_status status;
    infer_error *err;
};

/* Notes what went wrong, with line and column; always false. */
bool inf_render_fail(struct inf_render *r, infer_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));
#define inf_fault(r, ...) inf_render_fail(r, INFER_E_TEMPLATE, __VA_ARGS__)

/* Zeroed memory until the rendering ends; NULL: failed. */
void *inf_render_take(struct inf_render *r, size_t count, size_t size);
/* Counts work; false where it was too much. */
bool inf_render_spend(struct inf_render *r, uint64_t steps);
/* One level deeper; false where that is too deep. inf_render_leave comes back. */
bool inf_render_enter(struct inf_render *r);

static inline void inf_render_leave(struct inf_render *r)
{
    r->depth--;
}

/* ---- Texts (text_value.c) ------------------------------------------------------------------ */

struct inf_buffer *inf_buffer_new(struct inf_render *r, size_t capacity);
bool inf_buffer_add(struct inf_render *r, struct inf_buffer *b, const char *bytes, size_t len,
                    bool literal);
bool inf_buffer_add_text(struct inf_render *r, struct inf_buffer *b,
                         const struct inf_text_value *text);
struct inf_value inf_buffer_value(struct inf_buffer *b);

static inline const char *inf_chars(const struct inf_value *text)
{
    return text->as.text.buffer->bytes + text->as.text.at;
}

static inline size_t inf_chars_len(const struct inf_value *text)
{
    return text->as.text.len;
}

/* A copy. */
bool inf_text_new(struct inf_render *r, const char *bytes, size_t len, bool literal,
                  struct inf_value *out);
/* The bytes stay where they are and must outlive the rendering. */
bool inf_text_borrow(struct inf_render *r, const char *bytes, size_t len, bool literal,
                     struct inf_value *out);
/* A part of a text: bytes start to end of it. */
struct inf_value inf_text_part(const struct inf_value *text, size_t start, size_t end);
bool inf_text_join(struct inf_render *r, const struct inf_value *a, const struct inf_value *b,
                   struct inf_value *out);
bool inf_text_literal(const struct inf_value *text, size_t at);

/* Characters: how many; and the byte at which number `index` (0 ... length) begins. */
size_t inf_text_length(const struct inf_value *text);
size_t inf_text_offset(const struct inf_value *text, size_t index);
size_t inf_char_size(const char *at, size_t left);

/* What print, str() and ~ make of a value; and repr(). */
bool inf_value_print(struct inf_render *r, struct inf_buffer *b, const struct inf_value *v);
bool inf_value_repr(struct inf_render *r, struct inf_buffer *b, const struct inf_value *v);
bool inf_value_text(struct inf_render *r, const struct inf_value *v, struct inf_value *out);
/* With & < > ' " replaced, unless it is safe. */
bool inf_value_escape(struct inf_render *r, const struct inf_value *v, bool force,
                      struct inf_value *out);

/* ---- Making and reading (value.c) ---------------------------------------------------------- */

static inline struct inf_value inf_none(void)
{
    return (struct inf_value){.kind = INF_NONE};
}

static inline struct inf_value inf_bool(bool flag)
{
    return (struct inf_value){.kind = INF_BOOL, .as.flag = flag};
}

static inline struct inf_value inf_int(int64_t integer)
{
    return (struct inf_value){.kind = INF_INT, .as.integer = integer};
}

static inline struct inf_value inf_float(double real)
{
    return (struct inf_value){.kind = INF_FLOAT, .as.real = real};
}

static inline bool inf_is_whole(const struct inf_value *v)
{
    return v->kind == INF_INT || v->kind == INF_BOOL;
}

static inline int64_t inf_whole(const struct inf_value *v)
{
    return v->kind == INF_BOOL ? v->as.flag : v->as.integer;
}

static inline bool inf_is_number(const struct inf_value *v)
{
    return inf_is_whole(v) || v->kind == INF_FLOAT;
}

static inline double inf_real(const struct inf_value *v)
{
    return v->kind == INF_FLOAT ? v->as.real : (double)inf_whole(v);
}

bool inf_undefined(struct inf_render *r, struct inf_bytes name, const char *owner,
                   struct inf_value *out);
/* Why it cannot be used. */
bool inf_undefined_fail(struct inf_render *r, const struct inf_value *v);

/* Room for `count` items in out->as.sequence->items. */
bool inf_sequence_new(struct inf_render *r, enum inf_kind kind, size_t count,
                      struct inf_value *out);
/* A list that grows. */
struct inf_list {
    struct inf_value *items;
    size_t count, capacity;
};

bool inf_list_add(struct inf_render *r, struct inf_list *list, const struct inf_value *item);
bool inf_list_value(struct inf_render *r, const struct inf_list *list, enum inf_kind kind,
                    struct inf_value *out);

/* Takes entries[count): of equal keys the last value counts, in the first place. */
bool inf_dict_new(struct inf_render *r, struct inf_entry *entries, size_t count,
                  struct inf_value *out);
/* NULL where the key is not there; also where it cannot be a key (see inf_value_hashable). */
const struct inf_value *inf_dict_find(struct inf_render *r, const struct inf_dict *dict,
                                      const struct inf_value *key);
const struct inf_value *inf_dict_find_name(struct inf_render *r, const struct inf_dict *dict,
                                           struct inf_bytes name);
bool inf_value_hashable(struct inf_render *r, const struct inf_value *v);
/* For each of items[count) the least index of an equal one, in first[count). */
bool inf_values_first(struct inf_render *r, const struct inf_value *items, size_t count,
                      uint32_t *first);
/* Sorts items by keys (another array, which is sorted too), stable. */
bool inf_values_sort(struct inf_render *r, struct inf_value *keys, struct inf_value *items,
                     size_t count, bool reverse);

struct inf_value *inf_space_find(struct inf_render *r, const struct inf_namespace *space,
                                 struct inf_bytes name);
bool inf_space_set(struct inf_render *r, struct inf_namespace *space, struct inf_bytes name,
                   const struct inf_value *value);

const char *inf_kind_name(const struct inf_value *v); /* "str", "list", ... */
bool inf_truth(const struct inf_value *v);
bool inf_values_equal(struct inf_render *r, const struct inf_value *a, const struct inf_value *b);
/* <0, 0, >0 in *order; fails where the two have none. */
bool inf_values_order(struct inf_render *r, const struct inf_value *a, const struct inf_value *b,
                      int *order);
/* What a loop walks over. */
bool inf_value_items(struct inf_render *r, const struct inf_value *v, struct inf_sequence *out);
bool inf_is_iterable(const struct inf_value *v);
bool inf_value_length(struct inf_render *r, const struct inf_value *v, size_t *length);
bool inf_value_contains(struct inf_render *r, const struct inf_value *whole,
                        const struct inf_value *part, bool *found);

/* ---- Operators (operators.c) --------------------------------------------------------------- */

/* op: one of + - * / % and 'd' for //, 'p' for **. */
bool inf_value_arithmetic(struct inf_render *r, char op, const struct inf_value *a,
                          const struct inf_value *b, struct inf_value *out);
bool inf_value_negate(struct inf_render *r, const struct inf_value *v, struct inf_value *out);
/* v[key], and v.name: an attribute or method before a key. */
bool inf_value_item(struct inf_render *r, const struct inf_value *v, const struct inf_value *key,
                    struct inf_value *out);
bool inf_value_attribute(struct inf_render *r, const struct inf_value *v, struct inf_bytes name,
                         struct inf_value *out);
/* Of a loop, macro, cycler (execute.c). */
bool inf_object_attribute(struct inf_render *r, const struct inf_value *v, struct inf_bytes name,
                          struct inf_value *out, bool *found);
/* Bounds NULL or none where not given. */
bool inf_value_slice(struct inf_render *r, const struct inf_value *v,
                     const struct inf_value *bounds[3], struct inf_value *out);

/* ---- Builtins ------------------------------------------------------------------------------ */

const struct inf_builtin *inf_filter_find(struct inf_bytes name);
const struct inf_builtin *inf_test_find(struct inf_bytes name);
const struct inf_builtin *inf_global_find(struct inf_bytes name);
/* Of an object of that kind. */
const struct inf_builtin *inf_method_find(const struct inf_value *v, struct inf_bytes name);
bool inf_builtin_run(struct inf_render *r, const struct inf_builtin *builtin,
                     const struct inf_value *self, const struct inf_args *args,
                     struct inf_value *out);
/* Calls a function, macro or recursive loop (execute.c). */
bool inf_value_call(struct inf_render *r, const struct inf_value *callee,
                    const struct inf_args *args, struct inf_value *out);

/* Shared by filters and methods (text_methods.c, change_case.c, format.c, tojson.c). */
/* most < 0: all. */
bool inf_text_replace(struct inf_render *r, const struct inf_value *text,
                      const struct inf_value *old, const struct inf_value *by, int64_t most,
                      struct inf_value *out);
enum { INF_LEFT = 1, INF_RIGHT = 2 };
/* chars NULL or none: white space. */
bool inf_text_strip(struct inf_render *r, const struct inf_value *text,
                    const struct inf_value *chars, unsigned sides, struct inf_value *out);
bool inf_text_lines(struct inf_render *r, const struct inf_value *text, bool keep_ends,
                    struct inf_value *out);
enum inf_case {
    INF_CASE_UPPER,
    INF_CASE_LOWER,
    INF_CASE_SWAP,
    INF_CASE_FIRST, /* the first letter large, all others small */
    INF_CASE_TITLE, /* each first letter of letters in a row, as Python's title() */
    INF_CASE_WORDS  /* each first letter of words, as Jinja's filter */
};
bool inf_text_case(struct inf_render *r, const struct inf_value *text, enum inf_case change,
                   struct inf_value *out);
/* Python's islower() and isupper(). */
bool inf_text_has_case(const struct inf_value *text, bool upper);
/* Padded with blanks (or `fill`) to `width` characters; align is '<', '>' or '^'. */
bool inf_text_pad(struct inf_render *r, const struct inf_value *text, int64_t width, char align,
                  const char *fill, struct inf_value *out);
/* "{}".format(...) and "%s" % ... */
bool inf_text_format(struct inf_render *r, const struct inf_value *format,
                     const struct inf_args *args, struct inf_value *out);
bool inf_text_percent(struct inf_render *r, const struct inf_value *format,
                      const struct inf_args *args, struct inf_value *out);
inf_builtin_call inf_filter_tojson;
bool inf_strftime(struct inf_render *r, const char *format, size_t len, struct inf_value *out);

/* Arguments: what they must be, or a failure that says so. */
bool inf_need_text(struct inf_render *r, const struct inf_value *v, const char *what);
/* NULL: *out stays. */
bool inf_need_int(struct inf_render *r, const struct inf_value *v, const char *what, int64_t *out);

/* Rows of tables that inf_..._find look through. */
extern const struct inf_builtin inf_text_filters[], inf_list_filters[], inf_tests[];
extern const struct inf_builtin inf_text_method_rows[];

#endif
