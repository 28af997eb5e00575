/*
 * Replays a fuzz target without libFuzzer:
 *     PROGRAM FILE...                  each file once
 *     PROGRAM --mutate COUNT SEED      the target's own inputs, damaged COUNT times
 *     PROGRAM --mutate COUNT SEED --keep FILE    writes each input to FILE before it runs, so that
 *                                      the one that crashes is there
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASES_MAX 64

struct input {
    uint8_t *bytes;
    size_t size, head_bytes;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t below(uint64_t *state, size_t limit)
{
    return limit ? (size_t)(next_random(state) % limit) : 0;
}

/* A place, in the head nine times out of ten. */
static size_t place(uint64_t *state, const struct input *in)
{
    size_t head = in->head_bytes < in->size ? in->head_bytes : in->size;
    return below(state, below(state, 10) ? head : in->size);
}

/* Where eight bytes look like a length or a count: small and not 0. */
static size_t count_field(uint64_t *state, const struct input *in)
{
    for (unsigned tries = 0; tries < 2000; tries++) {
        size_t at = place(state, in);
        uint64_t value;
        if (at + sizeof value > in->size)
            continue;
        memcpy(&value, in->bytes + at, sizeof value);
        if (value && value < 1u << 20)
            return at;
    }
    return place(state, in);
}

static uint64_t odd_number(uint64_t *state, uint64_t old)
{
    const uint64_t choices[] = {
        0,
        1,
        old - 1,
        old + 1,
        old * 2,
        UINT64_MAX,
        UINT64_MAX - 7,
        (uint64_t)1 << 63,
        (uint64_t)1 << 32,
        UINT32_MAX,
        (uint64_t)1 << 61 | 1,
        UINT64_MAX / 8,
        INT64_MAX,
        65536,
        255,
        next_random(state),
    };
    return choices[below(state, sizeof choices / sizeof *choices)];
}

static void put_number(struct input *in, size_t at, uint64_t value, size_t bytes)
{
    if (at + bytes <= in->size)
        memcpy(in->bytes + at, &value, bytes);
}

/* Copies a stretch of `from` over, or into, `in`, which has room for it. */
static void splice(uint64_t *state, struct input *in, const struct input *from, bool insert)
{
    size_t source = place(state, from), len = 1 + below(state, below(state, 4) ? 40 : 2000);
    size_t at = place(state, in);
    if (len > from->size - source)
        len = from->size - source;
    if (insert) {
        memmove(in->bytes + at + len, in->bytes + at, in->size - at);
        in->size += len;
    } else if (len > in->size - at) {
        len = in->size - at;
    }
    memcpy(in->bytes + at, from->bytes + source, len);
}

static void mutate_once(uint64_t *state, struct input *in, const struct input *other)
{
    size_t at = place(state, in);
    uint64_t old = 0;
    if (!in->size)
        return;
    switch (below(state, 9)) {
    case 0:
    case 1:
        in->bytes[at] ^= (uint8_t)(1u << below(state, 8));
        break;
    case 2:
        in->bytes[at] = (uint8_t)next_random(state);
        break;
    case 3:
    case 4:
        at = count_field(state, in);
        if (at + sizeof old <= in->size)
            memcpy(&old, in->bytes + at, sizeof old);
        put_number(in, at, odd_number(state, old), 8);
        break;
    case 5:
        put_number(in, at, odd_number(state, in->bytes[at]), 4);
        break;
    case 6:
        splice(state, in, other, false);
        break;
    case 7:
        splice(state, in, other, true);
        break;
    default:
        if (below(state, 4)) { /* take a stretch out */
            size_t len = below(state, 64);
            len = len < in->size - at ? len : in->size - at;
            memmove(in->bytes + at, in->bytes + at + len, in->size - at - len);
            in->size -= len;
        } else {
            in->size = at;
        }
    }
}

static void *must(void *ptr)
{
    if (!ptr) {
        fputs("replay: no memory\n", stderr);
        exit(1);
    }
    return ptr;
}

/* Runs a copy that ends where the input ends, so that a sanitizer sees what reads past it. */
static void run(const struct input *in, const char *keep)
{
    if (keep) {
        FILE *f = must(fopen(keep, "wb"));
        fwrite(in->bytes, 1, in->size, f);
        fclose(f);
    }
    uint8_t *exact = must(malloc(in->size ? in->size : 1));
    memcpy(exact, in->bytes, in->size);
    LLVMFuzzerTestOneInput(exact, in->size);
    free(exact);
}

static void mutate(size_t count, uint64_t seed, const char *keep)
{
    struct input bases[BASES_MAX];
    size_t base_count = 0, largest = 0;
    uint64_t state = seed * 0x9e3779b97f4a7c15u | 1;
    for (struct input in;
         base_count < BASES_MAX && fuzz_base(base_count, &in.bytes, &in.size, &in.head_bytes);) {
        bases[base_count++] = in;
        largest = in.size > largest ? in.size : largest;
    }
    uint8_t *work = must(malloc(largest + 8 * 2048));
    for (size_t i = 0; i < count; i++) {
        struct input in = bases[below(&state, base_count)];
        const struct input *other = &bases[below(&state, base_count)];
        memcpy(work, in.bytes, in.size);
        in.bytes = work;
        size_t edits = 1 + (below(&state, 2) ? 0 : below(&state, 8));
        for (; edits; edits--)
            mutate_once(&state, &in, other);
        run(&in, keep);
    }
    for (size_t i = 0; i < base_count; i++)
        free(bases[i].bytes);
    free(work);
    printf("%zu passed, 0 failed\n", count); /* one that fails ends the program */
}

static bool run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return false;
    }
    struct input in = {0};
    size_t capacity = 0, got;
    do {
        if (in.size == capacity)
            in.bytes = must(realloc(in.bytes, capacity = capacity * 2 + 65536));
        got = fread(in.bytes + in.size, 1, capacity - in.size, f);
        in.size += got;
    } while (got);
    fclose(f);
    run(&in, NULL);
    free(in.bytes);
    return true;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && !strcmp(argv[1], "--mutate")) {
        const char *keep = argc == 6 && !strcmp(argv[4], "--keep") ? argv[5] : NULL;
        mutate(strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), keep);
        return 0;
    }
    bool ok = argc > 1;
    for (int i = 1; i < argc; i++)
        ok &= run_file(argv[i]);
    return !ok;
}
