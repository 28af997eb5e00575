/* The table of architectures, and the tensors of a model by their slots. */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

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

const struct inf_block inf_layer_pre_norm_post[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_NORM, INF_SLOT_ATTN_POST_NORM},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

const struct inf_block inf_layer_sandwich[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_POST_NORM, INF_SLOT_ATTN_POST_NORM},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_NORM, INF_SLOT_FFN_NORM},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_POST_NORM, INF_SLOT_FFN_POST_NORM},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

const struct inf_block inf_layer_post_norm[] = {
    {INF_BLOCK_BARE, 0},
    {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_POST_NORM, INF_SLOT_ATTN_POST_NORM},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_BARE, 0},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_POST_NORM, INF_SLOT_FFN_POST_NORM},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

const struct inf_block inf_layer_parallel[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN_APART, 0},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_ADD_APART, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

const struct inf_block inf_layer_encoder[] = {
    {INF_BLOCK_BARE, 0}, {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_ADD, 0},  {INF_BLOCK_STREAM_NORM, INF_SLOT_ATTN_OUT_NORM},
    {INF_BLOCK_BARE, 0}, {INF_BLOCK_FFN, 0},
    {INF_BLOCK_ADD, 0},  {INF_BLOCK_STREAM_NORM, INF_SLOT_LAYER_OUT_NORM},
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

#define TRANSFORMERS "transformers in float32"
#define DOUBLE "a plain engine in double precision"

struct inf_family inf_arch_family(const char *name)
{
    static const struct inf_family families[] = {
#define FAMILY(name, models, error, reference) {name, models, reference, error},
#include "lib/arch/families.def"
#undef FAMILY
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (!strcmp(families[i].name, name))
            return families[i];
    return (struct inf_family){name, "", "", -1.0};
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
    for (size_t i = 0; i < inf_arch_count(); i++) {
        if (inf_bytes_equal(name, archs[i]->name)) {
            *arch = archs[i];
            return INFER_OK;
        }
    }
    return inf_fail(err, INFER_E_UNSUPPORTED,
                    "key general.architecture is \"%.*s\", which is none of the %zu architectures "
                    "that this build runs",
                    (int)inf_min_size(name.len, 64), name.ptr, inf_arch_count());
}

struct slot {
    const char *names; /* with | between them */
    enum inf_symbol dims[3];
};

static const struct slot slots[INF_SLOT_COUNT] = {
#define SLOT(ENUM, name, a, b, c) {name, {INF_DIM_##a, INF_DIM_##b, INF_DIM_##c}},
#define PART(ENUM, name, first, total)
#include "lib/arch/slots.def"
#undef SLOT
#undef PART
};

/* Where a slot may also be rows of a fused tensor. */
struct part {
    enum inf_slot slot;
    const char *names;
    enum inf_symbol first, total;
};

static const struct part parts[] = {
#define SLOT(ENUM, name, a, b, c)
#define PART(ENUM, name, first, total) {INF_SLOT_##ENUM, name, INF_DIM_##first, INF_DIM_##total},
#include "lib/arch/slots.def"
#undef SLOT
#undef PART
};

/* A size of a layer; outside layers the largest of all. */
static uint64_t dim(const struct inf_hparams *hp, int layer, enum inf_symbol symbol)
{
    const struct inf_layer *l = layer < 0 ? &hp->most : &hp->layer[layer];
    switch (symbol) {
    case INF_DIM_NONE:
    case INF_DIM_ANY:
        return 1;
    case INF_DIM_EMBD:
        return hp->embd;
    case INF_DIM_Q:
        return l->q_size;
    case INF_DIM_K:
        return l->k_size;
    case INF_DIM_V:
        return l->v_size;
    case INF_DIM_QK:
        return (uint64_t)l->q_size + l->k_size;
    case INF_DIM_QKV:
        return (uint64_t)l->q_size + l->k_size + l->v_size;
    case INF_DIM_OUT:
        return l->out_size;
    case INF_DIM_HEAD:
        return l->head_size;
    case INF_DIM_HEADS:
        return l->heads;
    case INF_DIM_KV_HEADS:
        return l->kv_heads;
    case INF_DIM_FF:
        return l->ff;
    case INF_DIM_FF2:
        return 2ull * l->ff;
    case INF_DIM_VOCAB:
        return hp->vocab;
    case INF_DIM_EXPERTS:
        return hp->experts;
    case INF_DIM_HALF_ROPE:
        return hp->rope[INF_ROPE_GLOBAL].dims / 2;
    case INF_DIM_ONE:
        return 1;
    case INF_DIM_DENSE:
        return hp->dense;
    case INF_DIM_PER_LAYER:
        return hp->per_layer;
    case INF_DIM_PER_LAYERS:
        return (uint64_t)hp->per_layer * hp->layers;
    case INF_DIM_Q2:
        return 2ull * l->q_size;
    case INF_DIM_TAPS:
        return l->taps;
    case INF_DIM_CONV:
        return l->conv_size;
    case INF_DIM_MIX:
        return l->mix_size;
    case INF_DIM_R_HEADS:
        return l->r_heads;
    case INF_DIM_MIX_OUT:
        return (uint64_t)l->mix_size + l->out_size;
    case INF_DIM_R_HEADS2:
        return 2ull * l->r_heads;
    case INF_DIM_R_GROUPS:
        return l->r_groups;
    case INF_DIM_R_GROUP:
        return l->r_groups ? l->out_size / l->r_groups : 0;
    case INF_DIM_VALUES:
        return l->values;
    case INF_DIM_EXPERT_FF:
        return hp->expert_ff;
    case INF_DIM_EXPERT_FF2:
        return 2ull * hp->expert_ff;
    case INF_DIM_SHARED_FF:
        return hp->shared_ff;
    case INF_DIM_Q_LORA:
        return hp->latent.q_lora;
    case INF_DIM_LATENT:
        return hp->latent.size;
    case INF_DIM_NOPE:
        return hp->latent.nope;
    case INF_DIM_VALUE:
        return hp->latent.value;
    case INF_DIM_KV_B:
        return (uint64_t)l->heads * ((uint64_t)hp->latent.nope + hp->latent.value);
    }
    return 0;
}

/* Vectors (norms, biases), one for the layer or one for each head; the taps of channels. */
static bool is_vector(const struct slot *slot)
{
    return slot->dims[1] == INF_DIM_NONE || slot->dims[1] == INF_DIM_HEADS ||
           slot->dims[1] == INF_DIM_KV_HEADS || slot->dims[1] == INF_DIM_R_GROUPS ||
           slot->dims[0] == INF_DIM_ONE || slot->dims[0] == INF_DIM_TAPS ||
           strstr(slot->names, ".bias");
}

/* A matrix may be of any type that multiplies; a vector is f32. */
static bool type_fits(const struct slot *slot, const struct inf_gguf_tensor *t)
{
    if (is_vector(slot))
        return t->type_id == INF_TYPE_F32;
    return t->type && t->type->form != INF_FORM_NUMBER;
}

const char *inf_arch_slot(const struct inf_hparams *hp, enum inf_slot slot, int layer,
                          uint64_t shape[3])
{
    for (int i = 0; i < 3; i++)
        shape[i] = dim(hp, layer, slots[slot].dims[i]);
    return slots[slot].names;
}

/* Where a slot is to be found in the file. */
struct place {
    char name[INF_MAX_NAME + 1];
    const struct inf_gguf_tensor *t; /* NULL: nowhere */
    uint64_t want[3];                /* the tensor's shape */
    uint64_t first, rows;            /* what of it is the slot's: of a vector numbers, else rows */
    bool fused;
};

static infer_status check(const struct slot *slot, const struct place *at, infer_error *err)
{
    const struct inf_gguf_tensor *t = at->t;
    const uint64_t *want = at->want;
    if (t->shape[0] != want[0] || t->shape[1] != want[1] || t->shape[2] != want[2] ||
        t->shape[3] != 1)
        return inf_fail(
            err, INFER_E_FORMAT,
            "tensor %s has shape %llu x %llu x %llu, the model needs %llu x %llu x %llu", at->name,
            (unsigned long long)t->shape[0], (unsigned long long)t->shape[1],
            (unsigned long long)t->shape[2], (unsigned long long)want[0],
            (unsigned long long)want[1], (unsigned long long)want[2]);
    if (!type_fits(slot, t)) {
        if (!t->type)
            return inf_fail(err, INFER_E_UNSUPPORTED, "tensor %s has the unknown type %u", at->name,
                            t->type_id);
        return inf_fail(err, INFER_E_UNSUPPORTED, "tensor %s has type %s, the model needs %s",
                        at->name, t->type->name, is_vector(slot) ? "f32" : "a weight type");
    }
    return INFER_OK;
}

/* The tensor of the first of `names` that is there; `name` becomes the last one tried. */
static const struct inf_gguf_tensor *lookup(const char *names, int layer, inf_tensor_find_fn *find,
                                            const void *ud, char name[INF_MAX_NAME + 1])
{
    const struct inf_gguf_tensor *t = NULL;
    for (const char *end; !t; names = end + 1) {
        char pattern[INF_MAX_NAME + 1];
        end = strchrnul(names, '|');
        snprintf(pattern, sizeof pattern, "%.*s", (int)(end - names), names);
        snprintf(name, INF_MAX_NAME + 1, pattern, (unsigned)layer);
        t = find(ud, name);
        if (!*end)
            break;
    }
    return t;
}

/* Whether an architecture has all that is fused in a tensor. */
static bool has_parts(const struct inf_arch *arch, const char *names)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t row = 0;
        if (strcmp(parts[i].names, names) != 0)
            continue;
        while (row < arch->tensor_count && arch->tensors[row].slot != parts[i].slot)
            row++;
        if (row == arch->tensor_count)
            return false;
    }
    return true;
}

