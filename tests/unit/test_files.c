/* Splitting and merging: what is read back is what was written, and a failure leaves nothing. */
#include "formats/gguf_write.h"
#include "lib/base/file.h"
#include "lib/model.h"
#include "tests/count_alloc.h"
#include "tests/tiny/models.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_files(void);

static char dir[64];
static infer_error err;
static struct mk_bytes file;
static infer_model *model; /* tiny, in memory */

static const char *in_dir(const char *name)
{
    static char paths[4][400];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static const char *part_path(unsigned no, unsigned count)
{
    char name[64];
    snprintf(name, sizeof name, "m-%05u-of-%05u.gguf", no, count);
    return in_dir(name);
}

static void setup(void)
{
    strcpy(dir, "/tmp/test_files.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    file = tiny_model(tiny_kind_at(0), 12 /* q4_k */, 7);
    ck_assert(!infer_model_open_memory(file.ptr, file.len, NULL, &model, &err));
}

/* Calls visit for each name; returns how many there are. */
static size_t each_file(void (*visit)(const char *path))
{
    size_t count = 0;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
            count++;
            if (visit)
                visit(in_dir(e->d_name));
        }
    closedir(d);
    return count;
}

static void drop(const char *path)
{
    if (unlink(path))
        rmdir(path);
}

static void teardown(void)
{
    infer_model_free(model);
    free(file.ptr);
    each_file(drop);
    ck_assert(!rmdir(dir));
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    ck_assert_msg(!stat(path, &st), "%s", path);
    return (uint64_t)st.st_size;
}

static infer_model *opened(const char *path)
{
    infer_model *m;
    ck_assert_msg(!infer_model_open(path, NULL, &m, &err), "%s", err.text);
    return m;
}

static const struct inf_gguf_tensor *tensor_of(const infer_model *m, uint64_t index)
{
    uint32_t p = 0;
    while (index >= m->parts[p]->tensor_count)
        index -= m->parts[p++]->tensor_count;
    return &m->parts[p]->tensors[index];
}

/* Tensors byte for byte, and all keys but split.*. */
static void check_same(const infer_model *a, const infer_model *b)
{
    ck_assert_uint_eq(a->info.tensor_count, b->info.tensor_count);
    bool same = true;
    for (uint64_t i = 0; i < a->info.tensor_count; i++) {
        const struct inf_gguf_tensor *s = tensor_of(a, i), *t = tensor_of(b, i);
        same &= s->name.len == t->name.len && !memcmp(s->name.ptr, t->name.ptr, s->name.len) &&
                s->type_id == t->type_id && s->dims == t->dims &&
                !memcmp(s->shape, t->shape, sizeof s->shape) && s->bytes == t->bytes &&
                !memcmp(s->data, t->data, s->bytes);
    }
    ck_assert_msg(same, "a tensor differs");
    for (uint64_t i = 0; i < a->info.meta_count; i++) {
        infer_meta x, y = {0};
        infer_meta_value v, w;
        uint64_t j = 0;
        ck_assert(!infer_model_meta(a, i, &x, NULL));
        if (x.key_len > 6 && !memcmp(x.key, "split.", 6))
            continue;
        for (; j < b->info.meta_count; j++)
            if (!infer_model_meta(b, j, &y, NULL) && x.key_len == y.key_len &&
                !memcmp(x.key, y.key, x.key_len))
                break;
        same &=
            j < b->info.meta_count && x.type == y.type && x.items == y.items && x.count == y.count;
        for (uint64_t item = 0; same && item < x.count; item++)
            same &= !infer_model_meta_value(a, i, item, &v, NULL) &&
                    !infer_model_meta_value(b, j, item, &w, NULL) && v.u == w.u && v.i == w.i &&
                    !memcmp(&v.f, &w.f, sizeof v.f) && v.text_len == w.text_len &&
                    (!v.text_len || !memcmp(v.text, w.text, v.text_len));
        ck_assert_msg(same, "key %.*s differs", (int)x.key_len, x.key);
    }
}

static void logits_of(infer_model *m, float out[TINY_VOCAB])
{
    static const infer_token ids[] = {5, 17, 250, 3, 99, 99, 310};
    infer_plan_options o = {.size = sizeof o, .context = 32, .threads = 1};
    infer_plan *plan;
    infer_session *session;
    ck_assert_msg(!infer_plan_new(m, &o, &plan, &err) && !infer_plan_load(plan, NULL, NULL, &err) &&
                      !infer_session_new(plan, &session, &err) &&
                      !infer_session_eval(session, ids, 7, NULL, &err),
                  "%s", err.text);
    memcpy(out, infer_session_logits(session, 0), TINY_VOCAB * sizeof *out);
    infer_session_free(session);
    infer_plan_free(plan);
}

START_TEST(round_trip)
{
    float want[TINY_VOCAB], got[TINY_VOCAB];
    logits_of(model, want);
    unsigned count = (unsigned)(model->info.tensor_count + 4) / 5;
    ck_assert_msg(!infer_split(model, in_dir("m"), 5, 0, NULL, NULL, &err), "%s", err.text);
    ck_assert_uint_eq(each_file(NULL), count);
    infer_model *parts = opened(part_path(1, count));
    ck_assert_uint_eq(parts->part_count, count);
    for (uint32_t p = 0; p + 1 < count; p++)
        ck_assert_uint_eq(parts->parts[p]->tensor_count, 5);
    ck_assert_ptr_null(inf_gguf_key(parts->parts[1], "general.architecture"));
    check_same(model, parts);
    logits_of(parts, got);
    ck_assert(!memcmp(want, got, sizeof want));

    ck_assert_msg(!infer_merge(parts, in_dir("whole.gguf"), NULL, NULL, &err), "%s", err.text);
    infer_model *whole = opened(in_dir("whole.gguf"));
    ck_assert_uint_eq(whole->part_count, 1);
    ck_assert_ptr_null(inf_gguf_key(whole->parts[0], "split.count"));
    ck_assert_ptr_null(inf_gguf_key(whole->parts[0], "split.no"));
    ck_assert_ptr_null(inf_gguf_key(whole->parts[0], "split.tensors.count"));
    check_same(model, whole);
    logits_of(whole, got);
    ck_assert(!memcmp(want, got, sizeof want));

    /* parts into other parts, and a file over itself while it is open */
    ck_assert(!infer_split(parts, in_dir("n"), 7, 0, NULL, NULL, &err));
    ck_assert(!infer_merge(whole, in_dir("whole.gguf"), NULL, NULL, &err));
    infer_model *again = opened(in_dir("whole.gguf"));
    check_same(whole, again);
    infer_model_free(again);
    infer_model_free(whole);
    infer_model_free(parts);
}
END_TEST

START_TEST(sizes)
{
    ck_assert(!infer_split(model, in_dir("m"), 0, 0, NULL, NULL, &err));
    uint64_t whole = size_of(part_path(1, 1));
    infer_model *one = opened(part_path(1, 1));
    check_same(model, one);
    infer_model_free(one);
    each_file(drop);

    ck_assert(!infer_split(model, in_dir("m"), 0, whole, NULL, NULL, &err));
    ck_assert_uint_eq(each_file(NULL), 1);
    each_file(drop);
    ck_assert(!infer_split(model, in_dir("m"), 0, whole - 1, NULL, NULL, &err));
    ck_assert_uint_eq(each_file(NULL), 2);
    each_file(drop);

    uint64_t most = 0; /* the least that any split must allow: its largest tensor and some */
    for (uint64_t i = 0; i < model->info.tensor_count; i++)
        most = most < tensor_of(model, i)->bytes ? tensor_of(model, i)->bytes : most;
    uint64_t limit = most + 8192;
    ck_assert_msg(!infer_split(model, in_dir("m"), 0, limit, NULL, NULL, &err), "%s", err.text);
    unsigned count = (unsigned)each_file(NULL);
    ck_assert_uint_gt(count, 2);
    for (unsigned i = 1; i <= count; i++)
        ck_assert_uint_le(size_of(part_path(i, count)), limit);
    infer_model *parts = opened(part_path(1, count));
    check_same(model, parts);
    infer_model_free(parts);
}
END_TEST

START_TEST(refusals)
{
    ck_assert_int_eq(infer_split(model, in_dir("m"), 0, 100, NULL, NULL, &err), INFER_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.text, "metadata"));
    ck_assert_int_eq(infer_split(model, in_dir("m"), 0, 20000, NULL, NULL, &err), INFER_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.text, "at most 20000"));
    char *prefix = malloc(5001);
    memset(prefix, 'x', 5000);
    prefix[5000] = 0;
    ck_assert_int_eq(infer_split(model, prefix, 0, 0, NULL, NULL, &err), INFER_E_LIMIT);
    ck_assert_int_eq(infer_merge(model, prefix, NULL, NULL, &err), INFER_E_IO);
    free(prefix);
    ck_assert_int_eq(infer_merge(model, in_dir("none/m"), NULL, NULL, &err), INFER_E_IO);
    ck_assert_uint_eq(each_file(NULL), 0);

    /* what is no regular file stays what it is */
    ck_assert(!mkfifo(in_dir("fifo"), 0600));
    ck_assert_int_eq(infer_merge(model, in_dir("fifo"), NULL, NULL, &err), INFER_E_IO);
    ck_assert_int_eq(infer_merge(model, dir, NULL, NULL, &err), INFER_E_IO);
    ck_assert_int_eq(infer_merge(model, "/dev/null", NULL, NULL, &err), INFER_E_IO);
    struct stat st;
    ck_assert(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));
    ck_assert(!stat(in_dir("fifo"), &st) && S_ISFIFO(st.st_mode));
    ck_assert_uint_eq(each_file(NULL), 1);
}
END_TEST

