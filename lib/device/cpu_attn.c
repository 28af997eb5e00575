/*
 * Attention: a task is one KV head and a block of tokens of one session. Its rows are the tokens
 * times the query heads of that KV head (or some of them); it walks the tiles of the cache in order,
 * from position 0.
 */
#include "lib/device/cpu_run.h"

#include <math.h>
#include <string.h>

/* A task takes a part of a KV head's query heads where threads would have nothing to do else; each
 * part reads the cache anew. */
struct share {
    uint32_t parts, heads; /* heads: of a part; the last may have fewer */
};

#define PART_HEADS 4

static struct share share_heads(const struct inf_cpu_run *run, const struct inf_layer *l)
{
    uint32_t tasks = run->block_count * l->kv_heads, most = l->group / PART_HEADS;
    uint32_t parts = tasks ? (run->threads + tasks - 1) / tasks : 1;
    parts = parts < most ? parts : most;
    struct share share = {1, l->group};
    if (parts > 1) {
        share.heads = (l->group + parts - 1) / parts;
        share.parts = (l->group + share.heads - 1) / share.heads;
    }
    return share;
}

void inf_cpu_attn_blocks(struct inf_cpu_run *run)
{
    const struct inf_batch *batch = run->batch;
    uint32_t group = run->plan->hp.most.group;
    uint32_t most = group < INF_ATTN_ROWS ? INF_ATTN_ROWS / group : 1;
    run->block_count = 0;
    for (uint32_t row = 0; row < batch->rows;) {
        uint32_t count = 1;
        while (count < most && row + count < batch->rows &&
               batch->kv[row + count] == batch->kv[row])
            count++;
        run->plan->blocks[run->block_count++] = (struct inf_attn_block){row, count};
        row += count;
    }
}

/* A task's part of the thread's scratch, (rows) or (rows, head_size) floats each. */
struct work {
    uint32_t rows;
    float *q, *acc, *acc_tile, *scores;
    float *most, *sum, *most_tile, *sum_tile;
    uint32_t *first, *end;
};

static struct work divide(const struct infer_plan *plan, const struct inf_layer *l,
                          uint8_t *scratch, uint32_t rows)
{
    size_t matrix = (size_t)rows * l->v_head_size;
    float *at = (float *)(void *)(scratch + plan->attn_scratch_at);
    struct work w = {.rows = rows, .scores = at};
    w.q = w.scores + inf_attn_scratch(rows, l->v_head_size, !l->v_cached);
    w.acc = w.q + (size_t)rows * l->head_size;
    w.acc_tile = w.acc + matrix;
    w.most = w.acc_tile + matrix;
    w.sum = w.most + rows;
    w.most_tile = w.sum + rows;
    w.sum_tile = w.most_tile + rows;
    w.first = (uint32_t *)(void *)(w.sum_tile + rows);
    w.end = w.first + rows;
    return w;
}

/* Positions that a row's token sees: from *first to before *end. Where it sees both ways the window
 * reaches as far forward as back. */
static void seen(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row,
                 uint32_t *first, uint32_t *end)
{
    const struct inf_hparams *hp = &run->plan->hp;
    uint32_t position = run->batch->positions[row], window = hp->layer[step->layer].window;
    uint32_t back = window ? window - 1 : position;
    *end = position + 1;
    if (hp->two_way) {
        uint32_t ahead = run->batch->positions[run->batch->rows - 1] - position;
        back = window ? window / 2 : position;
        *end += window && ahead > back ? back : ahead;
    }
    *first = position > back ? position - back : 0;
}

/* What of a tile each row sees; rows of one token follow each other. */
static void set_ranges(const struct inf_cpu_run *run, const struct inf_step *step,
                       const struct inf_attn_block *block, uint32_t tile, struct work *w)
{
    uint32_t group = w->rows / block->count;
    for (uint32_t r = 0; r < w->rows; r++) {
        uint32_t start, end;
        seen(run, step, block->row + r / group, &start, &end);
        w->first[r] = start > tile ? start - tile : 0;
        w->end[r] = end > tile ? end - tile : 0;
        w->end[r] = w->end[r] < INF_ATTN_TILE ? w->end[r] : INF_ATTN_TILE;
        if (w->first[r] >= w->end[r])
            w->first[r] = w->end[r] = 0;
    }
}