/* A name as slots.def has it: of the experts "ffn_up.7.weight" "ffn_up_exps.weight", else itself. */
static void join_apart(const char *name, char joined[INF_MAX_NAME + 1])
{
    const char *dot = strchrnul(name, '.');
    size_t digits = *dot ? strspn(dot + 1, "0123456789") : 0;
    bool apart = digits && dot[1 + digits] == '.';
    snprintf(joined, INF_MAX_NAME + 1, "%.*s%s%s", (int)(dot - name), name, apart ? "_exps" : "",
             apart ? dot + 1 + digits : dot);
}

/* One of `names`, which have | between them, where all in front of the name in the layer is `front`. */
static bool is_one_of(const char *names, const char *front, const char *name)
{
    for (const char *end; names; names = *end ? end + 1 : NULL) {
        end = strchrnul(names, '|');
        size_t len = (size_t)(end - names), lead = strlen(front);
        if (len == lead + strlen(name) && !memcmp(names, front, lead) &&
            !memcmp(names + lead, name, len - lead))
            return true;
    }
    return false;
}

bool inf_arch_knows(const struct inf_arch *arch, const char *front, const char *name)
{
    char joined[INF_MAX_NAME + 1];
    join_apart(name, joined);
    for (size_t row = 0; row < arch->tensor_count; row++) {
        enum inf_slot slot = arch->tensors[row].slot;
        if (is_one_of(slots[slot].names, front, joined))
            return true;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (parts[i].slot == slot && is_one_of(parts[i].names, front, joined))
                return true;
    }
    return false;
}

