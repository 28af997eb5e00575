/*
 * The reader of tool calls: what a model makes in a turn, token by token, to text, thoughts and calls.
 *
 *     families.c   how each family writes its calls: one row, a pattern
 *     program.c    a pattern to a program
 *     reader.c     text and thoughts; markers; events
 *     call.c       walks the program while a call is read
 *     object.c, values.c, literal.c   arguments: JSON, tagged values, Python-like ones
 *     channels.c   the messages of harmony
 *     hold*.c      the grammar of a turn, of the same program (hold.h)
 */
#ifndef INF_TOOLS_H
#define INF_TOOLS_H

#include "lib/base/json.h"
#include "lib/base/sort.h"

/* ---- Tools: list.c --------------------------------------------------------------------------- */

struct inf_tool {
    struct inf_bytes key;              /* its name */
    const char *name;                  /* the same, NUL-terminated */
    const struct inf_json *parameters; /* its schema; NULL: none is given */
    struct inf_bytes description;      /* may be empty */
    struct inf_bytes text;             /* of the object in the list */
    bool wrapped;                      /* it is {"type": "function", "function": ...} */
};

struct inf_tool_list {
    struct inf_tool *items; /* in the order of the list */
    struct inf_sort_item *by_name;
    size_t count;
};

/* Reads the list; it lies in the arena and in text[len). */
infer_status inf_tool_list_read(struct inf_arena *arena, const char *text, size_t len,
                                struct inf_tool_list *list, infer_error *err);
const struct inf_tool *inf_tool_find(const struct inf_tool_list *list, const char *name,
                                     size_t len); /* NULL: none */

/* Writes it as the variable of templates: an array of {"type": "function", "function": ...}. */
void inf_tool_list_write(struct inf_text *out, const struct inf_tool_list *list);
/* The same for a system message, with a family's form of a call. */
struct inf_call_family;
void inf_tool_list_explain(struct inf_text *out, const struct inf_tool_list *list,
                           const struct inf_call_family *family);
void inf_json_write_text(struct inf_text *out, const char *text, size_t len); /* without quotes */

/* The types that a schema names, one bit each; 0: it names none (values.c). */
unsigned inf_schema_types(const struct inf_json *schema);
#define INF_SCHEMA_STRING 8u

/* ---- Families: families.c -------------------------------------------------------------------- */

#define INF_FORMS 2
#define INF_WHOLES 3
#define INF_SKIPS 4

/*
 * The patterns: text that must stand there, and
 *     %_ blanks            %l the same; made, a line break
 *     %n the tool's name   %i the call's id    %k both: functions.NAME:NUMBER
 *     %a arguments, JSON   %o an object that has name, arguments and perhaps an id
 *     %g, %y arguments as Gemma and as Python write them, up to their closing bracket
 *     %m a parameter's name   %v, %V its value (V: without a line break at each end)   %t is it a string?
 *     %( %) may be left out   %{ %} any number of times   %c the call is complete
 *     %| between pieces of which each may be one special token of the vocabulary
 */
struct inf_call_family {
    const char *name;
    const char *const signs[3]; /* what a template of this family has in its text: all of them */
    const char
        *forms[INF_FORMS]; /* the first is the template's own: calls that must come have it */
    const char *whole[INF_WHOLES]; /* how a turn may be written that is one call and nothing else */
    const char *fence;             /* such a turn where a grammar holds it; NULL: none */
    const char *skips[INF_SKIPS];  /* markers of the format that stand in the answer */
    bool bare;     /* the template begins a turn that calls with the first form's second piece */
    bool channels; /* harmony */
    bool native;   /* the template is told of tools by its variable */
    /* An object as it is made under a grammar: % is the name; before it a number, where there are ids. NULL:
     * "name", "arguments". */
    const char *object, *object_id;
    bool short_ids;     /* nine letters and digits, where others have "call_" before them */
    const char *answer; /* the name that stands before text; NULL: none */
    bool over;          /* a skipped marker behind a call ends the turn */
};

const struct inf_call_family *inf_family_find(const char *template_text, size_t len);

/* ---- Programs: program.c --------------------------------------------------------------------- */

#define INF_PIECES 8
#define INF_CHOICES 12

/* A stretch of a marker: one token, or (mark -1) text. */
struct inf_literal_piece {
    const char *text;
    uint32_t len;
    int32_t mark;
};

struct inf_literal {
    struct inf_literal_piece pieces[INF_PIECES];
    uint32_t count;
};

struct inf_mark {
    infer_token id;
    bool control; /* can be no content */
};

