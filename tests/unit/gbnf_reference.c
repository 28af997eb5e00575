#include "tests/unit/gbnf_reference.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Productions --------------------------------------------------------------------------------- */

#define SYMBOLS_MAX 24
#define RULES_MAX 512
#define TEXT_MAX 1024

/* Below 0: the set of bytes -1 - symbol; else a name. */
struct production {
    int left, count, right[SYMBOLS_MAX];
};

struct item {
    short production, dot, origin;
};

struct items {
    struct item *at;
    int count, capacity;
};

struct reference {
    struct production *rules;
    int rule_count, name_count, set_count, any_wide;
    bool (*sets)[256];
    char names[RULES_MAX][32];
    bool nullable[RULES_MAX];
    struct items chart[TEXT_MAX];
    int len;
    const char *at; /* of the parser */
};

static int new_name(struct reference *r)
{
    r->names[r->name_count][0] = 0;
    return r->name_count++;
}

static int name_of(struct reference *r, const char *text, size_t len)
{
    for (int i = 0; i < r->name_count; i++)
        if (strlen(r->names[i]) == len && memcmp(r->names[i], text, len) == 0)
            return i;
    int name = new_name(r);
    snprintf(r->names[name], sizeof r->names[name], "%.*s", (int)len, text);
    return name;
}

static struct production *add(struct reference *r, int left)
{
    struct production *p = &r->rules[r->rule_count++];
    *p = (struct production){.left = left};
    return p;
}

static int byte_set(struct reference *r, int low, int high)
{
    memset(r->sets[r->set_count], 0, 256);
    for (int c = low; c <= high; c++)
        r->sets[r->set_count][c] = true;
    return -1 - r->set_count++;
}

static void add_bytes(struct reference *r, int left, int count, const int ranges[4][2])
{
    struct production *p = add(r, left);
    for (p->count = 0; p->count < count; p->count++)
        p->right[p->count] = byte_set(r, ranges[p->count][0], ranges[p->count][1]);
}

/* The name of any character beyond ASCII (Unicode, table 3-7). */
static int wide(struct reference *r)
{
    if (r->any_wide >= 0)
        return r->any_wide;
    int w = r->any_wide = new_name(r);
    add_bytes(r, w, 2, (const int[4][2]){{0xc2, 0xdf}, {0x80, 0xbf}});
    add_bytes(r, w, 3, (const int[4][2]){{0xe0, 0xe0}, {0xa0, 0xbf}, {0x80, 0xbf}});
    add_bytes(r, w, 3, (const int[4][2]){{0xe1, 0xec}, {0x80, 0xbf}, {0x80, 0xbf}});
    add_bytes(r, w, 3, (const int[4][2]){{0xed, 0xed}, {0x80, 0x9f}, {0x80, 0xbf}});
    add_bytes(r, w, 3, (const int[4][2]){{0xee, 0xef}, {0x80, 0xbf}, {0x80, 0xbf}});
    add_bytes(r, w, 4, (const int[4][2]){{0xf0, 0xf0}, {0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}});
    add_bytes(r, w, 4, (const int[4][2]){{0xf1, 0xf3}, {0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}});
    add_bytes(r, w, 4, (const int[4][2]){{0xf4, 0xf4}, {0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}});
    return w;
}

/* ---- Its own parser ------------------------------------------------------------------------------- */

static void blanks(struct reference *r, bool lines)
{
    for (;; r->at++) {
        if (*r->at == '#')
            r->at += strcspn(r->at, "\n");
        if (*r->at != ' ' && !(lines && *r->at == '\n'))
            return;
    }
}

/* A code point; only what the test's grammars have. */
static unsigned one_char(struct reference *r)
{
    unsigned code = (unsigned char)*r->at++;
    if (code != '\\')
        return code;
    char c = *r->at++;
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (c == 'n')
        return '\n';
    if (!digits)
        return (unsigned char)c;
    char hex[9] = {0};
    memcpy(hex, r->at, (size_t)digits);
    r->at += digits;
    return (unsigned)strtoul(hex, NULL, 16);
}

static int utf8(unsigned code, bool raw, unsigned char out[4])
{
    if (raw || code < 0x80)
        return out[0] = (unsigned char)code, 1;
    if (code < 0x800)
        return out[0] = (unsigned char)(0xc0 | code >> 6), out[1] = 0x80 | (code & 63), 2;
    out[0] = (unsigned char)(0xe0 | code >> 12);
    out[1] = 0x80 | (code >> 6 & 63);
    out[2] = 0x80 | (code & 63);
    return 3;
}

