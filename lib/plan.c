/* The plan as the caller sees it: options, memory, loading. */
#include "lib/session.h"

#include "lib/base/cgroup.h"
#include "lib/base/limits.h"

#include <stdatomic.h>
#include <string.h>

#define DEFAULT_CONTEXT 8192
#define DEFAULT_BATCH 512
#define DEFAULT_CHECKPOINTS 4
#define MAX_SESSIONS 4096
#define MAX_LOGIT_ROWS 65536

static infer_status in_range(const char *name, uint32_t value, uint32_t most, infer_error *err)
{
    return value <= most ? INFER_OK
                         : inf_fail(err, INFER_E_LIMIT, "%s is %u, at most %u are allowed", name,
                                    value, most);
}

static infer_status choose_isa(struct infer_plan *plan, const char *name, infer_error *err)
{
    enum inf_isa isa = inf_cpu_best();
    if (name) {
        isa = INF_ISA_REF;
        while (isa < INF_ISA_EXACT && strcmp(name, inf_isa_name(isa)))
            isa++;
        if (isa == INF_ISA_EXACT)
            return inf_fail(err, INFER_E_ARGUMENT,
                            "there is no instruction set level \"%s\"; levels are ref, avx2, "
                            "avx512, neon and dotprod",
                            name);
        if (!(inf_cpu_usable() >> isa & 1))
            return inf_fail(err, INFER_E_UNSUPPORTED, "this processor does not have the level %s",
                            name);
    }
    if (plan->exact)
        isa = INF_ISA_EXACT;
    inf_kernels_select(isa, &plan->kernels);
    plan->info.isa = inf_isa_name(isa);
    return INFER_OK;
}

const char *inf_kv_name(enum inf_kv kv)
{
    static const char *const names[] = {"f16", "f32", "bf16", "q8_0"};
    return (unsigned)kv < sizeof names / sizeof *names ? names[kv] : "?";
}

/* Whether the plan makes embeddings, and what of the options follows from that: who sees both ways
 * needs the whole text in one pass. */
static infer_status resolve_embedding(struct infer_plan *plan, const infer_plan_options *o,
                                      infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    const struct inf_weight *positions = inf_plan_weight(plan, -1, INF_SLOT_POSITION_EMBD);
    plan->embedding = o->embedding || hp->two_way || plan->arch->encoder;
    if (plan->embedding && hp->pooling == INF_POOLING_NONE)
        return inf_model_failed(plan->model,
                                inf_fail(err, INFER_E_UNSUPPORTED,
                                         "this is no embedding model: key %s.pooling_type, which "
                                         "says how one vector comes of a text, is missing or 0",
                                         plan->arch->name),
                                err);
    if (plan->embedding)
        plan->info.logit_rows = 1;
    if (hp->two_way)
        plan->info.batch = plan->info.context;
    if (positions && plan->info.context > positions->rows)
        return inf_fail(err, INFER_E_LIMIT, "a context of %u: the model has %u positions (%s)",
                        plan->info.context, positions->rows, positions->name);
    return INFER_OK;
}

