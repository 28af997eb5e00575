/*
 * check_tools: the reader of tool calls over the cases of tests/tools/cases, one file a family.
 *
 * A file: lines "template TEXT" (what the family is found by), "special TEXT" and "control TEXT" (tokens
 * of the vocabulary: user-defined, control), "think BEGIN END"; then cases: "== NAME", the output, a
 * line "--", the events that it must give. Texts in events and directives have \n for line breaks. An
 * event is one line:
 *     text ...    thought ...    call NAME ARGUMENTS [#ID]    broken START OF THE REASON
 * Each case runs as tokens and bytes, in one piece, byte by byte and cut once at each place, and as bytes
 * alone; it must give the same events, and the raw bytes of all events must be the output. Then outputs are
 * changed at random, 500 of each family: nothing may be lost, however they are cut.
 * The last line is `N passed, N failed`.
 */
#include "lib/tools/tools.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPECIALS_MAX 100
#define CASES_MAX 200
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
};

static int passed, failed;

/* ---- A vocabulary: the specials are tokens 1000 and on --------------------------------------- */

static infer_token find(const void *ud, const char *text, size_t len, bool *control)
{
    const struct suite *s = ud;
    for (size_t i = 0; i < s->special_count; i++)
        if (strlen(s->specials[i].text) == len && !memcmp(s->specials[i].text, text, len)) {
            *control = s->specials[i].control;
            return 1000 + (infer_token)i;
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

enum feeding { TOKENS, BYTES_ONLY };

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
            status = inf_reader_next(r, how == TOKENS ? 1 : -1, text + plain, at - plain, on_event,
                                     seen, NULL);
            plain = at;
        }
        if (len && !status)
            status = inf_reader_next(r, 1000 + (infer_token)special, text + at, len, on_event, seen,
                                     NULL);
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
    for (int kind = TOKENS; kind <= BYTES_ONLY; kind++)
        for (size_t i = 0; i < len + 2; i++) {
            size_t cut = i == 0 ? SIZE_MAX : i == 1 ? SIZE_MAX - 1 : i - 1;
            if (kind == BYTES_ONLY && strstr(name, "(tokens)"))
                continue;
            if (kind == TOKENS && i > 1 && in_special(s, text, len, cut))
                continue;
            infer_status status = run(r, s, (enum feeding)kind, text, len, cut, thinking, &seen);
            bool ok = !status && !seen.wrong && same(&seen.lines, expected, expected_len);
            snprintf(how, sizeof how, "%s, %zu", kind == TOKENS ? "tokens" : "bytes", i);
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
            printf("  in one piece:\n%.*s", (int)whole.lines.len, whole.lines.ptr ? whole.lines.ptr : "");
        seen_free(&whole);
        seen_free(&cut);
        inf_text_free(&t);
    }
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
    } else if (!strcmp(line, "think")) {
        s->think[0] = space;
        s->think[1] = strchr(space, ' ');
        *s->think[1]++ = 0;
    }
}

static struct inf_reader *make_reader(const struct suite *s, const struct inf_tool_list *list)
{
    struct inf_reader *r;
    struct inf_reader_options o = {
        .family = inf_family_find(s->template, strlen(s->template)),
        .marks = {s, find},
        .tools = list,
        .thought = {.begin = -1, .end = -1, .head = -1},
    };
    if (s->think[0]) {
        o.think_begin = (struct inf_bytes){s->think[0], strlen(s->think[0])};
        o.think_end = (struct inf_bytes){s->think[1], strlen(s->think[1])};
    }
    return inf_reader_new(&inf_allocator_default, &o, &r, NULL) ? NULL : r;
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
    struct inf_reader *r = make_reader(&s, list);
    char family[64];
    snprintf(family, sizeof family, "%.*s",
             (int)(strcspn(file, "@") - (strchr(file, '@') ? 0 : strlen(".txt"))), file);
    if (strcmp(inf_family_find(s.template, strlen(s.template))->name, family) != 0 || !r) {
        printf("FAIL %s: its template is of family %s\n", file,
               inf_family_find(s.template, strlen(s.template))->name);
        failed++;
    }
    struct inf_bytes outputs[CASES_MAX];
    size_t count = 0;
    while (r && !strncmp(at, "== ", 3) && count < CASES_MAX) {
        char *name = at + 3, *line = strchr(at, '\n');
        char *middle = strstr(line, "\n--\n"), *next;
        *line = 0;
        char *events = middle + 4;
        next = !strncmp(events, "== ", 3) ? events : strstr(events, "\n== ");
        size_t n = next ? (size_t)(next - events) + (next > events) : strlen(events);
        size_t len = middle > line ? (size_t)(middle - line - 1) : 0;
        run_case(r, &s, file, name, line + 1, len, events, n);
        outputs[count++] = (struct inf_bytes){line + 1, len};
        at = events + n;
    }
    if (r && count)
        run_mutations(r, &s, file, outputs, count);
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