bool inf_arch_any_knows(const char *front, const char *name)
{
    char joined[INF_MAX_NAME + 1];
    join_apart(name, joined);
    const char *last = strrchr(name, '.');
    if (last && !strcmp(last, ".scale")) /* of a whole matrix, as NVFP4 may have */
        return true;
    for (size_t slot = 0; slot < INF_SLOT_COUNT; slot++)
        if (slots[slot].names && is_one_of(slots[slot].names, front, joined))
            return true;
    return false;
}

/* A fused tensor is known by its number of rows, which no tensor of the slot's own has. */
static void locate(const struct inf_arch *arch, const struct inf_hparams *hp, enum inf_slot which,
                   int layer, inf_tensor_find_fn *find, const void *ud, struct place *at)
{
    const struct slot *slot = &slots[which];
    inf_arch_slot(hp, which, layer, at->want);
    int axis = slot->dims[1] == INF_DIM_NONE ? 0 : 1;
    at->rows = at->want[axis];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].slot != which || !has_parts(arch, parts[i].names))
            continue;
        uint64_t total = dim(hp, layer, parts[i].total);
        at->t = lookup(parts[i].names, layer, find, ud, at->name);
        if (!at->t || at->t->shape[axis] != total)
            continue;
        at->want[axis] = total;
        at->first = parts[i].first == INF_DIM_NONE ? 0 : dim(hp, layer, parts[i].first);
        at->fused = true;
        return;
    }
    at->t = lookup(slot->names, layer, find, ud, at->name);
    if (at->t && slot->dims[1] == INF_DIM_ANY)
        at->want[1] = at->rows = at->t->shape[1];
}

