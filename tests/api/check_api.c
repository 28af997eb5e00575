/*
 * The public interface as a C programmer meets it: every function with right and wrong arguments,
 * what errors say, buffers that are too small, objects freed in any order, options of older
 * programs, sessions after errors. Needs <libinfer.h> and a tiny model alone.
 */
#include "tests/api/objects.h"

#include <unistd.h>

/* The status that is wanted, in *err too, with a text of one line that has all of `parts` (NULL
 * ends them). Clears *err. */
static bool refused(infer_status got, infer_status want, const char *const *parts)
{
    bool good = got == want && err.status == want && err.text[0] && !strchr(err.text, '\n');
    for (; good && *parts; parts++)
        good = strstr(err.text, *parts) != NULL;
    if (good)
        memset(&err, 0, sizeof err);
    return good;
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define REFUSED(call, want, ...) CHECK(refused(call, want, PARTS(__VA_ARGS__)))

/* ---- The library, and a model -------------------------------------------------------------- */

static void check_library(void)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", INFER_VERSION_MAJOR, INFER_VERSION_MINOR,
             INFER_VERSION_PATCH);
    CHECK(!strcmp(infer_version(), version));
    CHECK(infer_abi_version() >= 0);
    for (int s = INFER_OK; s <= INFER_E_MISMATCH; s++) {
        const char *name = infer_status_name((infer_status)s);
        CHECK(!strncmp(name, s ? "INFER_E_" : "INFER_OK", 8));
        CHECK(s == 0 || strcmp(name, infer_status_name((infer_status)(s - 1))));
    }
    CHECK(infer_status_name((infer_status)99) && infer_status_name((infer_status)-1));
    CHECK(!strcmp(infer_stop_name(INFER_STOP_CONTEXT), "context"));
    CHECK(!strcmp(infer_stop_name(INFER_STOP_CANCELLED), "cancelled"));
    CHECK(infer_stop_name((infer_stop)-1) && infer_stop_name((infer_stop)5));
    bool llama = false;
    for (size_t i = 0; i < infer_arch_count(); i++)
        llama |= !strcmp(infer_arch_name(i), "llama");
    CHECK(llama && infer_arch_count() >= 4);
    CHECK(infer_arch_name(infer_arch_count()) == NULL);
    infer_model_free(NULL);
    infer_plan_free(NULL);
    infer_session_free(NULL);
    infer_sampler_free(NULL);
}

static bool stop_loading(void *ud, double fraction)
{
    *(double *)ud = fraction;
    return false;
}

static bool watch_loading(void *ud, double fraction)
{
    double *last = ud;
    bool good = fraction >= *last && fraction <= 1.0;
    *last = good ? fraction : 99;
    return true;
}

