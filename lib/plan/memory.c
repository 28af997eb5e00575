/* What a plan takes: where each buffer stands, and the bytes of everything. */
#include "lib/plan/plan.h"

#include <math.h>

struct size {
    uint64_t rows, stride;
};

/* Checked product and sum; false on overflow. */
static bool add_product(size_t *total, uint64_t a, uint64_t b)
{
    size_t product;
    return inf_mul_size(a, b, &product) && inf_add_size(*total, product, total);
}

/* Bytes of an int8 column of up to k numbers: block types have rows of whole 32s. */
static uint64_t int_columns(uint32_t k)
{
    return inf_acts_stride(k / 32 * 32);
}

/* Numbers of a gate: of a recurrent layer's result, or of queries with theirs. */
static uint64_t gate_size(const struct infer_plan *plan)
{
    const struct inf_layer *most = &plan->hp.most;
    return inf_max_size(most->out_size, 2 * (size_t)most->q_size);
}

static void buffer_sizes(const struct infer_plan *plan, struct size sizes[INF_BUF_COUNT])
{
    const struct inf_hparams *hp = &plan->hp;
    const struct inf_layer *most = &hp->most;
    uint64_t tokens = plan->info.batch, used = hp->experts ? hp->experts_used : 1;
    uint64_t wanted = inf_min_size(tokens, (uint64_t)plan->info.logit_rows * plan->info.sessions);
    struct size none = {0, 0};
    bool moe = hp->experts;
    sizes[INF_BUF_STREAM] = sizes[INF_BUF_BESIDE] = (struct size){tokens, 4ull * hp->embd};
    sizes[INF_BUF_APART] = plan->apart ? sizes[INF_BUF_BESIDE] : none;
    sizes[INF_BUF_ANGLES] =
        (struct size){tokens, 4ull * ((uint64_t)hp->rope[0].dims + hp->rope[1].dims)};
    sizes[INF_BUF_Q] = (struct size){tokens, 4ull * most->q_size};
    sizes[INF_BUF_K] = (struct size){tokens, 4ull * most->k_size};
    sizes[INF_BUF_V] = (struct size){tokens, 4ull * most->v_size};
    sizes[INF_BUF_ATTN] = (struct size){tokens, 4ull * most->out_size};
    uint32_t ff = most->ff > hp->shared_ff ? most->ff : hp->shared_ff;
    sizes[INF_BUF_GATE] = sizes[INF_BUF_UP] = (struct size){tokens, 4ull * ff};
    sizes[INF_BUF_SLOT_GATE] = sizes[INF_BUF_SLOT_UP] =
        moe ? (struct size){tokens * used, 4ull * hp->expert_ff} : none;
    sizes[INF_BUF_INT_SLOT] = moe ? (struct size){tokens * used, int_columns(hp->expert_ff)} : none;
    sizes[INF_BUF_SHARED] = hp->shared_ff ? (struct size){tokens, 4ull * hp->embd} : none;
    sizes[INF_BUF_SHARED_GATE] = hp->shared_ff ? (struct size){tokens, 4} : none;
    const struct inf_latent *latent = &hp->latent;
    uint32_t column = latent->size > latent->nope ? latent->size : latent->nope;
    sizes[INF_BUF_Q_LORA] = (struct size){latent->q_lora ? tokens : 0, 4ull * latent->q_lora};
    sizes[INF_BUF_INT_Q_LORA] =
        (struct size){latent->q_lora ? tokens : 0, int_columns(latent->q_lora)};
    sizes[INF_BUF_LATENT] =
        latent->size ? (struct size){tokens, 4ull * most->heads * latent->size} : none;
    sizes[INF_BUF_INT_HEADS] =
        latent->size ? (struct size){tokens * most->heads, int_columns(column)} : none;
    sizes[INF_BUF_ROUTER] = moe ? (struct size){tokens, 4ull * hp->experts} : none;
    sizes[INF_BUF_CHOICE] = moe ? (struct size){tokens, 8ull * hp->experts_used} : none;
    sizes[INF_BUF_GROUPS] =
        moe ? (struct size){1, 4ull * (2 * (hp->experts + 1ull) + 2 * tokens * used)} : none;
    sizes[INF_BUF_EXPERT] = moe ? (struct size){tokens * used, 4ull * hp->embd} : none;
    sizes[INF_BUF_INT_EMBD] = (struct size){tokens, int_columns(hp->embd)};
    sizes[INF_BUF_INT_OUT] = (struct size){tokens, int_columns(most->out_size)};
    sizes[INF_BUF_INT_FF] = (struct size){tokens, int_columns(ff)};
    uint64_t per_layer = hp->per_layer, per_layers = per_layer * hp->layers;
    sizes[INF_BUF_PER_LAYER] = sizes[INF_BUF_PER_LAYER_MODEL] =
        (struct size){tokens, 4 * per_layers};
    sizes[INF_BUF_PER_LAYER_GATE] = (struct size){tokens, 4 * per_layer};
    sizes[INF_BUF_INT_PER_LAYER] = (struct size){tokens, int_columns(hp->per_layer)};
    uint64_t heads = 4ull * most->r_heads;
    sizes[INF_BUF_MIX] = (struct size){tokens, 4ull * most->mix_size};
    sizes[INF_BUF_MIX_Z] = plan->gated ? (struct size){tokens, 4ull * gate_size(plan)} : none;
    sizes[INF_BUF_MIXED] = (struct size){plan->mixed ? tokens : 0, 4ull * plan->mixed};
    sizes[INF_BUF_FORGET] = sizes[INF_BUF_TAKE] = (struct size){tokens, heads};
    sizes[INF_BUF_DENSE] = (struct size){hp->dense ? 1 : 0, 4ull * hp->dense};
    sizes[INF_BUF_INT_DENSE] = (struct size){hp->dense ? 1 : 0, int_columns(hp->dense)};
    sizes[INF_BUF_LAST] = (struct size){wanted, 4ull * hp->embd};
}