bool inf_arch_has(const struct inf_hparams *hp, int layer, enum inf_when when)
{
    if (when == INF_PER_LAYER)
        return hp->per_layer;
    if (when == INF_POOLED)
        return hp->dense;
    if (layer < 0)
        return true;
    const struct inf_layer *l = &hp->layer[layer];
    switch (when) {
    case INF_ATTN:
        return l->mixer == INF_MIXER_ATTN;
    case INF_OWN_KV:
        return l->mixer == INF_MIXER_ATTN && !l->kv_shared;
    case INF_RECURRENT:
    case INF_RECURRENT_OR_LAST:
        return inf_layer_recurrent(l);
    case INF_DENSE:
        return l->ff && !l->experts;
    case INF_EXPERTS:
        return l->experts;
    case INF_SHARED:
        return l->experts && hp->shared_ff;
    case INF_Q_LORA:
        return hp->latent.q_lora;
    case INF_Q_PLAIN:
        return !hp->latent.q_lora;
    default:
        return true;
    }
}

/* Old files have a tensor an expert: "ffn_gate.3" for number 3 of "ffn_gate_exps". */
static bool expert_name(enum inf_slot slot, int layer, uint32_t expert, char name[INF_MAX_NAME + 1])
{
    char whole[INF_MAX_NAME + 1];
    snprintf(whole, sizeof whole, slots[slot].names, (unsigned)layer);
    const char *mark = strstr(whole, "_exps");
    if (mark)
        snprintf(name, INF_MAX_NAME + 1, "%.*s.%u%s", (int)(mark - whole), whole, expert, mark + 5);
    return mark;
}

/* Finds the experts of a slot that stand apart, if there are any: at->t becomes the first. */
static infer_status find_apart(const struct inf_hparams *hp, enum inf_slot slot, int layer,
                               inf_tensor_find_fn *find, const void *ud, struct inf_arena *arena,
                               struct place *at, const uint8_t ***each, infer_error *err)
{
    struct place one = *at;
    if (!expert_name(slot, layer, 0, one.name) || !find(ud, one.name))
        return INFER_OK;
    one.want[2] = 1;
    *each = inf_arena_take(arena, hp->experts, sizeof **each);
    if (!*each)
        return inf_fail_memory(err, "the experts of a layer", hp->experts * sizeof **each);
    for (uint32_t e = 0; e < hp->experts; e++) {
        expert_name(slot, layer, e, one.name);
        one.t = find(ud, one.name);
        if (!one.t)
            return inf_fail(err, INFER_E_FORMAT, "tensor %s is missing", one.name);
        infer_status status = check(&slots[slot], &one, err);
        if (status)
            return status;
        if (e && one.t->type_id != at->t->type_id)
            return inf_fail(err, INFER_E_UNSUPPORTED, "tensor %s has type %s, expert 0 has %s",
                            one.name, one.t->type->name, at->t->type->name);
        (*each)[e] = one.t->data;
        if (!e)
            at->t = one.t;
    }
    snprintf(at->name, sizeof at->name, "%s", one.name);
    return INFER_OK;
}