static void check_open(void)
{
    infer_model *model = (infer_model *)&file;
    static const _Alignas(8) char wrong[] = "GGUX";
    REFUSED(infer_model_open("/no/such/file.gguf", NULL, &model, &err), INFER_E_IO,
            "/no/such/file.gguf", "No such file");
    CHECK(!model);
    REFUSED(infer_model_open("/tmp", NULL, &model, &err), INFER_E_IO, "/tmp", "regular file");
    REFUSED(infer_model_open("/dev/zero", NULL, &model, &err), INFER_E_IO, "/dev/zero",
            "regular file");
    CHECK(infer_model_open("/no/such/file.gguf", NULL, &model, NULL) == INFER_E_IO);
    char longer[3000]; /* of a long path the end is said, in whole characters, and the cause too */
    for (size_t i = 0; i + 2 < sizeof longer; i += 2)
        memcpy(longer + i, "\xc3\xa9", 2);
    strcpy(longer + sizeof longer - 12, "/model.gguf");
    REFUSED(infer_model_open(longer, NULL, &model, &err), INFER_E_IO, "...\xc3\xa9",
            "\xc3\xa9/model.gguf: cannot be opened: ");
    model = (infer_model *)&file;
    REFUSED(infer_model_open_memory(wrong, 4, NULL, &model, &err), INFER_E_FORMAT, "");
    CHECK(!model);
    REFUSED(infer_model_open_memory(wrong, 0, NULL, &model, &err), INFER_E_FORMAT, "0");
    CHECK(infer_model_open_memory(wrong, 0, NULL, &model, NULL) == INFER_E_FORMAT);
    REFUSED(infer_model_open_memory(file.ptr + 4, file.len - 4, NULL, &model, &err),
            INFER_E_ARGUMENT, "8 bytes");
    infer_model_options options = {.size = 0};
    REFUSED(infer_model_open_memory(file.ptr, file.len, &options, &model, &err), INFER_E_ARGUMENT,
            "size", "0");
    options.size = sizeof(size_t); /* a program that knows no field */
    options.log = (infer_log)(uintptr_t)1;
    CHECK(!infer_model_open_memory(file.ptr, file.len, &options, &model, &err));
    infer_model_free(model);

    char name[] = "/tmp/check_api.XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0 && write(fd, file.ptr, file.len) == (ssize_t)file.len);
    close(fd);
    infer_session *session;
    infer_plan_options plan = {.size = sizeof plan, .context = 32};
    double fraction = 0;
    double part = 0;
    options = (infer_model_options){
        .size = sizeof options, .no_mmap = true, .progress = watch_loading, .progress_ud = &part};
    infer_session_options simple = {.size = sizeof simple,
                                    .model = &options,
                                    .plan = &plan,
                                    .progress = watch_loading,
                                    .progress_ud = &fraction};
    CHECK(!infer_session_open(name, &simple, &session, &err) && fraction == 1 && part == 1);
    infer_plan_info info;
    infer_plan_memory memory;
    infer_plan_get_info(infer_session_plan(session), &info);
    infer_plan_get_memory(infer_session_plan(session), &memory);
    CHECK(info.context == 32 && memory.weights_owned && !memory.weights_mapped);
    CHECK(infer_session_model(session) && infer_session_plan(session));
    CHECK(!infer_generate(session, NULL, "abc", 2, NULL, NULL, NULL, &err));
    infer_session_free(session);
    options.progress = stop_loading;
    REFUSED(infer_session_open(name, &simple, &session, &err), INFER_E_CANCELLED, name, "bytes");
    options.progress = NULL;
    simple.progress = stop_loading;
    REFUSED(infer_session_open(name, &simple, &session, &err), INFER_E_CANCELLED, "cancelled");
    CHECK(!session);
    plan.size = 1;
    REFUSED(infer_session_open(name, &simple, &session, &err), INFER_E_ARGUMENT, "plan", "1");
    simple.size = 2;
    REFUSED(infer_session_open(name, &simple, &session, &err), INFER_E_ARGUMENT, "session", "2");
    simple.size = offsetof(infer_session_options, plan); /* a program that knows no plan */
    CHECK(!infer_session_open(name, &simple, &session, &err));
    infer_session_free(session);
    unlink(name);
    REFUSED(infer_session_open(name, NULL, &session, &err), INFER_E_IO, name);
}

static void check_meta(const infer_model *model, const infer_model_info *info)
{
    infer_meta meta;
    infer_meta_value value;
    uint64_t arrays = 0;
    for (uint64_t i = 0; i < info->meta_count; i++) {
        CHECK(!infer_model_meta(model, i, &meta, &err) && meta.key_len && meta.key);
        if (meta.type == INFER_META_ARRAY)
            arrays++;
        else
            CHECK(meta.count == 1 && meta.items == meta.type);
        REFUSED(infer_model_meta_value(model, i, meta.count, &value, &err), INFER_E_ARGUMENT, "");
        if (meta.count)
            CHECK(!infer_model_meta_value(model, i, meta.count - 1, &value, &err) &&
                  value.type == meta.items);
        if (meta.key_len == 20 && !memcmp(meta.key, "general.architecture", 20))
            CHECK(!infer_model_meta_value(model, i, 0, &value, NULL) && value.text_len == 5 &&
                  !memcmp(value.text, "llama", 5));
    }
    CHECK(arrays >= 3);
    char number[32];
    snprintf(number, sizeof number, "%llu", (unsigned long long)info->meta_count);
    REFUSED(infer_model_meta(model, info->meta_count, &meta, &err), INFER_E_ARGUMENT, number);
    REFUSED(infer_model_meta_value(model, UINT64_MAX, 0, &value, &err), INFER_E_ARGUMENT, number);
    CHECK(infer_model_meta(model, UINT64_MAX, &meta, NULL) == INFER_E_ARGUMENT);
}

