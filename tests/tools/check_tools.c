/*
 * check_tools: the reader of tool calls over the cases of tests/tools/cases, one file a family.
 *
 * A file: lines "template TEXT" (what the family is found by), "special TEXT" and "control TEXT" (tokens
 * of the vocabulary: user-defined, control), "think BEGIN END", "spelled yes" (markers may be spelled out: each
 * case runs so, too); then cases: "== NAME", the output, a
 * line "--", the events that it must give. Texts in events and directives have \n for line breaks. An
 * event is one line:
 *     text ...    thought ...    call NAME ARGUMENTS [#ID]    broken START OF THE REASON
 * Each case runs as tokens and bytes, in one piece, byte by byte and cut once at each place, and as bytes
 * alone; it must give the same events, and the raw bytes of all events must be the output. Then outputs are
 * changed at random, 500 of each family: nothing may be lost, however they are cut.
 * Turns of random tokens under each family's grammar call tools as their schemas say. Memory that runs out is
 * INFER_E_MEMORY, and nothing stays behind.
 * The last line is `N passed, N failed`.
 */
#include "lib/grammar/grammar.h"
#include "lib/tools/tools.h"
#include "tests/count_alloc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPECIALS_MAX 100
#define CASES_MAX 200
#define FIRST_SPECIAL 256
#define END_TOKEN (FIRST_SPECIAL + SPECIALS_MAX)
#define FILE_MAX_BYTES (1 << 20)

static const char tools_json[] =
    "[{\"name\": \"get_weather\", \"parameters\": {\"type\": \"object\", \"properties\": {"
    "\"city\": {\"type\": \"string\"}, \"days\": {\"type\": \"integer\"}}}},"
    "{\"type\": \"function\", \"function\": {\"name\": \"add\", \"parameters\": {\"type\": "
    "\"object\","
    "\"properties\": {\"a\": {\"type\": \"number\"}, \"ok\": {\"type\": \"boolean\"},"
    "\"l\": {\"type\": \"array\"}}}}},"
    "{\"name\": \"say\", \"parameters\": {\"type\": \"object\", \"properties\": {"
    "\"text\": {\"type\": \"string\"}, \"note\": {\"type\": [\"string\", \"null\"]}, \"any\": "
    "{}}}},"
    "{\"name\": \"now\"}]";

struct special {
    char *text;
    bool control;
};

/* One file. */
struct suite {
    char template[1 << 17];
    struct special specials[SPECIALS_MAX];
    size_t special_count;
    char *think[2];
    bool spelled;
};

static int passed, failed;

/* ---- A vocabulary: the bytes, the specials, one that ends texts --------------------------------------- */

static infer_token find(const void *ud, const char *text, size_t len, bool *control)
{
    const struct suite *s = ud;
    for (size_t i = 0; i < s->special_count; i++)
        if (strlen(s->specials[i].text) == len && !memcmp(s->specials[i].text, text, len)) {
            *control = s->specials[i].control;
            return FIRST_SPECIAL + (infer_token)i;
        }
    return -1;
}

/* ---- What comes out -------------------------------------------------------------------------- */

struct seen {
    struct inf_text lines, raw, arguments, text;
    infer_event_kind last; /* of what `text` is */
    bool ended, wrong, short_ids;
};

static void escape(struct inf_text *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n')
            inf_text_append(out, "\\n", 2);
        else
            inf_text_append(out, text + i, 1);
}

static void flush(struct seen *s)
{
    if (!s->text.len)
        return;
    inf_text_printf(&s->lines, s->last == INFER_EVENT_TEXT ? "text " : "thought ");
    escape(&s->lines, s->text.ptr, s->text.len);
    inf_text_append(&s->lines, "\n", 1);
    s->text.len = 0;
}