static void attend(const struct inf_cpu_run *run, const struct inf_step *step,
                   const struct inf_attn_block *block, uint32_t kv_head, struct work *w)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    size_t size = l->head_size, v_size = l->v_head_size;
    size_t k_bytes = inf_kv_row_bytes(plan->kv, size), v_bytes = inf_kv_row_bytes(plan->kv, v_size);
    const uint8_t *head = inf_plan_kv(plan, run->batch->kv[block->row], step->layer, kv_head);
    const uint8_t *v = l->v_cached ? head + plan->kv_places[step->layer].v_at : NULL;
    uint32_t start, end;
    seen(run, step, block->row + block->count - 1, &start, &end);
    uint32_t last = end - 1;
    seen(run, step, block->row, &start, &end);
    for (uint32_t tile = start / INF_ATTN_TILE * INF_ATTN_TILE; tile <= last;
         tile += INF_ATTN_TILE) {
        set_ranges(run, step, block, tile, w);
        plan->kernels.attn(&(struct inf_attn_args){
            .kv = plan->kv,
            .k_tile = head + tile * k_bytes,
            .v_tile = v ? v + tile * v_bytes : NULL,
            .k_size = size,
            .v_size = v_size,
            .cap = plan->hp.attn_softcap,
            .q = w->q,
            .q_stride = size,
            .rows = w->rows,
            .first = w->first,
            .end = w->end,
            .most = w->most_tile,
            .sum = w->sum_tile,
            .acc = w->acc_tile,
            .acc_stride = v_size,
            .scratch = w->scores,
        });
        for (uint32_t r = 0; r < w->rows; r++)
            plan->kernels.attn_merge(&(struct inf_attn_merge_args){
                .v_size = v_size,
                .most = &w->most[r],
                .sum = &w->sum[r],
                .acc = w->acc + r * v_size,
                .most_t = w->most_tile[r],
                .sum_t = w->sum_tile[r],
                .acc_t = w->acc_tile + r * v_size,
            });
    }
}

uint32_t inf_cpu_attn_tasks(const struct inf_cpu_run *run, const struct inf_step *step)
{
    const struct inf_layer *l = &run->plan->hp.layer[step->layer];
    return run->block_count * l->kv_heads * share_heads(run, l).parts;
}

/* The query of a head, scaled; what stands in in2 follows what stands in `in`. */
static void take_query(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t row,
                       uint32_t head, float *q)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    size_t first = l->v_cached ? l->head_size : l->v_head_size;
    const float *from = inf_cpu_row(plan, step->in, row) + head * first;
    float scale = l->attn_scale;
    if (plan->attn_temps)
        scale *= plan->attn_temps[run->batch->positions[row] / plan->hp.attn_temp_length];
    for (size_t d = 0; d < first; d++)
        q[d] = from[d] * scale;
    if (step->in2 == INF_BUF_NONE)
        return;
    from = inf_cpu_row(plan, step->in2, row) + head * step->apart + step->at;
    for (size_t d = first; d < l->head_size; d++)
        q[d] = from[d - first] * scale;
}

void inf_cpu_attn(const struct inf_cpu_run *run, const struct inf_step *step, uint32_t task,
                  uint8_t *scratch)
{
    const struct infer_plan *plan = run->plan;
    const struct inf_layer *l = &plan->hp.layer[step->layer];
    const float *sinks = step->w[0] ? (const float *)(const void *)step->w[0]->data : NULL;
    struct share share = share_heads(run, l);
    uint32_t part = task % share.parts, kv_head = task / share.parts % l->kv_heads;
    const struct inf_attn_block *block = &plan->blocks[task / share.parts / l->kv_heads];
    uint32_t first = part * share.heads, left = l->group - first;
    uint32_t heads = left < share.heads ? left : share.heads;
    size_t size = l->v_head_size;
    struct work w = divide(plan, l, scratch, block->count * heads);
    for (uint32_t r = 0; r < w.rows; r++) {
        uint32_t head = kv_head * l->group + first + r % heads;
        take_query(run, step, block->row + r / heads, head, w.q + r * l->head_size);
        w.most[r] = sinks ? sinks[head] : 0.0f;
        w.sum[r] = sinks ? 1.0f : 0.0f;
    }
    if (sinks)
        memset(w.acc, 0, w.rows * size * sizeof *w.acc);
    attend(run, step, block, kv_head, &w);
    for (uint32_t r = 0; r < w.rows; r++) {
        float *out = inf_cpu_row(plan, step->out, block->row + r / heads) +
                     (kv_head * l->group + first + r % heads) * size;
        float inverse = 1.0f / w.sum[r];
        for (size_t d = 0; d < size; d++)
            out[d] = w.acc[r * size + d] * inverse;
    }
}