START_TEST(too_many_parts)
{
    struct mk_file *many = mk_base_t();
    for (unsigned i = 0; many->tensor_count < 1025; i++) {
        char name[32];
        snprintf(name, sizeof name, "spare.%u", i);
        mk_add_tensor(many, name, 0, 1, (const uint64_t[]){4});
    }
    struct mk_bytes bytes = mk_build(many, NULL);
    mk_free(many);
    infer_model *m;
    ck_assert(!infer_model_open_memory(bytes.ptr, bytes.len, NULL, &m, &err));
    ck_assert_int_eq(infer_split(m, in_dir("m"), 1, 0, NULL, NULL, &err), INFER_E_LIMIT);
    ck_assert_uint_eq(each_file(NULL), 0);
    ck_assert(!infer_split(m, in_dir("m"), 64, 0, NULL, NULL, &err));
    infer_model *parts = opened(part_path(1, 17));
    check_same(m, parts);
    infer_model_free(parts);
    infer_model_free(m);
    free(bytes.ptr);
}
END_TEST

START_TEST(unknown_type)
{
    struct mk_file *odd = mk_base_t();
    odd->tensors[2].type = 63;
    struct mk_bytes bytes = mk_build(odd, NULL);
    mk_free(odd);
    infer_model *m;
    ck_assert_msg(!infer_model_open_memory(bytes.ptr, bytes.len, NULL, &m, &err), "%s", err.text);
    ck_assert_int_eq(infer_merge(m, in_dir("m"), NULL, NULL, &err), INFER_E_UNSUPPORTED);
    ck_assert_int_eq(infer_split(m, in_dir("m"), 1, 0, NULL, NULL, &err), INFER_E_UNSUPPORTED);
    ck_assert_uint_eq(each_file(NULL), 0);
    infer_model_free(m);
    free(bytes.ptr);
}
END_TEST