static bool on_event(void *ud, const infer_event *e)
{
    struct seen *s = ud;
    inf_text_append(&s->raw, e->raw, e->raw_len);
    if (e->kind == INFER_EVENT_TEXT || e->kind == INFER_EVENT_THOUGHT) {
        if (s->last != e->kind)
            flush(s);
        s->last = e->kind;
        inf_text_append(&s->text, e->text, e->text_len);
        s->wrong |= !e->text_len;
        return true;
    }
    if (e->kind == INFER_EVENT_MARK)
        return true;
    flush(s);
    if (e->kind == INFER_EVENT_CALL_BEGIN)
        s->arguments.len = 0;
    if (e->kind == INFER_EVENT_ARGUMENT)
        inf_text_append(&s->arguments, e->text, e->text_len);
    if (e->kind == INFER_EVENT_CALL_DONE) {
        s->wrong |= s->arguments.len != e->text_len ||
                    memcmp(s->arguments.ptr, e->text, e->text_len) != 0 || !e->id[0];
        inf_text_printf(&s->lines, "call %s ", e->name);
        escape(&s->lines, e->text, e->text_len);
        bool made = strlen(e->id) == 14 && !strncmp(e->id, "call_", 5);
        if (!made && (!s->short_ids || strlen(e->id) != 9))
            inf_text_printf(&s->lines, " #%s", e->id);
        inf_text_append(&s->lines, "\n", 1);
    }
    if (e->kind == INFER_EVENT_CALL_BROKEN)
        inf_text_printf(&s->lines, "broken %.*s\n", (int)e->text_len, e->text);
    s->ended |= e->kind == INFER_EVENT_END;
    return true;
}

/* ---- Feeding --------------------------------------------------------------------------------- */

enum feeding { TOKENS, BYTES_ONLY, SPELLED }; /* SPELLED: tokens, no special one */

/* Feeds text[from ... to), its specials as tokens; pieces that begin or end within a special are bytes. */
static infer_status feed(struct inf_reader *r, const struct suite *s, enum feeding how,
                         const char *text, size_t from, size_t to, bool single, struct seen *seen)
{
    infer_status status = INFER_OK;
    size_t at = from, plain = from;
    while (at <= to && !status) {
        size_t special = SPECIALS_MAX, len = 0;
        for (size_t i = 0; how == TOKENS && i < s->special_count; i++) {
            size_t n = strlen(s->specials[i].text);
            if (n <= to - at && n > len && !memcmp(text + at, s->specials[i].text, n)) {
                special = i;
                len = n;
            }
        }
        if ((len || at == to || single) && at > plain) {
            status = inf_reader_next(r, how == BYTES_ONLY ? -1 : 1, text + plain, at - plain,
                                     on_event, seen, NULL);
            plain = at;
        }
        if (len && !status)
            status = inf_reader_next(r, FIRST_SPECIAL + (infer_token)special, text + at, len,
                                     on_event, seen, NULL);
        if (len)
            plain = at + len;
        at += len ? len : 1;
    }
    return status;
}

/* Whether a cut there falls into a special token. */
static bool in_special(const struct suite *s, const char *text, size_t len, size_t cut)
{
    for (size_t i = 0; i < s->special_count; i++) {
        size_t n = strlen(s->specials[i].text);
        for (size_t at = cut > n ? cut - n : 0; at < cut; at++)
            if (n <= len - at && at + n > cut && !memcmp(text + at, s->specials[i].text, n))
                return true;
    }
    return false;
}

static void seen_free(struct seen *s)
{
    inf_text_free(&s->lines);
    inf_text_free(&s->raw);
    inf_text_free(&s->arguments);
    inf_text_free(&s->text);
}

