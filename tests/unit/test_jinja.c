/*
 * Chat templates: what each construct renders, every error with its line and column, the limits, and
 * where each byte comes from.
 */
#include "lib/base/limits.h"
#include "lib/chat/chat.h"
#include "tests/count_alloc.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_jinja(void);

#define DAY_2026 1767312000 /* 2026-01-02 00:00:00 */

static const char variables[] = "{\"name\": \"Ann\", \"n\": 3, \"x\": 2.5, \"flag\": true, "
                                "\"nothing\": null, \"list\": [3, 1, 2],"
                                " \"words\": [\"b\", \"A\", \"c\"], \"map\": {\"k\": 1, \"z\": "
                                "\"y\"}, \"rows\": [{\"id\": 1, \"t\":"
                                " \"a\"}, {\"id\": 2, \"t\": \"b\"}, {\"id\": 1, \"t\": \"c\"}], "
                                "\"html\": \"<b> & 'q'\", \"uni\":"
                                " \"\\u00c0\\u00c9 \\u00df \\u65e5\", \"text\": "
                                "\"one\\ntwo\\n\\nthree\", \"bos_token\": \"<s>\"}";

/* Reads and renders; the prompt is to be freed. */
static infer_status render(const infer_allocator *a, const char *text, size_t len, const char *json,
                           struct inf_prompt *prompt, infer_error *err)
{
    struct inf_template *t;
    struct inf_arena arena;
    struct inf_json root;
    int64_t now = DAY_2026;
    *prompt = (struct inf_prompt){.count = 0};
    infer_status status = inf_template_new(a, text, len, &t, err);
    if (status)
        return status;
    inf_arena_init(&arena, a);
    status = inf_json_read(&arena, json, strlen(json), &root, err);
    if (!status)
        status = inf_template_render(t, a, &root, strlen(json), &now, prompt, err);
    inf_arena_free(&arena);
    inf_template_free(t);
    return status;
}

static infer_status run(const char *text, struct inf_prompt *prompt, infer_error *err)
{
    return render(&inf_allocator_default, text, strlen(text), variables, prompt, err);
}

static size_t prompt_len(const struct inf_prompt *prompt)
{
    size_t len = 0;
    for (size_t i = 0; i < prompt->count; i++)
        len += prompt->spans[i].len;
    return len;
}

/* ---- What is rendered ---------------------------------------------------------------------- */

static const struct {
    const char *kind, *text, *want;
} cases[] = {
#define CASE(kind, text, want) {kind, text, want},
#include "tests/unit/jinja_cases.def"
#undef CASE
};

START_TEST(renders)
{
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    infer_status status = run(cases[_i].text, &prompt, &err);
    ck_assert_msg(status == INFER_OK, "%s: %s\n%s", cases[_i].kind, cases[_i].text, err.text);
    ck_assert_msg(prompt_len(&prompt) == strlen(cases[_i].want) &&
                      !memcmp(prompt.text, cases[_i].want, prompt_len(&prompt)),
                  "%s: %s\nwant %s\ngot  %.*s", cases[_i].kind, cases[_i].text, cases[_i].want,
                  (int)prompt_len(&prompt), prompt.text);
    inf_prompt_free(&prompt);
}
END_TEST

/* ---- What is refused ----------------------------------------------------------------------- */