static void check_model(void)
{
    infer_model *model;
    infer_model_info info;
    CHECK(!infer_model_open_memory(file.ptr, file.len, NULL, &model, &err));
    infer_model_get_info(model, &info);
    CHECK(!strcmp(info.architecture, "llama") && info.vocab_size == TINY_VOCAB);
    CHECK(info.embedding_length == tiny_kind_at(0)->embd &&
          info.layer_count == tiny_kind_at(0)->layers && info.file_bytes == file.len);
    CHECK(!infer_model_check(model, &err) && !infer_model_check(model, NULL));
    check_meta(model, &info);

    infer_tensor_info tensor;
    uint64_t index, parameters = 0;
    for (uint64_t i = 0; i < info.tensor_count; i++) {
        CHECK(!infer_model_tensor(model, i, &tensor, &err));
        parameters += tensor.elements;
    }
    CHECK(parameters == info.parameters);
    REFUSED(infer_model_tensor(model, info.tensor_count, &tensor, &err), INFER_E_ARGUMENT, "");
    REFUSED(infer_model_tensor_find(model, "no.such.tensor", &index, &err), INFER_E_ARGUMENT,
            "no.such.tensor");
    CHECK(infer_model_tensor_find(model, "no.such.tensor", &index, NULL) == INFER_E_ARGUMENT);
    CHECK(!infer_model_tensor_find(model, "token_embd.weight", &index, &err));
    CHECK(!infer_model_tensor(model, index, &tensor, &err) && tensor.dims == 2 &&
          tensor.shape[1] == TINY_VOCAB && tensor.shape[2] == 1 && !strcmp(tensor.type, "q4_k") &&
          tensor.type_id == Q4_K);
    float *rows = malloc((size_t)tensor.shape[0] * 2 * sizeof *rows);
    CHECK(!infer_model_tensor_rows(model, index, TINY_VOCAB - 2, 2, rows, &err));
    CHECK(isfinite(rows[0]) && isfinite(rows[2 * tensor.shape[0] - 1]));
    CHECK(!infer_model_tensor_rows(model, index, TINY_VOCAB, 0, rows, &err));
    REFUSED(infer_model_tensor_rows(model, index, TINY_VOCAB - 1, 2, rows, &err), INFER_E_ARGUMENT,
            "320");
    REFUSED(infer_model_tensor_rows(model, index, UINT64_MAX, 2, rows, &err), INFER_E_ARGUMENT,
            "320");
    REFUSED(infer_model_tensor_rows(model, index, 1, UINT64_MAX, rows, &err), INFER_E_ARGUMENT,
            "320");
    REFUSED(infer_model_tensor_rows(model, info.tensor_count, 0, 1, rows, &err), INFER_E_ARGUMENT,
            "");
    free(rows);
    infer_model_free(model);
}

/* ---- Tokens -------------------------------------------------------------------------------- */

static void check_tokens(void)
{
    static const char text[] = "some text \xff and more";
    size_t len = sizeof text - 1, count = 99, again, bytes = 99;
    infer_token ids[64];
    char out[64], number[32];
    struct objects o = make((infer_plan_options){0});
    const infer_model *model = o.model;
    CHECK(infer_tokenize(model, text, len, 0, NULL, 0, &count, NULL) == INFER_E_RANGE);
    CHECK(count > 3 && count < 40);
    memset(ids, 0x55, sizeof ids);
    snprintf(number, sizeof number, "%zu", count);
    REFUSED(infer_tokenize(model, text, len, 0, ids, count - 1, &again, &err), INFER_E_RANGE,
            number);
    CHECK(again == count && ids[0] == 0x55555555);
    CHECK(!infer_tokenize(model, text, len, 0, ids, count, &again, &err) && again == count);
    CHECK(ids[count] == 0x55555555);

    REFUSED(infer_detokenize(model, ids, count, NULL, 0, &bytes, &err), INFER_E_RANGE, "");
    CHECK(bytes == len);
    memset(out, 'x', sizeof out);
    REFUSED(infer_detokenize(model, ids, count, out, len - 1, &bytes, &err), INFER_E_RANGE, "");
    CHECK(bytes == len && out[0] == 'x');
    CHECK(!infer_detokenize(model, ids, count, out, len, &bytes, &err) && bytes == len);
    CHECK(!memcmp(out, text, len) && out[len] == 'x');
    CHECK(!infer_tokenize(model, "", 0, 0, ids, 64, &count, &err) && count == 0);
    CHECK(!infer_detokenize(model, NULL, 0, NULL, 0, &bytes, &err) && bytes == 0);
    CHECK(!infer_tokenize(model, "a", 1, INFER_TOKENIZE_ADD_SPECIAL, ids, 64, &count, &err));
    CHECK(count > 1 && ids[0] == infer_token_special(model, INFER_SPECIAL_BOS));

    const infer_token wrong[] = {5, TINY_VOCAB, -1};
    REFUSED(infer_detokenize(model, wrong, 2, out, sizeof out, &bytes, &err), INFER_E_ARGUMENT,
            "320", "index 1");
    REFUSED(infer_token_bytes(model, -1, out, sizeof out, &bytes, &err), INFER_E_ARGUMENT, "-1");
    CHECK(infer_token_bytes(model, TINY_VOCAB, out, sizeof out, &bytes, NULL) == INFER_E_ARGUMENT);
    size_t longest = 0;
    for (infer_token id = 0; id < TINY_VOCAB; id++) {
        infer_status status = infer_token_bytes(model, id, NULL, 0, &bytes, NULL);
        CHECK(status == (bytes ? INFER_E_RANGE : INFER_OK));
        longest = bytes > longest ? bytes : longest;
    }
    CHECK(longest > 1);

    infer_token eos = infer_token_special(model, INFER_SPECIAL_EOS);
    CHECK(eos >= 0 && infer_token_ends(model, eos));
    CHECK(!infer_token_ends(model, 100) && !infer_token_ends(model, -1) &&
          !infer_token_ends(model, INT32_MAX));
    CHECK(infer_token_special(model, (infer_special)77) == -1);
    CHECK(infer_token_kind(model, eos) == INFER_KIND_CONTROL);
    CHECK(infer_token_kind(model, infer_token_special(model, INFER_SPECIAL_UNK)) ==
          INFER_KIND_UNKNOWN);
    CHECK(infer_token_kind(model, 3) == INFER_KIND_BYTE);
    CHECK(infer_token_kind(model, TINY_VOCAB - 1) == INFER_KIND_NORMAL);
    CHECK(!infer_token_kind(model, -1) && !infer_token_kind(model, TINY_VOCAB));
    infer_template *t;
    REFUSED(infer_template_new(o.model, NULL, 0, &t, &err), INFER_E_UNSUPPORTED,
            "no chat template");
    drop(&o);
}

