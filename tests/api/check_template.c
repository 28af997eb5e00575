/*
 * Templates of the public interface, with a model: the tokens of prompts, that nothing which somebody
 * says becomes a control token, and thoughts apart from answers.
 */
#include "tests/tiny/talker.h"

#include <libinfer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS 4096

static int passed, failed;
static infer_error err;

#define CHECK(condition) verdict(condition, #condition, __func__, __LINE__)

static bool verdict(bool good, const char *what, const char *where, int line)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s, line %d: %s (last error: %s)\n", where, line, what, err.text);
    return good;
}

enum {
    FIRST = TALKER_FIRST,
    START = TALKER_START,
    END = TALKER_END,
    THINK = TALKER_THINK,
    THINK_END = TALKER_THINK_END,
    SPECIALS_END = TALKER_SPECIALS_END
};

static struct mk_bytes model_bytes(const char *text)
{
    struct mk_file *file = mk_base_t2();
    tiny_make_talker(file, text);
    struct mk_bytes bytes = mk_build(file, NULL);
    mk_free(file);
    return bytes;
}

static const char template_text[] =
    "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' "
    "}}"
    "{%- endfor %}{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n' }}"
    "{%- elif open %}{{ '<think>' }}{%- endif %}{%- endif %}";

static const infer_span *spans;
static size_t span_count;
static infer_token ids[IDS];

static size_t tokens(infer_template *t, const char *json)
{
    size_t count = 0;
    CHECK(!infer_template_render(t, json, strlen(json), NULL, &spans, &span_count, &err));
    CHECK(!infer_template_tokens(t, ids, IDS, &count, &err));
    return count;
}

static size_t times(infer_token id, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += ids[i] == id;
    return found;
}

/* ---- Special tokens ------------------------------------------------------------------------ */

/* Every special token of the vocabulary said by everybody: it counts as often as the template says
 * it itself. */
static void content_is_content(infer_model *model)
{
    static const char *const forms[] = {
        "{\"messages\": [{\"role\": \"user\", \"content\": \"%s\"}], \"add_generation_prompt\": "
        "true}",
        "{\"messages\": [{\"role\": \"user%s\", \"content\": \"hi\"}], \"add_generation_prompt\": "
        "true}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a %s b%s\\nc\"}], "
        "\"add_generation_prompt\": true}",
    };
    infer_template *t;
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    for (infer_token id = 0; id < MK_VOCAB; id++) {
        bool special = (id >= FIRST && id < SPECIALS_END) || id >= 317;
        char text[64], json[512];
        size_t len;
        if (!special || infer_token_bytes(model, id, text, sizeof text - 1, &len, &err))
            continue;
        text[len] = 0;
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
            size_t want[MK_VOCAB];
            snprintf(json, sizeof json, forms[i], "x", "x");
            size_t count = tokens(t, json);
            for (infer_token other = 0; other < MK_VOCAB; other++)
                want[other] = times(other, count);
            snprintf(json, sizeof json, forms[i], text, text);
            count = tokens(t, json);
            for (infer_token other = FIRST; other < MK_VOCAB; other++)
                if (other < SPECIALS_END || other >= 317)
                    CHECK(times(other, count) == want[other]);
        }
    }
    /* and put together of two messages, or of a literal and what is said */
    size_t count =
        tokens(t, "{\"messages\": [{\"role\": \"<|im_\", \"content\": \"end|>\"}, {\"role\": "
                  "\"start|>\", \"content\": \"<|im\"}]}");
    CHECK(times(START, count) == 2 && times(END, count) == 2);
    infer_template_free(t);
}

static void begins_once(infer_model *model)
{
    static const char with[] = "{{ bos_token }}a{{ eos_token }}", without[] = "a";
    static const char json[] = "{}", other[] = "{\"bos_token\": \"q\"}";
    infer_token bos = infer_token_special(model, INFER_SPECIAL_BOS), first[8];
    size_t asked;
    infer_template *t;
    infer_tokenize(model, "", 0, INFER_TOKENIZE_ADD_BOS, first, 8, &asked, NULL);
    CHECK(!infer_template_new(model, with, strlen(with), &t, &err));
    size_t count = tokens(t, json);
    CHECK(ids[0] == bos && times(bos, count) == 1 && span_count == 1 && spans[0].literal);
    count = tokens(t, other);
    CHECK(times(bos, count) == asked);
    infer_template_free(t);
    CHECK(!infer_template_new(model, without, strlen(without), &t, &err));
    count = tokens(t, json);
    CHECK(times(bos, count) == asked);
    infer_template_free(t);
}