/* What the kernel wants, (rows, head) queries, running and tile sums, and eight numbers a row. */
static size_t attention_scratch(const struct inf_hparams *hp)
{
    size_t rows = inf_max_size(INF_ATTN_ROWS, hp->most.group), v_size = hp->most.v_head_size;
    return (inf_attn_scratch(rows, v_size, hp->latent.size) +
            rows * (hp->most.head_size + 2 * v_size + 8)) *
           4;
}

static infer_status layout_buffers(struct infer_plan *plan, infer_error *err)
{
    struct size sizes[INF_BUF_COUNT];
    buffer_sizes(plan, sizes);
    size_t total = 0;
    for (int i = 0; i < INF_BUF_COUNT; i++) {
        plan->buffers[i] =
            (struct inf_plan_buffer){total, sizes[i].stride, (uint32_t)sizes[i].rows};
        if (!add_product(&total, sizes[i].rows, sizes[i].stride) ||
            !inf_round_up(total, 64, &total))
            return inf_fail(err, INFER_E_LIMIT, "the activations pass the address space");
    }
    plan->activation_bytes = total;
    plan->attn_scratch_at = INF_MATMUL_SCRATCH;
    plan->scratch_bytes =
        (INF_MATMUL_SCRATCH + attention_scratch(&plan->hp) + 4095) & ~(size_t)4095;
    return INFER_OK;
}