/* Runs one output; `cut`: fed in two pieces; SIZE_MAX - 1: byte by byte; SIZE_MAX: whole. */
static infer_status run(struct inf_reader *r, const struct suite *s, enum feeding how,
                        const char *text, size_t len, size_t cut, bool thinking, struct seen *seen)
{
    const infer_allocator *a = &inf_allocator_default;
    *seen = (struct seen){.lines.a = a, .raw.a = a, .arguments.a = a, .text.a = a};
    seen->short_ids = inf_family_find(s->template, strlen(s->template))->short_ids;
    inf_reader_begin(r, 7, thinking, false);
    bool single = cut == SIZE_MAX - 1;
    size_t middle = single ? len : inf_min_size(cut, len);
    infer_status status = feed(r, s, how, text, 0, middle, single, seen);
    if (!status && middle < len)
        status = feed(r, s, how, text, middle, len, single, seen);
    if (!status)
        status = inf_reader_end(r, INFER_STOP_END, on_event, seen, NULL);
    flush(seen);
    if (!status &&
        (seen->raw.len != len || (len && memcmp(seen->raw.ptr, text, len) != 0) || !seen->ended))
        seen->wrong = true;
    return status;
}

/* Whether the lines are those expected: of a broken call the reason's start alone is. */
static bool same(const struct inf_text *lines, const char *expected, size_t len)
{
    const char *a = lines->ptr, *a_end = a + lines->len, *b = expected, *b_end = b + len;
    while (a < a_end && b < b_end) {
        const char *a_line = memchr(a, '\n', (size_t)(a_end - a));
        const char *b_line = memchr(b, '\n', (size_t)(b_end - b));
        size_t n = (size_t)((b_line ? b_line : b_end) - b), m = (size_t)(a_line - a);
        bool broken = n >= 6 && !memcmp(b, "broken", 6);
        if (m < n || (m > n && !broken) || memcmp(a, b, n) != 0)
            return false;
        a = a_line + 1;
        b = b_line ? b_line + 1 : b_end;
    }
    return a == a_end && b == b_end;
}

static void verdict(bool ok, const char *file, const char *name, const char *how,
                    const struct seen *seen)
{
    if (ok) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL %s: %s (%s):\n%.*s", file, name, how, (int)seen->lines.len,
           seen->lines.ptr ? seen->lines.ptr : "");
    if (seen->wrong)
        printf("  (bytes lost, or pieces that do not match)\n");
}

static void run_case(struct inf_reader *r, const struct suite *s, const char *file,
                     const char *name, const char *text, size_t len, const char *expected,
                     size_t expected_len)
{
    struct seen seen;
    bool thinking = strstr(name, "(thinking)") != NULL;
    char how[40];
    for (int kind = TOKENS; kind <= (s->spelled ? SPELLED : BYTES_ONLY); kind++)
        for (size_t i = 0; i < len + 2; i++) {
            size_t cut = i == 0 ? SIZE_MAX : i == 1 ? SIZE_MAX - 1 : i - 1;
            if (kind != TOKENS && strstr(name, "(tokens)"))
                continue;
            if (kind == TOKENS && i > 1 && in_special(s, text, len, cut))
                continue;
            infer_status status = run(r, s, (enum feeding)kind, text, len, cut, thinking, &seen);
            bool ok = !status && !seen.wrong && same(&seen.lines, expected, expected_len);
            snprintf(how, sizeof how, "%s, %zu",
                     kind == TOKENS    ? "tokens"
                     : kind == SPELLED ? "spelled"
                                       : "bytes",
                     i);
            verdict(ok, file, name, how, &seen);
            seen_free(&seen);
            if (!ok)
                return;
        }
}

/* ---- Mutations ------------------------------------------------------------------------------- */

#define MUTATIONS 500 /* of each family: more than 10,000 together */

static uint64_t random_state = 1;

static size_t pick(size_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return n ? (size_t)(random_state % n) : 0;
}

/* One change somewhere; pieces come from the other outputs and the specials. */
static void mutate(struct inf_text *t, const struct suite *s, const struct inf_bytes *outputs,
                   size_t count)
{
    size_t at = pick(t->len + 1), n = pick(inf_min_size(t->len - at, 40) + 1);
    struct inf_bytes other = outputs[pick(count)];
    size_t from = pick(other.len + 1), len = pick(inf_min_size(other.len - from, 60) + 1);
    struct inf_text made = {.a = &inf_allocator_default};
    inf_text_append(&made, t->ptr, at);
    const char *insert = other.len ? other.ptr + from : "";
    char byte = (char)pick(256);
    switch (pick(5)) {
    case 0: /* left out */
        len = 0;
        break;
    case 1: /* a piece of another */
        n = 0;
        break;
    case 2: /* in place of this */
        break;
    case 3:
        insert = &byte;
        len = 1;
        n = pick(2) && n ? 1 : 0;
        break;
    default:
        insert = s->special_count ? s->specials[pick(s->special_count)].text : "<";
        len = strlen(insert);
        n = 0;
    }
    inf_text_append(&made, insert, len);
    inf_text_append(&made, t->ptr + at + n, t->len - at - n);
    inf_text_free(t);
    *t = made;
}