/* ---- Plan ---------------------------------------------------------------------------------- */

static void check_wrong_options(infer_model *model)
{
    infer_plan *plan = (infer_plan *)&file;
    infer_plan_options o = {.size = 0};
    REFUSED(infer_plan_new(model, &o, &plan, &err), INFER_E_ARGUMENT, "size", "0");
    CHECK(!plan);
#define WRONG(status, part, ...)                                                                   \
    o = (infer_plan_options){.size = sizeof o, __VA_ARGS__};                                       \
    REFUSED(infer_plan_new(model, &o, &plan, &err), status, part);                                 \
    CHECK(!plan)
    WRONG(INFER_E_LIMIT, "context is 4294967295", .context = UINT32_MAX);
    WRONG(INFER_E_LIMIT, "batch is", .batch = UINT32_MAX, .context = 1u << 20);
    WRONG(INFER_E_LIMIT, "threads is 100000", .threads = 100000);
    WRONG(INFER_E_LIMIT, "sessions is 100000", .sessions = 100000);
    WRONG(INFER_E_LIMIT, "logit_rows is 4294967295", .logit_rows = UINT32_MAX);
    WRONG(INFER_E_ARGUMENT, "kv is 4", .kv = (infer_kv_type)4);
    WRONG(INFER_E_ARGUMENT, "\"sse2\"", .isa = "sse2");
    WRONG(INFER_E_ARGUMENT, "\"\"", .isa = "");
#if defined(__x86_64__)
    WRONG(INFER_E_UNSUPPORTED, "neon", .isa = "neon");
#else
    WRONG(INFER_E_UNSUPPORTED, "avx2", .isa = "avx2");
#endif
#undef WRONG
    CHECK(infer_plan_new(model, &o, &plan, NULL) == INFER_E_UNSUPPORTED);
}

static void check_plan(void)
{
    infer_model *model;
    infer_plan *plan;
    infer_session *session = (infer_session *)&file;
    CHECK(!infer_model_open_memory(file.ptr, file.len, NULL, &model, &err));
    check_wrong_options(model);

    infer_plan_options o = {.size = offsetof(infer_plan_options, batch), .context = 48, .batch = 7};
    infer_plan_info info;
    CHECK(!infer_plan_new(model, &o, &plan, &err)); /* an older program's struct ends at batch */
    infer_plan_get_info(plan, &info);
    CHECK(info.context == 48 && info.batch == 48 && info.sessions == 1 && info.logit_rows == 1 &&
          info.threads >= 1 && !strcmp(info.kv, "f16") && info.ops_per_token > 0 &&
          info.weight_bytes_per_token > 0 && info.weight_bytes_per_token < file.len);
    infer_plan_free(plan);
    CHECK(!infer_plan_new(model, NULL, &plan, &err));
    infer_plan_get_info(plan, &info);
    CHECK(info.context == 512); /* as trained */
    REFUSED(infer_session_new(plan, &session, &err), INFER_E_ARGUMENT, "not loaded");
    CHECK(!session && !infer_plan_loaded(plan));

    size_t need, len;
    CHECK(infer_plan_explain(plan, NULL, 0, &need, NULL) == INFER_E_RANGE && need > 100);
    char *text = malloc(need + 2);
    memset(text, 'x', need + 2);
    REFUSED(infer_plan_explain(plan, text, need - 1, &len, &err), INFER_E_RANGE, "");
    CHECK(len == need);
    text[need] = 'x';
    infer_status status = infer_plan_explain(plan, text, need + 1, &len, &err);
    CHECK(!status && len == need);
    free(text);

    double fraction = -1;
    REFUSED(infer_plan_load(plan, stop_loading, &fraction, &err), INFER_E_CANCELLED, "");
    CHECK(fraction >= 0 && fraction <= 1);
    CHECK(infer_session_new(plan, &session, NULL) == INFER_E_ARGUMENT);
    CHECK(!infer_plan_loaded(plan));
    fraction = 0;
    CHECK(!infer_plan_load(plan, watch_loading, &fraction, &err) && fraction <= 1);
    CHECK(infer_plan_loaded(plan));
    CHECK(!infer_plan_load(plan, stop_loading, &fraction, &err)); /* is there: does nothing */
    CHECK(!infer_session_new(plan, &session, &err));
    infer_session *second = (infer_session *)&file;
    REFUSED(infer_session_new(plan, &second, &err), INFER_E_LIMIT, "1 sessions");
    CHECK(!second);
    infer_session_free(session);
    CHECK(!infer_session_new(plan, &session, &err)); /* its place is free again */
    infer_session_free(session);
    infer_plan_free(plan);
    infer_model_free(model);
}

