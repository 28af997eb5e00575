/*
 * Saved sessions. A file is little-endian:
 *
 *     "INFS" | u32 version | u64 model | u64 settings | u64 tokens | u64 turns | ids (i32, tokens)
 *     for each turn of a conversation what the model made: u32 first token, u32 end | u64 byte of its text
 *     for each layer and KV head: K of the tokens in whole groups of 16 | V of the tokens
 *     where layers are recurrent, twice: u64 tokens that a state has seen (0: it says nothing) | state
 *     u64 checksum of all before it
 *
 * `model` is a hash of the header, the size and a sample of the weights; `settings` the KV type and
 * exactness, on which the numbers in the cache depend. Where the head and the size are wrong, the
 * session keeps what it has; behind them a file is read into the session's own memory, which a
 * failure leaves empty: a second copy of the cache would be memory that no plan counts.
 */
#include "lib/session.h"

#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "INFS"
#define VERSION 3u /* 1: a scale of q8_0 for 32 numbers of the cache; 2: no turns */
#define SAMPLE_BYTES 4096
#define SAMPLES 64

struct head {
    char magic[4];
    uint32_t version;
    uint64_t model, settings, tokens, turns;
};

/* FNV-1a over 8 bytes at a time, with a turn that brings high bits down; each step is a bijection,
 * so damage inside one word always shows. Guards against damage, not against intent. */
static uint64_t checksum(const void *bytes, size_t len, uint64_t seed)
{
    const uint8_t *at = bytes;
    for (; len >= 8; len -= 8, at += 8) {
        seed = (seed ^ inf_load_u64(at)) * 0x100000001b3u;
        seed ^= seed >> 29;
    }
    return inf_hash(at, len, seed);
}

static uint64_t model_hash(const infer_model *model)
{
    uint64_t hash = INF_HASH_SEED;
    for (uint32_t p = 0; p < model->part_count; p++) {
        const struct inf_gguf *part = model->parts[p];
        uint64_t size = part->size;
        hash = checksum(&size, sizeof size, hash);
        hash = checksum(part->bytes, inf_min_size(part->data_start, part->size), hash);
        for (size_t i = 0; i < SAMPLES && part->size > SAMPLE_BYTES; i++) {
            size_t at = (part->size - SAMPLE_BYTES) / SAMPLES * i;
            hash = checksum(part->bytes + at, SAMPLE_BYTES, hash);
        }
    }
    return hash;
}

/* In `settings`, beside the KV type. */
#define EXACT 256u
#define APPROX 512u

static uint64_t settings_of(const infer_plan *plan)
{
    return plan->kv | (plan->exact ? EXACT : 0) | (plan->sgemm ? APPROX : 0);
}

static const char *arithmetic(uint64_t settings)
{
    return settings & EXACT ? " (exact)" : settings & APPROX ? " (approx)" : "";
}

/* Of one head of a layer: K in whole groups of 16 positions, V of the tokens alone. */
static size_t k_bytes(const infer_plan *plan, uint32_t layer, size_t tokens)
{
    return (tokens + 15) / 16 * 16 * inf_kv_row_bytes(plan->kv, plan->hp.layer[layer].head_size);
}

static size_t v_bytes(const infer_plan *plan, uint32_t layer, size_t tokens)
{
    return tokens * inf_kv_row_bytes(plan->kv, plan->hp.layer[layer].v_cached);
}

/* Heads whose K and V are kept. */
static uint32_t kept_heads(const infer_plan *plan, uint32_t layer)
{
    const struct inf_layer *l = &plan->hp.layer[layer];
    return l->mixer == INF_MIXER_ATTN && !l->kv_shared ? l->kv_heads : 0;
}

/* A file being written, with the checksum so far; after a failure nothing more is written. */
struct output {
    struct inf_file file;
    uint64_t sum;
    infer_status status;
    infer_error *err;
};

static void put(struct output *to, const void *bytes, size_t len)
{
    to->sum = checksum(bytes, len, to->sum);
    if (!to->status)
        to->status = inf_file_put(&to->file, bytes, len, to->err);
}

/* A file being read. */
struct stream {
    int fd;
    uint64_t sum;
    bool failed;
    int why; /* errno of the first failure; 0: the file ended */
};

static void fail_stream(struct stream *s, int why)
{
    if (!s->failed)
        s->why = why;
    s->failed = true;
}