/* Whatever comes out of it: nothing is lost, and each call that is done is one. */
static void run_mutations(struct inf_reader *r, const struct suite *s, const char *file,
                          const struct inf_bytes *outputs, size_t count)
{
    for (size_t i = 0; i < MUTATIONS; i++) {
        struct inf_bytes from = outputs[pick(count)];
        struct inf_text t = {.a = &inf_allocator_default};
        struct seen whole, cut;
        inf_text_append(&t, from.ptr, from.len);
        for (size_t k = 1 + pick(4); k > 0; k--)
            mutate(&t, s, outputs, count);
        enum feeding how = pick(4) ? TOKENS : BYTES_ONLY;
        bool thinking = s->think[0] && pick(8) == 0;
        size_t at = pick(t.len);
        if (how == TOKENS && in_special(s, t.ptr, t.len, at))
            at = SIZE_MAX - 1;
        infer_status status = run(r, s, how, t.ptr, t.len, SIZE_MAX, thinking, &whole);
        if (!status)
            status = run(r, s, how, t.ptr, t.len, at, thinking, &cut);
        bool ok = !status && !whole.wrong && !cut.wrong && whole.lines.len == cut.lines.len &&
                  (!cut.lines.len || !memcmp(whole.lines.ptr, cut.lines.ptr, cut.lines.len));
        inf_text_append(&t, "", 1);
        verdict(ok, file, "mutated", t.ptr, &cut);
        if (!ok)
            printf("  in one piece:\n%.*s", (int)whole.lines.len,
                   whole.lines.ptr ? whole.lines.ptr : "");
        seen_free(&whole);
        seen_free(&cut);
        inf_text_free(&t);
    }
}

/* ---- Turns under a grammar ------------------------------------------------------------------- */

static infer_status token_bytes(const void *ud, infer_token id, char *bytes, size_t capacity,
                                size_t *len, infer_error *err)
{
    const struct suite *s = ud;
    char byte = (char)id;
    const char *text = id < FIRST_SPECIAL ? &byte : s->specials[id - FIRST_SPECIAL].text;
    (void)err;
    *len = id < FIRST_SPECIAL ? 1 : strlen(text);
    memcpy(bytes, text, inf_min_size(*len, capacity));
    return INFER_OK;
}

static bool is_special(const void *ud, infer_token id)
{
    const struct suite *s = ud;
    return id >= FIRST_SPECIAL && (size_t)(id - FIRST_SPECIAL) < s->special_count;
}

static bool is_text(const void *ud, infer_token id)
{
    const struct suite *s = ud;
    return id < FIRST_SPECIAL || (is_special(ud, id) && !s->specials[id - FIRST_SPECIAL].control);
}

static bool ends(const void *ud, infer_token id)
{
    (void)ud;
    return id == END_TOKEN;
}

/* Whether the arguments are what the schemas of above say. */
static bool holds(const char *name, const char *arguments, size_t len)
{
    static const struct {
        const char *tool, *parameter, *kinds; /* of enum inf_json_kind */
    } rules[] = {
        {"get_weather", "city", "6"},
        {"get_weather", "days", "34"},
        {"add", "a", "345"},
        {"add", "ok", "12"},
        {"add", "l", "7"},
        {"say", "text", "6"},
        {"say", "note", "06"},
    };
    struct inf_arena arena;
    struct inf_json root;
    inf_arena_init(&arena, &inf_allocator_default);
    bool ok = !inf_json_read(&arena, arguments, len, &root, NULL) && root.kind == INF_JSON_OBJECT;
    for (size_t i = 0; ok && i < sizeof rules / sizeof *rules; i++) {
        const struct inf_json *value =
            strcmp(name, rules[i].tool) ? NULL : inf_json_get(&root, rules[i].parameter);
        ok = !value || strchr(rules[i].kinds, '0' + (char)value->kind);
    }
    inf_arena_free(&arena);
    return ok;
}

