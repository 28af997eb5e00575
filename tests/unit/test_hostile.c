/*
 * Damaged files: the reader refuses what is broken with a text, takes what is sound, and neither
 * reads outside the file nor takes more memory than the file's metadata allows.
 */
#include "formats/gguf.h"
#include "lib/base/map.h"
#include "tests/count_alloc.h"
#include "tests/mkbad.h"
#include "tests/walk.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

Suite *suite_hostile(void);

static double now_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What the rules allow for metadata of that size. */
static size_t heap_allowed(size_t meta_bytes)
{
    return 8 * meta_bytes + (16u << 20);
}

/* One line, printable, not empty. (An assertion is a write to a pipe: not for every byte.) */
static bool printable(const infer_error *err)
{
    if (!err->text[0] || !memchr(err->text, 0, sizeof err->text))
        return false;
    size_t len = strlen(err->text);
    for (size_t i = 0, step; i < len; i += step) {
        uint32_t code;
        step = inf_utf8_decode(err->text + i, len - i, &code);
        if (!step || code < 0x20 || code == 0x7f)
            return false;
    }
    return true;
}

/* Parses a copy that ends where the file ends; walks it where it is sound. */
static infer_status try_bytes(const char *name, const uint8_t *bytes, size_t size,
                              size_t meta_bytes, infer_error *err)
{
    struct count_alloc count;
    count_alloc_init(&count);
    count.limit_bytes = heap_allowed(meta_bytes);
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    struct inf_gguf *gguf = (void *)name;
    *err = (infer_error){0};
    infer_status status = inf_gguf_parse(&count.a, copy, size, &gguf, err);
    bool ok = !status == (gguf != NULL) && !count.passed_limit;
    if (gguf) {
        walk_gguf(gguf);
        ok &= gguf->heap_bytes >= count.live_bytes;
    } else {
        ok &= err->status == status && printable(err);
    }
    bool taken = gguf != NULL;
    inf_gguf_free(gguf);
    ck_assert_msg(ok && !count.blocks,
                  "%s: status %d, taken %d, limit passed %d, %zu blocks left, text: %s", name,
                  status, taken, count.passed_limit, count.blocks, err->text);
    free(copy);
    return status;
}

static void check_case(const struct mkbad_case *c)
{
    infer_error err;
    double start = now_s(CLOCK_PROCESS_CPUTIME_ID); /* not what a busy machine adds */
    infer_status status = try_bytes(c->name, c->file.ptr, c->file.len, c->meta_bytes, &err);
    double took = now_s(CLOCK_PROCESS_CPUTIME_ID) - start;
    ck_assert_msg(took < 1.0, "%s: took %.2f s", c->name, took);
    if (c->parse == MKBAD_OK)
        ck_assert_msg(!status, "%s: refused: %s", c->name, err.text);
    if (c->parse == MKBAD_REFUSE)
        ck_assert_msg(status == INFER_E_FORMAT || status == INFER_E_UNSUPPORTED ||
                          status == INFER_E_LIMIT,
                      "%s: status %d", c->name, status);
}

#define CASES_A_TEST 32 /* each test is a process */

START_TEST(cases_get_their_verdicts)
{
    size_t end = inf_min_size(((size_t)_i + 1) * CASES_A_TEST, mkbad_count());
    for (size_t i = (size_t)_i * CASES_A_TEST; i < end; i++) {
        struct mkbad_case c;
        mkbad_make(i, &c);
        check_case(&c);
        mkbad_free(&c);
    }
}
END_TEST