/* Other alignments than 32 are kept, and the padding of parts follows them. */
START_TEST(alignment)
{
    struct mk_file *wide = mk_base_t();
    wide->alignment = 128;
    mk_set_u32(wide, "general.alignment", 128);
    struct mk_bytes bytes = mk_build(wide, NULL);
    mk_free(wide);
    infer_model *m;
    ck_assert(!infer_model_open_memory(bytes.ptr, bytes.len, NULL, &m, &err));
    ck_assert(!infer_split(m, in_dir("m"), 0, m->info.file_bytes * 2 / 3, NULL, NULL, &err));
    infer_model *parts = opened(part_path(1, (unsigned)each_file(NULL)));
    for (uint32_t p = 0; p < parts->part_count; p++) {
        ck_assert_uint_eq(parts->parts[p]->alignment, 128);
        ck_assert_uint_le(parts->parts[p]->size, m->info.file_bytes * 2 / 3);
    }
    check_same(m, parts);
    infer_model_free(parts);
    infer_model_free(m);
    free(bytes.ptr);
}
END_TEST

static void check_refused(const char *path, infer_status want)
{
    infer_model *m;
    infer_status got = infer_model_open(path, NULL, &m, &err);
    ck_assert_msg(got == want, "%s: %s", infer_status_name(got), err.text);
    ck_assert_ptr_null(m);
}