struct held {
    size_t calls;
    bool broken, wrong, text;
    const char *only;
};

static bool on_held(void *ud, const infer_event *e)
{
    struct held *h = ud;
    h->broken |= e->kind == INFER_EVENT_CALL_BROKEN;
    h->text |= e->kind == INFER_EVENT_TEXT;
    if (e->kind != INFER_EVENT_CALL_DONE)
        return true;
    h->calls++;
    h->wrong |= !holds(e->name, e->text, e->text_len) || (h->only && strcmp(h->only, e->name));
    return true;
}

/* A token of the mask: one that leads on, mostly. */
static infer_token pick_token(const uint64_t *mask, const char *last)
{
    static const char leading[] = "\"}])<,\nfgns{:";
    infer_token allowed[END_TOKEN + 1], good[END_TOKEN + 1];
    size_t count = 0, good_count = 0;
    for (infer_token id = 0; id <= END_TOKEN; id++) {
        if (!(mask[id / 64] >> id % 64 & 1))
            continue;
        allowed[count++] = id;
        if (id >= FIRST_SPECIAL || (id && strchr(leading, (int)id)) || (id == ' ' && *last != ' '))
            good[good_count++] = id;
    }
    return good_count && pick(4) ? good[pick(good_count)] : allowed[pick(count)];
}

/* One turn of random tokens; INFER_E_LIMIT: it did not come to an end. */
static infer_status random_turn(struct inf_grammar *g, struct inf_reader *r, const struct suite *s,
                                struct held *h, struct inf_text *made)
{
    struct inf_matcher *m;
    char bytes[256], last = 0;
    bool end = false;
    infer_status status = inf_matcher_new(g, &m, NULL);
    inf_reader_begin(r, 7, false, false);
    for (size_t n = 0; n < 1500 && !status && !end; n++) {
        const uint64_t *mask;
        if ((status = inf_matcher_mask(m, &mask, NULL)))
            break;
        infer_token id = pick_token(mask, &last);
        size_t len = 0;
        end = id == END_TOKEN;
        status = inf_matcher_accept(m, id, NULL);
        if (end || status)
            break;
        token_bytes(s, id, bytes, sizeof bytes, &len, NULL);
        last = bytes[len - 1];
        inf_text_append(made, bytes, len);
        status = inf_reader_next(r, id, bytes, len, on_held, h, NULL);
    }
    inf_matcher_free(m);
    if (!status && !end)
        return INFER_E_LIMIT;
    return status ? status : inf_reader_end(r, INFER_STOP_END, on_held, h, NULL);
}

/* Whether a grammar takes an output. */
static bool takes(struct inf_grammar *g, const struct suite *s, struct inf_bytes text)
{
    struct inf_matcher *m;
    if (inf_matcher_new(g, &m, NULL))
        return false;
    bool ok = true;
    for (size_t at = 0; at < text.len && ok;) {
        infer_token id = (unsigned char)text.ptr[at];
        size_t len = 1;
        for (size_t i = 0; i < s->special_count; i++) {
            size_t n = strlen(s->specials[i].text);
            if (n > len && n <= text.len - at && !memcmp(text.ptr + at, s->specials[i].text, n)) {
                id = FIRST_SPECIAL + (infer_token)i;
                len = n;
            }
        }
        ok = !inf_matcher_accept(m, id, NULL);
        at += len;
    }
    ok = ok && inf_matcher_can_end(m);
    inf_matcher_free(m);
    return ok;
}

