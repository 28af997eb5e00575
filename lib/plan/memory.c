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

static void buffer_sizes(const struct infer_plan *plan, struct size sizes[INF_BUF_COUNT])
{
    const struct inf_hparams *hp = &plan->hp;
    uint64_t tokens = plan->info.batch, used = hp->experts ? hp->experts_used : 1;
    uint64_t wanted = inf_min_size(tokens, (uint64_t)plan->info.logit_rows * plan->info.sessions);
    struct size none = {0, 0};
    bool moe = hp->experts;
    sizes[INF_BUF_STREAM] = sizes[INF_BUF_BESIDE] = (struct size){tokens, 4ull * hp->embd};
    sizes[INF_BUF_ANGLES] = (struct size){tokens, 4ull * 2 * hp->rope_dims};
    sizes[INF_BUF_Q] = sizes[INF_BUF_ATTN] = (struct size){tokens, 4ull * hp->q_size};
    sizes[INF_BUF_K] = sizes[INF_BUF_V] = (struct size){tokens, 4ull * hp->kv_size};
    sizes[INF_BUF_GATE] = sizes[INF_BUF_UP] = (struct size){tokens * used, 4ull * hp->ff};
    sizes[INF_BUF_ROUTER] = moe ? (struct size){tokens, 4ull * hp->experts} : none;
    sizes[INF_BUF_CHOICE] = moe ? (struct size){tokens, 8ull * hp->experts_used} : none;
    sizes[INF_BUF_GROUPS] =
        moe ? (struct size){1, 4ull * (2 * (hp->experts + 1) + 2 * tokens * used)} : none;
    sizes[INF_BUF_EXPERT] = moe ? (struct size){tokens * used, 4ull * hp->embd} : none;
    sizes[INF_BUF_INT_EMBD] =
        hp->embd % 32 ? none : (struct size){tokens, inf_acts_stride(hp->embd)};
    sizes[INF_BUF_INT_Q] =
        hp->q_size % 32 ? none : (struct size){tokens, inf_acts_stride(hp->q_size)};
    sizes[INF_BUF_INT_FF] =
        hp->ff % 32 ? none : (struct size){tokens * used, inf_acts_stride(hp->ff)};
    sizes[INF_BUF_LAST] = (struct size){wanted, 4ull * hp->embd};
}

/* (rows, tile) scores, (rows, head) queries, running and tile sums, and four numbers a row. */
static size_t attention_scratch(const struct inf_hparams *hp)
{
    size_t rows = inf_max_size(INF_ATTN_ROWS, hp->heads / hp->kv_heads);
    return rows * (INF_ATTN_TILE + 3 * (size_t)hp->head_size + 8) * 4;
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

infer_status inf_plan_layout(struct infer_plan *plan, infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    infer_status status = layout_buffers(plan, err);
    if (status)
        return status;
    size_t positions =
        ((size_t)plan->info.context + INF_ATTN_TILE - 1) / INF_ATTN_TILE * INF_ATTN_TILE;
    plan->kv_head_bytes = positions * inf_kv_row_bytes(plan->kv, hp->head_size);
    size_t session = 0, kv = 0, logits = 0, scratch = 0;
    if (!add_product(&session, (uint64_t)hp->layers * hp->kv_heads * 2, plan->kv_head_bytes) ||
        !add_product(&kv, session, plan->info.sessions) ||
        !add_product(&logits, (uint64_t)plan->info.logit_rows * plan->info.sessions,
                     4ull * hp->vocab) ||
        !add_product(&scratch, plan->scratch_bytes, plan->info.threads))
        return inf_fail(err, INFER_E_LIMIT,
                        "the KV cache of %u tokens x %u sessions passes the address space",
                        plan->info.context, plan->info.sessions);
    plan->kv_session_bytes = session;
    plan->kv_bytes = kv;
    plan->logits_bytes = logits;
    plan->memory.kv = kv;
    plan->memory.logits = logits;
    plan->memory.activations = plan->activation_bytes;
    plan->memory.scratch = scratch;
    return INFER_OK;
}