START_TEST(hostile_parts)
{
    ck_assert(!infer_split(model, in_dir("m"), 8, 0, NULL, NULL, &err));
    ck_assert_uint_eq(each_file(NULL), 3);
    char second[400];
    strcpy(second, part_path(2, 3));
    ck_assert(!rename(second, in_dir("away")));
    check_refused(part_path(1, 3), INFER_E_IO); /* missing */
    ck_assert(!symlink(second, second));
    check_refused(part_path(1, 3), INFER_E_IO); /* a link to itself */
    drop(second);
    ck_assert(!mkfifo(second, 0600));
    check_refused(part_path(1, 3), INFER_E_IO); /* nothing to wait for */
    drop(second);
    ck_assert(!link(part_path(3, 3), second));
    check_refused(part_path(1, 3), INFER_E_FORMAT); /* the third twice */
    drop(second);
    ck_assert(!link(part_path(1, 3), second));
    check_refused(part_path(1, 3), INFER_E_FORMAT); /* the first twice */
    drop(second);
    ck_assert(!symlink(in_dir("away"), second));
    infer_model_free(opened(part_path(1, 3)));     /* a link to the part is the part */
    check_refused(in_dir("away"), INFER_E_FORMAT); /* not the first, and not named like one */

    /* parts of another split: the counts differ */
    ck_assert(!infer_split(model, in_dir("n"), 20, 0, NULL, NULL, &err));
    drop(second);
    ck_assert(!link(in_dir("n-00002-of-00002.gguf"), second));
    check_refused(part_path(1, 3), INFER_E_FORMAT);
}
END_TEST

/* The disk is full: as a limit on the size of files shows it. */
START_TEST(disk_full)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    ck_assert(!getrlimit(RLIMIT_FSIZE, &old));
    uint64_t whole = model->info.file_bytes;
    for (int i = 1; i < 8; i++) {
        small = old;
        small.rlim_cur = whole * (unsigned)i / 8;
        ck_assert(!setrlimit(RLIMIT_FSIZE, &small));
        infer_status merged = infer_merge(model, in_dir("m"), NULL, NULL, &err);
        infer_status split = infer_split(model, in_dir("m"), 0, whole - 1, NULL, NULL, NULL);
        ck_assert(!setrlimit(RLIMIT_FSIZE, &old)); /* Check writes files too */
        ck_assert_int_eq(merged, INFER_E_IO);
        ck_assert_int_eq(split, INFER_E_IO);
        ck_assert_ptr_nonnull(strstr(err.text, in_dir("m")));
        ck_assert_uint_eq(each_file(NULL), 0);
    }
    /* what had the name before keeps it */
    FILE *kept = fopen(in_dir("m"), "w");
    ck_assert(kept && fputs("kept", kept) >= 0 && !fclose(kept));
    small.rlim_cur = 4096;
    ck_assert(!setrlimit(RLIMIT_FSIZE, &small));
    infer_status merged = infer_merge(model, in_dir("m"), NULL, NULL, &err);
    ck_assert(!setrlimit(RLIMIT_FSIZE, &old));
    ck_assert_int_eq(merged, INFER_E_IO);
    ck_assert_uint_eq(size_of(in_dir("m")), 4);
    ck_assert_uint_eq(each_file(NULL), 1);
}
END_TEST

static bool cancel_at(void *ud, double fraction)
{
    ck_assert(fraction > 0 && fraction <= 1);
    return (*(int *)ud)-- > 0;
}

START_TEST(cancel)
{
    int all = 1000;
    ck_assert(!infer_split(model, in_dir("m"), 5, 0, cancel_at, &all, &err));
    ck_assert_int_lt(all, 1000);
    each_file(drop);
    for (int calls = 0; calls < 1000 - all; calls++) {
        int left = calls;
        ck_assert_int_eq(infer_split(model, in_dir("m"), 5, 0, cancel_at, &left, &err),
                         INFER_E_CANCELLED);
        left = calls;
        ck_assert_int_eq(infer_merge(model, in_dir("m"), cancel_at, &left, &err),
                         INFER_E_CANCELLED);
        ck_assert_uint_eq(each_file(NULL), 0);
    }
}
END_TEST

/* While the last part is written, a directory takes the name of the last part. */
static bool block_name(void *ud, double fraction)
{
    if (fraction == 1)
        mkdir(ud, 0700);
    return true;
}

START_TEST(name_taken)
{
    char last[400];
    strcpy(last, part_path(3, 3));
    ck_assert_int_eq(infer_split(model, in_dir("m"), 8, 0, block_name, last, &err), INFER_E_IO);
    ck_assert_uint_eq(each_file(NULL), 1); /* the directory */
}
END_TEST