static infer_status resolve(struct infer_plan *plan, const infer_plan_options *o, infer_error *err)
{
    uint32_t trained = plan->hp.context ? plan->hp.context : DEFAULT_CONTEXT;
    infer_plan_info *info = &plan->info;
    info->context = o->context ? o->context : (uint32_t)inf_min_size(trained, DEFAULT_CONTEXT);
    info->batch = o->batch ? o->batch : DEFAULT_BATCH;
    info->batch = (uint32_t)inf_min_size(info->batch, info->context);
    info->threads = o->threads ? o->threads : inf_cpu_default_threads();
    info->sessions = o->sessions ? o->sessions : 1;
    info->logit_rows = o->logit_rows ? o->logit_rows : 1;
    info->checkpoints = o->checkpoints ? o->checkpoints : DEFAULT_CHECKPOINTS;
    infer_status status;
    if ((status = resolve_embedding(plan, o, err)) ||
        (status = in_range("context", info->context, INF_MAX_CONTEXT, err)) ||
        (status = in_range("batch", info->batch, INF_MAX_BATCH, err)) ||
        (status = in_range("threads", info->threads, INF_MAX_THREADS, err)) ||
        (status = in_range("sessions", info->sessions, MAX_SESSIONS, err)) ||
        (status = in_range("logit_rows", info->logit_rows, MAX_LOGIT_ROWS, err)) ||
        (status = in_range("checkpoints", info->checkpoints, INF_MAX_CHECKPOINTS, err)))
        return status;
    bool recurrent = false;
    for (uint32_t i = 0; i < plan->hp.layers; i++)
        recurrent |= inf_layer_recurrent(&plan->hp.layer[i]);
    if (!recurrent)
        info->checkpoints = 0;
    if ((unsigned)o->kv > INFER_KV_Q8_0)
        return inf_fail(err, INFER_E_ARGUMENT, "kv is %d, which is no KV type", (int)o->kv);
    plan->exact = o->exact;
    plan->overcommit = o->overcommit;
    plan->kv = o->exact ? INF_KV_F32 : (enum inf_kv)o->kv;
    info->kv = inf_kv_name(plan->kv);
    for (uint32_t i = 0; plan->kv == INF_KV_Q8_0 && i < plan->hp.layers; i++) {
        const struct inf_layer *l = &plan->hp.layer[i];
        if (l->head_size % INF_KV_BLOCK || l->v_head_size % INF_KV_BLOCK)
            return inf_fail(err, INFER_E_UNSUPPORTED,
                            "KV type q8_0 needs heads of a multiple of %d numbers, these have %u",
                            INF_KV_BLOCK,
                            l->head_size % INF_KV_BLOCK ? l->head_size : l->v_head_size);
    }
    if (plan->hp.context && info->context > plan->hp.context)
        inf_model_warn(plan->model, "the context of %u tokens is longer than the trained %u",
                       info->context, plan->hp.context);
    if (o->approx && o->exact)
        return inf_fail(err, INFER_E_ARGUMENT, "exact and approx exclude each other");
    if (o->approx && (status = inf_blas_open(&plan->sgemm, err)))
        return status;
    return choose_isa(plan, o->isa, err);
}

/* Bytes of weights that one token of decoding reads, and its multiplies and adds. */
static void count_work(struct infer_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct inf_step *step = &plan->steps[i];
        if (step->op != INF_STEP_MATMUL && step->op != INF_STEP_LOGITS &&
            step->op != INF_STEP_EXPERTS && step->op != INF_STEP_HEADS)
            continue;
        for (uint32_t m = 0; m < step->count; m++) {
            const struct inf_weight *w = step->w[m];
            uint64_t used = step->op == INF_STEP_EXPERTS ? plan->hp.experts_used
                            : step->op == INF_STEP_HEADS ? w->experts
                                                         : 1;
            plan->info.weight_bytes_per_token += used * w->rows * w->row_bytes;
            plan->info.ops_per_token += used * 2 * w->rows * w->k;
        }
    }
}

/* What a generation takes in each session: a greedy sampler, the text held back, a token's bytes;
 * the ids of a prompt and the work of its tokenisation. */
#define GENERATION_BYTES (256 * 1024)
#define GENERATION_BYTES_PER_TOKEN 64

static void count_memory(struct infer_plan *plan)
{
    infer_plan_memory *m = &plan->memory;
    const infer_model *model = plan->model;
    uint64_t file = model->info.file_bytes;
    bool owned = model->no_mmap && model->maps;
    m->weights_mapped = owned ? 0 : file;
    for (uint32_t i = 0; owned && i < model->part_count; i++)
        m->weights_owned += model->maps[i].pages_bytes;
    uint64_t context = plan->info.context;
    uint64_t session = sizeof(struct infer_session) + context * sizeof(infer_token);
    uint64_t generation = GENERATION_BYTES + context * GENERATION_BYTES_PER_TOKEN;
    m->tables = sizeof *model + model->texts.bytes + inf_vocab_bytes(model->vocab);
    for (uint32_t i = 0; i < model->part_count; i++)
        m->tables += sizeof *model->parts + sizeof *model->maps + model->parts[i]->heap_bytes;
    m->tables += sizeof *plan + plan->arena.bytes + inf_pool_bytes(plan->info.threads) +
                 plan->info.sessions * (session + generation);
    m->weights_made = plan->made_bytes;
    m->total = m->weights_mapped + m->weights_owned + m->weights_made + m->kv + m->state +
               m->activations + m->scratch + m->logits + m->tables;
    m->available = inf_memory_left("");
}

