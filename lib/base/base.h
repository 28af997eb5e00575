/*
 * The floor that everything stands on: errors, checked arithmetic, memory through the caller's
 * hook.
 */
#ifndef INF_BASE_H
#define INF_BASE_H

#include <libinfer.h>

/* A stretch of bytes that somebody else owns; no NUL at its end is promised. */
struct inf_bytes {
    const char *ptr;
    size_t len;
};

static inline bool inf_mul_size(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

static inline bool inf_add_size(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* n rounded up to a multiple of `unit` (a power of two); false where that passes SIZE_MAX. */
static inline bool inf_round_up(size_t n, size_t unit, size_t *rounded)
{
    if (!inf_add_size(n, unit - 1, rounded))
        return false;
    *rounded &= ~(unit - 1);
    return true;
}

static inline size_t inf_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t inf_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

bool inf_bytes_equal(struct inf_bytes a, const char *text);

/* Fills *err (NULL allowed) and returns `status`, so that a check is one line:
 *     if (n > limit) return inf_fail(err, INFER_E_LIMIT, "key %s: %zu, at most %zu", ...);
 * Control characters, broken UTF-8 and bidirectional marks in the finished text come out escaped,
 * so names from a file may be printed as they are (with %.*s: they need not end in NUL). */
#define inf_fail(err, status, ...) (inf_set_error(err, status, __VA_ARGS__), inf_status(status))

static inline infer_status inf_status(infer_status status)
{
    return status;
}

void inf_set_error(infer_error *err, infer_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* Puts "NAME: " before the text of an error, so that it says which file is meant; of a long name the
 * end alone, so that the text keeps its own. err may be NULL. */
void inf_error_place(infer_error *err, const char *name) __attribute__((cold));

static inline infer_status inf_fail_memory(infer_error *err, const char *what, size_t bytes)
{
    return inf_fail(err, INFER_E_MEMORY, "no memory for %s (%zu bytes)", what, bytes);
}

/* Memory. `a` is the caller's hook, never NULL (inf_allocator_default where the caller gave none).
 * Blocks are aligned to 64 bytes; the count-times-size forms fail on overflow. */
extern const infer_allocator inf_allocator_default;

void *inf_alloc(const infer_allocator *a, size_t bytes);
void *inf_alloc_zero(const infer_allocator *a, size_t count, size_t size);
void inf_release(const infer_allocator *a, void *ptr);

/* Grows *items (of `size` bytes each, *capacity of them) so that `count` fit; contents are kept. */
bool inf_grow(const infer_allocator *a, void **items, size_t *capacity, size_t count, size_t size);

/* Many small blocks with one end: everything taken from an arena is freed with it. */
struct inf_arena {
    infer_allocator a;
    struct inf_arena_chunk *chunks;
    size_t left, bytes; /* of the last chunk; of all chunks */
    char *next;
};

void inf_arena_init(struct inf_arena *arena, const infer_allocator *a);
void *inf_arena_take(struct inf_arena *arena, size_t count, size_t size); /* zeroed, 64-aligned */
void inf_arena_free(struct inf_arena *arena);

/* Growing text (or bytes). After a failed append `failed` is set and later appends do nothing, so a
 * writer checks once at its end. */
struct inf_text {
    const infer_allocator *a;
    char *ptr;
    size_t len, capacity;
    bool failed;
};

void inf_text_append(struct inf_text *text, const char *bytes, size_t len);
void inf_text_printf(struct inf_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void inf_text_free(struct inf_text *text);

/* The value of a hex digit; 16: it is none. */
static inline unsigned inf_hex_digit(int c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                  : 16;
}

/* One code point at text[0..len), len > 0; returns its length in bytes, 0 where it is not UTF-8. */
size_t inf_utf8_decode(const char *text, size_t len, uint32_t *code);
size_t inf_utf8_encode(uint32_t code, char out[4]);
/* Where text[len) stops being UTF-8; len where all of it is. */
size_t inf_utf8_check(const char *text, size_t len);

/* Line and column of the character at text[at], both from 1. */
void inf_text_place(const char *text, size_t at, size_t *line, size_t *column);

/* FNV-1a, 64 bits, for hash tables and checksums that need no strength. */
uint64_t inf_hash(const void *bytes, size_t len, uint64_t seed);
#define INF_HASH_SEED 0xcbf29ce484222325u

#endif