/* What the text must name: key or tensor, place, number. */
START_TEST(texts_name_the_fault)
{
    static const struct {
        const char *name;
        infer_status status;
        const char *words[3];
    } expected[] = {
        {"A2_version_1", INFER_E_UNSUPPORTED, {"version 1", "2 and 3", "byte 4"}},
        {"A2_version_50331648", INFER_E_UNSUPPORTED, {"big-endian", "byte 4", ""}},
        {"A3_keys_4294967296", INFER_E_FORMAT, {"4294967296 keys", "byte 16", "bytes left"}},
        {"A4_tensors_4294967296", INFER_E_FORMAT, {"4294967296 tensors", "byte 8", "bytes left"}},
        {"A5_string_281474976710655", INFER_E_FORMAT, {"a.string", "281474976710655", "at byte"}},
        {"A5_string_over_1", INFER_E_FORMAT, {"a.string", "of 5 bytes", "has 4 left"}},
        {"A6_string_20000", INFER_E_FORMAT, {"a.array", "array of 20000 string", "bytes left"}},
        {"A6_nested_1", INFER_E_UNSUPPORTED, {"a.array", "array of arrays", "at byte"}},
        {"A6_empty_value_type_13", INFER_E_FORMAT, {"a.key", "13", "at byte"}},
        {"A6_empty_strings_over_4194305", INFER_E_LIMIT, {"a.array", "4194305", "4194304"}},
        {"A9_key_twice_1", INFER_E_FORMAT, {"llama.block_count", "twice", "19"}},
        {"A9_tensor_twice_0", INFER_E_FORMAT, {"output_norm.weight", "twice", "11"}},
        {"A10_alignment_bad_13", INFER_E_FORMAT, {"general.alignment", "13", "at byte"}},
        {"A10_alignment_bad_2097152", INFER_E_FORMAT, {"2097152", "1048576", "at byte"}},
        {"A10_alignment_type_10", INFER_E_FORMAT, {"general.alignment", "u64", "u32"}},
        {"A11_string_over_16777217", INFER_E_LIMIT, {"chat_template", "16777217", "16777216"}},
        {"B1_dims_5", INFER_E_FORMAT, {"output_norm.weight", "5 dimensions", "at most 4"}},
        {"B7_q8_0_33", INFER_E_FORMAT, {"blk.0.attn_q.weight", "33", "q8_0"}},
        {"B8_unaligned_4", INFER_E_FORMAT, {"output_norm.weight", "alignment 32", "offset"}},
        {"B8_same_offset_0", INFER_E_FORMAT, {"attn_q.weight", "attn_k.weight", "offset"}},
        {"B8_offset_1099511627776", INFER_E_FORMAT, {"output_norm.weight", "1099511627776", "256"}},
    };
    for (size_t e = 0; e < sizeof expected / sizeof *expected; e++) {
        bool found = false;
        for (size_t i = 0; i < mkbad_count() && !found; i++) {
            struct mkbad_case c;
            mkbad_name(i, &c);
            found = !strcmp(c.name, expected[e].name);
            if (!found)
                continue;
            infer_error err;
            mkbad_make(i, &c);
            infer_status status = try_bytes(c.name, c.file.ptr, c.file.len, c.meta_bytes, &err);
            ck_assert_msg(status == expected[e].status, "%s: %d %s", c.name, status, err.text);
            for (size_t w = 0; w < 3; w++)
                ck_assert_msg(strstr(err.text, expected[e].words[w]), "%s: no \"%s\" in: %s",
                              c.name, expected[e].words[w], err.text);
            mkbad_free(&c);
        }
        ck_assert_msg(found, "no case %s", expected[e].name);
    }
}
END_TEST

static struct mk_bytes base(int which, size_t *meta_bytes)
{
    struct mk_file *file = which ? mk_base_t2() : mk_base_t();
    struct mk_bytes bytes = mk_build(file, meta_bytes);
    mk_free(file);
    return bytes;
}

/* A1, A7: every cut in the metadata, and cuts in the data up to the last byte. */
START_TEST(every_prefix_is_refused)
{
    size_t meta_bytes;
    struct mk_bytes whole = base(_i, &meta_bytes);
    infer_error err;
    for (size_t len = 0; len < whole.len;
         len += len < meta_bytes || len + 64 > whole.len ? 1 : 61) {
        char name[32];
        snprintf(name, sizeof name, "cut at %zu", len);
        ck_assert_msg(try_bytes(name, whole.ptr, len, meta_bytes, &err), "%s: taken", name);
    }
    ck_assert_int_eq(try_bytes("whole", whole.ptr, whole.len, meta_bytes, &err), INFER_OK);
    free(whole.ptr);
}
END_TEST

