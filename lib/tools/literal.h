/* Values as they come: JSON, of which only the end is looked for; and what looks like Python, which is
 * written as JSON. */
#ifndef INF_LITERAL_H
#define INF_LITERAL_H

#include "lib/base/base.h"
#include "lib/base/limits.h"

enum inf_scan { INF_SCAN_MORE, INF_SCAN_END, INF_SCAN_BAD };

/* One JSON value; what is wrong within it is found when it is read as a whole. */
struct inf_json_scan {
    unsigned depth;
    bool begun, in_string, escaped;
};

/* END: with this byte the value is complete. Blanks before it are passed over (begun is then false). A
 * value begins with a bracket or a quote. */
enum inf_scan inf_json_scan_byte(struct inf_json_scan *s, char c);

/* A literal of Python (or Gemma's form of JSON), byte by byte to JSON. */
struct inf_literal_reader {
    char closers[INF_MAX_JSON_DEPTH]; /* of what is open */
    unsigned depth;
    enum { INF_LITERAL_KEY, INF_LITERAL_COLON, INF_LITERAL_VALUE, INF_LITERAL_AFTER } expect;
    char quote;      /* of the string that is open; 'g': Gemma's mark; 0: none */
    bool key;        /* the string or word is a key */
    bool first;      /* in what was opened last */
    unsigned escape; /* 1: behind a backslash; more: hex digits that are still to come, + 1 */
    unsigned code;
    char word[64];
    unsigned word_len;
    bool bad;
};

/* The value begins within its first bracket, which is closed by `closer`, and is an object; closer 0: it
 * begins with the next byte, whatever it is. */
void inf_literal_begin(struct inf_literal_reader *l, char closer, struct inf_text *out);
enum inf_scan inf_literal_byte(struct inf_literal_reader *l, char c, struct inf_text *out);
/* Gemma's mark of a string. */
enum inf_scan inf_literal_quote(struct inf_literal_reader *l, struct inf_text *out);
/* The text of a value without a closer is over. */
enum inf_scan inf_literal_end(struct inf_literal_reader *l, struct inf_text *out);

#endif