/* The caches of the layers that attend, one behind the other. */
static infer_status layout_kv(struct infer_plan *plan, infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    size_t positions =
        ((size_t)plan->info.context + INF_ATTN_TILE - 1) / INF_ATTN_TILE * INF_ATTN_TILE;
    plan->kv_places = inf_arena_take(&plan->arena, hp->layers, sizeof *plan->kv_places);
    if (!plan->kv_places)
        return inf_fail_memory(err, "the places of the KV cache",
                               hp->layers * sizeof *plan->kv_places);
    plan->kv_session_bytes = 0;
    for (uint32_t i = 0; i < hp->layers; i++) {
        const struct inf_layer *l = &hp->layer[i];
        struct inf_kv_place *place = &plan->kv_places[i];
        if (l->mixer != INF_MIXER_ATTN)
            continue;
        if (l->kv_shared) {
            *place = plan->kv_places[l->kv_shared - 1];
            continue;
        }
        place->at = plan->kv_session_bytes;
        place->v_at = positions * inf_kv_row_bytes(plan->kv, l->head_size);
        place->head_bytes = place->v_at + positions * inf_kv_row_bytes(plan->kv, l->v_cached);
        if (!add_product(&plan->kv_session_bytes, l->kv_heads, place->head_bytes))
            return inf_fail(err, INFER_E_LIMIT,
                            "the KV cache of %u tokens passes the address space",
                            plan->info.context);
    }
    return INFER_OK;
}

/* The states of the recurrent layers of a session, one behind the other. */
static infer_status layout_state(struct infer_plan *plan, infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    size_t copies = 1 + (size_t)plan->info.checkpoints, keys = hp->most.keys, floats = 0;
    plan->state_places = inf_arena_take(&plan->arena, hp->layers, sizeof *plan->state_places);
    plan->unit = inf_arena_take(&plan->arena, 2 * keys + 1, sizeof *plan->unit);
    if (!plan->state_places || !plan->unit)
        return inf_fail_memory(err, "the places of the states",
                               hp->layers * sizeof *plan->state_places);
    for (size_t i = 0; i < keys; i++) {
        plan->unit[i] = 1.0f / (float)keys; /* a query: length 1, then over the root of keys */
        plan->unit[keys + i] = (float)(1.0 / sqrt((double)keys));
    }
    for (uint32_t i = 0; i < hp->layers; i++) {
        const struct inf_layer *l = &hp->layer[i];
        if (!inf_layer_recurrent(l))
            continue;
        plan->state_places[i].conv_at = floats;
        floats = (floats + (size_t)(l->taps - 1) * l->conv_size + 15) / 16 * 16;
        plan->state_places[i].heads_at = floats;
        if (!add_product(&floats, l->r_heads, inf_recur_state(l->keys, l->values)))
            return inf_fail(err, INFER_E_LIMIT, "the recurrent state passes the address space");
    }
    size_t bytes = 0, all = 0;
    if (!add_product(&bytes, floats, sizeof(float) * copies) ||
        !add_product(&all, bytes, plan->info.sessions))
        return inf_fail(err, INFER_E_LIMIT,
                        "the recurrent state and its %u copies x %u sessions pass the address "
                        "space",
                        plan->info.checkpoints, plan->info.sessions);
    plan->state_floats = floats;
    plan->state_bytes = plan->memory.state = all;
    return INFER_OK;
}

infer_status inf_plan_layout(struct infer_plan *plan, infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    infer_status status;
    if ((status = layout_buffers(plan, err)) || (status = layout_kv(plan, err)) ||
        (status = layout_state(plan, err)))
        return status;
    size_t kv = 0, logits = 0, scratch = 0;
    if (!add_product(&kv, plan->kv_session_bytes, plan->info.sessions) ||
        !add_product(&logits, (uint64_t)plan->info.logit_rows * plan->info.sessions,
                     4ull * (plan->embedding ? hp->embd : hp->vocab)) ||
        !add_product(&scratch, plan->scratch_bytes, plan->info.threads))
        return inf_fail(err, INFER_E_LIMIT,
                        "the KV cache of %u tokens x %u sessions passes the address space",
                        plan->info.context, plan->info.sessions);
    plan->kv_bytes = kv;
    plan->logits_bytes = logits;
    plan->memory.kv = kv;
    plan->memory.logits = logits;
    plan->memory.activations = plan->activation_bytes;
    plan->memory.scratch = scratch;
    return INFER_OK;
}