static void verdict_held(bool ok, const char *file, const char *what, infer_status status,
                         const struct inf_text *made)
{
    if (ok) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL %s: held, %s (%s):\n%.*s\n", file, what, infer_status_name(status), (int)made->len,
           made->ptr ? made->ptr : "");
}

#define TURNS 60

static infer_status new_trie(const struct suite *s, struct inf_token_trie **trie)
{
    struct inf_token_source source = {.count = END_TOKEN + 1,
                                      .ud = s,
                                      .bytes = token_bytes,
                                      .is_text = is_text,
                                      .ends = ends,
                                      .is_special = is_special};
    return inf_token_trie_new(&inf_allocator_default, &source, trie, NULL);
}

static infer_status make_reader(const infer_allocator *a, const struct suite *s,
                                const struct inf_tool_list *list, bool held, struct inf_reader **r)
{
    struct inf_reader_options o = {
        .family = inf_family_find(s->template, strlen(s->template)),
        .marks = {s, find},
        .tools = list,
        .thought = {.begin = -1, .end = -1, .head = -1},
        .held = held,
        .spelled = s->spelled && !held,
    };
    if (s->think[0]) {
        o.think_begin = (struct inf_bytes){s->think[0], strlen(s->think[0])};
        o.think_end = (struct inf_bytes){s->think[1], strlen(s->think[1])};
    }
    return inf_reader_new(a, &o, r, NULL);
}

/* Whether the first call is written as the template writes calls. */
static bool has_marker(const struct inf_reader *r, const struct suite *s, const struct inf_text *t)
{
    const struct inf_call_family *family = inf_family_find(s->template, strlen(s->template));
    const struct inf_program *p = inf_reader_program(r);
    struct inf_text marker = {.a = &inf_allocator_default};
    if (family->channels || family->bare)
        return true;
    const struct inf_literal *first = p->ops[p->starts[0]].literal;
    for (uint32_t i = 0; i < first->count; i++)
        inf_text_append(&marker, first->pieces[i].text, first->pieces[i].len);
    bool has = memmem(t->ptr, t->len, marker.ptr, marker.len) != NULL;
    inf_text_free(&marker);
    return has;
}

static void run_held(const struct suite *s, const char *file, const struct inf_tool_list *list,
                     struct inf_bytes one)
{
    struct inf_reader *r = NULL;
    static const struct {
        const char *name, *only;
        bool must_call, one_call;
    } kinds[] = {
        {"required", NULL, true, false},
        {"one call", NULL, true, true},
        {"named", "say", true, false},
        {"auto", NULL, false, false},
    };
    const infer_allocator *a = &inf_allocator_default;
    struct inf_token_trie *trie;
    struct inf_text made = {.a = a};
    size_t ended = 0;
    if (make_reader(a, s, list, true, &r) || new_trie(s, &trie))
        return;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct inf_hold_options o = {
            .family = inf_family_find(s->template, strlen(s->template)),
            .program = inf_reader_program(r),
            .parts = inf_reader_parts(r),
            .tools = list,
            .only = kinds[k].only,
            .must_call = kinds[k].must_call,
            .one_call = kinds[k].one_call,
        };
        struct inf_grammar *g;
        infer_error err = {.status = INFER_OK};
        infer_status status = inf_hold_new(a, trie, &o, &g, &err);
        made.len = 0;
        if (status)
            inf_text_append(&made, err.text, strlen(err.text));
        verdict_held(!status, file, kinds[k].name, status, &made);
        if (status)
            continue;
        if (!kinds[k].only && one.len && strncmp(file, "gemma4", 6) != 0) /* held, it writes JSON */
            verdict_held(takes(g, s, one), file, "what the model itself writes", status, &made);
        for (size_t i = 0; i < TURNS; i++) {
            struct held h = {.only = kinds[k].only};
            made.len = 0;
            status = random_turn(g, r, s, &h, &made);
            ended += !status;
            bool ok =
                !h.wrong && !made.failed && (status == INFER_E_LIMIT || (!status && !h.broken));
            if (!status && kinds[k].must_call)
                ok &= h.calls > 0 && !h.text && has_marker(r, s, &made) &&
                      !(kinds[k].one_call && h.calls > 1);
            verdict_held(ok, file, kinds[k].name, status, &made);
        }
        inf_grammar_free(g);
    }
    verdict_held(ended > 0, file, "a turn that ends", INFER_OK, &made);
    inf_text_free(&made);
    inf_token_trie_free(trie);
    inf_reader_free(r);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static char *unescape(char *text)
{
    char *to = text;
    for (char *at = text; *at; at++) {
        bool line = at[0] == '\\' && at[1] == 'n';
        *to++ = line ? '\n' : *at;
        at += line;
    }
    *to = 0;
    return text;
}