static infer_status take_arrays(struct infer_plan *plan, infer_error *err)
{
    uint32_t batch = plan->info.batch;
    struct inf_arena *arena = &plan->arena;
    if (!(plan->blocks = inf_arena_take(arena, batch, sizeof *plan->blocks)) ||
        !(plan->positions = inf_arena_take(arena, batch, sizeof *plan->positions)) ||
        !(plan->want = inf_arena_take(arena, batch, sizeof *plan->want)) ||
        !(plan->logit_rows = inf_arena_take(arena, batch, sizeof *plan->logit_rows)) ||
        !(plan->row_kv = inf_arena_take(arena, batch, sizeof *plan->row_kv)) ||
        !(plan->row_state = inf_arena_take(arena, batch, sizeof *plan->row_state)) ||
        !(plan->row_copy = inf_arena_take(arena, batch, sizeof *plan->row_copy)) ||
        !(plan->segments = inf_arena_take(arena, batch, sizeof *plan->segments)) ||
        !(plan->cancel = inf_arena_take(arena, batch, sizeof *plan->cancel)) ||
        !(plan->slot_taken = inf_arena_take(arena, plan->info.sessions, sizeof *plan->slot_taken)))
        return inf_fail_memory(err, "the rows of a batch", batch * sizeof *plan->row_kv);
    return INFER_OK;
}

static infer_status make(struct infer_plan *plan, const infer_plan_options *o, infer_error *err)
{
    infer_status status =
        inf_model_bind(plan->model, &plan->arena, &plan->arch, &plan->hp, &plan->weights, err);
    if (status || (status = resolve(plan, o, err)) || (status = inf_plan_latent(plan, err)))
        return status;
    if ((status = inf_plan_build(plan, err)) || (status = inf_plan_rope(plan, err)) ||
        (status = inf_plan_layout(plan, err)) || (status = take_arrays(plan, err)))
        return inf_model_failed(plan->model, status, err);
    count_work(plan);
    count_memory(plan);
    return INFER_OK;
}

infer_status infer_plan_new(infer_model *model, const infer_plan_options *options, infer_plan **out,
                            infer_error *err)
{
    *out = NULL;
    infer_plan_options o = {0};
    if (options) {
        if (options->size < sizeof(size_t))
            return inf_fail(err, INFER_E_ARGUMENT, "infer_plan_options.size is %zu", options->size);
        memcpy(&o, options, inf_min_size(options->size, sizeof o));
    }
    struct infer_plan *plan = inf_alloc_zero(&model->a, 1, sizeof *plan);
    if (!plan)
        return inf_fail_memory(err, "the plan", sizeof *plan);
    plan->a = model->a;
    plan->references = 1;
    plan->model = model;
    inf_model_retain(model);
    inf_arena_init(&plan->arena, &plan->a);
    pthread_mutex_init(&plan->turn, NULL);
    infer_status status = make(plan, &o, err);
    if (status)
        infer_plan_free(plan);
    else
        *out = plan;
    return status;
}

void inf_plan_retain(infer_plan *plan)
{
    atomic_fetch_add(&plan->references, 1);
}

/* The pages of a loaded plan, all of them or none. */
struct pages {
    void **at;
    size_t bytes;
    const char *what;
};

#define PAGE_KINDS 6

static void pages_of(struct infer_plan *plan, struct pages pages[PAGE_KINDS])
{
    pages[0] = (struct pages){(void **)&plan->kv_cache, plan->kv_bytes, "the KV cache"};
    pages[1] =
        (struct pages){(void **)&plan->activations, plan->activation_bytes, "the activations"};
    pages[2] = (struct pages){(void **)&plan->scratch, plan->scratch_bytes * plan->info.threads,
                              "the threads' scratch"};
    pages[3] = (struct pages){(void **)&plan->logits, plan->logits_bytes, "the logits"};
    pages[4] = (struct pages){(void **)&plan->states, plan->state_bytes, "the recurrent states"};
    pages[5] = (struct pages){(void **)&plan->made, plan->made_bytes, "the weights made"};
}

