/*
 * Saved sessions: whatever the bytes, restoring gives a status and a text; after a failure the
 * session is empty, after a success its tokens are in the vocabulary; and each time it evaluates.
 * The checksum of half of the inputs is made right, so that what is behind it is reached.
 */
#include "formats/type.h"
#include "lib/base/base.h"
#include "tests/fuzz/fuzz.h"
#include "tests/tiny/models.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONTEXT 24
#define ROW_BYTES (TINY_VOCAB * sizeof(float))

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_session: %s\n", what);
        abort();
    }
}

static const infer_token ids[] = {5, 77, 130, 9, 200, 41};

/* Made once; what is left of it at the end belongs to the process. */
static struct {
    struct mk_bytes file;
    infer_session *session;
    float first[TINY_VOCAB]; /* logits of ids[0] in an empty session */
    int fd;                  /* the input as a file in memory */
    char path[64];
} made;

static void make(void)
{
    infer_error err;
    infer_model *model;
    infer_plan *plan;
    infer_plan_options options = {.size = sizeof options, .context = CONTEXT, .threads = 1};
    if (made.session)
        return;
    made.file = tiny_model(tiny_kind_at(0), INF_TYPE_Q4_K, 1);
    must(!infer_model_open_memory(made.file.ptr, made.file.len, NULL, &model, &err), err.text);
    must(!infer_plan_new(model, &options, &plan, &err), err.text);
    must(!infer_plan_load(plan, NULL, NULL, &err), err.text);
    must(!infer_session_new(plan, &made.session, &err), err.text);
    infer_plan_free(plan);
    infer_model_free(model);
    must(!infer_session_eval(made.session, ids, 1, NULL, &err), err.text);
    memcpy(made.first, infer_session_logits(made.session, 0), ROW_BYTES);
    made.fd = memfd_create("session", MFD_CLOEXEC);
    must(made.fd >= 0, "no file in memory");
    snprintf(made.path, sizeof made.path, "/proc/self/fd/%d", made.fd);
}

/* The checksum of a saved session, as lib/state.c makes it: in pieces, each by whole words and then
 * by bytes. The pieces of the file are told by its token count. */
struct sum {
    const uint8_t *at;
    size_t left;
    uint64_t value;
};

static void add(struct sum *sum, size_t len)
{
    len = len < sum->left ? len : sum->left;
    const uint8_t *at = sum->at, *words_end = at + len / 8 * 8, *end = at + len;
    for (; at < words_end; at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        sum->value = (sum->value ^ word) * 0x100000001b3u;
        sum->value ^= sum->value >> 29;
    }
    sum->value = inf_hash(at, (size_t)(end - at), sum->value);
    sum->at = end;
    sum->left -= len;
}

static void mend(uint8_t *data, size_t size)
{
    const struct tiny_kind *kind = tiny_kind_at(0);
    uint64_t tokens, turns;
    if (size < 48)
        return;
    memcpy(&tokens, data + 24, 8);
    memcpy(&turns, data + 32, 8);
    if (tokens > CONTEXT || turns > tokens)
        return;
    struct sum sum = {data, size - 8, INF_HASH_SEED};
    size_t row = (size_t)kind->head_size * 2; /* f16 */
    add(&sum, 40);
    add(&sum, tokens * 4);
    add(&sum, turns * 16);
    for (uint32_t i = 0; i < kind->layers * kind->kv_heads; i++) {
        add(&sum, (tokens + 15) / 16 * 16 * row);
        add(&sum, tokens * row);
    }
    memcpy(data + size - 8, &sum.value, 8);
}

static void put_input(const uint8_t *data, size_t size, bool mended)
{
    uint8_t *copy = malloc(size + 1);
    must(copy != NULL, "no memory");
    memcpy(copy, data, size);
    if (mended)
        mend(copy, size);
    must(!ftruncate(made.fd, 0) && pwrite(made.fd, copy, size, 0) == (ssize_t)size, "no file");
    free(copy);
}

