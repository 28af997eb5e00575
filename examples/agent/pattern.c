/*
 * Patterns in lines, by simulating all ways at once (Thompson, "Regular expression search algorithm", 1968): no
 * pattern makes it slow. A compiled pattern is a list of steps; a jump is relative, so that steps can be moved.
 */
#include <stdlib.h>
#include <string.h>

#include "hands.h"

#define PATTERN_MAX 1000 /* bytes */
#define STEPS_MAX 2000
#define GROUPS_MAX 30   /* one in the other */
#define REPEAT_MAX 200  /* of {n,m} */
#define WORK_MAX 100000 /* atoms read, those that are repeated each time */

enum step_kind {
    STEP_SET,
    STEP_SPLIT,
    STEP_START,
    STEP_END,
    STEP_WORD_EDGE,
    STEP_NO_EDGE,
    STEP_DONE
};

struct step {
    enum step_kind kind;
    int a, b; /* of SPLIT: both ways on (a jump has one way twice); of SET: its index */
};

struct set {
    uint8_t bits[32]; /* one a byte value */
};

struct pattern {
    char *literal; /* owned; NULL: the steps */
    size_t literal_len;
    bool ignore_case;
    size_t step_count, set_count, work;
    struct step steps[STEPS_MAX];
    struct set sets[STEPS_MAX];
    int now[STEPS_MAX], next[STEPS_MAX], stack[2 * STEPS_MAX + 1];
    size_t now_count, next_count;
    size_t seen[STEPS_MAX], turn; /* in which turn a step was last added */
};

struct reader {
    struct pattern *pattern;
    const char *at, *end;
    const char *wrong; /* what is not taken; NULL: all well */
    int depth;
};

/* ---- Compiling --------------------------------------------------------------------------------- */

static void set_add(struct set *set, int c)
{
    set->bits[c / 8] |= (uint8_t)(1u << c % 8);
}

static bool set_has(const struct set *set, unsigned char c)
{
    return set->bits[c / 8] >> c % 8 & 1;
}

static bool is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c >= 0x80; /* letters that are not ASCII */
}

/* \d \w \s and their capitals. False: `c` is none of them. */
static bool set_add_class(struct set *set, char c)
{
    char kind = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    if (kind != 'd' && kind != 'w' && kind != 's')
        return false;
    for (int i = 0; i < 256; i++) {
        bool in = kind == 'd'   ? i >= '0' && i <= '9'
                  : kind == 'w' ? is_word(i)
                                : i == ' ' || (i >= '\t' && i <= '\r');
        if (in == (kind == c))
            set_add(set, i);
    }
    return true;
}

static void insert(struct reader *r, size_t at, struct step step)
{
    struct pattern *p = r->pattern;
    if (p->step_count == STEPS_MAX) {
        r->wrong = "it is too large";
        return;
    }
    memmove(p->steps + at + 1, p->steps + at, (p->step_count - at) * sizeof *p->steps);
    p->steps[at] = step;
    p->step_count++;
}

static void append(struct reader *r, enum step_kind kind, int a, int b)
{
    insert(r, r->pattern->step_count, (struct step){kind, a, b});
}

static void append_set(struct reader *r, struct set set, bool invert)
{
    struct pattern *p = r->pattern;
    for (int c = 'a'; c <= 'z' && p->ignore_case; c++) {
        if (set_has(&set, (unsigned char)c))
            set_add(&set, c - 32);
        if (set_has(&set, (unsigned char)(c - 32)))
            set_add(&set, c);
    }
    for (size_t i = 0; i < sizeof set.bits && invert; i++)
        set.bits[i] = (uint8_t)~set.bits[i];
    if (p->set_count == STEPS_MAX) {
        r->wrong = "it is too large";
        return;
    }
    p->sets[p->set_count] = set;
    append(r, STEP_SET, (int)p->set_count++, 0);
}

static int escaped(char c)
{
    return c == 'n'   ? '\n'
           : c == 't' ? '\t'
           : c == 'r' ? '\r'
           : c == 'f' ? '\f'
           : c == 'v' ? '\v'
                      : c;
}

/* Behind '['. */
static void read_class(struct reader *r)
{
    struct set set = {0};
    bool invert = r->at < r->end && *r->at == '^', first = true;
    r->at += invert;
    for (; r->at < r->end && (first || *r->at != ']'); first = false) {
        unsigned char low = (unsigned char)*r->at++;
        if (low >= 0x80 || (low == '[' && r->at < r->end && strchr(":.=", *r->at))) {
            r->wrong = "a class in [] takes single ASCII characters, ranges, \\d \\w \\s";
            return;
        }
        if (low == '\\' && r->at < r->end) {
            if (set_add_class(&set, *r->at)) {
                r->at++;
                continue;
            }
            low = (unsigned char)escaped(*r->at++);
        }
        unsigned char high = low;
        if (r->end - r->at > 1 && r->at[0] == '-' && r->at[1] != ']') {
            high = (unsigned char)r->at[1];
            r->at += 2;
            if (high == '\\' && r->at < r->end)
                high = (unsigned char)escaped(*r->at++);
        }
        if (high < low || high >= 0x80) {
            r->wrong = "a range in [] is the wrong way round, or not ASCII";
            return;
        }
        for (int c = low; c <= high; c++)
            set_add(&set, c);
    }
    if (r->at == r->end)
        r->wrong = "a [ is not closed";
    else
        r->at++;
    append_set(r, set, invert);
}

