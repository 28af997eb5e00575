/* JSON to text and back. jansson 2.14 leaves bytes out where there is no memory for them, and goes on: here they are
 * missed. */
#include <string.h>

#include "agent.h"

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

static json_malloc_t outer; /* while something is read */
static bool missed;

static void *note_malloc(size_t size)
{
    void *data = outer(size);
    missed = missed || !data;
    return data;
}

json_t *text_read_json(const char *data, size_t len, size_t flags, json_error_t *why)
{
    json_free_t outer_free;
    json_get_alloc_funcs(&outer, &outer_free);
    json_set_alloc_funcs(note_malloc, outer_free);
    missed = false;
    json_t *value = json_loadb(data, len, flags, why);
    json_set_alloc_funcs(outer, outer_free);
    if (missed) {
        json_decref(value);
        value = NULL;
        if (why)
            snprintf(why->text, sizeof why->text, "out of memory");
    }
    return value;
}