static void directive(struct suite *s, char *line)
{
    char *space = strchr(line, ' ');
    if (!space)
        return;
    *space++ = 0;
    unescape(space);
    if (!strcmp(line, "template")) {
        size_t n = strlen(s->template);
        snprintf(s->template + n, sizeof s->template - n, "%s ", space);
    } else if (!strcmp(line, "special") || !strcmp(line, "control")) {
        s->specials[s->special_count++] = (struct special){space, line[0] == 'c'};
    } else if (!strcmp(line, "spelled")) {
        s->spelled = true;
    } else if (!strcmp(line, "think")) {
        s->think[0] = space;
        s->think[1] = strchr(space, ' ');
        *s->think[1]++ = 0;
    }
}

static infer_status hold_auto(const infer_allocator *a, const struct suite *s,
                              const struct inf_reader *r, const struct inf_tool_list *list,
                              const struct inf_token_trie *trie, struct inf_grammar **g)
{
    struct inf_hold_options o = {
        .family = inf_family_find(s->template, strlen(s->template)),
        .program = inf_reader_program(r),
        .parts = inf_reader_parts(r),
        .tools = list,
    };
    return inf_hold_new(a, trie, &o, g, NULL);
}

/* All outputs, with the k-th call of the allocator and all later ones failing. */
static bool fails_at(size_t k, const struct suite *s, const struct inf_bytes *outputs,
                     size_t output_count, const struct inf_token_trie *trie, const char *file)
{
    struct count_alloc count;
    struct inf_arena arena;
    struct inf_tool_list list;
    struct inf_reader *r = NULL;
    struct inf_grammar *g = NULL;
    struct seen seen;
    count_alloc_init(&count);
    count.fail_at = k;
    inf_arena_init(&arena, &count.a);
    infer_status status = inf_tool_list_read(&arena, tools_json, strlen(tools_json), &list, NULL);
    if (!status)
        status = make_reader(&count.a, s, &list, false, &r);
    for (size_t i = 0; i < output_count && !status; i++) {
        status = run(r, s, TOKENS, outputs[i].ptr, outputs[i].len, SIZE_MAX, false, &seen);
        seen_free(&seen);
    }
    if (!status)
        status = hold_auto(&count.a, s, r, &list, trie, &g);
    bool finished = !status;
    inf_grammar_free(g);
    inf_reader_free(r);
    inf_arena_free(&arena);
    struct inf_text what = {.a = &inf_allocator_default};
    inf_text_printf(&what, "call %zu, %zu blocks left", k, count.blocks);
    verdict_held((finished || status == INFER_E_MEMORY) && !count.blocks, file, "no memory", status,
                 &what);
    inf_text_free(&what);
    return !finished;
}

static void run_memory(const struct suite *s, const struct inf_bytes *outputs, size_t count,
                       const char *file)
{
    struct inf_token_trie *trie;
    if (new_trie(s, &trie))
        return;
    size_t k = 1;
    while (fails_at(k, s, outputs, count, trie, file))
        k += 1 + k / 20; /* each of the first, then some */
    inf_token_trie_free(trie);
}