static void unload(struct infer_plan *plan)
{
    struct pages pages[PAGE_KINDS];
    pages_of(plan, pages);
    inf_pool_free(plan->pool);
    plan->pool = NULL;
    for (int i = 0; i < PAGE_KINDS; i++) {
        if (*pages[i].at)
            plan->a.unmap(plan->a.ud, *pages[i].at, pages[i].bytes);
        *pages[i].at = NULL;
    }
}

void infer_plan_free(infer_plan *plan)
{
    if (!plan || atomic_fetch_sub(&plan->references, 1) != 1)
        return;
    unload(plan);
    infer_allocator a = plan->a;
    infer_model *model = plan->model;
    inf_arena_free(&plan->arena);
    pthread_mutex_destroy(&plan->turn);
    inf_release(&a, plan);
    infer_model_free(model);
}

void infer_plan_get_memory(const infer_plan *plan, infer_plan_memory *memory)
{
    *memory = plan->memory;
}

void infer_plan_get_info(const infer_plan *plan, infer_plan_info *info)
{
    *info = plan->info;
}

#define TOUCH_BYTES ((size_t)64 << 20) /* between two calls of progress */

/* Writes to every page, so that what was promised is had. */
static infer_status touch(const struct pages *pages, uint64_t before, uint64_t total,
                          infer_progress progress, void *ud, infer_error *err)
{
    for (size_t at = 0; at < pages->bytes; at += TOUCH_BYTES) {
        memset((char *)*pages->at + at, 0, inf_min_size(TOUCH_BYTES, pages->bytes - at));
        if (progress && !progress(ud, (double)(before + at) / (double)(total ? total : 1)))
            return inf_fail(err, INFER_E_CANCELLED, "loading was cancelled");
    }
    return INFER_OK;
}

static infer_status load(struct infer_plan *plan, infer_progress progress, void *ud,
                         infer_error *err)
{
    struct pages pages[PAGE_KINDS];
    pages_of(plan, pages);
    uint64_t total = 0, before = 0;
    for (int i = 0; i < PAGE_KINDS; i++) {
        *pages[i].at = pages[i].bytes ? plan->a.map(plan->a.ud, -1, pages[i].bytes) : NULL;
        if (pages[i].bytes && !*pages[i].at)
            return inf_fail_memory(err, pages[i].what, pages[i].bytes);
        total += pages[i].bytes;
    }
    for (int i = 0; i < PAGE_KINDS; i++, before += pages[i - 1].bytes) {
        infer_status status = touch(&pages[i], before, total, progress, ud, err);
        if (status)
            return status;
    }
    inf_plan_latent_load(plan);
    infer_status status = inf_pool_new(&plan->a, plan->info.threads, &plan->pool, err);
    if (!status && progress)
        progress(ud, 1.0);
    return status;
}

infer_status infer_plan_load(infer_plan *plan, infer_progress progress, void *ud, infer_error *err)
{
    pthread_mutex_lock(&plan->turn);
    infer_status status = INFER_OK;
    uint64_t anonymous = plan->memory.kv + plan->memory.state + plan->memory.activations +
                         plan->memory.scratch + plan->memory.logits + plan->memory.weights_made;
    if (!plan->loaded) {
        plan->memory.available = inf_memory_left("");
        if (anonymous > plan->memory.available && !plan->overcommit)
            status =
                inf_fail(err, INFER_E_MEMORY,
                         "the plan takes %llu MiB beside the weights, the machine has %llu MiB",
                         (unsigned long long)(anonymous >> 20),
                         (unsigned long long)(plan->memory.available >> 20));
        else if (plan->memory.total > plan->memory.available)
            inf_model_warn(
                plan->model,
                "weights of %llu MiB and %llu MiB beside them are more than the %llu MiB "
                "that are free: tokens will read the disk",
                (unsigned long long)(plan->memory.weights_mapped >> 20),
                (unsigned long long)(anonymous >> 20),
                (unsigned long long)(plan->memory.available >> 20));
        if (!status)
            status = load(plan, progress, ud, err);
        if (status)
            unload(plan);
        plan->loaded = !status;
    }
    pthread_mutex_unlock(&plan->turn);
    return inf_model_failed(plan->model, status, err);
}

bool infer_plan_loaded(const infer_plan *plan)
{
    return plan->loaded;
}