static void read_escape(struct reader *r)
{
    struct set set = {0};
    char c = r->at < r->end ? *r->at++ : 0;
    if (c == 'b' || c == 'B')
        append(r, c == 'b' ? STEP_WORD_EDGE : STEP_NO_EDGE, 0, 0);
    else if (set_add_class(&set, c))
        append_set(r, set, false);
    else if (!c || (c >= '0' && c <= '9') ||
             (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) && !strchr("ntrfv", c)))
        r->wrong = "it has an escape that is not taken (those are \\d \\w \\s \\b \\n \\t \\r and "
                   "signs; no back references)";
    else {
        set_add(&set, (unsigned char)escaped(c));
        append_set(r, set, false);
    }
}

static void read_choice(struct reader *r);

/* Behind '('. */
static void read_group(struct reader *r)
{
    if (r->end - r->at > 1 && r->at[0] == '?' && r->at[1] == ':')
        r->at += 2;
    else if (r->at < r->end && *r->at == '?')
        r->wrong = "groups with (? are not taken, but (?:";
    if (r->depth++ == GROUPS_MAX)
        r->wrong = "its groups are nested too deep";
    if (!r->wrong)
        read_choice(r);
    r->depth--;
    if (!r->wrong && (r->at == r->end || *r->at++ != ')'))
        r->wrong = "a ( is not closed";
}

static void read_atom(struct reader *r)
{
    struct set set = {0};
    char c = *r->at++;
    if (r->pattern->work++ == WORK_MAX)
        r->wrong = "it repeats too much";
    else if (c == '(')
        read_group(r);
    else if (c == '[')
        read_class(r);
    else if (c == '\\')
        read_escape(r);
    else if (c == '^' || c == '$')
        append(r, c == '^' ? STEP_START : STEP_END, 0, 0);
    else if (strchr("*+?{", c))
        r->wrong = "a repetition has nothing before it (\\ before a sign makes it plain)";
    else if (c == '.')
        append_set(r, set, true);
    else {
        set_add(&set, (unsigned char)c);
        append_set(r, set, false);
    }
}

static bool read_number(struct reader *r, int *number)
{
    const char *from = r->at;
    for (*number = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9' && *number <= REPEAT_MAX;
         r->at++)
        *number = *number * 10 + *r->at - '0';
    return r->at > from;
}

/* How often: *least to *most times, -1 for any number. */
static void read_repeat(struct reader *r, int *least, int *most)
{
    *least = *most = 1;
    if (r->at == r->end || !strchr("*+?{", *r->at))
        return;
    char c = *r->at++;
    if (c != '{') {
        *least = c == '+';
        *most = c == '?' ? 1 : -1;
    } else {
        bool ok = read_number(r, least);
        *most = *least;
        if (ok && r->at < r->end && *r->at == ',') {
            r->at++;
            if (!read_number(r, most))
                *most = -1;
        }
        if (!ok || r->at == r->end || *r->at++ != '}' || *least > REPEAT_MAX ||
            *most > REPEAT_MAX || (*most >= 0 && *most < *least))
            r->wrong = "a {n,m} is not two numbers in order, at most 200 (\\{ is a plain sign)";
    }
    if (r->at < r->end && *r->at == '?') /* as few as can be: the same lines match */
        r->at++;
    if (r->at < r->end && strchr("*+{", *r->at))
        r->wrong = "a repetition follows a repetition";
}

/* An atom and how often; what is repeated is read again each time. */
static void read_piece(struct reader *r)
{
    struct pattern *p = r->pattern;
    const char *from = r->at;
    size_t start = p->step_count;
    int least, most;
    read_atom(r);
    if (r->wrong)
        return;
    read_repeat(r, &least, &most);
    const char *behind = r->at;
    if (least == 1 && most == 1)
        return;
    if (most == 0) {
        p->step_count = start;
        return;
    }
    for (int i = 1; i < least && !r->wrong; i++) {
        r->at = from;
        start = p->step_count;
        read_atom(r);
    }
    if (most < 0 && least > 0) { /* once more, back to the last one */
        append(r, STEP_SPLIT, (int)start - (int)p->step_count, 1);
    } else if (most < 0) {
        int len = (int)(p->step_count - start);
        insert(r, start, (struct step){STEP_SPLIT, 1, len + 2});
        append(r, STEP_SPLIT, -len - 1, -len - 1);
    } else {
        if (least == 0)
            insert(r, start, (struct step){STEP_SPLIT, 1, (int)(p->step_count - start) + 1});
        for (int i = least ? least : 1; i < most && !r->wrong; i++) {
            r->at = from;
            start = p->step_count;
            read_atom(r);
            insert(r, start, (struct step){STEP_SPLIT, 1, (int)(p->step_count - start) + 1});
        }
    }
    r->at = behind;
}

