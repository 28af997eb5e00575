/* The table of architectures, and the tensors of a model by their slots. */
#include "lib/arch/arch.h"

#include <stdio.h>
#include <string.h>

#define ARCH(object) extern const struct inf_arch object;
#include "lib/arch/arch.def"
#undef ARCH

static const struct inf_arch *const archs[] = {
#define ARCH(object) &object,
#include "lib/arch/arch.def"
#undef ARCH
};

const struct inf_block inf_layer_pre_norm[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_NORM, INF_SLOT_FFN_NORM},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

size_t inf_arch_count(void)
{
    return sizeof archs / sizeof *archs;
}

const struct inf_arch *inf_arch_at(size_t index)
{
    return archs[index];
}

infer_status inf_arch_find(const struct inf_gguf *gguf, const struct inf_arch **arch,
                           infer_error *err)
{
    struct inf_bytes name = {0};
    infer_status status = inf_gguf_get_text(gguf, "general.architecture", &name, err);
    if (status)
        return status;
    if (!name.ptr)
        return inf_fail(err, INFER_E_FORMAT, "key general.architecture is missing");
    char known[256] = "";
    for (size_t i = 0; i < inf_arch_count(); i++) {
        if (inf_bytes_equal(name, archs[i]->name)) {
            *arch = archs[i];
            return INFER_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", archs[i]->name);
    }
    return inf_fail(err, INFER_E_UNSUPPORTED,
                    "architecture \"%.*s\" is not supported; supported are: %s",
                    (int)inf_min_size(name.len, 64), name.ptr, known);
}

struct slot {
    const char *name;
    enum inf_symbol dims[3];
};

static const struct slot slots[INF_SLOT_COUNT] = {
#define SLOT(ENUM, name, a, b, c) {name, {INF_DIM_##a, INF_DIM_##b, INF_DIM_##c}},
#include "lib/arch/slots.def"
#undef SLOT
};

static uint64_t dim(const struct inf_hparams *hp, enum inf_symbol symbol)
{
    switch (symbol) {
    case INF_DIM_NONE:
        return 1;
    case INF_DIM_EMBD:
        return hp->embd;
    case INF_DIM_Q:
        return hp->q_size;
    case INF_DIM_KV:
        return hp->kv_size;
    case INF_DIM_HEAD:
        return hp->head_size;
    case INF_DIM_FF:
        return hp->ff;
    case INF_DIM_VOCAB:
        return hp->vocab;
    case INF_DIM_EXPERTS:
        return hp->experts;
    case INF_DIM_HALF_ROPE:
        return hp->rope_dims / 2;
    }
    return 0;
}

/* A matrix may be of any type that multiplies; a vector (norm, bias) and the router are f32. */
static bool type_fits(const struct slot *slot, const struct inf_gguf_tensor *t)
{
    if (slot->dims[1] == INF_DIM_NONE)
        return t->type_id == INF_TYPE_F32;
    return t->type && t->type->form != INF_FORM_NUMBER;
}

static infer_status check(const struct inf_hparams *hp, const struct slot *slot, const char *name,
                          const struct inf_gguf_tensor *t, infer_error *err)
{
    uint64_t want[3];
    uint32_t dims = 1;
    for (int i = 0; i < 3; i++) {
        want[i] = dim(hp, slot->dims[i]);
        dims = slot->dims[i] == INF_DIM_NONE ? dims : (uint32_t)i + 1;
    }
    bool same = t->shape[3] == 1;
    for (int i = 0; i < 3; i++)
        same &= t->shape[i] == want[i];
    if (!same)
        return inf_fail(
            err, INFER_E_FORMAT,
            "tensor %s has shape %llu x %llu x %llu, the model needs %llu x %llu x %llu", name,
            (unsigned long long)t->shape[0], (unsigned long long)t->shape[1],
            (unsigned long long)t->shape[2], (unsigned long long)want[0],
            (unsigned long long)want[1], (unsigned long long)want[2]);
    if (!type_fits(slot, t)) {
        if (!t->type)
            return inf_fail(err, INFER_E_UNSUPPORTED, "tensor %s has the unknown type %u", name,
                            t->type_id);
        return inf_fail(err, INFER_E_UNSUPPORTED, "tensor %s has type %s, the model needs %s", name,
                        t->type->name, dims == 1 ? "f32" : "a weight type");
    }
    return INFER_OK;
}

static infer_status fill(const struct inf_hparams *hp, const struct inf_tensor_row *row, int layer,
                         inf_tensor_find_fn *find, const void *ud, struct inf_arena *arena,
                         struct inf_weight *weight, infer_error *err)
{
    const struct slot *slot = &slots[row->slot];
    char name[64];
    snprintf(name, sizeof name, slot->name, (unsigned)layer);
    const struct inf_gguf_tensor *t = find(ud, name);
    if (!t) {
        bool needed = row->when == INF_REQUIRED || (row->when == INF_DENSE && !hp->experts) ||
                      (row->when == INF_EXPERTS && hp->experts);
        return needed ? inf_fail(err, INFER_E_FORMAT, "tensor %s is missing", name) : INFER_OK;
    }
    infer_status status = check(hp, slot, name, t, err);
    if (status)
        return status;
    char *kept = inf_arena_take(arena, strlen(name) + 1, 1);
    uint64_t row_bytes = 0;
    if (!kept)
        return inf_fail_memory(err, "tensor names", strlen(name) + 1);
    if (!inf_type_row_bytes(t->type, t->shape[0], &row_bytes))
        return inf_fail(err, INFER_E_FORMAT, "tensor %s has no whole blocks in a row", name);
    memcpy(kept, name, strlen(name) + 1);
    *weight = (struct inf_weight){
        .data = t->data,
        .name = kept,
        .type = t->type_id,
        .k = (uint32_t)t->shape[0],
        .rows = (uint32_t)t->shape[1],
        .experts = (uint32_t)t->shape[2],
        .row_bytes = row_bytes,
        .bytes = t->bytes,
    };
    return INFER_OK;
}

infer_status inf_arch_weights(const struct inf_arch *arch, const struct inf_hparams *hp, int layer,
                              inf_tensor_find_fn *find, const void *ud, struct inf_arena *arena,
                              struct inf_weight *weights, infer_error *err)
{
    memset(weights, 0, INF_SLOT_COUNT * sizeof *weights);
    for (size_t i = 0; i < arch->tensor_count; i++) {
        const struct inf_tensor_row *row = &arch->tensors[i];
        bool in_layer = strchr(slots[row->slot].name, '%') != NULL;
        if (in_layer != (layer >= 0))
            continue;
        infer_status status = fill(hp, row, layer, find, ud, arena, &weights[row->slot], err);
        if (status)
            return status;
    }
    return INFER_OK;
}