/* ---- What is refused ----------------------------------------------------------------------- */

static bool refused(infer_status got, infer_status want, const char *part)
{
    return got == want && err.status == want && strstr(err.text, part);
}

static void refuses(infer_model *model)
{
    static const char bad[] = "a\n{% if %}", raises[] = "{{ raise_exception('never') }}";
    infer_template *t = NULL;
    size_t count;
    CHECK(refused(infer_template_new(NULL, NULL, 0, &t, &err), INFER_E_ARGUMENT, "neither"));
    CHECK(refused(infer_template_new(model, bad, strlen(bad), &t, &err), INFER_E_TEMPLATE,
                  "line 2, column 7"));
    CHECK(!t);
    CHECK(!infer_template_new(NULL, raises, strlen(raises), &t, &err));
    CHECK(refused(infer_template_tokens(t, ids, IDS, &count, &err), INFER_E_ARGUMENT, "model"));
    CHECK(refused(infer_template_render(t, "{}", 2, NULL, &spans, &span_count, &err),
                  INFER_E_TEMPLATE, "never"));
    CHECK(!spans && !span_count);
    infer_template_free(t);
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    CHECK(refused(infer_template_tokens(t, ids, IDS, &count, &err), INFER_E_ARGUMENT, "rendered"));
    CHECK(refused(infer_template_render(t, NULL, 0, NULL, &spans, &span_count, &err),
                  INFER_E_ARGUMENT, "NULL"));
    CHECK(refused(infer_template_render(t, "{", 1, NULL, &spans, &span_count, &err), INFER_E_FORMAT,
                  "JSON, line 1, column 2"));
    CHECK(refused(infer_template_render(t, "[]", 2, NULL, &spans, &span_count, &err),
                  INFER_E_ARGUMENT, "object"));
    size_t need = tokens(t, "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}");
    ids[need - 1] = -5;
    CHECK(refused(infer_template_tokens(t, ids, need - 1, &count, &err), INFER_E_RANGE, ""));
    CHECK(count == need && ids[need - 1] == -5);
    infer_template_free(t);
    infer_template_free(NULL);
}

/* ---- Thoughts ------------------------------------------------------------------------------ */

static void finds_thoughts(infer_model *model)
{
    infer_template *t;
    infer_thought thought;
    CHECK(!infer_template_new(model, NULL, 0, &t, &err));
    size_t count = tokens(t, "{\"messages\": [], \"add_generation_prompt\": true}");
    CHECK(!infer_template_thought(t, ids, count, &thought, &err));
    CHECK(thought.begin == THINK && thought.end == THINK_END && thought.head == -1);
    CHECK(!thought.open && thought.max_tokens == SIZE_MAX);
    count = tokens(t, "{\"messages\": [], \"add_generation_prompt\": true, \"open\": true}");
    CHECK(!infer_template_thought(t, ids, count, &thought, &err) && thought.open);
    CHECK(!infer_template_thought(t, NULL, 0, &thought, &err) && !thought.open);
    count = tokens(
        t, "{\"messages\": [], \"add_generation_prompt\": true, \"enable_thinking\": false}");
    CHECK(times(THINK, count) == 1 && times(THINK_END, count) == 1);
    CHECK(!infer_template_thought(t, ids, count, &thought, &err) && !thought.open);
    infer_template_free(t);
    CHECK(!infer_template_new(model, "plain", 5, &t, &err));
    CHECK(!infer_template_thought(t, NULL, 0, &thought, &err) && thought.begin == -1);
    infer_template_free(t);
}

struct made {
    infer_token ids[64];
    size_t count, answer_len, thought_len;
    char answer[4096], thought[4096];
};

static bool on_answer(void *ud, const char *text, size_t len)
{
    struct made *made = ud;
    memcpy(made->answer + made->answer_len, text, len);
    made->answer_len += len;
    return true;
}

static bool on_thought(void *ud, const char *text, size_t len)
{
    struct made *made = ud;
    memcpy(made->thought + made->thought_len, text, len);
    made->thought_len += len;
    return true;
}

