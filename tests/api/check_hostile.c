/*
 * Damaged files all the way: opened, asked whether they run, planned, loaded and evaluated. Each
 * gets its verdict with a text, within the memory and the time that its size allows, on a stack of
 * 256 KiB: the program starts itself again with that limit.
 */
#include "formats/gguf.h"
#include "lib/base/map.h"
#include "lib/device/device.h"
#include "tests/count_alloc.h"
#include "tests/mkbad.h"
#include "tests/tiny/models.h"
#include "tests/tiny/randblock.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if SANITIZED
#define STACK_BYTES ((rlim_t)1024 << 10) /* frames grow by what a sanitizer puts between */
#define SECONDS_MAX 8.0
#else
#define STACK_BYTES ((rlim_t)256 << 10)
#define SECONDS_MAX 1.0
#endif
#define PLAN_BYTES ((size_t)64 << 20)
#define ROW_BYTES (TINY_VOCAB * sizeof(float))

static int passed, failed;

static bool verdict(bool good, const char *name, const char *what, const char *text)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAIL %s: %s: %s\n", name, what, text);
    return good;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One line of printable UTF-8 that says the status that was returned. */
static bool good_text(infer_status status, const infer_error *err)
{
    if (err->status != status || !err->text[0] || !memchr(err->text, 0, sizeof err->text))
        return false;
    for (const char *at = err->text; *at;) {
        uint32_t code;
        size_t step = inf_utf8_decode(at, strlen(at), &code);
        if (!step || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
            (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
            return false;
        at += step;
    }
    return true;
}

/* ---- The cases of mkbad.h ------------------------------------------------------------------ */

/* Plans, loads, evaluates four tokens and one more, tokenises: what a model that runs must do. */
static infer_status run_model(infer_model *model, const char *isa, infer_kv_type kv,
                              infer_error *err)
{
    infer_plan_options options = {
        .size = sizeof options, .context = 16, .threads = 2, .kv = kv, .isa = isa};
    infer_plan *plan = NULL;
    infer_session *session = NULL;
    infer_model_info info;
    infer_status status;
    infer_model_get_info(model, &info);
    infer_token ids[16], last = (infer_token)info.vocab_size - 1;
    for (int i = 0; i < 4; i++)
        ids[i] = (infer_token)((unsigned)i * 37 % info.vocab_size);
    if (!(status = infer_plan_new(model, &options, &plan, err)) &&
        !(status = infer_plan_load(plan, NULL, NULL, err)) &&
        !(status = infer_session_new(plan, &session, err)) &&
        !(status = infer_session_eval(session, ids, 4, NULL, err)))
        status = infer_session_eval(session, &last, 1, NULL, err);
    if (!status) {
        const float *numbers = infer_session_logits(session, 0);
        uint32_t count = numbers ? info.vocab_size : info.embedding_length;
        if (!numbers)
            numbers = infer_session_embedding(session);
        for (uint32_t i = 0; i < count; i++)
            if (!isfinite(numbers[i]))
                status = inf_fail(err, INFER_E_FORMAT, "number %u is not finite", i);
    }
    infer_session_free(session);
    infer_plan_free(plan);
    return status;
}

static void try_tokenizer(const infer_model *model)
{
    static const char text[] = "abc \xe2\x96\x81 \xff <0x41> <s> a\0b the end of it\n";
    infer_token ids[4 * sizeof text];
    size_t count;
    char bytes[256];
    if (!infer_tokenize(model, text, sizeof text - 1, 1, ids, sizeof ids / sizeof *ids, &count,
                        NULL))
        infer_detokenize(model, ids, count, bytes, sizeof bytes, &count, NULL);
}

/* Whether a model whose verdict is `want` did as it must: H1 is found by the numbers alone. */
static bool ran_as_it_must(const struct mkbad_case *c, infer_status status, const infer_error *err)
{
    if (!strcmp(c->row, "H1"))
        return status == INFER_E_NUMERIC && strstr(err->text, "step") &&
               strstr(err->text, ".weight") && good_text(status, err);
    if (!strcmp(c->row, "H2") || c->model == MKBAD_EITHER)
        return status == INFER_OK || good_text(status, err);
    return status == INFER_OK;
}

static void check_case(const struct mkbad_case *c)
{
    struct count_alloc count;
    infer_error err = {.text = ""};
    infer_model *model = NULL;
    double start = now_s();
    count_alloc_init(&count);
    count.limit_bytes = 8 * c->meta_bytes + (16u << 20);
    infer_model_options options = {.size = sizeof options, .allocator = &count.a};
    uint8_t *copy = malloc(c->file.len + 1); /* ends where the file ends */
    memcpy(copy, c->file.ptr, c->file.len);
    infer_status status = infer_model_open_memory(copy, c->file.len, &options, &model, &err);
    bool open = !status;
    if (open)
        status = infer_model_check(model, &err);
    verdict(!status || good_text(status, &err), c->name, "the text", err.text);
    verdict(c->model == MKBAD_EITHER || (c->model == MKBAD_OK) == !status, c->name, "the verdict",
            status ? err.text : "runs");
    verdict(!count.passed_limit, c->name, "memory", "more than the file allows");
    verdict(open == (model != NULL), c->name, "the model", "of a file that was refused");
    if (open)
        try_tokenizer(model);
    if (!status) {
        count.limit_bytes += PLAN_BYTES;
        status = run_model(model, NULL, INFER_KV_F16, &err);
        verdict(ran_as_it_must(c, status, &err), c->name, "running",
                status ? err.text : "no error");
        verdict(!count.passed_limit, c->name, "memory", "more than the plan needs");
    } else if (open) {
        infer_plan *plan;
        infer_status again = infer_plan_new(model, NULL, &plan, &err);
        verdict(again == status && !plan && good_text(again, &err), c->name, "a plan", err.text);
    }
    infer_model_free(model);
    verdict(!count.blocks && !count.maps, c->name, "memory", "blocks are left");
    verdict(now_s() - start < SECONDS_MAX, c->name, "time", "longer than a second");
    free(copy);
}

/* ---- Weights ------------------------------------------------------------------------------- */

/* Every matrix of a type filled with one byte, or with random ones (fill < 0). */
static void fill_matrices(struct mk_bytes *file, uint32_t type_id, int fill)
{
    struct inf_gguf *gguf;
    uint64_t rng = 99;
    if (inf_gguf_parse(&inf_allocator_default, file->ptr, file->len, &gguf, NULL))
        abort();
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        const struct inf_gguf_tensor *t = &gguf->tensors[i];
        uint8_t *data = file->ptr + (t->data - gguf->bytes);
        if (t->type_id != type_id || t->dims < 2)
            continue;
        for (uint64_t at = 0; at < t->bytes; at++)
            data[at] = (uint8_t)(fill < 0 ? inf_test_random(&rng) >> 56 : (unsigned)fill);
    }
    inf_gguf_free(gguf);
}

/* H2: whatever the bytes of blocks, numbers or INFER_E_NUMERIC, on every level, with every cache;
 * and every level agrees on which. */
static void check_payloads(uint32_t type_id)
{
    static const int fills[] = {0x00, 0xff, -1};
    for (size_t f = 0; f < sizeof fills / sizeof *fills; f++) {
        struct mk_bytes file = tiny_model(tiny_kind_at(0), type_id, 5);
        infer_model *model;
        infer_error err = {.text = ""};
        char name[80];
        fill_matrices(&file, type_id, fills[f]);
        if (infer_model_open_memory(file.ptr, file.len, NULL, &model, &err)) {
            verdict(false, "H2", inf_type_info(type_id)->name, err.text);
            free(file.ptr);
            continue;
        }
        infer_status first = INFER_OK;
        for (int isa = 0; isa < INF_ISA_EXACT; isa++) {
            if (!(inf_cpu_usable() >> isa & 1))
                continue;
            snprintf(name, sizeof name, "H2 %s, bytes %d, %s", inf_type_info(type_id)->name,
                     fills[f], inf_isa_name((enum inf_isa)isa));
            infer_status status = run_model(model, inf_isa_name((enum inf_isa)isa),
                                            (infer_kv_type)(type_id % 4), &err);
            verdict(!status || (status == INFER_E_NUMERIC && good_text(status, &err)), name,
                    "status", err.text);
            if (isa == 0)
                first = status;
            verdict(status == first, name, "the status of ref", infer_status_name(first));
        }
        infer_model_free(model);
        free(file.ptr);
    }
}

static void must(infer_status status, const infer_error *err)
{
    if (status) {
        printf("FAIL %s\n%d passed, %d failed\n", err->text, passed, failed + 1);
        exit(1);
    }
}

/* A token whose embedding is not a number fails by itself; what it left in the cache behind the
 * session's end does not reach the tokens that come after. */
static void check_bad_token(const char *isa, infer_kv_type kv, uint32_t bits)
{
    enum { BAD = 100 };
    struct mk_bytes file = tiny_model(tiny_kind_at(0), INF_TYPE_F32, 6);
    struct inf_gguf *gguf;
    infer_error err = {.text = ""};
    must(inf_gguf_parse(&inf_allocator_default, file.ptr, file.len, &gguf, &err), &err);
    const struct inf_gguf_tensor *t = inf_gguf_tensor(gguf, "token_embd.weight");
    uint8_t *row = file.ptr + (t->data - gguf->bytes) + BAD * t->shape[0] * 4;
    for (size_t i = 0; i < t->shape[0]; i++)
        memcpy(row + 4 * i, &bits, 4);
    inf_gguf_free(gguf);

    infer_plan_options options = {
        .size = sizeof options, .context = 64, .threads = 2, .kv = kv, .isa = isa};
    infer_model *model;
    infer_plan *plan;
    infer_session *session;
    must(infer_model_open_memory(file.ptr, file.len, NULL, &model, &err), &err);
    must(infer_plan_new(model, &options, &plan, &err), &err);
    must(infer_plan_load(plan, NULL, NULL, &err), &err);
    must(infer_session_new(plan, &session, &err), &err);
    static const infer_token good[] = {5, 6, 7, 8}, bad[] = {9, 10, BAD, 11, BAD, 12, 13, BAD};
    float want[TINY_VOCAB];
    char name[64];
    snprintf(name, sizeof name, "a token of %08x, %s, kv %d", (unsigned)bits, isa, (int)kv);
    must(infer_session_eval(session, good, 3, NULL, &err), &err);
    must(infer_session_eval(session, good + 3, 1, NULL, &err), &err);
    memcpy(want, infer_session_logits(session, 0), ROW_BYTES);
    must(infer_session_rewind(session, 3, &err), &err);
    infer_status status = infer_session_eval(session, bad, 8, NULL, &err);
    verdict(status == INFER_E_NUMERIC && strstr(err.text, "step") && good_text(status, &err), name,
            "status", err.text);
    verdict(!infer_session_logits(session, 0), name, "logits", "are kept");
    must(infer_session_eval(session, good + 3, 1, NULL, &err), &err);
    verdict(!memcmp(infer_session_logits(session, 0), want, ROW_BYTES), name, "afterwards",
            "other bits");
    must(infer_session_rewind(session, 0, &err), &err);
    status = infer_session_eval(session, good, 4, NULL, &err);
    verdict(!status && !memcmp(infer_session_logits(session, 0), want, ROW_BYTES), name,
            "from the start", err.text);
    infer_session_free(session);
    infer_plan_free(plan);
    infer_model_free(model);
    free(file.ptr);
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* D9: a MiB of one thing over and over, and of things in turn; it comes back. */
static void check_long_texts(int which)
{
    enum { BYTES = 1 << 20, IDS = BYTES + 4 }; /* a blank is put before the text */
    static const char *const parts[] = {
        "A", " ", "\n", ".", "\xe4\xb8\xad", "\xc3\xa9", "7", "\xff", "<s>", "it's 12 \n\t",
    };
    struct mk_file *file = which ? mk_base_t2() : mk_base_t();
    struct mk_bytes bytes = mk_build(file, NULL);
    infer_model *model;
    infer_error err = {.text = ""};
    char *text = malloc(BYTES), *back = malloc(BYTES);
    infer_token *ids = malloc(IDS * sizeof *ids);
    must(infer_model_open_memory(bytes.ptr, bytes.len, NULL, &model, &err), &err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t len = 0, part = strlen(parts[i]), count, got;
        for (; len + part <= BYTES; len += part)
            memcpy(text + len, parts[i], part);
        double start = now_s();
        infer_status status =
            infer_tokenize(model, text, len, INFER_TOKENIZE_PLAIN, ids, IDS, &count, &err);
        verdict(!status, "D9", parts[i], err.text);
        verdict(now_s() - start < SECONDS_MAX, "D9", parts[i], "longer than a second");
        status = status ? status : infer_detokenize(model, ids, count, back, BYTES, &got, &err);
        verdict(!status && got == len && !memcmp(text, back, len), "D9", parts[i], "other text");
    }
    infer_model_free(model);
    mk_free(file);
    free(bytes.ptr);
    free(text);
    free(back);
    free(ids);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void put_file(const char *path, const struct mk_bytes *bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes->ptr, 1, bytes->len, f) != bytes->len || fclose(f))
        must(INFER_E_IO, &(infer_error){.text = "a file cannot be written"});
}

static void check_name(const char *path, const char *name, infer_status status,
                       const infer_error *err)
{
    size_t len = strlen(path);
    verdict(good_text(status, err) && !strncmp(err->text, path, len) &&
                !strncmp(err->text + len, ": ", 2) && strstr(err->text + len, path) == NULL,
            name, "the file's name is before its error, once", err->text);
}

/* Each damaged file as a file: what is said of it begins with its path. */
static void check_names(const char *folder)
{
    char path[64];
    snprintf(path, sizeof path, "%s/bad.gguf", folder);
    for (size_t i = 0; i < mkbad_count(); i++) {
        struct mkbad_case c;
        infer_error err = {.text = ""};
        infer_model *model = NULL;
        infer_plan *plan = NULL;
        infer_token ids[32];
        size_t count;
        mkbad_make(i, &c);
        put_file(path, &c.file);
        infer_status status = infer_model_open(path, NULL, &model, &err);
        if (status) {
            check_name(path, c.name, status, &err);
        } else {
            if ((status = infer_model_check(model, &err)))
                check_name(path, c.name, status, &err);
            if (status && (status = infer_plan_new(model, NULL, &plan, &err)))
                check_name(path, c.name, status, &err);
            if (infer_tokenize(model, NULL, 0, 0, ids, 32, &count, &err))
                check_name(path, c.name, err.status, &err);
        }
        infer_plan_free(plan);
        infer_model_free(model);
        mkbad_free(&c);
    }
    unlink(path);
}

/* B12: what is no regular file is refused at once. */
static void check_odd_files(const char *folder)
{
    char fifo[64], loop[64];
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    snprintf(loop, sizeof loop, "%s/loop", folder);
    if (mkfifo(fifo, 0600) || symlink(loop, loop))
        must(INFER_E_IO, &(infer_error){.text = "a fifo or link cannot be made"});
    const char *const odd[] = {fifo, loop, folder, "/dev/zero", "/dev/null", "/proc/self/mem", ""};
    for (size_t i = 0; i < 2 * sizeof odd / sizeof *odd; i++) {
        infer_model_options options = {.size = sizeof options, .no_mmap = i & 1};
        infer_error err = {.text = ""};
        infer_model *model;
        double start = now_s();
        infer_status status = infer_model_open(odd[i / 2], &options, &model, &err);
        verdict(status == INFER_E_IO || status == INFER_E_FORMAT, "B12", odd[i / 2], err.text);
        if (*odd[i / 2])
            check_name(odd[i / 2], "B12", status, &err);
        verdict(now_s() - start < 0.2 && !model, "B12", odd[i / 2], "time");
    }
    unlink(fifo);
    unlink(loop);
}

static void check_first(infer_session *session, const float *want, const char *what)
{
    static const infer_token ids[] = {5, 6, 7};
    infer_error err = {.text = "other bits"};
    infer_status status = infer_session_sync(session, ids, 3, NULL, &err);
    verdict(!status && !memcmp(infer_session_logits(session, 0), want, ROW_BYTES), "B11", what,
            err.text);
}

/* B11: a file that was read whole may shrink and change; one that is mapped may be replaced. */
static void check_changing_files(const char *folder)
{
    char path[64], other[64];
    struct mk_bytes file = tiny_model(tiny_kind_at(0), INF_TYPE_Q8_0, 7);
    struct mk_bytes another = tiny_model(tiny_kind_at(0), INF_TYPE_Q8_0, 8);
    infer_error err;
    float want[TINY_VOCAB];
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    snprintf(other, sizeof other, "%s/other.gguf", folder);
    for (int no_mmap = 0; no_mmap < 2; no_mmap++) {
        infer_model_options how = {.size = sizeof how, .no_mmap = no_mmap};
        infer_plan_options options = {.size = sizeof options, .context = 32, .threads = 2};
        infer_model *model;
        infer_plan *plan;
        infer_session *session;
        put_file(path, &file);
        must(infer_model_open(path, &how, &model, &err), &err);
        must(infer_plan_new(model, &options, &plan, &err), &err);
        must(infer_plan_load(plan, NULL, NULL, &err), &err);
        must(infer_session_new(plan, &session, &err), &err);
        static const infer_token ids[] = {5, 6, 7};
        must(infer_session_eval(session, ids, 3, NULL, &err), &err);
        memcpy(want, infer_session_logits(session, 0), ROW_BYTES);
        must(infer_session_rewind(session, 0, &err), &err);
        if (no_mmap) {
            if (truncate(path, 4096))
                must(INFER_E_IO, &(infer_error){.text = "truncate"});
            check_first(session, want, "a file that shrank after it was read");
            put_file(path, &another);
            check_first(session, want, "a file overwritten after it was read");
        } else {
            put_file(other, &another);
            if (rename(other, path))
                must(INFER_E_IO, &(infer_error){.text = "rename"});
            check_first(session, want, "a file that another was renamed over");
            unlink(path);
            check_first(session, want, "a file that is deleted");
        }
        infer_session_free(session);
        infer_plan_free(plan);
        infer_model_free(model);
    }
    unlink(path);
    free(file.ptr);
    free(another.ptr);
}

/* ---- All ------------------------------------------------------------------------------------- */

static bool is_weight_type(const struct inf_type_info *type)
{
    return type && type->form != INF_FORM_NUMBER;
}

int main(int argc, char **argv)
{
    if (argc < 2) { /* the limit is for what starts after it is set */
        struct rlimit limit = {STACK_BYTES, STACK_BYTES};
        char *again[] = {argv[0], "--here", NULL};
        if (!setrlimit(RLIMIT_STACK, &limit))
            execv("/proc/self/exe", again);
        perror("check_hostile");
        return 1;
    }
    for (size_t i = 0; i < mkbad_count(); i++) {
        struct mkbad_case c;
        mkbad_make(i, &c);
        check_case(&c);
        mkbad_free(&c);
    }
    for (uint32_t type = 0; type < 64; type++)
        if (is_weight_type(inf_type_info(type)))
            check_payloads(type);
    for (int isa = 0; isa < INF_ISA_EXACT; isa++)
        for (int kv = INFER_KV_F16; inf_cpu_usable() >> isa & 1 && kv <= INFER_KV_Q8_0; kv++) {
            check_bad_token(inf_isa_name((enum inf_isa)isa), (infer_kv_type)kv, 0x7fc00000);
            check_bad_token(inf_isa_name((enum inf_isa)isa), (infer_kv_type)kv, 0x7f800000);
        }
    check_long_texts(0);
    check_long_texts(1);
    char folder[] = "/tmp/check_hostile.XXXXXX";
    if (!mkdtemp(folder))
        must(INFER_E_IO, &(infer_error){.text = "no folder for files"});
    check_names(folder);
    check_odd_files(folder);
    check_changing_files(folder);
    rmdir(folder);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