/* The padding behind the last tensor may be missing. */
START_TEST(last_padding_may_be_cut)
{
    struct mk_file *file = mk_base_t();
    mk_add_tensor(file, "kit.last", 0, 1, (uint64_t[]){1});
    size_t meta_bytes;
    struct mk_bytes whole = mk_build(file, &meta_bytes);
    infer_error err;
    for (size_t cut = 0; cut < 29; cut++)
        ck_assert_int_eq(try_bytes("cut", whole.ptr, whole.len - cut, meta_bytes, &err), INFER_OK);
    ck_assert_int_eq(try_bytes("cut", whole.ptr, whole.len - 29, meta_bytes, &err), INFER_E_FORMAT);
    mk_free(file);
    free(whole.ptr);
}
END_TEST

/* Every bit of T's metadata, one at a time, in place; of T2's, every seventh. */
START_TEST(every_bit_may_flip)
{
    size_t meta_bytes, refused = 0;
    bool ok = true;
    struct mk_bytes file = base(_i, &meta_bytes);
    uint8_t *bytes = malloc(file.len);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, file.ptr, file.len);
    struct count_alloc count;
    count_alloc_init(&count);
    count.limit_bytes = heap_allowed(meta_bytes);
    for (size_t bit = 0; bit < meta_bytes * 8; bit += _i ? 7 : 1) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct inf_gguf *gguf;
        infer_error err = {0};
        if (inf_gguf_parse(&count.a, bytes, file.len, &gguf, &err)) {
            refused++;
            ok &= printable(&err);
        } else {
            walk_gguf(gguf);
        }
        inf_gguf_free(gguf);
        ok &= !count.blocks;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert(ok && !count.passed_limit);
    ck_assert_uint_gt(refused, 1000);
    ck_assert_uint_lt(refused, meta_bytes * 8);
    free(bytes);
    free(file.ptr);
}
END_TEST

/* The k-th allocation fails, for every k: a status, and nothing is left behind. */
START_TEST(every_allocation_may_fail)
{
    struct mk_bytes file = base(_i, NULL);
    infer_status status = INFER_E_MEMORY;
    size_t k = 1;
    for (; status; k++) {
        struct count_alloc count;
        count_alloc_init(&count);
        count.fail_at = k;
        struct inf_gguf *gguf;
        infer_error err = {0};
        status = inf_gguf_parse(&count.a, file.ptr, file.len, &gguf, &err);
        if (status) {
            ck_assert_int_eq(status, INFER_E_MEMORY);
            ck_assert_int_eq(err.status, INFER_E_MEMORY);
            ck_assert_ptr_null(gguf);
        }
        inf_gguf_free(gguf);
        ck_assert_uint_eq(count.blocks, 0);
    }
    ck_assert_uint_gt(k, 5);
    free(file.ptr);
}
END_TEST

/* ---- What needs a file system --------------------------------------------------------------- */

static char folder[64];
static struct count_alloc counted;

