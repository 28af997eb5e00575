/*
 * Saved sessions: what is damaged, of another model or of other settings is refused with its
 * reason. Where the head tells, the session keeps what it had; where only the whole tells, it is
 * empty and works. What cannot be written leaves the old file.
 */
#include "formats/type.h"
#include "tests/tiny/models.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <libinfer.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_session_file(void);

#define HEAD_BYTES 40 /* magic, version, model, settings, tokens, turns */
#define TOKENS 5

static char folder[] = "/tmp/session_file.XXXXXX";
static char path[64];

struct fixture {
    struct mk_bytes file;
    infer_model *model;
    infer_plan *plan;
    infer_session *session;
};

static const infer_token ids[TOKENS] = {5, 77, 130, 9, 200};

static struct fixture open_with(const struct tiny_kind *kind, uint64_t seed,
                                infer_plan_options options)
{
    struct fixture f = {.file = tiny_model(kind, INF_TYPE_Q4_K, seed)};
    infer_error err;
    options.size = sizeof options;
    options.threads = 1;
    if (!options.context)
        options.context = 32;
    ck_assert_msg(!infer_model_open_memory(f.file.ptr, f.file.len, NULL, &f.model, &err), "%s",
                  err.text);
    ck_assert_msg(!infer_plan_new(f.model, &options, &f.plan, &err), "%s", err.text);
    ck_assert_msg(!infer_plan_load(f.plan, NULL, NULL, &err), "%s", err.text);
    ck_assert_msg(!infer_session_new(f.plan, &f.session, &err), "%s", err.text);
    return f;
}

static void close_all(struct fixture *f)
{
    infer_session_free(f->session);
    infer_plan_free(f->plan);
    infer_model_free(f->model);
    free(f->file.ptr);
}

static struct fixture saved_session(void)
{
    infer_error err;
    struct fixture f = open_with(tiny_kind_at(0), 1, (infer_plan_options){.context = 32});
    ck_assert(!infer_session_eval(f.session, ids, TOKENS, NULL, &err));
    ck_assert_msg(!infer_session_save(f.session, path, &err), "%s", err.text);
    return f;
}

static struct mk_bytes read_file(const char *name)
{
    struct mk_bytes bytes = {0};
    char buffer[4096];
    FILE *f = fopen(name, "rb");
    ck_assert_ptr_nonnull(f);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;)
        mk_put(&bytes, buffer, n);
    fclose(f);
    return bytes;
}

static void write_file(const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert(!fclose(f));
}

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static size_t count_of(const infer_session *session)
{
    size_t count;
    infer_session_tokens(session, &count);
    return count;
}

static const infer_token kept_ids[2] = {31, 32};

/* Refused with one of the statuses in `allowed` (bits) and a text that begins with the path; the
 * session, which is filled first, is as it was (`kept`), or empty. */
static void must_refuse(infer_session *session, unsigned allowed, bool kept, const char *what,
                        size_t at)
{
    infer_error err = {0};
    size_t count;
    ck_assert(!infer_session_sync(session, kept_ids, 2, NULL, &err));
    infer_status status = infer_session_restore(session, path, &err);
    ck_assert_msg(status && allowed >> status & 1, "%s %zu: %s (%s)", what, at,
                  infer_status_name(status), err.text);
    ck_assert_msg(err.status == status && err.text[0] && !strchr(err.text, '\n'), "%s %zu: %s",
                  what, at, err.text);
    ck_assert_msg(!strncmp(err.text, path, strlen(path)), "%s %zu: %s", what, at, err.text);
    const infer_token *now = infer_session_tokens(session, &count);
    ck_assert_msg(count == (kept ? 2 : 0), "%s %zu: %zu tokens", what, at, count);
    ck_assert(!kept || !memcmp(now, kept_ids, sizeof kept_ids));
    ck_assert(kept == (infer_session_logits(session, 0) != NULL));
}

#define BIT(status) (1u << (status))
#define DAMAGED                                                                                    \
    (BIT(INFER_E_FORMAT) | BIT(INFER_E_MISMATCH) | BIT(INFER_E_UNSUPPORTED) | BIT(INFER_E_CONTEXT))

START_TEST(comes_back)
{
    struct fixture f = saved_session();
    infer_error err;
    float want[TINY_VOCAB];
    const infer_token next = 42;
    ck_assert(!infer_session_eval(f.session, &next, 1, NULL, &err));
    memcpy(want, infer_session_logits(f.session, 0), sizeof want);
    ck_assert(!infer_session_rewind(f.session, 0, &err));
    ck_assert_msg(!infer_session_restore(f.session, path, &err), "%s", err.text);
    size_t count;
    ck_assert_mem_eq(infer_session_tokens(f.session, &count), ids, sizeof ids);
    ck_assert_uint_eq(count, TOKENS);
    ck_assert_ptr_null(infer_session_logits(f.session, 0));
    ck_assert(!infer_session_eval(f.session, &next, 1, NULL, &err));
    ck_assert_mem_eq(infer_session_logits(f.session, 0), want, sizeof want);
    ck_assert_uint_eq(files_in_folder(), 1);
    close_all(&f);
}
END_TEST