static void take(struct stream *s, void *bytes, size_t len)
{
    char *at = bytes;
    size_t left = len;
    while (left && !s->failed) {
        ssize_t n = read(s->fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            fail_stream(s, n < 0 ? errno : 0);
        at += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    if (!s->failed)
        s->sum = checksum(bytes, len, s->sum);
}

/* Two states: of all tokens, or of as many as there is one of; and of fewer than all, for who evaluates
 * the last token again. */
static void put_states(struct output *to, const infer_session *session)
{
    const infer_plan *plan = session->plan;
    uint32_t most[2] = {session->count, session->count ? session->count - 1 : 0};
    for (int i = 0; i < 2; i++) {
        uint32_t count;
        const float *state = inf_session_best_state(session, most[i], &count);
        uint64_t seen = count;
        put(to, &seen, sizeof seen);
        put(to, state ? state : inf_session_state(session), plan->state_floats * sizeof *state);
    }
}

static void put_all(struct output *to, const infer_session *session)
{
    const infer_plan *plan = session->plan;
    struct head head = {
        .version = VERSION,
        .model = model_hash(plan->model),
        .settings = settings_of(plan),
        .tokens = session->count,
        .turns = session->made_count,
    };
    memcpy(head.magic, MAGIC, sizeof head.magic);
    put(to, &head, sizeof head);
    put(to, session->tokens, session->count * sizeof *session->tokens);
    put(to, session->made, session->made_count * sizeof *session->made);
    for (uint32_t layer = 0; layer < plan->hp.layers; layer++)
        for (uint32_t h = 0; h < kept_heads(plan, layer); h++) {
            uint8_t *k = inf_plan_kv(plan, inf_session_kv(session), (int)layer, h);
            put(to, k, k_bytes(plan, layer, session->count));
            put(to, k + plan->kv_places[layer].v_at, v_bytes(plan, layer, session->count));
        }
    if (plan->state_floats)
        put_states(to, session);
    uint64_t sum = to->sum;
    put(to, &sum, sizeof sum);
}

infer_status infer_session_save(infer_session *session, const char *path, infer_error *err)
{
    if (!path)
        return inf_fail(err, INFER_E_ARGUMENT, "path: NULL");
    struct output to = {.sum = INF_HASH_SEED, .err = err};
    to.status = inf_file_create(&to.file, &session->plan->a, path, 0600, err);
    if (!to.status)
        put_all(&to, session); /* the cache of this session is this thread's: others may evaluate */
    if (!to.status && !(to.status = inf_file_close(&to.file, err)))
        to.status = inf_file_publish(&to.file, err);
    inf_file_free(&to.file);
    return to.status;
}

/* What a file of `tokens` tokens in `turns` turns must have. */
static uint64_t file_bytes(const infer_plan *plan, uint64_t tokens, uint64_t turns)
{
    uint64_t bytes = sizeof(struct head) + tokens * sizeof(infer_token) +
                     turns * sizeof(struct inf_made) + sizeof(uint64_t);
    if (plan->state_floats)
        bytes += 2 * (sizeof(uint64_t) + plan->state_floats * sizeof(float));
    for (uint32_t layer = 0; layer < plan->hp.layers; layer++)
        bytes += kept_heads(plan, layer) *
                 ((uint64_t)k_bytes(plan, layer, tokens) + v_bytes(plan, layer, tokens));
    return bytes;
}

static infer_status check_head(const infer_session *session, const struct head *head, uint64_t size,
                               infer_error *err)
{
    const infer_plan *plan = session->plan;
    if (memcmp(head->magic, MAGIC, sizeof head->magic) != 0)
        return inf_fail(err, INFER_E_FORMAT, "this is no saved session");
    if (head->version != VERSION)
        return inf_fail(err, INFER_E_UNSUPPORTED,
                        "the session is saved in version %u, this build reads %u", head->version,
                        VERSION);
    if (head->model != model_hash(plan->model))
        return inf_fail(err, INFER_E_MISMATCH, "the session was saved from another model");
    if (head->settings != settings_of(plan))
        return inf_fail(err, INFER_E_MISMATCH,
                        "the session was saved with KV type %s%s, this plan has %s%s",
                        inf_kv_name((enum inf_kv)(head->settings & (EXACT - 1))),
                        arithmetic(head->settings), plan->info.kv, arithmetic(settings_of(plan)));
    if (head->tokens > plan->info.context)
        return inf_fail(err, INFER_E_CONTEXT, "the session has %llu tokens, the context %u",
                        (unsigned long long)head->tokens, plan->info.context);
    if (head->turns > head->tokens)
        return inf_fail(err, INFER_E_FORMAT, "the session has %llu turns in %llu tokens",
                        (unsigned long long)head->turns, (unsigned long long)head->tokens);
    uint64_t want = file_bytes(plan, head->tokens, head->turns);
    if (size != want)
        return inf_fail(err, INFER_E_FORMAT, "the file has %llu bytes, %llu tokens need %llu",
                        (unsigned long long)size, (unsigned long long)head->tokens,
                        (unsigned long long)want);
    return INFER_OK;
}

static infer_status unreadable(const struct stream *s, const char *where, infer_error *err)
{
    if (s->why)
        return inf_fail(err, INFER_E_IO, "the saved session cannot be read: %s", strerror(s->why));
    return inf_fail(err, INFER_E_FORMAT, "the saved session ends %s", where);
}

/* The turns that were read follow each other. */
static infer_status check_turns(const infer_session *session, const struct head *head,
                                infer_error *err)
{
    uint32_t end = 0;
    for (uint64_t i = 0; i < head->turns; end = session->made[i++].end)
        if (session->made[i].start < end || session->made[i].end <= session->made[i].start ||
            session->made[i].end > head->tokens)
            return inf_fail(err, INFER_E_FORMAT,
                            "turn %llu of the saved session is tokens %u to %u, of %llu",
                            (unsigned long long)i, session->made[i].start, session->made[i].end,
                            (unsigned long long)head->tokens);
    return INFER_OK;
}

/* Reads the head and then, once that is right, everything into the session's own memory, whose count
 * stays 0 until all is checked. */
static infer_status take_all(struct stream *s, infer_session *session, uint64_t size,
                             infer_error *err)
{
    const infer_plan *plan = session->plan;
    struct head head;
    take(s, &head, sizeof head);
    if (s->failed)
        return unreadable(s, "in its header", err);
    infer_status status = check_head(session, &head, size, err);
    if (status)
        return status;
    void *made = session->made;
    if (!inf_grow(&session->a, &made, &session->made_capacity, head.turns, sizeof *session->made))
        return inf_fail_memory(err, "the session's turns", head.turns * sizeof *session->made);
    session->made = made;
    session->turn.done = false;
    session->count = session->logit_count = 0;
    session->made_count = 0;
    inf_session_forget(session, 0);
    session->state_at = INF_STATE_NONE;
    take(s, session->tokens, head.tokens * sizeof *session->tokens);
    take(s, session->made, head.turns * sizeof *session->made);
    for (uint32_t layer = 0; layer < plan->hp.layers; layer++)
        for (uint32_t h = 0; h < kept_heads(plan, layer); h++) {
            uint8_t *k = inf_plan_kv(plan, inf_session_kv(session), (int)layer, h);
            take(s, k, k_bytes(plan, layer, head.tokens));
            take(s, k + plan->kv_places[layer].v_at, v_bytes(plan, layer, head.tokens));
        }
    uint64_t seen[2] = {0}; /* the state, and the first of its copies, which stands behind it */
    for (int i = 0; plan->state_floats && i < 2; i++) {
        take(s, &seen[i], sizeof seen[i]);
        take(s, inf_session_state(session) + (size_t)i * plan->state_floats,
             plan->state_floats * sizeof(float));
    }
    uint64_t sum = s->sum, saved = 0;
    take(s, &saved, sizeof saved);
    if (s->failed)
        return unreadable(s, "before its end", err);
    if (saved != sum)
        return inf_fail(err, INFER_E_FORMAT,
                        "the saved session is damaged: its checksum is %016llx, its bytes give "
                        "%016llx",
                        (unsigned long long)saved, (unsigned long long)sum);
    for (uint64_t i = 0; i < head.tokens; i++)
        if (session->tokens[i] < 0 || (uint32_t)session->tokens[i] >= plan->hp.vocab)
            return inf_fail(err, INFER_E_FORMAT,
                            "token %llu of the saved session is %d, the vocabulary has %u",
                            (unsigned long long)i, session->tokens[i], plan->hp.vocab);
    if ((status = check_turns(session, &head, err)))
        return status;
    if (seen[0] > head.tokens || seen[1] > head.tokens)
        return inf_fail(err, INFER_E_FORMAT,
                        "the saved session's states have seen %llu and %llu tokens of %llu",
                        (unsigned long long)seen[0], (unsigned long long)seen[1],
                        (unsigned long long)head.tokens);
    session->count = (uint32_t)head.tokens;
    session->made_count = head.turns;
    session->state_at = seen[0] ? (uint32_t)seen[0] : INF_STATE_NONE;
    session->checkpoints[0] = (uint32_t)seen[1];
    return INFER_OK;
}

static infer_status restore(struct stream *s, infer_session *session, const char *path,
                            infer_error *err)
{
    s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (s->fd < 0)
        return inf_fail(err, INFER_E_IO, "cannot be opened: %s", strerror(errno));
    struct stat st;
    if (fstat(s->fd, &st) || !S_ISREG(st.st_mode))
        return inf_fail(err, INFER_E_IO, "is not a regular file");
    return take_all(s, session, (uint64_t)st.st_size, err);
}

infer_status infer_session_restore(infer_session *session, const char *path, infer_error *err)
{
    if (!path)
        return inf_fail(err, INFER_E_ARGUMENT, "path: NULL");
    struct stream s = {.sum = INF_HASH_SEED};
    infer_status status = restore(&s, session, path, err);
    if (s.fd >= 0)
        close(s.fd);
    if (status)
        inf_error_place(err, path);
    return status;
}