static void make_folder(void)
{
    strcpy(folder, "/tmp/infer-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    count_alloc_init(&counted);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_uint_eq(counted.blocks, 0);
    ck_assert_uint_eq(counted.maps, 0);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void refuse_path(const char *path, infer_status wanted, const char *word)
{
    for (int no_mmap = 0; no_mmap < 2; no_mmap++) {
        struct inf_map map;
        infer_error err = {0};
        double start = now_s(CLOCK_MONOTONIC);
        infer_status status = inf_map_open(&counted.a, path, no_mmap, &map, &err);
        ck_assert_msg(status == wanted, "%s: status %d: %s", path, status, err.text);
        ck_assert_msg(strstr(err.text, word), "%s: no \"%s\" in: %s", path, word, err.text);
        ck_assert_ptr_null(map.bytes);
        ck_assert(now_s(CLOCK_MONOTONIC) - start < 5.0);
    }
}

/* B12 */
START_TEST(irregular_files_are_refused_at_once)
{
    refuse_path(folder, INFER_E_IO, "a directory");
    refuse_path(path_of("none"), INFER_E_IO, "No such file");
    refuse_path("/dev/zero", INFER_E_IO, "a character device");
    refuse_path("", INFER_E_IO, "cannot be opened");
    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    refuse_path(path_of("fifo"), INFER_E_IO, "a FIFO");
    ck_assert_int_eq(symlink("loop", path_of("loop")), 0);
    refuse_path(path_of("loop"), INFER_E_IO, "cannot be opened");
    write_file(path_of("empty"), "", 0);
    refuse_path(path_of("empty"), INFER_E_FORMAT, "empty");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refuse_path(address.sun_path, INFER_E_IO, "cannot be opened");
    close(fd);
}
END_TEST

START_TEST(a_file_is_mapped_or_read)
{
    struct mk_bytes file = base(0, NULL);
    write_file(path_of("model"), file.ptr, file.len);
    ck_assert_int_eq(symlink("model", path_of("link")), 0);
    struct inf_map map;
    infer_error err = {0};
    for (int no_mmap = 0; no_mmap < 2; no_mmap++) {
        const char *path = path_of(no_mmap ? "link" : "model");
        ck_assert_int_eq(inf_map_open(&counted.a, path, no_mmap, &map, &err), INFER_OK);
        ck_assert_uint_eq(map.size, file.len);
        ck_assert_mem_eq(map.bytes, file.ptr, file.len);
        ck_assert_int_eq(map.mapped, !no_mmap);
        ck_assert_uint_eq(counted.maps, 1);
        ck_assert_int_eq(inf_map_check(&map, path, &err), INFER_OK);
        inf_map_close(&map);
        inf_map_close(&map); /* twice is harmless */
    }
    counted.fail_at = counted.calls + 1;
    for (int no_mmap = 0; no_mmap < 2; no_mmap++)
        ck_assert_int_eq(inf_map_open(&counted.a, path_of("model"), no_mmap, &map, &err),
                         INFER_E_MEMORY);
    free(file.ptr);
}
END_TEST

/* Memory that is found only after the file has become shorter. */
static void *map_and_cut(void *ud, int fd, size_t len)
{
    if (truncate(path_of("model"), 4096))
        return NULL;
    return counted.a.map(ud, fd, len);
}

START_TEST(a_file_that_ends_while_it_is_read_is_refused)
{
    struct mk_bytes file = base(0, NULL);
    write_file(path_of("model"), file.ptr, file.len);
    infer_allocator a = counted.a;
    a.map = map_and_cut;
    struct inf_map map;
    infer_error err = {0};
    ck_assert_int_eq(inf_map_open(&a, path_of("model"), true, &map, &err), INFER_E_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "byte 4096"));
    ck_assert_ptr_null(map.bytes);
    free(file.ptr);
}
END_TEST

/* B11: a copy does not care what becomes of the file, and the change is seen. */
START_TEST(a_changed_file_is_noticed)
{
    struct mk_bytes file = base(0, NULL);
    const char *path = path_of("model");
    write_file(path, file.ptr, file.len);
    struct inf_map map;
    infer_error err = {0};
    ck_assert_int_eq(inf_map_open(&counted.a, path, true, &map, &err), INFER_OK);
    ck_assert_int_eq(truncate(path, 4096), 0);
    ck_assert_int_eq(inf_map_check(&map, path, &err), INFER_E_IO);
    ck_assert_mem_eq(map.bytes, file.ptr, file.len);
    struct inf_gguf *gguf;
    ck_assert_int_eq(inf_gguf_parse(&counted.a, map.bytes, map.size, &gguf, &err), INFER_OK);
    walk_gguf(gguf);
    inf_gguf_free(gguf);
    ck_assert_int_eq(truncate(path, (off_t)file.len), 0); /* the same size, another time */
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    ck_assert_int_eq(inf_map_check(&map, path, &err), INFER_E_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "changed"));
    char other[sizeof folder + 16];
    snprintf(other, sizeof other, "%s/other", folder);
    write_file(other, file.ptr, file.len);
    ck_assert_int_eq(rename(other, path), 0);
    ck_assert_int_eq(inf_map_check(&map, path, &err), INFER_E_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "another file"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(inf_map_check(&map, path, &err), INFER_E_IO);
    inf_map_close(&map);
    free(file.ptr);
}
END_TEST

/* B9: a sparse file with tensors of a tebibyte is sound, and costs no memory. */
START_TEST(a_sparse_giant_costs_nothing)
{
    const uint64_t rows = (uint64_t)1 << 32, bytes = rows * MK_EMBD * 4;
    struct mk_file *file = mk_new();
    mk_set_text(file, "general.architecture", "llama", 5);
    mk_add_tensor(file, "token_embd.weight", 0, 2, (uint64_t[]){MK_EMBD, 1});
    file->tensors[0].shape[1] = rows;
    file->tensors[0].data.len = 0;
    size_t meta_bytes;
    struct mk_bytes head = mk_build(file, &meta_bytes);
    const char *path = path_of("giant");
    write_file(path, head.ptr, head.len);
    bool made = !truncate(path, (off_t)(head.len + bytes));
    if (made) { /* else this file system has a lower limit */
        counted.limit_bytes = heap_allowed(meta_bytes);
        struct inf_map map;
        infer_error err = {0};
        ck_assert_int_eq(inf_map_open(&counted.a, path, false, &map, &err), INFER_OK);
        struct inf_gguf *gguf;
        ck_assert_int_eq(inf_gguf_parse(&counted.a, map.bytes, map.size, &gguf, &err), INFER_OK);
        ck_assert_uint_eq(gguf->tensors[0].bytes, bytes);
        ck_assert_uint_lt(gguf->heap_bytes, 4096);
        inf_gguf_free(gguf);
        inf_map_close(&map);
        counted.limit_bytes = (size_t)1 << 30; /* there is not a tebibyte to read it into */
        ck_assert_int_eq(inf_map_open(&counted.a, path, true, &map, &err), INFER_E_MEMORY);
        ck_assert_int_eq(truncate(path, (off_t)(head.len + bytes - 1)), 0);
        ck_assert_int_eq(inf_map_open(&counted.a, path, false, &map, &err), INFER_OK);
        ck_assert_int_eq(inf_gguf_parse(&counted.a, map.bytes, map.size, &gguf, &err),
                         INFER_E_FORMAT);
        inf_map_close(&map);
    }
    mk_free(file);
    free(head.ptr);
}
END_TEST

Suite *suite_hostile(void)
{
    Suite *suite = suite_create("hostile");
    TCase *bytes = tcase_create("bytes");
    tcase_set_timeout(bytes, 120);
    int case_tests = (int)((mkbad_count() + CASES_A_TEST - 1) / CASES_A_TEST);
    tcase_add_loop_test(bytes, cases_get_their_verdicts, 0, case_tests);
    tcase_add_test(bytes, texts_name_the_fault);
    tcase_add_loop_test(bytes, every_prefix_is_refused, 0, 2);
    tcase_add_test(bytes, last_padding_may_be_cut);
    tcase_add_loop_test(bytes, every_bit_may_flip, 0, 2);
    tcase_add_loop_test(bytes, every_allocation_may_fail, 0, 2);
    suite_add_tcase(suite, bytes);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_add_test(files, irregular_files_are_refused_at_once);
    tcase_add_test(files, a_file_is_mapped_or_read);
    tcase_add_test(files, a_file_that_ends_while_it_is_read_is_refused);
    tcase_add_test(files, a_changed_file_is_noticed);
    tcase_add_test(files, a_sparse_giant_costs_nothing);
    suite_add_tcase(suite, files);
    return suite;
}