static void check_any_order(void)
{
    /* every order of freeing model, plan, two sessions; the last session still works */
    static const int orders[][3] = {{0, 1, 2}, {1, 0, 2}, {2, 1, 0}, {0, 2, 1}, {1, 2, 0}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct objects o = make((infer_plan_options){.sessions = 2});
        for (int k = 0; k < 3; k++) {
            if (orders[i][k] == 0)
                infer_model_free(o.model);
            else if (orders[i][k] == 1)
                infer_plan_free(o.plan);
            else
                infer_session_free(o.other);
        }
        infer_generated made;
        infer_model_info info;
        CHECK(!infer_generate(o.session, NULL, "still", 3, NULL, NULL, &made, &err));
        infer_model_get_info(infer_session_model(o.session), &info);
        CHECK(info.vocab_size == TINY_VOCAB);
        infer_session_free(o.session);
    }
}

/* ---- Evaluation ---------------------------------------------------------------------------- */

static void check_wrong_evals(void)
{
    struct objects o = make((infer_plan_options){.logit_rows = 2, .batch = 8, .sessions = 2});
    infer_token ids[100];
    bool want[100] = {true, true, true};
    float logits[TINY_VOCAB];
    make_ids(ids, 100, 1);
    const infer_token next = 17, wrong[3] = {4, 5, TINY_VOCAB}, below[1] = {-1};
    infer_session *s = o.session;
    CHECK(infer_session_tokens(s, &(size_t){0}) && !infer_session_logits(s, 0));
    CHECK(!infer_session_eval(s, ids, 20, NULL, &err) && infer_session_logits(s, 0));
    CHECK(!infer_session_logits(s, 1) && !infer_session_logits(s, SIZE_MAX));
    CHECK(!infer_session_eval(s, &next, 1, NULL, &err));
    memcpy(logits, infer_session_logits(s, 0), sizeof logits);
    CHECK(!infer_session_rewind(s, 20, &err));

    REFUSED(infer_session_eval(s, ids, 0, NULL, &err), INFER_E_ARGUMENT, "no tokens");
    CHECK(as_before(s, 20, logits));
    REFUSED(infer_session_eval(s, wrong, 3, NULL, &err), INFER_E_ARGUMENT, "token 2", "320");
    CHECK(as_before(s, 20, logits));
    REFUSED(infer_session_eval(s, below, 1, NULL, &err), INFER_E_ARGUMENT, "-1");
    REFUSED(infer_session_eval(s, ids, 45, NULL, &err), INFER_E_CONTEXT, "45", "20", "64");
    CHECK(as_before(s, 20, logits));
    REFUSED(infer_session_eval(s, ids, SIZE_MAX, NULL, &err), INFER_E_CONTEXT, "64");
    REFUSED(infer_session_eval(s, ids, 10, want, &err), INFER_E_LIMIT, "3", "2");
    CHECK(as_before(s, 20, logits));
    CHECK(infer_session_eval(s, wrong, 3, NULL, NULL) == INFER_E_ARGUMENT);

    /* logits of an eval that failed are gone, even where it failed at once */
    CHECK(!infer_session_eval(s, &next, 1, NULL, &err) && infer_session_logits(s, 0));
    CHECK(infer_session_eval(s, ids, 0, NULL, NULL) && !infer_session_logits(s, 0));

    /* two of four, in order; none */
    want[0] = want[2] = false;
    want[3] = true;
    CHECK(!infer_session_eval(s, ids, 4, want, &err) && infer_session_logits(s, 1) &&
          !infer_session_logits(s, 2));
    CHECK(!infer_session_eval(s, ids, 2, want + 50, &err) && !infer_session_logits(s, 0));

    infer_session *both[2] = {s, o.other}, *twice[2] = {s, s};
    const infer_token two[2] = {4, 5}, bad[2] = {4, -7};
    size_t before = tokens_of(s);
    REFUSED(infer_session_eval_batch(both, two, 0, &err), INFER_E_ARGUMENT, "no sessions");
    REFUSED(infer_session_eval_batch(twice, two, 2, &err), INFER_E_ARGUMENT, "0 and 1");
    REFUSED(infer_session_eval_batch(both, bad, 2, &err), INFER_E_ARGUMENT, "-7");
    CHECK(tokens_of(s) == before && tokens_of(o.other) == 0);
    struct objects stranger = make((infer_plan_options){0});
    infer_session *mixed[2] = {s, stranger.session};
    REFUSED(infer_session_eval_batch(mixed, two, 2, &err), INFER_E_ARGUMENT, "another plan");
    CHECK(infer_session_eval_batch(mixed, two, 2, NULL) == INFER_E_ARGUMENT);
    drop(&stranger);
    CHECK(!infer_session_eval_batch(both, two, 2, &err) && tokens_of(s) == before + 1 &&
          tokens_of(o.other) == 1 && infer_session_logits(o.other, 0));
    drop(&o);
}

