/* What a plan takes: where each buffer stands, and the bytes of everything. */
#include "lib/plan/plan.h"

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
    sizes[INF_BUF_GATE] = sizes[INF_BUF_UP] = (struct size){tokens * used, 4ull * most->ff};
    sizes[INF_BUF_ROUTER] = moe ? (struct size){tokens, 4ull * hp->experts} : none;
    sizes[INF_BUF_CHOICE] = moe ? (struct size){tokens, 8ull * hp->experts_used} : none;
    sizes[INF_BUF_GROUPS] =
        moe ? (struct size){1, 4ull * (2 * (hp->experts + 1) + 2 * tokens * used)} : none;
    sizes[INF_BUF_EXPERT] = moe ? (struct size){tokens * used, 4ull * hp->embd} : none;
    sizes[INF_BUF_INT_EMBD] = (struct size){tokens, int_columns(hp->embd)};
    sizes[INF_BUF_INT_OUT] = (struct size){tokens, int_columns(most->out_size)};
    sizes[INF_BUF_INT_FF] = (struct size){tokens * used, int_columns(most->ff)};
    sizes[INF_BUF_LAST] = (struct size){wanted, 4ull * hp->embd};
}

/* (rows, tile) scores, (rows, head) queries, running and tile sums, and eight numbers a row. */
static size_t attention_scratch(const struct inf_hparams *hp)
{
    size_t rows = inf_max_size(INF_ATTN_ROWS, hp->most.group);
    return rows * (INF_ATTN_TILE + hp->most.head_size + 2 * (size_t)hp->most.v_head_size + 8) * 4;
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
        place->at = plan->kv_session_bytes;
        place->v_at = positions * inf_kv_row_bytes(plan->kv, l->head_size);
        place->head_bytes = place->v_at + positions * inf_kv_row_bytes(plan->kv, l->v_head_size);
        if (!add_product(&plan->kv_session_bytes, l->kv_heads, place->head_bytes))
            return inf_fail(err, INFER_E_LIMIT,
                            "the KV cache of %u tokens passes the address space",
                            plan->info.context);
    }
    return INFER_OK;
}

infer_status inf_plan_layout(struct infer_plan *plan, infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    infer_status status;
    if ((status = layout_buffers(plan, err)) || (status = layout_kv(plan, err)))
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