/* A case of a turn that is held, and whether the grammar of `auto` takes it ("refused": it does not). */
static void run_held_case(const struct suite *s, const char *file, const char *name,
                          const struct inf_tool_list *list, struct inf_bytes text,
                          struct inf_bytes expected)
{
    const infer_allocator *a = &inf_allocator_default;
    struct inf_reader *r = NULL;
    struct inf_token_trie *trie = NULL;
    struct inf_grammar *g = NULL;
    struct inf_text shown = {.a = a};
    inf_text_append(&shown, text.ptr, text.len);
    infer_status status = make_reader(a, s, list, true, &r);
    if (!status && !(status = new_trie(s, &trie)))
        status = hold_auto(a, s, r, list, trie, &g);
    if (!status) {
        run_case(r, s, file, name, text.ptr, text.len, expected.ptr, expected.len);
        bool refused = strstr(name, "refused") != NULL;
        verdict_held(takes(g, s, text) != refused, file, name, status, &shown);
    } else {
        verdict_held(false, file, name, status, &shown);
    }
    inf_text_free(&shown);
    inf_grammar_free(g);
    inf_token_trie_free(trie);
    inf_reader_free(r);
}

static void run_file(const char *folder, const char *file, const struct inf_tool_list *list)
{
    static char text[FILE_MAX_BYTES + 1];
    char path[1200];
    static struct suite s;
    s = (struct suite){.special_count = 0};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "rb");
    if (!f)
        return;
    text[fread(text, 1, FILE_MAX_BYTES, f)] = 0;
    fclose(f);
    char *at = text;
    while (*at && strncmp(at, "== ", 3) != 0) {
        char *end = strchr(at, '\n');
        *end = 0;
        directive(&s, at);
        at = end + 1;
    }
    struct inf_reader *r = NULL;
    make_reader(&inf_allocator_default, &s, list, false, &r);
    char family[64];
    snprintf(family, sizeof family, "%.*s",
             (int)(strcspn(file, "@") - (strchr(file, '@') ? 0 : strlen(".txt"))), file);
    if (strcmp(inf_family_find(s.template, strlen(s.template))->name, family) != 0 || !r) {
        printf("FAIL %s: its template is of family %s\n", file,
               inf_family_find(s.template, strlen(s.template))->name);
        failed++;
    }
    struct inf_bytes outputs[CASES_MAX], one = {"", 0};
    size_t count = 0;
    while (r && !strncmp(at, "== ", 3) && count < CASES_MAX) {
        char *name = at + 3, *line = strchr(at, '\n');
        char *middle = strstr(line, "\n--\n"), *next;
        *line = 0;
        char *events = middle + 4;
        next = !strncmp(events, "== ", 3) ? events : strstr(events, "\n== ");
        size_t n = next ? (size_t)(next - events) + (next > events) : strlen(events);
        size_t len = middle > line ? (size_t)(middle - line - 1) : 0;
        if (strstr(name, "(held"))
            run_held_case(&s, file, name, list, (struct inf_bytes){line + 1, len},
                          (struct inf_bytes){events, n});
        else
            run_case(r, &s, file, name, line + 1, len, events, n);
        if (!strncmp(name, "one", 3) && !one.len)
            one = (struct inf_bytes){line + 1, len};
        outputs[count++] = (struct inf_bytes){line + 1, len};
        at = events + n;
    }
    if (r && count) {
        run_mutations(r, &s, file, outputs, count);
        run_held(&s, file, list, one);
        run_memory(&s, outputs, count, file);
    }
    inf_reader_free(r);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "tests/tools/cases";
    struct inf_arena arena;
    struct inf_tool_list list;
    struct dirent **names;
    inf_arena_init(&arena, &inf_allocator_default);
    int count = scandir(folder, &names, NULL, alphasort);
    if (inf_tool_list_read(&arena, tools_json, strlen(tools_json), &list, NULL) || count < 0)
        return 1;
    for (int i = 0; i < count; i++) {
        if (strstr(names[i]->d_name, ".txt") && (argc < 3 || !strcmp(argv[2], names[i]->d_name)))
            run_file(folder, names[i]->d_name, &list);
        free(names[i]);
    }
    free(names);
    inf_arena_free(&arena);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