static void check_full_context(void)
{
    struct objects o = make((infer_plan_options){.context = 40, .sessions = 2});
    infer_token ids[41];
    make_ids(ids, 41, 2);
    REFUSED(infer_session_eval(o.session, ids, 41, NULL, &err), INFER_E_CONTEXT, "41", "40");
    CHECK(!infer_session_eval(o.session, ids, 40, NULL, &err));
    REFUSED(infer_session_eval(o.session, ids, 1, NULL, &err), INFER_E_CONTEXT, "40");
    infer_session *both[2] = {o.other, o.session};
    REFUSED(infer_session_eval_batch(both, ids, 2, &err), INFER_E_CONTEXT, "40");
    CHECK(tokens_of(o.other) == 0 && tokens_of(o.session) == 40);
    REFUSED(infer_session_sync(o.session, ids, 41, NULL, &err), INFER_E_CONTEXT, "41", "40");
    CHECK(tokens_of(o.session) == 40);
    drop(&o);
}

static void check_sync(void)
{
    struct objects o = make((infer_plan_options){.sessions = 2});
    infer_token ids[30];
    size_t kept = 99;
    make_ids(ids, 30, 3);
    CHECK(!infer_session_sync(o.session, ids, 20, &kept, &err) && kept == 0);
    CHECK(!infer_session_sync(o.session, ids, 30, &kept, &err) && kept == 20);
    CHECK(!infer_session_sync(o.session, ids, 30, &kept, &err) && kept == 29);
    CHECK(infer_session_logits(o.session, 0) && tokens_of(o.session) == 30);
    ids[10] = ids[10] == 50 ? 51 : 50;
    CHECK(!infer_session_sync(o.session, ids, 25, &kept, &err) && kept == 10);
    size_t count;
    CHECK(!memcmp(infer_session_tokens(o.session, &count), ids, 25 * sizeof *ids) && count == 25);
    CHECK(!infer_session_eval(o.other, ids, 25, NULL, &err));
    CHECK(!memcmp(infer_session_logits(o.session, 0), infer_session_logits(o.other, 0), ROW_BYTES));
    ids[3] = TINY_VOCAB;
    REFUSED(infer_session_sync(o.session, ids, 25, &kept, &err), INFER_E_ARGUMENT, "token 3");
    CHECK(tokens_of(o.session) == 25);
    REFUSED(infer_session_rewind(o.session, 26, &err), INFER_E_ARGUMENT, "26", "25");
    CHECK(infer_session_rewind(o.session, SIZE_MAX, NULL) == INFER_E_ARGUMENT);
    CHECK(!infer_session_rewind(o.session, 25, &err) && !infer_session_logits(o.session, 0));
    CHECK(!infer_session_sync(o.session, ids, 0, &kept, &err) && tokens_of(o.session) == 0);
    infer_session_stats stats;
    infer_session_get_stats(o.session, &stats);
    CHECK(stats.tokens_evaluated == 20 + 10 + 1 + 15 && stats.decode_tokens == 1 &&
          stats.prefill_tokens == 45 && stats.prefill_ns > 0 && stats.decode_ns > 0);
    drop(&o);
}

/* ---- Sampling and generation --------------------------------------------------------------- */

