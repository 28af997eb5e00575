/*
 * The GGUF reader: whatever the bytes, a status; memory within what the file allows; and of a file
 * that is taken every byte can be reached, and the writer's copy of it is taken too.
 */
#include "formats/gguf.h"
#include "formats/gguf_split.h"
#include "formats/gguf_write.h"
#include "tests/count_alloc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mkfile.h"
#include "tests/walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_BYTES_MAX (1u << 20) /* of a copy */

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_gguf: %s\n", what);
        abort();
    }
}

static infer_status collect(void *ud, const void *bytes, size_t len, infer_error *err)
{
    (void)err;
    mk_put(ud, bytes, len);
    return INFER_OK;
}

/* Writes what was read and reads that. Tensors of unknown types and of no elements, whose other
 * dimensions may be anything, cannot be written. */
static void copy(const struct inf_gguf *g)
{
    struct inf_gguf_writer w;
    struct mk_bytes out = {0};
    infer_error err = {0};
    uint64_t data = 0;
    inf_gguf_write_init(&w, &g->a, (uint32_t)g->alignment);
    bool aligned = inf_gguf_key(g, "general.alignment") != NULL;
    size_t keys = g->key_count + (!aligned && g->alignment != 32) - (aligned && g->alignment == 32);
    for (size_t i = 0; i < g->key_count; i++)
        inf_gguf_write_copy(&w, &g->keys[i]);
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct inf_gguf_tensor *t = &g->tensors[i];
        data += t->bytes;
        if (!t->type || !t->elements || data > DATA_BYTES_MAX) {
            inf_gguf_write_free(&w);
            return;
        }
        inf_gguf_write_tensor(&w, t->name, t->type, t->dims, t->shape);
    }
    must(!inf_gguf_write_begin(&w, collect, &out, &err), err.text);
    for (size_t i = 0; i < g->tensor_count; i++)
        must(!inf_gguf_write_data(&w, g->tensors[i].data, (size_t)g->tensors[i].bytes, &err),
             err.text);
    must(!inf_gguf_write_end(&w, &err), err.text);
    must(out.len == inf_gguf_write_size(&w), "the size of the copy");
    struct inf_gguf *again;
    must(!inf_gguf_parse(&g->a, out.ptr, out.len, &again, &err), err.text);
    must(again->key_count == keys && again->tensor_count == g->tensor_count, "counts of the copy");
    inf_gguf_free(again);
    inf_gguf_write_free(&w);
    free(out.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct count_alloc count;
    count_alloc_init(&count);
    count.limit_bytes = 8 * size + (16u << 20);
    struct inf_gguf *g;
    infer_error err = {0};
    infer_status status = inf_gguf_parse(&count.a, data, size, &g, &err);
    must(!count.passed_limit, "too much memory");
    must(!status == (g != NULL) && (!status || err.text[0]), "status, object and text");
    if (g) {
        walk_gguf(g);
        uint64_t number = 0;
        double real = 0;
        bool flag = false;
        struct inf_bytes text = {"", 0};
        struct inf_gguf_split split;
        inf_gguf_split_read(g, &split, &err);
        for (char type = 'a'; type < 'a' + MK_VALUE_TYPES; type++) {
            const char name[] = {'v', type, 0};
            inf_gguf_get_uint(g, name, 1, 512, &number, &err);
            inf_gguf_get_float(g, name, &real, &err);
            inf_gguf_get_bool(g, name, &flag, &err);
            inf_gguf_get_text(g, name, &text, &err);
            must(number <= 512 && isfinite(real), "a number out of its range");
        }
        count.limit_bytes = 0;
        copy(g);
    }
    inf_gguf_free(g);
    must(!count.blocks, "memory is left");
    return 0;
}

/* A small file with a value and an array of every type. */
static struct mk_file *every_type(void)
{
    static const uint8_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};
    static const uint8_t zeros[32];
    struct mk_file *file = mk_new();
    mk_set_u32(file, "general.alignment", 64);
    file->alignment = 64;
    for (uint32_t type = 0; type < MK_VALUE_TYPES; type++) {
        if (type == MK_ARRAY)
            continue;
        mk_put(&mk_add_key(file, (char[]){'v', (char)('a' + type), 0}, type)->value, zeros,
               bytes[type]);
        mk_set_array(file, (char[]){'a', (char)('a' + type), 0}, type, 3, zeros,
                     3 * (size_t)bytes[type]);
    }
    mk_add_tensor(file, "one", 0, 1, (uint64_t[]){5});
    mk_add_tensor(file, "two", 8, 2, (uint64_t[]){64, 2});
    mk_add_tensor(file, "three", 24, 4, (uint64_t[]){2, 3, 4, 5});
    return file;
}

bool fuzz_base(size_t index, uint8_t **data, size_t *size, size_t *head_bytes)
{
    if (index > 2)
        return false;
    struct mk_file *file = index == 0 ? mk_base_t() : index == 1 ? mk_base_t2() : every_type();
    struct mk_bytes bytes = mk_build(file, head_bytes);
    mk_free(file);
    *data = bytes.ptr;
    *size = bytes.len;
    return true;
}