START_TEST(no_memory)
{
    struct count_alloc count;
    infer_model *m;
    count_alloc_init(&count);
    infer_model_options o = {.size = sizeof o, .allocator = &count.a};
    ck_assert(!infer_model_open_memory(file.ptr, file.len, &o, &m, &err));
    for (int merge = 0; merge < 2; merge++) {
        infer_status status = INFER_E_MEMORY;
        size_t k = 1;
        for (; status; k++) {
            count.fail_at = count.calls + k;
            status = merge ? infer_merge(m, in_dir("m"), NULL, NULL, &err)
                           : infer_split(m, in_dir("m"), 9, 0, NULL, NULL, &err);
            count.fail_at = 0;
            ck_assert_msg(!status || status == INFER_E_MEMORY, "%s", err.text);
            ck_assert_uint_eq(each_file(NULL) != 0, !status);
        }
        ck_assert_uint_gt(k, 5);
        each_file(drop);
    }
    infer_model_free(m);
    ck_assert_uint_eq(count.blocks, 0);
}
END_TEST

START_TEST(modes)
{
    mode_t mask = umask(0027);
    infer_status status = infer_merge(model, in_dir("m"), NULL, NULL, &err);
    umask(mask);
    struct stat st;
    ck_assert(!status && !stat(in_dir("m"), &st));
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

static char warned[500];

static void on_log(void *ud, infer_log_level level, const char *text)
{
    (void)ud;
    (void)level;
    snprintf(warned, sizeof warned, "%s", text);
}

static infer_status to_file(void *ud, const void *bytes, size_t len, infer_error *e)
{
    return inf_file_put(ud, bytes, len, e);
}

/* The second part again with a key more. */
static void add_key(const char *path)
{
    struct inf_map map;
    struct inf_gguf *g;
    struct inf_gguf_writer w;
    struct inf_file to = {0};
    const infer_allocator *a = &inf_allocator_default;
    ck_assert(!inf_map_open(a, path, true, &map, &err));
    ck_assert(!inf_gguf_parse(a, map.bytes, map.size, &g, &err));
    inf_gguf_write_init(&w, a, 32);
    for (size_t i = 0; i < g->key_count; i++)
        inf_gguf_write_copy(&w, &g->keys[i]);
    inf_gguf_write_uint(&w, "odd.key", INFER_META_U32, 1);
    for (size_t i = 0; i < g->tensor_count; i++)
        inf_gguf_write_tensor(&w, g->tensors[i].name, g->tensors[i].type, g->tensors[i].dims,
                              g->tensors[i].shape);
    ck_assert(!inf_file_create(&to, a, path, 0600, &err));
    ck_assert(!inf_gguf_write_begin(&w, to_file, &to, &err));
    for (size_t i = 0; i < g->tensor_count; i++)
        ck_assert(!inf_gguf_write_data(&w, g->tensors[i].data, g->tensors[i].bytes, &err));
    ck_assert(!inf_gguf_write_end(&w, &err) && !inf_file_close(&to, &err) &&
              !inf_file_publish(&to, &err));
    inf_file_free(&to);
    inf_gguf_write_free(&w);
    inf_gguf_free(g);
    inf_map_close(&map);
}

START_TEST(keys_of_later_parts)
{
    ck_assert(!infer_split(model, in_dir("m"), 12, 0, NULL, NULL, &err));
    infer_model_options o = {.size = sizeof o, .log = on_log};
    infer_model *m;
    for (int odd = 0; odd < 2; odd++) {
        if (odd)
            add_key(part_path(2, 2));
        ck_assert(!infer_model_open(part_path(1, 2), &o, &m, &err));
        warned[0] = 0;
        ck_assert(!infer_merge(m, in_dir("whole"), NULL, NULL, &err));
        ck_assert_int_eq(strstr(warned, "odd.key") != NULL, odd);
        infer_model_free(m);
    }
}
END_TEST

Suite *suite_files(void)
{
    Suite *suite = suite_create("files");
    TCase *tcase = tcase_create("files");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, round_trip);
    tcase_add_test(tcase, sizes);
    tcase_add_test(tcase, refusals);
    tcase_add_test(tcase, too_many_parts);
    tcase_add_test(tcase, unknown_type);
    tcase_add_test(tcase, alignment);
    tcase_add_test(tcase, hostile_parts);
    tcase_add_test(tcase, disk_full);
    tcase_add_test(tcase, cancel);
    tcase_add_test(tcase, name_taken);
    tcase_add_test(tcase, no_memory);
    tcase_add_test(tcase, modes);
    tcase_add_test(tcase, keys_of_later_parts);
    suite_add_tcase(suite, tcase);
    return suite;
}