static void check_sampler(void)
{
    infer_sampler *sampler = NULL;
    infer_sampler_options o;
    infer_token id;
    float logits[8] = {0, 1, 5, 2, 5, -1, 0, 0};
    infer_sampler_defaults(&o, 3);
    CHECK(o.size == sizeof o && o.seed == 3 && o.top_k == 40);
    CHECK(!infer_sampler_new(&o, 8, &sampler, &err));
    CHECK(!infer_sampler_sample(sampler, logits, &id, &err) && id >= 0 && id < 8);
    CHECK(!infer_sampler_accept(sampler, id, &err));
    REFUSED(infer_sampler_accept(sampler, 8, &err), INFER_E_ARGUMENT, "8");
    CHECK(infer_sampler_accept(sampler, -1, NULL) == INFER_E_ARGUMENT);
    infer_sampler_free(sampler);
    CHECK(!infer_sampler_new(NULL, 8, &sampler, &err));
    CHECK(!infer_sampler_sample(sampler, logits, &id, &err) && id == 2);
    logits[6] = NAN;
    REFUSED(infer_sampler_sample(sampler, logits, &id, &err), INFER_E_NUMERIC, "6");
    CHECK(infer_sampler_sample(sampler, logits, &id, NULL) == INFER_E_NUMERIC);
    infer_sampler_free(sampler);
    o.temperature = NAN;
    REFUSED(infer_sampler_new(&o, 8, &sampler, &err), INFER_E_ARGUMENT, "temperature");
    o.size = 3;
    REFUSED(infer_sampler_new(&o, 8, &sampler, &err), INFER_E_ARGUMENT, "size", "3");
    o.size = offsetof(infer_sampler_options, temperature);
    CHECK(!infer_sampler_new(&o, 8, &sampler, NULL));
    infer_sampler_free(sampler);
    REFUSED(infer_sampler_new(NULL, 0, &sampler, &err), INFER_E_ARGUMENT, "vocab_size");

    infer_logprob top[3];
    logits[6] = 0;
    CHECK(!infer_logprobs(logits, 8, top, 3, &err) && top[0].id == 2 && top[1].id == 4 &&
          top[2].id == 3 && top[0].logprob < 0);
    REFUSED(infer_logprobs(logits, 8, top, 9, &err), INFER_E_ARGUMENT, "9", "8");
}

struct heard {
    char text[4096];
    size_t len, calls, stop_at; /* stop_at: this call says stop; 0: none */
    infer_token ids[256];
    size_t tokens;
};

static bool hear(void *ud, const char *text, size_t len)
{
    struct heard *heard = ud;
    memcpy(heard->text + heard->len, text, len);
    heard->len += len;
    return ++heard->calls != heard->stop_at;
}

static void hear_token(void *ud, infer_token id, const float *logits)
{
    struct heard *heard = ud;
    CHECK(logits && isfinite(logits[id]));
    heard->ids[heard->tokens++] = id;
}

static infer_status more(struct objects *o, infer_generate_options options, struct heard *heard,
                         infer_generated *made)
{
    static const infer_token prompt[] = {20, 30, 40};
    *heard = (struct heard){.stop_at = heard->stop_at};
    options.size = sizeof options;
    options.on_text = hear;
    options.on_token = hear_token;
    options.ud = heard;
    infer_status status = infer_session_rewind(o->session, 0, &err);
    if (!status)
        status = infer_session_eval(o->session, prompt, 3, NULL, &err);
    return status ? status : infer_generate_more(o->session, &options, made, &err);
}

/* A sampler that always picks `id` (or, -1, never the end). */
static infer_sampler *forced(const infer_model *model, infer_token id)
{
    infer_logit_bias bias = {id, 1e6f};
    if (id < 0)
        bias = (infer_logit_bias){infer_token_special(model, INFER_SPECIAL_EOS), -INFINITY};
    infer_sampler_options o = {.size = sizeof o, .bias = &bias, .bias_count = 1};
    infer_sampler *sampler = NULL;
    CHECK(!infer_sampler_new(&o, TINY_VOCAB, &sampler, &err));
    return sampler;
}

