#include "tests/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t sum_value(const struct inf_gguf_key *key, uint64_t item)
{
    infer_meta_value value;
    inf_gguf_value(key, item, &value);
    uint64_t sum = value.u + (uint64_t)value.i + (uint64_t)(value.f != 0.0) + value.text_len;
    for (size_t i = 0; i < value.text_len; i++)
        sum += (uint8_t)value.text[i];
    return sum;
}

/* Looks a name up where it can be written as a C string. */
static void look_up(const struct inf_gguf *g, struct inf_bytes name, bool key)
{
    if (memchr(name.ptr, 0, name.len))
        return;
    char *text = strndup(name.ptr, name.len);
    const struct inf_gguf_key *k = key ? inf_gguf_key(g, text) : NULL;
    const struct inf_gguf_tensor *t = key ? NULL : inf_gguf_tensor(g, text);
    if (key ? !k || k->name.ptr != name.ptr : !t || t->name.ptr != name.ptr) {
        fprintf(stderr, "walk: \"%s\" is not found\n", text);
        abort();
    }
    free(text);
}

uint64_t walk_gguf(const struct inf_gguf *g)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < g->key_count; i++) {
        for (uint64_t item = 0; item < g->keys[i].count; item++)
            sum += sum_value(&g->keys[i], item);
        look_up(g, g->keys[i].name, true);
    }
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct inf_gguf_tensor *t = &g->tensors[i];
        if (t->bytes)
            sum += t->data[0] + t->data[t->bytes - 1];
        look_up(g, t->name, false);
    }
    return sum;
}