static infer_status fill(const struct inf_arch *arch, const struct inf_hparams *hp,
                         const struct inf_tensor_row *row, int layer, inf_tensor_find_fn *find,
                         const void *ud, struct inf_arena *arena, struct inf_weight *weight,
                         infer_error *err)
{
    struct place at = {0};
    bool due = inf_arch_has(hp, layer, row->when);
    if (!due && row->when != INF_POOLED)
        return INFER_OK;
    const uint8_t **each = NULL;
    infer_status status;
    locate(arch, hp, row->slot, layer, find, ud, &at);
    if (!due) /* it would go unused, and the vector would be another one */
        return at.t ? inf_fail(err, INFER_E_FORMAT,
                               "tensor %s is there without the keys of its sizes", at.name)
                    : INFER_OK;
    if (!at.t && slots[row->slot].dims[2] == INF_DIM_EXPERTS &&
        (status = find_apart(hp, row->slot, layer, find, ud, arena, &at, &each, err)))
        return status;
    if (!at.t)
        return row->when == INF_OPTIONAL
                   ? INFER_OK
                   : inf_fail(err, INFER_E_FORMAT, "tensor %s is missing", at.name);
    if (!each && (status = check(&slots[row->slot], &at, err)))
        return status;
    char *kept = inf_arena_take(arena, strlen(at.name) + 1, 1);
    uint64_t row_bytes = 0;
    if (!kept)
        return inf_fail_memory(err, "tensor names", strlen(at.name) + 1);
    if (!inf_type_row_bytes(at.t->type, at.t->shape[0], &row_bytes))
        return inf_fail(err, INFER_E_FORMAT, "tensor %s has no whole blocks in a row", at.name);
    memcpy(kept, at.name, strlen(at.name) + 1);
    bool vector = slots[row->slot].dims[1] == INF_DIM_NONE;
    *weight = (struct inf_weight){
        .data = at.t->data + at.first * (vector ? sizeof(float) : row_bytes),
        .name = kept,
        .type = at.t->type_id,
        .k = (uint32_t)(vector ? at.rows : at.t->shape[0]),
        .rows = (uint32_t)(vector ? 1 : at.rows),
        .each = each,
        .experts = each ? hp->experts : (uint32_t)at.t->shape[2],
        .row_bytes = row_bytes,
        .expert_bytes = at.t->bytes / inf_max_size(at.t->shape[2], 1),
        .again = at.fused && at.first,
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
        bool in_layer = strchr(slots[row->slot].names, '%') != NULL;
        if (in_layer != (layer >= 0) ||
            (row->when == INF_WITH_LAST && !weights[row[-1].slot].data) ||
            (row->when == INF_RECURRENT_OR_LAST && weights[row[-1].slot].data))
            continue;
        infer_status status = fill(arch, hp, row, layer, find, ud, arena, &weights[row->slot], err);
        if (status)
            return status;
    }
    bool apart = weights[INF_SLOT_ATTN_K_B].data && weights[INF_SLOT_ATTN_V_B].data;
    if (layer >= 0 && hp->latent.size && !apart && !weights[INF_SLOT_ATTN_KV_B].data)
        return inf_fail(err, INFER_E_FORMAT,
                        "tensor blk.%d.attn_kv_b.weight is missing, and attn_k_b and attn_v_b are "
                        "not both there",
                        layer);
    return INFER_OK;
}
