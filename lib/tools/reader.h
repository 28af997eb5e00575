/* Inside of the reader: what it keeps of a turn. */
#ifndef INF_READER_H
#define INF_READER_H

#include "lib/base/limits.h"
#include "lib/tools/literal.h"
#include "lib/tools/tools.h"

/* What comes in: a byte of text, or a token that is a marker, with its bytes. */
struct inf_symbol {
    int32_t mark; /* -1: a byte */
    uint32_t len; /* bytes in `held` */
    unsigned char byte;
    bool untold; /* a byte of which no token is told: it may spell a marker */
};

#define INF_PENDING 96 /* more than any literal has symbols */

enum inf_reader_state {
    INF_READ_TEXT,
    INF_READ_THOUGHT,
    INF_READ_HEADER, /* of a message of harmony */
    INF_READ_BODY,   /* the arguments of a call in harmony */
    INF_READ_CALL
};

/* What a literal found in text leads to. */
enum inf_found {
    INF_FOUND_FORM,
    INF_FOUND_WHOLE,
    INF_FOUND_SKIP,
    INF_FOUND_THINK,
    INF_FOUND_UNTHINK
};

/* Where an object with a name and arguments in it is read. */
struct inf_object {
    struct inf_text text;               /* its bytes so far */
    size_t string, key, key_len, value; /* places in it */
    unsigned depth;
    bool in_string, escaped, has_key, has_value, in_arguments;
};

struct inf_reader {
    infer_allocator a;
    struct inf_arena arena; /* of the program */
    struct inf_reader_options o;
    struct inf_program program;
    const struct inf_literal *think, *unthink, *parts[7]; /* parts: of harmony, see channels.c */

    /* the turn */
    enum inf_reader_state state;
    uint64_t seed;
    bool began, may_be_bare, skip_blanks, over;
    size_t calls, begun_calls; /* done; told of */

    /* the bytes that no event has shown; the last of them are those of `pending` */
    struct inf_text held;
    size_t held_first;
    struct inf_symbol pending[INF_PENDING];
    size_t pending_count, pending_bytes;

    /* the call */
    uint32_t at;      /* in the program */
    bool bare;        /* it began without a marker */
    bool alone;       /* it is one only where nothing else is in the turn: told of at its end */
    bool complete;    /* of such a call: all of it is there */
    bool begun, done; /* CALL_BEGIN was told; the last call is complete, the next not begun */
    size_t call;      /* its number */
    struct inf_text whole; /* all of it */
    struct inf_text word;  /* what is collected: a name, an id, a value */
    char id[80];
    const struct inf_tool *tool;
    struct inf_text arguments; /* as JSON */
    size_t arguments_shown;
    struct inf_text parameters;    /* names of the parameters so far, each with a NUL behind it */
    const struct inf_json *schema; /* of the parameter */
    bool has_type, is_string;      /* the model said what the value is */
    enum { INF_VALUE_NEW, INF_VALUE_TEXT, INF_VALUE_OTHER } value;
    bool line_break; /* at the end of a value, held back */
    struct inf_object object;
    struct inf_json_scan scan;
    struct inf_literal_reader literal;

    /* of the call of next or end */
    infer_on_event on_event;
    void *ud;
    bool stopped;
    infer_error *err;
};

/* ---- reader.c -------------------------------------------------------------------------------- */

/* Shows the first n held bytes as an event. */
infer_status inf_reader_show(struct inf_reader *r, infer_event_kind kind, size_t raw,
                             struct inf_bytes text);
size_t inf_reader_ready(const struct inf_reader *r); /* held bytes that are not pending */
void inf_reader_take(struct inf_reader *r, struct inf_symbol *symbol); /* the first pending */
enum inf_match { INF_MATCH_MORE, INF_MATCH_YES, INF_MATCH_NO };
/* How many pending symbols are the literal; 0 where they are not, or (MORE) not yet. */
size_t inf_reader_match(const struct inf_reader *r, const struct inf_literal *literal,
                        enum inf_match *result);
void inf_reader_take_all(struct inf_reader *r, size_t count);
void inf_reader_cut(struct inf_reader *r);                /* shows the content before a marker */
void inf_reader_skip(struct inf_reader *r, size_t count); /* takes a marker, which is no content */
size_t inf_whole_characters(const char *text, size_t len);

static inline bool inf_is_blank(int c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

const char *inf_reader_bytes(const struct inf_reader *r, struct inf_symbol symbol);
infer_status inf_reader_memory(struct inf_reader *r);

/* ---- call.c ---------------------------------------------------------------------------------- */

/* A call begins at an op; the held bytes up to the pending ones are its own. */
infer_status inf_call_begin(struct inf_reader *r, uint32_t at, bool bare);
/* Goes on with the pending symbols; *moved: something was done. */
infer_status inf_call_step(struct inf_reader *r, bool *moved);
infer_status inf_call_flush(struct inf_reader *r); /* shows what arguments there are */
infer_status inf_call_end(struct inf_reader *r, infer_stop stop);
infer_status inf_call_break(struct inf_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The name is known; what else comes before the arguments too: CALL_BEGIN. */
infer_status inf_call_name(struct inf_reader *r, const char *name, size_t len);
infer_status inf_call_open(struct inf_reader *r);
infer_status inf_call_done(struct inf_reader *r);
void inf_call_id(struct inf_reader *r, const char *id, size_t len);

/* ---- object.c, values.c ---------------------------------------------------------------------- */

/* *more false: the object is complete. A call that breaks is no longer in state CALL. */
infer_status inf_object_byte(struct inf_reader *r, char c, bool *more);

infer_status inf_value_byte(struct inf_reader *r, char c, bool trim);
infer_status inf_value_end(struct inf_reader *r, bool trim);
infer_status inf_parameter_begin(struct inf_reader *r, const char *name, size_t len);

/* ---- channels.c ------------------------------------------------------------------------------ */

infer_status inf_channels_init(struct inf_reader *r);
infer_status inf_channels_step(struct inf_reader *r, bool *moved);
infer_status inf_channels_finish(struct inf_reader *r); /* the arguments are over */

#endif