/* Alternatives, to the end or a ')'. Each jumps behind the last; the jumps are patched when that is known. */
static void read_choice(struct reader *r)
{
    struct pattern *p = r->pattern;
    size_t jumps[PATTERN_MAX / 16], count = 0, start = p->step_count;
    while (!r->wrong && r->at < r->end && *r->at != ')') {
        if (*r->at != '|') {
            read_piece(r);
            continue;
        }
        if (count == sizeof jumps / sizeof *jumps) {
            r->wrong = "it has too many alternatives";
            return;
        }
        r->at++;
        insert(r, start, (struct step){STEP_SPLIT, 1, (int)(p->step_count - start) + 2});
        jumps[count++] = p->step_count;
        append(r, STEP_SPLIT, 0, 0);
        start = p->step_count;
    }
    for (size_t i = 0; i < count && !r->wrong; i++)
        p->steps[jumps[i]].a = p->steps[jumps[i]].b = (int)(p->step_count - jumps[i]);
}

struct pattern *pattern_new(const char *text, bool literal, bool ignore_case, struct text *error)
{
    size_t len = strlen(text);
    struct pattern *p = calloc(1, sizeof *p);
    struct reader r = {.pattern = p, .at = text, .end = text + len};
    if (!len || len > PATTERN_MAX)
        r.wrong = len ? "it is too long" : "it is empty";
    else if (p) {
        p->ignore_case = ignore_case;
        if (literal && !ignore_case) {
            p->literal = strdup(text);
            p->literal_len = len;
            if (p->literal)
                return p;
        } else if (literal) {
            for (size_t i = 0; i < len; i++) {
                struct set set = {0};
                set_add(&set, (unsigned char)text[i]);
                append_set(&r, set, false);
            }
        } else {
            read_choice(&r);
            if (!r.wrong && r.at < r.end)
                r.wrong = "a ) has no (";
        }
        append(&r, STEP_DONE, 0, 0);
        if (!r.wrong && !(literal && !ignore_case))
            return p;
    }
    if (r.wrong)
        text_format(error, "the pattern is not taken: %s", r.wrong);
    else
        text_format(error, "out of memory");
    free(p);
    return NULL;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern)
        free(pattern->literal);
    free(pattern);
}

/* ---- Matching ---------------------------------------------------------------------------------- */

/* Adds a step and all that can be reached from it without a byte. True: the end is among them. */
static bool reach(struct pattern *p, int from, const char *line, size_t at, size_t len)
{
    size_t depth = 0;
    p->stack[depth++] = from;
    while (depth) {
        int i = p->stack[--depth];
        if (p->seen[i] == p->turn)
            continue;
        p->seen[i] = p->turn;
        const struct step *step = &p->steps[i];
        bool before = at > 0 && is_word((unsigned char)line[at - 1]);
        bool behind = at < len && is_word((unsigned char)line[at]);
        switch (step->kind) {
        case STEP_DONE:
            return true;
        case STEP_SET:
            p->next[p->next_count++] = i;
            continue;
        case STEP_SPLIT:
            p->stack[depth++] = i + step->a;
            if (step->b != step->a)
                p->stack[depth++] = i + step->b;
            continue;
        case STEP_START:
            if (at)
                continue;
            break;
        case STEP_END:
            if (at < len)
                continue;
            break;
        case STEP_WORD_EDGE:
        case STEP_NO_EDGE:
            if ((before != behind) != (step->kind == STEP_WORD_EDGE))
                continue;
            break;
        }
        p->stack[depth++] = i + 1;
    }
    return false;
}

bool pattern_matches(struct pattern *p, const char *line, size_t len)
{
    if (p->literal)
        return memmem(line, len, p->literal, p->literal_len);
    p->now_count = 0;
    for (size_t at = 0;; at++) {
        p->turn++;
        p->next_count = 0;
        for (size_t i = 0; i < p->now_count; i++)
            if (set_has(&p->sets[p->steps[p->now[i]].a], (unsigned char)line[at - 1]) &&
                reach(p, p->now[i] + 1, line, at, len))
                return true;
        if (reach(p, 0, line, at, len))
            return true;
        if (at == len)
            return false;
        memcpy(p->now, p->next, p->next_count * sizeof *p->now);
        p->now_count = p->next_count;
    }
}