static void check_stops(struct objects *o, infer_sampler *endless)
{
    static struct heard heard, all;
    infer_generated made;
    infer_generate_options options = {.sampler = endless, .max_tokens = 12};
    CHECK(!more(o, options, &all, &made) && made.stop == INFER_STOP_LIMIT && made.tokens == 12);
    CHECK(all.tokens == 12 && tokens_of(o->session) == 15);

    /* a stop text out of the middle: what comes is the text before its first place */
    char stop[8] = "";
    size_t at = all.len / 2, len = all.len - at < 3 ? all.len - at : 3;
    memcpy(stop, all.text + at, len);
    const char *const stops[] = {"never in this text", stop};
    options.stop = stops;
    options.stop_count = 2;
    if (len && strlen(stop) == len) {
        const char *first = memmem(all.text, all.len, stop, len);
        CHECK(!more(o, options, &heard, &made) && made.stop == INFER_STOP_STOP);
        CHECK(heard.len == (size_t)(first - all.text) && !memcmp(heard.text, all.text, heard.len));
    }
    const char *const empty[] = {""};
    options.stop = empty;
    options.stop_count = 1;
    CHECK(more(o, options, &heard, &made) == INFER_E_ARGUMENT);
    CHECK(tokens_of(o->session) == 3);
    options.stop_count = 0;
    heard.stop_at = 1;
    CHECK(!more(o, options, &heard, &made) && made.stop == INFER_STOP_CANCELLED);
    heard.stop_at = 0;
}

static void check_generation(void)
{
    static struct heard heard;
    struct objects o = make((infer_plan_options){.context = 40});
    infer_generated made = {0};
    infer_sampler *endless = forced(o.model, -1);
    infer_sampler *ending = forced(o.model, infer_token_special(o.model, INFER_SPECIAL_EOS));
    infer_generate_options options = {.size = 0};
    REFUSED(infer_generate_more(o.session, &options, &made, &err), INFER_E_ARGUMENT, "size", "0");
    REFUSED(infer_generate_more(o.session, NULL, &made, &err), INFER_E_ARGUMENT, "empty");
    CHECK(infer_generate_more(o.session, NULL, NULL, NULL) == INFER_E_ARGUMENT);

    options = (infer_generate_options){.sampler = ending};
    CHECK(!more(&o, options, &heard, &made) && made.stop == INFER_STOP_END && made.tokens == 0);
    CHECK(heard.tokens == 1 && heard.len == 0);
    options.sampler = endless;
    CHECK(!more(&o, options, &heard, &made) && made.stop == INFER_STOP_CONTEXT);
    CHECK(made.tokens == 38 && tokens_of(o.session) == 40); /* the last needs no place */
    check_stops(&o, endless);
    CHECK(!infer_session_rewind(o.session, 3, &err)); /* no logits: the last token is read again */
    CHECK(!infer_generate_more(o.session, NULL, &made, &err) && tokens_of(o.session) >= 3);

    CHECK(!infer_generate(o.session, endless, "ab", 4, NULL, NULL, &made, &err));
    CHECK(made.tokens == 4 && made.stop == INFER_STOP_LIMIT);
    CHECK(!infer_generate(o.session, NULL, "ab", 1, hear, &heard, NULL, NULL));
    infer_session_cancel(o.session); /* heard while the prompt is read */
    CHECK(!infer_generate(o.session, endless, "other words", 4, NULL, NULL, &made, &err));
    CHECK(made.tokens == 0 && made.stop == INFER_STOP_CANCELLED);
    char longer[400];
    memset(longer, 'q', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    CHECK(infer_generate(o.session, NULL, longer, 4, NULL, NULL, &made, &err) == INFER_E_CONTEXT);
    infer_sampler_free(endless);
    infer_sampler_free(ending);
    drop(&o);
}

static void check_save(void)
{
    struct objects o = make((infer_plan_options){.sessions = 2});
    char name[] = "/tmp/check_api.XXXXXX";
    int fd = mkstemp(name);
    const infer_token ids[3] = {9, 8, 7};
    CHECK(fd >= 0 && !infer_session_eval(o.session, ids, 3, NULL, &err));
    CHECK(!infer_session_save(o.session, name, &err));
    CHECK(!infer_session_restore(o.other, name, &err) && tokens_of(o.other) == 3);
    REFUSED(infer_session_save(o.session, "/no/such/place", &err), INFER_E_IO, "/no/such/place");
    REFUSED(infer_session_restore(o.other, "/no/such/place", &err), INFER_E_IO, "/no/such/place: ");
    CHECK(infer_session_restore(o.other, "/no/such/place", NULL) == INFER_E_IO);
    CHECK(tokens_of(o.other) == 3);
    REFUSED(infer_session_restore(o.other, NULL, &err), INFER_E_ARGUMENT, "path: NULL");
    REFUSED(infer_session_save(o.other, NULL, &err), INFER_E_ARGUMENT, "path: NULL");
    close(fd);
    unlink(name);
    drop(&o);
}

int main(void)
{
    file = tiny_model(tiny_kind_at(0), Q4_K, 1);
    check_library();
    check_open();
    check_model();
    check_tokens();
    check_plan();
    check_any_order();
    check_wrong_evals();
    check_full_context();
    check_sync();
    check_sampler();
    check_generation();
    check_save();
    free(file.ptr);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
