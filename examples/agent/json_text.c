/*
 * JSON to text and back. jansson 2.14 goes on where its buffer cannot grow: what it writes lacks bytes, and what it
 * reads may run out of its memory. So text is made by its callback, and reading is left at once when memory ends.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

/* All that jansson has, the newest first: what a reading that is left had begun is given back. */
static struct block {
    struct block *next, *prev;
    _Alignas(max_align_t) char data[];
} blocks = {&blocks, &blocks};
static jmp_buf *left; /* where a reading is under way */

static void *take(size_t size)
{
    struct block *block = size < SIZE_MAX / 2 ? malloc(sizeof *block + size) : NULL;
    if (!block && left)
        longjmp(*left, 1);
    if (!block)
        return NULL;
    *block = (struct block){blocks.next, &blocks};
    blocks.next->prev = block;
    blocks.next = block;
    return block->data;
}

static void give(void *data)
{
    if (!data)
        return;
    struct block *block = (struct block *)((char *)data - offsetof(struct block, data));
    block->next->prev = block->prev;
    block->prev->next = block->next;
    free(block);
}

void text_json_open(void)
{
    json_set_alloc_funcs(take, give);
}

json_t *text_read_json(const char *data, size_t len, size_t flags, json_error_t *why)
{
    jmp_buf here;
    const struct block *before = blocks.next;
    left = &here;
    if (setjmp(here)) {
        left = NULL;
        while (blocks.next != before)
            give(blocks.next->data);
        if (why)
            *why = (json_error_t){.text = "out of memory"};
        return NULL;
    }
    json_t *value = json_loadb(data, len, flags, why);
    left = NULL;
    return value;
}

static int add_piece(const char *data, size_t len, void *t)
{
    text_add(t, data, len); /* what fails once fails to its end */
    return 0;
}

bool text_add_json(struct text *t, const json_t *value, size_t flags)
{
    if (!value || json_dump_callback(value, add_piece, t, flags))
        t->failed = true;
    return !t->failed;
}