START_TEST(empty_session_comes_back)
{
    struct fixture f = saved_session();
    infer_error err;
    ck_assert(!infer_session_rewind(f.session, 0, &err));
    ck_assert(!infer_session_save(f.session, path, &err));
    ck_assert(!infer_session_eval(f.session, ids, TOKENS, NULL, &err));
    ck_assert_msg(!infer_session_restore(f.session, path, NULL), "an empty session");
    ck_assert_uint_eq(count_of(f.session), 0);
    close_all(&f);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    struct fixture f = saved_session();
    infer_error err;
    struct mk_bytes whole = read_file(path);
    for (size_t len = 0; len < whole.len; len += len < 200 || len + 20 > whole.len ? 1 : 97) {
        write_file(whole.ptr, len);
        must_refuse(f.session, BIT(INFER_E_FORMAT), true, "cut to", len);
    }
    mk_put(&whole, "x", 1);
    write_file(whole.ptr, whole.len);
    must_refuse(f.session, BIT(INFER_E_FORMAT), true, "one byte more than", whole.len - 1);
    write_file(whole.ptr, whole.len - 1);
    ck_assert_msg(!infer_session_restore(f.session, path, &err), "%s", err.text);
    ck_assert_uint_eq(count_of(f.session), TOKENS);
    free(whole.ptr);
    close_all(&f);
}
END_TEST

/* Every bit of the header, the ids and the checksum, and one bit of every 61st byte between. */
START_TEST(every_flipped_bit_is_refused)
{
    struct fixture f = saved_session();
    struct mk_bytes whole = read_file(path);
    size_t ids_end = HEAD_BYTES + sizeof ids, tail = whole.len - 8;
    for (size_t at = 0; at < whole.len; at += at < ids_end || at >= tail ? 1 : 61) {
        for (int bit = 0; bit < 8; bit += at < ids_end || at >= tail ? 1 : 8) {
            whole.ptr[at] ^= (uint8_t)(1u << bit);
            write_file(whole.ptr, whole.len);
            must_refuse(f.session, DAMAGED, at < HEAD_BYTES, "a bit of byte", at);
            whole.ptr[at] ^= (uint8_t)(1u << bit);
        }
    }
    write_file(whole.ptr, whole.len);
    ck_assert(!infer_session_restore(f.session, path, NULL));
    free(whole.ptr);
    close_all(&f);
}
END_TEST

static void refuse_in(const struct tiny_kind *kind, uint64_t seed, infer_plan_options options,
                      infer_status want, const char *text)
{
    infer_error err;
    struct fixture other = open_with(kind, seed, options);
    ck_assert(!infer_session_eval(other.session, ids, 2, NULL, &err));
    infer_status status = infer_session_restore(other.session, path, &err);
    ck_assert_msg(status == want && strstr(err.text, text), "%s: %s", infer_status_name(status),
                  err.text);
    ck_assert_uint_eq(count_of(other.session), 2);
    ck_assert_ptr_nonnull(infer_session_logits(other.session, 0));
    ck_assert_msg(!infer_session_eval(other.session, ids, 2, NULL, &err), "%s", err.text);
    close_all(&other);
}

START_TEST(another_model_is_refused)
{
    struct fixture f = saved_session();
    close_all(&f);
    refuse_in(tiny_kind_at(0), 2, (infer_plan_options){0}, INFER_E_MISMATCH, "another model");
    refuse_in(tiny_kind_at(3), 1, (infer_plan_options){0}, INFER_E_MISMATCH, "another model");
}
END_TEST

START_TEST(other_settings_are_refused)
{
    struct fixture f = saved_session();
    close_all(&f);
    refuse_in(tiny_kind_at(0), 1, (infer_plan_options){.kv = INFER_KV_Q8_0}, INFER_E_MISMATCH,
              "KV type f16, this plan has q8_0");
    refuse_in(tiny_kind_at(0), 1, (infer_plan_options){.kv = INFER_KV_F32}, INFER_E_MISMATCH,
              "f32");
    refuse_in(tiny_kind_at(0), 1, (infer_plan_options){.exact = true}, INFER_E_MISMATCH, "exact");
    refuse_in(tiny_kind_at(0), 1, (infer_plan_options){.context = 4}, INFER_E_CONTEXT,
              "5 tokens, the context 4");
}
END_TEST