/* What a session of ids[0] alone must be once a file was refused: as it was, or empty and usable. */
static void look_at_refused(void)
{
    infer_error err;
    size_t count;
    const infer_token *got = infer_session_tokens(made.session, &count);
    must(count == 0 || (count == 1 && got[0] == ids[0]), "neither as it was nor empty");
    must(!count == !infer_session_logits(made.session, 0), "logits without tokens, or none");
    if (!count)
        must(!infer_session_eval(made.session, ids, 1, NULL, &err), err.text);
    must(!memcmp(infer_session_logits(made.session, 0), made.first, ROW_BYTES), "other bits");
}

/* Restores, looks at what came, and evaluates behind it. */
static infer_status restore(void)
{
    infer_error err = {.text = ""};
    size_t count;
    must(!infer_session_rewind(made.session, 0, &err), err.text);
    must(!infer_session_eval(made.session, ids, 1, NULL, &err), err.text);
    infer_status status = infer_session_restore(made.session, made.path, &err);
    if (status) {
        must(err.status == status && err.text[0] && !strchr(err.text, '\n'), "the text");
        look_at_refused();
        return status;
    }
    const infer_token *got = infer_session_tokens(made.session, &count);
    must(!infer_session_logits(made.session, 0), "logits are kept");
    must(count <= CONTEXT, "more tokens than the context");
    for (size_t i = 0; i < count; i++)
        must(got[i] >= 0 && got[i] < TINY_VOCAB, "a token behind the vocabulary");
    infer_status next = infer_session_eval(made.session, ids, 1, NULL, &err);
    must(!next || next == INFER_E_NUMERIC || (next == INFER_E_CONTEXT && count == CONTEXT),
         err.text);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make();
    put_input(data, size, false);
    if (!restore())
        return 0;
    put_input(data, size, true);
    restore();
    return 0;
}

/* A conversation of two turns. */
static void talk(void)
{
    static const char text[] = "{% for m in messages %}{{ m.content }}{% endfor %}";
    static const char *const talks[] = {
        "[{\"role\": \"user\", \"content\": \"a\"}]",
        "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"user\", \"content\": \"b\"}]"};
    infer_error err;
    infer_template *t;
    must(!infer_template_new(infer_session_model(made.session), text, sizeof text - 1, &t, &err),
         err.text);
    infer_chat_options options = {.size = sizeof options, .chat_template = t, .max_tokens = 3};
    for (int i = 0; i < 2; i++)
        must(!infer_chat(made.session, talks[i], strlen(talks[i]), &options, NULL, &err), err.text);
    infer_template_free(t);
}

/* A session of six tokens, one of all tokens, an empty one, one with turns. */
bool fuzz_base(size_t index, uint8_t **data, size_t *size, size_t *head_bytes)
{
    infer_error err;
    char path[] = "/tmp/fuzz_session.XXXXXX";
    if (index > 3)
        return false;
    make();
    must(!infer_session_rewind(made.session, 0, &err), err.text);
    for (int i = 0; i < (index == 1 ? CONTEXT / 6 : index == 0 ? 1 : 0); i++)
        must(!infer_session_eval(made.session, ids, 6, NULL, &err), err.text);
    if (index == 3)
        talk();
    int fd = mkstemp(path);
    must(fd >= 0 && !infer_session_save(made.session, path, &err), err.text);
    close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t end = lseek(fd, 0, SEEK_END);
    must(end > 0 && (*data = malloc((size_t)end)), "a saved session");
    *size = (size_t)end;
    *head_bytes = 40 + 6 * sizeof *ids + 2 * 16;
    must(pread(fd, *data, *size, 0) == end, "a saved session");
    close(fd);
    unlink(path);
    put_input(*data, *size, true);
    must(!infer_session_restore(made.session, made.path, &err), "the checksum made here");
    return true;
}