static int alternatives(struct reference *r, bool nested);

static int literal(struct reference *r)
{
    int name = new_name(r), bytes[256], count = 0;
    for (r->at++; *r->at != '"';) {
        unsigned char out[4];
        bool raw = *r->at != '\\';
        int n = utf8(one_char(r), raw, out);
        for (int i = 0; i < n; i++)
            bytes[count++] = out[i];
    }
    r->at++;
    struct production *p = add(r, name);
    for (p->count = 0; p->count < count; p->count++)
        p->right[p->count] = byte_set(r, bytes[p->count], bytes[p->count]);
    return name;
}

static int class_of(struct reference *r)
{
    int name = new_name(r), set = byte_set(r, 1, 0);
    bool *has = r->sets[-1 - set], negated = *++r->at == '^';
    r->at += negated;
    while (*r->at != ']') {
        unsigned low = one_char(r), high = low;
        if (*r->at == '-' && r->at[1] != ']') {
            r->at++;
            high = one_char(r);
        }
        for (unsigned c = low; c <= high && c < 128; c++)
            has[c] = true;
    }
    r->at++;
    for (int c = 0; c < 128 && negated; c++)
        has[c] = !has[c];
    struct production *p = add(r, name);
    p->right[p->count++] = set;
    if (negated) {
        int w = wide(r);
        p = add(r, name);
        p->right[p->count++] = w;
    }
    return name;
}

static int item_of(struct reference *r)
{
    if (*r->at == '"')
        return literal(r);
    if (*r->at == '[')
        return class_of(r);
    if (*r->at == '(') {
        r->at++;
        int name = alternatives(r, true);
        r->at++;
        return name;
    }
    if (*r->at == '.') {
        r->at++;
        int name = new_name(r), w = wide(r);
        struct production *p = add(r, name);
        p->right[p->count++] = byte_set(r, 0, 127);
        p = add(r, name);
        p->right[p->count++] = w;
        return name;
    }
    size_t len = strspn(r->at, "abcdefghijklmnopqrstuvwxyz-_0123456789");
    int name = len ? name_of(r, r->at, len) : -1;
    r->at += len;
    return name;
}

/* At least `min` and at most `max` (-1: any number) times. */
static int repeated(struct reference *r, int item, int min, int max)
{
    int tail = new_name(r), whole;
    add(r, tail);
    if (max < 0) { /* tail: nothing, or one more and the tail */
        struct production *p = add(r, tail);
        p->right[p->count++] = item;
        p->right[p->count++] = tail;
    }
    for (int i = min; i < max; i++) { /* nothing, or one more and the rest */
        whole = new_name(r);
        add(r, whole);
        struct production *p = add(r, whole);
        p->right[p->count++] = item;
        p->right[p->count++] = tail;
        tail = whole;
    }
    for (int i = 0; i < min; i++) {
        whole = new_name(r);
        struct production *p = add(r, whole);
        p->right[p->count++] = item;
        p->right[p->count++] = tail;
        tail = whole;
    }
    return tail;
}

static int term(struct reference *r, bool nested)
{
    int name = item_of(r);
    while (name >= 0) {
        blanks(r, nested);
        if (*r->at == '*' || *r->at == '+' || *r->at == '?') {
            name = repeated(r, name, *r->at == '+', *r->at == '?' ? 1 : -1);
            r->at++;
        } else if (*r->at == '{') {
            char *end;
            int min = (int)strtol(r->at + 1, &end, 10), max = min;
            if (*end == ',')
                max = end[1] == '}' ? -1 : (int)strtol(end + 1, NULL, 10);
            r->at = strchr(r->at, '}') + 1;
            name = repeated(r, name, min, max);
        } else {
            break;
        }
    }
    return name;
}

static int alternatives(struct reference *r, bool nested)
{
    int name = new_name(r);
    for (bool more = true; more;) {
        struct production p = {.left = name};
        blanks(r, nested);
        for (int t; (t = term(r, nested)) >= 0; blanks(r, nested))
            p.right[p.count++] = t;
        *add(r, name) = p;
        blanks(r, nested);
        if ((more = *r->at == '|')) {
            r->at++;
            blanks(r, true);
        }
    }
    return name;
}

