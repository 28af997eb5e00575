/* The rules of split files. */
#include "formats/gguf_split.h"

#include "lib/base/limits.h"
#include "lib/base/sort.h"

#include <stdio.h>
#include <string.h>

infer_status inf_gguf_split_read(const struct inf_gguf *part, struct inf_gguf_split *split,
                                 infer_error *err)
{
    uint64_t no = 0, count = 1, tensors = part->tensor_count;
    infer_status status;
    if ((status = inf_gguf_get_uint(part, "split.count", 1, INF_MAX_SPLITS, &count, err)) ||
        (status = inf_gguf_get_uint(part, "split.no", 0, count - 1, &no, err)) ||
        (status =
             inf_gguf_get_uint(part, "split.tensors.count", 0, INF_MAX_TENSORS, &tensors, err)))
        return status;
    *split = (struct inf_gguf_split){(uint32_t)no, (uint32_t)count, tensors};
    return INFER_OK;
}

infer_status inf_gguf_split_check(const struct inf_gguf *part, uint32_t no, uint32_t count,
                                  infer_error *err)
{
    struct inf_gguf_split split;
    infer_status status = inf_gguf_split_read(part, &split, err);
    if (!status && (split.no != no || split.count != count))
        status = inf_fail(err, INFER_E_FORMAT,
                          "keys \"split.no\" and \"split.count\": part %u of %u, not part %u of %u",
                          split.no + 1, split.count, no + 1, count);
    return status;
}

/* order[] and scratch[] hold the tensors of all parts. */
static infer_status check_unique(const struct inf_gguf *const *parts, uint32_t count,
                                 struct inf_sort_item *order, struct inf_sort_item *scratch,
                                 infer_error *err)
{
    size_t tensors = 0;
    for (uint32_t p = 0; p < count; p++)
        for (size_t i = 0; i < parts[p]->tensor_count; i++)
            order[tensors++].item = &parts[p]->tensors[i];
    inf_names_sort(order, scratch, tensors);
    size_t twice = inf_names_twice(order, tensors);
    if (!twice)
        return INFER_OK;
    const struct inf_gguf_tensor *t = order[twice].item;
    return inf_fail(err, INFER_E_FORMAT, "tensor \"%.*s\" is in two of the %u parts",
                    (int)inf_min_size(t->name.len, INF_MAX_NAME), t->name.ptr, count);
}

infer_status inf_gguf_split_total(const struct inf_gguf *const *parts, uint32_t count,
                                  infer_error *err)
{
    struct inf_gguf_split first;
    infer_status status = inf_gguf_split_read(parts[0], &first, err);
    if (status)
        return status;
    size_t tensors = 0; /* no wrap: at most INF_MAX_SPLITS times INF_MAX_TENSORS */
    for (uint32_t p = 0; p < count; p++)
        tensors += parts[p]->tensor_count;
    bool promised = inf_gguf_key(parts[0], "split.tensors.count") != NULL;
    if (promised && tensors != first.tensors)
        return inf_fail(err, INFER_E_FORMAT,
                        "key \"split.tensors.count\": %llu, the %u parts have %zu tensors",
                        (unsigned long long)first.tensors, count, tensors);
    if (tensors > INF_MAX_TENSORS)
        return inf_fail(err, INFER_E_LIMIT, "%zu tensors in %u parts, at most %u", tensors, count,
                        INF_MAX_TENSORS);
    const infer_allocator *a = &parts[0]->a;
    size_t bytes = tensors * 2 * sizeof(struct inf_sort_item);
    struct inf_sort_item *order = inf_alloc(a, bytes);
    if (!order)
        return inf_fail_memory(err, "sorting the tensors of all parts", bytes);
    status = check_unique(parts, count, order, order + tensors, err);
    inf_release(a, order);
    return status;
}

#define SUFFIX "-%05u-of-%05u.gguf"
#define SUFFIX_BYTES_MAX 48

infer_status inf_gguf_split_path(const char *first, uint32_t no, uint32_t count, char *out,
                                 size_t capacity, infer_error *err)
{
    char suffix[SUFFIX_BYTES_MAX];
    if (!count || count > INF_MAX_SPLITS || no >= count)
        return inf_fail(err, INFER_E_LIMIT, "part %u of %u, at most %u", no + 1, count,
                        INF_MAX_SPLITS);
    size_t len = strlen(first);
    size_t tail = (size_t)snprintf(suffix, sizeof suffix, SUFFIX, 1u, count);
    if (len < tail || memcmp(first + len - tail, suffix, tail))
        return inf_fail(err, INFER_E_FORMAT,
                        "%s: the first of %u parts must have a name that ends in %s", first, count,
                        suffix);
    if (len >= capacity)
        return inf_fail(err, INFER_E_LIMIT, "%s: a path of %zu bytes, at most %zu", first, len,
                        capacity ? capacity - 1 : 0);
    memcpy(out, first, len - tail);
    snprintf(suffix, sizeof suffix, SUFFIX, no + 1, count); /* 5 digits each, as the first has */
    memcpy(out + len - tail, suffix, tail + 1);
    return INFER_OK;
}
