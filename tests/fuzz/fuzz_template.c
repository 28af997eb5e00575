/*
 * Chat templates: any text as a template, with any text as the JSON of its variables. Each gives a
 * status; what renders is UTF-8 in spans that are not empty and take turns; limits of memory hold; what
 * was there is freed.
 *
 *     input: the template | a NUL byte | the JSON
 */
#include "lib/base/limits.h"
#include "lib/chat/chat.h"
#include "tests/count_alloc.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_template: %s\n", what);
        abort();
    }
}

static void check_prompt(const struct inf_prompt *prompt)
{
    const char *at = prompt->text;
    for (size_t i = 0; i < prompt->count; i++) {
        const struct inf_span *span = &prompt->spans[i];
        must(span->ptr == at && span->len, "a span");
        must(i == 0 || span->literal != span[-1].literal, "two spans of one kind");
        at += span->len;
    }
    size_t len = prompt->count ? (size_t)(at - prompt->text) : 0;
    must(inf_utf8_check(prompt->text, len) == len, "a prompt that is not UTF-8");
}

static infer_status render(const infer_allocator *a, const char *text, size_t len, const char *json,
                           size_t json_len, infer_error *err)
{
    struct inf_template *t = NULL;
    struct inf_arena arena;
    struct inf_json root;
    struct inf_prompt prompt;
    int64_t now = 1767312000;
    infer_status status = inf_template_new(a, text, len, &t, err);
    if (status) {
        must(!t, "a template in spite of an error");
        return status;
    }
    inf_arena_init(&arena, a);
    status = inf_json_read(&arena, json, json_len, &root, err);
    if (!status) {
        status = inf_template_render(t, a, &root, json_len, &now, &prompt, err);
        if (!status)
            check_prompt(&prompt);
        must(!status || (!prompt.text && !prompt.count), "a prompt in spite of an error");
        inf_prompt_free(&prompt);
    }
    inf_arena_free(&arena);
    inf_template_free(t);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char plain[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}";
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t len = nul ? (size_t)(nul - data) : size;
    const char *json = nul ? (const char *)nul + 1 : plain;
    size_t json_len = nul ? size - len - 1 : sizeof plain - 1;
    infer_error err = {.text = ""};
    struct count_alloc count;
    count_alloc_init(&count);
    count.limit_bytes = INF_TEMPLATE_MEMORY * 4 + 400 * size;
    infer_status status = render(&count.a, (const char *)data, len, json, json_len, &err);
    must(status == INFER_OK || status == INFER_E_TEMPLATE || status == INFER_E_LIMIT ||
             status == INFER_E_FORMAT || status == INFER_E_ARGUMENT,
         err.text);
    must((status == INFER_OK) == (err.text[0] == 0), "a status without a text");
    must(!count.passed_limit, "too much memory");
    must(!count.blocks, "memory is left");
    return 0;
}

/* Templates of one construct each. */
static const char *const cases[] = {
#define CASE(kind, text, want) text,
#include "tests/unit/jinja_cases.def"
#undef CASE
};

/* Templates in the manner of those that models have, and one of everything. */
bool fuzz_base(size_t index, uint8_t **data, size_t *size, size_t *head_bytes)
{
    static const char json[] =
        "{\"messages\": [{\"role\": \"system\", \"content\": \"Be short.\"}, {\"role\": \"user\", "
        "\"content\": \"h\\u00e9 <b>\\ud83d\\ude00\\n\"}, {\"role\": \"assistant\", \"content\": "
        "null, "
        "\"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {\"a\": [1, 2.5, "
        "true]}}}]}], "
        "\"tools\": [{\"type\": \"function\"}], \"add_generation_prompt\": true, \"bos_token\": "
        "\"<s>\", \"n\": -7, \"big\": 99999999999999999999, \"x\": 1e300}";
    static const char *const texts[] = {
        "{%- for m in messages -%}{{ '<|im_start|>' + m['role'] + '\\n' + (m.content or '') + "
        "'<|im_end|>\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ "
        "'<|im_start|>assistant\\n' "
        "}}{%- endif -%}",
        "{{ bos_token }}{%- if messages[0]['role'] == 'system' %}{%- set sys = "
        "messages[0]['content'] | "
        "trim %}{%- set messages = messages[1:] %}{%- else %}{%- set sys = '' %}{%- endif %}\n{% "
        "for m "
        "in messages %}{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ "
        "raise_exception('roles') "
        "}}{%- endif %}[INST] {{ sys if loop.first }} {{ m.content | default('', true) }} "
        "[/INST]{% "
        "endfor %}",
        "{%- macro call(c) -%}{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ "
        "c.function.arguments "
        "| tojson(indent=2) }}}{%- endmacro -%}{%- set ns = namespace(last=-1) -%}{%- for m in "
        "messages[::-1] -%}{%- if m.tool_calls is defined and m.tool_calls is iterable -%}{%- for "
        "c in "
        "m.tool_calls -%}{{ call(c) ~ loop.revindex }}{%- endfor -%}{%- set ns.last = loop.index0 "
        "-%}{%- "
        "endif -%}{%- endfor -%}{{ ns.last }}{{ tools | tojson }}{{ n // 2 }}{{ x * 2 }}{{ big }}",
        "{% for a in messages recursive %}{{ loop.depth }}{% if a is mapping %}{{ loop(a.values()) "
        "}}{% "
        "elif a is string %}{{ a | upper | replace('E', '') | truncate(4) | wordwrap(2) | indent "
        "}}{% "
        "else %}{{ [a] * 2 }}{% endif %}{% endfor %}{% raw %}{{ }}{% endraw %}{%+ set q %}z{% "
        "endset +%}",
    };
    /* each of those, and then ten stretches of the small ones */
    size_t count = sizeof texts / sizeof *texts, case_count = sizeof cases / sizeof *cases;
    struct inf_text text = {.a = &inf_allocator_default};
    if (index >= count + 10)
        return false;
    if (index < count)
        inf_text_append(&text, texts[index], strlen(texts[index]));
    for (size_t i = index - count; index >= count && i < case_count; i += 10)
        inf_text_append(&text, cases[i], strlen(cases[i]));
    *head_bytes = text.len;
    inf_text_append(&text, "", 1);
    inf_text_append(&text, json, sizeof json - 1);
    must(!text.failed, "no memory");
    *data = malloc(text.len);
    must(*data != NULL, "no memory");
    memcpy(*data, text.ptr, text.len);
    *size = text.len;
    inf_text_free(&text);
    return true;
}