static void find_nullable(struct reference *r)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < r->rule_count; i++) {
            const struct production *p = &r->rules[i];
            bool all = true;
            for (int k = 0; k < p->count; k++)
                all &= p->right[k] >= 0 && r->nullable[p->right[k]];
            changed |= all && !r->nullable[p->left];
            r->nullable[p->left] |= all;
        }
    }
}

struct reference *reference_new(const char *grammar)
{
    struct reference *r = calloc(1, sizeof *r);
    r->rules = calloc(4096, sizeof *r->rules);
    r->sets = calloc(4096, sizeof *r->sets);
    r->any_wide = -1;
    name_of(r, "root", 4);
    r->at = grammar;
    for (blanks(r, true); *r->at; blanks(r, true)) {
        size_t len = strcspn(r->at, " :");
        int name = name_of(r, r->at, len);
        r->at = strstr(r->at, "::=") + 3;
        blanks(r, true);
        int body = alternatives(r, false);
        struct production *p = add(r, name);
        p->right[p->count++] = body;
    }
    find_nullable(r);
    reference_reset(r);
    return r;
}

void reference_free(struct reference *r)
{
    for (int i = 0; i < TEXT_MAX; i++)
        free(r->chart[i].at);
    free(r->rules);
    free(r->sets);
    free(r);
}

/* ---- Earley ---------------------------------------------------------------------------------------- */

static void put(struct items *set, int production, int dot, int origin)
{
    for (int i = 0; i < set->count; i++)
        if (set->at[i].production == production && set->at[i].dot == dot &&
            set->at[i].origin == origin)
            return;
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? 2 * set->capacity : 32;
        set->at = realloc(set->at, (size_t)set->capacity * sizeof *set->at);
    }
    set->at[set->count++] = (struct item){(short)production, (short)dot, (short)origin};
}

/* Predicts and completes within chart[at]; a name that may be empty is passed by at once (Aycock and
 * Horspool 2002). */
static void complete(struct reference *r, int at)
{
    struct items *set = &r->chart[at];
    for (int i = 0; i < set->count; i++) {
        struct item item = set->at[i];
        const struct production *p = &r->rules[item.production];
        if (item.dot == p->count) {
            const struct items *from = &r->chart[item.origin];
            for (int k = 0; k < from->count; k++) {
                struct item other = from->at[k];
                const struct production *q = &r->rules[other.production];
                if (other.dot < q->count && q->right[other.dot] == p->left)
                    put(set, other.production, other.dot + 1, other.origin);
            }
            continue;
        }
        int next = p->right[item.dot];
        if (next < 0)
            continue;
        for (int k = 0; k < r->rule_count; k++)
            if (r->rules[k].left == next)
                put(set, k, 0, at);
        if (r->nullable[next])
            put(set, item.production, item.dot + 1, item.origin);
    }
}

void reference_reset(struct reference *r)
{
    r->len = 0;
    r->chart[0].count = 0;
    for (int k = 0; k < r->rule_count; k++)
        if (r->rules[k].left == 0)
            put(&r->chart[0], k, 0, 0);
    complete(r, 0);
}

static bool take_bytes(struct reference *r, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct items *next = &r->chart[r->len + 1];
        if (r->len + 2 >= TEXT_MAX)
            return false;
        next->count = 0;
        for (int k = 0; k < r->chart[r->len].count; k++) {
            struct item item = r->chart[r->len].at[k];
            const struct production *p = &r->rules[item.production];
            if (item.dot < p->count && p->right[item.dot] < 0 &&
                r->sets[-1 - p->right[item.dot]][(unsigned char)bytes[i]])
                put(next, item.production, item.dot + 1, item.origin);
        }
        if (!next->count)
            return false;
        complete(r, ++r->len);
    }
    return true;
}

bool reference_take(struct reference *r, const char *bytes, size_t len)
{
    int before = r->len;
    bool taken = take_bytes(r, bytes, len);
    if (!taken)
        r->len = before;
    return taken;
}

bool reference_would_take(const struct reference *r, const char *bytes, size_t len)
{
    struct reference *own = (struct reference *)(uintptr_t)r; /* is put back */
    int before = r->len;
    bool taken = take_bytes(own, bytes, len);
    own->len = before;
    return taken;
}

bool reference_can_end(const struct reference *r)
{
    for (int k = 0; k < r->chart[r->len].count; k++) {
        struct item item = r->chart[r->len].at[k];
        const struct production *p = &r->rules[item.production];
        if (p->left == 0 && item.origin == 0 && item.dot == p->count)
            return true;
    }
    return false;
}