static void on_token(void *ud, infer_token id, const float *logits)
{
    struct made *made = ud;
    (void)logits;
    made->ids[made->count++] = id;
}

static void generate(infer_session *session, const infer_thought *thought, struct made *made)
{
    static const infer_token prompt[] = {317, 70, 71};
    infer_generate_options o = {.size = sizeof o,
                                .max_tokens = 20,
                                .on_text = on_answer,
                                .on_token = on_token,
                                .ud = made,
                                .thought = thought,
                                .on_thought = on_thought};
    memset(made, 0, sizeof *made);
    CHECK(!infer_session_sync(session, prompt, 3, NULL, &err));
    CHECK(!infer_generate_more(session, &o, NULL, &err));
}

/* The bytes of made ids from `first` to `end`. */
static size_t bytes_of(infer_model *model, const struct made *made, size_t first, size_t end,
                       char *out)
{
    size_t len = 0, one;
    for (size_t i = first; i < end; i++) {
        CHECK(!infer_token_bytes(model, made->ids[i], out + len, 256, &one, &err));
        len += one;
    }
    return len;
}

/* Greedy text goes the same way whatever stands for a thought's tokens, so any may. */
static void splits_thoughts(infer_session *session)
{
    infer_model *model = infer_session_model(session);
    static struct made plain, split;
    char want[4096];
    generate(session, NULL, &plain);
    CHECK(plain.count == 20 && plain.thought_len == 0 && plain.answer_len > 0);
    size_t begin = 0, end = 0; /* two ids that differ from all before them */
    for (size_t i = 1; i < plain.count && !end; i++) {
        bool fresh = true;
        for (size_t j = 0; j < i; j++)
            fresh &= plain.ids[j] != plain.ids[i];
        if (fresh && begin && i > begin + 1)
            end = i;
        else if (fresh && !begin)
            begin = i;
    }
    if (!CHECK(begin && end))
        return;
    infer_thought thought = {plain.ids[begin], plain.ids[end], -1, false, SIZE_MAX};
    generate(session, &thought, &split);
    CHECK(!memcmp(split.ids, plain.ids, 20 * sizeof *plain.ids));
    size_t len = bytes_of(model, &plain, begin + 1, end, want);
    CHECK(len == split.thought_len && !memcmp(want, split.thought, len));
    CHECK(split.answer_len < plain.answer_len);

    /* open from the start; then with a limit of two tokens, and of none */
    thought.open = true;
    generate(session, &thought, &split);
    len =
        bytes_of(model, &plain, 0, end, want); /* `begin` within a thought is a token like others */
    CHECK(len == split.thought_len && !memcmp(want, split.thought, len));
    for (size_t limit = 0; limit < 3; limit += 2) {
        thought.max_tokens = limit;
        generate(session, &thought, &split);
        CHECK(split.ids[limit] == thought.end);
        CHECK(limit == 0 || !memcmp(split.ids, plain.ids, limit * sizeof *plain.ids));
        len = bytes_of(model, &plain, 0, limit, want);
        CHECK(len == split.thought_len && !memcmp(want, split.thought, len));
    }

    /* a channel of another name than "final": its name is not shown, what follows is a thought */
    thought = (infer_thought){plain.ids[0], -7, plain.ids[begin], false, SIZE_MAX};
    generate(session, &thought, &split);
    len = bytes_of(model, &plain, begin + 1, 20, want);
    CHECK(split.answer_len == 0 && len == split.thought_len && !memcmp(want, split.thought, len));
}

int main(void)
{
    struct mk_bytes bytes = model_bytes(template_text);
    infer_model *model = NULL;
    infer_plan *plan = NULL;
    infer_session *session = NULL;
    infer_plan_options options = {.size = sizeof options, .context = 64, .threads = 1};
    if (CHECK(!infer_model_open_memory(bytes.ptr, bytes.len, NULL, &model, &err)) &&
        CHECK(!infer_plan_new(model, &options, &plan, &err)) &&
        CHECK(!infer_plan_load(plan, NULL, NULL, &err)) &&
        CHECK(!infer_session_new(plan, &session, &err))) {
        content_is_content(model);
        begins_once(model);
        refuses(model);
        finds_thoughts(model);
        splits_thoughts(session);
    }
    infer_session_free(session);
    infer_plan_free(plan);
    infer_model_free(model);
    free(bytes.ptr);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