enum inf_call_op_kind {
    INF_CALL_LITERAL,
    INF_CALL_BLANKS,
    INF_CALL_NAME,
    INF_CALL_ID,
    INF_CALL_NAME_ID,
    INF_CALL_ARGUMENTS,
    INF_CALL_OBJECT,
    INF_CALL_GEMMA,
    INF_CALL_PYTHON,
    INF_CALL_PARAMETER,
    INF_CALL_VALUE,
    INF_CALL_IS_STRING,
    INF_CALL_ALT,  /* go on behind it, or at `to` */
    INF_CALL_JUMP, /* go on at `to` */
    INF_CALL_DONE,
    INF_CALL_EXIT
};

struct inf_call_op {
    enum inf_call_op_kind kind;
    uint32_t to;
    bool trim; /* of a value: a line break at each end is not of it */
    bool line; /* of blanks: made, they are a line break */
    const struct inf_literal *literal;
};

/* What the reader knows of a vocabulary: the special token that has this text, -1: none. */
struct inf_mark_source {
    const void *ud;
    infer_token (*find)(const void *ud, const char *text, size_t len, bool *control);
};

struct inf_program {
    struct inf_call_op *ops;
    uint32_t count, capacity;
    uint32_t starts[INF_FORMS];                 /* of the forms; UINT32_MAX: there is none */
    uint32_t wholes[INF_WHOLES];                /* of those of a whole turn */
    uint32_t fence;                             /* of that of a whole turn that is held */
    const struct inf_literal *skips[INF_SKIPS]; /* NULL: none */
    struct inf_mark *marks;
    size_t mark_count, mark_capacity;
    bool tagged; /* parameters have tags of their own */
};

infer_status inf_program_new(struct inf_arena *arena, const struct inf_call_family *family,
                             const struct inf_mark_source *source, struct inf_program *program,
                             infer_error *err);

/* The literal of a text with %| in it; NULL: no memory. */
const struct inf_literal *inf_program_literal(struct inf_arena *arena, struct inf_program *program,
                                              const struct inf_mark_source *source,
                                              const char *text, size_t len);

/* What may stand at an op: literals, each with the op behind it; whether blanks may stand before; whether
 * the program may end there. */
struct inf_choices {
    struct {
        const struct inf_literal *literal;
        uint32_t next;
    } items[INF_CHOICES];
    uint32_t count;
    bool blanks, ends;
};

void inf_program_choices(const struct inf_program *program, uint32_t at, struct inf_choices *out);

/* ---- Reading: reader.c ----------------------------------------------------------------------- */

struct inf_reader_options {
    const struct inf_call_family *family;
    struct inf_mark_source marks;
    const struct inf_tool_list *tools;       /* kept */
    infer_thought thought;                   /* begin -1: none */
    struct inf_bytes think_begin, think_end; /* their texts */
    bool none;                               /* no calls */
    bool held;    /* the turn has a grammar: calls have their markers, as tokens, or are a fence */
    bool spelled; /* the system spelled the markers out: so may the model */
    bool one_call;
    const char *only; /* the one tool that may be called; NULL: all */
};

struct inf_reader;

infer_status inf_reader_new(const infer_allocator *a, const struct inf_reader_options *options,
                            struct inf_reader **reader, infer_error *err);
void inf_reader_free(struct inf_reader *reader);

/* seed: what made ids are derived from. thinking: the prompt ends within a thought; in_message: within a
 * message of harmony. */
void inf_reader_begin(struct inf_reader *reader, uint64_t seed, bool thinking, bool in_message);
infer_status inf_reader_next(struct inf_reader *reader, infer_token id, const char *bytes,
                             size_t len, infer_on_event on_event, void *ud, infer_error *err);
infer_status inf_reader_end(struct inf_reader *reader, infer_stop stop, infer_on_event on_event,
                            void *ud, infer_error *err);

bool inf_reader_keeps(const struct inf_reader *reader, infer_token id);
bool inf_reader_over(const struct inf_reader *reader);
bool inf_reader_thinks(const struct inf_reader *reader, infer_token *end);
bool inf_reader_began(
    const struct inf_reader *reader); /* some of the answer is there, or a marker begun */
const struct inf_program *inf_reader_program(const struct inf_reader *reader);
const struct inf_literal *const *inf_reader_parts(const struct inf_reader *reader);

/* ---- Holding: hold.c ----------------------------------------------------------------------- */

struct inf_token_trie;
struct inf_grammar;

struct inf_hold_options {
    const struct inf_call_family *family;
    const struct inf_program *program;
    const struct inf_tool_list *tools;
    const char *only; /* NULL: all */
    bool must_call;   /* else text may come instead, and around the calls */
    bool one_call;
    bool thinks; /* a thought may come before, with line ends behind it */
    const struct inf_literal *const *parts; /* of harmony, as in channels.c */
};

/* The grammar of whole turns, from where the answer begins. INFER_E_UNSUPPORTED: a schema, with its place
 * in the list of tools. */
infer_status inf_hold_new(const infer_allocator *a, const struct inf_token_trie *trie,
                          const struct inf_hold_options *options, struct inf_grammar **grammar,
                          infer_error *err);

#endif