static const struct {
    const char *text;
    unsigned line, column;
    const char *what;
} errors[] = {
    /* reading */
    {"a\n {{ 1 2 }}", 2, 7, "should end"},
    {"{{ 1", 1, 5, "should end"},
    {"{{ 'abc }}", 1, 4, "string does not end"},
    {"x {# y", 1, 3, "comment does not end"},
    {"{% raw %}x", 1, 10, "no endraw"},
    {"{% if n %}x", 1, 4, "no endif"},
    {"{% for i in n %}x", 1, 4, "no endfor"},
    {"\n{% macro m() %}", 2, 4, "no endmacro"},
    {"{% set a %}", 1, 4, "no endset"},
    {"{% endif %}", 1, 4, "no statement 'endif'"},
    {"{% if n %}{% endfor %}", 1, 14, "no statement 'endfor'"},
    {"{% include 'x' %}", 1, 4, "no statement 'include'"},
    {"{% import 'os' as os %}", 1, 4, "no statement 'import'"},
    {"{% extends 'x' %}", 1, 4, "no statement 'extends'"},
    {"{% from 'x' import y %}", 1, 4, "no statement 'from'"},
    {"a\n  {%- block b %}{% endblock %}", 2, 7, "no statement 'block'"},
    {"{% if false %}\n{% include n %}{% endif %}", 2, 4, "no statement 'include'"},
    {"{{ super() }}", 1, 9, "'super' is undefined"},
    {"{{ self.b() }}", 1, 9, "'self' is undefined"},
    {"{% for in n %}{% endfor %}", 1, 11, "'in' is needed"},
    {"{% for i n %}{% endfor %}", 1, 10, "'in' is needed"},
    {"{% set 1 = 2 %}", 1, 8, "a name is needed"},
    {"{% set true = 2 %}", 1, 8, "constant cannot be set"},
    {"{% set a.1 = 2 %}", 1, 8, "cannot be set"},
    {"{% macro %}{% endmacro %}", 1, 10, "a name is needed"},
    {"{% macro m(a=1, b) %}{% endmacro %}", 1, 17, "without a default"},
    {"{% call name %}{% endcall %}", 1, 9, "a call is needed"},
    {"{% break %}", 1, 4, "in loops alone"},
    {"{% for i in n %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}", 1, 35, "in loops"},
    {"{{ [1, }}", 1, 8, "']' is needed"},
    {"{{ (1] }}", 1, 6, "')' is needed"},
    {"{{ ) }}", 1, 4, "unexpected ')'"},
    {"{{ {1 2} }}", 1, 7, "':' is needed"},
    {"{{ n. }}", 1, 7, "a name is needed"},
    {"{{ n[] }}", 1, 6, "an expression is needed"},
    {"{{ n | }}", 1, 8, "name of a filter"},
    {"{{ n is }}", 1, 9, "name of a test"},
    {"{{ n is odd is even }}", 1, 13, "chained"},
    {"{{ m(a=1, 2) }}", 1, 11, "without a name"},
    {"{{ \xc3\xa9 \xe2\x82\xac }}", 1, 6, "unexpected '\xe2\x82\xac'"},
    {"{{ '\\xg' }}", 1, 6, "hex digits"},
    {"{{ '\\ud800' }}", 1, 6, "no such character"},
    {"{{ 99999999999999999999 }}", 1, 4, "not a number"},
    {"{{ 0x }}", 1, 4, "not a number"},
    {"{{ 012 }}", 1, 4, "not a number"},
    {"{{ }}", 1, 4, "an expression is needed"},
    {"a\n\xff", 2, 1, "not UTF-8"},
    /* rendering */
    {"{{ missing.x }}", 1, 12, "'missing' is undefined"},
    {"a\r\nb\r\n{{ map.q.r }}", 3, 10, "a dict has no 'q'"},
    {"{{ missing + 1 }}", 1, 12, "'missing' is undefined"},
    {"{{ -missing }}", 1, 4, "'missing' is undefined"},
    {"{{ missing() }}", 1, 11, "'missing' is undefined"},
    {"{{ missing < 1 }}", 1, 12, "'missing' is undefined"},
    {"{{ n < name }}", 1, 6, "no order"},
    {"{{ name + n }}", 1, 9, "str + int"},
    {"{{ list - list }}", 1, 9, "list - list"},
    {"{{ -name }}", 1, 4, "cannot be negated"},
    {"{{ n % 0 }}", 1, 6, "division by zero"},
    {"{{ n / 0.0 }}", 1, 6, "division by zero"},
    {"{{ n // 0 }}", 1, 6, "division by zero"},
    {"{{ n() }}", 1, 5, "int cannot be called"},
    {"{{ name.nope() }}", 1, 13, "a str has no 'nope'"},
    {"{{ list.append(1) }}", 1, 15, "a list has no 'append'"},
    {"{{ ''.__class__.__mro__ }}", 1, 17, "has no '__class__'"},
    {"{{ cycler.__init__.__globals__ }}", 1, 20, "has no '__init__'"},
    {"{{ n in 5 }}", 1, 6, "nothing can be in a int"},
    {"{{ n in name }}", 1, 6, "cannot be in a str"},
    {"{{ {[]: 1} }}", 1, 4, "cannot be a key"},
    {"{{ n[1:] }}", 1, 5, "cannot be sliced"},
    {"{{ list['a':] }}", 1, 8, "whole numbers"},
    {"{{ list[::0] }}", 1, 8, "step 0"},
    {"{% for i in n %}{% endfor %}", 1, 13, "cannot be walked over"},
    {"{% for a, b in list %}{% endfor %}", 1, 8, "cannot be walked over"},
    {"{% set a, b = [1] %}", 1, 8, "2 names for 1 values"},
    {"{% set map.k = 1 %}", 1, 8, "only a namespace"},
    {"{{ n | nope }}", 1, 8, "no filter 'nope'"},
    {"{{ n is nope }}", 1, 6, "no test 'nope'"},
    {"{{ list | map('nope') | list }}", 1, 11, "no filter 'nope'"},
    {"{{ n | upper(1) }}", 1, 8, "upper takes at most 0 arguments"},
    {"{{ list | join(x=1) }}", 1, 11, "no argument 'x'"},
    {"{{ name | replace('a') }}", 1, 11, "needs 2 arguments"},
    {"{{ missing | tojson }}", 1, 14, "cannot be JSON"},
    {"{{ name | round }}", 1, 11, "cannot be rounded"},
    {"{{ list | sum(start='a') }}", 1, 11, "str + int"},
    {"{{ [1, 'a'] | sort }}", 1, 15, "no order"},
    {"{{ list.index(9) }}", 1, 14, "not in the list"},
    {"{{ 'a'.split('') }}", 1, 13, "split by nothing"},
    {"{{ '%d' % 'a' }}", 1, 9, "no number"},
    {"{{ '{}'.format() }}", 1, 15, "no such argument"},
    {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", 1, 35, "at most 1 arguments"},
    {"{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", 1, 35, "no argument 'b'"},
    {"{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}", 1, 35, "given twice"},
    {"{% macro m(a) %}{{ a.b.c }}{% endmacro %}\n{{ m(map) }}", 1, 24, "has no 'b'"},
    {"{% for i in list %}{{ loop(list) }}{% endfor %}", 1, 27, "recursive"},
    {"x\n  {{ raise_exception('no ' ~ name) }}", 2, 21, "no Ann"},
    {"{{ raise_exception() }}", 1, 19, "needs 1 arguments"},
    {"{{ strftime_now('%Q') }}", 1, 16, "%Q"},
};

START_TEST(refuses)
{
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    char place[80];
    infer_status status = run(errors[_i].text, &prompt, &err);
    snprintf(place, sizeof place, "template, line %u, column %u: ", errors[_i].line,
             errors[_i].column);
    ck_assert_msg(status == INFER_E_TEMPLATE, "%s: %d %s", errors[_i].text, (int)status, err.text);
    ck_assert_msg(!strncmp(err.text, place, strlen(place)) && strstr(err.text, errors[_i].what),
                  "%s: %s, not %s... %s", errors[_i].text, err.text, place, errors[_i].what);
    ck_assert(!prompt.text && !prompt.count);
}
END_TEST

/* ---- Limits -------------------------------------------------------------------------------- */

/* `part` so many times between head and tail. */
static char *many(const char *head, const char *part, size_t count, const char *tail)
{
    size_t head_len = strlen(head), len = strlen(part), total = head_len + count * len;
    char *text = malloc(total + strlen(tail) + 1);
    memcpy(text, head, head_len);
    for (size_t i = 0; i < count; i++)
        memcpy(text + head_len + i * len, part, len);
    strcpy(text + total, tail);
    return text;
}

static void limited(const char *text)
{
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    struct count_alloc count;
    count_alloc_init(&count);
    count.limit_bytes = 128u << 20;
    infer_status status = render(&count.a, text, strlen(text), variables, &prompt, &err);
    ck_assert_msg(status == INFER_E_LIMIT, "%.60s: %d %s", text, (int)status, err.text);
    ck_assert_msg(!count.passed_limit && !count.blocks, "%.60s: memory", text);
}

static const char *const runaway_texts[] = {
    "{% for i in range(10**9) %}x{% endfor %}",
    "{{ range(100001) }}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% set s = 'x' %}{% for i in range(60) %}{% set ns = namespace(s=s) %}{% endfor %}"
    "{% set ns = namespace(s='xy') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% "
    "endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% "
    "endfor %}",
    "{{ 'a' * 10**9 }}",
    "{{ [1] * 10**9 }}",
    "{{ ('a' * 10**6) | replace('', 'b' * 10**6) }}",
    "{{ ('a' * 10**6) | replace('a', 'b' * 10**3) }}",
    "{{ 'a' | indent(10**9) }}",
    "{{ 'a' | center(10**9) }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ 'a'.ljust(10**9) }}",
    "{{ '1'.zfill(10**9) }}",
    "{{ [1] | tojson(indent=10**9) }}",
    "{{ 9223372036854775807 + 1 }}",
    "{{ 10 ** 99 }}",
    "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "{% macro f() %}{% call g() %}{% endcall %}{% endmacro %}"
    "{% macro g() %}{{ caller() }}{{ f() }}{% endmacro %}{{ f() }}",
    "{% for i in list recursive %}{{ loop(list) }}{% endfor %}",
    "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
    "{% set ns = namespace(v=1) %}{% for i in range(2000) %}{% set ns.v = [ns.v] %}{% endfor %}"
    "{{ ns.v }}",
    "{% set ns = namespace(v=1) %}{% for i in range(2000) %}{% set ns.v = [ns.v] %}{% endfor %}"
    "{{ ns.v == ns.v | list and [ns.v] == [ns.v] }}",
    "{% set b = 'b' * 3000000 %}{{ b }}{{ b }}",
    "{% set a = 'a' * 100000 %}{% for i in range(99999) %}{% if a.rfind('b' + a) > 0 %}{% "
    "endif %}"
    "{% endfor %}",
    "{% set l = range(99999) | list %}{% for i in l %}{% if -1 in l %}{% endif %}{% endfor %}",
    "{% set l = range(99999) | list %}{% for i in l %}{% set m = l | sort %}{% endfor %}",
};

START_TEST(runaways)
{
    limited(runaway_texts[_i]);
}
END_TEST

static const char *const nestings[][3] = {
    {"{{ ", "(", "1 }}"},           {"{{ ", "[", "1 }}"},          {"{{ ", "{1:", "1 }}"},
    {"{{ ", "not ", "1 }}"},        {"{{ ", "- ", "1 }}"},         {"{{ ", "1 if 1 else ", "1 }}"},
    {"{{ ", "f(", "1 }}"},          {"{{ ", "1[", "1 }}"},         {"{{ ", "1 | f(", "1 }}"},
    {"", "{% if 1 %}", ""},         {"", "{% for i in 1 %}", ""},  {"", "{% macro m() %}", ""},
    {"", "{% set a %}", ""},        {"{% for ", "(", "a in b %}"}, {"{% set ", "(", "a = b %}"},
    {"", "{% filter upper %}", ""}, {"", "{% with %}", ""},        {"", "{% call f() %}", ""},
    {"", "{% generation %}", ""},
};

START_TEST(nesting)
{
    char *text = many(nestings[_i][0], nestings[_i][1], 10000, nestings[_i][2]);
    limited(text);
    free(text);
}
END_TEST

/* Long rows are not deep. */
static const char *const row_parts[][4] = {
    {"{{ 1", " + 1", " }}", "10001"},
    {"{{ 1", " | int", " }}", "1"},
    {"{{ 1", " or 0", " }}", "1"},
    {"{{ ''", " ~ ''", " }}", ""},
    {"{{ 1", " == 1", " }}", "True"},
    {"{% if 0 %}", "{% elif 0 %}", "{% else %}e{% endif %}", "e"},
    {"{{ 'a'", ".upper()", " }}", "A"},
    {"{{ [", "1,", "] | length }}", "10000"},
    {"", "{# c #}", "e", "e"},
    {"", "{% raw %}{% endraw %}", "e", "e"},
    {"{{ ", "'' ", "'a' }}", "a"},
};

START_TEST(long_rows)
{
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    char *text = many(row_parts[_i][0], row_parts[_i][1], 10000, row_parts[_i][2]);
    infer_status status = run(text, &prompt, &err);
    ck_assert_msg(!status, "%.40s: %s", text, err.text);
    ck_assert_uint_eq(prompt_len(&prompt), strlen(row_parts[_i][3]));
    ck_assert(!memcmp(prompt.text, row_parts[_i][3], prompt_len(&prompt)));
    inf_prompt_free(&prompt);
    free(text);
}
END_TEST

START_TEST(too_long)
{
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    char *text = many("", "x", INF_MAX_TEMPLATE + 1, "");
    ck_assert_int_eq(run(text, &prompt, &err), INFER_E_LIMIT);
    text[INF_MAX_TEMPLATE] = 0;
    ck_assert_int_eq(run(text, &prompt, &err), INFER_OK);
    ck_assert_uint_eq(prompt_len(&prompt), INF_MAX_TEMPLATE);
    inf_prompt_free(&prompt);
    free(text);
}
END_TEST

/* A text that grows by each of 20000 parts is no copy for each of them. */
START_TEST(grows_linearly)
{
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    ck_assert_msg(!run("{% set ns = namespace(s='') %}{% for i in range(20000) %}"
                       "{% set ns.s = ns.s + 'a part of it, ' + name %}{% endfor %}{{ ns.s }}",
                       &prompt, &err),
                  "%s", err.text);
    ck_assert_uint_eq(prompt_len(&prompt), 20000 * 17);
    inf_prompt_free(&prompt);
}
END_TEST

/* The variables must be an object, and there is a clock only where one is given. */
START_TEST(arguments)
{
    struct inf_template *t;
    struct inf_json root = {.kind = INF_JSON_ARRAY};
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    const infer_allocator *a = &inf_allocator_default;
    const char *text = "{{ strftime_now is defined }}";
    ck_assert(!inf_template_new(a, text, strlen(text), &t, &err));
    ck_assert_int_eq(inf_template_render(t, a, &root, 2, NULL, &prompt, &err), INFER_E_ARGUMENT);
    root.kind = INF_JSON_OBJECT;
    ck_assert(!inf_template_render(t, a, &root, 2, NULL, &prompt, &err));
    ck_assert(prompt_len(&prompt) == 5 && !memcmp(prompt.text, "False", 5));
    inf_prompt_free(&prompt);
    inf_template_free(t);
}
END_TEST

/* ---- Where each byte comes from ------------------------------------------------------------ */

/* The expected spans: content between '<' and '>', the rest literal. */
static const struct {
    const char *text, *want;
} origins[] = {
    {"a{{ name }}b", "a<Ann>b"},
    {"{{ 'x' + name + 'y' }}", "x<Ann>y"},
    {"{{ 'x' ~ name ~ 'y' }}", "x<Ann>y"},
    {"{{ bos_token }}{{ bos_token + name }}", "BOSBOS<Ann>"},
    {"{{ eos_token | upper }}{{ pad_token }}", "<EOS>"},
    {"{{ 'ab' 'cd' }}{{ 'ef' }}", "abcdef"},
    {"{{ (name + 'xyz')[1:5] }}", "<nn>xy"},
    {"{{ (name + 'xyz')[::-1] }}", "zyx<nnA>"},
    {"{{ (name + 'x')[0] }}{{ (name + 'x')[-1] }}", "<A>x"},
    {"{{ ('[' + name + ']') | upper }}", "[<ANN>]"},
    {"{{ ('[' + name + ']').lower() }}{{ ('q' + name) | title }}", "[<ann>]Q<ann>"},
    {"{{ (' ' + name + ' ') | trim }}", "<Ann>"},
    {"{{ ('  ' + name + ' b ').strip() }}", "<Ann> b"},
    {"{{ ('a-' + name + '-b').split('-') | join('+') }}", "a+<Ann>+b"},
    {"{{ (name + '-b').partition('-') | join }}", "<Ann>-b"},
    {"{{ (name + '\\nb').splitlines() | join('|') }}", "<Ann>|b"},
    {"{{ ('x' + name) | replace('n', 'N') }}", "x<A>NN"},
    {"{{ 'a.b'.replace('.', name) }}{{ name.replace('A', '') }}", "a<Ann>b<nn>"},
    {"{{ [name, 'x'] | join(', ') }}", "<Ann>, x"},
    {"{{ name.join(['a', 'b']) }}", "a<Ann>b"},
    {"{{ words | join('-') }}", "<b>-<A>-<c>"},
    {"{{ name | reverse }}{{ ('a' + name) | list | join }}", "<nnA>a<Ann>"},
    {"{{ ('a' + name) | first }}{{ ('a' + name) | last }}", "a<n>"},
    {"{{ ('a' + name) | truncate(4, true, '..', 0) }}", "a<Ann>"},
    {"{{ ('ab ' + name) | truncate(5, true, '..', 0) }}", "ab .."},
    {"{{ ('a ' + name) | wordwrap(2) }}", "a\n<An>\n<n>"},
    {"{{ ('a\\n' + name) | indent('> ') }}", "a<\n>> <Ann>"},
    {"{{ name | center(5) }}", "< Ann >"},
    {"{{ '%s-%s' | format(name, 'x') }}", "<Ann>-x"},
    {"{{ 'a{}b{}'.format(name, 'x') }}", "a<Ann>bx"},
    {"{{ ('&' + amp) | e }}", "&amp;<&amp;>"},
    {"{{ ('%' + pct) | urlencode }}", "%25<%25>"},
    {"{{ name | tojson }}{{ 'x' | tojson }}", "<\"Ann\"\">x<\">"},
    {"{{ ['q', name] | tojson }}", "<[\">q<\", \"Ann\"]>"},
    {"{{ ('\\n' + nl) | tojson }}", "<\">\\n<\\n\">"},
    {"{{ ['x', name] }}", "<['>x<', 'Ann']>"},
    {"{{ name ~ 1 }}{{ 5 }}{{ n }}", "<Ann153>"},
    {"{% set q %}a{{ name }}b{% endset %}{{ q }}", "a<Ann>b"},
    {"{% macro m(v) %}({{ v }}){% endmacro %}{{ m(name) }}{{ m('x') }}", "(<Ann>)(x)"},
    {"{% filter upper %}a{{ name }}{% endfilter %}", "A<ANN>"},
    {"{% set ns = namespace(s='') %}{% for w in words %}{% set ns.s = ns.s + '<' + w + '>' %}"
     "{% endfor %}{{ ns.s | replace('<', '(') | replace('>', ')') }}",
     "(<b>)(<A>)(<c>)"},
    {"{{ name | default('d') }}{{ none_such | default('d') }}", "<Ann>d"},
    {"{{ {'k': name}.k }}{{ {'k': 'x'} | items | map('join') | join }}", "<Ann>kx"},
    {"{% for k, v in map | items %}{{ k }}{{ v }}{% endfor %}", "<k1zy>"},
    {"{{ [name, 'x'] | map('upper') | sort | join }}", "<ANN>X"},
    {"{{ 'a' if name else 'b' }}{{ name or 'x' }}{{ '' or 'x' }}", "a<Ann>x"},
    {"{{ (name * 2) + ('ab' * 2) }}", "<AnnAnn>abab"},
    {"{{ ('a' + name).removeprefix('a') }}{{ name.ljust(5) }}|", "<AnnAnn  >|"},
    {"{{ 'a' ~ strftime_now('%Y') }}", "a<2026>"},
    {"{{ loop_name }}{% for i in words %}{{ loop.index }}{% endfor %}", "<123>"},
    {"{% set a = 'x' %}{% set b = a + name %}{% set c = a + 'z' %}{{ b }}{{ c }}{{ a }}",
     "x<Ann>xzx"},
};

START_TEST(keeps_origin)
{
    static const char json[] = "{\"name\": \"Ann\", \"n\": 3, \"words\": [\"b\", \"A\", \"c\"], "
                               "\"map\": {\"k\": 1, \"z\": \"y\"},"
                               " \"amp\": \"&\", \"pct\": \"%\", \"nl\": \"\\n\", \"bos_token\": "
                               "\"BOS\", \"eos_token\": \"eos\"}";
    struct inf_prompt prompt;
    infer_error err = {.text = ""};
    infer_status status = render(&inf_allocator_default, origins[_i].text, strlen(origins[_i].text),
                                 json, &prompt, &err);
    ck_assert_msg(!status, "%s: %s", origins[_i].text, err.text);
    struct inf_text got = {.a = &inf_allocator_default};
    for (size_t i = 0; i < prompt.count; i++) {
        ck_assert(prompt.spans[i].len > 0);
        ck_assert(i == 0 || prompt.spans[i].literal != prompt.spans[i - 1].literal);
        inf_text_append(&got, "<", !prompt.spans[i].literal);
        inf_text_append(&got, prompt.spans[i].ptr, prompt.spans[i].len);
        inf_text_append(&got, ">", !prompt.spans[i].literal);
    }
    bool eos = strstr(origins[_i].text, "eos_token") != NULL; /* literal, whatever is done to it */
    const char *want = eos ? "EOS" : origins[_i].want;
    ck_assert_msg(got.len == strlen(want) && !memcmp(got.ptr, want, got.len),
                  "%s\nwant %s\ngot  %.*s", origins[_i].text, want, (int)got.len, got.ptr);
    inf_text_free(&got);
    inf_prompt_free(&prompt);
}
END_TEST

/* ---- Memory that runs out ------------------------------------------------------------------ */

START_TEST(out_of_memory)
{
    static const char text[] =
        "{% macro m(v) %}{{ v | tojson(indent=2) }}{% endmacro %}{% for r in rows | sort(attribute="
        "'t', reverse=true) %}{{ loop.index ~ m(r) }}{% set q = ('x' * 9000) ~ r.t %}{{ q | length "
        "}}{% endfor %}{{ text.splitlines() | map('upper') | join(', ') }}{{ map }}";
    struct count_alloc count;
    struct inf_prompt prompt;
    infer_error err;
    size_t k = 1;
    for (infer_status status = INFER_E_MEMORY; status; k++) {
        count_alloc_init(&count);
        count.fail_at = k;
        status = render(&count.a, text, sizeof text - 1, variables, &prompt, &err);
        ck_assert_msg(!status || status == INFER_E_MEMORY, "call %zu: %s", k, err.text);
        inf_prompt_free(&prompt);
        ck_assert_uint_eq(count.blocks, 0);
    }
    ck_assert_uint_gt(k, 8);
}
END_TEST

Suite *suite_jinja(void)
{
    Suite *suite = suite_create("jinja");
    TCase *tests = tcase_create("jinja");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, renders, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, refuses, 0, sizeof errors / sizeof *errors);
    tcase_add_loop_test(tests, runaways, 0, sizeof runaway_texts / sizeof *runaway_texts);
    tcase_add_loop_test(tests, nesting, 0, sizeof nestings / sizeof *nestings);
    tcase_add_loop_test(tests, long_rows, 0, sizeof row_parts / sizeof *row_parts);
    tcase_add_test(tests, too_long);
    tcase_add_test(tests, grows_linearly);
    tcase_add_test(tests, arguments);
    tcase_add_loop_test(tests, keeps_origin, 0, sizeof origins / sizeof *origins);
    tcase_add_test(tests, out_of_memory);
    suite_add_tcase(suite, tests);
    return suite;
}