START_TEST(an_older_version_is_refused)
{
    struct fixture f = saved_session();
    struct mk_bytes whole = read_file(path);
    close_all(&f);
    whole.ptr[4] = 1; /* its q8_0 had other blocks */
    write_file(whole.ptr, whole.len);
    free(whole.ptr);
    refuse_in(tiny_kind_at(0), 1, (infer_plan_options){0}, INFER_E_UNSUPPORTED,
              "version 1, this build reads 3");
}
END_TEST

START_TEST(another_context_and_level_is_taken)
{
    struct fixture f = saved_session();
    infer_error err;
    close_all(&f);
    struct fixture other =
        open_with(tiny_kind_at(0), 1, (infer_plan_options){.context = 100, .isa = "ref"});
    ck_assert_msg(!infer_session_restore(other.session, path, &err), "%s", err.text);
    ck_assert_uint_eq(count_of(other.session), TOKENS);
    close_all(&other);
}
END_TEST

/* The disk is full, at every number of bytes that it has. */
START_TEST(a_full_disk_keeps_the_old_file)
{
    struct fixture f = saved_session();
    infer_error err;
    struct mk_bytes before = read_file(path);
    struct rlimit old;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert(!getrlimit(RLIMIT_FSIZE, &old));
    ck_assert(!infer_session_eval(f.session, ids, TOKENS, NULL, &err));
    for (size_t bytes = 0; bytes < before.len + 200; bytes += 211) {
        struct rlimit small = {bytes, old.rlim_max};
        ck_assert(!setrlimit(RLIMIT_FSIZE, &small));
        infer_status status = infer_session_save(f.session, path, &err);
        ck_assert(!setrlimit(RLIMIT_FSIZE, &old));
        ck_assert_msg(status == INFER_E_IO && strstr(err.text, path), "%zu bytes: %s", bytes,
                      err.text);
        struct mk_bytes after = read_file(path);
        ck_assert_uint_eq(after.len, before.len);
        ck_assert_mem_eq(after.ptr, before.ptr, before.len);
        free(after.ptr);
        ck_assert_uint_eq(files_in_folder(), 1);
    }
    ck_assert_uint_eq(count_of(f.session), 2 * TOKENS);
    free(before.ptr);
    close_all(&f);
}
END_TEST

START_TEST(places_that_cannot_be_written)
{
    struct fixture f = saved_session();
    infer_error err;
    char fifo[80], name[5000];
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    ck_assert(!mkfifo(fifo, 0600));
    const struct {
        const char *path;
        infer_status want;
    } places[] = {
        {folder, INFER_E_IO}, {"/dev/null", INFER_E_IO},      {"/dev/full", INFER_E_IO},
        {fifo, INFER_E_IO},   {"/no/such/place", INFER_E_IO}, {"", INFER_E_IO},
        {name, INFER_E_IO},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        infer_status status = infer_session_save(f.session, places[i].path, &err);
        ck_assert_msg(status == places[i].want, "%.40s: %s", places[i].path, err.text);
    }
    struct stat st;
    ck_assert(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));
    ck_assert(!unlink(fifo));
    ck_assert_uint_eq(files_in_folder(), 1);
    close_all(&f);
}
END_TEST

START_TEST(places_that_cannot_be_read)
{
    struct fixture f = saved_session();
    char fifo[80];
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    ck_assert(!mkfifo(fifo, 0600));
    const char *places[] = {folder, "/dev/null", "/dev/zero", fifo, "/no/such/place", ""};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        infer_error err = {0};
        ck_assert(!infer_session_restore(f.session, path, &err));
        ck_assert_int_eq(infer_session_restore(f.session, places[i], &err), INFER_E_IO);
        ck_assert_msg(!strncmp(err.text, places[i], strlen(places[i])), "%s", err.text);
        ck_assert_uint_eq(count_of(f.session), TOKENS);
    }
    ck_assert(!unlink(fifo));
    close_all(&f);
}
END_TEST

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/session_file.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/session", folder);
}

static void drop_folder(void)
{
    unlink(path);
    rmdir(folder);
}

Suite *suite_session_file(void)
{
    Suite *suite = suite_create("session_file");
    TCase *tests = tcase_create("session_file");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_folder, drop_folder);
    tcase_add_test(tests, comes_back);
    tcase_add_test(tests, empty_session_comes_back);
    tcase_add_test(tests, every_cut_is_refused);
    tcase_add_test(tests, every_flipped_bit_is_refused);
    tcase_add_test(tests, another_model_is_refused);
    tcase_add_test(tests, other_settings_are_refused);
    tcase_add_test(tests, an_older_version_is_refused);
    tcase_add_test(tests, another_context_and_level_is_taken);
    tcase_add_test(tests, a_full_disk_keeps_the_old_file);
    tcase_add_test(tests, places_that_cannot_be_written);
    tcase_add_test(tests, places_that_cannot_be_read);
    suite_add_tcase(suite, tests);
    return suite;
}
